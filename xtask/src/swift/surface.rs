//! What is public in the package: each part of it is documented, and all of it agreed upon in a file.

use std::process::Stdio;

use serde::Deserialize;

use super::{PACKAGE, scratch, toolchain::Swift};
use crate::Workspace;

/// The modules that an app may import, and what is agreed upon of each.
const MODULES: &[(&str, &str)] =
    &[("MarketSDK", "bindings/swift/api.txt"), ("MarketSDKTesting", "bindings/swift/api-testing.txt")];

/// What the compiler says of a module.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graph {
    symbols: Vec<Symbol>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol {
    path_components: Vec<String>,
    declaration_fragments: Vec<Fragment>,
    doc_comment: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Fragment {
    spelling: String,
}

/// Compares the public surface with the files. `UPDATE_API=1` writes them anew. Where it cannot be compared, that is a
/// figure.
pub(super) fn check(here: &Workspace, swift: &Swift, figures: &mut Vec<String>) -> Result<(), String> {
    let mut dump = swift.command(here, &here.root.join(PACKAGE), "swift");
    dump.arg("package").arg("--scratch-path").arg(scratch(here));
    dump.args(["dump-symbol-graph", "--minimum-access-level", "public", "--skip-synthesized-members"]);
    let out = dump.stderr(Stdio::piped()).output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&out.stdout);
    let folder = said.lines().find_map(|line| line.strip_prefix("Files written to "));
    let Some(folder) = folder.filter(|_| out.status.success()) else {
        return Err(format!(
            "the compiler does not say what is public:\n{}",
            String::from_utf8_lossy(&out.stderr)
        ));
    };
    for (module, file) in MODULES {
        let graph = std::path::Path::new(folder.trim()).join(format!("{module}.symbols.json"));
        check_one(here, swift, &graph, file, figures)?;
    }
    Ok(())
}

fn check_one(
    here: &Workspace,
    swift: &Swift,
    graph: &std::path::Path,
    file: &str,
    figures: &mut Vec<String>,
) -> Result<(), String> {
    let text = std::fs::read_to_string(graph).map_err(|e| format!("{}: {e}", graph.display()))?;
    let found = described(&text, &swift.version(here)?)?;
    let agreed = std::fs::read_to_string(here.root.join(file)).unwrap_or_default();
    if std::env::var("UPDATE_API").is_ok_and(|value| value == "1") {
        return std::fs::write(here.root.join(file), found).map_err(|e| e.to_string());
    }
    match compared(&found, &agreed, file) {
        Compared::Same => return Ok(()),
        Compared::OtherCompiler(why) if swift.is_the_gates_own() => {
            return Err(format!("{why}. With this one: UPDATE_API=1 cargo xtask test swift"));
        }
        Compared::OtherCompiler(why) => {
            println!("{why}.");
            figures.push(why);
            return Ok(());
        }
        Compared::Different => {}
    }
    for line in found.lines().filter(|line| !agreed.lines().any(|old| old == *line)) {
        println!("+ {line}");
    }
    for line in agreed.lines().filter(|line| !found.lines().any(|new| new == *line)) {
        println!("- {line}");
    }
    Err(format!(
        "The public surface is not that of {file}; if that is meant: UPDATE_API=1 cargo xtask test swift"
    ))
}

#[derive(Debug, PartialEq, Eq)]
enum Compared {
    Same,
    Different,
    /// Each version of the compiler has its own way of writing declarations. It says which two there are.
    OtherCompiler(String),
}

fn compared(found: &str, agreed: &str, file: &str) -> Compared {
    let compiler =
        |text: &'_ str| text.strip_prefix("# As Swift ")?.split_once(" writes it.").map(|it| it.0.to_owned());
    match (compiler(found), compiler(agreed)) {
        _ if found == agreed => Compared::Same,
        (Some(this), Some(other)) if this != other => Compared::OtherCompiler(format!(
            "Swift: the public surface was NOT compared: this is Swift {this}, {file} is as Swift {other} writes it"
        )),
        _ => Compared::Different,
    }
}

/// The surface as the file has it. An error is something that is not documented.
fn described(graph: &str, version: &str) -> Result<String, String> {
    let graph: Graph = serde_json::from_str(graph).map_err(|e| e.to_string())?;
    let mut lines = Vec::new();
    let mut bare = Vec::new();
    for symbol in graph.symbols {
        let declared: String = symbol.declaration_fragments.into_iter().map(|part| part.spelling).collect();
        let declared = declared.split_whitespace().collect::<Vec<_>>().join(" ");
        let (name, outer) = symbol.path_components.split_last().ok_or("a symbol without a name")?;
        let path = if outer.is_empty() { String::new() } else { format!("{}: ", outer.join(".")) };
        let line = format!("{path}{declared}");
        if symbol.doc_comment.is_none() {
            bare.push(format!("{line} ({name})"));
        }
        lines.push(line);
    }
    if !bare.is_empty() {
        return Err(format!("public and not documented:\n{}", bare.join("\n")));
    }
    lines.sort();
    lines.dedup();
    Ok(format!("# As Swift {version} writes it.\n{}\n", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_is_compared_unless_another_compiler_wrote_it() {
        let agreed = "# As Swift 6.0.3 writes it.\nCart: let id\n";
        assert_eq!(compared(agreed, agreed, "api.txt"), Compared::Same);
        assert_eq!(compared("# As Swift 6.0.3 writes it.\n", agreed, "api.txt"), Compared::Different);
        assert_eq!(compared(agreed, "", "api.txt"), Compared::Different);
        let Compared::OtherCompiler(why) =
            compared("# As Swift 6.2 writes it.\nCart: let id\n", agreed, "api.txt")
        else {
            panic!("it was compared");
        };
        assert!(why.contains("this is Swift 6.2,") && why.contains("as Swift 6.0.3 writes"), "{why}");
    }

    #[test]
    fn what_is_public_is_written_down_and_has_to_be_documented() {
        let symbol = |doc: &str| {
            format!(
                r#"{{"pathComponents":["Cart","id"],"declarationFragments":[{{"spelling":"let"}},{{"spelling":" id"}}]{doc}}}"#
            )
        };
        let graph = |doc: &str| format!(r#"{{"symbols":[{}]}}"#, symbol(doc));
        let found = described(&graph(r#","docComment":{"lines":[]}"#), "6.0.3");
        assert_eq!(found.as_deref(), Ok("# As Swift 6.0.3 writes it.\nCart: let id\n"));
        assert!(described(&graph(""), "6.0.3").is_err_and(|why| why.contains("Cart: let id")));
    }
}
