"""The gate before a source of literature: how fast it may be asked, remembered from one process to the next."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from agent.literature.source import OutError
from sandboxes.record import DamagedRecordError, Record

PATIENCE_SECONDS = 60.0
"""A longer pause is not waited for: the source is out until it ends."""
LONGEST_PAUSE_SECONDS = 86_400.0
"""Nobody can ask for more."""
SLOWEST_SECONDS = 60.0
"""Between two requests, whatever a source asks for."""


class Pace(Record):
    """What is remembered; times are seconds since the epoch."""

    last: float = 0.0
    """When the last request was begun."""
    interval: float = Field(default=0.0, ge=0)
    """Seconds between requests that the source itself asked for."""
    noted: float = 0.0
    """When the pause began."""
    until: float = 0.0
    why: str = ""


class Gate:
    """Lets one request at a time through to a source, at its pace, over all processes that share `folder`."""

    def __init__(
        self,
        name: str,
        folder: Path,
        interval: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keep at least `interval` seconds between requests to the source called `name`."""
        self.name = name
        self._interval = interval
        file = name.lower().replace(" ", "_")
        self._lock = folder / f"{file}.lock"
        self._file = folder / f"{file}.json"
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may be made, and keep every other one back while it lasts.

        Raises `OutError` when the source is out for longer than `PATIENCE_SECONDS`.
        """
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._wait()
            yield
        finally:
            os.close(descriptor)

    def pause(self, seconds: float, why: str) -> datetime:
        """Let nothing through for so long, and say until when; to be called within a turn."""
        now = self._clock()
        until = now + min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)
        self._pace.model_copy(update={"noted": now, "until": until, "why": why}).save(self._file)
        return datetime.fromtimestamp(until, UTC)

    def slow(self, interval: float) -> None:
        """Keep the interval that the source asks for, where it is longer; to be called within a turn."""
        pace = self._pace
        asked = min(interval, SLOWEST_SECONDS)
        if asked != pace.interval:
            pace.model_copy(update={"interval": asked}).save(self._file)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _wait(self) -> None:
        pace, now = self._pace, self._clock()
        paused = pause_left(pace, now)
        if paused > PATIENCE_SECONDS:
            raise OutError(out(self.name, datetime.fromtimestamp(now + paused, UTC), pace.why))
        interval = max(self._interval, pace.interval)
        # A clock that was set back must not keep the gate shut for longer than one interval.
        paced = min(pace.last + interval - now, interval)
        if (seconds := max(paused, paced)) > 0:
            self._sleep(seconds)
        pace.model_copy(update={"last": self._clock()}).save(self._file)

    @property
    def _pace(self) -> Pace:
        try:
            return Pace.load(self._file)
        except (FileNotFoundError, DamagedRecordError):
            return Pace()


def pause_left(pace: Pace, now: float) -> float:
    """Give the seconds that a pause still lasts; one noted in the future was noted by another clock, and is over."""
    return pace.until - now if pace.noted <= now else 0.0


def out(name: str, until: datetime, why: str) -> str:
    return f"{name} is out until {until:%Y-%m-%d %H:%M} UTC: {why}."
