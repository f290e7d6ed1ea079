//! The current sender key on its way to members (`docs/PROTOCOL.md` section 8.3).

use core::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::group::check_own;
use crate::group::distribution::Distribution;
use crate::group::sender::GroupSender;
use crate::identity::Fingerprint;
use crate::roster::Roster;

/// The current sender key, encoded once for any number of members.
pub struct Handout<'a> {
    sender: &'a GroupSender,
    roster: &'a Roster,
    body: Zeroizing<Vec<u8>>,
}

impl Handout<'_> {
    /// Of the identity whose sessions carry it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.sender.fingerprint
    }

    /// The body of a content of kind distribution, for one member: what [`GroupSender::distribution`] gives, with the
    /// same refusals.
    pub fn body_for(&self, peer: &str, fingerprint: &Fingerprint) -> Result<&[u8]> {
        self.sender.check_reader(self.roster, peer, fingerprint)?;
        Ok(&self.body)
    }
}

impl fmt::Debug for Handout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handout").field("sender", self.sender).finish_non_exhaustive()
    }
}

impl GroupSender {
    /// The sender key for many members, to be sent inside our sessions with them; then
    /// [`GroupSender::mark_distributed`] for each.
    ///
    /// [`Error::WrongGroup`], [`Error::GroupDeleted`]; [`Error::NotAMember`] if we are none.
    pub fn handout<'a>(&'a self, roster: &'a Roster) -> Result<Handout<'a>> {
        self.check_giving(roster)?;
        Ok(Handout { sender: self, roster, body: self.current().encode() })
    }

    /// The sender key for one member, to be sent inside our session with it; then
    /// [`GroupSender::mark_distributed`].
    ///
    /// [`Error::WrongGroup`], [`Error::GroupDeleted`]; [`Error::NotAMember`] if we or the peer are none;
    /// [`Error::IdentityChanged`] and [`Error::RosterForked`] for a peer that is not the member in every known
    /// branch; [`Error::RotationRequired`] for one who was no member when the key was made;
    /// [`Error::InvalidArgument`] for ourselves.
    pub fn distribution(
        &self,
        roster: &Roster,
        peer: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Distribution> {
        self.check_giving(roster)?;
        self.check_reader(roster, peer, fingerprint)?;
        Ok(self.current())
    }

    fn check_giving(&self, roster: &Roster) -> Result<()> {
        self.check_group(roster)?;
        check_own(roster, &self.user, &self.fingerprint)
    }

    fn check_reader(&self, roster: &Roster, peer: &str, fingerprint: &Fingerprint) -> Result<()> {
        let member = roster.entitled(peer, fingerprint)?;
        if peer == self.user {
            return Err(Error::InvalidArgument);
        }
        self.key.check_served(roster, member.since_epoch())
    }

    fn current(&self) -> Distribution {
        let (chain, link) = match &self.key.snapshot {
            Some(snapshot) => (&snapshot.chain, snapshot.link),
            None => (&self.key.chain, self.key.link),
        };
        Distribution {
            group_id: self.group_id,
            epoch: self.key.epoch,
            roster_hash: self.key.roster_hash,
            key_id: self.key.key_id,
            signing_key: self.key.signing.public().clone(),
            chain: chain.duplicate(),
            link,
            previous: self.previous,
        }
    }
}
