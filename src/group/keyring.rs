//! The sender keys of one member, from rotation to rotation (`docs/PROTOCOL.md` sections 8.3 and 8.5).

use std::collections::VecDeque;

use crate::group::distribution::Previous;
use crate::group::sender_key::SenderKey;
use crate::limits::{GROUP_RETIRED_KEYS_MAX, GROUP_TOMBSTONES_MAX};

/// At most one current key, the retired ones within their windows, and the ids of those that were wiped.
#[derive(Default)]
pub(super) struct Keyring {
    /// In the order of installation.
    pub(super) keys: Vec<SenderKey>,
    /// The oldest first.
    pub(super) wiped: VecDeque<[u8; 8]>,
    /// Whether anything may have changed since it was last stored by itself.
    pub(super) changed: bool,
}

impl Keyring {
    pub(super) fn find(&self, key_id: &[u8; 8]) -> Option<&SenderKey> {
        self.keys.iter().find(|key| key.key_id == *key_id)
    }

    pub(super) fn find_mut(&mut self, key_id: &[u8; 8]) -> Option<&mut SenderKey> {
        let key = self.keys.iter_mut().find(|key| key.key_id == *key_id)?;
        self.changed = true;
        Some(key)
    }

    /// Adds a key. Most senders have one, so there is no room for more in advance.
    pub(super) fn push(&mut self, key: SenderKey) {
        self.keys.reserve_exact(1);
        self.keys.push(key);
        self.changed = true;
    }

    pub(super) fn was_wiped(&self, key_id: &[u8; 8]) -> bool {
        self.wiped.contains(key_id)
    }

    /// Adds a key, finds out which one is current now, and closes the others. Answers the one that no longer fits.
    pub(super) fn insert(
        &mut self,
        mut key: SenderKey,
        membership_epoch: u64,
        closes_ms: u64,
    ) -> Option<SenderKey> {
        if let Some(previous) = key.previous
            && let Some(held) = self.find_mut(&previous.key_id)
        {
            held.end_at(&previous);
        }
        let named = self.keys.iter().filter_map(|held| held.previous);
        for successor in named.filter(|previous| previous.key_id == key.key_id).collect::<Vec<Previous>>() {
            key.end_at(&successor);
        }
        self.push(key);

        let current = self.newest().map(|key| key.key_id);
        for key in &mut self.keys {
            if Some(key.key_id) == current && key.epoch >= membership_epoch {
                key.closes_ms = None;
            } else {
                key.closes_ms.get_or_insert(closes_ms);
            }
        }
        let retired = self.keys.iter().filter(|key| key.closes_ms.is_some()).count();
        let oldest = self.keys.iter().position(|key| key.closes_ms.is_some())?;
        (retired > GROUP_RETIRED_KEYS_MAX).then(|| self.wipe(oldest)).flatten()
    }

    /// A new membership epoch began: keys made before it retire.
    pub(super) fn close_before(&mut self, membership_epoch: u64, closes_ms: u64) {
        for key in self.keys.iter_mut().filter(|key| key.epoch < membership_epoch && key.closes_ms.is_none())
        {
            key.closes_ms = Some(closes_ms);
            self.changed = true;
        }
    }

    /// Starts every running window anew.
    pub(super) fn restart(&mut self, closes_ms: u64) {
        for key in self.keys.iter_mut().filter(|key| key.closes_ms.is_some()) {
            key.closes_ms = Some(closes_ms);
            self.changed = true;
        }
    }

    /// The end of the window that ends first.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.keys.iter().filter_map(|key| key.closes_ms).min()
    }

    /// Takes the keys out whose window has ended.
    pub(super) fn wipe_due(&mut self, now_ms: u64) -> Vec<SenderKey> {
        let mut due = Vec::new();
        while let Some(at) = self.keys.iter().position(|key| key.closes_ms.is_some_and(|end| end <= now_ms)) {
            due.extend(self.wipe(at));
        }
        due
    }

    /// The key that none held succeeds, of the highest epoch, installed last.
    fn newest(&self) -> Option<&SenderKey> {
        let succeeded = |key: &SenderKey| {
            self.keys.iter().any(|held| held.previous.is_some_and(|previous| previous.key_id == key.key_id))
        };
        let heads = self.keys.iter().filter(|key| !succeeded(key));
        heads.max_by_key(|key| key.epoch).or_else(|| self.keys.last())
    }

    fn wipe(&mut self, at: usize) -> Option<SenderKey> {
        if at >= self.keys.len() {
            return None;
        }
        let key = self.keys.remove(at);
        self.changed = true;
        self.remember(key.key_id);
        // A predecessor that arrives after its successor is gone must not pass for a new key.
        if let Some(previous) = key.previous.filter(|previous| self.find(&previous.key_id).is_none()) {
            self.remember(previous.key_id);
        }
        Some(key)
    }

    fn remember(&mut self, key_id: [u8; 8]) {
        if self.was_wiped(&key_id) {
            return;
        }
        if self.wiped.len() >= GROUP_TOMBSTONES_MAX {
            self.wiped.pop_front();
        }
        self.wiped.push_back(key_id);
    }
}
