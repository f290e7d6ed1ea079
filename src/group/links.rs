//! How the messages of one sender key hang together (`docs/PROTOCOL.md` section 8.2).
//!
//! Every message names the one before. So once a message was opened, what its neighbours must be is known.

use core::ops::Range;

use subtle::ConstantTimeEq as _;

use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::group::short;
use crate::limits::GROUP_LINKS_MAX;
use crate::wire::group::{LINK_LEN, Link, SIGNATURE_LEN};

/// The first bytes of a hash over a message, carried by the next one.
pub(super) type LinkBytes = [u8; LINK_LEN];

/// What the message after one with this digest and signature carries.
pub(super) fn link_after(digest: &[u8; 32], signature: &[u8; SIGNATURE_LEN]) -> LinkBytes {
    *short(&kdf::hash(Label::Link, &[digest, signature]))
}

/// What message 0 carries.
pub(super) fn first_link(
    group_id: &[u8; 32],
    sender: &str,
    key_id: &[u8; 8],
    epoch: u64,
    signing_key: &[u8; 65],
) -> Result<LinkBytes> {
    let length = u8::try_from(sender.len()).map_err(|_| Error::TooLarge)?;
    let parts: [&[u8]; 6] =
        [group_id, &[length], sender.as_bytes(), key_id, &epoch.to_be_bytes(), signing_key];
    Ok(*short(&kdf::hash(Label::LinkStart, &parts)))
}

/// What is known of messages that were not opened yet, by counter.
#[derive(Default)]
pub(super) struct Links {
    /// What a message must carry: its predecessor was opened, or somebody with the right to said so.
    carried: ByCounter,
    /// What the message after it must carry: that one was opened first.
    named: ByCounter,
}

/// Links in the order of their counters. A list, because nearly always there is one.
#[derive(Default)]
pub(super) struct ByCounter(Vec<(u32, LinkBytes)>);

impl ByCounter {
    fn place(&self, counter: u32) -> core::result::Result<usize, usize> {
        self.0.binary_search_by_key(&counter, |(counter, _)| *counter)
    }

    fn get(&self, counter: u32) -> Option<&LinkBytes> {
        self.0.get(self.place(counter).ok()?).map(|(_, link)| link)
    }

    fn insert(&mut self, counter: u32, link: LinkBytes) {
        match self.place(counter) {
            Ok(at) => {
                if let Some((_, held)) = self.0.get_mut(at) {
                    *held = link;
                }
            }
            Err(at) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (counter, link));
            }
        }
    }

    fn remove(&mut self, counter: u32) {
        if let Ok(at) = self.place(counter) {
            self.0.remove(at);
        }
    }

    fn remove_range(&mut self, counters: &Range<u32>) {
        self.0.retain(|(counter, _)| !counters.contains(counter));
    }

    fn remove_lowest(&mut self) {
        if !self.0.is_empty() {
            self.0.remove(0);
        }
    }

    fn lowest(&self) -> u32 {
        self.0.first().map_or(u32::MAX, |(counter, _)| *counter)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(u32, LinkBytes)> {
        self.0.iter()
    }
}

impl Links {
    /// The message must carry this.
    pub(super) fn expect_carried(&mut self, counter: u32, link: LinkBytes) {
        self.carried.insert(counter, link);
        self.evict();
    }

    /// The message after this one must carry this.
    pub(super) fn expect_named(&mut self, counter: u32, link: LinkBytes) {
        self.named.insert(counter, link);
        self.evict();
    }

    /// Whether something verified names a message: then it is authentic, its signature included.
    /// [`Error::AuthenticationFailed`] if it carries another link, or would make its successor carry another one,
    /// than is known. `after` is [`link_after`] it.
    pub(super) fn check(&self, counter: u32, link: Link<'_>, after: &LinkBytes) -> Result<bool> {
        let carried = match (link, self.carried.get(counter)) {
            (Link::Known(link), Some(expected)) => link.ct_eq(expected).into(),
            // Whoever loaded a stored state does not know what it sent last.
            (Link::Resumed { .. }, _) | (Link::Known(_), None) => true,
        };
        let named = self.named.get(counter);
        if carried && named.is_none_or(|expected| after.ct_eq(expected).into()) {
            Ok(named.is_some())
        } else {
            Err(Error::AuthenticationFailed)
        }
    }

    /// The message was opened.
    pub(super) fn forget(&mut self, counter: u32) {
        self.carried.remove(counter);
        self.named.remove(counter);
    }

    /// These messages open no more.
    pub(super) fn drop_range(&mut self, counters: Range<u32>) {
        for links in [&mut self.carried, &mut self.named] {
            links.remove_range(&counters);
        }
    }

    pub(super) fn carried(&self) -> &ByCounter {
        &self.carried
    }

    pub(super) fn named(&self) -> &ByCounter {
        &self.named
    }

    /// The lowest counters go first: the link at the live end stays.
    fn evict(&mut self) {
        while self.carried.len() + self.named.len() > GROUP_LINKS_MAX {
            if self.carried.lowest() <= self.named.lowest() {
                self.carried.remove_lowest();
            } else {
                self.named.remove_lowest();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_held_to_both_neighbours() {
        let mut links = Links::default();
        links.expect_carried(5, [1; 16]);
        links.expect_named(5, [2; 16]);
        assert_eq!(links.check(5, Link::Known(&[1; 16]), &[2; 16]), Ok(true));
        assert_eq!(links.check(5, Link::Known(&[9; 16]), &[2; 16]), Err(Error::AuthenticationFailed));
        assert_eq!(links.check(5, Link::Known(&[1; 16]), &[9; 16]), Err(Error::AuthenticationFailed));
        assert_eq!(links.check(5, Link::Resumed { from: 1 }, &[2; 16]), Ok(true));
        assert_eq!(links.check(5, Link::Resumed { from: 1 }, &[9; 16]), Err(Error::AuthenticationFailed));
        links.forget(5);
        assert_eq!(links.check(5, Link::Known(&[9; 16]), &[9; 16]), Ok(false));
        links.expect_carried(5, [9; 16]);
        assert_eq!(
            links.check(5, Link::Known(&[9; 16]), &[9; 16]),
            Ok(false),
            "that was said by its predecessor"
        );
    }

    #[test]
    fn the_lowest_links_are_dropped_beyond_the_limit() {
        let mut links = Links::default();
        for counter in 0..600 {
            links.expect_carried(counter * 2, [1; 16]);
            links.expect_named(counter * 2 + 1, [1; 16]);
        }
        assert_eq!(links.carried.len() + links.named.len(), GROUP_LINKS_MAX);
        assert_eq!(links.carried.lowest(), 176);
        assert_eq!(links.named.lowest(), 177);
    }

    #[test]
    fn the_first_link_depends_on_every_field() {
        let base = first_link(&[1; 32], "a", &[2; 8], 3, &[4; 65]).unwrap();
        for other in [
            first_link(&[9; 32], "a", &[2; 8], 3, &[4; 65]),
            first_link(&[1; 32], "b", &[2; 8], 3, &[4; 65]),
            first_link(&[1; 32], "a", &[9; 8], 3, &[4; 65]),
            first_link(&[1; 32], "a", &[2; 8], 9, &[4; 65]),
            first_link(&[1; 32], "a", &[2; 8], 3, &[9; 65]),
        ] {
            assert_ne!(other.unwrap(), base);
        }
    }
}
