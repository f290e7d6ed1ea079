//! A relay and a member who cheat together: the member signs two histories of a group, and the relay shows one of them to
//! some, and the other to everybody else. Who reads what was sealed in the other one has to be told.

use std::collections::{BTreeMap, BTreeSet};

use sealwax::client::GroupId;
use sealwax::limits::CLIENT_DISPUTE_MS;
use sealwax::roster::Roster;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::roster::{Entry, Role};

use crate::hostile_member::MALLORY;
use crate::world::{MINUTE_MS, World, who_is};

/// What a relay shows to some.
pub(crate) struct Split {
    circle: usize,
    group: GroupId,
    /// The first entry that is not the same for all.
    epoch: u64,
    other: Vec<u8>,
    pub(crate) victims: BTreeSet<usize>,
}

/// Who was shown what another history than its own stands behind, and since when.
#[derive(Default)]
pub(crate) struct Evidence(BTreeMap<(usize, usize), u64>);

impl Evidence {
    pub(crate) fn note(&mut self, who: usize, circle: usize, now_ms: u64) {
        self.0.entry((who, circle)).or_insert(now_ms);
    }

    /// A client that is opened anew knows of it once it reads more.
    pub(crate) fn forget(&mut self, who: usize) {
        self.0.retain(|(of, _), _| *of != who);
    }

    /// Whoever has had it for long was told.
    pub(crate) fn check(&self, told: &BTreeSet<(usize, usize)>, now_ms: u64) {
        for ((who, circle), since_ms) in &self.0 {
            let is_told = told.contains(&(*who, *circle));
            let is_new = now_ms < since_ms + CLIENT_DISPUTE_MS + MINUTE_MS;
            assert!(is_told || is_new, "p{who} is told nothing of another history of g{circle}");
        }
    }
}

impl Split {
    /// What a connection is sent instead of a frame.
    pub(crate) fn bend(&self, who: usize, frame: Vec<u8>) -> Vec<u8> {
        if !self.victims.contains(&who) {
            return frame;
        }
        let Ok(Frame { request, body }) = Frame::parse(&frame) else { return frame };
        let shown = match body {
            Body::Deliver { sequence, payload } if self.is_hidden(payload) => {
                Body::Deliver { sequence, payload: &self.other }
            }
            Body::Log { entries } => {
                let log = self.bend_log(entries);
                return Frame { request, body: Body::Log { entries: &log } }.to_bytes().unwrap();
            }
            _ => return frame,
        };
        Frame { request, body: shown }.to_bytes().unwrap()
    }

    fn is_hidden(&self, payload: &[u8]) -> bool {
        let hides =
            |entry: Entry<'_>| *entry.fields.group_id == self.group && entry.fields.epoch >= self.epoch;
        Entry::parse(payload).is_ok_and(hides)
    }

    fn bend_log(&self, entries: &[u8]) -> Vec<u8> {
        let (mut rest, mut log) = (entries, Vec::new());
        while let Ok((entry, after)) = Entry::parse_first(rest) {
            rest = after;
            if !self.is_hidden(entry.bytes) {
                log.extend_from_slice(entry.bytes);
            } else if entry.fields.epoch == self.epoch {
                log.extend_from_slice(&self.other);
            }
        }
        log
    }
}

impl World {
    /// The cheats go on until there are two histories.
    pub(crate) fn conspire(&mut self) {
        if self.split.is_some() || self.chronicle.circles.is_empty() {
            return;
        }
        let circle = self.chance.index(self.chronicle.circles.len());
        let Some(head) = self.chronicle.head(circle) else { return };
        match head.members.get(MALLORY) {
            Some(member) if member.role > Role::Member => self.sign_for_some(circle),
            _ => self.trust_mallory(circle),
        }
    }

    /// The cheat signs two entries for one epoch: the relay takes one, and shows some members the other.
    fn sign_for_some(&mut self, circle: usize) {
        let (group, now_ms) = (self.chronicle.circles[circle].id, self.now_ms);
        let log = self.host.relay.log(MALLORY, &group, 0).unwrap_or_default();
        let Ok(roster) = Roster::open(&log) else { return };
        let plain = |user: &str| roster.member(user).is_some_and(|member| member.role() == Role::Member);
        let people: Vec<usize> = roster.members().filter_map(|member| who_is(member.user())).collect();
        let mut may_go: Vec<usize> =
            people.iter().copied().filter(|who| plain(&self.people[*who].name)).collect();
        if may_go.is_empty() || people.len() < 3 {
            return;
        }
        let gone = may_go.swap_remove(self.chance.index(may_go.len()));
        let mut stays = people.clone();
        stays.retain(|who| *who != gone);
        let victim = stays.swap_remove(self.chance.index(stays.len()));
        let mut victims = BTreeSet::from([victim]);
        // Somebody stays who sees what the relay has.
        victims.extend(stays.iter().skip(1).filter(|_| self.chance.happens(50)));
        let another = may_go.first().map(|who| self.people[*who].name.clone());
        let name = self.people[gone].name.clone();
        let Some(mallory) = &mut self.mallory else { return };
        let removes = mallory.sign(|identity, rng| roster.propose_remove(identity, &name, now_ms, rng));
        let other = mallory.sign(|identity, rng| match another {
            Some(another) if self.chance.happens(50) => {
                roster.propose_remove(identity, &another, now_ms, rng)
            }
            _ => roster.propose_role(identity, &name, Role::Admin, now_ms, rng),
        });
        let (Ok(one), Ok(other)) = (removes, other) else { return };
        let (one, other) = if self.chance.happens(50) { (one, other) } else { (other, one) };
        let Ok(outcome) = self.host.relay.commit(MALLORY, &one, now_ms) else { return };
        let epoch = roster.epoch() + 1;
        self.did("show members two histories");
        self.note(format_args!("two histories of g{circle} from {epoch} on: {victims:?} are shown another"));
        self.chronicle.learn(&one);
        self.chronicle.learn(&other);
        self.split = Some(Split { circle, group, epoch, other, victims });
        self.deal(&outcome);
        self.look_at_logs();
    }

    /// Whether a message that somebody is shown was sealed in another history than its own.
    pub(crate) fn look_for_evidence(&mut self, number: usize, who: usize, circle: usize) {
        let states: Vec<(u64, [u8; 32])> = self.ledger.letters[number]
            .sealed_in
            .iter()
            .map(|id| (self.chronicle.state(id).epoch, *id))
            .collect();
        let group = self.chronicle.circles[circle].id;
        let Some(client) = &mut self.people[who].client else { return };
        // A client that has died of its store answers nothing.
        let Ok(Some(roster)) = client.roster(&group) else { return };
        let is_another = |(epoch, id): &(u64, [u8; 32])| {
            *epoch <= roster.epoch() && roster.is_claim(*epoch, id.first_chunk().unwrap())
        };
        if states.iter().all(is_another) && !roster.is_forked() {
            self.did("read what another history stands behind");
            self.note(format_args!("p{who} could know that there is another history of g{circle}"));
            self.evidence.note(who, circle, self.now_ms);
        }
    }

    /// Whoever is said to name another history does not hold the same one as whoever is told so. Of ourselves we are told
    /// what the relay does not take.
    pub(crate) fn check_accusation(&mut self, who: usize, accused: usize, circle: usize) {
        if who == accused {
            return;
        }
        let group = self.chronicle.circles[circle].id;
        let [told, other] = [who, accused].map(|who| {
            let roster = self.people[who].client.as_mut()?.roster(&group).ok().flatten()?;
            (!roster.is_forked()).then(|| *roster.hash())
        });
        self.did("hear of somebody who names another history");
        assert!(
            told.is_none() || told != other,
            "p{who} is told of p{accused}, who holds the same g{circle}"
        );
    }

    /// Everybody talks while the relay still shows them different histories; then it shows what it has.
    pub(crate) fn reveal(&mut self) {
        if let Some(circle) = self.split.as_ref().map(|split| split.circle) {
            self.note(format_args!("everybody talks, and g{circle} is still two"));
            self.run_until(self.now_ms + 5 * MINUTE_MS);
            self.everybody_writes();
            // Claims hold messages back for five minutes.
            self.run_until(self.now_ms + 15 * MINUTE_MS);
            self.evidence.check(&self.told, self.now_ms);
        }
        self.split = None;
        self.host.restart();
        self.relay_is_gone();
    }
}
