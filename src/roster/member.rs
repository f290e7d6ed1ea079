//! One member, with keys that were checked.

use std::sync::Arc;

use crate::crypto::ecc::{AgreePublic, SignPublic};
use crate::error::{Error, Result};
use crate::identity::{Card, Fingerprint};
use crate::wire::roster::{MemberFields, Role};

/// A member of a group at some epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    user: Arc<str>,
    sign_key: SignPublic,
    agree_key: AgreePublic,
    fingerprint: Fingerprint,
    role: Role,
    since_epoch: u64,
}

impl Member {
    /// Takes what an entry of `epoch` says of a member. [`Error::Malformed`] if a key is not a point or both are one.
    pub(super) fn read(fields: &MemberFields<'_>, epoch: u64) -> Result<Self> {
        if fields.sign_key == fields.agree_key {
            return Err(Error::Malformed);
        }
        let sign_key = SignPublic::from_bytes(fields.sign_key)?;
        let agree_key = AgreePublic::from_bytes(fields.agree_key)?;
        let fingerprint = Fingerprint::of(fields.user, &sign_key, &agree_key)?;
        let user = Arc::from(fields.user);
        Ok(Self { user, sign_key, agree_key, fingerprint, role: fields.role, since_epoch: epoch })
    }

    /// What an entry says of a card's owner.
    pub(super) fn fields(card: &Card, role: Role) -> MemberFields<'_> {
        MemberFields {
            user: card.user(),
            sign_key: card.sign_key().as_bytes(),
            agree_key: card.agree_key().as_bytes(),
            role,
        }
    }

    pub(super) fn set_role(&mut self, role: Role) {
        self.role = role;
    }

    /// Who it is, cheap to share.
    #[must_use]
    pub fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// The key under which it signs.
    #[must_use]
    pub fn sign_key(&self) -> &SignPublic {
        &self.sign_key
    }

    /// The key with which it agrees on sessions.
    #[must_use]
    pub fn agree_key(&self) -> &AgreePublic {
        &self.agree_key
    }

    /// The identity that the log vouches for.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// What it may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The epoch of the entry that brought this user in with these keys, the last time.
    #[must_use]
    pub fn since_epoch(&self) -> u64 {
        self.since_epoch
    }
}
