//! Identities, cards and safety numbers through the C ABI.
#![allow(unsafe_code, reason = "misuse that the wrappers do not allow")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use core::ffi::{c_char, c_void};
use core::ptr;
use std::thread;

use common::abi::identity::{card_inspect, safety_number};
use common::abi::{Identity, alone, bytes_out, handle_out, revision};
use sealwax::ffi::identity as ffi;
use sealwax::ffi::status::*;
use sealwax::identity::{Card, PrekeyBundle};
use sealwax::sealed;

const NOW: u64 = 1_800_000_000_000;
const KEY: [u8; 32] = [7; 32];

#[test]
fn a_card_says_what_the_identity_says() {
    alone(|| {
        let identity = Identity::with("zoë/phone".as_bytes(), r#"{"prekeys_required":false}"#, NOW).unwrap();
        let card = card_inspect(&identity.card()).unwrap();
        assert_eq!(card["user"], "zoë/phone");
        assert_eq!(card["created_ms"], NOW);
        assert_eq!(card["prekeys_required"], false);
        assert_eq!(card["fingerprint"].as_str().unwrap().len(), 64);

        let info = identity.info();
        for (key, value) in card.as_object().unwrap() {
            assert_eq!(&info[key], value);
        }
        assert_eq!(info["rotate_ms"], serde_json::Value::Null);
        assert_eq!(info["one_time_prekeys"], 0);
    });
}

#[test]
fn prekeys_are_required_unless_options_say_otherwise() {
    alone(|| {
        for options in ["", "{}", r#"{"v":1,"prekeys_required":true}"#] {
            let identity = Identity::with(b"a", options, NOW).unwrap();
            assert_eq!(identity.info()["prekeys_required"], true);
        }
        for options in ["x", "[]", r#"{"prekeys":true}"#, r#"{"prekeys_required":1}"#] {
            assert_eq!(Identity::with(b"a", options, NOW).unwrap_err(), SEALWAX_INVALID_OPTIONS);
        }
    });
}

#[test]
fn a_bad_user_id_is_refused() {
    alone(|| {
        for user in [&b""[..], b"\0", b"\xff", "Zoe\u{308}".as_bytes(), "a\u{202e}".as_bytes()] {
            assert_eq!(Identity::with(user, "", NOW).unwrap_err(), SEALWAX_INVALID_TEXT);
        }
        assert!(Identity::with(&[b'a'; 255], "", NOW).is_ok());
        assert_eq!(Identity::with(&[b'a'; 256], "", NOW).unwrap_err(), SEALWAX_TOO_LARGE);
    });
}

#[test]
fn an_exported_identity_comes_back() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        identity.prekeys(3, NOW).unwrap();
        let sealed = identity.export(&KEY).unwrap();
        assert_ne!(identity.export(&KEY).unwrap(), sealed, "a fresh salt each time");
        let imported = Identity::import(&KEY, &sealed).unwrap();
        assert_eq!(imported.card(), identity.card());
        assert_eq!(imported.info(), identity.info());
    });
}

#[test]
fn every_changed_byte_of_a_sealed_identity_is_refused() {
    alone(|| {
        let sealed = Identity::new("alice", NOW).export(&KEY).unwrap();
        let known = [
            SEALWAX_UNSUPPORTED_VERSION,
            SEALWAX_UNSUPPORTED_SUITE,
            SEALWAX_WRONG_KIND,
            SEALWAX_MALFORMED,
            SEALWAX_AUTHENTICATION_FAILED,
        ];
        for at in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[at] ^= 1;
            let status = Identity::import(&KEY, &tampered).unwrap_err();
            assert!(known.contains(&status), "byte {at}: {status}");
        }
    });
}

#[test]
fn a_sealed_identity_needs_its_key() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        let sealed = identity.export(&KEY).unwrap();
        assert_eq!(Identity::import(&[8; 32], &sealed).unwrap_err(), SEALWAX_AUTHENTICATION_FAILED);
        for (length, status) in
            [(0, SEALWAX_INVALID_ARGUMENT), (31, SEALWAX_INVALID_ARGUMENT), (33, SEALWAX_TOO_LARGE)]
        {
            let key = vec![7; length];
            assert_eq!(Identity::import(&key, &sealed).unwrap_err(), status);
            assert_eq!(identity.export(&key).unwrap_err(), status);
        }
    });
}

#[test]
fn the_state_of_another_object_or_format_is_no_identity() {
    alone(|| {
        let seal = |object, format| {
            let rng = &mut sealwax::crypto::rng::SystemRandom;
            sealed::seal(rng, &KEY, object, format, b"payload").unwrap()
        };
        let import = |sealed: Vec<u8>| Identity::import(&KEY, &sealed).unwrap_err();
        assert_eq!(import(seal(sealed::Object::Session, 1)), SEALWAX_WRONG_KIND);
        assert_eq!(import(seal(sealed::Object::Identity, 2)), SEALWAX_UNSUPPORTED_VERSION);
        assert_eq!(import(seal(sealed::Object::Identity, 1)), SEALWAX_MALFORMED);
        assert_eq!(import(Vec::new()), SEALWAX_MALFORMED);
    });
}

#[test]
fn a_bundle_verifies_against_the_card() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        let bundle = identity.prekeys(5, NOW).unwrap();
        let card = Card::parse(&identity.card()).unwrap();
        assert_eq!(PrekeyBundle::parse(&bundle, &card).unwrap().one_time().len(), 5);
        let info = identity.info();
        assert_eq!(info["one_time_prekeys"], 5);
        assert_eq!(info["signed_prekeys"][0]["created_ms"], NOW);
        assert_eq!(info["rotate_ms"], NOW + 7 * 86_400_000);
    });
}

#[test]
fn asking_for_the_size_of_a_bundle_makes_no_prekeys() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        let before = (revision(identity.handle()), identity.info());
        let mut len = 0;
        // SAFETY: room 0 asks for the size.
        let asked =
            unsafe { ffi::sealwax_identity_prekeys(identity.handle(), 9, NOW, ptr::null_mut(), 0, &mut len) };
        assert_eq!(asked, SEALWAX_BUFFER_TOO_SMALL);
        assert_eq!((revision(identity.handle()), identity.info()), before);
        assert_eq!(identity.prekeys(9, NOW).unwrap().len(), len);
    });
}

#[test]
fn too_many_prekeys_are_refused_and_change_nothing() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        identity.prekeys(1_000, NOW).unwrap();
        let before = (revision(identity.handle()), identity.info());
        for one_time in [1, u32::MAX] {
            assert_eq!(identity.prekeys(one_time, NOW).unwrap_err(), SEALWAX_LIMIT_REACHED);
        }
        assert_eq!((revision(identity.handle()), identity.info()), before);
    });
}

#[test]
fn the_revision_grows_with_changes_only() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        let first = revision(identity.handle()).unwrap();
        identity.card();
        identity.info();
        identity.export(&KEY).unwrap();
        assert_eq!(revision(identity.handle()), Ok(first));
        identity.prekeys(0, NOW).unwrap();
        assert!(revision(identity.handle()).unwrap() > first);
    });
}

#[test]
fn both_sides_read_the_same_safety_number() {
    alone(|| {
        let (alice, bob) = (Identity::new("alice", NOW).card(), Identity::new("bob", NOW).card());
        let (digits, qr) = safety_number(&alice, &bob).unwrap();
        assert_eq!((digits.len(), qr.len()), (60, 67));
        assert_eq!(safety_number(&bob, &alice).unwrap(), (digits, qr));
        assert_eq!(safety_number(&alice, &alice).unwrap_err(), SEALWAX_INVALID_ARGUMENT);
    });
}

#[test]
fn a_changed_card_is_refused_everywhere() {
    alone(|| {
        let (alice, bob) = (Identity::new("alice", NOW).card(), Identity::new("bob", NOW).card());
        let mut tampered = alice.clone();
        *tampered.last_mut().unwrap() ^= 1;
        for (card, status) in [
            (tampered, SEALWAX_AUTHENTICATION_FAILED),
            (alice[..alice.len() - 1].to_vec(), SEALWAX_MALFORMED),
            (Vec::new(), SEALWAX_MALFORMED),
            (vec![0; 641], SEALWAX_TOO_LARGE),
        ] {
            assert_eq!(card_inspect(&card).unwrap_err(), status);
            assert_eq!(safety_number(&card, &bob).unwrap_err(), status);
            assert_eq!(safety_number(&bob, &card).unwrap_err(), status);
        }
    });
}

#[test]
fn a_handle_that_is_none_is_refused() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        let freed = identity.handle();
        identity.free().unwrap();
        let forged = ptr::without_provenance_mut(0x1234_5678);
        for handle in [ptr::null_mut(), freed, forged] {
            // SAFETY: a handle is not followed.
            let statuses = unsafe {
                [
                    bytes_out(|out, cap, len| ffi::sealwax_identity_card(handle, out, cap, len)),
                    bytes_out(|out, cap, len| ffi::sealwax_identity_info(handle, out, cap, len)),
                    bytes_out(|out, cap, len| ffi::sealwax_identity_prekeys(handle, 1, NOW, out, cap, len)),
                    bytes_out(|out, cap, len| {
                        ffi::sealwax_identity_export(handle, KEY.as_ptr().cast(), 32, out, cap, len)
                    }),
                ]
            };
            assert!(statuses.iter().all(|status| *status == Err(SEALWAX_INVALID_HANDLE)), "{statuses:?}");
        }
        // SAFETY: a handle is not followed.
        unsafe {
            assert_eq!(ffi::sealwax_identity_free(ptr::null_mut()), SEALWAX_OK);
            assert_eq!(ffi::sealwax_identity_free(freed), SEALWAX_INVALID_HANDLE);
            assert_eq!(ffi::sealwax_identity_free(forged), SEALWAX_INVALID_HANDLE);
        }
    });
}

#[test]
fn null_is_taken_for_nothing_only() {
    alone(|| {
        let null: *const c_char = ptr::null();
        // SAFETY: NULL is never followed, and every other pointer is good.
        unsafe {
            let new = |user, user_len, options_len| {
                handle_out(|out| ffi::sealwax_identity_new(user, user_len, null, options_len, NOW, out))
            };
            assert_eq!(new(null, 1, 0).unwrap_err(), SEALWAX_NULL_POINTER);
            assert_eq!(new(c"a".as_ptr(), 1, 1).unwrap_err(), SEALWAX_NULL_POINTER);
            assert_eq!(new(null, 0, 0).unwrap_err(), SEALWAX_INVALID_TEXT);
            let made = new(c"a".as_ptr(), 1, 0).unwrap();

            let no_place = ptr::null_mut();
            let new = ffi::sealwax_identity_new(c"a".as_ptr(), 1, null, 0, NOW, no_place);
            assert_eq!(new, SEALWAX_NULL_POINTER);
            let mut len = 7;
            let card = ffi::sealwax_identity_card(made, ptr::null_mut(), 1, &mut len);
            assert_eq!((card, len), (SEALWAX_NULL_POINTER, 0));
            let card = ffi::sealwax_identity_card(made, ptr::null_mut(), 0, ptr::null_mut());
            assert_eq!(card, SEALWAX_NULL_POINTER);
            assert_eq!(ffi::sealwax_identity_free(made), SEALWAX_OK);
        }
    });
}

#[test]
fn lengths_beyond_any_object_are_refused_unread() {
    alone(|| {
        let byte = [0_u8];
        for length in [641, usize::MAX / 2, usize::MAX] {
            // SAFETY: a length beyond the limit is refused before a byte is read.
            let status = bytes_out(|out, cap, len| unsafe {
                ffi::sealwax_card_inspect(byte.as_ptr().cast(), length, out, cap, len)
            });
            assert_eq!(status, Err(SEALWAX_TOO_LARGE));
        }
    });
}

#[test]
fn an_output_over_an_input_is_refused() {
    alone(|| {
        let mut card = Identity::new("alice", NOW).card();
        card.resize(2_000, 0);
        let (start, mut len) = (card.as_mut_ptr().cast::<c_void>(), 0);
        // SAFETY: one buffer, wrongly given twice; the library looks at the addresses first.
        let status = unsafe { ffi::sealwax_card_inspect(start, 300, start, 2_000, &mut len) };
        assert_eq!(status, SEALWAX_BUFFER_OVERLAP);
    });
}

#[test]
fn one_identity_serves_many_threads() {
    alone(|| {
        let identity = Identity::new("alice", NOW);
        let address = identity.handle().expose_provenance();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    let handle = ptr::with_exposed_provenance_mut(address);
                    for _ in 0..20 {
                        // SAFETY: any thread may call; `bytes_out` gives good outputs.
                        bytes_out(|out, cap, len| unsafe {
                            ffi::sealwax_identity_prekeys(handle, 1, NOW, out, cap, len)
                        })
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(identity.info()["one_time_prekeys"], 80);
    });
}
