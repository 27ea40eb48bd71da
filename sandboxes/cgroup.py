"""A control group: the kernel counts and limits all processes of one job, in either version of the interface."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from sandboxes.job import Limits
from sandboxes.watch import Usage

_NEEDED_V1 = ("memory", "pids", "cpuacct", "cpu")
_NEEDED_V2 = frozenset({"memory", "pids", "cpu"})
_PERIOD_MICROSECONDS = 100_000
_REMOVAL_SECONDS = 2.0
_COUNTER = itertools.count()


class Group:
    """A group per job, in one folder for version 2 and one per controller for version 1.

    Its name carries the pid and the start time of the process that made it, so that a later one can tell and remove
    what a killed one left behind.
    """

    interval_seconds = 0.05

    def __init__(self, limits: Limits) -> None:
        """Make the group with its limits set.

        Raises `OSError` when this process may not.
        """
        parents = _parents()
        self.name = f"cgroup v{parents.version}"
        self._version = parents.version
        _sweep(parents)
        folder_name = f"{_owner(os.getpid())}-{next(_COUNTER)}"
        self._folders = {controller: folder / folder_name for controller, folder in parents.folders.items()}
        try:
            for folder in set(self._folders.values()):
                folder.mkdir()
            (self._limit_v1 if self._version == 1 else self._limit_v2)(limits)
        except OSError:
            self.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def add(self, pid: int) -> None:
        """Move a process in; what it starts from now on belongs to the group."""
        for folder in dict.fromkeys(self._folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def read(self) -> Usage:
        memory = self._folders["memory"]
        if self._version == 1:
            cpu_seconds = int(_text(self._folders["cpuacct"] / "cpuacct.usage")) / 1e9
            peak, events = memory / "memory.max_usage_in_bytes", memory / "memory.oom_control"
        else:
            cpu_seconds = _field(memory / "cpu.stat", "usage_usec") / 1e6
            peak, events = memory / "memory.peak", memory / "memory.events"
            if not peak.exists():  # before Linux 5.19
                peak = memory / "memory.current"
        return Usage(cpu_seconds, int(_text(peak)), starved=_field(events, "oom_kill") > 0)

    def remove(self) -> None:
        """Remove the group once its last process has been reaped."""
        deadline = time.monotonic() + _REMOVAL_SECONDS
        for folder in set(self._folders.values()):
            while not _removed(folder) and time.monotonic() < deadline:
                time.sleep(0.002)

    def _limit_v1(self, limits: Limits) -> None:
        memory, cpu = self._folders["memory"], self._folders["cpu"]
        (memory / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
        with suppress(FileNotFoundError):  # absent where swap is not accounted
            (memory / "memory.memsw.limit_in_bytes").write_text(str(limits.memory_bytes))
        (self._folders["pids"] / "pids.max").write_text(str(limits.processes + 1))
        (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
        (cpu / "cpu.cfs_quota_us").write_text(str(int(limits.cores * _PERIOD_MICROSECONDS)))

    def _limit_v2(self, limits: Limits) -> None:
        folder = self._folders["memory"]
        (folder / "memory.max").write_text(str(limits.memory_bytes))
        with suppress(FileNotFoundError):  # absent where swap is not accounted
            (folder / "memory.swap.max").write_text("0")
        (folder / "memory.oom.group").write_text("1")
        (folder / "pids.max").write_text(str(limits.processes + 1))
        (folder / "cpu.max").write_text(f"{int(limits.cores * _PERIOD_MICROSECONDS)} {_PERIOD_MICROSECONDS}")


class _Parents(NamedTuple):
    version: int
    folders: dict[str, Path]
    """Controller to the folder that may hold a job's group."""


class _Hierarchy(NamedTuple):
    mount: Path
    controllers: frozenset[str]
    """Empty for version 2, which has one hierarchy for all."""


@cache
def _parents() -> _Parents:
    """Find where a group may be made, inside the caller's own group, so that outer limits go on holding.

    Raises `FileNotFoundError` when the machine has neither interface with the controllers that a job needs.
    """
    hierarchies, own = tuple(_hierarchies()), _own_groups()
    folders = {
        controller: _nearest(hierarchy.mount, own.get(controller, "/"))
        for controller in _NEEDED_V1
        for hierarchy in hierarchies
        if controller in hierarchy.controllers
    }
    if len(folders) == len(_NEEDED_V1):
        return _Parents(1, folders)
    for hierarchy in hierarchies:
        parent = None if hierarchy.controllers else _delegating(hierarchy.mount, own.get("", "/"))
        if parent is not None:
            return _Parents(2, {"memory": parent})
    raise FileNotFoundError("No control group interface with the memory, pids and cpu controllers is mounted.")


def _hierarchies() -> Iterator[_Hierarchy]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        mount = Path(left.split(" ")[4])
        if kind == "cgroup":
            yield _Hierarchy(mount, frozenset(options.split(",")) or frozenset({"?"}))
        elif kind == "cgroup2":
            yield _Hierarchy(mount, frozenset())


def _own_groups() -> dict[str, str]:
    """Map each controller to the caller's group; the empty name is version 2."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    return {controller: path for _, controllers, path in lines for controller in controllers.split(",")}


def _nearest(mount: Path, path: str) -> Path:
    """Give the folder of a group, the mount's own when the group lies outside what is mounted."""
    folder = mount / path.lstrip("/")
    return folder if folder.is_dir() and ".." not in folder.parts else mount


def _delegating(mount: Path, path: str) -> Path | None:
    """Climb to the first group that hands the needed controllers to its children."""
    folder = _nearest(mount, path)
    while True:
        if set(_text(folder / "cgroup.subtree_control").split()) >= _NEEDED_V2:
            return folder
        if folder == mount:
            return None
        folder = folder.parent


def _owner(pid: int) -> str:
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"ratchet-{pid}-{started}"


def _sweep(parents: _Parents) -> None:
    """Remove the groups whose maker is dead, and what should still run in them."""
    for parent in set(parents.folders.values()):
        for folder in parent.glob("ratchet-*-*-*"):
            if not _lives(folder.name):
                with suppress(OSError):
                    for pid in _text(folder / "cgroup.procs").split():
                        os.kill(int(pid), signal.SIGKILL)
                _removed(folder)


def _lives(name: str) -> bool:
    try:
        return name.startswith(f"{_owner(int(name.split('-')[1]))}-")
    except (OSError, ValueError):
        return False


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _field(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _text(path: Path) -> str:
    return path.read_text()
