//! What a client counts and remembers for itself.

use crate::client::records::{self, Value};
use crate::error::Result;
use crate::store::Store;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::frame::STORE_ID_LEN;

/// Numbers of the outbox that are taken at once, so that a message does not rewrite this record.
const NUMBERS: u64 = 256;

/// More events than come between a backup and its use.
const EVENTS_SKIPPED: u64 = 1 << 32;

/// The record SETTINGS.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// No number from here on was given to anything in the outbox.
    out_bound: u64,
    /// The next number of the outbox. Not stored: an opening starts at the bound.
    next_out: u64,
    /// The next number of an event.
    pub(super) next_event: u64,
    /// Names the numbering of `seen`; zero before the first welcome.
    pub(super) relay_id: [u8; STORE_ID_LEN],
    /// The highest sequence that was stored for good.
    pub(super) seen: u64,
    /// What is added to the store's commit number towards a relay, which has seen higher ones.
    pub(super) commit_lift: u64,
    /// How often the store was found to be an older copy of itself.
    pub(super) restorations: u32,
    /// When that was last found.
    pub(super) restored_ms: u64,
}

impl Settings {
    pub(super) fn new() -> Self {
        Self { next_event: 1, next_out: 1, ..Self::default() }
    }

    pub(super) fn load(store: &Store, now_ms: u64) -> Result<Option<Self>> {
        let settings = records::load(store, &records::settings(), Self::read)?;
        Ok(settings.map(|settings| Self { restored_ms: settings.restored_ms.min(now_ms), ..settings }))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let out_bound = reader.u64()?;
        Ok(Self {
            out_bound,
            next_out: out_bound,
            next_event: reader.u64()?,
            relay_id: *reader.array()?,
            seen: reader.u64()?,
            commit_lift: reader.u64()?,
            restorations: reader.u32()?,
            restored_ms: reader.u64()?,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let mut value = records::begin();
        value.put_u64(self.out_bound);
        value.put_u64(self.next_event);
        value.put(&self.relay_id);
        value.put_u64(self.seen);
        value.put_u64(self.commit_lift);
        value.put_u32(self.restorations);
        value.put_u64(self.restored_ms);
        value
    }

    /// Notes that the store is an older copy of itself. Its newer self may have given numbers to events, which an
    /// application remembers.
    pub(super) fn restored(&mut self, now_ms: u64) {
        self.restorations = self.restorations.saturating_add(1);
        self.restored_ms = now_ms;
        self.next_event = self.next_event.saturating_add(EVENTS_SKIPPED);
    }

    /// A number for something in the outbox, and whether this record has to be stored for it.
    pub(super) fn draw_out(&mut self) -> (u64, bool) {
        let (number, store) = (self.next_out, self.next_out >= self.out_bound);
        self.next_out = number.saturating_add(1);
        if store {
            self.out_bound = number.saturating_add(NUMBERS);
        }
        (number, store)
    }
}
