//! What a relay does for its users (`docs/PROTOCOL.md` section 10.1).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Act, group, named, person, person_with};
use common::relay::{direct, queue_of, relay_of, to, to_group};
use sealwax::Error;
use sealwax::identity::{Identity, PrekeyBundle};
use sealwax::limits::{DAY_MS, HOUR_MS};
use sealwax::relay::{Lookup, Relay, RelayInfo, RelayOptions};
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::{Action, Role};

fn small() -> RelayOptions {
    RelayOptions {
        queue_max: 3,
        queue_bytes_max: 10_000,
        sender_share_percent: 100,
        ..RelayOptions::default()
    }
}

#[test]
fn a_queue_waits_in_order_and_ends_with_a_mark() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    let sent: Vec<_> = (0..5).map(|mark| direct("alice", "bob", mark)).collect();
    for envelope in &sent {
        assert!(relay.route("alice", envelope, 1).unwrap().deliveries().next().is_none());
    }
    let outcome = relay.set_online("bob", true, 2).unwrap();
    let mut expected: Vec<_> = (1..).zip(sent).collect();
    expected.push((0, Vec::new()));
    assert_eq!(to("bob", &outcome), expected);
    let ends: Vec<_> = outcome.deliveries().map(|delivery| delivery.is_queue_end()).collect();
    assert_eq!(ends, [false, false, false, false, false, true]);
}

#[test]
fn what_comes_while_online_comes_out_at_once_and_stays_until_it_is_acknowledged() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    relay.set_online("bob", true, 1).unwrap();
    let sent: Vec<_> = (0..3).map(|mark| direct("alice", "bob", mark)).collect();
    for (sequence, envelope) in (1..).zip(&sent) {
        let outcome = relay.route("alice", envelope, 1).unwrap();
        assert_eq!(to("bob", &outcome), [(sequence, envelope.clone())]);
    }
    relay.acknowledge("bob", 2, 1).unwrap();
    assert_eq!(queue_of(&relay, "bob", 1), sent[2..]);
    relay.acknowledge("bob", 3, 1).unwrap();
    assert!(queue_of(&relay, "bob", 1).is_empty());
    let envelope = direct("alice", "bob", 9);
    relay.route("alice", &envelope, 1).unwrap();
    assert_eq!(queue_of(&relay, "bob", 1), [envelope], "sequence numbers go on");
}

#[test]
fn acknowledging_what_was_not_given_out_is_refused_and_twice_changes_nothing() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    relay.route("alice", &direct("alice", "bob", 0), 1).unwrap();
    assert_eq!(relay.acknowledge("bob", 2, 1).err(), Some(Error::InvalidArgument));
    assert_eq!(queue_of(&relay, "bob", 1).len(), 1);
    assert_eq!(relay.acknowledge("bob", 1, 1).unwrap().records_len(), 2);
    assert!(relay.acknowledge("bob", 1, 1).unwrap().records_len() == 0);
    assert!(relay.acknowledge("bob", 0, 1).unwrap().records_len() == 0);
}

#[test]
fn an_envelope_sent_again_is_delivered_once() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    let envelope = direct("alice", "bob", 0);
    relay.route("alice", &envelope, 1).unwrap();
    let again = relay.route("alice", &envelope, 1).unwrap();
    assert!(again.deliveries_len() == 0 && again.records_len() == 0);
    assert_eq!(queue_of(&relay, "bob", 1).len(), 1, "while it is queued");
    relay.acknowledge("bob", 1, 1).unwrap();
    relay.route("alice", &envelope, 1).unwrap();
    assert!(queue_of(&relay, "bob", 1).is_empty(), "and lately after");
    assert_eq!(relay.info().duplicates, 2);
}

#[test]
fn what_is_still_queued_is_known_however_much_was_sent_since() {
    let (alice, bob, carol) = (person("alice"), person("bob"), person("carol"));
    let relay = relay_of(&[&alice, &bob, &carol], RelayOptions::default());
    let first = direct("alice", "bob", 0);
    relay.route("alice", &first, 1).unwrap();
    for mark in 1..2_000 {
        relay.route("alice", &direct("alice", "carol", mark), 1).unwrap();
        relay.acknowledge("carol", u64::from(mark), 1).unwrap();
    }
    relay.route("alice", &first, 1).unwrap();
    assert_eq!(queue_of(&relay, "bob", 1), [first]);
}

#[test]
fn only_the_authenticated_user_sends() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    assert_eq!(relay.route("bob", &direct("alice", "bob", 0), 1).err(), Some(Error::NotPermitted));
    assert_eq!(relay.route("alice", &direct("alice", "carol", 0), 1).err(), Some(Error::UnknownUser));
    assert_eq!(relay.route("carol", &direct("carol", "bob", 0), 1).err(), Some(Error::UnknownUser));
    assert_eq!(relay.route("alice", alice.card().as_bytes(), 1).err(), Some(Error::WrongKind));
    assert_eq!(relay.route("alice", b"", 1).err(), Some(Error::Malformed));
    assert_eq!(relay.info(), RelayInfo { users: 2, ..RelayInfo::default() });
}

#[test]
fn a_full_queue_refuses_and_takes_again_once_there_is_room() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], small());
    for mark in 0..3 {
        relay.route("alice", &direct("alice", "bob", mark), 1).unwrap();
    }
    let fourth = direct("alice", "bob", 3);
    assert_eq!(relay.route("alice", &fourth, 1).err(), Some(Error::QueueFull));
    relay.acknowledge("bob", 1, 1).unwrap();
    relay.route("alice", &fourth, 1).unwrap();
    assert_eq!(queue_of(&relay, "bob", 1).last(), Some(&fourth), "a refused envelope is not taken for sent");
}

#[test]
fn a_queue_is_bounded_in_bytes() {
    let (alice, bob) = (person("alice"), person("bob"));
    let envelope = direct("alice", "bob", 0);
    let options = RelayOptions {
        queue_bytes_max: 2 * envelope.len(),
        sender_share_percent: 100,
        ..RelayOptions::default()
    };
    let relay = relay_of(&[&alice, &bob], options);
    relay.route("alice", &envelope, 1).unwrap();
    relay.route("alice", &direct("alice", "bob", 1), 1).unwrap();
    assert_eq!(relay.route("alice", &direct("alice", "bob", 2), 1).err(), Some(Error::QueueFull));
}

#[test]
fn what_is_too_old_is_gone_and_its_number_is_not_used_again() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], small());
    for mark in 0..3 {
        relay.route("alice", &direct("alice", "bob", mark), 1).unwrap();
    }
    relay.set_online("bob", true, 1).unwrap();
    let late = direct("alice", "bob", 3);
    assert_eq!(relay.acknowledge("bob", 0, 2 + 7 * DAY_MS).unwrap().records_len(), 0);
    let outcome = relay.route("alice", &late, 2 + 7 * DAY_MS).unwrap();
    assert_eq!(to("bob", &outcome), [(4, late.clone())]);
    assert_eq!(outcome.records_len(), 1 + 3 + 1, "acknowledged, three deletions, one queued");
    assert_eq!(relay.info().expired, 3);
    assert_eq!(queue_of(&relay, "bob", 0), [late], "time does not run backwards");
}

#[test]
fn one_call_that_names_a_wrong_time_empties_no_queue() {
    let (alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    let first = direct("alice", "bob", 0);
    relay.route("alice", &first, 1).unwrap();
    let second = direct("alice", "bob", 1);
    relay.route("alice", &second, 1 + 8 * DAY_MS).unwrap();
    assert_eq!(queue_of(&relay, "bob", 2), [first, second]);
    assert_eq!(relay.info().expired, 0);
}

#[test]
fn a_group_message_goes_to_all_members_but_its_sender_as_one_copy() {
    let people: Vec<_> = ["alice", "bob", "carol", "dave"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let roster = group(&people[0], &[&people[1], &people[2]], RosterPolicy::default());
    relay.commit("alice", roster.entries(0), 1).unwrap();
    for user in ["alice", "bob", "carol"] {
        relay.set_online(user, true, 1).unwrap();
    }
    let envelope = to_group("bob", roster.group_id(), 0);
    let outcome = relay.route("bob", &envelope, 1).unwrap();
    assert_eq!(to("alice", &outcome), [(2, envelope.clone())], "after the create entry");
    assert_eq!(to("carol", &outcome), [(2, envelope.clone())]);
    assert_eq!(outcome.deliveries_len(), 2);
    let payloads = outcome.deliveries().map(|delivery| delivery.payload().as_ptr());
    assert_eq!(payloads.collect::<std::collections::BTreeSet<_>>().len(), 1);
    let values = outcome.records().filter_map(|record| record.value);
    assert_eq!(values.map(<[u8]>::as_ptr).collect::<std::collections::BTreeSet<_>>().len(), 1);

    let to_other = to_group("dave", roster.group_id(), 0);
    assert_eq!(relay.route("dave", &to_other, 1).err(), Some(Error::NotAMember));
    assert_eq!(relay.route("bob", &to_group("bob", &[7; 32], 0), 1).err(), Some(Error::UnknownGroup));
}

#[test]
fn a_member_with_a_full_queue_does_not_hinder_the_group() {
    let people: Vec<_> = ["alice", "bob", "carol"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), small());
    let roster = group(&people[0], &[&people[1], &people[2]], RosterPolicy::default());
    relay.commit("alice", roster.entries(0), 1).unwrap();
    for mark in 0..4 {
        relay.route("alice", &to_group("alice", roster.group_id(), mark), 1).unwrap();
        let acknowledged = u64::from(mark) + 2;
        relay.acknowledge("carol", acknowledged, 1).unwrap();
    }
    assert_eq!(queue_of(&relay, "bob", 1).len(), 3);
    assert_eq!(relay.info().skipped, 2);
}

#[test]
fn the_first_entry_of_an_epoch_wins_and_reaches_members_before_and_after() {
    let people: Vec<_> = ["alice", "bob", "carol", "dave"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let mut roster = group(&people[0], &[&people[1], &people[2]], RosterPolicy::default());
    let create = roster.entries(0).to_vec();
    relay.commit("alice", &create, 1).unwrap();

    let remove = Act::Remove("bob").propose(&roster, &people[0]).unwrap();
    let add = Act::Add(&[&people[3]], Role::Member).propose(&roster, &people[0]).unwrap();
    relay.commit("alice", &remove, 1).unwrap();
    assert_eq!(relay.commit("alice", &add, 1).err(), Some(Error::StaleEpoch));
    assert!(relay.commit("alice", &remove, 1).unwrap().records_len() == 0, "sent again it changes nothing");
    roster.apply(&remove, 1).unwrap();
    let add = Act::Add(&[&people[3]], Role::Member).propose(&roster, &people[0]).unwrap();
    relay.commit("alice", &add, 1).unwrap();

    let [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(|user| queue_of(&relay, user, 1));
    assert_eq!(alice, [create.clone(), remove.clone(), add.clone()]);
    assert_eq!(bob, [create, remove], "the entry that removes is the last one");
    assert_eq!(carol, alice);
    assert_eq!(dave, [add]);
}

#[test]
fn a_removed_member_neither_sends_nor_receives_any_more() {
    let people: Vec<_> = ["alice", "bob", "carol"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let roster = group(&people[0], &[&people[1], &people[2]], RosterPolicy::default());
    relay.commit("alice", roster.entries(0), 1).unwrap();
    let leave = Act::Leave.propose(&roster, &people[1]).unwrap();
    relay.commit("bob", &leave, 1).unwrap();
    let before = queue_of(&relay, "bob", 1).len();
    relay.route("carol", &to_group("carol", roster.group_id(), 0), 1).unwrap();
    assert_eq!(queue_of(&relay, "bob", 1).len(), before);
    let from_bob = to_group("bob", roster.group_id(), 0);
    assert_eq!(relay.route("bob", &from_bob, 1).err(), Some(Error::NotAMember));
}

#[test]
fn a_deleted_group_carries_nothing() {
    let people: Vec<_> = ["alice", "bob"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let roster = group(&people[0], &[&people[1]], RosterPolicy::default());
    relay.commit("alice", roster.entries(0), 1).unwrap();
    relay.commit("alice", &Act::Delete.propose(&roster, &people[0]).unwrap(), 1).unwrap();
    let envelope = to_group("alice", roster.group_id(), 0);
    assert_eq!(relay.route("alice", &envelope, 1).err(), Some(Error::GroupDeleted));
    assert_eq!(queue_of(&relay, "bob", 1).len(), 2, "the entries came");
}

#[test]
fn entries_of_others_and_about_strangers_are_refused() {
    let people: Vec<_> = ["alice", "bob", "carol"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let stranger = person("sam");
    let other_bob = person_with("bob", "another bob");
    let founded = |members: &[&Identity]| group(&people[0], members, RosterPolicy::default());
    let commit = |user: &str, roster: &Roster| relay.commit(user, roster.entries(0), 1).err();
    assert_eq!(commit("bob", &founded(&[])), Some(Error::NotPermitted));
    assert_eq!(commit("alice", &founded(&[&stranger])), Some(Error::UnknownUser));
    assert_eq!(commit("alice", &founded(&[&other_bob])), Some(Error::IdentityChanged));
    let other_alice = person_with("alice", "another alice");
    let roster = group(&other_alice, &[], RosterPolicy::default());
    assert_eq!(commit("alice", &roster), Some(Error::IdentityChanged));
    assert_eq!(relay.info().groups, 0);

    let roster = founded(&[&people[1]]);
    let add = |actor, new| Act::Add(&[new], Role::Member).propose(&roster, actor);
    let unknown = add(&people[0], &people[2]).unwrap();
    assert_eq!(relay.commit("alice", &unknown, 1).err(), Some(Error::UnknownGroup));
    assert_eq!(commit("alice", &roster), None);
    assert_eq!(
        relay.commit("alice", &add(&people[0], &stranger).unwrap(), 1).err(),
        Some(Error::UnknownUser)
    );
    let mut tampered = unknown;
    *tampered.last_mut().unwrap() ^= 1;
    assert_eq!(relay.commit("alice", &tampered, 1).err(), Some(Error::AuthenticationFailed));
    assert_eq!(relay.info().groups, 1);
    assert!(relay.log("alice", roster.group_id(), 1).unwrap().is_empty());
}

#[test]
fn a_member_without_the_right_changes_nothing() {
    let people: Vec<_> = ["alice", "bob", "carol"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let roster = group(&people[0], &[&people[1]], RosterPolicy::default());
    relay.commit("alice", roster.entries(0), 1).unwrap();
    let forged = |actor: &Identity| {
        let action = Action::Add(vec![named(&people[2], Role::Member)]);
        common::group::Forgery::after(&roster, actor, action).bytes()
    };
    assert_eq!(relay.commit("bob", &forged(&people[1]), 1).err(), Some(Error::NotPermitted));
    assert_eq!(relay.commit("carol", &forged(&people[2]), 1).err(), Some(Error::NotAMember));
    assert_eq!(queue_of(&relay, "bob", 1).len(), 1);
}

#[test]
fn the_log_is_for_members_and_for_former_ones_up_to_their_departure() {
    let people: Vec<_> = ["alice", "bob", "carol", "dave"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let mut roster = group(&people[0], &[&people[1]], RosterPolicy::default());
    relay.commit("alice", roster.entries(0), 1).unwrap();
    for act in [Act::Remove("bob"), Act::Add(&[&people[2]], Role::Member)] {
        let entry = act.propose(&roster, &people[0]).unwrap();
        relay.commit("alice", &entry, 1).unwrap();
        roster.apply(&entry, 1).unwrap();
    }
    let log = |user: &str, from| relay.log(user, roster.group_id(), from);
    assert_eq!(log("alice", 0).unwrap(), roster.entries(0));
    assert_eq!(log("carol", 1).unwrap(), roster.entries(1));
    assert_eq!(log("carol", 3).unwrap(), b"");
    let until_removed = roster.entries(0).len() - roster.entries(2).len();
    assert_eq!(log("bob", 0).unwrap(), roster.entries(0)[..until_removed]);
    assert_eq!(log("bob", 2).unwrap(), b"");
    assert_eq!(log("dave", 0), Err(Error::NotAMember));
    assert_eq!(log("sam", 0), Err(Error::UnknownUser));
    assert_eq!(relay.log("alice", &[0; 32], 0), Err(Error::UnknownGroup));
}

#[test]
fn the_log_of_an_open_group_is_for_all_and_whoever_joins_may_send() {
    let people: Vec<_> = ["alice", "bob"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let roster = group(&people[0], &[], RosterPolicy { open: true, ..RosterPolicy::default() });
    relay.commit("alice", roster.entries(0), 1).unwrap();
    let log = relay.log("bob", roster.group_id(), 0).unwrap();
    let join = Act::Join.propose(&Roster::open(&log).unwrap(), &people[1]).unwrap();
    relay.commit("bob", &join, 1).unwrap();
    relay.route("bob", &to_group("bob", roster.group_id(), 0), 1).unwrap();
    assert_eq!(queue_of(&relay, "alice", 1).len(), 3);
}

#[test]
fn a_card_replaces_an_older_one_but_no_other_identity() {
    let alice = person("alice");
    let relay = relay_of(&[&alice], RelayOptions::default());
    assert!(relay.register("alice", alice.card().as_bytes(), 1).unwrap().records_len() == 0);
    let other = person_with("alice", "another");
    assert_eq!(relay.register("alice", other.card().as_bytes(), 1).err(), Some(Error::IdentityChanged));
    assert_eq!(relay.register("bob", alice.card().as_bytes(), 1).err(), Some(Error::NotPermitted));
    let found = relay.lookup("alice", "alice", 1).unwrap();
    assert_eq!(&found.card, alice.card());
    assert_eq!(relay.info().users, 1);
}

fn bundle(owner: &mut Identity, one_time: u32, now_ms: u64) -> Vec<u8> {
    owner.prekeys(&mut ScriptedRandom::new("prekeys"), one_time, now_ms).unwrap()
}

/// The id of the one-time prekey that a lookup got.
fn one_time(found: &Lookup) -> Option<u32> {
    let bundle = PrekeyBundle::parse(found.bundle.as_ref()?, &found.card).unwrap();
    assert!(bundle.one_time().len() <= 1);
    bundle.one_time().first().map(|prekey| prekey.id)
}

#[test]
fn each_one_time_prekey_is_handed_out_once_and_few_to_one_requester() {
    let (mut alice, bob, carol) = (person("alice"), person("bob"), person("carol"));
    let relay = relay_of(&[&alice, &bob, &carol], RelayOptions::default());
    assert!(relay.lookup("bob", "alice", 1).unwrap().bundle.is_none());
    let published = bundle(&mut alice, 8, 1);
    let ids: Vec<_> =
        PrekeyBundle::parse(&published, alice.card()).unwrap().one_time().iter().map(|key| key.id).collect();
    relay.publish("alice", &published, 1).unwrap();
    let take = |user: &str, now_ms| one_time(&relay.lookup(user, "alice", now_ms).unwrap());

    assert_eq!(take("alice", 1), None, "not to oneself");
    let to_bob: Vec<_> = (0..6).map(|_| take("bob", 1)).collect();
    assert_eq!(to_bob[..5], ids[..5].iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(to_bob[5], None);
    relay.publish("alice", &published, 1).unwrap();
    assert_eq!(take("carol", 1), Some(ids[5]), "published again it hands out none again");
    assert_eq!(take("bob", HOUR_MS), None);
    assert_eq!(take("bob", 1 + HOUR_MS), Some(ids[6]));
    assert_eq!(take("carol", 1 + HOUR_MS), Some(ids[7]));
    assert_eq!(take("carol", 1 + HOUR_MS), None);
    assert!(relay.lookup("carol", "alice", HOUR_MS).unwrap().bundle.is_some(), "the signed prekey stays");
    assert_eq!(relay.info().prekeys_taken, 8);
    assert_eq!(relay.lookup("sam", "alice", 1).err(), Some(Error::UnknownUser));
    assert_eq!(relay.lookup("bob", "sam", 1).err(), Some(Error::UnknownUser));
}

#[test]
fn one_time_prekeys_that_are_left_stay_when_more_are_published() {
    let (mut alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions { prekeys_per_hour: 100, ..RelayOptions::default() });
    relay.publish("alice", &bundle(&mut alice, 2, 1), 1).unwrap();
    relay.publish("alice", &bundle(&mut alice, 2, 1), 1).unwrap();
    let taken: std::collections::BTreeSet<_> =
        (0..5).filter_map(|_| one_time(&relay.lookup("bob", "alice", 1).unwrap())).collect();
    assert_eq!(taken.len(), 4);
}

#[test]
fn one_time_prekeys_that_their_owner_has_discarded_are_handed_out_no_more() {
    let (mut alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    let lookup = |now_ms| one_time(&relay.lookup("bob", "alice", now_ms).unwrap()).unwrap();
    relay.publish("alice", &bundle(&mut alice, 3, 1), 1).unwrap();
    let first = lookup(1);
    // Another relay has told her that her store was restored.
    alice.discard_prekeys(&mut ScriptedRandom::new("discard"), 1).unwrap();
    relay.publish("alice", &bundle(&mut alice, 2, 1), 1).unwrap();
    assert!(lookup(1) > first + (1 << 22));
}

#[test]
fn prekeys_that_are_too_old_to_wait_out_a_queue_are_not_handed_out() {
    let (mut alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    relay.publish("alice", &bundle(&mut alice, 2, 1), 1).unwrap();
    let lookup = |now_ms| relay.lookup("bob", "alice", now_ms).unwrap();
    assert!(one_time(&lookup(23 * DAY_MS)).is_some());
    assert!(one_time(&lookup(1 + 23 * DAY_MS)).is_none());
    assert!(lookup(30 * DAY_MS).bundle.is_some());
    assert!(lookup(1 + 30 * DAY_MS).bundle.is_none(), "the signed prekey is dead");
}

#[test]
fn prekeys_of_another_identity_or_past_their_time_are_refused() {
    let (mut alice, bob) = (person("alice"), person("bob"));
    let relay = relay_of(&[&alice, &bob], RelayOptions::default());
    let published = bundle(&mut alice, 1, 1);
    assert_eq!(relay.publish("bob", &published, 1).err(), Some(Error::IdentityChanged));
    assert_eq!(relay.publish("sam", &published, 1).err(), Some(Error::UnknownUser));
    let other = bundle(&mut person_with("alice", "another"), 1, 1);
    assert_eq!(relay.publish("alice", &other, 1).err(), Some(Error::IdentityChanged));
    let mut tampered = published.clone();
    let at = tampered.len() - 80;
    tampered[at] ^= 1;
    assert!(relay.publish("alice", &tampered, 1).is_err());
    assert_eq!(relay.publish("alice", &published, 1 + 30 * DAY_MS).err(), Some(Error::Expired));
    assert!(relay.lookup("bob", "alice", 1).unwrap().bundle.is_none());
}

#[test]
fn users_and_groups_are_bounded() {
    let people: Vec<_> = ["alice", "bob"].map(person).into();
    let relay = Relay::new(RelayOptions { users_max: 1, groups_max: 1, ..RelayOptions::default() });
    relay.register("alice", people[0].card().as_bytes(), 1).unwrap();
    assert_eq!(relay.register("bob", people[1].card().as_bytes(), 1).err(), Some(Error::LimitReached));
    let found = |label: &str| {
        let mut rng = ScriptedRandom::new(label);
        Roster::create(&people[0], label, &[], RosterPolicy::default(), 1, &mut rng).unwrap()
    };
    relay.commit("alice", found("one").entries(0), 1).unwrap();
    assert_eq!(relay.commit("alice", found("two").entries(0), 1).err(), Some(Error::LimitReached));
    relay.commit("alice", found("one").entries(0), 1).unwrap();
    assert_eq!(relay.info().groups, 1);
}

#[test]
fn who_is_not_registered_can_do_nothing() {
    let relay = Relay::new(RelayOptions::default());
    assert_eq!(relay.set_online("sam", true, 1).err(), Some(Error::UnknownUser));
    assert_eq!(relay.acknowledge("sam", 0, 1).err(), Some(Error::UnknownUser));
    let sam = person("sam");
    let roster = group(&sam, &[], RosterPolicy::default());
    assert_eq!(relay.commit("sam", roster.entries(0), 1).err(), Some(Error::UnknownUser));
    assert_eq!(relay.info(), RelayInfo::default());
}

#[test]
fn info_counts_what_is_there() {
    let people: Vec<_> = ["alice", "bob"].map(person).into();
    let relay = relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default());
    let envelope = direct("alice", "bob", 0);
    relay.route("alice", &envelope, 1).unwrap();
    relay.set_online("bob", true, 1).unwrap();
    relay.set_online("bob", true, 1).unwrap();
    let bytes = envelope.len() as u64;
    let expected =
        RelayInfo { users: 2, online: 1, queued: 1, queued_bytes: bytes, routed: 1, ..RelayInfo::default() };
    assert_eq!(relay.info(), expected);
    relay.acknowledge("bob", 1, 1).unwrap();
    relay.set_online("bob", false, 1).unwrap();
    assert_eq!(relay.info(), RelayInfo { users: 2, routed: 1, ..RelayInfo::default() });
}
