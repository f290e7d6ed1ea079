//! Every message that was ever written, and what may be shown of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealwax::client::MessageId;
use sealwax::error::Error;

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
    /// By reader, sender and group: how many messages the reader was told not to be able to read.
    unreadable: BTreeMap<(usize, usize, usize), usize>,
    /// Who runs on an older copy, and lacks keys that it was given once, or has to do with a cheat.
    restored: BTreeSet<usize>,
    /// Who holds another history of which group than the relay, and neither reads nor is read there.
    pub(crate) astray: BTreeSet<(usize, usize)>,
}

/// One message.
pub(crate) struct Letter {
    pub(crate) from: usize,
    pub(crate) to: To,
    pub(crate) id: MessageId,
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
}

/// Bytes of the shortest text.
const TEXT_LEN: usize = 32;

impl Ledger {
    /// What a message says: who wrote it to whom, and its number. No other is as long, so that a sealed one tells its
    /// number too.
    pub(crate) fn text(number: usize, from: usize, to: To) -> String {
        format!("{:.<1$}", format!("{number} from {from} to {to} "), TEXT_LEN + number)
    }

    /// The number of a message with a payload of that length.
    pub(crate) const fn number_of(payload_len: usize) -> Option<usize> {
        payload_len.checked_sub(TEXT_LEN)
    }

    /// Somebody writes.
    pub(crate) fn write(&mut self, from: usize, to: To, id: MessageId) -> usize {
        self.letters.push(Letter {
            from,
            to,
            id,
            is_certain: false,
            is_sent: false,
            failed: None,
            shown: BTreeSet::new(),
            sealed_in: BTreeSet::new(),
            owed: BTreeMap::new(),
        });
        self.letters.len() - 1
    }

    /// A message is opened by somebody. It must be one that was written by this sender. Answers its number.
    pub(crate) fn open(&self, from: usize, to: To, id: &MessageId, text: &[u8]) -> usize {
        let text = std::str::from_utf8(text).expect("nobody has written this");
        let number: usize = text.split(' ').next().unwrap().parse().expect("nobody has written this");
        let letter = &self.letters[number];
        assert_eq!(text, Self::text(number, letter.from, letter.to), "nobody has written this");
        assert_eq!((letter.from, letter.to), (from, to), "message {number} is shown to another");
        assert_eq!(letter.id, *id, "message {number} has another id");
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

    /// What a reader was neither shown nor told about, but for those who were told that a group is forked: each history
    /// may have sent them away for a while.
    pub(crate) fn unexplained(&self, forked: &BTreeSet<(usize, usize)>) -> Vec<String> {
        let mut lost: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
        for (number, letter) in self.open_letters() {
            let To::Circle(circle) = letter.to else { continue };
            for reader in letter.owed.keys().filter(|reader| !letter.shown.contains(reader)) {
                lost.entry((*reader, letter.from, circle)).or_default().push(number);
            }
        }
        lost.retain(|(reader, _, circle), _| !forked.contains(&(*reader, *circle)));
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
