//! Cards, fingerprints and safety numbers.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use sealwax::Error;
use sealwax::crypto::ecc::{AgreePrivate, SignPrivate};
use sealwax::crypto::kdf::{self, Label};
use sealwax::crypto::rng::SystemRandom;
use sealwax::identity::{Card, Identity, IdentityOptions, safety_number};
use sealwax::wire::card::CardFields;

const NOW: u64 = 1_800_000_000_000;

fn identity(user: &str) -> Identity {
    Identity::generate(&mut SystemRandom, user, IdentityOptions::default(), NOW).unwrap()
}

/// Signs whatever fields it is given.
fn signed_card(sign: &SignPrivate, fields: &CardFields<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    fields.put(&mut bytes).unwrap();
    let signature = sign.sign(&mut SystemRandom, Label::Card, &[&bytes]).unwrap();
    bytes.extend(signature);
    bytes
}

#[test]
fn a_card_says_what_its_identity_is() {
    for prekeys_required in [true, false] {
        let options = IdentityOptions { prekeys_required };
        let identity = Identity::generate(&mut SystemRandom, "zoë/phone", options, NOW).unwrap();
        let card = Card::parse(identity.card().as_bytes()).unwrap();
        assert_eq!(&card, identity.card());
        assert_eq!((card.user(), card.created_ms()), ("zoë/phone", NOW));
        assert_eq!(card.prekeys_required(), prekeys_required);
        assert_eq!(card.fingerprint(), identity.fingerprint());
        assert_eq!(card.sign_key(), identity.card().sign_key());
        assert_eq!(card.agree_key(), identity.card().agree_key());
        assert_ne!(card.sign_key().as_bytes(), card.agree_key().as_bytes());
    }
}

#[test]
fn every_changed_byte_of_a_card_is_refused() {
    let identity = identity("alice");
    let bytes = identity.card().as_bytes();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut tampered = bytes.to_vec();
            tampered[at] ^= flip;
            let error = Card::parse(&tampered).unwrap_err();
            let expected: &[Error] = match at {
                0 | 1 => &[Error::UnsupportedVersion],
                2 | 3 => &[Error::UnsupportedSuite],
                4 => &[Error::Malformed, Error::WrongKind],
                _ => &[Error::Malformed, Error::AuthenticationFailed],
            };
            assert!(expected.contains(&error), "byte {at}: {error:?}");
        }
    }
}

#[test]
fn a_cut_or_extended_card_is_malformed() {
    let identity = identity("alice");
    let bytes = identity.card().as_bytes();
    for length in 0..bytes.len() {
        assert_eq!(Card::parse(&bytes[..length]).unwrap_err(), Error::Malformed);
    }
    assert_eq!(Card::parse(&[bytes, &[0]].concat()).unwrap_err(), Error::Malformed);
    assert_eq!(Card::parse(&[0; 641]).unwrap_err(), Error::TooLarge);
}

#[test]
fn a_card_signed_by_another_key_is_refused() {
    let (sign, other) = (SignPrivate::generate(&mut SystemRandom), SignPrivate::generate(&mut SystemRandom));
    let agree = AgreePrivate::generate(&mut SystemRandom).unwrap();
    let (sign, other) = (sign.unwrap(), other.unwrap());
    let fields = CardFields {
        user: "alice",
        sign_key: sign.public().as_bytes(),
        agree_key: agree.public().as_bytes(),
        flags: 0,
        created_ms: NOW,
    };
    assert!(Card::parse(&signed_card(&sign, &fields)).is_ok());
    assert_eq!(Card::parse(&signed_card(&other, &fields)).unwrap_err(), Error::AuthenticationFailed);
}

#[test]
fn one_key_for_both_purposes_is_refused() {
    let sign = SignPrivate::generate(&mut SystemRandom).unwrap();
    let key = sign.public().as_bytes();
    let fields = CardFields { user: "a", sign_key: key, agree_key: key, flags: 0, created_ms: NOW };
    assert_eq!(Card::parse(&signed_card(&sign, &fields)).unwrap_err(), Error::Malformed);
}

#[test]
fn a_signed_card_with_a_bad_point_or_name_is_malformed() {
    let sign = SignPrivate::generate(&mut SystemRandom).unwrap();
    let agree = AgreePrivate::generate(&mut SystemRandom).unwrap();
    let mut off_curve = *agree.public().as_bytes();
    off_curve[64] ^= 1;
    for (user, agree_key) in [("a", &off_curve), ("a\n", agree.public().as_bytes())] {
        let sign_key = sign.public().as_bytes();
        let fields = CardFields { user, sign_key, agree_key, flags: 0, created_ms: NOW };
        assert_eq!(Card::parse(&signed_card(&sign, &fields)).unwrap_err(), Error::Malformed);
    }
}

#[test]
fn a_bad_user_id_makes_no_identity() {
    let generate = |user: &str| {
        Identity::generate(&mut SystemRandom, user, IdentityOptions::default(), NOW).map(|_| ()).unwrap_err()
    };
    assert_eq!(generate(""), Error::InvalidText);
    assert_eq!(generate("a\0"), Error::InvalidText);
    assert_eq!(generate(&"a".repeat(256)), Error::TooLarge);
}

#[test]
fn cards_one_after_another_are_read_in_order() {
    let identities: Vec<_> = ["a", "bob", "carol"].map(identity).into();
    let bytes: Vec<u8> = identities.iter().flat_map(|one| one.card().as_bytes().to_vec()).collect();
    let cards = Card::parse_many(&bytes).unwrap();
    assert!(cards.iter().eq(identities.iter().map(Identity::card)));
    assert_eq!(Card::parse_many(&[]).unwrap(), []);
    assert_eq!(Card::parse_many(&bytes[..bytes.len() - 1]).unwrap_err(), Error::Malformed);
    assert_eq!(Card::parse_many(&[&bytes[..], &[1]].concat()).unwrap_err(), Error::Malformed);
}

#[test]
fn fingerprints_tell_identities_of_one_name_apart() {
    let (one, two) = (identity("alice"), identity("alice"));
    assert_ne!(one.fingerprint(), two.fingerprint());
}

#[test]
fn printing_an_identity_shows_its_name_only() {
    assert_eq!(format!("{:?}", identity("alice")), "Identity { user: \"alice\", .. }");
}

#[test]
fn both_sides_see_the_same_safety_number() {
    let (alice, bob) = (identity("alice"), identity("bob"));
    let number = safety_number(alice.card(), bob.card()).unwrap();
    assert_eq!(safety_number(bob.card(), alice.card()).unwrap(), number);
    assert!(number.digits.iter().all(u8::is_ascii_digit));
}

#[test]
fn another_pair_has_another_safety_number() {
    let (alice, bob, impostor) = (identity("alice"), identity("bob"), identity("bob"));
    let number = safety_number(alice.card(), bob.card()).unwrap();
    let other = safety_number(alice.card(), impostor.card()).unwrap();
    assert_ne!(number.digits, other.digits);
    assert_ne!(number.qr, other.qr);
}

#[test]
fn nobody_has_a_safety_number_with_themselves() {
    let alice = identity("alice");
    assert_eq!(safety_number(alice.card(), alice.card()).unwrap_err(), Error::InvalidArgument);
}

#[test]
fn the_safety_number_is_that_of_the_protocol() {
    let mut rng = ScriptedRandom::new("safety");
    let mut make = |user| Identity::generate(&mut rng, user, IdentityOptions::default(), NOW).unwrap();
    let (alice, bob) = (make("alice"), make("bob"));
    let mut sorted = [*alice.fingerprint().as_bytes(), *bob.fingerprint().as_bytes()];
    sorted.sort();
    let digits: String = sorted
        .iter()
        .flat_map(|fingerprint| {
            // The first block of HKDF-Expand, by hand.
            let block = kdf::hmac(fingerprint, &[b"\x10sealwax safety/1", &[1]]);
            let groups = block.as_bytes()[..30].chunks(5).map(|group| {
                let number = group.iter().fold(0_u64, |number, byte| number * 256 + u64::from(*byte));
                format!("{:05}", number % 100_000)
            });
            groups.collect::<Vec<_>>()
        })
        .collect();
    let number = safety_number(alice.card(), bob.card()).unwrap();
    assert_eq!(core::str::from_utf8(&number.digits), Ok(digits.as_str()));
    assert_eq!(number.qr.to_vec(), [&[1, 0, 1][..], &sorted[0], &sorted[1]].concat());
}
