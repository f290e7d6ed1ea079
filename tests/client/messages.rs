//! Messages between two and three.

use sealwax::client::MessageState;
use sealwax::error::Error;
use sealwax::wire::content::ContentType;

use crate::bed::Bed;

fn sent() -> Result<MessageState, Error> {
    Ok(MessageState::Sent)
}

#[test]
fn a_first_message_to_a_stranger_arrives_and_is_answered() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let id = bed.send("alice", "bob", "hello");
    bed.run();
    assert_eq!(bed.person("bob").texts(), [("alice".into(), "hello".into())]);
    assert_eq!(bed.person("alice").states(&id), [sent()]);

    bed.send("bob", "alice", "hello yourself");
    bed.run();
    assert_eq!(bed.person("alice").texts(), [("bob".into(), "hello yourself".into())]);
    for name in ["alice", "bob"] {
        assert_eq!((bed.person(name).count("dropped"), bed.person(name).count("unreadable")), (0, 0));
        assert_eq!(bed.person(name).count("outbox"), 0);
    }
}

#[test]
fn both_may_start_at_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.send("alice", "bob", "a1");
    bed.send("bob", "alice", "b1");
    bed.run();
    bed.send("alice", "bob", "a2");
    bed.send("bob", "alice", "b2");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["a1", "a2"]);
    assert_eq!(bed.person("alice").texts_of("bob"), ["b1", "b2"]);
}

#[test]
fn messages_to_one_user_arrive_in_the_order_of_the_calls() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let texts: Vec<String> = (0..300).map(|number| format!("message {number}")).collect();
    for text in &texts {
        bed.send("alice", "bob", text);
        bed.send("alice", "carol", text);
    }
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), texts);
    assert_eq!(bed.person("carol").texts_of("alice"), texts);
    // Many envelopes share a frame.
    assert!(
        bed.host.heard.iter().filter(|(user, kind)| user == "alice" && matches!(kind, 11 | 16)).count() < 10
    );
}

#[test]
fn an_offline_recipient_gets_everything_once_it_comes() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.disconnect("bob");
    for text in ["one", "two", "three"] {
        bed.send("alice", "bob", text);
        bed.run();
    }
    assert_eq!(bed.person("bob").texts(), []);
    bed.connect("bob");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["one", "two", "three"]);
}

#[test]
fn what_is_written_offline_leaves_with_the_connection() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.disconnect("alice");
    let id = bed.send("alice", "bob", "later");
    bed.run();
    bed.crash("alice");
    bed.connect("alice");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice"), ["later"]);
    assert_eq!(bed.person("alice").states(&id), [sent()]);
}

#[test]
fn an_unknown_user_fails_the_message_with_the_reason() {
    let mut bed = Bed::of(&["alice"]);
    let id = bed.send("alice", "nobody", "hello?");
    bed.run();
    assert_eq!(bed.person("alice").states(&id), [Err(Error::UnknownUser)]);
    assert_eq!(bed.person("alice").count("outbox"), 0);
}

#[test]
fn a_full_queue_is_tried_again_and_fails_after_a_week() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    let first = bed.send("alice", "bob", "first");
    bed.pass(60_000);
    assert_eq!(bed.person("alice").states(&first), []);
    bed.host.refuses = None;
    bed.pass(120_000);
    assert_eq!(bed.person("alice").states(&first), [sent()]);

    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    let second = bed.send("alice", "bob", "second");
    bed.run();
    bed.disconnect("bob");
    bed.pass(8 * 86_400_000);
    assert_eq!(bed.person("alice").states(&second), [Err(Error::QueueFull)]);
}

#[test]
fn a_slow_recipient_holds_back_nobody_else() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    bed.host.refuses = Some(("bob".into(), Error::QueueFull));
    bed.send("alice", "bob", "to bob");
    bed.send("alice", "carol", "to carol");
    bed.run();
    assert_eq!(bed.person("carol").texts_of("alice"), ["to carol"]);
}

#[test]
fn a_transient_message_makes_no_commit_and_leaves_at_once_or_never() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let typing = |bed: &mut Bed| {
        let now_ms = bed.now_ms;
        bed.client("alice").send_direct("bob", ContentType::Text, b"typing", true, now_ms).unwrap();
        bed.run();
    };
    typing(&mut bed);
    assert_eq!(bed.person("bob").texts(), []);
    bed.send("alice", "bob", "hello");
    bed.run();
    let before = bed.person("alice").disk.commits();
    for _ in 0..10 {
        typing(&mut bed);
    }
    assert_eq!(bed.person("alice").disk.commits(), before);
    assert_eq!(bed.person("bob").texts().len(), 11);
    bed.disconnect("alice");
    typing(&mut bed);
    bed.connect("alice");
    bed.run();
    assert_eq!(bed.person("bob").texts().len(), 11);
    // A lease covers what left without a commit: after a crash no counter comes twice.
    bed.crash("alice");
    bed.connect("alice");
    bed.send("alice", "bob", "still here");
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice").last().unwrap(), "still here");
    assert_eq!(bed.person("bob").count("repeated"), 0);
}

#[test]
fn bad_calls_are_refused_and_change_nothing() {
    let mut bed = Bed::of(&["alice"]);
    let now_ms = bed.now_ms;
    let client = bed.client("alice");
    let mut send = |user: &str, kind, payload: &[u8]| client.send_direct(user, kind, payload, false, now_ms);
    assert_eq!(send("alice", ContentType::Binary, b""), Err(Error::InvalidArgument));
    assert_eq!(send("", ContentType::Binary, b""), Err(Error::InvalidText));
    assert_eq!(send("bob", ContentType::Text, &[0xff]), Err(Error::InvalidText));
    assert_eq!(send("bob", ContentType::Binary, &vec![0; 1_048_577]), Err(Error::TooLarge));
    bed.run();
    assert_eq!(bed.person("alice").count("outbox"), 0);
}

#[test]
fn who_writes_very_much_to_somebody_who_says_nothing_is_not_held_up() {
    let mut bed = Bed::of(&["alice", "bob"]);
    for number in 0..3_000 {
        bed.send("alice", "bob", &number.to_string());
        if number % 200 == 199 {
            bed.run();
        }
    }
    bed.run();
    assert_eq!(bed.person("bob").texts_of("alice").len(), 3_000);
    // And hardly anything was said for it.
    let said = bed.host.taken.iter().filter(|(sender, _)| sender == "bob").count();
    assert!((1..=3).contains(&said), "{said}");
}
