//! That what is looked at is seen: each rule is broken once, and the check says so.

use std::collections::BTreeSet;

use sealwax::group::{GroupSender, GroupSenderOptions};
use sealwax::identity::Identity;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::content::ContentKind;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::group::GroupMessage;

use crate::chronicle::Chronicle;
use crate::common::ScriptedRandom;
use crate::common::group::{group, person};
use crate::keys::Keys;
use crate::ledger::{Ledger, Shown, To};
use crate::sealing::{Sealing, may_read, number_of};
use crate::wishes::Wishes;

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
        ledger.write(0, GROUP, ID);
        Self { owner, roster, sender, chronicle, ledger, rng }
    }

    fn seal(&mut self) -> Vec<u8> {
        let text = Ledger::text(0, 0, GROUP);
        let body: [&[u8]; 2] = [&[1], text.as_bytes()];
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

/// A ledger with two messages of p0 to p1.
fn two_letters() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.write(0, To::One(1), ID);
    ledger.write(0, To::One(1), [2; 16]);
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
    two_letters().open(0, To::One(2), &ID, Ledger::text(0, 0, To::One(1)).as_bytes());
}

#[test]
#[should_panic(expected = "message 0 is shown to another")]
fn a_message_in_the_name_of_another_is_seen() {
    two_letters().open(2, To::One(1), &ID, Ledger::text(0, 0, To::One(1)).as_bytes());
}

#[test]
#[should_panic(expected = "message 0 has another id")]
fn a_message_with_the_id_of_another_is_seen() {
    two_letters().open(0, To::One(1), &[2; 16], Ledger::text(0, 0, To::One(1)).as_bytes());
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
    assert_eq!(number_of(&GroupMessage::parse(&envelope).unwrap()), Some(0));
    scene.watch(&mut sealing, &envelope);
    let states = scene.ledger.letters[0].sealed_in.clone();
    assert!(may_read(&scene.chronicle, states.iter().copied(), "p1"));
    assert!(!may_read(&scene.chronicle, states, "p2"));
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
