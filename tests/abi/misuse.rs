//! The table of the misuse tests in C, against the header: no function and no parameter is missing from it.

use std::collections::BTreeMap;
use std::fs;

use crate::header;

const TABLE: &str = "tests/c/misuse/functions.h";

/// What a row, or a declaration, says of each parameter.
type Shapes = Vec<&'static str>;

/// The rows of the table, by function.
fn rows() -> BTreeMap<String, Shapes> {
    let table = fs::read_to_string(header::path(TABLE)).unwrap();
    let mut rows = BTreeMap::new();
    for row in table.split("\nFUNCTION(").skip(1).chain(table.split("\nREFUSED(").skip(1)) {
        let row = row.split("\n\n").next().unwrap();
        let row = row.split("\nFUNCTION(").next().unwrap();
        let row = row.split("\nPURE(").next().unwrap();
        let row = row.split("\nREFUSED(").next().unwrap();
        let (name, row) = row.split_once(',').unwrap();
        // The arguments of the call stand in parentheses of their own, before the parameters.
        let arguments = row.find('(').unwrap();
        let parameters = &row[arguments + closing(&row[arguments..])..];
        assert!(rows.insert(name.to_owned(), shapes_of_row(parameters)).is_none(), "{name} has two rows");
    }
    for row in table.split("\nPURE(").skip(1) {
        let name = row.split_once(',').unwrap().0;
        assert!(rows.insert(name.to_owned(), Vec::new()).is_none(), "{name} has two rows");
    }
    rows
}

/// Where the parenthesis ends that the text begins with.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth == 0 {
            return at + 1;
        }
    }
    panic!("{text}");
}

fn shapes_of_row(parameters: &str) -> Shapes {
    let words = parameters.split(|character: char| !character.is_ascii_uppercase() && character != '_');
    words
        .filter_map(|word| match word {
            "OBJECT" | "ANY_OBJECT" | "ENDED" => Some("handle"),
            "BYTES" | "FIXED" | "STORED" => Some("bytes"),
            "TEXT" => Some("text"),
            "OPTIONS_TEXT" => Some("options"),
            "LENGTH" => Some("length"),
            "NUMBER" | "RANGE" => Some("number"),
            "BUFFER" | "EMPTY_BUFFER" => Some("buffer"),
            "VALUE" => Some("value"),
            "NEW_HANDLE" => Some("new handle"),
            "HANDLES" => Some("handles"),
            "SLICES" | "SOME_SLICES" => Some("slices"),
            "RESULTS" => Some("results"),
            "WAKE" => Some("wake"),
            _ => None,
        })
        .collect()
}

/// The same, from a declaration of the header.
fn shapes_of_declaration(declaration: &str) -> Shapes {
    let parameters = declaration.split_once('(').unwrap().1.trim_end_matches(')');
    let parameters: Vec<&str> = parameters.split(", ").collect();
    let mut shapes = Vec::new();
    let mut at = 0;
    while let Some(parameter) = parameters.get(at) {
        let next = parameters.get(at + 1).copied().unwrap_or_default();
        let has_length = next.starts_with("size_t ") && next.ends_with("_len");
        let (shape, taken) = match *parameter {
            "void" | "uint64_t now_ms" => ("", 1),
            "const char *options" if !declaration.contains("sealwax_options_check") => ("options", 2),
            text if text.starts_with("const char *") && has_length => ("text", 2),
            bytes if bytes.starts_with("const void *") && has_length => ("bytes", 2),
            out if out.starts_with("void *") => ("buffer", 3),
            handles if handles.contains(" *const *") && next == "size_t count" => ("handles", 2),
            slices if slices.starts_with("const sealwax_slice *") && next == "size_t count" => ("slices", 2),
            "sealwax_result *out_results" => ("results", 1),
            "sealwax_wake wake" => ("wake", 2),
            length if length.starts_with("size_t ") && !length.contains('*') => ("length", 1),
            out if out.contains(" *out_") || out.contains(" **out_") => {
                let handle = out.starts_with("sealwax_") && out.contains("**");
                (if handle { "new handle" } else { "value" }, 1)
            }
            handle if handle.contains('*') => ("handle", 1),
            _ => ("number", 1),
        };
        shapes.extend((!shape.is_empty()).then_some(shape));
        at += taken;
    }
    shapes
}

#[test]
fn no_function_of_the_header_is_missing_in_the_misuse_table() {
    let rows: Vec<String> = rows().into_keys().collect();
    let functions: Vec<String> = header::functions().into_iter().collect();
    assert_eq!(rows, functions);
}

#[test]
fn no_parameter_of_a_function_is_missing_in_the_misuse_table() {
    let rows = rows();
    for declaration in header::declarations() {
        if declaration.contains("SEALWAX_NODISCARD") || declaration.contains("_free(") {
            let name = header::function_name(&declaration);
            assert_eq!(rows[&name], shapes_of_declaration(&declaration), "{name}");
        }
    }
}
