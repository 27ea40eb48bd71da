"""Amend: put the idea as a person changed it in the place of the researcher's; it is surveyed anew."""

from __future__ import annotations

from agent import approval
from agent.state import State, Step, Tools
from templates.idea import Idea


def amend(state: State, tools: Tools) -> State:
    study = tools.study(state)
    said = [each.decision for each in approval.decisions(tools.journal.entries, study.folder.name, "ideas")]
    idea = Idea.model_validate_json(next(each.text for each in said if each.word == "edited"))
    idea.save(study.idea)
    tools.report(Step("amend", state["number"], idea.title))
    return State()
