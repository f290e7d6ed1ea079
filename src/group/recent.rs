//! The last envelopes opened under a key: they tell a duplicate from a replay (`docs/PROTOCOL.md` section 8.5).

use crate::limits::GROUP_RECENT_MAX;
use crate::wire::envelope::ENVELOPE_ID_LEN;

/// Half of an envelope's id. It is a hint and decides over nothing, and a receiver holds many of them a sender.
pub(super) type RecentId = [u8; ENVELOPE_ID_LEN / 2];

/// Ids of envelopes, the oldest first.
#[derive(Default)]
pub(super) struct Recent(Vec<RecentId>);

impl Recent {
    /// Whether the envelope is among the `last` that were opened.
    pub(super) fn contains(&self, last: usize, envelope_id: &[u8; ENVELOPE_ID_LEN]) -> bool {
        self.0.iter().rev().take(last).any(|id| *id == *half(envelope_id))
    }

    /// Forgets the oldest beyond the limit.
    pub(super) fn remember(&mut self, envelope_id: &[u8; ENVELOPE_ID_LEN]) {
        self.put(*half(envelope_id));
    }

    /// What [`Recent::ids`] gave, in its order.
    pub(super) fn put(&mut self, id: RecentId) {
        if self.0.is_empty() {
            // All of its room at once: a key that lives comes to need it, and then no message allocates.
            self.0.reserve_exact(GROUP_RECENT_MAX);
        }
        if self.0.len() >= GROUP_RECENT_MAX {
            self.0.remove(0);
        }
        self.0.push(id);
    }

    pub(super) fn ids(&self) -> &[RecentId] {
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
        let mut recent = Recent::default();
        for id in 0..=32u8 {
            recent.remember(&[id; 16]);
        }
        assert!(!recent.contains(GROUP_RECENT_MAX, &[0; 16]));
        assert!(recent.contains(GROUP_RECENT_MAX, &[1; 16]) && recent.contains(1, &[32; 16]));
        assert!(!recent.contains(1, &[31; 16]));
        assert_eq!(recent.ids().len(), GROUP_RECENT_MAX);
    }
}
