//! The version of the C ABI. `build.rs` includes this file as a module of its own: it names the SONAME.

/// Major number of the ABI, and of the SONAME. It grows when something is removed or changes its meaning.
pub const SEALWAX_ABI_MAJOR: u32 = 0;

/// Minor number of the ABI. It grows when functions, statuses or keys of an options object are added.
pub const SEALWAX_ABI_MINOR: u32 = 2;

/// The ABI that this header describes. A library serves it if it has the same major and at least this minor:
/// compare with what sealwax_abi_version() says about the library that was loaded.
pub const SEALWAX_ABI_VERSION: u32 = (SEALWAX_ABI_MAJOR << 16) | SEALWAX_ABI_MINOR;
