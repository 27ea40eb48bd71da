from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.budget import Caps
from agent.endpoint import Endpoint, Price
from agent.entry import Event
from agent.journal import Journal
from agent.llm import Finish, Message, RefusedError, Reply, Request, Shape, Usage
from agent.llms.guarded import LINES, MARK, TOKENS, Guarded
from agent.llms.metered import Metered
from agent.llms.recorded import Recorded
from agent.llms.scripted import ScriptedLLM

ANSWER = "We lower the step size as training goes on, because late steps should be small.\n\nThis costs nothing."
REFUSAL = "I cannot help with that."


def asked(words: str = "What now?", shape: Shape | None = None) -> Request:
    return Request(
        purpose="propose",
        system="You do research.",
        context="About steps.",
        messages=(Message(speaker="user", text=words),),
        shape=shape,
        max_tokens=500,
        temperature=0.9,
    )


def shown(request: Request) -> str:
    """Read from a request for a repeat what is to be repeated."""
    return request.messages[0].text.split(f"\n{MARK} ", 1)[1].rsplit("]\n\n", 1)[0]


def repeating(alter: Callable[[str], Reply | str] = str, answer: Reply | str = ANSWER) -> ScriptedLLM:
    """Answer, and repeat as `alter` does."""
    return ScriptedLLM(lambda request: alter(shown(request)) if request.purpose == "guard" else answer)


def reply(text: str, finish: Finish = Finish.finished, reasoning: int = 0) -> Reply:
    usage = Usage(input_tokens=10, output_tokens=20 + reasoning, reasoning_tokens=reasoning)
    return Reply(text=text, finish=finish, usage=usage, served="author-1")


def test_an_answer_that_is_repeated_is_given_as_it_was() -> None:
    llm = repeating()
    assert Guarded(llm, 0.8).complete(asked()) == ScriptedLLM(lambda _: ANSWER).complete(asked())
    assert [request.purpose for request in llm.asked] == ["propose", "guard"]


def test_an_answer_that_is_not_repeated_is_refused_and_says_so() -> None:
    told: list[str] = []
    refused = Guarded(repeating(lambda _: REFUSAL), 0.5, report=told.append).complete(asked())
    assert refused.finish is Finish.refused
    assert "did not repeat its own answer" in refused.text
    assert "threshold of 0.5" in refused.text
    assert ANSWER not in refused.text
    assert told == [f"'propose': {refused.text}"]


def test_the_threshold_decides() -> None:
    def most(text: str) -> str:
        return text.replace("late steps", "small ones")

    likeness = Guarded(repeating(most), 0).likeness(asked(), reply(ANSWER))
    assert 0.6 < likeness < 0.95
    assert Guarded(repeating(most), likeness - 0.01).complete(asked()).finish is Finish.finished
    assert Guarded(repeating(most), likeness + 0.01).complete(asked()).finish is Finish.refused


def test_a_provider_that_refuses_the_repeat_has_refused_the_answer() -> None:
    def refusing(request: Request) -> Reply | str:
        if request.purpose == "guard":
            raise RefusedError("The prompt was filtered.")
        return ANSWER

    for llm in (ScriptedLLM(refusing), repeating(lambda text: reply(text, Finish.refused))):
        assert Guarded(llm, 0.1).complete(asked()).finish is Finish.refused


def test_the_repeat_is_asked_for_as_the_method_says() -> None:
    llm = repeating()
    Guarded(llm, 0.8).complete(asked())
    repeat = llm.asked[1]
    question, opening = repeat.messages
    assert (repeat.system, repeat.context, repeat.shape) == ("You do research.", "", None)
    assert (repeat.temperature, repeat.max_tokens) == (0, TOKENS)
    assert opening == Message(speaker="assistant", text="\n".join((*LINES, MARK)))
    assert f"[{opening.text} {ANSWER}]" in question.text
    assert "safely" in question.text.rsplit("]", 1)[1]


def after_the_lines(text: str) -> str:
    return "\n".join((*LINES, f"{MARK} {text}"))


def after_the_mark(text: str) -> str:
    return f"{MARK} {text}"


def on_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("repeat", [after_the_lines, after_the_mark, on_one_line])
def test_a_language_model_that_takes_no_opening_may_say_it_as_well(repeat: Callable[[str], str]) -> None:
    assert Guarded(repeating(repeat), 0.99).complete(asked()).finish is Finish.finished


def test_an_answer_with_a_list_of_its_own_keeps_it() -> None:
    points = "\n".join(f"{letter}. point {letter} of the plan" for letter in "abcdefg")
    assert Guarded(repeating(answer=points), 0.99).complete(asked()).text == points


def test_a_repeat_that_was_cut_off_is_compared_as_far_as_it_goes() -> None:
    long = "x = 0123456789" * 400
    cut = repeating(lambda text: reply(text[:333], Finish.truncated), answer=long)
    assert Guarded(cut, 0.99).complete(asked()).finish is Finish.finished
    other = repeating(lambda text: reply(text[:20] + "y" * 300, Finish.truncated), answer=long)
    assert Guarded(other, 0.9).complete(asked()).finish is Finish.refused


def test_json_is_guarded_whatever_its_white_space() -> None:
    answer = json.dumps({"title": "Smaller steps", "changes": ["a", "b"], "sure": 0.5}, separators=(",", ":"))
    shape = Shape(name="idea", json_schema={"type": "object"})
    spaced = repeating(lambda text: json.dumps(json.loads(text), indent=4), answer=answer)
    assert Guarded(spaced, 0.99).complete(asked(shape=shape)).text == answer
    refusing = repeating(lambda _: REFUSAL, answer=answer)
    assert Guarded(refusing, 0.5).complete(asked(shape=shape)).finish is Finish.refused


def test_a_language_model_that_reasons_first_has_room_to() -> None:
    llm = repeating(lambda text: reply(text, reasoning=400), answer=reply(ANSWER, reasoning=300))
    assert Guarded(llm, 0.8).complete(asked()).finish is Finish.finished
    assert [request.max_tokens for request in llm.asked] == [500, TOKENS + 500]


def test_a_repeat_that_came_to_no_word_is_asked_for_once_more_with_room() -> None:
    def repeat(request: Request) -> Reply | str:
        if request.purpose != "guard":
            return ANSWER
        return shown(request) if request.max_tokens > TOKENS else reply("", Finish.truncated)

    llm = ScriptedLLM(repeat)
    assert Guarded(llm, 0.8).complete(asked()).finish is Finish.finished
    assert [request.max_tokens for request in llm.asked] == [500, TOKENS, TOKENS + 500]
    never = repeating(lambda _: reply("", Finish.truncated))
    assert Guarded(never, 0.8).complete(asked()).finish is Finish.refused
    assert len(never.asked) == 3


@pytest.mark.parametrize("answer", [reply("No.", Finish.refused), reply("", Finish.empty), reply(" \n", Finish.empty)])
def test_what_is_no_answer_is_not_repeated(answer: Reply) -> None:
    llm = repeating(answer=answer)
    assert Guarded(llm, 0.8).complete(asked()) == answer
    assert len(llm.asked) == 1


def test_the_share_is_kept_and_is_the_same_each_time() -> None:
    requests = [asked(f"question {number}") for number in range(1000)]
    guarded = [Guarded(repeating(), 0.5, share=0.3).guards(request) for request in requests]
    assert guarded == [Guarded(repeating(), 0.9, share=0.3).guards(request) for request in requests]
    assert guarded != [Guarded(repeating(), 0.5, share=0.3, seed=1).guards(request) for request in requests]
    assert 240 < sum(guarded) < 360
    assert all(Guarded(repeating(), 0.5).guards(request) for request in requests)


def test_an_answer_outside_the_share_costs_no_second_call() -> None:
    llm = repeating(lambda _: REFUSAL)
    guard = Guarded(llm, 0.5, share=0.3)
    for number in range(50):
        request = asked(f"question {number}")
        finish = Finish.refused if guard.guards(request) else Finish.finished
        assert guard.complete(request).finish is finish
    repeats = sum(request.purpose == "guard" for request in llm.asked)
    assert repeats == sum(guard.guards(request) for request in llm.asked if request.purpose != "guard")
    assert 0 < repeats < 50


def test_the_repeat_is_recorded_and_paid_apart_and_a_replay_refuses_the_same(tmp_path: Path) -> None:
    llm = repeating(lambda text: REFUSAL if "question 1" in text or "question 3" in text else text)
    answering = ScriptedLLM(lambda request: llm.complete(request) if request.purpose == "guard" else heard(request))
    journal = Journal(tmp_path / "ledger.jsonl", tmp_path / "exchanges")
    priced = Endpoint(price=Price(input=1, output=2))
    paid = Metered(Recorded(answering, tmp_path / "calls"), journal, priced, Caps())
    requests = [asked(f"question {number}") for number in range(6)]
    first = [Guarded(paid, 0.5, share=0.7).complete(request) for request in requests]
    assert {reply.finish for reply in first} == {Finish.finished, Finish.refused}
    silent = Recorded(ScriptedLLM(lambda _: pytest.fail("asked again")), tmp_path / "calls", offline=True)
    assert [Guarded(silent, 0.5, share=0.7).complete(request) for request in requests] == first
    settled = [entry.question for entry in journal.entries if entry.event is Event.settled]
    assert settled.count("propose") == 6
    assert settled.count("guard") == sum(request.purpose == "guard" for request in answering.asked) > 0


def heard(request: Request) -> str:
    return f"To answer {request.messages[-1].text}: {ANSWER}"


def test_a_guard_is_called_as_what_it_guards() -> None:
    assert Guarded(ScriptedLLM(lambda _: "", "openai/x"), 0.5).name == "openai/x"
