//! Our sender keys: when one is made, and to whom it goes (`docs/PROTOCOL.md` sections 8.4 and 16.4).

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::groups::group::{KeyId, OwnKey, Standing};
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::outbox::Target;
use crate::client::timers::count_within;
use crate::error::{Error, Result};
use crate::group::{GroupSender, GroupSenderOptions};
use crate::identity::Fingerprint;
use crate::limits::GROUP_CHAIN_MAX;
use crate::roster::Roster;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::ContentKind;

/// While entries are known to be missing, how often a group that waits for them is looked at.
const BEHIND_MS: u64 = 5_000;

/// Keys that no message waits for, of one group in a time.
const EAGER_KEYS_MAX: u32 = 8;
const EAGER_WINDOW_MS: u64 = 60_000;

/// A distribution on its way to one member, as the outbox holds it.
struct Handing {
    group: GroupId,
    key_id: KeyId,
    epoch: u64,
    /// The distribution itself, once the key is no longer ours to ask for it. Until then it is made when it is sealed, so
    /// that no copy of a chain key lies about.
    body: Option<Zeroizing<Vec<u8>>>,
}

impl Handing {
    fn to_body(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(Vec::with_capacity(300));
        out.put(&self.group);
        out.put(&self.key_id);
        out.put_u64(self.epoch);
        out.put_bytes16(self.body.as_ref().map_or(&[], |body| body.as_slice()))?;
        Ok(out)
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let (group, key_id, epoch) = (*reader.array()?, *reader.array()?, reader.u64()?);
        let body = reader.bytes16(0..=usize::from(u16::MAX))?;
        reader.finish()?;
        let body = (!body.is_empty()).then(|| Zeroizing::new(body.to_vec()));
        Ok(Self { group, key_id, epoch, body })
    }
}

/// What is kept of a distribution that was sealed: that it was due, and nothing that opens a message.
pub(in crate::client) fn distribution_note(waiting: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    Handing { body: None, ..Handing::read(waiting)? }.to_body()
}

impl Client {
    /// Goes on with everything in groups that waits for nothing: requests, and keys to be made.
    pub(in crate::client) fn tend_groups(&mut self) -> Result<()> {
        self.tend_requests()?;
        if !self.groups.is_caught_up {
            return Ok(());
        }
        self.tend_logs();
        self.tend_offers();
        let mut ids = core::mem::take(&mut self.groups.stirred);
        ids.extend(self.groups.eager_due(self.now_ms));
        ids.extend(self.outbox.groups_waiting());
        for id in ids {
            let now_ms = self.now_ms;
            if self.journal.is_long() {
                self.groups.stirred.insert(id);
                continue;
            }
            if self.group(&id)?.is_some_and(|group| group.retire(now_ms)) {
                self.groups.dirty.insert(id);
            }
            self.tend_key(&id)?;
        }
        Ok(())
    }

    /// Makes and hands out our key if the group needs another one now.
    fn tend_key(&mut self, id: &GroupId) -> Result<()> {
        let now_ms = self.now_ms;
        let waits = self.outbox.waits_for(&Target::Group(*id));
        let eager_members = self.options.eager_members;
        let is_crowded = self.outbox.is_crowded();
        let Some(group) = self.group(id)? else { return Ok(()) };
        if group.standing == Standing::Former && waits {
            // It did not end with one commit, and the client has been opened since.
            let deleted = group.roster.as_ref().is_some_and(Roster::is_deleted);
            let status = if deleted { Error::GroupDeleted } else { Error::NotAMember };
            return self.fail_target(&Target::Group(*id), status);
        }
        if group.standing != Standing::Member || group.fetch.is_asked() {
            return Ok(());
        }
        let Some(roster) = &group.roster else { return Err(Error::Internal) };
        if !waits && (roster.members().len() > eager_members || is_crowded) {
            return Ok(());
        }
        if roster.is_behind(now_ms) {
            self.outbox.delay(&Target::Group(*id), now_ms.saturating_add(BEHIND_MS));
            self.groups.stirred.insert(*id);
            return Ok(());
        }
        self.renew_key(id, waits)
    }

    /// Makes our key anew if it must be, and hands it out.
    fn renew_key(&mut self, id: &GroupId, waits: bool) -> Result<()> {
        let (now_ms, restorations) = (self.now_ms, self.settings.restorations);
        let unsealed = self.outbox.starts_unsealed(&Target::Group(*id));
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        let Some(roster) = &group.roster else { return Err(Error::Internal) };
        let restored = group.restorations < restorations;
        // One that is old or used up is made anew for what is not sealed yet. What is sealed leaves first, or it would be
        // sealed again under a key that it uses up again.
        let is_due = group.own.as_ref().is_none_or(|own| {
            restored
                || own.sender.check_leaving(roster, now_ms) == Err(Error::RotationRequired)
                || (unsealed && own.sender.check_sending(roster, now_ms) == Err(Error::RotationRequired))
        });
        if !is_due {
            return Ok(());
        }
        // Whoever lets members come and go makes us hand out keys that open nothing.
        if !waits && count_within(&mut group.eager, now_ms, EAGER_WINDOW_MS, EAGER_KEYS_MAX).is_err() {
            group.eager_ms = Some(group.eager.0.saturating_add(EAGER_WINDOW_MS));
            return Ok(());
        }
        group.eager_ms = None;
        if !restored {
            self.keep_handings(id)?;
        }
        let options = GroupSenderOptions {
            rotate_messages: self.options.rotate_messages.clamp(1, GROUP_CHAIN_MAX),
            rotate_ms: self.options.rotate_ms.max(1),
            padding: self.options.padding,
            confirm: true,
        };
        let Self { groups, identity, rng, .. } = self;
        let Some(group) = groups.loaded(id) else { return Ok(()) };
        let Some(roster) = &group.roster else { return Err(Error::Internal) };
        match &mut group.own {
            Some(own) => own.sender.rotate(roster, now_ms, &mut **rng)?,
            None => {
                let sender = GroupSender::new(identity, roster, options, now_ms, &mut **rng)?;
                group.own = Some(OwnKey::new(sender));
            }
        }
        group.restorations = restorations;
        group.dirty.sender = true;
        group.dirty.record = true;
        groups.dirty.insert(*id);
        self.hand_out(id)
    }

    /// Puts our key on its way to everybody.
    fn hand_out(&mut self, id: &GroupId) -> Result<()> {
        let me: Box<str> = self.identity.user().into();
        let Some(roster) = self.groups.loaded(id).and_then(|group| group.roster.as_ref()) else {
            return Ok(());
        };
        let users: Vec<Box<str>> =
            roster.members().map(|member| (**member.user()).into()).filter(|user| *user != me).collect();
        users.iter().try_for_each(|user| self.hand_to(id, user))
    }

    /// Puts our key on its way to one member, unless it is already, or must not have it.
    pub(super) fn hand_to(&mut self, id: &GroupId, user: &str) -> Result<()> {
        let pinned = self.peer(user)?.fingerprint();
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        let (Some(roster), Some(own)) = (&group.roster, &group.own) else { return Ok(()) };
        let Some(member) = roster.member(user) else { return Ok(()) };
        // Whom we do not know yet is looked up, and looked at again when it is sealed.
        let fingerprint = pinned.unwrap_or_else(|| member.fingerprint());
        if let Err(status) = own.sender.distribution(roster, user, &fingerprint) {
            return self.withhold(id, user, status);
        }
        let handing =
            Handing { group: *id, key_id: *own.sender.key_id(), epoch: own.sender.epoch(), body: None };
        let (target, body) = (Target::User(user.into()), handing.to_body()?);
        let waits = self.outbox.open(&target, ContentKind::Distribution).any(|(_, open)| *open == **body);
        if !waits {
            self.enqueue_spare(target, ContentKind::Distribution, body)?;
        }
        Ok(())
    }

    /// A member is given no key.
    fn withhold(&mut self, id: &GroupId, user: &str, status: Error) -> Result<()> {
        let tells = matches!(status, Error::IdentityChanged | Error::RosterForked);
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        if tells && group.withheld.insert(user.into()) {
            return self.tell_group(id, GroupEvent::KeyWithheld { user: user.into(), status });
        }
        Ok(())
    }

    /// What a distribution that waits for this peer says, now that it is sealed; nothing if the peer must not have it
    /// any more.
    pub(in crate::client) fn distribution_body(
        &mut self,
        user: &str,
        waiting: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Handing { group: id, key_id, epoch, body } = Handing::read(waiting)?;
        let Some(fingerprint) = self.session_fingerprint(user) else { return Ok(None) };
        let Some(group) = self.group(&id)? else { return Ok(None) };
        let Some(roster) = group.roster.as_ref().filter(|_| group.standing == Standing::Member) else {
            return Ok(None);
        };
        let made = match (body, &group.own) {
            (Some(body), _) => roster.entitled(user, &fingerprint).and_then(|member| {
                if member.since_epoch() <= epoch { Ok(body) } else { Err(Error::NotAMember) }
            }),
            (None, Some(own)) if *own.sender.key_id() == key_id => {
                own.sender.distribution(roster, user, &fingerprint).map(|made| made.encode())
            }
            (None, _) => return Ok(None),
        };
        match made {
            Ok(body) => Ok(Some(body)),
            Err(status) => {
                self.withhold(&id, user, status)?;
                Ok(None)
            }
        }
    }

    /// Our key is about to be made anew: distributions of the old one that were not sealed yet are made now.
    fn keep_handings(&mut self, id: &GroupId) -> Result<()> {
        for (number, user) in self.outbox.open_everywhere(ContentKind::Distribution) {
            let Some((_, waiting)) = self.outbox.content(number) else { continue };
            let handing = Handing::read(waiting)?;
            if handing.group != *id || handing.body.is_some() {
                continue;
            }
            let Some(group) = self.groups.loaded(id) else { return Ok(()) };
            let (Some(roster), Some(own)) = (&group.roster, &group.own) else { return Ok(()) };
            if *own.sender.key_id() != handing.key_id {
                continue;
            }
            if own.sender.counter() == 0 {
                // It opens nothing.
                self.fail_entry(number, Error::WithheldKey)?;
                continue;
            }
            // The pin is looked at when it is sealed.
            let member = roster.member(&user).map(|member| member.fingerprint());
            let made =
                member.and_then(|fingerprint| own.sender.distribution(roster, &user, &fingerprint).ok());
            let Some(made) = made else { continue };
            let whole = Handing { body: Some(made.encode()), ..handing };
            self.replace_body(number, whole.to_body()?)?;
        }
        Ok(())
    }

    /// The identity of the session with a peer.
    pub(super) fn session_fingerprint(&self, user: &str) -> Option<Fingerprint> {
        let line = self.peers.get(user)?.line.as_ref()?;
        Some(line.session.peer_fingerprint())
    }

    /// A peer may have forgotten our keys of the groups that both of us are in.
    pub(in crate::client) fn hand_all_to(&mut self, user: &str) -> Result<()> {
        self.groups_with(user)?.iter().try_for_each(|id| self.hand_to(id, user))
    }

    /// Another identity of a peer counts from now on: where the roster agrees, it is given our keys.
    pub(in crate::client) fn identity_taken(&mut self, user: &str) -> Result<()> {
        for id in self.groups_with(user)? {
            if let Some(group) = self.groups.loaded(&id) {
                group.withheld.remove(user);
            }
            self.hand_to(&id, user)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_out_reads_back() {
        for body in [None, Some(Zeroizing::new(vec![4; 240]))] {
            let handing = Handing { group: [1; 32], key_id: [2; 8], epoch: 3, body: body.clone() };
            let bytes = handing.to_body().unwrap();
            let read = Handing::read(&bytes).unwrap();
            assert_eq!((read.group, read.key_id, read.epoch, read.body), ([1; 32], [2; 8], 3, body));
            assert!(Handing::read(&bytes[..bytes.len() - 1]).is_err());
        }
    }
}
