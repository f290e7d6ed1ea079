//! Clients through the C ABI and the files that they live in: what a path may be, what a full disk does, how one ends.
#![cfg(all(feature = "store", unix))]
#![allow(unsafe_code, reason = "what the system is asked for")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may")]

mod common;

use std::path::PathBuf;
use std::{env, fs, process, thread};

use common::abi::client::Client;
use common::abi::{Identity, alone, name};
use sealwax::ffi::client as ffi;
use sealwax::ffi::status::*;

const NOW: u64 = 1_800_000_000_000;
const KEY: [u8; 32] = [7; 32];

/// A directory of its own that goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("sealwax-abi-store-{}-{test}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).unwrap().next().is_none()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Lets no file of this process grow until it goes.
struct FullDisk(libc::rlimit);

impl FullDisk {
    fn new() -> Self {
        // SAFETY: plain calls; the outputs live.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let mut before = core::mem::zeroed();
            assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut before), 0);
            let none = libc::rlimit { rlim_cur: 0, ..before };
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &none), 0);
            Self(before)
        }
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // SAFETY: a plain call.
        unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &self.0) };
    }
}

fn create(path: &str) -> Result<Client, sealwax_status> {
    Client::create("alice", path, &KEY, "", NOW)
}

fn open(path: &str) -> Result<Client, sealwax_status> {
    Client::open(path, &KEY, "", NOW)
}

/// Ends a client, and answers what that says.
fn free(client: Client) -> sealwax_status {
    let client = core::mem::ManuallyDrop::new(client);
    // SAFETY: handles are not followed.
    unsafe { ffi::sealwax_client_free(client.handle()) }
}

#[test]
fn freeing_a_client_says_if_what_it_did_is_lost() {
    alone(|| {
        let directory = Directory::new("free");
        let path = directory.file("alice");
        let alice = create(&path).unwrap();
        alice.pending().unwrap();
        alice.send("bob", "lost", NOW).unwrap();
        let handle = alice.handle();
        let status = {
            let _full = FullDisk::new();
            free(alice)
        };
        assert_eq!(name(status), "SEALWAX_STORE_IO");
        // SAFETY: handles are not followed.
        let again = unsafe { ffi::sealwax_client_free(handle) };
        assert_eq!(again, SEALWAX_INVALID_HANDLE, "it is gone all the same");

        let alice = open(&path).unwrap();
        assert_eq!(alice.info()["outbox"], 0);
        alice.send("bob", "kept", NOW).unwrap();
        assert_eq!(free(alice), SEALWAX_OK);
        let alice = open(&path).unwrap();
        assert_eq!(alice.info()["outbox"], 1);
        // Nothing was done, so that nothing is lost.
        let _full = FullDisk::new();
        assert_eq!(free(alice), SEALWAX_OK);
    });
}

#[test]
fn freeing_a_client_that_has_said_that_it_failed_says_it_no_more() {
    alone(|| {
        let directory = Directory::new("failed");
        let alice = create(&directory.file("alice")).unwrap();
        alice.send("bob", "lost", NOW).unwrap();
        let _full = FullDisk::new();
        assert_eq!(alice.pending().err(), Some(SEALWAX_STORE_IO));
        assert_eq!(free(alice), SEALWAX_OK);
    });
}

#[test]
fn a_client_that_is_freed_while_others_call_it_stores_what_they_did() {
    alone(|| {
        let directory = Directory::new("busy");
        let path = directory.file("alice");
        for round in 0..8 {
            let alice = if round == 0 { create(&path) } else { open(&path) }.unwrap();
            let before = alice.info()["outbox"].as_u64().unwrap();
            let client = &*core::mem::ManuallyDrop::new(alice);
            let sent: u64 = thread::scope(|scope| {
                let send = || (0..40).filter(|_| client.send("bob", "hello", NOW).is_ok()).count() as u64;
                let senders: Vec<_> = (0..2).map(|_| scope.spawn(send)).collect();
                thread::yield_now();
                // SAFETY: handles are not followed.
                assert_eq!(unsafe { ffi::sealwax_client_free(client.handle()) }, SEALWAX_OK);
                senders.into_iter().map(|sender| sender.join().unwrap()).sum()
            });
            let alice = open(&path).unwrap();
            assert_eq!(alice.info()["outbox"], before + sent);
        }
    });
}

#[test]
fn who_has_failed_still_says_who_it_is_and_nothing_of_others() {
    alone(|| {
        let directory = Directory::new("who");
        let alice = create(&directory.file("alice")).unwrap();
        let (card, fingerprint) = (alice.card("").unwrap(), alice.fingerprint("").unwrap());
        alice.send("bob", "lost", NOW).unwrap();
        let _full = FullDisk::new();
        assert_eq!(alice.pending().err(), Some(SEALWAX_STORE_IO));
        assert_eq!((alice.card(""), alice.fingerprint("")), (Ok(card), Ok(fingerprint)));
        assert_eq!(alice.info()["failed"], "SEALWAX_STORE_IO");
        alice.on_wake(None, core::ptr::null_mut()).unwrap();
        assert_eq!(alice.card("bob"), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.fingerprint("bob"), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.safety_number("bob").err(), Some(SEALWAX_STORE_IO));
        assert_eq!(alice.mark_read("bob", &[0; 16], NOW), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.watch(&["bob"], NOW), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.tick(NOW), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.backup(&directory.file("copy")), Err(SEALWAX_STORE_IO));
    });
}

#[test]
fn a_path_that_cannot_be_a_files_is_refused_and_makes_nothing() {
    alone(|| {
        let directory = Directory::new("paths");
        let alice = create("").unwrap();
        for path in ["x\0y", "new/", "/"].map(|path| directory.file("") + path) {
            assert_eq!(create(&path).err(), Some(SEALWAX_INVALID_ARGUMENT), "{path:?}");
            assert_eq!(open(&path).err(), Some(SEALWAX_INVALID_ARGUMENT), "{path:?}");
            assert_eq!(alice.backup(&path), Err(SEALWAX_INVALID_ARGUMENT), "{path:?}");
            let (_bob, status) =
                Client::create_with(Identity::new("bob", NOW), &path, &KEY, "", NOW).unwrap_err();
            assert_eq!(name(status), "SEALWAX_INVALID_ARGUMENT", "{path:?}");
        }
        assert!(directory.is_empty());
        fs::create_dir(directory.file("folder")).unwrap();
        assert_eq!(create(&directory.file("folder")).err(), Some(SEALWAX_STORE_IO));
        assert_eq!(open(&directory.file("folder")).err(), Some(SEALWAX_STORE_IO));
    });
}

#[test]
fn an_empty_file_is_a_place_for_a_new_client_and_no_other_file_is() {
    alone(|| {
        let directory = Directory::new("empty");
        let path = directory.file("reserved");
        fs::write(&path, b"").unwrap();
        assert_eq!(open(&path).err(), Some(SEALWAX_STORE_DAMAGED), "a store that was emptied is no new one");
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        let card = create(&path).unwrap().card("").unwrap();
        assert_eq!(open(&path).unwrap().card("").unwrap(), card);
        assert_eq!(create(&path).err(), Some(SEALWAX_WRONG_STATE));

        let foreign = directory.file("foreign");
        fs::write(&foreign, b"x").unwrap();
        assert_eq!(create(&foreign).err(), Some(SEALWAX_STORE_DAMAGED));
        assert_eq!(fs::read(&foreign).unwrap(), b"x");
        // What a journal beside it holds belongs to what was there.
        let emptied = directory.file("emptied");
        fs::write(&emptied, b"").unwrap();
        fs::write(emptied.clone() + "-wal", b"x").unwrap();
        assert_eq!(create(&emptied).err(), Some(SEALWAX_STORE_DAMAGED));
        assert_eq!(fs::read(emptied.clone() + "-wal").unwrap(), b"x");
        // A link to an empty file is that file.
        let (link, target) = (directory.file("link"), directory.file("target"));
        fs::write(&target, b"").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let card = create(&link).unwrap().card("").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(open(&target).unwrap().card("").unwrap(), card);
    });
}
