//! What info functions and events answer: JSON with `"v":1`, integers that every reader keeps, bytes in lower-case hex.

use serde_json::Value;

/// Largest integer of JSON that every reader keeps exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Its text. `Value::to_string` would bring the indented form along.
#[inline(never)]
pub(crate) fn text(value: &Value) -> String {
    // All names are strings, so there always is one.
    serde_json::to_string(value).unwrap_or_default()
}

/// Lower-case hex.
#[inline(never)]
pub(crate) fn hex(bytes: &[u8]) -> Value {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    Value::String(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

/// An integer. A time that somebody else wrote can be larger than any; it shows as the largest.
pub(crate) fn integer(value: u64) -> Value {
    value.min(INTEGER_MAX).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{hex, integer, text};

    #[test]
    fn bytes_show_as_lower_case_hex() {
        assert_eq!(hex(&[]), "");
        assert_eq!(hex(&[0x00, 0x9a, 0xff]), "009aff");
    }

    #[test]
    fn the_text_is_in_one_line_and_in_the_order_of_the_names() {
        assert_eq!(text(&json!({ "b": [1, null], "a": {} })), r#"{"a":{},"b":[1,null]}"#);
    }

    #[test]
    fn integers_stay_below_two_to_the_53rd() {
        assert_eq!(integer(7), 7);
        assert_eq!(integer((1 << 53) - 1), 9_007_199_254_740_991_u64);
        assert_eq!(integer(u64::MAX), 9_007_199_254_740_991_u64);
    }
}
