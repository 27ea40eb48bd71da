from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from agent.llm import (
    KeyRefusedError,
    LLMError,
    Message,
    OverloadedError,
    PausedError,
    QuotaError,
    RejectedError,
    Reply,
    Request,
    TooLongError,
    UnreachableError,
)
from agent.llms.gate import Gate, Pace
from agent.llms.gated import Gated
from agent.llms.scripted import Script, ScriptedLLM

ASKED = Request(purpose="propose", system="", messages=(Message(speaker="user", text="Why?"),), max_tokens=9)
BUSY = OverloadedError("too many requests", status=429)
SOON = OverloadedError("too many requests", status=429, retry_after=20)
AWAY = OverloadedError("be right back", status=503, retry_after=20)
BROKEN = OverloadedError("internal error", status=500)
UNREACHABLE = UnreachableError("connection refused", billed=False)


class Unrecorded(ScriptedLLM):
    """Has no answer on record."""

    def holds(self, _: Request) -> bool:
        return False


class Clock:
    """Time that passes only when somebody waits; remembers the waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.reasons: list[str] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float, reason: str) -> None:
        self.waits.append(seconds)
        self.reasons.append(reason)
        self.now += seconds


def failing(errors: Iterator[LLMError] | list[LLMError]) -> Callable[[Request], str]:
    """Raise these errors first, then answer."""
    left = iter(errors)

    def answer(_: Request) -> str:
        for error in left:
            raise error
        return "Because."

    return answer


def gated(script: Script, clock: Clock, pace: Pace | None = None) -> Gated:
    return Gated(Unrecorded(script), clock.wait, pace=pace or Pace(), clock=clock, draw=lambda: 1.0)


def test_without_a_word_from_the_provider_waits_double_up_to_a_minute() -> None:
    clock = Clock()
    gated(failing([BUSY] * 8), clock).complete(ASKED)
    assert clock.waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert clock.reasons[0] == "too many requests"


def test_a_wait_is_drawn_at_random_up_to_its_bound() -> None:
    clock, draws = Clock(), iter([0.25, 0.5])
    llm = Gated(Unrecorded(failing([BROKEN, UNREACHABLE])), clock.wait, clock=clock, draw=lambda: next(draws))
    llm.complete(ASKED)
    assert clock.waits == [0.25, 1.0]


def test_what_the_provider_says_of_when_to_come_back_is_kept_to_the_second() -> None:
    clock = Clock()
    gated(failing([OverloadedError("wait", status=429, retry_after=3600)]), clock).complete(ASKED)
    assert clock.waits == [3600]


def test_a_provider_that_says_come_back_at_once_is_not_hammered() -> None:
    clock = Clock()
    gated(failing([OverloadedError("wait", status=429, retry_after=0)] * 3), clock).complete(ASKED)
    assert clock.waits == [1, 2, 4]


@pytest.mark.parametrize(
    "error", [KeyRefusedError("revoked"), QuotaError("no money"), RejectedError("bad"), TooLongError("too long")]
)
def test_what_waiting_does_not_mend_is_raised_at_once(error: LLMError) -> None:
    clock = Clock()
    with pytest.raises(type(error)):
        gated(failing([error]), clock).complete(ASKED)
    assert clock.waits == []


def test_a_provider_that_is_broken_for_longer_than_patience_is_given_up() -> None:
    clock = Clock()
    with pytest.raises(OverloadedError, match="internal error"):
        gated(failing([BROKEN] * 1000), clock, Pace(patience_seconds=1800)).complete(ASKED)
    assert sum(clock.waits) == 1800


def test_who_finds_us_too_fast_and_says_when_to_come_back_is_believed_every_time() -> None:
    clock = Clock()
    gated(failing([SOON] * 500), clock, Pace(patience_seconds=1800)).complete(ASKED)
    assert sum(clock.waits) > 4 * 1800


@pytest.mark.parametrize("error", [BUSY, AWAY], ids=["without a word", "broken"])
def test_who_is_too_busy_and_does_not_say_for_how_long_is_given_up(error: OverloadedError) -> None:
    clock = Clock()
    with pytest.raises(OverloadedError):
        gated(failing([error] * 1000), clock, Pace(patience_seconds=1800)).complete(ASKED)
    assert 1800 <= sum(clock.waits) < 1800 + 2 * 60


def test_in_a_hurry_nobody_is_believed_for_longer_than_patience() -> None:
    clock = Clock()
    with pytest.raises(OverloadedError):
        gated(failing([SOON] * 1000), clock, Pace(patience_seconds=90, believing=False)).complete(ASKED)
    assert 90 <= sum(clock.waits) < 90 + 20


def test_a_sign_of_life_renews_patience() -> None:
    clock = Clock()
    trouble = [*[UNREACHABLE] * 20, SOON, *[UNREACHABLE] * 20, SOON, *[UNREACHABLE] * 20]
    gated(failing(trouble), clock, Pace(patience_seconds=1200)).complete(ASKED)
    assert sum(clock.waits) > 2400


def test_a_provider_given_up_is_tried_once_for_the_next_question_and_not_waited_for_again() -> None:
    clock = Clock()
    llm = gated(failing([BROKEN] * 1000), clock)
    with pytest.raises(OverloadedError):
        llm.complete(ASKED)
    clock.waits.clear()
    with pytest.raises(OverloadedError):
        llm.complete(ASKED)
    assert clock.waits == []


def test_a_wait_that_is_refused_ends_the_call_and_frees_its_place() -> None:
    def refuse(_seconds: float, reason: str) -> None:
        raise PausedError(reason, wake=datetime.now(UTC))

    llm = Gated(Unrecorded(failing([OverloadedError("come back", status=429, retry_after=3600)])), refuse)
    with pytest.raises(PausedError, match="come back"):
        llm.complete(ASKED)
    assert llm.gate.running == 0


def test_an_answer_on_record_passes_by_a_closed_gate() -> None:
    class Held(ScriptedLLM):
        def holds(self, request: Request) -> bool:
            return request.sample == 1

    clock = Clock()
    llm = Gated(Held(lambda _: "Because."), clock.wait, clock=clock)
    llm.gate.close(3600, "the provider said so")
    llm.complete(ASKED.model_copy(update={"sample": 1}))
    assert clock.waits == []
    llm.complete(ASKED)
    assert clock.waits == [3600]


def full(gate: Gate) -> None:
    while gate.running < gate.limit:
        gate.enter(lambda _seconds, _reason: None)


def answer_all(gate: Gate) -> None:
    """Let a round of calls through a gate before which more are waiting."""
    for _ in range(gate.running):
        gate.answered()
        gate.leave()
        full(gate)


def test_the_limit_doubles_each_round_until_the_provider_complains_and_then_grows_by_one() -> None:
    gate = Gate(Pace(start=20), Clock())
    full(gate)
    rounds = []
    for _ in range(3):
        answer_all(gate)
        rounds.append(gate.limit)
    assert rounds == [40, 80, 160]
    gate.too_fast()
    assert gate.limit == 128
    while gate.running > gate.limit:
        gate.leave()
    answer_all(gate)
    assert gate.limit in (128, 129)
    answer_all(gate)
    assert gate.limit in (129, 130)


def test_a_gate_that_is_never_full_does_not_open_wider() -> None:
    gate = Gate(Pace(start=20), Clock())
    for _ in range(100):
        gate.enter(lambda _seconds, _reason: None)
        gate.answered()
        gate.leave()
    assert gate.limit == 20


def test_complaints_about_calls_sent_before_a_cut_cut_nothing_more() -> None:
    clock = Clock()
    gate = Gate(Pace(start=100), clock)
    for _ in range(50):
        gate.too_fast()
    assert gate.limit == 80
    clock.now += 15
    gate.too_fast()
    assert gate.limit == 64


def test_the_limit_keeps_between_one_and_its_ceiling() -> None:
    clock = Clock()
    gate = Gate(Pace(start=20, ceiling=25), clock)
    full(gate)
    answer_all(gate)
    assert gate.limit == 25
    for _ in range(100):
        gate.too_fast()
        clock.now += 15
    assert gate.limit == 1


def test_trouble_at_the_providers_does_not_slow_everybody_down() -> None:
    llm = gated(failing([BROKEN, UNREACHABLE, OverloadedError("away", status=503, retry_after=5)]), Clock())
    llm.complete(ASKED)
    assert llm.gate.limit == 20


def test_no_more_than_the_limit_are_under_way_and_all_are_answered() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def answer(_: Request) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1
        return "Because."

    llm = Gated(Unrecorded(answer), lambda _seconds, _reason: None, pace=Pace(start=3, ceiling=5))
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _: llm.complete(ASKED), range(200)))
    assert len(replies) == 200
    assert 3 < most <= 5


def test_one_thread_watches_a_closed_gate_for_all_and_hands_its_watch_on_when_it_is_stopped() -> None:
    watching, most, lock = 0, 0, threading.Lock()
    told = OverloadedError("come back", status=429, retry_after=3600)

    def wait(_seconds: float, _reason: str) -> None:
        nonlocal watching, most
        with lock:
            watching += 1
            most = max(most, watching)
        threading.Event().wait(0.005)
        with lock:
            watching -= 1
        raise PausedError("later", wake=datetime.now(UTC))

    llm = Gated(Unrecorded(failing([told])), wait)

    def ask(_: int) -> Reply | None:
        with suppress(PausedError):
            return llm.complete(ASKED)
        return None

    with suppress(PausedError):
        llm.complete(ASKED)
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(20))) == [None] * 20
    assert most == 1


def test_a_storm_of_complaints_ends_with_every_request_answered_at_a_pace_the_provider_bears() -> None:
    """The provider takes 8 calls at a time and turns away the rest, sometimes saying when to come back."""
    lock, running, turned_away = threading.Lock(), 0, 0

    def answer(request: Request) -> str:
        nonlocal running, turned_away
        with lock:
            if running >= 8:
                turned_away += 1
                raise OverloadedError("busy", status=429, retry_after=0.005 if turned_away % 2 else None)
            running += 1
        threading.Event().wait(0.003)
        with lock:
            running -= 1
        return f"{request.sample}"

    def wait(seconds: float, _reason: str) -> None:
        threading.Event().wait(min(seconds, 0.01))

    llm = Gated(Unrecorded(answer), wait, pace=Pace(start=64, deaf_seconds=0.02))
    with ThreadPoolExecutor(64) as pool:
        asked = [ASKED.model_copy(update={"sample": sample}) for sample in range(400)]
        replies = list(pool.map(llm.complete, asked))
    assert [reply.text for reply in replies] == [f"{sample}" for sample in range(400)]
    assert turned_away > 0
    assert llm.gate.limit < 32
