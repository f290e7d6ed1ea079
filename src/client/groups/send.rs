//! Writing to groups (`docs/PROTOCOL.md` sections 8.4 and 16.1). The message leaves at once; whoever has no key yet, because
//! it is offline or has no session with us, reads it later.

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::MessageId;
use crate::client::groups::GroupId;
use crate::client::groups::group::Standing;
use crate::client::outbox::Target;
use crate::error::{Error, Result};
use crate::group::{GroupSender, Sending};
use crate::roster::Roster;
use crate::wire::content::{ContentKind, ContentType};
use crate::wire::group::GroupMessage;

impl Client {
    /// Sends a message to all members of a group, and answers its id. Messages arrive in the order of these calls.
    ///
    /// A transient one leaves at once or never: it is not stored, not tried again, and no event tells of it.
    /// [`Error::UnknownGroup`], [`Error::NotAMember`], [`Error::GroupDeleted`]; [`Error::InvalidText`] for what is no text,
    /// [`Error::TooLarge`], [`Error::LimitReached`] if too much waits already.
    pub fn send_group(
        &mut self,
        group: &GroupId,
        content_type: ContentType,
        payload: &[u8],
        transient: bool,
        now_ms: u64,
    ) -> Result<MessageId> {
        self.advance(now_ms)?;
        let known = self.group(group)?.ok_or(Error::UnknownGroup)?;
        match known.standing {
            Standing::Member => {}
            Standing::Outside => return Err(Error::UnknownGroup),
            Standing::Former => {
                let deleted = known.roster.as_ref().is_some_and(Roster::is_deleted);
                return Err(if deleted { Error::GroupDeleted } else { Error::NotAMember });
            }
        }
        self.send_data(Target::Group(*group), content_type, payload, transient)
    }

    /// Seals the first messages for a group, as far as that is possible now, and answers what can be sent.
    pub(in crate::client) fn seal_group(&mut self, id: &GroupId) -> Result<(Vec<u64>, usize)> {
        let (mut ready, mut bytes) = (Vec::new(), 0_usize);
        if !self.groups.is_caught_up || !self.may_leave(id)? {
            return Ok((ready, bytes));
        }
        for number in self.outbox.first(&Target::Group(*id)) {
            self.unseal_old(id, number)?;
            if self.outbox.envelope(number).is_none() && !self.seal_for_group(id, number)? {
                break;
            }
            let length = self.outbox.envelope(number).map_or(0, <[u8]>::len);
            if !self.outbox.fits(bytes, length) && !ready.is_empty() {
                break;
            }
            ready.push(number);
            bytes = bytes.saturating_add(length);
        }
        Ok((ready, bytes))
    }

    /// Whether our key is one that all members of now, and nobody else, were given.
    fn may_leave(&mut self, id: &GroupId) -> Result<bool> {
        self.is_key_sound(id, GroupSender::check_leaving)
    }

    /// Whether another message may be sealed under it.
    fn can_send(&mut self, id: &GroupId) -> Result<bool> {
        self.is_key_sound(id, GroupSender::check_sending)
    }

    fn is_key_sound(
        &mut self,
        id: &GroupId,
        check: fn(&GroupSender, &Roster, u64) -> Result<()>,
    ) -> Result<bool> {
        let now_ms = self.now_ms;
        let restorations = self.settings.restorations;
        let Some(group) = self.group(id)? else { return Ok(false) };
        if group.standing != Standing::Member || group.fetch.is_asked() || group.restorations < restorations {
            return Ok(false);
        }
        let (Some(roster), Some(own)) = (&group.roster, &group.own) else { return Ok(false) };
        Ok(check(&own.sender, roster, now_ms).is_ok())
    }

    /// What was sealed under a key that is ours no longer, and is not known to have arrived, is sealed again: members
    /// may have wiped that key when they read this. Who has read it knows its message id.
    fn unseal_old(&mut self, id: &GroupId, number: u64) -> Result<()> {
        let Some(envelope) = self.outbox.envelope(number) else { return Ok(()) };
        let key_id = GroupMessage::parse(envelope)?.front.key_id;
        let own = self.groups.all.get(id).and_then(Option::as_ref).and_then(|group| group.own.as_ref());
        if own.is_some_and(|own| own.sender.key_id() != key_id) {
            self.reopen(number);
        }
        Ok(())
    }

    fn seal_for_group(&mut self, id: &GroupId, number: u64) -> Result<bool> {
        let Some((message_id, body)) = self.outbox.content(number) else { return Err(Error::Internal) };
        let body = Zeroizing::new(body.to_vec());
        let Some(envelope) = self.encrypt_for_group(id, &message_id, &body)? else { return Ok(false) };
        self.note_sent(number, &message_id, &Target::Group(*id))?;
        self.sealed_for_group(number, envelope)?;
        Ok(true)
    }

    /// Seals a transient message, if it can leave now.
    pub(in crate::client) fn seal_transient(
        &mut self,
        id: &GroupId,
        message_id: &MessageId,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        if self.groups.is_caught_up && self.can_send(id)? {
            self.encrypt_for_group(id, message_id, body)
        } else {
            Ok(None)
        }
    }

    fn encrypt_for_group(
        &mut self,
        id: &GroupId,
        message_id: &MessageId,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let Self { groups, rng, now_ms, .. } = self;
        let Some(group) = groups.loaded(id) else { return Ok(None) };
        let (Some(roster), Some(own)) = (&group.roster, &mut group.own) else { return Ok(None) };
        let mut envelope = vec![0; own.sender.encrypt_len(body.len())];
        let sending = Sending { kind: ContentKind::Data, message_id: Some(message_id), body: &[body] };
        match own.sender.encrypt_as(roster, &sending, *now_ms, &mut **rng, &mut envelope) {
            Ok(length) => envelope.truncate(length),
            // The last one used it up: another is made before the next.
            Err(Error::RotationRequired | Error::ChainExhausted | Error::RosterBehind) => return Ok(None),
            Err(error) => return Err(error),
        }
        if own.sealed() {
            group.dirty.sender = true;
            groups.dirty.insert(*id);
        }
        Ok(Some(envelope))
    }
}
