//! What people do, and what goes wrong.

use crate::common::disk::Death;
use crate::plan::Kind;
use crate::world::{Step, World};

impl World {
    /// Something happens, and something else after a while.
    pub(crate) fn act(&mut self) {
        if self.is_healing {
            return;
        }
        if self.chance.happens(self.plan.trouble) {
            self.go_wrong();
        } else if self.plan.kind == Kind::Conspiracy && self.chance.happens(60) {
            self.conspire();
        } else if self.plan.kind == Kind::HostileMember && self.chance.happens(40) {
            if !self.chronicle.circles.is_empty() && self.chance.happens(25) {
                let circle = self.chance.index(self.chronicle.circles.len());
                self.trust_mallory(circle);
            }
            self.cheat();
        } else if self.plan.circles > 0 && self.chance.happens(70) {
            self.meet();
        } else {
            self.talk();
        }
        self.check_pins();
        self.check_rosters();
        let pause_ms = 2 * self.plan.until_ms / self.plan.actions;
        let after_ms = if self.chance.happens(50) {
            self.chance.between(1, 2_000)
        } else {
            self.chance.time(1, 2 * pause_ms)
        };
        self.later(after_ms, Step::Act);
    }

    /// Somebody writes one message or some; perhaps both at once.
    fn talk(&mut self) {
        let at = self.chance.index(self.plan.pairs.len());
        let (one, other) = self.plan.pairs[at];
        let is_mutual = self.chance.happens(20);
        for _ in 0..self.chance.between(1, 4) {
            self.write(one, other);
            if is_mutual {
                self.write(other, one);
            }
            // What was asked of a client need not be settled at once.
            if self.chance.happens(50) {
                self.flush(one);
            }
        }
        if self.chance.happens(90) {
            self.flush(one);
            self.flush(other);
        }
    }

    fn go_wrong(&mut self) {
        let who = self.chance.index(self.people.len());
        match self.chance.between(0, 9) {
            0..=2 => self.cut(who),
            3 => self.crash(who),
            4 | 5 => {
                let commit = usize::try_from(self.chance.between(0, 6)).unwrap();
                let death = if self.chance.happens(50) { Death::Before } else { Death::After };
                self.note(format_args!("p{who} dies {death:?} its commit {commit} from now on"));
                self.people[who].doom(commit, death);
            }
            6 => {
                self.note(format_args!("the relay is gone"));
                self.host.restart();
                self.relay_is_gone();
            }
            7 => self.host.dies_after = Some(usize::try_from(self.chance.between(0, 4)).unwrap()),
            8 if self.plan.begins_anew => self.begin_anew(who),
            8 => {
                self.people[who].listens = self.chance.happens(50);
                self.people[who].confirms = self.chance.happens(50);
                self.flush(who);
            }
            _ if self.plan.restores => self.restore_or_back_up(who),
            _ => self.cut(who),
        }
    }

    /// An older copy of all that somebody has takes its place, or one is made.
    fn restore_or_back_up(&mut self, who: usize) {
        if self.people[who].client.is_none() {
            return;
        }
        self.people[who].undoom();
        self.people[who].listens = true;
        self.flush(who);
        if self.people[who].backup.is_none() || self.chance.happens(30) {
            self.note(format_args!("p{who} makes a backup"));
            let letters = self.ledger.letters.len();
            self.people[who].take_backup(letters);
        } else {
            self.crash(who);
            let since = self.people[who].restore().unwrap();
            self.ledger.forget(who, since);
            self.wishes.forget(who);
            self.pins.forget(who);
            self.selves.forget(who);
            self.has_forgotten.insert(who);
            self.note(format_args!("p{who} goes back to its backup"));
        }
    }
}
