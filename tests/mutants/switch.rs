//! Chooses one mutant by the environment, or notes which functions with mutants a test reaches. Part of the copy of the
//! sources that `mutants.py` makes.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{Mutex, OnceLock};

struct Choice {
    mutant: u32,
    reach: Option<String>,
}

fn choice() -> &'static Choice {
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    CHOICE.get_or_init(|| Choice {
        mutant: std::env::var("SEALWAX_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(u32::MAX),
        reach: std::env::var("SEALWAX_MUTANT_REACH").ok(),
    })
}

/// The chosen mutant, if it is one of a function whose mutants have these numbers.
pub(crate) fn chosen(low: u32, high: u32) -> u32 {
    let choice = choice();
    if let Some(path) = &choice.reach {
        reached(path, low);
    }
    if (low..high).contains(&choice.mutant) { choice.mutant } else { u32::MAX }
}

/// A line for each function and each thread that reaches it: threads bear the names of their tests.
#[cold]
fn reached(path: &str, low: u32) {
    static SEEN: Mutex<Option<HashSet<(String, u32)>>> = Mutex::new(None);
    let name = std::thread::current().name().unwrap_or("").to_owned();
    let mut seen = SEEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if seen.get_or_insert_with(HashSet::new).insert((name.clone(), low)) {
        if let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path) {
            let _ = file.write_all(format!("{low} {name}\n").as_bytes());
        }
    }
}
