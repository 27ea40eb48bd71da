"""Plotting: a template's `plot.py` draws what was measured, in a sandbox."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field, TypeAdapter, ValidationError

from sandboxes.job import OUT, Ending, Job, Limits, Mount, Outcome, Runtime, Sandbox
from sandboxes.record import Record, write_atomically
from templates import logs
from templates.template import Template
from templates.trial import BASELINE, Trial, TrialEnding

_LIMITS: Final = Limits(
    wall_seconds=120,
    cpu_seconds=120,
    memory_bytes=2**31,
    work_bytes=2**26,
    output_bytes=2**20,
    processes=64,
)
_LARGEST: Final = 10_000_000
_ENVIRONMENT: Final = {"MPLCONFIGDIR": "/job/matplotlib", "MPLBACKEND": "pdf", "SOURCE_DATE_EPOCH": "0"}


class Caption(Record):
    """An entry of `figures.json`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    caption: str = Field(min_length=1, max_length=2000)


class DrawnFigure(Record):
    """A figure and the data behind it, as files."""

    name: str
    caption: str
    pdf: Path
    csv: Path
    pdf_sha256: str
    csv_sha256: str


class PlottingError(RuntimeError):
    """A plot that was not drawn; the message says what the plot's job said."""


def draw(
    sandbox: Sandbox, template: Template, variant: str, trials: Sequence[tuple[str, Trial]], folder: Path
) -> tuple[DrawnFigure, ...]:
    """Draw the figures of `variant` from its stages' finished trials, the baseline's among them, into `folder`.

    Raises `PlottingError` when nothing was measured, when the plot fails, or when a figure lacks its PDF or its data.
    """
    measured = [(stage, trial) for stage, trial in trials if trial.ending is TrialEnding.finished]
    if not measured:
        raise PlottingError(f"None of the {len(trials)} trials of {variant} finished: there is nothing to draw.")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "trials.json", _task(template, variant, measured))
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        outcome = sandbox.run(_job(template, folder / "trials.json", scratch))
        _check(outcome, scratch)
        captions = _captions(scratch / "out" / "figures.json")
        return tuple(_kept(caption, scratch / "out", folder) for caption in captions)


def _task(template: Template, variant: str, trials: Sequence[tuple[str, Trial]]) -> str:
    kept = {"variant", "seed", "scale", "measurements"}
    task = {
        "metric": template.metric.model_dump(),
        "template": template.name,
        "variant": variant,
        "reference": BASELINE,
        "trials": [{"stage": stage, **trial.model_dump(include=kept)} for stage, trial in trials],
    }
    return json.dumps(task, indent=2) + "\n"


def _job(template: Template, data: Path, scratch: Path) -> Job:
    return Job(
        argv=("python", f"/harness/{template.plot}", "--data", "/task/trials.json", "--out", OUT),
        runtime=Runtime.python,
        limits=_LIMITS,
        mounts=(
            Mount(source=template.folder, target="/harness"),
            Mount(source=data.resolve(), target="/task/trials.json"),
        ),
        outputs=scratch / "out",
        logs=scratch / "logs",
        environment=_ENVIRONMENT,
    )


def _check(outcome: Outcome, scratch: Path) -> None:
    if outcome.ending is not Ending.finished:
        code = "" if outcome.exit_code is None else f" with exit code {outcome.exit_code}"
        last = logs.tail(scratch / "logs")
        raise PlottingError(f"The plot ended as {outcome.ending.replace('_', ' ')}{code}.\n{last}".strip())
    if outcome.refused:
        raise PlottingError("The plot left results that are no plain files:\n" + "\n".join(outcome.refused))


def _captions(path: Path) -> tuple[Caption, ...]:
    try:
        captions = TypeAdapter(tuple[Caption, ...]).validate_json(_content(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise PlottingError(f"figures.json is no list of names and captions: {where}: {first['msg']}.") from error
    names = [caption.name for caption in captions]
    if not names or len({*names}) < len(names):
        raise PlottingError(f"figures.json names {names}: let it name each figure once, and one at least.")
    return captions


def _kept(caption: Caption, drawn: Path, folder: Path) -> DrawnFigure:
    pdf, csv = _content(drawn / f"{caption.name}.pdf"), _content(drawn / f"{caption.name}.csv")
    if not pdf.startswith(b"%PDF-"):
        raise PlottingError(f"{caption.name}.pdf is not a PDF: save the figure with the PDF backend.")
    for suffix, content in (("pdf", pdf), ("csv", csv)):
        write_atomically(folder / f"{caption.name}.{suffix}", content)
    return DrawnFigure(
        **caption.model_dump(),
        pdf=folder / f"{caption.name}.pdf",
        csv=folder / f"{caption.name}.csv",
        pdf_sha256=hashlib.sha256(pdf).hexdigest(),
        csv_sha256=hashlib.sha256(csv).hexdigest(),
    )


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise PlottingError(f"The plot left no {path.name}: every figure has a PDF, a CSV and a line in figures.json.")
    if not 0 < path.stat().st_size <= _LARGEST:
        raise PlottingError(f"{path.name} has {path.stat().st_size:,} bytes; it should have 1 to {_LARGEST:,}.")
    return path.read_bytes()
