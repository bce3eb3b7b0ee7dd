//! Telling and checking.

use std::cell::Cell;
use std::fmt::Debug;
use std::io::{self, Write};

use crate::paint::{self, BOLD, GREEN, RED};

/// Why the story cannot go on, in words.
#[derive(Debug)]
pub(crate) struct NotHeld(pub(crate) String);

impl From<market_sdk::Error> for NotHeld {
    fn from(error: market_sdk::Error) -> Self {
        let red = paint::painted(&io::stderr(), RED, "✗");
        Self(format!("  {red} a call of this step failed: {:?}: {}", error.code(), error.message()))
    }
}

impl From<io::Error> for NotHeld {
    fn from(error: io::Error) -> Self {
        Self(format!("the demo could not go on: {error}"))
    }
}

/// The story so far.
pub(crate) struct Story {
    scenarios: Cell<u32>,
}

impl Story {
    pub(crate) fn to_stdout() -> Self {
        Self { scenarios: Cell::new(0) }
    }

    /// Begins the next scenario.
    pub(crate) fn scenario(&self, title: &str) -> io::Result<()> {
        self.scenarios.set(self.scenarios.get() + 1);
        let title = format!("{}. {title}", self.scenarios.get());
        self.tell(&format!("\n{}", paint::painted(&io::stdout(), BOLD, &title)))
    }

    /// How many there were so far.
    pub(crate) fn count(&self) -> u32 {
        self.scenarios.get()
    }

    /// Tells what happens.
    pub(crate) fn tell(&self, line: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{line}")
    }

    /// Checks what came of it.
    pub(crate) fn check<T: Debug + PartialEq>(
        &self,
        what: &str,
        found: T,
        expected: T,
    ) -> Result<(), NotHeld> {
        if found == expected {
            return Ok(self.tell(&format!("  {} {what}", paint::painted(&io::stdout(), GREEN, "✓")))?);
        }
        let red = paint::painted(&io::stderr(), RED, "✗");
        Err(NotHeld(format!("  {red} {what}\n    expected: {expected:?}\n    found:    {found:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_does_not_hold_says_what_was_expected_and_stops_the_story() {
        let story = Story::to_stdout();
        assert!(story.check("two bags", 2, 2).is_ok());
        let NotHeld(why) = story.check("two bags", 1, 2).unwrap_err();
        assert_eq!(why, "  ✗ two bags\n    expected: 2\n    found:    1");
    }
}
