//! Another process, which is this test program again.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sealwax::crypto::rng::SystemRandom;
use sealwax::error::Result;
use sealwax::store::Store;

use super::story::go_on;
use crate::bed::KEY;

const ROLE: &str = "SEALWAX_STORE_CHILD";
const PATH: &str = "SEALWAX_STORE_PATH";

/// How to call the child. What it says comes on lines that start with `>`.
pub(super) fn program(role: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "file::child::child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(PATH, path).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// What a line of the child's output says.
pub(super) fn said(line: &str) -> Option<&str> {
    line.split_once('>').map(|(_, said)| said)
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n>{text}").unwrap();
    out.flush().unwrap();
}

fn open() -> Result<Store> {
    Store::open(Path::new(&std::env::var_os(PATH).unwrap()), &KEY, &mut SystemRandom)
}

#[test]
#[ignore = "run by other tests, in a process of its own"]
fn child() {
    match std::env::var(ROLE).as_deref() {
        // Commits until it is killed, and says each number when it is durable.
        Ok("commit") => {
            let mut store = open().unwrap();
            loop {
                say(&go_on(&mut store).unwrap().to_string());
            }
        }
        // Commits until it cannot.
        Ok("fill") => {
            let mut store = open().unwrap();
            let error = loop {
                if let Err(error) = go_on(&mut store) {
                    break error;
                }
            };
            let number = store.commit_number();
            let again = go_on(&mut store).err();
            assert_eq!(number, store.commit_number());
            let records = crate::bed::records(&store).unwrap();
            say(&format!("{error:?} {again:?} {number} {}", records.len()));
        }
        // Opens, and says what came of it.
        Ok("open") => say(&format!("{:?}", open().map(|store| store.commit_number()))),
        _ => {}
    }
}
