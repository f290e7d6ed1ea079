//! The comparison of counted instructions with what was recorded: what `make instructions-check` fails for.

use std::collections::BTreeMap;

/// How much a path may grow before the check fails.
pub const GROWTH: f64 = 0.10;

/// Instructions of each path, and where they were counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Everything that changes counts without a change of the sources: processor features as callgrind shows them,
    /// its version, the backend.
    pub environment: String,
    /// Instructions an operation, by path.
    pub paths: BTreeMap<String, f64>,
}

/// What the comparison says.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// No path has grown too much. The text tells each path's change.
    Passed(String),
    /// At least one has, or the lists of paths differ.
    Failed(String),
    /// The counts were recorded elsewhere and mean nothing here.
    Incomparable(String),
}

impl Counts {
    /// Reads what [`Counts::render`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let environment = text.lines().find_map(|line| line.strip_prefix("# counted with: "))?;
        let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let path = |line: &str| {
            let (name, count) = line.split_once('\t')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        Some(Self { environment: environment.into(), paths: rows.map(path).collect::<Option<_>>()? })
    }

    /// A table for people and for [`Counts::parse`].
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::from(
            "# Instructions an operation, written by `make instructions`; continuous integration fails when one grows by\n\
             # more than a tenth. What the kernel does is not in them.\n",
        );
        text += &format!("# counted with: {}\n", self.environment);
        for (name, count) in &self.paths {
            text += &format!("{name}\t{count:.0}\n");
        }
        text
    }

    /// Holds these counts against the recorded ones.
    #[must_use]
    pub fn against(&self, recorded: &Self) -> Verdict {
        if self.environment != recorded.environment {
            let (here, there) = (&self.environment, &recorded.environment);
            return Verdict::Incomparable(format!("recorded with: {there}\n         here: {here}\n"));
        }
        let mut failed = false;
        let mut report = String::new();
        for (name, count) in &self.paths {
            let line = match recorded.paths.get(name) {
                None => {
                    failed = true;
                    format!("{name:<20} {count:>10.0}  FAILED: not recorded; make instructions")
                }
                Some(before) => {
                    let growth = count / before - 1.0;
                    let grown = *count > before * (1.0 + GROWTH);
                    failed |= grown;
                    let mark = if grown { "  FAILED: grown too much" } else { "" };
                    format!(
                        "{name:<20} {count:>10.0}  recorded {before:>10.0}  {:>+6.1} %{mark}",
                        growth * 100.0
                    )
                }
            };
            report = report + &line + "\n";
        }
        for name in recorded.paths.keys().filter(|name| !self.paths.contains_key(*name)) {
            failed = true;
            report += &format!("{name:<20} FAILED: recorded, but not counted any more; make instructions\n");
        }
        if failed { Verdict::Failed(report) } else { Verdict::Passed(report) }
    }
}

/// The instructions in a profile of callgrind.
#[must_use]
pub fn instructions(profile: &str) -> Option<u64> {
    let line = profile.lines().find_map(|line| line.strip_prefix("summary:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(paths: &[(&str, f64)]) -> Counts {
        let paths = paths.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Counts { environment: "x86_64 aes, valgrind 3.19".into(), paths }
    }

    fn fails(verdict: &Verdict, naming: &str) -> bool {
        matches!(verdict, Verdict::Failed(report) if report.lines().any(|line| line.contains(naming) && line.contains("FAILED")))
    }

    #[test]
    fn growth_of_more_than_a_tenth_fails() {
        let recorded = counts(&[("encrypt", 1_000.0), ("decrypt", 1_000.0)]);
        let verdict = counts(&[("encrypt", 1_101.0), ("decrypt", 1_000.0)]).against(&recorded);
        assert!(fails(&verdict, "encrypt"));
        assert!(!fails(&verdict, "decrypt"));
    }

    #[test]
    fn growth_of_a_tenth_and_any_gain_pass() {
        let recorded = counts(&[("encrypt", 1_000.0), ("decrypt", 1_000.0)]);
        let verdict = counts(&[("encrypt", 1_100.0), ("decrypt", 10.0)]).against(&recorded);
        assert!(matches!(verdict, Verdict::Passed(_)), "{verdict:?}");
    }

    #[test]
    fn a_path_that_is_new_or_gone_fails() {
        let (one, two) = (counts(&[("encrypt", 1.0)]), counts(&[("encrypt", 1.0), ("decrypt", 1.0)]));
        assert!(fails(&two.against(&one), "decrypt"));
        assert!(fails(&one.against(&two), "decrypt"));
    }

    #[test]
    fn counts_of_another_machine_are_not_compared() {
        let recorded = Counts { environment: "aarch64".into(), ..counts(&[("encrypt", 1.0)]) };
        assert!(matches!(counts(&[("encrypt", 9.0)]).against(&recorded), Verdict::Incomparable(_)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let counts = counts(&[("encrypt", 1_000.0), ("decrypt", 2_000.0)]);
        assert_eq!(Counts::parse(&counts.render()), Some(counts));
        assert_eq!(Counts::parse("encrypt\t1\n"), None);
        assert_eq!(Counts::parse("# counted with: x\nencrypt\tmany\n"), None);
    }

    #[test]
    fn the_sum_of_a_profile_is_found() {
        let profile = "version: 1\nevents: Ir\nsummary: 1659671\n\nfn=(1) x\n1 5\ntotals: 1659671\n";
        assert_eq!(instructions(profile), Some(1_659_671));
        assert_eq!(instructions("events: Ir\n"), None);
    }
}
