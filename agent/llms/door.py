"""A door to a language model: one attempt at one request, and the parts of it that can be left out or put otherwise."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Protocol

from agent.llm import Reply, Request


class Feature(StrEnum):
    """A part of what is sent that a provider may refuse, and that an answer can be had without."""

    temperature = "temperature"
    max_tokens = "max_tokens"
    """The limit under its older name; without it, under the other one, or none."""
    max_completion_tokens = "max_completion_tokens"
    """The limit under its newer name."""
    json_schema = "json_schema"
    """The answer's schema as such; without it, as a tool that must be called."""
    tools = "tools"
    """The answer's schema as a tool; without it, in words."""
    stream = "stream"
    stream_options = "stream_options"
    """The wish to be told the usage at the end of a stream."""
    system = "system"
    """A message of the system's own; without it, it opens the first message of the user."""
    prefill = "prefill"
    """The answer's opening as a message; without it, in words."""
    cache_control = "cache_control"


Features = AbstractSet[Feature]


class Door(Protocol):
    """One language model at one place; safe to use from several threads."""

    @property
    def name(self) -> str:
        """`provider/model`, as the user named it."""
        ...

    def uses(self, request: Request, without: Features) -> frozenset[Feature]:
        """Say which features `complete` would send."""
        ...

    def complete(self, request: Request, without: Features = frozenset()) -> Reply:
        """Try once, leaving out `without`. Raises `LLMError`; a `RejectedError` says what is not taken."""
        ...
