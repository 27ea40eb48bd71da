from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.budget import Budget, BudgetReachedError, Caps
from agent.entry import Event, spent, uncertain
from agent.journal import Call, Journal
from agent.ledger import DamagedJournalError, read
from agent.llm import MisfitError, Usage
from agent.prices import Charge
from sandboxes.record import Record

CALL = Call(key="k1", question="propose", llm="scripted/author")


def costing(usd: float, tokens: int = 0) -> Charge:
    return Charge(usage=Usage(output_tokens=tokens), usd=usd)


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
    assert len(uncertain(ledger.entries)) == 1
    ledger.answer("ideas", Asked(text="why?"), Answered, lambda: Answered(text="43"))
    assert uncertain(ledger.entries) == ()


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
    assert [entry.detail for entry in uncertain(ledger.entries)] == ["ideas"]
    ledger.answer("ideas", Asked(text="why?"), Answered, lambda: Answered(text="42"))
    assert uncertain(ledger.entries) == ()


def test_a_question_that_came_to_nothing_is_at_an_end_until_it_is_asked_again(tmp_path: Path) -> None:
    def misfit() -> Answered:
        raise MisfitError("no answer fits")

    def die() -> Answered:
        raise KeyboardInterrupt

    ledger = open_journal(tmp_path)
    with pytest.raises(MisfitError):
        ledger.answer("ideas", Asked(text="why?"), Answered, misfit)
    assert [entry.event for entry in ledger.entries][-2:] == [Event.asked, Event.unanswered]
    assert ledger.entries[-1].detail == "MisfitError"
    assert uncertain(ledger.entries) == ()
    with pytest.raises(KeyboardInterrupt):
        ledger.answer("ideas", Asked(text="why?"), Answered, die)
    assert [entry.event for entry in uncertain(ledger.entries)] == [Event.asked]


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
    assert [entry.number for entry in read(tmp_path / "ledger.jsonl")] == [1]


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
    entries = tuple(read(tmp_path / "ledger.jsonl"))
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


def test_each_entry_names_the_study_in_work(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    ledger.note(Event.study_closed, "001-first")
    reserved = ledger.reserve(CALL, costing(1.0), Caps())
    assert [entry.study for entry in ledger.entries] == [1, 1, 2]
    ledger.note(Event.study_closed, "002-second")
    ledger.settle(reserved, costing(0.5))
    assert ledger.entries[-1].study == 2
    assert open_journal(tmp_path).study_spend().usd == 0


def test_a_reservation_counts_until_it_is_settled_in_every_sum(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    ledger.note(Event.study_opened, "001-first")
    reserved = ledger.reserve(CALL, costing(1.0, 100), Caps())
    sums = (ledger.spend, ledger.study_spend, lambda: ledger.since(Event.study_opened, "001-first"))
    assert [(spend().usd, spend().tokens) for spend in sums] == [(1.0, 100)] * 3
    ledger.settle(reserved, costing(0.25, 10))
    assert [(spend().usd, spend().tokens) for spend in sums] == [(0.25, 10)] * 3
    assert spent(tuple(read(tmp_path / "ledger.jsonl"))).usd == 0.25


def test_what_was_reserved_when_a_process_was_killed_still_counts_in_the_next(tmp_path: Path) -> None:
    open_journal(tmp_path).reserve(CALL, costing(1.0, 100), Caps())
    again = open_journal(tmp_path)
    assert again.spend().usd == 1.0
    assert [entry.key for entry in uncertain(again.entries)] == ["k1"]
    second = again.reserve(CALL, costing(1.0, 100), Caps())
    again.settle(second, costing(0.25, 10))
    assert again.spend().usd == 1.25
    assert again.reservation("k1") is None
    assert len(uncertain(again.entries)) == 1


def test_a_reservation_counts_against_the_caps_as_if_it_were_spent(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    caps = Caps(campaign=Budget(usd=1.0), argument="story")
    ledger.reserve(CALL, costing(0.6), caps)
    with pytest.raises(BudgetReachedError, match=r"1\.2 of 1 US dollars.*ratchet resume story --max-usd"):
        ledger.reserve(CALL, costing(0.6), caps)
    ledger.reserve(CALL, costing(0.4), caps)
    assert ledger.spend().usd == 1.0


def test_a_budget_of_nothing_allows_what_is_free_and_no_more(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    caps = Caps(campaign=Budget(usd=0))
    ledger.settle(ledger.reserve(CALL, costing(0.0, 1000), caps), costing(0.0, 10))
    with pytest.raises(BudgetReachedError):
        ledger.reserve(CALL, costing(1e-9), caps)


def test_keys_are_taken_out_of_what_is_written(tmp_path: Path) -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "[redacted]")

    ledger = Journal(tmp_path / "ledger.jsonl", tmp_path / "exchanges", redact)
    ledger.note(Event.opened, "campaign", detail="with hunter2")
    ledger.settle(ledger.reserve(CALL, costing(0), Caps()), costing(0), served="hunter2-large")
    given = ledger.answer("ideas", Asked(text="hunter2?"), Answered, lambda: Answered(text="It is hunter2."))
    assert given.text == "It is [redacted]."
    written = "".join(path.read_text() for path in tmp_path.rglob("*.json*"))
    assert "hunter2" not in written
    assert written.count("[redacted]") == 4
    assert Journal(tmp_path / "ledger.jsonl", tmp_path / "exchanges").identity == ledger.identity


def test_an_entry_is_on_disk_when_its_writer_goes_on_however_many_write(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)

    def write(index: int) -> bool:
        ledger.note(Event.trial_started, f"trial-{index}.")
        return f"trial-{index}." in (tmp_path / "ledger.jsonl").read_text()

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(write, range(300)))
    assert [entry.number for entry in read(tmp_path / "ledger.jsonl")] == list(range(1, 302))


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_entry_that_cannot_be_written_is_told_to_its_writer_and_leaves_nothing(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    before = (tmp_path / "ledger.jsonl").read_text()
    failures: list[OSError] = []

    def write(index: int) -> None:
        try:
            ledger.settle(ledger.reserve(CALL, costing(1.0), Caps()), costing(1.0), served=f"{index}")
        except OSError as error:
            failures.append(error)

    with no_room_beyond(len(before) + 40), ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(40)))
    assert len(failures) == 40
    assert (tmp_path / "ledger.jsonl").read_text() == before
    assert len(ledger.entries) == 1
    assert ledger.spend().usd == 0
    ledger.note(Event.study_opened, "001-first")
    assert [entry.event for entry in read(tmp_path / "ledger.jsonl")] == [Event.opened, Event.study_opened]


def test_a_line_taken_out_by_hand_makes_no_two_entries_one(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    ledger.note(Event.study_opened, "001-first")
    reserved = ledger.reserve(CALL, costing(1.0), Caps())
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "ledger.jsonl").write_text("".join(line for line in lines if "001-first" not in line))
    again = open_journal(tmp_path)
    later = again.reserve(Call(key="k2", question="survey", llm="scripted/author"), costing(1.0), Caps())
    assert later.number > reserved.number
    again.settle(later, costing(0.0))
    assert again.spend().usd == 1.0


def test_sums_kept_up_entry_by_entry_are_those_of_the_whole_ledger(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    for index in range(60):
        reserved = ledger.reserve(Call(key=f"k{index % 7}", question="judge", llm="l"), costing(0.1, 50), Caps())
        if index % 5:
            ledger.settle(reserved, costing(0.01 * index, index), sure=index % 3 != 0)
        if index % 20 == 19:
            ledger.note(Event.study_closed, f"{index}")
        ledger.note(Event.trial_ended, f"t{index}", seconds=2.0)
    again = Journal(tmp_path / "ledger.jsonl", tmp_path / "exchanges")
    whole = spent(ledger.entries)
    for kept in (ledger.spend(), again.spend(), ledger.since(Event.opened, "campaign")):
        assert kept.usd == pytest.approx(whole.usd)
        assert (kept.tokens, kept.trial_seconds) == (whole.tokens, 120.0)
    assert again.study_spend().trial_seconds == ledger.study_spend().trial_seconds == 2.0
    assert len(uncertain(ledger.entries)) == 12 + sum(1 for i in range(60) if i % 5 and i % 3 == 0)
