//! Order, loss, repetition.

use sealwax::Error;
use sealwax::group::{GroupReceiver, GroupReceiverOptions};
use sealwax::limits::{GROUP_CHAIN_MAX, GROUP_SKIP_MAX, GROUP_SKIPPED_KEYS_MAX, LEASE_MAX};

use crate::circle::{Circle, Options};

#[test]
fn every_member_reads_what_any_member_sends() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    for from in ["alice", "bob", "carol"] {
        let envelope = circle.send(from, "hello");
        for to in ["alice", "bob", "carol"] {
            let read = circle.read(to, &envelope);
            // Nobody holds a receiving key of their own.
            assert_eq!(read, if to == from { Err(Error::UnknownKey) } else { Ok("hello".to_owned()) });
        }
    }
}

#[test]
fn messages_open_in_any_order_across_blocks() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 600);
    for at in 0..600 {
        let at = (at * 7 + 400) % 600;
        assert_eq!(circle.read("bob", &sent[at]), Ok(at.to_string()));
    }
    assert_eq!(circle.get("bob").receiver.info().senders[0].keys[0].skipped, 0);
}

#[test]
fn order_across_rotations_does_not_matter() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let old = circle.send_many("alice", 3);
    circle.rotate("alice");
    circle.distribute("alice");
    let new = circle.send_many("alice", 3);
    for envelope in [&new[1], &old[2], &new[0], &old[0], &new[2], &old[1]] {
        assert!(circle.read("bob", envelope).is_ok());
    }
}

#[test]
fn a_recent_duplicate_and_an_old_replay_are_told_apart() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 40);
    for envelope in &sent {
        circle.read("bob", envelope).unwrap();
    }
    assert_eq!(circle.refuse("bob", &sent[39]), Error::Duplicate);
    assert_eq!(circle.refuse("bob", &sent[8]), Error::Duplicate);
    assert_eq!(circle.refuse("bob", &sent[7]), Error::Replay);
}

/// Two members; the keys last as long as the protocol allows.
fn roomy() -> Circle {
    let mut options = Options::default();
    options.sender.rotate_messages = GROUP_CHAIN_MAX;
    Circle::with(&["alice", "bob"], options)
}

/// Alice sets messages aside; leases are the quickest way ahead.
fn jump(circle: &mut Circle, messages: u32) {
    let mut left = messages;
    while left > 0 {
        let lease = left.min(LEASE_MAX);
        let payload = circle.get("alice").sender.export(lease).unwrap();
        circle.get("alice").reload_sender(&payload);
        left -= lease;
    }
}

#[test]
fn a_gap_of_24_000_opens_and_so_does_what_was_skipped() {
    let mut circle = roomy();
    let early = circle.send("alice", "early");
    jump(&mut circle, 24_000);
    let late = circle.send("alice", "late");
    assert_eq!(circle.read("bob", &late), Ok("late".to_owned()));
    assert_eq!(circle.read("bob", &early), Ok("early".to_owned()));
}

#[test]
fn a_message_beyond_the_skip_limit_is_too_far_ahead() {
    let mut circle = roomy();
    jump(&mut circle, GROUP_SKIP_MAX);
    let farthest = circle.send("alice", "farthest");
    let beyond = circle.send("alice", "beyond");
    assert_eq!(circle.refuse("bob", &beyond), Error::TooFarAhead);
    assert_eq!(circle.read("bob", &farthest), Ok("farthest".to_owned()));
    assert_eq!(circle.read("bob", &beyond), Ok("beyond".to_owned()));
}

#[test]
fn a_message_that_was_dropped_from_storage_has_an_unknown_key() {
    let mut circle = roomy();
    let first = circle.send("alice", "first");
    jump(&mut circle, 254);
    let mut lasts = vec![circle.send("alice", "last")];
    let blocks = GROUP_SKIPPED_KEYS_MAX / 255 + 1;
    for _ in 0..blocks {
        jump(&mut circle, 255);
        lasts.push(circle.send("alice", "last"));
    }
    circle.read("bob", lasts.last().unwrap()).unwrap();
    // Opening the end of each block, the newest first, turns the rest of it into keys; the oldest make room.
    for last in lasts.iter().rev().skip(1) {
        circle.read("bob", last).unwrap();
    }
    assert_eq!(circle.refuse("bob", &first), Error::UnknownKey);
}

#[test]
fn a_message_below_the_first_counter_has_an_unknown_key() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let early = circle.send("alice", "early");
    let bob = circle.get("bob");
    let options = GroupReceiverOptions::default();
    bob.receiver = GroupReceiver::new(&bob.identity, &bob.roster, options, 0).unwrap();
    circle.give("alice", "bob").unwrap();
    assert_eq!(circle.refuse("bob", &early), Error::UnknownKey);
    let late = circle.send("alice", "late");
    assert_eq!(circle.read("bob", &late), Ok("late".to_owned()));
}

#[test]
fn another_group_is_told_apart() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let mut other = Circle::new(&["alice", "bob", "carol"]);
    let envelope = other.send("alice", "elsewhere");
    assert_eq!(circle.refuse("bob", &envelope), Error::WrongGroup);
    let distribution = other.distribution("alice", "bob").unwrap();
    assert_eq!(circle.install("alice", "bob", &distribution), Err(Error::WrongGroup));
}

#[test]
fn a_message_before_its_key_is_unknown_and_opens_after_it() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.rotate("alice");
    let envelope = circle.send("alice", "early bird");
    assert_eq!(circle.refuse("bob", &envelope), Error::UnknownKey);
    circle.distribute("alice");
    assert_eq!(circle.read("bob", &envelope), Ok("early bird".to_owned()));
}
