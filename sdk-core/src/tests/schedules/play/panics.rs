//! Panics of the thread that plays, of which tasks and jobs say nothing to anybody.

use std::cell::{Cell, RefCell};
use std::sync::Once;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Panics of this thread, of which tasks and jobs say nothing to anybody.
pub(super) struct Panics;

impl Panics {
    pub(super) fn watch() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let others = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if !WATCHED.get() {
                    others(panic);
                } else if !panic.to_string().contains("as a host's code can") {
                    PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
                }
            }));
        });
        PANICS.take();
        WATCHED.set(true);
        Self
    }

    pub(super) fn seen(&self) -> Option<String> {
        PANICS.with_borrow(|panics| panics.first().cloned())
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        WATCHED.set(false);
    }
}
