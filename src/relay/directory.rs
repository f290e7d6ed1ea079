//! Groups by their labels (`docs/PROTOCOL.md` section 10.4).

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::RELAY_FOUND_MAX;
use crate::relay::Relay;
use crate::relay::outcome::Outcome;
use crate::relay::user::User;
use crate::roster::Standing;

/// Which groups anybody may join, by label, and those of one label by when the relay took them: a creator's clock says
/// what its owner likes. Groups that are closed or have ended are not here, so that they take no one's place.
pub(super) struct Directory {
    /// Keyed, so that nobody can choose labels of one shard.
    hasher: RandomState,
    shards: Box<[Mutex<Labels>]>,
}

type Labels = HashMap<Box<str>, BTreeSet<(u64, [u8; 32])>>;

const SHARDS: usize = 16;

impl Default for Directory {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Directory {
    /// A group that can be found from now on.
    pub(super) fn add(&self, label: &str, founded_ms: u64, group_id: &[u8; 32]) {
        if let Some(mut labels) = self.labels(label) {
            labels.entry(label.into()).or_default().insert((founded_ms, *group_id));
        }
    }

    /// One that cannot be found any more.
    pub(super) fn remove(&self, label: &str, founded_ms: u64, group_id: &[u8; 32]) {
        let Some(mut labels) = self.labels(label) else { return };
        let Some(groups) = labels.get_mut(label) else { return };
        groups.remove(&(founded_ms, *group_id));
        if groups.is_empty() {
            labels.remove(label);
        }
    }

    fn oldest(&self, label: &str, count: usize) -> Vec<[u8; 32]> {
        let labels = self.labels(label);
        let groups = labels.as_ref().and_then(|labels| labels.get(label));
        groups.into_iter().flatten().take(count).map(|(_, group_id)| *group_id).collect()
    }

    fn labels(&self, label: &str) -> Option<MutexGuard<'_, Labels>> {
        // Less than the number of shards, and so no truncation.
        let shard = self.shards.get((self.hasher.hash_one(label) % SHARDS as u64) as usize)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A group that a user may know of.
pub(super) struct Found {
    pub(super) group_id: [u8; 32],
    pub(super) is_open: bool,
    pub(super) is_member: bool,
}

impl Relay {
    /// The groups with a label that a user may know of: its own first, then by age.
    pub(super) fn find(&self, user: &Arc<User>, label: &str, outcome: &mut Outcome) -> Vec<Found> {
        let mut own: Vec<(u64, Found)> = Vec::new();
        let groups = user.groups(usize::MAX);
        outcome.visit(groups.len());
        for group_id in groups {
            own.extend(self.found(user, &group_id, label).filter(|(_, found)| found.is_member));
        }
        own.sort_by_key(|(founded_ms, found)| (*founded_ms, found.group_id));
        // Those of which the asker is a member may be among the oldest.
        let oldest = self.directory.oldest(label, RELAY_FOUND_MAX.saturating_add(own.len()));
        let open = oldest.into_iter().filter_map(|group_id| {
            self.found(user, &group_id, label).filter(|(_, found)| found.is_open && !found.is_member)
        });
        own.into_iter()
            .take(RELAY_FOUND_MAX)
            .chain(open)
            .map(|(_, found)| found)
            .take(RELAY_FOUND_MAX)
            .collect()
    }

    fn found(&self, user: &User, group_id: &[u8; 32], label: &str) -> Option<(u64, Found)> {
        let group = self.groups.get(group_id)?;
        let state = group.read();
        let roster = state.roster().ok().filter(|roster| roster.label() == label && !roster.is_deleted())?;
        let found = Found {
            group_id: *group_id,
            is_open: roster.policy().open,
            is_member: roster.standing(&user.name) == Standing::Member,
        };
        Some((state.founded_ms(), found))
    }
}
