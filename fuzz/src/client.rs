//! Clients and a relay that lies: it loses, repeats, changes and makes up frames.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use sealwax::client::{Client, ClientOptions, Event, GroupEvent, GroupId};
use sealwax::error::Error;
use sealwax::wire::content::ContentType;
use sealwax::wire::frame::{Body, Frame};
use sealwax::wire::roster::Role;

use crate::bed::Bed;
use crate::relay::shaped;

const NAMES: [&str; 2] = ["alice", "bob"];
const STEPS_MAX: usize = 96;
/// Frames of the relay that can come again.
const PAST_MAX: usize = 64;
/// What a client may have waiting for such a story, whatever the relay says.
const WAITING_MAX: u64 = 1_024;

#[derive(Debug, Arbitrary)]
enum Step {
    Send {
        from: bool,
    },
    /// A group of both is founded.
    Found {
        who: bool,
    },
    /// To a group.
    Say {
        from: bool,
        at: u8,
    },
    /// Something about the other's membership, or one's own.
    Change {
        who: bool,
        at: u8,
        which: u8,
    },
    /// All frames go to the relay.
    Up {
        who: bool,
    },
    /// The next frame of the relay arrives.
    Down {
        who: bool,
    },
    /// All of them do.
    AllDown {
        who: bool,
    },
    Lose {
        who: bool,
    },
    /// The next two arrive in the wrong order.
    Swap {
        who: bool,
    },
    Tamper {
        who: bool,
        bit: u16,
    },
    /// A frame that somebody was given comes again.
    Again {
        who: bool,
        at: u8,
    },
    /// What was in it comes as the next delivery.
    Deliver {
        who: bool,
        at: u8,
        sequence: u8,
    },
    /// The next answer is to another request.
    Answer {
        who: bool,
        at: u8,
        request: u8,
    },
    Shaped {
        who: bool,
        kind: u8,
        request: u8,
        fields: Vec<u8>,
    },
    Noise {
        who: bool,
        bytes: Vec<u8>,
    },
    Pass {
        seconds: u16,
    },
    Reconnect {
        who: bool,
    },
    Crash {
        who: bool,
    },
}

struct World {
    bed: Bed,
    /// Frames that the relay sent, with those that it made up.
    past: Vec<Vec<u8>>,
    sent: [usize; 2],
    /// To groups.
    said: [usize; 2],
}

fn name(who: bool) -> &'static str {
    NAMES[usize::from(who)]
}

/// One of the groups that a client knows.
fn group(client: &mut Client, at: u8) -> Option<GroupId> {
    let groups = client.groups().unwrap();
    groups.get(usize::from(at).checked_rem(groups.len())?).copied()
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Send { from } => {
                let (text, now_ms) = (self.sent[usize::from(from)].to_string(), self.bed.now_ms);
                let (client, to) = (self.bed.client(name(from)), name(!from));
                match client.send_direct(to, ContentType::Text, text.as_bytes(), false, now_ms) {
                    Ok(_) => self.sent[usize::from(from)] += 1,
                    Err(error) => assert_ne!(error, Error::Internal),
                }
            }
            Step::Found { who } => {
                let now_ms = self.bed.now_ms;
                let _full = self.bed.client(name(who)).create_group("team", false, &[name(!who)], now_ms);
            }
            Step::Say { from, at } => {
                let (text, now_ms) = (self.said[usize::from(from)].to_string(), self.bed.now_ms);
                let client = self.bed.client(name(from));
                let Some(group) = group(client, at) else { return };
                match client.send_group(&group, ContentType::Text, text.as_bytes(), false, now_ms) {
                    Ok(_) => self.said[usize::from(from)] += 1,
                    Err(error) => assert_ne!(error, Error::Internal),
                }
            }
            Step::Change { who, at, which } => {
                let now_ms = self.bed.now_ms;
                let client = self.bed.client(name(who));
                let Some(group) = group(client, at) else { return };
                let other = name(!who);
                let asked = match which % 6 {
                    0 => client.remove_member(&group, other, now_ms),
                    1 => client.add_members(&group, &[other], Role::Admin, now_ms),
                    2 => client.set_role(&group, other, Role::Owner, now_ms),
                    3 => client.leave_group(&group, now_ms),
                    4 => client.delete_group(&group, now_ms),
                    _ => client.join_group(&group, now_ms),
                };
                assert_ne!(asked, Err(Error::Internal));
            }
            Step::Up { who } => drop(self.bed.up(name(who)).unwrap()),
            Step::Down { who } => {
                if let Some(frame) = self.next(who) {
                    self.arrive(who, &frame);
                }
            }
            Step::AllDown { who } => {
                while let Some(frame) = self.next(who) {
                    self.arrive(who, &frame);
                }
            }
            Step::Lose { who } => drop(self.next(who)),
            Step::Swap { who } => {
                if let (Some(one), Some(other)) = (self.next(who), self.next(who)) {
                    self.arrive(who, &other);
                    self.arrive(who, &one);
                }
            }
            Step::Tamper { who, bit } => {
                if let Some(mut frame) = self.next(who) {
                    let bit = usize::from(bit) % (8 * frame.len());
                    frame[bit / 8] ^= 1 << (bit % 8);
                    self.arrive(who, &frame);
                }
            }
            Step::Again { who, at } => {
                if let Some(frame) = self.past(at) {
                    self.arrive(who, &frame);
                }
            }
            Step::Deliver { who, at, sequence } => {
                let Some(frame) = self.past(at) else { return };
                if let Ok(Frame { body: Body::Deliver { payload, .. }, .. }) = Frame::parse(&frame) {
                    let body = Body::Deliver { sequence: 1 + u64::from(sequence), payload };
                    self.arrive(who, &Frame { request: 0, body }.to_bytes().unwrap());
                }
            }
            Step::Answer { who, at, request } => {
                let Some(frame) = self.past(at) else { return };
                if let Ok(Frame { request: 1.., body }) = Frame::parse(&frame) {
                    let frame = Frame { request: 1 + u32::from(request), body };
                    self.arrive(who, &frame.to_bytes().unwrap());
                }
            }
            Step::Shaped { who, kind, request, fields } => self.arrive(who, &shaped(kind, request, &fields)),
            Step::Noise { who, bytes } => self.arrive(who, &bytes),
            Step::Pass { seconds } => {
                self.bed.now_ms += u64::from(seconds) * 1_000;
                let now_ms = self.bed.now_ms;
                self.bed.host.tick(now_ms);
                NAMES.iter().for_each(|name| self.bed.client(name).tick(now_ms).unwrap());
            }
            Step::Reconnect { who } => {
                self.bed.disconnect(name(who));
                self.bed.connect(name(who));
            }
            Step::Crash { who } => {
                self.bed.crash(name(who));
                self.bed.connect(name(who));
            }
        }
        for name in NAMES {
            self.bed.person(name).listen().unwrap();
            if self.bed.client(name).wants_disconnect() || self.bed.host.has_ended(name) {
                self.bed.disconnect(name);
                self.bed.connect(name);
            }
        }
    }

    fn next(&mut self, who: bool) -> Option<Vec<u8>> {
        let frame = self.bed.host.next_frame(name(who))?;
        self.past.push(frame.clone());
        if self.past.len() > PAST_MAX {
            self.past.remove(0);
        }
        Some(frame)
    }

    fn past(&self, at: u8) -> Option<Vec<u8>> {
        Some(self.past[usize::from(at).checked_rem(self.past.len())?].clone())
    }

    fn arrive(&mut self, who: bool, frame: &[u8]) {
        let now_ms = self.bed.now_ms;
        if let Err(error) = self.bed.client(name(who)).receive(frame, now_ms) {
            assert!(!matches!(error, Error::Internal | Error::StoreDamaged), "{error:?}");
        }
    }

    /// What anybody was shown was sent by whom it names, and is shown once.
    fn check(&mut self) {
        for (who, other) in [(0, 1), (1, 0)] {
            let mut shown = BTreeSet::new();
            for event in &self.bed.person(NAMES[who]).events {
                let (from, payload, sent, is_said) = match event {
                    Event::Message { from, payload, .. } => (from, payload, self.sent[other], false),
                    Event::Group { event: GroupEvent::Message { from, payload, .. }, .. } => {
                        (from, payload, self.said[other], true)
                    }
                    _ => continue,
                };
                assert_eq!(&**from, NAMES[other]);
                let number: usize = str::from_utf8(payload).unwrap().parse().unwrap();
                assert!(number < sent, "nobody sent {number}");
                assert!(shown.insert((is_said, number)), "{number} was shown twice");
            }
            assert!(self.bed.person(NAMES[who]).count("outbox") <= WAITING_MAX);
        }
    }
}

/// Two clients, and a relay that does what it likes.
pub fn client(data: &[u8]) {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let bed = Bed::with(&NAMES, &ClientOptions::default());
    let mut world = World { bed, past: Vec::new(), sent: [0; 2], said: [0; 2] };
    steps.into_iter().take(STEPS_MAX).for_each(|step| world.step(step));
    world.check();
}
