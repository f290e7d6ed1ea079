//! A session as bytes, to be sealed by the caller (`docs/PROTOCOL.md` section 9), and back. The layout is private to
//! this library; every field is checked when it is read.

use zeroize::Zeroizing;

use crate::crypto::Secret;
use crate::crypto::ecc::{AgreePrivate, AgreePublic};
use crate::error::{Error, Result};
use crate::identity::{Fingerprint, Identity};
use crate::limits::{
    LEASE_MAX, SESSION_PAST_RATCHETS, SESSION_RECENT_MAX, SESSION_SKIPPED_CHAINS_MAX,
    SESSION_SKIPPED_KEYS_MAX, SESSIONS_PER_PEER_MAX,
};
use crate::session::chain::{Chain, Skipped, Step};
use crate::session::header::HeaderKeys;
use crate::session::inner::{Heard, Inner, Level, Role};
use crate::session::ratchet::{PastRatchets, Ratchet, Sending};
use crate::session::renewal::Renewal;
use crate::session::skipped::SkippedKeys;
use crate::session::{Floor, Session, standing};
use crate::wire::codec::{Put, Reader};
use crate::wire::content::Padding;
use crate::wire::name;
use crate::wire::recent::Recent;
use crate::wire::session::Handshake;

type Out = Zeroizing<Vec<u8>>;

impl Session {
    /// The format of what [`Session::export`] gives.
    pub const FORMAT: u16 = 1;

    /// The whole state. At most `lease` messages may be sent after this before the next export; an import skips as
    /// many. A received message, the first message of a turn and a renewal each need an export of their own.
    ///
    /// [`Error::InvalidArgument`] for a lease above [`LEASE_MAX`].
    pub fn export(&self, lease: u32) -> Result<Zeroizing<Vec<u8>>> {
        if lease > LEASE_MAX {
            return Err(Error::InvalidArgument);
        }
        let mut out = Zeroizing::new(Vec::new());
        out.put_bytes8(self.own.user().as_bytes())?;
        out.put(self.own.fingerprint().as_bytes());
        out.put_bytes8(self.peer_user.as_bytes())?;
        out.put(self.peer_fingerprint.as_bytes());
        put_bool(&mut out, self.hidden_header);
        put_bool(&mut out, self.padding == Padding::Padme);
        put_bool(&mut out, self.floor.made);
        put_bool(&mut out, self.floor.opened);
        out.put_u64(self.latest_ms);
        put_option(&mut out, self.renewal.made_ms.as_ref(), |out, made_ms| out.put_u64(*made_ms));
        out.put_u32(self.renewal.unanswered);
        put_count(&mut out, self.recent.ids().len())?;
        for id in self.recent.ids() {
            out.put(id);
        }
        out.put_u32(lease);
        put_count(&mut out, self.inner.len())?;
        for inner in &self.inner {
            put_inner(&mut out, inner)?;
        }
        Ok(out)
    }

    /// Reads what [`Session::export`] gave, with the format that it was sealed under, and skips its lease.
    ///
    /// [`Error::UnsupportedVersion`] for another format, [`Error::WrongSession`] if it belongs to another identity, [`Error::Malformed`] for anything that no export
    /// gives.
    pub fn import(identity: &Identity, format: u16, payload: &[u8]) -> Result<Self> {
        if format != Self::FORMAT {
            return Err(Error::UnsupportedVersion);
        }
        let mut reader = Reader::new(payload);
        let own_user = name::read_user(&mut reader)?;
        let own_fingerprint = Fingerprint::from_bytes(*reader.array()?);
        let peer_user = name::read_user(&mut reader)?.into();
        let peer_fingerprint = Fingerprint::from_bytes(*reader.array()?);
        if own_fingerprint != identity.fingerprint() || own_user != identity.user() {
            return Err(Error::WrongSession);
        }
        let hidden_header = boolean(&mut reader)?;
        let padding = if boolean(&mut reader)? { Padding::Padme } else { Padding::None };
        let floor = Floor { made: boolean(&mut reader)?, opened: boolean(&mut reader)? };
        let latest_ms = reader.u64()?;
        let renewal = Renewal { made_ms: option(&mut reader, Reader::u64)?, unanswered: reader.u32()? };
        let mut recent = Recent::default();
        for _ in 0..count(&mut reader, SESSION_RECENT_MAX)? {
            recent.put(*reader.array()?);
        }
        let lease = reader.u32()?;
        let mut inner = Vec::new();
        for _ in 0..count(&mut reader, SESSIONS_PER_PEER_MAX)? {
            inner.reserve_exact(1);
            inner.push(read_inner(&mut reader)?);
        }
        reader.finish()?;
        if lease > LEASE_MAX || !standing::is_sound(&inner) {
            return Err(Error::Malformed);
        }
        let sending = standing::active(&inner).and_then(|at| inner.get_mut(at)).ok_or(Error::Malformed)?;
        sending.skip_lease(lease)?;
        Ok(Self {
            own: identity.card().clone(),
            peer_user,
            peer_fingerprint,
            hidden_header,
            padding,
            inner,
            recent,
            renewal,
            floor,
            latest_ms,
            revision: 0,
            step: Some(Step::new()),
        })
    }
}

fn put_inner(out: &mut Out, inner: &Inner) -> Result<()> {
    out.put(&inner.hash);
    match &inner.role {
        Role::Responder { block } => {
            out.put_u8(0);
            out.put(block);
        }
        Role::Initiator { block: Some(block) } => {
            out.put_u8(1);
            out.put_bytes16(block)?;
        }
        Role::Initiator { block: None } => out.put_u8(2),
    }
    out.put_u8(inner.level as u8);
    out.put_u64(inner.created_ms);
    put_bool(out, inner.retired);
    put_option(out, inner.heard.as_ref(), |out, heard| {
        out.put_u64(heard.earliest_ms);
        out.put_u64(heard.latest_ms);
    });
    out.put_u64(inner.used_ms);
    out.put_u32(inner.unanswered);
    put_ratchet(out, &inner.ratchet)
}

fn read_inner(reader: &mut Reader<'_>) -> Result<Inner> {
    let hash = *reader.array()?;
    let role = match reader.u8()? {
        0 => Role::Responder { block: *reader.array()? },
        1 => Role::Initiator { block: Some(read_block(reader)?) },
        2 => Role::Initiator { block: None },
        _ => return Err(Error::Malformed),
    };
    let level = match reader.u8()? {
        0 => Level::Plain,
        1 => Level::Signed,
        2 => Level::OneTime,
        _ => return Err(Error::Malformed),
    };
    let created_ms = reader.u64()?;
    let retired = boolean(reader)?;
    let heard = option(reader, |reader| Ok(Heard { earliest_ms: reader.u64()?, latest_ms: reader.u64()? }))?;
    let (used_ms, unanswered) = (reader.u64()?, reader.u32()?);
    let ratchet = read_ratchet(reader)?;
    let answered = matches!(role, Role::Initiator { block: None });
    let waiting = matches!(role, Role::Initiator { block: Some(_) });
    if (answered && heard.is_none()) || (waiting && heard.is_some()) {
        return Err(Error::Malformed);
    }
    Ok(Inner { hash, role, level, created_ms, ratchet, retired, heard, used_ms, unanswered })
}

/// The handshake block that we send, which has to be one.
fn read_block(reader: &mut Reader<'_>) -> Result<Box<[u8]>> {
    let block = reader.bytes16(1..=usize::from(u16::MAX))?;
    let mut inside = Reader::new(block);
    Handshake::read(&mut inside)?;
    inside.finish()?;
    Ok(block.into())
}

fn put_ratchet(out: &mut Out, ratchet: &Ratchet) -> Result<()> {
    put_secret(out, &ratchet.root);
    out.put(ratchet.remote.as_bytes());
    put_option(out, ratchet.sending.as_ref(), |out, sending| {
        put_secret(out, &sending.own.to_bytes());
        put_chain(out, &sending.chain);
        out.put_u32(sending.passed);
    });
    put_option(out, ratchet.receiving.as_ref(), put_chain);
    out.put_u32(ratchet.previous_count);
    put_option(out, ratchet.headers.as_ref(), |out, headers| {
        put_option(out, headers.sending.as_ref(), put_secret);
        put_secret(out, &headers.next_sending);
        put_option(out, headers.receiving.as_ref(), put_secret);
        put_secret(out, &headers.next_receiving);
    });
    put_count(out, ratchet.skipped.chains().len())?;
    for chain in ratchet.skipped.chains() {
        out.put(&chain.ratchet_key);
        put_option(out, chain.header_key.as_ref(), put_secret);
        out.put_u16(u16::try_from(chain.keys.len()).map_err(|_| Error::Internal)?);
        for (counter, key) in &chain.keys {
            out.put_u32(*counter);
            put_secret(out, key);
        }
    }
    put_count(out, ratchet.past.0.len())?;
    for tag in &ratchet.past.0 {
        out.put(tag);
    }
    Ok(())
}

fn read_ratchet(reader: &mut Reader<'_>) -> Result<Ratchet> {
    let root = secret(reader)?;
    let remote = AgreePublic::from_bytes(reader.array::<65>()?)?;
    let sending = option(reader, |reader| {
        let own = AgreePrivate::from_bytes(reader.array()?)?;
        Ok(Sending { own, chain: chain(reader)?, passed: reader.u32()? })
    })?;
    let receiving = option(reader, chain)?;
    let previous_count = reader.u32()?;
    let headers = option(reader, |reader| {
        Ok(HeaderKeys {
            sending: option(reader, secret)?,
            next_sending: secret(reader)?,
            receiving: option(reader, secret)?,
            next_receiving: secret(reader)?,
        })
    })?;
    let mut skipped = SkippedKeys::default();
    for _ in 0..count(reader, SESSION_SKIPPED_CHAINS_MAX)? {
        read_skipped(reader, headers.is_some(), &mut skipped)?;
    }
    let mut past = PastRatchets::default();
    for _ in 0..count(reader, SESSION_PAST_RATCHETS)? {
        past.0.push(*reader.array()?);
    }
    let has_header_keys = headers.as_ref().is_none_or(|headers| {
        headers.sending.is_some() >= sending.is_some() && headers.receiving.is_some() == receiving.is_some()
    });
    if !has_header_keys || (sending.is_none() && receiving.is_none()) {
        return Err(Error::Malformed);
    }
    Ok(Ratchet { root, remote, sending, receiving, previous_count, headers, skipped, past })
}

fn read_skipped(reader: &mut Reader<'_>, hidden: bool, skipped: &mut SkippedKeys) -> Result<()> {
    let ratchet_key = *reader.array()?;
    let header_key = option(reader, secret)?;
    let mut keys: Vec<Skipped> = Vec::new();
    for _ in 0..reader.u16()? {
        let counter = reader.u32()?;
        if keys.last().is_some_and(|(last, _)| *last >= counter) {
            return Err(Error::Malformed);
        }
        keys.push((counter, secret(reader)?));
    }
    let fits = skipped.count() + keys.len() <= SESSION_SKIPPED_KEYS_MAX;
    if keys.is_empty() || !fits || skipped.has_chain(&ratchet_key) || header_key.is_some() != hidden {
        return Err(Error::Malformed);
    }
    skipped.store(&ratchet_key, header_key.as_ref(), keys);
    Ok(())
}

fn put_bool(out: &mut Out, value: bool) {
    out.put_u8(u8::from(value));
}

fn boolean(reader: &mut Reader<'_>) -> Result<bool> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Malformed),
    }
}

fn put_option<T>(out: &mut Out, value: Option<&T>, put: impl FnOnce(&mut Out, &T)) {
    put_bool(out, value.is_some());
    if let Some(value) = value {
        put(out, value);
    }
}

fn option<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
) -> Result<Option<T>> {
    if boolean(reader)? { read(reader).map(Some) } else { Ok(None) }
}

fn put_count(out: &mut Out, count: usize) -> Result<()> {
    out.put_u8(u8::try_from(count).map_err(|_| Error::Internal)?);
    Ok(())
}

fn count(reader: &mut Reader<'_>, max: usize) -> Result<usize> {
    let count = usize::from(reader.u8()?);
    if count <= max { Ok(count) } else { Err(Error::Malformed) }
}

fn put_secret(out: &mut Out, secret: &Secret<32>) {
    out.put(secret.as_bytes());
}

fn secret(reader: &mut Reader<'_>) -> Result<Secret<32>> {
    Secret::from_slice(reader.take(32)?)
}

fn put_chain(out: &mut Out, chain: &Chain) {
    put_secret(out, chain.key());
    out.put_u32(chain.counter());
}

fn chain(reader: &mut Reader<'_>) -> Result<Chain> {
    Ok(Chain::new(secret(reader)?, reader.u32()?))
}
