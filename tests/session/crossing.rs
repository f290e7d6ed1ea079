//! Both sides start at once, or one of them starts again.

use sealwax::Error;
use sealwax::session::Level;

use crate::pair::*;

/// Every order of four things.
fn orders() -> Vec<[usize; 4]> {
    let all = |order: &[usize; 4]| (0..4).all(|at| order.contains(&at));
    (0..256).map(|code| [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6]).filter(all).collect()
}

fn crossed(seed: &str, ours: Level, theirs: Level) -> (Side, Side) {
    let mut alice = Side::new("alice", seed, hidden(false));
    let mut bob = Side::new("bob", seed, hidden(false));
    alice.initiate(&mut bob, ours);
    bob.initiate(&mut alice, theirs);
    (alice, bob)
}

#[test]
fn crossing_handshakes_converge_in_every_order_of_arrival() {
    for seed in ["a", "b", "c"] {
        for order in orders() {
            let (mut alice, mut bob) = crossed(seed, Level::OneTime, Level::OneTime);
            let there = [alice.send("there 0"), alice.send("there 1")];
            let back = [bob.send("back 0"), bob.send("back 1")];
            for at in order {
                match at {
                    0 | 1 => assert_eq!(bob.read(&there[at]), format!("there {at}")),
                    _ => assert_eq!(alice.read(&back[at - 2]), format!("back {}", at - 2)),
                }
            }
            assert!(agree(&alice, &bob));
            let message = alice.send("on");
            assert_eq!(bob.read(&message), "on");
            let message = bob.send("on");
            assert_eq!(alice.read(&message), "on");
            assert!(agree(&alice, &bob));
            assert!(!is_first(&alice.send("")) && !is_first(&bob.send("")));
        }
    }
}

#[test]
fn either_side_may_win_a_crossing() {
    let winners: std::collections::BTreeSet<_> = (0..16)
        .map(|seed| {
            let (mut alice, mut bob) = crossed(&seed.to_string(), Level::Signed, Level::Signed);
            let back = bob.send("back");
            alice.read(&back);
            alice.active().initiated
        })
        .collect();
    assert_eq!(winners.len(), 2);
}

#[test]
fn a_crossing_with_prekeys_on_one_side_converges_on_that_side() {
    for seed in ["a", "b", "c", "d"] {
        for (ours, theirs) in [(Level::Plain, Level::OneTime), (Level::OneTime, Level::Plain)] {
            let (mut alice, mut bob) = crossed(seed, ours, theirs);
            let (there, back) = (alice.send("there"), bob.send("back"));
            bob.read(&there);
            alice.read(&back);
            assert!(agree(&alice, &bob));
            assert_eq!(alice.active().level, Level::OneTime);
        }
    }
}

#[test]
fn answers_sent_before_the_crossing_was_seen_still_open() {
    for seed in ["a", "b", "c"] {
        let (mut alice, mut bob) = crossed(seed, Level::OneTime, Level::OneTime);
        let there: Vec<_> = (0..3).map(|count| alice.send(&count.to_string())).collect();
        let back: Vec<_> = (0..3).map(|count| bob.send(&count.to_string())).collect();
        bob.read(&there[2]);
        let answer = bob.send("answer");
        alice.read(&answer);
        for (at, message) in there[..2].iter().enumerate() {
            assert_eq!(bob.read(message), at.to_string());
        }
        for (at, message) in back.iter().enumerate() {
            assert_eq!(alice.read(message), at.to_string());
        }
        assert!(agree(&alice, &bob));
    }
}

#[test]
fn a_peer_that_lost_its_state_takes_over_with_a_new_handshake() {
    for seed in ["a", "b", "c", "d"] {
        for (first, answered) in [(Level::OneTime, true), (Level::OneTime, false), (Level::Plain, true)] {
            let mut alice = Side::new("alice", seed, hidden(false));
            let mut bob = Side::new("bob", seed, hidden(false));
            alice.initiate(&mut bob, first);
            let hello = alice.send("hello");
            bob.read(&hello);
            if answered {
                let answer = bob.send("answer");
                alice.read(&answer);
            }
            bob.session = None;
            (alice.now, bob.now) = (START + MINUTE, START + MINUTE);
            bob.initiate(&mut alice, Level::OneTime);
            let anew = bob.send("anew");
            assert_eq!(alice.read(&anew), "anew");
            let message = alice.send("so be it");
            if answered {
                assert_eq!(bob.read(&message), "so be it");
                assert!(agree(&alice, &bob));
            } else {
                // Alice cannot know that bob held the first one; an hour of his messages tells her.
                let _ = bob.receive(&message);
                talk(&mut alice, &mut bob, 3);
                assert!(agree(&alice, &bob));
            }
        }
    }
}

#[test]
fn late_messages_of_the_old_session_open_after_the_peer_took_over() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let late = bob.send("late");
    bob.session = None;
    (alice.now, bob.now) = (START + MINUTE, START + MINUTE);
    bob.initiate(&mut alice, Level::OneTime);
    let anew = bob.send("anew");
    alice.read(&anew);
    assert!(!alice.active().initiated);
    assert_eq!(alice.read(&late), "late");
    assert!(!alice.active().initiated);
}

#[test]
fn an_older_handshake_that_arrives_late_only_receives() {
    let (mut alice, mut bob) = strangers(hidden(false));
    alice.initiate(&mut bob, Level::OneTime);
    let older = alice.send("older");
    alice.now += HOUR;
    alice.renew(&mut bob, Level::OneTime).unwrap();
    let newer = alice.send("newer");
    for message in [&newer, &older] {
        bob.read(message);
        assert_eq!(bob.active().key_id, key_id(&newer));
    }
}

#[test]
fn a_renewal_takes_over_on_both_sides() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let before = alice.active().key_id;
    (alice.now, bob.now) = (START + HOUR, START + HOUR);
    alice.renew(&mut bob, Level::Signed).unwrap();
    let message = alice.send("renewed");
    bob.read(&message);
    assert!(agree(&alice, &bob));
    assert_ne!(alice.active().key_id, before);
    let message = bob.send("answer");
    alice.read(&message);
}

#[test]
fn four_inner_sessions_are_held_and_the_least_used_goes() {
    let (mut alice, mut bob) = strangers(hidden(false));
    let mut firsts = Vec::new();
    for minute in 0..6 {
        alice.session = None;
        (alice.now, bob.now) = (START + minute * MINUTE, START + minute * MINUTE);
        alice.initiate(&mut bob, Level::OneTime);
        firsts.push((alice.send("one"), alice.send("two")));
        bob.read(&firsts.last().unwrap().0);
    }
    let held: Vec<_> = bob.session().info().inner.iter().map(|inner| inner.key_id).collect();
    let newest: Vec<_> = firsts[2..].iter().map(|(first, _)| key_id(first)).collect();
    assert_eq!(held, newest);
    assert_eq!(bob.receive(&firsts[1].1), Err(Error::Replay));
    assert_eq!(bob.read(&firsts[2].1), "two");
}

#[test]
fn an_inner_session_that_is_silent_for_seven_days_is_dropped() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let late = alice.send("late");
    (alice.now, bob.now) = (START + HOUR, START + HOUR);
    alice.renew(&mut bob, Level::OneTime).unwrap();
    let anew = alice.send("anew");
    bob.read(&anew);
    assert_eq!(bob.session().info().inner.len(), 2);
    (alice.now, bob.now) = (START + 8 * DAY, START + 8 * DAY);
    let message = bob.send("after a week");
    alice.read(&message);
    assert_eq!(bob.session().info().inner.len(), 1);
    assert_eq!(bob.receive(&late), Err(Error::UnknownKey));
    assert!(agree(&alice, &bob));
}

#[test]
fn a_peer_whose_clock_ran_ahead_is_found_again_after_it_lost_its_state() {
    let (mut alice, mut bob) = strangers(hidden(false));
    bob.now = START + 20 * DAY;
    bob.initiate(&mut alice, Level::Signed);
    let first = bob.send("from the future");
    alice.read(&first);
    let answer = alice.send("answer");
    bob.read(&answer);

    bob.session = None;
    (alice.now, bob.now) = (START + MINUTE, START + MINUTE);
    talk(&mut bob, &mut alice, 4);
    assert!(agree(&alice, &bob));
}
