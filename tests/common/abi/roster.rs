//! Rosters.

use sealwax::ffi::membership::{self, sealwax_group_state, sealwax_member};
use sealwax::ffi::{proposals, roster as ffi};
use serde_json::Value;

use super::{Identity, Result, bytes_out, done, handle_out, json_out};

/// A member as the C ABI tells it: user id, role, since which epoch, fingerprint.
pub(crate) type Member = (String, u32, u64, [u8; 32]);

/// An array of `sealwax_member`.
pub(crate) fn members(array: &[u8]) -> Vec<Member> {
    let (members, rest) = array.as_chunks::<{ size_of::<sealwax_member>() }>();
    assert!(rest.is_empty());
    let member = |bytes: &[u8; size_of::<sealwax_member>()]| {
        // SAFETY: any bytes make one.
        let member: sealwax_member = unsafe { bytes.as_ptr().cast::<sealwax_member>().read_unaligned() };
        let user: Vec<u8> = member.user.iter().map(|byte| byte.to_ne_bytes()[0]).collect();
        let (user, end) = user.split_at(member.user_len as usize);
        assert!(end.iter().all(|byte| *byte == 0) && !end.is_empty());
        (String::from_utf8(user.to_vec()).unwrap(), member.role, member.since_epoch, member.fingerprint)
    };
    members.iter().map(member).collect()
}

/// A roster, freed when it goes.
#[derive(Debug)]
pub(crate) struct Roster(*mut ffi::sealwax_roster);

impl Roster {
    /// A closed group of the owner and these members.
    pub(crate) fn new(owner: &Identity, members: &[&Identity], now_ms: u64) -> Self {
        let cards: Vec<u8> = members.iter().flat_map(|member| member.card()).collect();
        Self::create(owner, b"team", &cards, "", now_ms).unwrap()
    }

    pub(crate) fn create(
        owner: &Identity,
        label: &[u8],
        cards: &[u8],
        options: &str,
        now_ms: u64,
    ) -> Result<Self> {
        let (label, label_len) = (label.as_ptr().cast(), label.len());
        let (cards, cards_len) = (cards.as_ptr().cast(), cards.len());
        let (options, options_len) = (options.as_ptr().cast(), options.len());
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            ffi::sealwax_roster_create(
                owner.handle(),
                label,
                label_len,
                cards,
                cards_len,
                options,
                options_len,
                now_ms,
                out,
            )
        })
        .map(Self)
    }

    pub(crate) fn open(log: &[u8]) -> Result<Self> {
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe { ffi::sealwax_roster_open(log.as_ptr().cast(), log.len(), out) }).map(Self)
    }

    pub(crate) fn handle(&self) -> *mut ffi::sealwax_roster {
        self.0
    }

    pub(crate) fn add(&self, actor: &Identity, cards: &[u8], role: u32) -> Result<Vec<u8>> {
        let (cards, len) = (cards.as_ptr().cast(), cards.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            let actor = actor.handle();
            proposals::sealwax_roster_propose_add(self.0, actor, cards, len, role, 2, out, cap, out_len)
        })
    }

    pub(crate) fn join(&self, actor: &Identity) -> Result<Vec<u8>> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            proposals::sealwax_roster_propose_join(self.0, actor.handle(), 2, out, cap, out_len)
        })
    }

    pub(crate) fn remove(&self, actor: &Identity, user: &str) -> Result<Vec<u8>> {
        let (user, len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            proposals::sealwax_roster_propose_remove(self.0, actor.handle(), user, len, 2, out, cap, out_len)
        })
    }

    pub(crate) fn leave(&self, actor: &Identity) -> Result<Vec<u8>> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            proposals::sealwax_roster_propose_leave(self.0, actor.handle(), 2, out, cap, out_len)
        })
    }

    pub(crate) fn role(&self, actor: &Identity, user: &str, role: u32) -> Result<Vec<u8>> {
        let (user, len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            let actor = actor.handle();
            proposals::sealwax_roster_propose_role(self.0, actor, user, len, role, 2, out, cap, out_len)
        })
    }

    pub(crate) fn replace(&self, actor: &Identity, card: &[u8]) -> Result<Vec<u8>> {
        let (card, len) = (card.as_ptr().cast(), card.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            proposals::sealwax_roster_propose_replace(self.0, actor.handle(), card, len, 2, out, cap, out_len)
        })
    }

    pub(crate) fn delete(&self, actor: &Identity) -> Result<Vec<u8>> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            proposals::sealwax_roster_propose_delete(self.0, actor.handle(), 2, out, cap, out_len)
        })
    }

    pub(crate) fn resolve(&self, actor: &Identity, chosen: &[u8]) -> Result<Vec<u8>> {
        let (chosen, len) = (chosen.as_ptr().cast(), chosen.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, out_len| unsafe {
            let actor = actor.handle();
            proposals::sealwax_roster_propose_resolve(self.0, actor, chosen, len, 2, out, cap, out_len)
        })
    }

    pub(crate) fn apply(&self, entries: &[u8]) -> Result<()> {
        // SAFETY: the input is a slice.
        done(unsafe { ffi::sealwax_roster_apply(self.0, entries.as_ptr().cast(), entries.len(), 3) })
    }

    pub(crate) fn log(&self, from_epoch: u64) -> Vec<u8> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe { ffi::sealwax_roster_log(self.0, from_epoch, out, cap, len) })
            .unwrap()
    }

    pub(crate) fn group_id(&self) -> [u8; 32] {
        let mut id = [0xa5; 32];
        // SAFETY: the output has the size that the header says.
        done(unsafe { ffi::sealwax_roster_group_id(self.0, id.as_mut_ptr()) }).unwrap();
        id
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { ffi::sealwax_roster_info(self.0, out, cap, len) }).unwrap()
    }

    pub(crate) fn state(&self) -> sealwax_group_state {
        let mut state = core::mem::MaybeUninit::zeroed();
        // SAFETY: the output lives; zeros are a state.
        unsafe {
            done(membership::sealwax_roster_state(self.0, state.as_mut_ptr())).unwrap();
            state.assume_init()
        }
    }

    pub(crate) fn members(&self) -> Vec<Member> {
        // SAFETY: `bytes_out` gives good outputs.
        let array =
            bytes_out(|out, cap, len| unsafe { membership::sealwax_roster_members(self.0, out, cap, len) });
        members(&array.unwrap())
    }

    /// Frees it before its time.
    pub(crate) fn free(self) -> Result<()> {
        let handle = self.0;
        core::mem::forget(self);
        // SAFETY: a handle is not followed.
        done(unsafe { ffi::sealwax_roster_free(handle) })
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { ffi::sealwax_roster_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}
