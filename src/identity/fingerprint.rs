//! What an identity is remembered by (`docs/PROTOCOL.md` section 3.2).

use core::fmt;

use crate::crypto::ecc::{AgreePublic, SignPublic};
use crate::crypto::kdf::{Hasher, Label};
use crate::error::Result;
use crate::wire::SUITE;
use crate::wire::codec::Put as _;

/// A hash of a user id and both public keys. Public, ordered by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of an identity; [`crate::Error::TooLarge`] for a user id that is too long.
    pub fn of(user: &str, sign_key: &SignPublic, agree_key: &AgreePublic) -> Result<Self> {
        let mut hasher = Hasher::new(Label::Fingerprint);
        hasher.put_u16(SUITE);
        hasher.put_bytes8(user.as_bytes())?;
        hasher.put(sign_key.as_bytes());
        hasher.put(agree_key.as_bytes());
        Ok(Self(hasher.finish()))
    }

    /// One that was computed before.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ecc::{AgreePrivate, SignPrivate};
    use crate::crypto::kdf::sha256;
    use crate::error::Error;

    #[test]
    fn it_is_the_hash_of_the_protocol() {
        let sign = SignPrivate::from_bytes(&[1; 32]).unwrap();
        let agree = AgreePrivate::from_bytes(&[2; 32]).unwrap();
        let expected = sha256(&[
            b"\x15sealwax fingerprint/1",
            &[0, 1],
            b"\x05alice",
            sign.public().as_bytes(),
            agree.public().as_bytes(),
        ]);
        let fingerprint = Fingerprint::of("alice", sign.public(), agree.public()).unwrap();
        assert_eq!(fingerprint.as_bytes(), &expected);
        assert!(fingerprint.to_string().starts_with(&format!("{:02x}{:02x}", expected[0], expected[1])));
        assert_eq!(fingerprint.to_string().len(), 64);
    }

    #[test]
    fn a_user_id_that_is_too_long_has_none() {
        let sign = SignPrivate::from_bytes(&[1; 32]).unwrap();
        let agree = AgreePrivate::from_bytes(&[2; 32]).unwrap();
        let refused = Fingerprint::of(&"a".repeat(256), sign.public(), agree.public());
        assert_eq!(refused, Err(Error::TooLarge));
    }
}
