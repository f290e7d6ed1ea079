//! What `sealwax_envelope_inspect` answers.

use serde_json::{Value, json};

use super::status::Status;
use crate::error::Error;
use crate::json::{hex, integer};
use crate::relay::envelope_id;
use crate::wire::card::CardFields;
use crate::wire::codec::Reader;
use crate::wire::frame::{Body, FoundGroup, Frame};
use crate::wire::group::GroupMessage;
use crate::wire::prekeys::PrekeyBundleFields;
use crate::wire::roster::{Action, Entry, MemberFields};
use crate::wire::session::{Header, SessionMessage};
use crate::wire::{DRAFT, Kind, PROTOCOL_VERSION, SUITE, read_prefix};

/// Renders an object of any kind.
pub(super) fn inspect(bytes: &[u8]) -> Result<Value, Status> {
    let (kind, mut object) = match read_prefix(&mut Reader::new(bytes))? {
        Kind::Session => ("session", session(bytes)?),
        Kind::SessionFirst => ("session_first", session(bytes)?),
        Kind::Group => ("group", group(bytes)?),
        Kind::RosterEntry => ("roster_entry", entry(bytes)?),
        Kind::Card => ("card", card(bytes)?),
        Kind::Prekeys => ("prekeys", prekeys(bytes)?),
        Kind::Frame => ("frame", frame(bytes)?),
        Kind::Sealed | Kind::Attachment | Kind::AttachmentReference => return Err(Error::WrongKind.into()),
    };
    if let Value::Object(fields) = &mut object {
        let common = json!({
            "v": 1,
            "kind": kind,
            "version": PROTOCOL_VERSION,
            "draft": DRAFT,
            "suite": SUITE,
            "len": bytes.len(),
        });
        if let Value::Object(common) = common {
            fields.extend(common);
        }
    }
    Ok(object)
}

fn session(bytes: &[u8]) -> Result<Value, Status> {
    let message = SessionMessage::parse(bytes)?;
    let front = &message.front;
    let mut object = json!({
        "envelope_id": hex(&envelope_id(bytes)?),
        "hidden_header": front.hidden_header,
        "sender": front.sender,
        "recipient": front.recipient,
        "key_id": hex(front.key_id),
        "timestamp_ms": integer(front.timestamp_ms),
        "nonce": hex(front.nonce),
        "ciphertext_len": message.ciphertext.len(),
    });
    if let Value::Object(fields) = &mut object {
        if let Some(handshake) = &front.handshake {
            let block = json!({
                "card": nested(handshake.card),
                "created_ms": integer(handshake.created_ms),
                "ephemeral": hex(handshake.ephemeral),
                "signed_id": handshake.signed_id(),
                "one_time_id": handshake.one_time_id(),
            });
            fields.insert("handshake".into(), block);
        }
        if let Header::Plain(header) = &message.header {
            fields.insert("ratchet_key".into(), hex(header.ratchet_key));
            fields.insert("previous_count".into(), header.previous_count.into());
            fields.insert("counter".into(), header.counter.into());
        }
    }
    Ok(object)
}

fn group(bytes: &[u8]) -> Result<Value, Status> {
    let message = GroupMessage::parse(bytes)?;
    let front = &message.front;
    Ok(json!({
        "envelope_id": hex(&envelope_id(bytes)?),
        "group_id": hex(front.group_id),
        "sender": front.sender,
        "key_id": hex(front.key_id),
        "epoch": integer(front.epoch),
        "roster_hash": hex(front.roster_hash),
        "counter": front.counter,
        "timestamp_ms": integer(front.timestamp_ms),
        "nonce": hex(front.nonce),
        "resumed_from": front.resumed_from(),
        "ciphertext_len": message.ciphertext.len(),
    }))
}

fn entry(bytes: &[u8]) -> Result<Value, Status> {
    let fields = Entry::parse(bytes)?.fields;
    let body = match &fields.action {
        Action::Create { label, open, add_role, members, .. } => json!({
            "label": label,
            "open": open,
            "add_role": *add_role as u8,
            "members": members.iter().map(member).collect::<Value>(),
        }),
        Action::Add(members) => json!({ "members": members.iter().map(member).collect::<Value>() }),
        Action::Join(who) | Action::Replace(who) => json!({ "member": member(who) }),
        Action::Remove(user) => json!({ "user": user }),
        Action::Role(user, role) => json!({ "user": user, "role": *role as u8 }),
        Action::Leave | Action::Delete => json!({}),
        Action::Resolve { chosen, rejected } => json!({
            "chosen": hex(*chosen),
            "rejected": rejected.iter().map(|hash| hex(*hash)).collect::<Value>(),
        }),
    };
    Ok(json!({
        "envelope_id": hex(&envelope_id(bytes)?),
        "group_id": hex(fields.group_id),
        "epoch": integer(fields.epoch),
        "previous": hex(fields.previous),
        "actor": fields.actor,
        "actor_fingerprint": hex(fields.actor_fingerprint),
        "timestamp_ms": integer(fields.timestamp_ms),
        "action": fields.action.name(),
        "body": body,
    }))
}

fn member(member: &MemberFields<'_>) -> Value {
    json!({
        "user": member.user,
        "sign_key": hex(member.sign_key),
        "agree_key": hex(member.agree_key),
        "role": member.role as u8,
    })
}

fn card(bytes: &[u8]) -> Result<Value, Status> {
    let mut reader = Reader::new(bytes);
    let fields = CardFields::read(&mut reader)?;
    reader.array::<64>()?;
    reader.finish()?;
    Ok(json!({
        "user": fields.user,
        "sign_key": hex(fields.sign_key),
        "agree_key": hex(fields.agree_key),
        "flags": fields.flags,
        "created_ms": integer(fields.created_ms),
    }))
}

fn prekeys(bytes: &[u8]) -> Result<Value, Status> {
    let fields = PrekeyBundleFields::parse(bytes)?;
    Ok(json!({
        "user": fields.user,
        "fingerprint": hex(fields.fingerprint),
        "signed_prekey": {
            "id": fields.signed.id,
            "key": hex(fields.signed.key),
            "created_ms": integer(fields.signed.created_ms),
            "expires_ms": integer(fields.signed.expires_ms),
        },
        "one_time": fields
            .one_time
            .iter()
            .map(|prekey| json!({ "id": prekey.id, "key": hex(prekey.key) }))
            .collect::<Value>(),
    }))
}

fn frame(bytes: &[u8]) -> Result<Value, Status> {
    let frame = Frame::parse(bytes)?;
    let (name, body) = match &frame.body {
        Body::Hello(hello) => (
            "hello",
            json!({
                "method": hello.method as u8,
                "card": nested(hello.card),
                "store_id": hex(hello.store_id),
                "commit": integer(hello.commit),
                "relay_id": hex(hello.relay_id),
                "seen": integer(hello.seen),
            }),
        ),
        Body::Ok => ("ok", json!({})),
        Body::Error { status, retry_after_ms, epoch, text } => (
            "error",
            json!({
                "status": status,
                "retry_after_ms": retry_after_ms,
                "epoch": integer(*epoch),
                "text": text,
            }),
        ),
        Body::Challenge { nonce, relay_name } => {
            ("challenge", json!({ "nonce": hex(*nonce), "relay_name": relay_name }))
        }
        Body::Prekeys { commit, bundle } => {
            ("prekeys", json!({ "commit": integer(*commit), "bundle": nested(bundle) }))
        }
        Body::Lookup { user } => ("lookup", json!({ "user": user })),
        Body::Found { card, bundle } => ("found", json!({ "card": nested(card), "bundle": nested(bundle) })),
        Body::Commit { commit, entry } => {
            ("commit", json!({ "commit": integer(*commit), "entry": nested(entry) }))
        }
        Body::FetchLog { group_id, from_epoch } => {
            ("fetch_log", json!({ "group_id": hex(*group_id), "from_epoch": integer(*from_epoch) }))
        }
        Body::Log { entries } => ("log", json!({ "entries_len": entries.len() })),
        Body::Send { commit, envelope } => {
            ("send", json!({ "commit": integer(*commit), "envelope": nested(envelope) }))
        }
        Body::Deliver { sequence, payload } => (
            "deliver",
            json!({ "sequence": integer(*sequence), "queue_end": false, "payload": nested(payload) }),
        ),
        Body::QueueEnd => ("deliver", json!({ "sequence": 0, "queue_end": true, "payload": null })),
        Body::Acknowledge { commit, sequence } => {
            ("acknowledge", json!({ "commit": integer(*commit), "sequence": integer(*sequence) }))
        }
        Body::Proof { signature } => ("proof", json!({ "signature": hex(*signature) })),
        Body::Welcome(welcome) => (
            "welcome",
            json!({
                "time_ms": integer(welcome.time_ms),
                "relay_id": hex(welcome.relay_id),
                "commit": integer(welcome.commit),
                "acknowledged": integer(welcome.acknowledged),
                "last": integer(welcome.last),
                "signed_prekey_expires_ms": integer(welcome.signed_prekey_expires_ms),
                "one_time_prekeys": welcome.one_time_prekeys,
                "frame_max": welcome.frame_max,
            }),
        ),
        Body::SendMany { commit, envelopes } => (
            "send_many",
            json!({ "commit": integer(*commit), "envelopes": envelopes.iter().map(nested).collect::<Value>() }),
        ),
        Body::SentMany { statuses } => {
            ("sent_many", json!({ "statuses": statuses.iter().collect::<Vec<_>>() }))
        }
        Body::Presence { is_online, user } => ("presence", json!({ "online": is_online, "user": user })),
        Body::Watch { is_visible, users } => {
            ("watch", json!({ "visible": is_visible, "users": users.iter().collect::<Vec<_>>() }))
        }
        Body::Find { label } => ("find", json!({ "label": label })),
        Body::Groups { groups } => {
            let each = |group: FoundGroup<'_>| json!({ "group_id": hex(group.group_id), "open": group.is_open, "member": group.is_member });
            ("groups", json!({ "groups": groups.iter().map(each).collect::<Value>() }))
        }
        Body::Ping => ("ping", json!({})),
    };
    Ok(json!({ "type": name, "request": frame.request, "body": body }))
}

/// An object within another. A frame holds none; what does not parse shows as null.
fn nested(bytes: &[u8]) -> Value {
    match read_prefix(&mut Reader::new(bytes)) {
        Ok(Kind::Frame) | Err(_) => Value::Null,
        Ok(_) => inspect(bytes).unwrap_or(Value::Null),
    }
}
