"""The embedded researcher: answers every question of a study without a language model."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from agent.archive import after
from agent.literature.library import Holding, Library
from agent.questions import (
    CodeChange,
    Conclude,
    Implement,
    Judge,
    Propose,
    Question,
    Related,
    Repair,
    Survey,
    Write,
)
from agent.researchers import evolution
from papers import bibliography
from papers.compose import compose
from papers.paper import Paper
from reviews import panel
from reviews.review import Review, Verdict
from sandboxes.record import Record
from templates import source, template
from templates.idea import Idea

A = TypeVar("A", bound=Record)


class EmbeddedResearcher:
    """Searches the declared design space, writes from what was measured, reviews by checklist.

    A real researcher within that space: it needs no key, no network and no weights, and the same question always has
    the same answer.
    """

    name = "embedded"

    def answer(self, question: Question[A]) -> A:
        answers: dict[type[Question[Any]], Any] = {
            Propose: propose,
            Survey: survey,
            Implement: implement,
            Repair: repair,
            Write: write,
            Judge: judge,
            Conclude: conclude,
        }
        return cast("A", answers[type(question)](question))


def propose(question: Propose) -> Idea:
    return evolution.propose(question)


def survey(question: Survey) -> Related:
    """Rank the template's references by their words in common with the idea; a point tried before is known."""
    idea = question.idea
    knobs_alone = bool(idea.changes) and not idea.plan
    earlier = question.archive.earlier(question.template, after(idea.changes)) if knobs_alone else None
    entries = bibliography.read(template.bibliography(question.template))
    sources = [Holding(key=entry.key, text=" ".join(entry.fields.values())) for entry in entries]
    words = f"{idea.title} {idea.hypothesis} {idea.rationale} {question.template.title} {question.template.question}"
    return Related(
        cited=Library(sources).search(words),
        known=f"Study {earlier.number} tried the same change, or nearly the same." if earlier else "",
    )


def implement(question: Implement) -> CodeChange:
    """Turn the idea's knobs; a plan in words is beyond a researcher that reads none."""
    changes = question.idea.changes
    if question.idea.plan or not changes:
        note = "The idea plans a change of the code that the embedded researcher, which only turns knobs, cannot write."
        return CodeChange(files={}, changes=(), note=note)
    return CodeChange(files=source.apply(question.template, changes), changes=changes)


def repair(question: Repair) -> CodeChange:
    """Retreat: leave out one of the changes, another one at each attempt, and give up a single change."""
    changes = question.idea.changes
    if len(changes) <= 1 or question.attempt > len(changes):
        return CodeChange(files={}, changes=(), note="Nothing is left to take back: the idea is given up.")
    dropped = changes[-question.attempt]
    kept = tuple(change for change in changes if change != dropped)
    return CodeChange(
        files=source.apply(question.template, kept),
        changes=kept,
        note=f"Took back {dropped.knob}, because the rehearsal {question.failure.ending.replace('_', ' ')}.",
    )


def write(question: Write) -> Paper:
    """Compose the paper; faults of an earlier version are not mended by words, so none may be expected."""
    return compose(question.study, frozenset(question.requests))


def judge(question: Judge) -> Review:
    return panel.review(question.document, question.form, question.stance, question.seed)


def conclude(question: Conclude) -> Verdict:
    return panel.conclude(question.document, question.form, question.reviews)
