//! What a connection, a user and a group may do.

use sealwax::limits::DAY_MS;
use sealwax::relay::RelayOptions;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::frame::{Body, Envelopes, Method};

use crate::common::ScriptedRandom;
use crate::common::group::{Act, person};
use crate::common::relay::{direct, direct_of};
use crate::town::{Memory, Town, list};

#[test]
fn a_request_too_many_is_told_when_to_come_again() {
    let options = RelayOptions { requests_per_second: 2, requests_burst: 3, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.gather(&["alice"]);
    town.now_ms += 1_500;
    for request in 1..=3 {
        town.send(1, request, Body::Ping);
    }
    assert_eq!(town.told(1).len(), 3);
    town.send(1, 4, Body::Ping);
    assert_eq!(town.answer(1), "RateLimited 4 500 0");
    town.now_ms += 500;
    town.send(1, 4, Body::Ping);
    assert_eq!(town.answer(1), "ok 4");
    assert_eq!(town.relay.info().rate_limited, 1);
}

#[test]
fn a_connection_that_is_not_welcomed_in_time_or_silent_too_long_is_closed() {
    let mut town = Town::new();
    let start = town.now_ms;
    assert_eq!(town.tick(), None);
    town.connect(1, None).unwrap();
    town.come(2, "bob");
    assert_eq!(town.tick(), Some(start + 10_000));
    town.now_ms = start + 10_000;
    assert_eq!(town.tick(), Some(start + 90_000));
    assert!(town.is_closed(1) && !town.is_closed(2));
    town.closed.clear();
    let hello = town.hello("alice", Method::Proof, &Memory::default());
    town.receive(1, &hello);
    assert!(town.arrived(1).is_empty());
    town.now_ms = start + 100_000 - 1;
    town.disconnect(1);
    town.now_ms = start + 60_000;
    town.send(2, 1, Body::Ping);
    town.now_ms = start + 90_000;
    assert_eq!(town.tick(), Some(start + 150_000), "a frame is a sign of life");
    town.now_ms = start + 150_000;
    assert_eq!(town.tick(), Some(start + 240_000));
    assert!(town.is_closed(2));
    assert_eq!((town.relay.info().timed_out, town.relay.info().online), (2, 0));
    town.disconnect(2);
    assert_eq!(town.tick(), None);
}

#[test]
fn a_close_that_a_host_lost_is_said_again() {
    let mut town = Town::new();
    town.come(1, "alice");
    town.come(2, "alice");
    assert!(town.is_closed(1));
    town.closed.clear();
    town.now_ms += 90_000 - 1;
    town.send(2, 1, Body::Ping);
    town.tick();
    assert!(town.closed.is_empty());
    town.now_ms += 1;
    town.tick();
    assert!(town.is_closed(1) && !town.is_closed(2));
    assert_eq!((town.relay.info().timed_out, town.relay.info().online), (0, 1));
}

#[test]
fn a_clock_that_is_set_back_stops_neither_rates_nor_deadlines() {
    let options = RelayOptions { requests_burst: 10, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.now_ms += 3_600_000;
    town.come(1, "alice");
    town.now_ms -= 3_600_000;
    town.told(1);
    town.send(1, 1, Body::Ping);
    assert_eq!(town.answer(1), "RateLimited 1 10 0");
    town.now_ms += 10;
    town.send(1, 2, Body::Ping);
    assert_eq!(town.answer(1), "ok 2");
    town.come(2, "bob");
    town.now_ms += 90_000;
    town.tick();
    assert!(town.is_closed(1) && town.is_closed(2));
}

#[test]
fn one_tick_that_names_a_wrong_time_ends_no_connection() {
    let mut town = Town::new();
    town.now_ms += DAY_MS;
    town.come(1, "alice");
    let now_ms = town.now_ms;
    for wrong in [u64::MAX, 0] {
        town.now_ms = wrong;
        town.tick();
        town.now_ms = now_ms;
        town.tick();
    }
    assert!(!town.is_closed(1));
}

#[test]
fn no_sender_fills_a_queue_alone() {
    let options = RelayOptions { queue_max: 8, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.gather(&["alice", "bob", "carol"]);
    town.disconnect(2);
    let mut send = |connection: u64, from: &str, mark: u32| {
        town.send(connection, 1, Body::Send { commit: 0, envelope: &direct(from, "bob", mark) });
        town.answer(connection)
    };
    assert_eq!([send(1, "alice", 0), send(1, "alice", 1)], ["ok 1", "ok 1"]);
    assert_eq!(send(1, "alice", 2), "QueueFull 1 0 0");
    assert_eq!([send(3, "carol", 0), send(3, "carol", 1)], ["ok 1", "ok 1"]);
    assert_eq!(send(3, "carol", 2), "QueueFull 1 0 0");
    town.come(4, "bob");
    town.send(4, 0, Body::Acknowledge { commit: 0, sequence: 1 });
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 2) });
    assert_eq!(town.answer(1), "ok 1", "one of its own has gone");
    town.send(3, 1, Body::Send { commit: 0, envelope: &direct("carol", "bob", 2) });
    assert_eq!(town.answer(3), "QueueFull 1 0 0");
}

#[test]
fn nothing_overtakes_in_a_frame_what_found_no_room() {
    let one = direct("alice", "bob", 0).len();
    let options =
        RelayOptions { queue_bytes_max: 2 * one + 40, sender_share_percent: 100, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.gather(&["alice", "bob", "carol"]);
    town.disconnect(2);
    let long = direct_of("alice", "bob", 1, 60);
    let short = direct("alice", "bob", 2);
    let to_carol = direct("alice", "carol", 3);
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 0) });
    town.told(1);
    let envelopes = Envelopes::encode([&long[..], &short, &to_carol]).unwrap();
    town.send(1, 2, Body::SendMany { commit: 0, envelopes: list(&envelopes) });
    assert_eq!(town.answer(1), "sent [Some(QueueFull), Some(QueueFull), None]");
    town.send(1, 3, Body::Send { commit: 0, envelope: &short });
    assert_eq!(town.answer(1), "ok 3");
}

#[test]
fn a_share_is_free_again_when_its_envelopes_are_too_old() {
    let options = RelayOptions { queue_max: 8, queue_age_max_ms: 100, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.gather(&["alice", "bob"]);
    town.disconnect(2);
    for mark in 0..2 {
        town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", mark) });
    }
    town.told(1);
    town.now_ms += 101;
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 2) });
    assert_eq!(town.answer(1), "ok 1");
    assert_eq!((town.relay.info().expired, town.relay.info().queued), (2, 1));
}

fn team(founder: &str, seed: &str, policy: RosterPolicy) -> Roster {
    Roster::create(&person(founder), "team", &[], policy, 1, &mut ScriptedRandom::new(seed)).unwrap()
}

#[test]
fn a_user_creates_so_many_groups_until_it_deletes_one() {
    let options = RelayOptions { groups_per_user: 2, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.gather(&["alice"]);
    let rosters = ["a", "b", "c"].map(|seed| team("alice", seed, RosterPolicy::default()));
    for roster in &rosters {
        town.send(1, 1, Body::Commit { commit: 0, entry: roster.entries(0) });
    }
    assert_eq!(town.told(1).last().unwrap(), "LimitReached 1 0 0");
    town.send(1, 2, Body::Commit { commit: 0, entry: rosters[0].entries(0) });
    assert_eq!(town.answer(1), "ok 2", "what is known is no new one");
    let delete = Act::Delete.propose(&rosters[0], &person("alice")).unwrap();
    town.send(1, 3, Body::Commit { commit: 0, entry: &delete });
    town.told(1);
    town.send(1, 4, Body::Commit { commit: 0, entry: rosters[2].entries(0) });
    assert_eq!(town.told(1)[0], "ok 4");
}

#[test]
fn so_many_join_a_group_in_an_hour() {
    let options = RelayOptions { joins_per_hour: 1, ..RelayOptions::default() };
    let mut town = Town::with(options);
    town.gather(&["alice", "bob", "carol"]);
    let mut roster = team("alice", "open", RosterPolicy { open: true, ..RosterPolicy::default() });
    town.send(1, 1, Body::Commit { commit: 0, entry: roster.entries(0) });
    let bob = Act::Join.propose(&roster, &person("bob")).unwrap();
    town.send(2, 1, Body::Commit { commit: 0, entry: &bob });
    assert!(town.told(2).contains(&"ok 1".into()));
    roster.settle(&bob).unwrap();
    town.now_ms += 1_000;
    let carol = Act::Join.propose(&roster, &person("carol")).unwrap();
    town.send(3, 1, Body::Commit { commit: 0, entry: &carol });
    assert_eq!(town.answer(3), "RateLimited 1 3599000 0");
    town.now_ms += 3_599_000;
    town.send(3, 2, Body::Commit { commit: 0, entry: &carol });
    assert!(town.told(3).contains(&"ok 2".into()));
}
