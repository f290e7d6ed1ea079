//! What a stolen state gives: nothing before it, and nothing for long after it.

use sealwax::Error;
use sealwax::session::Level;

use crate::pair::*;

/// Neither is a hint that the very bytes are remembered: the key is gone.
fn cannot_read(thief: &mut Side, envelope: &[u8]) {
    let refused = thief.receive(envelope);
    assert!(matches!(refused, Err(Error::Replay | Error::AuthenticationFailed)), "{refused:?}");
}

#[test]
fn a_state_stolen_now_opens_no_earlier_message() {
    for hide in [false, true] {
        let (mut alice, mut bob) = introduced(hidden(hide), Level::OneTime);
        let mut earlier = Vec::new();
        for _ in 0..6 {
            let mut sent: Vec<_> = (0..8).map(|_| alice.send("secret")).collect();
            // Out of order, so that most were stored as skipped before they were read.
            sent.swap(0, 7);
            sent.swap(2, 5);
            for message in sent {
                bob.read(&message);
                earlier.push(message);
            }
            let back = bob.send("back");
            alice.read(&back);
        }
        assert_eq!(bob.skipped_keys(), 0);
        // The last 32 would be refused as duplicates before any key is looked for.
        let beyond_recent = earlier.len() - 32;
        let mut thief = bob.thief();
        for message in &earlier[..beyond_recent] {
            cannot_read(&mut thief, message);
        }
    }
}

#[test]
fn a_state_stolen_from_the_sender_opens_nothing_that_it_sent() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let message = alice.send("secret");
    let mut thief = alice.thief();
    assert_eq!(thief.receive(&message), Err(Error::WrongSession));
    bob.read(&message);
}

#[test]
fn a_first_message_cannot_be_read_again_from_the_identity() {
    let (mut alice, mut bob) = strangers(hidden(false));
    alice.initiate(&mut bob, Level::OneTime);
    let first = alice.send("secret");
    // One that can read it, because the message has not been accepted.
    let mut backup = Side::new("bob", "", hidden(false));
    let payload = bob.identity.export().unwrap();
    backup.identity = sealwax::identity::Identity::import(1, &payload).unwrap();
    assert_eq!(backup.read(&first), "secret");
    // And one that cannot, because it has, even without the memory of it.
    bob.read(&first);
    let bundle = alice.bundle(Level::Signed);
    drop(bundle);
    let mut thief = bob.thief();
    thief.session = None;
    assert_eq!(thief.receive(&first), Err(Error::Replay));
    assert_eq!(bob.identity.info().one_time_prekeys, 0);
}

#[test]
fn a_state_stolen_now_opens_nothing_after_two_turns() {
    for hide in [false, true] {
        for bob_is_robbed_with_a_chain in [false, true] {
            let (mut alice, mut bob) = acquainted(hidden(hide), Level::OneTime);
            let message = alice.send("before");
            bob.read(&message);
            if bob_is_robbed_with_a_chain {
                let back = bob.send("mine");
                alice.read(&back);
            }
            let mut thief = bob.thief();
            // What is sent before the next turns is lost to the thief, and so is the turn that it knows the key of.
            let first = alice.send("first");
            assert_eq!(thief.read(&first), "first");
            bob.read(&first);
            for _ in 0..2 {
                let back = bob.send("back");
                alice.read(&back);
                let there = alice.send("there");
                bob.read(&there);
            }
            let healed = alice.send("healed");
            let before = thief.digest();
            cannot_read(&mut thief, &healed);
            assert_eq!(thief.digest(), before);
            assert_eq!(bob.read(&healed), "healed");
        }
    }
}

#[test]
fn a_thief_of_the_receiving_half_is_locked_out_by_the_next_two_turns() {
    let (mut alice, mut bob) = acquainted(hidden(false), Level::OneTime);
    let message = alice.send("before");
    bob.read(&message);
    // Bob holds no sending key: his next turn draws one that the thief does not see.
    let mut thief = bob.thief();
    let back = bob.send("back");
    alice.read(&back);
    let there = alice.send("there");
    cannot_read(&mut thief, &there);
    assert_eq!(bob.read(&there), "there");
}
