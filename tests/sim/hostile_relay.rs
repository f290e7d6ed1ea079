//! A relay that lies: an honest one, with somebody who bends what goes in and comes out.

use std::collections::BTreeMap;

use sealwax::error::Error;
use sealwax::identity::{Card, Identity, IdentityOptions};
use sealwax::limits::HOUR_MS;
use sealwax::wire::frame::{Body, Frame, Statuses, Welcome};
use sealwax::wire::roster::{Action, Role};

use crate::chance::Chance;
use crate::chronicle::Chronicle;
use crate::common::ScriptedRandom;
use crate::common::group::{Forgery, named};
use crate::swapped::Impostors;

/// Payloads that are kept to be delivered again.
const KEPT_MAX: usize = 300;

/// Who bends.
pub(crate) struct Cheat {
    chance: Chance,
    /// How often, in percent, a frame is not left as it is.
    percent: u64,
    /// Number of commits are told too low as well.
    hides_restorations: bool,
    /// The identities of people, by their names.
    fingerprints: BTreeMap<String, [u8; 32]>,
    /// Payloads that went to anybody.
    kept: Vec<Vec<u8>>,
    /// Frames that come later than what follows them.
    held: Vec<(u64, Vec<u8>)>,
    /// Identities that it has made up, with their prekeys.
    pub(crate) impostors: Impostors,
}

/// What it sees of the world.
pub(crate) struct View<'a> {
    pub(crate) now_ms: u64,
    /// Connections that are served.
    pub(crate) links: Vec<u64>,
    pub(crate) chronicle: &'a Chronicle,
}

/// What becomes of a frame for the relay.
pub(crate) enum Upward {
    /// The relay gets it so often.
    Passes(usize),
    /// It gets nothing, and the client this answer.
    Answered(Vec<u8>),
}

impl Cheat {
    pub(crate) fn new(
        mut chance: Chance,
        hides_restorations: bool,
        fingerprints: BTreeMap<String, [u8; 32]>,
    ) -> Self {
        let percent = chance.between(3, 25);
        Self {
            chance,
            percent,
            hides_restorations,
            fingerprints,
            kept: Vec::new(),
            held: Vec::new(),
            impostors: Impostors::new(),
        }
    }

    /// Bends a frame on its way to a client. Answers what is sent instead.
    pub(crate) fn down(&mut self, view: &View<'_>, link: u64, frame: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        let mut sent = Vec::new();
        if let Ok(Frame { body: Body::Deliver { payload, .. }, .. }) = Frame::parse(&frame)
            && self.kept.len() < KEPT_MAX
        {
            self.kept.push(payload.to_vec());
        }
        if self.chance.happens(self.percent) {
            self.bend(view, link, &frame, &mut sent);
        } else {
            sent.push((link, frame));
        }
        if !self.held.is_empty() && self.chance.happens(40) {
            let at = self.chance.index(self.held.len());
            sent.push(self.held.swap_remove(at));
        }
        sent
    }

    fn bend(&mut self, view: &View<'_>, link: u64, frame: &[u8], sent: &mut Vec<(u64, Vec<u8>)>) {
        let Ok(Frame { request, body }) = Frame::parse(frame) else { return };
        let mut send = |to: u64, body: Body<'_>| sent.push((to, Frame { request, body }.to_bytes().unwrap()));
        match body {
            Body::Deliver { sequence, payload } => match self.chance.between(0, 9) {
                // It is gone for good once something after it is acknowledged.
                0 | 1 => {}
                2 | 3 => self.held.push((link, frame.to_vec())),
                4 => (0..2).for_each(|_| send(link, body)),
                5 => {
                    let mut bent = payload.to_vec();
                    let at = self.chance.index(bent.len());
                    bent[at] ^= 1 << self.chance.between(0, 7);
                    send(link, Body::Deliver { sequence, payload: &bent });
                }
                6 => {
                    send(link, body);
                    send(view.links[self.chance.index(view.links.len())], body);
                }
                7 | 8 => {
                    let old = &self.kept[self.chance.index(self.kept.len())];
                    send(link, Body::Deliver { sequence, payload: old });
                    send(link, body);
                }
                _ => {
                    if let Some(entry) = self.make_up_entry(view) {
                        send(link, Body::Deliver { sequence, payload: &entry });
                    }
                    send(link, body);
                }
            },
            Body::Found { card, .. } if self.chance.happens(70) => {
                let user = Card::parse(card).unwrap().user().to_string();
                let now_ms = view.now_ms;
                let (identity, prekeys) = self.impostor(&user, now_ms);
                send(link, Body::Found { card: identity.card().as_bytes(), bundle: prekeys });
            }
            Body::Found { card, .. } => send(link, Body::Found { card, bundle: &[] }),
            Body::Welcome(welcome) => {
                let mut told = welcome;
                match self.chance.between(0, 3) {
                    0 => told.commit += self.chance.between(1, 1_000),
                    1 if self.hides_restorations => told.commit = 0,
                    1 | 2 => told.one_time_prekeys = 1_000,
                    _ => told.last /= 2,
                }
                send(link, Body::Welcome(Welcome { ..told }));
            }
            Body::Log { entries } => match self.chance.between(0, 2) {
                0 => send(link, Body::Log { entries: &[] }),
                1 => send(link, refusal(Error::NotAMember)),
                _ => {
                    let forged = self.make_up_entry(view).unwrap_or_default();
                    send(link, Body::Log { entries: &[entries, &forged].concat() });
                }
            },
            Body::Presence { is_online, user } => send(link, Body::Presence { is_online: !is_online, user }),
            Body::Ok | Body::SentMany { .. } | Body::Groups { .. } => match self.chance.between(0, 4) {
                0 => {}
                4 => {
                    let retry_after_ms = u32::try_from(self.chance.time(1, HOUR_MS)).unwrap();
                    let status = Error::RateLimited.code();
                    send(link, Body::Error { status, retry_after_ms, epoch: 0, text: "" });
                }
                1 => send(link, refusal(Error::Internal)),
                2 => send(link, refusal(Error::LimitReached)),
                _ => sent.push((link, frame[..frame.len() - 1].to_vec())),
            },
            // The end of the queue, challenges, errors.
            _ => {
                if self.chance.happens(50) {
                    self.held.push((link, frame.to_vec()));
                }
            }
        }
    }

    /// Looks at a frame on its way to the relay.
    pub(crate) fn up(&mut self, frame: &[u8]) -> Upward {
        if !self.chance.happens(self.percent) {
            return Upward::Passes(1);
        }
        let Ok(Frame { request, body }) = Frame::parse(frame) else { return Upward::Passes(1) };
        let answer = |body: Body<'_>| Upward::Answered(Frame { request, body }.to_bytes().unwrap());
        match (body, self.chance.between(0, 3)) {
            (_, 0) => Upward::Passes(0),
            (Body::Send { .. } | Body::Prekeys { .. } | Body::Watch { .. } | Body::Commit { .. }, 1 | 2) => {
                answer(Body::Ok)
            }
            (Body::SendMany { envelopes, .. }, 1 | 2) => {
                let statuses = Statuses::encode(envelopes.iter().map(|_| 0)).unwrap();
                answer(Body::SentMany { statuses: Statuses::parse(&statuses).unwrap() })
            }
            (Body::Lookup { .. }, 1) => answer(refusal(Error::UnknownUser)),
            (Body::FetchLog { .. }, 1) => answer(Body::Log { entries: &[] }),
            (Body::Hello(_) | Body::Proof { .. }, _) => Upward::Passes(1),
            _ => Upward::Passes(2),
        }
    }

    /// Somebody of that name whom it has made up.
    fn impostor(&mut self, user: &str, now_ms: u64) -> &(Identity, Vec<u8>) {
        self.impostors.entry(user.to_string()).or_insert_with(|| {
            let mut rng = ScriptedRandom::new(&format!("impostor {user}"));
            let mut identity =
                Identity::generate(&mut rng, user, IdentityOptions::default(), now_ms).unwrap();
            let prekeys = identity.prekeys(&mut rng, 0, now_ms).unwrap();
            (identity, prekeys)
        })
    }

    /// An entry that adds somebody of its own to a group, in the name of a member who may do so.
    fn make_up_entry(&mut self, view: &View<'_>) -> Option<Vec<u8>> {
        let circles = &view.chronicle.circles;
        let circle = circles.get(self.chance.index(circles.len().max(1)))?;
        let (head, group_id) = (circle.head?, circle.id);
        let state = view.chronicle.state(&head);
        let (actor, _) = state.members.iter().find(|(_, membership)| membership.role > Role::Member)?;
        let fingerprint = *self.fingerprints.get(actor)?;
        let epoch = state.epoch + 1;
        let (signer, _) = self.impostor("m0", view.now_ms);
        let action = Action::Add(vec![named(signer, Role::Member)]);
        Some(Forgery { group_id, epoch, previous: head, actor, fingerprint, action, signer }.bytes())
    }
}

fn refusal(status: Error) -> Body<'static> {
    Body::Error { status: status.code(), retry_after_ms: 0, epoch: 0, text: "" }
}
