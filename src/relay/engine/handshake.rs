//! From the first frame to welcome (`docs/PROTOCOL.md` section 10.2).

use std::sync::Arc;

use super::Refusal;
use super::connection::{Connection, Stage, Welcomed};
use crate::crypto::rng::{Random as _, SystemRandom};
use crate::error::{Error, Result};
use crate::identity::Card;
use crate::limits::{FRAME_MAX, RELAY_HELLO_REQUESTS};
use crate::relay::Relay;
use crate::relay::clock::Now;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
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
        stage: &mut Stage,
        frame: &Frame<'_>,
        bytes: &[u8],
        now: Now,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let served = match (&*stage, &frame.body) {
            (Stage::Fresh, Body::Hello(hello)) => {
                self.hello(connection, stage, frame.request, hello, bytes, now, outcome)
            }
            (Stage::Challenged(challenged), Body::Proof { signature }) => {
                let Challenged { card, hello, nonce } = challenged.as_ref();
                let checked = card.check_hello(&self.engine.name, nonce, hello, signature);
                let (card, hello) = (card.clone(), hello.clone());
                match checked.and_then(|()| Ok(Frame::parse(&hello)?.body)) {
                    Ok(Body::Hello(hello)) => {
                        self.welcome(connection, stage, frame.request, card, &hello, now, outcome)
                    }
                    Ok(_) => Err(Error::Internal.into()),
                    Err(error) => Err(error.into()),
                }
            }
            _ => {
                self.counters.add(Counter::BadFrames, 1);
                return self.end(connection, stage, 0, Error::NotPermitted, outcome);
            }
        };
        match served {
            Err(Refusal { error: Error::Internal, .. }) => Err(Error::Internal),
            Err(refusal) => {
                self.counters.add(Counter::Rejected, 1);
                self.end(connection, stage, frame.request, refusal, outcome)
            }
            Ok(()) => Ok(()),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a hello, and where it came from")]
    fn hello(
        &self,
        connection: &Arc<Connection>,
        stage: &mut Stage,
        request: u32,
        hello: &Hello<'_>,
        bytes: &[u8],
        now: Now,
        outcome: &mut Outcome,
    ) -> core::result::Result<(), Refusal> {
        let card = Card::parse(hello.card)?;
        match (&connection.authenticated, hello.method) {
            (Some(user), Method::Host) if **user == *card.user() => {
                self.welcome(connection, stage, request, card, hello, now, outcome)
            }
            (None, Method::Proof) => {
                let mut nonce = [0; CHALLENGE_LEN];
                SystemRandom.fill(&mut nonce)?;
                let body = Body::Challenge { nonce: &nonce, relay_name: &self.engine.name };
                let frame = Frame { request, body }.to_bytes()?;
                outcome.send(connection.number, &Arc::from(""), frame.into(), false);
                *stage = Stage::Challenged(Box::new(Challenged { card, hello: bytes.into(), nonce }));
                Ok(())
            }
            _ => Err(Error::NotPermitted.into()),
        }
    }

    /// The connection is the user's: registers the card, and gives what gathered.
    #[allow(clippy::too_many_arguments, reason = "a hello, and where it came from")]
    fn welcome(
        &self,
        connection: &Arc<Connection>,
        stage: &mut Stage,
        request: u32,
        card: Card,
        hello: &Hello<'_>,
        now: Now,
        outcome: &mut Outcome,
    ) -> core::result::Result<(), Refusal> {
        let user = self.user(card.user())?;
        let relay_id = self.engine.id()?;
        // Before anything is charged: anybody can make a card that names the user.
        user.recognise(&card)?;
        let taken = user.bucket().take(RELAY_HELLO_REQUESTS, &self.options, now.near_ms());
        if let Err(retry_after_ms) = taken {
            self.counters.add(Counter::RateLimited, 1);
            return Err(Refusal { error: Error::RateLimited, retry_after_ms, epoch: 0 });
        }
        if user.register(card.clone(), outcome)? {
            self.counters.add(Counter::Users, 1);
        }

        let mut inbox = user.inbox();
        // The host may have forgotten the identity just now. Under this lock it has, or it will cut this connection off.
        user.check_is(&card)?;
        let replaced = inbox.take_over(connection.number);
        drop(inbox);
        self.count_online(replaced.is_some(), true);
        if let Some(replaced) = replaced.and_then(|number| self.engine.connections.0.get(&number)) {
            replaced.close();
            // A frame of it may be being served. What that does is done before anything that follows.
            drop(replaced.stage());
            let frame = super::error_frame(0, &Error::Replaced.into())?;
            outcome.send(replaced.number, &user.name, frame.into(), true);
            self.counters.add(Counter::Replaced, 1);
        }
        // What it costs to find whom to tell is this user's, what else is sent is not.
        let mut shown = Outcome::default();
        let before = if replaced.is_some() { self.viewers(&user, &mut shown) } else { Vec::new() };
        self.start_watching(connection, &user, now);

        // What gathered stands in the outcome behind the frames of the relay itself, so welcome comes first.
        let mut inbox = user.inbox();
        if inbox.connection() != Some(connection.number) {
            // It has been replaced, or cut off, and whoever did that says so.
            return Ok(());
        }
        let commit = user.store().greet(&user.name, hello.store_id, hello.commit, outcome);
        let is_copy = hello.commit < commit;
        let mut profile = user.profile();
        if is_copy {
            // The client is about to discard the private halves.
            profile.prekeys.discard(&user.name, outcome);
        }
        let (signed_prekey_expires_ms, one_time) = profile.prekeys.left();
        drop(profile);
        let (last, _) = inbox.sequences();
        if *hello.relay_id == relay_id && hello.seen <= last {
            self.count_gone(inbox.acknowledge(&user.name, hello.seen, outcome)?);
        }
        self.count_expired(inbox.expire(&user.name, &self.options, now, outcome));
        inbox.hand_out(&user.name, outcome);
        let (last, acknowledged) = inbox.sequences();
        drop(inbox);
        *stage = Stage::Welcomed(Welcomed { user: Arc::clone(&user), is_copy });
        connection.extend(now.start_ms().saturating_add(self.options.idle_ms));

        let welcome = Welcome {
            time_ms: now.named_ms,
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
        self.appear(&user, &before, &mut shown)?;
        user.bucket().charge(shown.visits_cost(), &self.options);
        outcome.append(shown);
        Ok(())
    }
}
