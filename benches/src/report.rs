//! The table, and its place in the document.

use crate::pairs::{Ratio, Samples};

/// What a row must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    /// The peer takes at least so many times as long.
    Faster(f64),
    /// At most so many nanoseconds, and those of a primitive beside it.
    Within(f64, Option<(&'static str, f64)>),
    /// At most so many times the floor.
    OfFloor(f64),
    /// At least that share of a measured speed, or so many times a speed.
    Share(f64),
    /// It is to be as good as it can; the text says what that is.
    Reported(&'static str),
}

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is done.
    pub name: &'static str,
    /// Nanoseconds that it takes here.
    pub ours: f64,
    /// Nanoseconds that the peer takes, and how much longer that is.
    pub peer: Option<(f64, Ratio)>,
    /// The same of another peer.
    pub libolm: Option<Ratio>,
    /// Nanoseconds of the primitives, and how much longer we take.
    pub floor: Option<(f64, Ratio)>,
    /// What must come out.
    pub wanted: Wanted,
}

impl Row {
    /// With the rounds of the library.
    #[must_use]
    pub fn new(name: &'static str, ours: &Samples, wanted: Wanted) -> Self {
        Self { name, ours: ours.median(), peer: None, libolm: None, floor: None, wanted }
    }

    /// With the rounds of the peer.
    #[must_use]
    pub fn peer(mut self, ours: &Samples, peer: &Samples) -> Self {
        self.peer = Some((peer.median(), peer.over(ours)));
        self
    }

    /// With the rounds of libolm, if it is there.
    #[must_use]
    pub fn libolm(mut self, ours: &Samples, libolm: &[Samples]) -> Self {
        self.libolm = libolm.first().map(|libolm| libolm.over(ours));
        self
    }

    /// With the rounds of the floor.
    #[must_use]
    pub fn floor(mut self, ours: &Samples, floor: &Samples) -> Self {
        self.floor = Some((floor.median(), ours.over(floor)));
        self
    }

    /// What came out, in the unit of what is wanted; none if nothing is.
    fn shown(&self) -> Option<f64> {
        match self.wanted {
            Wanted::Faster(_) => self.peer.map(|(_, ratio)| ratio.median),
            Wanted::Within(..) => Some(self.ours),
            Wanted::OfFloor(_) => self.floor.map(|(_, ratio)| ratio.median),
            Wanted::Share(_) => self.floor.map(|(_, ratio)| 1.0 / ratio.median),
            Wanted::Reported(_) => None,
        }
    }

    /// Whether it shows what it must; a row that only reports always does.
    #[must_use]
    pub fn holds(&self) -> bool {
        let Some(shown) = self.shown() else { return matches!(self.wanted, Wanted::Reported(_)) };
        match self.wanted {
            Wanted::Faster(least) | Wanted::Share(least) => shown >= least,
            Wanted::Within(most, beside) => shown <= most + beside.map_or(0.0, |(_, time)| time),
            Wanted::OfFloor(most) => shown <= most,
            Wanted::Reported(_) => true,
        }
    }

    fn wanted(&self) -> String {
        match self.wanted {
            Wanted::Faster(least) => format!("{least} x vodozemac"),
            Wanted::Within(most, None) => format!("at most {}", time(most)),
            Wanted::Within(most, Some((name, beside))) => {
                format!("at most {} + {name} ({})", time(most), time(beside))
            }
            Wanted::OfFloor(most) => format!("at most {most} x floor"),
            Wanted::Share(least) => format!("{least} of raw"),
            Wanted::Reported(text) => text.into(),
        }
    }

    fn verdict(&self) -> String {
        let verdict = if self.holds() { "holds" } else { "missed" };
        match (self.wanted, self.shown()) {
            (Wanted::Reported(_), _) => String::from("reported"),
            (Wanted::Within(..), Some(shown)) => format!("{verdict}: {}", time(shown)),
            (_, Some(shown)) => format!("{verdict}: {shown:.2}"),
            (_, None) => String::from("not measured"),
        }
    }

    fn render(&self) -> String {
        let ratio = |ratio: Ratio| format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.low, ratio.high);
        let none = String::new;
        let cells = [
            self.name.into(),
            time(self.ours),
            self.peer.map_or_else(none, |(peer, _)| time(peer)),
            self.peer.map_or_else(none, |(_, times)| ratio(times)),
            self.libolm.map_or_else(none, |times| format!("{:.2}", times.median)),
            self.floor.map_or_else(none, |(floor, _)| time(floor)),
            self.floor.map_or_else(none, |(_, times)| format!("{:.2}", times.median)),
            self.wanted(),
            self.verdict(),
        ];
        format!("| {} |\n", cells.join(" | "))
    }
}

/// All rows, as Markdown.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| row | Sealwax | vodozemac | ratio (quartiles) | libolm, ratio | floor | of floor | wanted | shown |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    rows.iter().for_each(|row| text += &row.render());
    text
}

/// A time with a unit that suits it.
#[must_use]
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1_000.0 => format!("{nanoseconds:.1} ns"),
        ..100_000.0 => format!("{:.2} us", nanoseconds / 1e3),
        ..1_000_000.0 => format!("{:.1} us", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}

/// The document with new text between the markers of that name; none if it lacks them.
#[must_use]
pub fn replaced(document: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(wanted: Wanted) -> Row {
        let ratio = |median| Ratio { median, low: median, high: median };
        Row {
            name: "row",
            ours: 1_000.0,
            peer: Some((2_000.0, ratio(2.0))),
            libolm: None,
            floor: Some((800.0, ratio(1.25))),
            wanted,
        }
    }

    #[test]
    fn a_row_holds_up_to_its_limit_and_not_beyond() {
        for (holds, misses) in [
            (Wanted::Faster(2.0), Wanted::Faster(2.1)),
            (Wanted::OfFloor(1.25), Wanted::OfFloor(1.2)),
            (Wanted::Share(0.8), Wanted::Share(0.81)),
            (Wanted::Within(1_000.0, None), Wanted::Within(999.0, None)),
            (Wanted::Within(500.0, Some(("key", 500.0))), Wanted::Within(500.0, Some(("key", 499.0)))),
        ] {
            assert!(row(holds).holds() && row(holds).render().contains("holds"), "{holds:?}");
            assert!(!row(misses).holds() && row(misses).render().contains("missed"), "{misses:?}");
        }
    }

    #[test]
    fn a_row_that_lacks_what_it_is_held_against_does_not_hold() {
        let alone = Row { peer: None, ..row(Wanted::Faster(1.0)) };
        assert!(!alone.holds());
        assert!(alone.render().contains("not measured"));
    }

    #[test]
    fn text_is_replaced_between_its_markers_alone() {
        let document = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n<!-- begin y -->\n<!-- end y -->\n";
        let new = "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n<!-- begin y -->\n<!-- end y -->\n";
        assert_eq!(replaced(document, "x", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(document, "z", "new\n"), None);
    }

    #[test]
    fn times_are_told_in_the_unit_that_suits_them() {
        assert_eq!(time(12.34), "12.3 ns");
        assert_eq!(time(1_234.0), "1.23 us");
        assert_eq!(time(123_456.0), "123.5 us");
        assert_eq!(time(1_234_567.0), "1.23 ms");
    }
}
