"""An idea: a hypothesis about a template's metric, with a prediction stated before any trial."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sandboxes.record import Record
from templates.space import Value


class Change(Record):
    """One knob turned."""

    knob: str
    before: Value
    after: Value


class Prediction(Record):
    """What the idea expects of the metric, written down before any trial."""

    metric: str
    direction: Literal["higher", "lower"]
    smallest_effect: float = Field(gt=0)
    """Smallest mean difference, in the metric's unit, that would matter."""


class Lineage(Record):
    """Where an idea came from."""

    operator: Literal["seed", "mutation", "crossover", "language-model"]
    parents: tuple[str, ...] = ()
    """Slugs of earlier studies, or `baseline`."""


class SelfScores(Record):
    """What the idea's author thought of it before any trial."""

    interest: int = Field(ge=1, le=10)
    confidence: float = Field(ge=0, le=1)
    """Chance that the prediction is confirmed, as the author stated it."""
    adjusted: float = Field(ge=0, le=1)
    """The same, held against how often earlier ideas of the campaign were confirmed."""


class Idea(Record):
    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    template: str
    """Name of the template that it is about."""
    title: str
    hypothesis: str
    """One sentence that a trial can contradict."""
    rationale: str
    """Why it might hold, in a few sentences; may cite records as `[@key]`."""
    prediction: Prediction
    changes: tuple[Change, ...]
    """Against the template's baseline; empty when the code change is not a turn of knobs."""
    lineage: Lineage
    plan: str = ""
    """How the code should change, where turning knobs does not say it."""
    scores: SelfScores | None = None
