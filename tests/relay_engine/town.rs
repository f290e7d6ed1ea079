//! A relay with people around it, whose host stores what it is given before it sends anything.

use std::collections::BTreeMap;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::error::Result;
use sealwax::identity::Identity;
use sealwax::relay::{Outcome, Relay, RelayOptions};
use sealwax::wire::frame::{Body, Frame, Hello, List, Method, Welcome};

use crate::common::group::person;
use crate::common::relay::Store;

pub(crate) const NAME: &str = "relay.example.org";
pub(crate) const STORE: [u8; 16] = [0x57; 16];
pub(crate) const NOBODY: [u8; 16] = [0; 16];

/// A relay, its store, and what arrived at each connection.
pub(crate) struct Town {
    pub(crate) relay: Relay,
    pub(crate) options: RelayOptions,
    pub(crate) store: Store,
    pub(crate) now_ms: u64,
    people: BTreeMap<String, Identity>,
    arrived: BTreeMap<u64, Vec<Vec<u8>>>,
    pub(crate) closed: Vec<u64>,
}

/// What a client says in hello besides its name.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) store_id: [u8; 16],
    pub(crate) commit: u64,
    pub(crate) relay_id: [u8; 16],
    pub(crate) seen: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { store_id: STORE, commit: 0, relay_id: NOBODY, seen: 0 }
    }
}

/// A copy of a welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Welcomed {
    pub(crate) relay_id: [u8; 16],
    pub(crate) commit: u64,
    pub(crate) acknowledged: u64,
    pub(crate) last: u64,
    pub(crate) one_time_prekeys: u16,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::with(RelayOptions::default())
    }

    pub(crate) fn with(options: RelayOptions) -> Self {
        Self {
            relay: Relay::new(options).named(NAME).unwrap(),
            options,
            store: Store::default(),
            now_ms: 1_000_000,
            people: BTreeMap::new(),
            arrived: BTreeMap::new(),
            closed: Vec::new(),
        }
    }

    /// The relay dies; another one starts from its records.
    pub(crate) fn restart(&mut self) {
        self.relay = self.store.relay(self.options).named(NAME).unwrap();
        self.arrived.clear();
        self.closed.clear();
    }

    /// An identity that is the same each time.
    pub(crate) fn person(&mut self, user: &str) -> &Identity {
        self.people.entry(user.into()).or_insert_with(|| person(user))
    }

    /// The host's part of a call.
    pub(crate) fn take(&mut self, outcome: &Outcome) {
        self.store.take(outcome);
        for delivery in outcome.deliveries() {
            assert_ne!(delivery.connection, 0);
            let frame = delivery.to_frame();
            if !frame.is_empty() {
                Frame::parse(&frame).unwrap();
                self.arrived.entry(delivery.connection).or_default().push(frame);
            }
            if delivery.closes() {
                self.closed.push(delivery.connection);
            }
        }
    }

    pub(crate) fn connect(&mut self, connection: u64, user: Option<&str>) -> Result<()> {
        let outcome = self.relay.connect(connection, user, self.now_ms)?;
        self.take(&outcome);
        Ok(())
    }

    pub(crate) fn receive(&mut self, connection: u64, frame: &[u8]) {
        let outcome = self.relay.receive(connection, frame, self.now_ms).unwrap();
        self.take(&outcome);
    }

    pub(crate) fn send(&mut self, connection: u64, request: u32, body: Body<'_>) {
        self.receive(connection, &Frame { request, body }.to_bytes().unwrap());
    }

    pub(crate) fn disconnect(&mut self, connection: u64) {
        let outcome = self.relay.disconnect(connection, self.now_ms).unwrap();
        self.take(&outcome);
    }

    /// When the next tick is due.
    pub(crate) fn tick(&mut self) -> Option<u64> {
        let tick = self.relay.tick(self.now_ms).unwrap();
        self.take(&tick.outcome);
        tick.due_ms
    }

    pub(crate) fn hello(&mut self, user: &str, method: Method, memory: &Memory) -> Vec<u8> {
        let Memory { store_id, commit, relay_id, seen } = memory;
        let card = self.person(user).card().as_bytes();
        let hello = Hello { method, card, store_id, commit: *commit, relay_id, seen: *seen };
        Frame { request: 1, body: Body::Hello(hello) }.to_bytes().unwrap()
    }

    /// A connection that the host vouches for, up to its welcome; what follows waits in `arrived`.
    pub(crate) fn come(&mut self, connection: u64, user: &str) -> Welcomed {
        self.come_with(connection, user, Memory::default())
    }

    pub(crate) fn come_with(&mut self, connection: u64, user: &str, memory: Memory) -> Welcomed {
        self.connect(connection, Some(user)).unwrap();
        let hello = self.hello(user, Method::Host, &memory);
        self.receive(connection, &hello);
        self.welcomed(connection)
    }

    /// Takes the welcome, which comes first.
    pub(crate) fn welcomed(&mut self, connection: u64) -> Welcomed {
        let frame = self.arrived.get_mut(&connection).unwrap().remove(0);
        let Frame { request: 1, body: Body::Welcome(welcome) } = Frame::parse(&frame).unwrap() else {
            panic!("{:?} is no welcome", Frame::parse(&frame));
        };
        let Welcome { relay_id, commit, acknowledged, last, one_time_prekeys, .. } = welcome;
        Welcomed { relay_id: *relay_id, commit, acknowledged, last, one_time_prekeys }
    }

    /// Several who have come, each with what came to it thrown away.
    pub(crate) fn gather(&mut self, users: &[&str]) {
        for (connection, user) in (1..).zip(users) {
            self.come(connection, user);
        }
        self.arrived.clear();
    }

    /// The answer of a person to a challenge.
    pub(crate) fn proof(&mut self, user: &str, name: &str, nonce: &[u8; 32], hello: &[u8]) -> [u8; 64] {
        self.person(user).prove_hello(&mut SystemRandom, name, nonce, hello).unwrap()
    }

    /// Takes what arrived at a connection.
    pub(crate) fn arrived(&mut self, connection: u64) -> Vec<Vec<u8>> {
        self.arrived.remove(&connection).unwrap_or_default()
    }

    /// Where something arrived that nobody has taken.
    pub(crate) fn reached(&self) -> Vec<u64> {
        self.arrived.keys().copied().collect()
    }

    /// Takes what arrived, as text: one word a frame, for comparison.
    pub(crate) fn told(&mut self, connection: u64) -> Vec<String> {
        self.arrived(connection).iter().map(|frame| tell(&Frame::parse(frame).unwrap())).collect()
    }

    /// Takes the one answer to a request, which nothing else came with.
    pub(crate) fn answer(&mut self, connection: u64) -> String {
        let told = self.told(connection);
        assert_eq!(told.len(), 1, "{told:?}");
        told.into_iter().next().unwrap()
    }

    pub(crate) fn is_closed(&self, connection: u64) -> bool {
        self.closed.contains(&connection)
    }
}

/// A frame in a word or a few.
pub(crate) fn tell(frame: &Frame<'_>) -> String {
    let request = frame.request;
    match &frame.body {
        Body::Ok => format!("ok {request}"),
        Body::Error { status, retry_after_ms, epoch, .. } => {
            let error = Error::from_code(*status).unwrap();
            format!("{error:?} {request} {retry_after_ms} {epoch}")
        }
        Body::Deliver { sequence, payload } => format!("{sequence}: {} bytes", payload.len()),
        Body::QueueEnd => "end".into(),
        Body::Presence { is_online: true, user } => format!("+{user}"),
        Body::Presence { is_online: false, user } => format!("-{user}"),
        Body::Groups { groups } => {
            let of = |group: sealwax::wire::frame::FoundGroup<'_>| {
                format!(
                    " {:02x}{}{}",
                    group.group_id[0],
                    if group.is_open { "o" } else { "" },
                    if group.is_member { "m" } else { "" }
                )
            };
            format!("groups{}", groups.iter().map(of).collect::<String>())
        }
        Body::SentMany { statuses } => {
            format!("sent {:?}", statuses.iter().map(Error::from_code).collect::<Vec<_>>())
        }
        Body::Found { bundle, .. } => format!("found {}", !bundle.is_empty()),
        Body::Log { entries } => format!("log of {} bytes", entries.len()),
        other => format!("{other:?}"),
    }
}

/// Envelopes or users in a frame.
pub(crate) fn list<'a, E: sealwax::wire::frame::Element<'a>>(bytes: &'a [u8]) -> List<'a, E> {
    List::parse(bytes).unwrap()
}
