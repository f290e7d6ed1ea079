//! Options of functions: one declarative table each, from which they are parsed, and explained by
//! `sealwax_options_check`.
//!
//! ```ignore
//! const WINDOW: Integer =
//!     Integer { name: "transition_window_ms", min: 0, max: GROUP_WINDOW_MAX_MS, default: GROUP_WINDOW_MS };
//! const RETAIN: Flag = Flag { name: "retain_history", default: false };
//! pub(super) static OPTIONS: Table =
//!     Table { functions: &["sealwax_group_receiver_new"], keys: &[&WINDOW, &RETAIN] };
//! // in the function:
//! let options = OPTIONS.parse(options)?;
//! let window = options.get(&WINDOW);
//! ```

use serde_json::{Map, Value, json};

use super::status::Status;
use crate::json::text;
use crate::limits;
use crate::wire::name::check_label;

/// Largest integer of JSON that every reader keeps exactly, plus one.
const INTEGER_END: u64 = 1 << 53;

/// The options of one function, or of several that share them.
pub(super) struct Table {
    pub(super) functions: &'static [&'static str],
    pub(super) keys: &'static [&'static dyn Key],
}

/// Options after defaults, each known and in its range.
pub(super) struct Options(Map<String, Value>);

/// Which key is at fault and why. An empty key: the object as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    key: String,
    why: String,
}

impl From<Fault> for Status {
    fn from(_: Fault) -> Self {
        Self::INVALID_OPTIONS
    }
}

impl Table {
    /// Reads a JSON object; empty text stands for all defaults.
    pub(super) fn parse(&self, text: &str) -> Result<Options, Fault> {
        let mut given = if text.is_empty() { Map::new() } else { object(text)? };
        if given.remove("v").is_some_and(|version| version != json!(1)) {
            return Err(Fault::new("v", "is not 1".into()));
        }
        let mut effective = Map::new();
        for key in self.keys {
            let value = match given.remove(key.name()) {
                Some(value) => key.check(value).map_err(|why| Fault::new(key.name(), why))?,
                None => key.default(),
            };
            effective.insert(key.name().into(), value);
        }
        match given.keys().next() {
            Some(unknown) => Err(Fault::new(unknown, self.known())),
            None => Ok(Options(effective)),
        }
    }

    fn known(&self) -> String {
        let names: Vec<&str> = self.keys.iter().map(|key| key.name()).collect();
        if names.is_empty() {
            "is unknown; there are no options".into()
        } else {
            format!("is unknown; known are {}", names.join(", "))
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Fault::new("", "is not a JSON object".into())),
        Err(error) => Err(Fault::new("", format!("is not JSON: {error}"))),
    }
}

impl Fault {
    fn new(key: &str, why: String) -> Self {
        Self { key: key.chars().take(limits::NAME_MAX).collect(), why }
    }
}

impl Options {
    /// The value of one key of the table that these options were parsed with.
    pub(super) fn get<K: Typed>(&self, key: &K) -> K::Value {
        self.0.get(key.name()).and_then(|value| key.read(value)).unwrap_or_else(|| key.fallback())
    }
}

/// What `sealwax_options_check` answers: the effective options, or what is wrong with them.
pub(super) fn report(parsed: Result<Options, Fault>) -> String {
    text(&match parsed {
        Ok(Options(effective)) => json!({ "v": 1, "ok": true, "effective": effective }),
        Err(Fault { key, why }) => json!({ "v": 1, "ok": false, "key": key, "why": why }),
    })
}

/// One key of an options object.
pub(super) trait Key: Sync {
    fn name(&self) -> &'static str;
    fn default(&self) -> Value;
    /// The value as it counts, or why it does not.
    fn check(&self, given: Value) -> Result<Value, String>;
}

/// A [`Key`] with a Rust type.
pub(super) trait Typed: Key {
    type Value;
    fn read(&self, value: &Value) -> Option<Self::Value>;
    fn fallback(&self) -> Self::Value;
}

/// `true` or `false`.
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) default: bool,
}

impl Key for Flag {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> Value {
        json!(self.default)
    }

    fn check(&self, given: Value) -> Result<Value, String> {
        if given.is_boolean() { Ok(given) } else { Err("is not true or false".into()) }
    }
}

impl Typed for Flag {
    type Value = bool;

    fn read(&self, value: &Value) -> Option<bool> {
        value.as_bool()
    }

    fn fallback(&self) -> bool {
        self.default
    }
}

/// An integer in a range; both ends count.
pub(super) struct Integer {
    pub(super) name: &'static str,
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) default: u64,
}

impl Key for Integer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> Value {
        json!(self.default)
    }

    fn check(&self, given: Value) -> Result<Value, String> {
        let max = self.max.min(INTEGER_END - 1);
        match given.as_u64() {
            Some(integer) if (self.min..=max).contains(&integer) => Ok(given),
            _ => Err(format!("is not an integer from {} to {max}", self.min)),
        }
    }
}

impl Typed for Integer {
    type Value = u64;

    fn read(&self, value: &Value) -> Option<u64> {
        value.as_u64()
    }

    fn fallback(&self) -> u64 {
        self.default
    }
}

/// A power of two in a range; both ends, which are such powers, count.
pub(super) struct PowerOfTwo {
    pub(super) name: &'static str,
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) default: u64,
}

impl Key for PowerOfTwo {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> Value {
        json!(self.default)
    }

    fn check(&self, given: Value) -> Result<Value, String> {
        match given.as_u64() {
            Some(integer) if integer.is_power_of_two() && (self.min..=self.max).contains(&integer) => {
                Ok(given)
            }
            _ => Err(format!("is not a power of two from {} to {}", self.min, self.max)),
        }
    }
}

impl Typed for PowerOfTwo {
    type Value = u64;

    fn read(&self, value: &Value) -> Option<u64> {
        value.as_u64()
    }

    fn fallback(&self) -> u64 {
        self.default
    }
}

/// One of several words, each with what it stands for; the first is the default.
pub(super) struct Choice<T: Copy + Sync + 'static> {
    pub(super) name: &'static str,
    pub(super) default: (&'static str, T),
    pub(super) others: &'static [(&'static str, T)],
}

impl<T: Copy + Sync> Choice<T> {
    fn words(&self) -> impl Iterator<Item = (&'static str, T)> {
        core::iter::once(self.default).chain(self.others.iter().copied())
    }
}

impl<T: Copy + Sync> Key for Choice<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> Value {
        json!(self.default.0)
    }

    fn check(&self, given: Value) -> Result<Value, String> {
        if self.read(&given).is_some() {
            return Ok(given);
        }
        let words: Vec<String> = self.words().map(|(word, _)| format!("\"{word}\"")).collect();
        Err(format!("is not one of {}", words.join(", ")))
    }
}

impl<T: Copy + Sync> Typed for Choice<T> {
    type Value = T;

    fn read(&self, value: &Value) -> Option<T> {
        let given = value.as_str()?;
        self.words().find(|(word, _)| *word == given).map(|(_, meaning)| meaning)
    }

    fn fallback(&self) -> T {
        self.default.1
    }
}

/// `N` bytes in lower-case hex, or absent.
pub(super) struct Hex<const N: usize> {
    pub(super) name: &'static str,
}

impl<const N: usize> Key for Hex<N> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> Value {
        Value::Null
    }

    fn check(&self, given: Value) -> Result<Value, String> {
        if self.read(&given).is_some() {
            return Ok(given);
        }
        Err(format!("is not {N} bytes in lower-case hex"))
    }
}

impl<const N: usize> Typed for Hex<N> {
    type Value = Option<[u8; N]>;

    fn read(&self, value: &Value) -> Option<Option<[u8; N]>> {
        let text = value.as_str()?.as_bytes();
        if text.len() != 2 * N {
            return None;
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Some(bytes))
    }

    fn fallback(&self) -> Option<[u8; N]> {
        None
    }
}

/// A label of the protocol; empty unless it is there.
pub(super) struct Label {
    pub(super) name: &'static str,
}

impl Key for Label {
    fn name(&self) -> &'static str {
        self.name
    }

    fn default(&self) -> Value {
        json!("")
    }

    fn check(&self, given: Value) -> Result<Value, String> {
        let is_label = given.as_str().is_some_and(|text| check_label(text.as_bytes()).is_ok());
        if is_label {
            Ok(given)
        } else {
            Err("is not text of at most 255 bytes under the rules of user ids".into())
        }
    }
}

impl Typed for Label {
    type Value = String;

    fn read(&self, value: &Value) -> Option<String> {
        value.as_str().map(Into::into)
    }

    fn fallback(&self) -> String {
        String::new()
    }
}

const fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Choice, Fault, Flag, Hex, Integer, Options, PowerOfTwo, Table, report};

    const WINDOW: Integer = Integer { name: "window_ms", min: 10, max: 1_000, default: 120 };
    const RETAIN: Flag = Flag { name: "retain", default: false };
    const PADDING: Choice<u8> = Choice { name: "padding", default: ("none", 0), others: &[("padme", 1)] };
    const PIN: Hex<2> = Hex { name: "pin" };
    static TABLE: Table = Table { functions: &["f"], keys: &[&WINDOW, &RETAIN, &PADDING, &PIN] };

    fn parse(text: &str) -> Options {
        TABLE.parse(text).unwrap()
    }

    fn fault(text: &str) -> (String, String) {
        let Fault { key, why } = TABLE.parse(text).err().unwrap();
        (key, why)
    }

    #[test]
    fn nothing_means_all_defaults() {
        for text in ["", "{}", r#"{"v":1}"#] {
            let options = parse(text);
            assert_eq!(options.get(&WINDOW), 120);
            assert!(!options.get(&RETAIN));
            assert_eq!(options.get(&PADDING), 0);
            assert_eq!(options.get(&PIN), None);
        }
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let options = parse(r#"{"window_ms":1000,"retain":true,"padding":"padme","pin":"0aff"}"#);
        assert_eq!(options.get(&WINDOW), 1_000);
        assert!(options.get(&RETAIN));
        assert_eq!(options.get(&PADDING), 1);
        assert_eq!(options.get(&PIN), Some([0x0a, 0xff]));
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        for (text, key) in [
            (r#"{"window_ms":9}"#, "window_ms"),
            (r#"{"window_ms":1001}"#, "window_ms"),
            (r#"{"window_ms":10.5}"#, "window_ms"),
            (r#"{"window_ms":-10}"#, "window_ms"),
            (r#"{"window_ms":"10"}"#, "window_ms"),
            (r#"{"window_ms":null}"#, "window_ms"),
            (r#"{"retain":1}"#, "retain"),
            (r#"{"padding":"Padme"}"#, "padding"),
            (r#"{"pin":"0AFF"}"#, "pin"),
            (r#"{"pin":"0af"}"#, "pin"),
            (r#"{"pin":"0aff00"}"#, "pin"),
            (r#"{"v":2}"#, "v"),
            (r#"{"colour":1}"#, "colour"),
            ("[]", ""),
            ("{", ""),
            ("{} {}", ""),
        ] {
            assert_eq!(fault(text).0, key, "{text}");
        }
    }

    #[test]
    fn powers_of_two_are_told_from_other_integers() {
        static TABLE: Table = Table { functions: &["g"], keys: &[&SIZE] };
        const SIZE: PowerOfTwo = PowerOfTwo { name: "size", min: 4, max: 16, default: 8 };
        assert_eq!(TABLE.parse("").unwrap().get(&SIZE), 8);
        assert_eq!(TABLE.parse(r#"{"size":16}"#).unwrap().get(&SIZE), 16);
        for text in [r#"{"size":2}"#, r#"{"size":12}"#, r#"{"size":32}"#, r#"{"size":"8"}"#] {
            assert_eq!(TABLE.parse(text).err().unwrap().why, "is not a power of two from 4 to 16", "{text}");
        }
    }

    #[test]
    fn the_reason_says_what_would_do() {
        assert_eq!(fault(r#"{"window_ms":9}"#).1, "is not an integer from 10 to 1000");
        assert_eq!(fault(r#"{"padding":1}"#).1, r#"is not one of "none", "padme""#);
        assert_eq!(fault(r#"{"a":1}"#).1, "is unknown; known are window_ms, retain, padding, pin");
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert_eq!(fault(&"[".repeat(60_000)).0, "");
    }

    #[test]
    fn the_report_gives_effective_options_or_the_fault() {
        let good: Value = serde_json::from_str(&report(TABLE.parse(r#"{"retain":true}"#))).unwrap();
        assert_eq!(good["effective"]["retain"], json!(true));
        assert_eq!(good["effective"]["window_ms"], json!(120));
        let bad: Value = serde_json::from_str(&report(TABLE.parse(r#"{"retain":0}"#))).unwrap();
        assert_eq!(bad, json!({"v":1, "ok":false, "key":"retain", "why":"is not true or false"}));
    }
}
