//! What people do in groups, and what they are told.

use sealwax::client::{Event, GroupEvent, GroupId, MessageId};
use sealwax::error::Error;
use sealwax::wire::content::ContentType;
use sealwax::wire::group::GroupMessage;

use crate::bed::{Bed, Person};

impl Bed {
    /// Founds a group and waits until it is.
    pub(crate) fn found(&mut self, founder: &str, label: &str, members: &[&str]) -> GroupId {
        let now_ms = self.now_ms;
        let request = self.client(founder).create_group(label, false, members, now_ms).unwrap();
        self.run();
        self.person(founder).outcome(request).unwrap()
    }

    /// A request of somebody, done.
    pub(crate) fn ask(
        &mut self,
        name: &str,
        ask: impl FnOnce(&mut sealwax::client::Client, u64) -> Result<u64, Error>,
    ) -> Result<GroupId, Error> {
        let now_ms = self.now_ms;
        let request = ask(self.client(name), now_ms).unwrap();
        self.run();
        self.person(name).outcome(request)
    }

    pub(crate) fn say(&mut self, from: &str, group: &GroupId, text: &str) -> MessageId {
        let now_ms = self.now_ms;
        self.client(from).send_group(group, ContentType::Text, text.as_bytes(), false, now_ms).unwrap()
    }

    /// Who is a member, as somebody sees it.
    pub(crate) fn members(&mut self, name: &str, group: &GroupId) -> Vec<String> {
        let roster = self.client(name).roster(group).unwrap().unwrap();
        roster.members().map(|member| member.user().to_string()).collect()
    }

    /// Asserts that nobody has seen anything that an honest relay and honest members do not make.
    pub(crate) fn assert_clean(&mut self) {
        let names: Vec<String> = self.people.keys().cloned().collect();
        for name in names {
            let person = self.person(&name);
            for key in ["dropped", "unreadable"] {
                assert_eq!(person.count(key), 0, "{name} {key}");
            }
        }
        self.assert_no_key_twice();
    }

    /// Asserts that no message key of a group sealed two messages.
    pub(crate) fn assert_no_key_twice(&self) {
        let mut seen = std::collections::BTreeMap::new();
        for (_, envelope) in &self.host.taken {
            if let Ok(message) = GroupMessage::parse(envelope) {
                let front = message.front;
                let place = (front.sender.to_string(), *front.key_id, front.counter);
                let other = seen.insert(place.clone(), envelope.clone());
                assert!(other.is_none_or(|other| other == *envelope), "{place:?}");
            }
        }
    }
}

impl Person {
    /// What became of a request; it must have ended once.
    pub(crate) fn outcome(&self, number: u64) -> Result<GroupId, Error> {
        let ends = self.events.iter().filter_map(|event| match event {
            Event::Done { request, group } if *request == number => Some(Ok(*group)),
            Event::Refused { request, status, .. } if *request == number => Some(Err(*status)),
            _ => None,
        });
        let ends: Vec<_> = ends.collect();
        assert_eq!(ends.len(), 1, "{}: request {number}", self.name);
        ends[0]
    }

    pub(crate) fn has_ended(&self, number: u64) -> bool {
        self.events.iter().any(|event| {
            matches!(event, Event::Done { request, .. } | Event::Refused { request, .. } if *request == number)
        })
    }

    pub(crate) fn group_events(&self) -> Vec<&GroupEvent> {
        let mut events = Vec::new();
        for event in &self.events {
            if let Event::Group { event, .. } = event {
                events.push(event);
            }
        }
        events
    }

    /// The names of what happened in groups, without messages and what became of ours.
    pub(crate) fn happened(&self) -> Vec<String> {
        let is_story = |event: &&&GroupEvent| {
            !matches!(event, GroupEvent::Message { .. } | GroupEvent::Ack { .. } | GroupEvent::Failed { .. })
        };
        let tell = |event: &GroupEvent| {
            let detail = match event {
                GroupEvent::Joined { by, .. } | GroupEvent::Left { by } | GroupEvent::Deleted { by } => {
                    format!(" by {by}")
                }
                GroupEvent::MemberJoined { user, by }
                | GroupEvent::MemberLeft { user, by }
                | GroupEvent::MemberReplaced { user, by } => format!(" {user} by {by}"),
                GroupEvent::RoleChanged { user, role, by } => format!(" {user} {role:?} by {by}"),
                GroupEvent::Pending { from, count } => format!(" {count} of {from}"),
                GroupEvent::Unreadable { from, count, status } => format!(" {count} of {from}: {status:?}"),
                GroupEvent::KeyWithheld { user, status } => format!(" {user}: {status:?}"),
                _ => String::new(),
            };
            format!("{}{detail}", event.name())
        };
        self.group_events().iter().filter(is_story).map(|event| tell(event)).collect()
    }

    /// The texts that were shown in groups, with their senders.
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        let text = |event: &GroupEvent| match event {
            GroupEvent::Message { from, payload, shared_by: None, .. } => {
                Some((from.to_string(), String::from_utf8(payload.to_vec()).unwrap()))
            }
            _ => None,
        };
        self.group_events().into_iter().filter_map(text).collect()
    }

    pub(crate) fn heard_of(&self, sender: &str) -> Vec<String> {
        self.heard().into_iter().filter(|(from, _)| from == sender).map(|(_, text)| text).collect()
    }

    /// Why a group message of ours failed, or that the relay has it.
    pub(crate) fn sent(&self, id: &MessageId) -> Vec<Result<(), Error>> {
        let state = |event: &GroupEvent| match event {
            GroupEvent::Ack { message_id, user: None, .. } if message_id == id => Some(Ok(())),
            GroupEvent::Failed { message_id, status } if message_id == id => Some(Err(*status)),
            _ => None,
        };
        self.group_events().into_iter().filter_map(state).collect()
    }
}
