//! Sessions heal by themselves: who cannot open an envelope makes a new handshake and asks for the content again
//! (`docs/PROTOCOL.md` section 16.2), and who runs on an older copy of its store starts over (section 16.6).

use std::collections::VecDeque;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::Event;
use crate::client::kept::{AGAIN_MAX, Content};
use crate::client::options::IdentityChange;
use crate::client::outbox::{Target, UNASKED};
use crate::client::peers::Peer;
use crate::client::records;
use crate::client::sessions::backoff_ms;
use crate::client::timers::count_within;
use crate::error::{Error, Result};
use crate::limits::{
    CLIENT_RESEND_MAX, CLIENT_RESENDS_MAX, CLIENT_STRANGERS_MAX, HOUR_MS, QUEUE_AGE_MAX_MS,
    SIGNED_PREKEY_LIFE_MS,
};
use crate::store::{Name, Part};
use crate::wire::client::{RESEND_MAX, Resend};
use crate::wire::content::ContentKind;
use crate::wire::envelope::ENVELOPE_ID_LEN;
use crate::wire::session::SessionMessage;

/// Time in which a peer gets no more than [`CLIENT_RESEND_MAX`] contents again.
const RESEND_WINDOW_MS: u64 = 60_000;

/// Time in which a peer that asks for everything is given our keys of all groups once.
const HAND_ALL_MS: u64 = 60_000;

/// In a resend: everything that the peer keeps for us.
pub(super) const EVERYTHING: [u8; ENVELOPE_ID_LEN] = [0; ENVELOPE_ID_LEN];

/// Names no envelope: such a resend is an answer, and nothing else.
const NOTHING: [u8; ENVELOPE_ID_LEN] = [0xff; ENVELOPE_ID_LEN];

/// Messages of one inner session after which a peer whom nobody answers is answered; then again after twice as many.
const UNANSWERED: u32 = 128;

/// Peers that a restored client turns to in one commit.
const GREETINGS: usize = 64;

/// Times that a peer is asked for contents under a handshake, and says nothing, before it is taken not to hold that.
const ASKED_MAX: u32 = 2;

/// The longest pause between two times that a silent peer is asked.
const ASK_PAUSE_MAX_MS: u64 = 600_000;

/// The pause after a handshake before its time, until the next; each is four times the one before, up to an hour.
const EARLY_PAUSE_MS: u64 = 60_000;

/// No store makes so many commits; a relay that claims more is not believed.
const LIFT_MAX: u64 = 1 << 40;

/// How a peer is asked for contents again, since anything of it opened: what asks is as likely not to be opened there as
/// what was asked for, and each would ask for the other's question.
#[derive(Default)]
pub(super) struct Asking {
    /// Not before.
    after_ms: u64,
    /// How often it was, under the last handshake that we made.
    count: u32,
    /// No handshake is made before its time before this, and how many were.
    early_after_ms: u64,
    early: u32,
}

impl Asking {
    /// Asked once more.
    fn again(&mut self, now_ms: u64) {
        self.count = self.count.saturating_add(1);
        self.after_ms = now_ms.saturating_add(backoff_ms(self.count).min(ASK_PAUSE_MAX_MS));
    }

    /// The peer is asked under another handshake now.
    pub(super) fn start_over(&mut self) {
        (self.after_ms, self.count) = (0, 0);
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        self.after_ms = self.after_ms.min(now_ms);
        self.early_after_ms = self.early_after_ms.min(now_ms);
    }

    /// Whether nothing of it matters any more.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        now_ms >= self.after_ms.max(self.early_after_ms)
    }
}

impl Peer {
    /// When another handshake may be made before its time, if one should: the peer was asked under the last one and is
    /// silent, so that it seems not to hold it.
    fn early_renewal_ms(&self) -> Option<u64> {
        let is_silent = self.renew
            && self.asking.count >= ASKED_MAX
            && self.line.as_ref().is_some_and(|line| line.session.is_unanswered());
        is_silent.then_some(self.asking.early_after_ms)
    }

    /// Allows that handshake, if its time has come. Answers whether it did.
    pub(super) fn renew_early(&mut self, now_ms: u64) -> bool {
        let is_due = self.early_renewal_ms().is_some_and(|after_ms| now_ms >= after_ms);
        if is_due && let Some(line) = &mut self.line {
            line.session.hasten_renewal();
            let pause_ms = HOUR_MS.min(EARLY_PAUSE_MS << (2 * self.asking.early.min(8)));
            self.asking.early_after_ms = now_ms.saturating_add(pause_ms);
            self.asking.early = self.asking.early.saturating_add(1);
        }
        is_due
    }
}

impl Client {
    /// When a peer may be asked for contents again, or a handshake be made first; none if that is now.
    pub(super) fn asks_after_ms(&mut self, user: &str) -> Result<Option<u64>> {
        let now_ms = self.now_ms;
        let peer = self.peer(user)?;
        let after_ms = peer.asking.after_ms.min(peer.early_renewal_ms().unwrap_or(u64::MAX));
        Ok((now_ms < after_ms).then_some(after_ms))
    }

    /// A peer is asked for contents again.
    pub(super) fn note_asked(&mut self, user: &str) -> Result<()> {
        let now_ms = self.now_ms;
        self.peer(user)?.asking.again(now_ms);
        Ok(())
    }

    /// An envelope in a peer's name did not open. If the peer can have meant it, it is asked for once more.
    pub(super) fn consider_repair(
        &mut self,
        user: &str,
        status: Error,
        envelope_id: &[u8; ENVELOPE_ID_LEN],
    ) -> Result<()> {
        let now_ms = self.now_ms;
        let (restorations, restored_ms) = (self.settings.restorations, self.settings.restored_ms);
        let lately_restored = restorations > 0 && now_ms.saturating_sub(restored_ms) < SIGNED_PREKEY_LIFE_MS;
        let mut strangers = self.strangers;
        let peer = self.peer(user)?;
        let is_stranger = peer.line.is_none() && peer.card.is_none();
        let is_due = match (&peer.line, status) {
            _ if peer.changed.is_some() => false,
            // The peer may know another identity of ours, or a newer state of this store; and anybody can send rubbish.
            (None, _) => {
                !is_stranger || count_within(&mut strangers, now_ms, HOUR_MS, CLIENT_STRANGERS_MAX).is_ok()
            }
            (Some(_), Error::UnknownKey | Error::UnknownPrekey) => true,
            // Anybody can send rubbish in a peer's name, so this counts only where the session seems dead.
            (Some(line), _) => {
                let heard_ms = line.session.heard_ms().unwrap_or(0);
                // What the peer sealed before it took a renewal may come behind the first that did not open.
                let was_restored = restorations > 0 && now_ms.saturating_sub(restored_ms) < HOUR_MS;
                now_ms.abs_diff(heard_ms) >= HOUR_MS || was_restored || peer.restorations < restorations
            }
        };
        if !is_due {
            return Ok(());
        }
        self.strangers = strangers;
        let peer = self.peer(user)?;
        peer.renew |= peer.line.is_some();
        self.journal.peer(user);
        if is_stranger && lately_restored {
            // Of whatever else the newer state of this store was sent, nobody else will remind us.
            self.ask_again(user, &EVERYTHING)?;
        }
        self.ask_again(user, envelope_id)
    }

    /// A peer writes and writes, and our application says nothing: it could send no more after a while, since its
    /// handshake is not answered.
    pub(super) fn answer_handshake(&mut self, user: &str, message: &SessionMessage<'_>) -> Result<()> {
        let (key_id, count) = &mut self.peer(user)?.unanswered;
        if key_id != message.front.key_id {
            (*key_id, *count) = (*message.front.key_id, 0);
        }
        *count = count.saturating_add(1);
        if *count >= UNANSWERED && count.is_power_of_two() {
            return self.ask_again(user, &NOTHING);
        }
        Ok(())
    }

    /// Asks a peer for the content of an envelope, together with others that it will be asked for.
    pub(super) fn ask_again(&mut self, user: &str, envelope_id: &[u8; ENVELOPE_ID_LEN]) -> Result<()> {
        let target = Target::User(user.into());
        let mut waiting = 0_usize;
        let mut last = None;
        for (number, body) in self.outbox.open(&target, ContentKind::Resend) {
            let lost = Resend::parse(body)?.lost();
            if lost.binary_search(envelope_id).is_ok() {
                return Ok(());
            }
            waiting = waiting.saturating_add(1);
            last = Some((number, lost.to_vec()));
        }
        let (number, mut lost) = match last {
            Some((number, lost)) if lost.len() < RESEND_MAX => (Some(number), lost),
            _ if waiting >= CLIENT_RESENDS_MAX => {
                // More than a peer can have in our queue.
                self.drop_garbage();
                return Ok(());
            }
            _ => (None, Vec::new()),
        };
        let at = lost.partition_point(|known| known < envelope_id);
        lost.insert(at, *envelope_id);
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
        for envelope_id in resend.lost() {
            if *envelope_id == EVERYTHING {
                self.send_all_again(user)?;
                let now_ms = self.now_ms;
                let handed = &mut self.peer(user)?.handed_all;
                // Who asks sooner asks for the keys that it lacks, one by one.
                if count_within(handed, now_ms, HAND_ALL_MS, 1).is_ok() {
                    self.hand_all_to(user)?;
                }
                continue;
            }
            let Some(number) = self.kept_of(user)?.find(envelope_id) else { continue };
            let Some(content) = Content::load(&self.store, user, number)? else { continue };
            if content.envelope_id != *envelope_id {
                continue;
            }
            if self.kept_of(user)?.is_foreign(number) {
                // It was sealed for an identity that does not count any more.
                self.send_to_new_identity(user, number, content)?;
                continue;
            }
            self.peer(user)?.lacks.insert(content.key_id);
            if !self.send_again(user, number, content, 0)? {
                self.unreadable_for(user, number, Error::LimitReached)?;
            }
        }
        Ok(())
    }

    /// Sends again to a peer what is kept for it: one of both may have forgotten what was asked for.
    pub(super) fn send_all_again(&mut self, user: &str) -> Result<()> {
        for number in self.kept_of(user)?.whole() {
            if let Some(content) = Content::load(&self.store, user, number)?
                && !self.outbox.holds(number)
            {
                self.send_again(user, number, content, UNASKED)?;
            }
        }
        Ok(())
    }

    /// Puts a content that was sealed back where it was. Answers `false` if it is not there any more, or if that was
    /// done as often as it may help.
    fn send_again(&mut self, user: &str, number: u64, content: Content, unasked: u8) -> Result<bool> {
        let now_ms = self.now_ms;
        let Some(body) = content.body else { return Ok(false) };
        let again = content.again & !UNASKED;
        if again >= AGAIN_MAX || now_ms.saturating_sub(content.sealed_ms) >= QUEUE_AGE_MAX_MS {
            return Ok(false);
        }
        let peer = self.peer(user)?;
        let (since_ms, count) = &mut peer.resent;
        if now_ms.saturating_sub(*since_ms) >= RESEND_WINDOW_MS {
            (*since_ms, *count) = (now_ms, 0);
        }
        *count = count.saturating_add(1);
        let later_ms = (*count > CLIENT_RESEND_MAX).then(|| since_ms.saturating_add(RESEND_WINDOW_MS));
        if self.outbox.holds(number) {
            // It has arrived before the relay said that it took it.
            self.unseal_one(user, number)?;
        } else {
            let (message_id, kind, again) =
                (content.message_id, content.kind, again.saturating_add(1) | unasked);
            self.enqueue_again(user, number, message_id, kind, again, body)?;
        }
        if let Some(later_ms) = later_ms {
            self.outbox.delay(&Target::User(user.into()), later_ms);
        }
        Ok(true)
    }

    /// The peer asks for a content that its former identity was sent. Who had to accept the new one has said that it is
    /// the same person; otherwise whoever the relay puts in its place could ask for what was sent before.
    fn send_to_new_identity(&mut self, user: &str, number: u64, content: Content) -> Result<()> {
        let may_have_it = self.options.identity_change == IdentityChange::Block
            && !self.is_delivered(user, &content.message_id)?;
        if may_have_it && self.send_again(user, number, content, 0)? {
            return Ok(());
        }
        self.unreadable_for(user, number, Error::IdentityChanged)
    }

    /// The peer cannot read a content of ours, and we cannot help it.
    fn unreadable_for(&mut self, user: &str, number: u64, status: Error) -> Result<()> {
        let content = Content::load(&self.store, user, number)?;
        self.forget_one_kept(user, number)?;
        let Some(Content { message_id, .. }) = content.filter(|content| content.kind == ContentKind::Data)
        else {
            return Ok(());
        };
        if self.outbox.holds(number) {
            return self.fail_entry(number, status);
        }
        self.forget_sent(number, &message_id);
        self.emit(Event::Failed { message_id, user: user.into(), status })
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
        self.forgotten = None;
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

    /// Turns to those with whom we have a session and have not spoken since the store was restored: what the newer state
    /// of the store was sent, and asked for, it has forgotten.
    pub(super) fn tend_restored(&mut self) -> Result<()> {
        let lately = self.now_ms.saturating_sub(self.settings.restored_ms) < QUEUE_AGE_MAX_MS;
        if self.settings.restorations == 0 || !lately || !self.connection.is_up() {
            return Ok(());
        }
        if self.forgotten.is_none() {
            self.forgotten = Some(self.all_with_sessions()?);
        }
        for _ in 0..GREETINGS {
            let Some(user) = self.forgotten.as_mut().and_then(VecDeque::pop_front) else { break };
            let restorations = self.settings.restorations;
            let peer = self.peer(&user)?;
            if peer.line.is_some() && peer.restorations < restorations {
                self.ask_again(&user, &EVERYTHING)?;
            }
        }
        Ok(())
    }

    /// Everybody with whom we have a session.
    pub(super) fn all_with_sessions(&self) -> Result<VecDeque<Box<str>>> {
        self.users_of(&records::all_sessions())
    }

    /// Everybody of whom anything is known.
    pub(super) fn all_known(&self) -> Result<VecDeque<Box<str>>> {
        self.users_of(&records::all_peers())
    }

    /// Whose records these are.
    fn users_of(&self, records: &Name) -> Result<VecDeque<Box<str>>> {
        let mut users = VecDeque::new();
        for record in self.store.scan(records)? {
            let Some(Part::Bytes(user)) = record?.name.parts().last().cloned() else {
                return Err(Error::StoreDamaged);
            };
            let user = String::from_utf8(user.into_vec()).map_err(|_| Error::StoreDamaged)?;
            users.push_back(user.into_boxed_str());
        }
        Ok(users)
    }
}
