//! Rosters through the C ABI.
#![allow(unsafe_code, reason = "misuse that the wrappers do not allow")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use core::ptr;

use common::abi::{Identity, Roster, alone, revision};
use sealwax::ffi::roster::*;
use sealwax::ffi::{proposals, status::*};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000_000;
const MEMBER: u32 = SEALWAX_ROLE_MEMBER;

fn person(user: &str) -> Identity {
    Identity::new(user, NOW)
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn roles(roster: &Roster) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let members = roster.info()["members"].clone();
    members.as_array().unwrap().iter().map(|member| (text(&member["user"]), text(&member["role"]))).collect()
}

#[test]
fn a_group_lives_through_every_kind_of_entry() {
    alone(|| {
        let [olga, ada, mia, max, new_mia] = ["olga", "ada", "mia", "max", "mia"].map(person);
        let roster = Roster::create(&olga, b"team", &mia.card(), r#"{"open":true}"#, NOW).unwrap();
        let follower = Roster::open(&roster.log(0)).unwrap();
        let apply = |entry: Vec<u8>| {
            roster.apply(&entry).unwrap();
            assert!(roster.log(u64::MAX).is_empty());
            assert_eq!(roster.log(roster.info()["epoch"].as_u64().unwrap()), entry);
            follower.apply(&entry).unwrap();
            assert_eq!(follower.info(), roster.info());
            let (state, info) = (roster.state(), roster.info());
            assert_eq!((&state.epoch.into(), state.role), (&info["epoch"], 0));
            assert_eq!(state.hash[..], bytes(&info["hash"]));
            let members = roster.members();
            assert_eq!((members.len(), Some(&members)), (state.members as usize, Some(&follower.members())));
            assert_eq!(members.len(), info["members"].as_array().unwrap().len());
        };
        apply(roster.add(&olga, &ada.card(), SEALWAX_ROLE_ADMIN).unwrap());
        apply(roster.join(&max).unwrap());
        assert_eq!(
            roles(&roster),
            [("ada", "admin"), ("max", "member"), ("mia", "member"), ("olga", "owner")]
                .map(|(user, role)| (user.to_owned(), role.to_owned()))
        );
        apply(roster.replace(&mia, &new_mia.card()).unwrap());
        let replaced = &roster.info()["members"][2];
        assert_eq!(replaced["fingerprint"], new_mia.info()["fingerprint"]);
        assert_eq!(replaced["since_epoch"], 3);
        apply(roster.role(&olga, "ada", SEALWAX_ROLE_OWNER).unwrap());
        assert_eq!(roster.info()["membership_epoch"], 3);
        apply(roster.remove(&ada, "olga").unwrap());
        apply(roster.leave(&max).unwrap());
        apply(roster.delete(&ada).unwrap());
        let info = roster.info();
        assert_eq!(info["deleted"], true);
        assert_eq!(info["epoch"], 7);
        assert_eq!(roster.join(&max).unwrap_err(), SEALWAX_GROUP_DELETED);
        assert_eq!(Roster::open(&roster.log(0)).unwrap().info(), info);
    });
}

#[test]
fn the_description_names_the_group_and_its_policy() {
    alone(|| {
        let olga = person("olga");
        let options = r#"{"v":1,"open":true,"add_role":"owner"}"#;
        let roster = Roster::create(&olga, "Größe".as_bytes(), &[], options, NOW).unwrap();
        let info = roster.info();
        assert_eq!(bytes(&info["group_id"]), roster.group_id());
        assert_eq!(info["group_id"], info["hash"]);
        let expected = json!({
            "v": 1, "group_id": info["group_id"], "label": "Größe", "open": true, "add_role": "owner", "epoch": 0,
            "hash": info["hash"], "membership_epoch": 0, "deleted": false, "forked": false, "branches": [],
            "members": [{"user": "olga", "fingerprint": olga.info()["fingerprint"], "role": "owner", "since_epoch": 0}],
        });
        assert_eq!(info, expected);
    });
}

#[test]
fn bad_labels_cards_and_options_are_refused() {
    alone(|| {
        let (olga, mia) = (person("olga"), person("mia"));
        let create = |label: &[u8], cards: &[u8], options: &str| {
            Roster::create(&olga, label, cards, options, NOW).map(|_| ())
        };
        assert_eq!(create(b"", &[], ""), Ok(()));
        assert_eq!(create(b"a\nb", &[], ""), Err(SEALWAX_INVALID_TEXT));
        assert_eq!(create(b"\xff", &[], ""), Err(SEALWAX_INVALID_TEXT));
        assert_eq!(create(&[b'a'; 256], &[], ""), Err(SEALWAX_TOO_LARGE));
        assert_eq!(create(b"a", &[1], ""), Err(SEALWAX_MALFORMED));
        assert_eq!(create(b"a", &mia.card().repeat(2), ""), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(create(b"a", &olga.card(), ""), Err(SEALWAX_INVALID_ARGUMENT));
        let mut forged = mia.card();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(create(b"a", &forged, ""), Err(SEALWAX_AUTHENTICATION_FAILED));
        for options in ["[]", r#"{"open":1}"#, r#"{"add_role":"nobody"}"#, r#"{"add_role":2}"#, r#"{"x":1}"#]
        {
            assert_eq!(create(b"a", &[], options), Err(SEALWAX_INVALID_OPTIONS), "{options}");
        }
    });
}

#[test]
fn proposals_without_the_right_are_refused_by_status() {
    alone(|| {
        let [olga, mia, max, sam, new_mia] = ["olga", "mia", "max", "sam", "mia"].map(person);
        let roster = Roster::new(&olga, &[&mia, &max], NOW);
        let before = (roster.info(), revision(roster.handle()));
        let add = |actor, cards: &[u8], role| roster.add(actor, cards, role).unwrap_err();
        assert_eq!(add(&mia, &sam.card(), MEMBER), SEALWAX_NOT_PERMITTED);
        assert_eq!(add(&sam, &sam.card(), MEMBER), SEALWAX_NOT_A_MEMBER);
        assert_eq!(add(&olga, &mia.card(), MEMBER), SEALWAX_MALFORMED);
        assert_eq!(add(&olga, &[], MEMBER), SEALWAX_INVALID_ARGUMENT);
        for role in [0, 4, 256 + MEMBER, u32::MAX] {
            assert_eq!(add(&olga, &sam.card(), role), SEALWAX_INVALID_ARGUMENT);
            assert_eq!(roster.role(&olga, "mia", role).unwrap_err(), SEALWAX_INVALID_ARGUMENT);
        }
        assert_eq!(roster.join(&sam).unwrap_err(), SEALWAX_NOT_PERMITTED);
        assert_eq!(roster.remove(&olga, "sam").unwrap_err(), SEALWAX_NOT_A_MEMBER);
        assert_eq!(roster.remove(&olga, "").unwrap_err(), SEALWAX_NOT_A_MEMBER);
        assert_eq!(roster.remove(&mia, "max").unwrap_err(), SEALWAX_NOT_PERMITTED);
        assert_eq!(roster.leave(&olga).unwrap_err(), SEALWAX_NOT_PERMITTED);
        assert_eq!(roster.role(&mia, "mia", SEALWAX_ROLE_OWNER).unwrap_err(), SEALWAX_NOT_PERMITTED);
        assert_eq!(roster.replace(&max, &new_mia.card()).unwrap_err(), SEALWAX_NOT_PERMITTED);
        assert_eq!(roster.replace(&new_mia, &new_mia.card()).unwrap_err(), SEALWAX_NOT_A_MEMBER);
        assert_eq!(roster.replace(&mia, &mia.card()).unwrap_err(), SEALWAX_MALFORMED);
        assert_eq!(roster.delete(&mia).unwrap_err(), SEALWAX_NOT_PERMITTED);
        assert_eq!(roster.resolve(&olga, &[0; 32]).unwrap_err(), SEALWAX_INVALID_ARGUMENT);
        assert_eq!(roster.resolve(&olga, &[0; 31]).unwrap_err(), SEALWAX_INVALID_ARGUMENT);
        assert_eq!(roster.resolve(&olga, &[0; 33]).unwrap_err(), SEALWAX_TOO_LARGE);
        assert_eq!((roster.info(), revision(roster.handle())), before);
    });
}

#[test]
fn a_fork_is_a_change_and_a_status_until_an_owner_resolves() {
    alone(|| {
        let [olga, mia, sam] = ["olga", "mia", "sam"].map(person);
        let roster = Roster::new(&olga, &[&mia], NOW);
        let other = Roster::open(&roster.log(0)).unwrap();
        let remove = roster.remove(&olga, "mia").unwrap();
        let add = other.add(&olga, &sam.card(), MEMBER).unwrap();
        roster.apply(&remove).unwrap();
        other.apply(&add).unwrap();

        let before = revision(roster.handle()).unwrap();
        assert_eq!(roster.apply(&add).unwrap_err(), SEALWAX_ROSTER_FORKED);
        assert!(revision(roster.handle()).unwrap() > before);
        let info = roster.info();
        assert_eq!(info["forked"], true);
        assert_eq!(info["branches"], json!([{"head": other.info()["hash"], "epoch": 1, "fork_epoch": 0}]));
        let state = roster.state();
        assert_eq!((state.branches, state.branch_heads[..32].to_vec()), (1, bytes(&other.info()["hash"])));
        assert_eq!(roster.add(&olga, &sam.card(), MEMBER).unwrap_err(), SEALWAX_ROSTER_FORKED);
        assert_eq!(Roster::open(&roster.log(0)).unwrap().info(), info, "a stored fork is still one");

        let resolve = roster.resolve(&olga, &bytes(&info["branches"][0]["head"])).unwrap();
        roster.apply(&resolve).unwrap();
        other.apply(&resolve).unwrap();
        assert_eq!(roster.info()["forked"], false);
        assert_eq!(roster.info(), other.info());
        assert_eq!(roster.apply(&remove).unwrap_err(), SEALWAX_STALE_EPOCH);
    });
}

#[test]
fn tampered_entries_change_nothing() {
    alone(|| {
        let (olga, mia) = (person("olga"), person("mia"));
        let roster = Roster::new(&olga, &[&mia], NOW);
        let entry = roster.remove(&olga, "mia").unwrap();
        let before = (roster.info(), roster.log(0), revision(roster.handle()));
        for at in 0..entry.len() {
            let mut tampered = entry.clone();
            tampered[at] ^= 1;
            assert!(roster.apply(&tampered).is_err(), "byte {at}");
        }
        let stranger = Roster::new(&mia, &[], NOW);
        assert_eq!(roster.apply(&stranger.log(0)).unwrap_err(), SEALWAX_WRONG_GROUP);
        assert_eq!(roster.apply(&[]).unwrap_err(), SEALWAX_MALFORMED);
        assert_eq!(roster.apply(&mia.card()).unwrap_err(), SEALWAX_WRONG_KIND);
        assert_eq!((roster.info(), roster.log(0), revision(roster.handle())), before);
        roster.apply(&entry).unwrap();
    });
}

#[test]
fn a_roster_outlives_the_identity_that_made_it() {
    alone(|| {
        let olga = person("olga");
        let roster = Roster::new(&olga, &[], NOW);
        olga.free().unwrap();
        assert_eq!(roster.info()["epoch"], 0);
        let handle = roster.handle();
        roster.free().unwrap();
        // SAFETY: a handle is not followed.
        unsafe {
            assert_eq!(sealwax_roster_free(handle), SEALWAX_INVALID_HANDLE);
            assert_eq!(sealwax_roster_apply(handle, ptr::null(), 0, NOW), SEALWAX_INVALID_HANDLE);
            assert_eq!(sealwax_roster_free(ptr::null_mut()), SEALWAX_OK);
        }
    });
}

#[test]
fn null_pointers_and_foreign_handles_are_refused() {
    alone(|| {
        let olga = person("olga");
        let roster = Roster::new(&olga, &[], NOW);
        let (mut len, mut handle) = (7, ptr::dangling_mut());
        let out = (ptr::null_mut(), 0);
        // SAFETY: every pointer is NULL or lives.
        unsafe {
            assert_eq!(sealwax_roster_open(ptr::null(), 5, &mut handle), SEALWAX_NULL_POINTER);
            assert!(handle.is_null());
            assert_eq!(sealwax_roster_open(ptr::null(), 0, ptr::null_mut()), SEALWAX_NULL_POINTER);
            assert_eq!(sealwax_roster_apply(roster.handle(), ptr::null(), 1, NOW), SEALWAX_NULL_POINTER);
            assert_eq!(sealwax_roster_group_id(roster.handle(), ptr::null_mut()), SEALWAX_NULL_POINTER);
            assert_eq!(
                sealwax_roster_log(roster.handle(), 0, ptr::null_mut(), 1, &mut len),
                SEALWAX_NULL_POINTER
            );
            assert_eq!(len, 0);
            let foreign = olga.handle().cast();
            assert_eq!(sealwax_roster_info(foreign, out.0, out.1, &mut len), SEALWAX_INVALID_HANDLE);
            let actor = roster.handle().cast();
            assert_eq!(
                proposals::sealwax_roster_propose_leave(roster.handle(), actor, NOW, out.0, out.1, &mut len),
                SEALWAX_INVALID_HANDLE
            );
        }
    });
}
