//! Where randomness comes from.
//!
//! Keys, ephemerals and the entropy of signatures come from the system, one call each. Nonces and message ids, which
//! are no secrets, come from a small buffer for each thread: a system call costs as much as encrypting a short message.
//! A FIPS build adds the randomness of its module to all of them.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroize as _;

#[cfg(any(feature = "aws-lc", feature = "fips"))]
use crate::crypto::backend;
use crate::error::{Error, Result};
use crate::wire::content::MESSAGE_ID_LEN;

/// Bytes of an AEAD nonce.
pub const NONCE_LEN: usize = 12;

/// A source of randomness, handed in by the caller of whatever needs it.
pub trait Random {
    /// Fills `out` with bytes fit for keys.
    fn fill(&mut self, out: &mut [u8]) -> Result<()>;

    /// An AEAD nonce that this source never gives twice, not in a forked child either.
    fn nonce(&mut self) -> Result<[u8; NONCE_LEN]>;

    /// A random name for a message, of the same kind as a nonce.
    fn message_id(&mut self) -> Result<[u8; MESSAGE_ID_LEN]> {
        let mut id = [0; MESSAGE_ID_LEN];
        self.fill(&mut id)?;
        Ok(id)
    }

    /// Entropy mixed into an ECDSA nonce as the additional data of RFC 6979 section 3.6;
    /// `None` asks for the plain deterministic signature of section 3.2.
    fn signature_entropy(&mut self) -> Result<Option<[u8; 32]>>;

    /// Whether this is the randomness of the system itself. Then the backend may draw the nonces of signatures from
    /// its own generator, which the system seeds, and not ask here for their entropy.
    fn is_system(&self) -> bool {
        false
    }
}

/// The randomness of the operating system: what every use outside tests takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        system(out)
    }

    fn nonce(&mut self) -> Result<[u8; NONCE_LEN]> {
        buffered()
    }

    fn message_id(&mut self) -> Result<[u8; MESSAGE_ID_LEN]> {
        buffered()
    }

    fn signature_entropy(&mut self) -> Result<Option<[u8; 32]>> {
        let mut entropy = [0; 32];
        system(&mut entropy)?;
        Ok(Some(entropy))
    }

    fn is_system(&self) -> bool {
        true
    }
}

fn buffered<const N: usize>() -> Result<[u8; N]> {
    let drawn =
        POOL.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| pool.draw(Process::current())));
    match drawn {
        Ok(Some(drawn)) => drawn,
        // The thread is ending, or a signal handler interrupted a draw: ask the system itself.
        _ => {
            let mut bytes = [0; N];
            system(&mut bytes)?;
            Ok(bytes)
        }
    }
}

fn system(out: &mut [u8]) -> Result<()> {
    let filled = getrandom::fill(out).ok();
    #[cfg(feature = "fips")]
    let filled = filled.and_then(|()| backend::stir(out));
    filled.ok_or_else(|| {
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
    #[cfg(any(feature = "aws-lc", feature = "fips"))]
    backend::initialise();
    let _ = FORK_GENERATION.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed);
}

/// Run in the parent right before a fork: it waits until no thread is in the midst of a key or a signature.
pub fn before_fork() {
    #[cfg(any(feature = "aws-lc", feature = "fips"))]
    backend::before_fork();
}

/// Run in the parent right after a fork.
pub fn after_fork_in_parent() {
    #[cfg(any(feature = "aws-lc", feature = "fips"))]
    backend::after_fork_in_parent();
}

/// Run in the child right after a fork, beside [`note_fork`].
pub fn after_fork_in_child() {
    #[cfg(any(feature = "aws-lc", feature = "fips"))]
    backend::after_fork_in_child();
}

/// Run in a child right after a fork: it makes every thread throw its buffered bytes away. Safe in a signal
/// handler's world: one atomic addition.
pub fn note_fork() {
    FORK_GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Bytes buffered: a nonce and an id for each of sixteen messages. Few, because a child made by a bare `clone`, which
/// runs no fork hook, would draw what is left of them a second time; enough that a message carries a sixteenth of a
/// system call.
const POOL_LEN: usize = 16 * (NONCE_LEN + MESSAGE_ID_LEN);

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::EMPTY) };
}

/// What tells one process from its forked child.
///
/// A watched fork shows in the generation. While nobody watches, the process id has to be asked for at each draw,
/// a system call of 160 ns; that is the price of using this crate from Rust alone.
#[derive(Clone, Copy, PartialEq, Eq)]
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

/// Bytes not drawn yet, and the process they were drawn for.
struct Pool {
    bytes: [u8; POOL_LEN],
    left: usize,
    owner: Process,
}

impl Pool {
    const EMPTY: Self = Self { bytes: [0; POOL_LEN], left: 0, owner: Process { generation: 0, id: 0 } };

    fn draw<const N: usize>(&mut self, process: Process) -> Result<[u8; N]> {
        const { assert!(N <= POOL_LEN) };
        if self.owner != process || self.left < N {
            self.left = 0;
            system(&mut self.bytes)?;
            self.left = POOL_LEN;
            self.owner = process;
        }
        let unused = self.bytes.get_mut(..self.left).ok_or(Error::Internal)?;
        let drawn = unused.last_chunk_mut::<N>().ok_or(Error::Internal)?;
        self.left -= N;
        let bytes = *drawn;
        drawn.as_mut_slice().zeroize();
        Ok(bytes)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.bytes.as_mut_slice().zeroize();
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
    fn copy(pool: &Pool) -> Pool {
        Pool { bytes: pool.bytes, left: pool.left, owner: pool.owner }
    }

    fn draw(pool: &mut Pool, process: Process) -> [u8; NONCE_LEN] {
        pool.draw(process).unwrap()
    }

    #[test]
    fn nonces_and_ids_do_not_repeat() {
        let mut drawn = HashSet::new();
        for _ in 0..10_000 {
            let (nonce, id) = (SystemRandom.nonce().unwrap(), SystemRandom.message_id().unwrap());
            drawn.insert(u64::from_le_bytes(*nonce.first_chunk().unwrap()));
            drawn.insert(u64::from_le_bytes(*id.first_chunk().unwrap()));
            drawn.insert(u64::from_le_bytes(*id.last_chunk().unwrap()));
        }
        assert_eq!(drawn.len(), 30_000);
    }

    #[test]
    fn what_is_drawn_is_wiped_from_the_pool() {
        let mut pool = Pool::EMPTY;
        draw(&mut pool, Process { generation: 1, id: 0 });
        let (left, drawn) = pool.bytes.split_at(pool.left);
        assert_eq!(drawn, [0; NONCE_LEN]);
        assert_ne!(left.last_chunk::<NONCE_LEN>(), Some(&[0; NONCE_LEN]));
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
            let mut before = Pool::EMPTY;
            draw(&mut before, parent);
            let (mut unnoticed, mut after) = (copy(&before), copy(&before));
            let next = draw(&mut before, parent);
            assert_eq!(draw(&mut unnoticed, parent), next, "the copy is a real one");
            assert_ne!(draw(&mut after, child), next);
            let (mine, theirs) = (after.bytes.chunks_exact(8), before.bytes[..before.left].chunks_exact(8));
            assert!(mine.zip(theirs).all(|(mine, theirs)| mine != theirs));
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
