//! `tests/vectors/session.json`: handshakes of each level, root and chain steps, messages of each kind, contents and
//! padding (`docs/PROTOCOL.md` sections 5 and 6).
//!
//! Private keys, nonces and message ids come from a script, in the order in which the library draws them. What the
//! library makes of them is put together a second time from the primitives alone, and must be the same bytes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::vectors::{check, hex, label};
use sealwax::crypto::ecc::{AgreePrivate, AgreePublic};
use sealwax::crypto::rng::Random as _;
use sealwax::crypto::{Secret, aead, kdf};
use sealwax::identity::{Identity, IdentityOptions, PrekeyBundle};
use sealwax::session::{Level, Session, SessionOptions};
use sealwax::wire::content::{ContentKind, Padding};
use serde_json::{Map, Value, json};

const NOW: u64 = 1_800_000_000_000;

/// Where one vector differs from another.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    level: Level,
    hidden: bool,
    padding: Padding,
}

/// One side: the library's, and the keys that the script gave it.
struct Side {
    identity: Identity,
    agree: AgreePrivate,
    session: Option<Session>,
    /// Of the library.
    rng: ScriptedRandom,
    /// At the same place of the same script.
    again: ScriptedRandom,
    /// Messages of its last turn.
    count: u32,
}

impl Side {
    fn new(user: &str, case: Case) -> Self {
        let seed = format!("session vectors {} {user}", case.name);
        let (mut rng, mut again) = (ScriptedRandom::new(&seed), ScriptedRandom::new(&seed));
        let options = IdentityOptions { prekeys_required: false };
        let identity = Identity::generate(&mut rng, user, options, NOW).unwrap();
        let _sign = AgreePrivate::generate(&mut again).unwrap();
        let agree = AgreePrivate::generate(&mut again).unwrap();
        again.fill(&mut [0; 4]).unwrap();
        Self { identity, agree, session: None, rng, again, count: 0 }
    }

    fn card(&self) -> &[u8] {
        self.identity.card().as_bytes()
    }
}

/// The prekeys of the responder, in a bundle and as the script gave them.
struct Prekeys {
    bundle: PrekeyBundle,
    bytes: Vec<u8>,
    signed: AgreePrivate,
    one_time: Option<AgreePrivate>,
}

fn prekeys(of: &mut Side, level: Level) -> Option<Prekeys> {
    let one_time = match level {
        Level::Plain => return None,
        Level::Signed => 0,
        Level::OneTime => 1,
    };
    let bytes = of.identity.prekeys(&mut of.rng, one_time, NOW).unwrap();
    let bundle = PrekeyBundle::parse(&bytes, of.identity.card()).unwrap();
    let signed = AgreePrivate::generate(&mut of.again).unwrap();
    assert_eq!(signed.public(), &bundle.signed().key);
    let one_time = bundle.one_time().first().map(|_| AgreePrivate::generate(&mut of.again).unwrap());
    Some(Prekeys { bundle, bytes, signed, one_time })
}

fn vector8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn private(key: &AgreePrivate) -> Value {
    hex(key.to_bytes().as_bytes())
}

fn ecdh(private: &AgreePrivate, public: &AgreePublic) -> [u8; 32] {
    *private.agree(public).unwrap().as_bytes()
}

fn parts(out: &[u8; 96]) -> [[u8; 32]; 3] {
    [0, 1, 2].map(|part| out[32 * part..][..32].try_into().unwrap())
}

/// What both sides know of a session, in the terms of section 5.3.
struct Ratchet {
    hidden: bool,
    key_id: Vec<u8>,
    block: Vec<u8>,
    root: [u8; 32],
    /// Of the next turn, and of the one after it.
    header_keys: [[u8; 32]; 2],
    /// The ratchet key of whoever sends next, and the one that it answers.
    own: AgreePrivate,
    remote: AgreePublic,
}

/// Section 5.2, from the primitives.
fn handshake(alice: &mut Side, bob: &Side, prekeys: Option<&Prekeys>, case: Case) -> (Value, Ratchet) {
    let ephemeral = AgreePrivate::generate(&mut alice.again).unwrap();
    let ratchet = AgreePrivate::generate(&mut alice.again).unwrap();
    let signed = prekeys.map(|prekeys| (prekeys.bundle.signed().id, &prekeys.signed));
    let one_time = prekeys.and_then(|prekeys| {
        prekeys.one_time.as_ref().map(|private| (prekeys.bundle.one_time()[0].id, private))
    });
    let side = |side: &Side| {
        let card = side.identity.card();
        let keys = [vector8(card.sign_key().as_bytes()), vector8(card.agree_key().as_bytes())].concat();
        [vector8(card.user().as_bytes()), keys].concat()
    };
    let prekey = |prekey: Option<(u32, &AgreePrivate)>| match prekey {
        None => vec![0; 6],
        Some((id, key)) => [&[1], &id.to_be_bytes()[..], &vector8(key.public().as_bytes())].concat(),
    };
    let transcript = [
        vec![0, 1, u8::from(case.hidden)],
        side(alice),
        side(bob),
        NOW.to_be_bytes().to_vec(),
        vector8(ephemeral.public().as_bytes()),
        prekey(signed),
        prekey(one_time),
        vector16(b""),
    ]
    .concat();
    let hash = kdf::sha256(&[&label("sealwax transcript/1"), &transcript]);
    let first = signed.map_or(&bob.agree, |(_, key)| key);
    let mut shared = vec![ecdh(&alice.agree, first.public()), ecdh(&ephemeral, bob.agree.public())];
    shared.extend(signed.map(|(_, key)| ecdh(&ephemeral, key.public())));
    shared.extend(one_time.map(|(_, key)| ecdh(&ephemeral, key.public())));
    let ikm = [&[0xff; 32][..], &shared.concat()].concat();
    let info = [&label("sealwax handshake/1")[..], &[0, 1], &hash].concat();
    let mut out = [0; 96];
    kdf::hkdf_raw(&[0; 32], &ikm, &info, &mut out).unwrap();
    let [root, header_key_a, header_key_b] = parts(&out);

    let id = |prekey: Option<(u32, &AgreePrivate)>| {
        prekey.map_or(vec![0], |(id, _)| [&[1], &id.to_be_bytes()[..]].concat())
    };
    let block = [
        vector16(alice.card()),
        NOW.to_be_bytes().to_vec(),
        ephemeral.public().as_bytes().to_vec(),
        id(signed),
        id(one_time),
        vector16(b""),
    ]
    .concat();
    let vector = json!({
        "created_ms": NOW,
        "ephemeral_private": private(&ephemeral),
        "ephemeral": hex(ephemeral.public().as_bytes()),
        "ephemeral_hash": hex(kdf::sha256(&[&label("sealwax ephemeral/1"), ephemeral.public().as_bytes()])),
        "transcript": hex(transcript),
        "handshake_hash": hex(hash),
        "key_id": hex(&hash[..8]),
        "dh": shared.iter().map(hex).collect::<Vec<_>>(),
        "ikm": hex(ikm),
        "info": hex(info),
        "root": hex(root),
        "header_key_a": hex(header_key_a),
        "header_key_b": hex(header_key_b),
        "handshake": hex(&block),
    });
    let ratchet = Ratchet {
        hidden: case.hidden,
        key_id: hash[..8].to_vec(),
        block,
        root,
        header_keys: [header_key_a, header_key_b],
        own: ratchet,
        remote: first.public().clone(),
    };
    (vector, ratchet)
}

/// The contents of one turn.
type Contents<'a> = &'a [(ContentKind, &'a [u8])];

/// One turn, and each of its messages, by the library and from the primitives.
fn turn(
    ratchet: &mut Ratchet,
    from: &mut Side,
    to: &mut Side,
    first: bool,
    contents: Contents<'_>,
    now: u64,
) -> Value {
    let mut out = [0; 96];
    let shared = ecdh(&ratchet.own, &ratchet.remote);
    kdf::hkdf_raw(&ratchet.root, &shared, &label("sealwax ratchet/1"), &mut out).unwrap();
    let [root, chain, next_header_key] = parts(&out);
    let [header_key, other_header_key] = ratchet.header_keys;
    let (previous_count, mut chain_key) = (from.count, chain);
    ratchet.root = root;
    ratchet.header_keys = [other_header_key, next_header_key];

    let mut messages = Vec::new();
    for (at, (kind, body)) in contents.iter().enumerate() {
        let counter = u32::try_from(at).unwrap();
        let place = Place { first, previous_count, counter, chain: chain_key, header_key, timestamp_ms: now };
        let (vector, next) = message(ratchet, from, to, &place, *kind, body);
        messages.push(vector);
        chain_key = next;
    }
    from.count = u32::try_from(contents.len()).unwrap();
    json!({
        "sender": from.identity.user(),
        "ratchet_private": private(&ratchet.own),
        "ratchet_key": hex(ratchet.own.public().as_bytes()),
        "dh": hex(shared),
        "root": hex(root),
        "chain": hex(chain),
        "next_header_key": hex(next_header_key),
        "header_key": hex(header_key),
        "previous_count": previous_count,
        "messages": messages,
    })
}

/// Where a message stands.
struct Place {
    first: bool,
    previous_count: u32,
    counter: u32,
    chain: [u8; 32],
    header_key: [u8; 32],
    timestamp_ms: u64,
}

fn message(
    ratchet: &Ratchet,
    from: &mut Side,
    to: &mut Side,
    place: &Place,
    kind: ContentKind,
    body: &[u8],
) -> (Value, [u8; 32]) {
    let session = from.session.as_mut().unwrap();
    let mut envelope = vec![0; session.encrypt_len(body.len())];
    session.encrypt(kind, &[body], place.timestamp_ms, &mut from.rng, &mut envelope).unwrap();

    let nonce = from.again.nonce().unwrap();
    let mut message_id = [0; 16];
    from.again.fill(&mut message_id).unwrap();
    let mut step = [0; 64];
    kdf::expand(&Secret::new(place.chain), kdf::Label::Chain, b"", &mut step);
    let (next_chain, message_key): ([u8; 32], [u8; 32]) =
        (step[..32].try_into().unwrap(), step[32..].try_into().unwrap());

    let before_header = [
        vec![1, 1, 0, 1, if place.first { 2 } else { 1 }, u8::from(ratchet.hidden)],
        vector8(from.identity.user().as_bytes()),
        vector8(to.identity.user().as_bytes()),
        ratchet.key_id.clone(),
        place.timestamp_ms.to_be_bytes().to_vec(),
        nonce.to_vec(),
        if place.first { ratchet.block.clone() } else { Vec::new() },
    ]
    .concat();
    let header = [
        &ratchet.own.public().as_bytes()[..],
        &place.previous_count.to_be_bytes(),
        &place.counter.to_be_bytes(),
    ]
    .concat();
    let mut vector = Map::new();
    let header_on_the_wire = if ratchet.hidden {
        let header_nonce = from.again.nonce().unwrap();
        let mut sealed = header.clone();
        let tag =
            aead::seal(&Secret::new(place.header_key), &header_nonce, &before_header, &mut sealed).unwrap();
        sealed.extend(tag);
        vector.insert("header_nonce".into(), hex(header_nonce));
        vector.insert("sealed_header".into(), hex(&sealed));
        [&header_nonce[..], &sealed].concat()
    } else {
        header.clone()
    };

    let mut content = [&[kind as u8][..], &message_id, &(body.len() as u32).to_be_bytes(), body].concat();
    let padded = envelope.len() - before_header.len() - header_on_the_wire.len() - 4 - 16;
    content.resize(padded, 0);
    let ciphertext_len = u32::try_from(padded + 16).unwrap().to_be_bytes();
    let aad = [&before_header[..], &header_on_the_wire, &ciphertext_len].concat();
    let mut ciphertext = content.clone();
    let tag = aead::seal(&Secret::new(message_key), &nonce, &aad, &mut ciphertext).unwrap();
    ciphertext.extend(tag);
    assert_eq!(envelope, [&aad[..], &ciphertext].concat(), "the library wrote something else");

    read(to, &envelope, place.timestamp_ms, kind, body);
    let id = &kdf::sha256(&[&label("sealwax envelope/1"), &envelope])[..16];
    vector.extend([
        ("counter".into(), json!(place.counter)),
        ("timestamp_ms".into(), json!(place.timestamp_ms)),
        ("content_kind".into(), json!(kind as u8)),
        ("message_id".into(), hex(message_id)),
        ("body".into(), hex(body)),
        ("content".into(), hex(content)),
        ("chain".into(), hex(next_chain)),
        ("message_key".into(), hex(message_key)),
        ("nonce".into(), hex(nonce)),
        ("header".into(), hex(header)),
        ("before_header".into(), hex(before_header)),
        ("aad".into(), hex(aad)),
        ("envelope".into(), hex(&envelope)),
        ("envelope_id".into(), hex(id)),
    ]);
    (Value::Object(vector), next_chain)
}

/// The other side accepts and opens what was written.
fn read(to: &mut Side, envelope: &[u8], now: u64, kind: ContentKind, body: &[u8]) {
    if to.session.is_none() {
        let options = SessionOptions { padding: Padding::None, ..SessionOptions::default() };
        to.session = Some(Session::accept(&mut to.identity, envelope, options, now).unwrap());
    }
    let session = to.session.as_mut().unwrap();
    let opening = session.open(Some(&to.identity), envelope, now).unwrap();
    assert_eq!((opening.kind(), opening.body()), (kind, body));
    session.commit(Some(&mut to.identity), opening).unwrap();
}

fn session_vector(case: Case) -> Value {
    let (mut alice, mut bob) = (Side::new("alice", case), Side::new("bob", case));
    let prekeys = prekeys(&mut bob, case.level);
    let options =
        SessionOptions { hidden_header: case.hidden, padding: case.padding, peer_fingerprint: None };
    let bundle = prekeys.as_ref().map(|prekeys| &prekeys.bundle);
    let card = bob.identity.card();
    let session = Session::initiate(&alice.identity, card, bundle, options, NOW, &mut alice.rng).unwrap();
    alice.session = Some(session);
    let side = |side: &Side| {
        json!({
            "user": side.identity.user(),
            "agree_private": private(&side.agree),
            "card": hex(side.card()),
        })
    };
    let sides = (side(&alice), side(&bob));
    let (handshake, mut ratchet) = handshake(&mut alice, &bob, prekeys.as_ref(), case);

    let mut turns = Vec::new();
    let text = |text: &'static [u8]| (ContentKind::Data, text);
    let kinds: Vec<_> =
        (2..=9).map(|kind| (ContentKind::try_from(kind).unwrap(), &b"of its own layout"[..])).collect();
    turns.push(turn(&mut ratchet, &mut alice, &mut bob, true, &[text(b"\x01hello"), text(b"\0")], NOW + 1));
    begin_turn(&mut ratchet, &mut bob);
    turns.push(turn(&mut ratchet, &mut bob, &mut alice, false, &[text(b"\x01hello back")], NOW + 1_000));
    begin_turn(&mut ratchet, &mut alice);
    turns.push(turn(&mut ratchet, &mut alice, &mut bob, false, &kinds, NOW + 2_000));
    begin_turn(&mut ratchet, &mut bob);
    turns.push(turn(&mut ratchet, &mut bob, &mut alice, false, &[text(b"\0\xff\xfe")], NOW + 3_000));

    let one_time = prekeys.as_ref().and_then(|prekeys| prekeys.one_time.as_ref());
    json!({
        "name": case.name,
        "level": case.level as u8,
        "flags": u8::from(case.hidden),
        "padding": if case.padding == Padding::Padme { "padme" } else { "none" },
        "initiator": sides.0,
        "responder": sides.1,
        "bundle": prekeys.as_ref().map(|prekeys| hex(&prekeys.bytes)),
        "signed_prekey_private": prekeys.as_ref().map(|prekeys| private(&prekeys.signed)),
        "one_time_prekey_private": one_time.map(private),
        "handshake": handshake,
        "turns": turns,
    })
}

/// The turn passes to the other side, which draws a new ratchet key.
fn begin_turn(ratchet: &mut Ratchet, to: &mut Side) {
    ratchet.remote = ratchet.own.public().clone();
    ratchet.own = AgreePrivate::generate(&mut to.again).unwrap();
}

fn padding_vectors() -> Value {
    let lengths =
        [21, 22, 23, 24, 25, 40, 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 1_000, 4_096, 65_537];
    let pairs = lengths
        .iter()
        .chain(&[1_048_598])
        .map(|length| json!({ "length": length, "padded": Padding::Padme.padded(*length) }));
    pairs.collect()
}

#[test]
fn session_vectors_are_those_committed() {
    let case = |name, level, hidden, padding| session_vector(Case { name, level, hidden, padding });
    let vectors = json!({
        "sessions": [
            case("plain", Level::Plain, false, Padding::None),
            case("signed prekey", Level::Signed, false, Padding::None),
            case("one-time prekey", Level::OneTime, false, Padding::None),
            case("hidden header and padding", Level::OneTime, true, Padding::Padme),
            case("plain with hidden header", Level::Plain, true, Padding::None),
        ],
        "padme": padding_vectors(),
    });
    check("session", &vectors);
}
