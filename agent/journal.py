"""What was asked, answered, run and paid: append-only, and whole after a kill -9.

`ledger.jsonl` holds one entry a line, each written before the next thing happens. An answer lies in
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
from typing import TypeVar

from agent.budget import BudgetReachedError, Caps, Spend, StudyBudgetReachedError
from agent.entry import Book, Entry, Event, spent_on_work, wall
from agent.ledger import Ledger, Line, read
from agent.prices import Charge
from sandboxes.record import Record, write_atomically

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

    def note(self, event: Event, key: str, *, detail: str = "", usd: float = 0.0, seconds: float = 0.0) -> None:
        """Append one entry, durably."""
        self._append(event, key, detail=detail, usd=usd, seconds=seconds)

    def answer(self, kind: str, question: Record, form: type[A], compute: Callable[[], A], who: str = "") -> A:
        """Give the recorded answer to `question`, or have it computed by `who`, once, and record it.

        Paths into the campaign are told apart from where it lies, so that a moved campaign asks nothing again.
        """
        asked = self._rooted(question.model_dump_json())
        digest = hashlib.sha256(f"{kind}\n{asked}".encode()).hexdigest()[:32]
        path = self._exchanges / f"{digest}.json"
        started = time.monotonic()
        if not path.exists():
            self.note(Event.asked, digest, detail=kind)
            try:
                answer = self._redact(compute().model_dump_json())
            except Exception as error:
                self.note(Event.unanswered, digest, detail=type(error).__name__)
                raise
            exchange = Exchange(kind=kind, question=self._redact(asked), answer=answer)
            write_atomically(path, exchange.model_dump_json(indent=1))
        if not self.has(Event.answered, digest):
            self._append(Event.answered, digest, detail=kind, llm=who, seconds=time.monotonic() - started)
        return form.model_validate_json(Exchange.load(path).answer)

    def reserve(self, call: Call, bound: Charge, caps: Caps) -> Entry:
        """Set aside what `call` may cost at most, in one step with the look at the caps.

        Raises `BudgetReachedError`, and sets nothing aside, when that could go beyond one of them, and
        `StudyBudgetReachedError` when only the study's own stands in the way.
        """
        with self._lock:
            self._refuse_beyond(call, bound, caps)
            entry = self._entry(Event.reserved, call.key, question=call.question, llm=call.llm, **bound.fields)
            line = self._ledger.add(entry.model_dump_json() + "\n")
        self._commit(entry, line)
        return entry

    def settle(self, reserved: Entry, cost: Charge, *, served: str = "", failed: str = "", sure: bool = True) -> None:
        """Replace a reservation by what the call has cost.

        `failed` names the kind of error that it ended with; it is not `sure` when nobody knows whether it was billed.
        It survives a kill, and need not survive the loss of power: the reservation, or the record, then says enough.
        """
        about = {name: getattr(reserved, name) for name in ("question", "llm", "study")}
        self._append(
            Event.settled,
            reserved.key,
            detail=failed,
            served=self._redact(served),
            settles=reserved.number,
            uncertain=not sure,
            **about,
            **cost.fields,
        )

    def reservation(self, key: str) -> Entry | None:
        """Give the last reservation of the call `key`, unless it is settled: that attempt was never seen to end."""
        with self._lock:
            return self._book.reservation(key)

    def has(self, event: Event, key: str) -> bool:
        with self._lock:
            return self._book.place(event, key) is not None

    @property
    def entries(self) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._book.entries)

    def spend(self) -> Spend:
        """Sum what all processes that worked on this campaign have used, this one up to now."""
        with self._lock:
            return self._book.spend(self._wall())

    def study_spend(self) -> Spend:
        """Sum what the study in work has used, from the end of the one before: its proposal counts as its own."""
        with self._lock:
            return self._book.study_spend(self._wall())

    @property
    def study(self) -> int:
        """Number of the study in work, from 1."""
        with self._lock:
            return self._book.study

    @property
    def overdrawn(self) -> str:
        """Say how the study in work used up its own budget; empty when it did not."""
        with self._lock:
            return self._overdrawn()

    def since(self, event: Event, key: str) -> Spend:
        """Give what has been used since this entry, or since the start when there is none."""
        with self._lock:
            begun = self._book.place(event, key) or 0
            before, after = self._book.entries[:begun], self._book.entries[begun:]
            return spent_on_work(after) + Spend(wall_seconds=self._wall() - wall(before))

    @property
    def identity(self) -> str:
        """Tell this campaign from every other: the digest of its first entry."""
        return hashlib.sha256(self.entries[0].model_dump_json().encode()).hexdigest()

    def _rooted(self, text: str) -> str:
        """Replace the campaign's own folder in JSON by a dot."""
        return text.replace(json.dumps(str(self._ledger.path.parent.resolve()), ensure_ascii=False)[1:-1], ".")

    def _wall(self) -> float:
        return self._earlier_wall + time.monotonic() - self._start

    def _refuse_beyond(self, call: Call, bound: Charge, caps: Caps) -> None:
        wall_seconds = self._wall()
        whole, study = self._book.spend(wall_seconds), self._book.study_spend(wall_seconds)
        if used := self._overdrawn():
            raise StudyBudgetReachedError(f"The budget of the study is used up: {used}.", used=used)
        if beyond := caps.beyond(whole + bound.spend, study + bound.spend):
            used = f"the next call to {call.llm} ({call.question}) may cost up to {bound}, and then {beyond.used}"
            message = (
                f"{used[0].upper()}{used[1:]}. It was not made, and everything finished is kept: raise that cap with "
                f"'ratchet resume {caps.argument} {beyond.option} …' to go on."
            )
            raise StudyBudgetReachedError(message, used=used) if beyond.by_study else BudgetReachedError(message)

    def _overdrawn(self) -> str:
        place = self._book.place(Event.overdrawn, str(self._book.study))
        return "" if place is None else self._book.entries[place].detail

    def _append(self, event: Event, key: str, *, detail: str = "", **fields: object) -> None:
        detail = self._redact(detail)
        with self._lock:
            entry = self._entry(event, key, detail=detail, **fields)
            line = self._ledger.add(entry.model_dump_json() + "\n", durable=event is not Event.settled)
        self._commit(entry, line)

    def _entry(self, event: Event, key: str, **fields: object) -> Entry:
        """Add the next entry to the book; the lock is held."""
        last = self._book.entries[-1].number if self._book.entries else 0
        stamp = {
            "number": last + 1,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "event": event,
            "key": key,
            "elapsed": time.monotonic() - self._start,
            "study": self._book.study,
        }
        entry = Entry.model_validate(stamp | fields)
        self._book.add(entry)
        return entry

    def _commit(self, entry: Entry, line: Line) -> None:
        try:
            self._ledger.commit(line)
        except OSError:
            with self._lock:
                self._book = Book(each for each in self._book.entries if each.number != entry.number)
            raise
