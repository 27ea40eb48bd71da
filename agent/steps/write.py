"""Write: the next draft of the paper, from the dossier of the study."""

from __future__ import annotations

import re

from agent import dossier
from agent.campaign import DraftFolder, StudyFolder
from agent.questions import Write
from agent.researchers.briefing import without_records
from agent.state import State, Step, Tools
from papers.paper import Paper
from papers.study import Study
from reviews.review import Verdict

RECORD = re.compile(r"record (?P<key>\S+)")
"""Where a problem says that a record of the literature cannot be cited."""


def write(state: State, tools: Tools) -> State:
    number, study = dossier.draft_number(state), tools.study(state)
    draft = study.draft(number)
    draft.folder.mkdir(parents=True, exist_ok=True)
    taken_over = not draft.paper.exists() and writer(draft) not in ("", tools.researchers["writing"].name)
    if taken_over or not draft.study.exists():
        dossier.gather(tools, state).save(draft.study)
    paper = tools.ask("writing", question(state, tools, study, number), Paper)
    paper.save(draft.paper)
    tools.report(Step("write", state["number"], "; ".join((f"draft {number}: {paper.title}", *paper.notes))))
    return State()


def writer(draft: DraftFolder) -> str:
    """Name who began the draft, if anybody: the campaign may have gone on with another language model since."""
    if not draft.study.exists():
        return ""
    researchers = Study.load(draft.study).provenance.researchers
    return researchers.get("writing") or researchers["all"]


def question(state: State, tools: Tools, study: StudyFolder, number: int) -> Write:
    """Ask for the paper, or for the next version of it with all that was said of the last one."""
    citable = without_records(dossier.told(tools, state), disputed(study, number))
    requests = tuple(state["requests"])
    if number == 1:
        return Write(study=citable, requests=requests, problems=())
    last = study.draft(number - 1)
    return Write(
        study=citable,
        requests=requests,
        problems=dossier.problems(last) if last.problems.exists() else (),
        draft=Paper.load(last.paper),
        reviews=Verdict.load(last.verdict).reviews if last.verdict.exists() else (),
    )


def disputed(study: StudyFolder, number: int) -> frozenset[str]:
    """Name the records that an earlier version was stopped for: no later one may cite them."""
    earlier = [study.draft(each) for each in range(1, number)]
    found = (problem for draft in earlier if draft.problems.exists() for problem in dossier.problems(draft))
    return frozenset(record["key"] for each in found if each.stops and (record := RECORD.fullmatch(each.where)))
