//! Objects behind handles: what a token resolves to, and how objects end.
//!
//! An object is a core type, the objects it was made from (its links, which it keeps alive) and a lock, which
//! [`super::lock`] takes.

use core::any::Any;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use super::fork;
use super::registry::{Pin, REGISTRY, Registry, Token, Vacancy};
use super::status::Status;

/// A core type that has handles. Dropping it must take no lock: a forked child may do so.
pub(super) trait Object: Send + Sync + 'static {
    /// The objects it was made from; `()` for none.
    type Links: Send + Sync + 'static;
}

/// The opaque struct that C names, and what stands behind it.
pub(super) trait Opaque {
    /// What a pointer to it stands for.
    type Object: Object;
}

/// One object with its lock.
pub(super) struct Cell<T: Object> {
    token: Token,
    fork: u64,
    revision: AtomicU64,
    /// What it was has gone into another object.
    is_spent: AtomicBool,
    links: T::Links,
    state: RwLock<T>,
}

impl<T: Object> Cell<T> {
    /// Puts an object into the place that was reserved for it.
    pub(super) fn settle(vacancy: Vacancy, state: T, links: T::Links) -> (Token, Arc<Self>) {
        let cell = Arc::new(Self {
            token: vacancy.token(),
            fork: fork::generation(),
            revision: AtomicU64::new(1),
            is_spent: AtomicBool::new(false),
            links,
            state: RwLock::new(state),
        });
        (vacancy.fill(Arc::clone(&cell) as Arc<dyn AnyCell>), cell)
    }

    /// The objects that it was made from.
    pub(super) fn links(&self) -> &T::Links {
        &self.links
    }

    /// What orders the locks of a call.
    pub(super) fn token(&self) -> Token {
        self.token
    }

    /// The lock. Only [`super::lock`] uses it.
    pub(super) fn state(&self) -> &RwLock<T> {
        &self.state
    }

    /// Refuses an object that is another's by now. Whoever holds the lock asks.
    pub(super) fn check_spent(&self) -> Result<(), Status> {
        if self.is_spent.load(Ordering::Relaxed) { Err(Status::INVALID_HANDLE) } else { Ok(()) }
    }

    /// Says that it is another's from now on. Whoever holds the lock alone says so.
    pub(super) fn spend(&self) {
        self.is_spent.store(true, Ordering::Relaxed);
    }

    /// Says that an export would now differ.
    pub(super) fn changed(&self) {
        self.revision.fetch_add(1, Ordering::Release);
    }
}

/// A [`Cell`] of any type.
pub(super) trait AnyCell: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn check_fork(&self) -> Result<(), Status>;
    /// Grows whenever an export would differ.
    fn revision(&self) -> Result<u64, Status>;
}

impl<T: Object> AnyCell for Cell<T> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn check_fork(&self) -> Result<(), Status> {
        if self.fork == fork::generation() { Ok(()) } else { Err(Status::FORKED) }
    }

    fn revision(&self) -> Result<u64, Status> {
        if self.state.is_poisoned() {
            return Err(Status::POISONED);
        }
        Ok(self.revision.load(Ordering::Acquire))
    }
}

/// Resolves a handle of any type for a look at its revision.
pub(super) fn revision<T>(handle: *const T) -> Result<u64, Status> {
    let pin = REGISTRY.pin(Token::from_pointer(handle))?;
    let cell = pin.body().ok_or(Status::INTERNAL)?;
    cell.check_fork()?;
    cell.revision()
}

/// Ends a handle. It takes no lock and never waits: the object goes with its last running call, unless other
/// objects were made from it, with the last of those. NULL is fine.
pub(super) fn free<O: Opaque>(handle: *mut O) -> Result<(), Status> {
    if handle.is_null() {
        return Ok(());
    }
    let pin = REGISTRY.pin(Token::from_pointer(handle))?;
    pinned_cell::<O::Object>(&pin)?;
    Registry::free(pin)
}

/// [`free`], which hands out the object if no other call is running on it.
pub(super) fn end<O: Opaque>(handle: *mut O) -> Result<Option<O::Object>, Status> {
    if handle.is_null() {
        return Ok(None);
    }
    let pin = REGISTRY.pin(Token::from_pointer(handle))?;
    let cell = pinned_arc::<O::Object>(&pin)?;
    Registry::free(pin)?;
    Ok(Arc::into_inner(cell).and_then(|cell| cell.state.into_inner().ok()))
}

fn pinned_arc<T: Object>(pin: &Pin) -> Result<Arc<Cell<T>>, Status> {
    let body = Arc::clone(pin.body().ok_or(Status::INTERNAL)?);
    body.into_any().downcast().map_err(|_| Status::INVALID_HANDLE)
}

fn pinned_cell<T: Object>(pin: &Pin) -> Result<&Cell<T>, Status> {
    let body = pin.body().ok_or(Status::INTERNAL)?;
    body.as_any().downcast_ref().ok_or(Status::INVALID_HANDLE)
}

/// An object that a call was given, kept from being destroyed until the call ends.
struct Pinned<T: Object> {
    /// Points into what `pin` keeps.
    cell: NonNull<Cell<T>>,
    pin: Pin,
}

impl<T: Object> Pinned<T> {
    fn resolve<O>(handle: *const O) -> Result<Self, Status> {
        let pin = REGISTRY.pin(Token::from_pointer(handle))?;
        let cell = pinned_cell::<T>(&pin)?;
        cell.check_fork()?;
        Ok(Self { cell: NonNull::from(cell), pin })
    }

    fn keep(&self) -> Result<Arc<Cell<T>>, Status> {
        pinned_arc(&self.pin)
    }
}

impl<T: Object> Deref for Pinned<T> {
    type Target = Cell<T>;

    fn deref(&self) -> &Cell<T> {
        // SAFETY: the cell lives in an `Arc` of the pinned slot, and shared access is all that a pin gives.
        unsafe { self.cell.as_ref() }
    }
}

/// A `const T *` argument: it can be locked shared.
pub(super) struct ConstHandle<T: Object>(Pinned<T>);

/// A `T *` argument: it can be locked exclusively.
pub(super) struct MutHandle<T: Object>(Pinned<T>);

/// Resolves a `const T *`.
pub(super) fn shared<O: Opaque>(handle: *const O) -> Result<ConstHandle<O::Object>, Status> {
    Pinned::resolve(handle).map(ConstHandle)
}

/// Resolves a `T *`.
pub(super) fn exclusive<O: Opaque>(handle: *mut O) -> Result<MutHandle<O::Object>, Status> {
    Pinned::resolve(handle).map(MutHandle)
}

impl<T: Object> MutHandle<T> {
    /// Whether an object that was made from this one keeps it, or is about to.
    pub(super) fn is_kept(&self) -> Result<bool, Status> {
        let body = self.0.pin.body().ok_or(Status::INTERNAL)?;
        Ok(Arc::strong_count(body) > 1)
    }

    /// Ends the handle, as [`free`] does. If another thread was faster, it has ended too.
    pub(super) fn free(self) {
        let _ = Registry::free(self.0.pin);
    }
}

macro_rules! handle_methods {
    ($handle:ident) => {
        impl<T: Object> $handle<T> {
            /// The object, for [`super::lock`].
            pub(super) fn cell(&self) -> &Cell<T> {
                &self.0
            }

            /// The objects that this one was made from.
            pub(super) fn links(&self) -> &T::Links {
                &self.0.links
            }

            /// A link to this object, for one that is made from it.
            pub(super) fn keep(&self) -> Result<Arc<Cell<T>>, Status> {
                self.0.keep()
            }
        }
    };
}
handle_methods!(ConstHandle);
handle_methods!(MutHandle);

#[cfg(test)]
mod tests;
