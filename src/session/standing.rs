//! Which inner session sends (`docs/PROTOCOL.md` section 5.5).
//!
//! The choice is a function of what was made and what opened, never of the order of arrival, so that both sides come
//! to the same one without a message about it.

use crate::limits::{CLOCK_SKEW_MS, SESSION_LEFT_MS, SESSION_SILENT_MS, SESSIONS_PER_PEER_MAX};
use crate::session::inner::{Inner, Level};

/// The index of the inner session that sends. There is one whenever there is any.
pub(super) fn active(inner: &[Inner]) -> Option<usize> {
    if let [only] = inner {
        return (!only.retired).then_some(0);
    }
    let candidate = |ours: bool| inner.iter().position(|inner| !inner.retired && inner.initiated() == ours);
    match (candidate(true), candidate(false)) {
        (Some(ours), Some(theirs)) => {
            let (a, b) = (inner.get(ours)?, inner.get(theirs)?);
            Some(if ours_sends(a, b) { ours } else { theirs })
        }
        (ours, theirs) => ours.or(theirs),
    }
}

/// Of two handshakes that crossed.
fn ours_sends(ours: &Inner, theirs: &Inner) -> bool {
    let latest_ms = |inner: &Inner| inner.heard.map_or(theirs.created_ms, |heard| heard.latest_ms);
    let (in_ours, in_theirs) = (latest_ms(ours), latest_ms(theirs));
    if in_ours.abs_diff(in_theirs) >= SESSION_LEFT_MS {
        // The peer writes in one of them and long since not in the other: it seems not to hold that one.
        return in_ours > in_theirs;
    }
    match (ours.level == Level::Plain, theirs.level == Level::Plain) {
        (false, true) => true,
        (true, false) => false,
        _ => ours.hash < theirs.hash,
    }
}

/// Adds a handshake that we made.
pub(super) fn add_ours(inner: &mut Vec<Inner>, made: Inner) {
    for other in inner.iter_mut() {
        other.retired = true;
    }
    push(inner, made);
}

/// Adds a handshake that the peer made, authenticated by a message. One from the future was made under a wrong clock:
/// it does not stay in the way of what the peer makes under the right one.
pub(super) fn add_theirs(inner: &mut Vec<Inner>, mut made: Inner, now_ms: u64) {
    let order = |inner: &Inner| (inner.created_ms, inner.hash);
    let from_future = |inner: &Inner| inner.created_ms > now_ms.saturating_add(CLOCK_SKEW_MS);
    for other in inner.iter_mut().filter(|other| !other.initiated()) {
        if order(other) < order(&made) || (from_future(other) && !from_future(&made)) {
            other.retired = true;
        } else {
            made.retired = true;
        }
    }
    push(inner, made);
}

/// There is one as a rule, seldom a second: so no room for more in advance.
fn push(inner: &mut Vec<Inner>, made: Inner) {
    inner.reserve_exact(1);
    inner.push(made);
}

/// Retires an inner session that the peer does not hold, if another candidate remains.
pub(super) fn leave(inner: &mut [Inner], key_id: &[u8; 8]) -> bool {
    let candidates = inner.iter().filter(|inner| !inner.retired).count();
    match inner.iter_mut().find(|inner| inner.key_id() == key_id && !inner.retired) {
        Some(left) if candidates > 1 => {
            left.retired = true;
            true
        }
        _ => false,
    }
}

/// Whether these inner sessions can have come about: one to four, no two of one key id, a candidate, and none twice.
pub(super) fn is_sound(inner: &[Inner]) -> bool {
    let candidates =
        |ours: bool| inner.iter().filter(|inner| !inner.retired && inner.initiated() == ours).count();
    let (ours, theirs) = (candidates(true), candidates(false));
    let distinct = inner
        .iter()
        .enumerate()
        .all(|(at, one)| inner.iter().skip(at + 1).all(|other| one.key_id() != other.key_id()));
    inner.len() <= SESSIONS_PER_PEER_MAX && ours <= 1 && theirs <= 1 && ours + theirs > 0 && distinct
}

/// Applies the rules to what is known now: to be called after each change.
pub(super) fn settle(inner: &mut Vec<Inner>, now_ms: u64) {
    if inner.len() == 1 {
        return;
    }
    let theirs =
        inner.iter().find(|inner| !inner.retired && !inner.initiated()).map(|inner| inner.created_ms);
    if let Some(created_ms) = theirs {
        for ours in inner.iter_mut().filter(|inner| inner.initiated()) {
            // The peer held it before it made its own, and would not have made its own if it still did.
            ours.retired |= ours.heard.is_some_and(|heard| heard.earliest_ms <= created_ms);
        }
    }
    let sending = active(inner).and_then(|at| inner.get(at)).map(|inner| inner.hash);
    let active = |inner: &Inner| Some(inner.hash) == sending;
    inner.retain(|inner| active(inner) || now_ms.saturating_sub(inner.used_ms) < SESSION_SILENT_MS);
    while inner.len() > SESSIONS_PER_PEER_MAX {
        let oldest = inner
            .iter()
            .enumerate()
            .filter(|(_, inner)| !active(inner))
            .min_by_key(|(_, inner)| inner.used_ms);
        let Some((at, _)) = oldest else { break };
        inner.remove(at);
    }
    inner.shrink_to_fit();
}

#[cfg(test)]
mod tests;
