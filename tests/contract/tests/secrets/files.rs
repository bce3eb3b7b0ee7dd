//! Where a process leaves something for others to see: files, its arguments and environment, what it says when it
//! panics. The process is this test binary once more.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::Duration;

use market_contract_tests::memory::Needle;
use market_contract_tests::{PHONE, shop};
use market_sdk::FileStore;

use crate::{CODE, server, tells_nothing, token};

const SERVER: &str = "FILES_TEST_SERVER";
const LOGS_OUT: &str = "FILES_TEST_LOGS_OUT";
const PHONE_MASKED: &str = "FILES_TEST_PHONE";
const CODE_MASKED: &str = "FILES_TEST_CODE";

/// A process that signs in, all of whose folders are `home`; it leaves signed in or out.
async fn leaves(server: &str, home: &Path, logs_out: bool) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "files::signs_in_and_panics_if_it_was_started_to", "--nocapture"]);
    for variable in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
    {
        command.env(variable, home);
    }
    command.current_dir(home).env("RUST_BACKTRACE", "full").env(SERVER, server);
    command.env(LOGS_OUT, logs_out.to_string());
    command.env(PHONE_MASKED, Needle::of("phone", PHONE).as_masked());
    command.env(CODE_MASKED, Needle::of("code", CODE).as_masked());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_the_stores_own_file_alone_has_token_and_phone_and_none_after_a_logout() {
    let (token, home) = (token(), tempfile::tempdir().unwrap());
    let server = server(token.clone()).await;
    for logs_out in [false, true] {
        let out = leaves(&server.base_url, home.path(), logs_out).await;
        let said =
            [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(out.status.success() && said.contains("the listener panics on purpose"), "{said}");
        tells_nothing("what it says, panics included,", &said, &token);
        let mut holds = Vec::new();
        for file in files(home.path()) {
            tells_nothing("a file's name", &file.display().to_string(), &token);
            let content = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            assert!(!content.contains(CODE), "{}", file.display());
            if content.contains(&token) || content.contains(&PHONE[1..]) {
                let mode = std::fs::metadata(&file).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", file.display());
                holds.push(file);
            }
        }
        assert_eq!(holds.len(), usize::from(!logs_out), "{holds:?}");
        assert!(
            holds.iter().all(|file| file.extension().is_some_and(|ending| ending == "secret")),
            "{holds:?}"
        );
    }
}

#[test]
fn signs_in_and_panics_if_it_was_started_to() {
    let Ok(server) = std::env::var(SERVER) else { return };
    // Listeners have threads of their own: the process does not end before its panic is said.
    let (panicked, has_panicked) = channel();
    let says = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        says(info);
        panicked.send(()).unwrap_or_default();
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = FileStore::new(std::env::current_dir().unwrap().join("store"));
    let market = shop::client(&server).store(store).build().unwrap();
    let masked = |name| Needle::from_masked(name, &std::env::var(name).unwrap()).text();
    runtime.block_on(async {
        let session = market.session();
        session.request_code(&masked(PHONE_MASKED)).await.unwrap();
        let sign_in = session.verify_code(&masked(PHONE_MASKED), &masked(CODE_MASKED)).await.unwrap();
        let shows = session.clone();
        session.on_end(move |end| {
            panic!("the listener panics on purpose: {end:?} {sign_in:?} {:?}", shows.state());
        });
        // Seen by every user of the machine, as long as it runs.
        for file in ["/proc/self/cmdline", "/proc/self/environ"] {
            let bytes = std::fs::read(file).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for secret in [masked(PHONE_MASKED), masked(CODE_MASKED)] {
                assert!(!text.contains(secret.trim_start_matches('+')), "{file}");
            }
            assert!(!text.contains("eyJ"), "{file}");
        }
        assert!(
            std::env::vars()
                .all(|(_, value)| !value.contains("eyJ") && !value.contains(&*masked(CODE_MASKED)))
        );
        if std::env::var(LOGS_OUT).unwrap() == "true" {
            session.logout().await.unwrap();
        } else {
            // Another client of another entry ends, so that there is a panic to be looked at.
            let other =
                shop::client(&server).app_id("contract.other").store(market_sdk::MemoryStore::default());
            let other = other.build().unwrap();
            other.session().on_end(|end| panic!("the listener panics on purpose: {end:?}"));
            other.session().verify_code(&masked(PHONE_MASKED), &masked(CODE_MASKED)).await.unwrap();
            other.session().logout().await.unwrap();
            drop(other);
        }
        has_panicked.recv_timeout(Duration::from_secs(30)).unwrap();
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
}
