//! Time, and what happens in it, one step after another.

use std::collections::BTreeMap;

use sealwax::client::{Client, Emitted, Event};
use sealwax::error::Error;
use sealwax::relay::Outcome;
use sealwax::wire::content::ContentType;
use sealwax::wire::frame::{Frame, Method};

use crate::chance::Chance;
use crate::host::{Deed, Host, NAME};
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::person::Person;
use crate::plan::Plan;
use crate::trace::Trace;

const START_MS: u64 = 1_000_000_000;
const MINUTE_MS: u64 = 60_000;
/// How long a session may take to heal: an hour between two renewals, and as much for what waits at its end.
const HEALING_MS: u64 = 150 * MINUTE_MS;

/// Everybody and everything.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) chance: Chance,
    pub(crate) now_ms: u64,
    pub(crate) people: Vec<Person>,
    pub(crate) host: Host,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    keys: Keys,
    links: BTreeMap<u64, Link>,
    last_link: u64,
    /// What will happen: when, and in the order in which it was decided.
    agenda: BTreeMap<(u64, u64), Step>,
    decided: u64,
    relay_tick_ms: Option<u64>,
    /// Nothing goes wrong any more.
    pub(crate) is_healing: bool,
}

/// A connection. Each side sees it end at another time.
struct Link {
    person: usize,
    /// The relay takes frames from it.
    is_served: bool,
    /// Whatever goes into it is lost.
    is_broken: bool,
    delay_ms: u64,
    /// When the last frame arrives, in each direction: order stands.
    up_ms: u64,
    down_ms: u64,
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
        let mut world = Self {
            plan,
            chance,
            now_ms: START_MS,
            people,
            host,
            ledger: Ledger::default(),
            trace: Trace::new(prints),
            keys: Keys::default(),
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
        world.later(1, Step::Act);
        world
    }

    /// Runs to the end, and looks whether everything arrived.
    pub(crate) fn run(&mut self) {
        let end_ms = START_MS + self.plan.until_ms;
        self.run_until(end_ms);
        self.heal();
        let before = self.ledger.letters.len();
        // What was out of order once is in order again.
        for person in &mut self.people {
            person.restorations = 0;
            person.shown.letters.clear();
        }
        for (from, to) in self.plan.pairs.clone() {
            self.write(from, to);
            self.write(from, to);
        }
        self.run_until(self.now_ms + MINUTE_MS);
        self.await_quiet();
        let all_shown = self.ledger.letters[before..].iter().all(|letter| letter.is_shown);
        assert!(all_shown, "a healed network fails");
    }

    /// Nothing goes wrong any more: after some time everything has arrived.
    fn heal(&mut self) {
        self.trace.note(self.now_ms, "healing");
        self.is_healing = true;
        self.host.dies_after = None;
        for who in 0..self.people.len() {
            self.people[who].listens = true;
            self.people[who].confirms = true;
            self.people[who].undoom();
            if self.people[who].client.is_some() {
                self.flush(who);
            }
        }
        self.await_quiet();
    }

    fn await_quiet(&mut self) {
        let end_ms = self.now_ms + HEALING_MS;
        while !self.unrest().is_empty() {
            assert!(self.now_ms < end_ms, "no rest: {}", self.unrest().join(", "));
            // Not in step with pings.
            let pause_ms = self.chance.between(MINUTE_MS / 2, MINUTE_MS);
            self.run_until(self.now_ms + pause_ms);
        }
    }

    /// What keeps the network from being at rest.
    fn unrest(&self) -> Vec<String> {
        let mut unrest = Vec::new();
        for person in &self.people {
            if person.client.is_none() || person.connection.is_none() {
                unrest.push(format!("{} is away", person.name));
                continue;
            }
            for key in ["outbox", "requests", "events"] {
                if person.count(key) > 0 {
                    unrest.push(format!("{} has {} {key}", person.name, person.count(key)));
                }
            }
        }
        unrest.extend(self.ledger.missing().iter().map(|number| format!("message {number} is missing")));
        let queued = self.host.relay.info().queued;
        if queued > 0 {
            unrest.push(format!("{queued} are queued"));
        }
        unrest
    }

    pub(crate) fn later(&mut self, after_ms: u64, step: Step) {
        self.at(self.now_ms + after_ms, step);
    }

    fn at(&mut self, at_ms: u64, step: Step) {
        self.decided += 1;
        self.agenda.insert((at_ms, self.decided), step);
    }

    fn run_until(&mut self, end_ms: u64) {
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
                if self.links.get(&link).is_some_and(|link| link.is_served) {
                    self.note(format_args!("{link} up {}", tell(&frame)));
                    let outcome = self.host.relay.receive(link, &frame, now_ms).unwrap();
                    self.deal(&outcome);
                }
            }
            Step::Down(link, frame) => {
                let who = self.links[&link].person;
                if self.people[who].connection == Some(link) {
                    self.note(format_args!("p{who} {link} down {}", tell(&frame)));
                    self.with(who, |client| client.receive(&frame, now_ms));
                }
            }
            Step::Gone(link) => self.end_serving(link),
            Step::Lost(link) => self.lose(link),
            Step::Connect(who) => self.connect(who),
            Step::Open(who) => self.open(who),
            Step::Tick(who) => {
                if self.people[who].tick_ms.is_some_and(|tick_ms| tick_ms <= now_ms) {
                    self.people[who].tick_ms = None;
                    self.with(who, |client| client.tick(now_ms));
                }
            }
            Step::RelayTick => {
                self.relay_tick_ms = None;
                self.tick_relay();
            }
            Step::Act => self.act(),
        }
    }

    pub(crate) fn note(&mut self, line: std::fmt::Arguments<'_>) {
        self.trace.note(self.now_ms, &line.to_string());
    }

    /// Somebody writes to somebody, if there is a client that takes it.
    pub(crate) fn write(&mut self, from: usize, to: usize) {
        let number = self.ledger.letters.len();
        let (text, name) = (Ledger::text(number, from, to), self.people[to].name.clone());
        let now_ms = self.now_ms;
        let Some(client) = &mut self.people[from].client else { return };
        match client.send_direct(&name, ContentType::Text, text.as_bytes(), false, now_ms) {
            Ok(id) => {
                assert_eq!(self.ledger.write(from, to, id), number);
                self.people[from].unsettled.push(number);
                self.note(format_args!("p{from} writes {text}"));
            }
            Err(error) => {
                assert_eq!(error, Error::StoreIo);
                self.crash(from);
            }
        }
    }

    /// A client does something, and what comes of it goes its ways.
    fn with(&mut self, who: usize, call: impl FnOnce(&mut Client) -> Result<(), Error>) {
        let Some(client) = &mut self.people[who].client else { return };
        match call(client) {
            Ok(()) => self.flush(who),
            Err(error) => {
                assert_eq!(error, Error::StoreIo);
                self.crash(who);
            }
        }
    }

    /// What waits in a client goes its ways.
    pub(crate) fn flush(&mut self, who: usize) {
        match self.drain(who) {
            Ok(()) => {}
            Err(Error::StoreIo) => self.crash(who),
            Err(error) => panic!("p{who}: {error}"),
        }
    }

    fn drain(&mut self, who: usize) -> Result<(), Error> {
        loop {
            let Some(client) = &mut self.people[who].client else { return Ok(()) };
            let Some(frame) = client.next_frame()? else { break };
            self.keys.watch(&frame);
            if let Some(link) = self.people[who].connection {
                self.carry(link, true, Step::Up(link, frame));
            }
        }
        for number in std::mem::take(&mut self.people[who].unsettled) {
            self.ledger.letters[number].is_certain = true;
        }
        while self.people[who].listens {
            let Some(client) = &mut self.people[who].client else { return Ok(()) };
            let Some(event) = client.next_event()? else { break };
            self.hear(who, event)?;
        }
        let Some(client) = &mut self.people[who].client else { return Ok(()) };
        let due_ms = client.pending()?.due_ms;
        if client.wants_disconnect()
            && let Some(link) = self.people[who].connection
        {
            let is_told =
                !self.plan.is_honest() || self.links[&link].is_broken || !self.links[&link].is_served;
            assert!(is_told, "p{who} ends a connection that nothing is wrong with");
            self.lose(link);
            self.later(10, Step::Gone(link));
            return Ok(());
        }
        let tick_ms = due_ms.map(|due_ms| due_ms.max(self.now_ms + 1));
        if let Some(tick_ms) =
            tick_ms.filter(|tick_ms| self.people[who].tick_ms.is_none_or(|at| *tick_ms < at))
        {
            self.people[who].tick_ms = Some(tick_ms);
            self.at(tick_ms, Step::Tick(who));
        }
        Ok(())
    }

    /// An application deals with an event, unless it has done so before.
    fn hear(&mut self, who: usize, emitted: Emitted) -> Result<(), Error> {
        let Emitted { number, event, .. } = emitted;
        let person = &mut self.people[who];
        if number == 0 || number > person.shown.last_event {
            person.shown.last_event = person.shown.last_event.max(number);
            match &event {
                Event::Message { from, message_id, payload, .. } => {
                    let from: usize = from[1..].parse().unwrap();
                    let mut shown = std::mem::take(&mut self.people[who].shown);
                    let calm = self.people[who].restorations + self.people[from].restorations == 0;
                    let letter = self.ledger.show(&mut shown, who, from, message_id, payload, calm);
                    self.people[who].shown = shown;
                    self.note(format_args!("p{who} is shown {letter}"));
                    if self.plan.client.acks && self.chance.happens(50) {
                        let (from, now_ms) = (self.people[from].name.clone(), self.now_ms);
                        if let Some(client) = &mut self.people[who].client {
                            client.mark_read(&from, &[*message_id], now_ms)?;
                        }
                    }
                }
                Event::Failed { message_id, status, .. } => {
                    let letter = self.ledger.fail(who, message_id, *status);
                    self.note(format_args!("p{who}: {letter} fails: {status}"));
                }
                other => self.note(format_args!("p{who}: {other:?}")),
            }
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

    /// What goes into a connection now comes out at its other end, behind what went before.
    fn carry(&mut self, link: u64, is_up: bool, step: Step) {
        let (now_ms, jitter) = (self.now_ms, self.chance.between(0, 20));
        let Some(found) = self.links.get_mut(&link).filter(|found| !found.is_broken) else { return };
        let last_ms = if is_up { &mut found.up_ms } else { &mut found.down_ms };
        *last_ms = (*last_ms).max(now_ms + 1 + found.delay_ms + jitter);
        let arrives_ms = *last_ms;
        self.at(arrives_ms, step);
    }

    fn connect(&mut self, who: usize) {
        if self.people[who].client.is_none() || self.people[who].connection.is_some() {
            return;
        }
        self.last_link += 1;
        let link = self.last_link;
        let delay_ms = self.chance.time(1, self.plan.delay_max_ms);
        let made = Link { person: who, is_served: true, is_broken: false, delay_ms, up_ms: 0, down_ms: 0 };
        self.links.insert(link, made);
        self.people[who].connection = Some(link);
        self.note(format_args!("p{who} connects by {link}"));
        let user = Some(self.people[who].name.clone()).filter(|_| self.plan.client.method == Method::Host);
        let outcome = self.host.relay.connect(link, user.as_deref(), self.now_ms).unwrap();
        self.deal(&outcome);
        self.tick_relay();
        let now_ms = self.now_ms;
        self.with(who, |client| client.connected(Some(NAME), now_ms));
    }

    /// What a host does with what comes of a call.
    fn deal(&mut self, outcome: &Outcome) {
        for deed in self.host.take(outcome) {
            match deed {
                Deed::Send(link, frame) => {
                    self.carry(link, false, Step::Down(link, frame));
                }
                Deed::Close(link) => {
                    self.carry(link, false, Step::Lost(link));
                    self.later(1, Step::Gone(link));
                }
                Deed::Die => {
                    self.note(format_args!("the relay dies before it sends anything"));
                    self.relay_is_gone();
                }
            }
        }
    }

    fn tick_relay(&mut self) {
        let tick = self.host.relay.tick(self.now_ms).unwrap();
        self.deal(&tick.outcome);
        if let Some(due_ms) = tick.due_ms.filter(|due_ms| self.relay_tick_ms.is_none_or(|at| *due_ms < at)) {
            self.relay_tick_ms = Some(due_ms);
            self.at(due_ms, Step::RelayTick);
        }
    }

    /// The relay finds out that a connection is gone.
    fn end_serving(&mut self, link: u64) {
        let Some(found) = self.links.get_mut(&link).filter(|found| found.is_served) else { return };
        found.is_served = false;
        let outcome = self.host.relay.disconnect(link, self.now_ms).unwrap();
        self.deal(&outcome);
    }

    /// A client finds out that its connection is gone, and makes another one after a while.
    fn lose(&mut self, link: u64) {
        let who = self.links[&link].person;
        if self.people[who].connection != Some(link) {
            return;
        }
        self.note(format_args!("p{who} loses {link}"));
        self.people[who].connection = None;
        let now_ms = self.now_ms;
        self.with(who, |client| client.disconnected(now_ms));
        let after_ms = self.chance.time(10, MINUTE_MS);
        self.later(after_ms, Step::Connect(who));
    }

    /// A connection breaks: what was on its way is lost, and each side finds out some time.
    pub(crate) fn cut(&mut self, who: usize) {
        let Some(link) = self.people[who].connection else { return };
        self.note(format_args!("{link} of p{who} breaks"));
        self.links.get_mut(&link).unwrap().is_broken = true;
        self.agenda.retain(|_, step| !matches!(step, Step::Up(of, _) | Step::Down(of, _) if *of == link));
        let (client_ms, relay_ms) = (self.chance.time(1, MINUTE_MS), self.chance.time(1, 2 * MINUTE_MS));
        self.later(client_ms, Step::Lost(link));
        self.later(relay_ms, Step::Gone(link));
    }

    /// All connections are gone with the relay, and it comes back as its records say.
    pub(crate) fn relay_is_gone(&mut self) {
        let served: Vec<u64> =
            self.links.iter().filter(|(_, link)| link.is_served).map(|(number, _)| *number).collect();
        for link in served {
            self.links.get_mut(&link).unwrap().is_served = false;
            let after_ms = self.chance.time(1, MINUTE_MS);
            self.later(after_ms, Step::Lost(link));
        }
    }

    /// The process of a client is gone, and comes back after a while.
    pub(crate) fn crash(&mut self, who: usize) {
        self.note(format_args!("p{who} is gone"));
        let link = self.people[who].connection;
        self.people[who].die();
        if let Some(link) = link {
            let after_ms = self.chance.time(1, 2 * MINUTE_MS);
            self.later(after_ms, Step::Gone(link));
        }
        let after_ms = self.chance.time(1, 5 * MINUTE_MS);
        self.later(after_ms, Step::Open(who));
    }

    fn open(&mut self, who: usize) {
        if self.people[who].client.is_some() {
            return;
        }
        self.note(format_args!("p{who} is back"));
        match self.people[who].open(self.now_ms) {
            Ok(()) => {
                self.flush(who);
                self.connect(who);
            }
            Err(Error::StoreIo) => self.crash(who),
            Err(error) => panic!("p{who} does not open: {error}"),
        }
    }
}

/// A frame in a few words, without what the system has drawn.
fn tell(frame: &[u8]) -> String {
    let type_byte = frame.get(5).copied().unwrap_or_default();
    match Frame::parse(frame) {
        Ok(parsed) => format!("{}/{} of {} bytes", type_byte, parsed.request, frame.len()),
        Err(_) => format!("rubbish of {} bytes", frame.len()),
    }
}
