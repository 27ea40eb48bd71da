"""What the graph remembers between steps, and what it hands to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar

from agent.budget import BudgetReachedError, StudyBudgetReachedError
from agent.campaign import Brief, Campaign, StudyFolder
from agent.journal import Journal
from agent.literature.publication import Literature
from agent.llm import Role
from agent.questions import Question, Researcher
from sandboxes.job import Sandbox
from sandboxes.record import Record
from templates.template import Template

A = TypeVar("A", bound=Record)


class State(TypedDict, total=False):
    """Small values only: everything bulky is on disk, and all of this can be rebuilt from there."""

    number: int
    """Of the study in work, from 1."""
    slug: str
    template: str
    known: bool
    """The survey found the idea's answer."""
    word: str
    """What a person said where one was asked last: `approved`, `rejected` or `edited`."""
    attempt: int
    """Of the code: 0 as implemented, then one more for each repair."""
    variant: str
    rehearsed: bool
    """The code passed its rehearsal."""
    stage: str
    """Stage to run next; empty once the study is concluded."""
    compared: bool
    """There is a comparison to write about."""
    fixes: int
    printed: bool
    """The paper passed its gates and is a PDF."""
    revisions: int
    requests: list[str]
    """What the reviewers ask the next version for."""
    failure: str
    """Why the last step came to nothing: a question found no answer, or its researcher gave the idea up."""


@dataclass(frozen=True)
class Step:
    """One thing that happened, for whoever looks on."""

    name: str
    study: int
    text: str
    done: float = 1.0
    """Fraction, for what takes a while."""


class StopRequestedError(RuntimeError):
    """The user asked to stop; what was done is kept."""


def stop_requested(campaign: Campaign) -> StopRequestedError:
    return StopRequestedError(f"Stopped; everything finished is kept. Go on with 'ratchet resume {campaign.argument}'.")


@dataclass(frozen=True)
class Tools:
    """What steps work with; never remembered."""

    campaign: Campaign
    brief: Brief
    journal: Journal
    templates: dict[str, Template]
    """By name."""
    sandbox: Sandbox
    executor: Executor
    researchers: Mapping[Role, Researcher]
    """Who answers which kind of question."""
    report: Callable[[Step], None]
    literature: Literature | None = None
    """Where cited records are looked up again; None where nothing can be asked."""
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, kind: Role, question: Question[A], form: type[A]) -> A:
        """Have `question` answered, or give the answer that is on record."""
        researcher = self.researchers[kind]
        return self.journal.answer(kind, question, form, lambda: researcher.answer(question), researcher.name)

    def study(self, state: State) -> StudyFolder:
        return self.campaign.study(state["number"], state["slug"])

    def template(self, state: State) -> Template:
        return self.templates[state["template"]]

    def pause(self) -> None:
        """Stop here when asked to, or when the campaign's budget is used up."""
        if self.stop.is_set():
            raise stop_requested(self.campaign)
        if reached := self.brief.budget.reached(self.journal.spend()):
            raise BudgetReachedError(
                f"The budget is used up: {reached}. Everything finished is kept: raise that cap with "
                f"'ratchet resume {self.campaign.argument}' to go on."
            )

    def afford(self) -> None:
        """Stop the study here when its own budget is used up: what is begun anew comes after this."""
        if used := self.journal.overdrawn or self.brief.study_budget.reached(self.journal.study_spend()):
            raise StudyBudgetReachedError(f"The budget of the study is used up: {used}.", used=used)
