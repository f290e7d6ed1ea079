//! Vectors in `tests/vectors/` (`docs/PROTOCOL.md` section 13): computed anew by each test run and compared with the
//! committed file. `SEALWAX_WRITE_VECTORS=1` writes the file instead.

use std::path::Path;

use serde_json::{Value, json};

/// Bytes as they stand in a vector.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> Value {
    let digits: String = bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Value::String(digits)
}

/// `L(label)` of the protocol.
pub(crate) fn label(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// Compares `vectors` with the committed file of that name, naming the first place where they differ.
pub(crate) fn check(name: &str, vectors: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name).with_extension("json");
    let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
    if std::env::var_os("SEALWAX_WRITE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap();
    if committed != text {
        let difference = difference("", &serde_json::from_str(&committed).unwrap(), vectors);
        panic!("{} differs from the committed file at {difference:?}", file.display());
    }
}

/// The path to the first value that is not the same in both; `None` if only the spelling differs.
fn difference(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys());
            keys.into_iter().find_map(|key| {
                let at =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or(json!(null));
                difference(&format!("{path}/{key}"), &at(one), &at(other))
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.into_iter().find_map(|(at, (one, other))| difference(&format!("{path}/{at}"), one, other))
        }
        (one, other) => (one != other).then(|| path.to_owned()),
    }
}
