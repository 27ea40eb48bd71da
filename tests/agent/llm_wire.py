"""How the protocols of OpenAI and of Anthropic put a scene."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llm_scene import Asked, Json, Protocol, Scene, Tokens

PIECES = 8
"""Deltas in which a streamed text arrives."""


@dataclass(frozen=True)
class Wire:
    """How one protocol puts a scene."""

    whole: Callable[[Asked, Scene], Json]
    events: Callable[[Asked, Scene], Iterator[bytes]]
    error: Callable[[Scene], Json]


def count(text: str) -> int:
    return -(-len(text) // 4)


def cost(asked: Asked, scene: Scene) -> Tokens:
    return scene.usage or Tokens(input=count(asked.text), output=count(scene.text))


def tool_called(asked: Asked, scene: Scene) -> str:
    return "" if scene.plain or scene.finish == "refused" else asked.forced_tool


def pieces(text: str) -> list[str]:
    size = max(1, -(-len(text) // PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def as_json(value: Json) -> bytes:
    return json.dumps(value).encode()


def sse(value: Json, event: str = "") -> bytes:
    return (f"event: {event}\n" if event else "").encode() + b"data: " + as_json(value) + b"\n\n"


def openai_error(scene: Scene) -> Json:
    usual = {200: "server_error", 429: "requests", 500: "server_error", 503: "server_error"}
    kind = scene.kind or usual.get(scene.status, "invalid_request_error")
    return {"error": {"message": scene.error, "type": kind, "param": scene.param, "code": scene.code}}


def openai_finish(asked: Asked, scene: Scene) -> str:
    if scene.finish == "refused":
        return "stop" if scene.refusal else "content_filter"
    return "tool_calls" if scene.finish == "stop" and tool_called(asked, scene) else scene.finish


def openai_usage(asked: Asked, scene: Scene) -> Json:
    tokens = cost(asked, scene)
    read = tokens.input + tokens.cached + tokens.written
    return {
        "prompt_tokens": read,
        "completion_tokens": tokens.output,
        "total_tokens": read + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def openai_head(asked: Asked, scene: Scene, kind: str) -> Json:
    return {"id": f"call-{asked.number}", "object": kind, "created": 0, "model": scene.served or asked.model}


def openai_whole(asked: Asked, scene: Scene) -> Json:
    message: Json = {"role": "assistant", "content": scene.text, "refusal": scene.refusal or None}
    if tool := tool_called(asked, scene):
        call = {"id": "tool-1", "type": "function", "function": {"name": tool, "arguments": scene.text}}
        message |= {"content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": openai_finish(asked, scene)}
    usage = {"usage": openai_usage(asked, scene)} if scene.reports_usage else {}
    return openai_head(asked, scene, "chat.completion") | {"choices": [choice]} | usage


def openai_events(asked: Asked, scene: Scene) -> Iterator[bytes]:
    head = openai_head(asked, scene, "chat.completion.chunk")

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        return sse(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    tool = tool_called(asked, scene)
    yield chunk({"role": "assistant", "content": None if tool else ""})
    if tool:
        call: Json = {"index": 0, "id": "tool-1", "type": "function", "function": {"name": tool, "arguments": ""}}
        yield chunk({"tool_calls": [call]})
    for piece in pieces(scene.text):
        yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} if tool else {"content": piece})
    for piece in pieces(scene.refusal):
        yield chunk({"refusal": piece})
    yield chunk({}, openai_finish(asked, scene))
    if scene.reports_usage and (asked.body.get("stream_options") or {}).get("include_usage"):
        yield sse(head | {"choices": [], "usage": openai_usage(asked, scene)})
    yield b"data: [DONE]\n\n"


ANTHROPIC_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def anthropic_error(scene: Scene) -> Json:
    status = 529 if scene.ends == "failed" else scene.status
    kind = scene.kind or ANTHROPIC_KINDS.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": scene.error}, "request_id": "req-1"}


def anthropic_finish(asked: Asked, scene: Scene) -> str:
    if scene.finish == "stop":
        return "tool_use" if tool_called(asked, scene) else "end_turn"
    return {"length": "max_tokens", "refused": "refusal"}[scene.finish]


def anthropic_usage(asked: Asked, scene: Scene) -> Json:
    tokens = cost(asked, scene)
    return {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def anthropic_head(asked: Asked, scene: Scene) -> Json:
    return {
        "id": f"msg-{asked.number}",
        "type": "message",
        "role": "assistant",
        "model": scene.served or asked.model,
        "stop_sequence": None,
        "stop_reason": None,
        "content": [],
        "usage": anthropic_usage(asked, scene) | {"output_tokens": 1},
    }


def anthropic_whole(asked: Asked, scene: Scene) -> Json:
    blocks: list[Json] = [{"type": "text", "text": scene.text}] if scene.text else []
    if tool := tool_called(asked, scene):
        blocks = [{"type": "tool_use", "id": "tool-1", "name": tool, "input": arguments(scene.text)}]
    ending = {"stop_reason": anthropic_finish(asked, scene), "usage": anthropic_usage(asked, scene)}
    return anthropic_head(asked, scene) | {"content": blocks} | ending


def arguments(text: str) -> Json:
    """Read a tool's arguments as this protocol has them, which are always an object."""
    try:
        return dict(json.loads(text or "{}"))
    except ValueError:
        return {"said": text}


def anthropic_events(asked: Asked, scene: Scene) -> Iterator[bytes]:
    yield sse({"type": "message_start", "message": anthropic_head(asked, scene)}, "message_start")
    yield sse({"type": "ping"}, "ping")
    if scene.text:
        tool = tool_called(asked, scene)
        block: Json = {"type": "text", "text": ""}
        if tool:
            block = {"type": "tool_use", "id": "tool-1", "name": tool, "input": {}}
        yield sse({"type": "content_block_start", "index": 0, "content_block": block}, "content_block_start")
        for piece in pieces(scene.text):
            delta = (
                {"type": "input_json_delta", "partial_json": piece} if tool else {"type": "text_delta", "text": piece}
            )
            yield sse({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
        yield sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
    last = {"stop_reason": anthropic_finish(asked, scene), "stop_sequence": None}
    ending = {"type": "message_delta", "delta": last, "usage": anthropic_usage(asked, scene)}
    yield sse(ending, "message_delta")
    yield sse({"type": "message_stop"}, "message_stop")


WIRES: dict[Protocol, Wire] = {
    "openai": Wire(openai_whole, openai_events, openai_error),
    "anthropic": Wire(anthropic_whole, anthropic_events, anthropic_error),
}
