//! Many clients on one relay, all in this process: who does what, how long it takes, and what goes over the wire.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::abi::NOW;
use crate::abi::engines::{Client, FRAME_ROOM, News};
use crate::abi::{Deliveries, Relay};
use crate::pairs::timed;

const NAME: &str = "relay";
/// `SEALWAX_EVENT_GROUP_CREATED`, `_GROUP_JOINED`, `_GROUP_MESSAGE`.
const CREATED: u32 = 20;
const JOINED: u32 = 21;
const MESSAGE: u32 = 29;
/// Steps of time after which a step has failed.
const PATIENCE: usize = 10_000;

/// What one side did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Frames that it sent, and their bytes.
    pub sent: (usize, usize),
    /// Frames that it was given, and their bytes.
    pub given: (usize, usize),
    /// Time on a processor.
    pub took: Duration,
}

impl Work {
    fn since(self, before: Self) -> Self {
        let less = |one: (usize, usize), other: (usize, usize)| (one.0 - other.0, one.1 - other.1);
        Self {
            sent: less(self.sent, before.sent),
            given: less(self.given, before.given),
            took: self.took - before.took,
        }
    }
}

/// What happened until everybody had what they were to get.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Of whom it starts with.
    pub creator: Work,
    /// Of the relay.
    pub relay: Work,
    /// Of all others together.
    pub members: Work,
    /// By the clocks of all sides, which stand still while they work: what the limits of the relay cost.
    pub waited_ms: u64,
}

/// A relay, and people who are connected to it.
pub struct Town {
    relay: Relay,
    clients: Vec<Client>,
    /// Frames on their way to each.
    down: Vec<VecDeque<Vec<u8>>>,
    work: Vec<Work>,
    of_relay: Work,
    /// Who may have something to do.
    busy: BTreeSet<usize>,
    news: Vec<(usize, News)>,
    now_ms: u64,
    frame: Vec<u8>,
}

fn user(at: usize) -> String {
    format!("member-{at:04}")
}

impl Town {
    /// So many people, connected, with their prekeys at the relay.
    #[must_use]
    pub fn new(people: usize) -> Self {
        let mut town = Self {
            relay: Relay::named(NAME),
            clients: (0..people).map(|at| Client::new(&user(at), NOW)).collect(),
            down: vec![VecDeque::new(); people],
            work: vec![Work::default(); people],
            of_relay: Work::default(),
            busy: (0..people).collect(),
            news: Vec::new(),
            now_ms: NOW,
            frame: vec![0; FRAME_ROOM],
        };
        for (at, client) in town.clients.iter().enumerate() {
            let _ = town.relay.connect(at as u64 + 1, NOW);
            client.connected(NAME, NOW);
        }
        town.run();
        town.news.clear();
        town
    }

    /// The first one founds a group of all, and writes to it twice: the steps, each until every other member was told.
    #[must_use]
    pub fn found_and_write(&mut self, message: &[u8]) -> [Step; 3] {
        let others: Vec<String> = (1..self.clients.len()).map(user).collect();
        let now_ms = self.now_ms;
        let founded = self.step(JOINED, |town| {
            let create = || town.clients[0].create_group("everybody", &others, now_ms);
            town.work[0].took += timed(create);
        });
        let group = self.news.iter().find(|(_, news)| news.kind == CREATED).and_then(|(_, news)| news.group);
        let group = group.expect("the group is there");
        let mut write = || {
            self.step(MESSAGE, |town| {
                let (client, now_ms) = (&town.clients[0], town.now_ms);
                let took = timed(|| client.send_group(&group, message, now_ms));
                town.work[0].took += took;
            })
        };
        [founded, write(), write()]
    }

    /// Does something, and waits until all but the first one were told of it with an event of this kind.
    fn step(&mut self, kind: u32, start: impl FnOnce(&mut Self)) -> Step {
        let (work, of_relay, since_ms) = (self.work.clone(), self.of_relay, self.now_ms);
        self.news.clear();
        start(self);
        self.busy.insert(0);
        let others = self.clients.len() - 1;
        let mut told = 0;
        for turn in 0.. {
            self.run();
            assert!(self.news.iter().all(|(_, news)| news.status == 0), "something failed");
            told = self.news.iter().filter(|(at, news)| *at > 0 && news.kind == kind).count();
            if told >= others {
                break;
            }
            assert!(turn < PATIENCE, "{told} of {others} were told");
            self.pass();
        }
        assert_eq!(told, others);
        let mut members = Work::default();
        for (work, before) in self.work.iter().zip(&work).skip(1) {
            let Work { sent, given, took } = work.since(*before);
            members.sent = (members.sent.0 + sent.0, members.sent.1 + sent.1);
            members.given = (members.given.0 + given.0, members.given.1 + given.1);
            members.took += took;
        }
        Step {
            creator: self.work[0].since(work[0]),
            relay: self.of_relay.since(of_relay),
            members,
            waited_ms: self.now_ms - since_ms,
        }
    }

    /// The clocks go on to when something is due.
    fn pass(&mut self) {
        let due: Vec<u64> = self.clients.iter().map(Client::due_ms).collect();
        let next_ms = due.iter().min().copied().unwrap_or(u64::MAX);
        assert!(next_ms < u64::MAX, "nothing is due");
        self.now_ms = next_ms.max(self.now_ms + 1);
        let now_ms = self.now_ms;
        for (at, _) in due.iter().enumerate().filter(|(_, due_ms)| **due_ms <= now_ms) {
            let client = &self.clients[at];
            self.work[at].took += timed(|| client.tick(now_ms));
            self.busy.insert(at);
        }
    }

    /// Frames go to and fro until nothing moves.
    fn run(&mut self) {
        while let Some(at) = self.busy.pop_first() {
            self.turn(at);
        }
    }

    /// One of them takes what has come, and says what there is to say.
    fn turn(&mut self, at: usize) {
        let now_ms = self.now_ms;
        let (client, work) = (&self.clients[at], &mut self.work[at]);
        let came: Vec<Vec<u8>> = self.down[at].drain(..).collect();
        for frame in &came {
            work.given = (work.given.0 + 1, work.given.1 + frame.len());
        }
        work.took += timed(|| came.iter().for_each(|frame| client.receive(frame, now_ms)));
        loop {
            let (client, work, frame) = (&self.clients[at], &mut self.work[at], &mut self.frame);
            let mut len = None;
            work.took += timed(|| len = client.next_frame(frame));
            let Some(len) = len else { break };
            work.sent = (work.sent.0 + 1, work.sent.1 + len);
            let of_relay = &mut self.of_relay;
            of_relay.given = (of_relay.given.0 + 1, of_relay.given.1 + len);
            let (relay, frame) = (&self.relay, &self.frame[..len]);
            let mut deliveries: Option<Deliveries> = None;
            of_relay.took += timed(|| deliveries = Some(relay.receive(at as u64 + 1, frame, now_ms)));
            for (connection, frame) in deliveries.iter().flat_map(Deliveries::frames) {
                self.of_relay.sent = (self.of_relay.sent.0 + 1, self.of_relay.sent.1 + frame.len());
                let to = connection as usize - 1;
                self.down[to].push_back(frame);
                self.busy.insert(to);
            }
        }
        let (client, work, news) = (&self.clients[at], &mut self.work[at], &mut self.news);
        work.took += timed(|| news.extend(core::iter::from_fn(|| client.next_event()).map(|one| (at, one))));
    }
}
