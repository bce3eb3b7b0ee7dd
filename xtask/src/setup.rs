//! What the gate needs beyond Rust and a C compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Workspace, succeeds};

/// What has to be there, and Debian's package that holds it: a program on the path, or a file if it has a slash.
pub(crate) type Needed = (&'static str, &'static str);

/// Programs that the Rust tests start: a keyring, and a server of another maker that speaks old TLS.
const STARTED: &[Needed] =
    &[("gnome-keyring-daemon", "gnome-keyring"), ("dbus-daemon", "dbus"), ("openssl", "openssl")];

/// Makes sure that the Rust tests can run.
pub(crate) fn tests(here: &Workspace) -> bool {
    !cfg!(target_os = "linux") || there(here, "the tests", STARTED)
}

/// Makes sure that `needed` is there. Installs what is missing where that is nobody's own machine: for root on
/// Debian, and where `CI` is `true`. Elsewhere it says what to install.
pub(crate) fn there(here: &Workspace, what_for: &str, needed: &[Needed]) -> bool {
    let missing = missing(needed);
    if missing.is_empty() {
        return true;
    }
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    let root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if !Path::new("/etc/debian_version").exists() || !(root || ci) {
        println!("Missing for {what_for}: {}. Debian's packages: {}.", names.join(", "), packages.join(", "));
        println!("Install them, or run this as root on Debian.");
        return false;
    }
    let apt = |arguments: &[&str]| {
        let mut command = here.command(if root { "apt-get" } else { "sudo" });
        if !root {
            command.args(["-n", "apt-get"]);
        }
        succeeds(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    println!("Installing for {what_for}: {}", packages.join(" "));
    let installed = apt(&["-q", "update"])
        && apt(&[&["-q", "install", "--yes", "--no-install-recommends"], packages.as_slice()].concat());
    let still = self::missing(needed);
    for (name, package) in &still {
        println!("{name} is not there, though {package} was asked for.");
    }
    installed && still.is_empty()
}

/// A program that cargo installs, of this version: `target/tools/bin/NAME`. Built by the first who needs it.
pub(crate) fn cargo_tool(here: &Workspace, name: &str, version: &str, features: &[&str]) -> Option<PathBuf> {
    let tools = here.root.join("target/tools");
    let program = tools.join("bin").join(name);
    let said = Command::new(&program).arg("--version").output();
    let there = said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(version));
    let install = || {
        let mut install = here.cargo(&["install", "--locked", name, "--version", version, "--root"]);
        succeeds(install.arg(&tools).args(features))
    };
    (there || install()).then_some(program)
}

fn missing(needed: &[Needed]) -> Vec<Needed> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &str| {
        if name.contains('/') {
            Path::new(name).exists()
        } else {
            std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
        }
    };
    needed.iter().copied().filter(|(name, _)| !there(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_known_by_program_and_by_file() {
        let needed = [("sh", "dash"), ("no-such-program", "a"), ("/etc", "b"), ("/no/such/file", "c")];
        let missing = missing(&needed);
        assert_eq!(missing, [("no-such-program", "a"), ("/no/such/file", "c")]);
    }
}
