"""Which door leads to which language model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from agent.endpoint import Endpoint
from agent.llms import names
from agent.llms.door import Door
from agent.llms.names import key_variable as key_variable  # noqa: PLC0414 (found where doors are opened)

EXTRAS = {
    "anthropic": "llm",
    "litellm": "litellm",
    "openai": "llm",
    "torch": "local",
    "transformers": "local",
}
"""Which extra brings which library."""


class MissingExtraError(ImportError):
    """The library behind a door is not installed; the message says how to install it."""


def door(name: str, endpoint: Endpoint, key: str | None) -> Door:
    """Open the door to `name`: `openai/…`, `anthropic/…`, `local:FOLDER`, a local server such as `ollama/…`, or any.

    Any other `provider/model` is asked by OpenAI's protocol when it has a base URL, and through litellm when it has
    none. Nothing is asked yet, and no provider's library is imported but this one's.

    Raises `ValueError` for what is no name, and `MissingExtraError`.
    """
    provider = names.provider(name)
    if provider == "local":
        need(name, "torch", "transformers")
        from agent.llms.local import LocalDoor

        return LocalDoor(name, Path(names.LOCAL.sub("", name, count=1)).expanduser(), endpoint)
    if provider == "anthropic":
        need(name, "anthropic")
        from agent.llms.anthropic import AnthropicDoor

        return AnthropicDoor(name, endpoint, key)
    if provider == "openai" or names.base_url(name, endpoint):
        need(name, "openai")
        from agent.llms.openai import OpenAIDoor

        return OpenAIDoor(name, endpoint, key)
    need(name, "litellm")
    from agent.llms.litellm import LiteLLMDoor

    return LiteLLMDoor(name, endpoint, key)


def need(name: str, *libraries: str) -> None:
    for library in libraries:
        if find_spec(library) is None:
            raise MissingExtraError(
                f"{name} is asked through {library}, which is not installed. "
                f"Run: pip install 'ratchet-lab[{EXTRAS[library]}]'"
            )
