//! What peers tell each other of their messages.

use sealwax::client::{ClientOptions, MessageState};
use sealwax::identity::Fingerprint;

use crate::bed::Bed;

fn with_acks(names: &[&str]) -> Bed {
    Bed::with(names, &ClientOptions { acks: true, ..ClientOptions::default() })
}

const SENT: Result<MessageState, sealwax::Error> = Ok(MessageState::Sent);
const DELIVERED: Result<MessageState, sealwax::Error> = Ok(MessageState::Delivered);
const READ: Result<MessageState, sealwax::Error> = Ok(MessageState::Read);

#[test]
fn a_message_is_told_delivered_and_read_once_each() {
    let mut bed = with_acks(&["alice", "bob"]);
    bed.send("bob", "alice", "I know you");
    bed.pass(5_000);
    let id = bed.send("alice", "bob", "hello");
    bed.run();
    assert_eq!(bed.person("alice").states(&id), [SENT]);
    bed.pass(5_000);
    assert_eq!(bed.person("alice").states(&id), [SENT, DELIVERED]);
    let now_ms = bed.now_ms;
    for _ in 0..2 {
        bed.client("bob").mark_read("alice", &[id], now_ms).unwrap();
        bed.pass(5_000);
    }
    assert_eq!(bed.person("alice").states(&id), [SENT, DELIVERED, READ]);
    // What nobody sent cannot be read.
    let taken = bed.host.taken.len();
    bed.client("bob").mark_read("alice", &[[9; 16]], now_ms).unwrap();
    bed.client("bob").mark_read("nobody", &[id], now_ms).unwrap();
    bed.pass(5_000);
    assert_eq!(bed.host.taken.len(), taken);
}

#[test]
fn acks_of_many_messages_travel_together_and_survive_a_crash() {
    let mut bed = with_acks(&["alice", "bob"]);
    bed.send("bob", "alice", "I know you");
    bed.pass(5_000);
    let ids: Vec<_> = (0..50).map(|number| bed.send("alice", "bob", &format!("{number}"))).collect();
    bed.run();
    bed.crash("bob");
    bed.connect("bob");
    let taken = bed.host.taken.len();
    bed.pass(5_000);
    // And Alice tells Bob of his message, now that she has written to him.
    assert_eq!(bed.host.taken.len(), taken + 2);
    bed.crash("alice");
    bed.connect("alice");
    bed.run();
    for id in ids {
        assert_eq!(bed.person("alice").states(&id), [SENT, DELIVERED]);
    }
}

#[test]
fn a_long_queue_is_told_delivered_whole() {
    let mut bed = with_acks(&["alice", "bob"]);
    bed.send("bob", "alice", "I know you");
    bed.pass(5_000);
    bed.disconnect("bob");
    let ids: Vec<_> = (0..1_100).map(|number| bed.send("alice", "bob", &format!("{number}"))).collect();
    bed.run();
    bed.connect("bob");
    bed.pass(5_000);
    let delivered = ids.iter().filter(|id| bed.person("alice").states(id).contains(&DELIVERED)).count();
    assert_eq!(delivered, ids.len());
}

#[test]
fn strangers_are_told_nothing() {
    let mut bed = with_acks(&["alice", "bob"]);
    let id = bed.send("alice", "bob", "do you live?");
    bed.pass(10_000);
    assert_eq!(bed.person("bob").texts_of("alice").len(), 1);
    let now_ms = bed.now_ms;
    bed.client("bob").mark_read("alice", &[id], now_ms).unwrap();
    bed.pass(10_000);
    assert_eq!(bed.person("alice").states(&id), [SENT]);
    assert_eq!(bed.host.taken.iter().filter(|(sender, _)| sender == "bob").count(), 0);
    // Accepting the identity is enough.
    let fingerprint: Fingerprint = bed.client("alice").card().fingerprint();
    bed.client("bob").accept_identity("alice", &fingerprint, now_ms).unwrap();
    let id = bed.send("alice", "bob", "and now?");
    bed.pass(10_000);
    assert_eq!(bed.person("alice").states(&id), [SENT, DELIVERED]);
}

#[test]
fn without_the_option_nothing_is_told_and_nothing_believed() {
    let mut bed = Bed::of(&["alice"]);
    bed.add("bob", &ClientOptions { acks: true, ..ClientOptions::default() });
    bed.run();
    bed.send("bob", "alice", "I know you");
    bed.pass(5_000);
    let id = bed.send("alice", "bob", "hello");
    bed.pass(5_000);
    assert_eq!(bed.person("alice").states(&id), [SENT]);
    let sent = bed.host.taken.iter().filter(|(sender, _)| sender == "bob").count();
    assert_eq!(sent, 2);
    let received = bed.host.taken.iter().filter(|(sender, _)| sender == "alice").count();
    assert_eq!(received, 1);
}

#[test]
fn who_is_accepted_later_is_told_of_the_first_messages_too() {
    let mut bed = with_acks(&["alice", "bob"]);
    let (first, second) = (bed.send("alice", "bob", "hello"), bed.send("alice", "bob", "hello?"));
    bed.run();
    let now_ms = bed.now_ms;
    bed.client("bob").mark_read("alice", &[first], now_ms).unwrap();
    bed.pass(5_000);
    assert_eq!(bed.person("alice").states(&first), [SENT]);
    bed.send("bob", "alice", "hello alice");
    bed.pass(5_000);
    assert_eq!(bed.person("alice").states(&first), [SENT, READ]);
    assert_eq!(bed.person("alice").states(&second), [SENT, DELIVERED]);
}
