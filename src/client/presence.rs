//! Who is online: the relay's word, and nobody's proof (`docs/PROTOCOL.md` section 10.4).

use std::collections::BTreeSet;

use crate::client::Client;
use crate::client::ask::Ask;
use crate::client::event::Event;
use crate::error::{Error, Result};
use crate::limits::CLIENT_WATCH_MAX;
use crate::wire::name::check_user;

/// Whom the application watches, and whether it is shown. Not stored: it says so each time.
pub(super) struct Presence {
    users: BTreeSet<Box<str>>,
    is_visible: bool,
    /// Who was said to be online on this connection, and not to have gone since.
    shown: BTreeSet<Box<str>>,
}

impl Default for Presence {
    fn default() -> Self {
        Self { users: BTreeSet::new(), is_visible: true, shown: BTreeSet::new() }
    }
}

impl Presence {
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        self.users.iter().map(|user| &**user)
    }

    pub(super) const fn is_visible(&self) -> bool {
        self.is_visible
    }

    /// Without a connection nobody is known to be online.
    pub(super) fn forget_shown(&mut self) {
        self.shown.clear();
    }
}

impl Client {
    /// Watches these users, who have to watch us too, and no others: events tell when they come and go. Those of one's
    /// groups are told of without it.
    ///
    /// [`Error::LimitReached`] for more than a thousand, [`Error::InvalidText`] for what is no user id.
    pub fn watch(&mut self, users: &[&str], now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        if users.len() > CLIENT_WATCH_MAX {
            return Err(Error::LimitReached);
        }
        for user in users {
            check_user(user.as_bytes())?;
        }
        self.presence.users = users.iter().copied().map(Into::into).collect();
        self.ask_watch_now();
        Ok(())
    }

    /// Whether others are shown that we are online. They are, unless this says otherwise.
    pub fn set_visible(&mut self, is_visible: bool, now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        self.presence.is_visible = is_visible;
        self.ask_watch_now();
        Ok(())
    }

    /// Tells a new connection, unless it is as connections start.
    pub(super) fn ask_watch(&mut self) {
        if !self.presence.users.is_empty() || !self.presence.is_visible {
            self.ask_watch_now();
        }
    }

    fn ask_watch_now(&mut self) {
        if self.connection.is_up() {
            self.ask(Ask::Watch);
        }
    }

    /// The relay says that somebody came or went.
    pub(super) fn present(&mut self, user: &str, is_online: bool) -> Result<()> {
        if !is_online {
            self.presence.shown.remove(user);
        }
        if self.presence.users.contains(user) || self.shares_group(user)? {
            // A relay may say it again.
            if is_online && !self.presence.shown.insert(user.into()) {
                return Ok(());
            }
            self.tell(Event::Presence { user: user.into(), is_online });
        }
        Ok(())
    }
}
