from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from agent.budget import BudgetReachedError
from agent.llm import (
    Finish,
    KeyRefusedError,
    LLMError,
    Message,
    NotRecordedError,
    OverloadedError,
    PausedError,
    QuotaError,
    Reply,
    Request,
    TooLongError,
    UnknownLLMError,
)
from agent.llms.fallback import Fallback
from agent.llms.scripted import ScriptedLLM

ASKED = Request(purpose="propose", system="", messages=(Message(speaker="user", text="Why?"),), max_tokens=9)
REFUSAL = Reply(text="I cannot help.", finish=Finish.refused, usage=None, served="one")


def one(error: Exception) -> ScriptedLLM:
    def fail(_: Request) -> str:
        raise error

    return ScriptedLLM(fail, "scripted/one")


def saying(text: str) -> Callable[[Request], str]:
    return lambda _: text


@pytest.mark.parametrize(
    "error",
    [
        KeyRefusedError("The key was revoked."),
        QuotaError("No money is left."),
        UnknownLLMError("There is no such language model."),
        TooLongError("The window is too small."),
        OverloadedError("Broken for half an hour.", status=503),
        NotRecordedError("Not on record."),
        PausedError("In an hour.", wake=datetime.now(UTC)),
    ],
)
def test_when_one_fails_the_next_answers_and_it_is_said_why(error: LLMError) -> None:
    said: list[str] = []
    reply = Fallback([one(error), ScriptedLLM(saying("Because."), "scripted/two")], said.append).complete(ASKED)
    assert (reply.text, reply.served) == ("Because.", "scripted/two")
    assert said == [f"scripted/one is passed over for 'propose': {error}"]


def test_when_one_refuses_the_next_answers() -> None:
    said: list[str] = []
    refusing = ScriptedLLM(lambda _: REFUSAL, "scripted/one")
    reply = Fallback([refusing, ScriptedLLM(saying("Because."), "scripted/two")], said.append).complete(ASKED)
    assert reply.served == "scripted/two"
    assert said == ["scripted/one is passed over for 'propose': it refused to answer."]


def test_when_all_refuse_or_fail_the_refusal_is_the_answer() -> None:
    llms = [ScriptedLLM(lambda _: REFUSAL, "scripted/one"), one(KeyRefusedError("revoked"))]
    assert Fallback(llms).complete(ASKED) == REFUSAL


def test_when_all_fail_the_first_error_has_everybodys_reasons() -> None:
    wake = datetime(2030, 1, 1, tzinfo=UTC)
    llms = [one(PausedError("One is busy.", wake=wake)), one(QuotaError("Two has no money."))]
    with pytest.raises(PausedError, match=r"No language model .* One is busy\. Two has no money\.") as raised:
        Fallback(llms).complete(ASKED)
    assert raised.value.wake == wake


def test_an_exhausted_budget_is_nobodys_failure() -> None:
    second = ScriptedLLM(saying("Because."), "scripted/two")
    with pytest.raises(BudgetReachedError):
        Fallback([one(BudgetReachedError("used up")), second]).complete(ASKED)
    assert second.asked == ()


def test_whose_answer_is_on_record_is_asked_first() -> None:
    first, second = ScriptedLLM(saying("1"), "scripted/one"), ScriptedLLM(saying("2"), "scripted/two")
    llm = Fallback([first, second], held=lambda name, _: name == "scripted/two")
    assert llm.complete(ASKED).text == "2"
    assert first.asked == ()
