//! A store that dies in the middle, and one whose rows somebody changes who has no key.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use sealwax::error::Error;
use sealwax::store::{Changes, Name, Row, Store};

use crate::common::ScriptedRandom;
use crate::common::disk::{Death, Disk};

const KEY: [u8; 32] = [7; 32];
const STEPS_MAX: usize = 64;
/// Names that a story uses, and how many of them are of one kind.
const NAMES: u8 = 48;
const OF_ONE_KIND: u8 = 16;

#[derive(Debug, Arbitrary)]
enum Step {
    Put(u8, Vec<u8>),
    Delete(u8),
    Commit,
    /// The process dies at the next commit: before it, or after.
    DieAt(bool),
    Reopen,
    Change(Change),
}

/// What becomes of the rows of a copy.
#[derive(Debug, Arbitrary)]
enum Change {
    Flip(u8, u16),
    Cut(u8, u8),
    Remove(u8),
    Swap(u8, u8),
    /// A row as it was some commits ago, or a row that was there then.
    Old(u8, u8),
    /// A row under another key as well.
    Double(u8, u16),
}

fn name(at: u8) -> Name {
    Name::new(1 + at % NAMES / OF_ONE_KIND).bytes([at % OF_ONE_KIND])
}

type Records = BTreeMap<u8, Vec<u8>>;

struct World {
    disk: Disk,
    store: Store,
    rng: ScriptedRandom,
    held: Records,
    staged: BTreeMap<u8, Option<Vec<u8>>>,
    /// All rows after each commit.
    past: Vec<Vec<Row>>,
}

impl World {
    fn new() -> Self {
        let (disk, mut rng) = (Disk::default(), ScriptedRandom::new("store"));
        let store = Store::open_on(disk.medium(), &KEY, &mut rng).unwrap();
        let past = vec![rows(&disk)];
        Self { disk, store, rng, held: Records::new(), staged: BTreeMap::new(), past }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(at, value) => drop(self.staged.insert(at % NAMES, Some(value))),
            Step::Delete(at) => drop(self.staged.insert(at % NAMES, None)),
            Step::Commit => self.commit(),
            Step::DieAt(after) => self.disk.die_at(0, if after { Death::After } else { Death::Before }),
            Step::Reopen => self.reopen(),
            Step::Change(change) => self.change(&change),
        }
    }

    fn commit(&mut self) {
        let (mut changes, mut next) = (Changes::new(), self.held.clone());
        for (at, value) in std::mem::take(&mut self.staged) {
            match value {
                Some(value) => {
                    changes.put(name(at), value.clone());
                    next.insert(at, value);
                }
                None => {
                    changes.delete(name(at));
                    next.remove(&at);
                }
            }
        }
        let before = self.store.commit_number();
        match self.store.commit(&mut self.rng, &changes) {
            Ok(number) => {
                assert_eq!(number, before + 1);
                self.held = next;
            }
            Err(error) => {
                assert_eq!(error, Error::StoreIo);
                self.open();
                if self.store.commit_number() > before {
                    self.held = next;
                }
            }
        }
        self.past.push(rows(&self.disk));
        self.check();
    }

    fn open(&mut self) {
        self.disk.spare();
        self.store = Store::open_on(self.disk.medium(), &KEY, &mut self.rng).unwrap();
    }

    fn reopen(&mut self) {
        let before = self.store.commit_number();
        self.open();
        assert_eq!(self.store.commit_number(), before);
        self.check();
    }

    /// It holds what was stored, and nothing else.
    fn check(&self) {
        for at in 0..NAMES {
            let value = self.store.get(&name(at)).unwrap();
            assert_eq!(value.as_deref(), self.held.get(&at));
        }
        for kind in 0..NAMES / OF_ONE_KIND {
            let found =
                self.store.scan(&Name::new(1 + kind)).unwrap().map(|record| record.unwrap().value.to_vec());
            let held =
                self.held.iter().filter(|(at, _)| *at / OF_ONE_KIND == kind).map(|(_, value)| value.clone());
            let (mut found, mut held) = (found.collect::<Vec<_>>(), held.collect::<Vec<_>>());
            found.sort_unstable();
            held.sort_unstable();
            assert_eq!(found, held);
        }
    }

    /// Rows that no commit left are no store.
    fn change(&mut self, change: &Change) {
        let mut rows: BTreeMap<Vec<u8>, Vec<u8>> = rows(&self.disk).into_iter().collect();
        let place = |at: u8| rows.keys().nth(usize::from(at) % rows.len()).cloned().unwrap();
        match *change {
            Change::Flip(at, bit) => {
                let value = rows.get_mut(&place(at)).unwrap();
                let bit = usize::from(bit) % (8 * value.len());
                value[bit / 8] ^= 1 << (bit % 8);
            }
            Change::Cut(at, by) => {
                let value = rows.get_mut(&place(at)).unwrap();
                value.truncate(value.len() - usize::from(by) % value.len());
            }
            Change::Remove(at) => drop(rows.remove(&place(at))),
            Change::Swap(one, other) => {
                let (one, other) = (place(one), place(other));
                let value = rows.insert(one, rows[&other].clone()).unwrap();
                rows.insert(other, value);
            }
            Change::Old(commit, at) => {
                let old = &self.past[usize::from(commit) % self.past.len()];
                let (key, value) = old[usize::from(at) % old.len()].clone();
                rows.insert(key, value);
            }
            Change::Double(at, bit) => {
                let (mut key, value) = (place(at), rows[&place(at)].clone());
                let bit = usize::from(bit) % (8 * key.len());
                key[bit / 8] ^= 1 << (bit % 8);
                rows.insert(key, value);
            }
        }
        let rows: Vec<Row> = rows.into_iter().collect();
        if rows.is_empty() || self.past.contains(&rows) {
            return;
        }
        let other = Disk::default();
        let rows: Vec<_> = rows.into_iter().map(|(key, value)| (key, Some(value))).collect();
        other.medium().apply(&rows).unwrap();
        let opened = Store::open_on(other.medium(), &KEY, &mut self.rng);
        let error = opened.err().expect("rows that no commit left are a store");
        assert_ne!(error, Error::Internal);
    }
}

fn rows(disk: &Disk) -> Vec<Row> {
    disk.medium().page(&[], None).unwrap()
}

/// Commits, deaths and changed rows.
pub fn store(data: &[u8]) {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut world = World::new();
    steps.into_iter().take(STEPS_MAX).for_each(|step| world.step(step));
    world.commit();
    world.reopen();
}
