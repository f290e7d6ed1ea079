//! A device that starts before its clock is set.

use sealwax::client::MessageState;
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
