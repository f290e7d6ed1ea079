//! A relay rebuilt from its records: whatever it answered for is there again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Act, group, person, person_with};
use common::relay::{Store, direct, queue_of, relay_of, to_group};
use sealwax::Error;
use sealwax::identity::{Identity, PrekeyBundle};
use sealwax::limits::DAY_MS;
use sealwax::relay::{Relay, RelayOptions};
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::Role;

/// A relay, what it has stored, and a group of the first person with all others.
struct World {
    people: Vec<Identity>,
    roster: Roster,
    relay: Relay,
    store: Store,
}

impl World {
    fn new(names: &[&str]) -> Self {
        let people: Vec<_> = names.iter().copied().map(person).collect();
        let members: Vec<_> = people.iter().skip(1).collect();
        let roster = group(&people[0], &members, RosterPolicy::default());
        let relay = Relay::new(RelayOptions::default());
        let mut store = Store::default();
        for person in &people {
            store.take(&relay.register(person.user(), person.card().as_bytes(), 1).unwrap());
        }
        store.take(&relay.commit(names[0], roster.entries(0), 1).unwrap());
        Self { people, roster, relay, store }
    }

    fn send(&mut self, sender: &str, mark: u32) -> Vec<u8> {
        let envelope = to_group(sender, self.roster.group_id(), mark);
        self.store.take(&self.relay.route(sender, &envelope, 1).unwrap());
        envelope
    }

    fn commit(&mut self, act: Act<'_>) -> Vec<u8> {
        let entry = act.propose(&self.roster, &self.people[0]).unwrap();
        self.store.take(&self.relay.commit(self.people[0].user(), &entry, 1).unwrap());
        self.roster.apply(&entry, 1).unwrap();
        entry
    }

    /// The relay dies, and its store starts another one.
    fn restart(&mut self) {
        self.relay = self.store.relay(RelayOptions::default());
    }
}

#[test]
fn nothing_that_was_answered_for_is_lost_when_a_relay_dies_in_mid_traffic() {
    let mut world = World::new(&["alice", "bob", "carol"]);
    let mut expected = vec![world.roster.entries(0).to_vec()];
    for mark in 0..12 {
        expected.push(world.send(if mark % 2 == 0 { "alice" } else { "carol" }, mark));
        let envelope = direct("alice", "bob", mark);
        world.store.take(&world.relay.route("alice", &envelope, 1).unwrap());
        expected.push(envelope);
        if mark % 3 == 0 {
            world.restart();
        }
        if mark == 7 {
            let outcome = world.relay.acknowledge("bob", 10, 1).unwrap();
            world.store.take(&outcome);
            expected.drain(..10);
        }
    }
    let before = world.relay.info();
    world.restart();
    assert_eq!(
        (world.relay.info().queued, world.relay.info().queued_bytes),
        (before.queued, before.queued_bytes)
    );
    assert_eq!(queue_of(&world.relay, "bob", 1), expected);
    assert!(queue_of(&world.relay, "alice", 1).len() > 1);
}

#[test]
fn the_order_of_the_records_does_not_matter() {
    let mut world = World::new(&["alice", "bob", "carol"]);
    world.commit(Act::Remove("carol"));
    world.send("bob", 0);
    world.commit(Act::Delete);
    let names: Vec<_> = world.store.0.keys().cloned().collect();
    for rotation in 0..names.len() {
        for reversed in [false, true] {
            let mut order = names.clone();
            order.rotate_left(rotation);
            if reversed {
                order.reverse();
            }
            let relay = Relay::new(RelayOptions::default());
            for name in &order {
                let (value, version) = &world.store.0[name];
                relay.restore(name, Some(value), *version).unwrap();
            }
            assert_eq!(relay.info(), world.store.relay(RelayOptions::default()).info());
            assert_eq!(relay.log("carol", world.roster.group_id(), 0).unwrap().len(), {
                world.roster.entries(0).len() - world.roster.entries(2).len()
            });
            assert_eq!(queue_of(&relay, "alice", 1), queue_of(&world.relay, "alice", 1));
        }
    }
}

#[test]
fn sending_again_completes_a_fan_out_of_which_only_some_records_were_stored() {
    let mut world = World::new(&["alice", "bob", "carol", "dave"]);
    let envelope = to_group("alice", world.roster.group_id(), 0);
    let outcome = world.relay.route("alice", &envelope, 1).unwrap();
    assert!(world.store.put(outcome.records().nth(1).unwrap()));
    world.restart();
    let lengths = |relay: &Relay| ["bob", "carol", "dave"].map(|user| queue_of(relay, user, 1).len());
    assert_eq!(lengths(&world.relay), [1, 2, 1]);
    world.store.take(&world.relay.route("alice", &envelope, 1).unwrap());
    assert_eq!(lengths(&world.relay), [2, 2, 2]);
    assert!(world.relay.route("alice", &envelope, 1).unwrap().records_len() == 0);
    world.restart();
    assert_eq!(lengths(&world.relay), [2, 2, 2]);
}

#[test]
fn committing_again_completes_an_entry_of_which_only_the_record_was_stored() {
    let mut world = World::new(&["alice", "bob", "carol"]);
    let entry = Act::Remove("carol").propose(&world.roster, &world.people[0]).unwrap();
    let outcome = world.relay.commit("alice", &entry, 1).unwrap();
    assert!(world.store.put(outcome.records().next().unwrap()), "the entry comes first");
    world.restart();
    assert_eq!(queue_of(&world.relay, "bob", 1).len(), 1);
    world.store.take(&world.relay.commit("alice", &entry, 1).unwrap());
    for user in ["alice", "bob", "carol"] {
        assert_eq!(queue_of(&world.relay, user, 1).last(), Some(&entry));
    }
}

#[test]
fn numbers_go_on_after_a_restart_even_if_the_queue_was_empty() {
    let mut world = World::new(&["alice", "bob"]);
    world.send("alice", 0);
    world.store.take(&world.relay.acknowledge("bob", 2, 1).unwrap());
    world.restart();
    world.send("alice", 1);
    let outcome = world.relay.set_online("bob", true, 1).unwrap();
    assert_eq!(outcome.deliveries().next().unwrap().sequence, 3);

    let late = 2 + 7 * DAY_MS;
    // One call that names a time so far off is not believed.
    for _ in 0..2 {
        world.store.take(&world.relay.set_online("bob", true, late).unwrap());
    }
    world.restart();
    let outcome = world.relay.route("alice", &direct("alice", "bob", 9), late).unwrap();
    assert_eq!(outcome.records().next().unwrap().name.to_string(), "queue/bob/00000000000000000004");
}

#[test]
fn what_was_acknowledged_but_not_deleted_in_the_store_goes_with_the_next_call() {
    let mut world = World::new(&["alice", "bob"]);
    world.send("alice", 0);
    let outcome = world.relay.acknowledge("bob", 2, 1).unwrap();
    assert!(world.store.put(outcome.records().next().unwrap()), "that it is acknowledged comes first");
    world.restart();
    let outcome = world.relay.set_online("bob", true, 1).unwrap();
    assert_eq!(outcome.deliveries_len(), 1, "the end of the queue");
    world.store.take(&outcome);
    assert!(!world.store.0.keys().any(|name| name.starts_with("queue/bob")));
}

#[test]
fn one_time_prekeys_are_handed_out_once_across_restarts() {
    let mut world = World::new(&["alice", "bob"]);
    let bundle = world.people[0].prekeys(&mut ScriptedRandom::new("prekeys"), 4, 1).unwrap();
    world.store.take(&world.relay.publish("alice", &bundle, 1).unwrap());
    let mut taken = std::collections::BTreeSet::new();
    for _ in 0..6 {
        let found = world.relay.lookup("bob", "alice", 1).unwrap();
        world.store.take(&found.outcome);
        let bundle = PrekeyBundle::parse(&found.bundle.unwrap(), &found.card).unwrap();
        assert!(bundle.one_time().first().is_none_or(|prekey| taken.insert(prekey.id)));
        world.restart();
    }
    assert_eq!(taken.len(), 4);
}

#[test]
fn two_relays_on_one_store_hand_out_no_prekey_twice() {
    let mut world = World::new(&["alice", "bob"]);
    let bundle = world.people[0].prekeys(&mut ScriptedRandom::new("prekeys"), 4, 1).unwrap();
    world.store.take(&world.relay.publish("alice", &bundle, 1).unwrap());
    let other = world.store.relay(RelayOptions::default());
    let first = world.relay.lookup("bob", "alice", 1).unwrap();
    world.store.take(&first.outcome);

    let refused = other.lookup("bob", "alice", 1).unwrap();
    assert!(!world.store.put(refused.outcome.records().next().unwrap()), "the other relay was first");
    let name = refused.outcome.records().next().unwrap().name.to_string();
    let (value, version) = &world.store.0[&name];
    other.restore(&name, Some(value), *version).unwrap();
    let again = other.lookup("bob", "alice", 1).unwrap();
    world.store.take(&again.outcome);
    assert_ne!(first.bundle, again.bundle);
}

#[test]
fn an_envelope_whose_number_another_relay_took_is_queued_behind_it() {
    let mut world = World::new(&["alice", "bob", "carol"]);
    let other = world.store.relay(RelayOptions::default());
    let first = world.send("alice", 0);
    let second = to_group("alice", world.roster.group_id(), 1);
    for _ in 0..2 {
        let outcome = other.route("alice", &second, 1).unwrap();
        for record in outcome.records() {
            if !world.store.put(record) {
                let name = record.name.to_string();
                let (value, version) = &world.store.0[&name];
                other.restore(&name, Some(value), *version).unwrap();
            }
        }
    }
    for relay in [&other, &world.store.relay(RelayOptions::default())] {
        for user in ["bob", "carol"] {
            assert_eq!(queue_of(relay, user, 1)[1..], [first.clone(), second.clone()]);
        }
    }
    assert_eq!(other.info().queued, world.store.relay(RelayOptions::default()).info().queued);
}

#[test]
fn an_entry_that_another_relay_took_first_stands() {
    let mut world = World::new(&["alice", "bob", "carol"]);
    let other = world.store.relay(RelayOptions::default());
    let lost = Act::Remove("bob").propose(&world.roster, &world.people[0]).unwrap();
    let outcome = other.commit("alice", &lost, 1).unwrap();
    let won = world.commit(Act::Remove("carol"));

    let record = outcome.records().next().unwrap();
    assert!(!world.store.put(record));
    let name = record.name.to_string();
    let (value, version) = &world.store.0[&name];
    other.restore(&name, Some(value), *version).unwrap();
    assert_eq!(other.log("bob", world.roster.group_id(), 1).unwrap(), won);
    assert_eq!(other.commit("alice", &lost, 1).err(), Some(Error::StaleEpoch));
    other.route("bob", &to_group("bob", world.roster.group_id(), 0), 1).unwrap();
    let from_carol = to_group("carol", world.roster.group_id(), 0);
    assert_eq!(other.route("carol", &from_carol, 1).err(), Some(Error::NotAMember));
}

#[test]
fn an_end_that_lost_and_comes_again_counts_once() {
    let mut world = World::new(&["alice", "bob", "carol"]);
    let options = RelayOptions { groups_per_user: 1, ..RelayOptions::default() };
    let other = world.store.relay(options);
    let lost = Act::Delete.propose(&world.roster, &world.people[0]).unwrap();
    let outcome = other.commit("alice", &lost, 1).unwrap();
    world.commit(Act::Remove("carol"));
    let name = outcome.records().next().unwrap().name.to_string();
    let (value, version) = &world.store.0[&name];
    other.restore(&name, Some(value), *version).unwrap();

    let found = |seed| {
        let mut rng = ScriptedRandom::new(seed);
        Roster::create(&world.people[0], "another", &[], RosterPolicy::default(), 1, &mut rng).unwrap()
    };
    assert_eq!(other.commit("alice", found("one").entries(0), 1).err(), Some(Error::LimitReached));
    let again = Act::Delete.propose(&world.roster, &world.people[0]).unwrap();
    other.commit("alice", &again, 1).unwrap();
    other.commit("alice", found("one").entries(0), 1).unwrap();
    assert_eq!(other.commit("alice", found("two").entries(0), 1).err(), Some(Error::LimitReached));
}

#[test]
fn a_host_lets_a_user_take_another_identity_by_deleting_the_old_ones_records() {
    let mut world = World::new(&["alice", "bob"]);
    let bundle = world.people[1].prekeys(&mut ScriptedRandom::new("prekeys"), 4, 1).unwrap();
    world.store.take(&world.relay.publish("bob", &bundle, 1).unwrap());
    for name in ["card/bob", "prekeys/bob", "taken/bob"] {
        world.store.0.remove(name);
        world.relay.restore(name, None, 0).unwrap();
    }
    assert_eq!(world.relay.lookup("alice", "bob", 1).err(), Some(Error::UnknownUser));
    let mut new = person_with("bob", "another");
    world.store.take(&world.relay.register("bob", new.card().as_bytes(), 1).unwrap());
    let found = world.relay.lookup("alice", "bob", 1).unwrap();
    assert!(found.bundle.is_none());
    let bundle = new.prekeys(&mut ScriptedRandom::new("new prekeys"), 1, 1).unwrap();
    world.store.take(&world.relay.publish("bob", &bundle, 1).unwrap());
    let found = world.relay.lookup("alice", "bob", 1).unwrap();
    assert_eq!(PrekeyBundle::parse(&found.bundle.unwrap(), new.card()).unwrap().one_time().len(), 1);

    let replace = Act::Replace(&new, Role::Member);
    world.commit(replace);
    world.send("bob", 0);
}

#[test]
fn records_that_are_none_are_refused() {
    let people = [person("alice")];
    let relay = relay_of(&[&people[0]], RelayOptions::default());
    let (card, roster) = (people[0].card().as_bytes(), group(&people[0], &[], RosterPolicy::default()));
    let roster_name = |epoch: u64| {
        let id: String = roster.group_id().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("roster/{id}/{epoch:020}")
    };
    let other_group = format!("roster/{}/{:020}", "00".repeat(32), 0);
    let queued = [&[0; 8][..], &direct("alice", "alice", 0)].concat();
    let no_envelope = [&[0; 8][..], card].concat();
    let first = "queue/alice/00000000000000000001";
    for (name, value, version, error) in [
        ("nothing", Some(card), 1, Error::InvalidArgument),
        ("card/bob", Some(card), 1, Error::Malformed),
        ("card/alice", Some(&b"card"[..]), 1, Error::Malformed),
        ("prekeys/alice", Some(b"prekeys"), 1, Error::Malformed),
        ("taken/alice", Some(b"taken"), 1, Error::Malformed),
        ("acknowledged/alice", Some(b"all"), 1, Error::Malformed),
        ("queue/alice/00000000000000000000", Some(&queued), 1, Error::InvalidArgument),
        (first, Some(&queued), 2, Error::InvalidArgument),
        (first, Some(&queued[..7]), 1, Error::Malformed),
        (first, Some(&no_envelope), 1, Error::WrongKind),
        (&roster_name(0), None, 1, Error::InvalidArgument),
        (&roster_name(1), Some(roster.entries(0)), 1, Error::Malformed),
        (&other_group, Some(roster.entries(0)), 1, Error::Malformed),
    ] {
        assert_eq!(relay.restore(name, value, version), Err(error), "{name}");
    }
    relay.restore(first, Some(&queued), 1).unwrap();
    relay.restore(&roster_name(0), Some(roster.entries(0)), 1).unwrap();
}
