//! Attachments that are cut anywhere, and changed anywhere.

use arbitrary::{Arbitrary, Unstructured};
use sealwax::stream::{Open, Seal};
use sealwax::wire::attachment::ChunkSize;

use crate::common::ScriptedRandom;

const SIZE_MAX: usize = 20_000;

#[derive(Arbitrary)]
struct Story {
    size: u16,
    has_digest: bool,
    /// In order, or chunk by chunk.
    fed: bool,
    /// Where what is sealed is cut, and where what is opened is.
    cuts: [Vec<u16>; 2],
    change: Option<Change>,
    order: Vec<u8>,
}

#[derive(Arbitrary)]
enum Change {
    Flip(u32),
    Shorten(u16),
    Lengthen(u8),
    Swap(u8, u8),
}

/// What is opened is what was sealed, or nothing.
pub fn attachment(data: &[u8]) {
    let Ok(story) = Story::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let Story { size, has_digest, fed, cuts: [seal_cuts, open_cuts], change, order } = story;
    let plaintext: Vec<u8> = (0..usize::from(size) % SIZE_MAX).map(|at| (at * 7 + at / 256) as u8).collect();
    let chunk_size = ChunkSize::from_bytes(4_096).unwrap();
    let mut rng = ScriptedRandom::new("attachment");
    let mut seal = Seal::new(chunk_size, has_digest, &mut rng).unwrap();
    let layout = seal.layout(plaintext.len() as u64).unwrap();
    let mut sealed = Vec::new();
    if fed {
        for piece in pieces(&plaintext, &seal_cuts) {
            let mut out = vec![0; seal.update_len(piece.len()).unwrap()];
            seal.update(piece, &mut rng, &mut out).unwrap();
            sealed.extend(out);
        }
        let mut out = vec![0; seal.finish_len().unwrap()];
        seal.finish(&mut rng, &mut out).unwrap();
        sealed.extend(out);
    } else {
        let mut chunks = vec![Vec::new(); layout.chunks() as usize];
        for index in shuffled(layout.chunks(), &order) {
            let part = &plaintext[index as usize * 4_096..plaintext.len().min((index as usize + 1) * 4_096)];
            let last = index + 1 == layout.chunks();
            let mut out = vec![0; seal.chunk_len(index, last, part.len()).unwrap()];
            seal.chunk(index, last, part, &mut rng, &mut out).unwrap();
            chunks[index as usize] = out;
        }
        sealed = chunks.concat();
    }
    let (header, reference) = (*seal.header(), seal.reference().unwrap());
    assert_eq!((header.len() + sealed.len()) as u64, layout.sealed_size());

    let is_changed = change.is_some_and(|change| apply(&mut sealed, change));
    let mut open = Open::new(&reference, &header, has_digest).unwrap();
    let mut read = Vec::new();
    let whole = pieces(&sealed, &open_cuts).into_iter().try_for_each(|piece| {
        let mut out = vec![0; open.update_len(piece.len())?];
        open.update(piece, &mut out)?;
        read.extend(out);
        Ok::<_, sealwax::Error>(())
    });
    let whole = whole.and_then(|()| open.finish());
    assert!(plaintext.starts_with(&read), "something else was read");
    assert_eq!(whole.is_ok(), !is_changed);
    assert!(is_changed || read == plaintext);

    // At random: each chunk by itself is what it was, or does not open.
    let open = Open::new(&reference, &header, false).unwrap();
    for index in shuffled(layout.chunks(), &order) {
        let at = index as usize * (4_096 + 28);
        let Some(chunk) = sealed.get(at..sealed.len().min(at + 4_096 + 28)) else { continue };
        let Ok(length) = open.chunk_len(index, chunk.len()) else { continue };
        let mut out = vec![0; length];
        if open.chunk(index, chunk, &mut out).is_ok() {
            assert_eq!(out, plaintext[index as usize * 4_096..][..length]);
        }
    }
}

/// All of the bytes, cut at these places.
fn pieces<'a>(mut rest: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts.iter().take(64) {
        let (piece, more) = rest.split_at(usize::from(*cut).min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

/// All indices, in an order that the bytes decide.
fn shuffled(count: u32, order: &[u8]) -> Vec<u32> {
    let mut left: Vec<u32> = (0..count).collect();
    let mut order = order.iter();
    let mut taken = Vec::new();
    while !left.is_empty() {
        let at = order.next().map_or(0, |at| usize::from(*at) % left.len());
        taken.push(left.remove(at));
    }
    taken
}

/// Whether anything is different then.
fn apply(sealed: &mut Vec<u8>, change: Change) -> bool {
    match change {
        Change::Flip(bit) => {
            let bit = bit as usize % (8 * sealed.len());
            sealed[bit / 8] ^= 1 << (bit % 8);
            true
        }
        Change::Shorten(by) => {
            let length = sealed.len() - usize::from(by) % sealed.len();
            let is_shorter = length < sealed.len();
            sealed.truncate(length);
            is_shorter
        }
        Change::Lengthen(by) => {
            sealed.extend(vec![0; by.into()]);
            by > 0
        }
        Change::Swap(one, other) => {
            let chunks = sealed.len() / (4_096 + 28);
            if chunks == 0 || usize::from(one) % chunks == usize::from(other) % chunks {
                return false;
            }
            let place = |index: u8| usize::from(index) % chunks * (4_096 + 28);
            for at in 0..4_096 + 28 {
                sealed.swap(place(one) + at, place(other) + at);
            }
            true
        }
    }
}
