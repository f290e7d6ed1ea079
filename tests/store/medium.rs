//! A store on a medium that lies, forgets and fails: somebody with the file, but without the key.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sealwax::crypto::rng::SystemRandom;
use sealwax::error::Result;
use sealwax::store::{Changes, Medium, MemoryDisk, Name, Row, RowChange, Store};
use sealwax::{Error, error};

use crate::bed::{Bed, KEY, put, records, refused};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Rows that the test can reach.
#[derive(Clone, Default)]
struct Open {
    rows: Arc<Mutex<Rows>>,
    fails: Arc<Mutex<Option<Error>>>,
}

impl Open {
    fn store(&self) -> error::Result<Store> {
        Store::open_on(Box::new(self.clone()), &KEY, &mut SystemRandom)
    }

    fn rows(&self) -> Rows {
        self.rows.lock().unwrap().clone()
    }

    fn with(rows: &Rows) -> Self {
        Self { rows: Arc::new(Mutex::new(rows.clone())), fails: Arc::default() }
    }

    fn check(&self) -> Result<()> {
        self.fails.lock().unwrap().map_or(Ok(()), Err)
    }
}

impl Medium for Open {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check()?;
        Ok(self.rows().get(key).cloned())
    }

    fn page(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Vec<Row>> {
        self.check()?;
        // The smallest pages that are allowed.
        let rows = self.rows();
        let next = rows
            .into_iter()
            .find(|(key, _)| key.starts_with(prefix) && after.is_none_or(|after| &key[..] > after));
        Ok(next.into_iter().collect())
    }

    fn apply(&mut self, changes: &[RowChange]) -> Result<()> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(())
    }

    fn backup(&self, _path: &Path) -> Result<()> {
        Err(Error::Unsupported)
    }

    fn abandon(self: Box<Self>) {}
}

/// The rows after each of some commits.
fn history() -> Vec<Rows> {
    let medium = Open::default();
    let mut store = medium.store().unwrap();
    let mut history = vec![medium.rows()];
    for (name, value) in [("alice", "one"), ("bob", "one"), ("alice", "two"), ("bob", "two")] {
        put(&mut store, &Name::new(1).bytes(name), value.as_bytes()).unwrap();
        history.push(medium.rows());
    }
    let mut changes = Changes::new();
    changes.delete(Name::new(1).bytes("bob"));
    store.commit(&mut SystemRandom, &changes).unwrap();
    history.push(medium.rows());
    history
}

#[test]
fn every_mixture_of_two_states_is_damage() {
    let history = history();
    for (at, now) in history.iter().enumerate() {
        assert_eq!(Open::with(now).store().unwrap().commit_number(), at as u64);
        for then in &history[..at] {
            for key in now.keys().chain(then.keys()) {
                let mut mixed = now.clone();
                match then.get(key) {
                    Some(value) => mixed.insert(key.clone(), value.clone()),
                    None => mixed.remove(key),
                };
                if mixed != *now && mixed != *then {
                    assert_eq!(refused(Open::with(&mixed).store()), Error::StoreDamaged);
                }
            }
        }
    }
}

#[test]
fn a_missing_swapped_changed_or_added_row_is_damage() {
    let rows = history().remove(4);
    let expect_damage = |rows: &Rows| assert_eq!(refused(Open::with(rows).store()), Error::StoreDamaged);
    for key in rows.keys() {
        let mut fewer = rows.clone();
        fewer.remove(key);
        expect_damage(&fewer);

        let mut changed = rows.clone();
        *changed.get_mut(key).unwrap().last_mut().unwrap() ^= 1;
        expect_damage(&changed);

        let mut emptied = rows.clone();
        emptied.get_mut(key).unwrap().clear();
        expect_damage(&emptied);

        for other in rows.keys().filter(|other| *other != key) {
            let mut copied = rows.clone();
            copied.insert(key.clone(), rows[other].clone());
            expect_damage(&copied);
        }

        let mut added = rows.clone();
        added.insert([&key[..], &[0]].concat(), rows[key].clone());
        expect_damage(&added);
    }
}

#[test]
fn rows_of_another_store_under_the_same_key_are_damage() {
    let (mut ours, theirs) = (history().remove(4), history().remove(4));
    let (key, value) = theirs.last_key_value().unwrap();
    ours.insert(key.clone(), value.clone());
    assert_eq!(refused(Open::with(&ours).store()), Error::StoreDamaged);
}

#[test]
fn damage_under_an_open_store_is_noticed_where_it_is_read() {
    let medium = Open::default();
    let mut store = medium.store().unwrap();
    let (alice, bob) = (Name::new(1).bytes("alice"), Name::new(1).bytes("bob"));
    put(&mut store, &alice, b"value").unwrap();
    put(&mut store, &bob, b"value").unwrap();
    *medium.rows.lock().unwrap().last_entry().unwrap().get_mut().last_mut().unwrap() ^= 1;

    let gets: Vec<_> = [&alice, &bob].map(|name| store.get(name)).into_iter().collect();
    assert_eq!(gets.iter().filter(|got| **got == Err(Error::StoreDamaged)).count(), 1);
    let scan: Vec<_> = store.scan(&Name::new(1)).unwrap().map(|record| record.map(|_| ())).collect();
    assert_eq!(scan, [Ok(()), Err(Error::StoreDamaged)]);
}

#[test]
fn a_failed_commit_changes_nothing_and_may_be_tried_again() {
    let medium = Open::default();
    let mut store = medium.store().unwrap();
    put(&mut store, &Name::new(1), b"one").unwrap();
    let before = medium.rows();
    for error in [Error::StoreIo, Error::StoreDamaged] {
        *medium.fails.lock().unwrap() = Some(error);
        assert_eq!(put(&mut store, &Name::new(1), b"two"), Err(error));
        assert_eq!(store.get(&Name::new(1)), Err(error));
        assert_eq!(store.scan(&Name::new(1)).unwrap().next().map(|next| next.map(|_| ())), Some(Err(error)));
        assert_eq!(refused(medium.store()), error);
        assert_eq!((store.commit_number(), medium.rows() == before), (1, true));
    }
    *medium.fails.lock().unwrap() = None;
    assert_eq!(put(&mut store, &Name::new(1), b"two"), Ok(2));
    drop(store);
    assert_eq!(&*medium.store().unwrap().get(&Name::new(1)).unwrap().unwrap(), b"two");
}

#[test]
fn sealing_the_same_twice_shows_nothing_in_common() {
    let medium = Open::default();
    let mut store = medium.store().unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        put(&mut store, &Name::new(1), &[0xaa; 64]).unwrap();
        seen.push(medium.rows().into_values().collect::<Vec<_>>());
    }
    for at in 1..3 {
        for (new, old) in seen[at].iter().zip(&seen[at - 1]).skip(1) {
            assert!(
                new.len() == old.len()
                    && new.windows(4).all(|part| old.windows(4).all(|other| other != part))
            );
        }
    }
}

#[test]
fn a_snapshot_of_a_disk_is_another_disk() {
    let disk = MemoryDisk::new();
    let bed = Bed::Memory(disk.clone());
    let mut store = bed.open().unwrap();
    put(&mut store, &Name::new(1), b"one").unwrap();
    let copy = Bed::Memory(disk.snapshot());
    put(&mut store, &Name::new(1), b"two").unwrap();

    let copy = copy.open().unwrap();
    assert_eq!((copy.commit_number(), copy.id()), (1, store.id()));
    assert_eq!(records(&copy).unwrap()[&Name::new(1)], b"one");
    assert_eq!(store.backup(Path::new("nowhere")), Err(Error::Unsupported));
}
