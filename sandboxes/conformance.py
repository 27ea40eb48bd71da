"""The suite that every sandbox passes: each abuse is run, and what it reached is looked for from outside."""

from __future__ import annotations

import json
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sandboxes.abuse import PRELUDE, Abuse
from sandboxes.abuses.reach import REACH
from sandboxes.abuses.resources import RESOURCES
from sandboxes.abuses.results import RESULTS
from sandboxes.abuses.rights import RIGHTS
from sandboxes.bait import Bait, set_out
from sandboxes.collect import ResultFileError, read_json_lines
from sandboxes.job import Job, Limits, Mount, Outcome, Runtime, Sandbox
from sandboxes.record import Record

_LIMITS = Limits(
    wall_seconds=8,
    cpu_seconds=5,
    memory_bytes=256 << 20,
    work_bytes=16 << 20,
    output_bytes=256 << 10,
    processes=32,
)
_MOUNT = "/harness"

ABUSES = (*RESOURCES, *REACH, *RIGHTS, *RESULTS)


class Finding(Record):
    """What one abuse came to."""

    name: str
    contained: bool
    seen: str
    """What got out, or how the job ended when nothing did."""


def run(sandbox: Sandbox, names: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """Try the abuses of these names, all when empty, one after the other.

    Raises `SandboxUnavailableError` when the sandbox itself fails.
    """
    with set_out() as bait:
        return tuple(_try(sandbox, abuse, bait) for abuse in ABUSES if not names or abuse.name in names)


def _try(sandbox: Sandbox, abuse: Abuse, bait: Bait) -> Finding:
    token = f"token-{secrets.token_hex(8)}"
    with TemporaryDirectory(prefix="ratchet-abuse-") as name:
        job = _job(abuse, bait, token, Path(name))
        outcome = sandbox.run(job)
        faults = (*_faults(abuse, outcome, job), *_leaks(job, bait), *_survivors(token))
    return Finding(name=abuse.name, contained=not faults, seen="; ".join(faults) or outcome.ending)


def _job(abuse: Abuse, bait: Bait, token: str, folder: Path) -> Job:
    files = folder / "files"
    files.mkdir()
    (files / "abuse.py").write_text(PRELUDE + abuse.program)
    (files / "host.json").write_text(json.dumps({**bait.facts, "processes": _LIMITS.processes}))
    return Job(
        argv=("python", "abuse.py", token, _MOUNT),
        runtime=Runtime.python,
        limits=_LIMITS.model_copy(update=abuse.limits),
        mounts=(Mount(source=bait.mount, target=_MOUNT),),
        files=files,
        outputs=folder / "outputs",
        logs=folder / "logs",
    )


def _faults(abuse: Abuse, outcome: Outcome, job: Job) -> Iterator[str]:
    """Tell what the job itself says, and what it used."""
    if outcome.ending not in abuse.endings:
        yield f"it {outcome.ending}, but should be held: {abuse.held}"
    stdout = (job.logs / "stdout.txt").read_text(errors="replace")
    yield from (line for line in stdout.splitlines() if line.startswith("ESCAPED"))
    if "Traceback" in (job.logs / "stderr.txt").read_text(errors="replace"):
        yield f"the program broke: {_last_line(job)}"
    if abuse.poisoned and not (job.outputs / "measurements.jsonl").is_file():
        yield "the poisoned results were not collected, so their reader was not tried"
    elif abuse.poisoned and _is_readable(job.outputs / "measurements.jsonl"):
        yield "the reader took its results"


def _last_line(job: Job) -> str:
    return (job.logs / "stderr.txt").read_text(errors="replace").strip().rpartition("\n")[2]


def _leaks(job: Job, bait: Bait) -> Iterator[str]:
    """Tell what the job left on the host that it should not have."""
    for path in (*job.outputs.rglob("*"), *job.logs.iterdir()):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            continue
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            yield f"{path.name!a} is no plain file"
        elif status.st_size > job.limits.work_bytes or (
            path.parent == job.logs and status.st_size > job.limits.output_bytes
        ):
            yield f"{path.name!a} has {status.st_size} bytes"
        elif bait.secret.encode() in path.read_bytes():
            yield f"the secret is in {path.name!a}"
    if (bait.mount / "harness.py").read_text() != "harness = 1\n":
        yield "the mounted harness was changed on the host"


def _survivors(token: str) -> Iterator[str]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if token.encode() in command:
            yield f"process {folder.name} outlived the job"


def _is_readable(path: Path) -> bool:
    try:
        read_json_lines(path)
    except ResultFileError:
        return False
    return True
