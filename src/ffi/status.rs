//! Status codes: what each export returns, the one mapping from the core's errors, and their names.
//!
//! Codes are never renumbered. Families leave gaps; a new code goes to the end of its family.

use core::ffi::CStr;

use crate::error::Error;

/// What every fallible function returns: SEALWAX_OK, or why it did not do what was asked.
/// Unless a function says otherwise, nothing changed when it is not SEALWAX_OK.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub type sealwax_status = i32;

/// Done.
pub const SEALWAX_OK: sealwax_status = 0;

/// @section The caller's mistakes. Nothing changed.
///
/// A number, a fixed length or a pair of handles that this function does not take.
pub const SEALWAX_INVALID_ARGUMENT: sealwax_status = 100;
/// A pointer is NULL that must not be.
pub const SEALWAX_NULL_POINTER: sealwax_status = 101;
/// A handle that is NULL, freed, of another type, or never came from this library.
pub const SEALWAX_INVALID_HANDLE: sealwax_status = 102;
/// *out_len is the size that would do; out is untouched.
pub const SEALWAX_BUFFER_TOO_SMALL: sealwax_status = 103;
/// An output overlaps an input or another output.
pub const SEALWAX_BUFFER_OVERLAP: sealwax_status = 104;
/// A length beyond its limit. Not a byte of it was read.
pub const SEALWAX_TOO_LARGE: sealwax_status = 105;
/// Not UTF-8, or not what a user id or label may hold.
pub const SEALWAX_INVALID_TEXT: sealwax_status = 106;
/// sealwax_options_check() names the key and says why.
pub const SEALWAX_INVALID_OPTIONS: sealwax_status = 107;
/// A bounded table is full: the limits in sealwax_build_info(), the options of a relay, or what the function says.
pub const SEALWAX_LIMIT_REACHED: sealwax_status = 108;
/// This build lacks the feature; the header never changes with features.
pub const SEALWAX_UNSUPPORTED: sealwax_status = 109;
/// A call that comes too early, too late, or beside another way of doing the same.
pub const SEALWAX_WRONG_STATE: sealwax_status = 110;
/// @section Bytes that cannot be what they claim. Nothing changed.
///
/// Not a well-formed object of the protocol, or bytes follow its end.
pub const SEALWAX_MALFORMED: sealwax_status = 200;
/// Made by a version of the protocol that this library does not speak; or bytes of no protocol, whose first two are
/// taken for a version.
pub const SEALWAX_UNSUPPORTED_VERSION: sealwax_status = 201;
/// Made with a cipher suite that this library does not speak.
pub const SEALWAX_UNSUPPORTED_SUITE: sealwax_status = 202;
/// A well-formed object, but not one that this function takes.
pub const SEALWAX_WRONG_KIND: sealwax_status = 203;
/// Addressed to somebody else.
pub const SEALWAX_WRONG_RECIPIENT: sealwax_status = 204;
/// Belongs to another group.
pub const SEALWAX_WRONG_GROUP: sealwax_status = 205;
/// Belongs to another pair of identities.
pub const SEALWAX_WRONG_SESSION: sealwax_status = 206;
/// A prekey, or a first message, past its time.
pub const SEALWAX_EXPIRED: sealwax_status = 207;
/// @section Authentication. Nothing changed.
///
/// Every tag, signature, link, commitment or seal that does not verify.
pub const SEALWAX_AUTHENTICATION_FAILED: sealwax_status = 300;
/// @section Message state. Nothing changed.
///
/// The very bytes of a recently accepted message: a hint, drop it.
pub const SEALWAX_DUPLICATE: sealwax_status = 400;
/// A message whose key was used before: a hint, drop it.
pub const SEALWAX_REPLAY: sealwax_status = 401;
/// A gap in the counters larger than the limit.
pub const SEALWAX_TOO_FAR_AHEAD: sealwax_status = 402;
/// No such key, or no longer; for a group, its distribution may still be under way.
pub const SEALWAX_UNKNOWN_KEY: sealwax_status = 403;
/// A group key past its transition window; its messages stay closed.
pub const SEALWAX_RETIRED_KEY: sealwax_status = 404;
/// The owner withholds this group key on purpose.
pub const SEALWAX_WITHHELD_KEY: sealwax_status = 405;
/// The chain has no message keys left.
pub const SEALWAX_CHAIN_EXHAUSTED: sealwax_status = 406;
/// The peer never answered: sealwax_session_renew() with fresh prekeys.
pub const SEALWAX_RENEWAL_REQUIRED: sealwax_status = 407;
/// A handshake names a prekey that this identity does not hold, or no longer.
pub const SEALWAX_UNKNOWN_PREKEY: sealwax_status = 408;
/// @section People and groups. Nothing changed.
///
/// No such user.
pub const SEALWAX_UNKNOWN_USER: sealwax_status = 500;
/// No such group.
pub const SEALWAX_UNKNOWN_GROUP: sealwax_status = 501;
/// The user is not a member of the group.
pub const SEALWAX_NOT_A_MEMBER: sealwax_status = 502;
/// The actor's role does not allow it.
pub const SEALWAX_NOT_PERMITTED: sealwax_status = 503;
/// Another entry took this epoch: apply it, and propose again.
pub const SEALWAX_STALE_EPOCH: sealwax_status = 504;
/// sealwax_group_sender_rotate(), distribute, then encrypt again.
pub const SEALWAX_ROTATION_REQUIRED: sealwax_status = 505;
/// The user is known under other keys. Verify out of band before accepting them.
pub const SEALWAX_IDENTITY_CHANGED: sealwax_status = 506;
/// The peer's card forbids a session without a signed prekey.
pub const SEALWAX_PREKEYS_REQUIRED: sealwax_status = 507;
/// A newer roster is proven to exist: apply its entries first.
pub const SEALWAX_ROSTER_BEHIND: sealwax_status = 508;
/// Two valid entries for one epoch; an owner must resolve.
pub const SEALWAX_ROSTER_FORKED: sealwax_status = 509;
/// The sender is no longer a member; its keys are gone.
pub const SEALWAX_SENDER_REMOVED: sealwax_status = 510;
/// One key id was given two meanings: the sender lies.
pub const SEALWAX_EQUIVOCATION: sealwax_status = 511;
/// The group was deleted.
pub const SEALWAX_GROUP_DELETED: sealwax_status = 512;
/// @section Stores. 600 to 609 are reserved for them.
///
/// Another process has the store open.
pub const SEALWAX_STORE_IN_USE: sealwax_status = 600;
/// The store's content does not verify.
pub const SEALWAX_STORE_DAMAGED: sealwax_status = 601;
/// The key does not open this store.
pub const SEALWAX_STORE_WRONG_KEY: sealwax_status = 602;
/// A newer library wrote the store.
pub const SEALWAX_STORE_NEWER: sealwax_status = 603;
/// The system refused to read or write the store.
pub const SEALWAX_STORE_IO: sealwax_status = 604;
/// @section Relay. Nothing changed.
///
/// More requests than allowed in this time.
pub const SEALWAX_RATE_LIMITED: sealwax_status = 610;
/// The recipient's queue is full.
pub const SEALWAX_QUEUE_FULL: sealwax_status = 611;
/// The user has another connection to the relay, which is newer.
pub const SEALWAX_REPLACED: sealwax_status = 612;
/// @section The library itself.
///
/// A defect of the library, or a system without randomness. Objects that the call could have changed are
/// poisoned.
pub const SEALWAX_INTERNAL: sealwax_status = 900;
/// An earlier call on the object ended in a defect: only its _free works.
pub const SEALWAX_POISONED: sealwax_status = 901;
/// The handle was made before this process was forked: only its _free works.
pub const SEALWAX_FORKED: sealwax_status = 902;

/// Why a call is refused, on its way to the C caller. Success is `Ok(())`, never a `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(sealwax_status);

impl Status {
    pub(super) const NULL_POINTER: Self = Self(SEALWAX_NULL_POINTER);
    pub(super) const INVALID_HANDLE: Self = Self(SEALWAX_INVALID_HANDLE);
    pub(super) const BUFFER_TOO_SMALL: Self = Self(SEALWAX_BUFFER_TOO_SMALL);
    pub(super) const BUFFER_OVERLAP: Self = Self(SEALWAX_BUFFER_OVERLAP);
    pub(super) const POISONED: Self = Self(SEALWAX_POISONED);
    pub(super) const FORKED: Self = Self(SEALWAX_FORKED);
    pub(super) const INVALID_ARGUMENT: Self = Self(SEALWAX_INVALID_ARGUMENT);
    pub(super) const TOO_LARGE: Self = Self(SEALWAX_TOO_LARGE);
    pub(super) const INVALID_TEXT: Self = Self(SEALWAX_INVALID_TEXT);
    pub(super) const INVALID_OPTIONS: Self = Self(SEALWAX_INVALID_OPTIONS);
    pub(super) const LIMIT_REACHED: Self = Self(SEALWAX_LIMIT_REACHED);
    pub(super) const INTERNAL: Self = Self(SEALWAX_INTERNAL);

    /// The code of the C ABI.
    pub(super) const fn code(self) -> sealwax_status {
        self.0
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Self(error.code().cast_signed())
    }
}

struct Entry {
    code: sealwax_status,
    name: &'static CStr,
    text: &'static CStr,
}

/// `text` with the NUL that C wants, made when the library is compiled.
#[allow(clippy::indexing_slicing, reason = "runs in the compiler, where an index out of bounds is an error")]
const fn terminated<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let mut at = 0;
    while at < text.len() {
        out[at] = text.as_bytes()[at];
        at += 1;
    }
    out
}

macro_rules! entry {
    ($code:ident, $text:expr) => {{
        const TEXT: [u8; $text.len() + 1] = terminated($text);
        const NAME: &str = concat!(stringify!($code), "\0");
        Entry { code: $code, name: c_str(NAME.as_bytes()), text: c_str(&TEXT) }
    }};
}

const fn c_str(bytes: &'static [u8]) -> &'static CStr {
    match CStr::from_bytes_with_nul(bytes) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// In the order of the codes.
static ENTRIES: &[Entry] = &[
    entry!(SEALWAX_OK, "Done."),
    entry!(SEALWAX_INVALID_ARGUMENT, Error::InvalidArgument.text()),
    entry!(SEALWAX_NULL_POINTER, "A pointer is NULL that must not be."),
    entry!(SEALWAX_INVALID_HANDLE, "The handle is not, or no longer, one of this library and type."),
    entry!(SEALWAX_BUFFER_TOO_SMALL, "The output buffer is too small."),
    entry!(SEALWAX_BUFFER_OVERLAP, "An output overlaps an input or another output."),
    entry!(SEALWAX_TOO_LARGE, Error::TooLarge.text()),
    entry!(SEALWAX_INVALID_TEXT, Error::InvalidText.text()),
    entry!(SEALWAX_INVALID_OPTIONS, Error::InvalidOptions.text()),
    entry!(SEALWAX_LIMIT_REACHED, Error::LimitReached.text()),
    entry!(SEALWAX_UNSUPPORTED, Error::Unsupported.text()),
    entry!(SEALWAX_WRONG_STATE, Error::WrongState.text()),
    entry!(SEALWAX_MALFORMED, Error::Malformed.text()),
    entry!(SEALWAX_UNSUPPORTED_VERSION, Error::UnsupportedVersion.text()),
    entry!(SEALWAX_UNSUPPORTED_SUITE, Error::UnsupportedSuite.text()),
    entry!(SEALWAX_WRONG_KIND, Error::WrongKind.text()),
    entry!(SEALWAX_WRONG_RECIPIENT, Error::WrongRecipient.text()),
    entry!(SEALWAX_WRONG_GROUP, Error::WrongGroup.text()),
    entry!(SEALWAX_WRONG_SESSION, Error::WrongSession.text()),
    entry!(SEALWAX_EXPIRED, Error::Expired.text()),
    entry!(SEALWAX_AUTHENTICATION_FAILED, Error::AuthenticationFailed.text()),
    entry!(SEALWAX_DUPLICATE, Error::Duplicate.text()),
    entry!(SEALWAX_REPLAY, Error::Replay.text()),
    entry!(SEALWAX_TOO_FAR_AHEAD, Error::TooFarAhead.text()),
    entry!(SEALWAX_UNKNOWN_KEY, Error::UnknownKey.text()),
    entry!(SEALWAX_RETIRED_KEY, Error::RetiredKey.text()),
    entry!(SEALWAX_WITHHELD_KEY, Error::WithheldKey.text()),
    entry!(SEALWAX_CHAIN_EXHAUSTED, Error::ChainExhausted.text()),
    entry!(SEALWAX_RENEWAL_REQUIRED, Error::RenewalRequired.text()),
    entry!(SEALWAX_UNKNOWN_PREKEY, Error::UnknownPrekey.text()),
    entry!(SEALWAX_UNKNOWN_USER, Error::UnknownUser.text()),
    entry!(SEALWAX_UNKNOWN_GROUP, Error::UnknownGroup.text()),
    entry!(SEALWAX_NOT_A_MEMBER, Error::NotAMember.text()),
    entry!(SEALWAX_NOT_PERMITTED, Error::NotPermitted.text()),
    entry!(SEALWAX_STALE_EPOCH, Error::StaleEpoch.text()),
    entry!(SEALWAX_ROTATION_REQUIRED, Error::RotationRequired.text()),
    entry!(SEALWAX_IDENTITY_CHANGED, Error::IdentityChanged.text()),
    entry!(SEALWAX_PREKEYS_REQUIRED, Error::PrekeysRequired.text()),
    entry!(SEALWAX_ROSTER_BEHIND, Error::RosterBehind.text()),
    entry!(SEALWAX_ROSTER_FORKED, Error::RosterForked.text()),
    entry!(SEALWAX_SENDER_REMOVED, Error::SenderRemoved.text()),
    entry!(SEALWAX_EQUIVOCATION, Error::Equivocation.text()),
    entry!(SEALWAX_GROUP_DELETED, Error::GroupDeleted.text()),
    entry!(SEALWAX_STORE_IN_USE, Error::StoreInUse.text()),
    entry!(SEALWAX_STORE_DAMAGED, Error::StoreDamaged.text()),
    entry!(SEALWAX_STORE_WRONG_KEY, Error::StoreWrongKey.text()),
    entry!(SEALWAX_STORE_NEWER, Error::StoreNewer.text()),
    entry!(SEALWAX_STORE_IO, Error::StoreIo.text()),
    entry!(SEALWAX_RATE_LIMITED, Error::RateLimited.text()),
    entry!(SEALWAX_QUEUE_FULL, Error::QueueFull.text()),
    entry!(SEALWAX_REPLACED, Error::Replaced.text()),
    entry!(SEALWAX_INTERNAL, Error::Internal.text()),
    entry!(SEALWAX_POISONED, "An earlier call on this object failed inside; only freeing it works."),
    entry!(SEALWAX_FORKED, "The handle was made before the fork; only freeing it works."),
];

fn entry(status: sealwax_status) -> Option<&'static Entry> {
    let index = ENTRIES.binary_search_by_key(&status, |entry| entry.code).ok()?;
    ENTRIES.get(index)
}

/// `"SEALWAX_REPLAY"` for 401.
pub(super) fn name(status: sealwax_status) -> &'static CStr {
    entry(status).map_or(c"SEALWAX_UNKNOWN_STATUS", |entry| entry.name)
}

/// One English sentence.
pub(super) fn text(status: sealwax_status) -> &'static CStr {
    entry(status).map_or(c"Not a status of this library.", |entry| entry.text)
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES, SEALWAX_OK, SEALWAX_REPLAY, Status, name, text};
    use crate::error::Error;

    #[test]
    fn the_table_is_in_the_order_of_its_codes_so_that_every_code_is_found() {
        assert!(ENTRIES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for entry in ENTRIES {
            assert_eq!(name(entry.code), entry.name);
            assert!(!entry.text.is_empty(), "{:?}", entry.name);
        }
    }

    #[test]
    fn names_are_those_of_the_header() {
        assert_eq!(name(SEALWAX_REPLAY), c"SEALWAX_REPLAY");
        assert_eq!(name(SEALWAX_OK), c"SEALWAX_OK");
    }

    #[test]
    fn text_is_that_of_the_error() {
        let status = Status::from(Error::Malformed);
        assert_eq!(text(status.code()).to_str(), Ok(Error::Malformed.text()));
    }

    #[test]
    fn codes_and_names_of_errors_are_those_of_the_header() {
        let of_the_abi_alone = [0, 101, 102, 103, 104, 901, 902];
        for entry in ENTRIES.iter().filter(|entry| !of_the_abi_alone.contains(&entry.code)) {
            let error = Error::from_code(entry.code.cast_unsigned()).unwrap();
            assert_eq!(Status::from(error).code(), entry.code);
            assert_eq!(entry.text.to_str(), Ok(error.text()));
            assert_eq!(entry.name.to_str(), Ok(error.name()));
        }
    }

    #[test]
    fn a_number_that_is_no_status_has_a_name_and_a_text_too() {
        for code in [i32::MIN, -1, 1, 99, 999, i32::MAX] {
            assert_eq!(name(code), c"SEALWAX_UNKNOWN_STATUS");
            assert!(!text(code).is_empty());
        }
    }
}
