//! What becomes of a network whose relay has lied, once it lies no more.

use sealwax::client::GroupId;
use sealwax::roster::Roster;
use sealwax::wire::roster::Role;

use crate::world::{MINUTE_MS, World};

/// Longer than the hour between two renewals of a session.
const HOUR_MS: u64 = 65 * MINUTE_MS;

impl World {
    /// Everybody writes until sessions, keys and logs are found to be wrong, and made anew.
    pub(crate) fn recover(&mut self) {
        self.host.restart();
        self.relay_is_gone();
        self.run_until(self.now_ms + 5 * MINUTE_MS);
        self.everybody_writes();
        self.run_until(self.now_ms + HOUR_MS);
        self.grow_logs();
        self.run_until(self.now_ms + 5 * MINUTE_MS);
        self.settle_forks();
        self.run_until(self.now_ms + 5 * MINUTE_MS);
        self.note_astray();
        self.talk_in_pairs();
        self.talk_in_groups();
    }

    /// Everybody reads what is written to it alone, once sessions and identities were put right.
    fn talk_in_pairs(&mut self) {
        let since = self.ledger.letters.len();
        for (from, to) in self.plan.pairs.clone() {
            self.write(from, to);
            self.flush(from);
        }
        let end_ms = self.now_ms + 2 * HOUR_MS;
        while !self.ledger.missing(since).is_empty() {
            assert!(self.now_ms < end_ms, "not recovered: {}", self.ledger.missing(since).join(", "));
            self.run_until(self.now_ms + MINUTE_MS);
        }
    }

    /// Everybody reads what is written in its groups, but for those who were told that they see another history of one, or
    /// that they are no members.
    fn talk_in_groups(&mut self) {
        self.look_at_logs();
        for circle in 0..self.chronicle.circles.len() {
            for who in self.members_of(circle) {
                let id = self.chronicle.circles[circle].id;
                let client = self.people[who].client.as_mut().unwrap();
                let is_told = self.told.contains(&(who, circle)) || !client.groups().unwrap().contains(&id);
                if self.is_astray(who, circle) {
                    assert!(is_told, "p{who} holds another log of g{circle}, without a word");
                    self.ledger.astray.insert((who, circle));
                }
            }
        }
        let since = self.ledger.letters.len();
        for circle in 0..self.chronicle.circles.len() {
            for who in self.members_of(circle) {
                self.say(who, circle);
                self.flush(who);
            }
        }
        let end_ms = self.now_ms + 3 * HOUR_MS;
        while !self.ledger.missing(since).is_empty() {
            assert!(self.now_ms < end_ms, "no talk in groups: {}", self.ledger.missing(since).join(", "));
            self.run_until(self.now_ms + MINUTE_MS);
        }
    }

    /// Whoever was told of a fork and is still on the other side of it.
    fn note_astray(&mut self) {
        for (who, circle) in self.forked.clone() {
            if self.is_astray(who, circle) {
                self.ledger.astray.insert((who, circle));
            }
        }
    }

    /// Owners settle what a member has forked, and everybody talks again, but for those who were left behind.
    pub(crate) fn recover_from_member(&mut self) {
        self.run_until(self.now_ms + 10 * MINUTE_MS);
        self.grow_logs();
        self.run_until(self.now_ms + 5 * MINUTE_MS);
        self.settle_forks();
        self.run_until(self.now_ms + 10 * MINUTE_MS);
        // Those who took an entry that the relay does not, and that nothing has competed with yet, know nothing of it.
        for circle in 0..self.chronicle.circles.len() {
            for who in 0..self.people.len() {
                if self.is_astray(who, circle) {
                    self.ledger.astray.insert((who, circle));
                }
            }
        }
        self.await_peace();
    }

    /// Each group gets another entry, which shows who is on another history.
    fn grow_logs(&mut self) {
        self.look_at_logs();
        for circle in 0..self.chronicle.circles.len() {
            let Some(head) = self.chronicle.head(circle) else { continue };
            let group = self.chronicle.circles[circle].id;
            let members = head.members.clone();
            let people = self.members_of(circle);
            let owner = people.iter().copied().find(|who| {
                members[&self.people[*who].name].role == Role::Owner && !self.is_astray(*who, circle)
            });
            let Some(owner) = owner else { continue };
            let Some(other) = people.into_iter().find(|who| *who != owner) else { continue };
            let name = self.people[other].name.clone();
            let role = if members[&name].role == Role::Member { Role::Admin } else { Role::Member };
            self.wish(owner, |client, now_ms| client.set_role(&group, &name, role, now_ms));
            self.flush(owner);
        }
    }

    /// Owners who see two histories choose that of the relay.
    fn settle_forks(&mut self) {
        self.look_at_logs();
        for (who, circle) in self.forked.clone() {
            let Some(head) = self.chronicle.circles[circle].head else { continue };
            let group = self.chronicle.circles[circle].id;
            if self.roster(who, &group).is_some_and(|roster| roster.is_forked()) {
                self.note(format_args!("p{who} settles g{circle}, if it may"));
                self.wish(who, |client, now_ms| client.resolve_group(&group, &head, now_ms));
                self.flush(who);
            }
        }
    }

    fn roster(&mut self, who: usize, group: &GroupId) -> Option<&Roster> {
        self.people[who].client.as_mut()?.roster(group).unwrap()
    }

    /// Whether somebody holds other entries than the relay.
    pub(crate) fn is_astray(&mut self, who: usize, circle: usize) -> bool {
        let Some(head) = self.chronicle.head(circle) else { return true };
        let (epoch, id) = (head.epoch, self.chronicle.circles[circle].id);
        let head = self.chronicle.circles[circle].head;
        let Some(roster) = self.roster(who, &id) else { return true };
        roster.is_forked() || roster.epoch() > epoch || roster.hash_at(roster.epoch()) != head.as_ref()
    }
}
