//! A store carried into a forked child.
#![allow(unsafe_code, reason = "fork, and the end of the child without what its parent registered")]

use std::fs;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Changes, Name, Store};

use crate::bed::{Bed, Directory, put, records};

/// Runs in a child; whether it said yes.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs nothing but `work`, which only allocates and calls the system, and leaves at once.
    match unsafe { libc::fork() } {
        0 => {
            let code = i32::from(!work());
            // SAFETY: ends this process.
            unsafe { libc::_exit(code) }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child just made; the status is ours.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            status == 0
        }
    }
}

fn all_refused(store: &mut Store) -> bool {
    let name = Name::new(1);
    store.get(&name) == Err(Error::StoreInUse)
        && matches!(store.scan(&name).map(|mut scan| scan.next().map(|next| next.is_err())), Ok(Some(true)))
        && store.commit(&mut SystemRandom, &Changes::new()) == Err(Error::StoreInUse)
        && store.backup(&std::env::temp_dir().join("sealwax-of-a-child")) == Err(Error::StoreInUse)
}

#[test]
fn a_child_can_do_nothing_with_the_store_and_disturbs_nothing() {
    type End = fn(Store);
    for end in [Store::abandon as End, drop as End, core::mem::forget as End] {
        let bed = Bed::File(Directory::new());
        let Bed::File(directory) = &bed else { unreachable!() };
        let mut store = bed.open().unwrap();
        put(&mut store, &Name::new(1), b"one").unwrap();
        let before = directory.files();

        let mut carried = Some(store);
        assert!(in_child(|| {
            let mut store = carried.take().unwrap();
            let refused = all_refused(&mut store);
            end(store);
            refused && bed.open().err() == Some(Error::StoreInUse)
        }));
        assert!(directory.files() == before);

        let mut store = carried.unwrap();
        assert_eq!(bed.open().err(), Some(Error::StoreInUse), "the child has not unlocked it");
        assert_eq!(put(&mut store, &Name::new(1), b"two"), Ok(2));
        drop(store);
        assert_eq!(records(&bed.open().unwrap()).unwrap()[&Name::new(1)], b"two");
        assert!(fs::metadata(directory.join("store-wal")).is_err());
    }
}

#[test]
fn a_child_that_lives_on_does_not_keep_a_closed_store_locked() {
    let bed = Bed::File(Directory::new());
    let store = bed.open().unwrap();
    // SAFETY: the child only sleeps, and is killed below.
    let child = unsafe { libc::fork() };
    if child == 0 {
        loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
    drop(store);
    let reopened = bed.open();
    // SAFETY: ends and reaps the child just made.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, core::ptr::null_mut(), 0);
    }
    reopened.unwrap();
}
