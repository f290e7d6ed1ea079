//! Who takes part in the rows: people, sessions, groups and relays, brought to the state that a row is about.

use crate::abi::{GroupReceiver, GroupSender, Identity, Relay, Roster, Session};

/// The message of every row.
pub const PLAINTEXT: [u8; 256] = [0x5a; 256];
/// Room for any envelope with such a message, or with a distribution.
pub const ROOM: usize = 2_048;

/// Two who have written to each other, so that no message carries a handshake any more. It is the first one's turn,
/// and the first message of the turn was sent.
pub struct Pair {
    /// Whose turn it is.
    pub ours: Session,
    /// The other side.
    pub theirs: Session,
}

impl Pair {
    /// Between two whose handshake the first one makes.
    #[must_use]
    pub fn of(one: &Identity, other: &Identity) -> Self {
        let ours = Session::initiate(one, &other.card(), &other.prekeys());
        let first = sealed(|out| ours.encrypt(&PLAINTEXT, out));
        let theirs = Session::accept(other, &first);
        let pair = Self { ours, theirs };
        opened(|out| pair.theirs.decrypt(&first, out));
        pair.message(false);
        pair.message(true);
        pair
    }

    /// Between Alice and Bob.
    #[must_use]
    pub fn new() -> Self {
        Self::of(&Identity::new("alice"), &Identity::new("bob"))
    }

    /// One message in either direction.
    pub fn message(&self, ours: bool) {
        let (from, to) = if ours { (&self.ours, &self.theirs) } else { (&self.theirs, &self.ours) };
        let envelope = sealed(|out| from.encrypt(&PLAINTEXT, out));
        opened(|out| to.decrypt(&envelope, out));
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

/// A group of which one member writes and another reads.
pub struct Circle {
    /// The reader.
    pub bob: Identity,
    /// The group's members.
    pub roster: Roster,
    /// Of Alice.
    pub sender: GroupSender,
    /// Of Bob, with Alice's key.
    pub receiver: GroupReceiver,
    /// Between them.
    pub pair: Pair,
}

impl Circle {
    /// Alice and Bob.
    #[must_use]
    pub fn new() -> Self {
        let (alice, bob) = (Identity::new("alice"), Identity::new("bob"));
        let roster = Roster::create(&alice, &bob.card());
        let sender = GroupSender::new(&alice, &roster);
        let receiver = GroupReceiver::new(&bob, &roster);
        let pair = Pair::of(&alice, &bob);
        let distribution = sealed(|out| sender.distribute(&pair.ours, out));
        receiver.install(&pair.theirs, &distribution);
        Self { bob, roster, sender, receiver, pair }
    }

    /// Messages of Alice, one after another.
    #[must_use]
    pub fn messages(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| sealed(|out| self.sender.encrypt(&PLAINTEXT, out))).collect()
    }
}

impl Default for Circle {
    fn default() -> Self {
        Self::new()
    }
}

/// Alice in a group with many others, with a session with each: her turn everywhere.
pub struct Crowd {
    /// The group's members.
    pub roster: Roster,
    /// Alice's.
    pub sender: GroupSender,
    /// Alice's session with each of the others.
    pub sessions: Vec<Session>,
}

impl Crowd {
    /// Alice and that many others.
    #[must_use]
    pub fn new(others: usize) -> Self {
        let (alice, people) = (Identity::new("alice"), people(others));
        let roster = Roster::create(&alice, &cards(&people));
        let sender = GroupSender::new(&alice, &roster);
        let sessions = people.iter().map(|person| Pair::of(&alice, person).ours).collect();
        Self { roster, sender, sessions }
    }
}

/// A relay with a group, all of whose members are online.
pub struct Hall {
    /// The relay.
    pub relay: Relay,
    /// Who writes to the group.
    pub sender: GroupSender,
    /// The names of the other members.
    pub users: Vec<String>,
}

impl Hall {
    /// Alice and that many others.
    #[must_use]
    pub fn new(others: usize) -> Self {
        let (alice, people) = (Identity::new("alice"), people(others));
        let roster = Roster::create(&alice, &cards(&people));
        let relay = Relay::new();
        drop(relay.register("alice", &alice.card()));
        let users: Vec<String> = (0..others).map(name).collect();
        for (user, person) in users.iter().zip(&people) {
            drop(relay.register(user, &person.card()));
            drop(relay.set_online(user));
        }
        drop(relay.commit("alice", &roster.log()));
        let hall = Self { relay, sender: GroupSender::new(&alice, &roster), users };
        hall.empty_queues(1);
        hall
    }

    /// Everybody has received everything up to and with that place in the queue.
    pub fn empty_queues(&self, sequence: u64) {
        for user in &self.users {
            drop(self.relay.acknowledge(user, sequence));
        }
    }
}

/// Two who write to each other through a relay.
pub struct Line {
    /// Who sends.
    pub sender: String,
    /// Who receives, and is online.
    pub recipient: String,
    session: Session,
}

impl Line {
    /// Between two of these names.
    #[must_use]
    pub fn new(relay: &Relay, sender: &str, recipient: &str) -> Self {
        let (one, other) = (Identity::new(sender), Identity::new(recipient));
        drop(relay.register(sender, &one.card()));
        drop(relay.register(recipient, &other.card()));
        drop(relay.set_online(recipient));
        let session = Pair::of(&one, &other).ours;
        Self { sender: sender.into(), recipient: recipient.into(), session }
    }

    /// The recipient has received everything.
    pub fn empty_queue(&self, relay: &Relay) {
        let last = relay.route(&self.sender, &self.messages(1)[0]).last_sequence();
        drop(relay.acknowledge(&self.recipient, last));
    }

    /// The sender's messages.
    #[must_use]
    pub fn messages(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| sealed(|out| self.session.encrypt(&PLAINTEXT, out))).collect()
    }
}

/// That many people.
#[must_use]
pub fn people(count: usize) -> Vec<Identity> {
    (0..count).map(|at| Identity::new(&name(at))).collect()
}

/// Their cards, one after another.
#[must_use]
pub fn cards(people: &[Identity]) -> Vec<u8> {
    people.iter().flat_map(Identity::card).collect()
}

fn name(at: usize) -> String {
    format!("member-{at:04}")
}

/// What a call writes, in a buffer of its own.
pub fn sealed(call: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let mut out = vec![0; ROOM];
    let len = call(&mut out);
    out.truncate(len);
    out
}

/// The same for what is read, which must be the message.
pub fn opened(call: impl FnOnce(&mut [u8]) -> usize) {
    assert_eq!(sealed(call), PLAINTEXT);
}
