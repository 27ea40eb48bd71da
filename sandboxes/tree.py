"""A tree of processes, counted from outside where no control group can be had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sandboxes.watch import Usage

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_MOST_FILES = 200_000
"""Each file on a tmpfs takes kernel memory that belongs to no process."""


class Tree:
    """All processes below one, and the memory file systems that they fill.

    Sampled, so a job may overshoot its memory limit between two readings, and a process that is born and reaped
    unseen counts no CPU unless its parent waited for it. Resident pages are counted first; only when they exceed the
    limit are shared ones told apart.
    """

    interval_seconds = 0.02
    name = "watchdog"

    def __init__(self, root: int, memory_bytes: int, file_systems: tuple[int, ...] = ()) -> None:
        self._root = root
        self._limit = memory_bytes
        self._file_systems = file_systems
        self._peak = 0
        self._cpu_seconds = 0.0

    def read(self) -> Usage:
        stored = [os.fstatvfs(descriptor) for descriptor in self._file_systems]
        stored_bytes = sum((disk.f_blocks - disk.f_bfree) * disk.f_frsize for disk in stored)
        processes = list(_below(self._root))
        memory = stored_bytes + sum(map(_resident_bytes, processes))
        if memory > self._limit:
            memory = stored_bytes + sum(map(_proportional_bytes, processes))
        self._peak = max(self._peak, memory)
        self._cpu_seconds = max(self._cpu_seconds, sum(map(_cpu_seconds, processes)))
        files = sum(disk.f_files - disk.f_ffree for disk in stored)
        return Usage(self._cpu_seconds, self._peak, starved=memory > self._limit or files > _MOST_FILES)


def _below(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 (an iterator of paths is slower)
            for child in _read(f"/proc/{pid}/task/{thread}/children").split():
                yield from _below(int(child))


def _resident_bytes(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _proportional_bytes(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _cpu_seconds(pid: int) -> float:
    """Of the process and of the children it waited for."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _read(path: str) -> str:
    """Read a file of /proc; empty when the process is gone."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
