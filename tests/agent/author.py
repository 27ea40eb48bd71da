"""A scripted author behind a real server: it reads off the prompt what is asked, and answers from the prompt alone.

The server learns nothing but what a language model would: the words that were sent. What kind of question it is stands
in the opening of the last thing said that is no complaint about an answer.
"""

from __future__ import annotations

import re

from author_ideas import IdeasAuthor
from author_prose import ProseAuthor
from llm_server import Asked, Scene

from agent.llm import Message, Request

OPENINGS = {
    "Propose ": "propose",
    "Now be the sharpest critic": "reflect_ideas",
    "Write the queries": "queries",
    "Judge what is published": "survey",
    "Write this idea as a change": "implement",
    "The code of an idea": "repair",
    "Before the paper is written": "interpret",
    "Write title and abstract": "abstract",
    "The paper could not be printed": "fix",
    "Readers of the draft": "revise",
    "Review the paper above": "judge",
    "You read part": "summarise",
    "You are the area chair": "conclude",
}
SECTION = re.compile(r"Write the section “")


class Author:
    """Answers everything a study asks; a question it does not know is an error of the test."""

    def __init__(self, ideas: IdeasAuthor, prose: ProseAuthor) -> None:
        self._ideas = ideas
        self._prose = prose

    def __call__(self, asked: Asked) -> Scene:
        if asked.last.startswith("Answer with the word: "):
            return Scene(text=asked.last.removeprefix("Answer with the word: ").rstrip("."))
        request = read(asked)
        said = self._ideas.answer(request) or self._prose.answer(request)
        if said is None:
            raise LookupError(f"Nobody knows what to say to: {asked.last[:200]}")
        return Scene(text=said)


def read(asked: Asked) -> Request:
    """Read what was sent as the request that it was made of."""
    messages = tuple(
        Message(speaker="assistant" if speaker == "assistant" else "user", text=text) for speaker, text in asked.turns
    )
    return Request(
        purpose=purpose(messages), system="", context=asked.system, messages=messages or (HELLO,), max_tokens=1
    )


HELLO = Message(speaker="user", text="")


def purpose(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if message.speaker == "user":
            for opening, name in OPENINGS.items():
                if message.text.startswith(opening):
                    return name
            if SECTION.search(message.text):
                return "section"
    return "other"
