//! What arrives twice, in another order, or not from whom it says.

use sealwax::client::Event;
use sealwax::error::Error;
use sealwax::wire::frame::{Body, Frame};

use crate::bed::Bed;

#[test]
fn what_the_relay_delivers_twice_is_shown_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "one");
    bed.send("alice", "bob", "two");
    bed.run();
    let envelopes: Vec<Vec<u8>> = bed.host.taken.iter().map(|(_, envelope)| envelope.clone()).collect();
    for (at, envelope) in envelopes.iter().enumerate() {
        bed.host.push("bob", 0, Body::Deliver { sequence: at as u64 + 1, payload: envelope });
    }
    bed.run();
    bed.crash("bob");
    bed.connect("bob");
    bed.run();
    for (at, envelope) in envelopes.iter().enumerate() {
        bed.host.push("bob", 0, Body::Deliver { sequence: at as u64 + 1, payload: envelope });
    }
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["one", "two"]);
    assert!(bed.person("bob").count("repeated") >= 2);
}

#[test]
fn what_the_relay_delivers_in_another_order_is_shown_all_the_same() {
    let mut bed = Bed::of(&["alice", "bob"]);
    for text in ["one", "two", "three", "four"] {
        bed.send("alice", "bob", text);
        bed.up("alice").unwrap();
        bed.down("alice").unwrap();
        bed.up("alice").unwrap();
        bed.down("alice").unwrap();
    }
    let frames = bed.host.frames("bob");
    let middle = frames.make_contiguous();
    middle.reverse();
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["four", "three", "two", "one"]);
}

#[test]
fn an_envelope_of_others_is_passed_over() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    bed.send("alice", "bob", "for bob");
    bed.run();
    let envelope = bed.host.taken[0].1.clone();
    bed.host.push("carol", 0, Body::Deliver { sequence: 1, payload: &envelope });
    for garbage in [&b"x"[..], &envelope[..40], &[0; 300], &[1, 1, 0, 1, 5], &[1, 1, 0, 1, 0x20]] {
        bed.host.push("carol", 0, Body::Deliver { sequence: 2, payload: garbage });
    }
    bed.run();
    assert_eq!(bed.person("carol").texts(), []);
    assert_eq!(bed.person("carol").count("dropped"), 6);
    // A relay that has made up sequences is one that has lost them.
    bed.disconnect("carol");
    bed.connect("carol");
    bed.run();
    bed.send("alice", "carol", "for carol");
    bed.run();
    assert_eq!(bed.person("carol").texts_of("alice"), ["for carol"]);
}

#[test]
fn a_changed_byte_is_noticed_and_costs_nothing() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "hi");
    bed.run();
    bed.send("alice", "bob", "pay 10");
    bed.up("alice").unwrap();
    let frame = bed.host.frames("bob").pop_back().unwrap();
    let Body::Deliver { sequence, payload } = Frame::parse(&frame).unwrap().body else { panic!() };
    let mut forged = payload.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    bed.host.push("bob", 0, Body::Deliver { sequence, payload: &forged });
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello"]);
    assert_eq!(bed.person("bob").count("unreadable"), 1);
    // Nobody makes a new handshake for it: the session has just been heard.
    let taken = bed.host.taken.len();
    bed.pass(10_000);
    assert_eq!(bed.host.taken.len(), taken);
    bed.host.frames("bob").push_back(frame);
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello", "pay 10"]);
}

#[test]
fn a_frame_that_is_none_ends_the_connection_and_not_the_client() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let now_ms = bed.now_ms;
    for frame in [&b""[..], b"\x01\x01\x00\x01\x60", &[0xff; 40]] {
        bed.client("alice").receive(frame, now_ms).unwrap();
        assert!(bed.client("alice").wants_disconnect());
        bed.run();
        assert!(bed.person("alice").events.iter().any(|event| matches!(event, Event::Error { .. })));
        bed.disconnect("alice");
        bed.connect("alice");
        bed.run();
        assert!(!bed.client("alice").wants_disconnect());
    }
    // A client does not take what clients send.
    let hello = Frame { request: 4, body: Body::Ping }.to_bytes().unwrap();
    bed.client("alice").receive(&hello, now_ms).unwrap();
    assert!(bed.client("alice").wants_disconnect());
    bed.run();
    let errors = bed.person("alice").events.iter();
    assert!(errors.into_iter().any(|event| *event == Event::Error { status: Error::Malformed }));
}
