//! Handing retired keys on (`docs/PROTOCOL.md` section 8.6).

use crate::error::{Error, Result};
use crate::group::chain::Chain;
use crate::group::history::History;
use crate::group::sender_key::SenderKey;
use crate::group::{GroupReceiver, check_own};
use crate::identity::Fingerprint;
use crate::roster::Roster;

impl GroupReceiver {
    /// A retired key of `sender` from a counter on, for one member, to be sent inside our session with it.
    ///
    /// [`Error::WrongGroup`], [`Error::GroupDeleted`]; [`Error::NotAMember`] if we or the peer are none;
    /// [`Error::IdentityChanged`] and [`Error::RosterForked`] for a peer that is not the member in every known
    /// branch; [`Error::NotPermitted`] for a key that is current; [`Error::UnknownKey`] for one that was not
    /// retained, or not from that counter on; [`Error::InvalidArgument`] for a counter beyond its last message.
    pub fn history(
        &self,
        roster: &Roster,
        peer: &str,
        fingerprint: &Fingerprint,
        sender: &str,
        key_id: &[u8; 8],
        from_counter: u32,
    ) -> Result<History> {
        self.check_group(roster)?;
        check_own(roster, &self.user, &self.fingerprint)?;
        roster.entitled(peer, fingerprint)?;
        let held = self.senders.get(sender).and_then(|keyring| keyring.find(key_id));
        let mut history = match held.filter(|_| !self.options.history) {
            Some(key) if key.closes_ms.is_none() => return Err(Error::NotPermitted),
            Some(key) => {
                let chain = key.retained.as_ref().ok_or(Error::UnknownKey)?;
                self.history_of(sender, key, chain.duplicate())
            }
            None => {
                let retained =
                    self.retained.iter().rfind(|kept| kept.sender == sender && kept.key_id == *key_id);
                retained.ok_or(Error::UnknownKey)?.duplicate()
            }
        };
        if from_counter < history.chain.counter() {
            return Err(Error::UnknownKey);
        }
        if from_counter >= history.end {
            return Err(Error::InvalidArgument);
        }
        history.chain.skip(from_counter)?;
        Ok(history)
    }

    /// What can be shared of a key, with the state at its first message.
    pub(super) fn history_of(&self, sender: &str, key: &SenderKey, chain: Chain) -> History {
        History {
            group_id: self.group_id,
            sender: sender.to_owned(),
            sender_fingerprint: key.owner,
            epoch: key.epoch,
            key_id: key.key_id,
            signing_key: key.signing_key.clone(),
            chain,
            end: key.end.unwrap_or(key.chain.counter()),
        }
    }
}

impl History {
    fn duplicate(&self) -> Self {
        Self {
            group_id: self.group_id,
            sender: self.sender.clone(),
            sender_fingerprint: self.sender_fingerprint,
            epoch: self.epoch,
            key_id: self.key_id,
            signing_key: self.signing_key.clone(),
            chain: self.chain.duplicate(),
            end: self.end,
        }
    }
}
