//! Whom one item goes to.

use std::sync::Arc;

use crate::relay::user::User;

/// The members of a group in one epoch. Shared with those who are sending and with what came of that, so that a
/// fan-out looks nobody up and counts no reference a member.
#[derive(Default)]
pub(super) struct Members {
    users: Box<[Arc<User>]>,
    /// Their names, one after another: a fan-out reads all of them in a row.
    names: String,
    /// Where each of them ends.
    ends: Box<[usize]>,
}

impl FromIterator<Arc<User>> for Members {
    fn from_iter<T: IntoIterator<Item = Arc<User>>>(users: T) -> Self {
        let users: Box<[Arc<User>]> = users.into_iter().collect();
        let mut names = String::new();
        let ends = users.iter().map(|user| {
            names.push_str(&user.name);
            names.len()
        });
        Self { ends: ends.collect(), names, users }
    }
}

impl Members {
    /// The users.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.iter()
    }

    fn name(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.names.get(start..end)
    }
}

/// The members of a group, one user, or both.
#[derive(Clone, Default)]
pub(super) struct Recipients {
    members: Option<Arc<Members>>,
    one: Option<Arc<User>>,
}

impl Recipients {
    /// One user alone.
    pub(super) const fn one(user: Arc<User>) -> Self {
        Self { members: None, one: Some(user) }
    }

    /// The members of a group, and perhaps one who is none any more.
    pub(super) fn members(members: &Arc<Members>, departed: Option<Arc<User>>) -> Self {
        Self { members: Some(Arc::clone(members)), one: departed }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.users().len() + usize::from(self.one.is_some())
    }

    /// All of them; their positions are what [`Recipients::name`] takes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users().iter().chain(&self.one)
    }

    /// The name of the one at a position, in memory that lives as long as the recipients.
    pub(super) fn name(&self, at: usize) -> &str {
        let member = self.members.as_ref().and_then(|members| members.name(at));
        member.or(self.one.as_ref().map(|user| &*user.name)).unwrap_or_default()
    }

    /// Bytes of all names.
    pub(super) fn names_len(&self) -> usize {
        let members = self.members.as_ref().map_or(0, |members| members.names.len());
        members + self.one.as_ref().map_or(0, |user| user.name.len())
    }

    fn users(&self) -> &[Arc<User>] {
        self.members.as_ref().map_or(&[], |members| &members.users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_users_at_their_positions() {
        let user = |name| Arc::new(User::new(name));
        let members: Arc<Members> = Arc::new(["alice", "b", "é/phone"].map(user).into_iter().collect());
        for departed in [None, Some(user("dave"))] {
            let recipients = Recipients::members(&members, departed);
            let names: Vec<_> = recipients.iter().map(|user| user.name.to_string()).collect();
            assert_eq!(names.len(), recipients.len());
            assert!(names.iter().enumerate().all(|(at, name)| recipients.name(at) == name));
        }
        let recipients = Recipients::one(user("erin"));
        assert_eq!((recipients.name(0), recipients.len()), ("erin", 1));
    }
}
