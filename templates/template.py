"""A template: a folder that says what can be studied."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sandboxes.job import Limits
from sandboxes.record import Record
from templates.space import Knob, Value


class Metric(Record):
    name: str
    """Key in `measurements.jsonl`."""
    title: str
    """How a paper calls it, e.g. `residual message entropy`."""
    symbol: str
    """In TeX mathematics, e.g. `H(X \\mid Y)`."""
    unit: str
    better: Literal["higher", "lower"]
    smallest_effect: float = Field(gt=0)
    """Smallest mean paired difference worth reporting, in `unit`."""


class SecondaryMeasurement(Record):
    name: str
    title: str
    unit: str


class Seeds(Record):
    """How many paired seeds each stage of a study uses."""

    pilot: int = Field(ge=2)
    full: int = Field(ge=3)
    confirm: int = Field(ge=3)


class Scale(Record):
    """One size of the same experiment."""

    description: str
    settings: dict[str, Value] = {}
    """Fields of the method's `Config` that this scale sets; never a knob."""
    limits: Limits
    seeds: Seeds


class Template(Record):
    """What `template.toml` declares, with the folder it was read from."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    question: str
    """What a study of this template asks, in one sentence."""
    folder: Path
    editable: tuple[str, ...] = Field(min_length=1)
    """The only files that a researcher may change."""
    entry: str = "experiment.py"
    score: str = "harness.py"
    plot: str = "plot.py"
    metric: Metric
    secondary: tuple[SecondaryMeasurement, ...] = ()
    scales: dict[Literal["smoke", "cpu", "gpu", "paper"], Scale]
    knobs: tuple[Knob, ...]
    extra: str = ""
    """The optional dependency group of Ratchet that the experiment needs."""
    digest: str
    """SHA-256 over names and contents of the template's files, `baseline.jsonl` left out."""


class TemplateError(ValueError):
    """A template that cannot be used; the message lists every fault as `file: key: what: remedy`."""
