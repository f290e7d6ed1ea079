//! Which chunks are done, in whatever order threads finish them, and the digest of those before the first gap.

use std::collections::VecDeque;

use crate::crypto::kdf::{HASH_LEN, Hasher};
use crate::error::{Error, Result};
use crate::limits::ATTACHMENT_WINDOW;

/// How chunks are given: a caller keeps to one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In order, cut by the library.
    Update,
    /// One by one, by index.
    Chunk,
}

#[derive(Clone)]
enum Slot {
    Free,
    Taken,
    Done([u8; HASH_LEN]),
}

/// Each index once, at most [`ATTACHMENT_WINDOW`] ahead of the first that is not done: so memory is bounded, and
/// what the digest covers is never in doubt.
#[derive(Clone)]
pub(super) struct Ledger {
    way: Option<Way>,
    digest: Hasher,
    /// The first that is not done.
    next: u32,
    /// From `next` on; the last is never free.
    ahead: VecDeque<Slot>,
    /// The index of the last chunk, where it is known.
    end: Option<u32>,
}

impl Ledger {
    pub(super) fn new(digest: Hasher, end: Option<u32>) -> Self {
        Self { way: None, digest, next: 0, ahead: VecDeque::new(), end }
    }

    /// The first index that is not done.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    pub(super) fn check_way(&self, way: Way) -> Result<()> {
        if self.way.is_none_or(|before| before == way) { Ok(()) } else { Err(Error::WrongState) }
    }

    /// Settles on a way, before the first chunk is whole.
    pub(super) fn enter(&mut self, way: Way) -> Result<()> {
        self.check_way(way)?;
        self.way = Some(way);
        Ok(())
    }

    /// Takes an index for a chunk that is now being made or opened; `last` says that none follows.
    ///
    /// [`Error::WrongState`] for an index that is taken or done, one past the end, an end before what was taken, or
    /// the other way; [`Error::TooFarAhead`] beyond the window.
    pub(super) fn begin(&mut self, way: Way, index: u32, last: bool) -> Result<()> {
        self.check_way(way)?;
        let offset = index.checked_sub(self.next).ok_or(Error::WrongState)? as usize;
        if self.end.is_some_and(|end| index > end || (last && index != end)) {
            return Err(Error::WrongState);
        }
        if last && self.ahead.len() > offset + 1 {
            return Err(Error::WrongState);
        }
        if offset >= ATTACHMENT_WINDOW {
            return Err(Error::TooFarAhead);
        }
        if self.ahead.len() <= offset {
            self.ahead.resize(offset + 1, Slot::Free);
        }
        match self.ahead.get_mut(offset) {
            Some(slot @ Slot::Free) => *slot = Slot::Taken,
            _ => return Err(Error::WrongState),
        }
        if last {
            self.end = Some(index);
        }
        self.way = Some(way);
        Ok(())
    }

    /// Says that a taken index is done. `digest` is that of the sealed chunk, or anything where none is asked for.
    pub(super) fn done(&mut self, index: u32, digest: [u8; HASH_LEN]) {
        if let Some(slot) = self.slot(index) {
            *slot = Slot::Done(digest);
        }
        while let Some(Slot::Done(digest)) = self.ahead.front() {
            self.digest.update(digest);
            self.ahead.pop_front();
            self.next += 1;
        }
    }

    /// Gives a taken index back. `found_end` says that taking it set the end.
    pub(super) fn cancel(&mut self, index: u32, found_end: bool) {
        if let Some(slot) = self.slot(index) {
            *slot = Slot::Free;
        }
        while let Some(Slot::Free) = self.ahead.back() {
            self.ahead.pop_back();
        }
        if found_end {
            self.end = None;
        }
    }

    /// Whether every chunk up to the last is done.
    pub(super) fn is_complete(&self) -> bool {
        self.end.is_some_and(|end| self.next == end + 1)
    }

    /// The digest of the header and of what is done.
    pub(super) fn digest(&self) -> [u8; HASH_LEN] {
        self.digest.clone().finish()
    }

    fn slot(&mut self, index: u32) -> Option<&mut Slot> {
        self.ahead.get_mut(index.checked_sub(self.next)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::kdf::Label;

    fn ledger() -> Ledger {
        Ledger::new(Hasher::new(Label::StreamDigest), None)
    }

    fn run(ledger: &mut Ledger, order: &[u32], end: u32) {
        for index in order {
            ledger.begin(Way::Chunk, *index, *index == end).unwrap();
        }
        for index in order.iter().rev() {
            ledger.done(*index, [*index as u8; 32]);
        }
    }

    #[test]
    fn the_digest_does_not_depend_on_the_order() {
        let (mut one, mut other) = (ledger(), ledger());
        run(&mut one, &[0, 1, 2, 3], 3);
        run(&mut other, &[2, 0, 1], 3);
        assert!(one.is_complete() && !other.is_complete());
        run(&mut other, &[3], 3);
        assert!(other.is_complete());
        assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn an_index_is_taken_once() {
        let mut ledger = ledger();
        ledger.begin(Way::Chunk, 1, false).unwrap();
        assert_eq!(ledger.begin(Way::Chunk, 1, false), Err(Error::WrongState));
        ledger.done(1, [0; 32]);
        assert_eq!(ledger.begin(Way::Chunk, 1, false), Err(Error::WrongState));
        run(&mut ledger, &[0], 9);
        assert_eq!(ledger.next(), 2);
        assert_eq!(ledger.begin(Way::Chunk, 0, false), Err(Error::WrongState));
        assert_eq!(ledger.begin(Way::Update, 2, false), Err(Error::WrongState));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let mut ledger = ledger();
        ledger.begin(Way::Chunk, 2, true).unwrap();
        ledger.cancel(2, true);
        assert!(ledger.ahead.is_empty());
        run(&mut ledger, &[0, 1, 2, 3], 3);
        assert!(ledger.is_complete());
    }

    #[test]
    fn there_is_one_end_and_nothing_behind_it() {
        let mut ledger = ledger();
        ledger.begin(Way::Chunk, 2, false).unwrap();
        assert_eq!(ledger.begin(Way::Chunk, 1, true), Err(Error::WrongState));
        ledger.begin(Way::Chunk, 3, true).unwrap();
        assert_eq!(ledger.begin(Way::Chunk, 4, false), Err(Error::WrongState));
        assert_eq!(ledger.begin(Way::Chunk, 0, true), Err(Error::WrongState));
    }

    #[test]
    fn the_window_bounds_what_is_remembered() {
        let (mut ledger, window) = (ledger(), ATTACHMENT_WINDOW as u32);
        ledger.begin(Way::Chunk, window - 1, false).unwrap();
        assert_eq!(ledger.begin(Way::Chunk, window, false), Err(Error::TooFarAhead));
        run(&mut ledger, &[0], u32::MAX);
        ledger.begin(Way::Chunk, window, false).unwrap();
    }
}
