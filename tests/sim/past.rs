//! The past of a group: a member shares the keys of what it has read, and another reads it, in its word.

use std::collections::BTreeSet;

use sealwax::wire::group::GroupMessage;

use crate::hostile_member::MALLORY;
use crate::ledger::{Said, To};
use crate::sealing::may_read;
use crate::world::{World, who_is};

/// Envelopes of all groups that are kept for those who come later.
const KEPT_MAX: usize = 200;

/// What was sent to groups, and who has shared what with whom.
#[derive(Default)]
pub(crate) struct Past {
    sent: Vec<(usize, Vec<u8>)>,
    /// Sharer, reader and group.
    shared: BTreeSet<(usize, usize, usize)>,
}

impl Past {
    pub(crate) fn share(&mut self, by: usize, with: usize, circle: usize) {
        self.shared.insert((by, with, circle));
    }

    /// Nobody is shown anything of the past but by who has decided so.
    pub(crate) fn check(&self, by: usize, reader: usize, circle: usize, number: usize) {
        let is_shared = self.shared.contains(&(by, reader, circle));
        assert!(is_shared, "p{by} has shared nothing with p{reader}, who reads message {number}");
    }
}

impl World {
    /// A message is sealed, which somebody may read much later.
    pub(crate) fn keep_for_later(&mut self, envelope: &[u8]) {
        if !self.plan.client.retain_history || self.past.sent.len() >= KEPT_MAX {
            return;
        }
        if let Ok(message) = GroupMessage::parse(envelope)
            && let Some(circle) = self.chronicle.circle_of(message.front.group_id)
        {
            self.past.sent.push((circle, envelope.to_vec()));
        }
    }

    /// A member who knows another lets it read what was written before.
    pub(crate) fn share_the_past(&mut self, who: usize, whom: usize, circle: usize) {
        let (group, other, now_ms) =
            (self.chronicle.circles[circle].id, self.people[whom].name.clone(), self.now_ms);
        self.note(format_args!("p{who} shares the past of g{circle} with {other}"));
        let right = self.people[whom].fingerprint();
        let Some(client) = &mut self.people[who].client else { return };
        // Whom nobody has met cannot be accepted, and that is refused too.
        if client.accept_identity(&other, &right, now_ms).is_err() {
            return;
        }
        // It may have been the one to decide on.
        self.pins.decide(who, whom, right);
        let number = self.people[whom].selves;
        self.selves.meet(who, whom, number);
        self.past.share(who, whom, circle);
        self.wish(who, |client, now_ms| client.share_history(&group, &other, now_ms));
    }

    /// A member reads again what it got elsewhere, as far as it can.
    pub(crate) fn look_back(&mut self, who: usize, circle: usize) {
        let (group, now_ms) = (self.chronicle.circles[circle].id, self.now_ms);
        let sent = self.past.sent.iter().filter(|(of, _)| *of == circle);
        let envelopes: Vec<&[u8]> = sent.map(|(_, envelope)| envelope.as_slice()).collect();
        let Some(client) = &mut self.people[who].client else { return };
        // Who is no member reads nothing.
        let count = client.read_shared(&group, &envelopes, now_ms).unwrap_or_default();
        self.note(format_args!(
            "p{who} looks back at {} messages of g{circle} and reads {count}",
            envelopes.len()
        ));
    }

    /// A message is shown in the word of another member.
    pub(crate) fn read_of_the_past(
        &mut self,
        who: usize,
        from: &str,
        circle: usize,
        by: &str,
        said: Said<'_>,
    ) {
        if from == MALLORY {
            return;
        }
        let from = who_is(from).expect("nobody has written this");
        let number = self.ledger.open(from, To::Circle(circle), said);
        self.check_sharing(number, who, circle, by);
        assert!(self.people[who].shown.of_the_past.insert(number), "message {number} is shown twice by {by}");
        self.ledger.note_unreadable(who, from, circle, 1);
        self.did("read the past in another's word");
        self.note(format_args!("p{who} is shown {number}, by {by}"));
    }

    /// The sharer could read it, and has shared it with this reader.
    pub(crate) fn check_sharing(&self, number: usize, who: usize, circle: usize, by: &str) {
        self.past.check(who_is(by).expect("nobody of this name"), who, circle, number);
        let states = self.ledger.letters[number].sealed_in.iter().copied();
        assert!(may_read(&self.chronicle, states, by, None), "{by} shares message {number} of others");
    }
}
