//! The connection to a relay: who we are, who it is, what was asked and is not answered (`docs/PROTOCOL.md` section
//! 10.2).

use std::collections::BTreeMap;

use crate::client::Client;
use crate::client::ask::{Answer, Ask};
use crate::client::event::Event;
use crate::client::inbox::Source;
use crate::client::outbox::Target;
use crate::client::reconnect::Reconnect;
use crate::client::timers::earliest;
use crate::crypto::ecc::SIGNATURE_LEN;
use crate::error::{Error, Result};
use crate::limits::{CLIENT_ANSWER_MS, CLIENT_BATCH_MAX, CLIENT_PING_MS, FRAME_MAX, HOUR_MS};
use crate::wire::frame::{Body, Envelopes, Frame, Hello, Users, Welcome};

/// What is known of the connection.
#[derive(Default)]
pub(super) struct Connection {
    state: State,
    /// The name that a challenge must bear, where the application knows it.
    relay_name: Option<Box<str>>,
    /// Asked and not answered, by request number; those that were not sent on this connection wait for it.
    requests: BTreeMap<u32, Request>,
    last_request: u32,
    /// When a frame last left.
    last_sent_ms: u64,
    /// The relay takes no request before.
    hold_until_ms: u64,
    /// When it last delivered something of the queue that had gathered, until that is read.
    gathered_ms: Option<u64>,
    /// Bytes of the longest frame that the relay takes.
    frame_max: usize,
    /// The host shall end the connection.
    drop_it: bool,
    /// How it goes on then.
    reconnect: Reconnect,
}

#[derive(Default)]
enum State {
    #[default]
    Down,
    /// Hello was sent, or will be after the commit; then its frame is empty.
    Greeting {
        since_ms: u64,
        hello: Vec<u8>,
        proved: bool,
    },
    Up,
}

struct Request {
    ask: Ask,
    /// When it was sent on this connection.
    sent_ms: Option<u64>,
}

/// A pause that is not about the pace of requests.
const LONG_WAIT_MS: u64 = 60_000;

/// A frame that waits for the commit.
pub(super) enum Outgoing {
    Hello,
    Proof { request: u32, signature: [u8; SIGNATURE_LEN] },
    Request(u32),
    Acknowledge,
}

impl Connection {
    pub(super) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up)
    }

    /// Whether the relay takes requests now.
    pub(super) const fn takes_requests(&self, now_ms: u64) -> bool {
        self.is_up() && now_ms >= self.hold_until_ms
    }

    /// Bytes of the longest frame.
    pub(super) const fn frame_max(&self) -> usize {
        self.frame_max
    }

    /// How many requests are not answered.
    pub(super) fn requests_len(&self) -> usize {
        self.requests.len()
    }

    /// Whether the host shall end the connection: the relay does not keep to the protocol, or does not answer.
    pub(super) const fn wants_disconnect(&self) -> bool {
        self.drop_it
    }

    fn draw_request(&mut self) -> u32 {
        self.last_request = self.last_request.checked_add(1).unwrap_or(1);
        self.last_request
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        if let State::Greeting { since_ms, .. } = &mut self.state {
            *since_ms = (*since_ms).min(now_ms);
        }
        self.last_sent_ms = self.last_sent_ms.min(now_ms);
        self.hold_until_ms = self.hold_until_ms.min(now_ms);
        self.gathered_ms = self.gathered_ms.map(|at_ms| at_ms.min(now_ms));
        for request in self.requests.values_mut() {
            request.sent_ms = request.sent_ms.map(|sent_ms| sent_ms.min(now_ms));
        }
    }

    /// When the connection needs a tick.
    pub(super) fn due_ms(&self, now_ms: u64) -> Option<u64> {
        match &self.state {
            State::Down => None,
            State::Greeting { since_ms, .. } => Some(since_ms.saturating_add(CLIENT_ANSWER_MS)),
            State::Up => {
                let waiting = self.requests.values().any(|request| request.sent_ms.is_none());
                let held = (waiting || self.hold_until_ms > now_ms).then_some(self.hold_until_ms);
                let oldest = self.requests.values().filter_map(|request| request.sent_ms).min();
                // Whoever waits for an answer does not ask whether anybody is there, nor whoever was told to wait.
                let may_ping = oldest.is_none() && self.hold_until_ms <= now_ms;
                let ping = may_ping.then(|| self.last_sent_ms.saturating_add(CLIENT_PING_MS));
                let silent = oldest.map(|sent_ms| sent_ms.saturating_add(CLIENT_ANSWER_MS));
                let gathered = self.gathered_ms.map(|at_ms| at_ms.saturating_add(CLIENT_ANSWER_MS));
                earliest([ping, held, silent, gathered])
            }
        }
    }
}

impl Client {
    /// The host has a connection to a relay. `relay_name` is the name that the relay must have, where the host knows
    /// it: it should, so that no relay can pass a proof on to another.
    ///
    /// The frames to send come from [`Client::next_frame`].
    pub fn connected(&mut self, relay_name: Option<&str>, now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        self.disconnect();
        self.connection.reconnect = Reconnect::Soon;
        self.connection.relay_name = relay_name.map(Into::into);
        self.connection.state = State::Greeting { since_ms: self.now_ms, hello: Vec::new(), proved: false };
        self.journal.send(Outgoing::Hello);
        Ok(())
    }

    /// The connection is gone. What was asked and not answered is asked again on the next one.
    pub fn disconnected(&mut self, now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        self.disconnect();
        Ok(())
    }

    /// Whether the host shall end the connection and make a new one: the relay broke the protocol or does not answer.
    #[must_use]
    pub fn wants_disconnect(&self) -> bool {
        self.connection.wants_disconnect()
    }

    /// How the host goes on once the connection has ended, until it makes another one.
    #[must_use]
    pub fn reconnect(&self) -> Reconnect {
        self.connection.reconnect
    }

    fn disconnect(&mut self) {
        if self.connection.is_up() {
            self.tell(Event::Disconnected);
        }
        self.frames.clear();
        self.presence.forget_shown();
        self.journal.forget_frames();
        let connection = &mut self.connection;
        connection.state = State::Down;
        connection.drop_it = false;
        connection.gathered_ms = None;
        connection.hold_until_ms = 0;
        let mut landed = Vec::new();
        connection.requests.retain(|_, request| {
            if let Ask::SendGroup(numbers) = &mut request.ask {
                landed.append(numbers);
            }
            request.ask.is_kept()
        });
        for request in connection.requests.values_mut() {
            request.sent_ms = None;
        }
        self.outbox.land(&landed);
        self.groups_disconnected();
    }

    /// The relay has broken the protocol: nothing of it counts any more until the next connection.
    fn break_off(&mut self, status: Error) {
        self.tell(Event::Error { status });
        self.connection.reconnect = Reconnect::after(status, self.connection.is_up());
        self.connection.drop_it = true;
    }

    /// Takes a frame of the relay. What it brings is worked on with others before the next frame or event leaves.
    ///
    /// A frame that is none, or out of place, is an event and [`Client::wants_disconnect`], and no error; one without a
    /// connection is an event alone.
    pub fn receive(&mut self, frame: &[u8], now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        if self.connection.drop_it {
            return Ok(());
        }
        if matches!(self.connection.state, State::Down) {
            self.tell(Event::Error { status: Error::WrongState });
            return Ok(());
        }
        let taken = match Frame::parse(frame) {
            Ok(frame) => self.take_frame(frame),
            Err(error) => Ok(Err(error)),
        };
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refused)) => {
                self.break_off(refused);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The inner result is the relay's doing, the outer one ours.
    fn take_frame(&mut self, frame: Frame<'_>) -> Result<Result<()>> {
        if let Body::Error { status, retry_after_ms, epoch, .. } = frame.body {
            let status = Error::from_code(status).unwrap_or(Error::Internal);
            if frame.request == 0 || !self.connection.is_up() {
                return Ok(Err(status));
            }
            return self.answer(frame.request, Answer::Refused { status, retry_after_ms, epoch });
        }
        match (&self.connection.state, frame.body) {
            (State::Greeting { proved: false, .. }, Body::Challenge { nonce, relay_name }) => {
                self.challenged(nonce, relay_name)
            }
            (State::Greeting { .. }, Body::Welcome(welcome)) => self.welcomed(&welcome).map(Ok),
            (State::Up, Body::Deliver { sequence, payload }) => {
                self.connection.gathered_ms = self.connection.gathered_ms.map(|_| self.now_ms);
                self.park(sequence, payload);
                // Memory is bounded, whatever a relay delivers before anybody looks.
                if self.parked.len() >= CLIENT_BATCH_MAX { self.settle().map(Ok) } else { Ok(Ok(())) }
            }
            // What overtook the welcome is told again after it.
            (State::Greeting { .. }, Body::Presence { .. }) => Ok(Ok(())),
            (State::Up, Body::QueueEnd) => {
                self.connection.gathered_ms = None;
                self.park_answer(Source::QueueEnd, &[]);
                Ok(Ok(()))
            }
            (State::Up, Body::Presence { user, is_online }) => self.present(user, is_online).map(Ok),
            (
                State::Up,
                body @ (Body::Ok
                | Body::Found { .. }
                | Body::SentMany { .. }
                | Body::Log { .. }
                | Body::Groups { .. }),
            ) => self.answer(frame.request, Answer::Done(body)),
            _ => Ok(Err(Error::Malformed)),
        }
    }

    fn challenged(&mut self, nonce: &[u8; 32], relay_name: &str) -> Result<Result<()>> {
        // One without a name could pass a proof on to any other without one.
        let is_other = self.connection.relay_name.as_deref().is_some_and(|expected| expected != relay_name);
        if is_other || relay_name.is_empty() {
            return Ok(Err(Error::AuthenticationFailed));
        }
        let State::Greeting { hello, proved, .. } = &mut self.connection.state else {
            return Ok(Err(Error::Malformed));
        };
        if hello.is_empty() {
            return Ok(Err(Error::Malformed));
        }
        *proved = true;
        let signature = self.identity.prove_hello(&mut *self.rng, relay_name, nonce, hello)?;
        let request = self.connection.draw_request();
        self.journal.send(Outgoing::Proof { request, signature });
        Ok(Ok(()))
    }

    fn welcomed(&mut self, welcome: &Welcome<'_>) -> Result<()> {
        self.connection.state = State::Up;
        self.connection.gathered_ms = Some(self.now_ms);
        self.connection.frame_max = usize::try_from(welcome.frame_max).unwrap_or(FRAME_MAX).min(FRAME_MAX);
        let settings = &mut self.settings;
        if settings.relay_id != *welcome.relay_id || welcome.last < settings.seen {
            // Another numbering, or a relay that has lost a part of its own: what we saw says nothing about it.
            settings.seen = if settings.relay_id == *welcome.relay_id { welcome.last } else { 0 };
            settings.relay_id = *welcome.relay_id;
            self.journal.settings = true;
        }
        self.check_published(welcome);
        self.publishing =
            self.connection.requests.values().any(|request| matches!(request.ask, Ask::Prekeys(_)));
        let restored = welcome.commit > self.said_commit && !self.is_restored;
        if restored {
            self.restored(welcome.commit)?;
        }
        self.outbox.start_over();
        self.groups_connected()?;
        self.tell(Event::Connected { restored });
        let waiting: Vec<u32> = self.connection.requests.keys().copied().collect();
        waiting.into_iter().for_each(|request| self.send_request(request));
        self.ask_watch();
        Ok(())
    }

    /// Asks the relay, now or as soon as it can be asked.
    pub(super) fn ask(&mut self, ask: Ask) {
        let request = self.connection.draw_request();
        self.connection.requests.insert(request, Request { ask, sent_ms: None });
        self.send_request(request);
    }

    fn send_request(&mut self, number: u32) {
        let now_ms = self.now_ms;
        if !self.connection.takes_requests(now_ms) {
            return;
        }
        if let Some(request) =
            self.connection.requests.get_mut(&number).filter(|request| request.sent_ms.is_none())
        {
            request.sent_ms = Some(now_ms);
            self.journal.send(Outgoing::Request(number));
        }
    }

    /// Forgets what was asked about these numbers of the outbox: the answer means nothing any more. Answers all
    /// numbers that the same requests were about.
    pub(super) fn forget_sends(&mut self, numbers: &[u64]) -> Vec<u64> {
        let mut forgotten = Vec::new();
        self.connection.requests.retain(|_, request| match &request.ask {
            Ask::Send(sent) | Ask::SendGroup(sent) if sent.iter().any(|number| numbers.contains(number)) => {
                forgotten.extend_from_slice(sent);
                false
            }
            _ => true,
        });
        forgotten
    }

    fn answer(&mut self, number: u32, answer: Answer<'_>) -> Result<Result<()>> {
        // An answer to nothing may be one to something that has been given up.
        let Some(request) =
            self.connection.requests.get_mut(&number).filter(|request| request.sent_ms.is_some())
        else {
            return Ok(Ok(()));
        };
        if let Answer::Refused { status: Error::RateLimited, retry_after_ms, .. } = answer {
            let wait_ms = u64::from(retry_after_ms).clamp(100, HOUR_MS);
            if let Ask::Commit(entry) = request.ask
                && wait_ms > LONG_WAIT_MS
            {
                // It is about this group: what joins it is counted.
                self.connection.requests.remove(&number);
                self.commit_later(entry, wait_ms);
                return Ok(Ok(()));
            }
            self.connection.hold_until_ms = self.now_ms.saturating_add(wait_ms);
            request.sent_ms = None;
            if matches!(request.ask, Ask::SendGroup(_) | Ask::SendOnce(_) | Ask::Ping) {
                // What is for a group is looked at again before it goes.
                if let Some(Request { ask: Ask::SendGroup(numbers), .. }) =
                    self.connection.requests.remove(&number)
                {
                    self.outbox.land(&numbers);
                }
            }
            return Ok(Ok(()));
        }
        if !request.ask.takes(&answer) {
            return Ok(Err(Error::Malformed));
        }
        match self.connection.requests.remove(&number) {
            Some(Request { ask, .. }) => self.answered(ask, answer).map(Ok),
            None => Ok(Ok(())),
        }
    }

    fn answered(&mut self, ask: Ask, answer: Answer<'_>) -> Result<()> {
        match (ask, answer) {
            (Ask::Lookup(user), Answer::Done(Body::Found { card, bundle })) => {
                self.found(&user, card, bundle)
            }
            (Ask::Lookup(user), Answer::Refused { status, .. }) => self.not_found(&user, status),
            (Ask::Prekeys(bundle), Answer::Done(_)) => self.prekeys_taken(&bundle),
            (Ask::Prekeys(_), Answer::Refused { status, .. }) => {
                self.tell(Event::Error { status });
                self.prekeys_refused();
                Ok(())
            }
            (Ask::Send(numbers) | Ask::SendGroup(numbers), Answer::Done(Body::SentMany { statuses })) => {
                let refused = |status| Error::from_code(status).unwrap_or(Error::Internal);
                let statuses = statuses.iter().map(|status| (status != 0).then(|| refused(status)));
                self.all_sent(numbers.into_iter().zip(statuses))
            }
            (Ask::Send(numbers) | Ask::SendGroup(numbers), answer) => {
                let refused = match answer {
                    Answer::Refused { status, .. } => Some(status),
                    Answer::Done(_) => None,
                };
                self.all_sent(numbers.into_iter().map(|number| (number, refused)))
            }
            (Ask::Commit(number), Answer::Done(_)) => {
                self.park_answer(Source::Taken(number), &[]);
                Ok(())
            }
            (Ask::Commit(number), Answer::Refused { status, epoch, .. }) => {
                self.committed(number, Some((status, epoch)))
            }
            (Ask::Offer(group, _), Answer::Refused { status, .. }) => self.offer_refused(&group, status),
            (Ask::Find(number), Answer::Done(Body::Groups { groups })) => {
                self.groups_found(number, Ok(groups))
            }
            (Ask::Find(number), Answer::Refused { status, .. }) => self.groups_found(number, Err(status)),
            (Ask::FetchLog { group, .. }, Answer::Done(Body::Log { entries })) => {
                self.park_answer(Source::Log(group), entries);
                Ok(())
            }
            (Ask::FetchLog { group, .. }, Answer::Refused { status, .. }) => {
                self.log_fetched(&group, Err(status))
            }
            (Ask::Watch, Answer::Refused { status, .. }) => {
                self.tell(Event::Error { status });
                Ok(())
            }
            (
                Ask::Lookup(_)
                | Ask::Find(_)
                | Ask::FetchLog { .. }
                | Ask::Offer(..)
                | Ask::Watch
                | Ask::Ping
                | Ask::SendOnce(_),
                _,
            ) => Ok(()),
        }
    }

    /// Asks what waited for the relay to take requests again, and shows that we are there; gives up a relay that does
    /// not answer.
    pub(super) fn tend_connection(&mut self) {
        let now_ms = self.now_ms;
        let long_ago = |sent_ms: u64| now_ms.saturating_sub(sent_ms) >= CLIENT_ANSWER_MS;
        match &self.connection.state {
            State::Down => {}
            State::Greeting { since_ms, .. } => self.connection.drop_it |= long_ago(*since_ms),
            State::Up => {
                let mut asked = self.connection.requests.values().filter_map(|request| request.sent_ms);
                if asked.any(long_ago) || self.connection.gathered_ms.is_some_and(long_ago) {
                    self.connection.drop_it = true;
                    // What is for groups has waited for the end of the queue.
                    for group in self.outbox.groups_waiting() {
                        self.note_trouble(&Target::Group(group), Error::WrongState);
                    }
                    return;
                }
                if now_ms >= self.connection.hold_until_ms {
                    self.connection.hold_until_ms = 0;
                }
                let waiting: Vec<u32> = self.connection.requests.keys().copied().collect();
                waiting.into_iter().for_each(|request| self.send_request(request));
                if self.connection.takes_requests(now_ms)
                    && now_ms.saturating_sub(self.connection.last_sent_ms) >= CLIENT_PING_MS
                    && self.connection.requests.values().all(|request| request.sent_ms.is_none())
                {
                    self.ask(Ask::Ping);
                }
            }
        }
    }

    /// Lets a frame leave, now that all that it follows from is durable.
    pub(super) fn release(&mut self, frame: Outgoing) -> Result<()> {
        let commit = self.commit_number();
        let frame = match frame {
            Outgoing::Hello => {
                let hello = self.hello(commit)?;
                if let State::Greeting { hello: sent, .. } = &mut self.connection.state {
                    sent.clone_from(&hello);
                    self.said_commit = commit;
                    Some(hello)
                } else {
                    None
                }
            }
            Outgoing::Proof { request, signature } => {
                Some(Frame { request, body: Body::Proof { signature: &signature } }.to_bytes()?)
            }
            Outgoing::Acknowledge if self.connection.is_up() => {
                let body = Body::Acknowledge { commit, sequence: self.settings.seen };
                Some(Frame { request: 0, body }.to_bytes()?)
            }
            Outgoing::Acknowledge => None,
            Outgoing::Request(request) if self.is_hollow(request) => {
                if let Some(Request { ask: Ask::Send(numbers) | Ask::SendGroup(numbers), .. }) =
                    self.connection.requests.remove(&request)
                {
                    self.outbox.land(&numbers);
                    self.is_unfinished = true;
                }
                None
            }
            Outgoing::Request(request) => self.request_frame(request, commit)?,
        };
        if let Some(frame) = frame {
            self.connection.last_sent_ms = self.now_ms;
            self.frames.push_back(frame);
        }
        Ok(())
    }

    fn hello(&mut self, commit: u64) -> Result<Vec<u8>> {
        let request = self.connection.draw_request();
        let body = Body::Hello(Hello {
            method: self.options.method,
            card: self.identity.card().as_bytes(),
            store_id: self.store.id(),
            commit,
            relay_id: &self.settings.relay_id,
            seen: self.settings.seen,
        });
        Frame { request, body }.to_bytes()
    }

    /// Whether something that a request was about has gone since: an answer would mean another.
    fn is_hollow(&self, request: u32) -> bool {
        match self.connection.requests.get(&request).map(|request| &request.ask) {
            Some(Ask::Send(numbers) | Ask::SendGroup(numbers)) => {
                numbers.iter().any(|number| self.outbox.envelope(*number).is_none())
            }
            _ => false,
        }
    }

    fn request_frame(&self, request: u32, commit: u64) -> Result<Option<Vec<u8>>> {
        let Some(Request { ask, .. }) = self.connection.requests.get(&request) else { return Ok(None) };
        let (mut users, mut many) = (Vec::new(), Vec::new());
        let body = match ask {
            Ask::Lookup(user) => Body::Lookup { user },
            Ask::Prekeys(bundle) => Body::Prekeys { commit, bundle },
            Ask::SendOnce(envelope) => Body::Send { commit, envelope },
            Ask::Commit(number) => {
                let Some(entry) = self.groups.proposal(*number) else { return Ok(None) };
                Body::Commit { commit, entry }
            }
            Ask::Offer(_, entry) => Body::Commit { commit, entry },
            Ask::Find(number) => {
                let Some(label) = self.groups.label_sought(*number) else { return Ok(None) };
                Body::Find { label }
            }
            Ask::FetchLog { group, from_epoch } => {
                Body::FetchLog { group_id: group, from_epoch: *from_epoch }
            }
            Ask::Send(numbers) | Ask::SendGroup(numbers) => {
                let envelopes = numbers.iter().filter_map(|number| self.outbox.envelope(*number));
                if let [number] = numbers.as_slice() {
                    let envelope = self.outbox.envelope(*number).ok_or(Error::Internal)?;
                    Body::Send { commit, envelope }
                } else {
                    many.extend(Envelopes::encode(envelopes)?);
                    Body::SendMany { commit, envelopes: Envelopes::parse(&many)? }
                }
            }
            Ask::Watch => {
                users.extend(Users::encode(self.presence.users())?);
                Body::Watch { is_visible: self.presence.is_visible(), users: Users::parse(&users)? }
            }
            Ask::Ping => Body::Ping,
        };
        Frame { request, body }.to_bytes().map(Some)
    }
}
