//! A relay against a model of it: whatever happens, both deliver the same, also after deaths and restarts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use common::group::{group, person};
use common::relay::{Store, direct, to, to_group};
use proptest::prelude::*;
use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::relay::{Outcome, Relay, RelayOptions};
use sealwax::roster::{Roster, RosterPolicy};

const USERS: usize = 4;
const NAMES: [&str; USERS] = ["alice", "bob", "carol", "dave/phone"];
const QUEUE_MAX: usize = 6;
const QUEUE_AGE_MAX_MS: u64 = 100;

fn options() -> RelayOptions {
    RelayOptions {
        users_max: 100,
        groups_max: 100,
        queue_max: QUEUE_MAX,
        queue_bytes_max: 1_000_000,
        queue_age_max_ms: QUEUE_AGE_MAX_MS,
        sender_share_percent: 100,
        ..RelayOptions::default()
    }
}

/// Dave is no member.
static PEOPLE: LazyLock<(Vec<Identity>, Roster)> = LazyLock::new(|| {
    let people: Vec<_> = NAMES.map(person).into();
    let roster = group(&people[0], &[&people[1], &people[2]], RosterPolicy::default());
    (people, roster)
});

#[derive(Debug, Clone)]
enum Step {
    Direct {
        from: usize,
        to: usize,
    },
    Group {
        from: usize,
    },
    /// Sends something once more: the last one, or one a few before.
    Again {
        back: usize,
    },
    Come {
        user: usize,
    },
    Go {
        user: usize,
    },
    /// Acknowledges all but some of what was given out.
    Acknowledge {
        user: usize,
        but: u64,
    },
    Wait {
        ms: u64,
    },
    /// The clock is set back.
    Back,
    /// The relay dies and starts again from its store.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    prop_oneof![
        6 => (user(), user()).prop_map(|(from, to)| Step::Direct { from, to }),
        4 => user().prop_map(|from| Step::Group { from }),
        2 => (0..4_usize).prop_map(|back| Step::Again { back }),
        2 => user().prop_map(|user| Step::Come { user }),
        1 => user().prop_map(|user| Step::Go { user }),
        3 => (user(), 0..4_u64).prop_map(|(user, but)| Step::Acknowledge { user, but }),
        1 => (0..60_u64).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Back),
        1 => Just(Step::Restart),
    ]
}

/// What a user is to be given: by sequence, when it was queued and what it is.
#[derive(Default)]
struct Queue {
    items: BTreeMap<u64, (u64, Vec<u8>)>,
    last: u64,
    online: bool,
}

#[derive(Default)]
struct Model {
    queues: [Queue; USERS],
    sent: BTreeSet<Vec<u8>>,
    now_ms: u64,
    skipped: u64,
}

type Deliveries = Vec<(usize, u64, Vec<u8>)>;

impl Model {
    fn expire(&mut self, user: usize) {
        let now_ms = self.now_ms;
        self.queues[user].items.retain(|_, (queued_ms, _)| now_ms - *queued_ms <= QUEUE_AGE_MAX_MS);
    }

    fn has_room(&mut self, user: usize) -> bool {
        self.expire(user);
        self.queues[user].items.len() < QUEUE_MAX
    }

    fn push(&mut self, user: usize, payload: &[u8], out: &mut Deliveries) {
        let queue = &mut self.queues[user];
        queue.last += 1;
        queue.items.insert(queue.last, (self.now_ms, payload.to_vec()));
        if queue.online {
            out.push((user, queue.last, payload.to_vec()));
        }
    }

    fn send(&mut self, from: usize, to: Option<usize>, payload: &[u8]) -> Result<Deliveries, Error> {
        let mut out = Vec::new();
        if self.sent.contains(payload) {
            return Ok(out);
        }
        if let Some(to) = to {
            if !self.has_room(to) {
                return Err(Error::QueueFull);
            }
            self.push(to, payload, &mut out);
        } else if from == 3 {
            return Err(Error::NotAMember);
        } else {
            for user in (0..3).filter(|user| *user != from) {
                if self.has_room(user) {
                    self.push(user, payload, &mut out);
                } else {
                    self.skipped += 1;
                }
            }
        }
        self.sent.insert(payload.to_vec());
        Ok(out)
    }

    fn come(&mut self, user: usize) -> Deliveries {
        self.expire(user);
        self.queues[user].online = true;
        let items = self.queues[user].items.iter();
        let mut out: Deliveries =
            items.map(|(number, (_, payload))| (user, *number, payload.clone())).collect();
        out.push((user, 0, Vec::new()));
        out
    }

    /// After a restart only what is still queued is known to have been sent.
    fn restart(&mut self) {
        let queues = self.queues.iter_mut();
        self.sent = queues
            .flat_map(|queue| {
                queue.online = false;
                queue.items.values().map(|(_, payload)| payload.clone())
            })
            .collect();
    }
}

struct Run {
    model: Model,
    relay: Relay,
    store: Store,
    past: Vec<(usize, Option<usize>, Vec<u8>)>,
    marks: u32,
}

impl Run {
    fn new() -> Self {
        let (relay, mut store) = (Relay::new(options()), Store::default());
        let (people, roster) = &*PEOPLE;
        for person in people {
            store.take(&relay.register(person.user(), person.card().as_bytes(), 0).unwrap());
        }
        let mut model = Model::default();
        store.take(&relay.commit(NAMES[0], roster.entries(0), 0).unwrap());
        for user in 0..3 {
            model.push(user, roster.entries(0), &mut Vec::new());
        }
        Self { model, relay, store, past: Vec::new(), marks: 0 }
    }

    fn send(&mut self, from: usize, to: Option<usize>, payload: Vec<u8>) {
        let expected = self.model.send(from, to, &payload);
        let outcome = self.relay.route(NAMES[from], &payload, self.model.now_ms);
        self.same(outcome, expected);
        self.past.push((from, to, payload));
    }

    fn same(&mut self, outcome: Result<Outcome, Error>, expected: Result<Deliveries, Error>) {
        let deliveries = outcome.map(|outcome| {
            self.store.take(&outcome);
            let all =
                (0..USERS).map(|user| to(NAMES[user], &outcome).into_iter().map(move |(n, p)| (user, n, p)));
            let all: Deliveries = all.flatten().collect();
            assert_eq!(all.len(), outcome.deliveries_len());
            all
        });
        assert_eq!(deliveries, expected);
    }

    fn step(&mut self, step: &Step) {
        self.marks += 1;
        let now_ms = self.model.now_ms;
        match *step {
            Step::Direct { from, to } => {
                self.send(from, Some(to), direct(NAMES[from], NAMES[to], self.marks));
            }
            Step::Group { from } => {
                self.send(from, None, to_group(NAMES[from], PEOPLE.1.group_id(), self.marks));
            }
            Step::Again { back } => {
                if let Some(at) = self.past.len().checked_sub(back + 1) {
                    let (from, to, payload) = self.past[at].clone();
                    // A relay that was restarted completes fan-outs; the model does not.
                    let was_skipped = to.is_none() && !self.model.sent.contains(&payload);
                    if !was_skipped && !self.is_partly_gone(&payload, from, to) {
                        self.send(from, to, payload);
                    }
                }
            }
            Step::Come { user } => {
                let expected = self.model.come(user);
                let outcome = self.relay.set_online(NAMES[user], true, now_ms);
                self.same(outcome, Ok(expected));
            }
            Step::Go { user } => {
                self.model.queues[user].online = false;
                let outcome = self.relay.set_online(NAMES[user], false, now_ms);
                self.same(outcome, Ok(Vec::new()));
            }
            Step::Acknowledge { user, but } => {
                let through = self.model.queues[user].last.saturating_sub(but);
                self.model.queues[user].items.retain(|sequence, _| *sequence > through);
                let outcome = self.relay.acknowledge(NAMES[user], through, now_ms);
                self.same(outcome, Ok(Vec::new()));
            }
            Step::Wait { ms } => self.model.now_ms += ms,
            Step::Back => {
                let outcome = self.relay.acknowledge(NAMES[0], 0, 0);
                self.same(outcome, Ok(Vec::new()));
            }
            Step::Restart => {
                self.relay = self.store.relay(options());
                self.relay.acknowledge(NAMES[0], 0, now_ms).unwrap();
                self.model.restart();
            }
        }
        let queued = self.model.queues.iter().map(|queue| queue.items.len() as u64).sum::<u64>();
        assert!(self.relay.info().queued >= queued, "the relay drops what is old when it looks");
    }

    /// Whether a group message is in some queues of its recipients and not in others.
    fn is_partly_gone(&self, payload: &[u8], from: usize, to: Option<usize>) -> bool {
        let held = |user: usize| self.model.queues[user].items.values().any(|(_, held)| held == payload);
        to.is_none() && (0..3).filter(|user| *user != from).any(|user| !held(user))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_relay_does_what_its_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.step(&Step::Restart);
        for user in 0..USERS {
            run.step(&Step::Come { user });
        }
    }
}
