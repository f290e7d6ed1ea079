//! Taking sender keys in (`docs/PROTOCOL.md` sections 8.3 and 8.6).

use crate::error::{Error, Result};
use crate::group::distribution::Distribution;
use crate::group::history::History;
use crate::group::keyring::Keyring;
use crate::group::links::{LinkBytes, first_link};
use crate::group::sender_key::SenderKey;
use crate::group::{Claim, GroupReceiver, check_own, short};
use crate::identity::Fingerprint;
use crate::limits::GROUP_HISTORY_KEYS_MAX;
use crate::roster::Roster;

impl GroupReceiver {
    /// Takes the sender key that came in a session with `peer`, its owner. What it says of the roster may be a claim.
    ///
    /// In this order: [`Error::WrongGroup`]; [`Error::SenderRemoved`], [`Error::NotAMember`],
    /// [`Error::IdentityChanged`] for a peer that is not the member; [`Error::Malformed`] for a wrong first link;
    /// [`Error::Equivocation`] if the key id is held with another meaning; [`Error::TooFarAhead`] for a state of a held
    /// key too far from ours to compare; [`Error::RetiredKey`] for a key that was wiped, or that is older than the
    /// membership. [`Error::WrongKind`] in a receiver of history.
    pub fn install(
        &mut self,
        roster: &Roster,
        peer: &str,
        fingerprint: &Fingerprint,
        distribution: &Distribution,
        now_ms: u64,
    ) -> Result<Option<Claim>> {
        if self.options.history {
            return Err(Error::WrongKind);
        }
        self.check_group(roster)?;
        if distribution.group_id != self.group_id {
            return Err(Error::WrongGroup);
        }
        let since_epoch = roster.vouch(peer, fingerprint)?.since_epoch();
        let link = first_known_link(peer, distribution)?;
        let keyring = self.senders.get(peer);
        let held = keyring.and_then(|keyring| keyring.find(&distribution.key_id));
        if let Some(held) = held {
            held.check_same(&distribution.signing_key, distribution.epoch, &distribution.chain)?;
        }
        let closed = held.is_some_and(|held| !self.is_open(held, self.clock(now_ms)));
        let wiped = keyring.is_some_and(|keyring| keyring.was_wiped(&distribution.key_id));
        if closed || (wiped && held.is_none()) || distribution.epoch < since_epoch {
            return Err(Error::RetiredKey);
        }

        let now_ms = self.advance(now_ms);
        let closes_ms = self.closes_ms(now_ms);
        let keyring = self.senders.entry(peer.to_owned()).or_default();
        let before = keyring.stored_bytes();
        let wiped = if let Some(held) = keyring.find_mut(&distribution.key_id) {
            held.extend(&distribution.chain, link)?;
            None
        } else {
            let key = SenderKey::new(*fingerprint, distribution, link, self.options.retain_history);
            keyring.insert(key, roster.membership_epoch(), closes_ms)
        };
        let stored = (before, keyring.stored_bytes());
        if let Some(wiped) = wiped {
            self.retain(peer, wiped);
        }
        self.stores(stored);
        Ok(Claim::of(roster, peer, distribution.epoch, short(&distribution.roster_hash)))
    }

    /// Takes a retired key that `sharer` shared in our session with it. A key that is held already grows by an
    /// earlier start alone.
    ///
    /// [`Error::WrongKind`] unless this is a receiver of history; [`Error::WrongGroup`]; [`Error::GroupDeleted`] and
    /// [`Error::NotAMember`] if we are none; [`Error::SenderRemoved`], [`Error::NotAMember`],
    /// [`Error::IdentityChanged`] for a sharer that is not the member; [`Error::Equivocation`] if the key id is held
    /// with another meaning; [`Error::TooFarAhead`] for a state of a held key too far from ours to compare;
    /// [`Error::LimitReached`].
    pub fn install_history(
        &mut self,
        roster: &Roster,
        sharer: &str,
        fingerprint: &Fingerprint,
        history: &History,
        now_ms: u64,
    ) -> Result<()> {
        if !self.options.history {
            return Err(Error::WrongKind);
        }
        self.check_group(roster)?;
        if history.group_id != self.group_id {
            return Err(Error::WrongGroup);
        }
        check_own(roster, &self.user, &self.fingerprint)?;
        roster.vouch(sharer, fingerprint)?;
        let keyring = self.senders.get(&history.sender);
        if let Some(held) = keyring.and_then(|keyring| keyring.find(&history.key_id)) {
            if held.owner != history.sender_fingerprint {
                return Err(Error::Equivocation);
            }
            held.check_same(&history.signing_key, history.epoch, &history.chain)?;
        } else if self.senders.values().map(|keyring| keyring.keys.len()).sum::<usize>()
            >= GROUP_HISTORY_KEYS_MAX
        {
            return Err(Error::LimitReached);
        }

        let signing_key = history.signing_key.as_bytes();
        let first = first_link(&self.group_id, &history.sender, &history.key_id, history.epoch, signing_key)?;
        let link = (history.counter() == 0).then_some(first);

        self.advance(now_ms);
        let keyring: &mut Keyring = self.senders.entry(history.sender.clone()).or_default();
        let before = keyring.stored_bytes();
        match keyring.find_mut(&history.key_id) {
            Some(held) => held.extend(&history.chain, link)?,
            None => keyring.push(SenderKey::shared(sharer, history, link)),
        }
        let stored = (before, keyring.stored_bytes());
        self.stores(stored);
        Ok(())
    }
}

/// What the first message carries: for message 0 everybody can compute it, and a distribution must not say otherwise.
fn first_known_link(peer: &str, distribution: &Distribution) -> Result<Option<LinkBytes>> {
    if distribution.counter() != 0 {
        return Ok(distribution.link);
    }
    let signing_key = distribution.signing_key.as_bytes();
    let first =
        first_link(&distribution.group_id, peer, &distribution.key_id, distribution.epoch, signing_key)?;
    if distribution.link.is_none_or(|link| link == first) { Ok(Some(first)) } else { Err(Error::Malformed) }
}
