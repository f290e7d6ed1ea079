//! Sending to a group writes straight into the caller's buffer.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::ScriptedRandom;
use common::group::{group, person};
use sealwax::group::{GroupSender, GroupSenderOptions};
use sealwax::roster::RosterPolicy;
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
fn encrypting_to_a_group_allocates_nothing() {
    let rng = &mut ScriptedRandom::new("allocations");
    let (alice, bob) = (person("alice"), person("bob"));
    let roster = group(&alice, &[&bob], RosterPolicy::default());
    let options = GroupSenderOptions { padding: Padding::Padme, ..GroupSenderOptions::default() };
    let mut sender = GroupSender::new(&alice, &roster, options, 1, rng).unwrap();
    let mut out = vec![0; sender.encrypt_len(10_001)];
    let before = COUNT.get();
    // Across the end of a block.
    for _ in 0..300 {
        sender.encrypt(&roster, ContentKind::Data, &[&[0], &[1; 10_000]], 1, rng, &mut out).unwrap();
    }
    assert_eq!(COUNT.get(), before);
}
