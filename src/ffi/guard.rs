//! What stands around every export: a panic ends here and never crosses into C.
//!
//! `tests/abi/sources.rs` reads the sources and fails if the body of an export is not one call of [`guard`] or
//! [`guard_or`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::status::{SEALWAX_INTERNAL, SEALWAX_OK, Status, sealwax_status};

/// Runs a fallible export. What it locked exclusively is poisoned if it panics: the lock sees to that
/// ([`super::cell`]), which is why it is sound to say that everything is safe across the unwinding.
pub(super) fn guard(call: impl FnOnce() -> Result<(), Status>) -> sealwax_status {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => SEALWAX_OK,
        Ok(Err(status)) => status.code(),
        Err(_) => SEALWAX_INTERNAL,
    }
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
