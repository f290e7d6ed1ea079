//! Taking in the sender keys of others (`docs/PROTOCOL.md` sections 8.3 and 16.4).

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::Event;
use crate::client::groups::GroupId;
use crate::client::groups::group::{EarlyKey, Standing};
use crate::client::outbox::Target;
use crate::client::records;
use crate::error::{Error, Result};
use crate::group::{Claim, Distribution};
use crate::identity::Fingerprint;
use crate::limits::CLIENT_KEYS_MAX;
use crate::wire::client::SenderKeyName;
use crate::wire::content::ContentKind;

impl Client {
    /// A peer gives us its sender key in a session.
    pub(in crate::client) fn distributed(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let (Ok(distribution), Some(fingerprint)) =
            (Distribution::decode(body), self.session_fingerprint(user))
        else {
            self.drop_garbage();
            return Ok(());
        };
        let id = *distribution.group_id();
        if !self.meet_group(&id) {
            self.drop_garbage();
            return Ok(());
        }
        let Some(group) = self.group(&id)? else { return Err(Error::Internal) };
        match group.standing {
            Standing::Member => self.install(&id, user, &fingerprint, &distribution, body),
            Standing::Outside => {
                self.keep_early(&id, user, &fingerprint, body)?;
                // Who is added learns it from keys, if they come before all else.
                self.fetch_log(&id, None);
                Ok(())
            }
            Standing::Former => {
                let head = group.roster.as_ref().map_or(0, |roster| roster.epoch());
                if distribution.epoch() > head {
                    self.keep_early(&id, user, &fingerprint, body)?;
                    self.fetch_claimed(&id);
                }
                Ok(())
            }
        }
    }

    fn install(
        &mut self,
        id: &GroupId,
        user: &str,
        fingerprint: &Fingerprint,
        distribution: &Distribution,
        body: &[u8],
    ) -> Result<()> {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        let (Some(roster), Some(receiver)) = (&group.roster, &mut group.receiver) else { return Ok(()) };
        let head = roster.epoch();
        match receiver.keys.install(roster, user, fingerprint, distribution, now_ms) {
            Ok(claim) => {
                receiver.changed();
                group.dirty.receiver = true;
                self.groups.dirty.insert(*id);
                if let Some(claim) = claim {
                    self.claimed(id, &claim)?;
                }
                let key = SenderKeyName { group_id: id, key_id: distribution.key_id() };
                let mut body = Zeroizing::new(Vec::new());
                key.put(&mut *body);
                let target = Target::User(user.into());
                let waits =
                    self.outbox.open(&target, ContentKind::Installed).any(|(_, open)| *open == **body);
                if !waits {
                    self.enqueue_spare(target, ContentKind::Installed, body)?;
                }
                self.retry_pending(id, Some((user, distribution.key_id())))?;
                self.stir(id);
                Ok(())
            }
            Err(Error::NotAMember | Error::IdentityChanged | Error::SenderRemoved)
                if distribution.epoch() > head =>
            {
                self.keep_early(id, user, fingerprint, body)?;
                self.fetch_claimed(id);
                Ok(())
            }
            Err(status @ (Error::RetiredKey | Error::IdentityChanged)) => {
                self.give_up(id, user, distribution.key_id(), status)
            }
            Err(status @ Error::Equivocation) => {
                self.tell(Event::Error { status });
                Ok(())
            }
            Err(_) => {
                self.drop_garbage();
                Ok(())
            }
        }
    }

    /// A member names entries that we do not have.
    pub(super) fn claimed(&mut self, id: &GroupId, claim: &Claim) -> Result<()> {
        let now_ms = self.now_ms;
        if let Some(roster) = self.groups.loaded(id).and_then(|group| group.roster.as_mut()) {
            roster.note_claim(&claim.claimant, claim.epoch, &claim.roster_hash, now_ms);
        }
        self.note_dispute(id, &claim.claimant, claim.epoch, &claim.roster_hash)?;
        self.fetch_claimed(id);
        Ok(())
    }

    /// Keeps a key until the entry comes that makes its owner a member.
    fn keep_early(&mut self, id: &GroupId, user: &str, fingerprint: &Fingerprint, body: &[u8]) -> Result<()> {
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        if group.early.len() >= CLIENT_KEYS_MAX {
            self.drop_garbage();
            return Ok(());
        }
        let number = group.early.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        let key = EarlyKey {
            user: user.into(),
            fingerprint: *fingerprint.as_bytes(),
            body: Zeroizing::new(body.to_vec()),
        };
        self.journal.put(records::key(id, number), key.to_value()?);
        group.early.insert(number, key);
        group.dirty.record = true;
        self.groups.dirty.insert(*id);
        Ok(())
    }

    /// Tries the keys whose owners were no members.
    pub(super) fn retry_early_keys(&mut self, id: &GroupId) -> Result<()> {
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        if group.standing != Standing::Member || group.early.is_empty() {
            return Ok(());
        }
        for (number, key) in core::mem::take(&mut group.early) {
            self.journal.delete(records::key(id, number));
            let fingerprint = Fingerprint::from_bytes(key.fingerprint);
            // It was read before it was kept.
            let distribution = Distribution::decode(&key.body).map_err(|_| Error::StoreDamaged)?;
            self.install(id, &key.user, &fingerprint, &distribution, &key.body)?;
        }
        Ok(())
    }
}
