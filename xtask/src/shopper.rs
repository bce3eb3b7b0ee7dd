//! The example apps' transcripts: an app is given what somebody typed, each when it asks for it, and what is seen is
//! compared with what its README shows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::Workspace;
use crate::process::{Running, Said};

/// What stands in a transcript for the code that the SMS brings, which is another each time.
const CODE: &str = "••••••";
const PHONE: &str = "+13128059851";
/// The dev server has no catalogue of its own.
const PRODUCTS: &str =
    r#"[{"id":10,"name":"Canvas Bag","sku_id":42},{"id":15,"name":"Silk Scarf","sku_id":106}]"#;
const PROMPTS: &[&str] = &["> ", "phone> ", "code> ", "name> ", "address> "];
const EXPIRES: &str = "(Half an hour later: the server has ended the session.)";

/// Plays the transcript of `readme` to `app`, which is made with the dev server's address. With `UPDATE_EXAMPLE=1` it is
/// written anew; `again` is the command that does.
pub(crate) fn check(
    here: &Workspace,
    server: &Path,
    app: impl FnOnce(&str) -> Command,
    readme: &Path,
    again: &str,
) -> Result<(), String> {
    let text = std::fs::read_to_string(readme).map_err(|e| format!("{}: {e}", readme.display()))?;
    let (before, rest) =
        text.split_once("```text\n").ok_or("there is no transcript in the example's README")?;
    let (transcript, after) = rest.split_once("```").ok_or("the transcript has no end")?;
    let played = play(&mut here.command(server), app, transcript)?;
    if played == transcript {
        return Ok(());
    }
    if std::env::var("UPDATE_EXAMPLE").is_ok_and(|value| value == "1") {
        return std::fs::write(readme, format!("{before}```text\n{played}```{after}"))
            .map_err(|e| e.to_string());
    }
    Err(format!("The example's transcript is another; if that is meant: UPDATE_EXAMPLE=1 {again}\n{played}"))
}

fn play(server: &mut Command, app: impl FnOnce(&str) -> Command, transcript: &str) -> Result<String, String> {
    let mut server = Running::start(server.args(["--quiet", "--no-rate-limits", "--exit-with-stdin"]))?;
    let line = server.out.line()?;
    let base = line.strip_prefix("listening on ").ok_or(format!("the dev server said {line:?}"))?;
    let host = base.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let control = |method: &str, path: &str, body: &str| {
        request(host, method, path, body).map_err(|e| format!("the dev server: {e}"))
    };
    let body = PRODUCTS.replace('"', "\\\"");
    let catalogue =
        format!(r#"{{"route":"GET /products","fault":{{"kind":"answer","status":200,"body":"{body}"}}}}"#);
    control("POST", "/_dev/faults", &catalogue)?;

    let mut app = Running::start(&mut app(base))?;
    let mut played = until_prompt(&mut app.out)?;
    for line in transcript.lines() {
        if line == EXPIRES {
            control("POST", "/_dev/expire-sessions", "")?;
            // It stands before the prompt that is waiting.
            played.insert_str(played.rfind('\n').map_or(0, |end| end + 1), &format!("{EXPIRES}\n"));
            continue;
        }
        let Some(input) = PROMPTS.iter().find_map(|prompt| line.strip_prefix(prompt)) else { continue };
        let typed = if input == CODE { code(&control)? } else { input.to_owned() };
        writeln!(app.into, "{typed}").map_err(|e| format!("the app is gone: {e}\n{played}"))?;
        played += &format!("{input}\n{}", until_prompt(&mut app.out)?);
    }
    let status = app.end()?;
    if status.success() { Ok(played) } else { Err(format!("the example ended with {status}\n{played}")) }
}

/// Reads up to the next prompt, or to the end.
fn until_prompt(from: &mut Said) -> Result<String, String> {
    let prompt = |seen: &[u8]| {
        let line = seen.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        PROMPTS.iter().any(|prompt| prompt.as_bytes() == line)
    };
    // Maven resets the colours of a terminal even where there is none.
    Ok(from.until(prompt)?.replace("\x1b[0m", ""))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_read_up_to_its_prompt() {
        let mut from = Said::by("Welcome.\nphone> code> a > b\n> ".as_bytes());
        assert_eq!(until_prompt(&mut from).as_deref(), Ok("Welcome.\nphone> "));
        assert_eq!(until_prompt(&mut from).as_deref(), Ok("code> "));
        assert_eq!(until_prompt(&mut from).as_deref(), Ok("a > b\n> "));
        assert_eq!(until_prompt(&mut from).as_deref(), Ok(""));
    }
}
