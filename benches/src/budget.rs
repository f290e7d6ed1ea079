//! What may not grow unnoticed: memory of a handle, and the library's file.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::{env, process};

use crate::abi::{self, GroupReceiver, GroupSender, Identity, Roster, Session};
use crate::scene::{PLAINTEXT, Pair, opened, people, sealed};

/// Something measured, and its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// What is limited.
    pub name: &'static str,
    /// Bytes that it takes.
    pub bytes: usize,
    /// Bytes that it may take.
    pub limit: usize,
    /// Bytes above which the check fails: the limit, or somewhat more where that is missed and told so.
    pub allowed: usize,
}

impl Budget {
    fn new(name: &'static str, bytes: usize, limit: usize) -> Self {
        Self { name, bytes, limit, allowed: limit }
    }

    /// Misses its limit, but may not grow beyond this.
    fn allowed(mut self, allowed: usize) -> Self {
        self.allowed = allowed;
        self
    }

    /// Whether it keeps to its limit.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.bytes <= self.limit
    }

    /// Whether the check passes.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.bytes <= self.allowed
    }
}

/// Objects that share a measurement, so that what the allocator rounds and keeps is spread over them.
const MANY: usize = 200;
/// A session handle: everything that it holds, without skipped keys.
const SESSION: usize = 2 * 1024;
/// What one more sender adds to a group's receiver, without skipped keys.
const SENDER: usize = 1024;
/// The library without symbols.
const LIBRARY: usize = 7 * 1024 * 1024 / 2;
/// The same once it carries SQLite.
const LIBRARY_WITH_SQLITE: usize = 11 * 1024 * 1024 / 2;
/// What every SQLite has in it.
const SQLITE: &[u8] = b"SQLite format 3";
/// What it may not grow beyond while AWS-LC brings curves and ciphers that nothing here uses.
const LIBRARY_WITH_AWS_LC: usize = 4 * 1024 * 1024;

/// Everything that can be measured on this system. The heap is the allocator's own account, so that it counts what the
/// library's C code takes as well as what its Rust code does, with the allocator's overhead; glibc alone keeps one.
#[must_use]
pub fn all() -> Vec<Budget> {
    let mut budgets = Vec::new();
    if heap().is_some() {
        budgets.extend(sessions());
        budgets.push(receiver());
    }
    budgets.extend(library());
    budgets
}

/// Bytes of the heap that are in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn heap() -> Option<usize> {
    // SAFETY: it takes nothing.
    let heap = unsafe { libc::mallinfo2() };
    Some(heap.uordblks + heap.hblkhd)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn heap() -> Option<usize> {
    None
}

/// What dropping things gives back, for each of them.
fn given_back<T>(things: Vec<T>) -> usize {
    let count = things.len();
    let before = heap().unwrap_or_default();
    // The array is not theirs.
    let array = count * size_of::<T>();
    drop(things);
    before.saturating_sub(heap().unwrap_or_default()).saturating_sub(array) / count
}

/// Of one who has just begun, of one who has been written to, and of both once each has heard of the other.
fn sessions() -> [Budget; 4] {
    let alice = Identity::new("alice");
    let others = people(MANY);
    let session = |name, bytes| Budget::new(name, bytes, SESSION);

    let firsts = others.iter().map(|other| {
        let ours = Session::initiate(&alice, &other.card(), &other.prekeys());
        let first = sealed(|out| ours.encrypt(&PLAINTEXT, out));
        (ours, first)
    });
    let (begun, firsts): (Vec<_>, Vec<_>) = firsts.unzip();
    let begun = given_back(begun);
    let accepted = others.iter().zip(&firsts).map(|(other, first)| {
        let theirs = Session::accept(other, first);
        opened(|out| theirs.decrypt(first, out));
        theirs
    });
    let accepted = given_back(accepted.collect());

    let pairs = others.iter().map(|other| {
        let pair = Pair::of(&alice, other);
        // Until every list that is bounded has filled up.
        for round in 0..100 {
            pair.message(round % 3 == 0);
        }
        (pair.ours, pair.theirs)
    });
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.unzip();
    [
        session("session, begun and not answered", begun),
        session("session, accepted", accepted),
        session("session, in use, of who sent last", given_back(ours)),
        session("session, in use, of who read last", given_back(theirs)),
    ]
}

/// One more sender whose key was installed and who has written, without the objects that this takes.
fn receiver() -> Budget {
    let bob = Identity::new("bob");
    let others = people(MANY);
    let cards: Vec<u8> = others.iter().flat_map(Identity::card).collect();
    let roster = Roster::create(&bob, &cards);
    let empty = given_back(vec![GroupReceiver::new(&bob, &roster)]);
    let receiver = GroupReceiver::new(&bob, &roster);
    for other in &others {
        let pair = Pair::of(other, &bob);
        let sender = GroupSender::new(other, &roster);
        let distribution = sealed(|out| sender.distribute(&pair.ours, out));
        receiver.install(&pair.theirs, &distribution);
        for _ in 0..MESSAGES {
            let envelope = sealed(|out| sender.encrypt(&PLAINTEXT, out));
            opened(|out| receiver.decrypt(&envelope, out));
        }
    }
    let full = given_back(vec![receiver]);
    let bytes = full.saturating_sub(empty) / MANY;
    Budget::new("group receiver, a sender", bytes, SENDER)
}

/// Messages of each sender: more than any list of recent ones keeps.
const MESSAGES: usize = 40;

/// The file without symbols; nothing where it cannot be stripped.
fn library() -> Option<Budget> {
    let stripped = env::temp_dir().join(format!("sealwax-stripped-{}", process::id()));
    let path = abi::library_path();
    let bytes = strip(&path, &stripped)?;
    if fs::read(&path).ok()?.windows(SQLITE.len()).any(|bytes| bytes == SQLITE) {
        return Some(Budget::new("library with SQLite, stripped", bytes, LIBRARY_WITH_SQLITE));
    }
    Some(Budget::new("library, stripped", bytes, LIBRARY).allowed(LIBRARY_WITH_AWS_LC))
}

fn strip(library: &Path, stripped: &Path) -> Option<usize> {
    let done = Command::new("strip").arg("-o").arg(stripped).arg(library).status();
    let length = fs::metadata(stripped).ok().map(|file| file.len() as usize);
    let _ = fs::remove_file(stripped);
    length.filter(|_| done.is_ok_and(|status| status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_over_the_limit_is_not_kept_and_fails() {
        let budget = |bytes| Budget::new("it", bytes, 1_024);
        assert!(budget(1_024).is_kept() && budget(1_024).is_allowed());
        assert!(!budget(1_025).is_kept() && !budget(1_025).is_allowed());
    }

    #[test]
    fn what_misses_its_limit_may_not_grow_beyond_what_is_allowed() {
        let budget = |bytes| Budget::new("it", bytes, 1_024).allowed(1_100);
        assert!(!budget(1_100).is_kept() && budget(1_100).is_allowed());
        assert!(!budget(1_101).is_allowed());
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn what_things_held_is_what_is_given_back() {
        let things: Vec<Vec<u8>> = (0..MANY).map(|_| vec![1; 2_000]).collect();
        let bytes = given_back(things);
        assert!((2_000..2_100).contains(&bytes), "{bytes}");
    }
}
