//! The last envelopes that were accepted: they tell a duplicate from a replay (`docs/PROTOCOL.md` section 5.6).

use crate::limits::SESSION_RECENT_MAX;
use crate::wire::envelope::ENVELOPE_ID_LEN;

/// Envelope ids, the oldest first.
#[derive(Default)]
pub(super) struct Recent(Vec<[u8; ENVELOPE_ID_LEN]>);

impl Recent {
    pub(super) fn contains(&self, id: &[u8; ENVELOPE_ID_LEN]) -> bool {
        self.0.contains(id)
    }

    /// Forgets the oldest beyond the limit.
    pub(super) fn remember(&mut self, id: [u8; ENVELOPE_ID_LEN]) {
        if self.0.is_empty() {
            // All of its room at once: a session that lives comes to need it, and then no message allocates.
            self.0.reserve_exact(SESSION_RECENT_MAX);
        }
        if self.0.len() >= SESSION_RECENT_MAX {
            self.0.remove(0);
        }
        self.0.push(id);
    }

    pub(super) fn ids(&self) -> &[[u8; ENVELOPE_ID_LEN]] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_beyond_the_limit() {
        let mut recent = Recent::default();
        for id in 0..=32u8 {
            recent.remember([id; 16]);
        }
        assert!(!recent.contains(&[0; 16]));
        assert!(recent.contains(&[1; 16]) && recent.contains(&[32; 16]));
        assert_eq!(recent.ids().len(), SESSION_RECENT_MAX);
    }
}
