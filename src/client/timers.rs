//! What happens by time.

use crate::client::Client;
use crate::error::Result;

impl Client {
    /// Does what is due.
    pub(super) fn tend(&mut self) -> Result<()> {
        self.tend_connection();
        self.tend_acks()?;
        self.tend_groups_by_time()
    }

    /// When the next thing is due. What an answer of the relay will cause is not among them.
    pub(super) fn due_ms(&self) -> Option<u64> {
        [
            self.connection.due_ms(self.now_ms),
            self.acks.due_ms(),
            self.prekeys_due_ms(),
            self.outbox.due_ms(self.now_ms),
            self.groups_due_ms(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
