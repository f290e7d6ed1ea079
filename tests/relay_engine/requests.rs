//! What a client asks for, and that asking again changes nothing.

use sealwax::crypto::rng::SystemRandom;
use sealwax::identity::{Identity, IdentityOptions};
use sealwax::roster::RosterPolicy;
use sealwax::wire::frame::{Body, Envelopes};

use crate::common::group::{Act, group, person};
use crate::common::relay::{direct, to_group};
use crate::town::{Memory, Town, list};

fn open() -> RosterPolicy {
    RosterPolicy { open: true, ..RosterPolicy::default() }
}

#[test]
fn an_envelope_is_answered_and_delivered_and_again_only_answered() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    let envelope = direct("alice", "bob", 1);
    for _ in 0..2 {
        town.send(1, 7, Body::Send { commit: 1, envelope: &envelope });
        assert_eq!(town.answer(1), "ok 7");
    }
    assert_eq!(town.told(2), [format!("1: {} bytes", envelope.len())]);
    town.send(2, 0, Body::Acknowledge { commit: 1, sequence: 1 });
    town.send(2, 0, Body::Acknowledge { commit: 1, sequence: 1 });
    assert!(town.told(2).is_empty());
    assert_eq!(town.relay.info().queued, 0);
    town.send(2, 0, Body::Acknowledge { commit: 1, sequence: 9 });
    assert_eq!(town.answer(2), "InvalidArgument 0 0 0");
    assert!(!town.is_closed(2));
}

#[test]
fn an_envelope_of_somebody_else_and_one_for_nobody_are_refused_and_the_connection_stays() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    town.send(1, 1, Body::Send { commit: 0, envelope: &direct("bob", "alice", 1) });
    assert_eq!(town.answer(1), "NotPermitted 1 0 0");
    town.send(1, 2, Body::Send { commit: 0, envelope: &direct("alice", "nobody", 1) });
    assert_eq!(town.answer(1), "UnknownUser 2 0 0");
    town.send(1, 3, Body::Send { commit: 0, envelope: b"no envelope" });
    assert_eq!(town.answer(1), "UnsupportedVersion 3 0 0");
    town.send(1, 4, Body::Ping);
    assert_eq!(town.answer(1), "ok 4");
}

#[test]
fn many_envelopes_have_a_status_each() {
    let mut town = Town::new();
    town.gather(&["alice", "bob", "carol"]);
    let (to_bob, to_carol, to_nobody) =
        (direct("alice", "bob", 1), direct("alice", "carol", 2), direct("alice", "nobody", 3));
    let envelopes = Envelopes::encode([&to_bob[..], &to_nobody, &to_carol, &to_bob]).unwrap();
    for again in [false, true] {
        town.send(1, 5, Body::SendMany { commit: 2, envelopes: list(&envelopes) });
        assert_eq!(town.answer(1), "sent [None, Some(UnknownUser), None, None]");
        let expected = usize::from(!again);
        assert_eq!((town.told(2).len(), town.told(3).len()), (expected, expected));
    }
    assert!(town.store.0.contains_key("queue/bob/00000000000000000001"));
}

#[test]
fn prekeys_are_published_counted_and_handed_out() {
    let mut town = Town::new();
    let now_ms = town.now_ms;
    town.gather(&["alice"]);
    let mut bob = Identity::generate(&mut SystemRandom, "bob", IdentityOptions::default(), now_ms).unwrap();
    town.relay
        .register("bob", bob.card().as_bytes(), now_ms)
        .map(|outcome| town.store.take(&outcome))
        .unwrap();
    let bundle = bob.prekeys(&mut SystemRandom, 3, now_ms).unwrap();
    town.relay.publish("bob", &bundle, now_ms).map(|outcome| town.store.take(&outcome)).unwrap();
    town.send(1, 1, Body::Lookup { user: "bob" });
    assert_eq!(town.answer(1), "found true");
    assert!(town.store.0.contains_key("taken/bob"), "recorded before the answer leaves");
    town.send(1, 2, Body::Prekeys { commit: 1, bundle: &bundle });
    assert_eq!(town.answer(1), "IdentityChanged 2 0 0", "another user's");
    town.send(1, 3, Body::Lookup { user: "nobody" });
    assert_eq!(town.answer(1), "UnknownUser 3 0 0");
}

#[test]
fn a_welcome_tells_how_many_prekeys_are_left() {
    let mut town = Town::new();
    town.gather(&["alice"]);
    // The prekeys of a person that is the same each time.
    let bundle = person("alice").prekeys(&mut SystemRandom, 4, town.now_ms).unwrap();
    for _ in 0..2 {
        town.send(1, 1, Body::Prekeys { commit: 1, bundle: &bundle });
        assert_eq!(town.answer(1), "ok 1");
    }
    let memory = Memory { commit: 1, ..Memory::default() };
    assert_eq!(town.come_with(2, "alice", memory).one_time_prekeys, 4);
    // The number of the copy is lower than that of the prekeys.
    assert_eq!(town.come(3, "alice").one_time_prekeys, 0, "those of a restored copy are gone");
    town.restart();
    assert_eq!(town.come_with(4, "alice", memory).one_time_prekeys, 0);
}

#[test]
fn a_roster_entry_wins_once_and_its_rival_learns_the_epoch() {
    let mut town = Town::new();
    town.gather(&["alice", "bob", "carol"]);
    let (alice, bob, carol) = (person("alice"), person("bob"), person("carol"));
    let roster = group(&alice, &[&bob], RosterPolicy::default());
    let create = roster.entries(0).to_vec();
    for _ in 0..2 {
        town.send(1, 1, Body::Commit { commit: 1, entry: &create });
        let told = town.told(1);
        assert_eq!(told.iter().filter(|word| *word == "ok 1").count(), 1, "{told:?}");
    }
    assert_eq!(town.told(2).len(), 2, "who is there, and the entry once");
    let first = Act::Add(&[&carol], sealwax::wire::roster::Role::Member).propose(&roster, &alice).unwrap();
    let rival = Act::Leave.propose(&roster, &bob).unwrap();
    town.send(1, 2, Body::Commit { commit: 2, entry: &first });
    town.told(1);
    town.told(2);
    town.send(2, 3, Body::Commit { commit: 2, entry: &rival });
    assert_eq!(town.answer(2), "StaleEpoch 3 0 1");
    town.send(2, 4, Body::Commit { commit: 2, entry: &first });
    assert_eq!(town.answer(2), "NotPermitted 4 0 0");
    town.send(3, 5, Body::FetchLog { group_id: roster.group_id(), from_epoch: 0 });
    assert!(town.told(3).contains(&format!("log of {} bytes", create.len() + first.len())));

    let message = to_group("bob", roster.group_id(), 1);
    town.send(2, 5, Body::Send { commit: 3, envelope: &message });
    assert_eq!(town.answer(2), "ok 5");
    assert_eq!((town.told(1).len(), town.told(3).len()), (1, 1));
}

#[test]
fn a_search_shows_what_the_asker_may_see_its_own_first() {
    let mut town = Town::new();
    town.gather(&["alice", "bob", "carol"]);
    let (alice, bob) = (person("alice"), person("bob"));
    let closed = group(&alice, &[], RosterPolicy::default());
    let open_group = group(&alice, &[&bob], open());
    let deleted = Act::Delete.propose(&open_group, &alice).unwrap();
    for entry in [closed.entries(0), open_group.entries(0)] {
        town.send(1, 1, Body::Commit { commit: 1, entry });
    }
    let (c, o) = (format!("{:02x}", closed.group_id()[0]), format!("{:02x}", open_group.group_id()[0]));
    let mut seen = |connection: u64, label: &str| {
        town.told(connection);
        town.send(connection, 2, Body::Find { label });
        town.answer(connection)
    };
    let own = seen(1, "team");
    assert!(own == format!("groups {c}m {o}om") || own == format!("groups {o}om {c}m"), "{own}");
    assert_eq!(seen(2, "team"), format!("groups {o}om"));
    assert_eq!(seen(3, "team"), format!("groups {o}o"), "anybody may join");
    assert_eq!(seen(3, "other"), "groups");
    town.send(1, 3, Body::Commit { commit: 1, entry: &deleted });
    town.told(3);
    town.send(3, 2, Body::Find { label: "team" });
    assert_eq!(town.answer(3), "groups");
}
