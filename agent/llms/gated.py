"""Pacing and patience: the one place that tries a call again, and waits before it does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol

from agent.llm import LLM, LLMError, OverloadedError, Reply, Request, UnreachableError
from agent.llms.gate import Gate, Pace

TOO_FAST = 429
"""HTTP status of a provider that wants fewer requests; it is well otherwise."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds, where the provider does not say how long."""


class Recording(LLM, Protocol):
    """A language model some of whose answers are on record."""

    def holds(self, request: Request) -> bool: ...


class Gated:
    """Asks no faster than the provider likes, and again when it was busy, broken or out of reach.

    The gate is shared by all threads. What a provider says of when to come back holds for all of them; otherwise each
    waits for a random time up to a bound that doubles (full jitter). Answers on record pass by the gate. Whether a wait
    is short enough, and how it is told, is up to `wait(seconds, reason)`, which may raise.
    """

    def __init__(
        self,
        llm: Recording,
        wait: Callable[[float, str], None],
        *,
        pace: Pace = Pace(),  # noqa: B008 (frozen)
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._llm = llm
        self._wait = wait
        self._pace = pace
        self._clock = clock
        self._draw = draw
        self._troubled_since: float | None = None
        self.gate = Gate(pace, clock)

    @property
    def name(self) -> str:
        return self._llm.name

    def complete(self, request: Request) -> Reply:
        """Answer, however long it takes.

        Raises what `wait` raises, the last `OverloadedError` or `UnreachableError` when patience is used up, and every
        other `LLMError` at once: waiting would not help.
        """
        tries = 0
        while True:
            if self._llm.holds(request):
                return self._llm.complete(request)
            try:
                return self._through_the_gate(request)
            except (OverloadedError, UnreachableError) as error:
                self._bear(error, tries)
            tries += 1

    def _through_the_gate(self, request: Request) -> Reply:
        self.gate.enter(self._wait)
        try:
            reply = self._llm.complete(request)
            self.gate.answered()
        except LLMError as error:
            self._note(error)
            raise
        finally:
            self.gate.leave()
        self._troubled_since = None
        return reply

    def _note(self, error: LLMError) -> None:
        """Tell a provider in trouble from one that is well: it says when there is room, or what is wrong with us."""
        if too_fast(error):
            self.gate.too_fast()
        self.gate.close(told(error), reason(error))
        if not self._in_trouble(error):
            self._troubled_since = None
        elif self._troubled_since is None:
            self._troubled_since = self._clock()

    def _in_trouble(self, error: LLMError) -> bool:
        believed = self._pace.believing and too_fast(error) and told(error) > 0
        return isinstance(error, (OverloadedError, UnreachableError)) and not believed

    def _bear(self, error: OverloadedError | UnreachableError, tries: int) -> None:
        """Wait before the next try; raises `error` when there should be none."""
        now, since = self._clock(), self._troubled_since
        left = self._pace.patience_seconds - (0.0 if since is None else now - since)
        if left <= 0:
            raise error
        seconds = min(left, self._draw() * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries, 30)))
        if seconds > told(error):  # else the gate is closed for longer than that
            self._wait(seconds, reason(error))


def too_fast(error: LLMError) -> bool:
    return isinstance(error, OverloadedError) and error.status == TOO_FAST


def reason(error: LLMError) -> str:
    """Say why there is a wait, as a clause."""
    return str(error).rstrip(".")


def told(error: LLMError) -> float:
    """Give the seconds that the provider asked to wait."""
    return error.retry_after or 0.0 if isinstance(error, OverloadedError) else 0.0
