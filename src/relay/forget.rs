//! A user whose identity is taken away.

use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;

impl Relay {
    /// Forgets who a user is, so that the name is free for another identity: card, prekeys, what is known of its store,
    /// and its queue, which was sealed for the identity that goes. Its connection is closed. Groups keep it as a member,
    /// until an entry removes it or names its new keys; what it sent stays in the queues of others.
    ///
    /// [`Error::UnknownUser`] for a name that the relay has never met.
    pub fn forget_user(&self, user: &str, now_ms: u64) -> Result<Outcome> {
        self.clock.hear(now_ms);
        let user = self.users.get(user).ok_or(Error::UnknownUser)?;
        let mut outcome = Outcome::default();
        // Held meanwhile: a hello of that identity comes before all of it, and is cut off, or after it.
        let mut inbox = user.inbox();
        if user.forget(&mut outcome) {
            self.counters.subtract(Counter::Users, 1);
        }
        self.count_gone(inbox.forget(&user.name, &mut outcome));
        let left = inbox.leave();
        drop(inbox);
        self.send_away(&user, left, &mut outcome)?;
        Ok(outcome)
    }
}
