"""Writing: a study's paper by a language model, over computed tables, figures and accounts.

First the results are interpreted, then each section is asked for, then title and abstract. A part that never passes
the checks is left as rules composed it, and the paper says so. A later version rewrites only the parts that a problem
of the press or a reviewer's remark is about.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import partial

from agent.llm import MisfitError, RefusedError
from agent.prompting import render
from agent.questions import Write
from agent.researchers import briefing, manuscripts
from agent.researchers.authoring import Author, Observation
from agent.researchers.briefing import WRITABLE, material, placeholders
from agent.researchers.concerns import WEAKNESSES, Locator, by_part, unanswered
from agent.researchers.desk import Desk
from agent.researchers.manuscripts import ABSTRACT, Manuscripts
from papers.byline import Byline
from papers.compose import REQUESTS, compose
from papers.facts import facts
from papers.manuscript import ManuscriptError
from papers.paper import Paper, Section, Table
from papers.problem import Problem

DIFF_CHARACTERS = 8_000
"""Of the code change that are shown."""
MOST_REMARKS = 8
"""Remarks that are answered in one part."""
LONGEST_NOTE = 300
"""Characters of what a language model did wrong that a note repeats."""
Ask = Callable[[Manuscripts], Manuscripts]


def write(desk: Desk, question: Write) -> Paper:
    """Write the paper, or the next version of it.

    Raises `agent.llm.LLMError` for all but answers that never fit and refusals: those parts are left composed.
    """
    author = Author(desk.llm, briefing.briefing(question.study, frozenset(question.requests)))
    pages = Pages(author)
    if question.draft is None:
        first(pages)
    elif question.draft.written:
        again(pages, question, question.draft)
    return finished(pages, question)


class Pages:
    """What has been written so far, and what came to nothing."""

    def __init__(self, author: Author) -> None:
        self.author = author
        self.made = Manuscripts()
        self.notes: list[str] = []

    def attempt(self, part: str, ask: Ask) -> None:
        """Have a part written; one that never fits, or is refused, is left composed."""
        try:
            self.made = ask(self.made)
        except (MisfitError, RefusedError) as error:
            self.made = self.made.without(part)
            self.notes.append(f"“{part}” was not written as asked: {shortened(error)}")

    def observations(self) -> tuple[Observation, ...]:
        """Interpret the results; without an answer that fits, the facts must do."""
        try:
            return self.author.interpret()
        except (MisfitError, RefusedError) as error:
            self.notes.append(f"The results were not interpreted first: {shortened(error)}")
            return ()


def first(pages: Pages) -> None:
    """Write every part."""
    author, seen = pages.author, pages.observations()
    for section in author.given.prose():
        prompt = section_prompt(author, section, seen)
        pages.attempt(section.title, partial(author.section, title=section.title, purpose="section", prompt=prompt))
    pages.attempt(ABSTRACT, partial(author.front, purpose="abstract", prompt=abstract_prompt(pages)))


def again(pages: Pages, question: Write, draft: Paper) -> None:
    """Rewrite the parts that a problem or a remark is about, and keep the others."""
    author = pages.author
    composed = compose(question.study, frozenset(question.requests))
    pages.made = manuscripts.of(draft, composed, author.given.paper)
    lost = [part for part in draft.written if part not in pages.made.parts]
    pages.notes += [f"“{part}” was composed by rules: what stood there is no manuscript any more" for part in lost]
    locator = Locator(draft, question.study, facts(question.study))
    problems = by_part(stopping(question), locator.of_problem)
    remarks = {} if problems else by_part(unanswered(question.reviews), locator.of_remark)
    wishes = [] if problems else worded(question)
    for part in pages.made.parts:
        if part in problems:
            rewrite(pages, part, "fix", fix_prompt(pages, part, problems[part]))
        elif part in remarks or wishes:
            said = [f"At {each.place}: {each.text}" for each in remarks.get(part, [])[:MOST_REMARKS]]
            rewrite(pages, part, "revise", revise_prompt(pages, part, [*wishes, *said]))


def worded(question: Write) -> list[str]:
    """Give what was asked of the whole paper in a person's words."""
    return sorted({*question.requests} - REQUESTS - {WEAKNESSES})


def rewrite(pages: Pages, part: str, purpose: str, prompt: str) -> None:
    """Have a part written again; a revision that never fits leaves the part as it was."""
    author, before = pages.author, pages.made
    if part == ABSTRACT:
        pages.attempt(part, partial(author.front, purpose=purpose, prompt=prompt))
    else:
        pages.attempt(part, partial(author.section, title=part, purpose=purpose, prompt=prompt))
    if purpose == "revise" and part not in pages.made.parts:
        pages.made = before


def finished(pages: Pages, question: Write) -> Paper:
    """Put what is written over what is composed from all that was measured, times and costs included."""
    study, requests = question.study, frozenset(question.requests)
    asked = (ABSTRACT, *(section.title for section in pages.author.given.prose()))
    while True:
        written = pages.made.parts
        left = tuple(part for part in asked if part not in written)
        composed = compose(study, requests, Byline(writer=pages.author.llm.name, written=written, left=left))
        try:
            paper = pages.made.paper(composed, seen=pages.author.given.paper)
        except ManuscriptError as error:
            pages.made = Manuscripts(front=pages.made.front)
            pages.notes.append(f"The sections were composed by rules: {error}")
        else:
            return paper.model_copy(update={"notes": tuple(pages.notes)})


def shortened(error: Exception) -> str:
    return textwrap.shorten(str(error), LONGEST_NOTE, placeholder=" …")


def stopping(question: Write) -> tuple[Problem, ...]:
    return tuple(problem for problem in question.problems if problem.stops)


def section_prompt(author: Author, section: Section, observations: tuple[Observation, ...]) -> str:
    diff = author.given.study.diff.strip() if section.title == "Method" else ""
    cut = diff[:DIFF_CHARACTERS] + ("\n… (the rest is not shown)" if len(diff) > DIFF_CHARACTERS else "")
    return render(
        "section",
        title=section.title,
        observations=observations if section.title in {"Results", "Limitations", "Conclusion"} else (),
        material=material(section),
        diff=cut,
        placeholders=placeholders(section),
    )


def abstract_prompt(pages: Pages) -> str:
    paper = pages.author.given.paper
    conclusion = next((material(each) for each in paper.sections if each.title == WRITABLE[-1]), "")
    return render(
        "abstract",
        conclusion=pages.made.sections.get(WRITABLE[-1], conclusion),
        material=f"{paper.title}\n\n{paper.abstract}",
    )


def fix_prompt(pages: Pages, part: str, problems: list[Problem]) -> str:
    return render("fix", title=part, problems=problems, current=current(pages, part), front=part == ABSTRACT)


def revise_prompt(pages: Pages, part: str, remarks: list[str]) -> str:
    added = [each for each in pages.author.given.paper.sections if each.title == "Additional analyses"]
    tables = [block for each in added for block in each.blocks if isinstance(block, Table)]
    return render(
        "revise",
        title=part,
        remarks="\n".join(f"- {remark}" for remark in remarks),
        added=[f"[#{table.label}] {table.caption}" for table in tables],
        current=current(pages, part),
        front=part == ABSTRACT,
    )


def current(pages: Pages, part: str) -> str:
    """Show a part as it stands."""
    front = pages.made.front
    return f"{front.title}\n\n{front.abstract}" if part == ABSTRACT and front else pages.made.sections.get(part, "")
