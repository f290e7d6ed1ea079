//! The sender key that we send under, from one rotation to the next (`docs/PROTOCOL.md` section 8.4).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::crypto::Secret;
use crate::crypto::ecc::SignPrivate;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::group::chain::{Chain, Step};
use crate::group::distribution::Previous;
use crate::group::links::{LinkBytes, first_link};
use crate::limits::GROUP_CHAIN_MAX;
use crate::roster::Roster;

/// A chain, its signing pair, and what members may still need of it.
pub(super) struct OwnKey {
    pub(super) key_id: [u8; 8],
    /// Of the rotation.
    pub(super) epoch: u64,
    /// Of that epoch.
    pub(super) roster_hash: [u8; 32],
    pub(super) signing: SignPrivate,
    pub(super) chain: Chain,
    /// What the next message carries; not known after a stored state was loaded.
    pub(super) link: Option<LinkBytes>,
    /// The first counter that was set aside, until a message says so.
    pub(super) resumed_from: Option<u32>,
    pub(super) made_ms: u64,
    pub(super) snapshot: Option<Snapshot>,
}

/// The state at the lowest counter that some member may still need.
pub(super) struct Snapshot {
    pub(super) chain: Chain,
    pub(super) link: Option<LinkBytes>,
    /// Who may still need it.
    pub(super) waiting: BTreeSet<Arc<str>>,
}

impl OwnKey {
    /// A new chain, pair and id for the members at the roster's head.
    pub(super) fn generate(user: &str, roster: &Roster, now_ms: u64, rng: &mut dyn Random) -> Result<Self> {
        let mut key_id = [0; 8];
        rng.fill(&mut key_id)?;
        let chain = Chain::start(Secret::random(rng)?);
        let signing = SignPrivate::generate(rng)?;
        let epoch = roster.epoch();
        let link = Some(first_link(roster.group_id(), user, &key_id, epoch, signing.public().as_bytes())?);
        let others = roster.members().map(|member| member.user()).filter(|member| ***member != *user);
        // They come in order, and to collect them would sort them all the same.
        let mut waiting = BTreeSet::new();
        waiting.extend(others.cloned());
        let snapshot = (!waiting.is_empty()).then(|| Snapshot { chain: chain.duplicate(), link, waiting });
        Ok(Self {
            key_id,
            epoch,
            roster_hash: *roster.hash(),
            signing,
            chain,
            link,
            resumed_from: None,
            made_ms: now_ms,
            snapshot,
        })
    }

    /// How its successor names it.
    pub(super) fn as_previous(&self) -> Previous {
        Previous { key_id: self.key_id, count: self.chain.counter(), link: self.link }
    }

    /// A message was sent.
    pub(super) fn sent(&mut self, step: &Step, link: LinkBytes) {
        self.chain.take(step);
        self.link = Some(link);
        self.resumed_from = None;
    }

    /// A member needs the snapshot no longer; it goes with the last one.
    pub(super) fn settle(&mut self, user: &str) {
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.waiting.remove(user);
            if snapshot.waiting.is_empty() {
                self.snapshot = None;
            }
        }
    }

    /// Sets the messages aside that a lease allowed, and makes the next message say so.
    pub(super) fn resume(&mut self, lease: u32) -> Result<()> {
        let from = self.chain.counter();
        self.chain.skip(from.saturating_add(lease).min(GROUP_CHAIN_MAX))?;
        self.link = None;
        self.resumed_from.get_or_insert(from);
        Ok(())
    }

    /// Whether nothing in it contradicts itself.
    pub(super) fn is_sound(&self) -> bool {
        let counter = self.chain.counter();
        let resumed = self.resumed_from.is_none_or(|from| from <= counter && self.link.is_none());
        let linked = self.resumed_from.is_some() || self.link.is_some();
        let needed = self
            .snapshot
            .as_ref()
            .is_none_or(|snapshot| !snapshot.waiting.is_empty() && snapshot.chain.counter() <= counter);
        resumed && linked && needed
    }

    /// [`Error::RotationRequired`] if the members of its epoch are not known to be the ones of this log.
    pub(super) fn check_served(&self, roster: &Roster, since_epoch: u64) -> Result<()> {
        let in_log = roster.hash_at(self.epoch) == Some(&self.roster_hash);
        if in_log && since_epoch <= self.epoch { Ok(()) } else { Err(Error::RotationRequired) }
    }
}
