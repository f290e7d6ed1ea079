//! The handshake that makes an inner session (`docs/PROTOCOL.md` section 5.2), both sides of it.

use crate::crypto::Secret;
use crate::crypto::ecc::{AgreePrivate, AgreePublic};
use crate::crypto::kdf::{self, Hasher, Label};
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::{Card, Identity, PrekeyBundle};
use crate::session::header::Header;
use crate::session::inner::{Inner, Level, Role, block_hash};
use crate::session::ratchet::Ratchet;
use crate::wire::SUITE;
use crate::wire::codec::Put as _;
use crate::wire::session::{self as wire, Handshake, PrekeyIds, SessionMessage};

/// Everything both sides must agree on before they share a key.
pub(super) struct Transcript<'a> {
    pub(super) flags: u8,
    pub(super) initiator: &'a Card,
    pub(super) responder: &'a Card,
    pub(super) created_ms: u64,
    pub(super) ephemeral: &'a AgreePublic,
    pub(super) signed: Option<(u32, &'a AgreePublic)>,
    pub(super) one_time: Option<(u32, &'a AgreePublic)>,
}

impl Transcript<'_> {
    pub(super) fn hash(&self) -> Result<[u8; 32]> {
        let mut hasher = Hasher::new(Label::Transcript);
        hasher.put_u16(SUITE);
        hasher.put_u8(self.flags);
        for side in [self.initiator, self.responder] {
            hasher.put_bytes8(side.user().as_bytes())?;
            hasher.put_bytes8(side.sign_key().as_bytes())?;
            hasher.put_bytes8(side.agree_key().as_bytes())?;
        }
        hasher.put_u64(self.created_ms);
        hasher.put_bytes8(self.ephemeral.as_bytes())?;
        for prekey in [self.signed, self.one_time] {
            let (id, key) = prekey.map_or((0, [].as_slice()), |(id, key)| (id, key.as_bytes().as_slice()));
            hasher.put_u8(u8::from(prekey.is_some()));
            hasher.put_u32(id);
            hasher.put_bytes8(key)?;
        }
        hasher.put_bytes16(b"")?;
        Ok(hasher.finish())
    }

    fn level(&self) -> Level {
        match (self.signed, self.one_time) {
            (None, _) => Level::Plain,
            (Some(_), None) => Level::Signed,
            (Some(_), Some(_)) => Level::OneTime,
        }
    }
}

/// The first keys of an inner session.
pub(super) struct FirstKeys {
    pub(super) root: Secret<32>,
    pub(super) header_a: Secret<32>,
    pub(super) header_b: Secret<32>,
}

impl FirstKeys {
    /// From the agreements in the order of 5.2.
    pub(super) fn derive(handshake_hash: &[u8; 32], shared: &[Secret<32>]) -> Self {
        let mut ikm: Vec<&[u8]> = vec![&[0xff; 32]];
        ikm.extend(shared.iter().map(|shared| shared.as_bytes().as_slice()));
        let mut context = [0; 34];
        let (suite, hash) = context.split_at_mut(2);
        suite.copy_from_slice(&SUITE.to_be_bytes());
        hash.copy_from_slice(handshake_hash);
        let mut out = Secret::<96>::zeroed();
        kdf::extract_expand(&[0; 32], &ikm, Label::Handshake, &context, out.as_mut_bytes());
        Self { root: out.part::<0, 32>(), header_a: out.part::<32, 32>(), header_b: out.part::<64, 32>() }
    }

    fn header_keys(self, hidden: bool) -> (Secret<32>, Option<(Secret<32>, Secret<32>)>) {
        (self.root, hidden.then_some((self.header_a, self.header_b)))
    }
}

/// Makes a handshake with the owner of `card`.
///
/// [`Error::InvalidArgument`] with ourselves or with a bundle of somebody else, [`Error::Expired`] with a signed
/// prekey past its time, [`Error::PrekeysRequired`] without prekeys where the card asks for them.
pub(super) fn initiate(
    identity: &Identity,
    card: &Card,
    bundle: Option<&PrekeyBundle>,
    hidden: bool,
    now_ms: u64,
    rng: &mut dyn Random,
) -> Result<Inner> {
    check_distinct(identity.card(), card).map_err(|_| Error::InvalidArgument)?;
    match bundle {
        Some(bundle) if bundle.fingerprint() != card.fingerprint() => return Err(Error::InvalidArgument),
        Some(bundle) => bundle.check_time(now_ms)?,
        None if card.prekeys_required() => return Err(Error::PrekeysRequired),
        None => {}
    }
    let signed = bundle.map(|bundle| (bundle.signed().id, &bundle.signed().key));
    let one_time = bundle.and_then(|bundle| bundle.one_time().first()).map(|prekey| (prekey.id, &prekey.key));
    let ephemeral = AgreePrivate::generate(rng)?;
    let ratchet_key = AgreePrivate::generate(rng)?;

    let transcript = Transcript {
        flags: flags(hidden),
        initiator: identity.card(),
        responder: card,
        created_ms: now_ms,
        ephemeral: ephemeral.public(),
        signed,
        one_time,
    };
    let hash = transcript.hash()?;
    let first = signed.map_or(card.agree_key(), |(_, key)| key);
    let mut shared = vec![identity.agree(first)?, ephemeral.agree(card.agree_key())?];
    for (_, key) in signed.into_iter().chain(one_time) {
        shared.push(ephemeral.agree(key)?);
    }
    let (root, header_keys) = FirstKeys::derive(&hash, &shared).header_keys(hidden);

    let mut block = Vec::new();
    Handshake {
        card: identity.card().as_bytes(),
        created_ms: now_ms,
        ephemeral: ephemeral.public().as_bytes(),
        prekeys: signed.map(|(signed, _)| PrekeyIds { signed, one_time: one_time.map(|(id, _)| id) }),
    }
    .put(&mut block)?;
    let role = Role::Initiator { block: Some(block.into_boxed_slice()) };
    let ratchet = Ratchet::initiator(&root, ratchet_key, first.clone(), header_keys)?;
    Ok(Inner::new(hash, role, transcript.level(), now_ms, ratchet, now_ms))
}

/// A handshake of the peer that was computed, and what our identity must remember of it.
pub(super) struct Accepted {
    pub(super) inner: Inner,
    pub(super) first: FirstMessage,
}

/// What tells one first message from every other.
pub(super) struct FirstMessage {
    pub(super) signed_id: Option<u32>,
    pub(super) one_time_id: Option<u32>,
    pub(super) ephemeral_hash: [u8; 32],
    pub(super) created_ms: u64,
}

impl FirstMessage {
    /// Whether our identity still takes it (5.6, steps 3b and 3c).
    pub(super) fn check(&self, identity: &Identity, now_ms: u64) -> Result<()> {
        match identity.check_first_message(self.signed_id, &self.ephemeral_hash, self.created_ms, now_ms) {
            // Its one-time prekey goes with it, so that nobody can repeat it.
            Err(Error::LimitReached) if self.one_time_id.is_some() => {}
            checked => checked?,
        }
        self.one_time_id.map_or(Ok(()), |id| identity.one_time_prekey(id, now_ms).map(drop))
    }

    /// Lets our identity remember it and erase its one-time prekey.
    pub(super) fn accept(&self, identity: &mut Identity, now_ms: u64) {
        identity.accept_first_message(
            self.signed_id,
            self.one_time_id,
            &self.ephemeral_hash,
            self.created_ms,
            now_ms,
        );
    }
}

/// The handshake of a first message from the owner of `card`, and the first receiving half-step, so that the private
/// half of a prekey is used here and nowhere else (5.6, steps 3b to 3d). Nothing is authenticated yet.
pub(super) fn respond(
    identity: &Identity,
    card: &Card,
    message: &SessionMessage<'_>,
    block: &Handshake<'_>,
    now_ms: u64,
) -> Result<Accepted> {
    check_distinct(identity.card(), card)?;
    if block.prekeys.is_none() && identity.card().prekeys_required() {
        return Err(Error::PrekeysRequired);
    }
    let first = FirstMessage {
        signed_id: block.signed_id(),
        one_time_id: block.one_time_id(),
        ephemeral_hash: kdf::hash(Label::Ephemeral, &[block.ephemeral]),
        created_ms: block.created_ms,
    };
    first.check(identity, now_ms)?;
    let ephemeral = AgreePublic::from_bytes(block.ephemeral)?;
    let signed = block.signed_id().map(|id| Ok((id, identity.signed_prekey(id, now_ms)?))).transpose()?;
    let one_time =
        block.one_time_id().map(|id| Ok((id, identity.one_time_prekey(id, now_ms)?))).transpose()?;

    let transcript = Transcript {
        flags: flags(message.front.hidden_header),
        initiator: card,
        responder: identity.card(),
        created_ms: block.created_ms,
        ephemeral: &ephemeral,
        signed: signed.map(|(id, key)| (id, key.public())),
        one_time: one_time.map(|(id, key)| (id, key.public())),
    };
    let hash = transcript.hash()?;
    if !hash.starts_with(message.front.key_id) {
        return Err(Error::Malformed);
    }
    if let wire::Header::Plain(header) = message.header {
        Header::from(header).check_new_chain()?;
    }
    let agree_first = |key: &AgreePublic| match signed {
        Some((_, private)) => private.agree(key),
        None => identity.agree(key),
    };
    let mut shared = vec![agree_first(card.agree_key())?, identity.agree(&ephemeral)?];
    for (_, private) in signed.into_iter().chain(one_time) {
        shared.push(private.agree(&ephemeral)?);
    }
    let keys = FirstKeys::derive(&hash, &shared);

    let header = match message.header {
        wire::Header::Plain(header) => Header::from(header),
        wire::Header::Hidden { nonce, sealed } => {
            Header::reveal(&keys.header_a, nonce, message.before_header, sealed)?
        }
    };
    header.check_new_chain()?;
    let ratchet_key = AgreePublic::from_bytes(&header.ratchet_key)?;
    let level = transcript.level();
    let (root, header_keys) = keys.header_keys(message.front.hidden_header);
    let ratchet = Ratchet::responder(&root, &agree_first(&ratchet_key)?, ratchet_key, header_keys);
    let role = Role::Responder { block: block_hash(block)? };
    Ok(Accepted { inner: Inner::new(hash, role, level, block.created_ms, ratchet, now_ms), first })
}

fn check_distinct(a: &Card, b: &Card) -> Result<()> {
    if a.user() == b.user() || a.agree_key() == b.agree_key() { Err(Error::Malformed) } else { Ok(()) }
}

fn flags(hidden: bool) -> u8 {
    u8::from(hidden)
}
