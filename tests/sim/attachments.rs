//! Where attachments lie: messages carry what opens them.

use std::collections::BTreeMap;

use sealwax::stream::{Open, Seal};
use sealwax::wire::attachment::{ChunkSize, HEADER_LEN};

use crate::common::ScriptedRandom;

const CHUNK_LEN: u64 = 4096;

/// What anybody has stored, by the message that tells of it.
#[derive(Default)]
pub(crate) struct Attachments(BTreeMap<usize, Vec<u8>>);

impl Attachments {
    /// Stores the attachment of a message. Answers what opens it.
    pub(crate) fn store(&mut self, number: usize) -> Vec<u8> {
        let mut rng = ScriptedRandom::new(&format!("attachment {number}"));
        let mut seal = Seal::new(ChunkSize::from_bytes(CHUNK_LEN).unwrap(), true, &mut rng).unwrap();
        let mut file = seal.header().to_vec();
        let content = content(number);
        let mut out = vec![0; seal.update_len(content.len()).unwrap()];
        seal.update(&content, &mut rng, &mut out).unwrap();
        file.extend(out);
        let mut out = vec![0; seal.finish_len().unwrap()];
        seal.finish(&mut rng, &mut out).unwrap();
        file.extend(out);
        self.0.insert(number, file);
        seal.reference().unwrap().to_vec()
    }

    /// Somebody mixes them up.
    pub(crate) fn swap(&mut self, one: usize, other: usize) {
        let file = self.0.remove(&one).unwrap();
        self.0.insert(other, file);
    }

    /// What a message carries opens its attachment.
    pub(crate) fn fetch(&self, number: usize, reference: &[u8]) {
        let file = &self.0[&number];
        let mut open = Open::new(reference, &file[..HEADER_LEN], true).unwrap();
        let sealed = &file[HEADER_LEN..];
        let mut out = vec![0; open.update_len(sealed.len()).unwrap()];
        open.update(sealed, &mut out).unwrap();
        open.finish().unwrap();
        assert!(out == content(number), "the attachment of message {number} is another");
    }
}

fn content(number: usize) -> Vec<u8> {
    (0..100 + number).map(|at| (at % 251) as u8).collect()
}
