"""A trial: one run of one variant with one seed at one scale, then its score in a second job."""

from __future__ import annotations

from enum import StrEnum

from sandboxes.job import Level
from sandboxes.record import Record

BASELINE = "baseline"
"""The variant that is the unchanged template."""


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
    """SHA-256 over the editable files as they ran."""
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
