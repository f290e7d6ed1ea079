//! The relay with its host: it stores what it is given, then sends it, and may die in between.

use std::collections::BTreeMap;

use sealwax::relay::{Outcome, Relay, RelayOptions};
use sealwax::wire::frame::{Body, Frame};

use crate::common::relay::Store;

pub(crate) const NAME: &str = "relay";

/// A relay and its records.
pub(crate) struct Host {
    pub(crate) relay: Relay,
    options: RelayOptions,
    records: Store,
    /// The relay dies at an outcome with records: after this many of them.
    pub(crate) dies_after: Option<usize>,
}

/// Something that a host does after a call.
pub(crate) enum Deed {
    /// Sends a frame to a connection.
    Send(u64, Vec<u8>),
    /// Closes a connection.
    Close(u64),
    /// The relay has died, and all connections with it.
    Die,
}

impl Host {
    pub(crate) fn new(options: RelayOptions, relay_id: [u8; 16]) -> Self {
        let mut records = Store::default();
        // The id is drawn by the system if nobody has drawn it, and a run has to repeat.
        records.0.insert("relay/id".into(), (relay_id.to_vec(), 1));
        let relay = records.relay(options).named(NAME).unwrap();
        Self { relay, options, records, dies_after: None }
    }

    /// Another relay starts from the records.
    pub(crate) fn restart(&mut self) {
        self.dies_after = None;
        self.relay = self.records.relay(self.options).named(NAME).unwrap();
    }

    /// What lies in the queues of people, by the records.
    pub(crate) fn queued(&self) -> impl Iterator<Item = String> {
        self.records.0.keys().filter(|name| name.starts_with("queue/p")).cloned()
    }

    /// Stores what came of a call, and answers what is to be done: by connections, and in order within each.
    pub(crate) fn take(&mut self, outcome: &Outcome) -> Vec<Deed> {
        let dies_after = self.dies_after.filter(|_| outcome.records_len() > 0);
        for record in outcome.records().take(dies_after.unwrap_or(usize::MAX)) {
            assert!(self.records.put(record), "{} replaces another version", record.name);
        }
        if dies_after.is_some() {
            self.restart();
            return vec![Deed::Die];
        }
        let mut frames: BTreeMap<u64, Vec<(Vec<u8>, bool)>> = BTreeMap::new();
        for delivery in outcome.deliveries() {
            frames.entry(delivery.connection).or_default().push((delivery.to_frame(), delivery.closes()));
        }
        let mut deeds = Vec::new();
        for (connection, mut frames) in frames {
            // Who comes and goes at once is told in no order, and a run has to repeat.
            for run in frames.chunk_by_mut(|one, other| is_presence(&one.0) && is_presence(&other.0)) {
                run.sort();
            }
            for (frame, closes) in frames {
                if !frame.is_empty() {
                    deeds.push(Deed::Send(connection, frame));
                }
                if closes {
                    deeds.push(Deed::Close(connection));
                }
            }
        }
        deeds
    }
}

pub(crate) fn is_presence(frame: &[u8]) -> bool {
    matches!(Frame::parse(frame), Ok(Frame { body: Body::Presence { .. }, .. }))
}
