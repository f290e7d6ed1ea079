//! Backups, and files that somebody copied while they were written.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Name, Store};

use super::story::{Story, go_on};
use crate::bed::{Bed, Directory, KEY, put, records, refused};

#[test]
fn a_backup_is_the_state_of_its_moment_in_one_file() {
    let directory = Directory::new();
    let bed = Bed::File(Directory::new());
    let mut store = bed.open().unwrap();
    for at in 0..30 {
        go_on(&mut store).unwrap();
        if at % 10 == 3 {
            store.backup(&directory.join(&format!("{at}"))).unwrap();
        }
    }
    let mut story = Story::default();
    for at in [3, 13, 23] {
        assert_eq!(directory.files().len(), 3, "no file besides the backups");
        let elsewhere = Directory::new();
        fs::copy(directory.join(&format!("{at}")), elsewhere.join("store")).unwrap();
        let bed = Bed::File(elsewhere);
        for reopened in 0..2 {
            let mut copy = bed.open().unwrap();
            assert_eq!((copy.id(), copy.commit_number()), (store.id(), at + 1 + reopened));
            if reopened == 0 {
                assert_eq!(&records(&copy).unwrap(), story.after(at + 1));
            }
            go_on(&mut copy).unwrap();
        }
    }
    assert_eq!(store.commit_number(), 30);
}

#[test]
fn a_backup_overwrites_nothing() {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    let mut store = bed.open().unwrap();
    put(&mut store, &Name::new(1), b"value").unwrap();
    fs::write(directory.join("there"), b"").unwrap();
    let before = directory.files();
    for name in ["there", "store", "store-wal", "store-lock"] {
        assert_eq!(store.backup(&directory.join(name)), Err(Error::InvalidArgument), "{name}");
    }
    assert_eq!(store.backup(&directory.join("missing/backup")), Err(Error::StoreIo));
    assert!(directory.files() == before);
    assert_eq!(put(&mut store, &Name::new(1), b"other"), Ok(2));
}

/// Copies are taken file after file while commits run, with pauses within a file, and with or without the log.
#[test]
fn a_file_copied_at_any_moment_is_a_committed_state_or_damaged() {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    let mut store = bed.open().unwrap();
    for _ in 0..40 {
        go_on(&mut store).unwrap();
    }
    let stop = AtomicBool::new(false);
    let copies = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                go_on(&mut store).unwrap();
            }
        });
        let copies: Vec<_> = (0..60_u64)
            .map(|round| {
                let copy = Directory::new();
                let mut suffixes = vec!["", "-wal"];
                match round % 3 {
                    0 => suffixes.reverse(),
                    1 => suffixes.truncate(1),
                    _ => {}
                }
                for suffix in suffixes {
                    let bytes = fs::read(directory.join(&format!("store{suffix}"))).unwrap();
                    fs::write(copy.join(&format!("store{suffix}")), bytes).unwrap();
                    thread::sleep(Duration::from_millis(round % 7));
                }
                Bed::File(copy)
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        copies
    });
    let mut whole = Vec::new();
    for copy in copies {
        match copy.open() {
            Ok(store) => whole.push((store.commit_number(), records(&store).unwrap())),
            Err(error) => assert_eq!(error, Error::StoreDamaged),
        }
    }
    whole.sort_by_key(|(commits, _)| *commits);
    let mut story = Story::default();
    for (commits, records) in &whole {
        assert!(*commits <= store.commit_number());
        assert!(records == story.after(*commits));
    }
    eprintln!("{} whole, {} refused", whole.len(), 60 - whole.len());
    assert!(whole.len() > 10);
    // The copying has not hurt the store itself.
    assert!(&records(&store).unwrap() == story.after(store.commit_number()));
    assert_eq!(refused(Store::open(&directory.join("store"), &KEY, &mut SystemRandom)), Error::StoreInUse);
}
