"""Groups: sender keys that are made, distributed, rotated, retired and taken away."""

import sys

import test_live_groups
from group import BLOCK, block_step, message_step
from scene import NOW, Scene, changed
from subject import Handles, Slices, bytes_

WINDOW = 120_000


class Groups(Scene):
    """Alice is in the subject; Bob, who founded nothing and can do nothing, in the other implementation."""

    def setUp(self):
        super().setUp()
        self.alice, self.bob = test_live_groups.There(self.there, "alice"), test_live_groups.Here("bob")
        bundle = self.alice.identity.prekeys(0, NOW)
        self.alice.prekeys = lambda: bundle
        self.alices = self.private(self.alice.card + bundle)
        self.roster = self.there.roster_create(self.alice.identity, "g", self.bob.card, "", NOW)
        self.alice.roster = self.roster
        log = self.roster.log(0)
        self.ledger.publish(log)
        self.bob.join(log)

    def end_session(self):
        """So that what is left is the group's alone."""
        self.there.end(self.alice.sessions.pop("bob"))

    # ---- Sending ----

    def sender(self):
        drawn = len(self.drawn)
        self.alice.sender = self.there.group_sender_new(self.alice.identity, self.roster, "", NOW)
        return self.start(drawn)

    def start(self, drawn):
        """Chain, seed and signing key from what was drawn."""
        first_seed, signing = self.drawn[drawn:]
        seed, chain = block_step(first_seed)
        return chain, seed, signing

    def test_a_sender_key_keeps_its_start_until_everybody_was_served(self):
        chain, seed, signing = start = self.sender()
        self.remains(live=[*self.alices, *start])
        for _ in range(3):
            self.alice.encrypt(self.text())
            chain, _, _ = message_step(chain)
        self.remains(live=[*self.alices, *start, chain])
        self.bob.install(self.alice, self.alice.distribution(self.bob))
        self.end_session()
        self.remains(live=[*self.alices, chain, seed, signing])
        text = self.text()
        self.assertEqual(self.bob.decrypt(self.alice.encrypt(text)), text)
        chain, _, _ = message_step(chain)
        self.remains(live=[*self.alices, chain, seed, signing])

    def test_a_rotation_erases_the_key_before(self):
        self.sender()
        self.alice.encrypt(self.text())
        drawn = len(self.drawn)
        self.alice.rotate()
        start = self.start(drawn)
        self.remains(live=[*self.alices, *start])
        self.there.end(self.alice.sender)
        self.remains(live=self.alices)

    def test_an_exported_sender_leaves_only_the_senders(self):
        start = self.sender()
        key, sealed = self.check_export(self.alice.sender, start, 0)
        self.remains(live=[*self.alices, *start])
        cut = self.cut(key, sealed)
        self.refused("MALFORMED", self.there.group_sender_import, self.alice.identity, self.roster, key, cut)
        self.remains(live=[*self.alices, *start])
        again = self.there.group_sender_import(self.alice.identity, self.roster, key, sealed)
        self.there.end(self.alice.sender)
        self.remains(live=[*self.alices, *start])
        again.encrypt(self.text(), NOW)
        self.there.end(again)
        self.remains(live=self.alices)

    def test_blocks_erase_the_seeds_before_them(self):
        chain, seed, signing = self.sender()
        self.bob.install(self.alice, self.alice.distribution(self.bob))
        self.end_session()
        for _ in range(BLOCK + 1):
            envelope = self.alice.encrypt(b"")
        seed, chain = block_step(seed)
        chain, _, _ = message_step(chain)
        self.remains(live=[*self.alices, chain, seed, signing])
        self.bob.decrypt(envelope)

    def test_one_call_for_all_members_leaves_no_key_on_its_way(self):
        chain, seed, signing = self.sender()
        session = self.alice.session_with(self.bob)
        out, length, results = bytes_(4096), bytes_(8), bytes_(24)
        self.there.check(self.there.c.sealwax_group_sender_distribute_many(
            self.alice.sender.token, Handles([session]), 1, NOW, out, 4096, length, results))
        envelope = out.raw[: int.from_bytes(length.raw, sys.byteorder)]
        self.bob.install(self.alice, envelope)
        self.end_session()
        self.remains(live=[*self.alices, chain, seed, signing])

    # ---- Receiving ----

    def receiver(self, **how):
        """Installs Bob's key. His chain and seed."""
        self.alice.receiver = self.alice.new_receiver(**how)
        return self.install()

    def install(self, now=NOW):
        chain = self.bob.sender.chain
        self.alice.install(self.bob, self.bob.distribution(self.alice, now), now)
        self.end_session()
        self.bob.sessions.clear()
        return chain.chain, chain.next_seed

    def test_a_message_that_was_read_leaves_neither_its_key_nor_its_text(self):
        chain, seed = self.receiver()
        self.remains(live=[*self.alices, chain, seed])
        for _ in range(2):
            text = self.text()
            envelope = self.bob.encrypt(text)
            for at in (-1, -70, -90):
                with self.kept():
                    self.refused("AUTHENTICATION_FAILED", self.alice.decrypt, changed(envelope, at))
                self.remains(live=[*self.alices, chain, seed])
            with self.kept():
                self.assertEqual(self.alice.decrypt(envelope), text)
            chain, _, _ = message_step(chain)
            self.remains(live=[*self.alices, chain, seed], output=[text])
            self.alice.receiver.info()
            self.remains(live=[*self.alices, chain, seed])
        self.there.end(self.alice.receiver)
        self.remains(live=self.alices)

    def test_what_was_passed_over_is_kept_until_it_is_used(self):
        chain, seed = self.receiver()
        envelopes = [self.bob.encrypt(self.text()) for _ in range(BLOCK + 3)]
        self.alice.decrypt(envelopes[0])
        rest, _, _ = message_step(chain)
        seed, chain = block_step(seed)
        keys = []
        for _ in range(3):
            chain, *both = message_step(chain)
            keys.append(both)
        self.alice.decrypt(envelopes[BLOCK + 2])
        kept = [*self.alices, chain, seed, *keys[0], *keys[1]]
        self.remains(live=[*kept, rest])
        self.refused("AUTHENTICATION_FAILED", self.alice.decrypt, changed(envelopes[3]))
        self.remains(live=[*kept, rest])
        below = []
        for _ in range(2):
            rest, *both = message_step(rest)
            below += both
        rest, _, _ = message_step(rest)
        self.alice.decrypt(envelopes[3])
        self.remains(live=[*kept, *below, rest])
        self.alice.decrypt(envelopes[BLOCK])
        self.alice.decrypt(envelopes[1])
        kept = [*self.alices, chain, seed, *keys[1], *below[2:], rest]
        self.remains(live=kept)
        key, sealed = self.check_export(self.alice.receiver, kept[len(self.alices):])
        self.remains(live=kept)
        cut = self.cut(key, sealed)
        self.refused("MALFORMED", self.there.group_receiver_import, self.alice.identity, self.roster, key, cut)
        self.remains(live=kept)
        again = self.there.group_receiver_import(self.alice.identity, self.roster, key, sealed)
        self.there.end(self.alice.receiver)
        self.remains(live=kept)
        self.there.end(again)
        self.remains(live=self.alices)

    def test_a_batch_leaves_what_single_messages_leave(self):
        chain, seed = self.receiver()
        envelopes = [self.bob.encrypt(self.text()) for _ in range(6)]
        for bad, read in ((2, 3), (None, 0)):
            given = [changed(e, -70) if at == bad else e for at, e in enumerate(envelopes)]
            self.batch(given)
            if bad is not None:
                # What follows a message that was refused names it, and is read itself.
                passed = chain
                for _ in range(bad):
                    passed, _, _ = message_step(passed)
                _, key, commitment = message_step(passed)
            for _ in range(0 if bad is None else 6):
                chain, _, _ = message_step(chain)
            self.remains(live=[*self.alices, chain, seed, *((key, commitment) if bad is not None else ())])

    def batch(self, envelopes):
        room = sum(map(len, envelopes))
        results = bytes_(24 * len(envelopes))
        out, length = bytes_(room), bytes_(8)
        self.there.check(self.there.c.sealwax_group_receiver_decrypt_batch(
            self.alice.receiver.token, Slices(envelopes), len(envelopes), NOW, out, room, length, results))

    def test_a_retired_key_goes_when_its_window_closes(self):
        old = self.receiver()
        self.bob.rotate()
        new = self.install(NOW + 1)
        self.remains(live=[*self.alices, *old, *new])
        self.alice.receiver.retire(NOW + 1 + WINDOW)
        self.remains(live=[*self.alices, *new])

    def test_the_keys_of_a_removed_member_go_at_once(self):
        self.receiver()
        entry = self.roster.propose_remove(self.alice.identity, "bob", NOW)
        self.roster.apply(entry, NOW)
        self.alice.receiver.retire(NOW)
        self.remains(live=self.alices)

    def test_retained_keys_go_with_the_receiver(self):
        chain, seed = self.receiver(retain_history=True)
        self.alice.decrypt(self.bob.encrypt(self.text()))
        after, _, _ = message_step(chain)
        self.remains(live=[*self.alices, chain, after, seed])
        self.there.end(self.alice.receiver)
        self.remains(live=self.alices)
        self.there.end(self.roster)
        self.there.end(self.alice.identity)
        self.remains()

    def test_history_that_was_shared_leaves_nothing_on_its_way(self):
        chain, seed = self.receiver(retain_history=True)
        self.alice.decrypt(self.bob.encrypt(self.text()))
        key_id = self.bob.sender.key_id
        self.bob.rotate()
        new = self.install(NOW + 1)
        self.alice.receiver.retire(NOW + 1 + WINDOW)
        self.remains(live=[*self.alices, chain, seed, *new])
        session = self.alice.session_with(self.bob)
        envelope = self.alice.receiver.share_history(session, "bob", key_id, 0, NOW + 1 + WINDOW)
        self.bob.install_history(self.alice, envelope)
        self.end_session()
        self.remains(live=[*self.alices, chain, seed, *new])

    def test_a_refused_distribution_leaves_nothing(self):
        self.alice.receiver = self.alice.new_receiver()
        self.bob.session_with(self.alice)
        session = self.alice.hear(self.bob, self.bob.say(self.alice, 1, b"\0", NOW))
        ratchet = self.bob.session_with(self.alice).active().ratchet
        root, chain = ratchet.root, ratchet.sending.key
        envelope = self.bob.distribution(self.alice, group_id=bytes(32))
        self.refused("WRONG_GROUP", self.alice.receiver.install, session, envelope, NOW)
        self.there.end(session)
        self.remains(live=self.alices)
        self.assertNotEqual(root, chain)
