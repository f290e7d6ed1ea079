//! Whom a user watches (`docs/PROTOCOL.md` section 10.4).

use std::sync::Arc;

/// What the last watch of a connection said.
pub(super) struct Watching {
    /// Whether others may see the user.
    pub(super) is_visible: bool,
    /// Whose presence is of interest, ascending.
    pub(super) users: Box<[Arc<str>]>,
}

impl Default for Watching {
    /// As a connection starts.
    fn default() -> Self {
        Self { is_visible: true, users: Box::default() }
    }
}

impl Watching {
    /// Whether it names a user.
    pub(super) fn names(&self, user: &str) -> bool {
        self.users.binary_search_by(|watched| (**watched).cmp(user)).is_ok()
    }
}
