"""Write: the next draft of the paper, from the dossier of the study."""

from __future__ import annotations

from pydantic import TypeAdapter

from agent import dossier
from agent.campaign import DraftFolder
from agent.questions import Write
from agent.state import State, Step, Tools
from papers.paper import Paper
from papers.problem import Problem


def write(state: State, tools: Tools) -> State:
    number = dossier.draft_number(state)
    draft = tools.study(state).draft(number)
    draft.folder.mkdir(parents=True, exist_ok=True)
    if not draft.study.exists():
        dossier.gather(tools, state).save(draft.study)
    question = Write(
        study=dossier.told(tools, state),
        requests=tuple(state["requests"]),
        problems=problems(tools.study(state).draft(number - 1)) if number > 1 else (),
    )
    paper = tools.ask("writing", question, Paper)
    paper.save(draft.paper)
    tools.report(Step("write", state["number"], f"draft {number}: {paper.title}"))
    return State()


def problems(draft: DraftFolder) -> tuple[Problem, ...]:
    """Read what stopped the last version; nothing did when a revision was asked for."""
    return TypeAdapter(tuple[Problem, ...]).validate_json(draft.problems.read_bytes())
