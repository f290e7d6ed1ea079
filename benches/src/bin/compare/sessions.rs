//! Messages between two.

use std::hint::black_box;

use sealwax_benches::abi::{Identity, Session};
use sealwax_benches::floor::Floor;
use sealwax_benches::pairs::{Side, interleave, timed};
use sealwax_benches::peer::{Offer, OlmPair};
use sealwax_benches::report::{Row, Wanted};
use sealwax_benches::scene::{PLAINTEXT, Pair, ROOM, sealed};
use vodozemac::olm::Account;

use super::{Bench, CONTENT, FEW, MANY, each, repeat};

/// Messages that are prepared for one turn.
const PREPARED: usize = 512;

impl Bench {
    pub(super) fn sessions(&self, rows: &mut Vec<Row>) {
        self.encrypt(rows);
        self.decrypt(rows);
        rows.push(self.ping_pong());
        rows.push(self.set_up());
    }

    /// The floor: one step of the chain, one seal, nonce and message id.
    fn encrypt(&self, rows: &mut Vec<Row>) {
        let (pair, mut peer) = (Pair::new(), OlmPair::new());
        let out = &mut [0; ROOM];
        let aad = pair.ours.encrypt(&PLAINTEXT, out) - CONTENT - 16;
        let (floor, random) = (&self.floor, &mut self.floor.random_source());
        let mut sides = vec![
            repeat("ours", || pair.ours.encrypt(&PLAINTEXT, out)),
            repeat("vodozemac", || peer.ours.encrypt(PLAINTEXT)),
            repeat("floor", || {
                floor.expand::<64>();
                floor.seal(CONTENT, aad);
                random.draw(28);
            }),
        ];
        let libolm = self.libolm_pair();
        sides.extend(libolm.as_ref().map(|libolm| repeat("libolm", || libolm.encrypt())));
        let samples = interleave(MANY, sides);
        let [ours, peer, floor, libolm @ ..] = &samples[..] else { unreachable!("three sides") };
        let row = Row::new("1:1 encrypt, same chain", ours, Wanted::Faster(12.0));
        rows.push(row.peer(ours, peer).libolm(ours, libolm));
        rows.push(Row::new("1:1 encrypt, symmetric work", ours, Wanted::OfFloor(1.5)).floor(ours, floor));
    }

    /// The floor: one step of the chain, one opening, the hash of the envelope that tells duplicates.
    fn decrypt(&self, rows: &mut Vec<Row>) {
        let (pair, mut peer) = (Pair::new(), OlmPair::new());
        let out = &mut [0; ROOM];
        let first = sealed(|out| pair.ours.encrypt(&PLAINTEXT, out));
        let (length, aad) = (first.len(), first.len() - CONTENT - 16);
        let floor = &self.floor;
        let libolm = self.libolm_pair();
        let mut sides = vec![
            Side::new("ours", |count| {
                let envelopes: Vec<_> =
                    (0..count).map(|_| sealed(|out| pair.ours.encrypt(&PLAINTEXT, out))).collect();
                timed(|| each(&envelopes, |envelope| pair.theirs.decrypt(envelope, out)))
            })
            .at_most(PREPARED),
            Side::new("vodozemac", |count| {
                let messages = peer.messages(count);
                timed(|| each(&messages, |message| peer.theirs.decrypt(message).unwrap()))
            })
            .at_most(PREPARED),
            repeat("floor", || {
                floor.expand::<64>();
                floor.seal(CONTENT, aad);
                Floor::digest(length + 20);
            }),
        ];
        sides.extend(libolm.as_ref().map(|libolm| {
            let side = Side::new("libolm", |count| {
                let mut messages: Vec<_> = (0..count).map(|_| libolm.encrypt()).collect();
                timed(|| each(&mut messages, |message| libolm.decrypt(message)))
            });
            side.at_most(PREPARED)
        }));
        let samples = interleave(MANY, sides);
        let [ours, peer, floor, libolm @ ..] = &samples[..] else { unreachable!("three sides") };
        let row = Row::new("1:1 decrypt, same chain", ours, Wanted::Faster(1.5));
        rows.push(row.peer(ours, peer).libolm(ours, libolm));
        rows.push(Row::new("1:1 decrypt, symmetric work", ours, Wanted::OfFloor(1.5)).floor(ours, floor));
    }

    /// The floor of a message with a DH step, both sides: a key pair and ECDH of who sends, ECDH of who reads, and the
    /// symmetric work of both with two root steps.
    fn ping_pong(&self) -> Row {
        let (pair, mut peer) = (Pair::new(), OlmPair::new());
        let (mut our_turn, mut peer_turn) = (true, true);
        let (floor, random) = (&self.floor, &mut self.floor.random_source());
        let samples = interleave(
            MANY,
            vec![
                repeat("ours", || {
                    our_turn = !our_turn;
                    pair.message(our_turn);
                }),
                repeat("vodozemac", || {
                    peer_turn = !peer_turn;
                    peer.message(peer_turn);
                }),
                repeat("floor", || {
                    floor.generate();
                    for _ in 0..2 {
                        floor.agree();
                        floor.derive(32);
                        floor.expand::<64>();
                        floor.seal(CONTENT, 120);
                    }
                    random.draw(28);
                    Floor::digest(430);
                }),
            ],
        );
        let [ours, peer, floor] = &samples[..] else { unreachable!("three sides") };
        let row = Row::new("1:1 ping-pong, a DH step a message, both sides", ours, Wanted::Faster(1.1));
        row.peer(ours, peer).floor(ours, floor)
    }

    /// From a card and prekeys to a first message that was read. `docs/PERFORMANCE.md` names the floor's parts.
    fn set_up(&self) -> Row {
        let (alice, bob) = (Identity::new("alice"), Identity::new("bob"));
        let (one, mut other) = (Account::new(), Account::new());
        let card = bob.card();
        let (out, plain) = (&mut [0; ROOM], &mut [0; ROOM]);
        let floor = &self.floor;
        let samples = interleave(
            FEW,
            vec![
                Side::new("ours", |count| {
                    let once = |_| {
                        let prekeys = bob.prekeys();
                        timed(|| {
                            let ours = Session::initiate(&alice, &card, &prekeys);
                            let length = ours.encrypt(&PLAINTEXT, out);
                            let theirs = Session::accept(&bob, &out[..length]);
                            theirs.decrypt(&out[..length], plain);
                        })
                    };
                    (0..count).map(once).sum()
                })
                .at_most(8),
                Side::new("vodozemac", |count| {
                    let once = |_| {
                        let offer = Offer::of(&mut other);
                        timed(|| {
                            offer.check();
                            drop(black_box(offer.take(&one, &mut other)));
                        })
                    };
                    (0..count).map(once).sum()
                })
                .at_most(8),
                repeat("floor", || {
                    // Who begins: card and signed prekey; EK and the first ratchet key; dh1 to dh4 and the ratchet's.
                    // Who answers: the card; dh1 to dh4 and the ratchet's.
                    (0..3).for_each(|_| floor.verify_new());
                    (0..2).for_each(|_| floor.generate());
                    (0..10).for_each(|_| floor.agree());
                }),
            ],
        );
        let [ours, peer, floor] = &samples[..] else { unreachable!("three sides") };
        let row = Row::new("set-up and first message, both sides", ours, Wanted::Reported("close to X3DH"));
        row.peer(ours, peer).floor(ours, floor)
    }
}
