//! The two-level hash ratchet of a sender key (`docs/PROTOCOL.md` section 8.1).
//!
//! Seeds lead from block to block, a chain from message to message within one, so a receiver passes a whole block
//! with one derivation.

use zeroize::Zeroize as _;

use crate::crypto::Secret;
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::limits::{GROUP_BLOCK, GROUP_CHAIN_MAX};

/// The state at one counter. It derives everything from there on and nothing before.
pub(super) struct Chain {
    counter: u32,
    chain: Secret<32>,
    /// Of the block after the counter's.
    next_seed: Secret<32>,
}

impl Chain {
    /// At message 0, from `seed_0`.
    pub(super) fn start(seed: Secret<32>) -> Self {
        let mut start = Self { counter: 0, chain: Secret::zeroed(), next_seed: seed };
        start.enter_block();
        start
    }

    /// At any counter, as a distribution or a stored state gives it.
    pub(super) fn at(counter: u32, chain: Secret<32>, next_seed: Secret<32>) -> Self {
        Self { counter, chain, next_seed }
    }

    /// A copy to derive ahead on, or to keep on purpose.
    pub(super) fn duplicate(&self) -> Self {
        Self::at(self.counter, self.chain.duplicate(), self.next_seed.duplicate())
    }

    /// The next message's.
    pub(super) fn counter(&self) -> u32 {
        self.counter
    }

    pub(super) fn chain(&self) -> &Secret<32> {
        &self.chain
    }

    pub(super) fn next_seed(&self) -> &Secret<32> {
        &self.next_seed
    }

    /// What the next message is sealed with. [`Error::ChainExhausted`] after the last one.
    pub(super) fn derive(&self) -> Result<Step> {
        if self.counter >= GROUP_CHAIN_MAX { Err(Error::ChainExhausted) } else { Ok(step(&self.chain)) }
    }

    /// Moves past the message of `step`, which [`Chain::derive`] gave, and erases what it was derived from.
    pub(super) fn take(&mut self, step: &Step) {
        self.counter = self.counter.saturating_add(1);
        if self.counter.is_multiple_of(GROUP_BLOCK) {
            self.enter_block();
        } else {
            step.next_chain(&mut self.chain);
        }
    }

    /// Moves to a later counter and answers how to open what lies between, and nothing from there on.
    pub(super) fn advance(&mut self, to: u32) -> Result<Passed> {
        let mut passed = Passed::default();
        self.leave_blocks(to, |from, chain| passed.rests.push((from, chain.duplicate())));
        while self.counter < to {
            let step = self.derive()?;
            passed.keys.push((self.counter, step.message_key()));
            self.take(&step);
        }
        Ok(passed)
    }

    /// Moves to a later counter and forgets what lies between.
    pub(super) fn skip(&mut self, to: u32) -> Result<()> {
        self.leave_blocks(to, |_, _| ());
        while self.counter < to {
            let step = self.derive()?;
            self.take(&step);
        }
        Ok(())
    }

    /// Whether both are states of one chain: the earlier one, moved to the later one's counter, must equal it.
    pub(super) fn is_of_one_chain(&self, other: &Self) -> Result<bool> {
        let (earlier, later) = if self.counter < other.counter { (self, other) } else { (other, self) };
        let mut moved = earlier.duplicate();
        moved.skip(later.counter)?;
        Ok(moved.chain.ct_eq(&later.chain) & moved.next_seed.ct_eq(&later.next_seed))
    }

    /// Enters the block of `to`, showing each state that is left behind.
    fn leave_blocks(&mut self, to: u32, mut left: impl FnMut(u32, &Secret<32>)) {
        while self.counter / GROUP_BLOCK < to / GROUP_BLOCK {
            left(self.counter, &self.chain);
            self.counter = block_end(self.counter);
            self.enter_block();
        }
    }

    fn enter_block(&mut self) {
        let mut seed = Step::EMPTY;
        let [next, ..] = &mut seed.0;
        count_expansion();
        kdf::expand_keys(&self.next_seed, Label::Block, [next, self.chain.as_mut_bytes()]);
        self.next_seed.as_mut_bytes().copy_from_slice(next);
    }
}

/// The first counter of the block after this counter's.
pub(super) const fn block_end(counter: u32) -> u32 {
    (counter / GROUP_BLOCK).saturating_add(1).saturating_mul(GROUP_BLOCK)
}

/// What one message step derives: the next chain, the message key, the commitment. On the stack, so that sending
/// needs no heap; wiped on drop.
pub(super) struct Step([[u8; 32]; 3]);

/// One step from `chain_(b,j)`.
pub(super) fn step(chain: &Secret<32>) -> Step {
    let mut step = Step::EMPTY;
    let [next, key, commitment] = &mut step.0;
    count_expansion();
    kdf::expand_keys(chain, Label::Step, [next, key, commitment]);
    step
}

impl Step {
    const EMPTY: Self = Self([[0; 32]; 3]);

    /// Puts the next chain into place.
    pub(super) fn next_chain(&self, chain: &mut Secret<32>) {
        let [next, ..] = &self.0;
        chain.as_mut_bytes().copy_from_slice(next);
    }

    /// Puts the message key into place.
    pub(super) fn key(&self, to: &mut Secret<32>) {
        let [_, key, _] = &self.0;
        to.as_mut_bytes().copy_from_slice(key);
    }

    /// What binds the message to the chain; goes into its digest and never onto the wire.
    pub(super) fn commitment(&self) -> &[u8] {
        let [.., commitment] = &self.0;
        commitment
    }

    /// Key and commitment, to be stored.
    pub(super) fn message_key(&self) -> MessageKey {
        let [_, both @ ..] = &self.0;
        let mut stored = Secret::zeroed();
        stored.as_mut_bytes().copy_from_slice(both.as_flattened());
        MessageKey(stored)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.0.as_flattened_mut().zeroize();
    }
}

/// The key and the commitment of one message.
pub(super) struct MessageKey(Secret<64>);

impl MessageKey {
    pub(super) fn from_secret(both: Secret<64>) -> Self {
        Self(both)
    }

    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    pub(super) fn key(&self) -> Secret<32> {
        self.0.part::<0, 32>()
    }

    pub(super) fn commitment(&self) -> &[u8] {
        self.0.as_bytes().get(32..).unwrap_or_default()
    }

    pub(super) fn as_secret(&self) -> &Secret<64> {
        &self.0
    }
}

/// How to open the messages between two states.
#[derive(Default)]
pub(super) struct Passed {
    /// Counter and chain there: what is left of a block from that counter on.
    pub(super) rests: Vec<(u32, Secret<32>)>,
    /// Single messages.
    pub(super) keys: Vec<(u32, MessageKey)>,
}

#[cfg(test)]
thread_local! {
    static EXPANSIONS: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
}

/// Lets tests see what a gap costs.
#[cfg(test)]
pub(super) fn expansions() -> u64 {
    EXPANSIONS.get()
}

fn count_expansion() {
    #[cfg(test)]
    EXPANSIONS.set(EXPANSIONS.get() + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain::start(Secret::new([7; 32]))
    }

    fn walk(chain: &mut Chain, to: u32) -> Vec<MessageKey> {
        let mut keys = Vec::new();
        while chain.counter() < to {
            let step = chain.derive().unwrap();
            keys.push(step.message_key());
            chain.take(&step);
        }
        keys
    }

    #[test]
    fn the_layout_is_that_of_the_protocol() {
        let mut block = [0; 64];
        kdf::expand(&Secret::new([7; 32]), Label::Block, &[], &mut block);
        assert_eq!(chain().next_seed().as_bytes(), &block[..32]);
        assert_eq!(chain().chain().as_bytes(), &block[32..]);
        let mut derived = [0; 96];
        kdf::expand(chain().chain(), Label::Step, &[], &mut derived);
        let step = chain().derive().unwrap();
        assert_eq!(step.message_key().key().as_bytes(), &derived[32..64]);
        assert_eq!(step.commitment(), &derived[64..]);
        assert_eq!(step.message_key().commitment(), &derived[64..]);
    }

    #[test]
    fn every_way_to_a_counter_gives_the_same_state() {
        for to in [0, 1, 255, 256, 257, 511, 512, 1_000] {
            let (mut walked, mut advanced, mut skipped) = (chain(), chain(), chain());
            walk(&mut walked, to);
            advanced.advance(to).unwrap();
            skipped.skip(to).unwrap();
            for other in [&advanced, &skipped] {
                assert_eq!(other.counter(), to);
                assert!(walked.chain().ct_eq(other.chain()) && walked.next_seed().ct_eq(other.next_seed()));
            }
        }
    }

    #[test]
    fn what_was_passed_opens_what_lies_between() {
        let keys = walk(&mut chain(), 800);
        let mut ahead = chain();
        ahead.skip(100).unwrap();
        let passed = ahead.advance(700).unwrap();
        let mut seen = Vec::new();
        for (from, rest) in &passed.rests {
            let mut rest = rest.duplicate();
            for counter in *from..block_end(*from) {
                let step = step(&rest);
                assert_eq!(
                    step.message_key().as_secret().as_bytes(),
                    keys[counter as usize].as_secret().as_bytes()
                );
                step.next_chain(&mut rest);
                seen.push(counter);
            }
        }
        for (counter, key) in &passed.keys {
            assert_eq!(key.as_secret().as_bytes(), keys[*counter as usize].as_secret().as_bytes());
            seen.push(*counter);
        }
        assert_eq!(seen, (100..700).collect::<Vec<_>>());
    }

    #[test]
    fn a_gap_of_24_000_costs_about_350_expansions() {
        let mut chain = chain();
        chain.skip(3).unwrap();
        let before = expansions();
        chain.advance(24_003).unwrap();
        assert!(expansions() - before <= 350, "{}", expansions() - before);
    }

    #[test]
    fn states_of_one_chain_know_each_other() {
        let (mut one, mut other) = (chain(), chain());
        one.skip(10).unwrap();
        other.skip(1_234).unwrap();
        assert!(one.is_of_one_chain(&other).unwrap());
        assert!(other.is_of_one_chain(&one).unwrap());
        let stranger = Chain::start(Secret::new([8; 32]));
        assert!(!stranger.is_of_one_chain(&other).unwrap());
    }

    #[test]
    fn the_chain_ends_at_its_limit() {
        let mut chain = Chain::at(GROUP_CHAIN_MAX - 1, Secret::new([1; 32]), Secret::new([2; 32]));
        let step = chain.derive().unwrap();
        chain.take(&step);
        assert_eq!(chain.derive().err(), Some(Error::ChainExhausted));
        assert_eq!(chain.skip(GROUP_CHAIN_MAX + 1).err(), Some(Error::ChainExhausted));
    }
}
