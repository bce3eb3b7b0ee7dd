//! `market demo`, as a newcomer runs it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::net::TcpStream;
use std::process::Stdio;

use common::{Ran, market};

/// The server's address, from the first line that the demo prints.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("{line}"));
    rest.split('/').next().unwrap().to_owned()
}

#[test]
fn the_four_scenarios_hold_and_the_server_ends_with_them() {
    let ran = Ran::from(market().arg("demo").output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.ends_with("\n4 scenarios held\n"), "{}", ran.out);
    for number in ["1.", "2.", "3.", "4."] {
        assert_eq!(ran.out.lines().filter(|line| line.starts_with(number)).count(), 1, "{}", ran.out);
    }
    assert!(!ran.out.contains('✗') && !ran.out.contains("eyJ") && !ran.out.contains('\x1b'), "{}", ran.out);
    let refused = TcpStream::connect(address(ran.out.lines().next().unwrap())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn the_four_scenarios_hold_on_both_deployed_generations() {
    for (dialect, order) in [("g1", "no way to place an order"), ("g2", "the order is placed")] {
        let ran = Ran::from(market().args(["demo", "--dialect", dialect]).output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        assert!(ran.out.contains(order) && ran.out.ends_with("\n4 scenarios held\n"), "{}", ran.out);
    }
}

#[test]
fn a_tap_at_an_expiry_goes_through_on_every_generation() {
    for (dialect, order) in [
        ("documented", "the order is placed"),
        ("g1", "no way to place an order"),
        ("g2", "the order is placed"),
    ] {
        let ran = Ran::from(market().args(["demo", "--resume", "--dialect", dialect]).output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{dialect}: {ran:?}");
        assert!(ran.out.contains(order) && ran.out.ends_with("\n2 scenarios held\n"), "{}", ran.out);
    }
}

#[test]
fn an_order_whose_answer_is_lost_is_found() {
    for dialect in ["documented", "g2"] {
        let ran = Ran::from(market().args(["demo", "--lost-answer", "--dialect", dialect]).output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        assert!(ran.out.ends_with("\nthe scenario held\n"), "{}", ran.out);
    }
    let ran = Ran::from(market().args(["demo", "--lost-answer", "--dialect", "g1"]).output().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn the_server_of_a_demo_that_is_killed_ends_too() {
    let mut demo = market().arg("demo").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(demo.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    demo.kill().unwrap();
    demo.wait().unwrap();
    // A connection lasts until the server ends, or until it lets an idle one go: some seconds, three times.
    let ended = (0..3).any(|_| match TcpStream::connect(address(&line)) {
        Ok(mut stream) => {
            let _ = stream.read(&mut [0]);
            false
        }
        Err(error) => error.kind() == ErrorKind::ConnectionRefused,
    });
    assert!(ended);
}

#[test]
fn a_demo_whose_output_nobody_reads_fails_and_leaves_no_server() {
    let mut demo = market().arg("demo").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(demo.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    drop(output);
    let ran = Ran::from(demo.wait_with_output().unwrap());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(TcpStream::connect(address(&line)).is_err());
}
