//! What a relay and a dispatcher read of any envelope (`docs/PROTOCOL.md` sections 5.4 and 8.2). Proves nothing.

use crate::error::{Error, Result};
use crate::limits::{ENVELOPE_MAX, NAME_MAX};
use crate::wire::codec::Reader;
use crate::wire::group::GroupMessage;
use crate::wire::session::SessionMessage;
use crate::wire::{Kind, read_prefix};

/// Bytes of an envelope id: the first of its hash (section 2.2).
pub const ENVELOPE_ID_LEN: usize = 16;
/// Bytes of a tag, after each ciphertext.
pub const TAG_LEN: usize = 16;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes of a public key.
pub const KEY_LEN: usize = 65;
/// The shortest ciphertext: a content with an empty body, and the tag.
pub(super) const CIPHERTEXT_MIN: usize = super::content::CONTENT_MIN + TAG_LEN;

/// The public header of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// [`Kind::Session`], [`Kind::SessionFirst`] or [`Kind::Group`].
    pub kind: Kind,
    /// Who says to have sent it.
    pub sender: &'a str,
    /// Whom a session message is for.
    pub recipient: Option<&'a str>,
    /// Which group a group message is for.
    pub group: Option<&'a [u8; 32]>,
    /// Of the inner session, or of the sender key.
    pub key_id: &'a [u8; 8],
    /// The sender's clock.
    pub timestamp_ms: u64,
}

impl<'a> Envelope<'a> {
    /// Parses the whole envelope, so that what passes a relay is well formed. [`Error::WrongKind`] for an object
    /// of another kind.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        match read_prefix(&mut Reader::new(bytes))? {
            Kind::Session | Kind::SessionFirst => {
                SessionMessage::parse(bytes).map(|message| Self::from(&message))
            }
            Kind::Group => GroupMessage::parse(bytes).map(|message| Self::from(&message)),
            Kind::RosterEntry
            | Kind::Card
            | Kind::Prekeys
            | Kind::Sealed
            | Kind::Attachment
            | Kind::AttachmentReference
            | Kind::Frame => Err(Error::WrongKind),
        }
    }
}

impl<'a> From<&SessionMessage<'a>> for Envelope<'a> {
    fn from(message: &SessionMessage<'a>) -> Self {
        let front = &message.front;
        Self {
            kind: front.kind(),
            sender: front.sender,
            recipient: Some(front.recipient),
            group: None,
            key_id: front.key_id,
            timestamp_ms: front.timestamp_ms,
        }
    }
}

impl<'a> From<&GroupMessage<'a>> for Envelope<'a> {
    fn from(message: &GroupMessage<'a>) -> Self {
        let front = &message.front;
        Self {
            kind: Kind::Group,
            sender: front.sender,
            recipient: None,
            group: Some(front.group_id),
            key_id: front.key_id,
            timestamp_ms: front.timestamp_ms,
        }
    }
}

/// [`Error::TooLarge`] for more bytes than any envelope has.
pub(super) fn check_size(bytes: &[u8]) -> Result<()> {
    if bytes.len() > ENVELOPE_MAX { Err(Error::TooLarge) } else { Ok(()) }
}

/// A user id of 1 to 255 bytes of UTF-8. Who is known under it, and so whether it is a valid one, its card tells.
pub(super) fn read_user<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    core::str::from_utf8(reader.bytes8(1..=NAME_MAX)?).map_err(|_| Error::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_may_have_so_many_bytes_and_no_more() {
        let bytes = vec![0; ENVELOPE_MAX + 1];
        assert_eq!(check_size(&bytes), Err(Error::TooLarge));
        assert_eq!(check_size(&bytes[..ENVELOPE_MAX]), Ok(()));
    }
}
