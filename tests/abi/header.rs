//! The committed header against the rendered one, and a reader of its declarations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// As `build.rs` rendered it from the sources.
pub(crate) const RENDERED: &str = include_str!(concat!(env!("OUT_DIR"), "/sealwax.h"));

/// A file of the repository.
pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Whether committed files are to be replaced instead of compared: `make header`.
pub(crate) fn replacing() -> bool {
    env::var_os("SEALWAX_REPLACE").is_some()
}

/// The header without comments and preprocessor lines, one declaration an entry, spaces made uniform.
pub(crate) fn declarations() -> Vec<String> {
    let mut code = String::new();
    let mut rest = RENDERED;
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        rest = comment.split_once("*/").unwrap().1;
    }
    code += rest;
    let code: Vec<&str> =
        code.lines().filter(|line| !line.starts_with('#') && !line.starts_with("extern")).collect();
    let mut declarations = Vec::new();
    let mut current = String::new();
    let mut depth = 0_i32;
    for character in code.join(" ").chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        if depth < 0 {
            depth = 0; // the end of extern "C"
        } else if character == ';' && depth == 0 {
            declarations.push(current.split_whitespace().collect::<Vec<_>>().join(" "));
            current.clear();
        } else {
            current.push(character);
        }
    }
    assert_eq!(current.trim(), "", "what follows the last declaration");
    declarations
}

/// Names of the functions that the header declares.
pub(crate) fn functions() -> BTreeSet<String> {
    declarations()
        .iter()
        .filter(|declaration| declaration.contains("SEALWAX_API"))
        .map(|declaration| function_name(declaration))
        .collect()
}

/// The name that a function's declaration declares.
pub(crate) fn function_name(declaration: &str) -> String {
    let before = declaration.split_once('(').unwrap().0;
    before.rsplit([' ', '*']).next().unwrap().to_owned()
}

#[test]
fn the_committed_header_is_the_rendered_one() {
    let committed = path("include/sealwax.h");
    if replacing() {
        fs::write(&committed, RENDERED).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&committed).unwrap_or_default(),
        RENDERED,
        "include/sealwax.h is out of date: run `make header`"
    );
}

#[test]
fn every_status_must_be_looked_at_except_that_of_a_free() {
    for declaration in declarations() {
        if declaration.contains("SEALWAX_API sealwax_status") {
            let nodiscard = declaration.starts_with("SEALWAX_NODISCARD ");
            assert_eq!(nodiscard, !declaration.contains("_free("), "{declaration}");
        }
    }
}

#[test]
fn the_header_keeps_to_ascii_and_to_its_width() {
    for line in RENDERED.lines() {
        assert!(line.is_ascii() && line.len() <= 115, "{line}");
    }
}

#[test]
fn every_parameter_and_every_function_is_described() {
    let mut comment = String::new();
    let mut declaration = String::new();
    for line in RENDERED.lines() {
        if line.starts_with("/**") {
            comment.clear();
        }
        if line.starts_with("/*") || line.starts_with(" *") {
            comment += line;
            comment.push('\n');
        } else if line.starts_with("SEALWAX_") || !declaration.is_empty() {
            declaration += line;
        }
        if !declaration.ends_with(';') {
            continue;
        }
        assert!(!comment.is_empty(), "no comment: {declaration}");
        let parameters = declaration.split_once('(').unwrap().1.trim_end_matches([')', ';']);
        let described = comment.contains("@param");
        for parameter in parameters.split(',').map(str::trim).filter(|one| *one != "void" && described) {
            let name = parameter.trim_end_matches("[]").rsplit([' ', '*']).next().unwrap();
            assert!(comment.contains(&format!("@param {name} ")), "{name} is not described: {declaration}");
        }
        let fallible = declaration.contains("SEALWAX_NODISCARD");
        assert!(!fallible || described && comment.contains("@retval"), "no @param or @retval: {declaration}");
        declaration.clear();
        comment.clear();
    }
}

/// Lines without their margins.
fn trimmed(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.trim_start_matches(" *").trim()).filter(|line| !line.is_empty()).collect()
}

/// The host's loop in the header is that of an example, which is compiled and run with every warning.
#[test]
fn the_loop_of_a_host_in_the_header_is_that_of_the_example() {
    let loop_of_header = RENDERED.split_once("is the whole of it:\n").unwrap().1;
    let loop_of_header = trimmed(loop_of_header.split_once("Whatever is called").unwrap().0);
    assert!(loop_of_header.len() > 10, "{loop_of_header:#?}");
    let example = fs::read_to_string(path("bindings/c/examples/host.c")).unwrap();
    let example = trimmed(&example);
    assert!(
        example.windows(loop_of_header.len()).any(|lines| lines == loop_of_header),
        "not in bindings/c/examples/host.c: {loop_of_header:#?}"
    );
}
