"""A client for direct and group messages: the same as bindings/c/examples/client.c, in Python.

    client.py PORT NAME

Commands come from standard input, one a line; `help` lists them. It is in one group at a time and keeps nothing when
it ends: `export` is what a real client saves with, before it sends.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
from collections import deque
from typing import Callable, Deque, Dict, List, Optional

from frames import Frame, Type, put, take
from sealwax import (
    Envelope,
    GroupReceiver,
    GroupSender,
    Identity,
    IdentityChangedError,
    Kind,
    Roster,
    RotationRequiredError,
    SealwaxError,
    Session,
    UnsupportedError,
    WrongKindError,
    live_handles,
    safety_number,
)

HELP = """\
  to NAME TEXT         a direct message
  group LABEL NAMES    make a group
  say TEXT             a message to the group
  add NAMES            add members
  remove NAME          remove a member
  verify NAME          the safety number, to compare by telephone
  fingerprint          my own
  pin NAME HEX         take no other fingerprint for NAME
  quit"""


class Server:
    """The connection to the relay."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.stream = b""
        self.requests = 0
        #: Deliveries that came while we waited for an answer.
        self.waiting: Deque[Frame] = deque()

    def transmit(self, frame: Frame) -> None:
        if frame.type != Type.ACKNOWLEDGE:
            self.requests += 1
            frame.request = self.requests
        self.socket.sendall(put(frame))

    def ask(self, frame: Frame) -> Frame:
        """Waits for the answer; an error of the relay is raised like one of the library."""
        self.transmit(frame)
        while True:
            self.receive()
            for answer in self.arrived():
                if answer.request == frame.request:
                    if answer.type == Type.ERROR:
                        raise SealwaxError.of(answer.status)
                    return answer

    def receive(self) -> None:
        more = self.socket.recv(65536)
        if not more:
            sys.exit("the relay is gone")
        self.stream += more

    def arrived(self) -> List[Frame]:
        """What has arrived whole. Deliveries are kept for later, so these are answers."""
        answers = []
        while True:
            frame, taken = take(self.stream)
            self.stream = self.stream[taken:]
            if frame is None:
                return answers
            (self.waiting if frame.type == Type.DELIVER else answers).append(frame)


class Client:
    def __init__(self, port: int, name: str) -> None:
        self.server = Server(port)
        self.identity = Identity(name)
        self.sessions: Dict[str, Session] = {}
        self.pins: Dict[str, str] = {}
        # Our group. The sender and the receiver see at once what is applied to the roster.
        self.roster: Optional[Roster] = None
        self.sender: Optional[GroupSender] = None
        self.receiver: Optional[GroupReceiver] = None

        self.server.ask(Frame(Type.HELLO, card=self.identity.card()))
        self.server.ask(Frame(Type.PREKEYS, payload=self.identity.prekeys(one_time=20)))
        print(f"* {name} is here (Python)")

    def send(self, envelope: bytes) -> None:
        self.server.ask(Frame(Type.SEND, payload=envelope))

    # ---- Sessions ----

    def lookup(self, name: str) -> Frame:
        return self.server.ask(Frame(Type.LOOKUP, user=name.encode()))

    def session(self, name: str) -> Session:
        """The session with a peer; the first time, from the card and prekeys that the relay has of it."""
        if name not in self.sessions:
            found = self.lookup(name)
            self.sessions[name] = Session.initiate(
                self.identity, found.card, found.payload, peer_fingerprint=self.pins.get(name)
            )
        return self.sessions[name]

    def send_direct(self, name: str, text: str) -> None:
        self.send(self.session(name).encrypt(text.encode()))

    def receive_direct(self, sender: str, envelope: bytes) -> None:
        session = self.sessions.get(sender)
        if session is None:
            session = Session.accept(self.identity, envelope, peer_fingerprint=self.pins.get(sender))
            self.sessions[sender] = session
        try:
            print(f"[{sender}] {session.decrypt(envelope).decode(errors='replace')}")
        except WrongKindError:
            # Not for reading: the sender key of a member. It goes straight into the receiver.
            if self.receiver is None:
                raise
            self.receiver.install(session, envelope)
            print(f"* have the group key of {sender}")

    # ---- The group ----

    def take_group(self, roster: Roster) -> None:
        self.roster = roster
        self.receiver = GroupReceiver(self.identity, roster)

    def show_members(self) -> None:
        info = self.group().info()
        print(f"* {info['label']} has {', '.join(member['user'] for member in info['members'])}")

    def group(self) -> Roster:
        if self.roster is None:
            raise UnsupportedError("there is no group")
        return self.roster

    def receive_entry(self, group_id: Optional[bytes], entry: bytes) -> None:
        """Every change of the membership is an entry that a member signed; the library checks each one."""
        if self.roster is not None:
            self.roster.apply(entry)
        elif group_id is None:
            # A new group: its first entry is a whole log.
            self.take_group(Roster.open(entry))
        else:
            # Of a later one, the relay has what came before.
            self.take_group(Roster.open(self.server.ask(Frame(Type.FETCH_LOG, group_id=group_id)).payload))
        self.show_members()

    def distribute(self, sender: GroupSender) -> None:
        """Hands our sender key to each member that has not had it."""
        sessions: Dict[str, Session] = {}
        for name in sender.info()["waiting"]:
            try:
                sessions[name] = self.session(name)
            except SealwaxError as error:
                print(f"! {name}: {error.name}")
        # Each is refused unless its session is with the very identity that the roster names.
        for name, answer in zip(sessions, sender.distribute_many(sessions.values())):
            if isinstance(answer, bytes):
                self.send(answer)
                continue
            print(f"! {name}: {answer.name}")
            if isinstance(answer, IdentityChangedError):
                self.sessions.pop(name, None)

    def send_group(self, text: str) -> None:
        roster = self.group()
        if self.sender is None:
            self.sender = GroupSender(self.identity, roster)
        while True:
            self.distribute(self.sender)
            try:
                return self.send(self.sender.encrypt(text.encode()))
            except RotationRequiredError:
                # The membership changed: a fresh key, for those who are members now.
                self.sender.rotate()

    def receive_group(self, sender: str, envelope: bytes) -> None:
        if self.receiver is None:
            raise UnsupportedError("there is no group")
        print(f"[{sender} to all] {self.receiver.decrypt(envelope).decode(errors='replace')}")

    def create_group(self, label: str, *names: str) -> None:
        self.take_group(Roster.create(self.identity, label, cards=[self.lookup(name).card for name in names]))
        # It comes back to all members, to us too.
        self.server.ask(Frame(Type.COMMIT, payload=self.group().log()))

    def add_members(self, *names: str) -> None:
        cards = [self.lookup(name).card for name in names]
        self.server.ask(Frame(Type.COMMIT, payload=self.group().propose_add(self.identity, cards)))

    def remove_member(self, name: str) -> None:
        self.server.ask(Frame(Type.COMMIT, payload=self.group().propose_remove(self.identity, name)))

    # ---- Whom are we talking to? ----

    def show_safety_number(self, name: str) -> None:
        digits = safety_number(self.identity.card(), self.lookup(name).card).digits
        print(f"* safety number with {name}: {' '.join(digits[i : i + 5] for i in range(0, 60, 5))}")

    def show_fingerprint(self) -> None:
        print(f"* my fingerprint: {self.identity.info()['fingerprint']}")

    # ---- The two sources of events ----

    def receive(self, deliver: Frame) -> None:
        payload = deliver.payload
        if not payload:
            return  # the end of what had gathered while we were away
        try:
            header = Envelope.parse(payload)
        except SealwaxError as error:
            print(f"! what came is no envelope: {error.name}")
        else:
            self.open(header, payload)
        self.server.transmit(Frame(Type.ACKNOWLEDGE, number=deliver.number))

    def open(self, header: Envelope, payload: bytes) -> None:
        what = "message"
        try:
            if header.kind == Kind.ROSTER_ENTRY:
                what = "roster entry"
                self.receive_entry(header.group, payload)
            elif header.kind == Kind.GROUP:
                what = "group message"
                self.receive_group(header.sender, payload)
            else:
                self.receive_direct(header.sender, payload)
        except SealwaxError as error:
            print(f"! {what} of {header.sender} refused: {error.name}")

    def command(self, line: str) -> bool:
        verb, _, rest = line.partition(" ")
        first, _, more = rest.partition(" ")
        commands: Dict[str, Callable[[], None]] = {
            "to": lambda: self.send_direct(first, more),
            "group": lambda: self.create_group(first, *more.split()),
            "say": lambda: self.send_group(rest),
            "add": lambda: self.add_members(*rest.split()),
            "remove": lambda: self.remove_member(rest),
            "verify": lambda: self.show_safety_number(rest),
            "fingerprint": self.show_fingerprint,
            "pin": lambda: self.pins.update({first: more}),
        }
        if verb == "quit":
            return False
        if verb not in commands:
            print(HELP)
            return True
        try:
            commands[verb]()
        except SealwaxError as error:
            about = {"to": first, "verify": rest, "say": "group"}.get(verb, verb)
            print(f"! {about}: {error.name}")
        return True

    def run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(self.server.socket, selectors.EVENT_READ)
        typed = b""
        while True:
            while self.server.waiting:
                self.receive(self.server.waiting.popleft())
            ready = [key.fileobj for key, _ in selector.select()]
            # One of them at a time: a command asks the relay, and may take what made the socket ready.
            if self.server.socket in ready:
                self.server.receive()
                self.server.arrived()  # who is here needs no attention
                continue
            more = os.read(sys.stdin.fileno(), 65536)
            *lines, typed = (typed + more).split(b"\n")
            if not more or not all(self.command(line.decode()) for line in lines):
                return

    def close(self) -> None:
        for thing in [*self.sessions.values(), self.sender, self.receiver, self.roster, self.identity]:
            if thing is not None:
                thing.close()
        self.server.socket.close()


def main(port: str, name: str) -> int:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    client = Client(int(port), name)
    try:
        client.run()
    finally:
        client.close()
    return 0 if live_handles() == 0 else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: client.py PORT NAME")
    sys.exit(main(*sys.argv[1:]))
