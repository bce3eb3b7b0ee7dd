//! The fault matrix: every fault of the dev server under every call of the SDK, with a token that is good, refused
//! or not there, over real sockets. What is expected is one table (`table.rs`), and what the server saw is taken
//! from its log.
//!
//! `cargo xtask faults` prints it as a report.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]
#![allow(clippy::print_stdout, reason = "the report is what `cargo xtask faults` is for")]

mod calls;
mod cell;
mod faults;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use calls::{Call, Class};
use cell::{Got, Lab, Token, expected};
use faults::{KINDS, Place, Played, kind};
use table::Row;
use tokio::task::JoinSet;

/// How many cells are tried out at a time. Most of them wait: for a deadline, or to try again.
const LABS: usize = 24;

/// What the matrix is made of.
struct Matrix {
    played: Vec<Played>,
    rows: Vec<Row>,
    calls: Vec<Call>,
    /// Fault, call, token: by number, in the table's order.
    cells: Vec<(usize, usize, Token)>,
}

impl Matrix {
    fn new() -> Self {
        let (played, rows, calls) = (faults::all(), table::rows(), calls::all());
        let mut cells = Vec::new();
        for row in 0..rows.len() {
            for call in 0..calls.len() {
                cells.extend(Token::ALL.map(|token| (row, call, token)));
            }
        }
        Self { played, rows, calls, cells }
    }

    /// Tries all cells out, and gives what came of them in their order.
    async fn run(self: &Arc<Self>) -> Vec<Got> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut labs = JoinSet::new();
        for _ in 0..LABS {
            let (matrix, next) = (self.clone(), next.clone());
            labs.spawn(async move {
                let lab = Lab::open().await;
                let mut all = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((row, call, token)) = matrix.cells.get(number).copied() else { return all };
                    let (row, call) = (&matrix.rows[row], &matrix.calls[call]);
                    let played = matrix.played.iter().find(|played| played.name == row.fault).unwrap();
                    all.push((number, lab.run(played, row, call, token).await));
                }
            });
        }
        let mut all: Vec<_> = labs.join_all().await.into_iter().flatten().collect();
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, got)| got).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_under_every_call_with_every_kind_of_token_comes_to_what_the_table_says() {
    let matrix = Arc::new(Matrix::new());
    let all = matrix.run().await;
    let mut differ = Vec::new();
    for ((row, call, token), got) in matrix.cells.iter().zip(&all) {
        let (row, call) = (&matrix.rows[*row], &matrix.calls[*call]);
        let expected = expected(row, call, *token);
        if *got != expected {
            differ.push(format!(
                "{}, {}, token {token:?}:\n  expected {expected:?}\n  got      {got:?}",
                row.fault, call.name
            ));
        }
    }
    report(&matrix, &all);
    for difference in &differ {
        println!("{difference}");
    }
    let count = all.len();
    println!(
        "figure: fault matrix: {count} cells, {} as expected, {} differ",
        count - differ.len(),
        differ.len()
    );
    assert!(differ.is_empty(), "{} of {count} cells differ", differ.len());
}

/// A line for each fault: what the calls of each class came to with a good token, in how many requests, and what
/// those came to whose token the server refuses.
fn report(matrix: &Matrix, all: &[Got]) {
    let heads = Class::ALL.map(|class| format!("{class:?}"));
    let mut lines =
        vec![["fault".to_owned()].into_iter().chain(heads).chain(["token refused".to_owned()]).collect()];
    for (number, row) in matrix.rows.iter().enumerate() {
        let came_to = |wanted: &dyn Fn(Class, Token) -> bool, requests: bool| {
            let cells = matrix.cells.iter().zip(all).filter(|((row, call, token), _)| {
                *row == number && wanted(matrix.calls[*call].class, *token)
            });
            let name = |got: &Got| got.code.map_or("Ok".to_owned(), |code| format!("{code:?}"));
            let shown: BTreeSet<_> = cells
                .map(|(_, got)| if requests { format!("{} {}", name(got), got.requests) } else { name(got) })
                .collect();
            shown.into_iter().collect::<Vec<_>>().join(", ")
        };
        let mut line = vec![row.fault.to_owned()];
        line.extend(Class::ALL.map(|class| came_to(&|of, token| of == class && token == Token::Fresh, true)));
        line.push(came_to(&|class, token| class.needs_session() && token == Token::Expired, false));
        lines.push(line);
    }
    let width = |column: usize| lines.iter().map(|line: &Vec<String>| line[column].len()).max().unwrap_or(0);
    let widths: Vec<_> = (0..lines[0].len()).map(width).collect();
    for line in &lines {
        let columns: Vec<_> =
            line.iter().zip(&widths).map(|(text, width)| format!("{text:width$}")).collect();
        println!("{}", columns.join("  ").trim_end());
    }
}

#[test]
fn the_table_has_one_row_for_each_fault_that_is_played_and_exceptions_only_to_what_there_is() {
    let rows: Vec<_> = table::rows().iter().map(|row| row.fault).collect();
    let played: Vec<_> = faults::all().iter().map(|played| played.name).collect();
    assert_eq!(rows, played);
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len(), "a row is there twice");
    let calls = calls::all();
    for (fault, call) in table::excepted() {
        assert!(rows.contains(&fault) && calls.iter().any(|known| known.name == call), "{fault}, {call}");
    }
}

#[test]
fn every_kind_of_fault_that_the_dev_server_has_is_played() {
    let text = String::new;
    let place = Place { host: "127.0.0.1:1".to_owned(), elsewhere: text(), target: text() };
    let played: BTreeSet<_> = faults::all().iter().map(|played| kind(&(played.fault)(&place))).collect();
    assert_eq!(played, BTreeSet::from(KINDS));
}
