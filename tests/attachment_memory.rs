//! Attachments of any size take the memory of one chunk, and single chunks none.
#![allow(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sealwax::crypto::rng::SystemRandom;
use sealwax::stream::{OVERHEAD, Open, Seal};
use sealwax::wire::attachment::ChunkSize;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
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

const CHUNK: usize = 65_536;
const PIECES: usize = 64;
const PIECE: usize = 1 << 20;

/// Bytes allocated by this thread since a moment.
fn since(moment: usize) -> usize {
    BYTES.get() - moment
}

#[test]
fn sealing_and_opening_64_mib_in_order_allocates_less_than_two_chunks_each() {
    let chunk_size = ChunkSize::from_bytes(CHUNK as u64).unwrap();
    let (plaintext, mut sealed, mut back) = (vec![5; PIECE], vec![0; 2 * PIECE], vec![0; 2 * PIECE]);
    let start = BYTES.get();
    let mut seal = Seal::new(chunk_size, false, &mut SystemRandom).unwrap();
    for _ in 0..PIECES {
        let len = seal.update_len(PIECE).unwrap();
        seal.update(&plaintext, &mut SystemRandom, sealed.get_mut(..len).unwrap()).unwrap();
    }
    let len = seal.finish_len().unwrap();
    seal.finish(&mut SystemRandom, sealed.get_mut(..len).unwrap()).unwrap();
    let reference = seal.reference().unwrap();
    assert!(since(start) < 2 * CHUNK, "{} bytes to seal", since(start));

    // Its first chunk is all that is needed to see what opening takes: the rest is the same again.
    let again = Seal::new(chunk_size, false, &mut SystemRandom).unwrap();
    assert_ne!(again.header(), seal.header());
    let start = BYTES.get();
    let mut open = Open::new(&reference, seal.header(), false).unwrap();
    let piece = sealed.get(..100).unwrap();
    let len = open.update_len(piece.len()).unwrap();
    open.update(piece, back.get_mut(..len).unwrap()).unwrap();
    assert!(since(start) < 2 * CHUNK, "{} bytes to open", since(start));
}

#[test]
fn single_chunks_allocate_nothing() {
    let chunk_size = ChunkSize::from_bytes(CHUNK as u64).unwrap();
    let (plaintext, mut sealed, mut back) = (vec![5; CHUNK], vec![0; CHUNK + OVERHEAD], vec![0; CHUNK]);
    let seal = Seal::new(chunk_size, true, &mut SystemRandom).unwrap();
    // The first one makes room for what is out of order.
    seal.chunk(0, false, &plaintext, &mut SystemRandom, &mut sealed).unwrap();
    let start = BYTES.get();
    for index in 1..=100 {
        seal.chunk(index, index == 100, &plaintext, &mut SystemRandom, &mut sealed).unwrap();
    }
    assert_eq!(since(start), 0);
    let reference = seal.reference().unwrap();
    let open = Open::new(&reference, seal.header(), false).unwrap();
    let start = BYTES.get();
    for _ in 0..100 {
        open.chunk(100, &sealed, &mut back).unwrap();
    }
    assert_eq!(since(start), 0);
    assert_eq!(back, plaintext);
}
