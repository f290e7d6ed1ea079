//! The entries of one history, as the bytes that were signed.

/// A run of entries and their hashes, from some epoch on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    first: u64,
    bytes: Vec<u8>,
    entries: Vec<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    hash: [u8; 32],
    /// Where in `bytes` the entry ends.
    end: usize,
}

impl Log {
    /// No entries yet; the first one will be that of epoch `first`.
    pub(super) const fn new(first: u64) -> Self {
        Self { first, bytes: Vec::new(), entries: Vec::new() }
    }

    /// Appends an entry.
    pub(super) fn push(&mut self, entry: &[u8], hash: [u8; 32]) {
        self.bytes.extend_from_slice(entry);
        self.entries.push(Held { hash, end: self.bytes.len() });
    }

    /// Appends the entries that follow.
    pub(super) fn append(&mut self, next: &Self) {
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&next.bytes);
        self.entries.extend(next.entries.iter().map(|held| Held { hash: held.hash, end: shift + held.end }));
    }

    /// Cuts off the entries from `epoch` on, and gives them.
    pub(super) fn split_off(&mut self, epoch: u64) -> Self {
        let at = self.start(epoch);
        let mut rest = Self::new(epoch);
        rest.bytes = self.bytes.split_off(at.min(self.bytes.len()));
        let count = self.index(epoch).min(self.entries.len());
        rest.entries = self.entries.split_off(count);
        for held in &mut rest.entries {
            held.end -= at;
        }
        rest
    }

    /// The hash of the entry of `epoch`.
    pub(super) fn hash_at(&self, epoch: u64) -> Option<&[u8; 32]> {
        if epoch < self.first {
            return None;
        }
        self.entries.get(self.index(epoch)).map(|held| &held.hash)
    }

    /// The hashes in order.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.entries.iter().map(|held| &held.hash)
    }

    /// The entries in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.entries.iter().filter_map(move |held| {
            let entry = self.bytes.get(start..held.end);
            start = held.end;
            entry
        })
    }

    /// The bytes of all entries from `epoch` on.
    pub(super) fn from(&self, epoch: u64) -> &[u8] {
        self.bytes.get(self.start(epoch)..).unwrap_or_default()
    }

    /// Bytes of all entries.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn index(&self, epoch: u64) -> usize {
        usize::try_from(epoch.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    /// Where the entry of `epoch` starts; where the last one ends if there is none.
    fn start(&self, epoch: u64) -> usize {
        match self.index(epoch) {
            0 => 0,
            index => self.entries.get(index - 1).map_or(self.bytes.len(), |before| before.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        let mut log = Log::new(5);
        for (entry, mark) in [(&b"five"[..], 5), (b"six", 6), (b"seven", 7)] {
            log.push(entry, [mark; 32]);
        }
        log
    }

    #[test]
    fn entries_are_found_by_epoch() {
        let log = log();
        assert_eq!(log.hash_at(4), None);
        assert_eq!(log.hash_at(5), Some(&[5; 32]));
        assert_eq!(log.hash_at(7), Some(&[7; 32]));
        assert_eq!(log.hash_at(8), None);
        assert_eq!(log.hash_at(u64::MAX), None);
        for (epoch, rest) in
            [(0, "fivesixseven"), (5, "fivesixseven"), (6, "sixseven"), (7, "seven"), (8, ""), (u64::MAX, "")]
        {
            assert_eq!(log.from(epoch), rest.as_bytes(), "{epoch}");
        }
        assert_eq!(log.entries().collect::<Vec<_>>(), [&b"five"[..], b"six", b"seven"]);
    }

    #[test]
    fn what_was_split_off_appends_to_the_same_log() {
        for epoch in 5..=9 {
            let mut front = log();
            let back = front.split_off(epoch);
            assert_eq!(back.hash_at(epoch), log().hash_at(epoch));
            assert_eq!(back.entries().count(), 8usize.saturating_sub(usize::try_from(epoch).unwrap()));
            front.append(&back);
            assert_eq!(front, log());
        }
    }
}
