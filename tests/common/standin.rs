//! A host of the routing core that speaks the frames: as little as clients need, and honest unless told otherwise.

use std::collections::{BTreeMap, VecDeque};

use sealwax::error::{Error, Result};
use sealwax::identity::Card;
use sealwax::limits::FRAME_MAX;
use sealwax::relay::{Outcome, Relay, RelayOptions};
use sealwax::roster::Roster;
use sealwax::wire::envelope::Envelope;
use sealwax::wire::frame::{Body, FoundGroup, Frame, Groups, Method, Statuses, Welcome};
use sealwax::wire::prekeys::PrekeyBundleFields;
use sealwax::wire::roster::{Action, Entry};

const NONCE: [u8; 32] = [5; 32];

/// One numbering of sequences, its users, and what is on its way to them.
pub(crate) struct Host {
    pub(crate) relay: Relay,
    pub(crate) relay_id: [u8; 16],
    name: String,
    users: BTreeMap<String, User>,
    links: BTreeMap<String, Link>,
    /// Groups by label, and whether anybody may join.
    labels: Vec<(String, [u8; 32], bool)>,
    /// Roster entries taken.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Answers this user's questions for logs with this.
    pub(crate) logs: BTreeMap<String, Vec<u8>>,
    /// Loses what this says of a user and what it would be sent.
    pub(crate) loses: Option<fn(&str, &[u8]) -> bool>,
    /// Envelopes taken, with their senders.
    pub(crate) taken: Vec<(String, Vec<u8>)>,
    /// Frames of clients, with their users.
    pub(crate) heard: Vec<(String, u8)>,
    /// Refuses to take envelopes to this user, with this status.
    pub(crate) refuses: Option<(String, Error)>,
    /// Refuses so many requests as too many.
    pub(crate) limits: u32,
    /// Says this of a user instead of what it knows.
    pub(crate) lies: BTreeMap<String, (Vec<u8>, Vec<u8>)>,
}

/// What is remembered of a user.
#[derive(Default)]
struct User {
    store_id: [u8; 16],
    commit: u64,
    last: u64,
    seen: u64,
    expires_ms: u64,
    one_time: u16,
}

#[derive(Default)]
struct Link {
    hello: Vec<u8>,
    card: Option<Card>,
    up: bool,
    frames: VecDeque<Vec<u8>>,
}

impl Host {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            relay: Relay::new(RelayOptions::default()),
            relay_id: [3; 16],
            name: name.into(),
            users: BTreeMap::new(),
            links: BTreeMap::new(),
            labels: Vec::new(),
            entries: Vec::new(),
            logs: BTreeMap::new(),
            loses: None,
            taken: Vec::new(),
            heard: Vec::new(),
            refuses: None,
            limits: 0,
            lies: BTreeMap::new(),
        }
    }

    pub(crate) fn connect(&mut self, user: &str) {
        self.links.insert(user.into(), Link::default());
    }

    pub(crate) fn disconnect(&mut self, user: &str, now_ms: u64) {
        if self.links.remove(user).is_some_and(|link| link.up) {
            self.relay.set_online(user, false, now_ms).unwrap();
        }
    }

    /// The next frame for a user.
    pub(crate) fn next_frame(&mut self, user: &str) -> Option<Vec<u8>> {
        self.links.get_mut(user)?.frames.pop_front()
    }

    /// All frames for a user that wait.
    pub(crate) fn frames(&mut self, user: &str) -> &mut VecDeque<Vec<u8>> {
        &mut self.links.get_mut(user).unwrap().frames
    }

    /// How many one-time prekeys it has of a user.
    pub(crate) fn one_time(&self, user: &str) -> u16 {
        self.users[user].one_time
    }

    pub(crate) fn push(&mut self, user: &str, request: u32, body: Body<'_>) {
        if let Some(link) = self.links.get_mut(user) {
            link.frames.push_back(Frame { request, body }.to_bytes().unwrap());
        }
    }

    fn deliver(&mut self, outcome: &Outcome) {
        for delivery in outcome.deliveries() {
            let body = if delivery.is_queue_end() {
                Body::QueueEnd
            } else {
                Body::Deliver { sequence: delivery.sequence, payload: delivery.payload() }
            };
            let user = self.users.entry(delivery.user.into()).or_default();
            user.last = user.last.max(delivery.sequence);
            if self.loses.is_some_and(|loses| loses(delivery.user, delivery.payload())) {
                continue;
            }
            self.push(delivery.user, 0, body);
        }
    }

    /// Hides that a store is a copy.
    pub(crate) fn forget_commit(&mut self, user: &str) {
        self.users.get_mut(user).unwrap().commit = 0;
    }

    /// Says of a store that it is a copy.
    pub(crate) fn claim_commit(&mut self, user: &str, commit: u64) {
        self.users.get_mut(user).unwrap().commit = commit;
    }

    fn commit(&mut self, user: &str, commit: u64) {
        let user = self.users.entry(user.into()).or_default();
        user.commit = user.commit.max(commit);
    }

    pub(crate) fn receive(&mut self, user: &str, bytes: &[u8], now_ms: u64) {
        let Some(link) = self.links.get(user) else { return };
        let up = link.up;
        let frame = Frame::parse(bytes).unwrap();
        self.heard.push((user.into(), bytes[5]));
        let done = match frame.body {
            Body::Hello(_) | Body::Proof { .. } if !up => self.greet(user, &frame, bytes, now_ms),
            _ if up && self.limits > 0 => {
                self.limits -= 1;
                Err(Error::RateLimited)
            }
            body if up => self.serve(user, frame.request, body, now_ms),
            _ => Err(Error::NotPermitted),
        };
        if let Err(error) = done {
            let retry_after_ms = if error == Error::RateLimited { 1_000 } else { 0 };
            let body = Body::Error { status: error.code(), retry_after_ms, epoch: 0, text: "" };
            self.push(user, frame.request, body);
        }
    }

    fn greet(&mut self, user: &str, frame: &Frame<'_>, bytes: &[u8], now_ms: u64) -> Result<()> {
        let link = self.links.get_mut(user).unwrap();
        match frame.body {
            Body::Hello(hello) => {
                link.hello = bytes.to_vec();
                link.card = Some(Card::parse(hello.card)?);
                let name = self.name.clone();
                if hello.method == Method::Proof {
                    self.push(user, frame.request, Body::Challenge { nonce: &NONCE, relay_name: &name });
                    return Ok(());
                }
            }
            Body::Proof { signature } => {
                let card = link.card.as_ref().ok_or(Error::NotPermitted)?;
                card.check_hello(&self.name, &NONCE, &link.hello, signature)?;
            }
            _ => return Err(Error::NotPermitted),
        }
        let link = &self.links[user];
        let (card, hello) = (link.card.clone().ok_or(Error::NotPermitted)?, link.hello.clone());
        let Body::Hello(hello) = Frame::parse(&hello)?.body else { return Err(Error::Internal) };
        self.relay.register(user, card.as_bytes(), now_ms)?;
        let outcome = self.relay.set_online(user, true, now_ms)?;
        let known = self.users.entry(user.into()).or_default();
        if known.store_id != *hello.store_id {
            (known.store_id, known.commit) = (*hello.store_id, 0);
        }
        let commit = known.commit;
        known.commit = commit.max(hello.commit);
        let seen = if hello.relay_id == &self.relay_id { hello.seen } else { 0 };
        let known = self.users.get_mut(user).unwrap();
        known.seen = known.seen.max(seen);
        let last = outcome.deliveries().map(|delivery| delivery.sequence).max().unwrap_or(0).max(known.last);
        let (expires_ms, one_time, acknowledged) = (known.expires_ms, known.one_time, known.seen);
        let relay_id = self.relay_id;
        self.links.get_mut(user).unwrap().up = true;
        let welcome = Welcome {
            time_ms: now_ms,
            relay_id: &relay_id,
            commit,
            acknowledged,
            last,
            signed_prekey_expires_ms: expires_ms,
            one_time_prekeys: one_time,
            frame_max: u32::try_from(FRAME_MAX).unwrap(),
        };
        self.push(user, frame.request, Body::Welcome(welcome));
        // What was seen is acknowledged before anything is delivered.
        self.relay.set_online(user, false, now_ms)?;
        if seen.min(last) > 0 {
            self.relay.acknowledge(user, seen.min(last), now_ms)?;
        }
        let outcome = self.relay.set_online(user, true, now_ms)?;
        self.deliver(&outcome);
        Ok(())
    }

    fn serve(&mut self, user: &str, request: u32, body: Body<'_>, now_ms: u64) -> Result<()> {
        match body {
            Body::Prekeys { commit, bundle } => {
                self.commit(user, commit);
                self.relay.publish(user, bundle, now_ms)?;
                let fields = PrekeyBundleFields::parse(bundle)?;
                let known = self.users.get_mut(user).unwrap();
                known.expires_ms = fields.signed.expires_ms;
                known.one_time += u16::try_from(fields.one_time.len()).unwrap();
                self.push(user, request, Body::Ok);
            }
            Body::Lookup { user: asked } => {
                let (card, bundle) = match self.lies.get(asked).cloned() {
                    Some(lie) => lie,
                    None => {
                        let found = self.relay.lookup(user, asked, now_ms)?;
                        let bundle = found.bundle.unwrap_or_default();
                        (found.card.as_bytes().to_vec(), bundle)
                    }
                };
                if let Ok(fields) = PrekeyBundleFields::parse(&bundle)
                    && let Some(known) = self.users.get_mut(asked)
                {
                    known.one_time -= u16::try_from(fields.one_time.len()).unwrap();
                }
                self.push(user, request, Body::Found { card: &card, bundle: &bundle });
            }
            Body::Send { commit, envelope } => {
                self.commit(user, commit);
                self.route(user, envelope, now_ms)?;
                self.push(user, request, Body::Ok);
            }
            Body::SendMany { commit, envelopes } => {
                self.commit(user, commit);
                let route = |envelope| self.route(user, envelope, now_ms).map_or_else(Error::code, |()| 0);
                let statuses: Vec<u32> = envelopes.iter().map(route).collect();
                let bytes = Statuses::encode(statuses)?;
                self.push(user, request, Body::SentMany { statuses: Statuses::parse(&bytes)? });
            }
            Body::Acknowledge { commit, sequence } => {
                self.commit(user, commit);
                self.relay.acknowledge(user, sequence, now_ms)?;
                let known = self.users.get_mut(user).unwrap();
                known.seen = known.seen.max(sequence);
            }
            Body::Commit { commit, entry } => {
                self.commit(user, commit);
                let outcome = self.relay.commit(user, entry, now_ms)?;
                if let Ok(Action::Create { label, open, .. }) =
                    Entry::parse(entry).map(|entry| entry.fields.action)
                {
                    let id = *Roster::open(entry)?.group_id();
                    self.labels.push((label.into(), id, open));
                }
                self.entries.push(entry.to_vec());
                self.deliver(&outcome);
                self.push(user, request, Body::Ok);
            }
            Body::FetchLog { group_id, from_epoch } => {
                let entries = match self.logs.get(user) {
                    Some(lie) => lie.clone(),
                    None => self.relay.log(user, group_id, from_epoch)?,
                };
                self.push(user, request, Body::Log { entries: &entries });
            }
            Body::Find { label } => {
                let found = self.labels.iter().filter(|(known, _, open)| known == label && *open);
                let found =
                    found.map(|(_, id, _)| FoundGroup { group_id: id, is_open: true, is_member: false });
                let bytes = Groups::encode(found)?;
                self.push(user, request, Body::Groups { groups: Groups::parse(&bytes)? });
            }
            Body::Watch { .. } | Body::Ping => self.push(user, request, Body::Ok),
            _ => return Err(Error::Unsupported),
        }
        Ok(())
    }

    fn route(&mut self, user: &str, envelope: &[u8], now_ms: u64) -> Result<()> {
        if let Some((recipient, status)) = &self.refuses
            && Envelope::parse(envelope)?.recipient == Some(recipient.as_str())
        {
            return Err(*status);
        }
        let outcome = self.relay.route(user, envelope, now_ms)?;
        self.taken.push((user.into(), envelope.to_vec()));
        self.deliver(&outcome);
        Ok(())
    }
}
