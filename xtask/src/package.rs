//! The crate as it would be published, used by a program that has nothing of this workspace but that.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::counts::Counts;
use crate::{Workspace, bindings, succeeds};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Packs `market-sdk`, and has its own example, as a project of its own, shop with it.
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
    let mut server = started(Command::new(server).args(["--exit-with-stdin"]).stderr(Stdio::piped()))?;
    let url = line(&mut server.0, "listening on ")?;
    let mut shopper = started(Command::new(program).args([&url, "+13128059851"]))?;
    line(&mut shopper.0, "the code:")?;
    let code = BufReader::new(server.0.stderr.take().ok_or("no error output")?);
    let code = code.lines().find_map(|line| Some(line.ok()?.split_once(": ")?.1.to_owned()));
    let mut stdin = shopper.0.stdin.take().ok_or("no input")?;
    writeln!(stdin, "{}", code.ok_or("no code came")?).map_err(|error| error.to_string())?;
    let said: Vec<String> =
        BufReader::new(shopper.0.stdout.take().ok_or("no output")?).lines().map_while(Result::ok).collect();
    let ok = shopper.0.wait().is_ok_and(|status| status.success());
    let expected = ["user 19 of market us", "1 lines, USD 39.98; 0 wishes", "order 1: KGS 189.98"];
    for line in &said {
        println!("{line}");
    }
    if ok && said.get(..3).is_some_and(|said| said == expected) {
        Ok(())
    } else {
        Err(format!("the shopper was to say {expected:?}"))
    }
}

/// Unpacks the crate, and builds the example on it, with the versions of our lock file.
fn program(here: &Workspace) -> std::io::Result<std::path::PathBuf> {
    let folder = bindings::target(here).join("package");
    let project = folder.join("shopper");
    let _ = std::fs::remove_dir_all(&project);
    std::fs::create_dir_all(project.join("src"))?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(folder.join(format!("market-sdk-{VERSION}.crate"))).arg("-C").arg(&project);
    let packed = project.join(format!("market-sdk-{VERSION}"));
    if !succeeds(&mut unpack) {
        return Err(std::io::Error::other("the crate cannot be unpacked"));
    }
    std::fs::write(project.join("Cargo.toml"), manifest(&packed))?;
    std::fs::copy(here.root.join("Cargo.lock"), project.join("Cargo.lock"))?;
    std::fs::copy(packed.join("examples/shopper.rs"), project.join("src/main.rs"))?;
    let mut build = here.cargo(&["build", "--manifest-path"]);
    build.arg(project.join("Cargo.toml")).arg("--target-dir").arg(bindings::target(here));
    if !succeeds(&mut build) {
        return Err(std::io::Error::other("the program does not build"));
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

[workspace]
"#
    )
}

/// A process that ends with us.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(command: &mut Command) -> Result<Started, String> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    child.map(Started).map_err(|error| format!("{}: {error}", command.get_program().display()))
}

/// Reads a line that begins so, byte by byte, so that nothing of the next is taken.
fn line(process: &mut Child, beginning: &str) -> Result<String, String> {
    let stdout = process.stdout.as_mut().ok_or("no output")?;
    let mut line = Vec::new();
    for byte in std::io::Read::bytes(stdout) {
        match byte {
            Ok(b'\n') => break,
            Ok(byte) => line.push(byte),
            Err(error) => return Err(error.to_string()),
        }
    }
    let line = String::from_utf8_lossy(&line).into_owned();
    line.strip_prefix(beginning)
        .map(str::to_owned)
        .ok_or_else(|| format!("{beginning:?} was expected: {line:?}"))
}
