//! Contents that were sent to a peer and are kept in case it cannot open them (`docs/PROTOCOL.md` section 16.2).

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::MessageId;
use crate::client::records;
use crate::error::{Error, Result};
use crate::limits::{CLIENT_RESEND_BYTES_MAX, CLIENT_RESEND_MAX, QUEUE_AGE_MAX_MS};
use crate::store::{Name, Store};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::ContentKind;
use crate::wire::envelope::ENVELOPE_ID_LEN;

/// What one record of RESEND holds.
pub(super) struct Content {
    pub(super) envelope_id: [u8; ENVELOPE_ID_LEN],
    /// Of the inner session.
    pub(super) key_id: [u8; 8],
    pub(super) message_id: MessageId,
    pub(super) kind: ContentKind,
    pub(super) sealed_ms: u64,
    /// How often it was sent again.
    pub(super) again: u8,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// What is kept of one peer, by the numbers that the contents had in the outbox; the bodies are in the store.
#[derive(Default)]
pub(super) struct Kept {
    index: BTreeMap<u64, ([u8; ENVELOPE_ID_LEN], usize)>,
    bytes: usize,
}

impl Content {
    pub(super) fn load(store: &Store, user: &str, number: u64) -> Result<Option<Self>> {
        records::load(store, &records::resend(user, number), Self::read)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            envelope_id: *reader.array()?,
            key_id: *reader.array()?,
            message_id: *reader.array()?,
            kind: ContentKind::try_from(reader.u8()?)?,
            sealed_ms: reader.u64()?,
            again: reader.u8()?,
            body: Zeroizing::new(reader.bytes32(0..=usize::MAX)?.to_vec()),
        })
    }

    fn to_value(&self) -> Result<records::Value> {
        let mut value = records::begin();
        value.put(&self.envelope_id);
        value.put(&self.key_id);
        value.put(&self.message_id);
        value.put_u8(self.kind as u8);
        value.put_u64(self.sealed_ms);
        value.put_u8(self.again);
        value.put_bytes32(&self.body)?;
        Ok(value)
    }
}

impl Kept {
    /// What is young enough to be asked for, and the names of what is not.
    fn load(store: &Store, user: &str, now_ms: u64) -> Result<(Self, Vec<Name>)> {
        let (mut kept, mut old) = (Self::default(), Vec::new());
        for record in store.scan(&records::all_resend(user))? {
            let record = record?;
            let content = records::read(&record.value, Content::read)?;
            if now_ms.saturating_sub(content.sealed_ms) >= QUEUE_AGE_MAX_MS {
                old.push(record.name);
                continue;
            }
            kept.add(records::number(&record.name)?, content.envelope_id, content.body.len());
        }
        Ok((kept, old))
    }

    fn add(&mut self, number: u64, envelope_id: [u8; ENVELOPE_ID_LEN], length: usize) {
        self.remove(number);
        self.index.insert(number, (envelope_id, length));
        self.bytes = self.bytes.saturating_add(length);
    }

    fn remove(&mut self, number: u64) {
        if let Some((_, length)) = self.index.remove(&number) {
            self.bytes = self.bytes.saturating_sub(length);
        }
    }

    /// The oldest, if there are too many.
    fn excess(&self) -> Option<u64> {
        let too_many = self.index.len() > CLIENT_RESEND_MAX
            || (self.bytes > CLIENT_RESEND_BYTES_MAX && self.index.len() > 1);
        self.index.keys().next().copied().filter(|_| too_many)
    }

    /// The number of the content that this envelope carried.
    pub(super) fn find(&self, envelope_id: &[u8; ENVELOPE_ID_LEN]) -> Option<u64> {
        self.index.iter().find(|(_, (id, _))| id == envelope_id).map(|(number, _)| *number)
    }

    fn numbers(&self) -> Vec<u64> {
        self.index.keys().copied().collect()
    }
}

impl Client {
    /// What is kept of a peer.
    pub(super) fn kept_of(&mut self, user: &str) -> Result<&mut Kept> {
        if self.peer(user)?.kept.is_none() {
            let (kept, old) = Kept::load(&self.store, user, self.now_ms)?;
            old.into_iter().for_each(|name| self.journal.delete(name));
            self.peer(user)?.kept = Some(kept);
        }
        self.peer(user)?.kept.as_mut().ok_or(Error::Internal)
    }

    /// Keeps a content that was sealed.
    pub(super) fn keep(&mut self, user: &str, number: u64, content: &Content) -> Result<()> {
        let value = content.to_value()?;
        let kept = self.kept_of(user)?;
        kept.add(number, content.envelope_id, content.body.len());
        let mut gone = Vec::new();
        while let Some(oldest) = kept.excess() {
            kept.remove(oldest);
            gone.push(oldest);
        }
        self.journal.put(records::resend(user, number), value);
        for oldest in gone {
            self.journal.delete(records::resend(user, oldest));
        }
        Ok(())
    }

    /// Forgets what was sent to an identity that does not count any more.
    pub(super) fn forget_kept(&mut self, user: &str) -> Result<()> {
        let numbers = self.kept_of(user)?.numbers();
        self.peer(user)?.kept = Some(Kept::default());
        for number in numbers {
            self.journal.delete(records::resend(user, number));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_the_last_stays_whatever_its_size() {
        let mut kept = Kept::default();
        for number in 0..=CLIENT_RESEND_MAX as u64 {
            kept.add(number, [number as u8; 16], 1);
        }
        assert_eq!(kept.excess(), Some(0));
        kept.remove(0);
        assert_eq!(kept.excess(), None);
        assert_eq!(kept.find(&[9; 16]), Some(9));
        kept.add(1_000, [0; 16], CLIENT_RESEND_BYTES_MAX);
        while let Some(oldest) = kept.excess() {
            kept.remove(oldest);
        }
        assert_eq!(kept.numbers(), [1_000]);
    }
}
