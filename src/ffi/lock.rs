//! How a call locks what it was given.
//!
//! `const T *` stands for a shared lock and `T *` for an exclusive one. A call that locks more than one object
//! does it in one [`lock`], which takes them in the order of their tokens, whatever the order of the arguments:
//! two calls can never wait for one another.

use core::ops::Deref;
use std::collections::BinaryHeap;
use std::sync::{RwLockReadGuard, RwLockWriteGuard};

use super::cell::{Cell, ConstHandle, MutHandle, Object};
use super::registry::Token;
use super::status::Status;

/// Read access for the time of a call.
pub(super) struct SharedGuard<'a, T: Object>(RwLockReadGuard<'a, T>);

impl<T: Object> Deref for SharedGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Write access for the time of a call. A panic while it lives poisons the object.
pub(super) struct ExclusiveGuard<'a, T: Object> {
    cell: &'a Cell<T>,
    state: RwLockWriteGuard<'a, T>,
}

impl<T: Object> Deref for ExclusiveGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.state
    }
}

impl<T: Object> ExclusiveGuard<'_, T> {
    /// Changes the object; its revision grows unless the change is refused. The only way to a `&mut T`, so that no
    /// call forgets the revision.
    pub(super) fn update<R, E>(&mut self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, Status>
    where
        Status: From<E>,
    {
        let done = change(&mut self.state)?;
        self.cell.changed();
        Ok(done)
    }
}

impl<T: Object> ExclusiveGuard<'_, T> {
    /// [`ExclusiveGuard::update`] by a change of many parts, which says whether any was made.
    pub(super) fn update_if<R>(&mut self, change: impl FnOnce(&mut T) -> (bool, R)) -> R {
        let (changed, done) = change(&mut self.state);
        if changed {
            self.cell.changed();
        }
        done
    }
}

impl<T: Object> ExclusiveGuard<'_, T> {
    /// Says that the object has gone into another one: nobody locks it any more.
    pub(super) fn spend(&mut self) {
        self.cell.spend();
    }
}

/// A wish to lock one object in one mode.
pub(super) trait Request {
    /// What the lock gives.
    type Guard;
    /// Its place in the order of locking.
    fn token(&self) -> Token;
    /// Waits for the lock.
    fn acquire(self) -> Result<Self::Guard, Status>;
}

/// The wish for a shared lock, on a handle or a link.
pub(super) struct Shared<'a, T: Object>(pub(super) &'a Cell<T>);

impl<'a, T: Object> Request for Shared<'a, T> {
    type Guard = SharedGuard<'a, T>;

    fn token(&self) -> Token {
        self.0.token()
    }

    fn acquire(self) -> Result<Self::Guard, Status> {
        let state = self.0.state().read().map_err(|_| Status::POISONED)?;
        self.0.check_spent()?;
        Ok(SharedGuard(state))
    }
}

/// The wish for an exclusive lock, on a handle or a link.
pub(super) struct Exclusive<'a, T: Object>(pub(super) &'a Cell<T>);

impl<'a, T: Object> Request for Exclusive<'a, T> {
    type Guard = ExclusiveGuard<'a, T>;

    fn token(&self) -> Token {
        self.0.token()
    }

    fn acquire(self) -> Result<Self::Guard, Status> {
        let state = self.0.state().write().map_err(|_| Status::POISONED)?;
        self.0.check_spent()?;
        Ok(ExclusiveGuard { cell: self.0, state })
    }
}

impl<'a, T: Object> Request for &'a ConstHandle<T> {
    type Guard = SharedGuard<'a, T>;

    fn token(&self) -> Token {
        self.cell().token()
    }

    fn acquire(self) -> Result<Self::Guard, Status> {
        Shared(self.cell()).acquire()
    }
}

impl<'a, T: Object> Request for &'a MutHandle<T> {
    type Guard = ExclusiveGuard<'a, T>;

    fn token(&self) -> Token {
        self.cell().token()
    }

    fn acquire(self) -> Result<Self::Guard, Status> {
        Exclusive(self.cell()).acquire()
    }
}

impl<T: Object> ConstHandle<T> {
    /// Locks this object alone.
    pub(super) fn lock(&self) -> Result<SharedGuard<'_, T>, Status> {
        self.acquire()
    }
}

impl<T: Object> MutHandle<T> {
    /// Locks this object alone.
    pub(super) fn lock(&self) -> Result<ExclusiveGuard<'_, T>, Status> {
        self.acquire()
    }
}

/// Locks a set of objects. One of them twice is `INVALID_ARGUMENT`.
pub(super) fn lock<S: RequestSet>(set: S) -> Result<S::Guards, Status> {
    set.acquire_all()
}

/// Two to four requests.
pub(super) trait RequestSet {
    /// A guard for each request, in the order of the requests.
    type Guards;
    /// Waits for all locks.
    fn acquire_all(self) -> Result<Self::Guards, Status>;
}

macro_rules! request_set {
    ($($request:ident $position:literal),+) => {
        impl<$($request: Request),+> RequestSet for ($($request,)+) {
            type Guards = ($($request::Guard,)+);

            #[allow(non_snake_case, reason = "a type parameter and its value share a name")]
            fn acquire_all(self) -> Result<Self::Guards, Status> {
                let ($($request,)+) = self;
                let mut order = [$(($request.token(), $position)),+];
                order.sort_unstable();
                if order.windows(2).any(|pair| matches!(pair, [one, two] if one.0 == two.0)) {
                    return Err(Status::INVALID_ARGUMENT);
                }
                $(let mut $request = (Some($request), None);)+
                for (_, position) in order {
                    match position {
                        $($position => $request.1 = $request.0.take().map(Request::acquire).transpose()?,)+
                        _ => {}
                    }
                }
                Ok(($($request.1.ok_or(Status::INTERNAL)?,)+))
            }
        }
    };
}
request_set!(A 0, B 1);
request_set!(A 0, B 1, C 2);
request_set!(A 0, B 1, C 2, D 3);

/// Guards of two objects, and of many of one type.
pub(super) type Many<'a, A, B, T> = (A, B, Vec<Result<ExclusiveGuard<'a, T>, Status>>);

/// Locks two objects and any number of a third type, in the order of all their tokens. One of them twice is
/// `INVALID_ARGUMENT`. Of the many, each one has its answer: one that is poisoned does not hinder the others.
pub(super) fn lock_many<'a, A: Request, B: Request, T: Object>(
    one: A,
    other: B,
    many: &'a [MutHandle<T>],
) -> Result<Many<'a, A::Guard, B::Guard, T>, Status> {
    let tokens = many.iter().map(|handle| handle.cell().token()).chain([one.token(), other.token()]);
    // A heap sorts in a tenth of the code.
    let order = tokens.zip(0..).collect::<BinaryHeap<(Token, usize)>>().into_sorted_vec();
    if order.windows(2).any(|pair| matches!(pair, [one, two] if one.0 == two.0)) {
        return Err(Status::INVALID_ARGUMENT);
    }
    let (mut one, mut other) = ((Some(one), None), (Some(other), None));
    let mut guards: Vec<_> = many.iter().map(|_| Err(Status::INTERNAL)).collect();
    for (_, position) in order {
        match (many.get(position), guards.get_mut(position)) {
            (Some(handle), Some(guard)) => *guard = handle.lock(),
            _ if position == many.len() => one.1 = one.0.take().map(Request::acquire).transpose()?,
            _ => other.1 = other.0.take().map(Request::acquire).transpose()?,
        }
    }
    Ok((one.1.ok_or(Status::INTERNAL)?, other.1.ok_or(Status::INTERNAL)?, guards))
}
