"""The canary: one real call that shows what a language model is able to take and to give."""

from __future__ import annotations

import secrets
import time

from agent.llm import LLM, Finish, LLMError, Message, Reply, Request, Shape, Usage
from agent.researchers.forms import Misfit, read
from sandboxes.record import Record

TOKENS = 12_000
"""Of the long prompt: more than many a local server's window as it comes."""
LINE = "Line {number:05d}: the mill wheel turns while the river carries leaves past the bridge."
LINE_TOKENS = 20
"""Of such a line, about; the number counts for several."""
LEAST = 0.6
"""Share of the tokens sent that a provider counts when nothing was cut off, whatever its tokenizer."""
ANSWER_TOKENS = 4_000
"""Room for reasoning before a short answer."""
PREFLIGHT = "preflight"
"""Purpose of the short call."""
SYSTEM = "You check that messages arrive whole. Answer exactly in the form that is asked for."


class Sighting(Record):
    """What the form of the answer asks for."""

    canary: str
    """The word after `The canary is` in the first line of the message; empty if there is no such line."""
    last_line_number: int
    """Of the last numbered line."""


class Look(Record):
    """What one call showed."""

    trouble: str = ""
    """Why there was no answer; empty when there was one."""
    seconds: float = 0.0
    sent_tokens: int
    """Estimated."""
    counted_tokens: int | None = None
    """Of the prompt, as the provider counted."""
    canary_seen: bool = False
    form_kept: bool = False
    """The answer was JSON in the form that was asked for."""
    served: str = ""
    adapted: tuple[str, ...] = ()
    usage: Usage | None = None

    @property
    def cut(self) -> bool:
        """Say whether the beginning of the prompt was dropped without a word."""
        few = self.counted_tokens is None or self.counted_tokens < LEAST * self.sent_tokens
        return not self.trouble and not self.canary_seen and few


def look(llm: LLM, tokens: int = TOKENS) -> Look:
    """Ask once, with a word to be seen at the start of a prompt of about this many tokens."""
    word, lines = f"{secrets.choice(BIRDS)}-{secrets.randbelow(9000) + 1000}", max(1, tokens // LINE_TOKENS)
    request = long(word, lines)
    sent = lines * LINE_TOKENS
    begun = time.monotonic()
    try:
        reply = llm.complete(request)
    except LLMError as error:
        return Look(trouble=str(error), seconds=time.monotonic() - begun, sent_tokens=sent)
    return seen(reply, word, lines).model_copy(update={"seconds": time.monotonic() - begun})


BIRDS = ("heron", "wren", "dunlin", "siskin", "plover", "linnet", "avocet", "curlew")


def long(word: str, lines: int) -> Request:
    numbered = "\n".join(LINE.format(number=number) for number in range(1, lines + 1))
    text = (
        f"The canary is {word}.\n{numbered}\n"
        "Give, as one JSON object, `canary`: the word after 'The canary is' in the first line of this message, or an "
        "empty string if there is no such line; and `last_line_number`: the number of the last numbered line."
    )
    return Request(
        purpose="doctor",
        system=SYSTEM,
        messages=(Message(speaker="user", text=text),),
        shape=Shape(name="sighting", json_schema=Sighting.model_json_schema()),
        max_tokens=ANSWER_TOKENS,
        temperature=0,
    )


def seen(reply: Reply, word: str, lines: int) -> Look:
    """Read the answer to the long prompt."""
    usage = reply.usage
    try:
        read(reply.text, Sighting)
        kept = reply.finish is Finish.finished
    except Misfit:
        kept = False
    return Look(
        sent_tokens=lines * LINE_TOKENS,
        counted_tokens=usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens if usage else None,
        canary_seen=word in reply.text,
        form_kept=kept,
        served=reply.served,
        adapted=reply.adapted,
        usage=usage,
    )


def short(sample: int) -> Request:
    """Give the least request that shows whether key, address and name are right."""
    return Request(
        purpose=PREFLIGHT,
        system=SYSTEM,
        messages=(Message(speaker="user", text="Answer with the word: ready."),),
        max_tokens=64,
        sample=sample,
    )
