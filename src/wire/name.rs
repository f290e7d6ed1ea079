//! Names that people see and sign: user ids and group labels (`docs/PROTOCOL.md` section 2.2).
//!
//! Two names that look the same should be the same bytes, and a name should not be able to rearrange the line it is
//! printed in. So names are in Normalization Form C and hold no control, format, private or unassigned character.

use unicode_normalization::is_nfc;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::error::{Error, Result};
use crate::limits::NAME_MAX;
use crate::wire::codec::Reader;

/// Takes a user id, 1 to 255 bytes.
///
/// [`Error::TooLarge`] above that, [`Error::InvalidText`] if it is empty, not UTF-8, not normalised, or holds a
/// character of a forbidden category.
pub fn check_user(bytes: &[u8]) -> Result<&str> {
    if bytes.is_empty() { Err(Error::InvalidText) } else { check_label(bytes) }
}

/// Takes a group label: like a user id, but it may be empty.
pub fn check_label(bytes: &[u8]) -> Result<&str> {
    if bytes.len() > NAME_MAX {
        return Err(Error::TooLarge);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| Error::InvalidText)?;
    let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if plain || (text.chars().all(is_visible) && is_nfc(text)) { Ok(text) } else { Err(Error::InvalidText) }
}

/// Reads a user id after its length byte; one that [`check_user`] refuses is [`Error::Malformed`].
pub fn read_user<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    check_user(reader.bytes8(1..=NAME_MAX)?).map_err(|_| Error::Malformed)
}

/// Reads a label after its length byte; one that [`check_label`] refuses is [`Error::Malformed`].
pub fn read_label<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    check_label(reader.bytes8(0..=NAME_MAX)?).map_err(|_| Error::Malformed)
}

fn is_visible(character: char) -> bool {
    !matches!(
        character.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_many_scripts_are_taken() {
        for name in ["a", "alice@example.org/phone", "Zoë", "Ζωή", "Зоя", "佐藤 愛", "عائشة", "🦭", "~ !"]
        {
            assert_eq!(check_user(name.as_bytes()), Ok(name));
        }
    }

    #[test]
    fn an_empty_name_is_a_label_and_no_user() {
        assert_eq!(check_user(b""), Err(Error::InvalidText));
        assert_eq!(check_label(b""), Ok(""));
    }

    #[test]
    fn length_counts_bytes() {
        let longest = "é".repeat(127) + "x";
        assert_eq!(longest.len(), 255);
        assert!(check_user(longest.as_bytes()).is_ok());
        assert_eq!(check_user((longest + "x").as_bytes()), Err(Error::TooLarge));
    }

    #[test]
    fn invisible_and_reordering_characters_are_refused() {
        for (category, character) in [
            ("Cc", "\0"),
            ("Cc", "\n"),
            ("Cc", "\x7f"),
            ("Cc", "\u{85}"),
            ("Cf", "\u{ad}"),
            ("Cf", "\u{200b}"),
            ("Cf", "\u{202e}"),
            ("Cf", "\u{2066}"),
            ("Cf", "\u{feff}"),
            ("Cf", "\u{e0041}"),
            ("Co", "\u{e000}"),
            ("Cn", "\u{378}"),
            ("Cn", "\u{ffff}"),
            ("Zl", "\u{2028}"),
            ("Zp", "\u{2029}"),
        ] {
            let name = format!("a{character}b");
            assert_eq!(check_user(name.as_bytes()), Err(Error::InvalidText), "{category} {name:?}");
        }
    }

    #[test]
    fn names_that_are_not_normalised_are_refused() {
        for name in ["Zoe\u{308}", "\u{212b}", "\u{1112}\u{1161}\u{11ab}"] {
            assert_eq!(check_user(name.as_bytes()), Err(Error::InvalidText), "{name:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        for name in [&b"\xff"[..], b"a\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
            assert_eq!(check_user(name), Err(Error::InvalidText));
        }
    }

    #[test]
    fn a_bad_name_inside_an_object_is_malformed() {
        assert_eq!(read_user(&mut Reader::new(b"\x01a")), Ok("a"));
        for bytes in [&b""[..], b"\x00", b"\x01\n", b"\x02a", b"\x01\xff"] {
            assert_eq!(read_user(&mut Reader::new(bytes)), Err(Error::Malformed));
        }
        assert_eq!(read_label(&mut Reader::new(b"\x00")), Ok(""));
        assert_eq!(read_label(&mut Reader::new(b"\x01\n")), Err(Error::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let judged = check_label(&bytes);
            prop_assert!(judged.is_err() || bytes.len() <= NAME_MAX);
        }
    }
}
