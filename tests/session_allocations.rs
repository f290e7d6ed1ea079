//! Sending within a turn writes straight into the caller's buffer.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::ScriptedRandom;
use sealwax::identity::{Identity, IdentityOptions};
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::content::{ContentKind, Padding};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn encrypting_within_a_turn_allocates_nothing() {
    for hidden_header in [false, true] {
        let rng = &mut ScriptedRandom::new("allocations");
        let plain = IdentityOptions { prekeys_required: false };
        let alice = Identity::generate(rng, "alice", plain, 1).unwrap();
        let bob = Identity::generate(rng, "bob", plain, 1).unwrap();
        let options = SessionOptions { hidden_header, padding: Padding::Padme, peer_fingerprint: None };
        let mut session = Session::initiate(&alice, bob.card(), None, options, 1, rng).unwrap();
        let mut out = vec![0; session.encrypt_len(10_001)];
        // First messages carry the handshake, and are written in place all the same.
        let before = COUNT.get();
        for _ in 0..10 {
            session.encrypt(ContentKind::Data, &[&[0], &[1; 10_000]], 1, rng, &mut out).unwrap();
        }
        assert_eq!(COUNT.get(), before);
    }
}
