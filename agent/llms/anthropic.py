"""The door to Anthropic's models, and to servers that speak its protocol."""

from __future__ import annotations

import json
import logging
import threading
import weakref
from collections.abc import Iterator
from typing import cast

import anthropic
import httpx2
from anthropic.types import RawMessageStreamEvent
from pydantic import ValidationError

from agent.endpoint import Endpoint
from agent.llm import LLMError, Reply, Request
from agent.llms import asking, faults, messages, names
from agent.llms.chat import CutShortError, Seen
from agent.llms.door import Feature, Features

NO_KEY = "none"
"""What a server that wants no key is sent: the library would otherwise look for one in the environment."""
CONNECTIONS = 2_000
CONNECT_SECONDS = 15
BEFORE_SENDING = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
"""After these nothing was billed."""
STATUSES = {
    "authentication_error": 401,
    "billing_error": 402,
    "invalid_request_error": 400,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
}
"""Of errors that come in the middle of a stream."""


class AnthropicDoor:
    """Tries once; retries are for whoever asks."""

    def __init__(self, name: str, endpoint: Endpoint, key: str | None) -> None:
        self.name = name
        self._endpoint = endpoint
        self._place = faults.place(name, endpoint, key)
        self._lock = threading.Lock()
        self._sdk: anthropic.Anthropic | None = None

    def uses(self, request: Request, without: Features) -> frozenset[Feature]:
        return frozenset(messages.features(request, without, self._endpoint))

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
            return messages.reply(seen.each(self._events(request, without)), request, self.name)
        except anthropic.APIStatusError as error:
            return faults.broken_off(self._place, refusal(error), begun=seen.begun)
        except anthropic.APIConnectionError as error:
            return self._lost(error.__cause__ or error)
        except httpx2.HTTPError as error:
            return self._lost(error)
        except CutShortError as error:
            return faults.unreachable(self._place, f"stopped in the middle, after {error}", billed=True)
        except json.JSONDecodeError as error:
            return faults.garbled(self._place, error.doc)
        except ValidationError:
            return faults.garbled(self._place, str(seen.last))

    def _events(self, request: Request, without: Features) -> Iterator[object]:
        """Give the answer's events, or the message that it is when it is not streamed."""
        sent = messages.body(request, self.uses(request, without), self._endpoint)
        headers = {"Idempotency-Key": asking.attempt(request, without)}
        with self._library().messages.with_streaming_response.create(
            **sent, model=names.model(self.name), extra_headers=headers
        ) as response:
            if "event-stream" not in response.headers.get("content-type", ""):
                yield json.loads(response.read())
                return
            events = cast("anthropic.Stream[RawMessageStreamEvent]", response.parse())
            yield from (event.to_dict(mode="python", warnings=False) for event in events)

    def _lost(self, error: BaseException) -> LLMError:
        if isinstance(error, httpx2.ReadTimeout):
            return faults.silent(self._place)
        billed = not isinstance(error, BEFORE_SENDING)
        happened = f"broke off: {error}" if billed else f"cannot be reached: {error}"
        return faults.unreachable(self._place, happened, billed=billed)

    def _library(self) -> anthropic.Anthropic:
        with self._lock:
            if self._sdk is None:
                self._sdk = library(self._place)
                weakref.finalize(self, self._sdk.close)
            return self._sdk


def library(place: faults.Place) -> anthropic.Anthropic:
    """Set up the library: no retries of its own, many connections, no proxy to this machine, no log of what is said."""
    for logger in ("anthropic", "httpx2", "httpcore2"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    timeout = httpx2.Timeout(place.timeout_seconds, connect=min(CONNECT_SECONDS, place.timeout_seconds))
    return anthropic.Anthropic(
        api_key=place.key or NO_KEY,
        base_url=place.url.removesuffix("/v1") or None,
        max_retries=0,
        timeout=timeout,
        http_client=anthropic.DefaultHttpxClient(
            timeout=timeout, limits=limits, trust_env=not names.on_loopback(place.url)
        ),
    )


def refusal(error: anthropic.APIStatusError) -> faults.Fault:
    """Read an error; in the middle of a stream the status was good, and the kind tells."""
    status = error.status_code if error.status_code >= 400 else STATUSES.get(error.type or "", 500)  # noqa: PLR2004
    return faults.Fault(
        status=status,
        message=error.api_message or faults.described(error.body, error.message),
        kind=f"{error.type or ''} {error.error_code or ''}",
        retry_after=faults.retry_after(error.response.headers),
    )
