//! A group receiver stored in parts, so that a message of one sender does not write what is held of all others.

use core::ops::Range;
use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::group::GroupReceiver;
use crate::group::receiver_state::{put_retained, put_sender};
use crate::group::state::{Out, put_count};
use crate::identity::Identity;
use crate::roster::Roster;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::name;

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'a> {
    /// What is neither of one sender nor retained.
    Head,
    /// The keys of one sender, under its user id.
    Sender(&'a str),
    /// One key that is retained to be shared; the numbers ascend.
    Retained(u64),
}

/// Which parts of a receiver a store holds. One belongs to one receiver.
#[derive(Debug, Default)]
pub struct ReceiverParts {
    senders: BTreeSet<String>,
    /// Numbers of the retained keys.
    retained: Range<u64>,
    /// [`GroupReceiver::let_go`] when they were stored.
    let_go: u64,
}

impl ReceiverParts {
    /// Of a receiver of which nothing is stored yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts together what [`ReceiverParts::collect`] gave: each sender once, in any order, and the retained keys with
    /// their numbers. The format is that of [`GroupReceiver::export`], and so are the errors; besides,
    /// [`Error::Malformed`] for retained keys whose numbers leave a gap.
    pub fn load(
        identity: &Identity,
        roster: &Roster,
        format: u16,
        head: &[u8],
        senders: &[Zeroizing<Vec<u8>>],
        retained: &[(u64, Zeroizing<Vec<u8>>)],
    ) -> Result<(Self, GroupReceiver)> {
        let mut named = Vec::with_capacity(senders.len());
        for part in senders {
            named.push((name::read_user(&mut Reader::new(part))?, part));
        }
        named.sort_unstable_by_key(|(user, _)| *user);
        let mut numbered: Vec<_> = retained.iter().collect();
        numbered.sort_unstable_by_key(|(number, _)| *number);
        let first = numbered.first().map_or(0, |(number, _)| *number);
        let numbers = first..first.saturating_add(numbered.len() as u64);
        if numbered.iter().map(|(number, _)| *number).ne(numbers.clone()) {
            return Err(Error::Malformed);
        }

        let bytes = |parts: usize, part: &Zeroizing<Vec<u8>>| parts.saturating_add(part.len());
        let total = senders.iter().chain(retained.iter().map(|(_, part)| part)).fold(head.len(), bytes);
        let mut whole: Out = Zeroizing::new(Vec::with_capacity(total.saturating_add(8)));
        whole.put(head);
        put_count(&mut whole, named.len())?;
        named.iter().for_each(|(_, part)| whole.put(part));
        put_count(&mut whole, numbered.len())?;
        numbered.iter().for_each(|(_, part)| whole.put(part));
        let receiver = GroupReceiver::import(identity, roster, format, &whole)?;
        let senders = named.into_iter().map(|(user, _)| user.to_owned()).collect();
        Ok((Self { senders, retained: numbers, let_go: 0 }, receiver))
    }

    /// Gives each part that is not stored as it is now, or `None` for one to be deleted. What it gave counts as stored.
    pub fn collect(
        &mut self,
        receiver: &mut GroupReceiver,
        mut each: impl FnMut(Part<'_>, Option<Out>),
    ) -> Result<()> {
        let mut head = Out::default();
        receiver.put_head(&mut head)?;
        each(Part::Head, Some(head));

        self.senders.retain(|user| {
            let held = receiver.senders.contains_key(user);
            if !held {
                each(Part::Sender(user), None);
            }
            held
        });
        for (user, keyring) in &mut receiver.senders {
            if keyring.changed || !self.senders.contains(user) {
                let mut part = Out::default();
                put_sender(&mut part, user, keyring)?;
                each(Part::Sender(user), Some(part));
                keyring.changed = false;
                self.senders.insert(user.clone());
            }
        }

        let let_go = receiver.let_go.wrapping_sub(self.let_go);
        let first = self.retained.start.saturating_add(let_go);
        let stored = self.retained.end.max(first);
        (self.retained.start..first.min(self.retained.end))
            .for_each(|number| each(Part::Retained(number), None));
        for (number, kept) in (first..).zip(&receiver.retained) {
            if number >= stored {
                let mut part = Out::default();
                put_retained(&mut part, kept)?;
                each(Part::Retained(number), Some(part));
            }
        }
        self.retained = first..first.saturating_add(receiver.retained.len() as u64);
        self.let_go = receiver.let_go;
        Ok(())
    }
}
