//! What SQLite is told, seen from outside.

use rusqlite::{Connection, OpenFlags};
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Changes, Name};

use crate::bed::{Bed, Directory, put};

#[test]
fn a_store_is_known_by_its_header_and_keeps_no_deleted_bytes() {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    let mut store = bed.open().unwrap();
    let names: Vec<_> = (0..200).map(|number| Name::new(1).number(number)).collect();
    for name in &names {
        put(&mut store, name, &[7; 900]).unwrap();
    }
    drop(store);
    let full = std::fs::read(directory.join("store")).unwrap();
    let mut store = bed.open().unwrap();
    let mut changes = Changes::new();
    names.iter().for_each(|name| changes.delete(name.clone()));
    store.commit(&mut SystemRandom, &changes).unwrap();
    drop(store);

    // What was sealed is random; what was overwritten is zero.
    let emptied = std::fs::read(directory.join("store")).unwrap();
    let zeros = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == 0).count();
    assert!(zeros(&full) < full.len() / 5);
    assert!(emptied.len() - zeros(&emptied) < 4_000, "{} of {}", zeros(&emptied), emptied.len());

    let connection =
        Connection::open_with_flags(directory.join("store"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((number("application_id"), number("user_version")), (0x5357_6178, 1));
    let check = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0)).unwrap();
    assert_eq!((check("journal_mode"), check("integrity_check")), ("wal".into(), "ok".into()));
}

#[test]
fn the_log_does_not_grow_without_end() {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    let mut store = bed.open().unwrap();
    for number in 0..600_u64 {
        put(&mut store, &Name::new(1).number(number % 10), &[7; 3_000]).unwrap();
    }
    assert!(std::fs::metadata(directory.join("store-wal")).unwrap().len() < 2_000_000);
    assert!(!directory.join("store-shm").exists());
}
