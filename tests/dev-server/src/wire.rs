//! Connections: accepting, numbering and closing them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::middleware::{Next, from_fn};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::tls::Tls;

/// How long a stopping server waits for requests under way.
const GRACE: Duration = Duration::from_secs(2);

/// How long a client may take over the handshake of TLS.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// What the connections of a server have in common.
pub(crate) struct Wires {
    /// An idle connection is closed after this time.
    pub(crate) idle_timeout: Duration,
    pub(crate) tls: Option<Tls>,
    /// Wakes every connection: the idle ones close.
    close_idle: watch::Sender<()>,
    used: watch::Sender<Used>,
    last_number: AtomicU64,
}

/// How many connections there are, and how many requests are under way on them.
#[derive(Clone, Copy, Default)]
struct Used {
    open: usize,
    busy: usize,
}

impl Wires {
    pub(crate) fn new(idle_timeout: Duration, tls: Option<Tls>) -> Wires {
        Wires {
            idle_timeout,
            tls,
            close_idle: watch::Sender::new(()),
            used: watch::Sender::default(),
            last_number: AtomicU64::new(0),
        }
    }
}

impl Wires {
    /// Returns when they are closed.
    pub(crate) async fn close_idle(&self) {
        self.close_idle.send_replace(());
        // An error is a server that is gone, and its connections with it.
        let _ = self.used.subscribe().wait_for(|used| used.open <= used.busy).await;
    }
}

/// How a connection ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// By a TCP reset.
    Reset,
    /// In good order.
    Close,
}

/// One connection, as its requests see it.
pub(crate) struct Wire {
    /// Counts from 1.
    pub(crate) number: u64,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    cut: watch::Sender<Option<Cut>>,
    /// Requests under way, and when that number last changed.
    busy: watch::Sender<(usize, Instant)>,
    wires: Arc<Wires>,
}

/// Accepts connections until told to stop, then lets the requests under way finish. Dropping this future
/// closes all of them at once.
pub(crate) async fn accept(
    listener: TcpListener,
    app: Router,
    wires: Arc<Wires>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tasks = JoinSet::new();
    let stopping = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(connection(stream, app.clone(), wires.clone(), stopping.clone()));
                }
                // Out of file handles, say: try again when some have been closed.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = tasks.join_next() => {}
            () = told(&mut stop) => break,
        }
    }
    drop(listener);
    let _ = timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
}

/// Returns when the server is to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // An error is a server that is gone altogether.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(stream: TcpStream, app: Router, wires: Arc<Wires>, stop: watch::Receiver<bool>) {
    // Answers are small: waiting to fill a packet would only add latency.
    let _ = stream.set_nodelay(true);
    let wire = Arc::new(Wire {
        number: wires.last_number.fetch_add(1, Ordering::SeqCst) + 1,
        scheme: if wires.tls.is_some() { "https" } else { "http" },
        busy: watch::Sender::new((0, Instant::now())),
        cut: watch::Sender::new(None),
        wires: wires.clone(),
    });
    let _open = Open::new(&wires);
    // A second handle on the socket, for what has to be done to it when the first is gone.
    let Ok(handle) = SockRef::from(&stream).try_clone() else { return };
    let serving = async {
        match &wires.tls {
            None => serve(stream, app, &wires, wire.clone(), stop).await,
            Some(tls) => {
                // A client that does not trust the authority goes away here.
                if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.acceptor.accept(stream)).await {
                    serve(stream, app, &wires, wire.clone(), stop).await;
                }
            }
        }
    };
    let mut cut = wire.cut.subscribe();
    let cut = async { cut.wait_for(Option::is_some).await.ok().and_then(|cut| *cut) };
    let how = tokio::select! {
        () = serving => None,
        how = cut => how,
    };
    // The stream is gone; closing the last handle now ends the connection.
    if how == Some(Cut::Reset) {
        let _ = handle.set_linger(Some(Duration::ZERO));
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: Router,
    wires: &Wires,
    wire: Arc<Wire>,
    mut stop: watch::Receiver<bool>,
) {
    let mut close_idle = wires.close_idle.subscribe();
    let app = app.layer(from_fn(count)).layer(Extension(wire.clone()));
    let service = TowerToHyperService::new(app);
    // Answers of the API are dated by the server's own clock, or not at all.
    let mut http = http1::Builder::new();
    let serving = http.auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    loop {
        tokio::select! {
            _ = serving.as_mut() => return,
            () = wire.idle_for(wires.idle_timeout) => break,
            _ = close_idle.changed() => if wire.idle() { break },
            () = told(&mut stop) => break,
        }
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

/// Keeps the count of requests under way.
async fn count(
    Extension(wire): Extension<Arc<Wire>>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let _busy = Busy::new(&wire);
    next.run(request).await
}

/// Counts a connection for as long as it is open.
struct Open<'a>(&'a Wires);

impl<'a> Open<'a> {
    fn new(wires: &'a Wires) -> Open<'a> {
        wires.used.send_modify(|used| used.open += 1);
        Open(wires)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.used.send_modify(|used| used.open -= 1);
    }
}

struct Busy<'a>(&'a Wire);

impl<'a> Busy<'a> {
    fn new(wire: &'a Wire) -> Busy<'a> {
        wire.wires.used.send_modify(|used| used.busy += 1);
        wire.busy.send_modify(|busy| busy.0 += 1);
        Busy(wire)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy = (busy.0 - 1, Instant::now()));
        self.0.wires.used.send_modify(|used| used.busy -= 1);
    }
}

impl Wire {
    /// Ends the connection without an answer. Does not return.
    pub(crate) async fn cut(&self, how: Cut) -> ! {
        self.cut.send_replace(Some(how));
        std::future::pending().await
    }

    fn idle(&self) -> bool {
        self.busy.borrow().0 == 0
    }

    /// Returns when no request has come for so long.
    async fn idle_for(&self, limit: Duration) {
        let mut busy = self.busy.subscribe();
        loop {
            let (running, since) = *busy.borrow_and_update();
            tokio::select! {
                _ = busy.changed() => {}
                () = sleep_until(since + limit), if running == 0 => return,
            }
        }
    }
}
