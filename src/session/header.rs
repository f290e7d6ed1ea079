//! Ratchet headers, plain or hidden (`docs/PROTOCOL.md` sections 5.3, 5.4 and 5.6 step 4).

use crate::crypto::Secret;
use crate::crypto::aead::{self, NONCE_LEN, TAG_LEN};
use crate::crypto::ecc::PUBLIC_LEN;
use crate::error::{Error, Result};
use crate::limits::SESSION_SKIP_MAX;
use crate::session::skipped::SkippedKeys;
use crate::wire::codec::SliceWriter;
use crate::wire::session::{RATCHET_HEADER_LEN, RatchetHeader, SEALED_HEADER_LEN};

/// Where a message stands in its sender's ratchet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) ratchet_key: [u8; PUBLIC_LEN],
    pub(super) previous_count: u32,
    pub(super) counter: u32,
}

/// How a header was read: what a hidden one opened with says where its message may belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It was not hidden.
    Plain,
    /// With the header key of the receiving chain.
    Receiving,
    /// With that of the next one.
    Next,
    /// With that of a chain that has skipped keys.
    Stored,
}

/// The header keys of both directions, now and after the next turn.
pub(super) struct HeaderKeys {
    pub(super) sending: Option<Secret<32>>,
    pub(super) next_sending: Secret<32>,
    pub(super) receiving: Option<Secret<32>>,
    pub(super) next_receiving: Secret<32>,
}

impl From<RatchetHeader<'_>> for Header {
    fn from(header: RatchetHeader<'_>) -> Self {
        let RatchetHeader { ratchet_key, previous_count, counter } = header;
        Self { ratchet_key: *ratchet_key, previous_count, counter }
    }
}

impl Header {
    /// As it travels.
    pub(super) fn wire(&self) -> RatchetHeader<'_> {
        let Self { ratchet_key, previous_count, counter } = self;
        RatchetHeader { ratchet_key, previous_count: *previous_count, counter: *counter }
    }

    /// [`Error::TooFarAhead`] for a counter that no new chain reaches.
    pub(super) fn check_new_chain(&self) -> Result<()> {
        if self.counter > SESSION_SKIP_MAX { Err(Error::TooFarAhead) } else { Ok(()) }
    }

    /// Seals the header with everything before it in the envelope as its additional data.
    pub(super) fn hide(
        &self,
        key: &Secret<32>,
        nonce: &[u8; NONCE_LEN],
        before: &[u8],
    ) -> Result<[u8; SEALED_HEADER_LEN]> {
        let mut sealed = [0; SEALED_HEADER_LEN];
        let mut writer = SliceWriter::new(&mut sealed);
        self.wire().put(&mut writer);
        writer.finish()?;
        let (plain, tag) = sealed.split_at_mut(RATCHET_HEADER_LEN);
        let made = aead::seal(key, nonce, before, plain)?;
        tag.copy_from_slice(&made);
        Ok(sealed)
    }

    /// Opens what [`Header::hide`] made.
    pub(super) fn reveal(
        key: &Secret<32>,
        nonce: &[u8; NONCE_LEN],
        before: &[u8],
        sealed: &[u8; SEALED_HEADER_LEN],
    ) -> Result<Self> {
        let (plain, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Error::Internal)?;
        let mut plain: [u8; RATCHET_HEADER_LEN] = plain.try_into().map_err(|_| Error::Internal)?;
        aead::open(key, nonce, before, &mut plain, tag)?;
        RatchetHeader::parse(&plain).map(Self::from)
    }
}

impl HeaderKeys {
    /// Reads a hidden header with the first key that opens it: of the receiving chain, of the next, of chains with
    /// skipped keys. None is [`Error::AuthenticationFailed`].
    pub(super) fn find(
        &self,
        skipped: &SkippedKeys,
        nonce: &[u8; NONCE_LEN],
        before: &[u8],
        sealed: &[u8; SEALED_HEADER_LEN],
    ) -> Result<(Header, Found)> {
        let receiving = self.receiving.iter().map(|key| (key, Found::Receiving));
        let next = core::iter::once((&self.next_receiving, Found::Next));
        let stored =
            skipped.chains().iter().filter_map(|chain| Some((chain.header_key.as_ref()?, Found::Stored)));
        for (key, found) in receiving.chain(next).chain(stored) {
            match Header::reveal(key, nonce, before, sealed) {
                Err(Error::AuthenticationFailed) => {}
                other => return Ok((other?, found)),
            }
        }
        Err(Error::AuthenticationFailed)
    }

    /// What a receiving half-step does to them.
    pub(super) fn turn_receiving(&mut self, next: Secret<32>) {
        self.receiving = Some(core::mem::replace(&mut self.next_receiving, next));
    }

    /// What a sending half-step does to them.
    pub(super) fn turn_sending(&mut self, next: Secret<32>) {
        self.sending = Some(core::mem::replace(&mut self.next_sending, next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { ratchet_key: [4; PUBLIC_LEN], previous_count: 7, counter: 9 }
    }

    fn keys() -> HeaderKeys {
        HeaderKeys {
            sending: None,
            next_sending: Secret::new([1; 32]),
            receiving: Some(Secret::new([2; 32])),
            next_receiving: Secret::new([3; 32]),
        }
    }

    #[test]
    fn each_key_is_tried_and_named() {
        let mut skipped = SkippedKeys::default();
        skipped.store(&[9; PUBLIC_LEN], Some(&Secret::new([5; 32])), vec![(1, Secret::new([6; 32]))]);
        for (key, found) in
            [(2, Some(Found::Receiving)), (3, Some(Found::Next)), (5, Some(Found::Stored)), (7, None)]
        {
            let sealed = header().hide(&Secret::new([key; 32]), &[8; 12], b"before").unwrap();
            let read = keys().find(&skipped, &[8; 12], b"before", &sealed);
            assert_eq!(read, found.map(|found| (header(), found)).ok_or(Error::AuthenticationFailed));
        }
    }

    #[test]
    fn what_stands_before_a_hidden_header_is_covered() {
        let sealed = header().hide(&Secret::new([2; 32]), &[8; 12], b"before").unwrap();
        let read = keys().find(&SkippedKeys::default(), &[8; 12], b"Before", &sealed);
        assert_eq!(read, Err(Error::AuthenticationFailed));
    }
}
