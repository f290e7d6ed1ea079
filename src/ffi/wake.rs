//! Telling the host of a client that there is something to take out of it.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a host is called by.
#[derive(Clone, Copy)]
pub(super) struct Callback {
    function: unsafe extern "C" fn(*mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the header says that any thread may call the function, and with what.
unsafe impl Send for Callback {}

/// Rings once, and again only after the host has looked. It is beside the lock of its client, and rings when that is
/// free.
#[derive(Default)]
pub(super) struct Wake {
    /// It rang, and nobody has looked since.
    rang: AtomicBool,
    state: Mutex<State>,
    /// A run has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    callback: Option<Callback>,
    /// How often the callback was replaced.
    generation: u64,
    /// Runs of the callback, by its generation.
    running: Vec<(u64, ThisThread)>,
}

/// Where something of its own lies, which no other living thread has there. The standard library's name of a thread is
/// allocated when it is first asked for, and looks lost to leak checkers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ThisThread(usize);

impl ThisThread {
    fn get() -> Self {
        thread_local! {
            static OWN: u8 = const { 0 };
        }
        Self(OWN.with(|own| ptr::from_ref(own).addr()))
    }
}

impl Callback {
    /// # Safety
    /// The function may be called from any thread with `user_data`, until it is replaced.
    pub(super) unsafe fn new(function: unsafe extern "C" fn(*mut c_void), user_data: *mut c_void) -> Self {
        Self { function, user_data }
    }
}

impl Wake {
    /// The host looks, so the next thing is worth a ring again.
    pub(super) fn look(&self) {
        self.rang.store(false, Ordering::Release);
    }

    /// Calls the host, unless it was called since it last looked.
    pub(super) fn ring(&self) {
        if self.rang.swap(true, Ordering::AcqRel) {
            return;
        }
        let (callback, run) = {
            let mut state = self.state();
            let Some(callback) = state.callback else { return };
            let run = (state.generation, ThisThread::get());
            state.running.push(run);
            (callback, run)
        };
        // SAFETY: as promised to `Callback::new`: whoever replaces it waits for this run.
        unsafe { (callback.function)(callback.user_data) };
        let mut state = self.state();
        if let Some(index) = state.running.iter().position(|running| *running == run) {
            state.running.swap_remove(index);
        }
        drop(state);
        self.ended.notify_all();
    }

    /// Replaces the callback, and waits until no other thread runs the one before.
    pub(super) fn set(&self, callback: Option<Callback>) {
        let thread = ThisThread::get();
        let mut state = self.state();
        state.callback = callback;
        state.generation += 1;
        let generation = state.generation;
        self.look();
        let runs = |state: &mut State| {
            state.running.iter().any(|(run, runner)| *run < generation && *runner != thread)
        };
        drop(self.ended.wait_while(state, runs).unwrap_or_else(PoisonError::into_inner));
    }

    /// Nothing that holds it can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::{Callback, Wake, c_void, ptr};

    unsafe extern "C" fn count(user_data: *mut c_void) {
        // SAFETY: the tests give a counter that outlives the runs.
        unsafe { &*user_data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
    }

    #[test]
    fn it_rings_once_until_the_host_has_looked() {
        let (wake, counter) = (Wake::default(), AtomicUsize::new(0));
        wake.ring();
        // SAFETY: the counter outlives the wake's runs.
        wake.set(Some(unsafe { Callback::new(count, ptr::from_ref(&counter).cast_mut().cast()) }));
        for _ in 0..3 {
            wake.ring();
        }
        assert_eq!(counter.load(Ordering::SeqCst), 1);
        wake.look();
        wake.ring();
        assert_eq!(counter.load(Ordering::SeqCst), 2);
        wake.set(None);
        wake.ring();
        assert_eq!(counter.load(Ordering::SeqCst), 2);
    }

    struct Slow {
        started: Sender<()>,
        go_on: Receiver<()>,
        ended: AtomicUsize,
    }

    unsafe extern "C" fn slow(user_data: *mut c_void) {
        // SAFETY: the test gives what it keeps until the run has ended; one thread runs this.
        let slow = unsafe { &*user_data.cast::<Slow>() };
        slow.started.send(()).unwrap();
        slow.go_on.recv().unwrap();
        thread::sleep(Duration::from_millis(20));
        slow.ended.fetch_add(1, Ordering::SeqCst);
    }

    #[test]
    fn whoever_removes_it_waits_for_its_run() {
        let (started, has_started) = channel();
        let (let_go, go_on) = channel();
        let slow_one = Box::new(Slow { started, go_on, ended: AtomicUsize::new(0) });
        let wake = Arc::new(Wake::default());
        // SAFETY: `slow_one` outlives the run.
        wake.set(Some(unsafe { Callback::new(slow, ptr::from_ref(&*slow_one).cast_mut().cast()) }));
        let other = Arc::clone(&wake);
        let thread = thread::spawn(move || other.ring());
        has_started.recv().unwrap();
        let_go.send(()).unwrap();
        wake.set(None);
        assert_eq!(slow_one.ended.load(Ordering::SeqCst), 1);
        thread.join().unwrap();
    }
}
