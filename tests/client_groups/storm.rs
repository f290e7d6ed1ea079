//! People who write, come, go, lose connections and crash, in an order that a seed decides.

use std::collections::BTreeMap;

use sealwax::client::{GroupEvent, GroupId, MessageId};
use sealwax::error::Error;
use sealwax::wire::content::ContentType;
use sealwax::wire::roster::Role;

use crate::bed::Bed;
use crate::common::disk::Death;

/// Members from the beginning to the end.
const STAY: [&str; 3] = ["alice", "bob", "carol"];
/// Members now and then.
const VISIT: [&str; 2] = ["dave", "erin"];
const STEPS: usize = 60;

struct Storm {
    bed: Bed,
    group: GroupId,
    state: u64,
    /// Texts by message id, with their senders, in the order of the calls.
    said: Vec<(String, MessageId, String)>,
    online: BTreeMap<String, bool>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let everybody: Vec<&str> = STAY.iter().chain(&VISIT).copied().collect();
        let mut bed = Bed::of(&everybody);
        let group = bed.found("alice", "storm", &["bob", "carol"]);
        let online = everybody.iter().map(|name| (name.to_string(), true)).collect();
        Self { bed, group, state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, said: Vec::new(), online }
    }

    fn draw(&mut self, below: u64) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from((self.state >> 11) % below).unwrap()
    }

    fn anybody(&mut self) -> &'static str {
        let at = self.draw(5);
        STAY.iter().chain(&VISIT).nth(at).unwrap()
    }

    fn say(&mut self, name: &str) {
        let text = format!("{name} {}", self.said.len());
        let (group, now_ms) = (self.group, self.bed.now_ms);
        let client = self.bed.client(name);
        match client.send_group(&group, ContentType::Text, text.as_bytes(), false, now_ms) {
            Ok(id) => self.said.push((name.into(), id, text)),
            Err(Error::UnknownGroup | Error::NotAMember | Error::StoreIo) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn change(&mut self, adds: bool) {
        let visitor = VISIT[self.draw(2)];
        let (group, now_ms) = (self.group, self.bed.now_ms);
        let alice = self.bed.client("alice");
        let asked = if adds {
            alice.add_members(&group, &[visitor], Role::Member, now_ms)
        } else {
            alice.remove_member(&group, visitor, now_ms)
        };
        assert!(matches!(asked, Ok(_) | Err(Error::StoreIo)));
    }

    fn switch(&mut self, name: &str, online: bool) {
        if self.bed.client(name).pending().is_err() {
            self.bed.crash(name);
            self.online.insert(name.into(), false);
        }
        let before = self.online.insert(name.into(), online).unwrap();
        if before && !online {
            self.bed.disconnect(name);
        } else if !before && online {
            self.bed.connect(name);
        }
    }

    fn step(&mut self) {
        let name = self.anybody();
        match self.draw(12) {
            0..=4 => self.say(name),
            5 => self.change(true),
            6 => self.change(false),
            7 => {
                let online = self.online[name];
                self.switch(name, !online);
            }
            8 => {
                let (commit, death) = (self.draw(4), [Death::Before, Death::After][self.draw(2)]);
                self.bed.person(name).disk.die_at(commit, death);
            }
            9 => {
                // What it sends does not arrive.
                while let Ok(Some(_)) = self.bed.client(name).next_frame() {}
                self.switch(name, false);
            }
            10 => {
                // What is sent to it does not arrive.
                if self.online[name] && self.bed.up(name).is_ok() {
                    self.switch(name, false);
                }
            }
            _ => {
                let ms = [1, 1_000, 10_000, 200_000][self.draw(4)];
                self.pass(ms);
            }
        }
        if self.draw(3) > 0 {
            self.run();
        }
    }

    /// A bed connects whoever crashes.
    fn run(&mut self) {
        self.bed.run();
        let names: Vec<String> = self.online.keys().cloned().collect();
        for name in names {
            if !self.online[&name] && self.bed.client(&name).info().contains("\"connected\":true") {
                self.online.insert(name, true);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.run();
        self.bed.pass(ms);
        self.run();
    }

    fn calm(&mut self) {
        for name in STAY.iter().chain(&VISIT) {
            self.bed.person(name).disk.spare();
        }
        self.run();
        for name in STAY.iter().chain(&VISIT) {
            self.switch(name, false);
        }
        for name in STAY.iter().chain(&VISIT) {
            self.switch(name, true);
        }
        self.pass(7_200_000);
    }

    fn check(&mut self, seed: u64) {
        let group = self.group;
        self.bed.assert_no_key_twice();
        let members = self.bed.members("alice", &group);
        for name in STAY {
            assert_eq!(self.bed.members(name, &group), members, "seed {seed}: {name}");
        }
        for name in members {
            assert_eq!(self.bed.client(&name).groups().unwrap(), [group], "seed {seed}: {name}");
        }
        for (sender, id, text) in &self.said.clone() {
            let sent = self.bed.person(sender).sent(id);
            // Its client died before it was stored, or its sender was removed before the relay could answer.
            let is_open = sent.is_empty() || sent == [Err(Error::NotAMember)];
            assert!(sent.len() <= 1, "seed {seed}: {text} {sent:?}");
            for reader in STAY.iter().filter(|reader| *reader != sender) {
                let heard = self.bed.person(reader).heard_of(sender);
                let count = heard.iter().filter(|heard| *heard == text).count();
                let expected = usize::from(sent == [Ok(())]);
                assert!(
                    count == expected || (is_open && count <= 1),
                    "seed {seed}: {reader} read {text} {count} times, sent {sent:?}: {:?}",
                    self.bed.person(reader).happened()
                );
            }
        }
        for reader in STAY.iter().chain(&VISIT) {
            for sender in STAY.iter().chain(&VISIT).filter(|sender| *sender != reader) {
                let heard = self.bed.person(reader).heard_of(sender);
                let mut order = self.said.iter().map(|(_, _, text)| text);
                let in_order = heard.iter().all(|text| order.any(|said| said == text));
                assert!(in_order, "seed {seed}: {reader} read of {sender} {heard:?}");
            }
        }
        let lost = |event: &&GroupEvent| matches!(event, GroupEvent::Unreadable { .. });
        for name in STAY {
            let told = self.bed.person(name).group_events().into_iter().filter(lost).count();
            assert_eq!(told, 0, "seed {seed}: {name} {:?}", self.bed.person(name).happened());
        }
    }
}

#[test]
fn nothing_is_lost_or_shown_twice_whatever_happens() {
    let from: u64 = std::env::var("SEALWAX_SEED").map_or(0, |seed| seed.parse().unwrap());
    let count: u64 = std::env::var("SEALWAX_SEEDS").map_or(20, |seeds| seeds.parse().unwrap());
    for seed in from..from + count {
        let mut storm = Storm::new(seed);
        for _ in 0..STEPS {
            storm.step();
        }
        storm.calm();
        storm.check(seed);
    }
}
