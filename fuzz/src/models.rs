//! Stories: what bytes say happens, held against the models of the tests.

use arbitrary::{Arbitrary, Unstructured};
use sealwax::session::Level;

use crate::{group_model, session_model};

/// Longer stories take their time and say no more.
const STORY_MAX: usize = 96;

fn read<T: for<'a> Arbitrary<'a>>(data: &[u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(data)).ok()
}

#[derive(Arbitrary)]
struct Sessions {
    hidden: bool,
    level: u8,
    cross: bool,
    acts: Vec<(bool, session_model::Act)>,
}

/// Two who write to each other, and what a network, a crash and an old copy do to them.
pub fn sessions(data: &[u8]) {
    let Some(Sessions { hidden, level, cross, mut acts }) = read(data) else { return };
    acts.truncate(STORY_MAX);
    let level = [Level::Plain, Level::Signed, Level::OneTime][usize::from(level) % 3];
    session_model::run(&acts, hidden, level, cross);
}

/// A group that members join and leave, and what a network, a crash and an old copy do to it.
pub fn groups(data: &[u8]) {
    let Some(mut story) = read::<Vec<group_model::Event>>(data) else { return };
    story.truncate(STORY_MAX);
    group_model::run(&story);
}
