#![allow(clippy::large_types_passed_by_value, reason = "a test may")]

use proptest::prelude::*;

use super::*;

/// What a body borrows from.
#[derive(Debug, Clone)]
struct Fields {
    bytes: Vec<u8>,
    more: Vec<u8>,
    name: String,
    numbers: [u64; 4],
    array: [u8; 64],
    choice: bool,
    envelopes: Vec<u8>,
    statuses: Vec<u8>,
    users: Vec<u8>,
    groups: Vec<u8>,
}

prop_compose! {
    fn fields()(
        bytes in prop::collection::vec(any::<u8>(), 1..300),
        more in prop::collection::vec(any::<u8>(), 0..300),
        name in "[a-z]{1,40}",
        numbers in any::<[u64; 4]>(),
        array in any::<[[u8; 32]; 2]>(),
        choice in any::<bool>(),
        envelopes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..8),
        statuses in prop::collection::vec(any::<u32>(), 1..8),
        users in prop::collection::btree_set("[a-z]{1,8}", 0..8),
        groups in prop::collection::vec((any::<[u8; 32]>(), any::<bool>(), any::<bool>()), 0..8),
    ) -> Fields {
        let mut both = [0; 64];
        both.copy_from_slice(array.as_flattened());
        Fields {
            bytes, more, name, numbers, array: both, choice,
            envelopes: Envelopes::encode(envelopes.iter().map(Vec::as_slice)).unwrap(),
            statuses: Statuses::encode(statuses).unwrap(),
            users: Users::encode(users.iter().map(String::as_str)).unwrap(),
            groups: Groups::encode(groups.iter().map(|(group_id, is_open, is_member)| {
                FoundGroup { group_id, is_open: *is_open, is_member: *is_member }
            })).unwrap(),
        }
    }
}

/// A body of each type.
fn bodies(from: &Fields) -> Vec<Body<'_>> {
    let Fields { bytes, more, name, numbers: [commit, sequence, other, small], array, choice, .. } = from;
    let (commit, sequence, user) = (*commit, *sequence, name.as_str());
    let id = array.first_chunk().unwrap();
    vec![
        Body::Hello(Hello {
            method: if *choice { Method::Proof } else { Method::Host },
            card: bytes,
            store_id: id,
            commit,
            relay_id: array.last_chunk().unwrap(),
            seen: sequence,
        }),
        Body::Ok,
        Body::Error { status: *small as u32, retry_after_ms: *other as u32, epoch: sequence, text: user },
        Body::Challenge { nonce: array.first_chunk().unwrap(), relay_name: user },
        Body::Prekeys { commit, bundle: bytes },
        Body::Lookup { user },
        Body::Found { card: bytes, bundle: more },
        Body::Commit { commit, entry: bytes },
        Body::FetchLog { group_id: array.first_chunk().unwrap(), from_epoch: sequence },
        Body::Log { entries: more },
        Body::Send { commit, envelope: bytes },
        Body::Deliver { sequence: sequence.max(1), payload: bytes },
        Body::QueueEnd,
        Body::Acknowledge { commit, sequence },
        Body::Proof { signature: array },
        Body::Welcome(Welcome {
            time_ms: *other,
            relay_id: id,
            commit,
            acknowledged: sequence,
            last: *small,
            signed_prekey_expires_ms: *other,
            one_time_prekeys: *small as u16,
            frame_max: *other as u32,
        }),
        Body::SendMany { commit, envelopes: List::parse(&from.envelopes).unwrap() },
        Body::SentMany { statuses: List::parse(&from.statuses).unwrap() },
        Body::Presence { is_online: *choice, user },
        Body::Watch { is_visible: *choice, users: List::parse(&from.users).unwrap() },
        Body::Find { label: user },
        Body::Groups { groups: List::parse(&from.groups).unwrap() },
        Body::Ping,
    ]
}

/// The request that a frame of this body may have.
fn request_of(body: &Body<'_>, request: u32) -> u32 {
    match body {
        Body::Deliver { .. } | Body::QueueEnd | Body::Acknowledge { .. } | Body::Presence { .. } => 0,
        _ => request.max(1),
    }
}

proptest! {
    #[test]
    fn every_frame_reads_back(fields in fields(), request in any::<u32>()) {
        for body in bodies(&fields) {
            let frame = Frame { request: request_of(&body, request), body };
            let bytes = frame.to_bytes().unwrap();
            prop_assert_eq!(bytes.len(), frame.encoded_len());
            prop_assert_eq!(Frame::parse(&bytes), Ok(frame));
        }
    }

    #[test]
    fn a_frame_cut_short_or_with_a_byte_more_is_malformed(fields in fields(), at in any::<prop::sample::Index>()) {
        for body in bodies(&fields) {
            let mut bytes = Frame { request: request_of(&body, 7), body }.to_bytes().unwrap();
            prop_assert_eq!(Frame::parse(&bytes[..at.index(bytes.len())]), Err(Error::Malformed));
            bytes.push(0);
            prop_assert_eq!(Frame::parse(&bytes), Err(Error::Malformed));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_only_as_they_would_be_written(
        type_byte in 0_u8..24,
        request in 0_u32..2,
        rest in prop::collection::vec(0_u8..4, 0..90),
    ) {
        let mut bytes = Vec::new();
        put_head(&mut bytes, type_byte, request);
        bytes.extend(rest);
        if let Ok(frame) = Frame::parse(&bytes) {
            prop_assert_eq!(frame.to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn a_head_and_a_payload_are_a_deliver_frame(sequence in 1_u64.., payload in prop::collection::vec(any::<u8>(), 1..99)) {
        let bytes = [&deliver_head(sequence, payload.len()).unwrap()[..], &payload].concat();
        let deliver = Frame { request: 0, body: Body::Deliver { sequence, payload: &payload } };
        prop_assert_eq!(Frame::parse(&bytes), Ok(deliver));
    }
}

#[test]
fn what_asks_and_answers_has_a_request_and_the_rest_none() {
    let ping = Frame { request: 0, body: Body::Ping }.to_bytes().unwrap();
    assert_eq!(Frame::parse(&ping), Err(Error::Malformed));
    let acknowledge = Frame { request: 1, body: Body::Acknowledge { commit: 0, sequence: 1 } };
    assert_eq!(Frame::parse(&acknowledge.to_bytes().unwrap()), Err(Error::Malformed));
}

#[test]
fn a_frame_longer_than_frames_are_is_neither_written_nor_read() {
    let envelope = vec![1; FRAME_MAX];
    let frame = Frame { request: 1, body: Body::Send { commit: 0, envelope: &envelope } };
    assert_eq!(frame.to_bytes(), Err(Error::TooLarge));
    assert_eq!(Frame::parse(&vec![0; FRAME_MAX + 1]), Err(Error::TooLarge));
    assert_eq!(deliver_head(1, FRAME_MAX), Err(Error::TooLarge));
    assert!(deliver_head(1, FRAME_MAX - DELIVER_HEAD_LEN).is_ok());
}
