//! The public half of an identity, signed by itself (`docs/PROTOCOL.md` section 3.1).

use core::fmt;
use std::sync::Arc;

use crate::crypto::ecc::{AgreePublic, SignPrivate, SignPublic};
use crate::crypto::kdf::Label;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::Fingerprint;
use crate::limits::{CARD_MAX, GROUP_MEMBERS_MAX};
use crate::wire::card::{CardFields, PREKEYS_REQUIRED};
use crate::wire::codec::Reader;
use crate::wire::name::check_user;

/// A card that was checked whole: name, points, flags, signature. Cheap to clone.
///
/// That a card is valid says that its keys belong together, not that they are those of the person: pin the
/// fingerprint, compare the safety number.
#[derive(Clone)]
pub struct Card(Arc<Checked>);

struct Checked {
    user: Box<str>,
    sign_key: SignPublic,
    agree_key: AgreePublic,
    flags: u8,
    created_ms: u64,
    fingerprint: Fingerprint,
    bytes: Box<[u8]>,
}

impl Card {
    /// Takes the bytes of one card.
    ///
    /// [`Error::TooLarge`] above [`CARD_MAX`]; [`Error::Malformed`], [`Error::UnsupportedVersion`],
    /// [`Error::UnsupportedSuite`], [`Error::WrongKind`]; [`Error::AuthenticationFailed`] for a signature that does
    /// not hold.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > CARD_MAX {
            return Err(Error::TooLarge);
        }
        let mut rest = bytes;
        let card = Self::read(&mut rest)?;
        if rest.is_empty() { Ok(card) } else { Err(Error::Malformed) }
    }

    /// Takes any number of cards one after another, each as in [`Card::parse`]; [`Error::LimitReached`] above
    /// [`GROUP_MEMBERS_MAX`] of them.
    pub fn parse_many(mut bytes: &[u8]) -> Result<Vec<Self>> {
        let mut cards = Vec::new();
        while !bytes.is_empty() {
            if cards.len() >= GROUP_MEMBERS_MAX {
                return Err(Error::LimitReached);
            }
            cards.push(Self::read(&mut bytes)?);
        }
        Ok(cards)
    }

    /// Takes one card off the front of `rest`.
    fn read(rest: &mut &[u8]) -> Result<Self> {
        let mut reader = Reader::new(rest);
        let fields = CardFields::read(&mut reader)?;
        let signed_len = reader.position();
        let signature = reader.array()?;
        let (bytes, after) = rest.split_at_checked(reader.position()).ok_or(Error::Malformed)?;
        let signed = bytes.get(..signed_len).ok_or(Error::Malformed)?;

        if fields.sign_key == fields.agree_key {
            return Err(Error::Malformed);
        }
        let sign_key = SignPublic::from_bytes(fields.sign_key)?;
        let agree_key = AgreePublic::from_bytes(fields.agree_key)?;
        sign_key.verify(Label::Card, &[signed], signature)?;
        *rest = after;
        Self::checked(&fields, sign_key, agree_key, bytes.into())
    }

    /// Makes the card of an identity. [`Error::InvalidText`] or [`Error::TooLarge`] for a bad user id.
    pub(super) fn issue(
        rng: &mut dyn Random,
        user: &str,
        sign: &SignPrivate,
        agree_key: &AgreePublic,
        prekeys_required: bool,
        created_ms: u64,
    ) -> Result<Self> {
        check_user(user.as_bytes())?;
        let sign_key = sign.public();
        let fields = CardFields {
            user,
            sign_key: sign_key.as_bytes(),
            agree_key: agree_key.as_bytes(),
            flags: if prekeys_required { PREKEYS_REQUIRED } else { 0 },
            created_ms,
        };
        let mut bytes = Vec::new();
        fields.put(&mut bytes)?;
        let signature = sign.sign(rng, Label::Card, &[&bytes])?;
        bytes.extend_from_slice(&signature);
        Self::checked(&fields, sign_key.clone(), agree_key.clone(), bytes.into())
    }

    fn checked(
        fields: &CardFields<'_>,
        sign_key: SignPublic,
        agree_key: AgreePublic,
        bytes: Box<[u8]>,
    ) -> Result<Self> {
        let fingerprint = Fingerprint::of(fields.user, &sign_key, &agree_key)?;
        let CardFields { user, flags, created_ms, .. } = *fields;
        let user = user.into();
        Ok(Self(Arc::new(Checked { user, sign_key, agree_key, flags, created_ms, fingerprint, bytes })))
    }

    /// Whose card it is.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// Verifies what its owner signs.
    #[must_use]
    pub fn sign_key(&self) -> &SignPublic {
        &self.0.sign_key
    }

    /// Agrees with its owner.
    #[must_use]
    pub fn agree_key(&self) -> &AgreePublic {
        &self.0.agree_key
    }

    /// Whether its owner takes no handshake without a signed prekey.
    #[must_use]
    pub fn prekeys_required(&self) -> bool {
        self.0.flags & PREKEYS_REQUIRED != 0
    }

    /// When it was made, by its owner's clock.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        self.0.created_ms
    }

    /// What its owner is remembered by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The card as it is sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl PartialEq for Card {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Card {}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card")
            .field("user", &self.user())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::SystemRandom;
    use crate::identity::{Identity, IdentityOptions};

    #[test]
    fn cards_are_equal_if_they_are_the_same_bytes() {
        let card = |user| {
            let options = IdentityOptions::default();
            Identity::generate(&mut SystemRandom, user, options, 1).unwrap().card().clone()
        };
        let (alice, other) = (card("alice"), card("alice"));
        assert_eq!(Card::parse(alice.as_bytes()).unwrap(), alice);
        assert_ne!(alice, other, "another identity of the same user");
    }

    #[test]
    fn more_bytes_than_any_card_has_are_too_large() {
        assert_eq!(Card::parse(&[0; CARD_MAX + 1]).unwrap_err(), Error::TooLarge);
        assert_ne!(Card::parse(&[0; CARD_MAX]).unwrap_err(), Error::TooLarge);
    }
}
