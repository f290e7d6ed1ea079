//! What the library is made of, against the list that says why.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;

/// The names under these headings of `Cargo.toml`.
fn direct() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in include_str!("../Cargo.toml").lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ")
            && inside
        {
            names.insert(name.to_owned());
        }
    }
    names
}

/// The names in the first columns of the tables.
fn explained() -> BTreeSet<String> {
    let rows = include_str!("../docs/DEPENDENCIES.md").lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

#[test]
fn every_direct_dependency_is_explained_and_nothing_else_is() {
    let direct = direct();
    assert!(direct.contains("zeroize") && direct.contains("cbindgen") && direct.contains("proptest"));
    assert_eq!(direct, explained());
}
