from __future__ import annotations

import logging
import socket
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from door_opening import FILLED, FORM, KEY, PATIENCE, opened, question
from llm_server import Answer, Asked, LLMServer, Protocol, Scene, Tokens

from agent.llm import (
    Finish,
    KeyRefusedError,
    LLMError,
    OverloadedError,
    QuotaError,
    RefusedError,
    RejectedError,
    Reply,
    TooLongError,
    UnknownLLMError,
    UnreachableError,
    Usage,
)
from agent.llms.door import Feature

Serve = Callable[[Answer], LLMServer]

pytestmark = pytest.mark.parametrize("protocol", ["openai", "anthropic"])

TOO_LONG = {
    "openai": Scene(
        status=400,
        code="context_length_exceeded",
        error="This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    ),
    "anthropic": Scene(status=400, error="prompt is too long: 210000 tokens > 200000 maximum"),
}
UNKNOWN = {
    "openai": Scene(status=404, code="model_not_found", error="The model `tiny` does not exist."),
    "anthropic": Scene(status=404, error="model: tiny"),
}
SPENT = {
    "openai": Scene(status=429, kind="insufficient_quota", code="insufficient_quota", error="You exceeded your quota."),
    "anthropic": Scene(status=400, error="Your credit balance is too low to access the Anthropic API."),
}
EVENTS = {"Content-Type": "text/event-stream"}
NOT_JSON = {"openai": b"data: {oops\n\n", "anthropic": b"event: message_start\ndata: {oops\n\n"}


def ask(serve: Serve, protocol: Protocol, scene: Scene) -> Reply:
    server = serve(lambda _: scene)
    try:
        return opened(protocol, server).complete(question())
    finally:
        assert len(server.asked) == 1


def test_an_answer_comes_with_what_it_cost_and_who_served_it(serve: Serve, protocol: Protocol) -> None:
    tokens = Tokens(input=7, output=5, cached=11, written=13, reasoning=2)
    reply = ask(serve, protocol, Scene(text="Hello there, all of you.", usage=tokens, served="tiny-2026-01-01"))
    assert reply == Reply(
        text="Hello there, all of you.",
        finish=Finish.finished,
        usage=Usage(input_tokens=7, cache_read_tokens=11, cache_write_tokens=13, output_tokens=5, reasoning_tokens=2),
        served="tiny-2026-01-01",
    )


def test_what_is_sent_is_the_request(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    request = question("Why?", context="About bandits.", temperature=0.25)
    opened(protocol, server).complete(request)
    (asked,) = server.asked
    assert asked.protocol == protocol
    assert asked.model == "tiny"
    assert asked.system == "You are brief.\n\nAbout bandits."
    assert asked.turns == (("user", "Why?"),)
    assert asked.body["max_tokens"] == 100
    assert asked.body["temperature"] == 0.25
    assert asked.streamed
    assert asked.headers["idempotency-key"] == request.digest


def test_the_endpoint_sets_the_temperature_and_bounds_the_answer(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text="Hello."))
    opened(protocol, server, temperature=1.0, max_output_tokens=60).complete(question(temperature=0.2))
    assert server.asked[0].body["temperature"] == 1.0
    assert server.asked[0].body["max_tokens"] == 60


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_busy_or_broken_provider_is_asked_once_and_named_with_its_status(
    serve: Serve, protocol: Protocol, status: int
) -> None:
    with pytest.raises(OverloadedError, match=f"tiny at http.* answered {status}: Come back.") as raised:
        ask(serve, protocol, Scene(status=status, error="Come back."))
    assert raised.value.status == status
    assert raised.value.retry_after is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "3600"}, 3600.0),
        ({"Retry-After": "9" * 20}, 30 * 24 * 3600.0),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(
    serve: Serve, protocol: Protocol, headers: dict[str, str], seconds: float | None
) -> None:
    with pytest.raises(OverloadedError) as raised:
        ask(serve, protocol, Scene(status=429, error="Slowly.", headers=headers))
    assert raised.value.retry_after == seconds


def test_how_long_to_wait_may_be_a_date(serve: Serve, protocol: Protocol) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    with pytest.raises(OverloadedError) as raised:
        ask(serve, protocol, Scene(status=503, error="Slowly.", headers={"Retry-After": later}))
    assert raised.value.retry_after == pytest.approx(300, abs=5)


def test_a_date_that_has_passed_means_now(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(OverloadedError) as raised:
        ask(serve, protocol, Scene(status=429, error="x", headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    assert raised.value.retry_after == 0


@pytest.mark.parametrize("ends", ["silent", "stalled"])
def test_silence_ends_at_the_timeout_and_may_have_been_billed(serve: Serve, protocol: Protocol, ends: str) -> None:
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=rf"sent nothing for {PATIENCE} seconds.*timeout_seconds") as raised:
        ask(serve, protocol, Scene(text="Hello there.", ends=ends))  # type: ignore[arg-type]
    assert raised.value.billed
    assert time.monotonic() - began < 10 * PATIENCE


def test_an_answer_that_keeps_coming_outlasts_the_timeout(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text="Slow and steady wins.", pause=PATIENCE / 4))
    began = time.monotonic()
    assert opened(protocol, server).complete(question()).text == "Slow and steady wins."
    assert time.monotonic() - began > PATIENCE


@pytest.mark.parametrize("ends", ["cut", "unfinished"])
def test_a_stream_that_ends_in_the_middle_is_no_answer(serve: Serve, protocol: Protocol, ends: str) -> None:
    with pytest.raises(UnreachableError, match=r"broke off|stopped in the middle") as raised:
        ask(serve, protocol, Scene(text="Hello there.", ends=ends))  # type: ignore[arg-type]
    assert raised.value.billed


def test_an_error_in_the_middle_of_an_answer_may_have_been_billed(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(UnreachableError, match="in the middle of its answer: Overloaded") as raised:
        ask(serve, protocol, Scene(text="Hello there.", ends="failed", error="Overloaded"))
    assert raised.value.billed


def test_nobody_there_costs_nothing_and_says_how_to_start_it(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene())
    door = opened(protocol, server)
    server.close()
    with pytest.raises(UnreachableError, match=r"cannot be reached.*Start its server.*base_url") as raised:
        door.complete(question())
    assert not raised.value.billed


def test_a_server_that_hangs_up_without_a_word_is_unreachable(protocol: Protocol) -> None:
    def hang_up() -> None:
        listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as executor:
        executor.submit(hang_up)
        server = LLMServer(lambda _: Scene())
        server.close()
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        door = opened(protocol, server, base_url=f"{url}/v1" if protocol == "openai" else url)
        with pytest.raises(UnreachableError, match="broke off") as raised:
            door.complete(question())
    assert raised.value.billed


def test_an_empty_answer_is_called_empty(serve: Serve, protocol: Protocol) -> None:
    assert ask(serve, protocol, Scene(text="")).finish is Finish.empty
    assert ask(serve, protocol, Scene(text=" \n")).finish is Finish.empty


def test_a_refusal_is_called_one(serve: Serve, protocol: Protocol) -> None:
    assert ask(serve, protocol, Scene(text="I ca", finish="refused")).finish is Finish.refused


def test_an_answer_cut_off_at_its_limit_is_called_truncated_even_when_it_is_all_thought(
    serve: Serve, protocol: Protocol
) -> None:
    reply = ask(serve, protocol, Scene(text="Once upon a", finish="length"))
    assert (reply.finish, reply.text) == (Finish.truncated, "Once upon a")
    thought = ask(serve, protocol, Scene(text="", finish="length", usage=Tokens(output=100, reasoning=100)))
    assert thought.finish is Finish.truncated


def test_wrong_json_passes_through_as_it_is(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text='{"title": "Warm'))
    reply = opened(protocol, server).complete(question(shape=FORM))
    assert (reply.finish, reply.text) == (Finish.finished, '{"title": "Warm')


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_says_which_variable_to_set(serve: Serve, protocol: Protocol, status: int) -> None:
    server = serve(lambda _: Scene(status=status, error="This key was revoked."))
    door = opened(protocol, server, key=KEY).complete
    with pytest.raises(KeyRefusedError, match=f"answered {status}: This key was revoked. .*key"):
        door(question())
    named = opened(protocol, server, variable="LAB_KEY").complete
    with pytest.raises(KeyRefusedError, match="Set LAB_KEY to a key that is valid there"):
        named(question())


def test_a_key_revoked_in_mid_paper_is_told_from_the_answers_before(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda asked: Scene(text="Fine.") if asked.number < 3 else Scene(status=401, error="Revoked."))
    door = opened(protocol, server)
    assert [door.complete(question()).text for _ in range(2)] == ["Fine.", "Fine."]
    with pytest.raises(KeyRefusedError):
        door.complete(question())


def test_an_exhausted_account_is_not_mistaken_for_a_busy_provider(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(QuotaError, match="top it up"):
        ask(serve, protocol, SPENT[protocol])
    with pytest.raises(QuotaError, match="top it up"):
        ask(serve, protocol, Scene(status=402, error="Payment required."))


def test_an_unknown_model_says_what_to_check(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(UnknownLLMError, match="Check the name after the slash"):
        ask(serve, protocol, UNKNOWN[protocol])


def test_a_request_longer_than_the_window_is_too_long(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(TooLongError, match="longer context window"):
        ask(serve, protocol, TOO_LONG[protocol])
    with pytest.raises(TooLongError):
        ask(serve, protocol, Scene(status=413, error="Request exceeds the maximum size."))


def test_a_request_that_is_not_taken_as_it_is_is_rejected(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(RejectedError, match=r"answered 400: No bananas\."):
        ask(serve, protocol, Scene(status=400, error="No bananas"))


def test_a_prompt_that_a_filter_stops_is_refused(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(RefusedError, match="fallback"):
        ask(
            serve, protocol, Scene(status=400, error="Stopped by our content management policy.", code="content_filter")
        )


@pytest.mark.parametrize("body", [b"<html>Welcome to nginx</html>", b"", b"{}", b"[1, 2]", b'"hello"', b"null"])
def test_garbage_with_a_good_status_is_no_answer(serve: Serve, protocol: Protocol, body: bytes) -> None:
    with pytest.raises(UnreachableError, match=r"in no form that its protocol knows.*base_url") as raised:
        ask(serve, protocol, Scene(body=body))
    assert raised.value.billed


def test_garbage_in_a_stream_is_no_answer(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(UnreachableError, match=r"in no form that its protocol knows: '\{oops'"):
        ask(serve, protocol, Scene(body=NOT_JSON[protocol], headers=EVENTS))
    with pytest.raises(UnreachableError):
        ask(serve, protocol, Scene(body=b"", headers=EVENTS))


def test_an_error_page_of_a_proxy_is_shown_in_short(serve: Serve, protocol: Protocol) -> None:
    with pytest.raises(OverloadedError, match="answered 502: <html>Bad gateway") as raised:
        ask(serve, protocol, Scene(status=502, body=b"<html>Bad gateway" + b" filler" * 1000))
    assert len(str(raised.value)) < 1_000


def test_a_server_that_does_not_stream_when_asked_to_is_understood(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text="All at once.", streams=False))
    reply = opened(protocol, server).complete(question())
    assert (reply.text, reply.finish) == ("All at once.", Finish.finished)
    assert reply.usage is not None
    assert server.asked[0].streamed


def echoes(asked: Asked) -> Scene:
    """Repeat the key in every way that a provider might."""
    said = f"Bad key {KEY}; you sent {asked.headers.get('authorization') or asked.headers.get('x-api-key')}."
    scenes = [
        *(
            Scene(status=status, error=said, param=said, code=said)
            for status in (400, 401, 402, 403, 404, 413, 429, 500)
        ),
        *(Scene(status=status, body=said.encode()) for status in (200, 400, 401, 500)),
        Scene(text="Hello", ends="failed", error=said),
        Scene(body=f"data: {said}\n\nevent: error\ndata: {said}\n\n".encode(), headers=EVENTS),
        Scene(text="Hello there.", ends="cut", headers={"X-Echo": said}),
    ]
    return scenes[(asked.number - 1) % len(scenes)]


def test_the_key_is_in_no_error_no_repr_and_no_log(
    serve: Serve, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(echoes)
    door = opened(protocol, server)
    shown = [repr(door), str(vars(door))]
    for _ in range(15):
        with pytest.raises(LLMError) as raised:
            door.complete(question())
        shown += ["".join(traceback.format_exception(raised.value)), repr(raised.value), str(vars(raised.value))]
    assert server.asked[0].headers.get("authorization", f"Bearer {KEY}") == f"Bearer {KEY}"
    assert not [text for text in (*shown, caplog.text) if KEY in text]


def test_hundreds_of_answers_are_waited_for_at_once(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda asked: Scene(text=asked.last, delay=1.0))
    door = opened(protocol, server, timeout_seconds=30)
    began = time.monotonic()
    with ThreadPoolExecutor(300) as executor:
        texts = list(executor.map(lambda number: door.complete(question(str(number))).text, range(300)))
    assert texts == [str(number) for number in range(300)]
    assert time.monotonic() - began < 15


def test_a_shape_is_asked_for_by_schema_then_by_tool_then_in_words(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text=FILLED))
    door = opened(protocol, server)
    modes = [set(), {Feature.json_schema}, {Feature.json_schema, Feature.tools}]
    assert [door.complete(question(shape=FORM), frozenset(mode)).text for mode in modes] == [FILLED] * 3
    by_schema, by_tool, in_words = server.asked
    assert by_schema.schema is not None
    assert by_schema.schema["required"] == ["title", "score"]
    assert not by_schema.forced_tool
    assert by_tool.forced_tool == "idea"
    assert by_tool.schema == FORM.json_schema
    assert in_words.schema is None
    assert '"maxLength":60' in in_words.last
    assert "```json" in in_words.last


def test_a_model_that_talks_instead_of_calling_the_tool_is_heard(serve: Serve, protocol: Protocol) -> None:
    server = serve(lambda _: Scene(text="I would rather talk.", plain=True))
    reply = opened(protocol, server).complete(question(shape=FORM), frozenset({Feature.json_schema}))
    assert reply.text == "I would rather talk."
