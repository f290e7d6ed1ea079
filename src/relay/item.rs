//! What queues hold.

use std::sync::Arc;

use crate::crypto::kdf::{Label, hash};
use crate::error::{Error, Result};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::envelope::{ENVELOPE_ID_LEN, Envelope};
use crate::wire::roster::Entry;
use crate::wire::{Kind, read_prefix};

/// The first bytes of an envelope's hash (`docs/PROTOCOL.md` section 2.2).
pub type EnvelopeId = [u8; ENVELOPE_ID_LEN];

/// The id of an envelope, or of a roster entry on its way through a queue.
pub fn envelope_id(envelope: &[u8]) -> Result<EnvelopeId> {
    hash(Label::Envelope, &[envelope]).first_chunk().copied().ok_or(Error::Internal)
}

/// One envelope or roster entry, shared by all queues, deliveries and records that it is in.
pub(super) struct Item {
    id: EnvelopeId,
    sender: Arc<str>,
    queued_ms: u64,
    /// When it was queued, eight bytes, and then the envelope: the value of its records.
    stored: Box<[u8]>,
}

const TIME_LEN: usize = 8;

impl Item {
    /// Copies the envelope, the only time on its way.
    pub(super) fn new(sender: &Arc<str>, envelope: &[u8], id: EnvelopeId, queued_ms: u64) -> Arc<Self> {
        let mut stored = Vec::with_capacity(TIME_LEN + envelope.len());
        stored.put_u64(queued_ms);
        stored.put(envelope);
        Arc::new(Self { id, sender: Arc::clone(sender), queued_ms, stored: stored.into() })
    }

    /// Takes the value of a record.
    pub(super) fn restore(stored: &[u8]) -> Result<Arc<Self>> {
        let envelope = stored.get(TIME_LEN..).ok_or(Error::Malformed)?;
        let queued_ms = Reader::new(stored).u64()?;
        let sender = origin(envelope)?.0.into();
        Ok(Arc::new(Self { id: envelope_id(envelope)?, sender, queued_ms, stored: stored.into() }))
    }

    /// Names it.
    pub(super) const fn id(&self) -> &EnvelopeId {
        &self.id
    }

    /// Who sent it.
    pub(super) const fn sender(&self) -> &Arc<str> {
        &self.sender
    }

    /// The value of its records.
    pub(super) fn stored(&self) -> &[u8] {
        &self.stored
    }

    /// The envelope or roster entry.
    pub(super) fn payload(&self) -> &[u8] {
        self.stored.get(TIME_LEN..).unwrap_or_default()
    }

    /// When it was queued.
    pub(super) const fn queued_ms(&self) -> u64 {
        self.queued_ms
    }

    /// Whether it was for one recipient alone.
    pub(super) fn is_for_one(&self) -> Result<bool> {
        origin(self.payload()).map(|(_, is_for_one)| is_for_one)
    }
}

/// Who sent it, and whether it was for one recipient alone.
fn origin(payload: &[u8]) -> Result<(&str, bool)> {
    if read_prefix(&mut Reader::new(payload))? == Kind::RosterEntry {
        return Entry::parse(payload).map(|entry| (entry.fields.actor, false));
    }
    Envelope::parse(payload).map(|envelope| (envelope.sender, envelope.recipient.is_some()))
}
