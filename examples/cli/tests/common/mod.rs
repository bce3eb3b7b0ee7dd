//! The built program, and a server for it: `market dev-server`, in a process of its own.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

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
    process: Child,
    _output: BufReader<ChildStdout>,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let mut process = market()
            .args(["dev-server", "--quiet", "--exit-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, _output: output, url, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().split('/').next().unwrap()
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
        let answer = self.control("GET", &format!("/codes?phone={}", phone.replace('+', "%2B")));
        answer["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A control call of the server, made by hand: it is no business of the SDK.
    pub(crate) fn control(&self, method: &str, path: &str) -> Value {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let host = self.host();
        let request = format!("{method} /_dev{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    /// The token that the file store holds.
    pub(crate) fn stored_token(&self) -> String {
        let files = std::fs::read_dir(self.folder.path().join("session")).unwrap();
        let text: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        let record: Value = serde_json::from_str(&text).unwrap();
        record["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
