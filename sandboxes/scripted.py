"""A scripted sandbox: a test double that runs nothing."""

from __future__ import annotations

from collections.abc import Callable

from sandboxes import admission
from sandboxes.job import Ending, Job, Level, Outcome

FINISHED = Outcome(
    ending=Ending.finished,
    exit_code=0,
    wall_seconds=0.0,
    cpu_seconds=0.0,
    peak_memory_bytes=0,
    level=Level.process,
    backend="scripted",
)


class Scripted:
    """Lets a function stand in for the command.

    It is called with the job, whose `outputs` and `logs` exist with empty `stdout.txt` and `stderr.txt`. There it may
    write what the command would have left, and it gives the outcome, None for one that finished. Jobs that no sandbox
    may run are refused as everywhere; all others are kept in `jobs`, in order.
    """

    def __init__(self, act: Callable[[Job], Outcome | None]) -> None:
        self._act = act
        self.jobs: list[Job] = []

    @property
    def level(self) -> Level:
        return Level.process

    def run(self, job: Job) -> Outcome:
        admission.admit(job)
        self.jobs.append(job)
        job.outputs.mkdir(parents=True, exist_ok=True)
        job.logs.mkdir(parents=True, exist_ok=True)
        for name in ("stdout.txt", "stderr.txt"):
            (job.logs / name).write_bytes(b"")
        return self._act(job) or FINISHED
