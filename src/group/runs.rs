//! Which messages of a backlog are authentic (`docs/PROTOCOL.md` section 8.5, verified runs).
//!
//! Each message names the one before, its signature included, so whoever signed the newest of a run vouches for all of
//! it. What is found out here about a message depends on nothing but its sender key and bytes: not on the order in
//! which messages are taken, nor on which of them are.

use core::ops::Range;

use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::group::GroupReceiver;
use crate::group::chain::{self, Chain, Step};
use crate::group::read::{Ahead, Sums};
use crate::group::sender_key::SenderKey;
use crate::roster::Roster;
use crate::wire::group::{GroupMessage, LINK_LEN, Link};

/// A backlog in the light of the keys that it is under. Everything is derived once, on copies.
pub(super) struct Runs<'b> {
    /// In the order of the backlog.
    messages: Vec<Result<Message<'b>>>,
    keys: Vec<KeyRuns<'b>>,
    /// The messages that can be told apart, by sender, key id, counter and link.
    order: Vec<usize>,
}

/// One message.
pub(super) struct Message<'b> {
    pub(super) parsed: &'b GroupMessage<'b>,
    /// Which of the keys it is under.
    pub(super) key: usize,
    /// Where it stands in the order.
    place: usize,
    step: Option<usize>,
    sums: Option<Sums>,
}

/// What the backlog holds under one sender key.
pub(super) struct KeyRuns<'b> {
    pub(super) sender: &'b str,
    pub(super) key_id: &'b [u8; 8],
    refusal: Option<Error>,
    range: Range<usize>,
    steps: Vec<Step>,
}

impl<'b> Runs<'b> {
    pub(super) fn new(
        receiver: &GroupReceiver,
        roster: &Roster,
        parsed: &'b [Result<GroupMessage<'b>>],
        now_ms: u64,
    ) -> Self {
        let message = |parsed: &'b Result<GroupMessage<'b>>| {
            let parsed = parsed.as_ref().map_err(|error| *error)?;
            receiver.check_group(roster)?;
            if *parsed.front.group_id != receiver.group_id {
                return Err(Error::WrongGroup);
            }
            Ok(Message { parsed, key: 0, place: 0, step: None, sums: None })
        };
        let mut runs = Self {
            messages: parsed.iter().map(message).collect(),
            keys: Vec::new(),
            order: Vec::with_capacity(parsed.len()),
        };
        runs.sort();
        let mut from = 0;
        while let Some(key) = runs.key_from(from) {
            from = key.range.end;
            runs.keys.push(key);
            runs.derive(receiver, roster, now_ms);
        }
        runs
    }

    /// One message, and what is known of it before its turn.
    pub(super) fn message(&self, index: usize) -> Result<(&Message<'b>, &KeyRuns<'b>, Ahead<'_>)> {
        let message = self.messages.get(index).ok_or(Error::Internal)?.as_ref().map_err(|error| *error)?;
        let key = self.keys.get(message.key).ok_or(Error::Internal)?;
        if let Some(refusal) = key.refusal {
            return Err(refusal);
        }
        let step = message.step.and_then(|step| key.steps.get(step));
        Ok((message, key, Ahead { step, sums: message.sums }))
    }

    pub(super) fn keys(&self) -> &[KeyRuns<'b>] {
        &self.keys
    }

    fn parsed(&self, index: usize) -> Option<&'b GroupMessage<'b>> {
        Some(self.messages.get(index)?.as_ref().ok()?.parsed)
    }

    fn sort(&mut self) {
        let mut order = core::mem::take(&mut self.order);
        order.extend((0..self.messages.len()).filter(|index| self.parsed(*index).is_some()));
        order.sort_unstable_by_key(|index| {
            self.parsed(*index).map(|parsed| {
                let front = &parsed.front;
                (front.sender, front.key_id, front.counter, named(parsed), *index)
            })
        });
        self.order = order;
    }

    /// The key whose messages start at this place in the order.
    fn key_from(&self, from: usize) -> Option<KeyRuns<'b>> {
        let of = |place: usize| self.order.get(place).and_then(|index| self.parsed(*index));
        let front = &of(from)?.front;
        let same = |place: &usize| {
            of(*place)
                .is_some_and(|other| other.front.key_id == front.key_id && other.front.sender == front.sender)
        };
        let end = (from..self.order.len()).find(|place| !same(place)).unwrap_or(self.order.len());
        let (sender, key_id) = (front.sender, front.key_id);
        Some(KeyRuns { sender, key_id, refusal: None, range: from..end, steps: Vec::new() })
    }

    /// Finds out what the messages of the last key are signed and linked by, as far as its chain reaches now.
    fn derive(&mut self, receiver: &GroupReceiver, roster: &Roster, now_ms: u64) {
        let number = self.keys.len().saturating_sub(1);
        let Some(key) = self.keys.last_mut() else { return };
        let indices = self.order.get(key.range.clone()).unwrap_or_default();
        let mut walk = None;
        for (index, place) in indices.iter().zip(key.range.clone()) {
            let Some(Ok(message)) = self.messages.get_mut(*index) else { continue };
            (message.key, message.place) = (number, place);
            if walk.is_none() {
                match receiver.key_of(roster, &message.parsed.front, now_ms) {
                    Ok(held) => walk = Some(Walk::new(held, indices.len())),
                    Err(refusal) => key.refusal = Some(refusal),
                }
            }
            if let Some(walk) = &mut walk {
                walk.look_at(message);
            }
        }
        key.steps = walk.map(|walk| walk.steps).unwrap_or_default();
    }

    /// The messages that name this one as the one before.
    fn successors(&self, message: &Message<'_>) -> Range<usize> {
        const NONE: Range<usize> = 0..0;
        let Some((sums, key)) = message.sums.zip(self.keys.get(message.key)) else { return NONE };
        let sought = (message.parsed.front.counter.saturating_add(1), Some(&sums.after));
        let start = message.place.saturating_add(1);
        let Some(behind) = self.order.get(start..key.range.end) else { return NONE };
        let has = |index: &usize| self.parsed(*index).map(|other| (other.front.counter, named(other)));
        let before = |index: &usize| has(index).is_some_and(|other| other < sought);
        // In an unbroken run it is the next one.
        let skipped = if behind.first().is_some_and(before) { behind.partition_point(before) } else { 0 };
        let found = behind.iter().skip(skipped).take_while(|index| has(index) == Some(sought)).count();
        let start = start.saturating_add(skipped);
        start..start.saturating_add(found)
    }
}

/// What a message says of the one before.
fn named<'a>(message: &GroupMessage<'a>) -> Option<&'a [u8; LINK_LEN]> {
    match message.front.link {
        Link::Known(link) => Some(link),
        Link::Resumed { .. } => None,
    }
}

/// A walk along one key's chain, and along the rests of blocks that it stores, from message to message.
struct Walk<'k> {
    key: &'k SenderKey,
    ahead: Option<Chain>,
    /// Where the block's rest starts, the next message of it, the chain there.
    rest: Option<(u32, u32, Secret<32>)>,
    /// As many as there is room for: growing would leave copies behind.
    steps: Vec<Step>,
    last: Option<u32>,
}

impl<'k> Walk<'k> {
    fn new(key: &'k SenderKey, messages: usize) -> Self {
        Self { key, ahead: None, rest: None, steps: Vec::with_capacity(messages), last: None }
    }

    /// Counters must not fall from call to call.
    fn look_at(&mut self, message: &mut Message<'_>) {
        let counter = message.parsed.front.counter;
        if self.key.check_counter(counter, || false).is_err() {
            return;
        }
        if let Some(single) = self.key.skipped.key(counter) {
            message.sums = Some(Sums::of(single.commitment(), message.parsed));
            return;
        }
        if self.last != Some(counter) {
            let Some(step) = self.step(counter) else { return };
            self.steps.push(step);
            self.last = Some(counter);
        }
        if let Some(step) = self.steps.last() {
            message.step = Some(self.steps.len().saturating_sub(1));
            message.sums = Some(Sums::of(step.commitment(), message.parsed));
        }
    }

    fn step(&mut self, counter: u32) -> Option<Step> {
        if counter >= self.key.chain.counter() {
            let chain = self.ahead.get_or_insert_with(|| self.key.chain.duplicate());
            chain.skip(counter).ok()?;
            let step = chain.derive().ok()?;
            chain.take(&step);
            return Some(step);
        }
        let (from, start) = self.key.skipped.rest_of(counter)?;
        let (_, next, chain) = match &mut self.rest {
            Some(rest) if rest.0 == from => rest,
            rest => rest.insert((from, from, start.duplicate())),
        };
        while *next < counter {
            chain::step(chain).next_chain(chain);
            *next = next.saturating_add(1);
        }
        let step = chain::step(chain);
        step.next_chain(chain);
        *next = next.saturating_add(1);
        Some(step)
    }
}

/// What was found out about each message of a backlog.
pub(super) struct Verdicts {
    of: Vec<Verdict>,
    /// From the message that was asked for upwards, each with those behind it that are still to be asked.
    path: Vec<(usize, Range<usize>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Open,
    Authentic,
    Forged,
}

impl Verdicts {
    pub(super) fn new(runs: &Runs<'_>) -> Self {
        Self { of: vec![Verdict::Open; runs.messages.len()], path: Vec::new() }
    }

    /// [`Error::AuthenticationFailed`] unless the message is signed, or named by one that is. `verify` checks one
    /// signature; it is asked at most once for each message of the backlog, however often this is called.
    pub(super) fn check(
        &mut self,
        runs: &Runs<'_>,
        index: usize,
        verify: impl Fn(&GroupMessage<'_>, &Sums) -> Result<()>,
    ) -> Result<()> {
        if self.get(index) == Verdict::Open {
            self.climb(runs, index, verify);
        }
        if self.get(index) == Verdict::Authentic { Ok(()) } else { Err(Error::AuthenticationFailed) }
    }

    /// Goes up from message to message to the newest one that names the one below, checks its signature, and where
    /// that fails goes on below it.
    fn climb(
        &mut self,
        runs: &Runs<'_>,
        index: usize,
        verify: impl Fn(&GroupMessage<'_>, &Sums) -> Result<()>,
    ) {
        let Ok((message, ..)) = runs.message(index) else { return };
        self.path.clear();
        self.path.push((index, runs.successors(message)));
        while let Some((top, behind)) = self.path.last_mut() {
            let top = *top;
            if let Some(place) = behind.next() {
                let Some(next) = runs.order.get(place).copied() else { continue };
                match (self.get(next), runs.message(next)) {
                    (Verdict::Open, Ok((message, ..))) if message.sums.is_some() => {
                        self.path.push((next, runs.successors(message)));
                    }
                    (Verdict::Authentic, _) => return self.settle(),
                    _ => {}
                }
                continue;
            }
            let signed = match runs.message(top) {
                Ok((Message { parsed, sums: Some(sums), .. }, ..)) => verify(parsed, sums),
                _ => Err(Error::AuthenticationFailed),
            };
            if signed.is_ok() {
                return self.settle();
            }
            self.set(top, Verdict::Forged);
            self.path.pop();
        }
    }

    /// The top of the path is authentic, so all of it is.
    fn settle(&mut self) {
        while let Some((index, _)) = self.path.pop() {
            self.set(index, Verdict::Authentic);
        }
    }

    fn get(&self, index: usize) -> Verdict {
        self.of.get(index).copied().unwrap_or(Verdict::Forged)
    }

    fn set(&mut self, index: usize, verdict: Verdict) {
        if let Some(place) = self.of.get_mut(index) {
            *place = verdict;
        }
    }
}

#[cfg(test)]
mod tests;
