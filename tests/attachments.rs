//! Attachments (`docs/PROTOCOL.md` section 15): what comes back, in whatever pieces and order, and what is refused.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use proptest::prelude::*;
use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::error::Result;
use sealwax::stream::{OVERHEAD, Open, Seal};
use sealwax::wire::attachment::{ChunkSize, HEADER_LEN, Reference};

const CHUNK: usize = 4096;
const SEALED_CHUNK: usize = CHUNK + OVERHEAD;

fn small() -> ChunkSize {
    ChunkSize::from_bytes(CHUNK as u64).unwrap()
}

/// Bytes that tell where they are from.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 7 + at) as u8).collect()
}

/// A sealed file and the reference to it.
#[derive(Clone)]
struct Sealed {
    file: Vec<u8>,
    reference: Vec<u8>,
}

impl Sealed {
    fn of(plaintext: &[u8]) -> Self {
        Self::in_pieces(plaintext, &[plaintext.len()], true)
    }

    /// Fed in pieces of these lengths, over and over.
    fn in_pieces(plaintext: &[u8], lengths: &[usize], digest: bool) -> Self {
        let mut seal = Seal::new(small(), digest, &mut SystemRandom).unwrap();
        let mut file = seal.header().to_vec();
        for piece in pieces(plaintext, lengths) {
            let mut out = vec![0; seal.update_len(piece.len()).unwrap()];
            seal.update(piece, &mut SystemRandom, &mut out).unwrap();
            file.extend(out);
        }
        let mut out = vec![0; seal.finish_len().unwrap()];
        seal.finish(&mut SystemRandom, &mut out).unwrap();
        file.extend(out);
        Self { file, reference: seal.reference().unwrap().to_vec() }
    }

    fn open(&self) -> Result<Open> {
        Open::new(&self.reference, self.file.get(..HEADER_LEN).unwrap_or(&self.file), true)
    }

    fn at_random(&self) -> Open {
        Open::new(&self.reference, &self.file[..HEADER_LEN], false).unwrap()
    }

    /// All of the plaintext, or what was given of it and why no more.
    fn read(&self, lengths: &[usize]) -> (Vec<u8>, Result<()>) {
        let mut plaintext = Vec::new();
        let result = self.open().and_then(|mut open| {
            for piece in pieces(&self.file[HEADER_LEN..], lengths) {
                let mut out = vec![0xee; open.update_len(piece.len())?];
                open.update(piece, &mut out)?;
                plaintext.extend(out);
            }
            open.finish()
        });
        (plaintext, result)
    }

    fn chunk(&self, index: usize) -> &[u8] {
        let rest = &self.file[HEADER_LEN + index * SEALED_CHUNK..];
        &rest[..rest.len().min(SEALED_CHUNK)]
    }
}

fn pieces<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn open_chunk(open: &Open, index: u32, sealed: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![0xee; open.chunk_len(index, sealed.len())?];
    open.chunk(index, sealed, &mut out).map(|()| out)
}

/// Lengths around every border, and a few chunks.
const SIZES: [usize; 8] = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK + 77];

#[test]
fn every_size_comes_back() {
    for size in SIZES {
        let sealed = Sealed::of(&content(size));
        assert_eq!(sealed.file.len() as u64, sealed.open().unwrap().layout().sealed_size());
        assert_eq!(sealed.read(&[usize::MAX]), (content(size), Ok(())), "{size}");
    }
}

#[test]
fn chunks_open_in_any_order_and_more_than_once() {
    for size in SIZES {
        let sealed = Sealed::of(&content(size));
        let open = sealed.at_random();
        let chunks = open.layout().chunks();
        for index in (0..chunks).rev().chain(0..chunks) {
            let at = index as usize * CHUNK;
            let expected = &content(size)[at..(at + CHUNK).min(size)];
            assert_eq!(open_chunk(&open, index, sealed.chunk(index as usize)).unwrap(), expected);
        }
        assert_eq!(open.chunk_len(chunks, SEALED_CHUNK), Err(Error::InvalidArgument));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_way_it_is_cut_makes_no_difference(
        size in 0..4 * CHUNK,
        sealing in prop::collection::vec(1..3 * CHUNK, 1..5),
        opening in prop::collection::vec(1..3 * CHUNK, 1..5),
        digest in any::<bool>(),
    ) {
        let sealed = Sealed::in_pieces(&content(size), &sealing, digest);
        if digest {
            prop_assert_eq!(sealed.read(&opening), (content(size), Ok(())));
        } else {
            prop_assert_eq!(sealed.open().err(), Some(Error::WrongKind));
        }
        let open = sealed.at_random();
        for index in 0..open.layout().chunks() {
            let from = index as usize * CHUNK;
            let plaintext = open_chunk(&open, index, sealed.chunk(index as usize)).unwrap();
            prop_assert_eq!(&plaintext[..], &content(size)[from..(from + CHUNK).min(size)]);
        }
    }

    #[test]
    fn any_changed_byte_is_refused_and_nothing_but_the_chunks_before_it_is_given(
        at in 0..HEADER_LEN + 3 * SEALED_CHUNK + 5 + OVERHEAD,
        bit in 0..8_u8,
        piece in 1..2 * CHUNK,
    ) {
        let mut sealed = Sealed::of(&content(3 * CHUNK + 5));
        sealed.file[at] ^= 1 << bit;
        let (plaintext, result) = sealed.read(&[piece]);
        let expected = match at {
            0 | 1 => Error::UnsupportedVersion,
            2 | 3 => Error::UnsupportedSuite,
            4 if [0x01, 0x02, 0x05, 0x06, 0x20, 0x21, 0x40, 0x51, 0x60].contains(&sealed.file[4]) => Error::WrongKind,
            4 => Error::Malformed,
            5 if !(12..=20).contains(&sealed.file[5]) => Error::Malformed,
            _ => Error::AuthenticationFailed,
        };
        prop_assert_eq!(result, Err(expected));
        prop_assert!(plaintext.len() <= at.saturating_sub(HEADER_LEN) / SEALED_CHUNK * CHUNK);
        prop_assert_eq!(&plaintext[..], &content(plaintext.len())[..]);
    }

    #[test]
    fn any_cut_is_refused(keep in 0..HEADER_LEN + 2 * SEALED_CHUNK) {
        let mut sealed = Sealed::of(&content(2 * CHUNK));
        sealed.file.truncate(keep);
        if keep < HEADER_LEN {
            prop_assert_eq!(sealed.open().err(), Some(Error::Malformed));
        } else {
            let (plaintext, result) = sealed.read(&[1000]);
            prop_assert_eq!(result, Err(Error::Malformed));
            prop_assert_eq!(plaintext.len(), (keep - HEADER_LEN) / SEALED_CHUNK * CHUNK);
        }
    }
}

/// Opens a file that somebody rearranged; how much plaintext came out before it was refused.
fn rearranged(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (usize, Error) {
    let original = Sealed::of(&content(3 * CHUNK + 5));
    let mut chunks: Vec<Vec<u8>> = (0..4).map(|index| original.chunk(index).to_vec()).collect();
    change(&mut chunks);
    let file = [&original.file[..HEADER_LEN], &chunks.concat()].concat();
    let (plaintext, result) = Sealed { file, ..original }.read(&[1500]);
    assert_eq!(plaintext, content(plaintext.len()));
    (plaintext.len(), result.unwrap_err())
}

#[test]
fn swapped_dropped_repeated_and_added_chunks_are_refused() {
    assert_eq!(rearranged(|chunks| chunks.swap(0, 2)), (0, Error::AuthenticationFailed));
    assert_eq!(rearranged(|chunks| chunks.swap(1, 2)), (CHUNK, Error::AuthenticationFailed));
    assert_eq!(rearranged(|chunks| drop(chunks.remove(1))), (CHUNK, Error::AuthenticationFailed));
    assert_eq!(rearranged(|chunks| drop(chunks.pop())), (3 * CHUNK, Error::Malformed));
    assert_eq!(rearranged(|chunks| chunks[1] = chunks[0].clone()), (CHUNK, Error::AuthenticationFailed));
    assert_eq!(rearranged(|chunks| chunks.push(vec![0])), (2 * CHUNK, Error::Malformed));
    assert_eq!(rearranged(|chunks| chunks.insert(0, chunks[0].clone())).1, Error::AuthenticationFailed);
}

#[test]
fn chunks_of_another_attachment_are_refused() {
    let (one, other) = (Sealed::of(&content(2 * CHUNK)), Sealed::of(&content(2 * CHUNK)));
    for index in 0..2 {
        let refused = open_chunk(&one.at_random(), index, other.chunk(index as usize));
        assert_eq!(refused, Err(Error::AuthenticationFailed));
    }
    let mixed = Sealed { file: other.file, reference: one.reference };
    assert_eq!(mixed.open().err(), Some(Error::AuthenticationFailed));
}

#[test]
fn a_chunk_opens_at_its_own_place_alone() {
    let sealed = Sealed::of(&content(3 * CHUNK));
    let open = sealed.at_random();
    assert_eq!(open_chunk(&open, 0, sealed.chunk(1)), Err(Error::AuthenticationFailed));
    // The last one says that it is the last.
    assert_eq!(open_chunk(&open, 1, sealed.chunk(2)), Err(Error::AuthenticationFailed));
    assert_eq!(open_chunk(&open, 1, &sealed.chunk(1)[1..]), Err(Error::Malformed));
}

#[test]
fn a_reference_that_lies_about_the_size_is_refused() {
    let sealed = Sealed::of(&content(2 * CHUNK + 100));
    for size in [2 * CHUNK, CHUNK + 100, 2 * CHUNK + 99, 2 * CHUNK + 101, 3 * CHUNK + 100] {
        let honest = Reference::parse(&sealed.reference).unwrap();
        let mut reference = Vec::new();
        Reference { size: size as u64, ..honest }.put(&mut reference).unwrap();
        let (_, result) = Sealed { reference, ..sealed.clone() }.read(&[usize::MAX]);
        assert_eq!(result, Err(Error::Malformed), "{size}");
    }
}

#[test]
fn a_second_version_under_the_same_key_is_found_by_the_digest_alone() {
    // A dishonest sender seals two files under one key: here, by a source of randomness that repeats itself.
    let version = |plaintext: &[u8]| {
        let mut seal = Seal::new(small(), true, &mut ScriptedRandom::new("key")).unwrap();
        let mut out = vec![0; seal.update_len(plaintext.len()).unwrap()];
        seal.update(plaintext, &mut SystemRandom, &mut out).unwrap();
        let mut last = vec![0; seal.finish_len().unwrap()];
        seal.finish(&mut SystemRandom, &mut last).unwrap();
        Sealed {
            file: [&seal.header()[..], &out, &last].concat(),
            reference: seal.reference().unwrap().to_vec(),
        }
    };
    let (one, other) = (version(&content(5000)), version(&[7; 5000]));
    let shown = Sealed { file: other.file.clone(), reference: one.reference };
    assert_eq!(shown.read(&[usize::MAX]), (vec![7; 5000], Err(Error::AuthenticationFailed)));
    // Whoever reads single chunks is not told: docs/THREATS.md says so.
    assert_eq!(open_chunk(&shown.at_random(), 1, shown.chunk(1)).unwrap(), [7; 904]);
}

#[test]
fn a_refused_piece_changes_nothing() {
    let sealed = Sealed::of(&content(3 * CHUNK));
    let mut open = sealed.open().unwrap();
    let body = &sealed.file[HEADER_LEN..];
    let (first, rest) = body.split_at(SEALED_CHUNK + 10);
    let mut plaintext = vec![0; open.update_len(first.len()).unwrap()];
    open.update(first, &mut plaintext).unwrap();
    let mut damaged = rest.to_vec();
    damaged[SEALED_CHUNK + 100] ^= 1;
    let mut out = vec![0; open.update_len(damaged.len()).unwrap()];
    assert_eq!(open.update(&damaged, &mut out), Err(Error::AuthenticationFailed));
    assert_eq!(open.update_len(rest.len() + 1), Err(Error::Malformed));
    // The right bytes still go on from there.
    open.update(rest, &mut out).unwrap();
    assert_eq!([plaintext, out].concat(), content(3 * CHUNK));
    assert_eq!(open.finish(), Ok(()));
}

/// Seals `plaintext` chunk by chunk, in this order.
fn by_chunks(plaintext: &[u8], order: &[usize], digest: bool) -> Sealed {
    let seal = Seal::new(small(), digest, &mut SystemRandom).unwrap();
    let chunks = plaintext.len().div_ceil(CHUNK).max(1);
    let mut sealed = vec![Vec::new(); chunks];
    for index in order {
        let from = index * CHUNK;
        let piece = &plaintext[from..(from + CHUNK).min(plaintext.len())];
        let last = index + 1 == chunks;
        let mut out = vec![0; seal.chunk_len(*index as u32, last, piece.len()).unwrap()];
        seal.chunk(*index as u32, last, piece, &mut SystemRandom, &mut out).unwrap();
        sealed[*index] = out;
    }
    let file = [&seal.header()[..], &sealed.concat()].concat();
    Sealed { file, reference: seal.reference().unwrap().to_vec() }
}

#[test]
fn chunks_sealed_in_any_order_make_one_file() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let sealed = by_chunks(&content(3 * CHUNK + 9), &order, true);
        assert_eq!(sealed.read(&[777]), (content(3 * CHUNK + 9), Ok(())));
    }
    assert_eq!(by_chunks(&[], &[0], true).read(&[1]), (vec![], Ok(())));
}

#[test]
fn threads_seal_and_open_one_attachment_together() {
    let plaintext = content(100 * CHUNK + 5);
    let seal = Seal::new(small(), true, &mut SystemRandom).unwrap();
    let mut sealed: Vec<Vec<u8>> =
        plaintext.chunks(CHUNK).map(|piece| vec![0; piece.len() + OVERHEAD]).collect();
    let next = std::sync::Mutex::new(plaintext.chunks(CHUNK).zip(&mut sealed).enumerate());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((index, (piece, out))) = next.lock().unwrap().next() else { break };
                    seal.chunk(index as u32, index == 100, piece, &mut SystemRandom, out).unwrap();
                }
            });
        }
    });
    let reference = seal.reference().unwrap();
    let open = Open::new(&reference, seal.header(), true).unwrap();
    let next = std::sync::Mutex::new(sealed.iter().zip(plaintext.chunks(CHUNK)).enumerate());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((index, (piece, expected))) = next.lock().unwrap().next() else { break };
                    assert_eq!(open_chunk(&open, index as u32, piece).unwrap(), expected);
                }
            });
        }
    });
    assert_eq!(open.finish(), Ok(()));
}

#[test]
fn sealing_out_of_turn_is_refused_and_changes_nothing() {
    let rng = &mut SystemRandom;
    let seal = Seal::new(small(), true, rng).unwrap();
    let (full, mut out) = (content(CHUNK), vec![0; SEALED_CHUNK]);
    assert_eq!(seal.reference().unwrap_err(), Error::WrongState);
    seal.chunk(1, false, &full, rng, &mut out).unwrap();
    assert_eq!(seal.chunk(1, false, &full, rng, &mut out), Err(Error::WrongState), "a second time");
    assert_eq!(seal.chunk(0, true, &full, rng, &mut out), Err(Error::WrongState), "an end before others");
    assert_eq!(seal.chunk(1024, false, &full, rng, &mut out), Err(Error::TooFarAhead));
    assert_eq!(seal.update_len(1), Err(Error::WrongState), "another way");
    assert_eq!(seal.finish_len(), Err(Error::WrongState), "another way");
    seal.chunk(2, true, &full, rng, &mut out).unwrap();
    assert_eq!(seal.chunk(3, false, &full, rng, &mut out), Err(Error::WrongState), "past the end");
    assert_eq!(seal.reference().unwrap_err(), Error::WrongState, "a gap");
    seal.chunk(0, false, &full, rng, &mut out).unwrap();
    assert_eq!(Reference::parse(&seal.reference().unwrap()).unwrap().size, 3 * CHUNK as u64);

    let mut fed = Seal::new(small(), true, rng).unwrap();
    fed.update(b"abc", rng, &mut []).unwrap();
    assert_eq!(fed.chunk(0, false, &full, rng, &mut out), Err(Error::WrongState), "another way");
    let mut last = vec![0; fed.finish_len().unwrap()];
    fed.finish(rng, &mut last).unwrap();
    assert_eq!(fed.update_len(1), Err(Error::WrongState), "after the end");
    assert_eq!(fed.finish_len(), Err(Error::WrongState), "after the end");
}

#[test]
fn a_chunk_of_the_wrong_length_is_refused() {
    let seal = Seal::new(small(), true, &mut SystemRandom).unwrap();
    for (index, last, len) in
        [(0, false, 0), (0, false, CHUNK - 1), (0, true, CHUNK + 1), (1, true, 0), (1 << 30, false, CHUNK)]
    {
        assert_eq!(seal.chunk_len(index, last, len), Err(Error::InvalidArgument));
    }
    assert_eq!(seal.chunk_len(0, true, 0), Ok(OVERHEAD));
    assert_eq!(seal.chunk_len((1 << 30) - 1, true, 1), Ok(1 + OVERHEAD));
}

#[test]
fn reading_out_of_turn_is_refused_and_a_failed_chunk_may_be_tried_again() {
    let sealed = Sealed::of(&content(3 * CHUNK));
    let open = sealed.open().unwrap();
    let mut damaged = sealed.chunk(2).to_vec();
    damaged[50] ^= 4;
    assert_eq!(open_chunk(&open, 2, &damaged), Err(Error::AuthenticationFailed));
    for index in [2, 0] {
        open_chunk(&open, index, sealed.chunk(index as usize)).unwrap();
        assert_eq!(open_chunk(&open, index, sealed.chunk(index as usize)), Err(Error::WrongState));
    }
    assert_eq!(open.update_len(1), Err(Error::WrongState));
    assert_eq!(open.finish(), Err(Error::Malformed), "one is missing");
    let mut fed = sealed.open().unwrap();
    fed.update(&sealed.chunk(0)[..10], &mut []).unwrap();
    assert_eq!(open_chunk(&fed, 0, sealed.chunk(0)), Err(Error::WrongState));
    open_chunk(&open, 1, sealed.chunk(1)).unwrap();
    assert_eq!(open.finish(), Ok(()));
}

#[test]
fn no_two_attachments_share_a_key_and_no_two_chunks_a_nonce() {
    let (one, other) = (Sealed::of(&content(3 * CHUNK)), Sealed::of(&content(3 * CHUNK)));
    assert_ne!(one.file[..HEADER_LEN], other.file[..HEADER_LEN]);
    let nonces: std::collections::BTreeSet<&[u8]> =
        (0..3).flat_map(|index| [&one.chunk(index)[..12], &other.chunk(index)[..12]]).collect();
    assert_eq!(nonces.len(), 6);
}
