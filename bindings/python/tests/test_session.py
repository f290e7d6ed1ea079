"""Sessions."""

from __future__ import annotations

import threading
from typing import List

import sealwax
from case import KEY, NOW, Case
from sealwax import Envelope, Identity, Kind, Session, inspect_card

HOUR = 3_600_000


class Sessions(Case):
    def setUp(self) -> None:
        self.alice, self.bob = Identity("alice", now_ms=NOW), Identity("bob", now_ms=NOW)
        self.to_bob = Session.initiate(
            self.alice, self.bob.card(), self.bob.prekeys(1, now_ms=NOW), now_ms=NOW
        )
        self.first = self.to_bob.encrypt(b"hello", now_ms=NOW)
        self.to_alice = Session.accept(self.bob, self.first, now_ms=NOW)
        for handle in (self.alice, self.bob, self.to_bob, self.to_alice):
            self.addCleanup(handle.close)

    def tearDown(self) -> None:
        self.doCleanups()
        super().tearDown()

    def test_messages_go_both_ways(self) -> None:
        self.assertEqual(self.to_alice.decrypt(self.first, now_ms=NOW), b"hello")
        for text in (b"", b"answer", bytes(100_000)):
            self.assertEqual(self.to_bob.decrypt(self.to_alice.encrypt(text)), text)
            self.assertEqual(self.to_alice.decrypt(self.to_bob.encrypt(text)), text)

    def test_any_buffer_is_a_message(self) -> None:
        envelope = bytearray(self.to_bob.encrypt(memoryview(bytearray(b"hello")), now_ms=NOW))
        self.assertEqual(self.to_alice.decrypt(envelope, now_ms=NOW), b"hello")
        with self.assertRaisesRegex(TypeError, "plaintext must be bytes, not str"):
            self.to_bob.encrypt("hello")  # type: ignore[arg-type]

    def test_the_largest_message_fits_and_no_larger_one(self) -> None:
        largest = bytes(sealwax.MESSAGE_MAX)
        envelope = self.to_bob.encrypt(largest, now_ms=NOW)
        self.assertLessEqual(len(envelope), sealwax.ENVELOPE_MAX)
        self.assertEqual(self.to_alice.decrypt(envelope, now_ms=NOW), largest)
        with self.assertRaises(sealwax.TooLargeError):
            self.to_bob.encrypt(largest + b"x")

    def test_the_length_is_known_before(self) -> None:
        self.assertEqual(self.to_bob.encrypt_len(5), len(self.to_bob.encrypt(b"12345")))
        with self.assertRaises(sealwax.InvalidArgumentError):
            self.to_bob.encrypt_len(-1)

    def test_order_does_not_matter(self) -> None:
        envelopes = [self.to_bob.encrypt(bytes([number]), now_ms=NOW) for number in range(5)]
        read = [self.to_alice.decrypt(envelope, now_ms=NOW) for envelope in reversed(envelopes)]
        self.assertEqual(read, [bytes([number]) for number in reversed(range(5))])

    def test_a_repeated_message_is_a_duplicate_and_later_a_replay(self) -> None:
        self.to_alice.decrypt(self.first, now_ms=NOW)
        with self.assertRaises(sealwax.DuplicateError) as caught:
            self.to_alice.decrypt(self.first, now_ms=NOW)
        self.assertIsInstance(caught.exception, sealwax.MessageStateError)
        for _ in range(40):
            self.to_alice.decrypt(self.to_bob.encrypt(b"more", now_ms=NOW), now_ms=NOW)
        with self.assertRaises(sealwax.ReplayError):
            self.to_alice.decrypt(self.first, now_ms=NOW)
        with self.assertRaises(sealwax.ReplayError):
            Session.accept(self.bob, self.first, now_ms=NOW)

    def test_a_changed_message_is_refused_and_changes_nothing(self) -> None:
        self.to_alice.decrypt(self.first, now_ms=NOW)
        envelope = self.to_bob.encrypt(b"hello", now_ms=NOW)
        before = self.to_alice.revision
        changed = bytearray(envelope)
        changed[-1] ^= 1
        with self.assertRaises(sealwax.AuthenticationError):
            self.to_alice.decrypt(changed, now_ms=NOW)
        with self.assertRaises(sealwax.ObjectError):
            self.to_alice.decrypt(envelope[:-1], now_ms=NOW)
        self.assertEqual(self.to_alice.revision, before)
        self.assertEqual(self.to_alice.decrypt(envelope, now_ms=NOW), b"hello")

    def test_a_message_of_others_is_refused(self) -> None:
        with Identity("carol", now_ms=NOW) as carol:
            with self.assertRaises(sealwax.WrongRecipientError):
                Session.accept(carol, self.first, now_ms=NOW)
            with Session.initiate(carol, self.bob.card(), self.bob.prekeys(0), now_ms=NOW) as session:
                with self.assertRaises(sealwax.WrongSessionError):
                    self.to_alice.decrypt(session.encrypt(b"hello"), now_ms=NOW)

    def test_peek_tells_and_changes_nothing(self) -> None:
        seen = self.to_alice.peek(self.first, now_ms=NOW)
        self.assertEqual((seen["content"], seen["timestamp_ms"]), ("data", NOW + 1))
        self.assertEqual(self.to_alice.decrypt(self.first, now_ms=NOW), b"hello")

    def test_export_and_import_go_on(self) -> None:
        self.to_alice.decrypt(self.first, now_ms=NOW)
        sealed = self.to_bob.export(KEY)
        with Session.import_(self.alice, KEY, sealed) as again:
            envelope = again.encrypt(b"again", now_ms=NOW)
            self.assertEqual(self.to_alice.decrypt(envelope, now_ms=NOW), b"again")
        with self.assertRaises(sealwax.AuthenticationFailedError):
            Session.import_(self.alice, bytes(32), sealed)
        with self.assertRaises(sealwax.WrongKindError):
            Identity.import_(KEY, sealed)

    def test_a_lease_spares_exports(self) -> None:
        self.to_alice.decrypt(self.first, now_ms=NOW)
        sealed = self.to_bob.export(KEY, 10)
        for _ in range(10):
            self.to_alice.decrypt(self.to_bob.encrypt(b"under the lease", now_ms=NOW), now_ms=NOW)
        with Session.import_(self.alice, KEY, sealed) as again:
            envelope = again.encrypt(b"after it", now_ms=NOW)
            self.assertEqual(self.to_alice.decrypt(envelope, now_ms=NOW), b"after it")
        with self.assertRaises(sealwax.CallerError):
            self.to_bob.export(KEY, 1_001)
        self.to_bob.decrypt(self.to_alice.encrypt(b"an answer", now_ms=NOW), now_ms=NOW)
        with self.assertRaises(sealwax.WrongStateError):
            self.to_bob.export(KEY, 1)
        self.to_bob.export(KEY)

    def test_prekeys_may_be_required(self) -> None:
        with self.assertRaises(sealwax.PrekeysRequiredError):
            Session.initiate(self.alice, self.bob.card(), now_ms=NOW)
        with Identity("dave", prekeys_required=False, now_ms=NOW) as dave:
            with Session.initiate(self.alice, dave.card(), now_ms=NOW) as session:
                with Session.accept(dave, session.encrypt(b"plain", now_ms=NOW), now_ms=NOW) as other:
                    self.assertEqual(other.info()["inner"][0]["level"], 0)

    def test_options_are_keywords(self) -> None:
        pinned = inspect_card(self.bob.card())["fingerprint"]
        with Session.initiate(
            self.alice,
            self.bob.card(),
            self.bob.prekeys(1, now_ms=NOW),
            hidden_header=True,
            padding="padme",
            peer_fingerprint=pinned,
            now_ms=NOW,
        ) as session:
            self.assertEqual(session.info()["padding"], "padme")
            self.assertTrue(Envelope.parse(session.encrypt(b"x", now_ms=NOW)).hidden_header)
        with self.assertRaises(sealwax.IdentityChangedError):
            Session.initiate(
                self.alice, self.bob.card(), self.bob.prekeys(1, now_ms=NOW), peer_fingerprint="00" * 32
            )
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "'padding'"):
            Session.accept(self.bob, self.first, padding="much")

    def test_a_session_is_renewed(self) -> None:
        self.to_alice.decrypt(self.first, now_ms=NOW)
        self.to_bob.decrypt(self.to_alice.encrypt(b"answer", now_ms=NOW), now_ms=NOW)
        later = NOW + 2 * HOUR
        self.to_bob.renew(self.bob.card(), self.bob.prekeys(1, now_ms=later), now_ms=later)
        with self.assertRaises(sealwax.RateLimitedError):
            self.to_bob.renew(self.bob.card(), self.bob.prekeys(1, now_ms=later), now_ms=later)
        envelope = self.to_bob.encrypt(b"renewed", now_ms=later)
        self.assertEqual(Envelope.parse(envelope).kind, Kind.SESSION_FIRST)
        before = self.bob.revision
        self.assertEqual(self.to_alice.decrypt(envelope, now_ms=later), b"renewed")
        self.assertGreater(self.bob.revision, before)

    def test_a_session_outlives_the_object_of_its_identity(self) -> None:
        self.bob.close()
        self.assertEqual(self.to_alice.decrypt(self.first, now_ms=NOW), b"hello")

    def test_threads_encrypt_and_decrypt_side_by_side(self) -> None:
        self.to_alice.decrypt(self.first, now_ms=NOW)
        read: List[bytes] = []
        errors: List[BaseException] = []

        def work(number: int) -> None:
            try:
                for count in range(25):
                    envelope = self.to_bob.encrypt(bytes([number, count]), now_ms=NOW)
                    read.append(self.to_alice.decrypt(envelope, now_ms=NOW))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual(sorted(read), [bytes([number, count]) for number in range(4) for count in range(25)])
