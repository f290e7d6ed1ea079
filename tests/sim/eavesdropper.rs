//! Former members who kept all they had, and to whom a relay passes everything that anybody sends.

use sealwax::client::{Client, Event, GroupEvent};
use sealwax::wire::frame::{Body, Frame, Welcome};

use crate::common::disk::Disk;
use crate::host::NAME;
use crate::hostile_member::MALLORY;
use crate::ledger::To;
use crate::world::{World, who_is};

/// Eavesdroppers of one run: each is a client more.
const EARS_MAX: usize = 4;

/// What somebody had when it was about to be a member no longer.
pub(crate) struct Ear {
    who: usize,
    key: [u8; 65],
    disk: Disk,
    /// How many envelopes had been sent by then.
    since: usize,
}

impl World {
    /// Somebody keeps a copy of all it has.
    pub(crate) fn listen_in(&mut self, who: usize) {
        if self.ears.len() < EARS_MAX && self.people[who].client.is_some() {
            self.flush(who);
            let disk = self.people[who].disk_now();
            self.ears.push(Ear { who, key: self.people[who].key, disk, since: self.overheard.len() });
        }
    }

    /// An envelope passes, which an eavesdropper may get to see.
    pub(crate) fn overhear(&mut self, envelope: &[u8]) {
        if !self.ears.is_empty() {
            self.overheard.push(envelope.to_vec());
        }
    }

    /// Gives each copy everything that was sent since, and looks at what it can read.
    pub(crate) fn check_eavesdroppers(&mut self) {
        for ear in std::mem::take(&mut self.ears) {
            let mut client = self.people[ear.who].copy_on(&ear.disk, self.now_ms);
            self.pass_everything_to(&mut client, ear.since);
            while let Some(emitted) = client.next_event().unwrap() {
                let Event::Group { group, event } = &emitted.event else { continue };
                let GroupEvent::Message { from, message_id, content_type, payload, shared_by, .. } = event
                else {
                    continue;
                };
                let circle = self.chronicle.circle_of(group).expect("a group that nobody has founded");
                if **from == *MALLORY {
                    continue;
                }
                let from = who_is(from).expect("nobody has written this");
                let said = (message_id, *content_type, payload.as_slice());
                let number = self.ledger.open(from, To::Circle(circle), said);
                match shared_by {
                    None => self.check_reader(number, ear.who, &ear.key),
                    Some(by) => self.check_sharing(number, ear.who, circle, by),
                }
            }
        }
    }

    fn pass_everything_to(&self, client: &mut Client, since: usize) {
        let now_ms = self.now_ms;
        client.connected(Some(NAME), now_ms).unwrap();
        let hello = client.next_frame().unwrap().unwrap();
        let request = Frame::parse(&hello).unwrap().request;
        let last = u64::MAX / 2;
        let welcome = Welcome {
            time_ms: now_ms,
            relay_id: &[9; 16],
            commit: 0,
            acknowledged: 0,
            last,
            signed_prekey_expires_ms: 0,
            one_time_prekeys: 0,
            frame_max: 1 << 23,
        };
        let mut give = |request: u32, body: Body<'_>| {
            client.receive(&Frame { request, body }.to_bytes().unwrap(), now_ms).unwrap();
        };
        give(request, Body::Welcome(welcome));
        for (at, payload) in self.overheard[since..].iter().enumerate() {
            give(0, Body::Deliver { sequence: at as u64 + 1, payload });
        }
        give(0, Body::QueueEnd);
    }
}
