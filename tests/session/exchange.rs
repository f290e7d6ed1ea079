//! Setting up and talking.

use proptest::prelude::*;
use sealwax::Error;
use sealwax::limits::MESSAGE_MAX;
use sealwax::session::{Level, Session, SessionOptions};
use sealwax::wire::content::{ContentKind, Padding};
use sealwax::wire::session::SessionMessage;

use crate::pair::*;

const LEVELS: [Level; 3] = [Level::Plain, Level::Signed, Level::OneTime];

#[test]
fn both_sides_talk_at_every_level_with_headers_shown_and_hidden() {
    for level in LEVELS {
        for hide in [false, true] {
            let (mut alice, mut bob) = introduced(hidden(hide), level);
            for turn in 0..5 {
                for count in 0..3 {
                    let there = alice.send(&format!("{turn} {count}"));
                    assert_eq!(bob.read(&there), format!("{turn} {count}"));
                }
                let back = bob.send("yes");
                assert_eq!(alice.read(&back), "yes");
            }
            for side in [&alice, &bob] {
                let inner = side.active();
                assert_eq!((inner.level, inner.hidden_header, inner.answered), (level, hide, true));
                assert_eq!(side.skipped_keys(), 0);
            }
        }
    }
}

#[test]
fn first_messages_carry_the_handshake_until_the_answer() {
    let (mut alice, mut bob) = introduced(SessionOptions::default(), Level::OneTime);
    assert!(is_first(&alice.send("again")));
    let answer = bob.send("answer");
    assert!(!is_first(&answer));
    alice.read(&answer);
    assert!(!is_first(&alice.send("known")));
}

#[test]
fn the_responder_may_accept_any_of_the_first_messages() {
    for hide in [false, true] {
        let (mut alice, mut bob) = strangers(hidden(hide));
        alice.initiate(&mut bob, Level::OneTime);
        let sent: Vec<_> = (0..5).map(|count| alice.send(&count.to_string())).collect();
        for at in [3, 0, 4, 1, 2] {
            assert_eq!(bob.read(&sent[at]), at.to_string());
        }
    }
}

#[test]
fn accepting_leaves_the_first_message_to_be_read() {
    let (mut alice, mut bob) = strangers(SessionOptions::default());
    alice.initiate(&mut bob, Level::OneTime);
    let first = alice.send("hello");
    let session = Session::accept(&mut bob.identity, &first, bob.options, bob.now).unwrap();
    assert!(!session.needs_identity(&SessionMessage::parse(&first).unwrap()));
    let opening = session.open(None, &first, bob.now).unwrap();
    assert_eq!(text(&opening), "hello");
}

#[test]
fn opening_changes_nothing_until_it_is_committed() {
    let (mut alice, mut bob) = acquainted(SessionOptions::default(), Level::OneTime);
    let message = alice.send("once");
    let before = bob.digest();
    for _ in 0..3 {
        assert_eq!(text(&bob.session().open(None, &message, bob.now).unwrap()), "once");
    }
    assert_eq!(bob.digest(), before);
    bob.read(&message);
    assert_ne!(bob.digest(), before);
}

#[test]
fn an_opening_of_an_earlier_state_is_refused() {
    let (mut alice, mut bob) = acquainted(SessionOptions::default(), Level::OneTime);
    let message = alice.send("once");
    let (now, session) = (bob.now, bob.session.as_mut().unwrap());
    let (first, second) =
        (session.open(None, &message, now).unwrap(), session.open(None, &message, now).unwrap());
    session.commit(None, first).unwrap();
    assert_eq!(session.commit(None, second), Err(Error::InvalidArgument));
    assert_eq!(bob.receive(&message), Err(Error::Duplicate));
}

#[test]
fn names_and_fingerprints_are_told() {
    let (alice, bob) = introduced(SessionOptions::default(), Level::Plain);
    assert_eq!((alice.session().own_user(), alice.session().peer_user()), ("alice", "bob"));
    assert_eq!(alice.session().peer_fingerprint(), bob.identity.fingerprint());
    assert_eq!(bob.session().peer_fingerprint(), alice.identity.fingerprint());
    assert_eq!(bob.session().own_fingerprint(), bob.identity.fingerprint());
}

#[test]
fn every_kind_of_content_travels() {
    let (mut alice, mut bob) = acquainted(SessionOptions::default(), Level::OneTime);
    for kind in (2..=9).map(|kind| ContentKind::try_from(kind).unwrap()) {
        let session = alice.session.as_mut().unwrap();
        let mut out = vec![0; session.encrypt_len(6)];
        session.encrypt(kind, &[b"abc", b"", b"def"], START, &mut alice.rng, &mut out).unwrap();
        let session = bob.session.as_mut().unwrap();
        let opening = session.open(None, &out, START).unwrap();
        assert_eq!((opening.kind(), opening.body()), (kind, &b"abcdef"[..]));
        session.commit(None, opening).unwrap();
    }
}

#[test]
fn a_body_that_is_no_data_is_refused_and_changes_nothing() {
    let (mut alice, mut bob) = acquainted(SessionOptions::default(), Level::OneTime);
    for (body, error) in
        [(&b""[..], Error::Malformed), (b"\x02later", Error::WrongKind), (b"\x01\xff", Error::Malformed)]
    {
        let session = alice.session.as_mut().unwrap();
        let mut out = vec![0; session.encrypt_len(body.len())];
        session.encrypt(ContentKind::Data, &[body], START, &mut alice.rng, &mut out).unwrap();
        let before = bob.digest();
        assert_eq!(bob.receive(&out), Err(error));
        assert_eq!(bob.digest(), before);
    }
}

#[test]
fn the_largest_payload_passes_and_one_byte_more_does_not() {
    let (mut alice, mut bob) = acquainted(padded(Padding::Padme), Level::OneTime);
    let largest = "x".repeat(MESSAGE_MAX);
    let message = alice.send(&largest);
    assert_eq!(bob.read(&message), largest);
    let before = alice.digest();
    assert_eq!(alice.try_send(&(largest + "x")), Err(Error::TooLarge));
    assert_eq!(alice.digest(), before);
}

#[test]
fn too_small_a_buffer_is_refused_and_changes_nothing() {
    let (mut alice, _) = introduced(SessionOptions::default(), Level::OneTime);
    let before = alice.digest();
    let session = alice.session.as_mut().unwrap();
    let mut out = vec![0; session.encrypt_len(2) - 1];
    let refused = session.encrypt(ContentKind::Data, &[b"\x00x"], START, &mut alice.rng, &mut out);
    assert_eq!(refused, Err(Error::InvalidArgument));
    assert!(out.iter().all(|byte| *byte == 0));
    assert_eq!(alice.digest(), before);
}

#[test]
fn padding_gives_near_lengths_the_same_size() {
    let (mut alice, mut bob) = acquainted(padded(Padding::Padme), Level::OneTime);
    let sizes: Vec<_> = (1_000..1_020).map(|length| alice.send(&"x".repeat(length)).len()).collect();
    assert!(sizes.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(sizes.iter().collect::<std::collections::BTreeSet<_>>().len() <= 2);
    let message = alice.send("short");
    assert_eq!(bob.read(&message), "short");
}

#[test]
fn the_relay_sees_no_ratchet_in_hidden_headers() {
    let (mut alice, mut bob) = acquainted(hidden(true), Level::OneTime);
    let (first, second) = (alice.send("a"), alice.send("b"));
    let at = first.len() - (12 + 89 + 4 + 21 + 2 + 16);
    assert!(
        (0..=89 - 16).all(|shift| first[at + shift..at + shift + 16] != second[at + shift..at + shift + 16])
    );
    assert_eq!(bob.read(&second), "b");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_arrives_at_any_padding(text in ".{0,300}", padme: bool, hide: bool) {
        let padding = if padme { Padding::Padme } else { Padding::None };
        let options = SessionOptions { hidden_header: hide, padding, peer_fingerprint: None };
        let (mut alice, mut bob) = introduced(options, Level::Plain);
        let message = alice.send(&text);
        prop_assert_eq!(bob.read(&message), text);
    }
}
