//! What the compiler does not check about the exports.

use std::collections::BTreeSet;
use std::fs;

use crate::header;

struct Export {
    name: String,
    body: String,
}

/// Exports as rustfmt leaves them: the signature, ` {` at the end of a line, and the body's first line.
fn exports() -> Vec<Export> {
    let mut exports = Vec::new();
    for file in fs::read_dir(header::path("src/ffi")).unwrap() {
        let source = fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        for (start, _) in source.match_indices("\n#[unsafe(no_mangle)]\n") {
            let item = &source[start..];
            let (signature, body) = item.split_once("{\n").unwrap();
            let name = signature.split_once(" fn ").unwrap().1.split_once('(').unwrap().0;
            assert!(signature.contains("extern \"C\" fn"), "{name}");
            exports.push(Export { name: name.into(), body: body.split_once("\n}\n").unwrap().0.into() });
        }
    }
    exports
}

#[test]
fn the_header_declares_what_the_sources_export() {
    let exported: BTreeSet<String> = exports().into_iter().map(|export| export.name).collect();
    assert_eq!(exported, header::functions());
}

#[test]
fn no_export_lets_a_panic_out() {
    for Export { name, body } in exports() {
        let guarded = body.starts_with("    guard(|| ") || body.starts_with("    guard_or(");
        // One expression that starts with the guard and ends with the body.
        let one_expression = body.lines().filter(|line| !line.starts_with("     ")).count() <= 2;
        assert!(guarded && one_expression && !body.trim_end().ends_with(';'), "{name} is not guarded");
    }
}
