//! Hello, challenge, proof, welcome; a second connection; resuming.

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::relay::{Relay, RelayOptions};
use sealwax::wire::frame::{Body, Frame, Method};

use crate::common::group::{person, person_with};
use crate::common::relay::direct;
use crate::town::{Memory, NAME, Town};

/// Says hello with method 1 on a new connection; gives the hello and the nonce that it is challenged with.
fn challenged(town: &mut Town, connection: u64, user: &str) -> (Vec<u8>, [u8; 32]) {
    town.connect(connection, None).unwrap();
    let hello = town.hello(user, Method::Proof, &Memory::default());
    town.receive(connection, &hello);
    let frame = town.arrived(connection).remove(0);
    let Frame { request: 1, body: Body::Challenge { nonce, relay_name } } = Frame::parse(&frame).unwrap()
    else {
        panic!("no challenge");
    };
    assert_eq!(relay_name, NAME);
    (hello, *nonce)
}

fn refused(town: &mut Town, connection: u64, why: &str) {
    assert_eq!(town.answer(connection), why);
    assert!(town.is_closed(connection));
}

#[test]
fn a_proof_opens_the_connection() {
    let mut town = Town::new();
    let (hello, nonce) = challenged(&mut town, 1, "alice");
    let signature = town.proof("alice", NAME, &nonce, &hello);
    town.send(1, 1, Body::Proof { signature: &signature });
    assert_eq!(town.welcomed(1).last, 0);
    assert_eq!(town.told(1), ["end"]);
    assert_eq!(town.relay.info().online, 1);
}

#[test]
fn a_wrong_proof_a_replayed_one_and_one_for_another_relay_are_refused() {
    let mut town = Town::new();
    let (hello, first_nonce) = challenged(&mut town, 1, "alice");
    let replayed = town.proof("alice", NAME, &first_nonce, &hello);
    let (hello, nonce) = challenged(&mut town, 2, "alice");
    assert_ne!(nonce, first_nonce);
    town.send(2, 2, Body::Proof { signature: &replayed });
    refused(&mut town, 2, "AuthenticationFailed 2 0 0");

    let (_, nonce) = challenged(&mut town, 3, "alice");
    let elsewhere = town.proof("alice", "relay.example.com", &nonce, &hello);
    town.send(3, 2, Body::Proof { signature: &elsewhere });
    refused(&mut town, 3, "AuthenticationFailed 2 0 0");

    let (_, nonce) = challenged(&mut town, 4, "alice");
    let mallory = town.proof("mallory", NAME, &nonce, &hello);
    town.send(4, 2, Body::Proof { signature: &mallory });
    refused(&mut town, 4, "AuthenticationFailed 2 0 0");
    assert_eq!((town.relay.info().rejected, town.relay.info().users), (3, 0));
}

#[test]
fn a_connection_that_is_closed_says_no_more() {
    let mut town = Town::new();
    let (hello, nonce) = challenged(&mut town, 1, "alice");
    town.send(1, 2, Body::Proof { signature: &[0; 64] });
    refused(&mut town, 1, "AuthenticationFailed 2 0 0");
    let signature = town.proof("alice", NAME, &nonce, &hello);
    town.send(1, 3, Body::Proof { signature: &signature });
    assert!(town.arrived(1).is_empty());
    town.disconnect(1);
}

#[test]
fn a_method_that_the_host_did_not_ask_for_and_another_user_than_the_hosts_are_refused() {
    let mut town = Town::new();
    for (connection, host, user, method) in [
        (1, None, "alice", Method::Host),
        (2, Some("alice"), "alice", Method::Proof),
        (3, Some("alice"), "bob", Method::Host),
    ] {
        town.connect(connection, host).unwrap();
        let hello = town.hello(user, method, &Memory::default());
        town.receive(connection, &hello);
        refused(&mut town, connection, "NotPermitted 1 0 0");
    }
}

#[test]
fn before_welcome_there_is_nothing_but_hello_and_proof_and_after_it_neither() {
    let mut town = Town::new();
    town.connect(1, Some("alice")).unwrap();
    town.send(1, 7, Body::Ping);
    refused(&mut town, 1, "NotPermitted 0 0 0");
    town.connect(2, Some("alice")).unwrap();
    town.send(2, 7, Body::Proof { signature: &[1; 64] });
    refused(&mut town, 2, "NotPermitted 0 0 0");
    town.come(3, "alice");
    town.arrived(3);
    let hello = town.hello("alice", Method::Host, &Memory::default());
    town.receive(3, &hello);
    refused(&mut town, 3, "NotPermitted 0 0 0");
    assert_eq!(town.relay.info().online, 0);
}

#[test]
fn frames_that_are_none_end_the_connection() {
    let mut town = Town::new();
    town.gather(&["alice", "bob", "carol"]);
    town.receive(1, b"");
    refused(&mut town, 1, "Malformed 0 0 0");
    town.receive(2, &[1, 9, 0, 1, 0x60, 22, 0, 0, 0, 1]);
    refused(&mut town, 2, "UnsupportedVersion 0 0 0");
    town.send(3, 5, Body::Ok);
    refused(&mut town, 3, "NotPermitted 0 0 0");
    assert_eq!((town.relay.info().bad_frames, town.relay.info().online), (3, 0));
}

#[test]
fn a_card_of_another_identity_is_refused() {
    let mut town = Town::new();
    town.come(1, "alice");
    let other = person_with("alice", "another");
    town.connect(2, Some("alice")).unwrap();
    let memory = Memory::default();
    let hello = sealwax::wire::frame::Hello {
        method: Method::Host,
        card: other.card().as_bytes(),
        store_id: &memory.store_id,
        commit: 0,
        relay_id: &memory.relay_id,
        seen: 0,
    };
    town.send(2, 1, Body::Hello(hello));
    refused(&mut town, 2, "IdentityChanged 1 0 0");
    assert!(!town.is_closed(1));
}

#[test]
fn an_older_connection_of_the_user_is_replaced() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    town.come(3, "alice");
    refused(&mut town, 1, "Replaced 0 0 0");
    town.arrived(3);
    town.send(2, 1, Body::Send { commit: 0, envelope: &direct("bob", "alice", 1) });
    assert_eq!(town.told(3).len(), 1);
    town.send(1, 9, Body::Ping);
    assert!(town.arrived(1).is_empty(), "the old one is closed");
    town.disconnect(1);
    assert_eq!((town.relay.info().online, town.relay.info().replaced), (2, 1), "its end concerns nobody");
}

#[test]
fn what_gathered_follows_the_welcome_and_resuming_drops_what_was_seen() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    town.disconnect(2);
    for mark in 0..3 {
        town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", mark) });
    }
    let first = town.come(3, "bob");
    assert_eq!((first.acknowledged, first.last), (0, 3));
    let told = town.told(3);
    assert!(told[0].starts_with("1: ") && told[2].starts_with("3: "), "{told:?}");
    assert_eq!((told.len(), told[3].as_str()), (4, "end"));

    let resumed = Memory { relay_id: first.relay_id, seen: 2, ..Memory::default() };
    let second = town.come_with(4, "bob", resumed);
    assert_eq!((second.relay_id, second.acknowledged, second.last), (first.relay_id, 2, 3));
    let told = town.told(4);
    assert!(told[0].starts_with("3: "));
    assert_eq!(told.len(), 2);
    assert_eq!(town.relay.info().queued, 1);
}

#[test]
fn what_was_seen_of_another_relay_or_never_given_out_means_nothing() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    town.disconnect(2);
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 1) });
    let foreign = Memory { relay_id: [9; 16], seen: 1, ..Memory::default() };
    let welcome = town.come_with(3, "bob", foreign);
    assert_eq!((welcome.acknowledged, town.told(3).len()), (0, 2));
    let beyond = Memory { relay_id: welcome.relay_id, seen: 2, ..Memory::default() };
    assert_eq!(town.come_with(4, "bob", beyond).acknowledged, 0);
    assert_eq!(town.told(4).len(), 2);
}

#[test]
fn a_store_is_told_the_highest_commit_that_the_relay_has_seen_of_it() {
    let mut town = Town::new();
    let with = |store_id, commit| Memory { store_id, commit, ..Memory::default() };
    assert_eq!(town.come_with(1, "alice", with([1; 16], 5)).commit, 0, "not known before");
    town.send(1, 1, Body::Lookup { user: "alice" });
    town.send(1, 0, Body::Acknowledge { commit: 9, sequence: 0 });
    assert_eq!(town.come_with(2, "alice", with([1; 16], 7)).commit, 9, "a restored copy");
    assert_eq!(town.come_with(3, "alice", with([1; 16], 12)).commit, 9);
    assert_eq!(town.come_with(4, "alice", with([2; 16], 1)).commit, 0, "another store");
    assert_eq!(town.come_with(5, "alice", with([2; 16], 1)).commit, 1);
    assert_eq!(town.come_with(6, "alice", with([1; 16], 1)).commit, 0, "the last store alone");
}

#[test]
fn the_first_prekeys_of_a_restored_copy_end_its_being_one() {
    let mut town = Town::new();
    let mut alice = person("alice");
    let with = |commit| Memory { store_id: [1; 16], commit, ..Memory::default() };
    town.come_with(1, "alice", with(5));
    let bundle = alice.prekeys(&mut SystemRandom, 4, town.now_ms).unwrap();
    town.send(1, 1, Body::Prekeys { commit: 40, bundle: &bundle });
    let copy = town.come_with(2, "alice", with(7));
    assert_eq!((copy.commit, copy.one_time_prekeys), (40, 0), "who knows which of them were used");
    town.arrived(2);
    // Other frames of it say nothing, and until it has published it is a copy.
    town.send(2, 1, Body::Acknowledge { commit: 8, sequence: 0 });
    assert_eq!(town.come_with(3, "alice", with(8)).commit, 40);
    town.arrived(3);
    let bundle = alice.prekeys(&mut SystemRandom, 3, town.now_ms).unwrap();
    town.send(3, 1, Body::Prekeys { commit: 9, bundle: &bundle });
    assert_eq!(town.answer(3), "ok 1");
    let next = town.come_with(4, "alice", with(10));
    assert_eq!((next.commit, next.one_time_prekeys), (9, 3), "what it made since is not discarded");
    town.restart();
    let next = town.come_with(1, "alice", with(10));
    assert_eq!((next.commit, next.one_time_prekeys), (10, 3));
    // Of a connection that is none, a lower number beside prekeys changes nothing.
    let bundle = alice.prekeys(&mut SystemRandom, 1, town.now_ms).unwrap();
    town.send(1, 1, Body::Prekeys { commit: 2, bundle: &bundle });
    assert_eq!(town.come_with(2, "alice", with(11)).commit, 10);
}

#[test]
fn the_hosts_own_mistakes_fail_the_call() {
    let mut town = Town::new();
    assert_eq!(town.connect(0, None), Err(Error::InvalidArgument));
    assert_eq!(town.connect(1, Some("a\n")), Err(Error::InvalidText));
    town.connect(1, None).unwrap();
    assert_eq!(town.connect(1, None), Err(Error::InvalidArgument));
    let nameless = Relay::new(RelayOptions::default());
    assert_eq!(nameless.connect(1, None, 1).err(), Some(Error::InvalidArgument), "a proof is for a name");
    nameless.connect(1, Some("alice"), 1).unwrap();
    assert_eq!(town.relay.receive(2, b"", 1).err(), Some(Error::InvalidArgument));
    assert_eq!(town.relay.disconnect(2, 1).err(), Some(Error::InvalidArgument));
    town.disconnect(1);
    assert_eq!(town.relay.disconnect(1, 1).err(), Some(Error::InvalidArgument));
    assert_eq!(town.connect(1, None), Err(Error::InvalidArgument), "a number is used once");
    assert_eq!(town.relay.info().connections, 0);
}
