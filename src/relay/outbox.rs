//! What a user sent lately, so that sending it again delivers it once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use crate::limits::RELAY_RECENT_MAX;
use crate::relay::id_hash::IdHash;
use crate::relay::item::{EnvelopeId, Item};

/// The envelopes of one sender that some queue still holds, and the last [`RELAY_RECENT_MAX`] others.
///
/// Its lock is held while an envelope is queued for all its recipients, which gives all of them one order.
#[derive(Default)]
pub(super) struct Outbox {
    /// Oldest first; those of `sent`.
    order: VecDeque<u128>,
    sent: HashMap<u128, Sent, IdHash>,
}

struct Sent {
    /// Lives as long as some queue holds it.
    item: Weak<Item>,
    /// It was queued for all its recipients. Of one that was restored that is not known.
    is_complete: bool,
}

/// What is known of an envelope.
pub(super) enum Known {
    /// Nothing.
    New,
    /// Some queue holds it, but perhaps not that of every recipient.
    Incomplete(Arc<Item>),
    /// It was queued for all its recipients.
    Complete,
}

impl Outbox {
    /// What is known of an envelope.
    pub(super) fn find(&self, id: &EnvelopeId) -> Known {
        match self.sent.get(&u128::from_be_bytes(*id)) {
            None => Known::New,
            Some(Sent { is_complete: true, .. }) => Known::Complete,
            Some(Sent { item, .. }) => item.upgrade().map_or(Known::New, Known::Incomplete),
        }
    }

    /// Remembers an envelope that was queued for all its recipients.
    pub(super) fn complete(&mut self, item: &Arc<Item>) {
        self.remember(item, true);
    }

    /// Remembers an envelope that some queues lack, so that it is queued there if it is sent again.
    pub(super) fn incomplete(&mut self, item: &Arc<Item>) {
        self.remember(item, false);
    }

    fn remember(&mut self, item: &Arc<Item>, is_complete: bool) {
        let sent = Sent { item: Arc::downgrade(item), is_complete };
        let id = u128::from_be_bytes(*item.id());
        if self.sent.insert(id, sent).is_none() {
            self.order.push_back(id);
        }
        // Two for each new one: the surplus shrinks even if every second one is still queued.
        for _ in 0..2 {
            if self.order.len() > RELAY_RECENT_MAX {
                self.forget_oldest();
            }
        }
    }

    fn forget_oldest(&mut self) {
        let Some(id) = self.order.pop_front() else { return };
        if self.sent.get(&id).is_some_and(|sent| sent.item.strong_count() > 0) {
            self.order.push_back(id);
        } else {
            self.sent.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(mark: u32) -> Arc<Item> {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&mark.to_be_bytes());
        Item::new(&"a".into(), b"envelope", id, 0)
    }

    #[test]
    fn what_a_queue_holds_is_never_forgotten_and_the_rest_is_bounded() {
        let mut outbox = Outbox::default();
        let mut held = Vec::new();
        for mark in 0..10_000 {
            let item = item(mark);
            outbox.complete(&item);
            if mark % 100 == 0 {
                held.push(item);
            }
        }
        assert!(held.iter().all(|item| matches!(outbox.find(item.id()), Known::Complete)));
        assert!(outbox.sent.len() <= RELAY_RECENT_MAX + held.len());
        assert_eq!(outbox.sent.len(), outbox.order.len());
        assert!(matches!(outbox.find(item(9_999).id()), Known::Complete));
        assert!(matches!(outbox.find(item(1).id()), Known::New));
    }
}
