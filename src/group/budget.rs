//! What one receiver stores of messages that it passed over, for all senders together (`docs/PROTOCOL.md` section
//! 8.5): a share for each, that no other can take.

use std::collections::BinaryHeap;

use crate::group::GroupReceiver;
use crate::group::keyring::Keyring;
use crate::group::sender_key::SenderKey;
use crate::limits::GROUP_STORED_BYTES_MAX;

/// Bytes of a single message key with its commitment and counter, as they are exported.
const KEY_BYTES: usize = 68;
/// Bytes of the rest of a block with its counter.
const REST_BYTES: usize = 36;
/// Bytes of a link with its counter.
const LINK_BYTES: usize = 20;

impl SenderKey {
    /// What it stores of messages that were not opened.
    pub(super) fn stored_bytes(&self) -> usize {
        let keys = self.skipped.keys().len() * KEY_BYTES + self.skipped.rests().len() * REST_BYTES;
        keys + (self.links.carried().len() + self.links.named().len()) * LINK_BYTES
    }

    /// Drops what is stored of its lowest counters.
    fn trim(&mut self, excess: usize) {
        let most = self.stored_bytes().saturating_sub(excess);
        while self.stored_bytes() > most {
            let Some(dropped) = self.skipped.drop_lowest() else { return };
            self.links.drop_range(dropped);
        }
    }
}

impl Keyring {
    pub(super) fn stored_bytes(&self) -> usize {
        self.keys.iter().map(SenderKey::stored_bytes).sum()
    }

    /// Drops what is beyond `most`, from the key installed first on.
    pub(super) fn trim(&mut self, most: usize) {
        let mut stored = self.stored_bytes();
        for key in &mut self.keys {
            let before = key.stored_bytes();
            self.changed |= stored > most;
            key.trim(stored.saturating_sub(most));
            stored = stored.saturating_sub(before).saturating_add(key.stored_bytes());
        }
    }
}

impl GroupReceiver {
    /// Counts what is stored anew, after keys went.
    pub(super) fn count_stored(&mut self) {
        self.stored = self.senders.values().map(Keyring::stored_bytes).sum();
    }

    /// A change made somebody store `now` instead of `before`. If all store too much, those who store more than their
    /// share lose what is beyond it. An eighth is made free at once, so that whoever keeps the receiver full does not
    /// have every message sort all senders.
    pub(super) fn stores(&mut self, (before, now): (usize, usize)) {
        self.stored = self.stored.saturating_sub(before).saturating_add(now);
        if self.stored <= GROUP_STORED_BYTES_MAX {
            return;
        }
        let stored = self.senders.values().map(Keyring::stored_bytes).collect();
        let share = share(stored, GROUP_STORED_BYTES_MAX - GROUP_STORED_BYTES_MAX / 8);
        for keyring in self.senders.values_mut() {
            keyring.trim(share);
        }
        self.count_stored();
    }
}

/// How much each may have so that all have `total`, where those who want less leave the rest to the others.
fn share(wanted: Vec<usize>, total: usize) -> usize {
    let (mut left, mut takers) = (total, wanted.len());
    // A heap sorts in a tenth of the code, and this is rare.
    for wants in BinaryHeap::from(wanted).into_sorted_vec() {
        if wants > left / takers.max(1) {
            return left / takers.max(1);
        }
        left -= wants;
        takers -= 1;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_little_gets_it_and_the_others_share_the_rest_alike() {
        assert_eq!(share(vec![10, 20, 30], 60), usize::MAX);
        assert_eq!(share(vec![10, 20, 30], 59), 29);
        assert_eq!(share(vec![30, 1, 30, 2], 23), 10);
        assert_eq!(share(vec![7; 10], 30), 3);
        assert_eq!(share(vec![], 0), usize::MAX);
    }
}
