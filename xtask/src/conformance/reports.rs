//! What became of each test, read from what test programs leave behind.

use std::collections::BTreeMap;
use std::path::Path;

/// By the name of the test, which is the id of its case.
pub(crate) type Results = BTreeMap<String, Outcome>;

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// With the first line of why.
    Failed(String),
    Skipped,
}

/// Reads what a Rust test program prints: `test module::name ... ok`.
pub(super) fn libtest(text: &str) -> Results {
    let mut results = Results::new();
    for line in text.lines() {
        let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        else {
            continue;
        };
        let name = name.rsplit("::").next().unwrap_or(name);
        let outcome = match outcome {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed(why(text, name)),
            _ => Outcome::Skipped,
        };
        results.insert(name.to_owned(), outcome);
    }
    results
}

/// The line after the one that says where it panicked.
fn why(text: &str, name: &str) -> String {
    let header = format!("{name} stdout ----");
    let mut lines = text.lines().skip_while(|line| !(line.starts_with("---- ") && line.ends_with(&header)));
    let panicked = lines.find(|line| line.contains(" panicked at ")).unwrap_or_default();
    format!("{} ({})", lines.next().unwrap_or("its output says why"), panicked.trim())
}

/// Reads reports in the form of JUnit's, which most test programs can write: a file, or all `.xml` files of a folder.
/// Only the test cases count whose class name `of_class` takes. A test's name may end with `()`.
pub(crate) fn junit(path: &Path, of_class: impl Fn(&str) -> bool) -> Result<Results, String> {
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let files = if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| in_file(&error))?;
        let files = entries.flatten().map(|entry| entry.path());
        files.filter(|file| file.extension().is_some_and(|ending| ending == "xml")).collect()
    } else {
        vec![path.to_owned()]
    };
    let mut results = Results::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| in_file(&error))?;
        add_junit(&text, &of_class, &mut results).map_err(|error| in_file(&error))?;
    }
    Ok(results)
}

fn add_junit(text: &str, of_class: &impl Fn(&str) -> bool, results: &mut Results) -> Result<(), String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    for test in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let attribute = |name| test.attribute(name).unwrap_or_default();
        if !of_class(attribute("classname")) {
            continue;
        }
        let has = |tag: &str| test.children().find(|child| child.has_tag_name(tag));
        let outcome = match (has("failure").or(has("error")), has("skipped")) {
            (Some(failure), _) => {
                let said = failure.attribute("message").or(failure.text()).unwrap_or_default();
                Outcome::Failed(
                    said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned(),
                )
            }
            (None, Some(_)) => Outcome::Skipped,
            (None, None) => Outcome::Passed,
        };
        results.insert(attribute("name").trim_end_matches("()").to_owned(), outcome);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rust_test_program_prints_is_read() {
        let text = "running 3 tests\ntest cart::a_line ... ok\ntest a_lock ... FAILED\ntest wait ... ignored, slow\n\n\
            failures:\n\n---- a_lock stdout ----\n\nthread 'a_lock' (7) panicked at tests/a.rs:1:2:\nit is open\nnote: x\n";
        let results = libtest(text);
        assert_eq!(results["a_line"], Outcome::Passed);
        let why = "it is open (thread 'a_lock' (7) panicked at tests/a.rs:1:2:)";
        assert_eq!(results["a_lock"], Outcome::Failed(why.to_owned()));
        assert_eq!(results["wait"], Outcome::Skipped);
    }

    #[test]
    fn a_report_in_junits_form_is_read() {
        let text = r#"<?xml version="1.0"?><testsuites><testsuite name="s">
            <testcase name="a_line()" classname="dev.ConformanceTest" time="0.1"/>
            <testcase name="a_lock" classname="dev.ConformanceTest"><failure message="it is open&#10;at x">t</failure></testcase>
            <testcase name="b_lock" classname="dev.ConformanceTest"><error>
                gone</error></testcase>
            <testcase name="wait" classname="dev.ConformanceTest"><skipped/></testcase>
            <testcase name="other" classname="dev.OtherTest"/>
            </testsuite></testsuites>"#;
        let mut results = Results::new();
        add_junit(text, &|class: &str| class.ends_with("ConformanceTest"), &mut results).unwrap();
        let expected = [
            ("a_line", Outcome::Passed),
            ("a_lock", Outcome::Failed("it is open".to_owned())),
            ("b_lock", Outcome::Failed("gone".to_owned())),
            ("wait", Outcome::Skipped),
        ];
        assert_eq!(results, expected.map(|(name, outcome)| (name.to_owned(), outcome)).into());
        assert!(add_junit("<testsuite>", &|_: &str| true, &mut results).is_err());
    }
}
