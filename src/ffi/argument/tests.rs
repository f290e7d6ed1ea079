use core::ffi::c_void;
use core::ptr;

use super::Outputs;
use crate::ffi::status::Status;

const HUGE: [usize; 3] = [usize::MAX / 2, usize::MAX / 2 + 1, usize::MAX];

fn outputs() -> Outputs {
    // SAFETY: the tests hand in live buffers of their own, or pointers that are refused before they are followed.
    unsafe { Outputs::new() }
}

fn start(bytes: &mut [u8]) -> *mut c_void {
    bytes.as_mut_ptr().cast()
}

#[test]
fn bytes_are_given_with_their_length() {
    let (mut buffer, mut len) = ([9; 4], 77);
    let mut outputs = outputs();
    let out = outputs.bytes(start(&mut buffer), 4, &raw mut len);
    outputs.inputs().unwrap();
    assert_eq!(out.put(b"abc"), Ok(()));
    assert_eq!((&buffer, len), (b"abc\x09", 3));
}

#[test]
fn too_small_a_buffer_tells_the_size_and_stays_as_it_was() {
    for cap in [0, 2] {
        let (mut buffer, mut len) = ([9; 4], 77);
        let mut outputs = outputs();
        let out = outputs.bytes(start(&mut buffer), cap, &raw mut len);
        outputs.inputs().unwrap();
        assert_eq!(out.put(b"abc"), Err(Status::BUFFER_TOO_SMALL));
        assert_eq!((buffer, len), ([9; 4], 3));
    }
}

#[test]
fn capacity_0_needs_no_buffer() {
    let mut len = 77;
    let mut outputs = outputs();
    let out = outputs.bytes(ptr::null_mut(), 0, &raw mut len);
    outputs.inputs().unwrap();
    assert_eq!(out.put(b""), Ok(()));
    assert_eq!(len, 0);
}

#[test]
fn a_failure_after_writing_wipes_the_reserved_bytes() {
    let (mut buffer, mut len) = ([9; 4], 77);
    let mut outputs = outputs();
    let out = outputs.bytes(start(&mut buffer), 4, &raw mut len);
    outputs.inputs().unwrap();
    let mut reserved = out.reserve(3).unwrap();
    reserved.buffer().copy_from_slice(b"abc");
    drop(reserved);
    assert_eq!((buffer, len), ([0, 0, 0, 9], 0));
}

#[test]
fn every_output_is_nothing_when_one_of_them_is_null() {
    let (mut len, mut number, mut id) = (77, 77_u64, [7; 16]);
    let mut outputs = outputs();
    outputs.bytes(ptr::null_mut(), 4, &raw mut len);
    outputs.value(&raw mut number);
    outputs.array::<16>(id.as_mut_ptr());
    assert_eq!(outputs.inputs().err(), Some(Status::NULL_POINTER));
    assert_eq!((len, number, id), (0, 0, [0; 16]));

    let mut outputs = super::tests::outputs();
    outputs.value::<u64>(ptr::null_mut());
    assert_eq!(outputs.inputs().err(), Some(Status::NULL_POINTER));
}

#[test]
fn a_capacity_that_nothing_has_is_refused() {
    for cap in HUGE {
        let (mut buffer, mut len) = ([9; 4], 77);
        let mut outputs = outputs();
        outputs.bytes(start(&mut buffer), cap, &raw mut len);
        assert_eq!(outputs.inputs().err(), Some(Status::TOO_LARGE));
        assert_eq!(len, 0);
    }
}

#[test]
fn outputs_that_overlap_are_refused() {
    let mut buffer = [0_usize; 4];
    let mut outputs = outputs();
    outputs.bytes(buffer.as_mut_ptr().cast(), 32, (&raw mut buffer).cast());
    assert_eq!(outputs.inputs().err(), Some(Status::BUFFER_OVERLAP));
}

#[test]
fn an_input_may_touch_an_output_but_not_overlap_it() {
    let (mut buffer, mut len) = ([1_u8; 8], 0);
    let base = buffer.as_mut_ptr();
    for (from, size, overlaps) in [(0, 2, false), (0, 3, true), (3, 1, true), (5, 2, true), (6, 2, false)] {
        let mut outputs = outputs();
        outputs.bytes(base.wrapping_add(2).cast(), 4, &raw mut len);
        let inputs = outputs.inputs().unwrap();
        let input = inputs.bytes(base.wrapping_add(from).cast(), size, 8);
        assert_eq!(input.err(), overlaps.then_some(Status::BUFFER_OVERLAP), "{from} {size}");
    }
}

#[test]
fn inputs_may_overlap_one_another() {
    let bytes = [1_u8, 2, 3];
    let inputs = outputs().inputs().unwrap();
    assert_eq!(inputs.bytes(bytes.as_ptr().cast(), 3, 3), Ok(&bytes[..]));
    assert_eq!(inputs.bytes(bytes.as_ptr().cast(), 2, 3), Ok(&bytes[..2]));
}

#[test]
fn null_is_an_empty_input_and_no_other() {
    let inputs = outputs().inputs().unwrap();
    assert_eq!(inputs.bytes(ptr::null(), 0, 3), Ok(&[][..]));
    assert_eq!(inputs.text(ptr::null(), 0, 3), Ok(""));
    for len in [1, 4, usize::MAX] {
        assert_eq!(inputs.bytes(ptr::null(), len, 3), Err(Status::NULL_POINTER));
        assert_eq!(inputs.text(ptr::null(), len, 3), Err(Status::NULL_POINTER));
    }
}

#[test]
fn a_length_over_its_limit_is_refused_before_a_byte_is_read() {
    let inputs = outputs().inputs().unwrap();
    let nowhere = ptr::without_provenance::<c_void>(0x1000);
    for len in HUGE.into_iter().chain([4]) {
        assert_eq!(inputs.bytes(nowhere, len, 3), Err(Status::TOO_LARGE));
        assert_eq!(inputs.text(nowhere.cast(), len, 3), Err(Status::TOO_LARGE));
    }
    assert_eq!(inputs.bytes(nowhere, usize::MAX / 2, usize::MAX), Err(Status::TOO_LARGE));
}

#[test]
fn a_fixed_length_takes_no_other() {
    let bytes = [7_u8; 33];
    let inputs = outputs().inputs().unwrap();
    assert_eq!(inputs.exactly::<32>(bytes.as_ptr().cast(), 32), Ok(&[7; 32]));
    assert_eq!(inputs.exactly::<32>(bytes.as_ptr().cast(), 31), Err(Status::INVALID_ARGUMENT));
    assert_eq!(inputs.exactly::<32>(bytes.as_ptr().cast(), 33), Err(Status::TOO_LARGE));
    assert_eq!(inputs.exactly::<32>(ptr::null(), 0), Err(Status::INVALID_ARGUMENT));
}

#[test]
fn text_is_utf_8() {
    let inputs = outputs().inputs().unwrap();
    let text = "zoë";
    assert_eq!(inputs.text(text.as_ptr().cast(), text.len(), 9), Ok("zoë"));
    assert_eq!(inputs.text(text.as_ptr().cast(), text.len() - 1, 9), Err(Status::INVALID_TEXT));
}

#[test]
fn arrays_may_lie_at_any_address() {
    let mut bytes = [0_u8; 33];
    let odd = bytes.as_mut_ptr().wrapping_add(1);
    let mut outputs = outputs();
    let values = outputs.values::<u64>(odd.cast(), 4, 4);
    outputs.inputs().unwrap();
    values.put(3, u64::from_le_bytes([7; 8]));
    values.put(4, 9);
    assert_eq!(bytes[25..], [7; 8]);
    assert_eq!(bytes[..25], [0; 25]);

    let inputs = self::outputs().inputs().unwrap();
    let pointers = bytes.as_ptr().wrapping_add(25).cast::<*const u8>();
    let read: Vec<_> = inputs.values(pointers, 1, 1).unwrap().iter().map(|pointer| pointer.addr()).collect();
    assert_eq!(read, [usize::from_le_bytes([7; 8])]);
}

#[test]
fn an_array_over_its_limit_is_neither_read_nor_written() {
    let mut words = [5_u64; 2];
    let mut outputs = outputs();
    outputs.values(words.as_mut_ptr(), 2, 1);
    assert_eq!(outputs.inputs().err(), Some(Status::TOO_LARGE));
    assert_eq!(words, [5; 2]);
    let inputs = self::outputs().inputs().unwrap();
    let pointers: *const *const u8 = words.as_ptr().cast();
    assert_eq!(inputs.values(pointers, 2, 1).err(), Some(Status::TOO_LARGE));
    assert_eq!(inputs.values(core::ptr::null::<*const u8>(), 1, 1).err(), Some(Status::NULL_POINTER));
    assert_eq!(inputs.values(core::ptr::null::<*const u8>(), 0, 1).map(|none| none.iter().len()), Ok(0));
}

#[test]
fn an_array_that_overlaps_an_output_is_refused() {
    let mut words = [0_u64; 4];
    let start = words.as_mut_ptr();
    let mut outputs = outputs();
    outputs.values(start, 2, 9);
    let inputs = outputs.inputs().unwrap();
    let at = |index| start.wrapping_add(index).cast::<*const u8>().cast_const();
    assert_eq!(inputs.values(at(1), 2, 9).err(), Some(Status::BUFFER_OVERLAP));
    assert!(inputs.values(at(2), 2, 9).is_ok());
}
