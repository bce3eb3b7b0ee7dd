//! What the gate needs beyond Rust and a C compiler.

use std::path::Path;

use crate::{Workspace, succeeds};

/// Programs that the keyring tests start, and Debian's packages that hold them.
const NEEDED: &[(&str, &str)] = &[("gnome-keyring-daemon", "gnome-keyring"), ("dbus-daemon", "dbus")];

/// Makes sure that the keyring tests can run. Installs what is missing where that is nobody's own machine:
/// for root on Debian, and where `CI` is `true`. Elsewhere it says what to install.
pub(crate) fn keyring(here: &Workspace) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let packages = missing();
    if packages.is_empty() {
        return true;
    }
    let root = std::process::Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if !Path::new("/etc/debian_version").exists() || !(root || ci) {
        println!(
            "The tests of the keyring need: {}. Debian's packages: {}.",
            programs(),
            packages.join(", ")
        );
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
    println!("Installing for the tests of the keyring: {}", packages.join(" "));
    let installed = apt(&["-q", "update"])
        && apt(&[&["-q", "install", "--yes", "--no-install-recommends"], packages.as_slice()].concat());
    installed && missing().is_empty()
}

fn missing() -> Vec<&'static str> {
    NEEDED.iter().filter(|(program, _)| !on_path(program)).map(|(_, package)| *package).collect()
}

fn programs() -> String {
    let programs: Vec<_> =
        NEEDED.iter().map(|(program, _)| *program).filter(|program| !on_path(program)).collect();
    programs.join(", ")
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
