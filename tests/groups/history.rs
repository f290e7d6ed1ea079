//! Sharing what is retired (section 8.6).

use sealwax::Error;
use sealwax::error::Result;
use sealwax::group::{GroupReceiver, GroupReceiverOptions, History};
use sealwax::limits::GROUP_WINDOW_MS;

use crate::circle::{Circle, Options};

const READ_ONLY: GroupReceiverOptions =
    GroupReceiverOptions { transition_window_ms: GROUP_WINDOW_MS, retain_history: false, history: true };

/// Alice sends under a first key and under a second one; Dave joins. Bob retained what he got.
struct Past {
    circle: Circle,
    first_key: [u8; 8],
    second_key: [u8; 8],
    first: Vec<Vec<u8>>,
    second: Vec<Vec<u8>>,
    archive: GroupReceiver,
}

impl Past {
    fn new() -> Self {
        let mut options = Options::default();
        options.receiver.retain_history = true;
        let mut circle = Circle::with(&["alice", "bob", "carol"], options);
        let first_key = circle.get("alice").sender.info().key_id;
        let first = circle.send_many("alice", 10);
        circle.read("bob", &first[8]).unwrap();
        circle.admit("alice", "dave");
        circle.rotate("alice");
        circle.distribute("alice");
        let second_key = circle.get("alice").sender.info().key_id;
        let second = circle.send_many("alice", 3);
        let dave = circle.get("dave");
        let archive = GroupReceiver::new(&dave.identity, &dave.roster, READ_ONLY, 0).unwrap();
        Self { circle, first_key, second_key, first, second, archive }
    }

    fn share(&mut self, key_id: [u8; 8], from: u32) -> Result<History> {
        let dave = self.circle.members["dave"].identity.fingerprint();
        let bob = self.circle.get("bob");
        bob.receiver.history(&bob.roster, "dave", &dave, "alice", &key_id, from)
    }

    fn install(&mut self, history: &History) -> Result<()> {
        let bob = self.circle.members["bob"].identity.fingerprint();
        let dave = self.circle.get("dave");
        let carried = History::decode(&history.encode().unwrap()).unwrap();
        self.archive.install_history(&dave.roster, "bob", &bob, &carried, 0)
    }

    fn read(&mut self, envelope: &[u8]) -> Result<String> {
        let opening = self.archive.open(&self.circle.get("dave").roster, envelope, 0)?;
        assert_eq!((opening.sender(), opening.shared_by()), ("alice", Some("bob")));
        let text = String::from_utf8(opening.body()[1..].to_vec()).unwrap();
        assert_eq!(self.archive.commit(opening), Ok(None));
        Ok(text)
    }
}

#[test]
fn a_shared_key_opens_old_messages_from_its_counter_on() {
    let mut past = Past::new();
    let history = past.share(past.first_key, 3).unwrap();
    past.install(&history).unwrap();
    for at in [9, 3, 5, 4] {
        let envelope = past.first[at].clone();
        assert_eq!(past.read(&envelope), Ok(at.to_string()));
    }
    for at in [0, 2] {
        let envelope = past.first[at].clone();
        assert_eq!(past.read(&envelope), Err(Error::UnknownKey));
    }
    let envelope = past.second[0].clone();
    assert_eq!(past.read(&envelope), Err(Error::UnknownKey));
}

#[test]
fn a_current_key_is_never_shared() {
    let mut past = Past::new();
    assert_eq!(past.share(past.second_key, 0).err(), Some(Error::NotPermitted));
}

#[test]
fn a_wiped_key_is_shared_as_well() {
    let mut past = Past::new();
    past.circle.now_ms += GROUP_WINDOW_MS;
    let now_ms = past.circle.now_ms;
    past.circle.get("bob").receiver.retire(now_ms);
    past.circle.get("bob").reload_receiver();
    let history = past.share(past.first_key, 9).unwrap();
    past.install(&history).unwrap();
    let envelope = past.first[9].clone();
    assert_eq!(past.read(&envelope), Ok("9".to_owned()));
}

#[test]
fn only_what_was_retained_is_shared() {
    let mut past = Past::new();
    assert_eq!(past.share([9; 8], 0).err(), Some(Error::UnknownKey));
    assert_eq!(past.share(past.first_key, 10).err(), Some(Error::InvalidArgument));
    // Dave, who retains nothing, has nothing to share.
    past.circle.rotate("alice");
    past.circle.distribute("alice");
    let carol = past.circle.members["carol"].identity.fingerprint();
    let dave = past.circle.get("dave");
    let shared = dave.receiver.history(&dave.roster, "carol", &carol, "alice", &past.second_key, 0);
    assert_eq!(shared.err(), Some(Error::UnknownKey));
}

#[test]
fn history_goes_to_members_and_comes_from_members() {
    let mut past = Past::new();
    let history = past.share(past.first_key, 0).unwrap();
    past.circle.change("alice", crate::common::group::Act::Remove("dave"));
    assert_eq!(past.share(past.first_key, 0).err(), Some(Error::NotAMember));
    assert_eq!(past.install(&history), Err(Error::NotAMember));

    let mut past = Past::new();
    let history = past.share(past.first_key, 0).unwrap();
    past.circle.change("alice", crate::common::group::Act::Remove("bob"));
    assert_eq!(past.install(&history), Err(Error::SenderRemoved));
}

#[test]
fn history_and_live_keys_do_not_mix() {
    let mut past = Past::new();
    let history = past.share(past.first_key, 0).unwrap();
    let bob = past.circle.members["bob"].identity.fingerprint();
    let alice = past.circle.members["alice"].identity.fingerprint();
    let live = past.circle.distribution("alice", "dave").unwrap();
    let dave = past.circle.get("dave");
    let installed = dave.receiver.install_history(&dave.roster, "bob", &bob, &history, 0);
    assert_eq!(installed, Err(Error::WrongKind));
    assert_eq!(past.archive.install(&dave.roster, "alice", &alice, &live, 0), Err(Error::WrongKind));
}

#[test]
fn the_messages_of_a_former_member_are_shared_too() {
    let mut past = Past::new();
    past.circle.change_for("alice", crate::common::group::Act::Remove("carol"), &["alice", "bob", "dave"]);
    let history = past.share(past.first_key, 0).unwrap();
    past.install(&history).unwrap();
    past.archive.sync(&past.circle.members["dave"].roster, 0).unwrap();
    let envelope = past.first[0].clone();
    assert_eq!(past.read(&envelope), Ok("0".to_owned()));
}

#[test]
fn shared_messages_are_held_to_their_links_and_open_once() {
    let mut past = Past::new();
    let history = past.share(past.first_key, 2).unwrap();
    past.install(&history).unwrap();
    let mut changed = past.first[2].clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(past.read(&changed), Err(Error::AuthenticationFailed));
    let envelope = past.first[2].clone();
    assert_eq!(past.read(&envelope), Ok("2".to_owned()));
    assert_eq!(past.read(&envelope), Err(Error::Duplicate));
    // From an earlier counter, later: only what lies before is new.
    let earlier = past.share(past.first_key, 0).unwrap();
    past.install(&earlier).unwrap();
    assert_eq!(past.read(&envelope), Err(Error::Duplicate));
    let envelope = past.first[0].clone();
    assert_eq!(past.read(&envelope), Ok("0".to_owned()));
}

#[test]
fn a_receiver_of_history_survives_export() {
    let mut past = Past::new();
    let history = past.share(past.first_key, 0).unwrap();
    past.install(&history).unwrap();
    let payload = past.archive.export().unwrap();
    let dave = past.circle.get("dave");
    past.archive =
        GroupReceiver::import(&dave.identity, &dave.roster, GroupReceiver::FORMAT, &payload).unwrap();
    let envelope = past.first[0].clone();
    assert_eq!(past.read(&envelope), Ok("0".to_owned()));
}
