//! Envelopes on their way into queues (`docs/PROTOCOL.md` section 10.1).

use core::ptr;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::relay::clock::Now;
use crate::relay::counters::Counter;
use crate::relay::item::{Item, envelope_id};
use crate::relay::members::Recipients;
use crate::relay::outbox::Known;
use crate::relay::outcome::{Outcome, Placed};
use crate::relay::user::User;
use crate::wire::envelope::Envelope;

impl Relay {
    /// Queues an envelope of an authenticated user for its recipients, and delivers it to those who are online.
    ///
    /// An envelope that was sent before, and is still queued or was lately, changes nothing. A member of a group whose
    /// queue is full is passed over, so that nobody can silence a group by not reading; [`RelayInfo::skipped`] counts
    /// it.
    ///
    /// [`Error::NotPermitted`] if the sender is another user; [`Error::UnknownUser`], [`Error::QueueFull`] for a session
    /// message; [`Error::UnknownGroup`], [`Error::NotAMember`], [`Error::GroupDeleted`] for a group message; and the
    /// errors of [`Envelope::parse`].
    ///
    /// [`RelayInfo::skipped`]: crate::relay::RelayInfo::skipped
    pub fn route(&self, user: &str, envelope: &[u8], now_ms: u64) -> Result<Outcome> {
        let now = self.clock.hear(now_ms);
        let header = Envelope::parse(envelope)?;
        if header.sender != user {
            return Err(Error::NotPermitted);
        }
        self.route_from(&self.registered(user)?, &header, envelope, now)
    }

    /// [`Relay::route`] of an envelope that is the user's own.
    pub(super) fn route_from(
        &self,
        sender: &Arc<User>,
        header: &Envelope<'_>,
        envelope: &[u8],
        now: Now,
    ) -> Result<Outcome> {
        let id = envelope_id(envelope)?;
        let mut outbox = sender.outbox();
        let (item, is_again) = match outbox.find(&id) {
            Known::Complete => {
                self.counters.add(Counter::Duplicates, 1);
                return Ok(Outcome::default());
            }
            Known::Incomplete(item) => (item, true),
            Known::New => (Item::new(&sender.name, envelope, id, now.start_ms()), false),
        };
        let mut outcome = Outcome::default();
        if let Some(group_id) = header.group {
            let group = self.groups.get(group_id).ok_or(Error::UnknownGroup)?;
            let members = group.read().recipients(&sender.name, &|name| self.user(name))?;
            let recipients = Recipients::members(&members, None);
            self.fan_out(recipients, Some(sender), &item, is_again, now, &mut outcome);
        } else {
            let recipient = self.registered(header.recipient.ok_or(Error::Malformed)?)?;
            self.queue(recipient, &item, is_again, now, &mut outcome)?;
        }
        outbox.complete(&item);
        self.counters.add(Counter::Routed, 1);
        Ok(outcome)
    }

    /// Queues an item for many but one, passing over those whose queue is full.
    pub(super) fn fan_out(
        &self,
        recipients: Recipients,
        except: Option<&Arc<User>>,
        item: &Arc<Item>,
        is_again: bool,
        now: Now,
        outcome: &mut Outcome,
    ) {
        let except = except.map_or(ptr::null(), Arc::as_ptr);
        let mut placed = Vec::with_capacity(recipients.len());
        let mut skipped = 0;
        for (at, recipient) in recipients.iter().enumerate() {
            if ptr::eq(Arc::as_ptr(recipient), except) {
                continue;
            }
            match self.push(at, recipient, item, is_again, now, outcome) {
                Ok(place) => placed.extend(place),
                Err(_) => skipped += 1,
            }
        }
        self.counters.add(Counter::Skipped, skipped);
        self.count_queued(placed.len(), item);
        outcome.copy(item, recipients, placed);
    }

    fn queue(
        &self,
        recipient: Arc<User>,
        item: &Arc<Item>,
        is_again: bool,
        now: Now,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let placed = Vec::from_iter(self.push(0, &recipient, item, is_again, now, outcome)?);
        self.count_queued(placed.len(), item);
        outcome.copy(item, Recipients::one(recipient), placed);
        Ok(())
    }

    /// Queues an item for the recipient at a position, unless its queue has it: of one that `is_again` sent, some queues
    /// have a copy.
    fn push(
        &self,
        at: usize,
        recipient: &User,
        item: &Arc<Item>,
        is_again: bool,
        now: Now,
        outcome: &mut Outcome,
    ) -> Result<Option<Placed>> {
        let mut inbox = recipient.inbox();
        if is_again && inbox.holds(item) {
            return Ok(None);
        }
        if inbox.has_gone(&self.options, now) {
            // Nothing goes unless the item finds room: what is recorded of it would be lost with the error.
            inbox.check_room(item, &self.options, self.share, now)?;
            self.count_expired(inbox.expire(&recipient.name, &self.options, now, outcome));
        }
        let (sequence, connection) = inbox.push(item, &self.options, self.share)?;
        Ok(Some(Placed::new(at, sequence, connection)))
    }

    fn count_queued(&self, queues: usize, item: &Item) {
        self.counters.add(Counter::Queued, queues);
        self.counters.add(Counter::QueuedBytes, queues.saturating_mul(item.payload().len()));
    }
}
