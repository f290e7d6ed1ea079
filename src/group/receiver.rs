//! Receiving from a group: the sender keys of its members and their transition windows (`docs/PROTOCOL.md` section
//! 8.5).

use core::fmt;
use std::collections::{BTreeMap, VecDeque};

use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::group::check_own;
use crate::group::history::History;
use crate::group::keyring::Keyring;
use crate::group::sender_key::SenderKey;
use crate::identity::{Fingerprint, Identity};
use crate::limits::{
    DAY_MS, GROUP_RETAINED_KEYS_MAX, GROUP_WINDOW_MAX_MS, GROUP_WINDOW_MS, QUEUE_AGE_MAX_MS,
};
use crate::roster::Roster;

/// How a receiver works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupReceiverOptions {
    /// How long a retired key still opens messages, in milliseconds, at most a day.
    pub transition_window_ms: u64,
    /// Whether it keeps the first state of each key, to share what is retired with members who ask. That state opens
    /// old messages, so there is no forward secrecy for them on this device.
    pub retain_history: bool,
    /// Whether it holds nothing but keys that members shared.
    pub history: bool,
}

impl Default for GroupReceiverOptions {
    fn default() -> Self {
        Self { transition_window_ms: GROUP_WINDOW_MS, retain_history: false, history: false }
    }
}

impl GroupReceiverOptions {
    pub(super) fn check(&self) -> Result<()> {
        let window = self.transition_window_ms <= GROUP_WINDOW_MAX_MS;
        if window && !(self.retain_history && self.history) { Ok(()) } else { Err(Error::InvalidOptions) }
    }
}

/// The receiving half of a membership in one group; or, with [`GroupReceiverOptions::history`], what was shared of
/// its past.
///
/// Every method that takes `now_ms` treats a value below an earlier one as that earlier one.
pub struct GroupReceiver {
    pub(super) user: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) group_id: [u8; 32],
    pub(super) options: GroupReceiverOptions,
    pub(super) senders: BTreeMap<String, Keyring>,
    /// Keys whose window has ended, kept to be shared; the oldest first.
    pub(super) retained: VecDeque<History>,
    /// How many of these made room for others since the receiver was made or loaded.
    pub(super) let_go: u64,
    /// Since when windows stand still.
    pub(super) catching_up: Option<u64>,
    pub(super) latest_ms: u64,
    /// Bytes of what is stored of messages passed over.
    pub(super) stored: usize,
    /// Counts changes, so that an opening is committed to the state that it was made from.
    pub(super) revision: u64,
    /// Holds each message key for the moment of its use, so that reading needs no heap.
    pub(super) slot: Secret<32>,
}

impl GroupReceiver {
    /// A receiver without keys.
    ///
    /// [`Error::NotAMember`] if the identity is none, or a member under other keys; [`Error::GroupDeleted`];
    /// [`Error::InvalidOptions`].
    pub fn new(
        identity: &Identity,
        roster: &Roster,
        options: GroupReceiverOptions,
        now_ms: u64,
    ) -> Result<Self> {
        options.check()?;
        check_own(roster, identity.user(), &identity.fingerprint())?;
        Ok(Self {
            user: identity.user().to_owned(),
            fingerprint: identity.fingerprint(),
            group_id: *roster.group_id(),
            options,
            senders: BTreeMap::new(),
            retained: VecDeque::new(),
            let_go: 0,
            catching_up: None,
            latest_ms: now_ms,
            stored: 0,
            revision: 0,
            slot: Secret::zeroed(),
        })
    }

    /// Our user id.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Our fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The group.
    #[must_use]
    pub fn group_id(&self) -> &[u8; 32] {
        &self.group_id
    }

    /// Takes over what the roster says now; to be called whenever entries were applied to it. The keys of members who
    /// went, came back or changed theirs are wiped at once; those made before the last change of members retire.
    ///
    /// [`Error::WrongGroup`].
    pub fn sync(&mut self, roster: &Roster, now_ms: u64) -> Result<()> {
        self.check_group(roster)?;
        let now_ms = self.advance(now_ms);
        if self.options.history {
            return Ok(());
        }
        let closes_ms = self.closes_ms(now_ms);
        let mut gone = Vec::new();
        self.senders.retain(|user, keyring| {
            let Some(member) = roster.member(user) else {
                gone.extend(keyring.keys.drain(..).map(|key| (user.clone(), key)));
                return false;
            };
            let (kept, wiped) = keyring.keys.drain(..).partition(|key| key.is_of(member));
            keyring.keys = kept;
            keyring.changed |= !wiped.is_empty();
            gone.extend(wiped.into_iter().map(|key| (user.clone(), key)));
            keyring.close_before(roster.membership_epoch(), closes_ms);
            true
        });
        for (user, key) in gone {
            self.retain(&user, key);
        }
        self.count_stored();
        Ok(())
    }

    /// Wipes the keys whose window has ended, and answers when to call next.
    pub fn retire(&mut self, now_ms: u64) -> Option<u64> {
        let now_ms = self.advance(now_ms);
        if let Some(end) = self.catch_up_end().filter(|end| *end <= now_ms) {
            self.end_catch_up(end);
        }
        if let Some(end) = self.catch_up_end() {
            return Some(end);
        }
        let mut gone = Vec::new();
        for (user, keyring) in &mut self.senders {
            gone.extend(keyring.wipe_due(now_ms).into_iter().map(|key| (user.clone(), key)));
        }
        for (user, key) in gone {
            self.retain(&user, key);
        }
        self.count_stored();
        self.senders.values().filter_map(Keyring::due_ms).min()
    }

    /// Forgets times more than a day ahead: the clock had been wrong once. Windows start anew. Answers whether that
    /// changed anything.
    pub fn correct_clock(&mut self, now_ms: u64) -> bool {
        let is_ahead = self.latest_ms > now_ms.saturating_add(DAY_MS);
        if is_ahead {
            self.latest_ms = now_ms;
            self.advance(now_ms);
            self.catching_up = self.catching_up.map(|since| since.min(now_ms));
            let closes_ms = self.closes_ms(now_ms);
            self.senders.values_mut().for_each(|keyring| keyring.restart(closes_ms));
        }
        is_ahead
    }

    /// Tells that an offline queue is being read, or that it was read: meanwhile windows stand still, for at most 7
    /// days, and at its end they start anew.
    pub fn catch_up(&mut self, active: bool, now_ms: u64) {
        let now_ms = self.advance(now_ms);
        if active {
            self.catching_up.get_or_insert(now_ms);
        } else if let Some(end) = self.catch_up_end() {
            self.end_catch_up(now_ms.min(end));
        }
    }

    /// Whether a key opens messages now.
    pub(super) fn is_open(&self, key: &SenderKey, now_ms: u64) -> bool {
        let closes_ms = match (key.closes_ms, self.catch_up_end()) {
            (Some(_), Some(end)) => Some(self.closes_ms(end)),
            (closes_ms, _) => closes_ms,
        };
        closes_ms.is_none_or(|end| now_ms < end)
    }

    /// The end of a window that starts now.
    pub(super) fn closes_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add(self.options.transition_window_ms)
    }

    /// A wiped key goes, or into what can be shared.
    pub(super) fn retain(&mut self, sender: &str, mut key: SenderKey) {
        let Some(chain) = key.retained.take() else { return };
        let history = self.history_of(sender, &key, chain);
        if history.chain.counter() >= history.end {
            return;
        }
        if self.retained.len() >= GROUP_RETAINED_KEYS_MAX {
            self.retained.pop_front();
            self.let_go = self.let_go.wrapping_add(1);
        }
        self.retained.push_back(history);
    }

    pub(super) fn check_group(&self, roster: &Roster) -> Result<()> {
        if *roster.group_id() == self.group_id { Ok(()) } else { Err(Error::WrongGroup) }
    }

    pub(super) fn clock(&self, now_ms: u64) -> u64 {
        now_ms.max(self.latest_ms)
    }

    /// Begins every change.
    pub(super) fn advance(&mut self, now_ms: u64) -> u64 {
        self.latest_ms = self.clock(now_ms);
        self.revision = self.revision.wrapping_add(1);
        self.latest_ms
    }

    fn catch_up_end(&self) -> Option<u64> {
        self.catching_up.map(|since| since.saturating_add(QUEUE_AGE_MAX_MS))
    }

    fn end_catch_up(&mut self, end_ms: u64) {
        self.catching_up = None;
        let closes_ms = self.closes_ms(end_ms);
        for keyring in self.senders.values_mut() {
            keyring.restart(closes_ms);
        }
    }
}

impl fmt::Debug for GroupReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupReceiver").field("user", &self.user).finish_non_exhaustive()
    }
}
