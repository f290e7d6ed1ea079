//! People who lose everything and come back under their name with another identity: it counts for nobody who has known the
//! one before until its application has accepted it.

use std::collections::BTreeMap;

use sealwax::error::Error;
use sealwax::identity::Fingerprint;

use crate::plan::Kind;
use crate::world::{MINUTE_MS, Step, World, who_is};

/// Which identity of whom everybody has met: the first is 0.
#[derive(Default)]
pub(crate) struct Selves {
    met: BTreeMap<(usize, usize), usize>,
    /// What an application has not decided yet: what was known, and what is new.
    open: BTreeMap<(usize, usize), (Fingerprint, Fingerprint)>,
}

impl Selves {
    /// Somebody is shown what an identity has written, or accepts it.
    pub(crate) fn meet(&mut self, who: usize, whom: usize, number: usize) {
        let met = self.met.entry((who, whom)).or_insert(number);
        *met = (*met).max(number);
    }

    /// Nothing passes between somebody and a new identity of another that it has not accepted.
    pub(crate) fn check(&self, who: usize, whom: usize, number: usize) {
        let is_known = self.met.get(&(who, whom)).is_none_or(|met| *met >= number);
        assert!(is_known, "p{who} has not accepted the identity {number} of p{whom}");
    }

    /// Somebody has forgotten whom it has met.
    pub(crate) fn forget(&mut self, who: usize) {
        self.met.retain(|(of, _), _| *of != who);
        self.open.retain(|(of, _), _| *of != who);
    }
}

impl World {
    /// Somebody loses everything, and begins anew.
    pub(crate) fn begin_anew(&mut self, who: usize) {
        self.note(format_args!("p{who} begins anew"));
        self.did("begin anew with another identity");
        if let Some(link) = self.people[who].connection {
            self.end_serving(link);
        }
        self.people[who].die();
        // Whoever runs the relay gives the name to another identity, and sees to it that this is done.
        self.host.dies_after = None;
        let name = self.people[who].name.clone();
        if let Ok(outcome) = self.host.relay.forget_user(&name, self.now_ms) {
            self.deal(&outcome);
        }
        self.people[who].begin_anew(self.now_ms).unwrap();
        self.ledger.lose(who);
        self.wishes.forget(who);
        self.pins.forget(who);
        self.selves.forget(who);
        self.evidence.forget(who);
        self.has_forgotten.insert(who);
        self.forget_steps(
            |step| matches!(step, Step::Connect(of) | Step::Open(of) | Step::Tick(of) if *of == who),
        );
        let after_ms = self.chance.time(1, MINUTE_MS);
        self.later(after_ms, Step::Connect(who));
    }

    /// An application is told of another identity, and takes its time.
    pub(crate) fn meet_anew(
        &mut self,
        who: usize,
        user: &str,
        known: &Fingerprint,
        fingerprint: &Fingerprint,
    ) -> Result<(), Error> {
        let other = who_is(user).expect("nobody of this name");
        assert!(self.people[other].selves > 0, "p{who} meets {user} under another identity");
        self.selves.open.insert((who, other), (*known, *fingerprint));
        if !self.is_healing && self.chance.happens(50) {
            let after_ms = self.chance.time(1, 30 * MINUTE_MS);
            self.later(after_ms, Step::Decide(who, other));
            return Ok(());
        }
        self.decide(who, other)
    }

    /// An application decides, by what both people see.
    pub(crate) fn decide(&mut self, who: usize, whom: usize) -> Result<(), Error> {
        if self.people[who].client.is_none() {
            self.later(MINUTE_MS, Step::Decide(who, whom));
            return Ok(());
        }
        let Some((known, fingerprint)) = self.selves.open.remove(&(who, whom)) else { return Ok(()) };
        if fingerprint != self.people[whom].fingerprint.unwrap() {
            // With the identity goes what it has sent, and what has come of another since.
            self.ledger.refuse(who, whom);
        }
        let is_right = fingerprint == self.people[whom].fingerprint.unwrap();
        self.did("accept another identity");
        self.note(format_args!("p{who} decides on another identity of p{whom}: {is_right}"));
        let accepted = if is_right { fingerprint } else { known };
        let Some(client) = &mut self.people[who].client else { return Ok(()) };
        match client.accept_identity(&format!("p{whom}"), &accepted, self.now_ms) {
            Ok(()) if is_right => {
                let number = self.people[whom].selves;
                self.selves.meet(who, whom, number);
            }
            Err(error @ Error::StoreIo) => return Err(error),
            // There is another one to decide on by now, which is told too.
            _ => {}
        }
        Ok(())
    }

    /// An application decides, again if its client has died before it had stored that.
    pub(crate) fn decide_for_good(&mut self, who: usize, whom: usize) {
        let Some(open) = self.selves.open.get(&(who, whom)).copied() else { return };
        match self.decide(who, whom) {
            Ok(()) => self.flush(who),
            Err(_) => self.crash(who),
        }
        if self.people[who].client.is_none() && !self.selves.open.contains_key(&(who, whom)) {
            self.selves.open.insert((who, whom), open);
            self.later(MINUTE_MS, Step::Decide(who, whom));
        }
    }

    /// Nobody hesitates any more.
    pub(crate) fn decide_all(&mut self) {
        for (who, whom) in self.selves.open.keys().copied().collect::<Vec<_>>() {
            self.decide_for_good(who, whom);
        }
    }

    /// A message passes from one to another, who know each other.
    pub(crate) fn check_selves(&mut self, number: usize, from: usize, who: usize) {
        if self.plan.kind != Kind::Honest {
            return;
        }
        let (writer, reader) = (self.ledger.letters[number].author, self.people[who].selves);
        self.selves.check(who, from, writer);
        self.selves.check(from, who, reader);
        self.selves.meet(who, from, writer);
    }

    /// The members of a group, as the relay knows them, whose identity is one that is gone.
    pub(crate) fn ghosts_of(&self, circle: usize) -> Vec<usize> {
        let Some(head) = self.chronicle.head(circle) else { return Vec::new() };
        let is_ghost = |(user, member): (&String, &crate::chronicle::Membership)| {
            who_is(user).filter(|who| self.people[*who].key != member.key)
        };
        head.members.iter().filter_map(is_ghost).collect()
    }
}
