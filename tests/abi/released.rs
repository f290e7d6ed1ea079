//! The ABI that was promised. The dump follows the header wherever it goes; this only grows.
//!
//! `tests/abi/released/<major>.abi` holds what programs may rely on that were compiled for this major number. Nothing that
//! renders the header writes it. What is added is taken in by `make abi-release`; what is removed or changed needs another
//! major number, and with it a file of its own. Until there is a release the file is a draft, which `make abi-accept` takes
//! anew as a whole: a change of it is a decision, and shows in review.

use std::collections::BTreeSet;
use std::{env, fs};

use sealwax::ffi::version::{SEALWAX_ABI_MAJOR, SEALWAX_ABI_MINOR};

use crate::{dump, header};

/// What programs may rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Promise {
    is_released: bool,
    minor: u32,
    lines: BTreeSet<String>,
}

impl Promise {
    /// The first line says "draft" or "released", and the minor number at that time.
    fn parse(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once('\n')?;
        let (state, minor) = first.split_once(' ')?;
        let is_released = match state {
            "draft" => false,
            "released" => true,
            _ => return None,
        };
        let lines = rest.lines().map(str::to_owned).collect();
        Some(Self { is_released, minor: minor.parse().ok()?, lines })
    }

    fn render(&self) -> String {
        let state = if self.is_released { "released" } else { "draft" };
        let lines: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        format!("{state} {}\n{lines}", self.minor)
    }

    /// What a library with this ABI breaks of it.
    fn broken_by(&self, current: &Self) -> Vec<String> {
        let mut broken: Vec<String> =
            self.lines.difference(&current.lines).map(|line| format!("removed or changed: {line}")).collect();
        let has_grown = current.lines.difference(&self.lines).next().is_some();
        if self.is_released && has_grown && current.minor <= self.minor {
            broken.push(format!("there is more than in minor {}: raise SEALWAX_ABI_MINOR", self.minor));
        }
        broken
    }

    /// The promise from now on; what would break it, if it is one that holds.
    fn renewed(&self, current: &Self) -> Result<Self, Vec<String>> {
        let broken = self.broken_by(current);
        if self.is_released && !broken.is_empty() {
            return Err(broken);
        }
        Ok(Self { is_released: self.is_released || current.is_released, ..current.clone() })
    }
}

fn current(is_released: bool) -> Promise {
    Promise { is_released, minor: SEALWAX_ABI_MINOR, lines: dump::dump().into_iter().collect() }
}

#[test]
fn nothing_that_was_promised_is_removed_or_changed() {
    let path = header::path(&format!("tests/abi/released/{SEALWAX_ABI_MAJOR}.abi"));
    let committed = fs::read_to_string(&path).ok().map(|text| Promise::parse(&text).expect("a promise"));
    let asked = env::var("SEALWAX_ABI_PROMISE").ok();
    if let Some(asked) = asked {
        let current = current(asked == "release");
        let renewed = committed.as_ref().map_or(Ok(current.clone()), |promise| promise.renewed(&current));
        let renewed = renewed.unwrap_or_else(|broken| panic!("raise SEALWAX_ABI_MAJOR: {broken:#?}"));
        fs::write(&path, renewed.render()).unwrap();
        return;
    }
    let promise = committed.unwrap_or_else(|| {
        panic!(
            "nothing is promised for major {SEALWAX_ABI_MAJOR}: docs/C_API.md, section 12, says what to do"
        )
    });
    let broken = promise.broken_by(&current(false));
    assert!(
        broken.is_empty(),
        "programs that use these break. If that is meant, docs/C_API.md, section 12, says what to do: {broken:#?}"
    );
}

// The comparison itself.

const ABI: &str = "constant SEALWAX_REPLAY 401\n\
                   function sealwax_status sealwax_thing_do(sealwax_thing *thing, uint64_t now_ms)\n\
                   function sealwax_status sealwax_thing_free(sealwax_thing *thing)\n\
                   layout sealwax_pair 16: first 0, second 8\n\
                   option sealwax_thing_new open\n\
                   type typedef struct { uint32_t first; uint64_t second; } sealwax_pair\n";

fn promise(state: &str) -> Promise {
    Promise::parse(&format!("{state} 2\n{ABI}")).unwrap()
}

/// The ABI with something in it replaced.
fn with(old: &str, new: &str) -> Promise {
    assert!(ABI.contains(old));
    Promise::parse(&format!("draft 3\n{}", ABI.replace(old, new))).unwrap()
}

#[test]
fn what_is_as_it_was_breaks_nothing() {
    for state in ["draft", "released"] {
        let promise = promise(state);
        assert_eq!(promise.broken_by(&promise), Vec::<String>::new());
        assert_eq!(Promise::parse(&promise.render()), Some(promise));
    }
}

#[test]
fn a_removed_function_is_noticed() {
    let line = "function sealwax_status sealwax_thing_free(sealwax_thing *thing)";
    let broken = promise("draft").broken_by(&with(&format!("{line}\n"), ""));
    assert_eq!(broken, [format!("removed or changed: {line}")]);
}

#[test]
fn a_changed_parameter_status_field_layout_or_option_is_noticed() {
    let changes = [
        ("uint64_t now_ms", "uint32_t now_ms"),
        ("sealwax_thing_do(sealwax_thing *thing, ", "sealwax_thing_do("),
        ("SEALWAX_REPLAY 401", "SEALWAX_REPLAY 402"),
        ("uint32_t first;", "int32_t first;"),
        ("uint32_t first; uint64_t second;", "uint64_t second; uint32_t first;"),
        ("uint64_t second; }", "uint64_t second; uint64_t third; }"),
        ("second 8", "second 4"),
        ("sealwax_thing_new open", "sealwax_thing_new is_open"),
    ];
    for (old, new) in changes {
        for state in ["draft", "released"] {
            assert_eq!(promise(state).broken_by(&with(old, new)).len(), 1, "{old}: {new}");
        }
    }
}

#[test]
fn what_is_added_breaks_nothing_and_takes_a_minor_number_once_there_is_a_release() {
    let added = "constant SEALWAX_REPLAY 401\nconstant SEALWAX_NEW 402";
    let grown = with("constant SEALWAX_REPLAY 401", added);
    for state in ["draft", "released"] {
        assert_eq!(promise(state).broken_by(&grown), Vec::<String>::new());
        assert_eq!(promise(state).renewed(&grown).unwrap().lines, grown.lines);
    }
    let same_number = Promise { minor: 2, ..grown };
    assert_eq!(promise("draft").broken_by(&same_number), Vec::<String>::new());
    assert_eq!(promise("released").broken_by(&same_number).len(), 1);
}

#[test]
fn a_draft_can_be_taken_anew_and_a_release_cannot() {
    let changed = with("SEALWAX_REPLAY 401", "SEALWAX_REPLAY 402");
    let draft = promise("draft").renewed(&changed).unwrap();
    assert_eq!((draft.is_released, &draft.lines), (false, &changed.lines));
    assert!(promise("released").renewed(&changed).is_err());
    let released = promise("draft").renewed(&Promise { is_released: true, ..changed.clone() }).unwrap();
    assert!(released.is_released);
    assert!(released.renewed(&changed).unwrap().is_released, "it never becomes a draft again");
}
