//! What waits to be sent: in the order of the calls for each target, sealed once, repeated as the same envelope until
//! the relay has answered (`docs/PROTOCOL.md` section 16.1).

mod entry;
mod queue;

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::ask::Ask;
use crate::client::event::{Event, MessageId, MessageState};
use crate::client::groups::{GroupEvent, distribution_note};
use crate::client::kept::Content;
use crate::client::records;
use crate::client::sessions::{backoff_ms, is_passing};
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::limits::{
    CLIENT_BACKOFF_MAX_MS, CLIENT_FULL_MAX_MS, CLIENT_OUTBOX_BYTES_MAX, CLIENT_OUTBOX_MAX, MESSAGE_MAX,
};
use crate::wire::codec::Put as _;
use crate::wire::content::{ContentKind, ContentType, Data};
use crate::wire::envelope::{ENVELOPE_ID_LEN, Envelope};
use crate::wire::name::check_user;
use queue::{Batch, Once};

use entry::State;
pub(super) use entry::{Entry, Target, UNASKED};
pub(super) use queue::Outbox;

/// Bytes of the envelopes of one target in one request, unless it is a single one: less than contents are kept.
const TARGET_BYTES_MAX: usize = 1_048_576;
/// Bytes of the envelopes of one request, unless it is a single one.
const REQUEST_BYTES_MAX: usize = 2_097_152;
/// Bytes of a frame beside the envelope that it carries, and a bit.
const FRAME_HEAD_MAX: usize = 64;
/// Requests that wait for an answer before nothing new is sealed.
const REQUESTS_MAX: usize = 64;

impl Client {
    /// Sends a message to one user, and answers its id. Messages to one user arrive in the order of these calls.
    ///
    /// A transient one leaves at once or never: it is not stored, not tried again, and no event tells of it.
    /// [`Error::InvalidArgument`] to ourselves, [`Error::InvalidText`] for what is no user id or text,
    /// [`Error::TooLarge`], [`Error::LimitReached`] if too much waits already.
    pub fn send_direct(
        &mut self,
        user: &str,
        content_type: ContentType,
        payload: &[u8],
        transient: bool,
        now_ms: u64,
    ) -> Result<MessageId> {
        self.advance(now_ms)?;
        check_user(user.as_bytes())?;
        if user == self.identity.user() {
            return Err(Error::InvalidArgument);
        }
        self.send_data(Target::User(user.into()), content_type, payload, transient)
    }

    /// Puts a message of the application at the end of what waits for a target.
    pub(super) fn send_data(
        &mut self,
        target: Target,
        content_type: ContentType,
        payload: &[u8],
        transient: bool,
    ) -> Result<MessageId> {
        if payload.len() > MESSAGE_MAX {
            return Err(Error::TooLarge);
        }
        let mut body = Zeroizing::new(Vec::with_capacity(payload.len().saturating_add(1)));
        body.put_u8(content_type as u8);
        body.put(payload);
        Data::parse(&body).map_err(|_| Error::InvalidText)?;
        if transient {
            let message_id = self.rng.message_id()?;
            self.outbox.once.push(Once { target, kind: ContentKind::Data, message_id, body });
            return Ok(message_id);
        }
        let (count, bytes) = self.outbox.messages();
        if count >= CLIENT_OUTBOX_MAX || bytes.saturating_add(body.len()) > CLIENT_OUTBOX_BYTES_MAX {
            return Err(Error::LimitReached);
        }
        if let Target::User(user) = &target {
            self.accept_by_writing(user)?;
        }
        self.enqueue(target, ContentKind::Data, body)
    }

    /// Whom the application writes to, it knows.
    pub(super) fn accept_by_writing(&mut self, user: &str) -> Result<()> {
        let peer = self.peer(user)?;
        if peer.accepted {
            return Ok(());
        }
        peer.accepted = true;
        self.journal.peer(user);
        self.tell_of_earlier(user)
    }

    /// Puts a content at the end of what waits for a target, and answers its message id.
    pub(super) fn enqueue(
        &mut self,
        target: Target,
        kind: ContentKind,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<MessageId> {
        let message_id = self.rng.message_id()?;
        let (number, store) = self.settings.draw_out();
        self.journal.settings |= store;
        let entry =
            Entry { target, kind, message_id, created_ms: self.now_ms, again: 0, state: State::Open(body) };
        self.journal.put(records::out(number), entry.to_value()?);
        self.outbox.insert(number, entry);
        Ok(message_id)
    }

    /// Puts a content that may be dropped at the end of what waits for a target, unless too much waits.
    pub(super) fn enqueue_spare(
        &mut self,
        target: Target,
        kind: ContentKind,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        if self.outbox.is_crowded() && kind != ContentKind::Distribution {
            return Ok(());
        }
        if let Some(oldest) = self.outbox.surplus(&target) {
            self.fail_entry(oldest, Error::LimitReached)?;
        }
        self.enqueue(target, kind, body).map(drop)
    }

    /// Puts a content that was sealed as `number` back where it was.
    pub(super) fn enqueue_again(
        &mut self,
        user: &str,
        number: u64,
        message_id: MessageId,
        kind: ContentKind,
        again: u8,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        let entry = Entry {
            target: Target::User(user.into()),
            kind,
            message_id,
            created_ms: self.now_ms,
            again,
            state: State::Open(body),
        };
        self.journal.put(records::out(number), entry.to_value()?);
        self.outbox.insert(number, entry);
        Ok(())
    }

    /// Changes the body of a content that is not sealed yet.
    pub(super) fn replace_body(&mut self, number: u64, body: Zeroizing<Vec<u8>>) -> Result<()> {
        self.outbox.change(number, |entry| entry.state = State::Open(body));
        let Some(entry) = self.outbox.entries.get(&number) else { return Err(Error::Internal) };
        self.journal.put(records::out(number), entry.to_value()?);
        Ok(())
    }

    /// Seals what can be sealed and asks the relay to take it.
    pub(super) fn pump(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        self.fail_more()?;
        self.fail_old()?;
        if self.connection.takes_requests(now_ms) {
            let bytes_max = REQUEST_BYTES_MAX.min(self.connection.frame_max() / 2);
            let mut ready = self.outbox.ready(now_ms);
            // Who has a session with us is written to first, then groups: whoever has to be looked up must not hold
            // back a message to all, and who is there gets the key before it.
            ready.sort_by_key(|target| match target {
                Target::User(user) if self.has_session(user) => 0,
                Target::Group(_) => 1,
                Target::User(_) => 2,
            });
            let is_group = |target: &Target| matches!(target, Target::Group(_));
            for batch in ready.chunk_by(|one, next| is_group(one) == is_group(next)) {
                self.pump_batch(batch, bytes_max)?;
            }
        }
        self.send_once()
    }

    /// Seals what can be sealed for some targets, all of them groups or none, and asks the relay to take it.
    fn pump_batch(&mut self, targets: &[Target], bytes_max: usize) -> Result<()> {
        let mut batch = Batch::default();
        let mut for_groups = false;
        for target in targets {
            // The next commit goes on.
            if self.journal.is_long() {
                break;
            }
            let (numbers, bytes) = match target {
                Target::User(_) if self.connection.requests_len() >= REQUESTS_MAX => break,
                Target::User(user) => self.seal_direct(user)?,
                Target::Group(group) => {
                    for_groups = true;
                    self.seal_group(group)?
                }
            };
            if !numbers.is_empty() {
                if let Some(queue) = self.outbox.queues.get_mut(target) {
                    queue.in_flight = true;
                }
                batch.add(&numbers, bytes, bytes_max);
            }
        }
        for numbers in batch.finish() {
            self.ask(if for_groups { Ask::SendGroup(numbers) } else { Ask::Send(numbers) });
        }
        Ok(())
    }

    /// Whether something can be sealed for a peer without asking the relay, as far as that is known.
    fn has_session(&self, user: &str) -> bool {
        self.peers.get(user).is_some_and(|peer| peer.line.is_some() && !peer.renew)
    }

    /// Seals the first contents for a peer, as far as that is possible now, and answers what can be sent.
    fn seal_direct(&mut self, user: &str) -> Result<(Vec<u64>, usize)> {
        let (mut ready, mut bytes) = (Vec::new(), 0_usize);
        if self.is_blocked(user)? {
            return Ok((ready, bytes));
        }
        let target = Target::User(user.into());
        let asks_after_ms = self.asks_after_ms(user)?;
        let (mut prepared, mut asked, mut held) = (None, false, None);
        for number in self.outbox.first(&target) {
            if self.outbox.envelope(number).is_none() {
                let asks = self.outbox.asks(number);
                if asks && asks_after_ms.is_some() {
                    // Others need not wait for it: anybody may have made the rubbish that it asks for.
                    held = asks_after_ms;
                    continue;
                }
                if prepared.is_none() {
                    prepared = Some(self.prepare(user)?);
                }
                if prepared != Some(true) {
                    break;
                }
                match self.seal_one(user, number)? {
                    Sealing::Sealed => asked |= asks,
                    Sealing::Pointless => continue,
                    Sealing::Waits => break,
                }
            }
            let length = self.outbox.envelope(number).map_or(0, <[u8]>::len);
            if length.saturating_add(FRAME_HEAD_MAX) > self.connection.frame_max() {
                self.fail_entry(number, Error::TooLarge)?;
                continue;
            }
            if bytes.saturating_add(length) > TARGET_BYTES_MAX && !ready.is_empty() {
                break;
            }
            ready.push(number);
            bytes = bytes.saturating_add(length);
        }
        if asked {
            self.note_asked(user)?;
        }
        self.outbox.hold_asks(&target, held.unwrap_or(0));
        Ok((ready, bytes))
    }

    /// Seals one content.
    fn seal_one(&mut self, user: &str, number: u64) -> Result<Sealing> {
        let Some(entry) = self.outbox.entries.get(&number) else { return Err(Error::Internal) };
        let (kind, message_id, again, is_message) =
            (entry.kind, entry.message_id, entry.again, entry.is_message());
        let State::Open(body) = &entry.state else { return Ok(Sealing::Sealed) };
        let body = body.clone();
        // Keys are put in now, and what is kept for a resend is again the note that they are due.
        let (made, kept) = match kind {
            ContentKind::Distribution => {
                (Some(self.distribution_body(user, &body)?), distribution_note(&body)?)
            }
            ContentKind::History => (Some(self.history_body(user, &body)?), body.clone()),
            _ => (None, body.clone()),
        };
        let envelope = match &made {
            Some(None) => {
                self.fail_entry(number, Error::WithheldKey)?;
                return Ok(Sealing::Pointless);
            }
            Some(Some(made)) => self.seal(user, kind, &message_id, made)?,
            None => self.seal(user, kind, &message_id, &body)?,
        };
        let Some(envelope) = envelope else { return Ok(Sealing::Waits) };
        let content = Content {
            envelope_id: envelope_id(&envelope),
            key_id: *Envelope::parse(&envelope)?.key_id,
            message_id,
            kind,
            sealed_ms: self.now_ms,
            again,
            body: Some(kept),
        };
        self.keep(user, number, &content)?;
        if is_message {
            // Its ack may come before the relay's answer.
            self.note_sent(number, &message_id, &Target::User(user.into()))?;
        }
        self.outbox.change(number, |entry| entry.state = State::Sealed(envelope));
        if let Some(entry) = self.outbox.entries.get(&number) {
            self.journal.put(records::out(number), entry.to_value()?);
        }
        Ok(Sealing::Sealed)
    }

    /// A message for a group was sealed.
    pub(super) fn sealed_for_group(&mut self, number: u64, envelope: Vec<u8>) -> Result<()> {
        let mut value = records::begin();
        value.put_bytes32(&envelope)?;
        self.journal.put(records::envelope(number), value);
        self.outbox.change(number, |entry| entry.seal_over(envelope));
        Ok(())
    }

    /// What was sealed for a group is to be sealed again.
    pub(super) fn reopen(&mut self, number: u64) {
        self.journal.delete(records::envelope(number));
        self.outbox.change(number, Entry::reopen);
    }

    /// Seals a content in the session of a peer; none if a new handshake has to come first.
    pub(super) fn seal(
        &mut self,
        user: &str,
        kind: ContentKind,
        message_id: &MessageId,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let now_ms = self.now_ms;
        let Some(peer) = self.peers.get_mut(user) else { return Ok(None) };
        let Some(line) = peer.line.as_mut() else { return Ok(None) };
        let mut envelope = vec![0; line.session.encrypt_len(body.len())];
        let sealed =
            line.session.encrypt_as(kind, Some(message_id), &[body], now_ms, &mut *self.rng, &mut envelope);
        match sealed {
            Ok(length) => {
                envelope.truncate(length);
                if line.sealed() {
                    self.journal.session(user);
                }
                Ok(Some(envelope))
            }
            Err(Error::RenewalRequired | Error::ChainExhausted) => {
                peer.renew = true;
                self.journal.peer(user);
                // Asks for it, or waits until it may be asked for.
                self.prepare(user)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends what is sent at once or never.
    fn send_once(&mut self) -> Result<()> {
        for Once { target, kind, message_id, body } in core::mem::take(&mut self.outbox.once) {
            let user = match target {
                Target::User(user) => user,
                Target::Group(group) => {
                    if self.connection.takes_requests(self.now_ms)
                        && let Some(envelope) = self.seal_transient(&group, &message_id, &body)?
                    {
                        self.ask(Ask::SendOnce(envelope));
                    }
                    continue;
                }
            };
            let can_leave = self.connection.takes_requests(self.now_ms)
                && self.connection.requests_len() < REQUESTS_MAX
                && !self.is_blocked(&user)?
                && self.peer(&user)?.line.is_some()
                && self.prepare(&user)?;
            if can_leave && let Some(envelope) = self.seal(&user, kind, &message_id, &body)? {
                self.ask(Ask::SendOnce(envelope));
            }
            self.forget_stranger(&user);
        }
        Ok(())
    }

    /// The relay has answered about the envelopes of one request.
    pub(super) fn all_sent(&mut self, answers: impl Iterator<Item = (u64, Option<Error>)>) -> Result<()> {
        let mut troubled = BTreeSet::new();
        for (number, refused) in answers {
            let Some(target) = self.outbox.entries.get(&number).map(|entry| entry.target.clone()) else {
                continue;
            };
            // What one of them met still holds, whatever became of those behind it.
            let trouble = self.outbox.trouble(&target).filter(|_| troubled.contains(&target));
            self.sent(number, refused)?;
            match trouble {
                Some(trouble) => self.outbox.set_trouble(&target, trouble),
                None if refused.is_some_and(is_passing) => drop(troubled.insert(target)),
                None => {}
            }
        }
        Ok(())
    }

    /// The relay has answered about one envelope.
    fn sent(&mut self, number: u64, refused: Option<Error>) -> Result<()> {
        let Some(entry) = self.outbox.entries.get(&number) else { return Ok(()) };
        let target = entry.target.clone();
        if let Some(queue) = self.outbox.queues.get_mut(&target) {
            queue.in_flight = false;
        }
        match refused {
            None => {
                if let Some(queue) = self.outbox.queues.get_mut(&target) {
                    (queue.failures, queue.after_ms, queue.trouble) = (0, 0, None);
                }
                let Some(entry) = self.take_out(number) else { return Ok(()) };
                if !entry.is_message() {
                    return Ok(());
                }
                let (message_id, state) = (entry.message_id, MessageState::Sent);
                self.emit(match entry.target {
                    Target::User(user) => Event::Ack { message_id, user, state },
                    Target::Group(group) => {
                        Event::Group { group, event: GroupEvent::Ack { message_id, user: None, state } }
                    }
                })
            }
            Some(status) if is_passing(status) => {
                self.note_trouble(&target, status);
                Ok(())
            }
            Some(status) => self.fail_entry(number, status),
        }
    }

    /// Something to a target failed and will be tried again.
    pub(super) fn note_trouble(&mut self, target: &Target, status: Error) {
        let now_ms = self.now_ms;
        if let Some(queue) = self.outbox.queues.get_mut(target) {
            queue.failures = queue.failures.saturating_add(1);
            let max_ms = if status == Error::QueueFull { CLIENT_FULL_MAX_MS } else { CLIENT_BACKOFF_MAX_MS };
            queue.after_ms = now_ms.saturating_add(backoff_ms(queue.failures).min(max_ms));
            queue.trouble = Some(status);
        }
    }

    pub(super) fn fail_entry(&mut self, number: u64, status: Error) -> Result<()> {
        if let Some(entry) = self.take_out(number).filter(Entry::is_owed) {
            let message_id = entry.message_id;
            self.forget_sent(number, &message_id);
            self.emit(match entry.target {
                Target::User(user) => Event::Failed { message_id, user, status },
                Target::Group(group) => {
                    Event::Group { group, event: GroupEvent::Failed { message_id, status } }
                }
            })?;
        }
        Ok(())
    }

    /// Takes out what is done with, and its records.
    fn take_out(&mut self, number: u64) -> Option<Entry> {
        self.journal.delete(records::out(number));
        let entry = self.outbox.remove(number)?;
        if matches!(entry.target, Target::Group(_)) {
            self.journal.delete(records::envelope(number));
        }
        Some(entry)
    }

    /// Nothing of what waits for a target will be sent.
    pub(super) fn fail_target(&mut self, target: &Target, status: Error) -> Result<()> {
        let numbers = self.outbox.queues.get(target).map(|queue| queue.numbers.clone());
        let numbers: Vec<u64> = numbers.into_iter().flatten().collect();
        let others = self.forget_sends(&numbers);
        self.outbox.land(&others);
        for number in numbers {
            if self.journal.is_long() {
                self.outbox.failing.insert(target.clone(), status);
                break;
            }
            self.fail_entry(number, status)?;
        }
        Ok(())
    }

    /// Goes on with what is more than a commit takes.
    fn fail_more(&mut self) -> Result<()> {
        for (target, status) in core::mem::take(&mut self.outbox.failing) {
            self.fail_target(&target, status)?;
        }
        Ok(())
    }

    /// What could not be sent for so long fails, whether there is a connection or not.
    fn fail_old(&mut self) -> Result<()> {
        if self.is_patient() {
            return Ok(());
        }
        for (number, target, trouble) in self.outbox.old(self.now_ms) {
            if self.journal.is_long() {
                self.outbox.look_again();
                break;
            }
            let is_undecided = match &target {
                Target::User(user) => self.is_blocked(user)?,
                Target::Group(_) => false,
            };
            let status =
                if is_undecided { Error::IdentityChanged } else { trouble.unwrap_or(Error::Expired) };
            self.fail_entry(number, status)?;
        }
        Ok(())
    }

    /// What was sealed for a peer and is not answered is sealed again, with the message ids that it had.
    pub(super) fn unseal(&mut self, user: &str) -> Result<()> {
        let queue = self.outbox.queues.get(&Target::User(user.into()));
        let numbers: Vec<u64> = queue.iter().flat_map(|queue| queue.numbers.iter().copied()).collect();
        for number in numbers {
            self.unseal_one(user, number)?;
        }
        if let Some(queue) = self.outbox.queues.get_mut(&Target::User(user.into())) {
            queue.after_ms = 0;
        }
        Ok(())
    }

    /// What was sealed for a peer and is not answered is sealed again, with the message id that it had.
    pub(super) fn unseal_one(&mut self, user: &str, number: u64) -> Result<()> {
        if self.outbox.envelope(number).is_none() {
            return Ok(());
        }
        let others = self.forget_sends(&[number]);
        self.outbox.land(&others);
        match Content::load(&self.store, user, number)?.and_then(|content| content.body) {
            Some(body) => self.replace_body(number, body),
            None => self.fail_entry(number, Error::IdentityChanged),
        }
    }
}

/// What became of a content that was to be sealed.
enum Sealing {
    Sealed,
    /// It says nothing any more, and is gone.
    Pointless,
    /// A new handshake has to come first.
    Waits,
}

/// Names an envelope (section 2.2).
pub(super) fn envelope_id(envelope: &[u8]) -> [u8; ENVELOPE_ID_LEN] {
    let hash = kdf::hash(Label::Envelope, &[envelope]);
    hash.first_chunk().copied().unwrap_or_default()
}
