//! Groups by their labels (`docs/PROTOCOL.md` section 10.4).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::limits::{RELAY_FOUND_MAX, RELAY_SEARCH_MAX};
use crate::relay::Relay;
use crate::relay::group::GroupState;
use crate::relay::shards::Shards;
use crate::relay::user::User;
use crate::roster::Standing;

/// Which groups have a label. A label never changes, so nothing is ever taken out.
pub(super) struct Directory(Shards<Arc<str>, Label>);

/// The groups of one label, oldest first by their creators' clocks.
type Label = Mutex<BTreeSet<(u64, [u8; 32])>>;

impl Default for Directory {
    /// As large as the number of groups, which has its own limit.
    fn default() -> Self {
        Self(Shards::new(usize::MAX))
    }
}

impl Directory {
    /// A group that has become known.
    pub(super) fn add(&self, group: &GroupState) -> Result<()> {
        let roster = group.roster()?;
        if roster.label().is_empty() {
            return Ok(());
        }
        let label = self.0.get_or_insert(roster.label(), || (roster.label().into(), Label::default()))?;
        let of_label = (group.created_ms()?, *roster.group_id());
        label.lock().unwrap_or_else(PoisonError::into_inner).insert(of_label);
        Ok(())
    }

    fn oldest(&self, label: &str) -> Vec<[u8; 32]> {
        let Some(label) = self.0.get(label) else { return Vec::new() };
        let label = label.lock().unwrap_or_else(PoisonError::into_inner);
        label.iter().take(RELAY_SEARCH_MAX).map(|(_, group_id)| *group_id).collect()
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
    pub(super) fn find(&self, user: &User, label: &str) -> Vec<Found> {
        let mut own: Vec<(u64, Found)> = Vec::new();
        for group_id in user.groups() {
            own.extend(self.found(user, &group_id, label).filter(|(_, found)| found.is_member));
        }
        own.sort_by_key(|(created_ms, found)| (*created_ms, found.group_id));
        let open = self.directory.oldest(label).into_iter().filter_map(|group_id| {
            self.found(user, &group_id, label).filter(|(_, found)| found.is_open && !found.is_member)
        });
        own.into_iter().chain(open).map(|(_, found)| found).take(RELAY_FOUND_MAX).collect()
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
        Some((state.created_ms().ok()?, found))
    }
}
