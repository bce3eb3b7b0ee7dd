//! Whether the random schedules find what they are there to find: each promise has a mutation of the core that breaks
//! it, kept as a patch in `sdk-core/mutations`. It is applied to a copy of the sources, never to the sources.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::counts::Counts;
use crate::{Workspace, soak};

/// Within so many each has to be found.
const SCHEDULES: u64 = 2_000;
const PROMISES: std::ops::RangeInclusive<u8> = 1..=12;

struct Mutation {
    promise: u8,
    /// In words.
    name: String,
    patch: PathBuf,
}

/// What the schedules say of a mutated core.
enum Verdict {
    Caught {
        promise: u8,
        after: u64,
        check: String,
    },
    /// None of them found it.
    Survived,
    /// It says nothing about the schedules: the patch does not apply, or does not compile.
    Void(String),
}

impl Verdict {
    /// Caught for what it breaks, and not for something that follows from it.
    fn is_by(&self, own: u8) -> bool {
        matches!(self, Self::Caught { promise, .. } if *promise == own)
    }
}

pub(crate) fn check(here: &Workspace) -> Counts {
    let caught = run(here).unwrap_or_else(|why| {
        println!("{why}");
        false
    });
    Counts::check(caught)
}

pub(crate) fn run(here: &Workspace) -> Result<bool, String> {
    let mutations = mutations(here)?;
    let copy = here.root.join("target/mutants/sources");
    copy_sources(here, &copy)?;
    println!("as they are");
    if !matches!(play(here, &copy)?, Verdict::Survived) {
        return Err(
            "the schedules find something without any mutation: cargo xtask soak says what".to_owned()
        );
    }
    let mut lines = Vec::new();
    let mut all = true;
    for mutation in &mutations {
        println!("{}", mutation.name);
        let verdict = match apply(&copy, &mutation.patch, &[]) {
            Ok(()) => {
                let verdict = play(here, &copy)?;
                apply(&copy, &mutation.patch, &["--reverse"])?;
                verdict
            }
            Err(why) => Verdict::Void(why),
        };
        all &= verdict.is_by(mutation.promise);
        lines.push(line(mutation, &verdict));
    }
    println!("\n{:>7}  {:<52}  {:>6}  by the check of", "promise", "mutation", "after");
    println!("{}", lines.join("\n"));
    let caught = lines.len();
    println!(
        "{}",
        if all {
            format!("all {caught} were caught, each by a check of its own promise")
        } else {
            "not all were caught by a check of their own promise".to_owned()
        }
    );
    Ok(all)
}

fn line(mutation: &Mutation, verdict: &Verdict) -> String {
    let (after, by) = match verdict {
        Verdict::Caught { promise, after, check } => {
            (after.to_string(), format!("promise {promise}: {check}"))
        }
        Verdict::Survived => (format!("{SCHEDULES}"), "nobody: IT SURVIVED".to_owned()),
        Verdict::Void(why) => ("-".to_owned(), format!("nobody: {why}")),
    };
    format!("{:>7}  {:<52}  {after:>6}  {by}", mutation.promise, mutation.name)
}

/// Named `p03-what-it-does.patch`; one for each promise at least.
fn mutations(here: &Workspace) -> Result<Vec<Mutation>, String> {
    let folder = here.root.join("sdk-core/mutations");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut mutations = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let patch = entry.path();
        let name = patch.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let parts = name.strip_prefix('p').and_then(|name| name.split_once('-'));
        let promise = parts.and_then(|(promise, _)| promise.parse().ok());
        let (Some((_, words)), Some(promise)) = (parts, promise) else {
            return Err(format!("{} is not named after a promise", patch.display()));
        };
        mutations.push(Mutation { promise, name: words.replace('-', " "), patch });
    }
    mutations.sort_by_key(|mutation| mutation.promise);
    let has: HashSet<u8> = mutations.iter().map(|mutation| mutation.promise).collect();
    match PROMISES.into_iter().find(|promise| !has.contains(promise)) {
        Some(promise) => Err(format!("promise {promise} has no mutation")),
        None => Ok(mutations),
    }
}

/// Makes `copy` what the project's files are now. What is the same is not written, so that cargo does not build it
/// again.
fn copy_sources(here: &Workspace, copy: &Path) -> Result<(), String> {
    let files =
        here.command("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).output();
    let files = files.map_err(|error| format!("git: {error}"))?.stdout;
    let files = String::from_utf8_lossy(&files);
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (here.root.join(file), copy.join(file));
        // A link, or one that was deleted and not committed yet.
        if !from.symlink_metadata().is_ok_and(|found| found.is_file()) {
            continue;
        }
        let wanted = fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        if fs::read(&to).is_ok_and(|there| there == wanted) {
            continue;
        }
        let written = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&to, wanted));
        written.map_err(|error| format!("{}: {error}", to.display()))?;
    }
    Ok(())
}

fn apply(copy: &Path, patch: &Path, how: &[&str]) -> Result<(), String> {
    let mut git = Command::new("git");
    // The copy lies within the project's own repository, in which git would look for the files to be patched.
    git.current_dir(copy).env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy));
    git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    match git.args(["apply", "--whitespace=nowarn"]).args(how).arg(patch).output() {
        Ok(applied) if applied.status.success() => Ok(()),
        Ok(applied) => Err(format!("it does not apply: {}", String::from_utf8_lossy(&applied.stderr).trim())),
        Err(error) => Err(format!("git: {error}")),
    }
}

/// Plays the schedules on the core in `copy`.
fn play(here: &Workspace, copy: &Path) -> Result<Verdict, String> {
    let mut test = here.cargo(&["test", "-p", "market-sdk", "--lib", soak::NAME, "--", "--show-output"]);
    test.current_dir(copy).env("CARGO_TARGET_DIR", here.root.join("target/mutants/target"));
    test.env("SCHEDULES", SCHEDULES.to_string()).env("SCHEDULES_SEED", "1").env("SCHEDULES_SHRINK", "0");
    let ended =
        test.stderr(std::process::Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    Ok(verdict(&String::from_utf8_lossy(&ended.stdout), ended.status.success()))
}

fn verdict(out: &str, passed: bool) -> Verdict {
    let caught = out.lines().find_map(|line| {
        let (promise, rest) = line.strip_prefix("broken: ")?.split_once(" after ")?;
        let (after, check) = rest.split_once(": ")?;
        Some((promise.parse().ok()?, after.parse().ok()?, check.to_owned()))
    });
    match caught {
        Some((promise, after, check)) => Verdict::Caught { promise, after, check },
        None if passed && out.contains("figure: ") => Verdict::Survived,
        None => Verdict::Void("it does not compile".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutation_is_caught_by_a_broken_promise_alone() {
        let said = "running 1 test\nbroken: 3 after 17: signalled again\nfailures:";
        assert!(matches!(
            verdict(said, false),
            Verdict::Caught { promise: 3, after: 17, check } if check == "signalled again"
        ));
        assert!(verdict(said, false).is_by(3) && !verdict(said, false).is_by(4));
        assert!(matches!(verdict("figure: 2000 random schedules", true), Verdict::Survived));
        assert!(matches!(verdict("", true), Verdict::Void(_)), "no schedule was played");
        assert!(matches!(verdict("figure: 1 other", false), Verdict::Void(_)));
    }

    #[test]
    fn every_mutation_applies_to_the_sources() {
        let here = Workspace::here();
        for mutation in mutations(&here).unwrap() {
            let mut git = here.command("git");
            let checked = git.args(["apply", "--check"]).arg(&mutation.patch).output().unwrap();
            assert!(checked.status.success(), "{}: {checked:?}", mutation.name);
        }
    }
}
