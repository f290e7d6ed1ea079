//! Entries that a relay says to have taken, and has not.

use sealwax::client::{Client, ClientOptions, GroupEvent, GroupId};
use sealwax::error::Error;
use sealwax::limits::{DAY_MS, HOUR_MS};
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::roster::Role;

use crate::bed::Bed;

/// Types of frames.
const COMMIT: u8 = 8;
const FETCH_LOG: u8 = 9;

/// Somebody asks for something, and the relay says ok to the entry and has nothing. Answers the request.
fn ask_in_vain(bed: &mut Bed, name: &str, ask: impl FnOnce(&mut Client, u64) -> Result<u64, Error>) -> u64 {
    let now_ms = bed.now_ms;
    let request = ask(bed.client(name), now_ms).unwrap();
    let mut is_swallowed = false;
    while !is_swallowed {
        while let Some(frame) = bed.client(name).next_frame().unwrap() {
            if frame[5] == COMMIT {
                bed.host.push(name, Frame::parse(&frame).unwrap().request, Body::Ok);
                is_swallowed = true;
            } else {
                bed.host.receive(name, &frame, now_ms);
            }
        }
        bed.down(name).unwrap();
    }
    bed.run();
    request
}

/// Frames of a type that somebody sent.
fn count(bed: &Bed, name: &str, kind: u8) -> usize {
    bed.host.heard.iter().filter(|(user, frame)| user == name && *frame == kind).count()
}

/// Alice and Bob have a group, and the relay has swallowed that Alice added Carol.
fn without_carol() -> (Bed, GroupId) {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    let request = ask_in_vain(&mut bed, "alice", |client, now_ms| {
        client.add_members(&group, &["carol"], Role::Member, now_ms)
    });
    assert_eq!(bed.person("alice").outcome(request), Ok(group));
    assert_eq!(bed.members("alice", &group), ["alice", "bob", "carol"]);
    assert_eq!(bed.members("bob", &group), ["alice", "bob"]);
    (bed, group)
}

/// Everybody writes, and everybody reads it.
fn talk(bed: &mut Bed, group: &GroupId, members: &[&str]) {
    for name in members {
        bed.say(name, group, &format!("all well, {name}"));
    }
    bed.pass(30_000);
    for name in members {
        for other in members.iter().filter(|other| *other != name) {
            let heard = bed.person(name).heard_of(other);
            assert_eq!(heard.last(), Some(&format!("all well, {other}")), "{name} of {other}");
        }
    }
}

#[test]
fn a_group_that_the_relay_has_swallowed_is_offered_again() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let request =
        ask_in_vain(&mut bed, "alice", |client, now_ms| client.create_group("team", false, &["bob"], now_ms));
    let group = bed.person("alice").outcome(request).unwrap();
    assert!(bed.client("bob").groups().unwrap().is_empty());
    bed.pass(90_000);
    assert_eq!(bed.members("bob", &group), ["alice", "bob"]);
    talk(&mut bed, &group, &["alice", "bob"]);
}

#[test]
fn an_entry_that_the_relay_has_swallowed_is_offered_again() {
    let (mut bed, group) = without_carol();
    bed.pass(90_000);
    talk(&mut bed, &group, &["alice", "bob", "carol"]);
    assert_eq!(count(&bed, "alice", COMMIT), 2);
}

#[test]
fn what_follows_a_swallowed_entry_waits_for_it_and_is_taken() {
    let (mut bed, group) = without_carol();
    let now_ms = bed.now_ms;
    let request = bed.client("alice").set_role(&group, "carol", Role::Admin, now_ms).unwrap();
    bed.pass(10_000);
    assert_eq!(bed.person("alice").outcome(request), Ok(group));
    talk(&mut bed, &group, &["alice", "bob", "carol"]);
}

#[test]
fn a_client_that_opens_looks_whether_the_relay_has_its_last_entries() {
    let (mut bed, group) = without_carol();
    bed.close("alice");
    bed.connect("alice");
    bed.pass(90_000);
    talk(&mut bed, &group, &["alice", "bob", "carol"]);
    // Once it was shown, or was made long ago, nobody looks.
    for days in [0, 8] {
        bed.pass(days * DAY_MS);
        bed.close("alice");
        bed.connect("alice");
        let before = count(&bed, "alice", COMMIT);
        bed.pass(90_000);
        assert_eq!(count(&bed, "alice", COMMIT), before);
    }
}

#[test]
fn a_relay_that_has_lost_what_it_has_shown_is_offered_it_on_the_next_connection() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms)).unwrap();
    bed.pass(HOUR_MS);
    bed.replace_relay();
    for name in ["bob", "alice"] {
        bed.connect(name);
    }
    bed.pass(90_000);
    talk(&mut bed, &group, &["alice", "bob"]);
    // Looked for once an hour, however often it connects.
    let before = count(&bed, "alice", FETCH_LOG);
    for _ in 0..10 {
        bed.connect("alice");
        bed.pass(60_000);
    }
    assert!(count(&bed, "alice", FETCH_LOG) <= before + 1);
}

#[test]
fn an_honest_relay_is_asked_for_nothing() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms)).unwrap();
    bed.ask("bob", |client, now_ms| client.leave_group(&group, now_ms)).unwrap();
    let before = count(&bed, "alice", FETCH_LOG) + count(&bed, "bob", FETCH_LOG);
    bed.pass(300_000);
    assert_eq!(count(&bed, "alice", FETCH_LOG) + count(&bed, "bob", FETCH_LOG), before);
    assert_eq!(count(&bed, "alice", COMMIT) + count(&bed, "bob", COMMIT), 3);
}

#[test]
fn a_member_that_the_relay_has_kept_in_its_group_is_offered_to_go() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    ask_in_vain(&mut bed, "bob", |client, now_ms| client.leave_group(&group, now_ms));
    assert_eq!(bed.members("alice", &group), ["alice", "bob"]);
    bed.pass(90_000);
    assert_eq!(bed.members("alice", &group), ["alice"]);
}

#[test]
fn who_holds_an_entry_that_the_relay_never_takes_is_told_once() {
    let (mut bed, _group) = without_carol();
    // The relay has lost everything, and Carol has begun anew before Alice offers it the entry that adds her old keys.
    bed.replace_relay();
    bed.people.remove("carol");
    bed.add("carol", &ClientOptions::default());
    for name in ["alice", "bob"] {
        bed.connect(name);
    }
    bed.pass(HOUR_MS);
    let told = |bed: &mut Bed, name: &str| -> Vec<Option<Box<str>>> {
        let forks = |event: &GroupEvent| match event {
            GroupEvent::Forked { user } => Some(user.clone()),
            _ => None,
        };
        bed.person(name).group_events().into_iter().filter_map(forks).collect()
    };
    assert_eq!(told(&mut bed, "alice"), [Some("alice".into())]);
    assert_eq!(told(&mut bed, "bob"), []);
}
