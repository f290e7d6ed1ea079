//! The parts that the stored states of senders and receivers share.

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::group::distribution::{Previous, read_counter};
use crate::wire::codec::{Put as _, Reader};

/// Where a state is written to.
pub(super) type Out = Zeroizing<Vec<u8>>;

pub(super) fn put_bool(out: &mut Out, value: bool) {
    out.put_u8(u8::from(value));
}

pub(super) fn boolean(reader: &mut Reader<'_>) -> Result<bool> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Malformed),
    }
}

pub(super) fn put_option<T>(out: &mut Out, value: Option<&T>, put: impl FnOnce(&mut Out, &T)) {
    put_bool(out, value.is_some());
    if let Some(value) = value {
        put(out, value);
    }
}

pub(super) fn option<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
) -> Result<Option<T>> {
    if boolean(reader)? { read(reader).map(Some) } else { Ok(None) }
}

pub(super) fn put_count(out: &mut Out, count: usize) -> Result<()> {
    out.put_u32(u32::try_from(count).map_err(|_| Error::Internal)?);
    Ok(())
}

pub(super) fn count(reader: &mut Reader<'_>, max: usize) -> Result<usize> {
    usize::try_from(reader.u32()?).ok().filter(|count| *count <= max).ok_or(Error::Malformed)
}

pub(super) fn put_previous(out: &mut Out, previous: &Previous) {
    out.put(&previous.key_id);
    out.put_u32(previous.count);
    put_option(out, previous.link.as_ref(), |out, link| out.put(link));
}

pub(super) fn read_previous(reader: &mut Reader<'_>) -> Result<Previous> {
    Ok(Previous {
        key_id: *reader.array()?,
        count: read_counter(reader)?,
        link: option(reader, |reader| reader.array().copied())?,
    })
}
