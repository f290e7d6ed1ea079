//! What a relay makes of the times that its host names: after quiet hours, of a clock that was never set, of a wrong one.

use sealwax::limits::{DAY_MS, HOUR_MS};
use sealwax::roster::RosterPolicy;
use sealwax::wire::frame::{Body, Method};

use crate::common::group::{group, person};
use crate::common::relay::direct;
use crate::town::{Memory, Town, list};

/// Some day in 2027.
const TODAY_MS: u64 = 1_800_000_000_000;

/// Alice and Bob are registered, and away.
fn quiet(now_ms: u64) -> Town {
    let mut town = Town::new();
    town.now_ms = now_ms;
    town.gather(&["alice", "bob"]);
    town.disconnect(1);
    town.disconnect(2);
    town
}

/// An envelope from Alice to Bob, by the routing core alone.
fn route(town: &mut Town, mark: u32) {
    let outcome = town.relay.route("alice", &direct("alice", "bob", mark), town.now_ms).unwrap();
    town.take(&outcome);
}

/// How many envelopes Bob is given who comes now, and goes again.
fn given_to_bob(town: &mut Town, connection: u64) -> usize {
    town.come(connection, "bob");
    let told = town.told(connection);
    town.disconnect(connection);
    told.iter().filter(|word| word.ends_with(" bytes")).count()
}

#[test]
fn the_first_connection_after_a_quiet_night_has_its_time_to_say_hello() {
    let mut town = quiet(TODAY_MS);
    town.now_ms += 8 * HOUR_MS;
    town.connect(3, None).unwrap();
    town.now_ms += 5_000;
    assert_eq!(town.tick(), Some(town.now_ms + 5_000));
    assert!(!town.is_closed(3));
    let hello = town.hello("alice", Method::Proof, &Memory::default());
    town.receive(3, &hello);
    assert!(town.answer(3).starts_with("Challenge"));
    town.now_ms += 5_000;
    town.tick();
    assert!(town.is_closed(3), "and no more than its time");
}

#[test]
fn what_the_first_call_after_a_quiet_week_queues_waits_as_long_as_anything() {
    let mut town = quiet(TODAY_MS);
    route(&mut town, 1);
    town.now_ms += 8 * DAY_MS;
    route(&mut town, 2);
    town.now_ms += 1;
    assert_eq!(given_to_bob(&mut town, 3), 1, "of before the week there is nothing left");
    assert_eq!(town.relay.info().expired, 1);
    town.now_ms += 7 * DAY_MS;
    route(&mut town, 3);
    town.now_ms += 1;
    assert_eq!(given_to_bob(&mut town, 4), 1);
    assert_eq!(town.relay.info().expired, 2);
}

#[test]
fn a_relay_that_is_called_once_in_hours_lets_things_age() {
    let mut town = quiet(TODAY_MS);
    for call in 0..100 {
        town.now_ms += 2 * HOUR_MS;
        route(&mut town, call);
    }
    town.now_ms += 1;
    assert_eq!(given_to_bob(&mut town, 3), 84, "those of a week");
}

#[test]
fn a_clock_that_was_not_set_yet_makes_nothing_old_once_it_is() {
    let mut town = quiet(5_000);
    route(&mut town, 1);
    town.now_ms += 1_000;
    route(&mut town, 2);
    town.now_ms = TODAY_MS;
    for _ in 0..3 {
        town.now_ms += 1;
        town.tick();
    }
    assert_eq!(given_to_bob(&mut town, 3), 2);
    town.restart();
    assert_eq!(
        given_to_bob(&mut town, 1),
        2,
        "nor after a restart, of whose time before the relay knows nothing"
    );
    town.now_ms += 6 * DAY_MS;
    town.tick();
    assert_eq!(given_to_bob(&mut town, 2), 2);
    town.now_ms += 2 * DAY_MS;
    town.tick();
    assert_eq!(given_to_bob(&mut town, 3), 0, "it waits for a week from then on");
}

#[test]
fn what_came_at_a_time_that_nobody_bears_out_does_not_stay_for_ever() {
    let mut town = quiet(TODAY_MS);
    let envelope = direct("alice", "bob", 1);
    let outcome = town.relay.route("alice", &envelope, u64::MAX).unwrap();
    town.take(&outcome);
    town.now_ms += 1;
    route(&mut town, 2);
    assert_eq!(given_to_bob(&mut town, 3), 2);
    for _ in 0..2 {
        town.now_ms += 4 * DAY_MS;
        town.tick();
    }
    assert_eq!(given_to_bob(&mut town, 4), 0);
}

#[test]
fn the_next_tick_is_due_from_the_time_that_the_host_names_whatever_it_is() {
    let mut town = quiet(TODAY_MS);
    town.come(3, "alice");
    let go = |town: &mut Town| town.tick().map(|due_ms| due_ms.wrapping_sub(town.now_ms));
    assert_eq!(go(&mut town), Some(90_000));
    town.now_ms += 60_000;
    assert_eq!(go(&mut town), Some(30_000));
    // Nobody bears it out yet, so half a minute is left; twice it is believed.
    town.now_ms += DAY_MS;
    assert_eq!(go(&mut town), Some(30_000));
    assert!(!town.is_closed(3));
    town.now_ms += 1_000;
    assert!(go(&mut town).unwrap() >= 1_000);
    assert!(town.is_closed(3));
    town.come(4, "bob");
    for wrong_ms in [u64::MAX, 0] {
        let right_ms = core::mem::replace(&mut town.now_ms, wrong_ms);
        let due_ms = town.tick().unwrap();
        assert!(due_ms >= wrong_ms.saturating_add(1_000) && due_ms - wrong_ms <= 90_000, "{due_ms}");
        town.now_ms = right_ms;
        assert!(go(&mut town).unwrap() >= 1_000);
    }
    assert!(!town.is_closed(4));
}

#[test]
fn who_hid_is_not_shown_early_by_the_first_call_after_a_quiet_night() {
    let mut town = quiet(TODAY_MS);
    let roster = group(&person("alice"), &[&person("bob")], RosterPolicy::default());
    let founded = town.relay.commit("alice", roster.entries(0), town.now_ms).unwrap();
    town.take(&founded);
    town.come(3, "bob");
    town.send(3, 1, Body::Watch { is_visible: false, users: list(&[]) });
    town.disconnect(3);
    town.connect(4, Some("bob")).unwrap();
    town.now_ms += 8 * HOUR_MS;
    let hello = town.hello("bob", Method::Host, &Memory::default());
    town.receive(4, &hello);
    town.now_ms += 9_999;
    town.tick();
    town.come(5, "alice");
    assert!(!town.told(5).contains(&"+bob".into()));
    town.now_ms += 1;
    town.tick();
    assert_eq!(town.told(5), ["+bob"], "and no later than ever");
}
