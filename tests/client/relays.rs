//! Relays: the wrong one, a busy one, a lying one.

use sealwax::client::{ClientOptions, Event};
use sealwax::error::Error;
use sealwax::limits::{DAY_MS, HOUR_MS};
use sealwax::wire::content::ContentType;
use sealwax::wire::frame::{Body, Frame, Method};

use crate::bed::Bed;
use crate::common::group::person_with;

/// The types of frames.
const HELLO: u8 = 1;
const LOOKUP: u8 = 6;
const SEND: u8 = 11;
const PROOF: u8 = 14;
const WATCH: u8 = 19;
const PING: u8 = 22;

fn heard(bed: &Bed, user: &str, kind: u8) -> usize {
    bed.host.heard.iter().filter(|(name, heard)| name == user && *heard == kind).count()
}

#[test]
fn a_challenge_in_another_name_is_not_answered() {
    let mut bed = Bed::of(&["alice"]);
    let now_ms = bed.now_ms;
    bed.disconnect("alice");
    bed.host.connect("alice", Method::Proof, now_ms);
    bed.client("alice").connected(Some("another relay"), now_ms).unwrap();
    bed.run();
    assert!(bed.client("alice").wants_disconnect());
    assert_eq!(heard(&bed, "alice", PROOF), 1);
    assert!(bed.person("alice").events.contains(&Event::Error { status: Error::AuthenticationFailed }));

    // Who does not know the name takes any.
    bed.disconnect("alice");
    bed.host.connect("alice", Method::Proof, now_ms);
    bed.client("alice").connected(None, now_ms).unwrap();
    bed.run();
    assert_eq!(heard(&bed, "alice", PROOF), 2);
    assert_eq!(bed.person("alice").events.last(), Some(&Event::Connected { restored: false }));
}

#[test]
fn a_host_that_knows_its_users_needs_no_proof() {
    let options = ClientOptions { method: Method::Host, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob"], &options);
    bed.send("alice", "bob", "hello");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello"]);
    assert_eq!(heard(&bed, "alice", PROOF), 0);
}

#[test]
fn one_challenge_is_answered_on_a_connection() {
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    bed.connect("alice");
    bed.up("alice").unwrap();
    let challenge = bed.host.frames("alice").front().unwrap().clone();
    bed.host.frames("alice").push_back(challenge);
    bed.run();
    assert!(bed.client("alice").wants_disconnect());
}

#[test]
fn a_connection_is_kept_alive_and_a_silent_one_given_up() {
    let mut bed = Bed::of(&["alice"]);
    bed.pass(5 * 60_000);
    assert!((9..=10).contains(&heard(&bed, "alice", PING)));
    assert!(!bed.client("alice").wants_disconnect());
    // No answer comes any more.
    let end_ms = bed.now_ms + 95_000;
    while bed.now_ms < end_ms {
        bed.now_ms += 5_000;
        let now_ms = bed.now_ms;
        bed.client("alice").tick(now_ms).unwrap();
        bed.up("alice").unwrap();
        bed.host.frames("alice").clear();
    }
    assert!(bed.client("alice").wants_disconnect());

    bed.disconnect("alice");
    bed.connect("alice");
    bed.run();
    assert!(!bed.client("alice").wants_disconnect());
}

#[test]
fn a_relay_that_is_asked_too_much_is_asked_again_later() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.host.limits = 3;
    bed.send("alice", "bob", "patience");
    bed.run();
    assert_eq!(bed.person("bob").texts(), []);
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["patience"]);
    assert!(heard(&bed, "alice", LOOKUP) + heard(&bed, "alice", SEND) > 2);
}

#[test]
fn a_relay_that_gives_somebody_elses_card_or_rubbish_gets_no_message() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.disconnect("bob");
    let (mallory, other_bob) = (person_with("mallory", "m"), person_with("bob", "not bob"));
    let mut prekeys = person_with("bob", "not bob");
    let bundle = prekeys.prekeys(&mut crate::common::ScriptedRandom::new("x"), 1, bed.now_ms).unwrap();
    let real = bed.client("bob").card().clone();
    let lies = [
        (mallory.card().as_bytes().to_vec(), Vec::new()),
        (b"rubbish".to_vec(), Vec::new()),
        (real.as_bytes().to_vec(), b"rubbish".to_vec()),
        // A bundle of another identity, and none where the card asks for one.
        (real.as_bytes().to_vec(), bundle),
        (real.as_bytes().to_vec(), Vec::new()),
    ];
    bed.send("alice", "bob", "secret");
    for lie in lies {
        bed.host.lies.insert("bob".into(), lie);
        bed.pass(HOUR_MS);
        assert_eq!(heard(&bed, "alice", SEND), 0);
        // At most Bob's own is remembered.
        assert!(bed.client("alice").peer_card("bob").unwrap().is_none_or(|card| card == real));
    }
    bed.host.lies.clear();
    bed.pass(HOUR_MS);
    bed.connect("bob");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["secret"]);

    // Once Bob is known, another Bob is told from him.
    bed.host.lies.insert("bob".into(), (other_bob.card().as_bytes().to_vec(), Vec::new()));
    bed.wipe_session("alice", "bob");
    bed.connect("alice");
    bed.send("alice", "bob", "only for you");
    bed.run();
    assert_eq!(bed.person("alice").changes(), [other_bob.card().fingerprint()]);
    assert_eq!(bed.person("bob").texts_of("alice"), ["secret"]);
}

#[test]
fn a_relay_without_prekeys_for_a_week_fails_the_message_with_the_reason() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let real = bed.client("bob").card().as_bytes().to_vec();
    bed.disconnect("bob");
    bed.host.lies.insert("bob".into(), (real, Vec::new()));
    let id = bed.send("alice", "bob", "never");
    bed.pass(8 * DAY_MS);
    assert_eq!(bed.person("alice").states(&id), [Err(Error::PrekeysRequired)]);
}

#[test]
fn presence_is_told_of_those_who_are_watched_and_believed_by_nobody() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let now_ms = bed.now_ms;
    bed.host.push("alice", 0, Body::Presence { is_online: true, user: "bob" });
    bed.run();
    bed.client("alice").watch(&["bob"], now_ms).unwrap();
    bed.run();
    assert_eq!(heard(&bed, "alice", WATCH), 1);
    bed.host.push("alice", 0, Body::Presence { is_online: true, user: "bob" });
    bed.host.push("alice", 0, Body::Presence { is_online: false, user: "bob" });
    bed.host.push("alice", 0, Body::Presence { is_online: true, user: "carol" });
    bed.run();
    let presence = |event: &&Event| matches!(event, Event::Presence { .. });
    let told: Vec<Event> = bed.person("alice").events.iter().filter(presence).cloned().collect();
    let event = |is_online| Event::Presence { user: "bob".into(), is_online };
    assert_eq!(told, [event(true), event(false)]);
    // Who is said to be offline is written to all the same.
    bed.send("alice", "bob", "hello");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello"]);

    // Each connection is told anew.
    bed.disconnect("alice");
    bed.client("alice").set_visible(false, now_ms).unwrap();
    bed.connect("alice");
    bed.run();
    assert_eq!(heard(&bed, "alice", WATCH), 2);
    let many: Vec<String> = (0..1_001).map(|number| format!("user {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(bed.client("alice").watch(&many, now_ms), Err(Error::LimitReached));
    assert_eq!(bed.client("alice").watch(&[""], now_ms), Err(Error::InvalidText));
}

#[test]
fn presence_that_a_relay_says_again_is_told_once_on_each_connection() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let now_ms = bed.now_ms;
    let told = |bed: &mut Bed, states: &[bool]| {
        for &is_online in states {
            bed.host.push("alice", 0, Body::Presence { is_online, user: "bob" });
        }
        bed.run();
        let events = std::mem::take(&mut bed.person("alice").events);
        let presence = |event: &Event| match event {
            Event::Presence { is_online, .. } => Some(*is_online),
            _ => None,
        };
        events.iter().filter_map(presence).collect::<Vec<_>>()
    };
    bed.client("alice").watch(&["bob"], now_ms).unwrap();
    assert_eq!(told(&mut bed, &[true, true, true]), [true]);
    assert!(told(&mut bed, &[true]).is_empty());
    assert_eq!(told(&mut bed, &[false, true, true]), [false, true]);
    // What was known of the last connection says nothing of this one.
    bed.disconnect("alice");
    bed.connect("alice");
    assert!(told(&mut bed, &[]).is_empty());
    assert_eq!(told(&mut bed, &[true, true]), [true]);
}

#[test]
fn presence_before_the_welcome_is_passed_over() {
    let mut bed = Bed::of(&["alice"]);
    bed.disconnect("alice");
    bed.connect("alice");
    bed.host.push("alice", 0, Body::Presence { is_online: true, user: "bob" });
    bed.run();
    assert!(!bed.client("alice").wants_disconnect());
    assert_eq!(bed.person("alice").events.last(), Some(&Event::Connected { restored: false }));
}

#[test]
fn another_relay_counts_from_the_start() {
    let mut bed = Bed::of(&["alice", "bob"]);
    for number in 0..5 {
        bed.send("alice", "bob", &format!("old {number}"));
        bed.run();
    }
    for name in ["alice", "bob"] {
        bed.disconnect(name);
    }
    bed.replace_relay();
    bed.connect("alice");
    bed.connect("bob");
    bed.run();
    bed.disconnect("bob");
    for number in 0..3 {
        bed.send("alice", "bob", &format!("new {number}"));
        bed.run();
    }
    bed.connect("bob");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice").len(), 8);
    assert!(heard(&bed, "bob", HELLO) == 2);
}

#[test]
fn answers_to_nothing_and_of_the_wrong_kind_harm_nobody() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let now_ms = bed.now_ms;
    bed.host.push("alice", 77, Body::Ok);
    bed.host.push("alice", 78, Body::Error { status: 500, retry_after_ms: 0, epoch: 0, text: "" });
    bed.run();
    assert!(!bed.client("alice").wants_disconnect());
    bed.client("alice").send_direct("bob", ContentType::Binary, b"x", false, now_ms).unwrap();
    let frame = bed.client("alice").next_frame().unwrap().unwrap();
    let request = Frame::parse(&frame).unwrap().request;
    let answer = Frame { request, body: Body::Ok }.to_bytes().unwrap();
    bed.client("alice").receive(&answer, now_ms).unwrap();
    assert!(bed.client("alice").wants_disconnect());
    bed.disconnect("alice");
    bed.connect("alice");
    bed.run();
    bed.send("alice", "bob", "y");
    bed.run();
    assert_eq!(bed.person("bob").texts().len(), 2);
}

#[test]
fn a_client_that_was_told_to_wait_for_long_keeps_its_host_from_spinning() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "a1");
    let frame = bed.client("alice").next_frame().unwrap().unwrap();
    let request = Frame::parse(&frame).unwrap().request;
    let (status, retry_after_ms) = (Error::RateLimited.code(), 600_000);
    bed.host.push("alice", request, Body::Error { status, retry_after_ms, epoch: 0, text: "" });
    bed.down("alice").unwrap();
    let end_ms = bed.now_ms + u64::from(retry_after_ms);
    let mut ticks = 0;
    while bed.now_ms < end_ms {
        let due_ms = bed.client("alice").pending().unwrap().due_ms.unwrap();
        assert!(due_ms > bed.now_ms, "due {} ms ago", bed.now_ms - due_ms);
        bed.now_ms = due_ms.min(end_ms);
        let now_ms = bed.now_ms;
        bed.client("alice").tick(now_ms).unwrap();
        ticks += 1;
    }
    assert!(ticks < 5, "{ticks}");
    assert_eq!(bed.person("alice").count("requests"), 1);
    bed.pass(1_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1"]);
}
