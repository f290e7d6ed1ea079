//! What a receiver tells of itself. Nothing secret.

use crate::group::keyring::Keyring;
use crate::group::sender_key::SenderKey;
use crate::group::{GroupReceiver, GroupReceiverOptions};

/// What [`GroupReceiver::info`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReceiverInfo {
    /// The group.
    pub group_id: [u8; 32],
    /// Our user id.
    pub user: String,
    /// As given when it was made.
    pub options: GroupReceiverOptions,
    /// Since when windows stand still.
    pub catching_up: Option<u64>,
    /// Whose keys are held.
    pub senders: Vec<SenderInfo>,
    /// Keys whose window has ended, kept to be shared.
    pub retained: Vec<RetainedInfo>,
}

/// The keys of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderInfo {
    /// The member.
    pub user: String,
    /// In the order of installation.
    pub keys: Vec<KeyInfo>,
}

/// One sender key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id.
    pub key_id: [u8; 8],
    /// The epoch of its rotation.
    pub epoch: u64,
    /// The first message that it was given for.
    pub first: u32,
    /// The message after the last one seen.
    pub next: u32,
    /// Messages before `next` that were not opened and still can be.
    pub skipped: u64,
    /// The first message that it does not open, if that is known.
    pub end: Option<u32>,
    /// When its transition window ends; none while it is current.
    pub closes_ms: Option<u64>,
    /// Who vouches for it, if not its owner.
    pub shared_by: Option<String>,
}

/// One key that can be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedInfo {
    /// Whose key it was.
    pub sender: String,
    /// Its id.
    pub key_id: [u8; 8],
    /// The first message that it opens.
    pub first: u32,
    /// The first message that it does not open.
    pub end: u32,
}

impl GroupReceiver {
    /// What an application may want to show or act on. Nothing secret.
    #[must_use]
    pub fn info(&self) -> GroupReceiverInfo {
        let sender = |(user, keyring): (&String, &Keyring)| SenderInfo {
            user: user.clone(),
            keys: keyring.keys.iter().map(SenderKey::info).collect(),
        };
        let retained = self.retained.iter().map(|kept| RetainedInfo {
            sender: kept.sender.clone(),
            key_id: kept.key_id,
            first: kept.chain.counter(),
            end: kept.end,
        });
        GroupReceiverInfo {
            group_id: self.group_id,
            user: self.user.clone(),
            options: self.options,
            catching_up: self.catching_up,
            senders: self.senders.iter().map(sender).collect(),
            retained: retained.collect(),
        }
    }
}

impl SenderKey {
    fn info(&self) -> KeyInfo {
        KeyInfo {
            key_id: self.key_id,
            epoch: self.epoch,
            first: self.first,
            next: self.chain.counter(),
            skipped: self.skipped.count(),
            end: self.end,
            closes_ms: self.closes_ms,
            shared_by: self.shared_by.clone(),
        }
    }
}
