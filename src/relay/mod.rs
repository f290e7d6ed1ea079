//! A relay: it moves what it cannot read, and holds no secret (`docs/PROTOCOL.md` section 10).
//!
//! The host carries frames and stores records. [`Relay::connect`], [`Relay::receive`], [`Relay::disconnect`] and
//! [`Relay::tick`] speak the protocol with clients; the other functions are the routing core under that, for hosts who
//! authenticate users and carry envelopes in another way. A [`Relay`] is used by any number of threads at
//! once: users and groups have locks of their own, and no lock is common to all calls.

mod bucket;
mod clock;
mod commit;
mod counters;
mod directory;
mod engine;
mod forget;
mod group;
mod id_hash;
mod inbox;
mod item;
mod members;
mod outbox;
mod outcome;
mod prekeys;
mod record;
mod restore;
mod route;
mod shards;
mod shares;
mod store_mark;
mod user;
mod watching;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::identity::Card;
use crate::limits::{
    QUEUE_AGE_MAX_MS, RELAY_GROUPS_MAX, RELAY_GROUPS_PER_USER, RELAY_HANDSHAKE_MS, RELAY_IDLE_MS,
    RELAY_JOINS_PER_HOUR, RELAY_PREKEYS_PER_HOUR, RELAY_QUEUE_BYTES_MAX, RELAY_QUEUE_MAX,
    RELAY_REQUESTS_BURST, RELAY_REQUESTS_PER_SECOND, RELAY_SENDER_SHARE_PERCENT, RELAY_USERS_MAX,
};
use crate::wire::prekeys::PrekeyBundleFields;
use clock::{Clock, Now};
use counters::{Counter, Counters};
use directory::Directory;
use engine::Engine;
use group::Group;
use inbox::Size;
use shards::Shards;
use user::User;

pub use engine::Tick;
pub use item::{EnvelopeId, envelope_id};
pub use outcome::{Content, Delivery, Outcome};
pub use record::{Record, RecordName};

/// The limits of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayOptions {
    /// Users, known ones and those that rosters and queues name.
    pub users_max: usize,
    /// Groups that are not deleted.
    pub groups_max: usize,
    /// Envelopes queued for one user.
    pub queue_max: usize,
    /// Bytes queued for one user.
    pub queue_bytes_max: usize,
    /// How long an envelope waits in a queue.
    pub queue_age_max_ms: u64,
    /// One-time prekeys of one user that one requester may take in an hour.
    pub prekeys_per_hour: u32,
    /// Part of a queue that the envelopes of one sender may fill, in percent.
    pub sender_share_percent: u32,
    /// Groups that one user created and that are not deleted; twice as many may it create in a day.
    pub groups_per_user: usize,
    /// Users who may join one group in an hour.
    pub joins_per_hour: usize,
    /// Requests of one user in a second, in the long run.
    pub requests_per_second: u32,
    /// Requests of one user at once.
    pub requests_burst: u32,
    /// How long a connection may take until welcome.
    pub handshake_ms: u64,
    /// How long a connection may stay without a frame.
    pub idle_ms: u64,
}

impl RelayOptions {
    /// What one sender may have queued for one user: at least one envelope.
    fn sender_share(&self) -> Size {
        let part = |whole: usize| whole.saturating_mul(self.sender_share_percent as usize) / 100;
        Size { count: part(self.queue_max).max(1), bytes: part(self.queue_bytes_max) }
    }
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            users_max: RELAY_USERS_MAX,
            groups_max: RELAY_GROUPS_MAX,
            queue_max: RELAY_QUEUE_MAX,
            queue_bytes_max: RELAY_QUEUE_BYTES_MAX,
            queue_age_max_ms: QUEUE_AGE_MAX_MS,
            prekeys_per_hour: RELAY_PREKEYS_PER_HOUR,
            sender_share_percent: RELAY_SENDER_SHARE_PERCENT,
            groups_per_user: RELAY_GROUPS_PER_USER,
            joins_per_hour: RELAY_JOINS_PER_HOUR,
            requests_per_second: RELAY_REQUESTS_PER_SECOND,
            requests_burst: RELAY_REQUESTS_BURST,
            handshake_ms: RELAY_HANDSHAKE_MS,
            idle_ms: RELAY_IDLE_MS,
        }
    }
}

/// What a relay counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayInfo {
    /// Users with a card.
    pub users: u64,
    /// Users who are online.
    pub online: u64,
    /// Groups that are not deleted.
    pub groups: u64,
    /// Envelopes and roster entries in queues, each counted once a queue.
    pub queued: u64,
    /// Bytes of them.
    pub queued_bytes: u64,
    /// Envelopes and roster entries taken.
    pub routed: u64,
    /// Those that were sent again and dropped.
    pub duplicates: u64,
    /// Members of groups who were passed over because their queue was full.
    pub skipped: u64,
    /// What left a queue by its age.
    pub expired: u64,
    /// One-time prekeys handed out.
    pub prekeys_taken: u64,
    /// Connections that the host has not ended.
    pub connections: u64,
    /// Frames taken from connections.
    pub frames: u64,
    /// Frames that were none, or out of place.
    pub bad_frames: u64,
    /// Requests beyond their rate.
    pub rate_limited: u64,
    /// Hellos and proofs that were refused.
    pub rejected: u64,
    /// Connections that gave way to a newer one.
    pub replaced: u64,
    /// Connections that took too long.
    pub timed_out: u64,
    /// Presence frames sent.
    pub presence: u64,
}

/// A relay.
pub struct Relay {
    options: RelayOptions,
    /// What the options give one sender.
    share: Size,
    users: Shards<Arc<str>, User>,
    groups: Shards<[u8; 32], Group>,
    /// How many of them have not ended.
    groups_live: AtomicUsize,
    /// Those that have, by when: what is left of them is cleared away in time.
    ended: Mutex<BTreeSet<(u64, [u8; 32])>>,
    directory: Directory,
    engine: Engine,
    counters: Counters,
    clock: Clock,
}

/// What [`Relay::lookup`] found.
pub struct Lookup {
    /// The user's card.
    pub card: Card,
    /// The user's prekeys, with one one-time prekey or none; none if there are none that live.
    pub bundle: Option<Vec<u8>>,
    /// To be stored before the answer is sent.
    pub outcome: Outcome,
}

impl Relay {
    /// An empty relay.
    #[must_use]
    pub fn new(options: RelayOptions) -> Self {
        Self {
            options,
            share: options.sender_share(),
            users: Shards::new(options.users_max),
            // Those that have ended are no hindrance, and what is stored is taken.
            groups: Shards::new(usize::MAX),
            groups_live: AtomicUsize::new(0),
            ended: Mutex::default(),
            directory: Directory::default(),
            engine: Engine::default(),
            counters: Counters::default(),
            clock: Clock::default(),
        }
    }

    /// Takes the card of an authenticated user.
    ///
    /// A newer card of the same identity replaces an older one; the same or an older one changes nothing.
    /// [`Error::NotPermitted`] for a card of somebody else, [`Error::IdentityChanged`] for another identity than the
    /// registered one, [`Error::LimitReached`], and the errors of [`Card::parse`].
    pub fn register(&self, user: &str, card: &[u8], now_ms: u64) -> Result<Outcome> {
        self.clock.hear(now_ms);
        let card = Card::parse(card)?;
        if card.user() != user {
            return Err(Error::NotPermitted);
        }
        let mut outcome = Outcome::default();
        if self.user(user)?.register(card, &mut outcome)? {
            self.counters.add(Counter::Users, 1);
        }
        Ok(outcome)
    }

    /// Takes the prekeys of an authenticated user. One-time prekeys that are left from before stay.
    ///
    /// [`Error::UnknownUser`] before the card, and the errors of [`PrekeyBundle::parse`] and
    /// [`PrekeyBundle::check_time`].
    ///
    /// [`PrekeyBundle::parse`]: crate::identity::PrekeyBundle::parse
    /// [`PrekeyBundle::check_time`]: crate::identity::PrekeyBundle::check_time
    pub fn publish(&self, user: &str, bundle: &[u8], now_ms: u64) -> Result<Outcome> {
        let now = self.clock.hear(now_ms);
        let mut outcome = Outcome::default();
        self.registered(user)?.publish(bundle, now, &mut outcome)?;
        Ok(outcome)
    }

    /// Gives an authenticated user the card and prekeys of another.
    ///
    /// Each one-time prekey is given once; one requester gets at most a few of one user in an hour, and a user's own
    /// lookup takes none. [`Error::UnknownUser`] unless both are registered.
    pub fn lookup(&self, requester: &str, user: &str, now_ms: u64) -> Result<Lookup> {
        let now = self.clock.hear(now_ms);
        self.look_up(&*self.registered(requester)?, user, now)
    }

    /// [`Relay::lookup`] of somebody who is registered.
    fn look_up(&self, requester: &User, user: &str, now: Now) -> Result<Lookup> {
        let user = self.registered(user)?;
        let mut outcome = Outcome::default();
        let mut profile = user.profile();
        let card = profile.card()?;
        let per_hour = self.options.prekeys_per_hour;
        let bundle = profile.prekeys.hand_out(&user.name, &requester.name, per_hour, now, &mut outcome)?;
        drop(profile);
        self.counters.add(Counter::PrekeysTaken, usize::from(outcome.records_len() > 0));
        Ok(Lookup { card, bundle, outcome })
    }

    /// Bytes of the card, and the most bytes of the prekeys, that [`Relay::lookup`] gives. [`Error::UnknownUser`] unless
    /// both are registered.
    pub fn lookup_len(&self, requester: &str, user: &str) -> Result<(usize, usize)> {
        self.registered(requester)?;
        let card = self.registered(user)?.profile().card()?;
        Ok((card.as_bytes().len(), PrekeyBundleFields::encoded_len(user, 1)))
    }

    /// Notes that an authenticated user came or went. One who comes is given everything that is queued, and then the
    /// mark of the queue's end; from then on, what is queued also comes out at once. One who comes again is given
    /// everything again.
    ///
    /// Deliveries of one user that several threads get at the same time are in the order of their sequence numbers.
    /// [`Error::UnknownUser`].
    pub fn set_online(&self, user: &str, online: bool, now_ms: u64) -> Result<Outcome> {
        let now = self.clock.hear(now_ms);
        let user = self.registered(user)?;
        let mut outcome = Outcome::default();
        let mut inbox = user.inbox();
        let was_online = inbox.connection().is_some();
        if online {
            self.count_expired(inbox.expire(&user.name, &self.options, now, &mut outcome));
            inbox.come(&user.name, &mut outcome);
        } else {
            inbox.leave();
        }
        drop(inbox);
        self.count_online(was_online, online);
        Ok(outcome)
    }

    /// Drops what an authenticated user has received, up to and with a sequence number. A number that was
    /// acknowledged before changes nothing; [`Error::InvalidArgument`] for one that was not given out.
    /// [`Error::UnknownUser`].
    pub fn acknowledge(&self, user: &str, sequence: u64, now_ms: u64) -> Result<Outcome> {
        self.clock.hear(now_ms);
        let user = self.registered(user)?;
        let mut outcome = Outcome::default();
        let mut inbox = user.inbox();
        self.count_gone(inbox.acknowledge(&user.name, sequence, &mut outcome)?);
        inbox.hand_out(&user.name, &mut outcome);
        Ok(outcome)
    }

    /// What the relay counts, while others use it.
    #[must_use]
    pub fn info(&self) -> RelayInfo {
        let count = |counter| self.counters.get(counter);
        RelayInfo {
            users: count(Counter::Users),
            online: count(Counter::Online),
            groups: count(Counter::Groups),
            queued: count(Counter::Queued),
            queued_bytes: count(Counter::QueuedBytes),
            routed: count(Counter::Routed),
            duplicates: count(Counter::Duplicates),
            skipped: count(Counter::Skipped),
            expired: count(Counter::Expired),
            prekeys_taken: count(Counter::PrekeysTaken),
            connections: count(Counter::Connections),
            frames: count(Counter::Frames),
            bad_frames: count(Counter::BadFrames),
            rate_limited: count(Counter::RateLimited),
            rejected: count(Counter::Rejected),
            replaced: count(Counter::Replaced),
            timed_out: count(Counter::TimedOut),
            presence: count(Counter::Presence),
        }
    }

    /// A user of any name, made if there is none.
    fn user(&self, name: &str) -> Result<Arc<User>> {
        self.users.get_or_insert(name, || {
            let user = User::new(name);
            (Arc::clone(&user.name), user)
        })
    }

    /// A user who has a card; [`Error::UnknownUser`].
    fn registered(&self, name: &str) -> Result<Arc<User>> {
        self.users.get(name).filter(|user| user.is_registered()).ok_or(Error::UnknownUser)
    }

    fn count_online(&self, before: bool, now: bool) {
        match (before, now) {
            (false, true) => self.counters.add(Counter::Online, 1),
            (true, false) => self.counters.subtract(Counter::Online, 1),
            _ => {}
        }
    }

    fn count_expired(&self, gone: Size) {
        self.counters.add(Counter::Expired, gone.count);
        self.count_gone(gone);
    }

    fn count_gone(&self, gone: Size) {
        self.counters.subtract(Counter::Queued, gone.count);
        self.counters.subtract(Counter::QueuedBytes, gone.bytes);
    }
}
