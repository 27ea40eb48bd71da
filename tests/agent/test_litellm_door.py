from __future__ import annotations

import inspect
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from door_opening import FILLED, FORM, KEY, PATIENCE, question
from llm_server import Answer, Asked, LLMServer, Protocol, Scene, Tokens

from agent.endpoint import Endpoint
from agent.llm import (
    Finish,
    KeyRefusedError,
    LLMError,
    OverloadedError,
    QuotaError,
    RefusedError,
    RejectedError,
    TooLongError,
    UnknownLLMError,
    UnreachableError,
    Usage,
)
from agent.llms.adapting import Adapting
from agent.llms.door import Feature
from agent.llms.litellm import LiteLLMDoor, library, plain

Serve = Callable[[Answer], LLMServer]

both_protocols = pytest.mark.parametrize("protocol", ["openai", "anthropic"])


@pytest.fixture(scope="module", autouse=True)
def connections() -> Iterator[None]:
    """Close what the library keeps open until its process ends."""
    yield
    for kept in library().in_memory_llm_clients_cache.cache_dict.values():
        if not inspect.iscoroutinefunction(kept.close):
            kept.close()


def opened(protocol: Protocol, server: LLMServer) -> LiteLLMDoor:
    url = server.v1 if protocol == "openai" else server.origin
    return LiteLLMDoor(f"{protocol}/tiny", Endpoint(base_url=url, timeout_seconds=PATIENCE), KEY)


@both_protocols
def test_an_answer_comes_with_what_it_cost(serve: Serve, protocol: Protocol) -> None:
    tokens = Tokens(input=7, output=5, cached=11, written=13, reasoning=2)
    server = serve(lambda _: Scene(text="Hello there.", usage=tokens))
    reply = opened(protocol, server).complete(question(temperature=0.25))
    assert (reply.text, reply.finish) == ("Hello there.", Finish.finished)
    assert reply.usage == Usage(
        input_tokens=7, cache_read_tokens=11, cache_write_tokens=13, output_tokens=5, reasoning_tokens=2
    )
    (asked,) = server.asked
    assert (asked.system, asked.last) == ("You are brief.", "Say something.")
    assert (asked.body["max_tokens"], asked.body["temperature"]) == (100, 0.25)
    assert not asked.streamed


@both_protocols
def test_a_shape_is_asked_for_by_schema_then_by_tool_then_in_words(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text=FILLED))
    door = opened(protocol, server)
    modes = [set(), {Feature.json_schema}, {Feature.json_schema, Feature.tools}]
    replies = [door.complete(question(shape=FORM), frozenset(mode)) for mode in modes]
    assert [reply.text for reply in replies] == [FILLED] * 3
    by_schema, by_tool, in_words = server.asked
    assert by_schema.schema is not None
    assert by_tool.forced_tool == "idea"
    assert in_words.schema is None
    assert "JSON schema" in in_words.last


@both_protocols
@pytest.mark.parametrize(
    ("scene", "error"),
    [
        (Scene(status=500, error="Oh."), OverloadedError),
        (Scene(status=503, error="Oh."), OverloadedError),
        (Scene(status=529, error="Oh."), OverloadedError),
        (Scene(status=401, error="Revoked."), KeyRefusedError),
        (Scene(status=403, error="Not for you."), KeyRefusedError),
        (Scene(status=402, error="Pay first."), QuotaError),
        (Scene(status=404, error="The model `tiny` does not exist."), UnknownLLMError),
        (Scene(status=400, error="prompt is too long: 210000 tokens > 200000 maximum"), TooLongError),
        (Scene(status=400, error="Stopped by our content management policy."), RefusedError),
        (Scene(status=400, error="No bananas."), RejectedError),
        (Scene(text="Hello there.", ends="cut"), UnreachableError),
        (Scene(ends="silent"), UnreachableError),
        (Scene(body=b"<html>"), LLMError),
        (Scene(body=b"{}"), LLMError),
    ],
    ids=lambda given: given.__name__ if isinstance(given, type) else f"{given.status}-{given.ends}-{given.error[:9]}",
)
def test_each_fault_is_told_after_one_attempt(
    serve: Serve, protocol: Protocol, scene: Scene, error: type[LLMError]
) -> None:
    server = serve(lambda _: scene)
    with pytest.raises(error, match=f"{protocol}/tiny at http"):
        opened(protocol, server).complete(question())
    assert len(server.asked) == 1


@both_protocols
def test_how_long_to_wait_is_read_from_the_headers(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(status=429, error="Slowly.", headers={"Retry-After": "77"}))
    with pytest.raises(OverloadedError) as raised:
        opened(protocol, server).complete(question())
    assert (raised.value.status, raised.value.retry_after) == (429, 77.0)


@both_protocols
@pytest.mark.parametrize(
    ("scene", "finish"),
    [
        (Scene(text="", finish="refused"), Finish.refused),
        (Scene(text="Once upon", finish="length"), Finish.truncated),
        (Scene(text=""), Finish.empty),
    ],
)
def test_each_ending_is_told(serve: Serve, protocol: Protocol, scene: Scene, finish: Finish) -> None:
    server = serve(lambda _: scene)
    assert opened(protocol, server).complete(question()).finish is finish


@both_protocols
def test_a_refused_part_is_left_out(serve: Serve, protocol: Protocol) -> None:
    def answer(asked: Asked) -> Scene:
        refused = Scene(status=400, error="`temperature` is deprecated for this model.", param="temperature")
        return refused if "temperature" in asked.body else Scene(text="Fine.")

    server = serve(answer)
    reply = Adapting(opened(protocol, server)).complete(question(temperature=0.5))
    assert (reply.text, reply.adapted, len(server.asked)) == ("Fine.", ("temperature",), 2)


@both_protocols
def test_the_key_is_in_no_error(serve: Serve, protocol: Protocol, capfd: pytest.CaptureFixture[str]) -> None:
    server = serve(lambda asked: Scene(status=(400, 401, 429, 500)[asked.number % 4], error=f"Bad key {KEY}."))
    door = opened(protocol, server)
    shown = [repr(door), str(vars(door))]
    for _ in range(4):
        with pytest.raises(LLMError) as raised:
            door.complete(question())
        shown += ["".join(traceback.format_exception(raised.value)), str(vars(raised.value))]
    assert not [text for text in (*shown, *capfd.readouterr()) if KEY in text]


@both_protocols
def test_many_answers_are_waited_for_at_once(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda asked: Scene(text=asked.last, delay=0.2))
    door = LiteLLMDoor(
        f"{protocol}/tiny",
        Endpoint(base_url=server.v1 if protocol == "openai" else server.origin, timeout_seconds=30),
        KEY,
    )
    door.complete(question("0"))  # or else each thread would have the library open connections of its own
    with ThreadPoolExecutor(40) as executor:
        texts = list(executor.map(lambda number: door.complete(question(str(number))).text, range(40)))
    assert texts == [str(number) for number in range(40)]


def test_importing_it_reaches_out_to_nobody_and_prints_nothing(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    script = f"""
import sys
reached = set()
def note(event, given):
    if event == "socket.connect":
        reached.add(given[1][0])
    if event == "socket.getaddrinfo":
        reached.add(given[0])
sys.addaudithook(note)
from agent.endpoint import Endpoint
from agent.llm import Message, Request
from agent.llms.litellm import LiteLLMDoor
door = LiteLLMDoor("openai/tiny", Endpoint(base_url="{server.v1}"), "k")
print(door.complete(Request(purpose="p", system="s", messages=(Message(speaker="user", text="t"),), max_tokens=9)).text)
print(reached)
"""
    environment = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert run.stdout == "Hello.\n{'127.0.0.1'}\n", run.stderr
    assert run.stderr == ""


def test_a_provider_nobody_knows_is_named() -> None:
    with pytest.raises(UnknownLLMError, match=r"nosuch/tiny: litellm knows no such provider.*base_url"):
        LiteLLMDoor("nosuch/tiny", Endpoint(), KEY).complete(question())


def test_a_missing_key_is_asked_for_by_its_variable() -> None:
    with pytest.raises(KeyRefusedError, match="Set GEMINI_API_KEY"):
        LiteLLMDoor("gemini/gemini-2.5-pro", Endpoint(), None).complete(question())


def test_the_librarys_own_words_are_taken_off() -> None:
    said = "litellm.RateLimitError: RateLimitError: OpenAIException - slow down\nTraceback (most recent call last):"
    assert plain(said) == "slow down"
