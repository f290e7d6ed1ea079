//! The past of a group is shared on purpose, and only then.

use sealwax::client::{ClientOptions, GroupEvent};
use sealwax::error::Error;
use sealwax::wire::roster::Role;

use crate::bed::Bed;

/// Bob has written before Carol came, and the relay has kept it.
fn past(options: &ClientOptions) -> (Bed, [u8; 32], Vec<Vec<u8>>) {
    let mut bed = Bed::with(&["alice", "bob", "carol"], options);
    let group = bed.found("alice", "team", &["bob"]);
    bed.say("bob", &group, "one");
    bed.say("bob", &group, "two");
    bed.run();
    let envelopes = bed.host.taken.iter().filter(|(_, envelope)| envelope[4] == 5);
    let envelopes = envelopes.map(|(_, envelope)| envelope.clone()).collect();
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms)).unwrap();
    bed.pass(300_000);
    (bed, group, envelopes)
}

fn read(bed: &mut Bed, group: &[u8; 32], envelopes: &[Vec<u8>]) -> usize {
    let envelopes: Vec<&[u8]> = envelopes.iter().map(Vec::as_slice).collect();
    let now_ms = bed.now_ms;
    let count = bed.client("carol").read_shared(group, &envelopes, now_ms).unwrap();
    bed.run();
    count
}

#[test]
fn a_newcomer_reads_the_past_once_a_member_shares_it_and_not_before() {
    let options = ClientOptions { retain_history: true, ..ClientOptions::default() };
    let (mut bed, group, envelopes) = past(&options);
    assert_eq!(read(&mut bed, &group, &envelopes), 0);
    bed.ask("alice", |client, now_ms| client.share_history(&group, "carol", now_ms)).unwrap();
    assert_eq!(read(&mut bed, &group, &envelopes), 2);
    let shared: Vec<(String, String)> = bed
        .person("carol")
        .group_events()
        .into_iter()
        .filter_map(|event| match event {
            GroupEvent::Message { from, payload, shared_by: Some(by), .. } => {
                assert_eq!(&**from, "bob");
                Some((by.to_string(), String::from_utf8(payload.to_vec()).unwrap()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(shared, [("alice".into(), "one".into()), ("alice".into(), "two".into())]);
    // Once, also after the client was opened anew.
    bed.crash("carol");
    bed.connect("carol");
    bed.run();
    assert_eq!(read(&mut bed, &group, &envelopes), 0);
    bed.say("bob", &group, "three");
    bed.run();
    assert_eq!(bed.person("carol").heard_of("bob"), ["three"]);
}

#[test]
fn nothing_is_shared_that_was_not_kept_or_with_whom_it_must_not() {
    let (mut bed, group, _) = past(&ClientOptions::default());
    let mut share =
        |name: &str, with: &str| bed.ask(name, |client, now_ms| client.share_history(&group, with, now_ms));
    assert_eq!(share("alice", "carol"), Err(Error::UnknownKey));
    assert_eq!(share("alice", "alice"), Err(Error::InvalidArgument));
    // Nobody has said that this is really Carol.
    assert_eq!(share("bob", "carol"), Err(Error::NotPermitted));

    let options = ClientOptions { retain_history: true, ..ClientOptions::default() };
    let (mut bed, group, envelopes) = past(&options);
    bed.ask("alice", |client, now_ms| client.share_history(&group, "carol", now_ms)).unwrap();
    bed.ask("alice", |client, now_ms| client.remove_member(&group, "carol", now_ms)).unwrap();
    let envelopes: Vec<&[u8]> = envelopes.iter().map(Vec::as_slice).collect();
    let now_ms = bed.now_ms;
    assert_eq!(bed.client("carol").read_shared(&group, &envelopes, now_ms), Err(Error::UnknownGroup));
}

#[test]
fn what_was_sealed_twice_is_read_once() {
    let options = ClientOptions { retain_history: true, ..ClientOptions::default() };
    let mut bed = Bed::with(&["alice", "bob", "carol"], &options);
    let group = bed.found("alice", "team", &["bob"]);
    // The relay takes it, and Bob hears nothing of that before Carol comes.
    bed.say("bob", &group, "one");
    bed.up("bob").unwrap();
    bed.disconnect("bob");
    bed.run();
    bed.ask("alice", |client, now_ms| client.add_members(&group, &["carol"], Role::Member, now_ms)).unwrap();
    bed.pass(60_000);
    bed.connect("bob");
    bed.run();
    bed.pass(300_000);
    let envelopes: Vec<Vec<u8>> =
        bed.host.taken.iter().filter(|(_, envelope)| envelope[4] == 5).map(|(_, one)| one.clone()).collect();
    assert_eq!(envelopes.len(), 2);
    bed.ask("alice", |client, now_ms| client.share_history(&group, "carol", now_ms)).unwrap();
    read(&mut bed, &group, &envelopes);
    assert_eq!(bed.person("carol").heard(), [("bob".into(), "one".into())]);
}
