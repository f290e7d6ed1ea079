//! The layout of a prekey bundle (`docs/PROTOCOL.md` section 4). Nothing is verified here.

use crate::error::{Error, Result};
use crate::limits::{ONE_TIME_PREKEYS_MAX, SIGNED_PREKEY_LIFE_MS};
use crate::wire::codec::{Put, Reader};
use crate::wire::{Kind, PREFIX_LEN, expect_prefix, name, put_prefix};

/// Bytes of the signed prekey.
const SIGNED_LEN: usize = 4 + 65 + 8 + 8 + 64;
/// Bytes of one one-time prekey.
const ONE_TIME_LEN: usize = 4 + 65;

/// A signed prekey as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedPrekeyFields<'a> {
    /// Names it in a handshake.
    pub id: u32,
    /// SEC1 bytes, not yet known to be a point.
    pub key: &'a [u8; 65],
    /// When it was made.
    pub created_ms: u64,
    /// From when on it is dead; at most 30 days later.
    pub expires_ms: u64,
    /// Of the identity, over its fingerprint and the fields above.
    pub signature: &'a [u8; 64],
}

impl<'a> SignedPrekeyFields<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let fields = Self {
            id: reader.u32()?,
            key: reader.array()?,
            created_ms: reader.u64()?,
            expires_ms: reader.u64()?,
            signature: reader.array()?,
        };
        match fields.expires_ms.checked_sub(fields.created_ms) {
            Some(life) if life <= SIGNED_PREKEY_LIFE_MS => Ok(fields),
            _ => Err(Error::Malformed),
        }
    }

    fn put(&self, out: &mut impl Put) {
        out.put_u32(self.id);
        out.put(self.key);
        out.put_u64(self.created_ms);
        out.put_u64(self.expires_ms);
        out.put(self.signature);
    }
}

/// A one-time prekey as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneTimePrekeyFields<'a> {
    /// Names it in a handshake.
    pub id: u32,
    /// SEC1 bytes, not yet known to be a point.
    pub key: &'a [u8; 65],
}

/// A whole bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrekeyBundleFields<'a> {
    /// Whose prekeys they are.
    pub user: &'a str,
    /// The identity whose prekeys they are.
    pub fingerprint: &'a [u8; 32],
    /// The one signed prekey.
    pub signed: SignedPrekeyFields<'a>,
    /// By ascending id, at most [`ONE_TIME_PREKEYS_MAX`].
    pub one_time: Vec<OneTimePrekeyFields<'a>>,
}

impl<'a> PrekeyBundleFields<'a> {
    /// Reads a bundle that takes up all of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        expect_prefix(&mut reader, Kind::Prekeys)?;
        let user = name::read_user(&mut reader)?;
        let fingerprint = reader.array()?;
        let signed = SignedPrekeyFields::read(&mut reader)?;
        let one_time = read_one_time(reader.bytes32(0..=ONE_TIME_PREKEYS_MAX * ONE_TIME_LEN)?)?;
        reader.bytes16(0..=0)?;
        reader.finish()?;
        Ok(Self { user, fingerprint, signed, one_time })
    }

    /// Bytes of a bundle with that many one-time prekeys.
    #[must_use]
    pub const fn encoded_len(user: &str, one_time: usize) -> usize {
        PREFIX_LEN + 1 + user.len() + 32 + SIGNED_LEN + 4 + one_time * ONE_TIME_LEN + 2
    }

    /// Writes what [`PrekeyBundleFields::parse`] reads; [`Error::TooLarge`] for a user id that is too long.
    pub fn put(&self, out: &mut impl Put) -> Result<()> {
        put_prefix(out, Kind::Prekeys);
        out.put_bytes8(self.user.as_bytes())?;
        out.put(self.fingerprint);
        self.signed.put(out);
        out.put_u32(u32::try_from(self.one_time.len() * ONE_TIME_LEN).map_err(|_| Error::TooLarge)?);
        for prekey in &self.one_time {
            out.put_u32(prekey.id);
            out.put(prekey.key);
        }
        out.put_bytes16(&[])
    }
}

fn read_one_time(list: &[u8]) -> Result<Vec<OneTimePrekeyFields<'_>>> {
    let mut reader = Reader::new(list);
    let mut one_time: Vec<OneTimePrekeyFields<'_>> = Vec::with_capacity(list.len() / ONE_TIME_LEN);
    while reader.remaining() > 0 {
        let prekey = OneTimePrekeyFields { id: reader.u32()?, key: reader.array()? };
        if one_time.last().is_some_and(|before| before.id >= prekey.id) {
            return Err(Error::Malformed);
        }
        one_time.push(prekey);
    }
    Ok(one_time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bundle(ids: &[u32]) -> PrekeyBundleFields<'static> {
        PrekeyBundleFields {
            user: "alice",
            fingerprint: &[1; 32],
            signed: SignedPrekeyFields {
                id: 2,
                key: &[3; 65],
                created_ms: 4,
                expires_ms: 5,
                signature: &[6; 64],
            },
            one_time: ids.iter().map(|id| OneTimePrekeyFields { id: *id, key: &[7; 65] }).collect(),
        }
    }

    fn written(bundle: &PrekeyBundleFields<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        bundle.put(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn bundles_read_back() {
        for ids in [&[][..], &[0], &[1, 5, u32::MAX]] {
            let bytes = written(&bundle(ids));
            assert_eq!(bytes.len(), PrekeyBundleFields::encoded_len("alice", ids.len()));
            assert_eq!(PrekeyBundleFields::parse(&bytes), Ok(bundle(ids)));
            for length in 0..bytes.len() {
                assert_eq!(PrekeyBundleFields::parse(&bytes[..length]), Err(Error::Malformed));
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(PrekeyBundleFields::parse(&longer), Err(Error::Malformed));
        }
    }

    #[test]
    fn ids_that_do_not_ascend_are_malformed() {
        for ids in [&[1, 1][..], &[2, 1], &[1, 3, 2]] {
            assert_eq!(PrekeyBundleFields::parse(&written(&bundle(ids))), Err(Error::Malformed));
        }
    }

    #[test]
    fn a_thousand_one_time_prekeys_are_the_most() {
        let ids: Vec<u32> = (0..=1_000).collect();
        assert!(PrekeyBundleFields::parse(&written(&bundle(&ids[..1_000]))).is_ok());
        assert_eq!(PrekeyBundleFields::parse(&written(&bundle(&ids))), Err(Error::Malformed));
    }

    #[test]
    fn a_signed_prekey_lives_between_none_and_thirty_days() {
        let with = |created_ms, expires_ms| {
            let mut other = bundle(&[]);
            other.signed.created_ms = created_ms;
            other.signed.expires_ms = expires_ms;
            PrekeyBundleFields::parse(&written(&other)).map(|_| ())
        };
        assert_eq!(with(10, 10), Ok(()));
        assert_eq!(with(10, 9), Err(Error::Malformed));
        assert_eq!(with(10, 10 + SIGNED_PREKEY_LIFE_MS), Ok(()));
        assert_eq!(with(10, 11 + SIGNED_PREKEY_LIFE_MS), Err(Error::Malformed));
        assert_eq!(with(u64::MAX, 0), Err(Error::Malformed));
    }

    proptest! {
        #[test]
        fn any_change_reads_without_panic(at in 0..400_usize, byte in any::<u8>(), cut in 0..400_usize) {
            let mut bytes = written(&bundle(&[1, 2]));
            let length = bytes.len();
            bytes[at % length] = byte;
            let _ = PrekeyBundleFields::parse(&bytes);
            let _ = PrekeyBundleFields::parse(&bytes[..cut % length]);
        }
    }
}
