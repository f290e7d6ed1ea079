//! People with clients, a relay, and time.

use std::collections::BTreeMap;

use sealwax::client::{Client, ClientOptions, Emitted, Event, MessageId, MessageState};
use sealwax::error::Error;
use sealwax::identity::{Fingerprint, IdentityOptions};
use sealwax::store::{Changes, Name, Store};
use sealwax::wire::content::ContentType;

use crate::common::ScriptedRandom;
use crate::common::disk::Disk;
use crate::common::host::Host;

/// The kind of the records that hold sessions.
const SESSION: u8 = 4;
pub(crate) const KEY: [u8; 32] = [7; 32];

/// Someone with a client: what it lies on, and what its application has seen.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) disk: Disk,
    pub(crate) client: Option<Client>,
    pub(crate) options: ClientOptions,
    /// Events as the application counts them: none twice.
    pub(crate) events: Vec<Event>,
    last_number: u64,
    openings: usize,
    /// Whether the application confirms what it has seen.
    pub(crate) confirms: bool,
    /// How far its clock is ahead of everybody's.
    pub(crate) ahead_ms: i64,
}

/// Everybody.
pub(crate) struct Bed {
    pub(crate) host: Host,
    pub(crate) people: BTreeMap<String, Person>,
    pub(crate) now_ms: u64,
    lives: usize,
}

impl Person {
    fn new(name: &str, options: ClientOptions, born: usize) -> Self {
        Self {
            name: name.into(),
            disk: Disk::default(),
            client: None,
            options,
            events: Vec::new(),
            last_number: 0,
            openings: born,
            confirms: true,
            ahead_ms: 0,
        }
    }

    fn rng(&mut self, what: &str) -> Box<ScriptedRandom> {
        self.openings += 1;
        Box::new(ScriptedRandom::new(&format!("{} {} {what}", self.name, self.openings)))
    }

    fn store(&mut self) -> Result<Store, Error> {
        let mut rng = self.rng("store");
        Store::open_on(self.disk.medium(), &KEY, &mut *rng)
    }

    pub(crate) fn create(&mut self, now_ms: u64) -> Result<(), Error> {
        let store = self.store()?;
        let (rng, options) = (self.rng("client"), self.options.clone());
        self.client =
            Some(Client::create(store, &self.name, IdentityOptions::default(), options, rng, now_ms)?);
        Ok(())
    }

    pub(crate) fn open(&mut self, now_ms: u64) -> Result<(), Error> {
        self.client = None;
        let store = self.store()?;
        let (rng, options) = (self.rng("client"), self.options.clone());
        self.client = Some(Client::open(store, options, rng, now_ms)?);
        Ok(())
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        self.client.as_mut().unwrap()
    }

    /// The application was restored with its client.
    pub(crate) fn forget_numbers(&mut self) {
        self.last_number = 0;
    }

    /// Takes what the client tells, as an application does that remembers what it has dealt with.
    pub(crate) fn listen(&mut self) -> Result<(), Error> {
        while let Some(Emitted { number, event, .. }) = self.client().next_event()? {
            if number == 0 || number > self.last_number {
                self.events.push(event);
            }
            if number > 0 {
                self.last_number = self.last_number.max(number);
                if self.confirms {
                    self.client().confirm(number)?;
                }
            }
        }
        Ok(())
    }

    /// The texts that were shown, with their senders.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        let text = |event: &Event| match event {
            Event::Message { from, payload, .. } => {
                Some((from.to_string(), String::from_utf8(payload.to_vec()).unwrap()))
            }
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    /// The texts that one of them sent.
    pub(crate) fn texts_of(&self, sender: &str) -> Vec<String> {
        self.texts().into_iter().filter(|(from, _)| from == sender).map(|(_, text)| text).collect()
    }

    /// How far one message has come, and why it failed.
    pub(crate) fn states(&self, id: &MessageId) -> Vec<Result<MessageState, Error>> {
        let state = |event: &Event| match event {
            Event::Ack { message_id, state, .. } if message_id == id => Some(Ok(*state)),
            Event::Failed { message_id, status, .. } if message_id == id => Some(Err(*status)),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    /// The new identities that were shown.
    pub(crate) fn changes(&self) -> Vec<Fingerprint> {
        let change = |event: &Event| match event {
            Event::IdentityChanged { fingerprint, .. } => Some(*fingerprint),
            _ => None,
        };
        self.events.iter().filter_map(change).collect()
    }

    /// A number of the client's info.
    pub(crate) fn count(&mut self, key: &str) -> u64 {
        let info: serde_json::Value = serde_json::from_str(&self.client().info()).unwrap();
        info[key].as_u64().unwrap()
    }
}

impl Bed {
    /// These people, connected.
    pub(crate) fn of(names: &[&str]) -> Self {
        Self::with(names, &ClientOptions::default())
    }

    pub(crate) fn with(names: &[&str], options: &ClientOptions) -> Self {
        Self::at(1_000_000_000, names, options)
    }

    /// These people, connected at that time.
    pub(crate) fn at(now_ms: u64, names: &[&str], options: &ClientOptions) -> Self {
        let mut bed = Self { host: Host::new("relay"), people: BTreeMap::new(), now_ms, lives: 0 };
        for name in names {
            bed.add(name, options);
        }
        bed.run();
        bed
    }

    pub(crate) fn add(&mut self, name: &str, options: &ClientOptions) {
        self.lives += 1;
        let mut person = Person::new(name, options.clone(), 1_000 * self.lives);
        person.create(self.now_ms).unwrap();
        self.people.insert(name.into(), person);
        self.connect(name);
    }

    pub(crate) fn person(&mut self, name: &str) -> &mut Person {
        self.people.get_mut(name).unwrap()
    }

    pub(crate) fn client(&mut self, name: &str) -> &mut Client {
        self.person(name).client()
    }

    /// What somebody's clock shows.
    pub(crate) fn time_of(&mut self, name: &str) -> u64 {
        self.now_ms.saturating_add_signed(self.person(name).ahead_ms)
    }

    pub(crate) fn connect(&mut self, name: &str) {
        let (now_ms, own_ms) = (self.now_ms, self.time_of(name));
        let method = self.person(name).options.method;
        self.host.disconnect(name, now_ms);
        self.host.connect(name, method, now_ms);
        self.client(name).connected(Some("relay"), own_ms).unwrap();
    }

    pub(crate) fn disconnect(&mut self, name: &str) {
        let (now_ms, own_ms) = (self.now_ms, self.time_of(name));
        self.host.disconnect(name, now_ms);
        self.client(name).disconnected(own_ms).unwrap();
    }

    /// The client is gone from one moment to the next, and comes back.
    pub(crate) fn crash(&mut self, name: &str) {
        let now_ms = self.now_ms;
        self.person(name).client = None;
        self.host.disconnect(name, now_ms);
        self.person(name).open(now_ms).unwrap();
    }

    /// The relay is another one, which knows nobody and numbers anew.
    pub(crate) fn replace_relay(&mut self) {
        self.host = Host::new("relay");
    }

    /// A client loses its session with a peer, and nothing else. It is not connected then.
    pub(crate) fn wipe_session(&mut self, name: &str, peer: &str) {
        let now_ms = self.now_ms;
        self.host.disconnect(name, now_ms);
        let person = self.person(name);
        person.client = None;
        let mut store = person.store().unwrap();
        let mut changes = Changes::new();
        changes.delete(Name::new(SESSION).bytes(peer));
        let mut rng = person.rng("wipe");
        store.commit(&mut *rng, &changes).unwrap();
        drop(store);
        person.open(now_ms).unwrap();
    }

    /// The client is closed, and comes back.
    pub(crate) fn close(&mut self, name: &str) {
        let (now_ms, own_ms) = (self.now_ms, self.time_of(name));
        self.host.disconnect(name, now_ms);
        drop(self.person(name).client.take().unwrap().close().unwrap());
        self.person(name).open(own_ms).unwrap();
    }

    pub(crate) fn send(&mut self, from: &str, to: &str, text: &str) -> MessageId {
        let now_ms = self.time_of(from);
        self.client(from).send_direct(to, ContentType::Text, text.as_bytes(), false, now_ms).unwrap()
    }

    /// Frames of a client go to the relay. Answers how many.
    pub(crate) fn up(&mut self, name: &str) -> Result<usize, Error> {
        let (now_ms, mut count) = (self.now_ms, 0);
        let Some(person) = self.people.get_mut(name).filter(|person| person.client.is_some()) else {
            return Ok(0);
        };
        while let Some(frame) = person.client().next_frame()? {
            self.host.receive(name, &frame, now_ms);
            count += 1;
        }
        Ok(count)
    }

    /// Frames of the relay go to a client. Answers how many.
    pub(crate) fn down(&mut self, name: &str) -> Result<usize, Error> {
        let (now_ms, mut count) = (self.now_ms, 0);
        let Some(person) = self.people.get_mut(name).filter(|person| person.client.is_some()) else {
            return Ok(0);
        };
        let own_ms = now_ms.saturating_add_signed(person.ahead_ms);
        while let Some(frame) = self.host.next_frame(name) {
            person.client().receive(&frame, own_ms)?;
            count += 1;
        }
        if self.host.has_ended(name) {
            self.host.disconnect(name, now_ms);
            person.client().disconnected(own_ms)?;
        }
        Ok(count)
    }

    /// Everything moves until nothing does. A client whose store fails is opened anew.
    pub(crate) fn run(&mut self) {
        let names: Vec<String> = self.people.keys().cloned().collect();
        loop {
            let mut moved = 0;
            for name in &names {
                let step = self.up(name).and_then(|up| Ok(up + self.down(name)?));
                let step = step.and_then(|step| {
                    let person = self.people.get_mut(name.as_str()).unwrap();
                    if person.client.is_some() {
                        person.listen()?
                    }
                    Ok(step)
                });
                match step {
                    Ok(step) => moved += step,
                    Err(Error::StoreIo) => {
                        self.crash(name);
                        self.connect(name);
                        moved += 1;
                    }
                    Err(error) => panic!("{name}: {error}"),
                }
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// Time passes, with all ticks on the way.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        self.run();
        while self.now_ms < end_ms {
            let due = |person: &mut Person| {
                let ahead_ms = person.ahead_ms;
                let due_ms = person.client.as_mut().and_then(|client| client.pending().unwrap().due_ms);
                due_ms.map(|due_ms| due_ms.saturating_add_signed(-ahead_ms))
            };
            let due_ms = self.people.values_mut().filter_map(due).chain(self.host.due_ms).min();
            self.now_ms = due_ms.unwrap_or(end_ms).clamp(self.now_ms + 1, end_ms);
            let now_ms = self.now_ms;
            self.host.tick(now_ms);
            for person in self.people.values_mut() {
                if let Some(client) = &mut person.client {
                    client.tick(now_ms.saturating_add_signed(person.ahead_ms)).unwrap();
                }
            }
            self.run();
        }
    }
}
