//! What `{:?}` shows of every type: logs of hosts end up with strangers, so no secret may be among it.
//!
//! `tests/debug_output.txt` lists all types that have a `Debug`, private ones too. Of a derived one it has the fields, which
//! are what it shows; of one written by hand what it shows is pinned below. A type, or a field, that is new is new in that
//! list, which `SEALWAX_REPLACE=1 cargo test --test debug_output` writes.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may")]

mod common;

use core::fmt::Debug;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use common::ScriptedRandom;
use common::group::{group, person};
use sealwax::client::{Emitted, Event, GroupEvent};
use sealwax::crypto::Secret;
use sealwax::crypto::ecc::{AgreePrivate, SignPrivate};
use sealwax::group::{GroupReceiver, GroupReceiverOptions, GroupSender, GroupSenderOptions, Sending};
use sealwax::identity::PrekeyBundle;
use sealwax::roster::RosterPolicy;
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::attachment::Reference;
use sealwax::wire::codec::{Put as _, Reader, SliceWriter};
use sealwax::wire::content::{Content, ContentKind, ContentType, Data};
use zeroize::Zeroizing;

const LIST: &str = "tests/debug_output.txt";
const NOW: u64 = 1_800_000_000_000;

// ---- The list ----

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// A file without comments and tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap().trim_end()).collect::<Vec<_>>().join("\n")
}

/// What follows `at` up to the end of the braces or parentheses that open first; a semicolon ends it before.
fn body(code: &str) -> &str {
    let mut depth = 0;
    for (at, character) in code.char_indices() {
        match character {
            '{' | '(' => depth += 1,
            '}' | ')' => {
                depth -= 1;
                if depth == 0 {
                    return &code[..=at];
                }
            }
            ';' if depth == 0 => return &code[..at],
            _ => {}
        }
    }
    panic!("{code}");
}

/// A line for each type with a `Debug`: where it is, how it got it, and what there is to show.
fn list() -> Vec<String> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut lines = Vec::new();
    for path in files {
        let file = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
        let code = code(&path);
        for (at, _) in code.match_indices("derive(") {
            let (derived, rest) = code[at + "derive(".len()..].split_once(')').unwrap();
            if !derived.split(',').any(|name| name.trim() == "Debug") {
                continue;
            }
            let item = rest.find("struct ").into_iter().chain(rest.find("enum ")).min().unwrap();
            let shape: Vec<&str> = body(&rest[item..]).split_whitespace().collect();
            lines.push(format!("{file}: derived: {}", shape.join(" ")));
        }
        for (at, _) in code.match_indices("fmt::Debug for ") {
            let name = code[at + "fmt::Debug for ".len()..].split([' ', '<', '{']).next().unwrap();
            lines.push(format!("{file}: by hand: {name}"));
        }
    }
    lines.sort();
    lines
}

#[test]
fn every_type_that_shows_itself_shows_what_is_listed() {
    let listed = list().join("\n") + "\n";
    if env::var_os("SEALWAX_REPLACE").is_some() {
        fs::write(root().join(LIST), &listed).unwrap();
    }
    let committed = fs::read_to_string(root().join(LIST)).unwrap_or_default();
    let (now, then): (BTreeSet<_>, BTreeSet<_>) = (listed.lines().collect(), committed.lines().collect());
    let new: Vec<_> = now.difference(&then).collect();
    assert!(
        now == then,
        "does it show a secret? {new:#?}\ngone: {:#?}",
        then.difference(&now).collect::<Vec<_>>()
    );
}

/// What holds a secret has no derived output above it: bytes that are wiped are shown by no field.
#[test]
fn nothing_derived_shows_what_is_wiped() {
    for line in list().iter().filter(|line| line.contains(": derived: ")) {
        assert!(!line.contains("Zeroizing<"), "{line}");
    }
}

// ---- What is written by hand ----

/// Bytes that must not show, in any of the ways in which bytes are shown.
struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    fn hold(&mut self, bytes: &[u8]) {
        self.0.push(bytes.to_vec());
    }

    fn check(&self, name: &str, shown: &str) {
        for secret in &self.0 {
            // Four bytes in a row are no chance.
            for part in secret.windows(4) {
                let decimal = format!("{part:?}");
                let decimal = decimal.trim_matches(['[', ']']);
                let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
                let upper = hex.to_uppercase();
                let spaced = format!("{part:x?}");
                let spaced = spaced.trim_matches(['[', ']']).to_owned();
                let text = str::from_utf8(part).unwrap_or("\0");
                for form in [decimal, &hex, &upper, &spaced, text] {
                    assert!(!shown.contains(form), "{name} shows {form}: {shown}");
                }
            }
        }
    }
}

struct Pins {
    secrets: Secrets,
    names: BTreeSet<&'static str>,
}

impl Pins {
    fn pin(&mut self, name: &'static str, value: &dyn Debug, expected: &str) {
        let shown = format!("{value:?}");
        assert_eq!(shown, expected, "{name}");
        self.secrets.check(name, &format!("{shown} {value:#?}"));
        self.names.insert(name);
    }
}

fn short(public: &[u8]) -> String {
    public[1..5].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_is_written_by_hand_shows_names_and_no_secrets() {
    let plaintext: &[u8] = b"XQ7 ZK9 WV3 JY5 QX1";
    let mut pins = Pins { secrets: Secrets(Vec::new()), names: BTreeSet::new() };
    pins.secrets.hold(plaintext);
    let rng = &mut ScriptedRandom::new("debug");

    // Keys.
    let secret = Secret::<32>::random(rng).unwrap();
    pins.secrets.hold(secret.as_bytes());
    pins.pin("Secret", &secret, "Secret { .. }");
    let (agree, sign) = (AgreePrivate::generate(rng).unwrap(), SignPrivate::generate(rng).unwrap());
    pins.secrets.hold(agree.to_bytes().as_bytes());
    pins.secrets.hold(sign.to_bytes().as_bytes());
    pins.pin("Private", &agree, "AgreePrivate { .. }");
    pins.pin("Private", &sign, "SignPrivate { .. }");
    let shown = format!("SignPublic({}..)", short(sign.public().as_bytes()));
    pins.pin("Public", sign.public(), &shown);

    // People.
    let (alice, mut bob) = (person("alice"), person("bob"));
    pins.pin("Identity", &alice, r#"Identity { user: "alice", .. }"#);
    let digits = alice.fingerprint().to_string();
    pins.pin("Fingerprint", &alice.fingerprint(), &format!("Fingerprint({digits})"));
    let card = format!(r#"Card {{ user: "alice", fingerprint: Fingerprint({digits}), .. }}"#);
    pins.pin("Card", alice.card(), &card);

    // A session.
    let prekeys = bob.prekeys(rng, 1, NOW).unwrap();
    let prekeys = PrekeyBundle::parse(&prekeys, bob.card()).unwrap();
    let options = SessionOptions::default();
    let mut session = Session::initiate(&alice, bob.card(), Some(&prekeys), options, NOW, rng).unwrap();
    pins.pin("Session", &session, r#"Session { own_user: "alice", peer_user: "bob", .. }"#);
    let mut envelope = vec![0; 4_096];
    let len = session.encrypt(ContentKind::Data, &[&[1], plaintext], NOW, rng, &mut envelope).unwrap();
    let theirs = Session::accept(&mut bob, &envelope[..len], options, NOW).unwrap();
    let opening = theirs.open(Some(&bob), &envelope[..len], NOW).unwrap();
    assert!(opening.body().ends_with(plaintext));
    pins.pin("session Opening", &opening, "Opening { kind: Data, .. }");

    // A group.
    let roster = group(&alice, &[&bob], RosterPolicy::default());
    let mut sender = GroupSender::new(&alice, &roster, GroupSenderOptions::default(), NOW, rng).unwrap();
    pins.pin("GroupSender", &sender, r#"GroupSender { user: "alice", .. }"#);
    let handout = sender.handout(&roster).unwrap();
    pins.secrets.hold(&handout.body_for("bob", &bob.fingerprint()).unwrap()[149..213]);
    pins.pin("Handout", &handout, r#"Handout { sender: GroupSender { user: "alice", .. }, .. }"#);
    let distribution = sender.distribution(&roster, "bob", &bob.fingerprint()).unwrap();
    pins.pin("Distribution", &distribution, "Distribution { epoch: 0, .. }");
    let options = GroupReceiverOptions { retain_history: true, ..GroupReceiverOptions::default() };
    let mut receiver = GroupReceiver::new(&bob, &roster, options, NOW).unwrap();
    pins.pin("GroupReceiver", &receiver, r#"GroupReceiver { user: "bob", .. }"#);
    receiver.install(&roster, "alice", &alice.fingerprint(), &distribution, NOW).unwrap();
    let len =
        sender.encrypt(&roster, ContentKind::Data, &[&[1], plaintext], NOW, rng, &mut envelope).unwrap();
    let opening = receiver.open(&roster, &envelope[..len], NOW).unwrap();
    pins.pin("group Opening", &opening, r#"Opening { sender: "alice", .. }"#);
    receiver.commit(opening).unwrap();
    let key_id = *sender.key_id();
    sender.rotate(&roster, NOW, rng).unwrap();
    let next = sender.distribution(&roster, "bob", &bob.fingerprint()).unwrap();
    receiver.install(&roster, "alice", &alice.fingerprint(), &next, NOW).unwrap();
    let history = receiver.history(&roster, "alice", &alice.fingerprint(), "alice", &key_id, 0).unwrap();
    pins.pin("History", &history, r#"History { sender: "alice", .. }"#);

    // What is sealed, and what is opened, on its way.
    let content = Content { kind: ContentKind::Data, message_id: &[5; 16], body: plaintext };
    pins.pin(
        "Content",
        &content,
        &format!("Content {{ kind: Data, message_id: {:?}, body_len: {}, .. }}", [5; 16], plaintext.len()),
    );
    let data = Data { content_type: ContentType::Text, payload: plaintext };
    pins.pin("Data", &data, &format!("Data {{ content_type: Text, payload_len: {}, .. }}", plaintext.len()));
    let sending = Sending { kind: ContentKind::Data, message_id: None, body: &[plaintext] };
    pins.pin("Sending", &sending, "Sending { kind: Data, message_id: None, .. }");
    let mut reader = Reader::new(plaintext);
    reader.u8().unwrap();
    let shown = format!("Reader {{ position: 1, remaining: {}, .. }}", plaintext.len() - 1);
    pins.pin("Reader", &reader, &shown);
    let mut out = [0; 64];
    let mut writer = SliceWriter::new(&mut out);
    writer.put(plaintext);
    pins.pin("SliceWriter", &writer, &format!("SliceWriter {{ position: {}, .. }}", plaintext.len()));

    // What an application is told.
    let message = |payload: &[u8]| Event::Message {
        from: "alice".into(),
        message_id: [7; 16],
        content_type: ContentType::Text,
        payload: Zeroizing::new(payload.to_vec()),
        sent_ms: 5,
    };
    let id = "07".repeat(16);
    let told = format!(
        r#"message {{"content_type":"text","message_id":"{id}","payload_len":{},"time_ms":5,"user":"alice"}}"#,
        plaintext.len()
    );
    pins.pin("Event", &message(plaintext), &told);
    let told_of_group = Event::Group {
        group: [3; 32],
        event: GroupEvent::Message {
            from: "alice".into(),
            message_id: [7; 16],
            content_type: ContentType::Binary,
            payload: Zeroizing::new(plaintext.to_vec()),
            sent_ms: 5,
            shared_by: None,
        },
    };
    pins.pin(
        "Event",
        &told_of_group,
        &format!(
            r#"group_message {{"content_type":"binary","group":"{}","message_id":"{id}","payload_len":{},"time_ms":5,"user":"alice"}}"#,
            "03".repeat(32),
            plaintext.len()
        ),
    );
    let emitted = Emitted { number: 3, again: true, event: message(plaintext) };
    pins.pin("Emitted", &emitted, &format!("Emitted {{ number: 3, again: true, event: {told} }}"));

    // Nothing that is written by hand is missing here.
    let list = list();
    let by_hand = list.iter().filter_map(|line| line.split_once(": by hand: ")).map(|(_, name)| name);
    let pinned: BTreeSet<&str> = pins.names.iter().filter_map(|name| name.rsplit(' ').next()).collect();
    let missing: Vec<_> = by_hand.filter(|name| !pinned.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

// ---- What shows nothing at all ----

/// A type with a `Debug` has two ways to be this, and the compiler refuses to choose.
trait Silent<Way> {
    const HOLDS: bool = true;
}
struct Shows;
impl<T: ?Sized> Silent<()> for T {}
impl<T: ?Sized + Debug> Silent<Shows> for T {}

macro_rules! silent {
    ($($silent:ty),+ $(,)?) => {
        $(const _: () = assert!(<$silent as Silent<_>>::HOLDS);)+
    };
}

silent!(
    GroupEvent,
    Reference<'static>,
    sealwax::client::Client,
    sealwax::crypto::aead::Key,
    sealwax::crypto::kdf::Hasher,
    sealwax::group::Backlog<'static>,
    sealwax::store::Changes,
    sealwax::store::MemoryDisk,
    sealwax::store::Store,
    sealwax::stream::Open,
    sealwax::stream::Seal,
);
