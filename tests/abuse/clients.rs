//! What a relay, or a peer through an honest one, can make a client do: a frame, and all work that follows from it.

use sealwax::crypto::rng::SystemRandom;
use sealwax::identity::{Identity, IdentityOptions};
use sealwax::limits::MESSAGE_MAX;
use sealwax::roster::RosterPolicy;
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::content::{ContentKind, ContentType};
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::roster::Role;

use crate::bed::Bed;
use crate::common::group::{Act, person};
use crate::meter::{Cost, MIB, bounded, bounded_by};

/// The frames that wait for somebody.
fn waiting(bed: &mut Bed, name: &str) -> Vec<Vec<u8>> {
    bed.host.frames(name).drain(..).collect()
}

/// What the client does with frames, up to what it lets out.
fn take(bed: &mut Bed, name: &str, frames: &[Vec<u8>]) {
    let now_ms = bed.now_ms;
    for frame in frames {
        bed.client(name).receive(frame, now_ms).unwrap();
    }
    bed.client(name).pending().unwrap();
}

fn len(frames: &[Vec<u8>]) -> usize {
    frames.iter().map(Vec::len).sum()
}

fn deliver(sequence: u64, payload: &[u8]) -> Vec<u8> {
    Frame { request: 0, body: Body::Deliver { sequence, payload } }.to_bytes().unwrap()
}

/// The last sequence of an honest relay is far below.
const FIRST: u64 = 1_000;

#[test]
fn the_largest_message_is_taken_within_the_limits() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "hello back");
    bed.run();
    bed.send("alice", "bob", &"x".repeat(MESSAGE_MAX - 2_048));
    bed.up("alice").unwrap();
    let frames = waiting(&mut bed, "bob");
    assert!((MIB - 4_096..=MIB).contains(&len(&frames)));
    bounded("client: a message, stored and shown", len(&frames), || take(&mut bed, "bob", &frames));
}

#[test]
fn rubbish_is_dropped_within_the_limits() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "hello back");
    bed.run();
    bed.send("alice", "bob", &"x".repeat(MESSAGE_MAX - 4_096));
    bed.up("alice").unwrap();
    let mut frames = waiting(&mut bed, "bob");
    *frames[0].last_mut().unwrap() ^= 1;
    bounded("client: a forged message", len(&frames), || take(&mut bed, "bob", &frames));
    let rubbish = [deliver(FIRST, &vec![1; MIB - 100])];
    bounded("client: a delivery that is nothing", len(&rubbish), || take(&mut bed, "bob", &rubbish));
    let strange = [vec![1; MIB]];
    bounded("client: a frame that is none", MIB, || take(&mut bed, "bob", &strange));
}

/// First messages of people who are not known, in frames one after another.
#[test]
fn a_flood_of_first_messages_costs_its_agreements() {
    let mut bed = Bed::of(&["bob"]);
    let now_ms = bed.now_ms;
    let bundle = bed.host.bundle_for("bob", "bob", now_ms);
    let card = bed.client("bob").card().clone();
    let flood: Vec<Vec<u8>> = (0..200)
        .map(|number| {
            let own = Identity::generate(
                &mut SystemRandom,
                &format!("{number}"),
                IdentityOptions::default(),
                now_ms,
            )
            .unwrap();
            let bundle = sealwax::identity::PrekeyBundle::parse(&bundle, &card).unwrap();
            let options = SessionOptions::default();
            let mut session =
                Session::initiate(&own, &card, Some(&bundle), options, now_ms, &mut SystemRandom).unwrap();
            let mut out = vec![0; session.encrypt_len(2)];
            session.encrypt(ContentKind::Data, &[&[1], b"x"], now_ms, &mut SystemRandom, &mut out).unwrap();
            deliver(FIRST + number, &out)
        })
        .collect();
    bounded_by(Cost::new(3, MIB), "client: a first message of a stranger", flood[0].len(), || {
        take(&mut bed, "bob", &flood[..1])
    });
    bounded_by(Cost::new(250, 4 * MIB), "client: 199 first messages of strangers", len(&flood[1..]), || {
        take(&mut bed, "bob", &flood[1..]);
    });
}

/// A relay and an owner who work together: a log of many entries, given whole.
#[test]
fn a_deep_log_costs_its_signatures() {
    let mut bed = Bed::of(&["bob"]);
    let owner = person("mallory");
    let now_ms = bed.now_ms;
    let card = bed.client("bob").card().clone();
    let mut roster = sealwax::roster::Roster::create(
        &owner,
        "trap",
        &[card],
        RosterPolicy::default(),
        now_ms,
        &mut SystemRandom,
    )
    .unwrap();
    let founded = [deliver(FIRST, &roster.log(0))];
    bounded("client: an entry that founds a group", len(&founded), || take(&mut bed, "bob", &founded));
    let mut role = Role::Admin;
    while roster.log_len(1) < MIB - 400 {
        let entry = Act::Role("bob", role).propose(&roster, &owner).unwrap();
        roster.apply(&entry, 0).unwrap();
        role = if role == Role::Admin { Role::Member } else { Role::Admin };
    }
    let ahead = roster.entries(roster.epoch());
    take(&mut bed, "bob", &[deliver(FIRST + 1, ahead)]);
    let mut pages = 0;
    while let Some((request, from_epoch)) = question(&mut bed) {
        let body = Body::Log { entries: roster.entries(from_epoch) };
        let answer = [Frame { request, body }.to_bytes().unwrap()];
        bounded_by(
            Cost::new(110, 4 * MIB),
            "client: a log in one answer, of which it takes a page",
            len(&answer),
            || take(&mut bed, "bob", &answer),
        );
        pages += 1;
    }
    assert_eq!(pages, 5, "the pages, and the end");
    let taken = bed.client("bob").roster(roster.group_id()).unwrap().unwrap();
    assert_eq!(taken.epoch(), roster.epoch());
}

/// What the client asks about a log, if it does.
fn question(bed: &mut Bed) -> Option<(u32, u64)> {
    let mut asked = None;
    while let Some(bytes) = bed.client("bob").next_frame().unwrap() {
        let Frame { request, body } = Frame::parse(&bytes).unwrap();
        if let Body::FetchLog { from_epoch, .. } = body {
            asked = Some((request, from_epoch));
        }
    }
    asked
}

/// Whoever asks for everything is sent what is kept: 4 MiB at most.
#[test]
fn a_question_for_everything_costs_what_is_kept() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.run();
    bed.send("bob", "alice", "hello back");
    bed.run();
    let early = bed.person("bob").disk.backup();
    let now_ms = bed.now_ms;
    for _ in 0..256 {
        bed.client("alice").send_direct("bob", ContentType::Binary, &[7; 16_000], false, now_ms).unwrap();
    }
    bed.run();
    bed.disconnect("bob");
    let bob = bed.person("bob");
    (bob.client, bob.disk) = (None, early);
    bob.open(now_ms).unwrap();
    bed.connect("bob");
    let is_delivery = |frame: &Vec<u8>| matches!(Frame::parse(frame).unwrap().body, Body::Deliver { .. });
    let mut asked = Vec::new();
    for _ in 0..20 {
        bed.down("bob").unwrap();
        bed.up("bob").unwrap();
        asked = waiting(&mut bed, "alice");
        if asked.iter().any(is_delivery) {
            break;
        }
    }
    assert!(asked.iter().any(is_delivery));
    bounded_by(
        Cost::new(50, 24 * MIB),
        "client: a question for all that is kept, 4 MiB",
        len(&asked),
        || {
            take(&mut bed, "alice", &asked);
        },
    );
    let mut sent = 0;
    while let Some(frame) = bed.client("alice").next_frame().unwrap() {
        sent += frame.len();
    }
    assert!(sent > MIB / 2, "{sent}");
}
