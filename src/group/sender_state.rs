//! A group sender as bytes, to be sealed by the caller (`docs/PROTOCOL.md` section 9), and back. The layout is private
//! to this library; every field is checked when it is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::Secret;
use crate::crypto::ecc::SignPrivate;
use crate::error::{Error, Result};
use crate::group::distribution::{put_chain, read_chain};
use crate::group::own_key::{OwnKey, Snapshot};
use crate::group::sender::{GroupSender, GroupSenderOptions};
use crate::group::state::{
    Out, boolean, count, option, put_bool, put_count, put_option, put_previous, read_previous,
};
use crate::identity::{Fingerprint, Identity};
use crate::limits::{GROUP_MEMBERS_MAX, LEASE_MAX};
use crate::roster::Roster;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::Padding;
use crate::wire::name;

impl GroupSender {
    /// Of what [`GroupSender::export`] writes.
    pub const FORMAT: u16 = 1;

    /// The whole state. At most `lease` messages may be sent after this before the next export; an import skips as
    /// many. A rotation needs an export of its own.
    ///
    /// [`Error::InvalidArgument`] for a lease above [`LEASE_MAX`].
    pub fn export(&self, lease: u32) -> Result<Zeroizing<Vec<u8>>> {
        if lease > LEASE_MAX {
            return Err(Error::InvalidArgument);
        }
        let mut out = Zeroizing::new(Vec::with_capacity(1_024));
        out.put_bytes8(self.user.as_bytes())?;
        out.put(self.fingerprint.as_bytes());
        out.put(&self.group_id);
        out.put_u32(self.options.rotate_messages);
        out.put_u64(self.options.rotate_ms);
        put_bool(&mut out, self.options.padding == Padding::Padme);
        put_bool(&mut out, self.options.confirm);
        put_option(&mut out, self.previous.as_ref(), put_previous);
        out.put_u64(self.latest_ms);
        out.put_u32(lease);
        put_key(&mut out, &self.key)?;
        Ok(out)
    }

    /// Reads what [`GroupSender::export`] gave, with the format that it was sealed under, and skips its lease; the
    /// next message says so.
    ///
    /// [`Error::UnsupportedVersion`] for another format, [`Error::WrongSession`] if it belongs to another identity, [`Error::WrongGroup`] if to another group,
    /// [`Error::Malformed`] for anything that no export gives.
    pub fn import(identity: &Identity, roster: &Roster, format: u16, payload: &[u8]) -> Result<Self> {
        if format != Self::FORMAT {
            return Err(Error::UnsupportedVersion);
        }
        let mut reader = Reader::new(payload);
        let user = name::read_user(&mut reader)?.to_owned();
        let fingerprint = Fingerprint::from_bytes(*reader.array()?);
        let group_id = *reader.array()?;
        if user != identity.user() || fingerprint != identity.fingerprint() {
            return Err(Error::WrongSession);
        }
        if group_id != *roster.group_id() {
            return Err(Error::WrongGroup);
        }
        let options = GroupSenderOptions {
            rotate_messages: reader.u32()?,
            rotate_ms: reader.u64()?,
            padding: if boolean(&mut reader)? { Padding::Padme } else { Padding::None },
            confirm: boolean(&mut reader)?,
        };
        options.check().map_err(|_| Error::Malformed)?;
        let previous = option(&mut reader, read_previous)?;
        let latest_ms = reader.u64()?;
        let lease = reader.u32()?;
        let mut key = read_key(&mut reader)?;
        reader.finish()?;
        if lease > LEASE_MAX
            || !key.is_sound()
            || previous.is_some_and(|previous| previous.key_id == key.key_id)
        {
            return Err(Error::Malformed);
        }
        key.resume(lease)?;
        Ok(Self { user, fingerprint, group_id, options, key, previous, latest_ms, slot: Secret::zeroed() })
    }
}

fn put_key(out: &mut Out, key: &OwnKey) -> Result<()> {
    out.put(&key.key_id);
    out.put_u64(key.epoch);
    out.put(&key.roster_hash);
    out.put(key.signing.to_bytes().as_bytes());
    put_chain(out, &key.chain);
    put_option(out, key.link.as_ref(), |out, link| out.put(link));
    put_option(out, key.resumed_from.as_ref(), |out, from| out.put_u32(*from));
    out.put_u64(key.made_ms);
    put_bool(out, key.snapshot.is_some());
    if let Some(snapshot) = &key.snapshot {
        put_chain(out, &snapshot.chain);
        put_option(out, snapshot.link.as_ref(), |out, link| out.put(link));
        put_count(out, snapshot.waiting.len())?;
        for user in &snapshot.waiting {
            out.put_bytes8(user.as_bytes())?;
        }
    }
    Ok(())
}

fn read_key(reader: &mut Reader<'_>) -> Result<OwnKey> {
    Ok(OwnKey {
        key_id: *reader.array()?,
        epoch: reader.u64()?,
        roster_hash: *reader.array()?,
        signing: SignPrivate::from_bytes(reader.array()?)?,
        chain: read_chain(reader)?,
        link: option(reader, |reader| reader.array().copied())?,
        resumed_from: option(reader, Reader::u32)?,
        made_ms: reader.u64()?,
        snapshot: option(reader, read_snapshot)?,
    })
}

fn read_snapshot(reader: &mut Reader<'_>) -> Result<Snapshot> {
    let chain = read_chain(reader)?;
    let link = option(reader, |reader| reader.array().copied())?;
    let mut waiting: BTreeSet<Arc<str>> = BTreeSet::new();
    for _ in 0..count(reader, GROUP_MEMBERS_MAX)? {
        let user = Arc::from(name::read_user(reader)?);
        if waiting.last().is_some_and(|last| *last >= user) {
            return Err(Error::Malformed);
        }
        waiting.insert(user);
    }
    Ok(Snapshot { chain, link, waiting })
}
