//! What a user may ask for in all, and what its requests cost others.

use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::relay::RelayOptions;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::frame::{Body, Envelopes, Frame, Hello, Method, Users};

use crate::common::ScriptedRandom;
use crate::common::group::{group, person, person_with};
use crate::common::relay::{direct, to_group};
use crate::town::{Memory, Town, list};

/// A group of Alice, who is at connection 1, and so many others, who are away.
fn crowd(town: &mut Town, others: usize) -> [u8; 32] {
    town.gather(&["alice"]);
    let others: Vec<Identity> = (0..others).map(|at| person(&format!("member {at}"))).collect();
    for other in &others {
        town.relay.register(other.user(), other.card().as_bytes(), town.now_ms).unwrap();
    }
    let roster = group(&person("alice"), &others.iter().collect::<Vec<_>>(), RosterPolicy::default());
    town.send(1, 1, Body::Commit { commit: 0, entry: roster.entries(0) });
    assert!(town.told(1).contains(&"ok 1".into()));
    *roster.group_id()
}

#[test]
fn the_first_message_to_a_group_of_a_thousand_passes_at_once() {
    let mut town = Town::new();
    let group_id = crowd(&mut town, 999);
    let distributions: Vec<_> = (0..999).map(|at| direct("alice", &format!("member {at}"), 1)).collect();
    let envelopes = Envelopes::encode(distributions.iter().map(Vec::as_slice)).unwrap();
    town.send(1, 2, Body::SendMany { commit: 0, envelopes: list(&envelopes) });
    assert_eq!(town.answer(1), format!("sent {:?}", vec![None::<Error>; 999]));
    town.send(1, 3, Body::Send { commit: 0, envelope: &to_group("alice", &group_id, 1) });
    assert_eq!(town.answer(1), "ok 3");
}

#[test]
fn one_frame_makes_so_many_copies_and_counts_for_all_of_them() {
    let mut town = Town::new();
    let group_id = crowd(&mut town, 40);
    let messages: Vec<_> = (0..1_024).map(|mark| to_group("alice", &group_id, mark)).collect();
    let envelopes = Envelopes::encode(messages.iter().map(Vec::as_slice)).unwrap();
    town.send(1, 2, Body::SendMany { commit: 0, envelopes: list(&envelopes) });
    let statuses: Vec<_> = (0..1_024).map(|at| (at >= 500).then_some(Error::RateLimited)).collect();
    assert_eq!(town.answer(1), format!("sent {statuses:?}"));
    town.send(1, 3, Body::Ping);
    let refused = town.answer(1);
    assert!(refused.starts_with("RateLimited 3 "), "{refused}");
    let others = Envelopes::encode(messages[500..].iter().map(Vec::as_slice)).unwrap();
    town.now_ms += 20_000;
    town.send(1, 4, Body::SendMany { commit: 0, envelopes: list(&others) });
    let statuses: Vec<_> = (0..524).map(|at| (at >= 500).then_some(Error::RateLimited)).collect();
    assert_eq!(town.answer(1), format!("sent {statuses:?}"));
}

#[test]
fn a_new_connection_brings_no_new_requests() {
    let mut town = Town::with(RelayOptions { requests_burst: 20, ..RelayOptions::default() });
    town.come(1, "alice");
    town.told(1);
    for request in 1..=10 {
        town.send(1, request, Body::Ping);
    }
    assert_eq!(town.told(1).last().unwrap(), "ok 10");
    town.connect(2, Some("alice")).unwrap();
    let hello = town.hello("alice", Method::Host, &Memory::default());
    town.receive(2, &hello);
    assert_eq!(town.answer(2), "RateLimited 1 100 0");
    assert!(town.is_closed(2) && !town.is_closed(1));
    town.now_ms += 100;
    town.come(3, "alice");
    assert!(town.is_closed(1));
    town.told(3);
    town.send(3, 1, Body::Ping);
    assert_eq!(town.answer(3), "RateLimited 1 10 0");
}

#[test]
fn who_comes_back_ten_times_a_minute_is_served() {
    let mut town = Town::new();
    let group_id = crowd(&mut town, 40);
    for connection in 2..60 {
        town.now_ms += 6_000;
        town.come(connection, "alice");
        town.told(connection);
        for mark in 0..50 {
            let envelope = to_group("alice", &group_id, u32::try_from(connection).unwrap() * 100 + mark);
            town.send(connection, 1, Body::Send { commit: 0, envelope: &envelope });
            assert_eq!(town.answer(connection), "ok 1");
        }
    }
}

#[test]
fn what_waited_is_handed_out_as_it_is_acknowledged() {
    let mut town = Town::with(RelayOptions { sender_share_percent: 100, ..RelayOptions::default() });
    town.gather(&["alice", "bob"]);
    town.disconnect(2);
    for mark in 0..3_000 {
        let outcome = town.relay.route("alice", &direct("alice", "bob", mark), town.now_ms).unwrap();
        town.take(&outcome);
    }
    for connection in 3..6 {
        assert_eq!(town.come(connection, "bob").last, 3_000);
        let told = town.told(connection);
        assert_eq!(told.len(), 1_024);
        assert!(told[1_023].starts_with("1024: "));
    }
    town.send(5, 0, Body::Acknowledge { commit: 0, sequence: 100 });
    assert!(town.told(5).is_empty(), "most of it is still on its way");
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 3_000) });
    assert_eq!(town.answer(1), "ok 1");
    assert!(town.told(5).is_empty(), "it waits behind what came before it");
    let mut last = 1_024;
    while last < 3_001 {
        town.send(5, 0, Body::Acknowledge { commit: 0, sequence: last - 500 });
        let told = town.told(5);
        assert!(told[0].starts_with(&format!("{}: ", last + 1)), "{}", told[0]);
        last += told.iter().filter(|word| *word != "end").count() as u64;
        assert_eq!(told.last().unwrap() == "end", last == 3_001);
    }
    town.send(1, 2, Body::Send { commit: 0, envelope: &direct("alice", "bob", 3_001) });
    assert!(town.told(5)[0].starts_with("3002: "), "at once from now on");
}

#[test]
fn an_acknowledgement_that_drops_nothing_is_a_request_and_makes_no_record() {
    let mut town = Town::with(RelayOptions { requests_burst: 12, ..RelayOptions::default() });
    town.gather(&["alice", "bob"]);
    let acknowledge = |town: &mut Town, commit, sequence| {
        let frame = Frame { request: 0, body: Body::Acknowledge { commit, sequence } }.to_bytes().unwrap();
        let outcome = town.relay.receive(2, &frame, town.now_ms).unwrap();
        town.take(&outcome);
        outcome.records_len()
    };
    town.now_ms += 10_000;
    for commit in 1..16 {
        assert_eq!(acknowledge(&mut town, commit, 0), 0);
    }
    assert_eq!(town.relay.info().rate_limited, 3);
    assert!(town.told(2).is_empty());
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", 1) });
    assert_eq!(acknowledge(&mut town, 16, 1), 3, "what drops something is always taken, and recorded");
    town.now_ms += 10_000;
    assert_eq!(acknowledge(&mut town, 31, 1), 0);
    assert_eq!(acknowledge(&mut town, 32, 1), 1, "the number has grown by so much");
    assert_eq!(acknowledge(&mut town, 32, u64::MAX), 0);
    assert_eq!(town.told(2).last().unwrap(), "InvalidArgument 0 0 0");
}

#[test]
fn showing_oneself_to_many_again_and_again_costs_requests() {
    let mut town = Town::with(RelayOptions { requests_burst: 30, ..RelayOptions::default() });
    let names: Vec<String> = (0..64).map(|at| format!("member {at:02}")).collect();
    let members: Vec<Identity> = names.iter().map(|name| person(name)).collect();
    let alice = person("alice");
    let roster = group(&alice, &members.iter().collect::<Vec<_>>(), RosterPolicy::default());
    let all: Vec<&str> = ["alice"].into_iter().chain(names.iter().map(String::as_str)).collect();
    town.gather(&all);
    town.send(1, 1, Body::Commit { commit: 0, entry: roster.entries(0) });
    assert_eq!(town.relay.info().presence, 65 * 64);
    town.send(1, 2, Body::Ping);
    assert!(town.told(1).last().unwrap().starts_with("RateLimited 2 "));
    town.now_ms += 10_000;
    let users = Users::encode([]).unwrap();
    let mut watch = |is_visible| {
        town.send(1, 3, Body::Watch { is_visible, users: list(&users) });
        town.told(1).swap_remove(0)
    };
    // Each tells 64 others that it went or came: three requests with its own.
    let answers: Vec<_> = (0..12).map(|at| watch(at % 2 == 1)).collect();
    let taken = answers.iter().filter(|answer| *answer == "ok 3").count();
    assert!((9..=11).contains(&taken), "{answers:?}");
}

#[test]
fn who_is_put_into_many_groups_is_shown_to_its_own_contacts_all_the_same() {
    let mut town = Town::with(RelayOptions { requests_burst: 1_000_000, ..RelayOptions::default() });
    let crowd: Vec<Identity> = (0..254).map(|at| person(&format!("puppet {at}"))).collect();
    for puppet in &crowd {
        town.relay.register(puppet.user(), puppet.card().as_bytes(), town.now_ms).unwrap();
    }
    town.gather(&["alice", "bob", "mallory"]);
    let (bob, mallory) = (person("bob"), person("mallory"));
    let own = group(&person("alice"), &[&bob], RosterPolicy::default());
    town.send(1, 1, Body::Commit { commit: 0, entry: own.entries(0) });
    let victims: Vec<_> = crowd.iter().chain([&bob]).map(|victim| victim.card().clone()).collect();
    let mut rng = ScriptedRandom::new("groups");
    for _ in 0..66 {
        let roster = Roster::create(&mallory, "", &victims, RosterPolicy::default(), 1, &mut rng).unwrap();
        town.send(3, 1, Body::Commit { commit: 0, entry: roster.entries(0) });
    }
    town.told(1);
    town.disconnect(2);
    assert_eq!(town.told(1), ["-bob"]);
}

#[test]
fn who_comes_in_the_name_of_another_costs_that_user_nothing() {
    let mut town = Town::with(RelayOptions { requests_burst: 20, ..RelayOptions::default() });
    town.gather(&["alice"]);
    let impostor = person_with("alice", "another");
    for connection in 2..12 {
        town.connect(connection, Some("alice")).unwrap();
        let Memory { store_id, commit, relay_id, seen } = Memory::default();
        let card = impostor.card().as_bytes();
        let hello =
            Hello { method: Method::Host, card, store_id: &store_id, commit, relay_id: &relay_id, seen };
        town.send(connection, 1, Body::Hello(hello));
        assert_eq!(town.answer(connection), "IdentityChanged 1 0 0");
    }
    for request in 1..=10 {
        town.send(1, request, Body::Ping);
        assert_eq!(town.answer(1), format!("ok {request}"));
    }
}

#[test]
fn who_sends_faster_than_bob_reads_keeps_no_end_of_what_waited_from_him() {
    let mut town = Town::with(RelayOptions { sender_share_percent: 100, ..RelayOptions::default() });
    town.gather(&["alice", "bob"]);
    town.disconnect(2);
    let mut sent = 0;
    let mut send = |town: &mut Town, count: u32| {
        for mark in sent..sent + count {
            let outcome = town.relay.route("alice", &direct("alice", "bob", mark), town.now_ms).unwrap();
            town.take(&outcome);
        }
        sent += count;
    };
    send(&mut town, 2_000);
    town.come(3, "bob");
    let mut last = town.told(3).len() as u64;
    let mut ends = 0;
    while last < 6_000 {
        send(&mut town, 1_100);
        town.send(3, 0, Body::Acknowledge { commit: 0, sequence: last - 100 });
        let told = town.told(3);
        let new_ends = told.iter().filter(|word| *word == "end").count();
        last += (told.len() - new_ends) as u64;
        ends += new_ends;
        assert_eq!(ends, usize::from(last >= 2_000), "{last}");
    }
}
