//! The protocol with clients (`docs/PROTOCOL.md` sections 10.2 to 10.5): connections in, frames out.
//!
//! What clients do wrong is answered to them; a call fails only for what the host does wrong.

mod connection;
mod handshake;
mod limits;
mod presence;
mod requests;
mod tick;

use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::rng::{Random as _, SystemRandom};
use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
use crate::relay::record::{Change, RecordName};
use crate::relay::shards::Shards;
use crate::relay::user::User;
use crate::wire::frame::{Body, Frame, STORE_ID_LEN};
use crate::wire::name::{check_label, check_user};
use connection::{Connection, Stage};

pub use tick::Tick;

/// What a relay needs besides its routing core to speak with clients.
pub(super) struct Engine {
    connections: Shards<u64, Connection>,
    /// The relay's name, which clients see in a challenge.
    name: Box<str>,
    /// Names the numbering of sequences, once somebody asked for it; and the version of its record.
    id: Mutex<Option<([u8; STORE_ID_LEN], u64)>>,
}

impl Default for Engine {
    /// Connections are the host's, which bounds them.
    fn default() -> Self {
        Self { connections: Shards::new(usize::MAX), name: Box::default(), id: Mutex::default() }
    }
}

impl Engine {
    /// The relay's id, drawn once and recorded then.
    fn id(&self, outcome: &mut Outcome) -> Result<[u8; STORE_ID_LEN]> {
        let mut id = self.id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, _)) = *id {
            return Ok(id);
        }
        let mut drawn = [0; STORE_ID_LEN];
        SystemRandom.fill(&mut drawn)?;
        outcome.change(Change::value(RecordName::RelayId, 0, drawn.into()));
        *id = Some((drawn, 1));
        Ok(drawn)
    }

    /// Takes the record of the id, or of its deletion.
    pub(super) fn restore_id(&self, value: Option<&[u8]>, version: u64) -> Result<()> {
        let value = value.map(|value| value.try_into().map_err(|_| Error::Malformed)).transpose()?;
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = value.map(|id| (id, version));
        Ok(())
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
    /// [`Error::InvalidArgument`] for the number 0, or one that is in use; [`Error::InvalidText`], [`Error::TooLarge`] for
    /// a user id that is none.
    pub fn connect(&self, connection: u64, user: Option<&str>, now_ms: u64) -> Result<Outcome> {
        let now_ms = self.advance(now_ms);
        if connection == 0 {
            return Err(Error::InvalidArgument);
        }
        if let Some(user) = user {
            check_user(user.as_bytes())?;
        }
        let made = Connection::new(connection, user, &self.options, now_ms);
        self.engine.connections.insert(connection, made)?;
        self.counters.add(Counter::Connections, 1);
        Ok(Outcome::default())
    }

    /// Takes a whole frame from a connection. What is wrong with it, the client is told; nothing is taken any more once
    /// a delivery said that the connection closes.
    ///
    /// [`Error::InvalidArgument`] for a connection that there is not; [`Error::Internal`] without randomness.
    pub fn receive(&self, connection: u64, frame: &[u8], now_ms: u64) -> Result<Outcome> {
        let now_ms = self.advance(now_ms);
        let connection = self.engine.connections.get(&connection).ok_or(Error::InvalidArgument)?;
        let mut outcome = Outcome::default();
        let mut state = connection.state();
        if connection.is_closed() {
            return Ok(outcome);
        }
        self.counters.add(Counter::Frames, 1);
        let bytes = frame;
        let frame = match Frame::parse(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                self.counters.add(Counter::BadFrames, 1);
                self.end(&connection, &state.stage, 0, error, &mut outcome)?;
                return Ok(outcome);
            }
        };
        if let Stage::Welcomed(user) = &state.stage {
            let user = Arc::clone(user);
            connection.extend(now_ms.saturating_add(self.options.idle_ms));
            self.serve(&connection, &mut state, &user, &frame, now_ms, &mut outcome)?;
        } else {
            self.shake_hands(&connection, &mut state, &frame, bytes, now_ms, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Ends a connection, whoever closed it. [`Error::InvalidArgument`] for one that there is not.
    pub fn disconnect(&self, connection: u64, now_ms: u64) -> Result<Outcome> {
        self.advance(now_ms);
        let connection = self.engine.connections.remove(&connection).ok_or(Error::InvalidArgument)?;
        self.counters.subtract(Counter::Connections, 1);
        let mut outcome = Outcome::default();
        let state = connection.state();
        connection.close();
        if let Stage::Welcomed(user) = &state.stage {
            self.go(&connection, user, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// The connection says no more: its user is offline, unless it has a newer one.
    fn go(&self, connection: &Connection, user: &Arc<User>, outcome: &mut Outcome) -> Result<()> {
        let viewers = self.viewers(user);
        let mut inbox = user.inbox();
        if inbox.connection() != Some(connection.number) {
            return Ok(());
        }
        inbox.leave();
        drop(inbox);
        self.count_online(true, false);
        self.tell(user, false, &viewers, outcome)
    }

    /// Closes a connection with an error.
    fn end(
        &self,
        connection: &Connection,
        stage: &Stage,
        request: u32,
        error: Error,
        outcome: &mut Outcome,
    ) -> Result<()> {
        connection.close();
        let user = match stage {
            Stage::Welcomed(user) => {
                self.go(connection, user, outcome)?;
                Arc::clone(&user.name)
            }
            Stage::Fresh | Stage::Challenged(_) => Arc::from(""),
        };
        outcome.send(connection.number, &user, error_frame(request, &error.into())?.into(), true);
        Ok(())
    }
}

fn error_frame(request: u32, refusal: &Refusal) -> Result<Vec<u8>> {
    let Refusal { error, retry_after_ms, epoch } = *refusal;
    let body = Body::Error { status: error.code(), retry_after_ms, epoch, text: error.text() };
    Frame { request, body }.to_bytes()
}
