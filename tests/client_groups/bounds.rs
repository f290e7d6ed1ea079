//! What a client in groups does with more than it can take, and with those who would fill it up.

use sealwax::client::{ClientOptions, GroupEvent};
use sealwax::error::Error;
use sealwax::identity::Identity;
use sealwax::roster::Roster;
use sealwax::store::{Name, Store};
use sealwax::wire::content::ContentType;
use sealwax::wire::envelope::Envelope;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::roster::Role;

use crate::bed::{Bed, KEY};
use crate::common::ScriptedRandom;

const ROSTER: u8 = 13;
const SESSION: [u8; 2] = [1, 2];
const GROUP: u8 = 5;

#[test]
fn who_is_removed_with_very_many_messages_waiting_is_told_of_each() {
    const COUNT: usize = 22_000;
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("bob", &group, "hello");
    bed.run();
    bed.disconnect("bob");
    let now_ms = bed.now_ms;
    for _ in 0..COUNT {
        bed.client("bob").send_group(&group, ContentType::Binary, b"x", false, now_ms).unwrap();
    }
    bed.run();
    bed.ask("alice", |client, now_ms| client.remove_member(&group, "bob", now_ms)).unwrap();
    bed.connect("bob");
    bed.run();
    let failed = |event: &&&GroupEvent| matches!(event, GroupEvent::Failed { status: Error::NotAMember, .. });
    assert_eq!(bed.person("bob").group_events().iter().filter(failed).count(), COUNT);
    assert_eq!(bed.person("bob").count("outbox"), 0);
}

#[test]
fn a_log_of_many_entries_takes_few_records() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    for number in 0..200 {
        let role = if number % 2 == 0 { Role::Admin } else { Role::Member };
        bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", role, now_ms)).unwrap();
    }
    for name in ["alice", "bob"] {
        let copy = bed.person(name).disk.backup();
        let store = Store::open_on(copy.medium(), &KEY, &mut ScriptedRandom::new("copy")).unwrap();
        let count = store.scan(&Name::new(ROSTER)).unwrap().count();
        assert!((1..=5).contains(&count), "{count}");
    }
    bed.crash("bob");
    let roster = bed.client("bob").roster(&group).unwrap().unwrap();
    assert_eq!(roster.epoch(), 200);
}

#[test]
fn members_who_come_and_go_cause_few_keys_that_nobody_needs() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.run();
    let before = bed.host.taken.len();
    for _ in 0..20 {
        bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms))
            .unwrap();
        bed.ask("alice", |client, now_ms| client.remove_member(&group, "carol", now_ms)).unwrap();
    }
    let to_alice = bed.host.taken[before..].iter().filter(|(sender, envelope)| {
        sender == "bob" && Envelope::parse(envelope).unwrap().recipient == Some("alice")
    });
    let handed = to_alice.count();
    // Eight keys in a minute, and what confirms those of Alice.
    assert!(handed <= 20, "{handed}");
    // Whoever writes is given one at once, and the others follow in time.
    bed.say("bob", &group, "hello");
    bed.run();
    assert_eq!(bed.person("alice").heard_of("bob"), ["hello"]);
    bed.pass(70_000);
    bed.say("alice", &group, "hello bob");
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice"), ["hello bob"]);
    bed.assert_no_key_twice();
}

/// Loses everything in sessions that is for Bob, keys among it.
fn loses_keys_for_bob(user: &str, payload: &[u8]) -> bool {
    user == "bob" && payload.get(4).is_some_and(|kind| SESSION.contains(kind))
}

#[test]
fn many_who_fill_the_room_for_messages_without_keys_make_room_for_others() {
    let names: Vec<String> = (0..16).map(|number| format!("m{number:02}")).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.extend(["bob", "carol"]);
    let mut bed = Bed::of(&all);
    bed.host.loses = Some(loses_keys_for_bob);
    for name in &names {
        let group = bed.found(name, "spam", &["bob"]);
        for _ in 0..64 {
            bed.say(name, &group, "x");
        }
        bed.run();
    }
    // All that wait share one room, those too that waited before.
    bed.crash("bob");
    bed.connect("bob");
    bed.run();
    let group = bed.found("carol", "team", &["bob"]);
    for number in 0..10 {
        bed.say("carol", &group, &number.to_string());
    }
    bed.run();
    bed.host.loses = None;
    bed.pass(30_000);
    assert_eq!(bed.person("bob").heard_of("carol").len(), 10);
    let heard = bed.person("bob").heard().len();
    assert_eq!(heard, 1_024);
}

#[test]
fn a_group_whose_log_does_not_come_keeps_nobody_busy() {
    const FETCH_LOG: u8 = 9;
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["carol"]);
    bed.say("alice", &group, "not for bob");
    bed.run();
    let message = bed.host.taken.iter().rfind(|(_, envelope)| envelope[4] == GROUP).unwrap().1.clone();
    bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: &message });
    bed.down("bob").unwrap();
    let mut answered = 0;
    for _ in 0..3 {
        let now_ms = bed.now_ms;
        while let Some(frame) = bed.client("bob").next_frame().unwrap() {
            if frame[5] == FETCH_LOG {
                answered += 1;
                let (request, status) = (Frame::parse(&frame).unwrap().request, Error::Internal.code());
                let body = Body::Error { status, retry_after_ms: 0, epoch: 0, text: "" };
                bed.host.push("bob", request, body);
            } else {
                bed.host.receive("bob", &frame, now_ms);
            }
        }
        bed.down("bob").unwrap();
        bed.now_ms += 6_000;
        let now_ms = bed.now_ms;
        bed.client("bob").tick(now_ms).unwrap();
        assert!(bed.client("bob").pending().unwrap().due_ms.unwrap() > now_ms);
    }
    assert_eq!(answered, 1);
}

/// What somebody signs with, out of a copy of its store.
fn identity_of(bed: &mut Bed, name: &str) -> Identity {
    const IDENTITY: u8 = 2;
    let copy = bed.person(name).disk.backup();
    let store = Store::open_on(copy.medium(), &KEY, &mut ScriptedRandom::new("copy")).unwrap();
    let value = store.get(&Name::new(IDENTITY)).unwrap().unwrap();
    Identity::import(Identity::FORMAT, &value[3..]).unwrap()
}

/// Alice signs two histories, and the relay shows Bob the other one in small pages.
#[test]
fn a_fork_far_behind_the_start_of_a_log_is_found() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let mut rng = ScriptedRandom::new("alice");
    let copy = identity_of(&mut bed, "alice");
    let group = bed.found("alice", "team", &["bob", "carol"]);
    let mut other: Option<Roster> = None;
    for number in 0..4 {
        if number == 2 {
            other = bed.client("alice").roster(&group).unwrap().cloned();
        }
        let role = if number % 2 == 0 { Role::Admin } else { Role::Member };
        bed.ask("alice", |client, now_ms| client.set_role(&group, "carol", role, now_ms)).unwrap();
    }
    let mut other = other.unwrap();
    let mut lie = bed.host.entries[..3].to_vec();
    for number in 0..4 {
        let role = if number % 2 == 0 { Role::Admin } else { Role::Member };
        let entry = other.propose_role(&copy, "bob", role, 0, &mut rng).unwrap();
        other.apply(&entry, 0).unwrap();
        lie.push(entry);
    }
    bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: lie.last().unwrap() });
    bed.down("bob").unwrap();
    for _ in 0..12 {
        let now_ms = bed.now_ms;
        while let Some(frame) = bed.client("bob").next_frame().unwrap() {
            let parsed = Frame::parse(&frame).unwrap();
            match parsed.body {
                Body::FetchLog { from_epoch, .. } => {
                    let from = usize::try_from(from_epoch).unwrap().min(lie.len());
                    let entries: Vec<u8> = lie[from..].iter().take(2).flatten().copied().collect();
                    bed.host.push("bob", parsed.request, Body::Log { entries: &entries });
                }
                _ => bed.host.receive("bob", &frame, now_ms),
            }
        }
        bed.down("bob").unwrap();
    }
    bed.person("bob").listen().unwrap();
    let happened = bed.person("bob").happened();
    assert!(happened.contains(&"group_forked".to_owned()), "{happened:?}");
}

/// Loses what Bob sends Alice alone, and his messages.
fn loses_bobs_for_alice(user: &str, payload: &[u8]) -> bool {
    user == "alice"
        && payload.get(4).is_some_and(|kind| SESSION.contains(kind) || *kind == GROUP)
        && Envelope::parse(payload).is_ok_and(|envelope| envelope.sender == "bob")
}

#[test]
fn what_a_sender_may_still_prove_is_not_taken_in_the_word_of_another_member() {
    let options = ClientOptions { retain_history: true, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob", "carol", "dave"], &options);
    bed.send("carol", "alice", "hello");
    bed.run();
    bed.host.loses = Some(loses_bobs_for_alice);
    let group = bed.found("bob", "team", &["alice", "carol"]);
    bed.say("bob", &group, "one");
    bed.run();
    assert_eq!(bed.person("carol").heard_of("bob"), ["one"]);
    let message = bed.host.taken.iter().rfind(|(_, envelope)| envelope[4] == GROUP).unwrap().1.clone();
    // Its key is out of use, and Carol shares it.
    bed.ask("bob", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms)).unwrap();
    bed.say("bob", &group, "two");
    bed.run();
    bed.ask("carol", |client, now_ms| client.share_history(&group, "alice", now_ms)).unwrap();
    bed.host.push("alice", 0, Body::Deliver { sequence: 1, payload: &message });
    bed.run();
    let is_message = |event: &&GroupEvent| matches!(event, GroupEvent::Message { .. });
    assert_eq!(bed.person("alice").group_events().into_iter().filter(is_message).count(), 0);
    // It waits for Bob's own word, who is asked.
    bed.host.loses = None;
    bed.pass(60_000);
    let happened = bed.person("alice").happened();
    assert!(happened.contains(&"message_unreadable 1 of bob: WithheldKey".to_owned()), "{happened:?}");
}

#[test]
fn a_restored_member_has_the_keys_of_now_before_the_next_message() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "one");
    bed.say("bob", &group, "one too");
    bed.run();
    let old = bed.person("bob").disk.backup();
    bed.pass(1_000);
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms)).unwrap();
    bed.say("alice", &group, "two");
    bed.say("bob", &group, "two too");
    bed.run();
    let now_ms = bed.now_ms;
    bed.host.disconnect("bob", now_ms);
    bed.person("bob").client = None;
    bed.person("bob").disk = old;
    bed.person("bob").open(now_ms).unwrap();
    bed.person("bob").forget_numbers();
    bed.connect("bob");
    bed.pass(10_000);
    bed.say("alice", &group, "three");
    bed.pass(30_000);
    assert_eq!(bed.person("bob").heard_of("alice").last().unwrap(), "three");
}

#[test]
fn a_used_up_key_lets_what_it_sealed_leave_before_another_is_made() {
    let options = ClientOptions { rotate_messages: 3, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob", "carol"], &options);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    let before = bed.host.taken.len();
    for round in 0..4 {
        for number in 0..4 {
            bed.say("alice", &group, &format!("{round} {number}"));
        }
        // Each is sealed, and the relay takes it later.
        bed.host.limits = 3;
        bed.run();
        bed.pass(60_000);
    }
    let heard = bed.person("bob").heard_of("alice");
    assert_eq!((heard.len(), heard.is_sorted()), (16, true));
    // A key for three messages, to each of two, and what confirms it: and hardly more.
    let sent = bed.host.taken.len() - before;
    assert!(sent <= 16 + 4 * 7, "{sent}");
    bed.assert_no_key_twice();
}

#[test]
fn a_group_that_takes_nobody_for_long_holds_up_nothing_else() {
    const COMMIT: u8 = 8;
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    let now_ms = bed.now_ms;
    let request = bed.client("alice").add_members(&group, &["carol"], Role::Member, now_ms).unwrap();
    let mut refused = false;
    for _ in 0..6 {
        while let Some(frame) = bed.client("alice").next_frame().unwrap() {
            if frame[5] == COMMIT && !refused {
                refused = true;
                let (number, status) = (Frame::parse(&frame).unwrap().request, Error::RateLimited.code());
                let body = Body::Error { status, retry_after_ms: 3_000_000, epoch: 0, text: "" };
                bed.host.push("alice", number, body);
            } else {
                bed.host.receive("alice", &frame, now_ms);
            }
        }
        bed.down("alice").unwrap();
    }
    assert!(refused);
    bed.send("alice", "bob", "not held up");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["not held up"]);
    assert!(!bed.person("alice").has_ended(request));
    bed.pass(3_100_000);
    assert_eq!(bed.person("alice").outcome(request), Ok(group));
}
