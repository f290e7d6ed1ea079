//! Prekeys: published, refilled, replaced.

use sealwax::client::ClientOptions;
use sealwax::limits::{DAY_MS, SIGNED_PREKEY_ROTATE_MS};

use crate::bed::Bed;

const PREKEYS: u8 = 5;

fn published(bed: &Bed, user: &str) -> usize {
    bed.host.heard.iter().filter(|(name, kind)| name == user && *kind == PREKEYS).count()
}

#[test]
fn prekeys_are_published_with_the_first_connection_and_not_again() {
    let mut bed = Bed::of(&["alice"]);
    assert_eq!((bed.host.one_time("alice"), published(&bed, "alice")), (100, 1));
    bed.crash("alice");
    bed.connect("alice");
    bed.run();
    assert_eq!((bed.host.one_time("alice"), published(&bed, "alice")), (100, 1));
}

#[test]
fn one_time_prekeys_are_refilled_below_half() {
    let options = ClientOptions { one_time_prekeys: 4, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice"], &options);
    for number in 0..5 {
        let name = format!("user {number}");
        bed.add(&name, &options);
        bed.run();
        bed.send(&name, "alice", "hello");
        bed.run();
        assert!(bed.host.one_time("alice") >= 2);
    }
    assert!(published(&bed, "alice") >= 2);
    assert_eq!(bed.person("alice").texts().len(), 5);
}

#[test]
fn signed_prekeys_are_replaced_every_week() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.pass(3 * SIGNED_PREKEY_ROTATE_MS + DAY_MS);
    assert_eq!(published(&bed, "alice"), 4);
    bed.send("bob", "alice", "hello");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["hello"]);
}

#[test]
fn a_relay_that_lost_prekeys_gets_others() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.replace_relay();
    for name in ["alice", "bob"] {
        bed.disconnect(name);
        bed.connect(name);
    }
    bed.run();
    assert_eq!(bed.host.one_time("alice"), 100);
    bed.send("bob", "alice", "hello");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["hello"]);
}

#[test]
fn an_answer_that_was_lost_publishes_the_same_prekeys_again() {
    let mut bed = Bed::with(&[], &ClientOptions::default());
    bed.add("alice", &ClientOptions::default());
    while published(&bed, "alice") == 0 {
        bed.down("alice").unwrap();
        bed.up("alice").unwrap();
    }
    bed.host.frames("alice").clear();
    bed.disconnect("alice");
    bed.connect("alice");
    bed.run();
    assert_eq!(published(&bed, "alice"), 2);
    assert_eq!(bed.person("alice").count("one_time_prekeys"), 100);
}
