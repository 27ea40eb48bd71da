"""What was asked, answered, run and paid: append-only, and whole after a kill -9.

`ledger.jsonl` holds one entry a line, each on disk before the next thing happens. An answer lies in
`exchanges/<digest>.json` before its entry says so; a trial's `trial.json` likewise. So an entry never promises what
is not there, and what is there is never asked for or run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from agent.budget import Spend
from agent.llm import Usage
from sandboxes.record import Record, sync_folder, write_atomically

A = TypeVar("A", bound=Record)


class Event(StrEnum):
    opened = "opened"
    asked = "asked"
    answered = "answered"
    reserved = "reserved"
    """A call to a language model may cost up to this much; it is under way until it is settled."""
    settled = "settled"
    """The call is over and has cost this much; its answer is on record."""
    trial_started = "trial_started"
    trial_ended = "trial_ended"
    waiting = "waiting"
    """Something waits for a person's word."""
    decided = "decided"
    """What a person said of it."""
    study_opened = "study_opened"
    study_closed = "study_closed"
    closed = "closed"


class Entry(Record):
    """One line of the ledger."""

    number: int
    at: str
    """Wall clock, for people; durations never come from it."""
    event: Event
    key: str
    """What it is about: a question's digest, a trial's folder, a study's slug."""
    detail: str = ""
    elapsed: float
    """Monotonic seconds since this process opened the journal."""
    usd: float = 0.0
    """An upper bound when reserved; 0 also when `usage` has no known price."""
    seconds: float = 0.0
    study: int = 0
    """Of the study in work, from 1."""
    question: str = ""
    """What a language model was asked for: the request's purpose."""
    llm: str = ""
    """Who was asked, as the user named it."""
    served: str = ""
    """Who answered, as the provider said."""
    usage: Usage | None = None
    """Tokens of a call: an upper bound when reserved."""
    priced: bool = True
    """Whether `usd` is what `usage` costs; False where no price is known."""


class Exchange(Record):
    """A question and its recorded answer, each as JSON."""

    kind: str
    question: str
    answer: str


class DamagedJournalError(RuntimeError):
    """A line in the middle of the ledger is not an entry; the message names it."""


class Journal:
    """The ledger and the exchanges of one campaign; safe to use from several threads."""

    def __init__(self, ledger: Path, exchanges: Path) -> None:
        """Open what is there; a torn last line, as a kill leaves it, is set aside."""
        self._ledger = ledger
        self._exchanges = exchanges
        self._lock = threading.Lock()
        self._start = time.monotonic()
        exchanges.mkdir(exist_ok=True)
        set_torn_tail_aside(ledger)
        self._entries = list(read(ledger))
        self._before = len(self._entries)

    def note(self, event: Event, key: str, *, detail: str = "", usd: float = 0.0, seconds: float = 0.0) -> None:
        """Append one entry, durably."""
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                event=event,
                key=key,
                detail=detail,
                elapsed=time.monotonic() - self._start,
                usd=usd,
                seconds=seconds,
            )
            self._append(entry.model_dump_json() + "\n")
            self._entries.append(entry)

    def answer(self, kind: str, question: Record, form: type[A], compute: Callable[[], A]) -> A:
        """Give the recorded answer to `question`, or have it computed, once, and record it.

        Paths into the campaign are told apart from where it lies, so that a moved campaign asks nothing again.
        """
        asked = self._rooted(question.model_dump_json())
        digest = hashlib.sha256(f"{kind}\n{asked}".encode()).hexdigest()[:32]
        path = self._exchanges / f"{digest}.json"
        started = time.monotonic()
        if not path.exists():
            self.note(Event.asked, digest, detail=kind)
            answer = compute()
            write_atomically(
                path, Exchange(kind=kind, question=asked, answer=answer.model_dump_json()).model_dump_json(indent=1)
            )
        if not self.has(Event.answered, digest):
            self.note(Event.answered, digest, detail=kind, seconds=time.monotonic() - started)
        return form.model_validate_json(Exchange.load(path).answer)

    def _rooted(self, text: str) -> str:
        """Replace the campaign's own folder in JSON by a dot."""
        return text.replace(json.dumps(str(self._ledger.parent.resolve()), ensure_ascii=False)[1:-1], ".")

    def has(self, event: Event, key: str) -> bool:
        return any(entry.event == event and entry.key == key for entry in self.entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._entries)

    def spend(self) -> Spend:
        """Sum what all processes that worked on this campaign have used, this one up to now."""
        running = Spend(wall_seconds=time.monotonic() - self._start)
        return spent(self.entries[: self._before]) + running + spent_on_work(self.entries[self._before :])

    def since(self, event: Event, key: str) -> Spend:
        """Give what has been used since this entry, or since the start when there is none."""
        entries = self.entries
        begun = next((place for place, each in enumerate(entries) if each.event == event and each.key == key), 0)
        return self.spend() - spent(entries[:begun])

    @property
    def identity(self) -> str:
        """Tell this campaign from every other: the digest of its first entry."""
        return hashlib.sha256(self.entries[0].model_dump_json().encode()).hexdigest()

    def _append(self, line: str) -> None:
        created = not self._ledger.exists()
        descriptor = os.open(self._ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            whole = os.fstat(descriptor).st_size
            try:
                with open(descriptor, "ab", closefd=False) as ledger:
                    ledger.write(line.encode())
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, whole)
                raise
        finally:
            os.close(descriptor)
        if created:
            sync_folder(self._ledger.parent)


def read(ledger: Path) -> Iterator[Entry]:
    """Yield the entries of a ledger that a writer may be appending to: an unfinished last line is left out.

    Raises `DamagedJournalError` for a whole line that is not an entry.
    """
    if not ledger.exists():
        return
    for number, line in enumerate(ledger.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            return
        try:
            yield Entry.model_validate_json(line)
        except ValidationError as error:
            raise DamagedJournalError(
                f"{ledger}: line {number} is not a ledger entry. Put back a copy of the file, or remove that line: "
                f"what it recorded is still in the study folders, and at worst is done again."
            ) from error


def uncertain(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """List what was begun and has no end: in flight when a process was killed, or right now."""
    entries = tuple(entries)
    ended = {entry.key for entry in entries if entry.event in (Event.answered, Event.trial_ended)}
    begun = (entry for entry in entries if entry.event in (Event.asked, Event.trial_started))
    return tuple({entry.key: entry for entry in begun if entry.key not in ended}.values())


def set_torn_tail_aside(ledger: Path) -> None:
    """Move an unfinished last line to `<ledger>.torn`, so that the next entry starts a line of its own."""
    if not ledger.exists():
        return
    content = ledger.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with ledger.with_suffix(".jsonl.torn").open("ab") as torn:
            torn.write(content[whole:] + b"\n")
        write_atomically(ledger, content[:whole])


def spent(entries: tuple[Entry, ...]) -> Spend:
    """Sum money, trial time, and for each process the time from its opening to its last entry."""
    wall, last = 0.0, 0.0
    for entry in entries:
        if entry.event == Event.opened:
            wall, last = wall + last, 0.0
        last = max(last, entry.elapsed)
    return spent_on_work(entries) + Spend(wall_seconds=wall + last)


def spent_on_work(entries: tuple[Entry, ...]) -> Spend:
    return Spend(
        usd=sum(entry.usd for entry in entries),
        trial_seconds=sum(entry.seconds for entry in entries if entry.event == Event.trial_ended),
    )
