//! What a relay that swaps cards can read: what was sealed for the identities that it has made up.

use std::collections::BTreeMap;

use sealwax::identity::{Fingerprint, Identity};
use sealwax::session::{Session, SessionOptions};
use sealwax::wire::session::SessionMessage;

use crate::pins::Pins;
use crate::world::{World, who_is};

/// Identities that a relay has made up, with their prekeys, by whose they pretend to be.
pub(crate) type Impostors = BTreeMap<String, (Identity, Vec<u8>)>;

/// Their sessions, by whose they pretend to be and who has begun them.
#[derive(Default)]
pub(crate) struct Swapped {
    /// Those of a relay that lies no more.
    pub(crate) kept: Impostors,
    sessions: BTreeMap<(String, String), Session>,
}

impl Swapped {
    /// Who has sealed this, and for whom it was meant, if an impostor can read it.
    pub(crate) fn open(
        &mut self,
        impostors: &mut Impostors,
        envelope: &[u8],
        now_ms: u64,
    ) -> Option<(usize, usize, Fingerprint)> {
        let front = SessionMessage::parse(envelope).ok()?.front;
        let (from, whom) = (front.sender.to_string(), front.recipient.to_string());
        let (identity, _) = impostors.get_mut(&whom)?;
        let found = Some((who_is(&from)?, who_is(&whom)?, identity.card().fingerprint()));
        if let Some(session) = self.sessions.get_mut(&(whom.clone(), from.clone()))
            && let Ok(opening) = session.open(Some(identity), envelope, now_ms)
        {
            let consumed = opening.needs_identity().then_some(identity);
            session.commit(consumed, opening).unwrap();
            return found;
        }
        front.handshake.as_ref()?;
        let session = Session::accept(identity, envelope, SessionOptions::default(), now_ms).ok()?;
        self.sessions.insert((whom, from), session);
        found
    }

    /// Nobody seals anything for another identity of somebody whom it knows.
    pub(crate) fn check(
        pins: &Pins,
        who: usize,
        whom: usize,
        impostor: &Fingerprint,
        known: Option<&Fingerprint>,
    ) {
        assert!(
            known == Some(impostor) && pins.knows(who, whom).is_none_or(|pinned| pinned == impostor),
            "p{who} seals for a swapped identity of p{whom}, whom it knows"
        );
    }
}

impl World {
    /// An envelope leaves a client, and the relay that swaps cards tries to read it.
    pub(crate) fn watch_swapped(&mut self, envelope: &[u8]) {
        let mut kept = std::mem::take(&mut self.swapped.kept);
        let impostors = self.cheat.as_mut().map_or(&mut kept, |cheat| &mut cheat.impostors);
        let found = self.swapped.open(impostors, envelope, self.now_ms);
        self.swapped.kept = kept;
        let Some((who, whom, impostor)) = found else { return };
        self.did("seal for a swapped identity, knowing no other");
        self.note(format_args!("p{who} seals for a swapped identity of p{whom}"));
        let name = self.people[whom].name.clone();
        let Some(client) = &mut self.people[who].client else { return };
        // A client that has died of its store answers nothing.
        let Ok(card) = client.peer_card(&name) else { return };
        let known = card.map(|card| card.fingerprint());
        Swapped::check(&self.pins, who, whom, &impostor, known.as_ref());
    }

    /// What a relay says of who is there changes nothing but what is told of it.
    pub(crate) fn take_presence(&mut self, who: usize, frame: &[u8]) {
        let now_ms = self.now_ms;
        // Whatever is to be done at this time is done before.
        self.with(who, |client| client.tick(now_ms));
        let before = self.people[who].standing(now_ms);
        let Some(client) = &mut self.people[who].client else { return };
        let taken = client.receive(frame, now_ms);
        if before.is_some() && taken.is_ok() {
            assert_eq!(self.people[who].standing(now_ms), before, "p{who} acts on who is there");
        }
        self.with(who, |_| taken);
    }
}
