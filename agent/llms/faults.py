"""What providers say when they do not answer, and which `LLMError` that is."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agent.endpoint import Endpoint
from agent.llm import (
    KeyRefusedError,
    LLMError,
    OverloadedError,
    QuotaError,
    RefusedError,
    RejectedError,
    TooLongError,
    UnknownLLMError,
    UnreachableError,
)
from agent.llms import names

A_MONTH = 30 * 24 * 3600.0
LONGEST_SHOWN = 600
"""Characters of what a provider said."""


@dataclass(frozen=True)
class Place:
    """Where a language model is asked, as messages tell it; its key is in none of them."""

    name: str
    url: str
    """Empty for the provider's own."""
    variable: str
    """Where its key is looked for; empty when it needs none."""
    timeout_seconds: float
    key: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        return self.url or f"the {names.provider(self.name)} API"

    @property
    def key_hint(self) -> str:
        return (
            f"Set {self.variable}"
            if self.variable
            else "Name the variable of its key in ~/.ratchet/llms.toml and set it"
        )

    @property
    def url_hint(self) -> str:
        """Say how to get a server to answer."""
        if names.on_loopback(self.url):
            start = names.STARTS.get(names.provider(self.name))
            return f"Start its server{f' (run: {start})' if start else ''}, or set its base_url."
        return "Check the network connection" + (" and its base_url." if self.url else ".")

    def hide(self, text: str) -> str:
        """Take the key out of what a provider said, which may repeat it, in whole or in part."""
        if self.key:
            text = text.replace(self.key, "[key]")
        return re.sub(r"\b(sk|gsk|xai)-[\w*.-]{6,}|\S*\*{4,}\S*", "[key]", text)


def place(name: str, endpoint: Endpoint, key: str | None) -> Place:
    url = names.base_url(name, endpoint)
    return Place(name, url, names.key_variable(name, endpoint), endpoint.timeout_seconds, key)


@dataclass(frozen=True)
class Fault:
    """What came instead of an answer."""

    status: int
    message: str
    kind: str = ""
    """What the provider calls this kind of error, its codes included."""
    parameter: str | None = None
    retry_after: float | None = None
    """Seconds."""


@dataclass(frozen=True)
class Rule:
    """One way to tell what a fault is."""

    error: type[LLMError]
    statuses: Container[int]
    signs: str = ""
    """What it says, its kind included; empty when the status tells all."""
    advice: str = ""

    def fits(self, fault: Fault) -> bool:
        return fault.status in self.statuses and says(self.signs, f"{fault.kind} {fault.message}")


REFUSED = {400, 404, 405, 415, 422, 501}
ANY = range(1000)

SPENT = r"insufficient_quota|credit balance|insufficient.(balance|credit|funds)|billing_|specified API usage limits"
TOO_LONG = (
    r"context_length_exceeded|exceed_context_size|context (length|window|size)|(prompt|input) is too long"
    r"|too many (input )?tokens|exceeds? (the )?context"
)
ANSWER_TOO_LONG = r"max_(completion_)?tokens\W+ is too large|`max_tokens` exceed|> \d+ - \d+"
ASKED_FOR = r"context length is (\d+) .*?(\d+) in the messages"
ROLES = r"roles must alternate|system (role|message)s? (is |are )?not supported|supported, got system"
"""From a chat template that takes no system message; some servers call that a fault of their own."""
UNSUPPORTED = r"support (tool|the requested parameter|structured|response_format)|requested parameters"
WILL_NOT = r"content_policy|content_filter|content management policy|ContentPolicy|safety system|invalid_prompt"
UNKNOWN = r"model_not_found|model\b.{0,80}\b(not found|does not exist|not exist|not a valid|unknown)|not a known model"

RULES = (
    Rule(
        QuotaError,
        {400, 403, 429},
        SPENT,
        "The account is out of money or quota: top it up, or add a fallback to --llm.",
    ),
    Rule(QuotaError, {402}, advice="The account is out of money or quota: top it up, or add a fallback to --llm."),
    Rule(KeyRefusedError, {401, 403}, advice="{key_hint} to a key that is valid there, then resume."),
    Rule(RejectedError, ANY, ROLES),
    Rule(RejectedError, {404}, UNSUPPORTED),
    Rule(TooLongError, {413}, advice="Choose a language model with a longer context window."),
    Rule(TooLongError, REFUSED | {500}, TOO_LONG, "Choose a language model with a longer context window."),
    Rule(RefusedError, REFUSED, WILL_NOT, "Add a fallback to --llm for what it will not answer."),
    Rule(
        UnknownLLMError,
        {404},
        advice="Check the name after the slash, and its base_url: for OpenAI's protocol it often ends in /v1.",
    ),
    Rule(UnknownLLMError, REFUSED, UNKNOWN, "Check the name after the slash."),
    Rule(OverloadedError, {408, 409, 425, 429, 500, *range(502, 600)}, advice="Try again later."),
    Rule(RejectedError, ANY),
)
"""The first that fits holds."""


def error(place: Place, fault: Fault) -> LLMError:
    """Give the error that a fault is, with a message that says what to do."""
    rule = RULES[-1] if about_answer(fault) else next(rule for rule in RULES if rule.fits(fault))
    said = place.hide(fault.message.strip())[:LONGEST_SHOWN] or "no reason given"
    said += "" if said.endswith((".", "!", "?")) else "."
    advice = rule.advice.format(key_hint=place.key_hint)
    message = f"{place.name} at {place.where} answered {fault.status}: {said} {advice}".strip()
    if rule.error is OverloadedError:
        return OverloadedError(message, status=fault.status, retry_after=fault.retry_after)
    if rule.error is RejectedError:
        return RejectedError(message, parameter=fault.parameter and place.hide(fault.parameter))
    return rule.error(message)


def says(pattern: str, words: str) -> bool:
    return re.search(pattern, words, re.IGNORECASE | re.DOTALL) is not None


def about_answer(fault: Fault) -> bool:
    """Tell a wanted answer that is too long from a question that is: the question alone would fit."""
    found = re.search(ASKED_FOR, fault.message, re.DOTALL)
    fits = found is not None and int(found[2]) < int(found[1])
    return fault.status in REFUSED and (fits or says(ANSWER_TOO_LONG, fault.message))


def unreachable(place: Place, happened: str, *, billed: bool) -> UnreachableError:
    """Say that no answer came, or not all of it."""
    advice = "The call may have been billed; the same request may succeed later." if billed else place.url_hint
    return UnreachableError(
        f"{place.name} at {place.where} {place.hide(happened).rstrip('.')}. {advice}", billed=billed
    )


def silent(place: Place) -> UnreachableError:
    happened = f"sent nothing for {place.timeout_seconds:g} seconds, which is its timeout_seconds"
    return unreachable(place, happened, billed=True)


def broken_off(place: Place, fault: Fault, *, begun: bool) -> LLMError:
    """Give the error for a fault that came with a good status; an answer that had begun may be billed."""
    found = error(place, fault)
    if begun and isinstance(found, OverloadedError):
        return unreachable(place, f"broke off in the middle of its answer: {fault.message}", billed=True)
    return found


def garbled(place: Place, said: str) -> UnreachableError:
    shown = place.hide(said.strip())[:200] or "nothing at all"
    return UnreachableError(
        f"{place.name} at {place.where} answered in no form that its protocol knows: {shown!r}. Check its base_url: "
        f"for OpenAI's protocol it often ends in /v1.",
        billed=True,
    )


def keyless(place: Place) -> KeyRefusedError:
    return KeyRefusedError(f"{place.name} needs a key and none was found. {place.key_hint}, or choose another --llm.")


def described(body: object, otherwise: str) -> str:
    """Read the words of an error from its body, whatever its form; `otherwise` when there are none."""
    if isinstance(body, Mapping):
        found = next((body[name] for name in ("message", "detail", "error") if body.get(name)), None)
        return described(found, otherwise) if isinstance(found, Mapping) else words_of(found, otherwise)
    return words_of(body, otherwise)


def words_of(value: object, otherwise: str) -> str:
    if not value:
        return otherwise
    return value if isinstance(value, str) else json.dumps(value, default=str)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a provider asks to wait, in any of the ways it may say so; a month is the longest."""
    seconds = asked_to_wait(headers)
    return None if seconds is None else min(max(0.0, seconds), A_MONTH)


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    if milliseconds := number(headers.get("retry-after-ms")):
        return milliseconds / 1000
    said = headers.get("retry-after")
    if (seconds := number(said)) is not None:
        return seconds
    try:
        when = parsedate_to_datetime(said or "")
    except ValueError:
        return None
    return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def number(text: str | None) -> float | None:
    """Read a number that is not negative and not endless."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*", text or "")
    return float(found[1]) if found else None
