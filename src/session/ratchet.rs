//! The double ratchet of one inner session (`docs/PROTOCOL.md` section 5.3).
//!
//! Opening is in two halves: [`Ratchet::open`] derives what a message needs beside the state, and
//! [`Ratchet::commit`] moves it in once the message has been authenticated. Sending likewise: a [`Turn`] is begun
//! beside the state and committed with the first message under it.

use crate::crypto::Secret;
use crate::crypto::ecc::{AgreePrivate, AgreePublic, PUBLIC_LEN};
use crate::crypto::kdf::{self, Label};
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::limits::{SESSION_PAST_RATCHETS, SESSION_SKIP_MAX};
use crate::session::chain::{Chain, Skipped, Step};
use crate::session::header::{Found, Header, HeaderKeys};
use crate::session::skipped::SkippedKeys;

/// The state of 5.3. The own pair exists exactly as long as the sending chain, so it is part of it.
pub(super) struct Ratchet {
    pub(super) root: Secret<32>,
    pub(super) remote: AgreePublic,
    pub(super) sending: Option<Sending>,
    pub(super) receiving: Option<Chain>,
    pub(super) previous_count: u32,
    /// Present with hidden headers alone.
    pub(super) headers: Option<HeaderKeys>,
    pub(super) skipped: SkippedKeys,
    pub(super) past: PastRatchets,
}

/// Our half of a turn.
pub(super) struct Sending {
    pub(super) own: AgreePrivate,
    pub(super) chain: Chain,
    /// Counters that loaded leases skipped since the last message.
    pub(super) passed: u32,
}

impl Sending {
    fn new(own: AgreePrivate, chain: Secret<32>) -> Self {
        Self { own, chain: Chain::new(chain, 0), passed: 0 }
    }

    fn can_be_followed(&self) -> bool {
        self.passed <= SESSION_SKIP_MAX
    }

    /// How many messages the peer is told that the chain had. Skipped counters at its end may have been used, unless
    /// they are so many that nothing more was sent.
    fn count(&self) -> u32 {
        let count = self.chain.counter();
        if self.can_be_followed() { count } else { count.saturating_sub(self.passed) }
    }
}

/// A sending half-step that the state has not taken.
pub(super) struct Turn {
    root: Secret<32>,
    pub(super) sending: Sending,
    next_header: Secret<32>,
}

/// What opening one message would change, and its key.
pub(super) struct Advance {
    /// Of the message's chain, or with its key alone.
    step: Step,
    counter: u32,
    change: Change,
}

impl Advance {
    /// What the message is sealed with.
    pub(super) fn key(&self) -> &Secret<32> {
        self.step.key()
    }
}

enum Change {
    /// A stored key is used up, of the chain at this place.
    Stored(usize),
    /// The receiving chain moves on.
    Chain { skipped: Vec<Skipped> },
    /// The peer began a turn.
    Turn { half: Box<ReceivingHalf>, closing: Vec<Skipped>, skipped: Vec<Skipped> },
}

/// A receiving half-step.
struct ReceivingHalf {
    root: Secret<32>,
    remote: AgreePublic,
    chain: Chain,
    next_header: Secret<32>,
}

/// One root step.
struct RootStep {
    root: Secret<32>,
    chain: Secret<32>,
    next_header: Secret<32>,
}

impl RootStep {
    fn new(root: &Secret<32>, shared: &Secret<32>) -> Self {
        let mut out = Secret::<96>::zeroed();
        kdf::extract_expand(root.as_bytes(), &[shared.as_bytes()], Label::Ratchet, b"", out.as_mut_bytes());
        Self { root: out.part::<0, 32>(), chain: out.part::<32, 32>(), next_header: out.part::<64, 32>() }
    }
}

impl Ratchet {
    /// The initiator's: one root step gives the sending chain. `header_keys` are those of A and of B, if hidden.
    pub(super) fn initiator(
        root: &Secret<32>,
        own: AgreePrivate,
        remote: AgreePublic,
        header_keys: Option<(Secret<32>, Secret<32>)>,
    ) -> Result<Self> {
        let step = RootStep::new(root, &own.agree(&remote)?);
        Ok(Self {
            root: step.root,
            remote,
            sending: Some(Sending::new(own, step.chain)),
            receiving: None,
            previous_count: 0,
            headers: header_keys.map(|(a, b)| HeaderKeys {
                sending: Some(a),
                next_sending: step.next_header,
                receiving: None,
                next_receiving: b,
            }),
            skipped: SkippedKeys::default(),
            past: PastRatchets::default(),
        })
    }

    /// The responder's, just after the first receiving half-step: `shared` is the agreement of the prekey with the
    /// initiator's ratchet key, so the prekey itself never enters the state.
    pub(super) fn responder(
        root: &Secret<32>,
        shared: &Secret<32>,
        remote: AgreePublic,
        header_keys: Option<(Secret<32>, Secret<32>)>,
    ) -> Self {
        let step = RootStep::new(root, shared);
        Self {
            root: step.root,
            remote,
            sending: None,
            receiving: Some(Chain::new(step.chain, 0)),
            previous_count: 0,
            headers: header_keys.map(|(a, b)| HeaderKeys {
                sending: None,
                next_sending: b,
                receiving: Some(a),
                next_receiving: step.next_header,
            }),
            skipped: SkippedKeys::default(),
            past: PastRatchets::default(),
        }
    }

    /// Finds the key of the message with this header and what opening it would change (5.6, step 5). Every limit is
    /// checked before anything is derived. `step` is an empty place.
    pub(super) fn open(&self, header: &Header, found: Found, mut step: Step) -> Result<Advance> {
        let Header { ratchet_key, counter, .. } = header;
        let change = if found != Found::Next
            && let Some((at, key)) = self.skipped.find(ratchet_key, *counter)
        {
            step.hold(key);
            Change::Stored(at)
        } else {
            self.open_new(header, found, &mut step)?
        };
        Ok(Advance { step, counter: *counter, change })
    }

    fn open_new(&self, header: &Header, found: Found, step: &mut Step) -> Result<Change> {
        let Header { ratchet_key, counter, .. } = header;
        let current = ratchet_key == self.remote.as_bytes();
        match (&self.receiving, found) {
            (_, Found::Stored) => Err(Error::Replay),
            (Some(chain), Found::Plain | Found::Receiving) if current => open_current(chain, *counter, step),
            (_, Found::Plain) if self.is_past(ratchet_key) => Err(Error::Replay),
            (_, Found::Plain | Found::Next) if !current && !self.is_past(ratchet_key) => {
                self.open_turn(header, step)
            }
            _ => Err(Error::AuthenticationFailed),
        }
    }

    fn is_past(&self, ratchet_key: &[u8; PUBLIC_LEN]) -> bool {
        self.past.contains(ratchet_key) || self.skipped.has_chain(ratchet_key)
    }

    fn open_turn(&self, header: &Header, step: &mut Step) -> Result<Change> {
        let Header { ratchet_key, previous_count, counter } = header;
        let received = self.receiving.as_ref().map_or(0, Chain::counter);
        if previous_count.saturating_sub(received) > SESSION_SKIP_MAX {
            return Err(Error::TooFarAhead);
        }
        header.check_new_chain()?;
        let Some(Sending { own, .. }) = &self.sending else {
            return Err(Error::AuthenticationFailed);
        };
        let remote = AgreePublic::from_bytes(ratchet_key)?;
        let root_step = RootStep::new(&self.root, &own.agree(&remote)?);
        let closing = match &self.receiving {
            Some(chain) => chain.rest(*previous_count, step)?,
            None => Vec::new(),
        };
        let chain = Chain::new(root_step.chain, 0);
        let skipped = chain.reach(*counter, step)?;
        let RootStep { root, next_header, .. } = root_step;
        let half = ReceivingHalf { root, remote, chain, next_header };
        Ok(Change::Turn { half: Box::new(half), closing, skipped })
    }

    /// Takes what [`Ratchet::open`] derived from this very state. Every key that goes is erased. Answers the empty
    /// place of the step.
    pub(super) fn commit(&mut self, advance: Advance) -> Step {
        let Advance { mut step, counter, change } = advance;
        match change {
            Change::Stored(at) => self.skipped.erase(at, counter),
            Change::Chain { skipped } => {
                self.store(skipped);
                if let Some(chain) = &mut self.receiving {
                    chain.advance_past(counter, &mut step);
                }
            }
            Change::Turn { half, closing, skipped } => {
                self.store(closing);
                let mut half = *half;
                half.chain.advance_past(counter, &mut step);
                if self.receiving.is_some() {
                    self.past.remember(self.remote.as_bytes());
                }
                self.previous_count = self.sending.take().map_or(0, |sending| sending.count());
                self.root = half.root;
                self.remote = half.remote;
                self.receiving = Some(half.chain);
                if let Some(headers) = &mut self.headers {
                    headers.turn_receiving(half.next_header);
                }
                self.store(skipped);
            }
        }
        step.wipe();
        step
    }

    fn store(&mut self, keys: Vec<Skipped>) {
        let header_key = self.headers.as_ref().and_then(|headers| headers.receiving.as_ref());
        self.skipped.store(self.remote.as_bytes(), header_key, keys);
    }

    /// The sending half-step that the next message needs: none within a turn.
    pub(super) fn begin_turn(&self, rng: &mut dyn Random) -> Result<Option<Turn>> {
        if self.sending.is_some() {
            return Ok(None);
        }
        let own = AgreePrivate::generate(rng)?;
        let step = RootStep::new(&self.root, &own.agree(&self.remote)?);
        let sending = Sending::new(own, step.chain);
        Ok(Some(Turn { root: step.root, sending, next_header: step.next_header }))
    }

    /// Takes a message that was sealed with the next step of the sending chain, and the half-step before it, if it
    /// needed one. Both were made from this very state.
    pub(super) fn commit_sent(&mut self, turn: Option<Turn>, step: &mut Step) {
        if let Some(turn) = turn {
            self.root = turn.root;
            self.sending = Some(turn.sending);
            if let Some(headers) = &mut self.headers {
                headers.turn_sending(turn.next_header);
            }
        }
        if let Some(sending) = &mut self.sending {
            sending.chain.advance(step);
            sending.passed = 0;
        }
    }

    /// Steps over `count` messages of the sending chain, which may have been sent already.
    pub(super) fn pass_sending(&mut self, count: u32) -> Result<()> {
        if let Some(sending) = &mut self.sending {
            sending.chain.pass(count)?;
            sending.passed = sending.passed.saturating_add(count);
        }
        Ok(())
    }

    /// Whether the peer can still follow the sending chain.
    pub(super) fn can_be_followed(&self) -> bool {
        self.sending.as_ref().is_none_or(Sending::can_be_followed)
    }
}

/// A message of the receiving chain.
fn open_current(chain: &Chain, counter: u32, step: &mut Step) -> Result<Change> {
    let ahead = counter.checked_sub(chain.counter()).ok_or(Error::Replay)?;
    if ahead > SESSION_SKIP_MAX {
        return Err(Error::TooFarAhead);
    }
    Ok(Change::Chain { skipped: chain.reach(counter, step)? })
}

/// The peer's last ratchet keys, to tell a replay from a forgery: eight bytes of each are enough for a hint.
#[derive(Default)]
pub(super) struct PastRatchets(pub(super) Vec<[u8; 8]>);

impl PastRatchets {
    fn tag(ratchet_key: &[u8; PUBLIC_LEN]) -> [u8; 8] {
        let [_, a, b, c, d, e, f, g, h, ..] = *ratchet_key;
        [a, b, c, d, e, f, g, h]
    }

    fn contains(&self, ratchet_key: &[u8; PUBLIC_LEN]) -> bool {
        self.0.contains(&Self::tag(ratchet_key))
    }

    fn remember(&mut self, ratchet_key: &[u8; PUBLIC_LEN]) {
        if self.0.len() >= SESSION_PAST_RATCHETS {
            self.0.remove(0);
        }
        self.0.push(Self::tag(ratchet_key));
    }
}
