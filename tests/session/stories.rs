//! Random stories of two sides, each held against the model.

use proptest::prelude::*;
use sealwax::session::Level;

use crate::model::{Act, run};
use crate::pair::MINUTE;

fn acts(with_losses_of_state: bool) -> impl Strategy<Value = Vec<(bool, Act)>> {
    let rare = u32::from(with_losses_of_state);
    let act = prop_oneof![
        8 => Just(Act::Send),
        8 => any::<u16>().prop_map(Act::Deliver),
        2 => any::<u16>().prop_map(Act::Duplicate),
        2 => any::<u16>().prop_map(Act::Drop),
        1 => any::<(u16, u16)>().prop_map(|(at, bit)| Act::Tamper(at, bit)),
        2 => Just(Act::Crash),
        rare => any::<u16>().prop_map(Act::Restore),
        rare => Just(Act::Lose),
        rare => Just(Act::Renew),
        2 => (0..40 * MINUTE).prop_map(Act::Wait),
    ];
    prop::collection::vec((any::<bool>(), act), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_must_be_readable_is_readable_exactly_once(acts in acts(false), hide: bool, prekeys: bool) {
        run(&acts, hide, if prekeys { Level::OneTime } else { Level::Plain }, false);
    }

    #[test]
    fn crossing_sessions_converge_and_lose_nothing(acts in acts(false), hide: bool, prekeys: bool) {
        run(&acts, hide, if prekeys { Level::OneTime } else { Level::Plain }, true);
    }

    #[test]
    fn sides_that_lose_their_state_find_each_other_again(acts in acts(true), cross: bool) {
        run(&acts, false, Level::Signed, cross);
    }
}
