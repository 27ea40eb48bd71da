"""An endpoint: where a language model is asked, and what it costs."""

from __future__ import annotations

from pydantic import Field

from sandboxes.record import Record


class Price(Record):
    """US dollars for a million tokens of each class."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    """Reasoning tokens are output."""
    cache_read: float | None = Field(default=None, ge=0)
    """None: as `input`."""
    cache_write: float | None = Field(default=None, ge=0)
    """None: as `input`."""


class Endpoint(Record):
    """What is to be known about one language model; nothing in it is secret."""

    base_url: str = ""
    """Of a server that speaks the protocol of OpenAI, or of Anthropic for `anthropic/…`; empty for the provider's."""
    key: str = ""
    """Name of the environment variable or key-file entry that holds the key; empty for the provider's usual one."""
    price: Price | None = None
    """None: what the price file says, if anything."""
    context_tokens: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    timeout_seconds: float = Field(default=600, gt=0)
    """Without a byte."""
    temperature: float | None = Field(default=None, ge=0)
    """None: what each question asks for."""
