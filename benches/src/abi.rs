//! The release artefact as a user has it: the shared library, opened at run time, through its C ABI.
//!
//! The calls write into buffers of the caller, so that what is timed is the library. A refused call ends the program:
//! a bench that goes on after a failure measures something else.

use core::ffi::{CStr, c_char, c_int, c_void};
use std::env;
use std::ffi::CString;
use std::fs;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;

type Status = i32;
type Raw = *mut c_void;
type Bytes = *const c_void;
type Text = *const c_char;
type Out = *mut c_void;

/// The time of every call: the library reads no clock.
pub const NOW: u64 = 1_800_000_000_000;
/// The key of exports.
pub const KEY: [u8; 32] = [7; 32];

/// Bytes that belong to something else: `sealwax_slice`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    ptr: Bytes,
    len: usize,
}

impl Slice {
    /// The bytes must outlive the call that it is for.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr().cast(), len: bytes.len() }
    }
}

/// The functions that are called, found by name.
macro_rules! table {
    ($(fn $name:ident($($arg:ty),* $(,)?) -> $ret:ty;)*) => {
        struct Library {
            $($name: unsafe extern "C" fn($($arg),*) -> $ret,)*
        }

        impl Library {
            fn open(path: &CStr) -> Self {
                // SAFETY: the path is a C string; what the library runs when it is loaded, a user runs too.
                let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
                assert!(!library.is_null(), "{path:?} cannot be loaded: `make lib` builds it");
                Self {
                    $($name: {
                        let name = CString::new(stringify!($name)).unwrap();
                        // SAFETY: the library is open and stays so.
                        let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
                        assert!(!symbol.is_null(), "{path:?} has no {name:?}");
                        // SAFETY: the header declares it so.
                        unsafe { core::mem::transmute::<Raw, unsafe extern "C" fn($($arg),*) -> $ret>(symbol) }
                    },)*
                }
            }
        }
    };
}

table! {
    fn sealwax_version() -> Text;
    fn sealwax_build_info() -> Text;
    fn sealwax_status_name(Status) -> Text;
    fn sealwax_live_handles() -> usize;
    fn sealwax_identity_new(Text, usize, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_identity_free(Raw) -> Status;
    fn sealwax_identity_card(Raw, Out, usize, *mut usize) -> Status;
    fn sealwax_identity_prekeys(Raw, u32, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_session_initiate(Raw, Bytes, usize, Bytes, usize, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_session_accept(Raw, Bytes, usize, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_session_free(Raw) -> Status;
    fn sealwax_session_encrypt(Raw, Bytes, usize, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_session_decrypt(Raw, Bytes, usize, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_roster_create(Raw, Text, usize, Bytes, usize, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_roster_free(Raw) -> Status;
    fn sealwax_roster_log(Raw, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_group_sender_new(Raw, Raw, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_group_sender_free(Raw) -> Status;
    fn sealwax_group_sender_distribute(Raw, Raw, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_group_sender_encrypt(Raw, Bytes, usize, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_group_sender_rotate(Raw, u64) -> Status;
    fn sealwax_group_receiver_new(Raw, Raw, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_group_receiver_free(Raw) -> Status;
    fn sealwax_group_receiver_export(Raw, Bytes, usize, Out, usize, *mut usize) -> Status;
    fn sealwax_group_receiver_import(Raw, Raw, Bytes, usize, Bytes, usize, *mut Raw) -> Status;
    fn sealwax_group_receiver_install(Raw, Raw, Bytes, usize, u64) -> Status;
    fn sealwax_group_receiver_decrypt(Raw, Bytes, usize, u64, Out, usize, *mut usize) -> Status;
    fn sealwax_stream_seal_new(Text, usize, *mut u8, *mut Raw) -> Status;
    fn sealwax_stream_seal_free(Raw) -> Status;
    fn sealwax_stream_seal_update(Raw, Bytes, usize, Out, usize, *mut usize) -> Status;
    fn sealwax_stream_seal_finish(Raw, Out, usize, *mut usize) -> Status;
    fn sealwax_stream_seal_chunk(Raw, u32, c_int, Bytes, usize, Out, usize, *mut usize) -> Status;
    fn sealwax_stream_seal_reference(Raw, Out, usize, *mut usize) -> Status;
    fn sealwax_stream_open_new(Bytes, usize, Bytes, usize, Text, usize, *mut Raw) -> Status;
    fn sealwax_stream_open_free(Raw) -> Status;
    fn sealwax_stream_open_chunk(Raw, u32, Bytes, usize, Out, usize, *mut usize) -> Status;
    fn sealwax_stream_open_finish(Raw) -> Status;
    fn sealwax_relay_new(Text, usize, *mut Raw) -> Status;
    fn sealwax_relay_free(Raw) -> Status;
    fn sealwax_relay_register(Raw, Text, usize, Bytes, usize, u64, *mut Raw) -> Status;
    fn sealwax_relay_commit(Raw, Text, usize, Bytes, usize, u64, *mut Raw) -> Status;
    fn sealwax_relay_route(Raw, Text, usize, Bytes, usize, u64, *mut Raw) -> Status;
    fn sealwax_relay_set_online(Raw, Text, usize, c_int, u64, *mut Raw) -> Status;
    fn sealwax_relay_acknowledge(Raw, Text, usize, u64, u64, *mut Raw) -> Status;
    fn sealwax_deliveries_view(Raw, *mut *const Delivery, *mut usize) -> Status;
    fn sealwax_deliveries_records(Raw, *mut Bytes, *mut usize) -> Status;
    fn sealwax_deliveries_free(Raw) -> Status;
    fn sealwax_relay_connect(Raw, u64, Text, usize, u64, *mut Raw) -> Status;
    fn sealwax_relay_receive(Raw, u64, Bytes, usize, u64, *mut Raw) -> Status;
    fn sealwax_client_create(
        Text, usize, Text, usize, Bytes, usize, Text, usize, u64, *mut Raw
    ) -> Status;
    fn sealwax_client_free(Raw) -> Status;
    fn sealwax_client_connected(Raw, Text, usize, u64) -> Status;
    fn sealwax_client_receive(Raw, Bytes, usize, u64) -> Status;
    fn sealwax_client_tick(Raw, u64) -> Status;
    fn sealwax_client_pending(Raw, *mut engines::Pending) -> Status;
    fn sealwax_client_next_frame(Raw, Out, usize, *mut usize) -> Status;
    fn sealwax_client_next_event(Raw, *mut Raw) -> Status;
    fn sealwax_client_confirm(Raw, u64) -> Status;
    fn sealwax_client_create_group(
        Raw, Text, usize, *const Slice, usize, c_int, u64, *mut u64
    ) -> Status;
    fn sealwax_client_send_group(
        Raw, Bytes, usize, u32, Bytes, usize, u32, u64, *mut u8
    ) -> Status;
    fn sealwax_event_view(Raw, *mut engines::Fields) -> Status;
    fn sealwax_event_free(Raw) -> Status;
    fn sealwax_group_sender_distribute_many(
        Raw, *const Raw, usize, u64, Out, usize, *mut usize, *mut CallResult
    ) -> Status;
    fn sealwax_group_receiver_decrypt_batch(
        Raw, *const Slice, usize, u64, Out, usize, *mut usize, *mut CallResult
    ) -> Status;
}

/// `sealwax_delivery`.
#[repr(C)]
pub struct Delivery {
    user: Slice,
    payload: Slice,
    sequence: u64,
    envelope_id: [u8; 16],
    flags: u32,
    reserved: u32,
    connection: u64,
    head: Slice,
}

/// `sealwax_result`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct CallResult {
    status: Status,
    reserved: u32,
    offset: usize,
    len: usize,
}

static LIBRARY: OnceLock<Library> = OnceLock::new();

/// `SEALWAX_LIBRARY`, or what `make lib` builds.
#[must_use]
pub fn library_path() -> PathBuf {
    let name = if cfg!(target_os = "macos") { "libsealwax.dylib" } else { "libsealwax.so" };
    let built = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../build/lib").join(name);
    env::var_os("SEALWAX_LIBRARY").map_or_else(built, PathBuf::from)
}

fn library() -> &'static Library {
    LIBRARY.get_or_init(|| {
        let path = library_path();
        let path = fs::canonicalize(&path).unwrap_or(path);
        Library::open(&CString::new(path.into_os_string().into_encoded_bytes()).unwrap())
    })
}

/// Ends the program unless the call was done.
#[track_caller]
fn done(status: Status) {
    assert!(status == 0, "{}", status_name(status));
}

fn status_name(status: Status) -> &'static str {
    // SAFETY: static and never NULL, says the header.
    unsafe { CStr::from_ptr((library().sealwax_status_name)(status)) }.to_str().unwrap()
}

/// The crate's version.
#[must_use]
pub fn version() -> &'static str {
    // SAFETY: static and never NULL, says the header.
    unsafe { CStr::from_ptr((library().sealwax_version)()) }.to_str().unwrap()
}

/// What the build says of itself: JSON.
#[must_use]
pub fn build_info() -> &'static str {
    // SAFETY: static and never NULL, says the header.
    unsafe { CStr::from_ptr((library().sealwax_build_info)()) }.to_str().unwrap()
}

/// Handles that are open.
#[must_use]
pub fn live_handles() -> usize {
    // SAFETY: it takes nothing.
    unsafe { (library().sealwax_live_handles)() }
}

/// Whatever a call writes, in a buffer of its own.
fn all(call: impl Fn(Out, usize, *mut usize) -> Status) -> Vec<u8> {
    let mut len = 0;
    call(ptr::null_mut(), 0, &mut len);
    let mut bytes = vec![0; len];
    done(call(bytes.as_mut_ptr().cast(), len, &mut len));
    bytes.truncate(len);
    bytes
}

/// What a call makes.
#[track_caller]
fn made(call: impl FnOnce(*mut Raw) -> Status) -> Raw {
    let mut handle = ptr::null_mut();
    done(call(&mut handle));
    handle
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident frees with $free:ident;)*) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name(Raw);

        // SAFETY: a handle may be used from any thread, says the header.
        unsafe impl Send for $name {}
        // SAFETY: likewise.
        unsafe impl Sync for $name {}

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: a handle is not followed.
                done(unsafe { (library().$free)(self.0) });
            }
        }
    )*};
}

pub mod attachments;
pub mod engines;

handles! {
    /// One's own keys.
    Identity frees with sealwax_identity_free;
    /// Everything shared with one peer.
    Session frees with sealwax_session_free;
    /// The membership log of a group.
    Roster frees with sealwax_roster_free;
    /// The sending half of a membership.
    GroupSender frees with sealwax_group_sender_free;
    /// The receiving half of a membership.
    GroupReceiver frees with sealwax_group_receiver_free;
    /// The routing core of a relay.
    Relay frees with sealwax_relay_free;
    /// What came of a call on a relay.
    Deliveries frees with sealwax_deliveries_free;
}

impl Identity {
    /// With the default options.
    #[must_use]
    pub fn new(user: &str) -> Self {
        let (user, len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, the output lives.
        Self(made(|out| unsafe { (library().sealwax_identity_new)(user, len, ptr::null(), 0, NOW, out) }))
    }

    /// The card.
    #[must_use]
    pub fn card(&self) -> Vec<u8> {
        // SAFETY: `all` gives good outputs.
        all(|out, cap, len| unsafe { (library().sealwax_identity_card)(self.0, out, cap, len) })
    }

    /// A bundle with one one-time prekey.
    #[must_use]
    pub fn prekeys(&self) -> Vec<u8> {
        // SAFETY: `all` gives good outputs.
        all(|out, cap, len| unsafe { (library().sealwax_identity_prekeys)(self.0, 1, NOW, out, cap, len) })
    }
}

impl Session {
    /// Starts one.
    #[must_use]
    pub fn initiate(identity: &Identity, card: &[u8], prekeys: &[u8]) -> Self {
        let (card, card_len) = (card.as_ptr().cast(), card.len());
        let (prekeys, prekeys_len) = (prekeys.as_ptr().cast(), prekeys.len());
        // SAFETY: the inputs are slices, the output lives.
        Self(made(|out| unsafe {
            let initiate = library().sealwax_session_initiate;
            initiate(identity.0, card, card_len, prekeys, prekeys_len, ptr::null(), 0, NOW, out)
        }))
    }

    /// Answers a first message.
    #[must_use]
    pub fn accept(identity: &Identity, envelope: &[u8]) -> Self {
        let (envelope, len) = (envelope.as_ptr().cast(), envelope.len());
        // SAFETY: the input is a slice, the output lives.
        Self(made(|out| unsafe {
            (library().sealwax_session_accept)(identity.0, envelope, len, ptr::null(), 0, NOW, out)
        }))
    }

    /// One message, into the front of `out`. Answers its length.
    #[inline]
    pub fn encrypt(&self, plaintext: &[u8], out: &mut [u8]) -> usize {
        let (plaintext, plaintext_len) = (plaintext.as_ptr().cast(), plaintext.len());
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let encrypt = library().sealwax_session_encrypt;
        // SAFETY: the inputs and outputs are slices.
        done(unsafe { encrypt(self.0, plaintext, plaintext_len, NOW, out, cap, &mut len) });
        len
    }

    /// Reads one message into the front of `out`. Answers its length.
    #[inline]
    pub fn decrypt(&self, envelope: &[u8], out: &mut [u8]) -> usize {
        let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let decrypt = library().sealwax_session_decrypt;
        // SAFETY: the inputs and outputs are slices.
        done(unsafe { decrypt(self.0, envelope, envelope_len, NOW, out, cap, &mut len) });
        len
    }
}

impl Roster {
    /// A closed group of the owner and of those whose cards these are.
    #[must_use]
    pub fn create(owner: &Identity, cards: &[u8]) -> Self {
        let (label, label_len) = (c"team".as_ptr(), 4);
        let (cards, cards_len) = (cards.as_ptr().cast(), cards.len());
        // SAFETY: the inputs are slices, the output lives.
        Self(made(|out| unsafe {
            let create = library().sealwax_roster_create;
            create(owner.0, label, label_len, cards, cards_len, ptr::null(), 0, NOW, out)
        }))
    }

    /// Its entries.
    #[must_use]
    pub fn log(&self) -> Vec<u8> {
        // SAFETY: `all` gives good outputs.
        all(|out, cap, len| unsafe { (library().sealwax_roster_log)(self.0, 0, out, cap, len) })
    }
}

impl GroupSender {
    /// One whose key lasts for as many messages as any may.
    #[must_use]
    pub fn new(identity: &Identity, roster: &Roster) -> Self {
        let options = r#"{"rotate_messages":16777216}"#;
        let (options, len) = (options.as_ptr().cast(), options.len());
        // SAFETY: the input is a slice, the output lives.
        Self(made(|out| unsafe {
            (library().sealwax_group_sender_new)(identity.0, roster.0, options, len, NOW, out)
        }))
    }

    /// The envelope that hands the key to the peer of a session. Answers its length.
    #[inline]
    pub fn distribute(&self, session: &Session, out: &mut [u8]) -> usize {
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let distribute = library().sealwax_group_sender_distribute;
        // SAFETY: the output is a slice.
        done(unsafe { distribute(self.0, session.0, NOW, out, cap, &mut len) });
        len
    }

    /// [`GroupSender::distribute`] for many; it must succeed for each.
    #[inline]
    pub fn distribute_many(&self, sessions: &[Session], out: &mut [u8], results: &mut [CallResult]) {
        assert!(results.len() >= sessions.len());
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let many = library().sealwax_group_sender_distribute_many;
        let (sessions, count) = (sessions.as_ptr().cast(), sessions.len());
        // SAFETY: the output is a slice, the results have room enough, and a session is its handle.
        done(unsafe { many(self.0, sessions, count, NOW, out, cap, &mut len, results.as_mut_ptr()) });
        results.iter().for_each(|result| done(result.status));
    }

    /// A new key.
    #[inline]
    pub fn rotate(&self) {
        // SAFETY: a handle is not followed.
        done(unsafe { (library().sealwax_group_sender_rotate)(self.0, NOW) });
    }

    /// One message, into the front of `out`. Answers its length.
    #[inline]
    pub fn encrypt(&self, plaintext: &[u8], out: &mut [u8]) -> usize {
        let (plaintext, plaintext_len) = (plaintext.as_ptr().cast(), plaintext.len());
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let encrypt = library().sealwax_group_sender_encrypt;
        // SAFETY: the inputs and outputs are slices.
        done(unsafe { encrypt(self.0, plaintext, plaintext_len, NOW, out, cap, &mut len) });
        len
    }
}

impl GroupReceiver {
    /// Without keys.
    #[must_use]
    pub fn new(identity: &Identity, roster: &Roster) -> Self {
        // SAFETY: the output lives.
        Self(made(|out| unsafe {
            (library().sealwax_group_receiver_new)(identity.0, roster.0, ptr::null(), 0, NOW, out)
        }))
    }

    /// State that [`GroupReceiver::import`] makes a receiver of, as often as one likes.
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        let (key, key_len) = (KEY.as_ptr().cast(), KEY.len());
        // SAFETY: `all` gives good outputs.
        all(|out, cap, len| unsafe {
            (library().sealwax_group_receiver_export)(self.0, key, key_len, out, cap, len)
        })
    }

    /// A receiver in the state that was exported.
    #[must_use]
    pub fn import(identity: &Identity, roster: &Roster, sealed: &[u8]) -> Self {
        let (key, key_len) = (KEY.as_ptr().cast(), KEY.len());
        let (sealed, len) = (sealed.as_ptr().cast(), sealed.len());
        // SAFETY: the inputs are slices, the output lives.
        Self(made(|out| unsafe {
            (library().sealwax_group_receiver_import)(identity.0, roster.0, key, key_len, sealed, len, out)
        }))
    }

    /// Takes a sender key.
    #[inline]
    pub fn install(&self, session: &Session, envelope: &[u8]) {
        let (envelope, len) = (envelope.as_ptr().cast(), envelope.len());
        let install = library().sealwax_group_receiver_install;
        // SAFETY: the input is a slice.
        done(unsafe { install(self.0, session.0, envelope, len, NOW) });
    }

    /// Reads one message into the front of `out`. Answers its length.
    #[inline]
    pub fn decrypt(&self, envelope: &[u8], out: &mut [u8]) -> usize {
        let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let decrypt = library().sealwax_group_receiver_decrypt;
        // SAFETY: the inputs and outputs are slices.
        done(unsafe { decrypt(self.0, envelope, envelope_len, NOW, out, cap, &mut len) });
        len
    }

    /// Reads messages into the front of `out`; every one must open.
    #[inline]
    pub fn decrypt_batch(&self, envelopes: &[Slice], out: &mut [u8], results: &mut [CallResult]) {
        assert!(results.len() >= envelopes.len());
        let (out, cap, mut len) = (out.as_mut_ptr().cast(), out.len(), 0);
        let batch = library().sealwax_group_receiver_decrypt_batch;
        let (envelopes, count) = (envelopes.as_ptr(), envelopes.len());
        // SAFETY: the inputs and outputs are slices, and the results have room enough.
        done(unsafe { batch(self.0, envelopes, count, NOW, out, cap, &mut len, results.as_mut_ptr()) });
        results.iter().for_each(|result| done(result.status));
    }
}

impl Relay {
    /// With the default options.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: the output lives.
        Self(made(|out| unsafe { (library().sealwax_relay_new)(ptr::null(), 0, out) }))
    }

    /// Takes a card.
    #[must_use]
    pub fn register(&self, user: &str, card: &[u8]) -> Deliveries {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        let (card, card_len) = (card.as_ptr().cast(), card.len());
        // SAFETY: the inputs are slices, the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_register)(self.0, user, user_len, card, card_len, NOW, out)
        }))
    }

    /// Takes a roster entry.
    #[must_use]
    pub fn commit(&self, user: &str, entry: &[u8]) -> Deliveries {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        let (entry, entry_len) = (entry.as_ptr().cast(), entry.len());
        // SAFETY: the inputs are slices, the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_commit)(self.0, user, user_len, entry, entry_len, NOW, out)
        }))
    }

    /// Notes that a user came.
    #[must_use]
    pub fn set_online(&self, user: &str) -> Deliveries {
        let (user, len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_set_online)(self.0, user, len, 1, NOW, out)
        }))
    }

    /// Routes an envelope.
    #[inline]
    #[must_use]
    pub fn route(&self, user: &str, envelope: &[u8]) -> Deliveries {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
        // SAFETY: the inputs are slices, the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_route)(self.0, user, user_len, envelope, envelope_len, NOW, out)
        }))
    }

    /// Drops what a user has received.
    #[must_use]
    pub fn acknowledge(&self, user: &str, sequence: u64) -> Deliveries {
        let (user, len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_acknowledge)(self.0, user, len, sequence, NOW, out)
        }))
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

impl Deliveries {
    /// How many there are, and records.
    #[inline]
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let (mut deliveries, mut records) = (0, 0);
        let (mut array, mut record_array) = (ptr::null(), ptr::null());
        // SAFETY: the outputs live.
        done(unsafe { (library().sealwax_deliveries_view)(self.0, &mut array, &mut deliveries) });
        // SAFETY: likewise.
        done(unsafe { (library().sealwax_deliveries_records)(self.0, &mut record_array, &mut records) });
        (deliveries, records)
    }

    /// The place in the queue of its only delivery.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        let (mut array, mut count): (*const Delivery, usize) = (ptr::null(), 0);
        // SAFETY: the outputs live.
        done(unsafe { (library().sealwax_deliveries_view)(self.0, &mut array, &mut count) });
        assert!(count > 0, "nothing is delivered");
        // SAFETY: the array has `count` elements and lives as long as the deliveries.
        unsafe { (*array.add(count - 1)).sequence }
    }
}
