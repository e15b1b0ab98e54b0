//! Counts tests from the closing lines that cargo test and pytest print.

use std::ops::AddAssign;

/// How many tests a suite says it ran.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    /// What pytest knows and was told not to run. (cargo's "filtered out" means other things, and we never filter.)
    pub(crate) left_out: u64,
}

impl Tally {
    /// What one printed line adds: nothing, unless it closes a suite.
    pub(crate) fn of_line(line: &str) -> Self {
        let is_pytest = line.starts_with('=') && line.contains(" in ") && line.ends_with('=');
        let Some(counts) = line.strip_prefix("test result:").or(is_pytest.then_some(line)) else {
            return Self::default();
        };
        let words: Vec<&str> = counts
            .split([' ', ',', ';', '=', '.'])
            .filter(|word| !word.is_empty())
            .collect();
        let mut tally = Self::default();
        for pair in words.windows(2) {
            let [number, what] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match *what {
                "passed" | "xfailed" => tally.passed += number,
                "failed" | "error" | "errors" | "xpassed" => tally.failed += number,
                "ignored" | "skipped" => tally.skipped += number,
                "deselected" => tally.left_out += number,
                _ => {}
            }
        }
        tally
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.left_out += other.left_out;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64, skipped: u64, left_out: u64) {
        let expected = Tally {
            passed,
            failed,
            skipped,
            left_out,
        };
        assert_eq!(Tally::of_line(line), expected, "{line}");
    }

    /// The closing lines are taken from real runs; all others count nothing, also those that only talk about tests.
    #[test]
    fn only_closing_lines_count() {
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            12,
            0,
            1,
            0,
        );
        check(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            1,
            2,
            0,
            0,
        );
        check(
            "============ 2 failed, 31 passed, 4 skipped, 1 error in 12.34s ============",
            31,
            3,
            4,
            0,
        );
        check(
            "=================== 7 passed, 2 deselected, 1 warning in 200.00s (0:03:20) ====================",
            7,
            0,
            0,
            2,
        );
        check("test tests::ten_passed ... ok", 0, 0, 0, 0);
        check(
            "=========================== short test summary info ============================",
            0,
            0,
            0,
            0,
        );
        check("running 3 tests", 0, 0, 0, 0);
    }
}
