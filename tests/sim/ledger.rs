//! Every message that was ever written, and what may be shown of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealwax::client::MessageId;
use sealwax::error::Error;
use sealwax::wire::attachment::REFERENCE_MAX;
use sealwax::wire::content::{ContentType, DATA_TYPE_LEN, Padding, content_len};

use crate::attachments::Attachments;
use crate::chronicle::StateId;

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum To {
    One(usize),
    Circle(usize),
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(who) => write!(f, "p{who}"),
            Self::Circle(circle) => write!(f, "g{circle}"),
        }
    }
}

/// All messages of a run, by their number.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) letters: Vec<Letter>,
    padding: Padding,
    /// The numbers of messages to groups, by sender, group and the length of the content.
    lengths: BTreeMap<(usize, usize, usize), usize>,
    attachments: Attachments,
    /// By reader, sender and group: how many messages the reader was told not to be able to read.
    unreadable: BTreeMap<(usize, usize, usize), usize>,
    /// By reader, sender and group: who was told that the other is no member any more.
    parted: BTreeSet<(usize, usize, usize)>,
    /// Who runs on an older copy, and lacks keys that it was given once, or has to do with a cheat.
    restored: BTreeSet<usize>,
    /// Who holds another history of which group than the relay, and neither reads nor is read there.
    pub(crate) astray: BTreeSet<(usize, usize)>,
}

/// One message.
pub(crate) struct Letter {
    pub(crate) from: usize,
    /// Which identity of it has written this.
    pub(crate) author: usize,
    pub(crate) to: To,
    pub(crate) id: MessageId,
    pub(crate) content_type: ContentType,
    pub(crate) payload: Vec<u8>,
    /// It is in its sender's store, and no older copy has taken the place of that store.
    pub(crate) is_certain: bool,
    /// Its sender was told that the relay has it.
    pub(crate) is_sent: bool,
    /// The sender was told that it will not be sent.
    pub(crate) failed: Option<Error>,
    /// To whom it was shown, perhaps before that was restored from a backup.
    pub(crate) shown: BTreeSet<usize>,
    /// The states of the group that it was sealed in.
    pub(crate) sealed_in: BTreeSet<StateId>,
    /// Who has to be shown it, now that the relay has taken it.
    owed: BTreeMap<usize, Debt>,
}

/// How a reader is owed a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Debt {
    Whole,
    /// The sender is no member any more, or one of both runs on an older copy: a word that it cannot be read will do.
    Word,
}

/// What an application has been shown. It is part of its backups.
#[derive(Clone, Default)]
pub(crate) struct Shown {
    /// The highest number of an event.
    pub(crate) last_event: u64,
    /// The messages of each sender to each target, in the order in which they were shown.
    pub(crate) letters: BTreeMap<(usize, To), Vec<usize>>,
    /// Those that it was shown in the word of another member.
    pub(crate) of_the_past: BTreeSet<usize>,
}

/// Bytes of the shortest text.
const TEXT_LEN: usize = 32;
/// Every so many messages one has an attachment.
const ATTACHMENTS: usize = 8;

/// What is about to be said.
pub(crate) struct Draft {
    from: usize,
    to: To,
    pub(crate) content_type: ContentType,
    pub(crate) payload: Vec<u8>,
}

/// What an application is shown: the id of a message, what its payload is, and the payload.
pub(crate) type Said<'a> = (&'a MessageId, ContentType, &'a [u8]);

impl Ledger {
    /// Of people who pad what they send like this.
    pub(crate) fn new(padding: Padding) -> Self {
        Self { padding, ..Self::default() }
    }

    /// The next message says who wrote it to whom, and its number. No other of the sender to the group is as long, so that
    /// a sealed one tells its number too.
    pub(crate) fn draft(&mut self, from: usize, to: To) -> Draft {
        let number = self.letters.len();
        let mut payload = heading(number, from, to).into_bytes();
        let content_type = if number % ATTACHMENTS == 5 { ContentType::Binary } else { ContentType::Text };
        if content_type == ContentType::Binary {
            payload.extend(self.attachments.store(number));
        }
        payload.resize(payload.len().max(TEXT_LEN), b'.');
        while self.number_at(from, to, payload.len()).is_some() {
            payload.push(b'.');
        }
        Draft { from, to, content_type, payload }
    }

    fn number_at(&self, from: usize, to: To, payload_len: usize) -> Option<usize> {
        let To::Circle(circle) = to else { return None };
        self.number_of(from, circle, content_len(DATA_TYPE_LEN + payload_len, self.padding))
    }

    /// The number of a message of somebody to a group whose content is so long.
    pub(crate) fn number_of(&self, from: usize, circle: usize, content_len: usize) -> Option<usize> {
        self.lengths.get(&(from, circle, content_len)).copied()
    }

    /// Somebody writes.
    pub(crate) fn write(&mut self, draft: Draft, author: usize, id: MessageId) -> usize {
        let Draft { from, to, content_type, payload } = draft;
        let number = self.letters.len();
        if let To::Circle(circle) = to {
            let length = content_len(DATA_TYPE_LEN + payload.len(), self.padding);
            self.lengths.insert((from, circle, length), number);
        }
        self.letters.push(Letter {
            from,
            author,
            to,
            id,
            content_type,
            payload,
            is_certain: false,
            is_sent: false,
            failed: None,
            shown: BTreeSet::new(),
            sealed_in: BTreeSet::new(),
            owed: BTreeMap::new(),
        });
        number
    }

    /// A message is opened by somebody. It must be one that was written by this sender. Answers its number.
    pub(crate) fn open(&self, from: usize, to: To, (id, content_type, payload): Said<'_>) -> usize {
        let number = payload.split(|byte| *byte == b' ').next().unwrap();
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<usize>().ok());
        let number = number.expect("nobody has written this");
        let letter = &self.letters[number];
        assert!(*payload == *letter.payload, "nobody has written this");
        assert_eq!(content_type, letter.content_type, "message {number} is something else");
        assert_eq!((letter.from, letter.to), (from, to), "message {number} is shown to another");
        assert_eq!(letter.id, *id, "message {number} has another id");
        if content_type == ContentType::Binary {
            let at = heading(number, from, to).len();
            self.attachments.fetch(number, &payload[at..at + REFERENCE_MAX]);
        }
        number
    }

    /// A message is shown for the first time; and, where `in_order`, after all that its sender has written before.
    pub(crate) fn show(&mut self, shown: &mut Shown, reader: usize, number: usize, in_order: bool) {
        let letter = &mut self.letters[number];
        letter.shown.insert(reader);
        let before = shown.letters.entry((letter.from, letter.to)).or_default();
        assert!(!before.contains(&number), "message {number} is shown twice");
        if in_order {
            assert!(
                before.last().is_none_or(|last| *last < number),
                "message {number} is out of order: {before:?}"
            );
        }
        before.push(number);
    }

    /// The number of a message by its id.
    pub(crate) fn find(&self, from: usize, id: &MessageId) -> usize {
        let is_it = |letter: &Letter| letter.from == from && letter.id == *id;
        self.letters.iter().position(is_it).expect("nobody has written this")
    }

    /// The relay has taken a message for these readers.
    pub(crate) fn owe(&mut self, number: usize, readers: impl IntoIterator<Item = usize>) {
        let letter = &mut self.letters[number];
        for reader in readers {
            let debt = if self.restored.contains(&reader) { Debt::Word } else { Debt::Whole };
            letter.owed.entry(reader).or_insert(debt);
        }
    }

    /// Somebody is no member of a group any more: what was not shown may never be, and what was not read of it may stay
    /// so.
    pub(crate) fn depart(&mut self, who: usize, circle: usize) {
        for letter in self.letters.iter_mut().filter(|letter| letter.to == To::Circle(circle)) {
            letter.owed.remove(&who);
            if letter.from == who {
                letter.owed.values_mut().for_each(|debt| *debt = Debt::Word);
            }
        }
    }

    /// A reader is told that messages cannot be read.
    pub(crate) fn note_unreadable(&mut self, reader: usize, from: usize, circle: usize, count: usize) {
        *self.unreadable.entry((reader, from, circle)).or_default() += count;
    }

    /// A reader is told that somebody writes to a group no more, whether that is so for all or not.
    pub(crate) fn part(&mut self, reader: usize, from: usize, circle: usize) {
        self.parted.insert((reader, from, circle));
    }

    /// The store of somebody is as it was when so many messages had been written: it may know nothing of later ones,
    /// and nothing of what it had taken.
    pub(crate) fn forget(&mut self, who: usize, since: usize) {
        for (number, letter) in self.letters.iter_mut().enumerate() {
            letter.owed.remove(&who);
            if letter.from == who {
                letter.owed.values_mut().for_each(|debt| *debt = Debt::Word);
                letter.is_certain &= number < since;
            }
        }
        self.restored.insert(who);
    }

    /// Somebody begins anew: nothing of what it was or had counts, nor what was on its way to it.
    pub(crate) fn lose(&mut self, who: usize) {
        self.forget(who, 0);
        let was_for_it = |letter: &&mut Letter| letter.to == To::One(who) && !letter.shown.contains(&who);
        self.letters.iter_mut().filter(was_for_it).for_each(|letter| letter.is_certain = false);
    }

    /// A reader will have nothing of what has come under an identity of somebody.
    pub(crate) fn refuse(&mut self, reader: usize, from: usize) {
        let is_refused = |letter: &&mut Letter| {
            (letter.from, letter.to) == (from, To::One(reader)) && !letter.shown.contains(&reader)
        };
        self.letters.iter_mut().filter(is_refused).for_each(|letter| letter.is_certain = false);
    }

    /// Somebody may lose what was sent in groups, by the doing of a member, and has to be told.
    pub(crate) fn bear_with(&mut self, who: usize) {
        self.restored.insert(who);
    }

    /// Whoever was restored has had the time to ask for every key.
    pub(crate) fn all_recovered(&mut self) {
        self.restored.clear();
    }

    /// What somebody was not shown who has to be, of the messages from this number on.
    pub(crate) fn missing(&self, since: usize) -> Vec<String> {
        let mut missing = Vec::new();
        for (number, letter) in self.open_letters().skip_while(|(number, _)| *number < since) {
            match letter.to {
                To::One(reader) if !letter.shown.contains(&reader) => {
                    missing.push(format!("message {number} is missing"));
                }
                To::One(_) => {}
                To::Circle(_) if !letter.is_sent => missing.push(format!("message {number} is not sent")),
                To::Circle(_) => {
                    let lacks = |(reader, debt): &(&usize, &Debt)| {
                        **debt == Debt::Whole
                            && !letter.shown.contains(reader)
                            && !self.is_astray(**reader, letter.to)
                    };
                    missing.extend(
                        letter
                            .owed
                            .iter()
                            .filter(lacks)
                            .map(|(reader, _)| format!("p{reader} misses {number}")),
                    );
                }
            }
        }
        missing
    }

    /// What a reader was neither shown nor told about, but for those who were told that a group is forked, or has gone on
    /// without them, or without the sender: each history may have sent them away for a while.
    pub(crate) fn unexplained(&self, told: &BTreeSet<(usize, usize)>) -> Vec<String> {
        let mut lost: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
        for (number, letter) in self.open_letters() {
            let To::Circle(circle) = letter.to else { continue };
            for reader in letter.owed.keys().filter(|reader| !letter.shown.contains(reader)) {
                lost.entry((*reader, letter.from, circle)).or_default().push(number);
            }
        }
        lost.retain(|place, _| !told.contains(&(place.0, place.2)) && !self.parted.contains(place));
        lost.retain(|place, numbers| numbers.len() > self.unreadable.get(place).copied().unwrap_or(0));
        let tell = |((reader, from, circle), numbers)| {
            format!("p{reader} knows nothing of {numbers:?} of p{from} in g{circle}")
        };
        lost.into_iter().map(tell).collect()
    }

    fn is_astray(&self, who: usize, to: To) -> bool {
        matches!(to, To::Circle(circle) if self.astray.contains(&(who, circle)))
    }

    /// What was written and did not fail.
    fn open_letters(&self) -> impl Iterator<Item = (usize, &Letter)> {
        let is_open = |(_, letter): &(usize, &Letter)| {
            letter.is_certain && letter.failed.is_none() && !self.is_astray(letter.from, letter.to)
        };
        self.letters.iter().enumerate().filter(is_open)
    }

    /// Whether everybody was shown a message who is owed it.
    pub(crate) fn is_everywhere(&self, number: usize) -> bool {
        let letter = &self.letters[number];
        let is_lost = |reader: &usize| !letter.shown.contains(reader) && !self.is_astray(*reader, letter.to);
        match letter.to {
            To::One(reader) => letter.shown.contains(&reader),
            to if self.is_astray(letter.from, to) => true,
            To::Circle(_) => letter.is_sent && !letter.owed.keys().any(is_lost),
        }
    }
}

/// What every message begins with.
fn heading(number: usize, from: usize, to: To) -> String {
    format!("{number} from {from} to {to} ")
}
