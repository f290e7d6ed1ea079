//! Reading attachments.

use core::ffi::{c_char, c_void};

use super::argument::Outputs;
use super::cell::{self, Object, Opaque};
use super::guard::guard;
use super::options::{Flag, Table};
use super::status::sealwax_status;
use super::stream_seal::sealwax_stream_layout;
use crate::limits;
use crate::stream::{OVERHEAD, Open};
use crate::wire::attachment::{HEADER_LEN, REFERENCE_MAX};

/// One attachment that is read.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_stream_open(());

impl Object for Open {
    type Links = ();
}

impl Opaque for sealwax_stream_open {
    type Object = Open;
}

const DIGEST: Flag = Flag { name: "digest", default: true };

/// Of `sealwax_stream_open_new`.
pub(super) static OPTIONS: Table = Table { functions: &["sealwax_stream_open_new"], keys: &[&DIGEST] };

/// @section Attachments: opening
///
/// Starts to read an attachment. To read all of it, feed what follows the header to sealwax_stream_open_update(),
/// or each chunk to sealwax_stream_open_chunk() from many threads, and believe in the whole once
/// sealwax_stream_open_finish() says so. To read single chunks at will, say "digest":false.
///
/// @param reference      what the sender's message brought, from sealwax_stream_seal_reference()
/// @param reference_len  bytes of it
/// @param header         the first SEALWAX_STREAM_HEADER_LEN bytes of the sealed file
/// @param header_len     bytes of it
/// @param options        "digest" (default true): the file is read once, as a whole, and
///                       sealwax_stream_open_finish() proves that everybody with this reference gets the same.
///                       false: any chunk at any time, each proven to be what somebody with the reference sealed
///                       there, and nothing about the whole. May be NULL if options_len is 0
/// @param options_len    bytes of them
/// @param out_open       the attachment; sealwax_stream_open_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any reference, header or options
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input
/// @retval SEALWAX_INVALID_TEXT           the options are not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS        an unknown option, or a bad value
/// @retval SEALWAX_MALFORMED              not a reference, or not the header of an attachment
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object; or the reference has no digest, and "digest" is not
///                                        false
/// @retval SEALWAX_AUTHENTICATION_FAILED  the header is not of a file that this reference's key sealed
/// @retval SEALWAX_LIMIT_REACHED          no handle is left
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_open_new(
    reference: *const c_void,
    reference_len: usize,
    header: *const c_void,
    header_len: usize,
    options: *const c_char,
    options_len: usize,
    out_open: *mut *mut sealwax_stream_open,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.handle::<sealwax_stream_open>(out_open);
        let inputs = outputs.inputs()?;
        let reference = inputs.bytes(reference, reference_len, REFERENCE_MAX)?;
        let header = inputs.bytes(header, header_len, HEADER_LEN)?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let options = OPTIONS.parse(options)?;
        let out = out.reserve()?;
        out.put(Open::new(reference, header, options.get(&DIGEST))?, ());
        Ok(())
    })
}

/// Ends an attachment that is read, whether to its end or not. Its key is wiped.
///
/// @param open  the attachment; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  open is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_stream_open_free(open: *mut sealwax_stream_open) -> sealwax_status {
    guard(|| cell::free(open))
}

/// Tells the sizes of an attachment and of its chunks, as the reference says them. Its sender may have written any
/// number there: do not set memory aside for it.
///
/// @param open        the attachment
/// @param out_layout  its sizes
///
/// @retval SEALWAX_NULL_POINTER    out_layout is NULL
/// @retval SEALWAX_INVALID_HANDLE  open is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the attachment broke; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_open_layout(
    open: *const sealwax_stream_open,
    out_layout: *mut sealwax_stream_layout,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let layout = outputs.value(out_layout);
        outputs.inputs()?;
        let open = cell::shared(open)?;
        layout.put(open.lock()?.layout().into());
        Ok(())
    })
}

/// Opens the next piece of what follows the header, of any length, and gives the plaintext of the chunks that it
/// completes. What it gives is authentic; that the file is whole, and the same for everybody, only
/// sealwax_stream_open_finish() says. So write it to a place that counts only after that.
///
/// The beginning of a chunk is kept until its end comes. If bytes that came with an earlier piece were damaged,
/// another try with this piece cannot help: begin anew.
///
/// @param open        the attachment
/// @param sealed      the next bytes of the sealed file; may be NULL if sealed_len is 0
/// @param sealed_len  bytes of them, at most 1 GiB
/// @param out         the plaintext; often none
/// @param out_cap     bytes of room at out; sealed_len + "chunk_size" of the layout is enough, 0 asks for the size
/// @param out_len     bytes of the plaintext
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              sealed_len is above 1 GiB
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         open is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED               the attachment broke; free it
/// @retval SEALWAX_WRONG_STATE            unless "digest" is false: it is read chunk by chunk; nothing changed
/// @retval SEALWAX_MALFORMED              the file is longer than the reference says; nothing changed
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do; nothing changed
/// @retval SEALWAX_AUTHENTICATION_FAILED  a chunk was changed, or is not the one of its place; nothing changed,
///                                        and none of this piece is given
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_open_update(
    open: *mut sealwax_stream_open,
    sealed: *const c_void,
    sealed_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let sealed = inputs.bytes(sealed, sealed_len, limits::ATTACHMENT_PIECE_MAX)?;
        let open = cell::exclusive(open)?;
        let mut open = open.lock()?;
        let len = open.update_len(sealed.len())?;
        let mut out = out.reserve(len)?;
        open.update(|open| open.update(sealed, out.buffer()))?;
        out.finish(len)
    })
}

/// Says whether all of the attachment was read and, unless "digest" is false, that it is the one that the
/// reference names. Pure: it changes nothing. What sealwax_stream_open_update() refused was not read, so after
/// a refusal a file looks cut off here, and bytes beyond its end do not count.
///
/// @param open  the attachment
///
/// @retval SEALWAX_INVALID_HANDLE         open is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED               the attachment broke; free it
/// @retval SEALWAX_MALFORMED              not all of it was read: the file was cut off, or chunks are missing;
///                                        chunks that are read with "digest":false do not count
/// @retval SEALWAX_AUTHENTICATION_FAILED  another file than the one that the reference was made for: its sender
///                                        lies
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_open_finish(open: *const sealwax_stream_open) -> sealwax_status {
    guard(|| {
        let open = cell::shared(open)?;
        open.lock()?.finish()?;
        Ok(())
    })
}

/// Opens one chunk by its index, from any thread: calls run side by side. Its place in the sealed file follows
/// from sealwax_stream_layout. Unless "digest" is false, each index is opened once, in about the order of the
/// file: less than 1,024 ahead of the first that is not done; one that failed may be tried again.
///
/// @param open        the attachment
/// @param index       0 for the first chunk
/// @param sealed      the whole sealed chunk
/// @param sealed_len  bytes of it: those of its plaintext and SEALWAX_STREAM_OVERHEAD
/// @param out         the plaintext
/// @param out_cap     bytes of room at out; sealed_len is enough
/// @param out_len     bytes of the plaintext
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any chunk
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         open is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT       there is no chunk of this index
/// @retval SEALWAX_POISONED               the attachment broke; free it
/// @retval SEALWAX_MALFORMED              not as long as this chunk is
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do; nothing changed
/// @retval SEALWAX_WRONG_STATE            unless "digest" is false: it is done or being done, or
///                                        sealwax_stream_open_update() was used; nothing changed
/// @retval SEALWAX_TOO_FAR_AHEAD          unless "digest" is false: 1,024 or more ahead of the first index that is
///                                        not done; nothing changed
/// @retval SEALWAX_AUTHENTICATION_FAILED  changed, or not the chunk of this place; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_open_chunk(
    open: *const sealwax_stream_open,
    index: u32,
    sealed: *const c_void,
    sealed_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let sealed = inputs.bytes(sealed, sealed_len, limits::ATTACHMENT_CHUNK_MAX + OVERHEAD)?;
        let open = cell::shared(open)?;
        let open = open.lock()?;
        let len = open.chunk_len(index, sealed.len())?;
        let mut out = out.reserve(len)?;
        open.chunk(index, sealed, out.buffer())?;
        out.finish(len)
    })
}
