//! Who somebody is: two key pairs, the card that shows them, prekeys, and what people compare (`docs/PROTOCOL.md`
//! sections 3 and 4).

mod card;
mod fingerprint;
mod first_messages;
mod hello;
mod prekey_store;
mod prekeys;
pub mod safety;
mod state;

use core::fmt;

use crate::crypto::Secret;
use crate::crypto::ecc::{AgreePrivate, AgreePublic, SIGNATURE_LEN, SignPrivate};
use crate::crypto::kdf::Label;
use crate::crypto::rng::Random;
use crate::error::Result;
use crate::limits::DAY_MS;
use crate::wire::prekeys::PrekeyBundleFields;
use first_messages::Plain;
use prekey_store::PrekeyStore;

pub use card::Card;
pub use fingerprint::Fingerprint;
pub use prekeys::{OneTimePrekey, PrekeyBundle, SignedPrekey};
pub use safety::{SafetyNumber, safety_number};

/// An own identity: the private keys, the card, the prekeys, and the first messages that were accepted.
///
/// Every method that takes `now_ms` treats a value below an earlier one as that earlier one.
pub struct Identity {
    keys: Keys,
    card: Card,
    prekeys: PrekeyStore,
    plain: Plain,
    now_ms: u64,
}

/// The private keys. Only [`Identity::sign`], [`Identity::agree`] and the prekeys use them, so that a hardware key
/// can stand here.
struct Keys {
    sign: SignPrivate,
    agree: AgreePrivate,
}

/// How an identity is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityOptions {
    /// Whether a handshake without a signed prekey is refused, so that a relay cannot cause one by hiding prekeys.
    pub prekeys_required: bool,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        Self { prekeys_required: true }
    }
}

impl Identity {
    /// Makes a new identity. [`crate::Error::InvalidText`] or [`crate::Error::TooLarge`] for a bad user id.
    pub fn generate(rng: &mut dyn Random, user: &str, options: IdentityOptions, now_ms: u64) -> Result<Self> {
        let keys = Keys { sign: SignPrivate::generate(rng)?, agree: AgreePrivate::generate(rng)? };
        let required = options.prekeys_required;
        let card = Card::issue(rng, user, &keys.sign, keys.agree.public(), required, now_ms)?;
        Ok(Self { keys, card, prekeys: PrekeyStore::new(rng)?, plain: Plain::default(), now_ms })
    }

    /// The card to show to others.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The user id.
    #[must_use]
    pub fn user(&self) -> &str {
        self.card.user()
    }

    /// What others remember it by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.card.fingerprint()
    }

    /// Signs `L(label)` and the concatenated `parts`.
    pub fn sign(&self, rng: &mut dyn Random, label: Label, parts: &[&[u8]]) -> Result<[u8; SIGNATURE_LEN]> {
        self.keys.sign.sign(rng, label, parts)
    }

    /// ECDH of the long-term agreement key and `public`.
    pub fn agree(&self, public: &AgreePublic) -> Result<Secret<32>> {
        self.keys.agree.agree(public)
    }

    /// Bytes of the bundle that [`Identity::prekeys`] would give; [`crate::Error::LimitReached`] where it would.
    pub fn prekeys_len(&self, one_time: u32, now_ms: u64) -> Result<usize> {
        let one_time = self.prekeys.check_room(one_time, self.highest(now_ms))?;
        Ok(PrekeyBundleFields::encoded_len(self.user(), one_time))
    }

    /// A bundle to publish: the current signed prekey, a new one when it is due, and `one_time` new one-time prekeys.
    ///
    /// Save the identity before the bundle leaves. [`crate::Error::LimitReached`] if more than
    /// [`crate::limits::ONE_TIME_PREKEYS_MAX`] one-time prekeys would be unused; nothing changes then.
    pub fn prekeys(&mut self, rng: &mut dyn Random, one_time: u32, now_ms: u64) -> Result<Vec<u8>> {
        let now_ms = self.highest(now_ms);
        let (signed, one_time) =
            self.prekeys.publish(rng, &self.keys.sign, self.card.fingerprint(), one_time, now_ms)?;
        let bundle = PrekeyBundle::of(&self.card, signed, one_time).to_bytes()?;
        self.expire(now_ms);
        Ok(bundle)
    }

    /// The private half of a signed prekey; [`crate::Error::UnknownPrekey`] if there is none, or it is past its time.
    pub fn signed_prekey(&self, id: u32, now_ms: u64) -> Result<&AgreePrivate> {
        self.prekeys.signed(id, self.highest(now_ms)).map(|prekey| &prekey.key)
    }

    /// The private half of a one-time prekey; [`crate::Error::UnknownPrekey`] if there is none, or it was used, or it
    /// is past its time.
    pub fn one_time_prekey(&self, id: u32, now_ms: u64) -> Result<&AgreePrivate> {
        self.prekeys.one_time(id, self.highest(now_ms))
    }

    /// Whether a first message may still be accepted (section 5.6, steps 3b and 3c). `signed_id` is `None` in the
    /// plain flow.
    ///
    /// [`crate::Error::UnknownPrekey`] for a signed prekey that is gone; [`crate::Error::Expired`] for a plain message
    /// too old or from the future; [`crate::Error::Replay`] for one that was accepted before;
    /// [`crate::Error::LimitReached`] if no more can be remembered.
    pub fn check_first_message(
        &self,
        signed_id: Option<u32>,
        ephemeral_hash: &[u8; 32],
        created_ms: u64,
        now_ms: u64,
    ) -> Result<()> {
        let now_ms = self.highest(now_ms);
        match signed_id {
            Some(id) => self.prekeys.signed(id, now_ms)?.first_messages.check(ephemeral_hash),
            None => self.plain.check(ephemeral_hash, created_ms, now_ms),
        }
    }

    /// Remembers a first message that [`Identity::check_first_message`] allowed and that has authenticated itself,
    /// and erases the one-time prekey that it used.
    pub fn accept_first_message(
        &mut self,
        signed_id: Option<u32>,
        one_time_id: Option<u32>,
        ephemeral_hash: &[u8; 32],
        created_ms: u64,
        now_ms: u64,
    ) {
        match signed_id {
            Some(id) => self.prekeys.accept(id, one_time_id, *ephemeral_hash),
            None => self.plain.accept(*ephemeral_hash, created_ms),
        }
        self.expire(now_ms);
    }

    /// When [`Identity::prekeys`] makes a new signed prekey; `None` if it would do so now.
    #[must_use]
    pub fn prekeys_due_ms(&self) -> Option<u64> {
        self.prekeys.due_ms(self.now_ms)
    }

    /// Erases all one-time prekeys and makes the next bundle one with a new signed prekey and ids that no earlier one
    /// had: for a state that is an older copy of itself, which may have given out others since (section 16.6).
    ///
    /// [`crate::Error::LimitReached`] if no ids are left; nothing changes then.
    pub fn discard_prekeys(&mut self, rng: &mut dyn Random, now_ms: u64) -> Result<()> {
        self.prekeys.discard(rng)?;
        self.expire(now_ms);
        Ok(())
    }

    /// Erases prekeys past their time, and forgets the first messages that their time alone refuses.
    pub fn expire(&mut self, now_ms: u64) {
        self.now_ms = self.highest(now_ms);
        self.prekeys.expire(self.now_ms);
        self.plain.expire(self.now_ms);
    }

    /// Forgets times more than a day ahead: the clock had been wrong once. Answers whether that changed anything.
    ///
    /// What such a clock has let expire is gone, first messages of the plain flow that were remembered among it: who
    /// calls this knows messages by their ids.
    pub fn correct_clock(&mut self, now_ms: u64) -> bool {
        let is_ahead = self.now_ms > now_ms.saturating_add(DAY_MS);
        if is_ahead {
            self.now_ms = now_ms;
        }
        is_ahead
    }

    /// What an application may want to show or act on. Nothing secret.
    #[must_use]
    pub fn info(&self) -> IdentityInfo {
        let signed = self.prekeys.signed.last();
        let under_prekeys = self.prekeys.signed.iter().map(|prekey| prekey.first_messages.len());
        IdentityInfo {
            card: self.card.clone(),
            signed_prekeys: self.prekeys.signed.iter().map(|prekey| prekey.public()).collect(),
            rotate_ms: signed.map(|prekey| prekey.rotate_ms()),
            one_time_prekeys: self.prekeys.one_time.len(),
            first_messages: under_prekeys.sum::<usize>() + self.plain.len(),
        }
    }

    fn highest(&self, now_ms: u64) -> u64 {
        self.now_ms.max(now_ms)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys: _, card, prekeys: _, plain: _, now_ms: _ } = self;
        f.debug_struct("Identity").field("user", &card.user()).finish_non_exhaustive()
    }
}

/// What [`Identity::info`] tells.
#[derive(Debug, Clone)]
pub struct IdentityInfo {
    /// User id, fingerprint, flags and age stand in it.
    pub card: Card,
    /// The public halves of the signed prekeys that are alive, oldest first.
    pub signed_prekeys: Vec<SignedPrekey>,
    /// When [`Identity::prekeys`] makes a new signed prekey; `None` if it would do so now because there is none.
    pub rotate_ms: Option<u64>,
    /// One-time prekeys that nobody has used yet.
    pub one_time_prekeys: usize,
    /// First messages that are remembered against replay.
    pub first_messages: usize,
}
