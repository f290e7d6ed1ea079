//! One sender key for many members in one call, through the C ABI.
#![allow(unsafe_code, reason = "misuse that the wrappers do not allow")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use std::ptr;

use common::abi::{GroupReceiver, GroupSender, Identity, Roster, Session, alone, revision};
use sealwax::ffi::handout::sealwax_group_sender_distribute_many;
use sealwax::ffi::results::sealwax_result;
use sealwax::ffi::roster::SEALWAX_ROLE_MEMBER;
use sealwax::ffi::status::*;

const NOW: u64 = 1_800_000_000_000;
const KEY: [u8; 32] = [7; 32];

/// Sessions of two who have written to one another.
fn sessions(one: &Identity, other: &Identity) -> (Session, Session) {
    let ours = Session::initiate(one, &other.card(), &other.prekeys(1, NOW).unwrap(), NOW).unwrap();
    let first = ours.encrypt(b"hello", NOW).unwrap();
    let theirs = Session::accept(other, &first, NOW).unwrap();
    theirs.decrypt(&first, NOW).unwrap();
    ours.decrypt(&theirs.encrypt(b"hello", NOW).unwrap(), NOW).unwrap();
    (ours, theirs)
}

/// What one may meet who hands out a key: members, and some who must not have it.
struct World {
    alice: Identity,
    roster: Roster,
    peers: Vec<Identity>,
    /// Ours and theirs, in the order of the peers; the last one is not Alice's.
    sessions: Vec<(Session, Session)>,
}

const MEMBERS: usize = 3;
/// What each session of a [`World`] is to say.
const EXPECTED: [sealwax_status; 7] = [
    SEALWAX_OK,
    SEALWAX_OK,
    SEALWAX_OK,
    SEALWAX_NOT_A_MEMBER,
    SEALWAX_IDENTITY_CHANGED,
    SEALWAX_ROTATION_REQUIRED,
    SEALWAX_WRONG_SESSION,
];

impl World {
    /// And Alice's sender of a key that the last member came too late for.
    fn new() -> (Self, GroupSender) {
        let alice = Identity::new("alice", NOW);
        let names = ["bob", "carol", "dave", "stranger", "erin", "late", "frank"];
        let peers: Vec<_> = names.map(|name| Identity::new(name, NOW)).into();
        // Erin is a member under the keys of an earlier identity.
        let erin = Identity::new("erin", NOW);
        let members = [&peers[0], &peers[1], &peers[2], &erin, &peers[6]];
        let roster = Roster::new(&alice, &members, NOW);
        let sender = GroupSender::new(&alice, &roster, "", NOW).unwrap();
        let entry = roster.add(&alice, &peers[5].card(), SEALWAX_ROLE_MEMBER).unwrap();
        roster.apply(&entry).unwrap();
        let mut pairs: Vec<_> = peers[..6].iter().map(|peer| sessions(&alice, peer)).collect();
        pairs.push(sessions(&peers[0], &peers[6]));
        (Self { alice, roster, peers, sessions: pairs }, sender)
    }

    /// Another copy of one of our sessions.
    fn copy(&self, index: usize) -> Session {
        let owner = if index == 6 { &self.peers[0] } else { &self.alice };
        Session::import(owner, &KEY, &self.sessions[index].0.export(&KEY, 0).unwrap()).unwrap()
    }
}

#[test]
fn one_call_for_many_equals_one_for_each() {
    alone(|| {
        let (world, sender) = World::new();
        let sealed = sender.export(&KEY, 0).unwrap();
        let senders = || GroupSender::import(&world.alice, &world.roster, &KEY, &sealed).unwrap();
        // Every set of sessions, forwards and backwards.
        for set in 0..1_usize << world.sessions.len() {
            let mut chosen: Vec<usize> = (0..world.sessions.len()).filter(|at| set >> at & 1 == 1).collect();
            if set % 3 == 0 {
                chosen.reverse();
            }
            let (many, single) = (senders(), senders());
            let ours: Vec<_> = chosen.iter().map(|index| world.copy(*index)).collect();
            let copies: Vec<_> = chosen.iter().map(|index| world.copy(*index)).collect();
            let before: Vec<_> = ours.iter().map(|session| revision(session.handle()).unwrap()).collect();
            let answers = many.distribute_many(&ours.iter().collect::<Vec<_>>(), NOW).unwrap();
            assert_eq!(answers.len(), chosen.len());
            for (at, index) in chosen.iter().enumerate() {
                let alone = single.distribute(&copies[at], NOW);
                assert_eq!(answers[at].as_ref().err().copied().unwrap_or(SEALWAX_OK), EXPECTED[*index]);
                assert_eq!(answers[at].as_ref().map(Vec::len), alone.as_ref().map(Vec::len));
                assert_eq!(ours[at].info(), copies[at].info());
                let changed = revision(ours[at].handle()).unwrap() != before[at];
                assert_eq!(changed, answers[at].is_ok());
            }
            assert_eq!(many.info(), single.info());
        }
    });
}

#[test]
fn what_comes_out_installs_at_each_member_and_opens_the_group() {
    alone(|| {
        let (world, sender) = World::new();
        // Saved after the sender, and so with a first state of its own.
        let early = GroupSender::new(&world.alice, &world.roster, "", NOW).unwrap();
        let message = early.encrypt(b"before any key", NOW).unwrap();
        let ours: Vec<_> = world.sessions.iter().take(MEMBERS).map(|(ours, _)| ours).collect();
        let answers = early.distribute_many(&ours, NOW).unwrap();
        let log = world.roster.log(0);
        for ((peer, (_, theirs)), answer) in world.peers.iter().zip(&world.sessions).zip(answers) {
            let receiver = GroupReceiver::new(peer, &Roster::open(&log).unwrap(), "", NOW).unwrap();
            receiver.install(theirs, &answer.unwrap(), NOW).unwrap();
            assert_eq!(receiver.decrypt(&message, NOW).unwrap(), b"before any key");
        }
        let waiting = early.info()["waiting"].to_string();
        assert_eq!(waiting, r#"["erin","frank","late"]"#);
        drop(sender);
    });
}

#[test]
fn nothing_moves_before_there_is_room_for_all() {
    alone(|| {
        let (world, sender) = World::new();
        let handles: Vec<_> = world.sessions.iter().take(MEMBERS).map(|(ours, _)| ours.handle()).collect();
        let revisions = || {
            let sessions = handles.iter().map(|handle| revision(*handle).unwrap());
            sessions.chain([revision(sender.handle()).unwrap()]).collect::<Vec<_>>()
        };
        let before = revisions();
        let call = |handles: &[*mut _], out: &mut [u8]| {
            let result = sealwax_result { status: 77, reserved: 77, offset: 77, len: 77 };
            let (mut results, mut len) = (vec![result; handles.len()], usize::MAX);
            // SAFETY: the array is a slice, the outputs live.
            let status = unsafe {
                sealwax_group_sender_distribute_many(
                    sender.handle(),
                    handles.as_ptr(),
                    handles.len(),
                    NOW,
                    out.as_mut_ptr().cast(),
                    out.len(),
                    &mut len,
                    results.as_mut_ptr(),
                )
            };
            (status, len, results)
        };
        let (status, size, results) = call(&handles, &mut []);
        assert_eq!(status, SEALWAX_BUFFER_TOO_SMALL);
        assert!(results.iter().all(|result| (result.status, result.len) == (SEALWAX_INTERNAL, 0)));
        let mut out = vec![9; size - 1];
        assert_eq!(call(&handles, &mut out).0, SEALWAX_BUFFER_TOO_SMALL);
        assert!(out.iter().all(|byte| *byte == 9));

        let mut out = vec![9; size + 1];
        assert_eq!(call(&[handles[0], handles[1], handles[0]], &mut out).0, SEALWAX_INVALID_ARGUMENT);
        assert_eq!(call(&[handles[0], ptr::null_mut()], &mut out).0, SEALWAX_INVALID_HANDLE);
        assert_eq!(call(&[handles[0], sender.handle().cast()], &mut out).0, SEALWAX_INVALID_HANDLE);
        assert_eq!(revisions(), before);

        let (status, len, results) = call(&handles, &mut out);
        assert_eq!((status, len), (SEALWAX_OK, size));
        assert_eq!(out[size..], [9]);
        assert_eq!(results[0].offset, 0);
        assert!(results.windows(2).all(|pair| pair[1].offset == pair[0].offset + pair[0].len));
        assert_eq!(call(&[], &mut []).0, SEALWAX_OK);
    });
}

#[test]
fn a_session_that_may_have_the_key_but_cannot_send_is_passed_over() {
    alone(|| {
        let (world, sender) = World::new();
        sender.rotate(NOW).unwrap();
        let carol = &world.peers[1];
        let silent =
            Session::initiate(&world.alice, &carol.card(), &carol.prekeys(1, NOW).unwrap(), NOW).unwrap();
        let sent = (0..2_000).find_map(|_| silent.encrypt(b"are you there?", NOW).err());
        assert_eq!(sent, Some(SEALWAX_RENEWAL_REQUIRED));
        let before = revision(silent.handle()).unwrap();
        let answers =
            sender.distribute_many(&[&world.sessions[0].0, &silent, &world.sessions[2].0], NOW).unwrap();
        assert_eq!(answers[1].as_ref().err(), Some(&SEALWAX_RENEWAL_REQUIRED));
        assert_eq!(revision(silent.handle()).unwrap(), before);
        let log = world.roster.log(0);
        for index in [0, 2] {
            let receiver =
                GroupReceiver::new(&world.peers[index], &Roster::open(&log).unwrap(), "", NOW).unwrap();
            receiver.install(&world.sessions[index].1, answers[index].as_ref().unwrap(), NOW).unwrap();
        }
        assert!(sender.info()["waiting"].to_string().contains("carol"));
    });
}

#[test]
fn a_sender_without_a_group_hands_out_nothing() {
    alone(|| {
        let (world, sender) = World::new();
        world.roster.apply(&world.roster.delete(&world.alice).unwrap()).unwrap();
        let ours: Vec<_> = world.sessions.iter().map(|(ours, _)| ours).collect();
        assert_eq!(sender.distribute_many(&ours, NOW).err(), Some(SEALWAX_GROUP_DELETED));
    });
}

#[test]
fn threads_that_hand_out_over_the_same_sessions_in_other_orders_never_wait_for_one_another() {
    alone(|| {
        let (world, sender) = World::new();
        let other = GroupSender::new(&world.alice, &world.roster, "", NOW).unwrap();
        let handles: Vec<usize> =
            world.sessions.iter().take(MEMBERS).map(|(ours, _)| ours.handle() as usize).collect();
        let senders = [sender.handle() as usize, other.handle() as usize];
        std::thread::scope(|scope| {
            for (turn, sender) in senders.iter().cycle().take(4).enumerate() {
                let mut handles = handles.clone();
                handles.rotate_left(turn);
                scope.spawn(move || {
                    let handles: Vec<*mut _> = handles.into_iter().map(|handle| handle as *mut _).collect();
                    let result = sealwax_result { status: 77, reserved: 77, offset: 77, len: 77 };
                    for _ in 0..50 {
                        let (mut out, mut len, mut results) = (vec![0; 4_096], 0, [result; MEMBERS]);
                        // SAFETY: the array is a slice, the outputs live.
                        let status = unsafe {
                            sealwax_group_sender_distribute_many(
                                *sender as *mut _,
                                handles.as_ptr(),
                                handles.len(),
                                NOW,
                                out.as_mut_ptr().cast(),
                                out.len(),
                                &mut len,
                                results.as_mut_ptr(),
                            )
                        };
                        assert_eq!(status, SEALWAX_OK);
                        assert!(results.iter().all(|result| result.status == SEALWAX_OK));
                    }
                });
            }
        });
    });
}
