//! Making an attachment.

use std::sync::Mutex;

use zeroize::{Zeroize as _, Zeroizing};

use super::key::{ChunkKey, chunk_digest};
use super::layout::{Layout, OVERHEAD};
use super::ledger::{Ledger, Way};
use super::lock;
use crate::crypto::Secret;
use crate::crypto::kdf::HASH_LEN;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::limits::ATTACHMENT_CHUNKS_MAX;
use crate::wire::attachment::{ChunkSize, FILE_KEY_LEN, HEADER_LEN, REFERENCE_MAX, Reference};

/// One attachment in the making.
///
/// A caller either feeds [`Seal::update`] and ends with [`Seal::finish`], or seals each chunk with [`Seal::chunk`].
/// Then [`Seal::reference`] gives what opens it.
pub struct Seal {
    file_key: Secret<FILE_KEY_LEN>,
    key: ChunkKey,
    has_digest: bool,
    state: Mutex<State>,
    /// Room for one chunk once something was fed; its first `held` bytes are what could still be the last chunk.
    buffer: Zeroizing<Vec<u8>>,
    held: usize,
}

struct State {
    ledger: Ledger,
    /// Bytes of plaintext in the last chunk, once it is taken.
    last_len: usize,
}

impl Seal {
    /// A fresh key from the system. Without a digest, sealing is several times faster, and nothing keeps a dishonest
    /// sender from showing different contents under one reference.
    pub fn new(chunk_size: ChunkSize, has_digest: bool, rng: &mut dyn Random) -> Result<Self> {
        let file_key = Secret::random(rng)?;
        let key = ChunkKey::derive(&file_key, chunk_size)?;
        let state = Mutex::new(State { ledger: Ledger::new(key.digest(), None), last_len: 0 });
        Ok(Self { file_key, key, has_digest, state, buffer: Zeroizing::new(Vec::new()), held: 0 })
    }

    /// What the sealed object begins with; the chunks follow.
    #[must_use]
    pub fn header(&self) -> &[u8; HEADER_LEN] {
        self.key.header()
    }

    /// What a plaintext of this size becomes.
    pub fn layout(&self, size: u64) -> Result<Layout> {
        Layout::new(size, self.key.chunk_size())
    }

    /// Bytes that [`Seal::update`] gives for so many more.
    ///
    /// [`Error::WrongState`] after the end or among single chunks; [`Error::TooLarge`] above 2^30 chunks.
    pub fn update_len(&self, plaintext_len: usize) -> Result<usize> {
        let chunks = self.whole_chunks(plaintext_len)?;
        let state = lock(&self.state)?;
        state.check_fed()?;
        if chunks >= (ATTACHMENT_CHUNKS_MAX - state.ledger.next()) as usize {
            return Err(Error::TooLarge);
        }
        chunks.checked_mul(self.sealed_chunk()).ok_or(Error::TooLarge)
    }

    /// Seals the next piece of plaintext, of any length, as far as it fills chunks; the rest, at most a chunk, is held
    /// back. `out` has the length that [`Seal::update_len`] says.
    pub fn update(&mut self, plaintext: &[u8], rng: &mut dyn Random, out: &mut [u8]) -> Result<()> {
        if out.len() != self.update_len(plaintext.len())? {
            return Err(Error::InvalidArgument);
        }
        let (chunk, sealed_chunk) = (self.key.chunk_size().bytes(), self.sealed_chunk());
        if self.buffer.is_empty() {
            self.buffer.resize(chunk, 0);
        }
        let mut ledger = lock(&self.state)?.ledger.clone();
        ledger.enter(Way::Update)?;
        let (mut rest, mut held) = (plaintext, self.held);
        for out in out.chunks_exact_mut(sealed_chunk) {
            let index = ledger.next();
            ledger.begin(Way::Update, index, false)?;
            // What is held comes first; after it, chunks go from the caller's memory to the caller's memory. Bytes of
            // the buffer beyond `self.held` mean nothing, so a failure changes nothing.
            let (_, room) = self.buffer.split_at_mut_checked(held).ok_or(Error::Internal)?;
            let (first, after) = rest.split_at_checked(room.len()).ok_or(Error::Internal)?;
            if held == 0 {
                self.key.seal(index, false, first, rng, out)?;
            } else {
                room.copy_from_slice(first);
                self.key.seal(index, false, &self.buffer, rng, out)?;
            }
            ledger.done(index, self.digest_of(out));
            (rest, held) = (after, 0);
        }
        let filled = held + rest.len();
        self.buffer.get_mut(held..filled).ok_or(Error::Internal)?.copy_from_slice(rest);
        self.held = filled;
        lock(&self.state)?.ledger = ledger;
        Ok(())
    }

    /// Bytes that [`Seal::finish`] gives. [`Error::WrongState`] after the end or among single chunks.
    pub fn finish_len(&self) -> Result<usize> {
        lock(&self.state)?.check_fed()?;
        Ok(self.held + OVERHEAD)
    }

    /// Seals what is held as the last chunk. `out` has the length that [`Seal::finish_len`] says.
    pub fn finish(&mut self, rng: &mut dyn Random, out: &mut [u8]) -> Result<()> {
        if out.len() != self.finish_len()? {
            return Err(Error::InvalidArgument);
        }
        let plaintext = self.buffer.get(..self.held).ok_or(Error::Internal)?;
        let index = lock(&self.state)?.ledger.next();
        self.seal_as(Way::Update, index, true, plaintext, rng, out)?;
        self.buffer.zeroize();
        Ok(())
    }

    /// Bytes that [`Seal::chunk`] gives for a chunk of so many.
    ///
    /// [`Error::InvalidArgument`] for an index of 2^30 or more, and for a length that such a chunk cannot have: all but
    /// the last are full, and the last is empty only as the first.
    pub fn chunk_len(&self, index: u32, last: bool, plaintext_len: usize) -> Result<usize> {
        let chunk = self.key.chunk_size().bytes();
        let fits = match plaintext_len {
            0 => last && index == 0,
            len => len == chunk || (last && len < chunk),
        };
        if index >= ATTACHMENT_CHUNKS_MAX || !fits {
            return Err(Error::InvalidArgument);
        }
        Ok(plaintext_len + OVERHEAD)
    }

    /// Seals the chunk of this index. Any number of threads may do so at once, each with its own indices.
    ///
    /// Each index is sealed once, and none more than 1,024 ahead of the first that is missing
    /// ([`Error::TooFarAhead`]). [`Error::WrongState`] for one that was sealed or is being sealed, for one past the last,
    /// for a last one before others, and after [`Seal::update`].
    pub fn chunk(
        &self,
        index: u32,
        last: bool,
        plaintext: &[u8],
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<()> {
        if out.len() != self.chunk_len(index, last, plaintext.len())? {
            return Err(Error::InvalidArgument);
        }
        self.seal_as(Way::Chunk, index, last, plaintext, rng, out)
    }

    /// What opens the attachment: a secret, for the payload of a message. [`Error::WrongState`] before the end, or
    /// while a chunk is missing.
    pub fn reference(&self) -> Result<Zeroizing<Vec<u8>>> {
        let state = lock(&self.state)?;
        if !state.ledger.is_complete() {
            return Err(Error::WrongState);
        }
        let chunk_size = self.key.chunk_size();
        let before = u64::from(state.ledger.next() - 1) << chunk_size.bits();
        let digest = self.has_digest.then(|| state.ledger.digest());
        let mut bytes = Zeroizing::new(Vec::with_capacity(REFERENCE_MAX));
        Reference {
            chunk_size,
            file_key: self.file_key.as_bytes(),
            size: before + state.last_len as u64,
            digest: digest.as_ref(),
        }
        .put(&mut bytes)?;
        Ok(bytes)
    }

    /// Takes an index, seals, and notes that it is done; the lock is not held meanwhile.
    fn seal_as(
        &self,
        way: Way,
        index: u32,
        last: bool,
        plaintext: &[u8],
        rng: &mut dyn Random,
        out: &mut [u8],
    ) -> Result<()> {
        {
            let mut state = lock(&self.state)?;
            state.ledger.begin(way, index, last)?;
            if last {
                state.last_len = plaintext.len();
            }
        }
        let sealed = self.key.seal(index, last, plaintext, rng, out).map(|()| self.digest_of(out));
        let mut state = lock(&self.state)?;
        match sealed {
            Ok(digest) => state.ledger.done(index, digest),
            Err(_) => state.ledger.cancel(index, last),
        }
        sealed.map(|_| ())
    }

    fn digest_of(&self, chunk: &[u8]) -> [u8; HASH_LEN] {
        if self.has_digest { chunk_digest(chunk) } else { [0; HASH_LEN] }
    }

    /// Chunks that are sealed when so many bytes follow: all but what could be the last.
    fn whole_chunks(&self, plaintext_len: usize) -> Result<usize> {
        let all = self.held.checked_add(plaintext_len).ok_or(Error::TooLarge)?;
        Ok(all.saturating_sub(1) / self.key.chunk_size().bytes())
    }

    fn sealed_chunk(&self) -> usize {
        self.key.chunk_size().bytes() + OVERHEAD
    }
}

impl State {
    fn check_fed(&self) -> Result<()> {
        self.ledger.check_way(Way::Update)?;
        if self.ledger.is_complete() { Err(Error::WrongState) } else { Ok(()) }
    }
}
