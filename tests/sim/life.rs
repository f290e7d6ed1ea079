//! The lives of clients: what they are given and give, how they die and come back.

use sealwax::client::Client;
use sealwax::error::Error;
use sealwax::wire::frame::{Body, Frame};

use crate::world::{MINUTE_MS, Step, World};

impl World {
    /// A client does something, and what comes of it goes its ways.
    pub(crate) fn with(&mut self, who: usize, call: impl FnOnce(&mut Client) -> Result<(), Error>) {
        let Some(client) = &mut self.people[who].client else { return };
        match call(client) {
            Ok(()) => self.flush(who),
            Err(error) => {
                assert_eq!(error, Error::StoreIo);
                self.crash(who);
            }
        }
    }

    /// What waits in a client goes its ways.
    pub(crate) fn flush(&mut self, who: usize) {
        match self.drain(who) {
            Ok(()) => {}
            Err(Error::StoreIo) => self.crash(who),
            Err(error) => panic!("p{who}: {error}"),
        }
    }

    fn drain(&mut self, who: usize) -> Result<(), Error> {
        loop {
            let Some(client) = &mut self.people[who].client else { return Ok(()) };
            let Some(frame) = client.next_frame()? else { break };
            self.watch(&frame);
            if let Some(link) = self.people[who].connection {
                self.carry(link, true, Step::Up(link, frame));
            }
        }
        for number in std::mem::take(&mut self.people[who].unsettled) {
            self.ledger.letters[number].is_certain = true;
        }
        self.wishes.settle(who);
        while self.people[who].listens {
            let Some(client) = &mut self.people[who].client else { return Ok(()) };
            let Some(event) = client.next_event()? else { break };
            self.hear(who, event)?;
        }
        let Some(client) = &mut self.people[who].client else { return Ok(()) };
        let due_ms = client.pending()?.due_ms;
        self.pins.settle(who);
        if client.wants_disconnect()
            && let Some(link) = self.people[who].connection
        {
            let is_told =
                !self.plan.is_honest() || self.links[&link].is_broken || !self.links[&link].is_served;
            assert!(is_told, "p{who} ends a connection that nothing is wrong with");
            self.lose(link);
            self.later(10, Step::Gone(link));
            return Ok(());
        }
        let tick_ms = due_ms.map(|due_ms| due_ms.max(self.now_ms + 1));
        if let Some(tick_ms) =
            tick_ms.filter(|tick_ms| self.people[who].tick_ms.is_none_or(|at| *tick_ms < at))
        {
            self.people[who].tick_ms = Some(tick_ms);
            self.at(tick_ms, Step::Tick(who));
        }
        Ok(())
    }

    /// Looks at a frame that leaves a client: at keys, at those for whom it was sealed, and at entries.
    fn watch(&mut self, frame: &[u8]) {
        self.keys.watch(frame);
        match Frame::parse(frame).unwrap().body {
            Body::Send { envelope, .. } => self.watch_envelope(envelope),
            Body::SendMany { envelopes, .. } => {
                envelopes.iter().for_each(|envelope| self.watch_envelope(envelope));
            }
            Body::Commit { entry, .. } => {
                self.chronicle.learn(entry).expect("an entry that follows none");
            }
            _ => {}
        }
    }

    fn watch_envelope(&mut self, envelope: &[u8]) {
        self.sealing.watch(&self.chronicle, &mut self.ledger, envelope);
        self.overhear(envelope);
        self.watch_swapped(envelope);
        self.keep_for_later(envelope);
        if let Some(mallory) = &mut self.mallory {
            mallory.seen.push(envelope.to_vec());
        }
    }

    /// The process of a client is gone, and comes back after a while.
    pub(crate) fn crash(&mut self, who: usize) {
        self.note(format_args!("p{who} is gone"));
        let link = self.people[who].connection;
        self.people[who].die();
        self.evidence.forget(who);
        self.wishes.doubt(who);
        self.pins.doubt(who);
        if let Some(link) = link {
            let after_ms = self.chance.time(1, 2 * MINUTE_MS);
            self.later(after_ms, Step::Gone(link));
        }
        let after_ms = self.chance.time(1, 5 * MINUTE_MS);
        self.later(after_ms, Step::Open(who));
    }

    pub(crate) fn open(&mut self, who: usize) {
        if self.people[who].client.is_some() {
            return;
        }
        self.note(format_args!("p{who} is back"));
        match self.people[who].open(self.now_ms) {
            Ok(()) => {
                self.flush(who);
                self.connect(who);
            }
            Err(Error::StoreIo) => self.crash(who),
            Err(error) => panic!("p{who} does not open: {error}"),
        }
    }
}
