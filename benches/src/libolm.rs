//! libolm, where it is installed: the C library that vodozemac replaced, and the one with a C API.
//!
//! Its messages are base64 text, which it writes and reads in every call.

use core::ffi::{CStr, c_char, c_void};
use std::ffi::CString;

use crate::scene::PLAINTEXT;

type Raw = *mut c_void;
type Length = usize;

/// What libolm answers for a failure.
const ERROR: usize = usize::MAX;

macro_rules! table {
    ($(fn $name:ident($($arg:ty),*) -> $ret:ty;)*) => {
        /// The library, opened at run time.
        pub struct Libolm {
            $($name: unsafe extern "C" fn($($arg),*) -> $ret,)*
        }

        impl Libolm {
            /// None if it is not installed.
            #[must_use]
            pub fn open() -> Option<Self> {
                // SAFETY: the name is a C string; loading libolm runs no code of interest.
                let library = unsafe { libc::dlopen(c"libolm.so.3".as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
                if library.is_null() {
                    return None;
                }
                Some(Self {
                    $($name: {
                        let name = CString::new(stringify!($name)).unwrap();
                        // SAFETY: the library is open and stays so.
                        let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
                        assert!(!symbol.is_null(), "libolm has no {name:?}");
                        // SAFETY: its headers declare it so.
                        unsafe { core::mem::transmute::<Raw, unsafe extern "C" fn($($arg),*) -> $ret>(symbol) }
                    },)*
                })
            }
        }
    };
}

table! {
    fn olm_account_size() -> Length;
    fn olm_account(Raw) -> Raw;
    fn olm_create_account_random_length(Raw) -> Length;
    fn olm_create_account(Raw, Raw, Length) -> Length;
    fn olm_account_identity_keys_length(Raw) -> Length;
    fn olm_account_identity_keys(Raw, Raw, Length) -> Length;
    fn olm_account_generate_one_time_keys_random_length(Raw, Length) -> Length;
    fn olm_account_generate_one_time_keys(Raw, Length, Raw, Length) -> Length;
    fn olm_account_one_time_keys_length(Raw) -> Length;
    fn olm_account_one_time_keys(Raw, Raw, Length) -> Length;
    fn olm_session_size() -> Length;
    fn olm_session(Raw) -> Raw;
    fn olm_create_outbound_session_random_length(Raw) -> Length;
    fn olm_create_outbound_session(Raw, Raw, Raw, Length, Raw, Length, Raw, Length) -> Length;
    fn olm_create_inbound_session(Raw, Raw, Raw, Length) -> Length;
    fn olm_encrypt_message_type(Raw) -> Length;
    fn olm_encrypt_random_length(Raw) -> Length;
    fn olm_encrypt_message_length(Raw, Length) -> Length;
    fn olm_encrypt(Raw, *const u8, Length, Raw, Length, Raw, Length) -> Length;
    fn olm_decrypt(Raw, Length, Raw, Length, Raw, Length) -> Length;
    fn olm_session_last_error(Raw) -> *const c_char;
    fn olm_outbound_group_session_size() -> Length;
    fn olm_outbound_group_session(Raw) -> Raw;
    fn olm_init_outbound_group_session_random_length(Raw) -> Length;
    fn olm_init_outbound_group_session(Raw, Raw, Length) -> Length;
    fn olm_outbound_group_session_key_length(Raw) -> Length;
    fn olm_outbound_group_session_key(Raw, Raw, Length) -> Length;
    fn olm_group_encrypt_message_length(Raw, Length) -> Length;
    fn olm_group_encrypt(Raw, *const u8, Length, Raw, Length) -> Length;
    fn olm_inbound_group_session_size() -> Length;
    fn olm_inbound_group_session(Raw) -> Raw;
    fn olm_init_inbound_group_session(Raw, Raw, Length) -> Length;
    fn olm_group_decrypt(Raw, Raw, Length, Raw, Length, *mut u32) -> Length;
}

/// An object of libolm in memory that it never gives back.
#[derive(Clone, Copy)]
struct Object(Raw);

impl Object {
    /// SAFETY: `size` and `make` belong to one kind of object.
    unsafe fn new(size: unsafe extern "C" fn() -> Length, make: unsafe extern "C" fn(Raw) -> Raw) -> Self {
        // SAFETY: the caller's promise; u64s are aligned enough, and the memory is never freed.
        unsafe { Self(make(vec![0_u64; size().div_ceil(8)].leak().as_mut_ptr().cast())) }
    }
}

fn done(answer: Length) -> Length {
    assert_ne!(answer, ERROR, "libolm refuses");
    answer
}

fn pointer(bytes: &mut [u8]) -> Raw {
    bytes.as_mut_ptr().cast()
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Two who have written to each other, and a group of them, as in [`crate::scene`].
pub struct LibolmPair<'a> {
    library: &'a Libolm,
    ours: Object,
    theirs: Object,
    outbound: Object,
    inbound: Object,
}

/// A message, and its type.
pub type Message = (usize, Vec<u8>);

impl<'a> LibolmPair<'a> {
    /// Fresh ones.
    #[must_use]
    pub fn new(library: &'a Libolm) -> Self {
        // SAFETY: every call is as the headers of libolm say, on objects of the right kind and buffers of the length told.
        unsafe {
            let account = || {
                let account = Object::new(library.olm_account_size, library.olm_account);
                let mut entropy = random((library.olm_create_account_random_length)(account.0));
                done((library.olm_create_account)(account.0, pointer(&mut entropy), entropy.len()));
                account
            };
            let (one, other) = (account(), account());
            let mut identity = vec![0; (library.olm_account_identity_keys_length)(other.0)];
            done((library.olm_account_identity_keys)(other.0, pointer(&mut identity), identity.len()));
            let mut entropy = random((library.olm_account_generate_one_time_keys_random_length)(other.0, 1));
            done((library.olm_account_generate_one_time_keys)(
                other.0,
                1,
                pointer(&mut entropy),
                entropy.len(),
            ));
            let mut keys = vec![0; (library.olm_account_one_time_keys_length)(other.0)];
            done((library.olm_account_one_time_keys)(other.0, pointer(&mut keys), keys.len()));
            let (mut identity, mut one_time) = (key(&identity, 3), key(&keys, 5));

            let ours = Object::new(library.olm_session_size, library.olm_session);
            let mut entropy = random((library.olm_create_outbound_session_random_length)(ours.0));
            done((library.olm_create_outbound_session)(
                ours.0,
                one.0,
                pointer(&mut identity),
                identity.len(),
                pointer(&mut one_time),
                one_time.len(),
                pointer(&mut entropy),
                entropy.len(),
            ));
            let theirs = Object::new(library.olm_session_size, library.olm_session);
            let outbound =
                Object::new(library.olm_outbound_group_session_size, library.olm_outbound_group_session);
            let inbound =
                Object::new(library.olm_inbound_group_session_size, library.olm_inbound_group_session);
            let pair = Self { library, ours, theirs, outbound, inbound };
            let (_, mut first) = pair.encrypt();
            let length = first.len();
            done((library.olm_create_inbound_session)(
                theirs.0,
                other.0,
                pointer(&mut first.clone()),
                length,
            ));
            pair.read(pair.theirs, &mut (0, core::mem::take(&mut first)));
            pair.read(pair.ours, &mut pair.write(pair.theirs));
            pair.read(pair.theirs, &mut pair.encrypt());

            let mut entropy = random((library.olm_init_outbound_group_session_random_length)(outbound.0));
            done((library.olm_init_outbound_group_session)(outbound.0, pointer(&mut entropy), entropy.len()));
            let mut key = vec![0; (library.olm_outbound_group_session_key_length)(outbound.0)];
            done((library.olm_outbound_group_session_key)(outbound.0, pointer(&mut key), key.len()));
            done((library.olm_init_inbound_group_session)(inbound.0, pointer(&mut key), key.len()));
            pair
        }
    }

    /// One message of the first of the two.
    #[must_use]
    pub fn encrypt(&self) -> Message {
        self.write(self.ours)
    }

    /// Reads one such message, which destroys it.
    pub fn decrypt(&self, message: &mut Message) {
        self.read(self.theirs, message);
    }

    fn write(&self, from: Object) -> Message {
        let library = self.library;
        // SAFETY: the session is one, and the buffers have the lengths told.
        unsafe {
            let kind = (library.olm_encrypt_message_type)(from.0);
            let mut entropy = random((library.olm_encrypt_random_length)(from.0));
            let mut out = vec![0; (library.olm_encrypt_message_length)(from.0, PLAINTEXT.len())];
            let (entropy_at, entropy_len) = (pointer(&mut entropy), entropy.len());
            let (plaintext, length) = (PLAINTEXT.as_ptr(), PLAINTEXT.len());
            let (out_at, out_len) = (pointer(&mut out), out.len());
            done((library.olm_encrypt)(from.0, plaintext, length, entropy_at, entropy_len, out_at, out_len));
            (kind, out)
        }
    }

    fn read(&self, to: Object, (kind, message): &mut Message) {
        let library = self.library;
        let mut plaintext = [0; 1_024];
        // SAFETY: the session is one, and the buffers have the lengths told.
        let length = unsafe {
            let (out, room) = (pointer(&mut plaintext), 1_024);
            (library.olm_decrypt)(to.0, *kind, pointer(message), message.len(), out, room)
        };
        // SAFETY: the text is static.
        let why = || unsafe { CStr::from_ptr((library.olm_session_last_error)(to.0)) };
        assert_eq!(length, PLAINTEXT.len(), "{:?}", why());
    }

    /// One message to the group.
    #[must_use]
    pub fn group_encrypt(&self) -> Vec<u8> {
        let library = self.library;
        // SAFETY: the session is one, and the buffers have the lengths told.
        unsafe {
            let group = self.outbound.0;
            let mut out = vec![0; (library.olm_group_encrypt_message_length)(group, PLAINTEXT.len())];
            let (out_at, out_len) = (pointer(&mut out), out.len());
            done((library.olm_group_encrypt)(group, PLAINTEXT.as_ptr(), PLAINTEXT.len(), out_at, out_len));
            out
        }
    }

    /// Reads one such message, which destroys it.
    pub fn group_decrypt(&self, message: &mut [u8]) {
        let (mut plaintext, mut index) = ([0; 1_024], 0);
        // SAFETY: the session is one, and the buffers have the lengths told.
        let length = unsafe {
            let (message_at, message_len) = (pointer(message), message.len());
            let out = pointer(&mut plaintext);
            (self.library.olm_group_decrypt)(self.inbound.0, message_at, message_len, out, 1_024, &mut index)
        };
        assert_eq!(length, PLAINTEXT.len());
    }
}

/// The string with that number among the quotes of a JSON text.
fn key(json: &[u8], number: usize) -> Vec<u8> {
    let text = std::str::from_utf8(json).unwrap();
    text.split('"').nth(number).unwrap().as_bytes().to_vec()
}
