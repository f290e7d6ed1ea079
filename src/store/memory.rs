//! Rows in memory: for tests, simulations, and clients that shall leave nothing behind.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::limits::{STORE_PAGE_BYTES, STORE_PAGE_ROWS};
use crate::store::medium::{Medium, Row, RowChange};

/// What a store in memory lies on. It outlives the store, so that a test can let a client die and come back;
/// clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Disk>);

#[derive(Default)]
struct Disk {
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    in_use: AtomicBool,
}

impl MemoryDisk {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another disk with what lies on this one now: a backup, to be restored later.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let rows = self.rows().clone();
        Self(Arc::new(Disk { rows: Mutex::new(rows), in_use: AtomicBool::new(false) }))
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one owner of a [`MemoryDisk`].
pub(super) struct Memory(MemoryDisk);

impl Memory {
    pub(super) fn open(disk: &MemoryDisk) -> Result<Self> {
        if disk.0.in_use.swap(true, Ordering::Acquire) {
            return Err(Error::StoreInUse);
        }
        Ok(Self(disk.clone()))
    }
}

impl Medium for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.rows().get(key).cloned())
    }

    fn page(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Vec<Row>> {
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let mut bytes = 0;
        let rows = self.0.rows();
        let page =
            rows.range::<[u8], _>((from, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        let page = page.take(STORE_PAGE_ROWS).take_while(|(_, value)| {
            let fits = bytes < STORE_PAGE_BYTES;
            bytes += value.len();
            fits
        });
        Ok(page.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn apply(&mut self, rows: &[RowChange]) -> Result<()> {
        let mut held = self.0.rows();
        for (key, value) in rows {
            match value {
                Some(value) => held.insert(key.clone(), value.clone()),
                None => held.remove(key),
            };
        }
        Ok(())
    }

    /// There is no file: [`MemoryDisk::snapshot`] copies.
    fn backup(&self, _path: &Path) -> Result<()> {
        Err(Error::Unsupported)
    }

    fn abandon(self: Box<Self>) {}
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.0.in_use.store(false, Ordering::Release);
    }
}
