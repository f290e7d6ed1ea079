//! Groups of clients.

use sealwax::ffi::client_calls::SEALWAX_CONTENT_TEXT;
use sealwax::ffi::envelope::sealwax_slice;
use sealwax::ffi::membership::sealwax_group_state;
use sealwax::ffi::{client_group_messages as messages, client_groups as ffi, client_membership as known};
use serde_json::Value;

use super::client::Client;
use super::roster::{Member, members};
use super::{Result, bytes_out, done};

/// What a request gives: its number.
fn request(call: impl FnOnce(*mut u64) -> i32) -> Result<u64> {
    let mut number = 77;
    let status = call(&mut number);
    assert_eq!(number == 0, status != 0);
    done(status).map(|()| number)
}

fn slices<T: AsRef<[u8]>>(inputs: &[T]) -> Vec<sealwax_slice> {
    let slice = |input: &T| sealwax_slice { ptr: input.as_ref().as_ptr().cast(), len: input.as_ref().len() };
    inputs.iter().map(slice).collect()
}

// The inputs of all calls are slices, and the outputs live.
impl Client {
    pub(crate) fn create_group(&self, label: &str, members: &[&str], open: i32, now_ms: u64) -> Result<u64> {
        let (name, name_len, members) = (label.as_ptr().cast(), label.len(), slices(members));
        // SAFETY: as above.
        request(|out| unsafe {
            let (users, count) = (members.as_ptr(), members.len());
            ffi::sealwax_client_create_group(self.handle(), name, name_len, users, count, open, now_ms, out)
        })
    }

    pub(crate) fn join_group(&self, group: &[u8], now_ms: u64) -> Result<u64> {
        let (group, len) = (group.as_ptr().cast(), group.len());
        // SAFETY: as above.
        request(|out| unsafe { ffi::sealwax_client_join_group(self.handle(), group, len, now_ms, out) })
    }

    pub(crate) fn join_labelled(&self, label: &str, now_ms: u64) -> Result<u64> {
        let (label, len) = (label.as_ptr().cast(), label.len());
        // SAFETY: as above.
        request(|out| unsafe { ffi::sealwax_client_join_labelled(self.handle(), label, len, now_ms, out) })
    }

    pub(crate) fn add_members(&self, group: &[u8], users: &[&str], role: u32, now_ms: u64) -> Result<u64> {
        let (group, len, users) = (group.as_ptr().cast(), group.len(), slices(users));
        // SAFETY: as above.
        request(|out| unsafe {
            let (users, count) = (users.as_ptr(), users.len());
            ffi::sealwax_client_add_members(self.handle(), group, len, users, count, role, now_ms, out)
        })
    }

    pub(crate) fn remove_member(&self, group: &[u8], user: &str, now_ms: u64) -> Result<u64> {
        let (group, len, user, user_len) =
            (group.as_ptr().cast(), group.len(), user.as_ptr().cast(), user.len());
        // SAFETY: as above.
        request(|out| unsafe {
            ffi::sealwax_client_remove_member(self.handle(), group, len, user, user_len, now_ms, out)
        })
    }

    pub(crate) fn set_role(&self, group: &[u8], user: &str, role: u32, now_ms: u64) -> Result<u64> {
        let (group, len, user, user_len) =
            (group.as_ptr().cast(), group.len(), user.as_ptr().cast(), user.len());
        // SAFETY: as above.
        request(|out| unsafe {
            ffi::sealwax_client_set_role(self.handle(), group, len, user, user_len, role, now_ms, out)
        })
    }

    pub(crate) fn replace_member(&self, group: &[u8], user: &str, now_ms: u64) -> Result<u64> {
        let (group, len, user, user_len) =
            (group.as_ptr().cast(), group.len(), user.as_ptr().cast(), user.len());
        // SAFETY: as above.
        request(|out| unsafe {
            ffi::sealwax_client_replace_member(self.handle(), group, len, user, user_len, now_ms, out)
        })
    }

    pub(crate) fn leave_group(&self, group: &[u8], now_ms: u64) -> Result<u64> {
        let (group, len) = (group.as_ptr().cast(), group.len());
        // SAFETY: as above.
        request(|out| unsafe { ffi::sealwax_client_leave_group(self.handle(), group, len, now_ms, out) })
    }

    pub(crate) fn delete_group(&self, group: &[u8], now_ms: u64) -> Result<u64> {
        let (group, len) = (group.as_ptr().cast(), group.len());
        // SAFETY: as above.
        request(|out| unsafe { ffi::sealwax_client_delete_group(self.handle(), group, len, now_ms, out) })
    }

    pub(crate) fn resolve_group(&self, group: &[u8], chosen: &[u8], now_ms: u64) -> Result<u64> {
        let (group, len) = (group.as_ptr().cast(), group.len());
        // SAFETY: as above.
        request(|out| unsafe {
            let (chosen, chosen_len) = (chosen.as_ptr().cast(), chosen.len());
            ffi::sealwax_client_resolve_group(self.handle(), group, len, chosen, chosen_len, now_ms, out)
        })
    }

    pub(crate) fn share_history(&self, group: &[u8], user: &str, now_ms: u64) -> Result<u64> {
        let (group, len, user, user_len) =
            (group.as_ptr().cast(), group.len(), user.as_ptr().cast(), user.len());
        // SAFETY: as above.
        request(|out| unsafe {
            messages::sealwax_client_share_history(self.handle(), group, len, user, user_len, now_ms, out)
        })
    }

    /// How many of the messages were read.
    pub(crate) fn read_shared(&self, group: &[u8], envelopes: &[Vec<u8>], now_ms: u64) -> Result<usize> {
        let (mut read, slices) = (77, slices(envelopes));
        // SAFETY: as above.
        let status = unsafe {
            let (group, len, count) = (group.as_ptr().cast(), group.len(), slices.len());
            let client = self.handle();
            messages::sealwax_client_read_shared(
                client,
                group,
                len,
                slices.as_ptr(),
                count,
                now_ms,
                &mut read,
            )
        };
        assert!(status == 0 || read == 0);
        done(status).map(|()| read)
    }

    pub(crate) fn send_group(&self, group: &[u8], text: &str, now_ms: u64) -> Result<[u8; 16]> {
        let mut id = [77; 16];
        // SAFETY: as above.
        let status = unsafe {
            messages::sealwax_client_send_group(
                self.handle(),
                group.as_ptr().cast(),
                group.len(),
                SEALWAX_CONTENT_TEXT,
                text.as_ptr().cast(),
                text.len(),
                0,
                now_ms,
                id.as_mut_ptr(),
            )
        };
        done(status).map(|()| id)
    }

    pub(crate) fn mark_group_read(&self, group: &[u8], user: &str, ids: &[u8], now_ms: u64) -> Result<()> {
        let (group, len, user, user_len) =
            (group.as_ptr().cast(), group.len(), user.as_ptr().cast(), user.len());
        // SAFETY: as above.
        done(unsafe {
            let (ids, ids_len) = (ids.as_ptr().cast(), ids.len());
            messages::sealwax_client_mark_group_read(
                self.handle(),
                group,
                len,
                user,
                user_len,
                ids,
                ids_len,
                now_ms,
            )
        })
    }

    pub(crate) fn groups(&self) -> Result<Vec<Vec<u8>>> {
        // SAFETY: `bytes_out` gives good outputs.
        let ids =
            bytes_out(|out, cap, len| unsafe { known::sealwax_client_groups(self.handle(), out, cap, len) })?;
        assert_eq!(ids.len() % 32, 0);
        Ok(ids.chunks(32).map(<[u8]>::to_vec).collect())
    }

    pub(crate) fn group_state(&self, group: &[u8]) -> Result<sealwax_group_state> {
        let mut state = core::mem::MaybeUninit::zeroed();
        let (group, len) = (group.as_ptr().cast(), group.len());
        // SAFETY: the input is a slice, the output lives; zeros are a state.
        unsafe {
            done(known::sealwax_client_group_state(self.handle(), group, len, state.as_mut_ptr()))?;
            Ok(state.assume_init())
        }
    }

    pub(crate) fn group_members(&self, group: &[u8]) -> Result<Vec<Member>> {
        let (group, group_len) = (group.as_ptr().cast(), group.len());
        // SAFETY: the input is a slice, and `bytes_out` gives good outputs.
        let array = bytes_out(|out, cap, len| unsafe {
            known::sealwax_client_group_members(self.handle(), group, group_len, out, cap, len)
        })?;
        Ok(members(&array))
    }

    pub(crate) fn group_info(&self, group: &[u8]) -> Result<Value> {
        // SAFETY: as above, and `bytes_out` gives good outputs.
        let info = bytes_out(|out, cap, len| unsafe {
            known::sealwax_client_group_info(self.handle(), group.as_ptr().cast(), group.len(), out, cap, len)
        })?;
        Ok(serde_json::from_slice(&info).unwrap())
    }
}
