//! Sessions that lost a side, and stores that were restored.

use sealwax::error::Error;
use sealwax::limits::HOUR_MS;
use sealwax::wire::content::ContentType;
use sealwax::wire::frame::{Body, Frame};

use crate::bed::Bed;

/// Two who have talked both ways.
fn acquainted() -> Bed {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.send("bob", "alice", "b1");
    bed.run();
    bed
}

#[test]
fn a_session_that_one_side_lost_heals_and_what_was_lost_comes_again() {
    let mut bed = acquainted();
    bed.wipe_session("bob", "alice");
    for text in ["a2", "a3", "a4"] {
        bed.send("alice", "bob", text);
        bed.run();
    }
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1"]);
    bed.connect("bob");
    bed.run();
    bed.send("alice", "bob", "a5");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2", "a3", "a4", "a5"]);
    bed.send("bob", "alice", "b2");
    bed.run();
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2"]);
    // The application heard of each message once.
    let acks = bed.person("alice").events.iter().filter(|event| event.name() == "ack").count();
    assert_eq!(acks, 5);
    for name in ["alice", "bob"] {
        assert_eq!(bed.person(name).count("outbox"), 0);
    }
}

#[test]
fn what_arrives_while_the_session_heals_is_not_lost_either() {
    let mut bed = acquainted();
    bed.wipe_session("bob", "alice");
    bed.connect("bob");
    bed.run();
    // Each settles by itself, and the answers of the relay come late.
    for number in 2..8 {
        bed.send("alice", "bob", &format!("a{number}"));
        bed.up("alice").unwrap();
        bed.down("alice").unwrap();
        bed.down("bob").unwrap();
        bed.client("bob").pending().unwrap();
    }
    bed.pass(5_000);
    let expected: Vec<String> = (1..8).map(|number| format!("a{number}")).collect();
    let mut texts = bed.person("bob").texts_of("alice");
    texts.sort();
    assert_eq!(texts, expected);
}

#[test]
fn a_dead_session_is_noticed_after_an_hour_even_if_only_tags_fail() {
    let mut bed = acquainted();
    let old = bed.person("bob").disk.backup();
    for round in 0..2 {
        bed.send("alice", "bob", &format!("forgotten {round}"));
        bed.run();
        bed.send("bob", "alice", "b2");
        bed.run();
    }
    // Bob runs on an older copy, and the relay hides it.
    bed.crash("bob");
    bed.person("bob").client = None;
    bed.person("bob").disk = old;
    let now_ms = bed.now_ms;
    bed.person("bob").open(now_ms).unwrap();
    bed.person("bob").forget_numbers();
    bed.host.forget_commit("bob");
    bed.connect("bob");
    bed.run();
    bed.send("alice", "bob", "too soon");
    bed.run();
    assert_eq!(bed.person("bob").count("unreadable"), 1);
    assert_eq!(bed.person("bob").texts_of("alice").last().unwrap(), "forgotten 1");
    bed.pass(2 * HOUR_MS);
    bed.send("alice", "bob", "a3");
    bed.pass(10_000);
    bed.send("bob", "alice", "b3");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").count("restorations"), 0);
    assert_eq!(bed.person("bob").texts_of("alice").last().unwrap(), "a3");
    assert_eq!(bed.person("alice").texts_of("bob").last().unwrap(), "b3");
}

#[test]
fn a_restored_store_starts_over_and_loses_nothing() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    bed.send("alice", "bob", "a1");
    bed.run();
    bed.send("bob", "alice", "b1");
    bed.run();
    let old = bed.person("bob").disk.backup();
    bed.pass(1_000);
    bed.send("bob", "alice", "b2");
    bed.send("bob", "carol", "to carol");
    bed.run();
    bed.send("alice", "bob", "a2");
    bed.send("carol", "bob", "from carol");
    bed.run();

    bed.pass(1_000);
    bed.disconnect("bob");
    bed.send("alice", "bob", "a3");
    bed.send("carol", "bob", "while away");
    bed.run();
    bed.person("bob").client = None;
    bed.person("bob").disk = old;
    // Its application was not restored.
    bed.person("bob").events.clear();
    let now_ms = bed.now_ms;
    // It remembers the numbers of events that the client has forgotten.
    bed.person("bob").open(now_ms).unwrap();
    bed.connect("bob");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").count("restorations"), 1);
    bed.send("bob", "alice", "b3");
    bed.send("bob", "carol", "again");
    bed.pass(10_000);
    bed.send("alice", "bob", "a4");
    bed.send("carol", "bob", "hello again");
    bed.pass(10_000);
    // What its newer state had taken comes again.
    assert_eq!(bed.person("bob").texts_of("alice"), ["a3", "a2", "a4"]);
    let mut texts = bed.person("bob").texts_of("carol");
    texts.sort();
    assert_eq!(texts, ["from carol", "hello again", "while away"]);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2", "b3"]);
    assert_eq!(bed.person("carol").texts_of("bob"), ["to carol", "again"]);

    // Once for each restoration, not for each opening, however old the copy was.
    bed.disconnect("bob");
    bed.host.claim_commit("bob", 1_000_000);
    for _ in 0..4 {
        bed.crash("bob");
        bed.connect("bob");
        bed.pass(10_000);
    }
    assert_eq!(bed.person("bob").count("restorations"), 2);
}

#[test]
fn a_first_message_under_a_prekey_that_a_restored_client_discarded_is_read_all_the_same() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let old = bed.person("bob").disk.backup();
    bed.pass(1_000);
    bed.send("bob", "alice", "b1");
    bed.run();
    // Carol has a prekey of Bob's, and does not use it before Bob is another.
    bed.add("carol", &Default::default());
    bed.run();
    bed.disconnect("bob");
    bed.send("carol", "bob", "from a stranger");
    bed.run();
    bed.person("bob").client = None;
    bed.person("bob").disk = old;
    let now_ms = bed.now_ms;
    bed.person("bob").open(now_ms).unwrap();
    bed.person("bob").forget_numbers();
    bed.connect("bob");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").count("restorations"), 1);
    assert_eq!(bed.person("bob").texts_of("carol"), ["from a stranger"]);
    assert_eq!(bed.person("bob").count("one_time_prekeys"), 100);
    bed.send("bob", "carol", "hello");
    bed.run();
    assert_eq!(bed.person("carol").texts_of("bob"), ["hello"]);
}

#[test]
fn what_a_peer_sealed_before_it_heard_of_a_restoration_is_not_lost() {
    let mut bed = acquainted();
    let old = bed.person("bob").disk.backup();
    bed.pass(1_000);
    // Bob forgets the turn that Alice answers.
    bed.send("alice", "bob", "a2");
    bed.run();
    bed.send("bob", "alice", "b2");
    bed.run();
    bed.disconnect("bob");
    bed.send("alice", "bob", "a3");
    bed.run();
    bed.person("bob").client = None;
    bed.person("bob").disk = old;
    let now_ms = bed.now_ms;
    bed.person("bob").open(now_ms).unwrap();
    bed.connect("bob");
    for _ in 0..6 {
        bed.up("bob").unwrap();
        bed.down("bob").unwrap();
    }
    // The handshake is made, and Alice has not seen it.
    bed.send("alice", "bob", "a4");
    bed.up("alice").unwrap();
    bed.pass(10_000);
    assert_eq!(bed.person("bob").count("unreadable"), 2);
    let texts = bed.person("bob").texts_of("alice");
    assert!(texts.ends_with(&["a3".into(), "a4".into()]), "{texts:?}");
}

#[test]
fn nothing_is_sealed_in_a_session_that_a_restored_store_has_used_up() {
    let mut bed = acquainted();
    let old = bed.person("bob").disk.backup();
    bed.pass(1_000);
    bed.send("bob", "alice", "b2");
    bed.run();
    bed.disconnect("bob");
    bed.person("bob").client = None;
    bed.person("bob").disk = old;
    let now_ms = bed.now_ms;
    bed.person("bob").open(now_ms).unwrap();
    // The relay gives no prekeys.
    let card = bed.client("alice").card().as_bytes().to_vec();
    bed.host.lies.insert("alice".into(), (card, Vec::new()));
    bed.connect("bob");
    bed.run();
    bed.send("bob", "alice", "b3");
    bed.pass(HOUR_MS);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2"]);
    assert_eq!(bed.person("alice").count("repeated"), 0);
    bed.host.lies.clear();
    bed.pass(HOUR_MS);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2", "b3"]);
}

#[test]
fn a_relay_that_claims_a_restoration_causes_it_once() {
    let mut bed = acquainted();
    for _ in 0..3 {
        bed.disconnect("bob");
        bed.host.claim_commit("bob", 1_000_000);
        bed.connect("bob");
        bed.run();
        bed.send("alice", "bob", "still here");
        bed.send("bob", "alice", "me too");
        bed.run();
    }
    assert_eq!(bed.person("bob").count("restorations"), 1);
    assert_eq!(bed.person("bob").texts_of("alice").len(), 4);
    assert_eq!(bed.person("alice").texts_of("bob").len(), 4);
}

#[test]
fn rubbish_in_the_names_of_strangers_causes_few_questions_and_leaves_nothing() {
    const LOOKUP: u8 = 6;
    let mut bed = acquainted();
    let before = bed.host.heard.len();
    for number in 0..400 {
        let envelope = crate::common::relay::direct(&format!("m{number}"), "bob", 1);
        bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: &envelope });
    }
    bed.pass(10_000);
    let asked = bed.host.heard[before..].iter().filter(|(_, frame)| *frame == LOOKUP).count();
    assert_eq!(asked, 256);
    assert_eq!((bed.person("bob").count("unreadable"), bed.person("bob").count("outbox")), (400, 0));
    assert!(bed.client("bob").peer_card("m1").unwrap().is_none());
    bed.send("alice", "bob", "a2");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
}

#[test]
fn a_peer_gets_no_flood_of_handshakes_out_of_one_lost_session() {
    let mut bed = acquainted();
    for round in 0..6 {
        bed.wipe_session("bob", "alice");
        bed.connect("bob");
        bed.run();
        bed.send("alice", "bob", &format!("round {round}"));
        bed.pass(10_000);
    }
    // Of each loss one handshake at most, and all that was sent arrived.
    assert_eq!(bed.person("bob").texts_of("alice").len(), 7);
    let resends = bed.host.taken.iter().filter(|(sender, _)| sender == "bob").count();
    assert!(resends <= 8, "{resends}");
}

#[test]
fn a_content_is_sent_again_for_an_envelope_once() {
    let mut bed = acquainted();
    let now_ms = bed.now_ms;
    bed.client("alice").send_direct("bob", ContentType::Binary, b"x", false, now_ms).unwrap();
    bed.run();
    let before = bed.host.taken.len();
    bed.wipe_session("bob", "alice");
    bed.connect("bob");
    bed.run();
    // The same envelope again: Bob cannot know it any more, and asks; what comes he knows.
    let envelope = bed.host.taken.last().unwrap().1.clone();
    for _ in 0..3 {
        bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: &envelope });
        bed.pass(1_000);
    }
    assert_eq!(bed.person("bob").texts_of("alice").len(), 2);
    let again = bed.host.taken[before..].iter().filter(|(sender, _)| sender == "alice").count();
    assert_eq!(again, 1);
}

/// Somebody goes on with an older copy of the store.
fn restore(bed: &mut Bed, name: &str, old: &crate::common::disk::Disk) {
    let now_ms = bed.now_ms;
    bed.host.disconnect(name, now_ms);
    let person = bed.person(name);
    person.client = None;
    person.disk = old.backup();
    person.open(now_ms).unwrap();
    person.forget_numbers();
    bed.connect(name);
}

#[test]
fn what_a_restored_store_could_not_read_and_had_not_asked_for_is_not_lost_with_the_next_restoration() {
    let mut bed = acquainted();
    let old = bed.person("bob").disk.backup();
    bed.pass(1_000);
    bed.send("bob", "alice", "b2");
    bed.run();
    bed.send("alice", "bob", "a2");
    bed.run();
    bed.send("bob", "alice", "b3");
    bed.run();
    bed.disconnect("bob");
    bed.send("alice", "bob", "a3");
    bed.run();
    restore(&mut bed, "bob", &old);
    bed.up("bob").unwrap();
    bed.down("bob").unwrap();
    bed.up("bob").unwrap();
    bed.down("bob").unwrap();
    // It has said that it has the message, and has asked for nothing yet.
    assert_eq!(bed.up("bob").map(|frames| frames > 0), Ok(true));
    assert_eq!(bed.person("bob").count("unreadable"), 1);
    restore(&mut bed, "bob", &old);
    bed.pass(10_000);
    let mut texts = bed.person("bob").texts_of("alice");
    texts.sort();
    texts.dedup();
    assert_eq!(texts, ["a1", "a2", "a3"]);
}

#[test]
fn what_a_peer_asked_for_before_we_were_restored_is_sent_again_all_the_same() {
    const ACKNOWLEDGE: u8 = 13;
    let mut bed = acquainted();
    bed.wipe_session("bob", "alice");
    bed.send("alice", "bob", "a2");
    bed.run();
    let old = bed.person("alice").disk.backup();
    bed.connect("bob");
    for _ in 0..6 {
        bed.up("bob").unwrap();
        bed.down("bob").unwrap();
    }
    // Alice has stored what she was asked for, and dies before she has answered.
    assert!(bed.down("alice").unwrap() > 0);
    let now_ms = bed.now_ms;
    while let Some(frame) = bed.client("alice").next_frame().unwrap() {
        if frame[5] == ACKNOWLEDGE {
            bed.host.receive("alice", &frame, now_ms);
        }
    }
    restore(&mut bed, "alice", &old);
    bed.pass(10_000);
    assert_eq!(bed.person("alice").count("restorations"), 1);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
}

#[test]
fn of_a_long_queue_that_cannot_be_read_every_message_comes_again_or_fails() {
    let mut bed = acquainted();
    bed.wipe_session("bob", "alice");
    let ids: Vec<_> = (0..600)
        .map(|number| {
            let id = bed.send("alice", "bob", &format!("queued {number}"));
            bed.run();
            id
        })
        .collect();
    bed.connect("bob");
    bed.pass(10_000);
    let came = bed.person("bob").texts_of("alice");
    for (number, id) in ids.iter().enumerate() {
        let states = bed.person("alice").states(id);
        let has_failed = states.contains(&Err(Error::LimitReached));
        let times = came.iter().filter(|text| **text == format!("queued {number}")).count();
        assert_eq!(times + usize::from(has_failed), 1, "{number}: {states:?}");
    }
    assert_eq!(came.len(), 1 + 256);
}

#[test]
fn a_refusal_holds_what_waits_although_something_behind_it_was_taken() {
    const SEND_MANY: u8 = 16;
    let mut bed = acquainted();
    for text in ["a2", "a3", "a4"] {
        bed.send("alice", "bob", text);
    }
    let frame = bed.client("alice").next_frame().unwrap().unwrap();
    assert_eq!(frame[5], SEND_MANY);
    let request = Frame::parse(&frame).unwrap().request;
    let statuses = [Error::QueueFull.code(), 0, 0];
    let bytes = sealwax::wire::frame::Statuses::encode(statuses).unwrap();
    let statuses = sealwax::wire::frame::Statuses::parse(&bytes).unwrap();
    bed.host.push("alice", request, Body::SentMany { statuses });
    bed.down("alice").unwrap();
    assert_eq!(bed.client("alice").next_frame().unwrap(), None);
    bed.pass(2_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
}

#[test]
fn a_lookup_that_is_refused_while_a_message_is_on_its_way_leaves_nothing_half_asked() {
    const LOOKUP: u8 = 6;
    let mut bed = acquainted();
    let sent = bed.send("alice", "bob", "on its way");
    bed.up("alice").unwrap();
    bed.disconnect("alice");
    let waiting = bed.send("alice", "bob", "behind it");
    // Before anything else is sealed there is to be a new handshake.
    bed.host.claim_commit("alice", 1_000_000);
    bed.connect("alice");
    let now_ms = bed.now_ms;
    let mut refused = false;
    for _ in 0..6 {
        while let Some(frame) = bed.client("alice").next_frame().unwrap() {
            if frame[5] == LOOKUP {
                refused = true;
                let request = Frame::parse(&frame).unwrap().request;
                let status = Error::UnknownUser.code();
                bed.host.push(
                    "alice",
                    request,
                    Body::Error { status, retry_after_ms: 0, epoch: 0, text: "" },
                );
            } else if !refused {
                bed.host.receive("alice", &frame, now_ms);
            }
        }
        bed.down("alice").unwrap();
    }
    assert!(refused);
    bed.disconnect("alice");
    bed.connect("alice");
    bed.pass(10_000);
    for id in [sent, waiting] {
        assert_eq!(bed.person("alice").states(&id).len(), 1);
    }
    bed.send("alice", "bob", "again");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice").last().unwrap(), "again");
}

/// Time passes in small steps, so that whoever never falls silent does not hold the test.
fn pass_by_steps(bed: &mut Bed, ms: u64) {
    for _ in 0..ms / 100 {
        bed.now_ms += 100;
        let now_ms = bed.now_ms;
        for name in ["alice", "bob"] {
            bed.client(name).tick(now_ms).unwrap();
            bed.up(name).unwrap();
            bed.down(name).unwrap();
            bed.person(name).listen().unwrap();
        }
    }
}

/// Two who each write under a handshake that the other cannot open: their relay gave out prekeys that are no more.
fn at_cross_purposes() -> Bed {
    let mut bed = Bed::of(&["alice", "bob"]);
    let now_ms = bed.now_ms;
    for (name, other) in [("alice", "bob"), ("bob", "alice")] {
        let card = bed.client(other).card().as_bytes().to_vec();
        let bundle = bed.host.bundle_for(name, other, now_ms);
        bed.host.lies.insert(other.into(), (card, bundle));
    }
    for name in ["alice", "bob"] {
        bed.disconnect(name);
        bed.host.claim_commit(name, 1_000_000);
        bed.connect(name);
        bed.run();
    }
    bed
}

#[test]
fn two_who_cannot_open_a_word_of_each_other_ask_seldom_and_talk_again_soon() {
    let mut bed = at_cross_purposes();
    bed.send("alice", "bob", "a1");
    pass_by_steps(&mut bed, 2_000);
    bed.send("bob", "alice", "b1");
    pass_by_steps(&mut bed, 2_000);
    for (name, other) in [("alice", "bob"), ("bob", "alice")] {
        assert!(bed.person(name).count("unreadable") > 0);
        assert_eq!(bed.person(name).texts_of(other), [""; 0]);
    }
    // The relay lies no more.
    bed.host.lies.clear();
    pass_by_steps(&mut bed, 300_000);
    bed.send("alice", "bob", "a2");
    bed.send("bob", "alice", "b2");
    pass_by_steps(&mut bed, 10_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2"]);
    let taken = bed.host.taken.len();
    assert!(taken < 60, "{taken}");
}

#[test]
fn whoever_is_lied_to_for_hours_asks_a_few_times_an_hour_and_looks_up_seldom() {
    const LOOKUP: u8 = 6;
    let mut bed = at_cross_purposes();
    bed.send("alice", "bob", "a1");
    pass_by_steps(&mut bed, 4 * HOUR_MS);
    let lookups = bed.host.heard.iter().filter(|(_, frame)| *frame == LOOKUP).count();
    assert!(lookups <= 2 * 10, "{lookups}");
    let taken = bed.host.taken.len();
    assert!(taken <= 4 * 60, "{taken}");
    bed.host.lies.clear();
    pass_by_steps(&mut bed, HOUR_MS + 600_000);
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1"]);
    assert_eq!(bed.person("alice").count("outbox") + bed.person("bob").count("outbox"), 0);
}

/// The relay withholds what Bob writes, lets pass what Alice writes in the old session, and adds rubbish in her name.
#[test]
fn a_relay_that_withholds_and_makes_up_has_nobody_make_many_handshakes() {
    const LOOKUP: u8 = 6;
    let mut bed = acquainted();
    let template = bed.host.taken.iter().rfind(|(sender, _)| sender == "alice").unwrap().1.clone();
    let key_id = template.windows(3).position(|window| window == b"bob").unwrap() + 3;
    bed.host.loses = Some(|user, payload| user == "alice" && payload.get(4).is_some_and(|kind| *kind < 3));
    bed.host.heard.clear();
    for second in 0..600_u32 {
        bed.now_ms += 1_000;
        let mut rubbish = template.clone();
        rubbish[key_id] ^= 0xff;
        let tail = rubbish.len() - 4;
        rubbish[tail..].copy_from_slice(&second.to_be_bytes());
        bed.host.push("bob", 0, Body::Deliver { sequence: 1, payload: &rubbish });
        if second % 4 == 0 {
            bed.send("alice", "bob", &format!("a{second}"));
        }
        let now_ms = bed.now_ms;
        for name in ["alice", "bob"] {
            bed.client(name).tick(now_ms).unwrap();
        }
        bed.run();
    }
    let lookups = bed.host.heard.iter().filter(|(user, frame)| user == "bob" && *frame == LOOKUP).count();
    assert!(lookups <= 6, "{lookups}");
    // From here on it does all that it should, and delivers what it withheld.
    bed.host.loses = None;
    let withheld = bed.host.taken.iter().filter(|(sender, _)| sender == "bob");
    for envelope in withheld.map(|(_, envelope)| envelope.clone()).collect::<Vec<_>>() {
        bed.host.push("alice", 0, Body::Deliver { sequence: 1, payload: &envelope });
        bed.run();
    }
    bed.send("bob", "alice", "are you there?");
    bed.pass(60_000);
    assert_eq!(bed.person("alice").texts_of("bob").last().unwrap(), "are you there?");
}

/// Handshakes of one peer that are more than anybody takes in a day.
#[test]
fn what_comes_under_one_handshake_too_many_is_asked_for() {
    let mut bed = acquainted();
    for number in 0..60 {
        bed.wipe_session("bob", "alice");
        bed.connect("bob");
        bed.pass(1_000);
        bed.send("bob", "alice", &number.to_string());
        bed.pass(1_000);
    }
    bed.pass(2 * HOUR_MS);
    assert_eq!(bed.person("alice").texts_of("bob").len(), 61);
}

#[test]
fn a_session_of_a_peer_whose_clock_once_ran_ahead_heals_too() {
    for ahead_ms in [0, 2 * 365 * 24 * HOUR_MS] {
        let mut bed = acquainted();
        // Before 2026 a clock counts as never set.
        bed.now_ms = 1_800_000_000_000;
        for name in ["alice", "bob"] {
            bed.close(name);
            bed.connect(name);
        }
        bed.pass(1_000);
        let (now_ms, far_ms) = (bed.now_ms, bed.now_ms + ahead_ms);
        bed.client("bob").send_direct("alice", ContentType::Text, b"from the future", false, far_ms).unwrap();
        while let Some(frame) = bed.client("bob").next_frame().unwrap() {
            bed.host.receive("bob", &frame, now_ms);
        }
        bed.client("bob").tick(now_ms).unwrap();
        bed.run();
        assert_eq!(bed.person("alice").texts_of("bob").last().unwrap(), "from the future");
        // More are lost than a session follows.
        bed.host.loses =
            Some(|user, payload| user == "alice" && payload.get(4).is_some_and(|kind| *kind < 3));
        for number in 0..2_100 {
            bed.send("bob", "alice", &format!("lost {number}"));
            if number % 50 == 0 {
                bed.pass(1_000);
            }
        }
        bed.pass(10_000);
        bed.host.loses = None;
        for hour in 0..30 {
            bed.send("bob", "alice", &format!("hour {hour}"));
            bed.pass(HOUR_MS);
        }
        assert_eq!(bed.person("alice").texts_of("bob").last().unwrap(), "hour 29", "{ahead_ms}");
    }
}
