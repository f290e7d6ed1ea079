//! What has waited for too long.

use sealwax::client::{ClientOptions, Event, MessageId, MessageState};
use sealwax::error::Error;

use crate::bed::Bed;

const TODAY_MS: u64 = 1_800_000_000_000;
const DAY_MS: u64 = 86_400_000;

/// Alice and Bob have talked. Alice has gone, and what she has asked for since waits: a message and a group.
fn waiting(now_ms: u64) -> (Bed, MessageId, u64) {
    let mut bed = Bed::at(now_ms, &["alice", "bob"], &ClientOptions::default());
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.send("bob", "alice", "b1");
    bed.pass(1_000);
    bed.disconnect("alice");
    let id = bed.send("alice", "bob", "a2");
    let now_ms = bed.now_ms;
    let request = bed.client("alice").create_group("team", false, &["bob"], now_ms).unwrap();
    bed.run();
    (bed, id, request)
}

/// Whether a request of Alice was ended for having waited too long.
fn has_expired(bed: &mut Bed, number: u64) -> bool {
    let is_end = |event: &Event| matches!(event, Event::Refused { request, status: Error::Expired, .. } if *request == number);
    bed.person("alice").events.iter().any(is_end)
}

#[test]
fn what_waits_for_a_connection_fails_after_a_week_and_is_not_sent_later() {
    let (mut bed, id, request) = waiting(TODAY_MS);
    bed.pass(7 * DAY_MS - 10_000);
    assert_eq!(bed.person("alice").states(&id), []);
    assert!(!has_expired(&mut bed, request));
    bed.pass(20_000 + 60_000);
    assert_eq!(bed.person("alice").states(&id), [Err(Error::Expired)]);
    assert!(has_expired(&mut bed, request));
    assert_eq!(bed.person("alice").count("outbox"), 0);
    bed.connect("alice");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1"]);
    assert!(bed.client("alice").groups().unwrap().is_empty());
}

#[test]
fn a_host_that_looks_seldom_hears_of_it_all_the_same() {
    let (mut bed, id, request) = waiting(TODAY_MS);
    for _ in 0..4 * 8 {
        bed.now_ms += DAY_MS / 4;
        let now_ms = bed.now_ms;
        bed.client("alice").tick(now_ms).unwrap();
        bed.run();
    }
    assert_eq!(bed.person("alice").states(&id), [Err(Error::Expired)]);
    assert!(has_expired(&mut bed, request));
}

#[test]
fn what_became_too_old_while_the_client_was_closed_has_a_minute_to_be_sent() {
    for connects in [false, true] {
        let (mut bed, id, request) = waiting(TODAY_MS);
        bed.now_ms += 8 * DAY_MS;
        bed.close("alice");
        if connects {
            bed.connect("alice");
        }
        bed.pass(61_000);
        let expected = if connects { Ok(MessageState::Sent) } else { Err(Error::Expired) };
        assert_eq!(bed.person("alice").states(&id), [expected]);
        assert_eq!(has_expired(&mut bed, request), !connects);
    }
}

#[test]
fn a_message_to_a_peer_whose_identity_nobody_decides_on_fails_after_a_week() {
    let mut bed = Bed::at(TODAY_MS, &["alice", "bob"], &ClientOptions::default());
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.disconnect("alice");
    bed.replace_relay();
    bed.add("bob", &ClientOptions::default());
    bed.connect("alice");
    bed.send("bob", "alice", "it is me");
    bed.run();
    let id = bed.send("alice", "bob", "for whom?");
    bed.pass(6 * DAY_MS);
    assert_eq!(bed.person("alice").states(&id), []);
    bed.pass(DAY_MS + 1_000);
    assert_eq!(bed.person("alice").states(&id), [Err(Error::IdentityChanged)]);
    assert_eq!(bed.person("alice").count("outbox"), 0);
    // Whoever decides later is not surprised by it.
    let (fingerprint, now_ms) = (bed.person("alice").changes()[0], bed.now_ms);
    bed.client("alice").accept_identity("bob", &fingerprint, now_ms).unwrap();
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts(), []);
    assert_eq!(bed.person("alice").texts_of("bob"), ["it is me"]);
}

#[test]
fn a_clock_that_is_wrong_for_a_moment_ends_nothing() {
    let (mut bed, id, _) = waiting(TODAY_MS);
    bed.person("alice").ahead_ms = 400 * 86_400_000;
    let wrong_ms = bed.time_of("alice");
    bed.client("alice").tick(wrong_ms).unwrap();
    bed.run();
    bed.person("alice").ahead_ms = 0;
    bed.pass(120_000);
    bed.connect("alice");
    bed.pass(1_000);
    assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)]);
}

#[test]
fn what_was_asked_for_before_the_clock_was_set_is_young() {
    for reopens in [false, true] {
        let (mut bed, id, request) = waiting(5_000);
        bed.now_ms = TODAY_MS;
        if reopens {
            bed.close("alice");
        }
        bed.pass(2 * 60_000);
        assert_eq!(bed.person("alice").states(&id), []);
        assert!(!has_expired(&mut bed, request));
        bed.pass(7 * DAY_MS);
        assert_eq!(bed.person("alice").states(&id), [Err(Error::Expired)]);
        assert!(has_expired(&mut bed, request));
    }
}
