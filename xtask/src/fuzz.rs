//! The fuzz targets of `fuzz`, built with the toolchain that builds everything else: what cargo-fuzz passes to a
//! nightly one are flags that the stable one takes too. (`cargo fuzz run TARGET` works as well, where that is.)

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::counts::Counts;
use crate::{Workspace, bindings, setup, succeeds};

/// Edges are counted, and what is compared is looked at, so that a value is found that a branch asks for.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// One input may take so long and so much, as may all of them.
const BOUNDS: &[&str] = &["-timeout=5", "-malloc_limit_mb=64", "-rss_limit_mb=512"];

/// libFuzzer is C++.
const COMPILER: &[setup::Needed] = &[("c++", "g++")];

pub(crate) struct Fuzz<'a> {
    /// All, if none is named.
    pub(crate) target: Option<&'a str>,
    pub(crate) each: Duration,
    /// Also looks at every access to memory, which takes a build of its own and twice the time.
    pub(crate) memory: bool,
}

/// What a run of a target says of itself.
#[derive(Debug, PartialEq)]
struct Run {
    executions: u64,
    /// Edges that were seen, with the corpus alone and at the end.
    known: u64,
    seen: u64,
}

impl Default for Fuzz<'_> {
    fn default() -> Self {
        Self { target: None, each: Duration::from_secs(60), memory: false }
    }
}

impl<'a> Fuzz<'a> {
    /// As in `cargo xtask fuzz [TARGET] [--seconds N] [--memory]`.
    pub(crate) fn of(mut arguments: &[&'a str]) -> Option<Self> {
        let mut fuzz = Self::default();
        loop {
            arguments = match arguments {
                [] => return Some(fuzz),
                ["--seconds", seconds, rest @ ..] => {
                    fuzz.each = Duration::from_secs(seconds.parse().ok()?);
                    rest
                }
                ["--memory", rest @ ..] => {
                    fuzz.memory = true;
                    rest
                }
                [target, rest @ ..] if fuzz.target.is_none() && !target.starts_with('-') => {
                    fuzz.target = Some(target);
                    rest
                }
                _ => return None,
            }
        }
    }

    /// One check for each target; a line for each is added to `figures`.
    pub(crate) fn run(&self, here: &Workspace, figures: &mut Vec<String>) -> Result<Counts, String> {
        let all = targets(here)?;
        let targets: Vec<_> =
            all.iter().filter(|name| self.target.is_none_or(|only| only == **name)).collect();
        if targets.is_empty() {
            return Err(format!("there is no such target; there are: {}", all.join(" ")));
        }
        let built = self.build(here)?;
        let mut sum = Counts::default();
        for target in targets {
            match self.fuzz(here, &built, target)? {
                Some(run) => {
                    let Run { executions, known, seen } = run;
                    let line = format!(
                        "fuzz {target}: {executions} executions in {} s, {seen} edges, {} of them not in the corpus",
                        self.each.as_secs(),
                        seen.saturating_sub(known)
                    );
                    println!("{line}");
                    figures.push(line);
                    // One that sees nothing new of what it runs is not instrumented, or runs nothing.
                    sum += Counts::check(executions > 0 && seen > 0);
                }
                None => sum += Counts::check(false),
            }
        }
        Ok(sum)
    }

    /// Runs one input again, with all that it says.
    pub(crate) fn replay(&self, here: &Workspace, target: &str, input: &str) -> Result<bool, String> {
        let built = self.build(here)?;
        Ok(succeeds(here.command(built.join(target)).args(BOUNDS).arg(input)))
    }

    fn build(&self, here: &Workspace) -> Result<PathBuf, String> {
        if !setup::there(here, "libFuzzer", COMPILER) {
            return Err("there is no C++ compiler".to_owned());
        }
        let host = host(here)?;
        same_versions(here).map_err(|error| format!("fuzz/Cargo.lock: {error}"))?;
        let mut build = here.cargo(&["build", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
        // With a target named, what runs while building (macros, build scripts) is spared the flags.
        build.args(["--target", &host]).arg("--target-dir").arg(self.folder(here));
        build.env_remove("CARGO_ENCODED_RUSTFLAGS");
        if self.memory {
            // Of the flags this alone is not stable yet; what it links is with the stable toolchain.
            build.env("RUSTFLAGS", format!("{COVERAGE} -Zsanitizer=address")).env("RUSTC_BOOTSTRAP", "1");
        } else {
            build.env("RUSTFLAGS", COVERAGE);
        }
        if !succeeds(&mut build) {
            return Err("the fuzz targets do not build".to_owned());
        }
        Ok(self.folder(here).join(host).join("release"))
    }

    fn folder(&self, here: &Workspace) -> PathBuf {
        bindings::target(here).join(if self.memory { "fuzz-memory" } else { "fuzz" })
    }

    /// None if it found something, which it has said.
    fn fuzz(&self, here: &Workspace, built: &Path, target: &str) -> Result<Option<Run>, String> {
        // What is found is kept beside the build, and tried first the next time; the corpus stays as it is.
        let found = self.folder(here).join("found").join(target);
        let failed = self.folder(here).join("failed").join(target).join("");
        for folder in [&found, &failed] {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut fuzz = here.command(built.join(target));
        fuzz.args(BOUNDS).args(["-print_final_stats=1", &format!("-max_total_time={}", self.each.as_secs())]);
        fuzz.arg(format!("-artifact_prefix={}", failed.display()));
        fuzz.arg(&found).arg(here.root.join("fuzz/corpus").join(target));
        let said = fuzz.stdout(Stdio::null()).output().map_err(|error| format!("{target}: {error}"))?;
        let log = String::from_utf8_lossy(&said.stderr);
        if said.status.success() {
            return Run::read(&log).map(Some).ok_or_else(|| format!("{target} counts nothing:\n{log}"));
        }
        println!("{}", finding(&log));
        let input =
            log.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path));
        match input {
            Some(input) => {
                println!("{target} fails on {input}\nAgain: cargo xtask fuzz {target} --input {input}");
            }
            None => println!("{target} failed: {}", said.status),
        }
        Ok(None)
    }
}

impl Run {
    fn read(log: &str) -> Option<Self> {
        let edges = |line: &str| line.split_once("cov: ")?.1.split(' ').next()?.parse::<u64>().ok();
        let of = |event: &str| log.lines().find(|line| line.contains(event)).and_then(edges);
        let executions = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
        Some(Self {
            executions: executions.trim().parse().ok()?,
            known: of("\tINITED ")?,
            seen: of("\tDONE ")?,
        })
    }
}

/// Of what libFuzzer says of a failure: what failed, without the lines of its search before that and the bytes after.
fn finding(log: &str) -> String {
    let said = log.lines().skip_while(|line| line.starts_with('#') || !says_why(line));
    said.take_while(|line| !line.starts_with("MS: ")).take(60).collect::<Vec<_>>().join("\n")
}

fn says_why(line: &str) -> bool {
    line.contains("panicked at") || line.contains("ERROR: ")
}

/// The names of the targets, sorted.
fn targets(here: &Workspace) -> Result<Vec<String>, String> {
    let folder = std::fs::read_dir(here.root.join("fuzz/fuzz_targets"));
    let folder = folder.map_err(|error| format!("fuzz/fuzz_targets: {error}"))?;
    let files = folder.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = files.filter_map(|file| file.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}

/// What is fuzzed is what ships: the lock file of the workspace is the start of the fuzz targets' own, to which
/// cargo adds what they alone need.
fn same_versions(here: &Workspace) -> std::io::Result<()> {
    let (ours, theirs) = (here.root.join("Cargo.lock"), here.root.join("fuzz/Cargo.lock"));
    let changed = ours.metadata()?.modified()?;
    if theirs.metadata().and_then(|theirs| theirs.modified()).is_ok_and(|at| at >= changed) {
        return Ok(());
    }
    std::fs::write(theirs, std::fs::read(ours)?)
}

/// The triple of this machine.
fn host(here: &Workspace) -> Result<String, String> {
    let said = Command::new("rustc").arg("-vV").current_dir(&here.root).output();
    let said = said.map_err(|error| format!("rustc: {error}"))?;
    let said = String::from_utf8_lossy(&said.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it builds for".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "INFO: seed corpus: files: 39\n\
        #40\tINITED cov: 1200 ft: 2749 corp: 39/80Kb exec/s: 0 rss: 29Mb\n\
        #103893\tREDUCE cov: 1286 ft: 2749 corp: 470/80Kb lim: 1575\n\
        #104138\tDONE   cov: 1286 ft: 2749 corp: 470/80Kb lim: 1575 exec/s: 20827 rss: 29Mb\n\
        stat::number_of_executed_units: 104138\n";

    #[test]
    fn a_run_is_read_from_what_the_fuzzer_says() {
        assert_eq!(Run::read(LOG), Some(Run { executions: 104_138, known: 1200, seen: 1286 }));
        assert_eq!(Run::read("INFO: seed corpus"), None);
    }

    #[test]
    fn of_a_failure_what_failed_is_shown_and_not_the_search() {
        let log = "#2\tINITED cov: 3\n\nthread '<unnamed>' (1) panicked at a.rs:1:1:\nno\n==1== ERROR: libFuzzer: deadly signal\nMS: 2 x\n0x33,";
        assert_eq!(
            finding(log),
            "thread '<unnamed>' (1) panicked at a.rs:1:1:\nno\n==1== ERROR: libFuzzer: deadly signal"
        );
    }

    #[test]
    fn the_words_after_fuzz_are_a_target_and_options() {
        let read = |arguments: &[&'static str]| {
            Fuzz::of(arguments).map(|fuzz| (fuzz.target, fuzz.each.as_secs(), fuzz.memory))
        };
        assert_eq!(read(&[]), Some((None, 60, false)));
        assert_eq!(read(&["--memory", "cart", "--seconds", "5"]), Some((Some("cart"), 5, true)));
        for wrong in [&["--seconds"][..], &["--seconds", "x"], &["cart", "money"], &["--all"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
