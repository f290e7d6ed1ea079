//! Every derivation and every hash, behind the one table of labels (`docs/PROTOCOL.md` section 1).
//!
//! A label is encoded as one length byte and its bytes, written `L(label)`, and always comes first: in the info of
//! HKDF, in a hash, under a signature. So nothing that was derived, hashed or signed for one purpose can be taken
//! for another.

use crate::crypto::backend;
use crate::crypto::secret::Secret;
use crate::crypto::stack;
use crate::error::{Error, Result};
use crate::wire::codec::Put;

/// Bytes of a SHA-256 hash.
pub const HASH_LEN: usize = 32;

/// The most that HKDF-SHA-256 gives (RFC 5869 section 2.3).
const EXPAND_MAX: usize = 255 * HASH_LEN;

/// What a derivation, hash or signature is for. Each ends in the version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Derivation: the secrets of a session from its Diffie-Hellman results.
    Handshake,
    /// Derivation: one turn of the root key.
    Ratchet,
    /// Derivation: one step of a session's chain.
    Chain,
    /// Derivation: one block of a group's chain.
    Block,
    /// Derivation: one step within a block of a group's chain.
    Step,
    /// Derivation: chunk key and commitment of an attachment.
    Stream,
    /// Derivation: the key that seals state at rest.
    Sealed,
    /// Derivation: a safety number.
    Safety,
    /// Derivation: the keys of a store, of its records, and what its rows are known by.
    Store,

    /// Hash: an identity's fingerprint.
    Fingerprint,
    /// Hash: the transcript of a handshake.
    Transcript,
    /// Hash: an ephemeral key, as remembered against replay.
    Ephemeral,
    /// Hash: a group message, before it is signed.
    Digest,
    /// Hash: the link of a group message to its predecessor.
    Link,
    /// Hash: the link that starts the chain of a sender key.
    LinkStart,
    /// Hash: a roster entry; of the first one, the group id.
    Entry,
    /// Hash: an accepted envelope, as remembered to tell a duplicate from a replay.
    Envelope,
    /// Hash: a sealed chunk of an attachment.
    StreamChunk,
    /// Hash: an attachment, by its chunks' hashes.
    StreamDigest,

    /// Signature: a card.
    Card,
    /// Signature: a signed prekey.
    Prekey,
    /// Signature: a roster entry.
    Roster,
    /// Signature: a group message.
    GroupMessage,
    /// Signature: the proof towards a relay that a connection owns its identity.
    Hello,
}

impl Label {
    /// The label's bytes, without the length byte.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Handshake => b"sealwax handshake/1",
            Self::Ratchet => b"sealwax ratchet/1",
            Self::Chain => b"sealwax chain/1",
            Self::Block => b"sealwax block/1",
            Self::Step => b"sealwax step/1",
            Self::Stream => b"sealwax stream/1",
            Self::Sealed => b"sealwax sealed/1",
            Self::Safety => b"sealwax safety/1",
            Self::Store => b"sealwax store/1",
            Self::Fingerprint => b"sealwax fingerprint/1",
            Self::Transcript => b"sealwax transcript/1",
            Self::Ephemeral => b"sealwax ephemeral/1",
            Self::Digest => b"sealwax digest/1",
            Self::Link => b"sealwax link/1",
            Self::LinkStart => b"sealwax link start/1",
            Self::Entry => b"sealwax entry/1",
            Self::Envelope => b"sealwax envelope/1",
            Self::StreamChunk => b"sealwax stream chunk/1",
            Self::StreamDigest => b"sealwax stream digest/1",
            Self::Card => b"sealwax card/1",
            Self::Prekey => b"sealwax prekey/1",
            Self::Roster => b"sealwax roster/1",
            Self::GroupMessage => b"sealwax message/1",
            Self::Hello => b"sealwax hello/1",
        }
    }

    /// The length byte of `L(label)`. No label comes near 256 bytes; a test holds them all to it.
    pub(super) const fn length_byte(self) -> [u8; 1] {
        [self.bytes().len() as u8]
    }
}

/// HKDF-SHA-256 of the concatenated `ikm`, with info = `L(label) || context`.
/// The compiler refuses outputs above 8,160 bytes.
pub fn extract_expand<const N: usize>(
    salt: &[u8],
    ikm: &[&[u8]],
    label: Label,
    context: &[u8],
    out: &mut [u8; N],
) {
    const { assert!(N <= EXPAND_MAX) };
    stack::used(stack::SYMMETRIC);
    let filled = backend::extract_expand(salt, ikm, &[&label.length_byte(), label.bytes(), context], out);
    assert_filled(filled);
}

/// HKDF-Expand alone, from a key that is already uniform, into keys one after another, with info = `L(label)`.
/// It is [`expand`] in the measure of a hash: what every message takes.
pub fn expand_keys<const N: usize>(prk: &Secret<32>, label: Label, out: [&mut [u8; HASH_LEN]; N]) {
    const { assert!(N <= 255) };
    stack::used(stack::SYMMETRIC);
    backend::expand_keys(prk, [&label.length_byte(), label.bytes()], out);
}

/// HKDF-Expand alone, from a key that is already uniform, with info = `L(label) || context`.
/// The compiler refuses outputs above 8,160 bytes.
pub fn expand<const N: usize>(prk: &Secret<32>, label: Label, context: &[u8], out: &mut [u8; N]) {
    const { assert!(N <= EXPAND_MAX) };
    stack::used(stack::SYMMETRIC);
    assert_filled(backend::expand(prk, &[&label.length_byte(), label.bytes(), context], out));
}

fn assert_filled(filled: Option<()>) {
    if filled.is_none() {
        unreachable!("the compiler refused longer outputs");
    }
}

/// SHA-256 of `L(label)` and the concatenated `parts`.
#[must_use]
pub fn hash(label: Label, parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut hasher = Hasher::new(label);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// [`hash`] in pieces. It is a [`Put`], so that what is hashed can be written like what is sent.
#[derive(Clone)]
pub struct Hasher(backend::Hash);

impl Hasher {
    /// Starts with `L(label)`.
    #[must_use]
    pub fn new(label: Label) -> Self {
        let mut hasher = Self::unlabelled();
        hasher.update(&label.length_byte());
        hasher.update(label.bytes());
        hasher
    }

    /// Starts without a label: for what the protocol does not name and nobody else sees.
    #[must_use]
    pub fn unlabelled() -> Self {
        Self(backend::Hash::new())
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of everything added.
    #[must_use]
    pub fn finish(self) -> [u8; HASH_LEN] {
        self.0.finish()
    }
}

impl Put for Hasher {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// SHA-256 of the concatenated `parts`, without a label. For published test vectors; the protocol uses [`hash`].
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut hasher = Hasher::unlabelled();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// HKDF-SHA-256 with a bare info. For published test vectors; the protocol uses [`extract_expand`].
/// [`Error::TooLarge`] above 8,160 bytes.
pub fn hkdf_raw(salt: &[u8], ikm: &[u8], info: &[u8], out: &mut [u8]) -> Result<()> {
    backend::extract_expand(salt, &[ikm], &[info], out).ok_or(Error::TooLarge)
}

/// HMAC-SHA-256 of the concatenated `parts` under a key of any length. What HKDF is made of, open for published
/// test vectors.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<HASH_LEN> {
    backend::hmac(key, parts)
}

#[cfg(test)]
mod tests;
