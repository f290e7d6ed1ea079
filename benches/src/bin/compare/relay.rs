//! What a relay does, and what two threads do beside each other.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use sealwax_benches::abi::Relay;
use sealwax_benches::floor::Floor;
use sealwax_benches::pairs::{Side, interleave, timed};
use sealwax_benches::report::{Row, Wanted};
use sealwax_benches::scene::{Hall, Line, PLAINTEXT, Pair, ROOM, sealed};

use super::{Bench, FEW, each, repeat};

/// Messages that are prepared for one turn.
const PREPARED: usize = 512;
/// Members of the group besides the sender.
const OTHERS: usize = 999;
/// Messages to the group that are prepared for one turn.
const GROUP_PREPARED: usize = 8;

impl Bench {
    pub(super) fn relay(rows: &mut Vec<Row>) {
        rows.push(Self::route());
        rows.push(Self::fan_out());
    }

    /// A message of one to another who is online: deliveries and records looked at, and freed. The floor is the envelope's id.
    fn route() -> Row {
        let relay = Relay::new();
        let line = Line::new(&relay, "zoe", "yann");
        let length = line.messages(1)[0].len();
        let samples = interleave(
            FEW,
            vec![
                Side::new("ours", |count| {
                    let envelopes = line.messages(count);
                    let took = timed(|| {
                        each(&envelopes, |envelope| relay.route("zoe", envelope).counts());
                    });
                    line.empty_queue(&relay);
                    took
                })
                .at_most(PREPARED),
                repeat("floor", || Floor::digest(length + 20)),
            ],
        );
        let [ours, floor] = &samples[..] else { unreachable!("two sides") };
        Row::new("route a direct envelope", ours, Wanted::Within(1_000.0, None)).floor(ours, floor)
    }

    /// A message to a group all of whose members are online, likewise.
    fn fan_out() -> Row {
        let hall = Hall::new(OTHERS);
        let side = Side::new("ours", |count| {
            let message = |_| sealed(|out| hall.sender.encrypt(&PLAINTEXT, out));
            let envelopes: Vec<_> = (0..count).map(message).collect();
            let took = timed(|| {
                for envelope in &envelopes {
                    let (deliveries, _) = hall.relay.route("alice", envelope).counts();
                    assert_eq!(deliveries, OTHERS);
                }
            });
            let last = hall.relay.route("alice", &message(0)).last_sequence();
            hall.empty_queues(last);
            took
        });
        let samples = interleave(FEW, vec![side.at_most(GROUP_PREPARED).counts_as(OTHERS)]);
        Row::new("fan out to 999, a member", &samples[0], Wanted::Within(40.0, None))
    }

    /// How much more two threads do than one, by the clock.
    pub(super) fn threads() -> String {
        let pairs = [Pair::new(), Pair::new()];
        let sessions = scaling(
            || [Vec::new(), Vec::new()],
            |at, _| {
                let out = &mut [0; ROOM];
                each(0..CALLS, |_| pairs[at].ours.encrypt(&PLAINTEXT, out));
            },
        );
        let relay = Relay::new();
        let lines = [Line::new(&relay, "zoe", "yann"), Line::new(&relay, "xenia", "walt")];
        let routing = scaling(
            || {
                lines.each_ref().map(|line| {
                    line.empty_queue(&relay);
                    line.messages(CALLS)
                })
            },
            |at, envelopes| each(envelopes, |envelope| relay.route(&lines[at].sender, envelope).counts()),
        );
        let nothing = scaling(|| [Vec::new(), Vec::new()], |_, _| each(0..CALLS, |_| Floor::digest(1_000)));
        let row = |name: &str, (clock, own): (f64, f64)| format!("| {name} | {clock:.2} | {own:.2} |\n");
        String::from("| two threads | done in the same time | own time an operation |\n|---|---|---|\n")
            + &row("on two sessions, encrypting", sessions)
            + &row("on one relay, routing", routing)
            + &row("hashing, with nothing in common", nothing)
    }
}

/// Calls of one thread in one round.
const CALLS: usize = 2_000;

/// Two threads over one, medians of the rounds: what gets done in the same time by the clock, and the processor time of an
/// operation, which grows when they get into each other's way.
fn scaling(
    mut prepare: impl FnMut() -> [Vec<Vec<u8>>; 2],
    work: impl Fn(usize, &[Vec<u8>]) + Sync,
) -> (f64, f64) {
    let (mut clock, mut own): (Vec<f64>, Vec<f64>) = Default::default();
    for _ in 0..FEW {
        let [input, _] = prepare();
        let start = Instant::now();
        let alone_own = timed(|| work(0, &input));
        let alone = start.elapsed();
        let inputs = prepare();
        let (begin, work) = (Barrier::new(2), &work);
        let spans = thread::scope(|scope| {
            let threads = [0, 1].map(|at| {
                let (begin, input) = (&begin, &inputs[at]);
                scope.spawn(move || {
                    begin.wait();
                    let start = Instant::now();
                    let own = timed(|| work(at, input));
                    (start, Instant::now(), own)
                })
            });
            threads.map(|thread| thread.join().expect("a thread ends well"))
        });
        let [(one, one_end, one_own), (other, other_end, other_own)] = spans;
        let both = one_end.max(other_end) - one.min(other);
        clock.push(2.0 * alone.as_secs_f64() / both.as_secs_f64());
        own.push((one_own + other_own).as_secs_f64() / (2.0 * alone_own.as_secs_f64()));
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    (median(clock), median(own))
}
