//! A member who breaks the rules: it knows its own keys and what it was given, and writes any message from that.

use sealwax::crypto::ecc::SignPrivate;
use sealwax::crypto::kdf::{self, Label};
use sealwax::crypto::rng::SystemRandom;
use sealwax::crypto::{Secret, aead};
use sealwax::group::Distribution;
use sealwax::wire::content::Padding;
use sealwax::wire::content::{ContentKind, content_len, put_content};
use sealwax::wire::group::{Front, Link};
use sealwax::wire::session::put_ciphertext_len;

/// A sender key in the open.
pub(crate) struct Forger {
    pub(crate) group_id: [u8; 32],
    pub(crate) sender: String,
    pub(crate) epoch: u64,
    pub(crate) roster_hash: [u8; 32],
    pub(crate) key_id: [u8; 8],
    pub(crate) signing: SignPrivate,
    /// State at message 0.
    pub(crate) chain: [u8; 32],
    pub(crate) next_seed: [u8; 32],
}

/// What [`Forger::message`] writes besides its text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Odd {
    pub(crate) link: Option<[u8; 16]>,
    pub(crate) resumed_from: Option<u32>,
    pub(crate) kind: Option<ContentKind>,
}

impl Forger {
    /// Everything that a member knows of somebody's key, with a signing pair of its own.
    pub(crate) fn from_given(distribution: &Distribution, sender: &str) -> Self {
        let bytes = distribution.encode();
        assert_eq!(distribution.counter(), 0);
        Self {
            group_id: bytes[..32].try_into().unwrap(),
            sender: sender.to_owned(),
            epoch: u64::from_be_bytes(bytes[32..40].try_into().unwrap()),
            roster_hash: bytes[40..72].try_into().unwrap(),
            key_id: bytes[72..80].try_into().unwrap(),
            signing: SignPrivate::generate(&mut SystemRandom).unwrap(),
            chain: bytes[149..181].try_into().unwrap(),
            next_seed: bytes[181..213].try_into().unwrap(),
        }
    }

    /// The distribution of this key as its owner would write it.
    pub(crate) fn distribution(&self) -> Distribution {
        let mut bytes = Vec::new();
        bytes.extend(self.group_id);
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.roster_hash);
        bytes.extend(self.key_id);
        bytes.extend(self.signing.public().as_bytes());
        bytes.extend(0_u32.to_be_bytes());
        bytes.extend(self.chain);
        bytes.extend(self.next_seed);
        bytes.extend([0; 16]);
        bytes.push(0);
        Distribution::decode(&bytes).unwrap()
    }

    /// Link of message 0.
    pub(crate) fn first_link(&self) -> [u8; 16] {
        let parts: [&[u8]; 6] = [
            &self.group_id,
            &[u8::try_from(self.sender.len()).unwrap()],
            self.sender.as_bytes(),
            &self.key_id,
            &self.epoch.to_be_bytes(),
            self.signing.public().as_bytes(),
        ];
        kdf::hash(Label::LinkStart, &parts)[..16].try_into().unwrap()
    }

    /// A message of the first block, and what the next one carries.
    pub(crate) fn message(&self, counter: u32, text: &str, odd: Odd) -> (Vec<u8>, [u8; 16]) {
        let mut chain = Secret::new(self.chain);
        let mut step = [0; 96];
        for _ in 0..=counter {
            kdf::expand(&chain, Label::Step, &[], &mut step);
            chain = Secret::from_slice(&step[..32]).unwrap();
        }
        let (key, commitment) = (Secret::from_slice(&step[32..64]).unwrap(), &step[64..]);

        let known = odd.link.unwrap_or_else(|| self.first_link());
        let link = match odd.resumed_from {
            Some(from) => Link::Resumed { from },
            None => Link::Known(&known),
        };
        let nonce = [9; 12];
        let front = Front {
            group_id: &self.group_id,
            sender: &self.sender,
            key_id: &self.key_id,
            epoch: self.epoch,
            roster_hash: self.roster_hash.first_chunk().unwrap(),
            counter,
            timestamp_ms: 5,
            nonce: &nonce,
            link,
        };
        let body: [&[u8]; 2] = [&[1], text.as_bytes()];
        let length = content_len(1 + text.len(), Padding::None);
        let mut envelope = Vec::new();
        front.put(&mut envelope).unwrap();
        put_ciphertext_len(&mut envelope, length).unwrap();
        let aad_len = envelope.len();
        let kind = odd.kind.unwrap_or(ContentKind::Data);
        put_content(&mut envelope, kind, &[8; 16], &body, length).unwrap();
        let (aad, content) = envelope.split_at_mut(aad_len);
        let tag = aead::seal(&key, &nonce, aad, content).unwrap();
        envelope.extend(tag);
        let digest = kdf::hash(Label::Digest, &[commitment, &envelope]);
        let signature = self.signing.sign(&mut SystemRandom, Label::GroupMessage, &[&digest]).unwrap();
        envelope.extend(signature);
        let next = kdf::hash(Label::Link, &[&digest, &signature])[..16].try_into().unwrap();
        (envelope, next)
    }
}
