//! The rules, each on inner sessions that were made for it.

use super::*;
use crate::crypto::rng::SystemRandom;
use crate::identity::{Identity, IdentityOptions};
use crate::limits::{DAY_MS, HOUR_MS};
use crate::session::handshake;
use crate::session::inner::{Heard, Role};

const NOW: u64 = 1_700_000_000_000;

/// An inner session with this hash, made by us or by the peer.
fn made(ours: bool, hash: u8) -> Inner {
    let rng = &mut SystemRandom;
    let identity = |user| {
        Identity::generate(&mut SystemRandom, user, IdentityOptions { prekeys_required: false }, NOW).unwrap()
    };
    let (alice, bob) = (identity("alice"), identity("bob"));
    let mut inner = handshake::initiate(&alice, bob.card(), None, false, NOW, rng).unwrap();
    inner.hash = [hash; 32];
    if !ours {
        inner.role = Role::Responder { block: [0; 32] };
    }
    inner
}

fn ours(hash: u8) -> Inner {
    made(true, hash)
}

fn theirs(hash: u8) -> Inner {
    made(false, hash)
}

fn created(mut inner: Inner, created_ms: u64) -> Inner {
    inner.created_ms = created_ms;
    inner
}

fn used(mut inner: Inner, used_ms: u64) -> Inner {
    inner.used_ms = used_ms;
    inner
}

fn at_level(mut inner: Inner, level: Level) -> Inner {
    inner.level = level;
    inner
}

fn heard(mut inner: Inner, earliest_ms: u64, latest_ms: u64) -> Inner {
    inner.heard = Some(Heard { earliest_ms, latest_ms });
    inner
}

fn retired(mut inner: Inner) -> Inner {
    inner.retired = true;
    inner
}

/// The hashes of those that may send.
fn candidates(inner: &[Inner]) -> Vec<u8> {
    inner.iter().filter(|inner| !inner.retired).map(|inner| inner.hash[0]).collect()
}

fn hashes(inner: &[Inner]) -> Vec<u8> {
    inner.iter().map(|inner| inner.hash[0]).collect()
}

#[test]
fn of_two_that_crossed_the_one_with_prekeys_sends_or_else_that_of_the_lower_hash() {
    use Level::{OneTime, Plain, Signed};
    for (levels, hash, sends) in [
        ((Plain, Plain), (1, 2), 0),
        ((Plain, Plain), (2, 1), 1),
        ((Signed, OneTime), (2, 1), 1),
        ((OneTime, Signed), (1, 2), 0),
        ((Signed, Plain), (2, 1), 0),
        ((Plain, OneTime), (1, 2), 1),
    ] {
        let crossed = [at_level(ours(hash.0), levels.0), at_level(theirs(hash.1), levels.1)];
        assert_eq!(active(&crossed), Some(sends), "{levels:?} {hash:?}");
    }
}

#[test]
fn the_one_that_the_peer_left_an_hour_ago_does_not_send_whatever_the_hashes_say() {
    let later = NOW + HOUR_MS;
    let all = |ours_ms, theirs_ms| {
        [(1, 2), (2, 1)]
            .map(|(a, b)| active(&[heard(ours(a), NOW, ours_ms), heard(theirs(b), NOW, theirs_ms)]))
    };
    assert_eq!(all(NOW, later), [Some(1); 2]);
    assert_eq!(all(later, NOW), [Some(0); 2]);
    assert_eq!(all(later - 1, NOW), [Some(0), Some(1)]);
    // Where nothing was heard the peer has been since it made its own, at the latest.
    let unheard = |theirs_ms| active(&[ours(1), heard(theirs(2), NOW, theirs_ms)]);
    assert_eq!((unheard(later), unheard(later - 1)), (Some(1), Some(0)));
    let made_later = [ours(1), heard(created(theirs(2), later), later, later)];
    assert_eq!(active(&made_later), Some(0), "the peer may not have had the time");
}

#[test]
fn a_retired_one_does_not_send() {
    assert_eq!(active(&[]), None);
    assert_eq!(active(&[retired(ours(1))]), None);
    assert_eq!(active(&[retired(ours(1)), theirs(2)]), Some(1));
    assert_eq!(active(&[ours(2), retired(theirs(1))]), Some(0));
}

#[test]
fn our_new_handshake_retires_all_others() {
    let mut inner = vec![ours(1), theirs(2)];
    add_ours(&mut inner, ours(3));
    assert_eq!((hashes(&inner), candidates(&inner)), (vec![1, 2, 3], vec![3]));
}

#[test]
fn of_the_peers_handshakes_the_latest_counts_in_any_order_of_arrival() {
    for (first, second, left) in
        [((1, 0), (2, 1), 2), ((2, 1), (1, 0), 2), ((1, 0), (2, 0), 2), ((2, 0), (1, 0), 2)]
    {
        let mut inner = vec![ours(9), created(theirs(first.0), NOW + first.1)];
        add_theirs(&mut inner, created(theirs(second.0), NOW + second.1), NOW);
        assert_eq!(candidates(&inner), [9, left], "{first:?} {second:?}");
    }
}

#[test]
fn a_handshake_from_the_future_gives_way_to_one_from_now() {
    let latest = NOW + CLOCK_SKEW_MS;
    for (created_ms, left) in [(latest, vec![1]), (latest + 1, vec![2])] {
        let mut inner = vec![created(theirs(1), created_ms)];
        add_theirs(&mut inner, created(theirs(2), NOW), NOW);
        assert_eq!(candidates(&inner), left);
    }
    // Of two from the future the later one counts.
    let mut inner = vec![created(theirs(1), latest + 2)];
    add_theirs(&mut inner, created(theirs(2), latest + 1), NOW);
    assert_eq!(candidates(&inner), [1]);
}

#[test]
fn one_that_the_peer_does_not_hold_is_left_only_for_another() {
    let mut inner = vec![ours(1), retired(theirs(2))];
    assert!(!leave(&mut inner, &[1; 8]) && !leave(&mut inner, &[2; 8]) && !leave(&mut inner, &[3; 8]));
    assert_eq!(candidates(&inner), [1]);
    let mut inner = vec![ours(1), theirs(2)];
    assert!(!leave(&mut inner, &[3; 8]));
    assert!(leave(&mut inner, &[1; 8]));
    assert_eq!(candidates(&inner), [2]);
}

#[test]
fn only_inner_sessions_that_can_have_come_about_are_sound() {
    assert!(is_sound(&[ours(1)]) && is_sound(&[theirs(1)]) && is_sound(&[ours(1), theirs(2)]));
    assert!(is_sound(&[retired(ours(1)), retired(ours(2)), retired(theirs(3)), theirs(4)]));
    assert!(!is_sound(&[]), "none");
    assert!(!is_sound(&[retired(ours(1)), retired(theirs(2))]), "none that sends");
    assert!(!is_sound(&[ours(1), ours(2)]), "two of ours");
    assert!(!is_sound(&[theirs(1), theirs(2)]), "two of theirs");
    assert!(!is_sound(&[ours(1), theirs(1)]), "two of one key id");
    assert!(!is_sound(&[ours(3), retired(ours(1)), retired(theirs(1))]), "two of one key id further on");
    assert!(
        !is_sound(&[ours(1), theirs(2), retired(ours(3)), retired(ours(4)), retired(ours(5))]),
        "too many"
    );
}

#[test]
fn ours_retires_if_the_peer_held_it_before_it_made_its_own() {
    for (earliest_ms, left) in [(NOW, vec![2]), (NOW + 1, vec![1, 2])] {
        let mut inner = vec![heard(ours(1), earliest_ms, NOW + 2), theirs(2)];
        settle(&mut inner, NOW);
        assert_eq!(candidates(&inner), left);
    }
    let mut inner = vec![ours(1), theirs(2)];
    settle(&mut inner, NOW);
    assert_eq!(candidates(&inner), [1, 2], "what is unheard may have crossed");
    let mut inner = vec![heard(ours(1), NOW, NOW), retired(theirs(2))];
    settle(&mut inner, NOW);
    assert_eq!(candidates(&inner), [1], "what is retired retires nothing");
    let mut inner = vec![heard(ours(1), NOW, NOW)];
    settle(&mut inner, NOW);
    assert_eq!(candidates(&inner), [1], "the peer made none");
}

#[test]
fn what_was_silent_for_seven_days_goes_but_for_the_one_that_sends() {
    let mut inner = vec![ours(1), retired(theirs(2)), used(retired(theirs(3)), NOW + 1)];
    settle(&mut inner, NOW + 7 * DAY_MS);
    assert_eq!(hashes(&inner), [1, 3]);
    settle(&mut inner, NOW + 8 * DAY_MS);
    assert_eq!(hashes(&inner), [1]);
}

#[test]
fn of_more_than_four_the_least_used_goes_but_for_the_one_that_sends() {
    let mut inner = vec![used(ours(1), NOW)];
    inner.extend([(2, 3), (3, 1), (4, 2), (5, 4)].map(|(hash, at)| used(retired(theirs(hash)), NOW + at)));
    settle(&mut inner, NOW + 5);
    assert_eq!(hashes(&inner), [1, 2, 4, 5]);
    settle(&mut inner, NOW + 5);
    assert_eq!(hashes(&inner), [1, 2, 4, 5], "four stay");
}
