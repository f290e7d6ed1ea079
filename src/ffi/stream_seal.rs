//! Making attachments.

use core::ffi::{c_char, c_int, c_void};

use super::argument::{Outputs, Value};
use super::cell::{self, Object, Opaque};
use super::guard::guard;
use super::options::{Flag, PowerOfTwo, Table};
use super::sizes::SEALWAX_STREAM_HEADER_LEN;
use super::status::{Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::limits;
use crate::stream::{Layout, Seal};
use crate::wire::attachment::ChunkSize;

/// One attachment in the making: a file of any size, sealed chunk by chunk.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_stream_seal(());

impl Object for Seal {
    type Links = ();
}

impl Opaque for sealwax_stream_seal {
    type Object = Seal;
}

/// Which bytes of an attachment lie where. Chunk i starts at SEALWAX_STREAM_HEADER_LEN + i * (chunk_size +
/// SEALWAX_STREAM_OVERHEAD) of the sealed file and holds the plaintext from i * chunk_size on. All chunks but the
/// last are full; a file without content is one empty chunk.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_stream_layout {
    /// Bytes of plaintext.
    pub size: u64,
    /// Bytes of the sealed file, header included.
    pub sealed_size: u64,
    /// How many chunks.
    pub chunks: u32,
    /// Bytes of plaintext in a full chunk.
    pub chunk_size: u32,
}

const _: () = assert!(size_of::<sealwax_stream_layout>() == 24);

impl Value for sealwax_stream_layout {
    const NOTHING: Self = Self { size: 0, sealed_size: 0, chunks: 0, chunk_size: 0 };
}

impl From<Layout> for sealwax_stream_layout {
    fn from(layout: Layout) -> Self {
        Self {
            size: layout.size(),
            sealed_size: layout.sealed_size(),
            chunks: layout.chunks(),
            chunk_size: 1 << layout.chunk_size().bits(),
        }
    }
}

const CHUNK_SIZE: PowerOfTwo = PowerOfTwo {
    name: "chunk_size",
    min: limits::ATTACHMENT_CHUNK_MIN as u64,
    max: limits::ATTACHMENT_CHUNK_MAX as u64,
    default: limits::ATTACHMENT_CHUNK as u64,
};
const DIGEST: Flag = Flag { name: "digest", default: true };

/// Of `sealwax_stream_seal_new`.
pub(super) static OPTIONS: Table =
    Table { functions: &["sealwax_stream_seal_new"], keys: &[&CHUNK_SIZE, &DIGEST] };

/// @section Attachments: sealing
///
/// Starts an attachment under a fresh key of its own. The sealed file is the header and then the chunks, in order.
/// Feed sealwax_stream_seal_update() and end with sealwax_stream_seal_finish(); or seal each chunk by itself with
/// sealwax_stream_seal_chunk(), from many threads. sealwax_stream_seal_reference() then gives what opens it.
///
/// @param options      "chunk_size" (4096 to 1048576, a power of two; default 65536): bytes of plaintext in a
///                     chunk, the least that a recipient can read. "digest" (default true): the reference binds
///                     the whole file, so that all who are given it see the same. Without, sealing is several
///                     times faster, and recipients have to agree to it. May be NULL if options_len is 0
/// @param options_len  bytes of them
/// @param out_header   SEALWAX_STREAM_HEADER_LEN bytes that the sealed file begins with
/// @param out_seal     the attachment; sealwax_stream_seal_free() ends it
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        options_len is beyond its limit
/// @retval SEALWAX_BUFFER_OVERLAP   an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT     the options are not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS  an unknown option, or a bad value
/// @retval SEALWAX_LIMIT_REACHED    no handle is left
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_seal_new(
    options: *const c_char,
    options_len: usize,
    out_header: *mut u8,
    out_seal: *mut *mut sealwax_stream_seal,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let header = outputs.array::<SEALWAX_STREAM_HEADER_LEN>(out_header);
        let out = outputs.handle::<sealwax_stream_seal>(out_seal);
        let inputs = outputs.inputs()?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let options = OPTIONS.parse(options)?;
        let chunk_size = ChunkSize::from_bytes(options.get(&CHUNK_SIZE))?;
        let out = out.reserve()?;
        let seal = Seal::new(chunk_size, options.get(&DIGEST), &mut SystemRandom)?;
        header.put(*seal.header());
        out.put(seal, ());
        Ok(())
    })
}

/// Ends an attachment in the making, finished or not. Its key is wiped.
///
/// @param seal  the attachment; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  seal is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_stream_seal_free(seal: *mut sealwax_stream_seal) -> sealwax_status {
    guard(|| cell::free(seal))
}

/// Tells what a plaintext of this size will be when it is sealed. Pure: it changes nothing.
///
/// @param seal        the attachment
/// @param size        bytes of plaintext
/// @param out_layout  the size of the sealed file, and its chunks
///
/// @retval SEALWAX_NULL_POINTER    out_layout is NULL
/// @retval SEALWAX_INVALID_HANDLE  seal is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the attachment broke; free it
/// @retval SEALWAX_TOO_LARGE       more than 2^30 chunks
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_seal_layout(
    seal: *const sealwax_stream_seal,
    size: u64,
    out_layout: *mut sealwax_stream_layout,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let layout = outputs.value(out_layout);
        outputs.inputs()?;
        let seal = cell::shared(seal)?;
        layout.put(seal.lock()?.layout(size)?.into());
        Ok(())
    })
}

/// Seals the next piece of plaintext, of any length, and gives the chunks that it fills: append them to the sealed
/// file. At most a chunk is held back, because it could be the last. Whole chunks go straight from plaintext to
/// out, so large pieces are the fastest.
///
/// @param seal           the attachment
/// @param plaintext      the next bytes; may be NULL if plaintext_len is 0
/// @param plaintext_len  bytes of them, at most 1 GiB
/// @param out            the sealed chunks; often none
/// @param out_cap        bytes of room at out; 0 asks for the size, and is enough if there is none. A piece
///                       completes at most plaintext_len / "chunk_size" + 1 chunks, one less if all pieces are
///                       multiples of "chunk_size", each of "chunk_size" + SEALWAX_STREAM_OVERHEAD bytes
/// @param out_len        bytes of the sealed chunks
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         plaintext_len is above 1 GiB, or there would be more than 2^30 chunks
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the attachment broke; free it
/// @retval SEALWAX_WRONG_STATE       it is finished, or made chunk by chunk; nothing changed
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
/// @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_seal_update(
    seal: *mut sealwax_stream_seal,
    plaintext: *const c_void,
    plaintext_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let plaintext = inputs.bytes(plaintext, plaintext_len, limits::ATTACHMENT_PIECE_MAX)?;
        let seal = cell::exclusive(seal)?;
        let mut seal = seal.lock()?;
        let len = seal.update_len(plaintext.len())?;
        let mut out = out.reserve(len)?;
        seal.update(|seal| seal.update(plaintext, &mut SystemRandom, out.buffer()))?;
        out.finish(len)
    })
}

/// Ends an attachment that was fed with sealwax_stream_seal_update(): gives the last chunk.
///
/// @param seal     the attachment
/// @param out      the last chunk; append it to the sealed file
/// @param out_cap  bytes of room at out; "chunk_size" + SEALWAX_STREAM_OVERHEAD always is enough, 0 asks for the
///                 size
/// @param out_len  bytes of the last chunk
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is no size of memory
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the attachment broke; free it
/// @retval SEALWAX_WRONG_STATE       it is finished already, or made chunk by chunk; nothing changed
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
/// @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_seal_finish(
    seal: *mut sealwax_stream_seal,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let seal = cell::exclusive(seal)?;
        let mut seal = seal.lock()?;
        let len = seal.finish_len()?;
        let mut out = out.reserve(len)?;
        seal.update(|seal| seal.finish(&mut SystemRandom, out.buffer()))?;
        out.finish(len)
    })
}

/// Seals one chunk by its index, from any thread: calls run side by side. Each index is sealed once, in about the
/// order of the file: less than 1,024 ahead of the first that is not done. The chunk goes to its place in the
/// sealed file, see sealwax_stream_layout.
///
/// @param seal           the attachment
/// @param index          0 for the first chunk
/// @param last           1 for the chunk that ends the file, 0 for all others
/// @param plaintext      its bytes; may be NULL if plaintext_len is 0
/// @param plaintext_len  "chunk_size"; in the last chunk from 1 to that, or 0 if it is the only one
/// @param out            the sealed chunk
/// @param out_cap        bytes of room at out; plaintext_len + SEALWAX_STREAM_OVERHEAD is enough
/// @param out_len        bytes of the sealed chunk
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         plaintext_len is above SEALWAX_STREAM_CHUNK_MAX
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  last is neither 0 nor 1, or a chunk of this index has not that length
/// @retval SEALWAX_POISONED          the attachment broke; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
/// @retval SEALWAX_WRONG_STATE       this index is done or being done, or lies after the last chunk; or the last
///                                   one would not be the last; or sealwax_stream_seal_update() was used; nothing
///                                   changed
/// @retval SEALWAX_TOO_FAR_AHEAD     1,024 or more ahead of the first index that is not done; nothing changed
/// @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_seal_chunk(
    seal: *const sealwax_stream_seal,
    index: u32,
    last: c_int,
    plaintext: *const c_void,
    plaintext_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let plaintext = inputs.bytes(plaintext, plaintext_len, limits::ATTACHMENT_CHUNK_MAX)?;
        let seal = cell::shared(seal)?;
        let last = match last {
            0 => false,
            1 => true,
            _ => return Err(Status::INVALID_ARGUMENT),
        };
        let seal = seal.lock()?;
        let len = seal.chunk_len(index, last, plaintext.len())?;
        let mut out = out.reserve(len)?;
        seal.chunk(index, last, plaintext, &mut SystemRandom, out.buffer())?;
        out.finish(len)
    })
}

/// Gives the reference to a finished attachment: its key, size and digest. It is a secret: whoever has it reads
/// the file. Send it as, or in, an encrypted message; keep the sealed file wherever you like.
///
/// @param seal     the attachment
/// @param out      the reference
/// @param out_cap  bytes of room at out; SEALWAX_STREAM_REFERENCE_MAX is enough
/// @param out_len  bytes of the reference
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is no size of memory
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    seal is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the attachment broke; free it
/// @retval SEALWAX_WRONG_STATE       the last chunk, or one before it, is missing
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_stream_seal_reference(
    seal: *const sealwax_stream_seal,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let seal = cell::shared(seal)?;
        let reference = seal.lock()?.reference()?;
        out.put(&reference)
    })
}
