//! What was stored by an earlier version goes on in this one: sealed states, stores of clients, records of a relay.
//!
//! `tests/fixtures/` was written by the version in its names, by `SEALWAX_WRITE_FIXTURES=1 cargo test --test stored`. A
//! format that changes gets a new version beside the old one, which stays.
#![cfg(feature = "store")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use common::abi::client::{Client, Event};
use common::abi::post::{Post, Records};
use common::abi::{GroupReceiver, GroupSender, Identity, Roster, Session, alone};
use common::vectors::hex;
use sealwax::crypto::rng::SystemRandom;
use sealwax::ffi::event::*;
use sealwax::ffi::status::*;
use sealwax::store::{Changes, Name, Store};
use sealwax::stream::{Open, Seal};
use sealwax::wire::attachment::{ChunkSize, HEADER_LEN};
use serde_json::{Map, Value};

const NOW: u64 = 1_800_000_000_000;
/// When what was stored is opened.
const LATER: u64 = NOW + 86_400_000;
const KEY: [u8; 32] = [7; 32];
/// What is attached: more than two chunks.
const FILE: &[u8] = &[0x5a; 9_000];
/// The record of a client that holds what the client itself counts.
const SETTINGS: u8 = 1;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn writes() -> bool {
    env::var_os("SEALWAX_WRITE_FIXTURES").is_some_and(|value| value == "1")
}

fn write(name: &str, objects: Map<String, Value>) {
    fs::create_dir_all(fixture(name).parent().unwrap()).unwrap();
    fs::write(fixture(name), serde_json::to_string_pretty(&objects).unwrap() + "\n").unwrap();
}

/// Bytes by name.
fn read(name: &str) -> BTreeMap<String, Vec<u8>> {
    let objects: BTreeMap<String, String> =
        serde_json::from_str(&fs::read_to_string(fixture(name)).unwrap()).unwrap();
    let bytes = |digits: &str| {
        let pairs = digits.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    objects.into_iter().map(|(name, digits)| (name, bytes(&digits))).collect()
}

/// A directory of its own that goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("sealwax-stored-{}-{test}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    /// A copy of a stored file.
    fn copy(&self, name: &str) -> String {
        let path = self.path(name);
        fs::copy(fixture("client").join(name), &path).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Two who have written to each other and to their group; nobody has read `last` and `group_last`.
fn write_states() {
    let (alice, bob) = (Identity::new("alice", NOW), Identity::new("bob", NOW));
    let prekeys = bob.prekeys(3, NOW).unwrap();
    let to_bob = Session::initiate(&alice, &bob.card(), &prekeys, NOW).unwrap();
    let first = to_bob.encrypt(b"first", NOW).unwrap();
    let to_alice = Session::accept(&bob, &first, NOW).unwrap();
    to_alice.decrypt(&first, NOW).unwrap();
    to_bob.decrypt(&to_alice.encrypt(b"second", NOW).unwrap(), NOW).unwrap();
    let roster = Roster::new(&alice, &[&bob], NOW);
    let sender = GroupSender::new(&alice, &roster, "", NOW).unwrap();
    let receiver = GroupReceiver::new(&bob, &roster, r#"{"retain_history":true}"#, NOW).unwrap();
    let distribution = sender.distribute(&to_bob, NOW).unwrap();
    receiver.install(&to_alice, &distribution, NOW).unwrap();
    let (skipped, read) = (sender.encrypt(b"skipped", NOW).unwrap(), sender.encrypt(b"read", NOW).unwrap());
    receiver.decrypt(&read, NOW).unwrap();
    let (last, group_last) =
        (to_bob.encrypt(b"last", NOW).unwrap(), sender.encrypt(b"group last", NOW).unwrap());
    let objects = [
        ("identity_alice", alice.export(&KEY).unwrap()),
        ("identity_bob", bob.export(&KEY).unwrap()),
        ("card_alice", alice.card()),
        ("card_bob", bob.card()),
        ("prekeys_bob", prekeys),
        ("session_alice", to_bob.export(&KEY, 0).unwrap()),
        ("session_bob", to_alice.export(&KEY, 0).unwrap()),
        ("roster", roster.log(0)),
        ("sender_alice", sender.export(&KEY, 0).unwrap()),
        ("receiver_bob", receiver.export(&KEY).unwrap()),
        ("first", first),
        ("last", last),
        ("group_skipped", skipped),
        ("group_last", group_last),
    ];
    write("sealed/v1.json", objects.into_iter().map(|(name, bytes)| (name.into(), hex(bytes))).collect());
}

#[test]
fn sealed_states_go_on() {
    alone(|| {
        if writes() {
            write_states();
        }
        let stored = read("sealed/v1.json");
        let identity = |name: &str| Identity::import(&KEY, &stored[&format!("identity_{name}")]).unwrap();
        let (alice, bob) = (identity("alice"), identity("bob"));
        assert_eq!((&alice.card(), &bob.card()), (&stored["card_alice"], &stored["card_bob"]));
        let to_bob = Session::import(&alice, &KEY, &stored["session_alice"]).unwrap();
        let to_alice = Session::import(&bob, &KEY, &stored["session_bob"]).unwrap();
        assert_eq!(Session::accept(&bob, &stored["first"], LATER).err(), Some(SEALWAX_REPLAY));
        assert_eq!(to_alice.decrypt(&stored["last"], LATER).unwrap(), b"last");
        let answer = to_alice.encrypt(b"answer", LATER).unwrap();
        assert_eq!(to_bob.decrypt(&answer, LATER).unwrap(), b"answer");

        let roster = Roster::open(&stored["roster"]).unwrap();
        let sender = GroupSender::import(&alice, &roster, &KEY, &stored["sender_alice"]).unwrap();
        let receiver = GroupReceiver::import(&bob, &roster, &KEY, &stored["receiver_bob"]).unwrap();
        let mut texts = Vec::new();
        for message in
            [&stored["group_last"], &stored["group_skipped"], &sender.encrypt(b"more", LATER).unwrap()]
        {
            texts.push(String::from_utf8(receiver.decrypt(message, LATER).unwrap()).unwrap());
        }
        assert_eq!(texts, ["group last", "skipped", "more"]);

        // The prekeys that were handed out then are taken now.
        let carol = Identity::new("carol", LATER);
        let other = Session::initiate(&carol, &stored["card_bob"], &stored["prekeys_bob"], LATER);
        // Alice has used the first one-time prekey of this bundle.
        let first = other.unwrap().encrypt(b"hello", LATER).unwrap();
        assert_eq!(Session::accept(&bob, &first, LATER).err(), Some(SEALWAX_UNKNOWN_PREKEY));
    });
}

/// Bytes of hex in what a function describes.
fn unhex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A sealed file of several chunks, and its reference.
fn attachment(has_digest: bool) -> (Vec<u8>, Vec<u8>) {
    let rng = &mut SystemRandom;
    let mut seal = Seal::new(ChunkSize::from_bytes(4_096).unwrap(), has_digest, rng).unwrap();
    let mut file = seal.header().to_vec();
    let mut out = vec![0; seal.update_len(FILE.len()).unwrap()];
    seal.update(FILE, rng, &mut out).unwrap();
    file.extend(out);
    let mut out = vec![0; seal.finish_len().unwrap()];
    seal.finish(rng, &mut out).unwrap();
    file.extend(out);
    (file, seal.reference().unwrap().to_vec())
}

/// What was sent and not received when everything was stored: under hidden headers and out of order, both sides at once,
/// keys, history, entries of a roster and attachments.
fn write_transit() {
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|user| Identity::new(user, NOW));
    let hidden = r#"{"hidden_header":true,"padding":"padme"}"#;
    let to_bob =
        Session::initiate_with(&alice, &bob.card(), &bob.prekeys(1, NOW).unwrap(), hidden, NOW).unwrap();
    let first = to_bob.encrypt(b"first", NOW).unwrap();
    let to_alice = Session::accept_with(&bob, &first, hidden, NOW).unwrap();
    to_alice.decrypt(&first, NOW).unwrap();
    to_bob.decrypt(&to_alice.encrypt(b"answer", NOW).unwrap(), NOW).unwrap();
    let late = to_bob.encrypt(b"late", NOW).unwrap();
    to_alice.decrypt(&to_bob.encrypt(b"in time", NOW).unwrap(), NOW).unwrap();

    let bundle = |of: &Identity| of.prekeys(1, NOW).unwrap();
    let bob_to_carol = Session::initiate(&bob, &carol.card(), &bundle(&carol), NOW).unwrap();
    let carol_to_bob = Session::initiate(&carol, &bob.card(), &bundle(&bob), NOW).unwrap();
    let from_bob = bob_to_carol.encrypt(b"from bob", NOW).unwrap();
    let from_carol = carol_to_bob.encrypt(b"from carol", NOW).unwrap();

    let roster = Roster::new(&alice, &[&bob], NOW);
    let sender = GroupSender::new(&alice, &roster, "", NOW).unwrap();
    let receiver = GroupReceiver::new(&bob, &roster, r#"{"retain_history":true}"#, NOW).unwrap();
    receiver.install(&to_alice, &sender.distribute(&to_bob, NOW).unwrap(), NOW).unwrap();
    let old = sender.encrypt(b"before carol", NOW).unwrap();
    receiver.decrypt(&old, NOW).unwrap();
    let old_key = unhex(&sender.info()["key_id"]);
    roster.apply(&roster.add(&alice, &carol.card(), 1).unwrap()).unwrap();
    sender.rotate(NOW).unwrap();
    let distribution = sender.distribute(&to_bob, NOW).unwrap();
    let fresh = sender.encrypt(b"after carol", NOW).unwrap();
    // Bob has the next key of Alice, so that the one before is his to share.
    let bobs = GroupReceiver::import(&bob, &roster, &KEY, &receiver.export(&KEY).unwrap()).unwrap();
    let sessions = [to_bob.export(&KEY, 0).unwrap(), to_alice.export(&KEY, 0).unwrap()];
    bobs.install(&to_alice, &distribution, NOW).unwrap();
    let sharing = Session::initiate(&bob, &carol.card(), &bundle(&carol), NOW).unwrap();
    let history = bobs.share_history(&sharing, "alice", &old_key, 0, NOW).unwrap();
    let archive = GroupReceiver::new(&carol, &roster, r#"{"history":true}"#, NOW).unwrap();
    let empty_archive = archive.export(&KEY).unwrap();
    let shared = Session::accept(&carol, &history, NOW).unwrap();
    let before_history = shared.export(&KEY, 0).unwrap();
    archive.install(&shared, &history, NOW).unwrap();

    let fork = Roster::open(&roster.log(0)).unwrap();
    let one = fork.remove(&alice, "carol").unwrap();
    let other = fork.role(&alice, "bob", 2).unwrap();
    fork.apply(&one).unwrap();
    assert_eq!(fork.apply(&other), Err(SEALWAX_ROSTER_FORKED));
    let resolve = fork.resolve(&alice, &unhex(&fork.info()["hash"])).unwrap();
    let (file, reference) = attachment(true);
    let (plain_file, plain_reference) = attachment(false);
    let [session_alice, session_bob] = sessions;
    let objects = [
        ("identity_alice", alice.export(&KEY).unwrap()),
        ("identity_bob", bob.export(&KEY).unwrap()),
        ("identity_carol", carol.export(&KEY).unwrap()),
        ("session_alice", session_alice),
        ("session_bob", session_bob),
        ("late", late),
        ("session_bob_carol", bob_to_carol.export(&KEY, 0).unwrap()),
        ("session_carol_bob", carol_to_bob.export(&KEY, 0).unwrap()),
        ("from_bob", from_bob),
        ("from_carol", from_carol),
        ("roster", roster.log(0)),
        ("sender_alice", sender.export(&KEY, 0).unwrap()),
        ("receiver_bob", receiver.export(&KEY).unwrap()),
        ("distribution", distribution),
        ("fresh", fresh),
        ("old", old),
        ("session_history", before_history),
        ("history", history),
        ("archive_empty", empty_archive),
        ("archive_full", archive.export(&KEY).unwrap()),
        ("entry_remove", one),
        ("log_forked", fork.log(0)),
        ("entry_resolve", resolve),
        ("file", file),
        ("reference", reference),
        ("file_without_digest", plain_file),
        ("reference_without_digest", plain_reference),
    ];
    write(
        "sealed/transit-v1.json",
        objects.into_iter().map(|(name, bytes)| (name.into(), hex(bytes))).collect(),
    );
}

#[test]
fn what_was_on_its_way_arrives() {
    alone(|| {
        if writes() {
            write_transit();
        }
        let stored = read("sealed/transit-v1.json");
        let identity = |name: &str| Identity::import(&KEY, &stored[&format!("identity_{name}")]).unwrap();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(identity);
        let session = |of: &Identity, name: &str| Session::import(of, &KEY, &stored[name]).unwrap();

        // Hidden headers, and a key that was kept for a message out of order.
        let (to_bob, to_alice) = (session(&alice, "session_alice"), session(&bob, "session_bob"));
        assert_eq!(to_alice.info()["inner"][0]["skipped_keys"], 1);
        assert_eq!(to_alice.decrypt(&stored["late"], LATER).unwrap(), b"late");
        assert_eq!(to_alice.decrypt(&stored["late"], LATER).err(), Some(SEALWAX_DUPLICATE));
        let answer = to_alice.encrypt(b"hidden still", LATER).unwrap();
        assert_eq!(to_bob.decrypt(&answer, LATER).unwrap(), b"hidden still");

        // Both began at once.
        let bobs = session(&bob, "session_bob_carol");
        let carols = session(&carol, "session_carol_bob");
        assert_eq!(bobs.decrypt(&stored["from_carol"], LATER).unwrap(), b"from carol");
        assert_eq!(carols.decrypt(&stored["from_bob"], LATER).unwrap(), b"from bob");
        for (from, to) in [(&bobs, &carols), (&carols, &bobs)] {
            assert_eq!(to.decrypt(&from.encrypt(b"agreed", LATER).unwrap(), LATER).unwrap(), b"agreed");
        }

        // A key for the group, and what was sent under it.
        let roster = Roster::open(&stored["roster"]).unwrap();
        let sender = GroupSender::import(&alice, &roster, &KEY, &stored["sender_alice"]).unwrap();
        let receiver = GroupReceiver::import(&bob, &roster, &KEY, &stored["receiver_bob"]).unwrap();
        assert_eq!(receiver.decrypt(&stored["fresh"], LATER).err(), Some(SEALWAX_UNKNOWN_KEY));
        receiver.install(&to_alice, &stored["distribution"], LATER).unwrap();
        assert_eq!(receiver.decrypt(&stored["fresh"], LATER).unwrap(), b"after carol");

        // History, shared and not yet read, or read.
        for name in ["archive_empty", "archive_full"] {
            let archive = GroupReceiver::import(&carol, &roster, &KEY, &stored[name]).unwrap();
            if name == "archive_empty" {
                let shared = session(&carol, "session_history");
                archive.install(&shared, &stored["history"], LATER).unwrap();
            }
            assert_eq!(archive.decrypt(&stored["old"], LATER).unwrap(), b"before carol", "{name}");
        }

        // Entries, and a log with two histories.
        roster.apply(&stored["entry_remove"]).unwrap();
        assert_eq!(sender.encrypt(b"?", LATER).err(), Some(SEALWAX_ROTATION_REQUIRED));
        let forked = Roster::open(&stored["log_forked"]).unwrap();
        assert_eq!(forked.info()["forked"], true);
        forked.apply(&stored["entry_resolve"]).unwrap();
        assert_eq!(forked.info()["forked"], false);
        assert!(forked.members().iter().all(|(user, ..)| user != "carol"));
    });
}

#[test]
fn attachments_open() {
    let stored = read("sealed/transit-v1.json");
    for (of, has_digest) in [("", true), ("_without_digest", false)] {
        let (file, reference) = (&stored[&format!("file{of}")], &stored[&format!("reference{of}")]);
        let (header, sealed) = file.split_at(HEADER_LEN);
        let mut open = Open::new(reference, header, has_digest).unwrap();
        let mut out = vec![0; open.update_len(sealed.len()).unwrap()];
        open.update(sealed, &mut out).unwrap();
        open.finish().unwrap();
        assert!(out == FILE, "{of}");
    }
}

/// Alice and Bob know each other and have a group. Bob has not confirmed the last messages; a message of Alice to him,
/// one to the group and one to Carol, whom nobody knows, wait for a connection.
fn write_clients() {
    let directory = Directory::new("write");
    let mut post = Post::new("relay");
    let options = r#"{"acks":true,"retain_history":true}"#;
    let client = |name: &str| Client::create(name, &directory.path(name), &KEY, options, NOW).unwrap();
    let (alice, bob) = (client("alice"), client("bob"));
    let people = [("alice", &alice), ("bob", &bob)];
    for (name, client) in people {
        post.connect(name, client, "relay", NOW);
    }
    post.run(&people, NOW);
    bob.send("alice", "hello", NOW).unwrap();
    alice.create_group("team", &["bob"], 0, NOW).unwrap();
    post.run(&people, NOW);
    let group = group_of(&alice);
    bob.send_group(&group, "I am here", NOW).unwrap();
    post.run(&people, NOW);
    for (_, client) in people {
        client.texts().unwrap();
    }
    alice.send("bob", "seen, not confirmed", NOW).unwrap();
    alice.send_group(&group, "likewise", NOW).unwrap();
    post.run(&people, NOW);
    for (name, client) in people {
        post.disconnect(name, NOW);
        client.disconnected(NOW).unwrap();
    }
    alice.send("bob", "waits", NOW).unwrap();
    alice.send_group(&group, "waits for all", NOW).unwrap();
    alice.send("carol", "waits for nobody", NOW).unwrap();

    let _ = fs::create_dir_all(fixture("client"));
    for (name, client) in people {
        let path = fixture("client").join(format!("{name}-v1.sqlite"));
        let _ = fs::remove_file(&path);
        client.backup(path.to_str().unwrap()).unwrap();
    }
    let records =
        post.records.iter().map(|(name, (value, version))| (format!("{version} {name}"), hex(value)));
    write("relay/v1.json", records.collect());
}

fn group_of(client: &Client) -> Vec<u8> {
    client.groups().unwrap().remove(0)
}

fn relay_records() -> Records {
    let stored = read("relay/v1.json").into_iter();
    let record = |(name, value): (String, Vec<u8>)| {
        let (version, name) = name.split_once(' ').unwrap();
        (name.to_owned(), (value, version.parse().unwrap()))
    };
    stored.map(record).collect()
}

/// The messages among some events, with their senders, and whether they came before.
fn messages(events: &[Event]) -> Vec<(String, String, bool)> {
    let is_message =
        |event: &&Event| [SEALWAX_EVENT_MESSAGE, SEALWAX_EVENT_GROUP_MESSAGE].contains(&event.fields().kind);
    let messages = events.iter().filter(is_message).map(|event| {
        let again = event.fields().flags & SEALWAX_EVENT_FLAG_AGAIN != 0;
        (event.user(), String::from_utf8(event.payload()).unwrap(), again)
    });
    messages.collect()
}

#[test]
fn clients_and_their_relay_go_on() {
    alone(|| {
        if writes() {
            write_clients();
        }
        let directory = Directory::new("go-on");
        let mut post = Post::restored("relay", relay_records());
        let options = r#"{"acks":true,"retain_history":true}"#;
        let open = |name: &str| Client::open(&directory.copy(name), &KEY, options, LATER).unwrap();
        let (alice, bob) = (open("alice-v1.sqlite"), open("bob-v1.sqlite"));
        let people = [("alice", &alice), ("bob", &bob)];
        let group = group_of(&alice);
        assert_eq!(group, group_of(&bob));
        assert_eq!(alice.group_info(&group).unwrap()["members"].as_array().unwrap().len(), 2);
        assert_eq!(alice.safety_number("bob").unwrap(), bob.safety_number("alice").unwrap());
        assert_eq!(alice.info()["outbox"], 3);
        let told = |text: &str, again| ("alice".to_owned(), text.to_owned(), again);
        let again = bob.events().unwrap();
        assert_eq!(messages(&again), [told("seen, not confirmed", true), told("likewise", true)]);

        for (name, client) in people {
            post.connect(name, client, "relay", LATER);
        }
        post.run(&people, LATER);
        let came = bob.events().unwrap();
        assert!(came.iter().all(|event| event.fields().flags & SEALWAX_EVENT_FLAG_RESTORED == 0));
        let mut came = messages(&came);
        came.sort();
        assert_eq!(came, [told("waits", false), told("waits for all", false)]);
        let failed = alice.events().unwrap();
        let failed: Vec<_> =
            failed.iter().filter(|event| event.fields().kind == SEALWAX_EVENT_FAILED).collect();
        assert_eq!((failed.len(), failed[0].fields().status), (1, SEALWAX_UNKNOWN_USER));

        bob.send("alice", "and back", LATER).unwrap();
        bob.send_group(&group, "and to all", LATER).unwrap();
        post.run(&people, LATER);
        let mut back = messages(&alice.events().unwrap());
        back.sort();
        let told = |text: &str| ("bob".to_owned(), text.to_owned(), false);
        assert_eq!(back, [told("and back"), told("and to all")]);
        for (_, client) in people {
            let info = client.info();
            assert_eq!((&info["dropped"], &info["unreadable"]), (&0.into(), &0.into()));
            assert_eq!((&info["outbox"], &info["restorations"]), (&0.into(), &0.into()));
        }
    });
}

#[test]
fn what_a_later_version_wrote_is_refused_and_left_alone() {
    alone(|| {
        let directory = Directory::new("later");
        let path = directory.copy("alice-v1.sqlite");
        // A later format of records in the same schema.
        let mut store = Store::open(Path::new(&path), &KEY, &mut SystemRandom).unwrap();
        let mut settings = store.get(&Name::new(SETTINGS)).unwrap().unwrap().to_vec();
        settings[0] = 200;
        let mut changes = Changes::new();
        changes.put(Name::new(SETTINGS), settings);
        store.commit(&mut SystemRandom, &changes).unwrap();
        drop(store);
        let before = fs::read(&path).unwrap();
        assert_eq!(Client::open(&path, &KEY, "", LATER).err(), Some(SEALWAX_STORE_NEWER));
        assert!(fs::read(&path).unwrap() == before, "changed");

        // A later schema.
        let path = directory.copy("bob-v1.sqlite");
        rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
        let before = fs::read(&path).unwrap();
        assert_eq!(Client::open(&path, &KEY, "", LATER).err(), Some(SEALWAX_STORE_NEWER));
        assert!(fs::read(&path).unwrap() == before, "changed");
        assert_eq!(
            Client::open(&directory.copy("bob-v1.sqlite"), &[8; 32], "", LATER).err(),
            Some(SEALWAX_STORE_WRONG_KEY)
        );
    });
}
