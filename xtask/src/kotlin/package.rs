//! The artefacts: the native library for this system inside the jar, beside the sources and the documentation; and what is
//! for the tests of apps.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::PACKAGE;
use crate::{Workspace, bindings, succeeds};

/// Maven without its chatter, in `folder`. The compiler runs within it: a daemon would stay behind.
pub(super) fn maven(here: &Workspace, folder: &Path) -> Command {
    let mut maven = here.command("mvn");
    maven.current_dir(folder).args([
        "--batch-mode",
        "--no-transfer-progress",
        "--quiet",
        "-Dkotlin.compiler.daemon=false",
    ]);
    maven
}

/// Builds the native library by `profile` and puts it where the package takes it from.
pub(crate) fn native(here: &Workspace, profile: &str) -> Result<(), String> {
    if !succeeds(&mut here.cargo(&["build", "-p", "market-sdk-ffi", "--profile", profile])) {
        return Err(format!("market-sdk-ffi does not build by the profile {profile}"));
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    let name = bindings::library_name();
    let library = bindings::target(here).join(folder).join(&name);
    let into = here.root.join(PACKAGE).join("target/native").join(platform()?);
    std::fs::create_dir_all(&into)
        .and_then(|()| std::fs::copy(&library, into.join(&name)).map(drop))
        .map_err(|error| format!("{}: {error}", library.display()))
}

/// JNA's name for this system.
fn platform() -> Result<String, String> {
    use std::env::consts::{ARCH, OS};
    let system = match OS {
        "macos" => "darwin",
        "windows" => "win32",
        "linux" => "linux",
        other => return Err(format!("JNA's name for {other} is not known here")),
    };
    Ok(format!("{system}-{}", if ARCH == "x86_64" { "x86-64" } else { ARCH }))
}

/// Packs the library and what is for tests, their sources and their documentation, and installs them into a repository that begins as a copy of
/// the desk's own: what is not in there is asked from the registry, and the desk's keeps no trace.
pub(super) fn packed(here: &Workspace) -> Result<(), String> {
    let repository = repository(here);
    let _ = std::fs::remove_dir_all(&repository);
    std::fs::create_dir_all(&repository).map_err(|error| error.to_string())?;
    if let Some(own) = std::env::home_dir().map(|home| home.join(".m2/repository")).filter(|own| own.is_dir())
    {
        borrowed(&own, &repository).map_err(|error| format!("{}: {error}", own.display()))?;
    }
    native(here, "dev")?;
    let package = here.root.join(PACKAGE);
    let for_tests = package.join("market-sdk-test");
    let _ = std::fs::remove_dir_all(for_tests.join("target"));
    // The second is compiled on the first as it is packed, and so on what is public of it.
    for folder in [package, for_tests] {
        let mut install = maven(here, &folder);
        install.args(["install", "-DskipTests", "-Dmarket.cargo.skip=true"]).arg(local(&repository));
        if !succeeds(&mut install) {
            return Err(format!("{} cannot be packed", folder.display()));
        }
    }
    Ok(())
}

/// Where [`packed`] installs.
pub(super) fn repository(here: &Workspace) -> PathBuf {
    here.root.join(PACKAGE).join("target/repository")
}

/// Maven's option for its local repository.
pub(super) fn local(repository: &Path) -> String {
    format!("-Dmaven.repo.local={}", repository.display())
}

/// What is in the repository `from`, but for this package: Maven writes into the file that is there, and with it into the
/// one that is linked.
fn borrowed(from: &Path, into: &Path) -> std::io::Result<()> {
    linked(from, into)?;
    let own = into.join("dev/marketsdk");
    if own.exists() { std::fs::remove_dir_all(own) } else { Ok(()) }
}

/// A copy of the files below `from`. The large ones, which nobody changes, take no space where the file system can do
/// that.
fn linked(from: &Path, into: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (old, new) = (entry.path(), into.join(entry.file_name()));
        if old.is_dir() {
            std::fs::create_dir_all(&new)?;
            linked(&old, &new)?;
        } else if old.extension().is_none_or(|kind| kind != "jar") || std::fs::hard_link(&old, &new).is_err()
        {
            std::fs::copy(&old, &new)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_for_a_test_does_not_get_into_the_desks_own_repository() {
        let folder = std::env::temp_dir().join(format!("market-xtask-m2-{}", std::process::id()));
        let (own, copy) = (folder.join("own"), folder.join("copy"));
        let (library, other) = ("dev/marketsdk/market-sdk/0.1.0/market-sdk-0.1.0.jar", "net/jna/1/jna-1.jar");
        for file in [library, other] {
            std::fs::create_dir_all(own.join(file).parent().unwrap()).unwrap();
            std::fs::write(own.join(file), "the desk's").unwrap();
        }
        std::fs::create_dir_all(&copy).unwrap();
        borrowed(&own, &copy).unwrap();
        assert!(copy.join(other).is_file());
        // As Maven installs.
        std::fs::create_dir_all(copy.join(library).parent().unwrap()).unwrap();
        std::fs::write(copy.join(library), "the test's").unwrap();
        assert_eq!(std::fs::read_to_string(own.join(library)).unwrap(), "the desk's");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
