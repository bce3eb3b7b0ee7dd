//! How many checks passed, failed and were skipped.

use std::fmt;
use std::ops::AddAssign;

/// Sums over `cargo test` and the other checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// One check that is no test of cargo's.
    pub(crate) fn check(ok: bool) -> Self {
        Self { passed: ok.into(), failed: (!ok).into(), skipped: 0 }
    }

    /// Reads the line in which one test program sums itself up, as in
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let number = |what: &str| {
            let part = numbers.split("; ").find_map(|part| part.strip_suffix(what))?;
            part.trim().parse().ok()
        };
        Some(Self { passed: number(" passed")?, failed: number(" failed")?, skipped: number(" ignored")? })
    }

    /// A test that was skipped has shown nothing.
    pub(crate) fn ok(self) -> bool {
        self.failed == 0 && self.skipped == 0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn the_line_of_a_test_program_is_read_whether_it_passed_or_failed() {
        let ok =
            "test result: ok. 26 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.18s";
        assert_eq!(Counts::of_line(ok), Some(counts(26, 0, 2)));
        let failed = "test result: FAILED. 1 passed; 12 failed; 0 ignored; 0 measured; 0 filtered out; finished in 8.1s";
        assert_eq!(Counts::of_line(failed), Some(counts(1, 12, 0)));
    }

    #[test]
    fn other_lines_are_not_read() {
        for line in [
            "",
            "running 3 tests",
            "test result",
            "test result: ok.",
            "test result: ok. many passed; 0 failed; 0 ignored",
            "test result: ok. 1 passed; 0 failed",
            "    test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            assert_eq!(Counts::of_line(line), None, "{line}");
        }
    }

    #[test]
    fn skipped_is_said_only_where_something_was() {
        let mut sum = counts(26, 0, 0);
        sum += Counts::check(true);
        assert_eq!(sum.to_string(), "27 passed, 0 failed");
        sum += counts(0, 0, 2);
        sum += Counts::check(false);
        assert_eq!(sum.to_string(), "27 passed, 1 failed, 2 skipped");
        assert!(!sum.ok());
    }
}
