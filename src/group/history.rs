//! A retired sender key, shared on purpose (`docs/PROTOCOL.md` section 8.6).

use core::fmt;

use zeroize::Zeroizing;

use crate::crypto::ecc::SignPublic;
use crate::error::{Error, Result};
use crate::group::chain::Chain;
use crate::group::distribution::{put_chain, read_chain, read_counter};
use crate::identity::Fingerprint;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::name;

/// What opens old messages of one sender key. Secret: it travels inside a session only, and what it opens is vouched
/// for by the member who shared it, not proven by its sender.
pub struct History {
    pub(super) group_id: [u8; 32],
    pub(super) sender: String,
    pub(super) sender_fingerprint: Fingerprint,
    pub(super) epoch: u64,
    pub(super) key_id: [u8; 8],
    pub(super) signing_key: SignPublic,
    pub(super) chain: Chain,
    /// The first counter that it does not open.
    pub(super) end: u32,
}

impl History {
    /// Reads the body of a session's content of kind history. [`Error::Malformed`] for anything else.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let history = Self {
            group_id: *reader.array()?,
            sender: name::read_user(&mut reader)?.to_owned(),
            sender_fingerprint: Fingerprint::from_bytes(*reader.array()?),
            epoch: reader.u64()?,
            key_id: *reader.array()?,
            signing_key: SignPublic::from_bytes(reader.array::<65>()?)?,
            chain: read_chain(&mut reader)?,
            end: read_counter(&mut reader)?,
        };
        reader.finish()?;
        if history.chain.counter() < history.end { Ok(history) } else { Err(Error::Malformed) }
    }

    /// The body of a session's content of kind history.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(Vec::with_capacity(512));
        out.put(&self.group_id);
        out.put_bytes8(self.sender.as_bytes())?;
        out.put(self.sender_fingerprint.as_bytes());
        out.put_u64(self.epoch);
        out.put(&self.key_id);
        out.put(self.signing_key.as_bytes());
        put_chain(&mut out, &self.chain);
        out.put_u32(self.end);
        Ok(out)
    }

    /// The group.
    #[must_use]
    pub fn group_id(&self) -> &[u8; 32] {
        &self.group_id
    }

    /// Whose messages it opens.
    #[must_use]
    pub fn sender(&self) -> &str {
        &self.sender
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

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("sender", &self.sender).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;
    use crate::crypto::ecc::SignPrivate;
    use crate::crypto::rng::scripted::ScriptedRandom;

    fn history(end: u32) -> History {
        let mut chain = Chain::start(Secret::new([5; 32]));
        chain.skip(30).unwrap();
        let signing = SignPrivate::generate(&mut ScriptedRandom::new("history")).unwrap();
        History {
            group_id: [1; 32],
            sender: "alice".to_owned(),
            sender_fingerprint: Fingerprint::from_bytes([2; 32]),
            epoch: 3,
            key_id: [4; 8],
            signing_key: signing.public().clone(),
            chain,
            end,
        }
    }

    #[test]
    fn what_is_encoded_decodes() {
        let encoded = history(31).encode().unwrap();
        assert_eq!(History::decode(&encoded).unwrap().encode().unwrap(), encoded);
    }

    #[test]
    fn a_cut_or_longer_encoding_is_malformed() {
        let encoded = history(31).encode().unwrap();
        for length in 0..encoded.len() {
            assert_eq!(History::decode(&encoded[..length]).unwrap_err(), Error::Malformed);
        }
        let longer = [&encoded[..], &[0]].concat();
        assert_eq!(History::decode(&longer).unwrap_err(), Error::Malformed);
    }

    #[test]
    fn a_history_that_opens_nothing_is_malformed() {
        assert_eq!(History::decode(&history(30).encode().unwrap()).unwrap_err(), Error::Malformed);
    }

    #[test]
    fn a_history_ends_with_the_chain_at_the_latest() {
        use crate::limits::GROUP_CHAIN_MAX;
        assert!(History::decode(&history(GROUP_CHAIN_MAX).encode().unwrap()).is_ok());
        let beyond = history(GROUP_CHAIN_MAX + 1).encode().unwrap();
        assert_eq!(History::decode(&beyond).unwrap_err(), Error::Malformed);
    }
}
