//! vodozemac, brought to the same state as the library in [`crate::scene`].
//!
//! It is given every advantage that its API allows: messages are neither encoded nor decoded, so base64 and protobuf
//! cost it nothing, where Sealwax writes and reads whole envelopes.

use std::hint::black_box;

use vodozemac::megolm::{self, GroupSession, InboundGroupSession, MegolmMessage};
use vodozemac::olm::{self, Account, OlmMessage, Session};
use vodozemac::{
    Curve25519PublicKey, Curve25519SecretKey, Ed25519Keypair, Ed25519PublicKey, Ed25519Signature,
};

use crate::scene::PLAINTEXT;

/// Two who have written to each other; it is the first one's turn, and its first message was sent.
pub struct OlmPair {
    /// Whose turn it is.
    pub ours: Session,
    /// The other side.
    pub theirs: Session,
}

impl OlmPair {
    /// Between two new accounts.
    #[must_use]
    pub fn new() -> Self {
        let (one, mut other) = (Account::new(), Account::new());
        let offer = Offer::of(&mut other);
        let (ours, theirs) = offer.take(&one, &mut other);
        let mut pair = Self { ours, theirs };
        pair.message(false);
        pair.message(true);
        pair
    }

    /// One message in either direction.
    #[inline]
    pub fn message(&mut self, ours: bool) {
        let (from, to) =
            if ours { (&mut self.ours, &mut self.theirs) } else { (&mut self.theirs, &mut self.ours) };
        let message = from.encrypt(PLAINTEXT).unwrap();
        assert_eq!(to.decrypt(&message).unwrap(), PLAINTEXT);
    }

    /// Messages of the first one, one after another.
    pub fn messages(&mut self, count: usize) -> Vec<OlmMessage> {
        (0..count).map(|_| self.ours.encrypt(PLAINTEXT).unwrap()).collect()
    }
}

impl Default for OlmPair {
    fn default() -> Self {
        Self::new()
    }
}

/// What an account publishes to be written to: one one-time key, and its signature, as Matrix clients make and check
/// them.
pub struct Offer {
    identity: Curve25519PublicKey,
    one_time: Curve25519PublicKey,
    signing: Ed25519PublicKey,
    signature: Ed25519Signature,
}

impl Offer {
    /// A fresh one.
    pub fn of(account: &mut Account) -> Self {
        account.generate_one_time_keys(1);
        let one_time = *account.one_time_keys().values().next().unwrap();
        account.mark_keys_as_published();
        let signature = account.sign(one_time.as_bytes());
        Self { identity: account.curve25519_key(), one_time, signing: account.ed25519_key(), signature }
    }

    /// What a Matrix client does before it takes it, and vodozemac leaves to it.
    pub fn check(&self) {
        self.signing.verify(self.one_time.as_bytes(), &self.signature).unwrap();
    }

    /// A session, its first message, and the session that it makes.
    #[must_use]
    pub fn take(&self, one: &Account, other: &mut Account) -> (Session, Session) {
        let config = olm::SessionConfig::version_1();
        let mut ours = one.create_outbound_session(config, self.identity, self.one_time).unwrap();
        let OlmMessage::PreKey(first) = ours.encrypt(PLAINTEXT).unwrap() else {
            unreachable!("the first one")
        };
        let taken = other.create_inbound_session(config, one.curve25519_key(), &first).unwrap();
        assert_eq!(taken.plaintext, PLAINTEXT);
        (ours, taken.session)
    }
}

/// A writer and a reader of a group.
pub struct MegolmCircle {
    /// The writer.
    pub sender: GroupSession,
    /// The reader.
    pub receiver: InboundGroupSession,
}

impl MegolmCircle {
    /// A fresh one.
    #[must_use]
    pub fn new() -> Self {
        let sender = GroupSession::new(megolm::SessionConfig::version_1());
        let receiver = InboundGroupSession::new(&sender.session_key(), megolm::SessionConfig::version_1());
        Self { sender, receiver }
    }

    /// Another reader, of everything from here on.
    #[must_use]
    pub fn reader(&self) -> InboundGroupSession {
        InboundGroupSession::new(&self.sender.session_key(), megolm::SessionConfig::version_1())
    }

    /// Messages, one after another.
    pub fn messages(&mut self, count: usize) -> Vec<MegolmMessage> {
        (0..count).map(|_| self.sender.encrypt(PLAINTEXT)).collect()
    }
}

impl Default for MegolmCircle {
    fn default() -> Self {
        Self::new()
    }
}

/// What vodozemac computes on its curve.
pub struct Primitives {
    secret: Curve25519SecretKey,
    public: Curve25519PublicKey,
    signing: Ed25519Keypair,
    verifying: Ed25519PublicKey,
    signature: Ed25519Signature,
}

/// What is signed.
const MESSAGE: [u8; 350] = [3; 350];

impl Primitives {
    /// With fresh keys.
    #[must_use]
    pub fn new() -> Self {
        let (secret, signing) = (Curve25519SecretKey::new(), Ed25519Keypair::new());
        let public = Curve25519PublicKey::from(&Curve25519SecretKey::new());
        Self { secret, public, verifying: signing.public_key(), signature: signing.sign(&MESSAGE), signing }
    }

    /// X25519.
    pub fn agree(&self) {
        black_box(self.secret.diffie_hellman(black_box(&self.public)).unwrap());
    }

    /// Ed25519.
    pub fn sign(&self) {
        black_box(self.signing.sign(black_box(&MESSAGE)));
    }

    /// The check of such a signature.
    pub fn verify(&self) {
        self.verifying.verify(black_box(&MESSAGE), &self.signature).unwrap();
    }
}

impl Default for Primitives {
    fn default() -> Self {
        Self::new()
    }
}
