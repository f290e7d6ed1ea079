//! People, and entries that no proposal would make.

use sealwax::crypto::kdf::Label;
use sealwax::error::Result;
use sealwax::identity::{Card, Identity, IdentityOptions};
use sealwax::roster::{Roster, RosterPolicy};
use sealwax::wire::roster::{Action, EntryFields, MemberFields, Role};

use super::ScriptedRandom;

/// An identity that is the same each time.
pub(crate) fn person(user: &str) -> Identity {
    person_with(user, user)
}

/// Another identity of the same user for each seed.
pub(crate) fn person_with(user: &str, seed: &str) -> Identity {
    Identity::generate(&mut ScriptedRandom::new(seed), user, IdentityOptions::default(), 0).unwrap()
}

/// A group with this founder and these members.
pub(crate) fn group(founder: &Identity, members: &[&Identity], policy: RosterPolicy) -> Roster {
    let cards: Vec<Card> = members.iter().map(|member| member.card().clone()).collect();
    Roster::create(founder, "team", &cards, policy, 1, &mut ScriptedRandom::new("group")).unwrap()
}

/// How an entry names this identity.
pub(crate) fn named(identity: &Identity, role: Role) -> MemberFields<'_> {
    let card = identity.card();
    let (sign_key, agree_key) = (card.sign_key().as_bytes(), card.agree_key().as_bytes());
    MemberFields { user: card.user(), sign_key, agree_key, role }
}

/// Something to do in a group.
#[derive(Clone, Copy)]
pub(crate) enum Act<'a> {
    Add(&'a [&'a Identity], Role),
    Join,
    Remove(&'a str),
    Leave,
    Role(&'a str, Role),
    Replace(&'a Identity, Role),
    Delete,
}

impl<'a> Act<'a> {
    /// The entry that the library proposes.
    pub(crate) fn propose(self, roster: &Roster, actor: &Identity) -> Result<Vec<u8>> {
        let mut rng = ScriptedRandom::new("propose");
        match self {
            Self::Add(people, role) => {
                let cards: Vec<Card> = people.iter().map(|person| person.card().clone()).collect();
                roster.propose_add(actor, &cards, role, 2, &mut rng)
            }
            Self::Join => roster.propose_join(actor, 2, &mut rng),
            Self::Remove(user) => roster.propose_remove(actor, user, 2, &mut rng),
            Self::Leave => roster.propose_leave(actor, 2, &mut rng),
            Self::Role(user, role) => roster.propose_role(actor, user, role, 2, &mut rng),
            Self::Replace(new, _) => roster.propose_replace(actor, new.card(), 2, &mut rng),
            Self::Delete => roster.propose_delete(actor, 2, &mut rng),
        }
    }

    /// The entry as somebody writes it who ignores every rule.
    pub(crate) fn forge(self, roster: &Roster, actor: &'a Identity) -> Vec<u8> {
        let action = match self {
            Self::Add(people, role) => Action::Add(people.iter().map(|person| named(person, role)).collect()),
            Self::Join => Action::Join(named(actor, Role::Member)),
            Self::Remove(user) => Action::Remove(user),
            Self::Leave => Action::Leave,
            Self::Role(user, role) => Action::Role(user, role),
            Self::Replace(new, role) => Action::Replace(named(new, role)),
            Self::Delete => Action::Delete,
        };
        Forgery::after(roster, actor, action).bytes()
    }
}

/// An entry with any fields, signed by anybody.
pub(crate) struct Forgery<'a> {
    pub(crate) group_id: [u8; 32],
    pub(crate) epoch: u64,
    pub(crate) previous: [u8; 32],
    pub(crate) actor: &'a str,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) action: Action<'a>,
    pub(crate) signer: &'a Identity,
}

impl<'a> Forgery<'a> {
    /// What `actor` would sign as the entry after the head.
    pub(crate) fn after(roster: &Roster, actor: &'a Identity, action: Action<'a>) -> Self {
        Self {
            group_id: *roster.group_id(),
            epoch: roster.epoch() + 1,
            previous: *roster.hash(),
            actor: actor.user(),
            fingerprint: *actor.fingerprint().as_bytes(),
            action,
            signer: actor,
        }
    }

    /// What `actor` would sign as the create entry of a group.
    pub(crate) fn founding(actor: &'a Identity, members: Vec<MemberFields<'a>>) -> Self {
        let (label, open, add_role) = ("team", false, Role::Admin);
        Self {
            group_id: [0; 32],
            epoch: 0,
            previous: [0; 32],
            actor: actor.user(),
            fingerprint: *actor.fingerprint().as_bytes(),
            action: Action::Create { label, open, add_role, random: &[7; 32], members },
            signer: actor,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let fields = EntryFields {
            group_id: &self.group_id,
            epoch: self.epoch,
            previous: &self.previous,
            actor: self.actor,
            actor_fingerprint: &self.fingerprint,
            timestamp_ms: 3,
            action: self.action.clone(),
        };
        let mut entry = Vec::new();
        fields.put(&mut entry).unwrap();
        let signature = self.signer.sign(&mut ScriptedRandom::new("sign"), Label::Roster, &[&entry]).unwrap();
        entry.extend(signature);
        entry
    }
}
