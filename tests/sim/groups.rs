//! What people do in groups, and what comes of it at the relay.

use sealwax::client::Client;
use sealwax::error::Error;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::{Entry, Role};

use crate::chronicle::Membership;
use crate::host::Deed;
use crate::ledger::To;
use crate::sealing::number_of;
use crate::world::{World, who_is};

impl World {
    /// Somebody does something in a group, or founds one.
    pub(crate) fn meet(&mut self) {
        let circles = self.chronicle.circles.len();
        if circles < self.plan.circles && (circles == 0 || self.chance.happens(30)) {
            self.found();
            return;
        }
        let circle = self.chance.index(circles);
        let who = self.somebody_of(circle);
        if self.chance.happens(70) {
            let other = self.somebody_of(circle);
            let is_mutual = self.chance.happens(30);
            for _ in 0..self.chance.between(1, 4) {
                self.say(who, circle);
                if is_mutual {
                    self.say(other, circle);
                }
                if self.chance.happens(50) {
                    self.flush(who);
                }
            }
            self.flush(other);
        } else {
            self.change(who, circle);
        }
        if self.chance.happens(90) {
            self.flush(who);
        }
    }

    /// A member, mostly, as the relay knows them.
    fn somebody_of(&mut self, circle: usize) -> usize {
        let members: Vec<usize> = self.members_of(circle);
        if members.is_empty() || self.chance.happens(5) {
            return self.chance.index(self.people.len());
        }
        members[self.chance.index(members.len())]
    }

    /// The members of a group who are people, as the relay knows them.
    pub(crate) fn members_of(&self, circle: usize) -> Vec<usize> {
        let Some(head) = self.chronicle.head(circle) else { return Vec::new() };
        let is_here = |(user, member): (&String, &Membership)| {
            who_is(user).filter(|who| self.people[*who].key == member.key)
        };
        head.members.iter().filter_map(is_here).collect()
    }

    /// Some of all people but one, each once.
    fn some_but(&mut self, who: usize, least: u64, most: usize) -> Vec<usize> {
        let mut others: Vec<usize> = (0..self.people.len()).filter(|other| *other != who).collect();
        let count = self.chance.between(least, most.min(others.len()) as u64) as usize;
        (0..count).map(|_| others.swap_remove(self.chance.index(others.len()))).collect()
    }

    pub(crate) fn found(&mut self) {
        let who = self.chance.index(self.people.len());
        let members = self.some_but(who, 1, self.plan.circle_size);
        let names: Vec<String> = members.iter().map(|member| self.people[*member].name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let is_open = self.chance.happens(25);
        self.note(format_args!("p{who} founds a group with {names:?}, open: {is_open}"));
        self.wish(who, |client, now_ms| client.create_group("team", is_open, &names, now_ms));
        self.flush(who);
    }

    /// Somebody changes who is in a group, or tries to.
    fn change(&mut self, who: usize, circle: usize) {
        let group = self.chronicle.circles[circle].id;
        let is_open = self.chronicle.circles[circle].is_open;
        let whom = if self.chance.happens(60) {
            self.somebody_of(circle)
        } else {
            self.chance.index(self.people.len())
        };
        let other = self.people[whom].name.clone();
        let role = [Role::Member, Role::Admin, Role::Owner][self.chance.index(3)];
        match self.chance.between(0, if self.plan.client.retain_history { 23 } else { 19 }) {
            20 | 21 => self.share_the_past(who, whom, circle),
            22 | 23 => self.look_back(who, circle),
            0..=7 => {
                let whom = self.some_but(who, 1, 2);
                let names: Vec<String> = whom.iter().map(|whom| self.people[*whom].name.clone()).collect();
                self.note(format_args!("p{who} adds {names:?} to g{circle}"));
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.wish(who, |client, now_ms| client.add_members(&group, &names, Role::Member, now_ms));
            }
            8..=11 => {
                self.note(format_args!("p{who} removes {other} from g{circle}"));
                self.listen_in(whom);
                self.wish(who, |client, now_ms| client.remove_member(&group, &other, now_ms));
            }
            12..=14 if !self.ghosts_of(circle).is_empty() => {
                let other = self.people[self.ghosts_of(circle)[0]].name.clone();
                self.note(format_args!("p{who} gives {other} its new keys in g{circle}"));
                self.wish(who, |client, now_ms| client.replace_member(&group, &other, now_ms));
            }
            12..=14 => {
                self.note(format_args!("p{who} makes {other} {role:?} of g{circle}"));
                self.wish(who, |client, now_ms| client.set_role(&group, &other, role, now_ms));
            }
            15 | 16 if is_open => {
                self.note(format_args!("{other} joins g{circle}"));
                self.wish(whom, |client, now_ms| client.join_group(&group, now_ms));
                self.flush(whom);
            }
            17 if self.plan.circles > 1 && self.chance.happens(30) => {
                self.note(format_args!("p{who} ends g{circle}"));
                self.wish(who, |client, now_ms| client.delete_group(&group, now_ms));
            }
            _ => {
                self.note(format_args!("{other} leaves g{circle}"));
                self.listen_in(whom);
                self.wish(whom, |client, now_ms| client.leave_group(&group, now_ms));
                self.flush(whom);
            }
        }
    }

    /// Somebody asks for something that one event will end.
    pub(crate) fn wish(&mut self, who: usize, call: impl FnOnce(&mut Client, u64) -> Result<u64, Error>) {
        let now_ms = self.now_ms;
        let Some(client) = &mut self.people[who].client else { return };
        match call(client, now_ms) {
            Ok(number) => {
                self.wishes.add(who, number);
                self.note(format_args!("p{who}: that is {number}"));
            }
            Err(Error::StoreIo) => self.crash(who),
            Err(error) => self.note(format_args!("p{who} may not: {error}")),
        }
    }

    /// Somebody writes to a group, if its client takes it.
    pub(crate) fn say(&mut self, from: usize, circle: usize) {
        let (draft, group) = (self.ledger.draft(from, To::Circle(circle)), self.chronicle.circles[circle].id);
        let now_ms = self.now_ms;
        let Some(client) = &mut self.people[from].client else { return };
        match client.send_group(&group, draft.content_type, &draft.payload, false, now_ms) {
            Ok(id) => {
                let number = self.ledger.write(draft, self.people[from].selves, id);
                self.people[from].unsettled.push(number);
                self.note(format_args!("p{from} says {number} in g{circle}"));
            }
            Err(Error::UnknownGroup | Error::NotAMember | Error::GroupDeleted) => {}
            Err(error) => {
                assert_eq!(error, Error::StoreIo);
                self.crash(from);
            }
        }
    }

    /// What a relay has taken of a frame, as its answer says, it owes.
    pub(crate) fn note_taken(&mut self, link: u64, frame: &[u8], deeds: &[Deed]) {
        let Ok(frame) = Frame::parse(frame) else { return };
        let answer = deeds.iter().find_map(|deed| match deed {
            Deed::Send(to, bytes) if *to == link => {
                Frame::parse(bytes).ok().filter(|answer| answer.request == frame.request)
            }
            _ => None,
        });
        match (frame.body, answer.map(|answer| answer.body)) {
            (Body::Send { envelope, .. }, Some(Body::Ok)) => self.note_taken_envelope(envelope),
            (Body::SendMany { envelopes, .. }, Some(Body::SentMany { statuses })) => {
                for (envelope, status) in envelopes.iter().zip(statuses.iter()) {
                    if status == 0 {
                        self.note_taken_envelope(envelope);
                    }
                }
            }
            (Body::Commit { entry, .. }, _) => {
                let entry = Entry::parse(entry).unwrap();
                let group = entry.fields.group_id;
                match self.chronicle.circle_of(group) {
                    Some(circle) => self.look_at_log(circle),
                    None => self.look_at_logs(),
                }
            }
            _ => {}
        }
    }

    /// A message for a group was taken: members of the time when it was sealed, who still are, are to read it.
    fn note_taken_envelope(&mut self, envelope: &[u8]) {
        let Ok(message) = GroupMessage::parse(envelope) else { return };
        let Some(id) = self.chronicle.named_by(&message) else { return };
        let state = self.chronicle.state(&id);
        let Some(number) = number_of(&self.ledger, state.circle, &message) else { return };
        if !self.taken.insert(envelope.to_vec()) {
            return;
        }
        let Some(head) = self.chronicle.head(state.circle) else { return };
        let stays = |user: &str| {
            head.members.get(user).map(|now| now.since) == state.members.get(user).map(|then| then.since)
        };
        let sender = message.front.sender;
        let readers: Vec<usize> = state
            .members
            .iter()
            .filter(|(user, _)| *user != sender && stays(sender) && stays(user))
            .filter_map(|(user, member)| who_is(user).filter(|who| self.people[*who].key == member.key))
            .collect();
        self.note(format_args!("the relay has {number}, for {readers:?}"));
        self.ledger.owe(number, readers);
    }

    /// Looks at what the relay has of all groups.
    pub(crate) fn look_at_logs(&mut self) {
        (0..self.chronicle.circles.len()).for_each(|circle| self.look_at_log(circle));
    }

    /// Looks at what the relay has of a group.
    fn look_at_log(&mut self, circle: usize) {
        let found = &self.chronicle.circles[circle];
        let id = found.id;
        let (readers, from) = match self.chronicle.head(circle) {
            Some(state) => (state.members.keys().cloned().collect(), state.epoch + 1),
            None => (vec![found.founder.clone()], 0),
        };
        let logs = readers.iter().filter_map(|reader| self.host.relay.log(reader, &id, from).ok());
        let Some(log) = logs.max_by_key(Vec::len).filter(|log| !log.is_empty()) else { return };
        let mut rest = log.as_slice();
        while let Ok((entry, after)) = Entry::parse_first(rest) {
            rest = after;
            self.advance_head(circle, entry.bytes);
        }
    }

    fn advance_head(&mut self, circle: usize, entry: &[u8]) {
        let id = self.chronicle.learn(entry).expect("the relay has an entry that follows none");
        let before = self.chronicle.circles[circle].head.replace(id);
        let Some(before) = before else { return };
        let after = self.chronicle.state(&id);
        let gone: Vec<usize> = self
            .chronicle
            .state(&before)
            .members
            .iter()
            .filter(|(user, then)| after.members.get(*user).map(|now| now.since) != Some(then.since))
            .filter_map(|(user, _)| who_is(user))
            .collect();
        for who in gone {
            self.ledger.depart(who, circle);
        }
    }
}
