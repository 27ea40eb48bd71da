"""Press: hold the draft against its evidence, and typeset it if every gate lets it pass."""

from __future__ import annotations

import shutil

from papers.checks import Problem
from pydantic import TypeAdapter

from agent import dossier
from agent.campaign import DraftFolder, StudyFolder
from agent.questions import Fault
from agent.state import State, Step, Tools
from papers import press as printing
from papers.paper import Paper
from papers.study import Study
from sandboxes.record import write_atomically


def press(state: State, tools: Tools) -> State:
    study, number = tools.study(state), dossier.draft_number(state)
    draft = study.draft(number)
    if not draft.problems.exists():
        problems = print_draft(tools, draft)
        faults = tuple(Fault(where=each.where, what=each.what, remedy=each.remedy) for each in problems)
        write_atomically(draft.problems, TypeAdapter(tuple[Fault, ...]).dump_json(faults, indent=1))
    faults = TypeAdapter(tuple[Fault, ...]).validate_json(draft.problems.read_bytes())
    if faults:
        text = f"draft {number} stopped by {len(faults)} problems, first: {faults[0].where}: {faults[0].what}"
        tools.report(Step("press", state["number"], text))
        return State(printed=False, fixes=state["fixes"] + 1)
    publish(study, draft)
    tools.report(Step("press", state["number"], f"draft {number}: {study.paper_pdf}"))
    return State(printed=True)


def print_draft(tools: Tools, draft: DraftFolder) -> tuple[Problem, ...]:
    return printing.print_paper(Paper.load(draft.paper), Study.load(draft.study), tools.sandbox, draft.folder)


def publish(study: StudyFolder, draft: DraftFolder) -> None:
    """Make this draft the study's paper, its source beside it."""
    for path in sorted(draft.folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            shutil.copyfile(path, study.paper / path.name)
