//! The names of a client's records, and how their values begin and end.
//!
//! ```text
//! SETTINGS            what the client itself counts and remembers
//! IDENTITY            the identity's export
//! PEER user           what is known of a peer
//! SESSION user        the session's export
//! OUT number          something to be sent, in the order of the calls
//! RESEND user number  a content that was sealed as number, to be sent again if its envelope cannot be opened
//! SENT number         a message that was sent, to judge acks by
//! SEEN user chunk     the ids of the last messages of a peer
//! HELD user number    envelopes under an identity that was not accepted yet
//! EVENT number        what the application has not confirmed
//! ACKS user [group]   what a peer will be told of its messages
//! GROUP id            what is known of a group beside its log
//! ROSTER id number    entries of its log, as they came; rewritten when a fork was settled against the own history
//! SENDER id           the export of our sender key
//! RECEIVER id part    the sender keys of the others, in parts
//! SHARED id part      the keys that were shared of its past, in parts
//! PENDING id number   a message whose key has not come
//! KEY id number       a sender key whose owner's entry has not come
//! REQUEST number      what the application asked for, until it is done or refused
//! ENVELOPE number     what was sealed of OUT number for a group
//! DISPUTE id user     a history that a member has named, and that did not come to light
//! ```
//!
//! Every value starts with the version of its format.

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::group::Part;
use crate::store::{Name, Store};
use crate::wire::codec::{Put as _, Reader};

const SETTINGS: u8 = 1;
const IDENTITY: u8 = 2;
const PEER: u8 = 3;
const SESSION: u8 = 4;
const OUT: u8 = 5;
const RESEND: u8 = 6;
const SENT: u8 = 7;
const SEEN: u8 = 8;
const HELD: u8 = 9;
const EVENT: u8 = 10;
const ACKS: u8 = 11;
const GROUP: u8 = 12;
const ROSTER: u8 = 13;
const SENDER: u8 = 14;
const RECEIVER: u8 = 15;
const SHARED: u8 = 16;
const PENDING: u8 = 17;
const KEY: u8 = 18;
const REQUEST: u8 = 19;
const ENVELOPE: u8 = 20;
const DISPUTE: u8 = 21;

/// The version of all formats.
const VERSION: u8 = 1;

/// A value that is being written.
pub(super) type Value = Zeroizing<Vec<u8>>;

pub(super) fn settings() -> Name {
    Name::new(SETTINGS)
}

pub(super) fn identity() -> Name {
    Name::new(IDENTITY)
}

pub(super) fn all_peers() -> Name {
    Name::new(PEER)
}

pub(super) fn peer(user: &str) -> Name {
    all_peers().bytes(user)
}

pub(super) fn all_sessions() -> Name {
    Name::new(SESSION)
}

pub(super) fn session(user: &str) -> Name {
    all_sessions().bytes(user)
}

pub(super) fn all_out() -> Name {
    Name::new(OUT)
}

pub(super) fn out(number: u64) -> Name {
    all_out().number(number)
}

pub(super) fn all_resend(user: &str) -> Name {
    Name::new(RESEND).bytes(user)
}

pub(super) fn resend(user: &str, number: u64) -> Name {
    all_resend(user).number(number)
}

pub(super) fn all_sent() -> Name {
    Name::new(SENT)
}

pub(super) fn sent(number: u64) -> Name {
    all_sent().number(number)
}

pub(super) fn all_seen(user: &str) -> Name {
    Name::new(SEEN).bytes(user)
}

pub(super) fn seen(user: &str, chunk: u64) -> Name {
    all_seen(user).number(chunk)
}

pub(super) fn everything_held() -> Name {
    Name::new(HELD)
}

pub(super) fn all_held(user: &str) -> Name {
    Name::new(HELD).bytes(user)
}

pub(super) fn held(user: &str, number: u64) -> Name {
    all_held(user).number(number)
}

pub(super) fn all_events() -> Name {
    Name::new(EVENT)
}

pub(super) fn event(number: u64) -> Name {
    all_events().number(number)
}

pub(super) fn all_acks() -> Name {
    Name::new(ACKS)
}

pub(super) fn acks(user: &str) -> Name {
    all_acks().bytes(user)
}

pub(super) fn group_acks(user: &str, group: &[u8; 32]) -> Name {
    acks(user).bytes(group)
}

pub(super) fn all_groups() -> Name {
    Name::new(GROUP)
}

pub(super) fn group(id: &[u8; 32]) -> Name {
    all_groups().bytes(id)
}

pub(super) fn all_roster(id: &[u8; 32]) -> Name {
    Name::new(ROSTER).bytes(id)
}

pub(super) fn roster(id: &[u8; 32], number: u64) -> Name {
    all_roster(id).number(number)
}

pub(super) fn sender(id: &[u8; 32]) -> Name {
    Name::new(SENDER).bytes(id)
}

/// All parts of the receiver, or of that of what was shared.
pub(super) fn all_receiver(id: &[u8; 32], is_shared: bool) -> Name {
    Name::new(if is_shared { SHARED } else { RECEIVER }).bytes(id)
}

pub(super) fn receiver(id: &[u8; 32], is_shared: bool, part: Part<'_>) -> Name {
    let all = all_receiver(id, is_shared);
    match part {
        Part::Head => all.number(0),
        Part::Sender(user) => all.number(1).bytes(user),
        Part::Retained(number) => all.number(2).number(number),
    }
}

pub(super) fn everything_pending() -> Name {
    Name::new(PENDING)
}

pub(super) fn all_pending(id: &[u8; 32]) -> Name {
    everything_pending().bytes(id)
}

pub(super) fn pending(id: &[u8; 32], number: u64) -> Name {
    all_pending(id).number(number)
}

pub(super) fn all_keys(id: &[u8; 32]) -> Name {
    Name::new(KEY).bytes(id)
}

pub(super) fn key(id: &[u8; 32], number: u64) -> Name {
    all_keys(id).number(number)
}

pub(super) fn all_requests() -> Name {
    Name::new(REQUEST)
}

pub(super) fn request(number: u64) -> Name {
    all_requests().number(number)
}

pub(super) fn all_envelopes() -> Name {
    Name::new(ENVELOPE)
}

pub(super) fn envelope(number: u64) -> Name {
    all_envelopes().number(number)
}

pub(super) fn all_disputes(id: &[u8; 32]) -> Name {
    Name::new(DISPUTE).bytes(id)
}

pub(super) fn dispute(id: &[u8; 32], user: &str) -> Name {
    all_disputes(id).bytes(user)
}

/// The start of a value.
pub(super) fn begin() -> Value {
    let mut value = Zeroizing::new(Vec::new());
    value.put_u8(VERSION);
    value
}

/// Reads a value with `fields`, all of it. What no client of this version writes is [`Error::StoreDamaged`], or
/// [`Error::StoreNewer`].
pub(super) fn read<'a, T>(value: &'a [u8], fields: impl FnOnce(&mut Reader<'a>) -> Result<T>) -> Result<T> {
    let mut reader = Reader::new(value);
    match reader.u8() {
        Ok(VERSION) => {}
        Ok(VERSION..) => return Err(Error::StoreNewer),
        _ => return Err(Error::StoreDamaged),
    }
    fields(&mut reader).and_then(|fields| reader.finish().map(|()| fields)).map_err(|_| Error::StoreDamaged)
}

/// A record, read with `fields`.
pub(super) fn load<T>(
    store: &Store,
    name: &Name,
    fields: impl FnOnce(&mut Reader<'_>) -> Result<T>,
) -> Result<Option<T>> {
    store.get(name)?.map(|value| read(&value, fields)).transpose()
}

/// The number that a record's name ends with.
pub(super) fn number(name: &Name) -> Result<u64> {
    match name.parts().last() {
        Some(crate::store::Part::Number(number)) => Ok(*number),
        _ => Err(Error::StoreDamaged),
    }
}

pub(super) fn put_bool(value: &mut Value, flag: bool) {
    value.put_u8(u8::from(flag));
}

pub(super) fn read_bool(reader: &mut Reader<'_>) -> Result<bool> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Malformed),
    }
}
