//! Starts an installed `market-dev-server`, and speaks to its control calls.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use url::Url;

use crate::http::transport::{HttpClient, Request, Settings, Transport as _};

const PROGRAM: &str = "market-dev-server";
/// Names the program, where it is not on the PATH.
const VARIABLE: &str = "MARKET_DEV_SERVER";

/// How long it may take to start, and to end.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(10);

/// A generation of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "those that the server plays")]
pub enum Dialect {
    /// As the API is documented.
    #[default]
    Documented,
    /// The first generation that is deployed.
    G1,
    /// The second one.
    G2,
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::G1 => "g1",
            Self::G2 => "g2",
        }
    }
}

/// A market server with a database of its own on a port of its own: the real thing, with faults. It ends with this value.
///
/// It is the program `market-dev-server` (in a checkout of the SDK: `cargo install --path tests/dev-server`), found by the variable `MARKET_DEV_SERVER` or on the `PATH`.
///
/// ```no_run
/// use market_sdk::test_kit::MarketDevServer;
/// use market_sdk::{ErrorCode, MarketClient, MemoryStore, SkuId};
///
/// # async fn test() -> market_sdk::Result<()> {
/// let server = MarketDevServer::start();
/// let market = MarketClient::builder(server.base_url())
///     .app_id("com.example.shop")
///     .store(MemoryStore::default())
///     .allow_http_loopback()
///     .build()?;
/// market.session().request_code("+13128059851").await?;
/// market.session().verify_code("+13128059851", &server.code("+13128059851").await).await?;
/// market.cart().add(SkuId(42), 2).await?;
/// server.expire_sessions().await;
/// assert_eq!(market.cart().get().await.unwrap_err().code(), ErrorCode::SessionExpired);
/// # Ok(()) }
/// ```
///
/// All of it panics where the server does not do as it is told: that fails the test.
pub struct MarketDevServer {
    base_url: String,
    control: Url,
    process: Child,
    http: HttpClient,
}

impl MarketDevServer {
    /// Starts the installed program, which plays the documented API.
    ///
    /// # Panics
    /// If it is not there, or does not start within 30 seconds.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(Dialect::default(), [""; 0])
    }

    /// The same in any dialect and with further arguments: `["--token-lifetime", "60"]`, say. `market-dev-server --help` lists
    /// them.
    ///
    /// # Panics
    /// If it is not there, or does not start within 30 seconds.
    #[track_caller]
    pub fn start_with(dialect: Dialect, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let found = find(std::env::var_os(VARIABLE), std::env::var_os("PATH"));
        let program = found.unwrap_or_else(|why| panic!("{why}"));
        let given = args.into_iter().map(|arg| arg.as_ref().to_owned());
        let dialect = ["--dialect", dialect.name()].map(OsString::from);
        Self::start_program(program, dialect.into_iter().chain(given))
    }

    /// Starts this very program.
    ///
    /// # Panics
    /// If it does not start within 30 seconds.
    #[track_caller]
    pub fn start_program(
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        Self::start_within(START, program.as_ref(), args)
    }

    #[track_caller]
    fn start_within(
        limit: Duration,
        program: &OsStr,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        let mut process = Command::new(program)
            .args(args)
            // Should this process be killed, its end of the pipe goes, and the server with it.
            .args(["--port", "0", "--quiet", "--exit-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let line = process.stdout.take().and_then(|out| first_line(out, limit));
        let base_url = line.as_deref().and_then(|line| line.trim().strip_prefix("listening on "));
        let Some(base_url) = base_url.map(str::to_owned) else {
            // Dropping a child leaves it running.
            let _ = process.kill();
            let _ = process.wait();
            let said = line.map_or_else(|| format!("nothing within {limit:?}"), |line| format!("{line:?}"));
            panic!("{} does not say where it listens. It said {said}", program.display());
        };
        let mut control = Url::parse(&base_url).expect("the server says a URL");
        control.set_path("/_dev/");
        let settings = Settings {
            user_agent: "market-sdk-test-kit".to_owned(),
            connect_timeout: Duration::from_secs(10),
            body_limit: usize::MAX,
            extra_roots: Vec::new(),
            pins: crate::http::pins::Pins::default(),
            host: crate::builder::host(&control).expect("a URL of a host"),
            https: false,
        };
        Self { base_url, control, process, http: HttpClient::new(settings) }
    }

    /// Where the API is: for [`MarketClient::builder`](crate::MarketClient::builder).
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The code that was sent to this phone last.
    pub async fn code(&self, phone: &str) -> String {
        let phone: String = url::form_urlencoded::byte_serialize(phone.as_bytes()).collect();
        let answer = self.control("GET", &format!("codes?phone={phone}"), Value::Null).await;
        answer["code"].as_str().expect("a code was sent to this phone").to_owned()
    }

    /// From now on, tokens issued until now are answered 401.
    pub async fn expire_sessions(&self) {
        self.control("POST", "expire-sessions", Value::Null).await;
    }

    /// Moves the server's clock on.
    pub async fn advance_clock(&self, by: Duration) {
        self.control("POST", "clock", json!({"advance_seconds": by.as_secs_f64()})).await;
    }

    /// Plays a fault on a route: `server.fault("POST /orders/create", json!({"kind": "reset", "acted": true}), Some(1))`. So many
    /// times, or until [`clear_faults`](Self::clear_faults). The server's README lists the kinds.
    ///
    /// # Panics
    /// If the server has no such route: it says which there are. The kind `answer` alone gives it one.
    pub async fn fault(&self, route: &str, fault: Value, times: impl Into<Option<u32>>) {
        let times: Option<u32> = times.into();
        self.control("POST", "faults", json!({"route": route, "fault": fault, "times": times})).await;
    }

    /// Plays no more faults.
    pub async fn clear_faults(&self) {
        self.control("DELETE", "faults", Value::Null).await;
    }

    /// Lets go on what a fault of the kind `hold` holds, and holds no more.
    pub async fn release(&self) {
        self.control("POST", "release", Value::Null).await;
    }

    /// The requests so far: objects with `method`, `path`, `status`, `body` and more.
    pub async fn requests(&self) -> Vec<Value> {
        let Value::Array(requests) = self.control("GET", "requests", Value::Null).await else {
            panic!("the server gives a list of requests")
        };
        requests
    }

    /// Returns when so many requests on this route, written as that of a fault, are under way: come, and not yet answered, but
    /// held, delayed or being worked on. A fault that is to be played on them was taken by then: it may be cleared.
    ///
    /// # Panics
    /// If they are not within 10 seconds: it says what is under way. Or if the server has no such route.
    pub async fn arrived(&self, route: &str, count: usize) {
        let asked = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("route", route)
            .append_pair("count", &count.to_string())
            .finish();
        self.control("GET", &format!("arrived?{asked}"), Value::Null).await;
    }

    /// What is in the database: `server.state().await["us"]["orders"]`.
    pub async fn state(&self) -> Value {
        self.control("GET", "state", Value::Null).await
    }

    /// Makes any other control call, below `/_dev/`, and gives its answer.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            url: self.control.join(path).expect("a path below /_dev/"),
            headers,
            body: (!body.is_null()).then(|| body.to_string().into()),
            secret: false,
            attempt: 0,
        };
        let reply = self.http.send(request).await.unwrap_or_else(|why| panic!("{method} {path}: {why:?}"));
        let text = String::from_utf8_lossy(&reply.body);
        if !reply.status.is_success() {
            let said = serde_json::from_str::<Value>(&text).ok();
            let why = said.as_ref().and_then(|said| said["error"].as_str()).unwrap_or(&text);
            panic!("{method} {path}: {}: {why}", reply.status);
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{method} {path}: {error}: {text}"))
    }

    /// Ends the server in good order, and returns when it is gone. One that does not go within 10 seconds is killed. Dropping it
    /// does the same.
    pub fn close(self) {}

    /// Ends the server at once, as a power cut does.
    pub fn kill(mut self) {
        // It fails only for a process that has ended.
        let _ = self.process.kill();
    }
}

impl Drop for MarketDevServer {
    fn drop(&mut self) {
        end_within(END, &mut self.process);
    }
}

/// Ends it with its standard input, or kills it. What fails then is not said: a test that is failing already must not abort.
fn end_within(limit: Duration, process: &mut Child) {
    drop(process.stdin.take());
    let begun = Instant::now();
    // std waits with a limit for no process.
    while begun.elapsed() < limit && matches!(process.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = process.kill();
    let _ = process.wait();
}

/// None if it takes too long. It is empty where the program has ended.
fn first_line(out: ChildStdout, limit: Duration) -> Option<String> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        // Nobody may be there any more to hear it.
        let _ = said.send(line);
    });
    heard.recv_timeout(limit).ok()
}

impl fmt::Debug for MarketDevServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarketDevServer").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// The program, or how it is had.
fn find(variable: Option<OsString>, path: Option<OsString>) -> Result<PathBuf, String> {
    if let Some(program) = variable.filter(|program| !program.is_empty()) {
        return Ok(program.into());
    }
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let folders = path.iter().flat_map(std::env::split_paths);
    let found = folders.map(|folder| folder.join(&name)).find(|program| program.is_file());
    found.ok_or_else(|| {
        format!(
            "{PROGRAM} is not on the PATH, and {VARIABLE} does not name it: in a checkout of the SDK, \
             cargo install --path tests/dev-server"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    #[should_panic = "It said nothing within 1ms"]
    fn a_program_that_says_nothing_is_waited_for_no_longer_than_it_may_take() {
        MarketDevServer::start_within(Duration::from_millis(1), "sh".as_ref(), ["-c", "exec sleep 60"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_does_not_end_with_its_standard_input_is_killed() {
        let mut sleeper = Command::new("sleep").arg("60").stdin(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        end_within(Duration::from_millis(1), &mut sleeper);
        assert!(!sleeper.wait().unwrap().success() && begun.elapsed() < END);
        let mut reader = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        end_within(END, &mut reader);
        assert!(reader.wait().unwrap().success(), "it ended in good order");
    }

    #[test]
    fn the_program_is_found_by_the_variable_or_on_the_path_or_it_is_said_how_it_is_had() {
        let home = tempfile::tempdir().unwrap();
        let (empty, full) = (home.path().join("empty"), home.path().join("full"));
        std::fs::create_dir(&empty).unwrap();
        std::fs::create_dir(&full).unwrap();
        let program = full.join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
        std::fs::write(&program, "").unwrap();
        let path = std::env::join_paths([&empty, &full]).unwrap();
        assert_eq!(find(None, Some(path.clone())), Ok(program.clone()));
        assert_eq!(find(Some("".into()), Some(path.clone())), Ok(program));
        assert_eq!(find(Some("/elsewhere/server".into()), Some(path)), Ok("/elsewhere/server".into()));
        let why = find(None, Some(empty.into())).unwrap_err();
        assert!(why.contains("cargo install --path tests/dev-server") && why.contains(VARIABLE), "{why}");
        assert!(find(None, None).is_err());
    }
}
