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
    """Who was asked, as the user named it."""
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


class Book:
    """Entries, with their sums and look-ups kept up as they come; one thread at a time."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = []
        self.study = 1
        """The study in work."""
        self._first: dict[tuple[Event, str], int] = {}
        self._open: dict[int, Entry] = {}
        self._last: dict[str, Entry] = {}
        self._over: dict[int, Spend] = {}
        self._wall_before_study = 0.0
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._first.setdefault((entry.event, entry.key), len(self.entries) - 1)
        self._open.pop(entry.settles, None)
        if entry.event is Event.reserved:
            self._open[entry.number] = self._last[entry.key] = entry
        else:
            self._over[entry.study] = self._over.get(entry.study, Spend()) + worth(entry)
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
        return total((*self._over.values(), *map(worth, self._open.values()), Spend(wall_seconds=wall_seconds)))

    def study_spend(self, wall_seconds: float) -> Spend:
        """Sum what the study in work has used, of `wall_seconds` of the campaign those since the last one closed."""
        reserved = (worth(entry) for entry in self._open.values() if entry.study == self.study)
        since = Spend(wall_seconds=wall_seconds - self._wall_before_study)
        return total((self._over.get(self.study, Spend()), *reserved, since))


def worth(entry: Entry) -> Spend:
    """Say what one entry adds to the spend."""
    tokens = entry.usage.tokens if entry.usage else 0
    return Spend(
        usd=entry.usd,
        tokens=tokens,
        unpriced_tokens=0 if entry.priced else tokens,
        trial_seconds=entry.seconds if entry.event is Event.trial_ended else 0.0,
    )


def total(spends: Iterable[Spend]) -> Spend:
    spends = tuple(spends)
    return Spend(**{name: sum(getattr(each, name) for each in spends) for name in Spend.model_fields})


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
    return total(worth(entry) for entry in entries if entry.event != Event.reserved or entry.number not in settled)


def spent(entries: Sequence[Entry]) -> Spend:
    """Sum what these entries say was used, up to the last of them."""
    return spent_on_work(entries) + Spend(wall_seconds=wall(entries))


def uncertain(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """List what may have been done or paid and has no end on record.

    That is what was in flight when a process was killed, or is right now, and each call that was sent and whose answer
    was lost. A question or a trial leaves the list once it is done after all; a call's attempt never does.
    """
    entries = tuple(entries)
    ended = {entry.key for entry in entries if entry.event in (Event.answered, Event.trial_ended)}
    settled = {entry.settles for entry in entries}
    begun = (entry for entry in entries if entry.event in (Event.asked, Event.trial_started))
    undone = {entry.key: entry for entry in begun if entry.key not in ended}
    lost = (
        entry for entry in entries if entry.uncertain or (entry.event is Event.reserved and entry.number not in settled)
    )
    return (*undone.values(), *lost)
