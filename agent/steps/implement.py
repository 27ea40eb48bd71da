"""Implement: write the idea, or its repair, into a copy of the editable source."""

from __future__ import annotations

import re

from agent import approval, stages, trials
from agent.campaign import StudyFolder
from agent.questions import CodeChange, Failure, Implement, Repair
from agent.state import State, Step, Tools
from agent.trials import Planned
from sandboxes.record import write_atomically
from templates import source, trial
from templates.idea import Idea
from templates.template import Template
from templates.trial import Trial, TrialEnding

REJECTED = "rejected by a person"
"""Ending of code that ran, and that a person did not let pass."""


def implement(state: State, tools: Tools) -> State:
    study, template = tools.study(state), tools.template(state)
    variant = f"{state['slug']}-repair-{state['attempt']}" if state["attempt"] else state["slug"]
    change = ask(state, tools, study, template)
    if not change.files:
        tools.report(Step("implement", state["number"], change.note))
        why = (
            approval.refusal(tools.journal.entries, study.folder.name) or stages.NEVER_PASSED
            if state["attempt"]
            else ""
        )
        return State(failure=f"{why} {change.note or 'It was given up without a reason.'}".strip())
    trials.write_variant(study, template, variant, change)
    write_atomically(study.diff, source.diff(template, change.files))
    tools.report(Step("implement", state["number"], change.note or described(change)))
    return State(variant=variant)


def ask(state: State, tools: Tools, study: StudyFolder, template: Template) -> CodeChange:
    idea = Idea.load(study.idea)
    if state["attempt"] == 0:
        return tools.ask("code", Implement(idea=idea, template=template), CodeChange)
    code = CodeChange.load(study.change(state["variant"]))
    question = Repair(
        idea=idea, template=template, attempt=state["attempt"], code=code, failure=failure(state, tools, code)
    )
    return tools.ask("code", question, CodeChange)


def failure(state: State, tools: Tools, code: CodeChange) -> Failure:
    """Say what is wrong with the code: a person rejected it, or its rehearsal failed."""
    study, template = tools.study(state), tools.template(state)
    if (reason := approval.rejected(tools.journal.entries, study.folder.name, code)) is not None:
        return Failure(ending=REJECTED, message=reason)
    failed = trials.find(tools, study, template, Planned(variant=state["variant"], seed=0, scale="smoke"))
    if failed is None:
        raise LookupError(f"The rehearsal of {state['variant']} that is to be repaired left no trial.json.")
    return Failure(ending=failed.ending, message=steady(failed.message), limit=limit(failed, template))


def steady(message: str) -> str:
    """Leave out what differs when the same code runs again: seconds, and addresses in memory."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", re.sub(r"^(The \w+ ended as .*?) after [\d.]+ s\.", r"\1.", message))


def limit(failed: Trial, template: Template) -> str:
    """Name the limit that a trial hit, with its value."""
    limits = trial.scale_of(template, failed.scale).limits
    match failed.ending:
        case TrialEnding.timed_out:
            return f"{limits.wall_seconds:g} s of wall time or {limits.cpu_seconds:g} s of CPU time"
        case TrialEnding.out_of_memory:
            return f"{limits.memory_bytes / 2**20:.0f} MiB of memory"
        case TrialEnding.too_much_output:
            return f"{limits.output_bytes / 2**20:g} MiB of output, {limits.work_bytes / 2**20:g} MiB of files"
    return ""


def described(change: CodeChange) -> str:
    return ", ".join(f"{each.knob}: {each.before} → {each.after}" for each in change.changes) or "code changed"
