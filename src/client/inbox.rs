//! What the relay delivers: parked until the client settles, then opened, judged and given to whom it concerns. Nothing
//! counts but what a session or a group authenticates, and nothing that arrives makes a client fail.

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::Event;
use crate::client::groups::GroupId;
use crate::client::outbox::{Target, envelope_id};
use crate::client::records;
use crate::client::repair::Asking;
use crate::client::sessions::Line;
use crate::client::timers::count_within;
use crate::error::{Error, Result};
use crate::identity::{Card, Identity};
use crate::limits::{
    CLIENT_BATCH_BYTES_MAX, CLIENT_BATCH_MAX, CLIENT_HANDSHAKES_MAX, CLIENT_TRIED_MAX, DAY_MS,
};
use crate::session::{Opening, Session};
use crate::store::{Name, Record};
use crate::wire::codec::Reader;
use crate::wire::content::{ContentKind, Data};
use crate::wire::session::SessionMessage;
use crate::wire::{Kind, read_prefix};

/// Something that waits to be worked on.
pub(super) struct Parked {
    pub(super) source: Source,
    pub(super) payload: Vec<u8>,
}

/// Where it came from.
pub(super) enum Source {
    /// The queue at the relay, with its sequence there.
    Queue(u64),
    /// The queue that had gathered there was read.
    QueueEnd,
    /// The relay's answer that it took the entry of this request. What it delivered before comes first: messages, too,
    /// of somebody who is no member after that entry.
    Taken(u64),
    /// Its answer with entries of the log of a group.
    Log(GroupId),
    /// What was held of an identity that is accepted now.
    Held(Name),
}

impl Source {
    const fn is_queue(&self) -> bool {
        matches!(self, Self::Queue(_))
    }
}

impl Parked {
    /// A record of HELD.
    pub(super) fn held(record: &Record) -> Result<Self> {
        let payload = records::read(&record.value, |reader| Ok(reader.bytes32(1..=usize::MAX)?.to_vec()))?;
        Ok(Self { source: Source::Held(record.name.clone()), payload })
    }
}

impl Client {
    /// Keeps a delivery until the client settles.
    pub(super) fn park(&mut self, sequence: u64, payload: &[u8]) {
        self.parked.push_back(Parked { source: Source::Queue(sequence), payload: payload.to_vec() });
    }

    /// Keeps an answer in its place among the deliveries.
    pub(super) fn park_answer(&mut self, source: Source, payload: &[u8]) {
        self.parked.push_back(Parked { source, payload: payload.to_vec() });
    }

    /// Works on as many deliveries as go into one commit.
    pub(super) fn take_parked(&mut self) -> Result<()> {
        let (mut count, mut bytes) = (0_usize, 0_usize);
        // Messages of one group that came one after another.
        let mut run: Option<(GroupId, Vec<Vec<u8>>)> = None;
        while count < CLIENT_BATCH_MAX && bytes < CLIENT_BATCH_BYTES_MAX && !self.journal.is_long() {
            let Some(Parked { source, payload }) = self.parked.pop_front() else { break };
            (count, bytes) = (count.saturating_add(1), bytes.saturating_add(payload.len()));
            let group = if source.is_queue() { Self::group_of(&payload) } else { None };
            if let Some((id, envelopes)) = run.take_if(|(id, _)| Some(*id) != group) {
                self.group_envelopes(&id, envelopes)?;
            }
            // Before the work, which may hold it again.
            match source {
                Source::QueueEnd => {
                    self.queue_ended()?;
                    continue;
                }
                Source::Taken(request) => {
                    self.committed(request, None)?;
                    continue;
                }
                Source::Log(group) => {
                    self.log_fetched(&group, Ok(&payload))?;
                    continue;
                }
                Source::Held(name) => self.journal.delete(name),
                Source::Queue(sequence) => {
                    self.settings.seen = self.settings.seen.max(sequence);
                    self.journal.settings = true;
                    self.journal.acknowledge = true;
                }
            }
            match group {
                Some(id) => run.get_or_insert_with(|| (id, Vec::new())).1.push(payload),
                None => self.deliver(&payload)?,
            }
        }
        run.map_or(Ok(()), |(id, envelopes)| self.group_envelopes(&id, envelopes))
    }

    fn deliver(&mut self, payload: &[u8]) -> Result<()> {
        match read_prefix(&mut Reader::new(payload)) {
            Ok(Kind::Session | Kind::SessionFirst) => match SessionMessage::parse(payload) {
                Ok(message) if message.front.recipient == self.identity.user() => {
                    let sender = message.front.sender.to_owned();
                    self.session_envelope(&sender, &message, payload)?;
                    self.forget_stranger(&sender);
                }
                _ => self.drop_garbage(),
            },
            Ok(Kind::RosterEntry) => self.entry_delivered(payload)?,
            _ => self.drop_garbage(),
        }
        Ok(())
    }

    /// Counts what no honest client sends.
    pub(super) fn drop_garbage(&mut self) {
        self.counters.dropped = self.counters.dropped.saturating_add(1);
    }

    fn session_envelope(
        &mut self,
        sender: &str,
        message: &SessionMessage<'_>,
        envelope: &[u8],
    ) -> Result<()> {
        if sender == self.identity.user() {
            self.drop_garbage();
            return Ok(());
        }
        let opened = match self.open_envelope(sender, message, envelope) {
            // The errors here that are not about the envelope: what cannot be read must not count as rubbish.
            Err(error @ (Error::StoreIo | Error::StoreDamaged | Error::StoreNewer | Error::StoreInUse)) => {
                return Err(error);
            }
            opened => opened,
        };
        match opened {
            Ok(opening) => {
                self.content(sender, &opening)?;
                let identity = opening.needs_identity().then_some(&mut self.identity);
                self.journal.identity |= identity.is_some();
                let Some(peer) = self.peers.get_mut(sender) else { return Err(Error::Internal) };
                let line = peer.line.as_mut().ok_or(Error::Internal)?;
                let could_send = line.session.can_send(self.now_ms);
                line.session.commit(identity, opening)?;
                line.opened();
                if line.session.is_unanswered() {
                    peer.asking.start_over();
                } else {
                    peer.asking = Asking::default();
                }
                if !could_send && line.session.can_send(self.now_ms) {
                    // What waited for a word of the peer, or for the time of a new handshake, need not wait.
                    self.outbox.hasten(&Target::User(sender.into()));
                }
                self.journal.session(sender);
                self.leave_sessions(sender, message.front.key_id)?;
                if message.front.handshake.is_some() {
                    self.answer_handshake(sender, message)
                } else {
                    Ok(())
                }
            }
            // Strangers have filled what remembers first messages, or the peer has made very many handshakes: ours to it
            // goes another way.
            Err(Error::LimitReached | Error::RateLimited) => {
                self.consider_repair(sender, Error::UnknownPrekey, &envelope_id(envelope))
            }
            // Its handshake was taken, and the session that it made is gone.
            Err(Error::Replay) if self.lacks_session(sender, message)? => {
                self.counters.unreadable = self.counters.unreadable.saturating_add(1);
                self.consider_repair(sender, Error::UnknownKey, &envelope_id(envelope))
            }
            Err(Error::Duplicate | Error::Replay) => {
                self.counters.repeated = self.counters.repeated.saturating_add(1);
                Ok(())
            }
            Err(Error::IdentityChanged) => self.under_another_identity(sender, message, envelope),
            Err(
                status @ (Error::UnknownKey
                | Error::UnknownPrekey
                | Error::AuthenticationFailed
                | Error::TooFarAhead),
            ) => {
                self.counters.unreadable = self.counters.unreadable.saturating_add(1);
                self.consider_repair(sender, status, &envelope_id(envelope))
            }
            Err(_) => {
                self.drop_garbage();
                Ok(())
            }
        }
    }

    /// Whether nothing is left of the handshake that a first message names.
    fn lacks_session(&mut self, sender: &str, message: &SessionMessage<'_>) -> Result<bool> {
        let line = self.peer(sender)?.line.as_ref();
        Ok(line.is_none_or(|line| line.session.needs_identity(message)))
    }

    /// Opens an envelope in the session with its sender, which a first message may make. A first message of a stranger
    /// pins the stranger's identity.
    fn open_envelope(
        &mut self,
        sender: &str,
        message: &SessionMessage<'_>,
        envelope: &[u8],
    ) -> Result<Opening> {
        let now_ms = self.now_ms;
        let is_new = message.front.handshake.is_some() && self.lacks_session(sender, message)?;
        if is_new {
            let mut tried = self.peer(sender)?.handshakes;
            count_within(&mut tried, now_ms, DAY_MS, CLIENT_HANDSHAKES_MAX)?;
        }
        let peer = self.peer(sender)?;
        let card = message.front.handshake.as_ref().map(|block| Card::parse(block.card)).transpose()?;
        if let (Some(known), Some(card)) = (&peer.card, &card)
            && known.fingerprint() != card.fingerprint()
        {
            // Whoever holds no session with the peer must not take another identity either.
            return Err(if card.user() == sender { Error::IdentityChanged } else { Error::Malformed });
        }
        if peer.line.is_none() {
            let card = card.ok_or(Error::UnknownKey)?;
            let options = self.session_options(&card);
            let session = Session::accept(&mut self.identity, envelope, options, now_ms)?;
            self.journal.identity = true;
            let restorations = self.settings.restorations;
            let peer = self.peer(sender)?;
            peer.restorations = restorations;
            peer.line = Some(Line::new(session));
            peer.card = Some(card);
            self.journal.peer(sender);
            self.journal.session(sender);
            self.one_time_prekey_used(message);
        }
        let Some(line) = self.peers.get(sender).and_then(|peer| peer.line.as_ref()) else {
            return Err(Error::Internal);
        };
        let opening = line.session.open(Some(&self.identity), envelope, now_ms)?;
        if opening.needs_identity() {
            self.one_time_prekey_used(message);
        }
        if is_new {
            count_within(&mut self.peer(sender)?.handshakes, now_ms, DAY_MS, CLIENT_HANDSHAKES_MAX)?;
        }
        Ok(opening)
    }

    fn under_another_identity(
        &mut self,
        sender: &str,
        message: &SessionMessage<'_>,
        envelope: &[u8],
    ) -> Result<()> {
        let card = message.front.handshake.as_ref().map(|block| Card::parse(block.card));
        let Some(Ok(card)) = card else {
            self.drop_garbage();
            return Ok(());
        };
        let fingerprint = card.fingerprint();
        let shown = self.peer(sender)?.changed.as_ref().is_some_and(|changed| *changed == card);
        if !shown {
            let now_ms = self.now_ms;
            // Each costs a copy of our identity.
            if count_within(&mut self.peer(sender)?.tried, now_ms, MINUTE_MS, CLIENT_TRIED_MAX).is_err() {
                self.drop_garbage();
                return Ok(());
            }
            match self.authenticate(&card, envelope)? {
                Ok(()) => {}
                // The relay may know the user under that identity.
                Err(Error::UnknownPrekey) => return self.look_up(sender),
                // An identity of old, or one that somebody made up.
                Err(_) => {
                    self.drop_garbage();
                    return Ok(());
                }
            }
        }
        self.identity_changed(sender, card)?;
        if self.is_blocked(sender)? {
            return self.hold(sender, envelope);
        }
        if self.peer(sender)?.fingerprint() != Some(fingerprint) {
            self.drop_garbage();
            return Ok(());
        }
        self.session_envelope(sender, message, envelope)
    }

    /// Whether the owner of a card made this first message for us now: tried on a copy, so that nothing is used up.
    fn authenticate(&self, card: &Card, envelope: &[u8]) -> Result<Result<()>> {
        let mut copy = Identity::import(Identity::FORMAT, &self.identity.export()?)?;
        let options = self.session_options(card);
        Ok(Session::accept(&mut copy, envelope, options, self.now_ms).map(drop))
    }

    /// Gives an opened content to whom it concerns. It is authenticated; what it says is judged there.
    fn content(&mut self, sender: &str, opening: &Opening) -> Result<()> {
        match opening.kind() {
            ContentKind::Data => self.message(sender, opening),
            ContentKind::Resend => self.resend_asked(sender, opening.body()),
            ContentKind::Ack => self.acknowledged(sender, opening.body()),
            ContentKind::Distribution => self.distributed(sender, opening.body()),
            ContentKind::History => self.history_shared(sender, opening.body()),
            ContentKind::KeyRequest => self.key_asked(sender, opening.body()),
            ContentKind::Withheld => self.key_refused(sender, opening.body()),
            ContentKind::Installed => self.key_installed(sender, opening.body()),
            ContentKind::Invitation => self.invited(sender, opening.body()),
        }
    }

    fn message(&mut self, sender: &str, opening: &Opening) -> Result<()> {
        let Ok(data) = Data::parse(opening.body()) else {
            self.drop_garbage();
            return Ok(());
        };
        if !self.see(sender, opening.message_id(), false)? {
            self.counters.repeated = self.counters.repeated.saturating_add(1);
            return Ok(());
        }
        self.emit(Event::Message {
            from: sender.into(),
            message_id: *opening.message_id(),
            content_type: data.content_type,
            payload: Zeroizing::new(data.payload.to_vec()),
            sent_ms: opening.timestamp_ms(),
        })?;
        self.delivered(sender, opening.message_id())
    }
}

const MINUTE_MS: u64 = 60_000;
