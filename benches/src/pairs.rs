//! How things are compared on a machine that does other things too.
//!
//! The sides of a comparison take turns, a fraction of a millisecond each, so that whatever slows the machine down
//! slows all of them down. Of each round the ratio is taken, and of the ratios the median: a disturbed round is one
//! among many, on whichever side it fell.

use std::time::Duration;

/// A turn of a side lasts at least this long, or as long as its largest count allows.
const TURN: Duration = Duration::from_micros(300);

/// How long the work took this thread, not counting what the processor did for others meanwhile.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = processor_time();
    work();
    processor_time().saturating_sub(start)
}

fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the output lives.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "the system does not tell a thread's time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// One way of doing the work.
pub struct Side<'a> {
    /// What it is.
    pub name: &'static str,
    run: Box<dyn FnMut(usize) -> Duration + 'a>,
    most: usize,
    divisor: f64,
}

/// What the rounds of one side took, in nanoseconds an operation.
#[derive(Debug, Clone)]
pub struct Samples {
    /// The side's.
    pub name: &'static str,
    rounds: Vec<f64>,
}

/// How much longer one side takes than another: median and quartiles of the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Half of the rounds are below.
    pub median: f64,
    /// A quarter of the rounds is below.
    pub low: f64,
    /// A quarter of the rounds is above.
    pub high: f64,
}

impl<'a> Side<'a> {
    /// `run` does that many operations and tells how long they took, without what it had to prepare.
    pub fn new(name: &'static str, run: impl FnMut(usize) -> Duration + 'a) -> Self {
        Self { name, run: Box::new(run), most: 1 << 20, divisor: 1.0 }
    }

    /// Never more operations than that in one turn.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// An operation counts as that many.
    #[must_use]
    pub fn counts_as(mut self, operations: usize) -> Self {
        self.divisor = operations as f64;
        self
    }

    /// How many operations fill a turn.
    fn count(&mut self) -> usize {
        let mut count = 1;
        (self.run)(count);
        while count < self.most && (self.run)(count) < TURN {
            count = (count * 2).min(self.most);
        }
        count
    }
}

/// Lets the sides take turns. In every other round they go in the opposite order.
pub fn interleave(rounds: usize, mut sides: Vec<Side<'_>>) -> Vec<Samples> {
    let counts: Vec<usize> = sides.iter_mut().map(Side::count).collect();
    let mut samples: Vec<Samples> =
        sides.iter().map(|side| Samples { name: side.name, rounds: Vec::with_capacity(rounds) }).collect();
    for round in 0..rounds {
        for turn in 0..sides.len() {
            let at = if round % 2 == 0 { turn } else { sides.len() - 1 - turn };
            let side = &mut sides[at];
            let took = (side.run)(counts[at]).as_nanos() as f64;
            samples[at].rounds.push(took / (counts[at] as f64 * side.divisor));
        }
    }
    samples
}

impl Samples {
    /// Nanoseconds an operation.
    #[must_use]
    pub fn median(&self) -> f64 {
        quantile(&self.rounds, 0.5)
    }

    /// How much longer this side takes than the other.
    #[must_use]
    pub fn over(&self, other: &Self) -> Ratio {
        Ratio::of(self.rounds.iter().zip(&other.rounds).map(|(own, other)| own / other).collect())
    }

    /// Round by round, what is left without the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.with(other, |own, other| own - other)
    }

    /// Round by round, both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, |own, other| own + other)
    }

    fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        let rounds = self.rounds.iter().zip(&other.rounds).map(|(own, other)| combine(*own, *other));
        Self { name: self.name, rounds: rounds.collect() }
    }
}

impl Ratio {
    fn of(ratios: Vec<f64>) -> Self {
        Self { median: quantile(&ratios, 0.5), low: quantile(&ratios, 0.25), high: quantile(&ratios, 0.75) }
    }
}

/// The value below which that share of the values lies, between two of them in proportion.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(rounds: &[f64]) -> Samples {
        Samples { name: "side", rounds: rounds.to_vec() }
    }

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_both() {
        assert_eq!(quantile(&[9.0, 1.0, 5.0], 0.5), 5.0);
        assert_eq!(quantile(&[1.0, 9.0, 5.0, 6.0], 0.5), 5.5);
        assert_eq!(quantile(&[4.0], 0.25), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn quartiles_enclose_the_middle_half() {
        let ratio = samples(&[1.0, 2.0, 3.0, 4.0, 5.0]).over(&samples(&[1.0; 5]));
        assert_eq!(ratio, Ratio { median: 3.0, low: 2.0, high: 4.0 });
    }

    #[test]
    fn the_ratio_is_of_rounds_and_not_of_medians() {
        // The machine was ten times slower in one round, for both.
        let peer = samples(&[20.0, 220.0, 22.0]);
        let ours = samples(&[10.0, 100.0, 10.0]);
        assert_eq!(peer.over(&ours).median, 2.2);
    }

    #[test]
    fn a_disturbed_round_does_not_move_the_ratio() {
        let peer = samples(&[20.0, 20.0, 20.0, 20.0, 9_000.0]);
        let ours = samples(&[10.0, 8_000.0, 10.0, 10.0, 10.0]);
        assert_eq!(peer.over(&ours).median, 2.0);
    }

    #[test]
    fn a_part_is_taken_off_round_by_round() {
        let whole = samples(&[20.0, 40.0, 20.0]);
        let part = samples(&[15.0, 30.0, 15.0]);
        assert_eq!(whole.minus(&part).over(&samples(&[2.0, 4.0, 2.0])).median, 2.5);
        assert_eq!(part.plus(&whole).median(), 35.0);
    }

    #[test]
    fn sides_take_turns_and_each_does_its_count() {
        let turns = std::cell::RefCell::new(Vec::new());
        let side = |name: &'static str, ns: u64| {
            let turns = &turns;
            Side::new(name, move |count| {
                turns.borrow_mut().push((name, count));
                Duration::from_nanos(ns * count as u64)
            })
        };
        // Never slow enough to fill a turn; fills one with four operations.
        let sides = vec![side("fast", 1).at_most(8), side("slow", 100_000).counts_as(10)];
        let samples = interleave(4, sides);
        let rounds = turns.borrow().len() - 8;
        assert_eq!(
            turns.borrow()[rounds..],
            [
                ("fast", 8),
                ("slow", 4),
                ("slow", 4),
                ("fast", 8),
                ("fast", 8),
                ("slow", 4),
                ("slow", 4),
                ("fast", 8)
            ]
        );
        assert_eq!(samples[0].median(), 1.0);
        assert_eq!(samples[1].median(), 10_000.0);
        assert_eq!(samples[1].over(&samples[0]).median, 10_000.0);
    }
}
