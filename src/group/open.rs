//! Reading (`docs/PROTOCOL.md` section 8.5): [`GroupReceiver::open`] changes nothing, [`GroupReceiver::commit`] takes
//! what it answered. [`GroupReceiver::decrypt`] is both in one, for data, in the caller's buffer.

use core::fmt;
use core::ops::Range;

use zeroize::{Zeroize as _, Zeroizing};

use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::group::chain::Step;
use crate::group::keyring::Keyring;
use crate::group::read::{Ahead, Read, envelope_id};
use crate::group::sender_key::SenderKey;
use crate::group::{Claim, GroupReceiver};
use crate::limits::GROUP_RECENT_MAX;
use crate::roster::{Member, Roster, Standing};
use crate::wire::content::{CONTENT_MIN, Content, ContentKind, Data, MESSAGE_ID_LEN};
use crate::wire::envelope::ENVELOPE_ID_LEN;
use crate::wire::group::{Front, GroupMessage};

/// A message that was authenticated and decrypted, and what taking it would change. Dropping it changes nothing.
pub struct Opening {
    revision: u64,
    sender: String,
    key_id: [u8; 8],
    counter: u32,
    timestamp_ms: u64,
    shared_by: Option<String>,
    authentic: Authentic<'static>,
    content: Zeroizing<Vec<u8>>,
    kind: ContentKind,
    message_id: [u8; MESSAGE_ID_LEN],
    body: Range<usize>,
}

/// A message that was authenticated: what decrypts it, and what taking it would change.
struct Authentic<'s> {
    now_ms: u64,
    claim: Option<Claim>,
    read: Read<'s>,
    envelope_id: [u8; ENVELOPE_ID_LEN],
}

/// What a decrypted content is.
pub(super) struct Contained {
    pub(super) kind: ContentKind,
    pub(super) message_id: [u8; MESSAGE_ID_LEN],
    /// Where the body lies in it.
    pub(super) body: Range<usize>,
}

impl Contained {
    /// [`Error::WrongKind`] for a content that groups do not carry.
    pub(super) fn check(content: &[u8]) -> Result<Self> {
        let Content { kind, message_id, body } = Content::parse(content)?;
        if !kind.in_groups() {
            return Err(Error::WrongKind);
        }
        if kind == ContentKind::Data {
            Data::parse(body)?;
        }
        let body = CONTENT_MIN..CONTENT_MIN.saturating_add(body.len());
        Ok(Self { kind, message_id: *message_id, body })
    }
}

impl Opening {
    /// What the content is.
    #[must_use]
    pub fn kind(&self) -> ContentKind {
        self.kind
    }

    /// The random id that the sender gave it.
    #[must_use]
    pub fn message_id(&self) -> &[u8; MESSAGE_ID_LEN] {
        &self.message_id
    }

    /// The content's body; wiped with the opening.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.content.get(self.body.clone()).unwrap_or_default()
    }

    /// Who sent it: proven, unless [`Opening::shared_by`] names somebody.
    #[must_use]
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// Its number under the sender key.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.counter
    }

    /// When it was sent, by the sender's clock.
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.timestamp_ms
    }

    /// In a receiver of history, the member who vouches for the message.
    #[must_use]
    pub fn shared_by(&self) -> Option<&str> {
        self.shared_by.as_deref()
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("sender", &self.sender).finish_non_exhaustive()
    }
}

impl GroupReceiver {
    /// Authenticates and decrypts a group message. Nothing changes, whatever the answer.
    ///
    /// In this order: parsing; [`Error::WrongGroup`]; [`Error::SenderRemoved`], [`Error::NotAMember`];
    /// [`Error::RetiredKey`], [`Error::UnknownKey`]; [`Error::Duplicate`], [`Error::Replay`],
    /// [`Error::UnknownKey`] for a message that is no longer stored, [`Error::TooFarAhead`];
    /// [`Error::AuthenticationFailed`]; [`Error::WrongKind`] for content that groups do not carry.
    pub fn open(&self, roster: &Roster, envelope: &[u8], now_ms: u64) -> Result<Opening> {
        let message = GroupMessage::parse(envelope)?;
        let (key, authentic) = self.authenticate(roster, envelope, &message, Ahead::default(), now_ms)?;
        let mut content = Zeroizing::new(message.content().to_vec());
        authentic.read.unseal(&message, &mut Secret::zeroed(), &mut content)?;
        let Contained { kind, message_id, body } = Contained::check(&content)?;
        let front = &message.front;
        Ok(Opening {
            revision: self.revision,
            sender: front.sender.to_owned(),
            key_id: *front.key_id,
            counter: front.counter,
            timestamp_ms: front.timestamp_ms,
            shared_by: key.shared_by.clone(),
            authentic,
            content,
            kind,
            message_id,
            body,
        })
    }

    /// Takes the message in: it opens once. What it says of the roster may be a claim.
    ///
    /// [`Error::InvalidArgument`] if the receiver has changed since [`GroupReceiver::open`].
    pub fn commit(&mut self, opening: Opening) -> Result<Option<Claim>> {
        if opening.revision != self.revision {
            return Err(Error::InvalidArgument);
        }
        self.take(&opening.sender, &opening.key_id, opening.authentic)
    }

    /// [`GroupReceiver::open`] and [`GroupReceiver::commit`] of a data message in one, without a heap for one in its
    /// turn: the content is decrypted into `room`, which has as many bytes as [`GroupMessage::content`] of `message`,
    /// which is `envelope`, parsed. Answers where in it the payload lies.
    ///
    /// The errors are those of both; [`Error::WrongKind`] also for content that is no data, [`Error::InvalidArgument`]
    /// for a `room` of another length. Nothing changed then, and `room` holds no content.
    pub fn decrypt(
        &mut self,
        roster: &Roster,
        envelope: &[u8],
        message: &GroupMessage<'_>,
        now_ms: u64,
        room: &mut [u8],
    ) -> Result<(Range<usize>, Option<Claim>)> {
        let decrypted = self.decrypt_here(roster, envelope, message, now_ms, room);
        self.slot.zeroize();
        if decrypted.is_err() {
            room.zeroize();
        }
        decrypted
    }

    fn decrypt_here(
        &mut self,
        roster: &Roster,
        envelope: &[u8],
        message: &GroupMessage<'_>,
        now_ms: u64,
        room: &mut [u8],
    ) -> Result<(Range<usize>, Option<Claim>)> {
        // Here on the stack, where an opening that lives on needs a place of its own for it.
        let next = self.next_step(&message.front);
        let ahead = Ahead { step: next.as_ref(), ..Ahead::default() };
        let (_, authentic) = self.authenticate(roster, envelope, message, ahead, now_ms)?;
        if room.len() != message.content().len() {
            return Err(Error::InvalidArgument);
        }
        room.copy_from_slice(message.content());
        authentic.read.unseal(message, &mut self.slot, room)?;
        let Contained { kind, body, .. } = Contained::check(room)?;
        if kind != ContentKind::Data {
            return Err(Error::WrongKind);
        }
        let claim = self.take(message.front.sender, message.front.key_id, authentic)?;
        Ok((Data::payload_within(body), claim))
    }

    /// The step of a message, if it is the next one of a held key.
    fn next_step(&self, front: &Front<'_>) -> Option<Step> {
        let chain = &self.senders.get(front.sender)?.find(front.key_id)?.chain;
        if chain.counter() == front.counter { chain.derive().ok() } else { None }
    }

    /// Section 8.5 up to the signature. Nothing changes.
    fn authenticate<'s>(
        &self,
        roster: &Roster,
        envelope: &[u8],
        message: &GroupMessage<'_>,
        ahead: Ahead<'s>,
        now_ms: u64,
    ) -> Result<(&SenderKey, Authentic<'s>)> {
        let front = &message.front;
        self.check_group(roster)?;
        if *front.group_id != self.group_id {
            return Err(Error::WrongGroup);
        }
        let now_ms = self.clock(now_ms);
        let key = self.key_of(roster, front, now_ms)?;
        let is_recent = || key.recent.contains(GROUP_RECENT_MAX, &envelope_id(envelope));
        let read = key.authenticate(message, ahead, is_recent, |sums| key.verify(message, sums))?;
        let claim = Claim::of(roster, front.sender, front.epoch, front.roster_hash);
        let claim = claim.filter(|_| !self.options.history);
        Ok((key, Authentic { now_ms, claim, read, envelope_id: envelope_id(envelope) }))
    }

    fn take(&mut self, sender: &str, key_id: &[u8; 8], authentic: Authentic<'_>) -> Result<Option<Claim>> {
        let Authentic { now_ms, claim, read, envelope_id } = authentic;
        let key = self.held_key(sender, key_id).ok_or(Error::InvalidArgument)?;
        key.remember(envelope_id);
        let stored = key.stored_bytes();
        key.apply(read);
        let stored = (stored, key.stored_bytes());
        self.stores(stored);
        self.advance(now_ms);
        Ok(claim)
    }

    /// A key that [`GroupReceiver::key_of`] found.
    pub(super) fn held_key(&mut self, sender: &str, key_id: &[u8; 8]) -> Option<&mut SenderKey> {
        self.senders.get_mut(sender)?.find_mut(key_id)
    }

    /// The key that a message says to be under (steps 2 and 3 of section 8.5).
    pub(super) fn key_of(&self, roster: &Roster, front: &Front<'_>, now_ms: u64) -> Result<&SenderKey> {
        let member = self.check_sender(roster, front)?;
        let keyring = self.senders.get(front.sender);
        let Some(key) = keyring.and_then(|keyring| keyring.find(front.key_id)) else {
            let wiped = keyring.is_some_and(|keyring: &Keyring| keyring.was_wiped(front.key_id));
            return Err(if wiped { Error::RetiredKey } else { Error::UnknownKey });
        };
        let foreign = member.is_some_and(|member| !key.is_of(member));
        if foreign || !self.is_open(key, now_ms) { Err(Error::RetiredKey) } else { Ok(key) }
    }

    /// The member who says to have sent it; in a receiver of history nobody needs to be one.
    fn check_sender<'r>(&self, roster: &'r Roster, front: &Front<'_>) -> Result<Option<&'r Member>> {
        if self.options.history {
            return Ok(None);
        }
        match (roster.member(front.sender), roster.standing(front.sender)) {
            (Some(member), _) => Ok(Some(member)),
            (None, Standing::Former) => Err(Error::SenderRemoved),
            (None, _) => Err(Error::NotAMember),
        }
    }
}
