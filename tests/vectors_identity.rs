//! `tests/vectors/identity.json`: cards, fingerprints, safety numbers, prekey bundles (`docs/PROTOCOL.md` sections 3
//! and 4), and objects that must be refused.
//!
//! Private keys come from a script, in the order in which the library draws them; what the library makes of them is
//! then put together a second time from the primitives alone.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::ScriptedRandom;
use common::vectors::{check, hex, label};
use sealwax::Error;
use sealwax::crypto::Secret;
use sealwax::crypto::ecc::{AgreePrivate, SignPrivate};
use sealwax::crypto::kdf::{self, Label};
use sealwax::crypto::rng::Random as _;
use sealwax::identity::{Card, Identity, IdentityOptions, PrekeyBundle, safety_number};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000_000;

/// One identity of the vectors: what the library made, and the keys that the script gave for it.
struct Scripted {
    identity: Identity,
    sign: SignPrivate,
    agree: AgreePrivate,
    /// Of the library, to go on with.
    rng: ScriptedRandom,
    /// At the same place of the same script.
    again: ScriptedRandom,
}

fn scripted(user: &str, prekeys_required: bool) -> Scripted {
    let seed = format!("identity vectors {user}");
    let (mut rng, mut again) = (ScriptedRandom::new(&seed), ScriptedRandom::new(&seed));
    let options = IdentityOptions { prekeys_required };
    let identity = Identity::generate(&mut rng, user, options, NOW).unwrap();
    let sign = SignPrivate::generate(&mut again).unwrap();
    let agree = AgreePrivate::generate(&mut again).unwrap();
    Scripted { identity, sign, agree, rng, again }
}

fn card_vector(of: &Scripted) -> Value {
    let (user, card) = (of.identity.user(), of.identity.card());
    let (sign_key, agree_key) = (of.sign.public().as_bytes(), of.agree.public().as_bytes());
    let name = [&[user.len() as u8], user.as_bytes()].concat();

    let fields = [
        &[1, 1, 0, 1, 0x20],
        &name[..],
        sign_key,
        agree_key,
        &[u8::from(card.prekeys_required())],
        &NOW.to_be_bytes(),
        &[0, 0],
    ];
    let card_input = [&label("sealwax card/1"), &fields.concat()[..]].concat();
    let signature = of.sign.sign_raw(&mut ScriptedRandom::new(""), &card_input).unwrap();
    assert_eq!(card.as_bytes(), [&fields.concat()[..], &signature].concat());

    let fingerprint_input =
        [&label("sealwax fingerprint/1")[..], &[0, 1], &name[..], sign_key, agree_key].concat();
    assert_eq!(card.fingerprint().as_bytes(), &kdf::sha256(&[&fingerprint_input]));

    json!({
        "user": user,
        "sign_private": hex(of.sign.to_bytes().as_bytes()),
        "agree_private": hex(of.agree.to_bytes().as_bytes()),
        "sign_key": hex(sign_key),
        "agree_key": hex(agree_key),
        "flags": u8::from(card.prekeys_required()),
        "created_ms": NOW,
        "signature_input": hex(card_input),
        "signature": hex(signature),
        "card": hex(card.as_bytes()),
        "fingerprint_input": hex(fingerprint_input),
        "fingerprint": hex(card.fingerprint().as_bytes()),
    })
}

fn safety_vector(one: &Scripted, other: &Scripted) -> Value {
    let (one, other) = (one.identity.card(), other.identity.card());
    let number = safety_number(one, other).unwrap();
    let mut sorted = [one.fingerprint(), other.fingerprint()];
    sorted.sort();
    let expanded = sorted.map(|fingerprint| {
        let mut out = [0; 30];
        kdf::expand(&Secret::new(*fingerprint.as_bytes()), Label::Safety, &[], &mut out);
        out
    });
    json!({
        "one": one.user(),
        "other": other.user(),
        "low": hex(sorted[0].as_bytes()),
        "high": hex(sorted[1].as_bytes()),
        "low_expanded": hex(expanded[0]),
        "high_expanded": hex(expanded[1]),
        "digits": String::from_utf8(number.digits.to_vec()).unwrap(),
        "qr": hex(number.qr),
    })
}

fn bundle_vector(of: &mut Scripted, one_time: u32) -> Value {
    let bytes = of.identity.prekeys(&mut of.rng, one_time, NOW).unwrap();
    let bundle = PrekeyBundle::parse(&bytes, of.identity.card()).unwrap();
    let mut drawn = [0; 4];
    of.again.fill(&mut drawn).unwrap();
    let mut private = || AgreePrivate::generate(&mut of.again).unwrap();

    let (user, fingerprint, signed) = (bundle.user(), bundle.fingerprint(), bundle.signed());
    assert_eq!(signed.id, u32::from_be_bytes(drawn) % (1 << 31));
    let signed_private = private();
    assert_eq!(signed_private.public(), &signed.key);
    let signed_fields = [
        &signed.id.to_be_bytes()[..],
        signed.key.as_bytes(),
        &signed.created_ms.to_be_bytes(),
        &signed.expires_ms.to_be_bytes(),
    ]
    .concat();
    let input = [&label("sealwax prekey/1"), &fingerprint.as_bytes()[..], &signed_fields].concat();
    let signature = of.sign.sign_raw(&mut ScriptedRandom::new(""), &input).unwrap();
    assert_eq!(signature, signed.signature);

    let mut list = Vec::new();
    let mut one_time = Vec::new();
    for prekey in bundle.one_time() {
        let private = private();
        assert_eq!(private.public(), &prekey.key);
        list.extend(prekey.id.to_be_bytes());
        list.extend(prekey.key.as_bytes());
        one_time.push(json!({
            "id": prekey.id,
            "private": hex(private.to_bytes().as_bytes()),
            "key": hex(prekey.key.as_bytes()),
        }));
    }
    let parts = [
        &[1, 1, 0, 1, 0x21, user.len() as u8],
        user.as_bytes(),
        fingerprint.as_bytes(),
        &signed_fields,
        &signature,
        &(list.len() as u32).to_be_bytes(),
        &list,
        &[0, 0],
    ];
    assert_eq!(bytes, parts.concat());

    json!({
        "user": user,
        "fingerprint": hex(fingerprint.as_bytes()),
        "sign_private": hex(of.sign.to_bytes().as_bytes()),
        "signed": {
            "id": signed.id,
            "private": hex(signed_private.to_bytes().as_bytes()),
            "key": hex(signed.key.as_bytes()),
            "created_ms": signed.created_ms,
            "expires_ms": signed.expires_ms,
            "signature_input": hex(input),
            "signature": hex(signature),
        },
        "one_time": one_time,
        "bundle": hex(bytes),
    })
}

/// A signature over `signed` with the s that a verifier must refuse.
fn high_s(signature: &[u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut out = *signature;
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        out[32 + at] = difference.rem_euclid(256) as u8;
    }
    out
}

/// Cards that differ from a good one in one thing each; validly signed except where that is the thing.
fn refused_cards(of: &Scripted) -> Value {
    let good = of.identity.card().as_bytes();
    let user = 6 + of.identity.user().len();
    let (agree, flags, extension, signature) = (user + 65, user + 130, user + 139, user + 141);
    let sign = |mut card: Vec<u8>, from: usize| {
        card.truncate(from);
        let signature = of.sign.sign(&mut ScriptedRandom::new(""), Label::Card, &[&card]).unwrap();
        [card, signature.to_vec()].concat()
    };
    let changed = |at: usize, bytes: &[u8]| {
        let mut card = good.to_vec();
        card[at..at + bytes.len()].copy_from_slice(bytes);
        sign(card, signature)
    };
    let malleable = high_s(good[signature..].try_into().unwrap());
    let mut off_curve = good[agree..flags].to_vec();
    off_curve[64] ^= 1;
    let mut hybrid = good[agree..flags].to_vec();
    hybrid[0] = 0x06 | (hybrid[64] & 1);
    let extended = [&good[..extension], &[0, 1, 0]].concat();
    let cases = [
        ("version 2", changed(0, &[2]), Error::UnsupportedVersion),
        ("draft 0", changed(1, &[0]), Error::UnsupportedVersion),
        ("suite 2", changed(2, &[0, 2]), Error::UnsupportedSuite),
        ("kind of a prekey bundle", changed(4, &[0x21]), Error::WrongKind),
        ("kind that does not exist", changed(4, &[0x7f]), Error::Malformed),
        ("control character in the user id", changed(6, b"\n"), Error::Malformed),
        ("user id that is not UTF-8", changed(6, &[0xff]), Error::Malformed),
        ("agree key off the curve", changed(agree, &off_curve), Error::Malformed),
        ("agree key in hybrid encoding", changed(agree, &hybrid), Error::Malformed),
        ("agree key all zero", changed(agree, &[0; 65]), Error::Malformed),
        ("agree key equal to the sign key", changed(agree, &good[user..agree]), Error::Malformed),
        ("flag that is not defined", changed(flags, &[3]), Error::Malformed),
        ("extension that is not empty", sign(extended.clone(), extended.len()), Error::Malformed),
        ("byte after the signature", [good, &[0]].concat(), Error::Malformed),
        ("high s", [&good[..signature], &malleable].concat(), Error::AuthenticationFailed),
        ("signature of zeros", [&good[..signature], &[0; 64]].concat(), Error::AuthenticationFailed),
    ];
    let vectors = cases.map(|(why, card, error)| {
        assert_eq!(Card::parse(&card).unwrap_err(), error, "{why}");
        json!({ "why": why, "card": hex(card), "status": status(error) })
    });
    vectors.to_vec().into()
}

/// The name of section 11.
fn status(error: Error) -> &'static str {
    match error {
        Error::UnsupportedVersion => "UNSUPPORTED_VERSION",
        Error::UnsupportedSuite => "UNSUPPORTED_SUITE",
        Error::WrongKind => "WRONG_KIND",
        Error::AuthenticationFailed => "AUTHENTICATION_FAILED",
        _ => "MALFORMED",
    }
}

#[test]
fn identity_vectors_are_those_committed() {
    let mut alice = scripted("alice", true);
    let bob = scripted("böb@example.org/phone", false);
    let carol = scripted("佐藤", true);
    let vectors = json!({
        "description": "PROTOCOL.md sections 3 and 4. Signatures: RFC 6979, low s. An input starts with L(label).",
        "cards": [card_vector(&alice), card_vector(&bob), card_vector(&carol)],
        "refused_cards": refused_cards(&alice),
        "safety_numbers": [
            safety_vector(&alice, &bob),
            safety_vector(&bob, &alice),
            safety_vector(&alice, &carol),
        ],
        "prekey_bundles": [bundle_vector(&mut alice, 2)],
    });
    check("identity", &vectors);
}
