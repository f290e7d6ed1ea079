"""The story that `make demo` tells, in processes of their own.

    demo.py DIRECTORY [ACT]      where the C programs `relay` and `client` are; "people" or "hostile", both if not given

It types into the clients what a person would, and what they print must be what is expected.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import List

import demo_hostile
import demo_people
from demo_stage import Differs, Program, has_websockets, heading

ACTS = ("people", "hostile")


def play(programs: Path, act: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            if act == "people":
                demo_people.play(Path(directory))
            else:
                demo_hostile.play(programs, Path(directory))
        finally:
            for program in Program.running:
                if program.process.poll() is None:
                    program.process.kill()
                    program.process.wait()


def main(programs: Path, acts: List[str]) -> int:
    left_out = []
    if "people" in acts and not has_websockets():
        acts.remove("people")
        left_out.append("people")
    try:
        for act in acts:
            play(programs, act)
    except Differs as difference:
        print(f"\nTHE STORY DIFFERS: {difference}", flush=True)
        return 1
    heading("Every step was as expected")
    if left_out:
        print("Left out: the relay and the chat in Python. They need the package websockets, and pip could not get it.")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not set(sys.argv[2:]) <= set(ACTS):
        sys.exit("usage: demo.py DIRECTORY [people|hostile]")
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:] or list(ACTS)))
