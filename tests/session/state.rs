//! Storage: what comes back is the same, repeats nothing, and is checked.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sealwax::Error;
use sealwax::limits::LEASE_MAX;
use sealwax::session::{Level, Session};
use sealwax::wire::session::{Header, SessionMessage};

use crate::pair::*;

/// A session with everything in it: two inner sessions, skipped keys, past ratchets.
fn full(hide: bool) -> (Side, Side) {
    let (mut alice, mut bob) = strangers(hidden(hide));
    alice.initiate(&mut bob, Level::OneTime);
    bob.initiate(&mut alice, Level::Signed);
    for _ in 0..3 {
        let (_lost, there) = (alice.send("lost"), alice.send("there"));
        let (_lost, back) = (bob.send("lost"), bob.send("back"));
        bob.read(&there);
        alice.read(&back);
    }
    (alice, bob)
}

#[test]
fn what_is_stored_comes_back_unchanged() {
    for hide in [false, true] {
        let (mut alice, mut bob) = full(hide);
        for side in [&mut alice, &mut bob] {
            let (before, info) = (side.digest(), side.session().info());
            assert_eq!(info.inner.len(), 2);
            assert!(info.inner.iter().any(|inner| inner.skipped_keys > 0));
            side.reload(0);
            assert_eq!(side.digest(), before);
            assert_eq!(side.session().info(), info);
        }
        let message = alice.send("still");
        assert_eq!(bob.read(&message), "still");
    }
}

#[test]
fn a_session_can_be_stored_after_every_step() {
    for hide in [false, true] {
        let (mut alice, mut bob) = strangers(hidden(hide));
        alice.initiate(&mut bob, Level::OneTime);
        for step in 0..12 {
            let (from, to) = if step % 5 < 3 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            from.reload(0);
            let message = from.send(&step.to_string());
            from.reload(0);
            assert_eq!(to.read(&message), step.to_string());
            to.reload(0);
        }
    }
}

#[test]
fn a_restored_state_repeats_no_counter_within_its_lease() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let message = alice.send("begins the turn");
    bob.read(&message);
    let payload = alice.session().export(10).unwrap();
    let position = |envelope: &[u8]| {
        let message = SessionMessage::parse(envelope).unwrap();
        let Header::Plain(header) = message.header else { panic!("a plain header") };
        (*header.ratchet_key, header.counter)
    };
    let mut used = BTreeSet::new();
    for _ in 0..10 {
        let message = alice.send("leased");
        assert!(used.insert(position(&message)));
        bob.read(&message);
    }
    // The process dies here, and the last ten messages are on their way.
    alice.session = Some(Session::import(&alice.identity, Session::FORMAT, &payload).unwrap());
    for _ in 0..10 {
        let message = alice.send("after");
        assert!(used.insert(position(&message)), "a counter repeats");
        assert_eq!(bob.read(&message), "after");
    }
}

#[test]
fn copies_of_one_state_never_share_a_key_and_a_nonce() {
    let (alice, _) = introduced(hidden(false), Level::OneTime);
    let payload = alice.session().export(0).unwrap();
    let mut nonces = BTreeSet::new();
    for copy in 0..8 {
        let mut copy_of_alice = Side::new("alice", "", hidden(false));
        copy_of_alice.rng = crate::common::ScriptedRandom::new(&format!("copy {copy}"));
        copy_of_alice.session =
            Some(Session::import(&copy_of_alice.identity, Session::FORMAT, &payload).unwrap());
        let message = copy_of_alice.send("the same key");
        assert!(nonces.insert(*SessionMessage::parse(&message).unwrap().front.nonce));
    }
}

#[test]
fn leases_that_the_peer_could_not_follow_ask_for_renewal() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let message = alice.send("begins the turn");
    bob.read(&message);
    alice.reload(LEASE_MAX);
    alice.reload(LEASE_MAX);
    let message = alice.send("2,000 later");
    assert_eq!(bob.read(&message), "2,000 later");
    alice.reload(LEASE_MAX);
    alice.reload(LEASE_MAX);
    alice.reload(1);
    assert!(!alice.session().info().sendable);
    assert_eq!(alice.try_send("too far"), Err(Error::RenewalRequired));
    let back = bob.send("a new turn");
    alice.read(&back);
    let message = alice.send("helps too");
    assert_eq!(bob.read(&message), "helps too");
}

#[test]
fn too_long_a_lease_is_refused() {
    let (alice, _) = introduced(hidden(false), Level::OneTime);
    assert!(alice.session().export(LEASE_MAX).is_ok());
    assert_eq!(alice.session().export(LEASE_MAX + 1).err(), Some(Error::InvalidArgument));
}

#[test]
fn the_session_of_another_identity_is_refused() {
    let (alice, bob) = introduced(hidden(false), Level::OneTime);
    let payload = alice.session().export(0).unwrap();
    assert_eq!(Session::import(&bob.identity, Session::FORMAT, &payload).err(), Some(Error::WrongSession));
    let other = Side::new("alice", "other", hidden(false));
    assert_eq!(Session::import(&other.identity, Session::FORMAT, &payload).err(), Some(Error::WrongSession));
}

#[test]
fn another_format_is_refused() {
    let (alice, _) = introduced(hidden(false), Level::OneTime);
    let payload = alice.session().export(0).unwrap();
    let refused = Session::import(&alice.identity, Session::FORMAT + 1, &payload);
    assert_eq!(refused.err(), Some(Error::UnsupportedVersion));
}

#[test]
fn a_shortened_or_lengthened_payload_is_refused() {
    let (alice, _) = full(true);
    let payload = alice.session().export(3).unwrap();
    for length in 0..payload.len() {
        assert!(Session::import(&alice.identity, Session::FORMAT, &payload[..length]).is_err());
    }
    let longer = [&payload[..], &[0]].concat();
    assert_eq!(Session::import(&alice.identity, Session::FORMAT, &longer).err(), Some(Error::Malformed));
}

#[test]
fn a_handshake_block_that_is_none_is_refused() {
    let (mut alice, mut bob) = strangers(hidden(false));
    alice.initiate(&mut bob, Level::OneTime);
    let payload = alice.session().export(0).unwrap();
    let card = alice.identity.card().as_bytes();
    let at = payload.windows(card.len()).position(|window| window == card).unwrap();
    // Behind the card: when it was made, the ephemeral key, whether there is a signed prekey.
    let mut damaged = payload.to_vec();
    let signed_present = at + card.len() + 8 + 65;
    assert_eq!(damaged[signed_present], 1);
    damaged[signed_present] = 2;
    let refused = Session::import(&alice.identity, Session::FORMAT, &damaged);
    assert_eq!(refused.err(), Some(Error::Malformed));
}

#[test]
fn an_idle_inner_session_is_small() {
    for hide in [false, true] {
        let (alice, _) = acquainted(hidden(hide), Level::OneTime);
        let mut bytes = alice.session().export(0).unwrap().len();
        // Names, fingerprints and the envelope ids are of the session, not of an inner one.
        bytes -= 6 + 4 + 64 + 16;
        assert!(bytes < 1_024, "{bytes}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_payload_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        hide: bool,
    ) {
        let (mut alice, mut bob) = full(hide);
        let message = bob.send("message");
        let mut payload = alice.session().export(1).unwrap().to_vec();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        // What is still taken is used: it may fail and must not panic.
        if let Ok(session) = Session::import(&alice.identity, Session::FORMAT, &payload) {
            alice.session = Some(session);
            let _ = alice.receive(&message);
            let _ = alice.try_send("message");
            let _ = alice.session().info();
        }
    }

    #[test]
    fn random_bytes_are_no_session(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let alice = Side::new("alice", "", hidden(false));
        prop_assert!(Session::import(&alice.identity, Session::FORMAT, &bytes).is_err());
    }
}
