from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from door_opening import FILLED, FORM, opened, question
from llm_server import Answer, Asked, LLMServer, Protocol, Scene

from agent.llm import Message, OverloadedError, RejectedError, Request
from agent.llms.adapting import Adaptation, Adapting, refused, room
from agent.llms.door import Feature

Serve = Callable[[Answer], LLMServer]

LONG = "Background. " * 600


class Picky(NamedTuple):
    """A provider that refuses one thing."""

    feature: Feature
    protocol: Protocol
    sends: Callable[[Asked], bool]
    refusal: Scene
    request: Request
    known: tuple[Feature, ...] = ()


def bad(error: str, param: str | None = None, status: int = 400) -> Scene:
    return Scene(status=status, error=error, param=param)


def prefilled(asked: Asked) -> bool:
    return asked.turns[-1][0] == "assistant"


WARM = question(temperature=0.3)
SHAPED = question(shape=FORM)
BEGUN = question(
    messages=(Message(speaker="user", text="Go on."), Message(speaker="assistant", text="Once upon a time")),
)
PICKY = [
    Picky(
        Feature.temperature,
        "openai",
        lambda asked: "temperature" in asked.body,
        bad(
            "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1).",
            "temperature",
        ),
        WARM,
    ),
    Picky(
        Feature.temperature,
        "anthropic",
        lambda asked: "temperature" in asked.body,
        bad("`temperature` is deprecated for this model."),
        WARM,
    ),
    Picky(
        Feature.max_tokens,
        "openai",
        lambda asked: "max_tokens" in asked.body,
        bad(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        ),
        question(),
    ),
    Picky(
        Feature.max_completion_tokens,
        "openai",
        lambda asked: "max_completion_tokens" in asked.body,
        bad("Extra inputs are not permitted: body.max_completion_tokens", status=422),
        question(),
        known=(Feature.max_tokens,),
    ),
    Picky(
        Feature.json_schema,
        "openai",
        lambda asked: "response_format" in asked.body,
        bad("This response_format type is unavailable now"),
        SHAPED,
    ),
    Picky(
        Feature.json_schema,
        "anthropic",
        lambda asked: "output_config" in asked.body,
        bad("output_config.format: this model does not support structured outputs"),
        SHAPED,
    ),
    Picky(
        Feature.tools,
        "openai",
        lambda asked: "tools" in asked.body,
        bad("Thinking mode does not support this tool_choice"),
        SHAPED,
        known=(Feature.json_schema,),
    ),
    Picky(
        Feature.tools,
        "anthropic",
        lambda asked: "tools" in asked.body,
        bad("Thinking may not be enabled when tool_choice forces tool use."),
        SHAPED,
        known=(Feature.json_schema,),
    ),
    Picky(
        Feature.tools,
        "openai",
        lambda asked: "tools" in asked.body,
        bad("No endpoints found that support tool use.", status=404),
        SHAPED,
        known=(Feature.json_schema,),
    ),
    Picky(
        Feature.stream,
        "openai",
        lambda asked: asked.streamed,
        bad("Your organization must be verified to stream this model.", "stream"),
        question(),
    ),
    Picky(Feature.stream, "anthropic", lambda asked: asked.streamed, bad("stream: not available here"), question()),
    Picky(
        Feature.stream_options,
        "openai",
        lambda asked: "stream_options" in asked.body,
        Scene(
            status=422,
            body=b'{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options",'
            b'"include_usage"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null}',
        ),
        question(),
    ),
    Picky(
        Feature.system,
        "openai",
        lambda asked: bool(asked.system),
        bad("Unsupported value: 'messages[0].role' does not support 'system' with this model.", "messages[0].role"),
        question(),
    ),
    Picky(
        Feature.system,
        "openai",
        lambda asked: bool(asked.system),
        bad("Conversation roles must alternate user/assistant/user/assistant/...", status=500),
        question(),
    ),
    Picky(
        Feature.prefill,
        "anthropic",
        prefilled,
        bad("This model does not support assistant message prefill. The conversation must end with a user message."),
        BEGUN,
    ),
    Picky(
        Feature.cache_control,
        "anthropic",
        lambda asked: "cache_control" in str(asked.body),
        bad("system.0.cache_control: Extra inputs are not permitted"),
        question(system=LONG),
    ),
]


@pytest.mark.parametrize("picky", PICKY, ids=lambda picky: f"{picky.protocol}-{picky.feature}-{picky.refusal.status}")
def test_what_is_refused_is_left_out_for_one_more_request_and_never_sent_again(serve: Serve, picky: Picky) -> None:
    said = FILLED if picky.request.shape else "Fine."
    server = serve(lambda asked: picky.refusal if picky.sends(asked) else Scene(text=said))
    llm = Adapting(opened(picky.protocol, server), Adaptation(without=picky.known))
    first = llm.complete(picky.request)
    assert [picky.sends(asked) for asked in server.asked] == [True, False]
    assert first.text == said
    assert first.adapted == tuple(sorted({*picky.known, picky.feature}))
    again = llm.complete(picky.request)
    assert again == first
    assert len(server.asked) == 3


def test_what_is_left_out_is_said_in_other_ways(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Once upon a time there was a bandit."))
    lacking = Adaptation(without=(Feature.prefill, Feature.system))
    reply = Adapting(opened("anthropic", server), lacking).complete(BEGUN)
    (asked,) = server.asked
    assert asked.turns[0][1].startswith("You are brief.\n\nGo on.")
    assert "Begin your answer with exactly these words, and go on from there:\nOnce upon a time" in asked.last
    assert reply.text == " there was a bandit."


def test_several_refusals_of_one_request_cost_one_request_each(serve: Serve) -> None:
    def answer(asked: Asked) -> Scene:
        for name in ("temperature", "response_format", "tools", "stream_options"):
            if name in asked.body:
                return bad(f"Unknown parameter: '{name}'.", name)
        return Scene(text=FILLED)

    server = serve(answer)
    reply = Adapting(opened("openai", server)).complete(question(shape=FORM, temperature=0.5))
    assert reply.adapted == ("json_schema", "stream_options", "temperature", "tools")
    assert len(server.asked) == 5
    assert reply.usage is None


def test_a_reply_names_only_what_its_own_request_had_to_do_without(serve: Serve) -> None:
    server = serve(lambda _: Scene(text="Fine."))
    llm = Adapting(opened("openai", server), Adaptation(without=(Feature.json_schema, Feature.temperature)))
    assert llm.complete(question()).adapted == ()
    assert llm.complete(WARM).adapted == ("temperature",)


@pytest.mark.parametrize(
    ("protocol", "message", "tokens"),
    [
        ("openai", "max_tokens is too large: 32000. This model supports at most 16384 completion tokens.", 16384),
        ("openai", "Invalid max_tokens value 32000, the valid range of max_tokens is [1, 8192]", 8192),
        ("openai", "'max_tokens' is too large: 32000. (32000 > 4096 - 500)", 3596),
        (
            "openai",
            "This model's maximum context length is 8192 tokens. However, you requested 32500 (500 in the messages).",
            7692,
        ),
        (
            "anthropic",
            "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-20241022",
            8192,
        ),
        (
            "anthropic",
            "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease input length",
            10000,
        ),
    ],
)
def test_an_answer_that_would_be_too_long_is_asked_for_shorter(
    serve: Serve, protocol: Protocol, message: str, tokens: int
) -> None:
    server = serve(lambda asked: bad(message) if asked.body["max_tokens"] > tokens else Scene(text="Fine."))
    reply = Adapting(opened(protocol, server)).complete(question(max_tokens=32000))
    assert reply.adapted == ("length",)
    assert [asked.body["max_tokens"] for asked in server.asked] == [32000, tokens]


def test_a_limit_of_every_answer_is_remembered_and_one_of_a_long_question_is_not(serve: Serve) -> None:
    server = serve(
        lambda asked: (
            bad(f"max_tokens: {asked.body['max_tokens']} > 8192, which is the maximum allowed.")
            if asked.body["max_tokens"] > 8192
            else Scene(text="Fine.")
        )
    )
    llm = Adapting(opened("anthropic", server))
    for _ in range(2):
        llm.complete(question(max_tokens=32000))
    assert [asked.body["max_tokens"] for asked in server.asked] == [32000, 8192, 8192]
    assert llm.known == Adaptation(longest=8192)
    narrow = room("input length and `max_tokens` exceed context limit: 190 + 32 > 200", 32)
    assert narrow is not None
    assert not narrow.always


def test_what_was_learned_is_told_at_once_and_saves_the_next_process_the_refusal(serve: Serve, tmp_path: Path) -> None:
    picky = PICKY[0]
    server = serve(lambda asked: picky.refusal if picky.sends(asked) else Scene(text="Fine."))
    file = tmp_path / "adaptation.json"
    Adapting(opened("openai", server), learned=lambda known: known.save(file)).complete(WARM)
    later = Adapting(opened("openai", server), Adaptation.load(file))
    assert later.complete(WARM).adapted == ("temperature",)
    assert len(server.asked) == 3


def test_anything_but_a_refused_part_passes_through(serve: Serve) -> None:
    server = serve(lambda _: bad("No bananas."))
    with pytest.raises(RejectedError, match="No bananas"):
        Adapting(opened("openai", server)).complete(WARM)
    assert len(server.asked) == 1
    busy = serve(lambda _: bad("The temperature here is too high.", status=503))
    llm = Adapting(opened("openai", busy))
    with pytest.raises(OverloadedError):
        llm.complete(WARM)
    assert (len(busy.asked), llm.known) == (1, Adaptation())


def test_a_part_that_a_protocol_cannot_do_without_is_not_asked_about_again(serve: Serve) -> None:
    server = serve(lambda _: bad("max_tokens: not today"))
    with pytest.raises(RejectedError, match="not today"):
        Adapting(opened("anthropic", server)).complete(question())
    assert len(server.asked) == 1


def test_a_refusal_of_what_was_not_sent_teaches_nothing() -> None:
    error = RejectedError("temperature is not supported", parameter="temperature")
    assert refused(error, frozenset({Feature.stream, Feature.json_schema})) is None


def test_a_provider_that_refuses_whatever_it_is_asked_is_given_up(serve: Serve) -> None:
    server = serve(
        lambda asked: bad(f"max_tokens: {asked.body['max_tokens']} > {asked.body['max_tokens'] - 1} allowed")
    )
    with pytest.raises(RejectedError, match="times, each time for another reason"):
        Adapting(opened("anthropic", server)).complete(question(max_tokens=32000))
    assert len(server.asked) < 20


def test_threads_that_learn_at_once_forget_nothing(serve: Serve) -> None:
    together = threading.Barrier(2)

    def answer(asked: Asked) -> Scene:
        if asked.number <= 2:
            together.wait(5)
        for name in ("temperature", "response_format"):
            if name in asked.body:
                return bad(f"Unknown parameter: '{name}'.", name)
        return Scene(text=FILLED)

    server = serve(answer)
    told: list[Adaptation] = []
    llm = Adapting(opened("openai", server, timeout_seconds=10), learned=told.append)
    with ThreadPoolExecutor(2) as executor:
        replies = list(executor.map(llm.complete, (WARM, SHAPED)))
    assert [reply.adapted for reply in replies] == [("temperature",), ("json_schema",)]
    assert llm.known == Adaptation(without=(Feature.json_schema, Feature.temperature))
    assert told[-1] == llm.known
