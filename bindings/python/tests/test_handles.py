"""What all objects share: how they end, and what is refused."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import unittest
from typing import Any, Callable, List, Tuple

import sealwax
from case import KEY, NOW, Case
from sealwax import Identity, Relay, Roster, Session
from sealwax._handle import Handle


def run(program: str) -> Tuple[int, bytes]:
    """Runs a program of its own; gives its status and what it says on the error stream."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
        stderr=subprocess.PIPE,
        timeout=60,
    )
    return done.returncode, done.stderr


class Ends(Case):
    def test_close_ends_an_object_and_may_be_repeated(self) -> None:
        alice = Identity("alice")
        self.assertEqual(sealwax.live_handles(), 1)
        self.assertFalse(alice.closed)
        alice.close()
        self.assertEqual(sealwax.live_handles(), 0)
        self.assertTrue(alice.closed)
        alice.close()

    def test_a_with_block_ends_an_object_also_after_an_error(self) -> None:
        with self.assertRaises(ZeroDivisionError), Identity("alice"):
            raise ZeroDivisionError
        self.assertEqual(sealwax.live_handles(), 0)

    def test_garbage_collection_ends_an_object(self) -> None:
        alice = Identity("alice")
        alice.itself = alice  # type: ignore[attr-defined]
        del alice
        gc.collect()
        self.assertEqual(sealwax.live_handles(), 0)

    def test_a_failed_constructor_leaves_nothing(self) -> None:
        with self.assertRaises(sealwax.InvalidTextError):
            Identity("")
        gc.collect()
        self.assertEqual(sealwax.live_handles(), 0)

    def test_the_end_of_the_program_ends_all_objects(self) -> None:
        program = "import sealwax; kept = sealwax.Identity('alice'); kept.itself = kept"
        self.assertEqual(run(program), (0, b""))

    def test_use_after_close_raises(self) -> None:
        alice = Identity("alice")
        alice.close()
        calls: List[Callable[[], Any]] = [
            alice.card,
            alice.info,
            lambda: alice.export(KEY),
            lambda: alice.revision,
            lambda: Roster.create(alice, "team"),
        ]
        for call in calls:
            with self.assertRaisesRegex(sealwax.InvalidHandleError, "Identity is closed"):
                call()


class Refusals(Case):
    def test_pickle_and_copy_are_refused_and_name_the_way(self) -> None:
        with Identity("alice") as alice, Roster.create(alice, "team") as roster:
            for way in (copy.copy, copy.deepcopy, pickle.dumps):
                with self.assertRaisesRegex(TypeError, "use export and Identity.import_"):
                    way(alice)
                with self.assertRaisesRegex(TypeError, r"log\(\).*Roster.open"):
                    way(roster)

    def test_every_class_says_how_it_is_made_and_stored(self) -> None:
        for kind in Handle.__subclasses__():
            self.assertTrue(kind._made)
            self.assertTrue(kind._stored)

    def test_a_class_without_a_constructor_says_how_it_is_made(self) -> None:
        with self.assertRaisesRegex(TypeError, "Roster is made by Roster.create or Roster.open"):
            Roster()

    def test_a_relay_and_a_session_name_their_ways_too(self) -> None:
        with Identity("alice") as alice, Identity("bob") as bob, Relay() as relay:
            with Session.initiate(alice, bob.card(), bob.prekeys(1)) as session:
                for way in (copy.copy, copy.deepcopy, pickle.dumps):
                    with self.assertRaisesRegex(TypeError, "use export and Session.import_"):
                        way(session)
                    with self.assertRaisesRegex(TypeError, "store the records"):
                        way(relay)

    def test_another_object_is_a_type_error(self) -> None:
        with Identity("alice") as alice, Roster.create(alice, "team") as roster:
            with self.assertRaisesRegex(TypeError, "Identity expected, not Roster"):
                Roster.create(roster, "team")  # type: ignore[arg-type]
            with self.assertRaisesRegex(TypeError, "Identity expected, not NoneType"):
                roster.propose_leave(None)  # type: ignore[arg-type]


class Revisions(Case):
    def test_the_revision_grows_with_the_state(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            before = alice.revision
            alice.card()
            self.assertEqual(alice.revision, before)
            alice.prekeys(1, now_ms=NOW)
            self.assertGreater(alice.revision, before)


class Threads(Case):
    def test_threads_share_an_object(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            errors: List[BaseException] = []

            def work() -> None:
                try:
                    for _ in range(20):
                        alice.prekeys(1, now_ms=NOW)
                        alice.card()
                except BaseException as error:
                    errors.append(error)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(errors, [])
            self.assertEqual(alice.info()["one_time_prekeys"], 80)

    def test_a_thread_may_close_what_others_use(self) -> None:
        alice = Identity("alice", now_ms=NOW)
        seen: List[BaseException] = []

        def work() -> None:
            try:
                while True:
                    alice.card()
            except BaseException as error:
                seen.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        alice.close()
        for thread in threads:
            thread.join()
        self.assertEqual([type(error) for error in seen], [sealwax.InvalidHandleError] * 3)

    def test_a_call_leaves_other_threads_running(self) -> None:
        # With such an interval no thread is made to give up the interpreter's lock: this one runs before the other is
        # done only if the call gave it up. On a busy machine it may still come too late, so there are some attempts.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(60)
        try:
            self.assertTrue(any(self.runs_beside_a_call() for _ in range(10)))
        finally:
            sys.setswitchinterval(interval)

    def runs_beside_a_call(self) -> bool:
        done: List[bool] = []
        started = threading.Event()
        with Identity("alice", now_ms=NOW) as alice:

            def work() -> None:
                started.set()
                alice.prekeys(1000, now_ms=NOW)
                done.append(True)

            thread = threading.Thread(target=work)
            thread.start()
            started.wait()
            beside = not done
            thread.join()
        return beside


@unittest.skipUnless(hasattr(os, "fork"), "there is no fork on this system")
class Fork(Case):
    def in_child(self, work: Callable[[], None]) -> None:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work()
                code = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        self.assertEqual(status, 0)

    def test_a_child_can_only_close_what_its_parent_made(self) -> None:
        with Identity("alice") as alice:

            def work() -> None:
                with self.assertRaises(sealwax.ForkedError):
                    alice.card()
                with self.assertRaises(sealwax.ForkedError):
                    alice.revision
                alice.close()
                self.assertTrue(alice.closed)
                with Identity("bob") as bob:
                    bob.card()

            self.in_child(work)
            alice.card()

    def test_a_child_that_ends_by_itself_says_nothing(self) -> None:
        program = (
            "import os, sealwax; kept = sealwax.Identity('alice'); child = os.fork();"
            "code = os.waitpid(child, 0)[1] if child else 0; raise SystemExit(code)"
        )
        self.assertEqual(run(program), (0, b""))

    def test_a_child_of_a_busy_parent_is_not_stuck(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            stop = threading.Event()

            def busy() -> None:
                while not stop.is_set():
                    alice.export(KEY)

            threads = [threading.Thread(target=busy) for _ in range(2)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(5):
                    self.in_child(alice.close)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
