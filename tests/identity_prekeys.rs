//! Prekeys: published, checked, rotated, used up; first messages remembered.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::identity::{Identity, IdentityOptions, PrekeyBundle};
use sealwax::limits::{
    CLOCK_SKEW_MS, DAY_MS, FIRST_MESSAGES_MAX, ONE_TIME_PREKEY_LIFE_MS, PREKEYS_MAX, QUEUE_AGE_MAX_MS,
    SIGNED_PREKEY_LIFE_MS, SIGNED_PREKEY_ROTATE_MS,
};
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::content::ContentKind;

const NOW: u64 = 1_800_000_000_000;

fn identity(user: &str) -> Identity {
    Identity::generate(&mut SystemRandom, user, IdentityOptions::default(), NOW).unwrap()
}

fn publish(identity: &mut Identity, one_time: u32, now_ms: u64) -> PrekeyBundle {
    let bytes = identity.prekeys(&mut SystemRandom, one_time, now_ms).unwrap();
    PrekeyBundle::parse(&bytes, identity.card()).unwrap()
}

fn hash(number: usize) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
    hash
}

#[test]
fn a_bundle_holds_the_public_halves_of_what_the_identity_keeps() {
    let mut alice = identity("alice");
    let bundle = publish(&mut alice, 3, NOW);
    assert_eq!((bundle.user(), bundle.fingerprint()), ("alice", alice.fingerprint()));
    let signed = bundle.signed();
    assert_eq!((signed.created_ms, signed.expires_ms), (NOW, NOW + SIGNED_PREKEY_LIFE_MS));
    assert_eq!(alice.signed_prekey(signed.id, NOW).unwrap().public(), &signed.key);
    assert_eq!(bundle.one_time().len(), 3);
    for prekey in bundle.one_time() {
        assert_eq!(alice.one_time_prekey(prekey.id, NOW).unwrap().public(), &prekey.key);
    }
    assert_eq!(alice.info().one_time_prekeys, 3);
    assert_eq!(alice.info().signed_prekeys, core::slice::from_ref(signed));
}

#[test]
fn the_size_of_a_bundle_is_known_before() {
    let mut alice = identity("alice");
    for one_time in [0, 1, 100] {
        let expected = alice.prekeys_len(one_time, NOW).unwrap();
        assert_eq!(alice.prekeys(&mut SystemRandom, one_time, NOW).unwrap().len(), expected);
    }
}

#[test]
fn each_publication_brings_new_one_time_prekeys_and_keeps_the_signed_one() {
    let mut alice = identity("alice");
    let (first, second) = (publish(&mut alice, 2, NOW), publish(&mut alice, 2, NOW + 1));
    assert_eq!(first.signed(), second.signed());
    let mut ids = vec![first.signed().id];
    ids.extend(first.one_time().iter().chain(second.one_time()).map(|prekey| prekey.id));
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    assert_eq!(alice.info().one_time_prekeys, 4);
}

#[test]
fn a_relay_hands_out_one_one_time_prekey_or_none() {
    let mut alice = identity("alice");
    let bytes = alice.prekeys(&mut SystemRandom, 2, NOW).unwrap();
    let bundle = PrekeyBundle::parse(&bytes, alice.card()).unwrap();
    assert_eq!(bundle.to_bytes().unwrap(), bytes);
    let second = &bundle.one_time()[1];
    let one = PrekeyBundle::parse(&bundle.bytes_with(Some(second)).unwrap(), alice.card()).unwrap();
    assert_eq!(one.one_time(), core::slice::from_ref(second));
    let none = PrekeyBundle::parse(&bundle.bytes_with(None).unwrap(), alice.card()).unwrap();
    assert_eq!((none.one_time().len(), none.signed()), (0, bundle.signed()));
}

#[test]
fn every_changed_byte_of_a_bundle_is_refused() {
    let mut alice = identity("alice");
    let bytes = alice.prekeys(&mut SystemRandom, 0, NOW).unwrap();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut tampered = bytes.clone();
            tampered[at] ^= flip;
            let error = PrekeyBundle::parse(&tampered, alice.card()).unwrap_err();
            let expected: &[Error] = match at {
                0 | 1 => &[Error::UnsupportedVersion],
                2 | 3 => &[Error::UnsupportedSuite],
                4 => &[Error::Malformed, Error::WrongKind],
                5..11 => &[Error::Malformed],
                11..43 => &[Error::IdentityChanged],
                _ => &[Error::Malformed, Error::AuthenticationFailed],
            };
            assert!(expected.contains(&error), "byte {at}: {error:?}");
        }
    }
}

#[test]
fn a_one_time_prekey_off_the_curve_is_malformed() {
    let mut alice = identity("alice");
    let mut bytes = alice.prekeys(&mut SystemRandom, 1, NOW).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    assert_eq!(PrekeyBundle::parse(&bytes, alice.card()).unwrap_err(), Error::Malformed);
}

#[test]
fn a_bundle_of_another_identity_is_refused() {
    let (mut alice, other) = (identity("alice"), identity("alice"));
    let bytes = alice.prekeys(&mut SystemRandom, 1, NOW).unwrap();
    assert_eq!(PrekeyBundle::parse(&bytes, other.card()).unwrap_err(), Error::IdentityChanged);
}

#[test]
fn a_bundle_expires_with_its_signed_prekey() {
    let bundle = publish(&mut identity("alice"), 0, NOW);
    assert_eq!(bundle.check_time(NOW + SIGNED_PREKEY_LIFE_MS - 1), Ok(()));
    assert_eq!(bundle.check_time(NOW + SIGNED_PREKEY_LIFE_MS), Err(Error::Expired));
}

#[test]
fn the_signed_prekey_rotates_after_seven_days_and_the_old_one_dies_after_thirty() {
    let mut alice = identity("alice");
    let first = publish(&mut alice, 0, NOW).signed().id;
    assert_eq!(alice.info().rotate_ms, Some(NOW + SIGNED_PREKEY_ROTATE_MS));
    assert_eq!(publish(&mut alice, 0, NOW + SIGNED_PREKEY_ROTATE_MS - 1).signed().id, first);
    let second = publish(&mut alice, 0, NOW + SIGNED_PREKEY_ROTATE_MS).signed().id;
    assert_ne!(first, second);

    let death = NOW + SIGNED_PREKEY_LIFE_MS;
    assert!(alice.signed_prekey(first, death - 1).is_ok());
    assert_eq!(alice.signed_prekey(first, death).unwrap_err(), Error::UnknownPrekey);
    assert!(alice.signed_prekey(second, death).is_ok());
    alice.expire(death);
    assert_eq!(alice.info().signed_prekeys.len(), 1);
}

#[test]
fn years_of_weekly_publications_keep_few_signed_prekeys() {
    let mut alice = identity("alice");
    for week in 0..200 {
        publish(&mut alice, 0, NOW + week * 7 * DAY_MS);
        assert!(alice.info().signed_prekeys.len() <= 5);
    }
}

#[test]
fn time_never_runs_backwards() {
    let mut alice = identity("alice");
    let first = publish(&mut alice, 0, NOW).signed().id;
    let second = publish(&mut alice, 0, NOW + SIGNED_PREKEY_LIFE_MS).signed().clone();
    assert_eq!(alice.signed_prekey(first, NOW).unwrap_err(), Error::UnknownPrekey);
    assert_eq!(publish(&mut alice, 0, NOW).signed(), &second);
}

#[test]
fn a_one_time_prekey_is_used_once() {
    let mut alice = identity("alice");
    let bundle = publish(&mut alice, 2, NOW);
    let (signed, used, left) = (bundle.signed().id, bundle.one_time()[0].id, bundle.one_time()[1].id);
    alice.check_first_message(Some(signed), &hash(1), NOW, NOW).unwrap();
    alice.accept_first_message(Some(signed), Some(used), &hash(1), NOW, NOW);
    assert_eq!(alice.one_time_prekey(used, NOW).unwrap_err(), Error::UnknownPrekey);
    assert!(alice.one_time_prekey(left, NOW).is_ok());
}

#[test]
fn more_than_a_thousand_unused_one_time_prekeys_are_refused() {
    let mut alice = identity("alice");
    let full = alice.prekeys(&mut SystemRandom, 1_000, NOW).unwrap();
    assert!(full.len() + 255 - "alice".len() <= PREKEYS_MAX);
    let before = alice.export().unwrap();
    for one_time in [1, 1_000, u32::MAX] {
        let refused = alice.prekeys(&mut SystemRandom, one_time, NOW + 1);
        assert_eq!(refused.unwrap_err(), Error::LimitReached);
        assert_eq!(alice.prekeys_len(one_time, NOW + 1), Err(Error::LimitReached));
    }
    assert_eq!(*alice.export().unwrap(), *before);
    assert_eq!(publish(&mut alice, 0, NOW).one_time().len(), 0);
}

#[test]
fn one_time_prekeys_that_nobody_used_make_room_after_thirty_days() {
    let mut alice = identity("alice");
    let bundle = publish(&mut alice, 1_000, NOW);
    let later = NOW + ONE_TIME_PREKEY_LIFE_MS;
    assert_eq!(alice.prekeys(&mut SystemRandom, 1, later - 1).unwrap_err(), Error::LimitReached);
    assert_eq!(publish(&mut alice, 1_000, later).one_time().len(), 1_000);
    assert_eq!(alice.one_time_prekey(bundle.one_time()[0].id, NOW).unwrap_err(), Error::UnknownPrekey);
}

#[test]
fn a_first_message_is_accepted_once_under_its_signed_prekey() {
    let mut alice = identity("alice");
    let first = publish(&mut alice, 0, NOW).signed().id;
    alice.accept_first_message(Some(first), None, &hash(1), NOW, NOW);
    let check = |number, now_ms| alice.check_first_message(Some(first), &hash(number), NOW, now_ms);
    assert_eq!(check(1, NOW), Err(Error::Replay));
    assert_eq!(check(1, NOW + SIGNED_PREKEY_LIFE_MS - 1), Err(Error::Replay));
    assert_eq!(check(1, NOW + SIGNED_PREKEY_LIFE_MS), Err(Error::UnknownPrekey));
    assert_eq!(check(2, NOW), Ok(()));
    assert_eq!(
        alice.check_first_message(Some(first.wrapping_add(1)), &hash(2), NOW, NOW),
        Err(Error::UnknownPrekey)
    );
}

#[test]
fn the_memory_of_a_signed_prekey_is_bounded() {
    let mut alice = identity("alice");
    let first = publish(&mut alice, 0, NOW).signed().id;
    for number in 0..FIRST_MESSAGES_MAX {
        alice.accept_first_message(Some(first), None, &hash(number), NOW, NOW);
    }
    let check = |number| alice.check_first_message(Some(first), &hash(number), NOW, NOW);
    assert_eq!(check(FIRST_MESSAGES_MAX), Err(Error::LimitReached));
    assert_eq!(check(0), Err(Error::Replay));
    let next = publish(&mut alice, 0, NOW + SIGNED_PREKEY_ROTATE_MS).signed().id;
    assert_eq!(alice.check_first_message(Some(next), &hash(FIRST_MESSAGES_MAX), NOW, NOW), Ok(()));
}

#[test]
fn a_signed_prekey_that_has_taken_many_first_messages_is_replaced_after_a_day() {
    let mut alice = identity("alice");
    let first = publish(&mut alice, 0, NOW).signed().id;
    for number in 0..FIRST_MESSAGES_MAX / 2 {
        alice.accept_first_message(Some(first), None, &hash(number), NOW, NOW);
    }
    assert_eq!(alice.prekeys_due_ms(), Some(NOW + DAY_MS));
    assert_eq!(publish(&mut alice, 0, NOW + DAY_MS - 1).signed().id, first);
    assert_ne!(publish(&mut alice, 0, NOW + DAY_MS).signed().id, first);
}

/// A first message of Bob to the owner of a bundle.
fn first_message(bob: &Identity, alice: &Identity, bundle: &PrekeyBundle) -> Vec<u8> {
    let options = SessionOptions::default();
    let mut session =
        Session::initiate(bob, alice.card(), Some(bundle), options, NOW, &mut SystemRandom).unwrap();
    let mut envelope = vec![0; session.encrypt_len(6)];
    let length =
        session.encrypt(ContentKind::Data, &[b"\x01hello"], NOW, &mut SystemRandom, &mut envelope).unwrap();
    envelope.truncate(length);
    envelope
}

#[test]
fn who_has_a_one_time_prekey_is_let_in_although_strangers_have_filled_the_memory_and_only_once() {
    let (mut alice, bob) = (identity("alice"), identity("bob"));
    let bundle = publish(&mut alice, 1, NOW);
    let without = publish(&mut alice, 0, NOW);
    for number in 0..FIRST_MESSAGES_MAX {
        alice.accept_first_message(Some(bundle.signed().id), None, &hash(number), NOW, NOW);
    }
    let refused = first_message(&bob, &alice, &without);
    let accept = |alice: &mut Identity, envelope: &[u8]| {
        Session::accept(alice, envelope, SessionOptions::default(), NOW).map(drop)
    };
    assert_eq!(accept(&mut alice, &refused), Err(Error::LimitReached));
    let envelope = first_message(&bob, &alice, &bundle);
    assert_eq!(accept(&mut alice, &envelope), Ok(()));
    assert_eq!(accept(&mut alice, &envelope), Err(Error::UnknownPrekey));
    let (format, state) = (Identity::FORMAT, alice.export().unwrap());
    assert_eq!(Identity::import(format, &state).unwrap().info().first_messages, FIRST_MESSAGES_MAX);
}

#[test]
fn a_clock_that_ran_ahead_is_forgotten_and_its_prekey_is_replaced() {
    let mut alice = identity("alice");
    let years = NOW + 30 * 365 * DAY_MS;
    let first = publish(&mut alice, 0, years).signed().id;
    assert!(!alice.correct_clock(years - DAY_MS));
    assert!(alice.correct_clock(NOW));
    assert_eq!(alice.prekeys_due_ms(), None);
    let next = publish(&mut alice, 0, NOW).signed().clone();
    assert_ne!(next.id, first);
    assert_eq!(alice.prekeys_due_ms(), Some(NOW + SIGNED_PREKEY_ROTATE_MS));
    let imported = Identity::import(Identity::FORMAT, &alice.export().unwrap()).unwrap();
    assert_eq!(imported.info().signed_prekeys.last(), Some(&next));
}

#[test]
fn a_plain_first_message_is_taken_within_its_time_only() {
    let alice = identity("alice");
    let check = |created_ms| alice.check_first_message(None, &hash(1), created_ms, NOW);
    assert_eq!(check(NOW - QUEUE_AGE_MAX_MS - 1), Err(Error::Expired));
    assert_eq!(check(NOW - QUEUE_AGE_MAX_MS), Ok(()));
    assert_eq!(check(NOW + CLOCK_SKEW_MS), Ok(()));
    assert_eq!(check(NOW + CLOCK_SKEW_MS + 1), Err(Error::Expired));
}

#[test]
fn a_plain_first_message_is_never_accepted_twice() {
    let mut alice = identity("alice");
    let created_ms = NOW + CLOCK_SKEW_MS;
    alice.accept_first_message(None, None, &hash(1), created_ms, NOW);
    for hours in 0..10 * 24 {
        let now_ms = NOW + hours * 3_600_000;
        alice.expire(now_ms);
        let refused = alice.check_first_message(None, &hash(1), created_ms, now_ms).unwrap_err();
        assert!([Error::Replay, Error::Expired].contains(&refused));
    }
    assert_eq!(alice.info().first_messages, 0, "forgotten once its time refuses it");
}

#[test]
fn the_memory_of_the_plain_flow_is_bounded_and_drains() {
    let mut alice = identity("alice");
    for number in 0..FIRST_MESSAGES_MAX {
        alice.accept_first_message(None, None, &hash(number), NOW, NOW);
    }
    let check = |number, now_ms| alice.check_first_message(None, &hash(number), now_ms, now_ms);
    assert_eq!(check(FIRST_MESSAGES_MAX, NOW), Err(Error::LimitReached));
    let drained = NOW + QUEUE_AGE_MAX_MS + CLOCK_SKEW_MS + 1;
    assert_eq!(check(FIRST_MESSAGES_MAX, drained - 1), Err(Error::LimitReached));
    assert_eq!(check(FIRST_MESSAGES_MAX, drained), Ok(()));
}
