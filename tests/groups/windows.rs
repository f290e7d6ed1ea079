//! Transition windows (section 8.5).

use sealwax::Error;
use sealwax::limits::{DAY_MS, GROUP_RETIRED_KEYS_MAX, GROUP_WINDOW_MS};

use crate::circle::{Circle, Options};
use crate::common::group::Act;

#[test]
fn a_retired_key_opens_messages_within_its_window_and_not_after() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 3);
    circle.rotate("alice");
    circle.distribute("alice");
    let due = circle.now_ms + GROUP_WINDOW_MS;
    circle.now_ms = due - 1;
    assert!(circle.read("bob", &sent[0]).is_ok());
    circle.now_ms = due;
    assert_eq!(circle.refuse("bob", &sent[1]), Error::RetiredKey);
    // Wiped now, and still known by its id.
    assert_eq!(circle.get("bob").receiver.retire(due), None);
    assert_eq!(circle.get("bob").receiver.info().senders[0].keys.len(), 1);
    assert_eq!(circle.refuse("bob", &sent[1]), Error::RetiredKey);
}

#[test]
fn retire_answers_when_the_next_window_ends() {
    let mut circle = Circle::new(&["alice", "bob"]);
    assert_eq!(circle.get("bob").receiver.retire(0), None);
    circle.rotate("alice");
    circle.distribute("alice");
    let now_ms = circle.now_ms;
    assert_eq!(circle.get("bob").receiver.retire(now_ms), Some(now_ms + GROUP_WINDOW_MS));
}

#[test]
fn a_new_membership_epoch_starts_the_window_before_any_successor() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let sent = circle.send_many("alice", 2);
    circle.change_for("alice", Act::Remove("carol"), &["alice", "bob"]);
    circle.now_ms += GROUP_WINDOW_MS - 1;
    assert!(circle.read("bob", &sent[0]).is_ok());
    circle.now_ms += 1;
    assert_eq!(circle.refuse("bob", &sent[1]), Error::RetiredKey);
    // The successor, late, does not prolong it.
    circle.rotate("alice");
    circle.give("alice", "bob").unwrap();
    assert_eq!(circle.refuse("bob", &sent[1]), Error::RetiredKey);
    let new = circle.send("alice", "new");
    assert!(circle.read("bob", &new).is_ok());
}

#[test]
fn the_window_is_an_option() {
    let mut options = Options::default();
    options.receiver.transition_window_ms = 0;
    let mut circle = Circle::with(&["alice", "bob"], options);
    let sent = circle.send("alice", "late");
    circle.rotate("alice");
    circle.distribute("alice");
    assert_eq!(circle.refuse("bob", &sent), Error::RetiredKey);
}

#[test]
fn a_member_who_was_offline_through_three_rotations_reads_everything() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let mut queue = Vec::new();
    for rotation in 0..4 {
        let distribution = circle.distribution("alice", "bob").unwrap();
        queue.push((distribution, circle.send_many("alice", 3)));
        circle.now_ms += DAY_MS;
        if rotation < 3 {
            circle.rotate("alice");
        }
    }
    let now_ms = circle.now_ms;
    circle.get("bob").receiver.catch_up(true, now_ms);
    // The distributions first, the messages long after: windows stand still.
    for (distribution, _) in &queue {
        circle.install("alice", "bob", distribution).unwrap();
    }
    circle.now_ms += DAY_MS;
    let now_ms = circle.now_ms;
    assert_eq!(circle.get("bob").receiver.retire(now_ms), Some(now_ms + 6 * DAY_MS));
    circle.get("bob").reload_receiver();
    for (_, sent) in &queue {
        assert!(circle.read("bob", &sent[0]).is_ok());
    }
    // At the end they start anew.
    circle.get("bob").receiver.catch_up(false, now_ms);
    circle.now_ms += GROUP_WINDOW_MS - 1;
    for (_, sent) in &queue {
        assert!(circle.read("bob", &sent[1]).is_ok());
    }
    circle.now_ms += 1;
    for (_, sent) in &queue[..3] {
        assert_eq!(circle.refuse("bob", &sent[2]), Error::RetiredKey);
    }
    assert!(circle.read("bob", &queue[3].1[2]).is_ok());
}

#[test]
fn catching_up_stops_windows_for_seven_days_at_most() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 2);
    circle.rotate("alice");
    circle.distribute("alice");
    let end = circle.now_ms + 7 * DAY_MS;
    let now_ms = circle.now_ms;
    circle.get("bob").receiver.catch_up(true, now_ms);
    circle.now_ms = end + GROUP_WINDOW_MS - 1;
    assert!(circle.read("bob", &sent[0]).is_ok());
    circle.now_ms += 1;
    assert_eq!(circle.refuse("bob", &sent[1]), Error::RetiredKey);
    let now_ms = circle.now_ms;
    assert_eq!(circle.get("bob").receiver.retire(now_ms), None);
    assert_eq!(circle.get("bob").receiver.info().senders[0].keys.len(), 1);
}

#[test]
fn at_most_eight_retired_keys_of_a_sender_are_held() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let mut sent = Vec::new();
    for _ in 0..=GROUP_RETIRED_KEYS_MAX + 1 {
        sent.push(circle.send("alice", "message"));
        circle.rotate("alice");
        circle.distribute("alice");
    }
    assert_eq!(circle.refuse("bob", &sent[0]), Error::RetiredKey);
    assert_eq!(circle.refuse("bob", &sent[1]), Error::RetiredKey);
    assert!(circle.read("bob", &sent[2]).is_ok());
}

#[test]
fn time_that_goes_back_opens_no_window_again() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let sent = circle.send_many("alice", 2);
    circle.rotate("alice");
    circle.distribute("alice");
    let due = circle.now_ms + GROUP_WINDOW_MS;
    circle.get("bob").receiver.retire(due);
    assert_eq!(circle.refuse("bob", &sent[0]), Error::RetiredKey);
}
