//! The store's own thread.
//!
//! Stores of operating systems block, prompt and hang, so their work is done on a plain thread, and on one
//! only: of each place and key, whoever opened it in this process, jobs run one after another, first in,
//! first out. That is what lets a job compare before it writes without another client coming in between.
//!
//! Nothing here knows what a job does. A job tells its result itself, by whatever callback it holds, while it
//! runs. **A job that panics** harms no other and tells nothing: what it owns is dropped as it unwinds. An
//! owner that must hear of it puts a guard into the job that reports when it is dropped without a result
//! having been told; the sending half of a channel is such a guard.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use super::{SecureStore, StoreError};

/// What is done on the thread: given the store and the key of the handle that it was submitted to.
pub(crate) type Job = Box<dyn FnOnce(&dyn SecureStore, &str) + Send>;

/// A handle to the thread of one place and key. When the last of all handles to it is dropped, the thread
/// runs what is still queued and ends.
pub(crate) struct StoreThread {
    name: Name,
    store: Arc<dyn SecureStore>,
}

/// Place and key.
type Name = Arc<(String, String)>;

/// The queue of one thread. It is in [`LINES`] exactly as long as its thread runs.
struct Line {
    jobs: VecDeque<Box<dyn FnOnce() + Send>>,
    handles: usize,
    wake: Arc<Condvar>,
}

/// The queues of this process, under one lock, held for moments and never while a job or any other foreign
/// code runs. One lock for all because opening races with ending: a thread that finds neither job nor handle
/// must be gone for whoever opens next, in that same instant, or two threads would serve one key.
static LINES: LazyLock<Mutex<HashMap<Name, Line>>> = LazyLock::new(Mutex::default);

fn lines() -> MutexGuard<'static, HashMap<Name, Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StoreThread {
    /// A new handle for `key` in the store's place. Starts the thread, unless it runs already, be it only to
    /// finish the jobs of handles that are gone.
    pub(crate) fn open(store: Arc<dyn SecureStore>, key: String) -> Result<Arc<Self>, StoreError> {
        let place = caught(|| store.place()).ok_or_else(|| {
            StoreError::Unavailable("the store panicked when asked for its place".to_owned())
        })?;
        let name = Arc::new((place, key));
        let mut lines = lines();
        if let Some(line) = lines.get_mut(&name) {
            line.handles += 1;
        } else {
            let wake = Arc::new(Condvar::new());
            let (its_name, its_wake) = (name.clone(), wake.clone());
            std::thread::Builder::new()
                .name("market-store".to_owned())
                .spawn(move || work(&its_name, &its_wake))
                .map_err(|error| StoreError::Unavailable(format!("no thread for the store: {error}")))?;
            // The thread has to wait for the lock, so it finds its line.
            lines.insert(name.clone(), Line { jobs: VecDeque::new(), handles: 1, wake });
        }
        Ok(Arc::new(Self { name, store }))
    }

    /// Queues a job behind all others of this place and key. It will run, also if all handles are dropped
    /// before its turn.
    pub(crate) fn submit(&self, job: Job) {
        let (store, name) = (self.store.clone(), self.name.clone());
        // The line is there: this handle keeps it.
        if let Some(line) = lines().get_mut(&self.name) {
            // The store goes into the job, so that a panic in dropping it is caught too.
            line.jobs.push_back(Box::new(move || job(&*store, &name.1)));
            line.wake.notify_one();
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        if let Some(line) = lines().get_mut(&self.name) {
            line.handles -= 1;
            line.wake.notify_one();
        }
    }
}

fn work(name: &Name, wake: &Condvar) {
    let mut lines = lines();
    while let Some(line) = lines.get_mut(name) {
        if let Some(job) = line.jobs.pop_front() {
            drop(lines);
            let _ = caught(job);
            lines = self::lines();
        } else if line.handles == 0 {
            lines.remove(name);
        } else {
            lines = wake.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs foreign code; `None` if it panicked.
fn caught<T>(code: impl FnOnce() -> T) -> Option<T> {
    // The payload of the panic is foreign too, and dropping it could panic again: it is leaked.
    catch_unwind(AssertUnwindSafe(code)).map_err(std::mem::forget).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, StoreRead};
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
    use std::thread::ThreadId;
    use std::time::Duration;

    /// Only a broken test waits this long.
    const DEADLINE: Duration = Duration::from_secs(20);

    fn open(store: &MemoryStore, key: &str) -> Arc<StoreThread> {
        StoreThread::open(Arc::new(store.clone()), key.to_owned()).unwrap()
    }

    fn runs(name: &Name) -> bool {
        lines().contains_key(name)
    }

    fn thread_of(handle: &StoreThread) -> ThreadId {
        let (told, hears) = channel();
        handle.submit(Box::new(move |_, _| told.send(std::thread::current().id()).unwrap()));
        hears.recv_timeout(DEADLINE).unwrap()
    }

    /// Makes the handle's thread drop what the receiver's sender is in, when it ends and not before.
    fn end_of(handle: &StoreThread) -> Receiver<()> {
        thread_local!(static HELD: RefCell<Vec<Sender<()>>> = const { RefCell::new(Vec::new()) });
        let (held, end) = channel();
        handle.submit(Box::new(move |_, _| HELD.with_borrow_mut(|all| all.push(held))));
        end
    }

    #[test]
    fn a_job_gets_the_store_and_key_of_its_handle() {
        let store = MemoryStore::default();
        let (told, hears) = channel();
        open(&store, "key").submit(Box::new(move |store, key| {
            store.write(key, b"value").unwrap();
            told.send((key.to_owned(), store.read(key))).unwrap();
        }));
        let (key, read) = hears.recv_timeout(DEADLINE).unwrap();
        assert_eq!(key, "key");
        assert!(matches!(read, StoreRead::Found(value) if value.as_slice() == b"value"));
    }

    #[test]
    fn jobs_of_several_submitters_on_two_handles_run_one_at_a_time_and_in_order() {
        let store = MemoryStore::default();
        let handles = [open(&store, "key"), open(&store, "key")];
        let (busy, ran) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (told, hears) = channel();
        std::thread::scope(|scope| {
            for submitter in 0..8_usize {
                let (handle, busy, ran, told) =
                    (handles[submitter % 2].clone(), busy.clone(), ran.clone(), told.clone());
                scope.spawn(move || {
                    for number in 0..200 {
                        let (busy, ran, told) = (busy.clone(), ran.clone(), told.clone());
                        handle.submit(Box::new(move |_, _| {
                            assert!(!busy.swap(true, Ordering::SeqCst), "two jobs at once");
                            ran.lock().unwrap().push((submitter, number));
                            busy.store(false, Ordering::SeqCst);
                            told.send(()).unwrap();
                        }));
                    }
                });
            }
        });
        (0..1600).for_each(|_| hears.recv_timeout(DEADLINE).unwrap());
        let ran = ran.lock().unwrap();
        for submitter in 0..8 {
            let numbers: Vec<_> = ran.iter().filter(|(who, _)| *who == submitter).map(|(_, n)| *n).collect();
            assert_eq!(numbers, (0..200).collect::<Vec<_>>());
        }
    }

    #[test]
    fn handles_of_one_place_and_key_share_a_thread_and_others_do_not() {
        let (store, other) = (MemoryStore::default(), MemoryStore::default());
        let (first, second) = (open(&store, "key"), open(&store, "key"));
        assert_eq!(thread_of(&first), thread_of(&second));
        assert_ne!(thread_of(&first), thread_of(&open(&store, "another key")));
        assert_ne!(thread_of(&first), thread_of(&open(&other, "key")));
    }

    #[test]
    fn different_keys_run_at_the_same_time() {
        let store = MemoryStore::default();
        let (one, two) = (open(&store, "one"), open(&store, "two"));
        let ((to_one, at_one), (to_two, at_two)) = (channel(), channel());
        let (told, hears) = channel();
        let also_told = told.clone();
        // Each waits for the other: on one thread, neither would finish.
        one.submit(Box::new(move |_, _| {
            to_two.send(()).unwrap();
            told.send(at_one.recv_timeout(DEADLINE)).unwrap();
        }));
        two.submit(Box::new(move |_, _| {
            to_one.send(()).unwrap();
            also_told.send(at_two.recv_timeout(DEADLINE)).unwrap();
        }));
        assert_eq!(hears.recv().unwrap(), Ok(()));
        assert_eq!(hears.recv().unwrap(), Ok(()));
    }

    #[test]
    fn a_job_that_panics_drops_its_guard_and_the_next_runs_on_the_same_thread() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("as it is dropped");
            }
        }
        let handle = open(&MemoryStore::default(), "key");
        let before = thread_of(&handle);
        let (guard, hears) = channel::<()>();
        handle.submit(Box::new(move |_, _| {
            let _guard = guard;
            std::panic::panic_any(Bomb);
        }));
        assert_eq!(hears.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
        let bomb = Bomb;
        handle.submit(Box::new(move |_, _| drop(bomb)));
        assert_eq!(thread_of(&handle), before);
    }

    #[test]
    fn a_store_that_panics_at_its_place_is_unavailable() {
        struct Broken;
        impl SecureStore for Broken {
            fn place(&self) -> String {
                panic!("no place")
            }
            fn read(&self, _: &str) -> StoreRead {
                StoreRead::Missing
            }
            fn write(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
                Ok(())
            }
            fn delete(&self, _: &str) -> Result<(), StoreError> {
                Ok(())
            }
        }
        let opened = StoreThread::open(Arc::new(Broken), "key".to_owned());
        assert!(matches!(opened, Err(StoreError::Unavailable(_))));
    }

    #[test]
    fn the_thread_ends_when_the_last_handle_is_dropped_and_its_jobs_are_done() {
        let store = MemoryStore::default();
        let (first, second) = (open(&store, "key"), open(&store, "key"));
        let name = first.name.clone();
        let end = end_of(&first);
        drop(first);
        let _still_there = thread_of(&second);
        assert!(runs(&name));

        let ((let_go, held), ran) = (channel::<()>(), Arc::new(AtomicUsize::new(0)));
        second.submit(Box::new(move |_, _| held.recv_timeout(DEADLINE).unwrap()));
        for _ in 0..3 {
            let ran = ran.clone();
            second.submit(Box::new(move |_, _| {
                ran.fetch_add(1, Ordering::SeqCst);
            }));
        }
        drop(second);
        assert!(runs(&name), "it has jobs");
        let_go.send(()).unwrap();
        assert_eq!(end.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
        assert_eq!(ran.load(Ordering::SeqCst), 3);
        assert!(!runs(&name));
    }

    #[test]
    fn a_handle_dropped_by_its_own_job_ends_the_thread() {
        let handle = open(&MemoryStore::default(), "key");
        let end = end_of(&handle);
        let own = handle.clone();
        handle.submit(Box::new(move |_, _| drop(own)));
        drop(handle);
        assert_eq!(end.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn opening_while_the_last_handle_goes_never_makes_two_threads_nor_loses_a_job() {
        let store = MemoryStore::default();
        let (busy, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (told, hears) = channel();
        for number in 0..5000 {
            let (busy, next, told) = (busy.clone(), next.clone(), told.clone());
            // Opened, used and dropped at once: the thread before is idle, at work, ending or gone.
            open(&store, "key").submit(Box::new(move |_, _| {
                assert!(!busy.swap(true, Ordering::SeqCst), "two jobs at once");
                assert_eq!(next.fetch_add(1, Ordering::SeqCst), number);
                busy.store(false, Ordering::SeqCst);
                told.send(()).unwrap();
            }));
            if number % 3 == 0 {
                std::thread::yield_now();
            }
        }
        (0..5000).for_each(|_| hears.recv_timeout(DEADLINE).unwrap());
    }
}
