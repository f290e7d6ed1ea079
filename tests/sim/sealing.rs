//! What may be said of a group message as it leaves its sender: for whom it was sealed.

use std::collections::BTreeMap;

use sealwax::wire::group::GroupMessage;

use crate::chronicle::{Chronicle, StateId};
use crate::ledger::{Ledger, To};
use crate::world::who_is;

/// Who was given each sender key: members by name, with the entry that made each one a member.
#[derive(Default)]
pub(crate) struct Sealing {
    readers: BTreeMap<(String, [u8; 8]), BTreeMap<String, u64>>,
}

impl Sealing {
    /// A group message leaves a client for the first time or again: it must be sealed for members that somebody with the
    /// right to has made, by one of them, and under a key that no others were given.
    pub(crate) fn watch(&mut self, chronicle: &Chronicle, ledger: &mut Ledger, envelope: &[u8]) {
        let Ok(message) = GroupMessage::parse(envelope) else { return };
        let sender = message.front.sender;
        let id = chronicle.named_by(&message).expect("sealed for members that nobody has made");
        let state = chronicle.state(&id);
        assert!(state.members.contains_key(sender), "{sender} seals for a group without being a member");
        let readers: BTreeMap<String, u64> =
            state.members.iter().map(|(user, membership)| (user.clone(), membership.since)).collect();
        let key = (sender.to_string(), *message.front.key_id);
        let before = self.readers.entry(key).or_insert_with(|| readers.clone());
        assert_eq!(*before, readers, "a key of {sender} outlives those it was given to");
        if let Some(number) = number_of(ledger, state.circle, &message) {
            let letter = &mut ledger.letters[number];
            assert_eq!(letter.to, To::Circle(state.circle), "message {number} is sealed for another group");
            letter.sealed_in.insert(id);
        }
    }
}

/// The number of a message to a group, as its length tells it.
pub(crate) fn number_of(ledger: &Ledger, circle: usize, message: &GroupMessage<'_>) -> Option<usize> {
    ledger.number_of(who_is(message.front.sender)?, circle, message.content().len())
}

/// Which members a message may be read by, of those at the time of each sealing, and under which key.
pub(crate) fn may_read(
    chronicle: &Chronicle,
    states: impl IntoIterator<Item = StateId>,
    user: &str,
    key: Option<&[u8; 65]>,
) -> bool {
    states.into_iter().any(|id| {
        let member = chronicle.state(&id).members.get(user);
        member.is_some_and(|member| key.is_none_or(|key| member.key == *key))
    })
}
