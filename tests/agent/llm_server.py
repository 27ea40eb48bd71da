"""A real server on loopback that speaks the protocols of OpenAI and of Anthropic, and does what a scene tells it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

Protocol = Literal["openai", "anthropic"]
Json = dict[str, Any]

PATHS: dict[str, Protocol] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}
PIECES = 8
"""Deltas in which a streamed text arrives."""


@dataclass(frozen=True)
class Tokens:
    """What a scene says it cost, each token in one class only."""

    input: int = 0
    """Neither from the cache nor into it."""
    output: int = 0
    """Reasoning included."""
    cached: int = 0
    written: int = 0
    """Into the cache."""
    reasoning: int = 0


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    number: int
    """Counted over the whole server, from 1."""
    protocol: Protocol
    body: Json
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def system(self) -> str:
        if self.protocol == "anthropic":
            return words(self.body.get("system", ""))
        return "\n\n".join(words(each["content"]) for each in self.body["messages"] if each["role"] == "system")

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """Who said what, but for the system."""
        said = (each for each in self.body["messages"] if each["role"] != "system")
        return tuple((each["role"], words(each["content"])) for each in said)

    @property
    def text(self) -> str:
        """All that was said to it, system first."""
        return "\n\n".join((self.system, *(text for _, text in self.turns)))

    @property
    def last(self) -> str:
        """What was said last."""
        return self.turns[-1][1]

    @property
    def forced_tool(self) -> str:
        """Name the tool that must be called; empty when none must."""
        choice = self.body.get("tool_choice")
        if not isinstance(choice, dict) or choice.get("type") not in {"function", "tool"}:
            return ""
        return str(choice["function"]["name"] if self.protocol == "openai" else choice["name"])

    @property
    def schema(self) -> Json | None:
        """The JSON schema that came in the response format, the output format or the forced tool."""
        if self.forced_tool:
            tool = self.body["tools"][0]
            return dict(tool["function"]["parameters"] if self.protocol == "openai" else tool["input_schema"])
        wanted: Json = self.body.get("response_format") or self.body.get("output_config") or {}
        return (wanted.get("json_schema") or wanted.get("format") or {}).get("schema")


@dataclass(frozen=True)
class Scene:
    """What happens to one request."""

    text: str = ""
    """Said, or given as the arguments of the tool that was forced."""
    finish: Literal["stop", "length", "refused"] = "stop"
    refusal: str = ""
    """OpenAI's `refusal` field; with `finish="refused"` and no words here, its content filter."""
    usage: Tokens | None = None
    """None: counted, four characters a token."""
    reports_usage: bool = True
    served: str = ""
    """The id of the model that answers; empty for the one that was asked."""
    plain: bool = False
    """Answer in text though a tool was forced."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    """Message of the protocol's own error, sent with `status`."""
    kind: str = ""
    """The error's `type`; empty for the usual one of its status."""
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    """Sent as it is, instead of anything else."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds before each event of a stream."""
    streams: bool = True
    """False: answer in one piece though a stream was asked for."""
    ends: Literal["whole", "cut", "unfinished", "stalled", "failed", "silent"] = "whole"
    """A stream is `cut` in the middle, ends early but neatly (`unfinished`), stops coming (`stalled`) or turns into an
    error (`failed`); `silent`: never a byte."""


Answer = Callable[[Asked], Scene]


class LLMServer:
    """Answers by a function of the request; `with LLMServer(answer) as server: …` closes it.

    Leaving it raises whatever `answer` raised, so that an assertion in there fails its test.
    """

    def __init__(self, answer: Answer, models: tuple[str, ...] = ("tiny",)) -> None:
        self.models = models
        self.closing = threading.Event()
        self.failures: list[BaseException] = []
        self._answer = answer
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self._listener = Listener(self)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if self.failures and error is None:
            raise self.failures[0]

    @property
    def origin(self) -> str:
        """Where the protocol of Anthropic is spoken."""
        return f"http://127.0.0.1:{self._listener.server_port}"

    @property
    def v1(self) -> str:
        """Where the protocol of OpenAI is spoken."""
        return f"{self.origin}/v1"

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Every request so far, in order of arrival."""
        with self._lock:
            return tuple(self._asked)

    def ask(self, protocol: Protocol, body: Json, headers: Mapping[str, str]) -> tuple[Asked, Scene]:
        with self._lock:
            asked = Asked(number=len(self._asked) + 1, protocol=protocol, body=body, headers=headers)
            self._asked.append(asked)
        return asked, self._answer(asked)

    def close(self) -> None:
        self.closing.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


class Listener(ThreadingHTTPServer):
    request_queue_size = 2048
    daemon_threads = True
    block_on_close = False

    def __init__(self, server: LLMServer) -> None:
        self.llm_server = server
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 (as socketserver has it)
        import sys

        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.llm_server.failures.append(error)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    server: Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as http.server has it)
        """Stay silent."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/v1/models":
            self._send(404, as_json(openai_error(Scene(status=404, error=f"No {self.path} here."))))
            return
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in self._llm_server.models]
        self._send(200, as_json({"object": "list", "data": listed}))

    def do_POST(self) -> None:
        protocol = PATHS.get(self.path.partition("?")[0])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if protocol is None:
            self._send(404, as_json(openai_error(Scene(status=404, error=f"No {self.path} here."))))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked, scene = self._llm_server.ask(protocol, json.loads(body), headers)
        self._llm_server.closing.wait(scene.delay or None if scene.ends == "silent" else scene.delay)
        if scene.ends == "silent":
            self.close_connection = True
            return
        self._play(asked, scene)

    @property
    def _llm_server(self) -> LLMServer:
        return self.server.llm_server

    def _play(self, asked: Asked, scene: Scene) -> None:
        wire = WIRES[asked.protocol]
        if scene.body is not None:
            self._send(scene.status, scene.body, scene.headers)
        elif scene.status != HTTPStatus.OK:
            self._send(scene.status, as_json(wire.error(scene)), scene.headers)
        elif asked.streamed and scene.streams:
            self._stream(wire, asked, scene)
        elif scene.ends == "whole":
            self._send(200, as_json(wire.whole(asked, scene)), scene.headers)
        else:
            self._cut_body(as_json(wire.whole(asked, scene)), scene)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        given = {"Content-Type": "application/json", "Content-Length": str(len(body))} | dict(headers or {})
        self._head(status, given)
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _cut_body(self, body: bytes, scene: Scene) -> None:
        """Promise the whole body, and give half of it."""
        self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self._leave(scene)

    def _stream(self, wire: Wire, asked: Asked, scene: Scene) -> None:
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"} | dict(scene.headers))
        events = list(wire.events(asked, scene))
        for event in events if scene.ends == "whole" else events[: len(events) // 2]:
            if scene.pause:
                self.wfile.flush()
                self._llm_server.closing.wait(scene.pause)
            self._chunk(event)
        if scene.ends == "failed":
            self._chunk(sse(wire.error(scene), "error" if asked.protocol == "anthropic" else ""))
        if scene.ends in {"cut", "stalled"}:
            self.wfile.flush()
            self._leave(scene)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, event: bytes) -> None:
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

    def _leave(self, scene: Scene) -> None:
        if scene.ends == "stalled":
            self._llm_server.closing.wait()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


@dataclass(frozen=True)
class Wire:
    """How one protocol puts a scene."""

    whole: Callable[[Asked, Scene], Json]
    events: Callable[[Asked, Scene], Iterator[bytes]]
    error: Callable[[Scene], Json]


def words(content: object) -> str:
    """Read a message's content, which is a text or a list of blocks."""
    if not isinstance(content, list):
        return str(content or "")
    return "\n\n".join(str(block.get("text", "")) for block in content)


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
