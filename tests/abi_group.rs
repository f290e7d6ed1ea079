//! Group senders and receivers through the C ABI.
#![allow(unsafe_code, reason = "misuse that the wrappers do not allow")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::abi::{GroupReceiver, GroupSender, Identity, Roster, Session, alone, revision};
use sealwax::ffi::roster::SEALWAX_ROLE_ADMIN;
use sealwax::ffi::roster::SEALWAX_ROLE_MEMBER;
use sealwax::ffi::status::*;
use serde_json::Value;

const NOW: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;
const KEY: [u8; 32] = [7; 32];

/// One side of a group.
struct Side {
    identity: Identity,
    roster: Roster,
    sender: GroupSender,
    receiver: GroupReceiver,
}

impl Side {
    fn new(identity: Identity, log: &[u8]) -> Self {
        Self::with(identity, log, "", "")
    }

    fn with(identity: Identity, log: &[u8], sending: &str, receiving: &str) -> Self {
        let roster = Roster::open(log).unwrap();
        let sender = GroupSender::new(&identity, &roster, sending, NOW).unwrap();
        let receiver = GroupReceiver::new(&identity, &roster, receiving, NOW).unwrap();
        Self { identity, roster, sender, receiver }
    }

    /// Everything that could change, as long as no revision says so.
    fn revisions(&self, session: &Session) -> [u64; 3] {
        let receiver = revision(self.receiver.handle()).unwrap();
        [receiver, revision(session.handle()).unwrap(), revision(self.identity.handle()).unwrap()]
    }
}

fn people<const N: usize>(names: [&str; N]) -> ([Identity; N], Vec<u8>) {
    let people = names.map(|name| Identity::new(name, NOW));
    let others: Vec<&Identity> = people.iter().skip(1).collect();
    let roster = Roster::new(&people[0], &others, NOW);
    let log = roster.log(0);
    (people, log)
}

fn group<const N: usize>(names: [&str; N]) -> [Side; N] {
    let (people, log) = people(names);
    people.map(|identity| Side::new(identity, &log))
}

/// Sessions of two who have written to one another.
fn sessions(one: &Identity, other: &Identity) -> (Session, Session) {
    let ours = Session::initiate(one, &other.card(), &other.prekeys(1, NOW).unwrap(), NOW).unwrap();
    let first = ours.encrypt(b"hello", NOW).unwrap();
    let theirs = Session::accept(other, &first, NOW).unwrap();
    theirs.decrypt(&first, NOW).unwrap();
    ours.decrypt(&theirs.encrypt(b"hello", NOW).unwrap(), NOW).unwrap();
    (ours, theirs)
}

/// Hands the key of one to the other, once.
fn give(from: &Side, session: &Session, to: &Side, theirs: &Session) {
    let envelope = from.sender.distribute(session, NOW).unwrap();
    assert_eq!(theirs.peek(&envelope, NOW).unwrap()["content"], "distribution");
    to.receiver.install(theirs, &envelope, NOW).unwrap();
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn members_talk_once_their_keys_are_distributed() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        let early = alice.sender.encrypt(b"before the key", NOW).unwrap();
        assert_eq!(bob.receiver.decrypt(&early, NOW), Err(SEALWAX_UNKNOWN_KEY));
        assert_eq!(alice.sender.info()["waiting"][0], "bob");
        give(&alice, &ours, &bob, &theirs);
        assert!(alice.sender.info()["waiting"].as_array().unwrap().is_empty());
        give(&bob, &theirs, &alice, &ours);
        assert_eq!(bob.receiver.decrypt(&early, NOW).unwrap(), b"before the key");
        for text in [&b""[..], b"x", &[0xff; 5_000]] {
            let length = alice.sender.encrypt_len(text.len()).unwrap();
            let envelope = alice.sender.encrypt(text, NOW).unwrap();
            assert_eq!(envelope.len(), length);
            assert_eq!(bob.receiver.decrypt(&envelope, NOW).unwrap(), text);
            assert_eq!(bob.receiver.decrypt(&envelope, NOW), Err(SEALWAX_DUPLICATE));
            let envelope = bob.sender.encrypt(text, NOW).unwrap();
            assert_eq!(alice.receiver.decrypt(&envelope, NOW).unwrap(), text);
        }
        assert_eq!(alice.sender.encrypt_len(1_048_577), Err(SEALWAX_TOO_LARGE));
    });
}

#[test]
fn a_distribution_is_read_by_install_alone_and_refused_without_a_change() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        let envelope = alice.sender.distribute(&ours, NOW).unwrap();
        assert_eq!(theirs.decrypt(&envelope, NOW), Err(SEALWAX_WRONG_KIND));
        let text = ours.encrypt(b"no key", NOW).unwrap();
        let mut tampered = envelope.clone();
        *tampered.last_mut().unwrap() ^= 1;
        let before = bob.revisions(&theirs);
        assert_eq!(bob.receiver.install(&theirs, &text, NOW), Err(SEALWAX_WRONG_KIND));
        assert_eq!(bob.receiver.install(&theirs, &tampered, NOW), Err(SEALWAX_AUTHENTICATION_FAILED));
        assert_eq!(bob.revisions(&theirs), before);
        bob.receiver.install(&theirs, &envelope, NOW).unwrap();
        assert_eq!(bob.receiver.install(&theirs, &envelope, NOW), Err(SEALWAX_DUPLICATE));
        assert_eq!(theirs.decrypt(&text, NOW).unwrap(), b"no key");
    });
}

#[test]
fn a_key_in_a_first_message_is_installed_and_changes_the_identity() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let card = bob.identity.card();
        let bundle = bob.identity.prekeys(1, NOW).unwrap();
        let ours = Session::initiate(&alice.identity, &card, &bundle, NOW).unwrap();
        let first = alice.sender.distribute(&ours, NOW).unwrap();
        let theirs = Session::accept(&bob.identity, &first, NOW).unwrap();
        bob.receiver.install(&theirs, &first, NOW).unwrap();
        // And within a session that is held already.
        let bundle = bob.identity.prekeys(1, NOW).unwrap();
        let again = Session::initiate(&alice.identity, &card, &bundle, NOW).unwrap();
        alice.sender.rotate(NOW).unwrap();
        let first = alice.sender.distribute(&again, NOW).unwrap();
        let before = bob.revisions(&theirs);
        bob.receiver.install(&theirs, &first, NOW).unwrap();
        let after = bob.revisions(&theirs);
        assert!(before.iter().zip(after).all(|(before, after)| *before < after));
    });
}

#[test]
fn a_session_of_another_identity_carries_no_key() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let eve = Identity::new("eve", NOW);
        let (ours, theirs) = sessions(&eve, &bob.identity);
        assert_eq!(alice.sender.distribute(&ours, NOW), Err(SEALWAX_WRONG_SESSION));
        let (ours, other) = sessions(&alice.identity, &eve);
        assert_eq!(alice.sender.distribute(&ours, NOW), Err(SEALWAX_NOT_A_MEMBER));
        // Eve hands on the key of a group of her own.
        let theirs_log = Roster::new(&eve, &[&bob.identity], NOW).log(0);
        let eve = Side::new(eve, &theirs_log);
        let (to_bob, at_bob) = sessions(&eve.identity, &bob.identity);
        let envelope = eve.sender.distribute(&to_bob, NOW).unwrap();
        assert_eq!(bob.receiver.install(&at_bob, &envelope, NOW), Err(SEALWAX_WRONG_GROUP));
        assert_eq!(alice.receiver.install(&theirs, &envelope, NOW), Err(SEALWAX_WRONG_SESSION));
        drop(other);
    });
}

#[test]
fn applying_an_entry_reaches_senders_and_receivers_at_once() {
    alone(|| {
        let [alice, bob, carol] = group(["alice", "bob", "carol"]);
        let (carol_to_bob, bob_from_carol) = sessions(&carol.identity, &bob.identity);
        give(&carol, &carol_to_bob, &bob, &bob_from_carol);
        let message = carol.sender.encrypt(b"hello", NOW).unwrap();
        let second = GroupReceiver::new(&bob.identity, &bob.roster, "", NOW).unwrap();
        let removal = alice.roster.remove(&alice.identity, "carol").unwrap();
        let before = (revision(bob.receiver.handle()).unwrap(), revision(second.handle()).unwrap());
        bob.roster.apply(&removal).unwrap();
        assert!(revision(bob.receiver.handle()).unwrap() > before.0);
        assert!(revision(second.handle()).unwrap() > before.1);
        assert!(bob.receiver.info()["senders"].as_array().unwrap().is_empty());
        assert_eq!(bob.receiver.decrypt(&message, NOW), Err(SEALWAX_SENDER_REMOVED));
        assert_eq!(bob.sender.encrypt(b"old key", NOW), Err(SEALWAX_ROTATION_REQUIRED));
        assert_eq!(bob.sender.info()["rotation_required"], true);
        bob.sender.rotate(NOW).unwrap();
        assert_eq!(bob.sender.info()["rotation_required"], false);
        assert!(bob.sender.encrypt(b"new key", NOW).is_ok());
        assert_eq!(bob.sender.distribute(&bob_from_carol, NOW), Err(SEALWAX_NOT_A_MEMBER));
    });
}

#[test]
fn an_imported_receiver_follows_the_roster_too() {
    alone(|| {
        let [alice, bob, carol] = group(["alice", "bob", "carol"]);
        let (ours, theirs) = sessions(&carol.identity, &bob.identity);
        give(&carol, &ours, &bob, &theirs);
        let sealed = bob.receiver.export(&KEY).unwrap();
        let imported = GroupReceiver::import(&bob.identity, &bob.roster, &KEY, &sealed).unwrap();
        assert_eq!(imported.info(), bob.receiver.info());
        bob.roster.apply(&alice.roster.remove(&alice.identity, "carol").unwrap()).unwrap();
        assert!(imported.info()["senders"].as_array().unwrap().is_empty());
        let late = GroupReceiver::import(&bob.identity, &bob.roster, &KEY, &sealed).unwrap();
        assert!(late.info()["senders"].as_array().unwrap().is_empty());
    });
}

#[test]
fn a_message_that_proves_hidden_entries_holds_sending_back() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        give(&alice, &ours, &bob, &theirs);
        let hidden = alice.roster.role(&alice.identity, "bob", SEALWAX_ROLE_ADMIN).unwrap();
        alice.roster.apply(&hidden).unwrap();
        let envelope = alice.sender.encrypt(b"after it", NOW).unwrap();
        assert_eq!(bob.receiver.decrypt(&envelope, NOW).unwrap(), b"after it");
        assert_eq!(bob.sender.encrypt(b"me too", NOW), Err(SEALWAX_ROSTER_BEHIND));
        bob.roster.apply(&hidden).unwrap();
        assert!(bob.sender.encrypt(b"me too", NOW).is_ok());
    });
}

#[test]
fn a_distribution_that_proves_hidden_entries_holds_sending_back() {
    alone(|| {
        let [alice, bob, _carol] = group(["alice", "bob", "carol"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        alice.roster.apply(&alice.roster.remove(&alice.identity, "carol").unwrap()).unwrap();
        alice.sender.rotate(NOW).unwrap();
        give(&alice, &ours, &bob, &theirs);
        assert_eq!(bob.sender.encrypt(b"to carol too", NOW), Err(SEALWAX_ROSTER_BEHIND));
    });
}

#[test]
fn windows_retire_and_stand_still_while_catching_up() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        give(&alice, &ours, &bob, &theirs);
        assert_eq!(bob.receiver.retire(NOW).unwrap(), 0);
        let old = [(); 3].map(|()| alice.sender.encrypt(b"old", NOW).unwrap());
        bob.receiver.catch_up(1, NOW).unwrap();
        alice.sender.rotate(NOW).unwrap();
        give(&alice, &ours, &bob, &theirs);
        assert!(bob.receiver.decrypt(&old[0], NOW + 60 * MINUTE).is_ok());
        bob.receiver.catch_up(0, NOW + 60 * MINUTE).unwrap();
        assert_eq!(bob.receiver.retire(NOW + 60 * MINUTE).unwrap(), NOW + 62 * MINUTE);
        assert!(bob.receiver.decrypt(&old[1], NOW + 62 * MINUTE - 1).is_ok());
        assert_eq!(bob.receiver.decrypt(&old[2], NOW + 62 * MINUTE), Err(SEALWAX_RETIRED_KEY));
        assert_eq!(bob.receiver.retire(NOW + 62 * MINUTE).unwrap(), 0);
        for active in [-1, 2, i32::MAX] {
            assert_eq!(bob.receiver.catch_up(active, NOW), Err(SEALWAX_INVALID_ARGUMENT));
        }
    });
}

#[test]
fn retained_history_is_shared_with_a_joiner_in_a_receiver_of_its_own() {
    alone(|| {
        let ([alice, bob], log) = people(["alice", "bob"]);
        let alice = Side::new(alice, &log);
        let bob = Side::with(bob, &log, "", r#"{"retain_history":true}"#);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        give(&alice, &ours, &bob, &theirs);
        let old: Vec<_> = (0..3).map(|number| alice.sender.encrypt(&[number], NOW).unwrap()).collect();
        bob.receiver.decrypt(&old[2], NOW).unwrap();
        let key_id = bytes(&alice.sender.info()["key_id"]);

        let dave = Identity::new("dave", NOW);
        let addition = alice.roster.add(&alice.identity, &dave.card(), SEALWAX_ROLE_MEMBER).unwrap();
        alice.roster.apply(&addition).unwrap();
        bob.roster.apply(&addition).unwrap();
        let dave = Side::new(dave, &alice.roster.log(0));
        let (to_dave, from_bob) = sessions(&bob.identity, &dave.identity);
        let archive = GroupReceiver::new(&dave.identity, &dave.roster, r#"{"history":true}"#, NOW).unwrap();

        let share = |key_id: &[u8], from| bob.receiver.share_history(&to_dave, "alice", key_id, from, NOW);
        assert_eq!(share(&key_id[1..], 0), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(share(&[0; 8], 0), Err(SEALWAX_UNKNOWN_KEY));
        assert_eq!(share(&key_id, 3), Err(SEALWAX_INVALID_ARGUMENT));
        let history = share(&key_id, 1).unwrap();
        assert_eq!(from_bob.peek(&history, NOW).unwrap()["content"], "history");
        assert_eq!(dave.receiver.install(&from_bob, &history, NOW), Err(SEALWAX_WRONG_KIND));
        archive.install(&from_bob, &history, NOW).unwrap();
        assert_eq!(archive.info()["senders"][0]["keys"][0]["shared_by"], "bob");
        assert_eq!(archive.decrypt(&old[0], NOW), Err(SEALWAX_UNKNOWN_KEY));
        assert_eq!(archive.decrypt(&old[1], NOW).unwrap(), [1]);
        assert_eq!(dave.receiver.decrypt(&old[1], NOW), Err(SEALWAX_UNKNOWN_KEY));
        // Two wishes that exclude each other.
        let both = r#"{"history":true,"retain_history":true}"#;
        assert_eq!(
            GroupReceiver::new(&dave.identity, &dave.roster, both, NOW).unwrap_err(),
            SEALWAX_INVALID_OPTIONS
        );
    });
}

#[test]
fn with_confirmation_the_first_state_waits_for_each_member() {
    alone(|| {
        let ([alice, bob], log) = people(["alice", "bob"]);
        let alice = Side::with(alice, &log, r#"{"confirm":true}"#, "");
        let (ours, _theirs) = sessions(&alice.identity, &bob);
        alice.sender.distribute(&ours, NOW).unwrap();
        assert_eq!(alice.sender.info()["waiting"][0], "bob");
        alice.sender.confirm("nobody").unwrap();
        alice.sender.confirm("bob").unwrap();
        assert!(alice.sender.info()["waiting"].as_array().unwrap().is_empty());
    });
}

#[test]
fn a_stored_sender_skips_its_lease_and_says_so() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        give(&alice, &ours, &bob, &theirs);
        let sealed = alice.sender.export(&KEY, 4).unwrap();
        let before = alice.sender.encrypt(b"before", NOW).unwrap();
        let stored = GroupSender::import(&alice.identity, &alice.roster, &KEY, &sealed).unwrap();
        assert_eq!((&stored.info()["counter"], &stored.info()["resumed_from"]), (&4.into(), &0.into()));
        let after = stored.encrypt(b"after", NOW).unwrap();
        assert_eq!(stored.info()["resumed_from"], Value::Null);
        assert_eq!(bob.receiver.decrypt(&after, NOW).unwrap(), b"after");
        assert_eq!(bob.receiver.decrypt(&before, NOW).unwrap(), b"before");
        assert_eq!(alice.sender.export(&KEY, 1_001), Err(SEALWAX_INVALID_ARGUMENT));
        let wrong = GroupSender::import(&bob.identity, &bob.roster, &KEY, &sealed);
        assert_eq!(wrong.unwrap_err(), SEALWAX_WRONG_SESSION);
        let wrong = GroupReceiver::import(&alice.identity, &alice.roster, &KEY, &sealed);
        assert_eq!(wrong.unwrap_err(), SEALWAX_WRONG_KIND);
        let wrong = GroupSender::import(&alice.identity, &alice.roster, &[8; 32], &sealed);
        assert_eq!(wrong.unwrap_err(), SEALWAX_AUTHENTICATION_FAILED);
    });
}

#[test]
fn halves_go_on_when_the_handles_that_made_them_are_freed() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        give(&alice, &ours, &bob, &theirs);
        let Side { identity, roster, sender, receiver: _ } = alice;
        drop((identity, roster));
        let envelope = sender.encrypt(b"still", NOW).unwrap();
        let Side { identity, roster, sender: _, receiver } = bob;
        drop((identity, roster));
        assert_eq!(receiver.decrypt(&envelope, NOW).unwrap(), b"still");
    });
}

#[test]
fn options_are_explained() {
    alone(|| {
        let (people, log) = people(["alice"]);
        let roster = Roster::open(&log).unwrap();
        for options in [r#"{"rotate_messages":0}"#, r#"{"rotate_ms":0}"#, r#"{"padding":"some"}"#, "[]"] {
            let made = GroupSender::new(&people[0], &roster, options, NOW);
            assert_eq!(made.unwrap_err(), SEALWAX_INVALID_OPTIONS);
        }
        for options in [r#"{"transition_window_ms":86400001}"#, r#"{"history":1}"#, r#"{"other":1}"#] {
            let made = GroupReceiver::new(&people[0], &roster, options, NOW);
            assert_eq!(made.unwrap_err(), SEALWAX_INVALID_OPTIONS);
        }
        let padded = GroupSender::new(&people[0], &roster, r#"{"padding":"padme"}"#, NOW).unwrap();
        assert_eq!(padded.encrypt_len(1_000).unwrap(), padded.encrypt_len(1_001).unwrap());
        assert_eq!(padded.info()["padding"], "padme");
    });
}

#[test]
fn threads_may_apply_send_and_read_at_once() {
    alone(|| {
        let [alice, bob] = group(["alice", "bob"]);
        let (ours, theirs) = sessions(&alice.identity, &bob.identity);
        give(&alice, &ours, &bob, &theirs);
        let envelopes: Vec<_> = (0..40).map(|_| alice.sender.encrypt(b"hello", NOW).unwrap()).collect();
        let role = alice.roster.role(&alice.identity, "bob", SEALWAX_ROLE_ADMIN).unwrap();
        let handle = bob.receiver.handle() as usize;
        let roster = bob.roster.handle() as usize;
        std::thread::scope(|scope| {
            for part in envelopes.chunks(10) {
                scope.spawn(move || {
                    for envelope in part {
                        let mut out = [0_u8; 64];
                        let mut len = 0;
                        // SAFETY: the input is a slice, the outputs live.
                        let read = unsafe {
                            sealwax::ffi::group_messages::sealwax_group_receiver_decrypt(
                                handle as *mut _,
                                envelope.as_ptr().cast(),
                                envelope.len(),
                                NOW,
                                out.as_mut_ptr().cast(),
                                out.len(),
                                &mut len,
                            )
                        };
                        assert_eq!((read, &out[..len]), (SEALWAX_OK, &b"hello"[..]));
                    }
                });
            }
            scope.spawn(|| {
                let (entry, len) = (role.as_ptr().cast(), role.len());
                // SAFETY: the input is a slice.
                let applied =
                    unsafe { sealwax::ffi::roster::sealwax_roster_apply(roster as *mut _, entry, len, NOW) };
                assert_eq!(applied, SEALWAX_OK);
            });
        });
        assert_eq!(bob.receiver.info()["senders"][0]["keys"][0]["next"], 40);
    });
}
