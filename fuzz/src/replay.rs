//! What was found, again: every file of every corpus, as a test of the library.

use std::path::PathBuf;
use std::{fs, iter};

use crate::TARGETS;

pub(crate) fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

#[test]
fn what_is_in_the_corpora_breaks_nothing() {
    for (name, target) in TARGETS {
        let mut files: Vec<PathBuf> =
            fs::read_dir(corpus(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            eprintln!("{}", file.display());
            target(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_target_has_its_program_and_nothing_else_has() {
    let folder = |name: &str, suffix: &str| {
        let files = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .map(|name| name.strip_suffix(suffix).unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    // What it calls is C's, which tells its stories itself: tests/c/misuse.
    let names: Vec<&str> = iter::once("abi").chain(TARGETS.iter().map(|(name, _)| *name)).collect();
    assert!(names.is_sorted());
    assert_eq!(folder("fuzz_targets", ".rs"), names);
    assert_eq!(folder("corpus", ""), names);
}
