//! Random stories of a group, each held against the model.

use proptest::prelude::*;

use crate::model::{Event, run};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => any::<u8>().prop_map(Event::Send),
        6 => any::<(u16, bool)>().prop_map(|(at, stays)| Event::Deliver(at, stays)),
        4 => Just(Event::DeliverLast),
        1 => any::<u16>().prop_map(Event::Drop),
        2 => any::<u8>().prop_map(Event::Rotate),
        1 => any::<u8>().prop_map(Event::Toggle),
        1 => any::<(u8, u8)>().prop_map(|(who, sent)| Event::Crash(who, sent)),
        1 => any::<u8>().prop_map(Event::Reload),
        1 => any::<u8>().prop_map(Event::ReloadParts),
        2 => any::<u8>().prop_map(Event::Store),
        1 => any::<(u16, u16)>().prop_map(|(at, bit)| Event::Tamper(at, bit)),
        1 => any::<u8>().prop_map(Event::Save),
        1 => any::<u8>().prop_map(Event::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn everybody_reads_what_they_must_and_nothing_else(
        story in prop::collection::vec(event(), 1..60),
    ) {
        run(&story);
    }
}
