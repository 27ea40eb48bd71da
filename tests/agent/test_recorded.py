from __future__ import annotations

from pathlib import Path

import pytest

from agent.llm import Finish, Message, NotRecordedError, OverloadedError, Reply, Request, Usage
from agent.llms.recorded import Recorded
from agent.llms.scripted import ScriptedLLM


def request(text: str = "Why?", sample: int = 0) -> Request:
    return Request(
        purpose="propose",
        system="Be brief.",
        messages=(Message(speaker="user", text=text),),
        max_tokens=9,
        sample=sample,
    )


def echo(asked: Request) -> str:
    return f"You said {asked.messages[-1].text}"


def test_a_request_is_asked_once_and_then_answered_from_the_record(tmp_path: Path) -> None:
    llm = ScriptedLLM(echo)
    first = Recorded(llm, tmp_path / "calls").complete(request())
    second = Recorded(llm, tmp_path / "calls").complete(request())
    assert first == second
    assert len(llm.asked) == 1


def test_another_request_another_sample_and_another_language_model_are_other_calls(tmp_path: Path) -> None:
    one, other = ScriptedLLM(echo, "scripted/one"), ScriptedLLM(echo, "scripted/other")
    for llm in (one, other):
        recorded = Recorded(llm, tmp_path / "calls")
        for asked in (request("Why?"), request("How?"), request("Why?", sample=1), request("Why?")):
            recorded.complete(asked)
    assert [len(one.asked), len(other.asked)] == [3, 3]
    assert len(list((tmp_path / "calls").iterdir())) == 6


def test_what_replays_is_all_of_the_reply(tmp_path: Path) -> None:
    usage = Usage(input_tokens=5, cache_read_tokens=4, cache_write_tokens=3, output_tokens=2, reasoning_tokens=1)
    reply = Reply(text="", finish=Finish.refused, usage=usage, served="scripted-2", adapted=("temperature",))
    calls = tmp_path / "calls"
    Recorded(ScriptedLLM(lambda _: reply), calls).complete(request())
    assert Recorded(ScriptedLLM(echo), calls, offline=True).complete(request()) == reply


def test_offline_nothing_is_asked_and_the_missing_request_is_named(tmp_path: Path) -> None:
    llm = ScriptedLLM(echo)
    recorded = Recorded(llm, tmp_path / "calls", offline=True)
    with pytest.raises(NotRecordedError, match=f"'propose', request {request().digest}"):
        recorded.complete(request())
    assert llm.asked == ()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_set_aside_and_the_request_asked_again(tmp_path: Path) -> None:
    llm = ScriptedLLM(echo)
    recorded = Recorded(llm, tmp_path)
    recorded.complete(request())
    path = tmp_path / f"{recorded.key(request())}.json"
    path.write_text(path.read_text()[:40])
    assert not recorded.holds(request())
    assert recorded.complete(request()).text == "You said Why?"
    assert len(llm.asked) == 2
    assert {each.name for each in tmp_path.iterdir()} == {path.name, f"{path.name}.damaged"}


def test_a_damaged_record_offline_is_named_and_left_where_it_is(tmp_path: Path) -> None:
    recorded = Recorded(ScriptedLLM(echo), tmp_path, offline=True)
    path = tmp_path / f"{recorded.key(request())}.json"
    path.write_text("{")
    with pytest.raises(NotRecordedError, match="damaged"):
        recorded.complete(request())
    assert path.read_text() == "{"


def test_a_failure_is_not_recorded(tmp_path: Path) -> None:
    def fail(_: Request) -> str:
        raise OverloadedError("busy", status=503)

    recorded = Recorded(ScriptedLLM(fail), tmp_path / "calls")
    with pytest.raises(OverloadedError):
        recorded.complete(request())
    assert not recorded.holds(request())


def test_the_reply_given_is_the_one_that_was_written_so_that_a_replay_agrees(tmp_path: Path) -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "[redacted]")

    recorded = Recorded(ScriptedLLM(echo), tmp_path, redact=redact)
    given = recorded.complete(request("my key is hunter2"))
    assert given.text == "You said my key is [redacted]"
    assert recorded.complete(request("my key is hunter2")) == given
    assert "hunter2" not in "".join(path.read_text() for path in tmp_path.iterdir())
