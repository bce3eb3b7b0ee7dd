//! What a command prints is kept: in a terminal's history, a script's log, a ticket.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::process::Output;

use common::{Ran, Shop, US_PHONE, market};

/// A line of the terminal for each command and subcommand. ID is an order's, LINE a line's of the cart.
const COMMANDS: &[&str] = &[
    "status",
    "status --ask-server",
    "whoami",
    "profile",
    "profile --name Ann",
    "markets",
    "cart add 42 2",
    "cart show",
    "cart set LINE 3",
    "cart remove LINE",
    "cart remove 99999",
    "cart clear",
    "cart add 88",
    "wishlist show",
    "wishlist add 11",
    "wishlist remove 11",
    "wishlist clear",
    "orders place --name Ann --phone +13128059851 --address Street",
    "orders place --name Ann --phone +13128059851x --address Street",
    "orders list",
    "orders get ID",
    "orders get 99999",
    "orders cancel ID",
    "orders cancel ID",
    "orders resolve",
    "request GET /cart",
    "request GET /nowhere",
    "login +13128059851 --code 1234",
    "login +13128059851 --send-only",
    "completions bash",
    "help",
    "logout",
    "status",
    "cart",
];

/// Of what they print is what one asks for by name.
const NOT_RUN: &[&str] = &["demo", "dev-server"];

fn names(help: &str) -> BTreeSet<String> {
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let lines = rest.lines().take_while(|line| !line.trim().is_empty());
    let names = lines.filter(|line| !line.starts_with("     "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn p10_no_command_prints_a_token_a_code_or_a_phone_number_whatever_it_logs() {
    let commands: BTreeSet<_> =
        COMMANDS.iter().chain(NOT_RUN).map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let missing: Vec<_> = names(&help()).into_iter().filter(|name| !commands.contains(name)).collect();
    assert!(missing.is_empty(), "commands that nothing is known of: {missing:?}");

    let shop = Shop::open();
    shop.ok(&["login", US_PHONE, "--send-only"]);
    let code = shop.code(US_PHONE);
    let login = Ran::from(
        shop.market(&["login", US_PHONE, "--code", &code]).env("RUST_LOG", "trace").output().unwrap(),
    );
    let token = shop.stored_token();
    let (mut line, mut order) = (String::new(), String::new());
    let secrets = [("token", token.as_str()), ("code", &code), ("phone number", &US_PHONE[1..])];
    let tells_nothing = |command: &str, ran: &Ran| {
        for (name, secret) in secrets {
            assert!(!has(&ran.all(), secret), "{command} prints the {name}: {}", ran.all());
        }
    };
    tells_nothing("login", &login);
    for command in COMMANDS {
        let arguments = command.replace("LINE", &line).replace("ID", &order);
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let plain = !["completions", "help", "request"].contains(&arguments[0]);
        for json in if plain && !changes(command) { &["", "--json"][..] } else { &[""] } {
            let arguments: Vec<&str> =
                arguments.iter().chain([json]).copied().filter(|word| !word.is_empty()).collect();
            let ran = Ran::from(shop.market(&arguments).env("RUST_LOG", "trace").output().unwrap());
            tells_nothing(command, &ran);
        }
        if command.starts_with("cart add 42") {
            line = shop.ok(&["cart", "--json"]).json()["items"][0]["line"].to_string();
        }
        if *command == "orders list" {
            order = shop.ok(&["orders", "list", "--json"]).json()[0]["id"].to_string();
        }
    }
}

/// As a word of its own: six digits of a time of day may be those of a code.
fn has(text: &str, secret: &str) -> bool {
    text.match_indices(secret).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + secret.len()..].chars().next();
        !before.is_some_and(|c| c == '.' || c.is_ascii_digit()) && !after.is_some_and(|c| c.is_ascii_digit())
    })
}

/// What cannot be run twice to the same end.
fn changes(command: &str) -> bool {
    ["add", "set", "remove", "clear", "place", "cancel", "login", "logout"]
        .iter()
        .any(|word| command.contains(word))
}

fn help() -> String {
    let Output { stdout, .. } = market().arg("--help").output().unwrap();
    String::from_utf8(stdout).unwrap()
}
