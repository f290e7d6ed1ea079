//! One sender key of another member, as its messages are opened (`docs/PROTOCOL.md` section 8.5).

use crate::crypto::ecc::SignPublic;
use crate::error::{Error, Result};
use crate::group::chain::Chain;
use crate::group::distribution::{Distribution, Previous};
use crate::group::history::History;
use crate::group::links::{LinkBytes, Links};
use crate::group::skipped::Skipped;
use crate::identity::Fingerprint;
use crate::limits::{GROUP_RECENT_MAX, GROUP_SKIP_MAX};
use crate::roster::Member;
use crate::wire::recent::Recent;

/// A chain, the key that signs its messages, and what is known of those not opened yet.
pub(super) struct SenderKey {
    pub(super) key_id: [u8; 8],
    /// Whose it is.
    pub(super) owner: Fingerprint,
    /// Of its rotation.
    pub(super) epoch: u64,
    pub(super) signing_key: SignPublic,
    /// The first message that it was given for.
    pub(super) first: u32,
    pub(super) chain: Chain,
    pub(super) skipped: Skipped,
    pub(super) links: Links,
    /// The envelopes opened last.
    pub(super) recent: Recent<GROUP_RECENT_MAX>,
    pub(super) previous: Option<Previous>,
    /// The first message that it does not open, once its successor or its sharer said so.
    pub(super) end: Option<u32>,
    /// When its transition window ends; none while it is current.
    pub(super) closes_ms: Option<u64>,
    /// The state at the first message, kept only to be shared.
    pub(super) retained: Option<Chain>,
    /// Who vouches for it, if not its owner.
    pub(super) shared_by: Option<String>,
}

impl SenderKey {
    /// From a distribution of its owner, the first one for this key id. `link` is what its first message carries, if
    /// that is known.
    pub(super) fn new(
        owner: Fingerprint,
        distribution: &Distribution,
        link: Option<LinkBytes>,
        retain: bool,
    ) -> Self {
        let chain = distribution.chain.duplicate();
        let mut key = Self {
            key_id: distribution.key_id,
            owner,
            epoch: distribution.epoch,
            signing_key: distribution.signing_key.clone(),
            first: chain.counter(),
            skipped: Skipped::new(chain.counter()),
            retained: retain.then(|| chain.duplicate()),
            chain,
            links: Links::default(),
            recent: Recent::default(),
            previous: distribution.previous,
            end: None,
            closes_ms: None,
            shared_by: None,
        };
        if let Some(link) = link {
            key.links.expect_carried(key.first, link);
        }
        key
    }

    /// From what another member shared.
    pub(super) fn shared(sharer: &str, history: &History, link: Option<LinkBytes>) -> Self {
        let chain = history.chain.duplicate();
        let mut key = Self {
            key_id: history.key_id,
            owner: history.sender_fingerprint,
            epoch: history.epoch,
            signing_key: history.signing_key.clone(),
            first: chain.counter(),
            skipped: Skipped::new(chain.counter()),
            chain,
            links: Links::default(),
            recent: Recent::default(),
            previous: None,
            end: Some(history.end),
            closes_ms: None,
            retained: None,
            shared_by: Some(sharer.to_owned()),
        };
        if let Some(link) = link {
            key.links.expect_carried(key.first, link);
        }
        key
    }

    /// Whether it is a key of this member, made during this membership.
    pub(super) fn is_of(&self, member: &Member) -> bool {
        self.owner == member.fingerprint() && self.epoch >= member.since_epoch()
    }

    /// Whether this is the same key; [`Error::Equivocation`] if its id was given another meaning,
    /// [`Error::TooFarAhead`] if telling that would take a longer walk along the chain than any message.
    pub(super) fn check_same(&self, signing_key: &SignPublic, epoch: u64, chain: &Chain) -> Result<()> {
        let same = self.signing_key == *signing_key && self.epoch == epoch;
        if same && self.chain.counter().abs_diff(chain.counter()) > GROUP_SKIP_MAX {
            return Err(Error::TooFarAhead);
        }
        if same && self.chain.is_of_one_chain(chain)? { Ok(()) } else { Err(Error::Equivocation) }
    }

    /// Takes the messages below the first one known from an earlier state of the same chain.
    pub(super) fn extend(&mut self, earlier: &Chain, link: Option<LinkBytes>) -> Result<()> {
        let start = earlier.counter();
        if start >= self.first {
            return Ok(());
        }
        let mut passing = earlier.duplicate();
        let passed = passing.advance(self.first)?;
        self.skipped.lower_floor(start, self.first);
        self.skipped.store(passed);
        if let Some(link) = link {
            self.links.expect_carried(start, link);
        }
        if let Some(retained) = &mut self.retained {
            *retained = earlier.duplicate();
        }
        self.first = start;
        Ok(())
    }

    /// Takes what the next key's distribution says of this one.
    pub(super) fn end_at(&mut self, successor: &Previous) {
        let read = self.chain.counter();
        self.end = Some(self.end.unwrap_or_default().max(successor.count).max(read));
        let last =
            successor.count.checked_sub(1).filter(|last| *last >= read || self.skipped.contains(*last));
        if let (Some(last), Some(link)) = (last, successor.link) {
            self.links.expect_named(last, link);
        }
    }
}
