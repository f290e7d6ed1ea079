//! Sizes of the C ABI, in bytes. cbindgen renders literals only, so each is checked against its limit below.

use crate::identity::safety;
use crate::limits;
use crate::stream;
use crate::wire::attachment;

/// @section Sizes, in bytes; sealwax_build_info() gives them at run time
///
/// Key that seals an export.
pub const SEALWAX_KEY_LEN: usize = 32;
/// Message id, and envelope id.
pub const SEALWAX_ID_LEN: usize = 16;
/// Fingerprint of an identity.
pub const SEALWAX_FINGERPRINT_LEN: usize = 32;
/// Group id.
pub const SEALWAX_GROUP_ID_LEN: usize = 32;
/// Key id of a group sender's key.
pub const SEALWAX_KEY_ID_LEN: usize = 8;
/// Digits of a safety number, without the NUL.
pub const SEALWAX_SAFETY_DIGITS: usize = 60;
/// Longest user id or group label, in bytes of UTF-8.
pub const SEALWAX_NAME_MAX: usize = 255;
/// Longest card.
pub const SEALWAX_CARD_MAX: usize = 640;
/// Longest prekey bundle; one with a single one-time prekey is below 1,024 bytes.
pub const SEALWAX_PREKEYS_MAX: usize = 69_632;
/// Longest plaintext of one message.
pub const SEALWAX_MESSAGE_MAX: usize = 1_048_576;
/// Longest envelope.
pub const SEALWAX_ENVELOPE_MAX: usize = 1_183_744;
/// Longest frame between a client and a relay.
pub const SEALWAX_FRAME_MAX: usize = 4_198_400;
/// Header of a sealed attachment.
pub const SEALWAX_STREAM_HEADER_LEN: usize = 38;
/// Bytes by which each chunk of an attachment grows.
pub const SEALWAX_STREAM_OVERHEAD: usize = 28;
/// Longest plaintext of one chunk of an attachment.
pub const SEALWAX_STREAM_CHUNK_MAX: usize = 1_048_576;
/// Longest reference to an attachment.
pub const SEALWAX_STREAM_REFERENCE_MAX: usize = 79;
/// Most envelopes of one call that takes a backlog.
pub const SEALWAX_BATCH_MAX: usize = 4_096;
/// Most bytes that they may have together.
pub const SEALWAX_BATCH_BYTES_MAX: usize = 67_108_864;

const _: () = {
    assert!(SEALWAX_SAFETY_DIGITS == safety::DIGITS);
    assert!(SEALWAX_NAME_MAX == limits::NAME_MAX);
    assert!(SEALWAX_CARD_MAX == limits::CARD_MAX);
    assert!(SEALWAX_PREKEYS_MAX == limits::PREKEYS_MAX);
    assert!(SEALWAX_MESSAGE_MAX == limits::MESSAGE_MAX);
    assert!(SEALWAX_ENVELOPE_MAX == limits::ENVELOPE_MAX);
    assert!(SEALWAX_FRAME_MAX == limits::FRAME_MAX);
    assert!(SEALWAX_STREAM_HEADER_LEN == attachment::HEADER_LEN);
    assert!(SEALWAX_STREAM_OVERHEAD == stream::OVERHEAD);
    assert!(SEALWAX_STREAM_CHUNK_MAX == limits::ATTACHMENT_CHUNK_MAX);
    assert!(SEALWAX_STREAM_REFERENCE_MAX == attachment::REFERENCE_MAX);
    assert!(SEALWAX_BATCH_MAX == limits::GROUP_BATCH_MAX);
    assert!(SEALWAX_BATCH_BYTES_MAX == limits::GROUP_BATCH_BYTES_MAX);
};
