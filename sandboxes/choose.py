"""Choosing the sandbox: the configured one, else bubblewrap, else none but by consent."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from sandboxes.bubblewrap import Bubblewrap
from sandboxes.job import Ending, Job, Limits, Runtime, Sandbox, SandboxUnavailableError
from sandboxes.process import Process

BACKENDS = ("bubblewrap", "process")

_SMALL = Limits(
    wall_seconds=30, cpu_seconds=5, memory_bytes=64 << 20, work_bytes=1 << 20, output_bytes=1 << 16, processes=8
)


def choose(backend: str | None = None, *, allow_unsafe_host: bool = False) -> Sandbox:
    """Give a sandbox that has just run a job.

    Raises `SandboxUnavailableError` when the machine has none, `ValueError` for an unknown name and for plain processes
    without consent; each says what to do.
    """
    if backend not in (None, *BACKENDS):
        raise ValueError(f"There is no sandbox called {backend!r}: choose one of {', '.join(BACKENDS)}.")
    if backend == "process":
        return Process(allow_unsafe_host=allow_unsafe_host)
    try:
        return _tried(Bubblewrap())
    except SandboxUnavailableError:
        if backend is None and allow_unsafe_host:
            return Process(allow_unsafe_host=True)
        raise


def _tried(sandbox: Sandbox) -> Sandbox:
    with TemporaryDirectory(prefix="ratchet-") as folder:
        logs = Path(folder) / "logs"
        outcome = sandbox.run(
            Job(argv=("true",), runtime=Runtime.tex, limits=_SMALL, outputs=Path(folder) / "out", logs=logs)
        )
        if outcome.ending is not Ending.finished:
            complaint = (logs / "stderr.txt").read_text(errors="replace").strip()
            raise SandboxUnavailableError(
                f"The sandbox {outcome.backend} could not run `true` ({outcome.ending}: {complaint}): "
                "see what `ratchet doctor` finds."
            )
    return sandbox
