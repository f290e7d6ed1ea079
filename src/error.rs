//! The one error type of every layer below the C ABI.

use core::fmt;

/// Why an operation was refused. Unless a function says otherwise, nothing changed.
///
/// Each variant is one status code of the C ABI, documented in `docs/C_API.md`. Variants carry no detail on
/// purpose: what an attacker can provoke must not tell it more than the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Error {
    /// An argument has a value that the function does not take.
    InvalidArgument,
    /// An input is longer than its limit in [`crate::limits`].
    TooLarge,
    /// Text is not UTF-8, or not a valid user id or name.
    InvalidText,
    /// An options object is not JSON, or has an unknown key or a bad value.
    InvalidOptions,
    /// A bounded table is full.
    LimitReached,
    /// A call that comes too early, too late, or beside another way of doing the same.
    WrongState,
    /// This build or protocol version does not offer the operation.
    Unsupported,

    /// Bytes that cannot be what they claim to be.
    Malformed,
    /// A version of the protocol that this library does not speak.
    UnsupportedVersion,
    /// A cipher suite that this library does not speak.
    UnsupportedSuite,
    /// A well-formed object of another kind than the operation takes.
    WrongKind,
    /// The envelope is addressed to somebody else.
    WrongRecipient,
    /// The message or entry belongs to another group.
    WrongGroup,
    /// The envelope belongs to another pair of identities.
    WrongSession,
    /// A prekey, or a first message without prekeys, past its time.
    Expired,

    /// A tag, signature, link, commitment or seal does not verify.
    AuthenticationFailed,

    /// The very bytes of a recently accepted message.
    Duplicate,
    /// A message whose key was used before.
    Replay,
    /// A gap in the counters larger than the limit.
    TooFarAhead,
    /// No key of that id, or one no longer kept.
    UnknownKey,
    /// A group key past its transition window.
    RetiredKey,
    /// A group key that its owner withholds on purpose.
    WithheldKey,
    /// The chain has given its last message key.
    ChainExhausted,
    /// The peer never answered; a fresh handshake is due.
    RenewalRequired,
    /// The handshake names a prekey that does not exist, or no longer.
    UnknownPrekey,

    /// No such user.
    UnknownUser,
    /// No such group.
    UnknownGroup,
    /// Not a member of the group.
    NotAMember,
    /// The actor lacks the right to do that.
    NotPermitted,
    /// Another roster entry took this epoch first.
    StaleEpoch,
    /// The group key must be rotated before it encrypts again.
    RotationRequired,
    /// The user is known under another identity.
    IdentityChanged,
    /// The peer's card, or an earlier session, forbids a handshake of this forward-secrecy level.
    PrekeysRequired,
    /// An authenticated message proves a newer roster than the one held.
    RosterBehind,
    /// Two valid entries exist for one epoch.
    RosterForked,
    /// The sender is no longer a member; its keys are gone.
    SenderRemoved,
    /// One key id was given two meanings.
    Equivocation,
    /// The group was deleted.
    GroupDeleted,

    /// The store is open already, here or in another process.
    StoreInUse,
    /// Content of the store that does not verify.
    StoreDamaged,
    /// The key does not open this store.
    StoreWrongKey,
    /// A newer library wrote the store.
    StoreNewer,
    /// The system refused to read or write the store.
    StoreIo,

    /// More requests than allowed in this time.
    RateLimited,
    /// The recipient's queue is full.
    QueueFull,
    /// The user has another connection, which is newer.
    Replaced,

    /// A defect of this library, or a system without randomness.
    Internal,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}

impl Error {
    /// All of them.
    const ALL: &'static [Self] = &[
        Self::InvalidArgument,
        Self::TooLarge,
        Self::InvalidText,
        Self::InvalidOptions,
        Self::LimitReached,
        Self::WrongState,
        Self::Unsupported,
        Self::Malformed,
        Self::UnsupportedVersion,
        Self::UnsupportedSuite,
        Self::WrongKind,
        Self::WrongRecipient,
        Self::WrongGroup,
        Self::WrongSession,
        Self::Expired,
        Self::AuthenticationFailed,
        Self::Duplicate,
        Self::Replay,
        Self::TooFarAhead,
        Self::UnknownKey,
        Self::RetiredKey,
        Self::WithheldKey,
        Self::ChainExhausted,
        Self::RenewalRequired,
        Self::UnknownPrekey,
        Self::UnknownUser,
        Self::UnknownGroup,
        Self::NotAMember,
        Self::NotPermitted,
        Self::StaleEpoch,
        Self::RotationRequired,
        Self::IdentityChanged,
        Self::PrekeysRequired,
        Self::RosterBehind,
        Self::RosterForked,
        Self::SenderRemoved,
        Self::Equivocation,
        Self::GroupDeleted,
        Self::StoreInUse,
        Self::StoreDamaged,
        Self::StoreWrongKey,
        Self::StoreNewer,
        Self::StoreIo,
        Self::RateLimited,
        Self::QueueFull,
        Self::Replaced,
        Self::Internal,
    ];

    /// The code of the C ABI, which frames carry too. Codes are never renumbered.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::InvalidArgument => 100,
            Self::TooLarge => 105,
            Self::InvalidText => 106,
            Self::InvalidOptions => 107,
            Self::LimitReached => 108,
            Self::WrongState => 110,
            Self::Unsupported => 109,
            Self::Malformed => 200,
            Self::UnsupportedVersion => 201,
            Self::UnsupportedSuite => 202,
            Self::WrongKind => 203,
            Self::WrongRecipient => 204,
            Self::WrongGroup => 205,
            Self::WrongSession => 206,
            Self::Expired => 207,
            Self::AuthenticationFailed => 300,
            Self::Duplicate => 400,
            Self::Replay => 401,
            Self::TooFarAhead => 402,
            Self::UnknownKey => 403,
            Self::RetiredKey => 404,
            Self::WithheldKey => 405,
            Self::ChainExhausted => 406,
            Self::RenewalRequired => 407,
            Self::UnknownPrekey => 408,
            Self::UnknownUser => 500,
            Self::UnknownGroup => 501,
            Self::NotAMember => 502,
            Self::NotPermitted => 503,
            Self::StaleEpoch => 504,
            Self::RotationRequired => 505,
            Self::IdentityChanged => 506,
            Self::PrekeysRequired => 507,
            Self::RosterBehind => 508,
            Self::RosterForked => 509,
            Self::SenderRemoved => 510,
            Self::Equivocation => 511,
            Self::GroupDeleted => 512,
            Self::StoreInUse => 600,
            Self::StoreDamaged => 601,
            Self::StoreWrongKey => 602,
            Self::StoreNewer => 603,
            Self::StoreIo => 604,
            Self::RateLimited => 610,
            Self::QueueFull => 611,
            Self::Replaced => 612,
            Self::Internal => 900,
        }
    }

    /// Its name in the C header, `"SEALWAX_REPLAY"`: what JSON calls it. Names are never changed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "SEALWAX_INVALID_ARGUMENT",
            Self::TooLarge => "SEALWAX_TOO_LARGE",
            Self::InvalidText => "SEALWAX_INVALID_TEXT",
            Self::InvalidOptions => "SEALWAX_INVALID_OPTIONS",
            Self::LimitReached => "SEALWAX_LIMIT_REACHED",
            Self::WrongState => "SEALWAX_WRONG_STATE",
            Self::Unsupported => "SEALWAX_UNSUPPORTED",
            Self::Malformed => "SEALWAX_MALFORMED",
            Self::UnsupportedVersion => "SEALWAX_UNSUPPORTED_VERSION",
            Self::UnsupportedSuite => "SEALWAX_UNSUPPORTED_SUITE",
            Self::WrongKind => "SEALWAX_WRONG_KIND",
            Self::WrongRecipient => "SEALWAX_WRONG_RECIPIENT",
            Self::WrongGroup => "SEALWAX_WRONG_GROUP",
            Self::WrongSession => "SEALWAX_WRONG_SESSION",
            Self::Expired => "SEALWAX_EXPIRED",
            Self::AuthenticationFailed => "SEALWAX_AUTHENTICATION_FAILED",
            Self::Duplicate => "SEALWAX_DUPLICATE",
            Self::Replay => "SEALWAX_REPLAY",
            Self::TooFarAhead => "SEALWAX_TOO_FAR_AHEAD",
            Self::UnknownKey => "SEALWAX_UNKNOWN_KEY",
            Self::RetiredKey => "SEALWAX_RETIRED_KEY",
            Self::WithheldKey => "SEALWAX_WITHHELD_KEY",
            Self::ChainExhausted => "SEALWAX_CHAIN_EXHAUSTED",
            Self::RenewalRequired => "SEALWAX_RENEWAL_REQUIRED",
            Self::UnknownPrekey => "SEALWAX_UNKNOWN_PREKEY",
            Self::UnknownUser => "SEALWAX_UNKNOWN_USER",
            Self::UnknownGroup => "SEALWAX_UNKNOWN_GROUP",
            Self::NotAMember => "SEALWAX_NOT_A_MEMBER",
            Self::NotPermitted => "SEALWAX_NOT_PERMITTED",
            Self::StaleEpoch => "SEALWAX_STALE_EPOCH",
            Self::RotationRequired => "SEALWAX_ROTATION_REQUIRED",
            Self::IdentityChanged => "SEALWAX_IDENTITY_CHANGED",
            Self::PrekeysRequired => "SEALWAX_PREKEYS_REQUIRED",
            Self::RosterBehind => "SEALWAX_ROSTER_BEHIND",
            Self::RosterForked => "SEALWAX_ROSTER_FORKED",
            Self::SenderRemoved => "SEALWAX_SENDER_REMOVED",
            Self::Equivocation => "SEALWAX_EQUIVOCATION",
            Self::GroupDeleted => "SEALWAX_GROUP_DELETED",
            Self::StoreInUse => "SEALWAX_STORE_IN_USE",
            Self::StoreDamaged => "SEALWAX_STORE_DAMAGED",
            Self::StoreWrongKey => "SEALWAX_STORE_WRONG_KEY",
            Self::StoreNewer => "SEALWAX_STORE_NEWER",
            Self::StoreIo => "SEALWAX_STORE_IO",
            Self::RateLimited => "SEALWAX_RATE_LIMITED",
            Self::QueueFull => "SEALWAX_QUEUE_FULL",
            Self::Replaced => "SEALWAX_REPLACED",
            Self::Internal => "SEALWAX_INTERNAL",
        }
    }

    /// The error of a code; none for 0, for a code that only the C ABI gives, and for one of a later version.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.iter().find(|error| error.code() == code).copied()
    }

    /// One English sentence.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::InvalidArgument => "An argument has a value that this function does not take.",
            Self::TooLarge => "An input is longer than its limit.",
            Self::InvalidText => "The text is not UTF-8, or not a valid name.",
            Self::InvalidOptions => "The options are not JSON, or have an unknown key or a bad value.",
            Self::LimitReached => "A bounded table is full.",
            Self::WrongState => "The object is not in a state for this call.",
            Self::Unsupported => "This build does not offer the operation.",
            Self::Malformed => "The bytes are not what they claim to be.",
            Self::UnsupportedVersion => "The protocol version is not supported.",
            Self::UnsupportedSuite => "The cipher suite is not supported.",
            Self::WrongKind => "The object is of another kind than the function takes.",
            Self::WrongRecipient => "The envelope is addressed to somebody else.",
            Self::WrongGroup => "The object belongs to another group.",
            Self::WrongSession => "The envelope belongs to another session.",
            Self::Expired => "The prekey or first message is past its time.",
            Self::AuthenticationFailed => "Authentication failed.",
            Self::Duplicate => "The same bytes were accepted before.",
            Self::Replay => "The message key was used before.",
            Self::TooFarAhead => "The counter is further ahead than the limit.",
            Self::UnknownKey => "No key with that id is held.",
            Self::RetiredKey => "The key is past its transition window.",
            Self::WithheldKey => "The sender withholds this key.",
            Self::ChainExhausted => "The chain has no message keys left.",
            Self::RenewalRequired => "The peer never answered; start a fresh handshake.",
            Self::UnknownPrekey => "The handshake names a prekey that does not exist.",
            Self::UnknownUser => "No such user.",
            Self::UnknownGroup => "No such group.",
            Self::NotAMember => "Not a member of the group.",
            Self::NotPermitted => "The actor lacks the right to do that.",
            Self::StaleEpoch => "Another entry took this epoch first.",
            Self::RotationRequired => "The group key must be rotated first.",
            Self::IdentityChanged => "The user is known under another identity.",
            Self::PrekeysRequired => "A session with this peer needs a signed prekey.",
            Self::RosterBehind => "A newer roster is known to exist; fetch its entries first.",
            Self::RosterForked => "Two valid entries exist for one epoch.",
            Self::SenderRemoved => "The sender is no longer a member.",
            Self::Equivocation => "One key id was given two meanings.",
            Self::GroupDeleted => "The group was deleted.",
            Self::StoreInUse => "The store is open already, here or in another process.",
            Self::StoreDamaged => "The store is damaged.",
            Self::StoreWrongKey => "The key does not open this store.",
            Self::StoreNewer => "A newer library wrote the store.",
            Self::StoreIo => "The system refused to read or write the store.",
            Self::RateLimited => "Too many requests in this time.",
            Self::QueueFull => "The recipient's queue is full.",
            Self::Replaced => "The user has a newer connection.",
            Self::Internal => "A defect of the library, or no system randomness.",
        }
    }
}

/// The result of every fallible operation of the core.
pub type Result<T> = core::result::Result<T, Error>;
