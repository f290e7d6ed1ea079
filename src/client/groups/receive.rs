//! Reading group messages: those of one group that came one after another together, so that one signature vouches for
//! a run of them (`docs/PROTOCOL.md` section 8.5).

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::groups::group::Standing;
use crate::client::groups::{GroupEvent, GroupId};
use crate::error::{Error, Result};
use crate::group::{Backlog, Claim};
use crate::roster::Standing as Membership;
use crate::wire::content::{ContentKind, Data};
use crate::wire::group::GroupMessage;

/// What became of a message.
pub(super) enum Read {
    /// It was shown, or had been before.
    Taken,
    /// Its key has not come, or not the entry that makes its sender a member.
    Waits,
    /// It will not be read.
    Refused(Error),
}

/// A message that was opened.
struct Opened {
    message_id: [u8; 16],
    body: Zeroizing<Vec<u8>>,
    claim: Option<Claim>,
    shared_by: Option<Box<str>>,
}

impl Client {
    /// The relay delivered messages of one group.
    pub(in crate::client) fn group_envelopes(&mut self, id: &GroupId, envelopes: Vec<Vec<u8>>) -> Result<()> {
        if !self.meet_group(id) {
            self.drop_garbage();
            return Ok(());
        }
        let Some(group) = self.group(id)? else { return Err(Error::Internal) };
        let reads = match group.standing {
            Standing::Member => self.read_messages(id, &envelopes)?,
            Standing::Outside => {
                // Either the entry that brings us in is on its way, or the relay will say that it is none of ours.
                self.fetch_log(id, None);
                envelopes.iter().map(|_| Read::Waits).collect()
            }
            Standing::Former => {
                let head = group.roster.as_ref().map_or(0, |roster| roster.epoch());
                let mut reads = Vec::with_capacity(envelopes.len());
                for envelope in &envelopes {
                    let is_later =
                        GroupMessage::parse(envelope).is_ok_and(|message| message.front.epoch > head);
                    reads.push(if is_later { Read::Waits } else { Read::Refused(Error::NotAMember) });
                }
                if reads.iter().any(|read| matches!(read, Read::Waits)) {
                    self.fetch_claimed(id);
                }
                reads
            }
        };
        let mut lost = Vec::new();
        for (envelope, read) in envelopes.into_iter().zip(reads) {
            let Ok(message) = GroupMessage::parse(&envelope) else { continue };
            let sender: Box<str> = message.front.sender.into();
            match read {
                Read::Taken => {}
                Read::Waits => {
                    if !self.keep_pending(id, envelope)? {
                        lost.push((sender, Error::LimitReached));
                    }
                }
                Read::Refused(status) => {
                    self.counters.unreadable = self.counters.unreadable.saturating_add(1);
                    // Anybody can make up what a relay delivers. What a member can have meant is told.
                    if matches!(status, Error::RetiredKey | Error::TooFarAhead | Error::UnknownKey) {
                        lost.push((sender, status));
                    }
                }
            }
        }
        let roster = self.groups.loaded(id).and_then(|group| group.roster.as_ref());
        lost.retain(|(sender, _)| roster.is_some_and(|roster| roster.member(sender).is_some()));
        self.tell_unreadable(id, lost)
    }

    /// Reads messages in their order and shows them.
    pub(super) fn read_messages(&mut self, id: &GroupId, envelopes: &[Vec<u8>]) -> Result<Vec<Read>> {
        let now_ms = self.now_ms;
        let references: Vec<&[u8]> = envelopes.iter().map(Vec::as_slice).collect();
        let backlog = Backlog::new(&references);
        let mut out = Zeroizing::new(vec![0; backlog.content_len()]);
        let Some(group) = self.groups.loaded(id) else { return Err(Error::Internal) };
        let (Some(roster), Some(receiver)) = (&group.roster, &mut group.receiver) else {
            return Err(Error::Internal);
        };
        let results =
            receiver.keys.decrypt_batch(roster, &backlog, &[ContentKind::Data], now_ms, &mut out)?;
        if results.iter().any(Result::is_ok) {
            group.dirty.receiver = true;
            self.groups.dirty.insert(*id);
        }
        let mut reads = Vec::with_capacity(results.len());
        for (result, envelope) in results.into_iter().zip(envelopes) {
            reads.push(match result {
                Ok(received) => {
                    let body = out.get(received.body).ok_or(Error::Internal)?;
                    let opened = Opened {
                        message_id: received.message_id,
                        body: Zeroizing::new(body.to_vec()),
                        claim: received.claim,
                        shared_by: None,
                    };
                    self.show(id, envelope, opened)?
                }
                Err(status) => self.judge_unread(id, envelope, status)?,
            });
        }
        Ok(reads)
    }

    /// Shows a message once, and remembers what it says of the log.
    fn show(&mut self, id: &GroupId, envelope: &[u8], opened: Opened) -> Result<Read> {
        let front = GroupMessage::parse(envelope)?.front;
        let Opened { message_id, body, claim, shared_by } = opened;
        if let Some(claim) = claim {
            self.claimed(id, &claim)?;
        }
        let Ok(data) = Data::parse(&body) else {
            self.drop_garbage();
            return Ok(Read::Taken);
        };
        // What somebody else vouches for must not hide what the sender itself says.
        let proven = shared_by.is_none();
        if proven && !self.see(front.sender, &message_id, true)? {
            self.counters.repeated = self.counters.repeated.saturating_add(1);
            return Ok(Read::Taken);
        }
        self.tell_group(
            id,
            GroupEvent::Message {
                from: front.sender.into(),
                message_id,
                content_type: data.content_type,
                payload: Zeroizing::new(data.payload.to_vec()),
                sent_ms: front.timestamp_ms,
                shared_by,
            },
        )?;
        if proven {
            self.delivered_in(Some(id), front.sender, &message_id)?;
        }
        Ok(Read::Taken)
    }

    /// A message did not open with the keys that its sender gave us.
    fn judge_unread(&mut self, id: &GroupId, envelope: &[u8], status: Error) -> Result<Read> {
        match status {
            Error::Duplicate | Error::Replay => {
                self.counters.repeated = self.counters.repeated.saturating_add(1);
                return Ok(Read::Taken);
            }
            Error::UnknownKey | Error::RetiredKey | Error::SenderRemoved | Error::NotAMember => {}
            _ => return Ok(Read::Refused(status)),
        }
        let front = GroupMessage::parse(envelope)?.front;
        // What the sender may still prove itself is not taken in somebody else's word.
        let may_come = status == Error::UnknownKey && !self.is_before_us(id, front.epoch);
        if !may_come && let Some(opened) = self.open_shared(id, envelope)? {
            return self.show(id, envelope, opened);
        }
        let Some(group) = self.groups.loaded(id) else { return Err(Error::Internal) };
        let Some(roster) = &group.roster else { return Err(Error::Internal) };
        let names_more = roster.is_claim(front.epoch, front.roster_hash);
        let waits = match status {
            Error::UnknownKey => true,
            // An entry may be missing. Only the log can say, and it is asked once a minute.
            Error::NotAMember => names_more && roster.standing(front.sender) == Membership::Never,
            Error::SenderRemoved => names_more && front.epoch > roster.epoch(),
            _ => false,
        };
        if waits && status != Error::UnknownKey {
            self.fetch_claimed(id);
        }
        Ok(if waits { Read::Waits } else { Read::Refused(status) })
    }

    /// Whether a message is of a time when we were no member.
    fn is_before_us(&mut self, id: &GroupId, epoch: u64) -> bool {
        let user = self.identity.user().to_owned();
        let roster = self.groups.loaded(id).and_then(|group| group.roster.as_ref());
        roster.and_then(|roster| roster.member(&user)).is_some_and(|member| epoch < member.since_epoch())
    }

    /// Opens a message with what was shared of the past.
    fn open_shared(&mut self, id: &GroupId, envelope: &[u8]) -> Result<Option<Opened>> {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return Ok(None) };
        let (Some(roster), Some(shared)) = (&group.roster, &mut group.shared) else { return Ok(None) };
        let Ok(opening) = shared.keys.open(roster, envelope, now_ms) else { return Ok(None) };
        let opened = Opened {
            message_id: *opening.message_id(),
            body: Zeroizing::new(opening.body().to_vec()),
            claim: None,
            shared_by: opening.shared_by().map(Into::into),
        };
        shared.keys.commit(opening)?;
        group.dirty.shared = true;
        self.groups.dirty.insert(*id);
        Ok(Some(opened))
    }

    /// Reads old messages of a group that the application has kept or got elsewhere, with the keys that members have
    /// shared. Answers how many were read; events show them. Others are passed over.
    ///
    /// [`Error::UnknownGroup`] unless we are a member.
    pub fn read_shared(&mut self, group: &GroupId, envelopes: &[&[u8]], now_ms: u64) -> Result<usize> {
        self.advance(now_ms)?;
        let standing = self.group(group)?.map(|group| group.standing);
        if standing != Some(Standing::Member) {
            return Err(Error::UnknownGroup);
        }
        let mut count = 0_usize;
        let mut shown = BTreeSet::new();
        for envelope in envelopes {
            let opened = self.open_shared(group, envelope).map_err(|error| self.fail(error))?;
            let Some(opened) = opened else { continue };
            // One whose answer was lost may have been sealed twice, and have come to us as well.
            let sender = GroupMessage::parse(envelope)?.front.sender;
            let seen = self.seen_of(sender).map(|seen| seen.contains(&opened.message_id));
            let is_seen = seen.map_err(|error| self.fail(error))?;
            if !is_seen && shown.insert((sender, opened.message_id)) {
                self.show(group, envelope, opened).map_err(|error| self.fail(error))?;
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    /// The group that an envelope is for, and whether it is one for a group at all.
    pub(in crate::client) fn group_of(envelope: &[u8]) -> Option<GroupId> {
        GroupMessage::parse(envelope).ok().map(|message| *message.front.group_id)
    }
}
