//! A member who cheats: it has an identity, sessions and sender keys like any other, and no client that keeps to the
//! rules. The relay is honest, but somebody at it delivers what the cheat would like to have delivered.

use std::collections::BTreeMap;

use sealwax::client::{GroupId, MessageId};
use sealwax::error::Error;
use sealwax::group::{Distribution, GroupReceiver, GroupReceiverOptions, GroupSender, GroupSenderOptions};
use sealwax::identity::{Identity, IdentityOptions, PrekeyBundle};
use sealwax::roster::Roster;
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::codec::Put as _;
use sealwax::wire::content::ContentKind;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::{Action, Role};

use crate::common::ScriptedRandom;
use crate::common::group::{Forgery, named};
use crate::ledger::To;
use crate::sealing::{may_read, number_of};
use crate::world::{Step, World, who_is};

/// Its name, which is nobody else's.
pub(crate) const MALLORY: &str = "m0";
/// Where the chain stands in a distribution.
const CHAIN_AT: usize = 32 + 8 + 32 + 8 + 65 + 4;

/// The cheat.
pub(crate) struct Mallory {
    identity: Identity,
    rng: ScriptedRandom,
    sessions: BTreeMap<String, Session>,
    /// What it reads with: made when it was given a first key of a group, and never told of an entry again.
    receivers: BTreeMap<GroupId, (Roster, GroupReceiver)>,
    senders: BTreeMap<GroupId, GroupSender>,
    /// What was delivered to it, and what anybody sent.
    mail: Vec<Vec<u8>>,
    pub(crate) seen: Vec<Vec<u8>>,
    /// What members were shown of it, by message.
    shown: BTreeMap<MessageId, Vec<u8>>,
    marks: u64,
}

impl Mallory {
    /// An entry in its own name.
    pub(crate) fn sign(
        &mut self,
        make: impl FnOnce(&Identity, &mut ScriptedRandom) -> Result<Vec<u8>, Error>,
    ) -> Result<Vec<u8>, Error> {
        make(&self.identity, &mut self.rng)
    }
}

impl World {
    /// Somebody comes who will cheat.
    pub(crate) fn let_in(&mut self, seed: u64) {
        let mut rng = ScriptedRandom::new(&format!("mallory {seed}"));
        let mut identity =
            Identity::generate(&mut rng, MALLORY, IdentityOptions::default(), self.now_ms).unwrap();
        let bundle = identity.prekeys(&mut rng, 20, self.now_ms).unwrap();
        let card = identity.card().as_bytes().to_vec();
        let registered = self.host.relay.register(MALLORY, &card, self.now_ms).unwrap();
        self.deal(&registered);
        let published = self.host.relay.publish(MALLORY, &bundle, self.now_ms).unwrap();
        self.deal(&published);
        self.mallory = Some(Mallory {
            identity,
            rng,
            sessions: BTreeMap::new(),
            receivers: BTreeMap::new(),
            senders: BTreeMap::new(),
            mail: Vec::new(),
            seen: Vec::new(),
            shown: BTreeMap::new(),
            marks: 0,
        });
    }

    /// A message of the cheat is shown to somebody: whoever is shown it is shown the same.
    pub(crate) fn show_mallory(&mut self, who: usize, id: &MessageId, payload: &[u8]) {
        self.note(format_args!("p{who} is shown something of the cheat"));
        let mallory = self.mallory.as_mut().expect("nobody has written this");
        let before = mallory.shown.entry(*id).or_insert_with(|| payload.to_vec());
        assert_eq!(before, payload, "the cheat shows one message in two ways");
    }

    /// The cheat does something.
    pub(crate) fn cheat(&mut self) {
        let Some(mut mallory) = self.mallory.take() else { return };
        self.collect(&mut mallory);
        let circle = self
            .chronicle
            .circles
            .len()
            .checked_sub(1)
            .map(|_| self.chance.index(self.chronicle.circles.len()));
        let victim = self.chance.index(self.people.len());
        let act = self.chance.between(0, 9);
        self.note(format_args!("the cheat does {act} to p{victim} in {circle:?}"));
        match (act, circle) {
            (0..=2, _) => self.repeat_or_forge(&mut mallory, victim),
            (3 | 4, Some(circle)) => self.equivocate(&mut mallory, circle),
            (5 | 6, Some(circle)) => self.forge_entry(&mut mallory, circle, victim),
            (7, Some(circle)) => self.sign_two_histories(&mut mallory, circle),
            (_, Some(circle)) => self.lie_in_session(&mut mallory, circle, victim),
            _ => {}
        }
        self.mallory = Some(mallory);
    }

    /// Takes its mail, and reads in it what it can.
    fn collect(&mut self, mallory: &mut Mallory) {
        let Ok(outcome) = self.host.relay.set_online(MALLORY, true, self.now_ms) else { return };
        let mail: Vec<(u64, Vec<u8>)> = outcome
            .deliveries()
            .filter(|delivery| delivery.user == MALLORY && !delivery.payload().is_empty())
            .map(|delivery| (delivery.sequence, delivery.payload().to_vec()))
            .collect();
        self.deal(&outcome);
        let offline = self.host.relay.set_online(MALLORY, false, self.now_ms).unwrap();
        self.deal(&offline);
        let Some((last, _)) = mail.last() else { return };
        let acknowledged = self.host.relay.acknowledge(MALLORY, *last, self.now_ms).unwrap();
        self.deal(&acknowledged);
        for (_, payload) in mail {
            self.open_mail(mallory, &payload);
            mallory.mail.push(payload);
        }
    }

    fn open_mail(&mut self, mallory: &mut Mallory, envelope: &[u8]) {
        let now_ms = self.now_ms;
        let Ok(message) = sealwax::wire::session::SessionMessage::parse(envelope) else { return };
        let from = message.front.sender.to_string();
        if !mallory.sessions.contains_key(&from) {
            let accepted =
                Session::accept(&mut mallory.identity, envelope, SessionOptions::default(), now_ms);
            let Ok(session) = accepted else { return };
            mallory.sessions.insert(from.clone(), session);
        }
        let session = mallory.sessions.get_mut(&from).unwrap();
        let Ok(opening) = session.open(Some(&mallory.identity), envelope, now_ms) else { return };
        if opening.kind() == ContentKind::Distribution
            && let Ok(distribution) = Distribution::decode(opening.body())
        {
            let id = *distribution.group_id();
            let fingerprint = session.peer_fingerprint();
            if !mallory.receivers.contains_key(&id) {
                let log = self.host.relay.log(MALLORY, &id, 0).unwrap_or_default();
                let Ok(roster) = Roster::open(&log) else { return };
                let options = GroupReceiverOptions::default();
                let Ok(receiver) = GroupReceiver::new(&mallory.identity, &roster, options, now_ms) else {
                    return;
                };
                mallory.receivers.insert(id, (roster, receiver));
            }
            let (roster, receiver) = mallory.receivers.get_mut(&id).unwrap();
            // Keys of members who came later do not fit its old log, and it does not mind.
            drop(receiver.install(roster, &from, &fingerprint, &distribution, now_ms));
        }
        let identity = opening.needs_identity().then_some(&mut mallory.identity);
        session.commit(identity, opening).unwrap();
    }

    /// Everything that anybody sends is passed to the cheat, which must be able to read no more than a member.
    pub(crate) fn check_mallory(&mut self) {
        let Some(mut mallory) = self.mallory.take() else { return };
        self.collect(&mut mallory);
        for envelope in &mallory.seen {
            let Ok(message) = GroupMessage::parse(envelope) else { continue };
            let Some((roster, receiver)) = mallory.receivers.get_mut(message.front.group_id) else {
                continue;
            };
            let Ok(opening) = receiver.open(roster, envelope, self.now_ms) else { continue };
            drop(receiver.commit(opening));
            let circle = self.chronicle.circle_of(message.front.group_id).unwrap();
            let number = number_of(&self.ledger, circle, &message).unwrap();
            let states = self.ledger.letters[number].sealed_in.iter().copied();
            assert!(may_read(&self.chronicle, states, MALLORY, None), "the cheat reads message {number}");
        }
        self.mallory = Some(mallory);
    }

    /// The relay delivers something to somebody that nobody has sent to it.
    fn push(&mut self, whom: usize, payload: &[u8]) {
        // Whoever is not welcome yet takes a delivery for an error of the relay, and who was given nothing may
        // acknowledge nothing.
        let is_up = self.people[whom].is_up() && self.people[whom].was_given;
        if let Some(link) = self.people[whom].connection.filter(|_| is_up) {
            let frame = Frame { request: 0, body: Body::Deliver { sequence: 1, payload } };
            self.carry(link, false, Step::Down(link, frame.to_bytes().unwrap()));
        }
    }

    /// Sends an envelope as anybody may.
    fn route(&mut self, envelope: &[u8]) -> Result<(), Error> {
        let outcome = self.host.relay.route(MALLORY, envelope, self.now_ms)?;
        self.deal(&outcome);
        Ok(())
    }

    /// What was sent before goes again, as it was or in another's name.
    fn repeat_or_forge(&mut self, mallory: &mut Mallory, victim: usize) {
        let all = [mallory.mail.as_slice(), mallory.seen.as_slice()].concat();
        if all.is_empty() {
            return;
        }
        let old = &all[self.chance.index(all.len())];
        let is_own = old.windows(3).any(|part| part == [2, b'm', b'0']);
        let refused = self.route(old);
        assert!(refused.is_err() || is_own, "a relay takes from the cheat what others have sent");
        self.push(victim, old);
        if let Ok(mut message) = GroupMessage::parse(old) {
            let name = self.people[self.chance.index(self.people.len())].name.clone();
            message.front.sender = &name;
            let mut forged = Vec::new();
            message.put(&mut forged).unwrap();
            self.push(victim, &forged);
            let at = self.chance.index(forged.len());
            forged[at] ^= 1;
            self.push(victim, &forged);
        }
    }

    /// A sender key that is not the same for all, and a message under it.
    fn equivocate(&mut self, mallory: &mut Mallory, circle: usize) {
        let (id, now_ms) = (self.chronicle.circles[circle].id, self.now_ms);
        let log = self.host.relay.log(MALLORY, &id, 0).unwrap_or_default();
        let Ok(roster) = Roster::open(&log) else { return };
        let made = GroupSender::new(
            &mallory.identity,
            &roster,
            GroupSenderOptions::default(),
            now_ms,
            &mut mallory.rng,
        );
        let Ok(mut sender) = made else { return };
        for whom in self.members_of(circle) {
            let name = self.people[whom].name.clone();
            let fingerprint = self.people[whom].fingerprint();
            let Ok(distribution) = sender.distribution(&roster, &name, &fingerprint) else { continue };
            let mut body = distribution.encode().to_vec();
            if self.chance.happens(40) {
                body[CHAIN_AT + 1] ^= 1;
            }
            self.tell(mallory, whom, ContentKind::Distribution, &body);
        }
        mallory.marks += 1;
        let text = format!("of the cheat {}", mallory.marks);
        let body: [&[u8]; 2] = [&[1], text.as_bytes()];
        let mut envelope = vec![0; sender.encrypt_len(text.len() + 1)];
        let sealed =
            sender.encrypt(&roster, ContentKind::Data, &body, now_ms, &mut mallory.rng, &mut envelope);
        if sealed.is_ok() {
            let routed = self.route(&envelope);
            self.note(format_args!("a message of two meanings: {routed:?}"));
        }
        mallory.senders.insert(id, sender);
    }

    /// An entry that it has no right to make, or perhaps has.
    fn forge_entry(&mut self, mallory: &mut Mallory, circle: usize, victim: usize) {
        let id = self.chronicle.circles[circle].id;
        let log = self.host.relay.log(MALLORY, &id, 0).unwrap_or_default();
        let Ok(roster) = Roster::open(&log) else { return };
        let name = self.people[victim].name.clone();
        let mut rng = ScriptedRandom::new("friend");
        let friend = Identity::generate(&mut rng, "m1", IdentityOptions::default(), 0).unwrap();
        let action = match self.chance.between(0, 3) {
            0 => Action::Add(vec![named(&friend, Role::Member)]),
            1 => Action::Remove(&name),
            2 => Action::Role(MALLORY, Role::Owner),
            _ => Action::Delete,
        };
        let entry = Forgery::after(&roster, &mallory.identity, action).bytes();
        // Members may take what the relay does not, such as somebody whom it does not know.
        if roster.check(&entry).is_ok() {
            self.chronicle.learn(&entry);
        }
        match self.host.relay.commit(MALLORY, &entry, self.now_ms) {
            Ok(outcome) => {
                self.deal(&outcome);
                self.look_at_logs();
            }
            Err(status) => {
                self.note(format_args!("the relay does not take that: {status}"));
                for whom in self.members_of(circle) {
                    self.push(whom, &entry);
                }
            }
        }
    }

    /// Where it may remove members it does so twice: once at the relay, and once for some alone.
    fn sign_two_histories(&mut self, mallory: &mut Mallory, circle: usize) {
        let (id, now_ms) = (self.chronicle.circles[circle].id, self.now_ms);
        let log = self.host.relay.log(MALLORY, &id, 0).unwrap_or_default();
        let Ok(roster) = Roster::open(&log) else { return };
        let may_go: Vec<String> = roster
            .members()
            .filter(|member| member.role() == Role::Member && **member.user() != *MALLORY)
            .map(|member| member.user().to_string())
            .collect();
        let [one, other, ..] = may_go.as_slice() else { return };
        let mut sign = |user: &str| roster.propose_remove(&mallory.identity, user, now_ms, &mut mallory.rng);
        let (Ok(one), Ok(other)) = (sign(one), sign(other)) else { return };
        let Ok(outcome) = self.host.relay.commit(MALLORY, &one, now_ms) else { return };
        self.chronicle.learn(&one);
        self.chronicle.learn(&other);
        self.deal(&outcome);
        self.look_at_logs();
        for whom in 0..self.people.len() {
            if self.chance.happens(70) {
                self.push(whom, &other);
            }
        }
    }

    /// Something untrue in a session.
    fn lie_in_session(&mut self, mallory: &mut Mallory, circle: usize, victim: usize) {
        let id = self.chronicle.circles[circle].id;
        let mut name = id.to_vec();
        // Of a key of its own making, or of one that is somebody's.
        let key_id: [u8; 8] = mallory
            .seen
            .last()
            .and_then(|envelope| GroupMessage::parse(envelope).ok())
            .map_or([7; 8], |message| *message.front.key_id);
        name.extend(key_id);
        match self.chance.between(0, 5) {
            0 => {
                let mut body = id.to_vec();
                body.put_u64(1_000);
                body.extend([9; 32]);
                body.push(0);
                self.tell(mallory, victim, ContentKind::Invitation, &body);
            }
            1 => self.tell(mallory, victim, ContentKind::KeyRequest, &name),
            2 => self.tell(mallory, victim, ContentKind::Installed, &name),
            3 => {
                name.push(3);
                self.tell(mallory, victim, ContentKind::Withheld, &name);
            }
            4 => {
                let body = [&[0, 16][..], &[0; 16]].concat();
                self.tell(mallory, victim, ContentKind::Resend, &body);
            }
            _ => {
                let letters = &self.ledger.letters;
                let Some(letter) = letters.last() else { return };
                let group: &[u8] = if matches!(letter.to, To::One(_)) { &[] } else { &id };
                let mut body = vec![3, u8::try_from(group.len()).unwrap()];
                body.extend(group);
                body.extend([0, 16]);
                body.extend(letter.id);
                self.tell(mallory, victim, ContentKind::Ack, &body);
            }
        }
    }

    /// Seals something for somebody in a session of the cheat, and sends it.
    fn tell(&mut self, mallory: &mut Mallory, whom: usize, kind: ContentKind, body: &[u8]) {
        let (name, now_ms) = (self.people[whom].name.clone(), self.now_ms);
        if !mallory.sessions.contains_key(&name) {
            let Ok(found) = self.host.relay.lookup(MALLORY, &name, now_ms) else { return };
            self.deal(&found.outcome);
            let bundle =
                found.bundle.as_ref().and_then(|bundle| PrekeyBundle::parse(bundle, &found.card).ok());
            let made = Session::initiate(
                &mallory.identity,
                &found.card,
                bundle.as_ref(),
                SessionOptions::default(),
                now_ms,
                &mut mallory.rng,
            );
            let Ok(session) = made else { return };
            mallory.sessions.insert(name.clone(), session);
        }
        let session = mallory.sessions.get_mut(&name).unwrap();
        let mut envelope = vec![0; session.encrypt_len(body.len())];
        if session.encrypt(kind, &[body], now_ms, &mut mallory.rng, &mut envelope).is_ok() {
            let routed = self.route(&envelope);
            self.note(format_args!("the cheat tells p{whom} {kind:?}: {routed:?}"));
        }
    }

    /// Takes the cheat in, or gives it more to say, in the name of somebody who may.
    pub(crate) fn trust_mallory(&mut self, circle: usize) {
        let Some(head) = self.chronicle.head(circle) else { return };
        let group = self.chronicle.circles[circle].id;
        let owner = head.members.iter().find(|(user, is)| is.role == Role::Owner && who_is(user).is_some());
        let Some(owner) = owner.and_then(|(user, _)| who_is(user)) else { return };
        let is_in = head.members.contains_key(MALLORY);
        self.note(format_args!("p{owner} trusts the cheat in g{circle}"));
        self.wish(owner, |client, now_ms| match is_in {
            false => client.add_members(&group, &[MALLORY], Role::Member, now_ms),
            true => client.set_role(&group, MALLORY, Role::Admin, now_ms),
        });
        self.flush(owner);
    }
}
