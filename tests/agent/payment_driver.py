"""Kills a process at each point of two paid calls, lets another one go on, and reports who was paid, as JSON lines.

    python payment_driver.py FOLDER

A point is whatever Python tells its audit hooks of: each file that is opened or renamed, and each request sent and
answered. One process that has imported everything forks a child for each run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from agent.budget import Caps
from agent.endpoint import Endpoint, Price
from agent.entry import Event, spent, uncertain
from agent.journal import Journal
from agent.ledger import read
from agent.llm import Message, Request
from agent.llms.metered import Metered
from agent.llms.recorded import Recorded
from agent.llms.scripted import ScriptedLLM

WATCHED = {"open", "os.rename", "os.truncate", "provider"}
REQUESTS = tuple(
    Request(purpose=purpose, system="", messages=(Message(speaker="user", text="Why?"),), max_tokens=100)
    for purpose in ("propose", "survey")
)


class Deadline:
    """Counts the points that a process passes in `folder`, and kills it at one of them."""

    def __init__(self, folder: Path, at: int | None) -> None:
        self.passed = 0
        self._folder = str(folder)
        self._at = at

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in WATCHED and str(arguments[0]).startswith(self._folder):
            if self.passed == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.passed += 1


def once(folder: Path, at: int | None) -> None:
    """Ask both requests, as far as they are not answered."""
    deadline = Deadline(folder, at)

    def answer(request: Request) -> str:
        sys.audit("provider", folder)
        bill = os.open(folder.parent / "bills.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(bill, f"{request.purpose}\n".encode())
        os.close(bill)
        sys.audit("provider", folder)
        return f"Because of {request.purpose}."

    sys.addaudithook(deadline)
    ledger = Journal(folder / "ledger.jsonl", folder / "exchanges")
    ledger.note(Event.opened, "campaign")
    endpoint = Endpoint(price=Price(input=1, output=10))
    llm = Metered(Recorded(ScriptedLLM(answer), folder / "calls"), ledger, endpoint, Caps())
    replies = [llm.complete(request).text for request in REQUESTS]
    (folder.parent / "passed.txt").write_text(json.dumps({"points": deadline.passed, "replies": replies}))


def in_child(folder: Path, at: int | None) -> bool:
    """Fork a run that dies at point `at`; say whether it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            once(folder, at)
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(f"The run that should die at {at} failed by itself.")
    return os.WIFEXITED(status)


def lived(root: Path, deaths: tuple[int, ...]) -> dict[str, object]:
    """Kill a run at each of `deaths` in turn, then let one end."""
    folder = root / ("-".join(map(str, deaths)) or "whole") / "campaign"
    folder.mkdir(parents=True)
    bills = folder.parent / "bills.txt"
    bills.touch()
    recorded_then_billed = 0
    for at in (*deaths, None):
        held = {json.loads(path.read_text())["request"]["purpose"] for path in (folder / "calls").glob("*.json")}
        before = bills.read_text().splitlines()
        in_child(folder, at)
        recorded_then_billed += sum(each in held for each in bills.read_text().splitlines()[len(before) :])
    entries = tuple(read(folder / "ledger.jsonl"))
    return {
        "deaths": deaths,
        **json.loads((folder.parent / "passed.txt").read_text()),
        "bills": sorted(bills.read_text().splitlines()),
        "recorded_then_billed": recorded_then_billed,
        "settled": sorted(entry.question for entry in entries if entry.event is Event.settled),
        "uncertain": sorted(entry.question for entry in uncertain(entries)),
        "tokens": spent(entries).tokens,
        "usd": spent(entries).usd,
    }


def main() -> None:
    root = Path(sys.argv[1])
    whole = lived(root, ())
    print(json.dumps(whole), flush=True)
    points = int(str(whole["points"]))
    for first in range(points):
        print(json.dumps(lived(root, (first,))), flush=True)
        print(json.dumps(lived(root, (first, (7 * first) % points))), flush=True)


if __name__ == "__main__":
    main()
