//! `make bench`: every row of the table in `docs/PERFORMANCE.md`, beside vodozemac and the floor.

mod attachments;
mod groups;
mod machine;
mod relay;
mod sessions;

use std::env;
use std::fs;
use std::hint::black_box;

use sealwax_benches::floor::{Backend, Floor};
use sealwax_benches::libolm::{Libolm, LibolmPair};
use sealwax_benches::pairs::{Samples, Side, interleave, timed};
use sealwax_benches::peer::Primitives;
use sealwax_benches::report::{self, time};
use sealwax_benches::{abi, budget};

/// Pairs of a row whose turns are short.
const MANY: usize = 61;
/// Pairs of a row whose turns are long.
const FEW: usize = 31;

/// Bytes that are sealed for a message of 256: its kind, id and length, and the content type.
const CONTENT: usize = 278;

/// What every row needs.
struct Bench {
    floor: Floor,
    libolm: Option<Libolm>,
    /// Nanoseconds of a signature's check and of a key pair's generation here.
    verify: f64,
    generate: f64,
}

fn main() {
    let document = env::args().nth(1);
    let aws = abi::build_info().contains(r#""backend":"aws-lc"#);
    let mut bench = Bench {
        floor: Floor::new(if aws { Backend::AwsLc } else { Backend::RustCrypto }),
        libolm: Libolm::open(),
        verify: 0.0,
        generate: 0.0,
    };
    if bench.libolm.is_none() {
        println!("SKIPPED: libolm: it is not installed (Debian: libolm3)");
    }
    let primitives = bench.primitives();
    let mut rows = Vec::new();
    bench.groups(&mut rows);
    bench.sessions(&mut rows);
    Bench::relay(&mut rows);
    bench.attachments(&mut rows);

    let about = machine::about(&bench.floor);
    let table = report::table(&rows);
    let primitives = primitive_table(&primitives);
    let threads = Bench::threads();
    let budgets = budget_table();
    println!("{about}\n{table}\n{threads}\n{budgets}\n{primitives}");
    let missed = rows.iter().filter(|row| !row.holds()).count();
    println!("{} rows, {missed} of them missed", rows.len());

    if let Some(path) = document {
        let mut text = fs::read_to_string(&path).expect("the document can be read");
        let parts = [
            ("about", about),
            ("table", table),
            ("threads", threads),
            ("budgets", budgets),
            ("primitives", primitives),
        ];
        for (name, part) in parts {
            text = report::replaced(&text, name, &part).expect("the document has its markers");
        }
        fs::write(&path, text).expect("the document can be written");
    }
}

/// A side that does the same thing again and again.
fn repeat<'a, T>(name: &'static str, mut operation: impl FnMut() -> T + 'a) -> Side<'a> {
    Side::new(name, move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(operation());
            }
        })
    })
}

/// Does something with each of the things.
fn each<T, U>(things: impl IntoIterator<Item = T>, mut operation: impl FnMut(T) -> U) {
    for thing in things {
        black_box(operation(thing));
    }
}

impl Bench {
    fn libolm_pair(&self) -> Option<LibolmPair<'_>> {
        self.libolm.as_ref().map(LibolmPair::new)
    }

    fn primitives(&mut self) -> Vec<Samples> {
        let (floor, random) = (&self.floor, &mut self.floor.random_source());
        let peer = Primitives::new();
        let samples = interleave(
            FEW,
            vec![
                repeat("call of the ABI that does nothing", abi::live_handles),
                repeat("HKDF-Expand, 64 bytes", || floor.expand::<64>()),
                repeat("HKDF-Expand, 96 bytes", || floor.expand::<96>()),
                repeat("AES-256-GCM, fresh key, 278 bytes", || floor.seal(CONTENT, 120)),
                repeat("SHA-256, 450 bytes", || Floor::digest(450)),
                repeat("28 random bytes, buffered", || random.draw(28)),
                repeat("P-256 key pair", || floor.generate()),
                repeat("ECDH", || floor.agree()),
                repeat("ECDSA, sign", || floor.sign()),
                repeat("ECDSA, verify, known key", || floor.verify()),
                repeat("ECDSA, verify, new key", || floor.verify_new()),
                repeat("vodozemac: X25519", || peer.agree()),
                repeat("vodozemac: Ed25519, sign", || peer.sign()),
                repeat("vodozemac: Ed25519, verify", || peer.verify()),
            ],
        );
        let median = |name: &str| {
            samples.iter().find(|side| side.name == name).map(Samples::median).expect("it was measured")
        };
        self.verify = median("ECDSA, verify, known key");
        self.generate = median("P-256 key pair");
        samples
    }
}

fn primitive_table(samples: &[Samples]) -> String {
    let mut text = String::from("| primitive | time |\n|---|---|\n");
    samples.iter().for_each(|side| text += &format!("| {} | {} |\n", side.name, time(side.median())));
    text
}

fn budget_table() -> String {
    let mut text = String::from("| what | bytes | at most | |\n|---|---|---|---|\n");
    for budget in budget::all() {
        let verdict = if budget.is_kept() { "holds" } else { "missed" };
        text += &format!("| {} | {} | {} | {verdict} |\n", budget.name, budget.bytes, budget.limit);
    }
    text
}
