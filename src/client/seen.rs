//! The ids of the last messages of a peer, so that none is shown twice (`docs/PROTOCOL.md` section 16.1).

use std::collections::BTreeSet;

use crate::client::Client;
use crate::client::event::MessageId;
use crate::client::records::{self, Value};
use crate::error::{Error, Result};
use crate::limits::CLIENT_SEEN_MAX;
use crate::store::Store;
use crate::wire::codec::{Put as _, Reader};

/// Ids of one record.
const CHUNK: u64 = 32;

/// Chunks of one ring.
const CHUNKS: u64 = CLIENT_SEEN_MAX / CHUNK;

/// The ids of direct messages, and behind them those in groups: many of these must not push out what may come again.
#[derive(Default)]
pub(super) struct Seen([Ring; 2]);

/// A ring of ids, stored in chunks.
#[derive(Default)]
struct Ring {
    ids: BTreeSet<MessageId>,
    /// The id of position `n` lies at `n` modulo the length of the ring.
    ring: Vec<MessageId>,
    /// The position of the next id.
    next: u64,
}

impl Seen {
    pub(super) fn load(store: &Store, user: &str) -> Result<Self> {
        let mut seen = Self::default();
        for record in store.scan(&records::all_seen(user))? {
            let record = record?;
            let chunk = records::number(&record.name)?;
            let (next, ids) = records::read(&record.value, read_chunk)?;
            let ring = usize::try_from(chunk / CHUNKS).ok().and_then(|at| seen.0.get_mut(at));
            let ring = ring.ok_or(Error::StoreDamaged)?;
            if (chunk % CHUNKS).checked_mul(CHUNK) != u64::try_from(ring.ring.len()).ok() {
                return Err(Error::StoreDamaged);
            }
            ring.next = ring.next.max(next);
            ring.ids.extend(ids.iter().copied());
            ring.ring.extend(ids);
        }
        Ok(seen)
    }

    /// The ids of direct messages, oldest first.
    pub(super) fn in_order(&self) -> Vec<MessageId> {
        let [direct, _] = &self.0;
        let oldest = usize::try_from(direct.next % CLIENT_SEEN_MAX).unwrap_or(0);
        let (newer, older) = direct.ring.split_at(oldest.min(direct.ring.len()));
        older.iter().chain(newer).copied().collect()
    }

    pub(super) fn contains(&self, id: &MessageId) -> bool {
        self.0.iter().any(|ring| ring.ids.contains(id))
    }

    /// Remembers an id in place of the oldest. Answers the number of the chunk that has to be stored, and its value.
    fn remember(&mut self, id: MessageId, is_in_group: bool) -> (u64, Value) {
        let [direct, in_groups] = &mut self.0;
        let ring = if is_in_group { in_groups } else { direct };
        let chunk = ring.remember(id);
        (if is_in_group { CHUNKS.saturating_add(chunk) } else { chunk }, ring.chunk_value(chunk))
    }
}

impl Ring {
    /// Remembers an id in place of the oldest. Answers the number of the chunk that has to be stored.
    fn remember(&mut self, id: MessageId) -> u64 {
        let slot = self.next % CLIENT_SEEN_MAX;
        self.next = self.next.saturating_add(1);
        self.ids.insert(id);
        match usize::try_from(slot).ok().and_then(|slot| self.ring.get_mut(slot)) {
            Some(place) => {
                self.ids.remove(place);
                *place = id;
            }
            None => self.ring.push(id),
        }
        slot / CHUNK
    }

    fn chunk_value(&self, chunk: u64) -> Value {
        let mut value = records::begin();
        value.put_u64(self.next);
        let skip = usize::try_from(chunk.saturating_mul(CHUNK)).unwrap_or(usize::MAX);
        for id in self.ring.iter().skip(skip).take(CHUNK as usize) {
            value.put(id);
        }
        value
    }
}

fn read_chunk(reader: &mut Reader<'_>) -> Result<(u64, Vec<MessageId>)> {
    let next = reader.u64()?;
    let mut ids = Vec::new();
    while reader.remaining() > 0 && ids.len() < CHUNK as usize {
        ids.push(*reader.array()?);
    }
    Ok((next, ids))
}

impl Client {
    /// What was seen of a peer.
    pub(super) fn seen_of(&mut self, user: &str) -> Result<&mut Seen> {
        if self.peer(user)?.seen.is_none() {
            let seen = Seen::load(&self.store, user)?;
            self.peer(user)?.seen = Some(seen);
        }
        self.peer(user)?.seen.as_mut().ok_or(Error::Internal)
    }

    /// Whether this message of the peer, direct or in a group, is new; if so it is not any more.
    pub(super) fn see(&mut self, user: &str, id: &MessageId, is_in_group: bool) -> Result<bool> {
        let seen = self.seen_of(user)?;
        if seen.contains(id) {
            return Ok(false);
        }
        let (chunk, value) = seen.remember(*id, is_in_group);
        self.journal.put(records::seen(user, chunk), value);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_id_makes_room_for_the_newest() {
        let mut seen = Ring::default();
        let id = |number: u64| u128::from(number).to_be_bytes();
        for number in 0..CLIENT_SEEN_MAX + 3 {
            assert_eq!(seen.remember(id(number)), number % CLIENT_SEEN_MAX / CHUNK);
        }
        assert!(
            !seen.ids.contains(&id(2))
                && seen.ids.contains(&id(3))
                && seen.ids.contains(&id(CLIENT_SEEN_MAX + 2))
        );
        assert_eq!(seen.ids.len() as u64, CLIENT_SEEN_MAX);
        let (next, ids) = records::read(&seen.chunk_value(0), read_chunk).unwrap();
        assert_eq!((next, ids[2], ids[3]), (CLIENT_SEEN_MAX + 3, id(CLIENT_SEEN_MAX + 2), id(3)));
    }
}
