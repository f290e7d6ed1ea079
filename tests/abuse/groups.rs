//! What a member can make the receivers of a group do.

use sealwax::Error;
use sealwax::group::{Backlog, Distribution, GroupSenderOptions};
use sealwax::identity::Identity;
use sealwax::limits::{GROUP_BLOCK, GROUP_CHAIN_MAX, GROUP_SKIP_MAX, MESSAGE_MAX};
use sealwax::roster::RosterPolicy;
use sealwax::wire::content::ContentKind;

use crate::circle::{Circle, Member, Options};
use crate::common::group::{group, person};
use crate::meter::{Cost, MIB, bounded, bounded_by};

/// Alice and Bob, and a key of hers that lasts for as many messages as one can.
fn long_lived() -> Circle {
    let sender = GroupSenderOptions { rotate_messages: GROUP_CHAIN_MAX, ..GroupSenderOptions::default() };
    Circle::with(&["alice", "bob"], Options { sender, ..Options::default() })
}

/// Bob has the sender's key from its start, and the sender goes ahead by so many messages that it never sends.
fn pass_over(circle: &mut Circle, count: u32) {
    let mut left = count;
    while left > 0 {
        let lease = left.min(1_000);
        let payload = circle.get("alice").sender.export(lease).unwrap();
        circle.get("alice").reload_sender(&payload);
        left -= lease;
    }
}

fn largest() -> String {
    "x".repeat(MESSAGE_MAX - 2_048)
}

#[test]
fn the_largest_message_behind_the_largest_gap_is_opened_within_the_limits() {
    let mut circle = long_lived();
    let message = circle.send("alice", &largest());
    bounded("group: open a message", message.len(), || circle.read("bob", &message).unwrap().len());
    pass_over(&mut circle, GROUP_SKIP_MAX);
    let message = circle.send("alice", &largest());
    let mut forged = message.clone();
    *forged.last_mut().unwrap() ^= 1;
    bounded("group: refuse a forged message behind a gap of 262,144", forged.len(), || {
        assert_eq!(circle.read("bob", &forged), Err(Error::AuthenticationFailed));
    });
    bounded("group: open a message behind a gap of 262,144", message.len(), || {
        circle.read("bob", &message).unwrap().len()
    });
    pass_over(&mut circle, GROUP_SKIP_MAX + 1);
    let message = circle.send("alice", "x");
    bounded("group: refuse a message behind a larger gap", message.len(), || {
        assert_eq!(circle.read("bob", &message), Err(Error::TooFarAhead));
    });
}

/// A backlog is many inputs: each is one signature at most, and what lies before it on the chain.
#[test]
fn backlogs_cost_what_their_messages_do() {
    let mut circle = long_lived();
    let run: Vec<Vec<u8>> = circle.send_many("alice", 4_000);
    let read = |circle: &mut Circle, backlog: &[Vec<u8>]| {
        let now_ms = circle.now_ms;
        let envelopes: Vec<&[u8]> = backlog.iter().map(Vec::as_slice).collect();
        let backlog = Backlog::new(&envelopes);
        let mut room = vec![0; backlog.content_len()];
        let Member { receiver, roster, .. } = circle.get("bob");
        receiver
            .decrypt_batch(roster, &backlog, &[ContentKind::Data], now_ms, &mut room)
            .unwrap()
            .iter()
            .filter(|answer| answer.is_ok())
            .count()
    };
    let len = |backlog: &[Vec<u8>]| backlog.iter().map(Vec::len).sum::<usize>();
    bounded_by(Cost::new(40, 4 * MIB), "group: a backlog of 4,000 messages, one run", len(&run), || {
        read(&mut circle, &run)
    });

    // No two neighbours: a signature each.
    let gaps: Vec<Vec<u8>> = circle.send_many("alice", 2_000).into_iter().step_by(2).collect();
    bounded_by(
        Cost::new(120, 4 * MIB),
        "group: a backlog of 1,000 messages, no two in a run",
        len(&gaps),
        || read(&mut circle, &gaps),
    );

    // The last of every block, the newest first: each then walks through a block.
    let mut blocks: Vec<Vec<u8>> = (0..1_000)
        .map(|_| {
            pass_over(&mut circle, GROUP_BLOCK - 1);
            circle.send("alice", "x")
        })
        .collect();
    blocks.reverse();
    bounded_by(
        Cost::new(300, 4 * MIB),
        "group: a backlog of 1,000 messages in 1,000 blocks, newest first",
        len(&blocks),
        || read(&mut circle, &blocks),
    );

    // As far ahead as may be, sixteen times.
    let leaps: Vec<Vec<u8>> = (0..16)
        .map(|_| {
            pass_over(&mut circle, GROUP_SKIP_MAX - 1_000);
            circle.send("alice", "x")
        })
        .collect();
    bounded_by(Cost::new(30, 4 * MIB), "group: a backlog of 16 messages, 261,000 apart", len(&leaps), || {
        read(&mut circle, &leaps)
    });
}

#[test]
fn distributions_of_a_thousand_senders_cost_the_same_each() {
    let people: Vec<Identity> = (0..1_000).map(|number| person(&format!("member-{number:04}"))).collect();
    let founder = person("bob");
    let roster = group(&founder, &people.iter().collect::<Vec<_>>(), RosterPolicy::default());
    let mut bob = Member::new(founder, roster.clone(), Options::default(), 1_000_000);
    let fingerprint = bob.identity.fingerprint();
    let mut made: Vec<(String, sealwax::identity::Fingerprint, Vec<u8>)> = people
        .into_iter()
        .map(|identity| {
            let (user, own) = (identity.user().to_owned(), identity.fingerprint());
            let member = Member::new(identity, roster.clone(), Options::default(), 1_000_000);
            let key = member.sender.distribution(&roster, "bob", &fingerprint).unwrap();
            (user, own, key.encode().to_vec())
        })
        .collect();
    let mut install = |(user, own, key): &(String, sealwax::identity::Fingerprint, Vec<u8>)| {
        let key = Distribution::decode(key).unwrap();
        bob.receiver.install(&bob.roster, user, own, &key, 1_000_000).map(drop).unwrap();
    };
    let last = made.pop().unwrap();
    let bytes = made.iter().map(|(_, _, key)| key.len()).sum();
    bounded("group: install the keys of 999 senders", bytes, || made.iter().for_each(&mut install));
    bounded("group: install the key of one more", last.2.len(), || install(&last));
}

#[test]
fn a_distribution_far_from_a_held_one_is_compared_within_the_limits() {
    let mut circle = long_lived();
    pass_over(&mut circle, GROUP_SKIP_MAX);
    let payload = circle.get("alice").sender.export(0).unwrap();
    let mut ahead = circle.distribution("alice", "bob").unwrap().encode().to_vec();
    // The counter stands behind group, epoch, hash, key id and signing key.
    let at = 32 + 8 + 32 + 8 + 65;
    ahead[at..at + 4].copy_from_slice(&(GROUP_SKIP_MAX - 1).to_be_bytes());
    let ahead = Distribution::decode(&ahead).unwrap();
    drop(payload);
    bounded("group: refuse a key that a held one does not lead to", 300, || {
        assert_eq!(circle.install("alice", "bob", &ahead).map(drop), Err(Error::Equivocation));
    });
}
