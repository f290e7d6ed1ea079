//! How messages hang together, and what a stored state breaks.

use sealwax::Error;

use crate::circle::Circle;
use crate::forger::{Forger, Odd};

/// Bob holds a key whose every message Mallory can write.
fn mallory() -> (Circle, Forger) {
    let mut circle = Circle::new(&["mallory", "bob"]);
    let given = circle.distribution("mallory", "bob").unwrap();
    let mut mallory = Forger::from_given(&given, "mallory");
    mallory.key_id = [1; 8];
    circle.install("mallory", "bob", &mallory.distribution()).unwrap();
    (circle, mallory)
}

fn linked(link: [u8; 16]) -> Odd {
    Odd { link: Some(link), ..Odd::default() }
}

#[test]
fn a_message_after_one_that_was_opened_must_name_it() {
    let (mut circle, mallory) = mallory();
    let (first, link) = mallory.message(0, "first", Odd::default());
    let (other_first, other_link) = mallory.message(0, "other", Odd::default());
    circle.read("bob", &first).unwrap();
    let forked = mallory.message(1, "second", linked(other_link)).0;
    assert_eq!(circle.refuse("bob", &forked), Error::AuthenticationFailed);
    assert_eq!(circle.refuse("bob", &other_first), Error::Replay);
    assert!(circle.read("bob", &mallory.message(1, "second", linked(link)).0).is_ok());
}

#[test]
fn a_message_must_be_the_one_that_an_opened_successor_names() {
    let (mut circle, mallory) = mallory();
    let (first, link) = mallory.message(0, "first", Odd::default());
    let (other_first, _) = mallory.message(0, "other", Odd::default());
    circle.read("bob", &mallory.message(1, "second", linked(link)).0).unwrap();
    assert_eq!(circle.refuse("bob", &other_first), Error::AuthenticationFailed);
    assert_eq!(circle.read("bob", &first), Ok("first".to_owned()));
}

#[test]
fn the_last_message_must_be_the_one_that_the_next_key_names() {
    let mut circle = Circle::new(&["mallory", "bob"]);
    let given = circle.distribution("mallory", "bob").unwrap();
    let mut mallory = Forger::from_given(&given, "mallory");
    mallory.key_id = [1; 8];
    let (first, link) = mallory.message(0, "first", Odd::default());
    let (other_first, _) = mallory.message(0, "other", Odd::default());
    circle.install("mallory", "bob", &mallory.distribution()).unwrap();
    let old_key = mallory.key_id;
    mallory.key_id = [2; 8];
    let mut successor = mallory.distribution().encode().to_vec();
    successor.pop();
    successor.push(1);
    successor.extend(old_key);
    successor.extend(1_u32.to_be_bytes());
    successor.extend(link);
    let successor = sealwax::group::Distribution::decode(&successor).unwrap();
    circle.install("mallory", "bob", &successor).unwrap();
    assert_eq!(circle.refuse("bob", &other_first), Error::AuthenticationFailed);
    mallory.key_id = old_key;
    let beyond = mallory.message(1, "beyond", linked(link)).0;
    assert_eq!(circle.refuse("bob", &beyond), Error::UnknownKey);
    assert_eq!(circle.read("bob", &first), Ok("first".to_owned()));
}

#[test]
fn the_first_message_must_carry_the_first_link() {
    let (mut circle, mallory) = mallory();
    // The distribution did not say its link, but everybody can compute that of message 0.
    let wrong = mallory.message(0, "first", linked([3; 16])).0;
    assert_eq!(circle.refuse("bob", &wrong), Error::AuthenticationFailed);
    let mut distribution = mallory.distribution().encode().to_vec();
    distribution[213..229].copy_from_slice(&[3; 16]);
    distribution[72..80].copy_from_slice(&[2; 8]);
    let distribution = sealwax::group::Distribution::decode(&distribution).unwrap();
    assert_eq!(circle.install("mallory", "bob", &distribution), Err(Error::Malformed));
}

#[test]
fn a_distribution_from_the_middle_says_what_its_first_message_carries() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    circle.send_many("alice", 5);
    let distribution = circle.distribution("alice", "bob").unwrap();
    let bytes = distribution.encode();
    let envelope = circle.send("alice", "sixth");
    let front = sealwax::wire::group::GroupMessage::parse(&envelope).unwrap().front;
    assert_eq!(front.link, sealwax::wire::group::Link::Known(bytes[213..229].try_into().unwrap()));
}

#[test]
fn a_resumed_message_is_not_held_to_a_link() {
    let (mut circle, mallory) = mallory();
    let (first, _) = mallory.message(0, "first", Odd::default());
    circle.read("bob", &first).unwrap();
    let odd = Odd { resumed_from: Some(1), ..Odd::default() };
    let (resumed, link) = mallory.message(1, "resumed", odd);
    circle.read("bob", &resumed).unwrap();
    let wrong = mallory.message(2, "wrong", linked([3; 16])).0;
    assert_eq!(circle.refuse("bob", &wrong), Error::AuthenticationFailed);
    circle.read("bob", &mallory.message(2, "right", linked(link)).0).unwrap();
}
