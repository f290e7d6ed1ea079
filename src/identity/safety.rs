//! What two people compare to know that nobody sits between them (`docs/PROTOCOL.md` section 3.3).

use crate::crypto::Secret;
use crate::crypto::kdf::{Label, expand};
use crate::error::{Error, Result};
use crate::identity::{Card, Fingerprint};
use crate::wire::SUITE;
use crate::wire::codec::{Put as _, SliceWriter};

/// Digits to read out.
pub const DIGITS: usize = 60;
/// Bytes to show as a QR code.
pub const QR_LEN: usize = 67;

const QR_VERSION: u8 = 1;
const GROUPS: usize = 6;
const GROUP_BYTES: usize = 5;
const GROUP_DIGITS: usize = 5;

/// The same for both of two people, another for any other pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyNumber {
    /// ASCII digits.
    pub digits: [u8; DIGITS],
    /// For a QR code.
    pub qr: [u8; QR_LEN],
}

/// The safety number of two cards, in either order. [`Error::InvalidArgument`] if both are of one identity.
pub fn safety_number(one: &Card, other: &Card) -> Result<SafetyNumber> {
    let (low, high) = match (one.fingerprint(), other.fingerprint()) {
        (one, other) if one < other => (one, other),
        (one, other) if one > other => (other, one),
        _ => return Err(Error::InvalidArgument),
    };
    let mut digits = [0; DIGITS];
    for (place, digit) in digits.iter_mut().zip(digits_of(low).chain(digits_of(high))) {
        *place = digit;
    }
    let mut qr = [0; QR_LEN];
    let mut writer = SliceWriter::new(&mut qr);
    writer.put_u8(QR_VERSION);
    writer.put_u16(SUITE);
    writer.put(low.as_bytes());
    writer.put(high.as_bytes());
    writer.finish()?;
    Ok(SafetyNumber { digits, qr })
}

/// Thirty digits.
fn digits_of(fingerprint: Fingerprint) -> impl Iterator<Item = u8> {
    let mut bytes = [0; GROUPS * GROUP_BYTES];
    expand(&Secret::new(*fingerprint.as_bytes()), Label::Safety, &[], &mut bytes);
    let groups: [u64; GROUPS] = core::array::from_fn(|group| {
        let bytes = bytes.iter().skip(group * GROUP_BYTES).take(GROUP_BYTES);
        bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)) % 100_000
    });
    groups.into_iter().flat_map(|number| {
        let digits: [u8; GROUP_DIGITS] = core::array::from_fn(|place| {
            let power = [10_000, 1_000, 100, 10, 1].into_iter().nth(place).unwrap_or(1);
            b'0' + (number / power % 10) as u8
        });
        digits
    })
}
