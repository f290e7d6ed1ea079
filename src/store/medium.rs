//! Where the rows of a store lie.

use std::path::Path;

use crate::error::Result;

/// A key and what lies there.
pub type Row = (Vec<u8>, Vec<u8>);

/// A key and what shall lie there; `None` deletes.
pub type RowChange = (Vec<u8>, Option<Vec<u8>>);

/// Rows of opaque bytes under opaque keys, in the order of the keys.
///
/// Everything that makes a store (names, sealing, the check that no row is missing, old or foreign) is above it
/// in [`Store`](crate::store::Store). A medium answers for three things: [`Medium::apply`] is atomic and durable,
/// rows come back as they were written, and nobody else has them open.
pub trait Medium: Send + Sync {
    /// What lies under a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// The next rows, in ascending order, whose keys start with `prefix` and come after `after`: at least one unless
    /// there are no more, at most
    /// [`STORE_PAGE_ROWS`](crate::limits::STORE_PAGE_ROWS), and none after those that fill
    /// [`STORE_PAGE_BYTES`](crate::limits::STORE_PAGE_BYTES).
    fn page(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Vec<Row>>;

    /// Writes and deletes, all or nothing. When it returns `Ok` all of it is durable.
    /// After an error none of it shows; whether it does after opening anew is open only if every later
    /// call is refused.
    fn apply(&mut self, rows: &[RowChange]) -> Result<()>;

    /// Writes a consistent and durable copy to a path where nothing is.
    fn backup(&self, path: &Path) -> Result<()>;

    /// Ends without touching what lies beneath: a forked child holds what is its parent's.
    fn abandon(self: Box<Self>);
}
