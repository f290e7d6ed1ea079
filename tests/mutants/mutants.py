"""Mutation testing in one build (`docs/TESTING.md`).

What a mutant is, `cargo mutants` says. It would build the library anew for each; here all of them are compiled into one
copy of the sources, each behind a number that the environment chooses, and each is tried only with the tests that
reach its function, the quickest first.

It leaves `results.tsv` in the folder to work in: a line for each mutant, with what became of it. A run goes on where
the one before ended; what stands there is not tried again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LAYERS = ["src/session/**", "src/group/**", "src/wire/**", "src/identity/**", "src/relay/**"]
#: Programs that test other things: allocations, which the switch changes, and what lies below these layers.
PASSED_OVER = ("abi_memory", "attachment_memory", "dependencies", "randomness", "timing", "wycheproof")
#: Runs the simulation twice, and finds what another test finds.
SLOW = ("seeds::a_seed_runs_the_same_each_time",)
ENVIRONMENT = {
    "RUSTC_BOOTSTRAP": "1",  # for the report of times
    "RUST_BACKTRACE": "0",
    "SEALWAX_SIM_SEEDS": "10",
    "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1",
}


@dataclass
class Mutant:
    number: int
    name: str
    body: str
    viable: bool = True


@dataclass
class Function:
    """A function, and the mutants of it: one body behind each number."""

    file: str
    name: str
    start: int
    opening: int
    end: int
    mutants: list[Mutant] = field(default_factory=list)
    is_const: bool = False
    keeps_const: bool = False
    #: First and last line of each mutant in what was written.
    lines: dict[int, tuple[int, int]] = field(default_factory=dict)


class Text:
    """A source file, and where its lines begin."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self.starts = [0]
        for match in re.finditer("\n", self.text):
            self.starts.append(match.end())

    def at(self, place: dict[str, int]) -> int:
        return self.starts[place["line"] - 1] + place["column"] - 1


def opening_of(text: str, start: int) -> int:
    """Where the body of the function begins that begins at `start`."""
    depth = 0
    at = re.compile(r"\bfn\s+\w+").search(text, start).end()
    while True:
        character = text[at]
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "{" and depth == 0:
            return at
        at += 1


def read_functions(listed: list[dict], root: Path) -> list[Function]:
    texts: dict[str, Text] = {}
    functions: dict[tuple[str, int], Function] = {}
    numbered = 0
    spans = defaultdict(list)
    for mutant in listed:
        spans[mutant["file"]].append(mutant)
    for file, mutants in spans.items():
        text = texts.setdefault(file, Text(root / file))
        places = sorted({(text.at(m["function"]["span"]["start"]), text.at(m["function"]["span"]["end"])) for m in mutants})
        for mutant in mutants:
            span = mutant["function"]["span"]
            start, end = text.at(span["start"]), text.at(span["end"])
            for outer_start, outer_end in places:
                if outer_start <= start and end <= outer_end:
                    start, end = outer_start, outer_end
                    break
            function = functions.get((file, start))
            if function is None:
                opening = opening_of(text.text, start)
                head = text.text[start:opening]
                function = Function(file, mutant["function"]["function_name"], start, opening, end)
                function.is_const = re.search(r"\bconst\s+(unsafe\s+)?fn\b", head) is not None
                functions[file, start] = function
            at, until = text.at(mutant["span"]["start"]), text.at(mutant["span"]["end"])
            body = text.text[function.opening + 1 : at] + mutant["replacement"] + text.text[until : end - 1]
            function.mutants.append(Mutant(0, mutant["name"], body))
    for function in functions.values():
        for mutant in function.mutants:
            mutant.number = numbered
            numbered += 1
    return list(functions.values())


def write(functions: list[Function], root: Path, place: Path) -> None:
    by_file = defaultdict(list)
    for function in functions:
        by_file[function.file].append(function)
    for file, inside in by_file.items():
        text = (root / file).read_text()
        pieces, at = [], 0
        line = 1

        def put(piece: str) -> None:
            nonlocal line
            pieces.append(piece)
            line += piece.count("\n")

        for function in sorted(inside, key=lambda function: function.start):
            viable = [mutant for mutant in function.mutants if mutant.viable]
            if function.keeps_const or not viable:
                continue
            head = text[function.start : function.opening]
            if function.is_const:
                head = re.sub(r"\bconst\s+((unsafe\s+)?fn\b)", r"\1", head, count=1)
            put(text[at : function.start] + head)
            numbers = [mutant.number for mutant in function.mutants]
            put(f"{{ match crate::mutation::chosen({min(numbers)}, {max(numbers) + 1}) {{\n")
            for mutant in viable:
                first = line
                put(f"{mutant.number} => {{ {mutant.body}\n}}")
                function.lines[mutant.number] = (first, line)
                put("\n")
            put(f"_ => {{{text[function.opening + 1 : function.end - 1]}\n}} }} }}")
            at = function.end
        put(text[at:])
        written = "".join(pieces)
        target = place / file
        if target.read_text() != written:
            target.write_text(written)


def cargo(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cargo", *arguments, "--locked", "--message-format=json"],
        cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def make_viable(functions: list[Function], root: Path, place: Path) -> None:
    """Leaves out what the compiler refuses."""
    by_file = defaultdict(list)
    for function in functions:
        by_file[function.file].append(function)
    # What an earlier run found. A name stands for a place in the sources as they were: others are tried anew.
    refused = place.parent / "refused"
    known = set(refused.read_text().splitlines()) if refused.exists() else set()
    for function in functions:
        function.keeps_const = any(mutant.name + " const" in known for mutant in function.mutants)
        for mutant in function.mutants:
            mutant.viable = mutant.name not in known
    for _ in range(40):
        write(functions, root, place)
        done = cargo(place, "check", "--lib")
        if done.returncode == 0:
            names = [m.name + " const" * f.keeps_const for f in functions for m in f.mutants if f.keeps_const or not m.viable]
            refused.write_text("".join(name + "\n" for name in names))
            return
        left_out = 0
        strange = []
        for row in done.stdout.splitlines():
            message = json.loads(row)
            if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
                continue
            message = message["message"]
            for span in message["spans"]:
                file, first, last = span["file_name"], span["line_start"], span["line_end"]
                for function in by_file.get(file, ()):
                    for mutant in function.mutants:
                        place_of = function.lines.get(mutant.number)
                        if mutant.viable and place_of and place_of[0] <= first and last <= place_of[1]:
                            mutant.viable = False
                            left_out += 1
            called = re.search(r"cannot call non-const (?:\w+ )?(?:function|method) `([^`]*)`", message["message"])
            if called:
                name = re.sub(r"<.*", "", called.group(1).split("::")[-1])
                for function in functions:
                    if function.is_const and not function.keeps_const and function.name.split("::")[-1] == name:
                        function.keeps_const = True
                        left_out += 1
            elif message["spans"]:
                strange.append(message["rendered"])
        print(f"left out {left_out}", flush=True)
        if left_out == 0:
            raise SystemExit("\n".join(strange[:5]) or done.stderr[-3000:])
    raise SystemExit("does not become viable")


@dataclass(frozen=True)
class Test:
    binary: str
    name: str


def build(place: Path) -> dict[str, str]:
    done = cargo(place, "test", "--no-run")
    if done.returncode != 0:
        raise SystemExit(done.stderr[-3000:])
    binaries = {}
    for row in done.stdout.splitlines():
        message = json.loads(row)
        if message.get("reason") == "compiler-artifact" and message.get("executable") and message["profile"]["test"]:
            name = message["target"]["name"]
            if name not in PASSED_OVER:
                binaries[name] = message["executable"]
    return binaries


def run(place: Path, executable: str, arguments: list[str], seconds: float, **more: str) -> tuple[str, str]:
    environment = os.environ | ENVIRONMENT | {"CARGO_MANIFEST_DIR": str(place)} | more
    process = subprocess.Popen(
        [executable, *arguments], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return "timeout", ""
    return ("passed" if process.returncode == 0 else "failed"), printed


def measure(place: Path, binaries: dict[str, str]) -> tuple[dict[Test, float], dict[int, set[Test]]]:
    """How long each test takes, and which functions it reaches."""
    seconds: dict[Test, float] = {}
    reach: dict[int, set[Test]] = defaultdict(set)
    for name, executable in sorted(binaries.items()):
        reached = place.parent / "reached"
        reached.unlink(missing_ok=True)
        result, printed = run(
            place, executable, ["-Zunstable-options", "--format=json", "--report-time", "--test-threads=2"], 1_800,
            SEALWAX_MUTANT_REACH=str(reached),
        )
        tests, broken = set(), []
        for row in printed.splitlines():
            event = json.loads(row) if row.startswith("{") else {}
            if event.get("type") == "test" and event.get("event") == "failed":
                broken.append(event["name"])
            if event.get("type") == "test" and event.get("event") == "ok":
                tests.add(event["name"])
                seconds[Test(name, event["name"])] = event.get("exec_time", 0.0)
        for row in reached.read_text().splitlines() if reached.exists() else ():
            low, _, thread = row.partition(" ")
            # What a thread of a test's own reaches may be due to any test of the program.
            for test in [thread] if thread in tests else tests:
                reach[int(low)].add(Test(name, test))
        if result != "passed" and not broken:
            raise SystemExit(f"{name} {result} without a mutant:\n{printed[-3000:]}")
        # Tests of the sources fail, which are not as they were.
        print(f"{name}: {len(tests)} tests" + "".join(f", passed over: {test}" for test in broken), flush=True)
    return seconds, reach


def attempt(
    place: Path, binaries: dict[str, str], file: str, number: int, tests: set[Test], seconds: dict[Test, float], budget: float
) -> str:
    """What becomes of a mutant in the tests of its layer, and in as many others as take these seconds."""
    layer = file.split("/")[1]

    def is_near(test: Test) -> bool:
        return test.binary in ("sealwax", "corpora") or (layer in test.binary and "client" not in test.binary)

    ordered, spent = [], 0.0
    for test in sorted(tests, key=lambda test: (not is_near(test), seconds[test])):
        spent += seconds[test] * (not is_near(test))
        if spent <= budget:
            ordered.append(test)
    # First the quick ones of every program, then all that is left.
    quick = [test for test in ordered if seconds[test] < 0.05][:40]
    rounds = [quick, ordered[len(quick):]] if quick else [ordered]
    for some in rounds:
        by_binary = defaultdict(list)
        for test in some:
            by_binary[test.binary].append(test)
        for name, inside in sorted(by_binary.items(), key=lambda item: sum(seconds[test] for test in item[1])):
            allowed = 20 + 20 * sum(seconds[test] for test in inside)
            result, printed = run(
                place, binaries[name],
                ["--exact", "--test-threads=1", "-Zunstable-options", "--fail-fast", *[test.name for test in inside]],
                allowed, SEALWAX_MUTANT=str(number),
            )
            if result == "timeout":
                return f"timeout {name}"
            if result == "failed":
                failed = re.search(r"^test (\S+).*FAILED", printed, re.MULTILINE)
                return f"caught {name} {failed.group(1) if failed else '(ended)'}"
    if len(ordered) < len(tests):
        return "SURVIVED QUICK TESTS"
    return "SURVIVED" if tests else "UNREACHED"


def keep(file: Path, seconds: dict[Test, float], reach: dict[int, set[Test]]) -> None:
    tests = list(seconds)
    place = {test: at for at, test in enumerate(tests)}
    rows = [[test.binary, test.name, seconds[test]] for test in tests]
    file.write_text(json.dumps([rows, {low: [place[test] for test in some] for low, some in reach.items()}]))


def kept(file: Path) -> tuple[dict[Test, float], dict[int, set[Test]]]:
    rows, reach = json.loads(file.read_text())
    tests = [Test(binary, name) for binary, name, _ in rows]
    seconds = {test: row[2] for test, row in zip(tests, rows)}
    slow = {test for test in tests if test.name in SLOW}
    return seconds, {int(low): {tests[at] for at in some} - slow for low, some in reach.items()}


def prepare(place: Path) -> None:
    shutil.copy(Path(__file__).with_name("switch.rs"), place / "src/mutation.rs")
    with (place / "src/lib.rs").open("a") as library:
        library.write("\nmod mutation;\n")
    # What a mutant leaves unused is no error, and what is known to overflow shall do so.
    manifest = place / "Cargo.toml"
    allowed = '[lints.rust]\narithmetic_overflow = "allow"\nunconditional_panic = "allow"\n'
    manifest.write_text(manifest.read_text().partition("[lints.")[0] + allowed)


def listed(root: Path, patterns: list[str]) -> list[dict]:
    filters = [argument for pattern in patterns for argument in ("-f", pattern)]
    done = subprocess.run(["cargo", "mutants", "--list", "--json", *filters], cwd=root, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="to work in; a few gigabytes")
    parser.add_argument("--files", nargs="*", default=LAYERS, help="what to mutate: globs as cargo mutants takes them")
    parser.add_argument("--only", type=Path, help="a file of names of mutants, and no others are tried")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=60, help="seconds of tests of other layers that a mutant is worth")
    parser.add_argument("--as-built", action="store_true", help="with the sources and tests of the run before")
    options = parser.parse_args()
    folder = options.folder.resolve()
    # The sources as they are now, and the copy that is changed.
    root, place = folder / "sources", folder / "changed"
    if not options.as_built:
        for copy in (root, place):
            shutil.rmtree(copy, ignore_errors=True)
            copy.mkdir(parents=True)
            files = f"git -C {ROOT} ls-files -z | tar c -C {ROOT} --null -T - | tar x -C {copy}"
            subprocess.run(files, shell=True, check=True)
        prepare(place)
    os.environ["CARGO_TARGET_DIR"] = str(folder / "target")
    mutants = listed(root, options.files)
    functions = read_functions([mutant for mutant in mutants if mutant["function"]], root)
    make_viable(functions, root, place)
    print(f"{sum(len(f.mutants) for f in functions)} mutants in {len(functions)} functions", flush=True)
    binaries = build(place)
    measured = folder / "measured.json"
    if not (options.as_built and measured.exists()):
        keep(measured, *measure(place, binaries))
    seconds, reach = kept(measured)

    results = folder / "results.tsv"
    known = {row.split("\t")[0] for row in results.read_text().splitlines()} if results.exists() else set()
    wanted = set(options.only.read_text().splitlines()) if options.only else None
    work = []
    with results.open("a") as out:
        for mutant in mutants:
            if not mutant["function"] and mutant["name"] not in known:
                print(mutant["name"], "const", sep="\t", file=out)
        for function in functions:
            low = min(mutant.number for mutant in function.mutants)
            for mutant in function.mutants:
                if mutant.name in known or (wanted is not None and mutant.name not in wanted):
                    continue
                if function.keeps_const or not mutant.viable:
                    print(mutant.name, "const" if function.keeps_const else "unviable", sep="\t", file=out)
                else:
                    work.append((mutant, function.file, reach.get(low, set())))
    # In no order, so that what is known early speaks of all.
    random.Random(1).shuffle(work)
    began = time.monotonic()

    def outcome_of(item: tuple[Mutant, str, set[Test]]) -> str:
        mutant, file, tests = item
        return attempt(place, binaries, file, mutant.number, tests, seconds, options.budget)

    with ThreadPoolExecutor(options.jobs) as pool, results.open("a") as out:
        for done, ((mutant, *_), outcome) in enumerate(zip(work, pool.map(outcome_of, work)), 1):
            print(mutant.name, outcome, sep="\t", file=out, flush=True)
            if outcome.isupper() or done % 50 == 0:
                print(f"{done}/{len(work)} {time.monotonic() - began:.0f}s  {outcome}  {mutant.name}", flush=True)


if __name__ == "__main__":
    main()
