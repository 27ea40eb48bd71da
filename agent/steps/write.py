"""Write: the next draft of the paper, from the dossier of the study."""

from __future__ import annotations

from agent import dossier
from agent.questions import Write
from agent.state import State, Step, Tools
from papers.paper import Paper


def write(state: State, tools: Tools) -> State:
    number = dossier.draft_number(state)
    draft = tools.study(state).draft(number)
    draft.folder.mkdir(parents=True, exist_ok=True)
    if not draft.study.exists():
        dossier.gather(tools, state).save(draft.study)
    question = Write(
        study=dossier.told(tools, state),
        requests=tuple(state["requests"]),
        problems=dossier.problems(tools.study(state).draft(number - 1)) if number > 1 else (),
    )
    paper = tools.ask("writing", question, Paper)
    paper.save(draft.paper)
    tools.report(Step("write", state["number"], f"draft {number}: {paper.title}"))
    return State()
