//! Memory of handles and size of the library against their limits; fails if one is beyond what is allowed.

use std::process::ExitCode;

use sealwax_benches::budget;

fn main() -> ExitCode {
    let budgets = budget::all();
    for budget in &budgets {
        let mark = match budget {
            budget if !budget.is_allowed() => "  FAILED",
            budget if !budget.is_kept() => "  missed, and allowed for now",
            _ => "",
        };
        println!("{:<36} {:>8} of {:>8} bytes{mark}", budget.name, budget.bytes, budget.limit);
    }
    if budgets.iter().all(budget::Budget::is_allowed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
