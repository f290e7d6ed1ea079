//! Memory of handles and size of the library against their limits; fails if one is not kept.

use std::process::ExitCode;

use sealwax_benches::budget;

fn main() -> ExitCode {
    let budgets = budget::all();
    for budget in &budgets {
        let mark = if budget.is_kept() { "" } else { "  FAILED: over its limit" };
        println!("{:<36} {:>8} of {:>8} bytes{mark}", budget.name, budget.bytes, budget.limit);
    }
    if budgets.iter().all(budget::Budget::is_kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
