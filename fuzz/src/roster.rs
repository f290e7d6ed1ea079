//! Logs of a group: any bytes, and entries that anybody signs who may not.

use arbitrary::{Arbitrary, Unstructured};
use sealwax::identity::Identity;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::{Action, Entry, Role};

use crate::common::group::{Forgery, group, named, person, person_with};
use crate::lazy;

const STEPS_MAX: usize = 24;

lazy!(PEOPLE: Vec<Identity> = ["alice", "bob", "carol", "dave"].into_iter().map(person).collect());
lazy!(/// The same users with other keys.
    OTHERS: Vec<Identity> = ["alice", "bob"].into_iter().map(|name| person_with(name, "other")).collect());
lazy!(CLOSED: Vec<u8> = group(&PEOPLE[0], &[&PEOPLE[1], &PEOPLE[2]], RosterPolicy::default()).log(0));
lazy!(OPEN: Vec<u8> = {
    let policy = RosterPolicy { open: true, ..RosterPolicy::default() };
    group(&PEOPLE[0], &[&PEOPLE[1]], policy).log(0)
});

/// Entries and logs of any bytes.
pub fn roster_log(data: &[u8]) {
    if let Ok((entry, rest)) = Entry::parse_first(data) {
        let mut again = Vec::new();
        entry.fields.put(&mut again).unwrap();
        assert_eq!(again, entry.signed);
        assert_eq!([entry.bytes, rest].concat(), data);
        assert_eq!(rest.is_empty(), Entry::parse(data).is_ok());
    }
    if let Ok(roster) = Roster::open(data) {
        assert_eq!(roster.log(0), data);
    }
    let mut roster = Roster::open(&CLOSED).unwrap();
    let before = (roster.epoch(), *roster.hash(), roster.log(0));
    if roster.apply(data, 1).is_err() {
        assert_eq!((roster.epoch(), *roster.hash(), roster.log(0)), before);
    }
}

#[derive(Debug, Arbitrary)]
struct Step {
    actor: u8,
    /// Who signs, if not the actor.
    signer: Option<u8>,
    act: Act,
    /// What the entry says of the one before it, where that is not so.
    epoch: Option<u8>,
    previous: Option<u8>,
    group: Option<u8>,
}

#[derive(Debug, Arbitrary)]
enum Act {
    Add(Vec<u8>, u8),
    Join(u8),
    Remove(u8),
    Leave,
    Role(u8, u8),
    Replace(u8, u8),
    Delete,
    Resolve(u8, Vec<u8>),
    Create(u8, Vec<u8>),
}

fn somebody(at: u8) -> &'static Identity {
    match usize::from(at) % 6 {
        at @ 0..4 => &PEOPLE[at],
        at => &OTHERS[at - 4],
    }
}

fn role(at: u8) -> Role {
    [Role::Member, Role::Admin, Role::Owner][usize::from(at) % 3]
}

/// Entries of anybody about anything: one that is refused changes nothing, and whoever reads the log sees the same.
pub fn roster_acts(data: &[u8]) {
    let Ok((open, steps)) = <(bool, Vec<Step>)>::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut roster = Roster::open(if open { &OPEN } else { &CLOSED }).unwrap();
    let mut hashes = vec![*roster.hash()];
    for Step { actor, signer, act, epoch, previous, group } in steps.into_iter().take(STEPS_MAX) {
        let actor = somebody(actor);
        let hash = |at: u8| &hashes[usize::from(at) % hashes.len()];
        let action = match &act {
            Act::Add(people, as_role) => {
                Action::Add(people.iter().take(3).map(|at| named(somebody(*at), role(*as_role))).collect())
            }
            Act::Join(as_role) => Action::Join(named(actor, role(*as_role))),
            Act::Remove(at) => Action::Remove(somebody(*at).user()),
            Act::Leave => Action::Leave,
            Act::Role(at, as_role) => Action::Role(somebody(*at).user(), role(*as_role)),
            Act::Replace(at, as_role) => Action::Replace(named(somebody(*at), role(*as_role))),
            Act::Delete => Action::Delete,
            Act::Resolve(chosen, rejected) => Action::Resolve {
                chosen: hash(*chosen),
                rejected: rejected.iter().take(3).map(|at| hash(*at)).collect(),
            },
            Act::Create(as_role, people) => Action::Create {
                label: "team",
                open,
                add_role: role(*as_role),
                random: &[7; 32],
                members: people.iter().take(3).map(|at| named(somebody(*at), role(*as_role))).collect(),
            },
        };
        let mut forgery = Forgery::after(&roster, actor, action);
        forgery.signer = signer.map_or(actor, somebody);
        if let Some(epoch) = epoch {
            forgery.epoch = epoch.into();
        }
        if let Some(previous) = previous {
            forgery.previous = *hash(previous);
        }
        if let Some(group) = group {
            forgery.group_id = [group; 32];
        }
        let is_forged = group.is_some() || forgery.signer.fingerprint() != actor.fingerprint();
        let is_next = epoch.is_none() && previous.is_none();
        let entry = forgery.bytes();
        let (count, before, log) = (roster.members().len(), (roster.epoch(), *roster.hash()), roster.log(0));
        match roster.apply(&entry, 1) {
            Ok(_) => {
                assert!(!is_forged, "{act:?} was forged");
                assert!(!is_next || roster.epoch() == before.0 + 1 || roster.is_forked());
                assert!(roster.members().len() <= count + 3);
                assert!(roster.is_deleted() || roster.members().any(|member| member.role() == Role::Owner));
                hashes.push(*roster.hash());
            }
            Err(_) => assert_eq!(((roster.epoch(), *roster.hash()), roster.log(0)), (before, log)),
        }
    }
    let again = Roster::open(&roster.log(0)).unwrap();
    assert_eq!((again.epoch(), again.hash()), (roster.epoch(), roster.hash()));
    let members = |roster: &Roster| -> Vec<_> {
        roster.members().map(|member| (member.user().clone(), member.fingerprint(), member.role())).collect()
    };
    assert_eq!(members(&again), members(&roster));
}
