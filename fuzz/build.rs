//! Compiles what tells stories to the C ABI: the table and the objects of the misuse tests.

fn main() {
    let sources = ["fixture.c", "story.c", "table.c"].map(|name| format!("../tests/c/misuse/{name}"));
    cc::Build::new()
        .include("../include")
        .files(&sources)
        .define("_POSIX_C_SOURCE", "200809L")
        .compile("story");
    println!("cargo::rerun-if-changed=../tests/c/misuse");
    println!("cargo::rerun-if-changed=../include/sealwax.h");
}
