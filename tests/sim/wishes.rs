//! What applications asked for in groups: each request ends once.

use std::collections::{BTreeMap, BTreeSet};

/// All requests of a run, by who made them and their numbers.
#[derive(Default)]
pub(crate) struct Wishes {
    all: BTreeMap<(usize, u64), Wish>,
    /// Who runs on an older copy, and may be told of requests that it has forgotten.
    forgetful: BTreeSet<usize>,
}

struct Wish {
    standing: Standing,
    has_ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Made,
    /// The client died before it said that it has stored it.
    Doubtful,
    Stored,
}

impl Wishes {
    pub(crate) fn add(&mut self, who: usize, number: u64) {
        self.all.insert((who, number), Wish { standing: Standing::Made, has_ended: false });
    }

    /// What somebody has asked for is stored.
    pub(crate) fn settle(&mut self, who: usize) {
        self.turn(who, Standing::Stored);
    }

    /// The client of somebody has died.
    pub(crate) fn doubt(&mut self, who: usize) {
        self.turn(who, Standing::Doubtful);
    }

    fn turn(&mut self, who: usize, standing: Standing) {
        for (_, wish) in self.all.range_mut((who, 0)..=(who, u64::MAX)) {
            if wish.standing == Standing::Made {
                wish.standing = standing;
            }
        }
    }

    /// A request has ended.
    pub(crate) fn end(&mut self, who: usize, number: u64) {
        match self.all.get_mut(&(who, number)) {
            Some(wish) => {
                assert!(!wish.has_ended, "request {number} of p{who} ends twice");
                wish.has_ended = true;
            }
            None => assert!(self.forgetful.contains(&who), "p{who} never made request {number}"),
        }
    }

    /// Somebody runs on an older copy.
    pub(crate) fn forget(&mut self, who: usize) {
        self.all.retain(|(of, _), _| *of != who);
        self.forgetful.insert(who);
    }

    /// What nobody was told the end of.
    pub(crate) fn open(&self) -> impl Iterator<Item = String> {
        let open = self.all.iter().filter(|(_, wish)| wish.standing == Standing::Stored && !wish.has_ended);
        open.map(|((who, number), _)| format!("request {number} of p{who} has not ended"))
    }
}
