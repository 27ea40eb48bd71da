"""What the tests of sandboxes share: small jobs, and a way to be an ordinary user."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandboxes import interior
from sandboxes.job import Job, Limits, Runtime

CHECKOUT = Path(__file__).parents[2]
ORDINARY_UID = "1234"

LIMITS = Limits(
    wall_seconds=20,
    cpu_seconds=10,
    memory_bytes=256 << 20,
    work_bytes=32 << 20,
    output_bytes=64 << 10,
    processes=32,
)

MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    """Make a small job; keyword arguments replace fields of the job or of its limits."""

    def make(*argv: str, **changes: Any) -> Job:  # noqa: ANN401 (a field of either record)
        limits = {name: changes.pop(name) for name in list(changes) if name in Limits.model_fields}
        return Job(
            argv=argv,
            limits=LIMITS.model_copy(update=limits),
            outputs=tmp_path / "outputs",
            logs=tmp_path / "logs",
            **{"runtime": Runtime.python, **changes},
        )

    return make


@pytest.fixture
def as_ordinary_user() -> list[str]:
    """Give a command prefix that drops root and keeps the interpreter and the checkout reachable.

    Root's folders are often closed to others, so each closed folder on the way is covered by an open one, in a mount
    namespace of its own, with only what is needed bound back in.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; this run is one of an ordinary user already")
    needed = [CHECKOUT, *interior.interpreter_folders()]
    become = [
        *("bwrap", "--dev-bind", "/", "/", *_opened(needed), "--setenv", "HOME", "/nonexistent", "--"),
        *("setpriv", "--reuid", ORDINARY_UID, "--regid", ORDINARY_UID, "--clear-groups", "--inh-caps=-all"),
    ]
    tried = subprocess.run(
        [*become, "bwrap", "--unshare-user", "--dev-bind", "/", "/", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0 and os.environ.get("CI") != "true":
        pytest.skip(f"this machine lets no ordinary user make a user namespace: {tried.stderr.strip()}")
    return [*become, sys.executable]


def _opened(needed: list[Path]) -> Iterator[str]:
    closed = {folder for path in needed for folder in path.parents if not folder.stat().st_mode & 0o001}
    for folder in sorted(closed):
        if not any(outer in folder.parents for outer in closed):
            yield from ("--perms", "0755", "--tmpfs", str(folder))
    for path in needed:
        below = [
            folder for folder in reversed(path.parents) if closed & {folder, *folder.parents} and folder not in closed
        ]
        for folder in below:
            yield from ("--perms", "0755", "--dir", str(folder))
        if closed & set(path.parents):
            yield from ("--ro-bind", str(path), str(path))
