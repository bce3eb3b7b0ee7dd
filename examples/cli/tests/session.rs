//! A shopper at the command line: each command is a process of its own, on a session in a file store.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use common::{KG_PHONE, Ran, Shop, US_PHONE, market};
use serde_json::{Value, json};

#[test]
fn a_shopper_signs_in_fills_a_cart_orders_and_signs_out() {
    let shop = Shop::open();
    let login = shop.log_in(US_PHONE);
    assert!(login.out.starts_with("Signed in as +•••••••••51 (user 19, market us), until "), "{login:?}");

    let cart = shop.ok(&["cart", "add", "42", "2", "--json"]).json();
    assert_eq!(cart["total_price"], json!({"amount": "39.98", "currency": "USD"}));
    let line = cart["items"][0]["line"].to_string();
    shop.ok(&["cart", "set", &line, "3"]);
    shop.ok(&["cart", "add", "88"]);
    assert!(shop.ok(&["cart"]).out.ends_with("total USD 72.47\n"));
    shop.ok(&["cart", "remove", &line]);
    assert_eq!(shop.ok(&["cart", "show"]).out.lines().count(), 3);

    assert!(shop.ok(&["wishlist", "add", "11"]).out.contains("Cotton T-Shirt"));
    assert_eq!(shop.ok(&["wishlist", "remove", "11"]).out, "The wishlist is empty.\n");

    let place = ["orders", "place", "--name", "Ann", "--phone", US_PHONE, "--address", "1 Main St"];
    let order = shop.ok(&[&place[..], &["--json"]].concat()).json();
    assert_eq!((&order["status"], &order["items"][0]["quantity"]), (&json!("pending"), &json!(1)));
    shop.ok(&[&place[..], &["--item", "42:2", "--item", "88:1"]].concat());
    let orders = shop.ok(&["orders", "list", "--all", "--limit", "1", "--json"]).json();
    assert_eq!(orders.as_array().unwrap().len(), 2);
    let id = order["id"].to_string();
    assert_eq!(shop.ok(&["orders", "cancel", &id]).out, format!("Order {id} is cancelled.\n"));
    assert!(shop.ok(&["orders", "get", &id]).out.contains("cancelled"));
    assert_eq!(shop.ok(&["orders", "list", "--status", "cancelled"]).out.lines().count(), 2);

    assert!(shop.ok(&["profile", "--name", "Ann Example"]).out.contains("Ann Example"));
    assert_eq!(shop.ok(&["status", "--ask-server", "--json"]).json()["state"], "SignedIn");
    assert_eq!(shop.ok(&["logout"]).out, "Signed out.\n");
    let status = shop.run(&["status"]);
    assert_eq!((status.code, status.out.as_str()), (3, "Nobody is signed in.\n"));
    let state = shop.state();
    assert_eq!(state["us"]["users"][0]["is_active"], json!(false));
}

#[test]
fn a_script_signs_in_in_two_steps() {
    let shop = Shop::open();
    assert_eq!(shop.ok(&["login", US_PHONE, "--send-only"]).out, "");
    let code = shop.code(US_PHONE);
    let signed_in = shop.ok(&["login", US_PHONE, "--code", &code, "--json"]).json();
    assert_eq!((&signed_in["state"], &signed_in["user"]["id"]), (&json!("SignedIn"), &json!(19)));
    assert_eq!(shop.ok(&["whoami", "--json"]).json()["user"], signed_in["user"]);
}

#[test]
fn any_other_route_is_reached_with_the_session_or_without() {
    let shop = Shop::open();
    shop.log_in(US_PHONE);
    let answer = shop.ok(&["request", "GET", "/orders", "--query", "limit=1", "--query", "offset=0"]);
    assert_eq!(answer.json(), json!([]));
    shop.ok(&["request", "post", "/cart/items", "--json", r#"{"sku_id":42,"quantity":1}"#]);
    assert!(shop.ok(&["cart"]).out.contains("USD 19.99"));
    let refused = shop.run(&["request", "GET", "/cart", "--no-session"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert_eq!(shop.ok(&["status"]).code, 0);
}

#[test]
fn a_session_that_the_server_ends_is_told_and_erased() {
    let shop = Shop::open();
    shop.log_in(US_PHONE);
    shop.expire_sessions();
    let cart = shop.run(&["cart", "--json"]);
    assert_eq!(cart.code, 3);
    let error: Value = serde_json::from_str(&cart.err).unwrap();
    assert_eq!(error["error"]["code"], "SessionExpired");
    assert_eq!(std::fs::read_dir(shop.folder.path().join("session")).unwrap().count(), 0);

    shop.log_in(US_PHONE);
    shop.expire_sessions();
    let status = shop.run(&["status", "--ask-server"]);
    assert_eq!(status.code, 3);
    let told =
        "The session of +•••••••••51 (user 19, market us) has ended: the server no longer accepts it.\n";
    assert_eq!(status.out, told);
    assert_eq!(std::fs::read_dir(shop.folder.path().join("session")).unwrap().count(), 0);
}

/// Runs what must fail: with this exit code, nothing on standard output, and the error's name on the other.
#[track_caller]
fn fails(ran: &Ran, code: i32, name: &str) {
    assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
    assert!(ran.err.contains(&format!("error: {name}")), "{ran:?}");
}

#[test]
fn exit_codes_tell_the_kinds_of_errors_apart() {
    let shop = Shop::open();
    let without_server = Ran::from(market().arg("cart").output().unwrap());
    fails(&without_server, 2, "usage");
    fails(&shop.run(&["--store", "disk", "cart"]), 2, "");
    fails(&shop.run(&["--server", "ftp://example.com", "cart"]), 2, "Config");
    let mut plain = market();
    plain.args(["--server", &shop.url, "--store", &shop.store(), "cart"]);
    fails(&plain.output().unwrap().into(), 2, "usage");

    fails(&shop.run(&["cart"]), 3, "NotSignedIn");
    fails(&shop.run(&["login", "12345", "--send-only"]), 4, "InvalidInput: phone");
    fails(&shop.run(&["login", US_PHONE, "--code", "000000"]), 4, "WrongCode");
    shop.log_in(US_PHONE);
    for quantity in ["101", "-3", "5000000000"] {
        let said = "InvalidInput: quantity: Enter a quantity from 1 to 100.";
        fails(&shop.run(&["cart", "add", "42", quantity]), 4, said);
    }
    fails(
        &shop.run(&["cart", "set", "1", "-3"]),
        4,
        "InvalidInput: quantity: Enter a quantity from 0 to 100.",
    );
    fails(&shop.run(&["cart", "add", "42", "few"]), 2, "");
    let place = ["orders", "place", "--name", "Ann", "--phone", US_PHONE, "--address", "1 Main St"];
    fails(&shop.run(&place), 7, "Rejected");
    fails(&shop.run(&["orders", "get", "77"]), 7, "NotFound");
    fails(&shop.run(&["request", "GET", "/products"]), 7, "Unsupported");
    for _ in 0..2 {
        shop.ok(&["login", US_PHONE, "--send-only"]);
    }
    let limited = shop.run(&["login", US_PHONE, "--send-only"]);
    fails(&limited, 5, "RateLimited");

    // Takes connections and closes them unanswered.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    fails(&shop.run(&["--server", &nowhere, "markets"]), 5, "Network");

    let exposed = shop.folder.path().join("exposed");
    std::fs::create_dir(&exposed).unwrap();
    std::fs::set_permissions(&exposed, std::fs::Permissions::from_mode(0o755)).unwrap();
    let store = format!("file:{}", exposed.display());
    let refused = shop.run(&["--store", &store, "cart"]);
    fails(&refused, 6, "StoreUnavailable");
    assert!(refused.err.contains("--store"), "{refused:?}");
}

#[test]
fn where_there_is_no_keyring_the_error_says_what_to_choose() {
    let shop = Shop::open();
    let mut command = shop.market(&["--store", "keyring", "cart"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    if cfg!(target_os = "linux") {
        let ran = command.output().unwrap().into();
        fails(&ran, 6, "StoreUnavailable");
        assert!(ran.err.contains("--store file:DIR or --store memory"), "{ran:?}");
    }
}

#[test]
fn two_servers_and_two_apps_share_no_session() {
    let (one, other) = (Shop::open(), Shop::open());
    one.log_in(US_PHONE);
    fails(&one.run(&["--server", &other.url, "cart"]), 3, "NotSignedIn");
    fails(&one.run(&["--app-id", "dev.marketsdk.other", "cart"]), 3, "NotSignedIn");
    one.ok(&["cart"]);
}

#[test]
fn p10_no_token_code_or_phone_number_is_printed_or_logged() {
    let shop = Shop::open();
    // The number is typed in another form than the program uses, so that only a leak prints it in that.
    let typed = "+996 (555) 12-34-56";
    let traced = |arguments: &[&str]| {
        let ran = Ran::from(shop.market(arguments).env("RUST_LOG", "trace").output().unwrap());
        // A log line begins with its time, in which any six digits can turn up.
        let line = |line: &str| line.split_once("Z ").map_or(line, |(_, line)| line).to_owned() + "\n";
        ran.all().lines().map(line).collect::<String>()
    };
    let mut printed = traced(&["login", typed, "--send-only"]);
    let code = shop.code(KG_PHONE);
    printed += &traced(&["login", typed, "--code", "1234567"]);
    printed += &traced(&["login", typed, "--code", &code]);
    let token = shop.stored_token();
    assert_eq!(token.split('.').count(), 3);
    for arguments in [
        &["status", "--ask-server"][..],
        &["whoami", "--json"],
        &["profile"],
        &["profile", "--json"],
        &["cart", "add", "42", "--json"],
        &["cart", "add", "42", "500"],
        &["orders", "place", "--name", "Ann", "--phone", typed, "--address", "1 Main St", "--json"],
        &["orders"],
        &["request", "GET", "/orders/99"],
        &["logout"],
        &["cart"],
    ] {
        printed += &traced(arguments);
    }
    assert!(printed.contains("market.call"), "the log has nothing of the SDK: {printed}");
    let secrets = [token.as_str(), "eyJ", &code, "1234567", "555123456"];
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} is in: {printed}");
    }
}

#[test]
fn p10_a_raw_request_brings_no_token() {
    let shop = Shop::open();
    shop.ok(&["login", US_PHONE, "--send-only"]);
    let body = json!({"phone": US_PHONE, "verification_code": shop.code(US_PHONE)}).to_string();
    let mut request = shop.market(&["request", "POST", "/auth/verify-code", "--no-session", "--json", &body]);
    let ran = Ran::from(request.output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{ran:?}");
}

#[test]
fn completions_are_printed_for_a_shell() {
    let ran = Ran::from(market().args(["completions", "bash"]).output().unwrap());
    assert!(ran.code == 0 && ran.out.contains("dev-server"), "{ran:?}");
}

#[test]
fn help_documents_the_exit_codes() {
    let ran = Ran::from(market().arg("--help").output().unwrap());
    assert!(ran.out.contains("Exit codes:") && ran.out.contains("3  sign in needed"), "{}", ran.out);
}
