//! A relay that cheats.

use sealwax::client::GroupEvent;
use sealwax::error::Error;
use sealwax::identity::{Identity, IdentityOptions};
use sealwax::limits::{CLIENT_DISPUTE_MS, ROSTER_CLAIM_MS};
use sealwax::roster::Roster;
use sealwax::store::{Name, Store};
use sealwax::wire::frame::Body;
use sealwax::wire::roster::Role;

use crate::bed::{Bed, KEY};
use crate::common::ScriptedRandom;

const GROUP: u8 = 5;
const ENTRY: u8 = 6;

fn push(bed: &mut Bed, user: &str, payload: &[u8]) {
    bed.host.push(user, 0, Body::Deliver { sequence: 1, payload });
    bed.run();
}

#[test]
fn a_relay_adds_nobody() {
    let mut bed = Bed::of(&["alice", "bob", "mallory"]);
    let group = bed.found("alice", "team", &["bob"]);
    let mut entry = {
        let mut rng = ScriptedRandom::new("mallory");
        let identity = Identity::generate(&mut rng, "mallory", IdentityOptions::default(), 0).unwrap();
        let mut roster = Roster::create(&identity, "", &[], Default::default(), 0, &mut rng).unwrap();
        let other = bed.client("bob").card().clone();
        let add = roster.propose_add(&identity, &[other], Role::Member, 0, &mut rng).unwrap();
        roster.apply(&add, 0).unwrap();
        add
    };
    // Under the name of the group that it is to be smuggled into.
    entry[5..37].copy_from_slice(&group);
    push(&mut bed, "alice", &entry);
    assert_eq!(bed.members("alice", &group), ["alice", "bob"]);
    assert_eq!(bed.person("alice").happened(), ["group_created"]);
    bed.say("alice", &group, "still two");
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice"), ["still two"]);
    assert_eq!(bed.person("mallory").happened(), Vec::<String>::new());
}

#[test]
fn an_entry_that_was_hidden_is_fetched_when_somebody_names_it() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("bob", &group, "before");
    bed.run();
    bed.host.loses = Some(|user, payload| user == "bob" && payload.get(4) == Some(&ENTRY));
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms)).unwrap();
    bed.say("alice", &group, "welcome");
    bed.say("carol", &group, "thanks");
    bed.run();
    assert_eq!(bed.members("bob", &group), ["alice", "bob", "carol"]);
    bed.say("bob", &group, "hello carol");
    bed.run();
    assert_eq!(bed.person("carol").heard_of("bob"), ["hello carol"]);
    assert_eq!(bed.person("bob").heard_of("carol"), ["thanks"]);
    assert_eq!(bed.person("bob").heard_of("alice"), ["welcome"]);
    bed.assert_clean();
}

#[test]
fn who_knows_that_entries_are_missing_writes_to_nobody_until_they_are_there() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    bed.host.loses = Some(|user, payload| user == "bob" && payload.get(4) == Some(&ENTRY));
    // And it says that there is no more.
    bed.host.logs.insert("bob".into(), Vec::new());
    bed.ask("alice", |client, now_ms| client.remove_member(&group, "carol", now_ms)).unwrap();
    bed.say("alice", &group, "she is gone");
    bed.run();
    let id = bed.say("bob", &group, "who?");
    bed.run();
    assert_eq!(bed.person("bob").sent(&id), []);
    bed.host.logs.clear();
    bed.pass(120_000);
    assert_eq!(bed.person("bob").sent(&id), [Ok(())]);
    assert_eq!(bed.person("alice").heard_of("bob"), ["who?"]);
    assert_eq!(bed.person("carol").heard_of("bob"), Vec::<String>::new());
}

#[test]
fn messages_that_are_repeated_or_out_of_order_are_shown_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "zero");
    bed.run();
    for number in 1..10 {
        bed.say("alice", &group, &number.to_string());
    }
    bed.up("alice").unwrap();
    let frames: Vec<Vec<u8>> = bed.host.frames("bob").drain(..).collect();
    assert!(frames.len() >= 9);
    let twice = frames.iter().rev().chain(&frames);
    bed.host.frames("bob").extend(twice.cloned());
    bed.run();
    let mut heard = bed.person("bob").heard_of("alice");
    heard.sort();
    assert_eq!(heard, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "zero"]);
    let old: Vec<Vec<u8>> = bed.host.taken.iter().map(|(_, envelope)| envelope.clone()).collect();
    for envelope in old.iter().filter(|envelope| envelope[4] == GROUP) {
        push(&mut bed, "bob", envelope);
    }
    assert_eq!(bed.person("bob").heard().len(), 10);
}

#[test]
fn garbage_in_the_name_of_members_is_dropped() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("alice", &group, "hello");
    bed.run();
    let envelope = bed.host.taken.iter().rfind(|(_, envelope)| envelope[4] == GROUP).unwrap().1.clone();
    for at in (1..envelope.len()).step_by(7) {
        let mut bent = envelope.clone();
        bent[at] ^= 1;
        push(&mut bed, "bob", &bent);
        push(&mut bed, "bob", &envelope[..at]);
    }
    let entry = bed.host.entries[0].clone();
    for at in (1..entry.len()).step_by(11) {
        let mut bent = entry.clone();
        bent[at] ^= 1;
        push(&mut bed, "bob", &bent);
        push(&mut bed, "bob", &entry[..at]);
    }
    bed.say("alice", &group, "and again");
    bed.run();
    assert_eq!(bed.person("bob").heard_of("alice"), ["hello", "and again"]);
    assert_eq!(bed.client("bob").groups().unwrap(), [group]);
}

/// What somebody signs with, out of a copy of its store.
fn identity_of(bed: &mut Bed, name: &str) -> Identity {
    const IDENTITY: u8 = 2;
    let copy = bed.person(name).disk.backup();
    let store = Store::open_on(copy.medium(), &KEY, &mut ScriptedRandom::new("copy")).unwrap();
    let value = store.get(&Name::new(IDENTITY)).unwrap().unwrap();
    Identity::import(Identity::FORMAT, &value[3..]).unwrap()
}

/// Alice signs two histories: in one of them Carol is gone.
#[test]
fn a_fork_gives_keys_to_those_of_both_histories_until_an_owner_settles_it() {
    let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
    let mut rng = ScriptedRandom::new("alice");
    let copy = identity_of(&mut bed, "alice");
    let group = bed.found("alice", "team", &["bob", "carol"]);
    let before = bed.client("alice").roster(&group).unwrap().unwrap().clone();
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms)).unwrap();
    let other = before.propose_remove(&copy, "carol", 0, &mut rng).unwrap();
    for name in ["alice", "bob"] {
        push(&mut bed, name, &other);
        assert_eq!(bed.person(name).happened().iter().filter(|event| *event == "group_forked").count(), 1);
    }
    let refused = bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms));
    assert_eq!(refused, Err(Error::RosterForked));

    let chosen = *bed.client("alice").roster(&group).unwrap().unwrap().hash();
    bed.ask("alice", |client, now_ms| client.resolve_group(&group, &chosen, now_ms)).unwrap();
    for name in ["alice", "bob", "carol", "dave"] {
        assert_eq!(bed.members(name, &group), ["alice", "bob", "carol", "dave"]);
        assert!(!bed.client(name).roster(&group).unwrap().unwrap().is_forked());
    }
    bed.say("bob", &group, "settled");
    bed.run();
    for name in ["alice", "carol", "dave"] {
        assert_eq!(bed.person(name).heard_of("bob"), ["settled"], "{name}");
    }
    bed.crash("bob");
    assert_eq!(bed.members("bob", &group), ["alice", "bob", "carol", "dave"]);
}

/// Alice signs two histories, and the relay shows one of them to Bob and the other to everybody else.
#[test]
fn two_members_whom_a_relay_shows_different_histories_are_told_by_what_they_exchange() {
    let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
    let mut rng = ScriptedRandom::new("alice");
    let copy = identity_of(&mut bed, "alice");
    let group = bed.found("alice", "team", &["bob", "carol"]);
    let mut before = bed.client("alice").roster(&group).unwrap().unwrap().clone();
    let other = before.propose_remove(&copy, "carol", 0, &mut rng).unwrap();
    before.apply(&other, 0).unwrap();
    bed.host.loses = Some(|user, payload| user == "bob" && payload.get(4) == Some(&ENTRY));
    bed.host.logs.insert("bob".into(), before.log(0));
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms)).unwrap();
    push(&mut bed, "bob", &other);
    assert_eq!(bed.members("bob", &group), ["alice", "bob"]);

    // Each is given a key that names the other history.
    bed.pass(CLIENT_DISPUTE_MS - 1);
    assert_eq!([forks_of(&mut bed, "bob"), forks_of(&mut bed, "alice")], [[], []]);
    bed.pass(2);
    assert_eq!(forks_of(&mut bed, "bob"), [Some("alice".into())]);
    assert_eq!(forks_of(&mut bed, "alice"), [Some("bob".into())]);

    // Who says it again is told of no more, until the relay shows what it has.
    bed.say("alice", &group, "we are four");
    bed.say("bob", &group, "we are two");
    bed.pass(ROSTER_CLAIM_MS + CLIENT_DISPUTE_MS);
    assert_eq!(bed.person("bob").heard_of("alice"), ["we are four"]);
    assert_eq!(bed.person("alice").heard_of("bob"), ["we are two"]);
    assert_eq!(bed.person("carol").heard_of("bob"), [""; 0]);
    assert_eq!(forks_of(&mut bed, "bob"), [Some("alice".into())]);
    assert_eq!(forks_of(&mut bed, "alice"), [Some("bob".into())]);
    bed.host.logs.clear();
    bed.host.loses = None;
    bed.ask("alice", |client, now_ms| client.set_role(&group, "dave", Role::Admin, now_ms)).unwrap();
    bed.pass(CLIENT_DISPUTE_MS);
    assert_eq!(forks_of(&mut bed, "bob"), [Some("alice".into()), None]);
    assert!(bed.client("bob").roster(&group).unwrap().unwrap().is_forked());
}

fn forks_of(bed: &mut Bed, name: &str) -> Vec<Option<String>> {
    let of_whom = |event: &&GroupEvent| match event {
        GroupEvent::Forked { user } => Some(user.as_ref().map(ToString::to_string)),
        _ => None,
    };
    bed.person(name).group_events().iter().filter_map(of_whom).collect()
}

#[test]
fn a_member_who_looks_in_for_a_minute_at_a_time_is_told_of_another_history_once() {
    let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
    let mut rng = ScriptedRandom::new("alice");
    let copy = identity_of(&mut bed, "alice");
    let group = bed.found("alice", "team", &["bob", "carol"]);
    let mut before = bed.client("alice").roster(&group).unwrap().unwrap().clone();
    let other = before.propose_remove(&copy, "carol", 0, &mut rng).unwrap();
    before.apply(&other, 0).unwrap();
    bed.host.loses = Some(|user, payload| user == "bob" && payload.get(4) == Some(&ENTRY));
    bed.host.logs.insert("bob".into(), before.log(0));
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms)).unwrap();
    push(&mut bed, "bob", &other);
    bed.pass(1_000);
    for _ in 0..5 {
        bed.crash("bob");
        bed.connect("bob");
        bed.pass(CLIENT_DISPUTE_MS / 2);
    }
    assert_eq!(forks_of(&mut bed, "bob"), [Some("alice".into())]);
}

/// Alice signs two histories, the relay shows Bob the other one for a while, and Carol is away until all is settled.
#[test]
fn who_wrote_in_a_history_that_was_settled_against_is_accused_of_nothing() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let mut rng = ScriptedRandom::new("alice");
    let copy = identity_of(&mut bed, "alice");
    let group = bed.found("alice", "team", &["bob", "carol"]);
    for name in ["alice", "bob", "carol"] {
        bed.say(name, &group, "before");
        bed.run();
    }
    let before = bed.client("alice").roster(&group).unwrap().unwrap().clone();
    let other = before.propose_role(&copy, "carol", Role::Admin, 0, &mut rng).unwrap();
    let mut forked = before.clone();
    forked.apply(&other, 0).unwrap();
    bed.host.loses = Some(|user, payload| user == "bob" && payload.get(4) == Some(&ENTRY));
    bed.host.logs.insert("bob".into(), forked.log(0));
    bed.disconnect("carol");
    bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms)).unwrap();
    push(&mut bed, "bob", &other);
    bed.say("bob", &group, "meanwhile");
    bed.run();
    assert_eq!(bed.person("alice").heard_of("bob"), ["before", "meanwhile"]);
    // The relay is honest from here on, and Alice settles it within a minute.
    bed.host.loses = None;
    bed.host.logs.clear();
    push(&mut bed, "alice", &other);
    assert_eq!(forks_of(&mut bed, "alice"), [None]);
    let chosen = *bed.client("alice").roster(&group).unwrap().unwrap().hash();
    bed.ask("alice", |client, now_ms| client.resolve_group(&group, &chosen, now_ms)).unwrap();
    bed.pass(10_000);
    assert!(!bed.client("alice").roster(&group).unwrap().unwrap().is_forked());
    assert!(!bed.client("bob").roster(&group).unwrap().unwrap().is_forked());
    bed.connect("carol");
    bed.pass(ROSTER_CLAIM_MS + CLIENT_DISPUTE_MS);
    assert_eq!(bed.person("carol").heard_of("bob"), ["before", "meanwhile"]);
    let heads: Vec<_> = ["alice", "bob", "carol"]
        .map(|name| *bed.client(name).roster(&group).unwrap().unwrap().hash())
        .to_vec();
    assert!(heads[0] == heads[1] && heads[1] == heads[2]);
    assert_eq!(forks_of(&mut bed, "alice"), [None], "alice");
    assert_eq!(forks_of(&mut bed, "carol"), [], "carol");
}

/// A relay that had lost what it last took, say.
#[test]
fn a_history_of_the_same_length_that_the_relay_would_show_is_found() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let mut rng = ScriptedRandom::new("alice");
    let copy = identity_of(&mut bed, "alice");
    let group = bed.found("alice", "team", &["bob", "carol"]);
    for name in ["alice", "bob", "carol"] {
        bed.say(name, &group, "before");
        bed.run();
    }
    let before = bed.client("alice").roster(&group).unwrap().unwrap().clone();
    let other = before.propose_role(&copy, "carol", Role::Admin, 0, &mut rng).unwrap();
    let mut forked = before.clone();
    forked.apply(&other, 0).unwrap();
    bed.host.loses = Some(|user, payload| user == "bob" && payload.get(4) == Some(&ENTRY));
    bed.host.logs.insert("bob".into(), forked.log(0));
    bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms)).unwrap();
    push(&mut bed, "bob", &other);
    // Honest from here on: it has one log, and shows it.
    bed.host.loses = None;
    bed.host.logs.clear();
    bed.say("carol", &group, "we are at the other");
    bed.pass(CLIENT_DISPUTE_MS + 60_000);
    assert_eq!(bed.person("bob").heard_of("carol"), ["before", "we are at the other"]);
    assert_eq!(forks_of(&mut bed, "bob"), [None], "the relay shows it: that is a fork, and nobody lies");
    assert!(bed.client("bob").roster(&group).unwrap().unwrap().is_forked());
}

#[test]
fn an_invitation_under_another_identity_than_the_members_is_no_evidence() {
    use sealwax::identity::{Card, PrekeyBundle};
    use sealwax::session::{Session, SessionOptions};
    use sealwax::wire::content::ContentKind;
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    // Carol has never talked to Bob; the relay shows her another Bob.
    let mut rng = ScriptedRandom::new("impostor");
    let mut fake = crate::common::group::person_with("bob", "impostor");
    let now_ms = bed.now_ms;
    let bundle = fake.prekeys(&mut rng, 4, now_ms).unwrap();
    bed.host.lies.insert("bob".into(), (fake.card().as_bytes().to_vec(), bundle));
    bed.send("carol", "bob", "hello");
    bed.run();
    bed.host.lies.clear();
    let group = bed.found("alice", "team", &["bob", "carol"]);
    bed.run();
    let carol = Card::parse(bed.client("carol").card().as_bytes()).unwrap();
    let bytes = bed.host.bundle_for("bob", "carol", now_ms);
    let bundle = PrekeyBundle::parse(&bytes, &carol).unwrap();
    let mut session =
        Session::initiate(&fake, &carol, Some(&bundle), SessionOptions::default(), now_ms + 10, &mut rng)
            .unwrap();
    let mut body = Vec::new();
    body.extend_from_slice(&group);
    body.extend_from_slice(&0_u64.to_be_bytes());
    body.extend_from_slice(&[9; 32]);
    body.push(0);
    let mut envelope = vec![0; session.encrypt_len(body.len())];
    session.encrypt(ContentKind::Invitation, &[&body], now_ms + 20, &mut rng, &mut envelope).unwrap();
    push(&mut bed, "carol", &envelope);
    let id = bed.say("carol", &group, "hello");
    bed.run();
    let held = bed.person("carol").sent(&id).is_empty();
    bed.pass(CLIENT_DISPUTE_MS + ROSTER_CLAIM_MS);
    assert_eq!(forks_of(&mut bed, "carol"), []);
    assert!(!held, "a stranger silences the group");
}
