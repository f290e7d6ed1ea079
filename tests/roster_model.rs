//! Random groups against a model that knows members and roles and nothing else, and random forks against their own
//! stored logs.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::group::{Act, Forgery, group, person, person_with};
use proptest::prelude::*;
use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::roster::{Roster, RosterPolicy, Standing};
use sealwax::wire::roster::{Action, Role};

const USERS: usize = 5;
/// Identities of each user, one replacing the other.
const LIVES: usize = 2;

/// A user under one of its identities.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Person {
    user: usize,
    life: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<Person>, Role),
    Join,
    Remove(usize),
    Leave,
    Role(usize, Role),
    Replace(Person),
    Delete,
}

/// The table of section 7.1, said again in the shortest way.
#[derive(Debug, Clone)]
struct Model {
    policy: RosterPolicy,
    members: BTreeMap<usize, (usize, Role)>,
    former: BTreeSet<usize>,
    deleted: bool,
}

impl Model {
    fn owners(&self) -> usize {
        self.members.values().filter(|(_, role)| *role == Role::Owner).count()
    }

    fn over(&self, actor: usize, target: usize) -> bool {
        let (own, other) = (self.members[&actor].1, self.members[&target].1);
        actor != target && (own == Role::Owner || (own == Role::Admin && other == Role::Member))
    }

    fn step(&mut self, actor: Person, step: &Step) -> Result<(), Error> {
        if self.deleted {
            return Err(Error::GroupDeleted);
        }
        if matches!(step, Step::Join) {
            return match (self.policy.open, self.members.contains_key(&actor.user)) {
                (false, _) => Err(Error::NotPermitted),
                (true, true) => Err(Error::Malformed),
                (true, false) => {
                    self.members.insert(actor.user, (actor.life, Role::Member));
                    Ok(())
                }
            };
        }
        let role = match self.members.get(&actor.user) {
            Some((life, role)) if *life == actor.life => *role,
            _ => return Err(Error::NotAMember),
        };
        let owner = role == Role::Owner;
        let last_owner = |model: &Self, user| model.members[&user].1 == Role::Owner && model.owners() == 1;
        let absent = |user: &usize| !self.members.contains_key(user);
        let permitted = match step {
            Step::Join => false,
            Step::Add(people, given) => {
                let users: BTreeSet<_> = people.iter().map(|person| person.user).collect();
                if users.len() != people.len() || !users.iter().all(absent) {
                    return Err(Error::Malformed);
                }
                role >= self.policy.add_role && (owner || *given == Role::Member)
            }
            Step::Remove(user) | Step::Role(user, _) if absent(user) => return Err(Error::NotAMember),
            Step::Remove(user) => self.over(actor.user, *user),
            Step::Leave => !last_owner(self, actor.user),
            Step::Role(user, given) => owner && (*given == Role::Owner || !last_owner(self, *user)),
            Step::Replace(new) if absent(&new.user) => return Err(Error::NotAMember),
            Step::Replace(new) if self.members[&new.user].0 == new.life => return Err(Error::Malformed),
            Step::Replace(new) => actor.user == new.user || self.over(actor.user, new.user),
            Step::Delete => owner,
        };
        if !permitted {
            return Err(Error::NotPermitted);
        }
        match step {
            Step::Join => {}
            Step::Add(people, given) => {
                self.members.extend(people.iter().map(|person| (person.user, (person.life, *given))));
            }
            Step::Remove(user) => self.drop(*user),
            Step::Leave => self.drop(actor.user),
            Step::Role(user, given) => self.members.get_mut(user).unwrap().1 = *given,
            Step::Replace(new) => self.members.get_mut(&new.user).unwrap().0 = new.life,
            Step::Delete => self.deleted = true,
        }
        Ok(())
    }

    fn drop(&mut self, user: usize) {
        self.members.remove(&user);
        self.former.insert(user);
    }
}

fn anybody() -> impl Strategy<Value = Person> {
    (0..USERS, prop_oneof![4 => Just(0), 1 => Just(1)]).prop_map(|(user, life)| Person { user, life })
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![3 => Just(Role::Member), 2 => Just(Role::Admin), 2 => Just(Role::Owner)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (prop::collection::vec(anybody(), 1..3), role()).prop_map(|(people, role)| Step::Add(people, role)),
        3 => Just(Step::Join),
        4 => (0..USERS).prop_map(Step::Remove),
        2 => Just(Step::Leave),
        5 => (0..USERS, role()).prop_map(|(user, role)| Step::Role(user, role)),
        3 => anybody().prop_map(Step::Replace),
        1 => Just(Step::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_roster_is_what_the_table_of_rights_makes_it(
        open: bool,
        add_role in role(),
        steps in prop::collection::vec((anybody(), step()), 1..30),
    ) {
        let identities: Vec<Vec<Identity>> = (0..USERS)
            .map(|user| (0..LIVES).map(|life| person_with(&format!("user{user}"), &format!("{user}/{life}"))).collect())
            .collect();
        let of = |person: &Person| &identities[person.user][person.life];
        let policy = RosterPolicy { open, add_role };
        let mut roster = group(&identities[0][0], &[&identities[1][0]], policy);
        let mut model = Model {
            policy,
            members: BTreeMap::from([(0, (0, Role::Owner)), (1, (0, Role::Member))]),
            former: BTreeSet::new(),
            deleted: false,
        };
        for (actor, step) in &steps {
            let people: Vec<&Identity> = match step {
                Step::Add(people, _) => people.iter().map(of).collect(),
                _ => vec![],
            };
            let name = |user: &usize| identities[*user][0].user();
            let act = match step {
                Step::Add(_, role) => Act::Add(&people, *role),
                Step::Join => Act::Join,
                Step::Remove(user) => Act::Remove(name(user)),
                Step::Leave => Act::Leave,
                Step::Role(user, role) => Act::Role(name(user), *role),
                Step::Replace(new) => {
                    let role = model.members.get(&new.user).map_or(Role::Member, |(_, role)| *role);
                    Act::Replace(of(new), role)
                }
                Step::Delete => Act::Delete,
            };
            let before = roster.clone();
            let expected = model.step(*actor, step);
            let entry = act.forge(&roster, of(actor));
            prop_assert_eq!(act.propose(&roster, of(actor)).map(|_| ()), expected, "{:?} {:?}", actor, step);
            prop_assert_eq!(roster.apply(&entry, 1).map(|_| ()), expected, "{:?} {:?}", actor, step);
            if expected.is_err() {
                prop_assert_eq!(&roster, &before);
            }
            for (user, lives) in identities.iter().enumerate() {
                let standing = match (model.members.contains_key(&user), model.former.contains(&user)) {
                    (true, _) => Standing::Member,
                    (false, true) => Standing::Former,
                    (false, false) => Standing::Never,
                };
                prop_assert_eq!(roster.standing(name(&user)), standing);
                let member = roster.member(name(&user)).map(|member| (member.fingerprint(), member.role()));
                let expected = model.members.get(&user).map(|(life, role)| (lives[*life].fingerprint(), *role));
                prop_assert_eq!(member, expected);
            }
            prop_assert_eq!(roster.is_deleted(), model.deleted);
        }
        prop_assert_eq!(Roster::open(&roster.log(0)).unwrap(), roster);
    }
}

/// What an owner does somewhere in one of many histories.
#[derive(Debug, Clone, Copy)]
enum Move {
    Add(usize),
    Remove(usize),
    Demote(usize),
    /// Names the first entry, or a later one, in which another history differs.
    Resolve(usize, u64),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (0..3_usize).prop_map(Move::Add),
        3 => (0..3_usize).prop_map(Move::Remove),
        1 => (0..3_usize).prop_map(Move::Demote),
        4 => (any::<usize>(), prop_oneof![4 => Just(0), 1 => Just(1_u64)]).prop_map(|(of, by)| Move::Resolve(of, by)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_stored_log_opens_as_the_roster_that_it_was(
        moves in prop::collection::vec((any::<usize>(), 0..3_usize, any_move()), 1..24),
    ) {
        let owners = ["ada", "ben", "cid"].map(person);
        let mut live = group(&owners[0], &[], RosterPolicy::default());
        let others = Act::Add(&[&owners[1], &owners[2]], Role::Owner).forge(&live, &owners[0]);
        live.apply(&others, 1).unwrap();
        // Each valid history that anybody signed, and the live roster, which hears of them all.
        let mut histories = vec![live.clone()];
        for (at, actor, next) in moves {
            // Rather the newest histories, so that some grow long.
            let history = histories[histories.len() - 1 - at % histories.len().min(4)].clone();
            let actor = &owners[actor];
            let entry = match next {
                Move::Add(user) => Act::Add(&[&owners[user]], Role::Owner).forge(&history, actor),
                Move::Remove(user) => Act::Remove(owners[user].user()).forge(&history, actor),
                Move::Demote(user) => Act::Role(owners[user].user(), Role::Admin).forge(&history, actor),
                Move::Resolve(of, by) => {
                    let of = &histories[of % histories.len()];
                    let shared = (0..).take_while(|at| of.hash_at(*at).is_some_and(|hash| history.hash_at(*at) == Some(hash)));
                    let Some(rejected) = of.hash_at(shared.count() as u64 + by) else { continue };
                    let chosen = *history.hash();
                    let resolve = Action::Resolve { chosen: &chosen, rejected: vec![rejected] };
                    Forgery::after(&history, actor, resolve).bytes()
                }
            };
            let mut longer = history.clone();
            if longer.apply(&entry, 1).is_ok() {
                histories.push(longer);
            }
            let before = live.clone();
            let taken = live.apply(&entry, 1);
            if !matches!(taken, Ok(_) | Err(Error::RosterForked)) {
                prop_assert!(live == before, "{:?} changed something", taken);
            }
            let reopened = Roster::open(&live.log(0));
            prop_assert!(reopened.as_ref() == Ok(&live), "after {:?}: {:?}", next, reopened.err());
        }
    }
}
