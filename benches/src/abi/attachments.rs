//! Attachments, chunk by chunk and in order.

use super::{Raw, done, library, made};

/// Bytes of plaintext in a chunk.
pub const CHUNK: usize = 65_536;
/// Bytes of a sealed chunk.
pub const SEALED_CHUNK: usize = CHUNK + 28;

handles! {
    /// One attachment in the making.
    Seal frees with sealwax_stream_seal_free;
    /// One attachment that is read.
    Open frees with sealwax_stream_open_free;
}

/// What opens an attachment: reference and header.
pub struct Reference(Vec<u8>, [u8; 38]);

fn options(digest: bool) -> &'static str {
    if digest { "" } else { r#"{"digest":false}"# }
}

impl Seal {
    /// With or without a digest; and its header.
    #[must_use]
    pub fn new(digest: bool) -> (Self, [u8; 38]) {
        let (options, mut header) = (options(digest), [0; 38]);
        // SAFETY: the input is a slice, the outputs live.
        let seal = made(|out| unsafe {
            let text = options.as_ptr().cast();
            (library().sealwax_stream_seal_new)(text, options.len(), header.as_mut_ptr(), out)
        });
        (Self(seal), header)
    }

    /// Seals one chunk.
    pub fn chunk(&self, index: usize, last: bool, plaintext: &[u8], out: &mut [u8]) {
        let (mut len, (bytes, bytes_len)) = (0, (plaintext.as_ptr().cast(), plaintext.len()));
        // SAFETY: the input is a slice, the outputs live.
        done(unsafe {
            let (to, cap) = (out.as_mut_ptr().cast(), out.len());
            let index = index as u32;
            (library().sealwax_stream_seal_chunk)(
                self.0,
                index,
                last.into(),
                bytes,
                bytes_len,
                to,
                cap,
                &mut len,
            )
        });
    }

    /// Seals all of it in order, in pieces of a MiB.
    pub fn whole(&self, plaintext: &[u8], out: &mut [u8]) {
        let (mut at, mut len) = (0, 0);
        for piece in plaintext.chunks(1 << 20) {
            let out = &mut out[at..];
            // SAFETY: the input is a slice, the outputs live.
            done(unsafe {
                let (bytes, to) = (piece.as_ptr().cast(), out.as_mut_ptr().cast());
                (library().sealwax_stream_seal_update)(self.0, bytes, piece.len(), to, out.len(), &mut len)
            });
            at += len;
        }
        let out = &mut out[at..];
        // SAFETY: the outputs live.
        done(unsafe {
            (library().sealwax_stream_seal_finish)(self.0, out.as_mut_ptr().cast(), out.len(), &mut len)
        });
    }

    /// What opens it.
    #[must_use]
    pub fn reference(&self, header: [u8; 38]) -> Reference {
        // SAFETY: the outputs live.
        let bytes = super::all(|out, cap, len| unsafe {
            (library().sealwax_stream_seal_reference)(self.0, out, cap, len)
        });
        Reference(bytes, header)
    }
}

impl Open {
    /// With or without a look at the digest.
    #[must_use]
    pub fn new(Reference(reference, header): &Reference, digest: bool) -> Self {
        let options = options(digest);
        // SAFETY: the inputs are slices, the output lives.
        Self(made(|out| unsafe {
            let (bytes, head, text): (_, _, Raw) =
                (reference.as_ptr().cast(), header.as_ptr().cast(), options.as_ptr().cast_mut().cast());
            let (bytes_len, head_len) = (reference.len(), header.len());
            (library().sealwax_stream_open_new)(
                bytes,
                bytes_len,
                head,
                head_len,
                text.cast(),
                options.len(),
                out,
            )
        }))
    }

    /// Opens one chunk.
    pub fn chunk(&self, index: usize, sealed: &[u8], out: &mut [u8]) {
        let (mut len, (bytes, bytes_len)) = (0, (sealed.as_ptr().cast(), sealed.len()));
        // SAFETY: the input is a slice, the outputs live.
        done(unsafe {
            let (to, cap) = (out.as_mut_ptr().cast(), out.len());
            (library().sealwax_stream_open_chunk)(self.0, index as u32, bytes, bytes_len, to, cap, &mut len)
        });
    }

    /// Ends the program unless all of it was read, and is what the reference names.
    pub fn finish(&self) {
        // SAFETY: a handle is not followed.
        done(unsafe { (library().sealwax_stream_open_finish)(self.0) });
    }
}
