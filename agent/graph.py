"""The state machine as a picture: nodes, edges, routing functions, nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.state import State, Step, Tools
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
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "survey")
    graph.add_conditional_edges("survey", after_survey, ["implement", "archive"])
    graph.add_edge("implement", "rehearse")
    graph.add_conditional_edges("rehearse", after_rehearse, ["experiment", "implement", "archive"])
    graph.add_edge("experiment", "compare")
    graph.add_conditional_edges("compare", after_compare, ["experiment", "plot", "archive"])
    graph.add_edge("plot", "write")
    graph.add_edge("write", "press")
    graph.add_conditional_edges("press", after_press, ["review", "write", "archive"])
    graph.add_conditional_edges("review", after_review, ["write", "archive"])
    graph.add_conditional_edges("archive", after_archive, ["propose", END])
    return graph.compile(checkpointer=saver)


class Node(Protocol):
    def __call__(self, state: State, *, runtime: Runtime[Tools]) -> State: ...


def node(name: str, step: Callable[[State, Tools], State]) -> Node:
    """Let `step` run with the tools of this walk, unless it is time to pause."""

    def run(state: State, *, runtime: Runtime[Tools]) -> State:
        runtime.context.pause()
        runtime.context.report(Step(name, state["number"], "", done=0.0))
        return step(state, runtime.context)

    return run


def after_survey(state: State) -> str:
    return "archive" if state["known"] else "implement"


def after_rehearse(state: State, runtime: Runtime[Tools]) -> str:
    if state["rehearsed"]:
        return "experiment"
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
    return "write" if state["requests"] else "archive"


def after_archive(state: State, runtime: Runtime[Tools]) -> str:
    return "propose" if state["number"] <= runtime.context.brief.studies else END
