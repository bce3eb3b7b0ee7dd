//! What is linked into the native library, and under which licences: `THIRD-PARTY-LICENSES`, which every package holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Workspace;
use crate::counts::Counts;

const FILE: &str = "THIRD-PARTY-LICENSES";

const HEAD: &str = "\
The native library of the market SDK holds the Rust crates listed here, those for all systems together: on each one
only some are linked. The list is made by cargo from Cargo.lock: UPDATE_LICENSES=1 cargo xtask licences. Where a crate
may be used under MIT or another licence, it is used under MIT, or where it brings no text of that, under Apache-2.0.
The source of each crate is at https://crates.io/crates/NAME.
";

/// Compares the file with what is linked now; `UPDATE_LICENSES=1` writes it anew.
pub(crate) fn check(here: &Workspace) -> Counts {
    let now = match text(here) {
        Ok(now) => now,
        Err(why) => {
            println!("{why}");
            return Counts::check(false);
        }
    };
    let file = here.root.join(FILE);
    if std::env::var("UPDATE_LICENSES").is_ok_and(|value| value == "1") {
        return Counts::check(std::fs::write(file, now).is_ok());
    }
    let same = std::fs::read_to_string(file).is_ok_and(|text| text == now);
    if !same {
        println!("{FILE} is another; if that is meant: UPDATE_LICENSES=1 cargo xtask licences");
    }
    Counts::check(same)
}

fn text(here: &Workspace) -> Result<String, String> {
    let arguments = [
        "tree",
        "--locked",
        "--package",
        "market-sdk-ffi",
        "--target",
        "all",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{l}",
    ];
    let out = here.cargo(&arguments).output().map_err(|error| format!("cargo tree: {error}"))?;
    if !out.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let sources = sources()?;
    let tree = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut crates = BTreeMap::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in tree.lines() {
        let Some(linked) = linked(line) else { continue };
        let Linked { name, licence } = &linked;
        if crates.insert(name.clone(), licence.clone()).is_some() {
            continue;
        }
        let folder = sources.iter().map(|sources| sources.join(name)).find(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| format!("the source of {name} is not there: cargo fetch"))?;
        let mut found = files(&folder, licence)?;
        if found.is_empty() {
            found.push(usual(here, name, licence)?);
        }
        for text in found {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let mut all = HEAD.to_owned();
    all.push('\n');
    for (name, licence) in &crates {
        all += &format!("{name}  {licence}\n");
    }
    for (text, names) in &texts {
        all += &format!("\n{}\n{}\n\n{text}\n", "-".repeat(80), names.join(", "));
    }
    Ok(all)
}

#[derive(Debug, PartialEq, Eq)]
struct Linked {
    name: String,
    licence: String,
}

/// Reads a line as `aes v0.8.4|MIT OR Apache-2.0`; none for a crate of this project's own.
fn linked(line: &str) -> Option<Linked> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    if words.next().is_some_and(|place| place.starts_with("(/") || place.contains(":\\")) {
        return None;
    }
    Some(Linked { name: format!("{name}-{version}"), licence: licence.trim_end_matches(" (*)").to_owned() })
}

/// Where cargo keeps what it has from registries.
fn sources() -> Result<Vec<PathBuf>, String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let registries = home.ok_or("there is no home")?.join("registry/src");
    let entries =
        std::fs::read_dir(&registries).map_err(|error| format!("{}: {error}", registries.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// The texts of a crate's licences, and of those of the C sources that it brings.
fn files(folder: &Path, licence: &str) -> Result<Vec<String>, String> {
    let mut found = named(folder)?;
    let mit: Vec<_> = found.iter().filter(|(name, _)| name.contains("MIT")).cloned().collect();
    // `MIT AND BSD-3-Clause` is no choice.
    let choice = licence.contains("MIT") && !licence.contains("AND");
    if choice && !mit.is_empty() {
        found = mit;
    }
    for brought in std::fs::read_dir(folder.join("vendor")).into_iter().flatten().flatten() {
        found.extend(named(&brought.path())?);
    }
    Ok(found.into_iter().map(|(_, text)| text).collect())
}

/// The text of a licence that a crate names and does not bring.
fn usual(here: &Workspace, name: &str, licence: &str) -> Result<String, String> {
    let file = match licence {
        licence if licence.contains("Apache-2.0") && !licence.contains("AND") => "LICENSE-APACHE",
        "MPL-2.0" => "xtask/licences/MPL-2.0",
        _ => return Err(format!("{name} ({licence}) brings no text of its licence")),
    };
    let text = std::fs::read_to_string(here.root.join(file)).map_err(|error| format!("{file}: {error}"))?;
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim().to_owned())
}

/// The files of a folder that are licences by their names, in upper case.
fn named(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_one = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"]
            .iter()
            .any(|start| name.starts_with(start));
        if is_one && entry.path().is_file() {
            let text = std::fs::read_to_string(entry.path());
            let text = text.map_err(|error| format!("{}: {error}", entry.path().display()))?;
            let lines: Vec<_> = text.lines().map(str::trim_end).collect();
            found.push((name, lines.join("\n").trim().to_owned()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tree_is_read() {
        let aes = Linked { name: "aes-0.8.4".to_owned(), licence: "MIT OR Apache-2.0".to_owned() };
        assert_eq!(linked("aes v0.8.4|MIT OR Apache-2.0"), Some(aes));
        assert_eq!(linked("market-sdk v0.1.0 (/home/a/sdk-core)|MIT"), None);
        assert_eq!(linked(""), None);
    }
}
