from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from door_opening import FILLED, FORM, KEY, opened, question
from llm_server import Answer, LLMServer, Scene

from agent.endpoint import Endpoint
from agent.llm import Finish, KeyRefusedError, OverloadedError, Shape, Usage
from agent.llms import schema
from agent.llms.door import Feature
from agent.llms.openai import OpenAIDoor

Serve = Callable[[Answer], LLMServer]


def answered(usage: dict[str, object] | None = None, **message: object) -> Scene:
    """Put an answer by hand, as some servers do."""
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": "stop"}
    return Scene(body=json.dumps({"id": "1", "model": "tiny", "choices": [choice], "usage": usage}).encode())


def test_a_refusal_in_words_is_kept(serve: Serve) -> None:
    server = serve(lambda _: Scene(finish="refused", refusal="I will not help with that."))
    reply = opened("openai", server).complete(question(shape=FORM))
    assert (reply.finish, reply.text) == (Finish.refused, "I will not help with that.")


def test_a_content_filter_is_a_refusal(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="The first half", finish="refused"))
    assert opened("openai", server).complete(question()).finish is Finish.refused


def test_the_schema_is_strict_where_it_can_be_and_loose_where_it_cannot(serve: Serve) -> None:
    server = serve(lambda _: Scene(text=FILLED))
    door = opened("openai", server)
    loose = {
        "type": "object",
        "properties": {"by_name": {"type": "object", "additionalProperties": {"type": "number"}}},
    }
    door.complete(question(shape=FORM))
    door.complete(question(shape=Shape(name="files", json_schema=loose)))
    strict, free = (asked.body["response_format"]["json_schema"] for asked in server.asked)
    assert strict["strict"] is True
    assert strict["schema"] == schema.strict(FORM.json_schema)
    assert free == {"name": "files", "strict": False, "schema": loose}


def test_thoughts_in_front_of_an_answer_are_no_part_of_it(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="<think>\nThey want {json}.\n</think>\n\n" + FILLED))
    assert opened("openai", server).complete(question()).text == FILLED


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (
            {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_cache_hit_tokens": 64},
            Usage(input_tokens=36, cache_read_tokens=64, output_tokens=20),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 150,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(input_tokens=100, output_tokens=50, reasoning_tokens=30),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 0, "prompt_tokens_details": None}, Usage(input_tokens=9)),
        (None, None),
    ],
    ids=["cached by another name", "reasoning in the total alone", "hardly told", "not told"],
)
def test_usage_is_read_as_each_server_tells_it(
    serve: Serve, told: dict[str, object] | None, usage: Usage | None
) -> None:
    server = serve(lambda _: answered(told, content="Hello."))
    assert opened("openai", server).complete(question()).usage == usage


def test_an_error_with_a_good_status_is_an_error(serve: Serve) -> None:
    body = json.dumps({"error": {"message": "Provider returned error", "code": 502}}).encode()
    server = serve(lambda _: Scene(body=body))
    with pytest.raises(OverloadedError, match="answered 502: Provider returned error") as raised:
        opened("openai", server).complete(question())
    assert raised.value.status == 502


def test_without_a_key_openai_itself_is_not_asked() -> None:
    with pytest.raises(KeyRefusedError, match=r"openai/gpt-5 needs a key and none was found\. Set OPENAI_API_KEY"):
        OpenAIDoor("openai/gpt-5", Endpoint(), None).complete(question())


def test_openai_itself_is_told_the_limit_by_its_newer_name_and_others_by_the_older() -> None:
    theirs = OpenAIDoor("openai/gpt-5", Endpoint(), KEY)
    other = OpenAIDoor("openai/tiny", Endpoint(base_url="http://127.0.0.1:9/v1"), KEY)
    nothing: frozenset[Feature] = frozenset()
    assert Feature.max_completion_tokens in theirs.uses(question(), nothing)
    assert Feature.max_tokens in theirs.uses(question(), {Feature.max_completion_tokens})
    assert Feature.max_tokens in other.uses(question(), nothing)
    assert other.uses(question(), {Feature.max_completion_tokens, Feature.max_tokens}).isdisjoint(
        {Feature.max_completion_tokens, Feature.max_tokens}
    )


def test_a_server_of_ones_own_is_sent_neither_a_providers_key_nor_the_proxys_traffic(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    script = f"""
from agent.endpoint import Endpoint
from agent.llm import Message, Request
from agent.llms.openai import OpenAIDoor
door = OpenAIDoor("openai/tiny", Endpoint(base_url="{server.v1}"), None)
print(door.complete(Request(purpose="p", system="s", messages=(Message(speaker="user", text="t"),), max_tokens=9)).text)
"""
    environment = os.environ | {
        "OPENAI_API_KEY": KEY,
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert run.stdout == "Hello.\n", run.stderr
    assert KEY not in str(server.asked[0].headers)
