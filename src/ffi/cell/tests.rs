use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::{Cell, Object, Opaque, exclusive, free, revision, shared};
use crate::error::Error;
use crate::ffi::guard::guard;
use crate::ffi::lock::{Exclusive, lock};
use crate::ffi::registry::REGISTRY;
use crate::ffi::status::{SEALWAX_INTERNAL, SEALWAX_OK, Status};

/// A type that is made from nothing.
struct Root(u64);
struct RootHandle;

impl Object for Root {
    type Links = ();
}

impl Opaque for RootHandle {
    type Object = Root;
}

/// A type that is made from a [`Root`].
struct Leaf;
struct LeafHandle;

impl Object for Leaf {
    type Links = Arc<Cell<Root>>;
}

impl Opaque for LeafHandle {
    type Object = Leaf;
}

fn root() -> *mut RootHandle {
    Cell::settle(REGISTRY.reserve().unwrap(), Root(0), ()).0.to_pointer()
}

fn leaf(of: *const RootHandle) -> *mut LeafHandle {
    let link = shared(of).unwrap().keep().unwrap();
    Cell::settle(REGISTRY.reserve().unwrap(), Leaf, link).0.to_pointer()
}

fn count(root: *mut RootHandle) -> Result<u64, Status> {
    exclusive(root)?.lock()?.update(|root| {
        root.0 += 1;
        Ok::<_, Error>(root.0)
    })
}

#[test]
fn a_handle_of_another_type_is_refused() {
    let root = root();
    assert!(shared(root).is_ok());
    assert_eq!(shared(root.cast::<LeafHandle>()).err(), Some(Status::INVALID_HANDLE));
    assert_eq!(free(root.cast::<LeafHandle>()), Err(Status::INVALID_HANDLE));
    assert_eq!(free(root), Ok(()));
}

#[test]
fn null_is_no_handle_but_may_be_freed() {
    assert_eq!(shared(core::ptr::null::<RootHandle>()).err(), Some(Status::INVALID_HANDLE));
    assert_eq!(free(core::ptr::null_mut::<RootHandle>()), Ok(()));
}

#[test]
fn the_revision_grows_with_each_change_and_with_nothing_else() {
    let root = root();
    let before = revision(root).unwrap();
    let refused =
        exclusive(root).unwrap().lock().unwrap().update(|_| Err::<(), _>(Error::AuthenticationFailed));
    assert_eq!(refused, Err(Error::AuthenticationFailed.into()));
    let _ = shared(root).unwrap().lock().unwrap().0;
    assert_eq!(revision(root), Ok(before));
    count(root).unwrap();
    assert_eq!(revision(root), Ok(before + 1));
    free(root).unwrap();
    assert_eq!(revision(root), Err(Status::INVALID_HANDLE));
}

#[test]
fn the_same_handle_twice_is_refused_and_locks_nothing() {
    let root = root();
    {
        let (one, two) = (exclusive(root).unwrap(), shared(root).unwrap());
        assert_eq!(lock((&one, &two)).err(), Some(Status::INVALID_ARGUMENT));
        assert_eq!(lock((&two, &one)).err(), Some(Status::INVALID_ARGUMENT));
        assert!(one.lock().is_ok());
    }
    free(root).unwrap();
}

#[test]
fn a_link_lives_on_after_its_handle_was_freed() {
    let root = root();
    let leaf = leaf(root);
    free(root).unwrap();
    {
        let leaf = exclusive(leaf).unwrap();
        let (_leaf, mut root) = lock((&leaf, Exclusive(leaf.links()))).unwrap();
        assert_eq!(root.update(|root| Ok::<_, Error>(root.0)), Ok(0));
    }
    free(leaf).unwrap();
}

#[test]
fn a_panic_poisons_what_was_locked_exclusively_and_nothing_else() {
    let (broken, read) = (root(), root());
    let status = guard(|| {
        let (broken, read) = (exclusive(broken)?, shared(read)?);
        let (mut broken, _read) = lock((&broken, &read))?;
        broken.update(|_| -> Result<(), Error> { panic!("on purpose") })
    });
    assert_eq!(status, SEALWAX_INTERNAL);
    assert_eq!(shared(broken).unwrap().lock().err(), Some(Status::POISONED));
    assert_eq!(count(broken), Err(Status::POISONED));
    assert_eq!(revision(broken), Err(Status::POISONED));
    assert_eq!(guard(|| free(broken)), SEALWAX_OK);
    assert_eq!(count(read), Ok(1));
    free(read).unwrap();
}

#[test]
fn shared_locks_are_held_at_the_same_time() {
    let root = root();
    let both = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            let root = root.addr();
            let both = &both;
            scope.spawn(move || {
                let root = shared(core::ptr::without_provenance::<RootHandle>(root)).unwrap();
                let _guard = root.lock().unwrap();
                both.wait();
            });
        }
    });
    free(root).unwrap();
}

#[test]
fn free_does_not_wait_for_a_running_call() {
    let root = root();
    let address = root.addr();
    let (locked, is_locked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let root = exclusive(core::ptr::without_provenance_mut::<RootHandle>(address)).unwrap();
            let mut guard = root.lock().unwrap();
            locked.send(()).unwrap();
            released.recv_timeout(Duration::from_secs(60)).unwrap();
            assert_eq!(guard.update(|root| Ok::<_, Error>(root.0)), Ok(0));
        });
        is_locked.recv().unwrap();
        assert_eq!(free(root), Ok(()), "while the other thread holds the lock");
        assert_eq!(count(root), Err(Status::INVALID_HANDLE));
        release.send(()).unwrap();
    });
}

#[test]
fn calls_that_name_the_same_objects_in_any_order_do_not_deadlock() {
    const ROUNDS: u64 = 2_000;
    let handles = [root(), root(), root()].map(<*mut RootHandle>::addr);
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]];
    thread::scope(|scope| {
        for order in orders {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let resolve = |index: usize| {
                        exclusive(core::ptr::without_provenance_mut::<RootHandle>(handles[order[index]]))
                            .unwrap()
                    };
                    let (a, b, c) = (resolve(0), resolve(1), resolve(2));
                    let (mut a, mut b, mut c) = lock((&a, &b, &c)).unwrap();
                    for guard in [&mut a, &mut b, &mut c] {
                        guard
                            .update(|root| {
                                root.0 += 1;
                                Ok::<_, Error>(())
                            })
                            .unwrap();
                    }
                }
            });
        }
    });
    for handle in handles {
        let handle = core::ptr::without_provenance_mut::<RootHandle>(handle);
        assert_eq!(count(handle), Ok(4 * ROUNDS + 1));
        free(handle).unwrap();
    }
}
