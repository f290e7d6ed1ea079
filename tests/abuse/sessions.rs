//! What a peer, or whoever sends in its name, can make a session do.

use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::limits::{MESSAGE_MAX, SESSION_SKIP_MAX};
use sealwax::session::{Level, Session, SessionOptions};
use sealwax::wire::envelope::Envelope;

use crate::meter::{Cost, MIB, bounded, bounded_by};
use crate::pair::{acquainted, hidden, strangers};

/// A payload with which the envelope is about a mebibyte.
fn largest() -> String {
    "x".repeat(MESSAGE_MAX - 2_048)
}

#[test]
fn the_largest_messages_are_opened_within_the_limits() {
    let (mut alice, mut bob) = strangers(SessionOptions::default());
    alice.initiate(&mut bob, Level::OneTime);
    let first = alice.send(&largest());
    assert!(first.len() <= MIB);
    bounded("session: parse the public header of a message", first.len(), || {
        Envelope::parse(&first).map(drop)
    })
    .unwrap();
    bounded("session: accept a first message, and read it", first.len(), || {
        let session = Session::accept(&mut bob.identity, &first, bob.options, bob.now).unwrap();
        let opening = session.open(Some(&bob.identity), &first, bob.now).unwrap();
        bob.session = Some(session);
        assert_eq!(opening.body().len(), 1 + largest().len());
    });
    bob.read(&first);
    let answer = bob.send("hello back");
    alice.read(&answer);
    let message = alice.send(&largest());
    bounded("session: open a message of a new turn", message.len(), || {
        bob.session().open(None, &message, bob.now).map(drop)
    })
    .unwrap();
}

#[test]
fn the_largest_gaps_are_crossed_within_the_limits() {
    for is_hidden in [false, true] {
        let (mut alice, mut bob) = acquainted(hidden(is_hidden), Level::OneTime);
        let what = |what: &str| format!("session: {what}{}", if is_hidden { ", hidden header" } else { "" });
        // Bob has heard the first of one chain, and of the next one only the last.
        let heard = alice.send("x");
        bob.read(&heard);
        for _ in 0..SESSION_SKIP_MAX {
            alice.send("x");
        }
        let answer = bob.send("a turn");
        alice.read(&answer);
        for _ in 0..SESSION_SKIP_MAX {
            alice.send("x");
        }
        let last = alice.send(&largest());
        let mut forged = last.clone();
        *forged.last_mut().unwrap() ^= 1;
        bounded(&what("refuse a forged message behind two gaps of 2,000"), forged.len(), || {
            assert_eq!(bob.receive(&forged), Err(Error::AuthenticationFailed));
        });
        bounded(&what("open a message behind two gaps of 2,000"), last.len(), || bob.read(&last).len());
        assert_eq!(bob.skipped_keys(), 4_000);
    }
}

#[test]
fn rubbish_in_many_chains_is_refused_within_the_limits() {
    let (mut alice, mut bob) = acquainted(hidden(true), Level::OneTime);
    // Sixteen chains of which a message is missing.
    for _ in 0..20 {
        alice.send("x");
        let message = alice.send("y");
        bob.read(&message);
        let answer = bob.send("z");
        alice.read(&answer);
    }
    let mut forged = alice.send(&largest());
    let at = forged.len() - largest().len() - 60;
    forged[at] ^= 1;
    bounded("session: refuse a forged hidden header with 16 stored chains", forged.len(), || {
        assert_eq!(bob.receive(&forged), Err(Error::AuthenticationFailed));
    });
}

/// A flood of first messages of different people, each with as many agreements as one can cost.
#[test]
fn a_mebibyte_of_first_messages_costs_its_agreements() {
    let (_, mut bob) = strangers(SessionOptions::default());
    let bundle = bob.bundle(Level::Signed);
    let flood: Vec<Vec<u8>> = (0..200)
        .map(|number| {
            let mut stranger =
                crate::pair::Side::new(&format!("{number}"), "flood", SessionOptions::default());
            stranger.try_initiate(&bob, bundle.as_ref()).unwrap();
            stranger.send("x")
        })
        .collect();
    let one = flood[0].len();
    bounded_by(Cost::new(2, MIB / 16), "session: accept a first message of a stranger", one, || {
        Session::accept(&mut bob.identity, &flood[0], bob.options, bob.now).map(drop).unwrap();
    });
    let bytes = flood.iter().map(Vec::len).sum();
    let identity = &mut bob.identity;
    bounded_by(Cost::new(200, MIB), "session: 199 first messages of strangers", bytes, || {
        for first in &flood[1..] {
            drop(Session::accept(identity, first, SessionOptions::default(), bob.now).unwrap());
        }
    });
}

#[test]
fn a_full_identity_is_copied_within_the_limits() {
    let (mut alice, _) = strangers(SessionOptions::default());
    alice.identity.prekeys(&mut alice.rng, 900, alice.now).unwrap();
    let stored = alice.identity.export().unwrap();
    bounded("identity: import one with 900 one-time prekeys", stored.len(), || {
        Identity::import(Identity::FORMAT, &stored).map(drop).unwrap();
    });
}
