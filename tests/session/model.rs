//! Anything that two sides and a bad network can do, against a simple model of what must be readable.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sealwax::Error;
use sealwax::session::{Level, Session, SessionOptions};

use crate::pair::*;

/// Most messages that may be sent between two stores.
const LEASE: u32 = 3;

#[derive(Debug, Clone)]
enum Act {
    Send,
    Deliver(prop::sample::Index),
    Duplicate(prop::sample::Index),
    Drop(prop::sample::Index),
    /// The process dies and comes back from what it stored.
    Crash,
    /// The session is deleted; the identity stays.
    Lose,
    Renew,
    Wait(u64),
}

fn acts(with_losses_of_state: bool) -> impl Strategy<Value = Vec<(bool, Act)>> {
    let rare = u32::from(with_losses_of_state);
    let act = prop_oneof![
        8 => Just(Act::Send),
        8 => any::<prop::sample::Index>().prop_map(Act::Deliver),
        2 => any::<prop::sample::Index>().prop_map(Act::Duplicate),
        2 => any::<prop::sample::Index>().prop_map(Act::Drop),
        2 => Just(Act::Crash),
        rare => Just(Act::Lose),
        rare => Just(Act::Renew),
        2 => (0..40 * MINUTE).prop_map(Act::Wait),
    ];
    prop::collection::vec((any::<bool>(), act), 1..60)
}

/// One side, what it stored, and what the model knows of it.
struct Modelled {
    side: Side,
    stored: Option<Vec<u8>>,
    sent_since_stored: u32,
    /// Handshakes of the peer that the identity has taken.
    taken: BTreeSet<[u8; 8]>,
    /// What was read in each inner session that is held.
    read: BTreeMap<[u8; 8], BTreeSet<String>>,
    /// On their way to this side, with the text that must come out.
    inbox: Vec<(Vec<u8>, String)>,
}

impl Modelled {
    fn new(user: &str, options: SessionOptions) -> Self {
        Self {
            side: Side::new(user, "model", options),
            stored: None,
            sent_since_stored: 0,
            taken: BTreeSet::new(),
            read: BTreeMap::new(),
            inbox: Vec::new(),
        }
    }

    fn store(&mut self) {
        self.stored = self.side.session.as_ref().map(|session| session.export(LEASE).unwrap().to_vec());
        self.sent_since_stored = 0;
    }

    fn crash(&mut self) {
        if let Some(stored) = &self.stored {
            let session = Session::import(&self.side.identity, Session::FORMAT, stored).unwrap();
            self.side.session = Some(session);
            self.store();
        }
    }

    fn held(&self) -> BTreeSet<[u8; 8]> {
        let session = self.side.session.as_ref();
        session
            .map(|session| session.info().inner.iter().map(|inner| inner.key_id).collect())
            .unwrap_or_default()
    }

    fn send(&mut self, peer: &mut Self, count: &mut u32, level: Level) {
        if self.side.session.is_none() {
            self.side.initiate(&mut peer.side, level);
            self.store();
        }
        *count += 1;
        let text = format!("message {count}");
        match self.side.try_send(&text) {
            Ok(envelope) => {
                self.sent_since_stored += 1;
                // The first message of a turn is always stored, further ones once the lease is used up.
                let counter_is_leased = self.sent_since_stored <= LEASE && self.stored_chain_sends();
                if !counter_is_leased {
                    self.store();
                }
                peer.inbox.push((envelope, text));
            }
            Err(error) => assert_eq!(error, Error::RenewalRequired),
        }
    }

    /// Whether a stored state would go on in the chain that the side sends in now.
    fn stored_chain_sends(&self) -> bool {
        let Some(stored) = &self.stored else { return false };
        let session = Session::import(&self.side.identity, Session::FORMAT, stored).unwrap();
        let mut copy = Side::new("copy", "", self.side.options);
        copy.session = Some(session);
        copy.now = self.side.now;
        let mut own = self.side.thief();
        let ratchet_key = |side: &mut Side| side.try_send("").map(|envelope| plain_ratchet_key(&envelope));
        matches!((ratchet_key(&mut copy), ratchet_key(&mut own)), (Ok(Some(a)), Ok(Some(b))) if a == b)
    }

    /// Delivers a message and holds the answer against the model.
    fn deliver(&mut self, envelope: &[u8], text: &str) {
        let key = key_id(envelope);
        let (held, before) = (self.held().contains(&key), self.side.digest());
        let was_read = self.read.get(&key).is_some_and(|read| read.contains(text));
        let opens = if held { !was_read } else { is_first(envelope) && !self.taken.contains(&key) };
        match self.side.receive(envelope) {
            Ok(read) => {
                assert!(opens, "{text} must not open");
                assert_eq!(read, text);
                if is_first(envelope) {
                    self.taken.insert(key);
                }
                self.read.entry(key).or_default().insert(text.to_owned());
                self.store();
            }
            Err(error) => {
                assert!(!opens, "{text} must open: {error:?}");
                assert!(matches!(error, Error::UnknownKey | Error::Replay | Error::Duplicate), "{error:?}");
                assert_eq!(self.side.digest(), before);
            }
        }
        let held = self.held();
        self.read.retain(|key, _| held.contains(key));
    }
}

/// `None` with a hidden header: then every message is stored.
fn plain_ratchet_key(envelope: &[u8]) -> Option<[u8; 65]> {
    use sealwax::wire::session::{Header, SessionMessage};
    match SessionMessage::parse(envelope).unwrap().header {
        Header::Plain(header) => Some(*header.ratchet_key),
        Header::Hidden { .. } => None,
    }
}

fn run(acts: Vec<(bool, Act)>, hide: bool, level: Level, cross: bool) {
    let mut alice = Modelled::new("alice", hidden(hide));
    let mut bob = Modelled::new("bob", hidden(hide));
    alice.side.initiate(&mut bob.side, level);
    alice.store();
    if cross {
        bob.side.initiate(&mut alice.side, level);
        bob.store();
    }
    let mut count = 0;
    for (alice_acts, act) in acts {
        let (one, other) = if alice_acts { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        one.side.now += 1;
        other.side.now += 1;
        match act {
            Act::Send => one.send(other, &mut count, level),
            Act::Deliver(at) if !one.inbox.is_empty() => {
                let (envelope, text) = one.inbox.remove(at.index(one.inbox.len()));
                one.deliver(&envelope, &text);
            }
            Act::Duplicate(at) if !one.inbox.is_empty() => {
                let (envelope, text) = one.inbox[at.index(one.inbox.len())].clone();
                one.deliver(&envelope, &text);
            }
            Act::Drop(at) if !one.inbox.is_empty() => drop(one.inbox.remove(at.index(one.inbox.len()))),
            Act::Deliver(_) | Act::Duplicate(_) | Act::Drop(_) => {}
            Act::Crash => one.crash(),
            Act::Lose => {
                (one.side.session, one.stored) = (None, None);
                one.read.clear();
            }
            Act::Renew => {
                if one.side.session.is_some() && one.side.renew(&mut other.side, level).is_ok() {
                    one.store();
                }
            }
            Act::Wait(time) => {
                one.side.now += time;
                other.side.now = one.side.now;
            }
        }
    }
    for side in [&mut alice, &mut bob] {
        for (envelope, text) in std::mem::take(&mut side.inbox) {
            side.deliver(&envelope, &text);
        }
    }
    // Both sides come to send in the same inner session, and read each other there.
    talk(&mut alice.side, &mut bob.side, 8);
    assert!(agree(&alice.side, &bob.side));
    let message = alice.side.send("agreed");
    assert_eq!(bob.side.read(&message), "agreed");
    let message = bob.side.send("agreed");
    assert_eq!(alice.side.read(&message), "agreed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_must_be_readable_is_readable_exactly_once(acts in acts(false), hide: bool, prekeys: bool) {
        run(acts, hide, if prekeys { Level::OneTime } else { Level::Plain }, false);
    }

    #[test]
    fn crossing_sessions_converge_and_lose_nothing(acts in acts(false), hide: bool, prekeys: bool) {
        run(acts, hide, if prekeys { Level::OneTime } else { Level::Plain }, true);
    }

    #[test]
    fn sides_that_lose_their_state_find_each_other_again(acts in acts(true), cross: bool) {
        run(acts, false, Level::Signed, cross);
    }
}
