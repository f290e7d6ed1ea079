//! Bits that flip, and files that are cut.

use std::fs;

use sealwax::Error;
use sealwax::store::Name;

use crate::bed::{Bed, Directory, Records, put, records};

/// A few pages: small records, and one that fills pages of its own.
fn files() -> (Vec<u8>, Vec<u8>, Records) {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    let mut store = bed.open().unwrap();
    for number in 0..12 {
        put(&mut store, &Name::new(1).number(number), &vec![number as u8; 30 + 900 * (number as usize % 2)])
            .unwrap();
    }
    put(&mut store, &Name::new(2).bytes("large"), &[3; 9_000]).unwrap();
    put(&mut store, &Name::new(2).bytes("large"), &[4; 5_000]).unwrap();
    drop(store);
    let mut store = bed.open().unwrap();
    let closed = fs::read(directory.join("store")).unwrap();
    put(&mut store, &Name::new(1).number(3), b"late").unwrap();
    let log = fs::read(directory.join("store-wal")).unwrap();
    let records = records(&store).unwrap();
    (closed, log, records)
}

/// Opens and reads all: nothing but refusals that say so, and never other content.
fn survey(file: &[u8], log: Option<&[u8]>, states: &[&Records], what: &str) -> Option<Error> {
    survey_and_go_on(file, log, states, what, false)
}

/// The same, and then writes and reopens: what was harmless stays so.
fn survey_and_go_on(
    file: &[u8],
    log: Option<&[u8]>,
    states: &[&Records],
    what: &str,
    go_on: bool,
) -> Option<Error> {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    fs::write(directory.join("store"), file).unwrap();
    if let Some(log) = log {
        fs::write(directory.join("store-wal"), log).unwrap();
    }
    let before = directory.files();
    let mut store = match bed.open() {
        Ok(store) => store,
        Err(error) => {
            let allowed = [Error::StoreDamaged, Error::StoreNewer, Error::StoreIo, Error::StoreWrongKey];
            assert!(allowed.contains(&error), "{what}: {error:?}");
            let mut after = directory.files();
            after.retain(|path, _| !path.ends_with("store-lock"));
            assert!(after == before, "{what}: changed, and {error:?}");
            return Some(error);
        }
    };
    let found = records(&store).unwrap();
    assert!(states.contains(&&found), "{what}: other content");
    if !go_on {
        return None;
    }
    let number = store.commit_number();
    let late = Name::new(3).number(number);
    assert_eq!(put(&mut store, &late, &[9; 6_000]), Ok(number + 1), "{what}");
    drop(store);
    let store = bed.open().unwrap_or_else(|error| panic!("{what}: {error:?} after a commit"));
    assert_eq!(records(&store).unwrap().len(), found.len() + 1);
    None
}

#[test]
fn a_flipped_bit_anywhere_in_the_file_is_refused_or_harmless() {
    let (closed, log, now) = files();
    let then = closed_records(&closed);
    assert_eq!(survey(&closed, None, &[&then], "nothing flipped"), None);
    let mut refusals = 0;
    // Every byte of the header and of where each page starts, and a sample of the rest.
    for at in (0..closed.len()).filter(|at| at % 4096 < 104 || at % 23 == 0) {
        let mut flipped = closed.clone();
        flipped[at] ^= 1 << ((at * 5 + at / 4096) % 8);
        let go_on = at < 104 || at % 41 == 0;
        let error = survey_and_go_on(&flipped, None, &[&then], &format!("byte {at}"), go_on);
        refusals += usize::from(error.is_some());
    }
    // The rest are free pages, and bytes that SQLite does not read.
    assert!(refusals > 500, "{refusals}");

    // In the log: refused, or the log ends there.
    assert_eq!(survey(&closed, Some(&log), &[&now], "nothing flipped"), None);
    for at in (0..log.len()).filter(|at| *at < 60 || at % 37 == 0) {
        let mut flipped = log.clone();
        flipped[at] ^= 1 << (at % 8);
        survey(&closed, Some(&flipped), &[&now, &then], &format!("byte {at} of the log"));
    }
}

fn closed_records(file: &[u8]) -> Records {
    let bed = Bed::File(Directory::new());
    let Bed::File(directory) = &bed else { unreachable!() };
    fs::write(directory.join("store"), file).unwrap();
    records(&bed.open().unwrap()).unwrap()
}

#[test]
fn a_file_that_was_cut_is_refused_and_a_log_that_was_cut_is_shorter() {
    let (closed, log, now) = files();
    let then = closed_records(&closed);
    for length in (0..closed.len()).step_by(512).chain([1, 99, 101, closed.len() - 1]) {
        let error = survey(&closed[..length], None, &[&then], &format!("cut to {length}"));
        assert_eq!(error, Some(Error::StoreDamaged), "cut to {length}");
    }
    for length in (0..log.len()).step_by(512) {
        survey(&closed, Some(&log[..length]), &[&now, &then], &format!("log cut to {length}"));
    }
}

#[test]
fn zeroed_and_exchanged_pages_are_refused() {
    let (closed, ..) = files();
    let then = closed_records(&closed);
    for page in 0..closed.len() / 4096 {
        let range = page * 4096..(page + 1) * 4096;
        let mut zeroed = closed.clone();
        zeroed[range.clone()].fill(0);
        survey(&zeroed, None, &[&then], &format!("page {page} zeroed"));
        for other in 0..page {
            let mut swapped = closed.clone();
            swapped.copy_within(other * 4096..(other + 1) * 4096, range.start);
            survey(&swapped, None, &[&then], &format!("page {page} as {other}"));
        }
    }
}
