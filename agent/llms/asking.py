"""What all protocols have in common: which features a request uses, and its messages once some are left out."""

from __future__ import annotations

from agent.endpoint import Endpoint
from agent.llm import Message, Request
from agent.llms import schema
from agent.llms.door import Feature, Features


def temperature(request: Request, endpoint: Endpoint) -> float | None:
    """Prefer the endpoint's, where it has one."""
    return request.temperature if endpoint.temperature is None else endpoint.temperature


def longest(request: Request, endpoint: Endpoint) -> int:
    """How long the answer may be, in tokens."""
    return min(request.max_tokens, endpoint.max_output_tokens or request.max_tokens)


def form(request: Request, without: Features, *, enforceable: bool = True) -> Feature | None:
    """Choose how the answer's shape is asked for; None when it is asked for in words, or there is none."""
    if request.shape is None:
        return None
    if enforceable and Feature.json_schema not in without:
        return Feature.json_schema
    return None if Feature.tools in without else Feature.tools


def opening(request: Request) -> str:
    """Give the words that the answer shall begin with, if any."""
    last = request.messages[-1]
    return last.text if last.speaker == "assistant" else ""


def conversation(request: Request, *, in_words: bool, prefill: bool) -> tuple[Message, ...]:
    """Give the messages, the shape and the opening among them where they are asked for in words."""
    messages = list(request.messages)
    wishes = [schema.in_words(request.shape)] if in_words and request.shape else []
    if not prefill and (begun := opening(request)):
        del messages[-1]
        wishes.append(f"Begin your answer with exactly these words, and go on from there:\n{begun}")
    if not wishes:
        return tuple(messages)
    asked = max(index for index, message in enumerate(messages) if message.speaker == "user")
    text = "\n\n".join((messages[asked].text, *wishes))
    messages[asked] = Message(speaker="user", text=text)
    return tuple(messages)


def continued(request: Request, text: str) -> str:
    """Give what follows the opening, for an answer that may repeat it."""
    begun, stripped = opening(request), text.lstrip()
    return stripped.removeprefix(begun) if begun and stripped.startswith(begun) else text


def system(request: Request) -> str:
    return "\n\n".join(part for part in (request.system, request.context) if part)


def attempt(request: Request, without: Features) -> str:
    """Name an attempt, so that a provider can tell a repetition: put otherwise, it is another one."""
    return ".".join((request.digest, *sorted(without)))
