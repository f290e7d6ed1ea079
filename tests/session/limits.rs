//! Bounds, each at its edge.

use sealwax::Error;
use sealwax::session::{Level, SessionOptions};

use crate::pair::*;

fn send_many(side: &mut Side, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| side.send("")).collect()
}

#[test]
fn two_thousand_skipped_messages_are_followed_and_one_more_is_not() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let begun = alice.send("begun");
        bob.read(&begun);
        let sent = send_many(&mut alice, 2_002);
        let before = bob.digest();
        assert_eq!(bob.receive(&sent[2_001]), Err(Error::TooFarAhead));
        assert_eq!(bob.digest(), before);
        bob.read(&sent[2_000]);
        assert_eq!(bob.skipped_keys(), 2_000);
        bob.read(&sent[2_001]);
        for message in sent[..2_000].iter().step_by(99) {
            bob.read(message);
        }
    }
}

#[test]
fn a_new_chain_may_begin_two_thousand_messages_late() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let sent = send_many(&mut alice, 2_002);
        let before = bob.digest();
        assert_eq!(bob.receive(&sent[2_001]), Err(Error::TooFarAhead));
        assert_eq!(bob.digest(), before);
        bob.read(&sent[2_000]);
    }
}

#[test]
fn the_first_message_may_come_two_thousand_late() {
    for hide in [false, true] {
        let mut alice = Side::new("alice", "", hidden(hide));
        let mut bob = Side::new("bob", "", hidden(hide));
        alice.initiate(&mut bob, Level::OneTime);
        // An unanswered session sends no more than a thousand itself.
        let mut sent = send_many(&mut alice, 1_000);
        assert_eq!(alice.try_send(""), Err(Error::RenewalRequired));
        bob.read(&sent.pop().unwrap());
        assert_eq!(bob.skipped_keys(), 999);
    }
}

#[test]
fn the_rest_of_the_previous_chain_counts_against_the_limit() {
    for (hide, extra) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let begun = alice.send("begun");
        bob.read(&begun);
        let back = bob.send("back");
        let lost = send_many(&mut alice, 2_000 + extra);
        alice.read(&back);
        let message = alice.send("new turn");
        let before = bob.digest();
        if extra == 0 {
            bob.read(&message);
            assert_eq!(bob.skipped_keys(), 2_000);
            bob.read(&lost[1_999]);
        } else {
            assert_eq!(bob.receive(&message), Err(Error::TooFarAhead));
            assert_eq!(bob.digest(), before);
        }
    }
}

#[test]
fn limits_are_checked_before_a_point_is_looked_at() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let mut message = alice.send("");
    let header = message.len() - (16 + 22 + 4 + 73);
    message[header..header + 65].fill(7);
    assert_eq!(bob.receive(&message), Err(Error::Malformed), "no point");
    let mut far = message.clone();
    far[header + 69..header + 73].copy_from_slice(&2_001u32.to_be_bytes());
    assert_eq!(bob.receive(&far), Err(Error::TooFarAhead));
    let mut previous = message.clone();
    previous[header + 65..header + 69].copy_from_slice(&2_002u32.to_be_bytes());
    assert_eq!(bob.receive(&previous), Err(Error::TooFarAhead));
}

#[test]
fn four_thousand_skipped_keys_are_kept_and_the_oldest_go_first() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let mut lost = Vec::new();
    for _ in 0..3 {
        let mut sent = send_many(&mut alice, 1_501);
        bob.read(&sent.pop().unwrap());
        lost.extend(sent);
        let back = bob.send("back");
        alice.read(&back);
    }
    assert_eq!(bob.skipped_keys(), 4_000);
    assert_eq!(bob.receive(&lost[499]), Err(Error::Replay));
    bob.read(&lost[500]);
    bob.read(&lost[4_499]);
}

#[test]
fn sixteen_chains_with_skipped_keys_are_kept() {
    for hide in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
        let mut lost = Vec::new();
        for _ in 0..17 {
            lost.push(alice.send("late"));
            let there = alice.send("there");
            bob.read(&there);
            let back = bob.send("back");
            alice.read(&back);
        }
        assert_eq!(bob.skipped_keys(), 16);
        let refused = bob.receive(&lost[0]).unwrap_err();
        assert_eq!(refused, if hide { Error::AuthenticationFailed } else { Error::Replay });
        for message in &lost[1..] {
            assert_eq!(bob.read(message), "late");
        }
    }
}

#[test]
fn an_unanswered_session_stops_after_seven_days() {
    let (mut alice, mut bob) = strangers(SessionOptions::default());
    alice.initiate(&mut bob, Level::OneTime);
    alice.now = START + 7 * DAY - 1;
    alice.send("in time");
    assert!(alice.session().info().sendable);
    alice.now += 1;
    let before = alice.digest();
    assert_eq!(alice.try_send("too late"), Err(Error::RenewalRequired));
    assert_eq!(alice.digest(), before);
    alice.renew(&mut bob, Level::OneTime).unwrap();
    let message = alice.send("renewed");
    assert_eq!(bob.read(&message), "renewed");
}

#[test]
fn an_answered_session_sends_for_ever() {
    let (mut alice, mut bob) = acquainted(SessionOptions::default(), Level::OneTime);
    (alice.now, bob.now) = (START + 100 * DAY, START + 100 * DAY);
    for message in send_many(&mut alice, 1_200) {
        bob.read(&message);
    }
}

#[test]
fn renewals_wait_an_hour_and_twice_as_long_after_each_without_an_answer() {
    let (mut alice, mut bob) = strangers(SessionOptions::default());
    alice.initiate(&mut bob, Level::OneTime);
    for hours in [1, 2, 4, 8, 16, 24, 24] {
        alice.now += hours * HOUR - 1;
        let before = alice.digest();
        assert_eq!(alice.renew(&mut bob, Level::OneTime), Err(Error::RateLimited));
        assert_eq!(alice.digest(), before);
        assert_eq!(alice.session().info().renewal_due_ms, alice.now + 1);
        alice.now += 1;
        bob.now = alice.now;
        alice.renew(&mut bob, Level::OneTime).unwrap();
        assert!(alice.session().info().inner.len() <= 4);
    }
    let message = alice.send("at last");
    bob.read(&message);
    let back = bob.send("answer");
    alice.read(&back);
    alice.now += HOUR;
    alice.renew(&mut bob, Level::OneTime).unwrap();
}

#[test]
fn the_responder_may_renew_at_once() {
    let (mut alice, mut bob) = introduced(SessionOptions::default(), Level::OneTime);
    bob.renew(&mut alice, Level::OneTime).unwrap();
    assert_eq!(bob.renew(&mut alice, Level::OneTime), Err(Error::RateLimited));
}
