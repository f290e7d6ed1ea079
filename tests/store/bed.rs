//! Where a store lies, so that one test serves a file and memory.

use std::collections::BTreeMap;
#[cfg(feature = "store")]
use std::fs;
#[cfg(feature = "store")]
use std::path::{Path, PathBuf};
#[cfg(feature = "store")]
use std::sync::atomic::{AtomicU32, Ordering};

use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Changes, MemoryDisk, Name, Store};
use sealwax::{Error, error};

pub(crate) const KEY: [u8; 32] = [0x5e; 32];

#[cfg(feature = "store")]
/// An empty directory that goes with the test.
pub(crate) struct Directory(PathBuf);

#[cfg(feature = "store")]
impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sealwax-store-{}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Every file with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

#[cfg(feature = "store")]
impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A place for one store.
pub(crate) enum Bed {
    Memory(MemoryDisk),
    #[cfg(feature = "store")]
    File(Directory),
}

impl Bed {
    pub(crate) fn open(&self) -> error::Result<Store> {
        self.open_with(&KEY)
    }

    pub(crate) fn open_with(&self, key: &[u8]) -> error::Result<Store> {
        match self {
            Self::Memory(disk) => Store::open_memory(disk, key, &mut SystemRandom),
            #[cfg(feature = "store")]
            Self::File(directory) => Store::open(&directory.join("store"), key, &mut SystemRandom),
        }
    }
}

/// One of each kind.
pub(crate) fn beds() -> Vec<Bed> {
    vec![
        Bed::Memory(MemoryDisk::new()),
        #[cfg(feature = "store")]
        Bed::File(Directory::new()),
    ]
}

pub(crate) type Records = BTreeMap<Name, Vec<u8>>;

/// All records whose kind is below 10.
pub(crate) fn records(store: &Store) -> error::Result<Records> {
    let mut records = Records::new();
    for kind in 0..10 {
        for record in store.scan(&Name::new(kind))? {
            let record = record?;
            assert_eq!(store.get(&record.name)?.as_deref(), Some(&*record.value));
            assert!(records.insert(record.name, record.value.to_vec()).is_none());
        }
    }
    Ok(records)
}

pub(crate) fn put(store: &mut Store, name: &Name, value: &[u8]) -> error::Result<u64> {
    let mut changes = Changes::new();
    changes.put(name.clone(), value.to_vec());
    store.commit(&mut SystemRandom, &changes)
}

pub(crate) fn refused(result: error::Result<Store>) -> Error {
    result.err().expect("the store opened")
}
