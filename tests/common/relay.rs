//! Envelopes that no relay can read, and a store for its records.

use std::collections::BTreeMap;

use sealwax::identity::Identity;
use sealwax::relay::{Outcome, Record, Relay, RelayOptions};
use sealwax::wire::codec::Put as _;
use sealwax::wire::group::{self, Link};
use sealwax::wire::session::{self, RatchetHeader, put_ciphertext_len};

/// A session message; another one for each `mark`.
pub(crate) fn direct(sender: &str, recipient: &str, mark: u32) -> Vec<u8> {
    direct_of(sender, recipient, mark, 0)
}

/// A session message that is so many bytes longer.
pub(crate) fn direct_of(sender: &str, recipient: &str, mark: u32, longer: usize) -> Vec<u8> {
    let mut out = Vec::new();
    session::Front {
        hidden_header: false,
        sender,
        recipient,
        key_id: &[1; 8],
        timestamp_ms: 0,
        nonce: &[2; 12],
        handshake: None,
    }
    .put(&mut out)
    .unwrap();
    RatchetHeader { ratchet_key: &[4; 65], previous_count: 0, counter: mark }.put(&mut out);
    put_ciphertext_len(&mut out, 21 + longer).unwrap();
    out.put(&vec![0; 21 + longer + 16]);
    out
}

/// A group message; another one for each `mark`.
pub(crate) fn to_group(sender: &str, group_id: &[u8; 32], mark: u32) -> Vec<u8> {
    let mut out = Vec::new();
    group::Front {
        group_id,
        sender,
        key_id: &[1; 8],
        epoch: 0,
        roster_hash: &[0; 16],
        counter: mark,
        timestamp_ms: 0,
        nonce: &[2; 12],
        link: Link::Known(&[0; 16]),
    }
    .put(&mut out)
    .unwrap();
    put_ciphertext_len(&mut out, 21).unwrap();
    out.put(&[0; 21 + 16 + 64]);
    out
}

/// A relay on which these people are registered.
pub(crate) fn relay_of(people: &[&Identity], options: RelayOptions) -> Relay {
    let relay = Relay::new(options);
    for person in people {
        relay.register(person.user(), person.card().as_bytes(), 0).unwrap();
    }
    relay
}

/// Sequence and payload of everything for one user; the mark of the queue's end is `(0, "")`.
pub(crate) fn to(user: &str, outcome: &Outcome) -> Vec<(u64, Vec<u8>)> {
    let deliveries = outcome.deliveries().filter(|delivery| delivery.user == user);
    deliveries.map(|delivery| (delivery.sequence, delivery.payload().to_vec())).collect()
}

/// What a user who comes online is given, without the mark of the queue's end, which must stand at the end.
pub(crate) fn queue_of(relay: &Relay, user: &str, now_ms: u64) -> Vec<Vec<u8>> {
    let outcome = relay.set_online(user, true, now_ms).unwrap();
    relay.set_online(user, false, now_ms).unwrap();
    let mut deliveries = to(user, &outcome);
    assert_eq!(deliveries.pop(), Some((0, Vec::new())));
    assert!(deliveries.windows(2).all(|pair| pair[0].0 < pair[1].0));
    deliveries.into_iter().map(|(_, payload)| payload).collect()
}

/// What a host stores: values with their versions.
#[derive(Default, Clone)]
pub(crate) struct Store(pub(crate) BTreeMap<String, (Vec<u8>, u64)>);

impl Store {
    /// Writes one record if it replaces the version that is there.
    pub(crate) fn put(&mut self, record: Record<'_>) -> bool {
        let name = record.name.to_string();
        if self.0.get(&name).map_or(0, |(_, version)| *version) != record.replaces {
            return false;
        }
        match record.value {
            Some(value) => self.0.insert(name, (value.to_vec(), record.replaces + 1)),
            None => self.0.remove(&name),
        };
        true
    }

    /// Writes all records of a call.
    pub(crate) fn take(&mut self, outcome: &Outcome) {
        for record in outcome.records() {
            assert!(self.put(record), "{} replaces another version", record.name);
        }
    }

    /// A relay that holds what the store does.
    pub(crate) fn relay(&self, options: RelayOptions) -> Relay {
        let relay = Relay::new(options);
        for (name, (value, version)) in &self.0 {
            relay.restore(name, Some(value), *version).unwrap();
        }
        relay
    }
}
