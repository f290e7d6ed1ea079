//! One owner, however it comes.

use std::fs;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Name, Store};

use crate::bed::{Bed, Directory, KEY, put, refused};

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_same_owner() {
    let directory = Directory::new();
    let path = directory.join("store");
    let store = Store::open(&path, &KEY, &mut SystemRandom).unwrap();
    std::os::unix::fs::symlink("store", directory.join("link")).unwrap();
    fs::hard_link(&path, directory.join("hard")).unwrap();
    fs::create_dir(directory.join("below")).unwrap();
    let ways = ["link", "hard", "./store", "below/../store"];
    for way in ways {
        let opened = Store::open(&directory.join(way), &KEY, &mut SystemRandom);
        assert_eq!(refused(opened), Error::StoreInUse, "{way}");
    }
    drop(store);
    for way in ways {
        Store::open(&directory.join(way), &KEY, &mut SystemRandom).unwrap();
    }
}

#[test]
fn copying_the_file_does_not_unlock_it() {
    let directory = Directory::new();
    let bed = Bed::File(directory);
    let Bed::File(directory) = &bed else { unreachable!() };
    let mut store = bed.open().unwrap();
    put(&mut store, &Name::new(1), b"value").unwrap();
    for (path, bytes) in directory.files() {
        fs::write(path.with_extension("copy"), bytes).unwrap();
    }
    assert_eq!(refused(bed.open()), Error::StoreInUse);
    assert_eq!(put(&mut store, &Name::new(1), b"value"), Ok(2));
}

#[test]
fn many_threads_open_one_store_and_one_wins() {
    let bed = Bed::File(Directory::new());
    for round in 0..5 {
        let start = std::sync::Barrier::new(6);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads = [(); 6].map(|()| {
                scope.spawn(|| {
                    start.wait();
                    bed.open()
                })
            });
            threads.map(|thread| thread.join().unwrap()).into_iter().collect()
        });
        assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1);
        for opened in opened {
            match opened {
                Ok(mut store) => assert_eq!(put(&mut store, &Name::new(1), b"value"), Ok(round + 1)),
                Err(error) => assert_eq!(error, Error::StoreInUse),
            }
        }
    }
}
