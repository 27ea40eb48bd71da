"""Watching a job from outside: its output, its clock and what it uses, until every process of it is dead."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from sandboxes.job import Ending, Limits

BY_ITSELF = frozenset({Ending.finished, Ending.crashed})
"""Endings that nobody brought about from outside."""

_CHUNK = 1 << 18
_LAST_WORDS_SECONDS = 1.0
_READY = select.POLLIN | select.POLLHUP


class Usage(NamedTuple):
    """What a job has used so far."""

    cpu_seconds: float
    memory_bytes: int
    """The most at one time."""
    starved: bool
    """The job met its memory limit."""


class Meter(Protocol):
    @property
    def name(self) -> str:
        """What enforces the limits of memory, processes and CPU."""
        ...

    @property
    def interval_seconds(self) -> float:
        """How often it is worth reading."""
        ...

    def read(self) -> Usage:
        """Sum over all processes of the job, the dead included."""
        ...


class Watched(NamedTuple):
    """How a watch ended."""

    excess: Ending | None
    """The ending that the job's first excess means, None without one."""
    wall_seconds: float


class Capture:
    """One stream of a job, drained into a file up to a cap."""

    def __init__(self, pipe: int, path: Path, cap: int) -> None:
        self.pipe = pipe
        self.overflowed = False
        self._file = path.open("wb", buffering=0)  # read while the job runs
        self._room = cap

    def pump(self) -> bool:
        """Take what the pipe holds; false once it has ended."""
        data = os.read(self.pipe, _CHUNK)
        self._file.write(data[: self._room])
        self.overflowed |= len(data) > self._room
        self._room = max(0, self._room - len(data))
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def watch(captures: Sequence[Capture], pidfd: int, limits: Limits, meter: Meter, kill: Callable[[], None]) -> Watched:
    """Wait until the process of `pidfd` is dead and its streams have ended, killing the job at its first excess."""
    start = time.monotonic()
    next_reading = start
    excess: Ending | None = None
    sources = _Sources(captures, pidfd)
    while sources.wait(meter.interval_seconds):
        if excess is not None:
            continue
        if any(capture.overflowed for capture in captures):
            excess = Ending.too_much_output
        elif time.monotonic() > start + limits.wall_seconds:
            excess = Ending.timed_out
        elif time.monotonic() >= next_reading:
            excess = _excess(meter.read(), limits)
            next_reading = time.monotonic() + meter.interval_seconds
        if excess is not None:
            kill()
    if excess is None and any(capture.overflowed for capture in captures):  # by its last words
        excess = Ending.too_much_output
    return Watched(excess, time.monotonic() - start)


def ending(excess: Ending | None, exit_code: int | None, usage: Usage) -> Ending:
    """Say how a job ended: by an excess, by someone else's hand, or by itself."""
    if excess is not None:
        return excess
    if usage.starved:
        return Ending.out_of_memory
    if exit_code is None:
        return Ending.killed
    return Ending.crashed if exit_code else Ending.finished


def await_death(pidfd: int) -> None:
    """Wait for the end of a process that has been killed."""
    poll = select.poll()  # `select` knows no descriptor beyond 1023
    poll.register(pidfd, select.POLLIN)
    poll.poll()


def _excess(usage: Usage, limits: Limits) -> Ending | None:
    if usage.starved:
        return Ending.out_of_memory
    return Ending.timed_out if usage.cpu_seconds > limits.cpu_seconds else None


class _Sources:
    """What there is to wait for: the death of the process, and the end of its streams soon after."""

    def __init__(self, captures: Sequence[Capture], pidfd: int) -> None:
        self._poll = select.poll()
        self._pidfd = pidfd
        self._open = {capture.pipe: capture for capture in captures}
        self._last_words: float | None = None
        for descriptor in (pidfd, *self._open):
            self._poll.register(descriptor, _READY)

    def wait(self, seconds: float) -> bool:
        """Take in what happens next; false once nothing is left to wait for."""
        for descriptor, _ in self._poll.poll(seconds * 1000):
            if descriptor == self._pidfd:
                self._last_words = time.monotonic() + _LAST_WORDS_SECONDS
            elif self._open[descriptor].pump():
                continue
            else:
                del self._open[descriptor]
            self._poll.unregister(descriptor)
        return self._last_words is None or (bool(self._open) and time.monotonic() < self._last_words)
