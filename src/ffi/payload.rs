//! What an application gets of a message that was decrypted apart from its buffer.

use super::argument::{BytesOut, ReservedOut};
use super::status::Status;
use crate::error::Error;
use crate::wire::content::{ContentKind, Data};

/// Copies the payload of a data message, if it is one and there is room. Answers its length too.
pub(super) fn copy<'o>(
    kind: ContentKind,
    body: &[u8],
    out: BytesOut,
) -> Result<(ReservedOut<'o>, usize), Status> {
    if kind != ContentKind::Data {
        return Err(Error::WrongKind.into());
    }
    let payload = Data::parse(body)?.payload;
    let mut out = out.reserve(payload.len())?;
    out.buffer().copy_from_slice(payload);
    Ok((out, payload.len()))
}
