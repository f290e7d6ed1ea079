//! Hints from authenticated messages that entries are missing (`docs/PROTOCOL.md` section 7.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limits::ROSTER_CLAIM_MS;

/// What each member last claimed beyond the log. At most one a member, so bounded by the group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    of: BTreeMap<Arc<str>, Claim>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    epoch: u64,
    /// When this claimant's first claim since the log advanced came.
    since_ms: u64,
}

impl Claim {
    fn stands(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.since_ms) < ROSTER_CLAIM_MS
    }
}

impl Claims {
    /// Records a claim; a claimant who supplied nothing within the time is ignored from then on.
    pub(super) fn note(&mut self, claimant: &Arc<str>, epoch: u64, now_ms: u64) {
        let claim = self.of.entry(claimant.clone()).or_insert(Claim { epoch, since_ms: now_ms });
        claim.epoch = claim.epoch.max(epoch);
    }

    /// Whether any claim still holds encryption back.
    pub(super) fn any_stands(&self, now_ms: u64) -> bool {
        self.of.values().any(|claim| claim.stands(now_ms))
    }

    /// The log advanced to `head`: claims that it reached are met, ignored claimants are heard again.
    pub(super) fn advance(&mut self, head: u64, now_ms: u64, is_member: impl Fn(&str) -> bool) {
        self.of.retain(|claimant, claim| claim.epoch > head && claim.stands(now_ms) && is_member(claimant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(epoch: u64, now_ms: u64) -> Claims {
        let mut claims = Claims::default();
        claims.note(&Arc::from("bob"), epoch, now_ms);
        claims
    }

    #[test]
    fn a_claim_stands_for_five_minutes() {
        let claims = claimed(3, 1_000);
        assert!(claims.any_stands(1_000));
        assert!(claims.any_stands(1_000 + ROSTER_CLAIM_MS - 1));
        assert!(!claims.any_stands(1_000 + ROSTER_CLAIM_MS));
        assert!(claims.any_stands(0), "a clock that went back lets no time pass");
    }

    #[test]
    fn repeating_a_claim_gains_no_time() {
        let mut claims = claimed(3, 0);
        claims.note(&Arc::from("bob"), 9, ROSTER_CLAIM_MS - 1);
        assert!(!claims.any_stands(ROSTER_CLAIM_MS));
        claims.note(&Arc::from("bob"), 10, ROSTER_CLAIM_MS);
        assert!(!claims.any_stands(ROSTER_CLAIM_MS));
    }

    #[test]
    fn a_claimant_is_heard_again_once_the_log_advanced() {
        let mut claims = claimed(9, 0);
        claims.advance(2, ROSTER_CLAIM_MS, |_| true);
        claims.note(&Arc::from("bob"), 9, ROSTER_CLAIM_MS);
        assert!(claims.any_stands(ROSTER_CLAIM_MS));
    }

    #[test]
    fn a_claim_ends_when_the_log_reaches_it_or_the_claimant_is_gone() {
        for (head, member, stands) in [(2, true, true), (3, true, false), (4, true, false), (2, false, false)]
        {
            let mut claims = claimed(3, 0);
            claims.advance(head, 1, |_| member);
            assert_eq!(claims.any_stands(1), stands, "{head} {member}");
        }
    }
}
