from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import campaign
from agent.budget import Budget
from agent.campaign import Brief, Campaign
from agent.entry import Event
from agent.journal import Journal
from agent.llm import PausedError
from agent.state import Step, StopRequestedError
from agent.waiting import Waiting

HOUR = 3600.0


@pytest.fixture
def made(tmp_path: Path) -> Campaign:
    return campaign.create(tmp_path / "campaigns", Brief(name="story", templates=("toy",)))


def waiting(
    made: Campaign, report: Callable[[Step], None], stop: threading.Event | None = None, **fields: object
) -> Waiting:
    brief = Brief.model_validate(campaign.read_brief(made).model_dump() | fields)
    journal = Journal(made.ledger, made.exchanges)
    journal.note(Event.opened, made.name)
    return Waiting(made, brief, journal, report, stop or threading.Event())


def test_a_wait_is_shown_with_its_reason_and_when_it_ends(made: Campaign) -> None:
    steps: list[Step] = []
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(StopRequestedError):
        waiting(made, steps.append, stop)(HOUR / 2, "too many requests")
    (step,) = steps
    wake = datetime.now(UTC) + timedelta(seconds=HOUR / 2)
    assert (step.name, step.study, step.done) == ("waiting", 1, 0.0)
    assert "too many requests" in step.text
    assert f"{wake.astimezone():%H:%M}" in step.text
    assert "in 30 min" in step.text


def test_a_wait_takes_as_long_as_it_should(made: Campaign) -> None:
    begun = time.monotonic()
    waiting(made, lambda _: None)(0.3, "busy")
    assert 0.3 <= time.monotonic() - begun < 2


def test_a_stop_ends_a_wait_at_once_with_the_command_to_go_on(made: Campaign) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(StopRequestedError, match="ratchet resume story"):
        waiting(made, lambda _: None, stop)(HOUR, "busy")
    assert time.monotonic() - begun < 5


def test_who_does_not_wait_is_told_the_reason_the_time_and_the_command(made: Campaign) -> None:
    with pytest.raises(PausedError) as caught:
        waiting(made, lambda _: None, wait=False)(HOUR, "openai/x asked for an hour")
    said = str(caught.value)
    for part in ("openai/x asked for an hour", "--no-wait", "in 60 min", "ratchet resume story"):
        assert part in said
    assert abs((caught.value.wake - datetime.now(UTC)).total_seconds() - HOUR) < 5


def test_who_does_not_wait_still_waits_for_a_moment(made: Campaign) -> None:
    waiting(made, lambda _: None, wait=False)(0.1, "busy")


@pytest.mark.parametrize("field", ["budget", "study_budget"])
def test_a_wait_beyond_a_cap_on_wall_time_pauses_at_once(made: Campaign, field: str) -> None:
    cap = {field: Budget(wall_seconds=100)}
    with pytest.raises(PausedError, match="100 wall seconds"):
        waiting(made, lambda _: None, **cap)(HOUR, "busy")


def test_many_threads_that_wait_for_one_moment_are_shown_once(made: Campaign) -> None:
    steps: list[Step] = []
    stop = threading.Event()
    wait = waiting(made, steps.append, stop)

    def one(_: int) -> None:
        with pytest.raises(StopRequestedError):
            wait(HOUR, "busy")

    with ThreadPoolExecutor(50) as pool:
        running = pool.map(one, range(50))
        time.sleep(0.3)
        stop.set()
        list(running)
    assert len(steps) == 1


def test_a_moment_is_not_worth_a_line(made: Campaign) -> None:
    steps: list[Step] = []
    waiting(made, steps.append)(0.05, "busy")
    assert steps == []


def test_the_study_in_work_is_named(made: Campaign) -> None:
    steps: list[Step] = []
    stop = threading.Event()
    wait = waiting(made, steps.append, stop)
    Journal(made.ledger, made.exchanges).note(Event.study_closed, "001-first")
    again = waiting(made, steps.append, stop)
    stop.set()
    for each in (wait, again):
        with pytest.raises(StopRequestedError):
            each(HOUR, "busy")
    assert [step.study for step in steps] == [1, 2]
