//! What is known of each peer, and what happens when one turns up under another identity (`docs/PROTOCOL.md` section
//! 5.7).

use std::collections::BTreeSet;

use crate::client::Client;
use crate::client::event::{Emitted, Event, MessageId};
use crate::client::inbox::{Parked, Source};
use crate::client::kept::Kept;
use crate::client::options::IdentityChange;
use crate::client::outbox::Target;
use crate::client::records::{self, Value};
use crate::client::repair::{Asking, EVERYTHING};
use crate::client::seen::Seen;
use crate::client::sessions::Line;
use crate::client::timers::ceiling;
use crate::error::{Error, Result};
use crate::identity::{Card, Fingerprint, SafetyNumber, safety_number};
use crate::limits::{CARD_MAX, CLIENT_HELD_MAX, CLIENT_PEERS_MAX, DAY_MS, HOUR_MS};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::envelope::Envelope;
use crate::wire::session::SessionMessage;

/// A peer, with everything of it that is in memory.
#[derive(Default)]
pub(super) struct Peer {
    /// The identity that counts, once there is one.
    pub(super) card: Option<Card>,
    /// Another one under which the user turned up; the application has to decide.
    pub(super) changed: Option<Card>,
    /// The application has written to the peer or accepted its identity.
    pub(super) accepted: bool,
    /// A new handshake is due before anything else is sealed.
    pub(super) renew: bool,
    /// How often the store had been found restored when we last made a handshake.
    pub(super) restorations: u32,
    /// When we last sent contents again because the peer asked, and how many since.
    pub(super) resent: (u64, usize),
    /// When it was last given our keys of all groups that both of us are in, and that it was.
    pub(super) handed_all: (u64, u32),
    /// The next number of an envelope to hold, and how many are held, once they were counted.
    held: Option<(u64, usize)>,
    /// Since when the handshakes that the peer made are counted, and how many there were.
    pub(super) handshakes: (u64, u32),
    /// Since when first messages under another identity are counted that were tried, and how many there were.
    pub(super) tried: (u64, u32),
    /// The inner session in which the peer still sends its handshake, and how many messages of it were opened.
    pub(super) unanswered: ([u8; 8], u32),
    pub(super) asking: Asking,
    /// Ids of inner sessions that the peer has just said not to hold.
    pub(super) lacks: BTreeSet<[u8; 8]>,
    pub(super) line: Option<Line>,
    /// Its messages that the application has read before it accepted the peer.
    pub(super) read: BTreeSet<MessageId>,
    /// Loaded when they are needed.
    pub(super) seen: Option<Seen>,
    pub(super) kept: Option<Kept>,
    /// The relay was asked for its card and prekeys.
    pub(super) looking_up: bool,
    /// When it may be asked again, and how often that has led nowhere.
    pub(super) lookup_after_ms: u64,
    pub(super) lookups: u32,
    /// Grows with each use of any peer.
    used: u64,
}

/// Handshakes in a day that nobody has to remember.
const FEW_HANDSHAKES: u32 = 4;

impl Peer {
    pub(super) fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        for card in [&self.card, &self.changed] {
            value.put_bytes16(card.as_ref().map_or(&[], Card::as_bytes))?;
        }
        records::put_bool(&mut value, self.accepted);
        records::put_bool(&mut value, self.renew);
        value.put_u32(self.restorations);
        Ok(value)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            card: read_card(reader)?,
            changed: read_card(reader)?,
            accepted: records::read_bool(reader)?,
            renew: records::read_bool(reader)?,
            restorations: reader.u32()?,
            ..Self::default()
        })
    }

    /// Whether nothing is in memory alone that matters.
    fn is_idle(&self, now_ms: u64) -> bool {
        let is_over = |since_ms: u64| now_ms.saturating_sub(since_ms) >= HOUR_MS;
        !self.looking_up
            && now_ms >= self.lookup_after_ms
            && is_over(self.resent.0)
            && is_over(self.tried.0)
            && self.asking.is_over(now_ms)
            && (self.handshakes.1 < FEW_HANDSHAKES || now_ms.saturating_sub(self.handshakes.0) >= DAY_MS)
    }

    /// Whether it is worth a record.
    fn is_known(&self) -> bool {
        self.card.is_some() || self.looking_up
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.card.as_ref().map(Card::fingerprint)
    }

    /// No time of it is ahead.
    fn correct_clock(&mut self, now_ms: u64) {
        for at_ms in [
            &mut self.resent.0,
            &mut self.handed_all.0,
            &mut self.handshakes.0,
            &mut self.tried.0,
            &mut self.lookup_after_ms,
        ] {
            *at_ms = now_ms.min(*at_ms);
        }
        self.asking.correct_clock(now_ms);
        if let Some(kept) = &mut self.kept {
            kept.correct_clock(ceiling(now_ms));
        }
        if let Some(line) = &mut self.line {
            line.session.correct_clock(ceiling(now_ms));
        }
    }
}

fn read_card(reader: &mut Reader<'_>) -> Result<Option<Card>> {
    match reader.bytes16(0..=CARD_MAX)? {
        [] => Ok(None),
        card => Card::parse(card).map(Some),
    }
}

/// The cards of a peer that the application has to decide between. As a rule there is nothing to be decided, and a card
/// takes time to read.
fn read_undecided(reader: &mut Reader<'_>) -> Result<Option<(Card, Card)>> {
    let (known, changed) = (reader.bytes16(0..=CARD_MAX)?, reader.bytes16(0..=CARD_MAX)?);
    reader.take(reader.remaining())?;
    if changed.is_empty() { Ok(None) } else { Ok(Some((Card::parse(known)?, Card::parse(changed)?))) }
}

impl Client {
    /// A peer of any name.
    pub(super) fn peer(&mut self, user: &str) -> Result<&mut Peer> {
        if !self.peers.contains_key(user) {
            let mut peer = records::load(&self.store, &records::peer(user), Peer::read)?.unwrap_or_default();
            peer.line = Line::load(&self.store, &self.identity, user, ceiling(self.now_ms))?;
            self.peers.insert(user.into(), peer);
        }
        self.peer_uses = self.peer_uses.saturating_add(1);
        let peer = self.peers.get_mut(user).ok_or(Error::Internal)?;
        peer.used = self.peer_uses;
        Ok(peer)
    }

    /// No time of a peer is ahead: those who are not in memory are corrected when they are read.
    pub(super) fn correct_peers_clock(&mut self) {
        let now_ms = self.now_ms;
        self.peers.values_mut().for_each(|peer| peer.correct_clock(now_ms));
    }

    /// Lets go of peers who were not needed for longest, if they are too many. What is stored of them is as they are.
    pub(super) fn let_peers_go(&mut self) -> Result<()> {
        let excess = self.peers.len().saturating_sub(CLIENT_PEERS_MAX);
        if excess == 0 {
            return Ok(());
        }
        let now_ms = self.now_ms;
        let mut idle: Vec<(u64, Box<str>)> = self
            .peers
            .iter()
            .filter(|(user, peer)| {
                peer.is_idle(now_ms)
                    && !self.journal.concerns(user)
                    && !self.outbox.waits_for(&Target::User((*user).clone()))
            })
            .map(|(user, peer)| (peer.used, user.clone()))
            .collect();
        idle.sort_unstable();
        // Some more, so that not each commit does it.
        for (_, user) in idle.into_iter().take(excess.saturating_add(CLIENT_PEERS_MAX / 8)) {
            if let Some(Peer { line: Some(mut line), .. }) = self.peers.remove(&user)
                && let Some(value) = line.rest()?
            {
                self.journal.put(records::session(&user), value);
            }
        }
        Ok(())
    }

    /// Forgets that anybody asked for a peer of whom nothing is known: names cost nothing.
    pub(super) fn forget_stranger(&mut self, user: &str) {
        let target = Target::User(user.into());
        if self.peers.get(user).is_some_and(|peer| !peer.is_known()) && !self.outbox.waits_for(&target) {
            self.peers.remove(user);
        }
    }

    /// Whether nothing is sent to the peer, and nothing taken from its new identity, until the application decides.
    pub(super) fn is_blocked(&mut self, user: &str) -> Result<bool> {
        let blocks = self.options.identity_change == IdentityChange::Block;
        Ok(blocks && self.peer(user)?.changed.is_some())
    }

    /// The card under which a peer turned up and that the application has not decided on.
    pub fn changed_card(&mut self, user: &str) -> Result<Option<Card>> {
        self.check()?;
        let card = self.peer(user)?.changed.clone();
        self.forget_stranger(user);
        Ok(card)
    }

    /// Tells of every identity that the application has not decided on: it may have confirmed what told of it first, and
    /// forgotten.
    pub(super) fn tell_undecided(&mut self) -> Result<()> {
        if self.options.identity_change != IdentityChange::Block {
            return Ok(());
        }
        for record in self.store.scan(&records::all_peers())? {
            let Some((known, changed)) = records::read(&record?.value, read_undecided)? else { continue };
            let user = known.user();
            let is_told = self.events.iter().any(
                |told| matches!(&told.event, Event::IdentityChanged { user: other, .. } if **other == *user),
            );
            if !is_told {
                let (known, fingerprint) = (known.fingerprint(), changed.fingerprint());
                let event = Event::IdentityChanged { user: user.into(), known, fingerprint, blocked: true };
                self.events.push_back(Emitted { number: 0, again: true, event });
            }
        }
        Ok(())
    }

    /// The card of a peer that counts: the one that was seen first, or accepted.
    pub fn peer_card(&mut self, user: &str) -> Result<Option<Card>> {
        self.check()?;
        let card = self.peer(user)?.card.clone();
        self.forget_stranger(user);
        Ok(card)
    }

    /// What two people compare to know that nobody sits between them. [`Error::UnknownUser`] before anything is known
    /// of the peer.
    pub fn safety_number(&mut self, user: &str) -> Result<SafetyNumber> {
        let card = self.peer_card(user)?.ok_or(Error::UnknownUser)?;
        safety_number(self.identity.card(), &card)
    }

    /// The peer turned up under this card, which is not the one that counts.
    pub(super) fn identity_changed(&mut self, user: &str, card: Card) -> Result<()> {
        let blocked = self.options.identity_change == IdentityChange::Block;
        let fingerprint = card.fingerprint();
        let peer = self.peer(user)?;
        let Some(known) = peer.fingerprint() else { return Err(Error::Internal) };
        if blocked && peer.changed.is_some() {
            // One at a time: otherwise whoever makes up identities could show the application ever new ones.
            return Ok(());
        }
        peer.changed = Some(card);
        self.journal.peer(user);
        self.emit(Event::IdentityChanged { user: user.into(), known, fingerprint, blocked })?;
        if blocked { Ok(()) } else { self.take_identity(user) }
    }

    /// Decides on the identity of a peer, by the fingerprint that was shown: the new one counts from now on, or, with
    /// the known one, the new one is forgotten. What was held is worked on; what waits is sent.
    ///
    /// With the fingerprint of a peer whose identity did not change it says that this one is the right one.
    /// [`Error::UnknownUser`] before anything is known of the peer, [`Error::IdentityChanged`] for another
    /// fingerprint than these.
    pub fn accept_identity(&mut self, user: &str, fingerprint: &Fingerprint, now_ms: u64) -> Result<()> {
        self.advance(now_ms)?;
        let decided = self.decide_identity(user, fingerprint);
        self.forget_stranger(user);
        if decided? { self.tell_of_earlier(user).map_err(|error| self.fail(error)) } else { Ok(()) }
    }

    /// Answers whether the application has not accepted the peer before.
    fn decide_identity(&mut self, user: &str, fingerprint: &Fingerprint) -> Result<bool> {
        let peer = self.peer(user)?;
        let known = peer.fingerprint().ok_or(Error::UnknownUser)?;
        let is_new = !peer.accepted;
        if peer.changed.as_ref().is_some_and(|changed| changed.fingerprint() == *fingerprint) {
            peer.accepted = true;
            return self.take_identity(user).map(|()| is_new).map_err(|error| self.fail(error));
        }
        if known != *fingerprint {
            return Err(Error::IdentityChanged);
        }
        peer.accepted = true;
        if let Some(declined) = peer.changed.take() {
            let released = self.release_held(user, Some(&declined.fingerprint()));
            // What could not be read of the one that counts was not asked for meanwhile.
            released.and_then(|()| self.ask_again(user, &EVERYTHING)).map_err(|error| self.fail(error))?;
        }
        self.journal.peer(user);
        Ok(is_new)
    }

    /// The changed identity counts from now on. What was sealed for the old one and is not answered is sealed anew.
    fn take_identity(&mut self, user: &str) -> Result<()> {
        let peer = self.peer(user)?;
        let Some(card) = peer.changed.take() else { return Ok(()) };
        peer.card = Some(card);
        peer.line = None;
        peer.renew = false;
        self.unseal(user)?;
        self.disown_kept(user)?;
        self.journal.peer(user);
        self.journal.session(user);
        self.identity_taken(user)?;
        if self.options.identity_change == IdentityChange::Block {
            // Of what it sent meanwhile, no more was held than there was room for.
            self.ask_again(user, &EVERYTHING)?;
        }
        self.release_held(user, None)
    }

    /// Holds an envelope under an identity that was not accepted yet.
    pub(super) fn hold(&mut self, user: &str, envelope: &[u8]) -> Result<()> {
        let (next, count) = match self.peer(user)?.held {
            Some(held) => held,
            None => self.count_held(user)?,
        };
        if count >= CLIENT_HELD_MAX {
            self.counters.dropped = self.counters.dropped.saturating_add(1);
            return Ok(());
        }
        self.peer(user)?.held = Some((next.saturating_add(1), count.saturating_add(1)));
        let mut value = records::begin();
        value.put_bytes32(envelope)?;
        self.journal.put(records::held(user, next), value);
        Ok(())
    }

    fn count_held(&self, user: &str) -> Result<(u64, usize)> {
        let (mut next, mut count) = (0, 0_usize);
        for record in self.store.scan(&records::all_held(user))? {
            next = records::number(&record?.name)?.saturating_add(1);
            count = count.saturating_add(1);
        }
        Ok((next, count))
    }

    /// What was held is worked on, in its order and before what came later, but for what an identity sent that was
    /// declined.
    fn release_held(&mut self, user: &str, declined: Option<&Fingerprint>) -> Result<()> {
        self.peer(user)?.held = None;
        let mut held = Vec::new();
        for record in self.store.scan(&records::all_held(user))? {
            held.push(Parked::held(&record?)?);
        }
        for parked in held.into_iter().rev() {
            let is_declined =
                declined.is_some_and(|declined| maker(&parked.payload).as_ref() == Some(declined));
            match parked.source {
                Source::Held(name) if is_declined => self.journal.delete(name),
                _ => self.parked.push_front(parked),
            }
        }
        Ok(())
    }

    /// Goes on with what was released before the store was closed.
    pub(super) fn resume_held(&mut self) -> Result<()> {
        let records = self.store.scan(&records::everything_held())?.collect::<Result<Vec<_>>>()?;
        for record in records {
            let parked = Parked::held(&record)?;
            let sender = match Envelope::parse(&parked.payload) {
                Ok(envelope) => envelope.sender.to_owned(),
                Err(_) => return Err(Error::StoreDamaged),
            };
            if !self.is_blocked(&sender)? {
                self.parked.push_back(parked);
            }
        }
        Ok(())
    }
}

/// The identity that made a first message.
fn maker(envelope: &[u8]) -> Option<Fingerprint> {
    let block = SessionMessage::parse(envelope).ok()?.front.handshake?;
    Card::parse(block.card).ok().map(|card| card.fingerprint())
}
