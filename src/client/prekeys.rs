//! The prekeys that the relay hands out for us: published, refilled, replaced (`docs/PROTOCOL.md` section 4).

use crate::client::Client;
use crate::client::ask::Ask;
use crate::error::{Error, Result};
use crate::limits::{HOUR_MS, ONE_TIME_PREKEYS_MAX, PREKEYS_MAX};
use crate::wire::frame::Welcome;
use crate::wire::prekeys::PrekeyBundleFields;
use crate::wire::session::SessionMessage;

/// What the relay has of our prekeys, as far as we know.
#[derive(Default)]
pub(super) struct Published {
    /// When its signed prekey dies; 0 without one.
    expires_ms: u64,
    one_time: u16,
    /// The relay has refused them: nothing is published before.
    after_ms: u64,
}

impl Client {
    /// The relay has said what it has.
    pub(super) fn check_published(&mut self, welcome: &Welcome<'_>) {
        self.published = Published {
            expires_ms: welcome.signed_prekey_expires_ms,
            one_time: welcome.one_time_prekeys,
            after_ms: 0,
        };
    }

    /// No time of it is ahead.
    pub(super) fn publish_soon(&mut self) {
        self.published.after_ms = 0;
    }

    /// Whatever the relay has is of no use any more.
    pub(super) fn forget_published(&mut self) {
        self.published = Published::default();
    }

    /// Somebody has used one.
    pub(super) fn one_time_prekey_used(&mut self, message: &SessionMessage<'_>) {
        if message.front.handshake.as_ref().is_some_and(|block| block.one_time_id().is_some()) {
            self.published.one_time = self.published.one_time.saturating_sub(1);
        }
    }

    /// Publishes prekeys if the relay has too few, or its signed prekey is not the newest or due to be replaced.
    pub(super) fn tend_prekeys(&mut self) -> Result<()> {
        let is_held = self.publishing || self.now_ms < self.published.after_ms;
        if is_held || !self.connection.takes_requests(self.now_ms) {
            return Ok(());
        }
        let wanted = self.options.one_time_prekeys;
        let few = wanted > 0 && self.published.one_time < wanted.div_ceil(2);
        if !few && self.published.expires_ms != 0 && !self.is_signed_prekey_old() {
            return Ok(());
        }
        self.identity.expire(self.now_ms);
        let missing = usize::from(wanted.saturating_sub(self.published.one_time));
        // Those that were handed out and not used yet stay until they die.
        let room = ONE_TIME_PREKEYS_MAX.saturating_sub(self.identity.info().one_time_prekeys);
        let frame_room = self.connection.frame_max().min(PREKEYS_MAX) / ONE_TIME_LEN;
        let count = u16::try_from(missing.min(room).min(frame_room)).unwrap_or(0);
        if count == 0 && self.published.expires_ms != 0 && !self.is_signed_prekey_old() {
            return Ok(());
        }
        let bundle = match self.identity.prekeys(&mut *self.rng, u32::from(count), self.now_ms) {
            Ok(bundle) => bundle,
            // No ids are left: what is published has to do.
            Err(Error::LimitReached) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.journal.identity = true;
        self.publishing = true;
        self.ask(Ask::Prekeys(bundle));
        Ok(())
    }

    /// The relay has taken a bundle, or did before.
    pub(super) fn prekeys_taken(&mut self, bundle: &[u8]) -> Result<()> {
        self.publishing = false;
        let fields = PrekeyBundleFields::parse(bundle)?;
        let count = u16::try_from(fields.one_time.len()).unwrap_or(u16::MAX);
        // A repeated bundle may be counted already; the next welcome tells the truth.
        self.published.one_time = self.published.one_time.max(count);
        self.published.expires_ms = fields.signed.expires_ms;
        Ok(())
    }

    /// The relay did not take a bundle. At once it would be refused for the same reason.
    pub(super) fn prekeys_refused(&mut self) {
        self.publishing = false;
        self.published.after_ms = self.now_ms.saturating_add(HOUR_MS);
    }

    fn newest_expires_ms(&self) -> u64 {
        self.identity.info().signed_prekeys.last().map_or(0, |prekey| prekey.expires_ms)
    }

    fn is_signed_prekey_old(&self) -> bool {
        self.published.expires_ms != self.newest_expires_ms()
            || self.identity.prekeys_due_ms().is_none_or(|due_ms| self.now_ms >= due_ms)
    }

    /// When the signed prekey is to be replaced, or is tried to be again. What was due and could not be done is not
    /// helped by a tick.
    pub(super) fn prekeys_due_ms(&self) -> Option<u64> {
        let due_ms = match self.published.after_ms {
            0 => self.identity.prekeys_due_ms()?,
            after_ms => after_ms,
        };
        (self.connection.is_up() && !self.publishing && due_ms > self.now_ms).then_some(due_ms)
    }
}

/// Bytes of a one-time prekey in a bundle, and a bit.
const ONE_TIME_LEN: usize = 72;
