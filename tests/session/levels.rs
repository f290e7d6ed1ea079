//! Levels of a handshake, pins, and who may start with whom.

use sealwax::Error;
use sealwax::identity::PrekeyBundle;
use sealwax::session::{Level, Session, SessionOptions};
use sealwax::wire::session::SessionMessage;

use crate::pair::*;

#[test]
fn a_card_that_requires_prekeys_gets_no_plain_handshake() {
    let mut alice = Side::new("alice", "", hidden(false));
    let bob = Side::with_prekeys("bob", "", hidden(false), true);
    assert_eq!(alice.try_initiate(&bob, None), Err(Error::PrekeysRequired));
}

#[test]
fn a_plain_handshake_is_not_accepted_by_one_that_requires_prekeys() {
    // The same keys with the requirement taken away: what a client that does not care would send to.
    let mut alice = Side::new("alice", "", hidden(false));
    let mut careless = Side::new("bob", "", hidden(false));
    let mut bob = Side::with_prekeys("bob", "", hidden(false), true);
    assert_eq!(careless.identity.card().agree_key(), bob.identity.card().agree_key());
    alice.initiate(&mut careless, Level::Plain);
    let first = alice.send("hello");
    let before = bob.digest();
    assert_eq!(bob.receive(&first), Err(Error::PrekeysRequired));
    assert_eq!(bob.digest(), before);
}

#[test]
fn no_side_goes_back_to_a_plain_handshake() {
    for level in [Level::Signed, Level::OneTime] {
        let (mut alice, mut bob) = acquainted(hidden(false), level);
        (alice.now, bob.now) = (START + DAY, START + DAY);
        assert_eq!(alice.renew(&mut bob, Level::Plain), Err(Error::PrekeysRequired));
        assert_eq!(bob.renew(&mut alice, Level::Plain), Err(Error::PrekeysRequired));
        // One that forgot everything makes one all the same.
        alice.session = None;
        alice.initiate(&mut bob, Level::Plain);
        let message = alice.send("hello");
        let before = bob.digest();
        assert_eq!(bob.receive(&message), Err(Error::PrekeysRequired));
        assert_eq!(bob.digest(), before);
        // And with a signed prekey it is taken, whatever was before.
        alice.initiate(&mut bob, Level::Signed);
        let message = alice.send("hello");
        assert_eq!(bob.read(&message), "hello");
    }
}

#[test]
fn an_unanswered_handshake_with_prekeys_is_not_renewed_without() {
    let (mut alice, mut bob) = strangers(hidden(false));
    alice.initiate(&mut bob, Level::Signed);
    alice.now = START + DAY;
    assert_eq!(alice.renew(&mut bob, Level::Plain), Err(Error::PrekeysRequired));
}

#[test]
fn a_plain_first_message_that_crossed_ours_with_prekeys_is_read() {
    let (mut alice, mut bob) = strangers(hidden(false));
    alice.initiate(&mut bob, Level::OneTime);
    bob.initiate(&mut alice, Level::Plain);
    let (there, back) = (alice.send("there"), bob.send("back"));
    assert_eq!(alice.read(&back), "back");
    assert_eq!(bob.read(&there), "there");
    assert_eq!(alice.active().level, Level::OneTime);
    assert_eq!(alice.active().key_id, bob.active().key_id);
}

#[test]
fn an_expired_prekey_is_refused() {
    let (mut alice, mut bob) = strangers(hidden(false));
    let bundle = bob.bundle(Level::OneTime);
    alice.now = START + 30 * DAY;
    assert_eq!(alice.try_initiate(&bob, bundle.as_ref()), Err(Error::Expired));
    alice.now -= 1;
    alice.try_initiate(&bob, bundle.as_ref()).unwrap();
    let first = alice.send("hello");
    bob.now = START + 30 * DAY;
    assert_eq!(bob.receive(&first), Err(Error::UnknownPrekey));
}

#[test]
fn a_plain_first_message_out_of_its_time_is_refused() {
    for (created, read, refused) in [
        (START, START + 7 * DAY + 1, Some(Error::Expired)),
        (START + HOUR + 1, START, Some(Error::Expired)),
        (START, START + 7 * DAY, None),
        (START + HOUR, START, None),
    ] {
        let (mut alice, mut bob) = strangers(hidden(false));
        (alice.now, bob.now) = (created, read);
        alice.initiate(&mut bob, Level::Plain);
        let first = alice.send("hello");
        assert_eq!(bob.receive(&first).err(), refused);
    }
}

#[test]
fn a_one_time_prekey_serves_one_handshake() {
    let (mut alice, mut bob) = strangers(hidden(false));
    let mut carol = Side::new("carol", "", hidden(false));
    let bundle = bob.bundle(Level::OneTime);
    alice.try_initiate(&bob, bundle.as_ref()).unwrap();
    carol.try_initiate(&bob, bundle.as_ref()).unwrap();
    let (first, second) = (alice.send("first"), carol.send("second"));
    bob.read(&first);
    bob.session = None;
    let before = bob.digest();
    assert_eq!(bob.receive(&second), Err(Error::UnknownPrekey));
    assert_eq!(bob.digest(), before);
}

#[test]
fn a_one_time_prekey_past_its_time_is_refused_whatever_the_identity_did_since() {
    let (mut alice, mut bob) = strangers(hidden(false));
    let old = bob.identity.prekeys(&mut bob.rng, 1, START).unwrap();
    let rotated = bob.identity.prekeys(&mut bob.rng, 0, START + 20 * DAY).unwrap();
    let one_time = PrekeyBundle::parse(&old, bob.identity.card()).unwrap().one_time()[0].clone();
    let rotated = PrekeyBundle::parse(&rotated, bob.identity.card()).unwrap();
    let handed_out = rotated.bytes_with(Some(&one_time)).unwrap();
    let bundle = PrekeyBundle::parse(&handed_out, bob.identity.card()).unwrap();
    alice.now = START + 29 * DAY;
    alice.try_initiate(&bob, Some(&bundle)).unwrap();
    let first = alice.send("hello");
    bob.now = START + 30 * DAY;
    assert_eq!(bob.receive(&first), Err(Error::UnknownPrekey));
    bob.now -= 1;
    assert_eq!(bob.read(&first), "hello");
}

#[test]
fn a_false_one_time_prekey_makes_the_handshake_fail() {
    let (mut alice, mut bob) = strangers(hidden(false));
    let mut bytes = bob.identity.prekeys(&mut bob.rng, 1, START).unwrap();
    let other = Side::new("mallory", "", hidden(false));
    let at = bytes.len() - 2 - 65;
    bytes[at..at + 65].copy_from_slice(other.identity.card().agree_key().as_bytes());
    let bundle = PrekeyBundle::parse(&bytes, bob.identity.card()).unwrap();
    alice.try_initiate(&bob, Some(&bundle)).unwrap();
    let first = alice.send("hello");
    let before = bob.digest();
    assert_eq!(bob.receive(&first), Err(Error::Malformed));
    assert_eq!(bob.digest(), before);
}

#[test]
fn a_session_with_oneself_is_refused() {
    let (mut alice, mut twin) =
        (Side::new("alice", "", hidden(false)), Side::new("alice", "", hidden(false)));
    assert_eq!(alice.try_initiate(&twin, None), Err(Error::InvalidArgument));
    twin.identity = Side::new("bob", "", hidden(false)).identity;
    assert_eq!(alice.try_initiate(&twin, None), Ok(()));
}

#[test]
fn the_bundle_of_another_is_refused() {
    let (mut alice, bob) = strangers(hidden(false));
    let mut carol = Side::new("carol", "", hidden(false));
    let bundle = carol.bundle(Level::Signed);
    assert_eq!(alice.try_initiate(&bob, bundle.as_ref()), Err(Error::InvalidArgument));
}

#[test]
fn a_pinned_peer_under_another_identity_is_refused() {
    let (mut alice, mut bob) = strangers(hidden(false));
    let other = Side::new("bob", "other", hidden(false));
    let pinned =
        SessionOptions { peer_fingerprint: Some(other.identity.fingerprint()), ..SessionOptions::default() };
    alice.options = pinned;
    assert_eq!(alice.try_initiate(&bob, None), Err(Error::IdentityChanged));
    bob.options = pinned;
    alice.options = SessionOptions::default();
    alice.initiate(&mut bob, Level::OneTime);
    let first = alice.send("hello");
    let before = bob.digest();
    assert_eq!(bob.receive(&first), Err(Error::IdentityChanged));
    assert_eq!(bob.digest(), before);
}

#[test]
fn a_new_identity_of_the_same_user_needs_a_new_session() {
    let (alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let mut other = Side::new("alice", "other", hidden(false));
    other.initiate(&mut bob, Level::OneTime);
    let first = other.send("hello");
    let before = bob.digest();
    assert_eq!(bob.receive(&first), Err(Error::IdentityChanged));
    assert_eq!(bob.digest(), before);
    bob.now += DAY;
    let (now, session) = (bob.now, bob.session.as_mut().unwrap());
    let renewed = session.renew(&bob.identity, other.identity.card(), None, now, &mut bob.rng);
    assert_eq!(renewed, Err(Error::IdentityChanged));
    drop(alice);
}

#[test]
fn mail_for_others_is_told_apart() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let mut carol = Side::new("carol", "", hidden(false));
    let message = alice.send("for bob");
    assert_eq!(alice.receive(&message), Err(Error::WrongSession));
    carol.initiate(&mut bob, Level::OneTime);
    let first = carol.send("from carol");
    assert_eq!(bob.receive(&first), Err(Error::WrongSession));
    let mut dave = Side::new("dave", "", hidden(false));
    alice.session = None;
    alice.initiate(&mut dave, Level::OneTime);
    let first = alice.send("for dave");
    assert_eq!(bob.receive(&first), Err(Error::WrongRecipient));
    bob.session = None;
    assert_eq!(bob.receive(&first), Err(Error::WrongRecipient));
}

#[test]
fn a_first_message_needs_our_identity_and_no_other() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    alice.session = None;
    alice.initiate(&mut bob, Level::OneTime);
    let first = alice.send("again");
    let session = bob.session.as_mut().unwrap();
    assert!(session.needs_identity(&SessionMessage::parse(&first).unwrap()));
    assert_eq!(session.open(None, &first, START).err(), Some(Error::InvalidArgument));
    assert_eq!(session.open(Some(&alice.identity), &first, START).err(), Some(Error::InvalidArgument));
    let opening = session.open(Some(&bob.identity), &first, START).unwrap();
    assert_eq!(session.commit(None, opening), Err(Error::InvalidArgument));
    assert_eq!(bob.read(&first), "again");
}

#[test]
fn group_messages_and_other_objects_are_of_the_wrong_kind() {
    let (mut alice, bob) = acquainted(hidden(false), Level::OneTime);
    let card = bob.identity.card().as_bytes().to_vec();
    assert_eq!(alice.receive(&card), Err(Error::WrongKind));
    assert_eq!(
        Session::accept(&mut alice.identity, &card, alice.options, START).err(),
        Some(Error::WrongKind)
    );
}
