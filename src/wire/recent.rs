//! The last envelopes that were accepted: they tell a duplicate from a replay (`docs/PROTOCOL.md` sections 5.6 and 8.5).

use crate::wire::envelope::ENVELOPE_ID_LEN;

/// Half of an envelope's id: it is a hint, and there are many of them.
pub type RecentId = [u8; ENVELOPE_ID_LEN / 2];

/// Ids of at most `MAX` envelopes, the oldest first.
#[derive(Default)]
pub struct Recent<const MAX: usize>(Vec<RecentId>);

impl<const MAX: usize> Recent<MAX> {
    /// Whether the envelope is among the `last` that were accepted.
    #[must_use]
    pub fn contains(&self, last: usize, envelope_id: &[u8; ENVELOPE_ID_LEN]) -> bool {
        self.0.iter().rev().take(last).any(|id| *id == *half(envelope_id))
    }

    /// Forgets the oldest beyond the limit.
    pub fn remember(&mut self, envelope_id: &[u8; ENVELOPE_ID_LEN]) {
        self.put(*half(envelope_id));
    }

    /// What [`Recent::ids`] gave, in its order.
    pub fn put(&mut self, id: RecentId) {
        if self.0.is_empty() {
            // All of its room at once: what lives comes to need it, and then no message allocates.
            self.0.reserve_exact(MAX);
        }
        if self.0.len() >= MAX {
            self.0.remove(0);
        }
        self.0.push(id);
    }

    /// To be stored.
    #[must_use]
    pub fn ids(&self) -> &[RecentId] {
        &self.0
    }
}

fn half(envelope_id: &[u8; ENVELOPE_ID_LEN]) -> &RecentId {
    let (halves, _) = envelope_id.as_chunks();
    halves.first().unwrap_or(&[0; ENVELOPE_ID_LEN / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_beyond_the_limit() {
        let mut recent = Recent::<32>::default();
        for id in 0..=32u8 {
            recent.remember(&[id; 16]);
        }
        assert!(!recent.contains(32, &[0; 16]));
        assert!(recent.contains(32, &[1; 16]) && recent.contains(1, &[32; 16]));
        assert!(!recent.contains(1, &[31; 16]));
        assert_eq!(recent.ids().len(), 32);
    }
}
