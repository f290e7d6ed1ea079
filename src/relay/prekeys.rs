//! The prekeys that a user published, handed out one by one (`docs/PROTOCOL.md` sections 4 and 10.1).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::identity::PrekeyBundle;
use crate::limits::{HOUR_MS, ONE_TIME_PREKEY_LIFE_MS, ONE_TIME_PREKEYS_MAX, QUEUE_AGE_MAX_MS};
use crate::relay::clock::Now;
use crate::relay::outcome::Outcome;
use crate::relay::record::{Change, RecordName};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::prekeys::{OneTimePrekeyFields, PrekeyBundleFields};

/// From this age on a one-time prekey stays: a first message that uses it may wait as long as a queue lets it.
const HAND_OUT_MS: u64 = ONE_TIME_PREKEY_LIFE_MS - QUEUE_AGE_MAX_MS;

/// Ids that only an owner passes over who has discarded all one-time prekeys from before.
const DISCARDED_GAP: u64 = 1 << 22;

/// What one user published and has left.
#[derive(Default)]
pub(super) struct Prekeys {
    /// The newest bundle, without its one-time prekeys.
    bundle: Option<Box<[u8]>>,
    /// Of the record of `bundle` and `one_time`.
    version: u64,
    /// By ascending id, and so by the time of their publication.
    one_time: VecDeque<OneTime>,
    /// One-time prekeys with lower ids are gone.
    from_id: u64,
    /// Of the record of `from_id`.
    from_id_version: u64,
    /// Who took one within the last hour.
    takers: VecDeque<Taker>,
}

struct OneTime {
    id: u32,
    key: [u8; 65],
    published_ms: u64,
}

struct Taker {
    requester: Arc<str>,
    taken_ms: u64,
}

impl Prekeys {
    /// Takes a checked bundle: its signed prekey replaces the one before, its one-time prekeys join those that are
    /// left, but for ids that were seen before, or take their place after so long a gap that those are no more. Beyond
    /// [`ONE_TIME_PREKEYS_MAX`] the oldest go.
    pub(super) fn publish(
        &mut self,
        user: &Arc<str>,
        bundle: &PrekeyBundle,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let without = bundle.bytes_with(None)?.into_boxed_slice();
        self.drop_old(now_ms);
        let seen = self.one_time.back().map_or(self.from_id, |newest| u64::from(newest.id) + 1);
        let new: Vec<OneTime> = bundle
            .one_time()
            .iter()
            .filter(|prekey| u64::from(prekey.id) >= seen)
            .map(|prekey| OneTime { id: prekey.id, key: *prekey.key.as_bytes(), published_ms: now_ms })
            .collect();
        if new.first().is_some_and(|first| u64::from(first.id) >= seen.saturating_add(DISCARDED_GAP)) {
            while self.take().is_some() {}
        }
        self.one_time.extend(new);
        self.bundle = Some(without);
        while self.one_time.len() > ONE_TIME_PREKEYS_MAX {
            self.take();
        }
        outcome.change(Change::value(
            RecordName::Prekeys(Arc::clone(user)),
            self.version,
            self.to_bytes().into(),
        ));
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// The bundle to hand to a requester: with the oldest one-time prekey, unless the requester has taken `per_hour`
    /// in the last hour. Nothing if nothing was published, or the signed prekey is dead.
    pub(super) fn hand_out(
        &mut self,
        user: &Arc<str>,
        requester: &Arc<str>,
        per_hour: u32,
        now: Now,
        outcome: &mut Outcome,
    ) -> Result<Option<Vec<u8>>> {
        let Some(bundle) = self.bundle.clone() else { return Ok(None) };
        let mut fields = PrekeyBundleFields::parse(&bundle)?;
        if now.named_ms >= fields.signed.expires_ms {
            return Ok(None);
        }
        let now_ms = now.kept_ms;
        self.drop_old(now_ms);
        let one_time =
            if user != requester && self.may_take(requester, per_hour, now_ms) { self.take() } else { None };
        if let Some(prekey) = &one_time {
            self.takers.push_back(Taker { requester: Arc::clone(requester), taken_ms: now_ms });
            self.record_taken(user, outcome);
            fields.one_time = vec![OneTimePrekeyFields { id: prekey.id, key: &prekey.key }];
        }
        let mut out = Vec::with_capacity(bundle.len() + 69);
        fields.put(&mut out)?;
        Ok(Some(out))
    }

    /// When the signed prekey dies, 0 without a bundle, and how many one-time prekeys are left.
    pub(super) fn left(&self) -> (u64, usize) {
        let fields = self.bundle.as_deref().and_then(|bundle| PrekeyBundleFields::parse(bundle).ok());
        (fields.map_or(0, |fields| fields.signed.expires_ms), self.one_time.len())
    }

    /// Bounded: whoever takes is remembered for an hour, and no more than so many are.
    fn may_take(&mut self, requester: &Arc<str>, per_hour: u32, now_ms: u64) -> bool {
        // An hour from now either way: a clock that was wrong blocks nobody for longer.
        while self.takers.front().is_some_and(|taker| now_ms.abs_diff(taker.taken_ms) >= HOUR_MS) {
            self.takers.pop_front();
        }
        let taken = self.takers.iter().filter(|taker| taker.requester == *requester).count();
        self.takers.len() < ONE_TIME_PREKEYS_MAX && u32::try_from(taken).is_ok_and(|taken| taken < per_hour)
    }

    fn drop_old(&mut self, now_ms: u64) {
        while self
            .one_time
            .front()
            .is_some_and(|oldest| now_ms.saturating_sub(oldest.published_ms) >= HAND_OUT_MS)
        {
            self.take();
        }
    }

    fn take(&mut self) -> Option<OneTime> {
        let prekey = self.one_time.pop_front()?;
        self.from_id = u64::from(prekey.id) + 1;
        Some(prekey)
    }

    /// The user has no identity any more; the next one counts its own ids.
    pub(super) fn clear(&mut self) {
        self.bundle = None;
        self.one_time.clear();
        self.from_id = 0;
    }

    /// [`Prekeys::clear`], and its records go.
    pub(super) fn forget(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        self.clear();
        let (prekeys, taken) = (RecordName::Prekeys(Arc::clone(user)), RecordName::Taken(Arc::clone(user)));
        for (name, version) in [(prekeys, &mut self.version), (taken, &mut self.from_id_version)] {
            if *version > 0 {
                outcome.change(Change::deletion(name, core::mem::take(version)));
            }
        }
    }

    /// Hands out none of the one-time prekeys that are left: their owner has forgotten which of them were used.
    pub(super) fn discard(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        if self.one_time.is_empty() {
            return;
        }
        while self.take().is_some() {}
        self.record_taken(user, outcome);
    }

    fn record_taken(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        let (name, value) = (RecordName::Taken(Arc::clone(user)), Box::new(self.from_id.to_be_bytes()));
        outcome.change(Change::value(name, self.from_id_version, value));
        self.from_id_version = self.from_id_version.saturating_add(1);
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_u64(self.from_id);
        out.put_u32(u32::try_from(self.one_time.len()).unwrap_or(u32::MAX));
        for prekey in &self.one_time {
            out.put_u32(prekey.id);
            out.put(&prekey.key);
            out.put_u64(prekey.published_ms);
        }
        out.put(self.bundle.as_deref().unwrap_or_default());
        out
    }

    /// Takes the record of what was published, or of its deletion.
    pub(super) fn restore(&mut self, value: Option<&[u8]>, version: u64) -> Result<()> {
        let (mut bundle, mut one_time) = (None, VecDeque::new());
        if let Some(value) = value {
            let mut reader = Reader::new(value);
            // A record of what is gone may be older than this one.
            let from_id = reader.u64()?;
            for _ in 0..reader.u32()? {
                let prekey =
                    OneTime { id: reader.u32()?, key: *reader.array()?, published_ms: reader.u64()? };
                if one_time.len() >= ONE_TIME_PREKEYS_MAX {
                    return Err(Error::Malformed);
                }
                one_time.push_back(prekey);
            }
            let rest = reader.take(reader.remaining())?;
            PrekeyBundleFields::parse(rest)?;
            bundle = Some(rest.into());
            self.from_id = self.from_id.max(from_id);
        }
        (self.bundle, self.one_time, self.version) = (bundle, one_time, version);
        self.drop_taken();
        Ok(())
    }

    /// Takes the record of what is gone, or of its deletion.
    pub(super) fn restore_taken(&mut self, from_id: Option<u64>, version: u64) {
        self.from_id = from_id.map_or(0, |from_id| self.from_id.max(from_id));
        self.from_id_version = version;
        self.drop_taken();
    }

    fn drop_taken(&mut self) {
        let from_id = self.from_id;
        self.one_time.retain(|prekey| u64::from(prekey.id) >= from_id);
    }
}
