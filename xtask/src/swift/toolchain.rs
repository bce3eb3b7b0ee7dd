//! Swift: this machine's own, or Debian's in a root folder of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Workspace, succeeds};

/// Commands of one kind: where they may look, and what they are told.
#[derive(Clone)]
pub(super) struct Swift {
    /// The script that runs them in the root, and nothing where Swift is this machine's own.
    inside: Option<PathBuf>,
    /// Folders that they see at their own paths.
    folders: Vec<PathBuf>,
    variables: BTreeMap<&'static str, OsString>,
}

impl Swift {
    /// Makes sure that there is a Swift of version 6 or later. Installs one where that is nobody's own machine.
    pub(super) fn ready(here: &Workspace) -> Result<Self, String> {
        let out = here.command("swift").arg("--version").output();
        let said = out.map(|out| String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned());
        let own = said.is_ok_and(|said| major(&said).is_some_and(|major| major >= 6));
        let root = here.command("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
        if !(own || root && Path::new("/etc/debian_version").exists()) {
            return Err("Missing for the Swift package: Swift 6 or later (swift.org/install). \
                        Install it, or run this as root on Debian."
                .to_owned());
        }
        if !own && !succeeds(&mut here.command("scripts/swift-toolchain.sh")) {
            return Err("Debian's Swift could not be unpacked".to_owned());
        }
        let inside = (!own).then(|| here.root.join("scripts/in-swift.sh"));
        let folders = vec![here.root.clone(), crate::bindings::target(here)];
        Ok(Self { inside, folders, variables: BTreeMap::new() })
    }

    /// Whether it is the one that this unpacked, whose version the project chooses.
    pub(super) fn is_the_gates_own(&self) -> bool {
        self.inside.is_some()
    }

    /// The version, as in `6.0.3`.
    pub(super) fn version(&self, here: &Workspace) -> Result<String, String> {
        let out =
            self.command(here, &here.root, "swift").arg("--version").output().map_err(|e| e.to_string())?;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        version(&said).map(str::to_owned).ok_or(format!("swift --version says {said:?}"))
    }

    pub(super) fn knows(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name, value.into());
        self
    }

    /// A command in `folder`.
    pub(super) fn command(&self, here: &Workspace, folder: &Path, program: &str) -> Command {
        let mut command = match &self.inside {
            None => here.command(program),
            Some(script) => {
                let mut command = here.command(script);
                command.arg(program);
                let folders = self.folders.iter().map(|folder| folder.as_os_str().to_owned());
                command.env("SWIFT_BIND", folders.collect::<Vec<_>>().join(std::ffi::OsStr::new(":")));
                command.env("SWIFT_ENV", self.variables.keys().copied().collect::<Vec<_>>().join(" "));
                command
            }
        };
        command.current_dir(folder).envs(&self.variables);
        command
    }
}

/// The version in what `swift --version` says, as in `Swift version 6.0.3 (swift-6.0.3-RELEASE)`.
fn version(said: &str) -> Option<&str> {
    said.split_once("Swift version ")?.1.split_whitespace().next()
}

fn major(said: &str) -> Option<u32> {
    version(said)?.split(['.', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_swift_is_read() {
        assert_eq!(major("Swift version 6.0.3 (swift-6.0.3-RELEASE)\nTarget: x86_64"), Some(6));
        assert_eq!(major("swift-driver version: 1.115 Apple Swift version 6.2 (swiftlang-6.2)"), Some(6));
        assert_eq!(major("Swift version 5.10-dev"), Some(5));
        assert_eq!(major("OpenStack Swift 4"), None);
    }
}
