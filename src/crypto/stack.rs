//! Frames of calls that are over still hold what was in them: keys on their way from one function to the next, and
//! whatever the primitives computed with. Primitives note how deep they may have gone, and the C interface overwrites as
//! much when its call is over. Nothing else of the stack is worth the time.

use core::cell::Cell;
use core::hint::black_box;

/// Bytes of stack that a derivation or AES-GCM takes at most, in every backend.
pub(in crate::crypto) const SYMMETRIC: usize = 4 << 10;
/// Bytes of stack that making or using a private key takes at most.
pub(in crate::crypto) const CURVE: usize = 20 << 10;

/// Written at a time. A frame around it is smaller than half a key.
const STEP: usize = 2 << 10;
/// 128 KiB: no call goes as deep with a key. Where addresses say otherwise, somebody has changed stacks.
const STEPS_MAX: usize = 64;

thread_local! {
    /// The lowest address that may hold something.
    static LOWEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Notes that `size` bytes of stack from here on may hold something. Not in line: it is in many places.
#[inline(never)]
pub(in crate::crypto) fn used(size: usize) {
    let here = 0_u8;
    let lowest = (&raw const here).addr().saturating_sub(size);
    LOWEST.set(LOWEST.get().min(lowest));
}

/// Runs a call and overwrites what it has left on the stack. What it answers is no secret.
pub fn cleared<R>(call: impl FnOnce() -> R) -> R {
    // A call within a call, as a host's function may make one.
    let outer = LOWEST.replace(usize::MAX);
    let answer = apart(call);
    let lowest = LOWEST.replace(outer);
    if lowest != usize::MAX {
        overwrite_down_to(lowest);
    }
    answer
}

/// In a frame of its own, so that all of it is overwritten.
#[inline(never)]
fn apart<R>(call: impl FnOnce() -> R) -> R {
    call()
}

fn overwrite_down_to(lowest: usize) {
    let here = 0_u8;
    let steps = (&raw const here).addr().saturating_sub(lowest).div_ceil(STEP);
    overwrite(steps.min(STEPS_MAX));
}

/// Counts, and asks no address for the end: a sanitizer may have moved these frames elsewhere.
#[inline(never)]
fn overwrite(steps: usize) {
    let mut dead = [0_u8; STEP];
    black_box(&mut dead);
    if steps > 1 {
        overwrite(steps - 1);
        // Keeps this frame until the next one is done.
        black_box(&mut dead);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_after_a_call_without_secrets() {
        cleared(|| assert_eq!(LOWEST.get(), usize::MAX));
        assert_eq!(LOWEST.get(), usize::MAX);
    }

    #[test]
    fn a_note_from_another_stack_does_no_harm() {
        for address in [1, usize::MAX - 1] {
            cleared(|| LOWEST.set(address));
        }
    }

    #[test]
    fn the_deepest_use_counts_and_ends_with_its_call() {
        cleared(|| {
            used(CURVE);
            let deepest = LOWEST.get();
            used(SYMMETRIC);
            assert_eq!(LOWEST.get(), deepest);
            cleared(|| assert_eq!(LOWEST.get(), usize::MAX));
            assert_eq!(LOWEST.get(), deepest);
        });
        assert_eq!(LOWEST.get(), usize::MAX);
    }
}
