from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent import journal
from agent.journal import DamagedJournalError, Event, Journal
from sandboxes.record import Record


class Asked(Record):
    text: str


class Answered(Record):
    text: str


def open_journal(folder: Path) -> Journal:
    opened = Journal(folder / "ledger.jsonl", folder / "exchanges")
    opened.note(Event.opened, "campaign")
    return opened


def test_an_answer_is_computed_once_and_then_read_from_the_record(tmp_path: Path) -> None:
    calls: list[str] = []

    def compute() -> Answered:
        calls.append("called")
        return Answered(text="42")

    first = open_journal(tmp_path).answer("ideas", Asked(text="why?"), Answered, compute)
    second = open_journal(tmp_path).answer("ideas", Asked(text="why?"), Answered, compute)
    assert first == second == Answered(text="42")
    assert calls == ["called"]


def test_an_answer_recorded_just_before_a_kill_is_no_longer_uncertain(tmp_path: Path) -> None:
    open_journal(tmp_path).answer("ideas", Asked(text="why?"), Answered, lambda: Answered(text="42"))
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "ledger.jsonl").write_text("".join(line for line in lines if '"answered"' not in line))
    ledger = open_journal(tmp_path)
    assert len(journal.uncertain(ledger.entries)) == 1
    ledger.answer("ideas", Asked(text="why?"), Answered, lambda: Answered(text="43"))
    assert journal.uncertain(ledger.entries) == ()


def test_another_question_has_another_answer(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    ledger.answer("ideas", Asked(text="one"), Answered, lambda: Answered(text="1"))
    assert ledger.answer("ideas", Asked(text="two"), Answered, lambda: Answered(text="2")).text == "2"


def test_what_was_asked_and_never_answered_is_uncertain(tmp_path: Path) -> None:
    def die() -> Answered:
        raise KeyboardInterrupt

    ledger = open_journal(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        ledger.answer("ideas", Asked(text="why?"), Answered, die)
    assert [entry.detail for entry in journal.uncertain(ledger.entries)] == ["ideas"]
    ledger.answer("ideas", Asked(text="why?"), Answered, lambda: Answered(text="42"))
    assert journal.uncertain(ledger.entries) == ()


def test_a_line_torn_by_a_kill_is_set_aside_and_the_rest_is_kept(tmp_path: Path) -> None:
    open_journal(tmp_path).note(Event.study_opened, "001-merge")
    with (tmp_path / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"number": 3, "at": "20')
    again = open_journal(tmp_path)
    assert [entry.event for entry in again.entries] == [Event.opened, Event.study_opened, Event.opened]
    assert (tmp_path / "ledger.jsonl.torn").read_text() == '{"number": 3, "at": "20\n'


def test_a_reader_does_not_stumble_over_a_line_that_is_being_written(tmp_path: Path) -> None:
    open_journal(tmp_path)
    with (tmp_path / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"number": 2')
    assert [entry.number for entry in journal.read(tmp_path / "ledger.jsonl")] == [1]


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    open_journal(tmp_path)
    with (tmp_path / "ledger.jsonl").open("a") as ledger:
        ledger.write("garbage\n")
    with pytest.raises(DamagedJournalError, match="line 2"):
        open_journal(tmp_path)


def test_entries_from_several_threads_are_whole_and_numbered(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)

    def write() -> None:
        for index in range(50):
            ledger.note(Event.trial_ended, f"trial-{index}", seconds=1.0)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = tuple(journal.read(tmp_path / "ledger.jsonl"))
    assert [entry.number for entry in entries] == list(range(1, 202))
    assert ledger.spend().trial_seconds == pytest.approx(200)


def test_the_time_of_earlier_processes_counts(tmp_path: Path) -> None:
    line = (
        '{{"number": {n}, "at": "", "event": "{event}", "key": "", "elapsed": {elapsed}, "usd": {usd}, "seconds": 0}}\n'
    )
    entries = [("opened", 0, 0), ("answered", 30, 0.5), ("opened", 0, 0), ("answered", 12, 0.25)]
    (tmp_path / "ledger.jsonl").write_text(
        "".join(line.format(n=n, event=event, elapsed=at, usd=usd) for n, (event, at, usd) in enumerate(entries, 1))
    )
    spend = open_journal(tmp_path).spend()
    assert spend.wall_seconds == pytest.approx(42, abs=5)
    assert spend.usd == pytest.approx(0.75)
