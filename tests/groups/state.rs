//! Export and import.

use proptest::prelude::*;
use sealwax::Error;
use sealwax::group::{GroupReceiver, GroupSender};
use sealwax::limits::{GROUP_WINDOW_MAX_MS, LEASE_MAX};

use crate::circle::{Circle, Member, Options};
use crate::common::group::{Act, person_with};

/// States with something in every field.
fn rich() -> Circle {
    let mut options = Options::default();
    options.receiver.retain_history = true;
    let mut circle = Circle::with(&["alice", "bob", "carol"], options);
    let sent = circle.send_many("alice", 600);
    for at in [0, 5, 270, 599] {
        circle.read("bob", &sent[at]).unwrap();
    }
    circle.rotate("alice");
    circle.give("alice", "bob").unwrap();
    circle.now_ms += sealwax::limits::GROUP_WINDOW_MS;
    let now_ms = circle.now_ms;
    circle.get("bob").receiver.retire(now_ms);
    let sent = circle.send_many("alice", 300);
    circle.read("bob", &sent[280]).unwrap();
    circle.rotate("alice");
    circle.give("alice", "bob").unwrap();
    circle.get("bob").receiver.catch_up(true, now_ms);
    circle
}

#[test]
fn what_was_exported_imports_as_it_was() {
    let mut circle = rich();
    circle.get("bob").reload_receiver();
    let alice = circle.get("alice");
    let payload = alice.sender.export(0).unwrap();
    let info = alice.sender.info();
    alice.reload_sender(&payload);
    let again = alice.sender.info();
    assert_eq!((again.counter, again.waiting, again.key_id), (info.counter, info.waiting, info.key_id));
}

#[test]
fn a_message_writes_no_more_than_its_sender() {
    let mut circle = rich();
    let Member { receiver, stored, .. } = circle.get("bob");
    stored.write(receiver);
    let sent = circle.send("carol", "one");
    circle.read("bob", &sent).unwrap();
    let Member { receiver, stored, .. } = circle.get("bob");
    assert_eq!(stored.write(receiver), 2);
    assert_eq!(stored.write(receiver), 1);
    circle.get("bob").reload_receiver_from_parts();
}

#[test]
fn a_sender_who_went_leaves_no_part() {
    let mut circle = rich();
    let Member { receiver, stored, .. } = circle.get("bob");
    stored.write(receiver);
    assert!(stored.senders.contains_key("carol"));
    circle.change("alice", Act::Remove("carol"));
    circle.get("bob").reload_receiver_from_parts();
    assert!(!circle.get("bob").stored.senders.contains_key("carol"));
}

#[test]
fn retained_parts_with_a_gap_are_refused() {
    let mut circle = rich();
    for _ in 0..2 {
        circle.rotate("alice");
        circle.give("alice", "bob").unwrap();
        circle.send_many("alice", 2).iter().for_each(|sent| drop(circle.read("bob", sent).unwrap()));
    }
    let now_ms = circle.now_ms + GROUP_WINDOW_MAX_MS;
    let Member { receiver, stored, identity, roster, .. } = circle.get("bob");
    receiver.catch_up(false, now_ms);
    receiver.retire(now_ms + GROUP_WINDOW_MAX_MS);
    stored.write(receiver);
    assert!(stored.retained.len() > 2);
    stored.retained.remove(&1);
    assert_eq!(stored.read(identity, roster).err(), Some(Error::Malformed));
}

#[test]
fn a_lease_above_its_limit_is_refused() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let alice = circle.get("alice");
    assert!(alice.sender.export(LEASE_MAX).is_ok());
    assert_eq!(alice.sender.export(LEASE_MAX + 1).err(), Some(Error::InvalidArgument));
}

#[test]
fn a_state_belongs_to_its_identity_and_its_group() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let other = person_with("bob", "another bob");
    let elsewhere = Circle::new(&["alice", "bob", "carol"]);
    let bob = circle.get("bob");
    let (sender, receiver) = (bob.sender.export(0).unwrap(), bob.receiver.export().unwrap());
    let roster = &bob.roster;
    assert_eq!(
        GroupSender::import(&other, roster, GroupSender::FORMAT, &sender).err(),
        Some(Error::WrongSession)
    );
    assert_eq!(
        GroupReceiver::import(&other, roster, GroupReceiver::FORMAT, &receiver).err(),
        Some(Error::WrongSession)
    );
    let roster = &elsewhere.members["bob"].roster;
    assert_eq!(
        GroupSender::import(&bob.identity, roster, GroupSender::FORMAT, &sender).err(),
        Some(Error::WrongGroup)
    );
    assert_eq!(
        GroupReceiver::import(&bob.identity, roster, GroupReceiver::FORMAT, &receiver).err(),
        Some(Error::WrongGroup)
    );
}

#[test]
fn an_import_takes_over_what_the_roster_says_now() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let state = circle.get("bob").state();
    circle.change("alice", Act::Remove("carol"));
    let bob = circle.get("bob");
    bob.receiver = GroupReceiver::import(&bob.identity, &bob.roster, GroupReceiver::FORMAT, &state).unwrap();
    assert!(bob.receiver.info().senders.iter().all(|sender| sender.user != "carol"));
}

#[test]
fn a_cut_state_is_malformed() {
    let mut circle = rich();
    let (alice, bob) = (circle.get("alice").sender.export(3).unwrap(), circle.get("bob").state());
    let (alice_is, bob_is) = (&circle.members["alice"], &circle.members["bob"]);
    for length in 40..alice.len() {
        let cut =
            GroupSender::import(&alice_is.identity, &alice_is.roster, GroupSender::FORMAT, &alice[..length]);
        assert!(cut.is_err());
    }
    for length in (0..bob.len()).step_by(97) {
        let cut =
            GroupReceiver::import(&bob_is.identity, &bob_is.roster, GroupReceiver::FORMAT, &bob[..length]);
        assert!(cut.is_err());
    }
    let longer = [&bob[..], &[0]].concat();
    let cut = GroupReceiver::import(&bob_is.identity, &bob_is.roster, GroupReceiver::FORMAT, &longer);
    assert_eq!(cut.err(), Some(Error::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn a_damaged_state_is_imported_or_refused_without_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 200),
    ) {
        let mut circle = rich();
        let sent = circle.send_many("alice", 2);
        let (alice, bob) = (circle.get("alice").sender.export(3).unwrap(), circle.get("bob").state());
        let now_ms = circle.now_ms;
        let (alice_is, bob_is) = (&circle.members["alice"], &circle.members["bob"]);
        for (at, byte) in damage {
            let mut damaged = alice.to_vec();
            damaged[at.index(alice.len())] = byte;
            let _ = GroupSender::import(&alice_is.identity, &alice_is.roster, GroupSender::FORMAT, &damaged);
            let mut damaged = bob.clone();
            damaged[at.index(bob.len())] = byte;
            if let Ok(mut receiver) = GroupReceiver::import(&bob_is.identity, &bob_is.roster, GroupReceiver::FORMAT, &damaged) {
                for envelope in &sent {
                    if let Ok(opening) = receiver.open(&bob_is.roster, envelope, now_ms) {
                        receiver.commit(opening).unwrap();
                    }
                }
                receiver.retire(now_ms);
                receiver.catch_up(false, now_ms);
                receiver.retire(u64::MAX);
                receiver.export().unwrap();
            }
        }
    }
}
