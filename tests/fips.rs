//! What the FIPS module itself says of a build that runs on it: it counts its approved services, thread by thread.
//!
//! `docs/THREATS.md` says what counts and what does not; this holds it to that.
#![cfg(feature = "fips")]
#![allow(unsafe_code, reason = "the indicator is a C function")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use aws_lc_fips_sys::{FIPS_service_indicator_after_call, FIPS_service_indicator_before_call};
use sealwax::crypto::aead;
use sealwax::crypto::ecc::{AgreePrivate, AgreePublic, SignPrivate};
use sealwax::crypto::kdf::{self, Label};
use sealwax::crypto::rng::{Random as _, SystemRandom};
use sealwax::crypto::secret::Secret;

/// Approved services that the module counts during a call.
fn approved<T>(call: impl FnOnce() -> T) -> (T, u64) {
    // SAFETY: both take nothing and read a number of this thread.
    let before = unsafe { FIPS_service_indicator_before_call() };
    let result = call();
    // SAFETY: as before.
    (result, unsafe { FIPS_service_indicator_after_call() } - before)
}

#[test]
fn the_library_says_that_it_runs_on_the_module() {
    assert!(sealwax::crypto::fips());
    let info = sealwax::ffi::library::sealwax_build_info();
    // SAFETY: static text that ends in a NUL.
    let info = unsafe { core::ffi::CStr::from_ptr(info) }.to_str().unwrap();
    assert!(info.contains(r#""fips":true"#), "{info}");
    assert!(info.contains(r#""backend":"aws-lc""#), "{info}");
}

#[test]
fn the_module_passes_its_own_tests() {
    assert_eq!(aws_lc_rs::try_fips_mode(), Ok(()));
    assert_eq!(aws_lc_rs::try_fips_self_test(), Ok(()));
}

#[test]
fn hashes_and_derivations_are_approved_services() {
    assert_eq!(approved(|| kdf::hash(Label::Link, &[b"a", b"b"])).1, 1);
    assert_eq!(approved(|| kdf::hmac(b"key", &[b"a", b"b"])).1, 1);
    let (prk, mut out) = (Secret::new([1; 32]), [0; 64]);
    assert_eq!(approved(|| kdf::expand(&prk, Label::Stream, b"context", &mut out)).1, 1);
    let (first, second) = (&mut [0; 32], &mut [0; 32]);
    assert_eq!(approved(|| kdf::expand_keys(&prk, Label::Chain, [first, second])).1, 1);
    // HMAC extracts, and the expansion is a service of its own.
    assert_eq!(approved(|| kdf::extract_expand(&[0; 32], &[b"a"], Label::Handshake, b"", &mut out)).1, 2);
}

#[test]
fn everything_random_draws_from_the_generator_of_the_module() {
    assert_eq!(approved(|| SystemRandom.fill(&mut [0; 32])).1, 1);
    assert_eq!(approved(|| SystemRandom.signature_entropy()).1, 1);
    // The first nonce of a thread fills its buffer.
    assert_eq!(approved(|| SystemRandom.nonce()).1, 1);
    assert_eq!(approved(|| SystemRandom.message_id()).1, 0);
    assert_eq!(approved(|| AgreePrivate::generate(&mut SystemRandom)).1, 1);
    assert_eq!(approved(|| SignPrivate::generate(&mut SystemRandom)).1, 1);
}

#[test]
fn agreement_and_signatures_are_approved_services() {
    let (ours, theirs) = (
        AgreePrivate::generate(&mut SystemRandom).unwrap(),
        AgreePrivate::generate(&mut SystemRandom).unwrap(),
    );
    // A key is checked when the module takes it, which counts too, and a public one at each use.
    let (ours_public, import) = approved(|| ours.public());
    assert!(import >= 1);
    let theirs_public = theirs.public();
    let (_, check) = approved(|| AgreePublic::from_bytes(ours_public.as_bytes()));
    assert!(check >= 1);
    assert_eq!(approved(|| ours.agree(theirs_public)).1, check + 1);
    assert_eq!(approved(|| theirs.agree(ours_public)).1, check + 1);
    let key = SignPrivate::generate(&mut SystemRandom).unwrap();
    let (public, import) = approved(|| key.public());
    assert!(import >= 1);
    let (signature, signed) = approved(|| key.sign(&mut SystemRandom, Label::Card, &[b"a", b"b"]));
    assert_eq!(signed, 1);
    let signature = signature.unwrap();
    let (refused, checks) = approved(|| public.verify(Label::Card, &[b"b", b"a"], &signature));
    assert!(refused.is_err());
    assert!(checks >= 1);
    assert_eq!(approved(|| public.verify(Label::Card, &[b"a", b"b"], &signature)), (Ok(()), checks + 1));
}

/// The one operation that does not count: the module wants to choose the nonce, which here is in the header that the
/// tag covers, and so has to be known before.
#[test]
fn of_the_aead_opening_is_approved_and_sealing_is_not() {
    let (key, nonce) = (Secret::new([1; 32]), [2; 12]);
    let mut buffer = b"plaintext".to_vec();
    let (tag, sealed) = approved(|| aead::seal(&key, &nonce, b"header", &mut buffer));
    assert_eq!(sealed, 0);
    let tag = tag.unwrap();
    assert_eq!(approved(|| aead::open(&key, &nonce, b"header", &mut buffer, &tag)), (Ok(()), 1));
    let kept = aead::Key::new(&key);
    let (mut out, mut back) = ([0; 9], [0; 9]);
    let (tag, sealed) = approved(|| kept.seal(&nonce, b"header", b"plaintext", &mut out));
    assert_eq!(sealed, 0);
    let tag = tag.unwrap();
    assert_eq!(approved(|| kept.open(&nonce, b"header", &out, &tag, &mut back)), (Ok(()), 1));
}
