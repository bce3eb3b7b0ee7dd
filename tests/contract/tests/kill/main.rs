//! What is stored survives a process that dies at any moment: real processes, the real file store, real sockets.
//!
//! `victim` is the process that dies: it acts out a script and asks for leave before and after each operation of
//! its store. Here it is killed at each of these points in turn, and a new client on the same folder has to
//! explain what it finds.

// SIGKILL and the file store are there on Unix alone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "in a test a missing part is a failure")]

mod orders;
mod victim;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use market_contract_tests::PHONE as ANN;
use market_contract_tests::shop::client;
use market_dev_server::DevServer;
use market_sdk::{ErrorCode, FileStore, MarketClient, SecureStore, SessionState, SignedOutReason, StoreRead};
use tempfile::TempDir;
use victim::{Death, Victim};

const BOB: &str = "+13128059852";
/// Who signs in after all of it.
const EVE: &str = "+13128059853";

/// All that changes what is stored: over nothing, over another user, over an expired session; each way to end
/// one; and a second client in the process that was killed.
const SCRIPT: &[&str] = &[
    "restore",
    "sign-in +13128059851",
    "call",
    "sign-in +13128059852",
    "logout",
    "sign-in +13128059851",
    "expire",
    "sign-in +13128059851",
    "reopen",
    "call",
    "clear",
    "sign-in +13128059852",
];

/// Over a record that nobody can read.
const OVER_DAMAGE: &[&str] = &["sign-in +13128059851", "logout"];

#[derive(Clone, Debug, PartialEq)]
enum Stored {
    Nothing,
    Damaged,
    /// The session of the user with this phone.
    Of(String),
}

/// What is known at the moment of the kill, from what the victim had leave for.
#[derive(Clone, Debug)]
struct Known {
    /// Where it was killed, for people.
    at: String,
    stored: Stored,
    /// Whether the server accepts the stored session's token; none if that cannot be known.
    accepted: Option<bool>,
    /// A logout or clear has returned Ok, and nothing was written since.
    logged_out: bool,
}

/// Runs the script and kills the process at the point of this number, counted from nought. None: it came to its
/// end before.
fn killed_at(point: usize, script: &[&str], home: &Home, dev: &DevServer, before: Stored) -> Option<Known> {
    let mut known = Known { at: String::new(), stored: before, accepted: Some(true), logged_out: false };
    let mut victim = Victim::start(script, &home.folder(), &dev.base_url(), Death::Kill);
    let (mut passed, mut step) = (0, String::new());
    while let Some(said) = victim.says() {
        let words: Vec<&str> = said.split(' ').collect();
        let answer = match words[..] {
            // No points to be killed at: they may come while the store's thread is at one.
            ["code", phone] => {
                // Two tokens of one user and one second are the same text: the server may accept it again.
                known.accepted = known.accepted.filter(|accepted| *accepted);
                dev.code(phone).unwrap().unwrap()
            }
            ["expire"] => {
                dev.expire_sessions().unwrap();
                known.accepted = Some(false);
                String::new()
            }
            ["now", ref now @ ..] => {
                step = now.join(" ");
                if step == "logout" {
                    known.accepted = None; // It may have been told before the kill.
                }
                String::new()
            }
            _ => {
                match (said.as_str(), step.strip_prefix("sign-in ")) {
                    ("after write ok", Some(phone)) => {
                        known.stored = Stored::Of(phone.to_owned());
                        (known.accepted, known.logged_out) = (Some(true), false);
                    }
                    ("after delete ok", _) => known.stored = Stored::Nothing,
                    ("done", _) => known.logged_out = matches!(step.as_str(), "logout" | "clear"),
                    ("before read" | "after read ok" | "before write" | "before delete", _) => {}
                    _ => panic!("{step}: {said}"),
                }
                if passed == point {
                    known.at = format!("point {point}, {step}: {said}");
                    victim.kill();
                    return Some(known);
                }
                passed += 1;
                String::new()
            }
        };
        victim.may_go_on(&answer);
    }
    None
}

/// The next start after a death.
async fn explains_itself(known: &Known, home: &Home, dev: &DevServer) {
    let at = &known.at;
    let market = home.client(dev);
    let session = market.session();
    let state = session.restore().await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
    match (&state, &known.stored) {
        (SessionState::SignedIn { user, persisted: true, .. }, Stored::Of(phone)) => {
            assert_eq!(user.phone.as_str(), phone, "{at}");
            assert!(!known.logged_out, "{at}: a logout had returned, and the session is back");
        }
        (SessionState::SignedOut { reason: SignedOutReason::NoSession, .. }, Stored::Nothing) => {}
        // It was damaged before, not by the kill.
        (SessionState::SignedOut { reason: SignedOutReason::Corrupt, .. }, Stored::Damaged) => {}
        _ => panic!("{at}: {state:?}, and stored should be {:?}", known.stored),
    }
    let call = market.cart().get().await;
    match (call.map(drop).map_err(|error| error.code()), state.is_signed_in()) {
        (Ok(()), true) => {
            assert_ne!(known.accepted, Some(false), "{at}");
            assert!(session.state().is_signed_in(), "{at}");
        }
        (Err(ErrorCode::SessionExpired), true) => {
            assert_ne!(known.accepted, Some(true), "{at}: the session was good");
            assert!(matches!(session.state(), SessionState::Expired { .. }), "{at}");
        }
        (Err(ErrorCode::NotSignedIn), false) => {}
        (result, _) => panic!("{at}: {result:?} in {state:?}"),
    }
    // The next write leaves one whole file, and nothing of a writer that died.
    session.request_code(EVE).await.unwrap();
    let sign_in = session.verify_code(EVE, &dev.code(EVE).unwrap().unwrap()).await.unwrap();
    assert!(sign_in.persisted, "{at}");
    home.assert_files(1, at);
    drop((session, market));
    let market = home.client(dev);
    assert_eq!(market.session().restore().await.unwrap().user().unwrap().phone.as_str(), EVE, "{at}");
    market.session().logout().await.unwrap();
    home.assert_files(0, at);
}

/// The folder of a store, which outlives all processes.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn client(&self, dev: &DevServer) -> MarketClient {
        client(&dev.base_url()).store(FileStore::new(self.folder())).build().unwrap()
    }

    /// Ann has signed in, in a process that ended as it should.
    fn of_ann(dev: &DevServer) -> Self {
        let home = Self::new();
        let whole = killed_at(usize::MAX, &["sign-in +13128059851"], &home, dev, Stored::Nothing);
        assert!(whole.is_none());
        home.assert_files(1, "after a process that was not killed");
        home
    }

    fn files(&self) -> Vec<PathBuf> {
        let Ok(folder) = std::fs::read_dir(self.folder()) else { return Vec::new() };
        let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    /// So many values, each whole and for its owner alone, and nothing else.
    fn assert_files(&self, count: usize, at: &str) {
        let files = self.files();
        assert_eq!(files.len(), count, "{at}: {files:?}");
        for file in files {
            assert_eq!(file.extension().unwrap(), "secret", "{at}: {file:?}");
            assert_eq!(mode(&file), 0o600, "{at}: {file:?}");
        }
        if self.folder().exists() {
            assert_eq!(mode(&self.folder()), 0o700, "{at}");
        }
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

async fn dev() -> DevServer {
    DevServer::builder().rate_limits(false).start().await.unwrap()
}

/// Two threads, since the test's own blocks while its victim runs, and the server must not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_p7_p8_whatever_moment_a_process_is_killed_at_the_next_one_knows_who_is_signed_in() {
    let dev = dev().await;
    let mut points = 0;
    for (script, damaged) in [(SCRIPT, false), (OVER_DAMAGE, true)] {
        for point in 0.. {
            let (home, before) = if damaged {
                let home = Home::of_ann(&dev);
                std::fs::write(&home.files()[0], b"{\"version\":1,\"session\":").unwrap();
                (home, Stored::Damaged)
            } else {
                (Home::new(), Stored::Nothing)
            };
            let Some(known) = killed_at(point, script, &home, &dev, before) else { break };
            points += 1;
            home.assert_files(usize::from(known.stored != Stored::Nothing), &known.at);
            explains_itself(&known, &home, &dev).await;
        }
    }
    println!("figure: kill -9 at {points} points");
    // Two for each operation: a write reads first, and so does an erase.
    let operations = (2 + 5 * 2 + 3 * 2) + (1 + 2 * 2 + 2);
    assert!(points >= 2 * operations, "{points} points: less than there are operations");
}

/// Between its operations a process leaves a store whole by itself; here it dies inside one. The kernel ends it at
/// the first byte that it writes to a file, which is when the new value has a file and no content.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_p8_a_process_that_dies_inside_a_write_leaves_the_value_of_before() {
    let dev = dev().await;
    for (home, stored, files) in
        [(Home::new(), Stored::Nothing, 1), (Home::of_ann(&dev), Stored::Of(ANN.to_owned()), 2)]
    {
        let script = [format!("sign-in {BOB}")];
        let mut victim = Victim::start(&script, &home.folder(), &dev.base_url(), Death::InsideWrite);
        let mut last = String::new();
        while let Some(said) = victim.says() {
            let code = said.strip_prefix("code ").map(|phone| dev.code(phone).unwrap().unwrap());
            victim.may_go_on(&code.unwrap_or_default());
            last = said;
        }
        assert_eq!(last, "before write", "it died inside");
        assert_eq!(home.files().len(), files, "what it began is there: {:?}", home.files());
        assert!(home.files().iter().all(|file| mode(file) == 0o600), "{:?}", home.files());
        let known =
            Known { at: "inside a write".to_owned(), stored, accepted: Some(true), logged_out: false };
        explains_itself(&known, &home, &dev).await;
    }
}

/// Two processes share a folder, and nothing keeps a reader out while a file is replaced.
#[test]
fn p8_a_read_beside_a_write_finds_the_value_of_before_or_after_and_no_half_of_either() {
    let home = Home::new();
    let (short, long) = (vec![b's'; 100], vec![b'l'; 10_000]);
    let (reader, writer) = (FileStore::new(home.folder()), FileStore::new(home.folder()));
    writer.write("key", &short).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                writer.write("key", &long).unwrap();
                writer.write("key", &short).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let read = reader.read("key");
            let StoreRead::Found(value) = read else {
                panic!("there is a value at any time, and this was read: {read:?}")
            };
            assert!(*value == short || *value == long, "{} bytes", value.len());
        }
    });
}
