//! Any frames of any connections: no panic, sequences in order, nothing to whom it does not belong.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use sealwax::relay::RelayOptions;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::frame::{Body, Envelopes, Frame, Method, Users};

use crate::common::group::{group, person};
use crate::common::relay::{direct, to_group};
use crate::town::{Memory, Town, list};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

static ROSTER: LazyLock<Roster> = LazyLock::new(|| {
    group(&person("alice"), &[&person("bob")], RosterPolicy { open: true, ..RosterPolicy::default() })
});

#[derive(Debug, Clone)]
enum Step {
    Connect { connection: u64, vouched: Option<usize> },
    Hello { connection: u64, user: usize, proof: bool, seen: u64 },
    Direct { connection: u64, from: usize, to: usize, mark: u32 },
    ToGroup { connection: u64, from: usize, mark: u32 },
    Many { connection: u64, from: usize, mark: u32 },
    Create { connection: u64 },
    Watch { connection: u64, is_visible: bool },
    Acknowledge { connection: u64, sequence: u64 },
    Ask { connection: u64, which: usize },
    Noise { connection: u64, bytes: Vec<u8> },
    Disconnect { connection: u64 },
    Wait { ms: u64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let c = || 1..5_u64;
    let user = || 0..NAMES.len();
    prop_oneof![
        4 => (c(), prop::option::weighted(0.8, user())).prop_map(|(connection, vouched)| Step::Connect { connection, vouched }),
        6 => (c(), user(), prop::bool::weighted(0.2), 0..4_u64)
            .prop_map(|(connection, user, proof, seen)| Step::Hello { connection, user, proof, seen }),
        6 => (c(), user(), user(), 0..9_u32).prop_map(|(connection, from, to, mark)| Step::Direct { connection, from, to, mark }),
        4 => (c(), user(), 0..9_u32).prop_map(|(connection, from, mark)| Step::ToGroup { connection, from, mark }),
        2 => (c(), user(), 0..9_u32).prop_map(|(connection, from, mark)| Step::Many { connection, from, mark }),
        2 => c().prop_map(|connection| Step::Create { connection }),
        2 => (c(), any::<bool>()).prop_map(|(connection, is_visible)| Step::Watch { connection, is_visible }),
        3 => (c(), 0..6_u64).prop_map(|(connection, sequence)| Step::Acknowledge { connection, sequence }),
        2 => (c(), 0..4_usize).prop_map(|(connection, which)| Step::Ask { connection, which }),
        1 => (c(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(connection, bytes)| Step::Noise { connection, bytes }),
        2 => c().prop_map(|connection| Step::Disconnect { connection }),
        1 => (0..60_000_u64).prop_map(|ms| Step::Wait { ms }),
        1 => Just(Step::Restart),
    ]
}

/// What the host knows of a connection.
#[derive(Default)]
struct Watched {
    number: u64,
    vouched: Option<&'static str>,
    is_welcomed: bool,
    last: u64,
    has_ended: bool,
}

struct World {
    town: Town,
    /// By a number of the steps, which one connection after another has.
    connections: BTreeMap<u64, Watched>,
    last_number: u64,
}

impl World {
    fn run(&mut self, step: &Step) {
        match *step {
            Step::Connect { connection, vouched } => {
                let vouched = vouched.map(|at| NAMES[at]);
                if let Some(watched) = self.connections.get(&connection) {
                    assert!(self.town.connect(watched.number, vouched).is_err());
                    return;
                }
                self.last_number += 1;
                let watched = Watched { number: self.last_number, vouched, ..Watched::default() };
                self.town.connect(watched.number, vouched).unwrap();
                self.connections.insert(connection, watched);
            }
            Step::Hello { connection, user, proof, seen } => {
                let method = if proof { Method::Proof } else { Method::Host };
                let memory = Memory { seen, ..Memory::default() };
                let hello = self.town.hello(NAMES[user], method, &memory);
                self.frame(connection, &hello);
            }
            Step::Direct { connection, from, to, mark } => {
                let envelope = direct(NAMES[from], NAMES[to], mark);
                self.body(connection, Body::Send { commit: mark.into(), envelope: &envelope });
            }
            Step::ToGroup { connection, from, mark } => {
                let envelope = to_group(NAMES[from], ROSTER.group_id(), mark);
                self.body(connection, Body::Send { commit: 0, envelope: &envelope });
            }
            Step::Many { connection, from, mark } => {
                let (one, two) = (direct(NAMES[from], "bob", mark), direct(NAMES[from], "alice", mark));
                let envelopes = Envelopes::encode([&one[..], &two]).unwrap();
                self.body(connection, Body::SendMany { commit: 0, envelopes: list(&envelopes) });
            }
            Step::Create { connection } => {
                self.body(connection, Body::Commit { commit: 0, entry: ROSTER.entries(0) });
            }
            Step::Watch { connection, is_visible } => {
                let users = Users::encode(NAMES).unwrap();
                self.body(connection, Body::Watch { is_visible, users: list(&users) });
            }
            Step::Acknowledge { connection, sequence } => {
                self.body(connection, Body::Acknowledge { commit: 0, sequence });
            }
            Step::Ask { connection, which } => {
                let body = match which {
                    0 => Body::Ping,
                    1 => Body::Find { label: "team" },
                    2 => Body::Lookup { user: "bob" },
                    _ => Body::FetchLog { group_id: ROSTER.group_id(), from_epoch: 0 },
                };
                self.body(connection, body);
            }
            Step::Noise { connection, ref bytes } => self.frame(connection, bytes),
            Step::Disconnect { connection } => {
                if let Some(watched) = self.connections.remove(&connection) {
                    self.town.disconnect(watched.number);
                }
            }
            Step::Wait { ms } => {
                self.town.now_ms += ms;
                self.town.tick();
            }
            Step::Restart => {
                self.town.restart();
                self.connections.clear();
            }
        }
        self.look();
    }

    fn body(&mut self, connection: u64, body: Body<'_>) {
        let request = if matches!(body, Body::Acknowledge { .. }) { 0 } else { 1 };
        self.frame(connection, &Frame { request, body }.to_bytes().unwrap());
    }

    fn frame(&mut self, connection: u64, frame: &[u8]) {
        if let Some(watched) = self.connections.get(&connection) {
            self.town.receive(watched.number, frame);
        } else {
            assert!(self.town.relay.receive(u64::MAX, frame, self.town.now_ms).is_err());
        }
    }

    /// Looks at everything that arrived.
    fn look(&mut self) {
        for number in self.town.reached() {
            for frame in self.town.arrived(number) {
                let watched = self.connections.values_mut().find(|watched| watched.number == number);
                let watched = watched.expect("to a connection that there is");
                match Frame::parse(&frame).unwrap().body {
                    Body::Welcome(welcome) => {
                        assert!(watched.vouched.is_some() && !watched.is_welcomed);
                        (watched.is_welcomed, watched.last) = (true, welcome.acknowledged);
                        watched.has_ended = false;
                    }
                    Body::Error { .. } | Body::Challenge { .. } => {}
                    Body::Deliver { sequence, payload } => {
                        assert!(watched.is_welcomed);
                        assert!(sequence > watched.last, "in order");
                        watched.last = sequence;
                        if let Ok(envelope) = sealwax::wire::envelope::Envelope::parse(payload) {
                            assert!(envelope.recipient.is_none_or(|to| Some(to) == watched.vouched));
                        }
                    }
                    Body::QueueEnd => {
                        assert!(watched.is_welcomed && !watched.has_ended);
                        watched.has_ended = true;
                    }
                    _ => assert!(watched.is_welcomed),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_comes_a_connection_gets_its_own_in_order(steps in prop::collection::vec(step(), 1..60)) {
        let options = RelayOptions { queue_max: 12, queue_age_max_ms: 100_000, requests_burst: 20, ..RelayOptions::default() };
        let mut world = World { town: Town::with(options), connections: BTreeMap::new(), last_number: 0 };
        steps.iter().for_each(|step| world.run(step));
    }
}
