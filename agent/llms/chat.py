"""The chat-completions protocol: a request as what is sent, and what comes back as a reply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from pydantic import BaseModel

from agent.endpoint import Endpoint
from agent.llm import Finish, Message, Reply, Request, Shape, Usage
from agent.llms import asking, schema
from agent.llms.door import Feature, Features

Body: TypeAlias = dict[str, Any]
"""Arguments of the call, by name."""

THOUGHTS = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
"""What some servers leave in front of the answer."""


def features(request: Request, without: Features, endpoint: Endpoint, limits: tuple[Feature, ...]) -> set[Feature]:
    """Choose what is sent; `limits` are the names for the longest answer, the preferred one first."""
    wanted = {Feature.stream, Feature.stream_options} if Feature.stream not in without else set()
    if asking.temperature(request, endpoint) is not None:
        wanted.add(Feature.temperature)
    if asking.system(request):
        wanted.add(Feature.system)
    wanted |= {*[limit for limit in limits if limit not in without][:1]}
    wanted |= {each for each in (asking.form(request, without),) if each}
    return wanted - without


def body(request: Request, used: Features, endpoint: Endpoint) -> Body:
    """Put a request, with the features it uses; everything but the model's name."""
    made: Body = {"messages": messages(request, used)}
    for limit in (Feature.max_tokens, Feature.max_completion_tokens):
        if limit in used:
            made[limit.value] = asking.longest(request, endpoint)
    if Feature.temperature in used:
        made["temperature"] = asking.temperature(request, endpoint)
    if Feature.stream in used:
        made["stream"] = True
    if Feature.stream_options in used:
        made["stream_options"] = {"include_usage": True}
    if request.shape:
        made |= shaped(request.shape, used)
    return made


def shaped(shape: Shape, used: Features) -> Body:
    """Ask for the shape by schema or by tool; nothing when it is asked for in words."""
    if Feature.json_schema in used:
        closed = schema.strict(shape.json_schema)
        named = {"name": shape.name, "schema": closed or shape.json_schema, "strict": closed is not None}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if Feature.tools in used:
        function = {"name": shape.name, "description": "Give the answer.", "parameters": shape.json_schema}
        return {
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": shape.name}},
        }
    return {}


def messages(request: Request, used: Features) -> list[dict[str, str]]:
    """Put the system's words first, as a message of their own or before the user's."""
    said = asking.conversation(
        request, in_words=used.isdisjoint({Feature.json_schema, Feature.tools}), prefill=Feature.prefill in used
    )
    first = asking.system(request)
    if first and Feature.system not in used:
        said = (Message(speaker="user", text=f"{first}\n\n{said[0].text}"), *said[1:])
    told = [{"role": "system", "content": first}] if Feature.system in used else []
    return told + [{"role": each.speaker, "content": each.text} for each in said]


class Called(BaseModel):
    arguments: str | None = None


class Call(BaseModel):
    function: Called | None = None


class Said(BaseModel):
    """A message, or the part of one that a chunk of a stream brings."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None


class Choice(BaseModel):
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None


class Read(BaseModel):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class Written(BaseModel):
    reasoning_tokens: int | None = None


class Counted(BaseModel):
    """Tokens, as this protocol counts them: what was cached is part of the prompt."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: Read | None = None
    completion_tokens_details: Written | None = None
    prompt_cache_hit_tokens: int | None = None
    """Where DeepSeek says what it read from its cache."""

    @property
    def usage(self) -> Usage:
        """Some leave reasoning out of the completion and count it in the total alone."""
        prompt, completion = self.prompt_tokens or 0, self.completion_tokens or 0
        read, written = self.prompt_tokens_details or Read(), self.completion_tokens_details or Written()
        cached = min(prompt, read.cached_tokens or self.prompt_cache_hit_tokens or 0)
        stored = min(prompt - cached, read.cache_write_tokens or 0)
        return Usage(
            input_tokens=prompt - cached - stored,
            cache_read_tokens=cached,
            cache_write_tokens=stored,
            output_tokens=max(completion, (self.total_tokens or 0) - prompt),
            reasoning_tokens=written.reasoning_tokens or 0,
        )


class Completion(BaseModel):
    """A whole answer, or one chunk of a stream."""

    model: str | None = None
    choices: list[Choice]
    usage: Counted | None = None


class CutShortError(ValueError):
    """An answer was not given to its end; the message is what there is of it."""


def reply(parts: Iterable[object], request: Request, name: str) -> Reply:
    """Put an answer together from its chunks, or from the one object that it is.

    Raises `CutShortError`, `ValidationError` when it is no answer at all, and whatever `parts` raise.
    """
    texts, refusals, arguments = [], [], []
    usage, served, ending = None, name, None
    for part in map(Completion.model_validate, parts):
        usage, served = part.usage or usage, part.model or served
        for choice in part.choices[:1]:
            said = choice.delta or choice.message or Said()
            texts.append(said.content or "")
            refusals.append(said.refusal or "")
            arguments += [call.function.arguments or "" for call in said.tool_calls or [] if call.function]
            ending = choice.finish_reason or ending
    if ending is None:
        raise CutShortError(f"{sum(map(len, texts + arguments))} characters")
    text = "".join(arguments) or asking.continued(request, THOUGHTS.sub("", "".join(texts)))
    refusal = "".join(refusals)
    return Reply(
        text=refusal or text,
        finish=Finish.refused if refusal else finish(ending, text),
        usage=usage.usage if usage else None,
        served=served,
    )


def finish(ending: str, text: str) -> Finish:
    if ending == "content_filter":
        return Finish.refused
    if ending == "length":
        return Finish.truncated
    return Finish.finished if text.strip() else Finish.empty


class Seen:
    """What has passed of an answer, for telling what became of it."""

    def __init__(self) -> None:
        self.last: object = ""
        self.begun = False

    def each(self, parts: Iterable[object]) -> Iterator[object]:
        for part in parts:
            self.last, self.begun = part, True
            yield part
