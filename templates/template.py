"""A template: a folder that says what can be studied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sandboxes.job import Limits
from sandboxes.record import Record
from templates import declaration
from templates.declaration import BIBLIOGRAPHY, IDEAS, README, TEMPLATE, Fault
from templates.folder import digest
from templates.space import BoolKnob, ChoiceKnob, ExpressionKnob, FloatKnob, IntKnob, Knob, Value

BASELINE_FILE = "baseline.jsonl"
"""Trials of the unchanged template; they name its digest, so they are no part of it."""


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
    better: Literal["higher", "lower"] | None = None
    """None for what is neither good nor bad, such as a property of the task."""
    timing: bool = False
    """Differs from run to run, as a throughput does; not compared when a seed is run twice."""


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


class Turn(NamedTuple):
    """A knob and the value it is turned to."""

    knob: str
    after: Value


class SeedIdea(Record):
    """An idea that the template's author suggests for a start."""

    key: str
    title: str
    hypothesis: str
    rationale: str
    """May cite entries of the bibliography as `[@key]`."""
    changes: tuple[Turn, ...]


class SeedIdeas(Record):
    """What `ideas.toml` holds."""

    ideas: tuple[SeedIdea, ...] = Field(min_length=1)


class TemplateError(ValueError):
    """A template that cannot be used; the message lists every fault as `file: key: what: remedy`."""


def load(folder: Path) -> Template:
    """Read the template in `folder`; none of its code is run.

    Raises `TemplateError` with every fault of every file.
    """
    folder = folder.resolve()
    raw, unread = declaration.read(folder / TEMPLATE)
    found = unread or tuple(_faults(folder, raw))
    if found:
        faults = "\n".join(dict.fromkeys(map(str, found)))
        raise TemplateError(f"The template in {folder} cannot be used:\n{faults}")
    return Template(**raw, folder=folder, digest=template_digest(folder))


def template_digest(folder: Path) -> str:
    """Hash everything that a trial of the template depends on."""
    return digest(folder, without=frozenset({BASELINE_FILE}))


def background(template: Template) -> str:
    """Read the template's README, Markdown."""
    return (template.folder / README).read_text()


def bibliography(template: Template) -> str:
    """Read the template's references, BibTeX."""
    return (template.folder / BIBLIOGRAPHY).read_text()


def seed_ideas(template: Template) -> tuple[SeedIdea, ...]:
    """Read the template's own ideas, in their order."""
    raw, _ = declaration.read(template.folder / IDEAS)
    return SeedIdeas.model_validate(raw).ideas


def _faults(folder: Path, raw: dict[str, Any]) -> Iterator[Fault]:
    for key in raw.keys() & {"folder", "digest"}:
        yield Fault(TEMPLATE, key, "is set by Ratchet when it reads the folder", "remove it")
    yield from _shape(TEMPLATE, Template, {**raw, "folder": folder, "digest": ""})
    yield from declaration.files(folder, raw)
    yield from declaration.code(folder, raw)
    yield from _names(raw)
    yield from _seeds(folder, raw)


def _shape(file: str, record: type[Record], raw: dict[str, Any]) -> Iterator[Fault]:
    try:
        TypeAdapter(record).validate_python(raw)
    except ValidationError as error:
        yield from (declaration.shape_fault(file, each, _KEYS) for each in error.errors())


def _names(raw: dict[str, Any]) -> Iterator[Fault]:
    """Check that each measurement has a name of its own."""
    secondary = raw.get("secondary")
    tables = [raw.get("metric"), *(secondary if isinstance(secondary, list) else ())]
    names = [table.get("name") for table in tables if isinstance(table, dict)]
    for name in sorted({str(name) for name in names if name is not None and names.count(name) > 1}):
        yield Fault(TEMPLATE, "secondary", f"has {name!r} more than once, or as the metric too", "rename one")


def _seeds(folder: Path, raw: dict[str, Any]) -> Iterator[Fault]:
    """Check the seed ideas and the references they cite."""
    path = folder / BIBLIOGRAPHY
    references = declaration.references(path.read_text(errors="replace")) if path.is_file() else ()
    if path.is_file() and not references:
        yield Fault(BIBLIOGRAPHY, "", "has no entries", "add the seed paper, as BibTeX")
    ideas, unread = declaration.read(folder / IDEAS)
    yield from unread
    if not unread:
        yield from _shape(IDEAS, SeedIdeas, ideas)
        knobs = {knob.name: knob for _, knob in declaration.fitting_knobs(raw)}
        yield from declaration.ideas(ideas, knobs, references)


_RECORDS: tuple[type[BaseModel], ...] = (
    Template,
    Metric,
    SecondaryMeasurement,
    Seeds,
    Scale,
    Limits,
    SeedIdea,
    SeedIdeas,
)
_KNOBS: tuple[type[BaseModel], ...] = (FloatKnob, IntKnob, ChoiceKnob, BoolKnob, ExpressionKnob)
_KEYS = {field for record in (*_RECORDS, *_KNOBS) for field in record.model_fields} | {*Turn._fields}
