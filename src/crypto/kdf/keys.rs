//! HKDF-Expand (RFC 5869 section 2.3) from a key of 32 bytes into keys of 32 bytes, with an info of less than a block:
//! what every step of a chain is.
//!
//! `hkdf` gives the same for lengths of any kind, and around messages as short as these its buffers cost more than
//! half as much again as the hashing. Here each output is four compressions at most, and all of them share the two
//! that take the key.

use sha2::block_api::compress256;
use zeroize::Zeroize as _;

use crate::crypto::kdf::{HASH_LEN, Label};
use crate::wire::codec::{Put as _, SliceWriter};

const BLOCK_LEN: usize = 64;

/// The longest label that leaves room in one block for the output before, the counter and the padding. A test holds
/// them all to it.
#[cfg(test)]
pub(super) const LABEL_MAX: usize = BLOCK_LEN - HASH_LEN - 1 - 1 - 1 - 8;

type Block = [u8; BLOCK_LEN];

/// A state of SHA-256, wiped on drop.
struct State([u32; 8]);

impl State {
    /// FIPS 180-4 section 5.3.3.
    const START: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];

    /// HMAC's two keyed starts (FIPS 198-1): `pad` is 0x36 for the inner hash, 0x5c for the outer one.
    fn keyed(key: &[u8; HASH_LEN], pad: u8) -> Self {
        let mut block = [pad; BLOCK_LEN];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        let mut state = Self(Self::START);
        state.compress(&block);
        block.as_mut_slice().zeroize();
        state
    }

    fn compress(&mut self, block: &Block) {
        compress256(&mut self.0, core::slice::from_ref(block));
    }

    /// The hash of the block that this state stands for and of `last`, which ends in its padding.
    fn finish(&self, last: &Block, out: &mut [u8]) {
        let mut state = Self(self.0);
        state.compress(last);
        for (to, word) in out.chunks_exact_mut(4).zip(&state.0) {
            to.copy_from_slice(&word.to_be_bytes());
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// HKDF-Expand with info = `L(label)`, cut into keys.
pub(super) fn expand<const N: usize>(prk: &[u8; HASH_LEN], label: Label, outputs: [&mut [u8; HASH_LEN]; N]) {
    const { assert!(N <= 255) };
    let (inner, outer) = (State::keyed(prk, 0x36), State::keyed(prk, 0x5c));
    let mut block = [0; BLOCK_LEN];
    let mut between = [0; BLOCK_LEN];
    let mut before: &[u8] = &[];
    for (number, output) in (1..).zip(outputs) {
        let mut message = SliceWriter::new(&mut block);
        message.put(before);
        message.put(&label.length_byte());
        message.put(label.bytes());
        message.put_u8(number);
        let length = message.position();
        pad(&mut block, length);
        let (hash, _) = between.split_at_mut(HASH_LEN);
        inner.finish(&block, hash);
        pad(&mut between, HASH_LEN);
        outer.finish(&between, output);
        before = output;
    }
    block.as_mut_slice().zeroize();
    between.as_mut_slice().zeroize();
}

/// Ends a message of one block and `length` bytes (FIPS 180-4 section 5.1.1).
fn pad(last: &mut Block, length: usize) {
    let bits = 8 * (BLOCK_LEN + length) as u64;
    let (_, rest) = last.split_at_mut(length);
    rest.fill(0);
    if let [marker, .., _, _, _, _, _, _, _, _] = rest {
        *marker = 0x80;
    }
    if let Some(place) = rest.last_chunk_mut() {
        *place = bits.to_be_bytes();
    }
}
