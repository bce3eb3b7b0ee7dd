//! What the bindings of all languages share: the library, the generator, and the edits to what it writes.

pub(crate) mod personal;

use std::path::{Path, PathBuf};

use crate::{Workspace, succeeds};

/// Builds the library, unstripped, since its interface is read from its symbols.
pub(crate) fn library(here: &Workspace) -> Result<PathBuf, String> {
    // Two builds, and the order matters: built together, the library would have the generator's features.
    for package in ["market-bindgen", "market-sdk-ffi"] {
        if !succeeds(&mut here.cargo(&["build", "-p", package])) {
            return Err(format!("{package} does not build"));
        }
    }
    Ok(built(here).join(library_name()))
}

/// Has UniFFI's own generator write the bindings of `language` into `out`, which it empties first: what a former
/// interface left would be compiled too.
pub(crate) fn generate(here: &Workspace, language: &str, library: &Path, out: &Path) -> Result<(), String> {
    let _ = std::fs::remove_dir_all(out);
    let mut generate =
        here.command(built(here).join(format!("market-bindgen{}", std::env::consts::EXE_SUFFIX)));
    generate.args([
        "generate",
        "--language",
        language,
        "--no-format",
        "--config",
        "uniffi.toml",
        "--out-dir",
    ]);
    if succeeds(generate.arg(out).arg(library)) { Ok(()) } else { Err("the generator failed".to_owned()) }
}

/// The number that the library has to have, as `core_version` counts it.
pub(crate) fn core_version() -> u32 {
    let part = |digits: &str| digits.parse::<u32>().unwrap_or(0);
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// Changes generated code: each piece is there exactly once, or the generator has changed.
pub(crate) fn edited(text: &str, edits: &[(&str, &str)]) -> Result<String, String> {
    edits.iter().try_fold(text.to_owned(), |text, (from, to)| match text.matches(from).count() {
        1 => Ok(text.replace(from, to)),
        count => Err(format!("the generated code has this {count} times instead of once:\n{from}")),
    })
}

/// Builds the dev server, and says where it is.
pub(crate) fn dev_server(here: &Workspace) -> Result<PathBuf, String> {
    if !succeeds(&mut here.cargo(&["build", "-p", "market-dev-server"])) {
        return Err("market-dev-server does not build".to_owned());
    }
    Ok(built(here).join(format!("market-dev-server{}", std::env::consts::EXE_SUFFIX)))
}

/// Where cargo puts what it builds for development.
pub(crate) fn built(here: &Workspace) -> PathBuf {
    target(here).join("debug")
}

/// Where cargo puts what it builds.
pub(crate) fn target(here: &Workspace) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    here.root.join(target)
}

/// What the library's file is called on this system.
pub(crate) fn library_name() -> String {
    format!("{}market_sdk_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_does_not_fit_once_is_an_error() {
        assert_eq!(edited("a b", &[("b", "c")]), Ok("a c".to_owned()));
        assert!(edited("a b b", &[("b", "c")]).is_err());
        assert!(edited("a", &[("b", "c")]).is_err());
    }
}
