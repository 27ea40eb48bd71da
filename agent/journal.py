"""What was asked, answered, run and paid: append-only, and whole after a kill -9.

`ledger.jsonl` holds one entry a line, each on disk before the next thing happens. An answer lies in
`exchanges/<digest>.json` before its entry says so; a trial's `trial.json` and a call's record likewise. So an entry
never promises what is not there, and what is there is never asked for, paid or run again.

A call to a language model is reserved at its upper bound before it is sent, and settled when it is over. An attempt
that a kill left in flight may have been billed: it counts at that bound from then on, whatever later attempts cost.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from agent.budget import BudgetReachedError, Caps, Spend
from agent.entry import Book, Entry, Event, spent, spent_on_work, uncertain, wall
from agent.ledger import DamagedJournalError, Ledger, read
from agent.prices import Charge
from sandboxes.record import Record, write_atomically

__all__ = [
    "Call",
    "DamagedJournalError",
    "Entry",
    "Event",
    "Exchange",
    "Journal",
    "read",
    "spent",
    "uncertain",
]

A = TypeVar("A", bound=Record)


class Exchange(Record):
    """A question and its recorded answer, each as JSON."""

    kind: str
    question: str
    answer: str


class Call(Record):
    """One request to one language model."""

    key: str
    """Names its record."""
    question: str
    """The request's purpose."""
    llm: str


class Journal:
    """The ledger and the exchanges of one campaign; safe to use from several threads."""

    def __init__(self, ledger: Path, exchanges: Path, redact: Callable[[str], str] = str) -> None:
        """Open what is there; a torn last line, as a kill leaves it, is set aside.

        `redact` takes keys out of every text before it is written; what it gives for JSON must be JSON.
        """
        self._exchanges = exchanges
        self._redact = redact
        self._lock = threading.Lock()
        self._start = time.monotonic()
        exchanges.mkdir(exist_ok=True)
        self._ledger = Ledger(ledger)
        self._book = Book(read(ledger))
        self._earlier_wall = wall(self._book.entries)

    def note(
        self,
        event: Event,
        key: str,
        *,
        detail: str = "",
        usd: float = 0.0,
        seconds: float = 0.0,
        gpu_seconds: float = 0.0,
    ) -> None:
        """Append one entry, durably."""
        with self._lock:
            entry = self._entry(event, key, detail=detail, usd=usd, seconds=seconds, gpu_seconds=gpu_seconds)
            batch = self._ledger.add(self._line(entry))
        self._ledger.commit(batch)
