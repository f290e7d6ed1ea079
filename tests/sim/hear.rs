//! What an application does with what its client tells it.

use sealwax::client::{Emitted, Event, GroupEvent, GroupId, MessageId, MessageState};
use sealwax::error::Error;
use sealwax::identity::Fingerprint;

use crate::hostile_member::MALLORY;
use crate::ledger::{Said, To};
use crate::plan::Kind;
use crate::sealing::may_read;
use crate::world::{World, who_is};

impl World {
    /// An application deals with an event, unless it has done so before.
    pub(crate) fn hear(&mut self, who: usize, emitted: Emitted) -> Result<(), Error> {
        let Emitted { number, event, .. } = emitted;
        let person = &mut self.people[who];
        if number == 0 || number > person.shown.last_event {
            person.shown.last_event = person.shown.last_event.max(number);
            match &event {
                Event::Message { from, message_id, content_type, payload, .. } => {
                    let said = (message_id, *content_type, payload.as_slice());
                    self.read(who, from, To::One(who), said)?;
                }
                Event::Ack { message_id, state: MessageState::Sent, .. } => self.note_sent(who, message_id),
                Event::Failed { message_id, status, .. } => self.note_failed(who, message_id, *status),
                Event::Group { group, event } => self.hear_of_group(who, group, event)?,
                Event::Done { request, .. } => {
                    self.wishes.end(who, *request);
                    self.note(format_args!("p{who}: {request} is done"));
                }
                Event::Refused { request, status, .. } => {
                    self.wishes.end(who, *request);
                    self.note(format_args!("p{who}: {request} is refused: {status}"));
                }
                Event::IdentityChanged { user, known, fingerprint, .. } => {
                    self.compare(who, user, known, fingerprint)?;
                }
                other => self.note(format_args!("p{who}: {other:?}")),
            }
        } else if let Event::IdentityChanged { user, known, fingerprint, .. } = &event {
            // What was decided may be gone with a process that had not stored it.
            self.compare(who, user, known, fingerprint)?;
        }
        let person = &mut self.people[who];
        if number > 0
            && person.confirms
            && let Some(client) = &mut person.client
        {
            client.confirm(number)?;
        }
        Ok(())
    }

    fn hear_of_group(&mut self, who: usize, group: &GroupId, event: &GroupEvent) -> Result<(), Error> {
        let circle = self.chronicle.circle_of(group).expect("a group that nobody has founded");
        self.did(event.name());
        match event {
            GroupEvent::Message { from, message_id, content_type, payload, shared_by, .. } => {
                let said = (message_id, *content_type, payload.as_slice());
                match shared_by {
                    None => self.read(who, from, To::Circle(circle), said)?,
                    Some(by) => self.read_of_the_past(who, from, circle, by, said),
                }
            }
            GroupEvent::Ack { message_id, user: None, .. } => self.note_sent(who, message_id),
            GroupEvent::Failed { message_id, status } => self.note_failed(who, message_id, *status),
            GroupEvent::Unreadable { from, count, status } => {
                self.note(format_args!("p{who}: {count} of {from} in g{circle} are unreadable: {status}"));
                if let Some(from) = who_is(from) {
                    self.ledger.note_unreadable(who, from, circle, *count as usize);
                }
            }
            GroupEvent::Forked { user } if self.plan.kind != Kind::Honest => {
                self.note(format_args!("p{who}: g{circle} is forked: {user:?}"));
                if user.as_deref() != Some(MALLORY) {
                    self.told.insert((who, circle));
                }
                if let Some(accused) = user.as_deref().and_then(who_is) {
                    self.check_accusation(who, accused, circle);
                }
                if user.is_none() {
                    self.forked.insert((who, circle));
                }
            }
            GroupEvent::Left { by } => {
                self.note(format_args!("p{who}: {by} ends it for p{who} in g{circle}"));
                self.told.insert((who, circle));
            }
            GroupEvent::MemberLeft { user, by } if self.plan.has_cheat() => {
                self.note(format_args!("p{who}: {user} is gone from g{circle} by {by}"));
                if let Some(user) = who_is(user) {
                    self.ledger.part(who, user, circle);
                }
            }
            event => {
                let is_quarrel = matches!(event, GroupEvent::Forked { .. } | GroupEvent::KeyWithheld { .. });
                assert!(
                    !is_quarrel || self.plan.kind != Kind::Honest || self.plan.begins_anew,
                    "p{who} in g{circle}: {}",
                    event.name()
                );
                if matches!(event, GroupEvent::Joined { by, .. } if **by == *self.people[who].name) {
                    self.did("join an open group");
                }
                self.note(format_args!("p{who}: {} in g{circle}", event.name()));
            }
        }
        Ok(())
    }

    /// Two people compare what they see of each other, and the application is told which identity is the right one.
    fn compare(
        &mut self,
        who: usize,
        user: &str,
        known: &Fingerprint,
        fingerprint: &Fingerprint,
    ) -> Result<(), Error> {
        if self.plan.kind == Kind::Honest {
            return self.meet_anew(who, user, known, fingerprint);
        }
        let other = who_is(user).expect("nobody of this name");
        let right = self.people[other].fingerprint();
        self.note(format_args!("p{who} compares identities with {user}, known: {}", *known == right));
        assert!(!self.plan.is_honest(), "p{who} meets {user} under another identity");
        let accepted = if *fingerprint == right { fingerprint } else { known };
        let now_ms = self.now_ms;
        self.pins.decide(who, other, *accepted);
        let Some(client) = &mut self.people[who].client else { return Ok(()) };
        match client.accept_identity(user, accepted, now_ms) {
            // It was decided on before, and there is another one by now, of which an event tells.
            Err(Error::IdentityChanged) => Ok(()),
            decided => decided,
        }
    }

    /// A message is shown: to somebody whom it is for, and who was a member when it was sealed.
    fn read(&mut self, who: usize, from: &str, to: To, said: Said<'_>) -> Result<(), Error> {
        let id = said.0;
        if from == MALLORY {
            self.show_mallory(who, id, said.2);
            return Ok(());
        }
        let name = from;
        let from = who_is(from).expect("nobody has written this");
        let number = self.ledger.open(from, to, said);
        let group = match to {
            To::One(_) => None,
            To::Circle(circle) => {
                self.check_reader(number, who, &self.people[who].key);
                self.look_for_evidence(number, who, circle);
                Some(self.chronicle.circles[circle].id)
            }
        };
        self.check_selves(number, from, who);
        let mut shown = std::mem::take(&mut self.people[who].shown);
        // Whoever bends what a relay delivers decides on its order too.
        let is_calm = self.plan.kind == Kind::Honest
            && self.people[who].restorations + self.people[from].restorations == 0;
        self.ledger.show(&mut shown, who, number, is_calm);
        self.people[who].shown = shown;
        self.note(format_args!("p{who} is shown {number}"));
        if self.plan.client.acks && self.chance.happens(50) {
            let now_ms = self.now_ms;
            if let Some(client) = &mut self.people[who].client {
                match group {
                    None => client.mark_read(name, &[*id], now_ms)?,
                    Some(group) => client.mark_group_read(&group, name, &[*id], now_ms)?,
                }
            }
        }
        Ok(())
    }

    /// Nobody reads who was no member when a message was sealed.
    pub(crate) fn check_reader(&self, number: usize, who: usize, key: &[u8; 65]) {
        let states = self.ledger.letters[number].sealed_in.iter().copied();
        let name = &self.people[who].name;
        assert!(
            may_read(&self.chronicle, states, name, Some(key)),
            "{name} reads message {number} of others"
        );
    }

    fn note_sent(&mut self, who: usize, id: &MessageId) {
        let number = self.ledger.find(who, id);
        self.ledger.letters[number].is_sent = true;
    }

    fn note_failed(&mut self, who: usize, id: &MessageId, status: Error) {
        let number = self.ledger.find(who, id);
        self.ledger.letters[number].failed = Some(status);
        self.note(format_args!("p{who}: {number} fails: {status}"));
    }
}
