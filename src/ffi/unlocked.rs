//! Objects that need no lock, because they have locks of their own or never change.
//!
//! They stand beside the lock of their handle and not behind it: calls on one of them share nothing but the number of
//! calls that run.

use core::marker::PhantomData;

use super::cell::Object;

/// Stands behind the lock of such an object, which is its link.
pub(super) struct Unlocked<T>(PhantomData<fn() -> T>);

impl<T> Unlocked<T> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Send + Sync + 'static> Object for Unlocked<T> {
    type Links = T;
}
