//! The end of a run: nothing goes wrong any more, and everything has to be as it should.

use crate::person::Person;
use crate::plan::Kind;
use crate::world::{MINUTE_MS, START_MS, Step, World};

/// How long a session may take to heal: an hour between two renewals, and as much for what waits at its end.
const HEALING_MS: u64 = 150 * MINUTE_MS;

impl World {
    /// Runs to the end, and looks whether everything arrived.
    pub(crate) fn run(&mut self) {
        let end_ms = START_MS + self.plan.until_ms;
        self.run_until(end_ms);
        self.heal();
        if self.plan.kind == Kind::Conspiracy {
            self.reveal();
        }
        match self.plan.kind {
            Kind::Honest => self.await_peace(),
            Kind::HostileRelay => self.recover(),
            Kind::HostileMember | Kind::Conspiracy => {
                self.check_mallory();
                self.recover_from_member();
            }
        }
        self.check_eavesdroppers();
    }

    /// Everything has arrived, or is told not to, and everybody can talk again.
    pub(crate) fn await_peace(&mut self) {
        self.await_quiet(0);
        let was_restored = self.people.iter().any(|person| person.restorations > 0);
        if was_restored {
            // Who was restored to before it came into a group learns of it by what others write there, and the first
            // message may find that its key is gone.
            let since = self.ledger.letters.len();
            self.everybody_writes();
            self.run_until(self.now_ms + 15 * MINUTE_MS);
            self.await_quiet(since);
        }
        self.ledger.all_recovered();
        // What was out of order once is in order again.
        for person in &mut self.people {
            person.restorations = 0;
            person.shown.letters.clear();
        }
        self.converse();
        if !self.ledger.unexplained(&self.told).is_empty() {
            let is_borne = was_restored || self.plan.has_cheat();
            assert!(is_borne, "no word of {}", self.ledger.unexplained(&self.told).join(", "));
            self.pass_a_week();
            assert_eq!(self.ledger.unexplained(&self.told), [""; 0]);
            self.converse();
        }
    }

    /// Everybody writes, and everybody reads it.
    fn converse(&mut self) {
        let since = self.ledger.letters.len();
        self.everybody_writes();
        self.run_until(self.now_ms + MINUTE_MS);
        self.await_quiet(since);
        for number in since..self.ledger.letters.len() {
            assert!(self.ledger.is_everywhere(number), "a healed network fails: message {number}");
        }
        self.check_agreement();
    }

    /// Everybody is away for longer than a message waits for its key.
    fn pass_a_week(&mut self) {
        for who in 0..self.people.len() {
            if let Some(link) = self.people[who].connection {
                self.lose(link);
                self.end_serving(link);
            }
        }
        self.forget_steps(|step| matches!(step, Step::Connect(_)));
        self.run_until(self.now_ms + 8 * 24 * 60 * MINUTE_MS);
        (0..self.people.len()).for_each(|who| self.connect(who));
        self.run_until(self.now_ms + 5 * MINUTE_MS);
        self.await_quiet(self.ledger.letters.len());
    }

    /// Nothing goes wrong any more.
    fn heal(&mut self) {
        self.trace.note(self.now_ms, "healing");
        self.is_healing = true;
        self.host.dies_after = None;
        if let Some(cheat) = self.cheat.take() {
            self.swapped.kept = cheat.impostors;
        }
        for who in 0..self.people.len() {
            self.people[who].listens = true;
            self.people[who].confirms = true;
            self.people[who].undoom();
            if self.people[who].client.is_some() {
                self.flush(who);
            }
        }
        self.decide_all();
    }

    /// Everybody writes to everybody it talks to, and in every group.
    pub(crate) fn everybody_writes(&mut self) {
        for (from, to) in self.plan.pairs.clone() {
            self.write(from, to);
            self.write(from, to);
        }
        for circle in 0..self.chronicle.circles.len() {
            for who in self.members_of(circle) {
                self.say(who, circle);
            }
        }
        (0..self.people.len()).for_each(|who| self.flush(who));
    }

    /// After some time everything has arrived, of the messages from this number on.
    fn await_quiet(&mut self, since: usize) {
        let end_ms = self.now_ms + HEALING_MS;
        loop {
            let unrest = self.unrest(since);
            if unrest.is_empty() {
                return;
            }
            assert!(self.now_ms < end_ms, "no rest: {}", unrest.join(", "));
            // Not in step with pings.
            let pause_ms = self.chance.between(MINUTE_MS / 2, MINUTE_MS);
            self.run_until(self.now_ms + pause_ms);
        }
    }

    /// What keeps the network from being at rest.
    fn unrest(&self, since: usize) -> Vec<String> {
        let mut unrest = Vec::new();
        for person in &self.people {
            if person.client.is_none() || person.connection.is_none() {
                unrest.push(format!("{} is away", person.name));
                continue;
            }
            // What waits for a cheat may wait for ever.
            let waits: &[&str] = match self.plan.kind {
                Kind::HostileMember | Kind::Conspiracy => &["events"],
                _ => &["outbox", "requests", "events"],
            };
            for key in waits {
                if person.count(key) > 0 {
                    unrest.push(format!("{} has {} {key}", person.name, person.count(key)));
                }
            }
        }
        unrest.extend(self.ledger.missing(since));
        unrest.extend(self.wishes.open());
        unrest.extend(self.host.queued());
        unrest
    }

    /// All members of a group hold the log that the relay does, and nobody else takes itself for one.
    pub(crate) fn check_agreement(&mut self) {
        self.look_at_logs();
        for circle in 0..self.chronicle.circles.len() {
            let Some(head) = self.chronicle.circles[circle].head else { continue };
            let (id, members) = (self.chronicle.circles[circle].id, self.members_of(circle));
            let holds = |person: &mut Person| person.client.as_mut().unwrap().groups().unwrap().contains(&id);
            let holders: Vec<bool> = self.people.iter_mut().map(holds).collect();
            // Who went back to before it came into a group learns of it from the others, if one of them remembers.
            let is_forgotten = members.iter().all(|who| self.has_forgotten.contains(who) && !holders[*who]);
            for (who, is_in) in holders.into_iter().enumerate() {
                if is_forgotten && !is_in {
                    continue;
                }
                let client = self.people[who].client.as_mut().unwrap();
                // Whoever the relay has led astray has been told so, at least.
                if self.ledger.astray.contains(&(who, circle)) {
                    continue;
                }
                assert_eq!(
                    is_in,
                    members.contains(&who),
                    "p{who} takes itself for a member of g{circle} of {members:?}: {is_in}"
                );
                if is_in {
                    let roster = client.roster(&id).unwrap().unwrap();
                    assert!(!roster.is_forked(), "p{who} sees g{circle} forked");
                    assert_eq!(*roster.hash(), head, "p{who} is at epoch {} of g{circle}", roster.epoch());
                }
            }
        }
    }
}
