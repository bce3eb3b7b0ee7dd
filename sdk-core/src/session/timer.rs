//! Doing something later, without a runtime: a session expires, and a store is called late, though no call
//! is under way and whichever runtime made the last one is gone.

use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) type Task = Box<dyn FnOnce() + Send>;

pub(crate) trait Timers: Send + Sync {
    /// Runs `task` after `delay`. The task is short and does not block.
    fn after(&self, delay: Duration, task: Task);

    /// The same for a task that is of no use once `needed` is gone, and then need not be kept until it is due.
    fn after_if(&self, delay: Duration, needed: Weak<()>, task: Task) {
        let task = move || {
            if needed.strong_count() > 0 {
                task();
            }
        };
        self.after(delay, Box::new(task));
    }
}

/// The process's timer thread.
pub(crate) struct TimerThread {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: BinaryHeap<Entry>,
    count: u64,
    /// How many wait when those are let go that nobody needs.
    many: usize,
}

struct Entry {
    at: Instant,
    /// Of two that are due at once, the earlier made goes first.
    number: u64,
    /// None: it is needed in any case.
    needed: Option<Weak<()>>,
    task: Task,
}

impl Entry {
    fn is_needed(&self) -> bool {
        self.needed.as_ref().is_none_or(|needed| needed.strong_count() > 0)
    }
}

impl TimerThread {
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<TimerThread>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let timers = Arc::new(Self { queue: Mutex::default(), changed: Condvar::new() });
            let own = timers.clone();
            // Without the thread nothing is done early: expiry is still found by the next call.
            if let Err(error) =
                thread::Builder::new().name("market-timer".to_owned()).spawn(move || own.run())
            {
                tracing::error!(%error, "no thread for timers");
            }
            timers
        });
        shared.clone()
    }

    fn run(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            let wait = match queue.waiting.peek() {
                Some(next) if next.at <= now => {
                    if let Some(due) = queue.waiting.pop().filter(Entry::is_needed) {
                        drop(queue);
                        // The thread serves the whole process: a host's code that panics in a waker ends nothing here.
                        if catch_unwind(AssertUnwindSafe(due.task)).is_err() {
                            tracing::error!("a timer's task panicked");
                        }
                        queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                    }
                    continue;
                }
                Some(next) => next.at - now,
                None => Duration::from_secs(3600),
            };
            queue = self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Timers for TimerThread {
    fn after(&self, delay: Duration, task: Task) {
        self.add(delay, None, task);
    }

    fn after_if(&self, delay: Duration, needed: Weak<()>, task: Task) {
        self.add(delay, Some(needed), task);
    }
}

impl TimerThread {
    fn add(&self, delay: Duration, needed: Option<Weak<()>>, task: Task) {
        // Beyond what the clock can hold is never.
        let Some(at) = Instant::now().checked_add(delay) else { return };
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.count += 1;
        let number = queue.count;
        queue.waiting.push(Entry { at, number, needed, task });
        let unneeded = queue.sort_out();
        drop(queue);
        self.changed.notify_one();
        drop(unneeded); // Not under the mutex: what a task holds may have a drop of its own.
    }
}

impl Queue {
    /// Takes out those that nobody needs any more, once there may be as many of them as of others: so each is looked
    /// at a few times in all.
    fn sort_out(&mut self) -> Vec<Entry> {
        if self.waiting.len() <= self.many.max(FEW) {
            return Vec::new();
        }
        let (needed, unneeded) = self.waiting.drain().partition::<Vec<_>, _>(Entry::is_needed);
        self.many = 2 * needed.len();
        self.waiting = needed.into();
        unneeded
    }
}

/// So many may wait before it is looked who is needed.
const FEW: usize = 64;

// The heap gives the greatest first: the earliest is the greatest.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn tasks_that_nobody_needs_any_more_are_let_go_before_they_are_due() {
        let timers = TimerThread { queue: Mutex::default(), changed: Condvar::new() };
        let hour = Duration::from_secs(3600);
        let needed = Arc::new(());
        let held = Arc::new(());
        for _ in 0..10 {
            let held = held.clone();
            timers.after_if(hour, Arc::downgrade(&needed), Box::new(move || drop(held)));
        }
        for _ in 0..10_000 {
            let passing = Arc::new(());
            timers.after_if(hour, Arc::downgrade(&passing), Box::new(|| ()));
        }
        assert!(timers.queue.lock().unwrap().waiting.len() <= FEW, "they pile up");
        assert_eq!(Arc::strong_count(&held), 11, "one that is needed is gone");
    }

    #[test]
    fn tasks_run_when_they_are_due_the_earlier_first() {
        let timers = TimerThread::shared();
        let (done, results) = mpsc::channel();
        for (delay, name) in [(30, "third"), (10, "first"), (20, "second")] {
            let done = done.clone();
            timers.after(
                Duration::from_millis(delay),
                Box::new(move || done.send((name, Instant::now())).unwrap()),
            );
        }
        let started = Instant::now();
        let order: Vec<_> = (0..3).map(|_| results.recv_timeout(Duration::from_secs(10)).unwrap()).collect();
        assert_eq!(order.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["first", "second", "third"]);
        assert!(order[2].1 >= started + Duration::from_millis(20));
    }
}
