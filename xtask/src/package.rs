//! The crate as it would be published, used by a program that has nothing of this workspace but that.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::counts::Counts;
use crate::process::Running;
use crate::{Workspace, bindings, succeeds};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Packs `market-sdk`, has its own example, as a project of its own, shop with it, and has README's tests of an app run
/// there.
pub(crate) fn check(here: &Workspace) -> Counts {
    match bought(here) {
        Ok(()) => Counts::check(true),
        Err(why) => {
            println!("{why}");
            Counts::check(false)
        }
    }
}

fn bought(here: &Workspace) -> Result<(), String> {
    // What is packed is what is there, committed or not; the program below compiles it.
    if !succeeds(&mut here.cargo(&["package", "-p", "market-sdk", "--allow-dirty", "--no-verify"])) {
        return Err("market-sdk cannot be packed".to_owned());
    }
    let program = program(here).map_err(|error| format!("no project: {error}"))?;
    let server = bindings::dev_server(here)?;
    // Its error is where codes come: the line is taken from there as a user would from a telephone.
    let mut server = Running::start(Command::new(server).args(["--exit-with-stdin"]).stderr(Stdio::piped()))?;
    let line = server.out.line()?;
    let url = line.strip_prefix("listening on ").ok_or(format!("the dev server said {line:?}"))?;
    let mut shopper = Running::start(Command::new(program).args([url, "+13128059851"]))?;
    shopper.out.until(|said| said.ends_with(b"the code:\n"))?;
    let sent = server.errors().ok_or("no error output")?.line()?;
    let (_, code) = sent.split_once(": ").ok_or("no code came")?;
    writeln!(shopper.into, "{code}").map_err(|error| error.to_string())?;
    let said = shopper.out.all()?;
    print!("{said}");
    let expected = "user 19 of market us\n1 lines, USD 39.98; 0 wishes\norder 1: KGS 189.98\n";
    if shopper.end()?.success() && said.starts_with(expected) {
        Ok(())
    } else {
        Err(format!("the shopper was to say {expected:?}"))
    }
}

/// Unpacks the crate, builds the example on it, with the versions of our lock file, and runs the tests of an app.
fn program(here: &Workspace) -> std::io::Result<std::path::PathBuf> {
    let folder = bindings::target(here).join("package");
    let project = folder.join("shopper");
    let _ = std::fs::remove_dir_all(&project);
    std::fs::create_dir_all(project.join("src"))?;
    let mut unpack = Command::new("tar");
    // Dated now: all that is packed has one old date, by which cargo would take it for what it has built before.
    unpack.arg("-xmzf").arg(folder.join(format!("market-sdk-{VERSION}.crate"))).arg("-C").arg(&project);
    let packed = project.join(format!("market-sdk-{VERSION}"));
    if !succeeds(&mut unpack) {
        return Err(std::io::Error::other("the crate cannot be unpacked"));
    }
    std::fs::write(project.join("Cargo.toml"), manifest(&packed))?;
    std::fs::copy(here.root.join("Cargo.lock"), project.join("Cargo.lock"))?;
    std::fs::copy(packed.join("examples/shopper.rs"), project.join("src/main.rs"))?;
    std::fs::create_dir(project.join("tests"))?;
    std::fs::copy(here.root.join("tests/contract/tests/kit/app.rs"), project.join("tests/app.rs"))?;
    for (command, why) in [("build", "the program does not build"), ("test", "an app cannot be tested")] {
        let mut cargo = here.cargo(&[command, "--manifest-path"]);
        cargo.arg(project.join("Cargo.toml")).arg("--target-dir").arg(bindings::target(here));
        if !succeeds(&mut cargo) {
            return Err(std::io::Error::other(why));
        }
    }
    Ok(bindings::built(here).join(format!("market-package-test{}", std::env::consts::EXE_SUFFIX)))
}

fn manifest(packed: &Path) -> String {
    format!(
        r#"[package]
name = "market-package-test"
version = "0.0.0"
edition = "2024"

[dependencies]
market-sdk = {{ path = {packed:?} }}
tokio = {{ version = "1", features = ["full"] }}

[dev-dependencies]
market-sdk = {{ path = {packed:?}, features = ["test-kit"] }}
tokio = {{ version = "1", features = ["test-util"] }}

[workspace]
"#
    )
}
