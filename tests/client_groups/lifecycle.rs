//! Groups come, change and end.

use sealwax::error::Error;
use sealwax::wire::roster::Role;

use crate::bed::Bed;

#[test]
fn a_group_is_founded_and_everybody_reads_everybody() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team-42", &["bob", "carol"]);
    assert_eq!(bed.person("alice").happened(), ["group_created"]);
    for name in ["bob", "carol"] {
        assert_eq!(bed.person(name).happened(), ["group_joined by alice"]);
        assert_eq!(bed.client(name).groups().unwrap(), [group]);
    }
    let id = bed.say("alice", &group, "hello all");
    bed.run();
    bed.say("bob", &group, "hello alice");
    bed.say("carol", &group, "hello you two");
    bed.run();
    assert_eq!(bed.person("alice").sent(&id), [Ok(())]);
    assert_eq!(bed.person("alice").heard_of("bob"), ["hello alice"]);
    assert_eq!(bed.person("alice").heard_of("carol"), ["hello you two"]);
    assert_eq!(bed.person("bob").heard_of("alice"), ["hello all"]);
    assert_eq!(bed.person("bob").heard_of("carol"), ["hello you two"]);
    assert_eq!(bed.person("carol").heard_of("alice"), ["hello all"]);
    bed.assert_clean();
}

#[test]
fn an_open_group_is_joined_by_its_label() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group =
        bed.ask("alice", |client, now_ms| client.create_group("cafe", true, &["bob"], now_ms)).unwrap();
    bed.say("alice", &group, "before");
    bed.run();
    let joined = bed.ask("carol", |client, now_ms| client.join_labelled("cafe", now_ms));
    assert_eq!(joined, Ok(group));
    assert_eq!(bed.person("carol").happened(), ["group_joined by carol"]);
    assert_eq!(bed.person("alice").happened(), ["group_created", "member_joined carol by carol"]);
    bed.say("carol", &group, "hello");
    bed.say("bob", &group, "welcome");
    bed.run();
    assert_eq!(
        bed.person("bob").heard(),
        [("alice".into(), "before".into()), ("carol".into(), "hello".into())]
    );
    assert_eq!(bed.person("carol").heard(), [("bob".into(), "welcome".into())]);
    // Once more, it is done already.
    assert_eq!(bed.ask("carol", |client, now_ms| client.join_group(&group, now_ms)), Ok(group));
    let unknown = bed.ask("carol", |client, now_ms| client.join_labelled("nowhere", now_ms));
    assert_eq!(unknown, Err(Error::UnknownGroup));
    bed.assert_clean();
}

#[test]
fn nobody_joins_a_closed_group() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "closed", &["bob"]);
    let joined = bed.ask("carol", |client, now_ms| client.join_group(&group, now_ms));
    assert_eq!(joined, Err(Error::NotAMember));
    assert_eq!(bed.client("carol").groups().unwrap(), Vec::<[u8; 32]>::new());
    assert_eq!(bed.members("alice", &group), ["alice", "bob"]);
}

#[test]
fn who_is_added_reads_from_then_on_and_who_is_removed_reads_nothing_more() {
    let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    bed.say("bob", &group, "one");
    bed.run();
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["dave"], Role::Member, now_ms)).unwrap();
    bed.say("bob", &group, "two");
    bed.run();
    assert_eq!(bed.person("dave").heard_of("bob"), ["two"]);
    bed.ask("alice", |client, now_ms| client.remove_member(&group, "carol", now_ms)).unwrap();
    assert_eq!(bed.person("carol").happened().last().unwrap(), "group_left by alice");
    let before = bed.host.taken.len();
    bed.say("bob", &group, "three");
    bed.say("dave", &group, "four");
    bed.run();
    assert_eq!(bed.person("carol").heard_of("bob"), ["one", "two"]);
    assert_eq!(bed.person("dave").heard_of("bob"), ["two", "three"]);
    assert_eq!(bed.person("alice").heard_of("dave"), ["four"]);
    // Even with what passed by the relay it could read nothing: nobody gave it a key since.
    let to_carol = bed.host.taken.split_off(before).into_iter().filter(|(_, envelope)| {
        sealwax::wire::envelope::Envelope::parse(envelope).unwrap().recipient == Some("carol")
    });
    assert_eq!(to_carol.count(), 0);
    let now_ms = bed.now_ms;
    let refused = bed.client("carol").send_group(
        &group,
        sealwax::wire::content::ContentType::Text,
        b"?",
        false,
        now_ms,
    );
    assert_eq!(refused, Err(Error::NotAMember));
    assert_eq!(
        bed.person("bob").happened(),
        ["group_joined by alice", "member_joined dave by alice", "member_left carol by alice"]
    );
    bed.assert_clean();
}

#[test]
fn every_sender_makes_its_key_anew_when_somebody_leaves() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob", "carol"]);
    for name in ["alice", "bob"] {
        bed.say(name, &group, "before");
    }
    bed.run();
    bed.ask("carol", |client, now_ms| client.leave_group(&group, now_ms)).unwrap();
    assert_eq!(bed.person("carol").happened().last().unwrap(), "group_left by carol");
    for name in ["alice", "bob"] {
        bed.say(name, &group, "after");
    }
    bed.run();
    let mut keys = std::collections::BTreeMap::<String, std::collections::BTreeSet<[u8; 8]>>::new();
    for (from, envelope) in &bed.host.taken {
        if let Ok(message) = sealwax::wire::group::GroupMessage::parse(envelope) {
            keys.entry(from.clone()).or_default().insert(*message.front.key_id);
        }
    }
    assert!(keys.values().all(|keys| keys.len() == 2), "{keys:?}");
    assert_eq!(bed.person("bob").heard_of("alice"), ["before", "after"]);
    assert_eq!(bed.person("carol").heard_of("alice"), ["before"]);
    bed.assert_clean();
}

#[test]
fn the_last_owner_hands_over_before_it_leaves() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    let leave =
        |bed: &mut Bed, name: &str| bed.ask(name, |client, now_ms| client.leave_group(&group, now_ms));
    assert_eq!(leave(&mut bed, "alice"), Err(Error::NotPermitted));
    bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Owner, now_ms)).unwrap();
    assert_eq!(bed.person("bob").happened(), ["group_joined by alice", "role_changed bob Owner by alice"]);
    assert_eq!(leave(&mut bed, "alice"), Ok(group));
    assert_eq!(bed.members("bob", &group), ["bob"]);
}

#[test]
fn a_deleted_group_ends_for_all_and_what_waits_fails() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.disconnect("bob");
    let late = bed.say("bob", &group, "too late");
    bed.ask("alice", |client, now_ms| client.delete_group(&group, now_ms)).unwrap();
    bed.connect("bob");
    bed.run();
    assert_eq!(bed.person("bob").happened().last().unwrap(), "group_deleted by alice");
    assert_eq!(bed.person("bob").sent(&late), [Err(Error::GroupDeleted)]);
    assert_eq!(bed.client("alice").groups().unwrap(), Vec::<[u8; 32]>::new());
}

#[test]
fn two_admins_add_at_once_and_both_are_done() {
    let mut bed = Bed::of(&["alice", "bob", "carol", "dave"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms)).unwrap();
    let now_ms = bed.now_ms;
    let one = bed.client("alice").add_members(&group, &["carol"], Role::Member, now_ms).unwrap();
    let other = bed.client("bob").add_members(&group, &["dave"], Role::Member, now_ms).unwrap();
    // Both look for cards first, so both make their entries before either hears of the other's.
    bed.run();
    assert_eq!(bed.person("alice").outcome(one), Ok(group));
    assert_eq!(bed.person("bob").outcome(other), Ok(group));
    for name in ["alice", "bob", "carol", "dave"] {
        assert_eq!(bed.members(name, &group), ["alice", "bob", "carol", "dave"]);
    }
    bed.say("carol", &group, "all here?");
    bed.run();
    for name in ["alice", "bob", "dave"] {
        assert_eq!(bed.person(name).heard_of("carol"), ["all here?"]);
    }
    bed.assert_clean();
}

#[test]
fn two_admins_add_the_same_user_at_once_and_both_are_done() {
    let mut bed = Bed::of(&["alice", "bob", "carol"]);
    let group = bed.found("alice", "team", &["bob"]);
    bed.ask("alice", |client, now_ms| client.set_role(&group, "bob", Role::Admin, now_ms)).unwrap();
    let now_ms = bed.now_ms;
    let add = |bed: &mut Bed, name: &str| {
        bed.client(name).add_members(&group, &["carol"], Role::Member, now_ms).unwrap()
    };
    let (one, other) = (add(&mut bed, "alice"), add(&mut bed, "bob"));
    bed.run();
    assert_eq!((bed.person("alice").outcome(one), bed.person("bob").outcome(other)), (Ok(group), Ok(group)));
    assert_eq!(bed.person("carol").happened().len(), 1);
}

#[test]
fn a_request_that_cannot_be_done_says_why_once() {
    let mut bed = Bed::of(&["alice", "bob"]);
    let nobody = bed.ask("alice", |client, now_ms| client.create_group("team", false, &["nobody"], now_ms));
    assert_eq!(nobody, Err(Error::UnknownUser));
    let group = bed.found("alice", "team", &["bob"]);
    let remove = bed.ask("bob", |client, now_ms| client.remove_member(&group, "alice", now_ms));
    assert_eq!(remove, Err(Error::NotPermitted));
    let absent = bed.ask("alice", |client, now_ms| client.remove_member(&group, "carol", now_ms));
    assert_eq!(absent, Err(Error::NotAMember));
    let unknown = bed.ask("alice", |client, now_ms| client.leave_group(&[9; 32], now_ms));
    assert_eq!(unknown, Err(Error::UnknownGroup));
    let now_ms = bed.now_ms;
    let mut create = |members: &[&str]| bed.client("alice").create_group("x", false, members, now_ms);
    assert_eq!(create(&["bob", "bob"]), Err(Error::InvalidArgument));
    assert_eq!(create(&["alice"]), Err(Error::InvalidArgument));
}

#[test]
fn what_is_asked_offline_is_done_once_there_is_a_connection() {
    let mut bed = Bed::of(&["alice", "bob"]);
    bed.disconnect("alice");
    let now_ms = bed.now_ms;
    let request = bed.client("alice").create_group("team", false, &["bob"], now_ms).unwrap();
    bed.run();
    bed.crash("alice");
    bed.connect("alice");
    bed.run();
    let group = bed.person("alice").outcome(request).unwrap();
    bed.say("bob", &group, "here");
    bed.run();
    assert_eq!(bed.person("alice").heard_of("bob"), ["here"]);
}
