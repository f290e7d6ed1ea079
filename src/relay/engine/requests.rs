//! What a welcomed connection asks for (`docs/PROTOCOL.md` section 10.3).

use std::sync::Arc;

use super::connection::{Connection, State};
use super::{Refusal, error_frame};
use crate::error::{Error, Result};
use crate::limits::RELAY_ENVELOPES_PER_REQUEST;
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
use crate::relay::user::User;
use crate::wire::envelope::Envelope;
use crate::wire::frame::{Body, Envelopes, FoundGroup, Frame, Groups, List, Statuses};
use crate::wire::roster::Entry;

impl Relay {
    /// Serves one frame.
    pub(super) fn serve(
        &self,
        connection: &Connection,
        state: &mut State,
        user: &Arc<User>,
        frame: &Frame<'_>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let request = frame.request;
        let (cost, commit) = match &frame.body {
            Body::Prekeys { commit, .. } | Body::Commit { commit, .. } | Body::Send { commit, .. } => {
                (1, *commit)
            }
            Body::SendMany { commit, envelopes } => {
                (envelopes.len().div_ceil(RELAY_ENVELOPES_PER_REQUEST), *commit)
            }
            // What makes a queue shorter is always welcome.
            Body::Acknowledge { commit, .. } => (0, *commit),
            Body::Lookup { .. }
            | Body::FetchLog { .. }
            | Body::Watch { .. }
            | Body::Find { .. }
            | Body::Ping => (1, 0),
            Body::Hello(_)
            | Body::Ok
            | Body::Error { .. }
            | Body::Challenge { .. }
            | Body::Found { .. }
            | Body::Log { .. }
            | Body::Deliver { .. }
            | Body::QueueEnd
            | Body::Proof { .. }
            | Body::Welcome(_)
            | Body::SentMany { .. }
            | Body::Presence { .. }
            | Body::Groups { .. } => {
                self.counters.add(Counter::BadFrames, 1);
                return self.end(connection, &state.stage, 0, Error::NotPermitted, outcome);
            }
        };
        // The answer goes first, and behind it what came of the request.
        let mut came = Outcome::default();
        let answer = match state.bucket.take(cost, &self.options, now_ms) {
            Err(retry_after_ms) => {
                self.counters.add(Counter::RateLimited, 1);
                Err(Refusal { error: Error::RateLimited, retry_after_ms, epoch: 0 })
            }
            Ok(()) => {
                user.store().note(&user.name, commit, &mut came);
                self.answer(user, frame, now_ms, &mut came)
            }
        };
        let answer = match answer {
            Err(Refusal { error: Error::Internal, .. }) => return Err(Error::Internal),
            Err(refusal) => Some(error_frame(request, &refusal)?),
            Ok(Answer::Frame(frame)) => Some(frame),
            Ok(Answer::Nothing) => None,
        };
        if let Some(answer) = answer {
            outcome.send(connection.number, &user.name, answer.into(), false);
        }
        outcome.append(came);
        Ok(())
    }

    fn answer(
        &self,
        user: &Arc<User>,
        frame: &Frame<'_>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> core::result::Result<Answer, Refusal> {
        let request = frame.request;
        let with = |body: Body<'_>| Ok(Answer::Frame(Frame { request, body }.to_bytes()?));
        match &frame.body {
            Body::Prekeys { bundle, .. } => {
                outcome.append(self.publish(&user.name, bundle, now_ms)?);
                with(Body::Ok)
            }
            Body::Lookup { user: peer } => {
                let found = self.lookup(&user.name, peer, now_ms)?;
                outcome.append(found.outcome);
                let bundle = found.bundle.unwrap_or_default();
                with(Body::Found { card: found.card.as_bytes(), bundle: &bundle })
            }
            Body::Commit { entry, .. } => {
                self.take_entry(user, entry, now_ms, outcome)?;
                with(Body::Ok)
            }
            Body::FetchLog { group_id, from_epoch } => {
                let entries = self.log(&user.name, group_id, *from_epoch)?;
                with(Body::Log { entries: &entries })
            }
            Body::Send { envelope, .. } => {
                outcome.append(self.take_envelope(user, envelope, now_ms)?);
                with(Body::Ok)
            }
            Body::SendMany { envelopes, .. } => {
                let statuses = self.take_envelopes(user, envelopes, now_ms, outcome)?;
                with(Body::SentMany { statuses: Statuses::parse(&statuses)? })
            }
            Body::Acknowledge { sequence, .. } => {
                outcome.append(self.acknowledge(&user.name, *sequence, now_ms)?);
                Ok(Answer::Nothing)
            }
            Body::Watch { is_visible, users } => {
                self.watch(user, *is_visible, users, outcome)?;
                with(Body::Ok)
            }
            Body::Find { label } => {
                let found = self.find(user, label);
                let each = found.iter().map(|found| FoundGroup {
                    group_id: &found.group_id,
                    is_open: found.is_open,
                    is_member: found.is_member,
                });
                let groups = Groups::encode(each)?;
                with(Body::Groups { groups: List::parse(&groups)? })
            }
            Body::Ping => with(Body::Ok),
            _ => Err(Error::Internal.into()),
        }
    }

    fn take_envelope(&self, user: &Arc<User>, envelope: &[u8], now_ms: u64) -> Result<Outcome> {
        let header = Envelope::parse(envelope)?;
        if header.sender != &*user.name {
            return Err(Error::NotPermitted);
        }
        if !user.is_registered() {
            return Err(Error::UnknownUser);
        }
        self.route_from(user, &header, envelope, now_ms)
    }

    fn take_envelopes(
        &self,
        user: &Arc<User>,
        envelopes: &Envelopes<'_>,
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> Result<Vec<u8>> {
        let mut statuses = Vec::with_capacity(envelopes.len());
        for envelope in envelopes.iter() {
            statuses.push(match self.take_envelope(user, envelope, now_ms) {
                Ok(taken) => {
                    outcome.append(taken);
                    0
                }
                Err(Error::Internal) => return Err(Error::Internal),
                Err(error) => error.code(),
            });
        }
        Statuses::encode(statuses)
    }

    fn take_entry(
        &self,
        user: &User,
        entry: &[u8],
        now_ms: u64,
        outcome: &mut Outcome,
    ) -> core::result::Result<(), Refusal> {
        let parsed = Entry::parse(entry)?;
        let committed = match self.commit(&user.name, entry, now_ms) {
            Ok(committed) => committed,
            Err(error) => {
                let state = self.groups.get(parsed.fields.group_id);
                let mut refusal = Refusal::from(error);
                if let Some(group) = state {
                    let mut state = group.write();
                    match error {
                        Error::StaleEpoch => refusal.epoch = state.epoch().unwrap_or(0),
                        Error::RateLimited => {
                            let after_ms = state.join_after_ms(self.options.joins_per_hour, now_ms);
                            refusal.retry_after_ms = u32::try_from(after_ms).unwrap_or(u32::MAX);
                        }
                        _ => {}
                    }
                }
                return Err(refusal);
            }
        };
        let is_new = committed.records_len() > 0;
        outcome.append(committed);
        if is_new {
            self.introduce(&parsed, outcome)?;
        }
        Ok(())
    }
}

/// What a request comes to.
enum Answer {
    Frame(Vec<u8>),
    Nothing,
}
