//! Groups: each member sends under a sender key of its own (`docs/PROTOCOL.md` section 8).
//!
//! A [`GroupSender`] seals, signs and rotates; a [`GroupReceiver`] holds the sender keys of the others. What goes from
//! one to the other is a [`Distribution`], inside a session of its owner; a [`History`] hands on what is retired. Both
//! halves ask the roster who is a member, and hold no copy of it.

mod batch;
mod budget;
mod chain;
mod distribution;
mod handout;
mod history;
mod info;
mod install;
mod keyring;
mod links;
mod open;
mod own_key;
mod read;
mod receiver;
mod receiver_parts;
mod receiver_state;
mod runs;
mod sender;
mod sender_key;
mod sender_state;
mod share;
mod skipped;
mod state;

use crate::error::{Error, Result};
use crate::identity::Fingerprint;
use crate::roster::Roster;

pub use batch::{Backlog, Received};
pub use distribution::Distribution;
pub use handout::Handout;
pub use history::History;
pub use info::{GroupReceiverInfo, KeyInfo, RetainedInfo, SenderInfo};
pub use open::Opening;
pub use receiver::{GroupReceiver, GroupReceiverOptions};
pub use receiver_parts::{Part, ReceiverParts};
pub use sender::{GroupSender, GroupSenderInfo, GroupSenderOptions, Sending};

/// What an authenticated message or distribution says of the roster that is not in ours: entries are missing.
/// [`Roster::note_claim`] takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who says so.
    pub claimant: String,
    /// The epoch named.
    pub epoch: u64,
    /// The first bytes of the roster hash named.
    pub roster_hash: [u8; 16],
}

impl Claim {
    fn of(roster: &Roster, claimant: &str, epoch: u64, roster_hash: &[u8; 16]) -> Option<Self> {
        let claim = || Self { claimant: claimant.to_owned(), epoch, roster_hash: *roster_hash };
        roster.is_claim(epoch, roster_hash).then(claim)
    }
}

/// [`Error::GroupDeleted`]; [`Error::NotAMember`] if we are none, or a member under other keys.
fn check_own(roster: &Roster, user: &str, fingerprint: &Fingerprint) -> Result<()> {
    if roster.is_deleted() {
        return Err(Error::GroupDeleted);
    }
    let own = roster.member(user).filter(|member| member.fingerprint() == *fingerprint);
    if own.is_some() { Ok(()) } else { Err(Error::NotAMember) }
}

/// The first half of a hash.
fn short(hash: &[u8; 32]) -> &[u8; 16] {
    const NONE: [u8; 16] = [0; 16];
    hash.first_chunk().unwrap_or(&NONE)
}

#[cfg(test)]
mod tests;
