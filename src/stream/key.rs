//! The key of one attachment, and single chunks under it.

use subtle::ConstantTimeEq as _;

use super::layout::OVERHEAD;
use crate::crypto::Secret;
use crate::crypto::aead::{self, NONCE_LEN, TAG_LEN};
use crate::crypto::kdf::{self, HASH_LEN, Hasher, Label};
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::wire::attachment::{ChunkSize, FILE_KEY_LEN, HEADER_LEN, Header};
use crate::wire::codec::{Put as _, SliceWriter};

/// Header, index, last flag.
const AAD_LEN: usize = HEADER_LEN + 5;

/// What seals and opens the chunks of one attachment (`docs/PROTOCOL.md` section 15.1).
pub(super) struct ChunkKey {
    key: aead::Key,
    chunk_size: ChunkSize,
    header: [u8; HEADER_LEN],
}

impl ChunkKey {
    pub(super) fn derive(file_key: &Secret<FILE_KEY_LEN>, chunk_size: ChunkSize) -> Result<Self> {
        let mut header = [0; HEADER_LEN];
        let mut writer = SliceWriter::new(&mut header);
        Header::put_shape(&mut writer, chunk_size);
        let mut derived = Secret::<64>::zeroed();
        kdf::expand(file_key, Label::Stream, writer.written(), derived.as_mut_bytes());
        writer.put(derived.part::<32, 32>().as_bytes());
        writer.finish()?;
        Ok(Self { key: aead::Key::new(&derived.part::<0, 32>()), chunk_size, header })
    }

    /// The header of this attachment, commitment and all.
    pub(super) fn header(&self) -> &[u8; HEADER_LEN] {
        &self.header
    }

    pub(super) fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// Whether this key made a header: if not, it opens nothing behind it.
    pub(super) fn check_header(&self, header: &[u8]) -> Result<()> {
        Header::parse(header)?;
        if self.header[..].ct_eq(header).into() { Ok(()) } else { Err(Error::AuthenticationFailed) }
    }

    /// Seals one chunk under a fresh nonce. `out` is longer than the plaintext by [`OVERHEAD`].
    pub(super) fn seal(
        &self,
        index: u32,
        last: bool,
        plaintext: &[u8],
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<()> {
        let (nonce_out, rest) = out.split_first_chunk_mut::<NONCE_LEN>().ok_or(Error::Internal)?;
        let (ciphertext, tag_out) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Internal)?;
        if ciphertext.len() != plaintext.len() {
            return Err(Error::Internal);
        }
        *nonce_out = rng.nonce()?;
        *tag_out = self.key.seal(nonce_out, &self.aad(index, last)?, plaintext, ciphertext)?;
        Ok(())
    }

    /// Opens one chunk. `out` is shorter than it by [`OVERHEAD`]; a failure wipes it.
    pub(super) fn open(&self, index: u32, last: bool, chunk: &[u8], out: &mut [u8]) -> Result<()> {
        let (nonce, rest) = chunk.split_first_chunk::<NONCE_LEN>().ok_or(Error::Malformed)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(Error::Malformed)?;
        if out.len() + OVERHEAD != chunk.len() {
            return Err(Error::Internal);
        }
        self.key.open(nonce, &self.aad(index, last)?, ciphertext, tag, out)
    }

    /// What starts the digest of this attachment (section 15.2).
    pub(super) fn digest(&self) -> Hasher {
        let mut digest = Hasher::new(Label::StreamDigest);
        digest.update(&self.header);
        digest
    }

    fn aad(&self, index: u32, last: bool) -> Result<[u8; AAD_LEN]> {
        let mut aad = [0; AAD_LEN];
        let mut writer = SliceWriter::new(&mut aad);
        writer.put(&self.header);
        writer.put_u32(index);
        writer.put_u8(last.into());
        writer.finish()?;
        Ok(aad)
    }
}

/// What the digest takes of a sealed chunk.
pub(super) fn chunk_digest(chunk: &[u8]) -> [u8; HASH_LEN] {
    kdf::hash(Label::StreamChunk, &[chunk])
}
