//! The example app, as a clean project that depends on the packed artefact: built, run against the dev server, and
//! compared with the transcript in its README.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::package;
use crate::Workspace;

const EXAMPLE: &str = "examples/kotlin";
/// What stands in a transcript for the code that the SMS brings, which is another each time.
const CODE: &str = "••••••";
const PHONE: &str = "+13128059851";
/// The dev server has no catalogue of its own.
const PRODUCTS: &str =
    r#"[{"id":10,"name":"Canvas Bag","sku_id":42},{"id":15,"name":"Silk Scarf","sku_id":106}]"#;

/// Plays the inputs of the transcript, and compares what comes of them. `UPDATE_EXAMPLE=1` writes it anew.
pub(super) fn check(here: &Workspace, server: &Path) -> Result<(), String> {
    let folder = here.root.join("bindings/kotlin/target/example");
    copied(&here.root.join(EXAMPLE), &folder).map_err(|error| format!("{EXAMPLE}: {error}"))?;
    let readme = here.root.join(EXAMPLE).join("README.md");
    let text = std::fs::read_to_string(&readme).map_err(|error| format!("{}: {error}", readme.display()))?;
    let (before, rest) =
        text.split_once("```text\n").ok_or("there is no transcript in the example's README")?;
    let (transcript, after) = rest.split_once("```").ok_or("the transcript has no end")?;

    let mut maven = package::maven(here, &folder);
    maven.args(["compile", "exec:java", "-Dstyle.color=never"]);
    maven.arg(package::local(&package::repository(here)));
    let played = play(&mut here.command(server), &mut maven, transcript)?;
    if played == transcript {
        return Ok(());
    }
    if std::env::var("UPDATE_EXAMPLE").is_ok_and(|value| value == "1") {
        let text = format!("{before}```text\n{played}```{after}");
        return std::fs::write(&readme, text).map_err(|error| error.to_string());
    }
    Err(format!(
        "The example's transcript is another; if that is meant: UPDATE_EXAMPLE=1 cargo xtask test kotlin\n{played}"
    ))
}

/// Gives the app the inputs of `transcript`, each when it asks for one, and says what was to be seen.
fn play(server: &mut Command, app: &mut Command, transcript: &str) -> Result<String, String> {
    let mut server = Ended(piped(server.args(["--quiet", "--no-rate-limits", "--exit-with-stdin"]))?);
    let mut line = String::new();
    let mut said = BufReader::new(server.0.stdout.take().ok_or("no output")?);
    said.read_line(&mut line).map_err(|error| error.to_string())?;
    let base = line.trim().strip_prefix("listening on ").ok_or(format!("the dev server said {line:?}"))?;
    let control = |method: &str, path: &str, body: &str| {
        let host = base.trim_start_matches("http://").split('/').next().unwrap_or_default();
        request(host, method, path, body).map_err(|error| format!("the dev server: {error}"))
    };
    let body = PRODUCTS.replace('"', "\\\"");
    let fault =
        format!(r#"{{"route":"GET /products","fault":{{"kind":"answer","status":200,"body":"{body}"}}}}"#);
    control("POST", "/_dev/faults", &fault)?;

    let mut app = Ended(piped(app.arg(format!("-Dexec.args={base}")))?);
    let mut into = app.0.stdin.take().ok_or("no input")?;
    let mut from = app.0.stdout.take().ok_or("no output")?;
    let mut played = until_prompt(&mut from)?;
    for line in transcript.lines() {
        if line == EXPIRES {
            control("POST", "/_dev/expire-sessions", "")?;
            // It stands before the prompt that is waiting.
            let prompt = played.rfind('\n').map_or(0, |end| end + 1);
            played.insert_str(prompt, &format!("{EXPIRES}\n"));
            continue;
        }
        let Some((_, input)) = PROMPTS.iter().find_map(|prompt| Some((prompt, line.strip_prefix(prompt)?)))
        else {
            continue;
        };
        let typed = if input == CODE { code(&control)? } else { input.to_owned() };
        writeln!(into, "{typed}").map_err(|error| format!("the app is gone: {error}\n{played}"))?;
        played += &format!("{input}\n{}", until_prompt(&mut from)?);
    }
    drop(into);
    let status = app.0.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(played) } else { Err(format!("the example ended with {status}\n{played}")) }
}

const PROMPTS: &[&str] = &["> ", "phone> ", "code> ", "name> ", "address> "];
const EXPIRES: &str = "(Half an hour later: the server has ended the session.)";

/// Reads up to the next prompt, or to the end.
fn until_prompt(from: &mut impl Read) -> Result<String, String> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while from.read(&mut byte).map_err(|error| error.to_string())? == 1 {
        seen.extend(byte);
        let line = seen.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        if PROMPTS.iter().any(|prompt| prompt.as_bytes() == line) {
            break;
        }
    }
    // Maven resets the colours of a terminal even where there is none.
    Ok(String::from_utf8_lossy(&seen).replace("\x1b[0m", ""))
}

/// The code that the SMS would have brought.
fn code(control: &impl Fn(&str, &str, &str) -> Result<String, String>) -> Result<String, String> {
    let answer = control("GET", &format!("/_dev/codes?phone={}", PHONE.replace('+', "%2B")), "")?;
    let code: String = answer.chars().filter(char::is_ascii_digit).collect();
    if code.is_empty() { Err(format!("no code was sent: {answer}")) } else { Ok(code) }
}

/// One request to the dev server's control interface; gives the body of the answer.
fn request(host: &str, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 2") => Ok(body.to_owned()),
        _ => Err(std::io::Error::other(format!("{method} {path}: {answer}"))),
    }
}

fn piped(command: &mut Command) -> Result<Child, String> {
    let program = command.get_program().display().to_string();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))
}

/// A process that does not outlive us.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Copies what is committed of the example to where nothing else of this project is.
fn copied(from: &Path, into: &PathBuf) -> std::io::Result<()> {
    let _ = std::fs::remove_dir_all(into);
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (old, new) = (entry.path(), into.join(entry.file_name()));
        if entry.file_name() == "target" {
            continue;
        }
        if old.is_dir() {
            copied(&old, &new)?;
        } else {
            std::fs::copy(&old, &new)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_read_up_to_its_prompt() {
        let mut from = "Welcome.\nphone> code> a > b\n> ".as_bytes();
        assert_eq!(until_prompt(&mut from).as_deref(), Ok("Welcome.\nphone> "));
        assert_eq!(until_prompt(&mut from).as_deref(), Ok("code> "));
        assert_eq!(until_prompt(&mut from).as_deref(), Ok("a > b\n> "));
        assert_eq!(until_prompt(&mut from).as_deref(), Ok(""));
    }
}
