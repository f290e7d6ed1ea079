//! A relay that dies in the midst of everything, and one that starts from its records.

use sealwax::roster::RosterPolicy;
use sealwax::wire::frame::Body;

use crate::common::group::{group, person};
use crate::common::relay::{direct, to_group};
use crate::town::{Memory, Town};

#[test]
fn a_restarted_relay_numbers_on_and_keeps_what_nobody_acknowledged() {
    let mut town = Town::new();
    let before = town.come(1, "alice");
    town.come(2, "bob");
    let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
    town.send(1, 1, Body::Commit { commit: 4, entry: roster.entries(0) });
    town.send(1, 2, Body::Send { commit: 5, envelope: &direct("alice", "bob", 1) });
    town.send(2, 0, Body::Acknowledge { commit: 1, sequence: 1 });
    town.restart();

    let memory = Memory { relay_id: before.relay_id, seen: 1, commit: 5, ..Memory::default() };
    let bob = town.come_with(1, "bob", memory);
    assert_ne!(bob.relay_id, before.relay_id, "each start numbers anew, for all that anybody can know");
    assert_eq!((bob.acknowledged, bob.last, bob.commit), (1, 2, 1));
    let told = town.told(1);
    assert!(told[0].starts_with("2: "), "{told:?}");
    let alice = town.come_with(2, "alice", Memory { commit: 3, ..Memory::default() });
    assert_eq!(alice.commit, 5, "a restored copy is found out after a restart too");
    assert_eq!(town.told(2)[0], "+bob");
    assert_eq!(town.told(1), ["+alice"]);

    // What was sent before is sent again by those who did not hear that it was taken.
    town.send(2, 3, Body::Send { commit: 5, envelope: &direct("alice", "bob", 1) });
    town.send(2, 4, Body::Commit { commit: 5, entry: roster.entries(0) });
    town.send(2, 5, Body::Send { commit: 6, envelope: &to_group("alice", roster.group_id(), 1) });
    let told = town.told(2);
    assert!(["ok 3", "ok 4", "ok 5"].iter().all(|word| told.contains(&(*word).into())), "{told:?}");
    // Of what was acknowledged a restarted relay knows nothing: recipients know what they have.
    assert!(town.told(1).last().unwrap().starts_with("4: "));
    town.send(2, 6, Body::Find { label: "team" });
    assert!(town.answer(2).ends_with('m'));
}

#[test]
fn a_restart_between_any_two_frames_loses_nothing() {
    for at in 0..8 {
        let mut town = Town::new();
        let mut next = 10;
        let (mut received, mut seen, mut relay_id) = (Vec::new(), 0, [0; 16]);
        for mark in 0..8 {
            if mark == at {
                town.restart();
            }
            if mark == 0 || mark == at || mark == 5 {
                next += 2;
                town.come(next, "alice");
                let memory = Memory { relay_id, seen, ..Memory::default() };
                let welcome = town.come_with(next + 1, "bob", memory);
                if welcome.relay_id != relay_id {
                    (relay_id, seen) = (welcome.relay_id, welcome.acknowledged);
                }
            }
            town.send(next, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", mark) });
            for frame in town.arrived(next + 1) {
                if let Body::Deliver { sequence, payload } =
                    sealwax::wire::frame::Frame::parse(&frame).unwrap().body
                {
                    assert_eq!(sequence, seen + 1);
                    seen = sequence;
                    if !received.iter().any(|known| known == payload) {
                        received.push(payload.to_vec());
                    }
                    if mark % 3 == 0 {
                        town.send(next + 1, 0, Body::Acknowledge { commit: 0, sequence });
                    }
                }
            }
        }
        let sent: Vec<_> = (0..8).map(|mark| direct("alice", "bob", mark)).collect();
        assert_eq!(received, sent);
    }
}

#[test]
fn a_relay_that_has_lost_the_tail_of_its_numbers_drops_nothing_that_nobody_has() {
    let mut town = Town::new();
    town.gather(&["alice"]);
    let relay_id = town.come(2, "bob").relay_id;
    let backup = town.store.clone();
    for mark in 0..3 {
        town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", mark) });
    }
    // Bob has seen three, and goes. The relay comes back from the backup, and numbers others like those.
    town.store = backup;
    town.restart();
    town.come(1, "alice");
    for mark in 3..8 {
        town.send(1, 1, Body::Send { commit: 0, envelope: &direct("alice", "bob", mark) });
    }
    let welcome = town.come_with(2, "bob", Memory { relay_id, seen: 3, ..Memory::default() });
    assert_eq!((welcome.acknowledged, welcome.last), (0, 5));
    assert_eq!(town.told(2).len(), 6);
}
