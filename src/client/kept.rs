//! Contents that were sent to a peer and are kept in case it cannot open them (`docs/PROTOCOL.md` section 16.2).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::MessageId;
use crate::client::journal::Journal;
use crate::client::options::IdentityChange;
use crate::client::outbox::UNASKED;
use crate::client::records;
use crate::client::timers::ceiling;
use crate::error::{Error, Result};
use crate::limits::{CLIENT_KEPT_MAX, CLIENT_RESEND_BYTES_MAX, CLIENT_RESEND_MAX, DAY_MS, QUEUE_AGE_MAX_MS};
use crate::store::Store;
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
    /// None of a message that made room for newer ones: what is left of it says which one could not be read.
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
}

/// What is kept of one peer, by the numbers that the contents had in the outbox; the bodies are in the store.
#[derive(Default)]
pub(super) struct Kept {
    index: BTreeMap<u64, Place>,
    /// Numbers of those with bodies, and the bytes of these.
    whole: BTreeSet<u64>,
    bytes: usize,
}

/// Peers of whom is forgotten what is too old.
pub(super) struct Sweep {
    /// When it begins again.
    due_ms: u64,
    /// Those who are left.
    users: VecDeque<Box<str>>,
}

/// Peers that one tick looks at.
const SWEEP_USERS: usize = 64;

impl Sweep {
    /// The first time soon after an opening, for those who open often.
    pub(super) fn new(now_ms: u64) -> Self {
        Self { due_ms: now_ms.saturating_add(SWEEP_SOON_MS), users: VecDeque::new() }
    }
}

const SWEEP_SOON_MS: u64 = 10_000;

/// No inner session any more.
const FOREIGN: [u8; 8] = [0; 8];

/// How often one content goes again: a peer that could not open it so often will not.
pub(super) const AGAIN_MAX: u8 = 3;

/// What is known of a content without reading it.
struct Place {
    envelope_id: [u8; ENVELOPE_ID_LEN],
    sealed_ms: u64,
    /// Of its body.
    length: usize,
    /// It was sealed for an identity of the peer that does not count any more.
    is_foreign: bool,
    /// It was sent again as often as it may be.
    is_spent: bool,
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
            body: if records::read_bool(reader)? {
                Some(Zeroizing::new(reader.bytes32(0..=usize::MAX)?.to_vec()))
            } else {
                None
            },
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
        records::put_bool(&mut value, self.body.is_some());
        if let Some(body) = &self.body {
            value.put_bytes32(body)?;
        }
        Ok(value)
    }
}

impl Kept {
    /// What is young enough to be asked for. What is not is deleted, and no time is ahead.
    fn load(store: &Store, journal: &mut Journal, user: &str, now_ms: u64) -> Result<Self> {
        let mut kept = Self::default();
        for record in store.scan(&records::all_resend(user))? {
            let record = record?;
            let mut content = records::read(&record.value, Content::read)?;
            if is_old(content.sealed_ms, now_ms) {
                journal.delete(record.name);
                continue;
            }
            kept.add(records::number(&record.name)?, &content);
            if content.sealed_ms > ceiling(now_ms).saturating_add(DAY_MS) {
                content.sealed_ms = now_ms;
                journal.put(record.name, content.to_value()?);
            }
        }
        Ok(kept)
    }

    fn add(&mut self, number: u64, content: &Content) {
        self.remove(number);
        let length = content.body.as_ref().map_or(0, |body| body.len());
        let place = Place {
            envelope_id: content.envelope_id,
            sealed_ms: content.sealed_ms,
            length,
            is_foreign: content.key_id == FOREIGN,
            is_spent: content.again & !UNASKED >= AGAIN_MAX,
        };
        self.index.insert(number, place);
        if content.body.is_some() {
            self.whole.insert(number);
            self.bytes = self.bytes.saturating_add(length);
        }
    }

    fn remove(&mut self, number: u64) {
        if let Some(place) = self.index.remove(&number)
            && self.whole.remove(&number)
        {
            self.bytes = self.bytes.saturating_sub(place.length);
        }
    }

    /// The oldest with a body, if they are too many.
    fn excess_whole(&self) -> Option<u64> {
        let too_many = self.whole.len() > CLIENT_RESEND_MAX
            || (self.bytes > CLIENT_RESEND_BYTES_MAX && self.whole.len() > 1);
        self.whole.first().copied().filter(|_| too_many)
    }

    /// The oldest, if there are too many.
    fn excess(&self) -> Option<u64> {
        self.index.keys().next().copied().filter(|_| self.index.len() > CLIENT_KEPT_MAX)
    }

    /// The number of the content that this envelope carried.
    pub(super) fn find(&self, envelope_id: &[u8; ENVELOPE_ID_LEN]) -> Option<u64> {
        self.index.iter().find(|(_, place)| place.envelope_id == *envelope_id).map(|(number, _)| *number)
    }

    /// Whether a content was sealed for an identity of the peer that does not count any more.
    pub(super) fn is_foreign(&self, number: u64) -> bool {
        self.index.get(&number).is_some_and(|place| place.is_foreign)
    }

    /// Those that can go again unasked: with bodies, for the identity that counts, and not sent too often. Whoever asks
    /// for everything again and again has nothing read for it.
    pub(super) fn whole(&self) -> Vec<u64> {
        let may_go =
            |number: &u64| self.index.get(number).is_some_and(|place| !place.is_foreign && !place.is_spent);
        self.whole.iter().copied().filter(may_go).collect()
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        for place in self.index.values_mut() {
            place.sealed_ms = place.sealed_ms.min(now_ms);
        }
    }

    /// Forgets what is too old to be asked for. Answers the numbers.
    fn expire(&mut self, now_ms: u64) -> Vec<u64> {
        let old = self.index.iter().filter(|(_, place)| is_old(place.sealed_ms, now_ms));
        let old: Vec<u64> = old.map(|(number, _)| *number).collect();
        old.iter().for_each(|number| self.remove(*number));
        old
    }
}

/// No queue holds its envelope any more.
const fn is_old(sealed_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(sealed_ms) >= QUEUE_AGE_MAX_MS
}

impl Client {
    /// What is kept of a peer.
    pub(super) fn kept_of(&mut self, user: &str) -> Result<&mut Kept> {
        if self.peer(user)?.kept.is_none() {
            let kept = Kept::load(&self.store, &mut self.journal, user, self.now_ms)?;
            self.peer(user)?.kept = Some(kept);
        }
        self.peer(user)?.kept.as_mut().ok_or(Error::Internal)
    }

    /// Keeps a content that was sealed.
    pub(super) fn keep(&mut self, user: &str, number: u64, content: &Content) -> Result<()> {
        let value = content.to_value()?;
        let kept = self.kept_of(user)?;
        kept.add(number, content);
        let (mut emptied, mut gone) = (Vec::new(), Vec::new());
        while let Some(oldest) = kept.excess_whole() {
            kept.remove(oldest);
            emptied.push(oldest);
        }
        while let Some(oldest) = kept.excess() {
            kept.remove(oldest);
            gone.push(oldest);
        }
        self.journal.put(records::resend(user, number), value);
        for oldest in emptied {
            self.empty_kept(user, oldest)?;
        }
        for oldest in gone {
            self.journal.delete(records::resend(user, oldest));
        }
        Ok(())
    }

    /// Lets go of the body of a content. Of a message, what is left names it.
    fn empty_kept(&mut self, user: &str, number: u64) -> Result<()> {
        let content = Content::load(&self.store, user, number)?;
        match content.filter(|content| content.kind == ContentKind::Data) {
            Some(content) => {
                let content = Content { body: None, ..content };
                self.journal.put(records::resend(user, number), content.to_value()?);
                self.kept_of(user)?.add(number, &content);
            }
            None => self.journal.delete(records::resend(user, number)),
        }
        Ok(())
    }

    /// Once a day, forgets what no queue holds any more, some peers at a time: what was sent shall not lie about.
    pub(super) fn tend_kept(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        if self.sweep.users.is_empty() {
            if now_ms < self.sweep.due_ms {
                return Ok(());
            }
            self.sweep = Sweep { due_ms: now_ms.saturating_add(DAY_MS), users: self.all_known()? };
        }
        for _ in 0..SWEEP_USERS {
            let Some(user) = self.sweep.users.pop_front() else { break };
            let loaded = self.peers.get_mut(&user).and_then(|peer| peer.kept.as_mut());
            match loaded {
                Some(kept) => {
                    for number in kept.expire(now_ms) {
                        self.journal.delete(records::resend(&user, number));
                    }
                }
                None => drop(Kept::load(&self.store, &mut self.journal, &user, now_ms)?),
            }
        }
        Ok(())
    }

    /// When the next of that is due.
    pub(super) fn kept_due_ms(&self) -> u64 {
        if self.sweep.users.is_empty() { self.sweep.due_ms } else { self.now_ms }
    }

    /// Forgets one content.
    pub(super) fn forget_one_kept(&mut self, user: &str, number: u64) -> Result<()> {
        self.kept_of(user)?.remove(number);
        self.journal.delete(records::resend(user, number));
        Ok(())
    }

    /// Marks what was sent to an identity that does not count any more. Only messages are of use to another, and only if
    /// somebody decides on that one; where nobody does, what is left names them.
    pub(super) fn disown_kept(&mut self, user: &str) -> Result<()> {
        let is_decided = self.options.identity_change == IdentityChange::Block;
        let numbers: Vec<u64> = self.kept_of(user)?.index.keys().copied().collect();
        for number in numbers {
            match Content::load(&self.store, user, number)? {
                Some(mut content) if content.kind == ContentKind::Data => {
                    content.key_id = FOREIGN;
                    content.body = content.body.filter(|_| is_decided);
                    self.kept_of(user)?.add(number, &content);
                    self.journal.put(records::resend(user, number), content.to_value()?);
                }
                _ => self.forget_one_kept(user, number)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(id: u8, length: usize) -> Content {
        let body = Some(Zeroizing::new(vec![0; length]));
        let (envelope_id, key_id, message_id) = ([id; 16], [1; 8], [id; 16]);
        Content { envelope_id, key_id, message_id, kind: ContentKind::Data, sealed_ms: 0, again: 0, body }
    }

    #[test]
    fn the_oldest_goes_first_and_the_last_stays_whatever_its_size() {
        let mut kept = Kept::default();
        for number in 0..=CLIENT_RESEND_MAX as u64 {
            kept.add(number, &content(number as u8, 1));
        }
        assert_eq!(kept.excess_whole(), Some(0));
        kept.add(0, &Content { body: None, ..content(0, 1) });
        assert_eq!((kept.excess_whole(), kept.excess(), kept.find(&[9; 16])), (None, None, Some(9)));
        kept.add(1_000, &content(0, CLIENT_RESEND_BYTES_MAX));
        while let Some(oldest) = kept.excess_whole() {
            kept.remove(oldest);
        }
        assert_eq!((kept.whole(), kept.find(&[0; 16])), (vec![1_000], Some(0)));
        kept.add(1_000, &Content { again: AGAIN_MAX | UNASKED, ..content(0, 1) });
        assert_eq!(kept.whole(), [0; 0]);
        assert_eq!((kept.expire(QUEUE_AGE_MAX_MS), kept.bytes), (vec![0, 1_000], 0));
    }

    #[test]
    fn what_is_left_of_a_message_reads_back() {
        for body in [None, Some(Zeroizing::new(b"a body".to_vec()))] {
            let value = Content { body: body.clone(), ..content(7, 1) }.to_value().unwrap();
            let read = records::read(&value, Content::read).unwrap();
            assert!(read.body == body && read.message_id == [7; 16]);
        }
    }
}
