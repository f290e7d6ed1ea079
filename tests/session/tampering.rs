//! Any change to any byte of any message is refused, and nothing changes.

use sealwax::session::Level;

use crate::pair::*;

/// Tries every changed byte, every shortened and some lengthened forms of an envelope.
fn refuse_all(reader: &mut Side, envelope: &[u8], text: &str) {
    let before = reader.digest();
    for at in 0..envelope.len() {
        for flip in [0x01, 0x80] {
            let mut changed = envelope.to_vec();
            changed[at] ^= flip;
            assert!(reader.receive(&changed).is_err(), "byte {at}");
            assert_eq!(reader.digest(), before, "byte {at}");
        }
    }
    for length in 0..envelope.len() {
        assert!(reader.receive(&envelope[..length]).is_err(), "{length} bytes");
    }
    let longer = [envelope, &[0]].concat();
    assert!(reader.receive(&longer).is_err());
    assert_eq!(reader.digest(), before);
    assert_eq!(reader.read(envelope), text);
}

#[test]
fn no_byte_of_a_first_message_can_be_changed() {
    for (hide, level) in [(false, Level::OneTime), (true, Level::OneTime), (false, Level::Plain)] {
        let (mut alice, mut bob) = strangers(hidden(hide));
        alice.initiate(&mut bob, level);
        let first = alice.send("first");
        refuse_all(&mut bob, &first, "first");
    }
}

#[test]
fn no_byte_of_a_first_message_to_a_held_session_can_be_changed() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        alice.initiate(&mut bob, Level::OneTime);
        let first = alice.send("first");
        refuse_all(&mut bob, &first, "first");
        let second = alice.send("second");
        assert!(is_first(&second));
        refuse_all(&mut bob, &second, "second");
    }
}

#[test]
fn no_byte_of_a_message_can_be_changed() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let late = alice.send("late");
        let turn = alice.send("of a new turn");
        refuse_all(&mut bob, &turn, "of a new turn");
        let message = alice.send("of the same turn");
        refuse_all(&mut bob, &message, "of the same turn");
        refuse_all(&mut bob, &late, "late");
        let answer = bob.send("answer");
        refuse_all(&mut alice, &answer, "answer");
    }
}

#[test]
fn parts_of_two_messages_do_not_mix() {
    let (mut alice, mut bob) = acquainted(hidden(true), Level::OneTime);
    let (first, second) = (alice.send("one"), alice.send("two"));
    let before = bob.digest();
    for at in 1..first.len() {
        let mixed = [&first[..at], &second[at..]].concat();
        if mixed != first && mixed != second {
            assert!(bob.receive(&mixed).is_err());
        }
    }
    assert_eq!(bob.digest(), before);
    assert_eq!((bob.read(&first), bob.read(&second)), ("one".to_owned(), "two".to_owned()));
}
