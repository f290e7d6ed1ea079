//! The table of fields in the header, the struct and the JSON, against each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::*;
use crate::identity::Fingerprint;
use crate::wire::content::ContentType;
use crate::wire::roster::Role;

const HEADER: &str = include_str!("../../../include/sealwax.h");

/// Every kind of event, once with all that it can have and once with as little as it can.
fn samples() -> Vec<Event> {
    let (name, label): (Box<str>, Box<str>) = ("bob".into(), "team-42".into());
    let (message_id, group) = ([7; 16], [3; 32]);
    let (known, fingerprint) = (Fingerprint::from_bytes([8; 32]), Fingerprint::from_bytes([9; 32]));
    let payload = || Zeroizing::new(b"hello".to_vec());
    let mut samples = vec![Event::Disconnected, Event::Error { status: Error::Malformed }];
    for holds in [true, false] {
        samples.extend([
            Event::Connected { restored: holds },
            Event::Presence { user: name.clone(), is_online: holds },
            Event::IdentityChanged { user: name.clone(), known, fingerprint, blocked: holds },
            Event::Refused {
                request: 4,
                group: holds.then_some(group),
                status: Error::UnknownUser,
                user: holds.then(|| name.clone()),
            },
        ]);
    }
    samples.extend([
        Event::Message {
            from: name.clone(),
            message_id,
            content_type: ContentType::Text,
            payload: payload(),
            sent_ms: 5,
        },
        Event::Ack { message_id, user: name.clone(), state: MessageState::Read },
        Event::Failed { message_id, user: name.clone(), status: Error::UnknownUser },
        Event::Done { request: 4, group },
    ]);
    let (user, by) = (name.clone(), name.clone());
    let of_groups = [
        GroupEvent::Created { label: label.clone() },
        GroupEvent::Created { label: "".into() },
        GroupEvent::Joined { label, by: by.clone() },
        GroupEvent::Joined { label: "".into(), by: by.clone() },
        GroupEvent::Left { by: by.clone() },
        GroupEvent::Deleted { by: by.clone() },
        GroupEvent::MemberJoined { user: user.clone(), by: by.clone() },
        GroupEvent::MemberLeft { user: user.clone(), by: by.clone() },
        GroupEvent::RoleChanged { user: user.clone(), role: Role::Admin, by: by.clone() },
        GroupEvent::MemberReplaced { user: user.clone(), by: by.clone() },
        GroupEvent::Forked { user: None },
        GroupEvent::Forked { user: Some(user.clone()) },
        GroupEvent::Message {
            from: user.clone(),
            message_id,
            content_type: ContentType::Text,
            payload: payload(),
            sent_ms: 5,
            shared_by: Some(by),
        },
        GroupEvent::Message {
            from: user.clone(),
            message_id,
            content_type: ContentType::Text,
            payload: payload(),
            sent_ms: 5,
            shared_by: None,
        },
        GroupEvent::Pending { from: user.clone(), count: 3 },
        GroupEvent::Unreadable { from: user.clone(), count: 3, status: Error::RetiredKey },
        GroupEvent::KeyWithheld { user: user.clone(), status: Error::IdentityChanged },
        GroupEvent::Ack { message_id, user: Some(user), state: MessageState::Read },
        GroupEvent::Ack { message_id, user: None, state: MessageState::Sent },
        GroupEvent::Failed { message_id, status: Error::NotAMember },
    ];
    samples.extend(of_groups.map(|event| Event::Group { group, event }));
    samples
}

/// As the client numbers it: what is transient has no number.
fn emitted(event: Event) -> Emitted {
    let transient = matches!(
        event,
        Event::Connected { .. } | Event::Disconnected | Event::Presence { .. } | Event::Error { .. }
    );
    Emitted { number: if transient { 0 } else { 6 }, again: false, event }
}

/// The number and the name of each kind, from the header.
fn kinds() -> BTreeMap<u32, String> {
    let kinds = HEADER.lines().filter_map(|line| line.strip_prefix("#define SEALWAX_EVENT_"));
    let kinds = kinds.filter(|line| !line.starts_with("FLAG_"));
    kinds
        .map(|line| {
            let (name, number) = line.split_once(' ').unwrap();
            (number.parse().unwrap(), name.to_owned())
        })
        .collect()
}

/// Names of the fields that say something.
fn given(fields: &sealwax_event_fields) -> BTreeSet<String> {
    let slices = [
        ("user", fields.user),
        ("by", fields.by),
        ("group", fields.group),
        ("label", fields.label),
        ("payload", fields.payload),
        ("known_fingerprint", fields.known_fingerprint),
        ("fingerprint", fields.fingerprint),
    ];
    let numbers = [
        ("flags", u64::from(fields.flags)),
        ("number", fields.number),
        ("request", fields.request),
        ("time_ms", fields.time_ms),
        ("message_id", u64::from(fields.message_id[0])),
        ("status", u64::from(fields.status.cast_unsigned())),
        ("state", u64::from(fields.state)),
        ("content_type", u64::from(fields.content_type)),
        ("role", u64::from(fields.role)),
        ("count", u64::from(fields.count)),
    ];
    assert_eq!(fields.reserved, 0);
    let slices = slices.into_iter().filter(|(_, slice)| slice.len > 0).map(|(name, _)| name);
    let numbers = numbers.into_iter().filter(|(_, number)| *number != 0).map(|(name, _)| name);
    slices.chain(numbers).map(str::to_owned).collect()
}

/// The table: of each kind what it always gives, and what it may give.
fn table() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let text = HEADER.split_once("flag: if it holds;").unwrap().1;
    let text = text.split_once("A `payload` may be empty").unwrap().0;
    let rows = text.lines().filter_map(|line| line.strip_prefix(" *   "));
    rows.map(|row| {
        let (kind, fields) = row.split_once(' ').unwrap_or((row, ""));
        let (mut always, mut sometimes) = (BTreeSet::new(), BTreeSet::new());
        // What follows a condition is not always there.
        let (fields, conditional) = fields.split_once(';').unwrap_or((fields, ""));
        let conditional = conditional.split_once(':').map_or("", |(_, fields)| fields);
        for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            let name = field.split([' ', '?']).next().unwrap().to_owned();
            if field.ends_with('?') {
                sometimes.insert(name)
            } else {
                always.insert(name)
            };
        }
        for field in conditional.split(',').map(str::trim).filter(|field| !field.is_empty()) {
            sometimes.insert(field.trim_end_matches('?').to_owned());
        }
        (kind.to_owned(), (always, sometimes))
    })
    .collect()
}

#[test]
fn the_table_in_the_header_says_which_fields_each_kind_gives() {
    let (kinds, table) = (kinds(), table());
    assert_eq!(table.keys().collect::<BTreeSet<_>>(), kinds.values().collect::<BTreeSet<_>>());
    let mut seen: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
    for event in samples() {
        let fields = fields(&emitted(event));
        seen.entry(kinds[&fields.kind].clone()).or_default().push(given(&fields));
    }
    assert_eq!(seen.keys().collect::<BTreeSet<_>>(), table.keys().collect::<BTreeSet<_>>());
    for (kind, seen) in seen {
        let (always, sometimes) = &table[&kind];
        let ever: BTreeSet<String> = seen.iter().flatten().cloned().collect();
        let each: BTreeSet<String> =
            ever.iter().filter(|field| seen.iter().all(|fields| fields.contains(*field))).cloned().collect();
        assert_eq!(&each, always, "{kind}: always");
        assert_eq!(&(&ever - &each), sometimes, "{kind}: not always");
    }
}

#[test]
fn json_has_the_names_and_the_fields_of_the_struct() {
    let kinds = kinds();
    for event in samples() {
        for again in [false, true] {
            let emitted = Emitted { again, ..emitted(event.clone()) };
            let fields = fields(&emitted);
            let json: Map<String, Value> = serde_json::from_str(&emitted.to_json()).unwrap();
            let name = |name: &String| if name == "payload_len" { "payload".into() } else { name.clone() };
            let mut names: BTreeSet<String> = json.keys().map(name).collect();
            // These are always there.
            for name in ["v", "kind", "flags", "number"] {
                assert!(names.remove(name), "{name}: {json:?}");
            }
            let (mut given, kind) = (given(&fields), &kinds[&fields.kind]);
            given.retain(|name| name != "flags" && name != "number");
            // An empty label is a label.
            names.retain(|name| name != "label" || !json["label"].as_str().unwrap().is_empty());
            assert_eq!(names, given, "{kind}");
            assert_eq!(json["kind"].as_str().unwrap().to_uppercase(), *kind);
            assert_eq!(json["number"], fields.number);
            let flag = |flag: &Value| {
                let name = format!("#define SEALWAX_EVENT_FLAG_{} ", flag.as_str().unwrap().to_uppercase());
                HEADER.split_once(&name).unwrap().1.lines().next().unwrap().parse::<u32>().unwrap()
            };
            assert_eq!(json["flags"].as_array().unwrap().iter().map(flag).sum::<u32>(), fields.flags);
            if let Some(status) = json.get("status") {
                let name = crate::ffi::status::name(fields.status);
                assert_eq!(status.as_str(), name.to_str().ok());
            }
        }
    }
}
