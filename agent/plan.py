"""A plan: what a campaign is about to do, as far as its brief says, before anything of it is done."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from agent.campaign import Brief
from agent.llm import Role, Usage
from agent.researchers.conversation import TRIES
from papers.evidence import Stage
from sandboxes.record import Record
from templates.template import Template

TYPICAL = Path(__file__).with_name("typical.toml")
DEMONSTRATION, REPEAT = 300, 100
"""Tokens that the safeguard adds to an answer, and that it has repeated of it."""
JOBS = 2
"""Of a trial: the experiment and its scorer, each within the limits."""
Per = Literal["study", "repair", "fix", "revision", "draft"]


class PlannedTrials(Record):
    """Trials of one stage of one study, at most."""

    template: str
    stage: str
    scale: str
    trials: int
    most_seconds: float
    """Wall time when each uses all of its limits, with as many at a time as the brief says."""


class PlannedCalls(Record):
    """Requests of one kind in a whole campaign."""

    purpose: str
    role: Role
    llm: str
    """The first choice."""
    calls: float
    """Expected."""
    most_calls: int
    """As many as the brief allows, each answer shown back as often as can be."""
    usage: Usage
    """Expected, of all calls together."""
    most_usage: Usage


class Plan(Record):
    studies: int
    workers: int
    trials: tuple[PlannedTrials, ...]
    """Of one study; a study takes one of the templates."""
    calls: tuple[PlannedCalls, ...]
    """Of all studies; empty for the embedded researcher."""

    @property
    def most_seconds(self) -> float:
        """Wall time of all trials, at most."""
        names = {each.template for each in self.trials}
        longest = max(sum(each.most_seconds for each in self.trials if each.template == name) for name in names)
        return self.studies * longest


class TypicalQuestion(Record):
    """What one kind of request takes."""

    purpose: str
    role: Role
    per: Per
    calls: float
    most_calls: int
    input: int
    output: int
    most_output: int


class Typical(Record):
    """What `typical.toml` holds."""

    as_of: str
    origin: str
    again: float = Field(ge=0)
    """Share of the calls in which an answer that does not fit is shown back."""
    wider: int = Field(ge=1)
    """How many times as long a prompt may be: a longer template, archive, paper or conversation."""
    questions: tuple[TypicalQuestion, ...]


@cache
def typical() -> Typical:
    return Typical.model_validate(tomllib.loads(TYPICAL.read_text()))


def plan(brief: Brief, templates: Mapping[str, Template]) -> Plan:
    """Plan the campaign of a brief; raises `KeyError` when a template lacks the brief's scale."""
    return Plan(
        studies=brief.studies,
        workers=brief.workers,
        trials=tuple(each for template in templates.values() for each in planned_trials(brief, template)),
        calls=guarded(brief, tuple(planned_calls(brief))),
    )


def planned_trials(brief: Brief, template: Template) -> Iterator[PlannedTrials]:
    """Count a study's trials: two arms on the same seeds; the full stage takes in the pilot's."""
    seeds = template.scales[brief.scale].seeds
    counts = {
        Stage.pilot: 2 * seeds.pilot,
        Stage.full: 2 * max(0, seeds.full - seeds.pilot),
        Stage.confirm: 2 * seeds.confirm,
        Stage.ablation: len(template.knobs) * seeds.full,
    }
    yield trials(brief, template, "rehearse", "smoke", 1 + brief.repairs)
    yield from (trials(brief, template, stage, brief.scale, count) for stage, count in counts.items())


def trials(brief: Brief, template: Template, stage: str, scale: str, count: int) -> PlannedTrials:
    limits = next(each.limits for name, each in template.scales.items() if name == scale)
    rounds = count if stage == "rehearse" else math.ceil(count / brief.workers)
    seconds = rounds * JOBS * limits.wall_seconds
    return PlannedTrials(template=template.name, stage=stage, scale=scale, trials=count, most_seconds=seconds)


def planned_calls(brief: Brief) -> Iterator[PlannedCalls]:
    """Multiply what a question typically takes by how often the brief lets it be asked."""
    known = typical()
    often: dict[Per, int] = {
        "study": 1,
        "repair": brief.repairs,
        "fix": brief.fixes,
        "revision": brief.revisions,
        "draft": 1 + brief.revisions,
    }
    for each in known.questions:
        llms, times = brief.llms.get(each.role, ()), brief.studies * often[each.per]
        if not llms or not times:
            continue
        calls = times * each.calls * (1 + known.again)
        most = times * each.most_calls * TRIES
        yield PlannedCalls(
            purpose=each.purpose,
            role=each.role,
            llm=llms[0],
            calls=calls,
            most_calls=most,
            usage=Usage(input_tokens=round(calls * each.input), output_tokens=round(calls * each.output)),
            most_usage=Usage(input_tokens=most * known.wider * each.input, output_tokens=most * each.most_output),
        )


def guarded(brief: Brief, asked: tuple[PlannedCalls, ...]) -> tuple[PlannedCalls, ...]:
    """Add, for each role, the repeats that the safeguard asks for: it sends each answer back."""
    if brief.guard is None:
        return asked
    roles = tuple(dict.fromkeys(each.role for each in asked))
    return (*asked, *(repeats(brief, [each for each in asked if each.role == role]) for role in roles))


def repeats(brief: Brief, asked: Sequence[PlannedCalls]) -> PlannedCalls:
    calls, most = sum(each.calls for each in asked) * brief.guard_share, sum(each.most_calls for each in asked)
    answers = sum(each.usage.output_tokens for each in asked) * brief.guard_share
    most_answers = sum(each.most_usage.output_tokens for each in asked)
    return asked[0].model_copy(
        update={
            "purpose": "guard",
            "calls": calls,
            "most_calls": most,
            "usage": Usage(input_tokens=round(answers + calls * DEMONSTRATION), output_tokens=round(calls * REPEAT)),
            "most_usage": Usage(input_tokens=most_answers + most * DEMONSTRATION, output_tokens=most * REPEAT),
        }
    )
