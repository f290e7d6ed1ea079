//! The fields of each type of frame.

use super::hello::{CHALLENGE_LEN, Hello, Welcome};
use super::list::{Envelopes, Groups, List, Statuses, Users};
use super::{BUNDLE_MAX, LONG_MAX, SHORT_MAX};
use crate::error::{Error, Result};
use crate::wire::codec::{Put, Reader};
use crate::wire::envelope::read_user;
use crate::wire::name::read_label;

pub(super) const DELIVER: u8 = 12;
const QUEUE_END: u8 = 1;

/// What a frame asks, answers or brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// Comes first on a connection.
    Hello(Hello<'a>),
    /// The request was done.
    Ok,
    /// The request was refused.
    Error {
        /// A code of the C ABI.
        status: u32,
        /// When it will be taken, if it was one too many; else 0.
        retry_after_ms: u32,
        /// Of the group's newest entry, if another took the epoch; else 0.
        epoch: u64,
        /// For a person; may be empty.
        text: &'a str,
    },
    /// Asks for a proof.
    Challenge {
        /// What to sign: fresh and random.
        nonce: &'a [u8; CHALLENGE_LEN],
        /// The relay's name.
        relay_name: &'a str,
    },
    /// Publishes the own prekeys.
    Prekeys {
        /// The number of the store's last commit.
        commit: u64,
        /// The bundle.
        bundle: &'a [u8],
    },
    /// Asks for a user's card and prekeys.
    Lookup {
        /// The user.
        user: &'a str,
    },
    /// Answers a lookup.
    Found {
        /// The user's card.
        card: &'a [u8],
        /// The user's bundle; empty if there is none.
        bundle: &'a [u8],
    },
    /// Proposes a roster entry.
    Commit {
        /// The number of the store's last commit.
        commit: u64,
        /// The entry.
        entry: &'a [u8],
    },
    /// Asks for roster entries.
    FetchLog {
        /// Of this group.
        group_id: &'a [u8; 32],
        /// From this epoch on.
        from_epoch: u64,
    },
    /// Answers with roster entries.
    Log {
        /// One after another, as many as fit.
        entries: &'a [u8],
    },
    /// Sends an envelope.
    Send {
        /// The number of the store's last commit.
        commit: u64,
        /// The envelope.
        envelope: &'a [u8],
    },
    /// Brings an envelope or a roster entry.
    Deliver {
        /// Its place in the queue of the receiving user, from 1 on.
        sequence: u64,
        /// The envelope or entry.
        payload: &'a [u8],
    },
    /// A deliver that says: what had gathered offline has been delivered.
    QueueEnd,
    /// Drops what was delivered.
    Acknowledge {
        /// The number of the store's last commit.
        commit: u64,
        /// Up to and with this one.
        sequence: u64,
    },
    /// Answers a challenge.
    Proof {
        /// Of the challenge and the hello.
        signature: &'a [u8; 64],
    },
    /// Answers hello or proof.
    Welcome(Welcome<'a>),
    /// Sends envelopes.
    SendMany {
        /// The number of the store's last commit.
        commit: u64,
        /// The envelopes.
        envelopes: Envelopes<'a>,
    },
    /// Answers with a status for each envelope, in their order.
    SentMany {
        /// The statuses.
        statuses: Statuses<'a>,
    },
    /// Tells that a user came or went.
    Presence {
        /// Whether the user is there.
        is_online: bool,
        /// The user.
        user: &'a str,
    },
    /// Says whom to watch, and whether to be seen.
    Watch {
        /// Whether others may see the own presence.
        is_visible: bool,
        /// Whose presence is of interest.
        users: Users<'a>,
    },
    /// Asks for groups by their label.
    Find {
        /// The label.
        label: &'a str,
    },
    /// Answers with groups.
    Groups {
        /// The groups.
        groups: Groups<'a>,
    },
    /// Asks for an ok, to see whether the connection lives.
    Ping,
}

impl<'a> Body<'a> {
    pub(super) const fn type_byte(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Ok => 2,
            Self::Error { .. } => 3,
            Self::Challenge { .. } => 4,
            Self::Prekeys { .. } => 5,
            Self::Lookup { .. } => 6,
            Self::Found { .. } => 7,
            Self::Commit { .. } => 8,
            Self::FetchLog { .. } => 9,
            Self::Log { .. } => 10,
            Self::Send { .. } => 11,
            Self::Deliver { .. } | Self::QueueEnd => DELIVER,
            Self::Acknowledge { .. } => 13,
            Self::Proof { .. } => 14,
            Self::Welcome(_) => 15,
            Self::SendMany { .. } => 16,
            Self::SentMany { .. } => 17,
            Self::Presence { .. } => 18,
            Self::Watch { .. } => 19,
            Self::Find { .. } => 20,
            Self::Groups { .. } => 21,
            Self::Ping => 22,
        }
    }

    pub(super) fn encoded_len(&self) -> usize {
        match self {
            Self::Hello(hello) => hello.encoded_len(),
            Self::Ok | Self::Ping => 0,
            Self::Error { text, .. } => 4 + 4 + 8 + 1 + text.len(),
            Self::Challenge { relay_name, .. } => CHALLENGE_LEN + 1 + relay_name.len(),
            Self::Prekeys { bundle: bytes, .. }
            | Self::Commit { entry: bytes, .. }
            | Self::Send { envelope: bytes, .. } => 8 + 4 + bytes.len(),
            Self::Lookup { user: name } | Self::Find { label: name } => 1 + name.len(),
            Self::Found { card, bundle } => 2 + card.len() + 4 + bundle.len(),
            Self::FetchLog { .. } => 32 + 8,
            Self::Log { entries } => 4 + entries.len(),
            Self::Deliver { payload, .. } => 8 + 1 + 4 + payload.len(),
            Self::QueueEnd => 8 + 1 + 4,
            Self::Acknowledge { .. } => 8 + 8,
            Self::Proof { signature } => signature.len(),
            Self::Welcome(_) => Welcome::LEN,
            Self::SendMany { envelopes, .. } => 8 + 4 + envelopes.as_bytes().len(),
            Self::SentMany { statuses } => 2 + statuses.as_bytes().len(),
            Self::Presence { user, .. } => 1 + 1 + user.len(),
            Self::Watch { users, .. } => 1 + 4 + users.as_bytes().len(),
            Self::Groups { groups } => 2 + groups.as_bytes().len(),
        }
    }

    pub(super) fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        match *self {
            Self::Hello(hello) => hello.put(out),
            Self::Ok | Self::Ping => Ok(()),
            Self::Error { status, retry_after_ms, epoch, text } => {
                out.put_u32(status);
                out.put_u32(retry_after_ms);
                out.put_u64(epoch);
                out.put_bytes8(text.as_bytes())
            }
            Self::Challenge { nonce, relay_name } => {
                out.put(nonce);
                out.put_bytes8(relay_name.as_bytes())
            }
            Self::Prekeys { commit, bundle: bytes }
            | Self::Commit { commit, entry: bytes }
            | Self::Send { commit, envelope: bytes } => {
                out.put_u64(commit);
                out.put_bytes32(bytes)
            }
            Self::Lookup { user: name } | Self::Find { label: name } => out.put_bytes8(name.as_bytes()),
            Self::Found { card, bundle } => {
                out.put_bytes16(card)?;
                out.put_bytes32(bundle)
            }
            Self::FetchLog { group_id, from_epoch } => {
                out.put(group_id);
                out.put_u64(from_epoch);
                Ok(())
            }
            Self::Log { entries } => out.put_bytes32(entries),
            Self::Deliver { sequence, payload } => {
                put_deliver_fields(out, sequence, 0, payload.len())?;
                out.put(payload);
                Ok(())
            }
            Self::QueueEnd => put_deliver_fields(out, 0, QUEUE_END, 0),
            Self::Acknowledge { commit, sequence } => {
                out.put_u64(commit);
                out.put_u64(sequence);
                Ok(())
            }
            Self::Proof { signature } => {
                out.put(signature);
                Ok(())
            }
            Self::Welcome(welcome) => {
                welcome.put(out);
                Ok(())
            }
            Self::SendMany { commit, envelopes } => {
                out.put_u64(commit);
                out.put_bytes32(envelopes.as_bytes())
            }
            Self::SentMany { statuses } => out.put_bytes16(statuses.as_bytes()),
            Self::Presence { is_online, user } => {
                out.put_u8(u8::from(is_online));
                out.put_bytes8(user.as_bytes())
            }
            Self::Watch { is_visible, users } => {
                out.put_u8(u8::from(is_visible));
                out.put_bytes32(users.as_bytes())
            }
            Self::Groups { groups } => out.put_bytes16(groups.as_bytes()),
        }
    }

    pub(super) fn read(reader: &mut Reader<'a>, type_byte: u8) -> Result<Self> {
        Ok(match type_byte {
            1 => Self::Hello(Hello::read(reader)?),
            2 => Self::Ok,
            3 => Self::Error {
                status: reader.u32()?,
                retry_after_ms: reader.u32()?,
                epoch: reader.u64()?,
                text: core::str::from_utf8(reader.bytes8(0..=255)?).map_err(|_| Error::Malformed)?,
            },
            4 => Self::Challenge { nonce: reader.array()?, relay_name: read_label(reader)? },
            5 => Self::Prekeys { commit: reader.u64()?, bundle: reader.bytes32(1..=BUNDLE_MAX)? },
            6 => Self::Lookup { user: read_user(reader)? },
            7 => {
                Self::Found { card: reader.bytes16(1..=SHORT_MAX)?, bundle: reader.bytes32(0..=BUNDLE_MAX)? }
            }
            8 => Self::Commit { commit: reader.u64()?, entry: reader.bytes32(1..=LONG_MAX)? },
            9 => Self::FetchLog { group_id: reader.array()?, from_epoch: reader.u64()? },
            10 => Self::Log { entries: reader.bytes32(0..=LONG_MAX)? },
            11 => Self::Send { commit: reader.u64()?, envelope: reader.bytes32(1..=LONG_MAX)? },
            DELIVER => {
                let (sequence, flags) = (reader.u64()?, reader.u8()?);
                let payload = reader.bytes32(0..=LONG_MAX)?;
                match (flags, sequence, payload) {
                    (0, 1.., [_, ..]) => Self::Deliver { sequence, payload },
                    (QUEUE_END, 0, []) => Self::QueueEnd,
                    _ => return Err(Error::Malformed),
                }
            }
            13 => Self::Acknowledge { commit: reader.u64()?, sequence: reader.u64()? },
            14 => Self::Proof { signature: reader.array()? },
            15 => Self::Welcome(Welcome::read(reader)?),
            16 => Self::SendMany {
                commit: reader.u64()?,
                envelopes: List::parse(reader.bytes32(1..=LONG_MAX)?)?,
            },
            17 => Self::SentMany { statuses: List::parse(reader.bytes16(4..=SHORT_MAX)?)? },
            18 => Self::Presence { is_online: read_bool(reader)?, user: read_user(reader)? },
            19 => Self::Watch {
                is_visible: read_bool(reader)?,
                users: List::parse(reader.bytes32(0..=BUNDLE_MAX)?)?,
            },
            20 => {
                let label = read_label(reader)?;
                if label.is_empty() {
                    return Err(Error::Malformed);
                }
                Self::Find { label }
            }
            21 => Self::Groups { groups: List::parse(reader.bytes16(0..=SHORT_MAX)?)? },
            22 => Self::Ping,
            _ => return Err(Error::Malformed),
        })
    }
}

pub(super) fn put_deliver_fields(
    out: &mut (impl Put + ?Sized),
    sequence: u64,
    flags: u8,
    payload_len: usize,
) -> Result<()> {
    let length = u32::try_from(payload_len).map_err(|_| Error::TooLarge)?;
    out.put_u64(sequence);
    out.put_u8(flags);
    out.put_u32(length);
    Ok(())
}

fn read_bool(reader: &mut Reader<'_>) -> Result<bool> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Malformed),
    }
}
