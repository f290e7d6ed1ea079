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
//! ACKS user           what a peer will be told of its messages
//! ```
//!
//! Every value starts with the version of its format.

use zeroize::Zeroizing;

use crate::error::{Error, Result};
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

pub(super) fn peer(user: &str) -> Name {
    Name::new(PEER).bytes(user)
}

pub(super) fn session(user: &str) -> Name {
    Name::new(SESSION).bytes(user)
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
