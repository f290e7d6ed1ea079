//! Peers who turn up under another identity.

use sealwax::client::{ClientOptions, IdentityChange, MessageState};
use sealwax::error::Error;
use sealwax::identity::{Fingerprint, safety_number};
use sealwax::wire::frame::Body;
use sealwax::wire::session::SessionMessage;

use crate::bed::Bed;

/// Alice and Bob have talked, and Bob has lost everything and begins anew.
fn bob_begins_anew(options: &ClientOptions) -> (Bed, Fingerprint) {
    let mut bed = Bed::with(&["alice", "bob"], options);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "old bob");
    bed.run();
    bed.replace_relay();
    bed.disconnect("alice");
    bed.add("bob", options);
    bed.connect("alice");
    bed.run();
    let fingerprint = bed.client("bob").card().fingerprint();
    (bed, fingerprint)
}

#[test]
fn another_identity_blocks_and_is_held_until_it_is_accepted() {
    let (mut bed, fingerprint) = bob_begins_anew(&ClientOptions::default());
    bed.send("bob", "alice", "new bob 1");
    bed.run();
    bed.send("bob", "alice", "new bob 2");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob"]);
    assert_eq!(bed.person("alice").changes(), [fingerprint]);
    let first = bed.send("alice", "bob", "for whom?");
    let second = bed.send("alice", "bob", "I wait");
    bed.run();
    assert_eq!(bed.person("alice").states(&first), []);
    assert_eq!(bed.person("bob").texts(), []);

    let now_ms = bed.now_ms;
    let wrong = Fingerprint::from_bytes([1; 32]);
    assert_eq!(bed.client("alice").accept_identity("bob", &wrong, now_ms), Err(Error::IdentityChanged));
    assert_eq!(bed.client("alice").accept_identity("dave", &wrong, now_ms), Err(Error::UnknownUser));
    // It is held for good, and the application may take its time.
    bed.crash("alice");
    bed.client("alice").accept_identity("bob", &fingerprint, now_ms).unwrap();
    bed.connect("alice");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "new bob 1", "new bob 2"]);
    assert_eq!(bed.person("bob").texts_of("alice"), ["for whom?", "I wait"]);
    for id in [first, second] {
        assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)]);
    }
    bed.send("bob", "alice", "new bob 3");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob").last().unwrap(), "new bob 3");
    // When it turned up, and at the opening.
    assert_eq!(bed.person("alice").changes(), [fingerprint; 2]);
}

#[test]
fn an_identity_is_told_of_at_each_opening_until_it_is_decided_on() {
    for accepts in [false, true] {
        let (mut bed, new) = bob_begins_anew(&ClientOptions::default());
        let known = bed.client("alice").peer_card("bob").unwrap().unwrap().fingerprint();
        assert_eq!(bed.client("alice").changed_card("bob"), Ok(None));
        bed.send("bob", "alice", "new bob");
        bed.run();
        for openings in 1..4 {
            assert_eq!(bed.person("alice").changes(), vec![new; openings]);
            bed.close("alice");
            bed.run();
        }
        // What the new Bob sees is shown before anybody decides.
        let card = bed.client("alice").changed_card("bob").unwrap().unwrap();
        let shown = safety_number(bed.client("alice").card(), &card).unwrap();
        assert_eq!(shown, bed.client("bob").safety_number("alice").unwrap());
        let (now_ms, chosen) = (bed.now_ms, if accepts { card.fingerprint() } else { known });
        bed.client("alice").accept_identity("bob", &chosen, now_ms).unwrap();
        assert_eq!(bed.client("alice").changed_card("bob"), Ok(None));
        bed.run();
        bed.close("alice");
        bed.run();
        assert_eq!(bed.person("alice").changes(), [new; 4]);
    }
}

#[test]
fn an_event_about_an_identity_that_was_not_confirmed_comes_again_once() {
    let (mut bed, new) = bob_begins_anew(&ClientOptions::default());
    bed.person("alice").confirms = false;
    bed.send("bob", "alice", "new bob");
    bed.run();
    for _ in 0..2 {
        bed.crash("alice");
        bed.person("alice").forget_numbers();
        bed.person("alice").events.clear();
        bed.run();
        assert_eq!(bed.person("alice").changes(), [new]);
    }
}

#[test]
fn declining_an_identity_leaves_what_a_newer_one_sent() {
    let (mut bed, second) = bob_begins_anew(&ClientOptions::default());
    let known = bed.client("alice").peer_card("bob").unwrap().unwrap().fingerprint();
    bed.send("bob", "alice", "second bob");
    bed.run();
    bed.disconnect("alice");
    bed.replace_relay();
    bed.add("bob", &ClientOptions::default());
    bed.connect("alice");
    bed.run();
    bed.send("bob", "alice", "third bob");
    bed.run();
    // One at a time.
    assert_eq!(bed.person("alice").changes(), [second]);
    let (third, now_ms) = (bed.client("bob").card().fingerprint(), bed.now_ms);
    bed.client("alice").accept_identity("bob", &known, now_ms).unwrap();
    bed.run();
    assert_eq!(bed.person("alice").changes(), [second, third]);
    bed.client("alice").accept_identity("bob", &third, now_ms).unwrap();
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "third bob"]);
}

#[test]
fn a_refused_identity_is_forgotten_with_what_it_sent() {
    let (mut bed, _) = bob_begins_anew(&ClientOptions::default());
    let known = bed.client("alice").peer_card("bob").unwrap().unwrap().fingerprint();
    bed.send("bob", "alice", "new bob");
    bed.run();
    let now_ms = bed.now_ms;
    bed.client("alice").accept_identity("bob", &known, now_ms).unwrap();
    bed.crash("alice");
    bed.connect("alice");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob"]);
    assert_eq!(bed.client("alice").peer_card("bob").unwrap().unwrap().fingerprint(), known);
}

#[test]
fn an_identity_that_nobody_holds_is_not_shown() {
    let mut bed = Bed::with(&["alice", "bob"], &ClientOptions::default());
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "hi");
    bed.run();
    // A relay has the card of another Bob and a real first message, and no key.
    let other = crate::common::group::person_with("bob", "another bob");
    let first = bed.host.taken[0].1.clone();
    let message = SessionMessage::parse(&first).unwrap();
    let mut forged = message;
    (forged.front.sender, forged.front.recipient) = ("bob", "alice");
    let block = forged.front.handshake.as_mut().unwrap();
    block.card = other.card().as_bytes();
    for prekeys in [block.prekeys, None] {
        let mut bytes = Vec::new();
        let mut forged = forged;
        forged.front.handshake.as_mut().unwrap().prekeys = prekeys;
        forged.put(&mut bytes).unwrap();
        bed.host.push("alice", 0, Body::Deliver { sequence: 1, payload: &bytes });
        bed.run();
    }
    assert_eq!(bed.person("alice").changes(), []);
    bed.send("alice", "bob", "still you");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello", "still you"]);
}

#[test]
fn a_first_message_of_an_identity_of_old_changes_nothing() {
    let (mut bed, fingerprint) = bob_begins_anew(&ClientOptions::default());
    let now_ms = bed.now_ms;
    bed.send("bob", "alice", "new bob");
    bed.run();
    bed.client("alice").accept_identity("bob", &fingerprint, now_ms).unwrap();
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "new bob"]);
    // The relay keeps what that Bob sent, until there is another.
    let envelope = bed.host.taken.iter().find(|(sender, _)| sender == "bob").unwrap().1.clone();
    bed.replace_relay();
    bed.disconnect("alice");
    bed.add("bob", &ClientOptions::default());
    bed.connect("alice");
    bed.run();
    bed.send("bob", "alice", "newer bob");
    bed.run();
    let newest = bed.client("bob").card().fingerprint();
    bed.client("alice").accept_identity("bob", &newest, now_ms).unwrap();
    bed.run();
    bed.host.push("alice", 0, Body::Deliver { sequence: 1, payload: &envelope });
    bed.run();
    assert_eq!(bed.person("alice").changes(), [fingerprint, newest]);
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "new bob", "newer bob"]);
}

#[test]
fn a_look_up_shows_another_identity_too() {
    let (mut bed, fingerprint) = bob_begins_anew(&ClientOptions::default());
    // Alice has nothing but the pin: the session is gone.
    bed.wipe_session("alice", "bob");
    bed.connect("alice");
    let id = bed.send("alice", "bob", "are you there?");
    bed.run();
    assert_eq!(bed.person("alice").changes(), [fingerprint]);
    assert_eq!(bed.person("bob").texts(), []);
    let now_ms = bed.now_ms;
    bed.client("alice").accept_identity("bob", &fingerprint, now_ms).unwrap();
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["are you there?"]);
    assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)]);
}

#[test]
fn with_a_warning_the_new_identity_counts_at_once() {
    let options = ClientOptions { identity_change: IdentityChange::Warn, ..ClientOptions::default() };
    let (mut bed, fingerprint) = bob_begins_anew(&options);
    bed.send("bob", "alice", "new bob");
    bed.run();
    assert_eq!(bed.person("alice").changes(), [fingerprint]);
    bed.send("alice", "bob", "welcome back");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "new bob"]);
    assert_eq!(bed.person("bob").texts_of("alice"), ["welcome back"]);
}

#[test]
fn both_sides_show_one_safety_number() {
    let mut bed = Bed::of(&["alice", "bob"]);
    assert_eq!(bed.client("alice").safety_number("bob").err(), Some(Error::UnknownUser));
    bed.send("alice", "bob", "hello");
    bed.run();
    let (alice, bob) = (bed.client("alice").safety_number("bob"), bed.client("bob").safety_number("alice"));
    assert_eq!(alice.unwrap(), bob.unwrap());
}

/// Alice has written what the new Bob cannot read, and the relay delivers it to him.
fn unread_by_the_new_bob(options: &ClientOptions) -> (Bed, [u8; 16], Fingerprint) {
    let mut bed = Bed::with(&["alice", "bob"], options);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "old bob");
    bed.run();
    bed.disconnect("bob");
    let lost = bed.send("alice", "bob", "for whom?");
    bed.run();
    let envelope = bed.host.taken.last().unwrap().1.clone();
    assert_eq!(bed.person("alice").states(&lost), [Ok(MessageState::Sent)]);
    bed.disconnect("alice");
    bed.replace_relay();
    bed.add("bob", options);
    bed.connect("alice");
    bed.run();
    // The relay has delivered something before, so that there is a sequence.
    bed.add("carol", options);
    bed.send("carol", "bob", "hello");
    bed.run();
    bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: &envelope });
    bed.pass(10_000);
    let fingerprint = bed.client("bob").card().fingerprint();
    (bed, lost, fingerprint)
}

#[test]
fn what_a_new_identity_cannot_read_shows_it_and_comes_again_once_it_is_accepted() {
    let (mut bed, lost, fingerprint) = unread_by_the_new_bob(&ClientOptions::default());
    assert_eq!(bed.person("alice").changes(), [fingerprint]);
    assert_eq!(bed.person("bob").texts_of("alice"), Vec::<String>::new());
    assert_eq!(bed.person("alice").states(&lost), [Ok(MessageState::Sent)]);
    let now_ms = bed.now_ms;
    bed.client("alice").accept_identity("bob", &fingerprint, now_ms).unwrap();
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["for whom?"]);
    bed.send("bob", "alice", "for me");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "for me"]);
}

#[test]
fn what_a_new_identity_cannot_read_fails_where_nobody_had_to_accept_it() {
    let options = ClientOptions { identity_change: IdentityChange::Warn, ..ClientOptions::default() };
    let (mut bed, lost, fingerprint) = unread_by_the_new_bob(&options);
    assert_eq!(bed.person("alice").changes(), [fingerprint]);
    assert_eq!(bed.person("bob").texts_of("alice"), Vec::<String>::new());
    let expected = [Ok(MessageState::Sent), Err(Error::IdentityChanged)];
    assert_eq!(bed.person("alice").states(&lost), expected);
    bed.send("alice", "bob", "hello new bob");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello new bob"]);
}

#[test]
fn what_was_sent_before_nobody_decided_on_an_identity_is_not_sent_to_it_once_somebody_decides() {
    let options = ClientOptions { identity_change: IdentityChange::Warn, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob"], &options);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "old bob");
    bed.run();
    bed.disconnect("bob");
    let lost = bed.send("alice", "bob", "for whom?");
    bed.run();
    let envelope = bed.host.taken.last().unwrap().1.clone();
    bed.disconnect("alice");
    bed.replace_relay();
    bed.add("bob", &options);
    bed.connect("alice");
    bed.send("bob", "alice", "new bob");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["old bob", "new bob"]);
    bed.person("alice").options.identity_change = IdentityChange::Block;
    bed.crash("alice");
    bed.connect("alice");
    bed.add("carol", &options);
    bed.send("carol", "bob", "hello");
    bed.run();
    bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: &envelope });
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice"), Vec::<String>::new());
    assert_eq!(bed.person("alice").states(&lost).last(), Some(&Err(Error::IdentityChanged)));
}

#[test]
fn what_a_still_newer_identity_writes_is_not_lost_without_a_word() {
    let (mut bed, first) = bob_begins_anew(&ClientOptions::default());
    bed.send("bob", "alice", "second bob");
    bed.run();
    assert_eq!(bed.person("alice").changes(), [first]);
    bed.replace_relay();
    bed.disconnect("alice");
    bed.add("bob", &ClientOptions::default());
    bed.connect("alice");
    bed.run();
    let newest = bed.client("bob").card().fingerprint();
    let mut texts: Vec<String> = (0..20).map(|number| format!("third bob {number}")).collect();
    for text in &texts {
        bed.send("bob", "alice", text);
        bed.run();
    }
    bed.pass(600_000);
    let now_ms = bed.now_ms;
    // The application takes one after the other, nothing is declined.
    bed.client("alice").accept_identity("bob", &first, now_ms).unwrap();
    bed.run();
    bed.client("alice").accept_identity("bob", &newest, now_ms).unwrap();
    bed.run();
    bed.pass(600_000);
    bed.send("bob", "alice", "last");
    bed.pass(600_000);
    texts.push("last".into());
    assert_eq!(bed.person("alice").texts_of("bob")[2..], texts);
}
