//! The built program, and a server for it: `market dev-server`, in a process of its own.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use market_sdk::test_kit::MarketDevServer;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

pub(crate) const KG_PHONE: &str = "+996555123456";
pub(crate) const US_PHONE: &str = "+13128059851";

/// `market` with nothing of the environment that would change what it does.
pub(crate) fn market() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_market"));
    for name in ["MARKET_SERVER", "MARKET_STORE", "RUST_LOG", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All of it, in the order in which these commands write.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.err, self.out)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap(),
        }
    }
}

/// A server that runs until it is dropped, and a folder for the session.
pub(crate) struct Shop {
    /// For what is asked of the server beside the program.
    runtime: Runtime,
    server: MarketDevServer,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = MarketDevServer::start_program(env!("CARGO_BIN_EXE_market"), ["dev-server"]);
        let url = server.base_url().to_owned();
        Self { runtime, server, url, folder: tempfile::tempdir().unwrap() }
    }

    /// `market` on this server, its session in this shop's folder.
    pub(crate) fn market(&self, arguments: &[&str]) -> Command {
        let mut command = market();
        command.env("MARKET_SERVER", &self.url).env("MARKET_STORE", self.store());
        command.arg("--allow-http").args(arguments);
        command
    }

    pub(crate) fn store(&self) -> String {
        format!("file:{}", self.folder.path().join("session").display())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.market(arguments).output().unwrap().into()
    }

    /// Runs what must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran
    }

    /// Signs in as a person would: asked for the code, which stands in for the SMS.
    pub(crate) fn log_in(&self, phone: &str) -> Ran {
        self.answer_code(&mut self.market(&["login", phone]), phone)
    }

    /// Runs a command that asks for the code.
    pub(crate) fn answer_code(&self, command: &mut Command, phone: &str) -> Ran {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // The question has no line end: what is read up to its mark is all until it is answered.
        let mut err = BufReader::new(process.stderr.take().unwrap());
        let mut asked = Vec::new();
        while !asked.ends_with(b"Code from the SMS: ") {
            assert_ne!(err.read_until(b' ', &mut asked).unwrap(), 0, "{}", String::from_utf8_lossy(&asked));
        }
        let code = self.code(phone);
        writeln!(process.stdin.take().unwrap(), "{code}").unwrap();
        err.read_to_end(&mut asked).unwrap();
        let mut ran = Ran::from(process.wait_with_output().unwrap());
        ran.err = String::from_utf8(asked).unwrap();
        ran
    }

    /// The code that was sent to this phone last.
    pub(crate) fn code(&self, phone: &str) -> String {
        self.runtime.block_on(self.server.code(phone))
    }

    /// What is in the server's database.
    pub(crate) fn state(&self) -> Value {
        self.runtime.block_on(self.server.state())
    }

    /// From now on, tokens issued until now are answered 401.
    pub(crate) fn expire_sessions(&self) {
        self.runtime.block_on(self.server.expire_sessions());
    }

    /// The token that the file store holds.
    pub(crate) fn stored_token(&self) -> String {
        let files = std::fs::read_dir(self.folder.path().join("session")).unwrap();
        let text: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        let record: Value = serde_json::from_str(&text).unwrap();
        record["token"].as_str().unwrap().to_owned()
    }
}
