//! Random commits and reopenings against a map.

use proptest::prelude::*;
use sealwax::crypto::rng::SystemRandom;
use sealwax::store::{Changes, Name};

use crate::bed::{Records, beds, records};

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<(Name, Option<Vec<u8>>)>),
    Reopen,
    Scan(Name),
}

fn name() -> impl Strategy<Value = Name> {
    let part =
        prop_oneof![(0..3_u64).prop_map(Ok), prop::sample::select(vec!["", "a", "ab", "b"]).prop_map(Err)];
    (0..3_u8, prop::collection::vec(part, 0..3)).prop_map(|(kind, parts)| {
        parts.into_iter().fold(Name::new(kind), |name, part| match part {
            Ok(number) => name.number(number),
            Err(bytes) => name.bytes(bytes),
        })
    })
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40).boxed(),
        1 => (any::<u8>(), 1_000..20_000_usize).prop_map(|(byte, length)| vec![byte; length]).boxed(),
    ];
    let change = (name(), prop::option::weighted(0.7, value));
    prop_oneof![
        6 => prop::collection::vec(change, 0..6).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
        2 => name().prop_map(Step::Scan),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_a_map_that_survives(steps in prop::collection::vec(step(), 1..25)) {
        for bed in beds() {
            let (mut model, mut number) = (Records::new(), 0);
            let mut store = bed.open().unwrap();
            for step in &steps {
                match step {
                    Step::Commit(batch) => {
                        let mut changes = Changes::new();
                        for (name, value) in batch {
                            match value {
                                Some(value) => {
                                    changes.put(name.clone(), value.clone());
                                    model.insert(name.clone(), value.clone());
                                }
                                None => {
                                    changes.delete(name.clone());
                                    model.remove(name);
                                }
                            }
                        }
                        number += 1;
                        prop_assert_eq!(store.commit(&mut SystemRandom, &changes), Ok(number));
                    }
                    Step::Reopen => {
                        drop(store);
                        store = bed.open().unwrap();
                    }
                    Step::Scan(prefix) => {
                        let found = store.scan(prefix).unwrap().map(|record| {
                            let record = record.unwrap();
                            (record.name, record.value.to_vec())
                        });
                        let expected = model.iter().filter(|(name, _)| {
                            name.kind() == prefix.kind() && name.parts().starts_with(prefix.parts())
                        });
                        let expected = expected.map(|(name, value)| (name.clone(), value.clone()));
                        prop_assert_eq!(found.collect::<Records>(), expected.collect::<Records>());
                    }
                }
                prop_assert_eq!(store.commit_number(), number);
            }
            prop_assert_eq!(records(&store).unwrap(), model.clone());
            drop(store);
            prop_assert_eq!(records(&bed.open().unwrap()).unwrap(), model);
        }
    }
}
