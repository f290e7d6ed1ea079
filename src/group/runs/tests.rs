use core::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::crypto::rng::SystemRandom;
use crate::group::{GroupReceiver, GroupReceiverOptions, GroupSender, GroupSenderOptions};
use crate::identity::{Identity, IdentityOptions};
use crate::roster::RosterPolicy;
use crate::wire::content::ContentKind;

/// A receiver, and messages that it has not read.
struct Waiting {
    roster: Roster,
    receiver: GroupReceiver,
    sent: Vec<Vec<u8>>,
}

impl Waiting {
    fn new(count: usize) -> Self {
        let rng = &mut SystemRandom;
        let person =
            |user: &str| Identity::generate(&mut SystemRandom, user, IdentityOptions::default(), 0).unwrap();
        let (alice, bob) = (person("alice"), person("bob"));
        let cards = [bob.card().clone()];
        let roster = Roster::create(&alice, "team", &cards, RosterPolicy::default(), 1, rng).unwrap();
        let mut sender = GroupSender::new(&alice, &roster, GroupSenderOptions::default(), 1, rng).unwrap();
        let options = GroupReceiverOptions::default();
        let mut receiver = GroupReceiver::new(&bob, &roster, options, 1).unwrap();
        let given = sender.distribution(&roster, "bob", &bob.fingerprint()).unwrap();
        receiver.install(&roster, "alice", &alice.fingerprint(), &given, 1).unwrap();
        let sent = (0..count)
            .map(|_| {
                let mut envelope = vec![0; sender.encrypt_len(5)];
                let body: &[&[u8]] = &[b"\0text"];
                sender.encrypt(&roster, ContentKind::Data, body, 1, rng, &mut envelope).unwrap();
                envelope
            })
            .collect();
        Self { roster, receiver, sent }
    }

    /// Asks for every message in this order; how many are authentic, and how many signatures were checked.
    fn check(&self, order: &[usize]) -> (usize, usize) {
        let parsed: Vec<_> = self.sent.iter().map(|envelope| GroupMessage::parse(envelope)).collect();
        let runs = Runs::new(&self.receiver, &self.roster, &parsed, 1);
        let mut verdicts = Verdicts::new(&runs);
        let key = self.receiver.senders["alice"].keys.first().unwrap();
        let checked = Cell::new(0);
        let verify = |message: &GroupMessage<'_>, sums: &Sums| {
            checked.set(checked.get() + 1);
            key.verify(message, sums)
        };
        let authentic = order.iter().filter(|index| verdicts.check(&runs, **index, verify).is_ok()).count();
        (authentic, checked.get())
    }
}

#[test]
fn an_unbroken_run_costs_one_signature() {
    let waiting = Waiting::new(300);
    let forwards: Vec<usize> = (0..300).collect();
    assert_eq!(waiting.check(&forwards), (300, 1));
    let backwards: Vec<usize> = (0..300).rev().collect();
    assert_eq!(waiting.check(&backwards), (300, 1));
}

#[test]
fn a_damaged_message_costs_itself_and_the_run_before_it() {
    let mut waiting = Waiting::new(30);
    waiting.sent[10][200] ^= 1;
    let order: Vec<usize> = (0..30).collect();
    assert_eq!(waiting.check(&order), (29, 3));
}

#[test]
fn a_missing_message_costs_one_signature_more() {
    let mut waiting = Waiting::new(30);
    waiting.sent.remove(10);
    let order: Vec<usize> = (0..29).collect();
    assert_eq!(waiting.check(&order), (29, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_backlog_costs_more_signatures_than_it_has_messages(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..30),
        copies in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut waiting = Waiting::new(20);
        for at in copies {
            let copy = waiting.sent[at.index(20)].clone();
            waiting.sent.push(copy);
        }
        let count = waiting.sent.len();
        for (at, offset) in damages {
            let at = at.index(count);
            let len = waiting.sent[at].len();
            // What names key and message stays: it is found, and found wrong.
            let offset = 150 + offset.index(len - 150);
            waiting.sent[at][offset] ^= 1;
        }
        let order: Vec<usize> =
            order.iter().map(|at| at.index(count)).chain((0..count).rev()).collect();
        let (_, checked) = waiting.check(&order);
        prop_assert!(checked <= count);
    }
}
