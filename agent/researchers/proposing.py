"""Proposing: several drafts of an idea, one reflection over them, and the choice of the one worth a study.

All drafts come from one request: the description of the templates is paid for once, and an author that sees its own
earlier drafts repeats itself less than one that is asked the same thing several times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from agent.archive import Archive, ArchivedStudy
from agent.llm import Message, MisfitError, RefusedError, Request
from agent.prompting import render
from agent.questions import Propose
from agent.researchers import surveying
from agent.researchers.context import context
from agent.researchers.conversation import fill
from agent.researchers.desk import Desk
from agent.researchers.drafts import Draft, Drafts, Reflection, fault, idea_of, meant, named
from agent.researchers.evolution import ExhaustedError
from papers.evidence import Comparison
from templates.idea import Idea
from templates.template import SeedIdea, Template, seed_ideas

ROUNDS: Final = 3
"""Times that new drafts are asked for when the literature has the answer to every one."""
MOST_STUDIES: Final = 20
"""Earlier studies that are shown, the latest and the best."""
MAX_TOKENS: Final = 12_000


class Answered(NamedTuple):
    """An idea that the literature has the answer to."""

    title: str
    why: str


def propose(desk: Desk, question: Propose) -> Idea:
    """Give the best draft whose answer is not published yet.

    Raises `ExhaustedError` when every draft of `ROUNDS` rounds is known, and `LLMError` when no drafts come in form.
    """
    answered: list[Answered] = []
    for _ in range(ROUNDS):
        for idea in ranked(question, drafted(desk, question, answered)):
            why = known(desk, question, idea)
            if not why:
                return idea
            answered.append(Answered(idea.title, why))
    raise ExhaustedError(
        f"{desk.llm.name} proposed {len(answered)} ideas, and the literature answers each of them. The last one: "
        f"{answered[-1].why} Choose another language model for ideas, or another template."
    )


def known(desk: Desk, question: Propose, idea: Idea) -> str:
    """Say which record has the idea's answer; where no judgement comes, the study's own survey will say so."""
    try:
        return surveying.look(desk, idea, named(question, idea.template)).known
    except (MisfitError, RefusedError):
        return ""


def drafted(desk: Desk, question: Propose, answered: Sequence[Answered]) -> tuple[Draft, ...]:
    """Have drafts written, and then reflected on; a reflection that never fits leaves them as they are."""
    request = Request(
        purpose="propose",
        system=render("system"),
        context=context(question.templates, desk.scale),
        messages=(Message(speaker="user", text=prompt(desk, question, answered)),),
        max_tokens=MAX_TOKENS,
    )
    first = meant(question, fill(desk.llm, request, Drafts, lambda filled: fault(desk, question, filled.drafts)).drafts)
    said = Message(speaker="assistant", text=Drafts(drafts=first).model_dump_json())
    more = Message(speaker="user", text=render("reflect", most=desk.drafts))
    asked = request.model_copy(update={"purpose": "reflect", "messages": (*request.messages, said, more)})
    try:
        kept = fill(desk.llm, asked, Reflection, lambda filled: fault(desk, question, filled.drafts)).drafts
    except (MisfitError, RefusedError):
        return first
    return meant(question, kept)


def prompt(desk: Desk, question: Propose, answered: Sequence[Answered]) -> str:
    archive = question.archive
    return render(
        "propose",
        drafts=desk.drafts,
        knobs_only=desk.knobs_only,
        templates=[each.name for each in question.templates],
        baselines=[each for template in question.templates for each in baseline(template, archive.of(template.name))],
        studies=[told(each, question) for each in relevant(question)],
        seeds=[suggested(each) for template in question.templates for each in untried(template, archive)],
        asked=[f"{each.idea.slug}: {text[:300]}" for each in relevant(question) for text in each.asked],
        inert=sorted(knob for each in question.templates for knob in archive.inert(each.name)),
        answered=answered,
    )


def baseline(template: Template, studies: Sequence[ArchivedStudy]) -> Iterator[str]:
    """Say what the unchanged template measured, on the seeds of the widest comparison."""
    compared = [each.comparison for each in studies if each.comparison is not None]
    if compared:
        values = max(compared, key=lambda each: len(each.seeds)).reference_values
        yield (
            f"The unchanged `{template.name}` measured {fmean(values):.4g} in the mean over {len(values)} seeds, from "
            f"{min(values):.4g} to {max(values):.4g}; in {template.metric.unit or 'no unit'}."
        )


def untried(template: Template, archive: Archive) -> Iterator[SeedIdea]:
    """Give what the template's author suggests and no study has tried."""
    for each in seed_ideas(template):
        if archive.earlier(template, {turn.knob: turn.after for turn in each.changes}) is None:
            yield each


def suggested(seed: SeedIdea) -> str:
    turns = "; ".join(f"`{turn.knob}` to `{turn.after}`" for turn in seed.changes)
    return f"{seed.title} ({turns}): {seed.hypothesis}"


def relevant(question: Propose) -> tuple[ArchivedStudy, ...]:
    """Choose the earlier studies to show: the best and the latest ones of these templates."""
    names = [each.name for each in question.templates]
    studies = [study for study in question.archive.studies if study.template in names]
    best = {study.number for name in names for study in question.archive.elites(name)[:3]}
    latest = {study.number for study in studies[-MOST_STUDIES + len(best) :]}
    return tuple(study for study in studies if study.number in best | latest)


def told(study: ArchivedStudy, question: Propose) -> str:
    """Put an earlier study into one line: what was changed, what was predicted, what came of it."""
    unit = named(question, study.template).metric.unit
    turns = [f"`{each.knob}` to `{each.after}`" for each in study.idea.changes]
    code = [f"code: {' '.join(study.idea.plan.split())[:200]}"] if study.idea.plan else []
    why = f" {study.reason}" if study.comparison is None else ""
    return (
        f"`{study.idea.slug}` ({study.template}): {study.idea.title}. Changed {'; '.join([*turns, *code])}. "
        f"Predicted {study.idea.prediction.direction}; {study.conclusion}{effect(study.comparison, unit)}.{why}"
    )


def effect(comparison: Comparison | None, unit: str) -> str:
    if comparison is None:
        return ", never measured"
    low, high = comparison.low, comparison.high
    seeds = len(comparison.seeds)
    return f", {comparison.difference:+.3g} {unit} [{low:+.3g}, {high:+.3g}] ({comparison.stage}, {seeds} seeds)"


def ranked(question: Propose, drafts: Sequence[Draft]) -> list[Idea]:
    """Order drafts by what their outcome would teach times their interest, then by how seldom their kind was tried."""
    taken = {study.idea.slug for study in question.archive.studies}
    ideas = []
    for draft in drafts:
        ideas.append(idea_of(question, draft, taken))
        taken.add(ideas[-1].slug)
    return sorted(ideas, key=lambda idea: (-worth(idea), question.archive.crowd(idea)))


def worth(idea: Idea) -> float:
    """Give p(1 - p) for the chance p that the prediction is confirmed, times the interest in it."""
    if idea.scores is None:
        return 0.0
    p = idea.scores.adjusted
    return round(p * (1 - p) * idea.scores.interest, 9)
