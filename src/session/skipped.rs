//! Keys of messages that have not arrived, bounded in number (`docs/PROTOCOL.md` sections 5.6 and 12).

use std::collections::VecDeque;

use crate::crypto::Secret;
use crate::crypto::ecc::PUBLIC_LEN;
use crate::limits::{SESSION_SKIPPED_CHAINS_MAX, SESSION_SKIPPED_KEYS_MAX};
use crate::session::chain::Skipped;

/// The unused message keys of several receiving chains, the oldest chain first.
#[derive(Default)]
pub(super) struct SkippedKeys {
    chains: Vec<SkippedChain>,
}

/// The unused message keys of one receiving chain, by ascending counter and never empty.
pub(super) struct SkippedChain {
    pub(super) ratchet_key: [u8; PUBLIC_LEN],
    /// Present in sessions with hidden headers: a late message must still be recognised.
    pub(super) header_key: Option<Secret<32>>,
    pub(super) keys: VecDeque<Skipped>,
}

impl SkippedKeys {
    /// The chains, the oldest first.
    pub(super) fn chains(&self) -> &[SkippedChain] {
        &self.chains
    }

    /// The number of keys.
    pub(super) fn count(&self) -> usize {
        self.chains.iter().map(|chain| chain.keys.len()).sum()
    }

    /// The key of one message, and the place of its chain until something is stored or erased.
    pub(super) fn find(&self, ratchet_key: &[u8; PUBLIC_LEN], counter: u32) -> Option<(usize, &Secret<32>)> {
        let place = self.chains.iter().position(|chain| chain.ratchet_key == *ratchet_key)?;
        let chain = self.chains.get(place)?;
        let at = chain.keys.binary_search_by_key(&counter, |(counter, _)| *counter).ok()?;
        chain.keys.get(at).map(|(_, key)| (place, key))
    }

    /// Whether keys of this chain are stored.
    pub(super) fn has_chain(&self, ratchet_key: &[u8; PUBLIC_LEN]) -> bool {
        self.chains.iter().any(|chain| chain.ratchet_key == *ratchet_key)
    }

    /// Adds keys that follow those already stored for their chain, and drops the oldest beyond the limits.
    pub(super) fn store(
        &mut self,
        ratchet_key: &[u8; PUBLIC_LEN],
        header_key: Option<&Secret<32>>,
        keys: Vec<Skipped>,
    ) {
        if keys.is_empty() {
            return;
        }
        match self.chains.iter_mut().find(|chain| chain.ratchet_key == *ratchet_key) {
            Some(chain) => chain.keys.extend(keys),
            None => self.chains.push(SkippedChain {
                ratchet_key: *ratchet_key,
                header_key: header_key.map(Secret::duplicate),
                keys: keys.into(),
            }),
        }
        while self.chains.len() > SESSION_SKIPPED_CHAINS_MAX {
            self.chains.remove(0);
        }
        let mut excess = self.count().saturating_sub(SESSION_SKIPPED_KEYS_MAX);
        for chain in &mut self.chains {
            let dropped = excess.min(chain.keys.len());
            chain.keys.drain(..dropped);
            excess -= dropped;
        }
        self.chains.retain(|chain| !chain.keys.is_empty());
    }

    /// Erases a key that [`SkippedKeys::find`] found, and with the last key of a chain its header key.
    pub(super) fn erase(&mut self, place: usize, counter: u32) {
        if let Some(chain) = self.chains.get_mut(place)
            && let Ok(at) = chain.keys.binary_search_by_key(&counter, |(counter, _)| *counter)
        {
            chain.keys.remove(at);
        }
        self.chains.retain(|chain| !chain.keys.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(range: core::ops::Range<u32>) -> Vec<Skipped> {
        range.map(|counter| (counter, Secret::new([counter as u8; 32]))).collect()
    }

    #[test]
    fn a_key_is_found_until_it_is_erased() {
        let mut skipped = SkippedKeys::default();
        skipped.store(&[4; 65], None, keys(0..3));
        let (place, key) = skipped.find(&[4; 65], 1).unwrap();
        assert_eq!(key.as_bytes(), &[1; 32]);
        assert!(skipped.find(&[5; 65], 1).is_none());
        skipped.erase(place, 1);
        assert!(skipped.find(&[4; 65], 1).is_none());
        assert_eq!(skipped.count(), 2);
    }

    #[test]
    fn the_oldest_keys_go_first() {
        let mut skipped = SkippedKeys::default();
        for chain in 0..3u8 {
            skipped.store(&[chain; 65], None, keys(0..1_500));
        }
        assert_eq!(skipped.count(), SESSION_SKIPPED_KEYS_MAX);
        assert!(skipped.find(&[0; 65], 499).is_none());
        assert!(skipped.find(&[0; 65], 500).is_some());
        assert!(skipped.find(&[2; 65], 1_499).is_some());
    }

    #[test]
    fn the_oldest_chain_goes_first() {
        let mut skipped = SkippedKeys::default();
        for chain in 0..=16u8 {
            skipped.store(&[chain; 65], Some(&Secret::new([chain; 32])), keys(0..2));
        }
        assert_eq!(skipped.chains().len(), SESSION_SKIPPED_CHAINS_MAX);
        assert!(skipped.find(&[0; 65], 0).is_none());
        assert!(skipped.find(&[1; 65], 0).is_some());
    }

    #[test]
    fn a_chain_without_keys_keeps_no_header_key() {
        let mut skipped = SkippedKeys::default();
        skipped.store(&[1; 65], Some(&Secret::new([1; 32])), keys(0..1));
        skipped.erase(0, 0);
        assert!(skipped.chains().is_empty());
    }
}
