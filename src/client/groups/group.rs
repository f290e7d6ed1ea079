//! What is held of one group, and its records.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::client::groups::GroupId;
use crate::client::groups::disputes::Disputes;
use crate::client::groups::log::Fetch;
use crate::client::groups::offers::Offers;
use crate::client::groups::pending::Pending;
use crate::client::groups::stored_log::StoredLog;
use crate::client::journal::Journal;
use crate::client::records::{self, Value};
use crate::client::timers::{ceiling, earliest};
use crate::error::{Error, Result};
use crate::group::{GroupReceiver, GroupSender, ReceiverParts};
use crate::identity::Identity;
use crate::limits::CLIENT_LEASE;
use crate::roster::Roster;
use crate::store::{Part, Store};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::name::read_user;

/// Names a sender key of one sender.
pub(super) type KeyId = [u8; 8];

/// What we are to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Standing {
    /// Nothing, as far as we know.
    #[default]
    Outside,
    /// A member.
    Member,
    /// We were one, or the group has ended.
    Former,
}

/// Our sender key, and how far what is stored of it reaches.
pub(super) struct OwnKey {
    pub(super) sender: GroupSender,
    /// Messages that may be sealed before it has to be stored again.
    lease: u32,
}

/// Sender keys of others, and what is stored of them.
pub(super) struct Receiver {
    pub(super) keys: GroupReceiver,
    parts: ReceiverParts,
    /// When its next window ends.
    retire_ms: Option<u64>,
}

/// A sender key whose owner is no member that we know of yet.
pub(super) struct EarlyKey {
    pub(super) user: Box<str>,
    /// The fingerprint of the session that it came in.
    pub(super) fingerprint: [u8; 32],
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// What somebody said of the log in a session.
pub(super) struct Invited {
    pub(super) by: Box<str>,
    pub(super) epoch: u64,
    pub(super) hash: [u8; 16],
}

/// Which records are not what is in memory.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) record: bool,
    pub(super) sender: bool,
    pub(super) receiver: bool,
    pub(super) shared: bool,
}

/// One group.
#[derive(Default)]
pub(super) struct Group {
    pub(super) standing: Standing,
    /// How often the store had been found restored when we last made a key.
    pub(super) restorations: u32,
    pub(super) invited: Option<Invited>,
    pub(super) roster: Option<Roster>,
    /// What is stored of the log.
    pub(super) stored: StoredLog,
    pub(super) own: Option<OwnKey>,
    pub(super) receiver: Option<Receiver>,
    /// What was shared of the past.
    pub(super) shared: Option<Receiver>,
    pub(super) pending: Pending,
    pub(super) early: BTreeMap<u64, EarlyKey>,
    pub(super) fetch: Fetch,
    pub(super) offers: Offers,
    pub(super) disputes: Disputes,
    /// When a member was last answered about a key.
    pub(super) answered: BTreeMap<(Box<str>, KeyId), u64>,
    /// Since when keys are counted that nothing waited for, how many there were, and when the next may be made if one
    /// is due.
    pub(super) eager: (u64, u32),
    pub(super) eager_ms: Option<u64>,
    /// Members of whom the application was told that they are given no keys.
    pub(super) withheld: BTreeSet<Box<str>>,
    pub(super) dirty: Dirty,
}

impl OwnKey {
    pub(super) const fn new(sender: GroupSender) -> Self {
        Self { sender, lease: 0 }
    }

    /// Notes that a message was sealed. Answers whether the key has to be stored before it leaves.
    pub(super) const fn sealed(&mut self) -> bool {
        let store = self.lease == 0;
        self.lease = self.lease.saturating_sub(1);
        store
    }
}

impl Receiver {
    pub(super) fn new(keys: GroupReceiver) -> Self {
        // What windows there are is found at the first look.
        Self { keys, parts: ReceiverParts::new(), retire_ms: Some(0) }
    }

    fn load(
        store: &Store,
        identity: &Identity,
        roster: &Roster,
        id: &GroupId,
        is_shared: bool,
    ) -> Result<Option<Self>> {
        let (mut head, mut senders, mut retained) = (None, Vec::new(), Vec::new());
        for record in store.scan(&records::all_receiver(id, is_shared))? {
            let record = record?;
            let read = |reader: &mut Reader<'_>| {
                Ok((reader.u16()?, Zeroizing::new(reader.take(reader.remaining())?.to_vec())))
            };
            let (format, part) = records::read(&record.value, read)?;
            match record.name.parts() {
                [_, Part::Number(0)] => head = Some((format, part)),
                [_, Part::Number(1), Part::Bytes(_)] => senders.push(part),
                [_, Part::Number(2), Part::Number(number)] => retained.push((*number, part)),
                _ => return Err(Error::StoreDamaged),
            }
        }
        let Some((format, head)) = head else {
            let nothing = senders.is_empty() && retained.is_empty();
            return if nothing { Ok(None) } else { Err(Error::StoreDamaged) };
        };
        let (parts, keys) =
            ReceiverParts::load(identity, roster, format, &head, &senders, &retained).map_err(damaged)?;
        Ok(Some(Self { keys, parts, retire_ms: Some(0) }))
    }

    fn collect(&mut self, id: &GroupId, is_shared: bool, journal: &mut Journal) -> Result<()> {
        self.parts.collect(&mut self.keys, |part, bytes| {
            let name = records::receiver(id, is_shared, part);
            match bytes {
                Some(bytes) => {
                    let mut value = records::begin();
                    value.put_u16(GroupReceiver::FORMAT);
                    value.put(&bytes);
                    journal.put(name, value);
                }
                None => journal.delete(name),
            }
        })
    }

    /// Its windows may have changed: to be looked at when the group is tended.
    pub(super) const fn changed(&mut self) {
        self.retire_ms = Some(0);
    }
}

/// What a state that a store holds, and that does not read, says of the store.
fn damaged(error: Error) -> Error {
    match error {
        Error::UnsupportedVersion => Error::StoreNewer,
        _ => Error::StoreDamaged,
    }
}

impl Group {
    pub(super) fn load(store: &Store, identity: &Identity, id: &GroupId, now_ms: u64) -> Result<Self> {
        let record = records::load(store, &records::group(id), Self::read)?;
        let mut group = record.ok_or(Error::StoreDamaged)?;
        let (stored, log) = StoredLog::load(store, id)?;
        group.stored = stored;
        group.pending = Pending::load(store, id, now_ms)?;
        for record in store.scan(&records::all_keys(id))? {
            let record = record?;
            let key = records::read(&record.value, EarlyKey::read)?;
            group.early.insert(records::number(&record.name)?, key);
        }
        if log.is_empty() {
            return if group.standing == Standing::Outside { Ok(group) } else { Err(Error::StoreDamaged) };
        }
        let roster = Roster::open(&log).map_err(damaged)?;
        if roster.group_id() != id {
            return Err(Error::StoreDamaged);
        }
        if group.standing == Standing::Member {
            if let Some(value) = store.get(&records::sender(id))? {
                let payload = |reader: &mut Reader<'_>| {
                    Ok((reader.u16()?, Zeroizing::new(reader.take(reader.remaining())?.to_vec())))
                };
                let (format, payload) = records::read(&value, payload)?;
                let mut sender = GroupSender::import(identity, &roster, format, &payload).map_err(damaged)?;
                sender.correct_clock(now_ms);
                group.own = Some(OwnKey::new(sender));
            }
            group.receiver = Receiver::load(store, identity, &roster, id, false)?;
            group.shared = Receiver::load(store, identity, &roster, id, true)?;
            let Some(receiver) = &mut group.receiver else { return Err(Error::StoreDamaged) };
            receiver.keys.correct_clock(now_ms);
            group.disputes = Disputes::load(store, id, &roster, now_ms)?;
        }
        group.roster = Some(roster);
        Ok(group)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            standing: match reader.u8()? {
                0 => Standing::Outside,
                1 => Standing::Member,
                2 => Standing::Former,
                _ => return Err(Error::Malformed),
            },
            restorations: reader.u32()?,
            invited: match reader.u8()? {
                0 => None,
                1 => Some(Invited {
                    by: read_user(reader)?.into(),
                    epoch: reader.u64()?,
                    hash: *reader.array()?,
                }),
                _ => return Err(Error::Malformed),
            },
            ..Self::default()
        })
    }

    fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        value.put_u8(match self.standing {
            Standing::Outside => 0,
            Standing::Member => 1,
            Standing::Former => 2,
        });
        value.put_u32(self.restorations);
        records::put_bool(&mut value, self.invited.is_some());
        if let Some(Invited { by, epoch, hash }) = &self.invited {
            value.put_bytes8(by.as_bytes())?;
            value.put_u64(*epoch);
            value.put(hash);
        }
        Ok(value)
    }

    /// Writes the records that were only marked.
    pub(super) fn collect(&mut self, id: &GroupId, journal: &mut Journal) -> Result<()> {
        let Dirty { record, sender, receiver, shared } = core::mem::take(&mut self.dirty);
        if record {
            journal.put(records::group(id), self.to_value()?);
        }
        self.stored.collect(id, journal);
        if let Some(own) = self.own.as_mut().filter(|_| sender) {
            let mut value = records::begin();
            value.put_u16(GroupSender::FORMAT);
            value.put(&own.sender.export(CLIENT_LEASE)?);
            own.lease = CLIENT_LEASE;
            journal.put(records::sender(id), value);
        }
        if let Some(keys) = self.receiver.as_mut().filter(|_| receiver) {
            keys.collect(id, false, journal)?;
        }
        if let Some(keys) = self.shared.as_mut().filter(|_| shared) {
            keys.collect(id, true, journal)?;
        }
        Ok(())
    }

    /// No time of it is ahead, as far as it matters when it is read from the store too.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        let latest_ms = ceiling(now_ms);
        self.pending.correct_clock(now_ms);
        self.fetch.correct_clock(now_ms);
        self.offers.correct_clock(now_ms);
        self.disputes.correct_clock(now_ms);
        for at_ms in self.answered.values_mut().chain([&mut self.eager.0]).chain(&mut self.eager_ms) {
            *at_ms = now_ms.min(*at_ms);
        }
        if let Some(own) = &mut self.own {
            self.dirty.sender |= own.sender.correct_clock(latest_ms);
        }
        if let Some(receiver) = &mut self.receiver {
            self.dirty.receiver |= receiver.keys.correct_clock(latest_ms);
            receiver.changed();
        }
    }

    /// Windows stand still while a queue is read.
    pub(super) fn catch_up(&mut self, active: bool, now_ms: u64) {
        if let Some(receiver) = &mut self.receiver {
            receiver.keys.catch_up(active, now_ms);
            receiver.changed();
        }
    }

    /// Wipes keys whose window has ended. Answers whether that may have changed something.
    pub(super) fn retire(&mut self, now_ms: u64) -> bool {
        let Some(receiver) = &mut self.receiver else { return false };
        if receiver.retire_ms.is_none_or(|retire_ms| now_ms < retire_ms) {
            return false;
        }
        receiver.retire_ms = receiver.keys.retire(now_ms);
        self.dirty.receiver = true;
        true
    }

    /// When something is due.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let disputes = self.roster.as_ref().and_then(|roster| self.disputes.due_ms(roster));
        let windows = self.receiver.as_ref().and_then(|receiver| receiver.retire_ms);
        earliest([
            windows,
            self.pending.due_ms(),
            self.fetch.due_ms(),
            self.offers.due_ms(),
            disputes,
            self.eager_ms,
        ])
    }
}

impl EarlyKey {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            user: read_user(reader)?.into(),
            fingerprint: *reader.array()?,
            body: Zeroizing::new(reader.bytes16(0..=usize::from(u16::MAX))?.to_vec()),
        })
    }

    pub(super) fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        value.put_bytes8(self.user.as_bytes())?;
        value.put(&self.fingerprint);
        value.put_bytes16(&self.body)?;
        Ok(value)
    }
}
