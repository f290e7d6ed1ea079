//! What members, and a relay that helps them, can make the readers of a log do.

use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::limits::GROUP_MEMBERS_MAX;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::{MemberFields, Role};

use crate::common::group::{Act, Forgery, group, named, person};
use crate::meter::{Cost, MIB, bounded, bounded_by};

/// Of as many members as fit into a mebibyte: two points each have to be on the curve. Pure Rust keeps them decoded too.
const CROWD: Cost = Cost::new(15, if cfg!(feature = "aws-lc") { 4 * MIB } else { 6 * MIB });

/// A create entry of so many members, all with the same keys: names are what tells them apart.
pub(crate) fn crowd<'a>(founder: &'a Identity, names: &'a [String]) -> Vec<MemberFields<'a>> {
    let other = |name: &'a String| MemberFields { user: name, ..named(founder, Role::Member) };
    [named(founder, Role::Owner)].into_iter().chain(names.iter().map(other)).collect()
}

pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:04}")).collect()
}

/// A log of about so many bytes, whose entries are as small as they get.
fn deep(owner: &Identity, bytes: usize) -> Vec<u8> {
    let mut roster = group(owner, &[&person("other")], RosterPolicy::default());
    let mut role = Role::Admin;
    while roster.log_len(0) + 200 < bytes {
        let entry = Act::Role("other", role).propose(&roster, owner).unwrap();
        roster.apply(&entry, 0).unwrap();
        role = if role == Role::Admin { Role::Member } else { Role::Admin };
    }
    roster.log(0)
}

#[test]
fn an_entry_with_as_many_members_as_fit_is_taken_within_limits_of_its_own() {
    let founder = person("founder");
    let many = names(7_600);
    let create = Forgery::founding(&founder, crowd(&founder, &many)).bytes();
    assert!(create.len() <= MIB);
    bounded_by(CROWD, "roster: found a group of 7,601 members", create.len(), || {
        Roster::open(&create).map(drop).unwrap();
    });
    let mut forged = create.clone();
    *forged.last_mut().unwrap() ^= 1;
    bounded_by(CROWD, "roster: refuse such an entry with a forged signature", forged.len(), || {
        assert_eq!(Roster::open(&forged).err(), Some(Error::AuthenticationFailed));
    });

    let all = names(GROUP_MEMBERS_MAX - 1);
    let create = Forgery::founding(&founder, crowd(&founder, &all)).bytes();
    bounded_by(Cost::new(20, 8 * MIB), "roster: found a group of 10,000 members", create.len(), || {
        Roster::open(&create).map(drop).unwrap();
    });

    let mut roster = group(&founder, &[], RosterPolicy::default());
    let others: Vec<_> =
        many.iter().map(|name| MemberFields { user: name, ..named(&founder, Role::Member) }).collect();
    let add = Forgery::after(&roster, &founder, sealwax::wire::roster::Action::Add(others)).bytes();
    bounded_by(CROWD, "roster: add 7,600 members", add.len(), || {
        roster.apply(&add, 0).map(drop).unwrap();
    });
}

/// A log is many inputs: each is one signature. A relay gives 256 KiB of them in an answer.
#[test]
fn a_deep_log_costs_its_signatures() {
    let owner = person("owner");
    let page = deep(&owner, MIB / 4);
    bounded_by(Cost::new(100, 2 * MIB), "roster: open a log of 256 KiB, 1,370 entries", page.len(), || {
        Roster::open(&page).map(drop).unwrap();
    });
    let log = deep(&owner, MIB);
    bounded_by(Cost::new(400, 6 * MIB), "roster: open a log of 1 MiB, 5,470 entries", log.len(), || {
        Roster::open(&log).map(drop).unwrap();
    });
    let mut roster = Roster::open(&log).unwrap();
    bounded("roster: take a log again that is held", log.len(), || roster.apply(&log, 0).map(drop).unwrap());

    // The first entry that does not verify ends it.
    let mut forged = log.clone();
    let first = forged.len() - deep_rest(&roster, 1) + 187;
    forged[first] ^= 1;
    bounded("roster: refuse a log whose second entry is forged", forged.len(), || {
        assert!(Roster::open(&forged).is_err());
    });

    // A member who signs a second entry for an epoch long past has everybody look up who was a member then.
    let base = Roster::open(&log[..log.len() - deep_rest(&roster, 1)]).unwrap();
    let competing = Act::Remove("other").propose(&base, &owner).unwrap();
    bounded_by(
        Cost::new(30, MIB),
        "roster: an entry that competes at the start of a log of 1 MiB",
        competing.len(),
        || {
            assert_eq!(roster.apply(&competing, 0).map(drop), Err(Error::RosterForked));
        },
    );
    let base = Roster::open(&log[..log.len() - roster.entries(5_000).len()]).unwrap();
    let competing = Act::Remove("other").propose(&base, &owner).unwrap();
    bounded_by(
        Cost::new(30, MIB),
        "roster: an entry that competes at the end of a log of 1 MiB",
        competing.len(),
        || {
            assert_eq!(roster.apply(&competing, 0).map(drop), Err(Error::RosterForked));
        },
    );
}

/// Bytes of a log from an epoch on.
fn deep_rest(roster: &Roster, epoch: u64) -> usize {
    roster.entries(epoch).len()
}
