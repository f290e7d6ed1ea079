//! Every message that was ever written, and what may be shown of it.

use std::collections::BTreeMap;

use sealwax::client::MessageId;
use sealwax::error::Error;

/// All messages of a run, by their number.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) letters: Vec<Letter>,
}

/// One message.
pub(crate) struct Letter {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) id: MessageId,
    /// It is in its sender's store, and no older copy has taken the place of that store.
    pub(crate) is_certain: bool,
    /// It was shown to whom it was for, perhaps before that was restored from a backup.
    pub(crate) is_shown: bool,
    /// The sender was told that it will not be sent.
    pub(crate) failed: Option<Error>,
}

/// What an application has been shown. It is part of its backups.
#[derive(Clone, Default)]
pub(crate) struct Shown {
    /// The highest number of an event.
    pub(crate) last_event: u64,
    /// The messages of each sender, in the order in which they were shown.
    pub(crate) letters: BTreeMap<usize, Vec<usize>>,
}

impl Ledger {
    /// What a message says: who wrote it to whom, and its number.
    pub(crate) fn text(number: usize, from: usize, to: usize) -> String {
        format!("{number} from {from} to {to}")
    }

    /// Somebody writes.
    pub(crate) fn write(&mut self, from: usize, to: usize, id: MessageId) -> usize {
        let letter = Letter { from, to, id, is_certain: false, is_shown: false, failed: None };
        self.letters.push(letter);
        self.letters.len() - 1
    }

    /// A message is shown. It must be one that was written, by this sender to this reader, and be shown for the first
    /// time; and, where `in_order`, after all that its sender has written before.
    pub(crate) fn show(
        &mut self,
        shown: &mut Shown,
        reader: usize,
        from: usize,
        id: &MessageId,
        text: &[u8],
        in_order: bool,
    ) -> usize {
        let text = std::str::from_utf8(text).expect("nobody has written this");
        let number: usize = text.split(' ').next().unwrap().parse().expect("nobody has written this");
        let letter = &mut self.letters[number];
        assert_eq!(text, Self::text(number, letter.from, letter.to), "nobody has written this");
        assert_eq!((letter.from, letter.to), (from, reader), "message {number} is shown to another");
        assert_eq!(letter.id, *id, "message {number} has another id");
        letter.is_shown = true;
        let before = shown.letters.entry(from).or_default();
        assert!(!before.contains(&number), "message {number} is shown twice");
        if in_order {
            assert!(
                before.last().is_none_or(|last| *last < number),
                "message {number} is out of order: {before:?}"
            );
        }
        before.push(number);
        number
    }

    /// A message will not be sent.
    pub(crate) fn fail(&mut self, from: usize, id: &MessageId, status: Error) -> usize {
        let is_it = |letter: &Letter| letter.from == from && letter.id == *id;
        let number = self.letters.iter().position(is_it).expect("nobody has written what fails");
        self.letters[number].failed = Some(status);
        number
    }

    /// The store of a sender is as it was when so many messages had been written: it may know nothing of later ones.
    pub(crate) fn forget(&mut self, from: usize, since: usize) {
        for letter in self.letters.iter_mut().skip(since).filter(|letter| letter.from == from) {
            letter.is_certain = false;
        }
    }

    /// The messages that nobody was shown, and no reason was given for.
    pub(crate) fn missing(&self) -> Vec<usize> {
        let is_missing = |letter: &Letter| letter.is_certain && !letter.is_shown && letter.failed.is_none();
        (0..self.letters.len()).filter(|number| is_missing(&self.letters[*number])).collect()
    }
}
