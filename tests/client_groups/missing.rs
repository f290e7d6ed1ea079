//! Messages whose key does not come, or comes late.

use sealwax::client::ClientOptions;
use sealwax::error::Error;
use sealwax::wire::frame::Body;
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::Role;

use crate::bed::Bed;

const SESSION: [u8; 2] = [1, 2];

/// Loses everything in sessions that is for Bob, keys among it.
fn loses_keys_for_bob(user: &str, payload: &[u8]) -> bool {
    user == "bob" && payload.get(4).is_some_and(|kind| SESSION.contains(kind))
}

/// Alice and Bob in a group; what Alice has written is there, its key is not.
fn without_key(texts: &[&str]) -> (Bed, [u8; 32]) {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.host.loses = Some(loses_keys_for_bob);
    let group = bed.found("alice", "team", &["bob"]);
    for text in texts {
        bed.say("alice", &group, text);
    }
    bed.run();
    assert_eq!(bed.person("bob").heard(), []);
    bed.host.loses = None;
    (bed, group)
}

#[test]
fn a_message_before_its_key_waits_and_the_key_is_asked_for() {
    let (mut bed, group) = without_key(&["one", "two"]);
    assert_eq!(bed.person("bob").happened(), ["group_joined by alice"]);
    bed.pass(10_000);
    assert_eq!(bed.person("bob").happened(), ["group_joined by alice", "message_pending 2 of alice"]);
    assert_eq!(bed.person("bob").heard_of("alice"), ["one", "two"]);
    bed.say("alice", &group, "three");
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice"), ["one", "two", "three"]);
    bed.assert_clean();
}

#[test]
fn what_waits_survives_the_end_of_the_client() {
    let (mut bed, _) = without_key(&["one", "two"]);
    bed.crash("bob");
    bed.connect("bob");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").heard_of("alice"), ["one", "two"]);
    bed.crash("bob");
    bed.connect("bob");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").heard_of("alice"), ["one", "two"]);
}

#[test]
fn a_key_is_asked_for_at_growing_intervals() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.host.loses = Some(loses_keys_for_bob);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "one");
    bed.run();
    let before = bed.host.taken.len();
    bed.pass(3_600_000);
    let asked = bed.host.taken[before..].iter().filter(|(from, _)| from == "bob").count();
    // After 5, 15, 35, 75 seconds and so on.
    assert!((5..=12).contains(&asked), "{asked}");
    bed.host.loses = None;
    bed.pass(3_600_000);
    assert_eq!(bed.person("bob").heard_of("alice"), ["one"]);
}

#[test]
fn no_more_of_one_sender_waits_than_there_is_room_for() {
    let texts: Vec<String> = (0..70).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (mut bed, _) = without_key(&texts);
    let lost: u32 = bed
        .person("bob")
        .group_events()
        .into_iter()
        .map(|event| match event {
            sealwax::client::GroupEvent::Unreadable { count, status: Error::LimitReached, .. } => *count,
            _ => 0,
        })
        .sum();
    assert_eq!(lost, 6);
    bed.pass(10_000);
    assert_eq!(bed.person("bob").heard_of("alice"), texts[..64]);
}

#[test]
fn who_founds_many_groups_has_no_more_room_for_it() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.host.loses = Some(loses_keys_for_bob);
    for label in ["one", "two"] {
        let group = bed.found("alice", label, &["bob"]);
        for number in 0..40 {
            bed.say("alice", &group, &number.to_string());
        }
        bed.run();
    }
    bed.host.loses = None;
    bed.pass(10_000);
    assert_eq!(bed.person("bob").heard().len(), 64);
}

/// The relay hands a message out to somebody whom it was not for.
fn leak(bed: &mut Bed, to: &str, at: usize) {
    let messages: Vec<Vec<u8>> = bed
        .host
        .taken
        .iter()
        .filter(|(_, envelope)| GroupMessage::parse(envelope).is_ok())
        .map(|(_, envelope)| envelope.clone())
        .collect();
    bed.host.push(to, 0, Body::Deliver { sequence: 1, payload: &messages[at] });
    bed.pass(60_000);
}

#[test]
fn who_came_later_is_told_that_an_old_key_is_withheld() {
    for (eager_members, expected) in [(0, "NotAMember"), (64, "WithheldKey")] {
        let options = ClientOptions { eager_members, ..ClientOptions::default() };
        let mut bed = Bed::with(&["alice", "bob", "carol"], &options);
        let group = bed.found("alice", "team", &["bob"]);
        bed.say("bob", &group, "not for carol");
        bed.run();
        bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms))
            .unwrap();
        leak(&mut bed, "carol", 0);
        assert_eq!(bed.person("carol").heard(), []);
        let told = bed.person("carol").happened();
        let expected = format!("message_unreadable 1 of bob: {expected}");
        assert_eq!(told.last(), Some(&expected), "{told:?}");
        assert_eq!(bed.person("carol").count("dropped"), 0);
    }
}

#[test]
fn what_waits_for_a_week_is_given_up() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.host.loses = Some(loses_keys_for_bob);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "one");
    bed.run();
    bed.disconnect("alice");
    bed.pass(8 * 86_400_000);
    let told = bed.person("bob").happened();
    assert_eq!(told.last().unwrap(), "message_unreadable 1 of alice: Expired", "{told:?}");
}
