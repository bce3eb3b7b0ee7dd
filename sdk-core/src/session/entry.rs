//! The keeper's work in the store: handed to the store's thread, and answered by events.

use std::sync::Arc;
use std::time::Duration;

use super::clock::{self, Remaining};
use super::machine::{EraseResult, Event, Owed, ReadResult, Trouble, WriteResult};
use super::record::{self, Record};
use super::{Inner, Keeper, Live, upgraded};
use crate::store::SecureStore;

/// Runs jobs on one entry of a store, one at a time, first in, first out.
pub(crate) trait EntryQueue: Send + Sync {
    fn submit(&self, job: Job);
}
pub(crate) type Job = Box<dyn FnOnce(&dyn SecureStore, &str) + Send>;

/// A store that takes longer to read has asked somebody to unlock it.
const SLOW: Duration = Duration::from_secs(1);

impl Keeper {
    pub(super) fn read(&self, inner: &mut Inner) {
        let operation = self.await_answer(inner, || Event::Read(ReadResult::Late));
        let started = self.clock().monotonic();
        let keeper = Arc::downgrade(&self.0);
        let reply = Reply::new(ReadResult::Unavailable, move |result: ReadResult<Record>| {
            upgraded(&keeper, |keeper| {
                let took = keeper.clock().monotonic().saturating_sub(started);
                keeper.lock().read_slowly = took >= SLOW;
                keeper.answered(operation, Event::Read(keeper.found(result)));
            });
        });
        let beside = self.0.beside.clone();
        self.0.parts.entry.submit(Box::new(move |store, key| reply.send(record::read(store, key, &beside))));
    }

    pub(super) fn write(&self, inner: &mut Inner, record: Record, over: Owed) {
        let id = record.id;
        let event = {
            let over = over.clone();
            move |result| Event::Written { id, over: over.clone(), result }
        };
        let late = event.clone();
        let operation = self.await_answer(inner, move || late(WriteResult::Late));
        let keeper = Arc::downgrade(&self.0);
        let clock = self.0.parts.clock.clone();
        let reply = Reply::new(WriteResult::Failed(Trouble::Unavailable), move |result| {
            upgraded(&keeper, |keeper| keeper.answered(operation, event(result)));
        });
        let beside = self.0.beside.clone();
        self.0.parts.entry.submit(Box::new(move |store, key| {
            reply.send(record::write(store, key, &record, &over, clock.wall(), &beside));
        }));
    }

    pub(super) fn erase(&self, inner: &mut Inner, erase: u64, owed: Owed) {
        let event = {
            let carried = owed.clone();
            move |result| Event::Erased { erase, carried: carried.clone(), result }
        };
        let late = event.clone();
        let operation = self.await_answer(inner, move || late(EraseResult::Late));
        let keeper = Arc::downgrade(&self.0);
        let clock = self.0.parts.clock.clone();
        let reply = Reply::new(EraseResult::Failed(Trouble::Unavailable), move |result| {
            upgraded(&keeper, |keeper| keeper.answered(operation, event(result)));
        });
        let beside = self.0.beside.clone();
        self.0.parts.entry.submit(Box::new(move |store, key| {
            reply.send(record::erase(store, key, &owed, clock.wall(), &beside));
        }));
    }

    /// Numbers a store operation and has it called late when its time is up. Lateness and the answer are
    /// told apart under the mutex: once the answer is in, late is not said any more.
    fn await_answer(&self, inner: &mut Inner, late: impl Fn() -> Event<Live> + Send + 'static) -> u64 {
        inner.count += 1;
        let operation = inner.count;
        let needed = Arc::new(());
        let until_answered = Arc::downgrade(&needed);
        inner.awaited.insert(operation, needed);
        let keeper = Arc::downgrade(&self.0);
        let up = move || {
            upgraded(&keeper, |keeper| {
                let mut inner = keeper.lock();
                if inner.awaited.remove(&operation).is_some() {
                    keeper.step(&mut inner, late());
                }
            });
        };
        self.0.parts.timers.after_if(self.0.parts.store_timeout, until_answered, Box::new(up));
        operation
    }

    fn answered(&self, operation: u64, event: Event<Live>) {
        let mut inner = self.lock();
        inner.awaited.remove(&operation);
        self.step(&mut inner, event);
    }

    /// Judges whether a stored session has expired: by the device's time, and only when that is sure.
    fn found(&self, result: ReadResult<Record>) -> ReadResult<Live> {
        let record = match result {
            ReadResult::Found(record) | ReadResult::SurelyExpired(record) => record,
            ReadResult::Missing => return ReadResult::Missing,
            ReadResult::Corrupt => return ReadResult::Corrupt,
            ReadResult::LeftBehind => return ReadResult::LeftBehind,
            ReadResult::Locked => return ReadResult::Locked,
            ReadResult::Unavailable => return ReadResult::Unavailable,
            ReadResult::Late => return ReadResult::Late,
        };
        let remaining = clock::remaining(record.signed_in_at, record.lifetime, self.clock().wall());
        match remaining {
            Remaining::Time(left) => ReadResult::Found(self.live(record, Some(left))),
            Remaining::Unknown => ReadResult::Found(self.live(record, None)),
            Remaining::SurelyExpired => ReadResult::SurelyExpired(self.live(record, None)),
        }
    }
}

/// A store job's answer, which is given even when the store panics: then it is the one for failure.
struct Reply<T, F: FnOnce(T)>(Option<(T, F)>);

impl<T, F: FnOnce(T)> Reply<T, F> {
    fn new(failed: T, send: F) -> Self {
        Self(Some((failed, send)))
    }

    fn send(mut self, result: T) {
        if let Some((_, send)) = self.0.take() {
            send(result);
        }
    }
}

impl<T, F: FnOnce(T)> Drop for Reply<T, F> {
    fn drop(&mut self) {
        if let Some((failed, send)) = self.0.take() {
            send(failed);
        }
    }
}
