//! Handing keys out, and taking them in.

use sealwax::Error;
use sealwax::group::Distribution;
use sealwax::limits::GROUP_SKIP_MAX;

use crate::circle::{Circle, Options};
use crate::common::group::person;
use crate::forger::Forger;

#[test]
fn a_key_id_with_another_meaning_is_an_equivocation() {
    let mut circle = Circle::new(&["mallory", "bob"]);
    let given = circle.distribution("mallory", "bob").unwrap();
    let key = || {
        let mut mallory = Forger::from_given(&given, "mallory");
        mallory.key_id = [1; 8];
        mallory.signing = sealwax::crypto::ecc::SignPrivate::from_bytes(&[5; 32]).unwrap();
        mallory
    };
    circle.install("mallory", "bob", &key().distribution()).unwrap();
    let mut others = [key(), key(), key(), key()];
    others[0].signing = sealwax::crypto::ecc::SignPrivate::from_bytes(&[6; 32]).unwrap();
    others[1].epoch = 1;
    others[2].chain = [7; 32];
    others[3].next_seed = [7; 32];
    for other in others {
        let before = circle.get("bob").state();
        assert_eq!(circle.install("mallory", "bob", &other.distribution()), Err(Error::Equivocation));
        assert!(circle.get("bob").state() == before);
    }
    assert_eq!(circle.install("mallory", "bob", &key().distribution()), Ok(None));
}

/// Alice's key from message 0, and from after `sent` messages on.
fn early_and_late(circle: &mut Circle, sent: usize) -> (Distribution, Vec<Vec<u8>>, Distribution) {
    circle.rotate("alice");
    let early = circle.distribution("alice", "bob").unwrap();
    let envelopes = circle.send_many("alice", sent);
    circle.distribution("alice", "carol").unwrap();
    let late = circle.distribution("alice", "bob").unwrap();
    assert_eq!((early.counter(), late.counter()), (0, u32::try_from(sent).unwrap()));
    (early, envelopes, late)
}

#[test]
fn an_earlier_start_only_adds_the_messages_below_the_first() {
    for sent in [5, 300, 600] {
        let mut circle = Circle::new(&["alice", "bob", "carol"]);
        let (early, envelopes, late) = early_and_late(&mut circle, sent);
        circle.install("alice", "bob", &late).unwrap();
        let new = circle.send_many("alice", 3);
        circle.read("bob", &new[1]).unwrap();
        assert_eq!(circle.refuse("bob", &envelopes[3]), Error::UnknownKey);
        circle.install("alice", "bob", &early).unwrap();
        circle.get("bob").reload_receiver();
        assert_eq!(circle.read("bob", &envelopes[3]), Ok("3".to_owned()));
        assert_eq!(circle.read("bob", &envelopes[sent - 1]), Ok((sent - 1).to_string()));
        // What was used stays used, and both installations again change nothing.
        for again in [&early, &late] {
            circle.install("alice", "bob", again).unwrap();
            for envelope in [&envelopes[3], &envelopes[sent - 1], &new[1]] {
                assert_eq!(circle.refuse("bob", envelope), Error::Duplicate);
            }
        }
        assert!(circle.read("bob", &new[0]).is_ok() && circle.read("bob", &new[2]).is_ok());
    }
}

#[test]
fn a_later_start_changes_nothing() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    let (early, envelopes, late) = early_and_late(&mut circle, 5);
    circle.install("alice", "bob", &early).unwrap();
    circle.install("alice", "bob", &late).unwrap();
    assert_eq!(circle.read("bob", &envelopes[0]), Ok("0".to_owned()));
}

#[test]
fn a_wiped_key_is_not_installed_again() {
    let mut circle = Circle::new(&["alice", "bob"]);
    let old = circle.distribution("alice", "bob").unwrap();
    circle.rotate("alice");
    circle.distribute("alice");
    circle.now_ms += sealwax::limits::GROUP_WINDOW_MS;
    assert_eq!(circle.install("alice", "bob", &old), Err(Error::RetiredKey));
    let now_ms = circle.now_ms;
    circle.get("bob").receiver.retire(now_ms);
    assert_eq!(circle.install("alice", "bob", &old), Err(Error::RetiredKey));
}

#[test]
fn a_predecessor_that_arrives_late_does_not_replace_its_successor() {
    let mut circle = Circle::new(&["alice", "bob"]);
    circle.rotate("alice");
    let second = circle.distribution("alice", "bob").unwrap();
    let under_second = circle.send("alice", "second");
    circle.rotate("alice");
    let third = circle.distribution("alice", "bob").unwrap();
    let under_third = circle.send("alice", "third");
    circle.install("alice", "bob", &third).unwrap();
    circle.install("alice", "bob", &second).unwrap();
    let info = circle.get("bob").receiver.info();
    let current: Vec<_> =
        info.senders[0].keys.iter().filter(|key| key.closes_ms.is_none()).map(|key| key.key_id).collect();
    assert_eq!(current, [*third.key_id()]);
    assert!(circle.read("bob", &under_second).is_ok());
    circle.now_ms += sealwax::limits::GROUP_WINDOW_MS;
    assert!(circle.read("bob", &under_third).is_ok());
}

#[test]
fn a_snapshot_serves_every_member_once() {
    let mut circle = Circle::new(&["alice", "bob", "carol"]);
    circle.rotate("alice");
    circle.send_many("alice", 3);
    assert_eq!(circle.get("alice").sender.info().waiting, ["bob", "carol"]);
    assert_eq!(circle.distribution("alice", "bob").unwrap().counter(), 0);
    assert_eq!(circle.distribution("alice", "carol").unwrap().counter(), 0);
    assert!(circle.get("alice").sender.info().waiting.is_empty());
    // Whoever asks again starts now.
    assert_eq!(circle.distribution("alice", "carol").unwrap().counter(), 3);
}

#[test]
fn with_confirmation_the_snapshot_waits_for_every_member() {
    let mut options = Options::default();
    options.sender.confirm = true;
    let mut circle = Circle::with(&["alice", "bob", "carol"], options);
    circle.send_many("alice", 3);
    for name in ["bob", "carol"] {
        assert_eq!(circle.distribution("alice", name).unwrap().counter(), 0);
        circle.get("alice").sender.confirm(name);
    }
    assert_eq!(circle.distribution("alice", "bob").unwrap().counter(), 3);
}

#[test]
fn a_key_is_not_for_oneself_or_a_stranger() {
    let mut circle = Circle::new(&["alice", "bob"]);
    assert_eq!(circle.distribution("alice", "alice").err(), Some(Error::InvalidArgument));
    let eve = person("eve");
    let alice = circle.get("alice");
    assert_eq!(
        alice.sender.distribution(&alice.roster, "eve", &eve.fingerprint()).err(),
        Some(Error::NotAMember)
    );
    assert_eq!(
        alice.sender.distribution(&alice.roster, "bob", &eve.fingerprint()).err(),
        Some(Error::IdentityChanged)
    );
}

#[test]
fn a_thousand_members_are_served() {
    let names: Vec<String> = (0..1_000).map(|number| format!("member {number:04}")).collect();
    let people: Vec<_> = names.iter().map(|name| person(name)).collect();
    let others: Vec<_> = people.iter().skip(1).collect();
    let roster = crate::common::group::group(&people[0], &others, sealwax::roster::RosterPolicy::default());
    let options = Options::default();
    let mut sender = sealwax::group::GroupSender::new(
        &people[0],
        &roster,
        options.sender,
        0,
        &mut sealwax::crypto::rng::SystemRandom,
    )
    .unwrap();
    let mut envelope = vec![0; sender.encrypt_len(6)];
    sender
        .encrypt(
            &roster,
            sealwax::wire::content::ContentKind::Data,
            &[&[1], b"hello"],
            0,
            &mut sealwax::crypto::rng::SystemRandom,
            &mut envelope,
        )
        .unwrap();
    let owner = people[0].fingerprint();
    for person in &others {
        let made = sender.distribution(&roster, person.user(), &person.fingerprint()).unwrap();
        sender.mark_distributed(person.user());
        let mut receiver = sealwax::group::GroupReceiver::new(person, &roster, options.receiver, 0).unwrap();
        receiver.install(&roster, people[0].user(), &owner, &made, 0).unwrap();
        assert_eq!(receiver.open(&roster, &envelope, 0).unwrap().body(), b"\x01hello");
    }
    assert!(sender.info().waiting.is_empty());
}

/// A distribution of another counter, with the same bytes otherwise.
fn at_counter(distribution: &Distribution, counter: u32) -> Distribution {
    let mut bytes = distribution.encode().to_vec();
    bytes[145..149].copy_from_slice(&counter.to_be_bytes());
    Distribution::decode(&bytes).unwrap()
}

/// A few bytes must not make a member walk a whole chain.
#[test]
fn a_held_key_is_not_compared_with_a_state_too_far_away() {
    let mut circle = Circle::new(&["mallory", "bob"]);
    let given = circle.distribution("mallory", "bob").unwrap();
    let far = at_counter(&given, GROUP_SKIP_MAX + 1);
    let before = circle.get("bob").state();
    assert_eq!(circle.install("mallory", "bob", &far), Err(Error::TooFarAhead));
    let near = at_counter(&given, GROUP_SKIP_MAX);
    assert_eq!(circle.install("mallory", "bob", &near), Err(Error::Equivocation));

    let mut late = Forger::from_given(&given, "mallory");
    late.key_id = [1; 8];
    let late = late.distribution();
    circle.install("mallory", "bob", &at_counter(&late, GROUP_SKIP_MAX + 1)).unwrap();
    assert!(circle.get("bob").state() != before);
    assert_eq!(circle.install("mallory", "bob", &late), Err(Error::TooFarAhead));
}
