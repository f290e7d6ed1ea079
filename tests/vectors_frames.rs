//! `tests/vectors/frames.json`: every type of frame (`docs/PROTOCOL.md` section 10.3), and frames that must be refused.
//!
//! Fields of a vector that hold other objects hold arbitrary bytes: a frame does not look into them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::scripted_random::ScriptedRandom;
use common::vectors::{check, hex};
use sealwax::Error;
use sealwax::crypto::rng::Random as _;
use sealwax::identity::{Identity, IdentityOptions};
use sealwax::wire::frame::{
    Body, Envelopes, FoundGroup, Frame, Groups, Hello, Method, Statuses, Users, Welcome,
};
use serde_json::{Value, json};

const GROUP: [u8; 32] = [0x47; 32];
const STORE: [u8; 16] = [0x57; 16];
const RELAY: [u8; 16] = [0x4e; 16];
const ENVELOPES: &[u8] = &[0, 0, 0, 2, 0x5e, 0x5e, 0, 0, 0, 1, 0x5f];
const STATUSES: &[u8] = &[0, 0, 0, 0, 0, 0, 2, 0x63];
const USERS: &[u8] = b"\x03bob\x05carol";

fn hello(method: Method) -> Body<'static> {
    Body::Hello(Hello { method, card: &[0xca; 3], store_id: &STORE, commit: 9, relay_id: &RELAY, seen: 7 })
}

fn hello_fields(method: u8) -> Value {
    json!({
        "method": method,
        "card": hex([0xca; 3]),
        "store_id": hex(STORE),
        "commit": 9,
        "relay_id": hex(RELAY),
        "seen": 7,
    })
}

fn welcome() -> Body<'static> {
    Body::Welcome(Welcome {
        time_ms: 1_900_000_000_000,
        relay_id: &RELAY,
        commit: 9,
        acknowledged: 7,
        last: 12,
        signed_prekey_expires_ms: 1_900_000_500_000,
        one_time_prekeys: 99,
        frame_max: 4_198_400,
    })
}

fn groups() -> Vec<u8> {
    let of = |is_open, is_member| FoundGroup { group_id: &GROUP, is_open, is_member };
    Groups::encode([of(false, true), of(true, false)]).unwrap()
}

/// A frame's name, its fields, and what it is.
fn frames(groups: &[u8]) -> Vec<(&'static str, Value, u32, Body<'_>)> {
    vec![
        ("hello", hello_fields(0), 1, hello(Method::Host)),
        ("hello", hello_fields(1), 1, hello(Method::Proof)),
        ("ok", json!({}), 1, Body::Ok),
        (
            "error",
            json!({ "status": 500, "retry_after_ms": 0, "epoch": 0, "text": "No such user." }),
            u32::MAX,
            Body::Error { status: 500, retry_after_ms: 0, epoch: 0, text: "No such user." },
        ),
        (
            "error",
            json!({ "status": 610, "retry_after_ms": 250, "epoch": 0, "text": "" }),
            2,
            Body::Error { status: 610, retry_after_ms: 250, epoch: 0, text: "" },
        ),
        (
            "error",
            json!({ "status": 504, "retry_after_ms": 0, "epoch": 8, "text": "" }),
            0,
            Body::Error { status: 504, retry_after_ms: 0, epoch: 8, text: "" },
        ),
        (
            "challenge",
            json!({ "nonce": hex([0xc4; 32]), "relay_name": "relay.example.org" }),
            1,
            Body::Challenge { nonce: &[0xc4; 32], relay_name: "relay.example.org" },
        ),
        (
            "challenge",
            json!({ "nonce": hex([0xc4; 32]), "relay_name": "" }),
            1,
            Body::Challenge { nonce: &[0xc4; 32], relay_name: "" },
        ),
        (
            "prekeys",
            json!({ "commit": 9, "bundle": hex([0xb0; 4]) }),
            4,
            Body::Prekeys { commit: 9, bundle: &[0xb0; 4] },
        ),
        ("lookup", json!({ "user": "zoë/phone" }), 5, Body::Lookup { user: "zoë/phone" }),
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
        (
            "commit",
            json!({ "commit": 10, "entry": hex([0xe0; 5]) }),
            6,
            Body::Commit { commit: 10, entry: &[0xe0; 5] },
        ),
        (
            "fetch log",
            json!({ "group_id": hex(GROUP), "from_epoch": 7 }),
            7,
            Body::FetchLog { group_id: &GROUP, from_epoch: 7 },
        ),
        ("log", json!({ "entries": hex([0xe0; 5]) }), 7, Body::Log { entries: &[0xe0; 5] }),
        ("log", json!({ "entries": "" }), 7, Body::Log { entries: &[] }),
        (
            "send",
            json!({ "commit": 11, "envelope": hex([0x5e; 6]) }),
            8,
            Body::Send { commit: 11, envelope: &[0x5e; 6] },
        ),
        (
            "deliver",
            json!({ "sequence": 1, "flags": 0, "payload": hex([0x5e; 6]) }),
            0,
            Body::Deliver { sequence: 1, payload: &[0x5e; 6] },
        ),
        ("deliver", json!({ "sequence": 0, "flags": 1, "payload": "" }), 0, Body::QueueEnd),
        (
            "acknowledge",
            json!({ "commit": 12, "sequence": 258 }),
            0,
            Body::Acknowledge { commit: 12, sequence: 258 },
        ),
        ("proof", json!({ "signature": hex([0x51; 64]) }), 2, Body::Proof { signature: &[0x51; 64] }),
        (
            "welcome",
            json!({
                "time_ms": 1_900_000_000_000_u64,
                "relay_id": hex(RELAY),
                "commit": 9,
                "acknowledged": 7,
                "last": 12,
                "signed_prekey_expires_ms": 1_900_000_500_000_u64,
                "one_time_prekeys": 99,
                "frame_max": 4_198_400,
            }),
            2,
            welcome(),
        ),
        (
            "send many",
            json!({ "commit": 13, "envelopes": hex(ENVELOPES) }),
            9,
            Body::SendMany { commit: 13, envelopes: Envelopes::parse(ENVELOPES).unwrap() },
        ),
        (
            "sent many",
            json!({ "statuses": hex(STATUSES) }),
            9,
            Body::SentMany { statuses: Statuses::parse(STATUSES).unwrap() },
        ),
        (
            "presence",
            json!({ "state": 1, "user": "bob" }),
            0,
            Body::Presence { is_online: true, user: "bob" },
        ),
        (
            "presence",
            json!({ "state": 0, "user": "bob" }),
            0,
            Body::Presence { is_online: false, user: "bob" },
        ),
        (
            "watch",
            json!({ "visible": 1, "users": hex(USERS) }),
            10,
            Body::Watch { is_visible: true, users: Users::parse(USERS).unwrap() },
        ),
        (
            "watch",
            json!({ "visible": 0, "users": "" }),
            10,
            Body::Watch { is_visible: false, users: Users::parse(&[]).unwrap() },
        ),
        ("find", json!({ "label": "équipe 42" }), 11, Body::Find { label: "équipe 42" }),
        (
            "groups",
            json!({ "groups": hex(groups) }),
            11,
            Body::Groups { groups: Groups::parse(groups).unwrap() },
        ),
        ("groups", json!({ "groups": "" }), 11, Body::Groups { groups: Groups::parse(&[]).unwrap() }),
        ("ping", json!({}), 12, Body::Ping),
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
    let many = |envelopes: &[u8]| {
        let length = u32::try_from(envelopes.len()).unwrap().to_be_bytes();
        frame(&[&[16, 0, 0, 0, 1][..], &[0; 8], &length, envelopes].concat())
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
        (
            "a reserved method",
            "UNSUPPORTED",
            frame(&[&[1, 0, 0, 0, 1, 2, 0, 1, 0xca][..], &[0; 48]].concat()),
            Error::Unsupported,
        ),
        ("type 0", "MALFORMED", frame(&[0, 0, 0, 0, 1]), Error::Malformed),
        ("type 23", "MALFORMED", frame(&[23, 0, 0, 0, 1]), Error::Malformed),
        ("a byte too many", "MALFORMED", frame(&[2, 0, 0, 0, 1, 0]), Error::Malformed),
        ("a byte too few", "MALFORMED", frame(&[6, 0, 0, 0, 1, 2, b'a']), Error::Malformed),
        ("an empty user", "MALFORMED", frame(&[6, 0, 0, 0, 1, 0]), Error::Malformed),
        ("a user that is not UTF-8", "MALFORMED", frame(&[6, 0, 0, 0, 1, 1, 0xff]), Error::Malformed),
        ("a ping without a request", "MALFORMED", frame(&[22, 0, 0, 0, 0]), Error::Malformed),
        ("an answer without a request", "MALFORMED", frame(&[2, 0, 0, 0, 0]), Error::Malformed),
        ("an empty card", "MALFORMED", frame(&[7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Error::Malformed),
        (
            "an acknowledge with a request",
            "MALFORMED",
            frame(&[&[13, 0, 0, 0, 1][..], &[0; 16]].concat()),
            Error::Malformed,
        ),
        ("an empty envelope", "MALFORMED", many(&[0, 0, 0, 0]), Error::Malformed),
        ("half an envelope", "MALFORMED", many(&[0, 0, 0, 2, 1]), Error::Malformed),
        ("no envelope", "MALFORMED", many(&[]), Error::Malformed),
        ("1,025 envelopes", "MALFORMED", many(&[0, 0, 0, 1, 1].repeat(1_025)), Error::Malformed),
        ("half a status", "MALFORMED", frame(&[17, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0]), Error::Malformed),
        ("no status", "MALFORMED", frame(&[17, 0, 0, 0, 1, 0, 0]), Error::Malformed),
        ("a state that is none", "MALFORMED", frame(&[18, 0, 0, 0, 0, 2, 1, b'a']), Error::Malformed),
        ("a presence with a request", "MALFORMED", frame(&[18, 0, 0, 0, 1, 1, 1, b'a']), Error::Malformed),
        ("visible and more", "MALFORMED", frame(&[19, 0, 0, 0, 1, 2, 0, 0, 0, 0]), Error::Malformed),
        (
            "users that descend",
            "MALFORMED",
            frame(&[19, 0, 0, 0, 1, 1, 0, 0, 0, 4, 1, b'b', 1, b'a']),
            Error::Malformed,
        ),
        (
            "a user twice",
            "MALFORMED",
            frame(&[19, 0, 0, 0, 1, 1, 0, 0, 0, 4, 1, b'a', 1, b'a']),
            Error::Malformed,
        ),
        ("an empty label", "MALFORMED", frame(&[20, 0, 0, 0, 1, 0]), Error::Malformed),
        (
            "a reserved flag of a group",
            "MALFORMED",
            frame(&[&[21, 0, 0, 0, 1, 0, 33][..], &GROUP, &[4]].concat()),
            Error::Malformed,
        ),
        (
            "65 groups",
            "MALFORMED",
            frame(&[&[21, 0, 0, 0, 1, 8, 97][..], &[&GROUP[..], &[1]].concat().repeat(65)].concat()),
            Error::Malformed,
        ),
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
    let groups = groups();
    let accepted = frames(&groups).into_iter().map(|(name, fields, request, body)| {
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
    let vectors = json!({
        "frames": accepted.collect::<Value>(),
        "refused": refused.collect::<Value>(),
        "proof": proof(),
    });
    check("frames", &vectors);
}

/// A connection that starts with a proof.
fn proof() -> Value {
    let mut rng = ScriptedRandom::new("frames");
    let alice = Identity::generate(&mut rng, "alice", IdentityOptions::default(), 1_900_000_000_000).unwrap();
    let Body::Hello(fields) = hello(Method::Proof) else { unreachable!() };
    let card = alice.card().as_bytes();
    let hello = Frame { request: 1, body: Body::Hello(Hello { card, ..fields }) }.to_bytes().unwrap();
    let (name, nonce) = ("relay.example.org", [0xc4; 32]);
    let signature = alice.prove_hello(&mut rng, name, &nonce, &hello).unwrap();
    assert_eq!(alice.card().check_hello(name, &nonce, &hello, &signature), Ok(()));
    json!({
        "sign_private": hex(sign_private()),
        "hello": hex(&hello),
        "relay_name": name,
        "nonce": hex(nonce),
        "signature": hex(signature),
    })
}

/// The first 32 bytes of the script are the signing key.
fn sign_private() -> [u8; 32] {
    let mut key = [0; 32];
    ScriptedRandom::new("frames").fill(&mut key).unwrap();
    key
}

#[test]
fn there_is_a_vector_of_every_type() {
    let groups = groups();
    let mut types: Vec<u8> = frames(&groups)
        .into_iter()
        .map(|(_, _, request, body)| {
            let mut bytes = Vec::new();
            Frame { request, body }.put(&mut bytes).unwrap();
            bytes[5]
        })
        .collect();
    types.dedup();
    assert_eq!(types, (1..=22).collect::<Vec<_>>());
}
