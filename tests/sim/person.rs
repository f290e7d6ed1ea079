//! Someone with a client, and an application that remembers what it was shown.

use sealwax::client::{Client, ClientOptions};
use sealwax::error::Error;
use sealwax::identity::{Fingerprint, IdentityOptions};
use sealwax::store::Store;

use crate::common::ScriptedRandom;
use crate::common::disk::Disk;
use crate::ledger::Shown;

const KEY: [u8; 32] = [7; 32];
/// Ticks of a busy client in a minute.
const TICKS_MAX: u32 = 1_000;

/// Someone.
pub(crate) struct Person {
    pub(crate) name: String,
    seed: u64,
    options: ClientOptions,
    disk: Disk,
    pub(crate) client: Option<Client>,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What it signs with.
    pub(crate) key: [u8; 65],
    /// How often it has begun anew.
    pub(crate) selves: usize,
    openings: usize,
    pub(crate) shown: Shown,
    /// Messages that may not be in the store yet.
    pub(crate) unsettled: Vec<usize>,
    /// Whether the application looks at events.
    pub(crate) listens: bool,
    /// Whether it confirms what it was shown.
    pub(crate) confirms: bool,
    /// The connection as the client sees it.
    pub(crate) connection: Option<u64>,
    /// When the next tick is due, if one is.
    pub(crate) tick_ms: Option<u64>,
    /// The relay has delivered something to it.
    pub(crate) was_given: bool,
    /// Ticks within a minute: since when they are counted, and how many there were.
    ticks: (u64, u32),
    pub(crate) backup: Option<Backup>,
    /// How often an older copy took the place of the store.
    pub(crate) restorations: usize,
}

/// A copy of everything that someone has.
pub(crate) struct Backup {
    disk: Disk,
    shown: Shown,
    /// How many messages had been written by anybody.
    pub(crate) letters: usize,
}

impl Person {
    pub(crate) fn new(name: String, seed: u64, options: &ClientOptions) -> Self {
        Self {
            name,
            seed,
            options: options.clone(),
            disk: Disk::default(),
            client: None,
            fingerprint: None,
            key: [0; 65],
            selves: 0,
            openings: 0,
            shown: Shown::default(),
            unsettled: Vec::new(),
            listens: true,
            confirms: true,
            connection: None,
            tick_ms: None,
            was_given: false,
            ticks: (0, 0),
            backup: None,
            restorations: 0,
        }
    }

    /// Randomness that no other opening draws.
    fn rng(&mut self, what: &str) -> Box<ScriptedRandom> {
        self.openings += 1;
        Box::new(ScriptedRandom::new(&format!("{} {} {} {what}", self.seed, self.name, self.openings)))
    }

    fn store(&mut self) -> Result<Store, Error> {
        let mut rng = self.rng("store");
        Store::open_on(self.disk.medium(), &KEY, &mut *rng)
    }

    pub(crate) fn create(&mut self, now_ms: u64) -> Result<(), Error> {
        let store = self.store()?;
        let (rng, options) = (self.rng("client"), self.options.clone());
        let client = Client::create(store, &self.name, IdentityOptions::default(), options, rng, now_ms);
        let client = client?;
        self.fingerprint = Some(client.card().fingerprint());
        self.key = *client.card().sign_key().as_bytes();
        self.client = Some(client);
        Ok(())
    }

    pub(crate) fn open(&mut self, now_ms: u64) -> Result<(), Error> {
        let store = self.store()?;
        let (rng, options) = (self.rng("client"), self.options.clone());
        self.client = Some(Client::open(store, options, rng, now_ms)?);
        Ok(())
    }

    /// A tick is due, which must not be so all the time: its host would do nothing else.
    pub(crate) fn count_tick(&mut self, now_ms: u64) {
        if now_ms >= self.ticks.0 + 60_000 {
            self.ticks = (now_ms, 0);
        }
        self.ticks.1 += 1;
        assert!(self.ticks.1 < TICKS_MAX, "{} is due without end", self.name);
    }

    /// The process is gone.
    pub(crate) fn die(&mut self) {
        self.client = None;
        self.connection = None;
        self.tick_ms = None;
        self.unsettled.clear();
    }

    /// The process dies at a commit from now on.
    pub(crate) fn doom(&self, commit: usize, death: crate::common::disk::Death) {
        self.disk.die_at(commit, death);
    }

    /// It lives on.
    pub(crate) fn undoom(&self) {
        self.disk.spare();
    }

    pub(crate) fn take_backup(&mut self, letters: usize) {
        self.backup = Some(Backup { disk: self.disk.backup(), shown: self.shown.clone(), letters });
    }

    /// The process is gone, and everything is as in the backup. Answers how many messages there were then.
    pub(crate) fn restore(&mut self) -> Option<usize> {
        let backup = self.backup.as_ref()?;
        self.disk = backup.disk.backup();
        self.shown = backup.shown.clone();
        let letters = backup.letters;
        self.restorations += 1;
        self.die();
        Some(letters)
    }

    /// Everything is lost, and another identity begins.
    pub(crate) fn begin_anew(&mut self, now_ms: u64) -> Result<(), Error> {
        self.die();
        (self.disk, self.backup) = (Disk::default(), None);
        (self.shown, self.was_given) = (Shown::default(), false);
        self.selves += 1;
        self.restorations += 1;
        self.create(now_ms)
    }

    /// The identity, which stays the same unless it begins anew.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.unwrap()
    }

    /// Everything that the client has stored.
    pub(crate) fn disk_now(&self) -> Disk {
        self.disk.backup()
    }

    /// A client on a copy of something that was stored.
    pub(crate) fn copy_on(&mut self, disk: &Disk, now_ms: u64) -> Client {
        let (mut store_rng, rng) = (self.rng("copied store"), self.rng("copy"));
        let store = Store::open_on(disk.backup().medium(), &KEY, &mut *store_rng).unwrap();
        Client::open(store, self.options.clone(), rng, now_ms).unwrap()
    }

    /// Whether the client has been welcomed.
    pub(crate) fn is_up(&self) -> bool {
        self.client.as_ref().is_some_and(|client| client.info().contains("\"connected\":true"))
    }

    /// All that a client may do of itself, unless something is due by time.
    pub(crate) fn standing(&mut self, now_ms: u64) -> Option<([u64; 4], usize)> {
        let pending = self.client.as_mut()?.pending().ok()?;
        let is_due = pending.due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        let counts = ["commit", "outbox", "requests", "dropped"].map(|key| self.count(key));
        (!is_due).then_some((counts, pending.frames))
    }

    /// A number of the client's info.
    pub(crate) fn count(&self, key: &str) -> u64 {
        let info = self.client.as_ref().map(Client::info).unwrap_or_default();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        info[key].as_u64().unwrap()
    }
}
