//! Random stories of a group against a simple model of who must read what.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sealwax::Error;
use sealwax::limits::GROUP_RETIRED_KEYS_MAX;
use sealwax::wire::roster::Role;

use crate::circle::{Circle, Member, Options};
use crate::common::group::{Act, person};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

#[derive(Debug, Clone)]
enum Event {
    /// Somebody sends, rotating first if asked to.
    Send(usize),
    /// A queued envelope arrives, wherever it stands in the queue; with `true` it stays in the queue as well.
    Deliver(prop::sample::Index, bool),
    /// The newest envelope arrives.
    DeliverLast,
    Drop(prop::sample::Index),
    Rotate(usize),
    /// Alice adds or removes somebody.
    Toggle(usize),
    /// A sender crashes after some messages since its last export.
    Crash(usize, usize),
    /// A receiver restarts.
    Reload(usize),
    /// A receiver whose changes were stored one by one restarts.
    ReloadParts(usize),
    /// A receiver stores what changed.
    Store(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..4_usize).prop_map(Event::Send),
        6 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(at, stays)| Event::Deliver(at, stays)),
        4 => Just(Event::DeliverLast),
        1 => any::<prop::sample::Index>().prop_map(Event::Drop),
        2 => (0..4_usize).prop_map(Event::Rotate),
        1 => (1..4_usize).prop_map(Event::Toggle),
        1 => (0..4_usize, 0..3_usize).prop_map(|(who, sent)| Event::Crash(who, sent)),
        1 => (0..4_usize).prop_map(Event::Reload),
        1 => (0..4_usize).prop_map(Event::ReloadParts),
        2 => (0..4_usize).prop_map(Event::Store),
    ]
}

/// One envelope on its way to one member.
#[derive(Clone)]
struct Copy {
    envelope: Vec<u8>,
    text: String,
    from: &'static str,
    to: &'static str,
    /// Which of the sender's keys, counted over the whole story.
    key: usize,
}

#[derive(Default)]
struct Model {
    queue: Vec<Copy>,
    sent: usize,
    present: BTreeSet<&'static str>,
    /// Keys made by each sender.
    made: BTreeMap<&'static str, usize>,
    /// What each (receiver, sender) holds, in the order of installation.
    held: BTreeMap<(&'static str, &'static str), Vec<usize>>,
    read: BTreeSet<(&'static str, String)>,
}

impl Model {
    fn distribute(&mut self, circle: &mut Circle, from: &'static str) {
        circle.distribute(from);
        let key = self.made[from];
        for to in self.present.clone().into_iter().filter(|to| *to != from) {
            let held = self.held.entry((to, from)).or_default();
            held.push(key);
            if held.len() > GROUP_RETIRED_KEYS_MAX + 1 {
                held.remove(0);
            }
        }
    }

    fn rotate(&mut self, circle: &mut Circle, who: &'static str) {
        circle.rotate(who);
        *self.made.entry(who).or_default() += 1;
        self.distribute(circle, who);
    }

    fn send(&mut self, circle: &mut Circle, from: &'static str) {
        if !self.present.contains(from) {
            return;
        }
        let text = format!("message {}", self.sent);
        self.sent += 1;
        let envelope = match circle.try_send(from, &text) {
            Ok(envelope) => envelope,
            Err(error) => {
                assert_eq!(error, Error::RotationRequired);
                self.rotate(circle, from);
                circle.send(from, &text)
            }
        };
        for to in self.present.iter().filter(|to| **to != from) {
            let key = self.made[from];
            self.queue.push(Copy { envelope: envelope.clone(), text: text.clone(), from, to, key });
        }
    }

    fn deliver(&mut self, circle: &mut Circle, at: usize, stays: bool) {
        let copy = if stays { self.queue[at].clone() } else { self.queue.remove(at) };
        if !self.present.contains(copy.to) {
            return;
        }
        let holds = self.held.get(&(copy.to, copy.from)).is_some_and(|held| held.contains(&copy.key));
        let was_read = self.read.contains(&(copy.to, copy.text.clone()));
        if !self.present.contains(copy.from) {
            assert_eq!(circle.refuse(copy.to, &copy.envelope), Error::SenderRemoved);
        } else if !holds {
            let error = circle.refuse(copy.to, &copy.envelope);
            assert!(matches!(error, Error::RetiredKey | Error::UnknownKey), "{error:?}");
        } else if was_read {
            let error = circle.refuse(copy.to, &copy.envelope);
            assert!(matches!(error, Error::Duplicate | Error::Replay), "{error:?}");
        } else {
            assert_eq!(circle.read(copy.to, &copy.envelope), Ok(copy.text.clone()));
            self.read.insert((copy.to, copy.text));
        }
    }

    fn toggle(&mut self, circle: &mut Circle, who: &'static str) {
        let present: Vec<&str> = self.present.iter().copied().collect();
        if self.present.remove(who) {
            circle.change_for("alice", Act::Remove(who), &present);
            self.held.retain(|(_, from), _| *from != who);
            return;
        }
        let newcomer = person(who);
        circle.change_for("alice", Act::Add(&[&newcomer], Role::Member), &present);
        let log = circle.members["alice"].roster.log(0);
        let roster = sealwax::roster::Roster::open(&log).unwrap();
        let member = Member::new(newcomer, roster, Options::default(), circle.now_ms);
        circle.members.insert(who.to_owned(), member);
        self.present.insert(who);
        *self.made.entry(who).or_default() += 1;
        // Everything that the newcomer held is gone with its device.
        self.held.retain(|(to, _), _| *to != who);
        self.distribute(circle, who);
    }

    fn crash(&mut self, circle: &mut Circle, who: &'static str, sent: usize) {
        let payload = circle.get(who).sender.export(3).unwrap();
        let key = self.made.get(who).copied();
        for _ in 0..sent {
            self.send(circle, who);
        }
        // A rotation is saved at once.
        if self.made.get(who).copied() == key {
            circle.get(who).reload_sender(&payload);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn everybody_reads_what_they_must_and_nothing_else(
        story in prop::collection::vec(event(), 1..60),
    ) {
        let mut circle = Circle::new(&NAMES);
        let mut model = Model { present: NAMES.into_iter().collect(), ..Model::default() };
        for from in NAMES {
            model.made.insert(from, 0);
            for to in NAMES.into_iter().filter(|to| *to != from) {
                model.held.insert((to, from), vec![0]);
            }
        }
        for event in story {
            match event {
                Event::Send(who) => model.send(&mut circle, NAMES[who]),
                Event::Deliver(at, stays) if !model.queue.is_empty() => {
                    let at = at.index(model.queue.len());
                    model.deliver(&mut circle, at, stays);
                }
                Event::DeliverLast if !model.queue.is_empty() => {
                    let at = model.queue.len() - 1;
                    model.deliver(&mut circle, at, true);
                }
                Event::Drop(at) if !model.queue.is_empty() => {
                    let at = at.index(model.queue.len());
                    model.queue.remove(at);
                }
                Event::Deliver(..) | Event::DeliverLast | Event::Drop(_) => {}
                Event::Rotate(who) if model.present.contains(NAMES[who]) => model.rotate(&mut circle, NAMES[who]),
                Event::Rotate(_) => {}
                Event::Toggle(who) => model.toggle(&mut circle, NAMES[who]),
                Event::Crash(who, sent) => model.crash(&mut circle, NAMES[who], sent),
                Event::Reload(who) if model.present.contains(NAMES[who]) => circle.get(NAMES[who]).reload_receiver(),
                Event::ReloadParts(who) if model.present.contains(NAMES[who]) => {
                    circle.get(NAMES[who]).reload_receiver_from_parts();
                }
                Event::Store(who) if model.present.contains(NAMES[who]) => {
                    let Member { receiver, stored, .. } = circle.get(NAMES[who]);
                    stored.write(receiver);
                }
                Event::Reload(_) | Event::ReloadParts(_) | Event::Store(_) => {}
            }
        }
    }
}
