//! Tokens, and the table of slots behind them.
//!
//! A handle is a number that names a slot and the generation of its content; nothing ever follows it as a
//! pointer. A slot's state is one atomic word: its generation, whether its content is live, and how many running
//! calls have pinned it. Only the thread that takes the word to "not live, not pinned" touches the content
//! exclusively, so a look-up costs one compare-and-swap, freeing never waits, and no lock exists that a forked
//! child could find held.

use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::Arc;

use super::cell::AnyCell;
use super::status::Status;
use crate::crypto::rng::{Random as _, SystemRandom};

/// A token is this many bits twice, shifted left by one: below 2^47 and even, like an aligned pointer of a user's
/// process, so that languages with tagged pointers carry it unharmed.
const HALF_BITS: u32 = if usize::BITS >= 64 { 23 } else { 15 };
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
/// Slots that can be in use at the same time.
const SLOT_BITS: u32 = if usize::BITS >= 64 { 24 } else { 16 };
const SLOTS: u32 = 1 << SLOT_BITS;
/// Handles that can be open at the same time.
pub(super) const HANDLES_MAX: u32 = SLOTS;
/// The last generation of a slot; after it, the slot retires.
const LAST_GENERATION: u32 = (1 << (2 * HALF_BITS - SLOT_BITS)) - 1;
/// Pages below it are never mapped, and small integers are what a confused caller passes.
const LOWEST_TOKEN: u64 = 0x1_0000;

const LIVE: u64 = 1 << 31;
const PINS: u64 = LIVE - 1;

/// The first chunk has this many slots, each further one as many as all before it.
const FIRST_CHUNK_BITS: u32 = 6;
const FIRST_CHUNK: u32 = 1 << FIRST_CHUNK_BITS;
const CHUNKS: usize = (SLOT_BITS - FIRST_CHUNK_BITS + 1) as usize;

/// What a C caller holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token(usize);

impl Token {
    /// The number that the caller got as a pointer.
    pub(super) fn from_pointer<T>(pointer: *const T) -> Self {
        Self(pointer.addr())
    }

    /// The pointer that C sees.
    pub(super) fn to_pointer<T>(self) -> *mut T {
        ptr::without_provenance_mut(self.0)
    }
}

/// On a cache line of its own: two threads with a handle each do not slow one another down.
#[repr(align(64))]
struct Slot {
    /// Generation (upper half), [`LIVE`], pins.
    state: AtomicU64,
    /// Index + 1 of the next free slot.
    next: AtomicU32,
    body: UnsafeCell<Option<Arc<dyn AnyCell>>>,
}

// SAFETY: `body` is written only by the one thread that owns the slot: the one that took it off the free list, or
// the one that took `state` to "not live, not pinned". It is read only under a pin, which neither of them grants.
unsafe impl Sync for Slot {}

impl Slot {
    const fn new() -> Self {
        Self { state: AtomicU64::new(0), next: AtomicU32::new(0), body: UnsafeCell::new(None) }
    }

    fn generation(&self) -> u32 {
        generation_of(self.state.load(Ordering::Relaxed))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the upper half of the word")]
const fn generation_of(state: u64) -> u32 {
    (state >> 32) as u32
}

/// All handles of this load of the library.
pub(super) static REGISTRY: Registry = Registry::new();

/// A table of slots that only grows, in chunks that never move.
pub(super) struct Registry {
    /// Scrambles tokens differently in each load of the library, so that those of another process or copy of the
    /// library do not pass here. 0 until the first object is made.
    scramble: AtomicU64,
    /// Change counter (upper half), and index + 1 of the first free slot.
    free: AtomicU64,
    /// Slots that were ever taken.
    taken: AtomicU32,
    chunks: [AtomicPtr<Slot>; CHUNKS],
}

impl Registry {
    pub(super) const fn new() -> Self {
        Self {
            scramble: AtomicU64::new(0),
            free: AtomicU64::new(0),
            taken: AtomicU32::new(0),
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
        }
    }

    /// Takes a slot for an object that is about to be made.
    pub(super) fn reserve(&'static self) -> Result<Vacancy, Status> {
        let scramble = self.scramble()?;
        loop {
            let (index, slot) = match self.pop() {
                Some(free) => free,
                None => self.grow()?,
            };
            // Some generations of a slot would give a token that looks like a small integer.
            for generation in slot.generation()..=LAST_GENERATION {
                if let Some(token) = encode(scramble, index, generation) {
                    return Ok(Vacancy { registry: self, slot, index, generation, token });
                }
            }
        }
    }

    /// Keeps the content of a token from being destroyed while a call runs.
    pub(super) fn pin(&'static self, token: Token) -> Result<Pin, Status> {
        let (index, generation) =
            decode(self.scramble.load(Ordering::Acquire), token).ok_or(Status::INVALID_HANDLE)?;
        let slot = self.slot(index).ok_or(Status::INVALID_HANDLE)?;
        let mut state = slot.state.load(Ordering::Relaxed);
        loop {
            if generation_of(state) != generation || state & LIVE == 0 {
                return Err(Status::INVALID_HANDLE);
            }
            if state & PINS == PINS {
                return Err(Status::LIMIT_REACHED);
            }
            // Acquire: what the thread that made the object live wrote is seen.
            match slot.state.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(Pin { registry: self, slot, index }),
                Err(now) => state = now,
            }
        }
    }

    /// Ends the token that was pinned. The object goes with its last running call.
    pub(super) fn free(pin: Pin) -> Result<(), Status> {
        let before = pin.slot.state.fetch_and(!LIVE, Ordering::AcqRel);
        // Several threads may have pinned it in order to free it: one of them does.
        if before & LIVE == 0 { Err(Status::INVALID_HANDLE) } else { Ok(()) }
    }

    /// How many tokens are live.
    pub(super) fn live(&'static self) -> usize {
        let taken = self.taken.load(Ordering::Acquire).min(SLOTS);
        let live = |index: &u32| {
            self.slot(*index).is_some_and(|slot| slot.state.load(Ordering::Acquire) & LIVE != 0)
        };
        (0..taken).filter(live).count()
    }

    fn scramble(&self) -> Result<u64, Status> {
        let known = self.scramble.load(Ordering::Acquire);
        if known != 0 {
            return Ok(known);
        }
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes)?;
        let fresh = u64::from_le_bytes(bytes) | 1;
        match self.scramble.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(fresh),
            Err(first) => Ok(first),
        }
    }

    fn slot(&'static self, index: u32) -> Option<&'static Slot> {
        let (chunk, offset) = position(index);
        let first = self.chunks.get(chunk)?.load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: `grow` published a chunk of `chunk_len(chunk)` slots here, which is never taken back, and
        // `position` gives offsets below that.
        Some(unsafe { &*first.add(offset) })
    }

    /// A slot that no token ever named.
    fn grow(&'static self) -> Result<(u32, &'static Slot), Status> {
        let index = self
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |taken| (taken < SLOTS).then_some(taken + 1))
            .map_err(|_| Status::LIMIT_REACHED)?;
        let (chunk, _) = position(index);
        let place = self.chunks.get(chunk).ok_or(Status::INTERNAL)?;
        if place.load(Ordering::Acquire).is_null() {
            let slots: Box<[Slot]> = (0..chunk_len(chunk)).map(|_| Slot::new()).collect();
            let slots = Box::into_raw(slots);
            let first = slots.cast::<Slot>();
            let lost = place.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire);
            if lost.is_err() {
                // SAFETY: another thread was faster; this chunk came from a box above and nobody else saw it.
                drop(unsafe { Box::from_raw(slots) });
            }
        }
        self.slot(index).map(|slot| (index, slot)).ok_or(Status::INTERNAL)
    }

    fn pop(&'static self) -> Option<(u32, &'static Slot)> {
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let index = list_index(head)?;
            let slot = self.slot(index)?;
            let next = u64::from(slot.next.load(Ordering::Relaxed));
            // The change counter: were the slot popped and pushed again meanwhile, `next` would be out of date.
            match self.free.compare_exchange_weak(
                head,
                counted(head) | next,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some((index, slot)),
                Err(now) => head = now,
            }
        }
    }

    #[inline(never)]
    fn push(&'static self, index: u32, slot: &'static Slot) {
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            slot.next.store(list_index(head).map_or(0, |next| next + 1), Ordering::Relaxed);
            let new = counted(head) | u64::from(index + 1);
            match self.free.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Destroys the content of a slot that is neither live nor pinned, and gives the slot to its next generation.
    /// Every call that names a handle would carry a copy of it, and next to none gets here.
    #[cold]
    #[inline(never)]
    fn recycle(&'static self, index: u32, slot: &'static Slot) {
        // SAFETY: the caller took `state` to "not live, not pinned"; nobody else can until the slot is reserved.
        let body = unsafe { (*slot.body.get()).take() };
        drop(body);
        let next = slot.generation() + 1;
        if next <= LAST_GENERATION {
            slot.state.store(u64::from(next) << 32, Ordering::Release);
            self.push(index, slot);
        }
    }
}

/// A slot without content. Dropped unfilled, it goes back.
pub(super) struct Vacancy {
    registry: &'static Registry,
    slot: &'static Slot,
    index: u32,
    generation: u32,
    token: Token,
}

impl Vacancy {
    /// The token that the content will have.
    pub(super) fn token(&self) -> Token {
        self.token
    }

    /// Makes the token live.
    pub(super) fn fill(self, body: Arc<dyn AnyCell>) -> Token {
        let vacancy = core::mem::ManuallyDrop::new(self);
        // SAFETY: a slot that is off the free list and not live is this thread's alone.
        unsafe { *vacancy.slot.body.get() = Some(body) };
        vacancy.slot.state.store(u64::from(vacancy.generation) << 32 | LIVE, Ordering::Release);
        vacancy.token
    }
}

impl Drop for Vacancy {
    fn drop(&mut self) {
        self.registry.push(self.index, self.slot);
    }
}

/// Keeps one object from being destroyed.
pub(super) struct Pin {
    registry: &'static Registry,
    slot: &'static Slot,
    index: u32,
}

impl Pin {
    /// The object. `None` never comes back for a token that was live, which is what a pin is made from.
    pub(super) fn body(&self) -> Option<&Arc<dyn AnyCell>> {
        // SAFETY: while pinned, the slot's content is only read.
        unsafe { (*self.slot.body.get()).as_ref() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // Release: what this call did to the object comes before its destruction by another thread.
        let before = self.slot.state.fetch_sub(1, Ordering::Release);
        if before & (LIVE | PINS) == 1 {
            fence(Ordering::Acquire);
            self.registry.recycle(self.index, self.slot);
        }
    }
}

/// Index of the first free slot.
#[allow(clippy::cast_possible_truncation, reason = "the lower half of the word")]
const fn list_index(head: u64) -> Option<u32> {
    (head as u32).checked_sub(1)
}

/// The change counter after `head`'s, in place, and nothing else.
const fn counted(head: u64) -> u64 {
    ((head >> 32) + 1) << 32
}

const fn position(index: u32) -> (usize, usize) {
    let from_first = index + FIRST_CHUNK;
    let chunk = from_first.ilog2() - FIRST_CHUNK_BITS;
    (chunk as usize, (from_first - (FIRST_CHUNK << chunk)) as usize)
}

const fn chunk_len(chunk: usize) -> u32 {
    FIRST_CHUNK << chunk
}

/// A permutation (three rounds of a Feistel network), so that tokens in a row do not look like it.
fn encode(scramble: u64, index: u32, generation: u32) -> Option<Token> {
    let plain = u64::from(generation) << SLOT_BITS | u64::from(index);
    let (mut left, mut right) = (plain >> HALF_BITS, plain & HALF_MASK);
    left ^= round(right, scramble);
    right ^= round(left, scramble.rotate_left(21));
    left ^= round(right, scramble.rotate_left(42));
    let token = (left << HALF_BITS | right) << 1;
    if token < LOWEST_TOKEN { None } else { usize::try_from(token).ok().map(Token) }
}

#[allow(clippy::cast_possible_truncation, reason = "masked, and below the bits of a token")]
fn decode(scramble: u64, token: Token) -> Option<(u32, u32)> {
    let token = token.0 as u64;
    if scramble == 0 || token & 1 != 0 || !(LOWEST_TOKEN..1 << (2 * HALF_BITS + 1)).contains(&token) {
        return None;
    }
    let (mut left, mut right) = (token >> 1 >> HALF_BITS, token >> 1 & HALF_MASK);
    left ^= round(right, scramble.rotate_left(42));
    right ^= round(left, scramble.rotate_left(21));
    left ^= round(right, scramble);
    let plain = left << HALF_BITS | right;
    Some((plain as u32 & (SLOTS - 1), (plain >> SLOT_BITS) as u32))
}

const fn round(half: u64, key: u64) -> u64 {
    (half ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HALF_BITS)
}

#[cfg(test)]
mod tests;
