//! Writing (`docs/PROTOCOL.md` sections 5.4 and 6).

use zeroize::Zeroize as _;

use crate::crypto::aead::{self, NONCE_LEN};
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::limits::MESSAGE_MAX;
use crate::session::chain::Step;
use crate::session::header::Header;
use crate::session::inner::Inner;
use crate::session::ratchet::Turn;
use crate::session::{Session, standing};
use crate::wire::codec::SliceWriter;
use crate::wire::content::{self, ContentKind, MESSAGE_ID_LEN};
use crate::wire::session::{self as wire, Front};

/// The longest body: a payload and its content type.
const BODY_MAX: usize = MESSAGE_MAX + 1;

/// What a message says, before it has a place in a ratchet.
struct Draft<'a> {
    sender: &'a str,
    recipient: &'a str,
    timestamp_ms: u64,
    kind: ContentKind,
    /// Drawn where there is none.
    message_id: Option<&'a [u8; MESSAGE_ID_LEN]>,
    body: &'a [&'a [u8]],
    content_len: usize,
}

impl Session {
    /// Bytes of the next message with a body of that length, exactly.
    #[must_use]
    pub fn encrypt_len(&self, body_len: usize) -> usize {
        let content_len = content::content_len(body_len, self.padding);
        let length = |inner: &Inner| {
            let front = front(inner, self.own.user(), &self.peer_user, 0, &[0; NONCE_LEN]).ok()?;
            Some(front.envelope_len(content_len))
        };
        self.active().and_then(length).unwrap_or_default()
    }

    /// Seals content for the peer into the front of `out`, which holds at least [`Session::encrypt_len`] bytes, and
    /// answers how many were written. The state moves on with success alone; after an error `out` holds no content.
    ///
    /// [`Error::TooLarge`] for a body longer than the largest payload and its content type,
    /// [`Error::InvalidArgument`] for too small an `out` or content that sessions do not carry,
    /// [`Error::RenewalRequired`] if the peer does not answer, [`Error::ChainExhausted`] after 2^32 - 1 messages of
    /// one turn.
    pub fn encrypt(
        &mut self,
        kind: ContentKind,
        body: &[&[u8]],
        now_ms: u64,
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<usize> {
        self.encrypt_as(kind, None, body, now_ms, rng, out)
    }

    /// [`Session::encrypt`] with the message id of a content that was sent before, or has been shown to somebody.
    pub fn encrypt_as(
        &mut self,
        kind: ContentKind,
        message_id: Option<&[u8; MESSAGE_ID_LEN]>,
        body: &[&[u8]],
        now_ms: u64,
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<usize> {
        let now_ms = self.clock(now_ms);
        let body_len = body.iter().fold(0, |sum: usize, part| sum.saturating_add(part.len()));
        if body_len > BODY_MAX {
            return Err(Error::TooLarge);
        }
        let length = self.encrypt_len(body_len);
        let out = out.get_mut(..length).filter(|_| kind.in_sessions()).ok_or(Error::InvalidArgument)?;
        let at = standing::active(&self.inner).ok_or(Error::Internal)?;
        let inner = self.inner.get_mut(at).ok_or(Error::Internal)?;
        inner.check_sending(now_ms)?;
        let draft = Draft {
            sender: self.own.user(),
            recipient: &self.peer_user,
            timestamp_ms: now_ms,
            kind,
            message_id,
            body,
            content_len: content::content_len(body_len, self.padding),
        };
        let step = self.step.get_or_insert_with(Step::new);
        match draft.seal(inner, step, rng, out) {
            Ok(turn) => inner.sent(turn, step, now_ms),
            Err(error) => {
                step.wipe();
                out.zeroize();
                return Err(error);
            }
        }
        self.changed(now_ms);
        Ok(length)
    }
}

impl Draft<'_> {
    /// Writes the whole envelope, each byte once, and seals it in place. Answers the turn that it began, if it did; the
    /// step that it takes is left in `step`.
    fn seal(
        &self,
        inner: &Inner,
        step: &mut Step,
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<Option<Turn>> {
        let ratchet = &inner.ratchet;
        let turn = ratchet.begin_turn(rng)?;
        let sending = turn.as_ref().map(|turn| &turn.sending).or(ratchet.sending.as_ref());
        let sending = sending.ok_or(Error::Internal)?;
        let nonce = rng.nonce()?;
        let message_id = self.message_id.map_or_else(|| rng.message_id(), |id| Ok(*id))?;

        let mut writer = SliceWriter::new(out);
        front(inner, self.sender, self.recipient, self.timestamp_ms, &nonce)?.put(&mut writer)?;
        let header = Header {
            ratchet_key: *sending.own.public().as_bytes(),
            previous_count: ratchet.previous_count,
            counter: sending.chain.counter(),
        };
        match &ratchet.headers {
            None => header.wire().put(&mut writer),
            Some(keys) => {
                let header_key =
                    if turn.is_some() { Some(&keys.next_sending) } else { keys.sending.as_ref() };
                let nonce = rng.nonce()?;
                let sealed = header.hide(header_key.ok_or(Error::Internal)?, &nonce, writer.written())?;
                wire::Header::Hidden { nonce: &nonce, sealed: &sealed }.put(&mut writer);
            }
        }
        wire::put_ciphertext_len(&mut writer, self.content_len)?;
        let aad_len = writer.position();
        content::put_content(&mut writer, self.kind, &message_id, self.body, self.content_len)?;
        writer.finish()?;

        let (aad, sealed) = out.split_at_mut_checked(aad_len).ok_or(Error::Internal)?;
        let (content, tag) = sealed.split_at_mut_checked(self.content_len).ok_or(Error::Internal)?;
        sending.chain.derive(step)?;
        let made = aead::seal(step.key(), &nonce, aad, content)?;
        tag.copy_from_slice(&made);
        Ok(turn)
    }
}

/// The fields of the next message before its ratchet header.
fn front<'a>(
    inner: &'a Inner,
    sender: &'a str,
    recipient: &'a str,
    timestamp_ms: u64,
    nonce: &'a [u8; NONCE_LEN],
) -> Result<Front<'a>> {
    Ok(Front {
        hidden_header: inner.hidden(),
        sender,
        recipient,
        key_id: inner.key_id(),
        timestamp_ms,
        nonce,
        handshake: inner.block()?,
    })
}
