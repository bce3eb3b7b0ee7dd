//! The package as it is given to others, and an app that is built on it where nothing else of this project is.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{PACKAGE, bindgen, folder, toolchain::Swift};
use crate::{Workspace, bindings, shopper, succeeds};

const EXAMPLE: &str = "examples/swift";
/// What is packed of the package's folder, and of the project's.
const PACKED: &[&str] = &["Package.swift", "README.md", "Sources"];
const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-LICENSES"];
const NAME: &str = "market-sdk-swift";

/// Packs the package with the library that ships, and says where it is.
pub(crate) fn pack(here: &Workspace) -> Result<(), String> {
    bindgen(here)?;
    // Its symbols are not needed any more, and it is the one that has its size watched.
    if !succeeds(&mut here.cargo(&["build", "--profile", "mobile", "-p", "market-sdk-ffi"])) {
        return Err("market-sdk-ffi does not build".to_owned());
    }
    let library = bindings::target(here).join("mobile").join(bindings::library_name());
    println!("{}", packed(here, &library)?.display());
    Ok(())
}

/// Packs the package with `library`.
fn packed(here: &Workspace, library: &Path) -> Result<PathBuf, String> {
    let staging = folder(here).join("staging");
    let root = staging.join(NAME);
    let _ = std::fs::remove_dir_all(&staging);
    let said = |error: std::io::Error| format!("{}: {error}", root.display());
    std::fs::create_dir_all(root.join("lib")).map_err(said)?;
    for name in PACKED {
        copied(&here.root.join(PACKAGE).join(name), &root.join(name)).map_err(said)?;
    }
    for name in LICENCES {
        copied(&here.root.join(name), &root.join(name)).map_err(said)?;
    }
    copied(library, &root.join("lib").join(bindings::library_name())).map_err(said)?;
    let system = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let archive = folder(here).join(format!("{NAME}-{}-{system}.tar.gz", env!("CARGO_PKG_VERSION")));
    let mut files = Vec::new();
    listed(&staging, Path::new(NAME), &mut files).map_err(said)?;
    files.sort();
    // No more than what GNU's tar and a Mac's both know, and none of the files that the latter adds of its own.
    let mut tar = here.command("tar");
    tar.env("COPYFILE_DISABLE", "1").args(["--numeric-owner", "-czf"]).arg(&archive);
    tar.arg("-C").arg(&staging).args(files);
    if succeeds(&mut tar) { Ok(archive) } else { Err("tar failed".to_owned()) }
}

/// Builds the example on the packed package, unpacked beside it, runs its tests and plays its transcript. The library is the one of
/// the tests: what ships differs in its profile alone.
pub(super) fn consumed(here: &Workspace, swift: &Swift, server: &Path) -> Result<(), String> {
    let folder = folder(here).join("consumer");
    let app = folder.join("shop");
    for old in [folder.join(NAME), app.join("Sources"), app.join("Tests")] {
        let _ = std::fs::remove_dir_all(old);
    }
    let said = |error: std::io::Error| format!("{}: {error}", app.display());
    std::fs::create_dir_all(&app).map_err(said)?;
    let archive = packed(here, &bindings::built(here).join(bindings::library_name()))?;
    if !succeeds(here.command("tar").arg("-xzf").arg(&archive).arg("-C").arg(&folder)) {
        return Err("what was packed cannot be unpacked".to_owned());
    }
    let example = here.root.join(EXAMPLE);
    // As its README has it, on the package beside it.
    if !succeeds(swift.command(here, &example, "swift").args(["build", "--quiet"])) {
        return Err("the example does not build in its own folder".to_owned());
    }
    for name in ["Sources", "Tests"] {
        copied(&example.join(name), &app.join(name)).map_err(said)?;
    }
    let manifest = std::fs::read_to_string(example.join("Package.swift")).map_err(said)?;
    let manifest = bindings::edited(&manifest, &[("path: \"MarketSDK\"", &format!("path: \"../{NAME}\""))])?;
    // Anew each time: SwiftPM looks for other files in a package that this one depends on only when it changes.
    std::fs::write(app.join("Package.swift"), manifest).map_err(said)?;
    let mut build = swift.command(here, &app, "swift");
    build.args(["build", "--build-tests", "--quiet", "-Xswiftc", "-warnings-as-errors"]);
    if !succeeds(&mut build) {
        return Err("the example does not build on the packed package".to_owned());
    }
    tested(here, swift, &app)?;
    let program = app.join(".build/debug/shop");
    let shop = |server: &str| {
        let mut shop = swift.command(here, &app, &program.to_string_lossy());
        shop.arg(server);
        shop
    };
    shopper::check(here, server, shop, &example.join("README.md"), "cargo xtask test swift")?;
    refused(here, swift, &app, &program)
}

/// The example's tests, which are written with the test kit; and those on the fakes once more, where whatever is called of
/// the core ends the process.
fn tested(here: &Workspace, swift: &Swift, app: &Path) -> Result<(), String> {
    let mut test = swift.command(here, app, "swift");
    if !succeeds(test.args(["test", "--skip-build", "--quiet", "--disable-xctest"])) {
        return Err("the example's tests fail on the packed package".to_owned());
    }
    // As with a library of another version.
    if !cfg!(target_os = "linux") {
        println!("Not tried here, since LD_PRELOAD is Linux's: that the fakes call nothing of the core.");
        return Ok(());
    }
    let header = here.root.join(PACKAGE).join("Sources/MarketSDKFFI/MarketSDKFFI.h");
    let header = std::fs::read_to_string(&header).map_err(|e| format!("{}: {e}", header.display()))?;
    let trap = preloaded(here, app, "trap", &trap(&header)?)?;
    let run = |tests: &str| {
        let mut run = swift.command(here, app, "env");
        run.arg(format!("LD_PRELOAD={}", trap.display()))
            .arg(app.join(".build/debug/shopPackageTests.xctest"));
        run.args(["--testing-library", "swift-testing", "--filter", tests]);
        let out = run.stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        Ok::<_, String>((out.status.success(), text))
    };
    match run("ShopScreensTests.ShopTests/")? {
        (true, text) if text.contains(" passed after ") => {}
        (_, text) => return Err(format!("the tests on the fakes, without a core to call:\n{text}")),
    }
    // The trap is one.
    match run("ShopScreensTests.ServedShopTests/")? {
        (false, text) if text.contains(CALLED) => Ok(()),
        (_, text) => Err(format!("a test that calls the core was not caught:\n{text}")),
    }
}

const CALLED: &str = "the core was called: ";

/// A library, in C, in which each function of the core ends the process.
fn trap(header: &str) -> Result<String, String> {
    let mut source = "#include <stdio.h>\n#include <stdlib.h>\n".to_owned();
    let before = source.len();
    for line in header.lines() {
        let name = line.split('(').next().and_then(|head| head.rsplit([' ', '*']).next()).unwrap_or_default();
        if ["uniffi_market_sdk_ffi_", "ffi_market_sdk_ffi_"].iter().any(|start| name.starts_with(start)) {
            source += &format!("void {name}(void) {{ fputs(\"{CALLED}{name}\\n\", stderr); abort(); }}\n");
        }
    }
    if source.len() == before {
        Err("there is no function in the core's header".to_owned())
    } else {
        Ok(source)
    }
}

/// Compiles `source` into a library that comes before all others.
fn preloaded(here: &Workspace, app: &Path, name: &str, source: &str) -> Result<PathBuf, String> {
    let (file, library) = (app.join(name).with_extension("c"), app.join(name).with_extension("so"));
    super::write(&file, source)?;
    let mut compile = here.command("cc");
    if succeeds(compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file)) {
        Ok(library)
    } else {
        Err(format!("{name}.c, which stands in for the core, does not compile"))
    }
}

/// A library of another version, in front of the one that the program was built with, is refused in words.
fn refused(here: &Workspace, swift: &Swift, app: &Path, program: &Path) -> Result<(), String> {
    // Elsewhere a program's functions come from the library that they were linked with, whatever else is loaded.
    if !cfg!(target_os = "linux") {
        println!("Not tried here, since LD_PRELOAD is Linux's: a library of another version.");
        return Ok(());
    }
    let source = "unsigned uniffi_market_sdk_ffi_fn_func_core_version(void *status) { return 999000000; }\n";
    let other = preloaded(here, app, "other-version", source)?;
    let mut shop = swift.command(here, app, "env");
    shop.arg(format!("LD_PRELOAD={}", other.display())).arg(program);
    let out = shop.arg("https://shop.example").stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout);
    if out.status.code() == Some(1) && text.contains("of another version") {
        return Ok(());
    }
    Err(format!("with a library of another version the example ended with {}: {text}", out.status))
}

/// The files below `path`, as seen from `folder`.
fn listed(folder: &Path, path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder.join(path))? {
        let entry = entry?;
        let path = path.join(entry.file_name());
        if entry.file_type()?.is_dir() { listed(folder, &path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Copies a file or a folder. What is a link is copied as what it leads to.
fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(drop);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copied(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_of_the_core_is_trapped() {
        let header = "#define X 1\nvoid*_Nonnull uniffi_market_sdk_ffi_fn_a(void*_Nonnull handle)\nRustBuffer ffi_market_sdk_ffi_b(int n\n";
        let source = trap(header).unwrap();
        assert!(
            source.contains("void uniffi_market_sdk_ffi_fn_a(void)")
                && source.contains("void ffi_market_sdk_ffi_b(void)")
        );
        assert_eq!(source.matches("abort()").count(), 2);
        assert!(trap("#define X 1\n").is_err());
    }
}
