"""What a sandbox costs to start: the same commands bare and sandboxed, in turns; fails above 50 ms."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from sandboxes.choose import choose
from sandboxes.job import Ending, Job, Limits, Runtime, Sandbox

ROUNDS = 30
MOST_MILLISECONDS = 50.0
COMMANDS = {"true": ("true",), "python -c pass": ("python", "-c", "pass")}
LIMITS = Limits(
    wall_seconds=30, cpu_seconds=30, memory_bytes=1 << 30, work_bytes=256 << 20, output_bytes=1 << 20, processes=256
)


def main() -> int:
    """Print the medians; give the exit code."""
    sandbox = choose("bubblewrap")
    table = Table("command", "bare (ms)", "sandboxed (ms)", "overhead (ms)", title=f"medians of {ROUNDS}")
    overheads = []
    with TemporaryDirectory() as folder:
        for name, command in COMMANDS.items():
            bare, sandboxed = _medians(sandbox, command, Path(folder))
            overheads.append(sandboxed - bare)
            table.add_row(name, f"{bare:.1f}", f"{sandboxed:.1f}", f"{sandboxed - bare:.1f}")
    Console().print(table)
    return int(max(overheads) > MOST_MILLISECONDS)


def _medians(sandbox: Sandbox, command: tuple[str, ...], folder: Path) -> tuple[float, float]:
    job = Job(argv=command, runtime=Runtime.python, limits=LIMITS, outputs=folder / "out", logs=folder / "logs")
    argv = [sys.executable if part == "python" else part for part in command]
    bare, sandboxed = [], []
    for _ in range(ROUNDS):
        bare.append(_milliseconds(lambda: subprocess.run(argv, check=True)))
        sandboxed.append(_milliseconds(lambda: _finish(sandbox, job)))
    return statistics.median(bare), statistics.median(sandboxed)


def _finish(sandbox: Sandbox, job: Job) -> None:
    outcome = sandbox.run(job)
    if outcome.ending is not Ending.finished:
        raise RuntimeError(f"{' '.join(job.argv)} ended as {outcome.ending}; see {job.logs}.")


def _milliseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
