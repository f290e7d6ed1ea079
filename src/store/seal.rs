//! Records as they lie on a medium: sealed, each under a key of its own.
//!
//! ```text
//! keys    = HKDF(salt = store id, caller's key, "sealwax store/1", "", 128)
//!         = record key (32) || name key (32) || digest key (32) || check (32)
//! record  = salt (12) || nonce (12) || AES-256-GCM(Expand(record key, "sealwax store/1", salt, 32), nonce,
//!           aad = store id || row, value || name || length of the name (2))
//! ```
//!
//! Salt and nonce are 24 fresh random bytes for each sealing, so that no number of commits, copies or restored
//! backups brings one pair of key and nonce twice.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::kdf::{self, HASH_LEN, Label};
use crate::crypto::rng::{NONCE_LEN, Random};
use crate::crypto::{Secret, aead};
use crate::error::{Error, Result};
use crate::store::name::Name;
use crate::wire::codec::{Put as _, Reader};

/// Bytes of a store's id.
pub const STORE_ID_LEN: usize = 16;

/// Salt and nonce: random, and so the name of one sealing.
const STAMP_LEN: usize = NONCE_LEN + NONCE_LEN;

/// A record that was opened.
pub struct Record {
    /// Its name.
    pub name: Name,
    /// Its value, wiped when it goes.
    pub value: Zeroizing<Vec<u8>>,
}

/// The id of a store, and the keys that follow from it and the caller's key.
pub(super) struct Keys {
    id: [u8; STORE_ID_LEN],
    records: Secret<32>,
    names: Secret<32>,
    digest: Secret<32>,
    check: [u8; HASH_LEN],
}

impl Keys {
    /// [`Error::InvalidArgument`] for a key that has not 32 bytes.
    pub(super) fn derive(key: &[u8], id: [u8; STORE_ID_LEN]) -> Result<Self> {
        let key = Secret::<32>::from_slice(key)?;
        let mut keys = Secret::<128>::zeroed();
        kdf::extract_expand(&id, &[key.as_bytes()], Label::Store, b"", keys.as_mut_bytes());
        let (records, names, digest) = (keys.part::<0, 32>(), keys.part::<32, 32>(), keys.part::<64, 32>());
        Ok(Self { id, records, names, digest, check: *keys.part::<96, 32>().as_bytes() })
    }

    pub(super) fn id(&self) -> &[u8; STORE_ID_LEN] {
        &self.id
    }

    /// The plain row by which a store is known and a wrong key is told from damage.
    pub(super) fn header(&self) -> Vec<u8> {
        [&self.id[..], &self.check, &checksum(&self.id, &self.check)].concat()
    }

    /// The keys of the store with this header. [`Error::StoreDamaged`] if it is none, [`Error::StoreWrongKey`] if
    /// it is another key's.
    pub(super) fn from_header(key: &[u8], header: &[u8]) -> Result<Self> {
        let (id, check) = read_header(header).map_err(|_| Error::StoreDamaged)?;
        let keys = Self::derive(key, id)?;
        if bool::from(keys.check.ct_eq(&check)) { Ok(keys) } else { Err(Error::StoreWrongKey) }
    }

    /// The key of the row of a name, in the part of the rows that starts with `space`.
    pub(super) fn row(&self, space: u8, name: &Name) -> Result<Vec<u8>> {
        name.row(&self.names, space)
    }

    /// Seals a record for its row.
    pub(super) fn seal_record(
        &self,
        rng: &mut dyn Random,
        row: &[u8],
        name: &Name,
        value: &[u8],
    ) -> Result<Vec<u8>> {
        let name = name.encode()?;
        let length = u16::try_from(name.len()).map_err(|_| Error::TooLarge)?;
        self.seal(rng, row, &[value, &name, &length.to_be_bytes()])
    }

    /// Seals the concatenated parts for a row.
    pub(super) fn seal(&self, rng: &mut dyn Random, row: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>> {
        let (salt, nonce) = (rng.nonce()?, rng.nonce()?);
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        // Reserved in full, and wiped unless it leaves encrypted.
        let mut out = Zeroizing::new(Vec::with_capacity(length + STAMP_LEN + aead::TAG_LEN));
        out.put(&salt);
        out.put(&nonce);
        for part in parts {
            out.put(part);
        }
        let body = out.get_mut(STAMP_LEN..).ok_or(Error::Internal)?;
        let tag = aead::seal(&self.record_key(&salt), &nonce, &self.aad(row), body)?;
        out.put(&tag);
        Ok(core::mem::take(&mut *out))
    }

    /// Opens what [`Keys::seal_record`] made for this row; anything else is [`Error::StoreDamaged`].
    pub(super) fn open_record(&self, row: &[u8], sealed: &[u8]) -> Result<Record> {
        let mut value = self.open(row, sealed)?;
        let (rest, length) = value.split_last_chunk().ok_or(Error::StoreDamaged)?;
        let (rest, name) = rest
            .len()
            .checked_sub(usize::from(u16::from_be_bytes(*length)))
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(Error::StoreDamaged)?;
        let name = Name::decode(name).map_err(|_| Error::StoreDamaged)?;
        let length = rest.len();
        value.truncate(length);
        Ok(Record { name, value })
    }

    /// Opens what [`Keys::seal`] made for this row; anything else is [`Error::StoreDamaged`].
    pub(super) fn open(&self, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let open = || {
            let mut reader = Reader::new(sealed);
            let (salt, nonce) = (reader.array()?, reader.array()?);
            let (body, tag) = reader.take(reader.remaining())?.split_last_chunk().ok_or(Error::Malformed)?;
            let mut body = Zeroizing::new(body.to_vec());
            aead::open(&self.record_key(salt), nonce, &self.aad(row), &mut body, tag)?;
            Ok(body)
        };
        open().map_err(|_: Error| Error::StoreDamaged)
    }

    /// What stands for one sealing of one row in the digest of all rows.
    pub(super) fn element(&self, row: &[u8], sealed: &[u8]) -> Result<[u8; HASH_LEN]> {
        let stamp = sealed.get(..STAMP_LEN).ok_or(Error::StoreDamaged)?;
        let mut element = [0; HASH_LEN];
        kdf::expand(&self.digest, Label::Store, &[stamp, row].concat(), &mut element);
        Ok(element)
    }

    fn record_key(&self, salt: &[u8; NONCE_LEN]) -> Secret<32> {
        let mut key = Secret::zeroed();
        kdf::expand(&self.records, Label::Store, salt, key.as_mut_bytes());
        key
    }

    fn aad(&self, row: &[u8]) -> Vec<u8> {
        [&self.id, row].concat()
    }
}

fn read_header(header: &[u8]) -> Result<([u8; STORE_ID_LEN], [u8; HASH_LEN])> {
    let mut reader = Reader::new(header);
    let (id, check, sum) = (reader.array()?, reader.array()?, reader.array::<HASH_LEN>()?);
    reader.finish()?;
    if checksum(id, check) == *sum { Ok((*id, *check)) } else { Err(Error::Malformed) }
}

/// No authentication, which needs the key: it tells bytes that decayed from bytes of another key.
fn checksum(id: &[u8; STORE_ID_LEN], check: &[u8; HASH_LEN]) -> [u8; HASH_LEN] {
    kdf::hash(Label::Store, &[id, check])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::scripted::ScriptedRandom;

    const KEY: [u8; 32] = [7; 32];

    fn keys() -> Keys {
        Keys::derive(&KEY, [1; 16]).unwrap()
    }

    fn sealed(value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let name = Name::new(3).bytes(b"alice");
        let row = keys().row(2, &name).unwrap();
        let sealed = keys().seal_record(&mut ScriptedRandom::new("record"), &row, &name, value).unwrap();
        (row, sealed)
    }

    #[test]
    fn the_layout_is_as_documented() {
        let mut script = ScriptedRandom::new("record");
        let (salt, nonce) = (script.nonce().unwrap(), script.nonce().unwrap());
        let info = b"\x0fsealwax store/1";
        let mut root = [0; 128];
        kdf::hkdf_raw(&[1; 16], &KEY, info, &mut root).unwrap();
        let expand = |key: &[u8], context: &[u8], out: &mut [u8]| {
            // HKDF-Expand of one block is an HMAC.
            let block = kdf::hmac(key, &[info, context, &[1]]);
            out.copy_from_slice(&block.as_bytes()[..out.len()]);
        };

        let mut pseudonym = [0; 16];
        expand(&root[32..64], b"\x03\x02\x05alice", &mut pseudonym);
        let row = [&[2, 3, 2][..], &pseudonym].concat();
        let mut key = Secret::zeroed();
        expand(&root[..32], &salt, key.as_mut_bytes());
        let mut body = b"value\x03\x02\x05alice\x00\x08".to_vec();
        let tag = aead::seal(&key, &nonce, &[&[1; 16][..], &row].concat(), &mut body).unwrap();
        assert_eq!(sealed(b"value"), (row.clone(), [&salt[..], &nonce, &body, &tag].concat()));

        let mut element = [0; 32];
        expand(&root[64..96], &[&salt[..], &nonce, &row].concat(), &mut element);
        assert_eq!(keys().element(&row, &sealed(b"value").1), Ok(element));
        assert_eq!(keys().header()[..48], [&[1; 16][..], &root[96..]].concat());
    }

    #[test]
    fn a_record_opens_in_its_row_alone_and_any_change_is_damage() {
        let (row, sealed) = sealed(b"value");
        let record = keys().open_record(&row, &sealed).unwrap();
        assert_eq!((record.name, &record.value[..]), (Name::new(3).bytes(b"alice"), &b"value"[..]));

        let refused = |row: &[u8], sealed: &[u8]| {
            assert_eq!(keys().open_record(row, sealed).map(|_| ()), Err(Error::StoreDamaged));
        };
        refused(&keys().row(2, &Name::new(3).bytes(b"bob")).unwrap(), &sealed);
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            refused(&row, &other);
            refused(&row, &sealed[..at]);
        }
        refused(&row, &[&sealed[..], &[0]].concat());
        assert!(Keys::derive(&KEY, [2; 16]).unwrap().open_record(&row, &sealed).is_err());
    }

    #[test]
    fn a_sealed_body_without_a_name_is_damage() {
        let row = keys().row(2, &Name::new(3)).unwrap();
        for body in [&b""[..], b"\0", b"\0\0", b"\0\x01", b"\x03\0\x02", b"\x03\x01\0\x02"] {
            let sealed = keys().seal(&mut ScriptedRandom::new("record"), &row, &[body]).unwrap();
            assert_eq!(keys().open_record(&row, &sealed).map(|_| ()), Err(Error::StoreDamaged));
        }
    }

    #[test]
    fn a_header_tells_a_wrong_key_from_damage() {
        let header = keys().header();
        assert_eq!(Keys::from_header(&KEY, &header).unwrap().id(), &[1; 16]);
        assert_eq!(Keys::from_header(&[8; 32], &header).map(|_| ()), Err(Error::StoreWrongKey));
        for length in [0, 31, 33] {
            assert_eq!(Keys::from_header(&vec![7; length], &header).map(|_| ()), Err(Error::InvalidArgument));
        }
        for at in 0..header.len() {
            let mut other = header.clone();
            other[at] ^= 4;
            assert_eq!(Keys::from_header(&KEY, &other).map(|_| ()), Err(Error::StoreDamaged));
            assert_eq!(Keys::from_header(&KEY, &header[..at]).map(|_| ()), Err(Error::StoreDamaged));
        }
    }
}
