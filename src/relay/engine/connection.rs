//! One connection of a client.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handshake::Challenged;
use crate::limits::RELAY_HIDDEN_MS;
use crate::relay::RelayOptions;
use crate::relay::user::User;

/// One connection. Its lock is held while a frame of it is served, and comes before all others.
pub(super) struct Connection {
    pub(super) number: u64,
    /// Whom the host has authenticated; none if the client has to prove who it is.
    pub(super) authenticated: Option<Box<str>>,
    stage: Mutex<Stage>,
    /// When it has taken too long; of one that is closed, when the host is told so again.
    deadline_ms: AtomicU64,
    /// Nothing is taken from it any more; the host has yet to end it.
    is_closed: AtomicBool,
    /// Its user went, and nobody has been told.
    is_farewell_due: AtomicBool,
    /// When its user is shown who hid on the connection before; the end of time if nothing is due.
    shows_ms: AtomicU64,
}

/// How far a connection is.
pub(super) enum Stage {
    /// A hello is due.
    Fresh,
    /// A proof is due.
    Challenged(Box<Challenged>),
    /// It is the user's.
    Welcomed(Welcomed),
}

/// Whose connection it is.
#[derive(Clone)]
pub(super) struct Welcomed {
    pub(super) user: Arc<User>,
    /// Its hello came from a restored copy, and it has published no prekeys since.
    pub(super) is_copy: bool,
}

impl Connection {
    pub(super) fn new(number: u64, authenticated: Option<&str>, options: &RelayOptions, now_ms: u64) -> Self {
        Self {
            number,
            authenticated: authenticated.map(Into::into),
            stage: Mutex::new(Stage::Fresh),
            deadline_ms: AtomicU64::new(now_ms.saturating_add(options.handshake_ms)),
            is_closed: AtomicBool::new(false),
            is_farewell_due: AtomicBool::new(false),
            shows_ms: AtomicU64::new(u64::MAX),
        }
    }

    pub(super) fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it has taken too long, or is told again that it is closed. `most_ms` from now at the latest: what a clock
    /// that was wrong has put off longer heals here.
    pub(super) fn deadline_ms(&self, now_ms: u64, most_ms: u64) -> u64 {
        let latest_ms = now_ms.saturating_add(most_ms);
        self.deadline_ms.fetch_min(latest_ms, Ordering::Relaxed).min(latest_ms)
    }

    /// When its user is to be shown. Soon, if at all: what a clock that was wrong has put off longer heals here.
    pub(super) fn shows_ms(&self, now_ms: u64) -> u64 {
        let shows_ms = self.shows_ms.load(Ordering::Relaxed);
        let latest_ms = now_ms.saturating_add(RELAY_HIDDEN_MS);
        if shows_ms == u64::MAX || shows_ms <= latest_ms {
            return shows_ms;
        }
        self.show_at(latest_ms);
        latest_ms
    }

    /// Its user is to be shown then, or has said itself whether it is.
    pub(super) fn show_at(&self, shows_ms: u64) {
        self.shows_ms.store(shows_ms, Ordering::Relaxed);
    }

    /// That it is alive: a welcomed one has some more time.
    pub(super) fn extend(&self, deadline_ms: u64) {
        self.deadline_ms.store(deadline_ms, Ordering::Relaxed);
    }

    /// Takes nothing from it any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.show_at(u64::MAX);
    }

    /// Takes nothing from it any more, and leaves all else to the next tick.
    pub(super) fn cut_off(&self) {
        self.is_farewell_due.store(true, Ordering::Relaxed);
        self.close();
        self.extend(0);
    }

    /// Whether others are to be told that its user went: once.
    pub(super) fn takes_farewell(&self) -> bool {
        self.is_farewell_due.swap(false, Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
