//! A group's log in the store: records of many entries each, so that a commit can write or delete all of them.

use crate::client::groups::GroupId;
use crate::client::journal::Journal;
use crate::client::records;
use crate::error::Result;
use crate::roster::Roster;
use crate::store::Store;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::roster::Entry;

/// Bytes of entries after which no other joins them in a record, when they come one by one: each rewrites it.
const TAIL_LEN: usize = 16_384;
/// When all are written at once.
const RECORD_LEN: usize = 1_048_576;

/// What is stored of a log.
#[derive(Default)]
pub(super) struct StoredLog {
    /// Records that are full.
    full: u64,
    /// Entries of the record behind them.
    tail: Vec<u8>,
    /// The last record is not what is stored.
    is_dirty: bool,
}

impl StoredLog {
    /// The stored entries, one after another, in the order in which they came.
    pub(super) fn load(store: &Store, id: &GroupId) -> Result<(Self, Vec<u8>)> {
        let (mut stored, mut log) = (Self::default(), Vec::new());
        for record in store.scan(&records::all_roster(id))? {
            let record = record?;
            log.extend_from_slice(&stored.tail);
            stored.full = records::number(&record.name)?;
            let entries = |reader: &mut Reader<'_>| Ok(reader.take(reader.remaining())?.to_vec());
            stored.tail = records::read(&record.value, entries)?;
        }
        log.extend_from_slice(&stored.tail);
        Ok((stored, log))
    }

    /// Appends an entry.
    pub(super) fn append(&mut self, id: &GroupId, entry: &[u8], journal: &mut Journal) {
        if self.tail.len() >= TAIL_LEN {
            self.collect(id, journal);
            self.full = self.full.saturating_add(1);
            self.tail.clear();
        }
        self.tail.extend_from_slice(entry);
        self.is_dirty = true;
    }

    /// Writes all of it anew: another history is the own one now.
    pub(super) fn rewrite(&mut self, id: &GroupId, roster: &Roster, journal: &mut Journal) {
        let before = if self.tail.is_empty() { self.full } else { self.full.saturating_add(1) };
        *self = Self::default();
        let log = roster.log(0);
        let mut rest = log.as_slice();
        while let Ok((entry, after)) = Entry::parse_first(rest) {
            if self.tail.len() >= RECORD_LEN {
                self.collect(id, journal);
                self.full = self.full.saturating_add(1);
                self.tail.clear();
            }
            self.tail.extend_from_slice(entry.bytes);
            self.is_dirty = true;
            rest = after;
        }
        for surplus in self.full.saturating_add(1)..before {
            journal.delete(records::roster(id, surplus));
        }
    }

    /// Writes the last record, if it changed.
    pub(super) fn collect(&mut self, id: &GroupId, journal: &mut Journal) {
        if core::mem::take(&mut self.is_dirty) {
            let mut value = records::begin();
            value.put(&self.tail);
            journal.put(records::roster(id, self.full), value);
        }
    }
}
