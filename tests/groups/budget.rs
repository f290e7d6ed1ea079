//! What a receiver stores of messages that were passed over is bounded, and nobody can take the share of another.

use sealwax::Error;
use sealwax::group::GroupReceiver;
use sealwax::limits::{GROUP_BLOCK, GROUP_RETIRED_KEYS_MAX, GROUP_STORED_BYTES_MAX};

use crate::batch::both_ways;
use crate::circle::Circle;

const FLOODERS: [&str; 9] = ["f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9"];

/// The last message of each of 16 blocks: between them lies all that one key may leave behind.
fn flood(circle: &mut Circle, from: &str) -> Vec<Vec<u8>> {
    (0..16)
        .map(|_| {
            let payload = circle.get(from).sender.export(GROUP_BLOCK - 1).unwrap();
            circle.get(from).reload_sender(&payload);
            circle.send(from, "junk")
        })
        .collect()
}

/// Everybody's floods under every key that Bob holds, in turns.
fn floods(circle: &mut Circle) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for round in 0..=GROUP_RETIRED_KEYS_MAX {
        for from in FLOODERS {
            if round > 0 {
                circle.rotate(from);
                circle.give(from, "bob").unwrap();
            }
            sent.extend(flood(circle, from));
        }
    }
    sent
}

#[test]
fn members_who_flood_a_receiver_lose_their_own_messages_alone() {
    let names: Vec<&str> = ["bob", "alice"].into_iter().chain(FLOODERS).collect();
    let mut circle = Circle::new(&names);
    let held_back = circle.send_many("alice", 50);
    let own: Vec<_> = FLOODERS.iter().map(|from| circle.send(from, "first")).collect();
    let mut backlog = vec![circle.send("alice", "after them")];
    backlog.extend(floods(&mut circle));
    let flooded = backlog.len();
    backlog.extend(held_back);
    backlog.extend(own);

    let bob = &circle.members["bob"];
    let state = bob.state();
    let load = || GroupReceiver::import(&bob.identity, &bob.roster, GroupReceiver::FORMAT, &state).unwrap();
    let (answers, receiver) = both_ways(&load, &bob.roster, &backlog, 1_000, circle.now_ms);
    assert!(answers[..flooded + 50].iter().all(Result::is_ok));
    assert_eq!(answers[flooded + 50..], vec![Err(Error::UnknownKey); FLOODERS.len()]);
    let state = receiver.export().unwrap();
    assert!((GROUP_STORED_BYTES_MAX / 2..GROUP_STORED_BYTES_MAX + 200_000).contains(&state.len()));
    let again = GroupReceiver::import(&bob.identity, &bob.roster, GroupReceiver::FORMAT, &state).unwrap();
    assert!(again.export().unwrap() == state);
}
