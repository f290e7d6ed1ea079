//! Keys of the past, shared on purpose (`docs/PROTOCOL.md` section 8.6).

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::groups::GroupId;
use crate::client::groups::group::{KeyId, Receiver, Standing};
use crate::client::groups::request::What;
use crate::client::outbox::Target;
use crate::error::{Error, Result};
use crate::group::{GroupReceiver, GroupReceiverOptions, History};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::ContentKind;
use crate::wire::name::{check_user, read_user};

/// One key to be shared, as the outbox holds it: what it opens is put in when it is sealed.
struct Sharing {
    group: GroupId,
    sender: Box<str>,
    key_id: KeyId,
    from: u32,
}

impl Sharing {
    fn to_body(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(Vec::new());
        out.put(&self.group);
        out.put_bytes8(self.sender.as_bytes())?;
        out.put(&self.key_id);
        out.put_u32(self.from);
        Ok(out)
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let sharing = Self {
            group: *reader.array()?,
            sender: read_user(&mut reader)?.into(),
            key_id: *reader.array()?,
            from: reader.u32()?,
        };
        reader.finish()?;
        Ok(sharing)
    }
}

impl Client {
    /// Shares what we have kept of a group's past with a member: it can read the messages of keys that are out of use, in
    /// our word. Takes the option `retain_history`, and that the application has accepted the member's identity or
    /// written to it. Our own messages are not among them. Refused with [`Error::UnknownKey`] if there is nothing to
    /// share.
    pub fn share_history(&mut self, group: &GroupId, user: &str, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        check_user(user.as_bytes())?;
        self.request(What::Share { user: user.into() }, Some(*group))
    }

    /// Puts the keys on their way. The inner error says why not.
    pub(super) fn share_past(&mut self, id: &GroupId, user: &str) -> Result<Result<()>> {
        if user == self.identity.user() {
            return Ok(Err(Error::InvalidArgument));
        }
        let peer = self.peer(user)?;
        if peer.changed.is_some() {
            return Ok(Err(Error::IdentityChanged));
        }
        let Some(pinned) = peer.fingerprint().filter(|_| peer.accepted) else {
            return Ok(Err(Error::NotPermitted));
        };
        let Some(group) = self.group(id)?.filter(|group| group.standing == Standing::Member) else {
            return Ok(Err(Error::NotAMember));
        };
        let (Some(roster), Some(receiver)) = (&group.roster, &group.receiver) else {
            return Err(Error::Internal);
        };
        if let Err(status) = roster.entitled(user, &pinned) {
            return Ok(Err(status));
        }
        let info = receiver.keys.info();
        let retired = info.senders.iter().flat_map(|sender| {
            let closed = sender.keys.iter().filter(|key| key.closes_ms.is_some());
            closed.map(|key| (sender.user.as_str(), key.key_id, key.first))
        });
        let retained = info.retained.iter().map(|kept| (kept.sender.as_str(), kept.key_id, kept.first));
        let mut bodies = Vec::new();
        for (sender, key_id, from) in retained.chain(retired) {
            if receiver.keys.history(roster, user, &pinned, sender, &key_id, from).is_ok() {
                let sharing = Sharing { group: *id, sender: sender.into(), key_id, from };
                bodies.push(sharing.to_body()?);
            }
        }
        if bodies.is_empty() {
            return Ok(Err(Error::UnknownKey));
        }
        for body in bodies {
            self.enqueue(Target::User(user.into()), ContentKind::History, body)?;
        }
        Ok(Ok(()))
    }

    /// What a shared key that waits for this peer says, now that it is sealed; nothing if it must not go any more.
    pub(in crate::client) fn history_body(
        &mut self,
        user: &str,
        waiting: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Sharing { group: id, sender, key_id, from } = Sharing::read(waiting)?;
        let Some(fingerprint) = self.session_fingerprint(user) else { return Ok(None) };
        let Some(group) = self.group(&id)? else { return Ok(None) };
        let (Some(roster), Some(receiver)) = (&group.roster, &group.receiver) else { return Ok(None) };
        match receiver.keys.history(roster, user, &fingerprint, &sender, &key_id, from) {
            Ok(history) => history.encode().map(Some),
            Err(_) => Ok(None),
        }
    }

    /// A peer shares a key of the past with us.
    pub(in crate::client) fn history_shared(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let now_ms = self.now_ms;
        let (Ok(history), Some(fingerprint)) = (History::decode(body), self.session_fingerprint(user)) else {
            self.drop_garbage();
            return Ok(());
        };
        let id = *history.group_id();
        if self.group(&id)?.is_none_or(|group| group.standing != Standing::Member) {
            self.drop_garbage();
            return Ok(());
        }
        let Self { groups, identity, .. } = self;
        let Some(group) = groups.loaded(&id) else { return Ok(()) };
        let Some(roster) = &group.roster else { return Err(Error::Internal) };
        let shared = match &mut group.shared {
            Some(shared) => shared,
            shared => {
                let options = GroupReceiverOptions { history: true, ..GroupReceiverOptions::default() };
                shared.insert(Receiver::new(GroupReceiver::new(identity, roster, options, now_ms)?))
            }
        };
        let installed = shared.keys.install_history(roster, user, &fingerprint, &history, now_ms);
        group.dirty.shared = true;
        groups.dirty.insert(id);
        if installed.is_err() {
            self.drop_garbage();
            return Ok(());
        }
        self.retry_pending(&id, Some((history.sender(), history.key_id())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_reads_back() {
        let sharing = Sharing { group: [1; 32], sender: "bob".into(), key_id: [2; 8], from: 7 };
        let bytes = sharing.to_body().unwrap();
        let read = Sharing::read(&bytes).unwrap();
        assert_eq!((read.group, &*read.sender, read.key_id, read.from), ([1; 32], "bob", [2; 8], 7));
        assert!(Sharing::read(&bytes[..bytes.len() - 1]).is_err());
    }
}
