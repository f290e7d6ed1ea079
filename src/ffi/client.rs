//! Clients: how one is made and ends, and what can be seen of it.

use core::ffi::{c_char, c_void};
use std::path::{Path, is_separator};
use std::sync::{Mutex, PoisonError};

use super::argument::{HandleOut, Inputs, Outputs};
use super::cell::{self, MutHandle, Object, Opaque};
use super::fork;
use super::guard::guard;
use super::identity::sealwax_identity;
use super::lock::ExclusiveGuard;
use super::options::{Choice, Flag, Integer, Options, Table};
use super::sizes::SEALWAX_KEY_LEN;
use super::status::{Status, sealwax_status};
use super::wake::Wake;
use crate::client::{Client, ClientOptions, IdentityChange};
use crate::crypto::rng::SystemRandom;
use crate::error::{Error, Result};
use crate::identity::{Identity, IdentityOptions};
use crate::limits;
use crate::store::{MemoryDisk, Store};
use crate::wire::content::Padding;
use crate::wire::frame::Method;

/// A client: one identity, one store, any number of peers, one relay. What is called on it takes turns.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_client(());

/// A client behind its handle.
pub(super) struct Engine {
    /// A client cannot be shared, and this one never is: every call has it for itself, and nobody locks.
    client: Mutex<Client>,
    fork: u64,
    /// A call has not come back from it: a defect.
    is_broken: bool,
}

impl Object for Engine {
    type Links = Wake;
}

impl Opaque for sealwax_client {
    type Object = Engine;
}

impl Engine {
    fn new(client: Client) -> Self {
        Self { client: Mutex::new(client), fork: fork::generation(), is_broken: false }
    }

    fn call<R>(&mut self, call: impl FnOnce(&mut Client) -> Result<R>) -> Result<R> {
        self.is_broken = true;
        let done = call(self.client.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.is_broken = false;
        done
    }

    /// Makes durable what was done. A forked child must not: the store is its parent's, whom dropping it leaves
    /// alone. Of a client that failed before, a call has said so.
    fn settle(&mut self) -> Result<()> {
        if self.is_broken || self.fork != fork::generation() {
            return Ok(());
        }
        self.call(|client| if client.has_failed() { Ok(()) } else { client.flush() })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Nobody is left to be told; what did not become durable was never seen.
        let _ = self.settle();
    }
}

/// A call that may leave something to take out, of which the host is told.
pub(super) fn act<R>(
    client: &MutHandle<Engine>,
    call: impl FnOnce(&mut Client) -> Result<R>,
) -> core::result::Result<R, Status> {
    let done = note(client, call);
    client.links().ring();
    done
}

/// A call that leaves nothing to take out, or is made by whoever takes it out.
pub(super) fn note<R>(
    client: &MutHandle<Engine>,
    call: impl FnOnce(&mut Client) -> Result<R>,
) -> core::result::Result<R, Status> {
    client.lock()?.update(|engine| engine.call(call))
}

/// A call that changes nothing that can be seen.
pub(super) fn look<R>(
    client: &mut ExclusiveGuard<'_, Engine>,
    call: impl FnOnce(&mut Client) -> Result<R>,
) -> core::result::Result<R, Status> {
    Ok(client.update_if(|engine| (false, engine.call(call)))?)
}

/// A call that takes something out, if anything is there.
pub(super) fn take<R>(
    client: &mut ExclusiveGuard<'_, Engine>,
    call: impl FnOnce(&mut Client) -> Result<Option<R>>,
) -> core::result::Result<Option<R>, Status> {
    let taken = client.update_if(|engine| {
        let taken = engine.call(call);
        (matches!(taken, Ok(Some(_))), taken)
    });
    Ok(taken?)
}

const PREKEYS_REQUIRED: Flag = Flag { name: "prekeys_required", default: true };
const METHOD: Choice<Method> =
    Choice { name: "method", default: ("proof", Method::Proof), others: &[("host", Method::Host)] };
const HIDDEN_HEADER: Flag = Flag { name: "hidden_header", default: false };
const PADDING: Choice<Padding> =
    Choice { name: "padding", default: ("none", Padding::None), others: &[("padme", Padding::Padme)] };
const IDENTITY_CHANGE: Choice<IdentityChange> = Choice {
    name: "identity_change",
    default: ("block", IdentityChange::Block),
    others: &[("warn", IdentityChange::Warn)],
};
const ACKS: Flag = Flag { name: "acks", default: false };
const ONE_TIME_PREKEYS: Integer =
    Integer { name: "one_time_prekeys", min: 0, max: limits::ONE_TIME_PREKEYS_MAX as u64, default: 100 };
const RETAIN_HISTORY: Flag = Flag { name: "retain_history", default: false };
const ROTATE_MESSAGES: Integer = Integer {
    name: "rotate_messages",
    min: 1,
    max: limits::GROUP_CHAIN_MAX as u64,
    default: limits::GROUP_ROTATE_MESSAGES as u64,
};
const ROTATE_MS: Integer =
    Integer { name: "rotate_ms", min: 1, max: u64::MAX, default: limits::GROUP_ROTATE_MS };
const EAGER_MEMBERS: Integer = Integer {
    name: "eager_members",
    min: 0,
    max: limits::GROUP_MEMBERS_MAX as u64,
    default: limits::CLIENT_EAGER_MAX as u64,
};

/// Of `sealwax_client_create`.
pub(super) static CREATE_OPTIONS: Table = Table {
    functions: &["sealwax_client_create"],
    keys: &[
        &PREKEYS_REQUIRED,
        &METHOD,
        &HIDDEN_HEADER,
        &PADDING,
        &IDENTITY_CHANGE,
        &ACKS,
        &ONE_TIME_PREKEYS,
        &RETAIN_HISTORY,
        &ROTATE_MESSAGES,
        &ROTATE_MS,
        &EAGER_MEMBERS,
    ],
};

/// Of `sealwax_client_open` and `sealwax_client_create_with`.
pub(super) static OPEN_OPTIONS: Table = Table {
    functions: &["sealwax_client_open", "sealwax_client_create_with"],
    keys: &[
        &METHOD,
        &HIDDEN_HEADER,
        &PADDING,
        &IDENTITY_CHANGE,
        &ACKS,
        &ONE_TIME_PREKEYS,
        &RETAIN_HISTORY,
        &ROTATE_MESSAGES,
        &ROTATE_MS,
        &EAGER_MEMBERS,
    ],
};

fn client_options(options: &Options) -> ClientOptions {
    ClientOptions {
        method: options.get(&METHOD),
        hidden_header: options.get(&HIDDEN_HEADER),
        padding: options.get(&PADDING),
        identity_change: options.get(&IDENTITY_CHANGE),
        acks: options.get(&ACKS),
        one_time_prekeys: u16::try_from(options.get(&ONE_TIME_PREKEYS)).unwrap_or(u16::MAX),
        retain_history: options.get(&RETAIN_HISTORY),
        rotate_messages: u32::try_from(options.get(&ROTATE_MESSAGES)).unwrap_or(u32::MAX),
        rotate_ms: options.get(&ROTATE_MS),
        eager_members: usize::try_from(options.get(&EAGER_MEMBERS)).unwrap_or(usize::MAX),
    }
}

/// Where a client lives, and how it shall be: what all calls that make one are given.
struct Place<'a> {
    path: &'a str,
    key: &'a [u8; SEALWAX_KEY_LEN],
    options: &'a str,
}

impl<'a> Place<'a> {
    fn read(
        inputs: &'a Inputs,
        (path, path_len): (*const c_char, usize),
        (key, key_len): (*const c_void, usize),
        (options, options_len): (*const c_char, usize),
    ) -> core::result::Result<Self, Status> {
        Ok(Self {
            path: read_path(inputs, path, path_len)?,
            key: inputs.exactly(key, key_len)?,
            options: inputs.text(options, options_len, limits::OPTIONS_MAX)?,
        })
    }

    /// Opens the store for a new client, which is made if there is none.
    fn store(&self) -> Result<Store> {
        if self.path.is_empty() {
            return Store::open_memory(&MemoryDisk::new(), self.key, &mut SystemRandom);
        }
        #[cfg(feature = "store")]
        return Store::open_or_fill(Path::new(self.path), self.key, &mut SystemRandom);
        #[cfg(not(feature = "store"))]
        return Err(Error::Unsupported);
    }

    /// Opens the store for a client that it holds. None is made where none is.
    fn store_of_client(&self) -> Result<Store> {
        let is_there = || cfg!(not(feature = "store")) || Path::new(self.path).try_exists().unwrap_or(true);
        if self.path.is_empty() || !is_there() {
            return Err(Error::WrongState);
        }
        #[cfg(feature = "store")]
        return Store::open(Path::new(self.path), self.key, &mut SystemRandom);
        #[cfg(not(feature = "store"))]
        return Err(Error::Unsupported);
    }
}

/// A path, if it can be that of a file; or empty.
fn read_path(inputs: &Inputs, path: *const c_char, path_len: usize) -> core::result::Result<&str, Status> {
    let path = inputs.text(path, path_len, limits::PATH_MAX)?;
    let names_file = !path.contains('\0') && !path.ends_with(is_separator);
    if names_file { Ok(path) } else { Err(Status::INVALID_ARGUMENT) }
}

/// @section Clients: everything that an application does, with one identity, one store and one relay
///
/// Makes a client with a new identity. A client finds keys, opens and repairs sessions, retries, acknowledges
/// and forgets by itself. It opens no connection and reads no clock: the application gives it frames of the relay
/// and the time, and takes out frames for the relay, and events. The loop of a host, for one connection after the
/// other; bindings/c/examples/host.c is the whole of it:
///
///     must(sealwax_client_connected(client, relay_name, strlen(relay_name), now_ms()));
///     for (;;) {
///         // If it fails, so has the client's store: free the client, and open it anew.
///         must(sealwax_client_pending(client, &todo));
///         // Room for SEALWAX_FRAME_MAX: a smaller buffer would stop here at a frame that is larger.
///         while (sealwax_client_next_frame(client, frame, sizeof frame, &len) == SEALWAX_OK && len > 0)
///             put_frame(frame, len);
///         while (sealwax_client_next_event(client, &event) == SEALWAX_OK && event != NULL) {
///             must(sealwax_event_view(event, &fields));
///             show(&fields);
///             // For good: what is confirmed never comes again.
///             must(sealwax_client_confirm(client, fields.number));
///             must(sealwax_event_free(event));
///         }
///         switch (todo.wants_disconnect ? CLOSED : wait_for(client, todo.due_ms, frame, &len)) {
///         case FRAME: must(sealwax_client_receive(client, frame, len, now_ms())); break;
///         case TIME: must(sealwax_client_tick(client, now_ms())); break;
///         case WOKEN: break; // there were calls, perhaps of other threads: sealwax_client_on_wake()
///         case CLOSED: must(sealwax_client_disconnected(client, now_ms())); return todo.reconnect;
///         }
///     }
///
/// Whatever is called, nothing of it leaves before it is durable: the store is written when the host looks at
/// what there is to take out, with sealwax_client_pending(), _next_frame() or _next_event(), once for all calls
/// before. If that fails, nothing of it shows, and the client has failed: calls answer the status of its store
/// (SEALWAX_STORE_IO and so on), or SEALWAX_INTERNAL, until it is freed, but those that look at ourselves alone,
/// sealwax_client_info(), _card() and _fingerprint(), and sealwax_client_on_wake(). Open it anew then.
///
/// @param user         user id, as in sealwax_identity_new()
/// @param user_len     bytes of it
/// @param path         where the store shall be: a file that is made, an empty one, or a store that holds no
///                     client; "-lock" and "-wal" lie beside it, in a directory that is there. Empty: in memory,
///                     for as long as the handle
/// @param path_len     bytes of it, at most 4,096
/// @param key          SEALWAX_KEY_LEN random bytes that the application keeps apart from the file
/// @param key_len      SEALWAX_KEY_LEN
/// @param options      JSON: "prekeys_required", as in sealwax_identity_new(), and all of sealwax_client_open();
///                     may be NULL if options_len is 0
/// @param options_len  bytes of them
/// @param now_ms       the time
/// @param out_client   the client; sealwax_client_free() ends it
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_ARGUMENT key_len is below SEALWAX_KEY_LEN, or path has a NUL, or a separator at its end
/// @retval SEALWAX_INVALID_TEXT     user is not a user id, or an input is not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
/// @retval SEALWAX_UNSUPPORTED      this build has stores in memory only
/// @retval SEALWAX_WRONG_STATE      the store holds a client: sealwax_client_open()
/// @retval SEALWAX_STORE_IN_USE     another handle or process has it open
/// @retval SEALWAX_STORE_DAMAGED    the file is no store, or not whole; it is left as it is
/// @retval SEALWAX_STORE_WRONG_KEY  the store has another key; it is left as it is
/// @retval SEALWAX_STORE_NEWER      a later library wrote it; it is left as it is
/// @retval SEALWAX_STORE_IO         the system refuses a file, or there is a directory in its place
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_create(
    user: *const c_char,
    user_len: usize,
    path: *const c_char,
    path_len: usize,
    key: *const c_void,
    key_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_client: *mut *mut sealwax_client,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_client> = outputs.handle(out_client);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let place = Place::read(&inputs, (path, path_len), (key, key_len), (options, options_len))?;
        let options = CREATE_OPTIONS.parse(place.options)?;
        let out = out.reserve()?;
        let own = IdentityOptions { prekeys_required: options.get(&PREKEYS_REQUIRED) };
        // A bad user id leaves no store behind.
        let identity = Identity::generate(&mut SystemRandom, user, own, now_ms)?;
        let (store, random) = (place.store()?, Box::new(SystemRandom));
        let client = Client::create_with(store, identity, client_options(&options), random, now_ms)?;
        out.put(Engine::new(client), Wake::default());
        Ok(())
    })
}

/// Makes a client with an identity that is there already, of which it becomes the only owner: the handle of the
/// identity is freed. Peers know it as before, and talk to it in new sessions. Two that use one identity would give
/// out prekeys under the same ids and take the same first message twice: free its sessions before, and import no
/// export of it any more. If the call fails, the identity stays what it was.
///
/// @param identity     the identity; freed if the client is made
/// @param path         where the store shall be, as in sealwax_client_create()
/// @param path_len     bytes of it, at most 4,096
/// @param key          SEALWAX_KEY_LEN random bytes that the application keeps apart from the file
/// @param key_len      SEALWAX_KEY_LEN
/// @param options      JSON: those of sealwax_client_open(); may be NULL if options_len is 0
/// @param options_len  bytes of them
/// @param now_ms       the time
/// @param out_client   the client; sealwax_client_free() ends it
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_ARGUMENT key_len is below SEALWAX_KEY_LEN, or path has a NUL, or a separator at its end
/// @retval SEALWAX_INVALID_TEXT     an input is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE   identity is not one that is open
/// @retval SEALWAX_POISONED         the identity broke; free it
/// @retval SEALWAX_FORKED           the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
/// @retval SEALWAX_WRONG_STATE      a session that was made from the identity is open: free it; or the store holds
///                                  a client: sealwax_client_open()
/// @retval SEALWAX_UNSUPPORTED      this build has stores in memory only
/// @retval SEALWAX_STORE_IN_USE     another handle or process has it open
/// @retval SEALWAX_STORE_DAMAGED    the file is no store, or not whole; it is left as it is
/// @retval SEALWAX_STORE_WRONG_KEY  the store has another key; it is left as it is
/// @retval SEALWAX_STORE_NEWER      a later library wrote it; it is left as it is
/// @retval SEALWAX_STORE_IO         the system refuses a file, or there is a directory in its place
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_create_with(
    identity: *mut sealwax_identity,
    path: *const c_char,
    path_len: usize,
    key: *const c_void,
    key_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_client: *mut *mut sealwax_client,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_client> = outputs.handle(out_client);
        let inputs = outputs.inputs()?;
        let place = Place::read(&inputs, (path, path_len), (key, key_len), (options, options_len))?;
        let handle = cell::exclusive(identity)?;
        let options = OPEN_OPTIONS.parse(place.options)?;
        let mut identity = handle.lock()?;
        let out = out.reserve()?;
        if handle.is_kept()? {
            return Err(Error::WrongState.into());
        }
        let copy = Identity::import(Identity::FORMAT, &identity.export()?)?;
        let (store, random) = (place.store()?, Box::new(SystemRandom));
        let client = Client::create_with(store, copy, client_options(&options), random, now_ms)?;
        // Whoever waits for the lock must not find an identity any more.
        identity.spend();
        drop(identity);
        handle.free();
        out.put(Engine::new(client), Wake::default());
        Ok(())
    })
}

/// Opens the client that a store holds. What was on its way goes on; events that were not confirmed come again.
///
/// @param path         where the store is
/// @param path_len     bytes of it, at most 4,096
/// @param key          the store's key
/// @param key_len      SEALWAX_KEY_LEN
/// @param options      JSON, the same for each opening, but without "prekeys_required", which is of creating. The
///                     default comes first:
///                     "method": "proof", our identity shows the relay who we are; "host", it knows otherwise;
///                     "acks": false; true, tell accepted peers what was delivered and read, and take what they
///                     tell;
///                     "identity_change": "block", a peer that turns up under another identity has to be accepted
///                     first; "warn", an event tells of it;
///                     "hidden_header": false, and "padding": "none", as in sealwax_session_initiate();
///                     "one_time_prekeys": 100, that the relay shall hold for us;
///                     "retain_history": false; true, keep of groups what sealwax_client_share_history() shares;
///                     "rotate_messages" and "rotate_ms", as in sealwax_group_sender_new();
///                     "eager_members": 64, up to so many of a group are given our key before we write;
///                     may be NULL if options_len is 0
/// @param options_len  bytes of them
/// @param now_ms       the time
/// @param out_client   the client; sealwax_client_free() ends it
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_ARGUMENT key_len is below SEALWAX_KEY_LEN, or path has a NUL, or a separator at its end
/// @retval SEALWAX_INVALID_TEXT     an input is not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
/// @retval SEALWAX_WRONG_STATE      there is no store, or no client in it: sealwax_client_create()
/// @retval SEALWAX_UNSUPPORTED      this build has stores in memory only
/// @retval SEALWAX_STORE_IN_USE     another handle or process has it open
/// @retval SEALWAX_STORE_DAMAGED    the file is no store, or not whole; it is left as it is
/// @retval SEALWAX_STORE_WRONG_KEY  the store has another key; it is left as it is
/// @retval SEALWAX_STORE_NEWER      a later library wrote it; it is left as it is
/// @retval SEALWAX_STORE_IO         the system refuses a file, or there is a directory in its place
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_open(
    path: *const c_char,
    path_len: usize,
    key: *const c_void,
    key_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_client: *mut *mut sealwax_client,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_client> = outputs.handle(out_client);
        let inputs = outputs.inputs()?;
        let place = Place::read(&inputs, (path, path_len), (key, key_len), (options, options_len))?;
        let options = OPEN_OPTIONS.parse(place.options)?;
        let out = out.reserve()?;
        let (store, random) = (place.store_of_client()?, Box::new(SystemRandom));
        let client = Client::open(store, client_options(&options), random, now_ms)?;
        out.put(Engine::new(client), Wake::default());
        Ok(())
    })
}

/// Ends a client, and stores what its calls have done. Whatever was not confirmed, or has not reached the relay,
/// goes on when it is opened anew. Disconnect it yourself. In a forked child this leaves the parent's store alone.
///
/// Whatever it answers, the handle is gone, unless that was none. While another call runs on the client, the last
/// one stores what was done, and nobody is told if that fails.
///
/// @param client  the client; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_STORE_IO        the system refused to write, or the disk is full: what was done since
///                                 sealwax_client_pending(), _next_frame() or _next_event() last succeeded is lost,
///                                 messages to be sent among it. No call but this one has said so
/// @retval SEALWAX_STORE_DAMAGED   likewise: the store is not what was written
/// @retval SEALWAX_INTERNAL        likewise: the system has no randomness
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_client_free(client: *mut sealwax_client) -> sealwax_status {
    guard(|| match cell::end(client)? {
        Some(mut engine) => Ok(engine.settle()?),
        None => Ok(()),
    })
}

/// Describes a client: who it is, what waits, what was counted since it was opened.
///
/// @param client   the client
/// @param out      JSON: "user", "fingerprint", "connected", "outbox" (what waits to be taken by the relay),
///                 "requests" (that the relay has not answered), "events" (not taken out), "commit" (number of
///                 the store's last), "restorations" (how often the store was found to be an older copy of
///                 itself), "one_time_prekeys", "dropped" (deliveries that no honest client makes), "repeated",
///                 "unreadable", "failed" (the name of a status, or null)
/// @param out_cap  bytes of room at out; 0 asks for the size
/// @param out_len  bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_info(
    client: *mut sealwax_client,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let client = cell::exclusive(client)?;
        let info = look(&mut client.lock()?, |client| Ok(client.info()))?;
        out.put(info.as_bytes())
    })
}

/// Writes a copy of the store, everything that was done included, to a path where nothing is. It is one file,
/// under the same key, and at any moment safe to be opened in place of the store: a client that finds itself
/// restored makes its keys anew, and tells with SEALWAX_EVENT_CONNECTED. To replace an older copy, rename the new
/// one over it.
///
/// @param client    the client
/// @param path      where the copy shall be
/// @param path_len  bytes of it, at most 4,096
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         path is too long
/// @retval SEALWAX_INVALID_TEXT      path is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_INVALID_ARGUMENT  something is there already; or path is empty, has a NUL, or a separator at its
///                                   end
/// @retval SEALWAX_UNSUPPORTED       the store is in memory
/// @retval SEALWAX_STORE_IO          the system refuses to write the copy; or the client has failed, for this
///                                   status or another of stores
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_backup(
    client: *mut sealwax_client,
    path: *const c_char,
    path_len: usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let path = read_path(&inputs, path, path_len)?;
        let client = cell::exclusive(client)?;
        let mut client = client.lock()?;
        if path.is_empty() {
            return Err(Status::INVALID_ARGUMENT);
        }
        look(&mut client, |client| client.backup(Path::new(path)))
    })
}
