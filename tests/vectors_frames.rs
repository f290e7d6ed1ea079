//! `tests/vectors/frames.json`: every type of frame (`docs/PROTOCOL.md` section 10.3), and frames that must be refused.
//!
//! Fields of a vector that hold other objects hold arbitrary bytes: a frame does not look into them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::vectors::{check, hex};
use sealwax::Error;
use sealwax::wire::frame::{Body, Frame};
use serde_json::{Value, json};

const GROUP: [u8; 32] = [0x47; 32];

/// A frame's name, its fields, and what it is.
fn frames() -> Vec<(&'static str, Value, u32, Body<'static>)> {
    vec![
        ("hello", json!({ "method": 0, "user": "zoë/phone" }), 1, Body::Hello { user: "zoë/phone" }),
        ("ok", json!({}), 1, Body::Ok),
        (
            "error",
            json!({ "status": 500, "text": "No such user." }),
            u32::MAX,
            Body::Error { status: 500, text: "No such user." },
        ),
        ("error", json!({ "status": 611, "text": "" }), 2, Body::Error { status: 611, text: "" }),
        ("card", json!({ "card": hex([0xca; 3]) }), 3, Body::Card { card: &[0xca; 3] }),
        ("prekeys", json!({ "bundle": hex([0xb0; 4]) }), 4, Body::Prekeys { bundle: &[0xb0; 4] }),
        ("lookup", json!({ "user": "bob" }), 5, Body::Lookup { user: "bob" }),
        (
            "found",
            json!({ "card": hex([0xca; 3]), "bundle": hex([0xb0; 4]) }),
            5,
            Body::Found { card: &[0xca; 3], bundle: &[0xb0; 4] },
        ),
        (
            "found",
            json!({ "card": hex([0xca; 3]), "bundle": "" }),
            5,
            Body::Found { card: &[0xca; 3], bundle: &[] },
        ),
        ("commit", json!({ "entry": hex([0xe0; 5]) }), 6, Body::Commit { entry: &[0xe0; 5] }),
        (
            "fetch log",
            json!({ "group_id": hex(GROUP), "from_epoch": 7 }),
            7,
            Body::FetchLog { group_id: &GROUP, from_epoch: 7 },
        ),
        ("log", json!({ "entries": hex([0xe0; 5]) }), 7, Body::Log { entries: &[0xe0; 5] }),
        ("log", json!({ "entries": "" }), 7, Body::Log { entries: &[] }),
        ("send", json!({ "envelope": hex([0x5e; 6]) }), 8, Body::Send { envelope: &[0x5e; 6] }),
        (
            "deliver",
            json!({ "sequence": 1, "flags": 0, "payload": hex([0x5e; 6]) }),
            0,
            Body::Deliver { sequence: 1, payload: &[0x5e; 6] },
        ),
        ("deliver", json!({ "sequence": 0, "flags": 1, "payload": "" }), 0, Body::QueueEnd),
        ("acknowledge", json!({ "sequence": 258 }), 9, Body::Acknowledge { sequence: 258 }),
    ]
}

/// What is wrong with each, and the error that it gets.
fn refused() -> Vec<(&'static str, &'static str, Vec<u8>, Error)> {
    let frame = |rest: &[u8]| [&[1, 1, 0, 1, 0x60], rest].concat();
    let deliver = |request: u8, sequence: u8, flags: u8, payload: &[u8]| {
        let mut bytes = vec![12, 0, 0, 0, request];
        bytes.extend([0, 0, 0, 0, 0, 0, 0, sequence, flags, 0, 0, 0, payload.len() as u8]);
        bytes.extend_from_slice(payload);
        frame(&bytes)
    };
    vec![
        ("another kind", "WRONG_KIND", vec![1, 1, 0, 1, 0x20, 2, 0, 0, 0, 1], Error::WrongKind),
        (
            "another version",
            "UNSUPPORTED_VERSION",
            vec![2, 1, 0, 1, 0x60, 2, 0, 0, 0, 1],
            Error::UnsupportedVersion,
        ),
        (
            "another suite",
            "UNSUPPORTED_SUITE",
            vec![1, 1, 0, 2, 0x60, 2, 0, 0, 0, 1],
            Error::UnsupportedSuite,
        ),
        ("a reserved method", "UNSUPPORTED", frame(&[1, 0, 0, 0, 1, 1, 1, b'a']), Error::Unsupported),
        ("type 0", "MALFORMED", frame(&[0, 0, 0, 0, 1]), Error::Malformed),
        ("type 14", "MALFORMED", frame(&[14, 0, 0, 0, 1]), Error::Malformed),
        ("a byte too many", "MALFORMED", frame(&[2, 0, 0, 0, 1, 0]), Error::Malformed),
        ("a byte too few", "MALFORMED", frame(&[6, 0, 0, 0, 1, 2, b'a']), Error::Malformed),
        ("an empty user", "MALFORMED", frame(&[6, 0, 0, 0, 1, 0]), Error::Malformed),
        ("a user that is not UTF-8", "MALFORMED", frame(&[6, 0, 0, 0, 1, 1, 0xff]), Error::Malformed),
        ("an empty card", "MALFORMED", frame(&[4, 0, 0, 0, 1, 0, 0]), Error::Malformed),
        ("a deliver with a request", "MALFORMED", deliver(1, 1, 0, b"x"), Error::Malformed),
        ("a deliver without a sequence", "MALFORMED", deliver(0, 0, 0, b"x"), Error::Malformed),
        ("a deliver without a payload", "MALFORMED", deliver(0, 1, 0, b""), Error::Malformed),
        ("an end with a sequence", "MALFORMED", deliver(0, 1, 1, b""), Error::Malformed),
        ("an end with a payload", "MALFORMED", deliver(0, 0, 1, b"x"), Error::Malformed),
        ("a reserved flag", "MALFORMED", deliver(0, 1, 2, b"x"), Error::Malformed),
    ]
}

#[test]
fn frames_are_those_of_the_vectors() {
    let accepted = frames().into_iter().map(|(name, fields, request, body)| {
        let frame = Frame { request, body };
        let mut bytes = Vec::new();
        frame.put(&mut bytes).unwrap();
        assert_eq!(Frame::parse(&bytes), Ok(frame));
        json!({ "type": name, "request": request, "fields": fields, "frame": hex(&bytes) })
    });
    let refused = refused().into_iter().map(|(why, status, bytes, error)| {
        assert_eq!(Frame::parse(&bytes), Err(error), "{why}");
        json!({ "why": why, "frame": hex(&bytes), "status": status })
    });
    let vectors = json!({ "frames": accepted.collect::<Value>(), "refused": refused.collect::<Value>() });
    check("frames", &vectors);
}

#[test]
fn there_is_a_vector_of_every_type() {
    let mut types: Vec<u8> = frames()
        .into_iter()
        .map(|(_, _, request, body)| {
            let mut bytes = Vec::new();
            Frame { request, body }.put(&mut bytes).unwrap();
            bytes[5]
        })
        .collect();
    types.dedup();
    assert_eq!(types, (1..=13).collect::<Vec<_>>());
}
