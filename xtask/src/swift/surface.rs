//! What is public in the package: each part of it is documented, and all of it agreed upon in a file.

use std::process::Stdio;

use serde::Deserialize;

use super::{PACKAGE, scratch, toolchain::Swift};
use crate::Workspace;

const FILE: &str = "bindings/swift/api.txt";

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

/// Compares the public surface with the file. `UPDATE_API=1` writes it anew.
pub(super) fn check(here: &Workspace, swift: &Swift) -> Result<(), String> {
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
    let file = std::path::Path::new(folder.trim()).join("MarketSDK.symbols.json");
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let found = described(&text, &swift.version(here)?)?;
    let agreed = std::fs::read_to_string(here.root.join(FILE)).unwrap_or_default();
    if std::env::var("UPDATE_API").is_ok_and(|value| value == "1") {
        return std::fs::write(here.root.join(FILE), found).map_err(|e| e.to_string());
    }
    // Each version of the compiler has its own way of writing declarations.
    let other = |text: &str| text.lines().next() != found.lines().next();
    if found == agreed || (!agreed.is_empty() && other(&agreed)) {
        return Ok(());
    }
    for line in found.lines().filter(|line| !agreed.lines().any(|old| old == *line)) {
        println!("+ {line}");
    }
    for line in agreed.lines().filter(|line| !found.lines().any(|new| new == *line)) {
        println!("- {line}");
    }
    Err(format!(
        "The public surface is not that of {FILE}; if that is meant: UPDATE_API=1 cargo xtask test swift"
    ))
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
