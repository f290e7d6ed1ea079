//! What bounds a client's memory, seen from inside.

use zeroize::Zeroizing;

use crate::client::outbox::Target;
use crate::client::{Client, ClientOptions};
use crate::crypto::rng::scripted::ScriptedRandom;
use crate::identity::{Identity, IdentityOptions};
use crate::limits::{CLIENT_AUTOMATIC_PEER_MAX, CLIENT_PEERS_MAX, CLIENT_SEEN_MAX};
use crate::session::{Session, SessionOptions};
use crate::store::{MemoryDisk, Store};
use crate::wire::content::ContentKind;

const NOW: u64 = 1_000_000_000;

fn alice() -> Client {
    alice_with(ClientOptions::default())
}

fn alice_with(options: ClientOptions) -> Client {
    let store = Store::open_memory(&MemoryDisk::new(), &[7; 32], &mut ScriptedRandom::new("store")).unwrap();
    let rng = Box::new(ScriptedRandom::new("alice"));
    Client::create(store, "alice", IdentityOptions::default(), options, rng, NOW).unwrap()
}

#[test]
fn peers_who_are_not_needed_leave_memory_and_are_as_they_were_when_they_are() {
    let mut alice = alice();
    let mut rng = ScriptedRandom::new("bob");
    let mut bob = Identity::generate(&mut rng, "bob", IdentityOptions::default(), NOW).unwrap();
    let bundle = bob.prekeys(&mut rng, 1, NOW).unwrap();
    alice.peer("bob").unwrap().accepted = true;
    alice.found("bob", bob.card().as_bytes(), &bundle).unwrap();
    let mut envelopes = Vec::new();
    for round in 0..3_u8 {
        let body = [&[1], &b"hello"[..]].concat();
        envelopes.push(alice.seal("bob", ContentKind::Data, &[round; 16], &body).unwrap().unwrap());
        alice.pending().unwrap();
        for number in 0..CLIENT_PEERS_MAX + 10 {
            alice.peer(&format!("{round} {number}")).unwrap();
        }
        alice.pending().unwrap();
        assert!(alice.peers.len() <= CLIENT_PEERS_MAX);
        assert!(!alice.peers.contains_key("bob"));
        assert!(alice.peer("bob").unwrap().accepted);
    }
    let options = SessionOptions::default();
    let session = Session::accept(&mut bob, &envelopes[0], options, NOW).unwrap();
    for envelope in &envelopes {
        // No counter is passed over, and none comes twice.
        session.open(Some(&bob), envelope, NOW).unwrap();
    }
    assert_ne!(envelopes[0], envelopes[1]);
}

#[test]
fn what_may_be_dropped_is_bounded_for_each_peer_and_leaves_room_for_the_application() {
    let mut alice = alice();
    let target = Target::User("bob".into());
    let body = |number: u16| Zeroizing::new(number.to_be_bytes().to_vec());
    alice.enqueue_spare(target.clone(), ContentKind::Distribution, body(0)).unwrap();
    for number in 0..1_000 {
        alice.enqueue_spare(target.clone(), ContentKind::Withheld, body(number)).unwrap();
    }
    let open = |alice: &Client, kind| alice.outbox.open(&target, kind).count();
    assert_eq!(open(&alice, ContentKind::Withheld), CLIENT_AUTOMATIC_PEER_MAX - 1);
    assert_eq!(open(&alice, ContentKind::Distribution), 1);
    let newest = alice.outbox.open(&target, ContentKind::Withheld).last().map(|(_, body)| body.to_vec());
    assert_eq!(newest, Some(999_u16.to_be_bytes().to_vec()));
    for number in 0..1_000 {
        alice.enqueue_spare(target.clone(), ContentKind::Distribution, body(number)).unwrap();
    }
    assert_eq!(open(&alice, ContentKind::Distribution), CLIENT_AUTOMATIC_PEER_MAX);
    assert_eq!(open(&alice, ContentKind::Withheld), 0);
}

#[test]
fn of_a_peer_who_was_not_accepted_no_more_is_marked_as_read_than_is_known_of_it() {
    let mut alice = alice_with(ClientOptions { acks: true, ..ClientOptions::default() });
    let mut rng = ScriptedRandom::new("bob");
    let mut bob = Identity::generate(&mut rng, "bob", IdentityOptions::default(), NOW).unwrap();
    let bundle = bob.prekeys(&mut rng, 1, NOW).unwrap();
    alice.found("bob", bob.card().as_bytes(), &bundle).unwrap();
    let id = |number: u64| u128::from(number).to_be_bytes();
    let most = CLIENT_SEEN_MAX + 500;
    for number in 0..most {
        alice.see("bob", &id(number), false).unwrap();
        alice.mark_read("bob", &[id(number)], NOW).unwrap();
    }
    let read = &alice.peer("bob").unwrap().read;
    assert_eq!(read.len() as u64, CLIENT_SEEN_MAX);
    assert!(!read.contains(&id(most - CLIENT_SEEN_MAX - 1)) && read.contains(&id(most - CLIENT_SEEN_MAX)));
}
