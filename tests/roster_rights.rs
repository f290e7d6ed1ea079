//! Who may do what in a group (`docs/PROTOCOL.md` sections 7.1 and 7.2).
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Act, Forgery, group, named, person, person_with};
use sealwax::Error;
use sealwax::identity::Identity;
use sealwax::roster::{Applied, Roster, RosterPolicy};
use sealwax::wire::roster::{Action, Role};

/// One of everybody, so that tables can name them.
struct People {
    olga: Identity,
    otto: Identity,
    ada: Identity,
    abe: Identity,
    mia: Identity,
    max: Identity,
    sam: Identity,
    /// Mia and the others again, with new keys.
    new_mia: Identity,
    new_ada: Identity,
    new_otto: Identity,
    new_olga: Identity,
}

impl People {
    fn new() -> Self {
        Self {
            olga: person("olga"),
            otto: person("otto"),
            ada: person("ada"),
            abe: person("abe"),
            mia: person("mia"),
            max: person("max"),
            sam: person("sam"),
            new_mia: person_with("mia", "new mia"),
            new_ada: person_with("ada", "new ada"),
            new_otto: person_with("otto", "new otto"),
            new_olga: person_with("olga", "new olga"),
        }
    }

    /// Olga and perhaps Otto own the group, Ada and Abe are admins, Mia and Max members. Sam is a stranger.
    fn group(&self, policy: RosterPolicy, two_owners: bool) -> Roster {
        let mut roster = group(&self.olga, &[&self.mia, &self.max], policy);
        let mut add = |people: &[&Identity], role| {
            let entry = Act::Add(people, role).propose(&roster, &self.olga).unwrap();
            roster.apply(&entry, 2).unwrap();
        };
        add(&[&self.ada, &self.abe], Role::Admin);
        if two_owners {
            add(&[&self.otto], Role::Owner);
        }
        roster
    }
}

/// A proposal and a forgery of the same act are answered alike, and a refused one changes nothing.
fn assert_row(row: &str, roster: &Roster, actor: &Identity, act: Act<'_>, expected: Result<(), Error>) {
    let mut applied = roster.clone();
    let answer = applied.apply(&act.forge(roster, actor), 3);
    assert_eq!(answer.map(|_| ()), expected, "applied: {row}");
    assert_eq!(act.propose(roster, actor).map(|_| ()), expected, "proposed: {row}");
    assert_eq!(&applied == roster, expected.is_err(), "state: {row}");
    let membership = !matches!(act, Act::Role(..));
    if expected.is_ok() {
        assert_eq!(answer, Ok(Applied { changed: true, membership_changed: membership }), "{row}");
        assert_eq!(applied.membership_epoch() == applied.epoch(), membership, "{row}");
        assert_eq!(Roster::open(&applied.log(0)).as_ref(), Ok(&applied), "opens again: {row}");
    }
}

type Row<'a> = (&'a str, &'a Identity, Act<'a>, Result<(), Error>);

fn assert_table(roster: &Roster, table: &[Row<'_>]) {
    for (row, actor, act, expected) in table {
        assert_row(row, roster, actor, *act, *expected);
    }
}

const NO: Result<(), Error> = Err(Error::NotPermitted);

#[test]
fn rights_in_a_closed_group_with_two_owners() {
    let p = People::new();
    let roster = p.group(RosterPolicy::default(), true);
    let (member, admin, owner) = (Role::Member, Role::Admin, Role::Owner);
    let sam: &[&Identity] = &[&p.sam];
    assert_table(
        &roster,
        &[
            ("an owner adds a member", &p.olga, Act::Add(sam, member), Ok(())),
            ("an owner adds an admin", &p.olga, Act::Add(sam, admin), Ok(())),
            ("an owner adds an owner", &p.olga, Act::Add(sam, owner), Ok(())),
            ("an admin adds a member", &p.ada, Act::Add(sam, member), Ok(())),
            ("an admin adds an admin", &p.ada, Act::Add(sam, admin), NO),
            ("an admin adds an owner", &p.ada, Act::Add(sam, owner), NO),
            ("a member adds a member", &p.mia, Act::Add(sam, member), NO),
            ("a stranger adds itself", &p.sam, Act::Add(sam, member), Err(Error::NotAMember)),
            ("a present user is added", &p.olga, Act::Add(&[&p.mia], member), Err(Error::Malformed)),
            ("a user is added twice", &p.olga, Act::Add(&[&p.sam, &p.sam], member), Err(Error::Malformed)),
            ("a stranger joins", &p.sam, Act::Join, NO),
            ("a member joins again", &p.mia, Act::Join, NO),
            ("an owner removes a member", &p.olga, Act::Remove("mia"), Ok(())),
            ("an owner removes an admin", &p.olga, Act::Remove("ada"), Ok(())),
            ("an owner removes an owner", &p.olga, Act::Remove("otto"), Ok(())),
            ("an owner removes itself", &p.olga, Act::Remove("olga"), NO),
            ("an admin removes a member", &p.ada, Act::Remove("mia"), Ok(())),
            ("an admin removes an admin", &p.ada, Act::Remove("abe"), NO),
            ("an admin removes an owner", &p.ada, Act::Remove("olga"), NO),
            ("an admin removes itself", &p.ada, Act::Remove("ada"), NO),
            ("a member removes a member", &p.mia, Act::Remove("max"), NO),
            ("a member removes itself", &p.mia, Act::Remove("mia"), NO),
            ("a stranger removes a member", &p.sam, Act::Remove("mia"), Err(Error::NotAMember)),
            ("an owner removes a stranger", &p.olga, Act::Remove("sam"), Err(Error::NotAMember)),
            ("a member leaves", &p.mia, Act::Leave, Ok(())),
            ("an admin leaves", &p.ada, Act::Leave, Ok(())),
            ("one of two owners leaves", &p.olga, Act::Leave, Ok(())),
            ("a stranger leaves", &p.sam, Act::Leave, Err(Error::NotAMember)),
            ("an owner makes an owner", &p.olga, Act::Role("mia", owner), Ok(())),
            ("an owner makes an admin", &p.olga, Act::Role("mia", admin), Ok(())),
            ("an owner demotes an admin", &p.olga, Act::Role("ada", member), Ok(())),
            ("an owner demotes an owner", &p.olga, Act::Role("otto", member), Ok(())),
            ("one of two owners steps down", &p.olga, Act::Role("olga", member), Ok(())),
            ("an admin promotes a member", &p.ada, Act::Role("mia", admin), NO),
            ("an admin promotes itself", &p.ada, Act::Role("ada", owner), NO),
            ("an admin steps down", &p.ada, Act::Role("ada", member), NO),
            ("a member promotes itself", &p.mia, Act::Role("mia", owner), NO),
            ("a stranger promotes a member", &p.sam, Act::Role("mia", owner), Err(Error::NotAMember)),
            ("an owner promotes a stranger", &p.olga, Act::Role("sam", owner), Err(Error::NotAMember)),
            ("a member replaces itself", &p.mia, Act::Replace(&p.new_mia, member), Ok(())),
            ("an admin replaces itself", &p.ada, Act::Replace(&p.new_ada, admin), Ok(())),
            ("an owner replaces itself", &p.otto, Act::Replace(&p.new_otto, owner), Ok(())),
            ("an owner replaces an owner", &p.olga, Act::Replace(&p.new_otto, owner), Ok(())),
            ("an owner replaces an admin", &p.olga, Act::Replace(&p.new_ada, admin), Ok(())),
            ("an owner replaces a member", &p.olga, Act::Replace(&p.new_mia, member), Ok(())),
            ("an admin replaces a member", &p.ada, Act::Replace(&p.new_mia, member), Ok(())),
            ("an admin replaces an admin", &p.abe, Act::Replace(&p.new_ada, admin), NO),
            ("an admin replaces an owner", &p.ada, Act::Replace(&p.new_olga, owner), NO),
            ("a member replaces a member", &p.max, Act::Replace(&p.new_mia, member), NO),
            ("a member replaces an owner", &p.max, Act::Replace(&p.new_olga, owner), NO),
            (
                "a member under its new keys",
                &p.new_mia,
                Act::Replace(&p.new_mia, member),
                Err(Error::NotAMember),
            ),
            ("a stranger is replaced", &p.olga, Act::Replace(&p.sam, member), Err(Error::NotAMember)),
            ("a member by the same keys", &p.mia, Act::Replace(&p.mia, member), Err(Error::Malformed)),
            ("an owner deletes the group", &p.olga, Act::Delete, Ok(())),
            ("an admin deletes the group", &p.ada, Act::Delete, NO),
            ("a member deletes the group", &p.mia, Act::Delete, NO),
            ("a stranger deletes the group", &p.sam, Act::Delete, Err(Error::NotAMember)),
        ],
    );
}

#[test]
fn rights_in_a_group_with_one_owner() {
    let p = People::new();
    let roster = p.group(RosterPolicy::default(), false);
    assert_table(
        &roster,
        &[
            ("the last owner leaves", &p.olga, Act::Leave, NO),
            ("the last owner steps down to admin", &p.olga, Act::Role("olga", Role::Admin), NO),
            ("the last owner steps down to member", &p.olga, Act::Role("olga", Role::Member), NO),
            ("the last owner stays owner", &p.olga, Act::Role("olga", Role::Owner), Ok(())),
            ("the last owner removes itself", &p.olga, Act::Remove("olga"), NO),
            ("the last owner hands over", &p.olga, Act::Role("ada", Role::Owner), Ok(())),
            ("the last owner replaces itself", &p.olga, Act::Replace(&p.new_olga, Role::Owner), Ok(())),
            ("the last owner deletes the group", &p.olga, Act::Delete, Ok(())),
        ],
    );
}

#[test]
fn rights_in_an_open_group() {
    let p = People::new();
    let roster = p.group(RosterPolicy { open: true, add_role: Role::Admin }, false);
    assert_table(
        &roster,
        &[
            ("a stranger joins", &p.sam, Act::Join, Ok(())),
            ("a member joins again", &p.mia, Act::Join, Err(Error::Malformed)),
            ("a member joins under new keys", &p.new_mia, Act::Join, Err(Error::Malformed)),
            ("a stranger adds another", &p.sam, Act::Add(&[&p.otto], Role::Member), Err(Error::NotAMember)),
            ("a member adds a member", &p.mia, Act::Add(&[&p.sam], Role::Member), NO),
        ],
    );
    for role in [Role::Admin, Role::Owner] {
        let entry = Forgery::after(&roster, &p.sam, Action::Join(named(&p.sam, role))).bytes();
        assert_eq!(roster.clone().apply(&entry, 3), Err(Error::Malformed), "nobody joins as {role:?}");
    }
    let others = Forgery::after(&roster, &p.sam, Action::Join(named(&p.otto, Role::Member))).bytes();
    assert_eq!(roster.clone().apply(&others, 3), Err(Error::Malformed), "nobody joins somebody else");
}

#[test]
fn the_policy_says_who_may_add() {
    let p = People::new();
    let sam: &[&Identity] = &[&p.sam];
    for (add_role, member, admin) in
        [(Role::Member, Ok(()), Ok(())), (Role::Admin, NO, Ok(())), (Role::Owner, NO, NO)]
    {
        let roster = p.group(RosterPolicy { open: false, add_role }, false);
        assert_table(
            &roster,
            &[
                ("a member adds a member", &p.mia, Act::Add(sam, Role::Member), member),
                ("an admin adds a member", &p.ada, Act::Add(sam, Role::Member), admin),
                ("a member adds an admin", &p.mia, Act::Add(sam, Role::Admin), NO),
                ("an admin adds an admin", &p.ada, Act::Add(sam, Role::Admin), NO),
                ("an owner adds an admin", &p.olga, Act::Add(sam, Role::Admin), Ok(())),
            ],
        );
    }
}

#[test]
fn a_replacement_keeps_the_role() {
    let p = People::new();
    let roster = p.group(RosterPolicy::default(), true);
    for (actor, new) in [(&p.mia, &p.new_mia), (&p.olga, &p.new_mia)] {
        let entry = Act::Replace(new, Role::Admin).forge(&roster, actor);
        assert_eq!(roster.clone().apply(&entry, 3), Err(Error::Malformed));
    }
    let mut replaced = roster.clone();
    replaced.apply(&Act::Replace(&p.new_ada, Role::Admin).propose(&roster, &p.ada).unwrap(), 3).unwrap();
    let ada = replaced.member("ada").unwrap();
    assert_eq!((ada.role(), ada.fingerprint()), (Role::Admin, p.new_ada.fingerprint()));
    assert_eq!(ada.since_epoch(), replaced.epoch());
    assert_eq!(replaced.vouch("ada", &p.ada.fingerprint()).map(|_| ()), Err(Error::IdentityChanged));
    let old_keys = Act::Leave.forge(&replaced, &p.ada);
    assert_eq!(replaced.apply(&old_keys, 3), Err(Error::NotAMember));
}

#[test]
fn nothing_follows_a_delete_entry() {
    let p = People::new();
    let mut roster = p.group(RosterPolicy { open: true, add_role: Role::Admin }, true);
    let before = roster.clone();
    roster.apply(&Act::Delete.propose(&roster, &p.olga).unwrap(), 3).unwrap();
    assert!(roster.is_deleted());
    let deleted = roster.clone();
    for act in
        [Act::Add(&[&p.sam], Role::Member), Act::Remove("mia"), Act::Role("mia", Role::Owner), Act::Delete]
    {
        assert_eq!(act.propose(&roster, &p.olga), Err(Error::GroupDeleted));
        assert_eq!(roster.apply(&act.forge(&deleted, &p.olga), 3), Err(Error::GroupDeleted));
        assert_eq!(
            roster.apply(&act.forge(&before, &p.otto), 3),
            Err(Error::GroupDeleted),
            "not beside it either"
        );
    }
    assert_eq!(roster.apply(&Act::Join.forge(&deleted, &p.sam), 3), Err(Error::GroupDeleted));
    assert_eq!(roster.entitled("mia", &p.mia.fingerprint()), Err(Error::GroupDeleted));
    assert_eq!(roster, deleted);
}

#[test]
fn a_relay_that_adds_a_member_of_its_own_is_refused() {
    let p = People::new();
    let roster = p.group(RosterPolicy::default(), true);
    let spy = person("spy");
    let honest = Forgery::after(&roster, &p.olga, Action::Add(vec![named(&spy, Role::Member)]));
    let forgeries = [
        (
            "in its own name",
            Forgery {
                actor: "spy",
                fingerprint: *spy.fingerprint().as_bytes(),
                signer: &spy,
                ..copy(&honest)
            },
            Error::NotAMember,
        ),
        ("in an owner's name", Forgery { signer: &spy, ..copy(&honest) }, Error::AuthenticationFailed),
        (
            "in an owner's name under its own keys",
            Forgery { signer: &spy, fingerprint: *spy.fingerprint().as_bytes(), ..copy(&honest) },
            Error::NotAMember,
        ),
        (
            "with a member's signature",
            Forgery { signer: &p.mia, ..copy(&honest) },
            Error::AuthenticationFailed,
        ),
        (
            "by joining",
            Forgery {
                actor: "spy",
                fingerprint: *spy.fingerprint().as_bytes(),
                signer: &spy,
                action: Action::Join(named(&spy, Role::Member)),
                ..copy(&honest)
            },
            Error::NotPermitted,
        ),
    ];
    let mut kept = roster.clone();
    for (how, forgery, expected) in forgeries {
        assert_eq!(kept.apply(&forgery.bytes(), 3), Err(expected), "{how}");
        assert_eq!(kept.check(&forgery.bytes()), Err(expected), "{how}");
    }
    assert_eq!(kept, roster);
    assert_eq!(kept.entitled("spy", &spy.fingerprint()), Err(Error::NotAMember));
    assert!(kept.apply(&honest.bytes(), 3).is_ok(), "the owner itself could");
}

fn copy<'a>(forgery: &Forgery<'a>) -> Forgery<'a> {
    Forgery { action: forgery.action.clone(), ..*forgery }
}

#[test]
fn an_entry_for_another_place_or_group_is_refused() {
    let p = People::new();
    let mut roster = p.group(RosterPolicy::default(), true);
    let other = group(&p.olga, &[], RosterPolicy { open: true, ..RosterPolicy::default() });
    let entry = Forgery::after(&roster, &p.olga, Action::Remove("mia"));
    let first = *roster.hash_at(0).unwrap();
    let before = roster.clone();
    let cases = [
        (
            "another group",
            Forgery { group_id: *other.group_id(), ..copy(&entry) },
            Error::WrongGroup,
            Error::WrongGroup,
        ),
        (
            "a skipped epoch",
            Forgery { epoch: entry.epoch + 1, ..copy(&entry) },
            Error::RosterBehind,
            Error::RosterBehind,
        ),
        (
            "the last epoch",
            Forgery { epoch: u64::MAX, ..copy(&entry) },
            Error::RosterBehind,
            Error::RosterBehind,
        ),
        (
            "a stale previous",
            Forgery { previous: first, ..copy(&entry) },
            Error::RosterBehind,
            Error::StaleEpoch,
        ),
        (
            "an unknown previous",
            Forgery { previous: [9; 32], ..copy(&entry) },
            Error::RosterBehind,
            Error::StaleEpoch,
        ),
        ("a stale epoch", Forgery { epoch: 1, ..copy(&entry) }, Error::RosterBehind, Error::StaleEpoch),
    ];
    for (case, forgery, applied, checked) in cases {
        assert_eq!(roster.apply(&forgery.bytes(), 3), Err(applied), "{case}");
        assert_eq!(roster.check(&forgery.bytes()), Err(checked), "{case}");
    }
    for foreign in [other.log(0), group(&p.mia, &[], RosterPolicy::default()).log(0)] {
        assert_eq!(roster.apply(&foreign, 3), Err(Error::WrongGroup));
    }
    assert_eq!(roster, before);
}

#[test]
fn a_create_entry_is_checked_like_any_other() {
    let (olga, mia) = (person("olga"), person("mia"));
    let owner = named(&olga, Role::Owner);
    let member = named(&mia, Role::Member);
    let open = |forgery: Forgery<'_>| Roster::open(&forgery.bytes()).map(|roster| roster.members().len());
    assert_eq!(open(Forgery::founding(&olga, vec![owner])), Ok(1));
    assert_eq!(open(Forgery::founding(&olga, vec![owner, member])), Ok(2));
    for (case, members) in [
        ("the founder is not the first", vec![member, owner]),
        ("the founder is absent", vec![named(&mia, Role::Owner)]),
        ("the founder is no owner", vec![named(&olga, Role::Admin)]),
        ("a member is named twice", vec![owner, member, member]),
        ("the founder is named twice", vec![owner, member, owner]),
        (
            "a key is no point",
            vec![owner, sealwax::wire::roster::MemberFields { sign_key: &[4; 65], ..member }],
        ),
        (
            "both keys are one",
            vec![owner, sealwax::wire::roster::MemberFields { agree_key: member.sign_key, ..member }],
        ),
    ] {
        assert_eq!(open(Forgery::founding(&olga, members)), Err(Error::Malformed), "{case}");
    }
    let forged = Forgery { signer: &mia, ..Forgery::founding(&olga, vec![owner]) };
    assert_eq!(open(forged), Err(Error::AuthenticationFailed));
    let other = Forgery { fingerprint: [1; 32], ..Forgery::founding(&olga, vec![owner]) };
    assert_eq!(open(other), Err(Error::Malformed));
}

#[test]
fn a_group_is_created_with_names_that_are_names() {
    let (olga, mia) = (person("olga"), person("mia"));
    let mut rng = ScriptedRandom::new("create");
    let mut create = |label: &str, cards: &[_]| {
        Roster::create(&olga, label, cards, RosterPolicy::default(), 1, &mut rng)
            .map(|roster| roster.label().to_owned())
    };
    assert_eq!(create("team-42", &[mia.card().clone()]), Ok("team-42".to_owned()));
    assert_eq!(create("", &[]), Ok(String::new()));
    assert_eq!(create("a\nb", &[]), Err(Error::InvalidText));
    assert_eq!(create(&"a".repeat(256), &[]), Err(Error::TooLarge));
    assert_eq!(create("twice", &[mia.card().clone(), mia.card().clone()]), Err(Error::InvalidArgument));
    assert_eq!(create("myself", &[olga.card().clone()]), Err(Error::InvalidArgument));
}
