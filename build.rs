//! Renders the C header into `OUT_DIR` and names the shared library.
//!
//! `tests/abi/header.rs` compares the header with the committed one, and `make header` replaces that.

#![allow(clippy::indexing_slicing, reason = "a build that fails is what an index out of bounds deserves")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

#[allow(dead_code, unreachable_pub, reason = "a module of the library; only the major number is of use here")]
#[path = "src/ffi/version.rs"]
mod version;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/ffi");

    let root = env::var("CARGO_MANIFEST_DIR")?;
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("sealwax.h"), header(Path::new(&root))?)?;

    name_library(&env::var("CARGO_CFG_TARGET_OS")?);
    Ok(())
}

fn header(root: &Path) -> Result<String, Box<dyn Error>> {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let bindings =
        cbindgen::Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs")).generate()?;
    let mut rendered = Vec::new();
    bindings.write(&mut rendered);
    Ok(arrange(&String::from_utf8(rendered)?))
}

/// What cbindgen cannot do: headings, attributes where C++ wants them, and comments of one line.
///
/// A doc comment that starts with `@section Title` gets the title as a heading of its own above it.
fn arrange(rendered: &str) -> String {
    let rendered = rendered
        .replace("SEALWAX_API\nSEALWAX_NODISCARD\n", "SEALWAX_NODISCARD SEALWAX_API\n")
        .replace("SEALWAX_API SEALWAX_NODISCARD ", "SEALWAX_NODISCARD SEALWAX_API ")
        .replace("// __cplusplus", "/* __cplusplus */")
        .replace("// extern \"C\"", "/* extern \"C\" */");
    let mut arranged = String::new();
    let mut lines = rendered.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        if line == "/**" {
            let comment: Vec<&str> = lines.by_ref().take_while(|line| *line != " */").collect();
            arranged += &doc_comment(&comment);
        } else if line.trim_start() == "/**" {
            let comment: Vec<&str> = lines.by_ref().take_while(|line| line.trim_start() != "*/").collect();
            arranged += &member_comment(&comment);
        } else {
            arranged += line;
            arranged.push('\n');
        }
    }
    // Constants of one line each stand together.
    let mut compact = String::new();
    let lines: Vec<&str> = arranged.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let between = line.is_empty()
            && index > 0
            && lines[index - 1].starts_with("#define SEALWAX_")
            && lines.get(index + 1).is_some_and(|next| next.starts_with("/** "))
            && lines.get(index + 2).is_some_and(|next| next.starts_with("#define SEALWAX_"));
        if !between {
            compact += line;
            compact.push('\n');
        }
    }
    compact
}

fn doc_comment(lines: &[&str]) -> String {
    let mut lines: Vec<&str> = lines.iter().map(|line| line.strip_prefix(" *").unwrap_or(line)).collect();
    let mut arranged = String::new();
    if let Some(title) = lines.first().and_then(|first| first.strip_prefix(" @section ")) {
        arranged += &format!("/* ---- {title} ---- */\n\n");
        lines.remove(0);
        while lines.first().is_some_and(|line| line.is_empty()) {
            lines.remove(0);
        }
    }
    match lines.as_slice() {
        [] => {}
        [line] if line.len() < 104 => arranged += &format!("/**{line} */\n"),
        lines => {
            arranged += "/**\n";
            for line in lines {
                arranged += &format!(" *{line}\n");
            }
            arranged += " */\n";
        }
    }
    arranged
}

/// The comment of a member of a struct, in one line if it fits.
fn member_comment(lines: &[&str]) -> String {
    match lines {
        [line] if line.len() < 107 => format!("    /**{} */\n", line.trim_start().trim_start_matches('*')),
        lines => {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            format!("    /**\n{text}     */\n")
        }
    }
}

/// The SONAME carries the major number of the ABI, not the version of the crate, so that programs linked today
/// run with every later library of the same major.
fn name_library(os: &str) {
    let major = version::SEALWAX_ABI_MAJOR;
    match os {
        "linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsealwax.so.{major}");
            // Unloading would leave the fork hook and thread-local destructors pointing at nothing.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
            if os == "android" {
                println!("cargo:rustc-cdylib-link-arg=-Wl,-z,max-page-size=16384");
            }
        }
        "macos" | "ios" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libsealwax.{major}.dylib");
        }
        _ => {}
    }
}
