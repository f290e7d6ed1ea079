"""The act of `make demo` with a relay in C that turns hostile, and clients in C and in Python on the low-level calls."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
from pathlib import Path
from typing import List, Optional

from demo_stage import PATIENCE_S, Differs, Program, heading, is_in
from frames import Frame, Type, put, take
from sealwax import Envelope, Identity, Kind, inspect_card

HERE = Path(__file__).resolve().parent


class Relay(Program):
    """The relay process. What its owner could do, we order it to do."""

    def __init__(self, programs: Path, log: Path) -> None:
        super().__init__("relay", str(programs / "relay"), "--hostile", "--log", str(log))
        self.log = log
        self.port = int(self.expect_start("listening on 127.0.0.1:"))
        if not log.exists():
            raise Differs("the relay keeps no record")

    def seen(self) -> List[Frame]:
        """Every frame that has arrived, as the relay itself kept it."""
        stream, frames = self.log.read_bytes(), []
        while True:
            frame, taken = take(stream)
            if frame is None:
                return frames
            frames.append(frame)
            stream = stream[taken:]

    def envelopes(self, since: int, kind: Kind, recipient: Optional[str] = None) -> List[bytes]:
        sent = [frame.payload for frame in self.seen()[since:] if frame.type == Type.SEND]
        headers = [(envelope, Envelope.parse(envelope)) for envelope in sent]
        return [e for e, header in headers if header.kind == kind and header.recipient == recipient]

    def entries(self) -> List[bytes]:
        return [frame.payload for frame in self.seen() if frame.type == Type.COMMIT]

    def card_of(self, user: str) -> bytes:
        cards = [frame.card for frame in self.seen() if frame.type == Type.HELLO]
        return next(card for card in cards if inspect_card(card)["user"] == user)

    def order(self, verb: str, user: str, *what: bytes) -> None:
        shown = "".join(f" <{len(bytes_)} bytes>" for bytes_ in what)
        self.type(" ".join([verb, user, *(bytes_.hex() for bytes_ in what)]), show=f"{verb} {user}{shown}")
        self.expect(f"obeyed: {verb} {user}")


class Story:
    def __init__(self, programs: Path, log: Path) -> None:
        self.programs = programs
        self.sent: List[str] = []
        heading("A relay, which believes everybody the name they say")
        self.relay = Relay(programs, log)
        self.alice = self.start("alice", "C")
        self.bob = self.start("bob", "Python")
        self.carol = self.start("carol", "C")

    def start(self, name: str, language: str) -> Program:
        if language == "C":
            client = Program(name, str(self.programs / "client"), str(self.relay.port), name)
        else:
            client = Program(name, sys.executable, str(HERE / "client.py"), str(self.relay.port), name)
        client.expect(f"* {name} is here ({language})")
        self.relay.expect(f"hello of {name}, taken on its word")
        return client

    def to(self, sender: Program, recipient: str, text: str) -> None:
        self.sent.append(text)
        sender.type(f"to {recipient} {text}")

    def say(self, sender: Program, text: str) -> None:
        self.sent.append(text)
        sender.type(f"say {text}")

    def direct_messages(self) -> None:
        alice, bob = self.alice, self.bob
        heading("Alice and Bob compare safety numbers, by telephone")
        alice.type("verify bob")
        number = alice.expect_start("* safety number with bob:")
        bob.type("verify alice")
        bob.expect(f"* safety number with alice:{number}")

        heading("Direct messages, both ways, between C and Python")
        self.to(alice, "bob", "Meet me at the lighthouse at nine.")
        bob.expect("[alice] Meet me at the lighthouse at nine.")
        self.to(bob, "alice", "I shall bring the lantern.")
        alice.expect("[bob] I shall bring the lantern.")
        self.to(alice, "bob", "And the map, please.")
        bob.expect("[alice] And the map, please.")

    def group(self) -> None:
        alice, bob, carol = self.alice, self.bob, self.carol
        heading("A group of Alice, Bob and Carol: each hands out a sender key, then speaks")
        alice.type("group team bob carol")
        for member in (alice, bob, carol):
            member.expect("* team has alice, bob, carol")
        self.say(alice, "The gold is under the third stair.")
        for member in (bob, carol):
            member.expect("* have the group key of alice", "[alice to all] The gold is under the third stair.")
        self.say(bob, "Nobody else may know.")
        for member in (alice, carol):
            member.expect("* have the group key of bob", "[bob to all] Nobody else may know.")
        self.say(carol, "My lips are sealed.")
        for member in (alice, bob):
            member.expect("* have the group key of carol", "[carol to all] My lips are sealed.")

        heading("Dave joins: all keys are replaced")
        self.dave = dave = self.start("dave", "Python")
        alice.type("add dave")
        for member in (alice, bob, carol, dave):
            member.expect("* team has alice, bob, carol, dave")
        self.say(alice, "Welcome, Dave. We sail on Friday.")
        for member in (bob, carol, dave):
            member.expect("* have the group key of alice", "[alice to all] Welcome, Dave. We sail on Friday.")

        heading("Carol is removed: her keys are worth nothing from now on")
        alice.type("remove carol")
        for member in (alice, bob, carol, dave):
            member.expect("* team has alice, bob, dave")
        self.since_carol = len(self.relay.seen())
        self.say(alice, "Carol must not learn about the island.")
        for member in (bob, dave):
            member.expect("* have the group key of alice", "[alice to all] Carol must not learn about the island.")
        self.say(carol, "Am I still heard?")
        carol.expect("! group: SEALWAX_NOT_A_MEMBER")

    def hostile(self) -> None:
        self.old_and_new()
        self.replays()
        self.tampering()
        self.swapped_cards()
        self.own_member()
        heading("After all that: the group goes on as if nothing had happened")
        self.say(self.alice, "All is well, and the relay learned nothing.")
        for member in (self.bob, self.dave):
            member.expect("[alice to all] All is well, and the relay learned nothing.")

    def old_and_new(self) -> None:
        relay, dave, carol = self.relay, self.dave, self.carol
        heading("The relay turns hostile. It hands Dave what it stored before he joined")
        old = relay.envelopes(0, Kind.GROUP)[:3]
        for envelope, sender, why in zip(
            old, ("alice", "bob", "carol"), ("UNKNOWN_KEY", "UNKNOWN_KEY", "SENDER_REMOVED")
        ):
            relay.order("deliver", "dave", envelope)
            dave.expect(f"! group message of {sender} refused: SEALWAX_{why}")
        print("\n  ... with the sender key that Alice sent to Carol:")
        key = relay.envelopes(0, Kind.SESSION_FIRST, "carol")[0]
        relay.order("deliver", "dave", key)
        dave.expect("! message of alice refused: SEALWAX_WRONG_RECIPIENT")

        heading("It hands Carol what was sent after she was removed")
        relay.order("deliver", "carol", relay.envelopes(self.since_carol, Kind.GROUP)[0])
        carol.expect("! group message of alice refused: SEALWAX_UNKNOWN_KEY")
        print("\n  ... with the sender key that Alice sent to Bob:")
        relay.order("deliver", "carol", relay.envelopes(self.since_carol, Kind.SESSION, "bob")[0])
        carol.expect("! message of alice refused: SEALWAX_WRONG_RECIPIENT")

    def replays(self) -> None:
        relay, bob = self.relay, self.bob
        heading("It replays")
        first = relay.envelopes(0, Kind.SESSION_FIRST, "bob")[0]
        relay.order("deliver", "bob", first)
        bob.expect("! message of alice refused: SEALWAX_DUPLICATE")
        group = relay.envelopes(self.since_carol, Kind.GROUP)[0]
        relay.order("deliver", "bob", group)
        bob.expect("! group message of alice refused: SEALWAX_DUPLICATE")
        print("\n  ... with one bit changed, so that it looks new:")
        relay.order("deliver", "bob", flipped(group, -1))
        bob.expect("! group message of alice refused: SEALWAX_REPLAY")

    def tampering(self) -> None:
        relay, alice, bob = self.relay, self.alice, self.bob
        heading("It tampers: it holds messages back and changes one bit, at the front, in the middle, at the end")
        relay.order("hold", "bob")
        since = len(relay.seen())
        self.to(alice, "bob", "The password is swordfish.")
        direct = self.arrival(since, Kind.SESSION, "bob")
        for at in (timestamp_at(direct), len(direct) - 30, len(direct) - 1):
            relay.order("deliver", "bob", flipped(direct, at))
            bob.expect("! message of alice refused: SEALWAX_AUTHENTICATION_FAILED")
        self.say(alice, "Weigh anchor at dawn.")
        self.dave.expect("[alice to all] Weigh anchor at dawn.")
        group = self.arrival(since, Kind.GROUP)
        for at in (timestamp_at(group), len(group) - 100, len(group) - 1):
            relay.order("deliver", "bob", flipped(group, at))
            bob.expect("! group message of alice refused: SEALWAX_AUTHENTICATION_FAILED")
        print("\n  ... and at last as they were: nothing of this has done any harm")
        relay.order("deliver", "bob", direct)
        bob.expect("[alice] The password is swordfish.")
        relay.order("deliver", "bob", group)
        bob.expect("[alice to all] Weigh anchor at dawn.")
        relay.order("release", "bob")

    def arrival(self, since: int, kind: Kind, recipient: Optional[str] = None) -> bytes:
        """The newest envelope, once the relay has it."""
        for _ in range(PATIENCE_S * 100):
            found = self.relay.envelopes(since, kind, recipient)
            if found:
                return found[-1]
            threading.Event().wait(0.01)
        raise Differs("the relay did not get an envelope")

    def swapped_cards(self) -> None:
        relay, alice, bob, carol, dave = self.relay, self.alice, self.bob, self.carol, self.dave
        heading("It swaps a card: its own keys under Dave's name. Carol has his fingerprint from himself")
        dave.type("fingerprint")
        fingerprint = dave.expect_start("* my fingerprint: ")
        carol.type(f"pin dave {fingerprint}")
        false_dave = Identity("dave")
        relay.order("card", "dave", false_dave.card(), false_dave.prekeys(one_time=1))
        self.to(carol, "dave", "Dave, they have thrown me out.")
        carol.expect("! dave: SEALWAX_IDENTITY_CHANGED")
        print("\n  ... it hides his prekeys, for a weaker handshake:")
        relay.order("card", "dave", relay.card_of("dave"))
        self.to(carol, "dave", "Can you hear me, Dave?")
        carol.expect("! dave: SEALWAX_PREKEYS_REQUIRED")
        print("\n  ... honestly:")
        relay.order("card", "dave")
        self.to(carol, "dave", "Was it something I said?")
        dave.expect("[carol] Was it something I said?")

        heading("It swaps Bob's card before Dave first speaks. The roster names Bob's true keys")
        false_bob = Identity("bob")
        relay.order("card", "bob", false_bob.card(), false_bob.prekeys(one_time=1))
        since = len(relay.seen())
        self.say(dave, "Which way to the island?")
        dave.expect("! bob: SEALWAX_IDENTITY_CHANGED")
        alice.expect("* have the group key of dave", "[dave to all] Which way to the island?")
        bob.expect("! group message of dave refused: SEALWAX_UNKNOWN_KEY")
        print("\n  ... honestly; and then the message that Bob could not read:")
        relay.order("card", "bob")
        unread = relay.envelopes(since, Kind.GROUP)[-1]
        self.say(dave, "Never mind, I found the map.")
        alice.expect("[dave to all] Never mind, I found the map.")
        bob.expect("* have the group key of dave", "[dave to all] Never mind, I found the map.")
        relay.order("deliver", "bob", unread)
        bob.expect("[dave to all] Which way to the island?")

    def own_member(self) -> None:
        relay = self.relay
        heading("It adds a member of its own, Mallory: in Alice's name, then in Mallory's")
        mallory = inspect_card(Identity("mallory").card())
        create, add, head = relay.entries()
        for actor in ("alice", "mallory"):
            forged = forge(add, actor, after=head, epoch=3, member=mallory)
            for victim in (self.alice, self.bob, self.dave):
                relay.order("deliver", victim.name, forged)
                why = "AUTHENTICATION_FAILED" if actor == "alice" else "NOT_A_MEMBER"
                victim.expect(f"! roster entry of {actor} refused: SEALWAX_{why}")

    def search(self) -> None:
        heading("What did the relay see? Everything it saw is searched for every text that was sent")
        control = "This control was sent to the relay without encryption."
        with socket.create_connection(("127.0.0.1", self.relay.port)) as unencrypted:
            unencrypted.sendall(put(Frame(Type.HELLO, request=1, card=Identity("control").card())))
            self.relay.expect("hello of control, taken on its word")
            unencrypted.sendall(put(Frame(Type.SEND, request=2, payload=control.encode())))
            self.arrived(control)
        frames = len(self.relay.seen())
        for client in (self.alice, self.bob, self.carol, self.dave):
            client.type("quit")
            client.end()
        self.relay.end()
        seen = self.relay.log.read_bytes() + "\n".join(self.relay.printed).encode()

        found = [text for text in self.sent if is_in(text, seen)]
        print(f"\n  {len(seen):,} bytes in {frames} frames; names, times and sizes are in them")
        print(f"  texts sent, searched for:   {len(self.sent):3}")
        print(f"  of these found:             {len(found):3}")
        print(f"  the planted control found:  {1 if is_in(control, seen) else 0:3}")
        if found:
            raise Differs(f"the relay has seen: {found[0]}")
        if not is_in(control, seen):
            raise Differs("the search does not find what is there")

    def arrived(self, text: str) -> None:
        for _ in range(PATIENCE_S * 100):
            if is_in(text, self.relay.log.read_bytes()):
                return
            threading.Event().wait(0.01)
        raise Differs("the control did not arrive")


def flipped(envelope: bytes, at: int) -> bytes:
    changed = bytearray(envelope)
    changed[at] ^= 1
    return bytes(changed)


def timestamp_at(envelope: bytes) -> int:
    """Where the last byte of the timestamp is (docs/PROTOCOL.md sections 5.4 and 8.2)."""
    header = Envelope.parse(envelope)
    sender = 1 + len(header.sender.encode())
    if header.recipient is None:
        return 6 + 32 + sender + 8 + 8 + 16 + 4 + 7
    return 6 + sender + 1 + len(header.recipient.encode()) + 8 + 7


def forge(entry: bytes, actor: str, after: bytes, epoch: int, member: dict) -> bytes:
    """Rewrites a genuine roster entry so that it adds `member` (docs/PROTOCOL.md section 7.1). What it cannot make is
    the actor's signature, so the old one stays."""
    label = b"sealwax entry/1"
    previous = hashlib.sha256(bytes([len(label)]) + label + after).digest()
    rest = entry[5 + 32 + 8 + 32 :]
    fingerprint_and_time = rest[1 + rest[0] :][: 32 + 8]
    user = member["user"].encode()
    keys = bytes.fromhex(member["sign_key"] + member["agree_key"])
    one = bytes([len(user)]) + user + keys + b"\x01"
    body = len(one).to_bytes(4, "big") + one
    return (
        entry[: 5 + 32]
        + epoch.to_bytes(8, "big")
        + previous
        + bytes([len(actor)])
        + actor.encode()
        + fingerprint_and_time
        + b"\x01"
        + len(body).to_bytes(4, "big")
        + body
        + entry[-64:]
    )


def play(programs: Path, directory: Path) -> None:
    """programs: where the C programs `relay` and `client` are."""
    story = Story(programs, directory / "relay.log")
    story.direct_messages()
    story.group()
    story.hostile()
    story.search()
