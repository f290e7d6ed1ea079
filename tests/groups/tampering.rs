//! Changed bytes, and messages of people who did not send them.

use sealwax::Error;
use sealwax::wire::content::ContentKind;

use crate::circle::Circle;
use crate::forger::{Forger, Odd};

#[test]
fn changing_any_byte_is_refused_and_changes_nothing() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.send("alice", "lost");
    let payload = circle.get("alice").sender.export(4).unwrap();
    let plain = circle.send("alice", "a message");
    circle.get("alice").reload_sender(&payload);
    let resumed = circle.send("alice", "a message");
    for envelope in [plain, resumed] {
        for at in 0..envelope.len() {
            for mask in [0x01, 0x80] {
                let mut changed = envelope.clone();
                changed[at] ^= mask;
                circle.refuse("bob", &changed);
            }
        }
        for length in 0..envelope.len() {
            circle.refuse("bob", &envelope[..length]);
        }
        circle.refuse("bob", &[&envelope[..], &[0]].concat());
        assert_eq!(circle.read("bob", &envelope), Ok("a message".to_owned()));
    }
}

#[test]
fn a_member_cannot_forge_another() {
    let mut circle = Circle::new(&["alice", "bob", "mallory"]);
    circle.rotate("alice");
    let given = circle.distribution("alice", "mallory").unwrap();
    circle.distribute("alice");
    // Mallory knows the chain, and so the message key and the commitment, but not the signing key.
    let (envelope, _) = Forger::from_given(&given, "alice").message(0, "I am Alice", Odd::default());
    assert_eq!(circle.refuse("bob", &envelope), Error::AuthenticationFailed);
    let resumed = Odd { resumed_from: Some(0), ..Odd::default() };
    let (envelope, _) = Forger::from_given(&given, "alice").message(0, "I am Alice", resumed);
    assert_eq!(circle.refuse("bob", &envelope), Error::AuthenticationFailed);
    // Nor can it pass its own key off as one of hers.
    let mut own = Forger::from_given(&given, "alice");
    own.key_id = [1; 8];
    circle.install("mallory", "bob", &own.distribution()).unwrap();
    let (envelope, _) = own.message(0, "I am Alice", Odd::default());
    assert_eq!(circle.refuse("bob", &envelope), Error::UnknownKey);
    own.sender = "mallory".to_owned();
    let (envelope, _) = own.message(0, "I am Mallory", Odd::default());
    assert_eq!(circle.read("bob", &envelope), Ok("I am Mallory".to_owned()));
}

#[test]
fn of_two_members_given_different_chains_at_most_one_accepts_a_message() {
    let mut circle = Circle::new(&["mallory", "bob", "carol"]);
    let given = circle.distribution("mallory", "bob").unwrap();
    let mut mallory = Forger::from_given(&given, "mallory");
    mallory.key_id = [1; 8];
    circle.install("mallory", "bob", &mallory.distribution()).unwrap();
    let (for_bob, _) = mallory.message(0, "yes", Odd::default());
    mallory.chain = [7; 32];
    circle.install("mallory", "carol", &mallory.distribution()).unwrap();
    let (for_carol, _) = mallory.message(0, "no", Odd::default());
    assert_eq!(circle.refuse("carol", &for_bob), Error::AuthenticationFailed);
    assert_eq!(circle.refuse("bob", &for_carol), Error::AuthenticationFailed);
    circle.read("bob", &for_bob).unwrap();
    circle.read("carol", &for_carol).unwrap();
}

#[test]
fn content_that_groups_do_not_carry_is_the_wrong_kind() {
    let mut circle = Circle::new(&["mallory", "bob"]);
    let given = circle.distribution("mallory", "bob").unwrap();
    let mut mallory = Forger::from_given(&given, "mallory");
    mallory.key_id = [1; 8];
    circle.install("mallory", "bob", &mallory.distribution()).unwrap();
    for kind in (2..=9).map(|kind| ContentKind::try_from(kind).unwrap()) {
        let odd = Odd { kind: Some(kind), ..Odd::default() };
        assert_eq!(circle.refuse("bob", &mallory.message(0, "key", odd).0), Error::WrongKind);
    }
}

#[test]
fn an_opening_of_an_older_state_is_not_committed() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let (first, second) = (circle.send("alice", "first"), circle.send("alice", "second"));
    let now_ms = circle.now_ms;
    let bob = circle.get("bob");
    let opened: Vec<_> = [&first, &second, &first]
        .into_iter()
        .map(|envelope| bob.receiver.open(&bob.roster, envelope, now_ms).unwrap())
        .collect();
    let mut committed = opened.into_iter().map(|opening| bob.receiver.commit(opening));
    assert_eq!(committed.next(), Some(Ok(None)));
    assert_eq!(committed.next(), Some(Err(Error::InvalidArgument)));
    assert_eq!(committed.next(), Some(Err(Error::InvalidArgument)));
    drop(committed);
    assert_eq!(circle.read("bob", &second), Ok("second".to_owned()));
}
