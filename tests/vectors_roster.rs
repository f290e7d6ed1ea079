//! `tests/vectors/roster.json`: an entry of each kind, a fork and its end, and entries that must be refused
//! (`docs/PROTOCOL.md` section 7).
//!
//! The library makes each entry; its bytes are then put together a second time from the layout alone.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::group::{Forgery, named};
use common::vectors::{check, hex, label};
use sealwax::Error;
use sealwax::crypto::ecc::SignPrivate;
use sealwax::crypto::kdf;
use sealwax::identity::{Card, Identity, IdentityOptions};
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::{Action, Role};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000_000;

/// An identity, and the private key that the script gave for it.
struct Scripted {
    identity: Identity,
    sign: SignPrivate,
}

fn scripted(user: &str, seed: &str) -> Scripted {
    let seed = format!("roster vectors {seed}");
    let options = IdentityOptions::default();
    let identity = Identity::generate(&mut ScriptedRandom::new(&seed), user, options, NOW).unwrap();
    Scripted { identity, sign: SignPrivate::generate(&mut ScriptedRandom::new(&seed)).unwrap() }
}

/// One length byte, and the bytes.
fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// Four length bytes, and the bytes.
fn long(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn member(of: &Identity, role: u8) -> Vec<u8> {
    let card = of.card();
    [&short(card.user().as_bytes())[..], card.sign_key().as_bytes(), card.agree_key().as_bytes(), &[role]]
        .concat()
}

/// An entry put together from its layout, compared with what the library made.
struct Laid<'a> {
    name: &'a str,
    action: u8,
    body: Vec<u8>,
    actor: &'a Scripted,
    /// The roster before it; none for the create entry.
    before: Option<&'a Roster>,
    timestamp_ms: u64,
    entry: Vec<u8>,
}

impl Laid<'_> {
    fn vector(&self) -> Value {
        let zero = [0; 32];
        let (group_id, epoch, previous) = match self.before {
            Some(roster) => (roster.group_id(), roster.epoch() + 1, roster.hash()),
            None => (&zero, 0, &zero),
        };
        let identity = &self.actor.identity;
        let signed = [
            &[1, 1, 0, 1, 0x06],
            &group_id[..],
            &epoch.to_be_bytes(),
            previous,
            &short(identity.user().as_bytes()),
            identity.fingerprint().as_bytes(),
            &self.timestamp_ms.to_be_bytes(),
            &[self.action],
            &long(&self.body),
        ]
        .concat();
        let signature_input = [label("sealwax roster/1"), signed.clone()].concat();
        let signature = self.actor.sign.sign_raw(&mut ScriptedRandom::new(""), &signature_input).unwrap();
        assert_eq!(self.entry, [&signed[..], &signature].concat(), "{}", self.name);

        let hash_input = [label("sealwax entry/1"), self.entry.clone()].concat();
        let hash = kdf::sha256(&[&hash_input]);
        let mut after = match self.before {
            Some(roster) => roster.clone(),
            None => Roster::open(&self.entry).unwrap(),
        };
        after.apply(&self.entry, NOW).unwrap();
        assert_eq!(after.hash(), &hash, "{}", self.name);

        json!({
            "name": self.name,
            "action": self.action,
            "group_id": hex(group_id),
            "epoch": epoch,
            "previous": hex(previous),
            "actor": identity.user(),
            "actor_fingerprint": hex(identity.fingerprint().as_bytes()),
            "actor_sign_private": hex(self.actor.sign.to_bytes().as_bytes()),
            "timestamp_ms": self.timestamp_ms,
            "body": hex(&self.body),
            "signature_input": hex(signature_input),
            "signature": hex(signature),
            "entry": hex(&self.entry),
            "entry_hash": hex(hash),
            "after": state(&after),
        })
    }
}

/// What an implementation has to hold after an entry.
fn state(roster: &Roster) -> Value {
    let members = roster.members().map(|member| {
        json!({
            "user": &**member.user(),
            "fingerprint": hex(member.fingerprint().as_bytes()),
            "role": member.role() as u8,
        })
    });
    json!({
        "group_id": hex(roster.group_id()),
        "epoch": roster.epoch(),
        "hash": hex(roster.hash()),
        "membership_epoch": roster.membership_epoch(),
        "deleted": roster.is_deleted(),
        "members": members.collect::<Value>(),
    })
}

fn cards(of: &[&Scripted]) -> Vec<Card> {
    of.iter().map(|one| one.identity.card().clone()).collect()
}

/// One entry after the other, of every kind that needs no fork.
fn life(olga: &Scripted, others: [&Scripted; 4], new_mia: &Scripted) -> (Vec<Value>, Roster) {
    let [mia, ada, max, zoe] = others;
    let rng = &mut ScriptedRandom::new("roster vectors");
    let policy = RosterPolicy { open: true, add_role: Role::Admin };
    let mut roster = Roster::create(&olga.identity, "team-42 ü", &cards(&[mia]), policy, NOW, rng).unwrap();
    let mut random = [0; 32];
    sealwax::crypto::rng::Random::fill(&mut ScriptedRandom::new("roster vectors"), &mut random).unwrap();
    let members = [member(&olga.identity, 3), member(&mia.identity, 1)].concat();
    let create = Laid {
        name: "create",
        action: 0,
        body: [&short("team-42 ü".as_bytes())[..], &[1, 2], &random, &long(&members)].concat(),
        actor: olga,
        before: None,
        timestamp_ms: NOW,
        entry: roster.log(0),
    };
    let mut vectors = vec![create.vector()];
    let mut then = |name, action, body: Vec<u8>, actor: &Scripted, entry: Vec<u8>| {
        let timestamp_ms = NOW + 1_000 * (roster.epoch() + 1);
        let before = Some(&roster);
        vectors.push(Laid { name, action, body, actor, before, timestamp_ms, entry: entry.clone() }.vector());
        roster.apply(&entry, NOW).unwrap();
        roster.clone()
    };
    let rng = &mut ScriptedRandom::new("");
    let at = |roster: &Roster| NOW + 1_000 * (roster.epoch() + 1);

    let mut now = Roster::open(&create.entry).unwrap();
    let entry = now.propose_add(&olga.identity, &cards(&[ada, zoe]), Role::Owner, at(&now), rng).unwrap();
    let body = long(&[member(&ada.identity, 3), member(&zoe.identity, 3)].concat());
    now = then("add", 1, body, olga, entry);
    let entry = now.propose_join(&max.identity, at(&now), rng).unwrap();
    now = then("join", 2, member(&max.identity, 1), max, entry);
    let entry = now.propose_remove(&olga.identity, "max", at(&now), rng).unwrap();
    now = then("remove", 3, short(b"max"), olga, entry);
    let entry = now.propose_leave(&zoe.identity, at(&now), rng).unwrap();
    now = then("leave", 4, vec![], zoe, entry);
    let entry = now.propose_role(&ada.identity, "mia", Role::Admin, at(&now), rng).unwrap();
    now = then("role", 5, [short(b"mia"), vec![2]].concat(), ada, entry);
    let entry = now.propose_replace(&mia.identity, new_mia.identity.card(), at(&now), rng).unwrap();
    now = then("replace", 6, member(&new_mia.identity, 2), mia, entry);
    let entry = now.propose_delete(&ada.identity, at(&now), rng).unwrap();
    let before_delete = now.clone();
    then("delete", 7, vec![], ada, entry);
    (vectors, before_delete)
}

/// Two owners' entries for one epoch, and the third one's resolve for each.
fn fork(before: &Roster, olga: &Scripted, ada: &Scripted, zoe: &Scripted) -> Value {
    let rng = &mut ScriptedRandom::new("");
    let one = before.propose_remove(&olga.identity, "mia", NOW, rng).unwrap();
    let add = before.propose_add(&ada.identity, &cards(&[zoe]), Role::Member, NOW, rng).unwrap();
    let (mut own, mut other) = (before.clone(), before.clone());
    own.apply(&one, NOW).unwrap();
    other.apply(&add, NOW).unwrap();
    let more = other.propose_role(&olga.identity, "zoe", Role::Admin, NOW, rng).unwrap();
    other.apply(&more, NOW).unwrap();
    let mut forked = own.clone();
    assert_eq!(forked.apply(&[add.clone(), more.clone()].concat(), NOW), Err(Error::RosterForked));
    let entitled: Vec<&str> = [olga, ada, zoe]
        .map(|one| &one.identity)
        .iter()
        .filter(|one| forked.entitled(one.user(), &one.fingerprint()).is_ok())
        .map(|one| one.user())
        .collect();
    assert_eq!(entitled, ["olga", "ada"]);
    let resolves = [(&own, other.hash_at(own.epoch())), (&other, own.hash_at(own.epoch()))];
    let resolves = resolves.map(|(chosen, rejected)| {
        let entry = forked.propose_resolve(&ada.identity, chosen.hash(), NOW, rng).unwrap();
        let body = [&chosen.hash()[..], &short(rejected.unwrap())].concat();
        let laid = Laid {
            name: "resolve",
            action: 8,
            body,
            actor: ada,
            before: Some(chosen),
            timestamp_ms: NOW,
            entry: entry.clone(),
        };
        let mut settled = forked.clone();
        settled.apply(&entry, NOW).unwrap();
        assert!(!settled.is_forked());
        let mut vector = laid.vector();
        assert_eq!(vector["after"], state(&settled), "whoever knew both ends where the others do");
        vector["rejected"] = hex(rejected.unwrap());
        vector
    });
    json!({
        "before": state(before),
        "own": [hex(one)],
        "branch": [hex(add), hex(more)],
        "entitled_while_forked": entitled,
        "resolves": resolves.to_vec(),
    })
}

/// Entries that differ from a good one in one thing each; validly signed except where that is the thing.
fn refused(roster: &Roster, olga: &Scripted, mia: &Scripted, zoe: &Scripted) -> Value {
    let (owner, stranger) = (&olga.identity, &zoe.identity);
    let add = Action::Add(vec![named(stranger, Role::Member)]);
    let good = || Forgery::after(roster, owner, add.clone());
    assert!(roster.clone().apply(&good().bytes(), NOW).is_ok());
    let twice = Action::Add(vec![named(stranger, Role::Member), named(stranger, Role::Member)]);
    let present = Action::Add(vec![named(owner, Role::Member)]);
    let mut off_curve = *stranger.card().sign_key().as_bytes();
    off_curve[64] ^= 1;
    let mut no_point = named(stranger, Role::Member);
    no_point.sign_key = &off_curve;
    let mut one_key = named(stranger, Role::Member);
    one_key.agree_key = one_key.sign_key;
    let resolve = Action::Resolve { chosen: &[1; 32], rejected: vec![&[2; 32]] };
    let after = |actor, action| Forgery::after(roster, actor, action).bytes();
    let cases = [
        ("another group", Forgery { group_id: [1; 32], ..good() }.bytes(), Error::WrongGroup),
        ("an epoch is missing", Forgery { epoch: roster.epoch() + 2, ..good() }.bytes(), Error::RosterBehind),
        ("another previous", Forgery { previous: [1; 32], ..good() }.bytes(), Error::RosterBehind),
        ("another fingerprint", Forgery { fingerprint: [1; 32], ..good() }.bytes(), Error::NotAMember),
        ("by a stranger", after(stranger, add.clone()), Error::NotAMember),
        (
            "signed by somebody else",
            Forgery { signer: stranger, ..good() }.bytes(),
            Error::AuthenticationFailed,
        ),
        ("a member adds", after(&mia.identity, add.clone()), Error::NotPermitted),
        ("the last owner leaves", after(owner, Action::Leave), Error::NotPermitted),
        ("the last owner steps down", after(owner, Action::Role("olga", Role::Admin)), Error::NotPermitted),
        ("removes itself", after(owner, Action::Remove("olga")), Error::NotPermitted),
        ("removes a stranger", after(owner, Action::Remove("zoe")), Error::NotAMember),
        ("adds a user twice", after(owner, twice), Error::Malformed),
        ("adds a member", after(owner, present), Error::Malformed),
        ("a key is no point", after(owner, Action::Add(vec![no_point])), Error::Malformed),
        ("both keys are one", after(owner, Action::Add(vec![one_key])), Error::Malformed),
        ("joins as an admin", after(stranger, Action::Join(named(stranger, Role::Admin))), Error::Malformed),
        ("chooses another head", after(owner, resolve), Error::Malformed),
        ("a byte after the signature", [good().bytes(), vec![0]].concat(), Error::Malformed),
    ];
    let vectors = cases.map(|(why, entry, error)| {
        assert_eq!(roster.clone().apply(&entry, NOW), Err(error), "{why}");
        json!({ "why": why, "entry": hex(entry), "status": status(error) })
    });
    json!({ "log": hex(roster.log(0)), "entries": vectors.to_vec() })
}

/// The name of section 11.
fn status(error: Error) -> &'static str {
    match error {
        Error::WrongGroup => "WRONG_GROUP",
        Error::RosterBehind => "ROSTER_BEHIND",
        Error::NotAMember => "NOT_A_MEMBER",
        Error::NotPermitted => "NOT_PERMITTED",
        Error::AuthenticationFailed => "AUTHENTICATION_FAILED",
        _ => "MALFORMED",
    }
}

#[test]
fn roster_vectors_are_those_committed() {
    let [olga, mia, ada, max, zoe] = ["olga", "mia", "ada", "max", "zoe"].map(|user| scripted(user, user));
    let new_mia = scripted("mia", "mia again");
    let (entries, before_delete) = life(&olga, [&mia, &ada, &max, &zoe], &new_mia);
    let small = Roster::create(
        &olga.identity,
        "",
        &cards(&[&mia]),
        RosterPolicy { open: true, add_role: Role::Admin },
        NOW,
        &mut ScriptedRandom::new("roster vectors, refused"),
    )
    .unwrap();
    let vectors = json!({
        "description": "PROTOCOL.md section 7. Signatures: RFC 6979, low s. An input starts with L(label).",
        "entries": entries,
        "log": hex(before_delete.log(0)),
        "fork": fork(&before_delete, &olga, &ada, &zoe),
        "refused": refused(&small, &olga, &mia, &zoe),
    });
    check("roster", &vectors);
}
