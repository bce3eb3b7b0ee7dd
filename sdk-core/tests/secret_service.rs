//! The keyring store against a real Secret Service: Debian's gnome-keyring, on a bus of the test's own.
//!
//! Where the bus is, is in the environment, and that belongs to the whole process. So each test starts its own
//! program once more, with an environment and a home folder made for it, and its body runs there.
#![cfg(all(target_os = "linux", feature = "secret-service"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use market_sdk::{KeyringStore, SecureStore, StoreError, StoreRead};

const INSIDE: &str = "MARKET_TEST_INSIDE";
const SECOND: &str = "MARKET_TEST_SECOND";
/// Only what is broken takes this long.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the inner process has for `DBUS_SESSION_BUS_ADDRESS`; `XDG_RUNTIME_DIR` is always its own.
enum Address {
    Given,
    Unset,
}

/// Runs `body`, the closure of the test that calls this, in a process of its own.
fn in_session<F: Fn()>(address: Address, body: F) {
    let name = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let name = name.rsplit("::").next().unwrap();
    if std::env::var_os(INSIDE).is_some() {
        body();
        return File::create(home().join("done")).map(drop).unwrap();
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::DirBuilder::new().create(home.path().join("run")).unwrap();
    let log = File::create(home.path().join("log")).unwrap();
    let mut inner = Command::new(std::env::current_exe().unwrap());
    inner.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(INSIDE, name);
    inner.env("HOME", home.path()).env("XDG_DATA_HOME", home.path().join("data"));
    inner.env("XDG_RUNTIME_DIR", home.path().join("run"));
    // Nobody is to be asked for a password on the developer's own screen.
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL", "DBUS_SESSION_BUS_ADDRESS"] {
        inner.env_remove(variable);
    }
    if let Address::Given = address {
        inner.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/run/bus", home.path().display()));
    }
    // A group of its own, so that what a failed body leaves running can be ended, and nothing else.
    inner.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
    let mut inner = inner.spawn().unwrap();
    let ended = until(|| inner.try_wait().unwrap());
    if !(ended.is_some_and(|status| status.success()) && home.path().join("done").exists()) {
        send("KILL", &format!("-{}", inner.id()));
        let _ = inner.wait();
        // Indented, so that nobody takes the inner program's summary for one of this one.
        for line in BufReader::new(File::open(home.path().join("log")).unwrap()).lines() {
            eprintln!("    {}", line.unwrap());
        }
        panic!("the test failed in its own process, or did not end: see above");
    }
}

/// Asks again and again, for a process that comes up or ends in its own time.
fn until<T>(mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = answer();
        if answer.is_some() || start.elapsed() > DEADLINE {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Signals a process or, with a minus, a group. The shell's own `kill`, since not every machine has another.
fn send(signal: &str, to: &str) {
    let command = format!("kill -s {signal} -- {to} 2>/dev/null");
    let _ = Command::new("sh").args(["-c", &command]).status();
}

fn home() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap())
}

/// A process that ends with its owner.
struct Process(Child);

impl Process {
    fn start(program: &str, arguments: &[&OsStr], stdin: Stdio, stdout: Stdio) -> Self {
        let child = Command::new(program).args(arguments).stdin(stdin).stdout(stdout).spawn();
        Self(child.unwrap_or_else(|error| {
            panic!(
                "{program} did not start ({error}). This test needs Debian's packages gnome-keyring and \
                 dbus-daemon; `cargo xtask test` installs them when it runs as root."
            )
        }))
    }

    fn signal(&self, signal: &str) {
        send(signal, &self.0.id().to_string());
    }

    fn stop(self) {}
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A session bus that starts no service by itself: neither a second keyring nor a window to prompt in.
fn bus() -> Process {
    let run = home().join("run");
    let _ = std::fs::remove_file(run.join("bus"));
    let configuration = home().join("bus.conf");
    let text = format!(
        "<busconfig><type>session</type><listen>unix:path={}/bus</listen><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
         </policy></busconfig>",
        run.display()
    );
    std::fs::write(&configuration, text).unwrap();
    let arguments = ["--nofork", "--print-address=1", "--config-file"].map(OsStr::new);
    let arguments = [&arguments[..], &[configuration.as_os_str()]].concat();
    let mut bus = Process::start("dbus-daemon", &arguments, Stdio::null(), Stdio::piped());
    // It says its address once it listens there.
    let mut address = String::new();
    BufReader::new(bus.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("unix:path="), "{address:?}");
    bus
}

/// The daemon, with its keyring unlocked by `password`: made if there is none, left locked if it is wrong.
fn keyring(password: Option<&str>) -> Process {
    keyring_with(password, &[])
}

fn keyring_with(password: Option<&str>, more: &[&str]) -> Process {
    let mut arguments = vec!["--foreground", "--components=secrets"];
    arguments.extend(password.map(|_| "--unlock"));
    arguments.extend(more);
    let arguments: Vec<_> = arguments.into_iter().map(OsStr::new).collect();
    let mut daemon = Process::start("gnome-keyring-daemon", &arguments, Stdio::piped(), Stdio::null());
    // To the end of the input: a new line would be a part of the password.
    daemon.0.stdin.take().unwrap().write_all(password.unwrap_or_default().as_bytes()).unwrap();
    let probe = store();
    until(|| (probe.read("probe") == StoreRead::Missing).then_some(())).expect("the daemon did not come up");
    daemon
}

fn store() -> KeyringStore {
    KeyringStore::new("example.market.test")
}

fn found(value: &[u8]) -> StoreRead {
    StoreRead::Found(value.to_vec().into())
}

fn is_unavailable(store: &KeyringStore, text: &str) {
    let StoreRead::Unavailable(why) = store.read("key") else { panic!("{:?}", store.read("key")) };
    assert!(why.contains(text), "{why}");
    assert!(
        matches!(store.write("key", b"a secret"), Err(StoreError::Unavailable(why)) if why.contains(text))
    );
    assert!(matches!(store.delete("key"), Err(StoreError::Unavailable(why)) if why.contains(text)));
}

#[test]
fn a_value_is_missing_then_written_read_replaced_deleted_and_deleted_again() {
    in_session(Address::Given, || {
        let (_bus, _keyring) = (bus(), keyring(Some("password")));
        let store = store();
        assert_eq!(store.read("key"), StoreRead::Missing);
        store.delete("key").unwrap();
        store.write("key", b"one").unwrap();
        store.write("other", b"").unwrap();
        assert_eq!(store.read("key"), found(b"one"));
        let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
        store.write("key", &bytes).unwrap();
        assert_eq!(store.read("key"), found(&bytes));
        assert_eq!(store.read("other"), found(b""));
        assert_eq!(KeyringStore::new("another.service").read("key"), StoreRead::Missing);
        store.delete("key").unwrap();
        assert_eq!(store.read("key"), StoreRead::Missing);
        store.delete("key").unwrap();
        assert_eq!(store.read("other"), found(b""));
    });
}

#[test]
fn a_second_process_reads_what_the_first_wrote() {
    in_session(Address::Given, || {
        if std::env::var_os(SECOND).is_some() {
            assert_eq!(store().read("key"), found(b"value"));
            return store().write("key", b"answer").unwrap();
        }
        let (_bus, _keyring) = (bus(), keyring(Some("password")));
        let store = store();
        store.write("key", b"value").unwrap();
        let second = Command::new(std::env::current_exe().unwrap())
            .args(std::env::args_os().skip(1))
            .env(SECOND, "yes")
            .status();
        assert!(second.unwrap().success());
        assert_eq!(store.read("key"), found(b"answer"));
    });
}

#[test]
fn it_works_inside_a_tokio_runtime_of_either_kind() {
    in_session(Address::Given, || {
        let (_bus, _keyring) = (bus(), keyring(Some("password")));
        let builders =
            [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()];
        for mut builder in builders {
            builder.enable_all().build().unwrap().block_on(async {
                let store = store();
                store.write("key", b"value").unwrap();
                assert_eq!(store.read("key"), found(b"value"));
                store.delete("key").unwrap();
            });
        }
    });
}

#[test]
fn a_locked_keyring_is_locked_for_everything_and_loses_nothing() {
    in_session(Address::Given, || {
        let _bus = bus();
        let daemon = keyring(Some("password"));
        store().write("key", b"value").unwrap();
        daemon.stop();

        let _locked = keyring(Some("not the password"));
        let store = store();
        assert_eq!(store.read("key"), StoreRead::Locked);
        assert_eq!(store.write("key", b"other"), Err(StoreError::Locked));
        assert_eq!(store.delete("key"), Err(StoreError::Locked));
        assert_eq!(store.read("another key"), StoreRead::Missing);
        assert_eq!(store.write("another key", b"value"), Err(StoreError::Locked));

        // The same store, once the keyring is open.
        let _unlocked = keyring_with(Some("password"), &["--replace"]);
        let unlocked = until(|| Some(store.read("key")).filter(|read| *read != StoreRead::Locked));
        assert_eq!(unlocked, Some(found(b"value")));
        assert_eq!(store.read("another key"), StoreRead::Missing);
    });
}

#[test]
fn where_no_bus_is_named_it_is_unavailable() {
    in_session(Address::Unset, || is_unavailable(&store(), "no session bus"));
}

#[test]
fn where_no_bus_is_at_the_address_it_is_unavailable() {
    in_session(Address::Given, || is_unavailable(&store(), "Failed to connect"));
}

#[test]
fn on_a_bus_without_a_secret_service_it_is_unavailable_until_there_is_one() {
    in_session(Address::Given, || {
        let _bus = bus();
        let store = store();
        is_unavailable(&store, "org.freedesktop.secrets");
        let _keyring = keyring(Some("password"));
        assert_eq!(store.read("key"), StoreRead::Missing);
        store.write("key", b"value").unwrap();
    });
}

#[test]
fn the_bus_in_the_runtime_folder_is_found_where_no_address_is_set() {
    in_session(Address::Unset, || {
        let store = store();
        is_unavailable(&store, "no session bus");
        let (_bus, _keyring) = (bus(), keyring(Some("password")));
        store.write("key", b"value").unwrap();
        assert_eq!(store.read("key"), found(b"value"));
    });
}

#[test]
fn a_frozen_daemon_reads_as_locked_within_seconds_and_works_when_it_goes_on() {
    in_session(Address::Given, || {
        let (_bus, keyring) = (bus(), keyring(Some("password")));
        let opened = store();
        opened.write("key", b"value").unwrap();
        keyring.signal("STOP");
        let start = Instant::now();
        assert_eq!(opened.read("key"), StoreRead::Locked);
        assert_eq!(opened.write("key", b"other"), Err(StoreError::Locked));
        assert_eq!(opened.delete("key"), Err(StoreError::Locked));
        assert_eq!(store().read("key"), StoreRead::Locked, "also where it is yet to be opened");
        assert!(start.elapsed() < Duration::from_secs(20), "{:?} for four operations", start.elapsed());
        keyring.signal("CONT");
        // None of them got further than the search for the entry.
        assert_eq!(opened.read("key"), found(b"value"));
        opened.delete("key").unwrap();
    });
}

#[test]
fn an_open_store_outlives_a_restart_of_the_daemon_and_of_the_bus() {
    in_session(Address::Given, || {
        let mut bus_process = bus();
        let mut daemon = keyring(Some("password"));
        let store = store();
        let operations: [fn(&KeyringStore); 3] = [
            |store| assert_eq!(store.read("key"), found(b"value")),
            |store| store.write("key", b"value").unwrap(),
            |store| store.delete("key").unwrap(),
        ];
        for restart_bus in [false, true] {
            store.write("key", b"value").unwrap();
            for operation in operations {
                daemon.stop();
                is_unavailable(&store, "");
                // Open before the restart, not only since the failures.
                daemon = keyring(Some("password"));
                store.read("key");
                daemon.stop();
                if restart_bus {
                    bus_process.stop();
                    bus_process = bus();
                }
                daemon = keyring(Some("password"));
                operation(&store);
            }
            assert_eq!(store.read("key"), StoreRead::Missing);
        }
        drop((daemon, bus_process));
    });
}

#[test]
fn without_a_default_collection_nothing_is_found_and_nothing_can_be_written() {
    in_session(Address::Given, || {
        let (_bus, _keyring) = (bus(), keyring(None));
        let store = store();
        assert_eq!(store.read("key"), StoreRead::Missing);
        assert!(matches!(store.write("key", b"value"), Err(StoreError::Unavailable(_))));
        store.delete("key").unwrap();
    });
}

#[test]
fn several_entries_of_one_key_are_corrupt_and_a_write_or_delete_leaves_one_or_none() {
    use dbus_secret_service::{EncryptionType, SecretService};
    in_session(Address::Given, || {
        let (_bus, _keyring) = (bus(), keyring(Some("password")));
        let store = store();
        let make_several = || {
            let service = SecretService::connect(EncryptionType::Dh).unwrap();
            for number in ["1", "2"] {
                let attributes =
                    [("service", "example.market.test"), ("username", "key"), ("number", number)];
                let collection = service.get_default_collection().unwrap();
                collection.create_item("a test", attributes.into(), b"value", false, "text/plain").unwrap();
            }
        };
        make_several();
        assert_eq!(store.read("key"), StoreRead::Corrupt);
        store.write("key", b"one").unwrap();
        assert_eq!(store.read("key"), found(b"one"));
        make_several();
        store.delete("key").unwrap();
        assert_eq!(store.read("key"), StoreRead::Missing);
    });
}
