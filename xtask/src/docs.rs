//! The documentation site: built from `docs/`, and from the pages of the packages, whose own tests compile their snippets.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::counts::Counts;
use crate::{Workspace, setup, succeeds};

const VERSION: &str = "0.5.4";

/// Pages that hold snippets of their own, since tests compile them: those of `bindings/react-native`.
const COMPILED: &[&str] = &["docs/migrating.md"];

/// Builds the site into `target/book`, and checks what a reader would stumble over.
pub(crate) fn check(here: &Workspace) -> Counts {
    let built = build(here);
    let site = here.root.join("target/book");
    let mut sum = Counts::check(built);
    if built {
        for (what, wrong) in [
            ("every link leads somewhere", broken_links(&site)),
            ("every snippet is compiled by somebody", own_snippets(here)),
            ("every test that is named is there", missing_tests(here)),
            ("every call of a test kit is there", missing_steering(here)),
        ] {
            wrong.iter().for_each(|wrong| println!("{wrong}"));
            println!("{what}: {}", if wrong.is_empty() { "yes" } else { "NO" });
            sum += Counts::check(wrong.is_empty());
        }
        println!("the site is {}", site.join("index.html").display());
    }
    sum
}

fn build(here: &Workspace) -> bool {
    let Some(mdbook) =
        setup::cargo_tool(here, "mdbook", VERSION, &["--no-default-features", "--features", "search"])
    else {
        return false;
    };
    succeeds(here.command(mdbook).args(["build", "docs", "--dest-dir"]).arg(here.root.join("target/book")))
}

/// Links within the site to no page, or to no heading of one.
fn broken_links(site: &Path) -> Vec<String> {
    let pages: HashMap<PathBuf, String> = files(site, "html")
        .into_iter()
        .filter_map(|page| std::fs::read_to_string(&page).ok().map(|text| (page, text)))
        .collect();
    let mut broken = Vec::new();
    for (page, text) in &pages {
        // Its links are relative to no page in particular.
        if page.ends_with("404.html") {
            continue;
        }
        for link in attributes(text, "href").chain(attributes(text, "src")) {
            let outside =
                link.contains("://") || ["mailto:", "data:"].iter().any(|scheme| link.starts_with(scheme));
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let to = if path.is_empty() { page.clone() } else { page.parent().unwrap_or(site).join(path) };
            let there = match pages.get(&normal(&to)) {
                Some(text) => heading.is_empty() || attributes(text, "id").any(|id| id == heading),
                None => to.is_file(),
            };
            if !outside && !there {
                let page = page.strip_prefix(site).unwrap_or(page);
                broken.push(format!("{}: {link} leads nowhere", page.display()));
            }
        }
    }
    broken.sort();
    broken
}

/// The values of an attribute of a page.
fn attributes<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {name}=\"");
    let starts: Vec<usize> = text.match_indices(&start).map(|(at, found)| at + found.len()).collect();
    starts.into_iter().filter_map(|at| text.get(at..)?.split('"').next())
}

/// Without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

fn own_snippets(here: &Workspace) -> Vec<String> {
    let languages = ["rust", "kotlin", "swift", "ts", "tsx", "js", "jsx"];
    let mut own = Vec::new();
    for page in files(&here.root.join("docs"), "md") {
        let name = page.strip_prefix(&here.root).unwrap_or(&page).display().to_string();
        let text = std::fs::read_to_string(&page).unwrap_or_default();
        for fence in text.lines().filter_map(|line| line.trim_start().strip_prefix("```")) {
            let language = fence.split([',', ' ']).next().unwrap_or_default();
            if languages.contains(&language) && !COMPILED.contains(&name.as_str()) {
                own.push(format!(
                    "{name}: nobody compiles its {language}: take it from a page that is compiled"
                ));
            }
        }
    }
    own
}

/// Tests that a page names, by their functions' names or the names of conformance cases, and that are nowhere.
fn missing_tests(here: &Workspace) -> Vec<String> {
    let mut sources = String::new();
    for folder in ["sdk-core", "bindings/ffi", "examples/cli", "tests", "xtask"] {
        for file in ["rs", "toml"].iter().flat_map(|kind| files(&here.root.join(folder), kind)) {
            sources.push_str(&std::fs::read_to_string(file).unwrap_or_default());
        }
    }
    let mut missing = BTreeSet::new();
    for page in files(&here.root.join("docs"), "md") {
        let text = std::fs::read_to_string(&page).unwrap_or_default();
        for word in text.split('`') {
            let sentence = word.matches('_').count() >= 4;
            let name =
                word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            let there =
                || sources.contains(&format!("fn {word}(")) || sources.contains(&format!("id = \"{word}\""));
            if sentence && name && !there() {
                missing.insert(format!("{}: there is no test {word}", page.display()));
            }
        }
    }
    missing.into_iter().collect()
}

/// In each column of the tables of test kits, from the second on: where the language says what there is.
const KITS: [&[&str]; 4] = [
    &["sdk-core/src/test_kit/mod.rs", "sdk-core/src/test_kit/dev_server.rs"],
    &["bindings/kotlin/api/market-sdk-test.api"],
    &["bindings/swift/api-testing.txt"],
    &[
        "bindings/react-native/src/testing/client.ts",
        "bindings/react-native/src/testing/shop.ts",
        "bindings/react-native/src/testing/dev-server.ts",
    ],
];

/// Calls in those tables that a language does not have.
fn missing_steering(here: &Workspace) -> Vec<String> {
    let read = |file: &str| std::fs::read_to_string(here.root.join(file)).unwrap_or_default();
    let page = read("docs/test-kit.md");
    KITS.iter()
        .enumerate()
        .flat_map(|(at, sources)| {
            let source: String = sources.iter().map(|file| read(file)).collect();
            missing_calls(&page, at + 2, &source)
        })
        .map(|name| format!("docs/test-kit.md: there is no {name}"))
        .collect()
}

/// The calls in the code of a column that are no word of `source`.
fn missing_calls(page: &str, column: usize, source: &str) -> Vec<String> {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let there: BTreeSet<&str> = source.split(|letter| !part(letter)).collect();
    let cells =
        page.lines().filter(|line| line.starts_with("| ")).filter_map(|row| row.split('|').nth(column));
    let calls = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).flat_map(|code| {
        code.match_indices('(')
            .filter_map(move |(at, _)| code.get(..at)?.rsplit(|letter| !part(letter)).next())
    });
    calls.filter(|name| !there.contains(name)).map(str::to_owned).collect()
}

/// All files of a kind in a folder and those below, but not what is built there.
fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            found.extend(files(&path, kind));
        } else if path.extension().is_some_and(|extension| extension == kind) {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_a_test_kit_does_not_have_is_found() {
        let page = "| fail | `shop.fail(code)`, `recover()` | `new Client({ shop })` |\n";
        assert_eq!(missing_calls(page, 2, "pub fn fail(&self)"), ["recover"]);
        assert!(missing_calls(page, 3, "class Client {").is_empty());
    }

    #[test]
    fn every_call_of_a_test_kit_is_there() {
        assert_eq!(missing_steering(&Workspace::here()), Vec::<String>::new());
    }

    #[test]
    fn a_link_to_no_page_or_heading_is_found() {
        let site = std::env::temp_dir().join(format!("market-site-{}", std::process::id()));
        std::fs::create_dir_all(site.join("guide")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(site.join(name), text).unwrap();
        write(
            "index.html",
            r##"<h1 id="top"><a href="guide/a.html#here">1</a><a href="guide/a.html#gone">2</a>"##,
        );
        let links =
            r##"<h1 id="here"><a href="../index.html">3</a><a href="#here">4</a><a href="b.html">5</a>"##;
        write("guide/a.html", &format!("{links}<a href=\"https://shop.example/x\">6</a>"));
        let broken = broken_links(&site);
        let _ = std::fs::remove_dir_all(&site);
        assert_eq!(
            broken,
            ["guide/a.html: b.html leads nowhere", "index.html: guide/a.html#gone leads nowhere"]
        );
    }
}
