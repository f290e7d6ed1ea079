//! A group receiver as bytes, to be sealed by the caller (`docs/PROTOCOL.md` section 9), and back. The layout is
//! private to this library; every field is checked when it is read.

use std::collections::{BTreeMap, VecDeque};

use zeroize::Zeroizing;

use crate::crypto::Secret;
use crate::crypto::ecc::SignPublic;
use crate::error::{Error, Result};
use crate::group::chain::{MessageKey, block_end};
use crate::group::distribution::{put_chain, read_chain, read_counter};
use crate::group::history::History;
use crate::group::keyring::Keyring;
use crate::group::links::{LinkBytes, Links};
use crate::group::receiver::{GroupReceiver, GroupReceiverOptions};
use crate::group::sender_key::SenderKey;
use crate::group::skipped::Skipped;
use crate::group::state::{
    Out, boolean, count, option, put_bool, put_count, put_option, put_previous, read_previous,
};
use crate::identity::{Fingerprint, Identity};
use crate::limits::{
    GROUP_HISTORY_KEYS_MAX, GROUP_LINKS_MAX, GROUP_MEMBERS_MAX, GROUP_RECENT_MAX, GROUP_RETAINED_KEYS_MAX,
    GROUP_RETIRED_KEYS_MAX, GROUP_SKIPPED_BLOCKS_MAX, GROUP_SKIPPED_KEYS_MAX, GROUP_STORED_BYTES_MAX,
    GROUP_TOMBSTONES_MAX, NAME_MAX, SEALED_MAX,
};
use crate::roster::Roster;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::name;
use crate::wire::recent::Recent;

/// The largest receiver can be exported: a full group, whose members all keep every key, name and link that they can.
const _: () = {
    const KEY: usize = 8 + 32 + 8 + 65 + 4 + 68 + 5 * 4 + (4 + 16 * GROUP_RECENT_MAX) + 30 + 5 + 9 + 69 + 1;
    const SENDER: usize =
        1 + NAME_MAX + 4 + 8 * GROUP_TOMBSTONES_MAX + 4 + (GROUP_RETIRED_KEYS_MAX + 1) * KEY;
    const RETAINED: usize = 2 + 32 + 1 + NAME_MAX + 32 + 8 + 8 + 65 + 68 + 4;
    let most = GROUP_MEMBERS_MAX * SENDER + GROUP_RETAINED_KEYS_MAX * RETAINED + GROUP_STORED_BYTES_MAX;
    assert!(most + 4_096 < SEALED_MAX);
};

impl GroupReceiver {
    /// Of what [`GroupReceiver::export`] writes.
    pub const FORMAT: u16 = 1;

    /// The whole state.
    pub fn export(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(Vec::with_capacity(4_096));
        self.put_head(&mut out)?;
        put_count(&mut out, self.senders.len())?;
        for (user, keyring) in &self.senders {
            put_sender(&mut out, user, keyring)?;
        }
        put_count(&mut out, self.retained.len())?;
        for kept in &self.retained {
            put_retained(&mut out, kept)?;
        }
        Ok(out)
    }

    /// What is neither of one sender nor retained.
    pub(super) fn put_head(&self, out: &mut Out) -> Result<()> {
        out.put_bytes8(self.user.as_bytes())?;
        out.put(self.fingerprint.as_bytes());
        out.put(&self.group_id);
        out.put_u64(self.options.transition_window_ms);
        put_bool(out, self.options.retain_history);
        put_bool(out, self.options.history);
        put_option(out, self.catching_up.as_ref(), |out, since| out.put_u64(*since));
        out.put_u64(self.latest_ms);
        Ok(())
    }

    /// Reads what [`GroupReceiver::export`] gave, with the format that it was sealed under, and takes over what the
    /// roster says now ([`GroupReceiver::sync`]).
    ///
    /// [`Error::UnsupportedVersion`] for another format, [`Error::WrongSession`] if it belongs to another identity, [`Error::WrongGroup`] if to another group,
    /// [`Error::Malformed`] for anything that no export gives.
    pub fn import(identity: &Identity, roster: &Roster, format: u16, payload: &[u8]) -> Result<Self> {
        if format != Self::FORMAT {
            return Err(Error::UnsupportedVersion);
        }
        let mut reader = Reader::new(payload);
        let user = name::read_user(&mut reader)?.to_owned();
        let fingerprint = Fingerprint::from_bytes(*reader.array()?);
        let group_id = *reader.array()?;
        if user != identity.user() || fingerprint != identity.fingerprint() {
            return Err(Error::WrongSession);
        }
        if group_id != *roster.group_id() {
            return Err(Error::WrongGroup);
        }
        let options = GroupReceiverOptions {
            transition_window_ms: reader.u64()?,
            retain_history: boolean(&mut reader)?,
            history: boolean(&mut reader)?,
        };
        options.check().map_err(|_| Error::Malformed)?;
        let catching_up = option(&mut reader, Reader::u64)?;
        let latest_ms = reader.u64()?;
        let mut senders = BTreeMap::new();
        for _ in 0..reader.u32()? {
            let sender = name::read_user(&mut reader)?.to_owned();
            if senders.last_key_value().is_some_and(|(last, _): (&String, _)| *last >= sender) {
                return Err(Error::Malformed);
            }
            senders.insert(sender, read_keyring(&mut reader, &options)?);
        }
        let mut retained = VecDeque::new();
        for _ in 0..count(&mut reader, GROUP_RETAINED_KEYS_MAX)? {
            retained.push_back(History::decode(reader.bytes16(0..=usize::from(u16::MAX))?)?);
        }
        reader.finish()?;
        let foreign = retained.iter().any(|kept| kept.group_id != group_id);
        let unasked = !options.retain_history && !retained.is_empty();
        let shared = senders.values().map(|keyring| keyring.keys.len()).sum::<usize>();
        if foreign || unasked || (options.history && shared > GROUP_HISTORY_KEYS_MAX) {
            return Err(Error::Malformed);
        }
        let mut receiver = Self {
            user,
            fingerprint,
            group_id,
            options,
            senders,
            retained,
            let_go: 0,
            catching_up,
            latest_ms,
            stored: 0,
            revision: 0,
            slot: Secret::zeroed(),
        };
        receiver.sync(roster, latest_ms)?;
        receiver.count_stored();
        receiver.stores((0, 0));
        Ok(receiver)
    }
}

pub(super) fn put_sender(out: &mut Out, user: &str, keyring: &Keyring) -> Result<()> {
    out.put_bytes8(user.as_bytes())?;
    put_count(out, keyring.wiped.len())?;
    for key_id in &keyring.wiped {
        out.put(key_id);
    }
    put_count(out, keyring.keys.len())?;
    keyring.keys.iter().try_for_each(|key| put_key(out, key))
}

pub(super) fn put_retained(out: &mut Out, kept: &History) -> Result<()> {
    let kept = kept.encode()?;
    out.put_u16(u16::try_from(kept.len()).map_err(|_| Error::Internal)?);
    out.put(&kept);
    Ok(())
}

fn read_keyring(reader: &mut Reader<'_>, options: &GroupReceiverOptions) -> Result<Keyring> {
    let mut keyring = Keyring::default();
    for _ in 0..count(reader, GROUP_TOMBSTONES_MAX)? {
        keyring.wiped.push_back(*reader.array()?);
    }
    let most = if options.history { GROUP_HISTORY_KEYS_MAX } else { GROUP_RETIRED_KEYS_MAX + 1 };
    for _ in 0..count(reader, most)? {
        let key = read_key(reader)?;
        let retained = key.retained.is_none() || options.retain_history;
        let one_current = options.history
            || key.closes_ms.is_some()
            || keyring.keys.iter().all(|held| held.closes_ms.is_some());
        let sound = retained && one_current && key.shared_by.is_some() == options.history;
        if !sound || keyring.find(&key.key_id).is_some() {
            return Err(Error::Malformed);
        }
        keyring.push(key);
    }
    keyring.changed = false;
    Ok(keyring)
}

fn put_key(out: &mut Out, key: &SenderKey) -> Result<()> {
    out.put(&key.key_id);
    out.put(key.owner.as_bytes());
    out.put_u64(key.epoch);
    out.put(key.signing_key.as_bytes());
    out.put_u32(key.first);
    put_chain(out, &key.chain);
    put_skipped(out, &key.skipped)?;
    for links in [key.links.carried(), key.links.named()] {
        put_count(out, links.len())?;
        for (counter, link) in links.iter() {
            out.put_u32(*counter);
            out.put(link);
        }
    }
    put_count(out, key.recent.ids().len())?;
    for id in key.recent.ids() {
        out.put(id);
    }
    put_option(out, key.previous.as_ref(), put_previous);
    put_option(out, key.end.as_ref(), |out, end| out.put_u32(*end));
    put_option(out, key.closes_ms.as_ref(), |out, end| out.put_u64(*end));
    put_option(out, key.retained.as_ref(), put_chain);
    put_bool(out, key.shared_by.is_some());
    if let Some(sharer) = &key.shared_by {
        out.put_bytes8(sharer.as_bytes())?;
    }
    Ok(())
}

fn read_key(reader: &mut Reader<'_>) -> Result<SenderKey> {
    let (key_id, owner) = (*reader.array()?, Fingerprint::from_bytes(*reader.array()?));
    let (epoch, signing_key) = (reader.u64()?, SignPublic::from_bytes(reader.array::<65>()?)?);
    let (first, chain) = (read_counter(reader)?, read_chain(reader)?);
    let skipped = read_skipped(reader, first, chain.counter())?;
    let mut links = Links::default();
    read_links(reader, |counter, link| links.expect_carried(counter, link))?;
    read_links(reader, |counter, link| links.expect_named(counter, link))?;
    let mut recent = Recent::default();
    for _ in 0..count(reader, GROUP_RECENT_MAX)? {
        recent.put(*reader.array()?);
    }
    let key = SenderKey {
        key_id,
        owner,
        epoch,
        signing_key,
        first,
        chain,
        skipped,
        links,
        recent,
        previous: option(reader, read_previous)?,
        end: option(reader, read_counter)?,
        closes_ms: option(reader, Reader::u64)?,
        retained: option(reader, read_chain)?,
        shared_by: option(reader, |reader| name::read_user(reader).map(str::to_owned))?,
    };
    let counter = key.chain.counter();
    let ended = key.end.is_none_or(|end| counter <= end);
    let kept = key.retained.as_ref().is_none_or(|retained| retained.counter() == first);
    if first <= counter && ended && kept { Ok(key) } else { Err(Error::Malformed) }
}

fn put_skipped(out: &mut Out, skipped: &Skipped) -> Result<()> {
    out.put_u32(skipped.floor());
    put_count(out, skipped.keys().len())?;
    for (counter, key) in skipped.keys() {
        out.put_u32(*counter);
        out.put(key.as_secret().as_bytes());
    }
    put_count(out, skipped.rests().len())?;
    for (from, chain) in skipped.rests() {
        out.put_u32(*from);
        out.put(chain.as_bytes());
    }
    Ok(())
}

fn read_skipped(reader: &mut Reader<'_>, first: u32, next: u32) -> Result<Skipped> {
    let floor = read_counter(reader)?;
    let mut skipped = Skipped::new(floor);
    let mut lowest = first;
    for _ in 0..count(reader, GROUP_SKIPPED_KEYS_MAX)? {
        let counter = reader.u32()?;
        if !(lowest..next).contains(&counter) {
            return Err(Error::Malformed);
        }
        lowest = counter.saturating_add(1);
        skipped.restore_key(counter, MessageKey::from_secret(Secret::from_slice(reader.take(64)?)?));
    }
    let mut lowest = first;
    for _ in 0..count(reader, GROUP_SKIPPED_BLOCKS_MAX)? {
        let from = reader.u32()?;
        let end = block_end(from);
        if from < lowest || end > next || skipped.keys().range(from..end).next().is_some() {
            return Err(Error::Malformed);
        }
        lowest = end;
        skipped.restore_rest(from, Secret::from_slice(reader.take(32)?)?);
    }
    if (first..=next).contains(&floor) { Ok(skipped) } else { Err(Error::Malformed) }
}

fn read_links(reader: &mut Reader<'_>, mut keep: impl FnMut(u32, LinkBytes)) -> Result<()> {
    let mut lowest = 0;
    for _ in 0..count(reader, GROUP_LINKS_MAX)? {
        let counter = read_counter(reader)?;
        if counter < lowest {
            return Err(Error::Malformed);
        }
        lowest = counter.saturating_add(1);
        keep(counter, *reader.array()?);
    }
    Ok(())
}
