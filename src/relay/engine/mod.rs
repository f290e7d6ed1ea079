//! The protocol with clients (`docs/PROTOCOL.md` sections 10.2 to 10.5): connections in, frames out.
//!
//! What clients do wrong is answered to them; a call fails only for what the host does wrong.

mod connection;
mod handshake;
mod numbers;
mod presence;
mod requests;
mod tick;

use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::rng::{Random as _, SystemRandom};
use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
use crate::relay::shards::Shards;
use crate::relay::user::User;
use crate::wire::frame::{Body, Frame, STORE_ID_LEN};
use crate::wire::name::{check_label, check_user};
use connection::{Connection, Stage};
use numbers::Numbers;

pub use tick::Tick;

/// What a relay needs besides its routing core to speak with clients.
#[derive(Default)]
pub(super) struct Engine {
    connections: Connections,
    /// Which numbers connections had.
    numbers: Mutex<Numbers>,
    /// The relay's name, which clients see in a challenge.
    name: Box<str>,
    /// Names the numbering of sequences of this start, once somebody asked for it.
    id: Mutex<Option<[u8; STORE_ID_LEN]>>,
}

struct Connections(Shards<u64, Connection>);

impl Default for Connections {
    /// They are the host's, which bounds them.
    fn default() -> Self {
        Self(Shards::new(usize::MAX))
    }
}

impl Engine {
    /// The relay's id. It is drawn at each start and never kept: a relay that has lost the tail of what it numbered
    /// numbers other things alike, and nobody can know that it has.
    fn id(&self) -> Result<[u8; STORE_ID_LEN]> {
        let mut id = self.id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = *id {
            return Ok(id);
        }
        let mut drawn = [0; STORE_ID_LEN];
        SystemRandom.fill(&mut drawn)?;
        *id = Some(drawn);
        Ok(drawn)
    }
}

/// An answer that a request is refused with.
struct Refusal {
    error: Error,
    retry_after_ms: u32,
    epoch: u64,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, retry_after_ms: 0, epoch: 0 }
    }
}

impl Relay {
    /// Gives the relay the name that clients see in a challenge and compare with the one they called.
    /// [`Error::TooLarge`], [`Error::InvalidText`].
    pub fn named(mut self, name: &str) -> Result<Self> {
        self.engine.name = check_label(name.as_bytes())?.into();
        Ok(self)
    }

    /// Takes a connection. The host chooses its number, not 0, and authenticates the user, or leaves it to the client to
    /// prove who it is. Each connection ends with one [`Relay::disconnect`], whoever closes it.
    ///
    /// A number is used once: what is on its way to a connection that has ended must not reach another user. Count
    /// up; numbers that threads draw may come a little out of their order.
    ///
    /// [`Error::InvalidArgument`] for the number 0, one that was used, or one far below the highest, and without a user
    /// if the relay has no [name](Relay::named); [`Error::InvalidText`], [`Error::TooLarge`] for a user id that is none.
    pub fn connect(&self, connection: u64, user: Option<&str>, now_ms: u64) -> Result<Outcome> {
        let now_ms = self.clock.hear(now_ms).start_ms();
        match user {
            Some(user) => drop(check_user(user.as_bytes())?),
            // A proof is for a relay of this name; for one of none it would be for any of none.
            None if self.engine.name.is_empty() => return Err(Error::InvalidArgument),
            None => {}
        }
        self.engine.numbers.lock().unwrap_or_else(PoisonError::into_inner).take(connection)?;
        let made = Connection::new(connection, user, &self.options, now_ms);
        self.engine.connections.0.insert(connection, made)?;
        self.counters.add(Counter::Connections, 1);
        Ok(Outcome::default())
    }

    /// Takes a whole frame from a connection. What is wrong with it, the client is told; nothing is taken any more once
    /// a delivery said that the connection closes.
    ///
    /// [`Error::InvalidArgument`] for a connection that there is not; [`Error::Internal`] without randomness.
    pub fn receive(&self, connection: u64, frame: &[u8], now_ms: u64) -> Result<Outcome> {
        let now = self.clock.hear(now_ms);
        let connection = self.engine.connections.0.get(&connection).ok_or(Error::InvalidArgument)?;
        let mut outcome = Outcome::default();
        let mut stage = connection.stage();
        if connection.is_closed() {
            return Ok(outcome);
        }
        self.counters.add(Counter::Frames, 1);
        let bytes = frame;
        let frame = match Frame::parse(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                self.counters.add(Counter::BadFrames, 1);
                self.end(&connection, &stage, 0, error, &mut outcome)?;
                return Ok(outcome);
            }
        };
        if matches!(*stage, Stage::Welcomed(_)) {
            connection.extend(now.start_ms().saturating_add(self.options.idle_ms));
            self.serve(&connection, &mut stage, &frame, now, &mut outcome)?;
        } else {
            self.shake_hands(&connection, &mut stage, &frame, bytes, now, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Ends a connection, whoever closed it. [`Error::InvalidArgument`] for one that there is not.
    pub fn disconnect(&self, connection: u64, now_ms: u64) -> Result<Outcome> {
        self.clock.hear(now_ms);
        let connection = self.engine.connections.0.remove(&connection).ok_or(Error::InvalidArgument)?;
        self.counters.subtract(Counter::Connections, 1);
        let mut outcome = Outcome::default();
        let stage = connection.stage();
        connection.close();
        if let Stage::Welcomed(welcomed) = &*stage {
            self.go(&connection, &welcomed.user, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// The connection says no more: its user is offline, unless it has a newer one.
    fn go(&self, connection: &Connection, user: &Arc<User>, outcome: &mut Outcome) -> Result<()> {
        let mut inbox = user.inbox();
        if inbox.connection() == Some(connection.number) {
            inbox.leave();
            drop(inbox);
            self.count_online(true, false);
            return self.part(user, outcome);
        }
        drop(inbox);
        if connection.takes_farewell() { self.part(user, outcome) } else { Ok(()) }
    }

    /// Takes a user off its connection, if it has one. What that brings others, the next tick tells.
    pub(super) fn cut_off(&self, user: &User) {
        let left = user.inbox().leave();
        let Some(number) = left else { return };
        self.count_online(true, false);
        if let Some(connection) = self.engine.connections.0.get(&number) {
            connection.cut_off();
        }
    }

    /// Closes the connection that a user has left, and tells others that it went.
    pub(super) fn send_away(&self, user: &Arc<User>, left: Option<u64>, outcome: &mut Outcome) -> Result<()> {
        let Some(number) = left else { return Ok(()) };
        self.count_online(true, false);
        if let Some(connection) = self.engine.connections.0.get(&number) {
            connection.close();
            outcome.send(number, &user.name, Arc::default(), true);
        }
        self.part(user, outcome)
    }

    /// Closes a connection with an error.
    fn end(
        &self,
        connection: &Connection,
        stage: &Stage,
        request: u32,
        refusal: impl Into<Refusal>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        connection.close();
        let user = match stage {
            Stage::Welcomed(welcomed) => {
                self.go(connection, &welcomed.user, outcome)?;
                Arc::clone(&welcomed.user.name)
            }
            Stage::Fresh | Stage::Challenged(_) => Arc::from(""),
        };
        outcome.send(connection.number, &user, error_frame(request, &refusal.into())?.into(), true);
        Ok(())
    }
}

fn error_frame(request: u32, refusal: &Refusal) -> Result<Vec<u8>> {
    let Refusal { error, retry_after_ms, epoch } = *refusal;
    let body = Body::Error { status: error.code(), retry_after_ms, epoch, text: error.text() };
    Frame { request, body }.to_bytes()
}
