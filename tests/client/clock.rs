//! Clocks that are put back, that were wrong for a moment, and that are not set yet.

use sealwax::client::{ClientOptions, MessageState};
use sealwax::error::Error;

use crate::bed::Bed;

/// Some day in 2027, and some seconds of 1970.
const TODAY_MS: u64 = 1_800_000_000_000;
const UNSET_MS: u64 = 5_000;

/// Alice and Bob have talked today. Alice has gone, and what she wrote since waits.
fn waiting() -> (Bed, sealwax::client::MessageId) {
    let mut bed = Bed::of(&["alice", "bob"]);
    for name in ["alice", "bob"] {
        bed.disconnect(name);
    }
    bed.now_ms = TODAY_MS;
    for name in ["alice", "bob"] {
        bed.close(name);
        bed.connect(name);
    }
    bed.pass(1_000);
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.send("bob", "alice", "b1");
    bed.run();
    bed.disconnect("alice");
    let id = bed.send("alice", "bob", "a2");
    bed.run();
    (bed, id)
}

/// The clock is set, and Alice is back.
fn comes_back(mut bed: Bed, id: &sealwax::client::MessageId) {
    bed.now_ms = TODAY_MS + 60_000;
    // Bob's queue is full for a moment: what has waited for a week would fail now.
    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    bed.connect("alice");
    bed.pass(1_000);
    bed.host.refuses = None;
    bed.pass(120_000);
    assert_eq!(bed.person("alice").states(id), [Ok(MessageState::Sent)]);
    bed.send("bob", "alice", "b2");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2"]);
    assert_eq!(bed.person("alice").count("unreadable") + bed.person("bob").count("unreadable"), 0);
}

#[test]
fn a_client_that_is_opened_before_the_clock_is_set_lets_nothing_that_waits_look_old() {
    let (mut bed, id) = waiting();
    bed.now_ms = UNSET_MS;
    bed.close("alice");
    for _ in 0..3 {
        bed.now_ms += 1_000;
        let now_ms = bed.now_ms;
        bed.client("alice").tick(now_ms).unwrap();
        bed.client("alice").pending().unwrap();
    }
    comes_back(bed, &id);
}

#[test]
fn a_client_whose_clock_is_unset_under_it_lets_nothing_that_waits_look_old() {
    let (mut bed, id) = waiting();
    for ms in 0..3 {
        bed.client("alice").tick(UNSET_MS + ms).unwrap();
        bed.client("alice").pending().unwrap();
    }
    comes_back(bed, &id);
}

/// Steps of a clock: a minute, an hour, a day and more than a year.
const STEPS_MS: [i64; 5] = [10_000, 60_000, 3_600_000, 86_400_000, 400 * 86_400_000];

/// Alice and Bob, who tell each other what was delivered, have talked today.
fn acquainted() -> Bed {
    let options = ClientOptions { acks: true, ..ClientOptions::default() };
    let mut bed = Bed::at(TODAY_MS, &["alice", "bob"], &options);
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.send("bob", "alice", "b1");
    bed.pass(5_000);
    bed
}

/// Alice does all that a client does by time as soon as ever, whatever her clock showed before.
fn goes_on(mut bed: Bed, step: &str) {
    let events = bed.person("alice").events.len();
    let id = bed.send("bob", "alice", "b2");
    bed.pass(3_000);
    assert_eq!(bed.person("bob").states(&id).last(), Some(&Ok(MessageState::Delivered)), "{step}");
    // The relay closes what is silent for 90 seconds.
    bed.pass(300_000);
    assert!(bed.host.is_connected("alice") && bed.person("alice").events.len() == events + 1, "{step}");
    let due_ms = bed.client("alice").pending().unwrap().due_ms.unwrap();
    assert!(due_ms <= bed.time_of("alice") + 30_000, "{step}");
    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    let id = bed.send("alice", "bob", "a2");
    bed.pass(1);
    bed.host.refuses = None;
    bed.pass(1_100);
    assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)], "{step}");
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"], "{step}");
}

#[test]
fn a_clock_that_is_put_back_stops_nothing() {
    for back_ms in STEPS_MS {
        for reopens in [false, true] {
            let mut bed = acquainted();
            bed.person("alice").ahead_ms = -back_ms;
            if reopens {
                bed.close("alice");
                bed.connect("alice");
                bed.run();
                bed.person("alice").events.clear();
            }
            goes_on(bed, &format!("back {back_ms} {reopens}"));
        }
    }
}

#[test]
fn a_clock_that_was_wrong_for_a_moment_stops_nothing() {
    for ahead_ms in STEPS_MS {
        let mut bed = acquainted();
        bed.person("alice").ahead_ms = ahead_ms;
        let wrong_ms = bed.time_of("alice");
        bed.client("alice").tick(wrong_ms).unwrap();
        bed.run();
        bed.person("alice").ahead_ms = 0;
        bed.pass(1_000);
        goes_on(bed, &format!("ahead {ahead_ms}"));
    }
}
