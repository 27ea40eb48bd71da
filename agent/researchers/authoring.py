"""Authoring: one part of a paper asked for, read, held against the evidence, and shown back until it fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from agent.llm import LLM, Message, Request
from agent.prompting import render
from agent.researchers import habits
from agent.researchers.briefing import Briefing
from agent.researchers.conversation import converse, fill
from agent.researchers.forms import Misfit
from agent.researchers.manuscripts import ABSTRACT, Front, Manuscripts
from papers import checks
from papers.claims import Ground, unsupported
from papers.directions import contradicted
from papers.evidence import Conclusion
from papers.manuscript import ManuscriptError, plain_faults
from papers.marks import Number, Reference, flat
from papers.overstatement import overstated
from papers.paper import Paper
from papers.places import Place, places
from papers.problem import Problem
from sandboxes.record import Record

ANSWER_TOKENS = 8_000
"""Of one part, reasoning included."""
TEMPERATURE = 0.5
MOST_SHOWN = 12
"""Problems that are shown back at a time."""
FEWEST_WORDS = 30
"""Of a section; less is an acknowledgement, or a slip."""
LONGEST_TITLE = 160
LONGEST_ABSTRACT = 2_500
"""Characters, marks included."""


class Observation(Record):
    text: str
    facts: tuple[str, ...]
    """Keys of what it rests on."""


class Observations(Record):
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Author:
    """A language model at work on one paper."""

    llm: LLM
    given: Briefing

    @cached_property
    def context(self) -> str:
        return self.given.context()

    def interpret(self) -> tuple[Observation, ...]:
        """Ask what the results show."""
        request = self._request("interpret", render("interpret", figures=self.given.figures()))
        filled = fill(self.llm, request, Observations, lambda filled: self._unfounded(self._meant(filled)))
        return self._meant(filled).observations

    def section(self, made: Manuscripts, title: str, purpose: str, prompt: str) -> Manuscripts:
        """Ask for a section; raises what `converse` raises."""
        before = made.sections.get(title, "").strip()
        allowed = frozenset(self._problems(made.without(title), title))

        def parse(said: str) -> Manuscripts:
            text = habits.section(said, title, self.given.facts)
            if purpose == "fix" and text.strip() == before:
                raise Misfit("That is the text as it stood. Change what was asked to be changed.")
            candidate = made.having(title, text)
            self._refuse(_thin(text), candidate, title, allowed)
            return candidate

        return converse(self.llm, self._request(purpose, prompt), parse)

    def front(self, made: Manuscripts, purpose: str, prompt: str) -> Manuscripts:
        """Ask for title and abstract; raises what `converse` raises."""
        allowed = frozenset(self._problems(made.without(ABSTRACT), ABSTRACT))

        def meant(front: Front) -> Front:
            facts = self.given.facts
            title, abstract = habits.paragraph(front.title, facts), habits.paragraph(front.abstract, facts)
            return Front(title=title.removesuffix("."), abstract=abstract)

        def fault(filled: Front) -> str:
            front = meant(filled)
            if purpose == "fix" and front == made.front:
                return "That is the text as it stood. Change what was asked to be changed."
            try:
                self._refuse(list(_front_faults(front)), Manuscripts(made.sections, front), ABSTRACT, allowed)
            except Misfit as misfit:
                return str(misfit)
            return ""

        return Manuscripts(made.sections, meant(fill(self.llm, self._request(purpose, prompt), Front, fault)))

    def _request(self, purpose: str, prompt: str) -> Request:
        return Request(
            purpose=purpose,
            system=render("system"),
            context=self.context,
            messages=(Message(speaker="user", text=prompt),),
            max_tokens=ANSWER_TOKENS,
            temperature=TEMPERATURE,
        )

    def _refuse(self, faults: list[str], candidate: Manuscripts, part: str, allowed: frozenset[Problem]) -> None:
        """Raise `Misfit` with all that is wrong with a part."""
        try:
            faults += [f"{each}." for each in self._problems(candidate, part) if each not in allowed]
        except ManuscriptError as error:
            faults += error.faults
        if faults:
            more = f" And {len(faults) - MOST_SHOWN} more." if len(faults) > MOST_SHOWN else ""
            listed = "\n".join(f"- {each}" for each in faults[:MOST_SHOWN])
            raise Misfit(f"It does not pass the checks:\n{listed}{more}\nAnswer with the whole text, mended.")

    def _problems(self, made: Manuscripts, part: str) -> Iterator[Problem]:
        """Hold the paper against the evidence, and what was written of it against overstatement."""
        paper, study = made.paper(self.given.paper), self.given.study
        found = checks.check(paper, self.given.facts, study.figures, study.bibliography, study.template.metric.better)
        yield from (problem for problem in found if problem.stops)
        supported = study.conclusion is Conclusion.supported
        if part in made.parts:
            for place in _places(paper, part):
                yield from overstated(place, self.given.facts, supported=supported)

    def _meant(self, filled: Observations) -> Observations:
        return Observations(
            observations=tuple(
                Observation(
                    text=habits.prose(each.text, self.given.facts), facts=tuple(habits.key(key) for key in each.facts)
                )
                for each in filled.observations
            )
        )

    def _unfounded(self, filled: Observations) -> str:
        """Say what is wrong with observations: facts that do not exist, and all that prose may not do either."""
        faults = [fault for each in filled.observations for fault in self._observed(each)]
        return _listed(faults if filled.observations else ["There is no observation: give at least one."])

    def _observed(self, each: Observation) -> Iterator[str]:
        place = Place(where="observation", text=each.text)
        named = {span.key for span in flat(each.text) if isinstance(span, Number)}
        if not each.facts:
            yield f"“{each.text}” rests on nothing: name the keys of its facts."
        unknown = sorted({*each.facts, *named} - self.given.facts.keys())
        if unknown:
            yield f"{', '.join(unknown)}: no facts of this study; name keys from the list."
            return
        ground = Ground(self.given.facts, frozenset())
        yield from plain_faults(each.text)
        yield from map(str, unsupported(place, ground))
        yield from map(str, contradicted(place, self.given.facts, self.given.study.template.metric.better))


def _places(paper: Paper, part: str) -> Iterator[Place]:
    """Give the texts of one part."""
    sections = tuple(each for each in paper.sections if each.title == part)
    front = part == ABSTRACT
    alone = Paper(
        title=paper.title if front else "", author="", abstract=paper.abstract if front else "", sections=sections
    )
    yield from places(alone)


def _thin(text: str) -> list[str]:
    """Say that a section is too short to be one."""
    words = len(text.split())
    few = f"The section has {words} words; write it out, in {FEWEST_WORDS} at least."
    return [few] if words < FEWEST_WORDS else []


def _front_faults(front: Front) -> Iterator[str]:
    for name, text, longest in (
        ("title", front.title, LONGEST_TITLE),
        ("abstract", front.abstract, LONGEST_ABSTRACT),
    ):
        yield from plain_faults(text)
        if not text.strip() or "\n" in text.strip() or len(text) > longest:
            yield f"The {name} has {len(text)} characters; it must be one paragraph of at most {longest}."
        if any(isinstance(span, Reference) for span in flat(text)):
            yield f"The {name} refers to a table or figure; it must stand alone."


def _listed(faults: list[str]) -> str:
    return "\n".join(f"- {fault}" for fault in list(dict.fromkeys(faults))[:MOST_SHOWN])
