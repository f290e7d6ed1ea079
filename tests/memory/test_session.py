"""Sessions: the library answers or starts, and the other implementation knows every key."""

import ctypes

from scene import NOW, Scene, changed
from session import chain_step
from test_live_sessions import Here


def header_keys(ratchet):
    """All four of a conversation with hidden headers."""
    keys = [ratchet.send_header_key, ratchet.next_send_header_key, ratchet.receive_header_key,
            ratchet.next_receive_header_key]
    return [key for key in keys if key is not None]


class Sessions(Scene):
    """`here` is Alice, in the other implementation, and `there` Bob, in the subject."""

    def setUp(self):
        super().setUp()
        self.alice = Here("alice")
        self.bob = self.there.identity_new("bob", '{"prekeys_required":false}', NOW)
        self.bundle = self.bob.prekeys(1, NOW)
        *self.bobs, self.one_time = self.private(self.bob.card() + self.bundle)

    @property
    def ratchet(self):
        """Alice's side, whose keys are Bob's."""
        return self.alice.session.active().ratchet

    def accept(self, hidden=False):
        """Alice has written a first message, and Bob answers it with a session. Neither has read more."""
        self.hidden = hidden
        self.alice.initiate(self.bob.card(), self.bundle, hidden)
        self.root, self.chain = self.ratchet.root, self.ratchet.sending.key
        self.first_text = self.text()
        self.first = self.alice.encrypt(self.first_text, NOW)
        self.session = self.there.session_accept(self.bob, self.first, "", NOW)

    def of_session(self, *keys):
        return [*self.bobs, *keys, *(header_keys(self.ratchet) if self.hidden else ())]

    def each_kind(self, story):
        for hidden in (False, True):
            with self.subTest(hidden=hidden):
                if hidden:
                    self.doCleanups()
                    self.setUp()
                story(hidden)

    def test_a_refused_first_message_leaves_nothing(self):
        def story(hidden):
            self.alice.initiate(self.bob.card(), self.bundle, hidden)
            first = self.alice.encrypt(self.text(), NOW)
            self.refused("AUTHENTICATION_FAILED", self.there.session_accept, self.bob, changed(first), "", NOW)
            self.remains(live=[*self.bobs, self.one_time])

        self.each_kind(story)

    def test_an_accepted_handshake_leaves_its_keys_and_not_the_one_time_prekey(self):
        def story(hidden):
            self.accept(hidden)
            self.remains(live=self.of_session(self.root, self.chain))
            self.there.end(self.session)
            self.remains(live=self.bobs)
            self.there.end(self.bob)
            self.remains()

        self.each_kind(story)

    def test_a_message_that_was_read_leaves_neither_its_key_nor_its_text(self):
        def story(hidden):
            self.accept(hidden)
            for _ in range(2):
                with self.kept():
                    self.assertEqual(self.session.decrypt(self.first, NOW), self.first_text)
                self.remains(live=self.of_session(self.root, self.ratchet.sending.key), output=[self.first_text])
                self.session.info()
                self.remains(live=self.of_session(self.root, self.ratchet.sending.key))
                self.first_text = self.text()
                self.first = self.alice.encrypt(self.first_text, NOW)

        self.each_kind(story)

    def test_a_refused_message_leaves_nothing_of_the_attempt(self):
        def story(hidden):
            self.accept(hidden)
            self.session.decrypt(self.first, NOW)
            chain = self.ratchet.sending.key
            envelopes = [self.alice.encrypt(self.text(), NOW) for _ in range(4)]
            for envelope in envelopes[0], envelopes[3]:
                for at in (-1, -20, -60):
                    with self.kept():
                        self.refused("AUTHENTICATION_FAILED", self.decrypt_with_room, changed(envelope, at))
                    self.remains(live=self.of_session(self.root, chain))

        self.each_kind(story)

    def decrypt_with_room(self, envelope, room=None):
        """As a caller does who makes the buffer as large as the envelope."""
        room = len(envelope) if room is None else room
        out, length = ctypes.create_string_buffer(max(room, 1)), ctypes.c_size_t()
        status = self.there.c.sealwax_session_decrypt(
            self.session.token, ctypes.c_char_p(envelope), ctypes.c_size_t(len(envelope)), ctypes.c_uint64(NOW), out,
            ctypes.c_size_t(room), ctypes.byref(length))
        return self.there.check(status) or out.raw[: length.value]

    def test_a_buffer_that_is_too_small_gets_nothing_and_nothing_remains(self):
        self.accept()
        with self.kept():
            for room in (0, len(self.first_text) - 1):
                self.refused("BUFFER_TOO_SMALL", self.decrypt_with_room, self.first, room)
                self.remains(live=self.of_session(self.root, self.chain))
        self.session.peek(self.first, NOW)
        self.remains(live=self.of_session(self.root, self.chain))

    def test_keys_that_were_passed_over_are_kept_until_they_are_used(self):
        def story(hidden):
            self.accept(hidden)
            self.session.decrypt(self.first, NOW)
            chain, keys, envelopes = self.ratchet.sending.key, [], []
            for _ in range(5):
                envelopes.append(self.alice.encrypt(self.text(), NOW))
                chain, key = chain_step(chain)
                keys.append(key)
            self.session.decrypt(envelopes[4], NOW)
            self.remains(live=self.of_session(self.root, chain, *keys[:4]))
            self.session.decrypt(envelopes[1], NOW)
            self.refused("AUTHENTICATION_FAILED", self.session.decrypt, changed(envelopes[2]), NOW)
            self.remains(live=self.of_session(self.root, chain, keys[0], keys[2], keys[3]))
            for at in (0, 2, 3):
                self.session.decrypt(envelopes[at], NOW)
            self.remains(live=self.of_session(self.root, chain))
            self.session.decrypt(self.alice.encrypt(self.text(), NOW), NOW)
            self.remains(live=self.of_session(self.root, self.ratchet.sending.key))

        self.each_kind(story)

    def test_turns_erase_the_keys_before_them(self):
        def story(hidden):
            self.accept(hidden)
            self.session.decrypt(self.first, NOW)
            passed = self.alice.encrypt(self.text(), NOW)
            self.session.decrypt(self.alice.encrypt(self.text(), NOW), NOW)
            skipped = chain_step(chain_step(self.chain)[0])[1]
            late = [skipped, self.ratchet.send_header_key] if hidden else [skipped]
            receiving = self.ratchet.sending.key
            for _ in range(2):
                drawn, text = len(self.drawn), self.text()
                answer = self.session.encrypt(text, NOW)
                (own,) = self.drawn[drawn:]
                self.assertEqual(self.alice.decrypt(answer, NOW), text)
                state = self.of_session(self.ratchet.root, self.ratchet.receiving.key, own, receiving, *late)
                self.remains(live=state)
                text = self.text()
                self.assertEqual(self.alice.decrypt(self.session.encrypt(text, NOW), NOW), text)
                state = self.of_session(self.ratchet.root, self.ratchet.receiving.key, own, receiving, *late)
                self.remains(live=state)

                turn = self.alice.encrypt(self.text(), NOW)
                before = [*state] if not hidden else [*self.bobs, *state[len(self.bobs):]]
                self.refused("AUTHENTICATION_FAILED", self.session.decrypt, changed(turn), NOW)
                self.remains(live=before)
                self.session.decrypt(turn, NOW)
                receiving = self.ratchet.sending.key
                self.remains(live=self.of_session(self.ratchet.root, receiving, *late))
            state = self.of_session(self.ratchet.root, receiving, *late)
            key, sealed = self.check_export(self.session, state[len(self.bobs):], 0)
            self.remains(live=state)
            self.refused("MALFORMED", self.there.session_import, self.bob, key, self.cut(key, sealed))
            self.remains(live=state)
            again = self.there.session_import(self.bob, key, sealed)
            self.there.end(self.session)
            self.remains(live=state)
            again.decrypt(passed, NOW)
            self.remains(live=self.of_session(self.ratchet.root, receiving))
            self.there.end(again)
            self.there.end(self.bob)
            self.remains()

        self.each_kind(story)

    def test_who_starts_keeps_no_ephemeral_key(self):
        for level in (0, 1, 2):
            with self.subTest(level=level):
                drawn = len(self.drawn)
                bundle = self.alice.bundle(level)
                session = self.there.session_initiate(self.bob, self.alice.card(), bundle, "", NOW)
                ephemeral, own = self.drawn[drawn:]
                live = [*self.bobs, self.one_time]
                text = self.text()
                self.assertEqual(self.alice.decrypt(session.encrypt(text, NOW), NOW), text)
                self.remains(live=[*live, own, self.ratchet.root, self.ratchet.receiving.key])
                self.assertNotEqual(ephemeral, own)
                self.there.end(session)
                self.remains(live=live)
                self.alice.session = None

    def test_a_renewal_and_a_refused_one(self):
        self.accept()
        self.session.decrypt(self.first, NOW)
        chain, drawn = self.ratchet.sending.key, len(self.drawn)
        other = Here("alice")
        self.refused("IDENTITY_CHANGED", self.session.renew, other.card(), other.bundle(2), NOW)
        self.remains(live=self.of_session(self.root, chain))
        self.session.renew(self.alice.card(), self.alice.bundle(2), NOW)
        ephemeral, own = self.drawn[drawn:]
        text = self.text()
        old = self.ratchet
        self.assertEqual(self.alice.decrypt(self.session.encrypt(text, NOW), NOW), text)
        (new,) = (inner.ratchet for inner in self.alice.session.inner.values() if not inner.initiator)
        self.remains(live=[*self.bobs, old.root, old.sending.key, own, new.root, new.receiving.key])
