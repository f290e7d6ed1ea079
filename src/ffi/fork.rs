//! Telling a forked child from its parent.
//!
//! The number itself is the one that `crypto::rng` compares at each draw, so that nonces and handles cannot
//! disagree about what a fork is.

#[cfg(unix)]
use core::sync::atomic::{AtomicBool, Ordering};

use super::status::Status;
use crate::crypto::{self, rng};

/// Another number in every forked child.
pub(super) fn generation() -> u64 {
    rng::fork_generation()
}

/// Installs the hook, before the first object is made.
///
/// Two threads that come first at once may both install it: a child then counts up by two, which serves as well, and
/// no child can find a lock of ours held.
#[cfg(unix)]
pub(super) fn watch() -> Result<(), Status> {
    static WATCHING: AtomicBool = AtomicBool::new(false);

    if WATCHING.load(Ordering::Acquire) {
        return Ok(());
    }
    check_module()?;
    // SAFETY: the hooks are functions of this library, which is linked so as never to be unloaded (`build.rs`). The one
    // for the child writes two atomic numbers and no more, which is allowed in a child of a threaded process.
    let refused = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(in_child)) };
    if refused != 0 {
        return Err(Status::INTERNAL);
    }
    rng::watch_forks();
    WATCHING.store(true, Ordering::Release);
    Ok(())
}

/// Nothing forks here.
#[cfg(not(unix))]
pub(super) fn watch() -> Result<(), Status> {
    check_module()?;
    rng::watch_forks();
    Ok(())
}

/// A build for the FIPS module makes no object with anything else.
fn check_module() -> Result<(), Status> {
    if crypto::fips() == cfg!(feature = "fips") { Ok(()) } else { Err(Status::INTERNAL) }
}

#[cfg(unix)]
unsafe extern "C" fn before() {
    rng::before_fork();
}

#[cfg(unix)]
unsafe extern "C" fn after() {
    rng::after_fork_in_parent();
}

#[cfg(unix)]
unsafe extern "C" fn in_child() {
    rng::note_fork();
    rng::after_fork_in_child();
}
