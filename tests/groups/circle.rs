//! A group of people who each hold a roster, a sender and a receiver.

use std::collections::BTreeMap;

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::error::Result;
use sealwax::group::{
    Claim, Distribution, GroupReceiver, GroupReceiverOptions, GroupSender, GroupSenderOptions, Part,
    ReceiverParts,
};
use sealwax::identity::Identity;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::content::ContentKind;
use sealwax::wire::roster::Role;
use zeroize::Zeroizing;

use crate::common::group::{Act, group, person};

/// One of them.
pub(crate) struct Member {
    pub(crate) identity: Identity,
    pub(crate) roster: Roster,
    pub(crate) sender: GroupSender,
    pub(crate) receiver: GroupReceiver,
    /// The receiver as it was stored last, in parts.
    pub(crate) stored: Stored,
}

/// Parts of a receiver, as a store would hold them.
#[derive(Default)]
pub(crate) struct Stored {
    parts: ReceiverParts,
    head: Vec<u8>,
    pub(crate) senders: BTreeMap<String, Zeroizing<Vec<u8>>>,
    pub(crate) retained: BTreeMap<u64, Zeroizing<Vec<u8>>>,
}

impl Stored {
    /// Stores what changed, and answers how many parts that were.
    pub(crate) fn write(&mut self, receiver: &mut GroupReceiver) -> usize {
        let mut changed = 0;
        let Self { parts, head, senders, retained } = self;
        let write = |part: Part<'_>, value: Option<Zeroizing<Vec<u8>>>| {
            changed += 1;
            match (part, value) {
                (Part::Head, value) => *head = value.unwrap().to_vec(),
                (Part::Sender(user), Some(value)) => drop(senders.insert(user.to_owned(), value)),
                (Part::Sender(user), None) => assert!(senders.remove(user).is_some()),
                (Part::Retained(number), Some(value)) => assert!(retained.insert(number, value).is_none()),
                (Part::Retained(number), None) => assert!(retained.remove(&number).is_some()),
            }
        };
        parts.collect(receiver, write).unwrap();
        changed
    }

    /// The receiver that the parts hold.
    pub(crate) fn read(&mut self, identity: &Identity, roster: &Roster) -> Result<GroupReceiver> {
        let senders: Vec<_> = self.senders.values().rev().cloned().collect();
        let retained: Vec<_> =
            self.retained.iter().rev().map(|(number, part)| (*number, part.clone())).collect();
        let format = GroupReceiver::FORMAT;
        let (parts, receiver) =
            ReceiverParts::load(identity, roster, format, &self.head, &senders, &retained)?;
        self.parts = parts;
        Ok(receiver)
    }
}

/// All of them, by name, and the time that they share.
pub(crate) struct Circle {
    pub(crate) members: BTreeMap<String, Member>,
    pub(crate) now_ms: u64,
}

/// How the members' halves are made.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) sender: GroupSenderOptions,
    pub(crate) receiver: GroupReceiverOptions,
}

impl Member {
    pub(crate) fn new(identity: Identity, roster: Roster, options: Options, now_ms: u64) -> Self {
        let sender = GroupSender::new(&identity, &roster, options.sender, now_ms, &mut SystemRandom).unwrap();
        let receiver = GroupReceiver::new(&identity, &roster, options.receiver, now_ms).unwrap();
        Self { identity, roster, sender, receiver, stored: Stored::default() }
    }

    /// The state of the receiver, to see whether it changed.
    pub(crate) fn state(&self) -> Vec<u8> {
        self.receiver.export().unwrap().to_vec()
    }

    /// Loads the sender from an export as a restart does.
    pub(crate) fn reload_sender(&mut self, payload: &[u8]) {
        self.sender =
            GroupSender::import(&self.identity, &self.roster, GroupSender::FORMAT, payload).unwrap();
    }

    /// Loads the receiver from its export.
    pub(crate) fn reload_receiver(&mut self) {
        let payload = self.state();
        self.receiver =
            GroupReceiver::import(&self.identity, &self.roster, GroupReceiver::FORMAT, &payload).unwrap();
        assert_eq!(self.state(), payload);
        self.stored.parts = ReceiverParts::new();
        (self.stored.senders, self.stored.retained) = Default::default();
        self.reload_receiver_from_parts();
    }

    /// Stores what changed of the receiver since it was stored last, and loads it from all that was stored.
    pub(crate) fn reload_receiver_from_parts(&mut self) {
        self.stored.write(&mut self.receiver);
        let state = self.state();
        self.receiver = self.stored.read(&self.identity, &self.roster).unwrap();
        assert_eq!(self.state(), state);
    }
}

impl Circle {
    /// The first name owns the group; everybody has everybody's key.
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::with(names, Options::default())
    }

    pub(crate) fn with(names: &[&str], options: Options) -> Self {
        let people: Vec<Identity> = names.iter().map(|name| person(name)).collect();
        let others: Vec<&Identity> = people.iter().skip(1).collect();
        let log = group(&people[0], &others, RosterPolicy::default()).log(0);
        let now_ms = 1_000_000;
        let member = |identity: Identity| {
            let roster = Roster::open(&log).unwrap();
            (identity.user().to_owned(), Member::new(identity, roster, options, now_ms))
        };
        let mut circle = Self { members: people.into_iter().map(member).collect(), now_ms };
        for name in names {
            circle.distribute(name);
        }
        circle
    }

    pub(crate) fn get(&mut self, name: &str) -> &mut Member {
        self.members.get_mut(name).unwrap()
    }

    /// What `from` would send to `to` inside their session.
    pub(crate) fn distribution(&mut self, from: &str, to: &str) -> Result<Distribution> {
        let fingerprint = self.members[to].identity.fingerprint();
        let from = self.get(from);
        let made = from.sender.distribution(&from.roster, to, &fingerprint)?;
        from.sender.mark_distributed(to);
        Ok(made)
    }

    pub(crate) fn install(
        &mut self,
        from: &str,
        to: &str,
        distribution: &Distribution,
    ) -> Result<Option<Claim>> {
        let (now_ms, fingerprint) = (self.now_ms, self.members[from].identity.fingerprint());
        let to = self.get(to);
        to.receiver.install(&to.roster, from, &fingerprint, distribution, now_ms)
    }

    /// Hands the current key of `from` to one member.
    pub(crate) fn give(&mut self, from: &str, to: &str) -> Result<Option<Claim>> {
        let distribution = self.distribution(from, to)?;
        let carried = Distribution::decode(&distribution.encode()).unwrap();
        self.install(from, to, &carried)
    }

    /// Hands the current key of `from` to every other member.
    pub(crate) fn distribute(&mut self, from: &str) {
        let names: Vec<String> = self.members[from]
            .roster
            .members()
            .map(|member| member.user().to_string())
            .filter(|name| name != from && self.members.contains_key(name))
            .collect();
        for name in names {
            self.give(from, &name).unwrap();
        }
    }

    pub(crate) fn rotate(&mut self, name: &str) {
        let now_ms = self.now_ms;
        let member = self.get(name);
        member.sender.rotate(&member.roster, now_ms, &mut SystemRandom).unwrap();
    }

    pub(crate) fn try_send(&mut self, from: &str, text: &str) -> Result<Vec<u8>> {
        let now_ms = self.now_ms;
        let from = self.get(from);
        let body: [&[u8]; 2] = [&[1], text.as_bytes()];
        let length = from.sender.encrypt_len(1 + text.len());
        let mut envelope = vec![0; length];
        let written = from.sender.encrypt(
            &from.roster,
            ContentKind::Data,
            &body,
            now_ms,
            &mut SystemRandom,
            &mut envelope,
        )?;
        assert_eq!(written, length);
        Ok(envelope)
    }

    pub(crate) fn send(&mut self, from: &str, text: &str) -> Vec<u8> {
        self.try_send(from, text).unwrap()
    }

    /// Several messages, numbered.
    pub(crate) fn send_many(&mut self, from: &str, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|number| self.send(from, &number.to_string())).collect()
    }

    /// Reads a message.
    pub(crate) fn read(&mut self, to: &str, envelope: &[u8]) -> Result<String> {
        let now_ms = self.now_ms;
        let to = self.get(to);
        let opening = to.receiver.open(&to.roster, envelope, now_ms)?;
        let text = String::from_utf8(opening.body()[1..].to_vec()).unwrap();
        if let Some(claim) = to.receiver.commit(opening).unwrap() {
            to.roster.note_claim(&claim.claimant, claim.epoch, &claim.roster_hash, now_ms);
        }
        Ok(text)
    }

    /// [`Circle::read`] that must be refused, and change nothing.
    pub(crate) fn refuse(&mut self, to: &str, envelope: &[u8]) -> Error {
        let before = self.get(to).state();
        let error = self.read(to, envelope).unwrap_err();
        assert!(self.get(to).state() == before, "a refused message changed the state");
        error
    }

    /// One entry, applied by these members at once.
    pub(crate) fn change_for(&mut self, actor: &str, act: Act<'_>, names: &[&str]) -> Vec<u8> {
        let now_ms = self.now_ms;
        let entry = {
            let actor = self.get(actor);
            act.propose(&actor.roster, &actor.identity).unwrap()
        };
        for name in names {
            self.apply(name, &entry, now_ms);
        }
        entry
    }

    /// One entry, applied by everybody.
    pub(crate) fn change(&mut self, actor: &str, act: Act<'_>) -> Vec<u8> {
        let names: Vec<String> = self.members.keys().cloned().collect();
        self.change_for(actor, act, &names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn apply(&mut self, name: &str, entry: &[u8], now_ms: u64) {
        let member = self.get(name);
        member.roster.apply(entry, now_ms).unwrap();
        member.receiver.sync(&member.roster, now_ms).unwrap();
    }

    /// A newcomer with the roster as it is after the addition, and no keys yet.
    pub(crate) fn admit(&mut self, actor: &str, name: &str) {
        let newcomer = person(name);
        self.change(actor, Act::Add(&[&newcomer], Role::Member));
        let roster = Roster::open(&self.members[actor].roster.log(0)).unwrap();
        let member = Member::new(newcomer, roster, Options::default(), self.now_ms);
        self.members.insert(name.to_owned(), member);
    }
}
