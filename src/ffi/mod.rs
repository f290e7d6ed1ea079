//! The C ABI. The only module with `unsafe` code; the header `include/sealwax.h` is rendered from it.
//!
//! # How to add an object and its functions
//!
//! 1. Make `src/ffi/<object>.rs` and declare it here with `pub mod`: the header follows the order of the
//!    declarations, and within a file the order of the source.
//!
//! 2. Name the opaque struct, say what stands behind it and what it is made from:
//!
//!    ```ignore
//!    /// Everything shared with one peer, in both directions.
//!    #[allow(non_camel_case_types, reason = "the name in the C header")]
//!    pub struct sealwax_session(());
//!
//!    impl Object for Session {
//!        type Links = Arc<Cell<Identity>>; // () if it is made from nothing
//!    }
//!
//!    impl Opaque for sealwax_session {
//!        type Object = Session;
//!    }
//!    ```
//!
//! 3. Write each function in this order: outputs, inputs, handles, options, locks, room, change, result.
//!
//!    ```ignore
//!    /// @section Sessions            (before the first function only: a heading in the header)
//!    ///
//!    /// Encrypts one message to the peer.
//!    ///
//!    /// @param session  ...
//!    /// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
//!    #[unsafe(no_mangle)]
//!    #[must_use]                      // becomes SEALWAX_NODISCARD; leave it away for `_free` only
//!    pub unsafe extern "C" fn sealwax_session_encrypt(session: *mut sealwax_session, ...) -> sealwax_status {
//!        guard(|| {
//!            // SAFETY: the caller keeps to the header.
//!            let mut outputs = unsafe { Outputs::new() };
//!            let out = outputs.bytes(out, out_cap, out_len);
//!            let inputs = outputs.inputs()?;
//!            let plaintext = inputs.bytes(plaintext, plaintext_len, limits::MESSAGE_MAX)?;
//!            let session = cell::exclusive(session)?;
//!            let mut session = session.lock()?;
//!            let mut out = out.reserve(session.encrypt_len(plaintext.len()))?;
//!            let len = session.update(|session| session.encrypt(plaintext, now_ms, rng, out.buffer()))?;
//!            out.finish(len)
//!        })
//!    }
//!    ```
//!
//!    * `cell::shared` takes a `const T *`, `cell::exclusive` a `T *`; `cell::free` is the whole of a `_free`.
//!    * Several objects are locked at once, in one call: `let (mut sender, roster) =
//!      lock((&sender, Shared(&sender.links().roster)))?;`. One object twice is
//!      `INVALID_ARGUMENT`.
//!    * `update` is the only way to change an object: its revision grows if the change succeeds. Everything that
//!      can fail comes before it, or inside it: `out.reserve(size)` of a buffer, `out.reserve()` of a
//!      handle. What was made first is given with `out.put(&bytes)`; JSON with `out.put` of the buffer itself.
//!    * A new object: `outputs.handle(out_session)`, later `let place = out.reserve()?; place.put(object, links)`;
//!      a link to an argument is made with `identity.keep()?`.
//!    * Options: a `Table` beside the function, added to `TABLES` in `library.rs`.
//!
//! 4. `make header`, and look at the result. `tests/abi/` fails until the header, the ABI dump, the exported symbols
//!    and `TABLES` agree.
#![allow(unsafe_code, reason = "the one place where C's pointers are met")]
#![allow(clippy::missing_safety_doc, reason = "the header states the contract once for all exports")]

mod argument;
mod cell;
mod fork;
mod guard;
mod inspect;
mod lock;
mod options;
mod payload;
mod registry;
mod unlocked;
mod wake;

// What follows is the order of the header; the blank lines keep rustfmt from sorting it.
pub mod version;

pub mod sizes;

pub mod status;

pub mod library;

pub mod results;

pub mod envelope;

pub mod identity;

pub mod session;

pub mod session_messages;

pub mod roster;

pub mod membership;

pub mod proposals;

pub mod group_sender;

pub mod handout;

pub mod group_receiver;

pub mod group_messages;

pub mod stream_seal;

pub mod stream_open;

pub mod relay;

pub mod routing;

pub mod connections;

pub mod deliveries;

pub mod client;

pub mod client_loop;

pub mod client_calls;

pub mod client_groups;

pub mod client_membership;

pub mod client_group_messages;

pub mod event;
