//! State at rest: what is taken is stored and taken again as the same, and what goes on from it breaks nothing.
//!
//! Who can seal a state is its owner, so one that no export wrote, with a table out of order, may be read as the nearest
//! that an export would write.

use sealwax::group::{GroupReceiver, GroupSender};
use sealwax::identity::Identity;
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::sealed::{self, Object};
use sealwax::session::Session;
use sealwax::wire::content::ContentKind;

use crate::common::ScriptedRandom;
use crate::common::group::{group, person};
use crate::lazy;

const NOW_MS: u64 = 1_700_000_000_000;

lazy!(ALICE: Identity = person("alice"));
lazy!(LOG: Vec<u8> = group(&ALICE, &[&person("bob")], RosterPolicy::default()).log(0));
lazy!(ROSTER: Roster = Roster::open(&LOG).unwrap());

/// The container, which nobody opens who has not sealed it.
pub fn sealed(data: &[u8]) {
    for byte in 0..=u8::MAX {
        if let Ok(object) = Object::try_from(byte) {
            assert!(sealed::open(&[8; 32], object, data).is_err());
        }
    }
}

/// What stands in a sealed identity.
pub fn identity_state(data: &[u8]) {
    let Ok(mut identity) = Identity::import(Identity::FORMAT, data) else { return };
    let state = identity.export().unwrap();
    assert_eq!(Identity::import(Identity::FORMAT, &state).unwrap().export().unwrap(), state);
    let _told = identity.info();
    identity.expire(NOW_MS);
    let _full = identity.prekeys(&mut ScriptedRandom::new("state"), 1, NOW_MS);
    let state = identity.export().unwrap();
    assert_eq!(Identity::import(Identity::FORMAT, &state).unwrap().export().unwrap(), state);
}

/// What stands in a sealed session of Alice.
pub fn session_state(data: &[u8]) {
    let Ok(mut session) = Session::import(&ALICE, Session::FORMAT, data) else { return };
    let state = session.export(0).unwrap();
    assert_eq!(Session::import(&ALICE, Session::FORMAT, &state).unwrap().export(0).unwrap(), state);
    let _told = session.info();
    session.correct_clock(NOW_MS);
    let mut envelope = vec![0; session.encrypt_len(2)];
    let mut rng = ScriptedRandom::new("state");
    let _unanswered = session.encrypt(ContentKind::Data, &[&[0, 1]], NOW_MS, &mut rng, &mut envelope);
    let state = session.export(0).unwrap();
    assert_eq!(Session::import(&ALICE, Session::FORMAT, &state).unwrap().export(0).unwrap(), state);
}

/// What stands in Alice's sealed sender of a group.
pub fn sender_state(data: &[u8]) {
    let import = |state: &[u8]| GroupSender::import(&ALICE, &ROSTER, GroupSender::FORMAT, state);
    // Each import begins a link anew, but the next one finds it so.
    let check = |sender: &GroupSender| {
        let resumed = import(&sender.export(0).unwrap()).unwrap().export(0).unwrap();
        assert_eq!(import(&resumed).unwrap().export(0).unwrap(), resumed);
    };
    let Ok(mut sender) = import(data) else { return };
    check(&sender);
    let _told = sender.info();
    let mut envelope = vec![0; sender.encrypt_len(2)];
    let mut rng = ScriptedRandom::new("state");
    let _due = sender.encrypt(&ROSTER, ContentKind::Data, &[&[0, 1]], NOW_MS, &mut rng, &mut envelope);
    check(&sender);
    sender.rotate(&ROSTER, NOW_MS, &mut rng).unwrap();
    check(&sender);
}

/// What stands in Alice's sealed receiver of a group.
pub fn receiver_state(data: &[u8]) {
    let Ok(mut receiver) = GroupReceiver::import(&ALICE, &ROSTER, GroupReceiver::FORMAT, data) else {
        return;
    };
    let state = receiver.export().unwrap();
    let again = GroupReceiver::import(&ALICE, &ROSTER, GroupReceiver::FORMAT, &state).unwrap();
    assert_eq!(again.export().unwrap(), state);
    let _told = receiver.info();
    receiver.sync(&ROSTER, NOW_MS).unwrap();
    receiver.correct_clock(NOW_MS);
    receiver.retire(NOW_MS);
    let state = receiver.export().unwrap();
    let again = GroupReceiver::import(&ALICE, &ROSTER, GroupReceiver::FORMAT, &state).unwrap();
    assert_eq!(again.export().unwrap(), state);
}
