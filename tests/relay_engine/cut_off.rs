//! Connections that are not their user's any more, or have missed something.

use std::thread;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::relay::{Outcome, Relay, RelayOptions};
use sealwax::roster::RosterPolicy;
use sealwax::wire::frame::{Body, Frame, Hello, Method};

use crate::common::group::{group, person, person_with};
use crate::common::relay::direct;
use crate::town::{Memory, Town};

/// What a host of one of several relays does with records: those that another relay was faster with it gives back.
fn store(town: &mut Town, outcome: &Outcome) -> bool {
    let mut is_first = true;
    for record in outcome.records() {
        if !town.store.put(record) {
            let name = record.name.to_string();
            let (value, version) = &town.store.0[&name];
            town.relay.restore(&name, Some(value), *version).unwrap();
            is_first = false;
        }
    }
    is_first
}

#[test]
fn what_another_relay_queued_before_what_was_delivered_is_not_passed_over() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    let other = town.store.relay(town.options);
    let (theirs, ours) = (direct("alice", "bob", 1), direct("alice", "bob", 2));
    let now_ms = town.now_ms;
    town.store.take(&other.route("alice", &theirs, now_ms).unwrap());
    let lost = town.relay.route("alice", &ours, now_ms).unwrap();
    assert!(!store(&mut town, &lost));
    let again = town.relay.route("alice", &ours, now_ms).unwrap();
    assert_eq!(again.deliveries_len(), 0, "the connection has missed what stands before it");
    assert!(store(&mut town, &again));

    town.send(2, 0, Body::Acknowledge { commit: 0, sequence: 2 });
    town.tick();
    assert!(town.is_closed(2) && !town.is_closed(1));
    town.disconnect(2);
    assert_eq!(town.relay.info().online, 1);
    let welcome = town.come(3, "bob");
    assert_eq!((welcome.acknowledged, welcome.last), (0, 2));
    let frames = town.arrived(3);
    let payloads = frames.iter().filter_map(|frame| match Frame::parse(frame).unwrap().body {
        Body::Deliver { payload, .. } => Some(payload.to_vec()),
        _ => None,
    });
    let payloads: Vec<_> = payloads.collect();
    assert_eq!(payloads, [theirs, ours]);
}

#[test]
fn what_is_restored_as_it_was_disturbs_nobody() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 1) });
    for (name, (value, version)) in town.store.0.clone() {
        town.relay.restore(&name, Some(&value), version).unwrap();
    }
    town.tick();
    assert!(!town.is_closed(1) && !town.is_closed(2));
    town.send(2, 0, Body::Acknowledge { commit: 0, sequence: 1 });
    assert_eq!(town.relay.info().queued, 0);
}

#[test]
fn whose_identity_is_taken_away_is_served_no_more_and_the_new_one_is() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
    town.send(1, 1, Body::Commit { commit: 0, entry: roster.entries(0) });
    town.told(1);
    town.told(2);
    for name in ["card/alice", "prekeys/alice", "taken/alice"] {
        town.store.0.remove(name);
        town.relay.restore(name, None, 0).unwrap();
    }
    let now_ms = town.now_ms;
    let new = person_with("alice", "another");
    let registered = town.relay.register("alice", new.card().as_bytes(), now_ms).unwrap();
    town.take(&registered);

    // Whoever holds the old one neither reads, nor acknowledges, nor writes.
    town.send(2, 1, Body::Send { commit: 0, envelope: &direct("bob", "alice", 1) });
    town.send(1, 2, Body::Send { commit: 0, envelope: &direct("alice", "bob", 1) });
    town.send(1, 0, Body::Acknowledge { commit: 0, sequence: 2 });
    assert!(town.told(1).is_empty());
    assert_eq!(town.told(2), ["ok 1"]);
    town.tick();
    assert!(town.is_closed(1));
    assert_eq!(town.told(2), ["-alice"]);
    town.disconnect(1);
    assert!(town.told(2).is_empty(), "once");
    let hello = town.hello("alice", Method::Host, &Memory::default());
    town.connect(3, Some("alice")).unwrap();
    town.receive(3, &hello);
    assert_eq!(town.answer(3), "IdentityChanged 1 0 0");
    assert!(town.relay.info().queued >= 1);
}

#[test]
fn a_user_who_is_forgotten_leaves_no_record_and_its_name_is_free() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
    town.send(1, 1, Body::Commit { commit: 3, entry: roster.entries(0) });
    let mut alice = person("alice");
    let bundle = alice.prekeys(&mut SystemRandom, 4, town.now_ms).unwrap();
    town.send(1, 2, Body::Prekeys { commit: 4, bundle: &bundle });
    town.send(2, 1, Body::Lookup { user: "alice" });
    town.send(1, 0, Body::Acknowledge { commit: 5, sequence: 1 });
    town.send(2, 2, Body::Send { commit: 1, envelope: &direct("bob", "alice", 1) });
    town.told(2);
    let of_alice = |town: &Town| town.store.0.keys().filter(|name| name.contains("alice")).count();
    assert_eq!(of_alice(&town), 6);

    let gone = town.relay.forget_user("alice", town.now_ms).unwrap();
    town.take(&gone);
    assert_eq!(of_alice(&town), 0);
    assert!(town.is_closed(1));
    assert_eq!(town.told(2), ["-alice"]);
    let info = town.relay.info();
    assert_eq!((info.users, info.online, info.queued), (1, 1, 1), "bob's create entry");
    town.send(1, 3, Body::Ping);
    assert!(town.told(1).last().is_none_or(|word| word != "ok 3"));
    let new = person_with("alice", "another");
    let registered = town.relay.register("alice", new.card().as_bytes(), town.now_ms).unwrap();
    town.take(&registered);
    town.send(2, 3, Body::Send { commit: 1, envelope: &direct("bob", "alice", 2) });
    assert_eq!(town.answer(2), "ok 3");
    assert!(town.store.0.contains_key("queue/alice/00000000000000000003"), "numbers go on");
    let relay = town.store.relay(town.options);
    assert_eq!((relay.info().users, relay.info().queued), (2, 2));
    assert_eq!(town.relay.forget_user("nobody", 1).err(), Some(Error::UnknownUser));
}

#[test]
fn a_card_that_another_relay_made_newer_ends_no_connection() {
    let mut town = Town::new();
    town.gather(&["alice"]);
    let (value, version) = town.store.0["card/alice"].clone();
    town.relay.restore("card/alice", Some(&value), version).unwrap();
    town.send(1, 1, Body::Ping);
    assert_eq!(town.answer(1), "ok 1");
}

#[test]
fn a_replaced_connection_that_is_being_served_leaves_nothing_behind() {
    for round in 0..60_u8 {
        let mut town = Town::new();
        let memory = |store: u8, commit| Memory { store_id: [store; 16], commit, ..Memory::default() };
        town.come_with(1, "alice", memory(1, 1));
        town.connect(2, Some("alice")).unwrap();
        let hello = town.hello("alice", Method::Host, &memory(2, 1));
        let (relay, now_ms) = (&town.relay, town.now_ms);
        let outcomes = thread::scope(|scope| {
            let old = scope.spawn(move || {
                let mut outcomes = Vec::new();
                for commit in 1..40_u64 + u64::from(round) {
                    let body = Body::Acknowledge { commit: 1_000 * commit, sequence: 0 };
                    let frame = Frame { request: 0, body }.to_bytes().unwrap();
                    outcomes.push(relay.receive(1, &frame, now_ms).unwrap());
                }
                outcomes
            });
            let welcome = relay.receive(2, &hello, now_ms).unwrap();
            (old.join().unwrap(), welcome)
        });
        drop(outcomes);
        town.connect(3, Some("alice")).unwrap();
        let hello = town.hello("alice", Method::Host, &memory(2, 1));
        let outcome = town.relay.receive(3, &hello, now_ms).unwrap();
        let welcome = outcome.deliveries().find(|delivery| delivery.connection == 3).unwrap().to_frame();
        let Body::Welcome(welcome) = Frame::parse(&welcome).unwrap().body else { panic!("no welcome") };
        assert_eq!(welcome.commit, 1, "what another store said says nothing of this one");
    }
}

#[test]
fn an_identity_that_is_forgotten_before_its_proof_is_a_new_one_or_none() {
    let mut town = Town::new();
    let challenge = |town: &mut Town, connection| {
        town.connect(connection, None).unwrap();
        let hello = town.hello("alice", Method::Proof, &Memory::default());
        town.receive(connection, &hello);
        let frame = town.arrived(connection).remove(0);
        let Body::Challenge { nonce, .. } = Frame::parse(&frame).unwrap().body else { panic!() };
        town.proof("alice", crate::town::NAME, nonce, &hello)
    };
    town.come(1, "alice");
    let (first, second) = (challenge(&mut town, 2), challenge(&mut town, 3));
    let gone = town.relay.forget_user("alice", town.now_ms).unwrap();
    town.take(&gone);
    town.send(2, 2, Body::Proof { signature: &first });
    assert!(town.told(2)[0].starts_with("Welcome"), "the name is free, for the same identity too");
    let gone = town.relay.forget_user("alice", town.now_ms).unwrap();
    town.take(&gone);
    assert!(town.is_closed(2));
    let new = person_with("alice", "another");
    let registered = town.relay.register("alice", new.card().as_bytes(), town.now_ms).unwrap();
    town.take(&registered);
    town.send(3, 2, Body::Proof { signature: &second });
    assert_eq!(town.answer(3), "IdentityChanged 2 0 0");
    assert_eq!((town.relay.info().users, town.relay.info().online), (1, 0));
}

#[test]
fn an_identity_that_is_forgotten_while_it_is_welcomed_is_served_no_more() {
    let (alice, new, bob) = (person("alice"), person_with("alice", "another"), person("bob"));
    let memory = Memory::default();
    let hello = Hello {
        method: Method::Host,
        card: alice.card().as_bytes(),
        store_id: &memory.store_id,
        commit: 1,
        relay_id: &memory.relay_id,
        seen: 0,
    };
    let hello = Frame { request: 1, body: Body::Hello(hello) }.to_bytes().unwrap();
    for _ in 0..400 {
        let relay = Relay::new(RelayOptions::default());
        relay.register("bob", bob.card().as_bytes(), 1).unwrap();
        relay.register("alice", alice.card().as_bytes(), 1).unwrap();
        relay.connect(1, Some("alice"), 1).unwrap();
        thread::scope(|scope| {
            let hello = scope.spawn(|| relay.receive(1, &hello, 1).unwrap());
            // Again and again, so that one of them comes in the midst.
            while !hello.is_finished() {
                relay.forget_user("alice", 1).unwrap();
            }
        });
        // It came after the last of them, whole, or is served no more.
        let is_known = relay.lookup("bob", "alice", 1).is_ok();
        assert_eq!(relay.info().online, u64::from(is_known));
        if !is_known {
            relay.register("alice", new.card().as_bytes(), 1).unwrap();
            let routed = relay.route("bob", &direct("bob", "alice", 1), 1).unwrap();
            assert_eq!(routed.deliveries_len(), 0);
        }
    }
}
