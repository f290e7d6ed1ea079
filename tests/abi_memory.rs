//! What messages and objects cost of the heap, through the C ABI.
#![allow(unsafe_code, reason = "an allocator that counts, and calls without the wrappers, which allocate")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::abi::{GroupReceiver, GroupSender, Identity, Roster, Session, alone};
use sealwax::ffi::group_messages::sealwax_group_receiver_decrypt;
use sealwax::ffi::group_sender::sealwax_group_sender_encrypt;
use sealwax::ffi::session_messages::{sealwax_session_decrypt, sealwax_session_encrypt};
use sealwax::ffi::status::SEALWAX_OK;

const NOW: u64 = 1_800_000_000_000;
/// Longer than any envelope below.
const ROOM: usize = 4_096;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// Counts what the thread of a test allocates.
struct Counting;

impl Counting {
    fn note(count: usize, bytes: isize) {
        // A thread that ends has no counters left.
        let _ = COUNT.try_with(|total| total.set(total.get() + count));
        let _ = LIVE.try_with(|total| total.set(total.get() + bytes));
    }
}

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::note(1, layout.size().cast_signed());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::note(0, -layout.size().cast_signed());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of a call.
fn allocations(call: impl FnOnce()) -> usize {
    let before = COUNT.get();
    call();
    COUNT.get() - before
}

/// Bytes that something keeps, with what was made on the way freed again.
fn kept<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    let made = make();
    (made, usize::try_from(LIVE.get() - before).unwrap())
}

/// Envelopes, or texts, in a place that was made in advance.
struct Buffers(Vec<([u8; ROOM], usize)>);

impl Buffers {
    fn new(count: usize) -> Self {
        Self(vec![([0; ROOM], 0); count])
    }
}

fn encrypt(session: &Session, text: &[u8], out: &mut ([u8; ROOM], usize)) {
    let (out, len) = (out.0.as_mut_ptr().cast(), &mut out.1);
    // SAFETY: slices, and a buffer of that size.
    let status = unsafe {
        sealwax_session_encrypt(session.handle(), text.as_ptr().cast(), text.len(), NOW, out, ROOM, len)
    };
    assert_eq!(status, SEALWAX_OK);
}

fn decrypt(session: &Session, envelope: &([u8; ROOM], usize), out: &mut ([u8; ROOM], usize)) {
    let (envelope, envelope_len) = (envelope.0.as_ptr().cast(), envelope.1);
    let (out, len) = (out.0.as_mut_ptr().cast(), &mut out.1);
    // SAFETY: slices, and a buffer of that size.
    let status =
        unsafe { sealwax_session_decrypt(session.handle(), envelope, envelope_len, NOW, out, ROOM, len) };
    assert_eq!(status, SEALWAX_OK);
}

/// Sessions of two who have not written yet, but for one first message.
fn sessions(one: &Identity, other: &Identity, options: &str) -> (Session, Session) {
    let prekeys = other.prekeys(1, NOW).unwrap();
    let ours = Session::initiate_with(one, &other.card(), &prekeys, options, NOW).unwrap();
    let first = ours.encrypt(b"hello", NOW).unwrap();
    let theirs = Session::accept_with(other, &first, options, NOW).unwrap();
    theirs.decrypt(&first, NOW).unwrap();
    (ours, theirs)
}

#[test]
fn messages_of_one_turn_allocate_nothing() {
    alone(|| {
        for options in ["", r#"{"hidden_header":true,"padding":"padme"}"#] {
            let (alice, bob) = (Identity::new("alice", NOW), Identity::new("bob", NOW));
            let (ours, theirs) = sessions(&alice, &bob, options);
            let (mut envelopes, mut text) = (Buffers::new(40), Buffers::new(1));
            // First messages, which carry the handshake, then others.
            for answered in [false, true] {
                if answered {
                    let answer = theirs.encrypt(b"hello back", NOW).unwrap();
                    ours.decrypt(&answer, NOW).unwrap();
                    let turn = ours.encrypt(b"a new turn", NOW).unwrap();
                    theirs.decrypt(&turn, NOW).unwrap();
                }
                for envelope in &mut envelopes.0 {
                    assert_eq!(allocations(|| encrypt(&ours, b"text", envelope)), 0);
                }
                for (at, envelope) in envelopes.0.iter().enumerate() {
                    let made = allocations(|| decrypt(&theirs, envelope, &mut text.0[0]));
                    assert_eq!(made, 0, "message {at}");
                    assert_eq!(text.0[0].0[..text.0[0].1], *b"text");
                }
            }
        }
    });
}

#[test]
fn what_overtook_others_costs_the_keys_of_those_and_they_cost_nothing() {
    alone(|| {
        let (alice, bob) = (Identity::new("alice", NOW), Identity::new("bob", NOW));
        let (ours, theirs) = sessions(&alice, &bob, "");
        let answer = theirs.encrypt(b"hello back", NOW).unwrap();
        ours.decrypt(&answer, NOW).unwrap();
        let turn = ours.encrypt(b"a new turn", NOW).unwrap();
        theirs.decrypt(&turn, NOW).unwrap();
        let (mut envelopes, mut text) = (Buffers::new(20), Buffers::new(1));
        envelopes.0.iter_mut().for_each(|envelope| encrypt(&ours, b"text", envelope));

        let last = envelopes.0.pop().unwrap();
        let made = allocations(|| decrypt(&theirs, &last, &mut text.0[0]));
        assert!((19..=19 + 6).contains(&made), "{made}");
        for envelope in &envelopes.0 {
            assert_eq!(allocations(|| decrypt(&theirs, envelope, &mut text.0[0])), 0);
        }
    });
}

fn encrypt_for(sender: &GroupSender, out: &mut ([u8; ROOM], usize)) {
    let (out, len) = (out.0.as_mut_ptr().cast(), &mut out.1);
    // SAFETY: slices, and a buffer of that size.
    let status = unsafe {
        sealwax_group_sender_encrypt(sender.handle(), b"text".as_ptr().cast(), 4, NOW, out, ROOM, len)
    };
    assert_eq!(status, SEALWAX_OK);
}

fn decrypt_of(receiver: &GroupReceiver, envelope: &([u8; ROOM], usize), out: &mut ([u8; ROOM], usize)) {
    let (envelope, envelope_len) = (envelope.0.as_ptr().cast(), envelope.1);
    let (out, len) = (out.0.as_mut_ptr().cast(), &mut out.1);
    // SAFETY: slices, and a buffer of that size.
    let status = unsafe {
        sealwax_group_receiver_decrypt(receiver.handle(), envelope, envelope_len, NOW, out, ROOM, len)
    };
    assert_eq!(status, SEALWAX_OK);
}

/// A sender in a group of its own roster, and its key with the receiver.
fn installed(
    member: &Identity,
    receiving: &Identity,
    log: &[u8],
    receiver: &GroupReceiver,
) -> (GroupSender, usize) {
    let roster = Roster::open(log).unwrap();
    let sender = GroupSender::new(member, &roster, r#"{"padding":"padme"}"#, NOW).unwrap();
    let (ours, theirs) = sessions(member, receiving, "");
    let key = sender.distribute(&ours, NOW).unwrap();
    let ((), bytes) = kept(|| receiver.install(&theirs, &key, NOW).unwrap());
    (sender, bytes)
}

#[test]
fn messages_of_a_group_allocate_nothing_but_a_signature() {
    // aws-lc-rs hands a signature out in pieces, and a FIPS module wants what is signed or verified in one.
    let whole = usize::from(sealwax::crypto::fips());
    let signature = whole + if sealwax::crypto::BACKEND == "aws-lc" { 4 } else { 0 };
    alone(|| {
        let (alice, bob) = (Identity::new("alice", NOW), Identity::new("bob", NOW));
        let roster = Roster::new(&bob, &[&alice], NOW);
        let receiver = GroupReceiver::new(&bob, &roster, "", NOW).unwrap();
        let (sender, _) = installed(&alice, &bob, &roster.log(0), &receiver);
        let (mut envelope, mut text) = (Buffers::new(1), Buffers::new(1));
        let (envelope, text) = (&mut envelope.0[0], &mut text.0[0]);
        encrypt_for(&sender, envelope);
        decrypt_of(&receiver, envelope, text);
        // Across the end of a block.
        for _ in 0..300 {
            assert!(allocations(|| encrypt_for(&sender, envelope)) <= signature);
            assert_eq!(allocations(|| decrypt_of(&receiver, envelope, text)), whole);
            assert_eq!(text.0[..text.1], *b"text");
        }
    });
}

#[test]
fn a_session_takes_two_kibibytes_at_most() {
    alone(|| {
        for options in ["", r#"{"hidden_header":true}"#] {
            let (alice, bob) = (Identity::new("alice", NOW), Identity::new("bob", NOW));
            let prekeys = bob.prekeys(1, NOW).unwrap();
            let card = bob.card();
            let (ours, fresh) =
                kept(|| Session::initiate_with(&alice, &card, &prekeys, options, NOW).unwrap());
            let first = ours.encrypt(b"hello", NOW).unwrap();
            let (theirs, accepted) = kept(|| Session::accept_with(&bob, &first, options, NOW).unwrap());
            theirs.decrypt(&first, NOW).unwrap();
            // Everything that is remembered of turns and envelopes fills up.
            let ((), more) = kept(|| {
                for _ in 0..80 {
                    let message = theirs.encrypt(b"text", NOW).unwrap();
                    ours.decrypt(&message, NOW).unwrap();
                    let message = ours.encrypt(b"text", NOW).unwrap();
                    theirs.decrypt(&message, NOW).unwrap();
                }
            });
            assert!(fresh <= 2_048, "{fresh} when it starts");
            assert!(accepted <= 2_048, "{accepted} when it answers");
            assert!(fresh + accepted + more <= 2 * 2_048, "{fresh} and {accepted} and then {more} more");
        }
    });
}

#[test]
fn a_receiver_takes_one_kibibyte_a_sender_at_most() {
    alone(|| {
        let bob = Identity::new("bob", NOW);
        let names: Vec<String> = (0..20).map(|at| format!("member{at:02}@example.org")).collect();
        let members: Vec<Identity> = names.iter().map(|name| Identity::new(name, NOW)).collect();
        let roster = Roster::new(&bob, &members.iter().collect::<Vec<_>>(), NOW);
        let receiver = GroupReceiver::new(&bob, &roster, "", NOW).unwrap();
        let (mut envelopes, mut text) = (Buffers::new(40), Buffers::new(1));
        let mut total = 0;
        for member in &members {
            let (sender, of_key) = installed(member, &bob, &roster.log(0), &receiver);
            envelopes.0.iter_mut().for_each(|envelope| encrypt_for(&sender, envelope));
            let ((), of_messages) = kept(|| {
                envelopes.0.iter().for_each(|envelope| decrypt_of(&receiver, envelope, &mut text.0[0]));
            });
            total += of_key + of_messages;
        }
        assert!(total <= members.len() * 1_024, "{total} for {}", members.len());
    });
}
