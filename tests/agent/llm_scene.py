"""What a language model's server is asked, and what it does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Protocol = Literal["openai", "anthropic"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Tokens:
    """What a scene says it cost, each token in one class only."""

    input: int = 0
    """Neither from the cache nor into it."""
    output: int = 0
    """Reasoning included."""
    cached: int = 0
    written: int = 0
    """Into the cache."""
    reasoning: int = 0


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    number: int
    """Counted over the whole server, from 1."""
    protocol: Protocol
    body: Json
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def system(self) -> str:
        if self.protocol == "anthropic":
            return words(self.body.get("system", ""))
        return "\n\n".join(words(each["content"]) for each in self.body["messages"] if each["role"] == "system")

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """Who said what, but for the system."""
        said = (each for each in self.body["messages"] if each["role"] != "system")
        return tuple((each["role"], words(each["content"])) for each in said)

    @property
    def text(self) -> str:
        """All that was said to it, system first."""
        return "\n\n".join((self.system, *(text for _, text in self.turns)))

    @property
    def last(self) -> str:
        """What was said last."""
        return self.turns[-1][1]

    @property
    def forced_tool(self) -> str:
        """Name the tool that must be called; empty when none must."""
        choice = self.body.get("tool_choice")
        if not isinstance(choice, dict) or choice.get("type") not in {"function", "tool"}:
            return ""
        return str(choice["function"]["name"] if self.protocol == "openai" else choice["name"])

    @property
    def schema(self) -> Json | None:
        """The JSON schema that came in the response format, the output format or the forced tool."""
        if self.forced_tool:
            tool = self.body["tools"][0]
            return dict(tool["function"]["parameters"] if self.protocol == "openai" else tool["input_schema"])
        wanted: Json = self.body.get("response_format") or self.body.get("output_config") or {}
        return (wanted.get("json_schema") or wanted.get("format") or {}).get("schema")


@dataclass(frozen=True)
class Scene:
    """What happens to one request."""

    text: str = ""
    """Said, or given as the arguments of the tool that was forced."""
    finish: Literal["stop", "length", "refused"] = "stop"
    refusal: str = ""
    """OpenAI's `refusal` field; with `finish="refused"` and no words here, its content filter."""
    usage: Tokens | None = None
    """None: counted, four characters a token."""
    reports_usage: bool = True
    served: str = ""
    """The id of the model that answers; empty for the one that was asked."""
    plain: bool = False
    """Answer in text though a tool was forced."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    """Message of the protocol's own error, sent with `status`."""
    kind: str = ""
    """The error's `type`; empty for the usual one of its status."""
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    """Sent as it is, instead of anything else."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds before each event of a stream."""
    streams: bool = True
    """False: answer in one piece though a stream was asked for."""
    ends: Literal["whole", "cut", "unfinished", "stalled", "failed", "silent"] = "whole"
    """A stream is `cut` in the middle, ends early but neatly (`unfinished`), stops coming (`stalled`) or turns into an
    error (`failed`); `silent`: never a byte."""


def words(content: object) -> str:
    """Read a message's content, which is a text or a list of blocks."""
    if not isinstance(content, list):
        return str(content or "")
    return "\n\n".join(str(block.get("text", "")) for block in content)
