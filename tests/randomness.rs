//! A caller's own source of randomness decides everything random.

mod common;

use common::ScriptedRandom;
use sealwax::crypto::ecc::{AgreePrivate, SignPrivate};
use sealwax::crypto::kdf::Label;
use sealwax::sealed::{self, Object};

#[test]
fn the_same_script_gives_the_same_keys_signatures_and_sealed_state() {
    let run = |seed| {
        let mut rng = ScriptedRandom::new(seed);
        let agree = AgreePrivate::generate(&mut rng).unwrap();
        let sign = SignPrivate::generate(&mut rng).unwrap();
        let signature = sign.sign(&mut rng, Label::Card, &[b"card"]).unwrap();
        let state = sealed::seal(&mut rng, &[1; 32], Object::Identity, 1, b"state").unwrap();
        (*agree.public().as_bytes(), *sign.public().as_bytes(), signature, state)
    };
    assert_eq!(run("one"), run("one"));
    let (one, two) = (run("one"), run("two"));
    assert_ne!(one.0, two.0);
    assert_ne!(one.1, two.1);
    assert_ne!(one.3, two.3);
}
