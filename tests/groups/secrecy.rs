//! What a stolen state opens, and that no key and nonce meet twice.

use std::collections::HashSet;

use sealwax::Error;
use sealwax::crypto::ecc::SignPrivate;
use sealwax::group::GroupReceiver;
use sealwax::wire::group::GroupMessage;

use crate::circle::Circle;

/// Bob's state as a thief has it, who can set any clock.
fn stolen(circle: &mut Circle) -> GroupReceiver {
    let payload = circle.get("bob").state();
    let bob = circle.get("bob");
    GroupReceiver::import(&bob.identity, &bob.roster, GroupReceiver::FORMAT, &payload).unwrap()
}

#[test]
fn a_state_taken_now_opens_no_earlier_message() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 700);
    // In order, out of order, and within blocks that were skipped whole.
    let mut read = vec![0, 1, 5, 3, 699, 300, 310, 305, 256, 511];
    for at in &read {
        circle.read("bob", &sent[*at]).unwrap();
    }
    let thief = stolen(&mut circle);
    let now_ms = circle.now_ms;
    let roster = &circle.get("bob").roster;
    read.sort_unstable();
    for (at, envelope) in sent.iter().enumerate() {
        let opened = thief.open(roster, envelope, now_ms);
        assert_eq!(opened.is_err(), read.binary_search(&at).is_ok(), "message {at}");
    }
}

#[test]
fn the_state_holds_no_chain_that_derives_a_read_message() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let given = circle.distribution("alice", "bob").unwrap();
    let chain: [u8; 32] = given.encode()[149..181].try_into().unwrap();
    let seed: [u8; 32] = given.encode()[181..213].try_into().unwrap();
    let sent = circle.send_many("alice", 600);
    circle.read("bob", &sent[0]).unwrap();
    circle.read("bob", &sent[599]).unwrap();
    circle.read("bob", &sent[256]).unwrap();
    let state = circle.get("bob").state();
    let holds = |bytes: &[u8]| state.windows(32).any(|window| window == bytes);
    // chain_(0,0), seed_1, and the chain and the key of message 256.
    let expand = |key: &[u8; 32], label, length: usize| {
        let mut derived = vec![0; length];
        let info = [&[u8::try_from(str::len(label)).unwrap()], label.as_bytes()].concat();
        let mut block = Vec::new();
        for counter in 1..=length / 32 {
            let counter = [u8::try_from(counter).unwrap()];
            block = sealwax::crypto::kdf::hmac(key, &[&block, &info, &counter]).as_bytes().to_vec();
            let at = (usize::from(counter[0]) - 1) * 32;
            derived[at..at + 32].copy_from_slice(&block);
        }
        derived
    };
    let block = expand(&seed, "sealwax block/1", 64);
    let step = expand(block[32..64].try_into().unwrap(), "sealwax step/1", 96);
    assert!(!holds(&chain) && !holds(&seed));
    assert!(!holds(&block[32..64]), "the chain before a used message");
    assert!(!holds(&step[32..64]), "the key of a used message");
    assert!(holds(&step[..32]), "what is left of the block");
}

#[test]
fn a_rotation_erases_the_old_chain_snapshot_and_signing_key() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    circle.rotate("alice");
    let given = circle.distribution("alice", "bob").unwrap().encode();
    circle.send("alice", "the chain moves, the snapshot waits for Carol");
    let secrets = |state: &[u8]| {
        let holds = |bytes: &[u8]| state.windows(32).any(|window| window == bytes);
        let signs = |window: &[u8]| {
            let key = SignPrivate::from_bytes(window.try_into().unwrap());
            key.is_ok_and(|key| key.public().as_bytes()[..] == given[80..145])
        };
        [holds(&given[149..181]), holds(&given[181..213]), state.windows(32).any(signs)]
    };
    assert_eq!(secrets(&circle.get("alice").sender.export(0).unwrap()), [true, true, true]);
    circle.rotate("alice");
    assert_eq!(secrets(&circle.get("alice").sender.export(0).unwrap()), [false, false, false]);
}

#[test]
fn a_restored_sender_repeats_no_counter_and_no_key_with_a_nonce() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let mut seen = HashSet::new();
    let mut note = |envelopes: &[Vec<u8>]| {
        for envelope in envelopes {
            let front = GroupMessage::parse(envelope).unwrap().front;
            assert!(seen.insert((*front.key_id, front.counter)), "a counter was used twice");
        }
    };
    let payload = circle.get("alice").sender.export(10).unwrap();
    let before = circle.send_many("alice", 10);
    note(&before);
    circle.get("alice").reload_sender(&payload);
    let after = circle.send_many("alice", 10);
    note(&after);
    for envelope in before.iter().chain(&after) {
        assert!(circle.read("bob", envelope).is_ok());
    }
}

#[test]
fn a_lease_that_was_not_kept_still_repeats_no_nonce() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let payload = circle.get("alice").sender.export(0).unwrap();
    let first = circle.send("alice", "first life");
    circle.get("alice").reload_sender(&payload);
    let second = circle.send("alice", "second life");
    let nonce = |envelope: &[u8]| *GroupMessage::parse(envelope).unwrap().front.nonce;
    assert_ne!(nonce(&first), nonce(&second));
    circle.read("bob", &first).unwrap();
    assert_eq!(circle.refuse("bob", &second), Error::Replay);
}
