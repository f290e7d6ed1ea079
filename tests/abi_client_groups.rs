//! Groups of clients through the C ABI, over the relay of the C ABI: every request, and what everybody is told of it.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may")]

mod common;

use common::abi::client::{Client, Event};
use common::abi::post::Post;
use common::abi::{Identity, alone, name};
use sealwax::ffi::event::*;
use sealwax::ffi::membership::{SEALWAX_GROUP_FLAG_DELETED, SEALWAX_GROUP_FLAG_OPEN};
use sealwax::ffi::roster::{SEALWAX_ROLE_ADMIN, SEALWAX_ROLE_MEMBER, SEALWAX_ROLE_OWNER};
use sealwax::ffi::status::*;

const NOW: u64 = 1_800_000_000_000;
const KEY: [u8; 32] = [7; 32];
/// The type of a group message among envelopes.
const GROUP_MESSAGE: u8 = 5;

/// People on connections to a relay.
struct Town {
    post: Post,
    people: Vec<(&'static str, Client)>,
    now_ms: u64,
}

impl Town {
    fn new(names: &[&'static str], options: &str) -> Self {
        let mut town = Self { post: Post::new("relay"), people: Vec::new(), now_ms: NOW };
        for name in names {
            town.people.push((name, Client::create(name, "", &KEY, options, NOW).unwrap()));
            town.connect(name);
        }
        town.run();
        for name in names {
            assert_eq!(town.news(name), ["connected"]);
        }
        town
    }

    fn connect(&mut self, name: &str) {
        let (_, client) = self.people.iter().find(|(known, _)| *known == name).unwrap();
        self.post.connect(name, client, "relay", self.now_ms);
    }

    fn client(&self, name: &str) -> &Client {
        &self.people.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn run(&mut self) {
        let people: Vec<(&str, &Client)> = self.people.iter().map(|(name, client)| (*name, client)).collect();
        self.post.run(&people, self.now_ms);
    }

    /// Time passes, and everybody does what is due.
    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        for (_, client) in &self.people {
            client.tick(self.now_ms).unwrap();
        }
        self.run();
    }

    /// What somebody was told, each event confirmed, in words.
    fn news(&self, name: &str) -> Vec<String> {
        self.events(name).iter().map(tell).collect()
    }

    fn events(&self, name: &str) -> Vec<Event> {
        let client = self.client(name);
        let events = client.events().unwrap();
        for event in &events {
            client.confirm(event.fields().number).unwrap();
        }
        events
    }

    /// Forgets what everybody was told.
    fn hush(&self) {
        for (name, _) in &self.people {
            self.events(name);
        }
    }

    /// A request of somebody, carried out: the event that ended it. All events are confirmed.
    fn ask(&mut self, who: &str, ask: impl FnOnce(&Client, u64) -> Result<u64, i32>) -> Event {
        let number = ask(self.client(who), self.now_ms).unwrap();
        self.run();
        let mut ends = self.events(who);
        ends.retain(|event| event.fields().request == number);
        assert_eq!(ends.len(), 1, "a request ends once");
        ends.remove(0)
    }

    /// A request that is done: the group that it was about.
    fn done(&mut self, who: &str, ask: impl FnOnce(&Client, u64) -> Result<u64, i32>) -> Vec<u8> {
        let end = self.ask(who, ask);
        assert_eq!(tell(&end), "done");
        end.group()
    }

    /// A request that is refused: why.
    fn refused(&mut self, who: &str, ask: impl FnOnce(&Client, u64) -> Result<u64, i32>) -> &'static str {
        let end = self.ask(who, ask).fields();
        assert_eq!(end.kind, SEALWAX_EVENT_ERROR);
        name(end.status)
    }

    fn say(&mut self, from: &str, group: &[u8], text: &str) -> [u8; 16] {
        let id = self.client(from).send_group(group, text, self.now_ms).unwrap();
        self.run();
        id
    }

    /// Messages to the group that reached somebody, as they were delivered.
    fn delivered(&self, to: &str) -> Vec<Vec<u8>> {
        let all = self.post.delivered.iter().filter(|(user, _)| user == to);
        all.filter(|(_, envelope)| envelope[4] == GROUP_MESSAGE)
            .map(|(_, envelope)| envelope.clone())
            .collect()
    }
}

/// An event in words: what its fields say besides the group.
fn tell(event: &Event) -> String {
    let fields = event.fields();
    let (user, by) = (event.user(), event.by());
    match fields.kind {
        SEALWAX_EVENT_CONNECTED => "connected".into(),
        SEALWAX_EVENT_ACK => format!("state {} of {user:?}", fields.state),
        SEALWAX_EVENT_DONE => "done".into(),
        SEALWAX_EVENT_ERROR => format!("error {}", name(fields.status)),
        SEALWAX_EVENT_IDENTITY_CHANGED => format!("{user} changed"),
        SEALWAX_EVENT_GROUP_CREATED => format!("created {}", event.label()),
        SEALWAX_EVENT_GROUP_JOINED => format!("joined {} by {by}", event.label()),
        SEALWAX_EVENT_GROUP_LEFT => format!("left by {by}"),
        SEALWAX_EVENT_GROUP_DELETED => format!("deleted by {by}"),
        SEALWAX_EVENT_MEMBER_JOINED => format!("{user} joined by {by}"),
        SEALWAX_EVENT_MEMBER_LEFT => format!("{user} left by {by}"),
        SEALWAX_EVENT_ROLE_CHANGED => format!("{user} is {} by {by}", fields.role),
        SEALWAX_EVENT_MEMBER_REPLACED => format!("{user} replaced by {by}"),
        SEALWAX_EVENT_GROUP_MESSAGE => {
            let text = String::from_utf8(event.payload()).unwrap();
            if by.is_empty() { format!("{user}: {text}") } else { format!("{user}: {text}, says {by}") }
        }
        SEALWAX_EVENT_KEY_WITHHELD => format!("no key for {user}: {}", name(fields.status)),
        other => format!("{other}"),
    }
}

#[test]
fn a_group_of_invited_lives_from_its_creation_to_its_end() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob", "carol", "dave"], "");
        let now_ms = town.now_ms;
        town.client("alice").create_group("team", &["bob"], 0, now_ms).unwrap();
        town.run();
        let events = town.events("alice");
        assert_eq!(events.iter().map(tell).collect::<Vec<_>>(), ["created team", "done"]);
        let group = events[0].group();
        assert!(group.len() == 32 && events.iter().all(|event| event.group() == group));
        assert_eq!(town.news("bob"), ["joined team by alice"]);

        town.say("alice", &group, "hello");
        assert_eq!(town.news("alice"), [r#"state 1 of """#]);
        assert_eq!(town.news("bob"), ["alice: hello"]);

        town.done("alice", |client, now| client.add_members(&group, &["carol"], SEALWAX_ROLE_ADMIN, now));
        assert_eq!(town.news("bob"), ["carol joined by alice"]);
        assert_eq!(town.news("carol"), ["joined team by alice"]);
        town.done("carol", |client, now| client.add_members(&group, &["dave"], SEALWAX_ROLE_MEMBER, now));
        assert_eq!(town.news("dave"), ["joined team by carol"]);
        town.done("alice", |client, now| client.set_role(&group, "bob", SEALWAX_ROLE_OWNER, now));
        assert_eq!(town.news("bob"), ["dave joined by carol", "bob is 3 by alice"]);
        town.say("dave", &group, "I am new");
        town.say("bob", &group, "welcome");
        assert_eq!(town.news("carol"), ["bob is 3 by alice", "dave: I am new", "bob: welcome"]);
        town.hush();

        town.done("carol", |client, now| client.remove_member(&group, "dave", now));
        assert_eq!(town.news("dave"), ["left by carol"]);
        assert_eq!(town.news("bob"), ["dave left by carol"]);
        assert_eq!(town.client("dave").send_group(&group, "?", NOW), Err(SEALWAX_NOT_A_MEMBER));
        let before = town.delivered("dave").len();
        town.say("carol", &group, "he is gone");
        assert_eq!((town.news("dave").len(), town.delivered("dave").len()), (0, before));
        assert_eq!(town.news("bob"), ["carol: he is gone"]);

        town.done("alice", |client, now| client.leave_group(&group, now));
        assert_eq!(town.news("carol"), [r#"state 1 of """#, "alice left by alice"]);
        assert_eq!(town.client("alice").groups().unwrap(), Vec::<Vec<u8>>::new());
        town.done("bob", |client, now| client.delete_group(&group, now));
        assert_eq!(town.news("carol"), ["deleted by bob"]);
        assert_eq!(town.news("alice"), Vec::<String>::new());
        assert_eq!(town.client("carol").send_group(&group, "?", NOW), Err(SEALWAX_GROUP_DELETED));
        for name in ["alice", "carol"] {
            let info = town.client(name).group_info(&group).unwrap();
            assert_eq!((&info["is_member"], &info["deleted"]), (&false.into(), &(name == "carol").into()));
        }
        for (_, client) in &town.people {
            assert_eq!((&client.info()["dropped"], &client.info()["unreadable"]), (&0.into(), &0.into()));
        }
    });
}

#[test]
fn an_open_group_is_joined_by_its_id_or_its_label_and_a_closed_one_is_not() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob", "carol"], "");
        let open = town.done("alice", |client, now| client.create_group("square", &[], 1, now));
        let closed = town.done("alice", |client, now| client.create_group("room", &[], 0, now));
        assert_eq!(town.done("bob", |client, now| client.join_group(&open, now)), open);
        assert_eq!(town.done("carol", |client, now| client.join_labelled("square", now)), open);
        assert_eq!(town.news("alice"), ["bob joined by bob", "carol joined by carol"]);
        town.say("carol", &open, "good morning");
        assert_eq!(town.news("bob"), ["carol joined by carol", "carol: good morning"]);
        assert_eq!(town.news("alice"), ["carol: good morning"]);

        let unknown = "SEALWAX_UNKNOWN_GROUP";
        let refused = town.refused("bob", |client, now| client.join_group(&closed, now));
        assert_eq!(refused, "SEALWAX_NOT_A_MEMBER");
        assert_eq!(town.refused("bob", |client, now| client.join_labelled("room", now)), unknown);
        assert_eq!(town.refused("bob", |client, now| client.join_labelled("nowhere", now)), unknown);
        assert_eq!(town.refused("bob", |client, now| client.join_group(&[9; 32], now)), unknown);
        let listed = town.client("alice").groups().unwrap();
        assert!(listed.len() == 2 && listed.contains(&open) && listed.contains(&closed));
        let info = town.client("bob").group_info(&open).unwrap();
        assert_eq!((&info["label"], info["members"].as_array().unwrap().len()), (&"square".into(), 3));
        assert_eq!(info["is_member"], true);
        assert_eq!(town.client("bob").group_info(&closed), Err(SEALWAX_UNKNOWN_GROUP));
    });
}

#[test]
fn structs_say_of_a_group_what_json_says() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob", "carol"], "");
        let group = town.done("alice", |client, now| client.create_group("team", &["bob"], 1, now));
        town.done("carol", |client, now| client.join_group(&group, now));
        town.done("alice", |client, now| client.set_role(&group, "bob", SEALWAX_ROLE_ADMIN, now));
        let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for (name, role) in [("alice", 3), ("bob", 2), ("carol", 1)] {
            let client = town.client(name);
            let (info, state) = (client.group_info(&group).unwrap(), client.group_state(&group).unwrap());
            assert_eq!((&info["epoch"], &info["hash"]), (&state.epoch.into(), &digits(&state.hash).into()));
            assert_eq!(info["membership_epoch"], state.membership_epoch);
            assert_eq!((state.members, state.role, state.branches), (3, role, 0));
            assert_eq!((state.flags, state.branch_heads), (SEALWAX_GROUP_FLAG_OPEN, [0; 128]));
            let label: Vec<u8> = state.label.iter().map(|byte| byte.to_ne_bytes()[0]).collect();
            assert_eq!((&label[..5], state.label_len), (&b"team\0"[..], 4));
            let roles = ["", "member", "admin", "owner"];
            let members = client.group_members(&group).unwrap();
            let members = members.iter().map(|(user, role, since_epoch, fingerprint)| {
                serde_json::json!({
                    "user": user,
                    "role": roles[*role as usize],
                    "since_epoch": since_epoch,
                    "fingerprint": digits(fingerprint),
                })
            });
            assert_eq!(info["members"], members.collect::<serde_json::Value>());
            assert_eq!(digits(&client.fingerprint("").unwrap()), client.info()["fingerprint"]);
        }
        let alice = town.client("alice");
        assert_eq!(alice.fingerprint("bob"), town.client("bob").fingerprint(""));
        assert_eq!(alice.fingerprint("nobody"), Err(SEALWAX_UNKNOWN_USER));
        assert_eq!(alice.group_state(&[9; 32]).err(), Some(SEALWAX_UNKNOWN_GROUP));
        assert_eq!(alice.group_members(&[9; 32]).err(), Some(SEALWAX_UNKNOWN_GROUP));

        town.done("alice", |client, now| client.delete_group(&group, now));
        let state = town.client("bob").group_state(&group).unwrap();
        assert_eq!((state.flags, state.role), (SEALWAX_GROUP_FLAG_OPEN | SEALWAX_GROUP_FLAG_DELETED, 0));
    });
}

#[test]
fn what_members_may_not_do_is_refused_and_changes_nothing() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob", "carol"], "");
        let group = town.done("alice", |client, now| client.create_group("team", &["bob"], 0, now));
        town.hush();
        let not_permitted = "SEALWAX_NOT_PERMITTED";
        let bob = "bob";
        assert_eq!(
            town.refused(bob, |client, now| client.remove_member(&group, "alice", now)),
            not_permitted
        );
        assert_eq!(
            town.refused(bob, |client, now| client.add_members(&group, &["carol"], 1, now)),
            not_permitted
        );
        assert_eq!(town.refused(bob, |client, now| client.set_role(&group, "bob", 3, now)), not_permitted);
        assert_eq!(town.refused(bob, |client, now| client.delete_group(&group, now)), not_permitted);
        // Without an owner nobody could end it.
        assert_eq!(town.refused("alice", |client, now| client.leave_group(&group, now)), not_permitted);
        let none = "SEALWAX_NOT_A_MEMBER";
        assert_eq!(town.refused("alice", |client, now| client.remove_member(&group, "carol", now)), none);
        let unforked = town.refused("alice", |client, now| client.resolve_group(&group, &[1; 32], now));
        assert_eq!(unforked, "SEALWAX_INVALID_ARGUMENT");
        let outside = town.refused("carol", |client, now| client.leave_group(&group, now));
        assert_eq!(outside, "SEALWAX_UNKNOWN_GROUP");
        let nothing_kept = town.refused("alice", |client, now| client.share_history(&group, "bob", now));
        assert_eq!(nothing_kept, "SEALWAX_UNKNOWN_KEY");
        let unknown = town.refused("alice", |client, now| client.add_members(&group, &["nobody"], 1, now));
        assert_eq!(unknown, "SEALWAX_UNKNOWN_USER");
        for who in ["alice", "bob"] {
            assert_eq!(town.news(who), Vec::<String>::new());
            assert_eq!(town.client(who).group_info(&group).unwrap()["epoch"], 0);
        }

        let alice = town.client("alice");
        assert_eq!(alice.create_group("team", &["bob", "bob"], 0, NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.create_group("team", &["alice"], 0, NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.create_group("team", &[], 2, NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.join_labelled("", NOW), Err(SEALWAX_INVALID_TEXT));
        assert_eq!(alice.add_members(&group, &[], 1, NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.add_members(&group, &["carol"], 4, NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.mark_group_read(&group, "bob", &[0; 15], NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.send_group(&[9; 32], "?", NOW), Err(SEALWAX_UNKNOWN_GROUP));
    });
}

#[test]
fn each_member_tells_how_far_a_message_has_come() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob", "carol"], r#"{"acks":true}"#);
        let group = town.done("alice", |client, now| client.create_group("team", &["bob", "carol"], 0, now));
        // Who has written is known to be a peer who may be told.
        town.say("bob", &group, "here");
        for name in ["bob", "carol"] {
            town.client(name).send("alice", "hello", NOW).unwrap();
        }
        town.run();
        town.hush();
        let id = town.say("alice", &group, "who is there?");
        for name in ["bob", "carol"] {
            assert_eq!(town.news(name), ["alice: who is there?"]);
        }
        town.client("bob").mark_group_read(&group, "alice", &id, town.now_ms).unwrap();
        for _ in 0..3 {
            town.pass(10_000);
        }
        let events = town.events("alice");
        let acks: Vec<_> = events.iter().filter(|event| event.fields().kind == SEALWAX_EVENT_ACK).collect();
        assert!(acks.iter().all(|ack| ack.fields().message_id == id && ack.group() == group));
        let told: Vec<String> = acks.iter().map(|ack| tell(ack)).collect();
        assert_eq!(told[0], r#"state 1 of """#);
        assert!(
            told.contains(&r#"state 3 of "bob""#.into()) && told.contains(&r#"state 2 of "carol""#.into())
        );
    });
}

#[test]
fn a_newcomer_reads_the_past_that_a_member_shares_in_that_members_word() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob", "carol"], r#"{"retain_history":true}"#);
        let group = town.done("alice", |client, now| client.create_group("team", &["bob"], 0, now));
        town.say("bob", &group, "one");
        town.say("bob", &group, "two");
        let past = town.delivered("alice");
        assert_eq!(past.len(), 2);
        town.done("alice", |client, now| client.add_members(&group, &["carol"], SEALWAX_ROLE_MEMBER, now));
        for _ in 0..30 {
            town.pass(10_000);
        }
        town.hush();
        assert_eq!(town.client("carol").read_shared(&group, &past, town.now_ms), Ok(0));
        assert_eq!(town.client("carol").read_shared(&[9; 32], &past, NOW), Err(SEALWAX_UNKNOWN_GROUP));

        town.done("alice", |client, now| client.share_history(&group, "carol", now));
        let mut more = past.clone();
        more.push(b"no message".to_vec());
        assert_eq!(town.client("carol").read_shared(&group, &more, town.now_ms), Ok(2));
        assert_eq!(town.news("carol"), ["bob: one, says alice", "bob: two, says alice"]);
        assert_eq!(town.client("carol").read_shared(&group, &more, town.now_ms), Ok(0));
        // Nobody has said to Bob that this is really Carol.
        let reason = town.refused("bob", |client, now| client.share_history(&group, "carol", now));
        assert_eq!(reason, "SEALWAX_NOT_PERMITTED");
    });
}

#[test]
fn a_member_with_another_identity_is_replaced_once_it_is_accepted() {
    alone(|| {
        let mut town = Town::new(&["alice", "bob"], "");
        let group = town.done("alice", |client, now| client.create_group("team", &["bob"], 0, now));
        town.say("alice", &group, "hello");
        town.hush();

        // Bob has lost everything, and whoever runs the relay believes that it is him.
        town.post.disconnect("bob", town.now_ms);
        for record in ["card/bob", "prekeys/bob"] {
            town.post.forget(record);
        }
        town.people.retain(|(name, _)| *name != "bob");
        town.people.push(("bob", Client::create("bob", "", &KEY, "", NOW).unwrap()));
        town.connect("bob");
        town.client("bob").send("alice", "it is me", NOW).unwrap();
        town.run();
        let events = town.events("alice");
        let changed =
            events.iter().find(|event| event.fields().kind == SEALWAX_EVENT_IDENTITY_CHANGED).unwrap();
        let fingerprint = changed.fingerprint();
        town.client("alice").accept_identity("bob", &fingerprint, NOW).unwrap();
        town.run();
        town.hush();

        town.done("alice", |client, now| client.replace_member(&group, "bob", now));
        town.say("alice", &group, "welcome back");
        let told = town.news("bob");
        assert!(told.contains(&"alice: welcome back".into()), "{told:?}");
        let info = town.client("alice").group_info(&group).unwrap();
        assert_eq!(info["epoch"], 1);
    });
}

#[test]
fn a_member_who_is_away_says_nothing_or_has_no_prekeys_delays_nobody() {
    alone(|| {
        // Fewer are given the key before anybody writes, more with the first message.
        for count in [10, 80] {
            let mut names: Vec<&'static str> = (0..count).map(|at| &*format!("m{at}").leak()).collect();
            names.push("away");
            let mut town = Town::new(&names, "");
            // One is connected and takes nothing; of another the relay has the card and nothing else.
            town.people.push(("mute", Client::create("mute", "", &KEY, "", NOW).unwrap()));
            town.connect("mute");
            town.run();
            let mute = town.people.pop().unwrap().1;
            let bare = Identity::new("bare", NOW);
            let registered = town.post.relay.register("bare", &bare.card(), NOW).unwrap();
            town.post.store(&registered);
            let now_ms = town.now_ms;
            town.post.disconnect("away", now_ms);
            town.client("away").disconnected(now_ms).unwrap();
            town.events("away");

            let others = [&names[1..], &["mute", "bare"]].concat();
            let group = town.done("m0", |client, now| client.create_group("all", &others, 0, now));
            town.hush();
            town.say("m0", &group, "hello");
            // No time has passed.
            for name in &names[1..count] {
                assert_eq!(town.news(name), ["m0: hello"], "{name} of {count}");
            }
            assert_eq!(town.news("away"), Vec::<String>::new());

            town.say("m1", &group, "hi");
            for name in &names[2..count] {
                assert_eq!(town.news(name), ["m1: hi"], "{name} of {count}");
            }
            town.connect("away");
            town.run();
            let told = town.news("away");
            assert_eq!(told, ["connected", "joined all by m0", "m0: hello", "m1: hi"]);
            town.people.push(("mute", mute));
            town.run();
            assert!(town.news("mute").ends_with(&["m0: hello".into(), "m1: hi".into()]));
        }
    });
}
