//! One backend against the other. Each draws its own keys and nonces, so this also tests that nothing but the
//! mathematics is shared.

use proptest::prelude::*;

use super::{PrivateKey, aws_lc, rustcrypto};
use crate::crypto::rng::SystemRandom;
use crate::crypto::rng::scripted::ScriptedRandom;

/// The same key in both.
fn keys<K: PrivateKey>(bytes: &[u8; 32]) -> (Option<K>, Option<rustcrypto::Scalar>) {
    (K::parse(bytes), rustcrypto::Scalar::parse(bytes))
}

/// Mostly anything, now and then close to the order of the curve or to zero.
fn scalars() -> impl Strategy<Value = [u8; 32]> {
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let near = (0..=8_u8, any::<bool>()).prop_map(move |(by, above): (u8, bool)| {
        let mut bytes = order;
        bytes[31] = if above { bytes[31] + by } else { bytes[31] - by };
        bytes
    });
    let small = (0..=3_u8).prop_map(|last| core::array::from_fn(|at| if at == 31 { last } else { 0 }));
    prop_oneof![6 => any::<[u8; 32]>(), 1 => near, 1 => small]
}

/// A key that is in range.
fn keys_in_range() -> impl Strategy<Value = [u8; 32]> {
    scalars().prop_filter("out of range", |bytes| rustcrypto::Scalar::parse(bytes).is_some())
}

fn public(bytes: &[u8; 32]) -> [u8; 65] {
    *rustcrypto::Scalar::parse(bytes).unwrap().public().as_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scalars_are_taken_alike_and_have_the_same_public_key(bytes in scalars()) {
        let (agree, scalar) = keys::<aws_lc::AgreeKey>(&bytes);
        let sign = aws_lc::SignKey::parse(&bytes);
        prop_assert_eq!(agree.is_some(), scalar.is_some());
        prop_assert_eq!(sign.is_some(), scalar.is_some());
        if let (Some(agree), Some(sign), Some(scalar)) = (agree, sign, scalar) {
            let expected = scalar.public();
            prop_assert_eq!(*agree.public().as_bytes(), *expected.as_bytes());
            prop_assert_eq!(*sign.public().as_bytes(), *expected.as_bytes());
            prop_assert!(agree.to_bytes().ct_eq(&scalar.to_bytes()));
            prop_assert!(sign.duplicate().to_bytes().ct_eq(&scalar.to_bytes()));
        }
    }

    #[test]
    fn the_shared_secret_is_the_same(own in keys_in_range(), other in keys_in_range()) {
        let (ours, theirs) = keys::<aws_lc::AgreeKey>(&own);
        let bytes = public(&other);
        let ours = ours.unwrap().agree(&aws_lc::Point::parse(&bytes).unwrap()).unwrap();
        let theirs = theirs.unwrap().agree(&rustcrypto::Point::parse(&bytes).unwrap()).unwrap();
        prop_assert!(ours.ct_eq(&theirs));
    }

    #[test]
    fn points_are_taken_alike(
        key in keys_in_range(),
        tag in prop_oneof![4 => Just(4_u8), 1 => any::<u8>()],
        damage in prop::option::of((1..65_usize, any::<u8>())),
        coordinates in prop::option::weighted(0.2, any::<[[u8; 32]; 2]>()),
    ) {
        let mut bytes = public(&key);
        bytes[0] = tag;
        if let Some((at, by)) = damage {
            bytes[at] ^= by;
        }
        if let Some(coordinates) = coordinates {
            bytes[1..].copy_from_slice(coordinates.as_flattened());
        }
        // The caller of a backend has checked the tag.
        if tag == 4 {
            let taken = rustcrypto::Point::parse(&bytes).is_some();
            prop_assert_eq!(aws_lc::Point::parse(&bytes).is_some(), taken);
            prop_assert_eq!(aws_lc::takes(&bytes), taken);
        }
    }

    #[test]
    fn each_takes_what_the_other_signed_and_refuses_what_was_damaged(
        key in keys_in_range(),
        digest in any::<[u8; 32]>(),
        at in 0..128_usize,
        by in 1..=u8::MAX,
    ) {
        let (aws, pure) = keys::<aws_lc::SignKey>(&key);
        let bytes = public(&key);
        let (for_aws, for_pure) = (aws_lc::Point::parse(&bytes).unwrap(), rustcrypto::Point::parse(&bytes).unwrap());
        let verdicts = |digest: &[u8; 32], signature: &[u8; 64]| {
            (aws_lc::verify(&for_aws, digest, signature), rustcrypto::verify(&for_pure, digest, signature))
        };
        let signatures = [
            aws.unwrap().sign(&mut SystemRandom, &digest).unwrap(),
            pure.unwrap().sign(&mut SystemRandom, &digest).unwrap(),
        ];
        for signature in signatures {
            prop_assert!(rustcrypto::is_low_s(&signature));
            prop_assert_eq!(verdicts(&digest, &signature), (true, true));
            let (mut digest, mut signature) = (digest, signature);
            match at {
                0..64 => signature[at] ^= by,
                64..96 => digest[at - 64] ^= by,
                // r or s of zero, and of all ones.
                96..112 => signature[..32].fill(if by > 127 { 0xff } else { 0 }),
                _ => signature[32..].fill(if by > 127 { 0xff } else { 0 }),
            }
            prop_assert_eq!(verdicts(&digest, &signature), (false, false));
        }
    }

    #[test]
    fn the_same_source_gives_the_same_keys_and_signatures(seed in "[a-z]{1,8}", digest in any::<[u8; 32]>()) {
        let rng = || ScriptedRandom::new(&seed);
        let aws = aws_lc::SignKey::generate(&mut rng()).unwrap();
        let pure = rustcrypto::Scalar::generate(&mut rng()).unwrap();
        prop_assert!(aws.to_bytes().ct_eq(&pure.to_bytes()));
        prop_assert_eq!(aws.sign(&mut rng(), &digest), pure.sign(&mut rng(), &digest));
    }

    #[test]
    fn a_generated_key_is_its_scalar(_ in 0..8) {
        let agree = aws_lc::AgreeKey::generate(&mut SystemRandom).unwrap();
        prop_assert_eq!(*agree.public().as_bytes(), public(agree.to_bytes().as_bytes()));
        let sign = aws_lc::SignKey::generate(&mut SystemRandom).unwrap();
        prop_assert_eq!(*sign.public().as_bytes(), public(sign.to_bytes().as_bytes()));
    }

    #[test]
    fn aead_gives_the_same_bytes_and_verdicts(
        key in any::<[u8; 32]>(),
        nonce in any::<[u8; 12]>(),
        aad in prop::collection::vec(any::<u8>(), 0..300),
        plain in prop::collection::vec(any::<u8>(), 0..3_000),
        damage in (any::<prop::sample::Index>(), 0..8_u8),
    ) {
        let (mut sealed, mut other) = (plain.clone(), plain.clone());
        let tag = aws_lc::aead_seal(&key, &nonce, &aad, &mut sealed).unwrap();
        prop_assert_eq!(rustcrypto::aead_seal(&key, &nonce, &aad, &mut other), Some(tag));
        prop_assert_eq!(&sealed, &other);
        let mut apart = vec![0; plain.len()];
        prop_assert_eq!(aws_lc::AeadKey::new(&key).seal(&nonce, &aad, &plain, &mut apart), Some(tag));
        prop_assert_eq!(&sealed, &apart);
        prop_assert!(aws_lc::aead_open(&key, &nonce, &aad, &mut other, &tag));
        prop_assert_eq!(&other, &plain);

        // One bit of the ciphertext, the tag or the additional data.
        let (mut tag, mut aad) = (tag, aad);
        let at = damage.0.index(sealed.len() + tag.len() + aad.len());
        *sealed.iter_mut().chain(&mut tag).chain(&mut aad).nth(at).unwrap() ^= 1 << damage.1;
        prop_assert!(!aws_lc::AeadKey::new(&key).open(&nonce, &aad, &sealed, &tag, &mut apart));
        prop_assert!(!rustcrypto::aead_open(&key, &nonce, &aad, &mut sealed.clone(), &tag));
        prop_assert!(!aws_lc::aead_open(&key, &nonce, &aad, &mut sealed, &tag));
    }
}

#[test]
fn places_of_different_lengths_are_refused_by_both() {
    let (aws, pure) = (aws_lc::AeadKey::new(&[1; 32]), rustcrypto::AeadKey::new(&[1; 32]));
    assert_eq!(aws.seal(&[2; 12], b"", b"plain", &mut [0; 4]), None);
    assert_eq!(pure.seal(&[2; 12], b"", b"plain", &mut [0; 4]), None);
    assert!(!aws.open(&[2; 12], b"", b"plain", &[0; 16], &mut [0; 6]));
    assert!(!pure.open(&[2; 12], b"", b"plain", &[0; 16], &mut [0; 6]));
}
