//! The queue of one user (`docs/PROTOCOL.md` section 10.1).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits::{RELAY_WINDOW, RELAY_WINDOW_BYTES};
use crate::relay::RelayOptions;
use crate::relay::clock::Now;
use crate::relay::item::Item;
use crate::relay::outcome::Outcome;
use crate::relay::record::{Change, RecordName};
use crate::relay::shares::Shares;

/// What waits for one user to acknowledge it, and whether the user is there to be given it.
pub(super) struct Inbox {
    /// By ascending sequence.
    queue: VecDeque<Queued>,
    /// Of all payloads in the queue.
    bytes: usize,
    /// The highest sequence that was given out.
    last: u64,
    /// Everything up to this sequence is gone: acknowledged, or too old.
    acknowledged: u64,
    /// Of the record of `acknowledged`.
    version: u64,
    /// The user's connection: 0 if the host carries frames otherwise, none if the user is offline.
    connection: Option<u64>,
    /// That connection, once it was handed all that waited: what is queued from then on goes to it at once.
    live: Option<u64>,
    /// Up to here the connection was handed what waited.
    handed: u64,
    /// The last that waited when the connection came, until it was told that it has all of that.
    waited: Option<u64>,
    /// What each sender has queued, once the queue is so long that somebody may have more than its share.
    shares: Option<Shares>,
    /// When the front of the queue was queued, so that a push looks at no more than this: the end of time if the queue
    /// is empty.
    oldest_ms: u64,
    /// The front of the queue is acknowledged.
    is_stale: bool,
}

struct Queued {
    sequence: u64,
    /// Here too, so that an age is known without a look at the item.
    queued_ms: u64,
    item: Arc<Item>,
}

/// How many envelopes and bytes a queue gained or lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) count: usize,
    pub(super) bytes: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            last: 0,
            acknowledged: 0,
            version: 0,
            connection: None,
            live: None,
            handed: 0,
            waited: None,
            shares: None,
            oldest_ms: u64::MAX,
            is_stale: false,
        }
    }
}

impl Inbox {
    /// Queues an item; its number, and the connection that it goes to at once. [`Error::QueueFull`], and nothing
    /// changed, if there is no room.
    pub(super) fn push(
        &mut self,
        item: &Arc<Item>,
        options: &RelayOptions,
        share: Size,
    ) -> Result<(u64, Option<u64>)> {
        let bytes = self.room(item, Size::default(), options)?;
        self.check_share(item, Size::default(), share)?;
        if let Some(shares) = &mut self.shares {
            shares.add(item);
        }
        self.bytes = bytes;
        self.last = self.last.saturating_add(1);
        let queued_ms = item.queued_ms();
        if self.queue.is_empty() {
            self.oldest_ms = queued_ms;
        }
        self.queue.push_back(Queued { sequence: self.last, queued_ms, item: Arc::clone(item) });
        Ok((self.last, self.live))
    }

    /// Whether something at the front of the queue is too old, or acknowledged but was restored.
    pub(super) fn has_gone(&mut self, options: &RelayOptions, now: Now) -> bool {
        self.correct_ages(now);
        self.is_stale || now.kept_ms.saturating_sub(self.oldest_ms) > options.queue_age_max_ms
    }

    /// Lets what was queued at a time that cannot have been count as queued now: whoever named that time was wrong, and
    /// it is neither to go at once nor to stay for ever.
    fn correct_ages(&mut self, now: Now) {
        if self.queue.is_empty() || now.is_past(self.oldest_ms) {
            return;
        }
        for queued in self.queue.iter_mut().filter(|queued| !now.is_past(queued.queued_ms)) {
            queued.queued_ms = now.kept_ms;
        }
        self.look_at_front();
    }

    /// Whether [`Inbox::push`] would find room once what is gone went.
    pub(super) fn check_room(
        &mut self,
        item: &Item,
        options: &RelayOptions,
        share: Size,
        now: Now,
    ) -> Result<()> {
        let gone = self.gone(options, now);
        self.room(item, gone, options)?;
        self.check_share(item, gone, share)
    }

    /// [`Error::QueueFull`] if the item's sender has its part of the queue filled, once what is gone went: so that no
    /// sender fills a queue alone.
    #[inline]
    fn check_share(&mut self, item: &Item, gone: Size, most: Size) -> Result<()> {
        let bytes = (self.bytes - gone.bytes).saturating_add(item.payload().len());
        let is_short = self.queue.len() - gone.count < most.count && bytes <= most.bytes;
        if is_short && self.shares.is_none() { Ok(()) } else { self.check_long(item, gone, most) }
    }

    /// [`Inbox::check_share`] of a queue that is, or was lately, so long that somebody may have more than its share.
    #[cold]
    #[inline(never)]
    fn check_long(&mut self, item: &Item, gone: Size, most: Size) -> Result<()> {
        let (count, bytes) = (self.queue.len() - gone.count, self.bytes - gone.bytes);
        if count < most.count / 2 && bytes < most.bytes / 2 {
            self.shares = None;
        }
        if count < most.count && bytes.saturating_add(item.payload().len()) <= most.bytes {
            return Ok(());
        }
        let left = self.queue.iter().skip(gone.count).map(|queued| queued.item.as_ref());
        if gone.count > 0 {
            return Shares::of(left).check(item, most);
        }
        self.shares.get_or_insert_with(|| Shares::of(left)).check(item, most)
    }

    /// Drops what is gone, and gives how much that was.
    pub(super) fn expire(
        &mut self,
        user: &Arc<str>,
        options: &RelayOptions,
        now: Now,
        outcome: &mut Outcome,
    ) -> Size {
        self.correct_ages(now);
        let gone = self.gone(options, now);
        self.drop_gone(user, gone, outcome);
        gone
    }

    /// Bytes of the queue without what is gone and with an item.
    fn room(&self, item: &Item, gone: Size, options: &RelayOptions) -> Result<usize> {
        let bytes = (self.bytes - gone.bytes).saturating_add(item.payload().len());
        let fits = self.queue.len() - gone.count < options.queue_max && bytes <= options.queue_bytes_max;
        if fits { Ok(bytes) } else { Err(Error::QueueFull) }
    }

    /// Whether the queue holds this item.
    pub(super) fn holds(&self, item: &Arc<Item>) -> bool {
        self.queue.iter().any(|queued| Arc::ptr_eq(&queued.item, item))
    }

    /// The user came, and the host carries what is for it: all that is queued, and then the end of the queue.
    pub(super) fn come(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        (self.connection, self.live) = (Some(0), Some(0));
        let queue = self.queue.iter().map(|queued| (queued.sequence, Arc::clone(&queued.item)));
        outcome.hand(user, 0, queue, true);
    }

    /// The user has a new connection, which is handed nothing yet. Gives the one before.
    pub(super) fn take_over(&mut self, connection: u64) -> Option<u64> {
        (self.live, self.handed, self.waited) = (None, 0, Some(self.last));
        self.connection.replace(connection)
    }

    /// Hands the connection what waited, as much as may be on its way to it at once, and the end of the queue once.
    pub(super) fn hand_out(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        let Some(connection) = self.connection.filter(|_| self.live.is_none()) else { return };
        let handed = self.handed;
        let mut on_the_way = self.front(self.queue.partition_point(|queued| queued.sequence <= handed));
        // Half of it at least, or each acknowledgement would bring one envelope.
        if on_the_way.count > RELAY_WINDOW / 2 || on_the_way.bytes > RELAY_WINDOW_BYTES / 2 {
            return;
        }
        let first = on_the_way.count;
        while let Some(next) = self.queue.get(on_the_way.count) {
            let bytes = on_the_way.bytes.saturating_add(next.item.payload().len());
            let fits = on_the_way.count < RELAY_WINDOW && bytes <= RELAY_WINDOW_BYTES;
            if !fits && on_the_way.count > 0 {
                break;
            }
            on_the_way = Size { count: on_the_way.count + 1, bytes };
            self.handed = next.sequence;
        }
        let next = self.queue.get(on_the_way.count).map(|next| next.sequence);
        if next.is_none() {
            self.live = Some(connection);
        }
        // Whoever sends faster than it reads cannot keep it from the end of what had waited.
        let is_end = self.waited.take_if(|waited| next.is_none_or(|next| next > *waited)).is_some();
        let queue = self.queue.range(first..on_the_way.count);
        let queue = queue.map(|queued| (queued.sequence, Arc::clone(&queued.item)));
        outcome.hand(user, connection, queue, is_end);
    }

    /// The user went. Gives the connection that it had.
    pub(super) fn leave(&mut self) -> Option<u64> {
        self.live = None;
        self.connection.take()
    }

    /// The user's connection: 0 if the host carries frames otherwise, none if the user is offline.
    pub(super) const fn connection(&self) -> Option<u64> {
        self.connection
    }

    /// Whether an acknowledgement drops something.
    pub(super) fn drops(&self, sequence: u64) -> bool {
        sequence > self.acknowledged
            && sequence <= self.last
            && self.queue.front().is_some_and(|front| front.sequence <= sequence)
    }

    /// The highest sequence that was given out, and up to where they are gone.
    pub(super) const fn sequences(&self) -> (u64, u64) {
        (self.last, self.acknowledged)
    }

    /// What is queued.
    pub(super) fn size(&self) -> Size {
        Size { count: self.queue.len(), bytes: self.bytes }
    }

    /// Drops everything up to a sequence, and gives how much that was. [`Error::InvalidArgument`] for a sequence that
    /// was not given out.
    pub(super) fn acknowledge(
        &mut self,
        user: &Arc<str>,
        sequence: u64,
        outcome: &mut Outcome,
    ) -> Result<Size> {
        if sequence > self.last {
            return Err(Error::InvalidArgument);
        }
        if sequence <= self.acknowledged {
            return Ok(Size::default());
        }
        let through = self.queue.partition_point(|queued| queued.sequence <= sequence);
        let gone = self.front(through);
        self.acknowledged = sequence;
        self.record_acknowledged(user, outcome);
        self.drop_front(user, gone, outcome);
        Ok(gone)
    }

    /// Drops everything, and that anything was acknowledged; numbers go on. Gives how much that was.
    pub(super) fn forget(&mut self, user: &Arc<str>, outcome: &mut Outcome) -> Size {
        let gone = self.size();
        if self.version > 0 {
            outcome.change(Change::deletion(RecordName::Acknowledged(Arc::clone(user)), self.version));
        }
        (self.acknowledged, self.version, self.shares) = (self.last, 0, None);
        self.drop_front(user, gone, outcome);
        gone
    }

    /// What at the front of the queue is too old, or acknowledged but was restored.
    fn gone(&self, options: &RelayOptions, now: Now) -> Size {
        let is_old = |queued: &Queued| {
            now.is_past(queued.queued_ms)
                && now.kept_ms.saturating_sub(queued.queued_ms) > options.queue_age_max_ms
        };
        let is_gone = |queued: &&Queued| queued.sequence <= self.acknowledged || is_old(queued);
        self.front(self.queue.iter().take_while(is_gone).count())
    }

    fn front(&self, count: usize) -> Size {
        let bytes = self.queue.iter().take(count).map(|queued| queued.item.payload().len()).sum();
        Size { count, bytes }
    }

    fn drop_gone(&mut self, user: &Arc<str>, gone: Size, outcome: &mut Outcome) {
        let Some(newest) = gone.count.checked_sub(1).and_then(|at| self.queue.get(at)) else { return };
        if newest.sequence > self.acknowledged {
            self.acknowledged = newest.sequence;
            self.record_acknowledged(user, outcome);
        }
        self.drop_front(user, gone, outcome);
    }

    fn record_acknowledged(&mut self, user: &Arc<str>, outcome: &mut Outcome) {
        let value = Box::new(self.acknowledged.to_be_bytes());
        outcome.change(Change::value(RecordName::Acknowledged(Arc::clone(user)), self.version, value));
        self.version = self.version.saturating_add(1);
    }

    fn drop_front(&mut self, user: &Arc<str>, gone: Size, outcome: &mut Outcome) {
        self.bytes -= gone.bytes;
        if let Some(shares) = &mut self.shares {
            self.queue.iter().take(gone.count).for_each(|queued| shares.subtract(&queued.item));
        }
        outcome.deletions(user, self.queue.drain(..gone.count).map(|queued| queued.sequence));
        self.look_at_front();
    }

    fn look_at_front(&mut self) {
        let front = self.queue.front();
        self.oldest_ms = front.map_or(u64::MAX, |front| front.queued_ms);
        self.is_stale = front.is_some_and(|front| front.sequence <= self.acknowledged);
    }

    /// Takes the record of an item, or of its deletion. Gives the item that stood there.
    pub(super) fn restore_item(&mut self, sequence: u64, item: Option<Arc<Item>>) -> Option<Arc<Item>> {
        self.shares = None;
        let at = self.queue.partition_point(|queued| queued.sequence < sequence);
        let is_taken = self.queue.get(at).is_some_and(|queued| queued.sequence == sequence);
        let replaced = is_taken.then(|| self.queue.remove(at)).flatten().map(|queued| queued.item);
        if let Some(replaced) = &replaced {
            self.bytes -= replaced.payload().len();
        }
        if let Some(item) = item {
            self.bytes = self.bytes.saturating_add(item.payload().len());
            self.queue.insert(at, Queued { sequence, queued_ms: item.queued_ms(), item });
        }
        self.last = self.last.max(sequence);
        self.look_at_front();
        replaced
    }

    /// Takes the record of what is acknowledged. What that makes superfluous goes with the next call for this user,
    /// so that its deletion reaches the store.
    pub(super) fn restore_acknowledged(&mut self, sequence: u64, version: u64) {
        self.acknowledged = sequence;
        self.version = version;
        self.last = self.last.max(sequence);
        self.look_at_front();
    }
}

#[cfg(test)]
mod tests;
