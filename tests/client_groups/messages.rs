//! Messages between members who come and go.

use std::collections::BTreeSet;

use sealwax::client::{ClientOptions, GroupEvent, MessageState};
use sealwax::wire::content::ContentType;
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::Role;

use crate::bed::Bed;

#[test]
fn messages_of_one_sender_arrive_in_the_order_of_the_calls() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    let texts: Vec<String> = (0..200).map(|number| format!("message {number}")).collect();
    for text in &texts {
        bed.say("alice", &group, text);
    }
    bed.run();
    for name in ["bob", "carol"] {
        assert_eq!(bed.person(name).heard_of("alice"), texts);
    }
    bed.assert_clean();
}

#[test]
fn a_member_who_was_offline_reads_all_across_changes_of_keys() {
    let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    bed.disconnect("carol");
    bed.say("alice", &group, "one");
    bed.say("bob", &group, "uno");
    bed.run();
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms)).unwrap();
    bed.say("alice", &group, "two");
    bed.say("bob", &group, "due");
    bed.run();
    bed.ask("alice", |client, now_ms| client.remove_member(&group, "dave", now_ms)).unwrap();
    bed.say("alice", &group, "three");
    bed.run();
    // Longer than any window of a key.
    bed.pass(3_600_000);
    bed.connect("carol");
    bed.run();
    assert_eq!(bed.person("carol").heard_of("alice"), ["one", "two", "three"]);
    assert_eq!(bed.person("carol").heard_of("bob"), ["uno", "due"]);
    assert_eq!(
        bed.person("carol").happened(),
        ["group_joined by alice", "member_joined dave by alice", "member_left dave by alice"]
    );
    bed.assert_clean();
}

#[test]
fn a_hundred_members_get_a_message_at_once_and_thirty_of_them_later() {
    let names: Vec<String> = (0..100).map(|number| format!("user{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bed = Bed::of(&names);
    let (away, there) = names[1..].split_at(30);
    for name in away {
        bed.disconnect(name);
    }
    let group = bed.found(names[0], "crowd", &names[1..]);
    let id = bed.say(names[0], &group, "hello all");
    bed.run();
    assert_eq!(bed.person(names[0]).sent(&id), [Ok(())]);
    for name in there {
        assert_eq!(bed.person(name).heard_of(names[0]), ["hello all"], "{name}");
    }
    // Who says nothing hands out no key in a group of this size.
    let keys = bed.host.taken.iter().filter(|(from, _)| from != names[0]).count();
    assert!(keys <= 2 * there.len(), "{keys}");
    for name in away {
        bed.connect(name);
    }
    bed.run();
    for name in away {
        assert_eq!(bed.person(name).heard_of(names[0]), ["hello all"], "{name}");
    }
    bed.assert_clean();
}

#[test]
fn a_message_that_never_left_is_sealed_again_after_members_changed() {
    for reaches in [false, true] {
        let mut bed = Bed::of(&["alice", "bob", "carol"]);
        let group = bed.found("alice", "team", &["bob", "carol"]);
        bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms)).unwrap();
        bed.say("alice", &group, "before");
        bed.run();
        let id = bed.say("alice", &group, "in between");
        if reaches {
            bed.up("alice").unwrap();
        } else {
            while bed.client("alice").next_frame().unwrap().is_some() {}
        }
        bed.disconnect("alice");
        bed.run();
        bed.ask("bob", |client, now_ms| client.remove_member(&group, "carol", now_ms)).unwrap();
        bed.pass(3_600_000);
        bed.crash("alice");
        bed.connect("alice");
        bed.run();
        assert_eq!(bed.person("alice").sent(&id), [Ok(())]);
        assert_eq!(bed.person("bob").heard_of("alice"), ["before", "in between"]);
        let expected: &[&str] = if reaches { &["before", "in between"] } else { &["before"] };
        assert_eq!(bed.person("carol").heard_of("alice"), expected);
        bed.assert_no_key_twice();
    }
}

#[test]
fn a_message_that_was_one_request_too_many_goes_a_little_later() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "one");
    bed.run();
    bed.host.limits = 2;
    let id = bed.say("alice", &group, "two");
    bed.run();
    assert_eq!(bed.person("alice").sent(&id), []);
    bed.pass(10_000);
    assert_eq!(bed.person("alice").sent(&id), [Ok(())]);
    bed.say("alice", &group, "three");
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice"), ["one", "two", "three"]);
}

#[test]
fn a_transient_message_makes_no_commit() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "hello");
    bed.run();
    let before = bed.person("alice").disk.commits();
    for _ in 0..10 {
        let now_ms = bed.now_ms;
        bed.client("alice").send_group(&group, ContentType::Text, b"typing", true, now_ms).unwrap();
        bed.run();
    }
    assert_eq!(bed.person("alice").disk.commits(), before);
    assert_eq!(bed.person("bob").heard().len(), 11);
    bed.crash("alice");
    bed.connect("alice");
    bed.say("alice", &group, "still here");
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice").last().unwrap(), "still here");
    bed.assert_no_key_twice();
}

#[test]
fn each_member_says_that_it_has_and_has_read_a_message() {
    let options = ClientOptions { acks: true, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob", "carol"], &options);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    for name in ["bob", "carol"] {
        let now_ms = bed.now_ms;
        let card = bed.client(name).peer_card("alice").unwrap().unwrap();
        bed.client(name).accept_identity("alice", &card.fingerprint(), now_ms).unwrap();
    }
    let id = bed.say("alice", &group, "hello");
    bed.pass(5_000);
    let now_ms = bed.now_ms;
    bed.client("bob").mark_group_read(&group, "alice", &[id], now_ms).unwrap();
    bed.pass(5_000);
    let mut acks: Vec<(String, MessageState)> = bed
        .person("alice")
        .group_events()
        .into_iter()
        .filter_map(|event| match event {
            GroupEvent::Ack { message_id, user: Some(user), state } if *message_id == id => {
                Some((user.to_string(), *state))
            }
            _ => None,
        })
        .collect();
    acks.sort();
    let expected = [
        ("bob".to_string(), MessageState::Delivered),
        ("bob".to_string(), MessageState::Read),
        ("carol".to_string(), MessageState::Delivered),
    ];
    assert_eq!(acks, expected);
    bed.assert_clean();
}

#[test]
fn a_key_is_made_anew_after_as_many_messages_as_the_policy_says() {
    let options = ClientOptions { rotate_messages: 10, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob"], &options);
    let group = bed.found("alice", "team", &["bob"]);
    let texts: Vec<String> = (0..35).map(|number| number.to_string()).collect();
    for text in &texts {
        bed.say("alice", &group, text);
    }
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice"), texts);
    assert_eq!(keys_of(&bed, "alice").len(), 4);
    bed.assert_clean();
}

#[test]
fn a_restored_client_makes_its_key_anew_before_it_writes() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "one");
    bed.run();
    let backup = bed.person("alice").disk.backup();
    bed.say("alice", &group, "two");
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms)).unwrap();
    bed.say("alice", &group, "three");
    bed.run();
    let before = keys_of(&bed, "alice");

    let now_ms = bed.now_ms;
    bed.host.disconnect("alice", now_ms);
    let alice = bed.person("alice");
    alice.client = None;
    alice.disk = backup;
    alice.forget_numbers();
    alice.open(now_ms).unwrap();
    bed.connect("alice");
    bed.say("alice", &group, "four");
    bed.pass(60_000);
    assert_eq!(bed.members("alice", &group), ["alice", "bob", "carol"]);
    assert_eq!(bed.person("bob").heard_of("alice"), ["one", "two", "three", "four"]);
    assert_eq!(bed.person("carol").heard_of("alice"), ["three", "four"]);
    assert_eq!(keys_of(&bed, "alice").difference(&before).count(), 1);
    bed.assert_no_key_twice();
}

/// The sender keys that somebody has used.
fn keys_of(bed: &Bed, name: &str) -> BTreeSet<[u8; 8]> {
    let of = bed.host.taken.iter().filter(|(from, _)| from == name);
    of.filter_map(|(_, envelope)| GroupMessage::parse(envelope).ok().map(|message| *message.front.key_id))
        .collect()
}

#[test]
fn a_direct_message_that_comes_again_after_many_in_groups_is_shown_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    for number in 0..5 {
        bed.send("bob", "alice", &format!("direct {number}"));
    }
    bed.run();
    for number in 0..1_100 {
        bed.say("bob", &group, &number.to_string());
        if number % 32 == 0 {
            bed.pass(1_000);
        }
    }
    bed.pass(60_000);
    assert_eq!(bed.person("alice").heard_of("bob").len(), 1_100);
    // The relay says that Bob's store is an older copy.
    bed.disconnect("bob");
    bed.host.claim_commit("bob", 1_000_000);
    bed.connect("bob");
    bed.pass(60_000);
    assert_eq!(bed.person("alice").texts_of("bob").len(), 5);
}
