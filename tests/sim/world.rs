//! Time, and what happens in it, one step after another.

use std::collections::{BTreeMap, BTreeSet};

use sealwax::error::Error;
use sealwax::wire::frame::{Body, Frame};

use crate::chance::Chance;
use crate::chronicle::Chronicle;
use crate::eavesdropper::Ear;
use crate::host::{Host, is_presence};
use crate::hostile_member::Mallory;
use crate::hostile_relay::Cheat;
use crate::keys::Keys;
use crate::ledger::{Ledger, To};
use crate::links::Link;
use crate::past::Past;
use crate::person::Person;
use crate::pins::Pins;
use crate::plan::{Kind, Plan};
use crate::sealing::Sealing;
use crate::selves::Selves;
use crate::split::{Evidence, Split};
use crate::swapped::Swapped;
use crate::trace::Trace;
use crate::wishes::Wishes;

pub(crate) const START_MS: u64 = 1_000_000_000;
pub(crate) const MINUTE_MS: u64 = 60_000;

/// Everybody and everything.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) chance: Chance,
    pub(crate) now_ms: u64,
    pub(crate) people: Vec<Person>,
    pub(crate) host: Host,
    pub(crate) ledger: Ledger,
    pub(crate) chronicle: Chronicle,
    pub(crate) wishes: Wishes,
    pub(crate) trace: Trace,
    /// Bends what goes in and out of the relay, until the network heals.
    pub(crate) cheat: Option<Cheat>,
    pub(crate) mallory: Option<Mallory>,
    pub(crate) pins: Pins,
    /// Who was told that which group is forked.
    pub(crate) forked: BTreeSet<(usize, usize)>,
    /// And who that there may be another history of it, or that it is no member any more.
    pub(crate) told: BTreeSet<(usize, usize)>,
    pub(crate) split: Option<Split>,
    pub(crate) evidence: Evidence,
    /// Who was restored once, and may have forgotten a group.
    pub(crate) has_forgotten: BTreeSet<usize>,
    pub(crate) keys: Keys,
    pub(crate) swapped: Swapped,
    pub(crate) past: Past,
    pub(crate) selves: Selves,
    pub(crate) sealing: Sealing,
    /// Group messages that the relay has said to have.
    pub(crate) taken: BTreeSet<Vec<u8>>,
    pub(crate) ears: Vec<Ear>,
    /// What was sent since there is an eavesdropper.
    pub(crate) overheard: Vec<Vec<u8>>,
    pub(crate) links: BTreeMap<u64, Link>,
    pub(crate) last_link: u64,
    /// What will happen: when, and in the order in which it was decided.
    agenda: BTreeMap<(u64, u64), Step>,
    decided: u64,
    pub(crate) relay_tick_ms: Option<u64>,
    /// Nothing goes wrong any more.
    pub(crate) is_healing: bool,
}

pub(crate) enum Step {
    /// A frame reaches the relay, or a client.
    Up(u64, Vec<u8>),
    Down(u64, Vec<u8>),
    /// The relay, or the client, finds out that a connection is gone.
    Gone(u64),
    Lost(u64),
    Connect(usize),
    /// A client that was gone comes back.
    Open(usize),
    Tick(usize),
    RelayTick,
    /// Somebody decides on the new identity of another.
    Decide(usize, usize),
    /// Something happens.
    Act,
}

impl World {
    pub(crate) fn new(seed: u64, prints: bool) -> Self {
        let mut chance = Chance::new(seed);
        let plan = Plan::draw(&mut chance);
        let mut relay_id = [1; 16];
        relay_id[..8].copy_from_slice(&seed.to_be_bytes());
        let host = Host::new(plan.relay, relay_id);
        let people = (0..plan.people).map(|at| Person::new(format!("p{at}"), seed, &plan.client)).collect();
        let ledger = Ledger::new(plan.client.padding);
        let mut world = Self {
            plan,
            chance,
            now_ms: START_MS,
            people,
            host,
            ledger,
            chronicle: Chronicle::default(),
            wishes: Wishes::default(),
            trace: Trace::new(prints),
            cheat: None,
            mallory: None,
            pins: Pins::default(),
            forked: BTreeSet::new(),
            told: BTreeSet::new(),
            split: None,
            evidence: Evidence::default(),
            has_forgotten: BTreeSet::new(),
            keys: Keys::default(),
            swapped: Swapped::default(),
            past: Past::default(),
            selves: Selves::default(),
            sealing: Sealing::default(),
            taken: BTreeSet::new(),
            ears: Vec::new(),
            overheard: Vec::new(),
            links: BTreeMap::new(),
            last_link: 0,
            agenda: BTreeMap::new(),
            decided: 0,
            relay_tick_ms: None,
            is_healing: false,
        };
        for who in 0..world.people.len() {
            world.people[who].create(START_MS).unwrap();
            let after_ms = world.chance.time(1, MINUTE_MS);
            world.later(after_ms, Step::Connect(who));
        }
        if world.plan.kind == Kind::HostileRelay {
            let fingerprint = |person: &Person| (person.name.clone(), *person.fingerprint().as_bytes());
            let fingerprints = world.people.iter().map(fingerprint).collect();
            let chance = Chance::new(world.chance.number());
            world.cheat = Some(Cheat::new(chance, !world.plan.restores, fingerprints));
        }
        if world.plan.has_cheat() {
            world.let_in(seed);
            (0..world.people.len()).for_each(|who| world.ledger.bear_with(who));
        }
        let (kind, people) = (world.plan.kind, world.plan.people);
        world.note(format_args!("{kind:?}, {people} people"));
        world.later(1, Step::Act);
        world
    }

    pub(crate) fn later(&mut self, after_ms: u64, step: Step) {
        self.at(self.now_ms + after_ms, step);
    }

    pub(crate) fn at(&mut self, at_ms: u64, step: Step) {
        self.decided += 1;
        self.agenda.insert((at_ms, self.decided), step);
    }

    /// These will not happen after all.
    pub(crate) fn forget_steps(&mut self, is_it: impl Fn(&Step) -> bool) {
        self.agenda.retain(|_, step| !is_it(step));
    }

    pub(crate) fn run_until(&mut self, end_ms: u64) {
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= end_ms) {
            let ((at_ms, _), step) = entry.remove_entry();
            self.now_ms = self.now_ms.max(at_ms);
            self.step(step);
        }
        self.now_ms = self.now_ms.max(end_ms);
    }

    fn step(&mut self, step: Step) {
        let now_ms = self.now_ms;
        match step {
            Step::Up(link, frame) => {
                self.note(format_args!("{link} up {}", tell(&frame)));
                self.serve(link, &frame);
            }
            Step::Down(link, frame) => {
                let who = self.links[&link].person;
                if self.people[who].connection == Some(link) {
                    self.note(format_args!("p{who} {link} down {}", tell(&frame)));
                    let is_delivery = |body| matches!(body, Body::Deliver { .. });
                    self.people[who].was_given |=
                        Frame::parse(&frame).is_ok_and(|frame| is_delivery(frame.body));
                    if self.cheat.is_some() && is_presence(&frame) {
                        self.take_presence(who, &frame);
                    } else {
                        self.with(who, |client| client.receive(&frame, now_ms));
                    }
                }
            }
            Step::Gone(link) => self.end_serving(link),
            Step::Lost(link) => self.lose(link),
            Step::Connect(who) => self.connect(who),
            Step::Open(who) => self.open(who),
            Step::Tick(who) => {
                if self.people[who].tick_ms.is_some_and(|tick_ms| tick_ms <= now_ms) {
                    self.people[who].tick_ms = None;
                    self.people[who].count_tick(now_ms);
                    self.with(who, |client| client.tick(now_ms));
                    self.check_rest(who);
                }
            }
            Step::RelayTick => {
                self.relay_tick_ms = None;
                self.tick_relay();
            }
            Step::Decide(who, whom) => self.decide_for_good(who, whom),
            Step::Act => self.act(),
        }
    }

    /// Something has happened that runs are to have in them.
    pub(crate) fn did(&mut self, what: &'static str) {
        *self.trace.deeds.entry(what).or_default() += 1;
    }

    /// A client that has just had its tick needs none now: its host would do nothing else.
    fn check_rest(&mut self, who: usize) {
        let Some(client) = &mut self.people[who].client else { return };
        let due_ms = client.pending().ok().and_then(|pending| pending.due_ms);
        assert!(
            due_ms.is_none_or(|due_ms| due_ms > self.now_ms),
            "p{who} is due at {due_ms:?}, and was served"
        );
    }

    pub(crate) fn note(&mut self, line: std::fmt::Arguments<'_>) {
        self.trace.note(self.now_ms, &line.to_string());
    }

    /// Somebody writes to somebody, if there is a client that takes it.
    pub(crate) fn write(&mut self, from: usize, whom: usize) {
        let (now_ms, to) = (self.now_ms, To::One(whom));
        let (draft, name) = (self.ledger.draft(from, to), self.people[whom].name.clone());
        let Some(client) = &mut self.people[from].client else { return };
        match client.send_direct(&name, draft.content_type, &draft.payload, false, now_ms) {
            Ok(id) => {
                let number = self.ledger.write(draft, self.people[from].selves, id);
                self.people[from].unsettled.push(number);
                self.note(format_args!("p{from} writes {number} to {to}"));
            }
            Err(error) => {
                assert_eq!(error, Error::StoreIo);
                self.crash(from);
            }
        }
    }
}

/// The number of somebody by the name.
pub(crate) fn who_is(name: &str) -> Option<usize> {
    name.strip_prefix('p')?.parse().ok()
}

/// A frame in a few words, without what the system has drawn.
fn tell(frame: &[u8]) -> String {
    let type_byte = frame.get(5).copied().unwrap_or_default();
    match Frame::parse(frame) {
        Ok(parsed) => format!("{}/{} of {} bytes", type_byte, parsed.request, frame.len()),
        Err(_) => format!("rubbish of {} bytes", frame.len()),
    }
}
