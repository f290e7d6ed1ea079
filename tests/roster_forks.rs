//! Two histories of one group, and how they become one again (`docs/PROTOCOL.md` section 7.3).
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Act, Forgery, group, named, person};
use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::roster::{Applied, BranchInfo, Checked, Roster, RosterPolicy, Standing};
use sealwax::wire::roster::{Action, Role};

const FORKED: Result<Applied, Error> = Err(Error::RosterForked);

/// A group of four before anything went wrong, and somebody to add.
struct Before {
    olga: Identity,
    otto: Identity,
    mia: Identity,
    sam: Identity,
    roster: Roster,
}

impl Before {
    fn new() -> Self {
        let (olga, otto, mia, sam) = (person("olga"), person("otto"), person("mia"), person("sam"));
        let mut roster = group(&olga, &[&mia], RosterPolicy::default());
        let entry = Act::Add(&[&otto], Role::Owner).propose(&roster, &olga).unwrap();
        roster.apply(&entry, 1).unwrap();
        Self { olga, otto, mia, sam, roster }
    }

    fn with(&self, entries: &[&[u8]]) -> Roster {
        let mut roster = self.roster.clone();
        for entry in entries {
            roster.apply(entry, 2).unwrap();
        }
        roster
    }

    fn resolve(&self, roster: &Roster, actor: &Identity, chosen: &[u8; 32]) -> Result<Vec<u8>, Error> {
        roster.propose_resolve(actor, chosen, 3, &mut ScriptedRandom::new("resolve"))
    }

    fn may_read(&self, roster: &Roster) -> Vec<&str> {
        let all = [&self.olga, &self.otto, &self.mia, &self.sam];
        let entitled = |person: &&&Identity| roster.entitled(person.user(), &person.fingerprint()).is_ok();
        all.iter().filter(entitled).map(|person| person.user()).collect()
    }
}

#[test]
fn keys_go_only_to_members_of_both_branches() {
    let before = Before::new();
    let remove = Act::Remove("mia").propose(&before.roster, &before.olga).unwrap();
    let add = Act::Add(&[&before.sam], Role::Member).propose(&before.roster, &before.otto).unwrap();
    let (own, other) = (before.with(&[&remove]), before.with(&[&add]));
    assert_eq!(before.may_read(&own), ["olga", "otto"]);
    assert_eq!(before.may_read(&other), ["olga", "otto", "mia", "sam"]);
    for (mut roster, entry) in [(own, &add), (other, &remove)] {
        let (head, epoch) = (*roster.hash(), roster.epoch());
        assert_eq!(roster.apply(entry, 2), FORKED);
        assert!(roster.is_forked());
        assert_eq!((*roster.hash(), roster.epoch()), (head, epoch), "the own history stands");
        assert_eq!(before.may_read(&roster), ["olga", "otto"]);
        assert_eq!(roster.info().branches.len(), 1);
        let once = roster.clone();
        assert_eq!(roster.apply(entry, 2), FORKED, "again");
        assert_eq!(roster, once, "and nothing more");
    }
}

#[test]
fn a_member_with_other_keys_in_the_other_branch_gets_none() {
    let before = Before::new();
    let new_mia = common::group::person_with("mia", "new mia");
    let replace = Act::Replace(&new_mia, Role::Member).propose(&before.roster, &before.mia).unwrap();
    let other = Act::Role("otto", Role::Admin).propose(&before.roster, &before.olga).unwrap();
    let mut roster = before.with(&[&other]);
    assert_eq!(roster.apply(&replace, 2), FORKED);
    assert_eq!(roster.entitled("mia", &before.mia.fingerprint()), Err(Error::RosterForked));
    assert_eq!(roster.entitled("mia", &new_mia.fingerprint()), Err(Error::IdentityChanged));
    assert_eq!(roster.entitled("sam", &before.sam.fingerprint()), Err(Error::NotAMember));
    assert!(roster.entitled("otto", &before.otto.fingerprint()).is_ok());
}

#[test]
fn a_forked_roster_proposes_nothing_but_a_resolve() {
    let before = Before::new();
    let remove = Act::Remove("mia").propose(&before.roster, &before.olga).unwrap();
    let add = Act::Add(&[&before.sam], Role::Member).propose(&before.roster, &before.otto).unwrap();
    let mut roster = before.with(&[&remove]);
    assert_eq!(
        before.resolve(&roster, &before.olga, roster.hash()),
        Err(Error::InvalidArgument),
        "not forked"
    );
    assert_eq!(roster.apply(&add, 2), FORKED);
    for act in [Act::Add(&[&before.sam], Role::Member), Act::Remove("otto"), Act::Leave, Act::Delete] {
        assert_eq!(act.propose(&roster, &before.olga), Err(Error::RosterForked));
    }
    assert_eq!(
        before.resolve(&roster, &before.olga, &[1; 32]),
        Err(Error::InvalidArgument),
        "no such branch"
    );
    assert_eq!(before.resolve(&roster, &before.mia, roster.hash()), Err(Error::NotPermitted));
    assert!(before.resolve(&roster, &before.otto, roster.hash()).is_ok());
}

/// Both branches, each with a second entry on top of the first.
struct Fork {
    before: Before,
    own: Roster,
    own_entries: [Vec<u8>; 2],
    other: Roster,
    other_entries: [Vec<u8>; 2],
}

impl Fork {
    fn new() -> Self {
        let before = Before::new();
        let remove = Act::Remove("mia").propose(&before.roster, &before.olga).unwrap();
        let mut own = before.with(&[&remove]);
        let role = Act::Role("otto", Role::Owner).propose(&own, &before.olga).unwrap();
        own.apply(&role, 2).unwrap();
        let add = Act::Add(&[&before.sam], Role::Member).propose(&before.roster, &before.otto).unwrap();
        let mut other = before.with(&[&add]);
        let role = Act::Role("sam", Role::Admin).propose(&other, &before.otto).unwrap();
        other.apply(&role, 2).unwrap();
        let own_entries = [remove, own.log(own.epoch())];
        let other_entries = [add, other.log(other.epoch())];
        Self { before, own, own_entries, other, other_entries }
    }

    /// Each side after it has seen the other one's entries.
    fn known(&self) -> (Roster, Roster) {
        let (mut own, mut other) = (self.own.clone(), self.other.clone());
        for entry in &self.other_entries {
            assert_eq!(own.apply(entry, 2), FORKED);
        }
        assert_eq!(other.apply(&self.own_entries.concat(), 2), FORKED, "both at once");
        (own, other)
    }
}

#[test]
fn a_branch_is_remembered_with_the_entries_that_extend_it() {
    let fork = Fork::new();
    let (own, other) = fork.known();
    let branch = BranchInfo { head: *fork.other.hash(), epoch: fork.other.epoch(), fork_epoch: 1 };
    assert_eq!(own.info().branches, [branch]);
    assert_eq!(other.info().branches, [BranchInfo { head: *fork.own.hash(), ..branch }]);
    assert_eq!(own.hash(), fork.own.hash());
    let unknown = Act::Remove("sam").forge(&fork.other, &fork.before.sam);
    assert_eq!(own.clone().apply(&unknown, 2), Err(Error::NotPermitted), "a branch has rules too");
}

#[test]
fn a_resolve_settles_for_either_branch() {
    let fork = Fork::new();
    let (own, other) = fork.known();
    for (chosen, winner) in [(fork.own.hash(), &fork.own), (fork.other.hash(), &fork.other)] {
        for proposer in [&own, &other] {
            let resolve = fork.before.resolve(proposer, &fork.before.olga, chosen).unwrap();
            for knows_both in [&own, &other] {
                let mut settled = knows_both.clone();
                let applied = Applied { changed: true, membership_changed: true };
                assert_eq!(settled.apply(&resolve, 4), Ok(applied));
                assert!(!settled.is_forked());
                assert_eq!(settled.hash_at(winner.epoch()), Some(chosen));
                assert_eq!(settled.epoch(), winner.epoch() + 1);
                assert_eq!(settled.membership_epoch(), settled.epoch());
                assert_eq!(settled.members().len(), winner.members().len());
                assert_eq!(fork.before.may_read(&settled), fork.before.may_read(winner));
                assert_eq!(settled.apply(&resolve, 4), Ok(Applied::default()), "again");
                assert_eq!(Roster::open(&settled.log(0)).as_ref(), Ok(&settled));
            }
        }
    }
}

#[test]
fn a_rejected_branch_never_comes_back() {
    let fork = Fork::new();
    let (mut own, _) = fork.known();
    let resolve = fork.before.resolve(&own, &fork.before.olga, fork.own.hash()).unwrap();
    own.apply(&resolve, 4).unwrap();
    let reopened = Roster::open(&own.log(0)).unwrap();
    for mut roster in [own, reopened] {
        let settled = roster.clone();
        assert_eq!(roster.apply(&fork.other_entries[0], 5), Err(Error::StaleEpoch));
        assert_eq!(roster.apply(&fork.other_entries[1], 5), Err(Error::RosterBehind));
        assert_eq!(roster.apply(&fork.other_entries.concat(), 5), Err(Error::StaleEpoch));
        assert_eq!(roster, settled);
    }
}

#[test]
fn a_resolve_against_a_branch_that_nobody_here_knew_is_taken() {
    let fork = Fork::new();
    let (own, _) = fork.known();
    let resolve = fork.before.resolve(&own, &fork.before.olga, fork.own.hash()).unwrap();
    let mut unaware = fork.own.clone();
    assert_eq!(unaware.check(&resolve), Ok(Checked::Extends));
    assert!(unaware.apply(&resolve, 4).unwrap().changed);
    assert_eq!(
        unaware.apply(&fork.other_entries[0], 4),
        Err(Error::StaleEpoch),
        "and it settles all the same"
    );
    let mut behind = fork.other.clone();
    assert_eq!(behind.apply(&resolve, 4), Err(Error::RosterBehind), "the chosen branch is not held yet");
    assert_eq!(
        behind.apply(&[fork.own_entries.concat(), resolve].concat(), 4).map(|applied| applied.changed),
        Ok(true)
    );
    assert_eq!(behind.hash(), unaware.hash());
    assert_eq!(behind.standing("sam"), Standing::Never);
}

#[test]
fn a_further_branch_keeps_the_roster_forked() {
    let fork = Fork::new();
    let (own, _) = fork.known();
    let resolve = fork.before.resolve(&own, &fork.before.olga, fork.own.hash()).unwrap();
    let third = Act::Role("mia", Role::Admin).propose(&fork.before.roster, &fork.before.olga).unwrap();
    let mut knows_three = own.clone();
    assert_eq!(knows_three.apply(&third, 4), FORKED);
    assert!(knows_three.apply(&resolve, 4).unwrap().changed);
    assert_eq!(knows_three.info().branches.len(), 1);
    let resolve = fork.before.resolve(&knows_three, &fork.before.olga, &{ *knows_three.hash() }).unwrap();
    knows_three.apply(&resolve, 5).unwrap();
    assert!(!knows_three.is_forked());
}

#[test]
fn a_removed_owner_cannot_carry_anybody_into_a_history_where_it_stayed() {
    let before = Before::new();
    let (olga, otto) = (&before.olga, &before.otto);
    let remove = Act::Remove("otto").propose(&before.roster, olga).unwrap();
    let mut honest = before.with(&[&remove]);
    let coup = Act::Remove("olga").propose(&before.roster, otto).unwrap();
    let mut usurped = before.with(&[&coup]);
    assert_eq!(usurped.apply(&remove, 2), FORKED);
    assert_eq!(honest.apply(&coup, 2), FORKED);
    assert_eq!(before.may_read(&honest), ["mia"]);

    let head = *usurped.hash();
    let resolve = before.resolve(&usurped, otto, &head).unwrap();
    assert_eq!(honest.apply(&resolve, 3), FORKED, "remembered, no more");
    assert_eq!(honest.standing("olga"), Standing::Member);
    assert_eq!(honest.standing("otto"), Standing::Former);
    assert_eq!(before.resolve(&honest, otto, &{ honest.info().branches[0].head }), Err(Error::NotPermitted));

    let resolve = before.resolve(&honest, olga, &{ *honest.hash() }).unwrap();
    honest.apply(&resolve, 4).unwrap();
    assert!(!honest.is_forked());
    assert_eq!(before.may_read(&honest), ["olga", "mia"]);
}

#[test]
fn an_entry_of_an_owner_kept_apart_carries_nobody_after_a_removed_owner() {
    let before = Before::new();
    let (olga, otto) = (&before.olga, &before.otto);
    let promote = Act::Role("mia", Role::Owner).propose(&before.roster, olga).unwrap();
    let trunk = before.with(&[&promote]);
    let remove = Act::Remove("otto").propose(&trunk, olga).unwrap();
    let mut honest = trunk.clone();
    honest.apply(&remove, 2).unwrap();

    // Otto signs a history in which he stays and settles it against his removal. Mia, whom the relay shows that one
    // alone, goes on with it in good faith.
    let coup = Act::Remove("olga").propose(&trunk, otto).unwrap();
    let mut usurped = trunk.clone();
    usurped.apply(&coup, 2).unwrap();
    let rejected: &[u8; 32] = honest.hash();
    let settle = Action::Resolve { chosen: usurped.hash(), rejected: vec![rejected] };
    let settle = Forgery::after(&usurped, otto, settle).bytes();
    usurped.apply(&settle, 3).unwrap();
    let unknowing = Act::Add(&[&before.sam], Role::Member).propose(&usurped, &before.mia).unwrap();

    let own = *honest.hash();
    let mut at_once = honest.clone();
    for entry in [&coup, &settle, &unknowing] {
        assert_eq!(honest.apply(entry, 4), FORKED);
        assert_eq!(honest.hash(), &own, "the own history stands");
    }
    assert_eq!(at_once.apply(&[coup, settle, unknowing].concat(), 4), FORKED);
    assert_eq!(at_once, honest);
    assert_eq!(honest.standing("otto"), Standing::Former);
    assert_eq!(Roster::open(&honest.log(0)).as_ref(), Ok(&honest));
}

#[test]
fn an_owner_who_comes_back_does_not_turn_a_reopened_roster_to_its_old_history() {
    let before = Before::new();
    let (olga, otto) = (&before.olga, &before.otto);
    let remove = Act::Remove("otto").propose(&before.roster, olga).unwrap();
    let mut honest = before.with(&[&remove]);
    let coup = Act::Remove("olga").propose(&before.roster, otto).unwrap();
    let mut usurped = before.with(&[&coup]);
    let settle = Action::Resolve { chosen: usurped.hash(), rejected: vec![honest.hash()] };
    let settle = Forgery::after(&usurped, otto, settle).bytes();
    usurped.apply(&settle, 3).unwrap();

    assert_eq!(honest.apply(&[coup, settle].concat(), 4), FORKED);
    let back = Act::Add(&[otto], Role::Owner).forge(&honest, olga);
    assert!(honest.apply(&back, 5).unwrap().changed);
    assert_eq!(honest.standing("olga"), Standing::Member);
    assert!(honest.is_forked());
    assert_eq!(Roster::open(&honest.log(0)).as_ref(), Ok(&honest));
}

#[test]
fn a_resolve_that_names_a_later_entry_of_a_branch_does_not_spoil_the_log() {
    let fork = Fork::new();
    let (mut own, _) = fork.known();
    let resolve = Action::Resolve { chosen: fork.own.hash(), rejected: vec![fork.other.hash()] };
    let resolve = Forgery::after(&fork.own, &fork.before.olga, resolve).bytes();
    assert!(own.apply(&resolve, 4).unwrap().changed);
    assert!(own.is_forked(), "the branch does not start with that entry");
    assert_eq!(Roster::open(&own.log(0)).as_ref(), Ok(&own));
    let mut unaware = fork.own.clone();
    unaware.apply(&resolve, 4).unwrap();
    assert_eq!(unaware.apply(&fork.other_entries.concat(), 4), FORKED);
    assert_eq!(unaware, own, "in whatever order they arrive");
}

#[test]
fn sender_keys_of_a_rejected_history_are_out_of_date() {
    let fork = Fork::new();
    let (mut own, _) = fork.known();
    let (epoch, hash) = (own.epoch(), *own.hash());
    assert!(own.is_current(epoch, &hash));
    let chosen = fork.before.with(&[&fork.other_entries[0]]);
    let mut shorter = fork.own.clone();
    assert_eq!(shorter.apply(&fork.other_entries[0], 2), FORKED);
    let resolve = fork.before.resolve(&shorter, &fork.before.olga, chosen.hash()).unwrap();
    shorter.apply(&resolve, 4).unwrap();
    assert_eq!(shorter.membership_epoch(), epoch, "no higher than before");
    assert!(!shorter.is_current(epoch, &hash));
    let resolve = fork.before.resolve(&own, &fork.before.olga, &hash).unwrap();
    own.apply(&resolve, 4).unwrap();
    assert!(!own.is_current(epoch, &hash), "nor of the chosen one, whose readers changed");
    assert!(own.is_current(own.epoch(), &{ *own.hash() }));
}

#[test]
fn four_branches_are_remembered() {
    let before = Before::new();
    let people: Vec<Identity> = (0..6).map(|n| person(&format!("new{n}"))).collect();
    let entry =
        |n: usize| Act::Add(&[&people[n]], Role::Member).propose(&before.roster, &before.olga).unwrap();
    let mut roster = before.with(&[&entry(0)]);
    for n in 1..=4 {
        assert_eq!(roster.apply(&entry(n), 2), FORKED);
    }
    let full = roster.clone();
    assert_eq!(roster.apply(&entry(5), 2), Err(Error::LimitReached));
    assert_eq!(roster, full);
    assert_eq!(before.may_read(&roster), ["olga", "otto", "mia"]);
    assert_eq!(Roster::open(&roster.log(0)).as_ref(), Ok(&full), "a forked log opens forked");
    for chosen in roster.info().branches.iter().map(|branch| branch.head).chain([*full.hash()]) {
        let mut settled = roster.clone();
        settled.apply(&before.resolve(&roster, &before.olga, &chosen).unwrap(), 3).unwrap();
        assert!(!settled.is_forked());
        assert_eq!(settled.hash_at(2), Some(&chosen));
    }
}

#[test]
fn a_branch_may_fork_again() {
    let fork = Fork::new();
    let (olga, before) = (&fork.before.olga, &fork.before);
    let trunk_again = Act::Role("otto", Role::Admin).forge(&before.with(&[&fork.own_entries[0]]), olga);
    let branch_again = Act::Remove("sam").forge(&before.with(&[&fork.other_entries[0]]), olga);
    let mut roster = fork.known().0;
    assert_eq!(roster.apply(&trunk_again, 2), FORKED);
    assert_eq!(roster.apply(&branch_again, 2), FORKED);
    let forks: Vec<_> =
        roster.info().branches.iter().map(|branch| (branch.fork_epoch, branch.epoch)).collect();
    assert_eq!(forks, [(1, 3), (2, 3), (1, 3)]);
    assert_eq!(Roster::open(&roster.log(0)).as_ref(), Ok(&roster));
    for chosen in roster.info().branches.iter().map(|branch| branch.head).chain([*roster.hash()]) {
        let resolve = before.resolve(&roster, olga, &chosen).unwrap();
        let mut settled = roster.clone();
        assert!(settled.apply(&resolve, 3).unwrap().changed);
        assert!(!settled.is_forked());
        assert_eq!(settled.hash_at(3), Some(&chosen));
        assert_eq!(Roster::open(&settled.log(0)).as_ref(), Ok(&settled));
    }
    // Turning to one branch while another one is not named: the rest is seen from the new history.
    let known = roster.info().branches[2].head;
    let resolve = before.resolve(&fork.known().1, olga, fork.other.hash()).unwrap();
    assert_eq!(roster.apply(&resolve, 3), FORKED, "still");
    assert_eq!(roster.hash_at(3), Some(fork.other.hash()));
    let left: Vec<_> = roster.info().branches.iter().map(|branch| (branch.fork_epoch, branch.head)).collect();
    assert_eq!(left, [(2, known)], "what followed the rejected entry is gone, the other fork is there");
}

#[test]
fn entries_that_extend_the_own_history_are_taken_while_it_is_forked() {
    let fork = Fork::new();
    let (mut own, _) = fork.known();
    let next = Act::Remove("otto").propose(&fork.own, &fork.before.olga).unwrap();
    assert_eq!(own.apply(&next, 3), Ok(Applied { changed: true, membership_changed: true }));
    assert!(own.is_forked());
    assert_eq!(fork.before.may_read(&own), ["olga"]);
}

#[test]
fn a_relay_takes_the_first_entry_of_an_epoch_and_never_forks() {
    let fork = Fork::new();
    let mut relay = fork.before.roster.clone();
    assert_eq!(relay.check(&fork.own_entries[1]), Err(Error::RosterBehind));
    assert_eq!(relay.settle(&fork.own_entries[1]), Err(Error::RosterBehind));
    assert_eq!(relay.check(&fork.own_entries[0]), Ok(Checked::Extends));
    assert_eq!(relay.settle(&fork.own_entries[0]), Ok(Checked::Extends));
    assert_eq!(relay.settle(&fork.own_entries[0]), Ok(Checked::Known));
    assert_eq!(relay.check(&fork.own_entries[0]), Ok(Checked::Known));
    let before = relay.clone();
    for late in &fork.other_entries {
        assert_eq!(relay.check(late), Err(Error::StaleEpoch));
        assert_eq!(relay.settle(late), Err(Error::StaleEpoch));
    }
    assert_eq!(relay.check(&fork.own_entries.concat()), Err(Error::Malformed), "one at a time");
    assert_eq!(relay, before);
    let spy = person("spy");
    let forged = Forgery { signer: &spy, ..Forgery::after(&relay, &fork.before.olga, Action::Delete) };
    assert_eq!(relay.settle(&forged.bytes()), Err(Error::AuthenticationFailed));
    assert_eq!(relay.settle(&fork.own_entries[1]), Ok(Checked::Extends));
    assert_eq!(relay, fork.own);
}

#[test]
fn competing_entries_have_to_be_valid_at_their_place() {
    let fork = Fork::new();
    let mut roster = fork.own.clone();
    let spy = person("spy");
    let at = &fork.before.roster;
    let add = Action::Add(vec![named(&spy, Role::Member)]);
    for (case, entry, expected) in [
        ("by a stranger", Forgery::after(at, &spy, add.clone()).bytes(), Error::NotAMember),
        (
            "in an owner's name",
            Forgery { signer: &spy, ..Forgery::after(at, &fork.before.olga, add.clone()) }.bytes(),
            Error::AuthenticationFailed,
        ),
        ("by a member", Forgery::after(at, &fork.before.mia, add).bytes(), Error::NotPermitted),
    ] {
        assert_eq!(roster.apply(&entry, 2), Err(expected), "{case}");
    }
    assert_eq!(roster, fork.own);
}
