//! What happens because nothing happens (`docs/PROTOCOL.md` section 10.5).

use std::sync::Arc;

use super::connection::{Connection, Stage};
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
    /// Closes the connections that took too long to be welcomed, or said nothing for too long, and says so again of
    /// those that were closed and that the host has not ended. Nothing else needs it: what is too old in a queue goes
    /// when the queue is used.
    pub fn tick(&self, now_ms: u64) -> Result<Tick> {
        let now = self.clock.hear(now_ms);
        let now_ms = now.near_ms();
        let most_ms = self.options.idle_ms.max(self.options.handshake_ms);
        let mut outcome = Outcome::default();
        let mut earliest = u64::MAX;
        let late = self.engine.connections.0.filter(|connection| {
            let due_ms = connection.deadline_ms(now_ms, most_ms).min(connection.shows_ms(now_ms));
            let is_late = due_ms <= now_ms;
            if !is_late {
                earliest = earliest.min(due_ms);
            }
            is_late
        });
        for connection in late {
            let stage = connection.stage();
            if connection.shows_ms(now_ms) <= now_ms {
                connection.show_at(u64::MAX);
                if let Stage::Welcomed(welcomed) = &*stage {
                    self.show(&connection, &welcomed.user, &mut outcome)?;
                }
            }
            // A frame may have come just now.
            if connection.deadline_ms(now_ms, most_ms) <= now_ms {
                self.time_out(&connection, &stage, &mut outcome)?;
                connection.extend(now_ms.saturating_add(self.options.idle_ms));
            }
            earliest = earliest.min(connection.deadline_ms(now_ms, most_ms)).min(connection.shows_ms(now_ms));
        }
        // From the time that the host named, which may be another than the one that is believed.
        let wait_ms = earliest.saturating_sub(now_ms).max(SHORTEST_MS);
        let due_ms = (earliest < u64::MAX).then(|| now.named_ms.saturating_add(wait_ms));
        Ok(Tick { outcome, due_ms })
    }

    /// A connection is too late; or it was closed, and the host has not ended it.
    fn time_out(&self, connection: &Connection, stage: &Stage, outcome: &mut Outcome) -> Result<()> {
        if !connection.is_closed() {
            connection.close();
            self.counters.add(Counter::TimedOut, 1);
        }
        let user = match stage {
            Stage::Welcomed(welcomed) => {
                self.go(connection, &welcomed.user, outcome)?;
                Arc::clone(&welcomed.user.name)
            }
            Stage::Fresh | Stage::Challenged(_) => Arc::from(""),
        };
        outcome.send(connection.number, &user, Arc::default(), true);
        Ok(())
    }
}
