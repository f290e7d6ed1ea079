//! The durable state of a client: named records, changed by atomic and durable commits, sealed under a key that the
//! caller keeps. The one layer that does I/O, behind [`Medium`].
//!
//! [`Store::open`] keeps it in a file, by SQLite (feature `store`); [`Store::open_memory`] in memory. Both hold the
//! same rows:
//!
//! ```text
//! [0]          plain: store id, check of the key, checksum
//! [1]          sealed: commit number (8) || digest of all records (32)
//! [2] || name  sealed: a record; kind and numbers of the name are plain, its bytes are pseudonyms
//! ```
//!
//! The digest is the exclusive or of a keyed hash of each record's row, salt and nonce. It stands beside the commit
//! number under one seal, and opening reads and checks every record: what opens is one state that was
//! committed, whole. A record that is missing, older than the rest or from elsewhere is [`Error::StoreDamaged`], be it a
//! file copied while it was written, a file beside another's journal, or somebody's doing. What a store cannot see is
//! that all of it is older than it should be: that is what [`Store::commit_number`] is for, which a client tells
//! its relay.

mod changes;
mod medium;
mod memory;
mod name;
mod seal;
#[cfg(feature = "store")]
mod sqlite;

pub use changes::Changes;
pub use medium::{Medium, Row, RowChange};
pub use memory::MemoryDisk;
pub use name::{Name, Part};
pub use seal::{Record, STORE_ID_LEN};

use std::path::Path;
use std::vec;

use zeroize::Zeroizing;

use crate::crypto::kdf::HASH_LEN;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::store::memory::Memory;
use crate::store::seal::Keys;
use crate::wire::codec::Reader;

const HEADER: &[u8] = &[0];
const STATE: &[u8] = &[1];
const RECORDS: u8 = 2;

/// A store that this process has open, and nobody else.
///
/// Dropping it closes it. In a child forked while it was open, every call is [`Error::StoreInUse`], and dropping it
/// leaves the parent's file alone, like [`Store::abandon`].
pub struct Store {
    medium: Box<dyn Medium>,
    keys: Keys,
    state: State,
}

/// What holds all records together.
#[derive(Clone, Copy, Default)]
struct State {
    commit: u64,
    digest: [u8; HASH_LEN],
}

impl Store {
    /// Opens the store in a file, or makes one if no file is there, under a key of 32 bytes.
    ///
    /// Beside the file lie `-lock`, which stays, and `-wal` while it is open or after a crash. Any file that
    /// was there before is unchanged after an error:
    /// [`Error::StoreInUse`]; [`Error::StoreDamaged`] if it is not a store, or not one whole committed state;
    /// [`Error::StoreWrongKey`]; [`Error::StoreNewer`]; [`Error::StoreIo`] if the system refuses a file, or to write;
    /// [`Error::InvalidArgument`] for another length of the key, or a path that names no file.
    #[cfg(feature = "store")]
    pub fn open(path: &Path, key: &[u8], rng: &mut dyn Random) -> Result<Self> {
        let place = sqlite::Place::take(path)?;
        let is_there = place.is_taken()?;
        Self::open_at(place, is_there, key, rng)
    }

    /// [`Store::open`] where a store may be made: also in the place of an empty file, such as one that reserves its
    /// name. A store never becomes empty by itself, so that [`Store::open`] takes such a file for a damaged one.
    #[cfg(feature = "store")]
    pub fn open_or_fill(path: &Path, key: &[u8], rng: &mut dyn Random) -> Result<Self> {
        let place = sqlite::Place::take(path)?;
        let is_there = place.is_filled()?;
        Self::open_at(place, is_there, key, rng)
    }

    #[cfg(feature = "store")]
    fn open_at(place: sqlite::Place, is_there: bool, key: &[u8], rng: &mut dyn Random) -> Result<Self> {
        if !is_there {
            sqlite::create(&place, &first_rows(key, rng)?)?;
        }
        let medium = sqlite::Sqlite::open(place)?;
        let (keys, state) = load(&medium, key)?;
        Ok(Self { medium: Box::new(medium.settle()?), keys, state })
    }

    /// Opens the store on a disk in memory, or makes one if the disk is empty. Errors as of [`Store::open_on`].
    pub fn open_memory(disk: &MemoryDisk, key: &[u8], rng: &mut dyn Random) -> Result<Self> {
        Self::open_on(Box::new(Memory::open(disk)?), key, rng)
    }

    /// Opens the store on a medium, or makes one if it holds no row, under a key of 32 bytes.
    ///
    /// [`Error::InvalidArgument`], [`Error::StoreDamaged`], [`Error::StoreWrongKey`], and what the medium says.
    pub fn open_on(mut medium: Box<dyn Medium>, key: &[u8], rng: &mut dyn Random) -> Result<Self> {
        if medium.page(&[], None)?.is_empty() {
            medium.apply(&first_rows(key, rng)?)?;
        }
        let (keys, state) = load(&*medium, key)?;
        Ok(Self { medium, keys, state })
    }

    /// Random bytes drawn when the store was made. A copy has them too.
    #[must_use]
    pub fn id(&self) -> &[u8; STORE_ID_LEN] {
        self.keys.id()
    }

    /// The number of commits so far, those before the store was opened included.
    #[must_use]
    pub fn commit_number(&self) -> u64 {
        self.state.commit
    }

    /// The value of a record, wiped when it goes.
    ///
    /// [`Error::TooLarge`] for a name beyond the limits, [`Error::StoreDamaged`], [`Error::StoreIo`].
    pub fn get(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let row = self.keys.row(RECORDS, name)?;
        let Some(sealed) = self.medium.get(&row)? else { return Ok(None) };
        Ok(Some(self.keys.open_record(&row, &sealed)?.value))
    }

    /// The records of `prefix` and of every name that continues it: one, then those that continue it, by numbers in
    /// ascending order, and by bytes in an order that is always the same. It holds a page of them at a time.
    ///
    /// [`Error::TooLarge`] for a name beyond the limits; then each record, or [`Error::StoreDamaged`] or
    /// [`Error::StoreIo`], which ends it.
    pub fn scan(&self, prefix: &Name) -> Result<Scan<'_>> {
        let prefix = self.keys.row(RECORDS, prefix)?;
        Ok(Scan { rows: Rows::new(&*self.medium, prefix), keys: &self.keys })
    }

    /// Makes the changes, all or none, and returns the number of this commit: one more than the last, also
    /// without any change. When it returns, they and the number are durable.
    ///
    /// After an error nothing changed, and the same may be tried again: [`Error::TooLarge`] beyond the limits,
    /// [`Error::StoreIo`] if the disk is full, [`Error::StoreDamaged`]. Where the system fails so that nobody knows
    /// what is on the disk, every later call is [`Error::StoreIo`] too, and the store has to be opened anew:
    /// it then holds this commit or does not.
    pub fn commit(&mut self, rng: &mut dyn Random, changes: &Changes) -> Result<u64> {
        changes.check()?;
        let mut state = self.state;
        state.commit = state.commit.checked_add(1).ok_or(Error::LimitReached)?;
        let mut rows = Vec::new();
        for (name, value) in changes.iter() {
            let row = self.keys.row(RECORDS, name)?;
            let old = self.medium.get(&row)?;
            if let Some(old) = &old {
                state.toggle(&self.keys.element(&row, old)?);
            }
            let sealed = match value {
                Some(value) => Some(self.keys.seal_record(rng, &row, name, value)?),
                None if old.is_none() => continue,
                None => None,
            };
            if let Some(sealed) = &sealed {
                state.toggle(&self.keys.element(&row, sealed)?);
            }
            rows.push((row, sealed));
        }
        rows.push(state.row(&self.keys, rng)?);
        self.medium.apply(&rows)?;
        self.state = state;
        Ok(state.commit)
    }

    /// Writes a copy of the present state to a path where nothing is, to be opened under the same key. It is one
    /// file; to replace an older copy, rename it over that. `-new` is appended to the path while it is written.
    ///
    /// [`Error::InvalidArgument`] if something is there, [`Error::InvalidText`] for a path that is not
    /// UTF-8, [`Error::StoreIo`], [`Error::Unsupported`] for a store in memory.
    pub fn backup(&self, path: &Path) -> Result<()> {
        self.medium.backup(path)
    }

    /// Lets go of the store without closing it: for a child that was forked while it was open. Its keys are wiped; its
    /// memory and open files in this process are lost until it ends.
    ///
    /// The parent goes on undisturbed. If the parent dies, the store counts as in use until the child has abandoned or
    /// dropped it, or ended; the child itself cannot open it before it has replaced its program (`exec`).
    pub fn abandon(self) {
        self.medium.abandon();
    }
}

impl State {
    /// Adds or removes one record's element.
    fn toggle(&mut self, element: &[u8; HASH_LEN]) {
        for (byte, other) in self.digest.iter_mut().zip(element) {
            *byte ^= other;
        }
    }

    fn row(&self, keys: &Keys, rng: &mut dyn Random) -> Result<RowChange> {
        let sealed = keys.seal(rng, STATE, &[&self.commit.to_be_bytes(), &self.digest])?;
        Ok((STATE.to_vec(), Some(sealed)))
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let state = Self { commit: reader.u64()?, digest: *reader.array()? };
        reader.finish()?;
        Ok(state)
    }
}

/// The rows of a new store.
fn first_rows(key: &[u8], rng: &mut dyn Random) -> Result<Vec<RowChange>> {
    let mut id = [0; STORE_ID_LEN];
    rng.fill(&mut id)?;
    let keys = Keys::derive(key, id)?;
    Ok(vec![(HEADER.to_vec(), Some(keys.header())), State::default().row(&keys, rng)?])
}

/// Checks every row of a medium.
fn load(medium: &dyn Medium, key: &[u8]) -> Result<(Keys, State)> {
    let header = medium.get(HEADER)?.ok_or(Error::StoreDamaged)?;
    let keys = Keys::from_header(key, &header)?;
    let sealed = medium.get(STATE)?.ok_or(Error::StoreDamaged)?;
    let state = State::read(&keys.open(STATE, &sealed)?).map_err(|_| Error::StoreDamaged)?;

    let mut found = State { commit: state.commit, ..State::default() };
    for row in Rows::new(medium, Vec::new()) {
        let (row, sealed) = row?;
        if row == HEADER || row == STATE {
            continue;
        }
        keys.open_record(&row, &sealed)?;
        found.toggle(&keys.element(&row, &sealed)?);
    }
    if found.digest == state.digest { Ok((keys, state)) } else { Err(Error::StoreDamaged) }
}

/// The records of a [`Store::scan`].
pub struct Scan<'a> {
    rows: Rows<'a>,
    keys: &'a Keys,
}

impl Iterator for Scan<'_> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.rows.next()?.and_then(|(row, sealed)| self.keys.open_record(&row, &sealed));
        if record.is_err() {
            self.rows.end();
        }
        Some(record)
    }
}

/// Rows, page by page.
struct Rows<'a> {
    medium: &'a dyn Medium,
    prefix: Vec<u8>,
    page: vec::IntoIter<Row>,
    after: Option<Vec<u8>>,
    ended: bool,
}

impl<'a> Rows<'a> {
    fn new(medium: &'a dyn Medium, prefix: Vec<u8>) -> Self {
        Self { medium, prefix, page: Vec::new().into_iter(), after: None, ended: false }
    }

    fn end(&mut self) {
        self.page = Vec::new().into_iter();
        self.ended = true;
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.ended {
            match self.medium.page(&self.prefix, self.after.as_deref()) {
                Ok(page) => {
                    // A medium that leads in circles is none.
                    let keys = || page.iter().map(|(key, _)| key);
                    if !self.after.iter().chain(keys()).is_sorted_by(|one, next| one < next) {
                        self.end();
                        return Some(Err(Error::StoreDamaged));
                    }
                    self.after = keys().next_back().cloned();
                    self.ended = page.is_empty();
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.end();
                    return Some(Err(error));
                }
            }
        }
        self.page.next().map(Ok)
    }
}
