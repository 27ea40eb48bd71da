"""Drafts: ideas as a language model puts them, and all that is wrong with them before they cost a trial."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import Final, Literal

from pydantic import Field

from agent.archive import Archive, ArchivedStudy, near, point
from agent.questions import Propose
from agent.researchers.context import references
from agent.researchers.desk import Desk
from agent.researchers.similarity import NEAR_DUPLICATE, similarities
from sandboxes.record import Record
from templates import source, space
from templates.idea import Change, Idea, Lineage, Prediction, SelfScores
from templates.space import BoolKnob, ChoiceKnob, ExpressionKnob, FloatKnob, IntKnob, Knob, Value
from templates.template import Template
from templates.trial import BASELINE

_LONGEST_SLUG: Final = 48


class Turn(Record):
    knob: str
    to: bool | int | float | str


class Draft(Record):
    """An idea as its author puts it."""

    template: str
    title: str = Field(min_length=5, max_length=120)
    hypothesis: str = Field(min_length=10, max_length=500)
    rationale: str = Field(min_length=10, max_length=1_500)
    direction: Literal["higher", "lower"]
    smallest_effect: float = Field(gt=0)
    turns: tuple[Turn, ...] = ()
    plan: str = Field(default="", max_length=4_000)
    builds_on: tuple[str, ...] = ()
    interest: int = Field(ge=1, le=10)
    confidence: float = Field(ge=0, le=1)


class Drafts(Record):
    drafts: tuple[Draft, ...] = Field(min_length=1)


class Reflection(Record):
    critiques: tuple[str, ...]
    """Of each draft, in order."""
    drafts: tuple[Draft, ...] = Field(min_length=1)
    """What is left of them, improved or merged."""


def named(question: Propose, name: str) -> Template:
    return next(each for each in question.templates if each.name == name)


def fault(desk: Desk, question: Propose, drafts: Sequence[Draft]) -> str:
    """Say everything that is wrong with drafts, before any of them costs a trial."""
    drafts = meant(question, drafts)
    known = [each.name for each in question.templates]
    strange = [f"Draft {n}: {each.template!r} is no template; use {', '.join(known)}."
               for n, each in enumerate(drafts, start=1) if each.template not in known]  # fmt: skip
    if strange or len(drafts) > desk.drafts:
        return "\n".join([*strange, *([f"Give {desk.drafts} drafts at most."] if len(drafts) > desk.drafts else [])])
    faults = [
        f"Draft {number}: {wrong}"
        for number, draft in enumerate(drafts, start=1)
        for wrong in draft_faults(desk, question, draft)
    ]
    return "\n".join(faults or twins(question, drafts))


def meant(question: Propose, drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Put drafts as they were meant: a template by its title, settings in the form of their knobs."""
    known = {each.name: each for each in question.templates}
    called = {spelled(name): each.name for each in question.templates for name in (each.title, each.name)}
    put = []
    for draft in drafts:
        name = called.get(spelled(draft.template), draft.template)
        knobs = {knob.name: knob for knob in known[name].knobs} if name in known else {}
        turns = [Turn(knob=knob, to=setting(knobs.get(knob), to)) for knob, to in tuned(draft)]
        parents = [each.strip("`") for each in draft.builds_on if each.lower() not in {BASELINE, "none", name}]
        title = draft.title.strip(' .*"“”')
        put.append(
            draft.model_copy(
                update={"template": name, "turns": tuple(turns), "builds_on": tuple(parents), "title": title}
            )
        )
    return tuple(put)


def spelled(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def tuned(draft: Draft) -> Iterator[tuple[str, Value]]:
    return ((turn.knob.strip("`"), turn.to) for turn in draft.turns)


def setting(knob: Knob | None, to: Value) -> Value:
    """Put a setting in the form of its knob, where it can mean nothing else."""
    text = str(to).strip().strip("`'\"").strip()
    match knob:
        case BoolKnob():
            return {"true": True, "false": False}.get(text.lower(), to)
        case ChoiceKnob():
            return next((each for each in knob.choices if str(each) == text), to)
        case FloatKnob() | IntKnob() if not isinstance(to, bool):
            return number(text, to, whole=isinstance(knob, IntKnob))
        case ExpressionKnob():
            return text.removeprefix("return ").strip()
    return to


def number(text: str, to: Value, *, whole: bool) -> Value:
    try:
        value = float(text)
    except ValueError:
        return to
    return int(value) if whole and value.is_integer() else value


def draft_faults(desk: Desk, question: Propose, draft: Draft) -> Iterator[str]:
    template, archive = named(question, draft.template), question.archive
    yield from change_faults(desk, template, draft)
    if draft.smallest_effect < template.metric.smallest_effect:
        least = template.metric.smallest_effect
        yield f"`smallest_effect` is {draft.smallest_effect:g}; less than {least:g} does not matter."
    slugs = {study.idea.slug for study in archive.studies}
    if unknown := sorted({*draft.builds_on} - slugs):
        yield f"`builds_on` names {', '.join(unknown)}; earlier studies are {', '.join(sorted(slugs)) or 'none'}."
    if unknown := sorted(cited(draft) - {*references(template)}):
        yield f"It cites {', '.join(unknown)}, which the template's references do not have. Cite only those."


def change_faults(desk: Desk, template: Template, draft: Draft) -> Iterator[str]:
    """Say why a change cannot be tried, or teaches nothing; the first reason is enough."""
    knobs, baseline = {knob.name: knob for knob in template.knobs}, source.settings(template)
    turned = [turn.knob for turn in draft.turns]
    if unknown := [name for name in turned if name not in knobs]:
        yield f"There is no knob {', '.join(unknown)}; the knobs are {', '.join(knobs)}."
    elif len({*turned}) < len(turned):
        yield "It turns a knob twice."
    elif wrong := [w for turn in draft.turns if (w := space.fault(knobs[turn.knob], turn.to)) is not None]:
        yield f"A knob cannot be turned so: {'; '.join(wrong)}."
    elif idle := [t.knob for t in draft.turns if space.difference(knobs[t.knob], t.to, baseline[t.knob]) == 0]:
        yield f"`{idle[0]}` is {baseline[idle[0]]!r} in the baseline already. Leave it out, or turn it."
    elif draft.plan.strip() and desk.knobs_only:
        yield "It plans a change of code, and only knobs can be turned here. Leave `plan` empty."
    elif not draft.plan.strip() and not draft.turns:
        yield "It changes nothing: turn a knob" + ("." if desk.knobs_only else ", or plan a change of the code.")


def twins(question: Propose, drafts: Sequence[Draft]) -> list[str]:
    """Name the drafts that ask again what an earlier study asked, or another draft."""
    found: list[str] = []
    for number, draft in enumerate(drafts, start=1):
        template = named(question, draft.template)
        if not draft.plan.strip():
            found += point_twins(template, question.archive, draft, number)
        elif earlier := twin(draft, question.archive.of(draft.template)):
            found.append(
                f"Draft {number}: study `{earlier.idea.slug}` asked nearly the same: {earlier.idea.title}. "
                f"Propose something else, not other words."
            )
    for (one, a), (other, b) in combinations(enumerate(drafts, start=1), 2):
        if alike(question, a, b):
            found.append(f"Drafts {one} and {other} are nearly the same. Keep one, and make the other something else.")
    return found


def point_twins(template: Template, archive: Archive, draft: Draft, number: int) -> Iterator[str]:
    if near(template, point(template, settings(draft)), point(template, {})):
        yield f"Draft {number}: its point is next to the baseline. Turn the knob further."
    elif earlier := archive.earlier(template, settings(draft)):
        slug = earlier.idea.slug
        yield f"Draft {number}: study `{slug}` tried that point, or one next to it. Propose another one."


def twin(draft: Draft, studies: Sequence[ArchivedStudy]) -> ArchivedStudy | None:
    """Find the study that a draft says again; two turns of knobs are as near as their points, whatever the words."""
    likeness = similarities(words(draft), [words(study.idea) for study in studies])
    return next((study for study, like in zip(studies, likeness, strict=True) if like > NEAR_DUPLICATE), None)


def alike(question: Propose, one: Draft, other: Draft) -> bool:
    if one.template != other.template:
        return False
    if one.plan.strip() or other.plan.strip():
        return similarities(words(one), [words(other)])[0] > NEAR_DUPLICATE
    template = named(question, one.template)
    return near(template, point(template, settings(one)), point(template, settings(other)))


def words(idea: Draft | Idea) -> str:
    return f"{idea.title} {idea.hypothesis} {idea.plan}"


def settings(draft: Draft) -> dict[str, Value]:
    return {turn.knob: turn.to for turn in draft.turns}


def cited(draft: Draft) -> set[str]:
    marks = re.findall(r"\[@[^\]]*\]", f"{draft.title} {draft.hypothesis} {draft.rationale} {draft.plan}")
    return {key for mark in marks for key in re.findall(r"@([^\s;,\]]+)", mark)}


def idea_of(question: Propose, draft: Draft, taken: Collection[str]) -> Idea:
    template = named(question, draft.template)
    baseline = source.settings(template)
    return Idea(
        slug=slug(draft.title, taken),
        template=draft.template,
        title=draft.title,
        hypothesis=draft.hypothesis,
        rationale=draft.rationale,
        prediction=Prediction(
            metric=template.metric.name, direction=draft.direction, smallest_effect=draft.smallest_effect
        ),
        changes=tuple(Change(knob=turn.knob, before=baseline[turn.knob], after=turn.to) for turn in draft.turns),
        lineage=Lineage(operator="language-model", parents=tuple(dict.fromkeys(draft.builds_on)) or (BASELINE,)),
        plan=draft.plan.strip(),
        scores=SelfScores(
            interest=draft.interest,
            confidence=draft.confidence,
            adjusted=question.archive.adjusted(draft.confidence),
        ),
    )


def slug(title: str, taken: Collection[str]) -> str:
    """Make a name for a folder from the first words of a title, one that is not `taken`."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "idea"
    stem = (
        stem if len(stem) <= _LONGEST_SLUG else stem[: _LONGEST_SLUG + 1].rsplit("-", 1)[0][:_LONGEST_SLUG].strip("-")
    )
    used = {*taken, BASELINE}
    return next(name for n in range(1, len(used) + 2) if (name := stem if n == 1 else f"{stem}-{n}") not in used)
