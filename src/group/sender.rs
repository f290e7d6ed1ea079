//! Sending to a group (`docs/PROTOCOL.md` section 8.4).

use core::fmt;

use zeroize::Zeroize as _;

use crate::crypto::Secret;
use crate::crypto::aead::{self, NONCE_LEN};
use crate::crypto::kdf::{self, Label};
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::group::chain::Step;
use crate::group::distribution::Previous;
use crate::group::links::{LinkBytes, link_after};
use crate::group::own_key::OwnKey;
use crate::group::{check_own, short};
use crate::identity::{Fingerprint, Identity};
use crate::limits::{DAY_MS, GROUP_CHAIN_MAX, GROUP_ROTATE_MESSAGES, GROUP_ROTATE_MS, MESSAGE_MAX};
use crate::roster::Roster;
use crate::wire::codec::SliceWriter;
use crate::wire::content::{self, ContentKind, MESSAGE_ID_LEN, Padding};
use crate::wire::group::{Front, Link, SIGNATURE_LEN};
use crate::wire::session::put_ciphertext_len;

/// The longest body: a payload and its content type.
const BODY_MAX: usize = MESSAGE_MAX + 1;

/// How a sender works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSenderOptions {
    /// Messages after which the sender key must rotate: 1 to 2^24.
    pub rotate_messages: u32,
    /// Age in milliseconds at which it must rotate, at least 1.
    pub rotate_ms: u64,
    /// How lengths are hidden.
    pub padding: Padding,
    /// Whether members say that they installed a key ([`GroupSender::confirm`]); otherwise handing it out once per
    /// member is enough.
    pub confirm: bool,
}

impl Default for GroupSenderOptions {
    fn default() -> Self {
        Self {
            rotate_messages: GROUP_ROTATE_MESSAGES,
            rotate_ms: GROUP_ROTATE_MS,
            padding: Padding::None,
            confirm: false,
        }
    }
}

impl GroupSenderOptions {
    pub(super) fn check(&self) -> Result<()> {
        let messages = (1..=GROUP_CHAIN_MAX).contains(&self.rotate_messages);
        if messages && self.rotate_ms > 0 { Ok(()) } else { Err(Error::InvalidOptions) }
    }
}

/// The sending half of a membership in one group.
///
/// Every method that takes `now_ms` treats a value below an earlier one as that earlier one.
pub struct GroupSender {
    pub(super) user: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) group_id: [u8; 32],
    pub(super) options: GroupSenderOptions,
    pub(super) key: OwnKey,
    pub(super) previous: Option<Previous>,
    pub(super) latest_ms: u64,
    /// Holds each message key for the moment of its use, so that sending needs no heap.
    pub(super) slot: Secret<32>,
}

/// What is to be sent.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// What the content is.
    pub kind: ContentKind,
    /// The id that it shall have; none for a new one.
    pub message_id: Option<&'a [u8; MESSAGE_ID_LEN]>,
    /// Its body, in parts.
    pub body: &'a [&'a [u8]],
}

/// Shows no body.
impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("kind", &self.kind)
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

/// What a message says.
struct Draft<'a> {
    front: Front<'a>,
    sending: &'a Sending<'a>,
    content_len: usize,
}

impl GroupSender {
    /// Makes a first sender key for the members at the roster's head. Save the sender before its key leaves.
    ///
    /// [`Error::NotAMember`] if the identity is none, or a member under other keys; [`Error::GroupDeleted`];
    /// [`Error::InvalidOptions`].
    pub fn new(
        identity: &Identity,
        roster: &Roster,
        options: GroupSenderOptions,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Self> {
        options.check()?;
        check_own(roster, identity.user(), &identity.fingerprint())?;
        Ok(Self {
            user: identity.user().to_owned(),
            fingerprint: identity.fingerprint(),
            group_id: *roster.group_id(),
            options,
            key: OwnKey::generate(identity.user(), roster, now_ms, rng)?,
            previous: None,
            latest_ms: now_ms,
            slot: Secret::zeroed(),
        })
    }

    /// Our user id.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Our fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The group.
    #[must_use]
    pub fn group_id(&self) -> &[u8; 32] {
        &self.group_id
    }

    /// Names the sender key.
    #[must_use]
    pub fn key_id(&self) -> &[u8; 8] {
        &self.key.key_id
    }

    /// The next message's number.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.key.chain.counter()
    }

    /// The epoch of the last rotation.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.key.epoch
    }

    /// Bytes of the next message with a body of that length, exactly.
    #[must_use]
    pub fn encrypt_len(&self, body_len: usize) -> usize {
        let content_len = content::content_len(body_len, self.options.padding);
        self.front(&[0; 16], &[0; NONCE_LEN], 0, 0).envelope_len(content_len)
    }

    /// Seals and signs content for the group into the front of `out`, which holds at least
    /// [`GroupSender::encrypt_len`] bytes, and answers how many were written. The state moves on with success alone;
    /// after an error `out` holds no content.
    ///
    /// [`Error::WrongGroup`] for another group's roster. Then in this order: [`Error::GroupDeleted`],
    /// [`Error::NotAMember`], [`Error::RosterBehind`], [`Error::RotationRequired`], [`Error::ChainExhausted`].
    /// [`Error::TooLarge`] for a body longer than the largest payload and its content type,
    /// [`Error::InvalidArgument`] for too small an `out` or content that groups do not carry.
    pub fn encrypt(
        &mut self,
        roster: &Roster,
        kind: ContentKind,
        body: &[&[u8]],
        now_ms: u64,
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<usize> {
        self.encrypt_as(roster, &Sending { kind, message_id: None, body }, now_ms, rng, out)
    }

    /// [`GroupSender::encrypt`] under a message id that the caller may know already: for content that is sent again.
    pub fn encrypt_as(
        &mut self,
        roster: &Roster,
        sending: &Sending<'_>,
        now_ms: u64,
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<usize> {
        let Sending { kind, body, .. } = *sending;
        let now_ms = self.clock(now_ms);
        let body_len = body.iter().fold(0, |sum: usize, part| sum.saturating_add(part.len()));
        if body_len > BODY_MAX {
            return Err(Error::TooLarge);
        }
        let length = self.encrypt_len(body_len);
        let out = out.get_mut(..length).filter(|_| kind.in_groups()).ok_or(Error::InvalidArgument)?;
        self.check_sending(roster, now_ms)?;

        let nonce = rng.nonce()?;
        let step = self.key.chain.derive()?;
        step.key(&mut self.slot);
        let content_len = content::content_len(body_len, self.options.padding);
        let draft = Draft {
            front: self.front(short(roster.hash()), &nonce, roster.epoch(), now_ms),
            sending,
            content_len,
        };
        let sealed = draft.seal(&self.slot, &step, self, rng, out);
        self.slot.zeroize();
        match sealed {
            Ok(link) => self.key.sent(&step, link),
            Err(error) => {
                out.zeroize();
                return Err(error);
            }
        }
        self.latest_ms = now_ms;
        Ok(length)
    }

    /// Whether [`GroupSender::encrypt`] would refuse now because of the roster or the key's age and use.
    pub fn check_sending(&self, roster: &Roster, now_ms: u64) -> Result<()> {
        self.check_group(roster)?;
        check_own(roster, &self.user, &self.fingerprint)?;
        let now_ms = self.clock(now_ms);
        if roster.is_behind(now_ms) {
            return Err(Error::RosterBehind);
        }
        if self.rotate_at_ms() <= now_ms || self.needs_rotation(roster) {
            return Err(Error::RotationRequired);
        }
        Ok(())
    }

    /// Whether what was sealed under the key may still leave: only those who are to read it can, however old or used up
    /// the key is. The errors of [`GroupSender::check_sending`].
    pub fn check_leaving(&self, roster: &Roster, now_ms: u64) -> Result<()> {
        self.check_group(roster)?;
        check_own(roster, &self.user, &self.fingerprint)?;
        if roster.is_behind(self.clock(now_ms)) {
            return Err(Error::RosterBehind);
        }
        let is_current = roster.is_current(self.key.epoch, &self.key.roster_hash);
        if is_current { Ok(()) } else { Err(Error::RotationRequired) }
    }

    /// Forgets times more than a day ahead: the clock had been wrong once. Answers whether that changed anything.
    pub fn correct_clock(&mut self, now_ms: u64) -> bool {
        let is_ahead = self.latest_ms.max(self.key.made_ms) > now_ms.saturating_add(DAY_MS);
        if is_ahead {
            self.latest_ms = self.latest_ms.min(now_ms);
            self.key.made_ms = self.key.made_ms.min(now_ms);
        }
        is_ahead
    }

    /// Whether the key must rotate whatever its age: its readers changed, or its messages are used up.
    #[must_use]
    pub fn needs_rotation(&self, roster: &Roster) -> bool {
        let used_up = self.key.chain.counter() >= self.options.rotate_messages;
        used_up || !roster.is_current(self.key.epoch, &self.key.roster_hash)
    }

    /// Replaces chain, signing pair and key id, and erases the old ones. Save the sender before the new key leaves.
    ///
    /// [`Error::WrongGroup`], [`Error::GroupDeleted`], [`Error::NotAMember`].
    pub fn rotate(&mut self, roster: &Roster, now_ms: u64, rng: &mut dyn Random) -> Result<()> {
        self.check_group(roster)?;
        check_own(roster, &self.user, &self.fingerprint)?;
        let now_ms = self.clock(now_ms);
        let key = OwnKey::generate(&self.user, roster, now_ms, rng)?;
        self.previous = Some(self.key.as_previous());
        self.key = key;
        self.latest_ms = now_ms;
        Ok(())
    }

    /// Whether the key's first state is kept for this member, among others.
    #[must_use]
    pub fn is_waiting_for(&self, peer: &str) -> bool {
        self.key.snapshot.as_ref().is_some_and(|snapshot| snapshot.waiting.contains(peer))
    }

    /// The member's distribution is on its way.
    pub fn mark_distributed(&mut self, peer: &str) {
        if !self.options.confirm {
            self.key.settle(peer);
        }
    }

    /// The member says that it installed the current key.
    pub fn confirm(&mut self, peer: &str) {
        self.key.settle(peer);
    }

    /// What an application may want to show or act on. Nothing secret.
    #[must_use]
    pub fn info(&self) -> GroupSenderInfo {
        let waiting = self.key.snapshot.as_ref().map(|snapshot| &snapshot.waiting);
        GroupSenderInfo {
            group_id: self.group_id,
            user: self.user.clone(),
            options: self.options,
            key_id: self.key.key_id,
            epoch: self.key.epoch,
            counter: self.key.chain.counter(),
            resumed_from: self.key.resumed_from,
            made_ms: self.key.made_ms,
            rotate_at_ms: self.rotate_at_ms(),
            waiting: waiting.into_iter().flatten().map(|user| user.to_string()).collect(),
        }
    }

    fn rotate_at_ms(&self) -> u64 {
        self.key.made_ms.saturating_add(self.options.rotate_ms)
    }

    fn front<'a>(
        &'a self,
        roster_hash: &'a [u8; 16],
        nonce: &'a [u8; NONCE_LEN],
        epoch: u64,
        timestamp_ms: u64,
    ) -> Front<'a> {
        const UNKNOWN: LinkBytes = [0; 16];
        let link = match self.key.resumed_from {
            Some(from) => Link::Resumed { from },
            None => Link::Known(self.key.link.as_ref().unwrap_or(&UNKNOWN)),
        };
        Front {
            group_id: &self.group_id,
            sender: &self.user,
            key_id: &self.key.key_id,
            epoch,
            roster_hash,
            counter: self.key.chain.counter(),
            timestamp_ms,
            nonce,
            link,
        }
    }

    pub(super) fn check_group(&self, roster: &Roster) -> Result<()> {
        if *roster.group_id() == self.group_id { Ok(()) } else { Err(Error::WrongGroup) }
    }

    fn clock(&self, now_ms: u64) -> u64 {
        now_ms.max(self.latest_ms)
    }
}

impl fmt::Debug for GroupSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupSender").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Draft<'_> {
    /// Writes the whole envelope, each byte once, seals it in place and signs it. Answers what the next message
    /// carries.
    fn seal(
        &self,
        key: &Secret<32>,
        step: &Step,
        sender: &GroupSender,
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<LinkBytes> {
        let Sending { kind, message_id, body } = *self.sending;
        let message_id = message_id.map_or_else(|| rng.message_id(), |id| Ok(*id))?;
        let mut writer = SliceWriter::new(out);
        self.front.put(&mut writer)?;
        put_ciphertext_len(&mut writer, self.content_len)?;
        let aad_len = writer.position();
        content::put_content(&mut writer, kind, &message_id, body, self.content_len)?;
        writer.finish()?;

        let (message, signature) = out.split_last_chunk_mut::<SIGNATURE_LEN>().ok_or(Error::Internal)?;
        let (aad, sealed) = message.split_at_mut_checked(aad_len).ok_or(Error::Internal)?;
        let (content, tag) = sealed.split_at_mut_checked(self.content_len).ok_or(Error::Internal)?;
        let made = aead::seal(key, self.front.nonce, aad, content)?;
        tag.copy_from_slice(&made);
        let digest = kdf::hash(Label::Digest, &[step.commitment(), message]);
        *signature = sender.key.signing.sign(rng, Label::GroupMessage, &[&digest])?;
        Ok(link_after(&digest, signature))
    }
}

/// What [`GroupSender::info`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSenderInfo {
    /// The group.
    pub group_id: [u8; 32],
    /// Our user id.
    pub user: String,
    /// As given when it was made.
    pub options: GroupSenderOptions,
    /// Of the sender key.
    pub key_id: [u8; 8],
    /// The epoch of the last rotation.
    pub epoch: u64,
    /// The next message's number.
    pub counter: u32,
    /// After a stored state was loaded: the first counter that was set aside.
    pub resumed_from: Option<u32>,
    /// When the key was made.
    pub made_ms: u64,
    /// When it must rotate.
    pub rotate_at_ms: u64,
    /// Members whose key has not left yet, or is not confirmed.
    pub waiting: Vec<String>,
}
