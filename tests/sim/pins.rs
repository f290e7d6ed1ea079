//! That an identity, once known, stays until the application decides on another.

use std::collections::{BTreeMap, BTreeSet};

use sealwax::identity::Fingerprint;

use crate::plan::Kind;
use crate::world::World;

/// Who knows whom under which identity, and of whom that was decided and may not be in a store yet.
#[derive(Default)]
pub(crate) struct Pins(BTreeMap<(usize, usize), Fingerprint>, BTreeSet<(usize, usize)>);

impl Pins {
    /// An application decides.
    pub(crate) fn decide(&mut self, who: usize, whom: usize, fingerprint: Fingerprint) {
        self.0.insert((who, whom), fingerprint);
        self.1.insert((who, whom));
    }

    /// What was decided is in the store.
    pub(crate) fn settle(&mut self, who: usize) {
        self.1.retain(|(of, _)| *of != who);
    }

    /// Somebody has died: what was decided may not be in the store.
    pub(crate) fn doubt(&mut self, who: usize) {
        self.0.retain(|of, _| of.0 != who || !self.1.contains(of));
        self.settle(who);
    }

    /// Somebody runs on an older copy.
    pub(crate) fn forget(&mut self, who: usize) {
        self.0.retain(|(of, _), _| *of != who);
    }

    /// Under which identity somebody is known.
    pub(crate) fn knows(&self, who: usize, whom: usize) -> Option<&Fingerprint> {
        self.0.get(&(who, whom))
    }

    /// Somebody is known under this identity.
    pub(crate) fn see(&mut self, who: usize, whom: usize, fingerprint: Fingerprint) {
        let before = self.0.insert((who, whom), fingerprint);
        assert!(
            before.is_none_or(|before| before == fingerprint),
            "p{who} takes another identity of p{whom} without a word"
        );
    }
}

impl World {
    /// Looks at whom everybody knows, where somebody lies about it.
    pub(crate) fn check_pins(&mut self) {
        if self.cheat.is_none() {
            return;
        }
        for who in 0..self.people.len() {
            for whom in 0..self.people.len() {
                let name = self.people[whom].name.clone();
                let Some(client) = &mut self.people[who].client else { continue };
                // A client that has died of its store answers nothing.
                if let Ok(Some(card)) = client.peer_card(&name) {
                    self.pins.see(who, whom, card.fingerprint());
                }
            }
        }
    }

    /// Looks at who is a member by what everybody holds: somebody with the right to has made it so.
    pub(crate) fn check_rosters(&mut self) {
        if self.plan.kind == Kind::Honest {
            return;
        }
        for circle in 0..self.chronicle.circles.len() {
            let group = self.chronicle.circles[circle].id;
            for who in 0..self.people.len() {
                let Some(client) = &mut self.people[who].client else { continue };
                if let Ok(Some(roster)) = client.roster(&group) {
                    self.chronicle.check_head(who, roster.hash());
                }
            }
        }
    }
}
