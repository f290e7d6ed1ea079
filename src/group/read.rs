//! Reading one message with its sender key (`docs/PROTOCOL.md` section 8.5, steps 4 to 8).

use core::ops::Deref;

use crate::crypto::kdf::{self, Label};
use crate::crypto::{Secret, aead};
use crate::error::{Error, Result};
use crate::group::chain::{Chain, MessageKey, Passed, Step};
use crate::group::links::{LinkBytes, link_after};
use crate::group::sender_key::SenderKey;
use crate::group::short;
use crate::group::skipped::Use;
use crate::limits::{GROUP_CHAIN_MAX, GROUP_SKIP_MAX};
use crate::wire::envelope::ENVELOPE_ID_LEN;
use crate::wire::group::{GroupMessage, Link};

/// What an envelope is remembered by.
pub(super) fn envelope_id(envelope: &[u8]) -> [u8; ENVELOPE_ID_LEN] {
    *short(&kdf::hash(Label::Envelope, &[envelope]))
}

/// What a message is signed and linked by (section 8.2).
#[derive(Clone, Copy)]
pub(super) struct Sums {
    /// What its signature covers.
    pub(super) digest: [u8; 32],
    /// What its successor carries.
    pub(super) after: LinkBytes,
}

impl Sums {
    pub(super) fn of(commitment: &[u8], message: &GroupMessage<'_>) -> Self {
        let digest = kdf::hash(Label::Digest, &[commitment, message.aad, message.ciphertext]);
        Self { digest, after: link_after(&digest, message.signature) }
    }
}

/// What was derived for a message before its turn came. Both depend on nothing but the chain and the message.
#[derive(Clone, Copy, Default)]
pub(super) struct Ahead<'s> {
    pub(super) step: Option<&'s Step>,
    pub(super) sums: Option<Sums>,
}

/// A step of the chain.
pub(super) enum AnyStep<'s> {
    /// Derived ahead.
    Ahead(&'s Step),
    /// Derived now. Boxed, so that what moves on its way to being taken is no key.
    Now(Box<Step>),
}

impl<'s> AnyStep<'s> {
    /// The one that was derived ahead, or else what `derive` gives.
    pub(super) fn of(ahead: Option<&'s Step>, derive: impl FnOnce() -> Result<Step>) -> Result<Self> {
        ahead.map_or_else(|| derive().map(|step| Self::Now(Box::new(step))), |step| Ok(Self::Ahead(step)))
    }
}

impl Deref for AnyStep<'_> {
    type Target = Step;

    fn deref(&self) -> &Step {
        match self {
            Self::Ahead(step) => step,
            Self::Now(step) => step,
        }
    }
}

/// What opens a message that the chain has passed.
pub(super) enum StoredKey<'s> {
    /// It was stored itself.
    Single(MessageKey),
    /// It comes from the rest of a block.
    OfRest(AnyStep<'s>),
}

/// A message that was authenticated, and what taking it changes in its sender key.
pub(super) struct Read<'s> {
    counter: u32,
    change: Change<'s>,
    carried: Option<LinkBytes>,
    after: LinkBytes,
}

/// What opens the message, and what becomes of that.
enum Change<'s> {
    /// The chain takes this step.
    Next(AnyStep<'s>),
    /// The chain moves, and passes these.
    Leap { step: AnyStep<'s>, chain: Chain, passed: Passed },
    /// Something stored is used.
    Stored { key: StoredKey<'s>, used: Use },
}

impl Change<'_> {
    fn commitment(&self) -> &[u8] {
        match self {
            Self::Next(step) | Self::Leap { step, .. } => step.commitment(),
            Self::Stored { key: StoredKey::OfRest(step), .. } => step.commitment(),
            Self::Stored { key: StoredKey::Single(key), .. } => key.commitment(),
        }
    }

    fn copy_key(&self, to: &mut Secret<32>) {
        match self {
            Self::Next(step) | Self::Leap { step, .. } => step.key(to),
            Self::Stored { key: StoredKey::OfRest(step), .. } => step.key(to),
            Self::Stored { key: StoredKey::Single(key), .. } => *to = key.key(),
        }
    }
}

impl Read<'_> {
    /// Decrypts the ciphertext of its message, which `content` holds without the tag. [`Error::AuthenticationFailed`]
    /// wipes it.
    pub(super) fn unseal(
        &self,
        message: &GroupMessage<'_>,
        key: &mut Secret<32>,
        content: &mut [u8],
    ) -> Result<()> {
        let (_, tag) = message.ciphertext.split_last_chunk().ok_or(Error::Malformed)?;
        self.change.copy_key(key);
        aead::open(key, message.front.nonce, message.aad, content, tag)
    }
}

impl SenderKey {
    /// Authenticates a message (steps 4 to 7). Nothing changes. `is_recent` tells whether the envelope is one of
    /// those opened last; `verify` is asked to check the signature if nothing verified names the message.
    pub(super) fn authenticate<'s>(
        &self,
        message: &GroupMessage<'_>,
        ahead: Ahead<'s>,
        is_recent: impl FnOnce() -> bool,
        verify: impl FnOnce(&Sums) -> Result<()>,
    ) -> Result<Read<'s>> {
        let counter = message.front.counter;
        self.check_counter(counter, is_recent)?;
        let (sums, change) = if let Some(sums) = ahead.sums {
            (sums, None)
        } else {
            let change = self.derive(counter, ahead.step)?;
            (Sums::of(change.commitment(), message), Some(change))
        };
        let is_named = self.links.check(counter, message.front.link, &sums.after)?;
        if !is_named {
            verify(&sums)?;
        }
        let change = change.map_or_else(|| self.derive(counter, ahead.step), Ok)?;
        let carried = match message.front.link {
            Link::Known(link) => Some(*link),
            Link::Resumed { .. } => None,
        };
        Ok(Read { counter, change, carried, after: sums.after })
    }

    /// [`Error::AuthenticationFailed`] unless the sender key's pair signed the message.
    pub(super) fn verify(&self, message: &GroupMessage<'_>, sums: &Sums) -> Result<()> {
        self.signing_key.verify(Label::GroupMessage, &[&sums.digest], message.signature)
    }

    /// Carries out what a message changes that was authenticated and decrypted.
    pub(super) fn apply(&mut self, read: Read<'_>) {
        match read.change {
            Change::Next(step) => self.chain.take(&step),
            Change::Leap { chain, passed, .. } => {
                self.chain = chain;
                self.skipped.store(passed);
            }
            Change::Stored { used, .. } => self.skipped.apply(used),
        }
        self.links.forget(read.counter);
        let next = read.counter.saturating_add(1);
        if self.is_unread(next) {
            self.links.expect_carried(next, read.after);
        }
        let before = read.counter.checked_sub(1).filter(|before| self.skipped.contains(*before));
        if let (Some(before), Some(carried)) = (before, read.carried) {
            self.links.expect_named(before, carried);
        }
    }

    /// Remembers an envelope that was opened.
    pub(super) fn remember(&mut self, envelope_id: [u8; ENVELOPE_ID_LEN]) {
        self.recent.remember(&envelope_id);
    }

    /// Whether a message can be opened that was not.
    pub(super) fn is_unread(&self, counter: u32) -> bool {
        counter >= self.chain.counter() || self.skipped.contains(counter)
    }

    /// Step 4.
    pub(super) fn check_counter(&self, counter: u32, is_recent: impl FnOnce() -> bool) -> Result<()> {
        if counter >= GROUP_CHAIN_MAX {
            return Err(Error::Malformed);
        }
        match counter.checked_sub(self.chain.counter()) {
            Some(_) if self.end.is_some_and(|end| counter >= end) => Err(Error::UnknownKey),
            Some(gap) if gap > GROUP_SKIP_MAX => Err(Error::TooFarAhead),
            Some(_) => Ok(()),
            None if self.skipped.contains(counter) => Ok(()),
            None if is_recent() => Err(Error::Duplicate),
            None if self.skipped.was_used(counter) => Err(Error::Replay),
            None => Err(Error::UnknownKey),
        }
    }

    fn derive<'s>(&self, counter: u32, ahead: Option<&'s Step>) -> Result<Change<'s>> {
        let Some(gap) = counter.checked_sub(self.chain.counter()) else {
            let (key, used) = self.skipped.derive(counter, ahead).ok_or(Error::UnknownKey)?;
            return Ok(Change::Stored { key, used });
        };
        if gap == 0 {
            return AnyStep::of(ahead, || self.chain.derive()).map(Change::Next);
        }
        let mut chain = self.chain.duplicate();
        let passed = chain.advance(counter)?;
        let step = AnyStep::of(ahead, || chain.derive())?;
        chain.take(&step);
        Ok(Change::Leap { step, chain, passed })
    }
}
