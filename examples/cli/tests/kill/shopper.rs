//! A folder with a store, the program that keeps its session there, and what makes it stand still.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{PipeReader, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use market_dev_server::{DevServer, Fault, FaultRule, LoggedRequest};
use tempfile::TempDir;

use crate::common::{Ran, market};

pub(crate) const BEN: &str = "+13128059852";
/// The same each time, so that only when it was placed tells one from another.
pub(crate) const PLACE_IT: &[&str] = &[
    "orders",
    "place",
    "--name",
    "Ann",
    "--phone",
    "+13128059851",
    "--address",
    "1 Main St",
    "--item",
    "42:1",
];
/// Only a broken test waits this long.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Shopper<'a> {
    dev: &'a DevServer,
    home: TempDir,
}

/// Where the program writes to.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Output {
    Free,
    /// Nobody reads what it prints at its end, and there is no room for it.
    PluggedOut,
    /// Nor what it logs, which it does before it connects to the server.
    PluggedLog,
}

/// The program, under way.
pub(crate) struct Running {
    process: Child,
    /// Kept, so that it is not told that nobody reads.
    _plugged: Option<PipeReader>,
    lock: Option<File>,
}

impl<'a> Shopper<'a> {
    pub(crate) fn new(dev: &'a DevServer) -> Self {
        let shopper = Self { dev, home: tempfile::tempdir().unwrap() };
        DirBuilder::new().mode(0o700).create(shopper.folder()).unwrap();
        shopper
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("session")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = market();
        command.env("MARKET_SERVER", self.dev.base_url());
        command.env("MARKET_STORE", format!("file:{}", self.folder().display()));
        command.arg("--allow-http").args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs what must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    }

    pub(crate) fn start(&self, arguments: &[&str], output: Output) -> Running {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let plugged = (output != Output::Free).then(|| {
            let (reader, mut writer) = std::io::pipe().unwrap();
            rustix::io::ioctl_fionbio(&writer, true).unwrap();
            while writer.write(&[0]).is_ok() {}
            rustix::io::ioctl_fionbio(&writer, false).unwrap();
            match output {
                Output::PluggedLog => command.env("RUST_LOG", "trace").stderr(writer),
                _ => command.stdout(writer),
            };
            reader
        });
        Running { process: command.spawn().unwrap(), _plugged: plugged, lock: None }
    }

    /// Has a code sent, and gives it.
    pub(crate) fn send_code(&self, phone: &str) -> String {
        self.ok(&["login", phone, "--send-only"]);
        self.code(phone).expect("a code was sent")
    }

    pub(crate) fn code(&self, phone: &str) -> Option<String> {
        self.dev.code(phone).unwrap()
    }

    pub(crate) fn log_in(&self, phone: &str) {
        let code = self.send_code(phone);
        self.ok(&["login", phone, "--code", &code]);
    }

    /// The values in the store.
    pub(crate) fn stored(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.folder()).unwrap().map(|file| file.unwrap().path());
        let secrets = files.filter(|file| file.extension().is_some_and(|ending| ending == "secret"));
        // It may be gone by now.
        secrets.filter_map(|file| Some((file.clone(), fs::read(&file).ok()?))).collect()
    }

    /// How many files there are, of whatever kind.
    pub(crate) fn files(&self) -> usize {
        fs::read_dir(self.folder()).unwrap().count()
    }

    /// As another process does that is about to change the store. It may still be read.
    pub(crate) fn lock_store(&self) -> File {
        let folder = File::open(self.folder()).unwrap();
        folder.lock().unwrap();
        folder
    }

    pub(crate) fn orders(&self) -> usize {
        self.dev.stored().unwrap()["us"]["orders"].as_array().unwrap().len()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.dev.stored().unwrap()["us"]["users"][0]["is_active"] == true
    }

    pub(crate) fn hold(&self, route: &str, acted: bool) {
        self.dev.fault(FaultRule::new(route, Fault::Hold { acted })).unwrap();
    }

    pub(crate) fn release(&self) {
        self.dev.release();
    }

    /// When the server has noticed who has gone: what it holds it would do once it let go of it.
    pub(crate) fn clear_faults(&self) {
        self.wait_until(|| self.dev.requests().iter().all(|request| request.ended_ms.is_some()));
        self.dev.clear_faults();
    }

    pub(crate) fn forget_requests(&self) {
        self.dev.clear_requests();
    }

    fn requests(&self, route: &str) -> Vec<LoggedRequest> {
        let (method, path) = route.split_once(' ').unwrap();
        let is_it = |request: &LoggedRequest| {
            request.method == method && request.path.strip_prefix("/api/v1") == Some(path)
        };
        self.dev.requests().into_iter().filter(is_it).collect()
    }

    /// How many requests have come, since the last were forgotten.
    pub(crate) fn arrived(&self, route: &str) -> usize {
        self.requests(route).len()
    }

    /// How many of them were answered.
    pub(crate) fn answered(&self, route: &str) -> usize {
        self.requests(route).iter().filter(|request| request.status.is_some()).count()
    }

    pub(crate) fn wait_for(&self, route: &str) {
        self.wait_until(|| self.arrived(route) > 0);
    }

    pub(crate) fn wait_for_answer(&self, route: &str) {
        self.wait_until(|| self.answered(route) > 0);
    }

    pub(crate) fn wait_until(&self, so: impl FnMut() -> bool) {
        wait_until(so);
    }
}

impl Running {
    /// Until it asks for the code.
    pub(crate) fn asks(&mut self) {
        let err = self.process.stderr.as_mut().unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"Code from the SMS: ") {
            let mut byte = [0];
            err.read_exact(&mut byte).unwrap();
            asked.extend(byte);
        }
    }

    /// Until it stands before the lock of its store's folder.
    pub(crate) fn waits_for_store(&self) {
        let pid = self.process.id().to_string();
        let waits = |lock: &str| {
            let mut words = lock.split_whitespace();
            words.any(|word| word == "->") && words.any(|word| word == pid)
        };
        wait_until(|| fs::read_to_string("/proc/locks").unwrap().lines().any(waits));
    }

    /// Keeps the lock until it is dead.
    pub(crate) fn holding(self, lock: File) -> Self {
        Self { lock: Some(lock), ..self }
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9), "it had come to its end before");
        drop(self.lock);
    }
}

fn wait_until(mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < DEADLINE, "it never comes");
        std::thread::yield_now();
    }
}
