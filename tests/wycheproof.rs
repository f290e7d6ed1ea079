//! The primitives against Project Wycheproof. Each test says how many vectors it could express and how many of
//! them it expected to be accepted, so that none goes missing in silence.
#![allow(clippy::indexing_slicing, reason = "a test may")]

use sealwax::crypto::ecc::{self, AgreePrivate, AgreePublic, SignPublic};
use sealwax::crypto::{Secret, aead, kdf};
use sealwax::error::Error;
use wycheproof::TestResult;

/// Big-endian bytes of any length as exactly 32.
fn fixed(bytes: &[u8]) -> [u8; 32] {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = &bytes[first..];
    let mut out = [0; 32];
    out[32 - digits.len()..].copy_from_slice(digits);
    out
}

#[test]
fn ecdh_p256_takes_uncompressed_points_and_no_others() {
    use wycheproof::ecdh::{TestName, TestSet};
    let set = TestSet::load(TestName::EcdhSecp256r1Ecpoint).unwrap();
    let (mut agreed, mut off_the_curve, mut other_encodings) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let private = AgreePrivate::from_bytes(&fixed(&test.private_key)).unwrap();
        match AgreePublic::from_bytes(&test.public_key) {
            Ok(public) => {
                assert_eq!(test.result, TestResult::Valid, "case {}", test.tc_id);
                assert_eq!(private.agree(&public).unwrap().as_bytes()[..], test.shared_secret[..]);
                agreed += 1;
            }
            Err(error) => {
                assert_eq!(error, Error::Malformed);
                assert_ne!(test.result, TestResult::Valid, "case {}", test.tc_id);
                if test.public_key.len() == ecc::PUBLIC_LEN {
                    off_the_curve += 1;
                } else {
                    other_encodings += 1;
                }
            }
        }
    }
    // Eight compressed points, one of them "acceptable", and an empty one make the last number.
    assert_eq!((agreed, off_the_curve, other_encodings), (330, 16, 9));
}

#[test]
fn ecdsa_p256_takes_low_s_and_high_s_only_once_normalised() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut low, mut high, mut refused, mut other_lengths) = (0, 0, 0, 0);
    for group in &set.test_groups {
        let public = SignPublic::from_bytes(&group.key.key).unwrap();
        for test in &group.tests {
            let Ok(signature) = <&[u8; 64]>::try_from(&test.sig[..]) else {
                assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
                other_lengths += 1;
                continue;
            };
            let as_given = public.verify_raw(&test.msg, signature);
            let normalised = ecc::normalise(signature);
            let then = normalised.and_then(|signature| public.verify_raw(&test.msg, &signature));
            if test.result == TestResult::Valid {
                assert_eq!(then, Ok(()), "case {}", test.tc_id);
                if normalised.as_ref() == Ok(signature) {
                    assert_eq!(as_given, Ok(()), "case {}", test.tc_id);
                    low += 1;
                } else {
                    assert_eq!(as_given, Err(Error::AuthenticationFailed), "case {}", test.tc_id);
                    high += 1;
                }
            } else {
                assert_eq!(as_given, Err(Error::AuthenticationFailed), "case {}", test.tc_id);
                assert!(then.is_err(), "case {}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert_eq!((low, high, refused, other_lengths), (103, 70, 68, 21));
}

#[test]
fn aes_256_gcm_with_12_byte_nonces_and_16_byte_tags() {
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for group in &set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in &group.tests {
            let key = Secret::from_slice(&test.key).unwrap();
            let nonce = test.nonce[..].try_into().unwrap();
            let tag = test.tag[..].try_into().unwrap();
            let mut buffer = test.ct.to_vec();
            let result = aead::open(&key, nonce, &test.aad, &mut buffer, tag);
            if test.result == TestResult::Valid {
                assert_eq!(result, Ok(()), "case {}", test.tc_id);
                assert_eq!(buffer, test.pt[..]);
                assert_eq!(&aead::seal(&key, nonce, &test.aad, &mut buffer).unwrap(), tag);
                assert_eq!(buffer, test.ct[..]);
                opened += 1;
            } else {
                assert_eq!(result, Err(Error::AuthenticationFailed), "case {}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert_eq!((opened, refused), (39, 27));
}

#[test]
fn hkdf_sha_256() {
    use wycheproof::hkdf::{TestName, TestSet};
    let set = TestSet::load(TestName::HkdfSha256).unwrap();
    let (mut derived, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut out = vec![0; test.size];
        let result = kdf::hkdf_raw(&test.salt, &test.ikm, &test.info, &mut out);
        if test.result == TestResult::Valid {
            assert_eq!(result, Ok(()), "case {}", test.tc_id);
            assert_eq!(out, test.okm[..], "case {}", test.tc_id);
            derived += 1;
        } else {
            assert_eq!(result, Err(Error::TooLarge), "case {}", test.tc_id);
            refused += 1;
        }
    }
    assert_eq!((derived, refused), (83, 3));
}

#[test]
fn hmac_sha_256_with_whole_tags() {
    use wycheproof::mac::{TestName, TestSet};
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let (mut equal, mut unequal) = (0, 0);
    for group in set.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            let matches = kdf::hmac(&test.key, &[&test.msg]).as_bytes()[..] == test.tag[..];
            assert_eq!(matches, test.result == TestResult::Valid, "case {}", test.tc_id);
            if matches {
                equal += 1;
            } else {
                unequal += 1;
            }
        }
    }
    assert_eq!((equal, unequal), (33, 54));
}
