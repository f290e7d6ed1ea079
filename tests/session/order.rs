//! Messages that come late, twice, or not at all.

use sealwax::Error;
use sealwax::session::Level;

use crate::pair::*;

#[test]
fn messages_open_in_any_order_across_turns() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let mut late = Vec::new();
        for turn in 0..4 {
            let sent: Vec<_> = (0..4).map(|count| alice.send(&format!("{turn} {count}"))).collect();
            assert_eq!(bob.read(&sent[2]), format!("{turn} 2"));
            let back = bob.send("back");
            alice.read(&back);
            late.extend([(format!("{turn} 3"), sent[3].clone()), (format!("{turn} 0"), sent[0].clone())]);
        }
        // Message 1 of each turn is lost for good.
        assert_eq!(bob.skipped_keys(), 2 * 4 + 3);
        late.reverse();
        for (text, message) in &late {
            assert_eq!(bob.read(message), *text);
        }
        assert_eq!(bob.skipped_keys(), 4);
    }
}

#[test]
fn a_second_copy_is_a_duplicate() {
    for hide in [false, true] {
        let (mut alice, mut bob) = strangers(hidden(hide));
        alice.initiate(&mut bob, Level::OneTime);
        let first = alice.send("first");
        bob.read(&first);
        assert_eq!(bob.receive(&first), Err(Error::Duplicate));
        let answer = bob.send("answer");
        alice.read(&answer);
        assert_eq!(alice.receive(&answer), Err(Error::Duplicate));
        let message = alice.send("message");
        bob.read(&message);
        assert_eq!(bob.receive(&message), Err(Error::Duplicate));
    }
}

#[test]
fn replay_is_refused_beyond_the_remembered_copies() {
    for hide in [false, true] {
        let (mut alice, mut bob) = introduced(hidden(hide), Level::OneTime);
        let old = alice.send("old");
        bob.read(&old);
        for _ in 0..32 {
            let message = alice.send("more");
            bob.read(&message);
        }
        let before = bob.digest();
        assert_eq!(bob.receive(&old), Err(Error::Replay));
        assert_eq!(bob.digest(), before);
    }
}

#[test]
fn replay_of_an_old_turn_is_refused() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let (read, lost) = (alice.send("read"), alice.send("late"));
        let after = alice.send("after");
        bob.read(&read);
        bob.read(&after);
        for _ in 0..33 {
            let back = bob.send("back");
            alice.read(&back);
            let message = alice.send("there");
            bob.read(&message);
        }
        let before = bob.digest();
        // A hidden header still opens here, because its chain has a stored key.
        assert_eq!(bob.receive(&read), Err(Error::Replay));
        assert_eq!(bob.digest(), before);
        assert_eq!(bob.read(&lost), "late");
        let refused = bob.receive(&after).unwrap_err();
        assert!(matches!(refused, Error::Replay | Error::AuthenticationFailed), "{refused:?}");
    }
}

#[test]
fn a_replayed_first_message_is_refused_after_the_session_is_lost() {
    for level in [Level::Plain, Level::Signed, Level::OneTime] {
        let (mut alice, mut bob) = strangers(hidden(false));
        alice.initiate(&mut bob, level);
        let (first, second) = (alice.send("first"), alice.send("second"));
        bob.read(&first);
        bob.session = None;
        let before = bob.digest();
        assert_eq!(bob.receive(&first), Err(Error::Replay));
        assert_eq!(bob.receive(&second), Err(Error::Replay));
        assert_eq!(bob.digest(), before);
    }
}

#[test]
fn messages_under_a_lost_session_have_an_unknown_key() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let message = alice.send("message");
    bob.session = None;
    assert_eq!(bob.receive(&message), Err(Error::UnknownKey));
    alice.initiate(&mut bob, Level::OneTime);
    let first = alice.send("new");
    bob.read(&first);
    assert_eq!(bob.receive(&message), Err(Error::UnknownKey));
}

#[test]
fn the_clock_of_a_session_never_goes_back() {
    let (mut alice, mut bob) = introduced(hidden(false), Level::OneTime);
    alice.now = START + HOUR;
    let later = alice.send("later");
    alice.now = START;
    let earlier = alice.send("earlier");
    for message in [later, earlier] {
        let session = bob.session();
        assert_eq!(session.open(None, &message, bob.now).unwrap().timestamp_ms(), START + HOUR);
        bob.read(&message);
    }
}
