//! What a client asks a relay, and what comes back (`docs/PROTOCOL.md` section 10.3).

use crate::client::groups::GroupId;
use crate::error::Error;
use crate::wire::frame::Body;

/// What a client asks a relay. Each is idempotent.
pub(super) enum Ask {
    /// A user's card and prekeys.
    Lookup(Box<str>),
    /// To take this bundle.
    Prekeys(Vec<u8>),
    /// To take the envelopes of these numbers of the outbox.
    Send(Vec<u64>),
    /// The same of envelopes for groups, which are looked at again before they go on another connection.
    SendGroup(Vec<u64>),
    /// To take an envelope that is not kept.
    SendOnce(Vec<u8>),
    /// To take the roster entry of this request of the application.
    Commit(u64),
    /// To take a roster entry that it has said to have taken before.
    Offer(GroupId, Vec<u8>),
    /// For the groups with the label of this request of the application.
    Find(u64),
    /// For the roster entries of a group.
    FetchLog { group: GroupId, from_epoch: u64 },
    /// To say who of those watched is online.
    Watch,
    /// To show that it is there.
    Ping,
}

impl Ask {
    /// Whether this can be an answer to it.
    pub(super) fn takes(&self, answer: &Answer<'_>) -> bool {
        match (self, answer) {
            (_, Answer::Refused { .. })
            | (Self::Lookup(_), Answer::Done(Body::Found { .. }))
            | (Self::Find(_), Answer::Done(Body::Groups { .. }))
            | (Self::FetchLog { .. }, Answer::Done(Body::Log { .. }))
            | (
                Self::Prekeys(_)
                | Self::SendOnce(_)
                | Self::Commit(_)
                | Self::Offer(..)
                | Self::Watch
                | Self::Ping,
                Answer::Done(Body::Ok),
            ) => true,
            (Self::Send(numbers) | Self::SendGroup(numbers), Answer::Done(Body::Ok)) => numbers.len() == 1,
            (Self::Send(numbers) | Self::SendGroup(numbers), Answer::Done(Body::SentMany { statuses })) => {
                numbers.len() == statuses.len()
            }
            _ => false,
        }
    }

    /// Whether it is repeated on the next connection.
    pub(super) const fn is_kept(&self) -> bool {
        match self {
            Self::Lookup(_)
            | Self::Prekeys(_)
            | Self::Send(_)
            | Self::Commit(_)
            | Self::Find(_)
            | Self::FetchLog { .. } => true,
            // Watch is asked on each connection anyway, and what was to be offered is looked for.
            Self::Offer(..) | Self::SendGroup(_) | Self::SendOnce(_) | Self::Watch | Self::Ping => false,
        }
    }
}

/// What came back to a request.
pub(super) enum Answer<'a> {
    Done(Body<'a>),
    Refused { status: Error, retry_after_ms: u32, epoch: u64 },
}
