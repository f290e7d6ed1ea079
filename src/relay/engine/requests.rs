//! What a welcomed connection asks for (`docs/PROTOCOL.md` section 10.3).

use std::collections::HashSet;
use std::sync::Arc;

use super::connection::{Connection, Stage, Welcomed};
use super::{Refusal, error_frame};
use crate::error::{Error, Result};
use crate::limits::{
    RELAY_ANSWER_PER_REQUEST, RELAY_COPIES_PER_FRAME, RELAY_COPIES_PER_REQUEST, RELAY_ENVELOPES_PER_REQUEST,
};
use crate::relay::Relay;
use crate::relay::clock::Now;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
use crate::relay::user::User;
use crate::wire::envelope::Envelope;
use crate::wire::frame::{Body, Envelopes, FoundGroup, Frame, Groups, List, Statuses};
use crate::wire::roster::Entry;

impl Relay {
    /// Serves one frame of a welcomed connection.
    pub(super) fn serve(
        &self,
        connection: &Connection,
        stage: &mut Stage,
        frame: &Frame<'_>,
        now: Now,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let Stage::Welcomed(welcomed) = &mut *stage else { return Err(Error::Internal) };
        let user = Arc::clone(&welcomed.user);
        let request = frame.request;
        let (cost, commit) = match &frame.body {
            Body::Prekeys { commit, .. } | Body::Commit { commit, .. } | Body::Send { commit, .. } => {
                (1, *commit)
            }
            Body::SendMany { commit, envelopes } => {
                (envelopes.len().div_ceil(RELAY_ENVELOPES_PER_REQUEST), *commit)
            }
            // What makes a queue shorter is always welcome.
            Body::Acknowledge { commit, sequence } => (usize::from(!user.inbox().drops(*sequence)), *commit),
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
                return self.end(connection, stage, 0, Error::NotPermitted, outcome);
            }
        };
        // The answer goes first, and behind it what came of the request.
        let mut came = Outcome::default();
        let taken = user.bucket().take(cost, &self.options, now.near_ms());
        let answer = match taken {
            Err(retry_after_ms) => {
                self.counters.add(Counter::RateLimited, 1);
                if matches!(frame.body, Body::Acknowledge { .. }) {
                    // It would have dropped nothing, and no answer is asked for.
                    return Ok(());
                }
                Err(Refusal { error: Error::RateLimited, retry_after_ms, epoch: 0 })
            }
            Ok(()) => {
                let answer = self.answer(connection, welcomed, frame, now, &mut came);
                let is_due = came.records_len() > 0;
                user.store().note(&user.name, commit, is_due, &mut came);
                answer
            }
        };
        let (answer, cost) = match answer {
            Err(Refusal { error: Error::Internal, .. }) => return Err(Error::Internal),
            Err(refusal) => (Some(error_frame(request, &refusal)?), 0),
            Ok(Answer::Frame { bytes, cost }) => {
                let cost = cost + bytes.len() / RELAY_ANSWER_PER_REQUEST;
                (Some(bytes), cost)
            }
            Ok(Answer::Nothing) => (None, 0),
        };
        // What it came to is known now: others wait for it behind this user's next requests.
        let copies = came.copies_len() / RELAY_COPIES_PER_REQUEST;
        user.bucket().charge(cost + copies + came.visits_cost(), &self.options);
        if let Some(answer) = answer {
            outcome.send(connection.number, &user.name, answer.into(), false);
        }
        outcome.append(came);
        Ok(())
    }

    fn answer(
        &self,
        connection: &Connection,
        welcomed: &mut Welcomed,
        frame: &Frame<'_>,
        now: Now,
        outcome: &mut Outcome,
    ) -> core::result::Result<Answer, Refusal> {
        let request = frame.request;
        let user = &welcomed.user;
        if !user.is_registered() {
            return Err(Error::UnknownUser.into());
        }
        let costing =
            |body: Body<'_>, cost| Ok(Answer::Frame { bytes: Frame { request, body }.to_bytes()?, cost });
        let with = |body: Body<'_>| costing(body, 0);
        match &frame.body {
            Body::Prekeys { bundle, commit } => {
                user.publish(bundle, now, outcome)?;
                if core::mem::take(&mut welcomed.is_copy) {
                    // These were made after it learned what it is. What it publishes from now on is not discarded.
                    user.store().begin_anew(&user.name, *commit, outcome);
                }
                with(Body::Ok)
            }
            Body::Lookup { user: peer } => {
                let found = self.look_up(user, peer, now)?;
                outcome.append(found.outcome);
                let bundle = found.bundle.unwrap_or_default();
                with(Body::Found { card: found.card.as_bytes(), bundle: &bundle })
            }
            Body::Commit { entry, .. } => {
                self.take_entry(user, entry, now, outcome)?;
                with(Body::Ok)
            }
            Body::FetchLog { group_id, from_epoch } => {
                let entries = self.log(&user.name, group_id, *from_epoch)?;
                with(Body::Log { entries: &entries })
            }
            Body::Send { envelope, .. } => {
                outcome.append(self.take_envelope(user, &Envelope::parse(envelope)?, envelope, now)?);
                with(Body::Ok)
            }
            Body::SendMany { envelopes, .. } => {
                let (statuses, groups) = self.take_envelopes(user, envelopes, now, outcome)?;
                costing(Body::SentMany { statuses: Statuses::parse(&statuses)? }, groups)
            }
            Body::Acknowledge { sequence, .. } => {
                let mut inbox = user.inbox();
                // A newer connection may have been handed what this one has seen, and not have it yet.
                if inbox.connection() == Some(connection.number) {
                    self.count_gone(inbox.acknowledge(&user.name, *sequence, outcome)?);
                    inbox.hand_out(&user.name, outcome);
                }
                Ok(Answer::Nothing)
            }
            Body::Watch { is_visible, users } => {
                self.watch(connection, user, *is_visible, users, outcome)?;
                with(Body::Ok)
            }
            Body::Find { label } => {
                let found = self.find(user, label, outcome);
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

    fn take_envelope(
        &self,
        user: &Arc<User>,
        header: &Envelope<'_>,
        envelope: &[u8],
        now: Now,
    ) -> Result<Outcome> {
        if header.sender != &*user.name {
            return Err(Error::NotPermitted);
        }
        self.route_from(user, header, envelope, now)
    }

    /// Their statuses, and how many of them were for groups.
    fn take_envelopes(
        &self,
        user: &Arc<User>,
        envelopes: &Envelopes<'_>,
        now: Now,
        outcome: &mut Outcome,
    ) -> Result<(Vec<u8>, usize)> {
        let mut statuses = Vec::with_capacity(envelopes.len());
        let (mut groups, mut copies) = (0, 0);
        // Whoever has no room for one is given none after it: that would be before its turn.
        let mut full: HashSet<&str> = HashSet::new();
        for envelope in envelopes.iter() {
            let taken = Envelope::parse(envelope).and_then(|header| {
                if header.recipient.is_some_and(|recipient| full.contains(recipient)) {
                    return Err(Error::QueueFull);
                }
                groups += usize::from(header.group.is_some());
                if header.group.is_some() && copies >= RELAY_COPIES_PER_FRAME {
                    // One frame is to be answered with an outcome that a host can hold.
                    self.counters.add(Counter::RateLimited, 1);
                    return Err(Error::RateLimited);
                }
                let taken = self.take_envelope(user, &header, envelope, now);
                if matches!(taken, Err(Error::QueueFull)) {
                    full.extend(header.recipient);
                }
                taken
            });
            statuses.push(match taken {
                Ok(taken) => {
                    copies += taken.copies_len();
                    outcome.append(taken);
                    0
                }
                Err(Error::Internal) => return Err(Error::Internal),
                Err(error) => error.code(),
            });
        }
        Ok((Statuses::encode(statuses)?, groups))
    }

    fn take_entry(
        &self,
        user: &Arc<User>,
        entry: &[u8],
        now: Now,
        outcome: &mut Outcome,
    ) -> core::result::Result<(), Refusal> {
        let parsed = Entry::parse(entry)?;
        let committed = match self.commit_from(user, &parsed, now) {
            Ok(committed) => committed,
            Err(error) => {
                let state = self.groups.get(parsed.fields.group_id);
                let mut refusal = Refusal::from(error);
                if let Some(group) = state {
                    let mut state = group.write();
                    match error {
                        Error::StaleEpoch => refusal.epoch = state.epoch().unwrap_or(0),
                        Error::RateLimited => {
                            let after_ms =
                                state.join_after_ms(&user.name, self.options.joins_per_hour, now.kept_ms);
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
    /// A frame, and how many requests it was beyond what it was taken for.
    Frame {
        bytes: Vec<u8>,
        cost: usize,
    },
    Nothing,
}
