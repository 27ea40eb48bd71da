"""A campaign whose every question a scripted language model answers, recorded and metered as a real one is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, get_args

from author_ideas import IdeasAuthor
from author_prose import ProseAuthor

from agent.budget import Caps
from agent.endpoint import Endpoint, Price
from agent.journal import Journal
from agent.llm import Request, Role
from agent.llms.gated import Gated
from agent.llms.metered import Metered
from agent.llms.recorded import Recorded
from agent.llms.scripted import ScriptedLLM
from agent.researchers.desk import Desk
from agent.researchers.language_model import LanguageModelResearcher
from agent.state import Tools

NAME = "scripted/author"
LLMS: dict[str, Any] = {
    "llms": dict.fromkeys(get_args(Role), (NAME,)),
    "endpoints": {NAME: Endpoint(price=Price(input=3.0, output=15.0), context_tokens=200_000)},
}
"""Fields of a brief."""


def answer(request: Request, ideas: IdeasAuthor, prose: ProseAuthor) -> str:
    said = ideas.answer(request) or prose.answer(request)
    if said is None:
        raise LookupError(f"The author does not know what '{request.purpose}' asks.")
    return said


def staffed(
    tools: Tools,
    *,
    faulty: bool = False,
    journal: Journal | None = None,
    heard: Callable[[Request], None] = lambda _: None,
) -> Tools:
    """Give tools whose researcher is the scripted one; `heard` is told of every call that is made."""
    ideas, prose = IdeasAuthor(faulty=faulty), ProseAuthor()
    book = journal or tools.journal

    def script(request: Request) -> str:
        heard(request)
        return answer(request, ideas, prose)

    brief = tools.brief
    caps = Caps(campaign=brief.budget, study=brief.study_budget, argument=tools.campaign.argument)
    recorded = Recorded(ScriptedLLM(script, NAME), tools.campaign.calls)
    llm = Gated(Metered(recorded, book, brief.endpoints[NAME], caps), never)
    if tools.literature is None:
        raise LookupError("These tools have no literature.")
    researcher = LanguageModelResearcher(Desk(llm, tools.literature, scale=brief.scale))
    return dataclasses.replace(tools, journal=book, researchers=dict.fromkeys(get_args(Role), researcher))


def never(seconds: float, reason: str) -> None:
    raise TimeoutError(f"The author lets nobody wait, and here are {seconds} s: {reason}.")
