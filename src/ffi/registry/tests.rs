use core::any::Any;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;

use super::{
    AnyCell, FIRST_CHUNK, LAST_GENERATION, LOWEST_TOKEN, Registry, SLOTS, Token, decode, encode, position,
};
use crate::ffi::status::Status;

/// Counts what was destroyed.
struct Counted(Arc<AtomicUsize>);

impl AnyCell for Counted {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
    fn check_fork(&self) -> Result<(), Status> {
        Ok(())
    }
    fn revision(&self) -> Result<u64, Status> {
        Ok(1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn registry() -> &'static Registry {
    Box::leak(Box::new(Registry::new()))
}

fn open(registry: &'static Registry, destroyed: &Arc<AtomicUsize>) -> Token {
    registry.reserve().unwrap().fill(Arc::new(Counted(Arc::clone(destroyed))))
}

fn free(registry: &'static Registry, token: Token) -> Result<(), Status> {
    registry.pin(token).and_then(Registry::free)
}

#[test]
fn a_live_token_resolves_and_a_freed_one_does_not() {
    let (registry, destroyed) = (registry(), Arc::default());
    let token = open(registry, &destroyed);
    assert!(registry.pin(token).unwrap().body().is_some());
    assert_eq!(free(registry, token), Ok(()));
    assert_eq!(destroyed.load(Ordering::SeqCst), 1);
    assert_eq!(registry.pin(token).err(), Some(Status::INVALID_HANDLE));
    assert_eq!(free(registry, token), Err(Status::INVALID_HANDLE));
}

#[test]
fn tokens_look_like_aligned_pointers_of_a_user_process() {
    let (registry, destroyed) = (registry(), Arc::default());
    for _ in 0..1_000 {
        let token = open(registry, &destroyed).0 as u64;
        assert_eq!(token % 2, 0);
        assert!((LOWEST_TOKEN..1 << 47).contains(&token));
    }
}

#[test]
fn a_slot_that_is_used_again_has_another_token() {
    let (registry, destroyed) = (registry(), Arc::default());
    let mut seen = BTreeSet::new();
    for _ in 0..1_000 {
        let token = open(registry, &destroyed);
        assert!(seen.insert(token));
        free(registry, token).unwrap();
    }
    assert_eq!(registry.taken.load(Ordering::SeqCst), 1, "one slot served them all");
}

#[test]
fn guessed_tokens_do_not_resolve() {
    let (registry, destroyed) = (registry(), Arc::default());
    assert_eq!(registry.pin(Token(0x10_0000)).err(), Some(Status::INVALID_HANDLE), "before the first object");
    let token = open(registry, &destroyed);
    for guess in [0, 1, 2, 0xffff, token.0 + 1, token.0 - 2, token.0 + 2, token.0 | 1 << 47, usize::MAX] {
        assert_eq!(registry.pin(Token(guess)).err(), Some(Status::INVALID_HANDLE), "{guess:#x}");
    }
}

#[test]
fn tokens_of_another_load_do_not_resolve() {
    let destroyed = Arc::default();
    let (mine, other) = (registry(), registry());
    open(mine, &destroyed);
    let foreign = open(other, &destroyed);
    assert_eq!(mine.pin(foreign).err(), Some(Status::INVALID_HANDLE));
}

#[test]
fn what_is_freed_while_in_use_is_destroyed_by_its_last_user() {
    let (registry, destroyed) = (registry(), Arc::default());
    let token = open(registry, &destroyed);
    let (first, last) = (registry.pin(token).unwrap(), registry.pin(token).unwrap());
    assert_eq!(free(registry, token), Ok(()));
    assert_eq!(registry.live(), 0, "the token dies at once");
    assert_eq!(registry.pin(token).err(), Some(Status::INVALID_HANDLE));
    drop(first);
    assert!(last.body().is_some());
    assert_eq!(destroyed.load(Ordering::SeqCst), 0);
    drop(last);
    assert_eq!(destroyed.load(Ordering::SeqCst), 1);
}

#[test]
fn live_tokens_are_counted() {
    let (registry, destroyed) = (registry(), Arc::default());
    let tokens: Vec<_> = (0..200).map(|_| open(registry, &destroyed)).collect();
    assert_eq!(registry.live(), 200);
    for token in &tokens {
        free(registry, *token).unwrap();
    }
    assert_eq!(registry.live(), 0);
}

#[test]
fn an_unfilled_vacancy_goes_back() {
    let (registry, destroyed) = (registry(), Arc::default());
    drop(registry.reserve().unwrap());
    open(registry, &destroyed);
    assert_eq!(registry.taken.load(Ordering::SeqCst), 1);
}

#[test]
fn a_slot_retires_after_its_last_generation() {
    let (registry, destroyed) = (registry(), Arc::default());
    let token = open(registry, &destroyed);
    let (index, _) = decode(registry.scramble.load(Ordering::SeqCst), token).unwrap();
    free(registry, token).unwrap();
    let slot = registry.slot(index).unwrap();
    slot.state.store(u64::from(LAST_GENERATION) << 32, Ordering::SeqCst);
    let last = open(registry, &destroyed);
    free(registry, last).unwrap();
    assert_eq!(registry.pin(last).err(), Some(Status::INVALID_HANDLE));
    open(registry, &destroyed);
    assert_eq!(registry.taken.load(Ordering::SeqCst), 2, "a fresh slot instead of the retired one");
    assert_eq!(registry.live(), 1);
}

#[test]
fn every_slot_has_a_place_of_its_own() {
    let mut expected = (0, 0);
    for index in 0..10 * FIRST_CHUNK {
        let (chunk, offset) = position(index);
        if offset == 0 && index != 0 {
            expected = (expected.0 + 1, 0);
        }
        assert_eq!((chunk, offset), expected);
        expected.1 += 1;
    }
    assert!(position(SLOTS - 1).0 < super::CHUNKS);
}

#[test]
fn tokens_decode_to_what_they_were_made_from() {
    for scramble in [1, 0x0123_4567_89ab_cdef, u64::MAX] {
        for index in [0, 1, 77, SLOTS - 1] {
            for generation in [0, 1, 1_000, LAST_GENERATION] {
                if let Some(token) = encode(scramble, index, generation) {
                    assert_eq!(decode(scramble, token), Some((index, generation)));
                }
            }
        }
    }
}

#[test]
fn threads_that_open_pin_and_free_lose_nothing_and_destroy_nothing_twice() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 2_000;
    let (registry, destroyed) = (registry(), Arc::<AtomicUsize>::default());
    let shared = open(registry, &destroyed);
    let start = Barrier::new(THREADS);
    let freed: usize = thread::scope(|scope| {
        let run = || {
            start.wait();
            let mut freed = 0;
            for round in 0..ROUNDS {
                let own = open(registry, &destroyed);
                let pin = registry.pin(own).unwrap();
                free(registry, own).unwrap();
                assert!(pin.body().is_some());
                drop(pin);
                if let Ok(pin) = registry.pin(shared) {
                    assert!(pin.body().is_some());
                }
                if round == ROUNDS / 2 {
                    freed += usize::from(free(registry, shared).is_ok());
                }
            }
            freed
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(freed, 1, "one thread frees what all of them try to");
    assert_eq!(registry.live(), 0);
    assert_eq!(destroyed.load(Ordering::SeqCst), THREADS * ROUNDS + 1);
    let taken = registry.taken.load(Ordering::SeqCst) as usize;
    assert!(taken <= 3 * THREADS + 1, "slots are used again: {taken} taken");
}
