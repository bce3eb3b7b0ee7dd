//! The list of cases: `tests/conformance/cases.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::log::Expected;

const LIST: &str = "tests/conformance/cases.toml";
const CODES: &str = "sdk-core/src/error.rs";
const DIALECTS: &[&str] = &["documented", "g1", "g2"];

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) dialect: String,
    /// Languages that have nothing to show here, and why.
    pub(crate) not_in: BTreeMap<String, String>,
    pub(crate) requests: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    left: BTreeMap<String, String>,
    case: Vec<CaseEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseEntry {
    id: String,
    given: String,
    seen: String,
    #[serde(default = "documented")]
    dialect: String,
    /// More arguments for the server. It is the tests that give them.
    #[serde(default, rename = "server")]
    _server: Vec<String>,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    not_in: BTreeMap<String, String>,
    requests: Vec<Entry>,
}

/// A line, or lines in any order.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    Line(String),
    AnyOrder(Vec<String>),
}

fn documented() -> String {
    "documented".to_owned()
}

/// Reads the list, and makes sure that it is whole.
pub(crate) fn read(root: &Path, languages: &[&str]) -> Result<Vec<Case>, String> {
    let text = |path: &str| std::fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"));
    parse(&text(LIST)?, &codes(&text(CODES)?)?, languages).map_err(|why| format!("{LIST}: {why}"))
}

fn parse(text: &str, codes: &BTreeSet<String>, languages: &[&str]) -> Result<Vec<Case>, String> {
    let file: ListFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut shown: BTreeSet<String> = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut cases = Vec::new();
    for entry in file.case {
        let id = entry.id;
        let in_case = |why: String| format!("{id}: {why}");
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !id.starts_with(|c: char| c.is_ascii_lowercase()) || !id.chars().all(fits) {
            return Err(in_case("an id is a sentence in snake_case".to_owned()));
        }
        if !ids.insert(id.clone()) {
            return Err(in_case("it is there twice".to_owned()));
        }
        if !DIALECTS.contains(&entry.dialect.as_str()) {
            return Err(in_case(format!("there is no dialect {:?}", entry.dialect)));
        }
        if [&entry.given, &entry.seen]
            .into_iter()
            .chain(entry.not_in.values())
            .any(|text| text.trim().is_empty())
        {
            return Err(in_case("a text is empty".to_owned()));
        }
        if let Some(name) = entry.not_in.keys().find(|name| !languages.contains(&name.as_str())) {
            return Err(in_case(format!("there is no language {name:?}")));
        }
        // Without a request, an empty test would do.
        if entry.requests.is_empty() {
            return Err(in_case("it needs a request".to_owned()));
        }
        if let Some(code) = entry.codes.iter().find(|code| !codes.contains(*code)) {
            return Err(in_case(format!("there is no code {code:?}")));
        }
        shown.extend(entry.codes);
        let requests =
            entry.requests.into_iter().map(Expected::read).collect::<Result<_, _>>().map_err(in_case)?;
        cases.push(Case { id, dialect: entry.dialect, not_in: entry.not_in, requests });
    }
    for code in codes {
        match (shown.contains(code), file.left.get(code)) {
            (false, None) => {
                return Err(format!("no case shows the code {code}, and `left` does not say why"));
            }
            (true, Some(_)) => return Err(format!("the code {code} is shown, and left")),
            _ => {}
        }
    }
    if let Some(code) = file.left.keys().find(|code| !codes.contains(*code)) {
        return Err(format!("there is no code {code:?}"));
    }
    Ok(cases)
}

/// The names of the core's error codes, as its source has them.
fn codes(source: &str) -> Result<BTreeSet<String>, String> {
    let inside = source.split_once("pub enum ErrorCode {").and_then(|(_, rest)| rest.split_once("\n}"));
    let (inside, _) = inside.ok_or_else(|| format!("{CODES} has no ErrorCode"))?;
    Ok(inside.lines().filter_map(|line| line.trim().strip_suffix(',')).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "[[case]]\nid = 'a_case'\ngiven = 'g'\nseen = 's'\ncodes = ['Tls']\nrequests = ['GET /cart 200 #1']\n";

    fn parsed(text: &str) -> Result<Vec<Case>, String> {
        let codes = ["Tls", "Config"].map(str::to_owned).into();
        parse(&format!("[left]\nConfig = 'why'\n{text}"), &codes, &["rust"])
    }

    #[test]
    fn the_projects_own_list_is_whole() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let cases = read(root, super::super::LANGUAGES).unwrap();
        assert!(cases.len() > 50, "{}", cases.len());
    }

    #[test]
    fn a_list_that_is_not_whole_is_refused() {
        assert_eq!(parsed(CASE).unwrap().len(), 1);
        for (from, to, why) in [
            ("a_case", "A case", "snake_case"),
            ("seen = 's'", "seen = ' '", "empty"),
            ("codes = ['Tls']", "", "no case shows the code Tls"),
            ("codes = ['Tls']", "codes = ['Tls', 'Config']", "is shown, and left"),
            ("codes = ['Tls']", "codes = ['Tsl']", "no code"),
            ("['GET /cart 200 #1']", "[]", "needs a request"),
            ("['GET /cart 200 #1']", "['GET /cart']", "GET /cart"),
            ("requests", "dialect = 'g3'\nrequests", "dialect"),
            ("requests", "not_in = { basic = 'no' }\nrequests", "no language"),
            ("requests", "unheard_of = 1\nrequests", "unheard_of"),
        ] {
            let error = parsed(&CASE.replace(from, to)).unwrap_err();
            assert!(error.contains(why), "{to}: {error}");
        }
        assert!(parsed(&format!("{CASE}{CASE}")).unwrap_err().contains("twice"));
    }
}
