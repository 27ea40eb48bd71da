from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent import prices
from agent.budget import Budget, BudgetReachedError, Caps
from agent.endpoint import Endpoint, Price
from agent.entry import Event, uncertain
from agent.journal import Journal
from agent.llm import (
    Finish,
    KeyRefusedError,
    LLMError,
    Message,
    OverloadedError,
    RejectedError,
    Reply,
    Request,
    UnreachableError,
    Usage,
)
from agent.llms.metered import Metered
from agent.llms.recorded import Recorded
from agent.llms.scripted import Script, ScriptedLLM

DRIVER = Path(__file__).with_name("payment_driver.py")
PRICED = Endpoint(price=Price(input=1, output=10, cache_read=0.1, cache_write=1.25))


def request(text: str = "Why?") -> Request:
    return Request(purpose="propose", system="", messages=(Message(speaker="user", text=text),), max_tokens=1000)


def bound(asked: Request) -> prices.Charge:
    return prices.upper_bound(asked, PRICED)


def open_journal(folder: Path) -> Journal:
    opened = Journal(folder / "ledger.jsonl", folder / "exchanges")
    opened.note(Event.opened, "campaign")
    return opened


def metered(
    folder: Path, script: Script, ledger: Journal, endpoint: Endpoint = PRICED, caps: Caps | None = None
) -> Metered:
    return Metered(Recorded(ScriptedLLM(script), folder / "calls"), ledger, endpoint, caps or Caps())


def replying(usage: Usage | None) -> Callable[[Request], Reply]:
    return lambda _: Reply(text="Because.", finish=Finish.finished, usage=usage, served="scripted-2")


def failing(error: LLMError) -> Callable[[Request], Reply]:
    def fail(_: Request) -> Reply:
        raise error

    return fail


def test_a_call_is_reserved_at_its_bound_and_settled_at_what_was_counted(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    usage = Usage(
        input_tokens=100, cache_read_tokens=200, cache_write_tokens=300, output_tokens=40, reasoning_tokens=30
    )
    metered(tmp_path, replying(usage), ledger).complete(request())
    _, reserved, settled = ledger.entries
    assert (reserved.event, reserved.usd) == (Event.reserved, bound(request()).usd)
    assert settled.usd == pytest.approx((100 * 1 + 200 * 0.1 + 300 * 1.25 + 40 * 10) / 1e6)
    assert (settled.usage, settled.settles) == (usage, reserved.number)
    assert (settled.question, settled.llm, settled.served) == ("propose", "scripted/author", "scripted-2")
    assert ledger.spend().usd == settled.usd
    assert ledger.spend().tokens == 640


def test_while_a_call_is_under_way_its_bound_counts(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    seen: list[float] = []

    def look(_: Request) -> str:
        seen.append(ledger.spend().usd)
        return "Because."

    metered(tmp_path, look, ledger).complete(request())
    assert seen == [bound(request()).usd]
    assert ledger.spend().usd < seen[0]


def test_an_answer_on_record_costs_nothing_more(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    llm = metered(tmp_path, lambda _: "Because.", ledger)
    llm.complete(request())
    before = ledger.entries
    llm.complete(request())
    assert ledger.entries == before


@pytest.mark.parametrize(
    "error",
    [
        OverloadedError("busy", status=429),
        OverloadedError("broken", status=500),
        RejectedError("no temperature"),
        KeyRefusedError("revoked"),
        UnreachableError("refused", billed=False),
    ],
)
def test_a_failure_that_is_never_billed_costs_nothing(tmp_path: Path, error: LLMError) -> None:
    ledger = open_journal(tmp_path)
    with pytest.raises(type(error)):
        metered(tmp_path, failing(error), ledger).complete(request())
    assert ledger.spend().usd == 0
    assert ledger.spend().tokens == 0
    assert ledger.entries[-1].detail == type(error).__name__
    assert uncertain(ledger.entries) == ()


def test_a_cut_stream_costs_its_bound_and_is_uncertain_for_good(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    with pytest.raises(UnreachableError):
        metered(tmp_path, failing(UnreachableError("cut", billed=True)), ledger).complete(request())
    metered(tmp_path, replying(Usage(output_tokens=10)), ledger).complete(request())
    assert ledger.spend().usd == pytest.approx(bound(request()).usd + 10 * 10 / 1e6)
    assert [entry.usd for entry in uncertain(ledger.entries)] == [bound(request()).usd]


def test_where_the_provider_does_not_count_the_bound_stands(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    metered(tmp_path, replying(None), ledger).complete(request())
    assert ledger.spend().usd == bound(request()).usd
    assert [entry.event for entry in uncertain(ledger.entries)] == [Event.settled]


def test_a_call_that_could_go_beyond_a_cap_is_not_made(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    asked: list[Request] = []
    caps = Caps(campaign=Budget(usd=bound(request()).usd / 2), argument="story")

    def answer(each: Request) -> str:
        asked.append(each)
        return "Because."

    with pytest.raises(BudgetReachedError, match=r"may cost up to \$0\.0\d+ .* 'ratchet resume story --max-usd …'"):
        metered(tmp_path, answer, ledger, caps=caps).complete(request())
    assert asked == []
    assert [entry.event for entry in ledger.entries] == [Event.opened]


def test_a_study_has_caps_of_its_own(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    most = bound(request()).usage.tokens
    llm = metered(
        tmp_path, replying(Usage(output_tokens=most)), ledger, caps=Caps(study=Budget(tokens=most), argument="story")
    )
    llm.complete(request("one"))
    with pytest.raises(BudgetReachedError, match=r"this study would have used .*--study-max-tokens"):
        llm.complete(request("two"))
    ledger.note(Event.study_closed, "001-first")
    llm.complete(request("two"))
    assert ledger.spend().tokens == 2 * most
    assert ledger.study_spend().tokens == most


def test_without_a_price_tokens_are_counted_and_said_to_be_unpriced(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    metered(tmp_path, replying(Usage(input_tokens=7)), ledger, Endpoint()).complete(request())
    assert (ledger.spend().usd, ledger.spend().tokens, ledger.spend().unpriced_tokens) == (0, 7, 7)


def test_two_threads_that_ask_the_same_pay_once(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    together, asked = threading.Barrier(8), []

    def answer(each: Request) -> str:
        asked.append(each)
        return "Because."

    llm = metered(tmp_path, answer, ledger)

    def ask(_: int) -> Reply:
        together.wait()
        return llm.complete(request())

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(ask, range(8)))
    assert len(asked) == 1
    assert len(set(replies)) == 1


def test_a_hundred_threads_never_reserve_more_than_is_left(tmp_path: Path) -> None:
    ledger = open_journal(tmp_path)
    most = bound(request("00")).usd
    release = threading.Event()

    def hang(_: Request) -> Reply:
        release.wait(10)
        return Reply(text="", finish=Finish.finished, usage=None, served="")

    llm = metered(tmp_path, hang, ledger, caps=Caps(campaign=Budget(usd=7.5 * most)))
    refusals: list[BudgetReachedError] = []

    def ask(index: int) -> None:
        try:
            llm.complete(request(f"{index:02}"))
        except BudgetReachedError as refusal:
            refusals.append(refusal)
            if len(refusals) == 93:
                release.set()

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(ask, range(100)))
    assert len(refusals) == 93
    assert ledger.spend().usd == pytest.approx(7 * most)


def test_a_process_killed_anywhere_pays_no_recorded_answer_twice_and_forgets_no_dollar(tmp_path: Path) -> None:
    """Two calls are killed at each file that is opened or renamed, and before and after the provider answers."""
    driven = subprocess.run([sys.executable, str(DRIVER), str(tmp_path)], capture_output=True, text=True, check=True)
    whole, *lives = (json.loads(each) for each in driven.stdout.splitlines())
    assert len(lives) == 2 * whole["points"] > 30
    for life in lives:
        assert life["replies"] == whole["replies"]
        assert life["recorded_then_billed"] == 0, life
        assert life["settled"] == ["propose", "survey"], life
        # Each attempt in flight at a kill stays on the books at its bound, so that no bill is missing from them.
        assert len(life["uncertain"]) + 2 >= len(life["bills"]), life
        assert life["usd"] >= len(life["bills"]) * whole["usd"] / 2 - 1e-12, life
        assert len(life["uncertain"]) <= len(life["deaths"]), life
