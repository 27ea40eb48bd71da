"""The state machine as a picture: nodes, edges, routing functions, nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol, get_args

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.budget import StudyBudgetReachedError
from agent.campaign import Point
from agent.entry import Event
from agent.llm import MisfitError, RefusedError
from agent.state import State, Step, Tools
from agent.steps.amend import amend
from agent.steps.approve import approve, undecided
from agent.steps.archive import archive
from agent.steps.compare import compare
from agent.steps.experiment import experiment
from agent.steps.implement import implement
from agent.steps.plot import plot
from agent.steps.press import press
from agent.steps.propose import propose
from agent.steps.rehearse import rehearse
from agent.steps.review import review
from agent.steps.survey import survey
from agent.steps.write import write

STEPS: dict[str, Callable[[State, Tools], State]] = {
    "propose": propose,
    "survey": survey,
    "amend": amend,
    "implement": implement,
    "rehearse": rehearse,
    "experiment": experiment,
    "compare": compare,
    "plot": plot,
    "write": write,
    "press": press,
    "review": review,
    "archive": archive,
}


def build(saver: BaseCheckpointSaver[Any]) -> CompiledStateGraph[State, Tools, State, State]:
    """Draw the graph and make it ready to run, remembering in `saver`."""
    graph = StateGraph(State, context_schema=Tools)
    for name, step in STEPS.items():
        graph.add_node(name, node(name, step))
    for point in get_args(Point):
        graph.add_node(f"approve_{point}", approval(point))
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "survey")
    graph.add_conditional_edges("survey", after_survey, ["approve_ideas", "archive"])
    graph.add_conditional_edges("approve_ideas", after_approve_ideas, ["implement", "amend", "archive"])
    graph.add_edge("amend", "survey")
    graph.add_conditional_edges("implement", unless_failed("rehearse"), ["rehearse", "archive"])
    graph.add_conditional_edges("rehearse", after_rehearse, ["approve_code", "implement", "archive"])
    graph.add_conditional_edges("approve_code", after_approve_code, ["experiment", "rehearse", "implement", "archive"])
    graph.add_conditional_edges("experiment", unless_failed("compare"), ["compare", "archive"])
    graph.add_conditional_edges("compare", after_compare, ["experiment", "plot", "archive"])
    graph.add_edge("plot", "write")
    graph.add_conditional_edges("write", unless_failed("press"), ["press", "archive"])
    graph.add_conditional_edges("press", after_press, ["review", "write", "archive"])
    graph.add_conditional_edges("review", after_review, ["write", "approve_paper"])
    graph.add_conditional_edges("approve_paper", after_approve_paper, ["archive", "press", "write"])
    graph.add_conditional_edges("archive", after_archive, ["propose", END])
    return graph.compile(checkpointer=saver)


class Node(Protocol):
    def __call__(self, state: State, *, runtime: Runtime[Tools]) -> State: ...


def node(name: str, step: Callable[[State, Tools], State]) -> Node:
    """Let `step` run with the tools of this walk, unless it is time to pause.

    A question that finds no answer, or a budget of its own that is used up, ends the study, never the campaign.
    """

    def run(state: State, *, runtime: Runtime[Tools]) -> State:
        tools = runtime.context
        tools.pause()
        tools.report(Step(name, state["number"], "", done=0.0))
        try:
            return State(failure="") | step(state, tools)
        except (MisfitError, RefusedError) as error:
            failure = str(error)
        except StudyBudgetReachedError as error:
            if not tools.journal.overdrawn:
                tools.journal.note(Event.overdrawn, str(tools.journal.study), detail=error.used)
            failure = f"Its own budget is used up: {error.used}."
        tools.report(Step(name, state["number"], f"came to nothing: {failure}"))
        return State(failure=failure)

    return run


def unless_failed(following: str) -> Callable[[State], str]:
    def route(state: State) -> str:
        return "archive" if state["failure"] else following

    return route


def approval(point: Point) -> Node:
    """Let a person say their word first, where one is wanted.

    What they say is in the journal before the walk goes on, so that the interrupted node finds it there and no value
    need be handed back to it.
    """

    def run(state: State, *, runtime: Runtime[Tools]) -> State:
        runtime.context.pause()
        if (pending := undecided(point, state, runtime.context)) is not None:
            interrupt(pending.model_dump(mode="json"))
        return approve(point, state, runtime.context)

    return run


def after_survey(state: State) -> str:
    return "archive" if state["known"] or state["failure"] else "approve_ideas"


def after_approve_ideas(state: State) -> str:
    return {"approved": "implement", "edited": "amend", "rejected": "archive"}[state["word"]]


def after_rehearse(state: State, runtime: Runtime[Tools]) -> str:
    if state["failure"]:
        return "archive"
    return "approve_code" if state["rehearsed"] else repair_or_end(state, runtime)


def after_approve_code(state: State, runtime: Runtime[Tools]) -> str:
    if state["word"] == "rejected":
        return repair_or_end(state, runtime)
    return "rehearse" if state["word"] == "edited" else "experiment"


def repair_or_end(state: State, runtime: Runtime[Tools]) -> str:
    return "implement" if state["attempt"] <= runtime.context.brief.repairs else "archive"


def after_compare(state: State) -> str:
    if state["stage"]:
        return "experiment"
    return "plot" if state["compared"] else "archive"


def after_press(state: State, runtime: Runtime[Tools]) -> str:
    if state["printed"]:
        return "review"
    return "write" if state["fixes"] <= runtime.context.brief.fixes else "archive"


def after_review(state: State) -> str:
    return "write" if state["requests"] and not state["failure"] else "approve_paper"


def after_approve_paper(state: State) -> str:
    if state["word"] == "edited":
        return "press"
    return "write" if state["word"] == "rejected" and state["requests"] else "archive"


def after_archive(state: State, runtime: Runtime[Tools]) -> str:
    return "propose" if state["number"] <= runtime.context.brief.studies else END
