use super::*;
use crate::crypto::rng::SystemRandom;
use crate::crypto::rng::scripted::ScriptedRandom;

/// The order of the curve.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N);
    core::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
}

/// `ORDER - s`, by hand, so that the test does not trust what it tests.
fn negated(s: [u8; 32]) -> [u8; 32] {
    let (order, mut borrow) = (unhex::<32>(ORDER), 0);
    let mut out = [0; 32];
    for at in (0..32).rev() {
        let difference = i16::from(order[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(difference < 0);
        out[at] = (difference + 256 * borrow) as u8;
    }
    out
}

fn with_negated_s(signature: [u8; 64]) -> [u8; 64] {
    let mut out = signature;
    out[32..].copy_from_slice(&negated(signature[32..].try_into().unwrap()));
    out
}

fn rfc_6979_key() -> SignPrivate {
    let key = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    SignPrivate::from_bytes(&key).unwrap()
}

#[test]
fn rfc_6979_a_2_5_signatures_come_out_with_low_s() {
    let key = rfc_6979_key();
    assert_eq!(
        key.public().as_bytes()[..],
        unhex::<65>(
            "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
             7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
        )
    );
    // The published s of "sample" is high, that of "test" is low.
    for (message, published, high) in [
        (
            "sample",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
             f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            true,
        ),
        (
            "test",
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
             019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            false,
        ),
    ] {
        let published = unhex::<64>(published);
        let signature = key.sign_raw(&mut ScriptedRandom::new(""), message.as_bytes()).unwrap();
        assert_eq!(signature, if high { with_negated_s(published) } else { published });
        assert_eq!(normalise(&published), Ok(signature));
        assert_eq!(key.public().verify_raw(message.as_bytes(), &published).is_ok(), !high);
        assert_eq!(key.public().verify_raw(message.as_bytes(), &signature), Ok(()));
    }
}

#[test]
fn a_signature_verifies_under_its_own_label_and_message_only() {
    let key = SignPrivate::generate(&mut SystemRandom).unwrap();
    let signature = key.sign(&mut SystemRandom, Label::Card, &[b"ab", b"c"]).unwrap();
    let public = key.public();
    assert_eq!(public.verify(Label::Card, &[b"abc"], &signature), Ok(()));
    assert_eq!(public.verify_raw(b"\x0esealwax card/1abc", &signature), Ok(()));
    let refused = Err(Error::AuthenticationFailed);
    assert_eq!(public.verify(Label::Prekey, &[b"abc"], &signature), refused);
    assert_eq!(public.verify(Label::Card, &[b"abd"], &signature), refused);
    let other = SignPrivate::generate(&mut SystemRandom).unwrap();
    assert_eq!(other.public().verify(Label::Card, &[b"abc"], &signature), refused);
    for at in 0..SIGNATURE_LEN {
        let mut tampered = signature;
        tampered[at] ^= 1;
        assert_eq!(public.verify(Label::Card, &[b"abc"], &tampered), refused, "byte {at}");
    }
}

#[test]
fn the_high_s_twin_is_refused_until_normalised() {
    let key = rfc_6979_key();
    let signature = key.sign(&mut SystemRandom, Label::Hello, &[b"nonce"]).unwrap();
    let twin = with_negated_s(signature);
    assert_eq!(key.public().verify(Label::Hello, &[b"nonce"], &twin), Err(Error::AuthenticationFailed));
    assert_eq!(normalise(&twin), Ok(signature));
}

#[test]
fn entropy_changes_the_signature_and_its_absence_does_not() {
    let key = rfc_6979_key();
    let sign = |rng: &mut dyn Random| key.sign(rng, Label::Card, &[b"same"]).unwrap();
    assert_eq!(sign(&mut ScriptedRandom::new("one")), sign(&mut ScriptedRandom::new("two")));
    let (first, second) = (sign(&mut SystemRandom), sign(&mut SystemRandom));
    assert_ne!(first[..32], second[..32], "the nonces differ");
}

#[test]
fn signature_values_out_of_range_are_refused() {
    let public = rfc_6979_key().public().clone();
    let (zero, order) = ([0; 32], unhex::<32>(ORDER));
    let one: [u8; 32] = core::array::from_fn(|at| u8::from(at == 31));
    for (r, s) in [(zero, one), (one, zero), (order, one), (one, order)] {
        let signature: [u8; 64] = [r, s].concat().try_into().unwrap();
        assert_eq!(public.verify_raw(b"", &signature), Err(Error::AuthenticationFailed));
        assert_eq!(normalise(&signature), Err(Error::Malformed));
    }
}

#[test]
fn both_sides_agree() {
    let [a, b, c] = [(); 3].map(|()| AgreePrivate::generate(&mut SystemRandom).unwrap());
    let agree = |own: &AgreePrivate, other: &AgreePrivate| own.agree(other.public()).unwrap();
    assert!(agree(&a, &b).ct_eq(&agree(&b, &a)));
    assert!(!agree(&a, &b).ct_eq(&agree(&a, &c)));
}

#[test]
fn only_uncompressed_points_on_the_curve_are_public_keys() {
    let good = *rfc_6979_key().public().as_bytes();
    assert_eq!(SignPublic::from_bytes(&good).unwrap().as_bytes(), &good);
    assert_eq!(AgreePublic::from_bytes(&good).unwrap().as_bytes(), &good);

    let refuse = |bytes: &[u8]| {
        assert_eq!(AgreePublic::from_bytes(bytes).unwrap_err(), Error::Malformed);
        assert_eq!(SignPublic::from_bytes(bytes).unwrap_err(), Error::Malformed);
    };
    for tag in (0..=u8::MAX).filter(|tag| *tag != UNCOMPRESSED) {
        let mut other = good;
        other[0] = tag;
        refuse(&other);
        refuse(&other[..33]);
    }
    for at in 1..PUBLIC_LEN {
        let mut off_the_curve = good;
        off_the_curve[at] ^= 1;
        refuse(&off_the_curve);
    }
    refuse(&[]);
    refuse(&[0]);
    refuse(&good[..64]);
    refuse(&[&good[..], &[0]].concat());
    let mut identity = [0; PUBLIC_LEN];
    identity[0] = UNCOMPRESSED;
    refuse(&identity);
    let mut out_of_range = [0xff; PUBLIC_LEN];
    out_of_range[0] = UNCOMPRESSED;
    refuse(&out_of_range);
}

#[test]
fn private_keys_lie_between_zero_and_the_order() {
    let order = unhex::<32>(ORDER);
    let mut largest = order;
    largest[31] -= 1;
    assert!(AgreePrivate::from_bytes(&largest).is_ok());
    for bytes in [[0; 32], order, [0xff; 32]] {
        assert_eq!(AgreePrivate::from_bytes(&bytes).unwrap_err(), Error::Malformed);
    }
}

#[test]
fn private_keys_round_trip_and_duplicate() {
    let key = SignPrivate::generate(&mut SystemRandom).unwrap();
    let again = SignPrivate::from_bytes(key.to_bytes().as_bytes()).unwrap();
    assert!(again.to_bytes().ct_eq(&key.to_bytes()));
    assert_eq!(again.public(), key.public());
    assert_eq!(again.duplicate().public(), key.public());
}

#[test]
fn generating_skips_draws_that_are_no_scalar() {
    /// Gives 0xff until its turn comes.
    struct Stubborn(usize);
    impl Random for Stubborn {
        fn fill(&mut self, out: &mut [u8]) -> Result<()> {
            out.fill(if self.0 == 0 { 1 } else { 0xff });
            self.0 = self.0.saturating_sub(1);
            Ok(())
        }
        fn nonce(&mut self) -> Result<[u8; 12]> {
            Err(Error::Internal)
        }
        fn signature_entropy(&mut self) -> Result<Option<[u8; 32]>> {
            Err(Error::Internal)
        }
    }
    let key = AgreePrivate::generate(&mut Stubborn(2)).unwrap();
    assert_eq!(key.to_bytes().as_bytes(), &[1; 32]);
    assert_eq!(AgreePrivate::generate(&mut Stubborn(usize::MAX)).unwrap_err(), Error::Internal);
    let signer = rfc_6979_key();
    assert_eq!(signer.sign(&mut Stubborn(0), Label::Card, &[]), Err(Error::Internal));
}

#[test]
fn a_scripted_source_gives_the_same_key_again() {
    let generate = |seed| AgreePrivate::generate(&mut ScriptedRandom::new(seed)).unwrap();
    assert_eq!(generate("a").public(), generate("a").public());
    assert_ne!(generate("a").public(), generate("b").public());
}

#[test]
fn printing_shows_no_private_byte() {
    let key = rfc_6979_key();
    assert_eq!(format!("{key:?}"), "SignPrivate { .. }");
    assert_eq!(format!("{:?}", key.public()), "SignPublic(60fed4ba..)");
}
