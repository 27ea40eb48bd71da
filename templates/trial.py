"""A trial: one run of one variant with one seed at one scale, then its score in a second job."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from sandboxes.job import OUT, Ending, Job, Level, Mount, Outcome, Runtime, Sandbox
from sandboxes.record import DamagedRecordError, Record, write_atomically
from templates import folder as folders
from templates import logs, score, source
from templates.template import Scale, Template, TemplateError, template_digest

BASELINE = "baseline"
"""The variant that is the unchanged template."""

_TAMPERED: Final = 3
"""A scorer's exit code for artefacts that no honest run makes."""
_SETTINGS: Final = "/task/settings.json"
_MEASURED_OUTSIDE: Final = {"wall_seconds", "cpu_seconds", "peak_memory_bytes", "level", "backend"}


class TrialEnding(StrEnum):
    """How a trial ended: as its experiment did, or for what its score said."""

    finished = "finished"
    crashed = "crashed"
    timed_out = "timed_out"
    out_of_memory = "out_of_memory"
    too_much_output = "too_much_output"
    killed = "killed"
    tampered = "tampered"
    """The scorer found artefacts that no honest run makes."""
    not_scored = "not_scored"
    """The scorer failed, or gave no finite number under the metric's name."""


class Trial(Record):
    """The record in `trial.json`; its existence means the trial is over."""

    template: str
    template_digest: str
    variant: str
    code_digest: str
    """SHA-256 over the code folder as it ran."""
    scale: str
    seed: int
    ending: TrialEnding
    message: str = ""
    """For an ending that is not `finished`: what happened, with the last lines of the error."""
    measurements: dict[str, float] = {}
    """Metric and secondary measurements by name; empty unless finished."""
    wall_seconds: float
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    level: Level
    backend: str


class _Ended(NamedTuple):
    ending: TrialEnding
    message: str = ""
    measurements: dict[str, float] = {}


def run(  # noqa: PLR0913, PLR0917 (a trial is this many things)
    sandbox: Sandbox, template: Template, code: Path, variant: str, seed: int, scale: str, folder: Path
) -> Trial:
    """Run the experiment in `code`, score it in a second sandbox, and keep everything in `folder`.

    A trial that is over is returned as it was recorded; what a crash left half done is set aside as
    `<folder>.abandoned-<n>` and run anew. Raises what `sandbox.run` raises, and `ValueError` for a scale that the
    template does not have.
    """
    code, folder = code.resolve(), folder.resolve()
    size = scale_of(template, scale)
    asked = _identity(template, code, variant, seed, scale)
    recorded = _recorded(folder / "trial.json")
    if recorded is not None and recorded.model_dump(include={*asked}) == asked:
        return recorded
    if folder.exists():
        folders.set_aside(folder, "abandoned")
    folder.mkdir(parents=True)
    task = {"seed": seed, "scale": scale, "settings": size.settings}
    write_atomically(folder / "settings.json", json.dumps(task, indent=2) + "\n")
    outcome = _experiment(sandbox, template, code, size, folder)
    ended = _score(sandbox, template, size, folder) if _scorable(outcome) else _unscored(outcome, folder)
    trial = Trial(**asked, **ended._asdict(), **outcome.model_dump(include=_MEASURED_OUTSIDE))
    trial.save(folder / "trial.json")
    return trial


def _identity(template: Template, code: Path, variant: str, seed: int, scale: str) -> dict[str, Any]:
    """Name what makes this trial this one.

    Raises `TemplateError` when the folder is no longer what was loaded: its scorer is not the one that is recorded.
    """
    if (now := template_digest(template.folder)) != template.digest:
        raise TemplateError(
            f"The template {template.name} in {template.folder} changed after it was loaded, from digest "
            f"{template.digest[:12]} to {now[:12]}: run again, so that every trial is judged by the same scorer."
        )
    return {
        "template": template.name,
        "template_digest": template.digest,
        "variant": variant,
        "code_digest": source.digest(code),
        "scale": scale,
        "seed": seed,
    }


def scale_of(template: Template, name: str) -> Scale:
    """Give a scale by its name; raises `ValueError` with the known ones."""
    scales = {str(known): scale for known, scale in template.scales.items()}
    if name not in scales:
        raise ValueError(f"The template {template.name} has no scale {name!r}: use one of {', '.join(scales)}.")
    return scales[name]


def _recorded(path: Path) -> Trial | None:
    """Read what says that a trial is over; a record of another form is none."""
    try:
        return Trial.load(path)
    except (FileNotFoundError, DamagedRecordError):
        return None


def _experiment(sandbox: Sandbox, template: Template, code: Path, size: Scale, folder: Path) -> Outcome:
    job = Job(
        argv=("python", f"/code/{template.entry}", "--settings", _SETTINGS, "--out", OUT),
        runtime=Runtime.python,
        limits=size.limits,
        mounts=(Mount(source=code, target="/code"), Mount(source=folder / "settings.json", target=_SETTINGS)),
        outputs=folder / "out",
        logs=folder,
    )
    job.save(folder / "job.json")
    return sandbox.run(job)


def _scorable(outcome: Outcome) -> bool:
    return outcome.ending is Ending.finished and not outcome.refused


def _unscored(outcome: Outcome, folder: Path) -> _Ended:
    """Say how an experiment ended that is not scored, part of its results being no results."""
    if outcome.ending is Ending.finished:
        left = "\n".join(outcome.refused)
        return _Ended(TrialEnding.not_scored, f"The experiment left results that are no plain files:\n{left}")
    return _Ended(TrialEnding(outcome.ending), _account("The experiment", outcome, folder))


def _score(sandbox: Sandbox, template: Template, size: Scale, folder: Path) -> _Ended:
    scoring = folder / "score"
    outcome = sandbox.run(
        Job(
            argv=(
                *("python", f"/harness/{template.score}", "--settings", _SETTINGS),
                *("--artefacts", "/artefacts", "--out", OUT),
            ),
            runtime=Runtime.python,
            limits=size.limits,
            mounts=(
                Mount(source=template.folder, target="/harness"),
                Mount(source=folder / "settings.json", target=_SETTINGS),
                Mount(source=folder / "out", target="/artefacts"),
            ),
            outputs=scoring / "out",
            logs=scoring,
        )
    )
    if outcome.ending is not Ending.finished:
        tampered = outcome.ending is Ending.crashed and outcome.exit_code == _TAMPERED
        ending = TrialEnding.tampered if tampered else TrialEnding.not_scored
        return _Ended(ending, _account("The scorer", outcome, scoring))
    return _measured(template, scoring / "out" / "measurements.jsonl", folder)


def _measured(template: Template, path: Path, folder: Path) -> _Ended:
    try:
        measurements = score.read(path, template)
    except score.ScoreError as error:
        return _Ended(TrialEnding.not_scored, str(error))
    write_atomically(folder / "measurements.jsonl", path.read_bytes())
    return _Ended(TrialEnding.finished, measurements=measurements)


def _account(who: str, outcome: Outcome, folder: Path) -> str:
    """Say what ended a job, with the last lines it printed."""
    code = "" if outcome.exit_code is None else f" with exit code {outcome.exit_code}"
    ending = outcome.ending.replace("_", " ")
    return f"{who} ended as {ending}{code} after {outcome.wall_seconds:.1f} s.\n{logs.tail(folder)}".strip()
