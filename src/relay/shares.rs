//! What each sender has in one queue.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::relay::inbox::Size;
use crate::relay::item::Item;

/// How many envelopes and bytes of a queue are whose.
pub(super) struct Shares(HashMap<Arc<str>, Size>);

impl Shares {
    /// Of all that is queued.
    pub(super) fn of<'a>(queue: impl Iterator<Item = &'a Item>) -> Self {
        let mut shares: HashMap<Arc<str>, Size> = HashMap::new();
        for item in queue {
            grow(shares.entry(Arc::clone(item.sender())).or_default(), item);
        }
        Self(shares)
    }

    /// [`Error::QueueFull`] if the item's sender has filled its share.
    pub(super) fn check(&self, item: &Item, most: Size) -> Result<()> {
        let held = self.0.get(item.sender()).copied().unwrap_or_default();
        // One envelope always finds its place, however large.
        let fits = held.count == 0
            || held.count < most.count && held.bytes.saturating_add(item.payload().len()) <= most.bytes;
        if fits { Ok(()) } else { Err(Error::QueueFull) }
    }

    /// One more came into the queue.
    #[cold]
    #[inline(never)]
    pub(super) fn add(&mut self, item: &Item) {
        grow(self.0.entry(Arc::clone(item.sender())).or_default(), item);
    }

    /// One left the queue.
    pub(super) fn subtract(&mut self, item: &Item) {
        if let Some(held) = self.0.get_mut(item.sender()) {
            held.count = held.count.saturating_sub(1);
            held.bytes = held.bytes.saturating_sub(item.payload().len());
            if held.count == 0 {
                self.0.remove(item.sender());
            }
        }
    }
}

fn grow(held: &mut Size, item: &Item) {
    held.count += 1;
    held.bytes = held.bytes.saturating_add(item.payload().len());
}
