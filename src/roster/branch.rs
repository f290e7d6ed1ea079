//! Histories that compete with the roster's own (`docs/PROTOCOL.md` section 7.3).

use crate::error::{Error, Result};
use crate::roster::log::Log;
use crate::roster::state::{Proof, State};
use crate::wire::roster::Entry;

/// A history that shares the roster's own up to some epoch and goes another way from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// The entries that are not shared: never none.
    pub(super) log: Log,
    /// The epoch of the last shared entry.
    pub(super) fork: u64,
    /// The membership at the branch's head.
    pub(super) state: State,
}

impl Branch {
    /// The hash of the first entry that is not shared: what a resolve names to reject the branch.
    pub(super) fn root(&self) -> Option<&[u8; 32]> {
        self.log.hash_at(self.fork + 1)
    }

    /// The same history as seen from one that shares `trunk` with this one's old trunk up to the epoch of `turned`,
    /// and goes on with the entries of `turned`. `left` are the old trunk's entries from there on.
    pub(super) fn seen_from(mut self, turned: &Self, left: &Log) -> Self {
        if self.fork < turned.fork {
            return self;
        }
        if self.fork > turned.fork {
            let mut log = left.clone();
            log.split_off(self.fork + 1);
            log.append(&self.log);
            return Self { log, fork: turned.fork, state: self.state };
        }
        let shared =
            self.log.hashes().zip(turned.log.hashes()).take_while(|(own, other)| own == other).count();
        self.fork += shared as u64;
        self.log = self.log.split_off(self.fork + 1);
        self
    }
}

/// The membership after entries that a log held already, the first of them being the group's first.
pub(super) fn replay<'a>(mut entries: impl Iterator<Item = (&'a [u8], &'a [u8; 32])>) -> Result<State> {
    let (first, hash) = entries.next().ok_or(Error::Internal)?;
    let mut state = State::found(&Entry::parse(first)?.fields, *hash, &Proof::Known)?;
    for (bytes, hash) in entries {
        let change = state.check(&Entry::parse(bytes)?.fields, &Proof::Known)?;
        state.make(change, *hash);
    }
    Ok(state)
}
