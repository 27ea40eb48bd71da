"""The door to every other provider, through litellm: imported at the first request, its own network switched off.

Answers are not streamed here: to a stream that broke off, the library gives an ending of its own making.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from agent.endpoint import Endpoint
from agent.llm import LLMError, Reply, Request, UnknownLLMError
from agent.llms import asking, chat, faults
from agent.llms.chat import Seen
from agent.llms.door import Feature, Features

SWITCHES = (
    "LITELLM_LOCAL_MODEL_COST_MAP",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS",
    "LITELLM_LOCAL_BLOG_POSTS",
    "LITELLM_LOCAL_POLICY_TEMPLATES",
)
"""With these set, importing it fetches nothing."""
NEVER = frozenset({Feature.stream, Feature.stream_options})
LOST = r"connection error|connection refused|cannot connect|disconnected|peer closed|connection reset"
"""How its errors tell that no answer came, whatever status they make up."""
NO_KEY = r"(missing|no|provide|set|invalid).{0,40}(api.?key|credentials)"
PREFIX = re.compile(r"^(litellm\.)?\w+(Error|Timeout|Exception)(: | - )")


class LiteLLMDoor:
    """Tries once; retries are for whoever asks."""

    def __init__(self, name: str, endpoint: Endpoint, key: str | None) -> None:
        self.name = name
        self._endpoint = endpoint
        self._place = faults.place(name, endpoint, key)

    def uses(self, request: Request, without: Features) -> frozenset[Feature]:
        return frozenset(chat.features(request, without | NEVER, self._endpoint, (Feature.max_tokens,)))

    def complete(self, request: Request, without: Features = frozenset()) -> Reply:
        outcome = self._attempt(library(), request, without)
        if isinstance(outcome, LLMError):
            raise outcome  # here, where no error that repeats the key is its context
        return outcome

    def _attempt(self, litellm: ModuleType, request: Request, without: Features) -> Reply | LLMError:
        seen = Seen()
        try:
            return chat.reply(seen.each(self._parts(litellm, request, without)), request, self.name)
        except tuple(litellm.LITELLM_EXCEPTION_TYPES) as error:
            return self._error(error)
        except (ValidationError, chat.CutShortError):
            return faults.garbled(self._place, str(seen.last))

    def _parts(self, litellm: ModuleType, request: Request, without: Features) -> Iterator[object]:
        answer = litellm.completion(
            **chat.body(request, self.uses(request, without), self._endpoint),
            model=self.name,
            api_key=self._place.key,
            api_base=self._place.url or None,
            max_retries=0,
            timeout=self._place.timeout_seconds,
            extra_headers={"Idempotency-Key": asking.attempt(request, without)},
            _skip_mcp_handler=True,  # our tools are no gateway's; looking into that would need one more package
        )
        yield lifted(answer.model_dump(warnings=False))

    def _error(self, error: Any) -> LLMError:  # noqa: ANN401 (its errors have no base of its own)
        kind, said = type(error).__name__, plain(error.message)
        if kind == "Timeout":
            return faults.silent(self._place)
        if "LLM Provider NOT provided" in said:
            return UnknownLLMError(f"{self.name}: litellm knows no such provider. Correct it, or give its base_url.")
        if faults.says(NO_KEY, said) and not faults.says("supported", said):
            return faults.error(self._place, faults.Fault(401, said, kind))
        if faults.says(LOST, said) or kind == "APIConnectionError":
            return faults.unreachable(self._place, f"broke off: {said}", billed=True)
        headers = error.litellm_response_headers or {}
        retry_after = faults.retry_after(headers)
        return faults.error(
            self._place, faults.Fault(error.status_code, said, f"{kind} {error.code}", error.param, retry_after)
        )


def plain(message: str) -> str:
    """Take off what the library puts around a provider's words: its own names in front, a traceback behind."""
    message = re.split(r"\nTraceback|\n\nThis looks like a bug", message)[0]
    while found := PREFIX.match(message):
        message = message[found.end() :]
    return message.strip()


def lifted(answer: dict[str, Any]) -> dict[str, Any]:
    """Put a refusal where the protocol has it."""
    for choice in answer["choices"]:
        message = choice["message"]
        message["refusal"] = (message.get("provider_specific_fields") or {}).get("refusal")
    return answer


@cache
def library() -> ModuleType:
    """Import litellm with everything off that talks to others: price map, news, telemetry, prints."""
    for switch in SWITCHES:
        os.environ[switch] = "True"
    logging.getLogger("LiteLLM").setLevel(logging.WARNING)
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm
