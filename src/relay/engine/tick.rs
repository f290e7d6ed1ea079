//! What happens because nothing happens (`docs/PROTOCOL.md` section 10.5).

use std::sync::Arc;

use super::connection::Stage;
use crate::error::Result;
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;

/// What [`Relay::tick`] came to.
pub struct Tick {
    /// To store, and to send.
    pub outcome: Outcome,
    /// When the next call is due; none while there is no connection.
    pub due_ms: Option<u64>,
}

/// Deadlines of many connections lie closely: looking at all of them more often would gain nobody anything.
const SHORTEST_MS: u64 = 1_000;

impl Relay {
    /// Closes the connections that took too long to be welcomed, or said nothing for too long. Nothing else needs it:
    /// what is too old in a queue goes when the queue is used.
    pub fn tick(&self, now_ms: u64) -> Result<Tick> {
        let now_ms = self.advance(now_ms);
        let mut outcome = Outcome::default();
        let mut earliest = u64::MAX;
        let late = self.engine.connections.filter(|connection| {
            let deadline_ms = connection.deadline_ms();
            let is_late = deadline_ms <= now_ms;
            if !is_late {
                earliest = earliest.min(deadline_ms);
            }
            is_late
        });
        for connection in late {
            let state = connection.state();
            // A frame may have come just now.
            if connection.deadline_ms() > now_ms {
                earliest = earliest.min(connection.deadline_ms());
                continue;
            }
            connection.close();
            self.counters.add(Counter::TimedOut, 1);
            let nobody = Arc::from("");
            let user = match &state.stage {
                Stage::Welcomed(user) => {
                    self.go(&connection, user, &mut outcome)?;
                    &user.name
                }
                Stage::Fresh | Stage::Challenged(_) => &nobody,
            };
            outcome.send(connection.number, user, Arc::default(), true);
        }
        let due_ms = (earliest < u64::MAX).then(|| earliest.max(now_ms.saturating_add(SHORTEST_MS)));
        Ok(Tick { outcome, due_ms })
    }
}
