//! The dev server as its own process, and the devices of its shoppers.

use std::path::{Path, PathBuf};

use market_dev_server::{Dialect, FaultRule, LoggedRequest};
use market_sdk::test_kit::MarketDevServer;
use market_sdk::{FileStore, MarketClient, MarketClientBuilder, SignIn};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::in_time;
use crate::shop::client;

/// A running dev server, in the server's own types. It ends when dropped.
pub struct Dev {
    /// Where the API is.
    pub base_url: String,
    /// Which kind of server it plays.
    pub dialect: Dialect,
    /// None once it was stopped.
    server: Option<MarketDevServer>,
    /// It is given the time to write its log when it ends.
    logs: bool,
}

impl Dev {
    /// Starts `program`, a dev server, on a port of its own and with an empty database in memory.
    pub fn start(program: &str, dialect: Dialect) -> Self {
        Self::start_with(program, dialect, &[], None)
    }

    /// The same with more arguments, and with a file for the log of all its requests.
    pub fn start_with(program: &str, dialect: Dialect, arguments: &[&str], log: Option<&Path>) -> Self {
        let log = log.map(|file| format!("--log={}", file.display()));
        let dialect_too = ["--dialect".to_owned(), dialect.to_string()];
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        let logs = log.is_some();
        let server =
            MarketDevServer::start_program(program, dialect_too.into_iter().chain(arguments).chain(log));
        Self { base_url: server.base_url().to_owned(), dialect, server: Some(server), logs }
    }

    /// Ends it in good order, and waits until it has.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(mut self) {
        self.server.take().unwrap().kill();
    }

    fn server(&self) -> &MarketDevServer {
        self.server.as_ref().expect("it was stopped")
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        in_time(self.server().control(method, path, body)).await
    }

    /// The code that was sent to this phone last.
    pub async fn code(&self, phone: &str) -> String {
        in_time(self.server().code(phone)).await
    }

    /// All requests so far, those under way included.
    pub async fn requests(&self) -> Vec<LoggedRequest> {
        serde_json::from_value(self.control("GET", "requests", Value::Null).await).unwrap()
    }

    /// All requests, once none is under way any more.
    pub async fn settled(&self) -> Vec<LoggedRequest> {
        serde_json::from_value(self.control("GET", "requests?settled=true", Value::Null).await).unwrap()
    }

    /// Waits until a request on this route is under way.
    pub async fn arrived(&self, route: &str) {
        in_time(self.server().arrived(route, 1)).await;
    }

    /// Forgets the requests so far.
    pub async fn clear_requests(&self) {
        self.control("DELETE", "requests", Value::Null).await;
    }

    /// From now on, tokens issued until now are answered 401.
    pub async fn expire_sessions(&self) {
        in_time(self.server().expire_sessions()).await;
    }

    /// Moves the server's clock.
    pub async fn advance_clock(&self, seconds: i64) {
        self.control("POST", "clock", json!({"advance_seconds": seconds})).await;
    }

    /// Plays a fault.
    pub async fn fault(&self, rule: FaultRule) {
        self.control("POST", "faults", serde_json::to_value(rule).unwrap()).await;
    }

    /// Lets what is held go on.
    pub async fn release(&self) {
        in_time(self.server().release()).await;
    }

    /// Changes the database by hand.
    pub async fn sql(&self, sql: &str) {
        self.control("POST", "sql", json!({"sql": sql})).await;
    }

    /// What is in the database.
    pub async fn stored(&self) -> Value {
        in_time(self.server().state()).await
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // In good order it would wait for what is under way.
        if let Some(server) = self.server.take_if(|_| !self.logs) {
            server.kill();
        }
    }
}

/// A device: a client, and a folder for its store that outlives the client.
pub struct Device {
    /// The client.
    pub market: MarketClient,
    folder: TempDir,
    base_url: String,
}

impl Device {
    /// A new device, on which nobody has signed in.
    pub fn new(dev: &Dev) -> Self {
        let (folder, base_url) = (tempfile::tempdir().unwrap(), dev.base_url.clone());
        let market = builder(&base_url, folder.path()).build().unwrap();
        Self { market, folder, base_url }
    }

    /// A new device, on which somebody has signed in.
    pub async fn signed_in(dev: &Dev, phone: &str) -> Self {
        let device = Self::new(dev);
        device.sign_in(dev, phone).await;
        device
    }

    /// Signs in, with the code that the server has sent.
    pub async fn sign_in(&self, dev: &Dev, phone: &str) -> SignIn {
        let session = self.market.session();
        session.request_code(phone).await.unwrap();
        session.verify_code(phone, &dev.code(phone).await).await.unwrap()
    }

    /// The app is closed and opened again: the client goes, and a new one begins with what is in the store.
    pub fn restart(self) -> Self {
        let Self { market, folder, base_url } = self;
        drop(market);
        let market = builder(&base_url, folder.path()).build().unwrap();
        Self { market, folder, base_url }
    }

    /// A builder for a client of this device, whose store can still be another.
    pub fn builder(&self) -> MarketClientBuilder {
        builder(&self.base_url, self.folder.path())
    }

    /// The device's store.
    pub fn store(&self) -> FileStore {
        store(self.folder.path())
    }

    /// The files that hold a secret.
    pub fn secrets(&self) -> Vec<PathBuf> {
        let Ok(folder) = std::fs::read_dir(store_folder(self.folder.path())) else { return Vec::new() };
        folder.map(|file| file.unwrap().path()).collect()
    }
}

fn store_folder(home: &Path) -> PathBuf {
    home.join("store")
}

fn store(home: &Path) -> FileStore {
    FileStore::new(store_folder(home))
}

fn builder(base_url: &str, home: &Path) -> MarketClientBuilder {
    client(base_url).store(store(home))
}
