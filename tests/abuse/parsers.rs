//! What needs no key to be sent: parsers of bytes and of JSON.

use sealwax::crypto::rng::SystemRandom;
use sealwax::ffi::library;
use sealwax::identity::{Card, PrekeyBundle};
use sealwax::limits::{ATTACHMENT_CHUNK_MAX, OPTIONS_MAX};
use sealwax::stream::{OVERHEAD, Open, Seal};
use sealwax::wire::attachment::ChunkSize;
use sealwax::wire::frame::{Body, Envelopes, Frame, List};

use crate::common::ScriptedRandom;
use crate::common::abi::bytes_out;
use crate::common::group::person;
use crate::common::relay::direct;
use crate::meter::{MIB, bounded};

#[test]
fn options_of_every_shape_are_judged_within_the_limits() {
    let shapes = [
        ("nested lists", "[".repeat(OPTIONS_MAX)),
        ("nested objects", r#"{"a":"#.repeat(OPTIONS_MAX / 5)),
        ("a list of numbers", format!("{{\"name\":[{}1]}}", "1,".repeat(OPTIONS_MAX / 2 - 10))),
        ("many keys", {
            let keys: Vec<String> = (0..6_000).map(|number| format!("\"{number}\":1")).collect();
            format!("{{{}}}", keys.join(","))
        }),
        ("one key many times", format!("{{{}\"name\":1}}", "\"name\":1,".repeat(OPTIONS_MAX / 9 - 2))),
        ("a long name", format!("{{\"name\":\"{}\"}}", "x".repeat(OPTIONS_MAX - 11))),
        ("a long number", format!("{{\"queue_max\":{}}}", "1".repeat(OPTIONS_MAX - 14))),
        ("escapes", format!("{{\"name\":\"{}\"}}", "\\u0061".repeat((OPTIONS_MAX - 11) / 6))),
    ];
    let function = "sealwax_relay_new";
    for (what, options) in shapes {
        assert!(options.len() <= OPTIONS_MAX, "{what}");
        bounded(&format!("options: {what}"), options.len(), || {
            let call = |out, cap, len: *mut usize| {
                // SAFETY: texts with their lengths, and a buffer as `bytes_out` makes them.
                #[allow(unsafe_code, reason = "the callee is C's")]
                unsafe {
                    library::sealwax_options_check(
                        function.as_ptr().cast(),
                        function.len(),
                        options.as_ptr().cast(),
                        options.len(),
                        out,
                        cap,
                        len,
                    )
                }
            };
            let _ = bytes_out(call);
        });
    }
}

#[test]
fn cards_and_bundles_are_read_within_the_limits() {
    let mut owner = person("owner");
    let card = owner.card().as_bytes().to_vec();
    bounded("card: parse one", card.len(), || Card::parse(&card).map(drop).unwrap());
    let bundle = owner.prekeys(&mut ScriptedRandom::new("prekeys"), 999, 0).unwrap();
    bounded("prekeys: parse a bundle of 999", bundle.len(), || {
        PrekeyBundle::parse(&bundle, owner.card()).map(drop).unwrap();
    });
}

#[test]
fn frames_are_read_within_the_limits() {
    let envelope = direct("alice", "bob", 1);
    let many = Envelopes::encode((0..1_024).map(|_| envelope.as_slice())).unwrap();
    let body = Body::SendMany { commit: 1, envelopes: List::parse(&many).unwrap() };
    let frame = Frame { request: 1, body }.to_bytes().unwrap();
    bounded("frame: parse one of 1,024 envelopes", frame.len(), || Frame::parse(&frame).map(drop).unwrap());
    let tiny = [0, 0, 0, 1, 0].repeat(MIB / 5);
    bounded("frame: refuse one of 209,715 envelopes", tiny.len(), || {
        assert!(Envelopes::parse(&tiny).is_err());
    });
    let users = b"\x02aa".repeat(MIB / 3);
    bounded("frame: refuse a list of 349,525 users", users.len(), || {
        assert!(sealwax::wire::frame::Users::parse(&users).is_err());
    });
}

#[test]
fn the_largest_chunk_of_an_attachment_is_opened_within_the_limits() {
    let size = ChunkSize::from_bytes(ATTACHMENT_CHUNK_MAX as u64).unwrap();
    let plaintext = vec![5; ATTACHMENT_CHUNK_MAX];
    let mut sealed = vec![0; ATTACHMENT_CHUNK_MAX + OVERHEAD];
    let seal = Seal::new(size, true, &mut SystemRandom).unwrap();
    seal.chunk(0, true, &plaintext, &mut SystemRandom, &mut sealed).unwrap();
    let reference = seal.reference().unwrap();
    let header = *seal.header();
    let mut out = vec![0; ATTACHMENT_CHUNK_MAX];
    bounded("attachment: open the largest chunk", sealed.len(), || {
        Open::new(&reference, &header, true).unwrap().chunk(0, &sealed, &mut out).unwrap();
    });
    bounded("attachment: open it in order", sealed.len(), || {
        let mut open = Open::new(&reference, &header, true).unwrap();
        let len = open.update_len(sealed.len()).unwrap();
        open.update(&sealed, &mut out[..len]).unwrap();
        open.finish().unwrap();
    });
}
