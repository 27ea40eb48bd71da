from __future__ import annotations

from collections.abc import Callable

import pytest
from door_opening import FILLED, FORM, opened, question
from llm_server import Answer, LLMServer, Scene, Tokens

from agent.endpoint import Endpoint
from agent.llm import Finish, KeyRefusedError, Message, OverloadedError, Shape
from agent.llms.anthropic import AnthropicDoor

Serve = Callable[[Answer], LLMServer]

MARK = {"type": "ephemeral"}
LONG = "What is known about bandits. " * 200


def test_the_stable_part_of_a_prompt_is_marked_for_the_cache_at_each_of_its_ends(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    opened("anthropic", server).complete(question(system=LONG, context=LONG))
    assert [block.get("cache_control") for block in server.asked[0].body["system"]] == [MARK, MARK]
    assert "cache_control" not in str(server.asked[0].body["messages"])


def test_what_is_too_short_for_the_cache_is_not_marked(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    door = opened("anthropic", server)
    door.complete(question(system="Be brief.", context=LONG))
    door.complete(question(system="Be brief.", context="Bandits."))
    marks = [[block.get("cache_control") for block in asked.body["system"]] for asked in server.asked]
    assert marks == [[None, MARK], [None, None]]


def test_an_opening_is_continued_by_the_model_itself(serve: Serve) -> None:
    server = serve(lambda _: Scene(text=" there was a bandit."))
    begun = (Message(speaker="user", text="Go on."), Message(speaker="assistant", text="Once upon a time"))
    reply = opened("anthropic", server).complete(question(messages=begun))
    assert server.asked[0].turns == (("user", "Go on."), ("assistant", "Once upon a time"))
    assert reply.text == " there was a bandit."


def test_a_refusal_is_told_with_its_reason_when_there_is_one(serve: Serve) -> None:
    body = b"""{"id": "1", "type": "message", "role": "assistant", "model": "tiny", "content": [],
        "stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "bio", "explanation": "No viruses."},
        "usage": {"input_tokens": 3, "output_tokens": 1}}"""
    server = serve(lambda _: Scene(body=body))
    reply = opened("anthropic", server).complete(question())
    assert (reply.finish, reply.text) == (Finish.refused, "No viruses.")


def test_an_open_form_is_asked_for_by_tool(serve: Serve) -> None:
    files = {"type": "object", "properties": {"files": {"type": "object", "additionalProperties": {"type": "string"}}}}
    server = serve(lambda _: Scene(text='{"files": {"a.py": "1"}}'))
    reply = opened("anthropic", server).complete(question(shape=Shape(name="change", json_schema=files)))
    assert server.asked[0].forced_tool == "change"
    assert reply.text == '{"files": {"a.py": "1"}}'


def test_a_tool_called_without_a_stream_is_read_too(serve: Serve) -> None:
    server = serve(lambda _: Scene(text=FILLED, streams=False))
    loose = Shape(name="idea", json_schema={"type": "object", "properties": {}, "additionalProperties": {}})
    assert opened("anthropic", server).complete(question(shape=loose)).text == FILLED


def test_an_overload_before_the_first_word_costs_nothing(serve: Serve) -> None:
    body = b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n'
    server = serve(lambda _: Scene(body=body, headers={"Content-Type": "text/event-stream"}))
    with pytest.raises(OverloadedError, match="answered 529: Overloaded") as raised:
        opened("anthropic", server).complete(question())
    assert raised.value.status == 529


def test_counts_of_a_stream_are_running_totals(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Hello there.", usage=Tokens(input=5, output=9, cached=3)))
    reply = opened("anthropic", server).complete(question())
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.cache_read_tokens, reply.usage.output_tokens) == (5, 3, 9)


def test_a_base_url_may_end_as_it_does_for_openai(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    assert opened("anthropic", server, base_url=server.v1).complete(question(shape=FORM)).text == "Hello."


def test_without_a_key_anthropic_itself_is_not_asked() -> None:
    with pytest.raises(KeyRefusedError, match="Set ANTHROPIC_API_KEY"):
        AnthropicDoor("anthropic/claude-opus-4-5", Endpoint(), None).complete(question())
