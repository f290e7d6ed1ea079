//! Sessions through the C ABI.
#![allow(unsafe_code, reason = "misuse that the wrappers do not allow")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use std::thread;

use common::abi::{Identity, Session, alone, handle_out, revision};
use sealwax::crypto::rng::SystemRandom;
use sealwax::ffi::session as ffi;
use sealwax::ffi::session_messages::sealwax_session_decrypt;
use sealwax::ffi::status::*;
use sealwax::sealed;
use sealwax::session::Session as Core;
use sealwax::wire::content::ContentKind;

const NOW: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;
const KEY: [u8; 32] = [7; 32];

/// Two identities that take plain handshakes.
fn strangers() -> (Identity, Identity) {
    let plain = r#"{"prekeys_required":false}"#;
    (Identity::with(b"alice", plain, NOW).unwrap(), Identity::with(b"bob", plain, NOW).unwrap())
}

/// A bundle as a relay hands it out.
fn bundle(identity: &Identity) -> Vec<u8> {
    identity.prekeys(1, NOW).unwrap()
}

/// Alice has written to bob, and bob to alice.
fn acquainted(alice: &Identity, bob: &Identity) -> (Session, Session) {
    let ours = Session::initiate(alice, &bob.card(), &bundle(bob), NOW).unwrap();
    let first = ours.encrypt(b"hello", NOW).unwrap();
    let theirs = Session::accept(bob, &first, NOW).unwrap();
    assert_eq!(theirs.decrypt(&first, NOW).unwrap(), b"hello");
    let answer = theirs.encrypt(b"hello back", NOW).unwrap();
    assert_eq!(ours.decrypt(&answer, NOW).unwrap(), b"hello back");
    (ours, theirs)
}

/// Everything that could change, as long as no revision says so.
fn revisions(session: &Session, identity: &Identity) -> (u64, u64) {
    (revision(session.handle()).unwrap(), revision(identity.handle()).unwrap())
}

#[test]
fn two_identities_talk_with_and_without_prekeys_and_options() {
    alone(|| {
        for options in ["", r#"{"hidden_header":true,"padding":"padme"}"#] {
            for with_prekeys in [false, true] {
                let (alice, bob) = strangers();
                let prekeys = if with_prekeys { bundle(&bob) } else { Vec::new() };
                let ours = Session::initiate_with(&alice, &bob.card(), &prekeys, options, NOW).unwrap();
                let first = ours.encrypt(b"hello", NOW).unwrap();
                let theirs = Session::accept_with(&bob, &first, options, NOW).unwrap();
                assert_eq!(theirs.decrypt(&first, NOW).unwrap(), b"hello");
                for text in [&b""[..], b"x", &[0xff; 5_000]] {
                    let message = theirs.encrypt(text, NOW).unwrap();
                    assert_eq!(ours.decrypt(&message, NOW).unwrap(), text);
                    let message = ours.encrypt(text, NOW).unwrap();
                    assert_eq!(theirs.decrypt(&message, NOW).unwrap(), text);
                }
                let info = ours.info();
                assert_eq!((info["user"].as_str(), info["peer_user"].as_str()), (Some("alice"), Some("bob")));
                assert_eq!(info["peer_fingerprint"], bob.info()["fingerprint"]);
                assert_eq!(info["sendable"], true);
                let inner = &info["inner"][0];
                assert_eq!(inner["level"], if with_prekeys { 2 } else { 0 });
                assert_eq!(inner["hidden_header"], !options.is_empty());
                assert_eq!((&inner["active"], &inner["answered"]), (&true.into(), &true.into()));
                assert_eq!(theirs.info()["inner"][0]["key_id"], inner["key_id"]);
            }
        }
    });
}

/// Decrypts into a buffer of that size, which held something before.
fn decrypt_into(session: &Session, envelope: &[u8], cap: usize) -> (sealwax_status, usize, Vec<u8>) {
    let (mut out, mut len) = (vec![0xa5; cap], usize::MAX);
    // SAFETY: slices, and a buffer of that size.
    let status = unsafe {
        let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
        let place = out.as_mut_ptr().cast();
        sealwax_session_decrypt(session.handle(), envelope, envelope_len, NOW, place, cap, &mut len)
    };
    (status, len, out)
}

#[test]
fn a_plaintext_is_alone_in_a_larger_buffer() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        for text in [&b""[..], b"x", &[0x77; 300]] {
            for room in [0, 1, 21, 22, 23, 38, 1_000] {
                let envelope = theirs.encrypt(text, NOW).unwrap();
                let (status, len, out) = decrypt_into(&ours, &envelope, text.len() + room);
                assert_eq!((status, len), (SEALWAX_OK, text.len()));
                let (plaintext, rest) = out.split_at(len);
                assert_eq!(plaintext, text);
                assert!(rest.iter().all(|byte| [0xa5, 0].contains(byte)), "plaintext beyond the plaintext");
            }
        }
    });
}

#[test]
fn nothing_of_a_refused_message_is_left_in_any_buffer() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let envelope = theirs.encrypt(&[0x77; 300], NOW).unwrap();
        let mut changed = envelope.clone();
        changed[envelope.len() - 1] ^= 1;
        let before = revisions(&ours, &alice);
        for cap in [0, 299, 300, 321, 322, 400, 1_000] {
            let (status, len, out) = decrypt_into(&ours, &changed, cap);
            assert_eq!((status, len), (SEALWAX_AUTHENTICATION_FAILED, 0));
            assert!(out.iter().all(|byte| [0xa5, 0].contains(byte)));
        }
        let (status, len, out) = decrypt_into(&ours, &envelope, 299);
        assert_eq!((status, len), (SEALWAX_BUFFER_TOO_SMALL, 300));
        assert!(out.iter().all(|byte| *byte == 0xa5), "written although too small");
        assert_eq!(revisions(&ours, &alice), before);
        assert_eq!(ours.decrypt(&envelope, NOW).unwrap(), [0x77; 300]);
    });
}

#[test]
fn the_length_is_told_exactly() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, _theirs) = acquainted(&alice, &bob);
        for length in [0, 1, 1_000] {
            let told = ours.encrypt_len(length).unwrap();
            assert_eq!(ours.encrypt(&vec![1; length], NOW).unwrap().len(), told);
        }
        assert!(ours.encrypt_len(1_048_576).is_ok());
        assert_eq!(ours.encrypt_len(1_048_577), Err(SEALWAX_TOO_LARGE));
        assert_eq!(ours.encrypt_len(usize::MAX), Err(SEALWAX_TOO_LARGE));
    });
}

#[test]
fn asking_for_a_size_and_failing_change_nothing() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let message = ours.encrypt(b"message", NOW).unwrap();
        let before = revisions(&theirs, &bob);
        let mut tampered = message.clone();
        *tampered.last_mut().unwrap() ^= 1;
        assert_eq!(theirs.decrypt(&tampered, NOW), Err(SEALWAX_AUTHENTICATION_FAILED));
        assert_eq!(theirs.decrypt(&message[1..], NOW), Err(SEALWAX_UNSUPPORTED_VERSION));
        assert_eq!(revisions(&theirs, &bob), before);
        // `decrypt` asks for the size first, then with one byte too few.
        assert_eq!(theirs.decrypt(&message, NOW).unwrap(), b"message");
        let after = revisions(&theirs, &bob);
        assert_eq!(after, (before.0 + 1, before.1));
        assert_eq!(theirs.decrypt(&message, NOW), Err(SEALWAX_DUPLICATE));
        assert_eq!(revisions(&theirs, &bob), after);
    });
}

#[test]
fn accepting_changes_the_identity_and_reading_then_does_not() {
    alone(|| {
        let (alice, bob) = strangers();
        let ours = Session::initiate(&alice, &bob.card(), &bundle(&bob), NOW).unwrap();
        let first = ours.encrypt(b"hello", NOW).unwrap();
        assert_eq!(bob.info()["one_time_prekeys"], 1);
        let before = revision(bob.handle()).unwrap();
        let theirs = Session::accept(&bob, &first, NOW).unwrap();
        assert_eq!(revision(bob.handle()).unwrap(), before + 1);
        assert_eq!(bob.info()["one_time_prekeys"], 0);
        theirs.decrypt(&first, NOW).unwrap();
        assert_eq!(revision(bob.handle()).unwrap(), before + 1);
        assert_eq!(Session::accept(&bob, &first, NOW).unwrap_err(), SEALWAX_REPLAY);
        assert_eq!(revision(bob.handle()).unwrap(), before + 1);
    });
}

#[test]
fn a_new_handshake_within_a_session_changes_the_identity_too() {
    alone(|| {
        let (alice, bob) = strangers();
        let (_lost, theirs) = acquainted(&alice, &bob);
        let again = Session::initiate(&alice, &bob.card(), &bundle(&bob), NOW + 1).unwrap();
        let first = again.encrypt(b"again", NOW + 1).unwrap();
        let before = revisions(&theirs, &bob);
        assert_eq!(theirs.peek(&first, NOW + 1).unwrap()["first"], true);
        assert_eq!(revisions(&theirs, &bob), before);
        assert_eq!(theirs.decrypt(&first, NOW + 1).unwrap(), b"again");
        assert_eq!(revisions(&theirs, &bob), (before.0 + 1, before.1 + 1));
        assert_eq!(theirs.info()["inner"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn the_session_goes_on_when_its_identity_handle_is_freed() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let again = Session::initiate(&alice, &bob.card(), &bundle(&bob), NOW + 1).unwrap();
        bob.free().unwrap();
        let message = ours.encrypt(b"still", NOW).unwrap();
        assert_eq!(theirs.decrypt(&message, NOW).unwrap(), b"still");
        let first = again.encrypt(b"again", NOW + 1).unwrap();
        assert_eq!(theirs.decrypt(&first, NOW + 1).unwrap(), b"again");
    });
}

#[test]
fn content_for_other_functions_is_told_and_left() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        // A session of the same state that writes what the C ABI does not let be written.
        let identity = sealed::open(&KEY, sealed::Object::Identity, &alice.export(&KEY).unwrap()).unwrap();
        let identity = sealwax::identity::Identity::import(identity.0, &identity.1).unwrap();
        let (format, payload) =
            sealed::open(&KEY, sealed::Object::Session, &ours.export(&KEY, 0).unwrap()).unwrap();
        let mut writer = Core::import(&identity, format, &payload).unwrap();
        for (kind, name) in [
            (ContentKind::Distribution, "distribution"),
            (ContentKind::History, "history"),
            (ContentKind::KeyRequest, "key_request"),
            (ContentKind::Withheld, "withheld"),
            (ContentKind::Ack, "ack"),
            (ContentKind::Installed, "installed"),
            (ContentKind::Invitation, "invitation"),
            (ContentKind::Resend, "resend"),
        ] {
            let mut envelope = vec![0; writer.encrypt_len(40)];
            writer.encrypt(kind, &[&[5; 40]], NOW, &mut SystemRandom, &mut envelope).unwrap();
            let before = revisions(&theirs, &bob);
            let peek = theirs.peek(&envelope, NOW).unwrap();
            assert_eq!(peek["content"], name);
            assert_eq!((&peek["first"], &peek["timestamp_ms"]), (&false.into(), &(NOW + 1).into()));
            let has_group = matches!(kind, ContentKind::Distribution | ContentKind::History);
            assert_eq!(peek.get("group").is_some_and(|group| *group == "05".repeat(32)), has_group);
            assert_eq!(theirs.decrypt(&envelope, NOW), Err(SEALWAX_WRONG_KIND));
            assert_eq!(theirs.peek(&envelope, NOW).unwrap(), peek);
            assert_eq!(revisions(&theirs, &bob), before);
        }
        let mut envelope = vec![0; writer.encrypt_len(31)];
        writer
            .encrypt(ContentKind::Distribution, &[&[5; 31]], NOW, &mut SystemRandom, &mut envelope)
            .unwrap();
        assert_eq!(theirs.peek(&envelope, NOW), Err(SEALWAX_MALFORMED));
    });
}

#[test]
fn an_exported_session_comes_back_and_skips_its_lease() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let message = ours.encrypt(b"begins the turn", NOW).unwrap();
        theirs.decrypt(&message, NOW).unwrap();
        let sealed = ours.export(&KEY, 5).unwrap();
        assert_ne!(ours.export(&KEY, 5).unwrap(), sealed, "a fresh salt each time");
        let again = Session::import(&alice, &KEY, &sealed).unwrap();
        assert_eq!(again.info(), ours.info());
        let message = again.encrypt(b"after five", NOW).unwrap();
        theirs.decrypt(&message, NOW).unwrap();
        assert_eq!(theirs.info()["inner"][0]["skipped_keys"], 5);
        assert_eq!(ours.export(&KEY, 1_001), Err(SEALWAX_INVALID_ARGUMENT));
    });
}

#[test]
fn a_lease_that_would_not_reach_the_next_message_is_refused() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let say = |from: &Session, to: &Session| {
            let message = from.encrypt(b"hello", NOW).unwrap();
            to.decrypt(&message, NOW).unwrap();
        };
        say(&ours, &theirs);
        ours.export(&KEY, 10).unwrap();
        say(&theirs, &ours);
        let before = ours.export(&KEY, 0).unwrap();
        assert_eq!(ours.export(&KEY, 1), Err(SEALWAX_WRONG_STATE));
        say(&ours, &theirs);
        let after = ours.export(&KEY, 10).unwrap();
        say(&ours, &theirs);
        drop(ours);
        // The process dies here. What was granted holds, and what was refused would not have.
        let lost = Session::import(&alice, &KEY, &before).unwrap();
        let message = lost.encrypt(b"of another turn", NOW).unwrap();
        assert_eq!(theirs.decrypt(&message, NOW), Err(SEALWAX_AUTHENTICATION_FAILED));
        let ours = Session::import(&alice, &KEY, &after).unwrap();
        say(&ours, &theirs);
        say(&theirs, &ours);
    });
}

#[test]
fn a_sealed_session_of_another_key_identity_or_kind_is_refused() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, _theirs) = acquainted(&alice, &bob);
        let sealed = ours.export(&KEY, 0).unwrap();
        let refused = |identity: &Identity, key: &[u8], sealed: &[u8]| {
            Session::import(identity, key, sealed).unwrap_err()
        };
        assert_eq!(refused(&alice, &[8; 32], &sealed), SEALWAX_AUTHENTICATION_FAILED);
        assert_eq!(refused(&alice, &[7; 31], &sealed), SEALWAX_INVALID_ARGUMENT);
        assert_eq!(refused(&alice, &[7; 33], &sealed), SEALWAX_TOO_LARGE);
        assert_eq!(refused(&bob, &KEY, &sealed), SEALWAX_WRONG_SESSION);
        assert_eq!(refused(&alice, &KEY, &alice.export(&KEY).unwrap()), SEALWAX_WRONG_KIND);
        assert_eq!(refused(&alice, &KEY, &sealed[..sealed.len() - 1]), SEALWAX_MALFORMED);
        assert_eq!(refused(&alice, &KEY, b""), SEALWAX_MALFORMED);
    });
}

#[test]
fn renewal_takes_the_peers_card_alone_and_not_too_often() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let other = Identity::new("bob", NOW);
        let before = revisions(&ours, &alice);
        assert_eq!(ours.renew(&bob.card(), &bundle(&bob), NOW), Err(SEALWAX_RATE_LIMITED));
        let later = NOW + HOUR;
        assert_eq!(ours.renew(&other.card(), &[], later), Err(SEALWAX_IDENTITY_CHANGED));
        assert_eq!(ours.renew(&bob.card(), &bundle(&other), later), Err(SEALWAX_IDENTITY_CHANGED));
        assert_eq!(ours.renew(&bob.card(), &[], later), Err(SEALWAX_PREKEYS_REQUIRED));
        assert_eq!(ours.renew(&[], &[], later), Err(SEALWAX_MALFORMED));
        assert_eq!(revisions(&ours, &alice), before);
        ours.renew(&bob.card(), &bundle(&bob), later).unwrap();
        assert_eq!(revisions(&ours, &alice), (before.0 + 1, before.1));
        let message = ours.encrypt(b"renewed", later).unwrap();
        assert_eq!(theirs.decrypt(&message, later).unwrap(), b"renewed");
    });
}

#[test]
fn who_must_not_start_a_session_is_told_why() {
    alone(|| {
        let (alice, bob) = strangers();
        let strict = Identity::new("strict", NOW);
        let refused = |card: &[u8], prekeys: &[u8], options: &str| {
            Session::initiate_with(&alice, card, prekeys, options, NOW).unwrap_err()
        };
        assert_eq!(refused(&alice.card(), &[], ""), SEALWAX_INVALID_ARGUMENT);
        assert_eq!(refused(&strict.card(), &[], ""), SEALWAX_PREKEYS_REQUIRED);
        assert_eq!(refused(&bob.card(), &bundle(&strict), ""), SEALWAX_IDENTITY_CHANGED);
        assert_eq!(refused(&bob.card(), &bob.card(), ""), SEALWAX_WRONG_KIND);
        assert_eq!(refused(&[], &[], ""), SEALWAX_MALFORMED);
        assert_eq!(refused(&bob.card(), &[], "{\"padding\":\"all\"}"), SEALWAX_INVALID_OPTIONS);
        let pinned = format!(r#"{{"peer_fingerprint":"{}"}}"#, "00".repeat(32));
        assert_eq!(refused(&bob.card(), &[], &pinned), SEALWAX_IDENTITY_CHANGED);
        let expired = bob.prekeys(0, NOW).unwrap();
        let late = Session::initiate(&alice, &bob.card(), &expired, NOW + 24 * 30 * HOUR);
        assert_eq!(late.unwrap_err(), SEALWAX_EXPIRED);
    });
}

#[test]
fn handles_of_other_types_are_refused() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, _theirs) = acquainted(&alice, &bob);
        // SAFETY: a handle is not followed.
        let freed = unsafe { ffi::sealwax_session_free(alice.handle().cast()) };
        assert_eq!(freed, SEALWAX_INVALID_HANDLE);
        let card = bob.card();
        // SAFETY: a handle is not followed, the inputs are slices.
        let made = handle_out(|out| unsafe {
            let (session, empty) = (ours.handle().cast(), core::ptr::null());
            ffi::sealwax_session_initiate(
                session,
                card.as_ptr().cast(),
                card.len(),
                empty,
                0,
                core::ptr::null(),
                0,
                NOW,
                out,
            )
        });
        assert_eq!(made.unwrap_err(), SEALWAX_INVALID_HANDLE);
    });
}

#[test]
fn threads_share_a_session_and_every_message_is_read_once() {
    alone(|| {
        let (alice, bob) = strangers();
        let (ours, theirs) = acquainted(&alice, &bob);
        let sessions = Shared(&ours, &theirs);
        let read: Vec<usize> = thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let Shared(ours, theirs) = &sessions;
                        let mut read = 0;
                        for _ in 0..25 {
                            let there = ours.encrypt(b"there", NOW).unwrap();
                            read += usize::from(theirs.decrypt(&there, NOW) == Ok(b"there".to_vec()));
                            let back = theirs.encrypt(b"back", NOW).unwrap();
                            read += usize::from(ours.decrypt(&back, NOW) == Ok(b"back".to_vec()));
                            assert!(ours.info()["sendable"] == true);
                        }
                        read
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        assert_eq!(read, [50; 4]);
    });
}

/// Handles may be used by any thread.
struct Shared<'a>(&'a Session, &'a Session);

// SAFETY: a handle is a number, and the library locks what it stands for.
unsafe impl Sync for Shared<'_> {}
