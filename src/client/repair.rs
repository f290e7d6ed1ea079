//! Sessions heal by themselves: who cannot open an envelope makes a new handshake and asks for the content again
//! (`docs/PROTOCOL.md` section 16.2), and who runs on an older copy of its store starts over (section 16.6).

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::kept::Content;
use crate::client::outbox::Target;
use crate::error::{Error, Result};
use crate::limits::{
    CLIENT_RESEND_MAX, CLIENT_STRANGERS_MAX, HOUR_MS, QUEUE_AGE_MAX_MS, SIGNED_PREKEY_LIFE_MS,
};
use crate::wire::client::{RESEND_MAX, Resend};
use crate::wire::content::ContentKind;
use crate::wire::envelope::ENVELOPE_ID_LEN;

/// Time in which a peer gets no more than [`CLIENT_RESEND_MAX`] contents again.
const RESEND_WINDOW_MS: u64 = 60_000;

/// How often one content goes again: a peer that could not open it so often will not.
const AGAIN_MAX: u8 = 3;

/// No store makes so many commits; a relay that claims more is not believed.
const LIFT_MAX: u64 = 1 << 40;

impl Client {
    /// An envelope in a peer's name did not open. If the peer can have meant it, it is asked for once more.
    pub(super) fn consider_repair(
        &mut self,
        user: &str,
        status: Error,
        envelope_id: &[u8; ENVELOPE_ID_LEN],
    ) -> Result<()> {
        let now_ms = self.now_ms;
        let (restorations, restored_ms) = (self.settings.restorations, self.settings.restored_ms);
        // A restored client may have forgotten whom it knew; whoever sends it rubbish costs it one handshake an hour.
        let lately_restored = restorations > 0 && now_ms.saturating_sub(restored_ms) < SIGNED_PREKEY_LIFE_MS;
        let strangers = self.counters.strangers;
        let peer = self.peer(user)?;
        let is_stranger = peer.line.is_none() && peer.card.is_none();
        let is_due = match (&peer.line, status) {
            _ if peer.changed.is_some() => false,
            (None, _) => !is_stranger || (lately_restored && strangers < CLIENT_STRANGERS_MAX),
            (Some(_), Error::UnknownKey | Error::UnknownPrekey) => true,
            // Anybody can send rubbish in a peer's name, so this counts only where the session seems dead.
            (Some(line), _) => {
                let heard_ms = line.session.heard_ms().unwrap_or(0);
                // What the peer sealed before it took a renewal may come behind the first that did not open.
                let was_restored = restorations > 0 && now_ms.saturating_sub(restored_ms) < HOUR_MS;
                now_ms.saturating_sub(heard_ms) >= HOUR_MS || was_restored || peer.restorations < restorations
            }
        };
        if !is_due {
            return Ok(());
        }
        self.counters.strangers = strangers.saturating_add(u64::from(is_stranger));
        let peer = self.peer(user)?;
        peer.renew |= peer.line.is_some();
        self.journal.peer(user);
        self.ask_again(user, envelope_id)
    }

    /// Asks a peer for the content of an envelope, together with others that it will be asked for.
    fn ask_again(&mut self, user: &str, envelope_id: &[u8; ENVELOPE_ID_LEN]) -> Result<()> {
        let target = Target::User(user.into());
        let open = self.outbox.find_open(&target, ContentKind::Resend);
        let (number, mut lost) = match open {
            Some((number, body)) => (Some(number), Resend::parse(body)?.lost().to_vec()),
            None => (None, Vec::new()),
        };
        match lost.binary_search(envelope_id) {
            Err(at) if lost.len() < RESEND_MAX => lost.insert(at, *envelope_id),
            _ => return Ok(()),
        }
        let mut body = Zeroizing::new(Vec::new());
        Resend::new(&lost)?.put(&mut body)?;
        match number {
            Some(number) => self.replace_body(number, body),
            None => self.enqueue(target, ContentKind::Resend, body).map(drop),
        }
    }

    /// A peer could not open these envelopes: their contents go again, with their message ids.
    pub(super) fn resend_asked(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let Ok(resend) = Resend::parse(body) else {
            self.drop_garbage();
            return Ok(());
        };
        let now_ms = self.now_ms;
        for envelope_id in resend.lost() {
            let Some(number) = self.kept_of(user)?.find(envelope_id) else { continue };
            let Some(content) = Content::load(&self.store, user, number)? else { continue };
            self.peer(user)?.lacks.insert(content.key_id);
            if content.envelope_id != *envelope_id
                || content.again >= AGAIN_MAX
                || now_ms.saturating_sub(content.sealed_ms) >= QUEUE_AGE_MAX_MS
            {
                continue;
            }
            let peer = self.peer(user)?;
            let (since_ms, count) = peer.resent;
            if now_ms.saturating_sub(since_ms) >= RESEND_WINDOW_MS {
                peer.resent = (now_ms, 0);
            } else if count >= CLIENT_RESEND_MAX {
                break;
            }
            peer.resent.1 = peer.resent.1.saturating_add(1);
            if self.outbox.holds(number) {
                // It has arrived before the relay said that it took it.
                self.unseal_one(user, number)?;
            } else {
                self.enqueue_again(user, number, content)?;
            }
        }
        Ok(())
    }

    /// Sends no more in the inner sessions of which a peer has asked for something again: it does not hold them, and
    /// has made another to say so.
    pub(super) fn leave_sessions(&mut self, user: &str, asked_in: &[u8; 8]) -> Result<()> {
        let peer = self.peer(user)?;
        let mut lacks = core::mem::take(&mut peer.lacks);
        lacks.remove(asked_in);
        let Some(line) = &mut peer.line else { return Ok(()) };
        if lacks.iter().filter(|key_id| line.session.leave(key_id)).count() > 0 {
            line.opened();
            self.journal.session(user);
        }
        Ok(())
    }

    /// The store is an older copy of itself (10.2): what it would use was used.
    pub(super) fn restored(&mut self, claimed: u64) -> Result<()> {
        self.is_restored = true;
        self.settings.restored(self.now_ms);
        // From here on our numbers are higher than those of the newer state, so that this is found once.
        let lift = claimed.saturating_sub(self.store.commit_number()).min(LIFT_MAX);
        self.settings.commit_lift = self.settings.commit_lift.max(lift);
        self.journal.settings = true;
        self.groups_restored();
        match self.identity.discard_prekeys(&mut *self.rng, self.now_ms) {
            // No ids are left to skip to: what is there has to do.
            Ok(()) | Err(Error::LimitReached) => {}
            Err(error) => return Err(error),
        }
        self.journal.identity = true;
        self.forget_published();
        Ok(())
    }
}
