//! One direction's chain between two DH steps (`docs/PROTOCOL.md` section 5.3).

use zeroize::Zeroizing;

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

/// What one step of a chain gives, before the chain has taken it. On the stack: sending allocates nothing.
pub(super) struct Step(Zeroizing<[u8; 64]>);

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
    pub(super) fn derive(&self) -> Result<Step> {
        if self.counter == u32::MAX {
            return Err(Error::ChainExhausted);
        }
        let mut step = Step(Zeroizing::new([0; 64]));
        kdf::expand(&self.key, Label::Chain, b"", &mut step.0);
        Ok(step)
    }

    /// Takes a step that [`Chain::derive`] gave, which erases the key before it.
    pub(super) fn advance(&mut self, step: &Step) {
        let (next, _) = step.halves();
        self.key.as_mut_bytes().copy_from_slice(next);
        self.counter = self.counter.saturating_add(1);
    }

    /// The key of message `counter`, which must not lie before this chain's; the keys of the messages between; and
    /// the chain after it. This chain stays as it is.
    pub(super) fn reach(&self, counter: u32) -> Result<(Secret<32>, Vec<Skipped>, Self)> {
        let mut chain = Self::new(self.key.duplicate(), self.counter);
        let skipped = chain.skip(counter)?;
        let step = chain.derive()?;
        let mut key = Secret::zeroed();
        step.message_key(&mut key);
        chain.advance(&step);
        Ok((key, skipped, chain))
    }

    /// The keys of the messages before `end`, without the key of the chain after them.
    pub(super) fn rest(&self, end: u32) -> Result<Vec<Skipped>> {
        Self::new(self.key.duplicate(), self.counter).skip(end)
    }

    /// Steps over the messages before `end` and keeps none of their keys.
    pub(super) fn pass(&mut self, count: u32) -> Result<()> {
        for _ in 0..count {
            let step = self.derive()?;
            self.advance(&step);
        }
        Ok(())
    }

    fn skip(&mut self, end: u32) -> Result<Vec<Skipped>> {
        let mut skipped = Vec::new();
        while self.counter < end {
            let step = self.derive()?;
            let mut key = Secret::zeroed();
            step.message_key(&mut key);
            skipped.push((self.counter, key));
            self.advance(&step);
        }
        Ok(skipped)
    }
}

impl Step {
    /// Copies the message key out.
    pub(super) fn message_key(&self, into: &mut Secret<32>) {
        let (_, key) = self.halves();
        into.as_mut_bytes().copy_from_slice(key);
    }

    fn halves(&self) -> (&[u8], &[u8]) {
        self.0.split_at(32)
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
        let mut stepped = chain();
        let mut keys = Vec::new();
        for _ in 0..4 {
            let (key, skipped, next) = stepped.reach(stepped.counter()).unwrap();
            assert!(skipped.is_empty());
            keys.push(key);
            stepped = next;
        }
        let (key, skipped, next) = chain().reach(3).unwrap();
        assert!(key.ct_eq(&keys[3]));
        assert_eq!(skipped.iter().map(|(counter, _)| *counter).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(skipped.iter().zip(&keys).all(|((_, skipped), key)| skipped.ct_eq(key)));
        assert!(next.key().ct_eq(stepped.key()));
        assert_eq!(next.counter(), 4);
    }

    #[test]
    fn the_last_counter_is_never_used() {
        let mut last = Chain::new(Secret::new([7; 32]), u32::MAX - 1);
        last.pass(1).unwrap();
        assert_eq!(last.derive().err(), Some(Error::ChainExhausted));
        assert_eq!(last.pass(1), Err(Error::ChainExhausted));
    }
}
