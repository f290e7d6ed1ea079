//! What happened, in one number, and on request in lines.

use std::collections::BTreeMap;

/// How often something happened, by what it was.
pub(crate) type Deeds = BTreeMap<&'static str, u64>;

/// The steps of a run.
pub(crate) struct Trace {
    hash: u64,
    pub(crate) steps: u64,
    pub(crate) deeds: Deeds,
    prints: bool,
}

impl Trace {
    pub(crate) fn new(prints: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, steps: 0, deeds: Deeds::new(), prints }
    }

    /// Notes a step.
    pub(crate) fn note(&mut self, now_ms: u64, line: &str) {
        self.steps += 1;
        // FNV-1a.
        for byte in now_ms.to_be_bytes().iter().chain(line.as_bytes()) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.prints {
            println!(
                "{:>7} {:>12.3} {line}",
                self.steps,
                std::time::Duration::from_millis(now_ms).as_secs_f64()
            );
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}
