//! What clients say to each other by themselves, in sessions (`docs/PROTOCOL.md` section 16).

use core::iter;

use crate::error::{Error, Result};
use crate::wire::codec::{Put, Reader};
use crate::wire::content::MESSAGE_ID_LEN;
use crate::wire::envelope::ENVELOPE_ID_LEN;
use crate::wire::name::read_label;

/// Bytes of a list of ids: what two length bytes say, in the measure of the protocol.
const IDS_LEN_MAX: usize = (1 << 14) - 1;
/// Envelopes that one resend names.
pub const RESEND_MAX: usize = 256;
/// Messages that one ack names.
pub const ACK_MAX: usize = IDS_LEN_MAX / MESSAGE_ID_LEN;

/// Ids one after another, each of 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids<'a>(&'a [[u8; 16]]);

const _: () = assert!(MESSAGE_ID_LEN == 16 && ENVELOPE_ID_LEN == 16);

impl<'a> Ids<'a> {
    /// These ids. [`Error::InvalidArgument`] for none, or more than `max`.
    fn new(ids: &'a [[u8; 16]], max: usize) -> Result<Self> {
        if ids.is_empty() || ids.len() > max { Err(Error::InvalidArgument) } else { Ok(Self(ids)) }
    }

    fn read(reader: &mut Reader<'a>, max: usize) -> Result<Self> {
        let (ids, rest) = reader.bytes16(1..=IDS_LEN_MAX)?.as_chunks();
        if !rest.is_empty() || ids.len() > max { Err(Error::Malformed) } else { Ok(Self(ids)) }
    }

    fn put(self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        out.put_bytes16(self.0.as_flattened())
    }

    /// The ids.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [[u8; 16]] {
        self.0
    }
}

/// Asks for what could not be opened (section 16.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend<'a> {
    /// The ids of the envelopes, ascending.
    lost: Ids<'a>,
}

impl<'a> Resend<'a> {
    /// Of these envelopes. [`Error::InvalidArgument`] unless there are 1 to [`RESEND_MAX`] and they ascend.
    pub fn new(lost: &'a [[u8; 16]]) -> Result<Self> {
        if !ascends(lost) {
            return Err(Error::InvalidArgument);
        }
        Ids::new(lost, RESEND_MAX).map(|lost| Self { lost })
    }

    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let lost = Ids::read(&mut reader, RESEND_MAX)?;
        reader.finish()?;
        if ascends(lost.0) { Ok(Self { lost }) } else { Err(Error::Malformed) }
    }

    /// Writes the body.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        self.lost.put(out)
    }

    /// The ids of the envelopes, ascending.
    #[must_use]
    pub const fn lost(&self) -> &'a [[u8; 16]] {
        self.lost.as_slice()
    }
}

fn ascends(ids: &[[u8; 16]]) -> bool {
    iter::zip(ids, ids.iter().skip(1)).all(|(one, next)| one < next)
}

/// What became of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AckState {
    /// The recipient's client has them.
    Delivered = 2,
    /// The recipient has read them.
    Read = 3,
}

/// Says that messages were delivered or read (section 16.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Which of both.
    pub state: AckState,
    /// Of this group; none of direct messages.
    pub group_id: Option<&'a [u8; 32]>,
    message_ids: Ids<'a>,
}

impl<'a> Ack<'a> {
    /// Of these messages. [`Error::InvalidArgument`] unless there are 1 to [`ACK_MAX`].
    pub fn new(
        state: AckState,
        group_id: Option<&'a [u8; 32]>,
        message_ids: &'a [[u8; MESSAGE_ID_LEN]],
    ) -> Result<Self> {
        Ids::new(message_ids, ACK_MAX).map(|message_ids| Self { state, group_id, message_ids })
    }

    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let state = match reader.u8()? {
            2 => AckState::Delivered,
            3 => AckState::Read,
            _ => return Err(Error::Malformed),
        };
        let group_id = match reader.bytes8(0..=32)? {
            [] => None,
            group_id => Some(group_id.try_into().map_err(|_| Error::Malformed)?),
        };
        let message_ids = Ids::read(&mut reader, ACK_MAX)?;
        reader.finish()?;
        Ok(Self { state, group_id, message_ids })
    }

    /// Writes the body.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        out.put_u8(self.state as u8);
        out.put_bytes8(self.group_id.map_or(&[], |group_id| group_id.as_slice()))?;
        self.message_ids.put(out)
    }

    /// The messages.
    #[must_use]
    pub const fn message_ids(&self) -> &'a [[u8; MESSAGE_ID_LEN]] {
        self.message_ids.as_slice()
    }
}

/// Names a sender key: the body of a key request and of an installed (section 16.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderKeyName<'a> {
    /// The group.
    pub group_id: &'a [u8; 32],
    /// The key.
    pub key_id: &'a [u8; 8],
}

impl<'a> SenderKeyName<'a> {
    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let name = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(name)
    }

    /// Writes the body.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) {
        out.put(self.group_id);
        out.put(self.key_id);
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self { group_id: reader.array()?, key_id: reader.array()? })
    }
}

/// Why a sender key is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WithheldReason {
    /// The asker was not a member in the key's epoch.
    NotAMember = 1,
    /// The asker has another identity than the one that the sender has pinned.
    OtherIdentity = 2,
    /// The key is gone.
    Gone = 3,
    /// The sender's roster is behind or forked: asking again later may help.
    RosterBehind = 4,
}

/// Says that a sender key is withheld (section 16.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld<'a> {
    /// The key.
    pub key: SenderKeyName<'a>,
    /// Why.
    pub reason: WithheldReason,
}

impl<'a> Withheld<'a> {
    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let key = SenderKeyName::read(&mut reader)?;
        let reason = match reader.u8()? {
            1 => WithheldReason::NotAMember,
            2 => WithheldReason::OtherIdentity,
            3 => WithheldReason::Gone,
            4 => WithheldReason::RosterBehind,
            _ => return Err(Error::Malformed),
        };
        reader.finish()?;
        Ok(Self { key, reason })
    }

    /// Writes the body.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) {
        self.key.put(out);
        out.put_u8(self.reason as u8);
    }
}

/// Tells a new member of its group (section 16.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation<'a> {
    /// The group.
    pub group_id: &'a [u8; 32],
    /// A log of the group reaches at least this epoch.
    pub epoch: u64,
    /// The hash of the entry there.
    pub roster_hash: &'a [u8; 32],
    /// What the group is called; it identifies nothing.
    pub label: &'a str,
}

impl<'a> Invitation<'a> {
    /// Reads a body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let (group_id, epoch) = (reader.array()?, reader.u64()?);
        let invitation =
            Self { group_id, epoch, roster_hash: reader.array()?, label: read_label(&mut reader)? };
        reader.finish()?;
        Ok(invitation)
    }

    /// Writes the body.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        out.put(self.group_id);
        out.put_u64(self.epoch);
        out.put(self.roster_hash);
        out.put_bytes8(self.label.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn bodies_read_back(
            ids in prop::collection::btree_set(any::<[u8; 16]>(), 1..40),
            group_id in any::<[u8; 32]>(),
            key_id in any::<[u8; 8]>(),
            epoch in any::<u64>(),
            label in "[a-z]{0,40}",
            choice in any::<bool>(),
        ) {
            let ids = Vec::from_iter(ids);
            let resend = Resend::new(&ids).unwrap();
            let bytes = written(|out| resend.put(out).unwrap());
            prop_assert_eq!(Resend::parse(&bytes), Ok(resend));
            let state = if choice { AckState::Read } else { AckState::Delivered };
            let ack = Ack::new(state, choice.then_some(&group_id), &ids).unwrap();
            let bytes = written(|out| ack.put(out).unwrap());
            prop_assert_eq!(Ack::parse(&bytes), Ok(ack));
            let key = SenderKeyName { group_id: &group_id, key_id: &key_id };
            let bytes = written(|out| key.put(out));
            prop_assert_eq!(SenderKeyName::parse(&bytes), Ok(key));
            let withheld = Withheld { key, reason: WithheldReason::Gone };
            let bytes = written(|out| withheld.put(out));
            prop_assert_eq!(Withheld::parse(&bytes), Ok(withheld));
            let invitation = Invitation { group_id: &group_id, epoch, roster_hash: &group_id, label: &label };
            let bytes = written(|out| invitation.put(out).unwrap());
            prop_assert_eq!(Invitation::parse(&bytes), Ok(invitation));
        }

        #[test]
        fn any_bytes_are_read_without_panic_and_only_as_they_would_be_written(
            bytes in prop::collection::vec(0_u8..34, 0..90),
        ) {
            if let Ok(body) = Resend::parse(&bytes) {
                prop_assert_eq!(&written(|out| body.put(out).unwrap()), &bytes);
            }
            if let Ok(body) = Ack::parse(&bytes) {
                prop_assert_eq!(&written(|out| body.put(out).unwrap()), &bytes);
            }
            if let Ok(body) = Withheld::parse(&bytes) {
                prop_assert_eq!(&written(|out| body.put(out)), &bytes);
            }
            if let Ok(body) = Invitation::parse(&bytes) {
                prop_assert_eq!(&written(|out| body.put(out).unwrap()), &bytes);
            }
        }
    }

    #[test]
    fn a_resend_ascends_and_is_bounded() {
        let mut ids: Vec<[u8; 16]> = (0..=256_u128).map(u128::to_be_bytes).collect();
        assert_eq!(Resend::new(&ids), Err(Error::InvalidArgument));
        assert_eq!(Resend::new(&[]), Err(Error::InvalidArgument));
        let too_many = written(|out| out.put_bytes16(ids.as_flattened()).unwrap());
        assert_eq!(Resend::parse(&too_many), Err(Error::Malformed));
        assert_eq!(Resend::parse(&[0, 0]), Err(Error::Malformed));
        ids.truncate(2);
        ids.swap(0, 1);
        assert_eq!(Resend::new(&ids), Err(Error::InvalidArgument));
        let descending = written(|out| out.put_bytes16(ids.as_flattened()).unwrap());
        assert_eq!(Resend::parse(&descending), Err(Error::Malformed));
    }

    #[test]
    fn states_reasons_and_lengths_that_are_none_are_malformed() {
        let ack = |state: u8, group_id: &[u8], ids: &[u8]| {
            let body = written(|out| {
                out.put_u8(state);
                out.put_bytes8(group_id).unwrap();
                out.put_bytes16(ids).unwrap();
            });
            Ack::parse(&body).map(|ack| ack.message_ids().len())
        };
        assert_eq!(ack(2, &[], &[0; 32]), Ok(2));
        assert_eq!(ack(3, &[1; 32], &[0; 16]), Ok(1));
        for (state, group_id, ids) in [
            (1, &[][..], &[0; 16][..]),
            (4, &[], &[0; 16]),
            (2, &[1; 31], &[0; 16]),
            (2, &[], &[0; 15]),
            (2, &[], &[]),
        ] {
            assert_eq!(ack(state, group_id, ids), Err(Error::Malformed));
        }
        for reason in [0, 5] {
            assert_eq!(Withheld::parse(&[&[0; 40][..], &[reason]].concat()), Err(Error::Malformed));
        }
        assert_eq!(SenderKeyName::parse(&[0; 41]), Err(Error::Malformed));
    }

    #[test]
    fn every_reason_to_withhold_a_key_is_read_and_no_other() {
        use WithheldReason::{Gone, NotAMember, OtherIdentity, RosterBehind};
        let key = SenderKeyName { group_id: &[1; 32], key_id: &[2; 8] };
        for (code, reason) in [(1, NotAMember), (2, OtherIdentity), (3, Gone), (4, RosterBehind)] {
            let mut bytes = written(|out| Withheld { key, reason }.put(out));
            assert_eq!((bytes.last(), Withheld::parse(&bytes)), (Some(&code), Ok(Withheld { key, reason })));
            for other in [0, 5] {
                *bytes.last_mut().unwrap() = other;
                assert_eq!(Withheld::parse(&bytes), Err(Error::Malformed));
            }
        }
    }

    #[test]
    fn what_is_asked_for_again_is_named_once() {
        for (ids, expected) in [([1, 2], true), ([1, 1], false), ([2, 1], false)] {
            let ids = ids.map(|id| [id; 16]);
            let bytes = [&[0, 32], ids.as_flattened()].concat();
            assert_eq!(Resend::parse(&bytes).is_ok(), expected, "{bytes:?}");
        }
    }
}
