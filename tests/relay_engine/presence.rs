//! Who is shown to whom.

use sealwax::relay::RelayOptions;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::frame::{Body, Frame, Method, Users};
use sealwax::wire::roster::Role;

use crate::common::ScriptedRandom;
use crate::common::group::{Act, group, person};
use crate::town::{Memory, Town, list, tell};

fn watch(town: &mut Town, connection: u64, is_visible: bool, users: &[&str]) -> Vec<String> {
    let users = Users::encode(users.iter().copied()).unwrap();
    town.send(connection, 9, Body::Watch { is_visible, users: list(&users) });
    let mut told = town.told(connection);
    told.retain(|word| word != "ok 9");
    told
}

/// Alice and Bob share a group; Carol stands beside.
fn neighbours() -> Town {
    let mut town = Town::new();
    town.gather(&["alice", "bob", "carol"]);
    let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
    town.send(1, 1, Body::Commit { commit: 1, entry: roster.entries(0) });
    assert_eq!(town.told(1)[..2], ["ok 1", "+bob"]);
    assert_eq!(town.told(2)[0], "+alice");
    town
}

#[test]
fn members_of_a_group_are_shown_to_each_other_and_to_nobody_else() {
    let mut town = neighbours();
    town.disconnect(2);
    assert_eq!(town.told(1), ["-bob"]);
    town.come(4, "bob");
    assert_eq!(town.told(4)[0], "+alice", "after welcome, all who are there");
    assert_eq!(town.told(1), ["+bob"]);
    assert!(town.told(3).is_empty());
    assert_eq!(town.relay.info().presence, 5);
}

#[test]
fn a_newer_connection_of_somebody_who_is_there_is_no_news() {
    let mut town = neighbours();
    town.come(4, "bob");
    assert!(town.told(1).is_empty());
    assert_eq!(town.told(4)[0], "+alice");
}

#[test]
fn watching_is_shown_only_if_both_watch() {
    let mut town = neighbours();
    assert!(watch(&mut town, 3, true, &["alice"]).is_empty());
    assert!(town.told(1).is_empty(), "alice does not watch carol");
    assert_eq!(watch(&mut town, 1, true, &["carol"]), ["+carol"], "of bob it has been told");
    assert_eq!(town.told(3), ["+alice"]);
    town.disconnect(3);
    assert_eq!(town.told(1), ["-carol"]);
    town.come(4, "carol");
    assert!(town.told(1).is_empty(), "a connection starts without a watch");
    watch(&mut town, 4, true, &["alice"]);
    assert_eq!(town.told(1), ["+carol"]);
    assert_eq!(watch(&mut town, 1, true, &[]), ["-carol"]);
    assert_eq!(town.told(4).last().unwrap(), "-alice");
}

#[test]
fn who_hides_is_shown_to_nobody() {
    let mut town = neighbours();
    assert!(watch(&mut town, 2, false, &[]).is_empty());
    assert_eq!(town.told(1), ["-bob"]);
    town.come(4, "alice");
    assert!(!town.told(4).contains(&"+bob".into()), "bob is hidden");
    town.told(2);
    town.disconnect(2);
    assert!(town.told(4).is_empty());
    town.come(5, "bob");
    assert!(town.told(4).is_empty(), "who hid has time to say so again");
    watch(&mut town, 5, false, &[]);
    town.now_ms += 10_000;
    town.tick();
    assert!(town.told(4).is_empty());
    watch(&mut town, 5, true, &[]);
    assert_eq!(town.told(4), ["+bob"]);
    watch(&mut town, 5, false, &[]);
    assert_eq!(town.told(4), ["-bob"]);
    town.come(6, "bob");
    town.now_ms += 9_999;
    town.tick();
    assert!(town.told(4).is_empty());
    town.now_ms += 1;
    assert!(town.tick().is_some());
    assert_eq!(town.told(4), ["+bob"], "and is shown if it does not");
}

#[test]
fn a_watch_that_says_nothing_new_tells_nobody_anything() {
    let mut town = neighbours();
    for _ in 0..3 {
        assert!(watch(&mut town, 1, true, &[]).is_empty());
    }
    assert!(town.told(2).is_empty());
    watch(&mut town, 1, false, &["carol"]);
    assert_eq!(town.told(2), ["-alice"]);
    assert!(watch(&mut town, 1, false, &["carol"]).is_empty());
    assert!(town.told(2).is_empty());
}

#[test]
fn who_shares_a_group_already_is_not_introduced_again() {
    let mut town = neighbours();
    let before = town.relay.info().presence;
    let mut rng = ScriptedRandom::new("second");
    let members = [person("bob"), person("carol")].map(|member| member.card().clone());
    let second =
        Roster::create(&person("alice"), "second", &members, RosterPolicy::default(), 1, &mut rng).unwrap();
    town.send(1, 1, Body::Commit { commit: 1, entry: second.entries(0) });
    assert_eq!(town.told(1)[..2], ["ok 1", "+carol"]);
    assert_eq!(town.told(2)[0], "+carol");
    assert_eq!(town.told(3)[..2], ["+alice", "+bob"]);
    assert_eq!(town.relay.info().presence - before, 4);
}

#[test]
fn a_new_member_is_introduced_and_a_removed_one_sees_nobody_any_more() {
    let mut town = neighbours();
    let (alice, bob, carol) = (person("alice"), person("bob"), person("carol"));
    let mut roster = group(&alice, &[&bob], RosterPolicy::default());
    let add = Act::Add(&[&carol], Role::Member).propose(&roster, &alice).unwrap();
    roster.settle(&add).unwrap();
    town.send(1, 2, Body::Commit { commit: 2, entry: &add });
    assert!(town.told(1).contains(&"+carol".into()));
    assert!(town.told(2).contains(&"+carol".into()));
    assert_eq!(town.told(3)[..2].iter().collect::<std::collections::BTreeSet<_>>().len(), 2);
    let remove = Act::Remove("carol").propose(&roster, &alice).unwrap();
    town.send(1, 3, Body::Commit { commit: 3, entry: &remove });
    town.told(1);
    town.told(3);
    town.disconnect(1);
    assert!(town.told(3).is_empty());
    assert!(town.told(2).contains(&"-alice".into()));
}

#[test]
fn too_long_a_watch_is_refused() {
    let mut town = Town::new();
    town.gather(&["alice"]);
    let names: Vec<String> = (0..1_001).map(|at| format!("user {at:04}")).collect();
    let users = Users::encode(names.iter().map(String::as_str)).unwrap();
    town.send(1, 9, Body::Watch { is_visible: true, users: list(&users) });
    assert_eq!(town.answer(1), "LimitReached 9 0 0");
}

/// Alice in so many full groups of the same people, who are away, and then in one with Carol, who is there: what she is
/// told who comes, and what her connection is good for after two watches.
fn surrounded(groups: u32) -> (Vec<String>, String) {
    let mut town = Town::with(RelayOptions { requests_burst: 150, ..RelayOptions::default() });
    let (alice, carol) = (person("alice"), person("carol"));
    town.come(1, "carol");
    let others: Vec<_> = (0..255).map(|at| person(&format!("member {at}"))).collect();
    for person in others.iter().chain([&alice]) {
        town.relay.register(person.user(), person.card().as_bytes(), town.now_ms).unwrap();
    }
    let cards: Vec<_> = others.iter().map(|other| other.card().clone()).collect();
    let mut rng = ScriptedRandom::new("crowds");
    let mut found = |label: &str, cards: &[_]| {
        let roster = Roster::create(&alice, label, cards, RosterPolicy::default(), 1, &mut rng).unwrap();
        town.relay.commit("alice", roster.entries(0), town.now_ms).unwrap();
    };
    for _ in 0..groups {
        found("crowd", &cards);
    }
    found("pair", &[carol.card().clone()]);
    town.connect(2, Some("alice")).unwrap();
    let hello = town.hello("alice", Method::Host, &Memory::default());
    let outcome = town.relay.receive(2, &hello, town.now_ms).unwrap();
    let frames = outcome.deliveries().filter(|delivery| delivery.connection == 2 && delivery.sequence == 0);
    let frames: Vec<_> = frames.map(|delivery| delivery.to_frame()).collect();
    let told: Vec<_> = frames.iter().map(|frame| tell(&Frame::parse(frame).unwrap())).collect();
    for is_visible in [false, true] {
        let frame = Frame { request: 9, body: Body::Watch { is_visible, users: list(&[]) } };
        town.relay.receive(2, &frame.to_bytes().unwrap(), town.now_ms).unwrap();
    }
    let ping = Frame { request: 10, body: Body::Ping }.to_bytes().unwrap();
    let outcome = town.relay.receive(2, &ping, town.now_ms).unwrap();
    let answer = outcome.deliveries().next().unwrap().to_frame();
    (told[1..].to_vec(), tell(&Frame::parse(&answer).unwrap()))
}

#[test]
fn whom_a_relay_looks_at_to_find_who_is_shown_is_bounded_and_counts() {
    // The oldest groups count, each of their members once for each group.
    let (told, answer) = surrounded(64);
    assert!(!told.contains(&"+carol".into()), "{told:?}");
    assert!(answer.starts_with("RateLimited 10 "), "{answer}");
    let (told, _) = surrounded(63);
    assert!(told.contains(&"+carol".into()), "{told:?}");
    assert_eq!(surrounded(2).1, "ok 10");
}
