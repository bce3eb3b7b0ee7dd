//! Starting and stopping a server.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::control::{self, Control};
use crate::dialect::Dialect;
use crate::front;
use crate::log::LoggedRequest;
use crate::state::{Config, State};
use crate::wire::{self, Wires};
use crate::{Result, db, tls};

/// What a server is to be like. Nothing has to be said.
#[derive(Debug)]
pub struct Builder {
    dialect: Dialect,
    database: Option<PathBuf>,
    port: u16,
    idle_timeout: Duration,
    tls: bool,
    config: Config,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            dialect: Dialect::Documented,
            database: None,
            port: 0,
            idle_timeout: Duration::from_secs(5),
            tls: false,
            config: Config {
                token_lifetime: Duration::from_secs(1800),
                rate_limits: true,
                honour_idempotency_key: false,
                print_codes: false,
                write_gap: Duration::from_millis(5),
            },
        }
    }
}

impl Builder {
    /// Which generation of the API to play; the documented one if left out.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// How long a token is good; 30 minutes if left out.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.config.token_lifetime = lifetime;
        self
    }

    /// A file that keeps the data; in memory if left out.
    pub fn database(mut self, path: impl Into<PathBuf>) -> Self {
        self.database = Some(path.into());
        self
    }

    /// The port on the loopback interface; any free one if left out.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Whether the fourth code for one phone within 15 minutes is refused; it is if left out.
    pub fn rate_limits(mut self, on: bool) -> Self {
        self.config.rate_limits = on;
        self
    }

    /// Whether a second order with the same `Idempotency-Key` gets the first one's answer; no if left out.
    pub fn honour_idempotency_key(mut self, on: bool) -> Self {
        self.config.honour_idempotency_key = on;
        self
    }

    /// Whether sign-in codes are also written to standard error; no if left out.
    pub fn print_codes(mut self, on: bool) -> Self {
        self.config.print_codes = on;
        self
    }

    /// After what time an idle connection is closed; 5 seconds if left out.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a deployed server takes between reading a cart line and writing it back, and so how easily
    /// parallel writes lose updates; 5 milliseconds if left out.
    pub fn write_gap(mut self, gap: Duration) -> Self {
        self.config.write_gap = gap;
        self
    }

    /// Whether to speak https, with a certificate of an authority made on the fly ([`DevServer::ca_pem`]); no if
    /// left out.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Binds the port and serves from then on.
    pub async fn start(self) -> Result<DevServer> {
        let state = Arc::new(State::new(self.config, self.dialect, db::open(self.database.as_deref())?)?);
        let tls = self.tls.then(tls::make).transpose()?;
        let wires = Arc::new(Wires::new(self.idle_timeout, tls));
        let control = Control { state: state.clone(), wires: wires.clone() };
        let app = Router::new()
            .nest("/_dev", control::router())
            .with_state(control.clone())
            .fallback_service(Router::new().fallback(front::serve).with_state(state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(wire::accept(listener, app, wires, stopping));
        Ok(DevServer { control, address, stop, task })
    }
}

/// A running server. It stops when dropped; what a test may do to it is in [`Control`].
pub struct DevServer {
    control: Control,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl DevServer {
    /// A server to be.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where the API is: `http://127.0.0.1:PORT/api/v1`, or `https` if asked for.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.origin(), front::PREFIX)
    }

    fn origin(&self) -> String {
        let scheme = if self.ca_pem().is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate that a client has to trust, if the server speaks https.
    pub fn ca_pem(&self) -> Option<&str> {
        self.control.wires.tls.as_ref().map(|tls| tls.ca_pem.as_str())
    }

    /// Where the control calls are: `http://127.0.0.1:PORT/_dev`.
    pub fn control_url(&self) -> String {
        format!("{}/_dev", self.origin())
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle of its own on what [`Control`] offers.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Takes no more connections and lets the requests under way finish, for a moment.
    pub async fn stop(mut self) {
        self.end().await;
    }

    /// Stops, and gives all requests since the start, those before a clearing of the log too.
    pub(crate) async fn stop_with_log(mut self) -> Vec<LoggedRequest> {
        self.end().await;
        // Connections that were cut short take a moment to say so.
        let _ = timeout(Duration::from_secs(1), self.control.state.log.settled()).await;
        self.control.state.log.since_the_start()
    }

    async fn end(&mut self) {
        self.control.release();
        self.stop.send_replace(true);
        // It fails only if the task has panicked, and is over then too.
        let _ = (&mut self.task).await;
    }
}

impl Deref for DevServer {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for DevServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
