//! What a relay knows of a client's store (`docs/PROTOCOL.md` section 10.2).

use std::sync::Arc;

use crate::error::Result;
use crate::limits::RELAY_COMMITS_UNRECORDED;
use crate::relay::outcome::Outcome;
use crate::relay::record::{Change, RecordName};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::frame::STORE_ID_LEN;

/// The last store of a user, and its highest commit number, by which a client learns that it runs on a restored copy.
#[derive(Default)]
pub(super) struct StoreMark {
    store_id: [u8; STORE_ID_LEN],
    commit: u64,
    /// What the record says of it.
    recorded: u64,
    /// Of the record.
    version: u64,
}

impl StoreMark {
    /// The number that a store is told when its client says hello with its own: 0 for another store than the last.
    pub(super) fn greet(
        &mut self,
        user: &Arc<str>,
        store_id: &[u8; STORE_ID_LEN],
        commit: u64,
        outcome: &mut Outcome,
    ) -> u64 {
        if self.store_id == *store_id {
            let known = self.commit;
            self.note(user, commit, true, outcome);
            return known;
        }
        (self.store_id, self.commit) = (*store_id, commit);
        self.record(user, outcome);
        0
    }

    /// A commit of the last store. Recorded along with something else, or when it has grown so far that a copy that
    /// is as old would matter: so that no frame makes a record by its number alone.
    pub(super) fn note(&mut self, user: &Arc<str>, commit: u64, is_due: bool, outcome: &mut Outcome) {
        self.commit = self.commit.max(commit);
        let grown = self.commit.saturating_sub(self.recorded);
        if grown > 0 && (is_due || grown >= RELAY_COMMITS_UNRECORDED) {
            self.record(user, outcome);
        }
    }

    /// The client knows that it runs on a copy, and has begun anew from this commit on.
    pub(super) fn begin_anew(&mut self, user: &Arc<str>, commit: u64, outcome: &mut Outcome) {
        if commit != self.commit {
            self.commit = commit;
            self.record(user, outcome);
        }
    }

    /// The user has no store any more.
    pub(super) fn forget(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        if self.version > 0 {
            outcome.change(Change::deletion(RecordName::Store(Arc::clone(user)), self.version));
        }
        *self = Self::default();
    }

    fn record(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        let mut value = Vec::with_capacity(STORE_ID_LEN + 8);
        value.put(&self.store_id);
        value.put_u64(self.commit);
        outcome.change(Change::value(RecordName::Store(Arc::clone(user)), self.version, value.into()));
        self.version = self.version.saturating_add(1);
        self.recorded = self.commit;
    }

    /// Reads the value of a record.
    pub(super) fn parse(value: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(value);
        let (store_id, commit) = (*reader.array()?, reader.u64()?);
        reader.finish()?;
        Ok(Self { store_id, commit, recorded: commit, version: 0 })
    }

    /// Takes the record, or its deletion.
    pub(super) fn restore(&mut self, mark: Option<Self>, version: u64) {
        *self = Self { version, ..mark.unwrap_or_default() };
    }
}
