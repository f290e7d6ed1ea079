use super::*;

/// Every label, in the order of the table.
const ALL: [Label; 24] = [
    Label::Handshake,
    Label::Ratchet,
    Label::Chain,
    Label::Block,
    Label::Step,
    Label::Stream,
    Label::Sealed,
    Label::Safety,
    Label::Store,
    Label::Fingerprint,
    Label::Transcript,
    Label::Ephemeral,
    Label::Digest,
    Label::Link,
    Label::LinkStart,
    Label::Entry,
    Label::Envelope,
    Label::StreamChunk,
    Label::StreamDigest,
    Label::Card,
    Label::Prekey,
    Label::Roster,
    Label::GroupMessage,
    Label::Hello,
];

fn encoded(label: Label) -> Vec<u8> {
    [&label.length_byte(), label.bytes()].concat()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn the_table_is_complete_and_in_order() {
    for (at, label) in ALL.into_iter().enumerate() {
        assert_eq!(label as usize, at);
    }
    assert_eq!(Label::Hello as usize + 1, ALL.len());
}

#[test]
fn no_encoded_label_starts_another() {
    for (at, one) in ALL.into_iter().enumerate() {
        for (other_at, other) in ALL.into_iter().enumerate() {
            assert_eq!(encoded(other).starts_with(&encoded(one)), at == other_at, "{one:?} {other:?}");
        }
    }
}

#[test]
fn labels_fit_one_length_byte_and_end_in_the_protocol_version() {
    for label in ALL {
        assert!(label.bytes().len() < 256);
        assert_eq!(usize::from(label.length_byte()[0]), label.bytes().len());
        assert!(label.bytes().starts_with(b"sealwax ") && label.bytes().ends_with(b"/1"));
    }
}

#[test]
fn rfc_5869_test_cases_1_to_3() {
    let long = |from: u8| (from..=from + 79).collect::<Vec<u8>>();
    let cases = [
        (
            vec![0x0b; 22],
            unhex("000102030405060708090a0b0c"),
            unhex("f0f1f2f3f4f5f6f7f8f9"),
            unhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
            unhex(
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
                 34007208d5b887185865",
            ),
        ),
        (
            long(0x00),
            long(0x60),
            long(0xb0),
            unhex("06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244"),
            unhex(
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                 59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                 cc30c58179ec3e87c14c01d5c1f3434f1d87",
            ),
        ),
        (
            vec![0x0b; 22],
            vec![],
            vec![],
            unhex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"),
            unhex(
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
                 9d201395faa4b61a96c8",
            ),
        ),
    ];
    for (ikm, salt, info, prk, okm) in cases {
        assert_eq!(hmac(&salt, &[&ikm]).as_bytes()[..], prk);
        let mut out = vec![0; okm.len()];
        hkdf_raw(&salt, &ikm, &info, &mut out).unwrap();
        assert_eq!(out, okm);
    }
}

#[test]
fn hkdf_gives_its_maximum_and_not_a_byte_more() {
    let mut out = vec![0; EXPAND_MAX];
    hkdf_raw(b"salt", b"ikm", b"info", &mut out).unwrap();
    assert_ne!(out[EXPAND_MAX - 32..], [0; 32]);
    assert_eq!(hkdf_raw(b"salt", b"ikm", b"info", &mut vec![0; EXPAND_MAX + 1]), Err(Error::TooLarge));
}

#[test]
fn a_derivation_is_hkdf_with_the_encoded_label_before_the_context() {
    let info = [b"\x0fsealwax chain/1".as_slice(), b"context"].concat();
    let mut plain = [0; 40];
    hkdf_raw(b"salt", b"keymaterial", &info, &mut plain).unwrap();

    let mut out = [0; 40];
    extract_expand(b"salt", &[b"key", b"", b"material"], Label::Chain, b"context", &mut out);
    assert_eq!(out, plain);

    let mut expanded = [0; 40];
    expand(&hmac(b"salt", &[b"keymaterial"]), Label::Chain, b"context", &mut expanded);
    assert_eq!(expanded, plain);
}

#[test]
fn another_label_or_context_gives_another_key() {
    let prk = Secret::new([3; 32]);
    let derive = |label, context: &[u8]| {
        let mut out = [0; 32];
        expand(&prk, label, context, &mut out);
        out
    };
    assert_ne!(derive(Label::Chain, b""), derive(Label::Step, b""));
    assert_ne!(derive(Label::Chain, b""), derive(Label::Chain, b"\0"));
}

#[test]
fn a_hash_covers_its_encoded_label() {
    let expected = sha256(&[b"\x0csealwax link", b"/1", b"ab"]);
    assert_ne!(hash(Label::Link, &[b"ab"]), expected);
    assert_eq!(hash(Label::Link, &[b"a", b"b"]), sha256(&[b"\x0esealwax link/1ab"]));
}

#[test]
fn hashing_in_pieces_equals_hashing_at_once() {
    let mut hasher = Hasher::new(Label::Transcript);
    hasher.put_u16(0x0102);
    hasher.put_bytes8(b"xyz").unwrap();
    hasher.update(b"!");
    assert_eq!(hasher.finish(), hash(Label::Transcript, &[b"\x01\x02\x03xyz!"]));
}

#[test]
fn published_digest_of_abc() {
    let expected = unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(&[b"a", b"bc"])[..], expected);
}

#[test]
fn keys_are_the_bytes_of_one_expansion() {
    for label in ALL {
        let prk = Secret::new([label as u8; 32]);
        let mut whole = [0; 96];
        expand(&prk, label, &[], &mut whole);
        let mut parts = [[0xff; 32]; 3];
        let [first, second, third] = &mut parts;
        expand_keys(&prk, label, [first, second, third]);
        assert_eq!(parts.as_flattened(), whole, "{label:?}");
    }
}
