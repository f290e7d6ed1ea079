//! What calls over many inputs say of each.

use super::argument::Value;
use super::status::{SEALWAX_INTERNAL, Status, sealwax_status};

/// What became of one of many inputs. If the call itself fails, each one says SEALWAX_INTERNAL and has no bytes,
/// whatever it was that failed; if there are more of them than the call takes, they are left as they were.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_result {
    /// SEALWAX_OK if there is a result.
    pub status: sealwax_status,
    /// 0.
    pub reserved: u32,
    /// Where its bytes start in the output.
    pub offset: usize,
    /// How many they are; 0 after a failure.
    pub len: usize,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<sealwax_result>() == 24);
    assert!(core::mem::offset_of!(sealwax_result, offset) == 8);
    assert!(core::mem::offset_of!(sealwax_result, len) == 16);
};

impl Value for sealwax_result {
    const NOTHING: Self = Self { status: SEALWAX_INTERNAL, reserved: 0, offset: 0, len: 0 };
}

impl sealwax_result {
    /// Bytes in the output.
    pub(super) const fn bytes(status: sealwax_status, offset: usize, len: usize) -> Self {
        Self { status, reserved: 0, offset, len }
    }

    /// No bytes: this input failed, the others go on.
    pub(super) fn failed(status: Status) -> Self {
        Self { status: status.code(), ..Self::NOTHING }
    }
}
