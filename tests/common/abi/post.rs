//! A relay, and the connections that clients have to it.

use std::collections::{BTreeMap, VecDeque};

use sealwax::ffi::deliveries::SEALWAX_DELIVERY_CLOSE;

use super::client::Client;
use super::relay::{Deliveries, Relay, frame_envelope};

/// Values of records and their versions, by name.
pub(crate) type Records = BTreeMap<String, (Vec<u8>, u64)>;

/// A relay and its host.
pub(crate) struct Post {
    pub(crate) relay: Relay,
    /// What the host has stored.
    pub(crate) records: Records,
    lines: BTreeMap<String, Line>,
    last: u64,
    /// What reached somebody, with whom, as the host of a client finds it in the frames.
    pub(crate) delivered: Vec<(String, Vec<u8>)>,
}

/// A connection.
struct Line {
    number: u64,
    /// Frames on their way to the client.
    down: VecDeque<Vec<u8>>,
}

impl Post {
    /// A relay that says to be this one.
    pub(crate) fn new(name: &str) -> Self {
        Self::restored(name, Records::new())
    }

    /// One that starts from its records.
    pub(crate) fn restored(name: &str, records: Records) -> Self {
        let relay = Relay::new(&format!(r#"{{"name":"{name}"}}"#)).unwrap();
        for (name, (value, version)) in &records {
            relay.restore(name, Some(value), *version).unwrap();
        }
        Self { relay, records, lines: BTreeMap::new(), last: 0, delivered: Vec::new() }
    }

    /// Stores what came of a call on the relay.
    pub(crate) fn store(&mut self, outcome: &Deliveries) {
        for record in outcome.records() {
            let version = self.records.get(&record.name).map_or(0, |(_, version)| *version);
            assert_eq!(record.replaces, version, "{}", record.name);
            match record.value {
                Some(value) => self.records.insert(record.name, (value, version + 1)),
                None => self.records.remove(&record.name),
            };
        }
    }

    /// Deletes a record, here and in the relay.
    pub(crate) fn forget(&mut self, record: &str) {
        self.records.remove(record);
        self.relay.restore(record, None, 0).unwrap();
    }

    pub(crate) fn connect(&mut self, user: &str, client: &Client, relay_name: &str, now_ms: u64) {
        self.last += 1;
        self.relay.connect(self.last, "", now_ms).unwrap();
        self.lines.insert(user.into(), Line { number: self.last, down: VecDeque::new() });
        client.connected(relay_name, now_ms).unwrap();
    }

    /// The relay learns that a connection is gone.
    pub(crate) fn disconnect(&mut self, user: &str, now_ms: u64) {
        if let Some(line) = self.lines.remove(user) {
            let outcome = self.relay.disconnect(line.number, now_ms).unwrap();
            self.deal(&outcome, now_ms);
        }
    }

    /// Frames go to and fro until nothing moves.
    pub(crate) fn run(&mut self, people: &[(&str, &Client)], now_ms: u64) {
        loop {
            let mut moved = false;
            for (user, client) in people {
                loop {
                    let frame = client.next_frame().unwrap();
                    if frame.is_empty() {
                        break;
                    }
                    moved = true;
                    if let Some(line) = self.lines.get(*user) {
                        let outcome = self.relay.receive(line.number, &frame, now_ms).unwrap();
                        self.deal(&outcome, now_ms);
                    }
                }
                while let Some(frame) = self.lines.get_mut(*user).and_then(|line| line.down.pop_front()) {
                    moved = true;
                    self.delivered
                        .extend(frame_envelope(&frame).unwrap().map(|envelope| ((*user).into(), envelope)));
                    client.receive(&frame, now_ms).unwrap();
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn deal(&mut self, outcome: &Deliveries, now_ms: u64) {
        self.store(outcome);
        for delivery in outcome.view() {
            let line = self.lines.iter_mut().find(|(_, line)| line.number == delivery.connection);
            let Some((user, line)) = line else { continue };
            let user = user.clone();
            line.down.push_back([&delivery.head[..], &delivery.payload].concat());
            if delivery.flags & SEALWAX_DELIVERY_CLOSE != 0 {
                self.disconnect(&user, now_ms);
            }
        }
    }
}
