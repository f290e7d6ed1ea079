//! A disk that can fail: what a store lies on when its process dies.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sealwax::error::{Error, Result};
use sealwax::store::{Medium, Row, RowChange};

/// It outlives the stores on it. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    commits: usize,
    fuse: Option<(usize, Death)>,
}

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Before the commit is on the disk.
    Before,
    /// After that, and before anybody hears of it.
    After,
}

impl Disk {
    pub(crate) fn medium(&self) -> Box<dyn Medium> {
        Box::new(self.clone())
    }

    /// Commits so far.
    pub(crate) fn commits(&self) -> usize {
        self.0.lock().unwrap().commits
    }

    /// Dies at a commit from now on, counted from 0.
    pub(crate) fn die_at(&self, commit: usize, death: Death) {
        self.0.lock().unwrap().fuse = Some((commit, death));
    }

    /// It will not die after all.
    pub(crate) fn spare(&self) {
        self.0.lock().unwrap().fuse = None;
    }

    /// Whether it has still to die.
    pub(crate) fn is_doomed(&self) -> bool {
        self.0.lock().unwrap().fuse.is_some()
    }

    /// Another disk with what lies on this one now.
    pub(crate) fn backup(&self) -> Self {
        let rows = self.0.lock().unwrap().rows.clone();
        Self(Arc::new(Mutex::new(State { rows, ..State::default() })))
    }
}

impl Medium for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap().rows.get(key).cloned())
    }

    fn page(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Vec<Row>> {
        let state = self.0.lock().unwrap();
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let rows = state.rows.range::<[u8], _>((from, Bound::Unbounded));
        let rows = rows.take_while(|(key, _)| key.starts_with(prefix));
        Ok(rows.take(100).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&mut self, rows: &[RowChange]) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let dies = match &mut state.fuse {
            Some((0, death)) => Some(*death),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if dies.is_some() {
            state.fuse = None;
        }
        if dies != Some(Death::Before) {
            state.commits += 1;
            for (key, value) in rows {
                match value {
                    Some(value) => state.rows.insert(key.clone(), value.clone()),
                    None => state.rows.remove(key),
                };
            }
        }
        dies.map_or(Ok(()), |_| Err(Error::StoreIo))
    }

    fn backup(&self, _path: &Path) -> Result<()> {
        Err(Error::Unsupported)
    }

    fn abandon(self: Box<Self>) {}
}
