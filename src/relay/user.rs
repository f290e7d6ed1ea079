//! What a relay holds of one user.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::identity::{Card, PrekeyBundle};
use crate::limits::{DAY_MS, RELAY_FOUNDED_BYTES_PER_DAY};
use crate::relay::bucket::Bucket;
use crate::relay::clock::Now;
use crate::relay::inbox::Inbox;
use crate::relay::outbox::Outbox;
use crate::relay::outcome::Outcome;
use crate::relay::prekeys::Prekeys;
use crate::relay::record::{Change, RecordName};
use crate::relay::store_mark::StoreMark;
use crate::relay::watching::Watching;

/// One user, in parts with a lock each: who it is, what it sent, what waits for it, whom it cares for.
///
/// Locks are taken in the order connection, outbox, group, inbox, and never two of a kind at once, but that a connection
/// waits for the one that it replaces; the others are taken last, and none under them.
pub(super) struct User {
    pub(super) name: Arc<str>,
    profile: Mutex<Profile>,
    outbox: Mutex<Outbox>,
    inbox: Mutex<Inbox>,
    /// Whether there is a card, without a lock.
    is_registered: AtomicBool,
    /// Which store the user's client has.
    store: Mutex<StoreMark>,
    /// Whom the user watches, and whether it may be seen.
    watching: Mutex<Watching>,
    /// What the user may still ask for.
    bucket: Mutex<Bucket>,
    /// The groups of which the user is a member.
    groups: Mutex<Memberships>,
    /// How many groups the user created that are not deleted.
    created: AtomicUsize,
    /// What the user founded lately.
    founded: Mutex<Founded>,
}

/// What a user brought into groups since some time within the last day: what it ends is not given back.
#[derive(Debug, Clone, Copy, Default)]
struct Founded {
    since_ms: u64,
    groups: usize,
    bytes: usize,
}

/// Groups, and the order in which the user came into them.
#[derive(Default)]
struct Memberships {
    since: HashMap<[u8; 32], u64>,
    order: BTreeSet<(u64, [u8; 32])>,
    next: u64,
}

/// Who a user is.
#[derive(Default)]
pub(super) struct Profile {
    card: Option<Card>,
    /// Of the card's record.
    version: u64,
    pub(super) prekeys: Prekeys,
}

impl Profile {
    /// The card; [`Error::UnknownUser`] without one.
    pub(super) fn card(&self) -> Result<Card> {
        self.card.clone().ok_or(Error::UnknownUser)
    }
}

impl User {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            profile: Mutex::default(),
            outbox: Mutex::default(),
            inbox: Mutex::default(),
            is_registered: AtomicBool::new(false),
            store: Mutex::default(),
            watching: Mutex::default(),
            bucket: Mutex::default(),
            groups: Mutex::default(),
            created: AtomicUsize::new(0),
            founded: Mutex::default(),
        }
    }

    /// A user of whom only records of a queue or a roster are known has no card yet.
    pub(super) fn is_registered(&self) -> bool {
        self.is_registered.load(Ordering::Relaxed)
    }

    pub(super) fn profile(&self) -> MutexGuard<'_, Profile> {
        lock(&self.profile)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }

    pub(super) fn store(&self) -> MutexGuard<'_, StoreMark> {
        lock(&self.store)
    }

    pub(super) fn watching(&self) -> MutexGuard<'_, Watching> {
        lock(&self.watching)
    }

    pub(super) fn bucket(&self) -> MutexGuard<'_, Bucket> {
        lock(&self.bucket)
    }

    /// That the user became a member of a group.
    pub(super) fn join(&self, group_id: &[u8; 32]) {
        let mut groups = lock(&self.groups);
        let next = groups.next;
        if *groups.since.entry(*group_id).or_insert(next) == next {
            groups.order.insert((next, *group_id));
            groups.next = next.saturating_add(1);
        }
    }

    /// That the user is a member no more, or the group is gone.
    pub(super) fn leave(&self, group_id: &[u8; 32]) {
        let mut groups = lock(&self.groups);
        if let Some(since) = groups.since.remove(group_id) {
            groups.order.remove(&(since, *group_id));
        }
    }

    /// The first groups of those of which the user is a member; after a restored fork perhaps of some more.
    pub(super) fn groups(&self, most: usize) -> Vec<[u8; 32]> {
        lock(&self.groups).order.iter().take(most).map(|(_, group_id)| *group_id).collect()
    }

    /// That the user created a group, or that such a one was deleted.
    pub(super) fn note_created(&self, is_new: bool) {
        if is_new {
            self.created.fetch_add(1, Ordering::Relaxed);
        } else {
            // Never below none: that would be more than anybody may have.
            let less = |created: usize| Some(created.saturating_sub(1));
            _ = self.created.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// Counts what a user is about to found groups or bring in members with. [`Error::LimitReached`] for more than
    /// so many groups, or too many bytes, in a day.
    pub(super) fn note_founded(
        &self,
        groups: usize,
        bytes: usize,
        groups_per_day: usize,
        now_ms: u64,
    ) -> Result<()> {
        let mut founded = lock(&self.founded);
        if now_ms.abs_diff(founded.since_ms) >= DAY_MS {
            *founded = Founded { since_ms: now_ms, ..Founded::default() };
        }
        let (groups, bytes) = (founded.groups.saturating_add(groups), founded.bytes.saturating_add(bytes));
        if groups > groups_per_day || bytes > RELAY_FOUNDED_BYTES_PER_DAY {
            return Err(Error::LimitReached);
        }
        (founded.groups, founded.bytes) = (groups, bytes);
        Ok(())
    }

    /// How many groups the user created that are not deleted.
    pub(super) fn created(&self) -> usize {
        self.created.load(Ordering::Relaxed)
    }

    /// Takes a checked card. One of the same identity replaces an older one, and an older one changes nothing;
    /// [`Error::IdentityChanged`] for another identity. Whether the user is a new one.
    pub(super) fn register(&self, card: Card, outcome: &mut Outcome) -> Result<bool> {
        let mut profile = self.profile();
        let before = profile.card.as_ref();
        check_identity(before, &card)?;
        if before.is_some_and(|before| *before == card || before.created_ms() > card.created_ms()) {
            return Ok(false);
        }
        let is_new = before.is_none();
        let name = RecordName::Card(Arc::clone(&self.name));
        outcome.change(Change::value(name, profile.version, card.as_bytes().into()));
        profile.version = profile.version.saturating_add(1);
        profile.card = Some(card);
        self.is_registered.store(true, Ordering::Relaxed);
        Ok(is_new)
    }

    /// Whether [`User::register`] would know the identity of a card.
    pub(super) fn recognise(&self, card: &Card) -> Result<()> {
        check_identity(self.profile().card.as_ref(), card)
    }

    /// [`Error::UnknownUser`], [`Error::IdentityChanged`] unless the user has the identity of a card.
    pub(super) fn check_is(&self, card: &Card) -> Result<()> {
        check_identity(Some(&self.profile().card()?), card)
    }

    /// Takes a bundle of the registered identity.
    pub(super) fn publish(&self, bundle: &[u8], now: Now, outcome: &mut Outcome) -> Result<()> {
        let card = self.profile().card()?;
        let bundle = PrekeyBundle::parse(bundle, &card)?;
        bundle.check_time(now.named_ms)?;
        let mut profile = self.profile();
        // The card may have gone while its signature was checked.
        match &profile.card {
            Some(card) if card.fingerprint() == bundle.fingerprint() => {}
            Some(_) => return Err(Error::IdentityChanged),
            None => return Err(Error::UnknownUser),
        }
        profile.prekeys.publish(&self.name, &bundle, now.kept_ms, outcome)
    }

    /// Forgets who the user is. Whether it had a card.
    pub(super) fn forget(&self, outcome: &mut Outcome) -> bool {
        let mut profile = self.profile();
        let before = profile.card.take();
        self.is_registered.store(false, Ordering::Relaxed);
        if profile.version > 0 {
            outcome.change(Change::deletion(RecordName::Card(Arc::clone(&self.name)), profile.version));
            profile.version = 0;
        }
        profile.prekeys.forget(&self.name, outcome);
        drop(profile);
        self.store().forget(&self.name, outcome);
        before.is_some()
    }

    /// Takes the record of the card, or of its deletion. Whether there was one before, whether there is one now, and
    /// whether the identity of before is not the user's any more.
    pub(super) fn restore_card(&self, card: Option<Card>, version: u64) -> (bool, bool, bool) {
        let mut profile = self.profile();
        let identity = |card: &Card| card.fingerprint();
        let (identity_before, identity_now) =
            (profile.card.as_ref().map(identity), card.as_ref().map(identity));
        let (before, now) = (identity_before.is_some(), identity_now.is_some());
        if !now {
            profile.prekeys.clear();
        }
        (profile.card, profile.version) = (card, version);
        self.is_registered.store(now, Ordering::Relaxed);
        (before, now, before && identity_before != identity_now)
    }
}

/// A panic would be a defect that concerns this user; the others' traffic goes on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One user has one identity until it is forgotten.
fn check_identity(registered: Option<&Card>, card: &Card) -> Result<()> {
    match registered {
        Some(registered) if registered.fingerprint() != card.fingerprint() => Err(Error::IdentityChanged),
        _ => Ok(()),
    }
}
