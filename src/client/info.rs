//! What may be shown of a client: no secret among it.

use serde_json::json;

use crate::client::Client;
use crate::json::{integer, text};

/// What a client counts since it was opened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Deliveries that no honest client makes, and envelopes beyond a limit.
    pub(super) dropped: u64,
    /// Messages that came before.
    pub(super) repeated: u64,
    /// Envelopes whose key is missing.
    pub(super) unreadable: u64,
}

impl Client {
    /// A JSON object for display and monitoring: `"v":1`, who we are, what waits, what was counted since the opening.
    #[must_use]
    pub fn info(&self) -> String {
        text(&json!({
            "v": 1,
            "user": self.identity.user(),
            "fingerprint": self.identity.fingerprint().to_string(),
            "connected": self.connection.is_up(),
            "commit": integer(self.store.commit_number()),
            "restorations": self.settings.restorations,
            "outbox": self.outbox.len(),
            "requests": self.connection.requests_len(),
            "events": self.events.len(),
            "one_time_prekeys": self.identity.info().one_time_prekeys,
            "dropped": integer(self.counters.dropped),
            "repeated": integer(self.counters.repeated),
            "unreadable": integer(self.counters.unreadable),
            "failed": self.failed.map(crate::Error::name),
        }))
    }
}
