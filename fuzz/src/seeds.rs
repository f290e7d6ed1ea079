//! Seeds that only the library can make: states and records of those whom the targets know.

use std::fs;

use sealwax::group::GroupReceiverOptions;
use sealwax::session::{Level, SessionOptions};
use sealwax::wire::codec::Put as _;
use sealwax::wire::frame::Body;

use crate::circle::{Circle, Options};
use crate::common::ScriptedRandom;
use crate::common::group::{Act, person};
use crate::common::relay::direct;
use crate::pair::{START, Side};
use crate::relay;
use crate::replay::corpus;
use crate::town::Town;

fn write(target: &str, name: &str, bytes: &[u8]) {
    fs::create_dir_all(corpus(target)).unwrap();
    fs::write(corpus(target).join(format!("seed-{name}")), bytes).unwrap();
}

fn record(name: &str, version: u64, value: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    record.put_bytes8(name.as_bytes()).unwrap();
    record.put_u8(u8::try_from(version).unwrap());
    record.put_bytes16(value).unwrap();
    record
}

#[test]
#[ignore = "writes into the corpora"]
fn records_of_a_relay_become_seeds() {
    let mut town = Town::with(relay::OPTIONS);
    town.gather(&["alice", "bob"]);
    let prekeys = person("alice").prekeys(&mut ScriptedRandom::new("prekeys"), 2, 1_000_000).unwrap();
    town.send(1, 2, Body::Prekeys { commit: 1, bundle: &prekeys });
    town.send(1, 3, Body::Commit { commit: 2, entry: &relay::ENTRIES[0] });
    town.send(1, 4, Body::Commit { commit: 3, entry: &relay::ENTRIES[1] });
    town.send(2, 5, Body::Lookup { user: "alice" });
    town.disconnect(2);
    town.send(1, 6, Body::Send { commit: 4, envelope: &direct("alice", "bob", 1) });
    let records: Vec<Vec<u8>> =
        town.store.0.iter().map(|(name, (value, version))| record(name, *version, value)).collect();
    write("relay_records", "all", &records.concat());
    for (number, record) in records.iter().enumerate() {
        write("relay_records", &number.to_string(), record);
    }
}

fn side(user: &str, hidden_header: bool) -> Side {
    let options = SessionOptions { hidden_header, ..SessionOptions::default() };
    let (identity, rng) = (person(user), ScriptedRandom::new(user));
    Side { identity, session: None, options, rng, now: START }
}

#[test]
#[ignore = "writes into the corpora"]
fn states_become_seeds() {
    let mut alice = person("alice");
    write("identity_state", "new", &alice.export().unwrap());
    let bundle = alice.prekeys(&mut ScriptedRandom::new("prekeys"), 2, START).unwrap();
    write("identity_state", "prekeys", &alice.export().unwrap());
    write("prekeys", "alice", &bundle);
    write("card", "two", &[alice.card().as_bytes(), person("bob").card().as_bytes()].concat());

    for (name, hidden, level) in [("plain", false, Level::Signed), ("hidden", true, Level::OneTime)] {
        let (mut alice, mut bob) = (side("alice", hidden), side("bob", hidden));
        alice.initiate(&mut bob, level);
        write("session_state", &format!("{name}-first"), &alice.session().export(0).unwrap());
        let first = alice.send("one");
        bob.read(&first);
        let answers: Vec<Vec<u8>> = (0..4).map(|_| bob.send("answer")).collect();
        alice.read(&answers[1]);
        alice.read(&answers[3]);
        write("session_state", &format!("{name}-skipped"), &alice.session().export(0).unwrap());
        bob.initiate(&mut alice, level);
        let crossing = bob.send("crossing");
        alice.read(&crossing);
        write("session_state", &format!("{name}-crossing"), &alice.session().export(0).unwrap());
        write("identity_state", &format!("{name}-used"), &alice.identity.export().unwrap());
    }

    let receiver = GroupReceiverOptions { retain_history: true, ..GroupReceiverOptions::default() };
    let mut circle = Circle::with(&["alice", "bob"], Options { receiver, ..Options::default() });
    write("sender_state", "new", &circle.get("alice").sender.export(0).unwrap());
    write("receiver_state", "new", &circle.get("alice").state());
    circle.send_many("alice", 3);
    let messages = circle.send_many("bob", 6);
    for at in [1, 4, 5] {
        circle.read("alice", &messages[at]).unwrap();
    }
    write("sender_state", "used", &circle.get("alice").sender.export(0).unwrap());
    write("receiver_state", "skipped", &circle.get("alice").state());
    circle.rotate("bob");
    circle.distribute("bob");
    circle.rotate("alice");
    circle.distribute("alice");
    write("sender_state", "rotated", &circle.get("alice").sender.export(0).unwrap());
    write("receiver_state", "rotated", &circle.get("alice").state());
    let log = circle.get("alice").roster.log(0);
    let removal = circle.change("alice", Act::Remove("bob"));
    write("receiver_state", "removed", &circle.get("alice").state());
    write("roster_log", "closed", &log);
    write("roster_log", "removal", &removal);
}
