//! Stores of earlier versions open for ever.

use std::fs;
use std::path::Path;

use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Changes, Name, Store};

use super::story::{Story, go_on};
use crate::bed::{Directory, KEY, put, records};

/// `KEY`, ten commits of the story, one of the record below, then closed.
const V1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store/v1.sqlite");
const V1_ID: &str = "7d89871d7823119366057360f834421a";

fn own() -> Name {
    Name::new(7).bytes("alice").number(1 << 40)
}

/// How `v1.sqlite` was made: `cargo test --test store -- --ignored make_the_fixture`.
#[test]
#[ignore = "makes the fixture where there is none"]
fn make_the_fixture() {
    let directory = Directory::new();
    let path = directory.join("store");
    let mut store = Store::open(&path, &KEY, &mut SystemRandom).unwrap();
    for _ in 0..10 {
        go_on(&mut store).unwrap();
    }
    put(&mut store, &own(), b"kept").unwrap();
    println!("{}", hex(store.id()));
    drop(store);
    assert!(!Path::new(V1).exists());
    fs::copy(path, V1).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_store_of_version_1_opens_and_goes_on() {
    let directory = Directory::new();
    let path = directory.join("store");
    fs::write(&path, fs::read(V1).unwrap()).unwrap();
    let mut store = Store::open(&path, &KEY, &mut SystemRandom).unwrap();
    assert_eq!((hex(store.id()).as_str(), store.commit_number()), (V1_ID, 11));
    let mut expected = Story::default().after(10).clone();
    assert!(expected.len() > 5);
    expected.insert(own(), b"kept".to_vec());
    assert_eq!(records(&store).unwrap(), expected);

    let mut changes = Changes::new();
    changes.delete(own());
    assert_eq!(store.commit(&mut SystemRandom, &changes), Ok(12));
    drop(store);
    let store = Store::open(&path, &KEY, &mut SystemRandom).unwrap();
    assert_eq!((store.commit_number(), store.get(&own())), (12, Ok(None)));
}
