//! The first message to a new group of 1,000: frames, bytes and time of who founds it, of the relay and of a member.

use std::env;
use std::fs;

use sealwax_benches::report::{replaced, time};
use sealwax_benches::scene::PLAINTEXT;
use sealwax_benches::town::{Step, Town, Work};

const MEMBERS: usize = 1_000;
/// Whole runs, of which each step shows the one in the middle by the time of all sides.
const RUNS: usize = 3;

fn main() {
    let members = env::var("MEMBERS").ok().and_then(|count| count.parse().ok()).unwrap_or(MEMBERS);
    let runs: Vec<[Step; 3]> = (0..RUNS).map(|_| Town::new(members).found_and_write(&PLAINTEXT)).collect();
    let mut text = String::from(
        "| step | side | frames sent | bytes | frames received | bytes | time |\n|---|---|---|---|---|---|---|\n",
    );
    let names = ["the group is founded", "the first message", "the second message"];
    for (at, name) in names.iter().enumerate() {
        let mut steps: Vec<Step> = runs.iter().map(|run| run[at]).collect();
        steps.sort_by_key(|step| step.creator.took + step.relay.took + step.members.took);
        let Step { creator, relay, members: all, waited_ms } = steps[RUNS / 2];
        let waits = if waited_ms == 0 { String::new() } else { format!(" (and {waited_ms} ms of waiting)") };
        text += &row(&format!("{name}{waits}"), "founder", creator, 1);
        text += &row("", "relay", relay, 1);
        text += &row("", "a member, on average", all, members - 1);
    }
    println!("{members} members:\n{text}");
    if let Some(path) = env::args().nth(1) {
        let document = fs::read_to_string(&path).expect("the document can be read");
        let document = replaced(&document, "first message", &text).expect("the document has its markers");
        fs::write(&path, document).expect("the document can be written");
    }
}

fn row(step: &str, side: &str, work: Work, of: usize) -> String {
    let each = |count: usize| {
        if of == 1 { count.to_string() } else { format!("{:.1}", count as f64 / of as f64) }
    };
    let took = time(work.took.as_nanos() as f64 / of as f64);
    let (sent, given) = (work.sent, work.given);
    let cells = [step, side, &each(sent.0), &each(sent.1), &each(given.0), &each(given.1), &took];
    format!("| {} |\n", cells.join(" | "))
}
