"""The door to OpenAI, and to every server that speaks its protocol: vLLM, llama.cpp, Ollama, LM Studio, gateways."""

from __future__ import annotations

import json
import logging
import re
import threading
import weakref
from collections.abc import Iterable, Iterator

import httpx
import openai
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from agent.endpoint import Endpoint
from agent.llm import LLMError, Reply, Request
from agent.llms import asking, chat, faults, names
from agent.llms.chat import Seen
from agent.llms.door import Feature, Features

NO_KEY = "none"
"""What a server that wants no key is sent: the library would otherwise look for one in the environment."""
CONNECTIONS = 2_000
CONNECT_SECONDS = 15
BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""After these nothing was billed."""
STATUSES = {"invalid_request_error": 400, "requests": 429, "tokens": 429, "insufficient_quota": 429}
"""Of errors that come without one."""


class OpenAIDoor:
    """Tries once; retries are for whoever asks."""

    def __init__(self, name: str, endpoint: Endpoint, key: str | None) -> None:
        self.name = name
        self._endpoint = endpoint
        self._place = faults.place(name, endpoint, key)
        self._lock = threading.Lock()
        self._sdk: openai.OpenAI | None = None

    def uses(self, request: Request, without: Features) -> frozenset[Feature]:
        """Say which features are sent; a stranger's server knows the older name of the limit."""
        limits = (Feature.max_completion_tokens, Feature.max_tokens)
        preferred = limits[::-1] if self._place.url else limits
        return frozenset(chat.features(request, without, self._endpoint, preferred))

    def complete(self, request: Request, without: Features = frozenset()) -> Reply:
        if self._place.key is None and not self._place.url:
            raise faults.keyless(self._place)
        outcome = self._attempt(request, without)
        if isinstance(outcome, LLMError):
            raise outcome  # here, where no error that repeats the key is its context
        return outcome

    def _attempt(self, request: Request, without: Features) -> Reply | LLMError:  # noqa: PLR0911 (one for each ending)
        seen = Seen()
        try:
            return chat.reply(seen.each(self._parts(request, without)), request, self.name)
        except openai.APIStatusError as error:
            return faults.error(self._place, refusal(error))
        except openai.APIConnectionError as error:
            return self._lost(error.__cause__ or error)
        except httpx.HTTPError as error:
            return self._lost(error)
        except openai.APIError as error:
            return faults.broken_off(self._place, failure(error), begun=seen.begun)
        except chat.CutShortError as error:
            return faults.unreachable(self._place, f"stopped in the middle, after {error}", billed=True)
        except json.JSONDecodeError as error:
            return faults.garbled(self._place, error.doc)
        except ValidationError:
            return faults.garbled(self._place, str(seen.last))

    def _parts(self, request: Request, without: Features) -> Iterator[object]:
        """Give the answer's chunks, or the one object that it is when it is not streamed."""
        body = chat.body(request, self.uses(request, without), self._endpoint) | {"model": names.model(self.name)}
        headers = {"Idempotency-Key": asking.attempt(request, without)}
        with self._library().chat.completions.with_streaming_response.create(**body, extra_headers=headers) as response:
            if "event-stream" in response.headers.get("content-type", ""):
                # The library would make an object of each, which takes longer than all the rest of a call.
                yield from (sound(response, event) for event in events(response.iter_bytes()))
                return
            yield sound(response, response.read())

    def _lost(self, error: BaseException) -> LLMError:
        if isinstance(error, httpx.ReadTimeout):
            return faults.silent(self._place)
        billed = not isinstance(error, BEFORE_SENDING)
        happened = f"broke off: {error}" if billed else f"cannot be reached: {error}"
        return faults.unreachable(self._place, happened, billed=billed)

    def _library(self) -> openai.OpenAI:
        with self._lock:
            if self._sdk is None:
                self._sdk = library(self._place)
                weakref.finalize(self, self._sdk.close)
            return self._sdk


def library(place: faults.Place) -> openai.OpenAI:
    """Set up the library: no retries of its own, many connections, no proxy to this machine, no log of what is said."""
    for logger in ("openai", "httpx", "httpcore"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    timeout = httpx.Timeout(place.timeout_seconds, connect=min(CONNECT_SECONDS, place.timeout_seconds))
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    return openai.OpenAI(
        api_key=place.key or NO_KEY,
        base_url=place.url or None,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultHttpxClient(
            timeout=timeout, limits=limits, trust_env=not names.on_loopback(place.url)
        ),
    )


def events(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Give what each event of a stream says, up to its end; text is cut at newlines alone, which JSON does not hold."""
    for line in lines(parts):
        said = line.removeprefix(b"data:").strip()
        if said == b"[DONE]":
            return
        if line.startswith(b"data:") and said:
            yield said


def lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
    yield rest


def sound(response: openai.APIResponse[ChatCompletion], said: bytes) -> object:
    """Read one object; raises `openai.APIError` for one that is an error."""
    read = json.loads(said.decode("utf-8", "replace"))
    if isinstance(read, dict) and read.get("error"):
        raise openai.APIError("", response.http_request, body=read["error"])
    return read


def refusal(error: openai.APIStatusError) -> faults.Fault:
    return faults.Fault(
        status=error.status_code,
        message=faults.described(error.body, error.response.text or error.message),
        kind=f"{error.type or ''} {error.code or ''}",
        parameter=error.param,
        retry_after=faults.retry_after(error.response.headers),
    )


def failure(error: openai.APIError) -> faults.Fault:
    """Read an error that came in place of an answer, or in the middle of one, though the status was good."""
    code = str(error.code or "")
    status = int(code) if re.fullmatch(r"[45]\d\d", code) else STATUSES.get(error.type or "", 500)
    return faults.Fault(
        status=status,
        message=faults.described(error.body, error.message),
        kind=f"{error.type or ''} {code}",
        parameter=error.param,
    )
