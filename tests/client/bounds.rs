//! What a client does with more than it can take at once, and what it forgets in time.

use sealwax::client::{ClientOptions, Event, MessageState};
use sealwax::error::Error;
use sealwax::limits::{CLIENT_OUTBOX_MAX, DAY_MS};
use sealwax::store::{Name, Store};
use sealwax::wire::content::ContentType;
use sealwax::wire::frame::{Body, Frame};

use crate::bed::{Bed, KEY};
use crate::common::ScriptedRandom;

const RESEND: u8 = 6;
const SENT: u8 = 7;

/// Records of a kind that somebody's store holds.
fn records(bed: &mut Bed, name: &str, kind: u8) -> usize {
    let copy = bed.person(name).disk.backup();
    let store = Store::open_on(copy.medium(), &KEY, &mut ScriptedRandom::new("copy")).unwrap();
    store.scan(&Name::new(kind)).unwrap().count()
}

#[test]
fn as_many_messages_as_may_wait_go_into_a_store_at_once() {
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    let now_ms = bed.now_ms;
    for _ in 0..CLIENT_OUTBOX_MAX {
        bed.client("alice").send_direct("bob", ContentType::Binary, b"x", false, now_ms).unwrap();
    }
    assert!(bed.client("alice").send_direct("bob", ContentType::Binary, b"x", false, now_ms).is_err());
    bed.client("alice").pending().unwrap();
    bed.crash("alice");
    assert_eq!(bed.person("alice").count("outbox"), CLIENT_OUTBOX_MAX as u64);
    // Nobody of that name: all of it fails.
    bed.person("alice").confirms = false;
    bed.connect("alice");
    bed.run();
    assert_eq!(bed.person("alice").count("outbox"), 0);
    let failed = bed.person("alice").events.iter().filter(|event| event.name() == "failed").count();
    assert_eq!(failed, CLIENT_OUTBOX_MAX);
}

#[test]
fn of_very_many_messages_each_is_told_delivered_and_what_tells_them_apart_stays_bounded() {
    let mut bed = Bed::with(&["alice", "bob"], &ClientOptions { acks: true, ..ClientOptions::default() });
    bed.send("bob", "alice", "hello");
    bed.run();
    let count = 10_200;
    for number in 0..count {
        bed.send("alice", "bob", "x");
        if number % 64 == 63 {
            bed.run();
        }
    }
    bed.run();
    bed.pass(5_000);
    let is_delivered = |event: &&Event| matches!(event, Event::Ack { state: MessageState::Delivered, .. });
    let delivered = bed.person("alice").events.iter().filter(is_delivered).count();
    assert!(records(&mut bed, "alice", SENT) <= 10_000);
    // Those that were told before they were forgotten, and the rest after.
    assert!(delivered >= 10_000, "{delivered}");
}

#[test]
fn what_was_sent_is_forgotten_when_no_queue_holds_it_any_more() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.send("bob", "alice", "hello too");
    bed.run();
    assert!(records(&mut bed, "alice", RESEND) > 0 && records(&mut bed, "bob", RESEND) > 0);
    for name in ["alice", "bob"] {
        bed.disconnect(name);
    }
    // One of them did not end meanwhile.
    bed.close("bob");
    bed.pass(9 * DAY_MS);
    assert_eq!((records(&mut bed, "alice", RESEND), records(&mut bed, "bob", RESEND)), (0, 0));
}

#[test]
fn prekeys_that_the_relay_refuses_keep_nobody_busy() {
    const PREKEYS: u8 = 5;
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    bed.now_ms += 8 * DAY_MS;
    bed.connect("alice");
    let now_ms = bed.now_ms;
    let mut refused = 0;
    for _ in 0..6 {
        while let Some(frame) = bed.client("alice").next_frame().unwrap() {
            if frame[5] == PREKEYS {
                refused += 1;
                let (request, status) =
                    (Frame::parse(&frame).unwrap().request, sealwax::error::Error::LimitReached.code());
                let body = Body::Error { status, retry_after_ms: 0, epoch: 0, text: "" };
                bed.host.push("alice", request, body);
            } else {
                bed.host.receive("alice", &frame, now_ms);
            }
        }
        bed.down("alice").unwrap();
    }
    assert_eq!(refused, 1);
    bed.client("alice").tick(now_ms).unwrap();
    assert!(bed.client("alice").pending().unwrap().due_ms.unwrap() > now_ms);
    // Later it may take them.
    bed.pass(2 * 3_600_000);
    assert!(bed.host.heard.iter().any(|(_, frame)| *frame == PREKEYS));
}

#[test]
fn a_relay_that_never_ends_the_queue_is_given_up() {
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    bed.connect("alice");
    let now_ms = bed.now_ms;
    for _ in 0..4 {
        bed.up("alice").unwrap();
        bed.host.frames("alice").retain(|frame| Frame::parse(frame).unwrap().body != Body::QueueEnd);
        bed.down("alice").unwrap();
    }
    assert!(!bed.client("alice").wants_disconnect());
    bed.client("alice").tick(now_ms + 60_000).unwrap();
    assert!(bed.client("alice").wants_disconnect());
}

#[test]
fn a_clock_that_once_ran_ahead_is_forgotten() {
    const YEARS_MS: u64 = 30 * 365 * DAY_MS;
    for reopens in [false, true] {
        // One-time prekeys die with the wrong time, and the relay goes on handing them out.
        let options = ClientOptions { one_time_prekeys: 0, ..ClientOptions::default() };
        let mut bed = Bed::with(&["alice", "bob"], &options);
        bed.send("alice", "bob", "a1");
        bed.run();
        bed.send("bob", "alice", "b1");
        bed.run();
        let now_ms = bed.now_ms;
        bed.client("bob").tick(now_ms + YEARS_MS).unwrap();
        bed.client("bob")
            .send_direct("alice", ContentType::Text, b"from the future", false, now_ms + YEARS_MS)
            .unwrap();
        bed.run();
        if reopens {
            bed.crash("bob");
            bed.connect("bob");
        }
        bed.run();
        bed.pass(10_000);
        // Its prekeys are of today: others can start with it.
        bed.add("carol", &ClientOptions::default());
        bed.run();
        bed.send("carol", "bob", "hello");
        bed.pass(10_000);
        assert_eq!(bed.person("bob").texts_of("carol"), ["hello"], "{reopens}");
        // What cannot be sent fails in time.
        bed.wipe_session("bob", "alice");
        bed.connect("bob");
        bed.send("bob", "alice", "b2");
        bed.send("alice", "bob", "a2");
        bed.pass(2 * 3_600_000);
        assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "from the future", "b2"], "{reopens}");
        assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"], "{reopens}");
        assert!(bed.client("bob").pending().unwrap().due_ms.unwrap() < now_ms + 30 * DAY_MS);
    }
}

#[test]
fn a_full_queue_is_tried_again_within_a_minute_and_once_more_at_a_new_connection() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    let id = bed.send("alice", "bob", "a2");
    bed.pass(4 * 3_600_000);
    bed.host.refuses = None;
    bed.pass(61_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
    assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)]);

    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    let (kept, lost) = (bed.send("alice", "bob", "a3"), bed.send("alice", "bob", "a4"));
    bed.run();
    bed.disconnect("alice");
    bed.now_ms += 8 * DAY_MS;
    let now_ms = bed.now_ms;
    bed.client("alice").tick(now_ms).unwrap();
    bed.run();
    bed.host.refuses = None;
    bed.connect("alice");
    bed.pass(10_000);
    for id in [kept, lost] {
        assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)]);
    }
    // Whoever is full all the time is given up.
    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    let id = bed.send("alice", "bob", "a5");
    bed.run();
    bed.disconnect("alice");
    bed.now_ms += 8 * DAY_MS;
    bed.connect("alice");
    bed.pass(10_000);
    assert_eq!(bed.person("alice").states(&id), [Err(Error::QueueFull)]);
}

#[test]
fn a_frame_without_a_connection_is_told_and_changes_nothing() {
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    let now_ms = bed.now_ms;
    let frame = Frame { request: 0, body: Body::QueueEnd }.to_bytes().unwrap();
    bed.client("alice").receive(&frame, now_ms).unwrap();
    bed.run();
    assert_eq!(bed.person("alice").events.last(), Some(&Event::Error { status: Error::WrongState }));
    assert!(!bed.client("alice").wants_disconnect());
}

#[test]
fn a_relay_without_a_name_gets_no_proof() {
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    let now_ms = bed.now_ms;
    bed.client("alice").connected(None, now_ms).unwrap();
    let hello = bed.client("alice").next_frame().unwrap().unwrap();
    let request = Frame::parse(&hello).unwrap().request;
    let challenge = Frame { request, body: Body::Challenge { nonce: &[1; 32], relay_name: "" } };
    bed.client("alice").receive(&challenge.to_bytes().unwrap(), now_ms).unwrap();
    assert_eq!(bed.client("alice").next_frame().unwrap(), None);
    assert!(bed.client("alice").wants_disconnect());
}
