"""Kills a campaign at each point in turn, walks it again, and reports what it found, as JSON lines.

    python kill_driver.py FOLDER FIRST STEP [author]

With `author`, a language model answers every question: a scripted one, recorded and metered as a real one is, whose
first edit crashes. One process that has imported everything forks a child for each walk, so that a walk takes
milliseconds to start. Experiments and scorers run for real, in the child; TeX and the plot are stood in for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import runpy
import signal
import sys
import threading
import traceback
from collections import Counter
from pathlib import Path

import scipy.stats  # noqa: F401 (imported here, so that no walk has to)

sys.path.append(str(Path(__file__).parent / "agent"))

from staffed import LLMS, NAME, staffed

from agent import bootstrap, campaign, walk
from agent.budget import Caps
from agent.campaign import Brief, Campaign
from agent.entry import Entry, Event, spent
from agent.journal import Call, Journal
from agent.ledger import read
from agent.llm import Request
from agent.llms.recorded import Recorded
from agent.llms.scripted import ScriptedLLM
from agent.prices import Charge
from agent.state import Step
from sandboxes.job import Ending, Job, Outcome, Runtime
from sandboxes.scripted import FINISHED, Scripted
from templates import scaffold


class Deadline:
    """Counts the points that a walk passes, in whatever thread, and kills the process at one of them."""

    def __init__(self, at: int | None) -> None:
        self.passed = 0
        self._at = at
        self._lock = threading.Lock()

    def pass_(self) -> None:
        with self._lock:
            if self.passed == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.passed += 1


class DoomedJournal(Journal):
    """A journal whose process may die just before or just after an entry."""

    deadline: Deadline

    def note(self, event: Event, key: str, *, detail: str = "", usd: float = 0.0, seconds: float = 0.0) -> None:
        self.deadline.pass_()
        super().note(event, key, detail=detail, usd=usd, seconds=seconds)
        self.deadline.pass_()

    def reserve(self, call: Call, bound: Charge, caps: Caps) -> Entry:
        self.deadline.pass_()
        entry = super().reserve(call, bound, caps)
        self.deadline.pass_()
        return entry

    def settle(self, reserved: Entry, cost: Charge, *, served: str = "", failed: str = "", sure: bool = True) -> None:
        self.deadline.pass_()
        super().settle(reserved, cost, served=served, failed=failed, sure=sure)
        self.deadline.pass_()


def act(folder: Path) -> Scripted:
    """Stand in for the sandbox: each job is entered in `jobs.txt`, outside the campaign."""

    def run(job: Job) -> Outcome | None:
        with (folder / "jobs.txt").open("a") as jobs:
            jobs.write(f"{job.argv[1] if len(job.argv) > 1 else job.argv[0]} {job.outputs}\n")
        if job.runtime is Runtime.tex:
            typeset(job)
        elif job.argv[1].endswith("plot.py"):
            draw(job)
        else:
            return run_script(job)
        return None

    return Scripted(run)


def typeset(job: Job) -> None:
    (job.outputs / "paper.pdf").write_bytes(b"%PDF-1.5\n%%EOF\n")
    (job.outputs / "paper.log").write_text("Output written on out/paper.pdf (3 pages, 999 bytes).\n")
    (job.outputs / "paper.aux").write_text("\\newlabel{ratchet:main}{{}{2}}\n")


def draw(job: Job) -> None:
    (job.outputs / "seeds.pdf").write_bytes(b"%PDF-1.5\n%%EOF\n")
    (job.outputs / "seeds.csv").write_text("seed,value\n1,2\n")
    (job.outputs / "figures.json").write_text(json.dumps([{"name": "seeds", "caption": "Values by seed."}]))


def run_script(job: Job) -> Outcome | None:
    """Run the job's script in this process, its inside paths turned into outside ones; it may crash."""
    places = {mount.target: str(mount.source) for mount in job.mounts} | {"/job/out": str(job.outputs)}
    words = [outside(word, places) for word in job.argv[1:]]
    before, path = sys.argv, list(sys.path)
    sys.argv, sys.path[:] = words, [str(Path(words[0]).parent), *path]
    sys.modules.pop("problem", None)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(words[0], run_name="__main__")
    except NameError as error:
        (job.logs / "stderr.txt").write_text(f"NameError: {error}\n")
        return FINISHED.model_copy(update={"ending": Ending.crashed, "exit_code": 1})
    finally:
        sys.argv, sys.path[:] = before, path
    return None


def outside(word: str, places: dict[str, str]) -> str:
    for inside, place in places.items():
        if word == inside or word.startswith(inside + "/"):
            return place + word[len(inside) :]
    return word


def quiet(_: Step) -> None:
    """Tell nobody."""


def once(folder: Path, deadline: Deadline) -> None:
    """Walk the campaign in `folder`, from wherever it stands."""
    made = Campaign(folder / "campaigns" / "story")
    brief = campaign.read_brief(made)

    def report(step: Step) -> None:
        if step.done > 0:
            deadline.pass_()

    def heard(request: Request) -> None:
        deadline.pass_()
        with (folder / "calls.txt").open("a") as calls:
            calls.write(f"{Recorded(ScriptedLLM(str, NAME), made.calls).key(request)}\n")
        deadline.pass_()

    with bootstrap.tools(made, brief, report, threading.Event(), act(folder), replaying=True) as tools:
        doomed = DoomedJournal(made.ledger, made.exchanges)
        doomed.deadline = deadline
        ready = dataclasses.replace(tools, journal=doomed)
        walk.walk(staffed(ready, faulty=True, heard=heard) if brief.llms else ready)
    (folder / "passed.txt").write_text(str(deadline.passed))


def in_child(folder: Path, at: int | None) -> int:
    """Fork a walk that dies at point `at`; give its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            once(folder, Deadline(at))
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return os.waitpid(child, 0)[1]


IDEA = """
[[ideas]]
key = "larger-steps-along-a-line"
title = "Larger steps that fall to zero along a line"
hypothesis = "Both together reach a lower final loss."
rationale = "Two changes, so that the study comes to its ablations [@polyak1992]."
changes = [{ knob = "step_size", after = "initial * (1 - time / horizon)" }, { knob = "initial", after = 0.2 }]
"""


def start(root: Path) -> Path:
    """Make a template whose first study passes through every stage."""
    template = scaffold.new("toy", root / "templates")
    (template / "ideas.toml").write_text(IDEA)
    method = (template / "experiment.py").read_text()
    (template / "experiment.py").write_text(method.replace("initial: float = 0.3", "initial: float = 0.01"))
    declared = (template / "template.toml").read_text()
    (template / "template.toml").write_text(declared.replace("confirm = 3", "confirm = 6"))
    return template


def prepare(folder: Path, template: Path, *, author: bool) -> None:
    folder.mkdir()
    brief = Brief(
        name="story", templates=(str(template),), scale="smoke", studies=1, workers=1, **(LLMS if author else {})
    )
    campaign.create(folder / "campaigns", brief)


def accepted(folder: Path) -> dict[str, str]:
    """Digest what a campaign concluded and rests on, leaving out times and paths."""
    made = Campaign(folder / "campaigns" / "story")
    kept: dict[str, str] = {}
    for pattern in ("studies/*/outcome.json", "studies/*/comparisons/*.json", "studies/*/change.diff"):
        for path in sorted(made.folder.glob(pattern)):
            kept[str(path.relative_to(made.folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(made.folder.glob("**/trial.json")):
        if ".abandoned-" not in str(path):
            kept[str(path.relative_to(made.folder))] = json.dumps(json.loads(path.read_text())["measurements"])
    return kept


def finished_trials(folder: Path) -> set[str]:
    return {str(path.parent) for path in (folder / "campaigns").glob("**/trial.json")}


def lines(listed: Path) -> list[str]:
    return listed.read_text().splitlines() if listed.exists() else []


def recorded_calls(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "campaigns" / "story" / "calls").glob("*.json")}


def paid(folder: Path) -> float:
    return spent(tuple(read(folder / "campaigns" / "story" / "ledger.jsonl"))).usd


def lost(folder: Path) -> float:
    """Sum the upper bounds of calls that were reserved and whose end was never seen."""
    entries = tuple(read(folder / "campaigns" / "story" / "ledger.jsonl"))
    settled = {entry.settles for entry in entries if entry.event is Event.settled}
    return sum(entry.usd for entry in entries if entry.event is Event.reserved and entry.number not in settled)


def answered(folder: Path) -> Counter[str]:
    entries = read(folder / "campaigns" / "story" / "ledger.jsonl")
    return Counter(entry.key for entry in entries if entry.event in (Event.answered, Event.trial_ended))


def kill_at(root: Path, template: Path, at: int, *, author: bool) -> dict[str, object]:
    """Kill a walk at one point, walk again, and compare."""
    folder, whole = root / f"at-{at}", root / "whole"
    prepare(folder, template, author=author)
    killed = in_child(folder, at)
    before, ran = finished_trials(folder), len(lines(folder / "jobs.txt"))
    held, made = recorded_calls(folder), len(lines(folder / "calls.txt"))
    resumed = in_child(folder, None)
    later = lines(folder / "jobs.txt")[ran:]
    again = [line for line in later if any(line.endswith(f"{trial}/out") for trial in before)]
    return {
        "at": at,
        "killed": os.WIFSIGNALED(killed) and os.WTERMSIG(killed) == signal.SIGKILL,
        "resumed": resumed == 0,
        "same": accepted(folder) == accepted(whole),
        "trials_run_again": again,
        "calls_made_again": sorted(held & {*lines(folder / "calls.txt")[made:]}),
        "same_calls": recorded_calls(folder) == recorded_calls(whole),
        "usd_amiss": abs(paid(folder) - paid(whole) - lost(folder)) if author else 0.0,
        "ended_twice": [key for key, count in answered(folder).items() if count > 1],
    }


def main() -> None:
    root = Path(sys.argv[1])
    root.mkdir(exist_ok=True)
    first, step, author = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["author"]
    template = start(root)
    prepare(root / "whole", template, author=author)
    if in_child(root / "whole", None) != 0:
        sys.exit("The walk that is not killed did not end well.")
    points = int((root / "whole" / "passed.txt").read_text())
    told = {"points": points, "accepted": sorted(accepted(root / "whole")), "usd": paid(root / "whole")}
    print(json.dumps(told | {"calls": len(lines(root / "whole" / "calls.txt"))}), flush=True)
    for at in range(first, points, step):
        print(json.dumps(kill_at(root, template, at, author=author)), flush=True)


if __name__ == "__main__":
    main()
