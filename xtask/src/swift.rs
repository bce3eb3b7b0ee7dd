//! The Swift package: what is generated for it, and its tests.

mod edits;

use std::path::{Path, PathBuf};

use crate::{Workspace, bindings};

const PACKAGE: &str = "bindings/swift";

/// Builds the library, and writes the generated part of the package. It is not committed.
pub(crate) fn bindgen(here: &Workspace) -> Result<(), String> {
    let library = bindings::library(here)?;
    let out = folder(here).join("generated");
    bindings::generate(here, "swift", &library, &out)?;
    let read = |name: &str| std::fs::read_to_string(out.join(name)).map_err(|e| format!("{name}: {e}"));
    let package = here.root.join(PACKAGE);
    let sources = package.join("Sources/MarketSDK/Generated");
    write(&sources.join("MarketSDK.swift"), &edits::all(&read("MarketSDK.swift")?)?)?;
    let number = bindings::core_version();
    write(
        &sources.join("ExpectedCoreVersion.swift"),
        &format!("let expectedCoreVersion: UInt32 = {number}\n"),
    )?;
    let ffi = package.join("Sources/MarketSDKFFI");
    write(&ffi.join("MarketSDKFFI.h"), &read("MarketSDKFFI.h")?)?;
    write(&ffi.join("module.modulemap"), MODULE_MAP)?;
    link(&library, &package.join("lib"))
}

/// Names the library, unlike the generated one.
const MODULE_MAP: &str = "\
module MarketSDKFFI {
    header \"MarketSDKFFI.h\"
    link \"market_sdk_ffi\"
    export *
}
";

/// Where what belongs to no package is built.
fn folder(here: &Workspace) -> PathBuf {
    bindings::target(here).join("swift")
}

/// Writes a file that is not so already: SwiftPM goes by the time of the last change.
fn write(path: &Path, text: &str) -> Result<(), String> {
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Shows the package the library, where one that is packed has its own.
fn link(library: &Path, folder: &Path) -> Result<(), String> {
    let link = folder.join(library.file_name().unwrap_or_default());
    let _ = std::fs::remove_file(&link);
    std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    std::os::unix::fs::symlink(library, &link).map_err(|e| format!("{}: {e}", link.display()))
}
