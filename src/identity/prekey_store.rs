//! The private half of prekeys: made, rotated, used up, erased (`docs/PROTOCOL.md` section 4).

use std::collections::BTreeMap;

use crate::crypto::ecc::{AgreePrivate, SIGNATURE_LEN, SignPrivate};
use crate::crypto::kdf::Label;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::Fingerprint;
use crate::identity::first_messages::UnderPrekey;
use crate::identity::prekeys::{OneTimePrekey, SignedPrekey, signed_bytes};
use crate::limits::{
    DAY_MS, ONE_TIME_PREKEY_LIFE_MS, ONE_TIME_PREKEYS_MAX, SIGNED_PREKEY_LIFE_MS, SIGNED_PREKEY_ROTATE_MS,
};

/// Ids start below this, so that there are as many left at least.
const FIRST_ID_BOUND: u32 = 1 << 31;

/// More than can be alive at once, one each seven days and dead after thirty, unless restored states make more.
pub(super) const SIGNED_PREKEYS_MAX: usize = 8;

/// By at least this much, and less than twice, do ids jump in [`PrekeyStore::discard`]: more than an identity gives out
/// in years, and few enough for a hundred jumps.
const JUMP: u32 = 1 << 23;

/// All prekeys of one identity that are alive.
pub(super) struct PrekeyStore {
    /// Ascending by id; the last is the one to publish.
    pub(super) signed: Vec<OwnSignedPrekey>,
    pub(super) one_time: BTreeMap<u32, OwnOneTimePrekey>,
    pub(super) next_id: u32,
    /// Whether the next bundle has a new signed prekey, however young the last one is. Not exported: whoever asks for
    /// it publishes in the same breath.
    pub(super) replace_signed: bool,
}

/// A signed prekey with its private half, and what was accepted under it.
pub(super) struct OwnSignedPrekey {
    pub(super) id: u32,
    pub(super) key: AgreePrivate,
    pub(super) created_ms: u64,
    pub(super) expires_ms: u64,
    pub(super) signature: [u8; SIGNATURE_LEN],
    pub(super) first_messages: UnderPrekey,
}

impl OwnSignedPrekey {
    pub(super) fn public(&self) -> SignedPrekey {
        SignedPrekey {
            id: self.id,
            key: self.key.public().clone(),
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
            signature: self.signature,
        }
    }

    /// When its successor is due: sooner if it has taken many first messages, and once a day at most, so that those of
    /// a queue's age are alive.
    pub(super) fn rotate_ms(&self) -> u64 {
        let age_ms = if self.first_messages.is_crowded() { DAY_MS } else { SIGNED_PREKEY_ROTATE_MS };
        self.created_ms.saturating_add(age_ms)
    }

    /// It was made by a clock that ran ahead.
    const fn is_of_future(&self, now_ms: u64) -> bool {
        self.created_ms > now_ms.saturating_add(DAY_MS)
    }
}

/// The private half of a one-time prekey.
pub(super) struct OwnOneTimePrekey {
    pub(super) key: AgreePrivate,
    pub(super) created_ms: u64,
}

impl PrekeyStore {
    /// No prekeys, and a random first id.
    pub(super) fn new(rng: &mut dyn Random) -> Result<Self> {
        let mut bytes = [0; 4];
        rng.fill(&mut bytes)?;
        let next_id = u32::from_be_bytes(bytes) % FIRST_ID_BOUND;
        Ok(Self { signed: Vec::new(), one_time: BTreeMap::new(), next_id, replace_signed: false })
    }

    /// `count`, if as many one-time prekeys may be added; [`Error::LimitReached`] if not.
    pub(super) fn check_room(&self, count: u32, now_ms: u64) -> Result<usize> {
        let alive = self.one_time.values().filter(|prekey| prekey.is_alive(now_ms)).count();
        let count = usize::try_from(count).map_err(|_| Error::LimitReached)?;
        if count <= ONE_TIME_PREKEYS_MAX.saturating_sub(alive) { Ok(count) } else { Err(Error::LimitReached) }
    }

    /// The signed prekey to publish, a new one if none is alive or the last is due, and `count` new one-time prekeys.
    /// [`Error::LimitReached`] if there would be too many unused ones, or no ids are left. On an error nothing
    /// changes.
    pub(super) fn publish(
        &mut self,
        rng: &mut dyn Random,
        sign: &SignPrivate,
        owner: Fingerprint,
        count: u32,
        now_ms: u64,
    ) -> Result<(SignedPrekey, Vec<OneTimePrekey>)> {
        self.check_room(count, now_ms)?;
        let mut next_id = self.next_id;
        let is_current = |prekey: &&OwnSignedPrekey| {
            now_ms < prekey.rotate_ms().min(prekey.expires_ms) && !prekey.is_of_future(now_ms)
        };
        let current = self.signed.last().filter(|prekey| !self.replace_signed && is_current(prekey));
        let (signed, rotated) = match current {
            Some(prekey) => (prekey.public(), None),
            None => {
                let prekey = sign_prekey(rng, sign, owner, draw_id(&mut next_id)?, now_ms)?;
                (prekey.public(), Some(prekey))
            }
        };
        let (mut private, mut public) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (id, key) = (draw_id(&mut next_id)?, AgreePrivate::generate(rng)?);
            public.push(OneTimePrekey { id, key: key.public().clone() });
            private.push((id, OwnOneTimePrekey { key, created_ms: now_ms }));
        }

        self.next_id = next_id;
        self.replace_signed = false;
        self.signed.extend(rotated);
        let excess = self.signed.len().saturating_sub(SIGNED_PREKEYS_MAX);
        self.signed.drain(..excess);
        self.one_time.extend(private);
        Ok((signed, public))
    }

    /// When a new signed prekey is due; `None` if it is.
    pub(super) fn due_ms(&self, now_ms: u64) -> Option<u64> {
        let is_kept = |prekey: &&OwnSignedPrekey| !self.replace_signed && !prekey.is_of_future(now_ms);
        self.signed.last().filter(is_kept).map(OwnSignedPrekey::rotate_ms)
    }

    /// Erases the one-time prekeys, lets the next bundle have a new signed prekey, and passes over ids.
    /// [`Error::LimitReached`] if there are not so many left; nothing changes then.
    pub(super) fn discard(&mut self, rng: &mut dyn Random) -> Result<()> {
        let mut bytes = [0; 4];
        rng.fill(&mut bytes)?;
        let jump = JUMP + u32::from_be_bytes(bytes) % JUMP;
        self.next_id = self.next_id.checked_add(jump).ok_or(Error::LimitReached)?;
        self.one_time.clear();
        self.replace_signed = true;
        Ok(())
    }

    /// A signed prekey by its id; [`Error::UnknownPrekey`] if there is none, or it is past its time.
    pub(super) fn signed(&self, id: u32, now_ms: u64) -> Result<&OwnSignedPrekey> {
        let found = self.signed.iter().find(|prekey| prekey.id == id && now_ms < prekey.expires_ms);
        found.ok_or(Error::UnknownPrekey)
    }

    /// A one-time prekey by its id; [`Error::UnknownPrekey`] if there is none, or it is past its time.
    pub(super) fn one_time(&self, id: u32, now_ms: u64) -> Result<&AgreePrivate> {
        let found = self.one_time.get(&id).filter(|prekey| prekey.is_alive(now_ms));
        found.map(|prekey| &prekey.key).ok_or(Error::UnknownPrekey)
    }

    /// Remembers a first message and erases its one-time prekey.
    pub(super) fn accept(&mut self, signed_id: u32, one_time_id: Option<u32>, ephemeral_hash: [u8; 32]) {
        if let Some(prekey) = self.signed.iter_mut().find(|prekey| prekey.id == signed_id) {
            prekey.first_messages.accept(ephemeral_hash);
        }
        if let Some(id) = one_time_id {
            self.one_time.remove(&id);
        }
    }

    /// Erases what is past its time.
    pub(super) fn expire(&mut self, now_ms: u64) {
        self.signed.retain(|prekey| now_ms < prekey.expires_ms);
        self.one_time.retain(|_, prekey| prekey.is_alive(now_ms));
    }
}

impl OwnOneTimePrekey {
    fn is_alive(&self, now_ms: u64) -> bool {
        now_ms < self.created_ms.saturating_add(ONE_TIME_PREKEY_LIFE_MS)
    }
}

fn sign_prekey(
    rng: &mut dyn Random,
    sign: &SignPrivate,
    owner: Fingerprint,
    id: u32,
    created_ms: u64,
) -> Result<OwnSignedPrekey> {
    let key = AgreePrivate::generate(rng)?;
    let expires_ms = created_ms.saturating_add(SIGNED_PREKEY_LIFE_MS);
    let message = signed_bytes(owner, id, key.public(), created_ms, expires_ms);
    let signature = sign.sign(rng, Label::Prekey, &[&message])?;
    let first_messages = UnderPrekey::default();
    Ok(OwnSignedPrekey { id, key, created_ms, expires_ms, signature, first_messages })
}

fn draw_id(next_id: &mut u32) -> Result<u32> {
    let id = *next_id;
    *next_id = id.checked_add(1).ok_or(Error::LimitReached)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::scripted::ScriptedRandom;

    #[test]
    fn without_ids_left_nothing_is_published_and_nothing_changes() {
        let mut rng = ScriptedRandom::new("ids");
        let sign = SignPrivate::generate(&mut rng).unwrap();
        let owner = Fingerprint::from_bytes([1; 32]);
        let mut store = PrekeyStore::new(&mut rng).unwrap();
        assert!(store.next_id < FIRST_ID_BOUND);

        store.next_id = u32::MAX - 2;
        assert_eq!(store.publish(&mut rng, &sign, owner, 2, 0).unwrap_err(), Error::LimitReached);
        assert_eq!((store.next_id, store.signed.len(), store.one_time.len()), (u32::MAX - 2, 0, 0));
        store.publish(&mut rng, &sign, owner, 1, 0).unwrap();
        assert_eq!(store.next_id, u32::MAX);
        store.publish(&mut rng, &sign, owner, 0, 0).unwrap();
        assert_eq!(store.publish(&mut rng, &sign, owner, 1, 0).unwrap_err(), Error::LimitReached);
    }

    #[test]
    fn a_successor_is_due_at_once_after_one_from_more_than_a_day_ahead() {
        let mut rng = ScriptedRandom::new("due");
        let sign = SignPrivate::generate(&mut rng).unwrap();
        let mut store = PrekeyStore::new(&mut rng).unwrap();
        assert_eq!(store.due_ms(0), None, "there is none");
        store.publish(&mut rng, &sign, Fingerprint::from_bytes([1; 32]), 0, 2 * DAY_MS).unwrap();
        let due_ms = Some(2 * DAY_MS + SIGNED_PREKEY_ROTATE_MS);
        assert_eq!((store.due_ms(DAY_MS), store.due_ms(DAY_MS - 1)), (due_ms, None));
    }

    #[test]
    fn to_discard_passes_over_ids_by_a_random_jump_of_one_to_two_lengths() {
        let mut rng = ScriptedRandom::new("discard");
        let jumps: Vec<u32> = (0..20)
            .map(|_| {
                let mut store = PrekeyStore::new(&mut rng).unwrap();
                let before = store.next_id;
                store.discard(&mut rng).unwrap();
                store.next_id - before
            })
            .collect();
        assert!(jumps.iter().all(|jump| (JUMP..2 * JUMP).contains(jump)), "{jumps:?}");
        assert!(jumps.iter().any(|jump| jump % JUMP > 1 << 16), "{jumps:?}");
    }
}
