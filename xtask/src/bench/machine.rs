//! What figures were measured on.

use std::fs;

use crate::Workspace;

/// When, at which commit and on what.
pub(super) fn stamp(here: &Workspace, rounds: usize) -> String {
    let commit = said(here, "git", &["describe", "--always", "--dirty"]).unwrap_or("no commit".to_owned());
    let day = said(here, "date", &["-u", "+%Y-%m-%d"]).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let gib = field("/proc/meminfo", "MemTotal").and_then(|kib| kib.split(' ').next()?.parse::<f64>().ok());
    let memory = gib.map_or(String::new(), |kib| format!(", {:.0} GiB", kib / 1_048_576.0));
    let processor = field("/proc/cpuinfo", "model name").unwrap_or(std::env::consts::ARCH.to_owned());
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let system = system.map_or(std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned());
    let kernel = said(here, "uname", &["-sr"]).unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    format!(
        "{day}, {commit}, {rounds} rounds; {cores} × {processor}{memory}; {system}, {kernel}; load at the end {load}"
    )
}

/// A field of a file of `name: value` lines.
pub(super) fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The first line that a program says.
pub(super) fn said(here: &Workspace, program: &str, arguments: &[&str]) -> Result<String, String> {
    let out =
        here.command(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let said = [out.stdout, out.stderr].concat();
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned())
}
