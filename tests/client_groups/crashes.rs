//! Clients that die at any commit of a story.

use sealwax::client::{Client, GroupId};
use sealwax::error::Error;
use sealwax::wire::roster::Role;

use crate::bed::Bed;
use crate::common::disk::Death;

/// Asks until it is done: what was asked of a client that died before it was stored is its application's to repeat.
fn insist(bed: &mut Bed, name: &str, ask: impl Fn(&mut Client, u64) -> Result<u64, Error>) -> GroupId {
    for _ in 0..3 {
        let now_ms = bed.now_ms;
        let before = bed.person(name).events.len();
        let request = ask(bed.client(name), now_ms).unwrap();
        bed.pass(30_000);
        if bed.person(name).events.len() > before && bed.person(name).has_ended(request) {
            return bed.person(name).outcome(request).unwrap();
        }
    }
    panic!("{name} was never answered");
}

/// Three found a group, write, take in a fourth and lose one.
fn live(bed: &mut Bed) -> GroupId {
    let group =
        insist(bed, "alice", |client, now_ms| client.create_group("team", false, &["bob", "carol"], now_ms));
    bed.say("alice", &group, "a1");
    bed.say("bob", &group, "b1");
    bed.run();
    bed.say("alice", &group, "a2");
    bed.disconnect("bob");
    insist(bed, "alice", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms));
    bed.say("alice", &group, "a3");
    bed.run();
    bed.say("bob", &group, "b2");
    bed.connect("bob");
    bed.run();
    insist(bed, "alice", |client, now_ms| client.remove_member(&group, "carol", now_ms));
    bed.say("bob", &group, "b3");
    bed.say("alice", &group, "a4");
    bed.pass(60_000);
    group
}

fn dies(victim: &str) {
    for death in [Death::Before, Death::After] {
        let mut commit = 0;
        loop {
            let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
            bed.person(victim).disk.die_at(commit, death);
            let group = live(&mut bed);
            if bed.person(victim).disk.is_doomed() {
                break;
            }
            let place = format!("{victim} {death:?} {commit}");
            let lost = if death == Death::Before { 2 } else { 0 };
            for (reader, sender, expected) in [
                ("bob", "alice", &["a1", "a2", "a3", "a4"][..]),
                ("alice", "bob", &["b1", "b2", "b3"]),
                ("dave", "alice", &["a3", "a4"]),
            ] {
                let heard = bed.person(reader).heard_of(sender);
                let mut rest = expected.iter();
                let in_order = heard.iter().all(|text| rest.any(|expected| expected == text));
                assert!(in_order, "{place}: {reader} {heard:?}");
                assert!(heard.len() + lost >= expected.len(), "{place}: {reader} {heard:?}");
            }
            let carol = bed.person("carol").heard();
            assert!(carol.iter().all(|(_, text)| !["a4", "b3"].contains(&text.as_str())), "{place}");
            for name in ["alice", "bob", "dave"] {
                assert_eq!(bed.members(name, &group), ["alice", "bob", "dave"], "{place}");
            }
            bed.assert_no_key_twice();
            commit += 1;
        }
        assert!(commit > 12, "{victim} {death:?}: {commit}");
    }
}

#[test]
fn a_founder_that_dies_at_any_commit_loses_nothing_and_shows_nothing_twice() {
    dies("alice");
}

#[test]
fn a_member_that_dies_at_any_commit_loses_nothing_and_shows_nothing_twice() {
    dies("bob");
}
