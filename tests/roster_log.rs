//! The log of a roster: tampering, repetition, bounds, and what its holders ask.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Act, Forgery, group, named, person, person_with};
use proptest::prelude::*;
use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::identity::Identity;
use sealwax::limits::{GROUP_MEMBERS_MAX, LOG_MAX, ROSTER_CLAIM_MS};
use sealwax::roster::{Applied, Roster, RosterPolicy, Standing};
use sealwax::wire::roster::{Action, Entry, MemberFields, Role};

const OPEN: RosterPolicy = RosterPolicy { open: true, add_role: Role::Admin };

/// An open group of Olga, Otto (both owners) and Mia, and an entry of each kind that may come next.
struct Group {
    olga: Identity,
    roster: Roster,
    next: Vec<(&'static str, Vec<u8>)>,
}

impl Group {
    fn new() -> Self {
        let (olga, otto, mia, sam) = (person("olga"), person("otto"), person("mia"), person("sam"));
        let new_mia = person_with("mia", "new mia");
        let mut roster = group(&olga, &[&mia], OPEN);
        roster.apply(&Act::Add(&[&otto], Role::Owner).propose(&roster, &olga).unwrap(), 1).unwrap();
        let resolve = Action::Resolve { chosen: roster.hash(), rejected: vec![&[1; 32], &[2; 32]] };
        let next = vec![
            ("add", Act::Add(&[&sam], Role::Member).propose(&roster, &olga).unwrap()),
            ("join", Act::Join.propose(&roster, &sam).unwrap()),
            ("remove", Act::Remove("mia").propose(&roster, &olga).unwrap()),
            ("leave", Act::Leave.propose(&roster, &mia).unwrap()),
            ("role", Act::Role("mia", Role::Admin).propose(&roster, &otto).unwrap()),
            ("replace", Act::Replace(&new_mia, Role::Member).propose(&roster, &mia).unwrap()),
            ("delete", Act::Delete.propose(&roster, &olga).unwrap()),
            ("resolve", Forgery::after(&roster, &olga, resolve).bytes()),
        ];
        Self { olga, roster, next }
    }
}

#[test]
fn tampering_with_any_byte_of_any_entry_is_refused_and_changes_nothing() {
    let Group { roster, next, .. } = Group::new();
    let mut kept = roster.clone();
    for (kind, entry) in &next {
        assert_eq!(Entry::parse(entry).unwrap().fields.action.name(), *kind);
        for at in 0..entry.len() {
            let mut tampered = entry.clone();
            tampered[at] ^= 1 << (at % 8);
            assert!(kept.apply(&tampered, 2).is_err(), "{kind} byte {at}");
            assert!(kept.check(&tampered).is_err(), "{kind} byte {at}");
        }
        assert_eq!(kept, roster, "{kind}");
        assert!(roster.clone().apply(entry, 2).unwrap().changed, "{kind} as it was");
    }
}

#[test]
fn tampering_with_any_byte_of_a_whole_log_is_refused() {
    let Group { roster, next, .. } = Group::new();
    for (kind, entry) in next.iter().filter(|(kind, _)| ["remove", "leave"].contains(kind)) {
        let log = [roster.log(0), entry.clone()].concat();
        assert!(Roster::open(&log).is_ok());
        for at in 0..log.len() {
            let mut tampered = log.clone();
            tampered[at] ^= 0x80;
            assert!(Roster::open(&tampered).is_err(), "{kind} byte {at}");
        }
    }
}

#[test]
fn a_competing_entry_that_was_tampered_with_is_refused_too() {
    let Group { mut roster, next, .. } = Group::new();
    roster.apply(&next[0].1, 2).unwrap();
    let before = roster.clone();
    let (_, competing) = &next[2];
    for at in 0..competing.len() {
        let mut tampered = competing.clone();
        tampered[at] ^= 0x10;
        let answer = roster.apply(&tampered, 2);
        assert!(answer.is_err() && answer != Err(Error::RosterForked), "byte {at}");
    }
    assert_eq!(roster, before);
}

#[test]
fn entries_that_are_held_change_nothing() {
    let Group { mut roster, next, .. } = Group::new();
    roster.apply(&next[0].1, 2).unwrap();
    let before = roster.clone();
    assert_eq!(roster.apply(&roster.log(0), 3), Ok(Applied::default()));
    assert_eq!(roster.apply(&next[0].1.repeat(3), 3), Ok(Applied::default()));
    assert_eq!(roster.apply(&roster.log(roster.epoch()), 3), Ok(Applied::default()));
    assert_eq!(roster, before);
}

#[test]
fn several_entries_are_taken_all_or_none() {
    let Group { olga, roster, next, .. } = Group::new();
    let mut ahead = roster.clone();
    ahead.apply(&next[0].1, 2).unwrap();
    for user in ["mia", "sam"] {
        ahead.apply(&Act::Remove(user).propose(&ahead, &olga).unwrap(), 2).unwrap();
    }
    let entries = ahead.log(roster.epoch() + 1);
    let mut tampered = entries.clone();
    *tampered.last_mut().unwrap() ^= 1;
    let mut follower = roster.clone();
    assert_eq!(follower.apply(&tampered, 3), Err(Error::AuthenticationFailed));
    assert_eq!(follower.apply(&entries[..entries.len() - 1], 3), Err(Error::Malformed));
    assert_eq!(follower.apply(&[], 3), Err(Error::Malformed));
    assert_eq!(
        follower.apply(&[entries.clone(), next[1].1.clone(), vec![1]].concat(), 3),
        Err(Error::Malformed)
    );
    assert_eq!(follower, roster);
    assert_eq!(follower.apply(&ahead.log(0), 3), Ok(Applied { changed: true, membership_changed: true }));
    assert_eq!(follower, ahead);
    let mut late = roster.clone();
    assert_eq!(late.apply(&ahead.log(roster.epoch() + 2), 3), Err(Error::RosterBehind));
    assert_eq!(late, roster);
}

#[test]
fn a_log_that_starts_elsewhere_or_is_cut_does_not_open() {
    let Group { roster, .. } = Group::new();
    let log = roster.log(0);
    assert_eq!(Roster::open(&log).as_ref(), Ok(&roster));
    assert_eq!(Roster::open(&[]), Err(Error::Malformed));
    assert_eq!(Roster::open(&roster.log(1)), Err(Error::Malformed));
    let first = log.len() - roster.log(1).len();
    for length in (0..log.len()).filter(|length| *length != first) {
        assert_eq!(Roster::open(&log[..length]), Err(Error::Malformed), "{length}");
    }
    assert_eq!(Roster::open(&vec![0; LOG_MAX + 1]), Err(Error::TooLarge));
    assert_eq!(roster.clone().apply(&vec![0; LOG_MAX + 1], 1), Err(Error::TooLarge));
    let twice = [log.clone(), group(&person("max"), &[], OPEN).log(0)].concat();
    assert_eq!(Roster::open(&twice), Err(Error::WrongGroup));
}

#[test]
fn the_log_is_handed_out_from_any_epoch() {
    let Group { roster, .. } = Group::new();
    for epoch in [0, 1, 2, u64::MAX] {
        assert_eq!(roster.log(epoch).len(), roster.log_len(epoch));
    }
    assert!(roster.log(2).is_empty());
    assert!(roster.log(0).ends_with(&roster.log(1)));
    assert_eq!(roster.hash_at(0), Some(roster.group_id()));
    assert_eq!(roster.hash_at(1), Some(roster.hash()));
    assert_eq!(roster.hash_at(2), None);
}

#[test]
fn members_are_told_from_former_ones_and_strangers() {
    let Group { olga, mut roster, .. } = Group::new();
    let (mia, sam) = (person("mia"), person("sam"));
    assert_eq!(roster.member("mia").unwrap().since_epoch(), 0);
    assert_eq!(roster.vouch("mia", &mia.fingerprint()).map(|member| member.role()), Ok(Role::Member));
    roster.apply(&Act::Remove("mia").propose(&roster, &olga).unwrap(), 2).unwrap();
    assert_eq!(roster.standing("olga"), Standing::Member);
    assert_eq!(roster.standing("mia"), Standing::Former);
    assert_eq!(roster.standing("sam"), Standing::Never);
    assert_eq!(roster.vouch("mia", &mia.fingerprint()).map(|_| ()), Err(Error::SenderRemoved));
    assert_eq!(roster.vouch("sam", &sam.fingerprint()).map(|_| ()), Err(Error::NotAMember));
    assert_eq!(roster.entitled("mia", &mia.fingerprint()), Err(Error::NotAMember));
    assert_eq!(roster.entitled("olga", &sam.fingerprint()), Err(Error::IdentityChanged));
    roster.apply(&Act::Join.propose(&roster, &mia).unwrap(), 2).unwrap();
    assert_eq!(roster.standing("mia"), Standing::Member);
    assert_eq!(roster.member("mia").unwrap().since_epoch(), roster.epoch(), "back, but not since ever");
}

#[test]
fn only_roles_leave_the_membership_epoch_alone() {
    let Group { roster, next, .. } = Group::new();
    for (kind, entry) in next {
        let mut changed = roster.clone();
        let hash = *changed.hash();
        changed.apply(&entry, 2).unwrap();
        assert_eq!(changed.membership_epoch(), if kind == "role" { 1 } else { 2 }, "{kind}");
        assert_eq!(changed.is_current(1, &hash), kind == "role", "{kind}");
        assert!(changed.is_current(2, changed.hash()), "{kind}");
        assert!(!changed.is_current(2, &hash) && !changed.is_current(3, changed.hash()), "{kind}");
    }
}

#[test]
fn claims_hold_encryption_back_until_the_entries_come_or_time_passes() {
    let Group { olga, mut roster, next, .. } = Group::new();
    let first16 = |hash: &[u8; 32]| -> [u8; 16] { hash[..16].try_into().unwrap() };
    let held = first16(roster.hash());
    assert!(!roster.is_claim(1, &held));
    assert!(roster.is_claim(2, &held) && roster.is_claim(0, &held));
    roster.note_claim("mia", 1, &held, 0);
    roster.note_claim("stranger", 2, &[7; 16], 0);
    assert!(!roster.is_behind(0), "nothing missing, or nobody who could know");

    roster.note_claim("mia", 3, &[7; 16], 0);
    assert!(roster.is_behind(ROSTER_CLAIM_MS - 1) && !roster.is_behind(ROSTER_CLAIM_MS));
    roster.note_claim("mia", 4, &[8; 16], ROSTER_CLAIM_MS);
    assert!(!roster.is_behind(ROSTER_CLAIM_MS), "ignored from now on");
    roster.note_claim("otto", 2, &[7; 16], ROSTER_CLAIM_MS);
    assert!(roster.is_behind(ROSTER_CLAIM_MS), "somebody else is heard");
    roster.apply(&next[0].1, ROSTER_CLAIM_MS).unwrap();
    assert!(!roster.is_behind(ROSTER_CLAIM_MS), "the log reached what Otto claimed");
    roster.note_claim("mia", 4, &[8; 16], ROSTER_CLAIM_MS);
    assert!(roster.is_behind(ROSTER_CLAIM_MS), "and hears Mia again");
    roster.apply(&Act::Remove("mia").propose(&roster, &olga).unwrap(), ROSTER_CLAIM_MS).unwrap();
    assert!(!roster.is_behind(ROSTER_CLAIM_MS), "until she is gone");
}

#[test]
fn the_head_of_a_known_branch_is_no_claim() {
    let Group { mut roster, next, .. } = Group::new();
    let mut other = roster.clone();
    roster.apply(&next[0].1, 1).unwrap();
    other.apply(&next[2].1, 1).unwrap();
    let head: [u8; 16] = other.hash()[..16].try_into().unwrap();
    assert!(roster.is_claim(2, &head));
    assert_eq!(roster.apply(&next[2].1, 1), Err(Error::RosterForked));
    assert!(!roster.is_claim(2, &head));
}

#[test]
fn ten_thousand_members_fit_and_not_one_more() {
    let (olga, shared, sam) = (person("olga"), person("shared"), person("sam"));
    let users: Vec<String> = (1..GROUP_MEMBERS_MAX).map(|n| format!("user {n:04}")).collect();
    let keys = named(&shared, Role::Member);
    let owner = named(&olga, Role::Owner);
    let members: Vec<_> =
        core::iter::once(owner).chain(users.iter().map(|user| MemberFields { user, ..keys })).collect();
    let mut founding = Forgery::founding(&olga, members.clone());
    let mut roster = Roster::open(&founding.bytes()).unwrap();
    assert_eq!(roster.members().len(), GROUP_MEMBERS_MAX);

    let add = Act::Add(&[&sam], Role::Member);
    assert_eq!(add.propose(&roster, &olga), Err(Error::LimitReached));
    assert_eq!(roster.apply(&add.forge(&roster, &olga), 1), Err(Error::LimitReached));
    founding.action = match Forgery::founding(&olga, vec![owner]).action {
        Action::Create { label, add_role, random, .. } => {
            let members = members.into_iter().chain([named(&sam, Role::Member)]).collect();
            Action::Create { label, open: true, add_role, random, members }
        }
        other => other,
    };
    assert_eq!(Roster::open(&founding.bytes()), Err(Error::LimitReached));

    roster.apply(&Act::Remove("user 0001").propose(&roster, &olga).unwrap(), 1).unwrap();
    roster.apply(&add.propose(&roster, &olga).unwrap(), 1).unwrap();
    assert_eq!(roster.members().len(), GROUP_MEMBERS_MAX);
    assert_eq!(Roster::open(&roster.log(0)).as_ref(), Ok(&roster));
}

#[test]
fn proposals_change_nothing_and_differ_each_time() {
    let Group { olga, roster, .. } = Group::new();
    let before = roster.clone();
    let propose = || roster.propose_remove(&olga, "mia", 2, &mut SystemRandom).unwrap();
    assert_ne!(propose(), propose());
    assert_eq!(roster, before);
    let create = || Roster::create(&olga, "", &[], OPEN, 1, &mut SystemRandom).unwrap();
    assert_ne!(create().group_id(), create().group_id());
}

#[test]
fn adding_nobody_is_refused() {
    let Group { olga, roster, .. } = Group::new();
    let mut rng = ScriptedRandom::new("none");
    assert_eq!(roster.propose_add(&olga, &[], Role::Member, 2, &mut rng), Err(Error::InvalidArgument));
    let empty = Forgery::after(&roster, &olga, Action::Add(vec![])).bytes();
    assert_eq!(roster.clone().apply(&empty, 2), Err(Error::Malformed));
}

proptest! {
    #[test]
    fn any_bytes_are_answered_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..700),
        body in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0usize..8,
        at: prop::sample::Index,
    ) {
        let Group { roster, next, .. } = Group::new();
        let mut kept = roster.clone();
        let entry = &next[kind].1;
        let at = at.index(entry.len());
        let spliced = [&entry[..at], &body[..], &entry[at..]].concat();
        for input in [&bytes[..], &spliced, &[&[1, 1, 0, 1, 6], &bytes[..]].concat()] {
            prop_assert!(Roster::open(input).is_err());
            prop_assert!(body.is_empty() || kept.apply(input, 1).is_err());
            let _ = kept.check(input);
        }
        prop_assert!(body.is_empty() || kept == roster);
    }
}
