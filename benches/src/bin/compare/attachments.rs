//! An attachment of 64 MiB, on one core.

use sealwax_benches::abi::attachments::{CHUNK, Open, SEALED_CHUNK, Seal};
use sealwax_benches::floor::Kept;
use sealwax_benches::pairs::{Side, interleave, timed};
use sealwax_benches::report::{Row, Wanted};

use super::{Bench, FEW};

const SIZE: usize = 64 << 20;
const CHUNKS: usize = SIZE / CHUNK;

impl Bench {
    /// The floor is the raw AEAD under one key, over the same memory, and SHA-256 of each chunk where there is a digest.
    pub(super) fn attachments(&self, rows: &mut Vec<Row>) {
        for digest in [false, true] {
            let wanted = if digest { Wanted::OfFloor(1.1) } else { Wanted::Share(0.85) };
            let (seal, open) = self.attachment(digest, wanted);
            rows.extend([seal, open]);
        }
    }

    fn attachment(&self, digest: bool, wanted: Wanted) -> (Row, Row) {
        let kept = Kept::new(&self.floor);
        let plaintext = vec![7; SIZE];
        let (sealed, back) = (vec![1; CHUNKS * SEALED_CHUNK], vec![1; SIZE]);
        let [sealed, back] = [sealed, back].map(std::cell::RefCell::new);
        let seal_all = || {
            let (seal, header) = Seal::new(digest);
            let mut sealed = sealed.borrow_mut();
            let chunks = plaintext.chunks(CHUNK).zip(sealed.chunks_mut(SEALED_CHUNK)).enumerate();
            for (index, (plaintext, out)) in chunks {
                seal.chunk(index, index + 1 == CHUNKS, plaintext, out);
            }
            seal.reference(header)
        };
        let seals = interleave(
            FEW,
            vec![
                Side::new("ours", |_| timed(|| drop(seal_all()))).at_most(1),
                Side::new("in order", |_| {
                    timed(|| {
                        let (seal, header) = Seal::new(digest);
                        seal.whole(&plaintext, &mut sealed.borrow_mut());
                        drop(seal.reference(header));
                    })
                })
                .at_most(1),
                Side::new("floor", |_| {
                    timed(|| {
                        let mut sealed = sealed.borrow_mut();
                        for (plaintext, out) in plaintext.chunks(CHUNK).zip(sealed.chunks_mut(SEALED_CHUNK)) {
                            kept.seal(plaintext, &mut out[12..12 + CHUNK]);
                            if digest {
                                kept.digest(out);
                            }
                        }
                    })
                })
                .at_most(1),
            ],
        );
        let reference = seal_all();
        let sealed = sealed.into_inner();
        let opens = interleave(
            FEW,
            vec![
                Side::new("ours", |_| {
                    timed(|| {
                        let open = Open::new(&reference, digest);
                        let mut back = back.borrow_mut();
                        for (index, (sealed, out)) in
                            sealed.chunks(SEALED_CHUNK).zip(back.chunks_mut(CHUNK)).enumerate()
                        {
                            open.chunk(index, sealed, out);
                        }
                        if digest {
                            open.finish();
                        }
                    })
                })
                .at_most(1),
                // A seal costs what opening does, and needs no tags.
                Side::new("floor", |_| {
                    timed(|| {
                        let mut back = back.borrow_mut();
                        for (sealed, out) in sealed.chunks(SEALED_CHUNK).zip(back.chunks_mut(CHUNK)) {
                            if digest {
                                kept.digest(sealed);
                            }
                            kept.seal(&sealed[12..12 + CHUNK], out);
                        }
                    })
                })
                .at_most(1),
            ],
        );
        let [ours, in_order, floor] = &seals[..] else { unreachable!("three sides") };
        let [opened, open_floor] = &opens[..] else { unreachable!("two sides") };
        let names = if digest {
            ["64 MiB sealed, with digest", "64 MiB opened, with digest"]
        } else {
            ["64 MiB sealed", "64 MiB opened"]
        };
        let worse = if in_order.median() > ours.median() { in_order } else { ours };
        (
            Row::new(names[0], worse, wanted).floor(worse, floor),
            Row::new(names[1], opened, wanted).floor(opened, open_floor),
        )
    }
}
