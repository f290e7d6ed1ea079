//! Which numbers a host has given connections.

use crate::error::{Error, Result};

/// The highest number, and which of those closely below it were used: threads that draw numbers in turn may name them
/// out of turn.
#[derive(Default)]
pub(super) struct Numbers {
    highest: u64,
    /// A bit for each of the highest numbers: that of `n` is `n` modulo their count.
    used: [u64; WORDS],
}

const WORDS: usize = 16;
const WINDOW: u64 = 64 * WORDS as u64;

impl Numbers {
    /// Takes a number that no connection had. [`Error::InvalidArgument`] for 0, one that was used, and one so far below
    /// the highest that nobody knows.
    pub(super) fn take(&mut self, number: u64) -> Result<()> {
        let is_forgotten = self.highest.saturating_sub(number) >= WINDOW;
        if number == 0 || is_forgotten || (number <= self.highest && self.is_used(number)) {
            return Err(Error::InvalidArgument);
        }
        if number > self.highest {
            // What the bits of those in between said was of numbers that are forgotten now.
            for passed in self.highest.saturating_add(1).max(number.saturating_sub(WINDOW - 1))..number {
                self.set(passed, false);
            }
            self.highest = number;
        }
        self.set(number, true);
        Ok(())
    }

    fn is_used(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.used.get(word).is_none_or(|word| word & bit != 0)
    }

    fn set(&mut self, number: u64, is_used: bool) {
        let (word, bit) = place(number);
        if let Some(word) = self.used.get_mut(word) {
            *word = if is_used { *word | bit } else { *word & !bit };
        }
    }
}

/// Word and bit.
fn place(number: u64) -> (usize, u64) {
    // Less than the number of words, and so no truncation.
    ((number / 64 % WORDS as u64) as usize, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_once() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.take(0), Err(Error::InvalidArgument));
        for number in
            [1, 2, 7, 3, 6, 5, 4, 1_000, 999, 1_000_000, 1_000_000 - WINDOW + 1, u64::MAX, u64::MAX - 1]
        {
            assert_eq!(numbers.take(number), Ok(()), "{number}");
            assert_eq!(numbers.take(number), Err(Error::InvalidArgument), "{number}");
        }
        assert_eq!(numbers.take(8), Err(Error::InvalidArgument), "too far below to know");
    }

    #[test]
    fn a_bit_speaks_of_one_number_at_a_time() {
        let mut numbers = Numbers::default();
        for number in 1..10 * WINDOW {
            assert_eq!(numbers.take(number), Ok(()));
        }
        assert_eq!(numbers.take(12 * WINDOW), Ok(()));
        for number in 11 * WINDOW + 1..12 * WINDOW {
            assert_eq!(numbers.take(number), Ok(()), "{number}");
        }
        assert_eq!(numbers.take(11 * WINDOW), Err(Error::InvalidArgument));
    }

    #[test]
    fn what_was_used_stays_used_when_others_are_passed_over() {
        let mut numbers = Numbers::default();
        for number in [3, 5, 20, 200] {
            assert_eq!(numbers.take(number), Ok(()));
        }
        for number in [3, 5, 20] {
            assert_eq!(numbers.take(number), Err(Error::InvalidArgument), "{number}");
        }
        assert_eq!((numbers.take(4), numbers.take(19), numbers.take(199)), (Ok(()), Ok(()), Ok(())));
    }
}
