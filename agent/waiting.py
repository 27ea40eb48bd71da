"""Waiting: how long a campaign waits for a provider, and how it says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from agent.campaign import Brief, Campaign
from agent.journal import Journal
from agent.llm import PausedError
from agent.llms.gate import HURRIED
from agent.state import Step, stop_requested

SHOWN = 2.0
"""Seconds of a wait that is worth a line."""
GLANCE = 5.0
"""Seconds after which a sleeper looks at the clock: it may have slept with its machine."""


class Waiting:
    """Sleeps for as long as a provider asks, shown and interruptible; safe to call from several threads."""

    def __init__(
        self,
        campaign: Campaign,
        brief: Brief,
        journal: Journal,
        report: Callable[[Step], None],
        stop: threading.Event,
    ) -> None:
        self._campaign = campaign
        self._brief = brief
        self._journal = journal
        self._report = report
        self._stop = stop
        self._lock = threading.Lock()
        self._shown = now()

    def __call__(self, seconds: float, reason: str) -> None:
        """Wait.

        Raises `PausedError` at once when the user or a cap does not let it wait that long, and `StopRequestedError`
        when the user stops it.
        """
        wake = now() + timedelta(seconds=seconds)
        if refusal := self._refusal(seconds):
            raise PausedError(
                f"Paused: {reason}. It can be asked again at {local(wake)}, in {span(seconds)}, and {refusal}. "
                f"Everything finished is kept. Go on then with 'ratchet resume {self._campaign.argument}'.",
                wake=wake,
            )
        self._show(seconds, reason, wake)
        self._sleep(seconds, wake)

    def _refusal(self, seconds: float) -> str:
        if not self._brief.wait and seconds > HURRIED.patience_seconds:
            return "--no-wait says not to wait for it"
        if over(self._brief.budget.wall_seconds, self._journal.spend().wall_seconds + seconds):
            return f"waiting would use up the {self._brief.budget.wall_seconds:g} wall seconds of the campaign"
        if over(self._brief.study_budget.wall_seconds, self._journal.study_spend().wall_seconds + seconds):
            return f"waiting would use up the {self._brief.study_budget.wall_seconds:g} wall seconds of the study"
        return ""

    def _show(self, seconds: float, reason: str, wake: datetime) -> None:
        """Say it once for all threads that wait for the same moment."""
        with self._lock:
            if seconds < SHOWN or wake < self._shown + timedelta(seconds=1):
                return
            self._shown = wake
        text = f"{reason}; goes on at {local(wake)}, in {span(seconds)}"
        self._report(Step("waiting", self._journal.study, text, done=0.0))

    def _sleep(self, seconds: float, wake: datetime) -> None:
        """Sleep until one of two clocks is through, so that neither a clock that is set nor a nap prolongs it."""
        end = time.monotonic() + seconds
        while (left := min(end - time.monotonic(), (wake - now()).total_seconds())) > 0:
            if self._stop.wait(min(left, GLANCE)):
                raise stop_requested(self._campaign)


def now() -> datetime:
    return datetime.now(UTC)


def over(cap: float | None, used: float) -> bool:
    return cap is not None and used > cap


def local(moment: datetime) -> str:
    """Give a moment as the clock on the wall shows it, with the date where that is another day."""
    here = moment.astimezone()
    today = now().astimezone().date()
    return f"{here:%H:%M:%S}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"


def span(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 (two minutes are the first to be called so)
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004
