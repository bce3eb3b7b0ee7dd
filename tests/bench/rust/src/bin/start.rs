//! Starts programs, and says how long each took from there to its first line. It is a program of its own so that it can
//! run where they do: what sets up that place is not measured.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring program: what goes wrong ends it"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split('\t').collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped());
        let began = Instant::now();
        let mut program = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let took = began.elapsed().as_nanos();
        program.wait().unwrap();
        assert_eq!(said, "ok\n");
        println!("{took}");
        std::io::stdout().flush().unwrap();
    }
}
