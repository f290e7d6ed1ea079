//! Envelopes and frames: what is written reads back, and nothing else reads (`docs/PROTOCOL.md` 5.4, 8.2, 10.3).

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use proptest::prelude::*;
use sealwax::Error;
use sealwax::limits::{ENVELOPE_MAX, FRAME_MAX};
use sealwax::wire::codec::{Put, SliceWriter};
use sealwax::wire::envelope::Envelope;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::group::{self, GroupMessage, Link};
use sealwax::wire::session::{
    self, Handshake, Header, PrekeyIds, RatchetHeader, SessionMessage, put_ciphertext_len,
};
use sealwax::wire::{Kind, put_prefix};

fn user() -> impl Strategy<Value = String> {
    "[a-zé/]{1,100}"
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..max)
}

/// A 65-byte field; [`proptest`] knows arrays up to 32.
fn key() -> impl Strategy<Value = [u8; 65]> {
    any::<u8>().prop_map(|byte| [byte; 65])
}

/// Writes a session message the way an encryption does: in pieces, into a slice of exactly its length.
fn session_message() -> impl Strategy<Value = Vec<u8>> {
    let handshake = prop::option::of((bytes(300), any::<u64>(), key(), any::<(bool, bool, u32, u32)>()));
    let front = (any::<bool>(), user(), user(), any::<[u8; 8]>(), any::<u64>(), any::<[u8; 12]>(), handshake);
    let rest = (key(), any::<u32>(), any::<u32>(), any::<u8>(), prop::collection::vec(any::<u8>(), 21..200));
    (front, rest).prop_map(|(front, rest)| {
        let (hidden_header, sender, recipient, key_id, timestamp_ms, nonce, handshake) = front;
        let (ratchet_key, previous_count, counter, fill, content) = rest;
        let handshake = handshake.as_ref().map(|(card, created_ms, ephemeral, ids)| Handshake {
            card,
            created_ms: *created_ms,
            ephemeral,
            prekeys: ids.0.then_some(PrekeyIds { signed: ids.2, one_time: ids.1.then_some(ids.3) }),
        });
        let front = session::Front {
            hidden_header,
            sender: &sender,
            recipient: &recipient,
            key_id: &key_id,
            timestamp_ms,
            nonce: &nonce,
            handshake,
        };
        let mut envelope = vec![0; front.envelope_len(content.len())];
        let mut out = SliceWriter::new(&mut envelope);
        front.put(&mut out).unwrap();
        assert_eq!(out.position(), front.encoded_len());
        if hidden_header {
            Header::Hidden { nonce: &nonce, sealed: &[fill; session::SEALED_HEADER_LEN] }.put(&mut out);
        } else {
            RatchetHeader { ratchet_key: &ratchet_key, previous_count, counter }.put(&mut out);
        }
        put_ciphertext_len(&mut out, content.len()).unwrap();
        let aad_len = out.position();
        out.put(&content);
        out.put(&[fill; 16]);
        assert_eq!(out.finish(), Ok(envelope.len()));

        let message = SessionMessage::parse(&envelope).unwrap();
        assert_eq!(message.front, front);
        assert_eq!(message.before_header, &envelope[..front.encoded_len()]);
        assert_eq!(message.aad, &envelope[..aad_len]);
        assert_eq!(message.ciphertext, &envelope[aad_len..]);
        if let Header::Plain(header) = message.header {
            assert_eq!(header, RatchetHeader { ratchet_key: &ratchet_key, previous_count, counter });
        }
        envelope
    })
}

fn group_message() -> impl Strategy<Value = Vec<u8>> {
    let front = (any::<[u8; 32]>(), user(), any::<[u8; 8]>(), any::<u64>(), any::<[u8; 16]>(), any::<u32>());
    let rest = (any::<u64>(), any::<[u8; 12]>(), any::<[u8; 16]>(), prop::option::of(any::<u32>()));
    (front, rest, any::<u8>(), prop::collection::vec(any::<u8>(), 21..200)).prop_map(
        |(front, rest, fill, content)| {
            let (group_id, sender, key_id, epoch, roster_hash, counter) = front;
            let (timestamp_ms, nonce, link, resumed) = rest;
            let front = group::Front {
                group_id: &group_id,
                sender: &sender,
                key_id: &key_id,
                epoch,
                roster_hash: &roster_hash,
                counter,
                timestamp_ms,
                nonce: &nonce,
                link: resumed.map_or(Link::Known(&link), |from| Link::Resumed { from: from.min(counter) }),
            };
            let mut envelope = vec![0; front.envelope_len(content.len())];
            let mut out = SliceWriter::new(&mut envelope);
            front.put(&mut out).unwrap();
            assert_eq!(out.position(), front.encoded_len());
            put_ciphertext_len(&mut out, content.len()).unwrap();
            let aad_len = out.position();
            out.put(&content);
            out.put(&[fill; 16]);
            out.put(&[fill; 64]);
            assert_eq!(out.finish(), Ok(envelope.len()));

            let message = GroupMessage::parse(&envelope).unwrap();
            assert_eq!(message.front, front);
            assert_eq!(message.aad, &envelope[..aad_len]);
            assert_eq!(message.ciphertext, &envelope[aad_len..envelope.len() - 64]);
            assert_eq!(message.signature, &[fill; 64]);
            envelope
        },
    )
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let parts = (user(), bytes(300), bytes(300), any::<[u8; 32]>(), 1..u64::MAX, any::<u32>());
    (0..14_u8, parts).prop_map(|(which, (user, first, second, group_id, number, request))| {
        let body = match which {
            0 => Body::Ping,
            1 => Body::Ok,
            2 => Body::Error { status: request, retry_after_ms: request, epoch: number, text: &user },
            3 => Body::Presence { is_online: true, user: &user },
            4 => Body::Prekeys { commit: number, bundle: &first },
            5 => Body::Lookup { user: &user },
            6 => Body::Found { card: &first, bundle: second.get(1..).unwrap() },
            7 => Body::Commit { commit: number, entry: &first },
            8 => Body::FetchLog { group_id: &group_id, from_epoch: number },
            9 => Body::Log { entries: second.get(1..).unwrap() },
            10 => Body::Send { commit: number, envelope: &first },
            11 => Body::Deliver { sequence: number, payload: &first },
            12 => Body::QueueEnd,
            _ => Body::Acknowledge { commit: number, sequence: number },
        };
        let unasked = matches!(which, 3 | 11..);
        let frame = Frame { request: if unasked { 0 } else { request.max(1) }, body };
        let mut written = Vec::new();
        frame.put(&mut written).unwrap();
        assert_eq!(written.len(), frame.encoded_len());
        assert_eq!(Frame::parse(&written), Ok(frame));
        written
    })
}

/// Parses by its prefix; what parses is written again.
fn reencode(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut again = Vec::new();
    match bytes.get(4) {
        Some(0x01 | 0x02) => SessionMessage::parse(bytes)?.put(&mut again)?,
        Some(0x05) => GroupMessage::parse(bytes)?.put(&mut again)?,
        _ => Frame::parse(bytes)?.put(&mut again)?,
    }
    Ok(again)
}

fn any_object() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![session_message(), group_message(), frame()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_reads_back(object in any_object()) {
        prop_assert_eq!(reencode(&object), Ok(object));
    }

    #[test]
    fn every_truncation_is_refused(object in any_object()) {
        for length in 0..object.len() {
            prop_assert_eq!(reencode(&object[..length]), Err(Error::Malformed));
        }
    }

    #[test]
    fn a_trailing_byte_is_refused(object in any_object(), byte in any::<u8>()) {
        let longer = [object, vec![byte]].concat();
        prop_assert_eq!(reencode(&longer), Err(Error::Malformed));
    }

    #[test]
    fn there_is_one_encoding_of_every_object(object in any_object(), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut other = object;
        let at = at.index(other.len());
        other[at] ^= 1_u8 << bit;
        if let Ok(again) = reencode(&other) {
            prop_assert_eq!(again, other);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(kind in prop_oneof![Just(1), Just(2), Just(5), Just(0x60)], rest in bytes(600)) {
        let object = [vec![1, 1, 0, 1, kind], rest].concat();
        if let Ok(again) = reencode(&object) {
            prop_assert_eq!(&again, &object);
        }
        let _ = Envelope::parse(&object);
    }

    #[test]
    fn reserved_flags_of_an_envelope_are_refused(object in prop_oneof![session_message(), group_message()], bit in 1..8) {
        let mut other = object;
        other[5] |= 1_u8 << bit;
        prop_assert_eq!(reencode(&other), Err(Error::Malformed));
    }

    #[test]
    fn an_envelope_tells_where_it_goes(session in session_message(), group in group_message()) {
        let (message, envelope) = (SessionMessage::parse(&session).unwrap(), Envelope::parse(&session).unwrap());
        prop_assert_eq!(envelope.recipient, Some(message.front.recipient));
        prop_assert_eq!((envelope.sender, envelope.group), (message.front.sender, None));
        prop_assert_eq!(envelope.kind, message.front.kind());

        let (message, envelope) = (GroupMessage::parse(&group).unwrap(), Envelope::parse(&group).unwrap());
        prop_assert_eq!(envelope.group, Some(message.front.group_id));
        prop_assert_eq!((envelope.sender, envelope.recipient), (message.front.sender, None));
    }
}

fn a_frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_prefix(&mut bytes, Kind::Frame);
    bytes.put(body);
    bytes
}

#[test]
fn objects_of_another_kind_are_told_so() {
    let frame = a_frame(&[2, 0, 0, 0, 1]);
    assert_eq!(SessionMessage::parse(&frame), Err(Error::WrongKind));
    assert_eq!(GroupMessage::parse(&frame), Err(Error::WrongKind));
    assert_eq!(Envelope::parse(&frame), Err(Error::WrongKind));
    assert_eq!(Frame::parse(&[1, 1, 0, 1, 5]), Err(Error::WrongKind));
    assert!(Frame::parse(&frame).is_ok());
}

#[test]
fn more_bytes_than_an_object_may_have_are_too_large() {
    let frame = a_frame(&vec![0; FRAME_MAX]);
    assert_eq!(Frame::parse(&frame), Err(Error::TooLarge));
    let mut envelope = vec![1, 1, 0, 1, 1];
    envelope.resize(ENVELOPE_MAX + 1, 0);
    assert_eq!(Envelope::parse(&envelope), Err(Error::TooLarge));
    let entry = vec![0; FRAME_MAX];
    let mut out = Vec::new();
    assert_eq!(
        Frame { request: 1, body: Body::Commit { commit: 1, entry: &entry } }.put(&mut out),
        Err(Error::TooLarge)
    );
    assert!(out.is_empty());
}

#[test]
fn a_user_that_is_not_utf8_or_empty_is_refused() {
    assert_eq!(Frame::parse(&a_frame(&[6, 0, 0, 0, 1, 1, 0xff])), Err(Error::Malformed));
    assert_eq!(Frame::parse(&a_frame(&[6, 0, 0, 0, 1, 0])), Err(Error::Malformed));
    assert!(Frame::parse(&a_frame(&[6, 0, 0, 0, 1, 1, b'a'])).is_ok());
}

#[test]
fn reserved_methods_and_types_of_frames_are_refused() {
    assert_eq!(Frame::parse(&a_frame(&[1, 0, 0, 0, 1, 2, 1, b'a'])), Err(Error::Unsupported));
    assert_eq!(Frame::parse(&a_frame(&[0, 0, 0, 0, 1])), Err(Error::Malformed));
    assert_eq!(Frame::parse(&a_frame(&[23, 0, 0, 0, 1])), Err(Error::Malformed));
}

#[test]
fn a_deliver_is_unasked_and_either_brings_something_or_ends_the_queue() {
    let deliver = |request: u32, sequence: u64, flags: u8, payload: &[u8]| {
        let mut body = vec![12];
        body.put_u32(request);
        body.put_u64(sequence);
        body.put_u8(flags);
        body.put_bytes32(payload).unwrap();
        Frame::parse(&a_frame(&body)).map(|frame| frame.body == Body::QueueEnd)
    };
    assert_eq!(deliver(0, 1, 0, b"x"), Ok(false));
    assert_eq!(deliver(0, 0, 1, b""), Ok(true));
    for (request, sequence, flags, payload) in [
        (1, 1, 0, &b"x"[..]),
        (0, 0, 0, b"x"),
        (0, 1, 0, b""),
        (0, 1, 1, b""),
        (0, 0, 1, b"x"),
        (0, 1, 2, b"x"),
    ] {
        assert_eq!(deliver(request, sequence, flags, payload), Err(Error::Malformed));
    }
}

#[test]
fn handshakes_of_later_suites_and_one_time_prekeys_alone_are_refused() {
    let block = |signed: &[u8], one_time: &[u8], extension: &[u8]| {
        let mut bytes = vec![0, 1, 7];
        bytes.put(&[0; 8 + 65]);
        bytes.put(signed);
        bytes.put(one_time);
        bytes.put_bytes16(extension).unwrap();
        Handshake::read(&mut sealwax::wire::codec::Reader::new(&bytes)).map(|handshake| handshake.prekeys)
    };
    let (absent, present) = (&[0][..], &[1, 0, 0, 0, 9][..]);
    assert_eq!(block(absent, absent, b""), Ok(None));
    assert_eq!(block(present, absent, b""), Ok(Some(PrekeyIds { signed: 9, one_time: None })));
    assert_eq!(block(present, present, b""), Ok(Some(PrekeyIds { signed: 9, one_time: Some(9) })));
    assert_eq!(block(absent, present, b""), Err(Error::Malformed));
    assert_eq!(block(present, &[2], b""), Err(Error::Malformed));
    assert_eq!(block(absent, absent, b"x"), Err(Error::Malformed));
}

#[test]
fn a_resumed_message_has_no_link_and_resumes_no_later_than_itself() {
    let (group_id, key_id, roster_hash, nonce) = ([1; 32], [2; 8], [3; 16], [4; 12]);
    let message = |link: Link<'_>, flags: u8| {
        let front = group::Front {
            group_id: &group_id,
            sender: "a",
            key_id: &key_id,
            epoch: 1,
            roster_hash: &roster_hash,
            counter: 10,
            timestamp_ms: 1,
            nonce: &nonce,
            link,
        };
        let mut bytes = Vec::new();
        front.put(&mut bytes).unwrap();
        if flags == 1 && front.resumed_from().is_none() {
            bytes.put_u32(10);
        }
        bytes[5] = flags;
        put_ciphertext_len(&mut bytes, 21).unwrap();
        bytes.put(&[0; 37 + 64]);
        GroupMessage::parse(&bytes).map(|message| message.front.resumed_from())
    };
    assert_eq!(message(Link::Known(&[5; 16]), 0), Ok(None));
    assert_eq!(message(Link::Resumed { from: 10 }, 1), Ok(Some(10)));
    assert_eq!(message(Link::Resumed { from: 11 }, 1), Err(Error::Malformed));
    assert_eq!(message(Link::Known(&[5; 16]), 1), Err(Error::Malformed));
}
