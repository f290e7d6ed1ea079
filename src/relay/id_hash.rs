//! A hash for envelope ids, which are hashes already.

use std::hash::{BuildHasher, Hasher, RandomState};

/// One multiplication under keys of its own, so that nobody can choose envelopes that fall into one bucket.
#[derive(Clone, Copy)]
pub(super) struct IdHash {
    keys: (u64, u64),
}

impl Default for IdHash {
    fn default() -> Self {
        let random = RandomState::new();
        Self { keys: (random.hash_one(0), random.hash_one(1)) }
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { keys: self.keys, hash: 0 }
    }
}

/// Takes one `u128`, or several.
pub(super) struct IdHasher {
    keys: (u64, u64),
    hash: u64,
}

impl Hasher for IdHasher {
    fn write_u128(&mut self, id: u128) {
        let (low, high) = halves(id);
        let product = u128::from(low ^ self.keys.0) * u128::from(high ^ self.keys.1 ^ self.hash);
        let (low, high) = halves(product);
        self.hash = low ^ high;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the lower and the upper half")]
const fn halves(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_in_one_bit_spread_over_few_buckets_evenly() {
        let hash = IdHash::default();
        let mut buckets = [0_u32; 16];
        for bit in 0..128 {
            buckets[(hash.hash_one(1_u128 << bit) >> 60) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| *count < 40), "{buckets:?}");
    }

    #[test]
    fn maps_hash_alike_only_with_the_same_keys() {
        let (one, other) = (IdHash::default(), IdHash::default());
        assert_eq!(one.hash_one(7_u128), one.hash_one(7_u128));
        assert_ne!(one.hash_one(7_u128), other.hash_one(7_u128));
    }
}
