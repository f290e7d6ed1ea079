//! Reading (`docs/PROTOCOL.md` section 5.6): [`Session::open`] changes nothing, [`Session::commit`] cannot fail to
//! authenticate. [`Session::decrypt`] is both in one, for data, in the caller's buffer.

use core::fmt;
use core::ops::Range;

use zeroize::{Zeroize as _, Zeroizing};

use crate::crypto::aead::{self, TAG_LEN};
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::identity::{Card, Identity};
use crate::limits::SESSION_RECENT_MAX;
use crate::session::chain::Step;
use crate::session::handshake::{self, Accepted, FirstMessage};
use crate::session::inner::{Inner, Level};
use crate::session::ratchet::Advance;
use crate::session::{Session, SessionOptions, standing};
use crate::wire::content::{CONTENT_MIN, Content, ContentKind, Data, MESSAGE_ID_LEN};
use crate::wire::envelope::ENVELOPE_ID_LEN;
use crate::wire::session::{Handshake, SessionMessage};

/// A message that was authenticated and decrypted, and what taking it would change. Dropping it changes nothing.
pub struct Opening {
    located: Located,
    content: Zeroizing<Vec<u8>>,
    meaning: Meaning,
}

/// What is needed to open a message, and what taking it would change.
struct Located {
    revision: u64,
    now_ms: u64,
    envelope_id: [u8; ENVELOPE_ID_LEN],
    timestamp_ms: u64,
    target: Target,
    advance: Advance,
}

/// What an opened content says; its body starts at [`CONTENT_MIN`].
struct Meaning {
    kind: ContentKind,
    message_id: [u8; MESSAGE_ID_LEN],
    body_len: usize,
}

/// The inner session that a message belongs to.
enum Target {
    /// One that the session holds.
    Known(usize),
    /// One that the message makes.
    New(Box<Accepted>),
}

impl Opening {
    /// What the content is.
    #[must_use]
    pub fn kind(&self) -> ContentKind {
        self.meaning.kind
    }

    /// The random id that the sender gave it.
    #[must_use]
    pub fn message_id(&self) -> &[u8; MESSAGE_ID_LEN] {
        &self.meaning.message_id
    }

    /// The content's body; wiped with the opening.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.content.get(self.meaning.body()).unwrap_or_default()
    }

    /// Whether committing it takes our identity: it makes an inner session.
    #[must_use]
    pub fn needs_identity(&self) -> bool {
        matches!(self.located.target, Target::New(_))
    }

    /// When it was sent, by the sender's clock.
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.located.timestamp_ms
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("kind", &self.meaning.kind).finish_non_exhaustive()
    }
}

impl Meaning {
    fn read(content: &[u8]) -> Result<Self> {
        let content = Content::parse(content)?;
        if !content.kind.in_sessions() {
            return Err(Error::WrongKind);
        }
        if content.kind == ContentKind::Data {
            Data::parse(content.body)?;
        }
        Ok(Self { kind: content.kind, message_id: *content.message_id, body_len: content.body.len() })
    }

    fn body(&self) -> Range<usize> {
        CONTENT_MIN..CONTENT_MIN.saturating_add(self.body_len)
    }
}

impl Session {
    /// Whether [`Session::open`] needs our identity for this message: a first one under a key id not seen before.
    #[must_use]
    pub fn needs_identity(&self, message: &SessionMessage<'_>) -> bool {
        message.front.handshake.is_some() && self.find(message.front.key_id).is_none()
    }

    /// Authenticates and decrypts an envelope of the peer. Nothing changes, whatever the answer.
    ///
    /// `identity` is ours, where [`Session::needs_identity`] asks for it; [`Error::InvalidArgument`] if it is another
    /// or missing. [`Error::WrongSession`] and [`Error::WrongRecipient`] for somebody else's mail,
    /// [`Error::Duplicate`] and [`Error::Replay`] for what was read before, [`Error::TooFarAhead`] beyond the limits,
    /// [`Error::UnknownKey`] without the inner session. For a new handshake also [`Error::IdentityChanged`],
    /// [`Error::PrekeysRequired`], [`Error::UnknownPrekey`], [`Error::Expired`] and [`Error::LimitReached`].
    /// [`Error::WrongKind`] for content that sessions do not carry.
    pub fn open(&self, identity: Option<&Identity>, envelope: &[u8], now_ms: u64) -> Result<Opening> {
        let message = SessionMessage::parse(envelope)?;
        let located = self.locate(identity, &message, now_ms, Step::new())?;
        let mut content = Zeroizing::new(vec![0; message.content_len()]);
        let meaning = read(&located.advance, &message, &mut content)?;
        Ok(Opening { located, content, meaning })
    }

    /// [`Session::open`] and [`Session::commit`] of a data message in one, without a heap within a turn: the content is
    /// decrypted into `room`, which has [`SessionMessage::content_len`] bytes. Answers where in it the payload lies.
    ///
    /// The errors are those of both; [`Error::WrongKind`] also for content that is no data, [`Error::InvalidArgument`]
    /// for a `room` of another length. Nothing changed then, and `room` holds no content.
    pub fn decrypt(
        &mut self,
        identity: Option<&mut Identity>,
        message: &SessionMessage<'_>,
        now_ms: u64,
        room: &mut [u8],
    ) -> Result<Range<usize>> {
        let decrypted = self.decrypt_here(identity, message, now_ms, room);
        if decrypted.is_err() {
            room.zeroize();
        }
        decrypted
    }

    fn decrypt_here(
        &mut self,
        identity: Option<&mut Identity>,
        message: &SessionMessage<'_>,
        now_ms: u64,
        room: &mut [u8],
    ) -> Result<Range<usize>> {
        let step = self.step.take().unwrap_or_else(Step::new);
        let located = self.locate(identity.as_deref(), message, now_ms, step)?;
        let meaning = read(&located.advance, message, room)?;
        if meaning.kind != ContentKind::Data {
            return Err(Error::WrongKind);
        }
        self.take(identity, located)?;
        Ok(Data::payload_within(meaning.body()))
    }

    /// Finds the key of a message (5.6, up to step 5). Nothing changes.
    fn locate(
        &self,
        identity: Option<&Identity>,
        message: &SessionMessage<'_>,
        now_ms: u64,
        step: Step,
    ) -> Result<Located> {
        if *message.front.sender != *self.peer_user {
            return Err(Error::WrongSession);
        }
        if message.front.recipient != self.own.user() {
            return Err(Error::WrongRecipient);
        }
        let envelope_id = envelope_id(message);
        if self.recent.contains(SESSION_RECENT_MAX, &envelope_id) {
            return Err(Error::Duplicate);
        }
        let now_ms = self.clock(now_ms);
        let (target, advance) = match (self.find(message.front.key_id), &message.front.handshake) {
            (Some(at), block) => {
                let inner = self.inner.get(at).ok_or(Error::Internal)?;
                inner.check_block(block.as_ref())?;
                (Target::Known(at), inner.open(message, step)?)
            }
            (None, None) => return Err(Error::UnknownKey),
            (None, Some(block)) => {
                let identity = identity.ok_or(Error::InvalidArgument)?;
                self.check_identity(identity)?;
                let card = peer_card(message, block)?;
                let accepted = self.respond(identity, &card, message, block, now_ms)?;
                let advance = accepted.inner.open(message, step)?;
                (Target::New(Box::new(accepted)), advance)
            }
        };
        let timestamp_ms = message.front.timestamp_ms;
        Ok(Located { revision: self.revision, now_ms, envelope_id, timestamp_ms, target, advance })
    }

    /// Takes what was read into the state. `identity` is ours, if [`Session::needs_identity`] asked for it: it
    /// remembers the handshake and erases the one-time prekey, as one step with this.
    ///
    /// [`Error::InvalidArgument`] if the session changed since the opening was made, or without that identity; the
    /// errors of a first message if the identity changed since. Nothing changed then.
    pub fn commit(&mut self, identity: Option<&mut Identity>, opening: Opening) -> Result<()> {
        self.take(identity, opening.located)
    }

    fn take(&mut self, identity: Option<&mut Identity>, located: Located) -> Result<()> {
        let Located { revision, now_ms, envelope_id, timestamp_ms, target, advance } = located;
        if revision != self.revision {
            return Err(Error::InvalidArgument);
        }
        let at = match target {
            Target::Known(at) => at,
            Target::New(accepted) => {
                let Accepted { inner, first } = *accepted;
                self.admit(identity.ok_or(Error::InvalidArgument)?, inner, &first, now_ms)?;
                self.inner.len().saturating_sub(1)
            }
        };
        let inner = self.inner.get_mut(at).ok_or(Error::Internal)?;
        self.step = Some(inner.opened(advance, timestamp_ms, now_ms));
        self.floor.opened |= inner.level > Level::Plain;
        if inner.initiated() {
            self.renewal.answered();
        }
        self.recent.remember(&envelope_id);
        self.changed(now_ms);
        Ok(())
    }

    /// Answers a first message with a session. The message is authenticated and its handshake taken: `identity`
    /// remembers it and erases its one-time prekey. Then it is read like any other, with [`Session::open`].
    ///
    /// The errors are those of [`Session::open`], and nothing changed then. The options say whether *our* handshakes
    /// hide their headers; this one is as the peer made it.
    pub fn accept(
        identity: &mut Identity,
        envelope: &[u8],
        options: SessionOptions,
        now_ms: u64,
    ) -> Result<Self> {
        let message = SessionMessage::parse(envelope)?;
        if message.front.recipient != identity.user() {
            return Err(Error::WrongRecipient);
        }
        let block = message.front.handshake.as_ref().ok_or(Error::UnknownKey)?;
        let card = peer_card(&message, block)?;
        let mut session = Self::new(identity, &card, options, now_ms)?;
        let accepted = session.respond(identity, &card, &message, block, now_ms)?;
        let advance = accepted.inner.open(&message, Step::new())?;
        let mut content = Zeroizing::new(vec![0; message.content_len()]);
        read(&advance, &message, &mut content)?;
        session.admit(identity, accepted.inner, &accepted.first, now_ms)?;
        session.changed(now_ms);
        Ok(session)
    }

    fn find(&self, key_id: &[u8; 8]) -> Option<usize> {
        self.inner.iter().position(|inner| inner.key_id() == key_id)
    }

    /// Computes the peer's handshake, if we take one of its kind (5.6, step 3).
    fn respond(
        &self,
        identity: &Identity,
        card: &Card,
        message: &SessionMessage<'_>,
        block: &Handshake<'_>,
        now_ms: u64,
    ) -> Result<Accepted> {
        if card.fingerprint() != self.peer_fingerprint {
            return Err(Error::IdentityChanged);
        }
        if block.prekeys.is_none() && self.floor.opened {
            return Err(Error::PrekeysRequired);
        }
        handshake::respond(identity, card, message, block, now_ms)
    }

    /// Adds an authenticated handshake of the peer, and lets our identity remember it.
    fn admit(
        &mut self,
        identity: &mut Identity,
        inner: Inner,
        first: &FirstMessage,
        now_ms: u64,
    ) -> Result<()> {
        self.check_identity(identity)?;
        first.check(identity, now_ms)?;
        first.accept(identity, now_ms);
        self.floor.opened |= inner.level > Level::Plain;
        standing::add_theirs(&mut self.inner, inner, now_ms);
        Ok(())
    }
}

/// The card in a handshake, whole and of the sender.
fn peer_card(message: &SessionMessage<'_>, block: &Handshake<'_>) -> Result<Card> {
    let card = Card::parse(block.card)?;
    if card.user() == message.front.sender { Ok(card) } else { Err(Error::Malformed) }
}

/// Opens the ciphertext into `room` (5.6, step 6).
fn read(advance: &Advance, message: &SessionMessage<'_>, room: &mut [u8]) -> Result<Meaning> {
    let (sealed, tag) = message.ciphertext.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
    if room.len() != sealed.len() {
        return Err(Error::InvalidArgument);
    }
    room.copy_from_slice(sealed);
    aead::open(advance.key(), message.front.nonce, message.aad, room, tag)?;
    Meaning::read(room)
}

/// Nothing lies between the additional data and the ciphertext, nor around them.
fn envelope_id(message: &SessionMessage<'_>) -> [u8; ENVELOPE_ID_LEN] {
    let hash = kdf::hash(Label::Envelope, &[message.aad, message.ciphertext]);
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
    id
}
