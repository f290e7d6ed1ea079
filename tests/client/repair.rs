//! Sessions that lost a side, and stores that were restored.

use sealwax::limits::HOUR_MS;
use sealwax::wire::content::ContentType;
use sealwax::wire::frame::Body;

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
    assert_eq!(bed.person("bob").texts_of("alice"), ["a3", "a4"]);
    assert_eq!(bed.person("bob").texts_of("carol"), ["while away", "hello again"]);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2", "b3"]);
    assert_eq!(bed.person("carol").texts_of("bob"), ["to carol", "again"]);

    // Once for each restoration, not for each opening, however old the copy was.
    bed.disconnect("bob");
    bed.host.claim_commit("bob", 1_000_000);
    bed.connect("bob");
    bed.pass(10_000);
    for _ in 0..3 {
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
fn rubbish_in_the_name_of_strangers_causes_nothing() {
    let mut bed = acquainted();
    bed.add("mallory", &Default::default());
    bed.run();
    let envelope = crate::common::relay::direct("mallory", "bob", 1);
    let (taken, commits) = (bed.host.taken.len(), bed.person("bob").disk.commits());
    bed.host.push("bob", 0, Body::Deliver { sequence: 2, payload: &envelope });
    bed.pass(10_000);
    assert_eq!(bed.host.taken.len(), taken);
    assert_eq!(bed.person("bob").count("unreadable"), 1);
    assert_eq!(bed.person("bob").disk.commits(), commits + 1);
    assert!(bed.client("bob").peer_card("mallory").unwrap().is_none());
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
