//! One sender key for many members in one call.

use core::ffi::c_void;

use super::argument::Outputs;
use super::cell;
use super::group_sender::sealwax_group_sender;
use super::guard::guard;
use super::lock::{ExclusiveGuard, Shared, lock_many};
use super::results::sealwax_result;
use super::session::sealwax_session;
use super::status::{SEALWAX_OK, Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::group::Handout;
use crate::limits;
use crate::session::Session;
use crate::wire::content::ContentKind;

/// Makes the envelopes that hand the current sender key to the peers of many sessions: what
/// sealwax_group_sender_distribute() does with each, in one call. A session that is refused does not hinder the
/// others. Save the sessions before their envelopes leave, and the sender before its first one.
///
/// @param sender        the sender
/// @param sessions      our sessions with the members, each once
/// @param count         how many, at most 10,000: the members of the largest group
/// @param now_ms        the time. It travels in the clear, or the latest given before if that is later
/// @param out           the envelopes, session messages, one after another
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of all envelopes
/// @param out_results   count results, in the order of the sessions: SEALWAX_OK with the place of the envelope in
///                      out, or the status by which sealwax_group_sender_distribute() refuses the session, which
///                      is unchanged; SEALWAX_POISONED for one that broke
///
/// @retval SEALWAX_OK                each session has its answer, were it a refusal
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         count is above 10,000, or out_cap more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps the array of sessions or another output
/// @retval SEALWAX_INVALID_HANDLE    sender or one of the sessions is not one that is open
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  a session is there twice
/// @retval SEALWAX_POISONED          the sender or its roster broke; free it
/// @retval SEALWAX_GROUP_DELETED     the group has ended; nothing changed, as with all that follow
/// @retval SEALWAX_NOT_A_MEMBER      we are no member
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_distribute_many(
    sender: *mut sealwax_group_sender,
    sessions: *const *mut sealwax_session,
    count: usize,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
    out_results: *mut sealwax_result,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let results = outputs.values(out_results, count, limits::GROUP_MEMBERS_MAX);
        let inputs = outputs.inputs()?;
        let sessions = inputs.values(sessions, count, limits::GROUP_MEMBERS_MAX)?;
        let sender = cell::exclusive(sender)?;
        let sessions = sessions.iter().map(cell::exclusive).collect::<Result<Vec<_>, _>>()?;
        let (mut sender, roster, mut sessions) = lock_many(&sender, Shared(sender.links()), &sessions)?;
        let handout = sender.handout(&roster)?;
        let admitted: Vec<_> = sessions.iter().map(|session| admit(&handout, session)).collect();
        let mut out = out.reserve(admitted.iter().flatten().map(|admitted| admitted.size).sum())?;
        let mut used = 0;
        let places = sessions.iter_mut().zip(admitted).map(|(session, admitted)| {
            let result = place(session, &admitted?, now_ms, out.buffer(), used)?;
            used += result.len;
            Ok(result)
        });
        let answers: Vec<Result<sealwax_result, Status>> = places.collect();
        drop(handout);
        let served = sessions.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        let peers = served.filter_map(|(session, _)| session.as_deref().ok()).map(Session::peer_user);
        if peers.clone().any(|peer| sender.is_waiting_for(peer)) {
            sender.update(|sender| {
                peers.for_each(|peer| sender.mark_distributed(peer));
                Ok::<(), Error>(())
            })?;
        }
        for (index, answer) in answers.into_iter().enumerate() {
            results.put(index, answer.unwrap_or_else(sealwax_result::failed));
        }
        out.finish(used)
    })
}

type Locked<'a> = Result<ExclusiveGuard<'a, Session>, Status>;

/// A session that may carry the key.
struct Admitted<'a> {
    body: &'a [u8],
    /// Bytes of the envelope.
    size: usize,
}

fn admit<'a>(handout: &'a Handout<'_>, session: &Locked<'_>) -> Result<Admitted<'a>, Status> {
    let session = session.as_ref().map_err(|status| *status)?;
    if session.own_fingerprint() != handout.fingerprint() {
        return Err(Error::WrongSession.into());
    }
    let body = handout.body_for(session.peer_user(), &session.peer_fingerprint())?;
    Ok(Admitted { body, size: session.encrypt_len(body.len()) })
}

/// Writes the envelope behind what is used of the output.
fn place(
    session: &mut Locked<'_>,
    admitted: &Admitted<'_>,
    now_ms: u64,
    out: &mut [u8],
    used: usize,
) -> Result<sealwax_result, Status> {
    let session = session.as_mut().map_err(|status| *status)?;
    let room = out.get_mut(used..).ok_or(Status::INTERNAL)?;
    let body: [&[u8]; 1] = [admitted.body];
    let written = session.update(|session| {
        session.encrypt(ContentKind::Distribution, &body, now_ms, &mut SystemRandom, room)
    })?;
    Ok(sealwax_result::bytes(SEALWAX_OK, used, written))
}
