"""What a sandbox is asked to run, and what came of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import Field

from sandboxes.record import Record

WORK = "/job"
"""The one writable folder inside a sandbox; it starts empty and is sized by `Limits.work_bytes`."""

OUT = "/job/out"
"""What a job leaves in this folder is copied out once every process of the job is dead."""


class Level(StrEnum):
    """How well a sandbox holds, from weak to strong; recorded with each trial."""

    process = "process"
    namespace = "namespace"
    container = "container"


class Runtime(StrEnum):
    """What a job finds installed inside, read-only."""

    python = "python"
    """`python` is the interpreter that runs Ratchet, with its site-packages."""
    tex = "tex"
    """`latexmk`, `pdflatex`, `bibtex` and the system's TeX trees."""


class Limits(Record):
    """What a job may use; each is enforced from outside the job."""

    wall_seconds: float = Field(gt=0)
    cpu_seconds: float = Field(gt=0)
    """Summed over all processes of the job."""
    memory_bytes: int = Field(gt=0)
    """Summed over all processes of the job, its /job, /tmp and /dev/shm included where those are memory."""
    work_bytes: int = Field(gt=0)
    """Size of the writable folder."""
    output_bytes: int = Field(gt=0)
    """Of standard output and of standard error, each."""
    processes: int = Field(gt=0)
    """Processes and threads alive at one time."""
    cores: float = Field(default=1.0, gt=0)


class Mount(Record):
    """A host file or folder that a job may read."""

    source: Path
    target: str = Field(pattern=r"^/[A-Za-z0-9_./-]+$")


class Job(Record):
    """A command, what it may read and use, and where its results go."""

    argv: tuple[str, ...] = Field(min_length=1)
    runtime: Runtime
    limits: Limits
    mounts: tuple[Mount, ...] = ()
    """Read-only inside."""
    files: Path | None = None
    """A host folder whose regular files are copied into `/job` before the start."""
    outputs: Path
    """A host folder, made when missing, that receives the regular files of `/job/out`."""
    logs: Path
    """A host folder, made when missing, that receives `stdout.txt` and `stderr.txt`."""
    environment: dict[str, str] = {}
    """All that the job sees beside PATH, HOME, LANG and thread caps; never inherited."""


class Ending(StrEnum):
    """How a job ended; a failed command is a result, not an error."""

    finished = "finished"
    crashed = "crashed"
    timed_out = "timed_out"
    out_of_memory = "out_of_memory"
    too_much_output = "too_much_output"
    killed = "killed"


class Outcome(Record):
    """What came of a job."""

    ending: Ending
    exit_code: int | None
    """None when the job was ended from outside."""
    wall_seconds: float
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    level: Level
    backend: str
    refused: tuple[str, ...] = ()
    """Results left behind because they were not plain files of a sane size: `name: why`."""


class Sandbox(Protocol):
    """Run jobs where they can do no harm; stateless and safe to call from several threads."""

    @property
    def level(self) -> Level:
        """How well it holds."""
        ...

    def run(self, job: Job) -> Outcome:
        """Run `job` to its ending; every process it started is dead on return.

        Raises `SandboxUnavailableError` when the machinery itself fails, and `ValueError` for a job that
        must never run (a mount that hands out what a sandbox hides).
        """
        ...


class SandboxUnavailableError(RuntimeError):
    """The machinery failed, not the job: the message says what to install or set."""
