//! Commits that are a function of their number, so that a state tells which commits made it.

use sealwax::crypto::rng::SystemRandom;
use sealwax::error::Result;
use sealwax::store::{Changes, Name, Store};

use crate::bed::Records;

/// What commit `number` changes.
fn steps(number: u64) -> Vec<(Name, Option<Vec<u8>>)> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let count = 1 + draw(5);
    let change = |_| {
        let name = Name::new(1).bytes(draw(12).to_be_bytes()).number(draw(3));
        let length = if draw(10) == 0 { draw(40_000) } else { draw(300) };
        let value = (draw(4) > 0).then(|| vec![number as u8; length as usize]);
        (name, value)
    };
    (0..count).map(change).collect()
}

/// Makes the next commit.
pub(super) fn go_on(store: &mut Store) -> Result<u64> {
    let mut changes = Changes::new();
    for (name, value) in steps(store.commit_number() + 1) {
        match value {
            Some(value) => changes.put(name, value),
            None => changes.delete(name),
        }
    }
    store.commit(&mut SystemRandom, &changes)
}

/// What a store holds after some commits.
#[derive(Default)]
pub(super) struct Story {
    commits: u64,
    records: Records,
}

impl Story {
    /// Must be asked for ascending numbers.
    pub(super) fn after(&mut self, commits: u64) -> &Records {
        assert!(commits >= self.commits);
        while self.commits < commits {
            self.commits += 1;
            for (name, value) in steps(self.commits) {
                match value {
                    Some(value) => self.records.insert(name, value),
                    None => self.records.remove(&name),
                };
            }
        }
        &self.records
    }
}
