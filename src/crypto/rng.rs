//! Where randomness comes from.
//!
//! Keys, ephemerals and the entropy of signatures come from the system, one call each. Nonces, and nonces only,
//! come from a small buffer for each thread, because a system call costs more than encrypting a short message.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU64, Ordering};

use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, Result};

/// Bytes of an AEAD nonce.
pub const NONCE_LEN: usize = 12;

/// A source of randomness, handed in by the caller of whatever needs it.
pub trait Random {
    /// Fills `out` with bytes fit for keys.
    fn fill(&mut self, out: &mut [u8]) -> Result<()>;

    /// An AEAD nonce that this source never gives twice, not in a forked child either.
    fn nonce(&mut self) -> Result<[u8; NONCE_LEN]>;

    /// Entropy mixed into an ECDSA nonce as the additional data of RFC 6979 section 3.6;
    /// `None` asks for the plain deterministic signature of section 3.2.
    fn signature_entropy(&mut self) -> Result<Option<[u8; 32]>>;
}

/// The randomness of the operating system: what every use outside tests takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        system(out)
    }

    fn nonce(&mut self) -> Result<[u8; NONCE_LEN]> {
        let buffered =
            NONCES.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| pool.draw(Process::current())));
        match buffered {
            Ok(Some(nonce)) => nonce,
            // The thread is ending, or a signal handler interrupted a draw: ask the system itself.
            _ => {
                let mut nonce = [0; NONCE_LEN];
                system(&mut nonce)?;
                Ok(nonce)
            }
        }
    }

    fn signature_entropy(&mut self) -> Result<Option<[u8; 32]>> {
        let mut entropy = [0; 32];
        system(&mut entropy)?;
        Ok(Some(entropy))
    }
}

fn system(out: &mut [u8]) -> Result<()> {
    getrandom::fill(out).map_err(|_| {
        out.zeroize();
        Error::Internal
    })
}

static FORK_GENERATION: AtomicU64 = AtomicU64::new(0);

/// 0 until [`watch_forks`]; after that a number that is another one in every forked child.
#[must_use]
pub fn fork_generation() -> u64 {
    FORK_GENERATION.load(Ordering::Relaxed)
}

/// States that [`note_fork`] runs in the child of every fork from now on.
pub fn watch_forks() {
    let _ = FORK_GENERATION.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed);
}

/// Run in a child right after a fork: it makes every thread throw its buffered nonces away. Safe in a signal
/// handler's world: one atomic addition.
pub fn note_fork() {
    FORK_GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Nonces buffered. Few, because a child made by a bare `clone`, which runs no fork hook, would draw what is left
/// of them a second time; enough that a draw carries a sixteenth of a system call.
const POOL_NONCES: usize = 16;

thread_local! {
    static NONCES: RefCell<NoncePool> = RefCell::new(NoncePool::default());
}

/// What tells one process from its forked child.
///
/// A watched fork shows in the generation. While nobody watches, the process id has to be asked for at each draw,
/// a system call of 160 ns; that is the price of using this crate from Rust alone.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Process {
    generation: u64,
    id: u32,
}

impl Process {
    fn current() -> Self {
        let generation = fork_generation();
        Self { generation, id: if generation == 0 { std::process::id() } else { 0 } }
    }
}

/// Nonces not drawn yet, and the process they were drawn for.
#[derive(Default)]
struct NoncePool {
    bytes: Zeroizing<[[u8; NONCE_LEN]; POOL_NONCES]>,
    left: usize,
    owner: Process,
}

impl NoncePool {
    fn draw(&mut self, process: Process) -> Result<[u8; NONCE_LEN]> {
        if self.owner != process {
            self.left = 0;
        }
        if self.left == 0 {
            system(self.bytes.as_flattened_mut())?;
            self.left = POOL_NONCES;
            self.owner = process;
        }
        self.left -= 1;
        let slot = self.bytes.get_mut(self.left).ok_or(Error::Internal)?;
        let nonce = *slot;
        slot.zeroize();
        Ok(nonce)
    }
}

#[cfg(test)]
pub(crate) mod scripted {
    //! A predictable source for unit tests: SHA-256 in counter mode over a seed.

    use super::{NONCE_LEN, Random};
    use crate::crypto::kdf;
    use crate::error::Result;

    /// Gives the same bytes for the same seed, and plain RFC 6979 signatures.
    pub(crate) struct ScriptedRandom {
        seed: Vec<u8>,
        counter: u64,
    }

    impl ScriptedRandom {
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
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What a fork does to the memory of a pool.
    fn copy(pool: &NoncePool) -> NoncePool {
        NoncePool { bytes: pool.bytes.clone(), left: pool.left, owner: pool.owner }
    }

    #[test]
    fn nonces_do_not_repeat() {
        let drawn: HashSet<_> = (0..10_000).map(|_| SystemRandom.nonce().unwrap()).collect();
        assert_eq!(drawn.len(), 10_000);
    }

    #[test]
    fn a_drawn_nonce_is_wiped_from_the_pool() {
        let mut pool = NoncePool::default();
        pool.draw(Process::default()).unwrap();
        assert_eq!(pool.bytes[pool.left], [0; NONCE_LEN]);
        assert_ne!(pool.bytes[pool.left - 1], [0; NONCE_LEN]);
    }

    #[test]
    fn a_forked_child_draws_other_nonces_than_its_parent() {
        let watched = Process { generation: 1, id: 0 };
        let unwatched = Process { generation: 0, id: 100 };
        for (parent, child) in [
            (watched, Process { generation: 2, id: 0 }),
            (unwatched, Process { generation: 0, id: 101 }),
            (unwatched, watched),
        ] {
            let mut before = NoncePool::default();
            before.draw(parent).unwrap();
            let (mut unnoticed, mut after) = (copy(&before), copy(&before));
            let next = before.draw(parent).unwrap();
            assert_eq!(unnoticed.draw(parent).unwrap(), next, "the copy is a real one");
            assert_ne!(after.draw(child).unwrap(), next);
            assert!(after.bytes.iter().all(|left| !before.bytes[..before.left].contains(left)));
        }
    }

    #[test]
    fn a_noted_fork_changes_the_generation() {
        watch_forks();
        let before = fork_generation();
        assert_ne!(before, 0);
        watch_forks();
        assert!(fork_generation() >= before);
        note_fork();
        assert!(fork_generation() > before);
    }

    #[test]
    fn system_keys_and_entropy_differ_each_time() {
        let (mut first, mut second) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut first).unwrap();
        SystemRandom.fill(&mut second).unwrap();
        assert_ne!(first, second);
        let entropy = SystemRandom.signature_entropy().unwrap();
        assert!(entropy.is_some());
        assert_ne!(entropy, SystemRandom.signature_entropy().unwrap());
    }
}
