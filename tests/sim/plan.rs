//! How the run of a seed is laid out.

use sealwax::client::ClientOptions;
use sealwax::relay::RelayOptions;
use sealwax::wire::content::Padding;
use sealwax::wire::frame::Method;

use crate::chance::Chance;

const HOUR_MS: u64 = 3_600_000;

/// Who is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody: all there is are accidents.
    Honest,
    HostileRelay,
    HostileMember,
    /// A member who cheats, and a relay that shows some what it signs, and hides it from others.
    Conspiracy,
}

/// What stays the same through a run.
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) people: usize,
    /// Who talks to whom, each pair in both directions.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// How many groups are founded, if there is time, and the most members that one begins with besides its founder.
    pub(crate) circles: usize,
    pub(crate) circle_size: usize,
    pub(crate) until_ms: u64,
    /// How many things happen by then.
    pub(crate) actions: u64,
    pub(crate) client: ClientOptions,
    pub(crate) relay: RelayOptions,
    /// How often, in percent, something that happens is a fault.
    pub(crate) trouble: u64,
    /// Some lose everything, and come back with another identity.
    pub(crate) begins_anew: bool,
    /// Backups are taken, and restored.
    pub(crate) restores: bool,
    /// The longest that a frame takes.
    pub(crate) delay_max_ms: u64,
}

impl Plan {
    /// Whether a member cheats.
    pub(crate) fn has_cheat(&self) -> bool {
        matches!(self.kind, Kind::HostileMember | Kind::Conspiracy)
    }

    /// Whether the relay does what it should, but for what it shows of groups.
    pub(crate) fn is_honest(&self) -> bool {
        self.kind != Kind::HostileRelay
    }

    pub(crate) fn draw(chance: &mut Chance) -> Self {
        // Many runs are small, so that they reach far; some are large, and a few of these larger than any other.
        let kind = match chance.between(0, 99) {
            0..=7 => Kind::HostileRelay,
            8..=17 => Kind::HostileMember,
            18..=20 => Kind::Conspiracy,
            _ => Kind::Honest,
        };
        let in_groups = kind != Kind::Honest || chance.happens(60);
        let (people, circles) = match chance.between(0, 99) {
            _ if kind == Kind::Conspiracy => (chance.between(5, 8), 1),
            _ if kind != Kind::Honest => (chance.between(3, 7), chance.between(1, 2)),
            0 => (chance.between(24, 32), chance.between(12, 24)),
            1..=6 => (chance.between(8, 16), chance.between(3, 8)),
            _ => (chance.between(2, 7), chance.between(1, 3)),
        };
        let people = usize::try_from(people).unwrap();
        let circles = if in_groups { usize::try_from(circles).unwrap() } else { 0 };
        let mut pairs = Vec::new();
        for one in 0..people {
            for other in 0..people {
                if one < other && (other == one + 1 || chance.happens(if people > 20 { 3 } else { 25 })) {
                    pairs.extend([(one, other), (other, one)]);
                }
            }
        }
        let client = ClientOptions {
            method: if chance.happens(30) { Method::Proof } else { Method::Host },
            hidden_header: chance.happens(20),
            padding: if chance.happens(20) { Padding::Padme } else { Padding::None },
            retain_history: chance.happens(20),
            acks: chance.happens(40),
            one_time_prekeys: u16::try_from(chance.between(0, 12)).unwrap(),
            rotate_messages: if chance.happens(30) { 3 } else { 10_000 },
            eager_members: if chance.happens(30) { 0 } else { 64 },
            ..ClientOptions::default()
        };
        let mut relay = RelayOptions::default();
        if chance.happens(20) {
            relay.requests_per_second = 2;
            relay.requests_burst = u32::try_from(chance.between(4, 10)).unwrap();
        }
        Self {
            kind,
            people,
            pairs,
            circles,
            circle_size: if people > 20 { 9 } else { 7 },
            until_ms: chance.time(HOUR_MS / 4, 6 * HOUR_MS),
            actions: chance.between(20, 60) + if people > 20 { 120 } else { 0 },
            client,
            relay,
            trouble: chance.between(0, 60),
            begins_anew: kind == Kind::Honest && chance.happens(12),
            restores: kind != Kind::Conspiracy && chance.happens(if kind == Kind::Honest { 35 } else { 15 }),
            delay_max_ms: chance.time(20, 3_000),
        }
    }
}
