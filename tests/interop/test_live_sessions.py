"""Sessions between the library and this implementation: both ways, each level, hidden headers, any order."""

import itertools
import random
import unittest

import identity
from codec import Refused
from content import Content
from identity import Identity, PrekeyBundle
from library import Library, Status, options
from session import Envelope, Session

NOW = 1_900_000_000_000
LEVELS = ("plain", "signed prekey", "one-time prekey")


class Here:
    """A client of this implementation."""

    def __init__(self, name, flags=0):
        self.identity, self.session = Identity(name, flags=flags, created_ms=NOW), None

    def card(self):
        return self.identity.card.encoded

    def bundle(self, level, now=NOW):
        return self.identity.prekeys(level - 1, now) if level else b""

    def initiate(self, card, bundle, hidden, now=NOW):
        self.session = Session.initiate(self.identity, card, bundle or None, now, hidden)

    def encrypt(self, payload, now, padded=False):
        return self.session.encrypt(Content.data(payload), now, padded)

    def decrypt(self, envelope, now):
        if self.session is None:
            self.session, content = Session.accept(self.identity, envelope, now)
        else:
            content = self.session.decrypt(envelope, now)
        return content.payload


class There:
    """A client of the library."""

    def __init__(self, library, name, **how):
        self.library, self.session, self.options = library, None, {}
        self.identity = library.identity_new(name, options(**{"prekeys_required": False, **how}), NOW)

    def card(self):
        return self.identity.card()

    def bundle(self, level, now=NOW):
        return self.identity.prekeys(level - 1, now) if level else b""

    def initiate(self, card, bundle, hidden, now=NOW):
        self.options["hidden_header"] = hidden
        self.session = self.library.session_initiate(self.identity, card, bundle, options(**self.options), now)

    def encrypt(self, payload, now, padded=False):
        return self.session.encrypt(payload, now)

    def decrypt(self, envelope, now):
        if self.session is None:
            self.session = self.library.session_accept(self.identity, envelope, "", now)
        return self.session.decrypt(envelope, now)


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library()

    def each(self, story):
        """Tells the story at each level, with each kind of headers, initiated here and there."""
        for level, hidden, ours_first in itertools.product((0, 1, 2), (False, True), (False, True)):
            here, there = Here("here"), There(self.library, "there")
            one, other = (here, there) if ours_first else (there, here)
            with self.subTest(level=LEVELS[level], hidden=hidden, initiator="here" if ours_first else "there"):
                one.initiate(other.card(), other.bundle(level), hidden)
                story(level, hidden, one, other)

    def test_first_messages_open_at_every_level(self):
        def story(level, hidden, one, other):
            envelope = one.encrypt(b"hello", NOW)
            parsed = Envelope.parse(envelope)
            self.assertEqual((parsed.handshake.level, parsed.flags), (level, int(hidden)))
            self.assertEqual(other.decrypt(envelope, NOW), b"hello")

        self.each(story)

    def test_many_turns_lost_late_and_shuffled(self):
        def story(level, hidden, one, other):
            rng, late = random.Random(7), []
            sides, now = (one, other), NOW
            for turn in range(12):
                sender, receiver = sides if turn % 2 == 0 else sides[::-1]
                now += 1_000
                sent = []
                for i in range(rng.randint(1, 5)):
                    payload = f"turn {turn}, message {i}".encode() * rng.randint(1, 40)
                    sent.append((receiver, sender.encrypt(payload, now), payload))
                rng.shuffle(sent)
                if len(sent) > 1:
                    late.append(sent.pop())
                for receiver, envelope, payload in sent:
                    self.assertEqual(receiver.decrypt(envelope, now), payload)
            rng.shuffle(late)
            for receiver, envelope, payload in late:
                self.assertEqual(receiver.decrypt(envelope, now), payload)
            for receiver, envelope, _ in late[-3:]:
                self.refused("DUPLICATE", receiver, envelope, now)

        self.each(story)

    def test_replays_are_refused_alike(self):
        def story(level, hidden, one, other):
            envelopes = [one.encrypt(b"%d" % i, NOW) for i in range(60)]
            for envelope in envelopes:
                other.decrypt(envelope, NOW)
            self.refused("REPLAY", other, envelopes[0], NOW)
            self.refused("DUPLICATE", other, envelopes[-1], NOW)
            one.decrypt(other.encrypt(b"heard", NOW), NOW)
            self.assertEqual(other.decrypt(one.encrypt(b"next turn", NOW), NOW), b"next turn")
            # The key of the old chain's hidden headers is gone with it, so what these were is not known any more.
            self.refused("AUTHENTICATION_FAILED" if hidden else "REPLAY", other, envelopes[1], NOW)

        self.each(story)

    def test_a_gap_of_two_thousand_opens_and_one_more_does_not(self):
        for one, other in ((Here("here"), There(self.library, "there")), (There(self.library, "there"), Here("here"))):
            one.initiate(other.card(), other.bundle(2), False)
            other.decrypt(one.encrypt(b"", NOW), NOW)
            one.decrypt(other.encrypt(b"", NOW), NOW)
            other.decrypt(one.encrypt(b"", NOW), NOW)
            envelopes = [one.encrypt(b"%d" % i, NOW) for i in range(2_002)]
            self.refused("TOO_FAR_AHEAD", other, envelopes[2_001], NOW)
            self.assertEqual(other.decrypt(envelopes[2_000], NOW), b"2000")
            self.assertEqual(other.decrypt(envelopes[0], NOW), b"0")
            self.assertEqual(other.decrypt(envelopes[2_001], NOW), b"2001")

    def test_every_changed_byte_is_refused_by_the_library(self):
        for hidden in (False, True):
            here, there = Here("here"), There(self.library, "there")
            here.initiate(there.card(), there.bundle(2), hidden)
            envelope = here.encrypt(b"hello", NOW)
            for at in range(len(envelope)):
                changed = bytearray(envelope)
                changed[at] ^= 1
                with self.assertRaises(Status, msg=f"byte {at}"):
                    there.decrypt(bytes(changed), NOW)
            self.assertEqual(there.decrypt(envelope, NOW), b"hello")

    def test_every_changed_byte_is_refused_here(self):
        for hidden in (False, True):
            here, there = Here("here"), There(self.library, "there")
            there.initiate(here.card(), here.bundle(2), hidden)
            envelope = there.encrypt(b"hello", NOW)
            for at in range(len(envelope)):
                changed = bytearray(envelope)
                changed[at] ^= 1
                with self.assertRaises(Refused, msg=f"byte {at}"):
                    here.decrypt(bytes(changed), NOW)
            self.assertEqual(here.decrypt(envelope, NOW), b"hello")

    def test_padding_is_padme_on_both_sides(self):
        here, there = Here("here"), There(self.library, "there")
        there.options["padding"] = "padme"
        there.initiate(here.card(), here.bundle(2), False)
        self.assertEqual(here.decrypt(there.encrypt(b"", NOW), NOW), b"")
        for size in (1, 2, 43, 100, 1_000, 5_000):
            payload = bytes(size)
            theirs, ours = there.encrypt(payload, NOW), here.encrypt(payload, NOW, padded=True)
            self.assertEqual(len(Envelope.parse(theirs).ciphertext), len(Envelope.parse(ours).ciphertext))
            self.assertEqual(here.decrypt(theirs, NOW), payload)
            self.assertEqual(there.decrypt(ours, NOW), payload)

    def test_sides_that_initiate_at_once_converge(self):
        for hidden in (False, True):
            for levels in itertools.product((0, 2), repeat=2):
                here, there = Here("here"), There(self.library, "there")
                with self.subTest(hidden=hidden, levels=levels):
                    here.initiate(there.card(), there.bundle(levels[0]), hidden)
                    there.initiate(here.card(), here.bundle(levels[1]), hidden)
                    crossing = here.encrypt(b"from here", NOW), there.encrypt(b"from there", NOW)
                    self.assertEqual(here.decrypt(crossing[1], NOW + 1), b"from there")
                    self.assertEqual(there.decrypt(crossing[0], NOW + 1), b"from here")
                    for turn in range(4):
                        for one, other in ((here, there), (there, here)):
                            self.assertEqual(other.decrypt(one.encrypt(b"on", NOW + 2 + turn), NOW + 2 + turn), b"on")
                    used = {Envelope.parse(one.encrypt(b"", NOW + 9)).key_id for one in (here, there)}
                    self.assertEqual(len(used), 1)

    def test_a_side_that_lost_its_session_starts_another(self):
        for loser_here in (True, False):
            here, there = Here("here"), There(self.library, "there")
            here.initiate(there.card(), there.bundle(2), False)
            there.decrypt(here.encrypt(b"one", NOW), NOW)
            here.decrypt(there.encrypt(b"two", NOW + 1), NOW + 1)
            loser, other = (here, there) if loser_here else (there, here)
            loser.initiate(other.card(), other.bundle(2), False, NOW + 10)
            self.assertEqual(other.decrypt(loser.encrypt(b"anew", NOW + 11), NOW + 11), b"anew")
            self.assertEqual(loser.decrypt(other.encrypt(b"answer", NOW + 12), NOW + 12), b"answer")
            self.assertEqual(other.decrypt(loser.encrypt(b"on", NOW + 13), NOW + 13), b"on")

    def test_random_stories_converge(self):
        """Messages are sent, lost, delayed, replayed; sides start anew and lose their state; days pass."""
        for seed in range(30):
            with self.subTest(seed=seed):
                self.random_story(random.Random(seed))

    def random_story(self, rng):
        here, there = Here("here"), There(self.library, "there")
        sides, under_way, now, hidden = (here, there), [], NOW, rng.random() < 0.5
        heard = {"DUPLICATE", "REPLAY", "UNKNOWN_KEY", "UNKNOWN_PREKEY", "EXPIRED", "AUTHENTICATION_FAILED", "PREKEYS_REQUIRED"}
        for step in range(60):
            now += rng.choice((0, 1, 1_000, 60_000, 7_200_000))
            i = rng.randrange(2)
            one, other = sides[i], sides[1 - i]
            act = rng.random()
            if one.session is None or act < 0.06:  # starts, or has lost its state and starts anew
                one.initiate(other.card(), other.bundle(rng.choice((1, 2)), now), hidden, now)
            elif act < 0.55:
                under_way.append((1 - i, one.encrypt(b"%d" % step, now), b"%d" % step))
            elif under_way:
                at = rng.randrange(len(under_way)) if rng.random() < 0.3 else 0
                to, envelope, payload = under_way[at]
                if rng.random() < 0.9:
                    del under_way[at]
                if rng.random() < 0.8:
                    try:
                        self.assertEqual(sides[to].decrypt(envelope, now), payload)
                    except (Refused, Status) as e:
                        self.assertIn(e.status, heard)
        one, other = rng.choice((sides, sides[::-1]))
        one.initiate(other.card(), other.bundle(2, now), hidden, now)
        for turn in range(8):  # a side may go on for an hour in a session that the other has lost (section 5.5)
            now += 1_200_000
            for one, other in ((here, there), (there, here)):
                envelope = one.encrypt(b"peace", now)
                try:
                    self.assertEqual(other.decrypt(envelope, now), b"peace")
                except (Refused, Status) as e:
                    self.assertLess(turn, 4, e)
        self.assertEqual(*(Envelope.parse(side.encrypt(b"", now)).key_id for side in sides))

    def test_prekeys_required_is_kept_on_both_sides(self):
        here, there = Here("here", identity.PREKEYS_REQUIRED), There(self.library, "there", prekeys_required=True)
        for one, other in ((here, there), (there, here)):
            with self.assertRaises((Refused, Status)) as caught:
                one.initiate(other.card(), b"", False)
            self.assertEqual(caught.exception.status, "PREKEYS_REQUIRED")

    def test_a_handshake_that_ignores_prekeys_required_is_refused(self):
        here, there = Here("here"), There(self.library, "there", prekeys_required=True)
        self.force_plain(here, there)
        self.refused("PREKEYS_REQUIRED", there, here.encrypt(b"hello", NOW), NOW)

    def force_plain(self, here, there):
        card = identity.Card.parse(there.card())
        here.session = Session(here.identity, card.user, card.fingerprint)
        softened = identity.Card(card.user, card.sign_key, card.agree_key, 0, card.created_ms, card.encoded)
        here.session.renew(softened, None, NOW)

    def test_a_replayed_first_message_is_refused(self):
        def story(level, hidden, one, other):
            first = one.encrypt(b"hello", NOW)
            other.decrypt(first, NOW)
            other.session = None
            self.refused("REPLAY", other, first, NOW)

        self.each(story)

    def test_a_one_time_prekey_serves_one_handshake(self):
        for one, another, other in ((Here("a"), Here("b"), There(self.library, "there")),
                                    (There(self.library, "a"), There(self.library, "b"), Here("here"))):
            bundle = other.bundle(2)
            one.initiate(other.card(), bundle, False)
            another.initiate(other.card(), bundle, False)
            other.decrypt(one.encrypt(b"hello", NOW), NOW)
            other.session = None
            self.refused("UNKNOWN_PREKEY", other, another.encrypt(b"hello", NOW), NOW)

    def test_an_expired_bundle_and_one_of_another_identity_are_refused(self):
        here, there, other = Here("here"), There(self.library, "there"), There(self.library, "there")
        month = 30 * 86_400_000
        for one, peer, stranger in ((here, there, other), (there, here, Here("here"))):
            bundle = peer.bundle(1)
            for bundle_, now, status in ((bundle, NOW + month, "EXPIRED"), (stranger.bundle(1), NOW, "IDENTITY_CHANGED")):
                with self.assertRaises((Refused, Status)) as caught:
                    one.initiate(peer.card(), bundle_, False, now)
                self.assertEqual(caught.exception.status, status)
            one.initiate(peer.card(), bundle, False, NOW + month - 1)

    def refused(self, status, receiver, envelope, now):
        with self.assertRaises((Refused, Status)) as caught:
            receiver.decrypt(envelope, now)
        self.assertEqual(caught.exception.status, status)


if __name__ == "__main__":
    unittest.main()
