//! What a receiver keeps of messages that it passed over (`docs/PROTOCOL.md` section 8.5).

use core::ops::Range;
use std::collections::BTreeMap;

use crate::crypto::Secret;
use crate::group::chain::{self, MessageKey, Passed, Step, block_end};
use crate::group::read::{AnyStep, StoredKey};
use crate::limits::{GROUP_SKIPPED_BLOCKS_MAX, GROUP_SKIPPED_KEYS_MAX};

/// Single keys, and the rests of blocks as the chain at their first counter. Each counter stands in one of them at
/// most, and one that was used in neither.
pub(super) struct Skipped {
    keys: BTreeMap<u32, MessageKey>,
    rests: BTreeMap<u32, Secret<32>>,
    /// Below it, what is not stored was dropped or never given; from it on, it was used.
    floor: u32,
}

/// How storage changes when a stored message is opened.
pub(super) enum Use {
    /// Its key goes.
    Key(u32),
    /// The rest of a block becomes the keys below the message and the chain after it.
    Rest { from: u32, below: Vec<(u32, MessageKey)>, after: Option<(u32, Secret<32>)> },
}

impl Skipped {
    /// Nothing; messages below `floor` were never given.
    pub(super) fn new(floor: u32) -> Self {
        Self { keys: BTreeMap::new(), rests: BTreeMap::new(), floor }
    }

    /// Whether a message can still be opened.
    pub(super) fn contains(&self, counter: u32) -> bool {
        self.keys.contains_key(&counter) || self.rest_of(counter).is_some()
    }

    /// Whether a message that is not stored was used, as far as is known.
    pub(super) fn was_used(&self, counter: u32) -> bool {
        counter >= self.floor && !self.contains(counter)
    }

    /// What opens a stored message, and what using it changes. Nothing changes yet. `ahead` is the message's step,
    /// if it was derived before.
    pub(super) fn derive<'s>(&self, counter: u32, ahead: Option<&'s Step>) -> Option<(StoredKey<'s>, Use)> {
        if let Some(key) = self.keys.get(&counter) {
            return Some((StoredKey::Single(key.duplicate()), Use::Key(counter)));
        }
        let (from, start) = self.rest_of(counter)?;
        let mut chain = start.duplicate();
        let mut below = Vec::new();
        for passed in from..counter {
            let step = chain::step(&chain);
            below.push((passed, step.message_key()));
            step.next_chain(&mut chain);
        }
        let step = AnyStep::of(ahead, || Ok(chain::step(&chain))).ok()?;
        let after = counter.saturating_add(1);
        let after = (after < block_end(from)).then(|| {
            step.next_chain(&mut chain);
            (after, chain)
        });
        Some((StoredKey::OfRest(step), Use::Rest { from, below, after }))
    }

    /// Carries out what [`Skipped::derive`] answered.
    pub(super) fn apply(&mut self, used: Use) {
        match used {
            Use::Key(counter) => {
                self.keys.remove(&counter);
            }
            Use::Rest { from, below, after } => {
                self.rests.remove(&from);
                self.keys.extend(below);
                self.rests.extend(after);
                self.evict();
            }
        }
    }

    /// Stores what a chain passed; the lowest counters go first beyond the limits.
    pub(super) fn store(&mut self, passed: Passed) {
        self.keys.extend(passed.keys);
        self.rests.extend(passed.rests);
        self.evict();
    }

    /// Drops what stands lowest, and answers which messages that was for.
    pub(super) fn drop_lowest(&mut self) -> Option<Range<u32>> {
        let (key, rest) = (self.keys.first_key_value(), self.rests.first_key_value());
        let (key, rest) = (key.map(|(counter, _)| *counter), rest.map(|(from, _)| *from));
        let dropped = match (key, rest) {
            (Some(key), rest) if rest.is_none_or(|from| key < from) => {
                self.keys.pop_first();
                key..key.saturating_add(1)
            }
            (_, rest) => {
                let from = rest?;
                self.rests.pop_first();
                from..block_end(from)
            }
        };
        self.floor = self.floor.max(dropped.end);
        Some(dropped)
    }

    /// Puts a key of a stored state back.
    pub(super) fn restore_key(&mut self, counter: u32, key: MessageKey) {
        self.keys.insert(counter, key);
    }

    /// Puts the rest of a block of a stored state back.
    pub(super) fn restore_rest(&mut self, from: u32, chain: Secret<32>) {
        self.rests.insert(from, chain);
    }

    /// An earlier distribution gave the messages between `start` and the first one known before.
    pub(super) fn lower_floor(&mut self, start: u32, first: u32) {
        if self.floor == first {
            self.floor = start;
        }
    }

    /// Messages that can still be opened.
    pub(super) fn count(&self) -> u64 {
        let rests = self.rests.keys().map(|from| u64::from(block_end(*from).saturating_sub(*from)));
        rests.sum::<u64>() + self.keys.len() as u64
    }

    /// The key of a message that is stored by itself.
    pub(super) fn key(&self, counter: u32) -> Option<&MessageKey> {
        self.keys.get(&counter)
    }

    pub(super) fn keys(&self) -> &BTreeMap<u32, MessageKey> {
        &self.keys
    }

    pub(super) fn rests(&self) -> &BTreeMap<u32, Secret<32>> {
        &self.rests
    }

    pub(super) fn floor(&self) -> u32 {
        self.floor
    }

    /// The rest of a block that a message is in: from where, and the chain there.
    pub(super) fn rest_of(&self, counter: u32) -> Option<(u32, &Secret<32>)> {
        let (from, chain) = self.rests.range(..=counter).next_back()?;
        (counter < block_end(*from)).then_some((*from, chain))
    }

    fn evict(&mut self) {
        while self.keys.len() > GROUP_SKIPPED_KEYS_MAX {
            if let Some((counter, _)) = self.keys.pop_first() {
                self.floor = self.floor.max(counter.saturating_add(1));
            }
        }
        while self.rests.len() > GROUP_SKIPPED_BLOCKS_MAX {
            if let Some((from, _)) = self.rests.pop_first() {
                self.floor = self.floor.max(block_end(from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::chain::Chain;

    fn passed(from: u32, to: u32) -> (Skipped, Vec<MessageKey>) {
        let mut all = Chain::start(Secret::new([3; 32]));
        let keys = (0..to)
            .map(|_| {
                let step = all.derive().unwrap();
                all.take(&step);
                step.message_key()
            })
            .collect();
        let mut chain = Chain::start(Secret::new([3; 32]));
        chain.skip(from).unwrap();
        let mut skipped = Skipped::new(from);
        skipped.store(chain.advance(to).unwrap());
        (skipped, keys)
    }

    fn use_one(skipped: &mut Skipped, counter: u32) -> Option<MessageKey> {
        let (key, used) = skipped.derive(counter, None)?;
        skipped.apply(used);
        Some(match key {
            StoredKey::Single(key) => key,
            StoredKey::OfRest(step) => step.message_key(),
        })
    }

    #[test]
    fn each_message_opens_once_in_any_order() {
        let (mut skipped, keys) = passed(100, 700);
        assert_eq!(skipped.count(), 600);
        // 7 is prime to 600, so this visits each once.
        for at in 0..600 {
            let counter = 100 + at * 7 % 600;
            let key = use_one(&mut skipped, counter).unwrap();
            assert_eq!(key.as_secret().as_bytes(), keys[counter as usize].as_secret().as_bytes());
            assert!(use_one(&mut skipped, counter).is_none() && skipped.was_used(counter));
        }
        assert_eq!(skipped.count(), 0);
    }

    #[test]
    fn nothing_stored_derives_a_used_message() {
        let (mut skipped, keys) = passed(0, 1_000);
        for counter in [0, 5, 200, 255, 256, 300, 511, 900] {
            use_one(&mut skipped, counter).unwrap();
            let used = keys[counter as usize].as_secret();
            assert!(skipped.keys.values().all(|key| !key.as_secret().ct_eq(used)));
            for (from, rest) in &skipped.rests {
                let mut rest = rest.duplicate();
                for _ in *from..block_end(*from) {
                    let step = chain::step(&rest);
                    assert!(!step.message_key().as_secret().ct_eq(used));
                    step.next_chain(&mut rest);
                }
            }
        }
    }

    #[test]
    fn the_oldest_keys_are_dropped_beyond_the_limit() {
        let (mut skipped, _) = passed(0, 256 * 20);
        for block in 0..20 {
            use_one(&mut skipped, block * 256 + 255).unwrap();
        }
        assert_eq!(skipped.keys.len(), GROUP_SKIPPED_KEYS_MAX);
        let dropped = 20 * 255 - 4_096;
        assert!(!skipped.contains(dropped - 1) && !skipped.was_used(dropped - 1));
        assert!(skipped.contains(5_000) && skipped.was_used(256 * 10 + 255));
    }

    #[test]
    fn the_oldest_blocks_are_dropped_beyond_the_limit() {
        let (mut skipped, _) = passed(0, 256);
        let mut chain = Chain::start(Secret::new([3; 32]));
        chain.skip(256).unwrap();
        skipped.store(chain.advance(256 * 1_030).unwrap());
        assert_eq!(skipped.rests.len(), GROUP_SKIPPED_BLOCKS_MAX);
        assert!(!skipped.contains(256 * 5) && skipped.contains(256 * 6));
    }

    #[test]
    fn what_stands_lowest_is_dropped_first_whether_key_or_rest() {
        let mut skipped = Skipped::new(0);
        for counter in [3, 300, 800] {
            skipped.restore_key(counter, MessageKey::from_secret(Secret::new([7; 64])));
        }
        for from in [256, 512] {
            skipped.restore_rest(from + 60, Secret::new([7; 32]));
        }
        let dropped: Vec<_> = core::iter::from_fn(|| {
            let dropped = skipped.drop_lowest();
            assert!(dropped.is_none() || dropped.as_ref().map(|range| range.end) == Some(skipped.floor()));
            dropped
        })
        .collect();
        assert_eq!(dropped, [3..4, 300..301, 316..512, 572..768, 800..801]);
    }

    #[test]
    fn an_earlier_start_tells_used_messages_from_those_never_given() {
        let mut skipped = Skipped::new(100);
        assert!(skipped.was_used(100) && !skipped.was_used(99));
        skipped.lower_floor(50, 100);
        assert!(skipped.was_used(50) && !skipped.was_used(49));
        // Beyond what was dropped nothing is known.
        let (mut skipped, _) = passed(0, 300);
        assert_eq!(skipped.drop_lowest(), Some(0..256));
        skipped.lower_floor(0, 10);
        assert!(!skipped.was_used(0) && skipped.floor() == 256);
    }
}
