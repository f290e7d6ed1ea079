//! A map that many threads use at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};

const SHARDS: usize = 64;

/// Shared values by key, in shards with a lock each. No lock is held once a value is found, and no other lock is
/// taken under one.
pub(super) struct Shards<K, V> {
    /// Keyed, so that nobody can choose names of one shard.
    hasher: RandomState,
    shards: Box<[Shard<K, V>]>,
    len: AtomicUsize,
    max: usize,
}

type Shard<K, V> = RwLock<HashMap<K, Arc<V>>>;

impl<K: Hash + Eq, V> Shards<K, V> {
    /// For at most `max` values.
    pub(super) fn new(max: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            len: AtomicUsize::new(0),
            max,
        }
    }

    /// The value of a key.
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let shard = self.shard(key)?.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(key).cloned()
    }

    /// The value of a key, made if there is none. [`Error::LimitReached`] if there is no room.
    pub(super) fn get_or_insert<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        make: impl FnOnce() -> (K, V),
    ) -> Result<Arc<V>>
    where
        K: Borrow<Q>,
    {
        if let Some(value) = self.get(key) {
            return Ok(value);
        }
        let mut shard =
            self.shard(key).ok_or(Error::Internal)?.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = shard.get(key) {
            return Ok(Arc::clone(value));
        }
        if self.len.fetch_add(1, Ordering::Relaxed) >= self.max {
            self.len.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::LimitReached);
        }
        let (key, value) = make();
        let value = Arc::new(value);
        shard.insert(key, Arc::clone(&value));
        Ok(value)
    }

    /// A new value. [`Error::InvalidArgument`] if the key has one.
    pub(super) fn insert(&self, key: K, value: V) -> Result<()> {
        let mut shard =
            self.shard(&key).ok_or(Error::Internal)?.write().unwrap_or_else(PoisonError::into_inner);
        if shard.contains_key(&key) {
            return Err(Error::InvalidArgument);
        }
        shard.insert(key, Arc::new(value));
        Ok(())
    }

    /// Forgets the value of a key.
    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.shard(key)?.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// All values for which something holds, a shard at a time.
    pub(super) fn filter(&self, mut holds: impl FnMut(&V) -> bool) -> Vec<Arc<V>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            found.extend(shard.values().filter(|value| holds(value)).cloned());
        }
        found
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> Option<&Shard<K, V>> {
        // Less than the number of shards, and so no truncation.
        self.shards.get((self.hasher.hash_one(key) % SHARDS as u64) as usize)
    }
}
