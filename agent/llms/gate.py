"""A gate: how many calls to one language model may be under way at a time, found out as it goes.

Additive increase, multiplicative decrease, as TCP does it. The limit starts low and grows by one for each answer while
the gate is full, so that it doubles in a round of calls, until the provider first says that this is too fast; from then
on it grows by one in a round. Each such word cuts it by a fifth, but only one in a while is heard: those that follow at
once are about calls sent before the cut. Trouble at the provider's is no reason to slow down for all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How a gate moves, and how long trouble is borne."""

    start: int = 20
    """Calls at a time, at first."""
    ceiling: int = 1000
    """Calls at a time, ever."""
    cut: float = 0.8
    """What is left of the limit when the provider finds us too fast."""
    deaf_seconds: float = 15.0
    """After a cut, further complaints change nothing for so long."""
    patience_seconds: float = 1800.0
    """How long a provider may answer nobody before it is given up."""
    believing: bool = True
    """Who finds us too fast and says when to come back uses up no patience."""


HURRIED = Pace(patience_seconds=90.0, believing=False)
"""Of who was told not to wait."""


class Gate:
    """Shared by all threads that ask one language model."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = float(min(pace.start, pace.ceiling))
        self._running = 0
        self._cut_at: float | None = None
        self._closed_until = 0.0
        self._reason = ""
        self._watched = False

    @property
    def limit(self) -> int:
        """Calls that may be under way now."""
        return int(self._limit)

    @property
    def running(self) -> int:
        return self._running

    def enter(self, wait: Callable[[float, str], None]) -> None:
        """Come back when a call may be made.

        While the gate is closed, one of the threads before it calls `wait` and the others rest; what `wait` raises is
        raised, and the next one takes its place.
        """
        while (closed := self._place_or_closure()) is not None:
            self._watch(closed, wait)

    def leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify()

    def answered(self) -> None:
        """Learn from an answer: where the gate was full there is room for more, as far as anybody knows."""
        with self._changed:
            if self._running < self.limit:
                return
            grown = self._limit + (1 if self._cut_at is None else 1 / self._limit)
            self._limit = min(grown, self._pace.ceiling)
            self._changed.notify()

    def too_fast(self) -> None:
        with self._changed:
            now = self._clock()
            if self._cut_at is None or now - self._cut_at >= self._pace.deaf_seconds:
                self._limit = max(1.0, self._limit * self._pace.cut)
                self._cut_at = now

    def close(self, seconds: float, reason: str) -> None:
        """Let nobody in for so long, or for longer where somebody said so before."""
        with self._changed:
            until = self._clock() + seconds
            if until > self._closed_until:
                self._closed_until, self._reason = until, reason

    def _place_or_closure(self) -> float | None:
        """Take a place, or give the seconds to watch over the closed gate; one thread at a time watches."""
        with self._changed:
            while True:
                left = self._closed_until - self._clock()
                if left > 0 and not self._watched:
                    self._watched = True
                    return left
                if left <= 0 and self._running < self.limit:
                    self._running += 1
                    return None
                self._changed.wait()

    def _watch(self, seconds: float, wait: Callable[[float, str], None]) -> None:
        try:
            wait(seconds, self._reason)
        finally:
            with self._changed:
                self._watched = False
                self._changed.notify_all()
