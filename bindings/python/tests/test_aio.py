"""Clients for asyncio, at a relay in a process of its own."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, AsyncIterator, List, Tuple, Type, TypeVar
from unittest import mock

import sealwax
from case import KEY, Case
from relay_process import NAME, PATIENCE, Process
from sealwax import aio, events
from sealwax.aio.client import Options

_Kind = TypeVar("_Kind", bound=events.Event)


async def nothing_else() -> None:
    """Lets whatever is ready go on."""
    for _ in range(20):
        await asyncio.sleep(0)


class Live(Case, unittest.IsolatedAsyncioTestCase):
    """Clients in memory or in files, and relays."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="sealwax-aio-"))
        self.ends = ExitStack()
        self.ends.callback(shutil.rmtree, self.directory)
        self.records = str(self.directory / "records.db")

    async def asyncSetUp(self) -> None:
        # The clients of all people are in this one loop.
        asyncio.get_running_loop().slow_callback_duration = PATIENCE

    def start(self, *arguments: str) -> Process:
        process = Process(*arguments)
        self.ends.callback(process.end, signal.SIGKILL)
        return process

    def tearDown(self) -> None:
        self.ends.close()
        super().tearDown()

    def options(self, process: Process, **options: Any) -> Any:
        pauses = aio.Backoff(0.05, 0.2)
        return {"key": KEY, "relay": f"ws://{process.address}", "relay_name": NAME, "backoff": pauses, **options}

    def created(self, user: str, process: Process, **options: Any) -> aio.Opening:
        return aio.Client.create(user, **self.options(process, **options))

    @asynccontextmanager
    async def two(self, process: Process, **options: Any) -> AsyncIterator[Tuple[aio.Client, aio.Client]]:
        """Alice and Bob, once the relay knows both."""
        async with self.created("alice", process) as alice, self.created("bob", process, **options) as bob:
            for client in (alice, bob):
                await self.told(client, events.Connected)
            yield alice, bob

    async def told(self, client: aio.Client, kind: Type[_Kind], count: int = 1) -> List[_Kind]:
        """The next events of a kind. All up to them are dealt with."""
        return await asyncio.wait_for(self._told(client.__aiter__(), client, kind, count), PATIENCE)

    async def _told(
        self, loop: AsyncIterator[events.Event], client: aio.Client, kind: Type[_Kind], count: int
    ) -> List[_Kind]:
        found: List[_Kind] = []
        async for event in loop:
            if isinstance(event, kind):
                found.append(event)
            if len(found) == count:
                client.confirm(event)
                return found
        raise AssertionError("the events have ended")


class Conversations(Live):
    async def test_two_people_talk(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            message_id = await alice.send_direct("bob", "hello")
            [message] = await self.told(bob, events.Message)
            self.assertEqual((message.user, message.text, message.message_id), ("alice", "hello", message_id))
            [ack] = await self.told(alice, events.Ack)
            self.assertEqual((ack.message_id, ack.state), (message_id, events.State.SENT))
            self.assertTrue(alice.connected and bob.connected)
            self.assertEqual(await alice.safety_number("bob"), await bob.safety_number("alice"))
            self.assertEqual(await alice.card("bob"), await bob.card())

    async def test_a_group_lives_and_ends(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            group = await alice.create_group("team", ["bob"])
            [joined] = await self.told(bob, events.GroupJoined)
            self.assertEqual((joined.group, joined.label), (group, "team"))
            self.assertEqual((await alice.groups(), await bob.groups()), ([group], [group]))
            await alice.send_group(group, b"to all")
            [message] = await self.told(bob, events.GroupMessage)
            self.assertEqual((message.payload, message.is_text), (b"to all", False))
            with self.assertRaises(sealwax.NotPermittedError):
                await bob.remove_member(group, "alice")
            await alice.set_role(group, "bob", sealwax.Role.OWNER)
            await alice.leave_group(group)
            with self.assertRaises(sealwax.NotAMemberError):
                await alice.send_group(group, "still here?")
            self.assertEqual(len((await bob.group_info(group))["members"]), 1)
            self.assertEqual(await bob.delete_group(group), group)

    async def test_a_thousand_messages_at_once_keep_their_order(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            await asyncio.gather(*(alice.send_direct("bob", str(number)) for number in range(1_000)))
            told = await self.told(bob, events.Message, 1_000)
            self.assertEqual([message.text for message in told], [str(number) for number in range(1_000)])
            await asyncio.wait_for(alice.drained(), PATIENCE)
            self.assertEqual((await alice.info())["outbox"], 0)

    async def test_a_message_of_a_megabyte_does_not_stop_the_others(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            large = bytes(1_000_000)
            await asyncio.gather(*(alice.send_direct("bob", large) for _ in range(8)), bob.send_direct("alice", "small"))
            self.assertEqual([each.payload for each in await self.told(bob, events.Message, 8)], [large] * 8)
            self.assertEqual([each.text for each in await self.told(alice, events.Message)], ["small"])

    async def test_calls_of_another_thread_are_sent(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            thread = threading.Thread(target=alice.engine.send_direct, args=("bob", "from a thread"))
            thread.start()
            [message] = await self.told(bob, events.Message)
            thread.join()
            self.assertEqual(message.text, "from a thread")

    async def test_what_is_asked_wrongly_is_refused_and_harms_nobody(self) -> None:
        process = self.start()
        async with self.created("alice", process) as alice:
            with self.assertRaises(sealwax.CallerError):
                await alice.send_direct("", "to nobody")
            with self.assertRaises(TypeError):
                await alice.send_direct("bob", 7)  # type: ignore[arg-type]
            with self.assertRaises(sealwax.UnknownGroupError):
                await alice.group_info(bytes(32))
            with self.assertRaises(sealwax.UnknownGroupError):
                await alice.leave_group(bytes(32))
            await alice.send_direct("nobody", "hello")
            [failed] = await self.told(alice, events.Failed)
            self.assertIsInstance(failed.reason, sealwax.UnknownUserError)


class Connections(Live):
    async def test_a_relay_that_is_killed_and_comes_back_is_found_again(self) -> None:
        process = self.start("--records", self.records)
        async with self.two(process) as (alice, bob):
            await alice.send_direct("bob", "before")
            await self.told(bob, events.Message)
            process.end(signal.SIGKILL)
            await self.told(alice, events.Disconnected)
            [unreachable] = await self.told(alice, aio.Unreachable)
            self.assertIsInstance(unreachable.reason, OSError)
            self.assertFalse(alice.connected)
            # It needs no connection.
            await asyncio.wait_for(alice.send_direct("bob", "meanwhile"), PATIENCE)
            self.start("--records", self.records, "--listen", process.address)
            [message] = await self.told(bob, events.Message)
            self.assertEqual(message.text, "meanwhile")

    async def test_that_it_cannot_be_reached_is_told_once(self) -> None:
        process = self.start()
        process.end()
        with mock.patch.object(aio.Client, "_reach", autospec=True, side_effect=OSError("no network")) as reach:
            async with self.created("alice", process, backoff=aio.Backoff(0.001, 0.001)) as alice:
                await self.told(alice, aio.Unreachable)
                while reach.call_count < 10:
                    await asyncio.sleep(0.01)
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(alice.__aiter__().__anext__(), 0.05)

    async def test_a_relay_of_another_name_is_not_believed(self) -> None:
        process = self.start()
        async with self.created("alice", process, relay_name="other.example") as alice:
            [failure] = await self.told(alice, events.Failure)
            self.assertIsInstance(failure.reason, sealwax.SealwaxError)
            self.assertFalse(alice.connected)

    async def test_the_host_of_the_address_is_the_name_that_is_expected(self) -> None:
        process = self.start("--name", "127.0.0.1")
        options = self.options(process)
        del options["relay_name"]
        async with aio.Client.create("alice", **options) as alice:
            await self.told(alice, events.Connected)

    async def test_one_identity_has_one_connection_and_the_other_gives_way(self) -> None:
        process = self.start()
        path = self.directory / "alice"
        async with self.created("alice", process, path=path, backoff=aio.Backoff(0.05, 600)) as first:
            await self.told(first, events.Connected)
            await first.backup(self.directory / "copy")
            async with aio.Client.open(self.directory / "copy", **self.options(process)) as second:
                [failure] = await self.told(first, events.Failure)
                self.assertIsInstance(failure.reason, sealwax.ReplacedError)
                await self.told(second, events.Connected)
                self.assertTrue(second.connected)

    async def test_addresses_that_are_none_are_refused_at_once(self) -> None:
        for relay in ("http://relay.example", "relay.example:7118", ""):
            with self.assertRaises(ValueError):
                aio.Client.create("alice", key=KEY, relay=relay)
        with self.assertRaises(ValueError):
            aio.Client.create("alice", key=KEY, relay="ws://relay.example", tls=ssl.create_default_context())

    async def test_tls_is_spoken_and_checked(self) -> None:
        command = shutil.which("openssl")
        if command is None:
            self.skipTest("there is no openssl command to make a certificate with")
        files = [str(self.directory / "certificate.pem"), str(self.directory / "key.pem")]
        request = [command, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=relay"]
        request += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
        subprocess.run(request, check=True, stderr=subprocess.DEVNULL, timeout=PATIENCE)
        process = self.start("--certificate", files[0], "--key", files[1])
        relay = f"wss://{process.address}"
        trusted = ssl.create_default_context(cafile=files[0])
        async with self.created("alice", process, relay=relay, tls=trusted) as alice:
            await self.told(alice, events.Connected)
        # The certificate is nobody's whom this system knows.
        async with self.created("bob", process, relay=relay) as bob:
            [unreachable] = await self.told(bob, aio.Unreachable)
            self.assertIsInstance(unreachable.reason, ssl.SSLCertVerificationError)


class Loops(Live):
    async def prepared(self, bob: aio.Client, alice: aio.Client) -> None:
        for text in ("one", "two", "three"):
            await alice.send_direct("bob", text)

    async def test_an_event_comes_again_unless_the_next_one_was_asked_for(self) -> None:
        process = self.start()
        path = self.directory / "bob"
        async with self.two(process, path=path) as (alice, bob):
            await self.prepared(bob, alice)
            seen: List[Any] = []
            with self.assertRaises(ZeroDivisionError):
                async for event in bob:
                    if isinstance(event, events.Message):
                        seen.append((event.text, event.again))
                        if event.text == "two":
                            raise ZeroDivisionError
            async for event in bob:
                if isinstance(event, events.Message):
                    seen.append((event.text, event.again))
                    break
            self.assertEqual(seen, [("one", False), ("two", False), ("two", True)])
        async with aio.Client.open(path, **self.options(process)) as bob:
            again = await self.told(bob, events.Message, 2)
            self.assertEqual([(each.text, each.again) for each in again], [("two", True), ("three", True)])

    async def test_what_is_confirmed_in_the_loop_does_not_come_again(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            await self.prepared(bob, alice)
            for text in ("one", "two", "three"):
                [message] = await self.told(bob, events.Message)
                self.assertEqual((message.text, message.again), (text, False))

    async def test_a_loop_ends_when_another_begins(self) -> None:
        process = self.start()
        async with self.created("alice", process) as alice:
            await self.told(alice, events.Connected)
            first = asyncio.ensure_future(alice.__aiter__().__anext__())
            await nothing_else()
            second = asyncio.ensure_future(alice.__aiter__().__anext__())
            with self.assertRaisesRegex(RuntimeError, "another loop"):
                await first
            second.cancel()

    async def test_whoever_is_cancelled_while_waiting_loses_no_event(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            loop = bob.__aiter__()
            for _ in range(50):
                waiting = asyncio.ensure_future(loop.__anext__())
                await nothing_else()
                waiting.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    if not isinstance(await waiting, events.Message):
                        raise asyncio.CancelledError
            await self.prepared(bob, alice)
            texts = [each.text for each in await self.told(bob, events.Message, 3)]
            self.assertEqual(texts, ["one", "two", "three"])

    async def test_closing_ends_the_loop(self) -> None:
        process = self.start()
        async with self.created("alice", process) as alice:
            async for _ in alice:
                await alice.close()
            with self.assertRaises(sealwax.InvalidHandleError):
                await alice.send_direct("bob", "hello")
            await alice.close()


class Endings(Live):
    async def test_what_was_said_before_closing_arrives(self) -> None:
        process = self.start()
        async with self.created("bob", process) as bob:
            await self.told(bob, events.Connected)
            async with self.created("alice", process) as alice:
                await alice.send_direct("bob", "first")
                await self.told(bob, events.Message)
                await alice.send_direct("bob", "last")
            [message] = await self.told(bob, events.Message)
            self.assertEqual(message.text, "last")

    async def test_what_waits_for_the_relay_is_told_of_the_end(self) -> None:
        process = self.start()
        process.end()
        async with self.created("alice", process) as alice:
            founding = asyncio.ensure_future(alice.create_group("team"))
            await alice.info()
        with self.assertRaises(sealwax.InvalidHandleError):
            await founding

    async def test_a_call_that_is_cancelled_disturbs_nothing(self) -> None:
        process = self.start()
        async with self.two(process) as (alice, bob):
            calls = [asyncio.ensure_future(alice.send_direct("bob", str(number))) for number in range(50)]
            founding = asyncio.ensure_future(alice.create_group("team", ["bob"]))
            await asyncio.sleep(0)
            for call in [*calls[::2], founding]:
                call.cancel()
            await asyncio.gather(*calls, founding, return_exceptions=True)
            await alice.send_direct("bob", "last")
            texts: List[str] = []
            while "last" not in texts:
                texts += [each.text for each in await self.told(bob, events.Message)]
            numbers = [int(text) for text in texts[:-1]]
            self.assertEqual(numbers, sorted(numbers))
            self.assertLessEqual(set(range(1, 50, 2)), set(numbers))

    async def test_closing_goes_on_when_it_is_cancelled(self) -> None:
        process = self.start()
        alice = await self.created("alice", process)
        await self.told(alice, events.Connected)
        closing = asyncio.ensure_future(alice.close())
        await asyncio.sleep(0)
        closing.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await closing
        await alice.close()

    async def test_opening_that_is_cancelled_leaves_nothing_open(self) -> None:
        process = self.start()
        path = self.directory / "alice"
        opening = asyncio.ensure_future(self.created("alice", process, path=path).__aenter__())
        await asyncio.sleep(0)
        opening.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await opening
        while True:
            try:
                async with aio.Client.open(path, **self.options(process)):
                    return
            except (sealwax.WrongStateError, sealwax.StoreInUseError):
                await asyncio.sleep(0.01)

    async def test_the_past_of_a_group_is_kept_shared_and_read(self) -> None:
        process = self.start()
        frames: List[bytes] = []
        async with self.created("alice", process, retain_history=True, on_frame=frames.append) as alice:
            async with self.created("bob", process) as bob, self.created("carol", process) as carol:
                for client in (alice, bob, carol):
                    await self.told(client, events.Connected)
                group = await alice.create_group("team", ["bob"])
                await self.told(bob, events.GroupJoined)
                await bob.send_group(group, "before you came")
                await self.told(alice, events.GroupMessage)
                delivered = [sealwax.delivered_envelope(frame) for frame in frames]
                past = [one for one in delivered if one and sealwax.Envelope.parse(one).kind is sealwax.Kind.GROUP]
                self.assertEqual(len(past), 1)
                await alice.add_member(group, "carol")
                await self.told(carol, events.GroupJoined)
                # A key is shared once it is out of use.
                await self.told(bob, events.MemberJoined)
                await bob.send_group(group, "welcome")
                await self.told(alice, events.GroupMessage)
                await self.told(carol, events.GroupMessage)
                await alice.share_history(group, "carol")
                for _ in range(100):
                    if await carol.read_shared(group, past):
                        break
                    await asyncio.sleep(0.05)
                [message] = await self.told(carol, events.GroupMessage)
                self.assertEqual((message.user, message.text, message.by), ("bob", "before you came", "alice"))

    async def test_what_is_raised_for_a_frame_ends_the_loop(self) -> None:
        def refuse(frame: bytes) -> None:
            raise LookupError("no room for it")

        process = self.start()
        async with self.created("alice", process, on_frame=refuse) as alice:
            with self.assertRaisesRegex(LookupError, "no room"):
                await self.told(alice, events.Connected)

    async def test_an_identity_that_is_there_is_taken_over(self) -> None:
        process = self.start()
        identity = sealwax.Identity("alice")
        card = identity.card()
        async with aio.Client.create_with(identity, **self.options(process)) as alice:
            await self.told(alice, events.Connected)
            self.assertEqual(await alice.card(), card)
            with self.assertRaises(sealwax.UnknownGroupError):
                await alice.read_shared(bytes(32), [])
        self.assertTrue(identity.closed)

    async def test_a_store_that_cannot_be_opened_says_why(self) -> None:
        process = self.start()
        path = self.directory / "alice"
        with self.assertRaises(sealwax.WrongStateError):
            await aio.Client.open(path, **self.options(process))
        async with self.created("alice", process, path=path):
            with self.assertRaises(sealwax.StoreInUseError):
                await aio.Client.open(path, **self.options(process))

    async def test_a_store_that_fails_ends_everything_with_its_reason(self) -> None:
        process = self.start()
        async with self.created("alice", process) as alice:
            await self.told(alice, events.Connected)
            waiting = asyncio.ensure_future(alice.__aiter__().__anext__())
            await nothing_else()
            with mock.patch.object(sealwax.Client, "pending", side_effect=sealwax.StoreIOError("full")):
                with self.assertRaises(sealwax.StoreIOError):
                    await alice.send_direct("bob", "hello")
            with self.assertRaises(sealwax.StoreIOError):
                await waiting
            with self.assertRaises(sealwax.StoreIOError):
                await alice.send_direct("bob", "hello")
            # It lets the connection go.
            await asyncio.get_running_loop().run_in_executor(None, lambda: process.event("disconnected", user="alice"))

    async def test_it_is_made_in_two_ways_alone(self) -> None:
        with self.assertRaises(TypeError):
            aio.Client()
        process = self.start()
        opening = self.created("alice", process)
        async with opening:
            with self.assertRaises(RuntimeError):
                await opening


class Examples(Live):
    async def test_a_client_that_answers_is_as_the_readme_shows_it(self) -> None:
        package = Path(__file__).resolve().parent.parent
        program = package / "examples" / "echo.py"
        readme = (package / "README.md").read_text(encoding="utf-8")
        self.assertIn(f"```py\n{program.read_text(encoding='utf-8')}```", readme)
        process = self.start("--name", "127.0.0.1")
        command = [sys.executable, str(program), "bob", f"ws://{process.address}"]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        echo = subprocess.Popen(command, env=environment)
        self.ends.callback(echo.wait, PATIENCE)
        self.ends.callback(echo.kill)
        async with self.created("alice", process, relay_name="127.0.0.1") as alice:
            await asyncio.get_running_loop().run_in_executor(None, lambda: process.event("welcomed", user="bob"))
            await alice.send_direct("bob", "hello")
            [answer] = await self.told(alice, events.Message)
            self.assertEqual(answer.text, "You said: hello")


class Signatures(Case):
    def test_all_options_of_a_client_are_taken(self) -> None:
        self.assertEqual(set(Options.__annotations__) - set(sealwax.ClientOptions.__annotations__),
                         {"relay_name", "tls", "headers", "backoff", "on_frame"})

    def test_each_call_of_a_client_is_there(self) -> None:
        of_the_host = {"connected", "disconnected", "receive", "tick", "pending", "next_frame", "frames"}
        of_the_host |= {"next_event", "events", "on_wake", "revision", "closed"}
        for name in dir(sealwax.Client):
            if name.startswith("_") or name in of_the_host:
                continue
            with self.subTest(name):
                self.assertTrue(hasattr(aio.Client, name))
                if name in ("create", "create_with", "open"):
                    continue
                theirs = set(inspect.signature(getattr(sealwax.Client, name)).parameters) - {"now_ms"}
                self.assertEqual(set(inspect.signature(getattr(aio.Client, name)).parameters), theirs)


if __name__ == "__main__":
    unittest.main()
