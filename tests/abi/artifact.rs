//! The shared library: what it exports, its name, and that link-time optimisation was on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use object::elf;
use object::read::elf::{Dyn as _, ElfFile64};
use object::{Object as _, ObjectSymbol as _, SymbolKind};

use crate::header;

/// The library that this test run was built with.
fn debug_library() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.parent().unwrap().join(format!("{}sealwax{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX))
}

/// The release artefact, which `make lib` builds.
fn release_library() -> PathBuf {
    PathBuf::from(
        env::var_os("SEALWAX_LIBRARY").expect("SEALWAX_LIBRARY names the release artefact: run `make test`"),
    )
}

fn exports(library: &Path) -> BTreeSet<String> {
    let bytes = fs::read(library).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    let names = library.exports().unwrap();
    names
        .iter()
        .map(|export| String::from_utf8(export.name().to_vec()).unwrap())
        .map(|name| if cfg!(target_os = "macos") { name[1..].to_owned() } else { name })
        .collect()
}

#[test]
#[cfg(unix)]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    assert_eq!(exports(&debug_library()), header::functions());
}

#[test]
#[cfg(unix)]
#[ignore = "needs the release artefact: make test"]
fn the_release_artefact_exports_what_the_header_declares_and_nothing_else() {
    assert_eq!(exports(&release_library()), header::functions());
}

/// Each codegen unit that reaches the linker leaves its name among the symbols. With fat link-time optimisation all
/// Rust code, the standard library's too, is a single unit; without it, every crate brings its own.
#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs the release artefact: make test"]
fn the_release_artefact_was_optimised_at_link_time() {
    let units = codegen_units(&release_library());
    assert_eq!(units.len(), 1, "codegen units: {units:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_check_for_link_time_optimisation_can_fail() {
    assert!(codegen_units(&debug_library()).len() > 1);
}

#[cfg(target_os = "linux")]
fn codegen_units(library: &Path) -> BTreeSet<String> {
    let bytes = fs::read(library).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    library
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::File)
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned))
        .filter(|name| name.contains("-cgu.") && !name.starts_with("compiler_builtins"))
        .collect()
}

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn the_soname_is_that_of_the_abi_and_the_library_stays_loaded() {
    let bytes = fs::read(debug_library()).unwrap();
    let library: ElfFile64 = ElfFile64::parse(&*bytes).unwrap();
    let (entries, link) = library.elf_section_table().dynamic(library.endian(), &*bytes).unwrap().unwrap();
    let strings = library.elf_section_table().strings(library.endian(), &*bytes, link).unwrap();
    let value = |tag: u32| {
        let entry = entries.iter().find(|entry| entry.tag32(library.endian()) == Some(tag)).unwrap();
        (entry.d_val(library.endian()), entry.string(library.endian(), strings))
    };
    let soname = format!("libsealwax.so.{}", sealwax::ffi::version::SEALWAX_ABI_MAJOR);
    assert_eq!(value(elf::DT_SONAME).1, Ok(soname.as_bytes()));
    assert_ne!(value(elf::DT_FLAGS_1).0 & u64::from(elf::DF_1_NODELETE), 0);
}
