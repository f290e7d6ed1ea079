//! What is refused at opening, and that it stays as it was.

use std::fs;
use std::path::Path;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Name, Store};

use crate::bed::{Directory, KEY, put, records, refused};

fn open(path: &Path) -> sealwax::error::Result<Store> {
    Store::open(path, &KEY, &mut SystemRandom)
}

/// A store that was closed, of 20 records.
fn closed(directory: &Directory) -> std::path::PathBuf {
    let path = directory.join("store");
    let mut store = open(&path).unwrap();
    for number in 0..20 {
        put(&mut store, &Name::new(1).number(number), &[number as u8; 500]).unwrap();
    }
    path
}

/// A store as a crash leaves it: the last commits are in the log alone.
fn crashed(directory: &Directory) -> std::path::PathBuf {
    let elsewhere = Directory::new();
    let path = closed(&elsewhere);
    let mut store = open(&path).unwrap();
    put(&mut store, &Name::new(1).number(20), b"late").unwrap();
    for (from, bytes) in elsewhere.files() {
        fs::write(directory.join(from.file_name().unwrap().to_str().unwrap()), bytes).unwrap();
    }
    assert!(fs::metadata(directory.join("store-wal")).unwrap().len() > 0);
    directory.join("store")
}

/// Refused with this error, and no file is changed, made or gone.
fn expect_untouched(directory: &Directory, key: &[u8], error: Error) {
    fs::write(directory.join("store-lock"), b"").unwrap();
    let before = directory.files();
    for _ in 0..2 {
        assert_eq!(refused(Store::open(&directory.join("store"), key, &mut SystemRandom)), error);
        assert!(directory.files() == before, "{error:?}");
    }
}

#[test]
fn a_closed_store_is_one_file_and_its_lock() {
    let directory = Directory::new();
    closed(&directory);
    let names: Vec<_> = directory.files().into_keys().collect();
    assert_eq!(names, [directory.join("store"), directory.join("store-lock")]);
}

#[test]
fn the_wrong_key_leaves_every_byte_as_it_was() {
    for make in [closed, crashed] {
        let directory = Directory::new();
        make(&directory);
        expect_untouched(&directory, &[0; 32], Error::StoreWrongKey);
        expect_untouched(&directory, &[0; 31], Error::InvalidArgument);
    }
}

#[test]
fn what_a_crash_left_in_the_log_is_there_again() {
    let directory = Directory::new();
    let store = open(&crashed(&directory)).unwrap();
    assert_eq!((store.commit_number(), records(&store).unwrap().len()), (21, 21));
    drop(store);
    assert!(!directory.join("store-wal").exists());
}

#[test]
fn what_is_no_store_is_damaged_and_stays() {
    let text = b"Dear diary, today I found out that paths can be mistaken. ".repeat(100);
    let short = b"SQLite format 3\0".to_vec();
    for content in [Vec::new(), b"x".to_vec(), text, short, vec![0; 8192]] {
        let directory = Directory::new();
        fs::write(directory.join("store"), content).unwrap();
        expect_untouched(&directory, &KEY, Error::StoreDamaged);
    }
}

/// Another program's database, or one of ours that somebody edited.
fn edit(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_foreign_database_is_damaged_and_stays() {
    for sql in ["CREATE TABLE record (key BLOB, value BLOB)", "PRAGMA journal_mode = WAL; CREATE TABLE t (a)"]
    {
        let directory = Directory::new();
        edit(&directory.join("store"), sql);
        expect_untouched(&directory, &KEY, Error::StoreDamaged);
    }
}

#[test]
fn an_edited_store_is_damaged_and_stays() {
    for sql in [
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 0",
        "DELETE FROM record WHERE key = x'00'",
        "DELETE FROM record WHERE key = x'01'",
        "DELETE FROM record WHERE key > x'02' AND substr(key, -1) = x'07'",
        "DELETE FROM record",
        "DROP TABLE record",
        "UPDATE record SET value = x'' WHERE substr(key, -1) = x'07'",
        "UPDATE record SET value = CAST(value || x'00' AS BLOB) WHERE substr(key, -1) = x'07'",
        "INSERT INTO record SELECT CAST(key || x'00' AS BLOB), value FROM record WHERE substr(key, -1) = x'07'",
        "CREATE TRIGGER evil AFTER INSERT ON record BEGIN DELETE FROM record; END",
        "ALTER TABLE record RENAME TO other; CREATE VIEW record AS SELECT * FROM other",
        "ALTER TABLE record ADD COLUMN more BLOB",
    ] {
        let directory = Directory::new();
        edit(&closed(&directory), sql);
        expect_untouched(&directory, &KEY, Error::StoreDamaged);
    }
}

#[test]
fn a_newer_store_is_refused_and_stays() {
    for make in [closed, crashed] {
        let directory = Directory::new();
        let path = make(&directory);
        edit(&path, "PRAGMA user_version = 2");
        expect_untouched(&directory, &KEY, Error::StoreNewer);
    }
}

#[test]
fn a_log_without_its_store_is_damaged_and_makes_no_new_one() {
    for left in ["store-wal", "store-journal"] {
        let directory = Directory::new();
        fs::write(directory.join(left), b"left").unwrap();
        expect_untouched(&directory, &KEY, Error::StoreDamaged);
    }
}

#[test]
fn a_backup_put_beside_the_log_of_a_later_crash_is_refused_or_whole() {
    let directory = Directory::new();
    let path = crashed(&directory);
    let log = fs::read(directory.join("store-wal")).unwrap();
    let old = Directory::new();
    fs::copy(closed(&old), &path).unwrap();
    fs::write(directory.join("store-wal"), log).unwrap();
    // The same number of commits, of another store.
    expect_untouched(&directory, &KEY, Error::StoreDamaged);
}

#[test]
fn what_a_crash_left_of_a_new_store_is_no_hindrance() {
    let directory = Directory::new();
    for left in ["store-new", "store-new-wal", "store-new-journal"] {
        fs::write(directory.join(left), b"left").unwrap();
    }
    let path = closed(&directory);
    assert_eq!(open(&path).unwrap().commit_number(), 20);
    assert!(!directory.join("store-new").exists());
}

#[test]
fn paths_that_lead_nowhere_are_refused() {
    let directory = Directory::new();
    assert_eq!(refused(open(directory.path())), Error::StoreIo);
    assert_eq!(refused(open(&directory.join("missing/store"))), Error::StoreIo);
    assert_eq!(refused(open(Path::new(""))), Error::InvalidArgument);
    assert_eq!(refused(open(&directory.join("missing/.."))), Error::InvalidArgument);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", directory.join("link")).unwrap();
        assert_eq!(refused(open(&directory.join("link"))), Error::StoreIo);
        assert!(!directory.join("nowhere").exists());
    }
}

#[cfg(unix)]
#[test]
fn only_the_user_may_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = Directory::new();
    let mut store = open(&closed(&directory)).unwrap();
    put(&mut store, &Name::new(1), b"value").unwrap();
    store.backup(&directory.join("backup")).unwrap();
    assert_eq!(directory.files().len(), 4);
    for path in directory.files().keys() {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}

#[test]
fn nothing_of_a_name_or_value_is_in_the_files() {
    let directory = Directory::new();
    let mut store = open(&closed(&directory)).unwrap();
    let name = Name::new(1).bytes("somebody-with-a-long-name");
    put(&mut store, &name, b"something-that-nobody-shall-read").unwrap();
    let absent = |files: std::collections::BTreeMap<_, Vec<u8>>| {
        for bytes in files.values() {
            for secret in [&b"with-a-long"[..], b"nobody-shall", &KEY[..16]] {
                assert!(!bytes.windows(secret.len()).any(|part| part == secret));
            }
        }
    };
    absent(directory.files());
    drop(store);
    absent(directory.files());
}
