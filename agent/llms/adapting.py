"""Doing without what a provider refuses: the request is sent again without it, and it is not sent any more."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from pydantic import Field

from agent.llm import RejectedError, Reply, Request
from agent.llms.door import Door, Feature, Features
from sandboxes.record import Record

LENGTH = "length"
"""How a shortened answer is called among what a request had to do without."""

MOST_REFUSALS = len(Feature) + 2
"""Of one request: each feature once, and its length twice."""

SIGNS = {
    Feature.cache_control: r"cache_control|prompt.?caching",
    Feature.stream_options: r"stream_options|include_usage",
    Feature.temperature: r"temperature",
    Feature.max_completion_tokens: r"max_(completion_|new_|output_)?tokens",
    Feature.max_tokens: r"max_(completion_|new_|output_)?tokens",
    Feature.prefill: r"prefill|(end|last|final)\b.*\b(user|assistant)\b|assistant message",
    Feature.json_schema: r"response_format|json.?schema|output_(config|format)|structured.?output|grammar|\bschema\b",
    Feature.tools: r"\btools?\b|tool_choice|tool_use|function.?call",
    Feature.system: r"messages\[0\]|messages\.0\.role|\bsystem\b|roles must alternate",
    Feature.stream: r"\bstream(ing|ed)?\b",
}
"""What a refusal of each feature says, the more telling first; asked only about features that were sent."""


class Adaptation(Record):
    """What one language model turned out not to take; kept with a campaign, it is not found out twice."""

    without: tuple[Feature, ...] = ()
    """In alphabetical order."""
    longest: int | None = Field(default=None, gt=0)
    """Tokens that an answer may be long at most."""

    def lacking(self, feature: Feature) -> Adaptation:
        return self.model_copy(update={"without": tuple(sorted({*self.without, feature}))})

    def limited(self, request: Request) -> Request:
        if self.longest is None or request.max_tokens <= self.longest:
            return request
        return request.model_copy(update={"max_tokens": self.longest})


class Adapting:
    """A door that takes every request: what the language model refuses is left out, once and for all.

    Anything but a refused part passes through. `learned` is told each time there is more to remember.
    """

    def __init__(
        self,
        door: Door,
        known: Adaptation = Adaptation(),  # noqa: B008 (frozen)
        learned: Callable[[Adaptation], None] = lambda _: None,
    ) -> None:
        self._door = door
        self._known = known
        self._learned = learned
        self._lock = threading.Lock()
        self.name = door.name

    @property
    def known(self) -> Adaptation:
        """All that it was given and has found out so far."""
        return self._known

    def complete(self, request: Request) -> Reply:
        wanted = request
        for _ in range(MOST_REFUSALS):
            known = self._known
            request = known.limited(request)
            try:
                reply = self._door.complete(request, frozenset(known.without))
            except RejectedError as error:
                request = self._mended(request, known, error)
            else:
                return reply.model_copy(update={"adapted": self._missed(wanted, request, frozenset(known.without))})
        raise RejectedError(
            f"{self.name} refused one request {MOST_REFUSALS} times, each time for another reason. Choose another "
            f"language model with --llm, or check its base_url."
        )

    def _mended(self, request: Request, known: Adaptation, error: RejectedError) -> Request:
        """Learn from a refusal and give the request to send next; raises `error` when it teaches nothing."""
        if shorter := room(str(error), request.max_tokens):
            if shorter.always:
                self._learn(lambda now: now.model_copy(update={"longest": shorter.tokens}))
            return request.model_copy(update={"max_tokens": shorter.tokens})
        feature = refused(error, self._door.uses(request, frozenset(known.without)))
        if feature is None:
            raise error
        self._learn(lambda now: now.lacking(feature))
        return request

    def _learn(self, change: Callable[[Adaptation], Adaptation]) -> None:
        with self._lock:
            known, self._known = self._known, change(self._known)
            if known != self._known:
                self._learned(self._known)

    def _missed(self, wanted: Request, sent: Request, without: Features) -> tuple[str, ...]:
        """Name what would have been sent, had it not been refused."""
        missed = {str(each) for each in without if each in self._door.uses(wanted, without - {each})}
        return tuple(sorted(missed | ({LENGTH} if sent.max_tokens < wanted.max_tokens else set())))


class Room(Record):
    """How long an answer may be, as a refusal tells it."""

    tokens: int = Field(gt=0)
    always: bool
    """Of every answer, not only of this one, whose question takes up part of the context window."""


def refused(error: RejectedError, sent: Features) -> Feature | None:
    """Find the feature that a refusal is about: the parameter it names, or else what its words point to."""
    for said in (error.parameter or "", str(error)):
        for feature, signs in SIGNS.items():
            if feature in sent and re.search(signs, said, re.IGNORECASE | re.DOTALL):
                return feature
    return None


BESIDE = (
    r"\d+ > (?P<window>\d+) - (?P<asked>\d+)",
    r"(?P<asked>\d+) \+ \d+ > (?P<window>\d+)",
    r"context length is (?P<window>\d+) .*?(?P<asked>\d+) in the messages",
)
"""Ways to say that question and answer together do not fit a context window."""


def room(message: str, max_tokens: int) -> Room | None:
    """Read from a refusal how long the answer may be; None when it is not about that."""
    for way in BESIDE:
        found = re.search(way, message, re.DOTALL)
        if found and 0 < (left := int(found["window"]) - int(found["asked"])) < max_tokens:
            return Room(tokens=left, always=False)
    if not re.search(SIGNS[Feature.max_tokens], message) or str(max_tokens) not in message:
        return None
    limits = [limit for limit in map(int, re.findall(r"(?<![\w.-])\d+(?![\w-])", message)) if 1 < limit < max_tokens]
    return Room(tokens=max(limits) - ("exclusive" in message), always=True) if limits else None
