//! Asking members for their sender keys, and answering those who ask (`docs/PROTOCOL.md` section 16.4).

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::groups::GroupId;
use crate::client::groups::group::{KeyId, Standing};
use crate::client::outbox::Target;
use crate::error::{Error, Result};
use crate::limits::CLIENT_KEY_ANSWER_MS;
use crate::wire::client::{SenderKeyName, Withheld, WithheldReason};
use crate::wire::content::ContentKind;

impl Client {
    /// Asks a member for a key of its own.
    pub(super) fn ask_key(&mut self, id: &GroupId, sender: &str, key_id: &KeyId) -> Result<()> {
        let mut body = Zeroizing::new(Vec::new());
        SenderKeyName { group_id: id, key_id }.put(&mut *body);
        let target = Target::User(sender.into());
        if self.outbox.open(&target, ContentKind::KeyRequest).any(|(_, open)| *open == **body) {
            return Ok(());
        }
        self.enqueue_spare(target, ContentKind::KeyRequest, body)
    }

    /// A peer asks for a key of ours.
    pub(in crate::client) fn key_asked(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let now_ms = self.now_ms;
        let (Ok(SenderKeyName { group_id, key_id }), Some(fingerprint)) =
            (SenderKeyName::parse(body), self.session_fingerprint(user))
        else {
            self.drop_garbage();
            return Ok(());
        };
        let Some(group) = self.group(group_id)?.filter(|group| group.standing == Standing::Member) else {
            self.drop_garbage();
            return Ok(());
        };
        let Some(roster) = &group.roster else { return Err(Error::Internal) };
        // A stranger is not even told.
        if roster.standing(user) == crate::roster::Standing::Never {
            self.drop_garbage();
            return Ok(());
        }
        // Refusals count together, whatever keys are named.
        let is_ours = group.own.as_ref().is_some_and(|own| own.sender.key_id() == key_id);
        let asked = (user.into(), if is_ours { *key_id } else { KeyId::default() });
        let answered_ms = group.answered.get(&asked);
        if answered_ms.is_some_and(|answered_ms| now_ms.saturating_sub(*answered_ms) < CLIENT_KEY_ANSWER_MS) {
            return Ok(());
        }
        group.answered.retain(|_, answered_ms| now_ms.saturating_sub(*answered_ms) < CLIENT_KEY_ANSWER_MS);
        group.answered.insert(asked, now_ms);
        let reason = match &group.own {
            _ if roster.is_behind(now_ms) => WithheldReason::RosterBehind,
            Some(own) if own.sender.key_id() == key_id => {
                match own.sender.distribution(roster, user, &fingerprint) {
                    Ok(_) => return self.hand_to(group_id, user),
                    Err(Error::IdentityChanged) => WithheldReason::OtherIdentity,
                    Err(Error::RosterForked) => WithheldReason::RosterBehind,
                    Err(_) => WithheldReason::NotAMember,
                }
            }
            _ => match roster.vouch(user, &fingerprint) {
                Ok(_) => WithheldReason::Gone,
                Err(Error::IdentityChanged) => WithheldReason::OtherIdentity,
                Err(_) => WithheldReason::NotAMember,
            },
        };
        let mut body = Zeroizing::new(Vec::new());
        Withheld { key: SenderKeyName { group_id, key_id }, reason }.put(&mut *body);
        self.enqueue_spare(Target::User(user.into()), ContentKind::Withheld, body)
    }

    /// A peer does not give us its key.
    pub(in crate::client) fn key_refused(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let Ok(Withheld { key, reason }) = Withheld::parse(body) else {
            self.drop_garbage();
            return Ok(());
        };
        if self.group(key.group_id)?.is_none() {
            return Ok(());
        }
        let status = match reason {
            WithheldReason::NotAMember => Error::NotAMember,
            WithheldReason::OtherIdentity => Error::IdentityChanged,
            WithheldReason::Gone => Error::WithheldKey,
            // Asking again may help.
            WithheldReason::RosterBehind => return Ok(()),
        };
        self.give_up(key.group_id, user, key.key_id, status)
    }

    /// A peer has installed a key of ours.
    pub(in crate::client) fn key_installed(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let Ok(SenderKeyName { group_id, key_id }) = SenderKeyName::parse(body) else {
            self.drop_garbage();
            return Ok(());
        };
        let Some(group) = self.group(group_id)? else { return Ok(()) };
        if let Some(own) = group.own.as_mut().filter(|own| own.sender.key_id() == key_id) {
            own.sender.confirm(user);
            group.dirty.sender = true;
            self.groups.dirty.insert(*group_id);
        }
        Ok(())
    }
}
