//! The relay that a library has, and its host, which stores what it is given before it sends anything: honest unless a
//! test has it bend what goes in and out.

use std::collections::{BTreeMap, VecDeque};

use sealwax::error::{Error, Result};
use sealwax::relay::{Outcome, Relay, RelayOptions};
use sealwax::wire::envelope::Envelope;
use sealwax::wire::frame::{Body, Element, Envelopes, Frame, List, Method, Statuses};

use crate::common::relay::Store;

/// A relay, its records, and what is on its way to its users.
pub(crate) struct Host {
    relay: Relay,
    records: Store,
    links: BTreeMap<String, Link>,
    /// The last number of a connection.
    number: u64,
    /// When the relay wants to be called again.
    pub(crate) due_ms: Option<u64>,
    /// Roster entries taken.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Envelopes taken, with their senders.
    pub(crate) taken: Vec<(String, Vec<u8>)>,
    /// Frames of clients, with their users.
    pub(crate) heard: Vec<(String, u8)>,
    /// Answers this user's questions for logs with this.
    pub(crate) logs: BTreeMap<String, Vec<u8>>,
    /// Loses what this says of a user and what it would be sent.
    pub(crate) loses: Option<fn(&str, &[u8]) -> bool>,
    /// Refuses to take envelopes to this user, with this status.
    pub(crate) refuses: Option<(String, Error)>,
    /// Refuses so many requests as too many.
    pub(crate) limits: u32,
    /// Says this of a user instead of what it knows.
    pub(crate) lies: BTreeMap<String, (Vec<u8>, Vec<u8>)>,
}

/// A connection, as far as the client sees it.
struct Link {
    number: u64,
    /// The relay takes nothing from it any more.
    is_closed: bool,
    is_welcomed: bool,
    frames: VecDeque<Vec<u8>>,
}

impl Host {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            relay: Relay::new(RelayOptions::default()).named(name).unwrap(),
            records: Store::default(),
            links: BTreeMap::new(),
            number: 0,
            due_ms: None,
            entries: Vec::new(),
            taken: Vec::new(),
            heard: Vec::new(),
            logs: BTreeMap::new(),
            loses: None,
            refuses: None,
            limits: 0,
            lies: BTreeMap::new(),
        }
    }

    /// A connection of a user whom the host believes, or leaves to prove who it is.
    pub(crate) fn connect(&mut self, user: &str, method: Method, now_ms: u64) {
        self.number += 1;
        let number = self.number;
        let link = Link { number, is_closed: false, is_welcomed: false, frames: VecDeque::new() };
        self.links.insert(user.into(), link);
        let outcome = self.relay.connect(number, (method == Method::Host).then_some(user), now_ms).unwrap();
        self.deliver(&outcome);
        self.tick(now_ms);
    }

    pub(crate) fn disconnect(&mut self, user: &str, now_ms: u64) {
        if let Some(link) = self.links.remove(user).filter(|link| !link.is_closed) {
            let outcome = self.relay.disconnect(link.number, now_ms).unwrap();
            self.deliver(&outcome);
        }
    }

    /// Whether a user's client has a connection, as far as it knows.
    pub(crate) fn is_connected(&self, user: &str) -> bool {
        self.links.contains_key(user)
    }

    /// Whether the relay closed a user's connection, and all that it had said before was taken out.
    pub(crate) fn has_ended(&self, user: &str) -> bool {
        self.links.get(user).is_some_and(|link| link.is_closed && link.frames.is_empty())
    }

    pub(crate) fn tick(&mut self, now_ms: u64) {
        let tick = self.relay.tick(now_ms).unwrap();
        self.due_ms = tick.due_ms;
        self.deliver(&tick.outcome);
        self.hang_up(now_ms);
    }

    /// The next frame for a user.
    pub(crate) fn next_frame(&mut self, user: &str) -> Option<Vec<u8>> {
        self.links.get_mut(user)?.frames.pop_front()
    }

    /// All frames for a user that wait.
    pub(crate) fn frames(&mut self, user: &str) -> &mut VecDeque<Vec<u8>> {
        &mut self.links.get_mut(user).unwrap().frames
    }

    /// How many one-time prekeys it has of a user, as its records say.
    pub(crate) fn one_time(&self, user: &str) -> usize {
        let word = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
        let record = |kind: &str| self.records.0.get(&format!("{kind}/{user}")).map(|(value, _)| value);
        let gone = record("taken").map_or(0, |value| word(value));
        let Some(published) = record("prekeys") else { return 0 };
        let (count, keys) = published[8..].split_first_chunk::<4>().unwrap();
        let ids = keys.chunks(77).take(u32::from_be_bytes(*count) as usize);
        ids.filter(|key| u64::from(u32::from_be_bytes(key[..4].try_into().unwrap())) >= gone).count()
    }

    /// The prekeys of a user, as another is given them.
    pub(crate) fn bundle_for(&mut self, requester: &str, user: &str, now_ms: u64) -> Vec<u8> {
        let found = self.relay.lookup(requester, user, now_ms).unwrap();
        self.deliver(&found.outcome);
        found.bundle.unwrap()
    }

    /// Says something to a user that the relay has not said.
    pub(crate) fn push(&mut self, user: &str, request: u32, body: Body<'_>) {
        if let Some(link) = self.links.get_mut(user) {
            link.frames.push_back(Frame { request, body }.to_bytes().unwrap());
        }
    }

    /// Hides that a store is a copy.
    pub(crate) fn forget_commit(&mut self, user: &str) {
        let name = format!("store/{user}");
        self.records.0.remove(&name);
        self.relay.restore(&name, None, 0).unwrap();
    }

    /// Says of a store that it is a copy.
    pub(crate) fn claim_commit(&mut self, user: &str, commit: u64) {
        let name = format!("store/{user}");
        let (value, version) = self.records.0.get_mut(&name).unwrap();
        value[16..].copy_from_slice(&commit.to_be_bytes());
        self.relay.restore(&name, Some(value), *version).unwrap();
    }

    pub(crate) fn receive(&mut self, user: &str, bytes: &[u8], now_ms: u64) {
        let Some(link) = self.links.get(user).filter(|link| !link.is_closed) else { return };
        let (number, is_welcomed) = (link.number, link.is_welcomed);
        self.heard.push((user.into(), bytes[5]));
        let frame = Frame::parse(bytes).unwrap();
        if is_welcomed && self.answers_itself(user, &frame) {
            return;
        }
        let kept = self.refuse(&frame);
        let answered = match &kept {
            None => self.pass(number, bytes, now_ms),
            // All of it was refused.
            Some((None, _)) => VecDeque::new(),
            Some((Some(rest), _)) => self.pass(number, rest, now_ms),
        };
        self.note(user, &frame, kept.as_ref().map(|(_, refused)| refused.as_slice()), answered);
        self.hang_up(now_ms);
    }

    /// What the relay answers to a frame of a connection; all else is on its way.
    fn pass(&mut self, number: u64, bytes: &[u8], now_ms: u64) -> VecDeque<Vec<u8>> {
        let outcome = self.relay.receive(number, bytes, now_ms).unwrap();
        let before: BTreeMap<String, usize> =
            self.links.iter().map(|(user, link)| (user.clone(), link.frames.len())).collect();
        self.deliver(&outcome);
        let user = self.user_of(number);
        user.map(|user| self.frames(&user).split_off(before[&user])).unwrap_or_default()
    }

    /// Notes what was taken, and lets the answers go their way, with statuses for what was kept from the relay.
    fn note(&mut self, user: &str, frame: &Frame<'_>, refused: Option<&[u32]>, answered: VecDeque<Vec<u8>>) {
        let mut came = Vec::new();
        let mut is_taken = false;
        for bytes in answered {
            let answer = Frame::parse(&bytes).unwrap();
            match answer.body {
                Body::Ok if answer.request == frame.request => is_taken = true,
                Body::SentMany { statuses } if answer.request == frame.request => {
                    let merged = merge(refused, statuses.iter());
                    self.note_taken(user, frame, &merged);
                    came.push(sent_many(frame.request, &merged));
                    continue;
                }
                Body::Welcome(_) => self.links.get_mut(user).unwrap().is_welcomed = true,
                _ => {}
            }
            came.push(bytes);
        }
        match (&frame.body, refused) {
            (Body::Send { .. }, Some(refused)) => {
                let (status, text) = (refused[0], "");
                let body = Body::Error { status, retry_after_ms: 0, epoch: 0, text };
                came.push(Frame { request: frame.request, body }.to_bytes().unwrap());
            }
            // Nothing of it reached the relay.
            (Body::SendMany { .. }, Some(refused)) if refused.iter().all(|status| *status != 0) => {
                came.push(sent_many(frame.request, refused));
            }
            (Body::Send { .. }, None) if is_taken => self.note_taken(user, frame, &[0]),
            (Body::Commit { entry, .. }, _) if is_taken => self.entries.push(entry.to_vec()),
            _ => {}
        }
        if let Some(link) = self.links.get_mut(user) {
            link.frames.extend(came);
        }
    }

    fn note_taken(&mut self, user: &str, frame: &Frame<'_>, statuses: &[u32]) {
        for (envelope, status) in envelopes(frame).into_iter().zip(statuses) {
            if *status == 0 {
                self.taken.push((user.into(), envelope.to_vec()));
            }
        }
    }

    /// Answers in the relay's place, if a test says so.
    fn answers_itself(&mut self, user: &str, frame: &Frame<'_>) -> bool {
        if self.limits > 0 && frame.request != 0 {
            self.limits -= 1;
            let status = Error::RateLimited.code();
            self.push(user, frame.request, Body::Error { status, retry_after_ms: 1_000, epoch: 0, text: "" });
            return true;
        }
        match frame.body {
            Body::Lookup { user: asked } => {
                let Some((card, bundle)) = self.lies.get(asked).cloned() else { return false };
                self.push(user, frame.request, Body::Found { card: &card, bundle: &bundle });
            }
            Body::FetchLog { .. } => {
                let Some(entries) = self.logs.get(user).cloned() else { return false };
                self.push(user, frame.request, Body::Log { entries: &entries });
            }
            _ => return false,
        }
        true
    }

    /// What is left of a frame without the envelopes that are refused, and for each envelope why, or 0.
    fn refuse(&self, frame: &Frame<'_>) -> Option<(Option<Vec<u8>>, Vec<u32>)> {
        let (recipient, status) = self.refuses.as_ref()?;
        let is_refused =
            |envelope: &&[u8]| Envelope::parse(envelope).unwrap().recipient == Some(recipient.as_str());
        let all = envelopes(frame);
        let refused: Vec<u32> =
            all.iter().map(|envelope| if is_refused(envelope) { status.code() } else { 0 }).collect();
        if refused.iter().all(|status| *status == 0) {
            return None;
        }
        let rest: Vec<&[u8]> = all.into_iter().filter(|envelope| !is_refused(envelope)).collect();
        let rest = match frame.body {
            Body::SendMany { commit, .. } if !rest.is_empty() => {
                let bytes = Envelopes::encode(rest).unwrap();
                let body = Body::SendMany { commit, envelopes: list(&bytes) };
                Some(Frame { request: frame.request, body }.to_bytes().unwrap())
            }
            _ => None,
        };
        Some((rest, refused))
    }

    fn user_of(&self, number: u64) -> Option<String> {
        self.links.iter().find(|(_, link)| link.number == number).map(|(user, _)| user.clone())
    }

    fn deliver(&mut self, outcome: &Outcome) {
        self.records.take(outcome);
        for delivery in outcome.deliveries() {
            let Some(user) = self.user_of(delivery.connection) else { continue };
            let is_lost = !delivery.payload().is_empty()
                && self.loses.is_some_and(|loses| loses(&user, delivery.payload()));
            let link = self.links.get_mut(&user).unwrap();
            let frame = delivery.to_frame();
            if !is_lost && !frame.is_empty() {
                link.frames.push_back(frame);
            }
            link.is_closed |= delivery.closes();
        }
    }

    /// Ends the connections that the relay has closed.
    fn hang_up(&mut self, now_ms: u64) {
        let closed: Vec<u64> = self
            .links
            .values()
            .filter(|link| link.is_closed && link.number != 0)
            .map(|link| link.number)
            .collect();
        for number in closed {
            let outcome = self.relay.disconnect(number, now_ms).unwrap();
            self.deliver(&outcome);
            let user = self.user_of(number).unwrap();
            self.links.get_mut(&user).unwrap().number = 0;
        }
    }
}

fn envelopes<'a>(frame: &Frame<'a>) -> Vec<&'a [u8]> {
    match frame.body {
        Body::Send { envelope, .. } => vec![envelope],
        Body::SendMany { envelopes, .. } => envelopes.iter().collect(),
        _ => Vec::new(),
    }
}

/// The statuses of a frame, of which the relay has seen those that were not refused.
fn merge(refused: Option<&[u32]>, mut seen: impl Iterator<Item = u32>) -> Vec<u32> {
    match refused {
        None => seen.collect(),
        Some(refused) => {
            refused.iter().map(|status| if *status == 0 { seen.next().unwrap() } else { *status }).collect()
        }
    }
}

fn sent_many(request: u32, statuses: &[u32]) -> Vec<u8> {
    let bytes = Statuses::encode(statuses.iter().copied()).unwrap();
    Frame { request, body: Body::SentMany { statuses: list(&bytes) } }.to_bytes().unwrap()
}

fn list<'a, E: Element<'a>>(bytes: &'a [u8]) -> List<'a, E> {
    let parsed: Result<List<'a, E>> = List::parse(bytes);
    parsed.unwrap()
}
