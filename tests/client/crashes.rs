//! Clients that die, and stores that fail.

use sealwax::client::{Event, MessageState};
use sealwax::error::Error;
use sealwax::wire::content::ContentType;

use crate::bed::Bed;
use crate::common::disk::Death;

const TEXTS: [&str; 6] = ["a1", "b1", "a2", "a3", "b2", "a4"];

/// Alice and Bob talk, both at first, with a pause in which nobody is there.
fn talk(bed: &mut Bed) {
    for (at, text) in TEXTS.iter().enumerate() {
        let (from, to) = if text.starts_with('a') { ("alice", "bob") } else { ("bob", "alice") };
        bed.send(from, to, text);
        // Not everything is settled each time.
        if at % 2 == 1 {
            bed.run();
        }
    }
    bed.disconnect("bob");
    bed.send("alice", "bob", "a5");
    bed.run();
    bed.connect("bob");
    bed.run();
}

#[test]
fn a_client_that_dies_at_any_commit_loses_nothing_and_shows_nothing_twice() {
    for victim in ["alice", "bob"] {
        for death in [Death::Before, Death::After] {
            let mut commit = 0;
            loop {
                let mut bed = Bed::of(&["alice", "bob"]);
                bed.person(victim).disk.die_at(commit, death);
                talk(&mut bed);
                bed.pass(120_000);
                if bed.person(victim).disk.is_doomed() {
                    break;
                }
                // What was asked of a client that died before it was stored is its application's to repeat.
                let (alice, bob) = (bed.person("bob").texts_of("alice"), bed.person("alice").texts_of("bob"));
                let of = |name: char| TEXTS.iter().filter(move |text| text.starts_with(name)).copied();
                let expected: Vec<&str> = of('a').chain(["a5"]).collect();
                assert!(is_in_order(&alice, &expected), "{victim} {death:?} {commit}: {alice:?}");
                assert!(
                    is_in_order(&bob, &of('b').collect::<Vec<_>>()),
                    "{victim} {death:?} {commit}: {bob:?}"
                );
                let missing = TEXTS.len() + 1 - alice.len() - bob.len();
                assert!(missing <= if death == Death::Before { 2 } else { 0 }, "{victim} {death:?} {commit}");
                commit += 1;
            }
            assert!(commit > 5, "{victim} {death:?}: {commit}");
        }
    }
}

/// Whether the texts are some of the expected ones, in their order and none twice.
fn is_in_order(texts: &[String], expected: &[&str]) -> bool {
    let mut rest = expected.iter();
    texts.iter().all(|text| rest.any(|expected| expected == text))
}

#[test]
fn a_failed_commit_lets_nothing_show_and_ends_the_client() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.run();
    let taken = bed.host.taken.len();
    bed.person("alice").disk.die_at(0, Death::Before);
    bed.send("alice", "bob", "never");
    let client = bed.client("alice");
    assert_eq!(client.next_frame(), Err(Error::StoreIo));
    assert_eq!(client.next_frame(), Err(Error::StoreIo));
    assert_eq!(client.next_event().err(), Some(Error::StoreIo));
    assert_eq!(client.pending().err(), Some(Error::StoreIo));
    assert_eq!(client.receive(b"", 0), Err(Error::StoreIo));
    assert_eq!(client.send_direct("bob", ContentType::Binary, b"", false, 0), Err(Error::StoreIo));
    assert_eq!(client.confirm(0), Err(Error::StoreIo));
    assert_eq!(bed.host.taken.len(), taken);

    bed.crash("alice");
    bed.connect("alice");
    bed.send("alice", "bob", "again");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello", "again"]);
}

#[test]
fn a_lost_answer_shows_no_message_twice() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "hello");
    bed.run();
    let id = bed.send("alice", "bob", "once");
    bed.up("alice").unwrap();
    assert!(!bed.host.frames("alice").is_empty());
    bed.disconnect("alice");
    bed.run();
    assert_eq!(bed.person("alice").states(&id), []);
    bed.crash("alice");
    bed.connect("alice");
    bed.run();
    assert_eq!(bed.person("alice").states(&id), [Ok(MessageState::Sent)]);
    assert_eq!(bed.person("bob").texts_of("alice"), ["hello", "once"]);
    // It was the same envelope, so the relay knew it.
    let bytes = |text: &(String, Vec<u8>)| text.1.clone();
    let repeated = bed.host.taken.iter().map(bytes).collect::<Vec<_>>();
    assert_eq!(repeated.last(), repeated.get(repeated.len() - 2));
}

#[test]
fn events_come_again_until_they_are_confirmed() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.person("bob").confirms = false;
    bed.send("alice", "bob", "one");
    bed.send("alice", "bob", "two");
    bed.run();
    bed.crash("bob");
    let client = bed.client("bob");
    let first = client.next_event().unwrap().unwrap();
    assert!(first.again && matches!(&first.event, Event::Message { payload, .. } if **payload == b"one"));
    client.confirm(u64::MAX).unwrap();

    bed.close("bob");
    let client = bed.client("bob");
    let second = client.next_event().unwrap().unwrap();
    assert!(second.again && matches!(&second.event, Event::Message { payload, .. } if **payload == b"two"));
    assert!(second.number > first.number);
    client.confirm(second.number).unwrap();
    bed.close("bob");
    assert_eq!(bed.client("bob").next_event().unwrap(), None);

    // Numbers go on where they were.
    bed.connect("bob");
    bed.send("alice", "bob", "three");
    bed.up("bob").unwrap();
    for _ in 0..4 {
        bed.down("bob").unwrap();
        bed.up("bob").unwrap();
        bed.up("alice").unwrap();
        bed.down("alice").unwrap();
    }
    let mut numbers = Vec::new();
    while let Some(event) = bed.client("bob").next_event().unwrap() {
        numbers.push(event.number);
    }
    assert!(numbers.iter().any(|number| *number > second.number), "{numbers:?}");
}

#[test]
fn a_confirmation_waits_for_a_commit_that_has_another_reason() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.person("bob").confirms = false;
    bed.send("alice", "bob", "one");
    bed.run();
    let commits = bed.person("bob").disk.commits();
    bed.client("bob").confirm(u64::MAX).unwrap();
    bed.run();
    assert_eq!(bed.person("bob").disk.commits(), commits);
    bed.crash("bob");
    assert!(bed.client("bob").next_event().unwrap().is_some());

    bed.client("bob").confirm(u64::MAX).unwrap();
    bed.connect("bob");
    bed.send("alice", "bob", "two");
    bed.run();
    bed.crash("bob");
    let mut again = Vec::new();
    while let Some(event) = bed.client("bob").next_event().unwrap() {
        again.push(event.number);
    }
    assert_eq!(again.len(), 1);
}

#[test]
fn a_message_costs_its_sender_two_commits_and_its_recipient_one() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "one");
    bed.run();
    let commits = |bed: &mut Bed| (bed.person("alice").disk.commits(), bed.person("bob").disk.commits());
    let before = commits(&mut bed);
    bed.send("alice", "bob", "two");
    bed.run();
    assert_eq!(commits(&mut bed), (before.0 + 2, before.1 + 1));
    // Many share them.
    for _ in 0..60 {
        bed.send("alice", "bob", "more");
    }
    bed.run();
    assert_eq!(commits(&mut bed), (before.0 + 4, before.1 + 2));
}

#[test]
fn a_store_without_a_client_and_one_with_another_are_told_apart() {
    let mut bed = Bed::of(&["alice"]);
    bed.person("alice").client = None;
    assert_eq!(bed.person("alice").create(5).err(), Some(Error::WrongState));
    bed.person("alice").disk = crate::common::disk::Disk::default();
    assert_eq!(bed.person("alice").open(5).err(), Some(Error::WrongState));
}
