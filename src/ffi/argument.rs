//! The only place that turns a C caller's pointers into slices, and the only one that writes through them.
//!
//! Outputs are declared first: they are checked and set to "nothing" before anything else, so that whatever fails
//! later finds them so. Inputs come from [`Outputs::inputs`] and are checked against the outputs. The order of the
//! checks is the same in every function; `docs/C_API.md` states it.

use core::ffi::{c_char, c_void};
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::slice;
use std::sync::Arc;

use zeroize::Zeroize as _;

use super::cell::{Cell, Object, Opaque};
use super::envelope::sealwax_slice;
use super::fork;
use super::registry::{REGISTRY, Vacancy};
use super::status::Status;

/// Outputs that one function can have.
const OUTPUTS_MAX: usize = 8;

/// Memory of the caller's, by address: from, up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    from: usize,
    to: usize,
}

impl Region {
    const EMPTY: Self = Self { from: 0, to: 0 };

    fn new<T>(pointer: *const T, len: usize) -> Self {
        let from = pointer.addr();
        Self { from, to: from.saturating_add(len.saturating_mul(size_of::<T>())) }
    }

    fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// Where a call may write, declared before its inputs.
pub(super) struct Outputs {
    regions: [Region; OUTPUTS_MAX],
    count: usize,
    refusal: Option<Status>,
}

impl Outputs {
    /// Starts the declaration of a call's outputs.
    ///
    /// # Safety
    /// Every pointer given to this value and to the [`Inputs`] made from it is NULL or comes from a caller who
    /// keeps to the header: until the export returns, an input of `len` elements is readable and unchanged, an
    /// output of `cap` elements is writable and nobody else's.
    pub(super) unsafe fn new() -> Self {
        Self { regions: [Region::EMPTY; OUTPUTS_MAX], count: 0, refusal: None }
    }

    /// A buffer and its length: `void *out, size_t out_cap, size_t *out_len`.
    pub(super) fn bytes(&mut self, out: *mut c_void, out_cap: usize, out_len: *mut usize) -> BytesOut {
        let len = self.value(out_len);
        let start = self.buffer(out.cast(), out_cap);
        BytesOut { start, cap: out_cap, len }
    }

    /// A pointer to one number or frozen struct: `uint64_t *out_due_ms`. Zero until it is put.
    pub(super) fn value<T: Value>(&mut self, out: *mut T) -> ValueOut<T> {
        let place = NonNull::new(out);
        match place {
            // SAFETY: writable, as promised to `new`; nothing was read from the caller's memory yet.
            Some(place) => unsafe { place.write_unaligned(T::NOTHING) },
            None => self.refuse(Status::NULL_POINTER),
        }
        self.claim(Region::new(out, 1));
        ValueOut { place }
    }

    /// An array of frozen structs, at most `limit` of them: `sealwax_result *out_results, size_t count`. Nothing in it
    /// until it is put.
    pub(super) fn values<T: Value>(&mut self, out: *mut T, count: usize, limit: usize) -> ValuesOut<T> {
        if count > limit {
            self.refuse(Status::TOO_LARGE);
            return ValuesOut { start: out, count: 0 };
        }
        let count = if out.is_null() && count != 0 {
            self.refuse(Status::NULL_POINTER);
            0
        } else {
            count
        };
        let values = ValuesOut { start: out, count };
        (0..count).for_each(|index| values.put(index, T::NOTHING));
        self.claim(Region::new(out, count));
        values
    }

    /// A fixed number of bytes: `uint8_t *out_id`. Zero until they are put.
    pub(super) fn array<const N: usize>(&mut self, out: *mut u8) -> ValueOut<[u8; N]> {
        self.value(out.cast())
    }

    /// Where a new handle goes: `sealwax_session **out_session`. NULL until it is put.
    pub(super) fn handle<O: Opaque>(&mut self, out: *mut *mut O) -> HandleOut<O> {
        HandleOut { place: self.value(out) }
    }

    /// Ends the declaration: a NULL or overlapping output is refused here.
    pub(super) fn inputs(self) -> Result<Inputs, Status> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let regions = self.regions.get(..self.count).ok_or(Status::INTERNAL)?;
        for (index, one) in regions.iter().enumerate() {
            if regions.iter().skip(index + 1).any(|other| one.overlaps(*other)) {
                return Err(Status::BUFFER_OVERLAP);
            }
        }
        Ok(Inputs { outputs: self.regions })
    }

    fn buffer(&mut self, out: *mut u8, cap: usize) -> *mut u8 {
        if out.is_null() && cap != 0 {
            self.refuse(Status::NULL_POINTER);
        } else if cap >= isize::MAX.unsigned_abs() {
            // Nothing in memory is that large; as an address range it would overlap with anything.
            self.refuse(Status::TOO_LARGE);
        } else {
            self.claim(Region::new(out, cap));
        }
        out
    }

    fn claim(&mut self, region: Region) {
        match self.regions.get_mut(self.count) {
            Some(place) => *place = region,
            None => self.refuse(Status::INTERNAL),
        }
        self.count += 1;
    }

    fn refuse(&mut self, status: Status) {
        self.refusal.get_or_insert(status);
    }
}

/// What a call reads.
pub(super) struct Inputs {
    outputs: [Region; OUTPUTS_MAX],
}

impl Inputs {
    /// `const void *x, size_t x_len`, at most `limit` bytes; NULL with length 0 is empty.
    pub(super) fn bytes(&self, pointer: *const c_void, len: usize, limit: usize) -> Result<&[u8], Status> {
        self.slice(pointer.cast(), len, limit)
    }

    /// `const void *x, size_t x_len` where only one length will do.
    pub(super) fn exactly<const N: usize>(
        &self,
        pointer: *const c_void,
        len: usize,
    ) -> Result<&[u8; N], Status> {
        self.bytes(pointer, len, N)?.try_into().map_err(|_| Status::INVALID_ARGUMENT)
    }

    /// `const sealwax_slice *x, size_t count`: at most `limit` of them, and of `total` bytes together.
    pub(super) fn slices(
        &self,
        pointer: *const sealwax_slice,
        count: usize,
        limit: usize,
        total: usize,
    ) -> Result<Vec<&[u8]>, Status> {
        let mut left = total;
        let slice = |slice: sealwax_slice| {
            let bytes = self.bytes(slice.ptr, slice.len, left)?;
            left = left.saturating_sub(bytes.len());
            Ok(bytes)
        };
        self.values(pointer, count, limit)?.iter().map(slice).collect()
    }

    /// `const char *x, size_t x_len`: UTF-8, at most `limit` bytes.
    pub(super) fn text(&self, pointer: *const c_char, len: usize, limit: usize) -> Result<&str, Status> {
        let bytes = self.slice(pointer.cast(), len, limit)?;
        core::str::from_utf8(bytes).map_err(|_| Status::INVALID_TEXT)
    }

    /// `sealwax_session *const *sessions, size_t count`: an array of at most `limit` elements, which may lie at any
    /// address.
    pub(super) fn values<T: Element>(
        &self,
        pointer: *const T,
        count: usize,
        limit: usize,
    ) -> Result<ValuesIn<'_, T>, Status> {
        self.check(pointer, count, limit)?;
        Ok(ValuesIn { start: pointer, count, _inputs: self })
    }

    fn slice(&self, pointer: *const u8, len: usize, limit: usize) -> Result<&[u8], Status> {
        if len == 0 {
            return Ok(&[]);
        }
        self.check(pointer, len, limit)?;
        // SAFETY: readable and unchanged for the call, as promised to `Outputs::new`, and not overlapping with
        // what the call writes.
        Ok(unsafe { slice::from_raw_parts(pointer, len) })
    }

    fn check<T>(&self, pointer: *const T, len: usize, limit: usize) -> Result<(), Status> {
        if len == 0 {
            return Ok(());
        }
        if pointer.is_null() {
            return Err(Status::NULL_POINTER);
        }
        if len > limit || len.saturating_mul(size_of::<T>()) >= isize::MAX.unsigned_abs() {
            return Err(Status::TOO_LARGE);
        }
        let region = Region::new(pointer, len);
        if self.outputs.iter().any(|output| output.overlaps(region)) {
            return Err(Status::BUFFER_OVERLAP);
        }
        Ok(())
    }
}

/// What an input array can hold: any bytes make one.
pub(super) trait Element: Copy {}

impl<T> Element for *const T {}
impl<T> Element for *mut T {}
impl Element for sealwax_slice {}

/// An input array.
pub(super) struct ValuesIn<'a, T> {
    start: *const T,
    count: usize,
    _inputs: &'a Inputs,
}

impl<T: Element> ValuesIn<'_, T> {
    /// Its elements, in their order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = T> {
        let start = self.start;
        // SAFETY: so many are readable and unchanged for the call, as promised to `Outputs::new`, and any bytes make
        // an element.
        (0..self.count).map(move |index| unsafe { start.add(index).read_unaligned() })
    }
}

/// A declared output buffer.
pub(super) struct BytesOut {
    start: *mut u8,
    cap: usize,
    len: ValueOut<usize>,
}

impl BytesOut {
    /// Whether `size` bytes fit.
    pub(super) fn holds(&self, size: usize) -> bool {
        size <= self.cap
    }

    /// Makes sure that `size` bytes fit, before the call changes anything. `BUFFER_TOO_SMALL` stores `size`.
    pub(super) fn reserve<'a>(self, size: usize) -> Result<ReservedOut<'a>, Status> {
        if !self.holds(size) {
            self.len.put(size);
            return Err(Status::BUFFER_TOO_SMALL);
        }
        let buffer = if size == 0 {
            &mut []
        } else {
            // SAFETY: `size` is at most `cap`, and that much is writable and nobody else's, as promised to
            // `Outputs::new`. Rust did not see the memory being made, so what is in it counts as some bytes.
            unsafe { slice::from_raw_parts_mut(self.start, size) }
        };
        Ok(ReservedOut { buffer, len: self.len, done: false })
    }

    /// [`BytesOut::reserve`] of two outputs at once: `BUFFER_TOO_SMALL` stores both sizes and touches neither.
    pub(super) fn reserve_both<'a>(
        self,
        size: usize,
        other: Self,
        other_size: usize,
    ) -> Result<(ReservedOut<'a>, ReservedOut<'a>), Status> {
        if size > self.cap || other_size > other.cap {
            self.len.put(size);
            other.len.put(other_size);
            return Err(Status::BUFFER_TOO_SMALL);
        }
        Ok((self.reserve(size)?, other.reserve(other_size)?))
    }

    /// Gives bytes that were made without changing anything.
    pub(super) fn put(self, bytes: &[u8]) -> Result<(), Status> {
        self.reserve(bytes.len())?.put(bytes)
    }

    /// Gives frozen structs, one after another, that were made without changing anything.
    pub(super) fn put_all<T: Value>(self, values: impl ExactSizeIterator<Item = T>) -> Result<(), Status> {
        let size = values.len().saturating_mul(size_of::<T>());
        let mut out = self.reserve(size)?;
        for (place, value) in out.buffer().chunks_exact_mut(size_of::<T>()).zip(values) {
            // SAFETY: the chunk is as long as the struct and nobody else's.
            unsafe { place.as_mut_ptr().cast::<T>().write_unaligned(value) };
        }
        out.finish(size)
    }
}

/// An output buffer that is large enough. Dropped before [`ReservedOut::finish`], it is wiped.
pub(super) struct ReservedOut<'a> {
    buffer: &'a mut [u8],
    len: ValueOut<usize>,
    done: bool,
}

impl ReservedOut<'_> {
    /// The bytes that were reserved. Their content is whatever the caller left there.
    pub(super) fn buffer(&mut self) -> &mut [u8] {
        self.buffer
    }

    /// Gives bytes that are as many as were reserved, or fewer.
    pub(super) fn put(self, bytes: &[u8]) -> Result<(), Status> {
        match self.buffer.get_mut(..bytes.len()) {
            Some(place) => place.copy_from_slice(bytes),
            None => return Err(Status::INTERNAL),
        }
        self.finish(bytes.len())
    }

    /// Says where the result lies: it moves to the front, and whatever else was written is wiped.
    pub(super) fn finish_with(self, result: Range<usize>) -> Result<(), Status> {
        let len = result.len();
        if self.buffer.get(result.clone()).is_none() {
            return Err(Status::INTERNAL);
        }
        self.buffer.copy_within(result, 0);
        self.buffer.get_mut(len..).unwrap_or_default().zeroize();
        self.finish(len)
    }

    /// Says how many of them are the result; the rest is the caller's.
    pub(super) fn finish(mut self, len: usize) -> Result<(), Status> {
        if len > self.buffer.len() {
            return Err(Status::INTERNAL);
        }
        self.done = true;
        self.len.put(len);
        Ok(())
    }
}

impl Drop for ReservedOut<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.buffer.zeroize();
        }
    }
}

/// What a [`ValueOut`] can hold.
pub(super) trait Value: Copy {
    /// What it holds after a failure.
    const NOTHING: Self;
}

macro_rules! values {
    ($($value:ty = $nothing:expr),+) => {
        $(impl Value for $value {
            const NOTHING: Self = $nothing;
        })+
    };
}
values!(usize = 0, u64 = 0, u32 = 0);

impl<T> Value for *mut T {
    const NOTHING: Self = ptr::null_mut();
}

impl<T> Value for *const T {
    const NOTHING: Self = ptr::null();
}

impl<const N: usize> Value for [u8; N] {
    const NOTHING: Self = [0; N];
}

/// A declared output of fixed size.
pub(super) struct ValueOut<T> {
    place: Option<NonNull<T>>,
}

impl<T: Value> ValueOut<T> {
    /// Gives the value. The last thing that a call does.
    pub(super) fn put(&self, value: T) {
        if let Some(place) = self.place {
            // SAFETY: writable, as promised to `Outputs::new`, and not overlapping with any input.
            unsafe { place.write_unaligned(value) };
        }
    }
}

/// A declared output of several of a fixed size.
pub(super) struct ValuesOut<T> {
    start: *mut T,
    count: usize,
}

impl<T: Value> ValuesOut<T> {
    /// Gives one of them; one too many goes nowhere.
    pub(super) fn put(&self, index: usize, value: T) {
        if index < self.count {
            // SAFETY: within what is writable, as promised to `Outputs::new`, and not overlapping with any input.
            unsafe { self.start.add(index).write_unaligned(value) };
        }
    }
}

/// A declared output for a new handle.
pub(super) struct HandleOut<O: Opaque> {
    place: ValueOut<*mut O>,
}

impl<O: Opaque> HandleOut<O> {
    /// Makes sure that a handle can be given, before the call changes anything. `LIMIT_REACHED` if not.
    pub(super) fn reserve(self) -> Result<ReservedHandle<O>, Status> {
        fork::watch()?;
        Ok(ReservedHandle { place: self.place, vacancy: REGISTRY.reserve()? })
    }
}

/// A handle without an object.
pub(super) struct ReservedHandle<O: Opaque> {
    place: ValueOut<*mut O>,
    vacancy: Vacancy,
}

impl<O: Opaque> ReservedHandle<O> {
    /// Makes the object and gives its handle to the caller. The answer is for whoever has to follow it.
    pub(super) fn put(self, object: O::Object, links: <O::Object as Object>::Links) -> Arc<Cell<O::Object>> {
        let (token, cell) = Cell::settle(self.vacancy, object, links);
        self.place.put(token.to_pointer());
        cell
    }
}

#[cfg(test)]
mod tests;
