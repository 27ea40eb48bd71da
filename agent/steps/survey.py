"""Survey: what is known about the idea, before it costs a trial."""

from __future__ import annotations

from agent import dossier
from agent.questions import Related, Survey
from agent.state import State, Step, Tools
from templates.idea import Idea


def survey(state: State, tools: Tools) -> State:
    study = tools.study(state)
    question = Survey(
        idea=Idea.load(study.idea),
        template=tools.template(state),
        archive=dossier.before(tools.campaign, state["number"]),
    )
    related = tools.ask("ideas", question, Related)
    related.save(study.related)
    tools.report(Step("survey", state["number"], related.known or f"{len(related.cited)} related records"))
    return State(known=bool(related.known))
