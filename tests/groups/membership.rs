//! Who reads what as members come and go.

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::limits::ROSTER_CLAIM_MS;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::Role;

use crate::circle::{Circle, Member, Options};
use crate::common::group::{Act, group, person, person_with};

#[test]
fn a_removed_member_reads_nothing_new() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    circle.change("alice", Act::Remove("carol"));
    for from in ["alice", "bob"] {
        assert_eq!(circle.try_send(from, "old key").err(), Some(Error::RotationRequired));
        circle.rotate(from);
        assert_eq!(circle.distribution(from, "carol").err(), Some(Error::NotAMember));
        circle.distribute(from);
    }
    let envelope = circle.send("alice", "without carol");
    assert_eq!(circle.read("bob", &envelope), Ok("without carol".to_owned()));
    assert_eq!(circle.refuse("carol", &envelope), Error::UnknownKey);
}

#[test]
fn what_a_removed_member_sends_is_refused_at_once() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let before = circle.send("carol", "before");
    circle.change_for("alice", Act::Remove("carol"), &["alice", "bob"]);
    let after = circle.send("carol", "after");
    for envelope in [&before, &after] {
        assert_eq!(circle.refuse("bob", envelope), Error::SenderRemoved);
    }
    let distribution = circle.distribution("carol", "bob").unwrap();
    assert_eq!(circle.install("carol", "bob", &distribution), Err(Error::SenderRemoved));
    assert!(circle.get("bob").receiver.info().senders.iter().all(|sender| sender.user != "carol"));
}

#[test]
fn a_member_who_was_removed_and_added_in_one_go_is_asked_for_a_new_key() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let before = circle.send("carol", "before");
    let old = circle.distribution("carol", "bob").unwrap();
    let removal = circle.change_for("alice", Act::Remove("carol"), &["alice"]);
    let carol = person("carol");
    let addition = circle.change_for("alice", Act::Add(&[&carol], Role::Member), &["alice"]);
    let both = [removal, addition].concat();
    let now_ms = circle.now_ms;
    circle.apply("bob", &both, now_ms);
    assert_eq!(circle.refuse("bob", &before), Error::UnknownKey);
    assert_eq!(circle.install("carol", "bob", &old), Err(Error::RetiredKey));
    circle.apply("carol", &both, now_ms);
    circle.rotate("carol");
    circle.give("carol", "bob").unwrap();
    let after = circle.send("carol", "after");
    assert!(circle.read("bob", &after).is_ok());
}

#[test]
fn a_joiner_reads_nothing_old() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let old = circle.send("alice", "old");
    circle.admit("alice", "dave");
    assert_eq!(circle.refuse("dave", &old), Error::UnknownKey);
    // The key of before is not for Dave, and nothing is sent under it any more.
    assert_eq!(circle.distribution("alice", "dave").err(), Some(Error::RotationRequired));
    assert_eq!(circle.try_send("alice", "too soon").err(), Some(Error::RotationRequired));
    circle.rotate("alice");
    circle.distribute("alice");
    let new = circle.send("alice", "new");
    assert_eq!(circle.read("dave", &new), Ok("new".to_owned()));
    assert_eq!(circle.refuse("dave", &old), Error::UnknownKey);
}

#[test]
fn a_replaced_member_gets_keys_under_its_new_identity_alone() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let before = circle.send("carol", "before");
    let new = person_with("carol", "new carol");
    circle.change_for("alice", Act::Replace(&new, Role::Member), &["alice", "bob"]);
    assert_eq!(circle.refuse("bob", &before), Error::UnknownKey);
    let old = circle.distribution("carol", "bob").unwrap();
    assert_eq!(circle.install("carol", "bob", &old), Err(Error::IdentityChanged));
    circle.rotate("alice");
    assert_eq!(circle.distribution("alice", "carol").err(), Some(Error::IdentityChanged));
    let alice = &circle.members["alice"];
    assert!(alice.sender.distribution(&alice.roster, "carol", &new.fingerprint()).is_ok());
}

#[test]
fn who_is_no_member_cannot_send_and_is_not_heard() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    circle.change("alice", Act::Remove("carol"));
    assert_eq!(circle.try_send("carol", "still here").err(), Some(Error::NotAMember));
    let now_ms = circle.now_ms;
    let carol = circle.get("carol");
    assert_eq!(carol.sender.rotate(&carol.roster, now_ms, &mut SystemRandom), Err(Error::NotAMember));
    let mut other = Circle::new(&["alice", "eve"]);
    let distribution = other.distribution("eve", "alice").unwrap();
    let eve = other.members["eve"].identity.fingerprint();
    let bob = circle.get("bob");
    // A relay that hands out a key of another group gains nothing, whoever signs it.
    let installed = bob.receiver.install(&bob.roster, "eve", &eve, &distribution, now_ms);
    assert_eq!(installed, Err(Error::WrongGroup));
}

#[test]
fn a_deleted_group_takes_no_messages() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.change("alice", Act::Delete);
    assert_eq!(circle.try_send("alice", "more").err(), Some(Error::GroupDeleted));
    assert_eq!(circle.distribution("alice", "bob").err(), Some(Error::GroupDeleted));
}

#[test]
fn a_message_that_proves_a_newer_roster_holds_sending_back_and_is_read() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    // The relay hides from Bob that Alice promoted him.
    let hidden = circle.change_for("alice", Act::Role("bob", Role::Admin), &["alice"]);
    let envelope = circle.send("alice", "after it");
    assert_eq!(circle.read("bob", &envelope), Ok("after it".to_owned()));
    assert_eq!(circle.try_send("bob", "me too").err(), Some(Error::RosterBehind));
    let now_ms = circle.now_ms;
    circle.apply("bob", &hidden, now_ms);
    assert!(circle.try_send("bob", "me too").is_ok());
}

#[test]
fn a_claim_without_entries_holds_sending_back_for_five_minutes() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.change_for("alice", Act::Role("bob", Role::Admin), &["alice"]);
    let envelope = circle.send("alice", "after it");
    circle.read("bob", &envelope).unwrap();
    circle.now_ms += ROSTER_CLAIM_MS - 1;
    assert_eq!(circle.try_send("bob", "me too").err(), Some(Error::RosterBehind));
    circle.now_ms += 1;
    assert!(circle.try_send("bob", "me too").is_ok());
}

#[test]
fn a_distribution_can_prove_a_newer_roster_too() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    circle.change_for("alice", Act::Remove("carol"), &["alice"]);
    circle.rotate("alice");
    let claim = circle.give("alice", "bob").unwrap().unwrap();
    assert_eq!((claim.claimant.as_str(), claim.epoch), ("alice", 1));
    assert_eq!(claim.roster_hash, circle.members["alice"].roster.hash()[..16]);
}

/// Everybody knows an entry that adds Carol; another one for its epoch adds Dave.
fn forked() -> (Circle, Vec<u8>) {
    let mut circle = Circle::new(&["alice", "bob"]);
    let (carol, dave) = (person("carol"), person("dave"));
    let log = circle.members["alice"].roster.log(0);
    circle.change_for("alice", Act::Add(&[&carol], Role::Member), &["alice", "bob"]);
    let roster = Roster::open(&log).unwrap();
    let other = Act::Add(&[&dave], Role::Member).propose(&roster, &circle.members["alice"].identity).unwrap();
    let roster = Roster::open(&circle.members["alice"].roster.log(0)).unwrap();
    let member = Member::new(carol, roster, Options::default(), circle.now_ms);
    circle.members.insert("carol".to_owned(), member);
    (circle, other)
}

#[test]
fn while_forked_keys_go_to_members_of_all_branches_alone() {
    let (mut circle, other) = forked();
    let now_ms = circle.now_ms;
    circle.rotate("alice");
    let alice = circle.get("alice");
    assert_eq!(alice.roster.apply(&other, now_ms), Err(Error::RosterForked));
    assert_eq!(circle.distribution("alice", "carol").err(), Some(Error::RosterForked));
    assert!(circle.distribution("alice", "bob").is_ok());
    // Sending goes on.
    assert!(circle.try_send("alice", "hello").is_ok());
}

#[test]
fn a_key_of_a_rejected_branch_rotates_once_the_fork_is_settled() {
    let (mut circle, other) = forked();
    circle.rotate("alice");
    let now_ms = circle.now_ms;
    let alice = circle.get("alice");
    assert_eq!(alice.roster.apply(&other, now_ms), Err(Error::RosterForked));
    let chosen = alice.roster.info().branches[0].head;
    let resolve = alice.roster.propose_resolve(&alice.identity, &chosen, now_ms, &mut SystemRandom).unwrap();
    alice.roster.apply(&resolve, now_ms).unwrap();
    alice.receiver.sync(&alice.roster, now_ms).unwrap();
    assert_eq!(circle.try_send("alice", "old branch").err(), Some(Error::RotationRequired));
    assert_eq!(circle.distribution("alice", "bob").err(), Some(Error::RotationRequired));
}

#[test]
fn the_owner_of_a_group_of_one_needs_nobody() {
    let alice = person("alice");
    let roster = group(&alice, &[], RosterPolicy::default());
    let member = Member::new(alice, roster, Options::default(), 0);
    assert!(member.sender.info().waiting.is_empty());
}

/// A roster that turned to another history, or is older than the receiver, is not always told to it first.
#[test]
fn a_key_opens_nothing_for_a_member_with_other_keys() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let before = circle.get("carol").roster.clone();
    let new = person_with("bob", "new bob");
    circle.change_for("alice", Act::Replace(&new, Role::Member), &["alice", "carol"]);
    let roster = circle.get("alice").roster.clone();
    let now_ms = circle.now_ms;
    circle.members.insert("bob".to_owned(), Member::new(new, roster, Options::default(), now_ms));
    circle.give("bob", "carol").unwrap();
    let envelope = circle.send("bob", "hello");
    let carol = circle.get("carol");
    assert!(carol.receiver.open(&carol.roster, &envelope, now_ms).is_ok());
    assert_eq!(carol.receiver.open(&before, &envelope, now_ms).unwrap_err(), Error::RetiredKey);
}
