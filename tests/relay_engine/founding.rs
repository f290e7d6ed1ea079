//! Groups as they come, are found, and end.

use sealwax::limits::{DAY_MS, HOUR_MS};
use sealwax::relay::RelayOptions;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::frame::Body;
use sealwax::wire::roster::Role;

use crate::common::ScriptedRandom;
use crate::common::group::{Act, person};
use crate::town::Town;

const OPEN: RosterPolicy = RosterPolicy { open: true, add_role: Role::Admin };

fn team(founder: &str, label: &str, seed: &str, policy: RosterPolicy, created_ms: u64) -> Roster {
    Roster::create(&person(founder), label, &[], policy, created_ms, &mut ScriptedRandom::new(seed)).unwrap()
}

/// Commits, throws away what came besides, and gives the answer.
fn commit(town: &mut Town, connection: u64, entry: &[u8]) -> String {
    town.told(connection);
    town.send(connection, 1, Body::Commit { commit: 0, entry });
    town.told(connection).swap_remove(0)
}

fn find(town: &mut Town, connection: u64, label: &str) -> String {
    town.told(connection);
    town.send(connection, 1, Body::Find { label });
    town.answer(connection)
}

fn delete(roster: &Roster, founder: &str) -> Vec<u8> {
    Act::Delete.propose(roster, &person(founder)).unwrap()
}

#[test]
fn groups_that_ended_take_no_place_from_others() {
    let mut town = Town::with(RelayOptions { groups_max: 2, ..RelayOptions::default() });
    town.gather(&["mallory", "alice"]);
    for at in 0..20 {
        let roster = team("mallory", "x", &format!("{at}"), OPEN, 1);
        assert_eq!(commit(&mut town, 1, roster.entries(0)), "ok 1");
        assert_eq!(commit(&mut town, 1, &delete(&roster, "mallory")), "ok 1");
    }
    let own = team("alice", "own", "own", OPEN, 1);
    assert_eq!(commit(&mut town, 2, own.entries(0)), "ok 1");
    assert_eq!(town.relay.info().groups, 1);
    town.restart();
    town.gather(&["mallory", "alice"]);
    assert_eq!(town.relay.info().groups, 1);
    assert_eq!(commit(&mut town, 1, team("mallory", "", "y", OPEN, 1).entries(0)), "ok 1");
    assert_eq!(commit(&mut town, 2, team("alice", "", "z", OPEN, 1).entries(0)), "LimitReached 1 0 0");
}

#[test]
fn a_user_founds_twice_as_many_groups_in_a_day_as_it_may_have_whatever_becomes_of_them() {
    let mut town = Town::with(RelayOptions { groups_per_user: 3, ..RelayOptions::default() });
    town.gather(&["mallory"]);
    let found = |town: &mut Town, seed: &str| {
        let roster = team("mallory", "x", seed, OPEN, 1);
        let answer = commit(town, 1, roster.entries(0));
        if answer == "ok 1" {
            assert_eq!(commit(town, 1, &delete(&roster, "mallory")), "ok 1");
        }
        answer
    };
    for seed in ["a", "b", "c", "e", "f", "g"] {
        assert_eq!(found(&mut town, seed), "ok 1");
    }
    assert_eq!(found(&mut town, "d"), "LimitReached 1 0 0");
    assert_eq!(commit(&mut town, 1, team("mallory", "x", "a", OPEN, 1).entries(0)), "ok 1", "a known one");
    for _ in 0..2 {
        town.now_ms += DAY_MS / 2;
        town.come(town.now_ms, "mallory");
        town.told(town.now_ms);
    }
    let number = town.now_ms;
    let roster = team("mallory", "x", "d", OPEN, 1);
    assert_eq!(commit(&mut town, number, roster.entries(0)), "ok 1");
}

#[test]
fn what_is_left_of_a_group_is_cleared_away_a_week_after_its_end_and_it_does_not_come_again() {
    let mut town = Town::new();
    town.gather(&["alice"]);
    let old = team("alice", "old", "old", OPEN, 1);
    let (create, end) = (old.entries(0).to_vec(), delete(&old, "alice"));
    commit(&mut town, 1, &create);
    commit(&mut town, 1, &end);
    let left = |town: &Town| town.store.0.keys().filter(|name| name.starts_with("roster/")).count();
    let mut number = 1;
    let mut wait = |town: &mut Town, days: u64, seed: &str| {
        for _ in 0..2 {
            town.now_ms += days * DAY_MS / 2;
            number += 1;
            town.come(number, "alice");
        }
        town.told(number);
        assert_eq!(commit(town, number, team("alice", "new", seed, OPEN, 1).entries(0)), "ok 1");
        number
    };
    wait(&mut town, 7, "a");
    assert_eq!(left(&town), 3);
    let number = wait(&mut town, 2, "b");
    assert_eq!(left(&town), 2, "those of the two new ones");
    assert_eq!(commit(&mut town, number, &create), "GroupDeleted 1 0 0");
    assert_eq!(commit(&mut town, number, &end), "UnknownGroup 1 0 0");
    town.restart();
    town.come(1, "alice");
    assert_eq!(commit(&mut town, 1, &create), "GroupDeleted 1 0 0");
    assert_eq!(town.relay.info().groups, 2);
}

#[test]
fn the_order_of_found_groups_is_that_in_which_they_came_whatever_their_creators_say() {
    let mut town = Town::new();
    town.gather(&["alice", "mallory", "bob"]);
    let honest = team("alice", "support", "honest", OPEN, town.now_ms);
    commit(&mut town, 1, honest.entries(0));
    town.now_ms += 1;
    for at in 0..70 {
        let roster = team("mallory", "support", &format!("{at}"), OPEN, 1);
        assert_eq!(commit(&mut town, 2, roster.entries(0)), "ok 1");
    }
    let expected = format!("groups {:02x}o ", honest.group_id()[0]);
    let found = find(&mut town, 3, "support");
    assert!(found.starts_with(&expected), "{found}");
    town.restart();
    town.gather(&["alice", "mallory", "bob"]);
    let found = find(&mut town, 3, "support");
    assert!(found.starts_with(&expected), "after a restart too: {found}");
    assert_eq!(found.split(' ').count(), 1 + 64);
}

#[test]
fn groups_that_are_closed_or_ended_hide_no_open_one() {
    let mut town = Town::with(RelayOptions { groups_per_user: 10_000, ..RelayOptions::default() });
    town.gather(&["mallory", "alice", "bob"]);
    for at in 0..1_100 {
        let policy = if at % 2 == 0 { OPEN } else { RosterPolicy::default() };
        let roster = team("mallory", "support", &format!("{at}"), policy, 1);
        let now_ms = town.now_ms;
        town.relay.commit("mallory", roster.entries(0), now_ms).unwrap();
        if policy.open {
            town.relay.commit("mallory", &delete(&roster, "mallory"), now_ms).unwrap();
        }
    }
    let own = team("alice", "support", "own", OPEN, 1);
    town.relay.commit("alice", own.entries(0), town.now_ms).unwrap();
    assert_eq!(find(&mut town, 3, "support"), format!("groups {:02x}o", own.group_id()[0]));
}

#[test]
fn how_far_a_closed_group_is_and_that_it_ended_is_told_to_its_members_alone() {
    let mut town = Town::new();
    town.gather(&["alice", "bob", "mallory"]);
    let (alice, bob) = (person("alice"), person("bob"));
    let mut roster = Roster::create(
        &alice,
        "",
        &[bob.card().clone(), person("mallory").card().clone()],
        RosterPolicy::default(),
        1,
        &mut ScriptedRandom::new("closed"),
    )
    .unwrap();
    commit(&mut town, 1, roster.entries(0));
    let leave = Act::Leave.propose(&roster, &person("mallory")).unwrap();
    assert_eq!(commit(&mut town, 3, &leave), "ok 1");
    roster.settle(&leave).unwrap();
    assert_eq!(commit(&mut town, 3, &leave), "ok 1", "what it did itself is no news");
    let stale = Act::Remove("bob").forge(&roster, &person("mallory"));
    let role = Act::Role("bob", Role::Admin).propose(&roster, &alice).unwrap();
    assert_eq!(commit(&mut town, 1, &role), "ok 1");
    assert_eq!(commit(&mut town, 3, &stale), "NotAMember 1 0 0");
    let rival = Act::Leave.propose(&roster, &bob).unwrap();
    assert_eq!(commit(&mut town, 2, &rival), "StaleEpoch 1 0 2");
    roster.settle(&role).unwrap();
    let end = delete(&roster, "alice");
    assert_eq!(commit(&mut town, 1, &end), "ok 1");
    assert_eq!(commit(&mut town, 3, &stale), "NotAMember 1 0 0");
    let rival = Act::Leave.forge(&roster, &bob);
    assert_eq!(commit(&mut town, 2, &rival), "GroupDeleted 1 0 0");
}

#[test]
fn who_comes_and_goes_keeps_nobody_else_out() {
    let mut town = Town::with(RelayOptions { joins_per_hour: 8, ..RelayOptions::default() });
    town.gather(&["alice", "mallory", "bob"]);
    let mut roster = team("alice", "open", "open", OPEN, 1);
    commit(&mut town, 1, roster.entries(0));
    let mallory = person("mallory");
    for _ in 0..5 {
        let join = Act::Join.propose(&roster, &mallory).unwrap();
        assert_eq!(commit(&mut town, 2, &join), "ok 1");
        roster.settle(&join).unwrap();
        let leave = Act::Leave.propose(&roster, &mallory).unwrap();
        assert_eq!(commit(&mut town, 2, &leave), "ok 1");
        roster.settle(&leave).unwrap();
        town.now_ms += 1_000;
    }
    let join = Act::Join.propose(&roster, &mallory).unwrap();
    assert_eq!(commit(&mut town, 2, &join), format!("RateLimited 1 {} 0", HOUR_MS - 5_000));
    let bob = Act::Join.propose(&roster, &person("bob")).unwrap();
    assert_eq!(commit(&mut town, 3, &bob), "ok 1");
}

#[test]
fn a_log_comes_in_pieces_and_counts_for_what_it_is() {
    let mut town = Town::with(RelayOptions { requests_burst: 20, ..RelayOptions::default() });
    town.gather(&["alice"]);
    let (alice, bob) = (person("alice"), person("bob"));
    let now_ms = town.now_ms;
    town.relay.register("bob", bob.card().as_bytes(), now_ms).unwrap();
    let mut roster = team("alice", "", "long", RosterPolicy::default(), 1);
    town.relay.commit("alice", roster.entries(0), now_ms).unwrap();
    while roster.log_len(0) < 600_000 {
        let act =
            if roster.member("bob").is_some() { Act::Remove("bob") } else { Act::Add(&[&bob], Role::Member) };
        let entry = act.propose(&roster, &alice).unwrap();
        roster.settle(&entry).unwrap();
        town.relay.commit("alice", &entry, now_ms).unwrap();
    }
    let mut from_epoch = 0;
    let mut pieces = 0;
    loop {
        let piece = town.relay.log("alice", roster.group_id(), from_epoch).unwrap();
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() <= 262_144);
        assert!(roster.entries(from_epoch).starts_with(&piece));
        pieces += 1;
        from_epoch = roster.epoch() + 1 - count(&roster, from_epoch, piece.len());
    }
    assert_eq!((pieces, from_epoch), (3, roster.epoch() + 1));

    town.now_ms += 1_000;
    town.told(1);
    let mut answers = Vec::new();
    for request in 1..=4 {
        town.send(1, request, Body::FetchLog { group_id: roster.group_id(), from_epoch: 0 });
        answers.push(town.answer(1));
    }
    assert!(answers[0].starts_with("log of ") && answers[1].starts_with("log of "));
    assert!(answers[2].starts_with("RateLimited 3 "), "{answers:?}");
}

/// Entries behind a piece of a log.
fn count(roster: &Roster, from_epoch: u64, piece: usize) -> u64 {
    (from_epoch..=roster.epoch() + 1)
        .rev()
        .find(|epoch| roster.entries(*epoch).len() == roster.entries(from_epoch).len() - piece)
        .map_or(0, |epoch| roster.epoch() + 1 - epoch)
}
