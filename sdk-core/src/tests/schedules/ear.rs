//! Hears what the SDK says to a developer: whatever it logs must hold no secret either.

use std::cell::RefCell;
use std::fmt;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::Broken;
use super::wire::secrets;

thread_local! {
    static HEARD: RefCell<Result<(), Broken>> = const { RefCell::new(Ok(())) };
}

/// All that is said while `play` goes on, on this thread.
pub(super) fn listening<T>(play: impl FnOnce() -> T) -> (T, Result<(), Broken>) {
    HEARD.set(Ok(()));
    let played = tracing::subscriber::with_default(Ear, play);
    (played, HEARD.replace(Ok(())))
}

struct Ear;

struct Said(String);

impl Said {
    fn heard(self) {
        if let Err(broken) = secrets(&self.0) {
            HEARD.set(Err(broken));
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut said = Said(String::new());
        span.record(&mut said);
        said.heard();
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut said = Said(String::new());
        values.record(&mut said);
        said.heard();
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut said = Said(String::new());
        event.record(&mut said);
        said.heard();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
