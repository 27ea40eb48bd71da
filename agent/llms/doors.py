"""Which door leads to which language model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from agent.endpoint import Endpoint
from agent.llms import names
from agent.llms.door import Door
from agent.llms.names import key_variable as key_variable  # noqa: PLC0414 (found where doors are opened)

Library = Literal["anthropic", "litellm", "openai", "transformers"]

EXTRAS: dict[Library, str] = {"anthropic": "llm", "litellm": "litellm", "openai": "llm", "transformers": "local"}
"""Which extra brings which library."""


class MissingExtraError(ImportError):
    """The library behind a door is not installed; the message says how to install it."""


def door(name: str, endpoint: Endpoint, key: str | None) -> Door:
    """Open the door to `name`: `openai/…`, `anthropic/…`, `local:FOLDER`, a local server such as `ollama/…`, or any.

    Any other `provider/model` is asked by OpenAI's protocol when it has a base URL, and through litellm when it has
    none. Nothing is asked yet, and no provider's library is imported but this one's.

    Raises `ValueError` for what is no name, and `MissingExtraError`.
    """
    if remedy := lacking(name, endpoint):
        raise MissingExtraError(f"{name} is asked through a library that is not installed. {remedy}")
    match library(name, endpoint):
        case "transformers":
            from agent.llms.local import LocalDoor

            return LocalDoor(name, Path(names.LOCAL.sub("", name, count=1)).expanduser(), endpoint)
        case "anthropic":
            from agent.llms.anthropic import AnthropicDoor

            return AnthropicDoor(name, endpoint, key)
        case "openai":
            from agent.llms.openai import OpenAIDoor

            return OpenAIDoor(name, endpoint, key)
        case "litellm":
            from agent.llms.litellm import LiteLLMDoor

            return LiteLLMDoor(name, endpoint, key)


def lacking(name: str, endpoint: Endpoint) -> str:
    """Say how to install the library that `name` is asked through; empty when it is there."""
    needed = library(name, endpoint)
    return "" if find_spec(needed) else f"Run: pip install 'ratchet-lab[{EXTRAS[needed]}]'"


def library(name: str, endpoint: Endpoint) -> Library:
    provider = names.provider(name)
    if provider == "local":
        return "transformers"
    if provider == "anthropic":
        return "anthropic"
    return "openai" if provider == "openai" or names.base_url(name, endpoint) else "litellm"
