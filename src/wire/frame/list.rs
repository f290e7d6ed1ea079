//! What a frame carries several of: elements one after another.

use core::iter;
use core::marker::PhantomData;

use crate::error::{Error, Result};
use crate::limits::{RELAY_FOUND_MAX, RELAY_SEND_MANY_MAX};
use crate::wire::codec::{Put, Reader};
use crate::wire::envelope::read_user;
use crate::wire::frame::LONG_MAX;

/// Something that frames carry several of.
pub trait Element<'a>: Copy {
    /// The most of one frame.
    const MAX: usize;

    /// Reads one.
    fn read(reader: &mut Reader<'a>) -> Result<Self>;

    /// Writes one.
    fn put(self, out: &mut Vec<u8>) -> Result<()>;

    /// Whether it may stand after another.
    fn may_follow(self, _before: Self) -> bool {
        true
    }
}

/// Elements that were checked, all of them, when they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List<'a, E> {
    bytes: &'a [u8],
    len: usize,
    element: PhantomData<E>,
}

impl<'a, E: Element<'a>> List<'a, E> {
    /// Reads elements up to the end. [`Error::Malformed`] for more than frames carry, and for a wrong order.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (mut reader, mut len, mut before) = (Reader::new(bytes), 0, None);
        while reader.remaining() > 0 {
            let element = E::read(&mut reader)?;
            len += 1;
            if len > E::MAX || before.is_some_and(|before| !element.may_follow(before)) {
                return Err(Error::Malformed);
            }
            before = Some(element);
        }
        Ok(Self { bytes, len, element: PhantomData })
    }

    /// Writes elements one after another: what [`List::parse`] takes.
    pub fn encode(elements: impl IntoIterator<Item = E>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        elements.into_iter().try_for_each(|element| element.put(&mut bytes))?;
        Ok(bytes)
    }

    /// The elements.
    pub fn iter(&self) -> impl Iterator<Item = E> + use<'a, E> {
        let mut reader = Reader::new(self.bytes);
        iter::from_fn(move || if reader.remaining() == 0 { None } else { E::read(&mut reader).ok() })
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements as they are sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Envelopes.
pub type Envelopes<'a> = List<'a, &'a [u8]>;
/// Codes of the C ABI, 0 for done.
pub type Statuses<'a> = List<'a, u32>;
/// User ids, ascending.
pub type Users<'a> = List<'a, &'a str>;
/// Groups that were found.
pub type Groups<'a> = List<'a, FoundGroup<'a>>;

impl<'a> Element<'a> for &'a [u8] {
    const MAX: usize = RELAY_SEND_MANY_MAX;

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        reader.bytes32(1..=LONG_MAX)
    }

    fn put(self, out: &mut Vec<u8>) -> Result<()> {
        out.put_bytes32(self)
    }
}

impl<'a> Element<'a> for u32 {
    const MAX: usize = RELAY_SEND_MANY_MAX;

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        reader.u32()
    }

    fn put(self, out: &mut Vec<u8>) -> Result<()> {
        out.put_u32(self);
        Ok(())
    }
}

impl<'a> Element<'a> for &'a str {
    // As many as fit; how many a relay takes is its limit and no defect of the frame.
    const MAX: usize = usize::MAX;

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        read_user(reader)
    }

    fn put(self, out: &mut Vec<u8>) -> Result<()> {
        out.put_bytes8(self.as_bytes())
    }

    fn may_follow(self, before: Self) -> bool {
        before < self
    }
}

/// One group of an answer to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundGroup<'a> {
    /// The group.
    pub group_id: &'a [u8; 32],
    /// Anybody may join.
    pub is_open: bool,
    /// The asker is a member.
    pub is_member: bool,
}

const OPEN: u8 = 1;
const MEMBER: u8 = 2;

impl<'a> Element<'a> for FoundGroup<'a> {
    const MAX: usize = RELAY_FOUND_MAX;

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let (group_id, flags) = (reader.array()?, reader.u8()?);
        if flags & !(OPEN | MEMBER) != 0 {
            return Err(Error::Malformed);
        }
        Ok(Self { group_id, is_open: flags & OPEN != 0, is_member: flags & MEMBER != 0 })
    }

    fn put(self, out: &mut Vec<u8>) -> Result<()> {
        out.put(self.group_id);
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        out.put_u8(flag(self.is_open, OPEN) | flag(self.is_member, MEMBER));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_read_back_in_their_order() {
        let envelopes = [&b"one"[..], b"two", b"one"];
        let bytes = Envelopes::encode(envelopes).unwrap();
        let list = Envelopes::parse(&bytes).unwrap();
        assert_eq!((list.len(), list.iter().collect::<Vec<_>>()), (3, envelopes.to_vec()));
        let none = Envelopes::encode([]).unwrap();
        assert!(Envelopes::parse(&none).is_ok_and(|none| none.is_empty()) && !list.is_empty());
    }

    #[test]
    fn users_that_do_not_ascend_are_malformed() {
        for users in [["b", "a"], ["a", "a"]] {
            let bytes = Users::encode(users).unwrap();
            assert_eq!(Users::parse(&bytes), Err(Error::Malformed));
        }
        let bytes = Users::encode(["a", "aa", "b"]).unwrap();
        assert!(Users::parse(&bytes).is_ok());
    }

    #[test]
    fn more_elements_than_frames_carry_are_malformed() {
        let most = Statuses::encode([0; RELAY_SEND_MANY_MAX]).unwrap();
        assert_eq!(Statuses::parse(&most).map(|list| list.len()), Ok(RELAY_SEND_MANY_MAX));
        let more = Statuses::encode([0; RELAY_SEND_MANY_MAX + 1]).unwrap();
        assert_eq!(Statuses::parse(&more), Err(Error::Malformed));
    }

    #[test]
    fn a_reserved_flag_and_half_an_element_are_malformed() {
        let group = FoundGroup { group_id: &[7; 32], is_open: false, is_member: true };
        let mut bytes = Groups::encode([group]).unwrap();
        assert_eq!(Groups::parse(&bytes).unwrap().iter().next(), Some(group));
        assert_eq!(Groups::parse(&bytes[..32]), Err(Error::Malformed));
        bytes[32] = 4;
        assert_eq!(Groups::parse(&bytes), Err(Error::Malformed));
    }
}
