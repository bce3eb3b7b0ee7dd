//! How the sides are talked to: a line says what to do, a line says how long it took. The programs in other languages
//! speak the same.
//!
//! | line | what is done | answer |
//! |---|---|---|
//! | `sign-in` | signs in, and keeps the session in the folder | `ok` |
//! | `open` | takes up the session that is kept there | `ok` |
//! | `carts N` | N cart reads, one after the other | nanoseconds |
//! | `carts-at-once N`, `wishlists-at-once N` | N reads begun at once | nanoseconds |
//! | `settle` | lets go of garbage, where there is any | `ok` |
//! | `end` | ends | |
//! | `states N M` | N changes of the session's state, seen by M observers; the SDK alone | nanoseconds |
//!
//! A program is started with the server's address, how many lines its cart has, and the folder. With `start` behind
//! them it takes up the session, reads one cart, says `ok` and ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "measuring programs: what goes wrong ends them"
)]

use std::future::Future;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use futures_util::future::join_all;

/// The phone number that signs in, and the code that the server takes.
pub const PHONE: &str = "+13128059851";
/// See [`PHONE`].
pub const CODE: &str = "123456";
/// How many pieces each line of the server's cart holds.
pub const PIECES: i64 = 2;

/// What a program is started with.
pub struct Given {
    /// The server.
    pub base_url: String,
    /// How many lines its cart has.
    pub lines: usize,
    /// Where the session is kept.
    pub folder: PathBuf,
}

impl Given {
    /// The authority that vouches for the server, in PEM, where it speaks TLS.
    pub fn authority(&self) -> Option<Vec<u8>> {
        self.base_url.starts_with("https:").then(|| std::fs::read(self.folder.join(AUTHORITY)).unwrap())
    }
}

/// The server leaves it in the folder that it is started with, which is the sides' own.
pub const AUTHORITY: &str = "authority.pem";

/// One side of a comparison.
pub trait Side: Sized {
    /// A client that has nobody signed in.
    fn new(given: &Given) -> Self;
    /// Signs in, and keeps the session.
    fn sign_in(&mut self) -> impl Future<Output = ()>;
    /// Takes up the session that was kept.
    fn open(&mut self) -> impl Future<Output = ()>;
    /// Reads the cart: how many lines it has, and how many pieces.
    fn cart(&self) -> impl Future<Output = (usize, i64)>;
    /// Reads the wishlist: how many entries it has.
    fn wishlist(&self) -> impl Future<Output = usize>;
    /// Changes the session's state so often, before so many observers.
    fn states(&mut self, changes: usize, observers: usize) -> impl Future<Output = ()>;
}

/// Does what the lines say, to the end of the input.
pub fn run<S: Side>() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base_url, lines, folder, rest @ ..] = arguments.as_slice() else {
        panic!("BASE_URL LINES FOLDER [start]")
    };
    let given =
        Given { base_url: base_url.clone(), lines: lines.parse().unwrap(), folder: PathBuf::from(folder) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut side = S::new(&given);
        if rest == ["start"] {
            side.open().await;
            cart(&side, &given).await;
            println!("ok");
            return;
        }
        for line in std::io::stdin().lock().lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words[at].parse::<usize>().unwrap();
            let began = Instant::now();
            match words[0] {
                "sign-in" => side.sign_in().await,
                "open" => side.open().await,
                "end" => return,
                "settle" => {}
                "carts" => {
                    for _ in 0..number(1) {
                        cart(&side, &given).await;
                    }
                }
                "carts-at-once" => {
                    join_all((0..number(1)).map(|_| cart(&side, &given))).await;
                }
                "wishlists-at-once" => {
                    join_all((0..number(1)).map(|_| async { assert_eq!(side.wishlist().await, 3) })).await;
                }
                "states" => side.states(number(1), number(2)).await,
                other => panic!("{other}?"),
            }
            let took = began.elapsed().as_nanos();
            let answer = if words.len() == 1 { "ok".to_owned() } else { took.to_string() };
            println!("{answer}");
            std::io::stdout().flush().unwrap();
        }
    });
}

async fn cart(side: &impl Side, given: &Given) {
    assert_eq!(side.cart().await, (given.lines, given.lines as i64 * PIECES));
}
