//! Clients through the C ABI: a conversation, and everything that can happen to a client on the way.
#![cfg(feature = "store")]
#![allow(unsafe_code, reason = "a callback, and what the system is asked for")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may")]

mod common;

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::path::PathBuf;
use std::{env, fs, process, thread};

use common::abi::client::Client;
use common::abi::post::Post;
use common::abi::{Identity, Session, alone, name};
use sealwax::Error;
use sealwax::ffi::client_calls::{SEALWAX_CONTENT_BINARY, SEALWAX_CONTENT_TEXT, SEALWAX_SEND_TRANSIENT};
use sealwax::ffi::client_loop::*;
use sealwax::ffi::event::*;
use sealwax::ffi::status::*;
use sealwax::ffi::{client as ffi, client_loop as hosting, event as events};
use sealwax::wire::frame::{Body, Frame};

const NOW: u64 = 1_800_000_000_000;
const KEY: [u8; 32] = [7; 32];

/// A directory of its own that goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = env::temp_dir().join(format!("sealwax-abi-client-{}-{test}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A client in memory.
fn client(user: &str, options: &str) -> Client {
    Client::create(user, "", &KEY, options, NOW).unwrap()
}

fn connect(post: &mut Post, user: &str, client: &Client, now_ms: u64) {
    post.connect(user, client, "relay", now_ms);
}

/// Alice and Bob, connected, with their acks on.
fn two() -> (Post, Client, Client) {
    let mut post = Post::new("relay");
    let (alice, bob) = (client("alice", r#"{"acks":true}"#), client("bob", r#"{"acks":true}"#));
    connect(&mut post, "alice", &alice, NOW);
    connect(&mut post, "bob", &bob, NOW);
    post.run(&[("alice", &alice), ("bob", &bob)], NOW);
    for client in [&alice, &bob] {
        let [connected] = client.events().unwrap().try_into().unwrap();
        let fields = connected.fields();
        assert_eq!((fields.kind, fields.flags, fields.number), (SEALWAX_EVENT_CONNECTED, 0, 0));
    }
    (post, alice, bob)
}

#[test]
fn two_people_talk_and_hear_how_far_their_words_have_come() {
    alone(|| {
        let (mut post, alice, bob) = two();
        let people = [("alice", &alice), ("bob", &bob)];
        let id = alice.send("bob", "hello", NOW).unwrap();
        post.run(&people, NOW);
        let sent = alice.next_event().unwrap().unwrap();
        let fields = sent.fields();
        assert_eq!(
            (fields.kind, fields.state, fields.message_id),
            (SEALWAX_EVENT_ACK, SEALWAX_STATE_SENT, id)
        );
        assert_eq!((sent.user().as_str(), fields.number), ("bob", 1));

        let message = bob.next_event().unwrap().unwrap();
        let fields = message.fields();
        assert_eq!((fields.kind, fields.content_type), (SEALWAX_EVENT_MESSAGE, SEALWAX_CONTENT_TEXT));
        assert_eq!(
            (message.user(), message.payload(), fields.message_id),
            ("alice".into(), b"hello".into(), id)
        );
        assert_eq!((fields.time_ms / 100, fields.flags), (NOW / 100, 0));
        let json = message.json();
        assert_eq!((&json["kind"], &json["payload_len"]), (&"message".into(), &5.into()));
        assert!(!json.to_string().contains("hello"));
        assert!(bob.next_event().unwrap().is_none());

        // Bob writes to Alice, so she is told what became of her message, by the client and by Bob.
        bob.send_as("alice", SEALWAX_CONTENT_BINARY, &[0, 255], 0, NOW).unwrap();
        bob.mark_read("alice", &id, NOW).unwrap();
        post.run(&people, NOW);
        let answer = alice.next_event().unwrap().unwrap();
        assert_eq!((answer.payload(), answer.fields().content_type), (vec![0, 255], SEALWAX_CONTENT_BINARY));
        let due_ms = bob.pending().unwrap().due_ms;
        assert!(due_ms > NOW && due_ms < NOW + 10_000, "{}", due_ms - NOW);
        bob.tick(due_ms).unwrap();
        post.run(&people, due_ms);
        let read = alice.next_event().unwrap().unwrap().fields();
        assert_eq!((read.kind, read.state, read.message_id), (SEALWAX_EVENT_ACK, SEALWAX_STATE_READ, id));

        let numbers = (alice.safety_number("bob").unwrap(), bob.safety_number("alice").unwrap());
        assert_eq!(numbers.0, numbers.1);
        assert_eq!(alice.card("bob").unwrap(), bob.card("").unwrap());
        assert_eq!(alice.card("nobody"), Err(SEALWAX_UNKNOWN_USER));
        assert_eq!(alice.info()["user"], "alice");
    });
}

#[test]
fn what_cannot_be_sent_fails_and_what_is_no_message_is_refused() {
    alone(|| {
        let (mut post, alice, bob) = two();
        let id = alice.send("nobody", "hello", NOW).unwrap();
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        let failed = alice.next_event().unwrap().unwrap();
        let fields = failed.fields();
        assert_eq!((fields.kind, fields.message_id), (SEALWAX_EVENT_FAILED, id));
        assert_eq!((failed.user().as_str(), name(fields.status)), ("nobody", "SEALWAX_UNKNOWN_USER"));

        for (user, content, payload, flags, expected) in [
            ("alice", SEALWAX_CONTENT_TEXT, &b"to me"[..], 0, SEALWAX_INVALID_ARGUMENT),
            ("", SEALWAX_CONTENT_TEXT, b"to nobody", 0, SEALWAX_INVALID_TEXT),
            ("bob", SEALWAX_CONTENT_TEXT, b"\xff", 0, SEALWAX_INVALID_TEXT),
            ("bob", 2, b"of no kind", 0, SEALWAX_INVALID_ARGUMENT),
            ("bob", SEALWAX_CONTENT_TEXT, b"with flags", 2, SEALWAX_INVALID_ARGUMENT),
        ] {
            assert_eq!(alice.send_as(user, content, payload, flags, NOW), Err(expected), "{user} {content}");
        }
        assert_eq!(alice.mark_read("bob", &[0; 15], NOW), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.watch(&["bob", ""], NOW), Err(SEALWAX_INVALID_TEXT));

        // No session yet, so what is transient goes nowhere, and nobody hears of it.
        alice.send_as("bob", SEALWAX_CONTENT_TEXT, b"typing", SEALWAX_SEND_TRANSIENT, NOW).unwrap();
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        assert!(alice.next_event().unwrap().is_none() && bob.next_event().unwrap().is_none());
        assert_eq!(alice.info()["failed"], serde_json::Value::Null);
    });
}

#[test]
fn a_peer_under_another_identity_waits_until_it_is_accepted() {
    alone(|| {
        let (mut post, alice, bob) = two();
        alice.send("bob", "hello", NOW).unwrap();
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        alice.texts().unwrap();
        drop(bob);
        post.disconnect("bob", NOW);
        let mut post = Post::new("relay");
        let bob = client("bob", "");
        alice.disconnected(NOW).unwrap();
        connect(&mut post, "alice", &alice, NOW);
        connect(&mut post, "bob", &bob, NOW);
        bob.send("alice", "it is me", NOW).unwrap();
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        let changed = alice
            .events()
            .unwrap()
            .into_iter()
            .find(|event| event.fields().kind == SEALWAX_EVENT_IDENTITY_CHANGED)
            .unwrap();
        assert_eq!((changed.fields().flags, changed.user()), (SEALWAX_EVENT_FLAG_BLOCKED, "bob".into()));
        assert_eq!(alice.accept_identity("bob", &[0; 32], NOW), Err(SEALWAX_IDENTITY_CHANGED));
        assert_eq!(alice.changed_card("bob").unwrap(), bob.card("").unwrap());
        assert_eq!(alice.changed_card("carol"), Err(SEALWAX_UNKNOWN_USER));
        alice.accept_identity("bob", &changed.fingerprint(), NOW).unwrap();
        assert_eq!(alice.texts().unwrap(), [("bob".into(), "it is me".into())]);
        assert_eq!(alice.card("bob").unwrap(), bob.card("").unwrap());
        assert_eq!(alice.changed_card("bob"), Err(SEALWAX_UNKNOWN_USER));
    });
}

#[test]
fn a_relay_that_talks_nonsense_is_an_event_and_is_left() {
    alone(|| {
        let (_, alice, bob) = two();
        drop(bob);
        assert_eq!(alice.pending().unwrap().wants_disconnect, 0);
        alice.receive(b"nonsense", NOW).unwrap();
        let pending = alice.pending().unwrap();
        assert_eq!((pending.wants_disconnect, pending.events), (1, 1));
        let error = alice.next_event().unwrap().unwrap().fields();
        assert_eq!((error.kind, error.number, error.request), (SEALWAX_EVENT_ERROR, 0, 0));
        assert!(error.status > 0);
        alice.disconnected(NOW).unwrap();
        let kinds: Vec<_> = alice.events().unwrap().iter().map(|event| event.fields().kind).collect();
        assert_eq!((kinds, alice.pending().unwrap().wants_disconnect), (vec![SEALWAX_EVENT_DISCONNECTED], 0));

        // Another relay than the one that was called.
        let mut other = Post::new("elsewhere");
        connect(&mut other, "alice", &alice, NOW);
        other.run(&[("alice", &alice)], NOW);
        let error = alice.next_event().unwrap().unwrap().fields();
        assert_eq!((error.kind, error.status), (SEALWAX_EVENT_ERROR, SEALWAX_AUTHENTICATION_FAILED));
        let how = |client: &Client| client.pending().unwrap().reconnect;
        assert_eq!(how(&alice), SEALWAX_RECONNECT_NEVER);
        alice.disconnected(NOW).unwrap();
        assert_eq!(how(&alice), SEALWAX_RECONNECT_NEVER, "it was not there to be asked before");
        alice.connected("relay", NOW).unwrap();
        assert_eq!(how(&alice), SEALWAX_RECONNECT_SOON);
    });
}

#[test]
fn a_client_whose_place_was_taken_gives_way_and_whom_the_relay_refuses_stays_away() {
    alone(|| {
        let says = |error: Error| {
            let body = Body::Error { status: error.code(), retry_after_ms: 0, epoch: 0, text: "" };
            Frame { request: 0, body }.to_bytes().unwrap()
        };
        let (_, alice, bob) = two();
        alice.receive(&says(Error::Replaced), NOW).unwrap();
        let pending = alice.pending().unwrap();
        assert_eq!((pending.wants_disconnect, pending.reconnect), (1, SEALWAX_RECONNECT_LATE));
        // The next connection is refused before its welcome; what a relay says later is no refusal.
        bob.receive(&says(Error::NotPermitted), NOW).unwrap();
        assert_eq!(bob.pending().unwrap().reconnect, SEALWAX_RECONNECT_SOON);
        alice.disconnected(NOW).unwrap();
        alice.connected("relay", NOW).unwrap();
        alice.receive(&says(Error::NotPermitted), NOW).unwrap();
        let pending = alice.pending().unwrap();
        assert_eq!((pending.wants_disconnect, pending.reconnect), (1, SEALWAX_RECONNECT_NEVER));
        let told: Vec<_> = alice.events().unwrap().iter().map(|event| event.fields().status).collect();
        assert!(told.contains(&SEALWAX_REPLACED) && told.contains(&SEALWAX_NOT_PERMITTED), "{told:?}");
    });
}

#[test]
fn a_client_in_a_file_comes_back_with_everything_that_was_not_dealt_with() {
    alone(|| {
        let directory = Directory::new("comes-back");
        let path = directory.file("bob");
        let (mut post, alice, other) = two();
        drop(other);
        post.disconnect("bob", NOW);
        assert_eq!(Client::open(&path, &KEY, "", NOW).err(), Some(SEALWAX_WRONG_STATE));
        assert!(fs::read_dir(&directory.0).unwrap().next().is_none(), "made by an opening");
        assert_eq!(Client::create("", &path, &KEY, "", NOW).err(), Some(SEALWAX_INVALID_TEXT));
        assert!(!fs::exists(&path).unwrap(), "made for nobody");

        let (mut post, alice) = {
            drop((post, alice));
            (Post::new("relay"), client("alice", ""))
        };
        let bob = Client::create("bob", &path, &KEY, "", NOW).unwrap();
        connect(&mut post, "alice", &alice, NOW);
        connect(&mut post, "bob", &bob, NOW);
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        for text in ["one", "two"] {
            alice.send("bob", text, NOW).unwrap();
        }
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        assert_eq!(Client::open(&path, &KEY, "", NOW).err(), Some(SEALWAX_STORE_IN_USE));
        let numbers: Vec<_> = bob.events().unwrap().iter().map(|event| event.fields().number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        // Freeing settles: what is confirmed stays so, what is to be sent is sent.
        bob.confirm(1).unwrap();
        bob.send("alice", "three", NOW).unwrap();
        let backup = directory.file("copy");
        bob.backup(&backup).unwrap();
        assert_eq!(bob.backup(&backup), Err(SEALWAX_INVALID_ARGUMENT));
        assert_eq!(alice.backup(&directory.file("none")), Err(SEALWAX_UNSUPPORTED));
        drop(bob);
        post.disconnect("bob", NOW);

        assert_eq!(Client::open(&path, &[8; 32], "", NOW).err(), Some(SEALWAX_STORE_WRONG_KEY));
        assert_eq!(Client::create("bob", &path, &KEY, "", NOW).err(), Some(SEALWAX_WRONG_STATE));
        let bob = Client::open(&path, &KEY, "", NOW).unwrap();
        let again = bob.next_event().unwrap().unwrap();
        assert_eq!((again.fields().number, again.fields().flags), (2, SEALWAX_EVENT_FLAG_AGAIN));
        assert_eq!(again.payload(), b"two");
        connect(&mut post, "bob", &bob, NOW);
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        assert_eq!(alice.texts().unwrap(), [("bob".into(), "three".into())]);
        bob.texts().unwrap();
        bob.send("alice", "four", NOW).unwrap();
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        drop(bob);
        post.disconnect("bob", NOW);

        // The backup knows nothing of that, and says so.
        let copy = Client::open(&backup, &KEY, "", NOW).unwrap();
        connect(&mut post, "bob", &copy, NOW);
        post.run(&[("alice", &alice), ("bob", &copy)], NOW);
        let restored = copy.events().unwrap();
        let connected = restored.iter().find(|event| event.fields().kind == SEALWAX_EVENT_CONNECTED).unwrap();
        assert_eq!(connected.fields().flags, SEALWAX_EVENT_FLAG_RESTORED);
        fs::write(directory.file("rubbish"), b"no store at all").unwrap();
        let rubbish = Client::open(&directory.file("rubbish"), &KEY, "", NOW);
        assert_eq!(rubbish.err(), Some(SEALWAX_STORE_DAMAGED));
    });
}

#[test]
fn a_client_takes_over_an_identity_and_is_its_only_owner() {
    alone(|| {
        let directory = Directory::new("takes-over");
        let mut post = Post::new("relay");
        let alice = client("alice", "");
        connect(&mut post, "alice", &alice, NOW);

        // Bob's application has used the objects, and his prekeys are about.
        let bob = Identity::new("bob", NOW);
        let card = bob.card();
        for outcome in [
            post.relay.register("bob", &card, NOW).unwrap(),
            post.relay.publish("bob", &bob.prekeys(3, NOW).unwrap(), NOW).unwrap(),
        ] {
            post.store(&outcome);
        }
        alice.send("bob", "are you there?", NOW).unwrap();
        post.run(&[("alice", &alice)], NOW);

        let missing = directory.file("missing/store");
        let (bob, status) = Client::create_with(bob, &missing, &KEY, "", NOW).unwrap_err();
        assert_eq!((name(status), bob.card()), ("SEALWAX_STORE_IO", card.clone()));
        let path = directory.file("bob");
        let (bob, status) =
            Client::create_with(bob, &path, &KEY, r#"{"prekeys_required":true}"#, NOW).unwrap_err();
        assert_eq!(name(status), "SEALWAX_INVALID_OPTIONS");
        let bob = Client::create_with(bob, &path, &KEY, r#"{"acks":true}"#, NOW).unwrap();
        assert_eq!(bob.card("").unwrap(), card);
        connect(&mut post, "bob", &bob, NOW);
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        assert_eq!(bob.texts().unwrap(), [("alice".into(), "are you there?".into())]);
        drop(bob);

        let (other, status) =
            Client::create_with(Identity::new("bob", NOW), &path, &KEY, "", NOW).unwrap_err();
        assert_eq!((name(status), other.info()["user"].clone()), ("SEALWAX_WRONG_STATE", "bob".into()));
        assert_eq!(Client::open(&path, &KEY, "", NOW).unwrap().card("").unwrap(), card);
    });
}

#[test]
fn an_identity_with_sessions_is_not_taken_over() {
    alone(|| {
        let (alice, bob) = (Identity::new("alice", NOW), Identity::new("bob", NOW));
        let session = Session::initiate(&alice, &bob.card(), &bob.prekeys(1, NOW).unwrap(), NOW).unwrap();
        let (alice, status) = Client::create_with(alice, "", &KEY, "", NOW).unwrap_err();
        assert_eq!(name(status), "SEALWAX_WRONG_STATE");
        drop(session);
        let alice = Client::create_with(alice, "", &KEY, "", NOW).unwrap();
        assert_eq!(alice.info()["user"], "alice");
    });
}

#[test]
fn of_many_who_take_over_an_identity_at_once_one_does() {
    alone(|| {
        let bob = Identity::new("bob", NOW);
        let card = bob.card();
        let handle = bob.handle().addr();
        let results: Vec<_> = thread::scope(|scope| {
            let take = || {
                let mut client = ptr::null_mut();
                // SAFETY: the inputs are empty or a slice, the output lives.
                let status = unsafe {
                    let identity = ptr::without_provenance_mut(handle);
                    let key = KEY.as_ptr().cast();
                    ffi::sealwax_client_create_with(
                        identity,
                        ptr::null(),
                        0,
                        key,
                        KEY.len(),
                        ptr::null(),
                        0,
                        NOW,
                        &mut client,
                    )
                };
                // SAFETY: handles are not followed.
                assert_eq!(unsafe { ffi::sealwax_client_free(client) }, SEALWAX_OK);
                status
            };
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            let session = Session::initiate(&bob, &card, &[], NOW);
            assert!(session.is_err(), "with oneself there is none");
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|status| **status == SEALWAX_OK).count(), 1, "{results:?}");
        assert!(results.iter().all(|status| [SEALWAX_OK, SEALWAX_INVALID_HANDLE].contains(status)));
        assert_eq!(bob.free(), Err(SEALWAX_INVALID_HANDLE));
    });
}

#[test]
fn a_new_client_takes_all_options_of_an_opened_one() {
    alone(|| {
        let all = r#"{"prekeys_required":false,"method":"host","acks":true,"identity_change":"warn",
            "hidden_header":true,"padding":"padme","one_time_prekeys":7,"retain_history":true,
            "rotate_messages":5,"rotate_ms":1000,"eager_members":3}"#;
        assert_eq!(client("alice", all).info()["user"], "alice");
        let without = all.replace(r#""prekeys_required":false,"#, "");
        assert!(Client::create_with(Identity::new("bob", NOW), "", &KEY, &without, NOW).is_ok());
    });
}

/// Lets no file of this process grow until it goes.
#[cfg(unix)]
struct FullDisk(libc::rlimit);

#[cfg(unix)]
impl FullDisk {
    fn new() -> Self {
        // SAFETY: plain calls; the outputs live.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let mut before = core::mem::zeroed();
            assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut before), 0);
            let none = libc::rlimit { rlim_cur: 0, ..before };
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &none), 0);
            Self(before)
        }
    }
}

#[cfg(unix)]
impl Drop for FullDisk {
    fn drop(&mut self) {
        // SAFETY: a plain call.
        unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &self.0) };
    }
}

#[test]
#[cfg(unix)]
fn a_client_whose_store_fails_shows_nothing_and_says_so_until_it_is_freed() {
    alone(|| {
        let directory = Directory::new("fails");
        let path = directory.file("alice");
        let alice = Client::create("alice", &path, &KEY, "", NOW).unwrap();
        alice.connected("relay", NOW).unwrap();
        assert!(!alice.next_frame().unwrap().is_empty());
        let id = alice.send("bob", "hello", NOW).unwrap();
        assert_ne!(id, [0; 16]);
        {
            let _full = FullDisk::new();
            assert_eq!(alice.pending().err(), Some(SEALWAX_STORE_IO));
        }
        // The disk has room again, but memory is ahead of it.
        assert_eq!(alice.pending().err(), Some(SEALWAX_STORE_IO));
        assert_eq!(alice.next_frame(), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.next_event().err(), Some(SEALWAX_STORE_IO));
        assert_eq!(alice.send("bob", "more", NOW), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.receive(b"", NOW), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.connected("relay", NOW), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.confirm(1), Err(SEALWAX_STORE_IO));
        assert_eq!(alice.info()["failed"], "SEALWAX_STORE_IO");
        drop(alice);
        let alice = Client::open(&path, &KEY, "", NOW).unwrap();
        assert_eq!(alice.info()["outbox"], 0);
        alice.send("bob", "hello", NOW).unwrap();
        alice.pending().unwrap();
        assert_eq!(alice.info()["outbox"], 1);
    });
}

unsafe extern "C" fn count(user_data: *mut c_void) {
    // SAFETY: the tests give a counter that lives until the callback is removed.
    unsafe { &*user_data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn calls_of_other_threads_wake_the_host_once_until_it_looks() {
    alone(|| {
        let alice = client("alice", "");
        let counter = AtomicUsize::new(0);
        alice.on_wake(Some(count), ptr::from_ref(&counter).cast_mut().cast()).unwrap();
        let woken = || counter.load(Ordering::SeqCst);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| assert!(alice.send("bob", "hello", NOW).is_ok())));
            }
        });
        assert_eq!(woken(), 1);
        // The host's own loop wakes nobody.
        alice.tick(NOW).unwrap();
        alice.pending().unwrap();
        alice.confirm(0).unwrap();
        alice.tick(NOW).unwrap();
        assert_eq!(woken(), 1);
        alice.connected("relay", NOW).unwrap();
        assert_eq!(woken(), 2);
        assert!(!alice.next_frame().unwrap().is_empty());
        alice.on_wake(None, ptr::null_mut()).unwrap();
        alice.send("bob", "hello", NOW).unwrap();
        assert_eq!(woken(), 2);
    });
}

unsafe extern "C" fn call_back(user_data: *mut c_void) {
    // SAFETY: the test gives a client that outlives the callback.
    let client = unsafe { &*user_data.cast::<Client>() };
    assert_eq!(client.pending().unwrap().events, 0);
    assert_eq!(client.info()["outbox"], 1);
    client.on_wake(None, ptr::null_mut()).unwrap();
}

#[test]
fn whoever_is_woken_may_call_the_client() {
    alone(|| {
        let alice = client("alice", "");
        alice.on_wake(Some(call_back), ptr::from_ref(&alice).cast_mut().cast()).unwrap();
        alice.send("bob", "hello", NOW).unwrap();
        alice.send("bob", "hello", NOW).unwrap();
        assert_eq!(alice.info()["outbox"], 2);
    });
}

#[test]
fn an_event_outlives_its_client() {
    alone(|| {
        let (mut post, alice, bob) = two();
        alice.send("bob", "hello", NOW).unwrap();
        post.run(&[("alice", &alice), ("bob", &bob)], NOW);
        let message = bob.next_event().unwrap().unwrap();
        drop((alice, bob));
        assert_eq!(message.payload(), b"hello");
    });
}

/// The step of a forked child that failed; 0 if none did.
#[cfg(unix)]
fn child_fails(client: &Client, event: *mut sealwax_event) -> i32 {
    if client.pending().err() != Some(SEALWAX_FORKED)
        || client.send("bob", "hello", NOW) != Err(SEALWAX_FORKED)
    {
        return 1;
    }
    // SAFETY: handles are not followed, and the output is NULL, which comes first only for an open event.
    unsafe {
        let mut len = 0;
        if events::sealwax_event_json(event, ptr::null_mut(), 0, &mut len) != SEALWAX_FORKED {
            return 2;
        }
        if hosting::sealwax_client_on_wake(client.handle(), None, ptr::null_mut()) != SEALWAX_FORKED {
            return 3;
        }
        if events::sealwax_event_free(event) != SEALWAX_OK {
            return 4;
        }
        if ffi::sealwax_client_free(client.handle()) != SEALWAX_OK {
            return 5;
        }
        if ffi::sealwax_client_free(client.handle()) != SEALWAX_INVALID_HANDLE {
            return 6;
        }
    }
    let own = Client::create("carol", "", &KEY, "", NOW).unwrap();
    if own.connected("relay", NOW).is_err() || own.next_frame().is_ok_and(|frame| frame.is_empty()) {
        return 7;
    }
    0
}

#[test]
#[cfg(unix)]
fn a_forked_child_has_no_client_and_leaves_the_store_to_its_parent() {
    alone(|| {
        let directory = Directory::new("fork");
        let path = directory.file("alice");
        let alice = Client::create("alice", &path, &KEY, "", NOW).unwrap();
        alice.connected("relay", NOW).unwrap();
        alice.receive(b"nonsense", NOW).unwrap();
        let event = alice.next_event().unwrap().unwrap();
        // To be settled: by the parent alone.
        alice.send("bob", "hello", NOW).unwrap();
        // SAFETY: the child calls what is made for it and ends at once.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let failed = child_fails(&alice, event.handle());
            // SAFETY: it does not return.
            unsafe { libc::_exit(failed) }
        }
        let mut status = 0;
        // SAFETY: the output lives.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "step {}", libc::WEXITSTATUS(status));
        alice.send("bob", "again", NOW).unwrap();
        assert_eq!(alice.pending().unwrap().wants_disconnect, 1);
        drop(alice);
        let alice = Client::open(&path, &KEY, "", NOW).unwrap();
        assert_eq!(alice.info()["outbox"], 2);
    });
}
