//! Whether the time of a call tells two secrets apart: the test of "dude, is my code constant time?" (Reparaz, Balasch
//! and Verbauwhede, 2017) on everything that compares, or branches, near a secret (`docs/SIDE-CHANNELS.md`).
//!
//! It reports and judges nothing: a busy machine shows differences where there are none. `make timing` runs it.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may")]
#![allow(clippy::cast_precision_loss, reason = "counts and nanoseconds are far below 2^52")]

mod common;

use std::hint::black_box;
use std::time::Instant;

use common::ScriptedRandom;
use sealwax::crypto::rng::{Random as _, SystemRandom};
use sealwax::crypto::secret::Secret;
use sealwax::crypto::{aead, ecc, kdf};
use sealwax::identity::{Identity, IdentityOptions};
use sealwax::sealed;
use sealwax::session::{Session, SessionOptions};
use sealwax::store::{MemoryDisk, Store};
use sealwax::stream::{Open, Seal};
use sealwax::wire::attachment::ChunkSize;
use sealwax::wire::content::ContentKind;

const NOW: u64 = 1_800_000_000_000;

/// Mean and variance of what was seen so far (Welford).
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

/// Welch's t between two classes.
fn welch(classes: &[Moments; 2]) -> f64 {
    let [one, other] = classes;
    if one.count < 100.0 || other.count < 100.0 {
        return 0.0;
    }
    (one.mean - other.mean) / (one.variance() / one.count + other.variance() / other.count).sqrt()
}

/// Numbers that cost nothing and depend on no secret.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}

/// Inputs of each class that are made before anything is timed.
const POOL: usize = 256;

/// Times `call` for inputs of two classes in a random order and prints the largest |t| over several cuts of the slow end.
///
/// `make` has made the bytes of all inputs before, and `take` only copies them: whatever a CPU remembers of the making of an
/// input would be in the time of the call, and of the one class only.
fn compare<I, O>(
    name: &str,
    rounds: usize,
    mut make: impl FnMut(usize) -> Vec<u8>,
    take: impl Fn(&[u8]) -> I,
    mut call: impl FnMut(I) -> O,
) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut pool: Vec<(usize, Vec<u8>)> = (0..2 * POOL).map(|n| (n % 2, make(n % 2))).collect();
    for last in (1..pool.len()).rev() {
        pool.swap(last, dice.below(last + 1));
    }
    let order: Vec<usize> = (0..rounds).map(|_| dice.below(pool.len())).collect();
    for _ in 0..rounds / 20 {
        black_box(call(take(&pool[dice.below(pool.len())].1)));
    }
    let mut timed: Vec<(usize, f64)> = Vec::with_capacity(rounds);
    for place in order {
        let input = take(black_box(&pool[place].1));
        let began = Instant::now();
        let result = black_box(call(black_box(input)));
        timed.push((place, began.elapsed().as_nanos() as f64));
        drop(result);
    }
    let times: Vec<(usize, f64)> = timed.into_iter().map(|(place, time)| (pool[place].0, time)).collect();
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let mut worst = (0.0_f64, 1.0);
    for kept in [1.0, 0.99, 0.95, 0.9, 0.75, 0.5] {
        let cut = sorted[((rounds - 1) as f64 * kept) as usize];
        let mut classes = [Moments::default(); 2];
        for (class, time) in times.iter().filter(|(_, time)| *time <= cut) {
            classes[*class].add(*time);
        }
        let t = welch(&classes);
        if t.abs() > worst.0.abs() {
            worst = (t, kept);
        }
    }
    let median = sorted[rounds / 2];
    let word = match worst.0.abs() {
        t if t < 4.5 => "none seen",
        t if t < 10.0 => "look again",
        _ => "DIFFERENT",
    };
    println!(
        "| {name} | {rounds} | {median:.0} ns | {:.1} at {:.0} % | {word} |",
        worst.0.abs(),
        worst.1 * 100.0
    );
}

fn rounds(default: usize) -> usize {
    let factor =
        std::env::var("SEALWAX_TIMING").ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or(1.0);
    (default as f64 * factor) as usize
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes).unwrap();
    bytes
}

/// A copy with the first or the last byte of a part changed.
fn wrong(bytes: &[u8], part: core::ops::Range<usize>, class: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[if class == 0 { part.start } else { part.end - 1 }] ^= 0x80;
    changed
}

/// Zeros, or random bytes.
fn zeros_or_random<const N: usize>(class: usize) -> Vec<u8> {
    if class == 0 { vec![0; N] } else { random::<N>().to_vec() }
}

/// 1, or a scalar with about half of its bits set.
fn scalar(class: usize) -> Vec<u8> {
    let mut bytes = zeros_or_random::<32>(class);
    bytes[0] &= 0x7f;
    bytes[31] |= 1;
    bytes
}

/// A control: the difference that this test has to see, or it sees nothing.
fn leaky(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| black_box(one) == black_box(other))
}

fn primitives() {
    let secret = random::<256>();
    let target = secret.to_vec();
    compare(
        "*control: a comparison that stops at the first difference*",
        rounds(200_000),
        |class| wrong(&secret, 0..256, class),
        <[u8]>::to_vec,
        |other| leaky(&target, &other),
    );
    let ours = Secret::<32>::new(random());
    compare(
        "comparison of secrets: first or last byte wrong",
        rounds(400_000),
        |class| wrong(ours.as_bytes(), 0..32, class),
        secret_of,
        |other| ours.ct_eq(&other),
    );
    compare("HMAC: key of zeros or random", rounds(200_000), zeros_or_random::<32>, secret_of, |key| {
        kdf::hmac(key.as_bytes(), &[b"message"])
    });
    compare(
        "HKDF expand: key of zeros or random",
        rounds(200_000),
        zeros_or_random::<32>,
        secret_of,
        |key| {
            let mut out = [0; 64];
            kdf::expand(&key, kdf::Label::Store, b"", &mut out);
            out
        },
    );
    let nonce = random::<12>();
    compare(
        "AES-GCM seal: key and plaintext of zeros, or random",
        rounds(200_000),
        zeros_or_random::<1_056>,
        |bytes| (secret_of(&bytes[..32]), bytes[32..].to_vec()),
        |(key, mut text)| aead::seal(&key, &nonce, b"", &mut text),
    );
    let key = Secret::<32>::new(random());
    let mut sealed = random::<1_024>().to_vec();
    let tag = aead::seal(&key, &nonce, b"", &mut sealed).unwrap();
    compare(
        "AES-GCM open: first or last byte of the tag wrong",
        rounds(200_000),
        |class| wrong(&tag, 0..16, class),
        |tag| (sealed.clone(), <[u8; 16]>::try_from(tag).unwrap()),
        |(mut text, tag)| aead::open(&key, &nonce, b"", &mut text, &tag),
    );
}

fn secret_of(bytes: &[u8]) -> Secret<32> {
    Secret::from_slice(bytes).unwrap()
}

fn curve() {
    let peer = ecc::Private::<ecc::Agree>::generate(&mut SystemRandom).unwrap();
    compare(
        "private key taken: scalar 1 or random",
        rounds(40_000),
        scalar,
        |bytes| <[u8; 32]>::try_from(bytes).unwrap(),
        |bytes| ecc::Private::<ecc::Agree>::from_bytes(&bytes),
    );
    compare(
        "ECDH: scalar 1 or random",
        rounds(40_000),
        scalar,
        |bytes| ecc::Private::<ecc::Agree>::from_bytes(bytes.try_into().unwrap()).unwrap(),
        |key| key.agree(peer.public()),
    );
    compare(
        "ECDSA: scalar 1 or random",
        rounds(40_000),
        scalar,
        |bytes| ecc::Private::<ecc::Sign>::from_bytes(bytes.try_into().unwrap()).unwrap(),
        |key| key.sign_raw(&mut SystemRandom, b"message"),
    );
}

fn objects() {
    let mut rng = ScriptedRandom::new("timing");
    let key = random::<32>();
    let sealed = sealed::seal(&mut rng, &key, sealed::Object::Identity, 1, &random::<256>()).unwrap();
    compare(
        "sealed state: first or last byte of its key wrong",
        rounds(100_000),
        |class| wrong(&key, 0..32, class),
        <[u8]>::to_vec,
        |key| sealed::open(&key, sealed::Object::Identity, &sealed),
    );
    let length = sealed.len();
    compare(
        "sealed state: first or last byte of its tag wrong",
        rounds(100_000),
        |class| wrong(&sealed, length - 16..length, class),
        <[u8]>::to_vec,
        |sealed| sealed::open(&key, sealed::Object::Identity, &sealed),
    );
    let disk = MemoryDisk::new();
    drop(Store::open_memory(&disk, &key, &mut rng).unwrap());
    compare(
        "store: first or last byte of its key wrong",
        rounds(50_000),
        |class| wrong(&key, 0..32, class),
        <[u8]>::to_vec,
        |key| Store::open_memory(&disk, &key, &mut SystemRandom),
    );

    let mut seal = Seal::new(ChunkSize::from_bits(12).unwrap(), true, &mut rng).unwrap();
    let mut chunk = vec![0; seal.finish_len().unwrap()];
    seal.finish(&mut rng, &mut chunk).unwrap();
    let (reference, header) = (seal.reference().unwrap(), *seal.header());
    compare(
        "attachment: first or last byte of the header's commitment wrong",
        rounds(100_000),
        |class| wrong(&header, header.len() - 16..header.len(), class),
        <[u8]>::to_vec,
        |header| Open::new(&reference, &header, true),
    );

    let identity = |user: &str, rng: &mut ScriptedRandom| {
        let options = IdentityOptions { prekeys_required: false };
        Identity::generate(rng, user, options, NOW).unwrap()
    };
    let (alice, mut bob) = (identity("alice", &mut rng), identity("bob", &mut rng));
    let options = SessionOptions::default();
    let mut sending = Session::initiate(&alice, bob.card(), None, options, NOW, &mut rng).unwrap();
    let mut envelope = || {
        let mut out = vec![0; sending.encrypt_len(64)];
        sending.encrypt(ContentKind::Data, &[&[1; 64]], NOW, &mut rng, &mut out).unwrap();
        out
    };
    let first = envelope();
    let mut receiving = Session::accept(&mut bob, &first, options, NOW).unwrap();
    let opening = receiving.open(Some(&bob), &first, NOW).unwrap();
    receiving.commit(Some(&mut bob), opening).unwrap();
    let next = envelope();
    assert!(receiving.open(Some(&bob), &next, NOW).is_ok());
    let length = next.len();
    compare(
        "session: first or last byte of a message's tag wrong",
        rounds(50_000),
        |class| wrong(&next, length - 16..length, class),
        <[u8]>::to_vec,
        |envelope| receiving.open(Some(&bob), &envelope, NOW),
    );
}

#[test]
#[ignore = "reports, and takes a quiet machine"]
fn timing_tells_no_two_secrets_apart() {
    println!(
        "\n| what differs | calls | median | largest t, at which part kept | difference |\n|---|---|---|---|---|"
    );
    primitives();
    curve();
    objects();
}
