//! Killed at random moments.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use sealwax::Error;
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::Store;

use super::child::{program, said};
use super::story::Story;
use crate::bed::{Directory, KEY, records, refused};

const ROUNDS: u64 = 60;

/// Runs until killed, some time after its start or, `at_work`, after the first commit that it reports; the last number
/// that was said.
fn run_and_kill(path: &Path, at_work: bool, after: Duration) -> Option<u64> {
    let mut child = program("commit", path).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let number = |line: &String| said(line).map(|said| said.parse().unwrap());
    let (works, working) = mpsc::channel();
    // Reading on while it runs, so that it never waits for us.
    let reader = std::thread::spawn(move || {
        let mut last = None;
        for line in lines.by_ref() {
            last = number(&line).or(last);
            if last.is_some() {
                let _ = works.send(());
            }
        }
        last
    });
    if at_work {
        working.recv().unwrap();
    }
    std::thread::sleep(after);
    // SIGKILL: no handler runs, nothing is flushed.
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn a_killed_process_loses_nothing_that_it_reported_and_leaves_nothing_half() {
    let directory = Directory::new();
    let path = directory.join("store");
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut story = Story::default();
    let (mut last, mut killed_in_work) = (0, 0);
    // Half of them wherever they are, which on a busy machine is on their way to the first commit.
    for round in 0..ROUNDS {
        let pause = u64::from(seed).wrapping_mul(round * 2 + 1) % 31;
        let reported = run_and_kill(&path, round % 4 < 2, Duration::from_millis(pause));
        killed_in_work += usize::from(reported.is_some());
        if let Some(reported) = reported {
            assert!(reported > last, "round {round}: {reported} after {last}");
            last = reported;
        }
        // Every other time the next child finds what this one left behind.
        let copy = Directory::new();
        let opened = if round % 2 == 0 {
            for (from, bytes) in directory.files() {
                fs::write(copy.join(from.file_name().unwrap().to_str().unwrap()), bytes).unwrap();
            }
            copy.join("store")
        } else {
            path.clone()
        };
        let store = Store::open(&opened, &KEY, &mut SystemRandom).unwrap();
        // The one that it was killed in may be there or not.
        let number = store.commit_number();
        assert!(number == last || number == last + 1, "round {round}: {number} after {last} was reported");
        assert!(&records(&store).unwrap() == story.after(number), "round {round}: commit {number} is half");
        last = number;
    }
    eprintln!("{killed_in_work} of {ROUNDS} killed at work, {last} commits");
    assert!(killed_in_work >= ROUNDS as usize / 2);
}

#[test]
fn another_process_is_refused_until_the_owner_is_killed() {
    let directory = Directory::new();
    let path = directory.join("store");
    let mut owner = program("commit", &path).spawn().unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| said(&line).is_some()));
    assert_eq!(refused(Store::open(&path, &KEY, &mut SystemRandom)), Error::StoreInUse);
    let other = program("open", &path).output().unwrap();
    let other = String::from_utf8(other.stdout).unwrap();
    assert!(other.lines().any(|line| said(line) == Some("Err(StoreInUse)")), "{other}");
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(Store::open(&path, &KEY, &mut SystemRandom).unwrap().commit_number() > 0);
}
