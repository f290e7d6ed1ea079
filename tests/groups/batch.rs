//! Reading a backlog gives what reading its messages one after the other gives, whatever happened to them.

use proptest::prelude::*;
use proptest::sample::Index;
use sealwax::Error;
use sealwax::error::Result;
use sealwax::group::{Backlog, Claim, GroupReceiver, GroupReceiverOptions, History};
use sealwax::limits::{GROUP_CHAIN_MAX, GROUP_SKIP_MAX, GROUP_WINDOW_MS};
use sealwax::roster::Roster;
use sealwax::wire::content::ContentKind;
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::Role;

use crate::circle::{Circle, Options};
use crate::common::group::{Act, person};
use crate::forger::{Forger, Odd};

const KINDS: &[ContentKind] = &[ContentKind::Data];
const SENDERS: [&str; 3] = ["alice", "carol", "dave"];

pub(crate) type Answer = Result<(Vec<u8>, Option<Claim>)>;

fn one_by_one(
    receiver: &mut GroupReceiver,
    roster: &Roster,
    envelopes: &[Vec<u8>],
    now_ms: u64,
) -> Vec<Answer> {
    let mut read = |envelope: &Vec<u8>| {
        let opening = receiver.open(roster, envelope, now_ms)?;
        if !KINDS.contains(&opening.kind()) {
            return Err(Error::WrongKind);
        }
        let body = opening.body().to_vec();
        Ok((body, receiver.commit(opening)?))
    };
    envelopes.iter().map(&mut read).collect()
}

fn at_once(receiver: &mut GroupReceiver, roster: &Roster, envelopes: &[Vec<u8>], now_ms: u64) -> Vec<Answer> {
    let envelopes: Vec<&[u8]> = envelopes.iter().map(Vec::as_slice).collect();
    let backlog = Backlog::new(&envelopes);
    let mut out = vec![0; backlog.content_len()];
    let received = receiver.decrypt_batch(roster, &backlog, KINDS, now_ms, &mut out).unwrap();
    let mut end = 0;
    for one in received.iter().flatten() {
        assert_eq!(one.body.start, end, "bodies follow one another");
        end = one.body.end;
    }
    assert!(out[end..].iter().all(|byte| *byte == 0), "nothing else of a plaintext stays");
    received.into_iter().map(|one| one.map(|one| (out[one.body].to_vec(), one.claim))).collect()
}

/// Reads in one way and in the other, in pieces; what came out both times, and what is held afterwards.
pub(crate) fn both_ways(
    load: &dyn Fn() -> GroupReceiver,
    roster: &Roster,
    envelopes: &[Vec<u8>],
    piece: usize,
    now_ms: u64,
) -> (Vec<Answer>, GroupReceiver) {
    let (mut single, mut batched) = (load(), load());
    let mut answers = Vec::new();
    for piece in envelopes.chunks(piece.max(1)) {
        let expected = one_by_one(&mut single, roster, piece, now_ms);
        assert_eq!(at_once(&mut batched, roster, piece, now_ms), expected);
        assert!(single.export().unwrap() == batched.export().unwrap(), "the states differ");
        answers.extend(expected);
    }
    (answers, batched)
}

fn loader(circle: &Circle, name: &str) -> impl Fn() -> GroupReceiver + use<> {
    let member = &circle.members[name];
    let (state, log, name) = (member.state(), member.roster.log(0), name.to_owned());
    move || {
        let roster = Roster::open(&log).unwrap();
        GroupReceiver::import(&person(&name), &roster, GroupReceiver::FORMAT, &state).unwrap()
    }
}

/// How the backlog came to be.
#[derive(Debug, Clone)]
enum Event {
    Send(usize, usize),
    /// With `false` Bob does not get the key.
    Rotate(usize, bool),
    /// Starts anew from a state a few messages ago.
    Crash(usize),
    /// Everybody but Bob learns of a new member.
    Grow,
    /// What was sent last is read before the backlog.
    Read(Index),
    /// A key that its owner uses as it likes: a run with one wrong link.
    Unruly(usize, u32),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        24 => (0..3_usize, 0..40_usize).prop_map(|(from, len)| Event::Send(from, len)),
        2 => (0..3_usize, any::<bool>()).prop_map(|(from, given)| Event::Rotate(from, given)),
        1 => (0..3_usize).prop_map(Event::Crash),
        1 => Just(Event::Grow),
        2 => any::<Index>().prop_map(Event::Read),
        1 => (1..6_usize, 0..6_u32).prop_map(|(count, wrong)| Event::Unruly(count, wrong)),
    ]
}

/// What happens to the backlog on its way.
#[derive(Debug, Clone)]
enum Damage {
    Drop(Index),
    Repeat(Index, Index),
    Swap(Index, Index),
    Reverse(Index, Index),
    Flip(Index, Index, u8),
    /// One message gets the link of another.
    Relink(Index, Index),
    /// One message gets the signature of another.
    Resign(Index, Index),
    Cut(Index, Index),
    /// A member who knows the chain writes another message into the place of one.
    Forge(Index, bool),
    Junk(Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        2 => at().prop_map(Damage::Drop),
        2 => (at(), at()).prop_map(|(at, to)| Damage::Repeat(at, to)),
        2 => (at(), at()).prop_map(|(at, to)| Damage::Swap(at, to)),
        1 => (at(), at()).prop_map(|(at, to)| Damage::Reverse(at, to)),
        4 => (at(), at(), 0..8_u8).prop_map(|(at, to, bit)| Damage::Flip(at, to, bit)),
        1 => (at(), at()).prop_map(|(at, to)| Damage::Relink(at, to)),
        1 => (at(), at()).prop_map(|(at, to)| Damage::Resign(at, to)),
        1 => (at(), at()).prop_map(|(at, to)| Damage::Cut(at, to)),
        2 => (at(), any::<bool>()).prop_map(|(at, added)| Damage::Forge(at, added)),
        1 => (at(), prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(at, junk)| Damage::Junk(at, junk)),
    ]
}

/// Where fields lie in an envelope.
fn link_at(envelope: &[u8]) -> Option<usize> {
    let front = GroupMessage::parse(envelope).ok()?.front;
    Some(front.encoded_len() - 16 - if front.resumed_from().is_some() { 4 } else { 0 })
}

struct Story {
    circle: Circle,
    backlog: Vec<Vec<u8>>,
    /// What Mallory, a member, knows of Alice's first key.
    mallory: Forger,
    keys: u8,
}

impl Story {
    fn new() -> Self {
        let mut circle = Circle::new(&["alice", "bob", "carol", "dave"]);
        let given = circle.distribution("alice", "dave").unwrap();
        let mallory = Forger::from_given(&given, "alice");
        Self { circle, backlog: Vec::new(), mallory, keys: 0 }
    }

    fn send(&mut self, from: &str, text: &str) {
        match self.circle.try_send(from, text) {
            Ok(envelope) => self.backlog.push(envelope),
            Err(error) => {
                assert_eq!(error, Error::RotationRequired);
                self.rotate(from, true);
                self.backlog.push(self.circle.send(from, text));
            }
        }
    }

    fn rotate(&mut self, from: &str, given: bool) {
        self.circle.rotate(from);
        if given {
            self.circle.give(from, "bob").unwrap();
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Send(from, len) => self.send(SENDERS[from], &"text".repeat(len)),
            Event::Rotate(from, given) => self.rotate(SENDERS[from], given),
            Event::Crash(from) => {
                let payload = self.circle.get(SENDERS[from]).sender.export(3).unwrap();
                self.send(SENDERS[from], "before the crash");
                self.circle.get(SENDERS[from]).reload_sender(&payload);
            }
            Event::Grow => {
                let newcomer = person(&format!("newcomer {}", self.backlog.len()));
                let _ = self.circle.members["alice"].roster.member(newcomer.user()).is_none().then(|| {
                    self.circle.change_for("alice", Act::Add(&[&newcomer], Role::Member), &SENDERS);
                });
            }
            Event::Read(at) if !self.backlog.is_empty() => {
                let _ = self.circle.read("bob", &self.backlog[at.index(self.backlog.len())].clone());
            }
            Event::Read(_) => {}
            Event::Unruly(count, wrong) => {
                self.keys += 1;
                let given = self.mallory.distribution();
                let mut dave = Forger::from_given(&given, "dave");
                dave.key_id = [self.keys; 8];
                self.circle.install("dave", "bob", &dave.distribution()).unwrap();
                let mut link = dave.first_link();
                for counter in 0..u32::try_from(count).unwrap() {
                    if counter == wrong {
                        link[0] ^= 1;
                    }
                    let kind = (counter == 4).then_some(ContentKind::Ack);
                    let odd = Odd { link: Some(link), kind, ..Odd::default() };
                    let (envelope, next) = dave.message(counter, "unruly", odd);
                    self.backlog.push(envelope);
                    link = next;
                }
            }
        }
    }

    fn damage(&mut self, damage: Damage) {
        let backlog = &mut self.backlog;
        if backlog.is_empty() {
            return;
        }
        let count = backlog.len();
        match damage {
            Damage::Drop(at) => drop(backlog.remove(at.index(count))),
            Damage::Repeat(at, to) => backlog.insert(to.index(count + 1), backlog[at.index(count)].clone()),
            Damage::Swap(at, to) => backlog.swap(at.index(count), to.index(count)),
            Damage::Reverse(at, to) => {
                let (at, to) = (at.index(count), to.index(count));
                backlog[at.min(to)..=at.max(to)].reverse();
            }
            Damage::Flip(at, to, bit) => {
                let envelope = &mut backlog[at.index(count)];
                if !envelope.is_empty() {
                    let to = to.index(envelope.len());
                    envelope[to] ^= 1 << bit;
                }
            }
            Damage::Relink(at, to) => {
                let (at, to) = (at.index(count), to.index(count));
                if let (Some(from), Some(into)) = (link_at(&backlog[to]), link_at(&backlog[at])) {
                    let link = backlog[to][from..from + 16].to_vec();
                    backlog[at][into..into + 16].copy_from_slice(&link);
                }
            }
            Damage::Resign(at, to) => {
                let (at, to) = (at.index(count), to.index(count));
                if backlog[at].len() >= 64 && backlog[to].len() >= 64 {
                    let signature = backlog[to][backlog[to].len() - 64..].to_vec();
                    let start = backlog[at].len() - 64;
                    backlog[at][start..].copy_from_slice(&signature);
                }
            }
            Damage::Cut(at, to) => {
                let envelope = &mut backlog[at.index(count)];
                envelope.truncate(to.index(envelope.len() + 1));
            }
            Damage::Forge(at, added) => {
                let at = at.index(count);
                let Ok(message) = GroupMessage::parse(&backlog[at]) else { return };
                let front = message.front;
                if *front.key_id != self.mallory.key_id || front.counter > 255 {
                    return;
                }
                let link = link_at(&backlog[at]).map(|from| backlog[at][from..from + 16].try_into().unwrap());
                let odd = Odd { link, resumed_from: front.resumed_from(), ..Odd::default() };
                let (forged, _) = self.mallory.message(front.counter, "forged", odd);
                if added {
                    backlog.insert(at, forged);
                } else {
                    backlog[at] = forged;
                }
            }
            Damage::Junk(at, junk) => backlog.insert(at.index(count + 1), junk),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_backlog_is_read_as_its_messages_are(
        events in prop::collection::vec(event(), 1..50),
        damages in prop::collection::vec(damage(), 0..8),
        piece in 1..80_usize,
        removed in prop::option::weighted(0.2, 1..3_usize),
        late in prop::sample::select(vec![0, 1_000, GROUP_WINDOW_MS]),
    ) {
        let mut story = Story::new();
        for event in events {
            story.happen(event);
        }
        for damage in damages {
            story.damage(damage);
        }
        if let Some(removed) = removed {
            let log = story.circle.members["alice"].roster.log(0);
            let known = story.circle.members["bob"].roster.epoch();
            let entries = Roster::open(&log).unwrap().log(known + 1);
            let now_ms = story.circle.now_ms;
            if !entries.is_empty() {
                story.circle.apply("bob", &entries, now_ms);
            }
            story.circle.change_for("alice", Act::Remove(SENDERS[removed]), &["alice", "bob"]);
        }
        let load = loader(&story.circle, "bob");
        let now_ms = story.circle.now_ms + late;
        both_ways(&load, &story.circle.members["bob"].roster, &story.backlog, piece, now_ms);
    }

    #[test]
    fn a_shared_past_is_read_as_its_messages_are(
        order in prop::collection::vec(any::<Index>(), 1..60),
        damages in prop::collection::vec(damage(), 0..6),
        from in 0..5_u32,
    ) {
        let mut options = Options::default();
        options.receiver.retain_history = true;
        let mut circle = Circle::with(&["alice", "bob", "carol"], options);
        let given = circle.distribution("alice", "bob").unwrap();
        let mallory = Forger::from_given(&given, "alice");
        let key_id = mallory.key_id;
        let sent = circle.send_many("alice", 20);
        circle.rotate("alice");
        circle.distribute("alice");
        let carol = circle.members["carol"].identity.fingerprint();
        let bob = circle.get("bob");
        let history = bob.receiver.history(&bob.roster, "carol", &carol, "alice", &key_id, from).unwrap();
        let history = history.encode().unwrap();
        let bob = circle.members["bob"].identity.fingerprint();
        let backlog = order.iter().map(|at| sent[at.index(20)].clone()).collect();
        let mut story = Story { circle, backlog, mallory, keys: 0 };
        for damage in damages {
            story.damage(damage);
        }
        let member = &story.circle.members["carol"];
        let load = || {
            let options = GroupReceiverOptions { history: true, ..GroupReceiverOptions::default() };
            let mut archive = GroupReceiver::new(&member.identity, &member.roster, options, 0).unwrap();
            let history = History::decode(&history).unwrap();
            archive.install_history(&member.roster, "bob", &bob, &history, 0).unwrap();
            archive
        };
        both_ways(&load, &member.roster, &story.backlog, 40, 0);
    }
}

fn texts(answers: &[Answer]) -> Vec<Result<String>> {
    let text = |(body, _): &(Vec<u8>, _)| String::from_utf8(body[1..].to_vec()).unwrap();
    answers.iter().map(|answer| answer.as_ref().map(text).map_err(|error| *error)).collect()
}

/// Reads a backlog of Bob's both ways.
fn read(circle: &Circle, envelopes: &[Vec<u8>]) -> Vec<Result<String>> {
    let roster = &circle.members["bob"].roster;
    texts(&both_ways(&loader(circle, "bob"), roster, envelopes, usize::MAX, circle.now_ms).0)
}

#[test]
fn a_damaged_message_fails_alone() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 9);
    for at in [0, 4, 8] {
        for offset in [60, 250, sent[at].len() - 1] {
            let mut backlog = sent.clone();
            backlog[at][offset % sent[at].len()] ^= 1;
            let answers = read(&circle, &backlog);
            for (number, answer) in answers.iter().enumerate() {
                assert_eq!(answer.is_ok(), number != at, "{at} {offset} {number} {answer:?}");
            }
        }
    }
}

#[test]
fn what_comes_twice_is_a_duplicate_or_a_replay() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let mut backlog = circle.send_many("alice", 40);
    backlog.insert(1, backlog[0].clone());
    backlog.push(backlog[30].clone());
    backlog.push(backlog[0].clone());
    let mut other = backlog[20].clone();
    *other.last_mut().unwrap() ^= 1;
    backlog.push(other);
    let answers = read(&circle, &backlog);
    assert_eq!(answers[1], Err(Error::Duplicate));
    assert_eq!(answers[41..], [Err(Error::Duplicate), Err(Error::Replay), Err(Error::Replay)]);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 40);
}

#[test]
fn a_message_too_far_ahead_opens_after_one_that_brings_it_near() {
    let mut options = Options::default();
    options.sender.rotate_messages = GROUP_CHAIN_MAX;
    let mut circle = Circle::with(&["alice", "bob"], options);
    let mut skip = |to: u32| {
        let counter = circle.get("alice").sender.info().counter;
        for _ in (counter..to).step_by(1_000) {
            let payload = circle.get("alice").sender.export(1_000).unwrap();
            circle.get("alice").reload_sender(&payload);
        }
        circle.send("alice", "far")
    };
    let (near, far) = (skip(GROUP_SKIP_MAX - 5_000), skip(GROUP_SKIP_MAX + 5_000));
    let answers = read(&circle, &[far.clone(), near, far]);
    assert_eq!(answers, [Err(Error::TooFarAhead), Ok("far".to_owned()), Ok("far".to_owned())]);
}

#[test]
fn a_whole_run_of_another_member_is_refused() {
    let mut circle = Circle::new(&["alice", "bob", "mallory"]);
    let given = circle.distribution("alice", "mallory").unwrap();
    let mallory = Forger::from_given(&given, "alice");
    let sent = circle.send_many("alice", 6);
    let mut link = mallory.first_link();
    link.copy_from_slice(&sent[0][link_at(&sent[0]).unwrap()..][..16]);
    let mut backlog = Vec::new();
    for counter in 0..6 {
        let (forged, next) = mallory.message(counter, "forged", Odd { link: Some(link), ..Odd::default() });
        backlog.push(forged);
        link = next;
    }
    assert_eq!(read(&circle, &backlog), vec![Err(Error::AuthenticationFailed); 6]);
    // Nor does it hinder what Alice wrote.
    let mixed = backlog.into_iter().zip(sent).flat_map(|(forged, sent)| [forged, sent]).collect::<Vec<_>>();
    let answers = read(&circle, &mixed);
    for (number, pair) in answers.chunks(2).enumerate() {
        assert_eq!(pair, [Err(Error::AuthenticationFailed), Ok(number.to_string())]);
    }
}

#[test]
fn a_signature_of_another_key_vouches_for_nothing() {
    let mut circle = Circle::new(&["alice", "bob", "mallory"]);
    let given = circle.distribution("alice", "mallory").unwrap();
    // Mallory's own key has the chain of Alice's, so what it signs names messages of hers.
    let mut mallory = Forger::from_given(&given, "mallory");
    mallory.key_id = [1; 8];
    circle.install("mallory", "bob", &mallory.distribution()).unwrap();
    let signing = std::mem::replace(&mut mallory.signing, Forger::from_given(&given, "alice").signing);
    mallory.sender = "alice".to_owned();
    mallory.key_id = given.encode()[72..80].try_into().unwrap();
    let alice_link = {
        let sent = circle.send("alice", "real");
        sent[link_at(&sent).unwrap()..][..16].try_into().unwrap()
    };
    let (forged, next) = mallory.message(0, "forged", Odd { link: Some(alice_link), ..Odd::default() });
    mallory.signing = signing;
    mallory.sender = "mallory".to_owned();
    mallory.key_id = [1; 8];
    let (naming, _) = mallory.message(1, "mine", Odd { link: Some(next), ..Odd::default() });
    let answers = read(&circle, &[forged, naming]);
    assert_eq!(answers, [Err(Error::AuthenticationFailed), Ok("mine".to_owned())]);
}

#[test]
fn too_little_room_changes_nothing() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 3);
    let now_ms = circle.now_ms;
    let envelopes: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
    let bob = circle.get("bob");
    let before = bob.state();
    let backlog = Backlog::new(&envelopes);
    let mut out = vec![7; backlog.content_len() - 1];
    let refused = bob.receiver.decrypt_batch(&bob.roster, &backlog, KINDS, now_ms, &mut out);
    assert_eq!(refused, Err(Error::InvalidArgument));
    assert!(out.iter().all(|byte| *byte == 7) && bob.state() == before);
}
