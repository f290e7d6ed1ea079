//! State at rest: whatever exports itself is sealed here, under a key that the caller keeps (`docs/PROTOCOL.md`
//! section 9).

use zeroize::Zeroizing;

use crate::crypto::kdf::{self, Label};
use crate::crypto::rng::{NONCE_LEN, Random};
use crate::crypto::{Secret, aead};
use crate::error::{Error, Result};
use crate::limits::SEALED_MAX;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::{Kind, PREFIX_LEN, expect_prefix, put_prefix};

/// What a sealed state is the state of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Object {
    /// An identity with its prekeys.
    Identity = 1,
    /// A session.
    Session = 2,
    /// The sending side of a group.
    GroupSender = 3,
    /// The receiving side of a group.
    GroupReceiver = 4,
    /// A roster. Reserved.
    Roster = 5,
}

impl TryFrom<u8> for Object {
    type Error = Error;

    fn try_from(byte: u8) -> Result<Self> {
        Ok(match byte {
            1 => Self::Identity,
            2 => Self::Session,
            3 => Self::GroupSender,
            4 => Self::GroupReceiver,
            5 => Self::Roster,
            _ => return Err(Error::Malformed),
        })
    }
}

const SALT_LEN: usize = 32;

/// Bytes before the ciphertext, its length included; all of them are its associated data.
const HEADER_LEN: usize = PREFIX_LEN + 1 + 2 + SALT_LEN + NONCE_LEN + 4;

/// Bytes of the sealed form of a payload.
#[must_use]
pub const fn sealed_len(payload_len: usize) -> usize {
    payload_len.saturating_add(HEADER_LEN + aead::TAG_LEN)
}

/// Seals a payload; each call takes a fresh salt, so each takes a key of its own.
///
/// [`Error::InvalidArgument`] for a key that has not 32 bytes, [`Error::TooLarge`] if the sealed form would exceed
/// [`SEALED_MAX`].
pub fn seal(
    rng: &mut dyn Random,
    key: &[u8],
    object: Object,
    format: u16,
    payload: &[u8],
) -> Result<Vec<u8>> {
    let key = Secret::<32>::from_slice(key)?;
    let length = sealed_len(payload.len());
    if length > SEALED_MAX {
        return Err(Error::TooLarge);
    }
    let mut salt = [0; SALT_LEN];
    rng.fill(&mut salt)?;
    let nonce = rng.nonce()?;

    // Reserved in full, and wiped unless it leaves encrypted.
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    put_prefix(&mut *out, Kind::Sealed);
    out.put_u8(object as u8);
    out.put_u16(format);
    out.put(&salt);
    out.put(&nonce);
    out.put_u32(u32::try_from(payload.len() + aead::TAG_LEN).map_err(|_| Error::TooLarge)?);
    out.put(payload);
    let (header, body) = out.split_at_mut_checked(HEADER_LEN).ok_or(Error::Internal)?;
    let tag = aead::seal(&state_key(&key, &salt, object, format), &nonce, header, body)?;
    out.put(&tag);
    Ok(core::mem::take(&mut *out))
}

/// Opens what [`seal`] made and returns the payload with its format.
///
/// [`Error::InvalidArgument`] for a key that has not 32 bytes; [`Error::TooLarge`] above [`SEALED_MAX`];
/// [`Error::Malformed`], [`Error::UnsupportedVersion`], [`Error::UnsupportedSuite`]; [`Error::WrongKind`] for the
/// state of another object; [`Error::AuthenticationFailed`] for another key or changed bytes.
pub fn open(key: &[u8], object: Object, bytes: &[u8]) -> Result<(u16, Zeroizing<Vec<u8>>)> {
    let key = Secret::<32>::from_slice(key)?;
    if bytes.len() > SEALED_MAX {
        return Err(Error::TooLarge);
    }
    let mut reader = Reader::new(bytes);
    expect_prefix(&mut reader, Kind::Sealed)?;
    let found = Object::try_from(reader.u8()?)?;
    let format = reader.u16()?;
    let salt = reader.array()?;
    let nonce = reader.array()?;
    let (body, tag) =
        reader.bytes32(aead::TAG_LEN..=SEALED_MAX)?.split_last_chunk().ok_or(Error::Malformed)?;
    reader.finish()?;
    if found != object {
        return Err(Error::WrongKind);
    }

    let header = bytes.get(..HEADER_LEN).ok_or(Error::Malformed)?;
    let mut payload = Zeroizing::new(body.to_vec());
    aead::open(&state_key(&key, salt, object, format), nonce, header, &mut payload, tag)?;
    Ok((format, payload))
}

fn state_key(key: &Secret<32>, salt: &[u8; SALT_LEN], object: Object, format: u16) -> Secret<32> {
    let [high, low] = format.to_be_bytes();
    let mut derived = Secret::zeroed();
    kdf::extract_expand(
        salt,
        &[key.as_bytes()],
        Label::Sealed,
        &[object as u8, high, low],
        derived.as_mut_bytes(),
    );
    derived
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::SystemRandom;
    use crate::crypto::rng::scripted::ScriptedRandom;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(payload: &[u8]) -> Vec<u8> {
        seal(&mut SystemRandom, &KEY, Object::Session, 3, payload).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_format() {
        for payload in [b"".as_slice(), b"state", &[0; 5000]] {
            let bytes = sealed(payload);
            assert_eq!(bytes.len(), sealed_len(payload.len()));
            let (format, opened) = open(&KEY, Object::Session, &bytes).unwrap();
            assert_eq!((format, opened.as_slice()), (3, payload));
        }
    }

    #[test]
    fn the_layout_is_that_of_the_protocol() {
        let mut script = ScriptedRandom::new("sealed");
        let bytes = seal(&mut script, &KEY, Object::GroupReceiver, 0x0102, b"payload").unwrap();
        let mut again = ScriptedRandom::new("sealed");
        let mut salt = [0; 32];
        again.fill(&mut salt).unwrap();
        let nonce = again.nonce().unwrap();

        let header = [&[1, 1, 0, 1, 0x40, 4, 1, 2][..], &salt, &nonce, &[0, 0, 0, 7 + 16]].concat();
        let mut key = Secret::zeroed();
        let info = [b"\x10sealwax sealed/1".as_slice(), &[4, 1, 2]].concat();
        kdf::hkdf_raw(&salt, &KEY, &info, key.as_mut_bytes()).unwrap();
        let mut body = *b"payload";
        let tag = aead::seal(&key, &nonce, &header, &mut body).unwrap();
        assert_eq!(bytes, [&header[..], &body, &tag].concat());
    }

    #[test]
    fn the_same_state_never_seals_to_the_same_bytes() {
        let (one, two) = (sealed(b"state"), sealed(b"state"));
        assert_ne!(one[8..40], two[8..40]);
        assert_ne!(one[HEADER_LEN..], two[HEADER_LEN..]);
    }

    #[test]
    fn every_changed_byte_is_refused() {
        let bytes = sealed(b"state");
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut tampered = bytes.clone();
                tampered[at] ^= flip;
                let error = open(&KEY, Object::Session, &tampered).unwrap_err();
                let expected: &[Error] = match at {
                    0 | 1 => &[Error::UnsupportedVersion],
                    2 | 3 => &[Error::UnsupportedSuite],
                    4 | 5 => &[Error::WrongKind, Error::Malformed],
                    52..56 => &[Error::Malformed],
                    _ => &[Error::AuthenticationFailed],
                };
                assert!(expected.contains(&error), "byte {at}: {error:?}");
            }
        }
    }

    #[test]
    fn cut_or_extended_bytes_are_malformed() {
        let bytes = sealed(b"state");
        for length in 0..bytes.len() {
            assert_eq!(open(&KEY, Object::Session, &bytes[..length]), Err(Error::Malformed));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(open(&KEY, Object::Session, &longer), Err(Error::Malformed));
    }

    #[test]
    fn another_key_does_not_open() {
        let bytes = sealed(b"state");
        let mut other = KEY;
        other[31] ^= 1;
        assert_eq!(open(&other, Object::Session, &bytes), Err(Error::AuthenticationFailed));
    }

    #[test]
    fn a_key_of_another_length_is_an_invalid_argument() {
        let bytes = sealed(b"state");
        for length in [0, 16, 31, 33, 64] {
            let key = vec![7; length];
            assert_eq!(open(&key, Object::Session, &bytes), Err(Error::InvalidArgument));
            let refused = seal(&mut SystemRandom, &key, Object::Session, 1, b"");
            assert_eq!(refused, Err(Error::InvalidArgument));
        }
    }

    #[test]
    fn the_state_of_another_object_is_the_wrong_kind() {
        let bytes = sealed(b"state");
        for object in [Object::Identity, Object::GroupSender, Object::GroupReceiver, Object::Roster] {
            assert_eq!(open(&KEY, object, &bytes), Err(Error::WrongKind));
        }
    }

    #[test]
    fn more_than_the_limit_is_too_large_both_ways() {
        let largest = vec![0; SEALED_MAX - sealed_len(0)];
        let bytes = sealed(&largest);
        assert_eq!(bytes.len(), SEALED_MAX);
        assert!(open(&KEY, Object::Session, &bytes).is_ok());

        let payload = vec![0; largest.len() + 1];
        let refused = seal(&mut SystemRandom, &KEY, Object::Session, 1, &payload);
        assert_eq!(refused, Err(Error::TooLarge));
        assert_eq!(open(&KEY, Object::Session, &vec![0; SEALED_MAX + 1]), Err(Error::TooLarge));
    }
}
