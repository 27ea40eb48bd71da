"""What language models cost: the dated price file, and the arithmetic of a call."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field

from agent.budget import Spend
from agent.endpoint import Endpoint, Price
from agent.llm import Request, Usage
from sandboxes.record import Record

PRICES = Path(__file__).with_name("prices.toml")
MILLION = 1_000_000
FREE = Price(input=0, output=0)
OWN_SERVERS = frozenset({"llamacpp", "lmstudio", "ollama", "vllm"})
"""Programs that serve weights of one's own."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BYTES_PER_TOKEN = 2
"""Fewer than any tokenizer in use takes for prose, code, LaTeX or JSON (3 to 4.5); but many take one for each digit."""
TOKENS_PER_MESSAGE = 16
"""What a provider wraps a message in."""
TOKENS_PER_REQUEST = 512
"""What it adds to a request: its own words about tools and forms."""


class Listed(Record):
    """A language model in the price file."""

    price: Price
    context_tokens: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    as_of: str
    source: str


class Charge(Record):
    """What a call has cost, or may cost."""

    usage: Usage = Usage()
    usd: float = 0.0
    priced: bool = True
    """False where nobody knows the price: then `usd` is 0 and says nothing."""

    @property
    def fields(self) -> dict[str, object]:
        return {"usage": self.usage, "usd": self.usd, "priced": self.priced}

    @property
    def spend(self) -> Spend:
        tokens = self.usage.tokens
        return Spend(usd=self.usd, tokens=tokens, unpriced_tokens=0 if self.priced else tokens)

    def __str__(self) -> str:
        return f"${self.usd:.4f} ({self.usage.tokens} tokens)" if self.priced else f"{self.usage.tokens} tokens"


def price(name: str, endpoint: Endpoint) -> Price | None:
    """Give the price of a language model: the user's word first, then the price file's; weights of one's own are free.

    None when nobody knows it.
    """
    if endpoint.price is not None:
        return endpoint.price
    if runs_here(name, endpoint):
        return FREE
    found = listed(name)
    return found.price if found else None


def known(name: str, endpoint: Endpoint) -> Endpoint:
    """Fill in what the user did not say of a language model: its price and its sizes, as far as anybody knows them."""
    found = listed(name)
    sizes = {
        "context_tokens": endpoint.context_tokens or (found.context_tokens if found else None),
        "max_output_tokens": endpoint.max_output_tokens or (found.max_output_tokens if found else None),
    }
    return endpoint.model_copy(update={"price": price(name, endpoint)} | sizes)


def listed(name: str) -> Listed | None:
    """Find a language model in the price file, as it is named or without the date of its version."""
    file = price_file()
    return next((file[each] for each in spellings(name.lower()) if each in file), None)


def spellings(name: str) -> tuple[str, ...]:
    """Give the names to look for, longest first: as it is, and without `-2026-05-01`, `-20260501`, `@…`, `-latest`."""
    undated = re.sub(r"(?:[-@](?:\d{4}-\d{2}-\d{2}|\d{8})|-latest)$", "", name)
    return (name, undated)


def runs_here(name: str, endpoint: Endpoint) -> bool:
    """Say whether answering costs nobody's money: weights in this process, or a server of one's own on this machine."""
    if name.startswith(("local:", "local/")):
        return True
    own = name.split("/", 1)[0] in OWN_SERVERS
    return own and (not endpoint.base_url or urlsplit(endpoint.base_url).hostname in LOOPBACK)


@cache
def price_file() -> dict[str, Listed]:
    raw = tomllib.loads(PRICES.read_text())
    common = {"as_of": raw.pop("as_of"), "source": raw.pop("source")}
    return {name: Listed.model_validate(common | table) for name, table in raw.items()}


def usd(price: Price, usage: Usage) -> float:
    """Price each class of tokens by itself; reasoning is part of the output."""
    read = price.input if price.cache_read is None else price.cache_read
    written = price.input if price.cache_write is None else price.cache_write
    return (
        usage.input_tokens * price.input
        + usage.cache_read_tokens * read
        + usage.cache_write_tokens * written
        + usage.output_tokens * price.output
    ) / MILLION


def charge(price: Price | None, usage: Usage) -> Charge:
    return Charge(usage=usage, usd=usd(price, usage) if price else 0.0, priced=price is not None)


def upper_bound(request: Request, endpoint: Endpoint) -> Charge:
    """Say what a call may cost at most: all it sends in the dearest class of input, and the longest answer allowed.

    Neither is taken for longer than the endpoint, as `known` gives it, can read or write.
    """
    sent = most_tokens(request)
    usage = Usage(
        input_tokens=min(sent, endpoint.context_tokens or sent),
        output_tokens=min(request.max_tokens, endpoint.max_output_tokens or request.max_tokens),
    )
    price = endpoint.price
    if price is None:
        return charge(None, usage)
    dearest = max(price.input, price.cache_read or 0.0, price.cache_write or 0.0)
    return charge(Price(input=dearest, output=price.output), usage)


def most_tokens(request: Request) -> int:
    """Count the tokens of a request from above, without a tokenizer."""
    sent = request.text.encode() + (request.shape.model_dump_json().encode() if request.shape else b"")
    wordy = len(sent.translate(None, b"0123456789"))
    digits = len(sent) - wordy
    return digits - (-wordy // BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE * (len(request.messages) + 2) + TOKENS_PER_REQUEST
