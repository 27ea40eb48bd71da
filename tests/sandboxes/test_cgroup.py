from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandboxes import cgroup
from sandboxes.cgroup import Group

from .conftest import LIMITS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes control groups")


def parents() -> set[Path]:
    return set(cgroup._parents().folders.values())  # noqa: SLF001 (there is no other way to look)


def groups() -> set[Path]:
    return {folder for parent in parents() for folder in parent.glob(f"ratchet-{os.getpid()}-*")}


def test_a_group_is_gone_after_its_block() -> None:
    with Group(LIMITS):
        assert groups()
    assert not groups()


def test_a_group_lies_within_the_caller_s_own_so_that_outer_limits_hold() -> None:
    with Group(LIMITS):
        memory = next(path for path in groups() if "memory" in str(path) or path.parent.parent == Path("/sys/fs"))
    own = {line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()}
    assert any(str(memory.parent).endswith(path.rstrip("/")) for path in own)


def test_a_process_that_is_added_is_counted() -> None:
    with (
        Group(LIMITS) as group,
        subprocess.Popen(
            ["sh", "-c", "read go; head -c 20M /dev/zero | tail -c 20M | wc -c"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as child,
    ):
        group.add(child.pid)
        assert child.communicate(b"go\n")[0].strip() == str(20 << 20).encode()
        usage = group.read()
    assert usage.memory_bytes > 20 << 20
    assert usage.cpu_seconds > 0
    assert not usage.starved


def test_a_later_group_removes_what_a_dead_process_left_with_what_still_runs_there() -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    left = [parent / f"ratchet-{dead.pid}-0-0" for parent in parents()]
    with subprocess.Popen(["sleep", "60"]) as stray:
        for folder in left:
            folder.mkdir()
            (folder / "cgroup.procs").write_text(str(stray.pid))
        with Group(LIMITS):
            assert stray.wait(5) == -9
    with Group(LIMITS):
        assert not any(folder.exists() for folder in left)


def test_a_later_group_leaves_those_of_the_living_alone() -> None:
    with Group(LIMITS):
        first = groups()
        with Group(LIMITS):
            assert first < groups()
        assert groups() == first
