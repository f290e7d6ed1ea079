//! Messages to a group.

use sealwax_benches::abi::{CallResult, GroupReceiver, Slice};
use sealwax_benches::floor::Floor;
use sealwax_benches::pairs::{Side, interleave, timed};
use sealwax_benches::peer::MegolmCircle;
use sealwax_benches::report::{Row, Wanted};
use sealwax_benches::scene::{Circle, Crowd, PLAINTEXT, ROOM, sealed};

use super::{Bench, CONTENT, FEW, MANY, each, repeat};

/// Messages that are prepared for one turn.
const PREPARED: usize = 64;
/// Messages that a reader who was away has missed and never gets.
const GAP: usize = 24_000;
/// Messages that wait for a reader who was away.
const BACKLOG: usize = 1_000;
/// Members besides the sender.
const OTHERS: usize = 999;
/// Bytes of a message's signature.
const SIGNATURE: usize = 64;
/// What a digest covers beside the message: label and commitment.
const DIGEST: usize = 50;
/// What a link covers: label, digest, signature.
const LINK: usize = 112;

impl Bench {
    pub(super) fn groups(&self, rows: &mut Vec<Row>) {
        self.group_encrypt(rows);
        self.group_decrypt(rows);
        self.backlog(rows);
        rows.push(self.gap());
        self.distribute(rows);
    }

    /// The floor: one step, one seal, nonce and message id, digest, the hash that is signed, the link; the signature.
    fn group_encrypt(&self, rows: &mut Vec<Row>) {
        let (circle, mut peer) = (Circle::new(), MegolmCircle::new());
        let out = &mut [0; ROOM];
        let length = circle.sender.encrypt(&PLAINTEXT, out);
        let aad = length - CONTENT - 16 - SIGNATURE;
        let (floor, random) = (&self.floor, &mut self.floor.random_source());
        let libolm = self.libolm_pair();
        let mut sides = vec![
            repeat("ours", || circle.sender.encrypt(&PLAINTEXT, out)),
            repeat("vodozemac", || peer.sender.encrypt(PLAINTEXT)),
            repeat("sign", || floor.sign()),
            repeat("floor", || {
                floor.expand::<96>();
                floor.seal(CONTENT, aad);
                random.draw(28);
                Floor::digest(length - SIGNATURE + DIGEST);
                Floor::digest(DIGEST);
                Floor::digest(LINK);
            }),
        ];
        sides.extend(libolm.as_ref().map(|libolm| repeat("libolm", || libolm.group_encrypt())));
        let samples = interleave(MANY, sides);
        let [ours, peer, sign, floor, libolm @ ..] = &samples[..] else { unreachable!("four sides") };
        let whole = sign.plus(floor);
        let rest = ours.minus(sign);
        let row = Row::new("group encrypt", ours, Wanted::Faster(1.3));
        rows.push(row.peer(ours, peer).libolm(ours, libolm).floor(ours, &whole));
        let row = Row::new("group encrypt, symmetric work", &rest, Wanted::OfFloor(1.5));
        rows.push(row.floor(&rest, floor));
    }

    /// The floor: one step, one opening, digest, the hash that was signed, the link, the hash of the envelope; the check of
    /// the signature.
    fn group_decrypt(&self, rows: &mut Vec<Row>) {
        let (circle, mut peer) = (Circle::new(), MegolmCircle::new());
        let out = &mut [0; ROOM];
        let length = circle.sender.encrypt(&PLAINTEXT, out);
        let aad = length - CONTENT - 16 - SIGNATURE;
        let floor = &self.floor;
        let libolm = self.libolm_pair();
        let mut sides = vec![
            Side::new("ours", |count| {
                let envelopes = circle.messages(count);
                timed(|| each(&envelopes, |one| circle.receiver.decrypt(one, out)))
            })
            .at_most(PREPARED),
            Side::new("vodozemac", |count| {
                let messages = peer.messages(count);
                timed(|| each(&messages, |one| peer.receiver.decrypt(one).unwrap()))
            })
            .at_most(PREPARED),
            repeat("verify", || floor.verify()),
            repeat("floor", || {
                floor.expand::<96>();
                floor.seal(CONTENT, aad);
                Floor::digest(length - SIGNATURE + DIGEST);
                Floor::digest(DIGEST);
                Floor::digest(LINK);
                Floor::digest(length + 20);
            }),
        ];
        sides.extend(libolm.as_ref().map(|libolm| {
            let side = Side::new("libolm", |count| {
                let mut messages: Vec<_> = (0..count).map(|_| libolm.group_encrypt()).collect();
                timed(|| each(&mut messages, |message| libolm.group_decrypt(message)))
            });
            side.at_most(PREPARED)
        }));
        let samples = interleave(MANY, sides);
        let [ours, peer, verify, floor, libolm @ ..] = &samples[..] else { unreachable!("four sides") };
        let whole = verify.plus(floor);
        let row = Row::new("group decrypt, one message", ours, Wanted::Faster(0.9));
        rows.push(row.peer(ours, peer).libolm(ours, libolm).floor(ours, &whole));
    }

    /// The floor a message: one step, one opening, digest, link; a signature's check for all.
    fn backlog(&self, rows: &mut Vec<Row>) {
        let (circle, mut peer) = (Circle::new(), MegolmCircle::new());
        let state = circle.receiver.export();
        let envelopes = circle.messages(BACKLOG);
        let (length, aad) = (envelopes[0].len(), envelopes[0].len() - CONTENT - 16 - SIGNATURE);
        let envelopes_in: Vec<Slice> = envelopes.iter().map(|envelope| Slice::of(envelope)).collect();
        let (mut out, mut results) = (vec![0; BACKLOG * ROOM], vec![CallResult::default(); BACKLOG]);
        let reader = peer.reader();
        let messages = peer.messages(BACKLOG);
        let floor = &self.floor;
        let samples = interleave(
            FEW,
            vec![
                Side::new("ours", |_| {
                    let receiver = GroupReceiver::import(&circle.bob, &circle.roster, &state);
                    timed(|| receiver.decrypt_batch(&envelopes_in, &mut out, &mut results))
                })
                .at_most(1)
                .counts_as(BACKLOG),
                Side::new("vodozemac", |_| {
                    let mut receiver = copy(&reader);
                    timed(|| each(&messages, |one| receiver.decrypt(one).unwrap()))
                })
                .at_most(1)
                .counts_as(BACKLOG),
                Side::new("floor", |_| {
                    timed(|| {
                        floor.verify();
                        for _ in 0..BACKLOG {
                            floor.expand::<96>();
                            floor.seal(CONTENT, aad);
                            Floor::digest(length - SIGNATURE + DIGEST);
                            Floor::digest(LINK);
                        }
                    })
                })
                .at_most(1)
                .counts_as(BACKLOG),
            ],
        );
        let [ours, peer, floor] = &samples[..] else { unreachable!("three sides") };
        let row = Row::new("group decrypt, backlog of 1,000, a message", ours, Wanted::Faster(20.0));
        rows.push(row.peer(ours, peer));
        let row = Row::new("group decrypt, symmetric work (backlog)", ours, Wanted::OfFloor(1.5));
        rows.push(row.floor(ours, floor));
    }

    fn gap(&self) -> Row {
        let (circle, mut peer) = (Circle::new(), MegolmCircle::new());
        let state = circle.receiver.export();
        let mut last = Vec::new();
        (0..=GAP).for_each(|_| last = sealed(|out| circle.sender.encrypt(&PLAINTEXT, out)));
        let reader = peer.reader();
        let message = peer.messages(GAP + 1).pop().unwrap();
        let out = &mut [0; ROOM];
        let samples = interleave(
            FEW,
            vec![
                Side::new("ours", |count| {
                    let import = |_| GroupReceiver::import(&circle.bob, &circle.roster, &state);
                    let receivers: Vec<_> = (0..count).map(import).collect();
                    timed(|| each(&receivers, |receiver| receiver.decrypt(&last, out)))
                })
                .at_most(8),
                Side::new("vodozemac", |count| {
                    let mut receivers: Vec<_> = (0..count).map(|_| copy(&reader)).collect();
                    timed(|| each(&mut receivers, |one| one.decrypt(&message).unwrap()))
                })
                .at_most(8),
            ],
        );
        let [ours, peer] = &samples[..] else { unreachable!("two sides") };
        let wanted = Wanted::Within(200_000.0, Some(("a verification", self.verify)));
        Row::new("group decrypt after a gap of 24,000", ours, wanted).peer(ours, peer)
    }

    /// A new key for everybody, in one call or one by one. Every session is within a turn: no ratchet steps.
    fn distribute(&self, rows: &mut Vec<Row>) {
        let crowd = Crowd::new(OTHERS);
        let wanted = Wanted::Within(2_000_000.0, Some(("a key pair", self.generate)));
        let (mut out, mut results) = (vec![0; OTHERS * ROOM], vec![CallResult::default(); OTHERS]);
        let one = &mut [0; ROOM];
        let sides = vec![
            repeat("in one call", || {
                crowd.sender.rotate();
                crowd.sender.distribute_many(&crowd.sessions, &mut out, &mut results);
            }),
            repeat("one by one", || {
                crowd.sender.rotate();
                each(&crowd.sessions, |session| crowd.sender.distribute(session, one));
            }),
        ];
        let samples = interleave(FEW, sides.into_iter().map(|side| side.at_most(1)).collect());
        let [many, one_by_one] = &samples[..] else { unreachable!("two sides") };
        rows.push(Row::new("rotate, and distribute to 999 in one call", many, wanted));
        rows.push(Row::new("rotate, and distribute to 999 one by one", one_by_one, wanted));
    }
}

/// Another reader in the same state.
fn copy(reader: &vodozemac::megolm::InboundGroupSession) -> vodozemac::megolm::InboundGroupSession {
    vodozemac::megolm::InboundGroupSession::from_pickle(reader.pickle())
}
