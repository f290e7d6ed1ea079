//! The public half of prekeys: what a peer fetches to make a handshake (`docs/PROTOCOL.md` section 4).

use crate::crypto::ecc::{AgreePublic, SIGNATURE_LEN, SignPublic};
use crate::crypto::kdf::Label;
use crate::error::{Error, Result};
use crate::identity::{Card, Fingerprint};
use crate::wire::codec::Put as _;
use crate::wire::prekeys::{OneTimePrekeyFields, PrekeyBundleFields, SignedPrekeyFields};

/// A prekey that its owner has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPrekey {
    /// Names it in a handshake.
    pub id: u32,
    /// Agrees with its owner.
    pub key: AgreePublic,
    /// When it was made, by its owner's clock.
    pub created_ms: u64,
    /// From when on it is dead.
    pub expires_ms: u64,
    /// By its owner.
    pub signature: [u8; SIGNATURE_LEN],
}

impl SignedPrekey {
    /// Checks the signature; [`Error::AuthenticationFailed`] if it does not hold.
    pub(super) fn verify(&self, sign_key: &SignPublic, owner: Fingerprint) -> Result<()> {
        let message = signed_bytes(owner, self.id, &self.key, self.created_ms, self.expires_ms);
        sign_key.verify(Label::Prekey, &[&message], &self.signature)
    }

    fn fields(&self) -> SignedPrekeyFields<'_> {
        SignedPrekeyFields {
            id: self.id,
            key: self.key.as_bytes(),
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
            signature: &self.signature,
        }
    }
}

/// What the signature of a signed prekey covers, after its label.
pub(super) fn signed_bytes(
    owner: Fingerprint,
    id: u32,
    key: &AgreePublic,
    created_ms: u64,
    expires_ms: u64,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.put(owner.as_bytes());
    bytes.put_u32(id);
    bytes.put(key.as_bytes());
    bytes.put_u64(created_ms);
    bytes.put_u64(expires_ms);
    bytes
}

/// A prekey for a single handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimePrekey {
    /// Names it in a handshake.
    pub id: u32,
    /// Agrees with its owner.
    pub key: AgreePublic,
}

impl OneTimePrekey {
    fn fields(&self) -> OneTimePrekeyFields<'_> {
        OneTimePrekeyFields { id: self.id, key: self.key.as_bytes() }
    }
}

/// A bundle that was checked against the card of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrekeyBundle {
    user: Box<str>,
    fingerprint: Fingerprint,
    signed: SignedPrekey,
    one_time: Vec<OneTimePrekey>,
}

impl PrekeyBundle {
    /// Takes the bytes of a bundle. Its age is [`PrekeyBundle::check_time`]'s to judge.
    ///
    /// [`Error::Malformed`], [`Error::UnsupportedVersion`], [`Error::UnsupportedSuite`], [`Error::WrongKind`];
    /// [`Error::IdentityChanged`] if it belongs to another identity than the card;
    /// [`Error::AuthenticationFailed`] for a signature that does not hold.
    pub fn parse(bytes: &[u8], card: &Card) -> Result<Self> {
        let fields = PrekeyBundleFields::parse(bytes)?;
        if fields.fingerprint != card.fingerprint().as_bytes() {
            return Err(Error::IdentityChanged);
        }
        if fields.user != card.user() {
            return Err(Error::Malformed);
        }
        let signed = SignedPrekey {
            id: fields.signed.id,
            key: AgreePublic::from_bytes(fields.signed.key)?,
            created_ms: fields.signed.created_ms,
            expires_ms: fields.signed.expires_ms,
            signature: *fields.signed.signature,
        };
        signed.verify(card.sign_key(), card.fingerprint())?;
        let one_time = fields
            .one_time
            .iter()
            .map(|prekey| Ok(OneTimePrekey { id: prekey.id, key: AgreePublic::from_bytes(prekey.key)? }));
        Ok(Self {
            user: card.user().into(),
            fingerprint: card.fingerprint(),
            signed,
            one_time: one_time.collect::<Result<_>>()?,
        })
    }

    /// What an owner publishes.
    pub(super) fn of(card: &Card, signed: SignedPrekey, one_time: Vec<OneTimePrekey>) -> Self {
        Self { user: card.user().into(), fingerprint: card.fingerprint(), signed, one_time }
    }

    /// Whose prekeys they are.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The identity whose prekeys they are.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The signed prekey.
    #[must_use]
    pub fn signed(&self) -> &SignedPrekey {
        &self.signed
    }

    /// One-time prekeys by ascending id: many when published, none or one when handed out.
    #[must_use]
    pub fn one_time(&self) -> &[OneTimePrekey] {
        &self.one_time
    }

    /// Whether the signed prekey is alive; [`Error::Expired`] if not.
    pub fn check_time(&self, now_ms: u64) -> Result<()> {
        if now_ms < self.signed.expires_ms { Ok(()) } else { Err(Error::Expired) }
    }

    /// The bundle as it is sent, with all its one-time prekeys.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.encode(&self.one_time)
    }

    /// The bundle as a relay hands it out, with one one-time prekey or none.
    pub fn bytes_with(&self, one_time: Option<&OneTimePrekey>) -> Result<Vec<u8>> {
        self.encode(one_time.map_or(&[], core::slice::from_ref))
    }

    fn encode(&self, one_time: &[OneTimePrekey]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        PrekeyBundleFields {
            user: &self.user,
            fingerprint: self.fingerprint.as_bytes(),
            signed: self.signed.fields(),
            one_time: one_time.iter().map(OneTimePrekey::fields).collect(),
        }
        .put(&mut bytes)?;
        Ok(bytes)
    }
}
