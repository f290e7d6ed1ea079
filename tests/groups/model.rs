//! Whatever happens in a group, against a simple model of who must read what.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use sealwax::Error;
use sealwax::group::GroupReceiver;
use sealwax::limits::GROUP_RETIRED_KEYS_MAX;
use sealwax::wire::roster::Role;

use crate::circle::{Circle, Member, Options};
use crate::common::group::{Act, person};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) enum Event {
    /// Somebody sends, rotating first if asked to.
    Send(u8),
    /// A queued envelope arrives, wherever it stands in the queue; with `true` it stays in the queue as well.
    Deliver(u16, bool),
    /// The newest envelope arrives.
    DeliverLast,
    Drop(u16),
    /// A queued envelope arrives with one bit changed.
    Tamper(u16, u16),
    Rotate(u8),
    /// Alice adds or removes somebody else.
    Toggle(u8),
    /// A sender crashes after up to two messages since its last export.
    Crash(u8, u8),
    /// A receiver restarts.
    Reload(u8),
    /// A receiver whose changes were stored one by one restarts.
    ReloadParts(u8),
    /// A receiver stores what changed.
    Store(u8),
    /// A receiver is copied.
    Save(u8),
    /// A receiver becomes what its copy is.
    Restore(u8),
}

fn name(who: u8) -> &'static str {
    NAMES[usize::from(who) % NAMES.len()]
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
    /// Copies of receivers, for as long as the members stay the same.
    saved: BTreeMap<&'static str, Saved>,
}

/// A copy of a receiver, and what the model knew of it.
struct Saved {
    payload: Vec<u8>,
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

    /// What was changed on its way does not open, and leaves everything as it was.
    fn tamper(&mut self, circle: &mut Circle, at: usize, bit: u16) {
        let mut copy = self.queue[at].clone();
        if self.present.contains(copy.to) {
            let bit = usize::from(bit) % (8 * copy.envelope.len());
            copy.envelope[bit / 8] ^= 1 << (bit % 8);
            let _any = circle.refuse(copy.to, &copy.envelope);
        }
    }

    fn save(&mut self, circle: &mut Circle, who: &'static str) {
        let of_who = |(to, _): &(&'static str, &'static str)| *to == who;
        let held = self.held.iter().filter(|(key, _)| of_who(key)).map(|(key, held)| (*key, held.clone()));
        let read = self.read.iter().filter(|(to, _)| *to == who).cloned();
        let saved = Saved { payload: circle.get(who).state(), held: held.collect(), read: read.collect() };
        self.saved.insert(who, saved);
    }

    fn restore(&mut self, circle: &mut Circle, who: &'static str) {
        let Some(Saved { payload, held, read }) = self.saved.remove(who) else { return };
        let member = circle.get(who);
        member.receiver =
            GroupReceiver::import(&member.identity, &member.roster, GroupReceiver::FORMAT, &payload).unwrap();
        member.reload_receiver();
        self.held.retain(|(to, _), _| *to != who);
        self.held.extend(held);
        self.read.retain(|(to, _)| *to != who);
        self.read.extend(read);
    }

    fn toggle(&mut self, circle: &mut Circle, who: &'static str) {
        self.saved.clear();
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

    fn crash(&mut self, circle: &mut Circle, who: &'static str, sent: u8) {
        let payload = circle.get(who).sender.export(3).unwrap();
        let key = self.made.get(who).copied();
        for _ in 0..sent % 3 {
            self.send(circle, who);
        }
        // A rotation is saved at once.
        if self.made.get(who).copied() == key {
            circle.get(who).reload_sender(&payload);
        }
    }
}

pub(crate) fn run(story: &[Event]) {
    let mut circle = Circle::new(&NAMES);
    let mut model = Model { present: NAMES.into_iter().collect(), ..Model::default() };
    for from in NAMES {
        model.made.insert(from, 0);
        for to in NAMES.into_iter().filter(|to| *to != from) {
            model.held.insert((to, from), vec![0]);
        }
    }
    for event in story {
        let queued = |at: u16| usize::from(at).checked_rem(model.queue.len());
        match *event {
            Event::Send(who) => model.send(&mut circle, name(who)),
            Event::Deliver(at, stays) => {
                if let Some(at) = queued(at) {
                    model.deliver(&mut circle, at, stays);
                }
            }
            Event::DeliverLast => {
                if let Some(last) = model.queue.len().checked_sub(1) {
                    model.deliver(&mut circle, last, true);
                }
            }
            Event::Drop(at) => drop(queued(at).map(|at| model.queue.remove(at))),
            Event::Tamper(at, bit) => {
                if let Some(at) = queued(at) {
                    model.tamper(&mut circle, at, bit);
                }
            }
            Event::Toggle(who) => model.toggle(&mut circle, NAMES[1 + usize::from(who) % 3]),
            Event::Crash(who, sent) => model.crash(&mut circle, name(who), sent),
            Event::Rotate(who)
            | Event::Reload(who)
            | Event::ReloadParts(who)
            | Event::Store(who)
            | Event::Save(who)
            | Event::Restore(who)
                if !model.present.contains(name(who)) => {}
            Event::Rotate(who) => model.rotate(&mut circle, name(who)),
            Event::Reload(who) => circle.get(name(who)).reload_receiver(),
            Event::ReloadParts(who) => circle.get(name(who)).reload_receiver_from_parts(),
            Event::Store(who) => {
                let Member { receiver, stored, .. } = circle.get(name(who));
                stored.write(receiver);
            }
            Event::Save(who) => model.save(&mut circle, name(who)),
            Event::Restore(who) => model.restore(&mut circle, name(who)),
        }
    }
}
