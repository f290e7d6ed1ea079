//! When a sender refuses, and what it writes.

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::group::{GroupSender, GroupSenderOptions};
use sealwax::limits::{DAY_MS, MESSAGE_MAX};
use sealwax::wire::content::{ContentKind, Padding};
use sealwax::wire::group::{GroupMessage, Link};

use crate::circle::{Circle, Options};
use crate::common::group::Act;

fn with_policy(change: impl FnOnce(&mut GroupSenderOptions)) -> Circle {
    let mut options = Options::default();
    change(&mut options.sender);
    Circle::with(&["alice", "bob"], options)
}

#[test]
fn a_key_rotates_after_its_messages() {
    let mut circle = with_policy(|options| options.rotate_messages = 3);
    circle.send_many("alice", 3);
    assert_eq!(circle.try_send("alice", "fourth").err(), Some(Error::RotationRequired));
    circle.rotate("alice");
    circle.send("alice", "fourth");
}

#[test]
fn a_key_rotates_after_its_time() {
    let mut circle = with_policy(|options| options.rotate_ms = DAY_MS);
    circle.now_ms += DAY_MS - 1;
    circle.send("alice", "in time");
    circle.now_ms += 1;
    assert_eq!(circle.try_send("alice", "late").err(), Some(Error::RotationRequired));
    assert_eq!(circle.get("alice").sender.info().rotate_at_ms, circle.now_ms);
}

#[test]
fn a_role_changes_no_reader_and_needs_no_rotation() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.change("alice", Act::Role("bob", sealwax::wire::roster::Role::Admin));
    let envelope = circle.send("alice", "still the same key");
    assert_eq!(GroupMessage::parse(&envelope).unwrap().front.epoch, 1);
    assert!(circle.read("bob", &envelope).is_ok());
}

#[test]
fn a_policy_that_never_rotates_is_refused() {
    let circle = Circle::new(&["alice", "bob"]);
    let alice = &circle.members["alice"];
    for change in [
        |options: &mut GroupSenderOptions| options.rotate_messages = 0,
        |options: &mut GroupSenderOptions| options.rotate_messages = (1 << 24) + 1,
        |options: &mut GroupSenderOptions| options.rotate_ms = 0,
    ] {
        let mut options = GroupSenderOptions::default();
        change(&mut options);
        let made = GroupSender::new(&alice.identity, &alice.roster, options, 0, &mut SystemRandom);
        assert_eq!(made.err(), Some(Error::InvalidOptions));
    }
}

#[test]
fn a_refused_encryption_changes_nothing_and_leaves_no_content() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let now_ms = circle.now_ms;
    let alice = circle.get("alice");
    let before = alice.sender.export(0).unwrap();
    let mut out = vec![0xaa; alice.sender.encrypt_len(6)];
    let mut refuse = |kind, body: &[&[u8]], capacity: usize| {
        let out = &mut out[..capacity];
        let error =
            alice.sender.encrypt(&alice.roster, kind, body, now_ms, &mut SystemRandom, out).unwrap_err();
        assert!(out.iter().all(|byte| *byte == 0xaa));
        assert_eq!(alice.sender.export(0).unwrap(), before);
        error
    };
    let (full, large) = (refuse(ContentKind::Data, &[b"\0hello"], 10), vec![0; MESSAGE_MAX + 2]);
    assert_eq!(full, Error::InvalidArgument);
    assert_eq!(refuse(ContentKind::Distribution, &[b"hello"], 100), Error::InvalidArgument);
    assert_eq!(refuse(ContentKind::Data, &[&large], 100), Error::TooLarge);
}

#[test]
fn padding_hides_the_length() {
    let mut options = Options::default();
    options.sender.padding = Padding::Padme;
    let mut circle = Circle::with(&["alice", "bob"], options);
    let (short, long) = (circle.send("alice", &"a".repeat(1_000)), circle.send("alice", &"a".repeat(1_001)));
    assert_eq!(short.len(), long.len());
    assert_eq!(circle.read("bob", &long).unwrap().len(), 1_001);
}

#[test]
fn the_largest_message_fits_its_limit() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let envelope = circle.send("alice", &"x".repeat(MESSAGE_MAX));
    assert_eq!(circle.read("bob", &envelope).unwrap().len(), MESSAGE_MAX);
}

#[test]
fn the_next_key_names_the_one_before() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let old_key = circle.get("alice").sender.info().key_id;
    circle.send_many("alice", 4);
    circle.rotate("alice");
    let next = circle.distribution("alice", "bob").unwrap().encode();
    assert_eq!(next[229], 1);
    assert_eq!(next[230..238], old_key);
    assert_eq!(next[238..242], 4_u32.to_be_bytes());
    assert_ne!(next[242..258], [0; 16]);
}

#[test]
fn after_a_restart_the_next_message_says_what_was_set_aside() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.send_many("alice", 2);
    let payload = circle.get("alice").sender.export(5).unwrap();
    circle.get("alice").reload_sender(&payload);
    let (resumed, next) = (circle.send("alice", "resumed"), circle.send("alice", "next"));
    let front = GroupMessage::parse(&resumed).unwrap().front;
    assert_eq!((front.counter, front.resumed_from()), (7, Some(2)));
    assert!(matches!(GroupMessage::parse(&next).unwrap().front.link, Link::Known(_)));
    assert!(circle.read("bob", &resumed).is_ok() && circle.read("bob", &next).is_ok());
}

#[test]
fn two_restarts_in_a_row_say_all_that_was_set_aside() {
    let mut circle = Circle::new(&["alice", "bob"]);
    for _ in 0..2 {
        let payload = circle.get("alice").sender.export(5).unwrap();
        circle.get("alice").reload_sender(&payload);
    }
    let resumed = circle.send("alice", "resumed");
    let front = GroupMessage::parse(&resumed).unwrap().front;
    assert_eq!((front.counter, front.resumed_from()), (10, Some(0)));
    assert!(circle.read("bob", &resumed).is_ok());
}
