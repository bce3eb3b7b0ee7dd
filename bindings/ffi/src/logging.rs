//! What the SDK logs, handed to the host.
//!
//! One record for each call when it is over, and one for what goes wrong besides. Nothing in it is personal: the core
//! sees to that. Only the SDK's own records are handed on: those of the libraries below are not made for hosts.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::error::{MarketError, Result};
use crate::listeners::ListenerError;

/// How much a record matters; each takes in those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Something that should not happen, and that the SDK could not make good.
    Error,
    /// Something that may need a look.
    Warn,
    /// Each call, when it is over.
    Info,
    /// Details for the SDK's own developers.
    Debug,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the SDK that it comes from, such as `market_sdk::http`.
    pub target: String,
    /// The text. It holds no token, code or phone number.
    pub message: String,
}

/// Told what the SDK logs.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// Called for each record, on a thread of its own: it may block or throw, and holds up nobody. While it is slow,
    /// a thousand records wait; how many were lost then is said in a record.
    fn log(&self, record: LogRecord) -> Result<(), ListenerError>;
}

/// Hands what all clients of this process log, at `level` and what matters more, to `sink`, in place of the one before;
/// to nobody if there is none.
#[uniffi::export]
pub fn set_log_sink(level: LogLevel, sink: Option<Arc<dyn LogSink>>) -> Result<()> {
    let sender = sink.map(start).transpose()?;
    // There is none in this library but this one.
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let install = || tracing::subscriber::set_global_default(Registry::default().with(Forward)).is_ok();
    if sender.is_some() && !*INSTALLED.get_or_init(install) {
        return Err(MarketError::internal("another subscriber takes the log"));
    }
    // Together: of two who set them at once, one has both.
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    LEVEL.store(if sender.is_some() { rank(level) } else { 0 }, Ordering::Relaxed);
    *sink = sender;
    Ok(())
}

/// How many records may wait.
const WAITING: usize = 1000;

/// The rank of what is handed on; 0 while nobody listens.
static LEVEL: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);
static SINK: Mutex<Option<SyncSender<LogRecord>>> = Mutex::new(None);

fn rank(level: LogLevel) -> usize {
    match level {
        LogLevel::Error => 1,
        LogLevel::Warn => 2,
        LogLevel::Info => 3,
        LogLevel::Debug => 4,
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

fn start(sink: Arc<dyn LogSink>) -> Result<SyncSender<LogRecord>> {
    let (sender, records) = sync_channel(WAITING);
    let started =
        thread::Builder::new().name("market-log".to_owned()).spawn(move || deliver(&records, &*sink));
    started.map_err(|_| MarketError::internal("the system gives no thread for the log"))?;
    Ok(sender)
}

fn deliver(records: &Receiver<LogRecord>, sink: &dyn LogSink) {
    // What the host throws cannot be logged to itself.
    let tell = |record| drop(catch_unwind(AssertUnwindSafe(|| sink.log(record))));
    for record in records {
        tell(record);
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = format!("{lost} records were lost: the sink was too slow");
            tell(LogRecord { level: LogLevel::Warn, target: env!("CARGO_CRATE_NAME").to_owned(), message });
        }
    }
}

fn hand_on(metadata: &Metadata<'_>, message: String) {
    let record = LogRecord { level: level(*metadata.level()), target: metadata.target().to_owned(), message };
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    // Never waits: this is called from within calls.
    if sink.as_ref().is_some_and(|sink| sink.try_send(record).is_err()) {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

struct Forward;

fn own(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("market_sdk")
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Asked each time, since the level changes.
        if own(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        own(metadata) && rank(level(*metadata.level())) <= LEVEL.load(Ordering::Relaxed)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut text = Text(span.name().to_owned());
            attributes.record(&mut text);
            span.extensions_mut().insert(text);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(text) = span.extensions_mut().get_mut::<Text>()
        {
            values.record(text);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        hand_on(event.metadata(), text.0);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id)
            && let Some(text) = span.extensions_mut().remove::<Text>()
        {
            hand_on(span.metadata(), text.0);
        }
    }
}

/// A message, and fields as `name=value`.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;
    use std::time::Duration;

    use super::*;
    use crate::client::tests::client;

    struct Slow {
        told: Sender<LogRecord>,
        go_on: Mutex<Receiver<()>>,
    }

    impl LogSink for Slow {
        fn log(&self, record: LogRecord) -> Result<(), ListenerError> {
            if record.target == "market_sdk_ffi::listeners" {
                return Ok(()); // A listener of another test, which panics on purpose beside this one.
            }
            self.told.send(record).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
            panic!("on purpose")
        }
    }

    /// One test, since the sink is the process's.
    #[test]
    fn a_sink_is_told_of_each_call_and_may_be_slow_and_throw() {
        let (told, records) = std::sync::mpsc::channel();
        let (next, go_on) = std::sync::mpsc::channel();
        set_log_sink(LogLevel::Info, Some(Arc::new(Slow { told, go_on: Mutex::new(go_on) }))).unwrap();
        let market = client();
        let call = || {
            let cart = market.cart();
            crate::runtime::handle().unwrap().block_on(async move { cart.get().await }).unwrap_err()
        };
        call();
        let record = records.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!((record.level, record.target.as_str()), (LogLevel::Info, "market_sdk::http"));
        assert!(record.message.starts_with("market.call area=cart operation=get"), "{}", record.message);
        assert!(record.message.contains("error=NotSignedIn"), "{}", record.message);

        // The sink hangs in that record: calls go on, and what is too much is counted.
        for _ in 0..WAITING + 7 {
            call();
        }
        for _ in 0..WAITING + 2 {
            next.send(()).unwrap();
        }
        let lost = std::iter::from_fn(|| records.recv_timeout(Duration::from_secs(5)).ok())
            .find(|record| record.message.contains("lost"))
            .unwrap();
        let (count, _) = lost.message.split_once(' ').unwrap();
        // More when another test logs at the same time.
        assert!(count.parse::<usize>().unwrap() >= 7, "{}", lost.message);

        set_log_sink(LogLevel::Info, None).unwrap();
        drop(next);
        let end = loop {
            if let Err(end) = records.recv_timeout(Duration::from_secs(5)) {
                break end;
            }
        };
        assert_eq!(end, std::sync::mpsc::RecvTimeoutError::Disconnected, "the sink is held on to");
    }
}
