//! That what is looked at is seen: each rule is broken once, and the check says so.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use sealwax::client::MessageId;
use sealwax::group::{GroupSender, GroupSenderOptions};
use sealwax::identity::{Identity, PrekeyBundle};
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::content::{ContentKind, ContentType};
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::{Action, Role};

use crate::attachments::Attachments;
use crate::chance::Chance;
use crate::chronicle::Chronicle;
use crate::common::ScriptedRandom;
use crate::common::group::{Forgery, group, person, person_with};
use crate::keys::Keys;
use crate::ledger::{Ledger, Shown, To};
use crate::past::Past;
use crate::pins::Pins;
use crate::plan::{Kind, Plan};
use crate::sealing::{Sealing, may_read, number_of};
use crate::selves::Selves;
use crate::split::Evidence;
use crate::swapped::Swapped;
use crate::wishes::Wishes;
use crate::world::{START_MS, Step, World};

const ID: [u8; 16] = [1; 16];
const GROUP: To = To::Circle(0);

/// A group of p0 and p1, and what p0 has written into it.
struct Scene {
    owner: Identity,
    roster: Roster,
    sender: GroupSender,
    chronicle: Chronicle,
    ledger: Ledger,
    rng: ScriptedRandom,
}

impl Scene {
    fn new() -> Self {
        let (owner, other) = (person("p0"), person("p1"));
        let roster = group(&owner, &[&other], RosterPolicy::default());
        let mut rng = ScriptedRandom::new("scene");
        let sender = GroupSender::new(&owner, &roster, GroupSenderOptions::default(), 0, &mut rng).unwrap();
        let mut chronicle = Chronicle::default();
        chronicle.learn(roster.entries(0)).unwrap();
        let mut ledger = Ledger::default();
        add(&mut ledger, GROUP, ID);
        Self { owner, roster, sender, chronicle, ledger, rng }
    }

    fn seal(&mut self) -> Vec<u8> {
        let text = self.ledger.letters[0].payload.clone();
        let body: [&[u8]; 2] = [&[1], &text];
        let mut out = vec![0; self.sender.encrypt_len(text.len() + 1)];
        self.sender.encrypt(&self.roster, ContentKind::Data, &body, 0, &mut self.rng, &mut out).unwrap();
        out
    }

    fn remove(&mut self) {
        let entry = self.roster.propose_remove(&self.owner, "p1", 0, &mut self.rng).unwrap();
        self.chronicle.learn(&entry).unwrap();
        self.roster.apply(&entry, 0).unwrap();
    }

    fn watch(&mut self, sealing: &mut Sealing, envelope: &[u8]) {
        sealing.watch(&self.chronicle, &mut self.ledger, envelope);
    }
}

fn send(envelope: &[u8]) -> Vec<u8> {
    Frame { request: 1, body: Body::Send { commit: 0, envelope } }.to_bytes().unwrap()
}

/// A message of p0.
fn add(ledger: &mut Ledger, to: To, id: MessageId) {
    let draft = ledger.draft(0, to);
    ledger.write(draft, 0, id);
}

/// What somebody is shown as the first message of p0.
fn open_first(from: usize, to: To, id: &MessageId, content_type: ContentType) {
    let ledger = two_letters();
    ledger.open(from, to, (id, content_type, &ledger.letters[0].payload));
}

/// A ledger with two messages of p0 to p1.
fn two_letters() -> Ledger {
    let mut ledger = Ledger::default();
    add(&mut ledger, To::One(1), ID);
    add(&mut ledger, To::One(1), [2; 16]);
    ledger.letters.iter_mut().for_each(|letter| letter.is_certain = true);
    ledger
}

#[test]
#[should_panic(expected = "message 0 is shown twice")]
fn a_message_that_is_shown_twice_is_seen() {
    let (mut ledger, mut shown) = (two_letters(), Shown::default());
    ledger.show(&mut shown, 1, 0, false);
    ledger.show(&mut shown, 1, 0, false);
}

#[test]
#[should_panic(expected = "message 0 is out of order")]
fn a_message_out_of_order_is_seen() {
    let (mut ledger, mut shown) = (two_letters(), Shown::default());
    ledger.show(&mut shown, 1, 1, true);
    ledger.show(&mut shown, 1, 0, true);
}

#[test]
#[should_panic(expected = "message 0 is shown to another")]
fn a_message_for_another_is_seen() {
    open_first(0, To::One(2), &ID, ContentType::Text);
}

#[test]
#[should_panic(expected = "message 0 is shown to another")]
fn a_message_in_the_name_of_another_is_seen() {
    open_first(2, To::One(1), &ID, ContentType::Text);
}

#[test]
#[should_panic(expected = "message 0 has another id")]
fn a_message_with_the_id_of_another_is_seen() {
    open_first(0, To::One(1), &[2; 16], ContentType::Text);
}

#[test]
fn a_message_that_is_not_shown_is_missed_until_it_is_or_fails() {
    let mut ledger = two_letters();
    assert_eq!(ledger.missing(0), ["message 0 is missing", "message 1 is missing"]);
    ledger.show(&mut Shown::default(), 1, 0, true);
    ledger.letters[1].failed = Some(sealwax::Error::Expired);
    assert_eq!(ledger.missing(0), [""; 0]);
}

#[test]
fn what_a_member_is_owed_is_missed_and_what_a_sender_who_went_had_written_needs_a_word() {
    let mut scene = Scene::new();
    let letter = &mut scene.ledger.letters[0];
    (letter.is_certain, letter.is_sent) = (true, true);
    scene.ledger.owe(0, [1]);
    assert_eq!(scene.ledger.missing(0), ["p1 misses 0"]);
    scene.ledger.depart(0, 0);
    assert_eq!(scene.ledger.missing(0), [""; 0]);
    assert_eq!(scene.ledger.unexplained(&BTreeSet::new()), ["p1 knows nothing of [0] of p0 in g0"]);
    scene.ledger.note_unreadable(1, 0, 0, 1);
    assert_eq!(scene.ledger.unexplained(&BTreeSet::new()), [""; 0]);
}

#[test]
#[should_panic(expected = "a key of p0 seals twice")]
fn a_key_that_seals_twice_is_seen() {
    let (mut scene, mut keys) = (Scene::new(), Keys::default());
    let state = scene.sender.export(0).unwrap();
    keys.arrive(&send(&scene.seal()));
    scene.sender = GroupSender::import(&scene.owner, &scene.roster, GroupSender::FORMAT, &state).unwrap();
    keys.arrive(&send(&scene.seal()));
}

#[test]
fn a_sealed_message_tells_its_number_and_who_may_read_it() {
    let (mut scene, mut sealing) = (Scene::new(), Sealing::default());
    let envelope = scene.seal();
    assert_eq!(number_of(&scene.ledger, 0, &GroupMessage::parse(&envelope).unwrap()), Some(0));
    scene.watch(&mut sealing, &envelope);
    let states = scene.ledger.letters[0].sealed_in.clone();
    assert!(may_read(&scene.chronicle, states.iter().copied(), "p1", None));
    assert!(!may_read(&scene.chronicle, states.iter().copied(), "p2", None));
    assert!(!may_read(&scene.chronicle, states, "p1", Some(&[4; 65])));
}

#[test]
#[should_panic(expected = "sealed for members that nobody has made")]
fn members_that_nobody_has_made_are_seen() {
    let mut scene = Scene::new();
    scene.chronicle = Chronicle::default();
    let envelope = scene.seal();
    scene.watch(&mut Sealing::default(), &envelope);
}

/// As somebody would seal who does not make a new key when a member is removed.
#[test]
#[should_panic(expected = "a key of p0 outlives those it was given to")]
fn a_key_that_a_former_member_has_is_seen() {
    let (mut scene, mut sealing) = (Scene::new(), Sealing::default());
    let envelope = scene.seal();
    scene.watch(&mut sealing, &envelope);
    scene.remove();
    let mut message = GroupMessage::parse(&envelope).unwrap();
    let hash = *scene.roster.hash();
    (message.front.epoch, message.front.roster_hash) = (1, hash.first_chunk().unwrap());
    let mut kept = Vec::new();
    message.put(&mut kept).unwrap();
    scene.watch(&mut sealing, &kept);
}

#[test]
#[should_panic(expected = "request 5 of p0 ends twice")]
fn a_request_that_ends_twice_is_seen() {
    let mut wishes = Wishes::default();
    wishes.add(0, 5);
    wishes.end(0, 5);
    wishes.end(0, 5);
}

#[test]
fn a_request_that_does_not_end_is_missed() {
    let mut wishes = Wishes::default();
    wishes.add(0, 5);
    wishes.settle(0);
    assert_eq!(wishes.open().count(), 1);
    wishes.end(0, 5);
    assert_eq!(wishes.open().count(), 0);
}

#[test]
#[should_panic(expected = "message 0 is something else")]
fn a_message_of_another_type_is_seen() {
    open_first(0, To::One(1), &ID, ContentType::Binary);
}

#[test]
#[should_panic(expected = "nobody has written this")]
fn a_message_that_says_something_else_is_seen() {
    let ledger = two_letters();
    ledger.open(0, To::One(1), (&ID, ContentType::Text, b"0 from 0 to p1 "));
}

#[test]
#[should_panic(expected = "the attachment of message 5 is another")]
fn another_attachment_than_the_one_of_a_message_is_seen() {
    let mut attachments = Attachments::default();
    let opens = attachments.store(4);
    attachments.swap(4, 5);
    attachments.fetch(5, &opens);
}

/// The place under the key is another, so that nothing but the nonce gives it away.
#[test]
#[should_panic(expected = "a key of p0 seals twice")]
fn a_nonce_that_is_drawn_twice_for_a_key_is_seen() {
    let (mut scene, mut keys) = (Scene::new(), Keys::default());
    let envelope = scene.seal();
    keys.watch(&send(&envelope));
    let mut message = GroupMessage::parse(&envelope).unwrap();
    message.front.counter += 1;
    let mut again = Vec::new();
    message.put(&mut again).unwrap();
    keys.watch(&send(&again));
}

#[test]
#[should_panic(expected = "p0 takes another identity of p1 without a word")]
fn another_identity_that_is_taken_without_a_word_is_seen() {
    let mut pins = Pins::default();
    pins.see(0, 1, person("p1").card().fingerprint());
    pins.see(0, 1, person_with("p1", "another").card().fingerprint());
}

#[test]
#[should_panic(expected = "p0 seals for a swapped identity of p1, whom it knows")]
fn what_is_sealed_for_a_swapped_identity_is_seen() {
    let (writer, right) = (person("p0"), person("p1"));
    let mut swapped = Swapped::default();
    let mut rng = ScriptedRandom::new("swapped");
    let mut impostor = person_with("p1", "impostor");
    let prekeys = impostor.prekeys(&mut rng, 1, 0).unwrap();
    let (card, fingerprint) = (impostor.card().clone(), impostor.card().fingerprint());
    let bundle = PrekeyBundle::parse(&prekeys, &card).unwrap();
    let mut impostors = BTreeMap::from([("p1".to_owned(), (impostor, prekeys))]);
    let options = SessionOptions::default();
    let mut session = Session::initiate(&writer, &card, Some(&bundle), options, 0, &mut rng).unwrap();
    for _ in 0..2 {
        let mut envelope = vec![0; session.encrypt_len(6)];
        session.encrypt(ContentKind::Data, &[b"\x01hello"], 0, &mut rng, &mut envelope).unwrap();
        assert_eq!(swapped.open(&mut impostors, &envelope, 0), Some((0, 1, fingerprint)));
    }
    let mut pins = Pins::default();
    Swapped::check(&pins, 0, 1, &fingerprint, Some(&fingerprint));
    pins.see(0, 1, right.card().fingerprint());
    Swapped::check(&pins, 0, 1, &fingerprint, Some(&fingerprint));
}

#[test]
#[should_panic(expected = "p1 takes members that nobody has made")]
fn members_of_a_relay_are_seen() {
    let mut scene = Scene::new();
    let before = *scene.roster.hash();
    scene.chronicle.check_head(1, &before);
    let entry = scene.roster.propose_remove(&scene.owner, "p1", 0, &mut scene.rng).unwrap();
    scene.roster.apply(&entry, 0).unwrap();
    scene.chronicle.check_head(1, scene.roster.hash());
}

#[test]
#[should_panic(expected = "p1 is told nothing of another history of g0")]
fn another_history_of_which_nobody_is_told_is_seen() {
    let mut evidence = Evidence::default();
    evidence.note(1, 0, 1_000);
    evidence.check(&BTreeSet::new(), 2_000);
    evidence.check(&BTreeSet::from([(1, 0)]), 10_000_000);
    evidence.check(&BTreeSet::from([(0, 0), (1, 1)]), 10_000_000);
}

#[test]
#[should_panic(expected = "p1 has shared nothing with p2, who reads message 3")]
fn a_past_that_nobody_has_shared_is_seen() {
    let mut past = Past::default();
    past.share(1, 2, 0);
    past.check(1, 2, 0, 3);
    past.check(1, 2, 1, 3);
}

#[test]
#[should_panic(expected = "p0 has not accepted the identity 1 of p1")]
fn a_new_identity_that_nobody_has_accepted_is_seen() {
    let mut selves = Selves::default();
    selves.check(0, 1, 3);
    selves.meet(0, 1, 0);
    selves.check(0, 1, 0);
    selves.check(0, 1, 1);
}

/// Runs in which nobody cheats or is restored, and some are in groups.
fn seeds() -> impl Iterator<Item = u64> {
    (0..).filter(|seed| {
        let plan = Plan::draw(&mut Chance::new(*seed));
        plan.kind == Kind::Honest && plan.circles > 0 && plan.people < 7 && !plan.restores
    })
}

/// Whoever has missed an entry, and is never told, is on another log than the relay at the end.
#[test]
#[should_panic(expected = "of g0")]
fn a_network_that_does_not_converge_is_seen() {
    let mut runs = seeds().map(|seed| {
        let mut world = World::new(seed, false);
        world.run();
        world
    });
    let is_in_group = |world: &World| !world.chronicle.circles.is_empty() && world.members_of(0).len() > 1;
    let mut world = runs.find(is_in_group).unwrap();
    let (members, group) = (world.members_of(0), world.chronicle.circles[0].id);
    let owner = person(&world.chronicle.circles[0].founder);
    let client = world.people[members[0]].client.as_mut().unwrap();
    let roster = client.roster(&group).unwrap().unwrap().clone();
    let entry =
        Forgery::after(&roster, &owner, Action::Role(&world.people[members[1]].name, Role::Admin)).bytes();
    world.chronicle.circles[0].head = Some(world.chronicle.learn(&entry).unwrap());
    world.check_agreement();
}

/// What is delivered is lost on its way, again and again.
fn lossy(seed: u64) -> (String, u64, u64) {
    let mut world = World::new(seed, false);
    world.run_until(START_MS + world.plan.until_ms);
    let run = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..10 {
            world.everybody_writes();
            world.run_until(world.now_ms + world.plan.delay_max_ms);
            world.forget_steps(|step| matches!(step, Step::Down(_, frame) if is_delivery(frame)));
        }
        world.run();
    }));
    let failure = run.expect_err("what is lost is not missed");
    let why = failure.downcast_ref::<String>().expect("a reason").clone();
    (why, world.trace.steps, world.trace.hash())
}

fn is_delivery(frame: &[u8]) -> bool {
    matches!(Frame::parse(frame), Ok(Frame { body: Body::Deliver { .. }, .. }))
}

#[test]
fn a_relay_that_loses_what_it_delivers_is_seen_and_fails_the_same_each_time() {
    let seed = seeds().next().unwrap();
    let (why, steps, hash) = lossy(seed);
    assert!(why.starts_with("no rest: ") && why.contains("is missing"), "{why}");
    assert_eq!(lossy(seed), (why, steps, hash));
}
