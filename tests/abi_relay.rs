//! Relays, deliveries and envelopes through the C ABI.
#![allow(unsafe_code, reason = "misuse that the wrappers do not allow")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use core::ptr;
use std::collections::BTreeMap;
use std::thread;

use common::abi::relay::{
    Delivery, Record, Relay, bytes, envelope_inspect, envelope_parse, frame_envelope, text,
};
use common::abi::{Identity, alone};
use common::group::{group, person};
use common::relay::{direct, to_group};
use sealwax::ffi::deliveries::{self, SEALWAX_DELIVERY_CLOSE, SEALWAX_DELIVERY_QUEUE_END};
use sealwax::ffi::envelope as ffi;
use sealwax::ffi::envelope::*;
use sealwax::ffi::status::*;
use sealwax::relay::envelope_id;
use sealwax::roster::RosterPolicy;
use sealwax::wire::frame::{Body, Frame, Hello, Method};

const NOW: u64 = 1_800_000_000_000;

/// A relay with these users, registered by cards of their own.
fn relay_of(users: &[&str]) -> Relay {
    let relay = Relay::new("").unwrap();
    for user in users {
        relay.register(user, &Identity::new(user, NOW).card(), NOW).unwrap();
    }
    relay
}

#[test]
fn an_envelope_is_queued_delivered_and_acknowledged() {
    alone(|| {
        let relay = relay_of(&["alice", "bob"]);
        let envelope = direct("alice", "bob", 1);
        let routed = relay.route("alice", &envelope, NOW).unwrap();
        assert!(routed.view().is_empty());
        let records = routed.records();
        assert_eq!(records[0].name, "queue/bob/00000000000000000001");
        assert!(records[0].value.as_ref().unwrap().ends_with(&envelope));
        assert_eq!((records.len(), records[0].replaces), (1, 0));

        let came = relay.set_online("bob", true, NOW).unwrap().view();
        let user = "bob".to_owned();
        let id = envelope_id(&envelope).unwrap();
        let (connection, head) = (0, Vec::new());
        let expected =
            Delivery { user, payload: envelope, sequence: 1, envelope_id: id, flags: 0, connection, head };
        let end = Delivery {
            payload: Vec::new(),
            sequence: 0,
            envelope_id: [0; 16],
            flags: SEALWAX_DELIVERY_QUEUE_END,
            ..expected.clone()
        };
        assert_eq!(came, [expected, end]);

        let acknowledged = relay.acknowledge("bob", 1, NOW).unwrap();
        assert!(acknowledged.view().is_empty());
        let names: Vec<_> =
            acknowledged.records().into_iter().map(|record| (record.name, record.value)).collect();
        let number = Some(1_u64.to_be_bytes().to_vec());
        let deleted = ("queue/bob/00000000000000000001".to_owned(), None);
        assert_eq!(names, [("acknowledged/bob".to_owned(), number), deleted]);
        assert_eq!(relay.info()["queued"], 0);
    });
}

#[test]
fn a_fan_out_is_one_array_of_views_of_one_payload_that_outlives_the_relay() {
    alone(|| {
        let people: Vec<_> = (0..20).map(|at| person(&format!("user {at}"))).collect();
        let relay = Relay::new("").unwrap();
        for person in &people {
            relay.register(person.user(), person.card().as_bytes(), NOW).unwrap();
            relay.set_online(person.user(), true, NOW).unwrap();
        }
        let roster = group(&people[0], &people.iter().skip(1).collect::<Vec<_>>(), RosterPolicy::default());
        assert_eq!(relay.commit("user 0", roster.entries(0), NOW).unwrap().view().len(), 20);
        assert_eq!(relay.log("user 1", roster.group_id(), 0).unwrap(), roster.entries(0));

        let envelope = to_group("user 3", roster.group_id(), 0);
        let routed = relay.route("user 3", &envelope, NOW).unwrap();
        drop(relay);
        let view = routed.raw_view();
        assert_eq!(view.as_ptr(), routed.raw_view().as_ptr(), "the same array each time");
        assert_eq!(view.len(), 19);
        assert!(view.iter().all(|delivery| delivery.payload.ptr == view[0].payload.ptr));
        assert_eq!(bytes(view[0].payload), Some(envelope));
        let records = routed.raw_records();
        assert!(records.iter().all(|record| record.value.ptr == records[0].value.ptr));
        let users: std::collections::BTreeSet<_> = view.iter().map(|delivery| text(delivery.user)).collect();
        assert_eq!(users.len(), 19);
    });
}

#[test]
fn a_lookup_gives_card_and_prekeys_and_takes_one_only_when_both_fit() {
    alone(|| {
        let relay = relay_of(&["bob"]);
        let alice = Identity::new("alice", NOW);
        relay.register("alice", &alice.card(), NOW).unwrap();
        let none = relay.lookup("bob", "alice", NOW).unwrap();
        assert_eq!(none.card, alice.card());
        assert!(none.prekeys.is_empty() && none.deliveries.records().is_empty());

        let published = alice.prekeys(2, NOW).unwrap();
        relay.publish("alice", &published, NOW).unwrap();
        // Each lookup of the wrapper asks three times with too little room first.
        let left: Vec<_> = (0..3)
            .map(|_| envelope_inspect(&relay.lookup("bob", "alice", NOW).unwrap().prekeys).unwrap())
            .map(|bundle| bundle["one_time"].as_array().unwrap().len())
            .collect();
        assert_eq!(left, [1, 1, 0]);
        assert_eq!(relay.lookup("bob", "sam", NOW).err(), Some(SEALWAX_UNKNOWN_USER));
        assert_eq!(relay.info()["prekeys_taken"], 2);
    });
}

#[test]
fn a_relay_is_rebuilt_from_its_records() {
    alone(|| {
        let mut store: BTreeMap<String, (Vec<u8>, u64)> = BTreeMap::new();
        let mut write = |records: Vec<Record>| {
            for Record { name, value, replaces } in records {
                assert_eq!(store.get(&name).map_or(0, |(_, version)| *version), replaces);
                match value {
                    Some(value) => store.insert(name, (value, replaces + 1)),
                    None => store.remove(&name),
                };
            }
        };
        let relay = Relay::new("").unwrap();
        for user in ["alice", "bob"] {
            write(relay.register(user, &Identity::new(user, NOW).card(), NOW).unwrap().records());
        }
        for mark in 0..5 {
            write(relay.route("alice", &direct("alice", "bob", mark), NOW).unwrap().records());
        }
        write(relay.acknowledge("bob", 2, NOW).unwrap().records());
        let before = relay.info();
        drop(relay);

        let relay = Relay::new("").unwrap();
        for (name, (value, version)) in &store {
            relay.restore(name, Some(value), *version).unwrap();
        }
        assert_eq!(relay.info()["queued"], before["queued"]);
        let came = relay.set_online("bob", true, NOW).unwrap().view();
        let sequences: Vec<_> = came.iter().map(|delivery| delivery.sequence).collect();
        assert_eq!(sequences, [3, 4, 5, 0]);
        relay.restore("queue/bob/00000000000000000003", None, 0).unwrap();
        assert_eq!(relay.set_online("bob", true, NOW).unwrap().view().len(), 3);
        assert_eq!(relay.restore("queue/bob", Some(b"x"), 1), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(relay.restore("card/bob", Some(b""), 1), Err(SEALWAX_MALFORMED), "empty is not deleted");
    });
}

#[test]
fn options_set_the_limits() {
    alone(|| {
        for options in [r#"{"queue_max":10001}"#, r#"{"users_max":-1}"#, r#"{"limits":{}}"#] {
            assert_eq!(Relay::new(options).err(), Some(SEALWAX_INVALID_OPTIONS));
        }
        let relay = Relay::new(r#"{"queue_max":1,"users_max":2}"#).unwrap();
        for user in ["alice", "bob"] {
            relay.register(user, &Identity::new(user, NOW).card(), NOW).unwrap();
        }
        let carol = Identity::new("carol", NOW);
        assert_eq!(relay.register("carol", &carol.card(), NOW).err(), Some(SEALWAX_LIMIT_REACHED));
        relay.route("alice", &direct("alice", "bob", 0), NOW).unwrap();
        assert_eq!(relay.route("alice", &direct("alice", "bob", 1), NOW).err(), Some(SEALWAX_QUEUE_FULL));
    });
}

#[test]
fn threads_share_a_relay() {
    alone(|| {
        let users: Vec<String> = (0..4).map(|at| format!("user {at}")).collect();
        let relay = relay_of(&users.iter().map(String::as_str).collect::<Vec<_>>());
        thread::scope(|scope| {
            for (at, user) in users.iter().enumerate() {
                let (relay, peer) = (&relay, &users[(at + 1) % users.len()]);
                scope.spawn(move || {
                    for mark in 0..200 {
                        relay.route(user, &direct(user, peer, mark), NOW).unwrap();
                        relay.set_online(user, mark % 2 == 0, NOW).unwrap().view();
                    }
                });
            }
        });
        assert_eq!(relay.info()["routed"], 800);
        assert_eq!(relay.info()["queued"], 800);
    });
}

#[test]
fn misuse_gets_its_status_and_changes_nothing() {
    alone(|| {
        let relay = relay_of(&["alice", "bob"]);
        let (mut array, mut count) = (ptr::null(), 7);
        let mut out = ptr::dangling_mut();
        let user = "alice".as_ptr().cast();
        // SAFETY: the pointers are NULL or live; handles are not followed.
        unsafe {
            let view = deliveries::sealwax_deliveries_view(ptr::null(), &mut array, &mut count);
            assert_eq!((view, count), (SEALWAX_INVALID_HANDLE, 0));
            let view = deliveries::sealwax_deliveries_view(relay.0.cast(), &mut array, &mut count);
            assert_eq!((view, array.is_null()), (SEALWAX_INVALID_HANDLE, true), "a relay is no deliveries");
            let view = deliveries::sealwax_deliveries_view(ptr::null(), ptr::null_mut(), &mut count);
            assert_eq!(view, SEALWAX_NULL_POINTER);
            assert_eq!(deliveries::sealwax_deliveries_free(ptr::null_mut()), SEALWAX_OK);
            let status =
                sealwax::ffi::routing::sealwax_relay_set_online(ptr::null(), user, 5, 1, NOW, &mut out);
            assert_eq!((status, out.is_null()), (SEALWAX_INVALID_HANDLE, true));
            let status =
                sealwax::ffi::routing::sealwax_relay_set_online(relay.0, ptr::null(), 5, 1, NOW, &mut out);
            assert_eq!(status, SEALWAX_NULL_POINTER);
            let status =
                sealwax::ffi::routing::sealwax_relay_set_online(relay.0, user, usize::MAX, 1, NOW, &mut out);
            assert_eq!(status, SEALWAX_TOO_LARGE);
            let status =
                sealwax::ffi::routing::sealwax_relay_set_online(relay.0, user, 5, 1, NOW, ptr::null_mut());
            assert_eq!(status, SEALWAX_NULL_POINTER);
        }
        assert_eq!(relay.set_online("", true, NOW).err(), Some(SEALWAX_UNKNOWN_USER));
        assert_eq!(relay.route("bob", &direct("alice", "bob", 0), NOW).err(), Some(SEALWAX_NOT_PERMITTED));
        assert_eq!(relay.log("alice", &[0; 31], 0).err(), Some(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(relay.log("alice", &[0; 32], 0).err(), Some(SEALWAX_UNKNOWN_GROUP));
        assert_eq!(relay.info()["online"], 0);
        let freed = relay.route("alice", &direct("alice", "bob", 0), NOW).unwrap();
        let stale = freed.0;
        drop(freed);
        // SAFETY: a handle is not followed.
        assert_eq!(unsafe { deliveries::sealwax_deliveries_free(stale) }, SEALWAX_INVALID_HANDLE);
    });
}

#[test]
fn the_public_header_of_an_envelope_points_into_it() {
    alone(|| {
        let envelope = direct("alice", "bob", 1);
        let header = envelope_parse(&envelope).unwrap();
        assert_eq!((header.kind, header.flags), (SEALWAX_KIND_SESSION, 0));
        assert_eq!((text(header.sender), text(header.recipient)), ("alice".into(), "bob".into()));
        assert_eq!(bytes(header.group), None);
        assert_eq!(header.envelope_id, envelope_id(&envelope).unwrap());
        assert!(envelope.as_ptr_range().contains(&header.sender.ptr.cast()));

        let header = to_group("zoë", &[9; 32], 1);
        let header =
            envelope_parse(&header).map(|header| (header.kind, text(header.sender), bytes(header.group)));
        assert_eq!(header.unwrap(), (SEALWAX_KIND_GROUP, "zoë".into(), Some(vec![9; 32])));

        let roster = group(&person("alice"), &[], RosterPolicy::default());
        let header = envelope_parse(roster.entries(0)).unwrap();
        assert_eq!((header.kind, text(header.sender)), (SEALWAX_KIND_ROSTER_ENTRY, "alice".into()));
        assert_eq!((bytes(header.group), bytes(header.recipient)), (None, None));
    });
}

#[test]
fn what_is_no_envelope_is_refused_with_an_empty_header() {
    alone(|| {
        let card = person("alice").card().as_bytes().to_vec();
        for (bytes, status) in [
            (&card[..], SEALWAX_WRONG_KIND),
            (b"", SEALWAX_MALFORMED),
            (b"\x02\x01\x00\x01\x01", SEALWAX_UNSUPPORTED_VERSION),
            (b"\x01\x01\x00\x02\x01", SEALWAX_UNSUPPORTED_SUITE),
        ] {
            assert_eq!(envelope_parse(bytes).err(), Some(status));
        }
        assert_eq!(envelope_parse(&vec![0; sealwax::limits::ENTRY_MAX + 1]).err(), Some(SEALWAX_TOO_LARGE));
        let mut header = envelope_parse(&direct("alice", "bob", 1)).unwrap();
        // SAFETY: the input is a slice, the output lives.
        let status = unsafe { ffi::sealwax_envelope_parse(card.as_ptr().cast(), card.len(), &mut header) };
        assert_eq!((status, header.kind, header.sender.len), (SEALWAX_WRONG_KIND, 0, 0));
        assert!(header.sender.ptr.is_null());
    });
}

#[test]
fn a_frame_gives_what_it_delivers_and_nothing_else() {
    alone(|| {
        let envelope = to_group("alice", &[1; 32], 7);
        let frame = |request, body| Frame { request, body }.to_bytes().unwrap();
        let deliver = frame(0, Body::Deliver { sequence: 5, payload: &envelope });
        assert_eq!(frame_envelope(&deliver), Ok(Some(envelope.clone())));
        let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
        let entry = frame(0, Body::Deliver { sequence: 6, payload: roster.entries(0) });
        assert_eq!(frame_envelope(&entry), Ok(Some(roster.entries(0).to_vec())));
        for other in [Body::Send { commit: 3, envelope: &envelope }, Body::Ping] {
            assert_eq!(frame_envelope(&frame(9, other)), Ok(None));
        }
        assert_eq!(frame_envelope(&frame(0, Body::QueueEnd)), Ok(None));
        for (bytes, status) in [
            (&envelope[..], SEALWAX_WRONG_KIND),
            (&deliver[..deliver.len() - 1], SEALWAX_MALFORMED),
            (b"nonsense", SEALWAX_UNSUPPORTED_VERSION),
            (&vec![0; sealwax::limits::FRAME_MAX + 1], SEALWAX_TOO_LARGE),
        ] {
            assert_eq!(frame_envelope(bytes), Err(status));
        }
    });
}

#[test]
fn every_public_object_can_be_inspected_and_no_payload_shows() {
    alone(|| {
        let alice = Identity::new("alice", NOW);
        let card = envelope_inspect(&alice.card()).unwrap();
        assert_eq!((&card["kind"], &card["user"]), (&"card".into(), &"alice".into()));
        let bundle = envelope_inspect(&alice.prekeys(2, NOW).unwrap()).unwrap();
        assert_eq!(bundle["one_time"].as_array().unwrap().len(), 2);
        let session = envelope_inspect(&direct("alice", "bob", 7)).unwrap();
        assert_eq!((&session["recipient"], &session["counter"]), (&"bob".into(), &7.into()));
        assert_eq!(session["ciphertext_len"], 37);
        let message = envelope_inspect(&to_group("alice", &[1; 32], 7)).unwrap();
        assert_eq!((&message["kind"], &message["counter"]), (&"group".into(), &7.into()));
        let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
        let entry = envelope_inspect(roster.entries(0)).unwrap();
        assert_eq!((&entry["action"], &entry["body"]["label"]), (&"create".into(), &"team".into()));
        assert_eq!(entry["body"]["members"][1]["user"], "bob");

        let mut frame = Vec::new();
        let envelope = direct("alice", "bob", 7);
        Frame { request: 9, body: Body::Send { commit: 3, envelope: &envelope } }.put(&mut frame).unwrap();
        let frame = envelope_inspect(&frame).unwrap();
        assert_eq!((&frame["type"], &frame["request"]), (&"send".into(), &9.into()));
        assert_eq!(frame["body"]["envelope"], session);

        let sealed = alice.export(&[7; 32]).unwrap();
        assert_eq!(envelope_inspect(&sealed).err(), Some(SEALWAX_WRONG_KIND));
        assert_eq!(envelope_inspect(b"").err(), Some(SEALWAX_MALFORMED));
    });
}

/// A hello of a user whom the host vouches for.
fn hello(user: &Identity) -> Vec<u8> {
    let card = user.card();
    let hello = Hello {
        method: Method::Host,
        card: &card,
        store_id: &[1; 16],
        commit: 0,
        relay_id: &[0; 16],
        seen: 0,
    };
    Frame { request: 1, body: Body::Hello(hello) }.to_bytes().unwrap()
}

#[test]
fn a_relay_speaks_with_its_connections() {
    alone(|| {
        let relay = Relay::new(r#"{"name":"relay.example.org"}"#).unwrap();
        let envelope = direct("alice", "bob", 1);
        for (connection, name) in [(1, "alice"), (2, "bob")] {
            assert!(relay.connect(connection, name, NOW).unwrap().view().is_empty());
            let welcomed = relay.receive(connection, &hello(&Identity::new(name, NOW)), NOW).unwrap();
            let view = welcomed.view();
            assert!(matches!(Frame::parse(&view[0].head).unwrap().body, Body::Welcome(_)));
            assert_eq!(Frame::parse(&view[1].head).unwrap().body, Body::QueueEnd);
            assert_eq!((view[1].flags, view.len()), (SEALWAX_DELIVERY_QUEUE_END, 2));
            assert!(view.iter().all(|delivery| delivery.connection == connection && delivery.user == name));
        }
        let send = Frame { request: 7, body: Body::Send { commit: 3, envelope: &envelope } };
        let sent = relay.receive(1, &send.to_bytes().unwrap(), NOW).unwrap();
        let names: Vec<_> = sent.records().into_iter().map(|record| record.name).collect();
        assert_eq!(names, ["store/alice", "queue/bob/00000000000000000001"]);
        let view = sent.view();
        assert_eq!((view[0].connection, view[1].connection, view.len()), (1, 2, 2));
        assert_eq!(Frame::parse(&view[0].head).unwrap(), Frame { request: 7, body: Body::Ok });
        let frame = [&view[1].head[..], &view[1].payload].concat();
        let deliver = Body::Deliver { sequence: 1, payload: &envelope };
        assert_eq!(Frame::parse(&frame).unwrap().body, deliver);
        assert_eq!(view[1].payload, envelope);

        let bad = relay.receive(2, b"no frame", NOW).unwrap().view();
        assert_eq!((bad.len(), bad[0].flags, bad[0].connection), (1, SEALWAX_DELIVERY_CLOSE, 2));
        assert!(relay.disconnect(2, NOW).unwrap().view().is_empty());
        assert_eq!(relay.disconnect(2, NOW).err(), Some(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(relay.receive(2, b"", NOW).err(), Some(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(relay.connect(0, "bob", NOW).err(), Some(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(relay.connect(1, "bob", NOW).err(), Some(SEALWAX_INVALID_ARGUMENT));

        let (due_ms, nothing) = relay.tick(NOW).unwrap();
        assert_eq!((due_ms, nothing.view().len()), (NOW + 90_000, 0));
        let (due_ms, closed) = relay.tick(NOW + 90_000).unwrap();
        let view = closed.view();
        assert_eq!(
            (due_ms, view.len(), view[0].connection),
            (NOW + 180_000, 1, 1),
            "said again till it has ended"
        );
        assert_eq!((view[0].flags, view[0].head.len()), (SEALWAX_DELIVERY_CLOSE, 0));
        assert!(relay.disconnect(1, NOW + 90_000).unwrap().view().is_empty());
        assert_eq!(relay.tick(NOW + 90_000).unwrap().0, u64::MAX);
        assert_eq!(
            relay.connect(1, "bob", NOW).err(),
            Some(SEALWAX_INVALID_ARGUMENT),
            "a number is used once"
        );
        assert_eq!(relay.connect(3, "", NOW).err(), None);
        assert!(relay.disconnect(3, NOW).unwrap().view().is_empty());
        let info = relay.info();
        assert_eq!((&info["connections"], &info["frames"]), (&0.into(), &4.into()));
        assert_eq!((&info["bad_frames"], &info["timed_out"]), (&1.into(), &1.into()));
    });
}
