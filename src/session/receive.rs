//! Reading (`docs/PROTOCOL.md` section 5.6): [`Session::open`] changes nothing, [`Session::commit`] cannot fail to
//! authenticate.

use core::fmt;
use core::ops::Range;

use zeroize::Zeroizing;

use crate::crypto::aead::{self, TAG_LEN};
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::identity::{Card, Identity};
use crate::session::handshake::{self, Accepted, FirstMessage};
use crate::session::inner::{Inner, Level};
use crate::session::ratchet::Advance;
use crate::session::{Session, SessionOptions, standing};
use crate::wire::content::{Content, ContentKind, Data, MESSAGE_ID_LEN};
use crate::wire::envelope::ENVELOPE_ID_LEN;
use crate::wire::session::{Handshake, SessionMessage};

/// A message that was authenticated and decrypted, and what taking it would change. Dropping it changes nothing.
pub struct Opening {
    revision: u64,
    now_ms: u64,
    envelope_id: [u8; ENVELOPE_ID_LEN],
    timestamp_ms: u64,
    target: Target,
    advance: Advance,
    content: Zeroizing<Vec<u8>>,
    kind: ContentKind,
    message_id: [u8; MESSAGE_ID_LEN],
    body: Range<usize>,
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

    /// Whether committing it takes our identity: it makes an inner session.
    #[must_use]
    pub fn needs_identity(&self) -> bool {
        matches!(self.target, Target::New(_))
    }

    /// When it was sent, by the sender's clock.
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.timestamp_ms
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Session {
    /// Whether [`Session::open`] needs our identity for this envelope: a first message under a key id not seen before.
    #[must_use]
    pub fn needs_identity(&self, envelope: &[u8]) -> bool {
        SessionMessage::parse(envelope).is_ok_and(|message| {
            message.front.handshake.is_some() && self.find(message.front.key_id).is_none()
        })
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
        if message.front.sender != self.peer_user {
            return Err(Error::WrongSession);
        }
        if message.front.recipient != self.own_user {
            return Err(Error::WrongRecipient);
        }
        let envelope_id = envelope_id(envelope);
        if self.recent.contains(&envelope_id) {
            return Err(Error::Duplicate);
        }
        let now_ms = self.clock(now_ms);
        let target = match (self.find(message.front.key_id), &message.front.handshake) {
            (Some(at), _) => Target::Known(at),
            (None, None) => return Err(Error::UnknownKey),
            (None, Some(block)) => {
                let identity = identity.ok_or(Error::InvalidArgument)?;
                self.check_identity(identity)?;
                let card = peer_card(&message, block)?;
                Target::New(Box::new(self.respond(identity, &card, &message, block, now_ms)?))
            }
        };
        self.read(target, &message, envelope_id, now_ms)
    }

    /// Takes what was read into the state. `identity` is ours, if [`Session::needs_identity`] asked for it: it
    /// remembers the handshake and erases the one-time prekey, as one step with this.
    ///
    /// [`Error::InvalidArgument`] if the session changed since the opening was made, or without that identity; the
    /// errors of a first message if the identity changed since. Nothing changed then.
    pub fn commit(&mut self, identity: Option<&mut Identity>, opening: Opening) -> Result<()> {
        if opening.revision != self.revision {
            return Err(Error::InvalidArgument);
        }
        let Opening { now_ms, target, advance, timestamp_ms, envelope_id, .. } = opening;
        let at = match target {
            Target::Known(at) => at,
            Target::New(accepted) => {
                let Accepted { inner, first } = *accepted;
                self.admit(identity.ok_or(Error::InvalidArgument)?, inner, &first, now_ms)?;
                self.inner.len().saturating_sub(1)
            }
        };
        let inner = self.inner.get_mut(at).ok_or(Error::Internal)?;
        inner.opened(advance, timestamp_ms, now_ms);
        self.floor.opened |= inner.level > Level::Plain;
        if inner.initiated() {
            self.renewal.answered();
        }
        self.recent.remember(envelope_id);
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
        let target = Target::New(Box::new(accepted));
        if let Target::New(accepted) = session.read(target, &message, envelope_id(envelope), now_ms)?.target {
            session.admit(identity, accepted.inner, &accepted.first, now_ms)?;
        }
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

    /// Decrypts (5.6, steps 4 to 6).
    fn read(
        &self,
        target: Target,
        message: &SessionMessage<'_>,
        envelope_id: [u8; ENVELOPE_ID_LEN],
        now_ms: u64,
    ) -> Result<Opening> {
        let inner = match &target {
            Target::Known(at) => {
                let inner = self.inner.get(*at).ok_or(Error::Internal)?;
                inner.check_block(message.front.handshake.as_ref())?;
                inner
            }
            Target::New(accepted) => &accepted.inner,
        };
        let advance = inner.open(message)?;
        let (sealed, tag) = message.ciphertext.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        aead::open(&advance.key, message.front.nonce, message.aad, &mut bytes, tag)?;
        let content = Content::parse(&bytes)?;
        if !content.kind.in_sessions() {
            return Err(Error::WrongKind);
        }
        if content.kind == ContentKind::Data {
            Data::parse(content.body)?;
        }
        let start = content.body.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
        let (kind, message_id, body) = (content.kind, *content.message_id, start..start + content.body.len());
        Ok(Opening {
            revision: self.revision,
            now_ms,
            envelope_id,
            timestamp_ms: message.front.timestamp_ms,
            target,
            advance,
            content: bytes,
            kind,
            message_id,
            body,
        })
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

fn envelope_id(envelope: &[u8]) -> [u8; ENVELOPE_ID_LEN] {
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = kdf::hash(Label::Envelope, &[envelope]);
    id
}
