//! Where the fields of each struct lie, on machines of 64 bits: part of the dump, and a table in C that every compiler
//! checks against itself.

use std::fs;

use sealwax::ffi::client_loop::sealwax_pending;
use sealwax::ffi::deliveries::{sealwax_delivery, sealwax_record};
use sealwax::ffi::envelope::{sealwax_envelope, sealwax_slice};
use sealwax::ffi::event::sealwax_event_fields;
use sealwax::ffi::membership::{sealwax_group_state, sealwax_member};
use sealwax::ffi::results::sealwax_result;
use sealwax::ffi::stream_seal::sealwax_stream_layout;

use crate::header;

const TABLE: &str = "tests/c/layout.h";

/// A struct of the header as C lays it out.
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) size: usize,
    pub(crate) fields: Vec<(String, usize)>,
    align: usize,
}

/// Size and alignment of a field's type: natural, on every machine of 64 bits.
fn size_of_type(name: &str, before: &[Layout]) -> (usize, usize) {
    if name.contains('*') {
        return (8, 8);
    }
    match name {
        "char" | "uint8_t" => (1, 1),
        "int32_t" | "uint32_t" | "sealwax_status" => (4, 4),
        "uint64_t" | "size_t" => (8, 8),
        _ => {
            let layout = before.iter().find(|layout| layout.name == name);
            let layout = layout.unwrap_or_else(|| panic!("{name} is not known here"));
            (layout.size, layout.align)
        }
    }
}

/// The number in `[16]`, or the one that its constant stands for.
fn count(count: &str) -> usize {
    count.parse().unwrap_or_else(|_| {
        let define = format!("#define {count} ");
        header::RENDERED.split_once(&define).unwrap().1.lines().next().unwrap().parse().unwrap()
    })
}

/// All structs of the header, in their order.
pub(crate) fn layouts() -> Vec<Layout> {
    let mut layouts: Vec<Layout> = Vec::new();
    for declaration in header::declarations() {
        let Some(body) = declaration.strip_prefix("typedef struct {") else { continue };
        let (body, name) = body.rsplit_once('}').unwrap();
        let (mut end, mut most) = (0_usize, 1);
        let mut fields = Vec::new();
        for field in body.split(';').map(str::trim).filter(|field| !field.is_empty()) {
            let (field, elements) = match field.split_once('[') {
                Some((field, elements)) => (field, count(elements.trim_end_matches(']'))),
                None => (field, 1),
            };
            let (of, field) = field.rsplit_once([' ', '*']).unwrap();
            let of = if declaration.contains(&format!("*{field}")) { "*" } else { of };
            let (size, align) = size_of_type(of, &layouts);
            let at = end.next_multiple_of(align);
            fields.push((field.to_owned(), at));
            (end, most) = (at + elements * size, most.max(align));
        }
        let size = end.next_multiple_of(most);
        layouts.push(Layout { name: name.trim().to_owned(), size, fields, align: most });
    }
    layouts
}

#[test]
#[cfg(target_pointer_width = "64")]
fn rust_lays_the_structs_out_as_c_does() {
    let sizes = [
        ("sealwax_slice", size_of::<sealwax_slice>()),
        ("sealwax_envelope", size_of::<sealwax_envelope>()),
        ("sealwax_group_state", size_of::<sealwax_group_state>()),
        ("sealwax_member", size_of::<sealwax_member>()),
        ("sealwax_result", size_of::<sealwax_result>()),
        ("sealwax_stream_layout", size_of::<sealwax_stream_layout>()),
        ("sealwax_delivery", size_of::<sealwax_delivery>()),
        ("sealwax_record", size_of::<sealwax_record>()),
        ("sealwax_pending", size_of::<sealwax_pending>()),
        ("sealwax_event_fields", size_of::<sealwax_event_fields>()),
    ];
    let layouts = layouts();
    assert_eq!(layouts.len(), sizes.len(), "a struct is missing here");
    for Layout { name, size, .. } in layouts {
        assert!(sizes.contains(&(name.as_str(), size)), "{name} has {size} bytes in C");
    }
}

#[test]
fn the_table_for_c_compilers_is_that_of_the_header() {
    let mut table = String::from(
        "/* Sizes and offsets of the structs of sealwax.h on machines of 64 bits, rendered from it by `make header`. */\n",
    );
    for Layout { name, size, fields, .. } in layouts() {
        table += &format!("SIZE({name}, {size})\n");
        for (field, at) in fields {
            table += &format!("OFFSET({name}, {field}, {at})\n");
        }
    }
    let path = header::path(TABLE);
    if header::replacing() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), table, "run `make header`");
}
