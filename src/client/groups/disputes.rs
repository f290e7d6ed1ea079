//! Members who name another history than the one that the relay shows us (`docs/PROTOCOL.md` section 7.4).

use crate::client::Client;
use crate::client::groups::group::Group;
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::records::{self, Value};
use crate::error::Result;
use crate::limits::CLIENT_DISPUTE_MS;
use crate::roster::Roster;
use crate::store::Store;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::name::read_user;

/// Time for the relay to show all that it has, before somebody is told of.
const ANSWER_MS: u64 = 10_000;

/// What members named that we do not hold. At most one a member, so bounded by the group.
#[derive(Default)]
pub(super) struct Disputes(Vec<Dispute>);

struct Dispute {
    user: Box<str>,
    epoch: u64,
    hash: [u8; 16],
    /// When somebody is told of it.
    due_ms: u64,
    is_told: bool,
    /// The relay was asked for all that it has, since this client was opened.
    is_asked: bool,
}

impl Dispute {
    /// Whether it is of an epoch that we hold, and hold otherwise: what lies ahead may be the same history.
    fn stands(&self, roster: &Roster) -> bool {
        self.epoch <= roster.epoch()
            && roster.is_claim(self.epoch, &self.hash)
            && !roster.was_settled_after(self.epoch)
    }

    fn names(&self, epoch: u64, hash: &[u8; 16]) -> bool {
        (self.epoch, &self.hash) == (epoch, hash)
    }

    /// When the relay is asked, or somebody told.
    const fn wake_ms(&self) -> u64 {
        if self.is_asked { self.due_ms } else { self.due_ms.saturating_sub(ANSWER_MS) }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            user: read_user(reader)?.into(),
            epoch: reader.u64()?,
            hash: *reader.array()?,
            due_ms: reader.u64()?,
            is_told: records::read_bool(reader)?,
            is_asked: false,
        })
    }

    fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        value.put_bytes8(self.user.as_bytes())?;
        value.put_u64(self.epoch);
        value.put(&self.hash);
        value.put_u64(self.due_ms);
        records::put_bool(&mut value, self.is_told);
        Ok(value)
    }
}

impl Disputes {
    /// Those that were open when the client was closed.
    pub(super) fn load(store: &Store, id: &GroupId, roster: &Roster, now_ms: u64) -> Result<Self> {
        let mut disputes = Self::default();
        for record in store.scan(&records::all_disputes(id))? {
            disputes.0.push(records::read(&record?.value, Dispute::read)?);
        }
        disputes.correct_clock(now_ms);
        disputes.forget_settled(roster);
        Ok(disputes)
    }

    /// A member names an epoch and a roster hash. Answers what has to be stored.
    fn note(
        &mut self,
        roster: &Roster,
        user: &str,
        epoch: u64,
        hash: &[u8; 16],
        now_ms: u64,
    ) -> Result<Option<Value>> {
        if !roster.is_claim(epoch, hash) || roster.member(user).is_none() {
            return Ok(None);
        }
        let due_ms = now_ms.saturating_add(CLIENT_DISPUTE_MS);
        let mut dispute =
            Dispute { user: user.into(), epoch, hash: *hash, due_ms, is_told: false, is_asked: false };
        // For what lies ahead, it is asked for what follows our log.
        dispute.is_asked = dispute.stands(roster);
        let value = dispute.to_value()?;
        match self.0.iter_mut().find(|before| *before.user == *user) {
            // Whoever names one history after another is told of once, until what it named first has come to light.
            Some(before) if before.stands(roster) || before.names(epoch, hash) => return Ok(None),
            Some(before) => *before = dispute,
            None => self.0.push(dispute),
        }
        Ok(Some(value))
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        for dispute in &mut self.0 {
            dispute.due_ms = dispute.due_ms.min(now_ms.saturating_add(CLIENT_DISPUTE_MS));
        }
    }

    /// When somebody has to be told of.
    pub(super) fn due_ms(&self, roster: &Roster) -> Option<u64> {
        let open = self.0.iter().filter(|dispute| !dispute.is_told && dispute.stands(roster));
        open.map(Dispute::wake_ms).min()
    }

    fn forget_settled(&mut self, roster: &Roster) {
        self.0.retain(|dispute| {
            roster.is_claim(dispute.epoch, &dispute.hash) && roster.member(&dispute.user).is_some()
        });
    }

    /// The first whose time is up.
    fn due(&mut self, roster: &Roster, now_ms: u64) -> Option<&mut Dispute> {
        self.forget_settled(roster);
        let is_due = |dispute: &&mut Dispute| {
            !dispute.is_told && dispute.stands(roster) && dispute.wake_ms() <= now_ms
        };
        self.0.iter_mut().find(is_due)
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
    pub(super) fn note_dispute(
        &mut self,
        id: &GroupId,
        user: &str,
        epoch: u64,
        hash: &[u8; 16],
    ) -> Result<()> {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        if let Some(roster) = &group.roster
            && let Some(value) = group.disputes.note(roster, user, epoch, hash, now_ms)?
        {
            self.journal.put(records::dispute(id, user), value);
        }
        Ok(())
    }

    /// Tells of the members whose history the relay did not show when it was asked for it: one of both lies, or holds
    /// something back.
    pub(super) fn tend_disputes(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        while let Some((id, dispute)) = self.groups.all.iter_mut().find_map(|(id, group)| {
            let Group { roster: Some(roster), disputes, .. } = group.as_deref_mut()? else { return None };
            let is_due = disputes.due_ms(roster).is_some_and(|due_ms| due_ms <= now_ms);
            if is_due { disputes.due(roster, now_ms).map(|dispute| (*id, dispute)) } else { None }
        }) {
            if !core::mem::replace(&mut dispute.is_asked, true) {
                dispute.due_ms = dispute.due_ms.max(now_ms.saturating_add(ANSWER_MS));
                self.fetch_log(&id, None);
                continue;
            }
            dispute.is_told = true;
            let (user, value) = (dispute.user.clone(), dispute.to_value()?);
            self.journal.put(records::dispute(&id, &user), value);
            self.tell_group(&id, GroupEvent::Forked { user: Some(user) })?;
        }
        Ok(())
    }
}
