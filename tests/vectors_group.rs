//! `tests/vectors/group.json`: chain steps, messages, distributions and history (`docs/PROTOCOL.md` section 8).
//!
//! Seeds, private keys, nonces and message ids come from a script, in the order in which the library draws them. What
//! the library makes of them is put together a second time from the primitives alone, and must be the same bytes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Act, group, person};
use common::vectors::{check, hex, label};
use sealwax::crypto::ecc::SignPrivate;
use sealwax::crypto::rng::Random as _;
use sealwax::crypto::{Secret, aead, kdf};
use sealwax::group::{GroupReceiver, GroupReceiverOptions, GroupSender, GroupSenderOptions, History};
use sealwax::identity::Identity;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::content::{ContentKind, Padding};
use sealwax::wire::roster::Role;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000_000;

/// HKDF-Expand with info = `L(text)`, from HMAC alone.
fn expand(prk: &[u8], text: &str, length: usize) -> Vec<u8> {
    let (info, mut out, mut block) = (label(text), Vec::new(), Vec::new());
    for counter in 1..=u8::try_from(length / 32).unwrap() {
        block = kdf::hmac(prk, &[&block, &info, &[counter]]).as_bytes().to_vec();
        out.extend(&block);
    }
    out
}

fn hash(text: &str, parts: &[&[u8]]) -> [u8; 32] {
    kdf::sha256(&[&[label(text).as_slice()], parts].concat())
}

/// The chain as section 8.1 writes it, stepped one message at a time.
struct Chain {
    counter: u32,
    chain: Vec<u8>,
    next_seed: Vec<u8>,
}

impl Chain {
    fn start(seed: &[u8]) -> Self {
        let mut chain = Self { counter: 0, chain: Vec::new(), next_seed: seed.to_vec() };
        chain.block();
        chain
    }

    fn block(&mut self) {
        let derived = expand(&self.next_seed, "sealwax block/1", 64);
        (self.next_seed, self.chain) = (derived[..32].to_vec(), derived[32..].to_vec());
    }

    /// Message key and commitment of the counter at which it stands.
    fn step(&self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let derived = expand(&self.chain, "sealwax step/1", 96);
        (derived[..32].to_vec(), derived[32..64].to_vec(), derived[64..].to_vec())
    }

    fn advance(&mut self, to: u32) {
        while self.counter < to {
            self.chain = self.step().0;
            self.counter += 1;
            if self.counter.is_multiple_of(256) {
                self.block();
            }
        }
    }

    fn vector(&self) -> Value {
        let (_, key, commit) = self.step();
        json!({
            "counter": self.counter,
            "chain": hex(&self.chain),
            "next_seed": hex(&self.next_seed),
            "message_key": hex(key),
            "commit": hex(commit),
        })
    }
}

/// A sender key as the script gives it.
struct Key {
    key_id: [u8; 8],
    seed: [u8; 32],
    signing: SignPrivate,
    epoch: u64,
    roster_hash: [u8; 32],
    chain: Chain,
    link: [u8; 16],
    /// Set by a restart, until a message says so.
    resumed_from: Option<u32>,
}

/// Alice's sender, and the same a second time.
struct Story {
    group_id: [u8; 32],
    rng: ScriptedRandom,
    again: ScriptedRandom,
    key: Key,
    previous: Option<([u8; 8], u32, [u8; 16])>,
    /// Those before `key`.
    past: Vec<Key>,
    keys: Vec<Value>,
    messages: Vec<Value>,
    distributions: Vec<Value>,
}

impl Story {
    fn new(roster: &Roster, seed: &str) -> (Self, ScriptedRandom) {
        let script = || ScriptedRandom::new(seed);
        let mut again = script();
        let key = Key::draw(&mut again, roster);
        let keys = vec![key.vector()];
        let story = Self {
            group_id: *roster.group_id(),
            rng: script(),
            again,
            key,
            previous: None,
            past: Vec::new(),
            keys,
            messages: Vec::new(),
            distributions: Vec::new(),
        };
        (story, script())
    }

    /// One message of the library, compared with one put together by hand.
    fn message(
        &mut self,
        sender: &mut GroupSender,
        roster: &Roster,
        text: &str,
        padding: Padding,
        now_ms: u64,
    ) -> Vec<u8> {
        let body = [&[1], text.as_bytes()].concat();
        let mut envelope = vec![0; sender.encrypt_len(body.len())];
        sender.encrypt(roster, ContentKind::Data, &[&body], now_ms, &mut self.rng, &mut envelope).unwrap();

        let nonce = self.again.nonce().unwrap();
        let mut message_id = [0; 16];
        self.again.fill(&mut message_id).unwrap();
        let (_, key, commit) = self.key.chain.step();
        let mut content = vec![1];
        content.extend(message_id);
        content.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        content.extend(&body);
        content.resize(padding.padded(content.len()), 0);

        let resumed = self.key.resumed_from.take();
        let link = if resumed.is_some() { [0; 16] } else { self.key.link };
        let mut aad = vec![1, 1, 0, 1, 5, u8::from(resumed.is_some())];
        aad.extend(self.group_id);
        aad.extend(b"\x05alice");
        aad.extend(self.key.key_id);
        aad.extend(roster.epoch().to_be_bytes());
        aad.extend(&roster.hash()[..16]);
        aad.extend(self.key.chain.counter.to_be_bytes());
        aad.extend(now_ms.to_be_bytes());
        aad.extend(nonce);
        aad.extend(link);
        aad.extend(resumed.map(u32::to_be_bytes).iter().flatten());
        aad.extend(u32::try_from(content.len() + 16).unwrap().to_be_bytes());
        let mut ciphertext = content.clone();
        let tag = aead::seal(&Secret::from_slice(&key).unwrap(), &nonce, &aad, &mut ciphertext).unwrap();
        ciphertext.extend(tag);
        let digest = hash("sealwax digest/1", &[&commit, &aad, &ciphertext]);
        let signed = [&label("sealwax message/1")[..], &digest].concat();
        let signature = self.key.signing.sign_raw(&mut self.again, &signed).unwrap();
        let next = hash("sealwax link/1", &[&digest, &signature]);
        let by_hand = [&aad[..], &ciphertext, &signature].concat();
        assert!(by_hand == envelope, "the library and the protocol write different messages");

        self.messages.push(json!({
            "key_id": hex(self.key.key_id),
            "counter": self.key.chain.counter,
            "epoch": roster.epoch(),
            "roster_hash": hex(&roster.hash()[..16]),
            "timestamp_ms": now_ms,
            "nonce": hex(nonce),
            "link": hex(link),
            "resumed_from": resumed,
            "message_id": hex(message_id),
            "body": hex(&body),
            "padding": match padding { Padding::None => "none", Padding::Padme => "padme" },
            "content": hex(&content),
            "message_key": hex(&key),
            "commit": hex(&commit),
            "aad": hex(&aad),
            "ciphertext": hex(&ciphertext),
            "digest": hex(digest),
            "signature": hex(signature),
            "next_link": hex(&next[..16]),
            "envelope": hex(&envelope),
            "envelope_id": hex(&hash("sealwax envelope/1", &[&envelope])[..16]),
        }));
        self.key.link.copy_from_slice(&next[..16]);
        let after = self.key.chain.counter + 1;
        self.key.chain.advance(after);
        envelope
    }

    /// What the library hands out now, compared with the layout; `first` is the state that it serves.
    fn distribution(
        &mut self,
        sender: &GroupSender,
        roster: &Roster,
        to: &Identity,
        first: &Chain,
        link: [u8; 16],
    ) {
        let made = sender.distribution(roster, to.user(), &to.fingerprint()).unwrap().encode();
        let mut by_hand = Vec::new();
        by_hand.extend(self.group_id);
        by_hand.extend(self.key.epoch.to_be_bytes());
        by_hand.extend(self.key.roster_hash);
        by_hand.extend(self.key.key_id);
        by_hand.extend(self.key.signing.public().as_bytes());
        by_hand.extend(first.counter.to_be_bytes());
        by_hand.extend(&first.chain);
        by_hand.extend(&first.next_seed);
        by_hand.extend(link);
        by_hand.push(u8::from(self.previous.is_some()));
        if let Some((key_id, count, link)) = self.previous {
            by_hand.extend(key_id);
            by_hand.extend(count.to_be_bytes());
            by_hand.extend(link);
        }
        assert!(by_hand == *made, "the library and the protocol write different distributions");
        self.distributions.push(json!({
            "key_id": hex(self.key.key_id),
            "epoch": self.key.epoch,
            "roster_hash": hex(self.key.roster_hash),
            "signing_key": hex(self.key.signing.public().as_bytes()),
            "counter": first.counter,
            "chain": hex(&first.chain),
            "next_seed": hex(&first.next_seed),
            "link": hex(link),
            "previous": self.previous.map(|(key_id, count, link)| {
                json!({ "key_id": hex(key_id), "count": count, "link": hex(link) })
            }),
            "distribution": hex(&by_hand),
        }));
    }

    fn rotate(&mut self, sender: &mut GroupSender, roster: &Roster, now_ms: u64) {
        sender.rotate(roster, now_ms, &mut self.rng).unwrap();
        self.previous = Some((self.key.key_id, self.key.chain.counter, self.key.link));
        let key = Key::draw(&mut self.again, roster);
        self.past.push(core::mem::replace(&mut self.key, key));
        self.keys.push(self.key.vector());
    }
}

impl Key {
    fn draw(script: &mut ScriptedRandom, roster: &Roster) -> Self {
        let (mut key_id, mut seed) = ([0; 8], [0; 32]);
        script.fill(&mut key_id).unwrap();
        script.fill(&mut seed).unwrap();
        let signing = SignPrivate::generate(script).unwrap();
        let parts: [&[u8]; 5] = [
            roster.group_id(),
            b"\x05alice",
            &key_id,
            &roster.epoch().to_be_bytes(),
            signing.public().as_bytes(),
        ];
        let link = *hash("sealwax link start/1", &parts).first_chunk().unwrap();
        let (epoch, roster_hash, chain) = (roster.epoch(), *roster.hash(), Chain::start(&seed));
        Self { key_id, seed, signing, epoch, roster_hash, chain, link, resumed_from: None }
    }

    fn vector(&self) -> Value {
        json!({
            "sender": "alice",
            "key_id": hex(self.key_id),
            "seed_0": hex(self.seed),
            "signing_private": hex(self.signing.to_bytes().as_bytes()),
            "signing_key": hex(self.signing.public().as_bytes()),
            "epoch": self.epoch,
            "roster_hash": hex(self.roster_hash),
            "link_0": hex(self.link),
        })
    }
}

#[test]
fn the_group_vectors_are_as_committed() {
    let (alice, bob, dave) = (person("alice"), person("bob"), person("dave"));
    let mut roster = group(&alice, &[&bob], RosterPolicy::default());
    let (mut story, mut script) = Story::new(&roster, "group vectors");
    let options = GroupSenderOptions::default();
    let mut sender = GroupSender::new(&alice, &roster, options, NOW, &mut script).unwrap();
    // The key's own draws are behind both.
    story.rng = script;

    let mut chain = Chain::start(&story.key.seed);
    let steps: Vec<Value> = [0, 1, 2, 254, 255, 256, 257, 511, 512, 24_000]
        .into_iter()
        .map(|counter| {
            chain.advance(counter);
            chain.vector()
        })
        .collect();

    // Bob gets the first state, whatever was sent meanwhile, and retains it.
    let retaining = GroupReceiverOptions { retain_history: true, ..GroupReceiverOptions::default() };
    let mut receiver = GroupReceiver::new(&bob, &roster, retaining, NOW).unwrap();
    let install = |receiver: &mut GroupReceiver, sender: &GroupSender, roster: &Roster| {
        let made = sender.distribution(roster, "bob", &bob.fingerprint()).unwrap();
        assert_eq!(receiver.install(roster, "alice", &alice.fingerprint(), &made, NOW), Ok(None));
    };
    let (start, first_link) = (Chain::start(&story.key.seed), story.key.link);
    install(&mut receiver, &sender, &roster);
    story.distribution(&sender, &roster, &bob, &start, first_link);
    sender.mark_distributed("bob");

    let mut envelopes = Vec::new();
    for text in ["first", ""] {
        envelopes.push(story.message(&mut sender, &roster, text, Padding::None, NOW + 1));
    }
    // Afterwards whoever asks starts at the next message.
    let mut now = Chain::start(&story.key.seed);
    now.advance(2);
    let link = story.key.link;
    story.distribution(&sender, &roster, &bob, &now, link);

    // A restart sets 300 messages aside: the next one is in another block, and its link is not known.
    let payload = sender.export(300).unwrap();
    sender = GroupSender::import(&alice, &roster, GroupSender::FORMAT, &payload).unwrap();
    story.key.chain.advance(302);
    story.key.resumed_from = Some(2);
    now.advance(302);
    story.distribution(&sender, &roster, &bob, &now, [0; 16]);
    for text in ["resumed", "and on"] {
        envelopes.push(story.message(&mut sender, &roster, text, Padding::None, NOW + 2));
    }

    // Dave joins; a role changes nothing for the new key but what messages say of the head.
    let first_key = story.key.key_id;
    let apply = |roster: &mut Roster, act: Act<'_>| {
        let entry = act.propose(roster, &alice).unwrap();
        roster.apply(&entry, NOW).unwrap();
    };
    apply(&mut roster, Act::Add(&[&dave], Role::Member));
    story.rotate(&mut sender, &roster, NOW + 3);
    install(&mut receiver, &sender, &roster);
    let (start, first_link) = (Chain::start(&story.key.seed), story.key.link);
    story.distribution(&sender, &roster, &dave, &start, first_link);
    apply(&mut roster, Act::Role("bob", Role::Admin));
    envelopes.push(story.message(&mut sender, &roster, "second key", Padding::None, NOW + 4));
    for envelope in &envelopes {
        let opening = receiver.open(&roster, envelope, NOW + 5).unwrap();
        receiver.commit(opening).unwrap();
    }

    let shared = receiver.history(&roster, "dave", &dave.fingerprint(), "alice", &first_key, 1).unwrap();
    let history = history_vector(&story, &alice, &shared);
    let log = hex(roster.log(0));
    check(
        "group",
        &json!({
            "group_id": hex(roster.group_id()),
            "roster_log": log,
            "keys": story.keys,
            "chain": steps,
            "messages": story.messages,
            "distributions": story.distributions,
            "history": [history],
            "padded": [padded(&alice, &bob)],
        }),
    );
}

fn history_vector(story: &Story, alice: &Identity, shared: &History) -> Value {
    let key = &story.past[0];
    let mut chain = Chain::start(&key.seed);
    chain.advance(1);
    let (key_id, end, _) = story.previous.unwrap();
    let mut by_hand = Vec::new();
    by_hand.extend(story.group_id);
    by_hand.extend(b"\x05alice");
    by_hand.extend(alice.fingerprint().as_bytes());
    by_hand.extend(0_u64.to_be_bytes());
    by_hand.extend(key_id);
    by_hand.extend(key.signing.public().as_bytes());
    by_hand.extend(1_u32.to_be_bytes());
    by_hand.extend(&chain.chain);
    by_hand.extend(&chain.next_seed);
    by_hand.extend(end.to_be_bytes());
    assert!(by_hand == *shared.encode().unwrap(), "the library and the protocol write different histories");
    json!({
        "sender": "alice",
        "sender_fingerprint": hex(alice.fingerprint().as_bytes()),
        "epoch": 0,
        "key_id": hex(key_id),
        "signing_key": hex(key.signing.public().as_bytes()),
        "counter": 1,
        "chain": hex(&chain.chain),
        "next_seed": hex(&chain.next_seed),
        "end": end,
        "history": hex(&by_hand),
    })
}

/// One message with padding, under a key of its own.
fn padded(alice: &Identity, bob: &Identity) -> Value {
    let roster = group(alice, &[bob], RosterPolicy::default());
    let (mut story, mut script) = Story::new(&roster, "group vectors padded");
    let options = GroupSenderOptions { padding: Padding::Padme, ..GroupSenderOptions::default() };
    let mut sender = GroupSender::new(alice, &roster, options, NOW, &mut script).unwrap();
    story.rng = script;
    story.message(&mut sender, &roster, &"padded ".repeat(20), Padding::Padme, NOW + 1);
    json!({ "key": story.keys.remove(0), "message": story.messages.remove(0) })
}
