//! Frames of several connections, in any order, to the engine of a relay; and what its store could hand back to it.

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use sealwax::error::{Error, Result};
use sealwax::identity::Identity;
use sealwax::relay::{Record, RecordName, Relay, RelayOptions};
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::codec::{Put as _, Reader};
use sealwax::wire::envelope::Envelope;
use sealwax::wire::frame::{Body, Envelopes, Frame, Method, Users};
use sealwax::wire::roster::{Entry, Role};
use sealwax::wire::{Kind, put_prefix};

use crate::common::group::{Act, group, person};
use crate::common::relay::{direct_of, to_group};
use crate::lazy;
use crate::town::{Memory, NAME, Town, list};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const STEPS_MAX: usize = 128;
pub(crate) const OPTIONS: RelayOptions = RelayOptions {
    users_max: 6,
    groups_max: 2,
    queue_max: 12,
    queue_bytes_max: 16_384,
    queue_age_max_ms: 100_000,
    prekeys_per_hour: 2,
    sender_share_percent: 25,
    groups_per_user: 1,
    joins_per_hour: 2,
    requests_per_second: 10,
    requests_burst: 40,
    handshake_ms: 10_000,
    idle_ms: 90_000,
};

lazy!(PEOPLE: Vec<Identity> = NAMES.into_iter().map(person).collect());
lazy!(GROUP: [u8; 32] = *entries().0.group_id());
lazy!(pub(crate) ENTRIES: Vec<Vec<u8>> = entries().1);

/// The beginning of a group, and entries of which each epoch has several.
fn entries() -> (Roster, Vec<Vec<u8>>) {
    let [alice, bob, carol, dave] = &PEOPLE[..] else { unreachable!() };
    let roster = group(alice, &[bob], RosterPolicy { open: true, ..RosterPolicy::default() });
    let mut entries = vec![roster.log(0)];
    let mut after = |roster: &Roster, acts: &[(&Identity, Act<'_>)]| {
        let mut next = Vec::new();
        for (actor, act) in acts {
            let entry = act.propose(roster, actor).unwrap();
            let mut applied = Roster::open(&roster.log(0)).unwrap();
            applied.apply(&entry, 1).unwrap();
            entries.push(entry);
            next.push(applied);
        }
        next
    };
    let add = (alice, Act::Add(&[carol], Role::Admin));
    let first = after(&roster, &[add, (dave, Act::Join), (bob, Act::Leave), (alice, Act::Remove("bob"))]);
    let _second = after(&first[0], &[(carol, Act::Remove("bob")), (bob, Act::Leave), (alice, Act::Delete)]);
    let _other = after(&first[1], &[(dave, Act::Leave), (alice, Act::Delete)]);
    (roster, entries)
}

#[derive(Debug, Arbitrary)]
enum Step {
    Connect {
        at: u8,
        vouched: Option<u8>,
    },
    Hello {
        at: u8,
        user: u8,
        proof: bool,
        seen: u8,
        commit: u8,
        store: bool,
    },
    Proof {
        at: u8,
        user: u8,
    },
    Direct {
        at: u8,
        from: u8,
        to: u8,
        mark: u8,
        longer: u16,
    },
    ToGroup {
        at: u8,
        from: u8,
        mark: u8,
    },
    Many {
        at: u8,
        envelopes: Vec<(u8, u8, u8)>,
    },
    Commit {
        at: u8,
        which: u8,
    },
    Prekeys {
        at: u8,
        user: u8,
        one_time: u8,
    },
    Watch {
        at: u8,
        is_visible: bool,
    },
    Acknowledge {
        at: u8,
        sequence: u8,
    },
    Ask {
        at: u8,
        which: u8,
    },
    /// A frame of any type with any fields.
    Shaped {
        at: u8,
        kind: u8,
        request: u8,
        fields: Vec<u8>,
    },
    Noise {
        at: u8,
        bytes: Vec<u8>,
    },
    Disconnect {
        at: u8,
    },
    Wait {
        ms: u16,
    },
    Restart,
}

/// What the host knows of a connection.
#[derive(Default)]
struct Watched {
    number: u64,
    vouched: Option<&'static str>,
    /// The last hello, and the nonce that came back.
    hello: Vec<u8>,
    nonce: Option<[u8; 32]>,
    user: Option<String>,
    last: u64,
    has_ended: bool,
}

struct World {
    town: Town,
    connections: BTreeMap<u8, Watched>,
    last_number: u64,
    /// The one entry of each epoch of each group.
    settled: BTreeMap<([u8; 32], u64), Vec<u8>>,
}

fn name(user: u8) -> &'static str {
    NAMES[usize::from(user) % NAMES.len()]
}

/// A frame of any type with any fields.
pub(crate) fn shaped(kind: u8, request: u8, fields: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_prefix(&mut frame, Kind::Frame);
    frame.put_u8(kind);
    frame.put_u32(request.into());
    frame.put(fields);
    frame
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Connect { at, vouched } => self.connect(at % 5, vouched.map(name)),
            Step::Hello { at, user, proof, seen, commit, store } => {
                let method = if proof { Method::Proof } else { Method::Host };
                let memory = Memory { seen: seen.into(), commit: commit.into(), ..Memory::default() };
                let memory = if store { Memory { store_id: [9; 16], ..memory } } else { memory };
                let hello = self.town.hello(name(user), method, &memory);
                if let Some(watched) = self.connections.get_mut(&(at % 5)) {
                    watched.hello.clone_from(&hello);
                }
                self.frame(at, &hello);
            }
            Step::Proof { at, user } => {
                let Some(Watched { hello, nonce: Some(nonce), .. }) = self.connections.get(&(at % 5)) else {
                    return;
                };
                let (hello, nonce) = (hello.clone(), *nonce);
                let signature = self.town.proof(name(user), NAME, &nonce, &hello);
                self.body(at, Body::Proof { signature: &signature });
            }
            Step::Direct { at, from, to, mark, longer } => {
                let envelope = direct_of(name(from), name(to), mark.into(), usize::from(longer) % 8_192);
                self.body(at, Body::Send { commit: mark.into(), envelope: &envelope });
            }
            Step::ToGroup { at, from, mark } => {
                let envelope = to_group(name(from), &GROUP, mark.into());
                self.body(at, Body::Send { commit: 0, envelope: &envelope });
            }
            Step::Many { at, envelopes } => {
                let envelopes = envelopes.iter().map(|(from, to, mark)| match to % 5 {
                    4 => to_group(name(*from), &GROUP, (*mark).into()),
                    to => direct_of(name(*from), name(to), (*mark).into(), 0),
                });
                let envelopes: Vec<Vec<u8>> = envelopes.collect();
                let bytes = Envelopes::encode(envelopes.iter().map(Vec::as_slice)).unwrap();
                if !envelopes.is_empty() {
                    self.body(at, Body::SendMany { commit: 0, envelopes: list(&bytes) });
                }
            }
            Step::Commit { at, which } => {
                let entry = &ENTRIES[usize::from(which) % ENTRIES.len()];
                self.body(at, Body::Commit { commit: 0, entry });
            }
            Step::Prekeys { at, user, one_time } => {
                lazy!(BUNDLES: Vec<Vec<u8>> = bundles());
                let bundle = &BUNDLES[usize::from(user) % NAMES.len() * 2 + usize::from(one_time) % 2];
                self.body(at, Body::Prekeys { commit: 0, bundle });
            }
            Step::Watch { at, is_visible } => {
                let users = Users::encode(NAMES).unwrap();
                self.body(at, Body::Watch { is_visible, users: list(&users) });
            }
            Step::Acknowledge { at, sequence } => {
                let acknowledge = Body::Acknowledge { commit: 0, sequence: sequence.into() };
                self.frame(at, &Frame { request: 0, body: acknowledge }.to_bytes().unwrap());
            }
            Step::Ask { at, which } => {
                let body = match which % 6 {
                    0 => Body::Ping,
                    1 => Body::Find { label: "team" },
                    2 => Body::FetchLog { group_id: &GROUP, from_epoch: 0 },
                    3 => Body::FetchLog { group_id: &GROUP, from_epoch: 1 },
                    other => Body::Lookup { user: name(other) },
                };
                self.body(at, body);
            }
            Step::Shaped { at, kind, request, fields } => self.frame(at, &shaped(kind, request, &fields)),
            Step::Noise { at, bytes } => self.frame(at, &bytes),
            Step::Disconnect { at } => {
                if let Some(watched) = self.connections.remove(&(at % 5)) {
                    self.town.disconnect(watched.number);
                }
            }
            Step::Wait { ms } => {
                self.town.now_ms += u64::from(ms) * 4;
                self.town.tick();
            }
            Step::Restart => {
                self.town.restart();
                self.connections.clear();
            }
        }
        self.look();
        self.measure();
    }

    fn connect(&mut self, at: u8, vouched: Option<&'static str>) {
        if let Some(watched) = self.connections.get(&at) {
            assert!(self.town.connect(watched.number, vouched).is_err());
            return;
        }
        self.last_number += 1;
        let watched = Watched { number: self.last_number, vouched, ..Watched::default() };
        self.town.connect(watched.number, vouched).unwrap();
        self.connections.insert(at, watched);
    }

    fn body(&mut self, at: u8, body: Body<'_>) {
        self.frame(at, &Frame { request: 1, body }.to_bytes().unwrap());
    }

    fn frame(&mut self, at: u8, frame: &[u8]) {
        if let Some(watched) = self.connections.get(&(at % 5)) {
            self.town.receive(watched.number, frame);
        } else {
            assert!(self.town.relay.receive(u64::MAX, frame, self.town.now_ms).is_err());
        }
    }

    /// Looks at everything that arrived: each gets its own, in order, and everybody the same entries.
    fn look(&mut self) {
        for number in self.town.reached() {
            for frame in self.town.arrived(number) {
                let watched = self.connections.values_mut().find(|watched| watched.number == number);
                let watched = watched.expect("to a connection that there is");
                match Frame::parse(&frame).unwrap().body {
                    Body::Challenge { nonce, relay_name } => {
                        assert!(watched.user.is_none() && relay_name == NAME);
                        watched.nonce = Some(*nonce);
                    }
                    Body::Welcome(welcome) => {
                        assert!(watched.user.is_none());
                        let Body::Hello(hello) = Frame::parse(&watched.hello).unwrap().body else { panic!() };
                        let card = sealwax::identity::Card::parse(hello.card).unwrap();
                        match hello.method {
                            Method::Host => assert_eq!(watched.vouched, Some(card.user())),
                            Method::Proof => assert!(watched.nonce.is_some()),
                        }
                        watched.user = Some(card.user().to_owned());
                        watched.last = welcome.acknowledged;
                    }
                    Body::Error { .. } => {}
                    Body::Deliver { sequence, payload } => {
                        let user = watched.user.as_deref().expect("nothing before welcome");
                        assert!(sequence > watched.last, "in order");
                        watched.last = sequence;
                        if let Ok(envelope) = Envelope::parse(payload) {
                            assert!(envelope.recipient.is_none_or(|to| to == user));
                        } else {
                            self.settle(payload);
                        }
                    }
                    Body::QueueEnd => {
                        assert!(watched.user.is_some() && !watched.has_ended);
                        watched.has_ended = true;
                    }
                    Body::Log { entries } => {
                        let mut rest = entries;
                        while let Ok((entry, more)) = Entry::parse_first(rest) {
                            self.settle(entry.bytes);
                            rest = more;
                        }
                        assert!(rest.is_empty());
                    }
                    _ => assert!(watched.user.is_some()),
                }
            }
        }
    }

    /// The first entry of an epoch is the only one that anybody is given.
    fn settle(&mut self, bytes: &[u8]) {
        let entry = Entry::parse(bytes).unwrap();
        let group_id = match entry.fields.epoch {
            0 => *Roster::open(bytes).unwrap().group_id(),
            _ => *entry.fields.group_id,
        };
        let settled = self.settled.entry((group_id, entry.fields.epoch)).or_insert_with(|| bytes.to_vec());
        assert_eq!(settled, bytes, "two entries of one epoch");
    }

    /// Nothing grows beyond what the options say.
    fn measure(&self) {
        let (info, options) = (self.town.relay.info(), OPTIONS);
        let most = |of_one: usize| (of_one * options.users_max) as u64;
        assert!(info.users <= options.users_max as u64);
        assert!(info.groups <= options.groups_max as u64);
        assert!(info.queued <= most(options.queue_max), "{} queued", info.queued);
        assert!(info.queued_bytes <= most(options.queue_bytes_max), "{} bytes queued", info.queued_bytes);
        assert_eq!(info.connections, self.connections.len() as u64);
        assert!(info.online <= info.connections);
    }
}

/// Of everybody, with one-time prekeys and without.
fn bundles() -> Vec<Vec<u8>> {
    let bundle = |name: &&str, one_time: u32| {
        person(name).prekeys(&mut crate::common::ScriptedRandom::new(name), one_time, 1_000_000).unwrap()
    };
    NAMES.iter().flat_map(|name| [bundle(name, 0), bundle(name, 3)]).collect()
}

/// Frames of up to five connections, in any order.
pub fn relay(data: &[u8]) {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut world = World {
        town: Town::with(OPTIONS),
        connections: BTreeMap::new(),
        last_number: 0,
        settled: BTreeMap::new(),
    };
    steps.into_iter().take(STEPS_MAX).for_each(|step| world.step(step));
}

/// A name, a version, and a value where the version is not 0.
fn read_record<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, u64, Option<&'a [u8]>)> {
    let name = str::from_utf8(reader.bytes8(0..=255)?).map_err(|_| Error::Malformed)?;
    let (version, value) = (reader.u8()?.into(), reader.bytes16(0..=65_535)?);
    Ok((name, version, (version > 0).then_some(value)))
}

/// Records that a store gives back to a relay, of which it cannot know who else writes there.
pub fn relay_records(data: &[u8]) {
    let relay = Relay::new(OPTIONS).named(NAME).unwrap();
    let mut versions = BTreeMap::new();
    let mut reader = Reader::new(data);
    while let Ok((name, version, value)) = read_record(&mut reader) {
        if let Ok(parsed) = RecordName::parse(name) {
            assert_eq!(parsed.to_string(), name);
            assert_eq!(parsed.text_len(), name.len());
        }
        if relay.restore(name, value, version).is_ok() {
            versions.insert(name.to_owned(), version);
        }
    }
    let info = relay.info();
    assert!(info.users <= OPTIONS.users_max as u64 && info.groups <= OPTIONS.groups_max as u64);
    // It goes on from there, and replaces the versions that it was given.
    let mut seen = BTreeSet::new();
    let mut take = |outcome: &sealwax::relay::Outcome| {
        for Record { name, replaces, .. } in outcome.records() {
            let name = name.to_string();
            if seen.insert(name.clone())
                && let Some(version) = versions.get(&name)
            {
                assert_eq!(replaces, *version, "{name}");
            }
        }
    };
    for (connection, person) in (1..).zip(PEOPLE.iter()) {
        relay.connect(connection, Some(person.user()), 2_000_000).unwrap();
        let hello = sealwax::wire::frame::Hello {
            method: Method::Host,
            card: person.card().as_bytes(),
            store_id: &[1; 16],
            commit: 0,
            relay_id: &[0; 16],
            seen: 0,
        };
        let hello = Frame { request: 1, body: Body::Hello(hello) }.to_bytes().unwrap();
        take(&relay.receive(connection, &hello, 2_000_000).unwrap());
        let envelope = direct_of(person.user(), "bob", 1, 0);
        let send = Frame { request: 2, body: Body::Send { commit: 1, envelope: &envelope } };
        take(&relay.receive(connection, &send.to_bytes().unwrap(), 2_000_001).unwrap());
    }
    take(&relay.tick(2_000_100).unwrap().outcome);
}
