//! A sender key on its way to a member (`docs/PROTOCOL.md` section 8.3).

use core::fmt;

use zeroize::Zeroizing;

use crate::crypto::Secret;
use crate::crypto::ecc::SignPublic;
use crate::error::{Error, Result};
use crate::group::chain::Chain;
use crate::group::links::LinkBytes;
use crate::limits::GROUP_CHAIN_MAX;
use crate::wire::codec::{Put as _, Reader};

/// Bytes of the longest encoding.
const ENCODED_MAX: usize = 32 + 8 + 32 + 8 + 65 + 4 + 32 + 32 + 16 + 1 + 28;

/// What opens the messages of one sender key from a counter on. Secret: it travels inside a session only.
pub struct Distribution {
    pub(super) group_id: [u8; 32],
    pub(super) epoch: u64,
    pub(super) roster_hash: [u8; 32],
    pub(super) key_id: [u8; 8],
    pub(super) signing_key: SignPublic,
    pub(super) chain: Chain,
    /// What the first message carries, if that is known.
    pub(super) link: Option<LinkBytes>,
    pub(super) previous: Option<Previous>,
}

/// The sender key before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Previous {
    pub(super) key_id: [u8; 8],
    /// Messages sent under it.
    pub(super) count: u32,
    /// What the message after its last one would carry, if that is known.
    pub(super) link: Option<LinkBytes>,
}

impl Distribution {
    /// Reads the body of a session's content of kind distribution. [`Error::Malformed`] for anything else.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let distribution = Self {
            group_id: *reader.array()?,
            epoch: reader.u64()?,
            roster_hash: *reader.array()?,
            key_id: *reader.array()?,
            signing_key: SignPublic::from_bytes(reader.array::<65>()?)?,
            chain: read_chain(&mut reader)?,
            link: read_link(&mut reader)?,
            previous: match reader.u8()? {
                0 => None,
                1 => Some(Previous {
                    key_id: *reader.array()?,
                    count: read_counter(&mut reader)?,
                    link: read_link(&mut reader)?,
                }),
                _ => return Err(Error::Malformed),
            },
        };
        reader.finish()?;
        let own_successor =
            distribution.previous.is_some_and(|previous| previous.key_id == distribution.key_id);
        if own_successor { Err(Error::Malformed) } else { Ok(distribution) }
    }

    /// The body of a session's content of kind distribution.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(ENCODED_MAX));
        out.put(&self.group_id);
        out.put_u64(self.epoch);
        out.put(&self.roster_hash);
        out.put(&self.key_id);
        out.put(self.signing_key.as_bytes());
        put_chain(&mut out, &self.chain);
        out.put(&self.link.unwrap_or_default());
        out.put_u8(u8::from(self.previous.is_some()));
        if let Some(previous) = &self.previous {
            out.put(&previous.key_id);
            out.put_u32(previous.count);
            out.put(&previous.link.unwrap_or_default());
        }
        out
    }

    /// The group.
    #[must_use]
    pub fn group_id(&self) -> &[u8; 32] {
        &self.group_id
    }

    /// The epoch of the rotation.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Of the sender key.
    #[must_use]
    pub fn key_id(&self) -> &[u8; 8] {
        &self.key_id
    }

    /// The first message that it opens.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.chain.counter()
    }
}

impl fmt::Debug for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distribution").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// Counter, chain, next seed.
pub(super) fn put_chain(out: &mut Zeroizing<Vec<u8>>, chain: &Chain) {
    out.put_u32(chain.counter());
    out.put(chain.chain().as_bytes());
    out.put(chain.next_seed().as_bytes());
}

/// What [`put_chain`] wrote.
pub(super) fn read_chain(reader: &mut Reader<'_>) -> Result<Chain> {
    let counter = read_counter(reader)?;
    Ok(Chain::at(counter, Secret::from_slice(reader.take(32)?)?, Secret::from_slice(reader.take(32)?)?))
}

/// A number of messages, of which one chain has 2^24.
pub(super) fn read_counter(reader: &mut Reader<'_>) -> Result<u32> {
    let counter = reader.u32()?;
    if counter > GROUP_CHAIN_MAX { Err(Error::Malformed) } else { Ok(counter) }
}

/// A link, or zeros for one that is not known.
fn read_link(reader: &mut Reader<'_>) -> Result<Option<LinkBytes>> {
    let link = *reader.array()?;
    Ok((link != LinkBytes::default()).then_some(link))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ecc::SignPrivate;
    use crate::crypto::rng::scripted::ScriptedRandom;

    fn distribution(previous: bool) -> Distribution {
        let mut chain = Chain::start(Secret::new([5; 32]));
        chain.skip(300).unwrap();
        let signing = SignPrivate::generate(&mut ScriptedRandom::new("distribution")).unwrap();
        Distribution {
            group_id: [1; 32],
            epoch: 2,
            roster_hash: [3; 32],
            key_id: [4; 8],
            signing_key: signing.public().clone(),
            chain,
            link: Some([6; 16]),
            previous: previous.then_some(Previous { key_id: [7; 8], count: 8, link: None }),
        }
    }

    #[test]
    fn what_is_encoded_decodes() {
        for previous in [false, true] {
            let encoded = distribution(previous).encode();
            assert!(encoded.len() <= ENCODED_MAX);
            assert_eq!(Distribution::decode(&encoded).unwrap().encode(), encoded);
        }
    }

    #[test]
    fn a_cut_or_longer_encoding_is_malformed() {
        let encoded = distribution(true).encode();
        for length in 0..encoded.len() {
            assert_eq!(Distribution::decode(&encoded[..length]).unwrap_err(), Error::Malformed);
        }
        let longer = [&encoded[..], &[0]].concat();
        assert_eq!(Distribution::decode(&longer).unwrap_err(), Error::Malformed);
    }

    #[test]
    fn impossible_values_are_malformed() {
        let encoded = distribution(true).encode();
        let refuse = |at: usize, bytes: &[u8]| {
            let mut other = encoded.to_vec();
            other[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(Distribution::decode(&other).unwrap_err(), Error::Malformed);
        };
        refuse(80, &[5]);
        refuse(145, &(GROUP_CHAIN_MAX + 1).to_be_bytes());
        refuse(229, &[2]);
        refuse(230, &[4; 8]);
        refuse(238, &(GROUP_CHAIN_MAX + 1).to_be_bytes());
    }
}
