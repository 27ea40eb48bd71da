"""A language model: whatever answers a request; and what can go wrong when one is asked.

LLMError
├── OverloadedError     it is busy, or we are too fast: the same request may succeed later
├── UnreachableError    no connection, a timeout, a cut stream: the call may have been billed
├── RejectedError       it does not take the request as it is, e.g. a parameter
├── TooLongError        the request does not fit its context window
├── KeyRefusedError     the key is missing, wrong or revoked
├── QuotaError          the account is out of money or quota: waiting for minutes does not help
├── UnknownLLMError     there is no language model of that name
├── RefusedError        it will not answer this
├── MisfitError         it answered, and never in the form that was asked for
├── NotRecordedError    offline, and this request is not on record
└── PausedError         it can only be asked again later than the user wants to wait
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import Field, JsonValue

from sandboxes.record import Record

Role = Literal["ideas", "code", "writing", "review"]
"""A kind of question that one language model may be chosen for."""


class Message(Record):
    speaker: Literal["user", "assistant"]
    text: str


class Shape(Record):
    """The JSON that an answer must be."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_]{1,64}$")
    json_schema: dict[str, JsonValue]


class Request(Record):
    """What a language model is asked: what seldom changes comes first, so that providers can cache it."""

    purpose: str
    """The question it serves, for the ledger: `propose`, `survey`, `implement`, …."""
    system: str
    """The same for every request of a campaign."""
    context: str = ""
    """The same for every request about one template; follows `system`."""
    messages: tuple[Message, ...] = Field(min_length=1)
    """A conversation that ends with the user; or with the assistant's own opening words, to be continued."""
    shape: Shape | None = None
    """None for an answer in free text."""
    max_tokens: int = Field(gt=0)
    """Of the answer, reasoning included."""
    temperature: float | None = None
    sample: int = 0
    """Tells apart requests that ask the same thing again on purpose."""

    @property
    def digest(self) -> str:
        """Name the request: two that ask the same are one."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]

    @property
    def text(self) -> str:
        """All that is sent, for counting."""
        return "\n\n".join((self.system, self.context, *(message.text for message in self.messages)))


class Usage(Record):
    """Tokens as the provider counted them, by what they cost."""

    input_tokens: int = Field(default=0, ge=0)
    """Read at full price: neither from the cache nor into it."""
    cache_read_tokens: int = Field(default=0, ge=0)
    cache_write_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    """Reasoning included."""
    reasoning_tokens: int = Field(default=0, ge=0)
    """The part of the output that nobody sees."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields})


class Finish(StrEnum):
    """How an answer ended."""

    finished = "finished"
    truncated = "truncated"
    """At `max_tokens`."""
    refused = "refused"
    empty = "empty"


class Reply(Record):
    text: str
    """JSON when the request had a shape and the provider keeps to shapes; otherwise whatever was said."""
    finish: Finish
    usage: Usage | None
    """None when the provider did not say."""
    served: str
    """The model's id as the provider gave it."""
    adapted: tuple[str, ...] = ()
    """What the request had to do without, e.g. `temperature`."""


class LLM(Protocol):
    """Answers requests; safe to use from several threads."""

    @property
    def name(self) -> str:
        """`provider/model`, as the user named it."""
        ...

    def complete(self, request: Request) -> Reply:
        """Answer once. Raises `LLMError`; retrying is another wrapper's business."""
        ...


class LLMError(RuntimeError):
    """Asking a language model came to nothing; the message says why and what to do."""


class OverloadedError(LLMError):
    """Too many requests, or trouble at the provider's."""

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        """Seconds that the provider asked to wait."""


class UnreachableError(LLMError):
    """No connection, a timeout or a cut stream."""

    def __init__(self, message: str, *, billed: bool) -> None:
        super().__init__(message)
        self.billed = billed
        """The request was sent, so that it may cost money though its answer is lost."""


class RejectedError(LLMError):
    """The provider does not take the request as it is."""

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter
        """The part it does not take, where it says so: `temperature`, `max_tokens`, `json_schema`, `tools`, …."""


class TooLongError(LLMError):
    """The request does not fit the context window."""


class KeyRefusedError(LLMError):
    """The key is missing, wrong or revoked."""


class QuotaError(LLMError):
    """The account is out of money or quota."""


class UnknownLLMError(LLMError):
    """There is no language model of that name at this place."""


class RefusedError(LLMError):
    """The language model will not answer this."""


class MisfitError(LLMError):
    """No answer came in the form that was asked for."""


class NotRecordedError(LLMError):
    """Nothing may be asked anew, and this request is not on record."""


class PausedError(LLMError):
    """The next call is possible only at `wake`, later than the user wants to wait."""

    def __init__(self, message: str, *, wake: datetime) -> None:
        super().__init__(message)
        self.wake = wake
