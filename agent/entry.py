"""An entry: one line of a campaign's ledger; and the arithmetic over many of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from agent.budget import Spend
from agent.llm import Usage
from sandboxes.record import Record


class Event(StrEnum):
    opened = "opened"
    asked = "asked"
    answered = "answered"
    unanswered = "unanswered"
    """The question came to nothing, for now or for good; `detail` is the kind of error."""
    reserved = "reserved"
    """A call to a language model may cost up to this much; it is under way until it is settled."""
    settled = "settled"
    """The call is over and has cost this much; its answer, if it gave one, is on record."""
    guarded = "guarded"
    """The safeguard refused an answer of the language model that `key` names."""
    trial_started = "trial_started"
    trial_ended = "trial_ended"
    pending = "pending"
    """Something waits for a person's word."""
    decided = "decided"
    """What a person said of it."""
    study_opened = "study_opened"
    overdrawn = "overdrawn"
    """The study with the number `key` used up its own budget, as `detail` says: nothing new is begun for it."""
    study_closed = "study_closed"
    closed = "closed"


class Entry(Record):
    """One line of the ledger."""

    number: int
    at: str
    """Wall clock, for people; durations never come from it."""
    event: Event
    key: str
    """What it is about: a question's digest, a call's, a trial's folder, a study's slug."""
    detail: str = ""
    """Of a settled call: the kind of error that it ended with, empty when it was answered."""
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
    """Who was asked, as the user named it; of an answered question, its researcher."""
    served: str = ""
    """Who answered, as the provider said."""
    usage: Usage | None = None
    """Tokens of a call: an upper bound when reserved."""
    priced: bool = True
    """Whether `usd` is what `usage` costs; False where no price is known."""
    settles: int = 0
    """Number of the reservation that this entry ends."""
    uncertain: bool = False
    """The call may have cost up to this much, or nothing: its answer, or its usage, never came."""


PICO = 10**12
"""Dollars are summed in whole trillionths, so that what is taken away again leaves no residue."""


class Sum:
    """A running sum of what entries add to the spend."""

    def __init__(self) -> None:
        self._picodollars = 0
        self._tokens = 0
        self._unpriced_tokens = 0
        self._trial_seconds = 0.0

    def add(self, entry: Entry, times: int = 1) -> None:
        """Add an entry, or take it away with `times` of -1."""
        tokens = entry.usage.tokens if entry.usage else 0
        self._picodollars += times * round(entry.usd * PICO)
        self._tokens += times * tokens
        self._unpriced_tokens += 0 if entry.priced else times * tokens
        self._trial_seconds += times * entry.seconds if entry.event is Event.trial_ended else 0.0

    def spend(self, wall_seconds: float = 0.0) -> Spend:
        return Spend(
            usd=self._picodollars / PICO,
            tokens=self._tokens,
            unpriced_tokens=self._unpriced_tokens,
            wall_seconds=wall_seconds,
            trial_seconds=self._trial_seconds,
        )


class Book:
    """Entries, with their sums and look-ups kept up as they come; one thread at a time."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = []
        self.study = 1
        """The study in work."""
        self._first: dict[tuple[Event, str], int] = {}
        self._open: dict[int, Entry] = {}
        self._last: dict[str, Entry] = {}
        self._sum = Sum()
        self._sums: dict[int, Sum] = {}
        self._wall_before_study = 0.0
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._first.setdefault((entry.event, entry.key), len(self.entries) - 1)
        self._count(entry, 1)
        if settled := self._open.pop(entry.settles, None):
            self._count(settled, -1)
        if entry.event is Event.reserved:
            self._open[entry.number] = self._last[entry.key] = entry
        if entry.event is Event.study_closed:
            self.study += 1
            self._wall_before_study = wall(self.entries)

    def place(self, event: Event, key: str) -> int | None:
        """Find the first entry of this kind about `key`."""
        return self._first.get((event, key))

    def reservation(self, key: str) -> Entry | None:
        """Give the last reservation about `key`, unless it is settled; those before it were given up."""
        last = self._last.get(key)
        return self._open.get(last.number) if last else None

    def spend(self, wall_seconds: float) -> Spend:
        """Sum the work of all studies, reservations at their upper bound."""
        return self._sum.spend(wall_seconds)

    def study_spend(self, wall_seconds: float) -> Spend:
        """Sum what the study in work has used, of `wall_seconds` of the campaign those since the last one closed."""
        return self._sums.setdefault(self.study, Sum()).spend(wall_seconds - self._wall_before_study)

    def _count(self, entry: Entry, times: int) -> None:
        for each in (self._sum, self._sums.setdefault(entry.study, Sum())):
            each.add(entry, times)


def total(entries: Iterable[Entry]) -> Spend:
    """Sum what entries add to the spend, wall time aside."""
    summed = Sum()
    for entry in entries:
        summed.add(entry)
    return summed.spend()


def wall(entries: Sequence[Entry]) -> float:
    """Sum, for each process, the time from its opening to its last entry."""
    before, last = 0.0, 0.0
    for entry in entries:
        if entry.event == Event.opened:
            before, last = before + last, 0.0
        last = max(last, entry.elapsed)
    return before + last


def spent_on_work(entries: Iterable[Entry]) -> Spend:
    """Sum money, tokens and trial time; a reservation counts until it is settled."""
    entries = tuple(entries)
    settled = {entry.settles for entry in entries}
    return total(entry for entry in entries if entry.event != Event.reserved or entry.number not in settled)


def spent(entries: Sequence[Entry]) -> Spend:
    """Sum what these entries say was used, up to the last of them."""
    return spent_on_work(entries) + Spend(wall_seconds=wall(entries))


def uncertain(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """List what may have been done or paid and has no end on record.

    That is what was in flight when a process was killed, or is right now, and each call that was sent and whose answer
    was lost. A question or a trial leaves the list once it ends after all; a call's attempt never does.
    """
    entries = tuple(entries)
    settled = {entry.settles for entry in entries}
    undone: dict[str, Entry] = {}
    for entry in entries:
        if entry.event in (Event.asked, Event.trial_started):
            undone[entry.key] = entry
        elif entry.event in (Event.answered, Event.unanswered, Event.trial_ended):
            undone.pop(entry.key, None)
    lost = (
        entry for entry in entries if entry.uncertain or (entry.event is Event.reserved and entry.number not in settled)
    )
    return (*undone.values(), *lost)
