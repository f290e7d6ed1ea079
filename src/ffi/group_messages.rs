//! What group receivers take in and give on.

use core::ffi::{c_char, c_void};
use core::ops::Range;

use super::argument::{BytesOut, Outputs, ReservedOut};
use super::cell::{self, Cell};
use super::envelope::sealwax_slice;
use super::group_receiver::sealwax_group_receiver;
use super::guard::guard;
use super::lock::{Exclusive, ExclusiveGuard, Request as _, Shared, lock};
use super::payload;
use super::results::sealwax_result;
use super::session::sealwax_session;
use super::session_messages::take;
use super::sizes::SEALWAX_KEY_ID_LEN;
use super::status::{SEALWAX_OK, Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::group::{Backlog, Claim, Distribution, GroupReceiver, History, Received};
use crate::limits;
use crate::roster::Roster;
use crate::session::{Opening, Session};
use crate::wire::content::{ContentKind, Data};
use crate::wire::group::GroupMessage;

/// Notes what an authenticated message proved about the roster. The message was taken: this refuses nothing.
fn note(roster: &Cell<Roster>, claim: Option<Claim>, now_ms: u64) {
    let Some(claim) = claim else { return };
    if let Ok(mut roster) = Exclusive(roster).acquire() {
        let _ = roster.update(|roster| {
            roster.note_claim(&claim.claimant, claim.epoch, &claim.roster_hash, now_ms);
            Ok::<(), Error>(())
        });
    }
}

/// @section What a group receiver takes in and gives on
///
/// Takes a sender key that came in a session, from sealwax_group_sender_distribute() or, in a receiver of history,
/// from sealwax_group_receiver_share_history(). The key never leaves the library in the clear. A first message
/// under a new handshake also changes the identity, whose revision then grows. Save receiver and session, and then
/// such an identity, before the envelope is acknowledged.
///
/// @param receiver      the receiver
/// @param session       our session with the sender of the envelope
/// @param envelope      a session message: sealwax_session_peek() says whether it is a "distribution" or a
///                      "history", and of which group
/// @param envelope_len  bytes of it
/// @param now_ms        the time
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any envelope
/// @retval SEALWAX_INVALID_HANDLE         receiver or session is not one that is open
/// @retval SEALWAX_POISONED               the receiver, its roster, the session or its identity broke; free it
/// @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
/// @retval SEALWAX_WRONG_SESSION          the session is not one of the receiver's identity, or the envelope of
///                                        another sender
/// @retval SEALWAX_MALFORMED              not an envelope, or not the content that it says
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_RECIPIENT        for somebody else
/// @retval SEALWAX_DUPLICATE              these very bytes were read lately
/// @retval SEALWAX_REPLAY                 its key was used before
/// @retval SEALWAX_TOO_FAR_AHEAD          more than 2,000 messages of the session before it are missing; or of a
///                                        held sender key, from more than 262,144 messages away
/// @retval SEALWAX_UNKNOWN_KEY            of a handshake that the session does not hold: sealwax_session_renew()
/// @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
/// @retval SEALWAX_PREKEYS_REQUIRED       a first message without prekeys, from a peer that has used some
/// @retval SEALWAX_UNKNOWN_PREKEY         a first message with a prekey that is used up or dead
/// @retval SEALWAX_EXPIRED                a first message without prekeys, too long ago or in the future
/// @retval SEALWAX_WRONG_KIND             not a session message, or its content is not for this receiver
/// @retval SEALWAX_WRONG_GROUP            of another group
/// @retval SEALWAX_SENDER_REMOVED         its sender is no longer a member
/// @retval SEALWAX_NOT_A_MEMBER           its sender is no member yet: apply newer entries, then try again; or, for
///                                        history, we are none
/// @retval SEALWAX_IDENTITY_CHANGED       its sender is a member under other keys, or a first message of another
///                                        identity
/// @retval SEALWAX_EQUIVOCATION           the key id is held with another meaning: its owner is not honest
/// @retval SEALWAX_RETIRED_KEY            the key was wiped, is past its window, or older than its owner's
///                                        membership
/// @retval SEALWAX_GROUP_DELETED          history of a group that has ended
/// @retval SEALWAX_LIMIT_REACHED          too many shared keys, or too many first messages to remember
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_install(
    receiver: *mut sealwax_group_receiver,
    session: *mut sealwax_session,
    envelope: *const c_void,
    envelope_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENVELOPE_MAX)?;
        let (receiver, session) = (cell::exclusive(receiver)?, cell::exclusive(session)?);
        let claim = {
            let requests = (&receiver, &session, Shared(receiver.links()), Exclusive(session.links()));
            let (mut receiver, mut session, roster, mut identity) = lock(requests)?;
            if session.own_fingerprint() != receiver.fingerprint() {
                return Err(Error::WrongSession.into());
            }
            let opening = session.open(Some(&identity), envelope, now_ms)?;
            let claim = install(&mut receiver, &roster, &session, &opening, now_ms)?;
            take(&mut session, Some(&mut identity), opening)?;
            claim
        };
        note(receiver.links(), claim, now_ms);
        Ok(())
    })
}

fn install(
    receiver: &mut ExclusiveGuard<'_, GroupReceiver>,
    roster: &Roster,
    session: &Session,
    opening: &Opening,
    now_ms: u64,
) -> Result<Option<Claim>, Status> {
    let (peer, fingerprint) = (session.peer_user(), session.peer_fingerprint());
    match opening.kind() {
        ContentKind::Distribution => {
            let distribution = Distribution::decode(opening.body())?;
            receiver.update(|receiver| receiver.install(roster, peer, &fingerprint, &distribution, now_ms))
        }
        ContentKind::History => {
            let history = History::decode(opening.body())?;
            receiver
                .update(|receiver| receiver.install_history(roster, peer, &fingerprint, &history, now_ms))?;
            Ok(None)
        }
        _ => Err(Error::WrongKind.into()),
    }
}

/// Reads one message of the group: its tag, its signature, its commitment to the chain, and its links to the
/// messages around it are checked. sealwax_envelope_parse() tells who sent it and when. Save the receiver before
/// the envelope is acknowledged.
///
/// @param receiver      the receiver
/// @param envelope      a group message
/// @param envelope_len  bytes of it
/// @param now_ms        the time
/// @param out           the plaintext; in a receiver of history, what the member vouches for who shared the key
/// @param out_cap       bytes of room at out; envelope_len always is enough
/// @param out_len       bytes of the plaintext
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any envelope
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         receiver is not one that is open
/// @retval SEALWAX_POISONED               the receiver or its roster broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not an envelope; nothing changed, as with all that follow
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_GROUP            of another group
/// @retval SEALWAX_SENDER_REMOVED         its sender is no longer a member
/// @retval SEALWAX_NOT_A_MEMBER           its sender is no member that the roster knows: apply newer entries
/// @retval SEALWAX_RETIRED_KEY            its key is past its transition window
/// @retval SEALWAX_UNKNOWN_KEY            its key is not held. Keep the envelope for a while, try again after each
///                                        install, then drop it: it may be from before one joined or after one was
///                                        removed, one's own, or skipped too long ago
/// @retval SEALWAX_DUPLICATE              these very bytes were read lately
/// @retval SEALWAX_REPLAY                 its message key was used before
/// @retval SEALWAX_TOO_FAR_AHEAD          more than 262,144 messages before it are missing
/// @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, not by who it says, or not in line with its
///                                        neighbours
/// @retval SEALWAX_WRONG_KIND             not a group message, or content of the client engine or a later version
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_decrypt(
    receiver: *mut sealwax_group_receiver,
    envelope: *const c_void,
    envelope_len: usize,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENVELOPE_MAX)?;
        let receiver = cell::exclusive(receiver)?;
        let (claim, out, payload) = {
            let (mut receiver, roster) = lock((&receiver, Shared(receiver.links())))?;
            decrypt(&mut receiver, &roster, envelope, now_ms, out)?
        };
        note(receiver.links(), claim, now_ms);
        out.finish_with(payload)
    })
}

/// Decrypts a data message and takes it into the state. Answers where in the output its payload lies.
fn decrypt<'o>(
    receiver: &mut ExclusiveGuard<'_, GroupReceiver>,
    roster: &Roster,
    envelope: &[u8],
    now_ms: u64,
    out: BytesOut,
) -> Result<(Option<Claim>, ReservedOut<'o>, Range<usize>), Status> {
    let message = GroupMessage::parse(envelope)?;
    let content_len = message.content().len();
    if out.holds(content_len) {
        let mut out = out.reserve(content_len)?;
        let room = out.buffer();
        let (payload, claim) =
            receiver.update(|receiver| receiver.decrypt(roster, envelope, &message, now_ms, room))?;
        return Ok((claim, out, payload));
    }
    // Whether the payload fits shows when it is decrypted, and then it may have to be left where it was.
    let opening = receiver.open(roster, envelope, now_ms)?;
    let (out, len) = payload::copy(opening.kind(), opening.body(), out)?;
    Ok((receiver.update(|receiver| receiver.commit(opening))?, out, 0..len))
}

/// Reads a backlog of the group: many messages of any senders, in the order in which they are to be read. Each has
/// a status of its own, the one that sealwax_group_receiver_decrypt() would give in its turn, and neither a damaged
/// message nor a missing one hinders another. It is tens of times faster than single calls: the messages of a
/// sender name one another, so a signature on the newest of an unbroken run speaks for all of it. Save the receiver
/// before the envelopes are acknowledged. sealwax_envelope_parse() tells who sent each; after being offline,
/// call sealwax_group_receiver_catch_up() first.
///
/// @param receiver      the receiver
/// @param envelopes     group messages; one that is empty or too long has a status like any other, as long as all
///                      have no more than SEALWAX_BATCH_BYTES_MAX together
/// @param count         how many, at most SEALWAX_BATCH_MAX
/// @param now_ms        the time
/// @param out           the plaintexts of those that open; what fails leaves no byte
/// @param out_cap       bytes of room at out; what all envelopes have together always is enough
/// @param out_len       bytes of out that were used; go by the offsets, there are other bytes between plaintexts
/// @param out_results   count results, in the order of the envelopes: SEALWAX_OK with the place of the plaintext in
///                      out, or what sealwax_group_receiver_decrypt() says; SEALWAX_TOO_LARGE for one that is
///                      longer than any envelope
///
/// @retval SEALWAX_OK                each envelope has its answer, were it a refusal
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be, one in envelopes with bytes included
/// @retval SEALWAX_TOO_LARGE         more than SEALWAX_BATCH_MAX envelopes, or than SEALWAX_BATCH_BYTES_MAX bytes
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an envelope, the array of them, or another output
/// @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
/// @retval SEALWAX_POISONED          the receiver or its roster broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing was read or changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_decrypt_batch(
    receiver: *mut sealwax_group_receiver,
    envelopes: *const sealwax_slice,
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
        let results = outputs.values(out_results, count, limits::GROUP_BATCH_MAX);
        let inputs = outputs.inputs()?;
        let envelopes =
            inputs.slices(envelopes, count, limits::GROUP_BATCH_MAX, limits::GROUP_BATCH_BYTES_MAX)?;
        let receiver = cell::exclusive(receiver)?;
        let backlog = Backlog::new(&envelopes);
        let (out, received) = {
            let (mut receiver, roster) = lock((&receiver, Shared(receiver.links())))?;
            let mut out = out.reserve(backlog.content_len())?;
            let received = receiver.update_if(|receiver| {
                let kinds = &[ContentKind::Data];
                let received = receiver.decrypt_batch(&roster, &backlog, kinds, now_ms, out.buffer());
                (received.iter().flatten().any(Result::is_ok), received)
            })?;
            (out, received)
        };
        let (mut used, mut noted) = (0, None);
        for (index, received) in received.into_iter().enumerate() {
            let result = received.map(|Received { body, claim, .. }| {
                // In a backlog, one after the other says the same.
                if claim != noted {
                    note(receiver.links(), claim.clone(), now_ms);
                    noted = claim;
                }
                used = body.end;
                let payload = Data::payload_within(body);
                sealwax_result::bytes(SEALWAX_OK, payload.start, payload.len())
            });
            results.put(index, result.unwrap_or_else(|error| sealwax_result::failed(error.into())));
        }
        out.finish(used)
    })
}

/// Makes the envelope that shares a retired sender key with the peer of a session, so that it reads old messages;
/// the peer gives it to sealwax_group_receiver_install() of a receiver made with the option "history". An explicit
/// act of a member, never of the relay. Save the session before the envelope leaves.
///
/// @param receiver      the receiver, made with the option "retain_history"
/// @param session       our session with the member, which carries the key
/// @param sender        whose messages; a former member's too
/// @param sender_len    bytes of it
/// @param key_id        of the key, as in sealwax_group_receiver_info()
/// @param key_id_len    SEALWAX_KEY_ID_LEN
/// @param from_counter  the first message that it opens
/// @param now_ms        the time. It travels in the clear, or the latest given before if that is later
/// @param out           the envelope, a session message
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the envelope
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         sender_len is above SEALWAX_NAME_MAX, or key_id_len above SEALWAX_KEY_ID_LEN
/// @retval SEALWAX_INVALID_ARGUMENT  key_id_len is below SEALWAX_KEY_ID_LEN, or from_counter beyond the last
///                                   message
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      sender is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    receiver or session is not one that is open
/// @retval SEALWAX_POISONED          the receiver, its roster or the session broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_WRONG_SESSION     the session is not one of the receiver's identity; nothing changed, as with
///                                   all that follow
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_NOT_A_MEMBER      we are no member, or the peer is none
/// @retval SEALWAX_IDENTITY_CHANGED  the peer is a member under other keys than the session's
/// @retval SEALWAX_ROSTER_FORKED     the roster is forked, and the peer not a member in every branch
/// @retval SEALWAX_NOT_PERMITTED     the key is current
/// @retval SEALWAX_UNKNOWN_KEY       the key was not retained, or not from that message on
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_RENEWAL_REQUIRED  the session needs sealwax_session_renew()
/// @retval SEALWAX_CHAIN_EXHAUSTED   the session has sent 2^32 - 1 messages without one of the peer
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_share_history(
    receiver: *const sealwax_group_receiver,
    session: *mut sealwax_session,
    sender: *const c_char,
    sender_len: usize,
    key_id: *const c_void,
    key_id_len: usize,
    from_counter: u32,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let sender = inputs.text(sender, sender_len, limits::NAME_MAX)?;
        let key_id = inputs.exactly::<SEALWAX_KEY_ID_LEN>(key_id, key_id_len)?;
        let (receiver, session) = (cell::shared(receiver)?, cell::exclusive(session)?);
        let (receiver, mut session, roster) = lock((&receiver, &session, Shared(receiver.links())))?;
        if session.own_fingerprint() != receiver.fingerprint() {
            return Err(Error::WrongSession.into());
        }
        let (peer, fingerprint) = (session.peer_user(), session.peer_fingerprint());
        let history =
            receiver.history(&roster, peer, &fingerprint, sender, key_id, from_counter)?.encode()?;
        let mut out = out.reserve(session.encrypt_len(history.len()))?;
        let written = session.update(|session| {
            session.encrypt(ContentKind::History, &[&history], now_ms, &mut SystemRandom, out.buffer())
        })?;
        out.finish(written)
    })
}
