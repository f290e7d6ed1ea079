//! One backend against the other. Each draws its own keys and nonces, so this also tests that nothing but the
//! mathematics is shared.

use proptest::prelude::*;

use super::{Message, PrivateKey, aws_lc, rustcrypto};
use crate::crypto::rng::SystemRandom;
use crate::crypto::rng::scripted::ScriptedRandom;
#[cfg(feature = "fips")]
use crate::crypto::secret::Secret;

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
        message in any::<[u8; 32]>(),
        at in 0..128_usize,
        by in 1..=u8::MAX,
    ) {
        let (aws, pure) = keys::<aws_lc::SignKey>(&key);
        let bytes = public(&key);
        let (for_aws, for_pure) = (aws_lc::Point::parse(&bytes).unwrap(), rustcrypto::Point::parse(&bytes).unwrap());
        let verdicts = |message: &[u8; 32], signature: &[u8; 64]| {
            let (head, tail) = message.split_at(at % 32);
            let parts = [tail];
            let message = Message::new([b"", head], &parts);
            (aws_lc::verify(&for_aws, &message, signature), rustcrypto::verify(&for_pure, &message, signature))
        };
        let signatures = [
            aws.unwrap().sign(&mut SystemRandom, &Message::new([b"", b""], &[&message])).unwrap(),
            pure.unwrap().sign(&mut SystemRandom, &Message::new([&message, b""], &[])).unwrap(),
        ];
        for signature in signatures {
            prop_assert!(rustcrypto::is_low_s(&signature));
            prop_assert_eq!(verdicts(&message, &signature), (true, true));
            let (mut message, mut signature) = (message, signature);
            match at {
                0..64 => signature[at] ^= by,
                64..96 => message[at - 64] ^= by,
                // r or s of zero, and of all ones.
                96..112 => signature[..32].fill(if by > 127 { 0xff } else { 0 }),
                _ => signature[32..].fill(if by > 127 { 0xff } else { 0 }),
            }
            prop_assert_eq!(verdicts(&message, &signature), (false, false));
        }
    }

    #[test]
    fn the_same_source_gives_the_same_keys_and_signatures(seed in "[a-z]{1,8}", bytes in any::<[u8; 32]>()) {
        let rng = || ScriptedRandom::new(&seed);
        let aws = aws_lc::SignKey::generate(&mut rng()).unwrap();
        let pure = rustcrypto::Scalar::generate(&mut rng()).unwrap();
        prop_assert!(aws.to_bytes().ct_eq(&pure.to_bytes()));
        let parts = [bytes.as_slice()];
        let message = Message::new([b"", b""], &parts);
        prop_assert_eq!(aws.sign(&mut rng(), &message), pure.sign(&mut rng(), &message));
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

/// The module's hashes against those in Rust.
#[cfg(feature = "fips")]
mod hashing {
    use super::*;
    use crate::crypto::backend::{fips, hashes};

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..150), 0..4)
    }

    fn slices(pieces: &[Vec<u8>]) -> Vec<&[u8]> {
        pieces.iter().map(Vec::as_slice).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn hashes_are_the_same(parts in pieces(), copied in any::<u8>()) {
            let (mut module, mut pure) = (fips::Hash::new(), hashes::Hash::new());
            for part in slices(&parts) {
                module.update(part);
                pure.update(part);
            }
            let (mut other, mut pure_other) = (module.clone(), pure.clone());
            other.update(&[copied]);
            pure_other.update(&[copied]);
            prop_assert_eq!(module.finish(), pure.finish());
            prop_assert_eq!(other.finish(), pure_other.finish());
        }

        #[test]
        fn derivations_are_the_same(
            key in prop::collection::vec(any::<u8>(), 0..200),
            ikm in pieces(),
            info in pieces(),
            length in prop_oneof![8 => 0..300_usize, 1 => 8_150..8_170_usize],
        ) {
            let (ikm, info) = (slices(&ikm), slices(&info));
            let prk = fips::hmac(&key, &ikm);
            prop_assert!(prk.ct_eq(&hashes::hmac(&key, &ikm)));
            let mut outs = [vec![0; length], vec![0; length], vec![0; length]];
            let [both, half, pure] = &mut outs;
            let done = fips::extract_expand(&key, &ikm, &info, both);
            prop_assert_eq!(done, hashes::extract_expand(&key, &ikm, &info, pure));
            prop_assert_eq!(done, fips::expand(&prk, &info, half));
            prop_assert_eq!(done.is_some(), length <= 255 * 32);
            if done.is_some() {
                prop_assert_eq!(&both, &pure);
                prop_assert_eq!(&half, &pure);
            }
        }

        #[test]
        fn keys_in_a_row_are_the_same(prk in any::<[u8; 32]>(), head in any::<[u8; 1]>(), tail in "[a-z]{0,90}") {
            let (prk, info) = (Secret::new(prk), [head.as_slice(), tail.as_bytes()]);
            let (mut module, mut pure) = ([[0; 32]; 3], [[1; 32]; 3]);
            fips::expand_keys(&prk, info, module.each_mut());
            hashes::expand_keys(&prk, info, pure.each_mut());
            prop_assert_eq!(module, pure);
        }
    }

    #[test]
    fn what_the_module_adds_reaches_every_byte_and_is_another_each_time() {
        // Longer than one draw. Of so many bytes, some stay what they are by chance.
        let (mut first, mut second) = ([0; 1_300], [0; 1_300]);
        fips::stir(&mut first).unwrap();
        fips::stir(&mut second).unwrap();
        for (one, other) in first.chunks(100).zip(second.chunks(100)) {
            assert_ne!(one, other);
            assert!(one.iter().filter(|byte| **byte == 0).count() < 20);
        }
        fips::stir(&mut []).unwrap();
    }
}
