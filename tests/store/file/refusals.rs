//! A system that refuses: full disks, files and directories that may not be written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sealwax::crypto::rng::SystemRandom;
use sealwax::store::Store;

use super::child::{program, said};
use super::story::{Story, go_on};
use crate::bed::{Directory, KEY, records};

fn answer(command: &mut Command) -> String {
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    output.lines().find_map(said).unwrap_or_else(|| panic!("no answer: {output}")).into()
}

/// The same command in a shell that does something first.
fn after(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{script}; exec \"$0\" \"$@\""))
        .arg(command.get_program())
        .args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdout(Stdio::piped()).stderr(Stdio::null());
    shell
}

#[test]
fn a_full_disk_refuses_commits_and_loses_nothing() {
    let mut at_work = 0;
    for blocks in [20, 60, 100, 200, 400, 800] {
        let directory = Directory::new();
        let path = directory.join("store");
        go_on(&mut Store::open(&path, &KEY, &mut SystemRandom).unwrap()).unwrap();

        // No file may grow beyond that; a write that would is an error, not a signal.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}");
        let said = answer(&mut after(&script, &program("fill", &path)));
        let words: Vec<_> = said.split(' ').collect();
        assert_eq!((words[0], words[1]), ("StoreIo", "Some(StoreIo)"), "{said}");
        let number: u64 = words[2].parse().unwrap();

        let mut store = Store::open(&path, &KEY, &mut SystemRandom).unwrap();
        assert_eq!(store.commit_number(), number, "{blocks} blocks");
        let mut story = Story::default();
        let found = records(&store).unwrap();
        assert!(&found == story.after(number));
        assert_eq!(words[3].parse(), Ok(found.len()));
        at_work += number;

        // With room again it goes on.
        for _ in 0..5 {
            go_on(&mut store).unwrap();
        }
        assert!(&records(&store).unwrap() == story.after(number + 5));
    }
    assert!(at_work > 20);
}

/// As somebody whom permissions stop, which they do not root.
fn unprivileged(path: &Path, program_copy: &Path) -> String {
    let command = program("open", path);
    let mut plain = Command::new(program_copy);
    plain.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    plain.stdout(Stdio::piped()).stderr(Stdio::null());
    let own = fs::metadata(path.parent().unwrap()).unwrap();
    if std::os::unix::fs::MetadataExt::uid(&own) == 0 {
        plain.uid(65_534).gid(65_534);
    }
    answer(&mut plain)
}

#[test]
fn what_may_not_be_written_is_refused_and_stays() {
    let programs = Directory::new();
    let program_copy = programs.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program_copy).unwrap();
    fs::set_permissions(programs.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&program_copy, fs::Permissions::from_mode(0o755)).unwrap();

    // (directory, file, lock) and what comes of it.
    for (directory_mode, file_mode, lock_mode, expected) in [
        (0o777, 0o666, 0o666, "Ok(1)"),
        (0o777, 0o444, 0o666, "Err(StoreIo)"),
        (0o777, 0o000, 0o666, "Err(StoreIo)"),
        (0o555, 0o666, 0o666, "Err(StoreIo)"),
        (0o777, 0o666, 0o000, "Err(StoreIo)"),
        (0o000, 0o666, 0o666, "Err(StoreIo)"),
    ] {
        let directory = Directory::new();
        let path = directory.join("store");
        go_on(&mut Store::open(&path, &KEY, &mut SystemRandom).unwrap()).unwrap();
        let before = directory.files();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&path, file_mode);
        mode(&directory.join("store-lock"), lock_mode);
        mode(directory.path(), directory_mode);
        let said = unprivileged(&path, &program_copy);
        mode(directory.path(), 0o777);
        mode(&path, 0o666);
        mode(&directory.join("store-lock"), 0o666);
        assert_eq!(said, expected, "{directory_mode:o} {file_mode:o} {lock_mode:o}");
        assert!(directory.files() == before);
    }
}

#[test]
fn a_directory_that_may_not_be_written_takes_no_new_store() {
    let programs = Directory::new();
    let program_copy = programs.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program_copy).unwrap();
    fs::set_permissions(programs.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let directory = Directory::new();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(unprivileged(&directory.join("store"), &program_copy), "Err(StoreIo)");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(directory.files().is_empty());
}
