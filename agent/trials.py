"""Trials, each run once and remembered."""

from __future__ import annotations

from concurrent.futures import as_completed, wait
from pathlib import Path

from agent.campaign import StudyFolder
from agent.entry import Event
from agent.questions import CodeChange
from agent.state import Step, Tools
from sandboxes.record import Record
from templates import source, trial
from templates.template import Template
from templates.trial import BASELINE, Trial


class Planned(Record):
    """A trial to run, or to find."""

    variant: str
    seed: int
    scale: str


def folders(tools: Tools, study: StudyFolder, template: Template, planned: Planned) -> tuple[Path, Path]:
    """Give the code folder and the trial folder."""
    if planned.variant == BASELINE:
        code = tools.campaign.baseline_code(template.name, template.digest)
        return code, tools.campaign.baseline_trial(template.name, template.digest, planned.scale, planned.seed)
    return study.variant_code(planned.variant), study.trial(planned.variant, planned.scale, planned.seed)


def find(tools: Tools, study: StudyFolder, template: Template, planned: Planned) -> Trial | None:
    """Give the trial if it is over."""
    _, folder = folders(tools, study, template, planned)
    return Trial.load(folder / "trial.json") if (folder / "trial.json").exists() else None


def run(tools: Tools, study: StudyFolder, template: Template, planned: Planned) -> Trial:
    """Run the trial, unless it is over, and enter it in the journal."""
    code, folder = folders(tools, study, template, planned)
    key = str(folder.relative_to(tools.campaign.folder))
    found = find(tools, study, template, planned)
    if found is None:
        tools.pause()
        tools.afford()
        tools.journal.note(Event.trial_started, key)
    done = trial.run(tools.sandbox, template, code, planned.variant, planned.seed, planned.scale, folder)
    if done != found or not tools.journal.has(Event.trial_ended, key):
        tools.journal.note(Event.trial_ended, key, detail=done.ending, seconds=done.wall_seconds)
    return done


def run_all(tools: Tools, study: StudyFolder, template: Template, plan: tuple[Planned, ...], name: str) -> None:
    """Run `plan` on the executor; on a stop, what runs is finished and nothing new is begun."""
    if any(planned.variant == BASELINE for planned in plan):
        write_baseline_code(tools, template)
    running = [tools.executor.submit(run, tools, study, template, planned) for planned in plan]
    try:
        for done, each in enumerate(as_completed(running), start=1):
            each.result()
            tools.report(Step(name, study.number, f"{done} of {len(plan)} trials", done / len(plan)))
    finally:
        for each in running:
            each.cancel()
        wait(running)


def write_variant(study: StudyFolder, template: Template, variant: str, change: CodeChange) -> None:
    """Write the code that a variant's trials run, and beside it which change that is."""
    source.write(template, change.files, study.variant_code(variant))
    change.save(study.change(variant))


def write_baseline_code(tools: Tools, template: Template) -> None:
    source.write(template, {}, tools.campaign.baseline_code(template.name, template.digest))
