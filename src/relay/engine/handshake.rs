//! From the first frame to welcome (`docs/PROTOCOL.md` section 10.2).

use std::sync::Arc;

use super::connection::{Connection, Stage, State};
use crate::crypto::rng::{Random as _, SystemRandom};
use crate::error::{Error, Result};
use crate::identity::Card;
use crate::limits::FRAME_MAX;
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
use crate::relay::watching::Watching;
use crate::wire::frame::{Body, CHALLENGE_LEN, Frame, Hello, Method, Welcome};

/// A hello whose proof is due.
pub(super) struct Challenged {
    card: Card,
    hello: Box<[u8]>,
    nonce: [u8; CHALLENGE_LEN],
}

impl Relay {
    /// Serves a connection that is not the user's yet. Whatever is refused ends it.
    pub(super) fn shake_hands(
        &self,
        connection: &Arc<Connection>,
        state: &mut State,
        frame: &Frame<'_>,
        bytes: &[u8],
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let served = match (&state.stage, &frame.body) {
            (Stage::Fresh, Body::Hello(hello)) => {
                self.hello(connection, state, frame.request, hello, bytes, now_ms, outcome)
            }
            (Stage::Challenged(challenged), Body::Proof { signature }) => {
                let Challenged { card, hello, nonce } = challenged.as_ref();
                let checked = card.check_hello(&self.engine.name, nonce, hello, signature);
                let (card, hello) = (card.clone(), hello.clone());
                checked.and_then(|()| match Frame::parse(&hello)?.body {
                    Body::Hello(hello) => {
                        self.welcome(connection, state, frame.request, card, &hello, now_ms, outcome)
                    }
                    _ => Err(Error::Internal),
                })
            }
            _ => {
                self.counters.add(Counter::BadFrames, 1);
                return self.end(connection, &state.stage, 0, Error::NotPermitted, outcome);
            }
        };
        match served {
            Err(Error::Internal) => Err(Error::Internal),
            Err(error) => {
                self.counters.add(Counter::Rejected, 1);
                self.end(connection, &state.stage, frame.request, error, outcome)
            }
            Ok(()) => Ok(()),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a hello, and where it came from")]
    fn hello(
        &self,
        connection: &Arc<Connection>,
        state: &mut State,
        request: u32,
        hello: &Hello<'_>,
        bytes: &[u8],
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let card = Card::parse(hello.card)?;
        match (&connection.authenticated, hello.method) {
            (Some(user), Method::Host) if **user == *card.user() => {
                self.welcome(connection, state, request, card, hello, now_ms, outcome)
            }
            (None, Method::Proof) => {
                let mut nonce = [0; CHALLENGE_LEN];
                SystemRandom.fill(&mut nonce)?;
                let body = Body::Challenge { nonce: &nonce, relay_name: &self.engine.name };
                let frame = Frame { request, body }.to_bytes()?;
                outcome.send(connection.number, &Arc::from(""), frame.into(), false);
                state.stage = Stage::Challenged(Box::new(Challenged { card, hello: bytes.into(), nonce }));
                Ok(())
            }
            _ => Err(Error::NotPermitted),
        }
    }

    /// The connection is the user's: registers the card, and gives what gathered.
    #[allow(clippy::too_many_arguments, reason = "a hello, and where it came from")]
    fn welcome(
        &self,
        connection: &Arc<Connection>,
        state: &mut State,
        request: u32,
        card: Card,
        hello: &Hello<'_>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let user = self.user(card.user())?;
        let relay_id = self.engine.id(outcome)?;
        if user.register(card, outcome)? {
            self.counters.add(Counter::Users, 1);
        }
        let commit = user.store().greet(&user.name, hello.store_id, hello.commit, outcome);
        let mut profile = user.profile();
        if hello.commit < commit {
            // A restored copy: the client is about to discard the private halves.
            profile.prekeys.discard(&user.name, outcome);
        }
        let (signed_prekey_expires_ms, one_time) = profile.prekeys.left();
        drop(profile);

        let before = self.viewers(&user);
        *user.watching() = Watching::default();
        // What gathered stands in the outcome behind the frames of the relay itself, so welcome comes first.
        let mut inbox = user.inbox();
        let (last, _) = inbox.sequences();
        if *hello.relay_id == relay_id && hello.seen <= last {
            let gone = inbox.acknowledge(&user.name, hello.seen, outcome)?;
            self.counters.subtract(Counter::Queued, gone.count);
            self.counters.subtract(Counter::QueuedBytes, gone.bytes);
        }
        let (expired, replaced) = inbox.come(&user.name, connection.number, &self.options, now_ms, outcome);
        let (last, acknowledged) = inbox.sequences();
        drop(inbox);
        self.count_expired(expired);
        self.count_online(replaced.is_some(), true);
        state.stage = Stage::Welcomed(Arc::clone(&user));
        connection.extend(now_ms.saturating_add(self.options.idle_ms));

        if let Some(replaced) = replaced.and_then(|number| self.engine.connections.get(&number)) {
            replaced.close();
            let frame = super::error_frame(0, &Error::Replaced.into())?;
            outcome.send(replaced.number, &user.name, frame.into(), true);
            self.counters.add(Counter::Replaced, 1);
        }
        let welcome = Welcome {
            time_ms: now_ms,
            relay_id: &relay_id,
            commit,
            acknowledged,
            last,
            signed_prekey_expires_ms,
            one_time_prekeys: u16::try_from(one_time).unwrap_or(u16::MAX),
            frame_max: u32::try_from(FRAME_MAX).unwrap_or(u32::MAX),
        };
        let frame = Frame { request, body: Body::Welcome(welcome) }.to_bytes()?;
        outcome.send(connection.number, &user.name, frame.into(), false);
        self.appear(&user, &before, outcome)
    }
}
