//! What a client can make a relay do.

use sealwax::crypto::rng::SystemRandom;
use sealwax::identity::Identity;
use sealwax::relay::{Relay, RelayOptions};
use sealwax::roster::RosterPolicy;
use sealwax::wire::frame::{Body, Envelopes, Frame, List, Method, Users};
use sealwax::wire::roster::Role;

use crate::common::group::{Act, Forgery, group, person};
use crate::common::relay::{direct_of, to_group};
use crate::meter::{MIB, bounded};
use crate::rosters::{crowd, names};
use crate::town::{Memory, Town};

fn frame(body: Body<'_>) -> Vec<u8> {
    Frame { request: 7, body }.to_bytes().unwrap()
}

fn send_many(envelopes: &[Vec<u8>]) -> Vec<u8> {
    let many = Envelopes::encode(envelopes.iter().map(Vec::as_slice)).unwrap();
    frame(Body::SendMany { commit: 1, envelopes: List::parse(&many).unwrap() })
}

/// The answer of the relay to a frame, which its host looks at in full.
fn hear(relay: &Relay, connection: u64, frame: &[u8], now_ms: u64) -> usize {
    let outcome = relay.receive(connection, frame, now_ms).unwrap();
    outcome.deliveries().map(|delivery| delivery.payload().len()).sum::<usize>() + outcome.records_len()
}

#[test]
fn frames_of_one_user_are_served_within_the_limits() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    let (relay, now_ms) = (&town.relay, town.now_ms);
    let envelopes: Vec<_> = (0..1_024).map(|mark| direct_of("alice", "bob", mark, 780)).collect();
    let many = send_many(&envelopes);
    assert!((MIB * 9 / 10..MIB).contains(&many.len()), "{}", many.len());
    bounded("relay: 1,024 envelopes for one user in a frame", many.len(), || hear(relay, 1, &many, now_ms));
    let one = frame(Body::Send { commit: 1, envelope: &direct_of("alice", "bob", 9_999, MIB - 400) });
    bounded("relay: an envelope of a mebibyte", one.len(), || hear(relay, 1, &one, now_ms));
    let everybody: Vec<String> = (0..1_000).map(|number| format!("{number:0255}")).collect();
    let users = Users::encode(everybody.iter().map(String::as_str)).unwrap();
    let watch = frame(Body::Watch { is_visible: true, users: List::parse(&users).unwrap() });
    bounded("relay: a watch of 1,000 users", watch.len(), || hear(relay, 1, &watch, now_ms));
    let mut rubbish = many.clone();
    let at = rubbish.len() - 1_000;
    rubbish[at - 250..].fill(0xff);
    bounded("relay: a frame of a mebibyte that is none", rubbish.len(), || hear(relay, 1, &rubbish, now_ms));
}

#[test]
fn prekeys_are_taken_and_handed_out_within_the_limits() {
    let mut town = Town::new();
    town.gather(&["alice", "bob"]);
    let mut alice = person("alice");
    let bundle = alice.prekeys(&mut SystemRandom, 999, town.now_ms).unwrap();
    let publish = frame(Body::Prekeys { commit: 1, bundle: &bundle });
    bounded("relay: a bundle of 999 prekeys", publish.len(), || hear(&town.relay, 1, &publish, town.now_ms));
    let lookup = frame(Body::Lookup { user: "alice" });
    bounded("relay: 100 lookups of one user", 100 * lookup.len(), || {
        (0..100).map(|_| hear(&town.relay, 2, &lookup, town.now_ms)).sum::<usize>()
    });
    // One requester drains five keys an hour, however often it asks.
    let told = town.relay.lookup("bob", "alice", town.now_ms).unwrap();
    let bundle =
        sealwax::identity::PrekeyBundle::parse(told.bundle.as_deref().unwrap(), alice.card()).unwrap();
    assert_eq!(bundle.one_time().len(), 0);
}

#[test]
fn proofs_of_identity_are_checked_within_the_limits() {
    let mut town = Town::new();
    town.connect(1, None).unwrap();
    let hello = town.hello("alice", Method::Proof, &Memory::default());
    bounded("relay: a hello", hello.len(), || hear(&town.relay, 1, &hello, town.now_ms));
    let proof = frame(Body::Proof { signature: &[7; 64] });
    bounded("relay: a forged proof", proof.len(), || hear(&town.relay, 1, &proof, town.now_ms));
}

#[test]
fn what_goes_to_a_thousand_members_is_bounded_for_a_frame() {
    let founder = person("founder");
    let people: Vec<Identity> = (0..1_000).map(|number| person(&format!("{number:04}"))).collect();
    let relay = Relay::new(RelayOptions::default()).named("relay").unwrap();
    for each in people.iter().chain([&founder]) {
        relay.register(each.user(), each.card().as_bytes(), 0).unwrap();
    }
    let mut town = Town::new();
    let hello = town.hello("founder", Method::Host, &Memory::default());
    relay.connect(1, Some("founder"), 0).unwrap();
    relay.receive(1, &hello, 0).unwrap();

    let roster = group(&founder, &people.iter().collect::<Vec<_>>(), RosterPolicy::default());
    let commit = frame(Body::Commit { commit: 1, entry: &roster.log(0) });
    bounded("relay: the founding of a group of 1,001 members", commit.len(), || hear(&relay, 1, &commit, 0));
    let envelopes: Vec<_> = (0..1_024).map(|mark| to_group("founder", roster.group_id(), mark)).collect();
    let many = send_many(&envelopes);
    bounded("relay: 1,024 envelopes for 1,000 members in a frame, of which 20 are taken", many.len(), || {
        hear(&relay, 1, &many, 0)
    });
}

#[test]
fn an_entry_that_adds_whom_the_relay_does_not_know_is_refused_within_the_limits() {
    let founder = person("founder");
    let mut town = Town::new();
    town.gather(&["founder"]);
    let many = names(7_600);
    let create = Forgery::founding(&founder, crowd(&founder, &many)).bytes();
    let commit = frame(Body::Commit { commit: 1, entry: &create });
    bounded("relay: the founding of a group of 7,601 members, who are unknown", commit.len(), || {
        hear(&town.relay, 1, &commit, town.now_ms)
    });
}

#[test]
fn a_log_is_answered_by_the_page() {
    let owner = person("owner");
    let other = person("other");
    let mut town = Town::new();
    town.gather(&["owner", "other"]);
    let mut roster = group(&owner, &[&other], RosterPolicy::default());
    town.relay.commit("owner", &roster.log(0), town.now_ms).unwrap();
    let mut role = Role::Admin;
    while roster.log_len(0) < MIB / 2 {
        let entry = Act::Role("other", role).propose(&roster, &owner).unwrap();
        roster.apply(&entry, 0).unwrap();
        town.relay.commit("owner", &entry, town.now_ms).unwrap();
        role = if role == Role::Admin { Role::Member } else { Role::Admin };
    }
    let fetch = frame(Body::FetchLog { group_id: roster.group_id(), from_epoch: 0 });
    bounded("relay: a question for a log of 512 KiB", fetch.len(), || {
        hear(&town.relay, 2, &fetch, town.now_ms)
    });
    let again =
        frame(Body::Commit { commit: 1, entry: &roster.entries(0)[..roster.log_len(0) - roster.log_len(1)] });
    bounded("relay: an entry that the log holds", again.len(), || hear(&town.relay, 1, &again, town.now_ms));
}
