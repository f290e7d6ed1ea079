//! One connection of a client.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handshake::Challenged;
use super::limits::Bucket;
use crate::relay::RelayOptions;
use crate::relay::user::User;

/// One connection. Its lock is held while a frame of it is served, and comes before all others.
pub(super) struct Connection {
    pub(super) number: u64,
    /// Whom the host has authenticated; none if the client has to prove who it is.
    pub(super) authenticated: Option<Box<str>>,
    state: Mutex<State>,
    /// When it has taken too long.
    deadline_ms: AtomicU64,
    /// Nothing is taken from it any more; the host has yet to end it.
    is_closed: AtomicBool,
}

/// How far a connection is, and what it may still ask for.
pub(super) struct State {
    pub(super) stage: Stage,
    pub(super) bucket: Bucket,
}

/// How far a connection is.
pub(super) enum Stage {
    /// A hello is due.
    Fresh,
    /// A proof is due.
    Challenged(Box<Challenged>),
    /// It is the user's.
    Welcomed(Arc<User>),
}

impl Connection {
    pub(super) fn new(number: u64, authenticated: Option<&str>, options: &RelayOptions, now_ms: u64) -> Self {
        Self {
            number,
            authenticated: authenticated.map(Into::into),
            state: Mutex::new(State { stage: Stage::Fresh, bucket: Bucket::new(options, now_ms) }),
            deadline_ms: AtomicU64::new(now_ms.saturating_add(options.handshake_ms)),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it has taken too long; the end of time once it is closed.
    pub(super) fn deadline_ms(&self) -> u64 {
        if self.is_closed() { u64::MAX } else { self.deadline_ms.load(Ordering::Relaxed) }
    }

    /// That it is alive: a welcomed one has some more time.
    pub(super) fn extend(&self, deadline_ms: u64) {
        self.deadline_ms.store(deadline_ms, Ordering::Relaxed);
    }

    /// Takes nothing from it any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
