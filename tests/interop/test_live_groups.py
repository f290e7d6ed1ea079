"""Group messages between members who use the library and members who use this implementation."""

import copy
import random
import unittest

import group
import roster
from codec import Refused
from content import DISTRIBUTION, HISTORY, Content
from group import BLOCK, GroupMessage, HistoryReader, Receiver, Sender
from identity import Identity
from library import Library, Status, options
from primitives import fresh
from roster import Entry, Roster
from session import Session

NOW = 1_900_000_000_000
KEY = bytes(32)


class Here:
    """A member who uses this implementation."""

    def __init__(self, name):
        self.identity = Identity(name, created_ms=NOW)
        self.card = self.identity.card.encoded
        self.name, self.sessions = name, {}

    def join(self, log):
        self.roster = Roster.open(log)
        self.sender, self.receiver = Sender(self.identity, self.roster), Receiver(self.identity, self.roster)
        self.history = HistoryReader(self.roster)

    def apply(self, entry, now=NOW):
        self.roster.apply(Entry.parse(entry))
        self.receiver.follow(now)

    def session_with(self, peer):
        if peer.name not in self.sessions:
            self.sessions[peer.name] = Session.initiate(self.identity, peer.card, peer.prekeys(), NOW)
        return self.sessions[peer.name]

    def prekeys(self):
        return self.identity.prekeys(1, NOW)

    def card_key(self):
        return self.identity.sign.public

    def distribution(self, to, now=NOW, **changes):
        d = self.sender.distribution()
        d = group.Distribution(**{**d.__dict__, **changes})
        return self.say(to, DISTRIBUTION, d.encode(), now)

    def say(self, to, kind, body, now):
        return self.session_with(to).encrypt(Content(kind, fresh(16), body), now)

    def hear(self, sender, envelope, now=NOW):
        if sender.name not in self.sessions:
            self.sessions[sender.name], content = Session.accept(self.identity, envelope, now)
        else:
            content = self.sessions[sender.name].decrypt(envelope, now)
        return content

    def install(self, sender, envelope, now=NOW):
        content = self.hear(sender, envelope, now)
        assert content.kind == DISTRIBUTION
        self.receiver.install(sender.name, self.sessions[sender.name].peer_fingerprint, content.body, now)

    def install_history(self, sharer, envelope, now=NOW):
        content = self.hear(sharer, envelope, now)
        assert content.kind == HISTORY
        self.history.install(content.body)

    def encrypt(self, payload, now=NOW, **how):
        return self.sender.encrypt(Content.data(payload), now, **how)

    def decrypt(self, envelope, now=NOW):
        return self.receiver.decrypt(envelope, now).payload

    def read_history(self, envelope, now=NOW):
        return self.history.decrypt(envelope).payload

    def rotate(self, now=NOW):
        self.sender.rotate()


class There:
    """A member who uses the library."""

    def __init__(self, library, name, **how):
        self.library, self.name, self.how = library, name, how
        self.identity = library.identity_new(name, "", NOW)
        self.card, self.sessions = self.identity.card(), {}

    def join(self, log):
        self.roster = self.library.roster_open(log)
        self.sender = self.library.group_sender_new(self.identity, self.roster, self.how.get("sender", ""), NOW)
        self.receiver = self.new_receiver(retain_history=True)
        self.history = self.new_receiver(history=True)

    def new_receiver(self, **how):
        return self.library.group_receiver_new(self.identity, self.roster, options(**how), NOW)

    def apply(self, entry, now=NOW):
        self.roster.apply(entry, now)

    def prekeys(self):
        return self.identity.prekeys(1, NOW)

    def session_with(self, peer):
        if peer.name not in self.sessions:
            self.sessions[peer.name] = self.library.session_initiate(self.identity, peer.card, peer.prekeys(), "", NOW)
        return self.sessions[peer.name]

    def distribution(self, to, now=NOW):
        return self.sender.distribute(self.session_with(to), now)

    def hear(self, sender, envelope, now=NOW):
        if sender.name not in self.sessions:
            self.sessions[sender.name] = self.library.session_accept(self.identity, envelope, "", now)
        return self.sessions[sender.name]

    def install(self, sender, envelope, now=NOW):
        self.receiver.install(self.hear(sender, envelope, now), envelope, now)

    def install_history(self, sharer, envelope, now=NOW):
        self.history.install(self.hear(sharer, envelope, now), envelope, now)

    def encrypt(self, payload, now=NOW):
        return self.sender.encrypt(payload, now)

    def decrypt(self, envelope, now=NOW):
        return self.receiver.decrypt(envelope, now)

    def read_history(self, envelope, now=NOW):
        return self.history.decrypt(envelope, now)

    def rotate(self, now=NOW):
        self.sender.rotate(now)


class Groups(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library()

    def setUp(self):
        self.alice, self.bob = There(self.library, "alice"), Here("bob")
        self.carol, self.dave = There(self.library, "carol"), Here("dave")
        self.members = [self.alice, self.bob, self.carol, self.dave]
        self.form()

    def form(self):
        cards = b"".join(m.card for m in self.members[1:])
        self.log = self.library.roster_create(self.alice.identity, "g", cards, "", NOW).log(0)
        for member in self.members:
            member.join(self.log)

    def commit(self, entry, now=NOW):
        for member in self.members:
            member.apply(entry, now)

    def distribute(self, sender, *to, now=NOW):
        for member in to or [m for m in self.members if m is not sender]:
            member.install(sender, sender.distribution(member, now), now)

    def pairs(self):
        return [(self.alice, self.bob), (self.bob, self.alice)]

    def refused(self, status, action, *arguments):
        with self.assertRaises((Refused, Status)) as caught:
            action(*arguments)
        self.assertEqual(caught.exception.status, status)

    def test_everybody_reads_everybody(self):
        for sender in self.members:
            self.distribute(sender)
        for i in range(3):
            for sender in self.members:
                payload = f"{sender.name} says {i}".encode()
                envelope = sender.encrypt(payload)
                for member in self.members:
                    if member is not sender:
                        self.assertEqual(member.decrypt(envelope), payload)
                        self.refused("DUPLICATE", member.decrypt, envelope)

    def test_messages_open_in_any_order_across_blocks(self):
        for sender, receiver in self.pairs():
            self.distribute(sender, receiver)
            envelopes = [sender.encrypt(b"%d" % i) for i in range(3 * BLOCK + 10)]
            order = [3 * BLOCK + 5, 0, BLOCK - 1, BLOCK, 2 * BLOCK + 7, 2 * BLOCK + 6, 1, 2]
            order += random.Random(1).sample([i for i in range(len(envelopes)) if i not in order], 150)
            for i in order:
                self.assertEqual(receiver.decrypt(envelopes[i]), b"%d" % i)
            self.refused("REPLAY", receiver.decrypt, envelopes[0])
            self.refused("DUPLICATE", receiver.decrypt, envelopes[order[-1]])

    def test_a_late_distribution_opens_from_its_counter_on(self):
        for sender, receiver in self.pairs():
            early = [sender.encrypt(b"early") for _ in range(5)]
            if isinstance(sender, There):  # which serves its first state until everybody has it
                for other in (self.carol, self.dave, self.bob):
                    if other is not receiver:
                        sender.distribution(other)
                sender.distribution(receiver)
            self.distribute(sender, receiver)
            now = [sender.encrypt(b"now %d" % i) for i in range(2)]
            self.refused("UNKNOWN_KEY", receiver.decrypt, early[4])
            self.assertEqual(receiver.decrypt(now[1]), b"now 1")
            self.assertEqual(receiver.decrypt(now[0]), b"now 0")

    def test_gaps_up_to_the_limit(self):
        self.distribute(self.bob, self.alice)
        self.assertEqual(self.alice.decrypt(self.bob.encrypt(b"0")), b"0")
        chain = self.bob.sender.chain
        for over, status in ((1, "TOO_FAR_AHEAD"), (0, None)):
            target = 1 + group.MAX_SKIP + over
            at = copy.deepcopy(chain)
            while at.counter // BLOCK < target // BLOCK:
                at.leave_block()
            while at.counter < target:
                at.step()
            self.bob.sender.chain, self.bob.sender.link = at, bytes(16)
            envelope = self.bob.encrypt(b"far")
            if status:
                self.refused(status, self.alice.decrypt, envelope)
            else:
                self.assertEqual(self.alice.decrypt(envelope), b"far")

    def test_rotation_names_the_key_before_and_windows_close(self):
        for sender, receiver in self.pairs():
            self.distribute(sender, receiver)
            old = [sender.encrypt(b"%d" % i) for i in range(4)]
            self.assertEqual(receiver.decrypt(old[0]), b"0")
            sender.rotate()
            self.distribute(sender, receiver)
            self.assertEqual(receiver.decrypt(sender.encrypt(b"new")), b"new")
            self.assertEqual(receiver.decrypt(old[2], NOW + 60_000), b"2")
            self.refused("RETIRED_KEY", receiver.decrypt, old[1], NOW + 120_000)
            self.assertEqual(receiver.decrypt(sender.encrypt(b"still new"), NOW + 120_000), b"still new")

    def test_a_distribution_of_the_key_before_may_come_last(self):
        for sender, receiver in self.pairs():
            first = sender.distribution(receiver)
            old, never = sender.encrypt(b"old"), sender.encrypt(b"never")
            sender.rotate()
            second = sender.distribution(receiver)
            new = sender.encrypt(b"new")
            receiver.install(sender, second)
            receiver.install(sender, first)
            self.assertEqual(receiver.decrypt(new), b"new")
            self.assertEqual(receiver.decrypt(old), b"old")
            self.refused("RETIRED_KEY", receiver.decrypt, never, NOW + 120_000)

    def test_the_successor_tells_the_end_of_a_key(self):
        for receiver in (self.alice, self.dave):
            for count, statuses in ((2, (None, "AUTHENTICATION_FAILED", "UNKNOWN_KEY")), (3, (None, None, None))):
                self.form()
                self.bob.sessions.clear(), receiver.sessions.clear()
                self.distribute(self.bob, receiver)
                told = [self.bob.encrypt(b"%d" % i) for i in range(3)]
                self.bob.rotate()
                key_id, _, link = self.bob.sender.previous
                receiver.install(self.bob, self.bob.distribution(receiver, previous=(key_id, count, link)))
                for envelope, status in zip(told, statuses):
                    if status:
                        self.refused(status, receiver.decrypt, envelope)
                    else:
                        receiver.decrypt(envelope)

    def test_a_new_membership_epoch_starts_windows(self):
        for sender, receiver in self.pairs():
            self.form()
            self.bob.sessions.clear(), self.alice.sessions.clear()
            self.distribute(sender, receiver)
            old = [sender.encrypt(b"%d" % i) for i in range(2)]
            self.commit(self.alice.roster.propose_remove(self.alice.identity, "dave", NOW))
            self.assertEqual(receiver.decrypt(old[0], NOW + 119_999), b"0")
            self.refused("RETIRED_KEY", receiver.decrypt, old[1], NOW + 120_000)

    def test_membership_changes_ask_for_rotation_and_end_a_sender(self):
        for sender in self.members:
            self.distribute(sender)
        last = self.bob.encrypt(b"last")
        entry = self.alice.roster.propose_remove(self.alice.identity, "bob", NOW)
        self.commit(entry)
        for member in (self.alice, self.carol, self.dave):
            self.refused("SENDER_REMOVED", member.decrypt, last)
            self.refused("ROTATION_REQUIRED", member.encrypt, b"")
            member.rotate()
        self.refused("NOT_A_MEMBER", self.bob.encrypt, b"")
        for sender in (self.alice, self.carol, self.dave):
            self.distribute(sender, *(m for m in (self.alice, self.carol, self.dave) if m is not sender))
        envelope = self.dave.encrypt(b"without bob")
        self.assertEqual(self.alice.decrypt(envelope), b"without bob")
        self.assertEqual(self.dave.decrypt(self.carol.encrypt(b"indeed")), b"indeed")

    def test_resumed_senders_are_read(self):
        self.distribute(self.alice, self.bob)
        self.assertEqual(self.bob.decrypt(self.alice.encrypt(b"before")), b"before")
        sealed = self.alice.sender.export(KEY, 20)
        lost = self.alice.encrypt(b"lost")
        self.alice.sender = self.library.group_sender_import(self.alice.identity, self.alice.roster, KEY, sealed)
        after = self.alice.encrypt(b"after")
        m = GroupMessage.parse(after)
        self.assertEqual((m.resumed, m.resumed_from, m.counter), (True, 1, 21))
        self.assertEqual(self.bob.decrypt(after), b"after")
        self.assertEqual(self.bob.decrypt(self.alice.encrypt(b"on")), b"on")
        self.assertEqual(self.bob.decrypt(lost), b"lost")
        self.distribute(self.bob, self.alice)
        self.alice.decrypt(self.bob.encrypt(b"before"))
        for _ in range(20):
            self.bob.sender.chain.step()
        self.assertEqual(self.alice.decrypt(self.bob.encrypt(b"after", resumed_from=1)), b"after")
        self.assertEqual(self.alice.decrypt(self.bob.encrypt(b"on")), b"on")

    def test_a_distribution_without_a_link_serves_a_resumed_sender(self):
        sealed = self.alice.sender.export(KEY, 20)
        self.alice.sender = self.library.group_sender_import(self.alice.identity, self.alice.roster, KEY, sealed)
        for other in (self.carol, self.dave, self.bob):
            self.alice.distribution(other)
        self.distribute(self.alice, self.bob)
        self.assertEqual(self.bob.decrypt(self.alice.encrypt(b"after")), b"after")
        self.bob.sender.chain.step()
        self.bob.sender.link = bytes(16)
        self.distribute(self.bob, self.alice)
        self.assertEqual(self.alice.decrypt(self.bob.encrypt(b"after", resumed_from=0)), b"after")
        self.assertEqual(self.alice.decrypt(self.bob.encrypt(b"on")), b"on")

    def test_links_are_checked_alike(self):
        for sender, receiver in self.pairs():
            self.distribute(sender, receiver)
        bob, alice = self.bob, self.alice
        first = bob.encrypt(b"0")
        self.assertEqual(alice.decrypt(first), b"0")
        bob.sender.link = bytes(15) + b"\1"
        self.refused("AUTHENTICATION_FAILED", alice.decrypt, bob.encrypt(b"another past"))

    def test_every_changed_byte_is_refused(self):
        for sender, receiver in self.pairs():
            self.distribute(sender, receiver)
            envelope = sender.encrypt(b"hello")
            for at in range(len(envelope)):
                changed = bytearray(envelope)
                changed[at] ^= 1
                with self.assertRaises((Refused, Status), msg=f"byte {at}"):
                    receiver.decrypt(bytes(changed))
            self.assertEqual(receiver.decrypt(envelope), b"hello")

    def test_every_changed_byte_is_refused_for_the_same_reason(self):
        self.distribute(self.alice, self.bob, self.carol)
        envelope = self.alice.encrypt(b"hello")
        for at in range(len(envelope)):
            changed = bytearray(envelope)
            changed[at] ^= 1
            statuses = []
            for receiver in (self.bob, self.carol):
                with self.assertRaises((Refused, Status)) as caught:
                    receiver.decrypt(bytes(changed))
                statuses.append(caught.exception.status)
            self.assertEqual(*statuses, f"byte {at}")

    def test_one_key_id_with_two_meanings_is_equivocation(self):
        self.distribute(self.bob, self.alice)
        self.distribute(self.bob, self.dave)
        first = self.bob.sender.distribution()
        for _ in range(BLOCK + 5):
            envelope = self.bob.encrypt(b"")
        self.alice.decrypt(envelope)
        self.dave.decrypt(envelope)
        for counter in (0, self.bob.sender.chain.counter, self.bob.sender.chain.counter + 1):
            d = {**first.__dict__, "counter": counter, "link": bytes(16)}
            lies = [{"next_seed": bytes(32)}, {"epoch": 1}, {"signing_key": self.bob.card_key()}]
            if counter:  # the chain of a block that was left leads nowhere
                lies.append({"chain": bytes(32)})
            for changes in lies:
                for receiver in (self.alice, self.dave):
                    with self.subTest(counter=counter, changes=changes, receiver=receiver.name):
                        said = self.bob.distribution(receiver, **{**d, **changes})
                        self.refused("EQUIVOCATION", receiver.install, self.bob, said)

    def test_a_message_of_another_chain_does_not_open(self):
        """Two members were given different chains under one key id: one message opens for one of them alone."""
        other = copy.copy(self.bob.sender)
        other.chain = group.Chain.start(bytes(32))
        self.distribute(self.bob, self.carol)
        self.alice.install(self.bob, self.bob.distribution(self.alice, chain=other.chain.chain, next_seed=other.chain.next_seed))
        envelope = self.bob.encrypt(b"hello")
        self.assertEqual(self.carol.decrypt(envelope), b"hello")
        self.refused("AUTHENTICATION_FAILED", self.alice.decrypt, envelope)

    def test_two_receivers_judge_one_stream_alike(self):
        """Bob, here, and Carol, with the library, get the same envelopes in the same order at the same times."""
        for seed in range(8):
            with self.subTest(seed=seed):
                self.form()
                for member in self.members:
                    member.sessions.clear()
                self.judge(random.Random(seed))

    def judge(self, rng):
        now, under_way, told = NOW, [], []
        senders, rotations = (self.alice, self.dave), {"alice": 0, "dave": 0}
        for sender in senders:
            for receiver in (self.bob, self.carol):
                receiver.install(sender, sender.distribution(receiver), now)
        for step in range(150):
            now += rng.choice((0, 1, 1_000, 20_000, 119_999))
            sender, act = rng.choice(senders), rng.random()
            if act < 0.05 and rotations[sender.name] < 6:
                rotations[sender.name] += 1
                sender.rotate(now)
                under_way.append(("install", sender, [sender.distribution(r, now) for r in (self.bob, self.carol)]))
            elif act < 0.5:
                for _ in range(rng.choice((1, 1, 2, 5, 300))):
                    envelope = sender.encrypt(b"%d" % step, now)
                told.append(envelope)
                under_way.append(("decrypt", sender, [envelope] * 2))
            elif act < 0.55 and told:
                changed = bytearray(rng.choice(told))
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
                under_way.append(("decrypt", sender, [bytes(changed)] * 2))
            elif act < 0.6 and told:
                under_way.append(("decrypt", sender, [rng.choice(told)] * 2))
            elif under_way:
                what, sender, envelopes = under_way.pop(0 if rng.random() < 0.5 else rng.randrange(len(under_way)))
                results = []
                self.carol.receiver.retire(now)  # the library wipes when it is told to
                for receiver, envelope in zip((self.bob, self.carol), envelopes):
                    try:
                        results.append(receiver.decrypt(envelope, now) if what == "decrypt" else
                                       receiver.install(sender, envelope, now))
                    except (Refused, Status) as e:
                        results.append(e.status)
                self.assertEqual(*results, f"step {step}: {what} from {sender.name} at {now - NOW}")

    def test_padding_is_padme_on_both_sides(self):
        self.alice = self.members[0] = There(self.library, "alice", sender=options(padding="padme"))
        self.form()
        self.distribute(self.alice, self.bob)
        self.distribute(self.bob, self.alice)
        for size in (0, 1, 43, 100, 1_000, 5_000):
            theirs, ours = self.alice.encrypt(bytes(size)), self.bob.encrypt(bytes(size), padded=True)
            self.assertEqual(len(GroupMessage.parse(theirs).ciphertext), len(GroupMessage.parse(ours).ciphertext))
            self.assertEqual(self.bob.decrypt(theirs), bytes(size))
            self.assertEqual(self.alice.decrypt(ours), bytes(size))

    def test_history_of_the_library_is_read_here(self):
        self.distribute(self.carol, self.alice)
        told = [self.carol.encrypt(b"%d" % i) for i in range(BLOCK + 20)]
        for envelope in told:
            self.alice.decrypt(envelope)
        key_id = GroupMessage.parse(told[0]).key_id
        self.refused("NOT_PERMITTED", self.share, self.alice, self.bob, "carol", key_id, 0)
        self.carol.rotate()
        self.distribute(self.carol, self.alice)
        shared = self.share(self.alice, self.bob, "carol", key_id, 7)
        self.bob.install_history(self.alice, shared)
        for i in (BLOCK + 19, 7, BLOCK - 1, BLOCK, 100):
            self.assertEqual(self.bob.read_history(told[i]), b"%d" % i)
        self.refused("UNKNOWN_KEY", self.bob.read_history, told[6])

    def share(self, sharer, receiver, sender, key_id, counter):
        return sharer.receiver.share_history(sharer.session_with(receiver), sender, key_id, counter, NOW)

    def test_history_shared_here_is_read_by_the_library(self):
        start = copy.deepcopy(self.bob.sender.chain)
        told = [self.bob.encrypt(b"%d" % i) for i in range(BLOCK + 20)]
        history = self.bob.sender.history(start, BLOCK + 10)
        self.bob.rotate()
        self.alice.install_history(self.bob, self.bob.say(self.alice, HISTORY, history.encode(), NOW))
        for i in (BLOCK + 9, 0, BLOCK - 1, BLOCK, 100):
            self.assertEqual(self.alice.read_history(told[i]), b"%d" % i)
        self.refused("UNKNOWN_KEY", self.alice.read_history, told[BLOCK + 10])


if __name__ == "__main__":
    unittest.main()
