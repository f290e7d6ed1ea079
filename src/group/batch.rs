//! Reading a backlog (`docs/PROTOCOL.md` section 8.5, verified runs): what comes out, and what the receiver holds
//! afterwards, is what opening one message after the other gives.

use core::ops::Range;
use std::collections::VecDeque;

use zeroize::Zeroize as _;

use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::group::open::Contained;
use crate::group::read::envelope_id;
use crate::group::runs::{Runs, Verdicts};
use crate::group::{Claim, GroupReceiver};
use crate::limits::GROUP_RECENT_MAX;
use crate::roster::Roster;
use crate::wire::content::{ContentKind, MESSAGE_ID_LEN};
use crate::wire::group::GroupMessage;

/// Envelopes of one group, in the order in which they are to be read.
pub struct Backlog<'e> {
    envelopes: &'e [&'e [u8]],
    parsed: Vec<Result<GroupMessage<'e>>>,
}

impl<'e> Backlog<'e> {
    /// Parses them. What is no group message has an answer of its own later.
    #[must_use]
    pub fn new(envelopes: &'e [&'e [u8]]) -> Self {
        let parsed = envelopes.iter().map(|envelope| GroupMessage::parse(envelope)).collect();
        Self { envelopes, parsed }
    }

    /// Bytes of room that decrypting it takes.
    #[must_use]
    pub fn content_len(&self) -> usize {
        self.parsed.iter().flatten().map(|message| message.content().len()).sum()
    }
}

/// A message of a backlog that was authenticated, decrypted and taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What the content is.
    pub kind: ContentKind,
    /// The random id that the sender gave it.
    pub message_id: [u8; MESSAGE_ID_LEN],
    /// Where its body lies in the output.
    pub body: Range<usize>,
    /// What it says of the roster.
    pub claim: Option<Claim>,
}

impl GroupReceiver {
    /// Reads a backlog: for each message the answer of [`GroupReceiver::open`], and for each that opens its
    /// [`GroupReceiver::commit`], in this order. Content of another kind than `kinds` is [`Error::WrongKind`] and stays
    /// unread. Of each run of messages that name one another, one signature is checked instead of all.
    ///
    /// The bodies go to `out` one after the other; what else was written there is wiped.
    /// [`Error::InvalidArgument`], and nothing changed, if it has less room than [`Backlog::content_len`].
    pub fn decrypt_batch(
        &mut self,
        roster: &Roster,
        backlog: &Backlog<'_>,
        kinds: &[ContentKind],
        now_ms: u64,
        out: &mut [u8],
    ) -> Result<Vec<Result<Received>>> {
        if out.len() < backlog.content_len() {
            return Err(Error::InvalidArgument);
        }
        let now_ms = self.clock(now_ms);
        let runs = Runs::new(self, roster, &backlog.parsed, now_ms);
        let mut reading = Reading {
            verdicts: Verdicts::new(&runs),
            taken: runs.keys().iter().map(|_| VecDeque::new()).collect(),
            receiver: self,
            roster,
            backlog,
            runs: &runs,
            kinds,
            now_ms,
            key: Secret::zeroed(),
            out,
            written: 0,
            touched: 0,
        };
        let received = (0..backlog.envelopes.len()).map(|index| reading.read(index)).collect();
        reading.finish();
        Ok(received)
    }
}

/// A backlog on its way through the receiver.
struct Reading<'a> {
    receiver: &'a mut GroupReceiver,
    roster: &'a Roster,
    backlog: &'a Backlog<'a>,
    runs: &'a Runs<'a>,
    verdicts: Verdicts,
    /// Of each key, the messages taken last: their envelopes are hashed at the end, if they are still among the last.
    taken: Vec<VecDeque<usize>>,
    kinds: &'a [ContentKind],
    now_ms: u64,
    /// Of the message at hand.
    key: Secret<32>,
    out: &'a mut [u8],
    /// Bytes of bodies.
    written: usize,
    /// Bytes that ever held plaintext.
    touched: usize,
}

impl Reading<'_> {
    fn read(&mut self, index: usize) -> Result<Received> {
        let (message, runs, ahead) = self.runs.message(index)?;
        let (parsed, front) = (message.parsed, &message.parsed.front);
        let taken = self.taken.get_mut(message.key).ok_or(Error::Internal)?;
        let key = self.receiver.held_key(runs.sender, runs.key_id).ok_or(Error::Internal)?;

        let envelopes = self.backlog.envelopes;
        let is_recent = || {
            let Some(envelope) = envelopes.get(index) else { return false };
            let id = envelope_id(envelope);
            let before = GROUP_RECENT_MAX.saturating_sub(taken.len());
            taken.iter().any(|taken| envelopes.get(*taken) == Some(envelope))
                || key.recent.contains(before, &id)
        };
        let known = ahead.sums.is_some();
        let read = key.authenticate(parsed, ahead, is_recent, |sums| match known {
            true => self.verdicts.check(self.runs, index, |message, sums| key.verify(message, sums)),
            // Out of reach when the backlog was looked through.
            false => key.verify(parsed, sums),
        })?;

        let sealed = parsed.content();
        let end = self.written.checked_add(sealed.len()).ok_or(Error::Internal)?;
        let content = self.out.get_mut(self.written..end).ok_or(Error::Internal)?;
        content.copy_from_slice(sealed);
        read.unseal(parsed, &mut self.key, content)?;
        self.touched = self.touched.max(end);
        let contained = Contained::check(content).and_then(|contained| {
            if self.kinds.contains(&contained.kind) { Ok(contained) } else { Err(Error::WrongKind) }
        });
        let Contained { kind, message_id, body } = contained?;
        let start = self.written;
        self.written = start.saturating_add(body.len());
        content.copy_within(body, 0);

        let stored = key.stored_bytes();
        key.apply(read);
        let stored = (stored, key.stored_bytes());
        self.receiver.stores(stored);
        self.receiver.advance(self.now_ms);
        if taken.len() >= GROUP_RECENT_MAX {
            taken.pop_front();
        }
        taken.push_back(index);
        let claim = Claim::of(self.roster, front.sender, front.epoch, front.roster_hash);
        let claim = claim.filter(|_| !self.receiver.options.history);
        Ok(Received { kind, message_id, body: start..self.written, claim })
    }

    fn finish(self) {
        for (runs, taken) in self.runs.keys().iter().zip(self.taken) {
            let Some(key) = self.receiver.held_key(runs.sender, runs.key_id) else { continue };
            for envelope in taken.iter().filter_map(|taken| self.backlog.envelopes.get(*taken)) {
                key.remember(envelope_id(envelope));
            }
        }
        if let Some(rest) = self.out.get_mut(self.written..self.touched) {
            rest.zeroize();
        }
    }
}
