//! Attachments: what is too large for a message, sealed chunk by chunk (`docs/PROTOCOL.md` section 15).
//!
//! [`Seal`] makes one, [`Open`] reads one, [`Layout`] says which bytes lie where. Both take the content either in
//! order and in pieces of any length (`update`), with no more memory than one chunk, or chunk by chunk (`chunk`) from
//! as many threads as the caller has.

mod key;
mod layout;
mod ledger;
mod open;
mod seal;

pub use layout::{Layout, OVERHEAD};
pub use open::Open;
pub use seal::Seal;

use std::sync::{Mutex, MutexGuard};

use crate::error::{Error, Result};

/// Only a defect poisons it: what is left inside then proves nothing.
fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    mutex.lock().map_err(|_| Error::Internal)
}
