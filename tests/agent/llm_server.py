"""A real server on loopback that speaks the protocols of OpenAI and of Anthropic, and does what a scene tells it to."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from llm_scene import Asked, Json, Protocol, Scene, Tokens
from llm_wire import WIRES, Wire, as_json, openai_error, sse

__all__ = ["Answer", "Asked", "LLMServer", "Protocol", "Scene", "Tokens"]

PATHS: dict[str, Protocol] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}

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
