//! That an identity, once known, stays until the application decides on another.

use std::collections::BTreeMap;

use sealwax::identity::Fingerprint;

use crate::world::World;

/// Who knows whom under which identity.
#[derive(Default)]
pub(crate) struct Pins(BTreeMap<(usize, usize), Fingerprint>);

impl Pins {
    /// An application decides.
    pub(crate) fn decide(&mut self, who: usize, whom: usize, fingerprint: Fingerprint) {
        self.0.insert((who, whom), fingerprint);
    }

    /// Somebody runs on an older copy.
    pub(crate) fn forget(&mut self, who: usize) {
        self.0.retain(|(of, _), _| *of != who);
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
}
