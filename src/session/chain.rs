//! One direction's chain between two DH steps (`docs/PROTOCOL.md` section 5.3).

use zeroize::Zeroize as _;

use crate::crypto::Secret;
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};

/// A message key that was derived and not used, with its counter.
pub(super) type Skipped = (u32, Secret<32>);

/// A chain key, and the counter of the message that its next step is for.
pub(super) struct Chain {
    key: Secret<32>,
    counter: u32,
}

/// What one step of a chain gives, before the chain has taken it. Its place is used again and again, so that a
/// message allocates nothing.
pub(super) struct Step {
    next: Secret<32>,
    key: Secret<32>,
}

impl Chain {
    pub(super) fn new(key: Secret<32>, counter: u32) -> Self {
        Self { key, counter }
    }

    pub(super) fn key(&self) -> &Secret<32> {
        &self.key
    }

    pub(super) fn counter(&self) -> u32 {
        self.counter
    }

    /// The next step. The last counter is never used, so that a count of messages always fits its field.
    pub(super) fn derive(&self, step: &mut Step) -> Result<()> {
        if self.counter == u32::MAX {
            return Err(Error::ChainExhausted);
        }
        let Step { next, key } = step;
        kdf::expand_keys(&self.key, Label::Chain, [next.as_mut_bytes(), key.as_mut_bytes()]);
        Ok(())
    }

    /// Takes the step that [`Chain::derive`] gave, which erases the key before it and leaves nothing of the step.
    pub(super) fn advance(&mut self, step: &mut Step) {
        self.advance_past(self.counter, step);
    }

    /// Takes the step of a message that [`Chain::reach`] gave.
    pub(super) fn advance_past(&mut self, counter: u32, step: &mut Step) {
        core::mem::swap(&mut self.key, &mut step.next);
        step.wipe();
        self.counter = counter.saturating_add(1);
    }

    /// The step of message `counter`, which must not lie before this chain's, and the keys of the messages between.
    /// This chain stays as it is.
    pub(super) fn reach(&self, counter: u32, step: &mut Step) -> Result<Vec<Skipped>> {
        if self.counter == counter {
            self.derive(step)?;
            return Ok(Vec::new());
        }
        let mut chain = Self::new(self.key.duplicate(), self.counter);
        let skipped = chain.skip(counter, step)?;
        chain.derive(step)?;
        Ok(skipped)
    }

    /// The keys of the messages before `end`, without the key of the chain after them. `step` is left wiped.
    pub(super) fn rest(&self, end: u32, step: &mut Step) -> Result<Vec<Skipped>> {
        Self::new(self.key.duplicate(), self.counter).skip(end, step)
    }

    /// Steps over `count` messages and keeps none of their keys.
    pub(super) fn pass(&mut self, count: u32) -> Result<()> {
        let mut step = Step::new();
        for _ in 0..count {
            self.derive(&mut step)?;
            self.advance(&mut step);
        }
        Ok(())
    }

    fn skip(&mut self, end: u32, step: &mut Step) -> Result<Vec<Skipped>> {
        let mut skipped = Vec::new();
        while self.counter < end {
            self.derive(step)?;
            skipped.push((self.counter, step.key.duplicate()));
            self.advance(step);
        }
        Ok(skipped)
    }
}

impl Step {
    /// A place for one.
    pub(super) fn new() -> Self {
        Self { next: Secret::zeroed(), key: Secret::zeroed() }
    }

    /// The key of the message.
    pub(super) fn key(&self) -> &Secret<32> {
        &self.key
    }

    /// Holds a stored message key instead, of a chain that went on long ago.
    pub(super) fn hold(&mut self, key: &Secret<32>) {
        self.key.as_mut_bytes().copy_from_slice(key.as_bytes());
    }

    /// Leaves an empty place.
    pub(super) fn wipe(&mut self) {
        self.next.zeroize();
        self.key.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain::new(Secret::new([7; 32]), 0)
    }

    #[test]
    fn reaching_ahead_gives_the_keys_of_stepping_one_by_one() {
        let (mut stepped, mut step) = (chain(), Step::new());
        let mut keys = Vec::new();
        for counter in 0..4 {
            assert!(stepped.reach(counter, &mut step).unwrap().is_empty());
            keys.push(step.key().duplicate());
            stepped.advance(&mut step);
        }
        let mut leapt = chain();
        let skipped = leapt.reach(3, &mut step).unwrap();
        assert!(step.key().ct_eq(&keys[3]));
        assert_eq!(skipped.iter().map(|(counter, _)| *counter).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(skipped.iter().zip(&keys).all(|((_, skipped), key)| skipped.ct_eq(key)));
        assert!(leapt.key().ct_eq(chain().key()), "nothing is taken yet");
        leapt.advance_past(3, &mut step);
        assert!(leapt.key().ct_eq(stepped.key()));
        assert_eq!(leapt.counter(), 4);
    }

    #[test]
    fn a_step_that_was_taken_leaves_no_key() {
        let (mut chain, mut step) = (chain(), Step::new());
        let before = chain.key().duplicate();
        chain.derive(&mut step).unwrap();
        chain.advance(&mut step);
        assert!(!chain.key().ct_eq(&before));
        assert_eq!((step.next.as_bytes(), step.key.as_bytes()), (&[0; 32], &[0; 32]));
    }

    #[test]
    fn the_layout_is_that_of_the_protocol() {
        let (mut both, mut step) = ([0; 64], Step::new());
        kdf::expand(chain().key(), Label::Chain, b"", &mut both);
        chain().derive(&mut step).unwrap();
        assert_eq!([*step.next.as_bytes(), *step.key.as_bytes()].as_flattened(), both);
    }

    #[test]
    fn the_last_counter_is_never_used() {
        let mut last = Chain::new(Secret::new([7; 32]), u32::MAX - 1);
        last.pass(1).unwrap();
        assert_eq!(last.derive(&mut Step::new()), Err(Error::ChainExhausted));
        assert_eq!(last.pass(1), Err(Error::ChainExhausted));
    }
}
