//! Connections: what goes into them, what comes out, and how they end.

use sealwax::relay::Outcome;
use sealwax::wire::frame::Method;

use crate::host::{Deed, NAME};
use crate::hostile_relay::{Upward, View};
use crate::world::{MINUTE_MS, Step, World};

/// A connection. Each side sees it end at another time.
pub(crate) struct Link {
    pub(crate) person: usize,
    /// The relay takes frames from it.
    pub(crate) is_served: bool,
    /// Whatever goes into it is lost.
    pub(crate) is_broken: bool,
    delay_ms: u64,
    /// When the last frame arrives, in each direction: order stands.
    up_ms: u64,
    down_ms: u64,
}

impl World {
    /// What goes into a connection now comes out at its other end, behind what went before.
    pub(crate) fn carry(&mut self, link: u64, is_up: bool, step: Step) {
        let (now_ms, jitter) = (self.now_ms, self.chance.between(0, 20));
        let Some(found) = self.links.get_mut(&link).filter(|found| !found.is_broken) else { return };
        let last_ms = if is_up { &mut found.up_ms } else { &mut found.down_ms };
        *last_ms = (*last_ms).max(now_ms + 1 + found.delay_ms + jitter);
        let arrives_ms = *last_ms;
        self.at(arrives_ms, step);
    }

    pub(crate) fn connect(&mut self, who: usize) {
        if self.people[who].client.is_none() || self.people[who].connection.is_some() {
            return;
        }
        self.last_link += 1;
        let link = self.last_link;
        let delay_ms = self.chance.time(1, self.plan.delay_max_ms);
        let made = Link { person: who, is_served: true, is_broken: false, delay_ms, up_ms: 0, down_ms: 0 };
        self.links.insert(link, made);
        self.people[who].connection = Some(link);
        self.note(format_args!("p{who} connects by {link}"));
        let user = Some(self.people[who].name.clone()).filter(|_| self.plan.client.method == Method::Host);
        let outcome = self.host.relay.connect(link, user.as_deref(), self.now_ms).unwrap();
        self.deal(&outcome);
        self.tick_relay();
        let now_ms = self.now_ms;
        self.with(who, |client| client.connected(Some(NAME), now_ms));
    }

    /// A frame reaches the relay.
    pub(crate) fn serve(&mut self, link: u64, frame: &[u8]) {
        if !self.links.get(&link).is_some_and(|link| link.is_served) {
            return;
        }
        let times = match self.cheat.as_mut().map(|cheat| cheat.up(frame)) {
            None => 1,
            Some(Upward::Passes(times)) => times,
            Some(Upward::Answered(answer)) => {
                self.carry(link, false, Step::Down(link, answer));
                return;
            }
        };
        for _ in 0..times {
            let outcome = self.host.relay.receive(link, frame, self.now_ms).unwrap();
            let deeds = self.host.take(&outcome);
            if !deeds.iter().any(|deed| matches!(deed, Deed::Die)) {
                self.keys.arrive(frame);
            }
            self.note_taken(link, frame, &deeds);
            self.carry_out(deeds);
            // The relay may have died of it.
            if !self.links[&link].is_served {
                return;
            }
        }
    }

    /// What a host does with what comes of a call.
    pub(crate) fn deal(&mut self, outcome: &Outcome) {
        let deeds = self.host.take(outcome);
        self.carry_out(deeds);
    }

    fn carry_out(&mut self, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Send(link, frame) => {
                    for (link, frame) in self.bend(link, frame) {
                        self.carry(link, false, Step::Down(link, frame));
                    }
                }
                Deed::Close(link) => {
                    self.carry(link, false, Step::Lost(link));
                    self.later(1, Step::Gone(link));
                }
                Deed::Die => {
                    self.note(format_args!("the relay dies before it sends anything"));
                    self.relay_is_gone();
                }
            }
        }
    }

    /// What a relay sends that lies.
    fn bend(&mut self, link: u64, frame: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        if let Some(split) = &self.split {
            return vec![(link, split.bend(self.links[&link].person, frame))];
        }
        let Some(cheat) = &mut self.cheat else { return vec![(link, frame)] };
        let links = self.links.iter().filter(|(_, link)| link.is_served).map(|(number, _)| *number).collect();
        cheat.down(&View { now_ms: self.now_ms, links, chronicle: &self.chronicle }, link, frame)
    }

    pub(crate) fn tick_relay(&mut self) {
        let tick = self.host.relay.tick(self.now_ms).unwrap();
        self.deal(&tick.outcome);
        if let Some(due_ms) = tick.due_ms.filter(|due_ms| self.relay_tick_ms.is_none_or(|at| *due_ms < at)) {
            self.relay_tick_ms = Some(due_ms);
            self.at(due_ms, Step::RelayTick);
        }
    }

    /// The relay finds out that a connection is gone.
    pub(crate) fn end_serving(&mut self, link: u64) {
        let Some(found) = self.links.get_mut(&link).filter(|found| found.is_served) else { return };
        found.is_served = false;
        let outcome = self.host.relay.disconnect(link, self.now_ms).unwrap();
        self.deal(&outcome);
    }

    /// A client finds out that its connection is gone, and makes another one after a while.
    pub(crate) fn lose(&mut self, link: u64) {
        let who = self.links[&link].person;
        if self.people[who].connection != Some(link) {
            return;
        }
        self.note(format_args!("p{who} loses {link}"));
        self.people[who].connection = None;
        let now_ms = self.now_ms;
        self.with(who, |client| client.disconnected(now_ms));
        let after_ms = self.chance.time(10, MINUTE_MS);
        self.later(after_ms, Step::Connect(who));
    }

    /// A connection breaks: what was on its way is lost, and each side finds out some time.
    pub(crate) fn cut(&mut self, who: usize) {
        let Some(link) = self.people[who].connection else { return };
        self.note(format_args!("{link} of p{who} breaks"));
        self.links.get_mut(&link).unwrap().is_broken = true;
        self.forget_steps(|step| matches!(step, Step::Up(of, _) | Step::Down(of, _) if *of == link));
        let (client_ms, relay_ms) = (self.chance.time(1, MINUTE_MS), self.chance.time(1, 2 * MINUTE_MS));
        self.later(client_ms, Step::Lost(link));
        self.later(relay_ms, Step::Gone(link));
    }

    /// All connections are gone with the relay, and it comes back as its records say.
    pub(crate) fn relay_is_gone(&mut self) {
        let served: Vec<u64> =
            self.links.iter().filter(|(_, link)| link.is_served).map(|(number, _)| *number).collect();
        for link in served {
            self.links.get_mut(&link).unwrap().is_served = false;
            let after_ms = self.chance.time(1, MINUTE_MS);
            self.later(after_ms, Step::Lost(link));
        }
        self.look_at_logs();
    }
}
