"""Groups."""

from __future__ import annotations

import sealwax
from case import KEY, NOW, Case
from sealwax import Envelope, GroupReceiver, GroupSender, Identity, Kind, Roster, Session

DAY = 86_400_000


class Groups(Case):
    """Alice founds a group with Bob and sends; each has a roster of their own."""

    def setUp(self) -> None:
        self.alice, self.bob, self.carol = (Identity(user, now_ms=NOW) for user in ("alice", "bob", "carol"))
        self.alices = Roster.create(self.alice, "team", [self.bob.card()], now_ms=NOW)
        self.bobs = Roster.open(self.alices.log())
        self.to_bob = Session.initiate(
            self.alice, self.bob.card(), self.bob.prekeys(1, now_ms=NOW), now_ms=NOW
        )
        self.to_alice = Session.accept(self.bob, self.to_bob.encrypt(b"hello", now_ms=NOW), now_ms=NOW)
        self.sender = GroupSender(self.alice, self.alices, now_ms=NOW)
        self.receiver = GroupReceiver(self.bob, self.bobs, now_ms=NOW)
        for handle in vars(self).copy().values():
            if isinstance(handle, sealwax._handle.Handle):
                self.addCleanup(handle.close)

    def tearDown(self) -> None:
        self.doCleanups()
        super().tearDown()

    def apply(self, entry: bytes) -> None:
        self.alices.apply(entry, now_ms=NOW)
        self.bobs.apply(entry, now_ms=NOW)

    def distribute(self) -> None:
        envelope = self.sender.distribute(self.to_bob, now_ms=NOW)
        self.receiver.install(self.to_alice, envelope, now_ms=NOW)

    def add_carol(self) -> None:
        self.apply(self.alices.propose_add(self.alice, [self.carol.card()], now_ms=NOW))

    def test_a_member_reads_what_another_sends(self) -> None:
        self.distribute()
        for text in (b"", b"hello, all", bytes(sealwax.MESSAGE_MAX)):
            envelope = self.sender.encrypt(text, now_ms=NOW)
            self.assertEqual(self.receiver.decrypt(envelope, now_ms=NOW), text)
        seen = Envelope.parse(envelope)
        self.assertIs(seen.kind, Kind.GROUP)
        self.assertEqual((seen.sender, seen.group, seen.recipient), ("alice", self.alices.group_id, None))

    def test_many_members_get_a_key_in_one_call_and_one_who_may_not_hinders_none(self) -> None:
        carol, dave = self.carol, Identity("dave", now_ms=NOW)
        self.addCleanup(dave.close)
        roster = Roster.create(self.alice, "team", [self.bob.card(), carol.card()], now_ms=NOW)
        sessions = [self.to_bob]
        for peer in (dave, carol):
            prekeys = peer.prekeys(1, now_ms=NOW)
            sessions.append(Session.initiate(self.alice, peer.card(), prekeys, now_ms=NOW))
        with roster, GroupSender(self.alice, roster, now_ms=NOW) as sender:
            self.assertEqual(sender.distribute_many([], now_ms=NOW), [])
            self.assertEqual(sender.info()["waiting"], ["bob", "carol"])
            to_bob, to_dave, to_carol = sender.distribute_many(iter(sessions), now_ms=NOW)
            self.assertEqual(sender.info()["waiting"], [])
            self.assertIsInstance(to_dave, sealwax.NotAMemberError)
            assert isinstance(to_bob, bytes) and isinstance(to_carol, bytes)
            message = sender.encrypt(b"hello, all", now_ms=NOW)
            from_alice = Session.accept(carol, to_carol, now_ms=NOW)
            for peer, session, envelope in ((self.bob, self.to_alice, to_bob), (carol, from_alice, to_carol)):
                with GroupReceiver(peer, roster, now_ms=NOW) as receiver:
                    receiver.install(session, envelope, now_ms=NOW)
                    self.assertEqual(receiver.decrypt(message, now_ms=NOW), b"hello, all")
            with self.assertRaises(sealwax.InvalidArgumentError):
                sender.distribute_many([self.to_bob, self.to_bob], now_ms=NOW)
        for handle in (*sessions[1:], from_alice):
            handle.close()

    def test_peek_tells_a_distribution_and_decrypt_leaves_it(self) -> None:
        envelope = self.sender.distribute(self.to_bob, now_ms=NOW)
        seen = self.to_alice.peek(envelope, now_ms=NOW)
        self.assertEqual((seen["content"], seen["group"]), ("distribution", self.bobs.group_id.hex()))
        with self.assertRaises(sealwax.WrongKindError):
            self.to_alice.decrypt(envelope, now_ms=NOW)
        self.receiver.install(self.to_alice, envelope, now_ms=NOW)

    def test_a_message_before_its_key_opens_later(self) -> None:
        envelope = self.sender.encrypt(b"early", now_ms=NOW)
        with self.assertRaises(sealwax.UnknownKeyError):
            self.receiver.decrypt(envelope, now_ms=NOW)
        self.distribute()
        self.assertEqual(self.receiver.decrypt(envelope, now_ms=NOW), b"early")
        with self.assertRaises(sealwax.DuplicateError):
            self.receiver.decrypt(envelope, now_ms=NOW)

    def test_a_backlog_is_read_at_once(self) -> None:
        self.distribute()
        texts = [b"message %d" % number * number for number in range(50)]
        backlog = [self.sender.encrypt(text, now_ms=NOW) for text in texts]
        damaged = bytearray(backlog[20])
        damaged[-1] ^= 1
        backlog[20] = bytes(damaged)
        backlog += [backlog[7], b"", bytes(sealwax.ENVELOPE_MAX + 1)]
        answers = self.receiver.decrypt_batch(map(memoryview, backlog), now_ms=NOW)
        self.assertEqual(answers[:20] + answers[21:50], texts[:20] + texts[21:])
        failed = [answers[20], *answers[50:]]
        names = ["AUTHENTICATION_FAILED", "REPLAY", "MALFORMED", "TOO_LARGE"]
        errors = [error for error in failed if isinstance(error, sealwax.SealwaxError)]
        self.assertEqual([error.name for error in errors], ["SEALWAX_" + name for name in names])
        self.assertEqual(self.receiver.decrypt_batch([], now_ms=NOW), [])

    def test_a_backlog_may_be_longer_than_one_call_takes(self) -> None:
        self.distribute()
        backlog = [self.sender.encrypt(b"", now_ms=NOW)] * 3 + [b"junk"] * sealwax.BATCH_MAX
        backlog += [bytes(1 << 20)] * 70 + [bytes(sealwax.BATCH_BYTES_MAX + 1), b""]
        answers = self.receiver.decrypt_batch(backlog, now_ms=NOW)
        self.assertEqual(answers[0], b"")
        kinds = [type(answer) for answer in answers[1:]]
        self.assertEqual(kinds[:2], [sealwax.DuplicateError] * 2)
        self.assertEqual(set(kinds[2 : 2 + sealwax.BATCH_MAX]), {sealwax.MalformedError})
        self.assertEqual(set(kinds[2 + sealwax.BATCH_MAX : -2]), {sealwax.UnsupportedVersionError})
        self.assertEqual(kinds[-2:], [sealwax.TooLargeError, sealwax.MalformedError])

    def test_a_backlog_is_of_bytes_and_of_an_open_receiver(self) -> None:
        self.distribute()
        envelope = self.sender.encrypt(b"text", now_ms=NOW)
        with self.assertRaises(TypeError):
            self.receiver.decrypt_batch([envelope, "text"], now_ms=NOW)  # type: ignore[list-item]
        self.assertEqual(self.receiver.decrypt_batch([envelope], now_ms=NOW), [b"text"])
        self.receiver.close()
        with self.assertRaises(sealwax.InvalidHandleError):
            self.receiver.decrypt_batch([envelope], now_ms=NOW)

    def test_every_changed_byte_is_refused(self) -> None:
        self.distribute()
        envelope = self.sender.encrypt(b"hello", now_ms=NOW)
        before = self.receiver.revision
        for place in range(0, len(envelope), 7):
            changed = bytearray(envelope)
            changed[place] ^= 1
            with self.assertRaises(sealwax.SealwaxError):
                self.receiver.decrypt(changed, now_ms=NOW)
        self.assertEqual(self.receiver.revision, before)
        self.assertEqual(self.receiver.decrypt(envelope, now_ms=NOW), b"hello")

    def test_a_changed_membership_asks_for_rotation(self) -> None:
        self.distribute()
        self.add_carol()
        self.assertTrue(self.sender.info()["rotation_required"])
        with self.assertRaises(sealwax.RotationRequiredError):
            self.sender.encrypt(b"hello", now_ms=NOW)
        old = self.sender.info()["key_id"]
        self.sender.rotate(now_ms=NOW)
        self.assertNotEqual(self.sender.info()["key_id"], old)
        self.assertEqual(self.sender.info()["waiting"], ["bob", "carol"])
        self.distribute()
        self.assertEqual(
            self.receiver.decrypt(self.sender.encrypt(b"to three", now_ms=NOW), now_ms=NOW), b"to three"
        )

    def test_a_removed_member_is_cut_off(self) -> None:
        self.distribute()
        envelope = self.sender.encrypt(b"hello", now_ms=NOW)
        self.add_carol()
        with Roster.open(self.alices.log()) as carols, GroupReceiver(self.carol, carols, now_ms=NOW):
            self.alices.apply(self.alices.propose_remove(self.alice, "bob", now_ms=NOW), now_ms=NOW)
            self.sender.rotate(now_ms=NOW)
            with self.assertRaises(sealwax.NotAMemberError):
                self.sender.distribute(self.to_bob, now_ms=NOW)
            with self.assertRaises(sealwax.UnknownKeyError):
                self.receiver.decrypt(self.sender.encrypt(b"not for bob", now_ms=NOW), now_ms=NOW)
        # What was sent before is still his.
        self.assertEqual(self.receiver.decrypt(envelope, now_ms=NOW), b"hello")

    def test_the_keys_of_a_removed_sender_go_at_once(self) -> None:
        with GroupSender(self.bob, self.bobs, now_ms=NOW) as sender:
            with GroupReceiver(self.alice, self.alices, now_ms=NOW) as receiver:
                self.to_bob.decrypt(self.to_alice.encrypt(b"answer", now_ms=NOW), now_ms=NOW)
                receiver.install(self.to_bob, sender.distribute(self.to_alice, now_ms=NOW), now_ms=NOW)
                envelope = sender.encrypt(b"hello", now_ms=NOW)
                self.alices.apply(self.alices.propose_remove(self.alice, "bob", now_ms=NOW), now_ms=NOW)
                with self.assertRaises(sealwax.SenderRemovedError):
                    receiver.decrypt(envelope, now_ms=NOW)

    def test_old_keys_open_until_the_window_closes(self) -> None:
        self.distribute()
        envelopes = [self.sender.encrypt(bytes([number]), now_ms=NOW) for number in range(2)]
        self.sender.rotate(now_ms=NOW)
        self.distribute()
        due = self.receiver.retire(now_ms=NOW)
        self.assertEqual(due, NOW + 120_000)
        self.assertEqual(self.receiver.decrypt(envelopes[0], now_ms=NOW + 119_999), b"\x00")
        self.assertIsNone(self.receiver.retire(now_ms=NOW + 120_000))
        with self.assertRaises(sealwax.RetiredKeyError):
            self.receiver.decrypt(envelopes[1], now_ms=NOW + 120_000)

    def test_windows_stand_still_while_catching_up(self) -> None:
        self.distribute()
        old = self.sender.encrypt(b"old", now_ms=NOW)
        self.sender.rotate(now_ms=NOW)
        self.receiver.catch_up(True, now_ms=NOW)
        self.distribute()
        self.assertEqual(self.receiver.decrypt(old, now_ms=NOW + DAY), b"old")
        self.receiver.catch_up(False, now_ms=NOW + DAY)

    def test_options_are_keywords(self) -> None:
        with GroupSender(
            self.alice, self.alices, rotate_messages=1, rotate_ms=5, padding="padme", confirm=True, now_ms=NOW
        ) as sender:
            info = sender.info()
            self.assertEqual((info["padding"], info["confirm"]), ("padme", True))
            sender.distribute(self.to_bob, now_ms=NOW)
            self.assertEqual(sender.info()["waiting"], ["bob"])
            sender.confirm("bob")
            self.assertEqual(sender.info()["waiting"], [])
            length = sender.encrypt_len(5)
            self.assertEqual(len(sender.encrypt(b"12345", now_ms=NOW)), length)
            with self.assertRaises(sealwax.RotationRequiredError):
                sender.encrypt(b"2", now_ms=NOW)
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "'rotate_messages'"):
            GroupSender(self.alice, self.alices, rotate_messages=0)
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "'transition_window_ms'"):
            GroupReceiver(self.bob, self.bobs, transition_window_ms=-1)
        # Each is fine, but not both.
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "SEALWAX_INVALID_OPTIONS"):
            GroupReceiver(self.bob, self.bobs, retain_history=True, history=True)

    def test_export_and_import_go_on(self) -> None:
        self.distribute()
        sealed_sender, sealed_receiver = self.sender.export(KEY, 10), self.receiver.export(KEY)
        with GroupSender.import_(self.alice, self.alices, KEY, sealed_sender) as sender:
            with GroupReceiver.import_(self.bob, self.bobs, KEY, sealed_receiver) as receiver:
                envelope = sender.encrypt(b"again", now_ms=NOW)
                self.assertTrue(Envelope.parse(envelope).resumed)
                self.assertEqual(receiver.decrypt(envelope, now_ms=NOW), b"again")
        with self.assertRaises(sealwax.AuthenticationFailedError):
            GroupSender.import_(self.alice, self.alices, bytes(32), sealed_sender)
        with self.assertRaises(sealwax.WrongKindError):
            GroupReceiver.import_(self.bob, self.bobs, KEY, sealed_sender)

    def test_history_is_shared_explicitly(self) -> None:
        with GroupReceiver(self.bob, self.bobs, retain_history=True, now_ms=NOW) as receiver:
            envelope = self.sender.distribute(self.to_bob, now_ms=NOW)
            receiver.install(self.to_alice, envelope, now_ms=NOW)
            old = self.sender.encrypt(b"before carol", now_ms=NOW)
            receiver.decrypt(old, now_ms=NOW)
            key_id = bytes.fromhex(self.sender.info()["key_id"])
            self.add_carol()
            receiver.retire(now_ms=NOW + DAY)
            later = NOW + DAY
            with Session.initiate(
                self.bob, self.carol.card(), self.carol.prekeys(1, now_ms=later), now_ms=later
            ) as to_carol:
                shared = receiver.share_history(to_carol, "alice", key_id, now_ms=later)
                self.read_history(shared, old, later)

    def read_history(self, shared: bytes, old: bytes, later: int) -> None:
        with Session.accept(self.carol, shared, now_ms=later) as from_bob:
            with Roster.open(self.alices.log()) as carols:
                with GroupReceiver(self.carol, carols, history=True, now_ms=later) as past:
                    self.assertEqual(from_bob.peek(shared, now_ms=later)["content"], "history")
                    past.install(from_bob, shared, now_ms=later)
                    self.assertEqual(past.decrypt(old, now_ms=later), b"before carol")
                    self.assertEqual(past.info()["senders"][0]["keys"][0]["shared_by"], "bob")

    def test_others_cannot_send_or_receive(self) -> None:
        with self.assertRaises(sealwax.NotAMemberError):
            GroupSender(self.carol, self.alices, now_ms=NOW)
        with self.assertRaises(sealwax.NotAMemberError):
            GroupReceiver(self.carol, self.alices, now_ms=NOW)
        with self.assertRaisesRegex(TypeError, "Session expected, not Identity"):
            self.sender.distribute(self.alice)  # type: ignore[arg-type]

    def test_a_deleted_group_is_over(self) -> None:
        self.apply(self.alices.propose_delete(self.alice, now_ms=NOW))
        with self.assertRaises(sealwax.GroupDeletedError):
            self.sender.encrypt(b"hello", now_ms=NOW)

    def test_a_sender_outlives_the_objects_it_was_made_from(self) -> None:
        self.alice.close()
        self.distribute()
        self.alices.close()
        self.assertEqual(
            self.receiver.decrypt(self.sender.encrypt(b"still", now_ms=NOW), now_ms=NOW), b"still"
        )
