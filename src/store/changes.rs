//! What one commit changes.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::limits::{STORE_CHANGES_MAX, STORE_COMMIT_MAX, STORE_VALUE_MAX};
use crate::store::name::Name;

/// Puts and deletes that happen together or not at all. Of several changes to one name, the last one counts.
#[derive(Default)]
pub struct Changes(BTreeMap<Name, Option<Zeroizing<Vec<u8>>>>);

impl Changes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a record, in place of what it was.
    pub fn put(&mut self, name: Name, value: impl Into<Zeroizing<Vec<u8>>>) {
        self.0.insert(name, Some(value.into()));
    }

    /// Deletes a record, if there is one.
    pub fn delete(&mut self, name: Name) {
        self.0.insert(name, None);
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many records would change.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// [`Error::TooLarge`] beyond the limits of one commit.
    pub(super) fn check(&self) -> Result<()> {
        let mut total = 0_usize;
        for value in self.0.values().flatten() {
            if value.len() > STORE_VALUE_MAX {
                return Err(Error::TooLarge);
            }
            total = total.saturating_add(value.len());
        }
        if self.0.len() > STORE_CHANGES_MAX || total > STORE_COMMIT_MAX {
            return Err(Error::TooLarge);
        }
        Ok(())
    }

    /// Each name, with its new value or `None` for a delete.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, Option<&[u8]>)> {
        self.0.iter().map(|(name, value)| (name, value.as_ref().map(|value| value.as_slice())))
    }
}
