//! The ABI as text, one line for each constant, type, function, layout and option, against the committed one.
//!
//! It is read from the header and not from the debug information of a build, so that it is the same with every
//! compiler. What a line says is what a compiled program relies on.

use std::collections::BTreeSet;
use std::fs;

use crate::{header, layout, options};

const BASELINE: &str = "tests/abi/sealwax.abi";

pub(crate) fn dump() -> Vec<String> {
    let constants = header::RENDERED
        .lines()
        .filter_map(|line| line.strip_prefix("#define SEALWAX_"))
        .filter(|line| line.contains(' ') && !line.starts_with("API ") && !line.starts_with("NODISCARD "))
        // They grow with every addition.
        .filter(|line| !line.starts_with("ABI_"))
        .map(|line| format!("constant SEALWAX_{line}"));
    let rest = header::declarations().into_iter().map(|declaration| {
        let function = declaration.contains("SEALWAX_API");
        let declaration = declaration.replace("SEALWAX_NODISCARD ", "").replace("SEALWAX_API ", "");
        format!("{} {declaration}", if function { "function" } else { "type" })
    });
    let layouts = layout::layouts().into_iter().map(|layout| {
        let fields: Vec<String> = layout.fields.iter().map(|(field, at)| format!("{field} {at}")).collect();
        format!("layout {} {}: {}", layout.name, layout.size, fields.join(", "))
    });
    let options = options::known().into_iter().map(|(function, key)| format!("option {function} {key}"));
    constants.chain(rest).chain(layouts).chain(options).collect()
}

#[test]
fn nothing_of_the_committed_abi_is_lost_and_nothing_is_missing_from_it() {
    let current = dump();
    if header::replacing() {
        fs::write(header::path(BASELINE), current.join("\n") + "\n").unwrap();
    }
    let committed = fs::read_to_string(header::path(BASELINE)).unwrap_or_default();
    let committed: BTreeSet<&str> = committed.lines().collect();
    let current: BTreeSet<&str> = current.iter().map(String::as_str).collect();
    let lost: Vec<_> = committed.difference(&current).collect();
    let new: Vec<_> = current.difference(&committed).collect();
    assert!(lost.is_empty(), "programs that use these break: {lost:#?}\nnew: {new:#?}");
    assert!(new.is_empty(), "not in {BASELINE} yet, run `make header`: {new:#?}");
}

#[test]
fn everything_that_programs_rely_on_is_in_the_dump() {
    let dump = dump();
    for line in [
        "constant SEALWAX_REPLAY 401",
        "type typedef int32_t sealwax_status",
        "function uint32_t sealwax_abi_version(void)",
        "layout sealwax_slice 16: ptr 0, len 8",
        "option sealwax_roster_create open",
        "function sealwax_status sealwax_handle_revision(const void *handle, uint64_t *out_revision)",
    ] {
        assert!(dump.iter().any(|dumped| dumped == line), "{line} is not in {dump:#?}");
    }
}
