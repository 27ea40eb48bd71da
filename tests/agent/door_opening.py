"""Doors to a server on loopback, and short questions to ask there."""

from __future__ import annotations

from typing import Any

from llm_server import LLMServer, Protocol

from agent.endpoint import Endpoint
from agent.llm import Message, Request, Shape
from agent.llms.anthropic import AnthropicDoor
from agent.llms.door import Door
from agent.llms.openai import OpenAIDoor

KEY = "sk-test-4f1c9a7e2b8d"
PATIENCE = 0.4
"""Seconds without a byte."""
FORM = Shape(
    name="idea",
    json_schema={
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 60}, "score": {"type": "integer", "default": 3}},
        "required": ["title"],
        "additionalProperties": False,
    },
)
FILLED = '{"title": "Warm restarts", "score": 4}'


def opened(
    protocol: Protocol, server: LLMServer, key: str | None = KEY, *, variable: str = "", **endpoint: float | str
) -> Door:
    url = server.v1 if protocol == "openai" else server.origin
    settings: dict[str, Any] = {"base_url": url, "timeout_seconds": PATIENCE, "key": variable} | endpoint
    door = OpenAIDoor if protocol == "openai" else AnthropicDoor
    return door(f"{protocol}/tiny", Endpoint(**settings), key)


def question(text: str = "Say something.", **more: object) -> Request:
    given: dict[str, Any] = {
        "purpose": "propose",
        "system": "You are brief.",
        "messages": (Message(speaker="user", text=text),),
        "max_tokens": 100,
    }
    return Request(**given | more)
