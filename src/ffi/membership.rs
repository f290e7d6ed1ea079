//! Who is in a group, and how its log stands, as structs.

use core::ffi::{c_char, c_void};

use super::argument::{Outputs, Value};
use super::cell;
use super::guard::guard;
use super::roster::sealwax_roster;
use super::sizes::{SEALWAX_FINGERPRINT_LEN, SEALWAX_NAME_MAX};
use super::status::sealwax_status;
use crate::limits::ROSTER_BRANCHES_MAX;
use crate::roster::{Member, Roster};

/// Flag of a group: anybody may join, whom the relay lets in.
pub const SEALWAX_GROUP_FLAG_OPEN: u32 = 1;
/// Flag of a group: it has ended.
pub const SEALWAX_GROUP_FLAG_DELETED: u32 = 2;

/// How a group stands.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_group_state {
    /// Number of the newest entry of its log.
    pub epoch: u64,
    /// Number of the newest entry that changed who can read.
    pub membership_epoch: u64,
    /// Hash of the newest entry: the head of its history.
    pub hash: [u8; 32],
    /// How many members there are.
    pub members: u32,
    /// Our role, SEALWAX_ROLE_MEMBER and so on. 0: we are no member, or nobody is meant by "we".
    pub role: u32,
    /// SEALWAX_GROUP_FLAG_OPEN and SEALWAX_GROUP_FLAG_DELETED, added up.
    pub flags: u32,
    /// How many histories compete with this one; 0 unless the group is forked.
    pub branches: u32,
    /// Their heads, 32 bytes each; the rest is 0.
    pub branch_heads: [u8; 128],
    /// Bytes of the label.
    pub label_len: u32,
    /// 0.
    pub reserved: u32,
    /// What people call the group, which identifies nothing: UTF-8, and a NUL.
    pub label: [c_char; 256],
}

/// A member of a group.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_member {
    /// SEALWAX_ROLE_MEMBER and so on.
    pub role: u32,
    /// Bytes of the user id.
    pub user_len: u32,
    /// Number of the entry since which it is a member.
    pub since_epoch: u64,
    /// Of the identity that is a member.
    pub fingerprint: [u8; SEALWAX_FINGERPRINT_LEN],
    /// User id: UTF-8, and a NUL.
    pub user: [c_char; 256],
}

const _: () = {
    assert!(SEALWAX_NAME_MAX + 1 == 256);
    assert!(ROSTER_BRANCHES_MAX * 32 == 128);
    assert!(size_of::<sealwax_group_state>() == 456);
    assert!(size_of::<sealwax_member>() == 304);
};

impl Value for sealwax_group_state {
    const NOTHING: Self = Self {
        epoch: 0,
        membership_epoch: 0,
        hash: [0; 32],
        members: 0,
        role: 0,
        flags: 0,
        branches: 0,
        branch_heads: [0; 128],
        label_len: 0,
        reserved: 0,
        label: [0; 256],
    };
}

impl Value for sealwax_member {
    const NOTHING: Self = Self {
        role: 0,
        user_len: 0,
        since_epoch: 0,
        fingerprint: [0; SEALWAX_FINGERPRINT_LEN],
        user: [0; 256],
    };
}

/// A count or length that the limits keep far below the largest.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A name with the NUL that C wants: no name has one inside.
fn terminated(name: &str) -> [c_char; 256] {
    let mut out = [0; 256];
    for (place, byte) in out.iter_mut().take(SEALWAX_NAME_MAX).zip(name.bytes()) {
        *place = c_char::from_ne_bytes([byte]);
    }
    out
}

impl sealwax_group_state {
    /// `user`: whose role is told.
    pub(super) fn new(roster: &Roster, user: Option<&str>) -> Self {
        let info = roster.info();
        let own = |member: &&Member| user.is_some_and(|user| **member.user() == *user);
        let mut heads = [0; 128];
        for (place, branch) in heads.chunks_exact_mut(32).zip(&info.branches) {
            place.copy_from_slice(&branch.head);
        }
        Self {
            epoch: info.epoch,
            membership_epoch: info.membership_epoch,
            hash: info.hash,
            members: number(info.members.len()),
            role: info.members.iter().find(own).map_or(0, |member| member.role() as u32),
            flags: if info.policy.open { SEALWAX_GROUP_FLAG_OPEN } else { 0 }
                | if info.deleted { SEALWAX_GROUP_FLAG_DELETED } else { 0 },
            branches: number(info.branches.len()),
            branch_heads: heads,
            label_len: number(info.label.len()),
            reserved: 0,
            label: terminated(&info.label),
        }
    }
}

impl sealwax_member {
    pub(super) fn new(member: &Member) -> Self {
        Self {
            role: member.role() as u32,
            user_len: number(member.user().len()),
            since_epoch: member.since_epoch(),
            fingerprint: *member.fingerprint().as_bytes(),
            user: terminated(member.user()),
        }
    }
}

/// Tells how the log of a group stands: sealwax_roster_info() without JSON.
///
/// @param roster     the roster
/// @param out_state  the state; `role` is 0
///
/// @retval SEALWAX_NULL_POINTER    out_state is NULL
/// @retval SEALWAX_INVALID_HANDLE  roster is not one that is open
/// @retval SEALWAX_POISONED        the roster broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_state(
    roster: *const sealwax_roster,
    out_state: *mut sealwax_group_state,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_state);
        outputs.inputs()?;
        let roster = cell::shared(roster)?;
        out.put(sealwax_group_state::new(&*roster.lock()?, None));
        Ok(())
    })
}

/// Lists the members of a group.
///
/// @param roster   the roster
/// @param out      an array of sealwax_member, in the order of the user ids, at any address
/// @param out_cap  bytes of room at out; 0 asks for the size
/// @param out_len  bytes of the array: sizeof(sealwax_member) for each
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
/// @retval SEALWAX_POISONED          the roster broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_members(
    roster: *const sealwax_roster,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let roster = cell::shared(roster)?;
        let roster = roster.lock()?;
        out.put_all(roster.members().map(sealwax_member::new))
    })
}
