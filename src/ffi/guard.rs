//! What stands around every export: a panic ends here and never crosses into C.
//!
//! `tests/abi/sources.rs` reads the sources and fails if the body of an export is not one call of [`guard`] or
//! [`guard_or`].

use core::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::status::{SEALWAX_INTERNAL, SEALWAX_OK, Status, sealwax_status};
use crate::crypto::stack;

/// Runs a fallible export. What it locked exclusively is poisoned if it panics: the lock sees to that
/// ([`super::cell`]), which is why it is sound to say that everything is safe across the unwinding. What it left on the
/// stack is overwritten.
pub(super) fn guard<F: FnOnce() -> Result<(), Status>>(call: F) -> sealwax_status {
    let mut call = ManuallyDrop::new(call);
    run_guarded(run::<F>, (&raw mut call).cast())
}

/// # Safety
/// Nobody uses the `F` at `call` afterwards.
unsafe fn run<F: FnOnce() -> Result<(), Status>>(call: *mut ()) -> Result<(), Status> {
    // SAFETY: by the promise of the caller it is taken out once.
    let call = unsafe { call.cast::<F>().read() };
    call()
}

/// The one copy of what every export does, for the size of the library.
#[inline(never)]
fn run_guarded(run: unsafe fn(*mut ()) -> Result<(), Status>, call: *mut ()) -> sealwax_status {
    // SAFETY: only `guard` comes here, with a call that it made and forgets, and this is done once.
    stack::cleared(|| match catch_unwind(AssertUnwindSafe(|| unsafe { run(call) })) {
        Ok(Ok(())) => SEALWAX_OK,
        Ok(Err(status)) => status.code(),
        Err(_) => SEALWAX_INTERNAL,
    })
}

/// Runs an export that has no status to return.
pub(super) fn guard_or<R>(fallback: R, call: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::super::status::{SEALWAX_INTERNAL, SEALWAX_OK, SEALWAX_TOO_LARGE, Status};
    use super::{guard, guard_or};

    #[test]
    fn results_become_codes() {
        assert_eq!(guard(|| Ok(())), SEALWAX_OK);
        assert_eq!(guard(|| Err(Status::TOO_LARGE)), SEALWAX_TOO_LARGE);
    }

    #[test]
    fn a_panic_becomes_internal() {
        assert_eq!(guard(|| panic!("on purpose")), SEALWAX_INTERNAL);
        assert_eq!(guard_or(7, || panic!("on purpose")), 7);
    }
}
