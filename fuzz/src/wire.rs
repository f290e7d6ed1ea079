//! Parsers of what comes from the network: what is taken is within its limits, and is written as the same bytes.

use sealwax::error::Result;
use sealwax::group::{Distribution, History};
use sealwax::identity::{Card, PrekeyBundle};
use sealwax::limits::{ENVELOPE_MAX, FRAME_MAX, MESSAGE_MAX, NAME_MAX};
use sealwax::wire::attachment::{Header, Reference};
use sealwax::wire::card::CardFields;
use sealwax::wire::client::{ACK_MAX, Ack, Invitation, RESEND_MAX, Resend, SenderKeyName, Withheld};
use sealwax::wire::codec::Reader;
use sealwax::wire::content::{CONTENT_MIN, Content, ContentKind, ContentType, Data, put_content};
use sealwax::wire::envelope::Envelope;
use sealwax::wire::frame::{Body, Frame, deliver_head};
use sealwax::wire::group::{GroupMessage, Link};
use sealwax::wire::name::{check_label, check_user};
use sealwax::wire::prekeys::PrekeyBundleFields;
use sealwax::wire::session::{Header as SessionHeader, RatchetHeader, SessionMessage};

use crate::common::group::person;
use crate::lazy;

/// What was read is written as the bytes that it was read from.
fn written(data: &[u8], put: impl FnOnce(&mut Vec<u8>) -> Result<()>) {
    let mut again = Vec::new();
    put(&mut again).unwrap();
    assert_eq!(again, data);
}

/// Envelopes: session messages, first ones, group messages.
pub fn envelope(data: &[u8]) {
    let envelope = Envelope::parse(data);
    let (session, group) = (SessionMessage::parse(data), GroupMessage::parse(data));
    assert!(session.is_err() || group.is_err());
    if let Ok(message) = &session {
        written(data, |out| message.put(out));
        let front = &message.front;
        assert_eq!(message.before_header.len(), front.encoded_len());
        assert_eq!(front.envelope_len(message.content_len()), data.len());
        assert_eq!([message.aad, message.ciphertext].concat(), data);
        if let SessionHeader::Plain(RatchetHeader { ratchet_key, .. }) = message.header {
            assert!(!front.hidden_header && message.aad.windows(65).any(|window| window == ratchet_key));
        }
        assert_eq!(envelope, Ok(Envelope::from(message)));
    }
    if let Ok(message) = &group {
        written(data, |out| message.put(out));
        assert_eq!(message.front.envelope_len(message.content().len()), data.len());
        if let Link::Resumed { from } = message.front.link {
            assert!(from <= message.front.counter);
        }
        assert_eq!(envelope, Ok(Envelope::from(message)));
    }
    assert_eq!(envelope.is_ok(), session.is_ok() || group.is_ok());
    if let Ok(envelope) = envelope {
        assert!(data.len() <= ENVELOPE_MAX && (1..=NAME_MAX).contains(&envelope.sender.len()));
        assert!(envelope.recipient.is_some() != envelope.group.is_some());
    }
}

/// What stands in an opened envelope, and the bodies of all kinds in it.
pub fn content(data: &[u8]) {
    let Ok(content) = Content::parse(data) else { return };
    assert!(CONTENT_MIN + content.body.len() <= data.len());
    assert!(content.kind.in_sessions() || content.kind.in_groups());
    written(data, |out| put_content(out, content.kind, content.message_id, &[content.body], data.len()));
    let body = content.body;
    match content.kind {
        ContentKind::Data => {
            if let Ok(data) = Data::parse(body) {
                assert!(data.payload.len() <= MESSAGE_MAX);
                assert_eq!(&body[Data::payload_within(0..body.len())], data.payload);
                assert!(data.content_type != ContentType::Text || str::from_utf8(data.payload).is_ok());
            }
        }
        ContentKind::Distribution => {
            if let Ok(distribution) = Distribution::decode(body) {
                assert_eq!(*distribution.encode(), body);
            }
        }
        ContentKind::History => {
            if let Ok(history) = History::decode(body) {
                assert_eq!(*history.encode().unwrap(), body);
                check_user(history.sender().as_bytes()).unwrap();
            }
        }
        ContentKind::KeyRequest | ContentKind::Installed => {
            if let Ok(name) = SenderKeyName::parse(body) {
                written(body, |out| Ok(name.put(out)));
            }
        }
        ContentKind::Withheld => {
            if let Ok(withheld) = Withheld::parse(body) {
                written(body, |out| Ok(withheld.put(out)));
            }
        }
        ContentKind::Ack => {
            if let Ok(ack) = Ack::parse(body) {
                assert!((1..=ACK_MAX).contains(&ack.message_ids().len()));
                assert_eq!(Ack::new(ack.state, ack.group_id, ack.message_ids()), Ok(ack));
                written(body, |out| ack.put(out));
            }
        }
        ContentKind::Resend => {
            if let Ok(resend) = Resend::parse(body) {
                assert!((1..=RESEND_MAX).contains(&resend.lost().len()));
                assert_eq!(Resend::new(resend.lost()), Ok(resend));
                written(body, |out| resend.put(out));
            }
        }
        ContentKind::Invitation => {
            if let Ok(invitation) = Invitation::parse(body) {
                check_label(invitation.label.as_bytes()).unwrap();
                written(body, |out| invitation.put(out));
            }
        }
    }
}

/// Sender keys on their way to a member, and those of old.
pub fn distribution(data: &[u8]) {
    if let Ok(distribution) = Distribution::decode(data) {
        assert_eq!(*distribution.encode(), data);
    }
    if let Ok(history) = History::decode(data) {
        assert_eq!(*history.encode().unwrap(), data);
    }
}

/// Cards, one or several, with or without a signature that holds.
pub fn card(data: &[u8]) {
    let mut reader = Reader::new(data);
    if let Ok(fields) = CardFields::read(&mut reader) {
        written(&data[..reader.position()], |out| fields.put(out));
        check_user(fields.user.as_bytes()).unwrap();
    }
    if let Ok(card) = Card::parse(data) {
        assert_eq!(card.as_bytes(), data);
        assert_eq!(Card::parse_many(data), Ok(vec![card]));
    }
    if let Ok(cards) = Card::parse_many(data) {
        assert_eq!(cards.iter().flat_map(Card::as_bytes).copied().collect::<Vec<_>>(), data);
    }
}

/// Bundles of prekeys: those of Alice, and any.
pub fn prekeys(data: &[u8]) {
    lazy!(CARD: Card = person("alice").card().clone());
    if let Ok(fields) = PrekeyBundleFields::parse(data) {
        written(data, |out| fields.put(out));
        assert_eq!(PrekeyBundleFields::encoded_len(fields.user, fields.one_time.len()), data.len());
    }
    if let Ok(bundle) = PrekeyBundle::parse(data, &CARD) {
        assert_eq!(bundle.to_bytes().unwrap(), data);
        assert_eq!((bundle.user(), bundle.fingerprint()), (CARD.user(), CARD.fingerprint()));
    }
}

/// Frames between clients and relays, both ways.
pub fn frame(data: &[u8]) {
    let Ok(frame) = Frame::parse(data) else { return };
    assert!(data.len() <= FRAME_MAX);
    assert_eq!(frame.encoded_len(), data.len());
    assert_eq!(frame.to_bytes().unwrap(), data);
    match frame.body {
        Body::Deliver { sequence, payload } => {
            assert_eq!([&deliver_head(sequence, payload.len()).unwrap()[..], payload].concat(), data);
        }
        Body::SendMany { envelopes, .. } => assert_eq!(envelopes.iter().count(), envelopes.len()),
        Body::SentMany { statuses } => assert_eq!(statuses.iter().count(), statuses.len()),
        Body::Groups { groups } => assert_eq!(groups.iter().count(), groups.len()),
        Body::Watch { users, .. } => {
            let users: Vec<&str> = users.iter().collect();
            assert!(users.is_sorted_by(|one, next| one < next));
        }
        _ => {}
    }
}

/// What an attachment begins with, and what opens it.
pub fn attachment_header(data: &[u8]) {
    if let Ok(header) = Header::parse(data) {
        written(data, |out| Ok(header.put(out)));
    }
    if let Ok(reference) = Reference::parse(data) {
        written(data, |out| reference.put(out));
        assert!(reference.size <= reference.chunk_size.size_max());
    }
}

/// Names of users and groups: a name that is taken stays it in every normal form that text may go through.
pub fn name(data: &[u8]) {
    let (user, label) = (check_user(data), check_label(data));
    assert!(user == label || data.is_empty());
    if let Ok(label) = label {
        assert!(label.len() <= NAME_MAX && label.as_bytes() == data);
        assert!(!label.chars().any(char::is_control));
    }
}
