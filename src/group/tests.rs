//! A sender and a receiver of one group: what they tell, the states that are no state, and wrong clocks.

use std::sync::Arc;

use super::*;
use crate::crypto::Secret;
use crate::crypto::rng::SystemRandom;
use crate::group::chain::{Chain, MessageKey};
use crate::group::distribution::Previous;
use crate::group::keyring::Keyring;
use crate::group::own_key::{OwnKey, Snapshot};
use crate::group::sender_key::SenderKey;
use crate::group::skipped::Skipped;
use crate::identity::{Identity, IdentityOptions};
use crate::limits::{DAY_MS, GROUP_HISTORY_KEYS_MAX, GROUP_RETIRED_KEYS_MAX, GROUP_STORED_BYTES_MAX};
use crate::roster::RosterPolicy;
use crate::wire::content::ContentKind;

const NOW: u64 = 1_700_000_000_000;

/// Alice, who sends, and bob, who has her key.
struct Group {
    alice: Identity,
    bob: Identity,
    roster: Roster,
    sender: GroupSender,
    receiver: GroupReceiver,
}

impl Group {
    fn new(options: GroupReceiverOptions) -> Self {
        let rng = &mut SystemRandom;
        let person = |user: &str| {
            Identity::generate(&mut SystemRandom, user, IdentityOptions::default(), NOW).unwrap()
        };
        let (alice, bob) = (person("alice"), person("bob"));
        let cards = [bob.card().clone()];
        let roster = Roster::create(&alice, "team", &cards, RosterPolicy::default(), NOW, rng).unwrap();
        let sender = GroupSender::new(&alice, &roster, GroupSenderOptions::default(), NOW, rng).unwrap();
        let mut receiver = GroupReceiver::new(&bob, &roster, options, NOW).unwrap();
        if !options.history {
            let given = sender.distribution(&roster, "bob", &bob.fingerprint()).unwrap();
            receiver.install(&roster, "alice", &alice.fingerprint(), &given, NOW).unwrap();
        }
        Self { alice, bob, roster, sender, receiver }
    }

    fn send(&mut self) -> Vec<u8> {
        let mut envelope = vec![0; self.sender.encrypt_len(5)];
        let (body, rng): (&[&[u8]], _) = (&[b"\0text"], &mut SystemRandom);
        self.sender.encrypt(&self.roster, ContentKind::Data, body, NOW, rng, &mut envelope).unwrap();
        envelope
    }

    fn read(&mut self, envelope: &[u8]) -> Result<()> {
        let opening = self.receiver.open(&self.roster, envelope, NOW)?;
        self.receiver.commit(opening).map(drop)
    }

    /// Another key of alice, given for the messages from this one on.
    fn key(&self, id: u8, counter: u32) -> SenderKey {
        let mut given = self.sender.distribution(&self.roster, "bob", &self.bob.fingerprint()).unwrap();
        given.key_id = [id; 8];
        given.chain.skip(counter).unwrap();
        SenderKey::new(self.alice.fingerprint(), &given, None, self.receiver.options.retain_history)
    }

    /// What becomes of a receiver with these keys of alice when it is stored.
    fn stored(&mut self, keys: Vec<SenderKey>) -> Result<()> {
        self.receiver.senders.insert("alice".to_owned(), Keyring { keys, ..Keyring::default() });
        self.reloaded()
    }

    fn reloaded(&self) -> Result<()> {
        let payload = self.receiver.export()?;
        GroupReceiver::import(&self.bob, &self.roster, GroupReceiver::FORMAT, &payload).map(drop)
    }

    fn sender_reloaded(&self) -> Result<()> {
        let payload = self.sender.export(0)?;
        GroupSender::import(&self.alice, &self.roster, GroupSender::FORMAT, &payload).map(drop)
    }
}

fn closed(mut key: SenderKey) -> SenderKey {
    key.closes_ms = Some(NOW + 1);
    key
}

fn changed(mut key: SenderKey, change: impl FnOnce(&mut SenderKey)) -> SenderKey {
    change(&mut key);
    key
}

fn retaining() -> GroupReceiverOptions {
    GroupReceiverOptions { retain_history: true, ..GroupReceiverOptions::default() }
}

fn of_history() -> GroupReceiverOptions {
    GroupReceiverOptions { history: true, ..GroupReceiverOptions::default() }
}

const REFUSED: Result<()> = Err(Error::Malformed);

#[test]
fn both_halves_and_what_goes_between_them_tell_whose_they_are() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let (id, key_id) = (*group.roster.group_id(), *group.sender.key_id());
    for _ in 0..3 {
        let envelope = group.send();
        let opening = group.receiver.open(&group.roster, &envelope, NOW).unwrap();
        assert_eq!((opening.sender(), opening.timestamp_ms()), ("alice", NOW));
        assert_eq!(opening.counter() + 1, group.sender.counter());
        group.receiver.commit(opening).unwrap();
    }
    let sender = &group.sender;
    assert_eq!((sender.user(), sender.fingerprint()), ("alice", group.alice.fingerprint()));
    assert_eq!((sender.group_id(), sender.counter(), sender.epoch()), (&id, 3, group.roster.epoch()));
    let receiver = &group.receiver;
    assert_eq!((receiver.user(), receiver.fingerprint()), ("bob", group.bob.fingerprint()));
    assert_eq!(receiver.group_id(), &id);

    // One of a later epoch.
    let carol = Identity::generate(&mut SystemRandom, "carol", IdentityOptions::default(), NOW).unwrap();
    for _ in 0..2 {
        let entry = match group.roster.member("carol") {
            None => group.roster.propose_add(
                &group.alice,
                &[carol.card().clone()],
                crate::wire::roster::Role::Member,
                NOW,
                &mut SystemRandom,
            ),
            Some(_) => group.roster.propose_remove(&group.alice, "carol", NOW, &mut SystemRandom),
        };
        group.roster.apply(&entry.unwrap(), NOW).unwrap();
    }
    group.sender.rotate(&group.roster, NOW, &mut SystemRandom).unwrap();
    let given = group.sender.distribution(&group.roster, "bob", &group.bob.fingerprint()).unwrap();
    assert_eq!((given.epoch(), given.counter(), given.group_id()), (2, 0, &id));
    assert_eq!((given.key_id(), group.sender.epoch()), (group.sender.key_id(), 2));
    assert_ne!(given.key_id(), &key_id);
}

#[test]
fn an_opening_has_the_message_id_that_its_sender_gave() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let message_id = [0xab; 16];
    let body: [&[u8]; 1] = [b"\0text"];
    let sending = Sending { kind: ContentKind::Data, message_id: Some(&message_id), body: &body };
    let mut envelope = vec![0; group.sender.encrypt_len(5)];
    group.sender.encrypt_as(&group.roster, &sending, NOW, &mut SystemRandom, &mut envelope).unwrap();
    let opening = group.receiver.open(&group.roster, &envelope, NOW).unwrap();
    assert_eq!(opening.message_id(), &message_id);
}

#[test]
fn a_keyring_has_one_current_key_and_at_most_eight_that_are_retired() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let retired =
        |group: &Group, count: usize| (1..=count).map(|id| closed(group.key(id as u8, 0))).collect();
    let keys: Vec<SenderKey> = retired(&group, GROUP_RETIRED_KEYS_MAX);
    assert_eq!(group.stored(keys), Ok(()));
    let keys: Vec<SenderKey> = retired(&group, GROUP_RETIRED_KEYS_MAX + 1);
    assert_eq!(group.stored(keys), Ok(()));
    let keys: Vec<SenderKey> = retired(&group, GROUP_RETIRED_KEYS_MAX + 2);
    assert_eq!(group.stored(keys), REFUSED);
    let keys = vec![group.key(1, 0), closed(group.key(2, 0))];
    assert_eq!(group.stored(keys), Ok(()));
    let keys = vec![closed(group.key(1, 0)), group.key(2, 0)];
    assert_eq!(group.stored(keys), Ok(()));
    let keys = vec![group.key(1, 0), group.key(2, 0)];
    assert_eq!(group.stored(keys), REFUSED, "two that are current");
    let keys = vec![group.key(1, 0), closed(group.key(1, 0))];
    assert_eq!(group.stored(keys), REFUSED, "two of one id");
}

#[test]
fn only_a_receiver_that_retains_history_has_first_states_and_only_one_of_history_has_sharers() {
    let sharer = |key| changed(key, |key| key.shared_by = Some("carol".to_owned()));
    for (options, plain, retained, shared) in [
        (GroupReceiverOptions::default(), Ok(()), REFUSED, REFUSED),
        (retaining(), Ok(()), Ok(()), REFUSED),
        (of_history(), REFUSED, REFUSED, Ok(())),
    ] {
        let mut group = Group::new(options);
        let bare = |group: &Group| changed(group.key(1, 0), |key| key.retained = None);
        let keys = vec![bare(&group)];
        assert_eq!(group.stored(keys), plain, "{options:?}");
        let keys = vec![changed(bare(&group), |key| key.retained = Some(key.chain.duplicate()))];
        assert_eq!(group.stored(keys), retained, "{options:?}");
        let keys = vec![sharer(bare(&group))];
        assert_eq!(group.stored(keys), shared, "{options:?}");
    }
    let mut group = Group::new(of_history());
    let keys = vec![sharer(group.key(1, 0)), sharer(group.key(2, 0))];
    assert_eq!(group.stored(keys), Ok(()), "what was shared is none of it current");
}

#[test]
fn a_key_that_contradicts_itself_is_malformed() {
    let mut group = Group::new(retaining());
    let cases: [(fn(&mut SenderKey), _); 6] = [
        (|key| key.first = 6, REFUSED),
        (|key| key.end = Some(4), REFUSED),
        (|key| key.end = Some(5), Ok(())),
        (|key| key.retained.as_mut().unwrap().skip(6).unwrap(), REFUSED),
        (|key| key.skipped = Skipped::new(6), REFUSED),
        (|key| key.skipped = Skipped::new(4), REFUSED),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        let keys = vec![changed(group.key(1, 5), change)];
        assert_eq!(group.stored(keys), expected, "case {at}");
    }
}

#[test]
fn stored_message_keys_lie_between_the_first_message_and_the_next_and_in_no_rest_of_a_block() {
    let mut group = Group::new(GroupReceiverOptions::default());
    // Given from message 100 on, and read up to 512.
    let mut check = |change: fn(&mut Skipped)| {
        let mut key = group.key(1, 100);
        key.chain.skip(512).unwrap();
        change(&mut key.skipped);
        group.stored(vec![key])
    };
    fn single(skipped: &mut Skipped, counter: u32) {
        skipped.restore_key(counter, MessageKey::from_secret(Secret::new([7; 64])));
    }
    fn rest(skipped: &mut Skipped, from: u32) {
        skipped.restore_rest(from, Secret::new([7; 32]));
    }
    assert_eq!(check(|_| ()), Ok(()));
    for (counter, expected) in [(99, REFUSED), (100, Ok(())), (511, Ok(())), (512, REFUSED)] {
        let change: fn(&mut Skipped) = match counter {
            99 => |skipped| single(skipped, 99),
            100 => |skipped| single(skipped, 100),
            511 => |skipped| single(skipped, 511),
            _ => |skipped| single(skipped, 512),
        };
        assert_eq!(check(change), expected, "{counter}");
    }
    assert_eq!(check(|skipped| rest(skipped, 99)), REFUSED, "before the first");
    assert_eq!(check(|skipped| rest(skipped, 100)), Ok(()));
    assert_eq!(check(|skipped| rest(skipped, 256)), Ok(()), "up to the next");
    assert_eq!(check(|skipped| rest(skipped, 512)), REFUSED, "beyond the next");
    let both = |skipped: &mut Skipped| {
        rest(skipped, 100);
        rest(skipped, 256);
    };
    assert_eq!(check(both), Ok(()));
    let overlapping = |skipped: &mut Skipped| {
        rest(skipped, 100);
        rest(skipped, 120);
    };
    assert_eq!(check(overlapping), REFUSED);
    let twice = |skipped: &mut Skipped| {
        single(skipped, 130);
        rest(skipped, 120);
    };
    assert_eq!(check(twice), REFUSED, "in both");
    let beside = |skipped: &mut Skipped| {
        single(skipped, 119);
        rest(skipped, 120);
        single(skipped, 256);
    };
    assert_eq!(check(beside), Ok(()));
}

#[test]
fn what_is_retained_is_of_this_group_and_asked_for() {
    let mut group = Group::new(retaining());
    let mut key = group.key(1, 0);
    let chain = key.retained.take().unwrap();
    key.end = Some(1);
    let history = group.receiver.history_of("alice", &key, chain);
    group.receiver.retained.push_back(history);
    assert_eq!(group.reloaded(), Ok(()));
    group.receiver.retained[0].group_id = [0; 32];
    assert_eq!(group.reloaded(), REFUSED, "of another group");
    group.receiver.retained[0].group_id = group.receiver.group_id;
    group.receiver.options.retain_history = false;
    let keys = vec![changed(group.key(1, 0), |key| key.retained = None)];
    assert_eq!(group.stored(keys), REFUSED, "not asked for");
}

#[test]
fn a_receiver_of_history_holds_so_many_keys_at_most() {
    let mut group = Group::new(of_history());
    let half = GROUP_HISTORY_KEYS_MAX / 2;
    for (more, expected) in [(0, Ok(())), (1, REFUSED)] {
        for (sender, count) in [("alice", half), ("bob", half + more)] {
            let mut keys = Vec::new();
            for id in 0..count {
                let mut key = group.key(1, 0);
                key.key_id = (id as u64).to_be_bytes();
                key.shared_by = Some("carol".to_owned());
                keys.push(key);
            }
            group.receiver.senders.insert(sender.to_owned(), Keyring { keys, ..Keyring::default() });
        }
        assert_eq!(group.reloaded(), expected, "{more} more");
    }
}

#[test]
fn what_is_retained_is_found_by_its_sender_and_its_id() {
    let mut group = Group::new(retaining());
    for (sender, id) in [("alice", 5), ("bob", 5), ("alice", 6)] {
        let mut key = group.key(id, 0);
        let chain = key.retained.take().unwrap();
        key.end = Some(u32::from(id) * 10);
        let history = group.receiver.history_of(sender, &key, chain);
        group.receiver.retained.push_back(history);
    }
    let find = |sender, id: u8| {
        let (roster, alice) = (&group.roster, group.alice.fingerprint());
        group.receiver.history(roster, "alice", &alice, sender, &[id; 8], 3)
    };
    let found = find("alice", 5).unwrap();
    assert_eq!((found.sender(), found.key_id(), found.counter(), found.end), ("alice", &[5; 8], 3, 50));
    assert_eq!(find("bob", 5).unwrap().sender(), "bob");
    assert_eq!(find("bob", 6).unwrap_err(), Error::UnknownKey);
    assert_eq!(find("alice", 7).unwrap_err(), Error::UnknownKey);
}

#[test]
fn a_senders_key_that_contradicts_itself_is_malformed() {
    let mut group = Group::new(GroupReceiverOptions::default());
    for _ in 0..5 {
        group.send();
    }
    assert_eq!(group.sender_reloaded(), Ok(()));
    let mut check = |change: &dyn Fn(&mut OwnKey)| {
        let key = &mut group.sender.key;
        key.resumed_from = None;
        key.link = Some([1; 16]);
        let mut chain = Chain::start(Secret::new([1; 32]));
        chain.skip(5).unwrap();
        key.snapshot = Some(Snapshot { chain, link: None, waiting: [Arc::from("bob")].into() });
        change(key);
        group.sender_reloaded()
    };
    let resumed = |from: u32, link| {
        move |key: &mut OwnKey| {
            key.resumed_from = Some(from);
            key.link = link;
        }
    };
    assert_eq!(check(&|_| ()), Ok(()));
    assert_eq!(check(&resumed(5, None)), Ok(()));
    assert_eq!(check(&resumed(6, None)), REFUSED, "resumed from later on");
    assert_eq!(check(&resumed(5, Some([1; 16]))), REFUSED, "resumed and knowing what came before");
    assert_eq!(check(&|key| key.link = None), REFUSED, "neither");
    assert_eq!(check(&|key| key.snapshot = None), Ok(()));
    assert_eq!(check(&|key| key.snapshot.as_mut().unwrap().waiting.clear()), REFUSED, "for nobody");
    let ahead = |key: &mut OwnKey| key.snapshot.as_mut().unwrap().chain.skip(6).unwrap();
    assert_eq!(check(&ahead), REFUSED, "a first state after the last");
}

#[test]
fn no_key_succeeds_itself() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let own = *group.sender.key_id();
    for (key_id, expected) in [([7; 8], Ok(())), (own, REFUSED)] {
        group.sender.previous = Some(Previous { key_id, count: 0, link: None });
        assert_eq!(group.sender_reloaded(), expected);
    }
}

#[test]
fn times_of_more_than_a_day_ahead_are_forgotten() {
    let Group { alice, bob, roster, .. } = Group::new(GroupReceiverOptions::default());
    let rng = &mut SystemRandom;
    for (ahead_ms, is_ahead) in [(0, false), (DAY_MS, false), (DAY_MS + 1, true)] {
        let then = NOW + ahead_ms;
        let mut sender = GroupSender::new(&alice, &roster, GroupSenderOptions::default(), then, rng).unwrap();
        assert_eq!(sender.correct_clock(NOW), is_ahead);
        let made_ms = if is_ahead { NOW } else { then };
        assert_eq!((sender.info().made_ms, sender.latest_ms), (made_ms, made_ms));
        assert!(!sender.correct_clock(NOW), "once is enough");

        let options = GroupReceiverOptions::default();
        let mut receiver = GroupReceiver::new(&bob, &roster, options, then).unwrap();
        let key = sender.distribution(&roster, "bob", &bob.fingerprint()).unwrap();
        receiver.install(&roster, "alice", &alice.fingerprint(), &key, then).unwrap();
        receiver.senders.get_mut("alice").unwrap().keys[0].closes_ms = Some(then + 1);
        assert_eq!(receiver.correct_clock(NOW), is_ahead);
        let due_ms = if is_ahead { NOW + options.transition_window_ms } else { then + 1 };
        assert_eq!(receiver.retire(NOW), (is_ahead || ahead_ms == 0 || due_ms > then).then_some(due_ms));
        assert!(!receiver.correct_clock(NOW), "once is enough");
    }
}

#[test]
fn the_state_at_the_first_message_waits_for_the_members_it_is_for() {
    let mut group = Group::new(GroupReceiverOptions::default());
    assert!(group.sender.is_waiting_for("bob"));
    assert!(!group.sender.is_waiting_for("carol") && !group.sender.is_waiting_for("alice"));
    group.sender.confirm("carol");
    assert!(group.sender.is_waiting_for("bob"));
    group.sender.confirm("bob");
    assert!(!group.sender.is_waiting_for("bob"));
}

#[test]
fn messages_from_before_a_key_was_given_are_replays_once_an_earlier_start_opened_them() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let earlier = group.sender.distribution(&group.roster, "bob", &group.bob.fingerprint()).unwrap();
    let sent: Vec<Vec<u8>> = (0..4).map(|_| group.send()).collect();
    group.sender.key.snapshot = None;
    let later = group.sender.distribution(&group.roster, "bob", &group.bob.fingerprint()).unwrap();
    assert_eq!((earlier.counter(), later.counter()), (0, 4));
    group.receiver.senders.clear();
    let alice = group.alice.fingerprint();
    group.receiver.install(&group.roster, "alice", &alice, &later, NOW).unwrap();
    assert_eq!(group.read(&sent[1]), Err(Error::UnknownKey), "never given");
    group.receiver.install(&group.roster, "alice", &alice, &earlier, NOW).unwrap();
    assert_eq!(group.read(&sent[1]), Ok(()));
    let key = &mut group.receiver.senders.get_mut("alice").unwrap().keys[0];
    key.recent = Default::default();
    assert_eq!(group.read(&sent[1]), Err(Error::Replay));
    assert_eq!(group.read(&sent[0]), Ok(()));
}

/// A key with three messages, two rests of blocks and three links that wait.
fn with_stored(key: SenderKey) -> SenderKey {
    changed(key, |key| {
        key.chain.skip(1_024).unwrap();
        for counter in [1, 2, 700] {
            key.skipped.restore_key(counter, MessageKey::from_secret(Secret::new([7; 64])));
        }
        for from in [256, 800] {
            key.skipped.restore_rest(from, Secret::new([7; 32]));
        }
        key.links.expect_carried(1, [1; 16]);
        key.links.expect_carried(700, [1; 16]);
        key.links.expect_named(300, [1; 16]);
    })
}

#[test]
fn what_is_counted_as_stored_is_what_is_exported() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let mut exported = |keys| {
        assert_eq!(group.stored(keys), Ok(()));
        (group.receiver.export().unwrap().len(), group.receiver.senders["alice"].stored_bytes())
    };
    let fixture = Group::new(GroupReceiverOptions::default());
    let (key, another) = (|| fixture.key(1, 0), || closed(fixture.key(2, 0)));
    let (bare, none) = exported(vec![changed(key(), |key| key.chain.skip(1_024).unwrap()), another()]);
    assert_eq!(none, 0);
    let (full, stored) = exported(vec![with_stored(key()), another()]);
    assert_eq!((full - bare, stored), (stored, 3 * 68 + 2 * 36 + 3 * 20));
    let (full, stored) = exported(vec![with_stored(key()), with_stored(another())]);
    assert_eq!(full - bare, stored);
}

#[test]
fn whoever_stores_too_much_loses_its_lowest_messages_and_their_links() {
    let group = Group::new(GroupReceiverOptions::default());
    let keyring = || Keyring {
        keys: vec![with_stored(group.key(1, 0)), with_stored(group.key(2, 0))],
        ..Keyring::default()
    };
    let whole = keyring().stored_bytes();
    let trimmed = |most| {
        let mut keyring = keyring();
        keyring.trim(most);
        let left: Vec<u64> = keyring.keys.iter().map(|key| key.skipped.count()).collect();
        (keyring.changed, keyring.stored_bytes(), left)
    };
    let count = keyring().keys[0].skipped.count();
    assert_eq!(trimmed(whole), (false, whole, vec![count; 2]));
    // A key and the link that it was to carry go together.
    let less = whole - 68 - 20;
    assert_eq!(trimmed(whole - 1), (true, less, vec![count - 1, count]));
    assert_eq!(trimmed(less), (true, less, vec![count - 1, count]));
    assert_eq!(trimmed(less - 1), (true, less - 68, vec![count - 2, count]));
    // Then the rest of a block with the link in it; and one key after the other.
    assert_eq!(trimmed(less - 69).1, less - 68 - 36 - 20);
    assert_eq!(trimmed(whole / 2), (true, whole / 2, vec![0, count]));
    assert_eq!(trimmed(0), (true, 0, vec![0, 0]));
}

#[test]
fn the_roster_of_another_group_serves_neither_half() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let envelope = group.send();
    let cards = [group.bob.card().clone()];
    let (policy, rng) = (RosterPolicy::default(), &mut SystemRandom);
    let other = Roster::create(&group.alice, "other", &cards, policy, NOW, rng).unwrap();
    let wrong = Err(Error::WrongGroup);
    assert_eq!(group.sender.check_sending(&other, NOW), wrong);
    assert_eq!(group.sender.check_leaving(&other, NOW), wrong);
    assert_eq!(group.sender.rotate(&other, NOW, rng), wrong);
    assert_eq!(group.sender.distribution(&other, "bob", &group.bob.fingerprint()).map(drop), wrong);
    assert_eq!(group.receiver.sync(&other, NOW), wrong);
    assert_eq!(group.receiver.open(&other, &envelope, NOW).map(drop), wrong);
    let given = group.sender.distribution(&group.roster, "bob", &group.bob.fingerprint()).unwrap();
    let installed = group.receiver.install(&other, "alice", &group.alice.fingerprint(), &given, NOW);
    assert_eq!(installed.map(drop), wrong);
}

#[test]
fn a_sender_is_stored_again_when_the_roster_took_a_key_of_it() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let sync = |group: &mut Group| {
        group.receiver.sync(&group.roster, NOW).unwrap();
        let keyring = &group.receiver.senders["alice"];
        (keyring.changed, keyring.keys.len())
    };
    group.receiver.senders.get_mut("alice").unwrap().changed = false;
    assert_eq!(sync(&mut group), (false, 1));
    group.receiver.senders.get_mut("alice").unwrap().keys[0].owner = group.bob.fingerprint();
    assert_eq!(sync(&mut group), (true, 0));
    assert_eq!(sync(&mut group), (true, 0), "until it is stored");
}

#[test]
fn what_all_store_is_counted_anew_when_it_seems_too_much() {
    let mut group = Group::new(GroupReceiverOptions::default());
    let keys = vec![with_stored(group.key(1, 0))];
    group.receiver.senders.insert("alice".to_owned(), Keyring { keys, ..Keyring::default() });
    let receiver = &mut group.receiver;
    receiver.stored = GROUP_STORED_BYTES_MAX - 1;
    receiver.stores((5, 6));
    assert_eq!(receiver.stored, GROUP_STORED_BYTES_MAX);
    receiver.stores((5, 6));
    assert_eq!(receiver.stored, receiver.senders["alice"].stored_bytes());
}
