//! What a store does, wherever it lies.

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::limits::{NAME_MAX, STORE_CHANGES_MAX, STORE_COMMIT_MAX, STORE_PARTS_MAX, STORE_VALUE_MAX};
use sealwax::store::{Changes, Name, Part};

use crate::bed::{KEY, beds, put, records, refused};

#[test]
fn a_new_store_is_empty_and_keeps_its_id() {
    let mut ids = Vec::new();
    for bed in beds() {
        let store = bed.open().unwrap();
        assert_eq!((store.commit_number(), records(&store).unwrap().len()), (0, 0));
        assert_eq!(store.get(&Name::new(1)), Ok(None));
        let id = *store.id();
        drop(store);
        assert_eq!(bed.open().unwrap().id(), &id);
        ids.push(id);
    }
    ids.push([0; 16]);
    assert!(ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)));
}

#[test]
fn a_commit_changes_everything_at_once_and_survives() {
    let (alice, bob) = (Name::new(1).bytes(b"alice"), Name::new(1).bytes(b"bob"));
    for bed in beds() {
        let mut store = bed.open().unwrap();
        assert_eq!(put(&mut store, &alice, b"one"), Ok(1));
        let mut changes = Changes::new();
        changes.put(bob.clone(), b"two".to_vec());
        changes.delete(bob.clone());
        changes.put(bob.clone(), b"".to_vec());
        changes.delete(alice.clone());
        changes.delete(Name::new(7));
        assert_eq!(store.commit(&mut SystemRandom, &changes), Ok(2));
        for _ in 0..2 {
            assert_eq!(records(&store).unwrap(), [(bob.clone(), vec![])].into());
            drop(store);
            store = bed.open().unwrap();
            assert_eq!(store.commit_number(), 2);
        }
    }
}

#[test]
fn every_commit_counts_also_without_a_change() {
    for bed in beds() {
        let mut store = bed.open().unwrap();
        for number in 1..4 {
            assert!(Changes::new().is_empty());
            assert_eq!(store.commit(&mut SystemRandom, &Changes::new()), Ok(number));
            assert_eq!(store.commit_number(), number);
        }
        drop(store);
        assert_eq!(bed.open().unwrap().commit_number(), 3);
    }
}

#[test]
fn a_scan_gives_a_name_and_what_continues_it_with_numbers_in_order() {
    let queue = |user: &str| Name::new(3).bytes(user);
    for bed in beds() {
        let mut store = bed.open().unwrap();
        let mut changes = Changes::new();
        let numbers = [u64::MAX, 0, 256, 255, 1 << 33];
        for number in numbers {
            changes.put(queue("alice").number(number), number.to_string().into_bytes());
        }
        changes.put(queue("alice"), b"head".to_vec());
        changes.put(queue("alice2").number(1), b"other".to_vec());
        changes.put(Name::new(4).bytes("alice"), b"other".to_vec());
        store.commit(&mut SystemRandom, &changes).unwrap();

        let found: Vec<_> = store.scan(&queue("alice")).unwrap().map(|record| record.unwrap().name).collect();
        let expected = [0, 255, 256, 1 << 33, u64::MAX].map(|number| queue("alice").number(number));
        assert_eq!(found, [&[queue("alice")][..], &expected].concat());
        assert_eq!(found[1].kind(), 3);
        assert_eq!(found[1].parts(), [Part::Bytes((*b"alice").into()), Part::Number(0)]);
        assert_eq!(store.scan(&queue("bob")).unwrap().count(), 0);
        assert_eq!(records(&store).unwrap().len(), 8);
    }
}

#[test]
fn a_scan_goes_on_over_its_pages() {
    for bed in beds() {
        let mut store = bed.open().unwrap();
        let mut changes = Changes::new();
        for number in 0..1_000 {
            // Now and then a value that fills a page alone.
            let length = if number % 300 == 7 { 1_500_000 } else { 3 };
            changes.put(Name::new(3).number(number), vec![number as u8; length]);
        }
        store.commit(&mut SystemRandom, &changes).unwrap();
        let mut next = 0;
        for record in store.scan(&Name::new(3)).unwrap() {
            let record = record.unwrap();
            assert_eq!((record.name, record.value[0]), (Name::new(3).number(next), next as u8));
            next += 1;
        }
        assert_eq!(next, 1_000);
    }
}

#[test]
fn a_large_value_comes_back() {
    for bed in beds() {
        let mut store = bed.open().unwrap();
        let value: Vec<u8> = (0..3_000_000_u32).map(|at| (at ^ at >> 8) as u8).collect();
        put(&mut store, &Name::new(1), &value).unwrap();
        drop(store);
        assert!(bed.open().unwrap().get(&Name::new(1)).unwrap().unwrap()[..] == value[..]);
    }
}

#[test]
fn another_key_or_none_is_refused_and_the_right_one_still_opens() {
    for bed in beds() {
        put(&mut bed.open().unwrap(), &Name::new(1), b"value").unwrap();
        let mut other = KEY;
        other[31] ^= 1;
        assert_eq!(refused(bed.open_with(&other)), Error::StoreWrongKey);
        for length in [0, 31, 33] {
            assert_eq!(refused(bed.open_with(&vec![0x5e; length])), Error::InvalidArgument);
        }
        assert_eq!(records(&bed.open().unwrap()).unwrap().len(), 1);
    }
}

#[test]
fn a_key_of_another_length_makes_no_store() {
    for bed in beds() {
        assert_eq!(refused(bed.open_with(&[0; 31])), Error::InvalidArgument);
        assert_eq!(bed.open().unwrap().commit_number(), 0);
    }
}

#[test]
fn one_owner_at_a_time() {
    for bed in beds() {
        let mut store = bed.open().unwrap();
        assert_eq!(refused(bed.open()), Error::StoreInUse);
        assert_eq!(refused(bed.open_with(&[0; 32])), Error::StoreInUse);
        assert_eq!(put(&mut store, &Name::new(1), b"value"), Ok(1));
        drop(store);
        assert_eq!(bed.open().unwrap().commit_number(), 1);
    }
}

#[test]
fn what_is_beyond_the_limits_is_too_large_and_changes_nothing() {
    let mut deep = Name::new(1);
    for at in 0..=STORE_PARTS_MAX as u64 {
        deep = deep.number(at);
    }
    let many = |changes: &mut Changes| {
        for number in 0..=STORE_CHANGES_MAX as u64 {
            changes.delete(Name::new(1).number(number));
        }
    };
    let much = |changes: &mut Changes| {
        let share = STORE_COMMIT_MAX / 8;
        for number in 0..9 {
            changes.put(Name::new(1).number(number), vec![0; share]);
        }
    };
    for bed in beds() {
        let mut store = bed.open().unwrap();
        put(&mut store, &Name::new(1), b"value").unwrap();
        for name in [Name::new(1).bytes([0; NAME_MAX + 1]), deep.clone()] {
            assert_eq!(store.get(&name), Err(Error::TooLarge));
            assert_eq!(store.scan(&name).err(), Some(Error::TooLarge));
            assert_eq!(put(&mut store, &name, b""), Err(Error::TooLarge));
        }
        assert_eq!(put(&mut store, &Name::new(1), &vec![0; STORE_VALUE_MAX + 1]), Err(Error::TooLarge));
        for fill in [&many as &dyn Fn(&mut Changes), &much] {
            let mut changes = Changes::new();
            fill(&mut changes);
            assert_eq!(store.commit(&mut SystemRandom, &changes), Err(Error::TooLarge));
        }
        assert_eq!((store.commit_number(), records(&store).unwrap().len()), (1, 1));
    }
}

#[test]
fn a_longest_name_fits() {
    let mut name = Name::new(9);
    for _ in 0..STORE_PARTS_MAX {
        name = name.bytes([7; NAME_MAX]);
    }
    for bed in beds() {
        let mut store = bed.open().unwrap();
        put(&mut store, &name, b"value").unwrap();
        assert_eq!(records(&store).unwrap(), [(name.clone(), b"value".to_vec())].into());
    }
}

#[test]
fn abandoned_in_memory_it_lets_go() {
    let bed = &beds()[0];
    put(&mut bed.open().unwrap(), &Name::new(1), b"value").unwrap();
    bed.open().unwrap().abandon();
    assert_eq!(bed.open().unwrap().commit_number(), 1);
}
