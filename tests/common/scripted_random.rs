//! A source of randomness that repeats itself, for test vectors.

use sealwax::crypto::kdf;
use sealwax::crypto::rng::{NONCE_LEN, Random};
use sealwax::error::Result;

/// Gives SHA-256(seed || counter) block by block, each draw from a block of its own, and asks for plain RFC 6979
/// signatures.
pub(crate) struct ScriptedRandom {
    seed: Vec<u8>,
    counter: u64,
}

impl ScriptedRandom {
    /// The same seed gives the same bytes.
    pub(crate) fn new(seed: &str) -> Self {
        Self { seed: seed.as_bytes().to_vec(), counter: 0 }
    }
}

impl Random for ScriptedRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        for chunk in out.chunks_mut(32) {
            let block = kdf::sha256(&[&self.seed, &self.counter.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.counter += 1;
        }
        Ok(())
    }

    fn nonce(&mut self) -> Result<[u8; NONCE_LEN]> {
        let mut nonce = [0; NONCE_LEN];
        self.fill(&mut nonce)?;
        Ok(nonce)
    }

    fn signature_entropy(&mut self) -> Result<Option<[u8; 32]>> {
        Ok(None)
    }
}
