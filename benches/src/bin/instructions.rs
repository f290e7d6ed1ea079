//! Instructions of the hot paths: they show a regression on a machine whose clock shows nothing.
//!
//! `record` and `check` run this program again under callgrind, which counts inside [`sealwax_bench_measured`] alone
//! and writes a profile each time that function returns; the inner run names the paths in the same order. `drive`, with
//! the name of one path and a number of rounds, is something to point any other profiler at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, process};

use sealwax_benches::abi;
use sealwax_benches::abi::{CallResult, GroupReceiver, Slice};
use sealwax_benches::gate::{self, Counts, Verdict};
use sealwax_benches::scene::{Circle, Crowd, Hall, Line, PLAINTEXT, Pair, ROOM, sealed};

/// Times that each path is taken: instructions do not vary much, and callgrind is fifty times slower than the machine.
const ROUNDS: usize = 64;
/// Members of the groups here.
const MEMBERS: usize = 64;

/// What is counted.
#[unsafe(no_mangle)]
#[inline(never)]
fn sealwax_bench_measured(work: &mut dyn FnMut()) {
    work();
}

/// What to measure: all, or one path as often as asked.
struct Paths {
    only: Option<String>,
    rounds: usize,
}

impl Paths {
    /// Prepares and measures a path, unless another one was asked for. `prepare` is told how many rounds there will be; an
    /// operation counts as `divisor`.
    fn path<T>(
        &self,
        name: &str,
        divisor: usize,
        prepare: impl FnOnce(usize) -> T,
        mut operation: impl FnMut(&mut T, usize),
    ) {
        if self.only.as_deref().is_some_and(|only| only != name) {
            return;
        }
        let mut scene = prepare(self.rounds + 1);
        // What happens once happens here: tables that are computed, randomness that is fetched.
        operation(&mut scene, 0);
        sealwax_bench_measured(&mut || (1..=self.rounds).for_each(|round| operation(&mut scene, round)));
        println!("{name}\t{}", self.rounds * divisor);
    }

    fn sessions(&self) {
        let out = &mut [0; ROOM];
        self.path(
            "session_encrypt",
            1,
            |_| Pair::new(),
            |pair, _| {
                pair.ours.encrypt(&PLAINTEXT, out);
            },
        );
        let messages = |rounds| {
            let pair = Pair::new();
            let messages: Vec<_> =
                (0..rounds).map(|_| sealed(|out| pair.ours.encrypt(&PLAINTEXT, out))).collect();
            (pair, messages)
        };
        self.path("session_decrypt", 1, messages, |(pair, messages), round| {
            pair.theirs.decrypt(&messages[round], out);
        });
        self.path("session_turn", 1, |_| Pair::new(), |pair, round| pair.message(round % 2 == 1));
    }

    fn groups(&self) {
        let out = &mut [0; ROOM];
        self.path(
            "group_encrypt",
            1,
            |_| Circle::new(),
            |circle, _| {
                circle.sender.encrypt(&PLAINTEXT, out);
            },
        );
        let messages = |rounds| {
            let circle = Circle::new();
            let messages = circle.messages(rounds);
            (circle, messages)
        };
        self.path("group_decrypt", 1, messages, |(circle, messages), round| {
            circle.receiver.decrypt(&messages[round], out);
        });
        let gaps = |rounds| {
            let circle = Circle::new();
            let state = circle.receiver.export();
            let last = circle.messages(GAP + 1).pop().unwrap_or_default();
            let receivers: Vec<_> =
                (0..rounds).map(|_| GroupReceiver::import(&circle.bob, &circle.roster, &state)).collect();
            (receivers, last)
        };
        self.path("group_gap", 1, gaps, |(receivers, last), round| {
            receivers[round].decrypt(last, out);
        });
        let backlog = |_| {
            let circle = Circle::new();
            let state = circle.receiver.export();
            (state, circle.messages(BACKLOG), circle)
        };
        let mut room = vec![0; BACKLOG * ROOM];
        let mut results = vec![CallResult::default(); BACKLOG];
        self.path("group_backlog", BACKLOG, backlog, |(state, messages, circle), _| {
            let receiver = GroupReceiver::import(&circle.bob, &circle.roster, state);
            let envelopes: Vec<Slice> = messages.iter().map(|message| Slice::of(message)).collect();
            receiver.decrypt_batch(&envelopes, &mut room, &mut results);
        });
        self.path(
            "group_distribute",
            MEMBERS,
            |_| Crowd::new(MEMBERS),
            |crowd, _| {
                for session in &crowd.sessions {
                    crowd.sender.distribute(session, out);
                }
            },
        );
    }

    fn relay(&self) {
        let line = |rounds| {
            let hall = Hall::new(1);
            let messages = Line::new(&hall.relay, "zoe", "yann").messages(rounds);
            (hall, messages)
        };
        self.path("relay_route", 1, line, |(hall, messages), round| {
            drop(hall.relay.route("zoe", &messages[round]));
        });
        let hall = |rounds: usize| {
            let hall = Hall::new(MEMBERS);
            let messages: Vec<_> =
                (0..rounds).map(|_| sealed(|out| hall.sender.encrypt(&PLAINTEXT, out))).collect();
            (hall, messages)
        };
        self.path("relay_fan_out", MEMBERS, hall, |(hall, messages), round| {
            drop(hall.relay.route("alice", &messages[round]));
        });
    }
}

/// Messages that a receiver misses.
const GAP: usize = 2_000;
/// Messages that wait for one who was away.
const BACKLOG: usize = 100;

/// What the check answers when there is nothing to compare with.
const SKIPPED: u8 = 77;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["drive"] => drive(Paths { only: None, rounds: ROUNDS }),
        ["drive", path, rounds] => {
            let rounds = rounds.parse().expect("a number of rounds");
            drive(Paths { only: Some(path.into()), rounds })
        }
        ["record", file] => {
            fs::write(file, count().render()).expect("the file can be written");
            ExitCode::SUCCESS
        }
        ["check", file] => check(Path::new(file)),
        _ => {
            eprintln!("usage: instructions record|check <file>, or drive [<path> <rounds>]");
            ExitCode::FAILURE
        }
    }
}

fn drive(paths: Paths) -> ExitCode {
    println!("environment\t{}", environment());
    paths.sessions();
    paths.groups();
    paths.relay();
    ExitCode::SUCCESS
}

fn check(file: &Path) -> ExitCode {
    let recorded = fs::read_to_string(file).ok().and_then(|text| Counts::parse(&text));
    let recorded = recorded.expect("the recorded counts can be read");
    match count().against(&recorded) {
        Verdict::Passed(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Verdict::Failed(report) => {
            print!("{report}");
            ExitCode::FAILURE
        }
        Verdict::Incomparable(why) => {
            print!("{why}");
            ExitCode::from(SKIPPED)
        }
    }
}

/// Runs this program under callgrind and puts its names beside the profiles.
fn count() -> Counts {
    let place = env::temp_dir().join(format!("sealwax-instructions-{}", process::id()));
    fs::create_dir_all(&place).expect("a directory for the profiles");
    let mut command = Command::new("valgrind");
    command.args(["-q", "--tool=callgrind", "--collect-atstart=no"]);
    command.args(["--toggle-collect=sealwax_bench_measured", "--dump-after=sealwax_bench_measured"]);
    command.arg(format!("--callgrind-out-file={}", place.join("profile").display()));
    let program = env::current_exe().expect("this program has a path");
    let output = command.arg(program).arg("drive").output().expect("valgrind runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "under valgrind: {errors}");

    let names = String::from_utf8(output.stdout).expect("names are text");
    let mut rows = names.lines().map(|line| line.split_once('\t').expect("a name and a number"));
    let (_, environment) = rows.next().expect("the environment comes first");
    let paths = rows.enumerate().map(|(at, (name, operations))| {
        let profile = fs::read_to_string(profile(&place, at + 1)).expect("a profile for each name");
        let instructions = gate::instructions(&profile).expect("a profile has a sum") as f64;
        (name.to_owned(), instructions / operations.parse::<f64>().expect("a number"))
    });
    let counts =
        Counts { environment: format!("{environment}, {}", valgrind_version()), paths: paths.collect() };
    fs::remove_dir_all(&place).expect("the profiles can be removed");
    counts
}

fn profile(place: &Path, number: usize) -> PathBuf {
    place.join(format!("profile.{number}"))
}

fn valgrind_version() -> String {
    let output = Command::new("valgrind").arg("--version").output().expect("valgrind runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What decides which code runs: under callgrind, the processor that it shows to the program.
fn environment() -> String {
    let backend = if abi::build_info().contains(r#""backend":"aws-lc"#) { "aws-lc" } else { "rustcrypto" };
    format!("{}{}, {backend}", env::consts::ARCH, features())
}

#[cfg(target_arch = "x86_64")]
fn features() -> String {
    let features = [
        ("aes", is_x86_feature_detected!("aes")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("ssse3", is_x86_feature_detected!("ssse3")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("adx", is_x86_feature_detected!("adx")),
        ("sha", is_x86_feature_detected!("sha")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("vaes", is_x86_feature_detected!("vaes")),
    ];
    features.iter().filter(|(_, there)| *there).map(|(name, _)| format!(" {name}")).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    String::new()
}
