//! Whose room a queue is, what goes from it by its age, and what a connection is handed.

use super::*;
use crate::relay::item::EnvelopeId;

const NOW_MS: u64 = 1_800_000_000_000;
const SHARE: Size = Size { count: 3, bytes: 100 };

fn now(ms: u64) -> Now {
    Now { named_ms: ms, kept_ms: ms }
}

fn options() -> RelayOptions {
    RelayOptions { queue_max: 8, queue_bytes_max: 1_000, queue_age_max_ms: 1_000, ..RelayOptions::default() }
}

fn item(sender: &str, length: usize, queued_ms: u64) -> Arc<Item> {
    Item::new(&Arc::from(sender), &vec![0; length], EnvelopeId::default(), queued_ms)
}

fn user() -> Arc<str> {
    Arc::from("carol")
}

/// A queue with these items of ten bytes.
fn queue(of: &[(&str, u64)]) -> Inbox {
    let mut inbox = Inbox::default();
    for (sender, queued_ms) in of {
        inbox.push(&item(sender, 10, *queued_ms), &options(), Size { count: 8, bytes: 1_000 }).unwrap();
    }
    inbox
}

fn push(inbox: &mut Inbox, sender: &str, length: usize) -> Result<()> {
    inbox.push(&item(sender, length, NOW_MS), &options(), SHARE).map(drop)
}

const FULL: Result<()> = Err(Error::QueueFull);

#[test]
fn a_sender_has_its_share_and_leaves_room_for_others() {
    let mut inbox = Inbox::default();
    for _ in 0..3 {
        assert_eq!(push(&mut inbox, "alice", 10), Ok(()));
    }
    assert_eq!(push(&mut inbox, "alice", 10), FULL);
    assert_eq!(push(&mut inbox, "bob", 10), Ok(()));
    assert_eq!(inbox.size(), Size { count: 4, bytes: 40 });
    // What is acknowledged makes room for its sender.
    assert_eq!(inbox.acknowledge(&user(), 1, &mut Outcome::default()), Ok(Size { count: 1, bytes: 10 }));
    assert_eq!(push(&mut inbox, "alice", 10), Ok(()));
    assert_eq!(push(&mut inbox, "alice", 10), FULL);
    // Once the queue was short, and is long again, too.
    inbox.acknowledge(&user(), 5, &mut Outcome::default()).unwrap();
    assert_eq!(inbox.size(), Size::default());
    for _ in 0..3 {
        assert_eq!(push(&mut inbox, "alice", 10), Ok(()));
    }
    assert_eq!(push(&mut inbox, "alice", 10), FULL);
}

#[test]
fn a_share_is_of_bytes_too_and_one_envelope_always_has_room() {
    let mut inbox = Inbox::default();
    assert_eq!(push(&mut inbox, "alice", 100), Ok(()));
    assert_eq!(push(&mut inbox, "alice", 1), FULL);
    assert_eq!(push(&mut inbox, "bob", 400), Ok(()), "however large");
    assert_eq!(push(&mut inbox, "bob", 0), FULL);
    assert_eq!(push(&mut inbox, "dave", 40), Ok(()));
    assert_eq!(push(&mut inbox, "dave", 61), FULL);
    assert_eq!(push(&mut inbox, "dave", 60), Ok(()));
}

#[test]
fn a_full_queue_takes_nothing_from_anybody() {
    let mut inbox = queue(&[("alice", NOW_MS), ("alice", NOW_MS), ("bob", NOW_MS), ("bob", NOW_MS)]);
    let share = Size { count: 8, bytes: 1_000 };
    let add =
        |inbox: &mut Inbox, length| inbox.push(&item("dave", length, NOW_MS), &options(), share).map(drop);
    assert_eq!(add(&mut inbox, 961), FULL);
    assert_eq!(add(&mut inbox, 957), Ok(()));
    for _ in 0..3 {
        assert_eq!(add(&mut inbox, 1), Ok(()));
    }
    assert_eq!(add(&mut inbox, 0), FULL);
    assert_eq!(inbox.size(), Size { count: 8, bytes: 1_000 });
}

#[test]
fn room_is_asked_for_as_if_what_is_too_old_were_gone() {
    let old_ms = NOW_MS - 1_001;
    let mut inbox = queue(&[("alice", old_ms); 8]);
    let ask = |inbox: &mut Inbox, at_ms| {
        inbox.check_room(&item("alice", 10, NOW_MS), &options(), SHARE, now(at_ms))
    };
    assert_eq!(ask(&mut inbox, NOW_MS - 1), FULL, "at its last moment it is there");
    assert_eq!(ask(&mut inbox, NOW_MS), Ok(()));
    assert_eq!(inbox.size().count, 8, "to ask changes nothing");

    // The part of the queue that is left is what a sender has of it.
    let (late, new) = (("alice", old_ms), ("alice", NOW_MS));
    let mut inbox = queue(&[late, new, new, new, ("bob", NOW_MS)]);
    assert_eq!(ask(&mut inbox, NOW_MS), FULL);
    let mut inbox = queue(&[late, new, new, ("bob", NOW_MS), ("bob", NOW_MS)]);
    assert_eq!(ask(&mut inbox, NOW_MS), Ok(()));
    // Having asked for it counts nobody's part wrong.
    inbox.expire(&user(), &options(), now(NOW_MS), &mut Outcome::default());
    assert_eq!(inbox.size(), Size { count: 4, bytes: 40 });
    assert_eq!(push(&mut inbox, "alice", 10), Ok(()));
    assert_eq!(push(&mut inbox, "alice", 10), FULL);
}

#[test]
fn the_bytes_of_what_is_gone_are_free() {
    let share = Size { count: 8, bytes: 1_000 };
    let mut inbox = Inbox::default();
    inbox.push(&item("alice", 900, NOW_MS - 1_001), &options(), share).unwrap();
    let mut ask = |length| inbox.check_room(&item("bob", length, NOW_MS), &options(), share, now(NOW_MS));
    assert_eq!((ask(1_000), ask(1_001)), (Ok(()), FULL));
}

#[test]
fn the_end_of_a_queue_comes_when_what_had_waited_is_on_its_way_whatever_came_since() {
    let all = Size { count: usize::MAX, bytes: usize::MAX };
    let has_end = |inbox: &mut Inbox| {
        let mut outcome = Outcome::default();
        inbox.hand_out(&user(), &mut outcome);
        outcome.deliveries().any(|delivery| delivery.sequence == 0)
    };
    let mut inbox = waiting(RELAY_WINDOW, 1);
    inbox.push(&item("alice", 1, NOW_MS), &RelayOptions::default(), all).unwrap();
    assert!(has_end(&mut inbox), "one more came after it");
    inbox.acknowledge(&user(), RELAY_WINDOW as u64, &mut Outcome::default()).unwrap();
    assert!(!has_end(&mut inbox), "it comes once");

    let mut inbox = waiting(RELAY_WINDOW + 1, 1);
    assert!(!has_end(&mut inbox), "one is left that waited");
    inbox.acknowledge(&user(), RELAY_WINDOW as u64, &mut Outcome::default()).unwrap();
    assert!(has_end(&mut inbox));
}

#[test]
fn what_is_too_old_goes_from_the_front() {
    let mut inbox = queue(&[("alice", NOW_MS), ("bob", NOW_MS + 5), ("alice", NOW_MS + 9)]);
    assert!(!inbox.has_gone(&options(), now(NOW_MS + 1_000)));
    assert!(inbox.has_gone(&options(), now(NOW_MS + 1_001)));
    let mut outcome = Outcome::default();
    assert_eq!(inbox.expire(&user(), &options(), now(NOW_MS + 1_000), &mut outcome), Size::default());
    assert_eq!(outcome.records_len(), 0);
    let gone = inbox.expire(&user(), &options(), now(NOW_MS + 1_006), &mut outcome);
    assert_eq!(gone, Size { count: 2, bytes: 20 });
    assert_eq!(outcome.records_len(), 3, "the number up to which, and two deletions");
    assert_eq!((inbox.sequences(), inbox.size()), ((3, 2), Size { count: 1, bytes: 10 }));
    assert!(!inbox.has_gone(&options(), now(NOW_MS + 1_006)));
    assert!(inbox.has_gone(&options(), now(NOW_MS + 1_010)));
}

#[test]
fn what_was_queued_at_a_time_that_cannot_have_been_counts_from_now() {
    let far_ms = NOW_MS + 90 * 86_400_000;
    let mut inbox = queue(&[("alice", far_ms), ("alice", 0), ("alice", NOW_MS)]);
    assert!(!inbox.has_gone(&options(), now(NOW_MS)));
    let ages: Vec<u64> = inbox.queue.iter().map(|queued| queued.queued_ms).collect();
    assert_eq!(ages, [NOW_MS; 3]);
    assert!(inbox.has_gone(&options(), now(NOW_MS + 1_001)));
}

#[test]
fn an_acknowledgement_drops_what_is_up_to_it_and_was_given_out() {
    let mut inbox = queue(&[("alice", NOW_MS); 3]);
    assert_eq!([0, 1, 3, 4].map(|sequence| inbox.drops(sequence)), [false, true, true, false]);
    let mut outcome = Outcome::default();
    assert_eq!(inbox.acknowledge(&user(), 4, &mut outcome), Err(Error::InvalidArgument));
    assert_eq!(inbox.acknowledge(&user(), 2, &mut outcome), Ok(Size { count: 2, bytes: 20 }));
    assert_eq!(inbox.acknowledge(&user(), 2, &mut outcome), Ok(Size::default()));
    assert_eq!([1, 2, 3].map(|sequence| inbox.drops(sequence)), [false, false, true]);
    assert_eq!(inbox.acknowledge(&user(), 3, &mut outcome), Ok(Size { count: 1, bytes: 10 }));
    assert!(!inbox.drops(3), "nothing is left");
    // Of what never stood here an acknowledgement drops nothing.
    inbox.restore_item(9, Some(item("alice", 10, NOW_MS)));
    assert_eq!([8, 9].map(|sequence| inbox.drops(sequence)), [false, true]);
}

#[test]
fn what_is_restored_takes_its_place_and_the_room_of_what_stood_there() {
    let mut inbox = Inbox::default();
    for (sequence, length) in [(2, 20), (1, 10), (3, 30)] {
        assert!(inbox.restore_item(sequence, Some(item("alice", length, NOW_MS))).is_none());
    }
    assert_eq!(inbox.size(), Size { count: 3, bytes: 60 });
    assert_eq!(inbox.restore_item(2, Some(item("alice", 5, NOW_MS))).unwrap().payload().len(), 20);
    assert_eq!(inbox.size(), Size { count: 3, bytes: 45 });
    assert_eq!(inbox.restore_item(2, None).unwrap().payload().len(), 5);
    assert!(inbox.restore_item(2, None).is_none());
    assert_eq!(inbox.size(), Size { count: 2, bytes: 40 });
    // What was acknowledged goes with the next call, and its deletion with it.
    inbox.restore_acknowledged(1, 1);
    assert!(inbox.has_gone(&options(), now(NOW_MS)) && !inbox.drops(1));
    let mut outcome = Outcome::default();
    let gone = inbox.expire(&user(), &options(), now(NOW_MS), &mut outcome);
    assert_eq!((gone, outcome.records_len()), (Size { count: 1, bytes: 10 }, 1));
    assert!(!inbox.has_gone(&options(), now(NOW_MS)));
}

/// How many envelopes a connection is handed at once of a queue of these lengths.
fn handed(inbox: &mut Inbox) -> usize {
    let mut outcome = Outcome::default();
    inbox.hand_out(&user(), &mut outcome);
    outcome.deliveries().filter(|delivery| delivery.sequence > 0).count()
}

fn waiting(count: usize, length: usize) -> Inbox {
    let options = RelayOptions::default();
    let most = Size { count: usize::MAX, bytes: usize::MAX };
    let mut inbox = Inbox::default();
    for _ in 0..count {
        inbox.push(&item("alice", length, NOW_MS), &options, most).unwrap();
    }
    assert_eq!(inbox.take_over(7), None);
    inbox
}

#[test]
fn so_many_envelopes_are_on_the_way_at_once_and_half_of_them_are_read_before_more_come() {
    let mut inbox = waiting(2 * RELAY_WINDOW, 1);
    assert_eq!(handed(&mut inbox), RELAY_WINDOW);
    assert_eq!(handed(&mut inbox), 0);
    let half = RELAY_WINDOW as u64 / 2;
    inbox.acknowledge(&user(), half - 1, &mut Outcome::default()).unwrap();
    assert_eq!(handed(&mut inbox), 0);
    inbox.acknowledge(&user(), half, &mut Outcome::default()).unwrap();
    assert_eq!(handed(&mut inbox), RELAY_WINDOW / 2);
}

#[test]
fn so_many_bytes_are_on_the_way_at_once_and_half_of_them_are_read_before_more_come() {
    let part = RELAY_WINDOW_BYTES / 4;
    let mut inbox = waiting(8, part);
    assert_eq!(handed(&mut inbox), 4);
    inbox.acknowledge(&user(), 1, &mut Outcome::default()).unwrap();
    assert_eq!(handed(&mut inbox), 0);
    inbox.acknowledge(&user(), 2, &mut Outcome::default()).unwrap();
    assert_eq!(handed(&mut inbox), 2);
    // One goes however large it is, and alone.
    let mut inbox = waiting(2, RELAY_WINDOW_BYTES + 1);
    assert_eq!(handed(&mut inbox), 1);
    inbox.acknowledge(&user(), 1, &mut Outcome::default()).unwrap();
    assert_eq!(handed(&mut inbox), 1);
}
