"""Rehearse: does the changed code run at all, at smoke scale?"""

from __future__ import annotations

from agent import trials
from agent.state import State, Step, Tools
from agent.trials import Planned
from papers.evidence import Stage
from templates.trial import TrialEnding


def rehearse(state: State, tools: Tools) -> State:
    planned = Planned(variant=state["variant"], seed=0, scale="smoke")
    trial = trials.run(tools, tools.study(state), tools.template(state), planned)
    rehearsed = trial.ending is TrialEnding.finished
    text = f"runs in {trial.wall_seconds:.1f} s" if rehearsed else f"{trial.ending}: {last_line(trial.message)}"
    tools.report(Step("rehearse", state["number"], text))
    if rehearsed:
        return State(rehearsed=True, stage=Stage.pilot.value)
    return State(rehearsed=False, attempt=state["attempt"] + 1)


def last_line(message: str) -> str:
    return message.strip().splitlines()[-1] if message.strip() else "no message"
