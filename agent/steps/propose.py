"""Propose: open the next study with an idea, its prediction on disk before anything runs."""

from __future__ import annotations

from agent import dossier
from agent.budget import BudgetReachedError, StudyBudgetReachedError
from agent.entry import Event
from agent.llm import MisfitError, RefusedError
from agent.questions import Propose
from agent.researchers.evolution import ExhaustedError
from agent.state import State, Step, Tools
from templates.idea import Idea


def propose(state: State, tools: Tools) -> State:
    number = state["number"]
    opened = next((study for study in tools.campaign.studies() if study.number == number), None)
    idea = Idea.load(opened.idea) if opened else new_idea(number, tools)
    study = opened or tools.campaign.open_study(number, idea)
    if not tools.journal.has(Event.study_opened, study.folder.name):
        tools.journal.note(Event.study_opened, study.folder.name)
    tools.report(Step("propose", number, idea.title))
    return State(
        number=number,
        slug=idea.slug,
        template=idea.template,
        known=False,
        attempt=0,
        variant="",
        rehearsed=False,
        stage="",
        compared=False,
        fixes=0,
        printed=False,
        revisions=0,
        requests=[],
    )


def new_idea(number: int, tools: Tools) -> Idea:
    question = Propose(
        number=number,
        seed=tools.brief.seed,
        templates=tuple(tools.templates.values()),
        archive=dossier.before(tools.campaign, number),
    )
    try:
        return tools.ask("ideas", question, Idea)
    except StudyBudgetReachedError as error:  # there is no study yet that could be concluded
        raise BudgetReachedError(str(error)) from error
    except (MisfitError, RefusedError) as error:
        raise ExhaustedError(f"No idea came for study {number}. {error}") from error
