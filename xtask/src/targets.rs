//! The systems that this machine is not: checked, built and, where something can run them, run.
//!
//! None of their SDKs is needed. Debian has a compiler with the sources of its standard library (`rustc-web`), from
//! which that library is built for each of them. Nothing here has run on a phone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::counts::Counts;
use crate::setup::Needed;
use crate::{Workspace, bindings, setup, succeeds};

const PACKAGE: &str = "market-sdk-ffi";

const RUST: &[Needed] = &[
    // The files would be there with Debian's own older compiler too.
    ("/var/lib/dpkg/info/cargo-web.list", "cargo-web"),
    ("/var/lib/dpkg/info/rustc-web.list", "rustc-web"),
    ("/var/lib/dpkg/info/rust-web-src.list", "rust-web-src"),
];
const CLANG: &[Needed] = &[("clang-19", "clang-19"), ("llvm-ar-19", "llvm-19")];
const WINDOWS: &[Needed] =
    &[("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"), ("/usr/lib/wine/wine64", "wine64")];
const DOWNLOADS: &[Needed] = &[("pip3", "python3-pip"), ("unzip", "unzip")];

/// Holds the headers of Darwin that anybody may pass on.
const ZIGLANG: &str = "ziglang==0.17.1";
const DARWIN_HEADERS: &str = "ziglang/lib/libc/include/any-darwin-any";

pub(crate) fn android(here: &Workspace) -> Counts {
    if !ready(here, "Android", &[RUST, CLANG]) {
        return Counts::check(false);
    }
    let target = "aarch64-linux-android";
    let mut check = cargo(here, "check", target);
    check.args(["-p", PACKAGE, "--no-default-features"]);
    // Without the NDK there is no C library to link, nor its headers: ring brings the few it needs.
    with_c(&mut check, target, "--target=aarch64-linux-android24 -nostdlibinc -DRING_CORE_NOSTDLIBINC=1");
    Counts::check(succeeds(&mut check))
}

pub(crate) fn ios(here: &Workspace) -> Counts {
    if !ready(here, "iOS", &[RUST, CLANG, DOWNLOADS]) {
        return Counts::check(false);
    }
    let Some(headers) = darwin_headers(here) else { return Counts::check(false) };
    let target = "aarch64-apple-ios";
    let mut build = cargo(here, "rustc", target);
    build.args(["-p", PACKAGE, "--no-default-features", "--profile", "mobile", "--crate-type", "staticlib"]);
    let flags = format!("-fdefine-target-os-macros -nostdlibinc -isystem {}", headers.display());
    with_c(&mut build, target, &flags);
    // It is looked for, and nothing is taken from it.
    build.env("SDKROOT", folder(here));
    let library = folder(here).join(target).join("mobile/libmarket_sdk_ffi.a");
    Counts::check(succeeds(&mut build) && library.is_file())
}

/// Links the library, and runs the test of the Credential Manager.
pub(crate) fn windows(here: &Workspace) -> Counts {
    if !ready(here, "Windows", &[RUST, WINDOWS]) {
        return Counts::check(false);
    }
    let target = "x86_64-pc-windows-gnu";
    let mut counts =
        Counts::check(succeeds(cargo(here, "build", target).args(["-p", PACKAGE, "--no-default-features"])));
    let library = folder(here).join("bcryptprimitives.dll");
    let mut stub = here.command("x86_64-w64-mingw32-gcc");
    stub.args(["-shared", "-o"]).arg(&library).args(["xtask/wine/bcryptprimitives.c", "-ladvapi32"]);
    if !succeeds(&mut stub) {
        counts += Counts::check(false);
        return counts;
    }
    let mut tests = cargo(here, "test", target);
    tests.args(["-p", "market-sdk", "--no-default-features", "--test", "credential_manager"]);
    tests.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "/usr/lib/wine/wine64");
    // A home of its own, without questions about what it could install, and the path to the stub.
    tests.env("WINEPREFIX", folder(here).join("wine")).env("WINEPATH", folder(here));
    tests.env("WINEDLLOVERRIDES", "mscoree,mshtml=").env("WINEDEBUG", "-all");
    counts += crate::gate::tests(&mut tests, |_| {});
    counts
}

fn ready(here: &Workspace, what: &str, needed: &[&[Needed]]) -> bool {
    setup::there(here, &format!("the build for {what}"), &needed.concat())
}

fn folder(here: &Workspace) -> PathBuf {
    bindings::target(here).join("other")
}

/// Debian's cargo, which is allowed to build the standard library too.
fn cargo(here: &Workspace, command: &str, target: &str) -> Command {
    let mut cargo = here.command("/usr/bin/cargo");
    cargo.args([command, "-Zbuild-std=std,panic_unwind", "--target", target]);
    cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", folder(here));
    // What the toolchain of this machine says to its own.
    for own in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTDOC", "RUSTFLAGS"] {
        cargo.env_remove(own);
    }
    cargo
}

fn with_c(cargo: &mut Command, target: &str, flags: &str) {
    let target = target.replace('-', "_");
    cargo.env(format!("CC_{target}"), "clang-19").env(format!("AR_{target}"), "llvm-ar-19");
    cargo.env(format!("CFLAGS_{target}"), flags);
}

/// Downloaded once.
fn darwin_headers(here: &Workspace) -> Option<PathBuf> {
    let headers = folder(here).join(DARWIN_HEADERS);
    if headers.join("stdint.h").is_file() {
        return Some(headers);
    }
    let wheels = folder(here).join("wheels");
    let mut download = here.command("pip3");
    download.args(["download", "--quiet", "--no-deps", ZIGLANG, "--dest"]).arg(&wheels);
    if !succeeds(&mut download) {
        return None;
    }
    let wheel = first_file(&wheels)?;
    let mut unpack = here.command("unzip");
    unpack.args(["-q", "-o"]).arg(wheel).arg(format!("{DARWIN_HEADERS}/*")).arg("-d").arg(folder(here));
    (succeeds(&mut unpack) && headers.is_dir()).then_some(headers)
}

fn first_file(folder: &Path) -> Option<PathBuf> {
    Some(std::fs::read_dir(folder).ok()?.next()?.ok()?.path())
}
