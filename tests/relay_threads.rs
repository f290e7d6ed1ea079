//! Many threads on one relay.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::ScriptedRandom;
use common::group::{Act, group, person};
use common::relay::{direct, queue_of, relay_of, to, to_group};
use sealwax::identity::{Identity, PrekeyBundle};
use sealwax::relay::{Relay, RelayOptions};
use sealwax::roster::RosterPolicy;
use sealwax::wire::envelope::Envelope;
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::Role;

const PEOPLE: usize = 6;
const MESSAGES: u32 = 300;

fn people() -> Vec<Identity> {
    (0..PEOPLE).map(|at| person(&format!("user {at}"))).collect()
}

fn relay_for(people: &[Identity]) -> Relay {
    relay_of(&people.iter().collect::<Vec<_>>(), RelayOptions::default())
}

#[test]
fn every_recipient_gets_the_messages_of_each_sender_in_order_and_once() {
    let people = people();
    let relay = relay_for(&people);
    let roster = group(&people[0], &people.iter().skip(1).collect::<Vec<_>>(), RosterPolicy::default());
    relay.commit("user 0", roster.entries(0), 1).unwrap();
    thread::scope(|scope| {
        for sender in &people {
            let (relay, roster) = (&relay, &roster);
            // Two threads of one sender, as after a reconnect: both send everything.
            for _ in 0..2 {
                scope.spawn(move || {
                    for mark in 0..MESSAGES {
                        let envelope = to_group(sender.user(), roster.group_id(), mark);
                        relay.route(sender.user(), &envelope, 1).unwrap();
                    }
                });
            }
        }
    });
    for recipient in &people {
        let mut next: BTreeMap<String, u32> = BTreeMap::new();
        for payload in queue_of(&relay, recipient.user(), 1).iter().skip(1) {
            let front = GroupMessage::parse(payload).unwrap().front;
            let expected = next.entry(front.sender.to_owned()).or_default();
            assert_eq!(front.counter, *expected);
            *expected += 1;
        }
        assert_eq!(next.len(), PEOPLE - 1);
        assert!(next.values().all(|count| *count == MESSAGES));
    }
    let info = relay.info();
    assert_eq!(info.queued, (PEOPLE + PEOPLE * (PEOPLE - 1) * MESSAGES as usize) as u64);
    assert_eq!(info.duplicates, PEOPLE as u64 * u64::from(MESSAGES));
}

#[test]
fn a_user_who_comes_goes_and_acknowledges_under_traffic_misses_nothing() {
    let people = people();
    let relay = relay_for(&people);
    let done = AtomicBool::new(false);
    let received = thread::scope(|scope| {
        let senders: Vec<_> = people[1..]
            .iter()
            .map(|sender| {
                let relay = &relay;
                scope.spawn(move || {
                    let mut at_once = Vec::new();
                    for mark in 0..MESSAGES {
                        let envelope = direct(sender.user(), "user 0", mark);
                        at_once.extend(to("user 0", &relay.route(sender.user(), &envelope, 1).unwrap()));
                    }
                    at_once
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut received = Vec::new();
            loop {
                let last_round = done.load(Ordering::Acquire);
                let mut deliveries = to("user 0", &relay.set_online("user 0", true, 1).unwrap());
                assert_eq!(deliveries.pop().unwrap().0, 0);
                if let Some((sequence, _)) = deliveries.last() {
                    relay.acknowledge("user 0", *sequence, 1).unwrap();
                }
                received.extend(deliveries);
                relay.set_online("user 0", false, 1).unwrap();
                if last_round {
                    return received;
                }
            }
        });
        let at_once: Vec<_> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        done.store(true, Ordering::Release);
        let mut received = reader.join().unwrap();
        // What came out at once was queued too: the number is the same, and so is the envelope.
        let by_number: BTreeMap<_, _> = received.iter().cloned().collect();
        assert!(at_once.iter().all(|(sequence, payload)| by_number.get(sequence) == Some(payload)));
        received.dedup();
        received
    });
    assert!(received.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(received.len(), (PEOPLE - 1) * MESSAGES as usize);
    let senders = received.iter().map(|(_, payload)| Envelope::parse(payload).unwrap().sender.to_owned());
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    senders.for_each(|sender| *counts.entry(sender).or_default() += 1);
    assert!(counts.values().all(|count| *count == MESSAGES));
}

#[test]
fn no_prekey_is_handed_out_twice() {
    let mut people = people();
    let relay = relay_for(&people);
    let bundle = people[0].prekeys(&mut ScriptedRandom::new("prekeys"), 20, 1).unwrap();
    relay.publish("user 0", &bundle, 1).unwrap();
    let mut taken: Vec<u32> = thread::scope(|scope| {
        let takers: Vec<_> = people[1..]
            .iter()
            .map(|taker| {
                let relay = &relay;
                scope.spawn(move || {
                    let found = (0..10).map(|_| relay.lookup(taker.user(), "user 0", 1).unwrap());
                    let ids = found.filter_map(|found| {
                        let bundle = PrekeyBundle::parse(&found.bundle.unwrap(), &found.card).unwrap();
                        bundle.one_time().first().map(|prekey| prekey.id)
                    });
                    ids.collect::<Vec<_>>()
                })
            })
            .collect();
        takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect()
    });
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 20);
}

#[test]
fn of_entries_that_race_one_wins_and_all_see_the_same_log_in_order() {
    let people = people();
    let relay = relay_for(&people);
    let mut roster = group(&people[0], &[&people[1], &people[2]], RosterPolicy::default());
    relay.commit("user 0", roster.entries(0), 1).unwrap();
    let admin = Act::Role("user 1", Role::Admin).propose(&roster, &people[0]).unwrap();
    relay.commit("user 0", &admin, 1).unwrap();
    roster.apply(&admin, 1).unwrap();
    for newcomer in &people[3..] {
        let entries = [&people[0], &people[1]]
            .map(|actor| (actor, Act::Add(&[newcomer], Role::Member).propose(&roster, actor).unwrap()));
        let won: Vec<_> = thread::scope(|scope| {
            let commits: Vec<_> = entries
                .iter()
                .map(|(actor, entry)| {
                    let relay = &relay;
                    scope.spawn(move || relay.commit(actor.user(), entry, 1).is_ok().then_some(entry))
                })
                .collect();
            commits.into_iter().filter_map(|commit| commit.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1);
        roster.apply(won[0], 1).unwrap();
    }
    assert_eq!(relay.log("user 2", roster.group_id(), 0).unwrap(), roster.entries(0));
    assert_eq!(queue_of(&relay, "user 2", 1).concat(), roster.entries(0));
}
