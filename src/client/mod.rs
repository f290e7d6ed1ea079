//! The engine of an application: one identity, one store, any number of peers, one relay (`docs/PROTOCOL.md` section
//! 16).
//!
//! Frames of the relay, calls of the application and the time come in; frames for the relay and events come out. It
//! does no I/O but that of its [`Store`], reads no clock and starts no thread.
//!
//! # How it works
//!
//! Whatever comes in changes memory and is written into the `journal`; nothing can be seen of it. The next look at
//! what comes out ([`Client::pending`], [`Client::next_frame`], [`Client::next_event`]) settles: deliveries that were
//! parked are opened, what waits is sealed, all of it is one commit of the store, and only then frames and events
//! show. So any number of inputs share a commit, and nothing leaves that a crash could take back. A commit that fails
//! leaves memory ahead of the disk: the client is dead, and its host opens it anew.
//!
//! # Where things belong
//!
//! * `records`: the name of every record. `settings`: what the client itself remembers.
//! * `ask`, `connection`: a kind of request is a variant of `Ask`, is written in `request_frame`, and its answer is
//!   handed on in `answered`.
//! * `outbox`: `Target` is whom something is for; `enqueue` puts it there, `pump` asks the target's own `seal_...`
//!   for envelopes, `sent` takes the relay's answer. `kept`: contents that may be asked for again.
//! * `inbox`: `deliver` goes by the kind of the envelope, `content` by the kind of what a session opened.
//! * `sessions`, `peers`, `seen`, `repair`, `prekeys`, `acks`, `presence`: what their names say.
//! * `groups`: everything about groups.
//! * `event`: what the application is told; `emit` durably, `tell` once.
//! * `timers`: everything that happens by time is tended in `tend`, and its time is in `due_ms`.

mod acks;
mod ask;
mod connection;
mod event;
mod groups;
mod inbox;
mod info;
mod journal;
mod kept;
mod options;
mod outbox;
mod peers;
mod prekeys;
mod presence;
mod reconnect;
mod records;
mod repair;
mod seen;
mod sessions;
mod settings;
mod shown;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

pub use event::{Emitted, Event, MessageId, MessageState};
pub use groups::{GroupEvent, GroupId};
pub use options::{ClientOptions, IdentityChange};
pub use reconnect::Reconnect;

use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::{Card, Identity, IdentityOptions};
use crate::limits::HOUR_MS;
use crate::store::Store;
use acks::Acks;
use connection::Connection;
use groups::Groups;
use inbox::Parked;
use info::Counters;
use journal::Journal;
use kept::Sweep;
use outbox::Outbox;
use peers::Peer;
use prekeys::Published;
use presence::Presence;
use settings::Settings;
use timers::{PATIENCE_MS, ceiling};

/// What a clock may go back by without being put back: callers take turns.
const CLOCK_BACK_MS: u64 = 1_000;

/// A client that is open. Dropping it closes it; what was not settled is as if it had not been.
pub struct Client {
    store: Store,
    rng: Box<dyn Random + Send>,
    options: ClientOptions,
    settings: Settings,
    identity: Identity,
    journal: Journal,
    connection: Connection,
    peers: BTreeMap<Box<str>, Peer>,
    /// Counts how often a peer was needed.
    peer_uses: u64,
    outbox: Outbox,
    groups: Groups,
    acks: Acks,
    presence: Presence,
    published: Published,
    /// A bundle is on its way.
    publishing: bool,
    /// The commit number of the last hello.
    said_commit: u64,
    /// The store was found to be an older copy of itself, which happens once for each opening.
    is_restored: bool,
    sweep: Sweep,
    /// Those whom a restored store still has to turn to; none before they were looked for.
    forgotten: Option<VecDeque<Box<str>>>,
    parked: VecDeque<Parked>,
    frames: VecDeque<Vec<u8>>,
    events: VecDeque<Emitted>,
    /// The durable events that the application has not confirmed, and those whose deletion waits for a commit.
    unconfirmed: BTreeSet<u64>,
    confirmed: BTreeSet<u64>,
    /// The highest number that the application was given.
    given: u64,
    counters: Counters,
    /// Since when unknown users are counted who were asked for what they sent, and how many there were.
    strangers: (u64, u32),
    /// There is more to be done than what the last commit holds.
    is_unfinished: bool,
    now_ms: u64,
    /// Nothing is given up before because it has waited for too long.
    patience_ms: u64,
    failed: Option<Error>,
}

/// What waits to be taken out of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Frames for the relay.
    pub frames: usize,
    /// Events for the application.
    pub events: usize,
    /// When [`Client::tick`] is due, if it is.
    pub due_ms: Option<u64>,
}

impl Client {
    /// Makes a new client with a new identity in an empty store.
    ///
    /// [`Error::WrongState`] if the store holds a client, [`Error::InvalidText`] or [`Error::TooLarge`] for a bad user
    /// id, and the errors of [`Store::commit`].
    pub fn create(
        store: Store,
        user: &str,
        identity: IdentityOptions,
        options: ClientOptions,
        mut rng: Box<dyn Random + Send>,
        now_ms: u64,
    ) -> Result<Self> {
        let identity = Identity::generate(&mut *rng, user, identity, now_ms)?;
        Self::create_with(store, identity, options, rng, now_ms)
    }

    /// [`Client::create`] with an identity that is there already.
    pub fn create_with(
        store: Store,
        identity: Identity,
        options: ClientOptions,
        rng: Box<dyn Random + Send>,
        now_ms: u64,
    ) -> Result<Self> {
        if store.get(&records::identity())?.is_some() {
            return Err(Error::WrongState);
        }
        let mut client = Self::new(store, identity, Settings::new(), options, rng, now_ms);
        client.journal.identity = true;
        client.journal.settings = true;
        client.commit()?;
        Ok(client)
    }

    /// Opens the client that a store holds. Events that were not confirmed come again, and what was on its way goes on.
    ///
    /// [`Error::WrongState`] if the store holds none, [`Error::StoreDamaged`] or [`Error::StoreNewer`] for records
    /// that no client of this version wrote.
    pub fn open(
        store: Store,
        options: ClientOptions,
        rng: Box<dyn Random + Send>,
        now_ms: u64,
    ) -> Result<Self> {
        let value = store.get(&records::identity())?.ok_or(Error::WrongState)?;
        let mut identity = {
            let (format, payload) =
                records::read(&value, |reader| Ok((reader.u16()?, reader.take(reader.remaining())?)))?;
            Identity::import(format, payload).map_err(|error| match error {
                Error::UnsupportedVersion => Error::StoreNewer,
                _ => Error::StoreDamaged,
            })?
        };
        let latest_ms = ceiling(now_ms);
        identity.correct_clock(latest_ms);
        let settings = Settings::load(&store, latest_ms)?.ok_or(Error::StoreDamaged)?;
        let mut client = Self::new(store, identity, settings, options, rng, now_ms);
        client.outbox = Outbox::load(&client.store, now_ms)?;
        client.groups = Groups::load(&client.store, now_ms)?;
        client.acks = Acks::load(&client.store, now_ms)?;
        for record in client.store.scan(&records::all_events())? {
            let record = record?;
            let number = records::number(&record.name)?;
            let event = records::read(&record.value, Event::read)?;
            client.events.push_back(Emitted { number, again: true, event });
            client.unconfirmed.insert(number);
        }
        client.load_pending()?;
        client.resume_held()?;
        client.tell_undecided()?;
        Ok(client)
    }

    fn new(
        store: Store,
        identity: Identity,
        settings: Settings,
        options: ClientOptions,
        rng: Box<dyn Random + Send>,
        now_ms: u64,
    ) -> Self {
        Self {
            store,
            rng,
            options,
            settings,
            identity,
            journal: Journal::default(),
            connection: Connection::default(),
            peers: BTreeMap::new(),
            peer_uses: 0,
            outbox: Outbox::default(),
            groups: Groups::default(),
            acks: Acks::default(),
            presence: Presence::default(),
            published: Published::default(),
            publishing: false,
            said_commit: 0,
            is_restored: false,
            sweep: Sweep::new(now_ms),
            forgotten: None,
            parked: VecDeque::new(),
            frames: VecDeque::new(),
            events: VecDeque::new(),
            unconfirmed: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            given: 0,
            counters: Counters::default(),
            strangers: (0, 0),
            is_unfinished: false,
            now_ms,
            patience_ms: now_ms.saturating_add(PATIENCE_MS),
            failed: None,
        }
    }

    /// Our card, to show to others.
    #[must_use]
    pub fn card(&self) -> &Card {
        self.identity.card()
    }

    /// Does what is due by time. To be called at the latest when [`Pending::due_ms`] says.
    pub fn tick(&mut self, now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        self.tend().map_err(|error| self.fail(error))
    }

    /// What waits to be taken out, and when a tick is due.
    ///
    /// This, [`Client::next_frame`] and [`Client::next_event`] answer the error of the store, or
    /// [`Error::Internal`], if what was done cannot be made durable. Then nothing of it shows, and every later call answers
    /// the same: the client has to be dropped and opened anew.
    pub fn pending(&mut self) -> Result<Pending> {
        self.settle()?;
        Ok(Pending { frames: self.frames.len(), events: self.events.len(), due_ms: self.due_ms() })
    }

    /// The next frame for the relay, which stays where it is. Errors as of [`Client::pending`].
    pub fn peek_frame(&mut self) -> Result<Option<&[u8]>> {
        self.settle()?;
        Ok(self.frames.front().map(Vec::as_slice))
    }

    /// The next frame for the relay. Errors as of [`Client::pending`].
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>> {
        self.settle()?;
        Ok(self.frames.pop_front())
    }

    /// The next event for the application. Errors as of [`Client::pending`].
    ///
    /// One with a number comes again after each opening until it is confirmed.
    pub fn next_event(&mut self) -> Result<Option<Emitted>> {
        self.settle()?;
        let event = self.events.pop_front();
        self.given = event.as_ref().map_or(self.given, |event| event.number.max(self.given));
        Ok(event)
    }

    /// Says that the application has dealt with all events up to this number that it was given, for good.
    ///
    /// That becomes durable with what comes next, or with [`Client::close`]; should the client end before, they come
    /// once more.
    pub fn confirm(&mut self, number: u64) -> Result<()> {
        self.check()?;
        let later = self.unconfirmed.split_off(&number.min(self.given).saturating_add(1));
        self.confirmed.append(&mut self.unconfirmed);
        self.unconfirmed = later;
        Ok(())
    }

    /// Makes durable what was done and confirmed. Errors as of [`Client::pending`].
    pub fn flush(&mut self) -> Result<()> {
        self.settle()?;
        while !self.confirmed.is_empty() {
            self.delete_confirmed();
            self.commit().map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    /// Writes a copy of the store to a path where nothing is, everything that was done and confirmed included: as of
    /// [`Store::backup`]. Errors as of [`Client::pending`] too.
    pub fn backup(&mut self, path: &Path) -> Result<()> {
        self.flush()?;
        self.store.backup(path)
    }

    /// Makes durable what was done and confirmed, and gives the store back.
    pub fn close(mut self) -> Result<Store> {
        self.flush()?;
        Ok(self.store)
    }

    /// The number of the last commit, as the relay is told it.
    fn commit_number(&self) -> u64 {
        self.store.commit_number().saturating_add(self.settings.commit_lift)
    }

    /// Works on what came in, commits, and lets it show.
    fn settle(&mut self) -> Result<()> {
        self.check()?;
        loop {
            let done = self.work();
            self.is_unfinished = self.journal.is_long();
            done.and_then(|()| self.commit()).map_err(|error| self.fail(error))?;
            if self.parked.is_empty() && !self.is_unfinished {
                return Ok(());
            }
        }
    }

    fn work(&mut self) -> Result<()> {
        self.take_parked()?;
        self.tend_restored()?;
        self.tend_prekeys()?;
        self.tend_groups()?;
        self.pump()
    }

    /// Starts every input: time does not go back, unless the clock was put back; and what many inputs gathered is made
    /// durable.
    fn advance(&mut self, now_ms: u64) -> Result<()> {
        self.check()?;
        if now_ms.saturating_add(CLOCK_BACK_MS) < self.now_ms {
            self.correct_clock(now_ms);
        } else if now_ms > self.now_ms.saturating_add(HOUR_MS) {
            self.leap(now_ms);
        }
        self.now_ms = self.now_ms.max(now_ms);
        if self.journal.is_long() { self.settle() } else { Ok(()) }
    }

    /// The clock was put back, or right: nothing waits for what it said before.
    fn correct_clock(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        self.patience_ms = now_ms.saturating_add(PATIENCE_MS);
        self.connection.correct_clock(now_ms);
        self.outbox.correct_clock(now_ms);
        self.acks.correct_clock(now_ms);
        self.correct_peers_clock();
        self.correct_groups_clock();
        self.publish_soon();
        self.sweep = Sweep::new(now_ms);
        self.strangers.0 = self.strangers.0.min(now_ms);
        let latest_ms = ceiling(now_ms);
        self.journal.identity |= self.identity.correct_clock(latest_ms);
        self.settings.restored_ms = self.settings.restored_ms.min(latest_ms);
    }

    /// Whether a call has answered that it failed: every later one answers the same.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    fn check(&self) -> Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    /// Memory is ahead of the disk, for ever: nothing may leave any more.
    fn fail(&mut self, error: Error) -> Error {
        self.failed = Some(error);
        self.frames.clear();
        error
    }
}
