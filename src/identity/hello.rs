//! The proof towards a relay that a connection is a user's (`docs/PROTOCOL.md` section 10.2).

use crate::crypto::ecc::SIGNATURE_LEN;
use crate::crypto::kdf::Label;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::{Card, Identity};
use crate::limits::NAME_MAX;
use crate::wire::frame::CHALLENGE_LEN;

impl Identity {
    /// Answers the challenge of a relay, for the hello frame that the connection started with.
    ///
    /// Whoever knows which relay it called compares `relay_name` first, so that no relay can pass the proof on to
    /// another. [`Error::TooLarge`] for a name that frames do not carry.
    pub fn prove_hello(
        &self,
        rng: &mut dyn Random,
        relay_name: &str,
        nonce: &[u8; CHALLENGE_LEN],
        hello: &[u8],
    ) -> Result<[u8; SIGNATURE_LEN]> {
        let name_len = name_length(relay_name)?;
        self.sign(rng, Label::Hello, &[&name_len, relay_name.as_bytes(), nonce, hello])
    }
}

impl Card {
    /// Checks an answer to a challenge. [`Error::AuthenticationFailed`].
    pub fn check_hello(
        &self,
        relay_name: &str,
        nonce: &[u8; CHALLENGE_LEN],
        hello: &[u8],
        signature: &[u8; SIGNATURE_LEN],
    ) -> Result<()> {
        let name_len = name_length(relay_name)?;
        self.sign_key().verify(Label::Hello, &[&name_len, relay_name.as_bytes(), nonce, hello], signature)
    }
}

fn name_length(relay_name: &str) -> Result<[u8; 1]> {
    const { assert!(NAME_MAX <= u8::MAX as usize) };
    u8::try_from(relay_name.len()).map(|length| [length]).map_err(|_| Error::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::SystemRandom;
    use crate::identity::IdentityOptions;

    #[test]
    fn a_proof_holds_for_its_relay_challenge_hello_and_identity_alone() {
        let rng = &mut SystemRandom;
        let make = |name| Identity::generate(&mut SystemRandom, name, IdentityOptions::default(), 1).unwrap();
        let (alice, mallory) = (make("alice"), make("alice"));
        let proof = alice.prove_hello(rng, "relay", &[7; 32], b"hello").unwrap();
        let check = |card: &Card, name, nonce, hello| card.check_hello(name, nonce, hello, &proof);
        assert_eq!(check(alice.card(), "relay", &[7; 32], b"hello"), Ok(()));
        for wrong in [
            check(alice.card(), "other", &[7; 32], b"hello"),
            check(alice.card(), "relay", &[8; 32], b"hello"),
            check(alice.card(), "relay", &[7; 32], b"hullo"),
            check(mallory.card(), "relay", &[7; 32], b"hello"),
        ] {
            assert_eq!(wrong, Err(Error::AuthenticationFailed));
        }
        assert_eq!(alice.prove_hello(rng, &"x".repeat(256), &[7; 32], b"hello"), Err(Error::TooLarge));
    }
}
