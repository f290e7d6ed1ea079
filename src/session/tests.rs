//! Stored sessions that are none, wrong clocks, and what a handshake binds both sides to.

use super::*;
use crate::crypto::Secret;
use crate::crypto::rng::SystemRandom;
use crate::identity::IdentityOptions;
use crate::limits::{LEASE_MAX, SESSION_SKIPPED_KEYS_MAX};
use crate::session::chain::Skipped;
use crate::session::inner::{Heard, Role};
use crate::session::ratchet::Ratchet;
use crate::session::skipped::SkippedKeys;
use crate::wire::content::ContentKind;

const NOW: u64 = 1_700_000_000_000;

fn person(user: &str) -> Identity {
    Identity::generate(&mut SystemRandom, user, IdentityOptions { prekeys_required: false }, NOW).unwrap()
}

fn initiate_at(
    alice: &Identity,
    bob: &mut Identity,
    level: Level,
    hidden_header: bool,
    now_ms: u64,
) -> Session {
    let one_time = u32::from(level == Level::OneTime);
    let bytes = bob.prekeys(&mut SystemRandom, one_time, NOW).unwrap();
    let bundle = PrekeyBundle::parse(&bytes, bob.card()).unwrap();
    let bundle = (level != Level::Plain).then_some(&bundle);
    let options = SessionOptions { hidden_header, ..SessionOptions::default() };
    Session::initiate(alice, bob.card(), bundle, options, now_ms, &mut SystemRandom).unwrap()
}

fn initiate(alice: &Identity, bob: &mut Identity, level: Level) -> Session {
    initiate_at(alice, bob, level, false, NOW)
}

fn send(session: &mut Session) -> Vec<u8> {
    let mut out = vec![0; session.encrypt_len(5)];
    session.encrypt(ContentKind::Data, &[b"\0text"], NOW, &mut SystemRandom, &mut out).unwrap();
    out
}

fn read(session: &mut Session, identity: &mut Identity, envelope: &[u8]) {
    let opening = session.open(Some(identity), envelope, NOW).unwrap();
    session.commit(Some(identity), opening).unwrap();
}

/// Whether a session can be loaded that was stored after this.
fn stored(hidden_header: bool, change: impl FnOnce(&mut Inner)) -> Result<()> {
    let (alice, mut bob) = (person("alice"), person("bob"));
    let mut session = initiate_at(&alice, &mut bob, Level::Signed, hidden_header, NOW);
    change(&mut session.inner[0]);
    let payload = session.export(0)?;
    Session::import(&alice, Session::FORMAT, &payload).map(drop)
}

const REFUSED: Result<()> = Err(Error::Malformed);

#[test]
fn a_lease_above_the_limit_is_malformed() {
    let (alice, mut bob) = (person("alice"), person("bob"));
    let session = initiate(&alice, &mut bob, Level::Signed);
    let (none, most) = (session.export(0).unwrap(), session.export(LEASE_MAX).unwrap());
    let last = none.iter().zip(most.iter()).rposition(|(none, most)| none != most).unwrap();
    let import = |payload: &[u8]| Session::import(&alice, Session::FORMAT, payload).map(drop);
    assert_eq!(import(&most), Ok(()));
    let mut more = most.to_vec();
    more[last] += 1;
    assert_eq!(import(&more), REFUSED);
}

#[test]
fn a_handshake_block_goes_until_the_peer_was_heard_and_not_longer() {
    let heard = Some(Heard { earliest_ms: NOW, latest_ms: NOW });
    assert_eq!(stored(false, |_| ()), Ok(()));
    assert_eq!(stored(false, |inner| inner.heard = heard), REFUSED, "heard, and the block is still there");
    let answered = |inner: &mut Inner| inner.role = Role::Initiator { block: None };
    assert_eq!(stored(false, answered), REFUSED, "not heard, and the block is gone");
    let both = |inner: &mut Inner| {
        answered(inner);
        inner.heard = heard;
    };
    assert_eq!(stored(false, both), Ok(()));
}

#[test]
fn a_ratchet_has_a_chain_and_a_header_key_for_each() {
    let without_chain = |inner: &mut Inner| inner.ratchet.sending = None;
    for hidden in [false, true] {
        assert_eq!(stored(hidden, |_| ()), Ok(()));
        assert_eq!(stored(hidden, without_chain), REFUSED, "no chain at all");
    }
    let headers = |change: fn(&mut header::HeaderKeys)| {
        stored(true, |inner| change(inner.ratchet.headers.as_mut().unwrap()))
    };
    assert_eq!(headers(|keys| keys.sending = None), REFUSED, "a sending chain without its header key");
    let without_its_chain: fn(&mut header::HeaderKeys) = |keys| keys.receiving = Some(Secret::new([1; 32]));
    assert_eq!(headers(without_its_chain), REFUSED, "a receiving header key without its chain");
    let with_both = |ratchet: &mut Ratchet| {
        ratchet.receiving = Some(chain::Chain::new(Secret::new([1; 32]), 0));
        ratchet.headers.as_mut().unwrap().receiving = Some(Secret::new([1; 32]));
    };
    assert_eq!(stored(true, |inner| with_both(&mut inner.ratchet)), Ok(()));
    let and_none_that_sends = |inner: &mut Inner| {
        with_both(&mut inner.ratchet);
        inner.ratchet.sending = None;
    };
    assert_eq!(stored(true, and_none_that_sends), Ok(()), "the next turn may be ours");
}

#[test]
fn as_many_skipped_keys_are_loaded_as_are_kept() {
    let keys = |count: usize| -> Vec<Skipped> {
        (0..count).map(|counter| (counter as u32, Secret::new([1; 32]))).collect()
    };
    let with = |hidden, chains: &[(u8, bool)], count: usize| {
        stored(hidden, |inner| {
            let skipped: &mut SkippedKeys = &mut inner.ratchet.skipped;
            for (chain, has_header_key) in chains {
                let header_key = has_header_key.then(|| Secret::new([2; 32]));
                skipped.store(&[*chain; 65], header_key.as_ref(), keys(count));
            }
        })
    };
    let half = SESSION_SKIPPED_KEYS_MAX / 2;
    assert_eq!(with(false, &[(1, false), (2, false)], half), Ok(()));
    assert_eq!(with(true, &[(1, true)], 1), Ok(()));
    assert_eq!(with(true, &[(1, false)], 1), REFUSED, "hidden, without a header key");
    assert_eq!(with(false, &[(1, true)], 1), REFUSED, "shown, with a header key");
}

#[test]
fn chains_of_skipped_keys_that_nothing_stores_are_malformed() {
    let (alice, mut bob) = (person("alice"), person("bob"));
    let mut session = initiate(&alice, &mut bob, Level::Signed);
    let place = |session: &Session, key: [u8; 65]| {
        let payload = session.export(0).unwrap().to_vec();
        let at = payload.windows(65).position(|window| window == key).unwrap();
        (payload, at)
    };
    let import = |payload: &[u8]| Session::import(&alice, Session::FORMAT, payload).map(drop);
    let skipped = &mut session.inner[0].ratchet.skipped;
    skipped.store(&[7; 65], None, vec![(3, Secret::new([1; 32]))]);
    skipped.store(&[8; 65], None, (0..3_999).map(|counter| (counter, Secret::new([1; 32]))).collect());

    let (payload, second) = place(&session, [8; 65]);
    assert_eq!(import(&payload), Ok(()));
    let mut twice = payload.clone();
    twice[second..second + 65].copy_from_slice(&[7; 65]);
    assert_eq!(import(&twice), REFUSED, "one chain twice");
    let (_, first) = place(&session, [7; 65]);
    // Behind the key, the absent header key and the count: one counter and its key.
    let one = first + 65 + 1 + 2..first + 65 + 1 + 2 + 36;
    let mut none = payload.clone();
    none[first + 66..first + 68].copy_from_slice(&[0, 0]);
    none.drain(one.clone());
    assert_eq!(import(&none), REFUSED, "a chain without keys");
    let mut more = payload.clone();
    more[first + 67] = 2;
    let another = [[0, 0, 0, 4].as_slice(), &[1; 32]].concat();
    more.splice(one.end..one.end, another);
    assert_eq!(import(&more), REFUSED, "more than are kept");
    let mut equal = payload;
    equal[first + 67] = 2;
    equal.splice(one.end..one.end, [[0, 0, 0, 3].as_slice(), &[1; 32]].concat());
    assert_eq!(import(&equal), REFUSED, "one counter twice");
}

#[test]
fn times_of_more_than_a_day_ahead_are_forgotten() {
    let (alice, mut bob) = (person("alice"), person("bob"));
    for (ahead_ms, is_ahead) in [(DAY_MS, false), (DAY_MS + 1, true)] {
        // Of the session itself.
        let mut session = initiate(&alice, &mut bob, Level::Signed);
        session.latest_ms = NOW + ahead_ms;
        session.inner[0].used_ms = NOW + ahead_ms;
        assert_eq!(session.correct_clock(NOW), is_ahead);
        let corrected = if is_ahead { NOW } else { NOW + ahead_ms };
        assert_eq!((session.latest_ms, session.inner[0].used_ms), (corrected, corrected));
        assert_eq!(session.renewal.made_ms, Some(NOW), "what is past stays");
        assert!(!session.correct_clock(NOW), "once is enough");
    }
}

#[test]
fn a_handshake_that_was_made_later_than_now_was_made_now() {
    let (alice, mut bob) = (person("alice"), person("bob"));
    for (ahead_ms, is_ahead) in [(0, false), (1, true), (DAY_MS + 1, true)] {
        let mut session = initiate(&alice, &mut bob, Level::Signed);
        session.renewal.made_ms = Some(NOW + ahead_ms);
        assert_eq!(session.correct_clock(NOW), is_ahead);
        assert_eq!(session.renewal.made_ms, Some(NOW));
        assert_eq!(session.latest_ms, NOW + 1, "which has gone on by the handshake");
    }
}

#[test]
fn what_the_first_handshake_had_of_prekeys_the_later_ones_must_have() {
    for level in [Level::Plain, Level::Signed, Level::OneTime] {
        let (mut alice, mut bob) = (person("alice"), person("bob"));
        let mut ours = initiate(&alice, &mut bob, level);
        let with_prekeys = level > Level::Plain;
        assert_eq!(ours.floor, Floor { made: with_prekeys, opened: false }, "{level:?}");

        let envelope = send(&mut ours);
        let mut theirs = Session::accept(&mut bob, &envelope, SessionOptions::default(), NOW).unwrap();
        assert_eq!(theirs.floor, Floor { made: false, opened: with_prekeys }, "accepted at {level:?}");
        read(&mut theirs, &mut bob, &envelope);
        assert_eq!(theirs.floor.opened, with_prekeys, "read at {level:?}");
        let answer = send(&mut theirs);
        read(&mut ours, &mut alice, &answer);
        assert_eq!(ours.floor.opened, with_prekeys, "answered at {level:?}");

        // A renewal without them is for those who never had any.
        let later = NOW + DAY_MS;
        let renewed = ours.renew(&alice, bob.card(), None, later, &mut SystemRandom);
        assert_eq!(renewed, if with_prekeys { Err(Error::PrekeysRequired) } else { Ok(()) }, "{level:?}");
    }
}

#[test]
fn ours_is_unanswered_until_the_peer_says_something_in_it() {
    let (mut alice, mut bob) = (person("alice"), person("bob"));
    let mut ours = initiate(&alice, &mut bob, Level::Signed);
    assert!(ours.is_unanswered());
    let envelope = send(&mut ours);
    let mut theirs = Session::accept(&mut bob, &envelope, SessionOptions::default(), NOW).unwrap();
    assert!(!theirs.is_unanswered(), "the peer made it");
    read(&mut theirs, &mut bob, &envelope);
    assert!(!theirs.is_unanswered());
    let answer = send(&mut theirs);
    read(&mut ours, &mut alice, &answer);
    assert!(!ours.is_unanswered());
}

#[test]
fn a_new_chain_is_followed_over_two_thousand_messages() {
    let header = |counter| header::Header { ratchet_key: [4; 65], previous_count: 0, counter };
    assert_eq!(header(2_000).check_new_chain(), Ok(()));
    assert_eq!(header(2_001).check_new_chain(), Err(Error::TooFarAhead));
}

#[test]
fn another_identity_of_our_own_user_is_no_peer() {
    let (alice, other) = (person("alice"), person("alice"));
    let options = SessionOptions::default();
    let made = Session::initiate(&alice, other.card(), None, options, NOW, &mut SystemRandom);
    assert_eq!(made.map(drop), Err(Error::InvalidArgument));
}

#[test]
fn one_chain_alone_has_no_more_skipped_keys_than_are_kept_either() {
    let (alice, mut bob) = (person("alice"), person("bob"));
    let mut session = initiate(&alice, &mut bob, Level::Signed);
    let keys = (0..SESSION_SKIPPED_KEYS_MAX as u32).map(|counter| (counter, Secret::new([1; 32]))).collect();
    session.inner[0].ratchet.skipped.store(&[7; 65], None, keys);
    let mut payload = session.export(0).unwrap().to_vec();
    let import = |payload: &[u8]| Session::import(&alice, Session::FORMAT, payload).map(drop);
    assert_eq!(import(&payload), Ok(()));
    let chain = payload.windows(65).position(|window| window == [7; 65]).unwrap();
    let first = chain + 65 + 1 + 2;
    payload[first - 2..first].copy_from_slice(&(SESSION_SKIPPED_KEYS_MAX as u16 + 1).to_be_bytes());
    let end = first + 36 * SESSION_SKIPPED_KEYS_MAX;
    payload.splice(end..end, [[0, 1, 0, 0].as_slice(), &[1; 32]].concat());
    assert_eq!(import(&payload), REFUSED);
}

#[test]
fn what_may_not_send_says_so() {
    let (alice, mut bob) = (person("alice"), person("bob"));
    let mut session = initiate(&alice, &mut bob, Level::Signed);
    assert!(session.can_send(NOW));
    session.inner[0].unanswered = 1_000;
    assert!(!session.can_send(NOW));
}
