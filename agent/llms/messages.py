"""The messages protocol of Anthropic: a request as what is sent, and what comes back as a reply."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from pydantic import BaseModel

from agent.endpoint import Endpoint
from agent.llm import Finish, Reply, Request, Usage
from agent.llms import asking, schema
from agent.llms.chat import CutShortError
from agent.llms.door import Feature, Features

Body: TypeAlias = dict[str, Any]
"""Arguments of the call, by name."""

CACHEABLE = 4_096
"""Characters; a shorter beginning is cached nowhere, so it is not marked."""


def features(request: Request, without: Features, endpoint: Endpoint) -> set[Feature]:
    """Choose what is sent; not named is the limit, which this protocol cannot do without."""
    wanted = {Feature.stream}
    if asking.temperature(request, endpoint) is not None:
        wanted.add(Feature.temperature)
    if asking.system(request):
        wanted.add(Feature.system)
    if len(asking.system(request)) >= CACHEABLE and Feature.system not in without:
        wanted.add(Feature.cache_control)
    if asking.opening(request) and request.shape is None:
        wanted.add(Feature.prefill)
    enforceable = request.shape is not None and schema.strict(request.shape.json_schema) is not None
    wanted |= {each for each in (asking.form(request, without, enforceable=enforceable),) if each}
    return wanted - without


def body(request: Request, used: Features, endpoint: Endpoint) -> Body:
    """Put a request, with the features it uses; everything but the model's name."""
    said = asking.conversation(
        request, in_words=used.isdisjoint({Feature.json_schema, Feature.tools}), prefill=Feature.prefill in used
    )
    made: Body = {"max_tokens": asking.longest(request, endpoint), "stream": Feature.stream in used}
    made["messages"] = [{"role": each.speaker, "content": each.text} for each in said]
    if Feature.system in used:
        made["system"] = system(request, cached=Feature.cache_control in used)
    elif first := asking.system(request):
        made["messages"][0]["content"] = f"{first}\n\n{said[0].text}"
    if Feature.temperature in used:
        made["extra_body"] = {"temperature": asking.temperature(request, endpoint)}
    return made | shaped(request, used)


def system(request: Request, *, cached: bool) -> list[Body]:
    """Put what seldom changes in blocks, each end of which is marked for the cache once there is enough to keep."""
    blocks: list[Body] = []
    length = 0
    for text in filter(None, (request.system, request.context)):
        length += len(text)
        marked = {"cache_control": {"type": "ephemeral"}} if cached and length >= CACHEABLE else {}
        blocks.append({"type": "text", "text": text} | marked)
    return blocks


def shaped(request: Request, used: Features) -> Body:
    """Ask for the shape by schema or by tool; nothing when it is asked for in words."""
    if request.shape and Feature.json_schema in used:
        return {
            "output_config": {"format": {"type": "json_schema", "schema": schema.strict(request.shape.json_schema)}}
        }
    if request.shape and Feature.tools in used:
        name, form = request.shape.name, request.shape.json_schema
        tool = {"name": name, "description": "Give the answer.", "input_schema": form}
        return {"tools": [tool], "tool_choice": {"type": "tool", "name": name, "disable_parallel_tool_use": True}}
    return {}


class Thought(BaseModel):
    thinking_tokens: int | None = None


class Counted(BaseModel):
    """Tokens, as this protocol counts them: what was cached is apart from the input."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: Thought | None = None

    def after(self, earlier: Counted) -> Counted:
        """Take what was counted later over what was counted earlier: the counts of a stream are running totals."""
        return earlier.model_copy(update=self.model_dump(exclude_none=True) | self._thought())

    def _thought(self) -> dict[str, Thought]:
        return {"output_tokens_details": self.output_tokens_details} if self.output_tokens_details else {}

    @property
    def usage(self) -> Usage:
        return Usage(
            input_tokens=self.input_tokens or 0,
            cache_read_tokens=self.cache_read_input_tokens or 0,
            cache_write_tokens=self.cache_creation_input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            reasoning_tokens=(self.output_tokens_details or Thought()).thinking_tokens or 0,
        )


class Block(BaseModel):
    """A part of an answer, or the piece of one that an event brings."""

    text: str | None = None
    partial_json: str | None = None
    input: dict[str, Any] | None = None
    stop_reason: str | None = None
    stop_details: Refusal | None = None

    @property
    def said(self) -> str:
        return self.text or self.partial_json or (json.dumps(self.input) if self.input else "")


class Refusal(BaseModel):
    explanation: str | None = None


class Whole(BaseModel):
    """A message, or its beginning in a stream."""

    model: str | None = None
    content: list[Block]
    stop_reason: str | None = None
    stop_details: Refusal | None = None
    usage: Counted


class Event(BaseModel):
    """Something that happens in a stream."""

    type: str
    message: Whole | None = None
    content_block: Block | None = None
    delta: Block | None = None
    usage: Counted | None = None


def reply(parts: Iterable[object], request: Request, name: str) -> Reply:
    """Put an answer together from its events, or from the message that it is.

    Raises `CutShortError` when it was not given to its end, `ValidationError` when it is no answer, and what `parts`
    raise.
    """
    texts, served, ending, refusal = [], name, None, ""
    counted = Counted()
    for event in map(happened, parts):
        blocks = [*(event.message.content if event.message else ()), event.content_block, event.delta]
        texts += [block.said for block in blocks if block]
        served = (event.message and event.message.model) or served
        for last in (event.message, event.delta):
            ending = (last and last.stop_reason) or ending
            refusal = (last and last.stop_details and last.stop_details.explanation) or refusal
        for usage in (event.message and event.message.usage, event.usage):
            counted = usage.after(counted) if usage else counted
    if ending is None:
        raise CutShortError(f"{sum(map(len, texts))} characters")
    text = "".join(texts)
    return Reply(
        text=refusal if ending == "refusal" and refusal else asking.continued(request, text),
        finish=finish(ending, text),
        usage=counted.usage,
        served=served,
    )


def happened(part: object) -> Event:
    """Read an event; a message that came whole is one, too."""
    if isinstance(part, dict) and part.get("type") == "message":
        return Event(type="message", message=Whole.model_validate(part))
    return Event.model_validate(part)


def finish(ending: str, text: str) -> Finish:
    if ending == "refusal":
        return Finish.refused
    if ending in {"max_tokens", "model_context_window_exceeded"}:
        return Finish.truncated
    return Finish.finished if text.strip() else Finish.empty
