"""How much of a study is Ratchet itself: wall time that is no trial, no scorer and no TeX, and its memory.

Runs one study of a template in a fresh folder and prints the split. Fails above LIMIT_SECONDS or LIMIT_MIB.

    python benchmarks/overhead.py [--template minimum_entropy_coupling] [--scale cpu]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_SECONDS = 5.0
LIMIT_MIB = 300.0


@dataclass
class Interval:
    """One job in the sandbox."""

    kind: str
    start: float
    end: float


@dataclass
class Timed:
    """A sandbox that remembers when it was busy, and with what."""

    inner: object
    intervals: list[Interval] = field(default_factory=list)

    @property
    def level(self) -> object:
        return self.inner.level

    def run(self, job: object) -> object:
        started = time.monotonic()
        outcome = self.inner.run(job)
        self.intervals.append(Interval(kind_of(job), started, time.monotonic()))
        return outcome


def kind_of(job: object) -> str:
    """Name what the job is by its command."""
    if job.runtime == "tex":
        return "TeX"
    script = next((Path(word).name for word in job.argv if word.endswith(".py")), "other")
    return {"experiment.py": "trial", "harness.py": "scorer", "plot.py": "plot"}.get(script, script)


def covered(intervals: list[Interval]) -> float:
    """Measure the union of intervals, in seconds: two jobs side by side count once."""
    total, reached = 0.0, 0.0
    for each in sorted(intervals, key=lambda interval: interval.start):
        total += max(0.0, each.end - max(each.start, reached))
        reached = max(reached, each.end)
    return total


def study(template: str, scale: str, home: Path) -> None:
    """Run one study in this process and print what it took, as JSON."""
    from agent import bootstrap, campaign, walk
    from agent.progress import Lines
    from sandboxes.choose import choose

    brief = campaign.Brief(name="overhead", templates=(template,), scale=scale)
    sandbox = Timed(choose(None, allow_unsafe_host=False))
    made = campaign.create(home, brief)
    with bootstrap.tools(made, brief, Lines(sys.stderr).step, threading.Event(), sandbox) as tools:
        walk.walk(tools)
    kinds = sorted({interval.kind for interval in sandbox.intervals})
    split = {kind: covered([each for each in sandbox.intervals if each.kind == kind]) for kind in kinds}
    work = covered([each for each in sandbox.intervals if each.kind in ("trial", "scorer", "TeX")])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"split": split, "work": work, "jobs": len(sandbox.intervals), "memory": memory}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", default="minimum_entropy_coupling")
    parser.add_argument("--scale", default="cpu")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        study(asked.template, asked.scale, asked.inside)
        return 0
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        command = [sys.executable, __file__, "--template", asked.template, "--scale", asked.scale, "--inside", home]
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        wall = time.monotonic() - started
    told = json.loads(out)
    own = wall - told["work"]
    print(f"{'part':<28}seconds of wall")
    for kind, seconds in told["split"].items():
        print(f"  {kind:<26}{seconds:8.2f}")
    print(f"  {'all of it':<26}{wall:8.2f}   {told['jobs']} sandboxed jobs")
    print(f"neither trial, scorer nor TeX {own:.2f} s (limit {LIMIT_SECONDS:g})")
    print(f"peak memory of the orchestrator {told['memory']:.0f} MiB (limit {LIMIT_MIB:g})")
    return 0 if own <= LIMIT_SECONDS and told["memory"] <= LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
