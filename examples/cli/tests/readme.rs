//! README.md shows what happens: its transcripts are compared with a fresh run, and written by one:
//!
//! ```sh
//! UPDATE_README=1 cargo test -p market-cli --test readme
//! ```
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{KG_PHONE, Ran, Shop, market};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// What differs from run to run, under a name.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split("127.0.0.1:").enumerate() {
        if at > 0 {
            out += "127.0.0.1:PORT";
        }
        out += if at > 0 { part.trim_start_matches(|c: char| c.is_ascii_digit()) } else { part };
    }
    while let Some(end) = out.find(" UTC") {
        let start = end - "2026-11-24 09:40".len();
        out.replace_range(start..end + " UTC".len(), "TIME");
    }
    out
}

fn demo(options: &[&str]) -> String {
    let ran = Ran::from(market().arg("demo").args(options).output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    let options: String = options.iter().map(|option| format!(" {option}")).collect();
    format!("$ cargo run -q -p market-cli -- demo{options}\n{}", masked(&ran.out))
}

fn lost_answer() -> String {
    let ran = Ran::from(market().args(["demo", "--lost-answer"]).output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    format!("$ cargo run -q -p market-cli -- demo --lost-answer\n{}", masked(&ran.out))
}

fn session() -> String {
    let shop = Shop::open();
    let url = masked(&shop.url);
    let mut transcript = format!("$ export MARKET_SERVER={url} MARKET_STORE=file:session\n");
    let place = ["orders", "place", "--name", "Ann", "--phone", KG_PHONE, "--address", "Chuy Avenue 1"];
    for arguments in [
        &["login", KG_PHONE][..],
        &["cart", "add", "42", "2"],
        &["cart", "add", "88"],
        &["cart", "add", "42", "101"],
        &place,
        &["orders"],
        &["orders", "resolve"],
        &["request", "GET", "/cart"],
        &["logout"],
        &["cart"],
    ] {
        let mut command = shop.market(arguments);
        let ran = if arguments[0] == "login" {
            let mut ran = shop.answer_code(&mut command, KG_PHONE);
            // What a person types is on the screen too, but in no output.
            ran.err = ran.err.replace("SMS: ", "SMS: CODE");
            ran
        } else {
            command.output().unwrap().into()
        };
        let quoted = arguments.iter().map(|word| match word.contains(' ') {
            true => format!(" '{word}'"),
            false => format!(" {word}"),
        });
        transcript += &format!("$ market --allow-http{}\n", quoted.collect::<String>());
        transcript += &masked(&ran.all());
        if ran.code != 0 {
            transcript += &format!("$ echo $?\n{}\n", ran.code);
        }
    }
    transcript
}

/// `readme` with `transcript` in the place that is marked with `name`.
fn with(readme: &str, name: &str, transcript: &str) -> String {
    let (start, end) = (format!("<!-- transcript: {name} -->\n"), "<!-- end of transcript -->");
    let (before, rest) = readme.split_once(&start).unwrap_or_else(|| panic!("README.md has no {start}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("README.md has no {end}"));
    format!("{before}{start}```console\n{transcript}```\n{end}{after}")
}

#[test]
fn the_transcripts_in_the_readme_are_what_happens() {
    let readme = std::fs::read_to_string(README).unwrap();
    let fresh = with(&readme, "demo", &demo(&[]));
    let fresh = with(&fresh, "demo --resume", &demo(&["--resume"]));
    let fresh = with(&fresh, "session", &session());
    let fresh = with(&fresh, "lost answer", &lost_answer());
    if std::env::var_os("UPDATE_README").is_some() {
        return std::fs::write(README, fresh).unwrap();
    }
    let differs = readme.lines().zip(fresh.lines()).find(|(old, new)| old != new);
    assert!(
        readme == fresh,
        "README.md differs from a fresh run: {differs:?}\n\
         If the run is right: UPDATE_README=1 cargo test -p market-cli --test readme"
    );
}
