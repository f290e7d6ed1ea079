//! What an identity exports: format 1 of its sealed state (`docs/PROTOCOL.md` section 9).
//!
//! ```text
//! opaque card<1..2^16-1>; opaque sign[32]; opaque agree[32];
//! uint64 now_ms; uint32 next_id;
//! uint32 count, then of each signed prekey: uint32 id; opaque key[32]; uint64 created_ms; uint64 expires_ms;
//!     opaque signature[64]; uint32 count, then of each first message: opaque ephemeral_hash[32];
//! uint32 count, then of each one-time prekey: uint32 id; opaque key[32]; uint64 created_ms;
//! uint32 count, then of each plain first message: opaque ephemeral_hash[32]; uint64 created_ms;
//! ```
//!
//! Every list ascends, so that one identity has one encoding.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::crypto::ecc::{AgreePrivate, SignPrivate};
use crate::error::{Error, Result};
use crate::identity::first_messages::{EphemeralHash, Plain, UnderPrekey};
use crate::identity::prekey_store::{OwnOneTimePrekey, OwnSignedPrekey, PrekeyStore, SIGNED_PREKEYS_MAX};
use crate::identity::{Card, Identity, Keys};
use crate::limits::{CARD_MAX, FIRST_MESSAGES_MAX, ONE_TIME_PREKEYS_MAX, SIGNED_PREKEY_LIFE_MS};
use crate::wire::codec::{Put as _, Reader};

impl Identity {
    /// The format of what [`Identity::export`] gives.
    pub const FORMAT: u16 = 1;

    /// Everything, secrets included, to be sealed by [`crate::sealed::seal`].
    pub fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        let Self { keys: Keys { sign, agree }, card, prekeys, plain, now_ms } = self;
        let PrekeyStore { signed, one_time, next_id, replace_signed: _ } = prekeys;
        let mut out = Zeroizing::new(Vec::new());
        out.put_bytes16(card.as_bytes())?;
        out.put(sign.to_bytes().as_bytes());
        out.put(agree.to_bytes().as_bytes());
        out.put_u64(*now_ms);
        out.put_u32(*next_id);
        put_count(&mut out, signed.len())?;
        for OwnSignedPrekey { id, key, created_ms, expires_ms, signature, first_messages } in signed {
            out.put_u32(*id);
            out.put(key.to_bytes().as_bytes());
            out.put_u64(*created_ms);
            out.put_u64(*expires_ms);
            out.put(signature);
            put_count(&mut out, first_messages.len())?;
            first_messages.iter().for_each(|hash| out.put(hash));
        }
        put_count(&mut out, one_time.len())?;
        for (id, OwnOneTimePrekey { key, created_ms }) in one_time {
            out.put_u32(*id);
            out.put(key.to_bytes().as_bytes());
            out.put_u64(*created_ms);
        }
        put_count(&mut out, plain.len())?;
        for (hash, created_ms) in plain.iter() {
            out.put(hash);
            out.put_u64(created_ms);
        }
        Ok(out)
    }

    /// Takes what [`Identity::export`] gave, with the format that it was sealed under, and checks all of it.
    ///
    /// [`Error::UnsupportedVersion`] for another format, [`Error::Malformed`] for anything that no export gives,
    /// the errors of [`Card::parse`] for the card in it.
    pub fn import(format: u16, payload: &[u8]) -> Result<Self> {
        if format != Self::FORMAT {
            return Err(Error::UnsupportedVersion);
        }
        let mut reader = Reader::new(payload);
        let card = Card::parse(reader.bytes16(1..=CARD_MAX)?)?;
        let sign = SignPrivate::from_bytes(reader.array()?)?;
        let agree = AgreePrivate::from_bytes(reader.array()?)?;
        if sign.public() != card.sign_key() || agree.public() != card.agree_key() {
            return Err(Error::Malformed);
        }
        let now_ms = reader.u64()?;
        let next_id = reader.u32()?;
        let signed = read_signed(&mut reader, &card)?;
        let one_time = read_one_time(&mut reader)?;
        let plain = read_plain(&mut reader)?;
        reader.finish()?;

        let ids = signed.iter().map(|prekey| &prekey.id).chain(one_time.keys());
        if ids.max().is_some_and(|highest| *highest >= next_id)
            || signed.iter().any(|prekey| one_time.contains_key(&prekey.id))
        {
            return Err(Error::Malformed);
        }
        let prekeys = PrekeyStore { signed, one_time, next_id, replace_signed: false };
        Ok(Self { keys: Keys { sign, agree }, card, prekeys, plain, now_ms })
    }
}

fn put_count(out: &mut Zeroizing<Vec<u8>>, count: usize) -> Result<()> {
    out.put_u32(u32::try_from(count).map_err(|_| Error::Internal)?);
    Ok(())
}

fn read_count(reader: &mut Reader<'_>, most: usize) -> Result<usize> {
    let count = usize::try_from(reader.u32()?).map_err(|_| Error::Malformed)?;
    if count <= most { Ok(count) } else { Err(Error::Malformed) }
}

fn read_signed(reader: &mut Reader<'_>, card: &Card) -> Result<Vec<OwnSignedPrekey>> {
    let mut signed: Vec<OwnSignedPrekey> = Vec::new();
    for _ in 0..read_count(reader, SIGNED_PREKEYS_MAX)? {
        let prekey = OwnSignedPrekey {
            id: reader.u32()?,
            key: AgreePrivate::from_bytes(reader.array()?)?,
            created_ms: reader.u64()?,
            expires_ms: reader.u64()?,
            signature: *reader.array()?,
            first_messages: read_first_messages(reader)?,
        };
        let life = prekey.expires_ms.checked_sub(prekey.created_ms);
        if life.is_none_or(|life| life > SIGNED_PREKEY_LIFE_MS)
            || signed.last().is_some_and(|before| before.id >= prekey.id)
        {
            return Err(Error::Malformed);
        }
        prekey.public().verify(card.sign_key(), card.fingerprint())?;
        signed.push(prekey);
    }
    Ok(signed)
}

fn read_first_messages(reader: &mut Reader<'_>) -> Result<UnderPrekey> {
    let (mut first_messages, mut last) = (UnderPrekey::default(), None);
    for _ in 0..read_count(reader, FIRST_MESSAGES_MAX)? {
        first_messages.accept(ascending(&mut last, *reader.array()?)?);
    }
    Ok(first_messages)
}

fn read_one_time(reader: &mut Reader<'_>) -> Result<BTreeMap<u32, OwnOneTimePrekey>> {
    let (mut one_time, mut last) = (BTreeMap::new(), None);
    for _ in 0..read_count(reader, ONE_TIME_PREKEYS_MAX)? {
        let id = ascending(&mut last, reader.u32()?)?;
        let key = AgreePrivate::from_bytes(reader.array()?)?;
        one_time.insert(id, OwnOneTimePrekey { key, created_ms: reader.u64()? });
    }
    Ok(one_time)
}

fn read_plain(reader: &mut Reader<'_>) -> Result<Plain> {
    let (mut plain, mut last) = (Plain::default(), None::<EphemeralHash>);
    for _ in 0..read_count(reader, FIRST_MESSAGES_MAX)? {
        let hash = ascending(&mut last, *reader.array()?)?;
        plain.accept(hash, reader.u64()?);
    }
    Ok(plain)
}

/// The next item of a list that may not repeat or descend.
fn ascending<T: Ord + Copy>(last: &mut Option<T>, next: T) -> Result<T> {
    if last.is_some_and(|last| last >= next) {
        return Err(Error::Malformed);
    }
    *last = Some(next);
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::SystemRandom;
    use crate::identity::IdentityOptions;

    /// What becomes of an identity with two signed prekeys that is stored after this.
    fn stored(change: impl FnOnce(&mut Vec<OwnSignedPrekey>)) -> Result<()> {
        let rng = &mut SystemRandom;
        let mut identity = Identity::generate(rng, "alice", IdentityOptions::default(), 1).unwrap();
        for at in [1, 1 + SIGNED_PREKEY_LIFE_MS / 2] {
            identity.prekeys(rng, 0, at).unwrap();
        }
        assert_eq!(identity.prekeys.signed.len(), 2);
        change(&mut identity.prekeys.signed);
        Identity::import(Identity::FORMAT, &identity.export().unwrap()).map(drop)
    }

    #[test]
    fn signed_prekeys_are_in_their_order_and_live_no_longer_than_they_may() {
        assert_eq!(stored(|_| ()), Ok(()));
        assert_eq!(stored(|signed| signed.swap(0, 1)), Err(Error::Malformed));
        assert_eq!(stored(|signed| signed[1].id = signed[0].id), Err(Error::Malformed));
        assert_eq!(stored(|signed| signed[0].expires_ms += 1), Err(Error::Malformed));
        assert_eq!(stored(|signed| signed[1].expires_ms = 0), Err(Error::Malformed));
        // A shorter life is one that nobody signed.
        assert_eq!(stored(|signed| signed[0].expires_ms -= 1), Err(Error::AuthenticationFailed));
    }
}
