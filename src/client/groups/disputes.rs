//! Members who name another history than the one that the relay shows us (`docs/PROTOCOL.md` section 7.4).

use crate::client::Client;
use crate::client::groups::group::Group;
use crate::client::groups::{GroupEvent, GroupId};
use crate::error::Result;
use crate::limits::CLIENT_DISPUTE_MS;
use crate::roster::Roster;

/// What members named that we do not hold. At most one a member, so bounded by the group.
#[derive(Default)]
pub(super) struct Disputes(Vec<Dispute>);

struct Dispute {
    user: Box<str>,
    epoch: u64,
    hash: [u8; 16],
    since_ms: u64,
    is_told: bool,
}

impl Dispute {
    /// Whether it is of an epoch that we hold, and hold otherwise: what lies ahead may be the same history.
    fn stands(&self, roster: &Roster) -> bool {
        self.epoch <= roster.epoch()
            && roster.is_claim(self.epoch, &self.hash)
            && !roster.was_settled_after(self.epoch)
    }

    const fn due_ms(&self) -> u64 {
        self.since_ms.saturating_add(CLIENT_DISPUTE_MS)
    }
}

impl Disputes {
    /// A member names an epoch and a roster hash.
    fn note(&mut self, roster: &Roster, user: &str, epoch: u64, hash: &[u8; 16], now_ms: u64) {
        if !roster.is_claim(epoch, hash) || roster.member(user).is_none() {
            return;
        }
        let dispute = Dispute { user: user.into(), epoch, hash: *hash, since_ms: now_ms, is_told: false };
        match self.0.iter_mut().find(|before| *before.user == *user) {
            // Whoever names one history after another is told of once, until what it named first has come to light.
            Some(before) if before.stands(roster) => {}
            Some(before) => *before = dispute,
            None => self.0.push(dispute),
        }
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        for dispute in &mut self.0 {
            dispute.since_ms = dispute.since_ms.min(now_ms);
        }
    }

    /// When somebody has to be told of.
    pub(super) fn due_ms(&self, roster: &Roster) -> Option<u64> {
        let open = self.0.iter().filter(|dispute| !dispute.is_told && dispute.stands(roster));
        open.map(Dispute::due_ms).min()
    }

    /// A member who names a history that has not come to light in time, once.
    fn take_due(&mut self, roster: &Roster, now_ms: u64) -> Option<Box<str>> {
        self.0.retain(|dispute| {
            roster.is_claim(dispute.epoch, &dispute.hash) && roster.member(&dispute.user).is_some()
        });
        let is_due =
            |dispute: &&mut Dispute| !dispute.is_told && dispute.stands(roster) && dispute.due_ms() <= now_ms;
        let dispute = self.0.iter_mut().find(is_due)?;
        dispute.is_told = true;
        Some(dispute.user.clone())
    }
}

impl Group {
    /// Whether a member names another history than ours, of which nobody was told yet.
    pub(super) fn is_disputed(&self) -> bool {
        self.roster.as_ref().is_some_and(|roster| self.disputes.due_ms(roster).is_some())
    }
}

impl Client {
    /// A member has named an epoch and a roster hash that our log does not hold.
    pub(super) fn note_dispute(&mut self, id: &GroupId, user: &str, epoch: u64, hash: &[u8; 16]) {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return };
        if let Some(roster) = &group.roster {
            group.disputes.note(roster, user, epoch, hash, now_ms);
        }
    }

    /// Tells of the members whose history the relay did not show when it was asked for it: one of both lies, or holds
    /// something back.
    pub(super) fn tend_disputes(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        while let Some((id, user)) = self.groups.all.iter_mut().find_map(|(id, group)| {
            let Group { roster: Some(roster), disputes, .. } = group.as_deref_mut()? else { return None };
            let is_due = disputes.due_ms(roster).is_some_and(|due_ms| due_ms <= now_ms);
            is_due.then(|| disputes.take_due(roster, now_ms))?.map(|user| (*id, user))
        }) {
            self.tell_group(&id, GroupEvent::Forked { user: Some(user) })?;
        }
        Ok(())
    }
}
