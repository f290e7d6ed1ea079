//! `tests/vectors/stream.json`: attachments (`docs/PROTOCOL.md` section 15) of every kind of length, and what must be
//! refused. Byte i of each plaintext is 31 i + i / 256, modulo 256; of files of several chunks the hash stands for the
//! bytes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::vectors::{check, hex, label};
use sealwax::Error;
use sealwax::crypto::Secret;
use sealwax::crypto::kdf::{self, Label};
use sealwax::stream::{OVERHEAD, Open, Seal};
use sealwax::wire::attachment::{ChunkSize, HEADER_LEN, Reference};
use serde_json::{Value, json};

const BITS: u8 = 12;
const CHUNK: usize = 1 << BITS;

fn plaintext(size: usize) -> Vec<u8> {
    (0..size).map(|at| (31 * at + at / 256) as u8).collect()
}

/// A sealed file and its reference.
fn seal(size: usize, has_digest: bool) -> (Vec<u8>, Vec<u8>) {
    let rng = &mut ScriptedRandom::new(&format!("attachment of {size}"));
    let mut seal = Seal::new(ChunkSize::from_bits(BITS).unwrap(), has_digest, rng).unwrap();
    let plaintext = plaintext(size);
    let mut chunks = vec![0; seal.update_len(size).unwrap()];
    seal.update(&plaintext, rng, &mut chunks).unwrap();
    let mut last = vec![0; seal.finish_len().unwrap()];
    seal.finish(rng, &mut last).unwrap();
    ([&seal.header()[..], &chunks, &last].concat(), seal.reference().unwrap().to_vec())
}

fn attachment(size: usize, has_digest: bool) -> Value {
    let (file, reference) = seal(size, has_digest);
    let (header, body) = file.split_at(HEADER_LEN);
    let parsed = Reference::parse(&reference).unwrap();
    let mut derived = [0; 64];
    let file_key = Secret::from_slice(parsed.file_key).unwrap();
    kdf::expand(&file_key, Label::Stream, &header[..HEADER_LEN - 32], &mut derived);
    assert_eq!(header[HEADER_LEN - 32..], derived[32..]);
    let mut digests = Vec::new();
    let sealed_chunks: Vec<&[u8]> = body.chunks(CHUNK + OVERHEAD).collect();
    let chunks: Vec<Value> = sealed_chunks
        .iter()
        .enumerate()
        .map(|(index, chunk)| {
            let last = index + 1 == sealed_chunks.len();
            let digest = kdf::hash(Label::StreamChunk, &[chunk]);
            digests.extend(digest);
            json!({
                "index": index,
                "last": u8::from(last),
                "nonce": hex(&chunk[..12]),
                "aad": hex([header, &(index as u32).to_be_bytes(), &[last.into()]].concat()),
                "tag": hex(&chunk[chunk.len() - 16..]),
                "chunk_digest": hex(digest),
            })
        })
        .collect();
    let digest = kdf::hash(Label::StreamDigest, &[header, &digests]);
    assert_eq!(parsed.digest, has_digest.then_some(&digest));
    json!({
        "size": size,
        "chunk_bits": BITS,
        "has_digest": has_digest,
        "file_key": hex(parsed.file_key),
        "expand_info": hex([&label("sealwax stream/1"), &header[..HEADER_LEN - 32]].concat()),
        "chunk_key": hex(&derived[..32]),
        "commitment": hex(&derived[32..]),
        "header": hex(header),
        "chunks": chunks,
        "digest": hex(digest),
        "reference": hex(&reference),
        "file": if size <= 16 { hex(&file) } else { Value::Null },
        "file_sha256": hex(kdf::sha256(&[&file])),
    })
}

/// What is wrong with a reference or header, both, and the error that opening them gets.
fn refused() -> Vec<Value> {
    let (file, reference) = seal(1, true);
    let header = file[..HEADER_LEN].to_vec();
    let with = |bytes: &[u8], at: usize, value: u8| {
        let mut changed = bytes.to_vec();
        changed[at] = value;
        changed
    };
    let cases = [
        ("chunk_bits below 12", "MALFORMED", with(&reference, 5, 11), header.clone(), Error::Malformed),
        ("chunk_bits above 20", "MALFORMED", reference.clone(), with(&header, 5, 21), Error::Malformed),
        ("more than 2^30 chunks", "MALFORMED", with(&reference, 39, 1), header.clone(), Error::Malformed),
        (
            "a digest of 31 bytes",
            "MALFORMED",
            with(&reference, 46, 31)[..78].to_vec(),
            header.clone(),
            Error::Malformed,
        ),
        (
            "bytes after the reference",
            "MALFORMED",
            [&reference[..], &[0]].concat(),
            header.clone(),
            Error::Malformed,
        ),
        ("a header cut short", "MALFORMED", reference.clone(), header[..37].to_vec(), Error::Malformed),
        ("a card for a header", "WRONG_KIND", reference.clone(), with(&header, 4, 0x20), Error::WrongKind),
        ("no digest where one is required", "WRONG_KIND", seal(1, false).1, header.clone(), Error::WrongKind),
        (
            "another suite",
            "UNSUPPORTED_SUITE",
            with(&reference, 3, 2),
            header.clone(),
            Error::UnsupportedSuite,
        ),
        (
            "another chunk_bits in the header",
            "AUTHENTICATION_FAILED",
            reference.clone(),
            with(&header, 5, 13),
            Error::AuthenticationFailed,
        ),
        (
            "another file key",
            "AUTHENTICATION_FAILED",
            with(&reference, 6, reference[6] ^ 1),
            header.clone(),
            Error::AuthenticationFailed,
        ),
        (
            "another commitment",
            "AUTHENTICATION_FAILED",
            reference.clone(),
            with(&header, 37, header[37] ^ 1),
            Error::AuthenticationFailed,
        ),
    ];
    cases
        .into_iter()
        .map(|(why, status, reference, header, error)| {
            assert_eq!(Open::new(&reference, &header, true).err(), Some(error), "{why}");
            json!({ "why": why, "status": status, "reference": hex(reference), "header": hex(header) })
        })
        .collect()
}

#[test]
fn attachments_are_as_committed() {
    let sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5];
    let mut attachments: Vec<Value> = sizes.iter().map(|size| attachment(*size, true)).collect();
    attachments.push(attachment(2, false));
    check("stream", &json!({ "attachments": attachments, "refused": refused() }));
}
