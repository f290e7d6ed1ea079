//! Anything in any order: what an application was told is stored arrives once, and in the order of each sender.

use proptest::prelude::*;
use sealwax::error::Error;
use sealwax::wire::content::ContentType;

use crate::bed::Bed;
use crate::common::disk::Death;

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Act {
    Send {
        from: usize,
        to: usize,
    },
    Up(usize),
    Down(usize),
    /// Some of the relay's frames are lost with the connection.
    Cut {
        who: usize,
        arrive: usize,
    },
    Connect(usize),
    Crash(usize),
    DieAt {
        who: usize,
        commit: usize,
        death: Death,
    },
    WipeSession {
        who: usize,
        peer: usize,
    },
    Pass(u64),
    Run,
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..NAMES.len();
    let death = prop_oneof![Just(Death::Before), Just(Death::After)];
    prop_oneof![
        8 => (who.clone(), who.clone()).prop_map(|(from, to)| Act::Send { from, to }),
        6 => who.clone().prop_map(Act::Up),
        6 => who.clone().prop_map(Act::Down),
        1 => (who.clone(), 0..4_usize).prop_map(|(who, arrive)| Act::Cut { who, arrive }),
        2 => who.clone().prop_map(Act::Connect),
        1 => who.clone().prop_map(Act::Crash),
        1 => (who.clone(), 0..6_usize, death).prop_map(|(who, commit, death)| Act::DieAt { who, commit, death }),
        1 => (who.clone(), who).prop_map(|(who, peer)| Act::WipeSession { who, peer }),
        2 => (1..100_000_u64).prop_map(Act::Pass),
        2 => Just(Act::Run),
    ]
}

/// What was asked to be sent, and whether it is certain that it was stored.
struct Sent {
    from: usize,
    to: usize,
    text: String,
    certain: bool,
}

struct World {
    bed: Bed,
    sent: Vec<Sent>,
    wiped: bool,
}

impl World {
    fn new() -> Self {
        Self { bed: Bed::of(&NAMES), sent: Vec::new(), wiped: false }
    }

    /// A store that failed is opened anew, without a connection.
    fn survive<T>(&mut self, who: usize, done: Result<T, Error>) -> bool {
        match done {
            Ok(_) => true,
            Err(Error::StoreIo) => {
                self.bed.crash(NAMES[who]);
                false
            }
            Err(error) => panic!("{}: {error}", NAMES[who]),
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Send { from, to } if from != to => {
                let (text, now_ms) = (format!("{}", self.sent.len()), self.bed.now_ms);
                let client = self.bed.client(NAMES[from]);
                let sent = client.send_direct(NAMES[to], ContentType::Text, text.as_bytes(), false, now_ms);
                let stored = sent.and_then(|_| client.pending());
                let certain = self.survive(from, stored);
                self.sent.push(Sent { from, to, text, certain });
            }
            Act::Up(who) => {
                let done = self.bed.up(NAMES[who]);
                self.survive(who, done);
            }
            Act::Down(who) => {
                let done = self.bed.down(NAMES[who]);
                let done = done.and_then(|_| self.bed.person(NAMES[who]).listen());
                self.survive(who, done);
            }
            Act::Cut { who, arrive } => {
                if self.bed.host.is_connected(NAMES[who]) {
                    self.bed.host.frames(NAMES[who]).truncate(arrive);
                    let done = self.bed.down(NAMES[who]);
                    if self.survive(who, done) {
                        self.bed.disconnect(NAMES[who]);
                    }
                }
            }
            Act::Connect(who) => {
                if !self.bed.host.is_connected(NAMES[who]) {
                    self.bed.connect(NAMES[who]);
                }
            }
            Act::Crash(who) => {
                self.bed.crash(NAMES[who]);
            }
            Act::DieAt { who, commit, death } => self.bed.person(NAMES[who]).disk.die_at(commit, death),
            Act::WipeSession { who, peer } if who != peer => {
                self.bed.person(NAMES[who]).disk.spare();
                self.bed.wipe_session(NAMES[who], NAMES[peer]);
                // Two handshakes of one moment are told apart by nothing that grows.
                self.bed.now_ms += 1;
                self.wiped = true;
            }
            Act::Pass(ms) => self.bed.now_ms += ms,
            Act::Run => {
                for who in 0..NAMES.len() {
                    self.act(&Act::Up(who));
                    self.act(&Act::Down(who));
                }
            }
            Act::Send { .. } | Act::WipeSession { .. } => {}
        }
    }

    /// Everything works again, for long enough.
    fn heal(&mut self) {
        for (who, name) in NAMES.iter().enumerate() {
            self.bed.person(name).disk.spare();
            self.act(&Act::Crash(who));
            self.act(&Act::Connect(who));
        }
        self.bed.pass(10_000);
        // Who lost a session is told by what it cannot open: each writes to each.
        for round in 0..3 {
            for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
                let text = format!("{}", self.sent.len());
                self.bed.send(NAMES[from], NAMES[to], &text);
                self.sent.push(Sent { from, to, text, certain: true });
            }
            self.bed.pass(if round == 0 { 10_000 } else { 2 * 3_600_000 });
        }
    }

    fn check(&mut self) {
        for (to, recipient) in NAMES.iter().enumerate() {
            for (from, sender) in NAMES.iter().enumerate() {
                let texts = self.bed.person(recipient).texts_of(sender);
                let sent: Vec<&Sent> =
                    self.sent.iter().filter(|sent| sent.from == from && sent.to == to).collect();
                for Sent { text, certain, .. } in sent.iter().copied() {
                    let times = texts.iter().filter(|shown| *shown == text).count();
                    assert!(times <= 1, "{text} was shown {times} times");
                    assert!(times == 1 || !certain, "{text} from {from} to {to} is lost: {texts:?}");
                }
                let numbers: Vec<usize> = texts.iter().map(|text| text.parse().unwrap()).collect();
                // What is sent again comes after what had left by then.
                assert!(self.wiped || numbers.is_sorted(), "from {from} to {to}: {numbers:?}");
            }
        }
        for name in NAMES {
            assert_eq!(self.bed.person(name).count("outbox"), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_stored_arrives_once_and_in_order(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        acts.iter().for_each(|act| world.act(act));
        world.heal();
        world.check();
    }
}
