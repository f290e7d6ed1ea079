//! Reading an attachment.

use std::sync::Mutex;

use subtle::ConstantTimeEq as _;

use super::key::{ChunkKey, chunk_digest};
use super::layout::{Layout, OVERHEAD};
use super::ledger::{Ledger, Way};
use super::lock;
use crate::crypto::Secret;
use crate::crypto::kdf::HASH_LEN;
use crate::error::{Error, Result};
use crate::wire::attachment::Reference;

/// One attachment that is read (`docs/PROTOCOL.md` section 15.4).
///
/// With the digest checked, all of it is read, by [`Open::update`] or by [`Open::chunk`], and [`Open::finish`] then
/// says whether it was whole. Without, [`Open::chunk`] reads any chunk at any time.
pub struct Open {
    key: ChunkKey,
    layout: Layout,
    /// What [`Open::finish`] compares with, if it is to.
    digest: Option<[u8; HASH_LEN]>,
    ledger: Mutex<Ledger>,
    /// Room for one sealed chunk once something was fed; its first `held` bytes are a chunk that is not whole yet.
    buffer: Vec<u8>,
    held: usize,
}

impl Open {
    /// From a reference and the header, which is what the sealed object begins with.
    ///
    /// [`Error::WrongKind`] if the digest is to be checked and the reference has none;
    /// [`Error::AuthenticationFailed`] if it is the reference of another attachment.
    pub fn new(reference: &[u8], header: &[u8], check_digest: bool) -> Result<Self> {
        let reference = Reference::parse(reference)?;
        let digest = match (check_digest, reference.digest) {
            (true, None) => return Err(Error::WrongKind),
            (true, digest) => digest.copied(),
            (false, _) => None,
        };
        let layout = Layout::new(reference.size, reference.chunk_size)?;
        let key = ChunkKey::derive(&Secret::from_slice(reference.file_key)?, reference.chunk_size)?;
        key.check_header(header)?;
        let ledger = Mutex::new(Ledger::new(key.digest(), Some(layout.chunks() - 1)));
        Ok(Self { key, layout, digest, ledger, buffer: Vec::new(), held: 0 })
    }

    /// Its size, and that of its chunks.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of plaintext that [`Open::update`] gives for so many more sealed ones.
    ///
    /// [`Error::Malformed`] if the attachment ends before; [`Error::WrongState`] among single chunks.
    pub fn update_len(&self, sealed_len: usize) -> Result<usize> {
        let ledger = lock(&self.ledger)?;
        ledger.check_way(Way::Update)?;
        let (from, to) = (ledger.next(), self.chunks_within(&ledger, sealed_len)?);
        let plaintext = self.layout.plaintext_before(to) - self.layout.plaintext_before(from);
        usize::try_from(plaintext).map_err(|_| Error::TooLarge)
    }

    /// Opens the next piece of what follows the header, of any length: gives the plaintext of the chunks that it
    /// completes, all of them authentic. `out` has the length that [`Open::update_len`] says.
    ///
    /// [`Error::AuthenticationFailed`] if one of them is not what was sealed at its place: nothing changes, and what
    /// stands in `out`, authentic chunks before that one, is the caller's to wipe.
    pub fn update(&mut self, sealed: &[u8], out: &mut [u8]) -> Result<()> {
        if out.len() != self.update_len(sealed.len())? {
            return Err(Error::InvalidArgument);
        }
        let mut ledger = lock(&self.ledger)?.clone();
        ledger.enter(Way::Update)?;
        let end = self.chunks_within(&ledger, sealed.len())?;
        if self.buffer.is_empty() {
            self.buffer.resize(self.layout.chunk_size().bytes() + OVERHEAD, 0);
        }
        let (mut rest, mut held, mut out) = (sealed, self.held, out);
        while ledger.next() < end {
            let index = ledger.next();
            let len = self.layout.plaintext_len(index).ok_or(Error::Internal)?;
            let (place, out_after) =
                core::mem::take(&mut out).split_at_mut_checked(len).ok_or(Error::Internal)?;
            // What is held comes first; after it, chunks are opened where the caller has them. Bytes of the buffer
            // beyond `self.held` mean nothing, so a failure changes nothing.
            let missing = (len + OVERHEAD).checked_sub(held).ok_or(Error::Internal)?;
            let (first, after) = rest.split_at_checked(missing).ok_or(Error::Internal)?;
            let chunk = if held == 0 {
                first
            } else {
                let room = self.buffer.get_mut(held..len + OVERHEAD).ok_or(Error::Internal)?;
                room.copy_from_slice(first);
                self.buffer.get(..len + OVERHEAD).ok_or(Error::Internal)?
            };
            ledger.begin(Way::Update, index, self.layout.is_last(index))?;
            self.key.open(index, self.layout.is_last(index), chunk, place)?;
            ledger.done(index, self.digest_of(chunk));
            (rest, held, out) = (after, 0, out_after);
        }
        let filled = held + rest.len();
        self.buffer.get_mut(held..filled).ok_or(Error::Internal)?.copy_from_slice(rest);
        self.held = filled;
        *lock(&self.ledger)? = ledger;
        Ok(())
    }

    /// Bytes of plaintext that [`Open::chunk`] gives for this chunk.
    ///
    /// [`Error::InvalidArgument`] for an index past the last; [`Error::Malformed`] for another length than it has.
    pub fn chunk_len(&self, index: u32, sealed_len: usize) -> Result<usize> {
        let len = self.layout.plaintext_len(index).ok_or(Error::InvalidArgument)?;
        if sealed_len == len + OVERHEAD { Ok(len) } else { Err(Error::Malformed) }
    }

    /// Opens the chunk of this index. Any number of threads may do so at once.
    ///
    /// With the digest checked, each chunk is opened once, and none more than 1,024 ahead of the first that is missing:
    /// [`Error::WrongState`], [`Error::TooFarAhead`]. One that fails may be tried again.
    pub fn chunk(&self, index: u32, sealed: &[u8], out: &mut [u8]) -> Result<()> {
        if out.len() != self.chunk_len(index, sealed.len())? {
            return Err(Error::InvalidArgument);
        }
        let last = self.layout.is_last(index);
        if self.digest.is_none() {
            return self.key.open(index, last, sealed, out);
        }
        lock(&self.ledger)?.begin(Way::Chunk, index, last)?;
        let opened = self.key.open(index, last, sealed, out).map(|()| chunk_digest(sealed));
        let mut ledger = lock(&self.ledger)?;
        match opened {
            Ok(digest) => ledger.done(index, digest),
            Err(_) => ledger.cancel(index, false),
        }
        opened.map(|_| ())
    }

    /// Whether all of it was read, and is what the reference names.
    ///
    /// [`Error::Malformed`] if some is missing; [`Error::AuthenticationFailed`] if the digest is to be checked and is
    /// another: the sender, or somebody with the reference, made a second version.
    pub fn finish(&self) -> Result<()> {
        let ledger = lock(&self.ledger)?;
        if !ledger.is_complete() {
            return Err(Error::Malformed);
        }
        match self.digest {
            Some(digest) if !bool::from(digest.ct_eq(&ledger.digest())) => Err(Error::AuthenticationFailed),
            _ => Ok(()),
        }
    }

    /// Chunks that are whole once so many bytes follow.
    fn chunks_within(&self, ledger: &Ledger, sealed_len: usize) -> Result<u32> {
        let sealed_chunk = (self.layout.chunk_size().bytes() + OVERHEAD) as u64;
        let given = (u64::from(ledger.next()) * sealed_chunk).min(self.layout.body_size()) + self.held as u64;
        let given = given.checked_add(sealed_len as u64).ok_or(Error::Malformed)?;
        if given > self.layout.body_size() {
            return Err(Error::Malformed);
        }
        if given == self.layout.body_size() {
            return Ok(self.layout.chunks());
        }
        u32::try_from(given / sealed_chunk).map_err(|_| Error::Internal)
    }

    fn digest_of(&self, chunk: &[u8]) -> [u8; HASH_LEN] {
        if self.digest.is_some() { chunk_digest(chunk) } else { [0; HASH_LEN] }
    }
}
