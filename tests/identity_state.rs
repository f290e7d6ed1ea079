//! Export and import of an identity.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use proptest::prelude::*;
use sealwax::Error;
use sealwax::crypto::kdf::Label;
use sealwax::identity::{Identity, IdentityOptions, PrekeyBundle};
use sealwax::limits::SIGNED_PREKEY_ROTATE_MS;

const NOW: u64 = 1_800_000_000_000;

/// Two signed prekeys, one-time prekeys with one used, first messages of both flows.
fn busy(seed: &str) -> Identity {
    let mut rng = ScriptedRandom::new(seed);
    let mut identity = Identity::generate(&mut rng, "alice", IdentityOptions::default(), NOW).unwrap();
    identity.prekeys(&mut rng, 2, NOW).unwrap();
    let later = NOW + SIGNED_PREKEY_ROTATE_MS;
    let bundle = identity.prekeys(&mut rng, 2, later).unwrap();
    let bundle = PrekeyBundle::parse(&bundle, identity.card()).unwrap();
    let one_time = bundle.one_time()[0].id;
    identity.accept_first_message(Some(bundle.signed().id), Some(one_time), &[3; 32], later, later);
    identity.accept_first_message(Some(bundle.signed().id), None, &[2; 32], later, later);
    identity.accept_first_message(None, None, &[1; 32], later, later);
    identity
}

fn import(payload: &[u8]) -> Result<Identity, Error> {
    Identity::import(Identity::FORMAT, payload)
}

#[test]
fn an_imported_identity_exports_the_same_bytes() {
    let fresh =
        Identity::generate(&mut ScriptedRandom::new("a"), "bob", IdentityOptions::default(), NOW).unwrap();
    for identity in [fresh, busy("b")] {
        let payload = identity.export().unwrap();
        let imported = import(&payload).unwrap();
        assert_eq!(*imported.export().unwrap(), *payload);
        assert_eq!(imported.card(), identity.card());
    }
}

#[test]
fn an_imported_identity_goes_on_like_the_original() {
    let mut original = busy("c");
    let mut imported = import(&original.export().unwrap()).unwrap();
    let run = |identity: &mut Identity| {
        let mut rng = ScriptedRandom::new("later");
        let bundle = identity.prekeys(&mut rng, 3, NOW + 2 * SIGNED_PREKEY_ROTATE_MS).unwrap();
        let signature = identity.sign(&mut rng, Label::Roster, &[b"entry"]).unwrap();
        let shared = *identity.agree(busy("d").card().agree_key()).unwrap().as_bytes();
        (bundle, signature, shared, identity.export().unwrap())
    };
    assert_eq!(run(&mut original), run(&mut imported));
}

#[test]
fn an_imported_identity_still_refuses_what_it_accepted_before() {
    let imported = import(&busy("e").export().unwrap()).unwrap();
    let signed = imported.info().signed_prekeys[1].id;
    let now_ms = NOW + SIGNED_PREKEY_ROTATE_MS;
    for (signed_id, hash) in [(Some(signed), [3; 32]), (Some(signed), [2; 32]), (None, [1; 32])] {
        assert_eq!(imported.check_first_message(signed_id, &hash, now_ms, now_ms), Err(Error::Replay));
    }
}

#[test]
fn another_format_is_an_unsupported_version() {
    let payload = busy("f").export().unwrap();
    for format in [0, 2, u16::MAX] {
        assert_eq!(Identity::import(format, &payload).unwrap_err(), Error::UnsupportedVersion);
    }
}

#[test]
fn cut_or_extended_state_is_malformed() {
    let payload = busy("g").export().unwrap();
    for length in (0..payload.len()).step_by(7) {
        assert_eq!(import(&payload[..length]).unwrap_err(), Error::Malformed);
    }
    assert_eq!(import(&[&payload[..], &[0]].concat()).unwrap_err(), Error::Malformed);
}

#[test]
fn private_keys_of_another_identity_are_malformed() {
    let (one, two) = (busy("h").export().unwrap(), busy("i").export().unwrap());
    let card_len = 2 + busy("h").card().as_bytes().len();
    for keys in [card_len..card_len + 32, card_len + 32..card_len + 64] {
        let mut mixed = one.to_vec();
        mixed[keys.clone()].copy_from_slice(&two[keys]);
        assert_eq!(import(&mixed).unwrap_err(), Error::Malformed);
    }
}

#[test]
fn a_swapped_prekey_is_refused() {
    let mut payload = busy("j").export().unwrap().to_vec();
    let first_key = 2 + busy("j").card().as_bytes().len() + 64 + 8 + 4 + 4 + 4;
    payload[first_key] ^= 1;
    assert_eq!(import(&payload).unwrap_err(), Error::AuthenticationFailed);
}

#[test]
fn ids_that_would_repeat_are_malformed() {
    let mut payload = busy("k").export().unwrap().to_vec();
    let next_id = 2 + busy("k").card().as_bytes().len() + 64 + 8;
    payload[next_id..next_id + 4].copy_from_slice(&[0; 4]);
    assert_eq!(import(&payload).unwrap_err(), Error::Malformed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_state_never_panics_and_what_imports_is_canonical(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut payload = busy("l").export().unwrap().to_vec();
        for (at, byte) in &changes {
            let at = at.index(payload.len());
            payload[at] = *byte;
        }
        if let Some(cut) = cut {
            payload.truncate(cut.index(payload.len()));
        }
        if let Ok(identity) = import(&payload) {
            prop_assert_eq!(&*identity.export().unwrap(), &payload);
        }
    }

    #[test]
    fn any_bytes_import_without_panic(payload in prop::collection::vec(any::<u8>(), 0..1_000)) {
        prop_assert!(import(&payload).is_err());
    }
}
