//! The process that dies: this test binary once more, told by its environment to be one.
//!
//! It says what it does on standard error, a line each, and goes on when it reads an answer on standard input.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use market_contract_tests::shop::client;
use market_sdk::{ErrorCode, FileStore, MarketClient, NewOrder, SecureStore, SkuId, StoreError, StoreRead};

const SCRIPT: &str = "KILL_TEST_SCRIPT";
const FOLDER: &str = "KILL_TEST_FOLDER";
const SERVER: &str = "KILL_TEST_SERVER";
/// Tells what a victim says from what its test harness does.
const MARK: &str = "victim: ";

/// How the process is to die.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Death {
    /// By [`Victim::kill`].
    Kill,
    /// By itself, at the first byte that it writes to a file.
    InsideWrite,
}

/// The process, as the test sees it. It ends when dropped.
pub(crate) struct Victim {
    process: Child,
    said: BufReader<ChildStderr>,
    death: Death,
}

impl Victim {
    pub(crate) fn start(script: &[impl AsRef<str>], folder: &Path, server: &str, death: Death) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = match death {
            Death::Kill => Command::new(this),
            Death::InsideWrite => {
                let mut limited = Command::new("/bin/sh");
                limited.args(["-c", "ulimit -f 0 && exec \"$0\" \"$@\""]).arg(this);
                limited
            }
        };
        let script: Vec<&str> = script.iter().map(AsRef::as_ref).collect();
        let mut process = command
            .args(["--exact", "victim::plays_its_script_if_it_was_started_to", "--nocapture"])
            .env(SCRIPT, script.join("\n"))
            .env(FOLDER, folder)
            .env(SERVER, server)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        Self { process, said, death }
    }

    /// What it says next, and waits for an answer to. None: it came to its end, the one that it was meant to.
    pub(crate) fn says(&mut self) -> Option<String> {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        if let Some(said) = line.trim_end().strip_prefix(MARK) {
            return Some(said.to_owned());
        }
        self.said.read_to_string(&mut line).unwrap();
        let status = self.process.wait().unwrap();
        let as_meant = match self.death {
            Death::Kill => status.success(),
            Death::InsideWrite => status.signal().is_some(),
        };
        assert!(as_meant && line.is_empty(), "{status}: {line}");
        None
    }

    pub(crate) fn may_go_on(&mut self, answer: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{answer}").unwrap();
    }

    /// SIGKILL, while it waits for an answer.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It fails only for a process that has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

// From here on: inside the process.

/// Says something and waits for the answer. One thread at a time: the store's own waits for the other.
fn say(what: &str) -> String {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // In one piece, so that nothing can come between.
    std::io::stderr().write_all(format!("{MARK}{what}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer).unwrap() == 0 {
        std::process::exit(0); // The test is gone.
    }
    answer.trim_end().to_owned()
}

/// A file store that asks for leave before and after each operation.
struct Watched(FileStore);

impl Watched {
    fn watch<T>(&self, operation: &str, works: impl Fn(&T) -> bool, run: impl FnOnce(&FileStore) -> T) -> T {
        say(&format!("before {operation}"));
        let result = run(&self.0);
        say(&format!("after {operation} {}", if works(&result) { "ok" } else { "failed" }));
        result
    }
}

impl SecureStore for Watched {
    fn place(&self) -> String {
        self.0.place()
    }

    fn read(&self, key: &str) -> StoreRead {
        let works = |read: &StoreRead| matches!(read, StoreRead::Found(_) | StoreRead::Missing);
        self.watch("read", works, |store| store.read(key))
    }

    fn write(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.watch("write", Result::is_ok, |store| store.write(key, value))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.watch("delete", Result::is_ok, |store| store.delete(key))
    }
}

/// The same each time, so that only when it was placed tells one from another.
pub(crate) fn order(phone: &str) -> NewOrder {
    NewOrder::of_items("Ann", phone, "1 Main St", [(SkuId(42), 1)])
}

fn open() -> MarketClient {
    let folder = std::env::var_os(FOLDER).unwrap();
    client(&std::env::var(SERVER).unwrap())
        .store(Watched(FileStore::new(folder)))
        // The test takes its time over each answer; only a broken one takes this long.
        .store_timeout(Duration::from_secs(120))
        .timeout(Duration::from_secs(240))
        .build()
        .unwrap()
}

#[tokio::test]
async fn plays_its_script_if_it_was_started_to() {
    let Ok(script) = std::env::var(SCRIPT) else { return };
    let mut market = open();
    for step in script.lines() {
        say(&format!("now {step}"));
        let session = market.session();
        match step.split_once(' ').unwrap_or((step, "")) {
            ("restore", _) => drop(session.restore().await.unwrap()),
            ("sign-in", phone) => {
                session.request_code(phone).await.unwrap();
                let code = say(&format!("code {phone}"));
                assert!(session.verify_code(phone, &code).await.unwrap().persisted);
            }
            ("call", _) => drop(market.cart().get().await.unwrap()),
            ("expire", _) => {
                say("expire");
                let ended = market.cart().get().await.map(drop);
                assert_eq!(ended.unwrap_err().code(), ErrorCode::SessionExpired);
                continue; // Its erase is under way: no other point may come beside it.
            }
            ("logout", _) => session.logout().await.unwrap(),
            ("clear", _) => session.clear().await.unwrap(),
            ("place", phone) => {
                drop(market.orders().place(order(phone)).await.unwrap());
            }
            ("reopen", _) => {
                drop((session, market));
                market = open();
                assert!(market.session().restore().await.unwrap().is_signed_in());
            }
            (other, _) => panic!("no such step: {other}"),
        }
        say("done");
    }
}
